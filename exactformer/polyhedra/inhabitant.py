"""A point of a domain, or the reason that there is none."""

from __future__ import annotations

from fractions import Fraction

from exactformer.domain import Domain
from exactformer.errors import InvalidInput
from exactformer.polyhedra.lp import Inside, Point, inside, whole


def inhabitant(domain: Domain) -> Point:
    """A point of the domain, zero where possible. Raises `InvalidInput` when the domain is empty."""
    point = []
    for lo, hi in zip(domain.lower, domain.upper, strict=True):
        x = Fraction(0) if lo is None else max(lo, Fraction(0))
        point.append(x if hi is None else min(x, hi))
    if domain.contains(point):
        return tuple(point)
    rows = []
    for i, (lo, hi) in enumerate(zip(domain.lower, domain.upper, strict=True)):
        unit = [Fraction(int(j == i)) for j in range(domain.dimension)]
        rows += [] if lo is None else [(*unit, -lo)]
        rows += [] if hi is None else [(*(-u for u in unit), hi)]
    for row, bound in zip(domain.matrix.dense(), domain.bounds.fractions(), strict=True):
        rows.append((*(-a for a in row), bound))
    exact = [whole(row)[0] for row in rows]
    answer = inside([(tuple(row[:-1]), row[-1]) for row in exact], [False] * len(exact), domain.dimension)
    if not isinstance(answer, Inside):
        raise InvalidInput("domain: expected a domain that is not empty, found inequalities without a common point")
    return answer.point
