"""Operators that move numbers about, without arithmetic: each acts on the numbers of the entries."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from exactformer.formats.graphs.call import Call, axes_of, axis_of, same_type
from exactformer.formats.graphs.graph import INTEGERS, Array, Refusal, Shape
from exactformer.formats.graphs.tensor import (
    Tensor,
    broadcast,
    check_size,
    dimensions,
    of_array,
    of_fractions,
    of_integers,
    stacked,
)
from exactformer.rational import rational


def identity(call: Call) -> list[Tensor]:
    """The input."""
    return [call.tensor()]


def dropout(call: Call) -> list[Tensor]:
    """The input: at inference nothing is dropped."""
    if call.given(2) and call.number(2, "training_mode") != 0:
        raise Refusal("training_mode = 0", "training_mode = 1")
    if call.outputs > 1:
        raise Refusal("a mask that is not used", "one that is")
    return [call.tensor()]


def flatten(call: Call) -> list[Tensor]:
    """A matrix: the axes before `axis`, and the others."""
    tensor, axis = call.tensor(), call.attributes["axis"]
    rank = len(tensor.shape)
    if not -rank <= axis <= rank:
        raise Refusal(f"an axis from {-rank} to {rank}", f"{axis}")
    axis = axis + rank if axis < 0 else axis
    return [tensor.shaped((math.prod(tensor.shape[:axis]), math.prod(tensor.shape[axis:])))]


def reshape(call: Call) -> list[Tensor]:
    """The same entries in another shape; 0 copies a length, -1 is what is left."""
    tensor, wanted = call.tensor(), call.integers(1, "shape")
    lengths = []
    for i, n in enumerate(wanted):
        if n == 0 and not call.flag("allowzero"):
            if i >= len(tensor.shape):
                raise Refusal(f"at most {len(tensor.shape)} lengths to copy", f"shape {wanted}")
            n = tensor.shape[i]
        lengths.append(n)
    rest = math.prod(n for n in lengths if n != -1)
    if lengths.count(-1) == 1 and rest > 0 and tensor.size % rest == 0:
        lengths[lengths.index(-1)] = tensor.size // rest
    if any(n < 0 for n in lengths) or math.prod(lengths) != tensor.size:
        raise Refusal(f"a shape of {tensor.size} entries", f"shape {wanted}")
    return [tensor.shaped(tuple(lengths))]


def transpose(call: Call) -> list[Tensor]:
    """The axes in another order."""
    tensor, order = call.tensor(), call.attributes.get("perm")
    if order is None:
        order = list(range(len(tensor.shape)))[::-1]
    if sorted(order) != list(range(len(tensor.shape))):
        raise Refusal(f"an order of {len(tensor.shape)} axes", f"perm = {order}")
    return [tensor.take(np.transpose(tensor.indices, order))]


def squeeze(call: Call) -> list[Tensor]:
    """Without axes of length one."""
    tensor, axes = call.tensor(), call.listed("axes", 1)
    rank = len(tensor.shape)
    chosen = [i for i, n in enumerate(tensor.shape) if n == 1] if axes is None else axes_of(axes, rank)
    if any(tensor.shape[i] != 1 for i in chosen):
        raise Refusal("axes of length one", f"axes {chosen} of shape {dimensions(tensor.shape)}")
    return [tensor.shaped(tuple(n for i, n in enumerate(tensor.shape) if i not in chosen))]


def unsqueeze(call: Call) -> list[Tensor]:
    """With new axes of length one."""
    tensor, axes = call.tensor(), call.listed("axes", 1)
    if axes is None:
        raise Refusal("axes", "none")
    chosen, lengths = axes_of(axes, len(tensor.shape) + len(axes)), iter(tensor.shape)
    rank = len(tensor.shape) + len(axes)
    return [tensor.shaped(tuple(1 if i in chosen else next(lengths) for i in range(rank)))]


def concatenated(call: Call) -> list[Tensor]:
    """The inputs side by side along one axis."""
    parts = [call.tensor(i) for i in range(len(call.inputs))]
    same_type(*parts)
    ranks = {len(part.shape) for part in parts}
    if len(ranks) > 1:
        raise Refusal("inputs of equally many axes", " and ".join(dimensions(part.shape) for part in parts))
    axis = axis_of(call.attributes["axis"], ranks.pop())
    if len({(*part.shape[:axis], *part.shape[axis + 1 :]) for part in parts}) > 1:
        raise Refusal(f"shapes that differ on axis {axis} only", " and ".join(dimensions(part.shape) for part in parts))
    first, numbers = 0, []
    for part in parts:
        numbers.append(first + part.indices)
        first += part.size
    return [stacked(parts).take(np.concatenate(numbers, axis=axis))]


def split(call: Call) -> list[Tensor]:
    """Parts along one axis."""
    tensor, sizes = call.tensor(), call.listed("split", 1)
    axis, count = axis_of(call.attributes["axis"], len(tensor.shape)), call.attributes.get("num_outputs")
    length = tensor.shape[axis]
    if sizes is None:
        count = call.named if count is None else count
        if not 1 <= count <= max(length, 1) or (call.attributes.get("num_outputs") is None and length % count):
            raise Refusal(f"parts of equal length, {length} together", f"{count} parts")
        each = -(-length // count)
        sizes = [each] * (count - 1) + [length - each * (count - 1)]
    if min(sizes, default=-1) < 0 or sum(sizes) != length or len(sizes) < call.outputs:
        raise Refusal(f"parts of length {length} together, one an output", f"lengths {sizes}")
    parts = np.split(tensor.indices, np.cumsum(sizes)[:-1], axis=axis)
    return [tensor.take(part) for part in parts[: call.outputs]]


def gather(call: Call) -> list[Tensor]:
    """The entries with constant numbers along one axis."""
    tensor, chosen = call.tensor(), call.constant(1, "indices")
    axis = axis_of(call.attributes["axis"], len(tensor.shape))
    length = tensor.shape[axis]
    wrong = [n for n in chosen.offset if not -length <= n < length]
    if wrong or chosen.type not in INTEGERS:
        raise Refusal(f"indices from {-length} to {length - 1}", f"{wrong[0]}" if wrong else chosen.type)
    check_size(chosen.size * tensor.size // max(length, 1))
    numbers = np.array([int(n) for n in chosen.offset], np.int64).reshape(chosen.shape)
    return [tensor.take(np.take(tensor.indices, numbers, axis=axis))]


def slices(call: Call) -> list[Tensor]:
    """Parts of axes, from a start up to an end, in steps."""
    tensor = call.tensor()
    starts, ends = call.listed("starts", 1), call.listed("ends", 2)
    if starts is None or ends is None:
        raise Refusal("starts and ends", "none")
    axes, steps = call.listed("axes", 3), call.listed("steps", 4)
    axes = axes_of(list(range(len(starts))) if axes is None else axes, len(tensor.shape))
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise Refusal("as many starts, ends, axes and steps, none 0", f"{starts}, {ends}, {axes}, {steps}")
    which = [slice(None)] * len(tensor.shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        which[axis] = slice(start, end, step)  # Python's ends, beyond the axis too, are those of ONNX
        if step < 0 and start < -tensor.shape[axis]:  # but here ONNX starts at the first entry, Python nowhere
            which[axis] = slice(0, end, step)
    return [tensor.take(tensor.indices[tuple(which)])]


def padded(call: Call) -> list[Tensor]:
    """More entries at both ends of axes; fewer where a number is negative."""
    tensor, pads, mode = call.tensor(), call.listed("pads", 1), call.attributes["mode"]
    rank = len(tensor.shape)
    axes = axes_of(call.integers(3, "axes"), rank) if call.given(3) else list(range(rank))
    if pads is None or len(pads) != 2 * len(axes):
        raise Refusal(f"{2 * len(axes)} pads", f"{pads}")
    widths = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        widths[axis] = (pads[i], pads[i + len(axes)])
    axes_and_widths = list(zip(tensor.shape, widths, strict=True))
    if any(n + min(before, 0) + min(after, 0) < 0 for n, (before, after) in axes_and_widths):
        raise Refusal("at most all entries of an axis taken away", f"pads {pads} of shape {dimensions(tensor.shape)}")
    lengths = [n + before + after for n, (before, after) in axes_and_widths]
    check_size(math.prod(lengths))
    if mode == "constant":
        value = _filling(call, tensor)
        numbers = np.full(lengths, tensor.size)
        inner, outer = [], []
        for n, (before, after) in axes_and_widths:
            inner.append(slice(max(-before, 0), n - max(-after, 0)))
            outer.append(slice(max(before, 0), max(before, 0) + n + min(before, 0) + min(after, 0)))
        numbers[tuple(outer)] = tensor.indices[tuple(inner)]
        return [stacked([tensor, value]).take(numbers)]
    if mode not in ("reflect", "edge") or min(pads, default=0) < 0:
        raise Refusal("mode = constant, or reflect or edge with pads >= 0", f"mode = {mode}, pads {pads}")
    longest = [n - 1 if mode == "reflect" else math.inf for n in tensor.shape]
    if any(max(width) > most for width, most in zip(widths, longest, strict=True)) or tensor.size == 0:
        raise Refusal("pads shorter than the axis", f"pads {pads} of shape {dimensions(tensor.shape)}")
    how: Any = mode
    return [tensor.take(np.pad(tensor.indices, widths, mode=how))]


def _filling(call: Call, tensor: Tensor) -> Tensor:
    """The number that pads, one entry."""
    number = call.number(2, "constant_value") if call.given(2) else rational(call.attributes["value"])
    return of_fractions([number], (1,), tensor.type)


def shape_of(call: Call) -> list[Tensor]:
    """The lengths of the axes, or of some that follow each other."""
    shape = call.tensor().shape
    return [of_integers(shape[slice(call.attributes["start"], call.attributes.get("end"))])]


def constant_of_shape(call: Call) -> list[Tensor]:
    """One number, everywhere."""
    lengths, value = call.integers(0, "shape"), call.attributes.get("value")
    if min(lengths, default=0) < 0:
        raise Refusal("lengths >= 0", f"shape {lengths}")
    check_size(math.prod(lengths))
    one = of_array(Array(np.zeros(1, np.float32), "float") if value is None else value)
    if one.size != 1:
        raise Refusal("one number as value", f"shape {dimensions(one.shape)}")
    return [one.take(np.zeros(lengths, np.int64))]


def constants(call: Call) -> list[Tensor]:
    """The value of the one attribute."""
    given = {name: value for name, value in call.attributes.items() if value is not None}
    if len(given) != 1:
        raise Refusal("one value", f"{', '.join(given) or 'none'}")
    ((name, value),) = given.items()
    if name == "value":
        return [of_array(value)]
    shape: Shape = (len(value),) if name.endswith("s") else ()
    listed = list(value) if name.endswith("s") else [value]
    if name.startswith("value_int"):
        return [of_integers(listed).shaped(shape)]
    return [of_array(Array(np.array(listed, np.float32).reshape(shape), "float"))]


def expand(call: Call) -> list[Tensor]:
    """Repeated along axes of length one."""
    tensor, wanted = call.tensor(), call.integers(1, "shape")
    try:
        shape = np.broadcast_shapes(tensor.shape, tuple(wanted))
    except ValueError:
        raise Refusal(f"a shape that {dimensions(tensor.shape)} fits", f"shape {wanted}") from None
    return [broadcast(tensor, shape)]
