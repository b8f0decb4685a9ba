"""The faces of a polyhedral complex as rows of arrays, rank by rank.

A face of rank r >= 1 lists its facets, the faces of rank r - 1 in its boundary. The signs of all cuts of a layer are
kept for each face as two sets of bits: the cuts that are positive somewhere on it, and those that are negative
somewhere. The sets of a face are the unions of those of its facets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Faces:
    """The faces of one rank r: arrays with room to grow, of which the first `count` rows are in use."""

    count: int
    walls: Any  # the n - r walls whose common zero contains the face
    home: Any  # a row of the pattern table: a cell that contains the face
    plus: Any  # words of bits
    minus: Any
    start: Any  # rank >= 2: where the facets of a face begin in `pool`
    size: Any
    carrier: Any  # the face from which this one came while a unit of three or more pieces is cut
    label: Any  # while such a unit is cut: the piece that is its maximum on the face so far
    chosen: Any = None  # cells only: the pieces that such units of the layer have chosen
    pool: Any = None
    used: int = 0
    ends: Any = None  # rank 1: the two vertices
    line: Any = None  # rank 1: the vertices between which the edge was first drawn in this layer
    positive: Any = None  # during a cut: the positive part of a face that was split, else -1
    wall: Any = None  # during a cut: the wall in a face that was split

    INHERITED = ("walls", "home", "carrier", "label", "chosen", "line")
    GROWING = (*INHERITED, "plus", "minus", "start", "size", "ends", "positive", "wall")

    def append(self, count: int) -> Any:
        """The numbers of so many new faces, with room for them."""
        first, self.count = self.count, self.count + count
        if self.count > len(self.home):
            room = 2 * self.count
            for name in self.GROWING:
                array = getattr(self, name)
                if array is not None:
                    setattr(self, name, grown(array, room))
            self.positive[first:] = -1
        return np.arange(first, self.count)

    def copy(self, faces: Any) -> Any:
        """The numbers of new faces that inherit what these have."""
        new = self.append(len(faces))
        for name in self.INHERITED:
            array = getattr(self, name)
            if array is not None:
                array[new] = array[faces]
        return new

    def push(self, facets: Any, sizes: Any, faces: Any) -> None:
        """Give these faces these facets."""
        if self.used + len(facets) > len(self.pool):
            self.pool = grown(self.pool, 2 * (self.used + len(facets)))
        self.pool[self.used : self.used + len(facets)] = facets
        self.start[faces] = self.used + np.cumsum(sizes) - sizes
        self.size[faces] = sizes
        self.used += len(facets)

    def keep(self, faces: Any) -> None:
        """Forget all faces but these."""
        for name in self.GROWING:
            array = getattr(self, name)
            if array is not None:
                setattr(self, name, array[faces])
        self.count = len(faces)

    def facets(self, faces: Any) -> tuple[Any, Any]:
        """The facets of these faces one after the other, and for each the position of its face."""
        if self.ends is not None:
            return self.ends[faces].ravel(), np.repeat(np.arange(len(faces)), 2)
        sizes = self.size[faces]
        owner = np.repeat(np.arange(len(faces)), sizes)
        offsets = self.start[faces] - (np.cumsum(sizes) - sizes)
        return self.pool[np.arange(len(owner)) + offsets[owner]], owner

    def won(self, faces: Any, column: int) -> Any:
        """Which of these faces are positive for a cut, and nowhere negative."""
        word, mask = place(column)
        return ((self.plus[faces, word] & mask) != 0) & ((self.minus[faces, word] & mask) == 0)


def grown(array: Any, room: int) -> Any:
    """The array with room for so many rows."""
    result = np.empty((room, *array.shape[1:]), array.dtype)
    result[: len(array)] = array
    return result


def place(column: int) -> tuple[int, Any]:
    """The word and the bit of a cut."""
    word, bit = divmod(column, 64)
    return word, np.uint64(1 << bit)


def runs(owner: Any) -> Any:
    """Where the runs of equal numbers begin, of at least one."""
    return np.concatenate(([0], np.nonzero(np.diff(owner))[0] + 1))


def as_bits(table: Any, words: int) -> Any:
    """Each row of truth values as 64-bit words."""
    packed_bytes = np.packbits(table, axis=1, bitorder="little")
    result = np.zeros((len(table), 8 * words), np.uint8)
    result[:, : packed_bytes.shape[1]] = packed_bytes
    return result.view(np.uint64)
