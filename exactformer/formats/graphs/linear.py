"""Operators that are affine maps with constant weights: products of matrices, sums, means, normalisation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from exactformer.formats.graphs.call import Call, axes_of, is_float, same_shape, same_type
from exactformer.formats.graphs.graph import Refusal, Shape
from exactformer.formats.graphs.rounding import over_root, rational_root
from exactformer.formats.graphs.tensor import (
    Indices,
    Tensor,
    added,
    check_size,
    dimensions,
    multiplied,
    of_fractions,
    scaled,
)
from exactformer.rational import rational


def matmul(call: Call) -> list[Tensor]:
    """The product of matrices, one of them constant, over all axes before the last two."""
    return [product(call.tensor(0), call.tensor(1))]


def product(left: Tensor, right: Tensor) -> Tensor:
    """The product left @ right, in NumPy's sense. Raises `Refusal` where both depend on the input."""
    same_type(left, right)
    if not left.shape or not right.shape:
        raise Refusal("matrices or vectors", f"{dimensions(left.shape)} and {dimensions(right.shape)}")
    rows = left.indices if len(left.shape) > 1 else left.indices[None, :]
    columns = right.indices if len(right.shape) > 1 else right.indices[:, None]
    if rows.shape[-1] != columns.shape[-2]:
        raise Refusal("matrices that can be multiplied", f"{dimensions(left.shape)} and {dimensions(right.shape)}")
    if not (left.fixed or right.fixed):
        raise Refusal("a constant factor", "a product of two values that depend on the input")
    try:
        batch = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    except ValueError:
        raise Refusal("shapes that fit together", f"{dimensions(left.shape)} and {dimensions(right.shape)}") from None
    full: Shape = (*batch, rows.shape[-2], columns.shape[-1], rows.shape[-1])
    check_size(math.prod(full))
    a = np.broadcast_to(rows[..., :, None, :], full)
    b = np.broadcast_to(np.swapaxes(columns, -1, -2)[..., None, :, :], full)
    shape = [*batch]
    shape += [rows.shape[-2]] if len(left.shape) > 1 else []
    shape += [columns.shape[-1]] if len(right.shape) > 1 else []
    value, weights, source, weight = (left, right, a, b) if right.fixed else (right, left, b, a)
    return weighted(value, weights, source, weight, tuple(shape))


def weighted(value: Tensor, weights: Tensor, source: Indices, weight: Indices, shape: Shape) -> Tensor:
    """The sums over the last axis of weights[weight] * value[source]; a source of -1 adds nothing."""
    factor = weights.offset[weight.reshape(-1)]
    kept = np.flatnonzero((factor != 0) & (source.reshape(-1) >= 0))
    row = kept // max(weight.shape[-1], 1)
    return value.combined(row, source.reshape(-1)[kept], factor[kept], weights.denominator, shape)


def gemm(call: Call) -> list[Tensor]:
    """The matrix alpha A B + beta C, A and B transposed where that is said."""
    factors = []
    for number, flag in enumerate(("transA", "transB")):
        matrix = call.tensor(number)
        if len(matrix.shape) != 2:
            raise Refusal("a matrix", f"shape {dimensions(matrix.shape)}")
        factors.append(matrix.take(matrix.indices.T) if call.flag(flag) else matrix)
    result = scaled(product(*factors), rational(call.attributes["alpha"]))
    extra = call.optional(2)
    if extra is not None:
        same_type(result, extra)
        whole = added(result, scaled(extra, rational(call.attributes["beta"])))
        same_shape(whole.shape, result.shape, "a C that repeats to a result")
        result = whole
    return [result]


def reduced(call: Call, mean: bool) -> list[Tensor]:
    """Sums or means over axes, over all where none are named."""
    tensor, axes = call.tensor(), call.listed("axes", 1)
    if not axes:
        if call.flag("noop_with_empty_axes"):
            return [tensor]
        axes = list(range(len(tensor.shape)))
    return [_over(tensor, axes_of(axes, len(tensor.shape)), call.flag("keepdims"), mean)]


def global_average(call: Call) -> list[Tensor]:
    """The mean over all axes after the first two."""
    tensor = call.tensor()
    if len(tensor.shape) < 3:
        raise Refusal("at least three axes", f"shape {dimensions(tensor.shape)}")
    return [_over(tensor, list(range(2, len(tensor.shape))), True, True)]


def _over(tensor: Tensor, axes: list[int], keep: bool, mean: bool) -> Tensor:
    count = math.prod(tensor.shape[axis] for axis in axes)
    if tensor.size == 0:
        raise Refusal("at least one entry", "none")
    if mean:
        is_float(tensor)
    last = np.moveaxis(tensor.indices, axes, range(len(tensor.shape) - len(axes), len(tensor.shape)))
    shape = [1 if i in axes else n for i, n in enumerate(tensor.shape) if keep or i not in axes]
    row = np.repeat(np.arange(tensor.size // count), count)
    ones = np.full(tensor.size, 1, object)
    return tensor.combined(row, last.reshape(-1), ones, count if mean else 1, tuple(shape))


def normalised(call: Call) -> list[Tensor]:
    """(a - mean) / sqrt(variance + epsilon) scale + bias, for each channel.

    The factor scale / sqrt(variance + epsilon) is exact where the root is rational; otherwise it is the number of the
    type of the variance that is nearest to it, as no exact factor can be written down.
    """
    call.must_be("training_mode", 0)
    call.must_be("spatial", 1)
    if call.outputs > 1:
        raise Refusal("one output, as at inference", f"{call.outputs}")
    tensor = call.tensor()
    if len(tensor.shape) < 2:
        raise Refusal("at least two axes", f"shape {dimensions(tensor.shape)}")
    channels = tensor.shape[1]
    parts = [call.constant(i + 1, what) for i, what in enumerate(("scale", "bias", "mean", "variance"))]
    for part in parts:
        is_float(part)
        same_shape(part.shape, (channels,), "scale, bias, mean and variance")
    scale, bias, mean, variance = (part.fractions() for part in parts)
    epsilon = rational(call.attributes["epsilon"])
    if any(v + epsilon <= 0 for v in variance):
        raise Refusal("variance + epsilon > 0", f"{float(min(variance) + epsilon):.9g}")
    if not all(s == 0 or rational_root(v + epsilon) for s, v in zip(scale, variance, strict=True)):
        call.notes.append(
            f"scale / sqrt(variance + epsilon) is irrational: taken as the nearest {parts[3].type} number"
        )
    factors = [over_root(s, v + epsilon, parts[3].type) for s, v in zip(scale, variance, strict=True)]
    shape = (channels, *[1] * (len(tensor.shape) - 2))
    slope = of_fractions(factors, shape, tensor.type)
    shift = of_fractions([b - m * f for b, m, f in zip(bias, mean, factors, strict=True)], shape, tensor.type)
    return [replace(added(multiplied(tensor, slope), shift), type=tensor.type)]
