"""A polyline as one hard attention head, a token a piece (M5), such that a proof about it takes N log N steps.

Theorem H leaves the heights free, as long as they are convex with a bend at every knot. Here a height bends by as much
as the slope of the polyline does. So where the polyline is convex (concave), all values differ by plus (minus) what the
scores differ by, and the head is the maximum (the negative of one) by the kernel's rule *tie-proof*. A domain that is
cut in the middle of a piece wherever that changes has parts on which the kernel needs to know no more: by the rule
*narrow* tokens whose pieces are elsewhere are forgotten.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from exactformer.approximation.knots import Polyline
from exactformer.domain import Domain
from exactformer.networks import Transformer
from exactformer.piecewise.cells import Cell
from exactformer.piecewise.cpwl import CPWL
from exactformer.piecewise.one_head import one_head_of
from exactformer.piecewise.pieces import Piece


def polyline_to_one_head(line: Polyline, domain: Domain, name: str) -> Transformer:
    """The polyline as one head; neighbouring pieces of one slope are one token."""
    kept = [0, *(i for i, (a, b) in enumerate(pairwise(line.slopes), start=1) if a != b)]
    ends = [*(line.knots[i] for i in kept), line.end]
    values, height = line.values, Piece.number(Fraction(0), 1)
    cells, heights = list[Cell](), list[Piece]()
    for i, (left, right) in zip(kept, pairwise(ends), strict=True):
        slope = line.slopes[i]
        if heights:
            bend = abs(slope - cells[-1].piece.weights[0])
            height += Piece((bend,), -bend * left)
        heights.append(height)
        rows = (((left.denominator,), -left.numerator), ((-right.denominator,), right.numerator))
        cells.append(Cell(rows, Piece((slope,), values[i] - slope * left), ((left + right) / 2,)))
    return one_head_of(CPWL(domain, tuple(cells)), tuple(heights), name).transformer


def turns(line: Polyline) -> list[Fraction]:
    """Points in the middle of pieces; between these the polyline bends in one direction, and the head is a maximum."""
    windows = _windows(line)
    return [(before[-1] + after[0]) / 2 for before, after in pairwise(windows)]


def _windows(line: Polyline) -> list[list[Fraction]]:
    """The knots in runs in which the polyline bends in one direction."""
    found: list[list[Fraction]] = [[]]
    before = Fraction(0)
    for knot, (a, b) in zip(line.knots[1:], pairwise(line.slopes), strict=True):
        if a == b:
            continue
        if before * (b - a) < 0:
            found.append([])
        found[-1].append(knot)
        before = b - a
    return found
