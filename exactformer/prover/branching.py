"""Best first: the cell whose bounds are furthest above what was found at points is split next.

Every conclusion f of the question asks how far -f can reach. Cells bound it from above, points from below; the tree of
cells is a proof that every f + offset is >= 0, for offsets of at least the bounds.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from exactformer.enclosure import bounds as ends
from exactformer.kernel.claims import Goal, follow
from exactformer.prover.cells import Point, Seen, Step, look
from exactformer.prover.pairs import Pairs
from exactformer.prover.question import Question
from exactformer.rational import nearly
from exactformer.work import Deadline

CHECKING = 2.5  # times what the cells took is kept for the kernel, which evaluates them again
LOOKING = 0.5  # of the time for a gate and its bounds the kernel takes again, about
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

    def leaves(self) -> Iterator[Part]:
        """The cells that are not split."""
        todo = [self]
        while todo:
            part = todo.pop()
            todo += part.children
            if not part.children:
                yield part

    def steps(self, offsets: Sequence[Fraction]) -> list[Step]:
        """The proof that each conclusion plus its offset is >= 0 on the cell."""
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
                proofs = [bound.proof(offset) for bound, offset in pairs]
                steps += [*part.before, ["holds", *(proof for proof in proofs if proof is not None)]]
        return steps


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
    whole: Goal | None = None  # the whole domain, evaluated with affine bounds
    cells: int = 0
    late: bool = False  # whether the time was over before the bounds were good enough
    cost: float = 0.0  # seconds that the kernel will take, about: those of what it evaluates again
    slowest: float = 0.0  # seconds that one cell took

    def __post_init__(self) -> None:
        outputs = [[0] * self.question.networks[run.network].outputs for run in self.question.runs(self._origin)]
        self.reached = [None] * len(self.question.claim.conclusions(*outputs))
        self.points = [None] * len(self.reached)

    @property
    def _origin(self) -> Point:
        return (Fraction(0),) * self.question.space.dimension

    def run(self, goal: Goal, *, split: bool = True) -> Part:
        """The tree of cells that was found; without `split` only the root."""
        root = self.root = Part(goal, [], self._look(goal))
        self.cells = 1
        if not self._good(root) and root.goal is not None and goal.stuck is None and self._boxed(goal):
            root = self.root = self._anew(goal, whole=True)
        heap = [(self._rank(root), 0, root)]
        while split and heap and not self._good(heap[0][2]) and not self._over():
            _, _, part = heapq.heappop(heap)
            if part.seen.split is None:
                continue
            for child in self._split(part):
                self.cells += 1
                heapq.heappush(heap, (self._rank(child), self.cells, child))
            self.progress(self.cells, len(heap))
        self.late = split and bool(heap) and not self._good(heap[0][2])
        return root

    def _over(self) -> bool:
        """Whether a point shows that the bounds cannot become good enough, or the rest of the time is the kernel's."""
        wanted = zip(self.reached, self.wanted(self.reached), strict=True)
        beyond = any(reach is not None and want is not None and reach > want for reach, want in wanted)
        kernel = CHECKING * (self.cost + 2 * self.slowest)  # with two more cells
        return beyond or self.deadline.left < kernel + 2 * self.slowest

    def tried(self, point: Point) -> None:
        """Take a point into account: what the conclusions reach there."""
        if not self.question.space.contains(point):
            return
        outputs = self.question.values(point)
        for i, value in enumerate(self.question.claim.conclusions(*outputs)):
            reach, old = -ends(value)[1], self.reached[i]
            if old is None or reach > old:
                self.reached[i], self.points[i] = reach, point

    def _look(self, goal: Goal) -> Seen:
        seen = look(goal, self.wanted(self.reached))
        for point in dict.fromkeys(seen.points):
            self.tried(point)
        return seen

    def _boxed(self, goal: Goal) -> bool:
        """Whether every variable is bounded, so that affine bounds are worth while."""
        atoms = goal.cell.atoms
        ends = zip(atoms.low[1 : atoms.inputs + 1], atoms.high[1 : atoms.inputs + 1], strict=True)
        return all(low is not None and high is not None for low, high in ends)

    def _anew(self, goal: Goal, *, whole: bool = False) -> Part:
        step: Step = ["anew", [[later, earlier] for later, earlier in self.pairs.items()]]
        started = time.monotonic()
        (child,) = follow(goal, step, "search")
        evaluated = child()
        cost = time.monotonic() - started
        if whole:
            self.whole = evaluated
        seen = self._look(evaluated)
        keep = seen.split is not None and seen.split[0] != "cut"
        self.cost += cost
        self.slowest = max(self.slowest, time.monotonic() - started)
        return Part(goal, [step], seen, evaluated if keep else None, cost=cost)

    def _split(self, part: Part) -> list[Part]:
        step, goal = part.seen.split, part.goal
        assert step is not None and goal is not None
        if step[0] == "cut":
            self.cost -= part.cost
            part.children = [self._anew(child()) for child in follow(goal, step, "search")]
        else:
            started = time.monotonic()
            children = [child() for child in follow(part.evaluated or goal, step, "search")]
            part.children = [Part(child, [], self._look(child)) for child in children]
            spent = time.monotonic() - started
            self.cost += LOOKING * spent
            self.slowest = max(self.slowest, spent / len(children))
        part.goal = part.evaluated = None
        return part.children

    def _good(self, part: Part) -> bool:
        """Whether nothing more is wanted of a cell."""
        return part.seen.empty is not None or (bool(part.seen.bounds) and self._excess(part) <= 0)

    def _rank(self, part: Part) -> float:
        if part.seen.empty is not None:
            return float("inf")
        return -self._excess(part) if part.seen.bounds else float("-inf")

    def _excess(self, part: Part) -> float:
        """By how much the bounds of a cell exceed what is wanted, at most."""
        worst = 0.0
        for bound, wanted in zip(part.seen.bounds, self.wanted(self.reached), strict=True):
            if bound.ceiling is None or wanted is None:
                return float("inf")
            if bound.ceiling > wanted:
                worst = max(worst, nearly(bound.ceiling - wanted) or 5e-324)
        return worst


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
