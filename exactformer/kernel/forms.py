"""Affine forms over inputs and atoms, with exact integer coefficients.

A *variable* is an int: 0 is the constant one, 1..n are the inputs, later ones are atoms.
An *atom* stands for the maximum of a finite set of forms. A form is sum(terms[v] * v) / den.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

Terms = dict[int, int]
Bounds = tuple[Fraction | None, Fraction | None]
ONE = 0


class Form:
    """The affine form sum(terms[v] * v) / den, in lowest terms, without zero terms."""

    __slots__ = ("den", "terms")

    def __init__(self, terms: Terms, den: int = 1) -> None:
        self.terms = terms
        self.den = den

    def key(self) -> tuple[int, frozenset[tuple[int, int]]]:
        """Equal for two forms exactly when they have the same coefficients."""
        return self.den, frozenset(self.terms.items())

    def constant(self) -> Fraction | None:
        """The value of a form without variables, None for any other form."""
        if not self.terms:
            return Fraction(0)
        if len(self.terms) == 1 and ONE in self.terms:
            return Fraction(self.terms[ONE], self.den)
        return None

    def at(self, values: Sequence[Fraction | int]) -> Fraction:
        """The value where variable v has the value values[v]; values[0] is 1."""
        return Fraction(sum((c * values[v] for v, c in self.terms.items()), Fraction(0)), self.den)


ZERO = Form({})


def constant_form(value: Fraction | int) -> Form:
    """The form that is `value` everywhere."""
    value = Fraction(value)
    return Form({ONE: value.numerator}, value.denominator) if value else ZERO


UNIT = constant_form(1)


def reduced(terms: Terms, den: int) -> Form:
    """The form terms/den (den > 0) without zero terms and in lowest terms."""
    if 0 in terms.values():
        terms = {v: c for v, c in terms.items() if c}
    if den > 1:
        common = gcd(den, *terms.values())
        if common > 1:
            terms = {v: c // common for v, c in terms.items()}
            den //= common
    return Form(terms, den)


def combine(parts: Sequence[tuple[int, Form]], den: int = 1) -> Form:
    """The form (w1 f1 + w2 f2 + ...) / den for integer weights and den > 0."""
    if len(parts) == 1 and den == 1 and parts[0][0] == 1:
        return parts[0][1]
    common = lcm(*[form.den for _, form in parts])
    total: Terms = {}
    get = total.get
    for weight, form in parts:
        scale = weight * (common // form.den)
        for v, c in form.terms.items():
            total[v] = get(v, 0) + scale * c
    return reduced(total, common * den)


def difference(left: Form, right: Form) -> Form:
    """Left - right."""
    common = lcm(left.den, right.den)
    scale = common // left.den
    total = {v: scale * c for v, c in left.terms.items()}
    scale = common // right.den
    for v, c in right.terms.items():
        total[v] = total.get(v, 0) - scale * c
    return reduced(total, common)


def negated(form: Form) -> Form:
    """-form."""
    return Form({v: -c for v, c in form.terms.items()}, form.den)


def scaled(form: Form, factor: Fraction) -> Form:
    """Factor * form."""
    return reduced({v: c * factor.numerator for v, c in form.terms.items()}, form.den * factor.denominator)


def ratio(left: Form, right: Form) -> Fraction | None:
    """The c with left = c * right for a non-zero `right`, None when there is none."""
    v, c = next(iter(right.terms.items()))
    factor = Fraction(left.terms.get(v, 0) * right.den, left.den * c)
    return factor if scaled(right, factor).key() == left.key() else None


def leading_sign(form: Form) -> int:
    """The sign of the coefficient of the largest variable; 0 for the zero form."""
    if not form.terms:
        return 0
    return 1 if form.terms[max(form.terms)] > 0 else -1


def precedes(left: Form, right: Form) -> bool:
    """Whether left < right: the leading coefficient of left - right is negative; shifts and factors > 0 keep it so."""
    for v in sorted(left.terms.keys() | right.terms.keys(), reverse=True):
        a, b = left.terms.get(v, 0) * right.den, right.terms.get(v, 0) * left.den
        if a != b:
            return a < b
    return False


class Atoms:
    """The atoms of one problem: every value either evaluation has met that is not known to be affine.

    `bounds` hold on the whole domain. Two atoms whose sets are equal up to a common affine shift and a
    positive factor are the same function up to that shift and factor: the later one gets an `alias`,
    its expression in the earlier one. The alias proves equalities; the atom itself keeps its own, tight bounds.
    """

    def __init__(self, lower: Sequence[Fraction | None], upper: Sequence[Fraction | None]) -> None:
        one = Fraction(1)
        self.low: list[Fraction | None] = [one, *lower]
        self.high: list[Fraction | None] = [one, *upper]
        self.inputs = len(lower)
        self.candidates: dict[int, tuple[Form, ...]] = {}
        self.alias: dict[int, Form] = {}
        self.support: dict[int, int] = {}  # bit v is set when the atom's value depends on the atom v
        self._exact: dict[object, int] = {}
        self._bounds: dict[object, Bounds] = {}  # cache of `bounds`
        self.first: dict[int, int] = {}  # the atom an alias is expressed in
        self._classes: dict[object, tuple[int, Form, Fraction]] = {}

    # --- bounds ---------------------------------------------------------------------------------

    def bounds(self, form: Form) -> Bounds:
        """Exact interval bounds of the form on the domain, from the bounds of its variables (None: infinite).

        Sound: interval arithmetic; when the form mentions an alias, both expressions bound the same function.
        """
        key = form.key()
        if key not in self._bounds:
            self._bounds[key] = self._interval(form)
        return self._bounds[key]

    def _interval(self, form: Form) -> Bounds:
        low, high = self._end(form, self.low, self.high), self._end(form, self.high, self.low)
        if not self.alias.keys().isdisjoint(form.terms):
            other = self.expanded(form)
            low = _best(max, low, self._end(other, self.low, self.high))
            high = _best(min, high, self._end(other, self.high, self.low))
        return low, high

    def _end(
        self, form: Form, at_positive: list[Fraction | None], at_negative: list[Fraction | None]
    ) -> Fraction | None:
        parts = []
        for v, c in form.terms.items():
            end = at_positive[v] if c > 0 else at_negative[v]
            if end is None:
                return None
            parts.append((c, end.numerator, end.denominator))
        common = lcm(*(d for _, _, d in parts))
        return Fraction(sum(c * n * (common // d) for c, n, d in parts), common * form.den)

    # --- aliases --------------------------------------------------------------------------------

    def expanded(self, form: Form) -> Form:
        """The same function with every alias replaced (one pass: an alias is free of aliases)."""
        if self.alias.keys().isdisjoint(form.terms):
            return form
        return self.substituted(form, self.alias)

    @staticmethod
    def substituted(form: Form, values: Mapping[int, Form]) -> Form:
        """The form with every variable that has a value replaced by it."""
        common = lcm(*[value.den for value in values.values()])
        total: Terms = {}
        get = total.get
        for v, c in form.terms.items():
            value = values.get(v)
            if value is None:
                total[v] = get(v, 0) + common * c
            else:
                scale = c * (common // value.den)
                for u, d in value.terms.items():
                    total[u] = get(u, 0) + scale * d
        return reduced(total, common * form.den)

    def tidy(self, form: Form) -> Form:
        """The same function, with an alias replaced wherever it then cancels the atom it is expressed in.

        Keeps bounds tight elsewhere: relu(u) - relu(-u) becomes u, while a lone relu(-u) stays an atom.
        """
        for v in sorted(v for v in form.terms if v in self.alias):
            alias, first = self.alias[v], self.first[v]
            if form.terms.get(first, 0) * alias.den == -form.terms[v] * alias.terms.get(first, 0):
                form = self.substituted(form, {v: alias})
        return form

    # --- maxima ---------------------------------------------------------------------------------

    def undominated(self, forms: Iterable[Form]) -> list[Form]:
        """The forms without repetitions and without those that another is known to be >= on the domain."""
        distinct: dict[object, Form] = {}
        for form in forms:
            distinct.setdefault(self.expanded(form).key(), form)
        alive = list(distinct.values())
        for form in tuple(alive):
            if any(other is not form and self._at_least(other, form) for other in alive):
                alive.remove(form)
        return alive

    def _at_least(self, left: Form, right: Form) -> bool:
        low, _ = self.bounds(difference(left, right))
        return low is not None and low >= 0

    def maximum(self, forms: Iterable[Form]) -> Form:
        """The pointwise maximum: one of the forms where it dominates, otherwise an atom."""
        alive = self.undominated(forms)
        if len(alive) == 1:
            return alive[0]
        exact = frozenset(form.key() for form in alive)
        if exact not in self._exact:
            self._exact[exact] = self._new_atom(tuple(alive))
        return Form({self._exact[exact]: 1})

    def _new_atom(self, forms: tuple[Form, ...]) -> int:
        atom = len(self.low)
        ends = [self.bounds(form) for form in forms]
        lows = [low for low, _ in ends if low is not None]
        highs = [high for _, high in ends]
        self.low.append(max(lows) if lows else None)
        self.high.append(None if None in highs else max(h for h in highs if h is not None))
        self.candidates[atom] = forms
        support = 1 << atom
        for form in forms:
            for v in form.terms:
                support |= self.support.get(v, 0)
        self.support[atom] = support
        base, scale, _, shape = normal_form([self.expanded(form) for form in forms])
        if shape not in self._classes:
            self._classes[shape] = (atom, base, scale)
        else:
            first, first_base, first_scale = self._classes[shape]
            growth = difference(Form({first: 1}), first_base)
            self.alias[atom] = combine(((1, base), (1, scaled(growth, scale / first_scale))))
            self.first[atom] = first
            self.support[atom] |= self.support[first]
        return atom

    def class_bit(self, shape: object) -> int:
        """The support bit of the first atom of a class; 0 for a class without atoms."""
        return 1 << self._classes[shape][0] if shape in self._classes else 0


class Normal(NamedTuple):
    """A set of forms as base + scale * parts: base the least form, scale > 0, parts primitive integer forms in order.

    Sets that differ by a common shift and a positive factor have parts of the same shape.
    """

    base: Form
    scale: Fraction
    parts: list[Form]
    shape: object


def normal_form(forms: Sequence[Form]) -> Normal:
    """The normal form of a set. A single form gives the scale 1."""
    base = forms[0]
    for form in forms[1:]:
        if precedes(form, base):
            base = form
    rest = [ZERO if form is base else difference(form, base) for form in forms]
    den = lcm(*[form.den for form in rest])
    whole = [{v: c * (den // form.den) for v, c in form.terms.items()} for form in rest]
    factor = gcd(*[c for terms in whole for c in terms.values()]) or den
    parts = [Form({v: c // factor for v, c in terms.items()}) for terms in whole]
    return Normal(base, Fraction(factor, den), parts, frozenset([frozenset(part.terms.items()) for part in parts]))


def _best(
    pick: Callable[[Fraction, Fraction], Fraction], one: Fraction | None, other: Fraction | None
) -> Fraction | None:
    if one is None or other is None:
        return other if one is None else one
    return pick(one, other)
