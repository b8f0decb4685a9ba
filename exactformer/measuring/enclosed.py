"""Bounds of claims with functions: points from below, then the claim with bounds just above, until one is proved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from exactformer.claims import Claim
from exactformer.enclosure import bounds
from exactformer.errors import Unsupported
from exactformer.measuring.numbers import short
from exactformer.prover.attempt import Attempt
from exactformer.prover.branching import Reach, Wanted
from exactformer.prover.narrowing import narrowed
from exactformer.prover.outcome import Outcome, Point
from exactformer.prover.question import Question

FINEST, COARSE = 24, 4  # halvings of a side: what is still open there asks for looser bounds; for the first attempt
WIDER, LOOSEST = 8, 20  # how much looser, from one attempt to the next, and how many attempts there are
CLOSE = Fraction(19, 20)  # of what is enough, the rest is for rounding
DIGITS = 9  # of a bound
PLACES = 1 << 10  # to which points are rounded, as values there may be rational
LEAST = Fraction(1, 1 << 30)  # of the largest value: the first step where nothing else gives a size


@dataclass(frozen=True)
class Heights:
    """How far each conclusion of a question reaches at the best point that is known for it."""

    question: Question
    reached: tuple[Reach, ...] = ()
    points: tuple[Point | None, ...] = ()
    exact: tuple[bool, ...] = ()  # whether what is reached is the value at the point, a rational one

    def with_point(self, point: Point) -> Heights:
        """The same, with what one more point shows; where the functions have no value it shows nothing."""
        if not self.question.space.contains(point):
            return self
        try:
            values = self.question.values(point)
        except Unsupported:
            return self
        ends = [bounds(conclusion) for conclusion in self.question.claim.conclusions(*values)]
        found = [-high for _, high in ends]
        before = self.reached or (None,) * len(found)
        better = [old is None or new > old for old, new in zip(before, found, strict=True)]
        return replace(
            self,
            reached=tuple(new if b else old for b, old, new in zip(better, before, found, strict=True)),
            points=tuple(point if b else p for b, p in zip(better, self.points or before, strict=True)),  # type: ignore[misc]
            exact=tuple(
                low == high if b else e
                for b, e, (low, high) in zip(better, self.exact or (False,) * len(ends), ends, strict=True)
            ),
        )


@dataclass(frozen=True)
class Enclosed:
    """What a search found: how far points reach, the bounds that are proved, and how many cells that took."""

    heights: Heights
    tops: tuple[Fraction, ...]  # of each conclusion; none without a theorem
    outcome: Outcome | None
    cells: int
    reason: str | None = None


def enclosed(
    attempt: Attempt,
    points: Iterator[Point],
    groups: Sequence[int],
    enough: Wanted,
    claim: Callable[[Sequence[Fraction]], Claim],
    progress: Callable[[int, int], None],
) -> Enclosed:
    """Bounds of the conclusions of a question with functions that are as near to values as is enough, or nearly so.

    A bound that is refuted gives a better point; one that is too close to call gives way to a looser one. Rational
    values are tried themselves, first.
    """
    heights, deadline, cells = Heights(attempt.question).with_point(attempt.inhabitant), attempt.deadline, 0
    for point in points:
        heights = heights.with_point(point).with_point(tuple(Fraction(round(x * PLACES), PLACES) for x in point))
    reason, slack = None, -1 if any(heights.exact) else 0
    while heights.reached and slack <= LOOSEST and not deadline.passed:
        tops = _tops(heights, groups, enough, slack)
        asked = replace(attempt.question, claim=claim([max(_own(tops, groups, g)) for g in dict.fromkeys(groups)]))
        own = Attempt(asked, attempt.started, deadline)
        found = narrowed(own.asked.goal(), deadline, asked.violated, progress, FINEST if slack >= 0 else COARSE)
        cells += sum(step[0] == "holds" for step in found.steps)
        if found.witness is not None:
            heights, slack = heights.with_point(found.witness), max(slack, 0)
        elif found.reason is not None:
            reason, slack = found.reason, slack + 1
        else:
            outcome = own.proved("distance", found)
            proved = outcome.verdict == "proved"
            return Enclosed(
                heights, tops if proved else (), outcome if proved else None, cells, outcome.reason or reason
            )
    return Enclosed(heights, (), None, cells, reason or "no point is known at which all functions have a value")


def _own(tops: Sequence[Fraction], groups: Sequence[int], group: int) -> list[Fraction]:
    return [top for top, own in zip(tops, groups, strict=True) if own == group]


def _tops(heights: Heights, groups: Sequence[int], enough: Wanted, slack: int) -> tuple[Fraction, ...]:
    """The bounds to try: what is enough, or so much looser; one for all conclusions of a group."""
    wanted = enough(list(heights.reached))
    size = max([abs(reach) for reach in heights.reached if reach is not None], default=Fraction(0)) or Fraction(1)
    tops = []
    for reach, goal, exact in zip(heights.reached, wanted, heights.exact, strict=True):
        assert reach is not None and goal is not None  # all conclusions have values at a point
        room = max((goal - reach) * CLOSE, size * LEAST if slack > 0 else Fraction(0))
        tops.append(reach if exact and slack < 0 else short(reach + room * WIDER ** max(slack, 0), DIGITS))
    return tuple(max(_own(tops, groups, group)) for group in groups)
