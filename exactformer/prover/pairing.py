"""Claims about one network at several points: units at one place are compared before anything is split.

If f is convex because all weights above its units are >= 0, then each unit at (x + y)/2 is at most the mean of that
unit at x and at y, layer by layer; likewise a unit at x <= y is at most that unit at y. One `bound` step for each unit
takes the place of exponentially many cells. Pairs that are not true, or not shown by linear programming, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from exactformer.kernel.claims import Goal, follow
from exactformer.kernel.forms import Form, combine, difference
from exactformer.kernel.reading import Rejected
from exactformer.polyhedra.lp import Minimum, Outside
from exactformer.prover.relaxation import Relaxation

Step = list[Any]
PARTNERS = {"MLR": {"M": "LR"}, "LR": {"L": "R", "R": "L"}}  # the evaluations -> whose mean may bound whom


def paired(goal: Goal, expired: Callable[[], bool]) -> tuple[Goal, list[Step]]:
    """The goal after as many `bound` steps as pairs were found, and these steps."""
    steps: list[Step] = []
    bounded: set[int] = set()
    for place, partners in _pairs(goal):
        atom = goal.cell.places[place]
        if expired():
            break
        if not _promising(goal, atom, bounded, place[0]):
            continue
        step = _bound(goal.opened(), place, partners)
        if step is None:
            continue
        try:
            (child,) = follow(goal, step, "search")
        except Rejected:
            continue
        goal = child()
        bounded.add(atom)
        steps.append(step)
    return goal, steps


def _pairs(goal: Goal) -> Iterator[tuple[str, list[str]]]:
    """Places and the places whose mean may bound them from above, lower atoms first."""
    sides = "".join(job.side for job in goal.statement.jobs)
    networks = {id(job.network) for job in goal.statement.jobs}
    if goal.statement.equations or not goal.finished or len(networks) > 1 or sides not in PARTNERS:
        return
    places = goal.cell.places
    for place, _ in sorted(places.items(), key=lambda item: item[1]):
        partners = [side + place[1:] for side in PARTNERS[sides].get(place[0], "")]
        if partners and all(partner in places for partner in partners):
            yield place, partners


def _promising(goal: Goal, atom: int, bounded: set[int], side: str) -> bool:
    """Whether all atoms of the same evaluation in its candidates are bounded, and have coefficients > 0."""
    own = {v for place, v in goal.cell.places.items() if place[0] == side}
    terms = [item for form in goal.cell.atoms.candidates[atom] for item in form.terms.items() if item[0] in own]
    return all(v in bounded and c > 0 for v, c in terms)


def _bound(goal: Goal, place: str, partners: list[str]) -> Step | None:
    """The step that bounds the atom at a place by the mean of the atoms at others; None where it is not shown."""
    cell = goal.cell
    mean = combine([(1, Form({cell.places[partner]: 1})) for partner in partners], len(partners))
    proofs = _shown(goal, [difference(mean, form) for form in cell.atoms.candidates[cell.places[place]]])
    share = "1" if len(partners) == 1 else f"1/{len(partners)}"
    return None if proofs is None else ["bound", place, [[partner, share] for partner in partners], *proofs]


def closing(goal: Goal) -> Step | None:
    """The step that closes the goal by what is near its conclusions; None where that is not enough."""
    goal = goal.opened()
    proofs = _shown(goal, goal.obligations())
    return None if proofs is None else ["holds", *proofs]


def _shown(goal: Goal, forms: Sequence[Form]) -> list[list[Any]] | None:
    """A pair of weight and rows for each form, which shows that it is >= 0 on the cell; None if one is not shown."""
    proofs = []
    for form in forms:
        gap = goal.cell.atoms.expanded(goal.cell.resolve(form))
        relaxation = Relaxation.of(goal, [gap], near=True)
        if isinstance(relaxation.inside(), Outside):
            return None
        answer = relaxation.minimise(gap)
        if not isinstance(answer, Minimum) or answer.value < 0:
            return None
        weight, rows = relaxation.combination(answer.multipliers)
        proofs.append([format(weight, "x"), rows])
    return proofs
