"""Exact linear programming: HiGHS guesses a basis, python-flint solves it exactly, integers verify the answer.

A row (a, b) of integers stands for the inequality a . x + b >= 0; x is free. Whatever floating point
suggests is only a guess: an answer is returned after an exact check, and when the guess fails the check an
exact simplex with Bland's rule decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import flint
import highspy
import numpy as np
from flint import fmpq

Row = tuple[tuple[int, ...], int]
Point = tuple[Fraction, ...]
Multipliers = dict[int, Fraction]


@dataclass(frozen=True)
class Minimum:
    """objective = value + sum multipliers[i] * row i, all multipliers > 0; attained at `point`."""

    value: Fraction
    point: Point
    multipliers: Multipliers


@dataclass(frozen=True)
class Infeasible:
    """sum multipliers[i] * row i is a negative constant, all multipliers > 0."""

    multipliers: Multipliers


@dataclass(frozen=True)
class Unbounded:
    """The rows have a common point, and the objective has no lower bound on them."""


Answer = Minimum | Infeasible | Unbounded


@dataclass(frozen=True)
class Inside:
    """A point at which every strict row is > 0 and every other row is >= 0."""

    point: Point


@dataclass(frozen=True)
class Outside:
    """No such point: sum multipliers[i] * row i is a constant <= 0, < 0 unless a strict row takes part."""

    multipliers: Multipliers


class Program:
    """One set of rows, minimised over repeatedly: HiGHS keeps its basis from one objective to the next."""

    def __init__(self, rows: Sequence[Row], dimension: int, *, balanced: bool = False) -> None:
        self.rows = list(rows)
        self.dimension = dimension
        self._scales: Any = _balance(self.rows, dimension) if balanced else np.ones(dimension)  # units of the variables
        self._highs: Any = None

    def minimise(self, objective: Row) -> Answer:
        """The exact minimum of the objective over the rows, or the exact reason why there is none."""
        return self.guessed(objective) or _bland(self.rows, objective, self.dimension)

    def guessed(self, objective: Row) -> Minimum | None:
        """The exact minimum, if the floating-point guess of where it is attained is right."""
        if self.dimension == 0 or not self.rows:
            return None
        try:
            active = self._guess(objective)
        except Exception:  # a guess that fails is no guess, whatever the reason
            self._highs = active = None
        return None if active is None else self._solved(objective, active)

    def near(self, objective: Row) -> list[float] | None:
        """About where the minimum is attained, as floats: a guess, for the caller to check whatever it concludes."""
        try:
            if self._run(objective):
                return [float(x * s) for x, s in zip(self._highs.getSolution().col_value, self._scales, strict=True)]
        except Exception:  # a guess that fails is no guess, whatever the reason
            self._highs = None
        return None

    def _guess(self, objective: Row) -> list[int] | None:
        """The rows that HiGHS believes to be active at an optimal vertex."""
        if not self._run(objective):
            return None
        basic, basis = highspy.HighsBasisStatus.kBasic, self._highs.getBasis()
        # A free column outside the basis stands at zero: number -1 - j is the row x_j = 0, which may bear no weight.
        free = [-1 - j for j, status in enumerate(basis.col_status) if status != basic]
        return [i for i, status in enumerate(basis.row_status) if status != basic] + free

    def _run(self, objective: Row) -> bool:
        """Whether HiGHS believes to have found the minimum."""
        if self._highs is None:
            self._highs = _model(self.rows, self.dimension, self._scales)
        cost = _floats([objective[0]])[0] * self._scales
        self._highs.changeColsCost(self.dimension, np.arange(self.dimension, dtype=np.int32), cost)
        self._highs.run()
        return bool(self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal)

    def _solved(self, objective: Row, active: list[int]) -> Minimum | None:
        """The vertex and the multipliers of the guessed rows, solved and verified exactly; None if not optimal."""
        n = self.dimension
        if len(active) != n:
            return None
        used = [self.rows[i] if i >= 0 else (tuple(int(j == -1 - i) for j in range(n)), 0) for i in active]
        matrix = flint.fmpz_mat([list(a) for a, _ in used])
        try:
            x = matrix.solve(flint.fmpz_mat([[-b] for _, b in used]))
            y = matrix.transpose().solve(flint.fmpz_mat([[c] for c in objective[0]]))
        except ZeroDivisionError:
            return None
        multipliers = {i: Fraction(int(y[r, 0].p), int(y[r, 0].q)) for r, i in enumerate(active) if y[r, 0] != 0}
        if any(v < 0 or i < 0 for i, v in multipliers.items()):
            return None
        point = tuple(Fraction(int(x[j, 0].p), int(x[j, 0].q)) for j in range(n))
        numerators, den = whole(point)
        if any(sum(map(int.__mul__, a, numerators)) + b * den < 0 for a, b in self.rows):
            return None
        value = Fraction(sum(map(int.__mul__, objective[0], numerators)) + objective[1] * den, den)
        return Minimum(value, point, multipliers)


def inside(rows: Sequence[Row], strict: Sequence[bool], dimension: int) -> Inside | Outside:
    """A point with row > 0 for the strict rows and row >= 0 for the others, or multipliers that exclude one.

    Exact. First every row is asked to be positive, which is never infeasible once relaxed; only when that shows a
    flat set, and no strict row takes part in the proof, are the other rows taken as they are.
    """
    answer = _relaxed(rows, [True] * len(rows), dimension)
    assert answer is not None
    if isinstance(answer, Inside):
        return answer
    total = sum(v * rows[i][1] for i, v in answer.multipliers.items())
    if total < 0 or any(strict[i] for i in answer.multipliers):
        return answer
    answer = _relaxed(rows, strict, dimension)
    assert answer is not None
    return answer


def excluded(rows: Sequence[Row], strict: Sequence[bool], dimension: int) -> Multipliers | None:
    """Multipliers that exclude a common point, if a floating-point guess shows some; without them nothing is known."""
    answer = _relaxed(rows, [True] * len(rows), dimension, guess=True)
    if not isinstance(answer, Outside):
        return None
    total = sum(v * rows[i][1] for i, v in answer.multipliers.items())
    return answer.multipliers if total < 0 or any(strict[i] for i in answer.multipliers) else None


def interior(rows: Sequence[Row], dimension: int) -> Inside | Outside:
    """A point at which every row is positive, or multipliers that show an empty or a flat set (total 0)."""
    answer = _relaxed(rows, [True] * len(rows), dimension)
    assert answer is not None
    return answer


def _relaxed(
    rows: Sequence[Row], strict: Sequence[bool], dimension: int, *, guess: bool = False
) -> Inside | Outside | None:
    """Minimises t subject to row + s t >= 0 for every strict row (s a power of two), row >= 0 else, and t >= -1.

    None only if a guess is all that is wanted, and it fails.
    """
    lifted = [
        ((*a, 1 << max(0, max((abs(c).bit_length() for c in a), default=0) - 1) if is_strict else 0), b)
        for (a, b), is_strict in zip(rows, strict, strict=True)
    ]
    floor = ((0,) * dimension + (1,), 1)
    program = Program([*lifted, floor], dimension + 1, balanced=guess)
    objective = ((0,) * dimension + (1,), 0)
    answer = program.guessed(objective) if guess else program.minimise(objective)
    if answer is None:
        return None
    if isinstance(answer, Minimum) and answer.value < 0:
        return Inside(answer.point[:-1])
    assert not isinstance(answer, Unbounded)  # the last row bounds t
    # t = value + sum l_i (row_i + s_i t) with value >= 0, where the last row is not active: so sum l_i row_i <= 0.
    return Outside({i: v for i, v in answer.multipliers.items() if i < len(rows)})


def whole(values: Sequence[Fraction]) -> tuple[list[int], int]:
    """The values as integers over their least common denominator."""
    den = lcm(*(v.denominator for v in values))
    return [v.numerator * (den // v.denominator) for v in values], den


def integer_multipliers(multipliers: Multipliers) -> tuple[int, dict[int, int]]:
    """(d, {i: d * multipliers[i]}) with the smallest d that makes them integers."""
    numerators, den = whole(list(multipliers.values()))
    return den, dict(zip(multipliers, numerators, strict=True))


def _floats(rows: Sequence[Sequence[int]]) -> Any:
    """The rows as floats, each scaled by a power of two so that its largest entry is near one."""
    result = np.empty((len(rows), len(rows[0])))
    for i, row in enumerate(rows):
        shift = max((abs(c).bit_length() for c in row), default=0)
        result[i] = [_ratio(c, shift) for c in row]
    return result


def _ratio(numerator: int, shift: int) -> float:
    return numerator / (1 << shift)


def _balance(rows: Sequence[Row], dimension: int) -> Any:
    """Powers of two as units of the variables, in which the columns and the rows have entries of like sizes."""
    table = np.abs(_floats([a for a, _ in rows])) if dimension and rows else np.zeros((0, dimension))
    scales = np.ones(dimension)
    for _ in range(4):
        most = table.max(axis=0, initial=0.0)
        step = np.exp2(-np.round(np.log2(np.where(most > 0, most, 1.0))))
        scales, table = scales * step, table * step
        tops = table.max(axis=1, initial=0.0)[:, None]
        table = table / np.where(tops > 0, tops, 1.0)
    return scales


def _model(rows: Sequence[Row], dimension: int, scales: Any) -> Any:
    table = _floats([(*a, b) for a, b in rows])
    table[:, :-1] *= scales
    tops = np.abs(table).max(axis=1, initial=0.0)[:, None]
    table /= np.where(tops > 0, tops, 1.0)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = dimension, len(rows)
    lp.col_cost_ = np.zeros(dimension)
    lp.col_lower_ = np.full(dimension, -highspy.kHighsInf)
    lp.col_upper_ = np.full(dimension, highspy.kHighsInf)
    lp.row_lower_ = -table[:, -1]
    lp.row_upper_ = np.full(len(rows), highspy.kHighsInf)
    where = np.nonzero(table[:, :-1])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate(([0], np.cumsum(np.bincount(where[0], minlength=len(rows)))))
    lp.a_matrix_.index_ = where[1]
    lp.a_matrix_.value_ = table[where]
    # The class highspy.Highs on top of this one prints a banner, before it can be told not to.
    highs: Any = highspy._Highs()  # type: ignore[attr-defined]
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("presolve", "off")
    highs.setOptionValue("solver", "simplex")
    highs.setOptionValue("threads", 1)
    highs.passModel(lp)
    return highs


# --- the exact fallback ---------------------------------------------------------------------------


def _bland(rows: Sequence[Row], objective: Row, dimension: int) -> Answer:
    """Exact two-phase simplex with Bland's rule on the dual: y >= 0, sum y_i a_i = c, maximise -sum y_i b_i.

    A dual optimum is a minimum, a dual ray shows infeasible rows, an infeasible dual an unbounded or empty primal.
    Bland's rule never cycles, so this ends.
    """
    signs = [1 if c >= 0 else -1 for c in objective[0]]
    m = len(rows)
    # Tableau row j: the equation for coordinate j, with an artificial variable m + j as first basis.
    table = [
        [fmpq(signs[j] * a[j]) for a, _ in rows]
        + [fmpq(int(i == j)) for i in range(dimension)]
        + [fmpq(signs[j] * objective[0][j])]
        for j in range(dimension)
    ]
    basis = [m + j for j in range(dimension)]
    phase_one = [fmpq(0)] * m + [fmpq(1)] * dimension
    _pivot_to_optimum(table, basis, phase_one, m + dimension)
    if any(table[r][-1] != 0 for r, v in enumerate(basis) if v >= m):
        feasible = _bland(rows, ((0,) * dimension, 0), dimension)
        return feasible if isinstance(feasible, Infeasible) else Unbounded()
    cost = [fmpq(b) for _, b in rows] + [fmpq(0)] * dimension
    ray = _pivot_to_optimum(table, basis, cost, m)
    if ray is not None:
        return Infeasible(ray)
    multipliers = {v: _fraction(table[r][-1]) for r, v in enumerate(basis) if v < m and table[r][-1] != 0}
    # The vertex: reduced costs of the artificial columns.
    point = tuple(
        _fraction(-signs[j] * sum((cost[v] * table[r][m + j] for r, v in enumerate(basis)), fmpq(0)))
        for j in range(dimension)
    )
    value = objective[1] + sum((c * x for c, x in zip(objective[0], point, strict=True)), Fraction(0))
    return Minimum(value, point, multipliers)


def _pivot_to_optimum(table: list[list[Any]], basis: list[int], cost: list[Any], columns: int) -> Multipliers | None:
    """Minimise cost over the tableau's first `columns` columns; returns a ray of improvement if there is one."""
    while True:
        entering = next((j for j in range(columns) if j not in basis and _reduced(table, basis, cost, j) < 0), None)
        if entering is None:
            return None
        # An artificial variable left in the basis at zero must leave as soon as it can move, so that it stays zero.
        stuck = [r for r, v in enumerate(basis) if v >= columns and table[r][entering] != 0]
        ratios = [(table[r][-1] / table[r][entering], basis[r], r) for r in range(len(basis)) if table[r][entering] > 0]
        if not ratios and not stuck:
            ray = {basis[r]: _fraction(-table[r][entering]) for r in range(len(basis)) if table[r][entering] != 0}
            return {entering: Fraction(1)} | ray
        row = stuck[0] if stuck else min(ratios)[2]
        pivot = table[row][entering]
        table[row] = [x / pivot for x in table[row]]
        for r in range(len(table)):
            if r != row and (factor := table[r][entering]) != 0:
                table[r] = [x - factor * y for x, y in zip(table[r], table[row], strict=True)]
        basis[row] = entering


def _reduced(table: list[list[Any]], basis: list[int], cost: list[Any], column: int) -> Any:
    return cost[column] - sum((cost[v] * table[r][column] for r, v in enumerate(basis) if cost[v] != 0), fmpq(0))


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q))
