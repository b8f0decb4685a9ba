"""Regions on domains without bounds: R^n as a surface, in homogeneous coordinates.

A point x = centre + radius * y is the ray of all (t y, t), t > 0, which meets the surface of the cube [-1, 1]^(n + 1)
once. So R^n, with its directions at infinity, is the part t >= 0 of that surface: one facet t = 1, which is the box
around the centre with these radii, and 2n half facets y_i = -1 and y_i = 1 for all that is outside. The network times
t, t f(centre + radius * y / t), is again piecewise linear in (y, t), with the same choices of pieces: biases become
weights of t. So the surface is cut as any other complex, and the cells with one pattern are together one region.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from exactformer.domain import Domain
from exactformer.networks import Affine
from exactformer.polyhedra.lp import Row
from exactformer.rational import Matrix, Vector
from exactformer.subdivision.cells import ComplexCells, Point
from exactformer.subdivision.engine import Part
from exactformer.subdivision.exact import NOTHING, packed
from exactformer.subdivision.limit import Check, unlimited
from exactformer.subdivision.polytope import facets
from exactformer.subdivision.program import Composition, Frame, Program, program_of
from exactformer.subdivision.search import domain_rows

NEAR = 2.0**-40  # a point nearer to infinity than this is not guessed by floats
WIDE = 4  # the box around the centre is so many times as wide as the middle wall of the first layer is far away


def framed(network: Composition, domain: Domain) -> Program:
    """The program of a network on an unbounded domain, whose box is only a frame: where most walls are expected."""
    radius = _distance(network)
    ends = []
    for lo, hi in zip(domain.lower, domain.upper, strict=True):
        low = lo if lo is not None else -radius if hi is None else hi - 2 * radius
        ends.append((low, hi if hi is not None and hi > low else low + 2 * radius))
    rows = domain_rows(domain)
    matrix = Matrix.sparse(
        len(rows), domain.dimension, {(i, j): -c for i, (a, _) in enumerate(rows) for j, c in enumerate(a) if c}
    )
    box = Domain(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends), matrix, Vector(tuple(b for _, b in rows)))
    return replace(program_of(network, box), source=(network, domain), open=True)


def _distance(network: Composition) -> Fraction:
    """A power of two about as large as the distance of the walls of the first layer from 0."""
    if not network.layers:
        return Fraction(1)
    first = network.layers[0].pieces
    weights, biases = first.weights, first.biases
    sizes = []
    for row, bias in zip(weights.rows, biases.numerators, strict=True):
        largest = max((abs(c) for _, c in row), default=0)
        if largest and bias:
            sizes.append(abs(bias).bit_length() - largest.bit_length())
    middle = sorted(sizes)[len(sizes) // 2] if sizes else 0
    middle += weights.denominator.bit_length() - biases.denominator.bit_length()
    return WIDE * Fraction(2) ** middle


def homogeneous(program: Program) -> Program:
    """The program of the network times t, a function of (y, t); its layers pass t on."""
    network, _ = program.source
    n = program.dimension
    layers, width = [], n + 1
    for number, units in enumerate(network.layers):
        lifted = _lifted(units.pieces, program.frame if number == 0 else None)
        layers.append(replace(units, pieces=lifted, passed=units.passed + 1))
        width = units.width + units.passed + 1
    nothing = Affine(Matrix((0, width), ()), Vector(()))
    rows = {(i, j): Fraction(-x) for i, row in enumerate(program.rows) for j, x in enumerate(row)}
    domain = Domain(
        (*[Fraction(-1)] * n, Fraction(0)),
        (Fraction(1),) * (n + 1),
        Matrix.sparse(len(program.rows), n + 1, rows),
        Vector((0,) * len(program.rows)),
    )
    return program_of(Composition(tuple(layers), nothing), domain)


def _lifted(pieces: Affine, frame: Frame | None) -> Affine:
    """The rows of a layer times t, and t; with a frame the layer reads (y, t), else the state before it times t."""
    biases = pieces.biases.fractions()
    if frame is not None:
        rows = frame.pulled_back(pieces.weights, biases)
        entries = {(i, j): x for i, row in enumerate(rows) for j, x in enumerate(row)}
    else:
        entries = pieces.weights.entries() | {(i, pieces.inputs): b for i, b in enumerate(biases)}
    entries[pieces.outputs, pieces.inputs] = Fraction(1)
    height = pieces.outputs + 1
    return Affine(Matrix.sparse(height, pieces.inputs + 1, entries), Vector((0,) * height))


class UnboundedCells(ComplexCells):
    """The cells of a surface, those with one pattern as one cell of R^n.

    `whole` tells that no cell is missing, so that every facet is the domain's or has a cell on its other side.
    """

    def __init__(self, program: Program, surface: ComplexCells, whole: bool) -> None:
        self._surface, self._whole = surface, whole
        patterns = surface.patterns
        numbers: dict[bytes, int] = {}
        self._numbers = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in patterns], int)
        centres = np.concatenate([np.zeros((0, program.dimension + 1)), *(part.centres for part in surface.parts)])
        # Of the cells with one pattern the one that is nearest to the centre, where t is largest.
        self._chosen = np.zeros(len(numbers), int)
        order = np.argsort(centres[:, -1], kind="stable")
        self._chosen[self._numbers[order]] = order
        middle = centres[self._chosen]
        height = (1 + middle[:, -1:]) / 2
        # Guesses, of which those far away are not worth trying.
        points = np.where(height > NEAR, middle[:, :-1] / np.maximum(height, NEAR), 0.0)
        nothing = np.zeros((0, 2), int)
        super().__init__(program, [Part(patterns[self._chosen], points, nothing, (), None, None)], surface.chain)

    def _somewhere(self, start: int, number: int) -> Point:
        """A point of the frame inside a cell: the middle of a cell of the surface, where its shape was kept."""
        middle = self._surface.middle(int(self._chosen[start + number]))
        if middle is None:
            return super()._somewhere(start, number)
        *y, t = middle
        return tuple(2 * v / (1 + t) for v in y)

    def neighbours(self, classes: Any | None, check: Check = unlimited) -> Any:
        """The pairs of cells that share a facet; with classes at least those in one class."""
        pairs = self._numbers[self._surface.neighbours(None if classes is None else classes[self._numbers], check)]
        pairs = np.sort(pairs.reshape(-1, 2), axis=1)
        return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)

    @cached_property
    def _beside(self) -> list[list[int]]:
        """For each cell those that share a facet with it."""
        found: list[list[int]] = [[] for _ in range(self.count)]
        for i, j in self.neighbours(None).tolist():
            found[i].append(j)
            found[j].append(i)
        return found

    def rows(self, index: int) -> tuple[Row, ...]:
        """The inequalities of a cell, one a facet: the walls to the cells beside it, and what the domain adds."""
        domain = [list(row) for row in self.program.rows]
        if not self._whole:
            return facets([self._outward(form, index) for form in self._all_rows(index)], self.program.dimension)
        walls = [self._wall(index, other) for other in self._beside[index]]
        rows = tuple(dict.fromkeys(self._outward(form, index) for form in walls + domain))
        return facets(rows, self.program.dimension) if domain else rows

    def _wall(self, index: int, other: int) -> list[int]:
        """The form that vanishes between two cells: of the first unit that chooses differently."""
        own, others = self.patterns[index], self.patterns[other]
        unit = int(np.nonzero(own != others)[0][0])
        layer = self.program.layers[int(np.searchsorted(self.program.starts, unit, side="right")) - 1]
        pieces = (0, NOTHING) if layer.relu else (int(own[unit]), int(others[unit]))
        return self._exact.form(int(packed(np.int64(index), unit, *pieces)))

    def faces(self) -> tuple[int, ...] | None:
        """Not at hand: a face may be cut by the frame."""
        return None
