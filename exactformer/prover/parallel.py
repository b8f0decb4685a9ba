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
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Any

from exactformer.errors import InvalidInput
from exactformer.kernel.claims import Goal
from exactformer.prover.here import goal_of, packed, question_of
from exactformer.prover.plain import answer_from, found_plain, leaves_from, left_from, path_of, runs_from, share_of
from exactformer.prover.question import Question
from exactformer.prover.search import Found, Path, Search, Trail
from exactformer.prover.steps import BLOCK, Packed, Steps
from exactformer.work import Deadline, OutOfTime, Record, Status, Work, spread, time_limit

SECONDS, AT_FIRST = 2.0, 0.2  # of a piece before its rest is divided; the second while there are few pieces
FEW = 3  # so many pieces a process are few
APART = 3  # of the cells that are left so many, nearest to the root and so the largest, are pieces of their own
GRACE = 0.5
LISTED = 20_000  # regions that are kept with their inequalities and maps
DIGITS = 32
Key = tuple[int, ...]  # of a piece: its place in the order of the tree


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


@dataclass(frozen=True)
class Piece:
    """Some cells that lie beside each other: their name in the record, their text, and their share of the tree."""

    name: str
    cells: str
    share: float


@dataclass(frozen=True)
class Below:
    """What was found below the cells of a piece: as it is written down, and what it says of the rest of the search."""

    text: str
    steps: int
    pruned: int
    answer: Found | None  # what ends the search
    pieces: tuple[Piece, ...]  # what was left

    @staticmethod
    def told(found: Sequence[Found], name: str) -> Below:
        """What was found, by a search whose pieces have names that begin so."""
        try:
            return Below.of([*map(found_plain, found)], name)
        except ValueError:  # Python prints no integer of more than 4300 digits
            reason = "numbers of more than 4300 digits, which no certificate can hold"
            return Below.of([found_plain(Found([], [], {"pruned": 0}, reason=reason))], name)

    @staticmethod
    def of(found: list[Any], name: str) -> Below:
        """What plain data say."""
        steps = sum(run[0] for runs, *_ in found for run in runs if run is not None)
        ended = [one for one in found if one[3] is not None or one[4] is not None]
        return Below(
            json.dumps(found, separators=(",", ":")),
            steps,
            sum(counts["pruned"] for _, _, counts, *_ in found),
            answer_from(ended[0]) if ended else None,
            tuple(_piece(cells, name) for cells in _divided(found)),
        )

    @property
    def late(self) -> bool:
        """Whether something stayed open for want of time."""
        return self.answer is not None and self.answer.reason is not None


class _Pieces(Sequence[tuple[Any, ...]]):
    """The pieces of a proof, as arguments for workers: the next one is chosen when somebody wants it."""

    def __init__(self, question: Question, every_gate: bool, deadline: Deadline, work: Work, record: Record) -> None:
        self._question, self._every_gate, self._deadline = question, every_gate, deadline
        self._work, self._record = work, record
        self._name = sha256(json.dumps([question.head, every_gate]).encode()).hexdigest()[:DIGITS]
        self._packed = packed(question)
        self._waiting: list[tuple[Key, Piece]] = []  # a heap: the first in the order of the tree comes next
        self._given: list[tuple[Key, Piece | None]] = []  # by their numbers; None: not wanted any more
        self._running: set[Key] = set()
        self._last: tuple[Key, Found] | None = None  # what ends the search, unless something before it does
        self.done = self.pruned = 0  # steps
        self.share = 1.0  # of the tree that is done

    def __len__(self) -> int:
        return len(self._given) + len(self._waiting)

    def __getitem__(self, number: Any) -> Any:
        if number == len(self._given):
            key, piece = heapq.heappop(self._waiting)
            needless = self._last is not None and key > self._last[0]
            self._given.append((key, None if needless else piece))
            self._running.add(key)
        own = self._given[number][1]
        few = not self._work.alone and self.open < FEW * self._work.jobs
        seconds = AT_FIRST if few else SECONDS
        cells = "[]" if own is None else own.cells
        return self._packed, cells, self._every_gate, self._deadline, seconds, self._name

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
        found = self._record.get(self._name)
        if found is None:
            until = time.monotonic() + (SECONDS if self._work.alone else AT_FIRST)
            search = Search(self._question.violated, self._deadline.end, self._every_gate, until=until)
            below = Below.told([search.run(goal)], self._name)
            self._note(self._name, below)
        else:
            below = Below.of(found, self._name)
        self._enter((), below)

    def finish(self, number: int, below: Below) -> None:
        """Take what was found of a piece into account. Raises `_Settled` where nothing else matters any more."""
        key, piece = self._given[number]
        self._given[number] = key, None
        self._running.discard(key)
        if piece is not None:
            self.share += piece.share
            self._note(piece.name, below)
            self._enter(key, below)
        if self._last is not None and not any(key < self._last[0] for key in self._open_keys()):
            raise _Settled(self._last[1])

    def _open_keys(self) -> Iterator[Key]:
        yield from self._running
        yield from (key for key, _ in self._waiting)

    def _enter(self, key: Key, below: Below) -> None:
        """What is known of a piece, and of those that it was divided into, as far as they are written down."""
        todo = [(key, below)]
        while todo:
            key, below = todo.pop()
            self.done += below.steps
            self.pruned += below.pruned
            if below.answer is not None and (self._last is None or key < self._last[0]):
                self._last = key, below.answer
            for number, piece in enumerate(below.pieces):
                found = self._record.get(piece.name)
                if found is None:
                    self.share -= piece.share
                    heapq.heappush(self._waiting, ((*key, number), piece))
                else:
                    todo.append(((*key, number), Below.of(found, self._name)))
        if self._last is not None and not self.open:
            raise _Settled(self._last[1])

    def _note(self, name: str, below: Below) -> None:
        if not below.late:  # what stayed open for want of time is tried again
            self._record.put_text(name, below.text)

    def whole(self) -> Found:
        """The proof, once all pieces are done."""
        leaves: list[str | None] = []
        totals: list[dict[str, int]] = []
        marks: list[tuple[int, Path]] = []
        steps = Steps(self._runs(leaves, totals, marks))
        names = set(totals[0]).intersection(*totals)
        counts = {name: sum(own[name] for own in totals) for name in totals[0] if name in names}
        listed = [leaf for own in leaves for leaf in leaves_from(own)] if 0 < counts.get("regions", 0) <= LISTED else []
        listed.sort(key=lambda leaf: [child for _, child in leaf.pattern])  # which is the order of the tree
        return Found(steps, listed, counts, marks=tuple(marks))

    def _runs(
        self, leaves: list[str | None], totals: list[dict[str, int]], marks: list[tuple[int, Path]]
    ) -> Iterator[Packed]:
        """All steps in order, packed; leaves, counts and marks are added to the lists on the way."""
        stack = list(self._found(self._name, leaves, totals))
        number = 0
        while stack:
            runs, left = stack[-1]
            run = next(runs, None)
            if run is None:
                stack.pop()
                continue
            yield run
            number += run.size
            if (cell := next(left, None)) is not None:
                path, below = cell
                if not marks or number - marks[-1][0] > BLOCK:
                    marks.append((number, path))
                stack.append(below)

    def _found(
        self, name: str, leaves: list[str | None], totals: list[dict[str, int]]
    ) -> Iterator[tuple[Iterator[Packed], Iterator[tuple[Path, Any]]]]:
        """For each cell of a piece its runs of steps, and the cells that were left there, each with the same."""
        found = self._record.get(name)
        if found is None:
            raise InvalidInput(f"{self._record.path}: expected what was written a moment ago, found it damaged")
        names = ((cells, _piece(cells, self._name).name) for cells in _divided(found))
        below = chain.from_iterable(self._found(own, leaves, totals) for cells, own in names)
        for runs, own, counts, _, _, left in found:
            totals.append(counts)
            leaves.append(own)
            yield iter(runs_from(runs)), zip(map(path_of, left), below, strict=False)


def _divided(found: Sequence[Any]) -> list[list[Any]]:
    """The cells that were left, in pieces."""
    cells = [cell for *_, left in found for cell in left]
    apart = cells[-APART:]
    rest = cells[: len(cells) - len(apart)]
    return ([rest] if rest else []) + [[cell] for cell in apart]


def _piece(cells: list[Any], name: str) -> Piece:
    """The piece of these cells, of a search whose pieces have names that begin so."""
    text = json.dumps(cells, separators=(",", ":"))
    digest = sha256(text.encode()).hexdigest()[:DIGITS]
    return Piece(name + digest, text, sum(map(share_of, cells)))


def _found_below(question: bytes, cells: str, every_gate: bool, deadline: Deadline, seconds: float, name: str) -> Below:
    """What is found below the cells of a piece; runs in any process."""
    found: list[Found] = []
    try:
        with time_limit(deadline.left + GRACE):
            trail, until = Trail(goal_of(question)), time.monotonic() + seconds
            for cell in map(left_from, json.loads(cells)):
                search = Search(question_of(question).violated, deadline.end, every_gate, until=until)
                late = bool(found) and time.monotonic() > until
                found.append(search.leave(cell) if late else search.go_on(trail, cell))
                if found[-1].witness is not None or found[-1].reason is not None:
                    break
    except OutOfTime:
        found.append(Found([], [], {"pruned": 0}, reason="out of time"))
    return Below.told(found, name)
