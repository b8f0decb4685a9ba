"""A two-sided trace at a witness: what each side computes, and where a Transformer first leaves its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import zip_longest

from exactformer.claims import Claim
from exactformer.compiler import CONSTRUCTIONS, Correspondence, compile_network
from exactformer.domain import Domain
from exactformer.errors import ExactformerError
from exactformer.networks import Network, Transformer
from exactformer.networks.semantics import Semantics
from exactformer.prover.outcome import Point, TraceLine
from exactformer.prover.question import Question, evaluate_exactly
from exactformer.rational import Vector, exact_text

MAX_LINES = 24
Units = dict[tuple[str, int], str]  # the source unit behind a coordinate after a sublayer


@dataclass(frozen=True)
class Side:
    """A network, and how its attention is read."""

    network: Network
    semantics: Semantics


def trace(question: Question, point: Point) -> tuple[TraceLine, ...]:
    """How the two evaluations of a claim at one input part; nothing for other claims.

    The values on both sides, state by state where the states can be compared, then the outputs.
    Two Transformers of one shape are compared directly. A maxout or ReLU network against a Transformer is compared
    through the construction whose shape the Transformer has, if any: that says which block, sublayer, token and
    coordinate first differ from what the source asks for, and, through the correspondence, which source unit.
    Wanted is what the left side computes, unless it alone is a Transformer. A claim that lets the sides differ asks
    nothing of their states: of such only the outputs are shown, and how they may lie.
    """
    runs = question.runs(point)
    if len(runs) != 2 or runs[0].inputs != runs[1].inputs:
        return ()
    left, right = (Side(question.networks[run.network], question.read(run)) for run in runs)
    alone = isinstance(left.network, Transformer) and not isinstance(right.network, Transformer)
    wanted, found = (right, left) if alone else (left, right)
    lines = _states_of(question, wanted, found, point) if question.claim.equations else []
    values = (evaluate_exactly(side.network, point, side.semantics) for side in (wanted, found))
    for i, (a, b) in enumerate(zip(*values, strict=True)):
        lines.append(_output(question.claim, i, a, b, left_is_found=alone))
    return tuple(lines)


def _states_of(question: Question, wanted: Side, found: Side, point: Point) -> list[TraceLine]:
    """The states that can be compared: of Transformers of one shape, or of a source and its Transformer."""
    if not isinstance(found.network, Transformer):
        return []
    if isinstance(wanted.network, Transformer):
        return _states(wanted, found, point, {}) if _shape(wanted.network) == _shape(found.network) else []
    if question.correspondence is not None:
        return _unit_by_unit(wanted.network, found, question.correspondence, point)
    return _against_source(wanted.network, found, question.domain, point)


def _output(claim: Claim, number: int, wanted: Fraction, found: Fraction, *, left_is_found: bool) -> TraceLine:
    """An output of the one side, and what the claim asks of it, given the other side's."""
    sides = (found, wanted) if left_is_found else (wanted, found)
    agrees = claim.contradicted([[value] for value in sides]) == "no"
    asked = claim.asks(exact_text(wanted), of_left=left_is_found)
    return TraceLine(f"output {number}", exact_text(found), asked, agrees)


def _against_source(source: Network, found: Side, domain: Domain, point: Point) -> list[TraceLine]:
    right = found.network
    assert isinstance(right, Transformer)
    for construction in CONSTRUCTIONS:
        try:
            compiled = compile_network(source, construction=construction, domain=domain)
        except ExactformerError:
            continue
        if _shape(compiled.transformer) == _shape(right):
            return _states(replace(found, network=compiled.transformer), found, point, _units(compiled.correspondence))
    return []


def _unit_by_unit(source: Network, found: Side, correspondence: Correspondence, point: Point) -> list[TraceLine]:
    """For each unit of the source what it computes, and what stands at its place in the Transformer."""
    right = found.network
    assert not isinstance(source, Transformer) and isinstance(right, Transformer)
    wanted, states = source.states(point), right.states(point, tie=found.semantics.tie)
    after = [_names(right).index(f"block {place.block}, attention") for place in correspondence.units]
    lines = []
    for sublayer, place in sorted(zip(after, correspondence.units, strict=True), key=lambda pair: pair[0]):
        state = states[sublayer][right.token]
        has = sum((state[c] for c in place.coordinates), Fraction(0))
        should = wanted[place.layer + 1][place.unit]
        where = f"block {place.block}, attention, token {right.token}, coordinates {list(place.coordinates)}"
        name = f"{where} (unit {place.unit} of layer {place.layer})"
        lines.append(TraceLine(name, exact_text(has), exact_text(should), has == should))
    return lines


def _units(correspondence: Correspondence) -> Units:
    """The source unit behind a coordinate after a sublayer."""
    units = {}
    for place in correspondence.units:
        text = f"unit {place.unit} of layer {place.layer}"
        for coordinate in place.coordinates:
            units[f"block {place.block}, attention", coordinate] = text
        if place.pieces is not None:
            units[f"block {place.block - 1}, feed-forward", place.pieces] = f"piece of {text}"
    return units


def _states(wanted: Side, found: Side, point: Point, units: Units) -> list[TraceLine]:
    """One line a state, and in the first state that differs one a coordinate, with the heads that part there."""
    lines: list[TraceLine] = []
    agreed = True
    one, other = wanted.network, found.network
    assert isinstance(one, Transformer) and isinstance(other, Transformer)
    pairs = zip(one.states(point, tie=wanted.semantics.tie), other.states(point, tie=found.semantics.tie), strict=True)
    before: Sequence[Vector] = ()
    for name, (expected, actual) in zip(_names(other), pairs, strict=True):
        differing = _differing(expected, actual)
        if not differing:
            lines.append(TraceLine(name, "as wanted", "as wanted", True))
        elif not agreed:
            lines.append(TraceLine(name, f"{len(differing)} coordinates differ", "as wanted", False))
        else:
            agreed = False
            asked, made = (_added(name, side, before) for side in (wanted, found))
            for token, coordinate in differing[:MAX_LINES]:
                unit, heads = units.get((name, coordinate)), _heads(asked, made, token, coordinate)
                place = f"{name}{heads}, token {token}, coordinate {coordinate}" + (f" ({unit})" if unit else "")
                lines.append(
                    TraceLine(
                        place, exact_text(actual[token][coordinate]), exact_text(expected[token][coordinate]), False
                    )
                )
        before = expected
    return lines


def _added(name: str, side: Side, before: Sequence[Vector]) -> list[list[Vector]]:
    """What each head of an attention sublayer adds to each token; nothing for another sublayer."""
    if not name.endswith(", attention"):
        return []
    transformer = side.network
    assert isinstance(transformer, Transformer)
    block = int(name.split(",")[0].removeprefix("block "))
    return [
        transformer.attended(head, before, tie=side.semantics.tie) for head in transformer.blocks[block].heads or ()
    ]


def _heads(wanted: list[list[Vector]], found: list[list[Vector]], token: int, coordinate: int) -> str:
    """The heads that add different amounts there."""
    amounts = [[head[token][coordinate] for head in heads] for heads in (wanted, found)]
    pairs = enumerate(zip_longest(*amounts, fillvalue=Fraction(0)))
    numbers = [str(number) for number, (a, b) in pairs if a != b]
    return f", head{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}" if numbers else ""


def _differing(expected: Sequence[Vector], actual: Sequence[Vector]) -> list[tuple[int, int]]:
    return [
        (t, c) for t, (a, b) in enumerate(zip(expected, actual, strict=True)) for c in range(len(a)) if a[c] != b[c]
    ]


def _names(transformer: Transformer) -> list[str]:
    names = ["embedding"]
    for b, block in enumerate(transformer.blocks):
        names += [f"block {b}, attention"] if block.heads is not None else []
        names += [f"block {b}, feed-forward"] if block.feedforward is not None else []
    return names


def _shape(transformer: Transformer) -> object:
    parts = [(block.heads is not None, block.feedforward is not None) for block in transformer.blocks]
    return transformer.inputs, transformer.tokens, transformer.width, tuple(parts)
