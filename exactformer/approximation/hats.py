"""Sums of hat functions on Kuhn's triangulation: functions of any number of variables, in detail where it is needed.

On the unit cube, N cubes a side, each cut into n! simplices by the order of its coordinates, the hat of a vertex v is
phi(N x - v), phi(y) = max(0, 1 - max(0, y_1, ..., y_n) - max(0, -y_1, ..., -y_n)): 1 at v, 0 at all other vertices, and
affine on each simplex (theory, section 4). The triangulation with 2N cubes a side refines the one with N; so hats of
several levels add up to a continuous piecewise linear function whichever of them are taken. A hat of a finer level only
says what is missing at its vertex; levels are added where the sum is not yet near the function (Yserentant 1986).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import factorial

import numpy as np
from numpy.typing import NDArray

from exactformer.approximation.knots import FINE, dyadic, finite

Floats = NDArray[np.float64]
Field = Callable[[Floats], Floats]  # values at points, one a row, of the unit cube
Node = tuple[int, ...]
FILLED = 0.98  # of the tube, the rest is for rounding, and for what is seen between samples
SAMPLES = {1: 16, 2: 8, 3: 5}  # on a side of a cube, where the distance is looked at
LEVELS = {1: 16, 2: 10, 3: 6}  # as fine as grids may become


@dataclass(frozen=True)
class Hat:
    """The hat phi(scale * x - node) on the unit cube, times a coefficient."""

    scale: int
    node: Node
    coefficient: Fraction


@dataclass(frozen=True)
class HatSum:
    """A sum of hats, with its values in floats, and the cubes on whose simplices it is affine."""

    inputs: int
    hats: tuple[Hat, ...]
    grids: tuple[Floats, ...]  # level by level, the coefficients at all vertices
    cubes: tuple[tuple[int, Node], ...]  # level and place of each

    @property
    def simplices(self) -> int:
        """How many simplices these cubes have; on each the sum is affine, but for hats of a neighbour's finer level."""
        return len(self.cubes) * factorial(self.inputs)

    def at(self, points: Floats) -> Floats:
        """Its values at points of the unit cube."""
        return _sum(self.grids, points)

    def spots(self, number: int) -> Floats:
        """Points of every cube, so many steps along each side, each once."""
        steps = np.array(list(product(np.linspace(0, 1, number + 1), repeat=self.inputs)))
        sides = np.array([2.0**-level for level, _ in self.cubes])[:, None, None]
        corners = np.array([cube for _, cube in self.cubes], dtype=float)[:, None, :]
        return np.unique(((corners + steps[None]) * sides).reshape(-1, self.inputs), axis=0)


def adaptive(field: Field, inputs: int, epsilon: float, fineness: int = 1) -> HatSum:
    """Hats whose sum is within about epsilon of the field, finer where it bends.

    Raises `ArithmeticError` where the field is not finite, or the finest grid is not enough.
    """
    split: list[set[Node]] = []  # level by level, the cubes in which the vertices of the next level are taken
    samples = SAMPLES[inputs] * fineness
    while True:
        levels = _interpolated(field, inputs, split, epsilon * FINE)
        grids = [_dense(inputs, level, found) for level, found in enumerate(levels)]
        leaves = _leaves(inputs, split)
        far = [_far(field, grids, cubes, level, epsilon * FILLED, samples) for level, cubes in enumerate(leaves)]
        if not any(far):
            hats = [Hat(1 << k, node, c) for k, found in enumerate(levels) for node, c in found.items() if c]
            cubes = [(level, cube) for level, found in enumerate(leaves) for cube in sorted(found)]
            return HatSum(inputs, tuple(hats), tuple(grids), tuple(cubes))
        if far[-1]:
            split.append(set())
        if len(split) >= LEVELS[inputs]:
            raise ArithmeticError("the function is too steep for the finest grid")
        for there, more in zip(split, far, strict=False):
            there |= more


def _leaves(inputs: int, split: list[set[Node]]) -> list[set[Node]]:
    """The cubes of each level that are there and not split."""
    halves = list(product((0, 1), repeat=inputs))
    there = [{(0,) * inputs}]
    for cubes in split:
        there.append({tuple(2 * i + h for i, h in zip(cube, half, strict=True)) for cube in cubes for half in halves})
    return [cubes - (split[level] if level < len(split) else set()) for level, cubes in enumerate(there)]


def _interpolated(field: Field, inputs: int, split: list[set[Node]], unit: float) -> list[dict[Node, Fraction]]:
    """The coefficients of the hats of each level: what its vertices miss after those before."""
    hats: list[dict[Node, Fraction]] = []
    for level in range(len(split) + 1):
        if level == 0:
            nodes = list(product((0, 1), repeat=inputs))
        else:
            steps = list(product((0, 1, 2), repeat=inputs))
            near = {
                tuple(2 * i + s for i, s in zip(cube, step, strict=True)) for cube in split[level - 1] for step in steps
            }
            nodes = sorted(node for node in near if any(i % 2 for i in node))
        if not nodes:
            hats.append({})
            continue
        points = np.array(nodes) / (1 << level)
        missing = finite(field, points) - _sum([_dense(inputs, k, found) for k, found in enumerate(hats)], points)
        hats.append({node: dyadic(float(y), unit) for node, y in zip(nodes, missing, strict=True)})
    return hats


def _dense(inputs: int, level: int, hats: dict[Node, Fraction]) -> Floats:
    grid = np.zeros((2**level + 1,) * inputs)
    if hats:
        grid[tuple(np.array(list(hats)).T)] = [float(c) for c in hats.values()]
    return grid


def _sum(grids: Sequence[Floats], points: Floats) -> Floats:
    """The sum of the hats at points of the unit cube: each level interpolates on the simplex of the point."""
    total, (count, inputs) = np.zeros(len(points)), points.shape
    for level, grid in enumerate(grids):
        scaled = points * 2**level
        vertex = np.minimum(scaled.astype(int), 2**level - 1)
        local = scaled - vertex
        order = np.argsort(-local, axis=1, kind="stable")
        sorted_ = np.take_along_axis(local, order, axis=1)
        weights = -np.diff(np.concatenate([np.ones((count, 1)), sorted_, np.zeros((count, 1))], axis=1), axis=1)
        for step in range(inputs + 1):
            total += weights[:, step] * grid[tuple(vertex.T)]
            if step < inputs:
                vertex[np.arange(count), order[:, step]] += 1
    return total


def _far(field: Field, grids: Sequence[Floats], cubes: set[Node], level: int, tube: float, samples: int) -> set[Node]:
    """The cubes in which the sum is seen to be further from the field than the tube is wide."""
    if not cubes:
        return set()
    listed = sorted(cubes)
    inputs = len(listed[0])
    steps = np.array(list(product(np.linspace(0, 1, samples + 1), repeat=inputs)))
    points = ((np.array(listed)[:, None, :] + steps[None]) / 2**level).reshape(-1, inputs)
    error = np.abs(finite(field, points) - _sum(grids, points)).reshape(len(listed), -1).max(axis=1)
    return {cube for cube, e in zip(listed, error, strict=True) if e > tube}
