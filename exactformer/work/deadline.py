"""Limits of wall-clock time: a deadline that loops look at, and an interruption for code that cannot look."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from types import FrameType

TICK = 0.01  # seconds between one attempt to interrupt and the next
AGAIN = 1.0  # seconds after which a thread that has not been interrupted is interrupted again
LONGEST = 1e8  # seconds that a timer can count
PACKAGE = __name__.partition(".")[0]


class OutOfTime(BaseException):
    """The limit was reached; no handler of ordinary errors catches this."""


class _Late(BaseException):
    """What is raised, and swallowed, when the block is done."""


@dataclass(frozen=True)
class Deadline:
    """A moment until which work may take: `end` on this machine's monotonic clock.

    To another process it travels as a time of day, since that process has a monotonic clock of its own.
    """

    end: float = inf

    @staticmethod
    def after(seconds: float | None) -> Deadline:
        """So many seconds from now; None: never."""
        return Deadline() if seconds is None else Deadline(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """The seconds that are left, negative when it has passed."""
        return self.end - time.monotonic()

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self.left < 0

    def within(self, seconds: float) -> Deadline:
        """The same deadline, or one so many seconds from now if that is sooner."""
        return Deadline(min(self.end, time.monotonic() + seconds))

    def check(self) -> None:
        """Raises `OutOfTime` when the time is over."""
        if self.passed:
            raise OutOfTime

    def __reduce__(self) -> tuple[object, tuple[float]]:
        return _at, (time.time() + self.left,)


NEVER = Deadline()


def _at(time_of_day: float) -> Deadline:
    return Deadline(time.monotonic() + (time_of_day - time.time()))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises `OutOfTime` in the block after so many seconds, for code that does not look at a clock itself.

    In the main thread an alarm of the operating system does it, where there is one and nobody else has set it;
    otherwise another thread does. The exception is raised only where code of this package is running: a library is
    not left in the middle of its work, nor is the exception lost in a callback of the garbage collector.
    """
    if seconds > LONGEST:
        yield
    elif _alarm_is_free():
        with _alarm(max(seconds, 1e-3)):
            yield
    else:
        with _watch(max(seconds, 0.0)):
            yield


def _ours(frame: FrameType | None) -> bool:
    """Whether code of the package is running; this module's own would be kept from clearing up."""
    name = "" if frame is None else frame.f_globals.get("__name__", "")
    return bool(name.partition(".")[0] == PACKAGE and name != __name__)


def _alarm_is_free() -> bool:
    here = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    return here and not signal.getitimer(signal.ITIMER_REAL)[0]


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        if _ours(frame):
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _watch(seconds: float) -> Iterator[None]:
    """As `_alarm`, from another thread, which holds the interpreter while it looks at this one and interrupts it."""
    identity, over = threading.get_ident(), threading.Event()
    interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc
    thread = ctypes.c_ulong(identity)

    def watch() -> None:
        wait = seconds
        while not over.wait(wait):
            wait = TICK
            if _ours(sys._current_frames().get(identity)) and not over.is_set():
                interrupt(thread, ctypes.py_object(OutOfTime))
                wait = AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        # In the place of one that came too late. Taking it back would not do: the interpreter then looks for it for
        # ever, and Python 3.11 does not come out of the first function it calls under a profiler.
        with suppress(_Late):
            interrupt(thread, ctypes.py_object(_Late))
            while True:
                pass
