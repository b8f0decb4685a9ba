"""The numbers of a floating-point type that are nearest to exact ones."""

from __future__ import annotations

from fractions import Fraction

from exactformer.formats.graphs.graph import Refusal
from exactformer.formats.graphs.pointwise import PRECISION


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
