"""Processes that share work: they end with the block that started them, and with the process it runs in."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, TypeVar

from exactformer.work.deadline import LONGEST, NEVER, Deadline, OutOfTime

Result = TypeVar("Result")
ENDING = {signal.SIGINT, signal.SIGTERM}


def spread(
    function: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    *,
    jobs: int,
    executor: Executor | None = None,
    deadline: Deadline = NEVER,
) -> Generator[tuple[int, Result], None, None]:
    """The results of a function for many arguments, each with its number, in the order in which they are ready.

    They are computed by the caller's executor, or by a pool of so many processes, none of which outlives the
    iteration: however it is left (by Ctrl-C, out of time, with an answer that makes the rest needless), the processes
    are killed in the middle of their work, which nobody wants any more. Raises what the function raises, `OutOfTime`
    past the deadline, and `BrokenExecutor` when something else ends a process.
    """
    if executor is None:
        with processes(jobs) as own:
            yield from spread(function, arguments, jobs=jobs, executor=own, deadline=deadline)
        return
    with _undisturbed():
        tasks = [executor.submit(function, *values) for values in arguments]
    try:
        yield from _finished(tasks, deadline)
    finally:
        for task in tasks:
            task.cancel()


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """So many processes, for several uses of `spread`: however the block is left, they are killed, whatever they do."""
    pool = ProcessPoolExecutor(jobs, initializer=_begin)
    try:
        yield pool
    finally:
        _kill(pool)
        pool.shutdown(wait=True, cancel_futures=True)


def _finished(tasks: Sequence[Future[Result]], deadline: Deadline) -> Iterator[tuple[int, Result]]:
    numbers = {task: number for number, task in enumerate(tasks)}
    try:
        for task in as_completed(tasks, timeout=max(0.0, deadline.left) if deadline.left < LONGEST else None):
            yield numbers[task], task.result()
    except TimeoutError:
        raise OutOfTime from None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait while processes are started: none is on its way and not yet known, and so left behind."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _kill(pool: ProcessPoolExecutor) -> None:
    if sys.version_info >= (3, 14):
        pool.kill_workers()
        return
    for process in list((pool._processes or {}).values()):
        process.kill()


def _begin() -> None:
    """What a worker does first: it leaves standard output to those who answer, and Ctrl-C to the one that waits.

    (Ctrl-C goes to all processes of a terminal.)
    """
    sys.stdout = sys.stderr
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # whatever ended the parent, nobody waits for this process any more
