"""The polyhedral complex of a network's activation regions, cut by one hyperplane after the other.

The faces of every rank 0..n are rows of arrays; a face of rank r >= 1 lists its facets, the faces of rank r - 1 in its
boundary. A cut by a function that is affine on every face splits each face on which it takes both signs: into a
negative part, which keeps the number, a positive part, and the wall between them, of one rank less. All is decided by
the signs at vertices: a float certifies a sign by an error bound, and the others are computed exactly, 0 included. So
no face is ever perturbed, and neighbours share their faces.

The signs of all cuts of a layer are kept for each face as two sets of bits: the cuts that are positive somewhere on
it, and those that are negative somewhere. The sets of a face are the unions of those of its facets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from math import inf
from typing import Any

import numpy as np

from exactformer.subdivision.exact import HOME, NOTHING, Exact, differences, floats, packed, renumbered
from exactformer.subdivision.program import TINY, UNIT, Layer, Program, ratio

RANK = 40  # a carrier is its rank, shifted by so many bits, and its number
ROUGH = 1e-6  # a point that may be off by more is not drawn
BATCH = 64  # vertices computed exactly between two looks at the clock
COARSE = 1.0  # a vertex whose values are less certain than this is computed exactly; they are of this size


@dataclass
class Faces:
    """The faces of one rank r: arrays with room to grow, of which the first `count` rows are in use."""

    count: int
    walls: Any  # the n - r walls whose common zero contains the face
    home: Any  # a row of the pattern table: a cell that contains the face
    plus: Any  # words of bits
    minus: Any
    start: Any  # rank >= 2: where the facets of a face begin in `pool`
    size: Any
    carrier: Any  # the face from which this one came while a unit of three or more pieces is cut
    label: Any  # while such a unit is cut: the piece that is its maximum on the face so far
    chosen: Any = None  # cells only: the pieces that such units of the layer have chosen
    pool: Any = None
    used: int = 0
    ends: Any = None  # rank 1: the two vertices
    line: Any = None  # rank 1: the vertices between which the edge was first drawn in this layer
    positive: Any = None  # during a cut: the positive part of a face that was split, else -1
    wall: Any = None  # during a cut: the wall in a face that was split

    INHERITED = ("walls", "home", "carrier", "label", "chosen", "line")
    GROWING = (*INHERITED, "plus", "minus", "start", "size", "ends", "positive", "wall")

    def append(self, count: int) -> Any:
        """The numbers of so many new faces, with room for them."""
        first, self.count = self.count, self.count + count
        if self.count > len(self.home):
            room = 2 * self.count
            for name in self.GROWING:
                array = getattr(self, name)
                if array is not None:
                    setattr(self, name, _grown(array, room))
            self.positive[first:] = -1
        return np.arange(first, self.count)

    def copy(self, faces: Any) -> Any:
        """The numbers of new faces that inherit what these have."""
        new = self.append(len(faces))
        for name in self.INHERITED:
            array = getattr(self, name)
            if array is not None:
                array[new] = array[faces]
        return new

    def push(self, facets: Any, sizes: Any, faces: Any) -> None:
        """Give these faces these facets."""
        if self.used + len(facets) > len(self.pool):
            self.pool = _grown(self.pool, 2 * (self.used + len(facets)))
        self.pool[self.used : self.used + len(facets)] = facets
        self.start[faces] = self.used + np.cumsum(sizes) - sizes
        self.size[faces] = sizes
        self.used += len(facets)

    def keep(self, faces: Any) -> None:
        """Forget all faces but these."""
        for name in self.GROWING:
            array = getattr(self, name)
            if array is not None:
                setattr(self, name, array[faces])
        self.count = len(faces)

    def facets(self, faces: Any) -> tuple[Any, Any]:
        """The facets of these faces one after the other, and for each the position of its face."""
        if self.ends is not None:
            return self.ends[faces].ravel(), np.repeat(np.arange(len(faces)), 2)
        sizes = self.size[faces]
        owner = np.repeat(np.arange(len(faces)), sizes)
        offsets = self.start[faces] - (np.cumsum(sizes) - sizes)
        return self.pool[np.arange(len(owner)) + offsets[owner]], owner


def _grown(array: Any, room: int) -> Any:
    result = np.empty((room, *array.shape[1:]), array.dtype)
    result[: len(array)] = array
    return result


class Complex:
    """The cells of a program's domain after some of its layers; see the module's text."""

    def __init__(self, program: Program, ranks: list[Faces], points: Any, patterns: Any) -> None:
        self.program = program
        self.ranks = ranks
        self.points = points  # float coordinates of the vertices on the cube, for pictures and guesses only
        self.values = points  # between layers the states at the vertices, while a layer is cut the values of its pieces
        self.errors = np.zeros_like(points)
        self.blur = np.zeros(len(points))  # how far a point may be off
        self.exact = Exact(program, patterns)
        self.dead: list[Any] = []  # cells that were merged into others in this layer
        self.zeros = np.zeros(1, np.uint64)  # cuts that are zero at some vertex
        self.cutting = False  # whether a layer was begun and not ended
        self.concave = self.zeros[:, None]  # for each cut those after it that are not affine on the faces yet
        self.number = 0  # of the layer; -1 stands for the domain's inequalities
        self.unit = 0  # the next one of the layer
        self.known = self._apart()  # between the last two units
        self.exact_signs = 0
        self.borders_others = False  # whether this is a part of a larger complex

    @property
    def n(self) -> int:
        """The dimension."""
        return len(self.ranks) - 1

    @property
    def cells(self) -> int:
        """The number of cells."""
        return self.ranks[-1].count

    @property
    def layer(self) -> Layer:
        """The layer that is cut now, or was last."""
        return self.program.constraints if self.number < 0 else self.program.layers[self.number]

    # --- layers -----------------------------------------------------------------------------------

    def apply(self, number: int, alive: Callable[[], None], most: float = inf) -> bool:
        """Cut by all units of a layer; `alive` is called before each cut, and between exact vertices, and may raise.

        False if there were more than so many cells before the last unit: then the layer can be gone on with by another
        call, on this complex or on its parts.
        """
        layer = self.program.layers[number]
        if not self.cutting:
            self._begin(number, alive)
        while self.unit < layer.width:
            if self.cells > most:
                self._bury()
                return False
            if layer.rank == 2:
                alive()
                self._cut(self.unit, self.unit, 1, alive)
            else:
                self._cut_unit(self.unit, alive)
            self.unit += 1
            self.known = self._apart()
        self._bury()
        self._end()
        return True

    def _apart(self) -> int:
        """How many regions there are at least: the cells, of a surface those on its top, which are cut to the end."""
        cells = np.delete(np.arange(self.cells), np.concatenate(self.dead)) if self.dead else np.arange(self.cells)
        if self.n == self.program.dimension:
            return len(cells)
        return int(np.count_nonzero(self.ranks[-1].walls[cells, 0] == -2 * self.program.dimension))

    def _bury(self) -> None:
        """Forget the cells that were merged into others."""
        if self.dead:
            self._restrict(np.delete(np.arange(self.cells), np.concatenate(self.dead)))
            self.dead = []

    def constrain(self, alive: Callable[[], None]) -> None:
        """Cut by the further inequalities of the domain and forget what is outside; the cells may all be gone."""
        self._begin(-1, alive)
        layer = self.layer
        for unit in range(layer.width):
            alive()
            self._cut(unit, unit, 1, alive)
        cells = np.arange(self.cells)
        inside = np.all([self._won(self.ranks[-1], cells, unit) for unit in range(layer.width)], axis=0)
        self._restrict(cells[inside])
        self.cutting, self.known = False, self._apart()
        vertices = [self.exact.vertex(walls) for walls in self.ranks[0].walls]
        points = np.array([[ratio(x, v[-1], 0) for x in v[:-1]] for v in vertices])
        self.points = points.reshape(-1, self.program.dimension)
        self.values, self.errors = self.points, np.abs(self.points) * (2 * UNIT) + TINY
        self.blur = np.full(len(vertices), UNIT)

    def _cut_unit(self, unit: int, alive: Callable[[], None]) -> None:
        """Cut by a unit of three or more pieces, one piece after the other."""
        before = [rank.count for rank in self.ranks]
        for r, rank in enumerate(self.ranks):
            rank.carrier[: rank.count] = np.arange(rank.count) | (r << RANK)
            rank.label[: rank.count] = 0
        for piece in range(1, self.layer.rank):
            alive()
            column = unit * (self.layer.rank - 1) + piece - 1
            self._cut(column, unit, piece, alive)
            for rank in self.ranks:
                rank.label[: rank.count][self._won(rank, np.arange(rank.count), column)] = piece
            if piece > 1:
                self._merge(column, before)
        cells = self.ranks[-1]
        cells.chosen[: cells.count, unit] = cells.label[: cells.count]

    def _won(self, rank: Faces, faces: Any, column: int) -> Any:
        """Which of the faces are positive for a cut."""
        word, mask = _place(column)
        return ((rank.plus[faces, word] & mask) != 0) & ((rank.minus[faces, word] & mask) == 0)

    def _begin(self, number: int, alive: Callable[[], None]) -> None:
        """The values and signs of all cuts at the vertices and on the faces."""
        vertices = self.ranks[0]
        self.cutting, self.number, self.unit = True, number, 0
        layer = self.layer
        self.values, self.errors = layer.values(self.values, self.errors)
        homes = vertices.home[: vertices.count]
        words = max(1, (layer.cuts + 63) // 64)
        signs = layer.differences(self.values)
        limit = layer.uncertainty(self.errors)
        plus, minus = _bits(signs > limit, words), _bits(signs < -limit, words)
        unsure = np.nonzero(~((signs > limit) | (signs < -limit)).all(axis=1))[0]
        tables = self.values, self.errors, self.points, self.blur, plus, minus
        self._settle(unsure, vertices.walls[unsure], homes[unsure], *tables, alive)
        self.zeros = np.bitwise_or.reduce(~(plus | minus), axis=0)
        later = np.arange(layer.cuts)[:, None] < np.arange(layer.cuts)
        self.concave = _bits(later & (np.arange(layer.cuts) % (layer.rank - 1) > 0), words)
        for r, rank in enumerate(self.ranks):
            if r:
                facets, owner = rank.facets(np.arange(rank.count))
                starts = _starts(owner)
                if rank.pool is not None:  # without what former cuts have left behind
                    rank.pool, rank.used, rank.start[: rank.count] = facets, len(facets), starts
                plus, minus = (np.bitwise_or.reduceat(bits[facets], starts, axis=0) for bits in (plus, minus))
            rank.label[: rank.count] = 0
            rank.plus, rank.minus = _grown(plus, len(rank.home)), _grown(minus, len(rank.home))
        self.ranks[1].line[:] = self.ranks[1].ends
        self.ranks[-1].chosen = None if layer.rank == 2 else np.zeros((len(self.ranks[-1].home), layer.width), np.uint8)

    def _end(self) -> None:
        """Write down the pieces that the cells have chosen, and give every face a cell to live in."""
        layer, cells, start = self.layer, self.ranks[-1], self.program.starts[self.number]
        count = cells.count
        rows = self.exact.patterns[cells.home[:count]]
        if layer.rank == 2:
            won = (cells.plus[:count] & ~cells.minus[:count]).view(np.uint8)
            chosen = np.unpackbits(won, axis=1, bitorder="little")[:, : layer.width]
        else:
            chosen = cells.chosen[:count]
        rows[:, start : start + layer.width] = chosen
        first = len(self.exact.patterns)
        self.exact.patterns = np.concatenate([self.exact.patterns, rows])
        cells.home[:count] = np.arange(first, first + count)
        used = self.ranks[0].count
        self.values, self.errors = self.values[:used], self.errors[:used]
        self.points, self.blur = self.points[:used], self.blur[:used]
        self._settle_homes()
        self.values, self.errors = layer.states(self.values, self.errors)
        self.cutting = False

    def _settle_homes(self) -> None:
        for r in range(self.n, 0, -1):
            rank = self.ranks[r]
            facets, owner = rank.facets(np.arange(rank.count))
            self.ranks[r - 1].home[facets] = rank.home[: rank.count][owner]

    # --- signs that floats leave open -------------------------------------------------------------

    def _settle(
        self,
        rows: Any,
        walls: Any,
        homes: Any,
        values: Any,
        errors: Any,
        points: Any,
        blur: Any,
        plus: Any,
        minus: Any,
        alive: Callable[[], None],
    ) -> None:
        """Exact signs of all cuts at the given rows of `values`, which are renewed as well."""
        self.exact_signs += len(rows)
        tables = values, errors, points, blur, plus, minus
        for first in range(0, len(rows), BATCH):
            if first:
                alive()
            some = slice(first, first + BATCH)
            self._settle_some(rows[some], walls[some], homes[some], *tables)

    def _settle_some(
        self, rows: Any, walls: Any, homes: Any, values: Any, errors: Any, points: Any, blur: Any, plus: Any, minus: Any
    ) -> None:
        vertices = [self.exact.vertex(row) for row in walls]
        points[rows], blur[rows] = [[ratio(x, v[-1], 0) for x in v[:-1]] for v in vertices], UNIT
        columns = self.exact.values(self.number, vertices, homes.tolist())
        values[rows] = [floats(self.layer, column) for column in columns]
        errors[rows] = np.abs(values[rows]) * (2 * UNIT) + TINY
        signs = np.array([differences(self.layer, column) for column in columns], np.int8).reshape(len(rows), -1)
        plus[rows], minus[rows] = _bits(signs > 0, plus.shape[1]), _bits(signs < 0, plus.shape[1])

    # --- one cut ----------------------------------------------------------------------------------

    def _cut(self, column: int, unit: int, piece: int, alive: Callable[[], None]) -> None:
        """Split every face on which the cut takes both signs."""
        word, mask = _place(column)
        split = [
            np.nonzero(rank.plus[: rank.count, word] & rank.minus[: rank.count, word] & mask)[0] for rank in self.ranks
        ]
        if self.n == 0 or not len(split[-1]):
            return
        touched = bool(self.zeros[word] & mask)  # before the new vertices, which are all zero for this cut
        self._split_edges(split[1], column, unit, piece, alive)
        for r in range(2, self.n + 1):
            self._split_faces(r, split[r], word, mask, self._walls(split[r], r, unit, piece), touched)
        for rank, faces in zip(self.ranks, split, strict=True):
            rank.positive[faces] = -1

    def _walls(self, faces: Any, r: int, unit: int, piece: int) -> Any:
        """The codes of the walls that the cut puts into faces of rank r."""
        rank, home = self.ranks[r], self.ranks[r].home[faces]
        if self.number < 0:
            return np.full(len(faces), -1 - (2 * self.program.dimension + unit))
        return packed(home, self.program.starts[self.number] + unit, *self._pair(rank, faces, piece))

    def _pair(self, rank: Faces, faces: Any, piece: int) -> tuple[Any, Any]:
        """The pieces that a cut compares on faces: its own, and the one that is the maximum of those before."""
        if self.layer.relu:
            return 0, NOTHING
        return piece, rank.label[faces]

    def _split_edges(self, faces: Any, column: int, unit: int, piece: int, alive: Callable[[], None]) -> None:
        """Each edge gets a new vertex, interpolated between the ends of its line."""
        layer, vertices, edges = self.layer, self.ranks[0], self.ranks[1]
        word, mask = _place(column)
        first, second = edges.ends[faces].T
        falling = (vertices.plus[first, word] & mask) != 0
        low, high = np.where(falling, second, first), np.where(falling, first, second)
        own, other = self._pair(edges, faces, piece)
        a, b = edges.line[faces].T
        values, errors, points, blur = self._between(a, b, unit, own, other)
        walls = np.column_stack([edges.walls[faces], self._walls(faces, 1, unit, piece)])
        homes = edges.home[faces]
        signs = layer.differences(values)
        limit = layer.uncertainty(errors)
        words = vertices.plus.shape[1]
        plus, minus = _bits(signs > limit, words), _bits(signs < -limit, words)
        # Where the ends agree the sign within the edge is known: zero only if it is zero at both ends. A difference
        # from a maximum that is still to be cut is concave on the edge, so there only ends that are positive decide.
        plus_ends, minus_ends = vertices.plus[low] | vertices.plus[high], vertices.minus[low] | vertices.minus[high]
        open_signs = (plus_ends & minus_ends) | (self.concave[column] & ~plus_ends)
        agreed = ~open_signs
        open_signs[:, word] &= ~mask
        unsure = np.nonzero((open_signs & ~(plus | minus)).any(axis=1) | ~(errors.max(axis=1, initial=0.0) < COARSE))[0]
        self._settle(unsure, walls[unsure], homes[unsure], values, errors, points, blur, plus, minus, alive)
        agreed[:, word] &= ~mask
        plus, minus = (plus & open_signs) | (plus_ends & agreed), (minus & open_signs) | (minus_ends & agreed)
        new = vertices.append(len(faces))
        self._store(new, values, errors, points, blur)
        vertices.walls[new], vertices.home[new] = walls, homes
        vertices.carrier[new], vertices.label[new] = edges.carrier[faces], edges.label[faces]
        vertices.plus[new], vertices.minus[new] = plus, minus
        self.zeros |= np.bitwise_or.reduce(~(plus | minus), axis=0)
        upper = edges.copy(faces)
        edges.ends[faces], edges.ends[upper] = np.column_stack([low, new]), np.column_stack([new, high])
        for part, end in ((faces, low), (upper, high)):
            edges.plus[part], edges.minus[part] = plus | vertices.plus[end], minus | vertices.minus[end]
        edges.positive[faces], edges.wall[faces] = upper, new

    def _between(self, a: Any, b: Any, unit: int, own: Any, other: Any) -> tuple[Any, Any, Any, Any]:
        """Values and points where two pieces of a unit agree on the lines from a to b, and bounds of their errors."""
        at_a, at_b, error_a, error_b = self.values[a], self.values[b], self.errors[a], self.errors[b]
        rows, first = np.arange(len(a)), unit * self.layer.stored
        da, db, slack_a, slack_b = (table[:, first + own] for table in (at_a, at_b, error_a, error_b))
        if not self.layer.relu:
            da, db = da - at_a[rows, first + other], db - at_b[rows, first + other]
            slack_a, slack_b = slack_a + error_a[rows, first + other], slack_b + error_b[rows, first + other]
        change, largest = at_b - at_a, np.maximum(np.abs(at_a), np.abs(at_b))
        apart, both = np.abs(da - db), np.abs(da) + np.abs(db)
        slack = np.maximum(slack_a, slack_b) + 4 * UNIT * both
        # With da + e and db + f the true differences, t is off by (f da - e db) / ((da - db) (da + e - db - f)).
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.clip(np.nan_to_num(da / (da - db), nan=0.5), 0.0, 1.0)[:, None]
            shift = (
                np.where(apart > 2.5 * slack, slack * both / apart / (apart - 2 * slack), np.inf)[:, None] + 8 * UNIT
            )
            errors = np.maximum(error_a, error_b) + shift * (np.abs(change) + error_a + error_b) + 8 * UNIT * largest
        way = self.points[b] - self.points[a]
        with np.errstate(invalid="ignore"):
            blur = np.maximum(self.blur[a], self.blur[b]) + shift[:, 0] * np.abs(way).max(axis=1)
        return at_a + t * change, errors * (1 + 1e-9), self.points[a] + t * way, blur

    def _store(self, new: Any, *tables: Any) -> None:
        needed = self.ranks[0].count
        if needed > len(self.values):
            self.values, self.errors, self.points, self.blur = (
                _grown(array, 2 * needed) for array in (self.values, self.errors, self.points, self.blur)
            )
        self.values[new], self.errors[new], self.points[new], self.blur[new] = tables

    def _split_faces(self, r: int, faces: Any, word: int, mask: Any, codes: Any, touched: bool) -> None:
        """Each face of rank r >= 2 gets a wall of rank r - 1; its facets are divided already."""
        rank, below = self.ranks[r], self.ranks[r - 1]
        facets, owner = rank.facets(faces)
        positive = below.positive[facets]
        divided = positive >= 0
        negative_side = (below.minus[facets, word] & mask) != 0
        positive_side = divided | ((below.plus[facets, word] & mask) != 0)
        # The wall is bounded by the walls in the facets, and by what of the boundary lies on it already.
        edge, edge_owner = below.wall[facets[divided]], owner[divided]
        if touched:
            whole = np.nonzero(negative_side & ~divided)[0]
            deeper, position = below.facets(facets[whole])
            under = self.ranks[r - 2]
            flat = ((under.plus[deeper, word] | under.minus[deeper, word]) & mask) == 0
            edge = np.concatenate([edge, deeper[flat]])
            edge_owner = np.concatenate([edge_owner, owner[whole[position[flat]]]])
            order = np.argsort(edge_owner, kind="stable")
            edge, edge_owner = edge[order], edge_owner[order]
        wall = below.append(len(faces))
        sizes = np.bincount(edge_owner, minlength=len(faces))
        if below.ends is not None:
            below.ends[wall] = below.line[wall] = edge.reshape(-1, 2)
        else:
            below.push(edge, sizes, wall)
        self._unite(r - 1, wall, edge, sizes)
        below.walls[wall] = np.column_stack([rank.walls[faces], codes])
        below.home[wall], below.carrier[wall] = rank.home[faces], rank.carrier[faces]
        below.label[wall] = rank.label[faces]
        upper = rank.copy(faces)
        for part, side, chosen in (
            (faces, negative_side, facets),
            (upper, positive_side, np.where(divided, positive, facets)),
        ):
            own = owner[side]
            sizes = np.bincount(own, minlength=len(faces)) + 1
            listed = np.empty(len(own) + len(faces), np.int64)
            listed[np.arange(len(own)) + own] = chosen[side]
            listed[np.cumsum(sizes) - 1] = wall
            rank.push(listed, sizes, part)
            self._unite(r, part, listed, sizes)
        rank.positive[faces], rank.wall[faces] = upper, wall

    # --- the parts of one face that a later piece wins -----------------------------------------------

    def _merge(self, column: int, before: list[int]) -> None:
        """Join what earlier cuts of the unit have divided where this cut's piece is the maximum throughout.

        A face of the unit's subdivision is the set of points of one old face, its carrier, at which the same pieces
        are the maximum. Where the new piece wins alone, the walls between the earlier ones are no walls any more.
        """
        gone: list[Any] = []
        for r, rank in enumerate(self.ranks):
            new = np.arange(before[r], rank.count)
            gone.append(new[self._won(rank, new, column) & (rank.carrier[new] >> RANK != r)])
        if not any(map(len, gone)):
            return
        joined = np.arange(self.ranks[0].count)  # for each face of the rank below the one that it is part of
        for r in range(1, self.n + 1):
            rank, below = self.ranks[r], self.ranks[r - 1]
            carriers = np.unique(below.carrier[gone[r - 1]])
            carriers = carriers[carriers >> RANK == r]
            keep = np.ones(below.count, bool)
            keep[gone[r - 1]] = False
            members = np.concatenate([carriers & ((1 << RANK) - 1), np.arange(before[r], rank.count)])
            members = members[self._won(rank, members, column) & np.isin(rank.carrier[members], carriers)]
            group = np.searchsorted(carriers, rank.carrier[members])
            leader = np.full(len(carriers), rank.count)
            np.minimum.at(leader, group, members)
            facets, position = rank.facets(members)
            real = keep[facets]
            pairs = np.unique(np.column_stack([group[position[real]], joined[facets[real]]]), axis=0)
            sizes = np.bincount(pairs[:, 0], minlength=len(carriers))
            joined = np.arange(rank.count)
            joined[members] = leader[group]
            others = members[joined[members] != members]
            if len(carriers):
                if rank.ends is not None:
                    rank.ends[leader] = pairs[:, 1].reshape(-1, 2)
                else:
                    rank.push(pairs[:, 1], sizes, leader)
                self._unite(r, leader, pairs[:, 1], sizes)
                rank.plus[others] = rank.minus[others] = 0
                if r == self.n:
                    self.dead.append(others)
        for rank, faces in zip(self.ranks, gone, strict=True):
            rank.plus[faces] = rank.minus[faces] = 0

    # --- a part of the complex ------------------------------------------------------------------------

    def part(self, cells: Any) -> Complex:
        """These cells, between two layers or two units, as a complex of their own."""
        ranks = [replace(rank) for rank in self.ranks]
        result = Complex(self.program, ranks, self.points, self.exact.patterns)
        result.values, result.errors, result.blur, result.borders_others = self.values, self.errors, self.blur, True
        result.cutting, result.number, result.unit = self.cutting, self.number, self.unit
        result.zeros, result.concave = self.zeros, self.concave
        result._restrict(cells)
        result.known = result._apart()
        # The homes count as walls of no unit, so that cells without walls are kept as well.
        lived = [rank.home << HOME for rank in ranks]
        homes = renumbered(*lived, *(rank.walls for rank in ranks))
        for rank, home in zip(ranks, lived, strict=True):
            rank.home = home >> HOME
        result.exact = Exact(self.program, self.exact.patterns[homes])
        return result

    def centres(self) -> Any:
        """A float point of each cell on the cube, somewhere in its middle."""
        centres = self.points[: self.ranks[0].count]
        for rank in self.ranks[1:]:
            facets, owner = rank.facets(np.arange(rank.count))
            starts = _starts(owner)
            centres = np.add.reduceat(centres[facets], starts, axis=0) / np.bincount(owner)[:, None]
        return centres

    def sharp_points(self) -> Any:
        """The points of all vertices, those computed exactly that floats have placed too roughly for a picture."""
        points = self.points[: self.ranks[0].count].copy()
        rough = np.nonzero(~(self.blur[: self.ranks[0].count] < ROUGH))[0]
        for vertex in rough:
            *numerators, denominator = self.exact.vertex(self.ranks[0].walls[vertex])
            points[vertex] = [ratio(x, denominator, 0) for x in numerators]
        return points

    def outer(self, facets: Any) -> Any:
        """Which of these facets of cells are in the boundary of the domain, or at infinity."""
        walls, sides = self.ranks[-2].walls[facets], 2 * self.program.dimension
        if self.n == self.program.dimension:
            return walls[:, 0] < 0
        return ((walls < -sides) | (walls == 1 - sides)).any(axis=1)  # not those between two facets of the cube

    def corners(self, facets: Any) -> tuple[Any, ...]:
        """For each of these facets of cells the walls of its vertices."""
        faces, owner = facets, np.arange(len(facets))
        for r in range(self.n - 1, 0, -1):
            faces, position = self.ranks[r].facets(faces)
            below = self.ranks[r - 1].count
            keys = np.sort(owner[position] * below + faces)
            owner, faces = np.divmod(keys[_starts(keys)], below)
        return tuple(np.split(self.ranks[0].walls[faces], _starts(owner)[1:])) if len(facets) else ()

    def corners_of(self, face: int, r: int | None = None) -> Any:
        """The numbers of the vertices of a face of rank r, by default of a cell."""
        faces = np.array([face])
        for rank in range(self.n if r is None else r, 0, -1):
            faces = np.unique(self.ranks[rank].facets(faces)[0])
        return faces

    def cell_walls(self, cell: int) -> Any:
        """The walls of the vertices of a cell."""
        return self.ranks[0].walls[self.corners_of(cell)]

    def facet_forms(self, cell: int) -> list[list[int]]:
        """The forms on the cube that vanish on the facets of a cell, of either sign."""
        facets, _ = self.ranks[-1].facets(np.array([cell]))
        return [self.exact.form(code) for code in np.unique(self.ranks[-2].walls[facets, -1]).tolist()]

    def patterns(self) -> Any:
        """For each cell, between two layers, the piece that each unit has chosen."""
        return self.exact.patterns[self.ranks[-1].home[: self.cells]]

    def _restrict(self, cells: Any) -> None:
        """Keep these cells only, and the faces in their boundaries."""
        keep = cells
        for r in range(self.n, 0, -1):
            rank = self.ranks[r]
            facets, owner = rank.facets(keep)
            sizes = np.bincount(owner, minlength=len(keep))
            needed, facets = np.unique(facets, return_inverse=True)
            rank.keep(keep)
            if rank.ends is not None:
                rank.ends = facets.reshape(-1, 2)
                rank.line = rank.ends.copy()
            else:
                rank.pool, rank.used = facets, len(facets)
                rank.size, rank.start = sizes, np.cumsum(sizes) - sizes
            keep = needed
        self.ranks[0].keep(keep)
        self.values, self.errors = self.values[keep], self.errors[keep]
        self.points, self.blur = self.points[keep], self.blur[keep]

    def _unite(self, r: int, faces: Any, facets: Any, sizes: Any) -> None:
        """The bits of faces from those of their facets."""
        rank, below = self.ranks[r], self.ranks[r - 1]
        starts = np.cumsum(sizes) - sizes
        rank.plus[faces] = np.bitwise_or.reduceat(below.plus[facets], starts, axis=0)
        rank.minus[faces] = np.bitwise_or.reduceat(below.minus[facets], starts, axis=0)


def _place(column: int) -> tuple[int, Any]:
    """The word and the bit of a cut."""
    word, bit = divmod(column, 64)
    return word, np.uint64(1 << bit)


def _starts(owner: Any) -> Any:
    """Where the runs of equal numbers begin, of at least one."""
    return np.concatenate(([0], np.nonzero(np.diff(owner))[0] + 1))


def _bits(table: Any, words: int) -> Any:
    """Each row of truth values as 64-bit words."""
    packed_bytes = np.packbits(table, axis=1, bitorder="little")
    result = np.zeros((len(table), 8 * words), np.uint8)
    result[:, : packed_bytes.shape[1]] = packed_bytes
    return result.view(np.uint64)


def cube(program: Program) -> Complex:
    """The cube [-1, 1]^n with all its faces."""
    n = program.dimension
    numbers: dict[tuple[int, ...], int] = {}
    by_rank: list[list[tuple[int, ...]]] = [[] for _ in range(n + 1)]
    for face in product((-1, 1, 0), repeat=n):
        group = by_rank[face.count(0)]
        numbers[face] = len(group)
        group.append(face)
    ranks = []
    for r, faces in enumerate(by_rank):
        count = len(faces)
        facets = [[numbers[(*f[:i], s, *f[i + 1 :])] for i in range(n) if f[i] == 0 for s in (-1, 1)] for f in faces]
        walls = [[-1 - (2 * i + (s > 0)) for i, s in enumerate(f) if s] for f in faces]
        rank = Faces(
            count,
            np.array(walls, np.int64).reshape(count, n - r),
            np.zeros(count, np.int64),
            np.zeros((count, 1), np.uint64),
            np.zeros((count, 1), np.uint64),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            positive=np.full(count, -1, np.int64),
            wall=np.zeros(count, np.int64),
        )
        if r == 1:
            rank.ends = np.array(facets, np.int64)
            rank.line = rank.ends.copy()
        elif r > 1:
            rank.pool = np.array(facets, np.int64).ravel()
            rank.used = len(rank.pool)
            rank.size[:] = 2 * r
            rank.start[:] = np.arange(count) * 2 * r
        ranks.append(rank)
    points = np.array(by_rank[0], float).reshape(len(by_rank[0]), n)
    patterns = np.zeros((1, program.starts[-1]), np.uint8)
    return Complex(program, ranks, points, patterns)


def surface(program: Program) -> Complex:
    """The surface of the cube [-1, 1]^n, of dimension n - 1, without the facet where the last coordinate is -1."""
    whole = cube(program)
    sides = Complex(program, whole.ranks[:-1], whole.points, whole.exact.patterns)
    bottom = -1 - 2 * (program.dimension - 1)  # the code of that facet
    sides._restrict(np.nonzero(sides.ranks[-1].walls[:, 0] != bottom)[0])
    sides.known = sides._apart()
    return sides
