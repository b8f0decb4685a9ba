"""Enclosures of what softmax computes: exponentials, weights, and how far the mean lies below the maximum.

The mean of z_1, ..., z_k under softmax at the rate r (the inverse temperature) is B(z) = sum p_i z_i with p_i in
proportion to b^(r z_i), for the base b = e or 2. Every function here gives rational bounds, lower and upper.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache, lru_cache
from typing import NamedTuple

from .bounds import Bounds, Interval, mixture, outward, rounded

BITS = 160  # of the fractions in which exponentials are computed
LARGEST = 100  # for larger t no more is said of b^-t than that it is positive and less than b^-LARGEST

ZERO, ONE = Fraction(0), Fraction(1)


class Rate(NamedTuple):
    """The inverse temperature of softmax, > 0, and its base, "e" or "2"."""

    value: Fraction
    base: str

    def scaled(self, factor: Fraction) -> Rate:
        """The rate at which z has the weights that `factor` * z has at this one."""
        return Rate(self.value * factor, self.base)


def exponential(t: Fraction) -> Interval:
    """Bounds of e^t for 0 <= t <= 1, and of e^-t = 1/e^t by them: partial sums of the series, and its remainder.

    sum_{r > R} t^r/r! <= 2 t^(R+1)/(R+1)! for t <= 1.
    """
    low = high = ONE
    below = above = ONE
    r = 0
    while above > Fraction(1, 1 << BITS + 8):
        r += 1
        below, above = rounded(below * t / r, False, BITS + 16), rounded(above * t / r, True, BITS + 16)
        low, high = low + below, high + above
    return low, high + 2 * above


@cache
def logarithm(base: str) -> Interval:
    """Bounds of ln e = 1, or of ln 2 = 2 sum_{i >= 0} (1/3)^(2i+1) / (2i+1), cut where the rest is < 9/8 of a term."""
    if base == "e":
        return ONE, ONE
    total, i = ZERO, 0
    while (term := Fraction(2, (2 * i + 1) * 3 ** (2 * i + 1))) > Fraction(1, 1 << BITS):
        total, i = total + term, i + 1
    return rounded(total, False, BITS), rounded(total + 2 * term, True, BITS)


@lru_cache(maxsize=1 << 12)  # the same margins come again in the cells of one proof
def decay(t: Fraction, base: str) -> Interval:
    """Bounds of base^-t for t >= 0. For the base 2 and an integer t both are 2^-t."""
    t = max(t, ZERO)  # less only on a cell without points, where bounds may contradict one another
    if t > LARGEST:
        return ZERO, decay(Fraction(LARGEST), base)[1]
    if base == "2":
        whole = t.numerator // t.denominator
        part, (low, high) = t - whole, logarithm("2")
        power = Fraction(1, 1 << whole)
        ends = (rounded(part * high, True, BITS), rounded(part * low, False, BITS))
        return (power / exponential(ends[0])[1], power / exponential(ends[1])[0]) if part else (power, power)
    squarings = (t.numerator // t.denominator).bit_length()
    below, above = (rounded(t / (1 << squarings), up, BITS) for up in (False, True))
    low, high = 1 / exponential(above)[1], 1 / exponential(below)[0]
    for _ in range(squarings):  # relative errors double each time: 2^-BITS has room for them
        low, high = rounded(low * low, False, 2 * BITS), rounded(high * high, True, 2 * BITS)
    return low, high


@cache
def gamma(k: int) -> Fraction:
    """An upper bound of sup (max z - B(z)) for k numbers at the rate 1, base e: w with w e^(1 + w) >= k - 1.

    For the largest of them 0 and the others -t_i: sum (t_i - w) e^-t_i <= (k - 1) e^-(1 + w) <= w, since
    y <= e^(y - 1); so sum t_i e^-t_i <= w (1 + sum e^-t_i). The bound is the least multiple of 2^-40.
    """
    low, high = 0, (k - 1) << 40  # w in units of 2^-40: too small, and large enough
    while high - low > 1:
        middle = (low + high) // 2
        w = Fraction(middle, 1 << 40)
        if w >= (k - 1) * decay(1 + w, "e")[1]:
            high = middle
        else:
            low = middle
    return Fraction(high, 1 << 40)


def largest_gap(rate: Rate, k: int) -> Fraction:
    """An upper bound of max z - B(z) for k numbers, whatever they are."""
    return gamma(k) / (rate.value * logarithm(rate.base)[0])


def weights(rate: Rate, numbers: Sequence[Bounds]) -> list[Interval]:
    """Bounds of the weights p_i, from bounds of the numbers, or of their differences to one number."""
    tops = [high for _, high in numbers if high is not None]
    if len(tops) < len(numbers):
        return [(ZERO, ONE)] * len(numbers)
    top = max(tops)
    lows = [ZERO if low is None else decay(rate.value * (top - low), rate.base)[0] for low, _ in numbers]
    highs = [decay(rate.value * (top - high), rate.base)[1] for high in tops]
    least, most = sum(lows, ZERO), sum(highs, ZERO)
    pairs = zip(lows, highs, strict=True)
    return [(low / (low + most - high) if low else ZERO, high / (high + least - low)) for low, high in pairs]


def odds(rate: Rate, margin: Fraction) -> Fraction:
    """An upper bound of the weight of a number in proportion to that of one which is at least `margin` > 0 larger."""
    return decay(rate.value * margin, rate.base)[1]


def share(ratio: Fraction) -> Fraction:
    """The weight of what has this weight in proportion to the rest; an upper bound of it, if that is one."""
    return ratio / (1 + ratio)


def gap(rate: Rate, differences: Sequence[Bounds]) -> Interval:
    """Bounds of max z - B(z), from bounds of z_i - z_r for all i, with (0, 0) for i = r itself."""
    k = len(differences)
    least, most = ZERO, largest_gap(rate, k)
    lows = [low for low, _ in differences if low is not None]
    highs = [high for _, high in differences if high is not None]
    if len(lows) == len(highs) == k:
        most = min(most, (max(highs) - min(lows)) * (k - 1) / k)  # B is at least the mean
    behind = [-high for _, high in differences if high is not None and high < 0]  # less than z_r, which is in the rest
    apart = largest_gap(rate, k - len(behind)) + sum((_largest_loss(rate, m, None) for m in behind), ZERO)
    most = min(most, apart)
    if len(highs) == k and max(highs) <= 0:  # z_r is the largest: max - B = sum p_i (z_r - z_i)
        chances = weights(rate, differences)
        least = sum((p * -high for (p, _), high in zip(chances, highs, strict=True)), ZERO)
        if len(lows) == k:
            most = min(most, sum((p * -low for (_, p), low in zip(chances, lows, strict=True)), ZERO))
        losses = [
            _largest_loss(rate, -high, None if low is None else -low)
            for (low, _), high in zip(differences, highs, strict=True)
            if low != 0
        ]
        most = min(most, sum(losses, ZERO))
    elif k == len(lows) == len(highs) == 2:
        most = min(most, _largest_loss(rate, ZERO, max(*highs, -min(lows))))
    return (least, most) if least == most else (outward(least, False), outward(most, True))


def _largest_loss(rate: Rate, low: Fraction, high: Fraction | None) -> Fraction:
    """An upper bound of m w / (1 + w), w = b^-(rate m), for low <= m <= high; at least what a margin m can cost.

    It increases up to rate m ln b = 1 + gamma, with gamma that of two numbers, where it is the gap, and then decreases.
    """
    slow, fast = (rate.value * end for end in logarithm(rate.base))
    if slow * low >= 1 + gamma(2):
        at = low
    elif high is not None and fast * high <= 1 + gamma(2) - Fraction(1, 1 << 40):
        at = high
    else:
        return largest_gap(rate, 2)
    w = decay(rate.value * at, rate.base)[1]
    return at * w / (1 + w)


def offset(rate: Rate, differences: Sequence[Bounds]) -> Bounds:
    """Bounds of B(z) - z_r = sum p_i (z_i - z_r), from bounds of the differences."""
    return mixture(weights(rate, differences), differences)
