"""One layer of units of rank 2, where that is possible: one hidden ReLU layer (theory M4, N5, T20)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from exactformer.errors import Unsupported
from exactformer.networks import MaxoutNetwork
from exactformer.piecewise.cpwl import CPWL, check_function
from exactformer.piecewise.cpwl_to_two_maxima import sum_of_hinges
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.shown import piece_text, place_text
from exactformer.piecewise.units import sum_of_units
from exactformer.polyhedra.lp import Point, Row
from exactformer.rational import exact_text


@dataclass(frozen=True)
class Hinges:
    """f = sum of c max(0, row) over `hinges`, plus the affine `rest`."""

    hinges: tuple[tuple[Fraction, Row], ...]
    rest: Piece


@dataclass(frozen=True)
class UnequalJumps:
    """Across the hyperplane row = 0 the slope jumps by different multiples of the row at two of its points.

    That refutes every network of one hidden layer of units of rank 2, of any width: the slope of c max(a, b) jumps
    across the whole hyperplane a = b by the same c (grad a - grad b), and nowhere else. So at all points of a
    hyperplane that lie on no other one of the network, the slope of the network jumps by the same.
    """

    row: Row
    point: Point
    jump: Fraction
    other_point: Point
    other_jump: Fraction

    def __str__(self) -> str:
        jumps = [
            f"{exact_text(jump)} at {place_text(point)}"
            for point, jump in ((self.point, self.jump), (self.other_point, self.other_jump))
        ]
        wall = piece_text(Piece.of_row(self.row))
        return f"across {wall} = 0 the slope jumps by different multiples of its gradient: {' and '.join(jumps)}"


def hinges_of(f: CPWL) -> Hinges | UnequalJumps:
    """The function as a sum of hinges, one hidden layer of ReLUs, or the reason why no such layer equals it.

    Take away a hinge for each hyperplane with a wall. What is left is affine, or has a wall in one of the hyperplanes,
    where the slope of f then jumps by another multiple. In one variable a hyperplane is a point, so it is affine.
    """
    check_function(f)
    jumps: dict[Row, tuple[Fraction, Point]] = {}
    for wall in f.walls:
        if wall.jump or wall.row in jumps:
            jumps.setdefault(wall.row, (wall.jump, wall.point))
    hinges = tuple((jump, row) for row, (jump, _) in sorted(jumps.items()))
    rest = f - sum_of_hinges(hinges, f)
    for wall in rest.walls:
        if wall.jump:
            jump, point = jumps[wall.row]
            return UnequalJumps(wall.row, point, jump, wall.point, jump + wall.jump)
    return Hinges(hinges, rest.pieces[0])


def cpwl_to_one_layer(f: CPWL) -> MaxoutNetwork:
    """The network of one layer with a unit of rank 2 for each hyperplane in which the slope jumps.

    In one variable always: N - 1 units for N pieces. Raises `Unsupported` with the two points of `UnequalJumps`.
    """
    found = hinges_of(f)
    if isinstance(found, UnequalJumps):
        raise Unsupported(
            f"one layer of rank 2: expected slopes that jump equally along each hyperplane, found {found}"
        )
    nothing = Piece.number(Fraction(0), f.inputs)
    units = [(c, (Piece.of_row(row), nothing)) for c, row in found.hinges]
    return sum_of_units(units, found.rest, f.domain, "one layer of rank 2")
