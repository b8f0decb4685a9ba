"""A real number known by exact bounds alone, as a value of softmax is, which is irrational."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


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

    def __truediv__(self, divisor: int) -> Enclosure:
        """The quotient by a positive integer."""
        return Enclosure(self.lower / divisor, self.upper / divisor)


def bounds(value: Enclosure | Fraction | int) -> tuple[Fraction, Fraction]:
    """What the number is not below, and not above."""
    return (value.lower, value.upper) if isinstance(value, Enclosure) else (Fraction(value), Fraction(value))
