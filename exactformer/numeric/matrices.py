"""Matrices of floats as a few parts, each of which NumPy multiplies fast.

Each weight is the exact one rounded to the nearest float64 (ties to even). The columns of an operand are points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from exactformer.rational import Matrix

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Entries = tuple[Indices, Indices, Floats]
Place = slice | Indices
ALL = slice(None)

# A matrix is one dense block up to this many entries for each one that is not zero.
DENSE = 4
# The rows with more than one entry are one dense block up to SMALL entries and up to this many for each one that is
# not zero: a product with it then costs about as much as a sparse one.
DENSE_RATIO = 32
SMALL = 1 << 12


@dataclass(frozen=True, eq=False)
class Block:
    """Rows of a matrix that are dense on some columns."""

    rows: Place
    columns: Place
    values: Floats

    @property
    def floats(self) -> int:
        """How many floats a product makes at once for one column."""
        return sum(self.values.shape)

    def __matmul__(self, x: Floats) -> Floats:
        """The rows of the product."""
        result: Floats = self.values @ (x if self.columns is ALL else x[self.columns])
        return result


@dataclass(frozen=True, eq=False)
class Picked:
    """Rows of a matrix with one entry each; without values all are 1."""

    rows: Place
    columns: Place
    values: Floats | None
    floats: int

    def __matmul__(self, x: Floats) -> Floats:
        """The rows of the product, which may be a view of x."""
        return x[self.columns] if self.values is None else self.values * x[self.columns]


@dataclass(frozen=True, eq=False)
class Few:
    """Rows of a matrix with about the same small number of entries; shorter rows are padded with the value 0.

    Row rows[i] of the matrix has values[i, s] at columns[i, s].
    """

    rows: Place
    columns: Indices
    values: Floats

    @property
    def floats(self) -> int:
        """How many floats a product makes at once for one column."""
        return self.values.size + len(self.values)

    def __matmul__(self, x: Floats) -> Floats:
        """The rows of the product."""
        result: Floats = np.einsum("rs,rsb->rb", self.values, x[self.columns])
        return result


@dataclass(frozen=True, eq=False)
class Linear:
    """A matrix as parts that have no row in common; rows of no part are zero."""

    height: int
    parts: tuple[Block | Picked | Few, ...]

    @staticmethod
    def of(shape: tuple[int, int], entries: Entries) -> Linear:
        """The matrix with the given entries (rows, columns, values), each position once, and zeros elsewhere."""
        rows, size = entries[0], len(entries[2])
        if not size:
            return Linear(shape[0], ())
        if 1 < shape[0] * shape[1] <= DENSE * size:
            return Linear(shape[0], (_block(np.arange(shape[0]), np.arange(shape[1]), entries, shape),))
        counts = np.bincount(rows, minlength=shape[0])
        single = counts[rows] == 1
        alone = _some(entries, single)
        parts = [_picked(alone, shape)] if len(alone[0]) else []
        return Linear(shape[0], (*parts, *_longer(_some(entries, ~single), counts, shape)))

    @property
    def floats(self) -> int:
        """How many floats a product makes at once for one column."""
        return self.height + max((part.floats for part in self.parts), default=0)

    @cached_property
    def whole(self) -> Block | Picked | Few | None:
        """The part that is the whole matrix, if there is one."""
        return self.parts[0] if len(self.parts) == 1 and self.parts[0].rows is ALL else None

    def __matmul__(self, x: Floats) -> Floats:
        """The product with a matrix of floats; it may be a view of x."""
        if self.whole is not None:
            return self.whole @ x
        result = np.zeros((self.height, x.shape[1]))
        for part in self.parts:
            result[part.rows] = part @ x
        return result

    def at_tokens(self, x: Floats) -> Floats:
        """The product at every token of (coordinates, tokens, points); it may be a view of x."""
        if isinstance(self.whole, Picked) and self.whole.values is None:
            return x[self.whole.columns]
        n, tokens, batch = x.shape
        return (self @ x.reshape(n, tokens * batch)).reshape(self.height, tokens, batch)


@dataclass(frozen=True, eq=False)
class NumericAffine:
    """The map x -> weights x + biases on columns x; the biases are one column."""

    weights: Linear
    biases: Floats

    @property
    def floats(self) -> int:
        """How many floats a call makes at once for one column."""
        return self.weights.height + self.weights.floats

    def __call__(self, x: Floats) -> Floats:
        """The value at every column of x, a fresh array."""
        return (self.weights @ x) + self.biases


def linear(matrix: Matrix) -> Linear:
    """The matrix in floats."""
    entries = [(i, j, n) for i, row in matrix.filled for j, n in row]
    return gathered(matrix.shape, [(entries, matrix.denominator)])


def gathered(shape: tuple[int, int], entries: Iterable[tuple[Sequence[tuple[int, int, int]], int]]) -> Linear:
    """The matrix with the entries n / denominator at (i, j), given as ((i, j, n), ...) and their denominator."""
    rows, columns, values = list[int](), list[int](), list[float]()
    for some, denominator in entries:
        rows += [i for i, _, _ in some]
        columns += [j for _, j, _ in some]
        values += rounded([n for _, _, n in some], denominator)
    return Linear.of(shape, (np.array(rows, dtype=np.intp), np.array(columns, dtype=np.intp), np.array(values)))


def column(values: Sequence[Fraction]) -> Floats:
    """The numbers as one column."""
    return np.array([x for v in values for x in rounded([v.numerator], v.denominator)]).reshape(len(values), 1)


def rounded(numerators: Sequence[int], denominator: int) -> list[float]:
    """The numbers n / denominator as floats; Python rounds a quotient of integers of any length correctly."""
    try:
        return [n / denominator for n in numerators]
    except OverflowError:
        return [_rounded(n, denominator) for n in numerators]


def _rounded(numerator: int, denominator: int) -> float:
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def _longer(entries: Entries, counts: Indices, shape: tuple[int, int]) -> list[Block | Few]:
    """The parts of a matrix whose rows have several entries: one block, or by length."""
    members, used = np.unique(entries[0]), np.unique(entries[1])
    if not len(members):
        return []
    if len(members) * len(used) <= max(SMALL, DENSE_RATIO * len(entries[2])):
        return [_block(members, used, entries, shape)]
    order = np.argsort(entries[0], kind="stable")
    columns, values = entries[1][order], entries[2][order]
    starts = np.cumsum(counts[members]) - counts[members]
    # The next power of two as length: few parts, and never more padding than entries.
    lengths = np.array([1 << (n - 1).bit_length() for n in counts[members].tolist()], dtype=np.intp)
    parts = list[Block | Few]()
    for length in np.unique(lengths):
        chosen = np.flatnonzero(lengths == length)
        present = np.arange(length) < counts[members[chosen], None]
        place = np.where(present, starts[chosen, None] + np.arange(length), 0)
        parts.append(Few(_place(members[chosen], shape[0]), columns[place], np.where(present, values[place], 0.0)))
    return parts


def _picked(entries: Entries, shape: tuple[int, int]) -> Picked:
    order = np.argsort(entries[0], kind="stable")
    rows, columns, values = entries[0][order], entries[1][order], entries[2][order]
    factors = None if (values == 1).all() else values[:, None]
    return Picked(_place(rows, shape[0]), _place(columns, shape[1]), factors, 2 * len(rows))


def _block(rows: Indices, columns: Indices, entries: Entries, shape: tuple[int, int]) -> Block:
    values = np.zeros((len(rows), len(columns)))
    values[np.searchsorted(rows, entries[0]), np.searchsorted(columns, entries[1])] = entries[2]
    return Block(_place(rows, shape[0]), _place(columns, shape[1]), values)


def _some(entries: Entries, chosen: npt.NDArray[np.bool_]) -> Entries:
    rows, columns, values = entries
    return rows[chosen], columns[chosen], values[chosen]


def _place(indices: Indices, size: int) -> Place:
    """The indices among so many, as a slice where they follow each other."""
    if len(indices) == size and (np.diff(indices) == 1).all():
        return ALL
    first = int(indices[0])
    return slice(first, first + len(indices)) if (np.diff(indices) == 1).all() else indices
