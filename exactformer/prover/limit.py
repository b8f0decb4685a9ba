"""A wall-clock limit that also holds inside a long symbolic evaluation."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TICK = 0.01  # seconds between one attempt to interrupt and the next
PACKAGE = __name__.partition(".")[0]


class OutOfTime(BaseException):
    """The limit was reached; no handler of ordinary errors catches this."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises `OutOfTime` in the block after so many seconds.

    An alarm of the operating system does it, which only the main thread can receive and which only POSIX has;
    elsewhere the block is not interrupted, and the search's own looks at the clock are all there is. An alarm that
    somebody else has set is left alone. The exception is raised only where code of this package is running: a
    library is not left in the middle of its work, nor is the exception lost in a callback of the garbage collector.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable or seconds > 1e8 or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        name = "" if frame is None else frame.f_globals.get("__name__", "")
        if name.partition(".")[0] == PACKAGE and name != __name__:  # here it would undo the clearing up below
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
