"""The cells of a run as one list: from the parts of a complex, or from the search with linear programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from exactformer.domain import exact_point
from exactformer.networks import Affine
from exactformer.polyhedra.lp import Inside, Row, interior
from exactformer.rational import Matrix, Vector
from exactformer.subdivision.complex import Complex
from exactformer.subdivision.engine import Part
from exactformer.subdivision.exact import NOTHING, Exact, packed, unpacked
from exactformer.subdivision.limit import Check, unlimited
from exactformer.subdivision.maps import map_classes
from exactformer.subdivision.points import floats, interior_points
from exactformer.subdivision.polytope import facets, primitive
from exactformer.subdivision.program import Program
from exactformer.subdivision.search import Cell, winners
from exactformer.subdivision.stages import Chain
from exactformer.work import OutOfTime

Point = tuple[Fraction, ...]
BLOCK = 200  # cells whose points are found together


class ComplexCells:
    """The cells of the parts of one complex."""

    def __init__(self, program: Program, parts: Sequence[Part], chain: Chain | None = None) -> None:
        """With a chain, that of a Transformer, patterns are those of its own maxima."""
        self.program = program
        self.chain = chain
        self.starts = np.concatenate([[0], np.cumsum([len(part.patterns) for part in parts])]).astype(int)
        empty = np.zeros((0, program.starts[-1]), np.uint8)
        self.patterns = np.concatenate([empty, *(part.patterns for part in parts)])
        # The parts look into the one table, so that no pattern is kept twice.
        rows = pairwise(self.starts.tolist())
        self.parts = [replace(p, patterns=self.patterns[a:b]) for p, (a, b) in zip(parts, rows, strict=True)]
        self._exact = Exact(program, self.patterns)
        self._vertices: dict[tuple[int, ...], Point] = {}
        self._points: dict[int, list[Point]] = {}  # a block of them by its first cell
        self._drawn: dict[int, Any] = {}  # the float vertices of each complex

    @property
    def count(self) -> int:
        """The number of cells."""
        return len(self.patterns)

    def pattern(self, index: int) -> tuple[tuple[int, ...], ...]:
        """Layer by layer the piece that each unit chooses, 0 and 1 for a ReLU unit that is off or on.

        Of a Transformer, at each maximum those among which it is attained.
        """
        if self.chain is not None:
            return winners(self.chain, self.point(index))
        starts, row = self.program.starts, self.patterns[index].tolist()
        return tuple(tuple(row[a:b]) for a, b in pairwise(starts))

    def point(self, index: int, check: Check = unlimited) -> Point:
        """A point inside a cell, with a short expansion where one is certified inside."""
        number = int(np.searchsorted(self.starts, index, side="right")) - 1
        first = index - (index - int(self.starts[number])) % BLOCK
        if first not in self._points:  # many at once, as floats are tried first
            some = slice(first, min(first + BLOCK, int(self.starts[number + 1])))
            centres = self.parts[number].centres[first - self.starts[number] :][:BLOCK]

            def inside(number: int) -> Point:
                check()
                return self._somewhere(first, number)

            found = interior_points(self.program, self.patterns[some], centres, inside)
            self._points[first] = [self.program.frame.outward(u) for u in found]
        return self._points[first][index - first]

    def middle(self, index: int) -> Point | None:
        """The mean of the vertices of a cell, on the cube, where the complex is at hand."""
        part, number = self._part(index)
        if part.complex is None:
            return None
        vertices = [part.complex.exact.vertex(row) for row in part.complex.cell_walls(number)]
        totals = [sum((Fraction(v[j], v[-1]) for v in vertices), Fraction(0)) for j in range(self.program.dimension)]
        return tuple(total / len(vertices) for total in totals)

    def rows(self, index: int) -> tuple[Row, ...]:
        """The inequalities of a cell: those of its facets, where the complex is at hand."""
        part, number = self._part(index)
        forms = self._all_rows(index) if part.complex is None else part.complex.facet_forms(number)
        return tuple(dict.fromkeys(self._outward(form, index) for form in forms))

    def _all_rows(self, index: int) -> list[list[int]]:
        """The forms on the cube that are >= 0 on a cell: of the domain, and of each unit's piece minus the others."""
        n, pattern = self.program.dimension, self.patterns[index]
        faces = [self._exact.form(-1 - number) for number in range(2 * n + len(self.program.rows))]
        forms = [form if form[-1] > 0 or i >= 2 * n else [-a for a in form] for i, form in enumerate(faces)]
        forms = forms[2 * n :] if self.program.open else forms
        for layer, start in zip(self.program.layers, self.program.starts, strict=False):
            for unit in range(start, start + layer.width):
                own = int(pattern[unit])
                if layer.relu:
                    form = self._exact.form(int(packed(np.int64(index), unit, 0, NOTHING)))
                    forms.append(form if own else [-a for a in form])
                else:
                    others = [p for p in range(layer.rank) if p != own]
                    forms += [self._exact.form(int(packed(np.int64(index), unit, own, p))) for p in others]
        return [form for form in forms if any(form[:-1])]

    def _somewhere(self, start: int, number: int) -> Point:
        """A point of the cube inside a cell, given by the first of its block and its number there."""
        middle = self.middle(start + number)
        if middle is not None:
            return middle
        rows = [(tuple(row[:-1]), row[-1]) for row in self._all_rows(start + number)]
        found = interior(rows, self.program.dimension)
        assert isinstance(found, Inside)
        return found.point

    def _outward(self, form: list[int], index: int) -> Row:
        """A form on the cube that vanishes on a facet, as the inequality of the cell in the inputs."""
        frame = self.program.frame
        coefficients = [Fraction(a) / r for a, r in zip(form, frame.radius, strict=False)]
        constant = form[-1] - sum((a * c for a, c in zip(coefficients, frame.centre, strict=True)), Fraction(0))
        row, offset = primitive(coefficients, constant)
        point = self.point(index)
        if sum((a * x for a, x in zip(row, point, strict=True)), Fraction(offset)) < 0:
            return tuple(-a for a in row), -offset
        return row, offset

    def affine(self, index: int) -> Affine:
        """The map on a cell."""
        *rows, last = self._exact.output(self.patterns[index])
        frame, den = self.program.frame, last[-1]
        entries = {
            (i, j): Fraction(a, den) / frame.radius[j]
            for i, row in enumerate(rows)
            for j, a in enumerate(row[:-1])
            if a
        }
        matrix = Matrix.sparse(len(rows), self.program.dimension, entries)
        shift = (matrix @ Vector.of(frame.centre)).fractions()
        return Affine(matrix, Vector.of(Fraction(row[-1], den) - s for row, s in zip(rows, shift, strict=True)))

    def classes(self, check: Check = unlimited) -> tuple[Any, bool]:
        """For each cell the number of its affine map, as far as `check` allows."""
        return map_classes(self.program, self.patterns, check)

    def neighbours(self, classes: Any | None, check: Check = unlimited) -> Any:
        """The pairs of cells that share a facet; with classes, across parts only those in one class."""
        pairs = [part.pairs + start for part, start in zip(self.parts, self.starts, strict=False)]
        wanted = np.ones(self.count, bool) if classes is None else np.bincount(classes)[classes] > 1
        across: dict[frozenset[tuple[int, ...]], int] = {}
        joined = []
        for part, start in zip(self.parts, self.starts, strict=False):
            if part.borders is None:
                continue
            for number, cell in enumerate(part.borders.cells + start):
                if wanted[cell]:
                    check()
                    other = across.setdefault(part.borders.corners(number), cell)
                    if other != cell:
                        joined.append((other, cell))
        return np.concatenate([np.zeros((0, 2), int), *pairs, np.array(joined, int).reshape(-1, 2)])

    def containing(self, point: Any) -> list[int]:
        """The cells that contain a point of the domain: those whose pieces attain each maximum there."""
        network, domain = self.program.source
        state = exact_point(point, network.inputs)
        if not domain.contains(state.fractions()):
            return []
        possible = np.ones(self.count, bool)
        for units, start in zip(network.layers, self.program.starts, strict=False):
            values, state = units.compared(state)
            for u, own in enumerate(values):
                best = [p for p, y in enumerate(own) if y == max(own)]
                if len(best) < len(own):
                    possible &= np.isin(self.patterns[:, start + u], best)
        return [int(i) for i in np.nonzero(possible)[0]]

    def choices(self) -> Any:
        """The patterns as an array, a row for each cell; of a Transformer the first of the winners."""
        if self.chain is None:
            return self.patterns
        return first_winners([self.pattern(index) for index in range(self.count)])

    def faces(self) -> tuple[int, ...] | None:
        """The number of faces of each dimension, of an undivided complex."""
        return self.parts[0].faces if len(self.parts) == 1 and self.parts[0].borders is None else None

    def corners(self, index: int) -> Sequence[Point] | None:
        """The exact vertices of the complex in a cell, where the complex is at hand."""
        part, number = self._part(index)
        return None if part.complex is None else self._exact_corners(part.complex, number, None)

    def faces_of(self, dimension: int) -> list[Sequence[Point]] | None:
        """The faces of a dimension, each with its exact vertices, of an undivided complex that is at hand."""
        if self.faces() is None or (complex := self.parts[0].complex) is None:
            return None
        return [self._exact_corners(complex, face, dimension) for face in range(complex.ranks[dimension].count)]

    def _exact_corners(self, complex: Complex, face: int, r: int | None) -> Sequence[Point]:
        found = [complex.exact.vertex(walls) for walls in complex.ranks[0].walls[complex.corners_of(face, r)]]
        return [self._outward_point(tuple(v)) for v in found]

    def _outward_point(self, vertex: tuple[int, ...]) -> Point:
        found = self._vertices.get(vertex)
        if found is None:
            point = self.program.frame.outward([Fraction(x, vertex[-1]) for x in vertex[:-1]])
            found = self._vertices[vertex] = point
        return found

    def outline(self, index: int) -> Any | None:
        """The vertices of a cell as floats."""
        part, number = self._part(index)
        if part.complex is None:
            return None
        return self._sharp(part.complex)[part.complex.corners_of(number)]

    def walls(self) -> tuple[Any, Any] | None:
        """For two inputs the walls as float segments, and the layer of each."""
        segments, layers = [np.zeros((0, 2, 2))], [np.zeros(0, int)]
        for part in self.parts:
            if part.complex is None:
                return None
            edges = part.complex.ranks[1]
            codes = edges.walls[: edges.count, 0]
            inner = codes >= 0
            units = [unpacked(code)[1] for code in codes[inner].tolist()]
            segments.append(self._sharp(part.complex)[edges.ends[: edges.count][inner]])
            layers.append(np.searchsorted(self.program.starts, units, side="right") - 1)
        return np.concatenate(segments), np.concatenate(layers)

    def _sharp(self, complex: Complex) -> Any:
        """The vertices of a complex as floats, in the inputs."""
        if id(complex) not in self._drawn:
            frame = self.program.frame
            points = complex.sharp_points() * np.array(floats(frame.radius)) + np.array(floats(frame.centre))
            self._drawn[id(complex)] = points
        return self._drawn[id(complex)]

    def _part(self, index: int) -> tuple[Part, int]:
        number = int(np.searchsorted(self.starts, index, side="right")) - 1
        return self.parts[number], index - int(self.starts[number])


def first_winners(patterns: Sequence[tuple[tuple[int, ...], ...]]) -> Any:
    """The first of the winners at each maximum, as an array."""
    groups = len(patterns[0]) if patterns else 0
    return np.array([[choice[0] for choice in pattern] for pattern in patterns], int).reshape(-1, groups)


class FoundCells:
    """Cells that were found one by one."""

    def __init__(self, cells: Sequence[Cell], dimension: int) -> None:
        self.cells = cells
        self.dimension = dimension

    @property
    def count(self) -> int:
        """The number of cells."""
        return len(self.cells)

    def pattern(self, index: int) -> tuple[tuple[int, ...], ...]:
        """At each maximum, in order of evaluation, those among which it is attained."""
        return self.cells[index].pattern

    def point(self, index: int, check: Check = unlimited) -> Point:
        """A point inside a cell."""
        return self.cells[index].point

    def rows(self, index: int) -> tuple[Row, ...]:
        """The inequalities of a cell, one a facet."""
        return facets(self.cells[index].rows, self.dimension)

    def affine(self, index: int) -> Affine:
        """The map on a cell."""
        rows = [[Fraction(int(x.p), int(x.q)) for x in form] for form in self.cells[index].outputs]
        entries = {(i, j): x for i, row in enumerate(rows) for j, x in enumerate(row[:-1])}
        return Affine(Matrix.sparse(len(rows), self.dimension, entries), Vector.of(row[-1] for row in rows))

    def classes(self, check: Check = unlimited) -> tuple[Any, bool]:
        """For each cell the number of its affine map, as far as `check` allows."""
        numbers: dict[Any, int] = {}
        found: list[int] = []
        try:
            for cell in self.cells:
                check()
                found.append(numbers.setdefault(cell.outputs, len(numbers)))
        except OutOfTime:
            pass
        return np.array(found, int), len(found) == self.count

    def neighbours(self, classes: Any | None, check: Check = unlimited) -> Any:
        """The pairs of cells that share a facet; with classes only those in one class."""
        having: dict[Row, list[int]] = {}
        for i, cell in enumerate(self.cells):
            for row in set(cell.rows):
                having.setdefault(row, []).append(i)
        tried: dict[tuple[int, int], list[Row]] = {}
        for (a, b), cells in having.items():
            for j in having.get((tuple(-c for c in a), -b), []):
                check()
                for i in cells:
                    if i < j and (classes is None or classes[i] == classes[j]):
                        tried.setdefault((i, j), []).append((a, b))
        # Cells on two sides of two walls have at most a set of dimension n - 2 in common.
        pairs = []
        for (i, j), rows in tried.items():
            check()
            if len(rows) == 1 and self._touch(i, j, rows[0]):
                pairs.append((i, j))
        return np.array(pairs, int).reshape(-1, 2)

    def _touch(self, i: int, j: int, wall: Row) -> bool:
        """Whether two cells on the two sides of a wall share a set of full dimension within it."""
        a, b = wall
        pivot = next(k for k, c in enumerate(a) if c)
        opposite = tuple(-c for c in a), -b
        rows = {*self.cells[i].rows, *self.cells[j].rows} - {wall, opposite}
        reduced = []
        for coefficients, constant in rows:
            factor = Fraction(coefficients[pivot], a[pivot])
            rest = [c - factor * w for k, (c, w) in enumerate(zip(coefficients, a, strict=True)) if k != pivot]
            reduced.append(primitive(rest, constant - factor * b))
        flat = [row for row in reduced if not any(row[0])]
        if any(constant <= 0 for _, constant in flat):
            return False
        return isinstance(interior([row for row in reduced if any(row[0])], self.dimension - 1), Inside)

    def containing(self, point: Any) -> list[int]:
        """The cells that contain a point."""
        x = exact_point(point, self.dimension).fractions()
        return [
            i
            for i, cell in enumerate(self.cells)
            if all(sum((a * v for a, v in zip(row, x, strict=True)), Fraction(b)) >= 0 for row, b in cell.rows)
        ]

    def choices(self) -> Any:
        """The first of the winners at each maximum, as an array."""
        return first_winners([cell.pattern for cell in self.cells])

    def faces(self) -> tuple[int, ...] | None:
        """Not at hand."""
        return None

    def faces_of(self, dimension: int) -> list[Sequence[Point]] | None:
        """Not at hand."""
        return None

    def corners(self, index: int) -> Sequence[Point] | None:
        """Not at hand."""
        return None

    def outline(self, index: int) -> Any | None:
        """Not at hand."""
        return None

    def walls(self) -> tuple[Any, Any] | None:
        """Not at hand."""
        return None
