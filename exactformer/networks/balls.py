"""Values of softmax at a point: exact where they are rational, and otherwise in balls that surely contain them.

The kernel encloses these values, too, with fractions and a series of its own. Its enclosures lie in those made here,
which are wider on purpose: two evaluators that share no code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial, reduce
from typing import Any

from flint import arb, ctx, fmpq

from exactformer.enclosure import Enclosure, Number
from exactformer.errors import Unsupported
from exactformer.networks import Affine, Network
from exactformer.networks.semantics import Semantics
from exactformer.networks.walk import walk
from exactformer.rational import Matrix

PRECISIONS = (256, 1024, 4096, 16384)  # bits of the midpoint of a ball: more where large numbers cancel
SLACK = Fraction(1, 1 << 61)  # the kernel keeps 64 bits of each mean
BITS = 100  # of the ends of an enclosure
LARGEST = 100  # a difference of logits for which the kernel still has the power of two exactly

Numbers = Sequence[Any]  # fractions, or balls


def values_at(
    network: Network, point: Sequence[Fraction], semantics: Semantics, slack: Fraction = SLACK
) -> tuple[Number, ...]:
    """The values of a network under softmax: fractions if all on the way are rational, otherwise enclosures.

    With the slack they contain those that the kernel makes, without it they are as narrow as BITS say.

    Raises `Unsupported` where the balls grow beyond all numbers at every precision.
    """
    rates = semantics.rates_by_number(network)
    exact = Means(rates, Fraction, _positive, partial(_rational_weights, semantics.base))
    balls = Means(rates, ball, arb.nonnegative_part, partial(_weights, semantics.base, slack))
    found: Numbers
    try:
        found = walk(network, list(point), exact)
        return tuple(found)
    except _Irrational:
        pass
    for precision in PRECISIONS:
        with ctx.workprec(precision):
            found = walk(network, [ball(x) for x in point], balls)
            if all(y.is_finite() for y in found):
                return tuple(map(_enclosure, found))
    raise Unsupported("softmax: expected values that can be enclosed, found one without bounds")


@dataclass(frozen=True)
class Means:
    """The algebra of lists of numbers, fractions or balls, where softmax takes the place of the maxima with a rate."""

    rates: Mapping[int, Fraction]  # by the number of the layer or block
    number: Callable[[Fraction], Any]
    positive: Callable[[Any], Any]
    weights: Callable[[Sequence[Any]], Sequence[Any]]  # of logits

    def affine(self, part: Affine, x: Numbers) -> Numbers:
        """The map at x."""
        return self.add(self.linear(part.weights, x), [self.number(b) for b in part.biases.fractions()])

    def linear(self, part: Matrix, x: Numbers) -> Numbers:
        """The matrix times x."""
        result = [self.number(Fraction(0))] * part.shape[0]
        for i, row in part.filled:
            result[i] = sum((n * x[j] for j, n in row), result[i]) / part.denominator
        return result

    def add(self, x: Numbers, y: Numbers) -> Numbers:
        """The sum."""
        return [a + b for a, b in zip(x, y, strict=True)]

    def relu(self, place: str, x: Numbers) -> Numbers:
        """max(x_i, 0) for each i in a Transformer, the mean of the two for units."""
        if not place.endswith("u"):
            return [self.positive(u) for u in x]
        zero = self.number(Fraction(0))
        return [self._mean(place, [u, zero], [u, zero]) for u in x]

    def maximum(self, place: str, pieces: Numbers, rank: int) -> Numbers:
        """The mean of each `rank` pieces that follow each other."""
        units = (pieces[i : i + rank] for i in range(0, len(pieces), rank))
        return [self._mean(place, unit, unit) for unit in units]

    def attend(
        self, head: str, q: int, query: Numbers, keys: Mapping[int, Numbers], values: Mapping[int, Numbers]
    ) -> Numbers:
        """The mean value of the tokens."""
        zero = self.number(Fraction(0))
        scores = [sum((a * b for a, b in zip(key, query, strict=True)), zero) for key in keys.values()]
        return [self._mean(head, scores, column) for column in zip(*values.values(), strict=True)]

    def _mean(self, place: str, scores: Numbers, values: Numbers) -> Any:
        """The mean of the values with the weights of the scores; from one of them on, so that errors of weights hurt
        by the differences of the values alone.
        """
        rate = self.number(self.rates[int(place.split("_")[0])])
        weights = self.weights([rate * score for score in scores])
        first = values[0]
        return sum((p * (v - first) for p, v in zip(weights[1:], values[1:], strict=True)), first)


class _Irrational(Exception):
    """A weight of softmax that is no fraction, or none that the kernel finds exactly."""


def _positive(x: Fraction) -> Fraction:
    return max(x, Fraction(0))


def _rational_weights(base: str, logits: Sequence[Fraction]) -> Sequence[Fraction]:
    """The weights of logits that are equal, or, to the base 2, differ by integers."""
    top = max(logits)
    steps = [top - logit for logit in logits]
    if any(t.denominator != 1 or t > LARGEST or (t and base != "2") for t in steps):
        raise _Irrational
    powers = [Fraction(1, 1 << t.numerator) for t in steps]
    total = sum(powers)
    return [p / total for p in powers]


def _weights(base: str, slack: Fraction, logits: Sequence[arb]) -> Sequence[arb]:
    """The weights, each off by the slack of numbers as large as the logits, seen against how far these are apart."""
    scale = arb(2).log() if base == "2" else arb(1)
    middles = [logit.mid() for logit in logits]  # a number near the largest one will do
    top, low = reduce(arb.max, middles), reduce(arb.min, middles)
    powers = [((logit - top) * scale).exp() for logit in logits]
    total, apart = sum(powers, arb(0)), top - low
    size = reduce(arb.max, map(abs, middles)) / apart if apart > max(x.rad() for x in logits) else 0
    error = arb(0, ball(slack) * len(logits) * (1 + size))
    weights = (p / total + error for p in powers)
    last = ctx.prec == PRECISIONS[-1]
    return [arb(0.5, 0.5) if last and not p.is_finite() else p for p in weights]  # in the end no more than 0 to 1


def ball(x: Fraction) -> arb:
    """A ball around a number, of the precision of the context."""
    return arb(fmpq(x.numerator, x.denominator))


def _exact(x: arb) -> Fraction:
    """The number that an exact ball is."""
    value = x.fmpq()
    return Fraction(int(value.p), int(value.q))


def _enclosure(value: arb) -> Number:
    low, high = _exact(value.lower()), _exact(value.upper())
    return Enclosure(low, high).rounded(BITS) if low < high else low
