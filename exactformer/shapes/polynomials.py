"""Polynomials with rational coefficients, as dictionaries, and maxima of them.

A *variable* is an int: the unknowns first, then the atoms, each of which stands for a maximum. A polynomial is only
ever scaled by a positive rational, never by an expression of unknown sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm

from exactformer.kernel.reading import rational, reject

Number = int | Fraction
Monomial = tuple[int, ...]  # its variables, ascending, each as often as its power says; () is 1
Polynomial = dict[Monomial, Number]  # no coefficient is zero
Key = frozenset[tuple[Monomial, Number]]

ZERO: Polynomial = {}
ONE: Polynomial = {(): 1}
MAX_POWER = 64
_POWER = re.compile(r"[1-9][0-9]?")
_TERM = re.compile(r"([+-]?)([^+-]+)")


def combined(parts: Iterable[tuple[Number, Polynomial]]) -> Polynomial:
    """c1 p1 + c2 p2 + ..."""
    total: Polynomial = {}
    for factor, part in parts:
        for monomial, c in part.items():
            total[monomial] = total.get(monomial, 0) + factor * c
    return {monomial: c for monomial, c in total.items() if c}


def difference(left: Polynomial, right: Polynomial) -> Polynomial:
    """Left - right."""
    return combined(((1, left), (-1, right)))


def product(left: Polynomial, right: Polynomial) -> Polynomial:
    """Left * right."""
    return combined((c, {tuple(sorted(m + n)): d for n, d in right.items()}) for m, c in left.items())


def constant(polynomial: Polynomial) -> Number | None:
    """The value of a polynomial without variables, None for any other."""
    if not polynomial:
        return 0
    return polynomial[()] if polynomial.keys() == {()} else None


def content(polynomials: Sequence[Polynomial]) -> Fraction:
    """The greatest rational that divides all coefficients into integers; 0 where all are zero."""
    numbers = [c for polynomial in polynomials for c in polynomial.values()]
    return Fraction(gcd(*[c.numerator for c in numbers]), lcm(*[c.denominator for c in numbers]))


def key(polynomial: Polynomial, scale: Fraction) -> Key:
    """Equal exactly for equal quotients by the scale."""
    return frozenset((monomial, c / scale) for monomial, c in polynomial.items())


def precedes(left: Polynomial, right: Polynomial) -> bool:
    """Whether the leading coefficient of left - right is negative: an order that shifts and factors > 0 keep."""
    run = difference(left, right)
    return bool(run) and run[max(run)] < 0


def parsed(value: object, names: Mapping[str, Polynomial], place: str) -> Polynomial:
    """The polynomial written as a number, or as text such as "2*w1*x - b^2 + 1/2", in names that are known."""
    if not isinstance(value, str):
        number = rational(value, place)
        return {(): number} if number else {}
    text, at = value.replace(" ", ""), 0
    parts: list[tuple[Number, Polynomial]] = []
    while at < len(text) or not parts:
        match = _TERM.match(text, at)
        if match is None:
            reject(place, "a sum of products of numbers and names", value)
        term = ONE
        for factor in match[2].split("*"):
            term = product(term, _factor(factor, names, place))
        parts.append((-1 if match[1] == "-" else 1, term))
        at = match.end()
    return combined(parts)


def _factor(text: str, names: Mapping[str, Polynomial], place: str) -> Polynomial:
    name, raised, power = text.partition("^")
    if name in names:
        if raised and not (_POWER.fullmatch(power) and int(power) <= MAX_POWER):
            reject(place, f"a power from 1 to {MAX_POWER}", power)
        result = names[name]
        for _ in range(int(power or 1) - 1):
            result = product(result, names[name])
        return result
    if not text[:1].isdigit():
        reject(place, "names that the certificate declares", text)
    number = rational(text, place)
    return {(): number} if number else {}


class Atoms:
    """The maxima that have occurred, and the polynomials that are known to be >= 0."""

    def __init__(self, unknowns: int) -> None:
        self.members: dict[int, list[Polynomial]] = {}  # of each atom, in the order of their numbers
        self._free = unknowns
        self._same: dict[frozenset[Key], tuple[Polynomial, Polynomial, Fraction]] = {}
        self._known: set[Key] = set()

    def learn(self, polynomial: Polynomial) -> None:
        """From now on the polynomial is known to be >= 0, and so are its positive multiples."""
        self._known.add(key(polynomial, content([polynomial])))

    def at_least_zero(self, polynomial: Polynomial) -> bool:
        """Whether the polynomial is known to be >= 0 for all values of the variables that the hypotheses allow."""
        number = constant(polynomial)
        if number is not None:
            return number >= 0
        return key(polynomial, content([polynomial])) in self._known

    def maximum(self, candidates: Sequence[Polynomial]) -> Polynomial:
        """The maximum of the candidates.

        Rule *dominated*: a candidate does not matter where another one is known to be at least as large everywhere.
        Rule *same set*: max(g + c F) = g + c max F for c > 0, so that sets that differ by a common shift and a positive
        rational factor share one atom.
        """
        kept: list[Polynomial] = []
        for number, candidate in enumerate(candidates):
            rivals = [*kept, *candidates[number + 1 :]]
            if not any(self.at_least_zero(difference(rival, candidate)) for rival in rivals):
                kept.append(candidate)
        if len(kept) == 1:
            return kept[0]
        base = kept[0]
        for candidate in kept[1:]:
            if precedes(candidate, base):
                base = candidate
        parts = [difference(candidate, base) for candidate in kept]
        scale = content(parts)
        shape = frozenset(key(part, scale) for part in parts)
        if shape not in self._same:
            atom: Polynomial = {(self._free,): 1}
            self.members[self._free] = kept
            self._free += 1
            self._same[shape] = atom, base, scale
        atom, first, unit = self._same[shape]
        return combined(((1, base), (scale / unit, difference(atom, first))))
