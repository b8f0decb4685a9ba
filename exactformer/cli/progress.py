"""How far a command is: a line on a terminal, and lines of JSON for a log, both of what is known and no more."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import IO, Any

from exactformer.errors import InvalidInput

EVERY = 1.0  # seconds between two lines of a log
LATELY = 30.0  # seconds over which the pace is measured
WORDS = {  # what is counted in each phase
    "lazy": "steps of the proof",
    "regions": "steps of the proof",
    "cells": "cells",
    "count": "regions",
    "kernel": "parts of the proof re-checked",
    "instances": "instances",
    "z3": "answers of z3",
    "cross-check": "other solvers asked",
}


class Progress:
    """What was told last, and how fast it grows; use `watch` as that of a `Work`."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.last: Any = None
        self._marks: list[tuple[float, int]] = []

    def watch(self, status: Any) -> None:
        """Take note of how far the work is."""
        if self.last is None or self.last.phase != status.phase or self.last.done > status.done:
            self._marks = []
        self.last = status
        if not self._marks or status.at - self._marks[-1][0] > EVERY / 4:
            self._marks.append((status.at, status.done))
        while len(self._marks) > 2 and status.at - self._marks[0][0] > LATELY:
            self._marks.pop(0)

    @property
    def pace(self) -> float | None:
        """How much was done a second lately."""
        if self.last is None or not self._marks or self.last.at - self._marks[0][0] <= 0:
            return None
        return float((self.last.done - self._marks[0][1]) / (self.last.at - self._marks[0][0]))

    def entry(self) -> dict[str, Any]:
        """As JSON data."""
        told = self.last
        seconds = round(time.monotonic() - self.started, 1)
        if told is None:
            return {"seconds": seconds, "phase": "evaluating"}
        return {
            "seconds": seconds,
            "phase": told.phase,
            "done": told.done,
            "pruned": told.pruned,
            "open": told.open,
            "share": None if told.share is None else round(told.share, 6),
            "per_second": None if self.pace is None else round(self.pace, 1),
            "workers": told.workers,
        }

    def line(self) -> str:
        """As words."""
        minutes, seconds = divmod(int(time.monotonic() - self.started), 60)
        clock = f"{minutes}:{seconds:02}"
        told = self.last
        if told is None:
            return f"evaluating symbolically, {clock}"
        parts = [f"{told.done:,} {WORDS.get(told.phase, told.phase)}"]
        parts += [f"{told.pruned:,} pruned"] if told.pruned else []
        parts += [f"{told.open:,} open"] if told.open else []
        parts += [f"about {100 * told.share:.0f} % of all"] if told.share is not None else []
        parts += [f"{self.pace:,.0f} a second"] if self.pace else []
        parts += [f"{told.workers} workers"] if told.workers > 1 else []
        return ", ".join([*parts, clock])


def progress_options(parser: argparse.ArgumentParser) -> None:
    """Where progress is written."""
    parser.add_argument("--log", metavar="FILE", help="a line of JSON a second with the progress; - is standard error")


@contextmanager
def shown(options: argparse.Namespace, work: Any) -> Iterator[Any]:
    """The same work, whose progress is shown during the block: on a terminal, and in the log that is asked for.

    Lines are written by a clock of their own, so that they come while a solver answers nothing, too. The answer is
    printed after the block, since the line of a terminal takes whatever is printed for its own.
    """
    progress = Progress()
    with ExitStack() as stack:
        ways: list[Callable[[], None]] = []
        if getattr(options, "log", None):
            stream = stack.enter_context(_log(options.log))
            ways.append(lambda: print(json.dumps(progress.entry()), file=stream, flush=True))
        if not options.quiet and not options.json and sys.stderr.isatty():
            from rich.console import Console

            status = stack.enter_context(Console(stderr=True).status("evaluating symbolically"))
            ways.append(lambda: status.update(progress.line()))
        if ways:
            over = threading.Event()

            def tick() -> None:
                while not over.wait(EVERY):
                    for way in ways:
                        way()

            clock = threading.Thread(target=tick, daemon=True)
            clock.start()
            stack.callback(clock.join)
            stack.callback(over.set)
        yield replace(work, watch=progress.watch)
        if ways:
            ways[0]()


@contextmanager
def _log(name: str) -> Iterator[IO[str]]:
    if name == "-":
        yield sys.stderr
        return
    try:
        stream = open(name, "a", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise InvalidInput(f"{name}: expected a file that can be written, found: {error.strerror}") from None
    with stream:
        yield stream
