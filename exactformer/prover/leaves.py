"""The leaves of a proof tree, as regions for the report and as SMT-LIB 2 scripts for other solvers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import gcd
from typing import Any

from exactformer.kernel.cell import Cell
from exactformer.kernel.claims import Child, Goal, follow
from exactformer.kernel.forms import Form
from exactformer.networks import Affine
from exactformer.polyhedra.lp import Row
from exactformer.prover.choice import outputs_of, owners_of
from exactformer.prover.outcome import Inequality, Region
from exactformer.prover.search import Leaf
from exactformer.prover.smtlib import ONE, leaf_text
from exactformer.prover.smtlib import Form as Term
from exactformer.rational import Matrix, Vector


def regions_of(leaves: Sequence[Leaf]) -> tuple[Region, ...]:
    """The leaves of a proof by regions: inequalities, interior point, and the affine map of each side."""
    rows = dict.fromkeys(row for leaf in leaves for row in leaf.rows)  # most are those of many leaves
    same: dict[Inequality, Inequality] = {}
    known = {row: same.setdefault(own, own) for row, own in ((row, _inequality(row)) for row in rows)}
    return tuple(
        Region(
            tuple({id(own): own for own in map(known.__getitem__, leaf.rows)}.values()),
            leaf.point,
            _affine(leaf.left),
            _affine(leaf.right),
            leaf.pattern,
        )
        for leaf in leaves
    )


def leaf_scripts(goal: Goal, steps: Iterable[Any], path: Sequence[Any] = ()) -> Iterator[tuple[str, str]]:
    """For each closing step of a proof tree, in order, its rule and a script, unsatisfiable if the step is right.

    The script speaks of the inputs and of the maxima that are open on the cell: the rows of the cell hold, each
    maximum is at least its candidates and within its bounds, and the claim fails. The steps are those of a proof that
    the kernel accepts; they may be some of them, from the cell on to which the path leads.
    """
    cells: list[Child] = [lambda: goal]
    for step, number in path:
        cells += reversed(follow(cells.pop()(), step, "leaves")[number:])
    for step in steps:
        current = cells.pop()()
        if step[0] in ("empty", "holds"):
            yield step[0], _script(current.opened(), step[0])
        else:
            cells += reversed(follow(current, step, "leaves"))


def _script(goal: Goal, rule: str) -> str:
    cell = goal.cell
    rows = [(_plain(cell, form), strict) for form, strict in cell.rows]
    fails: list[Form] = []
    pairs: list[tuple[Term, Term]] = []
    if rule == "holds" and goal.statement.equations:
        sides = [[_plain(cell, y) for y in outputs_of(run)] for run in goal.runs]
        fails = [form for side in sides for form in side]
        pairs = [(_term(a, cell), _term(b, cell)) for a, b in zip(sides[0], sides[-1], strict=True)]
    elif rule == "holds":
        fails = [_plain(cell, form) for form in goal.conclusions]
    used = _open_atoms(cell, [form for form, _ in rows] + fails)
    owners, described = owners_of(cell), set[int]()
    while missing := used - described:
        facts = [form for v in sorted(missing & owners.keys()) for form in cell.facts(owners[v]).values()]
        rows += [(_plain(cell, form), False) for form in facts]
        described |= missing
        used = _open_atoms(cell, [form for form, _ in rows] + fails)
    symbols = [f"x{i}" for i in range(cell.atoms.inputs)] + [f"a{v}" for v in sorted(used)]
    hypotheses = [(_term(form, cell), strict) for form, strict in rows]
    negated = None if rule == "empty" or goal.statement.equations else [_term(form, cell) for form in fails]
    return leaf_text(rule, symbols, hypotheses, pairs, negated, strict=bool(goal.statement.groups))


def _open_atoms(cell: Cell, forms: Sequence[Form]) -> set[int]:
    return {v for form in forms for v in form.terms if v > cell.atoms.inputs}


def _plain(cell: Cell, form: Form) -> Form:
    """The form on the cell, free of aliases."""
    return cell.atoms.expanded(cell.resolve(cell.atoms.expanded(form)))


def _term(form: Form, cell: Cell) -> Term:
    """The form over the symbols of a script: x0, x1, ... for the inputs, a and its number for an open maximum."""

    def name(v: int) -> str:
        return ONE if v == 0 else f"x{v - 1}" if v <= cell.atoms.inputs else f"a{v}"

    return Term({name(v): Fraction(c, form.den) for v, c in form.terms.items()})


def _inequality(row: Row) -> Inequality:
    common = gcd(row[1], *row[0]) or 1
    return Inequality(tuple(a // common for a in row[0]), row[1] // common)


def _affine(rows: Sequence[Sequence[Fraction]]) -> Affine:
    entries = {(i, j): x for i, row in enumerate(rows) for j, x in enumerate(row[:-1])}
    return Affine(Matrix.sparse(len(rows), len(rows[0]) - 1, entries), Vector.of(row[-1] for row in rows))
