"""The walls between cells: common facets, and how far the slope of the function jumps across them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactformer.piecewise.cells import Cell, inside, opposite, tidied
from exactformer.piecewise.pieces import Piece
from exactformer.polyhedra.lp import Point, Row


@dataclass(frozen=True)
class Wall:
    """Cells `first` and `second` share a facet in the hyperplane row = 0, with `point` inside that facet.

    The row is >= 0 on `first`, and there piece(first) - piece(second) = jump * row. So the function is convex across
    the wall exactly if jump >= 0.
    """

    first: int
    second: int
    row: Row
    jump: Fraction
    point: Point


def walls_of(cells: Sequence[Cell]) -> tuple[Wall, ...]:
    """All walls between cells whose insides are disjoint and whose pieces agree where they meet."""
    sides: dict[Row, list[int]] = {}
    for number, cell in enumerate(cells):
        for row in cell.rows:
            sides.setdefault(row, []).append(number)
    found = []
    for row in sides:
        if row > opposite(row):  # each hyperplane once
            for i in sides[row]:
                for j in sides.get(opposite(row), ()):
                    point = _common(cells[i], cells[j], row)
                    if point is not None:
                        found.append(Wall(i, j, row, _multiple(cells[i].piece - cells[j].piece, row), point))
    return tuple(found)


def _multiple(difference: Piece, row: Row) -> Fraction:
    """The factor by which the difference of two pieces that agree on a wall is a multiple of its row."""
    j = next(j for j, a in enumerate(row[0]) if a)
    factor = difference.weights[j] / row[0][j]
    assert difference == Piece.of_row(row).times(factor)  # the function is continuous
    return factor


def _common(a: Cell, b: Cell, wall: Row) -> Point | None:
    """A point inside the common facet of two cells on both sides of a wall; None if they share less."""
    j = next(j for j, c in enumerate(wall[0]) if c)
    rows = tidied(_restricted((*a.rows, *b.rows), wall, j))
    point = None if rows is None else inside(rows, a.dimension - 1)
    return None if point is None else lifted(point, wall, j)


def _restricted(rows: Sequence[Row], wall: Row, j: int) -> Iterator[Row]:
    """The rows on the hyperplane of a wall, without the coordinate j, those of the hyperplane itself left out."""
    pivot, sign = abs(wall[0][j]), 1 if wall[0][j] > 0 else -1
    for a, b in rows:
        if (a, b) in (wall, opposite(wall)):
            continue
        factor = sign * a[j]
        rest = [pivot * c - factor * w for c, w in zip(a, wall[0], strict=True)]
        del rest[j]
        yield tuple(rest), pivot * b - factor * wall[1]


def lifted(point: Point, wall: Row, j: int) -> Point:
    """The point of the hyperplane of a wall whose coordinates without the j-th are given."""
    others = [a for i, a in enumerate(wall[0]) if i != j]
    missing = -(sum((a * x for a, x in zip(others, point, strict=True)), Fraction(wall[1]))) / wall[0][j]
    return (*point[:j], missing, *point[j:])
