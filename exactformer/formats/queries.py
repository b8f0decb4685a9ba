"""What a query file asks: do some inputs and outputs of its networks satisfy a formula of linear inequalities?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise, product
from typing import Any

from exactformer.domain import Domain, Polyhedron
from exactformer.errors import Unsupported

MOST = 1 << 16  # alternatives that a formula may be spread into
Variable = tuple[int, str, int]  # the number of the network, "input" or "output", and the number of the coordinate


@dataclass(frozen=True)
class Row:
    """The sum of c * v over the terms (v, c) is at most the bound; with `strict`, less."""

    terms: tuple[tuple[Variable, Fraction], ...]
    bound: Fraction
    strict: bool = False
    line: int = 0

    def holds(self, values: Mapping[Variable, Fraction]) -> bool:
        """Whether it is true of exact numbers."""
        total = sum((c * values[v] for v, c in self.terms), Fraction(0))
        return total < self.bound or (total == self.bound and not self.strict)

    def speaks_of(self, kind: str) -> bool:
        """Whether a variable of the kind is part of it."""
        return any(each == kind for (_, each, _), _ in self.terms)


Formula = Row | tuple[str, list[Any]]  # or ("and" | "or", formulas)


@dataclass(frozen=True)
class Declared:
    """A tensor that a query declares: its name, its element type as written, its shape.

    A hidden one is a value inside the network, `value` its name in the file; it counts as an output after the others.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    value: str = ""

    @property
    def size(self) -> int:
        """The number of coordinates."""
        size = 1
        for side in self.shape:
            size *= side
        return size


@dataclass(frozen=True)
class Slot:
    """A network that a query speaks of: tensors in and out, and the earlier slot that it equals or is isomorphic to."""

    name: str
    inputs: tuple[Declared, ...]
    outputs: tuple[Declared, ...]
    relation: str = ""  # "equal-to", "isomorphic-to", or none
    other: str = ""

    @property
    def hidden(self) -> tuple[str, ...]:
        """The names of the values inside the network, in order."""
        return tuple(tensor.value for tensor in self.outputs if tensor.value)

    def sizes(self) -> tuple[int, int]:
        """The numbers of input and of output coordinates."""
        return sum(t.size for t in self.inputs), sum(t.size for t in self.outputs)


@dataclass(frozen=True)
class Case:
    """One input set with the output sets that must not be reached from it."""

    domain: Domain
    unsafe: tuple[Domain, ...]


@dataclass(frozen=True)
class Query:
    """Networks, and a formula in disjunctive normal form: `always`, and one of the alternatives."""

    source: str
    slots: tuple[Slot, ...]
    always: tuple[Row, ...]
    alternatives: tuple[tuple[Row, ...], ...]
    named: bool = True  # whether the file names its networks

    @property
    def types(self) -> frozenset[str]:
        """The element types of all tensors."""
        return frozenset(t.type for slot in self.slots for t in (*slot.inputs, *slot.outputs))

    @staticmethod
    def of(source: str, slots: Sequence[Slot], formulas: Iterable[Formula], *, named: bool = True) -> Query:
        """The query whose formulas all hold. Raises `Unsupported` for a formula with too many alternatives."""
        always, others = [], []
        for formula in formulas:
            always += [part for part in _conjuncts(formula) if isinstance(part, Row)]
            others += [part for part in _conjuncts(formula) if not isinstance(part, Row)]
        spread = [list(_alternatives(other, source)) for other in others]
        count = 1
        for each in spread:
            count *= len(each)
        if count > MOST:
            raise Unsupported(f"{source}: expected at most {MOST} alternatives of the formula, found {count}")
        alternatives = tuple(tuple(row for part in choice for row in part) for choice in product(*spread))
        return Query(source, tuple(slots), tuple(always), alternatives, named)

    def holds(self, values: Mapping[Variable, Fraction]) -> bool:
        """Whether the formula is true of exact numbers, one for each variable."""
        return all(row.holds(values) for row in self.always) and any(
            all(row.holds(values) for row in rows) for rows in self.alternatives
        )

    @cached_property
    def columns(self) -> tuple[tuple[int, ...], ...]:
        """For each network the numbers of its inputs among those of all; inputs that are always equal are one."""
        every = [(n, "input", i) for n, slot in enumerate(self.slots) for i in range(slot.sizes()[0])]
        same: dict[Variable, Variable] = {}

        def first(v: Variable) -> Variable:
            while v in same:
                v = same[v]
            return v

        equal = {row.terms for row in self.always if not row.bound and not row.strict and _is_difference(row)}
        for terms in equal:
            if tuple((v, -c) for v, c in terms) in equal or tuple((v, -c) for v, c in reversed(terms)) in equal:
                one, other = sorted(first(v) for v, _ in terms)
                if one != other:
                    same[other] = one
        numbers: dict[Variable, int] = {}
        found = [numbers.setdefault(first(v), len(numbers)) for v in every]
        ends = list(accumulate((slot.sizes()[0] for slot in self.slots), initial=0))
        return tuple(tuple(found[start:end]) for start, end in pairwise(ends))

    @property
    def dimension(self) -> int:
        """The number of inputs of all networks together."""
        return len({i for own in self.columns for i in own})

    @property
    def mixed(self) -> bool:
        """Whether an inequality is about inputs and outputs together."""
        rows = (*self.always, *(row for own in self.alternatives for row in own))
        return any(row.speaks_of("input") and row.speaks_of("output") for row in rows)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The query as input sets with output sets, closed.

        Inputs are those of `columns`. Outputs run through all networks in order; if the query is `mixed`, all inputs
        come before them.
        """
        found: dict[tuple[Row, ...], list[tuple[Row, ...]]] = {}
        for rows in self.alternatives:
            sides: dict[str, list[Row]] = {"input": [], "output": []}
            for row in (*self.always, *rows):
                sides["output" if row.speaks_of("output") else "input"].append(row)
            found.setdefault(tuple(sides["input"]), []).append(tuple(sides["output"]))
        cases = []
        for inputs, outputs in found.items():
            domain = self._polyhedron(inputs, outputs=False)
            if domain is not None:
                unsafe = [self._polyhedron(rows, outputs=True) for rows in outputs]
                cases.append(Case(domain, tuple(each for each in unsafe if each is not None)))
        return tuple(cases)

    @property
    def single(self) -> Case:
        """The only case. Raises `Unsupported` where there are several, or none."""
        if len(self.slots) > 1:
            found = f"{len(self.slots)} networks; exactformer-vnnlib answers such queries"
            raise Unsupported(f"{self.source}: expected a query about one network, found {found}")
        if self.slots[0].hidden:
            found = "some inside it; exactformer-vnnlib answers such queries"
            raise Unsupported(f"{self.source}: expected a query about inputs and outputs of a network, found {found}")
        if self.mixed:
            found = "some about both; exactformer-vnnlib answers such queries"
            raise Unsupported(f"{self.source}: expected inequalities about inputs or outputs alone, found {found}")
        if len(self.cases) != 1:
            found = f"{len(self.cases)}; exactformer-vnnlib answers such queries"
            raise Unsupported(f"{self.source}: expected one input set, found {found}")
        return self.cases[0]

    def _places(self, *, outputs: bool) -> tuple[dict[Variable, int], int]:
        """The columns of the variables, and how many there are."""
        found = {(n, "input", i): column for n, own in enumerate(self.columns) for i, column in enumerate(own)}
        if not outputs:
            return found, self.dimension
        places, count = (found, self.dimension) if self.mixed else ({}, 0)
        for n, slot in enumerate(self.slots):
            for i in range(slot.sizes()[1]):
                places[n, "output", i] = count
                count += 1
        return places, count

    def _polyhedron(self, rows: Sequence[Row], *, outputs: bool) -> Domain | None:
        """The closed set of the rows; None where it is seen to be empty. Of outputs, every row is one of the matrix."""
        places, count = self._places(outputs=outputs)
        ends: tuple[list[Any], list[Any]] = [None] * count, [None] * count
        kept: list[tuple[dict[int, Fraction], Fraction]] = []
        for row in rows:
            total: dict[int, Fraction] = {}
            for v, c in row.terms:
                total[places[v]] = total.get(places[v], Fraction(0)) + c
            total = {i: c for i, c in total.items() if c}
            if not total and row.bound < 0:
                return None
            if len(total) == 1 and not outputs:
                ((i, c),) = total.items()
                end, old = row.bound / c, ends[c > 0][i]
                ends[c > 0][i] = end if old is None else min(old, end) if c > 0 else max(old, end)
            elif total:
                kept.append((total, row.bound))
        if any(lo is not None and hi is not None and lo > hi for lo, hi in zip(*ends, strict=True)):
            return None
        if not kept:
            return Polyhedron(*ends)
        return Polyhedron(*ends, [[row.get(i, 0) for i in range(count)] for row, _ in kept], [b for _, b in kept])


def _is_difference(row: Row) -> bool:
    """Whether it is about the difference of two inputs."""
    kinds, factors = {kind for (_, kind, _), _ in row.terms}, sorted(c for _, c in row.terms)
    return kinds == {"input"} and factors == [-1, 1]


def _conjuncts(formula: Formula) -> Iterator[Formula]:
    """The parts of a formula all of which must hold."""
    todo = [formula]
    while todo:
        part = todo.pop()
        if not isinstance(part, Row) and (part[0] == "and" or len(part[1]) == 1):
            todo += reversed(part[1])
        else:
            yield part


def _alternatives(formula: Formula, source: str) -> Iterator[tuple[Row, ...]]:
    """The conjunctions of which one must hold."""
    if isinstance(formula, Row):
        yield (formula,)
    elif formula[0] == "or":
        for part in formula[1]:
            yield from _alternatives(part, source)
    else:
        spread = [list(_alternatives(part, source)) for part in formula[1]]
        count = 1
        for each in spread:
            count *= len(each)
        if count > MOST:
            raise Unsupported(f"{source}: expected at most {MOST} alternatives of the formula, found {count}")
        for choice in product(*spread):
            yield tuple(row for part in choice for row in part)


def only_real(query: Query, *, as_real: bool) -> None:
    """Raises `Unsupported` for element types that are not exact, unless they are to be read as real numbers."""
    floats = sorted(query.types - {"real"})
    if floats and not as_real:
        expected = "elements of the type real, whose arithmetic is exact (or --as-real, to read others so)"
        raise Unsupported(f"{query.source}: expected {expected}, found {', '.join(floats)}")
