"""A network on a box as a chain of layers, each once in exact integers and once in scaled floats.

The inputs are taken to the cube: x = centre + radius * u with u in [-1, 1]^n, exactly, so that a window of width 2^-50
has coordinates of ordinary size. A unit's values are scaled by a power of two, which moves no wall, so that the floats
stay near one whatever the weights are.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import lcm, log2
from typing import Any

import numpy as np
from flint import fmpz_mat

from exactformer.domain import Domain, interval_box
from exactformer.networks import Affine, MaxoutNetwork, ReluNetwork
from exactformer.rational import Matrix, Vector
from exactformer.subdivision.doubled import FINE, Digits

Rows = tuple[list[list[int]], int]  # rows of integers over a common denominator

UNIT = 2.0**-53  # the rounding error of a float operation, relative
TINY = 2.0**-900  # what may be lost where numbers are too small for a float
ROUGH = 24  # bits that error bounds may be expected to grow by before numbers have twice the precision


@dataclass(frozen=True)
class Frame:
    """The affine map from the cube [-1, 1]^n onto a box: x = centre + radius * u."""

    centre: tuple[Fraction, ...]
    radius: tuple[Fraction, ...]

    @staticmethod
    def of(domain: Domain) -> Frame:
        """The frame of a domain whose inputs have finite bounds."""
        box = interval_box(domain)
        return Frame(tuple((lo + hi) / 2 for lo, hi in box), tuple((hi - lo) / 2 for lo, hi in box))

    def outward(self, u: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """The point x of the box for a point u of the cube."""
        return tuple(c + r * v for c, r, v in zip(self.centre, self.radius, u, strict=True))

    def pulled_back(self, matrix: Matrix, constants: Sequence[Fraction]) -> list[list[Fraction]]:
        """The rows (coefficients of u, constant) of matrix x + constants."""
        rows = []
        for i, constant in enumerate(constants):
            row = [Fraction(0)] * len(self.centre) + [constant]
            for j, w in matrix.row(i).items():
                row[j] = w * self.radius[j]
                row[-1] += w * self.centre[j]
            rows.append(row)
        return rows


@dataclass(frozen=True)
class Units:
    """Units that each take the maximum of `rank` pieces; with `relu` the first piece is 0 and is not stored.

    The last `passed` rows of `pieces` are no unit's: they are passed on to the next layer as they are.
    """

    pieces: Affine
    rank: int
    relu: bool = False
    passed: int = 0

    @property
    def stored(self) -> int:
        """The number of stored pieces a unit."""
        return 1 if self.relu else self.rank

    @property
    def width(self) -> int:
        """The number of units."""
        return (self.pieces.outputs - self.passed) // self.stored

    def compared(self, x: Vector) -> tuple[list[tuple[int, ...]], Vector]:
        """At x the values of the pieces of each unit, in the unit that makes all integers, and the next state."""
        values = self.pieces(x)
        numbers, k, compared = values.numerators, self.stored, self.width * self.stored
        units = [(0,) * self.relu + numbers[i : i + k] for i in range(0, compared, k)]
        return units, Vector.over((*map(max, units), *numbers[compared:]), values.denominator)


@dataclass(frozen=True)
class Composition:
    """A network as units, layer after layer, and the affine map of its outputs."""

    layers: tuple[Units, ...]
    output: Affine

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.layers[0].pieces.inputs if self.layers else self.output.inputs


@dataclass(frozen=True)
class Layer:
    """The units of a layer, and after them coordinates of the state that are passed on.

    `exact` maps the homogeneous state (d + 1 integers) to the homogeneous values of the stored pieces; `weights` and
    `biases` are floats for the state and the values scaled by powers of two; the other numbers bound their errors.
    """

    exact: fmpz_mat
    weights: Any  # pieces x d
    biases: Any  # pieces
    before: tuple[int, ...]  # the scales of the state that it reads
    scales: tuple[int, ...]  # coordinate u of the state, the units first, is scaled by 2^scales[u]
    rank: int
    relu: bool
    passed: int

    @property
    def width(self) -> int:
        """The number of units."""
        return len(self.scales) - self.passed

    @property
    def stored(self) -> int:
        """The number of stored pieces a unit."""
        return 1 if self.relu else self.rank

    @property
    def cuts(self) -> int:
        """The number of cuts: each piece but the first is compared with the maximum of those before it."""
        return self.width * (self.rank - 1)

    @property
    def compared(self) -> int:
        """The number of stored pieces of all units: so many rows come before those that are passed on."""
        return self.width * self.stored

    @cached_property
    def row_scales(self) -> tuple[int, ...]:
        """The scale of each row."""
        units = tuple(scale for scale in self.scales[: self.width] for _ in range(self.stored))
        return units + self.scales[self.width :]

    @cached_property
    def magnitudes(self) -> Any:
        """The absolute weights, rounded up."""
        return np.abs(self.weights.T) * (1 + 1e-9)

    @cached_property
    def rests(self) -> Any:
        """What the floats of weights and biases leave out."""
        table, powers = self.exact.tolist(), (*(-s for s in self.before), 0)
        common = int(table[-1][-1])
        rows = zip(table, self.row_scales, np.column_stack([self.weights, self.biases]).tolist(), strict=False)
        rests = [
            [left_out(int(x), common, scale + p, y) for x, p, y in zip(row, powers, own, strict=True)]
            for row, scale, own in rows
        ]
        return np.array(rests).reshape(len(self.biases), len(powers))

    @cached_property
    def digits(self) -> Digits:
        """The weights for products of twice the precision."""
        return Digits(self.weights, self.biases, self.rests)

    def values(self, states: Any, rest: Any, errors: Any) -> tuple[Any, Any, Any]:
        """The values of the pieces, their rests, and bounds of their errors, at states that are right within theirs.

        Rests without columns: floats of single precision are enough.
        """
        if rest.shape[1]:
            values, rests, off = self.digits.at((states, rest))
            return values, rests, (errors @ self.magnitudes + off + TINY) * (1 + 1e-9)
        gamma = (self.weights.shape[1] + 4) * UNIT * (1 + 1e-9)
        bound = (errors + gamma * np.abs(states)) @ self.magnitudes + gamma * np.abs(self.biases) + TINY
        return states @ self.weights.T + self.biases, rest, bound * (1 + 1e-9)

    def differences(self, values: Any, rest: Any) -> Any:
        """For each cut the value of its piece minus the maximum of the pieces before it, rounded."""
        values = values[:, : self.compared]
        if self.relu:
            return values
        pieces = values.reshape(len(values), self.width, self.rank)
        before = np.maximum.accumulate(pieces, axis=2)[:, :, :-1]
        differences = pieces[:, :, 1:] - before
        if rest.shape[1]:
            rests = rest[:, : self.compared].reshape(pieces.shape)
            differences = differences + (rests[:, :, 1:] - _of_largest(pieces, rests)[:, :, :-1])
        return differences.reshape(len(values), self.cuts)

    def uncertainty(self, errors: Any) -> Any:
        """Bounds of the errors of the differences, from those of the values."""
        errors = errors[:, : self.compared]
        if self.relu:
            return errors
        pieces = errors.reshape(len(errors), self.width, self.rank)
        before = np.maximum.accumulate(pieces, axis=2)[:, :, :-1]
        return (pieces[:, :, 1:] + before).reshape(len(errors), self.cuts) * (1 + 1e-9)

    def states(self, values: Any, rest: Any, errors: Any) -> tuple[Any, Any, Any]:
        """The next states, their rests, and bounds of their errors."""
        own, low, off = (table[:, : self.compared] for table in (values, rest, errors))
        if self.relu:
            units, slack = np.maximum(own, 0.0), np.where(own < -off, 0.0, off)
            rests = np.where(own > 0.0, low, 0.0) if rest.shape[1] else low
        else:
            shape = (len(values), self.width, self.rank)
            units, slack = own.reshape(shape).max(axis=2), off.reshape(shape).max(axis=2)
            rests = _of_largest(own.reshape(shape), low.reshape(shape))[:, :, -1] if rest.shape[1] else low
        if not self.passed:
            return units, rests, slack
        through = (table[:, self.compared :] for table in (values, rest, errors))
        units, rests, slack = (np.hstack(pair) for pair in zip((units, rests, slack), through, strict=True))
        return units, rests, slack


@dataclass(frozen=True)
class Program:
    """The layers of a network on a frame; `rows` are the further inequalities of the domain, >= 0, on the cube.

    With `open` the domain is what the rows say, and the cube only where most of the walls are.
    """

    source: tuple[Composition, Domain]
    frame: Frame
    rows: tuple[tuple[int, ...], ...]
    layers: tuple[Layer, ...]
    output: fmpz_mat
    open: bool = False

    def __reduce__(self) -> Any:
        return _again, (self._pickled,)  # flint's matrices cannot be pickled

    @cached_property
    def _pickled(self) -> bytes:
        return pickle.dumps(self.source)

    @cached_property
    def constraints(self) -> Layer:
        """The further inequalities as a layer of ReLU units, cut before all others."""
        return _layer(([list(row) for row in self.rows], 1), 2, True, 0, (0,) * self.dimension)

    @property
    def dimension(self) -> int:
        """The number of inputs."""
        return len(self.frame.centre)

    @cached_property
    def sharp(self) -> bool:
        """Whether floats alone would be too rough after some layers: error bounds grow by sums of absolute weights."""
        growth = 0.0
        for layer in self.layers:
            size, length = np.abs(layer.weights).sum(axis=1), np.sqrt((layer.weights**2).sum(axis=1))
            growth += log2(np.median(size[length > 0] / length[length > 0])) if length.any() else 0.0
        return growth > ROUGH

    @property
    def unit(self) -> float:
        """The rounding error of an operation at vertices, relative."""
        return FINE if self.sharp else UNIT

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The number of the first unit of each layer, and the number of units in all."""
        starts = [0]
        for layer in self.layers:
            starts.append(starts[-1] + layer.width)
        return tuple(starts)


def composed(network: MaxoutNetwork | ReluNetwork) -> Composition:
    """The units of a network."""
    if isinstance(network, ReluNetwork):
        return Composition(tuple(Units(layer, 2, relu=True) for layer in network.layers), network.output)
    return Composition(tuple(Units(layer.pieces, layer.rank) for layer in network.layers), network.output)


def program_of(network: Composition, domain: Domain) -> Program:
    """The program of a network on a domain with finite bounds."""
    frame = Frame.of(domain)
    layers: list[Layer] = []
    scales: tuple[int, ...] = (0,) * network.inputs
    for number, units in enumerate(network.layers):
        rows = _rows(units.pieces, frame if number == 0 else None)
        layers.append(_layer(rows, units.rank, units.relu, units.passed, scales))
        scales = layers[-1].scales
    output = _exact(_rows(network.output, None if network.layers else frame), network.output.inputs + 1)
    constraints = frame.pulled_back(domain.matrix, [-b for b in domain.bounds.fractions()])
    cutting = [row for row in constraints if any(row[:-1]) or row[-1] > 0]
    inequalities = tuple(tuple(-x for x in _over_one([row])[0][0]) for row in cutting)
    return Program((network, domain), frame, inequalities, tuple(layers), output)


@lru_cache(maxsize=2)
def _again(pickled: bytes) -> Program:
    """The program of a pickled network and domain, once for all the parts that come to a process."""
    return program_of(*pickle.loads(pickled))


def _rows(affine: Affine, frame: Frame | None) -> Rows:
    """The rows (weights, bias) of an affine map, on the cube if it reads the inputs."""
    if frame is not None:
        return _over_one(frame.pulled_back(affine.weights, affine.biases.fractions()))
    weights, biases = affine.weights, affine.biases
    common = lcm(weights.denominator, biases.denominator)
    a, b = common // weights.denominator, common // biases.denominator
    table = [[0] * affine.inputs + [b * bias] for bias in biases.numerators]
    for row, entries in zip(table, weights.rows, strict=True):
        for j, numerator in entries:
            row[j] = a * numerator
    return table, common


def _over_one(rows: Sequence[Sequence[Fraction]]) -> Rows:
    common = lcm(*(x.denominator for row in rows for x in row))
    return [[x.numerator * (common // x.denominator) for x in row] for row in rows], common


def _exact(rows: Rows, width: int) -> fmpz_mat:
    """The rows, and below them the row that multiplies the last coordinate by their denominator."""
    table, common = rows
    return fmpz_mat([*table, [0] * (width - 1) + [common]])


def _layer(rows: Rows, rank: int, relu: bool, passed: int, before: tuple[int, ...]) -> Layer:
    """The layer with these rows; `before` are the scales of the state that it reads."""
    table, common = rows
    stored, compared, size = 1 if relu else rank, len(table) - passed, common.bit_length()
    shifts = [-s for s in before] + [0]
    groups = [table[i : i + stored] for i in range(0, compared, stored)] + [[row] for row in table[compared:]]
    scales, floats = [], []
    for group in groups:
        sizes = [x.bit_length() + s for row in group for x, s in zip(row, shifts, strict=True) if x]
        scale = size - max(sizes, default=size)
        scales.append(scale)
        powers = [s + scale for s in shifts]
        floats += [[ratio(x, common, p) if x else 0.0 for x, p in zip(row, powers, strict=True)] for row in group]
    weights = np.array(floats).reshape(len(table), len(shifts))
    exact = _exact(rows, len(before) + 1)
    return Layer(exact, weights[:, :-1].copy(), weights[:, -1].copy(), before, tuple(scales), rank, relu, passed)


def ratio(numerator: int, denominator: int, shift: int) -> float:
    """The quotient times 2^shift, rounded once; what is too small for a float becomes 0."""
    if shift >= 0:
        return (numerator << shift) / denominator
    return numerator / (denominator << -shift)


def left_out(numerator: int, denominator: int, shift: int, rounded: float) -> float:
    """The quotient times 2^shift minus a float, rounded once."""
    if not numerator:
        return -rounded
    top, bottom = rounded.as_integer_ratio()
    above, below = max(shift, 0), max(-shift, 0)
    return ratio((numerator << above) * bottom - top * (denominator << below), denominator << below, 0) / bottom


def _of_largest(pieces: Any, rests: Any) -> Any:
    """For each piece the rest of the maximum of the pieces up to it."""
    best, low = pieces[:, :, 0], rests[:, :, 0]
    found = [low]
    for p in range(1, pieces.shape[2]):
        own, own_rest = pieces[:, :, p], rests[:, :, p]
        low = np.where(own > best, own_rest, np.where(own == best, np.maximum(low, own_rest), low))
        best = np.maximum(best, own)
        found.append(low)
    return np.stack(found, axis=2)
