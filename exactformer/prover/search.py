"""The search for a proof tree: which gate or comparison to split, how to close a cell, where to look for a witness.

Everything is expressed in rules of the kernel; the search only chooses. A proof is the list of steps of one walk
through the tree in preorder, in the form the certificate stores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import inf, lcm
from typing import Any

from exactformer.kernel.cell import Cell
from exactformer.kernel.claims import Child, Goal, follow
from exactformer.kernel.forms import ONE, ZERO, Form, difference, normal_form
from exactformer.kernel.reading import Rejected
from exactformer.kernel.semantics import Run
from exactformer.polyhedra.lp import Inside, Minimum, Outside, Point, Program, Row, interior, whole
from exactformer.prover.choice import differing_gate, levels, outputs_of
from exactformer.prover.pairing import closing, paired
from exactformer.prover.relaxation import Relaxation, references

Step = list[Any]
Path = tuple[tuple[Step, int], ...]  # from the root: a step and the number of the child, and so on
LEFT: Step = ["left"]  # where the steps of a cell belong that is left to another search
SAMPLES = 8  # interior points kept of a cell: each that shows a second winner spares a linear program


@dataclass(frozen=True)
class Leaf:
    """A full-dimensional leaf of a region-by-region proof, as plain data.

    `left` and `right` hold one row an output: its coefficients on the inputs, then its constant.
    """

    rows: tuple[Row, ...]  # the domain's rows and those of the splits
    point: Point  # an interior point
    pattern: tuple[tuple[str, int], ...]
    left: tuple[tuple[Fraction, ...], ...]
    right: tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class Left:
    """A cell that is left to another search, as plain data: from it the very subtree is found that would be found here.

    Its inequalities are those of the domain and of the path; `numbers` and `points` are the polytope's, if it has one.
    """

    path: Path
    numbers: tuple[int, ...] = ()
    points: tuple[Point, ...] = ()
    level: int = 0
    pending: tuple[str, ...] | None = None
    since: int = 0  # steps of the path after which the pending gates were read
    flat: bool = False
    share: float = 1.0  # of the tree, about: for progress only
    refutation: list[list[Any]] | None = None


@dataclass(frozen=True)
class Found:
    """What a search ended with: a whole proof, or a point where the two sides differ, or the reason for neither."""

    steps: Sequence[Step]
    leaves: list[Leaf]
    counts: dict[str, int]
    witness: Point | None = None
    reason: str | None = None
    left: tuple[Left, ...] = ()  # for each step `LEFT`, in order: the cell whose subtree belongs there
    marks: tuple[tuple[int, Path], ...] = ()  # of some steps: their numbers, and the cells from which they are taken


@dataclass(frozen=True)
class Polytope:
    """A full-dimensional cell over its inputs: a linear program, the cell's number of each row, an interior point.

    Rows that the others imply may be missing.
    """

    program: Program
    numbers: tuple[int, ...]
    points: tuple[Point, ...]  # some interior points, at least one

    def cut(self, rows: Sequence[Row], first: int, point: Point) -> Polytope:
        """The polytope cut by further rows, numbered from `first` on, around a point inside."""
        numbers = (*self.numbers, *range(first, first + len(rows)))
        kept = [p for p in self.points if p != point and _winner([rows], p) == 0]
        return Polytope(Program([*self.program.rows, *rows], self.program.dimension), numbers, (point, *kept[:SAMPLES]))

    def with_points(self, points: Iterable[Point]) -> Polytope:
        """The same polytope, with more interior points known."""
        return replace(self, points=tuple(dict.fromkeys((*self.points, *points))))


@dataclass(frozen=True)
class Gate:
    """A gate whose candidates are affine in the inputs on a cell, and so on every cell inside it."""

    place: str
    forms: tuple[Form, ...]
    rows: tuple[Row, ...]  # the candidates over the inputs, over one denominator
    wins: tuple[tuple[Row, ...], ...]  # for each candidate its differences to the others: the rows of its child
    shape: object  # the class of the set

    @staticmethod
    def on(cell: Cell, place: str) -> Gate:
        """The gate at a place, on a cell that decides all atoms below it."""
        forms, n = cell.candidates(place), cell.atoms.inputs
        common = lcm(*(form.den for form in forms))
        rows = tuple(_input_row(Form({v: c * (common // f.den) for v, c in f.terms.items()}), n) for f in forms)
        wins = tuple(tuple(_input_row(difference(f, g), n) for g in forms if g is not f) for f in forms)
        return Gate(place, tuple(forms), rows, wins, normal_form(forms).shape)

    def decided(self, cell: Cell) -> bool:
        """Whether the splits on the path have decided it."""
        return len(self.forms) == 1 or self.shape in cell.classes

    def contested(self, points: Sequence[Point]) -> bool:
        """Whether two of the points have different winners."""
        winners = set()
        for point in points:
            numerators, den = whole(point)
            values = [sum(map(int.__mul__, a, numerators)) + b * den for a, b in self.rows]
            best = max(values)
            if values.count(best) == 1:
                winners.add(values.index(best))
        return len(winners) > 1


@dataclass(frozen=True)
class Node:
    """A cell still to be closed, with what the search knows about it."""

    goal: Goal | None  # None on a cell that is certainly empty
    refutation: list[list[Any]] | None = None  # multipliers that prove the cell empty
    polytope: Polytope | None = None  # for the method `regions`, while every gate so far is decided on the cell
    level: int = 0  # regions: the gates of all lower levels are decided
    pending: tuple[Gate, ...] | None = None  # regions: the gates of this level not decided yet
    pattern: tuple[tuple[str, int], ...] = ()
    flat: bool = False
    path: Path = ()
    since: int = 0  # regions: steps of the path after which the pending gates were read
    fresh: bool = False  # whether the last step of the path cut the polytope: its linear program has no past
    share: float = 1.0  # of the tree, about

    @property
    def left(self) -> Left | None:
        """The cell as it is left to another search; None while its linear program would not be the same there."""
        if self.goal is None or (self.polytope is not None and not self.fresh):
            return None
        numbers, points = ((), ()) if self.polytope is None else (self.polytope.numbers, self.polytope.points)
        pending = None if self.pending is None else tuple(gate.place for gate in self.pending)
        return Left(self.path, numbers, points, self.level, pending, self.since, self.flat, self.share, self.refutation)


@dataclass(frozen=True)
class Probe:
    """Who wins a gate where on a cell: interior points and refutations by candidate; the others are flat."""

    points: dict[int, Point]
    refuted: dict[int, list[list[Any]]]


class Trail:
    """The cells on the way to the one that was wanted last: those with which it begins need not be made again."""

    def __init__(self, goal: Goal) -> None:
        self._goals = [goal]
        self._path: list[tuple[Step, int]] = []

    def goal(self, path: Sequence[tuple[Step, int]]) -> Goal:
        """The cell to which a path leads from the whole domain."""
        pairs = enumerate(zip(self._path, path, strict=False))
        common = next((i for i, (old, new) in pairs if old != new), min(len(self._path), len(path)))
        if common == len(path):
            return self._goals[common]
        del self._goals[common + 1 :], self._path[common:]
        for step, child in path[common:]:
            self._goals.append(follow(self._goals[-1], step, "path")[child]())
            self._path.append((step, child))
        return self._goals[-1]


@dataclass
class Search:
    """One walk: depth first, closing what it can and splitting the rest.

    What is found below a cell depends on the cell alone. So a walk may end at any time and leave its cells to others:
    all steps together are the same, however they were divided.
    """

    violated: Callable[[Point], bool]  # whether a point is a counterexample
    deadline: float
    every_gate: bool  # the method `regions`
    progress: Callable[[int, int], None] = lambda closed, still_open: None
    until: float = inf  # when cells are left to other searches
    countable: bool = True  # whether the leaves are the regions
    levels: list[tuple[str, ...]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"regions": 0, "flat": 0, "pruned": 0})

    def run(self, goal: Goal) -> Found:
        """Close the goal, the whole domain; it stays as it is."""
        goal, self.steps = paired(goal, lambda: time.monotonic() > self.deadline)
        path = tuple((step, 0) for step in self.steps)
        last = closing(goal) if path else None
        if last is not None and self._accepted(goal, last):
            self._close(last, None)
            return self._found()
        return self._walk([replace(self._root(goal), path=path)], goal)

    def go_on(self, trail: Trail, cell: Left) -> Found:
        """Close a cell that another search has left, and everything below it."""
        return self._walk([self._taken(trail, cell)], trail.goal(()))

    def leave(self, cell: Left) -> Found:
        """Leave the cell to another search, as it is."""
        self.left.append(cell)
        self._close(LEFT, None)
        return self._found()

    def _walk(self, stack: list[Node], goal: Goal) -> Found:
        while stack:
            now = time.monotonic()
            if now > self.deadline:
                return self._found(reason=f"out of time after {len(self.steps)} steps, with {len(stack)} cells open")
            if now > self.until and self.steps and all(node.goal is None or node.left for node in stack):
                return self._leave(stack)
            try:
                result = self._expand(stack.pop())
            except Unsettled:
                return self._found(reason=_unsettled(goal))
            if isinstance(result, list):
                stack += reversed(result)
            else:
                return self._found(witness=result)
            self.progress(len(self.steps), len(stack))
        return self._found()

    def _leave(self, stack: Sequence[Node]) -> Found:
        """Leave all cells to other searches."""
        for node in reversed(stack):
            if (cell := node.left) is None:
                self._close(["empty", node.refutation], "pruned")
            else:
                self.left.append(cell)
                self._close(LEFT, None)
        return self._found()

    def _taken(self, trail: Trail, cell: Left) -> Node:
        """The cell that another search has left."""
        if self.every_gate:
            self.levels = levels(trail.goal([item for item in cell.path if item[0][0] == "bound"]))
        goal, pending, polytope = trail.goal(cell.path), None, None
        if cell.pending is not None:
            before = trail.goal(cell.path[: cell.since]).opened().cell
            pending = tuple(Gate.on(before, place) for place in cell.pending)
        if cell.points:
            n = goal.cell.atoms.inputs
            program = Program(_input_rows([goal.cell.rows[i] for i in cell.numbers], n), n)
            polytope = Polytope(program, cell.numbers, cell.points)
        pattern = tuple((step[1], child) for step, child in cell.path if step[0] == "gate")
        node = Node(goal, cell.refutation, polytope, cell.level, pending, pattern, cell.flat, cell.path, cell.since)
        return replace(node, fresh=True, share=cell.share)

    def _root(self, goal: Goal) -> Node:
        n = goal.cell.atoms.inputs
        if not self.every_gate or goal.stuck is not None:
            self.countable = False
            return Node(goal)
        self.levels = levels(goal)
        rows = _input_rows(goal.cell.rows, n)
        answer = interior(rows, n)
        if isinstance(answer, Outside):
            return Node(goal, flat=True)
        return Node(goal, polytope=Polytope(Program(rows, n), tuple(range(len(rows))), (answer.point,)))

    def _found(self, witness: Point | None = None, reason: str | None = None) -> Found:
        counted = self.every_gate and self.countable
        counts, leaves = (self.counts, self.leaves) if counted else ({"pruned": self.counts["pruned"]}, [])
        return Found(self.steps, leaves, counts, witness, reason, tuple(self.left))

    def _expand(self, node: Node) -> list[Node] | Point:
        """One step: the children to close next (none after a closing step), or a point where the sides differ."""
        goal = node.goal
        if node.refutation is not None:
            step = ["empty", node.refutation]
            if goal is None or self._accepted(goal, step):
                return self._close(step, "pruned")
            node = replace(node, refutation=None)
        assert goal is not None
        if goal.stuck is not None:
            return self._compare(node, goal)
        if node.polytope is not None and node.level < len(self.levels):
            return self._split_region(node, goal, node.polytope)
        seen = goal.opened()
        if seen.obligations():
            if goal.statement.equations:
                self.countable &= node.flat  # what is open on the right side may cut this region further
            return self._different(node, goal, seen)
        return self._holds(["holds"], node, seen)

    def _holds(self, step: Step, node: Node, seen: Goal) -> list[Node]:
        """Close a cell on which the claim holds."""
        if node.polytope is None or not self.countable:
            return self._close(step, "flat" if node.flat else None)
        sides = [_affine(seen.cell, run) for run in seen.runs]
        self.leaves.append(
            Leaf(tuple(node.polytope.program.rows), node.polytope.points[0], node.pattern, sides[0], sides[-1])
        )
        return self._close(step, "regions")

    @staticmethod
    def _accepted(goal: Goal, step: Step) -> bool:
        """Whether the kernel accepts a closing step here, as it will when it checks the proof."""
        try:
            follow(goal, step, "search")
        except Rejected:
            return False
        return True

    def _close(self, step: Step, kind: str | None) -> list[Node]:
        self.steps.append(step)
        if kind:
            self.counts[kind] += 1
        return []

    # --- regions ----------------------------------------------------------------------------------

    def _split_region(self, node: Node, goal: Goal, polytope: Polytope) -> list[Node]:
        """Settle the next gate of the cell's level: one that is decided on the whole cell if any is, else split one."""
        if node.pending is None:
            cell = goal.opened().cell
            gates = tuple(Gate.on(cell, place) for place in self.levels[node.level])
            node = replace(node, pending=gates, since=len(node.path))
        undecided: list[Gate] = []
        for number, gate in enumerate(node.pending or (), start=1):
            if gate.decided(goal.cell):
                continue
            if not gate.contested(polytope.points):
                probe = self._probe(goal.cell, polytope, gate)
                if len(probe.points) == 1:
                    return self._children(
                        node, goal, polytope, gate, probe, (*undecided, *(node.pending or ())[number:])
                    )
                polytope = polytope.with_points(probe.points.values())
            undecided.append(gate)
        if undecided:
            probe = self._probe(goal.cell, polytope, undecided[0])
            polytope = polytope.with_points(probe.points.values())
            return self._children(node, goal, polytope, undecided[0], probe, tuple(undecided[1:]))
        return [replace(node, level=node.level + 1, pending=None)]

    def _children(
        self, node: Node, goal: Goal, polytope: Polytope, gate: Gate, probe: Probe, rest: tuple[Gate, ...]
    ) -> list[Node]:
        step = ["gate", gate.place]
        self.steps.append(step)
        first, alone = len(goal.cell.rows), len(probe.points) == 1
        result = []
        for j, child in enumerate(follow(goal, step, "search")):
            path, share = (*node.path, (step, j)), node.share / max(1, len(probe.points))
            if j in probe.refuted:
                result.append(Node(None, refutation=probe.refuted[j]))
            elif j not in probe.points:
                result.append(Node(child(), flat=True, path=path, share=0.0))
            else:
                own = polytope if alone else polytope.cut(gate.wins[j], first, probe.points[j])
                pattern = (*node.pattern, (gate.place, j))
                inside = replace(node, goal=child(), polytope=own, pending=rest, pattern=pattern, path=path)
                result.append(replace(inside, fresh=not alone, share=share))
        return result

    def _probe(self, cell: Cell, polytope: Polytope, gate: Gate) -> Probe:
        """Where each candidate of a gate wins: at the interior point, where it comes closest, or nowhere."""
        probe = Probe({}, {})
        program, first = polytope.program, len(cell.rows)
        flat: set[int] = set()
        winner = _winner(gate.wins, polytope.points[0])
        if winner is not None:
            probe.points[winner] = polytope.points[0]
            for rival in range(len(gate.forms)):
                if rival not in probe.points:
                    self._rival(polytope, gate, probe, winner, rival, first, flat)
        for j, rows in enumerate(gate.wins):
            if j in probe.points or j in probe.refuted or j in flat:
                continue
            both = [*program.rows, *rows]
            answer = interior(both, cell.atoms.inputs)
            if isinstance(answer, Inside):
                probe.points[j] = answer.point
            elif sum(v * both[i][1] for i, v in answer.multipliers.items()) < 0:
                numbers = (*polytope.numbers, *range(first, first + len(rows)))
                probe.refuted[j] = references(answer.multipliers, numbers)
        return probe

    @staticmethod
    def _rival(
        polytope: Polytope, gate: Gate, probe: Probe, winner: int, rival: int, first: int, flat: set[int]
    ) -> None:
        """Decide whether the rival wins anywhere: where winner - rival is smallest, or near there inside the cell."""
        gap = gate.wins[winner][rival - (rival > winner)]
        answer = polytope.program.minimise(gap)
        if not isinstance(answer, Minimum):
            return
        if answer.value > 0:  # gap = value + sum l row, and the rival's cell has the row -gap >= 0
            own = len(polytope.numbers)
            numbers = (*polytope.numbers, first + winner - (winner > rival))
            probe.refuted[rival] = references({**answer.multipliers, own: Fraction(1)}, numbers)
        elif answer.value == 0:
            flat.add(rival)
        elif _at(gap, answer.point) < 0:
            near = _towards(answer.point, polytope.points[0], gap)
            other = _winner(gate.wins, near)
            if other is not None:
                probe.points.setdefault(other, near)

    # --- where the sides differ -------------------------------------------------------------------

    def _different(self, node: Node, goal: Goal, seen: Goal) -> list[Node] | Point:
        """Close a cell on which some gap is not the zero form, or split it, or return a witness."""
        relaxation = Relaxation.of(seen, seen.obligations())
        feasible = relaxation.inside()
        if isinstance(feasible, Outside):
            step = ["empty", relaxation.combination(feasible.multipliers)[1]]
            if self._accepted(goal, step):
                return self._close(step, "pruned")
            return self._split_somewhere(node, goal, seen, ZERO)
        point = relaxation.inputs(feasible.point)
        if self.violated(point):
            return point
        proofs, strict = list[list[Any]](), bool(goal.statement.groups)
        for goal_form in seen.obligations():
            answer = relaxation.minimise(goal_form)
            if isinstance(answer, Minimum) and (answer.value > 0 or (answer.value == 0 and not strict)):
                weight, references = relaxation.combination(answer.multipliers)
                proofs.append([format(weight, "x"), references])
                continue
            witness = relaxation.witness(goal_form, answer, feasible.point, self.violated)
            if witness is not None:
                return witness
            return self._split_somewhere(node, goal, seen, goal_form)
        step = ["holds", *proofs]
        if self._accepted(goal, step):
            return self._holds(step, node, seen)
        return self._split_somewhere(node, goal, seen, ZERO)

    def _split_somewhere(self, node: Node, goal: Goal, seen: Goal, unproved: Form) -> list[Node]:
        """Split the gate that helps most with a form; a cell without atoms is settled, so there is one."""
        place = differing_gate(seen, unproved)
        if place is None:
            raise Unsettled
        step = ["gate", place]
        return [child for child, _ in self._split(node, step, follow(goal, step, "search"))]

    def _split(self, node: Node, step: Step, children: Sequence[Child]) -> list[tuple[Node, Goal]]:
        self.steps.append(step)
        goals = [child() for child in children]
        return [
            (Node(goal, flat=node.flat, path=(*node.path, (step, j)), share=node.share / len(goals)), goal)
            for j, goal in enumerate(goals)
        ]

    def _compare(self, node: Node, goal: Goal) -> list[Node] | Point:
        """Split on which of two tokens of the stuck head has the larger score."""
        scores, sign = goal.stuck or {}, goal.opened().cell.sign
        first, second = next(
            (a, b) for a in scores for b in scores if a < b and sign(difference(scores[a], scores[b])) is None
        )
        step = ["compare", first, second]
        result = []
        for child, below in self._split(node, step, follow(goal, step, "search")):
            relaxation = Relaxation.of(below.opened(), ())
            feasible = relaxation.inside()
            if isinstance(feasible, Outside):
                child = replace(child, refutation=relaxation.combination(feasible.multipliers)[1])
            elif self.violated(relaxation.inputs(feasible.point)):
                return relaxation.inputs(feasible.point)
            result.append(child)
        return result


class Unsettled(Exception):
    """A cell without an open gate on which no closing step is accepted: a defect, unless there is softmax."""


def _unsettled(goal: Goal) -> str:
    if any(job.semantics.soft for job in goal.statement.jobs):
        return "softmax is not split, and its bounds alone do not settle the claim"
    return "no gate is left to split where the claim is not settled; please report it"


def _input_rows(rows: Iterable[tuple[Form, bool]], n: int) -> list[Row]:
    """Rows over the inputs alone."""
    return [_input_row(form, n) for form, _ in rows]


def _input_row(form: Form, n: int) -> Row:
    return tuple([form.terms.get(v, 0) for v in range(1, n + 1)]), form.terms.get(ONE, 0)


def _affine(cell: Cell, run: Run) -> tuple[tuple[Fraction, ...], ...]:
    """The outputs over the inputs of a cell that decides every atom: coefficients, then the constant."""
    result = []
    for output in outputs_of(run):
        form = cell.atoms.expanded(cell.resolve(cell.atoms.expanded(output)))
        variables = (*range(1, cell.atoms.inputs + 1), ONE)
        result.append(tuple(Fraction(form.terms.get(v, 0), form.den) for v in variables))
    return tuple(result)


def _winner(rows: Sequence[Sequence[Row]], point: Point) -> int | None:
    """The child whose rows are all positive at the point."""
    numerators, den = whole(point)

    def positive(row: Row) -> bool:
        return sum(map(int.__mul__, row[0], numerators)) + row[1] * den > 0

    return next((j for j, own in enumerate(rows) if all(map(positive, own))), None)


def _towards(vertex: Point, centre: Point, gap: Row) -> Point:
    """A point strictly between a vertex with gap < 0 and an interior point with gap > 0, where gap < 0 still holds."""
    at_vertex, at_centre = _at(gap, vertex), _at(gap, centre)
    share = at_vertex / (at_vertex - at_centre) / 2
    return tuple(v + share * (c - v) for v, c in zip(vertex, centre, strict=True))


def _at(row: Row, point: Point) -> Fraction:
    return sum((a * x for a, x in zip(row[0], point, strict=True)), Fraction(row[1]))
