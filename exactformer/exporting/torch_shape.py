"""The arrays of a Transformer in the shapes of PyTorch: `torch.nn.Linear` and `torch.nn.MultiheadAttention`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exactformer.errors import Unsupported
from exactformer.exporting.layout import MAX_NUMBERS, Floats, Heads, Layer, Layout


@dataclass(frozen=True)
class Shape:
    """The model of PyTorch that holds a Transformer: as many coordinates as its heads have together.

    There, scores are divided by the root of `depth`. It is a power of four, so that queries which are multiplied by
    the root instead stay the floats that they are, but for their exponents.
    """

    heads: int
    depth: int

    @property
    def width(self) -> int:
        """The number of coordinates of a token, those that are 0 at the end among them."""
        return self.heads * self.depth

    @property
    def root(self) -> int:
        """The square root of the depth."""
        return 1 << (self.depth.bit_length() - 1) // 2


def shape_of(layout: Layout) -> Shape:
    """The smallest shape that holds a Transformer. Raises `Unsupported` where it would be too large."""
    found = [block.heads for block in layout.blocks if block.heads is not None]
    depth, heads = 1, max([1, *(len(each.query) for each in found)])
    while depth < max([1, *(max(each.query.shape[1], each.value.shape[1]) for each in found)]):
        depth *= 4
    shape = Shape(max(heads, -(-layout.width // depth)), depth)
    total = 4 * len(found) * shape.width**2 + layout.tokens * shape.width * layout.inputs
    if total > MAX_NUMBERS:
        raise Unsupported(f"export: expected at most {MAX_NUMBERS} numbers in the arrays of PyTorch, found {total}")
    return shape


def state_arrays(layout: Layout) -> dict[str, Floats]:
    """The arrays by the names of the module's state."""
    shape = shape_of(layout)
    tokens, width = layout.tokens, shape.width
    result = _linear("embedding", _embedding(layout, tokens, width))
    for number, block in enumerate(layout.blocks):
        place = f"blocks.{number}"
        if block.heads is not None:
            result |= _attention(f"{place}.attention", block.heads, shape, layout.type)
        if block.feedforward is not None:
            inner, outer = block.feedforward
            result |= _linear(f"{place}.linear1", _wider(inner, len(inner.biases), width))
            result |= _linear(f"{place}.linear2", _wider(outer, width, len(inner.biases)))
    return result | _linear("readout", _wider(layout.readout, len(layout.readout.biases), width))


def _embedding(layout: Layout, tokens: int, width: int) -> Layer:
    weights = np.zeros((tokens, width, layout.inputs), layout.type)
    biases = np.zeros((tokens, width), layout.type)
    weights[:, : layout.width], biases[:, : layout.width] = layout.embedding.weights, layout.embedding.biases
    return Layer(weights.reshape(tokens * width, layout.inputs), biases.reshape(-1))


def _attention(place: str, heads: Heads, shape: Shape, type: str) -> dict[str, Any]:
    """Query, key and value of all heads, one below the other, and what the heads are mixed by."""
    width, depth = shape.width, shape.depth
    joined = np.zeros((3, shape.heads, depth, width), type)
    for part, matrix in zip(joined, (heads.query, heads.key, heads.value), strict=True):
        part[: matrix.shape[0], : matrix.shape[1], : matrix.shape[2]] = matrix
    joined[0] *= shape.root
    if not np.isfinite(joined).all():
        raise Unsupported(f"export: expected queries that stay finite when they are multiplied by {shape.root}")
    mixing = np.zeros((width, shape.heads, depth), type)
    count, d, d_v = heads.output.shape
    mixing[:d, :count, :d_v] = heads.output.swapaxes(0, 1)
    return {
        f"{place}.in_proj_weight": joined.reshape(3 * width, width),
        f"{place}.in_proj_bias": np.zeros(3 * width, type),
        **_linear(f"{place}.out_proj", Layer(mixing.reshape(width, width), np.zeros(width, type))),
    }


def _wider(layer: Layer, outputs: int, inputs: int) -> Layer:
    """The layer with zeros for the outputs and inputs that it lacks."""
    weights, biases = np.zeros((outputs, inputs), layer.weights.dtype), np.zeros(outputs, layer.weights.dtype)
    rows, columns = layer.weights.shape
    weights[:rows, :columns], biases[:rows] = layer.weights, layer.biases
    return Layer(weights, biases)


def _linear(place: str, layer: Layer) -> dict[str, Floats]:
    return {f"{place}.weight": layer.weights, f"{place}.bias": layer.biases}
