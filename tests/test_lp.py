"""Exact linear programs: every answer carries its own proof, on degenerate programs most of all."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactformer.polyhedra import lp
from exactformer.polyhedra.lp import (
    Answer,
    Infeasible,
    Inside,
    Minimum,
    Multipliers,
    Outside,
    Program,
    Row,
    Unbounded,
    inside,
    integer_multipliers,
    interior,
    whole,
)

SMALL = st.integers(-2, 2)  # degenerate: many zeros, parallel, equal and redundant rows
WIDE = st.one_of(SMALL, st.integers(-10, 10), st.sampled_from([10**60, -(10**60), 10**60 + 1, 2**200 + 1]))
Case = tuple[list[Row], Row, int]


@st.composite
def programs(draw: Any) -> Case:
    n = draw(st.integers(0, 4))
    numbers = draw(st.sampled_from([SMALL, SMALL, WIDE]))
    row = st.tuples(st.tuples(*[numbers] * n), numbers)
    rows = draw(st.lists(row, max_size=8))
    if draw(st.booleans()):  # a box, so that a minimum is likely
        for i in range(n):
            unit = tuple(int(j == i) for j in range(n))
            rows += [(unit, 1), (tuple(-u for u in unit), 1)]
    if rows and draw(st.booleans()):  # the same row again, and a multiple of one
        a, b = draw(st.sampled_from(rows))
        rows += [(a, b), (tuple(3 * c for c in a), 3 * b)]
    return draw(st.permutations(rows)), draw(row), n


def at(row: Row, point: tuple[Fraction, ...]) -> Fraction:
    return sum((a * x for a, x in zip(row[0], point, strict=True)), Fraction(row[1]))


def combined(rows: list[Row], multipliers: Multipliers, n: int) -> tuple[list[Fraction], Fraction]:
    """The combination of rows, whose multipliers must be positive and of rows that are there."""
    assert all(v > 0 and 0 <= i < len(rows) for i, v in multipliers.items())
    coefficients = [sum((v * rows[i][0][j] for i, v in multipliers.items()), Fraction(0)) for j in range(n)]
    return coefficients, sum((v * rows[i][1] for i, v in multipliers.items()), Fraction(0))


def verify(case: Case, answer: Answer) -> None:
    rows, objective, n = case
    if isinstance(answer, Minimum):
        assert all(at(row, answer.point) >= 0 for row in rows)
        assert at(objective, answer.point) == answer.value
        coefficients, constant = combined(rows, answer.multipliers, n)
        assert coefficients == list(objective[0])
        assert constant + answer.value == objective[1]
    elif isinstance(answer, Infeasible):
        coefficients, constant = combined(rows, answer.multipliers, n)
        assert not any(coefficients)
        assert constant < 0
    else:
        assert isinstance(inside(rows, [False] * len(rows), n), Inside)
        down = (tuple(-c for c in objective[0]), 0)
        directions = [*((a, 0) for a, _ in rows), down]
        ray = inside(directions, [False] * len(rows) + [True], n)
        assert isinstance(ray, Inside)
        assert all(at(row, ray.point) >= 0 for row in directions)
        assert at(down, ray.point) > 0


@given(programs())
@settings(max_examples=120)
def test_every_answer_proves_itself(case: Case) -> None:
    rows, objective, n = case
    verify(case, Program(rows, n).minimise(objective))


@given(programs())
@settings(max_examples=120)
def test_the_fallback_agrees_and_proves_itself_too(case: Case) -> None:
    rows, objective, n = case
    fast, slow = Program(rows, n).minimise(objective), lp._bland(rows, objective, n)
    verify(case, slow)
    assert type(fast) is type(slow)
    if isinstance(fast, Minimum) and isinstance(slow, Minimum):
        assert fast.value == slow.value


@given(programs(), st.lists(st.tuples(st.tuples(*[SMALL] * 4), SMALL), max_size=5))
def test_one_program_for_many_objectives(case: Case, others: list[tuple[tuple[int, ...], int]]) -> None:
    rows, objective, n = case
    program = Program(rows, n)
    for a, b in [(objective[0], objective[1]), *((a[:n], b) for a, b in others), objective]:
        answer = program.minimise((tuple(a), b))
        verify((rows, (tuple(a), b), n), answer)
        assert type(answer) is type(lp._bland(rows, (tuple(a), b), n))


@given(programs(), st.data())
@settings(max_examples=120)
def test_points_with_strict_rows_or_the_reason_why_there_is_none(case: Case, data: st.DataObject) -> None:
    rows, _, n = case
    for strict in ([data.draw(st.booleans()) for _ in rows], [False] * len(rows), [True] * len(rows)):
        answer = inside(rows, strict, n)
        if isinstance(answer, Inside):
            values = [at(row, answer.point) for row in rows]
            assert all(v > 0 if s else v >= 0 for v, s in zip(values, strict, strict=True))
        else:
            coefficients, constant = combined(rows, answer.multipliers, n)
            assert not any(coefficients)
            assert constant < 0 or (constant == 0 and any(strict[i] for i in answer.multipliers))


@given(programs())
def test_interior_points(case: Case) -> None:
    rows, _, n = case
    answer = interior(rows, n)
    if isinstance(answer, Inside):
        assert all(at(row, answer.point) > 0 for row in rows)
    else:
        coefficients, constant = combined(rows, answer.multipliers, n)
        assert answer.multipliers
        assert not any(coefficients)
        assert constant <= 0


def test_without_rows_or_columns() -> None:
    assert Program([], 0).minimise(((), 7)) == Minimum(Fraction(7), (), {})
    assert Program([((), 0), ((), 5)], 0).minimise(((), 7)) == Minimum(Fraction(7), (), {})
    assert Program([((), -1)], 0).minimise(((), 7)) == Infeasible({0: Fraction(1)})
    assert Program([], 2).minimise(((0, 0), 7)) == Minimum(Fraction(7), (Fraction(0), Fraction(0)), {})
    assert Program([], 2).minimise(((1, 0), 7)) == Unbounded()
    assert inside([], [], 0) == Inside(())
    assert inside([((), 0)], [True], 0) == Outside({0: Fraction(1)})
    assert inside([((), 0)], [False], 0) == Inside(())


def test_the_vertices_of_a_box_need_no_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The floating-point guess must be right on easy programs: the exact fallback alone would be far too slow."""

    def never(*arguments: object) -> None:
        raise AssertionError("the fallback was called")

    monkeypatch.setattr(lp, "_bland", never)
    n = 6
    units = [tuple(int(j == i) for j in range(n)) for i in range(n)]
    rows = [row for u in units for row in ((u, 3), (tuple(-c for c in u), 3))]
    program = Program([*rows, ((1,) * n, 10**9)], n)
    for objective in ((1, -2, 3, -4, 5, -6), (1,) * n, (10**40, 1, 1, 1, 1, 1)):
        answer = program.minimise((objective, 5))
        assert isinstance(answer, Minimum)
        assert answer.value == 5 - 3 * sum(map(abs, objective))


def test_a_thin_gap_beyond_floating_point() -> None:
    tiny = 10**60
    rows: list[Row] = [((tiny,), -1), ((-tiny,), 2)]  # 1e-60 <= x <= 2e-60
    assert Program(rows, 1).minimise(((1,), 0)) == Minimum(
        Fraction(1, tiny), (Fraction(1, tiny),), {0: Fraction(1, tiny)}
    )
    found = interior(rows, 1)
    assert isinstance(found, Inside)
    assert Fraction(1, tiny) < found.point[0] < Fraction(2, tiny)
    assert isinstance(interior([((tiny,), -1), ((-tiny,), 1)], 1), Outside)
    assert inside([((tiny,), -1), ((-tiny,), 1)], [False, False], 1) == Inside((Fraction(1, tiny),))
    assert isinstance(inside([((tiny,), -2), ((-tiny,), 1)], [False, False], 1), Outside)


def test_a_cycling_program_ends() -> None:
    """Beale's example, on which the simplex method without Bland's rule goes round for ever."""
    rows: list[Row] = [
        ((-1, 32, 4, -36), 0),
        ((-1, 24, 1, -6), 0),
        ((0, 0, -1, 0), 1),
        *(((*(int(j == i) for j in range(4)),), 0) for i in range(4)),
    ]
    objective = ((-3, 80, -2, 24), 0)
    for answer in (Program(rows, 4).minimise(objective), lp._bland(rows, objective, 4)):
        verify((rows, objective, 4), answer)
        assert isinstance(answer, Minimum)
        assert answer.value == -5


@given(st.lists(st.fractions(), max_size=5))
def test_whole(values: list[Fraction]) -> None:
    numerators, den = whole(values)
    assert den >= 1
    assert [Fraction(n, den) for n in numerators] == values
    common, table = integer_multipliers(dict(enumerate(values)))
    assert common == den
    assert table == dict(enumerate(numerators))


@pytest.mark.parametrize("error", [RuntimeError("the solver failed"), MemoryError(), ValueError("status")])
def test_a_solver_that_raises_is_only_a_lost_guess(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by fault injection: the error used to reach the user."""

    def failing(*_: object) -> Any:
        raise error

    monkeypatch.setattr(lp.highspy._Highs, "run", failing)
    answer = Program([((1,), 1), ((-1,), 1)], 1).minimise(((1,), 0))
    assert isinstance(answer, Minimum) and answer.value == -1
