"""A polyline as one hard attention head, a token a piece, and the proof that it equals the sum of ReLU units (M5).

Theorem H leaves the heights free, as long as they are convex with a bend at every knot. Here a height bends by as much
as the slope of the polyline does. So where the polyline is convex (concave), all values differ by plus (minus) what the
scores differ by, and the head is the maximum (the negative of one) by the kernel's rule *tie-proof*. The domain is cut
in the middle of a piece wherever that changes, and evaluated anew there: tokens elsewhere have smaller scores. Then the
sum of units and the maximum agree between neighbouring knots, which N log N steps of the rule *narrow* show.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from exactformer.approximation.knots import Polyline
from exactformer.domain import Domain
from exactformer.kernel.claims import Child, Goal, follow
from exactformer.networks import Transformer
from exactformer.piecewise.cells import Cell
from exactformer.piecewise.cpwl import CPWL
from exactformer.piecewise.one_head import one_head_of
from exactformer.piecewise.pieces import Piece
from exactformer.prover.search import Found
from exactformer.rational import number_text
from exactformer.work import Deadline

Step = list[Any]


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


def equality(goal: Goal, line: Polyline, deadline: Deadline) -> Found:
    """The steps that show that the sum of units and the head are equal, or the reason why there are none."""
    steps: list[Step] = []
    waiting: list[tuple[Child, list[list[Fraction]], bool]] = [(lambda: goal, _windows(line), False)]
    while waiting:
        if deadline.passed:
            return Found(steps, [], {}, reason=f"out of time, with {len(waiting)} parts of the domain to be compared")
        child, windows, cut = waiting.pop()
        if len(windows) > 1:
            middle = len(windows) // 2
            _split(child(), (windows[middle - 1][-1] + windows[middle][0]) / 2, steps, waiting, windows, middle)
            continue
        if cut:
            steps.append(["anew", []])
            (child,) = follow(child(), steps[-1], "equality")
        cell = child()
        if cell.stuck is None:
            steps += _within(windows[0])
            continue
        (knots,) = windows
        if len(knots) < 2:  # among very many tokens not all are asked whether they are above others
            first, second = sorted(cell.stuck)[:2]
            return Found(steps, [], {}, reason=f"the head is undecided between tokens {first} and {second}")
        middle = len(knots) // 2
        _split(cell, (knots[middle - 1] + knots[middle]) / 2, steps, waiting, [knots[:middle], knots[middle:]], 1)
    return Found(steps, [], {})


def _split(
    cell: Goal,
    end: Fraction,
    steps: list[Step],
    waiting: list[tuple[Child, list[list[Fraction]], bool]],
    windows: list[list[Fraction]],
    middle: int,
) -> None:
    """A cut between windows; the part above is the first that is looked at."""
    steps.append(_cut(end))
    above, below = follow(cell, steps[-1], "equality")
    waiting += [(below, windows[:middle], True), (above, windows[middle:], True)]


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


def _within(knots: Sequence[Fraction]) -> list[Step]:
    """Cuts at all knots, halves before quarters; between neighbours both sides are one affine form."""
    steps: list[Step] = []
    waiting = [(0, len(knots))]
    while waiting:
        first, last = waiting.pop()
        if (first, last) != (0, len(knots)):
            steps.append(["narrow"])
        if first == last:
            steps.append(["holds"])
            continue
        middle = (first + last) // 2
        steps.append(_cut(knots[middle]))
        waiting += [(first, middle), (middle + 1, last)]
    return steps


def _cut(end: Fraction) -> Step:
    return ["cut", [[1, 1], [0, number_text(-end)]]]
