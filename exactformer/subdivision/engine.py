"""Parts of the cells of a network: cut layer by layer, divided where they are large, finished one after the other."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from exactformer.subdivision.complex import Complex
from exactformer.subdivision.exact import Exact, Vertex, renumbered
from exactformer.subdivision.layers import cut_layer


@dataclass(frozen=True)
class Borders:
    """The facets that cells may share with cells of another part: the cell of each and the walls of its vertices."""

    cells: Any
    walls: tuple[Any, ...]
    exact: Exact

    def corners(self, index: int) -> frozenset[Vertex]:
        """The exact vertices of a facet."""
        return frozenset(tuple(self.exact.vertex(walls)) for walls in self.walls[index])


@dataclass(frozen=True)
class Part:
    """Finished cells: a row of `patterns` and of `centres` (floats on the cube) for each.

    `faces` is the number of faces of each dimension, `pairs` are the cells that share a facet. `complex` is None where
    the shapes of the cells are not wanted, `borders` where there is no other part.
    """

    patterns: Any
    centres: Any
    pairs: Any
    faces: tuple[int, ...]
    borders: Borders | None
    complex: Complex | None
    known: int = 0  # how many regions these cells are at least

    def __reduce__(self) -> Any:
        """As it travels between processes: where no unit has more than two pieces, a bit for each choice."""
        others = self.centres, self.pairs, self.faces, self.borders, self.complex, self.known
        if self.patterns.max(initial=0) > 1:
            return Part, (self.patterns, *others)
        return _unpacked, (np.packbits(self.patterns, axis=1), self.patterns.shape[1], *others)


def _unpacked(bits: Any, width: int, *others: Any) -> Part:
    return Part(np.unpackbits(bits, axis=1, count=width), *others)


def finished(waiting: list[tuple[Complex, int]], alive: Callable[[int], None], size: int) -> Iterator[Complex]:
    """The complexes after all layers, from complexes and the layers that come next; large ones are divided.

    A complex is divided where it has more than `size` cells between two layers, or twice as many within one.
    """
    done = 0
    while waiting:
        current, number = waiting.pop()
        if number == len(current.program.layers):
            done += current.known
            yield current
            continue
        tell = partial(_tell, alive, done + sum(other.known for other, _ in waiting), current)
        number += cut_layer(current, number, tell, 2 * size)
        if current.cells > size and number < len(current.program.layers):
            waiting += [(part, number) for part in divided(current, -(-2 * current.cells // size))]
        else:
            waiting.append((current, number))


def _tell(alive: Callable[[int], None], known: int, current: Complex) -> None:
    alive(known + current.known)


def divided(whole: Complex, count: int) -> list[Complex]:
    """The cells in so many groups of neighbours, as complexes of their own."""
    return [whole.part(group) for group in neighbours(whole.centres(), np.arange(whole.cells), count)]


def neighbours(centres: Any, cells: Any, count: int) -> list[Any]:
    """Some cells, given by their numbers, in so many groups of neighbours, each in ascending order."""
    order = itertools.count()
    heap = [(-len(cells), next(order), cells)]
    while len(heap) < min(count, len(cells)):
        group = heapq.heappop(heap)[2]
        widest = int(np.argmax(np.ptp(centres[group], axis=0)))
        for half in np.array_split(group[np.argsort(centres[group, widest], kind="stable")], 2):
            heapq.heappush(heap, (-len(half), next(order), half))
    return [np.sort(group) for _, _, group in sorted(heap, key=lambda item: item[1])]


def _borders(cells: Any, walls: tuple[Any, ...], exact: Exact) -> Borders:
    """The borders with only those patterns that their walls refer to."""
    if not walls:
        return Borders(cells, (), Exact(exact.program, exact.patterns[:0]))
    every = np.concatenate(walls)
    homes = renumbered(every)
    ends = np.cumsum([len(table) for table in walls])[:-1]
    return Borders(cells, tuple(np.split(every, ends)), Exact(exact.program, exact.patterns[homes]))


def part_of(found: Complex, shapes: bool, several: bool) -> Part:
    """What is kept of a finished complex; `several`: it is one of several parts."""
    cells = found.ranks[-1]
    facets, owner = cells.facets(np.arange(cells.count))
    order = np.argsort(facets, kind="stable")
    facets, owner = facets[order], owner[order]
    shared = facets[1:] == facets[:-1]
    pairs = np.column_stack([owner[:-1][shared], owner[1:][shared]])
    borders = None
    if several:
        lonely = np.ones(len(facets), bool)
        lonely[1:] &= ~shared
        lonely[:-1] &= ~shared
        lonely &= ~found.outer(facets)
        borders = _borders(owner[lonely], found.corners(facets[lonely]), found.exact)
    numbers = tuple(rank.count for rank in found.ranks)
    return Part(found.patterns(), found.centres(), pairs, numbers, borders, found if shapes else None, found.known)
