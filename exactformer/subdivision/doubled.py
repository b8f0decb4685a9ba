"""Numbers of twice the precision of a float: a float and a rest, which is at most half a unit in its last place.

With u = 2^-53, an operation here is off by at most 2^6 u^2 = 2^-100 times the largest of the numbers that it adds, or
times its result (Dekker 1971; Knuth, TAOCP 2, 4.2.2), and FINE leaves room for more than one. What is too small for a
float is the business of `TINY`. A product with a matrix is exact until its parts are added: states and weights are cut
into digits so short that floats add their products without rounding (Ozaki, Ogita, Oishi and Rump 2012).
"""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import numpy as np

FINE = 2.0**-96  # more than the error of an operation, relative
SPLITTER = 2.0**27 + 1  # a float times it tells its upper half of 26 bits
LENGTH = 106  # bits of two floats
WIDE = 27  # weights of fewer bits are one digit
LONG = 22  # bits of a digit of others
BLOCK = 256  # rows of a table that fit into a processor's cache together
Pair = tuple[Any, Any]


def two_sum(a: Any, b: Any) -> Pair:
    """The sum of two floats, exactly."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def added(x: Pair, y: Pair) -> Pair:
    """The sum."""
    total, rest = two_sum(x[0], y[0])
    return two_sum(total, rest + (x[1] + y[1]))


def subtracted(x: Pair, y: Pair) -> Pair:
    """The difference."""
    return added(x, (-y[0], -y[1]))


def multiplied(x: Pair, y: Pair) -> Pair:
    """The product."""
    total = x[0] * y[0]
    (a, b), (c, d) = _halves(x[0]), _halves(y[0])
    rest = ((a * c - total) + a * d + b * c) + b * d
    return two_sum(total, rest + (x[0] * y[1] + x[1] * y[0]))


def divided(x: Pair, y: Pair) -> Pair:
    """The quotient."""
    first = x[0] / y[0]
    left = subtracted(x, multiplied((first, np.zeros_like(first)), y))
    return two_sum(first, left[0] / y[0])


def _halves(x: Any) -> Pair:
    upper = x * SPLITTER
    upper = upper - (upper - x)
    return upper, x - upper


class Digits:
    """An affine map, given with the rests of its weights and biases, for rows of numbers of twice the precision."""

    def __init__(self, weights: Any, biases: Any, rests: Any) -> None:
        """The weights are at most 2 in size; the last column of the rests is that of the biases."""
        self.biases, rest = (biases, rests[:, -1]), rests[:, :-1]
        self.inputs = weights.shape[1]
        lengths = range(1, WIDE) if not rest.any() else ()
        self.bits = next((bits for bits in lengths if (_rounded(weights, 2.0 ** (1 - bits)) == weights).all()), LONG)
        self.digits: list[Any] = []
        while len(self.digits) * self.bits < LENGTH and (weights.any() or not self.digits):
            digit = _rounded(weights, 2.0 ** (1 - (len(self.digits) + 1) * self.bits))
            self.digits.append(digit.T.copy())
            weights, rest = two_sum(weights - digit, rest)
        self.state_bits = 52 - self.bits - ceil(log2(self.inputs + 1))
        self.count = ceil(LENGTH / self.state_bits)

    def at(self, states: Pair) -> tuple[Any, Any, Any]:
        """For each row of states the value, and a bound of what it is off by, one a row.

        What no digit holds, what is left out, and the rounding of what products lose, are each less than 2^-99 of what
        the largest state and weight could make.
        """
        rows, outputs = len(states[0]), len(self.biases[0])
        values, rests, largest = np.empty((rows, outputs)), np.empty((rows, outputs)), np.empty((rows, 1))
        for first in range(0, rows, BLOCK):
            some = slice(first, first + BLOCK)
            values[some], rests[some], largest[some] = self._at(states[0][some], states[1][some])
        bound = largest * ((self.inputs + 1) * 4 * FINE) + 4 * FINE * np.abs(self.biases[0])
        return values, rests, bound

    def _at(self, left: Any, rest: Any) -> tuple[Any, Any, Any]:
        """Of a few rows the values, and a power of two above the states of each."""
        above = np.ldexp(1.0, np.frexp(np.abs(left).max(axis=1, initial=0.0, keepdims=True))[1])
        total, lost = self.biases
        for i in range(self.count):
            digit = _rounded(left, above * 2.0 ** (-(i + 1) * self.state_bits))
            left, rest = two_sum(left - digit, rest)
            for j, weights in enumerate(self.digits):
                if i * self.state_bits + j * self.bits <= LENGTH:
                    total, less = two_sum(total, digit @ weights)
                    lost = lost + less
        return *two_sum(total, lost), above


def _rounded(numbers: Any, step: Any) -> Any:
    """The numbers rounded to multiples of a power of two, exactly so where they are less than 2^51 of them."""
    shift = step * (1.5 * 2.0**52)
    return (numbers + shift) - shift
