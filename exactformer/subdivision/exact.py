"""Exact vertices and exact values at them, for the few signs that floats cannot certify.

A vertex is the common zero of n walls, linearly independent since each cut the one before. A wall is a facet of the
cube, an inequality of the domain, or the difference of two pieces of a unit, affine along the activation pattern of
the cell in which it was cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

import numpy as np
from flint import fmpz, fmpz_mat

from exactformer.subdivision.program import Layer, Program, left_out, ratio

Integers = list[int]
HOME = 34  # the code of a wall is the number of its cell, shifted by so many bits, and its unit and pieces
MOST_UNITS = 1 << 16
NOTHING = 1 << 8  # the second piece of a wall of a ReLU unit: the number 0
ZERO = fmpz(0)
Vertex = tuple[int, ...]  # homogeneous integers in lowest terms, the last one positive


class Exact:
    """Exact evaluation along the patterns of one complex; `patterns` has a row for every cell that ever was."""

    def __init__(self, program: Program, patterns: Any) -> None:
        self.program = program
        self.patterns = patterns
        self._forms: dict[int, Integers] = {}
        self._vertices: dict[bytes, Integers] = {}
        self._layer_of = [i for i, layer in enumerate(program.layers) for _ in range(layer.width)]

    def __reduce__(self) -> Any:
        return Exact, (self.program, self.patterns)

    def vertex(self, walls: Any) -> Integers:
        """The homogeneous coordinates of the common zero of n walls, the last one positive."""
        key = walls.tobytes()
        found = self._vertices.get(key)
        if found is None:
            rows = [self.form(code) for code in walls.tolist()]
            point: Any = fmpz_mat([row[:-1] for row in rows]).solve(fmpz_mat([[-row[-1]] for row in rows]))
            numerators, denominator = point.numer_denom()
            found = self._vertices[key] = [*map(int, numerators.entries()), int(denominator)]
            assert found[-1] > 0 and gcd(*found) == 1  # so that equal vertices are equal lists
        return found

    def form(self, code: int) -> Integers:
        """The coefficients on the cube and the constant of a wall."""
        found = self._forms.get(code)
        if found is None:
            found = self._forms[code] = self._wall(code)
        return found

    def _wall(self, code: int) -> Integers:
        n = self.program.dimension
        if code < 0:
            number = -1 - code
            if number >= 2 * n:
                return list(self.program.rows[number - 2 * n])
            return [int(i == number // 2) for i in range(n)] + [1 if number % 2 == 0 else -1]
        home, unit, piece, other = unpacked(code)
        number = self._layer_of[unit]
        layer = self.program.layers[number]
        row = [0] * layer.exact.nrows()
        first = (unit - self.program.starts[number]) * layer.stored
        for p, sign in ((piece, 1), (other, -1)):
            if p != NOTHING:
                row[first + p] += sign
        return self.pulled_back(row, number, self.patterns[home])

    def pulled_back(self, row: Integers, number: int, pattern: Any) -> Integers:
        """The form on the cube of a combination of the values of a layer's pieces, along a pattern."""
        vector = fmpz_mat([row])
        for i in range(number, -1, -1):
            vector = vector * self.program.layers[i].exact
            if i:
                vector = fmpz_mat([self._spread(i - 1, vector.entries(), pattern)])
        return [int(x) for x in vector.entries()]

    def _spread(self, number: int, row: list[Any], pattern: Any) -> list[Any]:
        """A combination of a layer's units as a combination of its pieces: those that the pattern chooses."""
        layer, start = self.program.layers[number], self.program.starts[number]
        chosen = pattern[start : start + layer.width].tolist()
        passed = row[layer.width :]
        if layer.relu:
            return [x if c else 0 for x, c in zip(row, chosen, strict=False)] + passed
        spread: list[Any] = [0] * layer.compared
        for u, c in enumerate(chosen):
            spread[u * layer.rank + c] = row[u]
        return spread + passed

    def output(self, pattern: Any) -> list[Integers]:
        """The rows (coefficients on the cube, constant) of the outputs along a pattern, and the denominator row."""
        layers, output = self.program.layers, self.program.output
        rows = [[int(x) for x in row] for row in output.tolist()]
        if not layers:
            return rows
        last = len(layers) - 1
        return [self.pulled_back(self._spread(last, row, pattern), last, pattern) for row in rows]

    def values(self, number: int, vertices: Sequence[Integers], homes: Sequence[int]) -> list[Integers]:
        """At each vertex the values of the rows of a layer, homogeneous, along the pattern of its home."""
        count, layers = len(vertices), self.program.layers
        state = fmpz_mat([list(column) for column in zip(*vertices, strict=True)])
        for i in range(number):
            entries = (layers[i].exact * state).entries()
            state = self._after(i, entries, self.patterns[np.array(homes)])
        last = layers[number] if number >= 0 else self.program.constraints
        numbers = [int(x) for x in (last.exact * state).entries()]
        return [numbers[j::count] for j in range(count)]

    def _after(self, number: int, entries: Sequence[fmpz], patterns: Any) -> fmpz_mat:
        """The states after a layer, a column for each pattern, from the values of its rows one after the other."""
        layer, start, count = self.program.layers[number], self.program.starts[number], len(patterns)
        chosen = patterns[:, start : start + layer.width].T
        if layer.relu:
            units = [x if c else ZERO for x, c in zip(entries, chosen.ravel().tolist(), strict=False)]
        else:
            rows = np.arange(layer.width)[:, None] * layer.rank + chosen
            units = [entries[i] for i in (rows * count + np.arange(count)).ravel().tolist()]
        return fmpz_mat(len(layer.scales) + 1, count, [*units, *entries[layer.compared * count :]])


def packed(home: Any, unit: Any, piece: int, other: Any) -> Any:
    """The code of the wall on which two pieces of a unit are equal, in the cell `home`."""
    return (home.astype(np.int64) << HOME) | (unit << 18) | (piece << 9) | other


def renumbered(*tables: Any) -> Any:
    """Renumber the cells in codes of walls, in place, as they come in the result: the cells that there are."""
    homes = np.unique(np.concatenate([table[table >= 0] >> HOME for table in tables]))
    for table in tables:
        drawn = table >= 0
        codes = table[drawn]
        table[drawn] = codes + ((np.searchsorted(homes, codes >> HOME) - (codes >> HOME)) << HOME)
    return homes


def unpacked(code: int) -> tuple[int, int, int, int]:
    """Home, unit, piece and other piece of a wall."""
    return code >> HOME, code >> 18 & 0xFFFF, code >> 9 & 0x1FF, code & 0x1FF


def differences(layer: Layer, column: Integers) -> Integers:
    """For each cut the sign of its piece minus the maximum of the pieces before it."""
    if layer.relu:
        return [(y > 0) - (y < 0) for y in column[: layer.compared]]
    signs = []
    for first in range(0, layer.compared, layer.rank):
        best = column[first]
        for y in column[first + 1 : first + layer.rank]:
            signs.append((y > best) - (y < best))
            best = max(best, y)
    return signs


def floats(layer: Layer, column: Integers) -> list[float]:
    """The scaled float values of the rows, each rounded once."""
    return [ratio(y, column[-1], scale) for y, scale in zip(column, layer.row_scales, strict=False)]


def rests(layer: Layer, column: Integers, rounded: Sequence[float]) -> list[float]:
    """What these floats leave out of the scaled values of the rows."""
    own = zip(column, layer.row_scales, rounded, strict=False)
    return [left_out(y, column[-1], scale, x) for y, scale, x in own]
