"""How a long piece of work is done: by whom, with how much memory, written down where, and who is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from exactformer.arguments import POSITIVE, instance, pool
from exactformer.errors import Faults, shown
from exactformer.work.record import Record


@dataclass(frozen=True)
class Status:
    """How far the work is: what is done, how much of that was pruned, and how many pieces are open.

    `share` estimates how much of the whole is done: of a tree of splits, as Knuth did, by giving each child of a split
    an equal part of its parent; None where nothing is known. `phase` says what is counted.
    """

    phase: str
    done: int
    open: int
    pruned: int = 0
    share: float | None = None
    workers: int = 1
    at: float = field(default_factory=time.monotonic, compare=False)


Watch = Callable[[Status], None]


def nobody(status: Status) -> None:
    """Is told, and does nothing."""


@dataclass(frozen=True)
class Work:
    """How work is done: in so many processes, or by the caller's executor; and where what is finished is recorded.

    `memory` is what all processes together may take, in bytes; `watch` is told how far the work is. An executor is
    any that `concurrent.futures` would accept, such as those of Dask (`Client.get_executor()`), mpi4py and loky;
    `jobs` then says how many workers it has, about. What is found does not depend on any of this.
    """

    jobs: int = 1
    executor: Executor | None = None
    record: Record | None = None
    memory: int | None = None
    watch: Watch = nobody

    @property
    def alone(self) -> bool:
        """Whether it is done here, one piece after the other."""
        return self.jobs == 1 and self.executor is None

    @property
    def plain(self) -> bool:
        """Whether it need not be divided into pieces at all."""
        return self.alone and self.record is None and self.memory is None

    @staticmethod
    def of(work: Work | None, jobs: int, executor: Executor | None) -> Work:
        """The work that is given, or that by so many processes or by an executor."""
        return Work(jobs, executor) if work is None else work

    @staticmethod
    def checked(work: Work | None, jobs: int, executor: Executor | None) -> Work:
        """The same, once it is well-formed. Raises `InvalidInput`."""
        faults = Faults()
        check_work(work, jobs, executor, faults)
        faults.settle()
        return Work.of(work, jobs, executor)

    @contextmanager
    def recorded(self) -> Iterator[Record]:
        """The record, or one that is gone when the block is left: what is found need not stay in memory."""
        if self.record is not None:
            yield self.record
            return
        with TemporaryDirectory(prefix="exactformer-") as folder, Record(Path(folder) / "run", {}) as record:
            yield record


ALONE = Work()  # one piece after the other, here


def check_work(work: Any, jobs: Any, executor: Any, faults: Faults) -> None:
    """Note a fault of how work is to be done: as a whole, or by so many processes, or by an executor."""
    instance(work, (Work, type(None)), "a Work or None", "work", faults)
    if isinstance(work, Work):
        if executor is not None or jobs != 1:
            faults.add("work", "no jobs and no executor beside it, as it has its own", shown((jobs, executor)))
        jobs, executor = work.jobs, work.executor
        POSITIVE.check(work.memory, "memory", faults, optional=True)
    POSITIVE.check(jobs, "jobs", faults)
    pool(executor, "executor", faults)
