"""Processes that share work: they end with the block that started them, and with the process it runs in."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
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
    numbers: dict[Future[Result], int] = {}
    done: SimpleQueue[Future[Result]] = SimpleQueue()
    with _undisturbed():
        for number, values in enumerate(arguments):
            task = executor.submit(function, *values)
            numbers[task] = number
            task.add_done_callback(done.put)
    try:
        while numbers:
            task = _next(done, deadline)
            yield numbers.pop(task), task.result()
    finally:
        if not isinstance(executor, _Pool):
            with _undisturbed():
                for task in numbers:
                    task.cancel()


def _next(done: SimpleQueue[Future[Result]], deadline: Deadline) -> Future[Result]:
    """The next task that is done.

    A signal may come at any moment of the waiting. `concurrent.futures.wait` and `as_completed` take locks in Python
    code, and one that an exception interrupts can keep a lock for ever, with the executor's own thread behind it. This
    queue is one operation.
    """
    try:
        return done.get(timeout=max(0.0, deadline.left) if deadline.left < LONGEST else None)
    except Empty:
        raise OutOfTime from None


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
def processes(jobs: int) -> Iterator[Executor]:
    """So many processes, for several uses of `spread`: however the block is left, they are killed, whatever they do."""
    pool = _Pool(jobs, initializer=_begin)
    try:
        yield pool
    finally:
        with _undisturbed():
            pool.kill()


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
