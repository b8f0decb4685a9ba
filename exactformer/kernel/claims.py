"""Claims, their proofs, and the only place where a `Theorem` is made.

A proof is a list of steps in preorder: a step splits the current cell or closes it, and every cell that a
split makes must be closed in turn. The kernel derives all cells, rows and goals from the two networks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

from .cell import Cell, Multipliers, Row
from .forms import Atoms, Form, combine, constant_form, difference, negated, scaled
from .networks import Network, read_network
from .reading import Rejected, array, hexadecimal, natural, parse_json, rational, reject, table, vector
from .semantics import TIES, Run, advance, evaluate, start

FORMAT = "exactformer/certificate-1"


@dataclass(frozen=True)
class Domain:
    """The set of x with lower <= x <= upper (None: no bound) and matrix x <= bounds."""

    lower: list[Fraction | None]
    upper: list[Fraction | None]
    matrix: list[list[Fraction]]
    bounds: list[Fraction]

    def rows(self) -> tuple[Row, ...]:
        """The domain as rows: for each input its lower then its upper bound if finite, then the matrix rows."""
        forms = []
        for i, (low, high) in enumerate(zip(self.lower, self.upper, strict=True), start=1):
            if low is not None:
                forms.append(difference(Form({i: 1}), constant_form(low)))
            if high is not None:
                forms.append(difference(constant_form(high), Form({i: 1})))
        for row, bound in zip(self.matrix, self.bounds, strict=True):
            parts = [(1, scaled(Form({i: 1}), -c)) for i, c in enumerate(row, start=1)]
            forms.append(combine([(1, constant_form(bound)), *parts]))
        return tuple((form, False) for form in forms)

    def contains(self, point: Sequence[Fraction]) -> bool:
        """Whether the point lies in the domain."""
        values = [Fraction(1), *point]
        return all(sum(c * values[v] for v, c in form.terms.items()) >= 0 for form, _ in self.rows())


def read_domain(value: object, place: str, dimension: int) -> Domain:
    """The domain written as an object with lower, upper and optionally matrix and bounds."""
    item = table(value, place, ("lower", "upper"), ("matrix", "bounds"))
    ends = []
    for key in ("lower", "upper"):
        numbers = enumerate(array(item[key], f"{place}.{key}", dimension))
        ends.append([None if x is None else rational(x, f"{place}.{key}[{i}]") for i, x in numbers])
    bounds = vector(item.get("bounds", []), f"{place}.bounds")
    rows = array(item.get("matrix", []), f"{place}.matrix", len(bounds))
    matrix = [vector(row, f"{place}.matrix[{i}]", dimension) for i, row in enumerate(rows)]
    return Domain(ends[0], ends[1], matrix, bounds)


@dataclass(frozen=True)
class Goal:
    """A cell to be closed, with both evaluations as far as they got on it."""

    cell: Cell
    left: Run
    right: Run
    differences: tuple[Form, ...] = ()  # left - right, one an output, once both sides are finished

    @staticmethod
    def of(left: Network, right: Network, domain: Domain, tie: str) -> Goal:
        """The whole domain."""
        inputs = [Form({i: 1}) for i in range(1, left.inputs + 1)]
        cell = Cell(Atoms(domain.lower, domain.upper), domain.rows(), {})
        return Goal(cell, start(left, "L", tie, inputs), start(right, "R", tie, inputs)).evaluated()

    def evaluated(self) -> Goal:
        """Both evaluations taken as far as this cell allows; places name the atoms they met."""
        if self.finished:
            return self
        left = advance(self.left, self.cell)
        right = advance(self.right, self.cell) if left.stuck is None else self.right
        cell = replace(self.cell, places={**self.cell.places, **left.places, **right.places})
        if left.outputs is None or right.outputs is None:
            return Goal(cell, left, right)
        pairs = zip(left.outputs, right.outputs, strict=True)
        return Goal(cell, left, right, tuple(cell.atoms.expanded(difference(y, z)) for y, z in pairs))

    @property
    def finished(self) -> bool:
        """Whether both sides have their outputs."""
        return self.left.outputs is not None and self.right.outputs is not None

    @property
    def stuck(self) -> dict[int, Form] | None:
        """The scores of the head that stopped the evaluation, by token; None when both sides are finished."""
        run = self.left if self.left.stuck is not None else self.right
        return None if run.stuck is None else run.stuck.scores

    def gaps(self) -> list[Form]:
        """The differences of the outputs as forms on this cell, the zero form where it is certain to vanish."""
        atoms = self.cell.atoms
        return [atoms.expanded(self.cell.resolve(gap)) if gap.terms else gap for gap in self.differences]

    def gate(self, place: str) -> list[Goal]:
        """Rule *gate* of `Cell`, on the goal."""
        return [replace(self, cell=cell).evaluated() for cell in self.cell.gate(place)]

    def compare(self, first: int, second: int) -> list[Goal]:
        """Rule *compare* of `Cell`, on the scores of two tokens of the stuck head."""
        scores = self.stuck or {}
        if first not in scores or second not in scores:
            reject("compare", f"two of the tokens {sorted(scores)}", (first, second))
        gap = difference(scores[first], scores[second])
        return [replace(self, cell=cell).evaluated() for cell in self.cell.compare(gap)]

    def holds(self, proofs: Sequence[tuple[int, Multipliers]]) -> bool:
        """Rule *holds*: on this cell both sides are finished and equal, output by output.

        A gap that is the zero form needs no proof; any other one needs two, of gap >= 0 and of -gap >= 0.
        """
        if not self.finished:
            return False
        open_gaps = [gap for gap in self.gaps() if gap.terms]
        goals = list(chain.from_iterable((gap, negated(gap)) for gap in open_gaps))
        return len(goals) == len(proofs) and all(
            self.cell.implied(goal, weight, rows) for goal, (weight, rows) in zip(goals, proofs, strict=True)
        )


_TOKEN = object()


class Theorem:
    """A statement the kernel has checked; no other code can make one."""

    __slots__ = ("counts", "domain", "kind", "left", "right", "statement", "tie")

    def __init__(
        self,
        token: object,
        kind: str,
        statement: str,
        digests: list[str],
        domain: object,
        tie: str,
        counts: dict[str, int],
    ) -> None:
        if token is not _TOKEN:
            raise Rejected("a Theorem can only be made by the kernel")
        self.kind, self.statement, self.domain, self.tie, self.counts = kind, statement, domain, tie, counts
        self.left, self.right = digests

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
    common = ("format", "claim", "left", "right", "domain", "tie")
    value = table(parse_json(certificate, place), place, common, ("tree", "inhabitant", "point", "values", "untrusted"))
    if value["format"] != FORMAT:
        reject(f"{place}: format", FORMAT, value["format"])
    digests, networks = [], []
    for side in ("left", "right"):
        item = table(value[side], f"{place}: {side}", ("file", "sha256"))
        name = item["file"]
        if not isinstance(name, str) or Path(name).name != name or name in (".", ".."):
            reject(f"{place}: {side}.file", "the name of a file in the same folder", name)
        data = read(name)
        digest = hashlib.sha256(data).hexdigest()
        if digest != item["sha256"]:
            reject(f"{place}: {side}.sha256", f"{digest}, the digest of {name}", item["sha256"])
        digests.append(digest)
        networks.append(read_network(data, name))
    left, right = networks
    if (left.inputs, left.outputs) != (right.inputs, right.outputs):
        reject(
            place,
            "networks with equal numbers of inputs and outputs",
            f"{(left.inputs, left.outputs)} and {(right.inputs, right.outputs)}",
        )
    if value["tie"] not in TIES:
        reject(f"{place}: tie", f"one of {', '.join(TIES)}", value["tie"])
    tie = str(value["tie"])
    domain = read_domain(value["domain"], f"{place}: domain", left.inputs)
    if value["claim"] == "differ":
        table(value, place, (*common, "point", "values"), ("untrusted",))
        return _differ(left, right, domain, tie, value, place, digests)
    if value["claim"] != "equal":
        reject(f"{place}: claim", "equal or differ", value["claim"])
    table(value, place, (*common, "tree", "inhabitant"), ("untrusted",))
    point = vector(value["inhabitant"], f"{place}: inhabitant", left.inputs)
    if not domain.contains(point):
        reject(f"{place}: inhabitant", "a point of the domain", _text(point))
    steps = array(value["tree"], f"{place}: tree")
    counts = check_tree(Goal.of(left, right, domain, tie), steps, f"{place}: tree")
    rule = "any tie rule" if counts["ties"] == 0 else f"tie rule {tie}"
    statement = f"for every x in the domain, left(x) = right(x) (real arithmetic, hard attention, {rule})"
    return Theorem(_TOKEN, "equal", statement, digests, value["domain"], tie, counts)


def _differ(
    left: Network, right: Network, domain: Domain, tie: str, value: dict[str, object], place: str, digests: list[str]
) -> Theorem:
    point = vector(value["point"], f"{place}: point", left.inputs)
    if not domain.contains(point):
        reject(f"{place}: point", "a point of the domain", _text(point))
    claimed = table(value["values"], f"{place}: values", ("left", "right"))
    found = []
    for side, network in (("left", left), ("right", right)):
        exact = evaluate(network, point, tie)
        if exact != vector(claimed[side], f"{place}: values.{side}"):
            reject(f"{place}: values.{side}", _text(exact), str(claimed[side]))
        found.append(exact)
    if found[0] == found[1]:
        reject(place, "two different values", _text(found[0]))
    statement = f"at x = {_text(point)}, left(x) = {_text(found[0])} and right(x) = {_text(found[1])} (tie rule {tie})"
    return Theorem(_TOKEN, "differ", statement, digests, value["domain"], tie, {})


def check_tree(goal: Goal, steps: Sequence[object], place: str) -> dict[str, int]:
    """Walk the steps from the goal; returns how often each rule was used, raises `Rejected` at the first fault."""
    counts = {"gate": 0, "compare": 0, "holds": 0, "empty": 0, "ties": 0}
    open_goals = [goal]
    for number, item in enumerate(steps):
        where = f"{place}[{number}]"
        if not open_goals:
            reject(where, "no further step", item)
        goal = open_goals.pop()
        step = array(item, where)
        name, *arguments = step or [None]
        if name == "gate":
            (gate,) = array(arguments, where, 1)
            if not isinstance(gate, str):
                reject(where, "the name of a place", gate)
            open_goals += reversed(goal.gate(gate))
        elif name == "compare":
            first, second = (natural(t, where) for t in array(arguments, where, 2))
            open_goals += reversed(goal.compare(first, second))
        elif name == "empty":
            (rows,) = array(arguments, where, 1)
            if not goal.cell.empty(_multipliers(rows, where, goal)):
                reject(where, "multipliers that refute the cell", "a combination that does not")
        elif name == "holds":
            proofs = []
            for proof in arguments:
                weight, rows = array(proof, where, 2)
                proofs.append((hexadecimal(weight, where), _multipliers(rows, where, goal)))
            if not goal.holds(proofs):
                reject(where, "a proof that both sides are equal on the cell", "one that is not")
            counts["ties"] = max(counts["ties"], goal.left.ties + goal.right.ties)
        else:
            reject(where, "gate, compare, empty or holds", name)
        counts[name] += 1
    if open_goals:
        reject(place, "a step for every cell", f"{len(open_goals)} cells left open")
    return counts


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
        return path.read_bytes()
    except OSError as error:
        reject(str(path), "a file that can be read", error.strerror or str(error))


def _text(values: Sequence[Fraction]) -> str:
    return "(" + ", ".join(map(str, values)) + ")"
