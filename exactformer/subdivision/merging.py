"""The parts of one face that a later piece of a unit wins are joined again."""

from __future__ import annotations

from typing import Any

import numpy as np

from exactformer.subdivision.complex import RANK, Complex


def merge(whole: Complex, column: int, before: list[int]) -> None:
    """Join what earlier cuts of the unit have divided where this cut's piece is the maximum throughout.

    A face of the unit's subdivision is the set of points of one old face, its carrier, at which the same pieces
    are the maximum. Where the new piece wins alone, the walls between the earlier ones are no walls any more.
    """
    gone: list[Any] = []
    for r, rank in enumerate(whole.ranks):
        new = np.arange(before[r], rank.count)
        gone.append(new[rank.won(new, column) & (rank.carrier[new] >> RANK != r)])
    if not any(map(len, gone)):
        return
    joined = np.arange(whole.ranks[0].count)  # for each face of the rank below the one that it is part of
    for r in range(1, whole.n + 1):
        rank, below = whole.ranks[r], whole.ranks[r - 1]
        carriers = np.unique(below.carrier[gone[r - 1]])
        carriers = carriers[carriers >> RANK == r]
        keep = np.ones(below.count, bool)
        keep[gone[r - 1]] = False
        members = np.concatenate([carriers & ((1 << RANK) - 1), np.arange(before[r], rank.count)])
        members = members[rank.won(members, column) & np.isin(rank.carrier[members], carriers)]
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
            whole.unite(r, leader, pairs[:, 1], sizes)
            rank.plus[others] = rank.minus[others] = 0
            if r == whole.n:
                whole.dead.append(others)
    for rank, faces in zip(whole.ranks, gone, strict=True):
        rank.plus[faces] = rank.minus[faces] = 0
