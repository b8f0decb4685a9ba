"""Where the pieces of a continuous piecewise linear function of one variable meet, so that it stays near a function.

From one vertex to the next the longest line is taken that stays within the tube f - e <= y <= f + e: the cone of the
slopes that do so shrinks until it is empty. It ends where it touches the tube, so on a convex part all vertices lie on
f + e and all lines touch f - e: there the pieces are as few as can be. Floats find the knots; what they are worth is
for a proof to say. Knots and slopes are short dyadic numbers, and every slope aims anew from the exact value before it,
so that no rounding adds up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]  # values at points of one variable
SAMPLES = 128  # of the function on a step of the search
FILLED = 0.995  # of the tube, the rest is for rounding
CLOSER = 65  # more of them where the tube is touched
PIECES = 1 << 17  # as many as there may be
FINE = 2.0**-10  # of the width of the tube, how finely numbers are rounded


@dataclass(frozen=True)
class Polyline:
    """A continuous piecewise linear function: its first value, the knots where slopes begin, and the last end."""

    knots: tuple[Fraction, ...]
    slopes: tuple[Fraction, ...]
    start: Fraction
    end: Fraction

    @property
    def values(self) -> list[Fraction]:
        """The values at the knots and at the end."""
        found = [self.start]
        for left, right, slope in zip(self.knots, (*self.knots[1:], self.end), self.slopes, strict=True):
            found.append(found[-1] + slope * (right - left))
        return found


def polyline(curve: Curve, low: Fraction, high: Fraction, epsilon: Fraction, fineness: int = 1) -> Polyline:
    """A polyline from low to high within about epsilon of the curve, with few pieces; low <= high.

    Raises `ArithmeticError` where the curve is not finite, or too steep.
    """
    samples = SAMPLES * fineness
    tube, width = float(epsilon) * FILLED, float(high - low)
    middle = float(finite(curve, np.array([float(low)]))[0])
    if low == high:
        return Polyline((low,), (Fraction(0),), dyadic(middle, tube * FINE), high)
    starts = [dyadic(middle + shift, tube * FINE) for shift in (tube, -tube, 0.0)]
    reaches = [_reach(curve, float(low), float(y), width / 16, float(high), tube, samples)[0] for y in starts]
    start = starts[int(np.argmax(reaches))]
    knots, slopes, x, y, step = [low], list[Fraction](), low, start, width / 16
    while True:
        reach, slope = _reach(curve, float(x), float(y), step, float(high), tube, samples)
        step = reach - float(x)
        slopes.append(dyadic(slope, tube * FINE / step))
        if reach >= float(high):
            return Polyline(tuple(knots), tuple(slopes), start, high)
        unit = step * FINE / 2
        following = dyadic(reach - unit / 2, unit)  # not beyond: past a kink the line may leave the tube at once
        if following >= high:
            return Polyline(tuple(knots), tuple(slopes), start, high)
        if following <= x or len(knots) == PIECES:
            raise ArithmeticError(f"the function is too steep at {float(x):g} for {PIECES} pieces")
        y += slopes[-1] * (following - x)
        x = following
        knots.append(x)
        step *= 2


def _reach(curve: Curve, x: float, y: float, step: float, end: float, tube: float, samples: int) -> tuple[float, float]:
    """How far a line from (x, y) can go within the tube, and its slope; the first guess is the step."""
    least, most, left, first = -math.inf, math.inf, x, min(step, end - x)
    while True:
        right = min(left + step, end)
        t = left + (right - left) * np.arange(1, samples + 1) / samples
        if t[0] <= left or not math.isfinite(y):
            raise ArithmeticError(f"the function is too steep at {x:g}")
        lows, highs = _cone(curve, x, y, t, tube)
        fits = _fits(lows, highs, least, most)
        touched = int(np.argmax(lows[:fits])), int(np.argmin(highs[:fits]))
        t = np.union1d(t, np.concatenate([_around(t, i) for i in touched]))
        lows, highs = _cone(curve, x, y, t, tube)
        fits, whole = _fits(lows, highs, least, most), len(t) + 1
        lows = np.maximum.accumulate(np.append(least, lows))
        highs = np.minimum.accumulate(np.append(most, highs))
        least, most, last = lows[fits - 1], highs[fits - 1], (left if fits == 1 else t[fits - 2])
        if fits == whole and right < end:  # all of it: go on
            left, step = right, 2 * step
        elif first > 4 * (last - x) > 0:  # so few samples on the way say little: once more, with a smaller step
            return _reach(curve, x, y, 2 * float(last - x), end, tube, samples)
        elif fits == whole or step <= (last - x) * FINE:
            return float(last), float((least + most) / 2)
        elif step / samples < (right - x) * 1e-13:
            raise ArithmeticError(f"the function is too steep at {x:g}")
        else:
            left, step = last, step / samples


def _cone(curve: Curve, x: float, y: float, t: Floats, tube: float) -> tuple[Floats, Floats]:
    """The least and the largest slope from (x, y) into the tube at each of the points."""
    values = finite(curve, t)
    with np.errstate(all="ignore"):
        return (values - tube - y) / (t - x), (values + tube - y) / (t - x)


def _fits(lows: Floats, highs: Floats, least: float, most: float) -> int:
    """One more than the number of the points, from the first on, that one line meets the tube at."""
    none = np.maximum.accumulate(np.append(least, lows)) > np.minimum.accumulate(np.append(most, highs))
    return int(np.argmax(none)) if none.any() else len(none)


def _around(t: Floats, i: int) -> Floats:
    """Points between the neighbours of a point: a line that touches the tube there may leave it between samples."""
    return np.linspace(t[max(i - 1, 0)], t[min(i + 1, len(t) - 1)], CLOSER)


def finite(curve: Curve, t: Floats) -> Floats:
    """The values at these points. Raises `ArithmeticError` where one is not finite."""
    with np.errstate(all="ignore"):
        values = np.asarray(curve(t), dtype=float)
    if not np.isfinite(values).all():
        raise ArithmeticError(f"the function is not finite at {t[~np.isfinite(values)][0]}")
    return values


def dyadic(number: float, unit: float) -> Fraction:
    """The number, rounded to a multiple of the largest power of two that is at most the unit.

    Raises `ArithmeticError` for an infinity.
    """
    if not math.isfinite(number):
        raise ArithmeticError("values beyond those of floats")
    power = math.frexp(unit)[1] - 1
    return Fraction(round(Fraction(number) / Fraction(2) ** power)) * Fraction(2) ** power
