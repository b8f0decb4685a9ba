"""All cells of a network on a bounded domain, in parts, by one process or by several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor

from exactformer.subdivision.complex import Complex
from exactformer.subdivision.engine import Part, finished, part_of
from exactformer.subdivision.layers import constrain
from exactformer.subdivision.parallel import spread
from exactformer.work import NEVER, Deadline

MOST = 30_000  # cells of a complex that is not divided, for few inputs
NUMBERS = 4_000_000  # about as many values at vertices
FACES = 400_000  # about as many faces of the highest dimensions has one for more inputs, where a cell has 2^n and more


def parts_of(
    whole: Complex,
    alive: Callable[[int], None],
    *,
    shapes: bool = True,
    size: int | None = None,
    jobs: int = 1,
    executor: Executor | None = None,
    deadline: Deadline = NEVER,
) -> Iterator[Part]:
    """The cells of a complex after all layers, in parts. `alive` is told how many cells are known, and may raise.

    Memory is bounded by the parts that are open at a time: the deepest is finished first. With several jobs the open
    parts are spread over an executor, a pool of processes by default, whose workers stop at the deadline.
    """
    program = whole.program
    if any(r <= 0 for r in program.frame.radius) or any(not any(row[:-1]) and row[-1] < 0 for row in program.rows):
        return
    size = _size(whole) if size is None else size
    if any(any(row[:-1]) for row in program.rows):
        constrain(whole, lambda: alive(0))
        if not whole.cells:
            return
    if jobs > 1 or executor is not None:
        yield from spread(whole, alive, shapes, size, jobs, executor, deadline)
        return
    for found in finished([(whole, 0)], alive, size):
        yield part_of(found, shapes, found.borders_others)


def _size(whole: Complex) -> int:
    """How many cells a complex of moderate size has."""
    widest = max((layer.compared + layer.passed for layer in whole.program.layers), default=1)
    return min(MOST, FACES >> whole.n, NUMBERS // widest)
