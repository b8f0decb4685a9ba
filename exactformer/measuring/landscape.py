"""Values over one or two inputs, in floats, for a picture: of an output, or of what two networks differ by there."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from exactformer.domain import Domain
from exactformer.enclosure import bounds
from exactformer.errors import InvalidInput, Unsupported
from exactformer.measuring.numbers import Value
from exactformer.numeric import evaluate_batch
from exactformer.prover.cells import Point
from exactformer.prover.question import Question
from exactformer.prover.witness import Points, float_ends, near_point
from exactformer.rational import nearly

STEPS = 2048  # along one input
NEAR = 40  # points on each side of every known one, each twice as near as the one before
TILES = 80  # along each of two inputs
CHECKED, OFF = 9, 0.01  # so many points are computed exactly, and floats may be off by that share of what is seen


BEYOND = "weights, temperatures or values are beyond the range of floats"


class NotSeen(Exception):
    """Why there is nothing to draw."""


@dataclass(frozen=True)
class Landscape:
    """Values at points where only the inputs `free` vary, one or two; nan outside the domain.

    Over one input the points are in order, over two they are the middles of tiles, `TILES` in each row, from below.
    """

    free: tuple[int, ...]
    ends: tuple[tuple[float, float], ...]  # of each of them
    points: Points
    values: Points

    def range(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        known = self.values[np.isfinite(self.values)]
        return float(known.min()), float(known.max())


def free_inputs(space: Domain) -> tuple[int, ...]:
    """The inputs that the domain does not fix."""
    ends = enumerate(zip(space.lower, space.upper, strict=True))
    return tuple(i for i, (low, high) in ends if low is None or high is None or low < high)


def landscape(question: Question, output: int, known: Sequence[Point]) -> Landscape:
    """The values of an output over the one or two free inputs of the domain; on open sides as far as known points lie.

    Raises `NotSeen` where floats do not show them: the domain or the values are too wide or too narrow, or rounding is
    as large as what would be seen, which some points that are also computed exactly tell.
    """
    space, free = question.space, free_inputs(question.space)
    lower, upper = _window(space, known)
    ends = tuple((float(lower[i]), float(upper[i])) for i in free)
    for end in (*space.lower, *space.upper):
        as_float(end or Fraction(0))
    if not all(low < high and math.isfinite(high - low) for low, high in ends):
        raise NotSeen("the domain is too narrow or too wide for floats")
    points = np.repeat(lower[None, :], TILES**2 if len(free) == 2 else 0, axis=0)
    if len(free) == 2:
        middles = (np.arange(TILES) + 0.5) / TILES
        for i, share in zip(free, (np.tile(middles, TILES), np.repeat(middles, TILES)), strict=True):
            points[:, i] = lower[i] + (upper[i] - lower[i]) * share
    else:
        along = _along(*ends[0], [nearly(point[free[0]]) for point in known])
        points = np.repeat(lower[None, :], len(along), axis=0)
        points[:, free[0]] = along
    try:
        with np.errstate(all="ignore"):
            values = _values(question, points, output)
    except InvalidInput:
        raise NotSeen(BEYOND) from None
    values = np.where(np.isnan(values), np.inf, values)  # what came to be no number was beyond them before
    if len(space.bounds):
        values = np.where([space.contains(near_point(x, space)) for x in points], values, np.nan)
    if np.isinf(values).any():
        raise NotSeen(BEYOND)
    if np.isnan(values).all():
        raise NotSeen("no point inside the domain was found")
    found = Landscape(free, ends, points, values)
    _check(question, found, output)
    return found


def as_float(number: Fraction) -> float:
    """The number as a float. Raises `NotSeen` for one beyond their range."""
    if abs(number) > sys.float_info.max:
        raise NotSeen(BEYOND)
    return nearly(number)


def value_at(question: Question, point: Point, output: int) -> Value:
    """The exact value of the output at a point, or an enclosure."""
    first, *others = question.values(point)
    return first[output] - others[0][output] if others else first[output]


def _window(space: Domain, known: Sequence[Point]) -> tuple[Points, Points]:
    """The ends of the domain; an open side goes on to what lies around the known points."""
    lower, upper = (end.copy() for end in float_ends(space))
    for i, (low, high) in enumerate(zip(space.lower, space.upper, strict=True)):
        for x in (nearly(point[i]) for point in known):
            margin = abs(x) / 4 or 1.0
            lower[i] = lower[i] if low is not None else min(lower[i], x - margin)
            upper[i] = upper[i] if high is not None else max(upper[i], x + margin)
    return lower, upper


def _along(low: float, high: float, known: Sequence[float]) -> Points:
    """Numbers from low to high, and some that come near to known ones, where there may be little hills."""
    steps = (high - low) * 2.0 ** -np.arange(2.0, NEAR + 2)
    near = [x + sign * steps for x in known for sign in (-1, 1)]
    return np.unique(np.clip(np.concatenate([np.linspace(low, high, STEPS + 1), known, *near]), low, high))


def _values(question: Question, points: Points, output: int) -> Points:
    outputs = [
        evaluate_batch(network, points, tie=s.tie, temperature=s.temperature or None, base=s.base)[:, output]
        for network, s in zip(question.networks, question.semantics, strict=True)
    ]
    return np.asarray(outputs[0] - outputs[1] if len(outputs) == 2 else outputs[0])


def _check(question: Question, found: Landscape, output: int) -> None:
    """Raises `NotSeen` when most of some points have exactly computed values that are not near those in floats."""
    inside = np.flatnonzero(~np.isnan(found.values))
    low, high = found.range()
    if not math.isfinite(high - low):
        raise NotSeen(BEYOND)
    size = max(abs(low), abs(high))
    room, off = high - low if high > low and question.right is None else size, 0
    chosen = inside[np.linspace(0, len(inside) - 1, CHECKED).astype(int)]
    for i in chosen:
        try:
            exact = value_at(question, near_point(found.points[i], question.space), output)
        except Unsupported as error:
            raise NotSeen(str(error)) from None
        middle = sum(bounds(exact), Fraction(0)) / 2
        off += bool(abs(middle - Fraction(float(found.values[i]))) > Fraction(OFF) * Fraction(room))
    if 2 * off > len(chosen):
        raise NotSeen("rounding in floats is about as large as what would be seen")
