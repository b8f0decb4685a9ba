"""A Transformer as units of its inputs, so that one engine cuts it like any other network.

The states of its tokens are written as affine forms in variables: the inputs, and the units met so far. A neuron is a
ReLU unit of its form, and none where the form has one sign on the domain; neurons whose forms are multiples of each
other share one. A head with affine scores is a set of units where it is *separable*: its tokens are the combinations of
a choice from each of some sets of forms, the score is the sum of the chosen forms, each times a number that is not 0,
but for something that all tokens share, and the values depend on the chosen forms alone, affinely. Then a token has the
largest score exactly where each of its forms is the largest of its set, and tied tokens have one value; so the head is
a maximum of each set, under every tie rule. All constructions of `exactformer.compiler` are of this kind. Either way
no cell is won or lost: walls are where a neuron is 0, or where two tokens have the one largest score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod

from flint import fmpq

from exactformer.domain import Domain
from exactformer.networks import Affine, Network, walk
from exactformer.networks.semantics import Semantics, Tie
from exactformer.rational import Matrix, Vector
from exactformer.subdivision.program import Composition, Units

Form = dict[int, fmpq]  # the coefficient of each variable, and of 1 at ONE; none is 0
Forms = list[Form]
Key = frozenset[tuple[int, fmpq]]
Bound = fmpq | None  # None: there is none
ONE = -1


class Inseparable(Exception):
    """A head is no set of maxima, or its scores are quadratic in the variables."""


@dataclass(frozen=True)
class Unit:
    """The maximum of some forms, with `relu` of 0 and one form."""

    pieces: tuple[Form, ...]
    relu: bool


@dataclass
class Folding:
    """An algebra of forms that notes the units it meets; variable i is input i, and after the inputs come the units."""

    inputs: int
    semantics: Semantics
    bounds: list[tuple[Bound, Bound]]  # of the variables
    units: list[Unit] = field(default_factory=list)
    _numbers: dict[frozenset[Key], int] = field(default_factory=dict)
    _heads: dict[tuple[str, tuple[Key, ...]], Forms] = field(default_factory=dict)

    def affine(self, part: Affine, x: Forms) -> Forms:
        """The map at x."""
        biases = ({ONE: fmpq(b.numerator, b.denominator)} if b else {} for b in part.biases.fractions())
        return [_plus(y, bias) for y, bias in zip(self.linear(part.weights, x), biases, strict=True)]

    def linear(self, part: Matrix, x: Forms) -> Forms:
        """The matrix times x."""
        scale = fmpq(1, part.denominator)
        return [_combined((scale * w, x[j]) for j, w in row) for row in part.rows]

    def add(self, x: Forms, y: Forms) -> Forms:
        """The sum."""
        return [_plus(a, b) for a, b in zip(x, y, strict=True)]

    def relu(self, place: str, x: Forms) -> Forms:
        """Zero, the form, or a unit."""
        return [self._rectified(form) for form in x]

    def maximum(self, place: str, pieces: Forms, rank: int) -> Forms:
        """The largest piece of each unit."""
        return [self._largest(pieces[i : i + rank]) for i in range(0, len(pieces), rank)]

    def attend(self, head: str, q: int, query: Forms, keys: Mapping[int, Forms], values: Mapping[int, Forms]) -> Forms:
        """The value of a separable head. Raises `Inseparable` for any other."""
        scores = [_product(query, key) for key in keys.values()]
        asked = head, tuple(map(_key, scores))
        if asked not in self._heads:
            self._heads[asked] = self._attended(scores, list(values.values()))
        return self._heads[asked]

    def _attended(self, scores: Forms, values: Sequence[Forms]) -> Forms:
        alike: dict[Key, list[int]] = {}
        for i, score in enumerate(scores):
            alike.setdefault(_key(score), []).append(i)
        seen = [(scores[same[0]], self._shared(values, same)) for same in alike.values()]
        highest = max((low for low in (self._range(score)[0] for score, _ in seen) if low is not None), default=None)
        tokens = [t for t in seen if highest is None or not _is_below(self._range(t[0])[1], highest)]
        tokens = [t for t in tokens if not any(self._always_below(t[0], score) for score, _ in tokens)]
        if all(value == tokens[0][1] for _, value in tokens):
            self._largest([score for score, _ in tokens])  # its walls are there, though nothing depends on them
            return tokens[0][1]
        try:
            return self._separated(*zip(*tokens, strict=True))
        except Inseparable:  # a combination that never wins may be what is missing, or two of them have one score
            every = {(_key(s), *map(_key, v)): (s, v) for s, v in zip(scores, values, strict=True)}
            return self._separated(*zip(*every.values(), strict=True))

    def _shared(self, values: Sequence[Forms], same: Sequence[int]) -> Forms:
        """The value of tokens whose scores are the same form, under the tie rule."""
        sharing = self.semantics.sharing(same)
        part = fmpq(1, len(sharing))
        return [_combined((part, values[i][c]) for i in sharing) for c in range(len(values[0]))]

    def _separated(self, scores: Sequence[Form], values: Sequence[Forms]) -> Forms:
        """The value of the token of the largest score, by a maximum for each set of forms that is chosen from."""
        columns = list(zip(*values, strict=True))  # for each coordinate its form at each token
        shifts = [[_minus(form, column[0]) for form in column] for column in columns]
        kinds: list[int] = []  # the coordinates that stand for a set each
        multiple: dict[int, tuple[int, fmpq]] = {}  # each coordinate that varies, as a multiple of one of these
        for c, shift in enumerate(shifts):
            if any(shift):
                found = next(((k, r) for k in kinds if (r := _ratio(shift, shifts[k])) is not None), None)
                if found is None:
                    kinds.append(c)
                multiple[c] = found or (c, fmpq(1))
        sets = {k: list({_key(form): form for form in columns[k]}.values()) for k in kinds}
        gains = [_minus(score, scores[0]) for score in scores]
        rates = {k: self._rate(gains, k, kinds, shifts) for k in kinds}
        for t, gain in enumerate(gains):
            if gain != _combined((rates[k], shifts[k][t]) for k in kinds):
                raise Inseparable
        if prod(map(len, sets.values())) != len(scores):
            raise Inseparable
        rise = {}  # of the winner over token 0
        for k in kinds:
            best = self._largest([_combined([(rates[k], form)]) for form in sets[k]])
            rise[k] = _minus(_combined([(1 / rates[k], best)]), columns[k][0])
        moved = {c: _combined([(ratio, rise[k])]) for c, (k, ratio) in multiple.items()}
        return [_plus(column[0], moved[c]) if c in moved else column[0] for c, column in enumerate(columns)]

    def _rate(self, gains: Forms, kind: int, kinds: Sequence[int], shifts: Sequence[Forms]) -> fmpq:
        """How much of the form of one kind is in the score."""
        for t, gain in enumerate(gains):
            if shifts[kind][t] and not any(shifts[k][t] for k in kinds if k != kind):
                rate = _ratio([gain], [shifts[kind][t]])
                if rate:
                    return rate
                break
        raise Inseparable

    def _rectified(self, form: Form) -> Form:
        """The maximum of 0 and a form; relu(-f) is relu(f) - f."""
        low, high = self._range(form)
        if high is not None and high <= 0:
            return {}
        if low is not None and low >= 0:
            return form
        leading = form[min(v for v in form if v != ONE)]
        scaled = _combined([(1 / leading, form)])
        positive = self._range(scaled)[1]
        unit: Form = {self._unit(Unit((scaled,), True), (fmpq(0), positive)): fmpq(1)}
        return _combined([(abs(leading), unit if leading > 0 else _minus(unit, scaled))])

    def _largest(self, pieces: Sequence[Form]) -> Form:
        """The largest of some forms: one of them where it is nowhere below the others, else a unit."""
        pieces = list({_key(piece): piece for piece in pieces}.values())
        for piece in pieces:
            least = (self._range(_minus(piece, other))[0] for other in pieces)
            if all(low is not None and low >= 0 for low in least):
                return piece
        ends = [self._range(piece) for piece in pieces]
        lows, highs = [low for low, _ in ends if low is not None], [high for _, high in ends if high is not None]
        high = max(highs) if len(highs) == len(pieces) else None
        return {self._unit(Unit(tuple(pieces), False), (max(lows, default=None), high)): fmpq(1)}

    def _unit(self, unit: Unit, bounds: tuple[Bound, Bound]) -> int:
        """The variable of a unit, a new one if there is none yet."""
        key = frozenset(map(_key, (*unit.pieces, {}) if unit.relu else unit.pieces))
        if key not in self._numbers:
            self._numbers[key] = len(self.bounds)
            self.units.append(unit)
            self.bounds.append(bounds)
        return self._numbers[key]

    def _range(self, form: Form) -> tuple[Bound, Bound]:
        """Bounds of a form on the domain."""
        low: Bound = fmpq(0)
        high: Bound = fmpq(0)
        for v, c in form.items():
            least, most = (fmpq(1), fmpq(1)) if v == ONE else self.bounds[v]
            if c < 0:
                least, most = most, least
            low = None if low is None or least is None else low + c * least
            high = None if high is None or most is None else high + c * most
        return low, high

    def _always_below(self, form: Form, other: Form) -> bool:
        return _is_below(self._range(_minus(form, other))[1], fmpq(0))


def units_of(network: Network, domain: Domain, tie: Tie = "average") -> Composition:
    """The network on a domain as units. Raises `Inseparable` where that cannot be, or is not seen."""
    chain = walk.chain_of(network)
    sides = zip(domain.lower, domain.upper, strict=True)
    fold = Folding(network.inputs, Semantics(tie), [(_end(low), _end(high)) for low, high in sides])
    *_, states = chain.states([{i: fmpq(1)} for i in range(network.inputs)], fold)
    return _layered(network.inputs, fold.units, fold.affine(chain.output, states[chain.token]))


def _layered(inputs: int, units: Sequence[Unit], outputs: Forms) -> Composition:
    """The layers, each of units of one rank as early as they can come; each passes on what later ones read."""
    levels = [0] * inputs
    kinds: dict[tuple[int, bool, int], list[tuple[int, Unit]]] = {}
    for number, unit in enumerate(units, inputs):
        levels.append(1 + max(levels[v] for v in _read(unit.pieces)))
        kinds.setdefault((levels[-1], unit.relu, len(unit.pieces)), []).append((number, unit))
    batches = [kinds[kind] for kind in sorted(kinds)]
    needed, passed = _read(outputs), []
    for batch in reversed(batches):
        passed.append(sorted(needed - {v for v, _ in batch}))
        needed = {*passed[-1], *_read(form for _, unit in batch for form in unit.pieces)}
    places, layers = {v: v for v in range(inputs)}, []
    for batch, through in zip(batches, reversed(passed), strict=True):
        rows = [form for _, unit in batch for form in unit.pieces] + [{v: fmpq(1)} for v in through]
        _, unit = batch[0]
        layers.append(Units(_map(rows, places), len(unit.pieces) + unit.relu, unit.relu, len(through)))
        places = {v: i for i, v in enumerate([*(v for v, _ in batch), *through])}
    return Composition(tuple(layers), _map(outputs, places))


def _end(bound: Fraction | None) -> Bound:
    return None if bound is None else fmpq(bound.numerator, bound.denominator)


def _read(forms: Iterable[Form]) -> set[int]:
    return {v for form in forms for v in form if v != ONE}


def _map(forms: Sequence[Form], places: Mapping[int, int]) -> Affine:
    """The forms as an affine map of a state in which the variables have these places."""
    entries = {(i, places[v]): _fraction(c) for i, form in enumerate(forms) for v, c in form.items() if v != ONE}
    biases = Vector.of(_fraction(form.get(ONE, fmpq(0))) for form in forms)
    return Affine(Matrix.sparse(len(forms), len(places), entries), biases)


def _fraction(x: fmpq) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def _key(form: Form) -> Key:
    return frozenset(form.items())


def _is_below(high: Bound, other: fmpq) -> bool:
    return high is not None and high < other


def _combined(terms: Iterable[tuple[fmpq, Form]]) -> Form:
    """The sum of the forms, each times its factor."""
    total: Form = {}
    for factor, form in terms:
        for v, c in form.items():
            total[v] = total[v] + factor * c if v in total else factor * c
    return {v: c for v, c in total.items() if c}


def _plus(form: Form, other: Form) -> Form:
    if not form or not other:
        return form or other
    return _combined([(fmpq(1), form), (fmpq(1), other)])


def _minus(form: Form, other: Form) -> Form:
    return _combined([(fmpq(1), form), (fmpq(-1), other)])


def _ratio(forms: Sequence[Form], others: Sequence[Form]) -> fmpq | None:
    """The number r for which each form is r times the other, which are not all 0; None if there is none."""
    form, other = next((f, g) for f, g in zip(forms, others, strict=True) if g)
    v, c = next(iter(other.items()))
    r = form.get(v, fmpq(0)) / c
    same = all(f == _combined([(r, g)]) for f, g in zip(forms, others, strict=True))
    return r if same else None


def _product(query: Forms, key: Forms) -> Form:
    """The sum of the products. Raises `Inseparable` where it is not affine."""
    affine: list[tuple[fmpq, Form]] = []
    squares: dict[tuple[int, int], fmpq] = {}
    for a, b in zip(query, key, strict=True):
        if not a.keys() - {ONE}:
            affine.append((a.get(ONE, fmpq(0)), b))
        elif not b.keys() - {ONE}:
            affine.append((b.get(ONE, fmpq(0)), a))
        else:
            for v, c in a.items():
                for w, d in b.items():
                    place = min(v, w), max(v, w)
                    squares[place] = squares.get(place, fmpq(0)) + c * d
    for (v, w), c in squares.items():
        if c and v != ONE:
            raise Inseparable
        affine.append((c, {w: fmpq(1)}))
    return _combined(affine)
