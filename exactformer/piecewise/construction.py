"""Where functions come from: cells and pieces, knots, values on a triangulation or a grid, networks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise, permutations, product
from math import inf
from typing import Any

import flint
from flint import fmpq

from exactformer.domain import Domain
from exactformer.errors import InvalidInput
from exactformer.networks import Network
from exactformer.piecewise.cells import (
    Cell,
    cell,
    disagreement,
    inside,
    interval,
    meeting,
    ordered,
    tidied,
    without,
)
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.shown import piece_text, place_text
from exactformer.polyhedra.lp import Inside, Point, Row
from exactformer.polyhedra.lp import inside as common_point
from exactformer.rational import exact_text
from exactformer.subdivision.polytope import primitive
from exactformer.subdivision.search import domain_rows

Part = tuple[Sequence[Row], Piece]  # where all rows are >= 0, the function is the piece


class Discontinuous(InvalidInput):
    """Two pieces differ at a point that both their cells contain."""

    def __init__(self, point: Point, first: Piece, second: Piece, place: str = "cells") -> None:
        self.point = point
        self.values = first(point), second(point)
        sides = [f"{piece_text(piece)} = {exact_text(piece(point))}" for piece in (first, second)]
        super().__init__(
            f"{place}: expected pieces that agree where their cells meet, "
            f"found {sides[0]} and {sides[1]} at {place_text(point)}"
        )


class Undefined(InvalidInput):
    """A point of the domain lies in no cell."""

    def __init__(self, point: Point, place: str = "cells") -> None:
        self.point = point
        super().__init__(f"{place}: expected cells that cover the domain, found none at {place_text(point)}")


def cells_of_parts(parts: Iterable[Part], domain: Domain, place: str = "cells") -> tuple[Cell, ...]:
    """The cells of the one continuous function that agrees with all parts, after a proof that there is one.

    Finitely many closed sets that cover the domain, with continuous functions that agree on all common points, make up
    one continuous function (pasting lemma). Both conditions are decided by exact linear programs. Parts may overlap, be
    flat or empty. Raises `Discontinuous` or `Undefined` with a point.
    """
    ground = rows_of(domain)
    found = [_part((*rows, *ground), piece) for rows, piece in parts]
    present = [each for each, _ in found if each is not None]
    pairs = [(i, j) for i, j in meeting(present, present) if i < j]
    for i, j in sorted(pairs):
        point = disagreement(present[i], present[j])
        if point is not None:
            raise Discontinuous(point, present[i].piece, present[j].piece, place)
    solid = [each for each, full in found if each is not None and full]
    missing = uncovered(ground, solid, domain.dimension)
    if missing is not None:
        raise Undefined(missing, place)
    return ordered(_disjoint(solid))


def rows_of(domain: Domain) -> tuple[Row, ...]:
    """The rows of a domain with inside. Raises `InvalidInput` for another one."""
    rows = tidied(domain_rows(domain))
    if rows is None or inside(rows, domain.dimension) is None or not domain.dimension:
        raise InvalidInput(f"domain: expected one with inside, found {domain}")
    return rows


def _part(rows: Sequence[Row], piece: Piece) -> tuple[Cell | None, bool]:
    """The cell, and whether it has inside; None for an empty one."""
    solid = cell(rows, piece)
    if solid is not None:
        return solid, True
    if len(piece.weights) == 1:
        low, high = interval(rows)
        flat = isinstance(low, Fraction) and low == high
        return (Cell(tuple(rows), piece, (Fraction(low),)) if flat else None), False
    answer = common_point(rows, [False] * len(rows), len(piece.weights))
    return (Cell(tuple(rows), piece, answer.point) if isinstance(answer, Inside) else None), False


def uncovered(ground: tuple[Row, ...], cells: Sequence[Cell], dimension: int) -> Point | None:
    """A point inside the rows of the ground that is in no cell; None if the cells cover it.

    A part of the ground that is left is looked at in a point inside of it: some cell has that point, and is taken away
    from the part, or none has it.
    """
    if dimension == 1:
        reach, high = interval(ground)
        for each in sorted(cells, key=lambda c: c.box):
            (start, end), *_ = each.box
            if start > reach:
                break
            reach = max(reach, end)
        left = tuple(_end(x, side) for x, side in ((reach, 1), (high, -1)) if x not in (inf, -inf))
        return inside(left, 1) if reach < high else None
    point = inside(ground, dimension)
    open_parts = [] if point is None else [(ground, point)]
    while open_parts:
        rows, point = open_parts.pop()
        home = next((each for each in cells if each.contains(point)), None)
        if home is None:
            return point
        open_parts += without(rows, home.rows, dimension)
    return None


def _end(x: Fraction | float, side: int) -> Row:
    return primitive((Fraction(side),), -side * Fraction(x))


def _disjoint(cells: Sequence[Cell]) -> list[Cell]:
    """Cells with disjoint insides for the same function: what earlier ones cover is taken away from later ones."""
    before: dict[int, list[int]] = {}
    for i, j in meeting(cells, cells):
        if i < j:
            before.setdefault(j, []).append(i)
    found = []
    for j, each in enumerate(cells):
        parts = [(each.rows, each.point)]
        for i in before.get(j, ()):
            rest = []
            for rows, point in parts:
                common = tidied((*rows, *cells[i].rows))
                apart = common is None or inside(common, each.dimension) is None
                rest += [(rows, point)] if apart else without(rows, cells[i].rows, each.dimension)
            parts = rest
        whole = len(parts) == 1 and parts[0][0] == each.rows
        found += [each] if whole else [c for rows, _ in parts if (c := cell(rows, each.piece)) is not None]
    return found


def cells_of_knots(
    places: Sequence[Fraction], values: Sequence[Fraction], left: Fraction | None, right: Fraction | None
) -> list[Cell]:
    """The cells of the interpolant through knots in ascending order, with slopes outside where they are given."""
    found = []

    def add(ends: list[tuple[Fraction, int]], slope: Fraction, at: int, point: Fraction) -> None:
        rows = tuple(sorted(_end(x, side) for x, side in ends))
        found.append(Cell(rows, Piece((slope,), values[at] - slope * places[at]), (point,)))

    if left is not None:
        add([(places[0], -1)], left, 0, places[0] - 1)
    for i, (a, b) in enumerate(pairwise(places)):
        add([(a, 1), (b, -1)], (values[i + 1] - values[i]) / (b - a), i, (a + b) / 2)
    if right is not None:
        add([(places[-1], 1)], right, len(places) - 1, places[-1] + 1)
    return found


def simplex(corners: Sequence[Point], values: Sequence[Fraction]) -> Cell | None:
    """The cell of the affine interpolant at n + 1 corners; None for a flat simplex."""
    n = len(corners) - 1
    matrix = flint.fmpq_mat([[fmpq(x.numerator, x.denominator) for x in (*corner, Fraction(1))] for corner in corners])
    try:
        inverse = matrix.inv()  # column i: the barycentric coordinate of corner i, weights and constant
    except ZeroDivisionError:
        return None
    heights = [Piece(tuple(_fraction(inverse[j, i]) for j in range(n)), _fraction(inverse[n, i])) for i in range(n + 1)]
    piece = Piece.number(Fraction(0), n)
    for height, number in zip(heights, values, strict=True):
        piece = piece + height.times(number)
    point = tuple(sum((corner[j] for corner in corners), Fraction(0)) / (n + 1) for j in range(n))
    return Cell(tuple(sorted(height.row for height in heights)), piece, point)


def _fraction(x: Any) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def cells_of_grid(axes: Sequence[Sequence[Fraction]], values: Sequence[Fraction]) -> list[Cell]:
    """The Kuhn (Freudenthal) interpolant: a grid cell is cut into n! simplices by the order of its local coordinates.

    `values` has the last input fastest. Neighbouring simplices share the corners of their common face, and so the
    values on it: the function is continuous, and its cells cover the box.
    """
    sizes = [len(axis) for axis in axes]
    strides = [1] * len(axes)
    for i in range(len(axes) - 2, -1, -1):
        strides[i] = strides[i + 1] * sizes[i + 1]
    found = []
    for base in product(*(range(size - 1) for size in sizes)):
        for order in permutations(range(len(axes))):
            corner = list(base)
            corners, numbers = [], []
            for step in (None, *order):
                if step is not None:
                    corner[step] += 1
                corners.append(tuple(axis[i] for axis, i in zip(axes, corner, strict=True)))
                numbers.append(values[sum(i * s for i, s in zip(corner, strides, strict=True))])
            each = simplex(corners, numbers)
            assert each is not None  # the axes ascend
            found.append(each)
    return found


def cells_of_network(network: Network, domain: Domain, output: int) -> tuple[Cell, ...]:
    """The cells of one output of a network, its activation regions; of a Transformer, after a proof of continuity.

    Raises `Discontinuous` for a Transformer whose output jumps.
    """
    from exactformer.networks import Transformer
    from exactformer.subdivision.driver import regions

    rows_of(domain)
    found = []
    for region in regions(network, domain):
        row = region.affine.weights.row(output)
        weights = tuple(row.get(i, Fraction(0)) for i in range(domain.dimension))
        found.append((region.rows, Piece(weights, region.affine.biases[output])))
    if isinstance(network, Transformer):
        return cells_of_parts(found, domain, "network")
    ground = rows_of(domain)
    return tuple(each for rows, piece in found if (each := cell((*rows, *ground), piece)) is not None)
