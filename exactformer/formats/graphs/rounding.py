"""The numbers of a floating-point type that are nearest to exact ones."""

from __future__ import annotations

import math
from fractions import Fraction

from exactformer.formats.graphs.graph import Refusal

PRECISION = {
    "float16": (11, -24, 16),
    "bfloat16": (8, -133, 128),
    "float": (24, -149, 128),
    "double": (53, -1074, 1024),
}


def nearest(x: Fraction, type: str) -> Fraction:
    """The number of a type that is nearest to x; of two, the one whose last bit is 0, as IEEE 754 says.

    Raises `Refusal` for a number that is beyond the largest of the type once it is rounded.

    >>> nearest(Fraction(1, 3), "float"), nearest(Fraction(5, 4), "double")
    (Fraction(11184811, 33554432), Fraction(5, 4))
    """
    unit = last_place(x, type)
    result = round(x / unit) * unit
    if abs(result) >= 1 << PRECISION[type][2]:
        size = x.numerator.bit_length() - x.denominator.bit_length()
        raise Refusal(f"numbers that the type {type} reaches", f"one of about 2^{size}")
    return result


def last_place(x: Fraction, type: str) -> Fraction:
    """The unit in the last place of a number: how far apart the numbers of the type are around it."""
    precision, least, _ = PRECISION[type]
    if not x:
        return Fraction(2) ** least
    size = x.numerator.bit_length() - x.denominator.bit_length()
    leading = size if abs(x) >= Fraction(2) ** size else size - 1  # 2^leading <= |x| < 2^(leading + 1)
    return Fraction(2) ** max(leading - precision + 1, least)


def representable(x: Fraction, type: str) -> bool:
    """Whether a number is one of a floating-point type."""
    precision, least, most = PRECISION[type]
    power = x.denominator.bit_length() - 1
    if x.denominator != 1 << power:
        return False
    odd = abs(x.numerator) >> max((x.numerator & -x.numerator).bit_length() - 1, 0)
    low = (x.numerator & -x.numerator).bit_length() - 1 - power
    return x == 0 or (odd.bit_length() <= precision and low >= least and odd.bit_length() + low <= most)


def over_root(numerator: Fraction, square: Fraction, type: str) -> Fraction:
    """The quotient numerator / sqrt(square), exactly or, where that is irrational, as the nearest number of a type.

    Between two numbers of the type that are equally near no irrational number lies, so there are no ties.
    """
    if numerator == 0 or rational_root(square):
        return numerator / Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
    precision, least, _ = PRECISION[type]
    exact = numerator * numerator / square  # the square of what is wanted
    size = exact.numerator.bit_length() - exact.denominator.bit_length()
    power = max((size >> 1) - precision - 1, least - 2)  # of the last of at least precision + 1 bits
    root = math.isqrt(math.floor(exact / Fraction(4) ** power))  # rounded down, and not exact
    unit = max(root.bit_length() - precision, least - power)
    rounded = (root + (1 << unit >> 1)) >> unit
    return (1 if numerator > 0 else -1) * rounded * Fraction(2) ** (power + unit)


def rational_root(x: Fraction) -> bool:
    """Whether the square root of a positive number is rational."""
    return all(math.isqrt(n) ** 2 == n for n in (x.numerator, x.denominator))
