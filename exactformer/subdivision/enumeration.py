"""All cells of a network on a bounded domain: in one complex, or in groups of cells by any number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from exactformer.subdivision.complex import Complex
from exactformer.subdivision.engine import Part, finished, neighbours, part_of
from exactformer.subdivision.layers import constrain, cut_layer
from exactformer.work import ALONE, NEVER, Deadline, OutOfTime, Work, spread

MOST = 30_000  # cells of a complex that is not divided, for few inputs
NUMBERS = 2_000_000  # about as many values at vertices: at most half a gigabyte
FACES = 400_000  # about as many faces of the highest dimensions has one for more inputs, where a cell has 2^n and more
PROBES, SAMPLES = 256, 3  # of so many groups some are finished, to see how many cells there will be
GROUPS = {1: 100_000, 2: 100_000, 3: 50_000}  # cells that a group will have in the end, about, by the number of inputs
SMALL = 20_000  # for more inputs, where a cell takes longer
Alive = Callable[[int], None]  # is told how many cells are known, and may raise


def parts_of(
    whole: Complex,
    alive: Alive,
    *,
    shapes: bool = True,
    size: int | None = None,
    work: Work = ALONE,
    deadline: Deadline = NEVER,
) -> Iterator[Part]:
    """The cells of a complex after all layers, in parts.

    Memory is bounded by the parts that are open at a time: the deepest is finished first. The groups that workers
    finish do not depend on who they are, nor does the order of the parts.
    """
    size = size_of(whole) if size is None else size
    number = grown(whole, alive, size)
    if number == len(whole.program.layers):
        if whole.cells:
            yield part_of(whole, shapes, False)
        return
    count = estimated(whole, number, alive, size) // group_of(whole) + 2
    groups = Groups(whole, number, count, (shapes, size, deadline))
    known: dict[int, list[Part]] = {}
    cells = given = 0
    try:
        for place, (parts, in_time) in spread(_parts, groups, work=work, deadline=deadline):
            known[place] = parts
            while given in known:
                yield from known.pop(given)
                given += 1
            cells += sum(part.known for part in parts)
            alive(cells)
            if not in_time:
                raise OutOfTime
    except OutOfTime:
        for place in sorted(known):
            yield from known[place]
        raise


def grown(whole: Complex, alive: Alive, size: int) -> int:
    """Cut a complex layer by layer, until it has more than so many cells; how many layers are done."""
    program = whole.program
    if any(r <= 0 for r in program.frame.radius) or any(not any(row[:-1]) and row[-1] < 0 for row in program.rows):
        whole.restrict(np.arange(0))
        return len(program.layers)
    if any(any(row[:-1]) for row in program.rows):
        constrain(whole, lambda: alive(0))
    number = 0
    while number < len(program.layers) and 0 < whole.cells <= size:
        number += cut_layer(whole, number, lambda: alive(whole.known), 2 * size)
    return number if whole.cells else len(program.layers)


def estimated(whole: Complex, number: int, alive: Alive, size: int) -> int:
    """How many cells there will be, about, by some groups of them."""
    groups = neighbours(whole.centres(), np.arange(whole.cells), PROBES)
    some = [groups[(2 * i + 1) * len(groups) // (2 * SAMPLES)] for i in range(SAMPLES)]
    found = sum(
        done.cells for group in some for done in finished([(whole.part(group), number)], lambda cells: alive(0), size)
    )
    return found * whole.cells // sum(map(len, some))


class Groups(Sequence[tuple[Any, ...]]):
    """Groups of neighbours among the cells of a complex, as arguments for workers, made when they are wanted."""

    def __init__(self, whole: Complex, number: int, count: int, more: tuple[Any, ...]) -> None:
        self.whole, self.number, self.more = whole, number, more
        self.centres = whole.centres()
        self.cells = neighbours(self.centres, np.arange(whole.cells), count)

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, place: Any) -> Any:
        return self.whole.part(self.cells[place]), self.number, *self.more


def _parts(group: Complex, number: int, shapes: bool, size: int, deadline: Deadline) -> tuple[list[Part], bool]:
    """The finished parts of one group, and whether these are all; runs in any process."""
    parts: list[Part] = []
    try:
        with threadpool_limits(1):
            for found in finished([(group, number)], lambda cells: deadline.check(), size):
                parts.append(part_of(found, shapes, True))
    except OutOfTime:
        return parts, False
    return parts, True


def group_of(whole: Complex) -> int:
    """How many cells a group should have in the end."""
    return GROUPS.get(whole.n, SMALL)


def size_of(whole: Complex) -> int:
    """How many cells a complex of moderate size has."""
    widest = max((layer.compared + layer.passed for layer in whole.program.layers), default=1)
    return min(MOST, FACES >> whole.n, NUMBERS // widest)
