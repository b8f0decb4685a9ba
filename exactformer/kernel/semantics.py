"""What the networks compute: one evaluator on forms, for cells and (with constant forms) for single points.

Hard attention is the limit of softmax attention: weight 1/|S| on each token of the set S of largest scores
(tie rule "average"), or weight 1 on the first or last of them ("leftmost", "rightmost").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from .cell import Cell
from .forms import ZERO, Atoms, Form, combine, constant_form, difference, ratio, scaled
from .networks import Head, Maxout, Network, Transformer
from .reading import NotAffine

TIES = ("average", "leftmost", "rightmost")


@dataclass(frozen=True)
class Run:
    """How far one network has been evaluated on a cell."""

    network: Network
    side: str  # the first letter of the names of its places
    tie: str
    sublayer: int
    states: list[list[Form]]  # one vector of forms per token
    places: dict[str, int]
    outputs: list[Form] | None = None
    stuck: Stuck | None = None
    ties: int = 0  # how often the tie rule decided


@dataclass(frozen=True)
class Stuck:
    """A head whose winner is not known on the cell: the tokens still possible, with their scores."""

    place: str
    scores: dict[int, Form]


def start(network: Network, side: str, tie: str, inputs: list[Form]) -> Run:
    """The evaluation before the first layer, on the given input forms."""
    states = [emb(inputs) for emb in network.embedding] if isinstance(network, Transformer) else [inputs]
    return Run(network, side, tie, 0, states, {})


def advance(run: Run, cell: Cell) -> Run:
    """Evaluate on the cell as far as possible: to the outputs, or to a head that is stuck."""
    if run.outputs is not None:
        return run
    places: dict[str, int] = dict(run.places)
    if isinstance(run.network, Maxout):
        return replace(run, outputs=_maxout(run.network, run.side, run.states[0], cell, places), places=places)
    net, states, ties = run.network, run.states, run.ties
    for index, live in enumerate(_live(net)):
        if index < run.sublayer:
            continue
        block, part = net.sublayers[index]
        where = f"{run.side}{block}"
        if isinstance(part, tuple):
            updates: dict[int, list[Form]] = {}
            for t in live:
                inner = part[0](states[t])
                hidden = [_maximum(cell, places, f"{where}.f{i}.t{t}", (u, ZERO)) for i, u in enumerate(inner)]
                updates[t] = part[1](hidden)
        else:
            try:
                updates, used = _attention(net, part, run.tie, where, states, live, cell, places)
            except _Undecided as undecided:
                stuck = replace(run, sublayer=index, states=states, places=places, ties=ties)
                return replace(stuck, stuck=undecided.stuck)
            ties += used
        if net.residual:
            for t, update in updates.items():
                updates[t] = [combine(((1, x), (1, u))) for x, u in zip(states[t], update, strict=True)]
        tidied = {t: [cell.atoms.tidy(x) for x in update] for t, update in updates.items()}
        states = [tidied.get(t, state) for t, state in enumerate(states)]
    return replace(run, outputs=net.readout(states[net.token]), places=places, stuck=None, ties=ties)


def _live(net: Transformer) -> list[range]:
    """For each sublayer the tokens whose state after it the read-out depends on: only these are evaluated."""
    live = range(net.token, net.token + 1)
    result = []
    for _, part in reversed(net.sublayers):
        result.append(live)
        if isinstance(part, list) and part:
            live = range(live.stop if net.causal else len(net.embedding))
    return result[::-1]


def evaluate(network: Network, point: Sequence[Fraction], tie: str) -> list[Fraction]:
    """The exact value of the network at a point: the same evaluator on constant forms, which decide everything."""
    cell = Cell(Atoms((), ()), (), {})
    run = advance(start(network, "L", tie, [constant_form(x) for x in point]), cell)
    return [y.at([1]) for y in run.outputs or ()]


class _Undecided(Exception):
    def __init__(self, stuck: Stuck) -> None:
        super().__init__(stuck.place)
        self.stuck = stuck


def _maximum(cell: Cell, places: dict[str, int], place: str, forms: Sequence[Form]) -> Form:
    """The maximum on the cell; when it is a new unknown, the atom is entered under its place."""
    value = cell.maximum(forms)
    if len(value.terms) == 1:
        (v,) = value.terms
        if v in cell.atoms.candidates and value.den == value.terms[v] == 1:
            places[place] = v
    return value


def _maxout(net: Maxout, side: str, state: list[Form], cell: Cell, places: dict[str, int]) -> list[Form]:
    for number, (rank, pieces) in enumerate(net.layers):
        values = pieces(state)
        if rank == 0:
            groups = [(u, ZERO) for u in values]
        else:
            groups = [tuple(values[i : i + rank]) for i in range(0, len(values), rank)]  # type: ignore[misc]
        state = [_maximum(cell, places, f"{side}{number}.u{i}", group) for i, group in enumerate(groups)]
    return net.output(state)


def _attention(
    net: Transformer,
    heads: list[Head],
    tie: str,
    where: str,
    states: list[list[Form]],
    live: range,
    cell: Cell,
    places: dict[str, int],
) -> tuple[dict[int, list[Form]], int]:
    """The updates of the live tokens by one attention sublayer, and how often the tie rule decided."""
    updates: dict[int, list[list[tuple[int, Form]]]] = {q: [[] for _ in states[0]] for q in live}
    ties = 0
    for h, head in enumerate(heads):
        keys = [head.key(state) for state in (states[: live.stop] if net.causal else states)]
        for q in live:
            query = head.query(states[q])
            visible = range(q + 1 if net.causal else len(states))
            scores = {t: _score(keys[t], query, f"{where}.h{h}.q{q}") for t in visible}
            result, used = _head(head, scores, tie, f"{where}.h{h}.q{q}", states, cell, places)
            ties += used
            for index, form in enumerate(head.output(result)):
                if form.terms:
                    updates[q][index].append((1, form))
    return {q: list(map(combine, token)) for q, token in updates.items()}, ties


def _score(key: list[Form], query: list[Form], place: str) -> Form:
    """Rule *score*: key times query, affine when one factor of every product is constant."""
    parts = []
    for k, q in zip(key, query, strict=True):
        if not k.terms or not q.terms:
            continue
        factor, form = q.constant(), k
        if factor is None:
            factor, form = k.constant(), q
        if factor is None:
            raise NotAffine(
                f"{place}: expected an affine score, found a product of two values that depend on the input"
            )
        parts.append((1, scaled(form, factor)))
    return combine(parts)


def _head(
    head: Head,
    scores: dict[int, Form],
    tie: str,
    place: str,
    states: list[list[Form]],
    cell: Cell,
    places: dict[str, int],
) -> tuple[list[Form], bool]:
    """The value one head hands to one query token, and whether the tie rule was needed."""
    scores = {t: cell.resolve(form) for t, form in scores.items()}
    # Rule *dominated*: a token with a score strictly below another's carries no weight.
    alive = [t for t in scores if not any(r != t and cell.sign(difference(scores[r], scores[t])) == 1 for r in scores)]
    alive = alive or [0]  # all are dominated only where splits on the path contradict one another: no point is left
    values = {t: [cell.resolve(form) for form in head.value(states[t])] for t in alive}
    if len(alive) == 1:
        return values[alive[0]], False
    # Rule *tie-proof*: values that are one affine function of the score, v = v_r + c (s - s_r), make the head
    # v_r + c (max s - s_r) under every tie rule: tied tokens then carry the same value.
    plain = {t: cell.atoms.expanded(scores[t]) for t in alive}
    slopes = [
        _slope([cell.atoms.expanded(values[t][j]) for t in alive], [plain[t] for t in alive])
        for j in range(head.value.height)
    ]
    if None not in slopes:
        r = alive[0]
        if any(slopes):
            top = difference(_maximum(cell, places, place, [scores[t] for t in alive]), scores[r])
        return [
            combine(((1, v), (1, scaled(top, c)))) if c else v for v, c in zip(values[r], slopes, strict=True)
        ], False
    # Rule *tie*: all remaining scores are equal on the cell, and the tie rule picks.
    if all(cell.sign(difference(scores[t], scores[alive[0]])) == 0 for t in alive):
        chosen = {"average": alive, "leftmost": alive[:1], "rightmost": alive[-1:]}[tie]
        return [combine([(1, values[t][j]) for t in chosen], len(chosen)) for j in range(head.value.height)], True
    raise _Undecided(Stuck(place, {t: scores[t] for t in alive}))


def _slope(values: list[Form], scores: list[Form]) -> Fraction | None:
    """The c with values[t] - values[0] = c (scores[t] - scores[0]) for all t; None when there is none."""
    rises = [difference(v, values[0]) for v in values[1:]]
    runs = [difference(s, scores[0]) for s in scores[1:]]
    if not any(rise.terms for rise in rises):
        return Fraction(0)
    slope = next((ratio(rise, run) for rise, run in zip(rises, runs, strict=True) if run.terms), None)
    if slope is None or any(scaled(run, slope).key() != rise.key() for rise, run in zip(rises, runs, strict=True)):
        return None
    return slope
