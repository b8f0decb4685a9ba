"""Which gate to split, and what is open on a cell."""

from __future__ import annotations

from collections.abc import Sequence

from exactformer.kernel.cell import Cell
from exactformer.kernel.claims import Goal
from exactformer.kernel.forms import ZERO, Form
from exactformer.kernel.semantics import Run


def levels(goal: Goal) -> list[tuple[str, ...]]:
    """The gates, one place an atom, grouped so that each depends on lower groups only.

    For equations those of the first evaluation: on its regions the others have to be the same form.
    """
    level: dict[int, int] = {}
    groups: dict[int, list[str]] = {}
    runs = goal.runs[:1] if goal.statement.equations else goal.runs
    places = {place: atom for run in runs for place, atom in run.places.items()}
    for place, atom in sorted(places.items(), key=lambda item: item[1]):
        if atom not in level:
            below = {v for form in goal.cell.atoms.candidates[atom] for v in form.terms}
            level[atom] = 1 + max((level.get(v, 0) for v in below), default=0)
            groups.setdefault(level[atom], []).append(place)
    return [tuple(groups[number]) for number in sorted(groups)]


def differing_gate(goal: Goal, unproved: Form) -> str | None:
    """The place of the gate to split for a form that could not be shown to be >= 0; None if no atom is open.

    For an equation the lowest atom that only one side depends on; if there is none, that both do. For an inequality
    the lowest of those whose value has to be bounded from above. If there is none, the lowest that a row mentions.
    Lowest is what depends on the fewest atoms; but of a maximum of maxima an inner one comes first.
    """
    cell = goal.cell
    first, last = (_reached(cell, outputs_of(run)) for run in (goal.runs[0], goal.runs[-1]))
    above = [Form({v: 1}) for v, c in unproved.terms.items() if c < 0]
    owners = {v: place for v, place in owners_of(cell).items() if v not in cell.atoms.rates}  # softmax has no gate
    wishes = [first ^ last, first | last] if goal.statement.equations else [_reached(cell, above)]
    for wanted in (*wishes, _reached(cell, [unproved]), _reached(cell, [form for form, _ in cell.rows])):
        if placed := wanted & owners.keys():
            atom = min(placed, key=lambda v: (cell.atoms.support[v].bit_count(), v))
            parts = [cell.resolve(form).terms for form in cell.atoms.candidates[atom]]
            return owners[next((v for terms in parts if len(terms) == 1 for v in terms if v in owners), atom)]
    return None


def owners_of(cell: Cell) -> dict[int, str]:
    """For each open atom of the cell the first place whose value it is, up to an affine map."""
    owners: dict[int, str] = {}
    for place, own in sorted(cell.places.items(), key=lambda item: item[1]):
        value = cell.atoms.expanded(cell.resolve(cell.atoms.expanded(Form({own: 1}))))
        for v in value.terms:
            if v in cell.atoms.candidates:
                owners.setdefault(v, place)
    return owners


def _reached(cell: Cell, forms: Sequence[Form]) -> set[int]:
    """The open atoms, one of each class, that the forms depend on over this cell."""
    found: set[int] = set()
    todo = [cell.atoms.expanded(cell.resolve(cell.atoms.expanded(form))) for form in forms]
    while todo:
        for v in todo.pop().terms:
            if v in cell.atoms.candidates and v not in found:
                found.add(v)
                todo += [cell.atoms.expanded(cell.resolve(form)) for form in cell.atoms.candidates[v]]
    return found


def outputs_of(run: Run) -> list[Form]:
    """All outputs of a finished run, in order."""
    return [(run.outputs or {}).get(k, ZERO) for k in range(run.network.outputs)]
