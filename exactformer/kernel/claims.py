"""Claims, their proofs, and the only place where a `Theorem` is made.

A proof is a list of steps in preorder: a step splits the current cell or closes it, and every cell that a
split makes must be closed in turn. The kernel derives all cells, rows and goals from the claim and its networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial

from .atoms import Atoms
from .cell import Cell, Multipliers
from .forms import Form, combine, difference, negated, scaled
from .networks import read_network
from .reading import Rejected, array, hexadecimal, named_file, natural, numbers, rational, reject, table
from .semantics import TIES, Run, Semantics, advance, evaluate, start
from .statements import Domain, Statement, read_domain, read_statement

FORMAT = "exactformer/certificate-1"
HEAD = ("format", "claim", "parameters", "left", "right", "domain", "tie")  # what says the claim; the rest proves it


@dataclass(frozen=True)
class Goal:
    """A cell to be closed, with the evaluations the claim asks for, as far as they got on it."""

    statement: Statement
    cell: Cell
    runs: tuple[Run, ...]
    conclusions: tuple[Form, ...] = ()  # once all runs are finished

    @staticmethod
    def of(statement: Statement) -> Goal:
        """The whole domain."""
        cell = Cell(Atoms(statement.lower, statement.upper), statement.rows, {})
        runs = tuple(start(job.network, job.side, job.semantics, job.inputs) for job in statement.jobs)
        return Goal(statement, cell, runs).evaluated()

    def opened(self) -> Goal:
        """The same goal, to take one step from or to look at: nothing that is found there changes this one.

        So a child is a function of the goal and the step, whatever else was tried.
        """
        return replace(self, cell=self.cell.opened())

    def evaluated(self) -> Goal:
        """Run by run taken as far as this cell allows, up to the first that is stuck; places name the atoms met."""
        if self.finished:
            return self
        runs, places = list(self.runs), dict(self.cell.places)
        for i, run in enumerate(runs):
            runs[i] = advance(run, self.cell)
            places |= runs[i].places
            if runs[i].outputs is None:
                break
        cell = replace(self.cell, places=places)
        values = [run.outputs for run in runs if run.outputs is not None]
        if len(values) < len(runs):
            return replace(self, cell=cell, runs=tuple(runs))
        conclusions = tuple(map(cell.atoms.expanded, self.statement.conclusions(values)))
        return replace(self, cell=cell, runs=tuple(runs), conclusions=conclusions)

    @property
    def finished(self) -> bool:
        """Whether all runs have their outputs."""
        return all(run.outputs is not None for run in self.runs)

    @property
    def stuck(self) -> dict[int, Form] | None:
        """The scores of the head that stopped the evaluation, by token; None when all runs are finished."""
        return next((run.stuck.scores for run in self.runs if run.stuck is not None), None)

    def obligations(self) -> list[Form]:
        """Forms whose being >= 0 on this cell is what remains of the claim: none for a conclusion that is zero.

        A conclusion f = 0 gives the two forms f and -f.
        """
        atoms = self.cell.atoms
        resolved = [atoms.expanded(self.cell.resolve(form)) for form in self.conclusions]
        sides = [(form, negated(form)) if self.statement.equations else (form,) for form in resolved if form.terms]
        return [form for pair in sides for form in pair]

    def gate(self, place: str) -> list[Child]:
        """Rule *gate* of `Cell`, on the goal."""
        return [partial(self._on, cell) for cell in self.cell.gate(place)]

    def compare(self, first: int, second: int) -> list[Child]:
        """Rule *compare* of `Cell`, on the scores of two tokens of the stuck head."""
        scores = self.stuck or {}
        if first not in scores or second not in scores:
            reject("compare", f"two of the tokens {sorted(scores)}", (first, second))
        gap = difference(scores[first], scores[second])
        return [partial(self._on, cell) for cell in self.cell.compare(gap)]

    def bound(self, place: str, form: Form, proofs: Sequence[tuple[int, Multipliers]]) -> Child | None:
        """Rule *bound* of `Cell`, on the goal: its only child has one row more."""
        cell = self.cell.bound(place, form, proofs)
        return None if cell is None else partial(self._on, cell.opened)

    def _on(self, cell: Callable[[], Cell]) -> Goal:
        return Goal(self.statement, cell(), self.runs, self.conclusions).evaluated()

    def holds(self, proofs: Sequence[tuple[int, Multipliers]]) -> bool:
        """Rule *holds*: on this cell all runs are finished, and each obligation has its proof."""
        if not self.finished:
            return False
        goals = self.obligations()
        return len(goals) == len(proofs) and all(
            self.cell.implied(goal, weight, rows) for goal, (weight, rows) in zip(goals, proofs, strict=True)
        )


Child = Callable[[], Goal]  # a child of a split, made when it is asked for

_TOKEN = object()


class Theorem:
    """A statement the kernel has checked; no other code can make one."""

    __slots__ = ("claim", "counts", "digests", "domain", "holds", "parameters", "statement", "tie")

    def __init__(
        self,
        token: object,
        head: dict[str, object],
        domain: Domain,
        holds: bool,
        statement: str,
        counts: dict[str, int],
    ) -> None:
        if token is not _TOKEN:
            raise Rejected("a Theorem can only be made by the kernel")
        self.claim, self.parameters = head["claim"], head.get("parameters", {})
        self.domain, self.tie = domain.written(), head["tie"]
        self.digests = {side: head[side]["sha256"] for side in ("left", "right") if side in head}  # type: ignore[index]
        self.holds, self.statement, self.counts = holds, statement, counts

    def to_json(self) -> dict[str, object]:
        """What the kernel says of it, as JSON data."""
        keys = ("claim", "parameters", "holds", "tie", "digests", "domain", "counts")
        return {"theorem": self.statement} | {key: getattr(self, key) for key in keys}

    def __repr__(self) -> str:
        return f"Theorem({self.statement!r})"


def check(value: dict[str, object], read: Callable[[str], bytes], place: str) -> Theorem:
    """The theorem that a certificate proves; `read` gives the contents of a network file by its plain name.

    Raises `Rejected` when anything is missing, malformed, unknown or not proved.
    """
    return ask(value, read, place).judged(value)


@dataclass(frozen=True)
class Asked:
    """The claim of a certificate, before its proof or refutation is looked at."""

    head: dict[str, object]
    statement: Statement
    domain: Domain
    goal: Callable[[], Goal]  # the whole domain, evaluated when it is first asked for
    place: str

    def judged(self, value: dict[str, object]) -> Theorem:
        """The theorem that a certificate of this very claim proves."""
        place, statement = self.place, self.statement
        if {key: item for key, item in value.items() if key in HEAD} != self.head:
            reject(place, "a certificate of the claim that was asked", "another one")
        if "point" in value:
            table(value, place, (*self.head, "point", "values"), ("untrusted",))
            return Theorem(_TOKEN, self.head, self.domain, False, _refuted(statement, value, place), {})
        table(value, place, (*self.head, "tree", "inhabitant"), ("untrusted",))
        point = numbers(value["inhabitant"], f"{place}: inhabitant", len(self.domain.lower))
        if not self.domain.contains(point):
            reject(f"{place}: inhabitant", "a point of the domain", _text(point))
        counts = check_tree(self.goal(), array(value["tree"], f"{place}: tree"), f"{place}: tree")
        words = ", ".join(["real arithmetic", "hard attention", *_rule(statement, counts["ties"])])
        return Theorem(_TOKEN, self.head, self.domain, True, f"{statement.text} ({words})", counts)


def ask(value: dict[str, object], read: Callable[[str], bytes], place: str) -> Asked:
    """The claim that a certificate states of the networks it names. Raises `Rejected`."""
    head = deepcopy({key: item for key, item in value.items() if key in HEAD})  # whatever becomes of the value later
    table(head, place, ("format", "claim", "left", "domain", "tie"), ("parameters", "right"))
    if head["format"] != FORMAT:
        reject(f"{place}: format", FORMAT, head["format"])
    if head["tie"] not in TIES:
        reject(f"{place}: tie", f"one of {', '.join(TIES)}", head["tie"])
    files = [named_file(head[side], f"{place}: {side}", read) for side in ("left", "right") if side in head]
    networks = [read_network(data, name) for name, _, data in files]
    left, right = networks[0], networks[-1]
    if (left.inputs, left.outputs) != (right.inputs, right.outputs):
        sizes = f"{(left.inputs, left.outputs)} and {(right.inputs, right.outputs)}"
        reject(place, "networks with equal numbers of inputs and outputs", sizes)
    domain = read_domain(head["domain"], f"{place}: domain", left.inputs)
    semantics, parameters = Semantics(str(head["tie"])), head.get("parameters", {})
    statement = read_statement(head["claim"], parameters, networks, domain, semantics, place)
    return Asked(head, statement, domain, cache(partial(Goal.of, statement)), place)


def _refuted(statement: Statement, value: dict[str, object], place: str) -> str:
    """What a counterexample shows: the values of all jobs where the variables have the values in `point`."""
    variables = numbers(value["point"], f"{place}: point", len(statement.lower))
    if not statement.contains(variables):
        reject(f"{place}: point", "a point of the domain", _text(variables))
    claimed = array(value["values"], f"{place}: values", len(statement.jobs))
    found = []
    for number, job in enumerate(statement.jobs):
        exact = evaluate(job.network, _at(job.inputs, variables), job.semantics)
        if exact != numbers(claimed[number], f"{place}: values[{number}]"):
            reject(f"{place}: values[{number}]", _text(exact), str(claimed[number]))
        found.append(exact)
    values = [f"{job.label} = {_text(exact)}" for job, exact in zip(statement.jobs, found, strict=True)]
    if not statement.violated(found):
        reject(f"{place}: values", f"values that contradict the claim {statement.text}", ", ".join(values))
    where = [f"{name} = {_text(_at(point, variables))}" for name, point in statement.points]
    rule = "".join(f" ({words})" for words in _rule(statement, 1))
    return f"at {', '.join([*where, *values])}{rule}; this refutes: {statement.text}"


def _at(forms: Sequence[Form], variables: Sequence[Fraction]) -> list[Fraction]:
    return [form.at([1, *variables]) for form in forms]


def _rule(statement: Statement, ties: int) -> list[str]:
    """The tie rule a theorem is about: any, if none was used; not said where the claim itself names the rules."""
    rules = {job.semantics.tie for job in statement.jobs}
    return [] if len(rules) > 1 else ["any tie rule"] if ties == 0 else [f"tie rule {rule}" for rule in rules]


def check_tree(goal: Goal, steps: Sequence[object], place: str) -> dict[str, int]:
    """Walk the steps from the goal; returns how often each rule was used, raises `Rejected` at the first fault."""
    counts = {"gate": 0, "compare": 0, "bound": 0, "holds": 0, "empty": 0, "ties": 0}
    open_goals: list[Child] = [lambda: goal]
    for number, step in enumerate(steps):
        where = f"{place}[{number}]"
        if not open_goals:
            reject(where, "no further step", step)
        goal = open_goals.pop()()
        open_goals += reversed(follow(goal, step, where))
        name = str(array(step, where)[0])
        counts[name] += 1
        if name == "holds":
            counts["ties"] = max(counts["ties"], sum(run.ties for run in goal.runs))
    if open_goals:
        reject(place, "a step for every cell", f"{len(open_goals)} cells left open")
    return counts


def follow(goal: Goal, step: object, where: str) -> list[Child]:
    """What a step leaves to be closed in place of the goal: its children, or nothing. Raises `Rejected`."""
    goal = goal.opened()
    name, *arguments = array(step, where) or [None]
    if name == "gate":
        (gate,) = array(arguments, where, 1)
        if not isinstance(gate, str):
            reject(where, "the name of a place", gate)
        return goal.gate(gate)
    if name == "compare":
        first, second = (natural(t, where) for t in array(arguments, where, 2))
        return goal.compare(first, second)
    if name == "bound":
        gate, terms, *rest = arguments if len(arguments) > 1 else (None, [])
        if not isinstance(gate, str):
            reject(where, "the name of a place and a form", step)
        child = goal.bound(gate, _form(terms, where, goal.cell), _proofs(rest, where, goal))
        if child is None:
            reject(where, "proofs that the form is at least each candidate", "something else")
        return [child]
    if name == "empty":
        (rows,) = array(arguments, where, 1)
        if not goal.cell.empty(_multipliers(rows, where, goal)):
            reject(where, "multipliers that refute the cell", "a combination that does not")
        return []
    if name != "holds":
        reject(where, "gate, compare, bound, empty or holds", name)
    if not goal.holds(_proofs(arguments, where, goal)):
        reject(where, "proofs of all obligations of the cell", "something else")
    return []


def _form(value: object, place: str, cell: Cell) -> Form:
    """A form written as a list of [variable, number]: 0 is the constant, 1, 2, ... the inputs, an atom its place."""
    parts = []
    for item in array(value, place):
        variable, number = array(item, place, 2)
        if isinstance(variable, str):
            if variable not in cell.places:
                reject(place, "a place where this evaluation met an atom", variable)
            variable = cell.places[variable]
        else:
            variable = natural(variable, place, cell.atoms.inputs + 1)
        parts.append((1, scaled(Form({variable: 1}), rational(number, place))))
    return combine(parts)


def _proofs(value: Sequence[object], place: str, goal: Goal) -> list[tuple[int, Multipliers]]:
    """A list of [weight, rows]."""
    pairs = [array(proof, place, 2) for proof in value]
    return [(hexadecimal(weight, place), _multipliers(rows, place, goal)) for weight, rows in pairs]


def _multipliers(value: object, place: str, goal: Goal) -> Multipliers:
    """A list of [row, multiplier] or [place, fact, multiplier], every multiplier a positive integer."""
    result: Multipliers = []
    for item in array(value, place):
        *reference, multiplier = array(item, place) or [None]
        if len(reference) == 1:
            result.append((natural(reference[0], place, len(goal.cell.rows)), hexadecimal(multiplier, place)))
        else:
            where, which = array(reference, place, 2)
            if not isinstance(where, str) or type(which) not in (int, str):
                reject(place, "a row number, or a place and a fact", item)
            result.append(((where, which), hexadecimal(multiplier, place)))  # type: ignore[arg-type]
    return result


def _text(values: Sequence[Fraction]) -> str:
    return "(" + ", ".join(map(str, values)) + ")"
