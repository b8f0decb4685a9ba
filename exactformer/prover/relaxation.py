"""Linear programs over a cell: its rows, and the facts about the atoms that are open on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactformer.kernel.cell import Reference
from exactformer.kernel.claims import Goal
from exactformer.kernel.forms import ONE, Form, Terms, negated
from exactformer.polyhedra.lp import (
    Inside,
    Minimum,
    Outside,
    Point,
    Program,
    Row,
    Unbounded,
    excluded,
    inside,
    integer_multipliers,
)
from exactformer.prover.choice import owners_of


@dataclass
class Relaxation:
    """The rows of a cell over its inputs and open atoms, with the facts about these atoms; one column a variable.

    `rows[i]` is the row or fact `references[i]` of the cell with its atoms replaced, times `scales[i]` to be whole.
    """

    goal: Goal
    columns: dict[int, int]
    references: list[Reference]
    scales: list[int]
    rows: list[Row]
    strict: list[bool]
    program: Program | None = None

    @staticmethod
    def of(goal: Goal, wanted: Sequence[Form], *, near: bool = False) -> Relaxation:
        """The linear relaxation of the cell for some forms of it: exact when no atom is open on it.

        With `near`, of the rows about atoms only those are taken that mention an atom of these forms.
        """
        cell = goal.cell
        rows = [cell.atoms.expanded(cell.resolve(Form(form.terms))) for form, _ in cell.rows]
        used = {v for form in wanted for v in form.terms}
        kept = [
            i
            for i, row in enumerate(rows)
            if not near or max(row.terms, default=ONE) <= cell.atoms.inputs or used & (row.terms.keys() - {ONE})
        ]
        references: list[Reference] = list(kept)
        forms = [(rows[i], cell.rows[i][1]) for i in kept]
        used |= {v for form, _ in forms for v in form.terms}
        owners = owners_of(cell)
        for place in dict.fromkeys(owners[v] for v in sorted(used) if v in owners):
            for which in cell.facts(place):
                fact = cell.atoms.expanded(cell.resolve(Form(cell.fact(place, which).terms)))
                if used.issuperset(fact.terms.keys() - {ONE}):  # others are about atoms that nothing else mentions
                    forms.append((fact, False))
                    references.append((place, which))
        variables = [*range(1, cell.atoms.inputs + 1), *sorted(v for v in used if v > cell.atoms.inputs)]
        columns = {v: i for i, v in enumerate(variables)}
        over = [_row(form.terms, columns) for form, _ in forms]
        scales = [form.den for form, _ in forms]
        return Relaxation(goal, columns, references, scales, over, [strict for _, strict in forms])

    def inside(self) -> Inside | Outside:
        """A point of the relaxation, or multipliers that exclude one."""
        return inside(self.rows, self.strict, len(self.columns))

    def excluded(self, *, exactly: bool) -> list[list[Any]] | None:
        """Rows as a certificate has them that refute the cell; unless `exactly`, only if a guess finds them."""
        if exactly:
            answer = self.inside()
            multipliers = answer.multipliers if isinstance(answer, Outside) else None
        else:
            multipliers = excluded(self.rows, self.strict, len(self.columns))
        return None if multipliers is None else self.combination(multipliers)[1]

    def guessed(self, form: Form) -> Minimum | None:
        """The minimum of a form over the closed relaxation, if a guess finds it."""
        if self.program is None:
            self.program = Program(self.rows, len(self.columns), balanced=True)
        return self.program.guessed(_row(form.terms, self.columns))

    def minimise(self, form: Form) -> Any:
        """The minimum of a form over the closed relaxation, for rows that are known to have a common point."""
        if self.program is None:
            self.program = Program(self.rows, len(self.columns))
        row = _row(form.terms, self.columns)
        if any(c and not any(a[j] for a, _ in self.rows) for j, c in enumerate(row[0])):
            return Unbounded()
        return self.program.minimise(row)

    def inputs(self, point: Point) -> Point:
        """The input coordinates of a point."""
        return point[: self.goal.cell.atoms.inputs]

    def combination(self, multipliers: dict[int, Fraction]) -> tuple[int, list[list[Any]]]:
        """A combination as the certificate stores it: a common weight, and multipliers of the cell's own rows."""
        return combined(self.own(multipliers), self.references)

    def own(self, multipliers: dict[int, Fraction]) -> dict[int, Fraction]:
        """Multipliers of the cell's own rows and facts instead of those of the relaxation."""
        return {i: v * self.scales[i] for i, v in multipliers.items()}

    def witness(self, gap: Form, answer: Any, centre: Point, violated: Callable[[Point], bool]) -> Point | None:
        """A point where the two sides differ: where the gap is most negative, or on the way there."""
        if not isinstance(answer, Minimum):
            return self._far(gap, centre, violated)
        for share in (Fraction(1), Fraction(1, 2), Fraction(1023, 1024)):
            mixed = tuple(c + share * (v - c) for v, c in zip(answer.point, centre, strict=True))
            if violated(self.inputs(mixed)):
                return self.inputs(mixed)
        return None

    def _far(self, gap: Form, centre: Point, violated: Callable[[Point], bool]) -> Point | None:
        """The gap has no lower bound: cut the cell by the row gap <= -1, for as large a bound as is feasible."""
        row = _row(negated(gap).terms, self.columns)
        answer = inside([*self.rows, (row[0], row[1] - 1)], [*self.strict, False], len(self.columns))
        if isinstance(answer, Inside) and violated(self.inputs(answer.point)):
            return self.inputs(answer.point)
        return None


def _row(terms: Terms, columns: dict[int, int]) -> Row:
    coefficients = [0] * len(columns)
    for v, c in terms.items():
        if v != ONE:
            coefficients[columns[v]] = c
    return tuple(coefficients), terms.get(ONE, 0)


def combined(own: dict[int, Fraction], numbers: Sequence[Reference]) -> tuple[int, list[list[Any]]]:
    """A combination of rows and facts as the certificate stores it: a common weight, and whole multipliers."""
    return integer_multipliers(own)[0], references(own, numbers)


def references(multipliers: dict[int, Fraction], numbers: Sequence[Reference]) -> list[list[Any]]:
    """Multipliers of rows or facts as the certificate stores them."""
    _, whole_numbers = integer_multipliers(multipliers)
    result: list[list[Any]] = []
    for i, value in sorted(whole_numbers.items()):
        reference = numbers[i]
        if value:
            result.append([*(reference if isinstance(reference, tuple) else (reference,)), format(value, "x")])
    return result
