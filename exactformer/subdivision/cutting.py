"""One cut, by a function that is affine on every face: each on which it takes both signs is split.

The negative part keeps the number of the face, the positive part and the wall between them, of one rank less, are new.
Edges come first, whose walls are the new vertices, then the faces of higher rank from those of the rank below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exactformer.subdivision.complex import Complex
from exactformer.subdivision.doubled import added, divided, multiplied, subtracted
from exactformer.subdivision.exact import NOTHING, packed
from exactformer.subdivision.faces import Faces, as_bits, grown, place
from exactformer.subdivision.signs import Table, settle

COARSE = 1.0  # a vertex whose values are less certain than this is computed exactly; they are of this size


def cut(whole: Complex, column: int, unit: int, piece: int, alive: Callable[[], None]) -> None:
    """Split every face on which the cut takes both signs."""
    word, mask = place(column)
    split = [
        np.nonzero(rank.plus[: rank.count, word] & rank.minus[: rank.count, word] & mask)[0] for rank in whole.ranks
    ]
    if whole.n == 0 or not len(split[-1]):
        return
    touched = bool(whole.zeros[word] & mask)  # before the new vertices, which are all zero for this cut
    _split_edges(whole, split[1], column, unit, piece, alive)
    for r in range(2, whole.n + 1):
        _split_faces(whole, r, split[r], word, mask, _walls(whole, split[r], r, unit, piece), touched)
    for rank, faces in zip(whole.ranks, split, strict=True):
        rank.positive[faces] = -1


def _walls(whole: Complex, faces: Any, r: int, unit: int, piece: int) -> Any:
    """The codes of the walls that the cut puts into faces of rank r."""
    rank, home = whole.ranks[r], whole.ranks[r].home[faces]
    if whole.number < 0:
        return np.full(len(faces), -1 - (2 * whole.program.dimension + unit))
    return packed(home, whole.program.starts[whole.number] + unit, *_pair(whole, rank, faces, piece))


def _pair(whole: Complex, rank: Faces, faces: Any, piece: int) -> tuple[Any, Any]:
    """The pieces that a cut compares on faces: its own, and the one that is the maximum of those before."""
    if whole.layer.relu:
        return 0, NOTHING
    return piece, rank.label[faces]


def _split_edges(whole: Complex, faces: Any, column: int, unit: int, piece: int, alive: Callable[[], None]) -> None:
    """Each edge gets a new vertex, interpolated between the ends of its line."""
    layer, vertices, edges = whole.layer, whole.ranks[0], whole.ranks[1]
    word, mask = place(column)
    first, second = edges.ends[faces].T
    falling = (vertices.plus[first, word] & mask) != 0
    low, high = np.where(falling, second, first), np.where(falling, first, second)
    own, other = _pair(whole, edges, faces, piece)
    a, b = edges.line[faces].T
    values, rest, errors, points, blur = _between(whole, a, b, unit, own, other)
    walls = np.column_stack([edges.walls[faces], _walls(whole, faces, 1, unit, piece)])
    homes = edges.home[faces]
    signs = layer.differences(values, rest)
    limit = layer.uncertainty(errors)
    words = vertices.plus.shape[1]
    plus, minus = as_bits(signs > limit, words), as_bits(signs < -limit, words)
    # Where the ends agree the sign within the edge is known: zero only if it is zero at both ends. A difference
    # from a maximum that is still to be cut is concave on the edge, so there only ends that are positive decide.
    plus_ends, minus_ends = vertices.plus[low] | vertices.plus[high], vertices.minus[low] | vertices.minus[high]
    open_signs = (plus_ends & minus_ends) | (whole.concave[column] & ~plus_ends)
    agreed = ~open_signs
    open_signs[:, word] &= ~mask
    unsure = np.nonzero((open_signs & ~(plus | minus)).any(axis=1) | ~(errors.max(axis=1, initial=0.0) < COARSE))[0]
    table = Table(values, rest, errors, points, blur, plus, minus)
    settle(whole, unsure, walls[unsure], homes[unsure], table, alive)
    agreed[:, word] &= ~mask
    plus, minus = (plus & open_signs) | (plus_ends & agreed), (minus & open_signs) | (minus_ends & agreed)
    new = vertices.append(len(faces))
    _store(whole, new, values, rest, errors, points, blur)
    vertices.walls[new], vertices.home[new] = walls, homes
    vertices.carrier[new], vertices.label[new] = edges.carrier[faces], edges.label[faces]
    vertices.plus[new], vertices.minus[new] = plus, minus
    whole.zeros |= np.bitwise_or.reduce(~(plus | minus), axis=0)
    upper = edges.copy(faces)
    edges.ends[faces], edges.ends[upper] = np.column_stack([low, new]), np.column_stack([new, high])
    for part, end in ((faces, low), (upper, high)):
        edges.plus[part], edges.minus[part] = plus | vertices.plus[end], minus | vertices.minus[end]
    edges.positive[faces], edges.wall[faces] = upper, new


def _between(whole: Complex, a: Any, b: Any, unit: int, own: Any, other: Any) -> tuple[Any, ...]:
    """Where two pieces of a unit agree on the lines from a to b: values, rests, and bounds of their errors; points."""
    at_a, at_b, error_a, error_b = whole.values[a], whole.values[b], whole.errors[a], whole.errors[b]
    sharp, roundoff = whole.program.sharp, whole.program.unit
    ends = (at_a, whole.rest[a]), (at_b, whole.rest[b])
    rows, first = np.arange(len(a)), unit * whole.layer.stored
    heights = [tuple(table[:, first + own] for table in end if table.shape[1]) for end in ends]
    slack_a, slack_b = error_a[:, first + own], error_b[:, first + own]
    if not whole.layer.relu:
        lower = [tuple(table[rows, first + other] for table in end if table.shape[1]) for end in ends]
        heights = [subtracted(x, y) if sharp else (x[0] - y[0],) for x, y in zip(heights, lower, strict=True)]
        slack_a, slack_b = slack_a + error_a[rows, first + other], slack_b + error_b[rows, first + other]
    da, db = heights[0][0], heights[1][0]
    change, largest = at_b - at_a, np.maximum(np.abs(at_a), np.abs(at_b))
    apart, both = np.abs(da - db), np.abs(da) + np.abs(db)
    slack = np.maximum(slack_a, slack_b) + 4 * roundoff * both
    # With da + e and db + f the true differences, t is off by (f da - e db) / ((da - db) (da + e - db - f)).
    with np.errstate(all="ignore"):
        t = np.clip(np.nan_to_num(da / (da - db), nan=0.5), 0.0, 1.0)[:, None]
        shift = np.where(apart > 2.5 * slack, slack * both / apart / (apart - 2 * slack), np.inf)[:, None]
        shift = shift + 8 * roundoff
        errors = np.maximum(error_a, error_b) + shift * (np.abs(change) + error_a + error_b) + 8 * roundoff * largest
        if sharp:
            found, finer = divided(heights[0], subtracted(*heights))
            within = (found > 0) & (found <= 1)
            share = np.where(within, found, t[:, 0])[:, None], np.where(within, finer, 0.0)[:, None]
            values, rest = added(ends[0], multiplied(share, subtracted(ends[1], ends[0])))
        else:
            values, rest = at_a + t * change, ends[0][1]
    way = whole.points[b] - whole.points[a]
    with np.errstate(invalid="ignore"):
        blur = np.maximum(whole.blur[a], whole.blur[b]) + shift[:, 0] * np.abs(way).max(axis=1)
    return values, rest, errors * (1 + 1e-9), whole.points[a] + t * way, blur


def _store(whole: Complex, new: Any, *tables: Any) -> None:
    needed = whole.ranks[0].count
    if needed > len(whole.values):
        whole.values, whole.rest, whole.errors, whole.points, whole.blur = (
            grown(array, 2 * needed) for array in (whole.values, whole.rest, whole.errors, whole.points, whole.blur)
        )
    whole.values[new], whole.rest[new], whole.errors[new], whole.points[new], whole.blur[new] = tables


def _split_faces(whole: Complex, r: int, faces: Any, word: int, mask: Any, codes: Any, touched: bool) -> None:
    """Each face of rank r >= 2 gets a wall of rank r - 1; its facets are divided already."""
    rank, below = whole.ranks[r], whole.ranks[r - 1]
    facets, owner = rank.facets(faces)
    positive = below.positive[facets]
    divided = positive >= 0
    negative_side = (below.minus[facets, word] & mask) != 0
    positive_side = divided | ((below.plus[facets, word] & mask) != 0)
    # The wall is bounded by the walls in the facets, and by what of the boundary lies on it already.
    edge, edge_owner = below.wall[facets[divided]], owner[divided]
    if touched:
        uncut = np.nonzero(negative_side & ~divided)[0]
        deeper, position = below.facets(facets[uncut])
        under = whole.ranks[r - 2]
        flat = ((under.plus[deeper, word] | under.minus[deeper, word]) & mask) == 0
        edge = np.concatenate([edge, deeper[flat]])
        edge_owner = np.concatenate([edge_owner, owner[uncut[position[flat]]]])
        order = np.argsort(edge_owner, kind="stable")
        edge, edge_owner = edge[order], edge_owner[order]
    wall = below.append(len(faces))
    sizes = np.bincount(edge_owner, minlength=len(faces))
    if below.ends is not None:
        below.ends[wall] = below.line[wall] = edge.reshape(-1, 2)
    else:
        below.push(edge, sizes, wall)
    whole.unite(r - 1, wall, edge, sizes)
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
        whole.unite(r, part, listed, sizes)
    rank.positive[faces], rank.wall[faces] = upper, wall
