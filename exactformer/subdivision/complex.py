"""The polyhedral complex of a network's activation regions: its data, its parts, and what is read off it.

It begins as a cube (`cube`) and is cut layer by layer (`layers`), by one hyperplane after the other (`cutting`), where
units of three or more pieces take some cuts back (`merging`). All is decided by the signs of the cuts at vertices: a
float certifies a sign by an error bound, and the others are computed exactly, 0 included (`signs`). So no face is ever
perturbed, and neighbours share their `faces`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from exactformer.subdivision.exact import HOME, Exact, renumbered
from exactformer.subdivision.faces import Faces, runs
from exactformer.subdivision.program import Layer, Program, ratio

RANK = 40  # a carrier is its rank, shifted by so many bits, and its number
ROUGH = 1e-6  # a point that may be off by more is not drawn


class Complex:
    """The faces of a program's domain, of all ranks, after some of its layers, or amid one."""

    def __init__(self, program: Program, ranks: list[Faces], points: Any, patterns: Any) -> None:
        self.program = program
        self.ranks = ranks
        self.points = points  # float coordinates of the vertices on the cube, for pictures and guesses only
        self.values = points  # between layers the states at the vertices, while a layer is cut the values of its pieces
        self.rest = np.zeros_like(points) if program.sharp else points[:, :0]  # what `values` leave out
        self.errors = np.zeros_like(points)
        self.blur = np.zeros(len(points))  # how far a point may be off
        self.exact = Exact(program, patterns)
        self.dead: list[Any] = []  # cells that were merged into others in this layer
        self.zeros = np.zeros(1, np.uint64)  # cuts that are zero at some vertex
        self.cutting = False  # whether a layer was begun and not ended
        self.concave = self.zeros[:, None]  # for each cut those after it that are not affine on the faces yet
        self.number = 0  # of the layer; -1 stands for the domain's inequalities
        self.unit = 0  # the next one of the layer
        self.known = self.apart()  # between the last two units
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

    def apart(self) -> int:
        """How many regions there are at least: the cells, of a surface those on its top, which are cut to the end."""
        cells = np.delete(np.arange(self.cells), np.concatenate(self.dead)) if self.dead else np.arange(self.cells)
        if self.n == self.program.dimension:
            return len(cells)
        return int(np.count_nonzero(self.ranks[-1].walls[cells, 0] == -2 * self.program.dimension))

    def part(self, cells: Any) -> Complex:
        """These cells, between two layers or two units, as a complex of their own."""
        ranks = [replace(rank) for rank in self.ranks]
        result = Complex(self.program, ranks, self.points, self.exact.patterns)
        result.values, result.rest, result.errors, result.blur = self.values, self.rest, self.errors, self.blur
        result.borders_others = True
        result.cutting, result.number, result.unit = self.cutting, self.number, self.unit
        result.zeros, result.concave = self.zeros, self.concave
        result.restrict(cells)
        result.known = result.apart()
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
            starts = runs(owner)
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
            owner, faces = np.divmod(keys[runs(keys)], below)
        return tuple(np.split(self.ranks[0].walls[faces], runs(owner)[1:])) if len(facets) else ()

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

    def restrict(self, cells: Any) -> None:
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
        self.values, self.rest, self.errors = self.values[keep], self.rest[keep], self.errors[keep]
        self.points, self.blur = self.points[keep], self.blur[keep]

    def unite(self, r: int, faces: Any, facets: Any, sizes: Any) -> None:
        """The bits of faces from those of their facets."""
        rank, below = self.ranks[r], self.ranks[r - 1]
        starts = np.cumsum(sizes) - sizes
        rank.plus[faces] = np.bitwise_or.reduceat(below.plus[facets], starts, axis=0)
        rank.minus[faces] = np.bitwise_or.reduceat(below.minus[facets], starts, axis=0)
