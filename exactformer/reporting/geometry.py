"""Exact polygons and intervals: a window of the domain clipped by the inequalities of the regions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm

from exactformer.documents.picture import Interval
from exactformer.domain import Domain
from exactformer.prover.outcome import Inequality, Region

Vertex = tuple[int, int, int]  # (X, Y, W) with W > 0 stands for the point (X/W, Y/W)
Polygon = tuple[Vertex, ...]


def window(domain: Domain, regions: Sequence[Region]) -> tuple[Interval, ...]:
    """For every input its interval in the domain; a missing bound lies beyond all interior points of the regions."""
    result = []
    for i, (low, high) in enumerate(zip(domain.lower, domain.upper, strict=True)):
        inside = [region.interior[i] for region in regions] + [x for x in (low, high) if x is not None]
        first, last = min(inside, default=Fraction(0)), max(inside, default=Fraction(0))
        margin = (last - first) / 4 or Fraction(1)
        result.append((first - margin if low is None else low, last + margin if high is None else high))
    return tuple(result)


def domain_inequalities(domain: Domain) -> tuple[Inequality, ...]:
    """The inequalities of the domain beside its intervals."""
    result = []
    for i, bound in enumerate(domain.bounds.fractions()):
        row = domain.matrix.row(i)
        scale = lcm(bound.denominator, *(c.denominator for c in row.values()))
        coefficients = tuple(int(-scale * row.get(j, 0)) for j in range(domain.dimension))
        result.append(Inequality(coefficients, int(scale * bound)))
    return tuple(result)


def rectangle(box: Sequence[Interval]) -> Polygon:
    """The rectangle of two intervals, counter-clockwise."""
    (a, b), (c, d) = box
    return tuple(_vertex(x, y) for x, y in ((a, c), (b, c), (b, d), (a, d)))


def clipped(polygon: Polygon, inequalities: Iterable[Inequality]) -> Polygon:
    """The part of a convex polygon where all inequalities hold, closed, exactly (Sutherland and Hodgman).

    Empty when that part has no vertices; a part without area keeps them.
    """
    for inequality in inequalities:
        (a, b), c = inequality.coefficients, inequality.constant
        heights = [a * x + b * y + c * w for x, y, w in polygon]
        if all(v >= 0 for v in heights):
            continue
        kept: list[Vertex] = []
        for (p, u), (q, v) in pairwise([*zip(polygon, heights, strict=True), (polygon[0], heights[0])]):
            if u >= 0:
                kept.append(p)
            if (u > 0) != (v > 0) and u and v:
                kept.append(_reduced(*(abs(v) * s + abs(u) * t for s, t in zip(p, q, strict=True))))
        polygon = tuple(kept)
    return polygon


def area(polygon: Polygon) -> Fraction:
    """The exact area of a polygon with counter-clockwise vertices."""
    if not polygon:
        return Fraction(0)
    cross = (Fraction(x * v - u * y, w * z) for (x, y, w), (u, v, z) in pairwise([*polygon, polygon[0]]))
    return sum(cross, Fraction(0)) / 2


def interval(box: Interval, inequalities: Iterable[Inequality]) -> Interval | None:
    """The part of an interval where all inequalities in one variable hold; None when there is none."""
    low, high = box
    for inequality in inequalities:
        (a,), c = inequality.coefficients, inequality.constant
        if a > 0:
            low = max(low, Fraction(-c, a))
        elif a < 0:
            high = min(high, Fraction(-c, a))
        elif c < 0:
            return None
    return (low, high) if low <= high else None


def _vertex(x: Fraction, y: Fraction) -> Vertex:
    w = lcm(x.denominator, y.denominator)
    return int(x * w), int(y * w), w


def _reduced(x: int, y: int, w: int) -> Vertex:
    common = gcd(x, y, w)
    return x // common, y // common, w // common
