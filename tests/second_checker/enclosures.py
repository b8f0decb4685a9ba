"""Rational bounds of exponentials, of weights under softmax, and of how far it stays below a maximum (section 5.1).

All numbers are fractions, an infinite end is None, and an interval is a pair of ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

End = Fraction | None
Interval = tuple[End, End]

BITS = 160
FAR = 100  # beyond this exponent e^-t counts as something between 0 and e^-100
GRAIN = 40  # gamma is a multiple of 2^-40


def down(x: Fraction, bits: int = BITS) -> Fraction:
    """The next multiple of 2^-bits below."""
    return Fraction((x.numerator << bits) // x.denominator, 1 << bits)


def up(x: Fraction, bits: int = BITS) -> Fraction:
    """The next multiple of 2^-bits above."""
    return -down(-x, bits)


def outwards(low: End, high: End) -> Interval:
    """An interval rounded outwards to 64 significant bits; ends that are equal stay."""
    if low == high:
        return low, high
    return None if low is None else down(low, grain(low)), None if high is None else up(high, grain(high))


def grain(x: Fraction) -> int:
    """The number of bits after the point where a number has 64 significant ones, but at least 0 and at most 100."""
    bits = 0
    while x and abs(x) * 2**bits < 1 << 63:
        bits += max(1, 63 - (abs(x) * 2**bits).__ceil__().bit_length())
    return min(bits, 100)


@cache
def ln2() -> tuple[Fraction, Fraction]:
    """Bounds of ln 2, the sum of 1 / (n 2^n)."""
    terms = 2 * BITS
    total = sum((Fraction(1, n << n) for n in range(1, terms)), Fraction(0))
    return down(total, 2 * BITS), up(total + Fraction(1, 1 << terms), 2 * BITS)


@cache
def natural(t: Fraction) -> tuple[Fraction, Fraction]:
    """Bounds of e^-t for t >= 0: a power of e^-(t/2^k), whose series alternates."""
    if t == 0:
        return Fraction(1), Fraction(1)
    if t > FAR:
        return Fraction(0), natural(Fraction(FAR))[1]
    halvings = max(0, t.numerator // t.denominator).bit_length()
    x = t / (1 << halvings)
    bits = 2 * BITS
    low, high, n = Fraction(1), Fraction(1), 0
    upper, lower = Fraction(1), Fraction(1)
    while upper * (1 << bits) > 1:
        n += 1
        lower, upper = down(lower * x / n, bits), up(upper * x / n, bits)
        low, high = (low - upper, high - lower) if n % 2 else (low + lower, high + upper)
    low -= upper
    high += upper
    for _ in range(halvings):
        low, high = down(low * low, bits), up(high * high, bits)
    return max(low, Fraction(0)), high


@dataclass(frozen=True)
class Rate:
    """An inverse temperature with the base of its exponentials, 2 or None for e."""

    rate: Fraction
    base: int | None = None

    def power(self, z: Fraction) -> tuple[Fraction, Fraction]:
        """Bounds of base^-(rate z) for z >= 0."""
        t = self.rate * z
        if self.base is None:
            return natural(t)
        if t.denominator == 1 and t <= FAR:
            return Fraction(1, 2**t.numerator), Fraction(1, 2**t.numerator)
        if t > FAR:
            return Fraction(0), Fraction(1, 2**FAR)
        low, high = ln2()
        return natural(t * high)[0], natural(t * low)[1]

    def units(self) -> tuple[Fraction, Fraction]:
        """Bounds of rate ln(base)."""
        low, high = ln2()
        return (self.rate, self.rate) if self.base is None else (self.rate * low, self.rate * high)


@cache
def gamma(k: int) -> Fraction:
    """The least multiple g of 2^-40 with g >= (k - 1) e^-(1 + g), by the upper bound of the exponential."""
    low, high = -1, 1 << (GRAIN + k.bit_length())
    while high - low > 1:
        middle = (low + high) // 2
        g = Fraction(middle, 1 << GRAIN)
        low, high = (low, middle) if g >= (k - 1) * natural(1 + g)[1] else (middle, high)
    return Fraction(high, 1 << GRAIN)


def weights(rate: Rate, bounds: Sequence[Interval]) -> list[tuple[Fraction, Fraction]]:
    """Bounds of the weights of numbers, from bounds of the numbers."""
    highs = [high for _, high in bounds]
    if None in highs:
        return [(Fraction(0), Fraction(1))] * len(bounds)
    top = max(high for high in highs if high is not None)
    least = [Fraction(0) if low is None else rate.power(top - low)[0] for low, _ in bounds]
    most = [rate.power(top - high)[1] for high in highs if high is not None]
    sums = sum(least), sum(most)
    found = []
    for m, big in zip(least, most, strict=True):
        low = m + sums[1] - big
        high = big + sums[0] - m
        found.append((m / low if low else Fraction(0), big / high))
    return found


def product(p: tuple[Fraction, Fraction], z: Interval) -> Interval:
    """Bounds of a product of a weight and a number."""
    low, high = z
    below = None if low is None else min(end * low for end in p)
    above = None if high is None else max(end * high for end in p)
    return below, above


def total(parts: Sequence[Interval]) -> Interval:
    """Bounds of a sum."""
    lows, highs = zip(*parts, strict=True)
    return None if None in lows else sum(lows), None if None in highs else sum(highs)


def bump(rate: Rate, low: Fraction, high: End) -> Fraction:
    """The largest value of m / (base^(rate m) + 1) for m between low and high, from above.

    It is largest where rate ln(base) m = 1 + gamma_2, and there it is gamma_2 / (rate ln base).
    """

    def value(m: Fraction) -> Fraction:
        power = rate.power(m)[1]
        return m * power / (1 + power)

    least, most = rate.units()
    if high is not None and high * most <= 1 + gamma(2) - Fraction(1, 1 << GRAIN):
        return value(high)
    return value(low) if low * least >= 1 + gamma(2) else gamma(2) / least


def gap(rate: Rate, bounds: Sequence[Interval]) -> tuple[Fraction, Fraction]:
    """Bounds of max z - B(z), from bounds of all z_i - z_r for some r."""
    k = len(bounds)
    low, high = Fraction(0), gamma(k) / rate.units()[0]
    lows, highs = [low for low, _ in bounds], [high for _, high in bounds]
    behind = [-b for b in highs if b is not None and b < 0]
    high = min(high, gamma(k - len(behind)) / rate.units()[0] + sum(bump(rate, m, None) for m in behind))
    if None not in lows and None not in highs:
        high = min(high, (max(highs) - min(lows)) * Fraction(k - 1, k))
    if None not in highs and max(highs) <= 0:
        parts = [(p, (-b, None if a is None else -a)) for p, (a, b) in zip(weights(rate, bounds), bounds, strict=True)]
        below, above = total([product(p, z) for p, z in parts])
        low = max(low, below)
        high = high if above is None else min(high, above)
        high = min(high, sum(bump(rate, *z) for _, z in parts if z[1] != 0))
    elif k == 2:
        ends = [abs(end) for pair in bounds for end in pair if end is not None]
        high = min(high, bump(rate, Fraction(0), None if None in lows + highs else max(ends)))
    return outwards(low, high)
