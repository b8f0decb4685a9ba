"""Random proof trees: random splits, also useless ones, and cells closed by linear programming.

The moves are those of the second checker, so its cells are used; what comes out is only a certificate to be judged.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from checker import (
    Cell,
    Claim,
    Domain,
    Form,
    Rejected,
    add,
    bound,
    cleared,
    compare,
    fact,
    gate,
    is_constant,
    root_cell,
    single,
    times,
)

from exactformer.polyhedra.lp import Minimum, Outside, Program, inside

SPLITS = 25  # in one tree
Step = list[Any]


def random_tree(r: random.Random, claim: Claim, domain: Domain, needless: int) -> list[Step]:
    """The steps of a tree that splits at random, in some cells needlessly, and closes cells where it can."""
    stack = [root_cell(claim, domain)]
    steps: list[Step] = []
    eagerness = r.choice([0.3, 0.6, 0.9])
    splits = 0
    while stack:
        cell = stack.pop()
        cell.advance(claim)
        step = None
        if splits >= needless or r.random() >= eagerness:
            step = closing(r, claim, cell.child([]))
        children: list[Cell] = []
        if step is None and splits < SPLITS:
            step, children = splitting(r, cell)
            splits += 1
        steps.append(step or closing(r, claim, cell.child([])) or ["holds"])
        stack += reversed(children)
    return steps


def plain_tree(r: random.Random, claim: Claim, domain: Domain, splits: int) -> list[Step]:
    """The steps of a tree that splits at random and closes all cells as if nothing were left to prove."""
    stack = [root_cell(claim, domain)]
    steps: list[Step] = []
    while stack:
        cell = stack.pop()
        cell.advance(claim)
        step, children = split(r, cell) if splits > 0 else (None, [])
        splits -= 1
        steps.append(step or ["holds"])
        stack += reversed(children)
    return steps


def splitting(r: random.Random, cell: Cell) -> tuple[Step | None, list[Cell]]:
    """A random bound or split, if there is one."""
    places = sorted(cell.places)
    if places and r.random() < 0.3:
        step = bounding(r, cell.child([]), r.choice(places))
        if step is not None:
            return step, bound(cell, step[1], step[2], step[3:])
    return split(r, cell)


def split(r: random.Random, cell: Cell) -> tuple[Step | None, list[Cell]]:
    """A random split, if there is one; what is tried in vain is tried on a copy, as a check takes one step only."""
    stuck = cell.stuck()
    places = sorted(cell.places)
    if stuck is not None and (not places or r.random() < 0.6):
        t, other = r.sample(sorted(stuck.scores), 2)
        try:
            return ["compare", t, other], compare(cell.child([]), t, other)
        except Rejected:
            pass
    if places:
        place = r.choice(places)
        return ["gate", place], gate(cell, place)
    return None, []


def bounding(r: random.Random, cell: Cell, place: str) -> Step | None:
    """A step that bounds an atom by a form that is at least each candidate, if one is found."""
    rows = usable(cell)
    candidates = cell.atoms.candidates[cell.places[place]]
    f = guess(r, cell, candidates, rows)
    if f is None:
        return None
    gaps = [cleared(add(f, candidate, -1)) for candidate in candidates]
    pairs = [proof_of(r, cell.normal(gap), rows) for gap in gaps]
    if None in pairs:
        return None
    step = ["bound", place, spelt(r, cell, f), *pairs]
    try:
        bound(cell, place, step[2], pairs)
    except Rejected:  # what proves a form with all rows resolved need not do so with those that are used
        return None if r.random() < 0.9 else step
    return step


def guess(r: random.Random, cell: Cell, candidates: list[Form], rows: Usable) -> Form | None:
    """A form that may be at least each candidate."""
    way = r.random()
    if way < 0.3:
        ends = [largest_value(cell, f, rows) for f in candidates]
        return None if None in ends else single(max(end for end in ends if end is not None))
    if way < 0.7 and len(candidates) == 2:  # the chord of max(u, v) = v + max(u - v, 0)
        u, v = r.sample(candidates, 2)
        high, low = largest_value(cell, add(u, v, -1), rows), largest_value(cell, add(v, u, -1), rows)
        if high is None or low is None or not (high > 0 and low > 0):
            return None
        return add(v, add(add(u, v, -1), single(low)), high / (high + low))
    f = r.choice([*candidates, *({a: Fraction(1)} for a in cell.places.values())])
    return add(f, single(r.choice([0, 0, 1, Fraction(1, 2)])))


def largest_value(cell: Cell, f: Form, rows: Usable) -> Fraction | None:
    """The largest value of a form on the cell, as far as the rows show one."""
    f = times(-1, cell.normal(f))
    if is_constant(f):
        return -f.get(0, Fraction(0))
    table, factors, width = program([*(g for _, g, _ in rows), f])
    answer = Program(table[:-1], width).minimise(table[-1])
    return -answer.value / factors[-1] if isinstance(answer, Minimum) else None


def spelt(r: random.Random, cell: Cell, f: Form) -> list[Any]:
    """A form as a certificate has it; atoms without a place are named by none."""
    names = {a: place for place, a in cell.places.items()}
    parts = [[names.get(v, v), str(c) if c.denominator > 1 or r.random() < 0.2 else int(c)] for v, c in f.items()]
    if parts and r.random() < 0.1:
        parts.append([parts[0][0], 0])
    r.shuffle(parts)
    return parts


def closing(r: random.Random, claim: Claim, cell: Cell) -> Step | None:
    """A step that closes the cell, if there is one."""
    rows = usable(cell)
    if cell.conclusions is not None and r.random() < 0.9:
        pairs = []
        for c, conclusion in zip(cell.conclusions, claim.conclusions, strict=True):
            g = cell.normal(c)
            for f in ([g, times(-1, g)] if conclusion.equation else [g]) if g else []:
                pairs.append(proof_of(r, cleared(f), rows))
        if None not in pairs:
            return ["holds", *pairs]
    return contradiction(r, cell, rows)


Usable = list[tuple[list[Any], Form, bool]]  # the reference, the cleared row resolved, whether it is strict


def usable(cell: Cell) -> Usable:
    """The rows and facts that a closing step may use."""
    found: Usable = [([i], cell.normal(cleared(f)), strict) for i, (f, strict) in enumerate(cell.rows)]
    for place, a in sorted(cell.places.items()):
        for name in ["low", "high", *range(len(cell.atoms.candidates[a]))]:
            try:
                found.append(([place, name], cell.normal(cleared(fact(cell.atoms, a, name))), False))
            except Rejected:  # no such bound
                continue
    return found


def program(forms: Sequence[Form]) -> tuple[list[tuple[tuple[int, ...], int]], list[int], int]:
    """Forms as rows of integers, the factors that cleared them, and the number of columns."""
    columns = sorted({v for f in forms for v in f if v})
    factors = [math.lcm(*(c.denominator for c in f.values())) for f in forms]
    rows = [
        (tuple(int(c * f.get(v, 0)) for v in columns), int(c * f.get(0, 0)))
        for c, f in zip(factors, forms, strict=True)
    ]
    return rows, factors, len(columns)


def proof_of(r: random.Random, f: Form, rows: Usable) -> list[Any] | None:
    """A pair that proves a cleared form >= 0, if there is one; it may have been resolved after that."""
    table, factors, width = program([*(g for _, g, _ in rows), f])
    answer = Program(table[:-1], width).minimise(table[-1])
    if not isinstance(answer, Minimum) or answer.value < 0:
        return None
    multipliers = {i: m * factors[i] for i, m in answer.multipliers.items()}
    weight, used = scaled(r, Fraction(factors[-1]), multipliers, rows)
    return [f"{weight:x}", used]


def contradiction(r: random.Random, cell: Cell, rows: Usable) -> Step | None:
    """An empty step, if the rows contradict one another."""
    table, factors, width = program([g for _, g, _ in rows])
    answer = inside(table, [strict for _, _, strict in rows], width) if rows else None
    if not isinstance(answer, Outside):
        return None
    multipliers = {i: m * factors[i] for i, m in answer.multipliers.items()}
    return ["empty", scaled(r, Fraction(1), multipliers, rows)[1]]


def scaled(r: random.Random, weight: Fraction, found: dict[int, Fraction], rows: Usable) -> tuple[int, list[Any]]:
    """A weight and multipliers as integers, with references to the rows; sometimes one row occurs twice."""
    scale = math.lcm(weight.denominator, *(m.denominator for m in found.values())) * r.choice([1, 1, 1, 2, 3])
    used = []
    for i, m in found.items():
        whole = int(m * scale)
        parts = [whole - 1, 1] if whole > 1 and r.random() < 0.1 else [whole]
        used += [[*rows[i][0], f"{part:x}"] for part in parts]
    return int(weight * scale), used
