"""Exact volumes of bounded polytopes, by Lasserre's recursion over facets.

vol{x : a_i . x <= b_i} = (1/n) sum over i of b_i / |a_ij| times the volume of facet i with x_j eliminated, for any j
with a_ij != 0 (J. B. Lasserre, An analytical expression and an algorithm for the volume of a convex polyhedron in R^n,
J. Optim. Theory Appl. 39, 1983). Volumes of facets are taken in the remaining coordinates, so all numbers are rational.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd

Row = tuple[tuple[int, ...], int]  # coefficients . x + constant >= 0


def volume(rows: Iterable[Row], dimension: int) -> Fraction:
    """The volume of the bounded set where all rows hold; 0 for a flat or empty one."""
    tightest: dict[tuple[int, ...], Fraction] = {}
    for coefficients, constant in rows:
        common = gcd(*coefficients)
        if common == 0:
            if constant < 0:
                return Fraction(0)
            continue
        direction, offset = tuple(a // common for a in coefficients), Fraction(constant, common)
        tightest[direction] = min(offset, tightest.get(direction, offset))  # of parallel rows only one has a facet
    if dimension == 1:
        return _length(tightest)
    total = Fraction(0)
    for direction, offset in tightest.items():
        if offset:
            j = next(j for j, a in enumerate(direction) if a)
            others = [_restricted(other, bound, direction, offset, j) for other, bound in tightest.items()]
            total += offset / abs(direction[j]) * volume(others, dimension - 1)
    return total / dimension


def _length(tightest: dict[tuple[int, ...], Fraction]) -> Fraction:
    low = max(-offset for (a,), offset in tightest.items() if a > 0)
    high = min(offset for (a,), offset in tightest.items() if a < 0)
    return max(high - low, Fraction(0))


def _restricted(row: Sequence[int], bound: Fraction, facet: Sequence[int], offset: Fraction, j: int) -> Row:
    """The row on the hyperplane facet . x + offset = 0, without the coordinate j; times a positive integer."""
    pivot, factor = abs(facet[j]), row[j] if facet[j] > 0 else -row[j]
    rest = [pivot * a - factor * b for a, b in zip(row, facet, strict=True)]
    constant = pivot * bound - factor * offset
    del rest[j]
    den = constant.denominator
    return tuple(a * den for a in rest), constant.numerator
