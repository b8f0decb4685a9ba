"""What the networks compute: one evaluator on forms, for cells and (with constant forms) for single points.

Hard attention is the limit of softmax attention: weight 1/|S| on each token of the set S of largest scores
(tie rule "average"), or weight 1 on the first or last of them ("leftmost", "rightmost"). At a finite temperature a head
is softmax attention, and each unit of a maxout or ReLU network is the mean of its pieces under softmax of themselves;
the maxima of feed-forward layers stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from .cell import Cell
from .forms import ONE, ZERO, Form, Vector, combine, constant_form, difference, negated, ratio, scaled, vector
from .functions import Function, Step
from .networks import Head, Maxout, Network, Transformer
from .reading import NotAffine
from .softmax import Rate

TIES = ("average", "leftmost", "rightmost")


@dataclass(frozen=True)
class Semantics:
    """How attention is read: hard, with a rule for tied tokens, one of `TIES`; or softmax, at a rate for each layer.

    The layers are those of a maxout network, or the attention layers of a Transformer.
    """

    tie: str
    rates: tuple[Rate, ...] = ()  # none: hard

    @property
    def soft(self) -> bool:
        """Whether values are those of softmax."""
        return bool(self.rates)

    def rate(self, layer: int) -> Rate | None:
        """The rate of a layer, None for hard attention."""
        return self.rates[layer] if self.rates else None


@dataclass(frozen=True)
class Run:
    """How far one network has been evaluated on a cell."""

    network: Network
    side: str  # the first letter of the names of its places
    semantics: Semantics
    sublayer: int
    states: Mapping[int, Vector]  # of the tokens that the outputs may depend on
    places: dict[str, int]
    outputs: Vector | None = None
    stuck: Stuck | None = None
    ties: int = 0  # how often the tie rule decided

    @property
    def begun(self) -> bool:
        """Whether the first layer has been reached: then the outputs are known, or a head is stuck."""
        return self.outputs is not None or self.stuck is not None

    @property
    def vectors(self) -> list[Vector]:
        """What the rest of the evaluation depends on: the outputs, or the states before the layer that is stuck."""
        return list(self.states.values()) if self.outputs is None else [self.outputs]

    def renewed(self, vectors: Sequence[Vector]) -> Run:
        """The same run with others of these; zeros are left out, and no place has been met."""
        kept = list(map(_nonzero, vectors))
        if self.outputs is None:
            return replace(self, places={}, states=dict(zip(self.states, kept, strict=True)))
        return replace(self, places={}, states={}, outputs=kept[0])


@dataclass(frozen=True)
class Stuck:
    """A head whose winner is not known on the cell: the tokens still possible, with their scores."""

    place: str
    scores: dict[int, Form]


def start(network: Network, side: str, semantics: Semantics, inputs: Sequence[Form]) -> Run:
    """The evaluation before the first layer, on the given input forms."""
    x = vector(inputs)
    states = {t: embed(x) for t, embed in enumerate(network.embedding)} if isinstance(network, Transformer) else {0: x}
    return Run(network, side, semantics, 0, states, {})


def advance(run: Run, cell: Cell) -> Run:
    """Evaluate on the cell as far as possible: to the outputs, or to a head that is stuck."""
    if run.outputs is not None:
        return run
    places: dict[str, int] = dict(run.places)
    if isinstance(run.network, Function):
        value = _function(run.network, run.side, run.states[0], cell, places)
        return replace(run, outputs=_nonzero({0: value}), places=places)
    if isinstance(run.network, Maxout):
        outputs = _maxout(run.network, run.side, run.semantics, run.states[0], cell, places)
        return replace(run, outputs=outputs, places=places)
    net, states, ties = run.network, run.states, run.ties
    layer = sum(isinstance(part, list) for _, part in net.sublayers[: run.sublayer])
    for index, live in enumerate(_live(net)):
        if index < run.sublayer:
            continue
        block, part = net.sublayers[index]
        where = f"{run.side}{block}"
        if isinstance(part, tuple):
            updates: dict[int, Vector] = {}
            for t in live:
                inner = part[0](states[t])
                hidden = {i: maximum(cell, places, f"{where}.f{i}.t{t}", (u, ZERO)) for i, u in inner.items()}
                updates[t] = part[1](_nonzero(hidden))
        else:
            try:
                rate = run.semantics.rate(layer)
                rule = rate or run.semantics.tie
                updates, used = _attention(net, part, rule, where, states, live, run.stuck, cell, places)
            except _Undecided as undecided:
                stuck = replace(run, sublayer=index, states=states, places=places, ties=ties)
                return replace(stuck, stuck=undecided.stuck)
            ties += used
            layer += 1
        states = {t: _updated(states[t] if net.residual else {}, update, cell) for t, update in updates.items()}
    return replace(run, outputs=net.readout(states[net.token]), places=places, stuck=None, ties=ties)


def needed(run: Run) -> Run:
    """The same run without states that it does not need: those of tokens that cannot win at a layer's only head.

    Sound: on the cell these have smaller scores than others, and so they have on every part of it.
    """
    if run.stuck is None or not isinstance(run.network, Transformer):
        return run
    heads, live = run.network.sublayers[run.sublayer][1], _live(run.network)[run.sublayer]
    if len(heads) * len(live) > 1:
        return run
    return replace(run, states={t: run.states[t] for t in sorted({*live, *run.stuck.scores})})


def _function(function: Function, side: str, state: Vector, cell: Cell, places: dict[str, int]) -> Form:
    """Rule *function*: what is piecewise linear is a form; of all else the outermost parts are variables.

    Sound: the sum is the last step taken apart. Each step that is no form is one of a variable, as what no step uses
    counts as outermost, too; and a variable is defined where all its steps are.
    """
    steps, forms = function.steps, _piecewise(function, side, state, cell, places)
    used = {i for step in steps if step.operation != "input" for i in step.of}
    shares = {k: Fraction(0) for k in range(len(steps)) if k not in used}  # of what is outermost, its factor in the sum
    shares[len(steps) - 1] = Fraction(1)
    parts: list[tuple[int, Form]] = []
    for k in reversed(range(len(steps))):
        if k not in shares:
            continue
        form, terms = forms[k], function.linear(steps[k])
        if terms is not None:
            for factor, i in terms:
                shares[i] = shares.get(i, Fraction(0)) + factor * shares[k]
            continue
        if form is None:
            form = cell.atoms.function(_program(function, k, forms, cell.atoms.inputs))
        parts.append((1, scaled(form, shares[k])))
    return combine(parts)


def _piecewise(function: Function, side: str, state: Vector, cell: Cell, places: dict[str, int]) -> list[Form | None]:
    """The values of the steps: forms where a step and all that it uses are piecewise linear, None for the others."""
    forms: list[Form | None] = []
    for k, step in enumerate(function.steps):
        if step.operation == "input":
            forms.append(state.get(step.of[0], ZERO))
            continue
        of = [form for i in step.of if (form := forms[i]) is not None]
        place = f"{side}.s{k}"
        if len(of) < len(step.of):
            forms.append(None)
        elif step.operation == "number":
            forms.append(constant_form(step.number))
        elif step.operation == "maximum":
            forms.append(maximum(cell, places, place, of))
        elif step.operation == "minimum":
            forms.append(negated(maximum(cell, places, place, list(map(negated, of)))))
        elif step.operation == "absolute":
            forms.append(maximum(cell, places, place, (*of, negated(*of))))
        else:
            terms, values = function.linear(step), dict(zip(step.of, of, strict=True))
            forms.append(None if terms is None else combine([(1, scaled(values[i], factor)) for factor, i in terms]))
    return forms


def _program(function: Function, last: int, forms: Sequence[Form | None], inputs: int) -> Function:
    """A step as a function of the variables of the claim; steps that are forms in these alone are written out.

    Steps come in the order in which the last one needs them, and none twice: so it depends on what is computed alone.
    """
    steps: dict[Step, int] = {}

    def added(operation: str, of: tuple[int, ...] = (), number: Fraction = Fraction(0)) -> int:
        return steps.setdefault(Step(operation, of, number), len(steps))

    def written(form: Form) -> int:
        parts = []
        for v, c in sorted(form.terms.items()):
            factors = [added("number", (), Fraction(c, form.den))] if not v or c != form.den else []
            factors += [added("input", (v - 1,))] if v else []
            parts.append(factors[0] if len(factors) == 1 else added("multiply", tuple(factors)))
        total = parts[0] if parts else added("number")
        for part in parts[1:]:
            total = added("add", (total, part))
        return total

    numbers: dict[int, int] = {}
    stack = [last]  # of our own in place of recursion: programs may be deep
    while stack:
        form, step = forms[stack[-1]], function.steps[stack[-1]]
        if form is not None and max(form.terms, default=ONE) <= inputs:
            numbers[stack.pop()] = written(form)
        elif waiting := [i for i in step.of if i not in numbers]:
            stack += reversed(waiting)
        else:
            numbers[stack.pop()] = added(step.operation, tuple([numbers[i] for i in step.of]), step.number)
    return Function(inputs, tuple(steps))


def _updated(state: Vector, update: Vector, cell: Cell) -> Vector:
    """The sum of the two; what changed is tidied."""
    changed = {i: cell.atoms.tidy(combine(((1, state[i]), (1, u))) if i in state else u) for i, u in update.items()}
    return _nonzero(state | changed)


def _live(net: Transformer) -> list[range]:
    """For each sublayer the tokens whose state after it the read-out depends on: only these are evaluated."""
    live = range(net.token, net.token + 1)
    result = []
    for _, part in reversed(net.sublayers):
        result.append(live)
        if isinstance(part, list) and part:
            live = range(live.stop if net.causal else len(net.embedding))
    return result[::-1]


def layers_of(network: Network) -> int:
    """How many layers have a temperature: those with a maximum, or with heads."""
    if isinstance(network, Function):
        return 0
    if isinstance(network, Maxout):
        return len(network.layers)
    return sum(isinstance(part, list) for _, part in network.sublayers)


class _Undecided(Exception):
    def __init__(self, stuck: Stuck) -> None:
        super().__init__(stuck.place)
        self.stuck = stuck


def maximum(cell: Cell, places: dict[str, int], place: str, forms: Sequence[Form], rate: Rate | None = None) -> Form:
    """The maximum on the cell, or the mean at a rate; when it is a new unknown, the atom is entered under its place."""
    value, atom = cell.maximum_at(place, forms, rate)
    if atom is not None:
        places[place] = atom
    elif len(value.terms) == 1:
        (v,) = value.terms
        if v in cell.atoms.candidates and value.den == value.terms[v] == 1:
            places[place] = v
    return value


def _maxout(net: Maxout, side: str, semantics: Semantics, state: Vector, cell: Cell, places: dict[str, int]) -> Vector:
    for number, (rank, pieces) in enumerate(net.layers):
        values = pieces(state)
        if rank == 0:  # a unit that is not there is max(0, 0), and so is its mean at any rate
            units = {i: [u, ZERO] for i, u in values.items()}
        else:
            numbers = sorted({i // rank for i in values})
            units = {i: [values.get(j, ZERO) for j in range(i * rank, (i + 1) * rank)] for i in numbers}
        at = semantics.rate(number)
        tops = {i: maximum(cell, places, f"{side}{number}.u{i}", forms, at) for i, forms in units.items()}
        state = _nonzero(tops)
    return net.output(state)


def _attention(
    net: Transformer,
    heads: list[Head],
    rule: str | Rate,
    where: str,
    states: Mapping[int, Vector],
    live: range,
    stuck: Stuck | None,
    cell: Cell,
    places: dict[str, int],
) -> tuple[dict[int, Vector], int]:
    """The updates of the live tokens by one attention sublayer, and how often the tie rule decided.

    Of a head that was stuck on a larger cell only the tokens that were possible there are.
    """
    updates: dict[int, dict[int, list[tuple[int, Form]]]] = {q: {} for q in live}
    ties = 0
    for h, head in enumerate(heads):
        keys = {t: head.key(state) for t, state in states.items() if t < live.stop or not net.causal}
        for q in live:
            query = head.query(states[q])
            place = f"{where}.h{h}.q{q}"
            visible: Iterable[int] = range(q + 1 if net.causal else len(net.embedding))
            if stuck is not None and stuck.place == place:
                visible = stuck.scores
            scores = {t: _score(keys[t], query, place) for t in visible}
            scores = {t: cell.resolve(form) for t, form in scores.items()}
            if isinstance(rule, Rate):
                result, used = _soft_head(head, scores, rule, place, states, cell, places), False
            else:
                result, used = _head(head, scores, rule, place, states, cell, places)
            ties += used
            for index, form in head.output(result).items():
                updates[q].setdefault(index, []).append((1, form))
    return {q: _nonzero({i: combine(parts) for i, parts in update.items()}) for q, update in updates.items()}, ties


def _score(key: Vector, query: Vector, place: str) -> Form:
    """Rule *score*: key times query, affine when one factor of every product is constant."""
    parts = []
    for i in key.keys() & query.keys():
        factor, form = query[i].constant(), key[i]
        if factor is None:
            factor, form = key[i].constant(), query[i]
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
    states: Mapping[int, Vector],
    cell: Cell,
    places: dict[str, int],
) -> tuple[Vector, bool]:
    """The value one head hands to one query token, and whether the tie rule was needed."""
    # Rule *dominated*: a token with a score strictly below another's carries no weight.
    rivals = list(scores) if cell.signs else cell.atoms.leaders(scores)
    alive = [t for t in scores if not any(r != t and cell.sign(difference(scores[r], scores[t])) == 1 for r in rivals)]
    alive = alive or [
        min(scores)
    ]  # all are dominated only where splits on the path contradict one another: no point is left
    columns = _columns(head, states, alive, cell)
    if len(alive) == 1:
        return {j: column[0] for j, column in columns.items()}, False
    # Rule *tie-proof*: values that are one affine function of the score, v = v_r + c (s - s_r), make the head
    # v_r + c (max s - s_r) under every tie rule: tied tokens then carry the same value.
    r = alive[0]
    slopes = _slopes(columns, [scores[t] for t in alive], cell)
    if slopes is not None:
        top = None if not any(slopes.values()) else maximum(cell, places, place, [scores[t] for t in alive])
        return _along(columns, slopes, top, scores[r]), False
    # Rule *tie*: all remaining scores are equal on the cell, and the tie rule picks.
    if all(cell.sign(difference(scores[t], scores[r])) == 0 for t in alive):
        chosen = {"average": slice(None), "leftmost": slice(1), "rightmost": slice(-1, None)}[tie]
        means = {j: column[chosen] for j, column in columns.items()}
        return _nonzero({j: combine([(1, v) for v in column], len(column)) for j, column in means.items()}), True
    raise _Undecided(Stuck(place, {t: scores[t] for t in alive}))


def _soft_head(
    head: Head,
    scores: dict[int, Form],
    rate: Rate,
    place: str,
    states: Mapping[int, Vector],
    cell: Cell,
    places: dict[str, int],
) -> Vector:
    """The value that one head hands to one query token under softmax; no visible token is without weight."""
    every = list(scores.values())
    columns = _columns(head, states, list(scores), cell)
    values = _soft(columns, every, rate, place, cell, places)
    if values is not None:
        return values
    # Rule *leak*: a token whose score is far below another's has little weight: the others, and what it adds.
    margins = cell.atoms.leaking(every, rate)
    kept = [t for t in range(len(every)) if t not in margins]
    some, lists = {j: [column[t] for t in kept] for j, column in columns.items()}, [every[t] for t in kept]
    values = _soft(some, lists, rate, place, cell, places) if margins else None
    if values is None:
        values = _blended(some, lists, rate, place, cell, places)
    leaks = {j: cell.atoms.leak(values.get(j, ZERO), column, every, margins, rate) for j, column in columns.items()}
    return _nonzero(leaks)


def _soft(
    columns: dict[int, list[Form]],
    scores: list[Form],
    rate: Rate,
    place: str,
    cell: Cell,
    places: dict[str, int],
) -> Vector | None:
    """The mean of the values with the softmax weights of the scores, where it is a form in a mean of the scores."""
    # Rule *mean*: equal scores make equal weights.
    if all(not cell.atoms.expanded(difference(form, scores[0])).terms for form in scores):
        return _nonzero({j: combine([(1, v) for v in column], len(column)) for j, column in columns.items()})
    # Rule *soft*: values v = v_r + c (s - s_r) at all tokens make the head v_r + c (B - s_r), B the mean of the scores
    # under softmax of themselves.
    slopes = _slopes(columns, scores, cell)
    if slopes is None:
        return None
    top = None if not any(slopes.values()) else maximum(cell, places, place, scores, rate)
    return _along(columns, slopes, top, scores[0])


def _blended(
    columns: dict[int, list[Form]],
    scores: list[Form],
    rate: Rate,
    place: str,
    cell: Cell,
    places: dict[str, int],
) -> Vector:
    """Rule *blend*: for any c the mean of v is c times that of s, plus the mean of v - c s: it has bounded weights.

    Here c is the slope that the rule *soft* asks for, as far as it is known without what is only bounded; else 0.
    """
    listed = list(map(cell.atoms.listed, scores))
    found = {j: _slope(list(map(cell.atoms.listed, column)), listed) for j, column in columns.items()}
    slopes = {j: c or Fraction(0) for j, c in found.items()}
    top = None if not any(slopes.values()) else maximum(cell, places, place, scores, rate)
    runs = [difference(score, scores[0]) for score in scores]
    rest = {
        j: [difference(v, scaled(run, slopes[j])) for v, run in zip(column, runs, strict=True)]
        for j, column in columns.items()
    }
    blends = {j: [cell.atoms.blend(column, scores, rate)] for j, column in rest.items()}
    return _along(blends, slopes, top, scores[0])


def _columns(head: Head, states: Mapping[int, Vector], tokens: Sequence[int], cell: Cell) -> dict[int, list[Form]]:
    """The values of the tokens, coordinate by coordinate; those that are zero at all tokens are left out."""
    values = [{j: cell.resolve(form) for j, form in head.value(states[t]).items()} for t in tokens]
    return {j: [value.get(j, ZERO) for value in values] for j in sorted(set().union(*values))}


def _slopes(columns: dict[int, list[Form]], scores: Sequence[Form], cell: Cell) -> dict[int, Fraction] | None:
    """The c of each coordinate with v - v_r = c (s - s_r) at all tokens; None if one of them has none."""
    plain = list(map(cell.atoms.expanded, scores))
    found = {j: _slope(list(map(cell.atoms.expanded, column)), plain) for j, column in columns.items()}
    slopes = {j: c for j, c in found.items() if c is not None}
    return slopes if len(slopes) == len(found) else None


def _along(columns: dict[int, list[Form]], slopes: dict[int, Fraction], top: Form | None, score: Form) -> Vector:
    """The values v_r + c (top - s_r), s_r the score of the first token; without `top` all c are 0."""
    rise = ZERO if top is None else difference(top, score)
    first = {j: column[0] for j, column in columns.items()}
    steep = {j: combine(((1, first[j]), (1, scaled(rise, c)))) for j, c in slopes.items() if c}
    return _nonzero(first | steep)


def _nonzero(forms: dict[int, Form]) -> Vector:
    return {i: form for i, form in forms.items() if form.terms}


def _slope(values: list[Form], scores: list[Form]) -> Fraction | None:
    """The c with values[t] - values[0] = c (scores[t] - scores[0]) for all t; None when there is none."""
    rises = [difference(v, values[0]) for v in values[1:]]
    runs = [difference(s, scores[0]) for s in scores[1:]]
    if not any(rise.terms for rise in rises):
        return Fraction(0)
    slope = next((ratio(rise, run) for rise, run in zip(rises, runs, strict=True) if run.terms), None)
    if slope is None or any(not scaled(run, slope).equals(rise) for rise, run in zip(rises, runs, strict=True)):
        return None
    return slope
