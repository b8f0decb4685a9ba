"""Best first: the cell whose bounds are furthest above what was found at points is split next.

Every conclusion f of the question asks how far -f can reach. Cells bound it from above, points from below; the tree of
cells is a proof that every f + offset is >= 0, for offsets of at least the bounds.

Cells are split in batches, whose size depends on the tree alone, and looked at with what was known when their batch
began: so the tree is the same however many processes there are. Other processes evaluate cells that cuts alone lead to,
for which they need no other cell. Gates are cheap once the cell above them has been evaluated, and are opened here.

Where the domain is cut first is planned by a sketch in floats, if there is one. The cells of the plan are evaluated
after it, as far as there is time; of the others the sketch's guess goes to the kernel, and a wrong one costs the tree.
The kernel may be slower than the search was, too. So time is kept for a coarser tree, and for the whole domain.
"""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from hashlib import sha256
from itertools import count
from typing import Any

from exactformer.enclosure import bounds as ends
from exactformer.errors import NumberTooLong
from exactformer.kernel.claims import Goal, follow
from exactformer.kernel.forms import ONE
from exactformer.prover.cells import FEW, Bound, Looked, Point, Seen, Step, box_of, look
from exactformer.prover.here import goal_of, packed
from exactformer.prover.pairs import Pairs
from exactformer.prover.plain import looked_from, looked_plain, plan_from, plan_plain
from exactformer.prover.planning import MOST_INPUTS, Box, Plan, planned
from exactformer.prover.question import Question
from exactformer.prover.sketch import Sketch
from exactformer.rational import nearly
from exactformer.work import ALONE, Deadline, Status, Work, Workers

CHECKING = 1.2  # times what the cells took is kept for the kernel, which evaluates them again
COARSE = 10  # should the kernel be late, or reject a guess: a tree that takes it so many times less is next,
SPARE = 3  # and after that the whole domain; so many times what each of them takes is kept for it
LOOKING = 0.5  # of the time for a gate and its bounds the kernel takes again, about
SHARE, MOST = 8, 16  # so many of the open cells make a batch: every eighth, at least one, at most sixteen
Path = tuple[tuple[Step, int], ...]  # splits from the whole domain, each with the number of the child
Reach = Fraction | None  # of a conclusion: None where nothing is known
Wanted = Callable[[Sequence[Reach]], list[Reach]]  # from what points reach: bounds that are good enough


@dataclass
class Part:
    """A cell of the tree: as its parent's split left it, evaluated anew or not, closed or split further."""

    goal: Goal | None
    before: list[Step]
    seen: Seen
    evaluated: Goal | None = None
    children: list[Part] = field(default_factory=list)
    cost: float = 0.0  # seconds of evaluating it anew
    path: Path = ()  # from the whole domain
    above: Part | None = None  # the cell of whose split it is the last one of its path

    def leaves(self) -> Iterator[Part]:
        """The cells that are not split."""
        todo = [self]
        while todo:
            part = todo.pop()
            todo += part.children
            if not part.children:
                yield part

    @property
    def guessed(self) -> bool:
        """Whether the bounds of some cell are only those of a sketch, which the kernel may not find."""
        return any(part.seen.guess for part in self.leaves())

    def steps(self, offsets: Sequence[Fraction], *, strict: bool = False) -> list[Step]:
        """The proof that each conclusion plus its offset is >= 0 (`strict`: > 0) on the cell."""
        steps: list[Step] = []
        todo = [self]
        while todo:
            part = todo.pop()
            if part.children:
                assert part.seen.split is not None
                steps += [*([] if part.seen.split[0] == "cut" else part.before), part.seen.split]
                todo += reversed(part.children)
            elif part.seen.empty is not None:
                steps += [*part.before, ["empty", part.seen.empty]]
            else:
                pairs = zip(part.seen.bounds, offsets, strict=True)
                proofs = [bound.proof(offset, strict=strict) for bound, offset in pairs]
                steps += [*part.before, ["holds", *(proof for proof in proofs if proof is not None)]]
        return steps


def anew(pairs: Pairs) -> Step:
    """The step that evaluates a cell from the start."""
    return ["anew", [[later, earlier] for later, earlier in pairs.items()]]


def evaluated(goal: Goal, pairs: Pairs) -> Goal:
    """The cell, evaluated from the start with affine bounds."""
    (child,) = follow(goal, anew(pairs), "search")
    return child()


def looked(goal: Goal, pairs: Pairs, wanted: list[Reach]) -> Looked:
    """What is found out about a cell, evaluated anew."""
    started = time.monotonic()
    found = evaluated(goal, pairs)
    cost = time.monotonic() - started
    return Looked(look(found, wanted), found, cost, time.monotonic() - started)


def _look_away(question: bytes, pairs: Pairs, path: Path, wanted: list[Reach]) -> Looked:
    """The same of a cell that cuts lead to from the whole domain; runs in any process."""
    goal = goal_of(question)
    for step, number in path:
        goal = follow(goal, step, "path")[number]()
    return replace(looked(goal, pairs, wanted), goal=None)


@dataclass
class Branching:
    """One search; it goes on until the bounds are good enough, nothing is left to split, or the time is over."""

    question: Question
    pairs: Pairs
    wanted: Wanted
    deadline: Deadline
    progress: Callable[[int, int], None] = lambda done, still_open: None
    reached: list[Reach] = field(init=False)
    points: list[Point | None] = field(init=False)
    root: Part | None = None  # the tree so far
    _start: Goal = field(init=False)  # the whole domain
    whole: Goal | None = None  # the whole domain, evaluated with affine bounds
    cells: int = 0
    late: bool = False  # whether the time was over before the bounds were good enough
    cost: float = 0.0  # seconds that the kernel will take, about: those of what it evaluates again
    slowest: float = 0.0  # seconds that one cell took
    work: Work = ALONE

    def __post_init__(self) -> None:
        outputs = [[0] * self.question.networks[run.network].outputs for run in self.question.runs(self._origin)]
        self.reached = [None] * len(self.question.claim.conclusions(*outputs))
        self.points = [None] * len(self.reached)

    @property
    def _origin(self) -> Point:
        return (Fraction(0),) * self.question.space.dimension

    def run(self, goal: Goal, *, split: bool = True) -> Part:
        """The tree of cells that was found; without `split` only the root."""
        self._start = goal
        root = self.root = Part(goal, [], look(goal, self.wanted(self.reached)))
        self._try(root)
        self.cells = 1
        if not self._good(root) and root.goal is not None and goal.stuck is None and self._boxed(goal):
            known = looked(goal, self.pairs, self.wanted(self.reached))
            self.whole = known.goal
            root = self.root = self._part(goal, known, (), None)
            self._try(root)
        order = count()
        parts = self._planned(root) if split and not self._good(root) else [root]
        heap = [(self._rank(part), next(order), part) for part in parts]
        heapq.heapify(heap)
        with Workers(self.work) as workers:
            while split and self._worst(heap) and not self._over():
                batch = [part for _ in range(self._batch(len(heap))) for part in self._popped(heap)]
                for child in self._split(batch, workers):
                    heapq.heappush(heap, (self._rank(child), next(order), child))
                self.progress(self.cells, len(heap))
                self.work.watch(Status("cells", self.cells, len(heap), workers=self.work.jobs))
        self.late = split and self._worst(heap)
        return root

    def _worst(self, heap: list[tuple[float, int, Part]]) -> bool:
        """Bring the cell whose bounds are worst to the front; False where all cells are good enough.

        Since they were ranked points may have reached further: some are good enough by now, and all are less urgent.
        """
        while heap:
            rank, number, part = heap[0]
            if self._good(part):
                heapq.heappop(heap)
            elif (now := self._rank(part)) > rank:
                heapq.heapreplace(heap, (now, number, part))
            else:
                return True
        return False

    def _popped(self, heap: list[tuple[float, int, Part]]) -> list[Part]:
        """The cell whose bounds are worst, taken from the heap; none where all are good enough."""
        return [heapq.heappop(heap)[2]] if self._worst(heap) else []

    def _batch(self, still_open: int) -> int:
        """How many cells are split at once: fewer, where the time would be over before."""
        size = min(max(1, still_open // SHARE), MOST)
        while size > 1 and self._over(size):
            size //= 2
        return size

    def _over(self, cells: int = 1) -> bool:
        """Whether a point shows that the bounds cannot become good enough, or the kernel needs the rest of the time.

        That is, after so many cells more have been split.
        """
        wanted = zip(self.reached, self.wanted(self.reached), strict=True)
        beyond = any(reach is not None and want is not None and self._worse(reach, want) for reach, want in wanted)
        more = 2 * cells * self.slowest  # two more cells of each
        return beyond or self.deadline.left < self._kernel(self.cost + more) + more

    def _kernel(self, seconds: float) -> float:
        """The time to keep for the kernel where the cells of the tree took so many seconds."""
        whole = self.root.cost if self.root is not None else 0.0
        return CHECKING * seconds + SPARE * (seconds / COARSE + whole)

    def tried(self, point: Point) -> None:
        """Take a point into account: what the conclusions reach there."""
        if not self.question.space.contains(point):
            return
        outputs = self.question.values(point)
        for i, value in enumerate(self.question.claim.conclusions(*outputs)):
            reach, old = -ends(value)[1], self.reached[i]
            if old is None or reach > old:
                self.reached[i], self.points[i] = reach, point

    def _boxed(self, goal: Goal) -> bool:
        """Whether every variable is bounded, so that affine bounds are worth while."""
        atoms = goal.cell.atoms
        ends = zip(atoms.low[1 : atoms.inputs + 1], atoms.high[1 : atoms.inputs + 1], strict=True)
        return all(low is not None and high is not None for low, high in ends)

    def _planned(self, root: Part) -> list[Part]:
        """The cells into which the whole domain is cut by a sketch, with guesses at their bounds; itself for none."""
        sketch = Sketch.of(self.question, self.pairs) if root.seen.split and root.seen.split[0] == "cut" else None
        if sketch is None or root.goal is None or self.question.space.dimension > MOST_INPUTS:
            return [root]
        box: Box = tuple(box_of(root.goal))  # type: ignore[arg-type]
        wanted = [nearly(want or Fraction(0)) for want in self.wanted(self.reached)]

        def took(own: Box) -> float:
            if own == box or root.goal is None:
                return root.cost
            inside = root.goal
            for (v, (low, high)), (least, most) in zip(enumerate(own), box, strict=True):
                inside = follow(inside, _cut(v, low), "timing")[0]() if low > least else inside
                inside = follow(inside, _cut(v, high), "timing")[1]() if high < most else inside
            started = time.monotonic()
            evaluated(inside, self.pairs)
            return time.monotonic() - started

        def room(seconds: float) -> bool:
            return self.deadline.left > self._kernel(seconds)

        name = self._named("plan", wanted)
        value = None if self.work.record is None else self.work.record.get(name)
        whole, pace = (
            planned(sketch, box, wanted, FEW, took, room, self.progress) if value is None else plan_from(value)
        )
        if value is None:
            self._note(name, plan_plain(whole, pace))
        return list(self._grown(root, whole, pace))

    def _grown(self, root: Part, whole: Plan, pace: float) -> Iterator[Part]:
        """Split a cell as planned; its leaves. Each of their open units takes `pace` seconds."""
        todo = [(root, whole)]
        while todo:
            part, plan = todo.pop()
            if plan.cut is None:
                yield part
                continue
            step = _cut(*plan.cut)
            assert part.goal is not None
            children = []
            for number, (side, own) in enumerate(zip(follow(part.goal, step, "plan"), plan.parts, strict=True)):
                seen = Seen(tuple(Bound(None, Fraction(top)) for top in own.tops), None, guess=True)
                path, cost = (*part.path, (step, number)), pace * own.opened
                children.append(Part(side(), [anew(self.pairs)], seen, cost=cost, path=path, above=part))
            todo += zip(children, plan.parts, strict=True)
            self.cost += sum(child.cost for child in children) - part.cost
            part.seen, part.goal, part.evaluated, part.children = replace(part.seen, split=step), None, None, children
            self.cells += 2

    def _split(self, batch: Sequence[Part], workers: Workers) -> list[Part]:
        """The children of some cells, looked at with what is known before."""
        wanted, children = self.wanted(self.reached), []
        known = self._known(batch, wanted, workers)
        for part in batch:
            if part.seen.guess:
                self._settle(part, wanted, known)
                children.append(part)
            elif part.seen.split is not None:
                part.children = self._children(part, part.seen.split, wanted, known)
                part.goal = part.evaluated = None
                self.cells += len(part.children)
                children += part.children
        for child in children:
            self._try(child)
        return children

    def _try(self, part: Part) -> None:
        for point in dict.fromkeys(part.seen.points):
            self.tried(point)

    def _children(self, part: Part, step: Step, wanted: list[Reach], known: dict[str, Looked]) -> list[Part]:
        """The children of one cell; `known` is what has been found out elsewhere, or before."""
        if step[0] == "cut":
            self.cost -= part.cost
            children = []
            for number, side in enumerate(follow(self._goal(part), step, "search")):
                path, goal = (*part.path, (step, number)), side()
                children.append(self._part(goal, self._looked(goal, path, wanted, known), path, part))
            return children
        name = self._named([*part.path, step], wanted)
        value = None if self.work.record is None else self.work.record.get(name)
        goals: Sequence[Goal | None]
        if value is not None:
            found = [*map(looked_from, value)]
            goals = [None] * len(found)
        else:
            started = time.monotonic()
            goals = [child() for child in follow(self._opened(part), step, "search")]
            seen = [look(goal, wanted) for goal in goals if goal is not None]
            spent = (time.monotonic() - started) / len(goals)
            found = [Looked(own, None, LOOKING * spent, spent) for own in seen]
            self._note(name, [*map(looked_plain, found)])
        self.cost += sum(own.cost for own in found)
        self.slowest = max(self.slowest, *(own.seconds for own in found))
        return [
            Part(goal, [], own.seen, cost=own.cost, path=(*part.path, (step, number)), above=part)
            for number, (goal, own) in enumerate(zip(goals, found, strict=True))
        ]

    def _settle(self, part: Part, wanted: list[Reach], known: dict[str, Looked]) -> None:
        """Evaluate a cell that was only sketched."""
        self.cost -= part.cost
        goal = self._goal(part)
        own = self._part(goal, self._looked(goal, part.path, wanted, known), part.path, part.above)
        part.seen, part.evaluated, part.cost = own.seen, own.evaluated, own.cost

    def _part(self, goal: Goal, known: Looked, path: Path, above: Part | None) -> Part:
        """A cell that was evaluated anew."""
        keep = known.goal if known.seen.split is not None and known.seen.split[0] != "cut" else None
        self.cost += known.cost
        self.slowest = max(self.slowest, known.seconds)
        return Part(goal, [anew(self.pairs)], known.seen, keep, cost=known.cost, path=path, above=above)

    def _goal(self, part: Part) -> Goal:
        """The cell, made again where it was not kept."""
        if part.goal is None:
            if part.above is None:
                part.goal = self._start
            else:
                step, number = part.path[-1]
                above = self._goal(part.above) if step[0] == "cut" else self._opened(part.above)
                part.goal = follow(above, step, "search")[number]()
        return part.goal

    def _opened(self, part: Part) -> Goal:
        """The cell evaluated anew, if it was, to split its gates."""
        if not part.before:
            return self._goal(part)
        if part.evaluated is None:
            part.evaluated = evaluated(self._goal(part), self.pairs)
        return part.evaluated

    def _looked(self, goal: Goal, path: Path, wanted: list[Reach], known: dict[str, Looked]) -> Looked:
        """What is found out about a cell, unless it is known."""
        name = self._named(path, wanted)
        if name not in known:
            known[name] = looked(goal, self.pairs, wanted)
            self._note(name, looked_plain(known[name]))
        return known[name]

    def _known(self, batch: Sequence[Part], wanted: list[Reach], workers: Workers) -> dict[str, Looked]:
        """What has been written down, or other workers find out, of sketched cells and of both sides of cut ones."""
        known: dict[str, Looked] = {}
        tasks: dict[str, tuple[bytes, Pairs, Path, list[Reach]]] = {}
        for part in batch:
            path, split = part.path, part.seen.split
            cut = [(*path, (split, n)) for n in (0, 1)] if split is not None and split[0] == "cut" else []
            for own in [path] if part.seen.guess else cut:
                name = self._named(own, wanted)
                value = None if self.work.record is None else self.work.record.get(name)
                if value is not None:
                    known[name] = looked_from(value)
                elif not self.work.alone and all(step[0] == "cut" for step, _ in own):
                    tasks[name] = self._question, self.pairs, own, wanted
        names = list(tasks)
        for number, found in workers.results(_look_away, list(tasks.values()), deadline=self.deadline):
            known[names[number]] = found
            self._note(names[number], looked_plain(found))
        return known

    def _named(self, *what: Any) -> str:
        """The key under which something about this search is written down."""
        if self.work.record is None and self.work.alone:
            return str(what)
        text = json.dumps([sha256(self._question).hexdigest(), sorted(self.pairs.items()), what], default=str)
        return f"cells/{sha256(text.encode()).hexdigest()[:32]}"

    def _note(self, name: str, value: Any) -> None:
        if self.work.record is not None:
            with suppress(NumberTooLong):  # it is found out again another time
                self.work.record.put(name, value)

    @cached_property
    def _question(self) -> bytes:
        return packed(self.question)

    def _good(self, part: Part) -> bool:
        """Whether nothing more is wanted of a cell."""
        seen = part.seen
        return seen.empty is not None or (bool(seen.bounds) and not seen.guess and self._excess(part) <= 0)

    def _worse(self, ceiling: Fraction, wanted: Fraction) -> bool:
        """Whether a bound is not good enough."""
        return ceiling > wanted or (self.question.claim.strict and ceiling == wanted)

    def trees(self) -> Iterator[tuple[Part, float]]:
        """The tree that was found and coarser ones, each with the seconds to keep for the kernel."""
        if self.root is None:
            return
        yield self.root, CHECKING * self.cost
        size = len(list(self.root.leaves()))
        for room in (self.cost / COARSE, 0.0):
            tree, seconds = self._coarser(self.root, room)
            tops, cells = ceilings(tree), len(list(tree.leaves()))
            if cells < size and tops and None not in tops:
                yield tree, SPARE * seconds
                size = cells

    def _coarser(self, root: Part, room: float) -> tuple[Part, float]:
        """The tree again, grown best first as long as the kernel takes no more than so many seconds; what it takes."""
        result, order = Part(None, root.before, root.seen), count()
        heap, seconds = [(self._rank(root), next(order), root, result)], root.cost
        while heap:
            _, _, part, own = heapq.heappop(heap)
            cut = part.seen.split is not None and part.seen.split[0] == "cut"
            more = sum(child.cost for child in part.children) - (part.cost if cut else 0.0)
            if part.children and seconds + more <= room:
                seconds += more
                own.children = [Part(None, child.before, child.seen) for child in part.children]
                for pair in zip(part.children, own.children, strict=True):
                    heapq.heappush(heap, (self._rank(pair[0]), next(order), *pair))
        return result, seconds

    def _rank(self, part: Part) -> float:
        if part.seen.empty is not None:
            return float("inf")
        if not part.seen.bounds:
            return float("-inf")
        return -max(self._excess(part), 5e-324 if part.seen.guess else 0.0)  # guesses before what is good

    def _excess(self, part: Part) -> float:
        """By how much the bounds of a cell exceed what is wanted, at most."""
        # Of the largest of several forms the kernel keeps those that may be the largest, which a sketch does not know.
        worst = 5e-324 if part.seen.guess and self.question.claim.strict else 0.0
        for bound, wanted in zip(part.seen.bounds, self.wanted(self.reached), strict=True):
            if bound.ceiling is None or wanted is None:
                return float("inf")
            if self._worse(bound.ceiling, wanted):
                worst = max(worst, nearly(bound.ceiling - wanted) or 5e-324)
        return worst


def _cut(v: int, at: Fraction) -> Step:
    """The step that cuts a cell where an input has a value: first where it is larger, then where it is smaller."""
    return ["cut", [[v + 1, 1], [ONE, str(-at)]]]


def ceilings(root: Part) -> list[Reach]:
    """What the cells say of each conclusion, together: it reaches at most so far."""
    result: list[Reach] | None = None
    for part in root.leaves():
        if part.seen.empty is not None:
            continue
        own = [bound.ceiling for bound in part.seen.bounds] or None
        if own is None:
            return []
        result = own if result is None else [_larger(a, b) for a, b in zip(result, own, strict=True)]
    return result or []


def _larger(a: Reach, b: Reach) -> Reach:
    return None if a is None or b is None else max(a, b)
