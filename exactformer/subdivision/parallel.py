"""The cells of a network found by several processes: the first layers here, groups of their cells anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor

from threadpoolctl import threadpool_limits

from exactformer.subdivision.complex import Complex
from exactformer.subdivision.engine import Part, divided, finished, part_of
from exactformer.subdivision.layers import cut_layer
from exactformer.work import Deadline
from exactformer.work import spread as shared

SHARES = 6  # groups a process, so that uneven ones balance
WORTH = 200  # cells in a group that are worth sending to another process


def spread(
    whole: Complex,
    alive: Callable[[int], None],
    shapes: bool,
    size: int,
    jobs: int,
    executor: Executor | None,
    deadline: Deadline,
) -> Iterator[Part]:
    """The finished parts of a complex, in the order in which they are found; raises `OutOfTime` when it is."""
    number, layers = 0, len(whole.program.layers)
    while number < layers - 1 and whole.cells < WORTH * jobs:
        if not cut_layer(whole, number, lambda: alive(whole.known), size):
            break
        number += 1
    if number == layers:
        yield part_of(whole, shapes, False)
        return
    groups = divided(whole, min(SHARES * jobs, whole.cells))
    known = 0
    shares = [(group, number, shapes, size, deadline) for group in groups]
    for _, parts in shared(_work, shares, jobs=jobs, executor=executor, deadline=deadline):
        for part in parts:
            known += part.known
            yield part
        alive(known)


def _work(group: Complex, number: int, shapes: bool, size: int, deadline: Deadline) -> list[Part]:
    """The finished parts of one group, in another process."""
    with threadpool_limits(1):
        complexes = finished([(group, number)], lambda cells: deadline.check(), size)
        return [part_of(found, shapes, True) for found in complexes]
