"""The command line as a process of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

TERMINATED = 143  # as shells count a process that a signal has ended: 128 + SIGTERM


def run_as_program(main: Callable[[], int]) -> NoReturn:
    """Run a command line and leave: only its answer reaches standard output, and no process outlives it."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))  # not at once: children are ended first
    _keep_standard_output()
    sys.exit(main())


def _keep_standard_output() -> None:
    """Point descriptor 1 at standard error, for good: whatever libraries print, below Python or at exit, goes there.

    `sys.stdout` alone keeps the standard output that the process was given; children do not inherit it.
    """
    if sys.stdout is None or sys.stderr is None:  # closed from the start
        return
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    buffering = 1 if os.isatty(own) else -1
    sys.stdout = open(own, "w", buffering, encoding=sys.stdout.encoding)  # noqa: SIM115  open as long as the process
