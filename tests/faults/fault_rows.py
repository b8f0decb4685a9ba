"""What a row of faults is: cases with a required outcome, run one by one, and counted."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

REQUIRED, EQUIVALENT = "as required", "equivalent"
Case = tuple[str, Callable[[], str]]  # the name, and what runs it: REQUIRED, EQUIVALENT, or what happened instead


@dataclass
class Counts:
    """How the cases of a row ended."""

    name: str
    injected: int = 0
    killed: int = 0
    equivalent: int = 0
    survivors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, outcome: str) -> None:
        """Count one case; what follows a semicolon in a good outcome is a note."""
        self.injected += 1
        kind, _, note = outcome.partition("; ")
        if kind == REQUIRED:
            self.killed += 1
        elif kind == EQUIVALENT:
            self.equivalent += 1
        else:
            self.survivors.append(f"{name}: {outcome}")
        if note and kind in (REQUIRED, EQUIVALENT):
            self.notes[note] += 1


def run(name: str, cases: Iterable[Case], progress: Callable[[Counts], None] = lambda counts: None) -> Counts:
    """Run the cases; an exception is what no case may end with."""
    counts, started = Counts(name), time.monotonic()
    for case, judge in cases:
        try:
            outcome = judge()
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            outcome = f"{type(error).__name__} in {place.name}: {error}"[:300]
        counts.add(case, outcome)
        counts.seconds = time.monotonic() - started
        progress(counts)
    counts.seconds = time.monotonic() - started
    return counts
