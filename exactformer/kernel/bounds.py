"""Intervals of rational numbers, of which an end may be missing: rounding to the safe side, maxima, means."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

SIGNIFICANT = 64  # bits of the bounds that are handed on,
FINEST = 100  # as many of them as there are before the 101st after the point
ZERO = Fraction(0)

Interval = tuple[Fraction, Fraction]
Bounds = tuple[Fraction | None, Fraction | None]  # None: no bound


def rounded(number: Fraction, up: bool, bits: int) -> Fraction:
    """The next multiple of 2^-bits that is not above the number, or not below it."""
    scale = 1 << bits
    whole = number.numerator * scale // number.denominator
    return Fraction(whole + (up and whole * number.denominator != number.numerator * scale), scale)


def outward(number: Fraction, up: bool) -> Fraction:
    """The next number of `SIGNIFICANT` bits that is not above it, or not below it.

    Where it is large this is an integer, where it is small a multiple of 2^-`FINEST`.
    """
    whole, below = abs(number.numerator), number.denominator
    size = whole.bit_length() - below.bit_length()  # 2^(size - 1) < |number| < 2^(size + 1)
    size += whole << max(0, -size) >= below << max(0, size)
    return rounded(number, up, min(max(0, SIGNIFICANT - size), FINEST))


def short(low: Fraction | None, high: Fraction | None) -> Bounds:
    """Bounds with `SIGNIFICANT` bits, rounded to the safe side; those that agree are exact and stay.

    So they do not depend on how finely exponentials are computed, and what is derived from them keeps its size.
    """
    if low == high:
        return low, high
    return None if low is None else outward(low, False), None if high is None else outward(high, True)


def both(one: Bounds, other: Bounds) -> Bounds:
    """The bounds that two intervals of one number give."""
    lows = [low for low in (one[0], other[0]) if low is not None]
    highs = [high for high in (one[1], other[1]) if high is not None]
    return max(lows, default=None), min(highs, default=None)


def reflected(bounds: Bounds) -> Bounds:
    """Bounds of the number with the other sign."""
    low, high = bounds
    return None if high is None else -high, None if low is None else -low


def plus(one: Bounds, other: Bounds) -> Bounds:
    """Bounds of a sum."""
    low, high = ([x for x in ends if x is not None] for ends in zip(one, other, strict=True))
    return sum(low, ZERO) if len(low) == 2 else None, sum(high, ZERO) if len(high) == 2 else None


def largest(numbers: Sequence[Bounds]) -> Bounds:
    """Bounds of the maximum."""
    lows = [low for low, _ in numbers if low is not None]
    highs = [high for _, high in numbers if high is not None]
    return max(lows, default=None), max(highs) if len(highs) == len(numbers) else None


def smallest(numbers: Sequence[Bounds]) -> Bounds:
    """Bounds of the minimum."""
    return reflected(largest(list(map(reflected, numbers))))


def mixture(chances: Sequence[Interval], numbers: Sequence[Bounds]) -> Bounds:
    """Bounds of sum p_i z_i, from bounds of every p_i >= 0 and every z_i."""
    low: Fraction | None = ZERO
    high: Fraction | None = ZERO
    for (least, most), (below, above) in zip(chances, numbers, strict=True):
        low = None if low is None or below is None else low + below * (least if below > 0 else most)
        high = None if high is None or above is None else high + above * (most if above > 0 else least)
    return low, high
