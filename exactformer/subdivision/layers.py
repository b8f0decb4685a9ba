"""A complex is cut by a layer of a network, or by the inequalities of the domain.

The signs of all cuts of a layer are known at its beginning, at the vertices and so on all faces; a unit of three or
more pieces is cut by one piece after the other, and after each what it has divided in vain is joined again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np

from exactformer.subdivision.complex import RANK, Complex
from exactformer.subdivision.cutting import cut
from exactformer.subdivision.faces import as_bits, grown, runs
from exactformer.subdivision.merging import merge
from exactformer.subdivision.program import TINY, UNIT, left_out, ratio
from exactformer.subdivision.signs import Table, settle


def cut_layer(whole: Complex, number: int, alive: Callable[[], None], most: float = inf) -> bool:
    """Cut by all units of a layer; `alive` is called before each cut, and between exact vertices, and may raise.

    False if there were more than so many cells before the last unit: then the layer can be gone on with by another
    call, on this complex or on its parts.
    """
    layer = whole.program.layers[number]
    if not whole.cutting:
        _begin(whole, number, alive)
    while whole.unit < layer.width:
        if whole.cells > most:
            _bury(whole)
            return False
        if layer.rank == 2:
            alive()
            cut(whole, whole.unit, whole.unit, 1, alive)
        else:
            _cut_unit(whole, whole.unit, alive)
        whole.unit += 1
        whole.known = whole.apart()
    _bury(whole)
    _end(whole)
    return True


def constrain(whole: Complex, alive: Callable[[], None]) -> None:
    """Cut by the further inequalities of the domain and forget what is outside; the cells may all be gone."""
    _begin(whole, -1, alive)
    layer = whole.layer
    for unit in range(layer.width):
        alive()
        cut(whole, unit, unit, 1, alive)
    cells = np.arange(whole.cells)
    inside = np.all([whole.ranks[-1].won(cells, unit) for unit in range(layer.width)], axis=0)
    whole.restrict(cells[inside])
    whole.cutting, whole.known = False, whole.apart()
    vertices = [whole.exact.vertex(walls) for walls in whole.ranks[0].walls]
    points = np.array([[ratio(x, v[-1], 0) for x in v[:-1]] for v in vertices])
    whole.points = points.reshape(-1, whole.program.dimension)
    whole.values, whole.rest = whole.points, whole.points[:, :0]
    if whole.program.sharp:
        pairs = zip(vertices, points.tolist(), strict=True)
        rests = [[left_out(x, v[-1], 0, y) for x, y in zip(v, point, strict=False)] for v, point in pairs]
        whole.rest = np.array(rests).reshape(whole.points.shape)
    whole.errors = np.abs(whole.points) * whole.program.unit * 2 + TINY
    whole.blur = np.full(len(vertices), UNIT)


def _begin(whole: Complex, number: int, alive: Callable[[], None]) -> None:
    """The values and signs of all cuts at the vertices and on the faces."""
    vertices = whole.ranks[0]
    whole.cutting, whole.number, whole.unit = True, number, 0
    layer = whole.layer
    whole.values, whole.rest, whole.errors = layer.values(whole.values, whole.rest, whole.errors)
    homes = vertices.home[: vertices.count]
    words = max(1, (layer.cuts + 63) // 64)
    signs = layer.differences(whole.values, whole.rest)
    limit = layer.uncertainty(whole.errors)
    plus, minus = as_bits(signs > limit, words), as_bits(signs < -limit, words)
    unsure = np.nonzero(~((signs > limit) | (signs < -limit)).all(axis=1))[0]
    table = Table(whole.values, whole.rest, whole.errors, whole.points, whole.blur, plus, minus)
    settle(whole, unsure, vertices.walls[unsure], homes[unsure], table, alive)
    whole.zeros = np.bitwise_or.reduce(~(plus | minus), axis=0)
    later = np.arange(layer.cuts)[:, None] < np.arange(layer.cuts)
    whole.concave = as_bits(later & (np.arange(layer.cuts) % (layer.rank - 1) > 0), words)
    for r, rank in enumerate(whole.ranks):
        if r:
            facets, owner = rank.facets(np.arange(rank.count))
            starts = runs(owner)
            if rank.pool is not None:  # without what former cuts have left behind
                rank.pool, rank.used, rank.start[: rank.count] = facets, len(facets), starts
            plus, minus = (np.bitwise_or.reduceat(bits[facets], starts, axis=0) for bits in (plus, minus))
        rank.label[: rank.count] = 0
        rank.plus, rank.minus = grown(plus, len(rank.home)), grown(minus, len(rank.home))
    whole.ranks[1].line[:] = whole.ranks[1].ends
    whole.ranks[-1].chosen = None if layer.rank == 2 else np.zeros((len(whole.ranks[-1].home), layer.width), np.uint8)


def _cut_unit(whole: Complex, unit: int, alive: Callable[[], None]) -> None:
    """Cut by a unit of three or more pieces, one piece after the other."""
    before = [rank.count for rank in whole.ranks]
    for r, rank in enumerate(whole.ranks):
        rank.carrier[: rank.count] = np.arange(rank.count) | (r << RANK)
        rank.label[: rank.count] = 0
    for piece in range(1, whole.layer.rank):
        alive()
        column = unit * (whole.layer.rank - 1) + piece - 1
        cut(whole, column, unit, piece, alive)
        for rank in whole.ranks:
            rank.label[: rank.count][rank.won(np.arange(rank.count), column)] = piece
        if piece > 1:
            merge(whole, column, before)
    cells = whole.ranks[-1]
    cells.chosen[: cells.count, unit] = cells.label[: cells.count]


def _bury(whole: Complex) -> None:
    """Forget the cells that were merged into others."""
    if whole.dead:
        whole.restrict(np.delete(np.arange(whole.cells), np.concatenate(whole.dead)))
        whole.dead = []


def _end(whole: Complex) -> None:
    """Write down the pieces that the cells have chosen, and give every face a cell to live in."""
    layer, cells, start = whole.layer, whole.ranks[-1], whole.program.starts[whole.number]
    count = cells.count
    rows = whole.exact.patterns[cells.home[:count]]
    if layer.rank == 2:
        won = (cells.plus[:count] & ~cells.minus[:count]).view(np.uint8)
        chosen = np.unpackbits(won, axis=1, bitorder="little")[:, : layer.width]
    else:
        chosen = cells.chosen[:count]
    rows[:, start : start + layer.width] = chosen
    first = len(whole.exact.patterns)
    whole.exact.patterns = np.concatenate([whole.exact.patterns, rows])
    cells.home[:count] = np.arange(first, first + count)
    used = whole.ranks[0].count
    whole.values, whole.rest, whole.errors = whole.values[:used], whole.rest[:used], whole.errors[:used]
    whole.points, whole.blur = whole.points[:used], whole.blur[:used]
    _settle_homes(whole)
    whole.values, whole.rest, whole.errors = layer.states(whole.values, whole.rest, whole.errors)
    whole.cutting = False


def _settle_homes(whole: Complex) -> None:
    for r in range(whole.n, 0, -1):
        rank = whole.ranks[r]
        facets, owner = rank.facets(np.arange(rank.count))
        whole.ranks[r - 1].home[facets] = rank.home[: rank.count][owner]
