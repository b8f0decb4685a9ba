"""One proof as pieces of work: subtrees, for as many workers as there are, each written down when it is found.

A piece is some cells that lie beside each other. Whoever takes it searches below them for a while and leaves what is
still open, which is divided into pieces again: so a piece that turns out large keeps nobody for long. What is found
below a cell does not depend on who searches, or when. The proof is the tree that one process finds in one go, and of
several counterexamples the first in the order of the tree counts.
"""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing
from hashlib import sha256
from itertools import chain
from typing import Any

from exactformer.errors import InvalidInput
from exactformer.kernel.claims import Goal
from exactformer.prover.here import goal_of
from exactformer.prover.plain import found_from, found_plain, leaves_from, left_from, left_plain
from exactformer.prover.question import Question
from exactformer.prover.search import LEFT, Found, Leaf, Left, Path, Search, Trail
from exactformer.prover.steps import BLOCK, Step, Steps
from exactformer.work import Deadline, OutOfTime, Record, Status, Work, spread, time_limit

SECONDS, AT_FIRST = 2.0, 0.2  # of a piece before its rest is divided; the second while there are few pieces
FEW = 3  # so many pieces a process are few
APART = 3  # of the cells that are left so many, nearest to the root and so the largest, are pieces of their own
GRACE = 0.5
LISTED = 20_000  # regions that are kept with their inequalities and maps
DIGITS = 32
Key = tuple[int, ...]  # of a piece: its place in the order of the tree
Cells = tuple[Left, ...]


def search_in_pieces(
    question: Question,
    goal: Goal,
    every_gate: bool,
    deadline: Deadline,
    work: Work,
    progress: Callable[[int, int], None],
) -> Found:
    """As `Search.run`, by many workers, or with what is found written down; the answer is the same."""
    if work.plain:
        return Search(question.violated, deadline.end, every_gate, progress).run(goal)
    late = Deadline(deadline.end + 2 * GRACE)  # a worker knows by itself when it is out of time
    with work.recorded() as record:
        pieces = _Pieces(question, every_gate, deadline, work, record)
        try:
            pieces.begin(goal)
            with closing(spread(_found_below, pieces, work=work, deadline=late)) as results:
                for number, found in results:
                    pieces.finish(number, found)
                    progress(pieces.done, pieces.open)
                    work.watch(pieces.status)
        except _Settled as answer:
            return answer.found
        except BrokenExecutor as error:
            return Found([], [], {}, reason=f"a process of the search was ended from outside ({error})")
        except OutOfTime:
            return Found([], [], {}, reason="out of time")
        return pieces.whole()


class _Settled(Exception):
    """The answer is known before all pieces are done."""

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found


class _Pieces(Sequence[tuple[Any, ...]]):
    """The pieces of a proof, as arguments for workers: the next one is chosen when somebody wants it."""

    def __init__(self, question: Question, every_gate: bool, deadline: Deadline, work: Work, record: Record) -> None:
        self._question, self._every_gate, self._deadline = question, every_gate, deadline
        self._work, self._record = work, record
        self._name = _digest([question.head, every_gate])
        self._waiting: list[tuple[Key, Cells]] = []  # a heap: the first in the order of the tree comes next
        self._given: list[tuple[Key, Cells]] = []  # by their numbers
        self._running: set[Key] = set()
        self._last: tuple[Key, Found] | None = None  # what ends the search, unless something before it does
        self.done = self.pruned = 0  # steps
        self.share = 1.0  # of the tree that is done

    def __len__(self) -> int:
        return len(self._given) + len(self._waiting)

    def __getitem__(self, number: Any) -> Any:
        if number == len(self._given):
            key, cells = heapq.heappop(self._waiting)
            needless = self._last is not None and key > self._last[0]
            self._given.append((key, () if needless else cells))
            self._running.add(key)
        few = not self._work.alone and self.open < FEW * self._work.jobs
        return self._question, self._given[number][1], self._every_gate, self._deadline, AT_FIRST if few else SECONDS

    @property
    def open(self) -> int:
        """How many pieces are not done."""
        return len(self._waiting) + len(self._running)

    @property
    def status(self) -> Status:
        """How far the proof is."""
        phase = "regions" if self._every_gate else "lazy"
        return Status(phase, self.done, self.open, self.pruned, min(1.0, self.share), self._work.jobs)

    def begin(self, goal: Goal) -> None:
        """The search from the whole domain on, for a while, unless it has been written down."""
        name = self._named(None)
        value = self._record.get(name)
        if value is None:
            until = time.monotonic() + (SECONDS if self._work.alone else AT_FIRST)
            search = Search(self._question.violated, self._deadline.end, self._every_gate, until=until)
            value = [found_plain(search.run(goal))]
            self._note(name, value)
        self._enter((), value)

    def finish(self, number: int, found: list[Any]) -> None:
        """Take what was found of a piece into account. Raises `_Settled` where nothing else matters any more."""
        key, cells = self._given[number]
        self._running.discard(key)
        if cells:
            self.share += sum(cell.share for cell in cells)
            self._note(self._named(cells), found)
            self._enter(key, found)
        if self._last is not None and not any(key < self._last[0] for key in self._open_keys()):
            raise _Settled(self._last[1])

    def _open_keys(self) -> Iterator[Key]:
        yield from self._running
        yield from (key for key, _ in self._waiting)

    def _enter(self, key: Key, found: list[Any]) -> None:
        """What is known of a piece, and of those that it was divided into, as far as they are written down."""
        todo = [(key, found)]
        while todo:
            key, found = todo.pop()
            for steps, _, counts, witness, reason, _ in found:
                self.done += len(steps)
                self.pruned += counts["pruned"]
                if (witness is not None or reason is not None) and (self._last is None or key < self._last[0]):
                    self._last = key, found_from([[], [], {}, witness, reason, []])
            for number, cells in enumerate(_divided(found)):
                self.share -= sum(cell.share for cell in cells)
                value = self._record.get(self._named(cells))
                if value is None:
                    heapq.heappush(self._waiting, ((*key, number), cells))
                else:
                    self.share += sum(cell.share for cell in cells)
                    todo.append(((*key, number), value))
        if self._last is not None and not self.open:
            raise _Settled(self._last[1])

    def _note(self, name: str, found: list[Any]) -> None:
        if not any(reason for *_, reason, _ in found):  # what stayed open for want of time is tried again
            self._record.put(name, found)

    def _named(self, cells: Cells | None) -> str:
        return self._name + _digest(None if cells is None else [*map(left_plain, cells)])

    def whole(self) -> Found:
        """The proof, once all pieces are done."""
        leaves: list[Leaf] = []
        totals: list[dict[str, int]] = []
        marks: list[tuple[int, Path]] = []
        steps = Steps(self._steps(leaves, totals, marks))
        names = set(totals[0]).intersection(*totals)
        counts = {name: sum(own[name] for own in totals) for name in totals[0] if name in names}
        listed = "regions" in counts and counts["regions"] == len(leaves)
        leaves.sort(key=lambda leaf: [child for _, child in leaf.pattern])  # which is the order of the tree
        return Found(steps, leaves if listed else [], counts, marks=tuple(marks))

    def _steps(self, leaves: list[Leaf], totals: list[dict[str, int]], marks: list[tuple[int, Path]]) -> Iterator[Step]:
        """All steps in order; leaves, counts and marks are added to the lists on the way."""
        stack = list(self._found(None, leaves, totals))
        number = 0
        while stack:
            steps, left = stack[-1]
            for step in steps:
                if step == LEFT:
                    path, below = next(left)
                    if not marks or number - marks[-1][0] > BLOCK:
                        marks.append((number, path))
                    stack.append(below)
                    break
                number += 1
                yield step
            else:
                stack.pop()

    def _found(
        self, cells: Cells | None, leaves: list[Leaf], totals: list[dict[str, int]]
    ) -> Iterator[tuple[Iterator[Step], Iterator[tuple[Path, Any]]]]:
        """For each cell of a piece its steps; and the cells that were left there, each with the same, in order."""
        found = self._record.get(self._named(cells))
        if found is None:
            raise InvalidInput(f"{self._record.path}: expected what was written a moment ago, found it damaged")
        left = chain.from_iterable(
            zip((cell.path for cell in own), self._found(own, leaves, totals), strict=True) for own in _divided(found)
        )
        for steps, own, counts, *_ in found:
            totals.append(counts)
            if len(leaves) < LISTED:
                leaves += leaves_from(own)
            yield iter(steps), left


def _divided(found: Sequence[Any]) -> list[Cells]:
    """The cells that were left, in pieces."""
    cells = tuple(left_from(cell) for *_, left in found for cell in left)
    apart = cells[-APART:]
    rest = cells[: len(cells) - len(apart)]
    return ([rest] if rest else []) + [(cell,) for cell in apart]


def _digest(value: Any) -> str:
    return sha256(json.dumps(value).encode()).hexdigest()[:DIGITS]


def _found_below(question: Question, cells: Cells, every_gate: bool, deadline: Deadline, seconds: float) -> list[Any]:
    """What is found below the cells of a piece, as plain data; runs in any process."""
    found: list[Found] = []
    try:
        with time_limit(deadline.left + GRACE):
            trail, until = Trail(goal_of(question)), time.monotonic() + seconds
            for cell in cells:
                search = Search(question.violated, deadline.end, every_gate, until=until)
                late = bool(found) and time.monotonic() > until
                found.append(search.leave(cell) if late else search.go_on(trail, cell))
                if found[-1].witness is not None or found[-1].reason is not None:
                    break
    except OutOfTime:
        found.append(Found([], [], {"pruned": 0}, reason="out of time"))
    return [*map(found_plain, found)]
