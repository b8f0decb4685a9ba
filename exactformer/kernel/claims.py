"""Claims, their proofs, and the only place where a `Theorem` is made.

A proof is a list of steps in preorder: a step splits the current cell or closes it, and every cell that a
split makes must be closed in turn. The kernel derives all cells, rows and goals from the claim and its networks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from .cell import Cell, Multipliers
from .forms import Atoms, Form, difference, negated
from .networks import Network, read_network
from .reading import MAX_BYTES, Rejected, array, hexadecimal, natural, parse_json, reject, table, vector
from .semantics import TIES, Run, advance, evaluate, start
from .statements import Statement, read_domain, read_statement

FORMAT = "exactformer/certificate-1"


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
        runs = tuple(start(job.network, job.side, job.tie, job.inputs) for job in statement.jobs)
        return Goal(statement, cell, runs).evaluated()

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

    def gate(self, place: str) -> list[Goal]:
        """Rule *gate* of `Cell`, on the goal."""
        return [self._on(cell) for cell in self.cell.gate(place)]

    def compare(self, first: int, second: int) -> list[Goal]:
        """Rule *compare* of `Cell`, on the scores of two tokens of the stuck head."""
        scores = self.stuck or {}
        if first not in scores or second not in scores:
            reject("compare", f"two of the tokens {sorted(scores)}", (first, second))
        gap = difference(scores[first], scores[second])
        return [self._on(cell) for cell in self.cell.compare(gap)]

    def _on(self, cell: Cell) -> Goal:
        return Goal(self.statement, cell, self.runs, self.conclusions).evaluated()

    def holds(self, proofs: Sequence[tuple[int, Multipliers]]) -> bool:
        """Rule *holds*: on this cell all runs are finished, and each obligation has its proof."""
        if not self.finished:
            return False
        goals = self.obligations()
        return len(goals) == len(proofs) and all(
            self.cell.implied(goal, weight, rows) for goal, (weight, rows) in zip(goals, proofs, strict=True)
        )


_TOKEN = object()


class Theorem:
    """A statement the kernel has checked; no other code can make one."""

    __slots__ = ("claim", "counts", "digests", "domain", "holds", "parameters", "statement", "tie")

    def __init__(
        self, token: object, value: dict[str, object], holds: bool, statement: str, counts: dict[str, int]
    ) -> None:
        if token is not _TOKEN:
            raise Rejected("a Theorem can only be made by the kernel")
        self.claim, self.parameters = value["claim"], value.get("parameters", {})
        self.domain, self.tie = value["domain"], value["tie"]
        self.digests = {side: value[side]["sha256"] for side in ("left", "right") if side in value}  # type: ignore[index]
        self.holds, self.statement, self.counts = holds, statement, counts

    def __repr__(self) -> str:
        return f"Theorem({self.statement!r})"


def check_file(path: Path) -> Theorem:
    """The theorem that a certificate file proves; the networks it names lie in the same folder.

    Raises `Rejected` when anything is missing, malformed, unknown or not proved.
    """
    return check(_bytes(path), lambda name: _bytes(path.parent / name), path.name)


def check(certificate: bytes, read: Callable[[str], bytes], place: str = "certificate") -> Theorem:
    """The theorem that a certificate proves; `read` gives the contents of a network file by its plain name.

    Raises `Rejected` when anything is missing, malformed, unknown or not proved.
    """
    try:
        return _checked(certificate, read, place)
    except (RecursionError, ValueError) as error:  # Python prints no integer of more than 4300 digits
        reject(place, "networks and proofs of moderate depth and size", f"{type(error).__name__}: {error}")


def _checked(certificate: bytes, read: Callable[[str], bytes], place: str) -> Theorem:
    required = ("format", "claim", "left", "domain", "tie")
    optional = ("parameters", "right", "tree", "inhabitant", "point", "values", "untrusted")
    value = table(parse_json(certificate, place), place, required, optional)
    if value["format"] != FORMAT:
        reject(f"{place}: format", FORMAT, value["format"])
    if value["tie"] not in TIES:
        reject(f"{place}: tie", f"one of {', '.join(TIES)}", value["tie"])
    networks = [_network(value[side], f"{place}: {side}", read) for side in ("left", "right") if side in value]
    left, right = networks[0], networks[-1]
    if (left.inputs, left.outputs) != (right.inputs, right.outputs):
        sizes = f"{(left.inputs, left.outputs)} and {(right.inputs, right.outputs)}"
        reject(place, "networks with equal numbers of inputs and outputs", sizes)
    domain = read_domain(value["domain"], f"{place}: domain", left.inputs)
    tie, parameters = str(value["tie"]), value.get("parameters", {})
    statement = read_statement(value["claim"], parameters, networks, domain, tie, place)
    common = (*required, *(key for key in ("parameters", "right") if key in value))
    if "point" in value:
        table(value, place, (*common, "point", "values"), ("untrusted",))
        return Theorem(_TOKEN, value, False, _refuted(statement, value, place), {})
    table(value, place, (*common, "tree", "inhabitant"), ("untrusted",))
    point = vector(value["inhabitant"], f"{place}: inhabitant", left.inputs)
    if not domain.contains(point):
        reject(f"{place}: inhabitant", "a point of the domain", _text(point))
    counts = check_tree(Goal.of(statement), array(value["tree"], f"{place}: tree"), f"{place}: tree")
    semantics = ", ".join(["real arithmetic", "hard attention", *_rule(statement, counts["ties"])])
    return Theorem(_TOKEN, value, True, f"{statement.text} ({semantics})", counts)


def _network(value: object, place: str, read: Callable[[str], bytes]) -> Network:
    """The network in a file, whose bytes have the digest that the certificate states."""
    item = table(value, place, ("file", "sha256"))
    name = item["file"]
    if not isinstance(name, str) or Path(name).name != name or name in (".", ".."):
        reject(f"{place}.file", "the name of a file in the same folder", name)
    data = read(name)
    digest = hashlib.sha256(data).hexdigest()
    if digest != item["sha256"]:
        reject(f"{place}.sha256", f"{digest}, the digest of {name}", item["sha256"])
    return read_network(data, name)


def _refuted(statement: Statement, value: dict[str, object], place: str) -> str:
    """What a counterexample shows: the values of all jobs where the variables have the values in `point`."""
    variables = vector(value["point"], f"{place}: point", len(statement.lower))
    if not statement.contains(variables):
        reject(f"{place}: point", "a point of the domain", _text(variables))
    claimed = array(value["values"], f"{place}: values", len(statement.jobs))
    found = []
    for number, job in enumerate(statement.jobs):
        exact = evaluate(job.network, _at(job.inputs, variables), job.tie)
        if exact != vector(claimed[number], f"{place}: values[{number}]"):
            reject(f"{place}: values[{number}]", _text(exact), str(claimed[number]))
        found.append(exact)
    values = [f"{job.label} = {_text(exact)}" for job, exact in zip(statement.jobs, found, strict=True)]
    if not statement.violated(found):
        reject(f"{place}: values", f"values that contradict the claim {statement.text}", ", ".join(values))
    where = [f"{name} = {_text(_at(point, variables))}" for name, point in statement.points]
    semantics = "".join(f" ({rule})" for rule in _rule(statement, 1))
    return f"at {', '.join([*where, *values])}{semantics}; this refutes: {statement.text}"


def _at(forms: Sequence[Form], variables: Sequence[Fraction]) -> list[Fraction]:
    return [form.at([1, *variables]) for form in forms]


def _rule(statement: Statement, ties: int) -> list[str]:
    """The tie rule a theorem is about: any, if none was used; not said where the claim itself names the rules."""
    rules = {job.tie for job in statement.jobs}
    return [] if len(rules) > 1 else ["any tie rule"] if ties == 0 else [f"tie rule {rule}" for rule in rules]


def check_tree(goal: Goal, steps: Sequence[object], place: str) -> dict[str, int]:
    """Walk the steps from the goal; returns how often each rule was used, raises `Rejected` at the first fault."""
    counts = {"gate": 0, "compare": 0, "holds": 0, "empty": 0, "ties": 0}
    open_goals = [goal]
    for number, step in enumerate(steps):
        where = f"{place}[{number}]"
        if not open_goals:
            reject(where, "no further step", step)
        goal = open_goals.pop()
        open_goals += reversed(follow(goal, step, where))
        name = str(array(step, where)[0])
        counts[name] += 1
        if name == "holds":
            counts["ties"] = max(counts["ties"], sum(run.ties for run in goal.runs))
    if open_goals:
        reject(place, "a step for every cell", f"{len(open_goals)} cells left open")
    return counts


def follow(goal: Goal, step: object, where: str) -> list[Goal]:
    """What a step leaves to be closed in place of the goal: its children, or nothing. Raises `Rejected`."""
    name, *arguments = array(step, where) or [None]
    if name == "gate":
        (gate,) = array(arguments, where, 1)
        if not isinstance(gate, str):
            reject(where, "the name of a place", gate)
        return goal.gate(gate)
    if name == "compare":
        first, second = (natural(t, where) for t in array(arguments, where, 2))
        return goal.compare(first, second)
    if name == "empty":
        (rows,) = array(arguments, where, 1)
        if not goal.cell.empty(_multipliers(rows, where, goal)):
            reject(where, "multipliers that refute the cell", "a combination that does not")
        return []
    if name != "holds":
        reject(where, "gate, compare, empty or holds", name)
    proofs = []
    for proof in arguments:
        weight, rows = array(proof, where, 2)
        proofs.append((hexadecimal(weight, where), _multipliers(rows, where, goal)))
    if not goal.holds(proofs):
        reject(where, "proofs of all obligations of the cell", "something else")
    return []


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


def _bytes(path: Path) -> bytes:
    try:
        moderate = path.stat().st_size <= MAX_BYTES and path.is_file()  # a device or a pipe might never end
        data = path.read_bytes() if moderate else None
    except OSError as error:
        reject(str(path), "a file that can be read", error.strerror or str(error))
    if data is None:
        reject(str(path), f"a file that can be read, of at most {MAX_BYTES} bytes", "a larger one, or no ordinary file")
    return data


def _text(values: Sequence[Fraction]) -> str:
    return "(" + ", ".join(map(str, values)) + ")"
