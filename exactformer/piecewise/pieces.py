"""Affine functions with exact coefficients: what a piecewise linear function is on each of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactformer.errors import Faults
from exactformer.networks import Affine
from exactformer.polyhedra.lp import Row
from exactformer.rational import read_rational, read_vector
from exactformer.subdivision.polytope import primitive


@dataclass(frozen=True)
class Piece:
    """The affine function x -> weights . x + constant.

    >>> Piece((Fraction(1), Fraction(-2)), Fraction(3))([Fraction(1), Fraction(1)])
    Fraction(2, 1)
    """

    weights: tuple[Fraction, ...]
    constant: Fraction

    @staticmethod
    def number(value: Fraction, dimension: int) -> Piece:
        """The constant function."""
        return Piece((Fraction(0),) * dimension, value)

    @staticmethod
    def of_row(row: Row) -> Piece:
        """The function a . x + b of a row (a, b)."""
        return Piece(tuple(map(Fraction, row[0])), Fraction(row[1]))

    @property
    def is_constant(self) -> bool:
        """Whether all weights are zero."""
        return not any(self.weights)

    @property
    def row(self) -> Row:
        """The function times the positive number that makes its coefficients integers without a common divisor."""
        return primitive(self.weights, self.constant)

    def __call__(self, x: Sequence[Fraction]) -> Fraction:
        """The value at a point."""
        return sum((w * v for w, v in zip(self.weights, x, strict=True) if w), self.constant)

    def __add__(self, other: Piece) -> Piece:
        weights = tuple(a + b for a, b in zip(self.weights, other.weights, strict=True))
        return Piece(weights, self.constant + other.constant)

    def __sub__(self, other: Piece) -> Piece:
        return self + -other

    def __neg__(self) -> Piece:
        return self.times(Fraction(-1))

    def times(self, factor: Fraction) -> Piece:
        """The multiple by a number."""
        return Piece(tuple(w * factor for w in self.weights), self.constant * factor)

    def after(self, affine: Affine) -> Piece:
        """The function x -> self(affine(x))."""
        weights = [Fraction(0)] * affine.inputs
        for (i, j), entry in affine.weights.entries().items():
            weights[j] += self.weights[i] * entry
        return Piece(tuple(weights), self(affine.biases.fractions()))


def read_piece(value: Any, dimension: int, place: str, faults: Faults) -> Piece:
    """The piece in a pair (weights, constant); faults are noted."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        faults.add(place, "a pair of weights and a constant", value)
        return Piece.number(Fraction(0), dimension)
    weights = read_vector(value[0], f"{place}.weights", dimension, faults).fractions()
    constant = read_rational(value[1], f"{place}.constant", faults)
    return Piece(weights if len(weights) == dimension else (Fraction(0),) * dimension, constant)
