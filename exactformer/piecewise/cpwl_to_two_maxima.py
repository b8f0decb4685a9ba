"""A difference of two maxima of pieces (theory S2; Kripfganz and Schulze, Optimization 18, 1987)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from exactformer.networks import MaxoutNetwork
from exactformer.piecewise.cpwl import CPWL
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.units import Unit, sum_of_units
from exactformer.polyhedra.lp import Row


@dataclass(frozen=True)
class ConvexDifference:
    """f = g - h with convex g and h, h = sum of c max(0, row) over `hinges`."""

    g: CPWL
    h: CPWL
    hinges: tuple[tuple[Fraction, Row], ...]


def convex_difference(f: CPWL) -> ConvexDifference:
    """The function as the difference of two convex ones, with as little added as the concave walls need.

    For each hyperplane that contains walls with jumps < 0 (the function is concave across them), h has the hinge
    c max(0, row), -c the least of these jumps. Then no wall of g = f + h has a negative jump, so g is convex.
    """
    bends: dict[Row, Fraction] = {}
    for wall in f.walls:
        if wall.jump < 0:
            bends[wall.row] = max(-wall.jump, bends.get(wall.row, Fraction(0)))
    hinges = tuple((c, row) for row, c in sorted(bends.items()))
    h = sum_of_hinges(hinges, f)
    return ConvexDifference(f + h, h, hinges)


def sum_of_hinges(hinges: tuple[tuple[Fraction, Row], ...], f: CPWL) -> CPWL:
    """The function sum of c max(0, row) on the domain of f."""
    if f.inputs > 1 or not hinges:
        total = 0 * f
        for c, row in hinges:
            hinge = Piece.of_row(row)
            total = total + c * CPWL.affine(hinge.weights, hinge.constant, f.domain).max(0)
        return total
    slopes = {Fraction(-b, a): c * a for c, ((a,), b) in hinges}  # the rows of walls have a > 0
    places = sorted(slopes)
    values, slope = [Fraction(0)], Fraction(0)
    for place, after in pairwise(places):
        slope += slopes[place]
        values.append(values[-1] + slope * (after - place))
    return CPWL.knots(places, values, left=0, right=slope + slopes[places[-1]]).restricted(f.domain)


def cpwl_to_two_maxima(f: CPWL) -> MaxoutNetwork:
    """The network of one layer and at most two units, f = max of the pieces of g - max of the pieces of h.

    A convex function is its one maximum, a concave one the negative of one. The rank is the larger number of pieces.
    Of the decompositions of f and of -f that with fewer units is taken, then that of lower rank.
    """
    return min((_of(f, 1), _of(-f, -1)), key=lambda network: (sum(network.widths), network.rank))


def _of(f: CPWL, sign: int) -> MaxoutNetwork:
    """The network with sign times the value of f, a difference of two maxima."""
    parts = convex_difference(f)
    units: list[Unit] = []
    rest = Piece.number(Fraction(0), f.inputs)
    for side, pieces in ((Fraction(sign), parts.g.pieces), (Fraction(-sign), parts.h.pieces)):
        if len(pieces) == 1:
            rest = rest + pieces[0].times(side)
        else:
            units.append((side, pieces))
    return sum_of_units(units, rest, f.domain, "difference of two maxima")
