"""Random proof trees: random splits, also useless ones, and cells closed by linear programming.

The moves are those of the second checker, so its cells are used; what comes out is only a certificate to be judged.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from checker import Cell, Claim, Domain, Form, Rejected, cleared, compare, fact, gate, root_cell, times

from exactformer.lp import Minimum, Outside, Program, inside

SPLITS = 25  # in one tree
Step = list[Any]


def random_tree(r: random.Random, claim: Claim, domain: Domain, needless: int) -> list[Step]:
    """The steps of a tree that splits at random, in some cells needlessly, and closes cells where it can."""
    stack = [root_cell(claim, domain)]
    stack[0].advance(claim)
    steps: list[Step] = []
    eagerness = r.choice([0.3, 0.6, 0.9])
    splits = 0
    while stack:
        cell = stack.pop()
        step = None
        if splits >= needless or r.random() >= eagerness:
            step = closing(r, claim, cell)
        children: list[Cell] = []
        if step is None and splits < SPLITS:
            step, children = splitting(r, cell)
            splits += 1
        steps.append(step or closing(r, claim, cell) or ["holds"])
        for child in children:
            child.advance(claim)
        stack += reversed(children)
    return steps


def splitting(r: random.Random, cell: Cell) -> tuple[Step | None, list[Cell]]:
    """A random split, if there is one."""
    stuck = cell.stuck()
    places = sorted(cell.places)
    if stuck is not None and (not places or r.random() < 0.6):
        t, other = r.sample(sorted(stuck.scores), 2)
        try:
            return ["compare", t, other], compare(cell, t, other)
        except Rejected:
            pass
    if places:
        place = r.choice(places)
        return ["gate", place], gate(cell, place)
    return None, []


def closing(r: random.Random, claim: Claim, cell: Cell) -> Step | None:
    """A step that closes the cell, if there is one."""
    rows = usable(cell)
    if cell.conclusions is not None and r.random() < 0.9:
        pairs = []
        for c, conclusion in zip(cell.conclusions, claim.conclusions, strict=True):
            g = cell.normal(c)
            for f in ([g, times(-1, g)] if conclusion.equation else [g]) if g else []:
                pairs.append(proof_of(r, f, rows))
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
    """A pair that proves f >= 0, if there is one."""
    own = cleared(f)
    table, factors, width = program([*(g for _, g, _ in rows), own])
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
