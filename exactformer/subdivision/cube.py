"""The complexes that a count begins with: the cube, and its surface for domains without bounds."""

from __future__ import annotations

from itertools import product

import numpy as np

from exactformer.subdivision.complex import Complex
from exactformer.subdivision.faces import Faces
from exactformer.subdivision.program import Program


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
    sides.restrict(np.nonzero(sides.ranks[-1].walls[:, 0] != bottom)[0])
    sides.known = sides.apart()
    return sides
