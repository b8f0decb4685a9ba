"""Affine forms over inputs and atoms, with exact integer coefficients: what forms need of a coefficient as a number.

A *variable* is an int: 0 is the constant one, 1..n are the inputs, later ones are atoms (`atoms`).
A form is sum(terms[v] * v) / den. What needs the size of a value, bounds and maxima, is in `atoms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

Terms = dict[int, int]
ONE = 0


class Form:
    """The affine form sum(terms[v] * v) / den, in lowest terms, without zero terms."""

    __slots__ = ("_key", "den", "terms")

    def __init__(self, terms: Terms, den: int = 1) -> None:
        self.terms = terms
        self.den = den
        self._key: object = None

    def key(self) -> object:
        """Equal for two forms exactly when they have the same coefficients."""
        if self._key is None:
            variables = sorted(self.terms)
            self._key = self.den, tuple(variables), tuple([self.terms[v] for v in variables])
        return self._key

    def equals(self, other: Form) -> bool:
        """Whether the two have the same coefficients."""
        return self.terms == other.terms and self.den == other.den

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
Vector = dict[int, Form]  # the coordinates that are not the form zero


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
    return factor if scaled(right, factor).equals(left) else None


def substituted(form: Form, values: Mapping[int, Form]) -> Form:
    """The form with every variable that has a value replaced by it; all values are used."""
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


def vector(forms: Iterable[Form]) -> Vector:
    """The vector with these coordinates."""
    return {i: form for i, form in enumerate(forms) if form.terms}


def leading_sign(form: Form) -> int:
    """The sign of the coefficient of the largest variable; 0 for the zero form."""
    if not form.terms:
        return 0
    return 1 if form.terms[max(form.terms)] > 0 else -1


def precedes(left: Form, right: Form) -> bool:
    """Whether left < right: the leading coefficient of left - right is negative; shifts and factors > 0 keep it so."""
    for v in sorted(left.terms.keys() | right.terms.keys(), reverse=True):
        gap = left.terms.get(v, 0) * right.den - right.terms.get(v, 0) * left.den
        if gap:
            return gap < 0
    return False


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
    return Normal(base, Fraction(factor, den), parts, frozenset([part.key() for part in parts]))
