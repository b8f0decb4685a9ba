"""The lattice form: a maximum of minima of pieces (theory S1; Tarela and Martinez 1999, Ovchinnikov 2002)."""

from __future__ import annotations

from fractions import Fraction

from exactformer.errors import Unsupported
from exactformer.networks import Affine, MaxoutLayer, MaxoutNetwork
from exactformer.piecewise.cells import Cell, inside, opposite, tidied, value
from exactformer.piecewise.cpwl import CPWL
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.units import layer_of, sum_of_units
from exactformer.polyhedra.lp import Point, Row
from exactformer.rational import Matrix, Vector

Minimum = frozenset[Piece]
LIMIT = 1_000_000  # pairs of a cell and a piece


def minima_of(f: CPWL) -> tuple[tuple[Piece, ...], ...]:
    """Sets S of pieces with f = max over S of min over S, none of them within another.

    Cut each cell, with piece l, where another piece equals l. On a part Q let S_Q be the pieces that are >= l there.
    Then min over S_Q is f on Q, and nowhere larger: on the segment from a point of Q to x some piece is >= f at its
    start and <= f at its end, and it is in S_Q. A set that contains another adds nothing to the maximum.
    """
    if len(f.cells) * len(f.pieces) > LIMIT:
        raise Unsupported(
            f"max-min form: expected at most {LIMIT} pairs of a cell and a piece, "
            f"found {len(f.cells)} cells and {len(f.pieces)} pieces"
        )
    found: dict[Minimum, None] = {}
    for cell in f.cells:
        found |= dict.fromkeys(_above(cell, f.pieces))
    least = [s for s in found if not any(other < s for other in found)]
    order = {piece: i for i, piece in enumerate(f.pieces)}
    return tuple(sorted((tuple(sorted(s, key=order.__getitem__)) for s in least), key=lambda s: [order[p] for p in s]))


def _above(cell: Cell, pieces: tuple[Piece, ...]) -> list[Minimum]:
    """For each part of a cell on which no other piece crosses its own, the pieces that are not below it."""
    parts: list[tuple[tuple[Row, ...], Point, Minimum]] = [(cell.rows, cell.point, frozenset([cell.piece]))]
    for piece in pieces:
        difference = piece - cell.piece
        if piece == cell.piece:
            continue
        if difference.is_constant:
            parts = [(rows, x, s | {piece} if difference.constant > 0 else s) for rows, x, s in parts]
            continue
        divided = []
        for rows, point, s in parts:
            for row, chosen in ((difference.row, s | {piece}), (opposite(difference.row), s)):
                side = tidied((*rows, row))
                x = None if side is None else point if value(row, point) > 0 else inside(side, len(point))
                if side is not None and x is not None:
                    divided.append((side, x, chosen))
        parts = divided
    return [s for _, _, s in parts]


def cpwl_to_max_min(f: CPWL) -> MaxoutNetwork:
    """The network of two layers with f = max over S of min over S: a unit max over S of -l for each S, then one unit.

    Depth 2, widths (number of sets, 1). No layer for an affine function; depth 1 for a convex one, whose sets have one
    piece each, and for a concave one, which has one set. Raises `Unsupported` for very many cells and pieces.
    """
    sets = minima_of(f)
    n, nothing = f.inputs, Piece.number(Fraction(0), f.inputs)
    if len(f.pieces) == 1:
        return sum_of_units([], f.pieces[0], f.domain, "max-min form")
    if all(len(s) == 1 for s in sets):
        return sum_of_units([(Fraction(1), [piece for (piece,) in sets])], nothing, f.domain, "max-min form")
    if len(sets) == 1:
        return sum_of_units([(Fraction(-1), [-piece for piece in sets[0]])], nothing, f.domain, "max-min form")
    first = layer_of([[-piece for piece in s] for s in sets], n)
    negative = Matrix.sparse(len(sets), len(sets), {(i, i): -1 for i in range(len(sets))})
    second = MaxoutLayer(Affine(negative, Vector((0,) * len(sets))), len(sets))
    plus = Affine(Matrix.sparse(1, 1, {(0, 0): 1}), Vector((0,)))
    return MaxoutNetwork((first, second), plus, f.domain, "max-min form")
