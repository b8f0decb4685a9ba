"""Where a domain is cut before its cells are evaluated: by a sketch of what will be found there, one cut ahead."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np

from exactformer.prover.sketch import Sketch
from exactformer.rational import nearly

MOST_INPUTS = 32  # each of them is tried, at every cut
GROWTH, TIMED = 8, 3  # so many times the cells, and so many of them are timed again
Box = tuple[tuple[Fraction, Fraction], ...]


@dataclass
class Plan:
    """A cell: how far the conclusions will reach there; and the input across which it is cut, where, and its parts."""

    box: Box
    tops: Any
    opened: int  # units whose sign will not be known
    cut: tuple[int, Fraction] | None = None
    parts: list[Plan] = field(default_factory=list)  # where the input is larger, and where it is smaller

    def excess(self, wanted: Sequence[float]) -> float:
        """By how much what is wanted will be exceeded; 0 for nothing."""
        return max(0.0, *(self.tops - wanted)) if len(self.tops) else 0.0


def planned(
    sketch: Sketch,
    box: Box,
    wanted: Sequence[float],
    few: int,
    took: Callable[[Box], float],
    room: Callable[[float], bool],
    progress: Callable[[int, int], None],
) -> tuple[Plan, float]:
    """A tree of cuts, best first, until all cells are good enough or have few open units, or for more is no room.

    `took` evaluates a cell and says how many seconds that was, `room` whether there are so many for all. The work grows
    with the open units: by so many seconds for each, which is the second result, as measured on usual cells.
    """
    order = count()
    root = _plans(sketch, [box])[0]
    heap = [(-root.excess(wanted), next(order), root)]
    cells, work, timed = 1, root.opened, 1
    pace = took(box) / max(1, root.opened)
    while heap and heap[0][0] < 0 and room(pace * (work + heap[0][2].opened)):
        plan = heapq.heappop(heap)[2]
        if plan.opened > few and _cut(sketch, plan, wanted):
            cells += 2
            work += sum(part.opened for part in plan.parts) - plan.opened
            for part in plan.parts:
                heapq.heappush(heap, (-part.excess(wanted), next(order), part))
            progress(cells, len(heap))
            if len(heap) >= GROWTH * timed:
                timed = len(heap)
                ranked = sorted((part for _, _, part in heap), key=lambda part: part.opened)
                usual = [ranked[(2 * i + 1) * timed // (2 * TIMED)] for i in range(TIMED)]
                pace = sum(took(part.box) for part in usual) / max(1, sum(part.opened for part in usual))
    return root, pace


def _cut(sketch: Sketch, plan: Plan, wanted: Sequence[float]) -> bool:
    """Cut the cell in half where its halves will exceed least, in sum; False where it is too small."""
    tried: list[tuple[tuple[int, Fraction], Box, Box]] = []
    for i, (low, high) in enumerate(plan.box):
        at = between(low, high)
        if nearly(low) < nearly(at) < nearly(high):
            above, below = ((*plan.box[:i], side, *plan.box[i + 1 :]) for side in ((at, high), (low, at)))
            tried.append(((i, at), above, below))
    if not tried:
        return False
    found = _plans(sketch, [box for _, *boxes in tried for box in boxes])
    halves = list(zip(found[::2], found[1::2], strict=True))
    best = min(range(len(tried)), key=lambda k: sum(half.excess(wanted) for half in halves[k]))
    if not all(np.isfinite(half.tops).all() for half in halves[best]):
        return False
    plan.cut, plan.parts = tried[best][0], list(halves[best])
    return True


def _plans(sketch: Sketch, boxes: Sequence[Box]) -> list[Plan]:
    low, high = (
        np.array([[nearly(side[end]) for side in box] for box in boxes]).reshape(len(boxes), -1) for end in (0, 1)
    )
    return [Plan(box, tops, int(opened)) for box, tops, opened in zip(boxes, *sketch.tops(low, high), strict=True)]


def between(low: Fraction, high: Fraction) -> Fraction:
    """A short number near the middle of two different ones."""
    bits = max(0, 8 - (high - low).numerator.bit_length() + (high - low).denominator.bit_length())
    return Fraction(round((low + high) / 2 * (1 << bits)), 1 << bits)
