"""A Transformer as arrays: what every export has in common, whatever it is written as.

Heads of one block lie side by side, those with fewer rows than others filled up with zeros, which change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exactformer.errors import Unsupported
from exactformer.networks import Affine, FeedForward, Head, Transformer
from exactformer.rational import Matrix, Vector

MAX_NUMBERS = 1 << 27  # of all arrays together: 1 GB of float64, half of what a protobuf message may hold

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]


@dataclass(frozen=True, eq=False)
class Heads:
    """All heads of a block: query and key [head][d_k][d], value [head][d_v][d], output [head][d][d_v]."""

    query: Floats
    key: Floats
    value: Floats
    output: Floats


@dataclass(frozen=True, eq=False)
class Layer:
    """x -> weights x + biases."""

    weights: Floats
    biases: Floats


@dataclass(frozen=True, eq=False)
class BlockArrays:
    """A block; None for a part that is absent."""

    heads: Heads | None
    feedforward: tuple[Layer, Layer] | None


@dataclass(frozen=True, eq=False)
class Layout:
    """All arrays of a Transformer: the embedding has weights [token][coordinate][input], biases [token][coordinate]."""

    embedding: Layer
    blocks: tuple[BlockArrays, ...]
    readout: Layer
    token: int
    residual: bool
    causal: bool
    type: str  # of NumPy

    @property
    def tokens(self) -> int:
        """The number of tokens."""
        return len(self.embedding.weights)

    @property
    def width(self) -> int:
        """The number of coordinates of a token."""
        return int(self.embedding.weights.shape[1])

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return int(self.embedding.weights.shape[2])


def layout_of(transformer: Transformer, type: str) -> Layout:
    """The arrays of a Transformer whose numbers are all of the type "float64" or "float32", so that each is exact.

    Raises `Unsupported` as `check_size` does.
    """
    check_size(transformer)
    parts = [_layer(part, type) for part in transformer.embedding]
    return Layout(
        Layer(np.stack([part.weights for part in parts]), np.stack([part.biases for part in parts])),
        tuple(
            BlockArrays(
                None if block.heads is None else _heads(block.heads, transformer.width, type),
                None if block.feedforward is None else _feedforward(block.feedforward, type),
            )
            for block in transformer.blocks
        ),
        _layer(transformer.readout, type),
        transformer.token,
        transformer.residual,
        transformer.mask == "causal",
        type,
    )


def check_size(transformer: Transformer) -> None:
    """Raise `Unsupported` for a Transformer that would be too large to be written out densely."""
    d, total = transformer.width, transformer.tokens * transformer.width * (transformer.inputs + 1)
    for block in transformer.blocks:
        if block.heads:
            total += 2 * len(block.heads) * d * sum(_depths(block.heads))
        if block.feedforward is not None:
            total += 2 * d * (block.feedforward.hidden + 1)
    if total > MAX_NUMBERS:
        raise Unsupported(f"export: expected at most {MAX_NUMBERS} numbers in dense arrays, found {total}")


def _depths(heads: tuple[Head, ...]) -> tuple[int, int]:
    """The largest d_k and d_v, at least 1."""
    return max(1, *(h.key.shape[0] for h in heads)), max(1, *(h.value.shape[0] for h in heads))


def _heads(heads: tuple[Head, ...], width: int, type: str) -> Heads:
    d_k, d_v = _depths(heads) if heads else (1, 1)

    def stacked(name: str, height: int, across: int) -> Floats:
        result = np.zeros((len(heads), height, across), type)
        for number, head in enumerate(heads):
            fill(result[number], getattr(head, name))
        return result

    return Heads(
        stacked("query", d_k, width),
        stacked("key", d_k, width),
        stacked("value", d_v, width),
        stacked("output", width, d_v),
    )


def _feedforward(part: FeedForward, type: str) -> tuple[Layer, Layer]:
    return _layer(part.inner, type), _layer(part.outer, type)


def _layer(part: Affine, type: str) -> Layer:
    weights = np.zeros(part.weights.shape, type)
    fill(weights, part.weights)
    return Layer(weights, vector(part.biases, type))


def fill(target: Floats, matrix: Matrix) -> None:
    """Write the entries of a matrix, which the target's type holds exactly, into the corner of an array."""
    for i, row in matrix.filled:
        target[i, [j for j, _ in row]] = [n / matrix.denominator for _, n in row]


def vector(values: Vector, type: str) -> Floats:
    """The numbers of a vector, which the type holds exactly."""
    return np.array([n / values.denominator for n in values.numerators], type)
