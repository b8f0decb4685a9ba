"""Tensors of exact affine forms over variables, sparse, as arrays of NumPy with integers of any size.

A variable is a coordinate of the input or a unit. A tensor without terms is a constant, so constants and values that
depend on the input share one arithmetic: rows are taken (`take`), stacked (`stacked`) and combined (`combined`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from exactformer.formats.graphs.graph import Array, Refusal, Shape
from exactformer.rational import MAX_BITS, MAX_TOTAL_BITS

Indices = np.ndarray[Any, np.dtype[np.int64]]
Integers = np.ndarray[Any, np.dtype[np.object_]]  # Python's

MAX_TERMS = 1 << 23  # of one tensor, and of one step of arithmetic: about 3 GB
MAX_AXES = 32


@dataclass(frozen=True, eq=False)
class Tensor:
    """Entry i, in row-major order, is (sum of factor * variable over the terms of row i + offset[i]) / denominator.

    Row i has the terms start[i], ..., start[i + 1] - 1; its variables ascend, no factor is zero.
    """

    shape: Shape
    start: Indices
    variable: Indices
    factor: Integers
    offset: Integers
    denominator: int
    type: str

    def __post_init__(self) -> None:
        if len(self.shape) > MAX_AXES:
            raise Refusal(f"at most {MAX_AXES} axes", f"{len(self.shape)}")

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self.offset)

    @property
    def fixed(self) -> bool:
        """Whether no entry depends on a variable."""
        return not len(self.variable)

    @property
    def lengths(self) -> Indices:
        """The number of terms of each row."""
        return np.diff(self.start)

    @property
    def rows(self) -> Indices:
        """The row of each term."""
        return np.repeat(np.arange(self.size), self.lengths)

    @property
    def indices(self) -> Indices:
        """The numbers of the entries, in the tensor's shape: what moves entries about moves these."""
        return np.arange(self.size).reshape(self.shape)

    def fractions(self) -> list[Fraction]:
        """The entries of a constant."""
        return [Fraction(n, self.denominator) for n in self.offset]

    def shaped(self, shape: Shape) -> Tensor:
        """The same entries in another shape of the same size."""
        return replace(self, shape=shape)

    def take(self, indices: Indices) -> Tensor:
        """The tensor of the entries with these numbers, in the shape of `indices`."""
        chosen = indices.reshape(-1)
        check_size(len(chosen))
        if self.fixed:
            start = np.zeros(len(chosen) + 1, np.int64)
            return replace(self, shape=indices.shape, start=start, offset=self.offset[chosen])
        _, place = self._terms(chosen)
        start = np.concatenate(([0], np.cumsum(self.lengths[chosen])))
        variable, factor, offset = self.variable[place], self.factor[place], self.offset[chosen]
        return Tensor(indices.shape, start, variable, factor, offset, self.denominator, self.type)

    def _terms(self, chosen: Indices) -> tuple[Indices, Indices]:
        """The terms of the chosen rows, one row after the other: which of the chosen, and the number of the term."""
        lengths = self.lengths[chosen]
        check_size(int(lengths.sum()))
        owner = np.repeat(np.arange(len(chosen)), lengths)
        before = np.cumsum(lengths) - lengths
        return owner, np.arange(len(owner)) + (self.start[chosen] - before)[owner]

    def combined(self, row: Indices, source: Indices, factor: Integers, denominator: int, shape: Shape) -> Tensor:
        """The linear map with the entries (row, source) = factor / denominator, those of a place added, of this."""
        height = math.prod(shape)
        check_size(height)
        owner, place = self._terms(source)
        products = factor[owner] * self.factor[place]
        start, variable, products = _summed(row[owner], self.variable[place], products, height)
        shifted = np.flatnonzero(self.offset[source])
        offset = zeros(height)
        if len(shifted):
            parts = factor[shifted] * self.offset[source[shifted]]
            bounds, _, sums = _summed(row[shifted], np.zeros(len(shifted), np.int64), parts, height)
            offset[np.flatnonzero(np.diff(bounds))] = sums
        total = self.denominator * denominator
        return Tensor(shape, start, variable, products, offset, total, self.type).reduced()

    def over(self, denominator: int) -> Tensor:
        """The same tensor over a multiple of its denominator."""
        times = denominator // self.denominator
        if times == 1:
            return self
        return replace(self, factor=self.factor * times, offset=self.offset * times, denominator=denominator)

    def reduced(self) -> Tensor:
        """The same tensor in lowest terms. Raises `Refusal` for numbers that are too long."""
        numbers = [*self.factor, *self.offset]
        common = math.gcd(self.denominator, *numbers) if self.denominator > 1 else 1
        largest = max(max(numbers, default=0), -min(numbers, default=0))
        bits = max((largest // common).bit_length(), (self.denominator // common).bit_length())
        if bits > MAX_BITS or bits * len(numbers) > MAX_TOTAL_BITS:
            raise Refusal(f"numbers of at most {MAX_BITS} bits, {MAX_TOTAL_BITS} together", f"{bits} bits")
        if common == 1:
            return self
        factor, offset = self.factor // common, self.offset // common
        return replace(self, denominator=self.denominator // common, factor=factor, offset=offset)


def zeros(size: int) -> Integers:
    """That many zeros."""
    return np.full(size, 0, object)


def check_size(size: int) -> None:
    """Raise `Refusal` for more entries or terms than are kept at once."""
    if size > MAX_TERMS:
        raise Refusal(f"at most {MAX_TERMS} entries and terms", f"{size}", "; a network of this size is not read")


def _summed(row: Indices, column: Indices, factor: Integers, height: int) -> tuple[Indices, Indices, Integers]:
    """The start of each row, the columns and the factors of a sparse matrix, those of one place added."""
    width = int(column.max(initial=0)) + 1
    key = row * width + column
    if not (key[1:] > key[:-1]).all():
        order = np.argsort(key, kind="stable")
        key, factor = key[order], factor[order]
        first = np.flatnonzero(np.concatenate(([True], key[1:] > key[:-1])))
        key, factor = key[first], np.add.reduceat(factor, first)
    kept = np.flatnonzero(factor)
    if len(kept) < len(key):
        key, factor = key[kept], factor[kept]
    return np.searchsorted(key // width, np.arange(height + 1)), key % width, factor


# --- making tensors --------------------------------------------------------------------------------


def constant(offset: Integers, denominator: int, shape: Shape, type: str) -> Tensor:
    """The constant offset / denominator."""
    nothing = np.zeros(0, np.int64)
    return Tensor(shape, np.zeros(len(offset) + 1, np.int64), nothing, zeros(0), offset, denominator, type)


def of_fractions(values: Sequence[Fraction], shape: Shape, type: str) -> Tensor:
    """The constant with the given entries. Raises `Refusal` where they do not fit one denominator."""
    common = math.lcm(*(x.denominator for x in values))
    if common.bit_length() > MAX_BITS:
        raise Refusal(f"numbers with a common denominator of at most {MAX_BITS} bits", f"{common.bit_length()} bits")
    offset = zeros(len(values))
    offset[:] = [x.numerator * (common // x.denominator) for x in values]
    return constant(offset, common, shape, type).reduced()


def of_integers(values: Sequence[int] | Indices, type: str = "int64") -> Tensor:
    """A constant list of integers."""
    offset = zeros(len(values))
    offset[:] = [int(x) for x in values]
    return constant(offset, 1, (len(values),), type)


def variables(first: int, shape: Shape, type: str) -> Tensor:
    """The tensor whose entries are the variables from number `first` on."""
    size = math.prod(shape)
    check_size(size)
    numbers = np.arange(size)
    return Tensor(shape, np.arange(size + 1), first + numbers, np.full(size, 1, object), zeros(size), 1, type)


def of_array(array: Array) -> Tensor:
    """The constant in an array; a float is the binary fraction that it is.

    Raises `Refusal` for NaN and infinities, and where the numbers over one denominator take too much space.
    """
    flat = array.values.reshape(-1)
    check_size(len(flat))
    if flat.dtype.kind != "f":
        return constant(_objects(flat), 1, array.values.shape, array.type)
    strange = np.flatnonzero(~np.isfinite(flat))
    if len(strange):
        place = np.unravel_index(int(strange[0]), array.values.shape)
        where = "".join(f"[{i}]" for i in place)
        raise Refusal("finite numbers", f"{flat[strange[0]]} at {where or 'its only place'}")
    mantissa, exponent = np.frexp(flat.astype(np.float64))
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    lowest = whole & -whole  # the power of two that divides the number
    zeros_at_end = np.where(whole != 0, np.frexp(lowest.astype(np.float64))[1] - 1, 0)
    whole, exponent = whole >> zeros_at_end, np.where(whole != 0, exponent - 53 + zeros_at_end, 0)
    least = min(int(exponent.min(initial=0)), 0)
    shift = exponent - least
    bits = 53 + int(shift.max(initial=0))
    if bits * len(flat) > MAX_TOTAL_BITS:
        raise Refusal(f"numbers that take at most {MAX_TOTAL_BITS} bits over one denominator", f"{bits * len(flat)}")
    return constant(_objects(whole) << _objects(shift), 1 << -least, array.values.shape, array.type)


def _objects(values: np.ndarray[Any, Any]) -> Integers:
    """Integers of NumPy as those of Python."""
    result = zeros(len(values))
    result[:] = values.tolist()
    return result


# --- arithmetic ------------------------------------------------------------------------------------


def stacked(parts: Sequence[Tensor]) -> Tensor:
    """The entries of all parts, one part after the other, as a list."""
    common = math.lcm(*(part.denominator for part in parts))
    if common.bit_length() > MAX_BITS:
        raise Refusal(f"numbers with a common denominator of at most {MAX_BITS} bits", f"{common.bit_length()} bits")
    size = sum(part.size for part in parts)
    check_size(max(size, sum(len(part.variable) for part in parts)))
    same = [part.over(common) for part in parts]
    lengths = np.concatenate([part.lengths for part in same])
    return Tensor(
        (size,),
        np.concatenate(([0], np.cumsum(lengths))),
        np.concatenate([part.variable for part in same]),
        np.concatenate([part.factor for part in same]),
        np.concatenate([part.offset for part in same]),
        common,
        parts[0].type,
    )


def broadcast(tensor: Tensor, shape: Shape) -> Tensor:
    """The tensor repeated along the axes of length one, as NumPy does."""
    if tensor.shape == shape:
        return tensor
    check_size(math.prod(shape))
    return tensor.take(np.broadcast_to(tensor.indices, shape))


def alike(*tensors: Tensor) -> list[Tensor]:
    """The tensors in their common shape. Raises `Refusal` when there is none."""
    try:
        shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors))
    except ValueError:
        raise Refusal("shapes that fit together", " and ".join(dimensions(t.shape) for t in tensors)) from None
    check_size(math.prod(shape))
    return [broadcast(tensor, shape) for tensor in tensors]


def added(left: Tensor, right: Tensor, sign: int = 1) -> Tensor:
    """The sum left + sign * right."""
    left, right = alike(left, right)
    common = math.lcm(left.denominator, right.denominator)
    if common.bit_length() > MAX_BITS:
        raise Refusal(f"numbers with a common denominator of at most {MAX_BITS} bits", f"{common.bit_length()} bits")
    a, b = left.over(common), scaled(right.over(common), Fraction(sign))
    offset = a.offset + b.offset
    if a.fixed or b.fixed:
        return replace(a if b.fixed else b, offset=offset, type=left.type).reduced()
    row, column = np.concatenate([a.rows, b.rows]), np.concatenate([a.variable, b.variable])
    start, variable, factor = _summed(row, column, np.concatenate([a.factor, b.factor]), a.size)
    return Tensor(left.shape, start, variable, factor, offset, common, left.type).reduced()


def scaled(tensor: Tensor, number: Fraction) -> Tensor:
    """A number times the tensor."""
    if number == 1:
        return tensor
    if number == 0:
        return constant(zeros(tensor.size), 1, tensor.shape, tensor.type)
    p, q = number.numerator, number.denominator
    changed = replace(tensor, factor=tensor.factor * p, offset=tensor.offset * p, denominator=tensor.denominator * q)
    return changed if number == -1 else changed.reduced()


def multiplied(left: Tensor, right: Tensor) -> Tensor:
    """The products, entry by entry. Raises `Refusal` where both factors depend on the input."""
    if not (left.fixed or right.fixed):
        raise Refusal("a constant factor", "a product of two values that depend on the input")
    value, times = (right, left) if left.fixed else (left, right)
    value, times = alike(value, times)
    numbers = np.arange(value.size)
    return replace(value.combined(numbers, numbers, times.offset, times.denominator, value.shape), type=left.type)


def dimensions(shape: Shape) -> str:
    """A shape in words."""
    return " x ".join(map(str, shape)) if shape else "a single number"
