"""One cell of a search for the largest value: what bounds it there, and how to split it further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from exactformer.kernel.atoms import Atoms
from exactformer.kernel.cell import Cell, Reference
from exactformer.kernel.claims import Goal
from exactformer.kernel.forms import ONE, Form, combine, constant_form, difference, substituted
from exactformer.polyhedra.lp import Minimum, Unbounded
from exactformer.prover.choice import owners_of
from exactformer.prover.planning import between
from exactformer.prover.relaxation import Relaxation, combined
from exactformer.rational import nearly

Step = list[Any]
Point = tuple[Fraction, ...]
FEW = 12  # so many loose maxima are split one by one; for more of them, the domain is cut


@dataclass(frozen=True)
class Bound:
    """A conclusion f on a cell: f >= -ceiling, by the bounds of the kernel or by a combination of rows."""

    form: Form | None  # None: not known yet, and the ceiling is a guess at the bounds of the kernel
    ceiling: Fraction | None
    multipliers: dict[int, Fraction] | None = None  # of rows and facts of the cell, for f times its denominator
    references: tuple[Reference, ...] = ()  # which these are

    def proof(self, offset: Fraction, *, strict: bool = False) -> list[Any] | None:
        """The proof that f + offset >= 0, for an offset of at least the ceiling; None if nothing is left to prove.

        With `strict` that it is > 0, for an offset above the ceiling.
        """
        if self.form is None:
            return []
        form = combine(((1, self.form), (1, constant_form(offset))))
        if not form.terms and not strict:
            return None
        if self.multipliers is None:
            return []
        scale = Fraction(form.den, self.form.den)
        weight, rows = combined({i: v * scale for i, v in self.multipliers.items()}, self.references)
        return [format(weight, "x"), rows]


@dataclass(frozen=True)
class Seen:
    """What was found out about a cell."""

    bounds: tuple[Bound, ...]  # one a conclusion
    split: Step | None  # the next step, if there is one
    points: tuple[Point, ...] = ()  # where the bounds may be attained
    empty: list[Any] | None = None  # rows that refute the cell
    guess: bool = False  # whether the cell has only been sketched
    endless: bool = False  # whether a conclusion reaches beyond all bounds there


@dataclass(frozen=True)
class Looked:
    """A cell evaluated anew: what was found out, the evaluation where it is at hand, and what that took."""

    seen: Seen
    goal: Goal | None
    cost: float  # seconds of the evaluation
    seconds: float  # of all


def look(goal: Goal, wanted: Sequence[Fraction | None]) -> Seen:
    """Bounds of the conclusions, sharper where one exceeds what is wanted; and a split where that is not enough."""
    if goal.stuck is not None:
        return Seen((), _compare(goal))
    seen = goal.opened()
    cell, atoms = seen.cell, seen.cell.atoms
    forms = [atoms.expanded(cell.resolve(form)) for form in seen.conclusions]
    bounds, strict = [Bound(form, _ceiling(atoms, form)) for form in forms], bool(goal.statement.groups)
    loose = [i for i, bound in enumerate(bounds) if _above(bound.ceiling, wanted[i], strict=strict)]
    points: list[Point] = []
    endless = False
    crossed = any(low > high for low, high in box_of(seen) if low is not None and high is not None)
    few = crossed or (loose and _few(cell, [forms[i] for i in loose]))
    relaxation = Relaxation.of(seen, [forms[i] for i in loose]) if few else None
    for exactly in (False, True):  # a guess may fail; then it matters only where nothing is left to split
        if relaxation is not None:
            empty = relaxation.excluded(exactly=exactly)
            if empty is not None:
                return Seen(tuple(bounds), None, (), empty)
            for i in loose:
                answer = relaxation.minimise(forms[i]) if exactly else relaxation.guessed(forms[i])
                # An exact program over the inputs alone, with a point that fulfils all rows, strict ones, too.
                endless |= exactly and isinstance(answer, Unbounded) and len(relaxation.columns) == atoms.inputs
                if isinstance(answer, Minimum):
                    points.append(relaxation.inputs(answer.point))
                    ceiling = -answer.value / forms[i].den
                    if _above(bounds[i].ceiling, ceiling):
                        own = relaxation.own(answer.multipliers)
                        bounds[i] = Bound(forms[i], ceiling, own, tuple(relaxation.references))
            loose = [i for i in loose if _above(bounds[i].ceiling, wanted[i], strict=strict)]
        if not loose:
            break
        worst = max(loose, key=lambda i: _excess(bounds[i].ceiling, wanted[i]))
        split = _split(seen, forms[worst])
        if split is not None or relaxation is None:
            return Seen(tuple(bounds), split, tuple(points))
    return Seen(tuple(bounds), None, tuple(points), endless=endless)


def _above(ceiling: Fraction | None, wanted: Fraction | None, *, strict: bool = False) -> bool:
    return ceiling is None or wanted is None or ceiling > wanted or (strict and ceiling == wanted)


def _excess(ceiling: Fraction | None, wanted: Fraction | None) -> tuple[int, Fraction]:
    if ceiling is None:
        return 1, Fraction(0)
    return 0, ceiling - (wanted or 0)


def _ceiling(atoms: Atoms, form: Form) -> Fraction | None:
    low, _ = atoms.bounds(form)
    return None if low is None else -low


def _few(cell: Cell, forms: Sequence[Form]) -> bool:
    """Whether a linear program is worth while: few maxima are open, and none of them is soft."""
    found = {v for form in forms for v in _open(cell, form)}
    return found.isdisjoint(cell.atoms.rates) and len(found) <= 2 * FEW


def _compare(goal: Goal) -> Step:
    """Which of two tokens of the stuck head has the larger score."""
    scores, sign = goal.stuck or {}, goal.opened().cell.sign
    first, second = next(
        (a, b) for a in scores for b in scores if a < b and sign(difference(scores[a], scores[b])) is None
    )
    return ["compare", first, second]


def _split(goal: Goal, form: Form) -> Step | None:
    """The gate, or the cut of the box in half, that promises most for a bound of the form; None where all is tight."""
    cell, atoms = goal.cell, goal.cell.atoms
    (lost, over), owners = losses(cell, form), owners_of(cell)
    unsettled = _open(cell, form)
    gates = [v for v in unsettled if v in owners and v not in atoms.rates]
    loose = [v for v in gates if v in lost] or gates
    blame = _blame(atoms, lost, over)
    few = len(gates) <= FEW and atoms.rates.keys().isdisjoint(unsettled)  # a gate says nothing of softmax
    if loose and (few or not any(blame)):
        return ["gate", owners[max(loose, key=lambda v: (lost.get(v, 0.0), -v))]]
    i = max(range(len(blame)), key=blame.__getitem__, default=None)
    low, high = (None, None) if i is None or not blame[i] else box_of(goal)[i]
    if i is None or low is None or high is None or low >= high:
        return _hidden(cell, owners)
    return ["cut", [[i + 1, 1], [ONE, str(-between(low, high))]]]


def _hidden(cell: Cell, owners: dict[int, str]) -> Step | None:
    """A gate on which only the rows of the cell depend, which say less than they could until it is decided.

    Such rows remain where a unit was opened before those that come before it, and is off.
    """
    open_ones = (v for form, _ in cell.rows for v in _open(cell, cell.resolve(form)))
    gates = [v for v in open_ones if v in owners and v not in cell.atoms.rates]
    return ["gate", owners[min(gates)]] if gates else None


def box_of(goal: Goal) -> list[tuple[Fraction | None, Fraction | None]]:
    """The bounds of the inputs on the cell, with those that rows about one input add."""
    rows = [row for row in goal.cell.rows if max(row[0].terms, default=ONE) <= goal.cell.atoms.inputs]
    return list(zip(*goal.statement.box(rows), strict=True))


def _open(cell: Cell, form: Form) -> list[int]:
    """The atoms that the form depends on, the earliest first."""
    found: set[int] = set()
    todo = [form.terms]
    while todo:
        for v in todo.pop():
            if v in cell.atoms.candidates and v not in found:
                found.add(v)
                todo += [cell.resolve(candidate).terms for candidate in cell.atoms.candidates[v]]
    return sorted(found)


def losses(cell: Cell, form: Form) -> tuple[dict[int, float], Form]:
    """How much a lower bound of the form loses at each atom that it is put together from, as a guess in floats.

    With it the form over the inputs in which all atoms have been replaced by their affine bounds.
    """
    atoms = cell.atoms
    lost: dict[int, float] = {}
    while top := max([atoms.level.get(v, 0) for v in form.terms], default=0):
        values: dict[int, Form] = {}
        for v, c in form.terms.items():
            if atoms.level.get(v) == top:
                floor, ceiling = atoms.floor.get(v), atoms.ceiling.get(v)
                if floor is None or ceiling is None:
                    return {}, form
                _, width = atoms.bounds(difference(ceiling, floor))
                if width:
                    lost[v] = lost.get(v, 0.0) + nearly(abs(c) * width / form.den)
                values[v] = floor if c > 0 else ceiling
        form = substituted(form, values)
    return {v: size for v, size in lost.items() if size}, form


def _blame(atoms: Atoms, lost: dict[int, float], over: Form) -> list[float]:
    """How much each input is to blame that a bound is loose; nothing on a domain without a box.

    An input moves the differences between candidates, and so it loses. Where the atoms are those of one network, it
    also counts how far the bound itself moves with it; of a difference of two, that says little (measured).
    """
    if not atoms.relaxed or None in (*atoms.low[: atoms.inputs + 1], *atoms.high[: atoms.inputs + 1]):
        return []
    with np.errstate(all="ignore"):  # numbers beyond the range of floats make bad guesses, no more
        moves = _moves(atoms)
        scores = np.zeros(atoms.inputs)
        for v, size in lost.items():
            first, *others = atoms.candidates.get(v) or (Form({}),)
            shares = sum((np.abs(_moved(difference(other, first), moves)) for other in others), np.zeros(atoms.inputs))
            if shares.any():
                scores += size * shares / shares.sum()
        if not atoms.apart:
            scores *= np.abs(_moved(over, moves))
    return [float(score) for score in np.nan_to_num(scores)]


def _moves(atoms: Atoms) -> list[Any]:
    """How far each variable moves with each input over its whole width, by the affine bounds below, as a guess."""
    moves = [np.zeros(atoms.inputs) for _ in range(atoms.inputs + 1)]
    for i in range(atoms.inputs):
        moves[i + 1][i] = nearly(atoms.high[i + 1] - atoms.low[i + 1])  # type: ignore[operator]
    for v in range(atoms.inputs + 1, len(atoms.low)):
        moves.append(_moved(atoms.floor.get(v, Form({})), moves))
    return moves


def _moved(form: Form, moves: list[Any]) -> Any:
    parts = (moves[v] * nearly(Fraction(c, form.den)) for v, c in form.terms.items())
    return sum(parts, np.zeros(len(moves[0])))
