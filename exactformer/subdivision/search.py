"""Cells found one by one with exact linear programs: for many inputs, and for heads that are no maxima."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from exactformer.domain import Domain, interval_box
from exactformer.polyhedra.lp import Inside, Minimum, Point, Program, Row, interior
from exactformer.subdivision.polytope import primitive
from exactformer.subdivision.stages import Chain, Choice, Form, State

Pattern = tuple[Choice, ...]
Box = tuple[tuple[Fraction, Fraction], ...]


@dataclass(frozen=True)
class Cell:
    """A cell: for each group of forms those that are the largest, its inequalities, a point inside, its outputs."""

    pattern: Pattern
    rows: tuple[Row, ...]
    point: Point
    outputs: tuple[Form, ...]


@dataclass(frozen=True)
class Open:
    """A cell of the groups that were looked at so far."""

    stage: int
    state: State
    groups: list[list[Form]]
    choices: tuple[Choice, ...]  # of this stage
    pattern: Pattern  # of the stages before
    rows: Program
    point: Point


def cells_of(chain: Chain, domain: Domain, alive: Callable[[int], None]) -> Iterator[Cell]:
    """All full-dimensional cells, depth first; `alive` is told how many cells are known and may raise."""
    n = domain.dimension
    rows = domain_rows(domain)
    inside = interior(rows, n) if rows else Inside((Fraction(0),) * n)
    if not isinstance(inside, Inside):
        return
    waiting = [_opened(chain, 0, chain.first, (), Program(rows, n), inside.point)]
    box = interval_box(domain) if domain.is_bounded_box else None
    found = 0
    while waiting:
        cell = waiting.pop()
        alive(found + len(waiting) + 1)
        if cell.stage == len(chain.stages):
            yield Cell(cell.pattern, tuple(cell.rows.rows), cell.point, tuple(chain.output(cell.state)))
            found += 1
        elif len(cell.choices) == len(cell.groups):
            state = chain.stages[cell.stage].following(cell.state, cell.choices)
            waiting.append(_opened(chain, cell.stage + 1, state, cell.pattern + cell.choices, cell.rows, cell.point))
        else:
            waiting += _divided(cell, box, partial(alive, found + len(waiting) + 1))


def winners(chain: Chain, point: Point) -> Pattern:
    """For each group of forms those that are the largest on the cell around a point strictly inside it."""
    state = chain.first
    pattern: Pattern = ()
    for stage in chain.stages:
        choices = []
        for group in stage.groups(state):
            best = max(group, key=partial(_value, point=point))
            choices.append(tuple(i for i, form in enumerate(group) if form == best))
        state, pattern = stage.following(state, choices), (*pattern, *choices)
    return pattern


def domain_rows(domain: Domain) -> list[Row]:
    """The inequalities of a domain, without those that hold everywhere."""
    n = domain.dimension
    rows: list[tuple[Sequence[Fraction], Fraction]] = []
    for i, (lo, hi) in enumerate(zip(domain.lower, domain.upper, strict=True)):
        for sign, bound in ((1, lo), (-1, hi)):
            if bound is not None:
                rows.append(([Fraction(sign * (i == j)) for j in range(n)], -sign * bound))
    for row, bound in zip(domain.matrix.dense(), domain.bounds.fractions(), strict=True):
        rows.append(([-x for x in row], bound))
    return [primitive(a, b) for a, b in rows if any(a) or b < 0]


def _opened(chain: Chain, stage: int, state: State, pattern: Pattern, rows: Program, point: Point) -> Open:
    groups = chain.stages[stage].groups(state) if stage < len(chain.stages) else []
    return Open(stage, state, groups, (), pattern, rows, point)


def _divided(cell: Open, box: Box | None, check: Callable[[], None]) -> list[Open]:
    """The cell once for each form of its next group that is the largest somewhere inside."""
    group = cell.groups[len(cell.choices)]
    equal: dict[Form, list[int]] = {}
    for i, form in enumerate(group):
        equal.setdefault(form, []).append(i)
    if len(equal) == 1:
        return [_chosen(cell, tuple(range(len(group))), (), cell.point)]
    forms = list(equal)
    values = [_value(form, cell.point) for form in forms]
    best = max(range(len(forms)), key=values.__getitem__)
    rivals = []
    for f, form in enumerate(forms):
        check()
        if f == best or not _never_above(cell.rows, box, form, forms[best]):
            rivals.append(f)
    if len(rivals) == 1:
        return [_chosen(cell, tuple(equal[forms[best]]), (), cell.point)]
    points = {}
    for f in rivals:
        check()
        rows = [_above(forms[f], forms[g]) for g in rivals if g != f]
        if f == best and values.count(values[best]) == 1:
            points[f] = cell.point
        elif isinstance(found := interior([*cell.rows.rows, *rows], cell.rows.dimension), Inside):
            points[f] = found.point
    return [
        _chosen(cell, tuple(equal[forms[f]]), tuple(_above(forms[f], forms[g]) for g in points if g != f), point)
        for f, point in sorted(points.items(), reverse=True)
    ]


def _never_above(program: Program, box: Box | None, form: Form, other: Form) -> bool:
    """Whether the form is nowhere above the other on the rows of the program, which are within the box."""
    coefficients, constant = row = _above(other, form)
    if box is not None:
        ends = (c * (lo if c > 0 else hi) for c, (lo, hi) in zip(coefficients, box, strict=True) if c)
        if sum(ends, Fraction(constant)) >= 0:
            return True
    if not program.rows:
        return False
    answer = program.minimise(row)
    return isinstance(answer, Minimum) and answer.value >= 0


def _chosen(cell: Open, choice: Choice, rows: tuple[Row, ...], point: Point) -> Open:
    program = Program([*cell.rows.rows, *rows], cell.rows.dimension) if rows else cell.rows
    return Open(cell.stage, cell.state, cell.groups, (*cell.choices, choice), cell.pattern, program, point)


def _value(form: Form, point: Point) -> Fraction:
    total = Fraction(int(form[-1].p), int(form[-1].q))
    for c, x in zip(form, point, strict=False):
        total += Fraction(int(c.p), int(c.q)) * x
    return total


def _above(form: Form, other: Form) -> Row:
    """The row form - other >= 0."""
    numbers = [Fraction(int(d.p), int(d.q)) for d in (a - b for a, b in zip(form, other, strict=True))]
    return primitive(numbers[:-1], numbers[-1])
