"""Maxima of affine forms become units: each is a new variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from exactformer.formats.graphs.tensor import (
    Indices,
    Tensor,
    added,
    alike,
    check_size,
    constant,
    scaled,
    stacked,
    variables,
    zeros,
)


@dataclass(frozen=True, eq=False)
class Batch:
    """Units made together: number i is the maximum of entry i of each piece, and of 0 where they are rectified."""

    first: int  # the variable of the first unit; the others follow
    pieces: tuple[Tensor, ...]
    rectified: bool

    @property
    def size(self) -> int:
        """The number of units."""
        return self.pieces[0].size

    @property
    def rank(self) -> int:
        """The number of candidates of each maximum."""
        return len(self.pieces) + self.rectified

    def piece(self, number: int) -> Tensor:
        """One candidate of every unit; beyond the last, one that is there already."""
        if number < len(self.pieces):
            return self.pieces[number]
        first = self.pieces[0]
        return constant(zeros(first.size), 1, first.shape, first.type) if self.rectified else first


class Units:
    """The variables so far: the inputs, then the units in the order in which they were made."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.batches: list[Batch] = []
        self.level: Indices = np.zeros(inputs, np.int64)  # of a unit: one above the variables in its pieces
        self.negative = np.ones(inputs, bool)  # whether a variable may be less than 0, as far as is known
        self.terms = 0

    def rectified(self, tensor: Tensor) -> Tensor:
        """max(tensor, 0), entry by entry; entries that are constant or obviously >= 0 need no unit."""
        settled = self._nonnegative(tensor) | (tensor.lengths == 0)
        kept = replace(tensor, offset=np.where(tensor.lengths == 0, np.maximum(tensor.offset, 0), tensor.offset))
        return self._with_units(kept, settled, (tensor,), rectified=True)

    def maximum(self, tensors: Sequence[Tensor]) -> Tensor:
        """The largest of the tensors, entry by entry.

        With one other than a constant it is rectified: max(v, c) = c + max(v - c, 0). Of rectified units, no two
        of which are the same, the maximum is that of their pieces and 0: a pool of units needs no layer of its own.
        """
        pieces = alike(*tensors)
        if len(pieces) == 1:
            return pieces[0]
        if len(pieces) == 2 and pieces[0].fixed != pieces[1].fixed:
            value, bound = pieces if pieces[1].fixed else pieces[::-1]
            return replace(added(self.rectified(added(value, bound, -1)), bound), type=pieces[0].type)
        together = stacked(pieces)
        settled = (together.lengths.reshape(len(pieces), -1) == 0).all(axis=0)
        largest = together.offset.reshape(len(pieces), -1).max(axis=0)
        kept = constant(largest, together.denominator, pieces[0].shape, pieces[0].type)
        opened = self._opened(together)
        if opened is None:
            return self._with_units(kept, settled, pieces, rectified=False)
        numbers = opened.indices.reshape(len(pieces), -1)
        return self._with_units(kept, settled, [opened.take(row) for row in numbers], rectified=True)

    def smallest(self, tensors: Sequence[Tensor]) -> Tensor:
        """The smallest of the tensors, entry by entry: min(a, b) = -max(-a, -b)."""
        return scaled(self.maximum([scaled(tensor, Fraction(-1)) for tensor in tensors]), Fraction(-1))

    def _nonnegative(self, tensor: Tensor) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """The entries that are sums of nonnegative variables, with factors > 0, and a constant >= 0."""
        doubtful = (tensor.factor < 0) | self.negative[tensor.variable]
        result = tensor.offset >= 0
        result[tensor.rows[doubtful.astype(bool)]] = False
        return result.astype(bool)

    def _with_units(
        self,
        kept: Tensor,
        settled: np.ndarray[tuple[int], np.dtype[np.bool_]],
        pieces: Sequence[Tensor],
        rectified: bool,
    ) -> Tensor:
        """The entries of `kept` where that is settled, and new units elsewhere."""
        fresh = np.flatnonzero(~settled)
        if not len(fresh):
            return kept
        made = self._made(tuple(piece.take(fresh) for piece in pieces), rectified)
        if len(fresh) == kept.size:
            return made.shaped(kept.shape)
        order = np.where(settled, np.arange(kept.size), kept.size - 1 + np.cumsum(~settled))
        return stacked([kept, made]).take(order.reshape(kept.shape))

    def _made(self, pieces: tuple[Tensor, ...], rectified: bool) -> Tensor:
        first, size = len(self.level), pieces[0].size
        self.terms += sum(len(piece.variable) for piece in pieces)
        check_size(max(self.terms, first + size))
        self.batches.append(Batch(first, pieces, rectified))
        levels = np.zeros(size, np.int64)
        for piece in pieces:
            np.maximum.at(levels, piece.rows, self.level[piece.variable])
        positive = np.any([self._nonnegative(piece) for piece in pieces], axis=0) | rectified
        self.level = np.concatenate([self.level, levels + 1])
        self.negative = np.concatenate([self.negative, ~positive])
        return variables(first, (size,), pieces[0].type)

    def _opened(self, tensor: Tensor) -> Tensor | None:
        """The one piece of each rectified unit, if the entries are such units, each once; otherwise None."""
        used = tensor.variable
        bare = len(used) == tensor.size and (tensor.lengths == 1).all() and not tensor.offset.any()
        if not bare or (tensor.factor != tensor.denominator).any() or len(np.unique(used)) < len(used):
            return None
        starts = np.array([batch.first for batch in self.batches])
        owner = np.searchsorted(starts, used, side="right") - 1
        owners = np.unique(owner)
        if not len(owners) or owners[0] < 0:
            return None
        parts = []
        for number in owners:
            batch = self.batches[number]
            if not batch.rectified or len(batch.pieces) > 1:
                return None
            parts.append(batch.pieces[0].take(used[owner == number] - batch.first))
        order = np.argsort(np.argsort(owner, kind="stable"), kind="stable")
        return stacked(parts).take(order)
