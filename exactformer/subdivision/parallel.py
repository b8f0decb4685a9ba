"""The cells of a network found by several processes: the first layers here, groups of their cells anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import nullcontext

from threadpoolctl import threadpool_limits

from exactformer.prover.limit import OutOfTime
from exactformer.subdivision.complex import Complex
from exactformer.subdivision.engine import Part, divided, finished, part_of

SHARES = 6  # groups a process, so that uneven ones balance
WORTH = 200  # cells in a group that are worth sending to another process


def spread(
    whole: Complex,
    alive: Callable[[int], None],
    shapes: bool,
    size: int,
    jobs: int,
    executor: Executor | None,
    end: float,
) -> Iterator[Part]:
    """The finished parts of a complex, in the order in which they are found. `end` is a time of the system's clock."""
    number, layers = 0, len(whole.program.layers)
    while number < layers - 1 and whole.cells < WORTH * jobs:
        if not whole.apply(number, lambda: alive(whole.known), size):
            break
        number += 1
    if number == layers:
        yield part_of(whole, shapes, False)
        return
    groups = divided(whole, min(SHARES * jobs, whole.cells))
    pool = ProcessPoolExecutor(jobs) if executor is None else nullcontext(executor)
    with pool as workers:
        tasks = [workers.submit(_work, group, number, shapes, size, end) for group in groups]
        known = 0
        try:
            for task in as_completed(tasks):
                for part in task.result():
                    known += len(part.patterns)
                    yield part
                alive(known)
        finally:
            for task in tasks:
                task.cancel()


def _work(group: Complex, number: int, shapes: bool, size: int, end: float) -> list[Part]:
    """The finished parts of one group, in another process."""

    def alive(cells: int) -> None:
        if time.time() > end:
            raise OutOfTime

    with threadpool_limits(1):
        return [part_of(found, shapes, True) for found in finished([(group, number)], alive, size)]
