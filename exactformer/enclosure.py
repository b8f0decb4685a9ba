"""A real number known by exact bounds alone, as a value of softmax is, which is irrational."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from exactformer.rational import exact_text, number_text

DIGITS = 15  # of an enclosure among other text: as many as a reader takes in
EVERY_DIGIT = 60


@dataclass(frozen=True)
class Enclosure:
    """Some number from `lower` to `upper`, with the arithmetic that claims are written in.

    >>> (1 - Enclosure(Fraction(1, 3), Fraction(1, 2))) / 2
    Enclosure(lower=Fraction(1, 4), upper=Fraction(1, 3))
    """

    lower: Fraction
    upper: Fraction

    def __neg__(self) -> Enclosure:
        return Enclosure(-self.upper, -self.lower)

    def __add__(self, other: Enclosure | Fraction | int) -> Enclosure:
        low, high = bounds(other)
        return Enclosure(self.lower + low, self.upper + high)

    def __sub__(self, other: Enclosure | Fraction | int) -> Enclosure:
        return self + -other

    def __radd__(self, other: Fraction | int) -> Enclosure:
        return self + other

    def __rsub__(self, other: Fraction | int) -> Enclosure:
        return -self + other

    def __rmul__(self, factor: Fraction | int) -> Enclosure:
        low, high = sorted((factor * self.lower, factor * self.upper))
        return Enclosure(low, high)

    def __truediv__(self, divisor: int) -> Enclosure:
        """The quotient by a positive integer."""
        return Enclosure(self.lower / divisor, self.upper / divisor)

    def maximum(self, other: Enclosure | Fraction | int) -> Enclosure:
        """The larger of two numbers."""
        low, high = bounds(other)
        return Enclosure(max(self.lower, low), max(self.upper, high))

    def rounded(self, bits: int) -> Enclosure:
        """A slightly larger one, whose ends are multiples of 2^-bits of about its larger end."""
        size = max(abs(self.lower), abs(self.upper))
        shift = bits - (size.numerator.bit_length() - size.denominator.bit_length())
        scale = Fraction(1 << shift) if shift >= 0 else Fraction(1, 1 << -shift)
        low, high = self.lower * scale, self.upper * scale
        return Enclosure((low.numerator // low.denominator) / scale, -(-high.numerator // high.denominator) / scale)

    def __str__(self) -> str:
        """A decimal near the number, and how far away it is at most.

        >>> print(Enclosure(Fraction(1, 3), Fraction(1, 3) + Fraction(1, 10**9)))
        0.333333333833333 ± 5.1e-10
        """
        middle = (self.lower + self.upper) / 2
        text = _decimal(middle, DIGITS)
        error = max(self.upper - Fraction(text), Fraction(text) - self.lower)
        return f"{text} ± {Context(prec=2, rounding='ROUND_UP').divide(*_ratio(error)):.1e}"

    def certain(self) -> str:
        """The number as a decimal with all digits that are certain: rounded so, both ends are the same."""
        for digits in range(EVERY_DIGIT, 0, -1):
            low, high = _decimal(self.lower, digits), _decimal(self.upper, digits)
            if low == high:
                return low
        return str(self)


Number = Fraction | Enclosure


def bounds(value: Enclosure | Fraction | int) -> tuple[Fraction, Fraction]:
    """What the number is not below, and not above."""
    return (value.lower, value.upper) if isinstance(value, Enclosure) else (Fraction(value), Fraction(value))


def value_text(value: Number) -> str:
    """A number for a reader: exact, or a decimal with its error."""
    return str(value) if isinstance(value, Enclosure) else exact_text(value)


def value_json(value: Number) -> int | str | dict[str, int | str]:
    """A number as files hold it: exact, or by its bounds. Raises `NumberTooLong` where no file can."""
    if isinstance(value, Enclosure):
        return {"lower": number_text(value.lower), "upper": number_text(value.upper)}
    return number_text(value)


def _ratio(value: Fraction) -> tuple[Decimal, Decimal]:
    return Decimal(value.numerator), Decimal(value.denominator)


def _decimal(value: Fraction, digits: int) -> str:
    """The number rounded to so many significant digits."""
    return f"{Context(prec=digits, rounding=ROUND_HALF_EVEN).divide(*_ratio(value)):f}"
