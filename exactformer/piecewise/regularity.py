"""Regular (coherent) subdivisions: cells on which some convex function is affine, another on each."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import flint

from exactformer.piecewise.cells import Cell
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.walls import Wall
from exactformer.polyhedra.lp import Inside, interior


@dataclass(frozen=True)
class Regular:
    """A strictly convex height function: heights[first] - heights[second] = jumps[w] * row at each wall w, jumps > 0.

    On a convex domain it is the maximum of its heights, and cell i is where heights[i] is that maximum.
    """

    heights: tuple[Piece, ...]
    jumps: tuple[Fraction, ...]

    def holds(self, walls: Sequence[Wall]) -> bool:
        """Whether the heights are what they should be, by their definition."""
        return all(
            jump > 0 and self.heights[w.first] - self.heights[w.second] == Piece.of_row(w.row).times(jump)
            for w, jump in zip(walls, self.jumps, strict=True)
        )


@dataclass(frozen=True)
class NotRegular:
    """Numbers >= 0 for walls, not all 0, with sum number * jump = 0 for every continuous function on the cells.

    Continuous means: affine on each cell, equal on common facets. If all its jumps were positive, the sum were, too.
    """

    combination: tuple[tuple[int, Fraction], ...]  # a wall, and its number > 0

    def total(self, jumps: Sequence[Fraction]) -> Fraction:
        """The sum for the jumps of a function at all walls."""
        return sum((number * jumps[wall] for wall, number in self.combination), Fraction(0))


def regularity(cells: Sequence[Cell], walls: Sequence[Wall]) -> Regular | NotRegular:
    """Whether cells that make up a convex domain are a regular subdivision, with a witness either way.

    A height function is given by its jumps c > 0 at the walls: crossing wall w adds c row. Around each cycle of cells
    that must add up to zero, n + 1 linear equations in the jumps, which are solved exactly. Whether a solution is
    positive is a linear program; its answer is exact, and a combination of rows if there is none (Gordan's theorem). In
    one variable there are no cycles, and all jumps may be 1.
    """
    order = _tree(len(cells), walls)
    in_tree = {step.wall for step in order}
    equations = []
    if len(in_tree) < len(walls):
        paths: dict[int, list[tuple[int, int]]] = {0: []}
        for step in order:
            paths[step.cell] = [*paths[step.before], (step.wall, step.sign)]
        for number, wall in enumerate(walls):
            if number not in in_tree:
                back = [(w, -sign) for w, sign in paths[wall.second]]
                equations += _equations([*paths[wall.first], *back, (number, -1)], walls)
    jumps = _positive(equations, len(walls))
    if isinstance(jumps, NotRegular):
        return jumps
    heights = {0: Piece.number(Fraction(0), cells[0].dimension)}
    for step in order:
        rise = Piece.of_row(walls[step.wall].row).times(step.sign * jumps[step.wall])
        heights[step.cell] = heights[step.before] + rise
    found = Regular(tuple(heights[i] for i in range(len(cells))), jumps)
    assert found.holds(walls)
    return found


@dataclass(frozen=True)
class Step:
    """A cell that is reached from one before it across a wall, into its first cell (sign 1) or its second (-1)."""

    cell: int
    before: int
    wall: int
    sign: int


def _tree(count: int, walls: Sequence[Wall]) -> list[Step]:
    """The steps that reach all cells from cell 0, each once."""
    around: list[list[Step]] = [[] for _ in range(count)]
    for number, wall in enumerate(walls):
        around[wall.second].append(Step(wall.first, wall.second, number, 1))
        around[wall.first].append(Step(wall.second, wall.first, number, -1))
    seen, found, waiting = {0}, [], deque([0])
    while waiting:
        for step in around[waiting.popleft()]:
            if step.cell not in seen:
                seen.add(step.cell)
                found.append(step)
                waiting.append(step.cell)
    assert len(seen) == count  # the cells make up a convex set
    return found


def _equations(cycle: Sequence[tuple[int, int]], walls: Sequence[Wall]) -> list[list[int]]:
    """The sum of sign * jump * row around a cycle is 0, an equation in the jumps for each coefficient."""
    size = len(walls[0].row[0]) + 1
    found = [[0] * len(walls) for _ in range(size)]
    for w, sign in cycle:
        for j, a in enumerate((*walls[w].row[0], walls[w].row[1])):
            found[j][w] += sign * a
    return found


def _positive(equations: Sequence[Sequence[int]], count: int) -> tuple[Fraction, ...] | NotRegular:
    """Positive numbers that solve homogeneous equations, or numbers >= 0 by which every solution adds up to 0."""
    if not equations:
        return (Fraction(1),) * count
    basis, size = flint.fmpz_mat([list(row) for row in equations]).nullspace()
    table = [[int(basis[w, k]) for k in range(size)] for w in range(count)]
    zero = next((w for w in range(count) if not any(table[w])), None)
    if zero is not None:  # its jump is 0 for all functions
        return NotRegular(((zero, Fraction(1)),))
    answer = interior([(tuple(row), 0) for row in table], size)
    if not isinstance(answer, Inside):
        assert all(sum(c * table[w][k] for w, c in answer.multipliers.items()) == 0 for k in range(size))
        return NotRegular(tuple(sorted(answer.multipliers.items())))
    jumps = [sum((a * x for a, x in zip(row, answer.point, strict=True)), Fraction(0)) for row in table]
    least = min(jumps)
    return tuple(jump / least for jump in jumps)
