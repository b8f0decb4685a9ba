"""Exact values of softmax means: to the base 2, of numbers whose weights are rational."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactformer.enclosure import bounds
from exactformer.networks.balls import values_at
from exactformer.networks.semantics import Base, Semantics
from exactformer.theorems.case import expect
from exactformer.theorems.expressions import network, unknowns

Interval = tuple[Fraction, Fraction]


def mean_bounds(numbers: Sequence[Fraction | int], rate: Fraction | int = 1, base: Base = "2") -> Interval:
    """Bounds of B(z), the mean of z with weights in proportion to base^(rate z)."""
    unit = network(len(numbers), [[unknowns(len(numbers))]], unknowns(1))
    (value,) = values_at(unit, [Fraction(z) for z in numbers], Semantics("average", (Fraction(rate),), base))
    return bounds(value)


def softmax_mean(numbers: Sequence[Fraction | int], rate: Fraction | int = 1) -> Fraction:
    """B(z) to the base 2, exactly; rate times each number is an integer."""
    low, high = mean_bounds(numbers, rate)
    expect(low == high, f"the softmax mean of {tuple(numbers)} is only enclosed")
    return low
