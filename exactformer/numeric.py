"""Fast evaluation in float64 with NumPy: batches of points, hard attention and softmax attention.

Nothing here is exact and no error bound is claimed; `network.evaluate` is the exact value. Weights are the exact ones,
each rounded once to the nearest float64. An overflow on the way shows as inf or nan, without a warning. The gates of a
deep gated Transformer are far larger than its values, and cancel only up to the rounding of their own size.
Inside, an array holds its features first and the points last, so that every operation runs along the points.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from exactformer.arguments import Limit, one_of
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.networks import Affine, Head, MaxoutNetwork, Network, Transformer, check_network
from exactformer.networks.transformer import TIES, Tie
from exactformer.rational import Matrix, Vector, plain

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Entries = tuple[Indices, Indices, Floats]

TEMPERATURE = Limit("a finite number > 0", float, lambda x: 5e-324 <= x <= sys.float_info.max)
# Temporaries of one chunk of points: what the caches hold. Larger chunks were slower, not faster.
CHUNK_BYTES = 1 << 23
# A matrix is stored densely up to SMALL entries and up to this many entries for each one that is not zero: a product
# with it then costs about as much as a sparse one.
DENSE_RATIO = 32
SMALL = 1 << 12


def evaluate_batch(
    network: Network | NumericNetwork, points: Any, *, tie: Tie = "average", temperature: float | Fraction | None = None
) -> Floats:
    """The values of a network at many points, in float64.

    With `temperature` None attention is hard: the tokens of the largest score share the weight ("average"), or the
    first or the last of them has it ("leftmost", "rightmost"); scores tie when they come out as one float64.
    Otherwise `temperature` is the lambda > 0 of softmax: token t of score s_t has the weight
    exp(lambda s_t) / sum_r exp(lambda s_r), and `tie` does not matter. Without attention there is nothing to tie.

    `points` is (batch, inputs), the result (batch, outputs). For many batches prepare the network once, by
    `compile_numeric`. Raises `InvalidInput` when the points are not numbers, not finite or of another shape, for an
    unknown tie rule, for a temperature that is not finite and positive, and where `compile_numeric` does;
    `Unsupported` for a temperature without attention.
    """
    prepared = _prepared(network)
    scale = _checked_rule(tie, temperature)
    values: Callable[[Floats], Floats]
    if isinstance(prepared, NumericTransformer):
        values = partial(prepared, tie=tie, temperature=scale)
    elif scale is None:
        values = prepared
    else:
        raise Unsupported("temperature: expected a Transformer, found a network without attention")
    x = _checked_points(points, prepared.inputs)
    result = np.empty((len(x), prepared.outputs))
    with np.errstate(all="ignore"):
        for chunk in _chunks(len(x), prepared.floats):
            result[chunk] = values(np.ascontiguousarray(x[chunk].T)).T
    return result


def preactivations(network: Network | NumericNetwork, points: Any) -> list[Floats]:
    """The values of all pieces of all units at many points, in float64.

    Layer l has the array (batch, units, rank) of the a_ij(h), h the units of layer l - 1; a ReLU unit has the two
    pieces u and 0. A unit has a kink where its two largest pieces agree. `points` is (batch, inputs).
    Raises `InvalidInput` as `evaluate_batch` does, `Unsupported` for a Transformer.
    """
    prepared = _prepared(network)
    if isinstance(prepared, NumericTransformer):
        raise Unsupported("preactivations: expected a maxout or ReLU network, found a Transformer")
    x = _checked_points(points, prepared.inputs)
    result = [np.empty((len(x), *layer.shape)) for layer in prepared.layers]
    with np.errstate(all="ignore"):
        for chunk in _chunks(len(x), prepared.floats):
            for found, pieces in zip(result, prepared.pieces(np.ascontiguousarray(x[chunk].T)), strict=True):
                found[chunk] = np.moveaxis(pieces, 2, 0)
    return result


def compile_numeric(network: Network) -> NumericNetwork:
    """The network with its weights as float arrays, ready for many batches.

    Each weight is the exact one rounded to the nearest float64 (ties to even). Raises `InvalidInput`, with its
    place, for a weight beyond the range of float64.
    """
    faults = Faults()
    check_network(network, "network", faults)
    faults.settle()
    if isinstance(network, Transformer):
        return _numeric_transformer(network)
    layers: tuple[NumericLayer, ...]
    if isinstance(network, MaxoutNetwork):
        layers = tuple(NumericLayer(_affine(l.pieces, f"layers[{i}]"), l.rank) for i, l in enumerate(network.layers))
    else:
        layers = tuple(NumericLayer(_affine(l, f"layers[{i}]"), None) for i, l in enumerate(network.layers))
    return NumericFeedforward(network.inputs, network.outputs, layers, _affine(network.output, "output"))


@dataclass(frozen=True, eq=False)
class Sparse:
    """A matrix that is mostly zero.

    Rows with about the same number of entries form one part (rows, columns, values): row rows[i] of the matrix has
    values[i, s] at columns[i, s]. Shorter rows are padded with the value 0.
    """

    height: int
    parts: tuple[Entries, ...]

    @staticmethod
    def of(shape: tuple[int, int], entries: Entries) -> Sparse:
        """The matrix with the given entries (rows, columns, values), each position once, and zeros elsewhere."""
        order = np.argsort(entries[0], kind="stable")
        columns, values = entries[1][order], entries[2][order]
        counts = np.bincount(entries[0], minlength=shape[0])
        starts = np.cumsum(counts) - counts
        # The next power of two as length: few parts, and never more padding than entries.
        lengths = np.array([1 << (n - 1).bit_length() if n else 0 for n in counts.tolist()], dtype=np.intp)
        parts: list[Entries] = []
        for length in np.unique(lengths[lengths > 0]):
            members = np.flatnonzero(lengths == length)
            present = np.arange(length) < counts[members, None]
            place = np.where(present, starts[members, None] + np.arange(length), 0)
            parts.append((members, columns[place], np.where(present, values[place], 0.0)))
        return Sparse(shape[0], tuple(parts))

    @property
    def floats(self) -> int:
        """How many floats a product makes at once for one column."""
        return self.height + max((values.size + len(values) for _, _, values in self.parts), default=0)

    def __matmul__(self, x: Floats) -> Floats:
        """The product with a matrix that is not sparse."""
        result = np.zeros((self.height, x.shape[1]))
        for rows, columns, values in self.parts:
            result[rows] = np.einsum("rs,rsb->rb", values, x[columns])
        return result


Linear = Floats | Sparse


@dataclass(frozen=True, eq=False)
class NumericAffine:
    """The map x -> weights x + biases on columns x; the biases are one column."""

    weights: Linear
    biases: Floats

    @property
    def floats(self) -> int:
        """How many floats a call makes at once for one column."""
        return _product_floats(self.weights)

    def __call__(self, x: Floats) -> Floats:
        """The value at every column of x, a fresh array."""
        result: Floats = self.weights @ x
        result += self.biases
        return result


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
        layers = (layer.affine.floats + 3 * math.prod(layer.shape) for layer in self.layers)
        return 1 + 2 * self.inputs + max(self.output.floats, *layers, 0)

    def pieces(self, x: Floats) -> Iterator[Floats]:
        """The values of all pieces at every column of x, layer by layer: (units, rank, columns)."""
        for layer in self.layers:
            values = layer.pieces(x)
            yield values
            x = values.max(axis=1)

    def __call__(self, x: Floats) -> Floats:
        """The value at every column of x."""
        for layer in self.layers:
            x = layer.pieces(x).max(axis=1)
        return self.output(x)


@dataclass(frozen=True, eq=False)
class NumericHeads:
    """Heads of one size, stacked: query and key are (count d_k) x d, value (count d_v) x d, output d x (count d_v)."""

    count: int
    query: Linear
    key: Linear
    value: Linear
    output: Linear

    def floats(self, tokens: int) -> int:
        """An upper bound of the floats that a call makes for one point."""
        products = sum(map(_product_floats, (self.query, self.key, self.value, self.value, self.output)))
        return tokens * products + 5 * self.count * tokens**2

    def __call__(self, state: Floats, weigh: Callable[[Floats], Floats]) -> Floats:
        """What the heads add up to at every token; the state and the result are (d, tokens, points)."""
        d, tokens, batch = state.shape
        flat = state.reshape(d, tokens * batch)
        queries, keys, values = (
            (weights @ flat).reshape(self.count, -1, tokens, batch) for weights in (self.query, self.key, self.value)
        )
        weights = weigh(np.einsum("hktb,hkqb->hqtb", keys, queries))
        mixed = np.einsum("hqtb,hvtb->hvqb", weights, values)
        # Dividing last keeps a weight of 1 exact, and makes nan of a query where no score is the largest.
        mixed /= weights.sum(axis=2)[:, None]
        result: Floats = self.output @ mixed.reshape(-1, tokens * batch)
        return result.reshape(d, tokens, batch)


@dataclass(frozen=True, eq=False)
class NumericTokenwise:
    """A feed-forward sublayer: x -> outer(relu(inner(x))) at every token."""

    inner: NumericAffine
    outer: NumericAffine

    def floats(self, tokens: int) -> int:
        """An upper bound of the floats that a call makes for one point."""
        return tokens * (self.inner.floats + self.outer.floats)

    def __call__(self, state: Floats, weigh: object = None) -> Floats:
        """The result at every token; the state and the result are (d, tokens, points)."""
        d, tokens, batch = state.shape
        hidden = self.inner(state.reshape(d, tokens * batch))
        return self.outer(np.maximum(hidden, 0.0, out=hidden)).reshape(d, tokens, batch)


@dataclass(frozen=True, eq=False)
class NumericTransformer:
    """A Transformer in float64.

    The embedding gives the coordinates of all tokens, one token after another; the update of a sublayer is the sum
    of its parts: the groups of its heads, or the feed-forward map.
    """

    inputs: int
    outputs: int
    tokens: int
    embedding: NumericAffine
    sublayers: tuple[tuple[NumericHeads, ...] | tuple[NumericTokenwise], ...]
    token: int
    readout: NumericAffine
    residual: bool
    causal: bool

    @property
    def floats(self) -> int:
        """An upper bound of the floats that one point takes at once."""
        parts = (part.floats(self.tokens) for parts in self.sublayers for part in parts)
        state = len(self.embedding.biases)
        return 1 + 2 * self.inputs + 3 * state + max(self.embedding.floats, self.readout.floats, *parts)

    def __call__(self, x: Floats, *, tie: Tie, temperature: float | None) -> Floats:
        """The value at every column of x; with a temperature by softmax, without one by hard attention."""
        weigh = partial(attention_weights, causal=self.causal, tie=tie, temperature=temperature)
        embedded = self.embedding(x).reshape(self.tokens, -1, x.shape[1])
        state = np.ascontiguousarray(embedded.swapaxes(0, 1))
        for parts in self.sublayers:
            update = state.copy() if self.residual else np.zeros_like(state)
            for part in parts:
                update += part(state, weigh)
            state = update
        return self.readout(state[:, self.token])


NumericNetwork = NumericFeedforward | NumericTransformer


def attention_weights(scores: Floats, *, causal: bool, tie: Tie, temperature: float | None) -> Floats:
    """The weights that scores (heads, queries, tokens, points) give to the tokens, not yet divided by their sum."""
    if causal:
        scores = np.where(np.tri(scores.shape[1], dtype=bool)[:, :, None], scores, -np.inf)
    # An overflowed score makes the gap nan, and so the result: two scores of inf are no tie.
    gaps = scores - scores.max(axis=2, keepdims=True)
    if temperature is not None:
        weights: Floats = np.exp(temperature * gaps)
        return weights
    best: npt.NDArray[np.bool_] = gaps == 0
    ranked = best[:, :, ::-1] if tie == "rightmost" else best
    if tie != "average":
        ranked &= np.cumsum(ranked, axis=2) == 1
    return best.astype(np.float64)


def _prepared(network: Network | NumericNetwork) -> NumericNetwork:
    return network if isinstance(network, NumericNetwork) else compile_numeric(network)


def _checked_rule(tie: Tie, temperature: float | Fraction | None) -> float | None:
    """The temperature as a float."""
    faults = Faults()
    one_of(tie, TIES, "tie", faults)
    TEMPERATURE.check(temperature, "temperature", faults, optional=True)
    faults.settle()
    return None if temperature is None else float(temperature)


def _checked_points(points: Any, inputs: int) -> Floats:
    expected = f"points: expected an array (batch, {inputs}) of finite numbers"
    try:
        array = points if isinstance(points, np.ndarray) else np.asarray(plain(points))
        if array.dtype.kind not in "iufO":
            raise InvalidInput(f"{expected}, found entries of the type {array.dtype}")
        with np.errstate(over="ignore"):
            result = array.astype(np.float64, copy=False)
    except (OverflowError, TypeError, ValueError) as error:
        raise InvalidInput(f"{expected}, found: {error}") from None
    if result.ndim != 2 or result.shape[1] != inputs:
        raise InvalidInput(f"{expected}, found the shape {result.shape}")
    if not np.isfinite(result).all():
        row, column = np.argwhere(~np.isfinite(result))[0]
        raise InvalidInput(f"{expected}, found {result[row, column]} at [{row}, {column}]")
    return result


def _chunks(batch: int, floats_per_point: int) -> Iterator[slice]:
    size = max(1, CHUNK_BYTES // (8 * floats_per_point))
    return (slice(start, start + size) for start in range(0, batch, size))


def _numeric_transformer(network: Transformer) -> NumericTransformer:
    sublayers: list[tuple[NumericHeads, ...] | tuple[NumericTokenwise]] = []
    for number, block in enumerate(network.blocks):
        if block.heads is not None:
            sublayers.append(_heads(block.heads, network.width, f"blocks[{number}].heads"))
        if block.feedforward is not None:
            place, part = f"blocks[{number}].feedforward", block.feedforward
            inner, outer = _affine(part.inner, f"{place}.w1"), _affine(part.outer, f"{place}.w2")
            sublayers.append((NumericTokenwise(inner, outer),))
    weights = [part.weights for part in network.embedding]
    shape = network.tokens * network.width, network.inputs
    biases = np.vstack([_column(part.biases, "embedding") for part in network.embedding])
    return NumericTransformer(
        inputs=network.inputs,
        outputs=network.outputs,
        tokens=network.tokens,
        embedding=NumericAffine(_stacked(weights, shape, (network.width, 0), "embedding"), biases),
        sublayers=tuple(sublayers),
        token=network.token,
        readout=_affine(network.readout, "readout"),
        residual=network.residual,
        causal=network.mask == "causal",
    )


def _heads(heads: Sequence[Head], d: int, place: str) -> tuple[NumericHeads, ...]:
    """The heads, grouped by their sizes."""
    sizes: dict[tuple[int, int], list[Head]] = {}
    for head in heads:
        sizes.setdefault((head.key.shape[0], head.value.shape[0]), []).append(head)
    groups = []
    for (d_k, d_v), group in sizes.items():
        n = len(group)
        groups.append(
            NumericHeads(
                count=n,
                query=_stacked([head.query for head in group], (n * d_k, d), (d_k, 0), place),
                key=_stacked([head.key for head in group], (n * d_k, d), (d_k, 0), place),
                value=_stacked([head.value for head in group], (n * d_v, d), (d_v, 0), place),
                output=_stacked([head.output for head in group], (d, n * d_v), (0, d_v), place),
            )
        )
    return tuple(groups)


def _affine(affine: Affine, place: str) -> NumericAffine:
    weights = affine.weights
    return NumericAffine(_stacked([weights], weights.shape, (0, 0), place), _column(affine.biases, place))


def _stacked(matrices: Sequence[Matrix], shape: tuple[int, int], step: tuple[int, int], place: str) -> Linear:
    """The matrix of the given shape with matrix number i of `matrices` at the position i * step, zeros elsewhere."""
    rows, columns, values = [], [], []
    for number, matrix in enumerate(matrices):
        entries = [(i, j, n) for i, row in matrix.filled for j, n in row]
        rows.append(np.array([i for i, _, _ in entries], dtype=np.intp) + number * step[0])
        columns.append(np.array([j for _, j, _ in entries], dtype=np.intp) + number * step[1])
        values.append(_rounded([n for _, _, n in entries], matrix.denominator, place))
    at, weights = (np.concatenate(rows), np.concatenate(columns)), np.concatenate(values)
    if shape[0] * shape[1] > max(SMALL, DENSE_RATIO * len(weights)):
        return Sparse.of(shape, (*at, weights))
    dense = np.zeros(shape)
    dense[at] = weights
    return dense


def _product_floats(weights: Linear) -> int:
    """How many floats a product with the matrix makes at once for one column."""
    return weights.floats if isinstance(weights, Sparse) else len(weights)


def _column(vector: Vector, place: str) -> Floats:
    return _rounded(vector.numerators, vector.denominator, place)[:, None]


def _rounded(numerators: Sequence[int], denominator: int, place: str) -> Floats:
    """The numbers n / denominator as floats; Python rounds a quotient of integers of any length correctly."""
    try:
        return np.array([n / denominator for n in numerators], dtype=np.float64)
    except OverflowError:
        raise InvalidInput(f"{place}: expected numbers within the range of float64, found a larger one") from None
