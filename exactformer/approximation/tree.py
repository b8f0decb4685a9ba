"""The proof that a polyline is near a function, written down at once: cuts at all knots, halves before quarters.

As one head the polyline is first cut at its turns (`one_head`), so that the head is decided.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any

from exactformer.approximation.knots import Polyline
from exactformer.kernel.functions import Function, least
from exactformer.rational import number_text

Step = list[Any]
Piece = tuple[Fraction, Fraction, Fraction, Fraction]  # from, to, slope, value at 0
KINKS = ("absolute", "maximum", "minimum")
HALVINGS = 12  # of a piece, until the kernel's enclosures are enough
LEVELS = 3  # of cuts from one *narrow* to the next: that costs more than a cut


def steps_of(
    line: Polyline, function: Function, epsilon: Fraction, turns: Sequence[Fraction] = ()
) -> list[Step] | None:
    """The steps; None where enclosures are not enough, so that a search has to say why, or to cut at the kinks.

    The kernel knows kinks of what is piecewise linear as maxima, and encloses those of all else.
    """
    if _bent(function):
        return None
    ends: list[Fraction] = []
    waiting = deque(turns)
    for left, right, slope, value in zip(
        line.knots, (*line.knots[1:], line.end), line.slopes, line.values, strict=False
    ):
        within = [left]
        while waiting and waiting[0] < right:
            within.append(waiting.popleft())
        for start, end in pairwise([*within, right]):
            found = _enclosed((start, end, slope, value - slope * left), function, epsilon, HALVINGS)
            if found is None:
                return None
            ends += found
    return _tree([line.knots[0], *ends], turns)


def _bent(function: Function) -> bool:
    """Whether there is a kink of what is piecewise linear."""
    plain = set[int]()
    for number, step in enumerate(function.steps):
        if step.operation == "input" or step.operation == "number":
            plain.add(number)
        elif plain.issuperset(step.of):
            if step.operation in KINKS:
                return True
            if function.linear(step) is not None:
                plain.add(number)
    return False


def _enclosed(piece: Piece, function: Function, epsilon: Fraction, halvings: int) -> list[Fraction] | None:
    """The ends of the parts of a piece on each of which the kernel shows that it is near."""
    left, right, slope, value = piece
    den = lcm(slope.denominator, value.denominator, epsilon.denominator)
    box = [(left, right)]
    for sign in (1, -1):
        bound = least([(-sign * den, function)], {1: int(sign * den * slope)}, int(den * (epsilon + sign * value)), box)
        if bound is None or bound < 0:
            break
    else:
        return [right]
    if not halvings or left == right:
        return None
    middle = (left + right) / 2
    parts = [
        _enclosed((*ends, slope, value), function, epsilon, halvings - 1) for ends in ((left, middle), (middle, right))
    ]
    return None if parts[0] is None or parts[1] is None else parts[0] + parts[1]


def _tree(ends: Sequence[Fraction], turns: Sequence[Fraction]) -> list[Step]:
    """Cuts in the middle of what is left, down to the parts between neighbouring ends; first at the turns, all ends."""
    steps: list[Step] = []
    places = [bisect_left(ends, turn) for turn in turns]
    waiting = [(0, len(ends) - 1, False)]
    while waiting:
        first, last, narrow = waiting.pop()
        if narrow:
            steps.append(["narrow"])
        if last - first == 1:
            steps.append(["holds", [], []])
            continue
        inside = places[bisect_right(places, first) : bisect_left(places, last)]
        middle = inside[len(inside) // 2] if inside else (first + last) // 2
        steps.append(["cut", [[1, 1], [0, number_text(-ends[middle])]]])
        for part in ((first, middle), (middle, last)):  # the part above comes first
            size = part[1] - part[0]
            waiting.append((*part, bool(inside) or size == 1 or size.bit_length() % LEVELS == 0))
    return steps
