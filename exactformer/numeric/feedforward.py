"""A maxout or ReLU network in float64."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from exactformer.networks import Affine, MaxoutNetwork, ReluNetwork
from exactformer.networks.semantics import Semantics
from exactformer.numeric.matrices import Floats, NumericAffine, column, linear


@dataclass(frozen=True, eq=False)
class NumericLayer:
    """Maxout units of the given rank, or ReLU units where the rank is None."""

    affine: NumericAffine
    rank: int | None

    @property
    def shape(self) -> tuple[int, int]:
        """The number of units and the number of pieces of each; a ReLU unit has two."""
        rows = len(self.affine.biases)
        return (rows, 2) if self.rank is None else (rows // self.rank, self.rank)

    def pieces(self, x: Floats) -> Floats:
        """The values of all pieces at every column of x: (units, rank, columns)."""
        values = self.affine(x)
        if self.rank is None:
            return np.stack((values, np.zeros_like(values)), axis=1)
        return values.reshape(*self.shape, x.shape[1])

    def __call__(self, x: Floats) -> Floats:
        """The values of the units at every column of x."""
        if self.rank is None:
            values = self.affine(x)
            return np.maximum(values, 0.0, out=values)
        result: Floats = self.pieces(x).max(axis=1)
        return result

    def mean(self, x: Floats, scale: float) -> Floats:
        """The means of the pieces of each unit under softmax of themselves, the numbers before it times the scale."""
        pieces = self.pieces(x)
        weights = np.exp(scale * (pieces - pieces.max(axis=1, keepdims=True)))
        result: Floats = np.einsum("urb,urb->ub", weights, pieces)
        result /= weights.sum(axis=1)
        return result


@dataclass(frozen=True, eq=False)
class NumericFeedforward:
    """A maxout or ReLU network in float64."""

    inputs: int
    outputs: int
    layers: tuple[NumericLayer, ...]
    output: NumericAffine

    @property
    def floats(self) -> int:
        """An upper bound of the floats that one point takes at once."""
        layers = (layer.affine.floats + 4 * math.prod(layer.shape) for layer in self.layers)
        return 1 + 2 * self.inputs + max(self.output.floats, *layers, 0)

    def pieces(self, x: Floats) -> Iterator[Floats]:
        """The values of all pieces at every column of x, layer by layer: (units, rank, columns)."""
        for layer in self.layers:
            values = layer.pieces(x)
            yield values
            x = values.max(axis=1)

    @property
    def tempered(self) -> tuple[int, ...]:
        """The layers that softmax may be read into: all of them."""
        return tuple(range(len(self.layers)))

    def __call__(self, x: Floats, semantics: Semantics) -> Floats:
        """The value at every column of x."""
        scales = semantics.scales(self)
        for number, layer in enumerate(self.layers):
            x = layer.mean(x, scales[number]) if scales else layer(x)
        return self.output(x)


def numeric_feedforward(network: MaxoutNetwork | ReluNetwork) -> NumericFeedforward:
    """The network in floats."""
    maps = [(layer, None) if isinstance(layer, Affine) else (layer.pieces, layer.rank) for layer in network.layers]
    layers = tuple(NumericLayer(_affine(part), rank) for part, rank in maps)
    return NumericFeedforward(network.inputs, network.outputs, layers, _affine(network.output))


def _affine(affine: Affine) -> NumericAffine:
    return NumericAffine(linear(affine.weights), column(affine.biases.fractions()))
