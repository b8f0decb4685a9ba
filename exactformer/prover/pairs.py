"""Which places of the right side are near which of the left: a value is an earlier one plus a small difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from exactformer.compiler.correspondence import Correspondence
from exactformer.kernel.claims import Goal
from exactformer.kernel.forms import ONE, Form, constant_form, difference
from exactformer.kernel.reading import NotAffine
from exactformer.networks import Affine, MaxoutLayer, MaxoutNetwork, Network, ReluNetwork, Transformer, layered
from exactformer.networks.walk import Attention, sublayers
from exactformer.prover.question import Question
from exactformer.rational import nearly

FeedForwardNetwork = MaxoutNetwork | ReluNetwork
Pairs = dict[str, str]  # place of the right side -> place of the left side


def pairs_of(question: Question, goal: Goal) -> Pairs:
    """The pairs of a question about two networks, from the evaluation `goal` of its whole domain.

    Networks of one shape are paired place by place, units of maxout and ReLU networks with those of the most similar
    weights. Otherwise places are paired that have one value, up to a constant, when attention is hard; then, by the
    correspondence if there is one, what is left of the units.
    """
    if question.right is None:
        return {}
    left, right = layered(question.left), layered(question.right)
    if _shape(left) == _shape(right):
        if isinstance(left, Transformer) or isinstance(right, Transformer) or left.kind != right.kind:
            return {f"R{place}": f"L{place}" for place in places_of(left)}
        partners = enumerate(similar_units(left, right))
        return {f"R{layer}.u{j}": f"L{layer}.u{i}" for layer, units in partners for j, i in enumerate(units)}
    return {**dict(_placed(question)), **_same(question, goal)}


def places_of(network: Network) -> Iterator[str]:
    """The places of a network, without the letter of a side, as the kernel names them."""
    network = layered(network)
    if not isinstance(network, Transformer):
        yield from (f"{layer}.u{unit}" for layer, width in enumerate(network.widths) for unit in range(width))
        return
    for step in sublayers(network)[1]:
        number, block = step.block, network.blocks[step.block]
        if isinstance(step, Attention):
            yield from (f"{number}.h{h}.q{q}" for q in step.live for h in range(len(step.heads)))
        elif block.feedforward is not None:
            size = block.feedforward.inner.outputs
            yield from (f"{number}.f{i}.t{t}" for t in step.live for i in range(size))


def similar_units(left: FeedForwardNetwork, right: FeedForwardNetwork) -> list[list[int]]:
    """For each layer and unit of the right network a unit of the left one, none twice, with nearly the same weights.

    Layer by layer, with the units of the layer before in the order of their partners. A layer whose units are nearest
    to different ones is paired so; otherwise the nearest two come first.
    """
    result: list[list[int]] = []
    order = np.arange(left.inputs)
    layers: list[tuple[MaxoutLayer | Affine, ...]] = [left.layers, right.layers]
    for own, other in zip(*layers, strict=True):
        ours, theirs = _flat(own, order), _flat(other, np.arange(len(order)))
        with np.errstate(all="ignore"):  # numbers beyond the range of floats make bad guesses, no more
            gaps = (ours**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)[None, :] - 2 * ours @ theirs.T
        order = gaps.argmin(axis=0)
        if len(set(order)) < len(order):
            order = _nearest_first(gaps)
        result.append([int(i) for i in order])
    return result


def _nearest_first(gaps: Any) -> Any:
    """For each column a row of its own: again and again the smallest gap whose row and column are both free."""
    partner, free, left = np.full(len(gaps), -1), np.ones(len(gaps), dtype=bool), len(gaps)
    for flat in np.argsort(gaps, axis=None, kind="stable"):
        i, j = divmod(int(flat), len(gaps))
        if partner[j] < 0 and free[i]:
            partner[j], free[i], left = i, False, left - 1
            if not left:
                break
    return partner


def _flat(layer: MaxoutLayer | Affine, order: Any) -> Any:
    """The weights of each unit in a row, its inputs in this order, then its biases; as floats, which only guess."""
    part, rank = (layer, 1) if isinstance(layer, Affine) else (layer.pieces, layer.rank)
    weights = np.array([[nearly(x) for x in row] for row in part.weights.dense()]).reshape(part.outputs, -1)
    biases = np.array([nearly(b) for b in part.biases.fractions()])[:, None]
    return np.concatenate([weights[:, order], biases], axis=1).reshape(part.outputs // rank, -1)


def _shape(network: Network) -> object:
    """What two networks have in common whose places mean the same."""
    network = layered(network)
    if isinstance(network, Transformer):
        return network.tokens, network.mask, tuple(places_of(network))
    return network.widths, tuple(getattr(layer, "rank", 2) for layer in network.layers)


def _same(question: Question, goal: Goal) -> Pairs:
    """The heads and units of the right side that, read hard, have the value of one of the left, up to a constant."""
    if question.soft:
        hard = tuple(replace(semantics, temperature=(), base="e") for semantics in question.semantics)
        try:
            goal = replace(question, semantics=hard).goal()
        except NotAffine:
            return {}
    first: dict[object, str] = {}
    for place, atom in goal.cell.places.items():
        if place.startswith("L"):
            first.setdefault(_value(goal, atom), place)
    found = ((place, first.get(_value(goal, atom))) for place, atom in goal.cell.places.items() if _is_unit(place))
    return {place: partner for place, partner in found if partner is not None}


def _value(goal: Goal, atom: int) -> object:
    """What atoms have in common that are equal up to a constant."""
    terms = goal.cell.atoms.expanded(Form({atom: 1}))
    return difference(terms, constant_form(Fraction(terms.terms.get(ONE, 0), terms.den))).key()


def _is_unit(place: str) -> bool:
    """Whether it is a unit or a head of the right side, which softmax changes."""
    return place.startswith("R") and ".f" not in place


def _placed(question: Question) -> Iterable[tuple[str, str]]:
    """The heads of the right side that take the maxima of the left side's units, by the correspondence."""
    where, right = question.correspondence, question.right
    if not isinstance(where, Correspondence) or not isinstance(right, Transformer):
        return
    for unit in where.units:
        for h in unit.heads:
            for q in range(right.tokens):
                yield f"R{unit.block}.h{h}.q{q}", f"L{unit.layer}.u{unit.unit}"
