"""What the kernel's affine bounds say of a question on a box, nearly: in floats, for ReLU networks of one shape.

The rules are those of the kernel, unit by unit, without its exact numbers. What is found decides where a domain is cut
and which cells are worth an exact evaluation, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from exactformer.networks import Affine, ReluNetwork
from exactformer.prover.pairs import Pairs
from exactformer.prover.question import Question
from exactformer.rational import nearly

NEAR = 2.0**-14  # of the width of a value's bounds: by so much they are widened, as floats and slopes are rounded
NUMBERS = 1 << 24  # at once in one array, about
Ends = tuple[Any, Any]  # lower and upper bounds, a row for each box


class Layer(NamedTuple):
    """A layer of both networks: with values a before it on the left and a + d on the right, u and u' = u + e after it.

    u = weights a + biases, and e = moved a + own d + shifts; of a single network there are no e and d.
    """

    weights: Any
    biases: Any
    moved: Any
    own: Any
    shifts: Any


class Sides(NamedTuple):
    """What bounds a = max(u, 0) and d = max(u', 0) - a: numbers; and forms, by their coefficients, below and above."""

    value: Ends
    apart: Ends
    floor: tuple[Any, Any]  # of a: the slope in u, and a constant
    ceiling: tuple[Any, Any]
    below: tuple[Any, Any, Any, Any]  # of d: the slopes in e, u and a, and a constant
    above: tuple[Any, Any, Any, Any]


@dataclass(frozen=True)
class Sketch:
    """A question about the outputs of ReLU networks at one point, in floats."""

    layers: tuple[Layer, ...]
    conclusions: tuple[Any, Any, Any]  # their coefficients of a and of d after the last layer, and their constants
    firsts: tuple[int, ...]  # where a conclusion is the largest of several, the number of the first of each

    @staticmethod
    def of(question: Question, pairs: Pairs) -> Sketch | None:
        """The sketch of a question; None where it is about something else."""
        left, right = question.left, question.right
        if not isinstance(left, ReluNetwork) or question.soft or not question.claim.reaches(left.inputs):
            return None
        maps: list[Layer] = []
        if right is None:
            maps = [_alone(part) for part in (*left.layers, left.output)]
        else:
            orders = _orders(left, pairs)
            if not isinstance(right, ReluNetwork) or left.widths != right.widths or orders is None:
                return None
            parts = zip((*left.layers, left.output), (*right.layers, right.output), pairwise(orders), strict=True)
            maps = [_both(*part) for part in parts]
        origin = ((Fraction(0),) * left.outputs,) * len(question.networks)
        sizes = [len(values) for values in question.claim.alternatives(*origin)]
        return Sketch(tuple(maps[:-1]), _conclusions(question, maps[-1]), tuple(accumulate(sizes, initial=0))[:-1])

    def tops(self, low: Any, high: Any) -> tuple[Any, Any]:
        """How far minus each conclusion reaches on each box, at most; and how many units are open there.

        Boxes are given by their lower and their upper ends, a row each.
        """
        width = max([1, *(len(layer.biases) for layer in self.layers)])
        size = max(1, NUMBERS // (6 * width * width))
        found = [self._tops(low[i : i + size], high[i : i + size]) for i in range(0, len(low), size)]
        return np.concatenate([tops for tops, _ in found]), np.concatenate([opened for _, opened in found])

    def _tops(self, low: Any, high: Any) -> tuple[Any, Any]:
        sides: list[Sides] = []
        opened = np.zeros(len(low), dtype=int)
        with np.errstate(all="ignore"):  # numbers beyond the range of floats make bad guesses, no more
            for layer in self.layers:
                n, m = len(layer.biases), len(layer.shifts)
                apart = np.zeros((n, layer.own.shape[1]))
                of = np.concatenate([layer.weights, layer.moved, layer.weights[:m] + layer.moved])
                more = np.concatenate([apart, layer.own, layer.own])
                constants = np.concatenate([layer.biases, layer.shifts, layer.biases[:m] + layer.shifts])
                least, most = self._bounds(of, more, constants, sides, (low, high))
                u, e, other = zip(np.split(least, [n, n + m], 1), np.split(most, [n, n + m], 1), strict=True)
                sides.append(_sides(u, e, other))
                opened += _open(u).sum(axis=1) + (_open(other) & ~_open((u[0][:, :m], u[1][:, :m]))).sum(axis=1)
            least, most = self._bounds(*self.conclusions, sides, (low, high))
            tops = NEAR * (most - least) - least
            if len(self.firsts) < tops.shape[1]:
                tops = np.minimum.reduceat(tops, self.firsts, axis=1)
        return np.where(np.isnan(tops), np.inf, tops), opened

    def _bounds(self, of: Any, apart: Any, constants: Any, sides: Sequence[Sides], box: Ends) -> Ends:
        """Bounds of forms in the a and d of the layer before."""
        forms, more, numbers = (np.concatenate([x, -x]) for x in (of, apart, constants))
        low = self._least(forms, more, numbers, sides, box)
        return low[:, : len(of)], -low[:, len(of) :]

    def _least(self, of: Any, apart: Any, constants: Any, sides: Sequence[Sides], box: Ends) -> Any:
        """Lower bounds of forms: those of a layer are replaced by their affine bounds, the last ones first."""
        of, apart, total = (np.repeat(x[None], len(box[0]), 0) for x in (of, apart, constants))
        best = np.full(total.shape, -np.inf)
        for layer, side in zip(reversed(self.layers[: len(sides)]), reversed(sides), strict=True):
            best = np.fmax(best, total + _lowest(of, side.value) + _lowest(apart, side.apart))
            m = len(layer.shifts)
            e, more, own, rest = _replaced(apart, side.below, side.above)
            of[..., :m] += own
            u, last = _replaced(of, side.floor, side.ceiling)
            u[..., :m] += more
            total = total + rest.sum(axis=2) + last.sum(axis=2) + u @ layer.biases + e @ layer.shifts
            of, apart = u @ layer.weights + e @ layer.moved, e @ layer.own
        return np.fmax(best, total + _lowest(of, box))


def _lowest(forms: Any, ends: Ends) -> Any:
    """The least values of forms whose variables lie between the ends."""
    low, high = (end[:, :, None] for end in ends)
    return (np.maximum(forms, 0) @ low + np.minimum(forms, 0) @ high)[..., 0]


def _replaced(forms: Any, below: Sequence[Any], above: Sequence[Any]) -> list[Any]:
    """What the bounds of the variables make of forms: those from below where a coefficient is positive."""
    up, down = np.maximum(forms, 0), np.minimum(forms, 0)
    return [up * low[:, None, :] + down * high[:, None, :] for low, high in zip(below, above, strict=True)]


def _open(ends: Ends) -> Any:
    return (ends[0] < 0) & (ends[1] > 0)


def _chord(low: Any, high: Any) -> tuple[Any, Any]:
    """Slope and constant of an affine function above max(z, 0), for z between the ends."""
    slope = np.where(low >= 0, 1.0, np.where(high <= 0, 0.0, high / (high - low)))
    return slope, np.where(_open((low, high)), -slope * low, 0.0)


def _sides(u: Ends, e: Ends, other: Ends) -> Sides:
    """The bounds of a and d from those of u, e and u'."""
    m = e[0].shape[1]
    value, right = _positive(u), _positive(other)
    floor = np.where(_open(u), u[0] + u[1] >= 0, u[0] >= 0).astype(float)
    on, off = u[0][:, :m] >= 0, u[1][:, :m] <= 0
    right_on, right_off = other[0] >= 0, other[1] <= 0
    zero, one = np.zeros_like(e[0]), np.ones_like(e[0])
    settled, (rise, most), (fall, least) = [right_on, right_off], _chord(*e), _chord(-e[1], -e[0])  # d = u + e - a, -a
    slopes = np.select([on, off], [one, zero], fall), np.where(on | off, zero, -least)
    below, above = (
        (
            np.select(settled, [one, zero], slope),
            np.select(settled, [one, zero], zero),
            np.select(settled, [-one, -one], zero),
            np.select(settled, [zero, zero], constant),
        )
        for slope, constant in (slopes, (rise, most))
    )
    high = np.select([right_off, right_on], [zero, e[1]], np.maximum(e[1], 0))
    low = np.select([off, on], [zero, e[0]], np.minimum(e[0], 0))
    apart = np.maximum(low, right[0] - value[1][:, :m]), np.minimum(high, right[1] - value[0][:, :m])
    return Sides(value, apart, (floor, np.zeros_like(floor)), _chord(*u), below, above)


def _positive(ends: Ends) -> Ends:
    return np.maximum(ends[0], 0), np.maximum(ends[1], 0)


def _orders(left: ReluNetwork, pairs: Pairs) -> list[list[int]] | None:
    """Inputs, the units of each layer of the right network in the order of their partners, and outputs."""
    orders = [list(range(left.inputs))]
    for number, width in enumerate(left.widths):
        partners = {pairs.get(f"R{number}.u{j}"): j for j in range(width)}
        if any(f"L{number}.u{i}" not in partners for i in range(width)):
            return None
        orders.append([partners[f"L{number}.u{i}"] for i in range(width)])
    return [*orders, list(range(left.outputs))]


def _alone(part: Affine) -> Layer:
    weights, biases = _affine(part)
    return Layer(weights, biases, np.zeros((0, part.inputs)), np.zeros((0, 0)), np.zeros(0))


def _both(part: Affine, other: Affine, orders: tuple[list[int], list[int]]) -> Layer:
    """A layer and its partner; the difference of their weights is taken exactly."""
    before, after = orders
    rows, theirs = part.weights.dense(), other.weights.dense()
    theirs = [[theirs[j][i] for i in before] for j in after]
    moved = [[b - a for a, b in zip(*pair, strict=True)] for pair in zip(rows, theirs, strict=True)]
    biases, shifts = part.biases.fractions(), other.biases.fractions()
    weights, constants = _affine(part)
    shift = _floats([shifts[j] - biases[i] for i, j in enumerate(after)])
    more, others = (_floats(rows).reshape(weights.shape) for rows in (moved, theirs))
    return Layer(weights, constants, more, others, shift)


def _affine(part: Affine) -> tuple[Any, Any]:
    return _floats(part.weights.dense()).reshape(part.outputs, part.inputs), _floats(part.biases.fractions())


def _conclusions(question: Question, output: Layer) -> tuple[Any, Any, Any]:
    """The conclusions, which are affine in the outputs of both networks, by what comes before these."""
    count, sides = len(output.biases), len(question.networks)

    def at(unit: int | None) -> Any:
        """The conclusions where this output is 1 and all others are 0."""
        numbers = [Fraction(k == unit) for k in range(sides * count)]
        outputs = (tuple(numbers[i * count : (i + 1) * count]) for i in range(sides))
        return _floats([value for values in question.claim.alternatives(*outputs) for value in values])

    constant = at(None)
    slopes = np.array([at(k) - constant for k in range(sides * count)]).reshape(sides, count, -1)
    both, other = slopes.sum(axis=0).T, slopes[1:].sum(axis=0).T[:, : len(output.shifts)]
    of = both @ output.weights + other @ output.moved
    return of, other @ output.own, constant + both @ output.biases + other @ output.shifts


def _floats(values: Sequence[Any]) -> Any:
    return np.array([_floats(x) if isinstance(x, (list, tuple)) else nearly(x) for x in values], dtype=float)
