"""A Transformer as a graph of standard operators: products of matrices, and softmax or the largest score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from exactformer.exporting.layout import BlockArrays, Heads, Layer, Layout
from exactformer.exporting.rounding import TYPES
from exactformer.formats.graphs import Array, Graph, Node
from exactformer.networks.semantics import Tie

Reading = Tie | Literal["softmax"]


def graph_of(layout: Layout, reading: Reading) -> Graph:
    """The graph with the input "x" (1 x inputs) and the output "y" (1 x outputs).

    Under "softmax", attention is softmax of the scores as they are (temperature 1); under a tie rule, the tokens of the
    largest score have all the weight: together ("average"), or the first or last of them.
    """
    made = _Made(TYPES[layout.type], layout.type)
    tokens, width = layout.tokens, layout.width
    x = made.affine("x", _flat(layout.embedding), "embedding")
    x = made.node("Reshape", "embedding.tokens", x, made.integers("embedding.shape", -1, tokens, width))
    for number, block in enumerate(layout.blocks):
        x = _block(made, x, block, f"blocks.{number}", layout, reading)
    x = made.node("Gather", "readout.token", x, made.integer("readout.index", layout.token), axis=1)
    made.affine(x, layout.readout, "readout", name="y")
    return Graph("x", (1, layout.inputs), made.type, made.constants, tuple(made.nodes), "y")


@dataclass
class _Made:
    """The graph so far."""

    type: str
    dtype: str
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def node(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator; its value has the same name."""
        self.nodes.append(Node(operator, inputs, (name,), attributes, name))
        return name

    def floats(self, name: str, values: Any) -> str:
        """Add a constant; returns its name."""
        self.constants[name] = Array(np.ascontiguousarray(values, self.dtype), self.type)
        return name

    def integers(self, name: str, *values: int) -> str:
        """Add a list of integers."""
        self.constants[name] = Array(np.array(values, np.int64), "int64")
        return name

    def integer(self, name: str, value: int) -> str:
        """Add an integer."""
        self.constants[name] = Array(np.array(value, np.int64), "int64")
        return name

    def product(self, x: str, matrix: Any, name: str) -> str:
        """The value times a constant matrix."""
        return self.node("MatMul", name, x, self.floats(f"{name}.weights", matrix))

    def affine(self, x: str, layer: Layer, place: str, name: str = "") -> str:
        """The value of an affine map."""
        product = self.product(x, layer.weights.T, f"{place}.product")
        return self.node("Add", name or f"{place}.sum", product, self.floats(f"{place}.biases", layer.biases))


def _flat(embedding: Layer) -> Layer:
    """The embedding of all tokens as one map."""
    tokens, width, inputs = embedding.weights.shape
    return Layer(embedding.weights.reshape(tokens * width, inputs), embedding.biases.reshape(-1))


def _block(made: _Made, x: str, block: BlockArrays, place: str, layout: Layout, reading: Reading) -> str:
    if block.heads is not None:
        x = _next(made, x, _attention(made, x, block.heads, f"{place}.attention", layout, reading), layout)
    if block.feedforward is not None:
        x = _next(made, x, _feedforward(made, x, block.feedforward, f"{place}.feedforward"), layout)
    return x


def _next(made: _Made, x: str, update: str, layout: Layout) -> str:
    return made.node("Add", f"{update}.residual", x, update) if layout.residual else update


def _feedforward(made: _Made, x: str, layers: Sequence[Layer], place: str) -> str:
    inner, outer = layers
    if not len(inner.biases):
        zero = made.product(x, np.zeros((outer.weights.shape[0],) * 2), f"{place}.nothing")
        return made.node("Add", f"{place}.w2.sum", zero, made.floats(f"{place}.w2.biases", outer.biases))
    hidden = made.node("Relu", f"{place}.relu", made.affine(x, inner, f"{place}.w1"))
    return made.affine(hidden, outer, f"{place}.w2")


def _attention(made: _Made, x: str, heads: Heads, place: str, layout: Layout, reading: Reading) -> str:
    """The sum of what the heads hand on, at each token."""
    (count, d_v, _), width = heads.value.shape, layout.width
    if not count:
        return made.product(x, np.zeros((width, width)), f"{place}.nothing")
    each = made.node("Unsqueeze", f"{place}.state", x, made.integers(f"{place}.axis", 1))
    query, key, value = (
        made.product(each, getattr(heads, name).swapaxes(1, 2), f"{place}.{name}") for name in ("query", "key", "value")
    )
    turned = made.node("Transpose", f"{place}.key.transposed", key, perm=[0, 1, 3, 2])
    scores = made.node("MatMul", f"{place}.scores", query, turned)
    if layout.causal:
        above = np.triu(np.full((layout.tokens, layout.tokens), -np.inf), 1)
        scores = made.node("Add", f"{place}.masked", scores, made.floats(f"{place}.mask", above))
    weights = _weights(made, scores, place, layout, reading)
    mixed = made.node("MatMul", f"{place}.mixed", weights, value)
    mixed = made.node("Transpose", f"{place}.mixed.transposed", mixed, perm=[0, 2, 1, 3])
    shape = made.integers(f"{place}.shape", -1, layout.tokens, count * d_v)
    mixed = made.node("Reshape", f"{place}.mixed.side-by-side", mixed, shape)
    return made.product(mixed, heads.output.swapaxes(1, 2).reshape(count * d_v, width), f"{place}.output")


def _weights(made: _Made, scores: str, place: str, layout: Layout, reading: Reading) -> str:
    if reading == "softmax":
        return made.node("Softmax", f"{place}.softmax", scores, axis=-1)
    if reading != "average":
        last = int(reading == "rightmost")
        best = made.node("ArgMax", f"{place}.best", scores, axis=-1, keepdims=1, select_last_index=last)
        numbers = made.integers(f"{place}.numbers", *range(layout.tokens))
        return _cast(made, made.node("Equal", f"{place}.chosen", numbers, best), place)
    axis = made.integers(f"{place}.last", -1)
    best = made.node("ReduceMax", f"{place}.best", scores, axis, keepdims=1)
    chosen = _cast(made, made.node("Equal", f"{place}.chosen", scores, best), place)
    count = made.node("ReduceSum", f"{place}.count", chosen, axis, keepdims=1)
    return made.node("Div", f"{place}.weights", chosen, count)


def _cast(made: _Made, chosen: str, place: str) -> str:
    return made.node("Cast", f"{place}.chosen.as-numbers", chosen, to=made.type)
