"""Fast evaluation in float64 with NumPy: batches of points, hard attention and softmax attention.

Nothing here is exact and no error bound is claimed; `network.evaluate` is the exact value. Weights are the exact ones,
each rounded once to the nearest float64; of a Transformer, what they come to when constants and erased coordinates are
worked out exactly (see `planning`). An overflow on the way shows as inf or nan, without a warning. The gates of a deep
gated Transformer are far larger than its values, and cancel only up to the rounding of their own size.
Inside, an array holds its features first and the points last, so that every operation runs along the points.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from exactformer.arguments import Limit, one_of
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.networks import Affine, Function, MaxoutLayer, Network, Transformer, check_network
from exactformer.networks.semantics import BASES, TIES, Base, Semantics, Tie
from exactformer.numeric.feedforward import NumericFeedforward, numeric_feedforward
from exactformer.numeric.function import NumericFunction, numeric_function
from exactformer.numeric.matrices import Floats
from exactformer.numeric.planning import numeric_transformer
from exactformer.numeric.transformer import NumericTransformer
from exactformer.rational import Matrix, Vector, listed, plain, rational

__all__ = [
    "NumericFeedforward",
    "NumericFunction",
    "NumericTransformer",
    "compile_numeric",
    "evaluate_batch",
    "preactivations",
]

NumericNetwork = NumericFeedforward | NumericTransformer | NumericFunction

TEMPERATURE = Limit("a finite number > 0", float, lambda x: 5e-324 <= x <= sys.float_info.max)
# Temporaries of one chunk of points: what the caches hold. Larger chunks were slower, not faster.
CHUNK_BYTES = 1 << 23


def evaluate_batch(
    network: Network | NumericNetwork,
    points: Any,
    *,
    tie: Tie = "average",
    temperature: float | Fraction | Sequence[float | Fraction] | None = None,
    base: Base = "e",
) -> Floats:
    """The values of a network at many points, in float64.

    With `temperature` None attention is hard: the tokens of the largest score share the weight ("average"), or the
    first or the last of them has it ("leftmost", "rightmost"); scores tie when they come out as one float64.
    Otherwise `temperature` is the lambda > 0 of softmax, or one a layer: token t of score s_t has the weight
    base^(lambda s_t) / sum_r base^(lambda s_r), and `tie` does not matter. A unit of a maxout or ReLU network is then
    the mean of its pieces with the weights that they have as scores. Without attention there is nothing to tie.

    `points` is (batch, inputs), the result (batch, outputs). For many batches prepare the network once, by
    `compile_numeric`. Raises `InvalidInput` when the points are not numbers, not finite or of another shape, for an
    unknown tie rule or base, for a temperature that is not finite and positive, for another number of them than there
    are layers, and where `compile_numeric` does. Where a function is undefined, its value is inf or nan.
    """
    prepared = _prepared(network)
    semantics = _checked_semantics(prepared, tie, temperature, base)
    x = _checked_points(points, prepared.inputs)
    _keep_freed_memory()
    result = np.empty((len(x), prepared.outputs))
    with np.errstate(all="ignore"):
        for chunk in _chunks(len(x), prepared.floats):
            result[chunk] = prepared(np.ascontiguousarray(x[chunk].T), semantics).T
    return result


def preactivations(network: Network | NumericNetwork, points: Any) -> list[Floats]:
    """The values of all pieces of all units at many points, in float64.

    Layer l has the array (batch, units, rank) of the a_ij(h), h the units of layer l - 1; a ReLU unit has the two
    pieces u and 0. A unit has a kink where its two largest pieces agree. `points` is (batch, inputs).
    Raises `InvalidInput` as `evaluate_batch` does, `Unsupported` for a Transformer and for a function.
    """
    prepared = _prepared(network)
    if not isinstance(prepared, NumericFeedforward):
        kind = "a Transformer" if isinstance(prepared, NumericTransformer) else "a function"
        raise Unsupported(f"preactivations: expected a maxout or ReLU network, found {kind}")
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
    check_network(network, "network", faults, functions=True)
    faults.settle()
    for place, numbers in _weights(network):
        _check_range(place, numbers)
    if isinstance(network, Function):
        return numeric_function(network)
    return numeric_transformer(network) if isinstance(network, Transformer) else numeric_feedforward(network)


def _prepared(network: Network | NumericNetwork) -> NumericNetwork:
    return network if isinstance(network, NumericNetwork) else compile_numeric(network)


def _checked_semantics(network: NumericNetwork, tie: Tie, temperature: Any, base: Base) -> Semantics:
    faults = Faults()
    one_of(tie, TIES, "tie", faults)
    one_of(base, BASES, "base", faults)
    each = listed(temperature)
    if each is None:
        TEMPERATURE.check(temperature, "temperature", faults, optional=True)
    for i, rate in enumerate(each or ()):
        TEMPERATURE.check(rate, f"temperature[{i}]", faults)
    if base == "2" and temperature is None:
        faults.add("base", "a temperature together with the base 2", "none")
    faults.settle()
    rates = [] if temperature is None else [temperature] if each is None else each
    semantics = Semantics(tie, tuple(rational(rate, "temperature") for rate in rates), base)
    if each == []:
        faults.add("temperature", "a number > 0, or one a layer", "none")
    semantics.fit(network, "temperature", faults)
    faults.settle()
    return semantics


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


def _keep_freed_memory() -> None:
    """Has the C library keep what one chunk frees for the next: it keeps about as much as was ever freed at once.

    Otherwise every temporary array is fetched from the system anew, which costs more than the arithmetic.
    """
    np.empty(CHUNK_BYTES, dtype=np.uint8)


def _chunks(batch: int, floats_per_point: int) -> Iterator[slice]:
    size = max(1, CHUNK_BYTES // (8 * floats_per_point))
    return (slice(start, start + size) for start in range(0, batch, size))


def _weights(network: Network) -> Iterator[tuple[str, Matrix | Vector]]:
    """Everything that is rounded, with its place."""
    if isinstance(network, Function):
        literals = ((i, x) for i, step in enumerate(network.steps) for x in step if isinstance(x, Fraction))
        yield from ((f"steps[{i}]", Vector.of([x])) for i, x in literals)
        return
    if isinstance(network, Transformer):
        yield from (("embedding", part) for affine in network.embedding for part in (affine.weights, affine.biases))
        for number, block in enumerate(network.blocks):
            for head in block.heads or ():
                yield from ((f"blocks[{number}].heads", m) for m in (head.query, head.key, head.value, head.output))
            if block.feedforward is not None:
                place, part = f"blocks[{number}].feedforward", block.feedforward
                yield from ((f"{place}.w1", m) for m in (part.inner.weights, part.inner.biases))
                yield from ((f"{place}.w2", m) for m in (part.outer.weights, part.outer.biases))
        yield from (("readout", part) for part in (network.readout.weights, network.readout.biases))
        return
    layers: Sequence[MaxoutLayer | Affine] = network.layers
    for number, layer in enumerate(layers):
        affine = layer if isinstance(layer, Affine) else layer.pieces
        yield from ((f"layers[{number}]", part) for part in (affine.weights, affine.biases))
    yield from (("output", part) for part in (network.output.weights, network.output.biases))


def _check_range(place: str, numbers: Matrix | Vector) -> None:
    if isinstance(numbers, Vector):
        largest = max(map(abs, numbers.numerators), default=0)
    else:
        largest = max((abs(n) for _, row in numbers.filled for _, n in row), default=0)
    try:
        largest / numbers.denominator
    except OverflowError:
        raise InvalidInput(f"{place}: expected numbers within the range of float64, found a larger one") from None
