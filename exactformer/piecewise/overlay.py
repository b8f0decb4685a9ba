"""Two functions on one domain: sums, maxima, comparisons on the common refinement of their cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from exactformer.domain import Domain
from exactformer.piecewise.cells import Cell, cell, inside, joined, meeting, opposite, tidied
from exactformer.piecewise.pieces import Piece
from exactformer.polyhedra.lp import Point, Row
from exactformer.rational import Matrix, Vector
from exactformer.subdivision.search import domain_rows

Pair = tuple[tuple[Row, ...], Point, Piece, Piece]


def overlay(left: Sequence[Cell], right: Sequence[Cell]) -> Iterator[Pair]:
    """The common parts with inside of the cells of two functions: rows, a point inside, both pieces."""
    for i, j in meeting(left, right):
        rows = tidied((*left[i].rows, *right[j].rows))
        point = None if rows is None else inside(rows, left[i].dimension)
        if rows is not None and point is not None:
            yield rows, point, left[i].piece, right[j].piece


def combined(left: Sequence[Cell], right: Sequence[Cell], combine: Callable[[Piece, Piece], Piece]) -> tuple[Cell, ...]:
    """The cells of the function that is a combination of both pieces wherever there are two."""
    found = []
    for rows, _, p, q in overlay(left, right):
        part = cell(rows, combine(p, q))
        assert part is not None  # it has a point inside
        found.append(part)
    return joined(found)


def larger(left: Sequence[Cell], right: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells of the maximum: a common part is cut where both pieces are equal."""
    found = []
    for rows, _, p, q in overlay(left, right):
        difference = p - q
        if difference.is_constant:
            sides = [(rows, p if difference.constant >= 0 else q)]
        else:
            sides = [((*rows, difference.row), p), ((*rows, opposite(difference.row)), q)]
        found += [part for side, piece in sides if (part := cell(side, piece)) is not None]
    return joined(found)


def differing(left: Sequence[Cell], right: Sequence[Cell]) -> Point | None:
    """A point at which two functions on one domain differ; None is a proof that they are equal.

    Where both are continuous, as all functions here are, equality on the insides is equality.
    """
    for rows, point, p, q in overlay(left, right):
        if p == q:
            continue
        if p(point) != q(point):
            return point
        found = inside(_tight((*rows, (p - q).row)), len(point))
        assert found is not None  # the difference vanishes inside, and is not zero
        return found
    return None


def _tight(rows: Sequence[Row]) -> tuple[Row, ...]:
    kept = tidied(rows)
    assert kept is not None
    return kept


def within(cells: Sequence[Cell], rows: Sequence[Row]) -> tuple[Cell, ...]:
    """The cells of the same function where further rows hold."""
    return joined([part for each in cells if (part := cell((*each.rows, *rows), each.piece)) is not None])


def intersection(first: Domain, second: Domain) -> Domain:
    """The points of both domains."""
    return first if first == second else domain_of([*domain_rows(first), *domain_rows(second)], first.dimension)


def domain_of(rows: Sequence[Row], dimension: int) -> Domain:
    """The domain where all rows hold; those of one input are its ends, the others further inequalities."""
    lower: list[Fraction | None] = [None] * dimension
    upper: list[Fraction | None] = [None] * dimension
    further = []
    for a, b in dict.fromkeys(rows):
        support = [i for i, c in enumerate(a) if c]
        if len(support) != 1:
            further.append((a, b))
            continue
        i = support[0]
        ends, choose = (lower, max) if a[i] > 0 else (upper, min)
        end, known = Fraction(-b, a[i]), ends[i]
        ends[i] = end if known is None else choose(known, end)
    entries = {(r, j): -c for r, (a, _) in enumerate(further) for j, c in enumerate(a) if c}
    matrix = Matrix.sparse(len(further), dimension, entries)
    return Domain(tuple(lower), tuple(upper), matrix, Vector(tuple(b for _, b in further)))
