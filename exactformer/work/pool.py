"""Processes that share work: they end with the block that started them, and with the process it runs in."""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from exactformer.errors import InvalidInput
from exactformer.version import __version__
from exactformer.work.deadline import LONGEST, NEVER, Deadline
from exactformer.work.memory import limit_memory
from exactformer.work.work import Work

Result = TypeVar("Result")
ENDING = {signal.SIGINT, signal.SIGTERM}
VERSIONS = f"exactformer {__version__} on Python {'.'.join(platform.python_version_tuple()[:2])}"
PATIENCE = 300.0  # seconds without a result after which work is given to others
TRIALS = 3  # so often may a piece of work be lost
MANY = 1000  # pieces that are handed to the caller's executor at once


def spread(
    function: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    *,
    work: Work,
    deadline: Deadline = NEVER,
    patience: float = PATIENCE,
) -> Generator[tuple[int, Result], None, None]:
    """As `Workers.results`, with workers for this one use; where there are none, the work is done here, in order."""
    if work.alone:
        for number, values in enumerate(arguments):  # a list may grow while its results are looked at
            deadline.check()
            yield number, function(*values)
        return
    with Workers(work) as workers:
        yield from workers.results(function, arguments, deadline=deadline, patience=patience)


class Workers:
    """Those who work, for several uses: the caller's executor, or processes that end with the block, whatever they do.

    However the block is left (by Ctrl-C, out of time, with an answer that makes the rest needless), the processes are
    killed in the middle of their work, which nobody wants any more.
    """

    def __init__(self, work: Work) -> None:
        self._given = work.executor
        self._jobs = work.jobs
        self._share = None if work.memory is None else work.memory // (work.jobs + 1)
        self._pool: _Pool | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def results(
        self,
        function: Callable[..., Result],
        arguments: Sequence[tuple[Any, ...]],
        *,
        deadline: Deadline = NEVER,
        patience: float = PATIENCE,
    ) -> Generator[tuple[int, Result], None, None]:
        """The results of a function for many arguments, each with its number, in the order in which they are ready.

        The arguments may grow while the results are looked at. Work that is lost with a process, that lacks memory, or
        of which nothing is heard for `patience` seconds (twice as many the next time), is done again: up to `TRIALS`
        times, and what lacked memory with nothing beside it. Raises what the function raises, `OutOfTime` past the
        deadline, `BrokenExecutor` for work that has failed too often, `InvalidInput` for workers of another version.
        """
        done: SimpleQueue[Future[Result]] = SimpleQueue()
        running: dict[Future[Result], int] = {}
        again, failures = list[int](), Counter[int]()
        first, most = 0, self._jobs + 1 if self._given is None else MANY
        heard = time.monotonic()
        try:
            while again or running or first < len(arguments):
                lost: set[int] = set()
                while not lost and len(running) < most and (again or first < len(arguments)):
                    number = again.pop() if again else first
                    first += number == first
                    try:
                        with _undisturbed():
                            task = self._submitted(function, arguments[number])
                            running[task] = number
                        task.add_done_callback(done.put)
                    except BrokenExecutor:
                        lost = {number, *running.values()}
                ready = None if lost else _next(done, deadline, heard + patience)
                if ready is not None and ready in running:
                    heard, number = time.monotonic(), running.pop(ready)
                    try:
                        result = ready.result()
                    except MemoryError:
                        lost, most = {number}, 1
                    except Exception as error:
                        if isinstance(error, ImportError) and self._given is not None:
                            raise InvalidInput(f"worker: expected {VERSIONS}, found: {error}") from None
                        if not _died(error):
                            raise
                        lost = {number} if self._pool is None else {number, *running.values()}
                    else:
                        yield number, result
                elif ready is None and not lost:
                    patience, heard, lost = 2 * patience, time.monotonic(), set(running.values())
                failures.update(lost)
                if lost and max(failures.values()) > TRIALS:
                    raise BrokenExecutor("work was lost too often, for want of memory, say")
                if lost and lost.issuperset(running.values()):
                    self._dropped(running)
                    self._end()
                again += sorted(lost, reverse=True)
        finally:
            self._dropped(running)

    def _submitted(self, function: Callable[..., Result], values: tuple[Any, ...]) -> Future[Result]:
        if self._given is not None:
            return self._given.submit(_called, VERSIONS, function, *values)
        if self._pool is None:
            # What a process has inherited counts as its own memory: with a limit it begins with nothing.
            context = None if self._share is None else multiprocessing.get_context("spawn")
            self._pool = _Pool(self._jobs, context, initializer=_begin, initargs=(self._share,))
        return self._pool.submit(function, *values)

    def _dropped(self, running: dict[Future[Any], int]) -> None:
        """Nobody wants these any more. (Of our own pool none is cancelled: see there.)"""
        if self._given is not None:
            with _undisturbed():
                for task in running:
                    task.cancel()
        running.clear()

    def _end(self) -> None:
        """Kill our own processes; the next work begins others."""
        if self._pool is not None:
            with _undisturbed():
                self._pool.kill()
            self._pool = None


def _died(error: Exception) -> bool:
    """Whether a worker has died of this work; Dask and loky have exceptions of their own for it."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


def _called(versions: str, function: Callable[..., Result], *values: Any) -> Result:
    """What a worker of the caller's executor does. Raises `InvalidInput` in one of another version."""
    if versions != VERSIONS:
        raise InvalidInput(f"worker: expected {versions}, found {VERSIONS}")
    return function(*values)


def _next(done: SimpleQueue[Future[Result]], deadline: Deadline, until: float) -> Future[Result] | None:
    """The next task that is done; None when none is until then.

    A signal may come at any moment of the waiting. `concurrent.futures.wait` and `as_completed` take locks in Python
    code, and one that an exception interrupts can keep a lock for ever, with the executor's own thread behind it. This
    queue is one operation.
    """
    try:
        return done.get(timeout=max(0.0, min(deadline.left, until - time.monotonic(), LONGEST)))
    except Empty:
        deadline.check()
        return None


class _Pool(ProcessPoolExecutor):
    """Processes that can be killed in the middle of their work.

    The pool's own thread stands that only if it knows that the end has come, and if no task was cancelled before; it
    dies otherwise, and the program then waits at its exit for a task to be sent to processes that are no more.
    """

    def kill(self) -> None:
        thread: Any = self._executor_manager_thread
        answers: Any = self._result_queue
        workers = dict(self._processes or {})
        self.shutdown(wait=False, cancel_futures=True)
        answers._writer.close()  # or the thread waits for the rest of an answer that a process was writing
        for process in workers.values():
            process.kill()
        if thread is not None:
            thread.join()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait while processes are started or killed: none is left behind, on its way and not yet known."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(memory: int | None) -> None:
    """What a worker does first: it leaves standard output to those who answer, and Ctrl-C to the one that waits.

    (Ctrl-C goes to all processes of a terminal.) It takes no more than its share of memory.
    """
    limit_memory(memory)
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
