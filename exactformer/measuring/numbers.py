"""Numbers of an answer as a reader sees them: short, and rounded to the side that claims less."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from exactformer.enclosure import Enclosure, bounds

FLOATS = Fraction(10) ** -300, Fraction(10) ** 300  # between these a float can show a number
DIGITS = 6  # of a bound that is not attained: it is rounded up
Value = Fraction | Enclosure  # a number, or exact bounds of one that is irrational


def short(number: Fraction, digits: int = DIGITS) -> Fraction:
    """A decimal of few significant digits that is not below the number.

    >>> short(Fraction(1, 3)), short(Fraction(1000000001))
    (Fraction(166667, 500000), Fraction(1000001000, 1))
    """
    size = abs(number)
    places = digits + (digits_of(size.denominator) - digits_of(size.numerator) if size else 0)
    scale = Fraction(10) ** places
    return Fraction(-((-number * scale) // 1)) / scale


def rounded(number: Fraction | None, *, up: bool) -> str:
    """The number in few digits, not below it or not above it; nothing for None.

    >>> rounded(Fraction(1, 3), up=True), rounded(Fraction(1, 3), up=False)
    ('0.333334', '0.333333')
    """
    return "" if number is None else decimal(short(number) if up else -short(-number), 9)


def digits_of(number: int) -> int:
    """How many decimal digits a number has, about so many where Python would not print it."""
    return len(str(number)) if number.bit_length() < 10_000 else number.bit_length() * 3 // 10


def shown(value: Value) -> str:
    """A number in a few words: short ones as they are, others as a decimal."""
    low, high = bounds(value)
    if low == high and low.numerator.bit_length() + low.denominator.bit_length() < 140:
        text = str(low)
        return text if len(text) <= 16 else f"{text} ≈ {decimal(low, 6)}" if len(text) <= 40 else f"~{decimal(low, 9)}"
    return f"~{decimal(low, 9)}"


def decimal(number: Fraction, digits: int) -> str:
    """The number with so many significant digits, whatever its size."""
    if not number or FLOATS[0] < abs(number) < FLOATS[1]:
        return f"{float(number):.{digits}g}"
    return f"{Decimal(number.numerator) / Decimal(number.denominator):.{digits}g}"
