"""The search for claims with functions: cut until maxima are decided, then until the kernel's enclosures are enough.

A maximum is undecided where two of its candidates change places. If that is at a value of one input, a cut there
decides it, and the cut in the middle of many halves their number: so N maxima take about N log N steps. Where it is
not (as on the diagonals of Kuhn's triangulation), the maximum is split. Once a cell has none left, a conclusion is a
function plus an affine form; the kernel encloses that on the box of the cell, less multiples of the rows that are not
sides of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, product
from math import frexp

import numpy as np
from numpy.typing import NDArray

from exactformer.kernel.claims import Child, Goal, follow
from exactformer.kernel.elementary import Undefined
from exactformer.kernel.forms import ONE, Form, difference
from exactformer.kernel.functions import Function, value
from exactformer.polyhedra.lp import Program
from exactformer.prover.ranking import Ranking, Unranked
from exactformer.prover.search import Found, Search, Step
from exactformer.rational import number_text
from exactformer.work import Deadline

Point = tuple[Fraction, ...]
Floats = NDArray[np.float64]
Tried = Callable[[Point], bool]  # whether a point refutes the claim, beyond doubt
FINEST = 40  # how often the range of an input is halved before a cell counts as too small to go on
RANKED = 3  # from so many inputs on, maxima are ranked: of two, splitting them is as good
LOOSE = 8  # so many undecided maxima may be left to their bounds
MARGIN = 1.001  # above the multiple of a row that is enough
PRECISION = 12  # bits of the multipliers of rows
UNIT = 1 << 30  # of the linear program for them


def narrowed(
    goal: Goal, deadline: Deadline, tried: Tried, progress: Callable[[int, int], None], finest: int = FINEST
) -> Found:
    """A proof of the goal, or a point that refutes it, or the reason why there is neither.

    Ranges of inputs are halved at most `finest` times. If functions are piecewise linear, all is as for networks.
    """
    if goal.finished and not goal.cell.atoms.functions:
        return Search(tried, deadline.end, False, progress).run(goal)
    if any(None in side for side in _box(goal)):
        return Found([], [], {}, reason="functions are enclosed on boxes: the domain has to be bounded")
    steps: list[Step] = []
    waiting: list[Child] = [lambda: goal]
    closed, widths = 0, [high - low for low, high in _box(goal)]
    while waiting:
        if deadline.passed:
            return Found(steps, [], {}, reason=f"out of time, with {closed} cells closed and {len(waiting) + 1} open")
        cell = waiting.pop()()
        if steps:
            steps.append(["narrow"])
            cell = follow(cell, steps[-1], "search")[0]()
        look = cell.opened()
        forms = look.obligations()
        undecided = sorted(v for v in look.cell.atoms.needed(forms) if v in look.cell.atoms.candidates)
        closing = _closed(look, forms, undecided)
        step = None if closing else _kink(look, undecided)
        if not closing and step is None and undecided and look.finished and look.cell.atoms.inputs >= RANKED:
            try:
                ranking = Ranking(look, undecided)
                plain = list(map(ranking.plain, forms))
                closing = ranking.closing(forms, _proofs(look, plain))
                undecided, forms = [], plain
            except Unranked as crossing:
                step = crossing.step
                closing = [step] if step is not None and step[0] == "empty" else []
        if closing:
            steps += closing
            closed += 1
            progress(closed, len(waiting))
            continue
        if not undecided:
            points = [p for p in _grid(look) if all(row.at([1, *p]) >= 0 for row in _oblique(look).values())]
            point = next((p for form in forms for p in points if (_value(look, form, p) or 0) < 0 and tried(p)), None)
            if point is not None:
                return Found(steps, [], {}, witness=point)
        step = step or _gate(look, undecided) or _half(look, widths, finest)
        if step is None:
            near = ", ".join(f"{float((low + high) / 2):g}" for low, high in _box(look))
            return Found(steps, [], {}, reason=f"too close to call near ({near}), with {closed} cells closed")
        steps.append(step)
        waiting += reversed(follow(cell, step, "search"))
    return Found(steps, [], {})


# --- what to split ----------------------------------------------------------------------------------------------------


def _kink(goal: Goal, undecided: Sequence[int]) -> Step | None:
    """A cut where candidates of undecided maxima change places: in the middle of all that are values of one input."""
    atoms, box = goal.cell.atoms, _box(goal)
    ends: dict[int, list[Fraction]] = {}
    for v in undecided:
        for one, other in combinations(atoms.candidates[v], 2):
            form = difference(one, other)
            inputs = [u for u in form.terms if u != ONE]
            if len(inputs) == 1 and inputs[0] <= atoms.inputs:
                end = Fraction(-form.terms.get(ONE, 0), form.terms[inputs[0]])
                low, high = box[inputs[0] - 1]
                if low < end < high:
                    ends.setdefault(inputs[0], []).append(end)
    if not ends:
        return None
    variable = max(ends, key=lambda u: (len(set(ends[u])), -u))
    found = sorted(set(ends[variable]))
    return _cut(variable, found[len(found) // 2])


def _gate(goal: Goal, undecided: Sequence[int]) -> Step | None:
    """The split of the first undecided maximum that has a place."""
    places = {v: place for place, v in goal.cell.places.items()}
    return next((["gate", places[v]] for v in undecided if v in places), None)


def _half(goal: Goal, widths: Sequence[Fraction], finest: int) -> Step | None:
    """The cut through the middle of the input that is, of its whole range, the widest; None if all are small."""
    shares = [(high - low) / width if width else 0 for (low, high), width in zip(_box(goal), widths, strict=True)]
    widest = max(range(len(shares)), key=shares.__getitem__)
    if shares[widest] <= Fraction(1, 1 << finest):
        return None
    low, high = _box(goal)[widest]
    return _cut(widest + 1, (low + high) / 2)


def _cut(variable: int, end: Fraction) -> Step:
    return ["cut", [[variable, 1], [ONE, number_text(-end)]]]


def _box(goal: Goal) -> list[tuple[Fraction, Fraction]]:
    atoms = goal.cell.atoms
    return list(zip(atoms.low[1 : atoms.inputs + 1], atoms.high[1 : atoms.inputs + 1], strict=True))  # type: ignore[arg-type]


# --- what closes a cell -----------------------------------------------------------------------------------------------


def _closed(goal: Goal, forms: Sequence[Form], undecided: Sequence[int]) -> list[Step]:
    """The step that closes a cell, few of whose maxima are undecided; none if it does not."""
    proofs = _proofs(goal, forms) if goal.finished and len(undecided) <= LOOSE else None
    return [] if proofs is None else [["holds", *proofs]]


def _proofs(goal: Goal, forms: Sequence[Form]) -> list[Step] | None:
    """Proofs that all forms are >= 0; None where one has none."""
    rows, proofs = _oblique(goal), list[Step]()
    for form in forms:
        proof = _proof(goal, form, rows)
        if proof is None:
            return None
        proofs.append(proof)
    return proofs


def _proof(goal: Goal, form: Form, rows: dict[int, Form]) -> Step | None:
    """That a conclusion holds by its bounds, or by those of what is left after multiples of the oblique rows."""
    if goal.cell.shown(form, None):
        return []
    least, _ = goal.cell.atoms.bounds(form)
    for i, row in rows.items():  # a row that excludes the whole box
        _, high = goal.cell.atoms.bounds(row)
        if high is not None and high < 0 and least is not None:
            return _combined(goal, form, {i: float(-least / -high) * MARGIN})
    points = list(_grid(goal))
    values = [_value(goal, form, point) for point in points] if rows else []
    heights = np.array([y for y in values if y is not None])
    if not rows or len(heights) < len(points):
        return None
    sides = _sides(goal, rows, points)
    if (heights[(sides >= 0).all(axis=1)] < 0).any():  # at a point of the cell
        return None
    found = _multipliers(heights, sides)
    return None if found is None else _combined(goal, form, dict(zip(rows, found, strict=True)))


def _sides(goal: Goal, rows: dict[int, Form], points: Sequence[Point]) -> Floats:
    """The values of the rows at the points, one a column."""
    columns = range(goal.cell.atoms.inputs + 1)
    slopes = np.array([[float(Fraction(row.terms.get(v, 0), row.den)) for v in columns] for row in rows.values()])
    values: Floats = np.array([[1.0, *map(float, point)] for point in points]) @ slopes.T
    return values


def _multipliers(heights: Floats, sides: Floats) -> list[float] | None:
    """Multiples of the sides, >= 0, that leave what is left of the heights as large as can be; None if that is < 0."""
    largest, scales = np.abs(heights).max() or 1.0, np.abs(sides).max(axis=0)
    n = len(scales) + 1  # of the largest t with height - sum of multiples of the sides >= t at all points
    table = np.column_stack([-sides / scales, -np.ones(len(heights)), heights / largest]) * UNIT
    program = [(tuple(map(int, row[:-1])), int(row[-1])) for row in table.round().tolist()]
    program.append(((0,) * (n - 1) + (-UNIT,), UNIT))  # there is no largest t where a row excludes the whole box
    program += [(tuple(int(i == j) for i in range(n)), 0) for j in range(n - 1)]
    best = Program(program, n).near(((0,) * (n - 1) + (-1,), 0))
    if best is None or best[-1] < 0:
        return None
    return [max(x, 0.0) * largest / scale for x, scale in zip(best[:-1], scales, strict=True)]


def _combined(goal: Goal, form: Form, multipliers: dict[int, float]) -> Step | None:
    """The proof with these multiples of rows, rounded to few bits, if the kernel takes it."""
    shares = {i: x * form.den / goal.cell.rows[i][0].den for i, x in multipliers.items() if x > 0}
    if not shares:
        return None
    weight = 1 << max(0, PRECISION - frexp(min(shares.values()))[1])
    whole = [(i, round(weight * x)) for i, x in shares.items()]
    if not goal.cell.shown(form, (weight, list(whole))):
        return None
    return [f"{weight:x}", [[i, f"{x:x}"] for i, x in whole]]


def _oblique(goal: Goal) -> dict[int, Form]:
    """The rows that are not true all over the box of the cell."""
    return {
        i: form
        for i, (form, _) in enumerate(goal.cell.rows)
        if (low := goal.cell.atoms.bounds(form)[0]) is None or low < 0
    }


def _grid(goal: Goal) -> Iterator[Point]:
    """Ends and middles of the box in all combinations; of many inputs only the middle and the ends along each."""
    ends = [(low, (low + high) / 2, high) for low, high in _box(goal)]
    if len(ends) <= 4:
        yield from product(*ends)
        return
    middle = tuple(x[1] for x in ends)
    yield middle
    yield from (
        tuple(x if j == i else y for j, y in enumerate(middle)) for i, three in enumerate(ends) for x in three[::2]
    )


def _value(goal: Goal, form: Form, point: Point) -> float | None:
    """About a value that the form has at least at a point; of undecided maxima the bounds count."""
    atoms, total = goal.cell.atoms, float(form.terms.get(ONE, 0))
    for v, c in form.terms.items():
        if v == ONE:
            continue
        ends = _ends(atoms.functions[v], point) if v in atoms.functions else (atoms.low[v], atoms.high[v])
        end = point[v - 1] if v <= atoms.inputs else ends[c < 0]
        if end is None:
            return None
        total += c * float(end)
    return total / form.den


@lru_cache(maxsize=1 << 12)  # cells that share a corner, and both conclusions of one, ask for the same
def _ends(function: Function, point: Point) -> tuple[float | None, float | None]:
    """The value of a function at a point, from both sides."""
    try:
        low, high = value(function, point)
        return float(low), float(high)
    except (Undefined, OverflowError):
        return None, None
