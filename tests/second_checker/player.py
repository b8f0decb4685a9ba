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
    anew,
    at_least,
    bound,
    cleared,
    compare,
    cut,
    fact,
    gate,
    is_constant,
    narrow,
    root_cell,
    single,
    times,
)

from exactformer.polyhedra.lp import Outside, Program, inside

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
    way = r.random()
    if way < 0.12:
        terms = cutting(r, cell)
        return ["cut", terms], cut(cell, terms)
    if way < 0.2:
        pairs = pairing(r, cell)
        try:
            return ["anew", pairs], anew(cell, pairs)
        except Rejected:  # the rows leave an input without values
            pass
    if places and r.random() < 0.3:
        step = bounding(r, cell.child([]), r.choice(places))
        if step is not None:
            return step, bound(cell, step[1], step[2], step[3:])
    return split(r, cell)


def split(r: random.Random, cell: Cell) -> tuple[Step | None, list[Cell]]:
    """A random split, if there is one; what is tried in vain is tried on a copy, as a check takes one step only."""
    stuck = cell.stuck()
    places = sorted(place for place, a in cell.places.items() if a not in cell.atoms.rate)
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


def cutting(r: random.Random, cell: Cell) -> list[Any]:
    """A random form to cut by, as a certificate has it: mostly one in an input alone, near the middle of its bounds."""
    n = cell.atoms.last_variable
    if n and r.random() < 0.8:
        v = r.randint(1, n)
        low, high = cell.atoms.bounds[v]
        middle = Fraction(0) if low is None or high is None else (low + high) / 2
        return [[v, 1], [0, str(-middle)]]
    names: list[Any] = [*range(n + 1), *sorted(cell.places)]
    return [[r.choice(names), r.choice([1, -1, 2, "1/2"])] for _ in range(r.choice([1, 2, 2, 3]))]


def pairing(r: random.Random, cell: Cell) -> list[list[str]]:
    """Places with those of the first evaluation that have the same names but for the letter, or with any others."""
    way = r.random()
    if way < 0.2:
        return []
    places = sorted(cell.places)
    same = [[place, f"L{place[1:]}"] for place in places if place[0] != "L"]
    if way < 0.8 or not places:
        return same
    return [[place, r.choice(places)] for place in places if r.random() < 0.6]


def reach(r: random.Random, claim: Claim, domain: Domain) -> Fraction:
    """How far from true the conclusions may be, as bounds tell it when all is evaluated anew with pairs."""
    (cell,) = anew(root_cell(claim, domain), names_of(claim))
    cell.advance(claim)
    lows = [cell.atoms.lo(cell.normal(c)) for c in cell.conclusions or []]
    return max([Fraction(0), *(-low for low in lows if low is not None)])


def names_of(claim: Claim) -> list[list[str]]:
    """Pairs of all places that the second network may have with those of the first of the same names."""
    units = [f"{i}.u{j}" for i in range(4) for j in range(4)]
    neurons = [f"{i}.f{j}.t{t}" for i in range(3) for j in range(3) for t in range(4)]
    heads = [f"{i}.h{j}.q{t}" for i in range(3) for j in range(2) for t in range(4)]
    return [[f"R{name}", f"L{name}"] for name in (*units, *neurons, *heads)]


def near_tree(r: random.Random, claim: Claim, domain: Domain, cuts: int) -> list[Step]:
    """The steps of a tree that cuts the domain, evaluates anew with pairs, and closes cells by bounds or rows."""
    stack = [(root_cell(claim, domain), 0)]
    steps: list[Step] = []
    while stack:
        cell, depth = stack.pop()
        cell.advance(claim)
        children: list[Cell] = []
        step = None
        if cuts > depth and r.random() < 0.9:
            terms = cutting(r, cell)
            step, children = ["cut", terms], cut(cell, terms)
        elif not cell.atoms.relaxed:
            pairs = names_of(claim) if r.random() < 0.9 else pairing(r, cell)
            try:
                step, children = ["anew", pairs], anew(cell, pairs)
            except Rejected:  # the rows leave an input without values
                step = None
        elif r.random() < 0.2 and depth < cuts + 2:
            step, children = splitting(r, cell)
        steps.append(step or closing(r, claim, cell.child([])) or ["holds"])
        stack += reversed([(child, depth + 1) for child in children])
    return steps


def narrow_tree(r: random.Random, claim: Claim, domain: Domain, cuts: int) -> list[Step]:
    """The steps of a tree that cuts the domain, narrows cells or evaluates them anew, and closes them by bounds."""
    stack = [(root_cell(claim, domain), 0)]
    steps: list[Step] = []
    while stack:
        cell, depth = stack.pop()
        cell.advance(claim)
        step, children = None, list[Cell]()
        if depth < 2 * cuts and depth % 2 == 0:
            terms = cutting(r, cell)
            step, children = ["cut", terms], cut(cell, terms)
        elif depth <= 2 * cuts and r.random() < (0.9 if depth % 2 else 0.2):
            try:
                step, children = ["narrow"], narrow(cell.child([]))
                if r.random() < 0.15:
                    step, children = ["anew", []], anew(cell, [])
            except Rejected:
                step, children = None, []
        elif r.random() < (0.5 if any(".s" in place for place in cell.places) else 0.15) and depth < 2 * cuts + 2:
            step, children = splitting(r, cell)
        steps.append(step or closing(r, claim, cell.child([])) or ["holds"])
        stack += reversed([(child, depth + 1) for child in children])
    return steps


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
    answer = Program(table[:-1], width).guessed(table[-1])
    return None if answer is None else -answer.value / factors[-1]


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
        for c, equation in zip(cell.conclusions, claim.equations, strict=True):
            g = cell.normal(c)
            for f in ([g, times(-1, g)] if equation else [g]) if g or claim.sets else []:
                if cell.atoms.functions:  # what encloses functions does so for the sum with any rows
                    pairs.append([] if r.random() < 0.8 else ["1", [[*r.choice(rows)[0], "1"]] if rows else []])
                    continue
                enough = at_least(cell.atoms.lo(f), 0)
                pair = None if enough and r.random() < 0.6 else proof_of(r, cleared(f), rows)
                pairs.append([] if pair is None and enough else pair)  # no facts are about blends and leaks
        if None not in pairs:
            return ["holds", *pairs]
    return contradiction(r, cell, rows)


Usable = list[tuple[list[Any], Form, bool]]  # the reference, the cleared row resolved, whether it is strict


def usable(cell: Cell) -> Usable:
    """The rows and facts that a closing step may use."""
    found: Usable = [([i], cell.normal(cleared(f)), strict) for i, (f, strict) in enumerate(cell.rows)]
    for place, a in sorted(cell.places.items()):
        for name in ["low", "high", "below", "above", *range(len(cell.atoms.candidates[a]))]:
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
    answer = Program(table[:-1], width).guessed(table[-1])  # an exact search takes minutes where scales differ much
    if answer is None or answer.value < 0:
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
