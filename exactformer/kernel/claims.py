"""Claims, their proofs, and the only place where a `Theorem` is made.

A proof is a list of steps in preorder: a step splits the current cell or closes it, and every cell that a
split makes must be closed in turn. The kernel derives all cells, rows and goals from the claim and its networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial

from .atoms import Atoms
from .bounds import Interval
from .cell import Cell, Multipliers, Proof, Row
from .forms import ONE, ZERO, Form, combine, constant_form, difference, negated, scaled
from .functions import Function
from .networks import Network, read_network
from .reading import Rejected, array, hexadecimal, named_file, natural, numbers, parse_json, rational, reject, table
from .semantics import TIES, Run, Semantics, advance, layers_of, maximum, needed, start
from .shards import FORMAT as STEPS
from .shards import RULES, Walk, Way, joined, listed, path_of
from .softmax import Rate
from .statements import Domain, Job, Statement, read_domain, read_statement

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
        return Goal.on(statement, Cell(Atoms(statement.lower, statement.upper), statement.rows, {}))

    @staticmethod
    def on(statement: Statement, cell: Cell) -> Goal:
        """A cell on which nothing has been evaluated."""
        return Goal(statement, cell, tuple([_started(job, cell) for job in statement.jobs])).evaluated()

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
        forms = self.statement.conclusions(values)
        if self.statement.groups:
            groups = enumerate(self.statement.grouped(forms))
            forms = [maximum(cell, places, f"U{number}", group) for number, group in groups]
        conclusions = tuple(map(cell.atoms.expanded, forms))
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

        A conclusion f = 0 gives the two forms f and -f. The conclusions of groups have to be > 0; all of them remain.
        """
        atoms, equations, groups = self.cell.atoms, self.statement.equations, self.statement.groups
        resolved = [atoms.expanded(self.cell.resolve(form)) for form in self.conclusions]
        sides = [(form, negated(form)) if equations else (form,) for form in resolved if form.terms or groups]
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

    def bound(self, place: str, form: Form, proofs: Sequence[Proof | None]) -> Child | None:
        """Rule *bound* of `Cell`, on the goal: its only child has one row more."""
        cell = self.cell.bound(place, form, proofs)
        return None if cell is None else partial(self._on, cell.opened)

    def cut(self, form: Form) -> list[Child]:
        """Rule *cut* of `Cell`, on the goal."""
        return [partial(self._on, cell) for cell in self.cell.cut(form)]

    def anew(self, pairs: dict[str, str]) -> Child:
        """Rule *anew*: the evaluation from the start, on the box of the cell, with affine bounds and with pairs.

        Sound: of the rows those about inputs alone are kept, and whatever else was known is forgotten.
        """
        rows, lower, upper = self._box("anew")

        def child() -> Goal:
            atoms, partners = Atoms(lower, upper, relaxed=True), frozenset(pairs.values())
            return Goal.on(self.statement, Cell(atoms, rows, {}, pairs=pairs, partners=partners))

        return child

    def narrow(self) -> Child:
        """Rule *narrow* of `Cell`, on the goal: only what it still needs is met again, on the box of the cell.

        So cutting a domain until N maxima are decided, each where its pieces meet, takes about N log N of them, and
        until a head is that can select N tokens, as many scores.
        """
        rows, lower, upper = self._box("narrow")

        def child() -> Goal:
            begun = [needed(run) for run in self.runs if run.begun]
            known = [form for run in begun for vector in run.vectors for form in vector.values()]
            cell, forms = self.cell.narrowed(Atoms(lower, upper), rows, (*self.conclusions, *known))
            new = iter(forms)
            conclusions = tuple([next(new) for _ in self.conclusions])
            runs = [run.renewed([{k: next(new) for k in vector} for vector in run.vectors]) for run in begun]
            runs += [_started(job, cell) for job in self.statement.jobs[len(begun) :]]
            return replace(self, cell=cell, runs=tuple(runs), conclusions=conclusions).evaluated()

        return child

    def _box(self, rule: str) -> tuple[tuple[Row, ...], list[Fraction | None], list[Fraction | None]]:
        """The rows of the cell about inputs alone, and the bounds of the inputs by them."""
        rows = tuple([row for row in self.cell.rows if max(row[0].terms, default=ONE) <= self.cell.atoms.inputs])
        lower, upper = self.statement.box(rows)
        if any(low is not None and high is not None and low > high for low, high in zip(lower, upper, strict=True)):
            reject(rule, "a cell whose box is not empty", "an empty one")
        return rows, lower, upper

    def _on(self, cell: Callable[[], Cell]) -> Goal:
        return Goal(self.statement, cell(), self.runs, self.conclusions).evaluated()

    def holds(self, proofs: Sequence[Proof | None]) -> bool:
        """Rule *holds*: on this cell all runs are finished, functions defined, and each obligation has its proof."""
        if not self.finished or not self.cell.atoms.defined:
            return False
        goals, strict = self.obligations(), bool(self.statement.groups)
        return len(goals) == len(proofs) and all(
            self.cell.shown(goal, proof, strict=strict) for goal, proof in zip(goals, proofs, strict=True)
        )


Child = Callable[[], Goal]  # a child of a split, made when it is asked for


def _started(job: Job, cell: Cell) -> Run:
    """The evaluation of a job on a cell before the first layer."""
    return start(job.network, job.side, job.semantics, list(map(cell.atoms.pinned, job.inputs)))


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
        sides = [side for side in ("left", "right") if side in head]
        self.digests: dict[str, str] = {side: head[side]["sha256"] for side in sides}  # type: ignore[index]
        self.holds, self.statement, self.counts = holds, statement, counts

    def to_json(self) -> dict[str, object]:
        """What the kernel says of it, as JSON data."""
        keys = ("claim", "parameters", "holds", "tie", "digests", "domain", "counts")
        return {"theorem": self.statement} | {key: getattr(self, key) for key in keys}

    def __repr__(self) -> str:
        return f"Theorem({self.statement!r})"


Walker = Callable[[list[dict[str, object]]], Sequence[Walk]]  # of the pieces of a proof, each with file and sha256


def check(value: dict[str, object], read: Callable[[str], bytes], place: str, walker: Walker | None = None) -> Theorem:
    """The theorem that a certificate proves; `read` gives the contents of a file by its plain name.

    Raises `Rejected` when anything is missing, malformed, unknown or not proved.
    """
    return ask(value, read, place).checked(value, read, walker)


@dataclass(frozen=True)
class Asked:
    """The claim of a certificate, before its proof or refutation is looked at."""

    head: dict[str, object]
    statement: Statement
    domain: Domain
    goal: Callable[[], Goal]  # the whole domain, evaluated when it is first asked for
    place: str

    def checked(self, value: dict[str, object], read: Callable[[str], bytes], walker: Walker | None = None) -> Theorem:
        """As `judged`; a proof may be in pieces, which are walked one after the other, or as `walker` does it."""
        if "shards" not in value:
            return self.judged(value)
        table(value, self.place, (*self.head, "shards", "root", "inhabitant"), ("untrusted",))
        items = listed(value, self.place)
        return self.joined(value, [self.piece(item, read) for item in items] if walker is None else walker(items))

    def judged(self, value: dict[str, object]) -> Theorem:
        """The theorem that a certificate of this very claim proves."""
        place, statement = self.place, self.statement
        if {key: item for key, item in value.items() if key in HEAD} != self.head:
            reject(place, "a certificate of the claim that was asked", "another one")
        if "point" in value:
            table(value, place, (*self.head, "point", "values"), ("untrusted",))
            return Theorem(_TOKEN, self.head, self.domain, False, _refuted(statement, value, place), {})
        table(value, place, (*self.head, "tree", "inhabitant"), ("untrusted",))
        steps = array(value["tree"], f"{place}: tree")
        return self._shown(value, check_tree(self.goal(), steps, f"{place}: tree"))

    def piece(self, item: object, read: Callable[[str], bytes]) -> Walk:
        """The walk in a file of steps, which a certificate names with its digest."""
        name, _, data = named_file(item, self.place, read)
        value = table(parse_json(data, name), name, ("format", "path", "steps"))
        if value["format"] != STEPS:
            reject(f"{name}: format", STEPS, value["format"])
        steps, path = (array(value[key], f"{name}: {key}") for key in ("steps", "path"))
        return walk(self.goal(), steps, name, path)

    def joined(self, value: dict[str, object], walks: Sequence[Walk]) -> Theorem:
        """The theorem that walks prove together, with the inhabitant of the certificate."""
        return self._shown(value, joined(walks, f"{self.place}: shards"))

    def _shown(self, value: dict[str, object], counts: dict[str, int]) -> Theorem:
        point = numbers(value["inhabitant"], f"{self.place}: inhabitant", len(self.domain.lower))
        if not self.domain.contains(point):
            reject(f"{self.place}: inhabitant", "a point of the domain", _text(point))
        words = ", ".join(["real arithmetic", *attention(self.statement.jobs, counts["ties"])])
        return Theorem(_TOKEN, self.head, self.domain, True, f"{self.statement.text} ({words})", counts)


def ask(value: dict[str, object], read: Callable[[str], bytes], place: str) -> Asked:
    """The claim that a certificate states of the networks it names. Raises `Rejected`."""
    head = deepcopy({key: item for key, item in value.items() if key in HEAD})  # whatever becomes of the value later
    table(head, place, ("format", "claim", "left", "domain", "tie"), ("parameters", "right"))
    if head["format"] != FORMAT:
        reject(f"{place}: format", FORMAT, head["format"])
    if head["tie"] not in TIES:
        reject(f"{place}: tie", f"one of {', '.join(TIES)}", head["tie"])
    sides = [side for side in ("left", "right") if side in head]
    soft = ("temperature", "base")
    files = [named_file(head[side], f"{place}: {side}", read, soft) for side in sides]
    networks = [read_network(data, name) for name, _, data in files]
    left, right = networks[0], networks[-1]
    if (left.inputs, left.outputs) != (right.inputs, right.outputs):
        sizes = f"{(left.inputs, left.outputs)} and {(right.inputs, right.outputs)}"
        reject(place, "networks with equal numbers of inputs and outputs", sizes)
    domain = read_domain(head["domain"], f"{place}: domain", left.inputs)
    tie, parameters = str(head["tie"]), head.get("parameters", {})
    semantics = [
        _semantics(head[side], tie, network, f"{place}: {side}")  # type: ignore[arg-type]
        for side, network in zip(sides, networks, strict=True)
    ]
    statement = read_statement(head["claim"], parameters, networks, domain, semantics, place)
    statement = replace(statement, text=statement.text + formulas(dict(zip(sides, networks, strict=True))))
    return Asked(head, statement, domain, cache(partial(Goal.of, statement)), place)


def _semantics(side: dict[str, object], tie: str, network: Network, place: str) -> Semantics:
    """How a side is read: hard, or softmax where inverse temperatures are given, one for all layers or one a layer."""
    if "temperature" not in side:
        if "base" in side:
            reject(f"{place}.base", "a base only with a temperature", side["base"])
        return Semantics(tie)
    if isinstance(network, Function):
        reject(f"{place}.temperature", "a network", "a function")
    rates, layers = numbers(side["temperature"], f"{place}.temperature"), layers_of(network)
    if len(rates) not in (1, layers) or any(rate <= 0 for rate in rates):
        reject(f"{place}.temperature", f"one number > 0, or {layers}, one a layer", side["temperature"])
    base = side.get("base", "e")
    if base not in ("e", "2"):
        reject(f"{place}.base", '"e" or "2"', base)
    return Semantics(tie, tuple(Rate(rate, str(base)) for rate in (rates if len(rates) == layers else rates * layers)))


def _refuted(statement: Statement, value: dict[str, object], place: str) -> str:
    """What a counterexample shows: the values of all jobs where the variables have the values in `point`."""
    variables = numbers(value["point"], f"{place}: point", len(statement.lower))
    if not statement.contains(variables):
        reject(f"{place}: point", "a point of the domain", _text(variables))
    claimed = array(value["values"], f"{place}: values", len(statement.jobs))
    cell, outputs, values = Cell(Atoms((), ()), (), {}), [], []
    for number, job in enumerate(statement.jobs):
        point = list(map(constant_form, _at(job.inputs, variables)))
        found = advance(start(job.network, job.side, job.semantics, point), cell).outputs or {}
        ends = [cell.atoms.bounds(found.get(k, ZERO)) for k in range(job.network.outputs)]
        where = f"{place}: values[{number}]"
        said = [_said(y, f"{where}[{k}]") for k, y in enumerate(array(claimed[number], where, len(ends)))]
        for k, ((least, most), (low, high)) in enumerate(zip(said, ends, strict=True)):
            if low is None or high is None or not least <= low <= high <= most:
                reject(f"{where}[{k}]", _value(low, high), _value(least, most))
        if not cell.atoms.defined:
            reject(where, "a point at which every step of the function is defined", _text(variables))
        outputs.append(found)
        values.append(f"{job.label} = ({', '.join(_value(*y) for y in said)})")
    if not statement.violated(outputs, cell.atoms.bounds):
        reject(f"{place}: values", f"values that contradict the claim {statement.text}", ", ".join(values))
    where = ", ".join([*(f"{name} = {_text(_at(point, variables))}" for name, point in statement.points), *values])
    return f"at {where}{_rule(statement)}; this refutes: {statement.text}"


def _said(value: object, place: str) -> Interval:
    """The ends between which a value is said to be: a number, or an object with lower and upper."""
    if not isinstance(value, dict):
        number = rational(value, place)
        return number, number
    item = table(value, place, ("lower", "upper"))
    return rational(item["lower"], f"{place}.lower"), rational(item["upper"], f"{place}.upper")


def _value(low: Fraction | None, high: Fraction | None) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _at(forms: Sequence[Form], variables: Sequence[Fraction]) -> list[Fraction]:
    return [form.at([1, *variables]) for form in forms]


def _rule(statement: Statement) -> str:
    """The semantics of a refutation: said where it is not plain hard attention whose tie rules the claim names."""
    rules = {job.semantics for job in statement.jobs}
    if not any(rule.soft for rule in rules):
        return f" (tie rule {rules.pop().tie})" if len(rules) == 1 else ""
    words = attention(statement.jobs, 1)
    return f" ({', '.join(words)})" if words else ""


def formulas(sides: Mapping[str, Network]) -> str:
    """What the functions among the sides are."""
    functions = [(side, network) for side, network in sides.items() if isinstance(network, Function)]
    found = [f"{side}({', '.join(network.names) or 'x'}) = {network.text}" for side, network in functions]
    return f", where {' and '.join(found)}" if found else ""


def attention(jobs: Sequence[Job], ties: int) -> list[str]:
    """The semantics a theorem is about, functions apart: of hard attention with its tie rule, any if none was used."""
    sides = {job.side: job.semantics for job in jobs if not isinstance(job.network, Function)}
    hard = [semantics.tie for semantics in sides.values() if not semantics.soft]
    rule = [] if len(set(hard)) != 1 else ["any tie rule"] if ties == 0 else [f"tie rule {hard[0]}"]
    plain = ", ".join(["hard attention", *rule])
    words = {side: _softmax(semantics) if semantics.soft else plain for side, semantics in sides.items()}
    if len(set(words.values())) <= 1:
        return list(words.values())[:1]
    return [f"{'left' if side == 'L' else 'right'}: {text}" for side, text in words.items()]


def _softmax(semantics: Semantics) -> str:
    values = list(dict.fromkeys(str(rate.value) for rate in semantics.rates))
    if len(values) > 1:
        values = [str(rate.value) for rate in semantics.rates]
    base = "" if semantics.rates[0].base == "e" else f" of base {semantics.rates[0].base}"
    return f"softmax{base} at inverse temperature {' / '.join(values)}"


def check_tree(goal: Goal, steps: Sequence[object], place: str) -> dict[str, int]:
    """Walk all steps from the goal; returns how often each rule was used, raises `Rejected` at the first fault."""
    return joined([walk(goal, steps, place)], place)


def walk(goal: Goal, steps: Sequence[object], place: str, first: Sequence[object] = ()) -> Walk:
    """Walk steps below the goal, from the cell to which the path `first` leads on. Raises `Rejected`."""
    cells: list[tuple[Child, Way]] = [(lambda: goal, None)]
    for number, item in enumerate(first):
        where = f"{place}: path[{number}]"
        step, child = array(item, where, 2)
        made, way = cells.pop()
        below = _below(made(), way, step, where)
        cells += reversed(below[natural(child, where, len(below)) :])
    counts = dict.fromkeys((*RULES, "ties"), 0)
    for number, step in enumerate(steps):
        where = f"{place}[{number}]"
        if not cells:
            reject(where, "no further step", step)
        made, way = cells.pop()
        goal = made()
        cells += reversed(_below(goal, way, step, where))
        name = str(array(step, where)[0])
        counts[name] += 1
        if name == "holds":
            counts["ties"] = max(counts["ties"], sum(run.ties for run in goal.runs))
    return Walk(list(first), path_of(cells[-1][1]) if cells else None, len(cells), counts)


def _below(goal: Goal, way: Way, step: object, where: str) -> list[tuple[Child, Way]]:
    return [(child, (way, step, number)) for number, child in enumerate(follow(goal, step, where))]


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
    if name == "cut":
        (terms,) = array(arguments, where, 1)
        return goal.cut(_form(terms, where, goal.cell))
    if name == "anew":
        (pairs,) = array(arguments, where, 1)
        return [goal.anew(_pairs(pairs, where))]
    if name == "narrow":
        array(arguments, where, 0)
        return [goal.narrow()]
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
        reject(where, "gate, compare, cut, anew, narrow, bound, empty or holds", name)
    if not goal.holds(_proofs(arguments, where, goal)):
        reject(where, "proofs of all obligations of the cell", "something else")
    return []


def _pairs(value: object, place: str) -> dict[str, str]:
    """A list of [place, earlier place], no place twice on the left."""
    pairs: dict[str, str] = {}
    for item in array(value, place):
        later, earlier = array(item, place, 2)
        if not isinstance(later, str) or not isinstance(earlier, str) or later in pairs:
            reject(place, "two names of places, the first for the first time", item)
        pairs[later] = earlier
    return pairs


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


def _proofs(value: Sequence[object], place: str, goal: Goal) -> list[Proof | None]:
    """A list of [weight, rows]; an empty list in place of a pair says that the bounds are enough."""
    return [_proof(proof, place, goal) if proof != [] else None for proof in value]


def _proof(value: object, place: str, goal: Goal) -> Proof:
    weight, rows = array(value, place, 2)
    return hexadecimal(weight, place), _multipliers(rows, place, goal)


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
