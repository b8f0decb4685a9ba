"""Cells: polyhedra with inside, each with the piece that a function is on it. Every decision is exact.

In one variable a polyhedron is an interval, and nothing needs a linear program: all is linear in the number of cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import gcd, inf

from exactformer.piecewise.pieces import Piece
from exactformer.polyhedra.lp import Inside, Minimum, Point, Program, Row, Unbounded, interior
from exactformer.polyhedra.lp import inside as common_point
from exactformer.subdivision.polytope import facets

End = Fraction | float  # a float is an infinity


@dataclass(frozen=True)
class Cell:
    """The points where all rows are >= 0, one row a facet, with a point strictly inside and the piece on them."""

    rows: tuple[Row, ...]
    piece: Piece
    point: Point = field(compare=False)

    @property
    def dimension(self) -> int:
        """The number of inputs."""
        return len(self.point)

    @cached_property
    def box(self) -> tuple[tuple[End, End], ...]:
        """The least and the largest value of each input, infinite where there is none."""
        return box_of(self.rows, self.dimension)

    def contains(self, x: Sequence[Fraction]) -> bool:
        """Whether a point lies in the cell or on its boundary."""
        return all(value(row, x) >= 0 for row in self.rows)

    def having(self, piece: Piece) -> Cell:
        """The same polyhedron with another piece."""
        return Cell(self.rows, piece, self.point)


def value(row: Row, x: Sequence[Fraction]) -> Fraction:
    """The value a . x + b of a row."""
    return sum((a * v for a, v in zip(row[0], x, strict=True) if a), Fraction(row[1]))


def opposite(row: Row) -> Row:
    """The row that holds on the other side."""
    return tuple(-a for a in row[0]), -row[1]


def tidied(rows: Iterable[Row]) -> tuple[Row, ...] | None:
    """The rows in lowest terms and in order, of parallel ones the tightest; None if two of them leave no inside."""
    tightest: dict[tuple[int, ...], Fraction] = {}
    for a, b in rows:
        common = gcd(*a)
        if common == 0:
            if b < 0:
                return None
            continue
        direction, offset = tuple(c // common for c in a), Fraction(b, common)
        tightest[direction] = min(offset, tightest.get(direction, offset))
    for direction, offset in tightest.items():
        other = tightest.get(tuple(-c for c in direction))
        if other is not None and offset + other <= 0:
            return None
    return tuple(sorted((tuple(c * offset.denominator for c in a), offset.numerator) for a, offset in tightest.items()))


def inside(rows: Sequence[Row], dimension: int) -> Point | None:
    """A point at which all tidied rows are positive, None if there is none."""
    if dimension == 0:
        return ()
    if dimension == 1:
        low, high = interval(rows)
        return (_between(low, high),) if low < high else None
    answer = interior(rows, dimension)
    return answer.point if isinstance(answer, Inside) else None


def interval(rows: Iterable[Row]) -> tuple[End, End]:
    """The ends of the interval where all rows of one variable hold."""
    low: End = -inf
    high: End = inf
    for (a,), b in rows:
        if a > 0:
            low = max(low, Fraction(-b, a))
        elif a < 0:
            high = min(high, Fraction(-b, a))
        elif b < 0:
            return Fraction(0), Fraction(-1)
    return low, high


def _between(low: End, high: End) -> Fraction:
    """A number between two ends, with few digits where one of them is infinite."""
    if isinstance(low, Fraction) and isinstance(high, Fraction):
        return (low + high) / 2
    if isinstance(low, Fraction):
        return low + 1
    return high - 1 if isinstance(high, Fraction) else Fraction(0)


def cell(rows: Iterable[Row], piece: Piece) -> Cell | None:
    """The cell where all rows hold, None if it has no inside."""
    dimension = len(piece.weights)
    kept = tidied(rows)
    point = None if kept is None else inside(kept, dimension)
    if kept is None or point is None:
        return None
    return Cell(kept if dimension < 2 else facets(kept, dimension), piece, point)


def box_of(rows: Sequence[Row], dimension: int) -> tuple[tuple[End, End], ...]:
    """The least and the largest value of each input over rows with a common point, infinite where there is none."""
    if dimension == 1:
        return (interval(rows),)
    program = Program(rows, dimension)
    ends: list[tuple[End, End]] = []
    for i in range(dimension):
        up = tuple(int(j == i) for j in range(dimension))
        low, high = program.minimise((up, 0)), program.minimise((tuple(-a for a in up), 0))
        ends.append(
            (low.value if isinstance(low, Minimum) else -inf, -high.value if isinstance(high, Minimum) else inf)
        )
    return tuple(ends)


def meeting(left: Sequence[Cell], right: Sequence[Cell]) -> Iterator[tuple[int, int]]:
    """The pairs (i, j) of cells whose boxes have a point in common, by a sweep along the first input."""
    order = sorted(
        [(c.box[0][0], 0, i) for i, c in enumerate(left)] + [(c.box[0][0], 1, j) for j, c in enumerate(right)]
    )
    both = (left, right)
    open_cells: tuple[list[int], list[int]] = ([], [])
    for low, side, number in order:
        other = 1 - side
        open_cells[other][:] = [k for k in open_cells[other] if both[other][k].box[0][1] >= low]
        box = both[side][number].box
        for k in open_cells[other]:
            if all(a[0] <= b[1] and b[0] <= a[1] for a, b in zip(box, both[other][k].box, strict=True)):
                yield (number, k) if side == 0 else (k, number)
        open_cells[side].append(number)


def without(rows: Sequence[Row], other: Sequence[Row], dimension: int) -> list[tuple[tuple[Row, ...], Point]]:
    """Polyhedra with disjoint insides that make up what of one is not in another, each with a point inside."""
    found = []
    kept = list(rows)
    for row in other:
        part = tidied([*kept, opposite(row)])
        point = None if part is None else inside(part, dimension)
        if part is not None and point is not None:
            found.append((part, point))
        kept.append(row)
    return found


def disagreement(first: Cell, second: Cell) -> Point | None:
    """A common point of two cells, flat ones too, at which their pieces differ; None if they agree."""
    difference = first.piece - second.piece
    if difference.is_constant and difference.constant == 0:
        return None
    rows = (*first.rows, *second.rows)
    if first.dimension == 1:
        low, high = interval(rows)
        if low > high:
            return None
        middle = _between(low, high)
        ends = [x for x in (low, high, middle, middle + 1) if isinstance(x, Fraction) and low <= x <= high]
        return next(((x,) for x in ends if difference((x,)) != 0), None)
    for row in (difference.row, opposite(difference.row)):
        answer = common_point([*rows, row], [False] * len(rows) + [True], first.dimension)
        if isinstance(answer, Inside):
            return answer.point
    return None


def lowest(cell: Cell) -> Minimum | Unbounded:
    """The least value of the piece on its cell, with a point where it is attained."""
    row = cell.piece.row
    if cell.piece.is_constant:
        return Minimum(cell.piece.constant, cell.point, {})
    if cell.dimension == 1:
        end = cell.box[0][0] if row[0][0] > 0 else cell.box[0][1]
        return Minimum(cell.piece((end,)), (end,), {}) if isinstance(end, Fraction) else Unbounded()
    answer = Program(cell.rows, cell.dimension).minimise(row)
    if isinstance(answer, Minimum):
        return Minimum(cell.piece(answer.point), answer.point, {})
    assert isinstance(answer, Unbounded)  # a cell has points
    return answer


def joined(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells, those with one piece put together as long as two of them make up a polyhedron; in order.

    Two cells on both sides of a common wall do exactly if every other row of each holds on the other.
    """
    classes: dict[Piece, list[Cell]] = {}
    for each in sorted(cells, key=lambda c: c.box) if cells and cells[0].dimension == 1 else cells:
        kept = classes.setdefault(each.piece, [])
        merged = each
        searching = True
        while searching:
            searching = False
            # In one variable only the last cell of a class can touch the next one.
            for other in kept[-1:] if merged.dimension == 1 else list(kept):
                union = _union(other, merged)
                if union is not None:
                    kept.remove(other)
                    merged, searching = union, True
                    break
        kept.append(merged)
    return ordered([each for kept in classes.values() for each in kept])


def ordered(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells in an order that depends on the set of them alone: from left to right, then by their rows."""
    return tuple(sorted(cells, key=lambda c: (c.box, c.rows)))


def _union(a: Cell, b: Cell) -> Cell | None:
    """The union of two cells without a common inside, if it is a polyhedron."""
    mirrored = {opposite(row) for row in b.rows}
    walls = [row for row in a.rows if row in mirrored]
    if len(walls) != 1:
        return None
    first = [row for row in a.rows if row != walls[0]]
    second = [row for row in b.rows if row != opposite(walls[0])]
    if not all(row in b.rows or _holds(row, b) for row in first):
        return None
    if not all(row in a.rows or _holds(row, a) for row in second):
        return None
    kept = tidied([*first, *second])
    assert kept is not None  # a and b have inside
    return Cell(kept, a.piece, a.point)


def _holds(row: Row, cell: Cell) -> bool:
    """Whether a row is nowhere negative on a cell."""
    if value(row, cell.point) < 0:
        return False
    rows = tidied([*cell.rows, opposite(row)])
    return rows is None or inside(rows, cell.dimension) is None
