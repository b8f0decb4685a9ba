"""Operators that look through windows: convolution, the maximum and the mean of each window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exactformer.formats.graphs.call import Call, axes_of, is_float, same_shape, same_type
from exactformer.formats.graphs.graph import Refusal, Shape
from exactformer.formats.graphs.linear import weighted
from exactformer.formats.graphs.tensor import Indices, Tensor, added, check_size, dimensions

LONGEST = 1 << 31  # of a stride, a dilation or a pad


@dataclass(frozen=True, eq=False)
class Windows:
    """For each place of a window, in row-major order, and each of its entries: a position, or -1 outside."""

    positions: Indices
    shape: Shape  # of the places
    whole: Shape  # of the positions

    @property
    def inside(self) -> Indices:
        """How many entries of each window are positions."""
        return np.asarray((self.positions >= 0).sum(axis=1))


def conv(call: Call) -> list[Tensor]:
    """Convolution with constant weights, in groups of channels."""
    tensor, weights = call.tensor(0), call.constant(1, "the weights")
    same_type(tensor, weights)
    if len(weights.shape) != len(tensor.shape) or len(tensor.shape) < 3:
        raise Refusal("weights of as many axes as the input, at least three", f"{dimensions(weights.shape)}")
    group, kernel = call.attributes["group"], weights.shape[2:]
    if call.attributes.get("kernel_shape") not in (None, list(kernel)):
        raise Refusal(f"kernel_shape = {list(kernel)}, as the weights", f"{call.attributes['kernel_shape']}")
    samples, channels, made, each = *tensor.shape[:2], *weights.shape[:2]
    if group < 1 or made % group or each * group != channels:
        raise Refusal("channels that the groups divide", f"{channels} and {made} channels, {group} groups of {each}")
    windows = _windows(call, tensor.shape[2:], kernel, pool=False)
    places, size = windows.positions.shape
    full = (samples, made, places, each, size)
    check_size(math.prod(full))
    first = np.arange(made) // (made // group) * each  # the first channel that a filter looks at
    channel = np.arange(samples)[:, None, None] * channels + first[None, :, None] + np.arange(each)
    source = channel[:, :, None, :, None] * math.prod(windows.whole) + windows.positions[None, None, :, None, :]
    source = np.where(windows.positions[None, None, :, None, :] >= 0, source, -1)
    weight = np.broadcast_to(weights.indices.reshape(1, made, 1, each, size), full)
    rows = (-1, each * size)
    shape = (samples, made, *windows.shape)
    result = weighted(tensor, weights, source.reshape(rows), weight.reshape(rows), shape)
    bias = call.optional(2)
    if bias is not None:
        same_type(tensor, bias)
        same_shape(bias.shape, (made,), "a bias")
        result = added(result, bias.shaped((made, *[1] * len(kernel))))
    return [result]


def max_pool(call: Call) -> list[Tensor]:
    """The maximum of each window; what is outside the input takes no part."""
    if call.outputs > 1:
        raise Refusal("one output", "a second one that is used, the places of the maxima")
    call.flag("storage_order")  # matters for the second output alone
    tensor, windows = _pooled(call)
    first = windows.positions[np.arange(len(windows.positions)), (windows.positions >= 0).argmax(axis=1)]
    filled = np.where(windows.positions >= 0, windows.positions, first[:, None])
    pieces = {column.tobytes(): column for column in filled.T}.values()  # without those that are there already
    return [call.units.maximum([tensor.take(_on_channels(tensor, column, windows)) for column in pieces])]


def largest_over(call: Call, sign: int = 1) -> list[Tensor]:
    """The maximum over axes, over all where none are named; with the sign -1 the minimum. So maxout is written."""
    tensor, axes = call.tensor(), call.listed("axes", 1)
    if not axes and call.flag("noop_with_empty_axes"):
        return [tensor]
    rank = len(tensor.shape)
    chosen = axes_of(axes or list(range(rank)), rank)
    if tensor.size == 0:
        raise Refusal("at least one entry", "none")
    kept = [n for i, n in enumerate(tensor.shape) if i not in chosen]
    shape = [1 if i in chosen else n for i, n in enumerate(tensor.shape) if call.flag("keepdims") or i not in chosen]
    groups = np.moveaxis(tensor.indices, chosen, range(rank - len(chosen), rank)).reshape(math.prod(kept), -1)
    pieces = [tensor.take(column.reshape(shape)) for column in groups.T]
    return [call.units.maximum(pieces) if sign > 0 else call.units.smallest(pieces)]


def average_pool(call: Call) -> list[Tensor]:
    """The mean of each window, over its entries inside the input or, where that is said, over all."""
    tensor, windows = _pooled(call)
    is_float(tensor)
    padded = call.flag("count_include_pad")
    if padded and call.flag("ceil_mode"):
        raise Refusal("count_include_pad = 0 or ceil_mode = 0", "both 1")
    size = windows.positions.shape[1]
    counts = np.full(len(windows.positions), size) if padded else windows.inside
    common = math.lcm(*map(int, counts))
    shares = np.full(len(counts), 1, object)
    shares[:] = [common // int(n) for n in counts]
    images = tensor.shape[0] * tensor.shape[1]
    check_size(images * windows.positions.size)
    offset = np.arange(images)[:, None, None] * math.prod(windows.whole)
    source = np.where(windows.positions >= 0, windows.positions + offset, -1).reshape(-1)
    kept = np.flatnonzero(source >= 0)
    row = kept // size
    shape = (*tensor.shape[:2], *windows.shape)
    return [tensor.combined(row, source[kept], shares[row % len(counts)], common, shape)]


def _pooled(call: Call) -> tuple[Tensor, Windows]:
    """What is pooled, and windows that are nowhere empty."""
    tensor, kernel = call.tensor(), call.attributes.get("kernel_shape")
    if kernel is None or len(kernel) != len(tensor.shape) - 2 or not kernel:
        raise Refusal("a kernel_shape, one length for each axis after the first two", f"{kernel}")
    windows = _windows(call, tensor.shape[2:], tuple(kernel), pool=True)
    if (windows.inside == 0).any():
        raise Refusal("windows that meet the input", "one that lies in the padding")
    return tensor, windows


def _on_channels(tensor: Tensor, column: Indices, windows: Windows) -> Indices:
    """Numbers of positions as numbers of entries, for each sample and channel."""
    images = np.arange(tensor.shape[0] * tensor.shape[1]) * math.prod(windows.whole)
    check_size(len(images) * len(column))
    return (images[:, None] + column).reshape((*tensor.shape[:2], *windows.shape))


def _windows(call: Call, lengths: Shape, kernel: Shape, *, pool: bool) -> Windows:
    """The windows that the attributes describe."""
    count = len(lengths)
    strides, dilations = _lengths(call, "strides", [1] * count, 1), _lengths(call, "dilations", [1] * count, 1)
    pads, ceil = _lengths(call, "pads", [0] * (2 * count), 0), call.attributes.get("ceil_mode", 0)
    auto = call.attributes["auto_pad"]
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER") or ceil not in (0, 1):
        raise Refusal("auto_pad = NOTSET, VALID, SAME_UPPER or SAME_LOWER, ceil_mode = 0 or 1", f"{auto}, {ceil}")
    if auto != "NOTSET" and (any(pads) or (ceil and auto != "VALID")):
        raise Refusal("auto_pad without pads and ceil_mode", f"auto_pad = {auto}, pads = {pads}, ceil_mode = {ceil}")
    if min(kernel) < 1 or max(kernel) > LONGEST or min(lengths) < 1:
        raise Refusal("a kernel and an input of at least one entry", f"{dimensions(kernel)}, {dimensions(lengths)}")
    axes = []
    for i, (n, k, stride, dilation) in enumerate(zip(lengths, kernel, strides, dilations, strict=True)):
        span = (k - 1) * dilation + 1
        before, after = pads[i], pads[i + count]
        if auto.startswith("SAME"):
            missing = (-(-n // stride) - 1) * stride + span - n
            if pool and (dilation > 1 or missing < 0):
                raise Refusal(
                    "pads instead of auto_pad where a pool is dilated or skips entries: runtimes differ", auto
                )
            missing = max(missing, 0)
            before = missing // 2 if auto == "SAME_UPPER" else missing - missing // 2
            after = missing - before
        room = n + before + after - span
        if room < 0:
            raise Refusal(f"a window of at most {n + before + after}, as the padded input has", f"{span}")
        places = (-(-room // stride) if ceil else room // stride) + 1
        if (places - 1) * stride >= n + before and places > 1:
            raise Refusal("windows that begin before the end of the input", "one that begins in the padding behind it")
        check_size(places * k)
        position = np.arange(places)[:, None] * stride + np.arange(k) * dilation - before
        axes.append(np.where((position >= 0) & (position < n), position, -1))
    return _together(axes, lengths)


def _lengths(call: Call, name: str, default: list[int], least: int) -> list[int]:
    found = call.attributes.get(name) or default
    if len(found) != len(default) or min(found) < least or max(found) > LONGEST:
        raise Refusal(f"{len(default)} {name}, from {least} to {LONGEST}", f"{found}")
    return list(found)


def _together(axes: Sequence[Indices], lengths: Shape) -> Windows:
    """The windows of several axes from those of each, [place, entry] -> position."""
    check_size(math.prod(axis.size for axis in axes))
    positions = np.zeros((1, 1), np.int64)
    for axis, length in zip(axes, lengths, strict=True):
        joined = positions[:, None, :, None] * length + axis[None, :, None, :]
        outside = (positions[:, None, :, None] < 0) | (axis[None, :, None, :] < 0)
        joined = np.where(outside, -1, joined)
        positions = joined.reshape(len(positions) * len(axis), -1)
    return Windows(positions, tuple(len(axis) for axis in axes), lengths)
