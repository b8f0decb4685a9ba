"""Points at which a network is replayed: anywhere in its domain, inside its cells, and where it has kinks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from exactformer.domain import Domain
from exactformer.networks import MaxoutNetwork, Network, ReluNetwork
from exactformer.numeric import compile_numeric, preactivations

Points = np.ndarray[Any, np.dtype[np.floating[Any]]]
STEPS = 32  # of a line on which cells are looked for
HALVINGS = 64  # until both ends of an interval are neighbours


def points_of(network: Network, domain: Domain, count: int, type: str, seed: int) -> Iterator[tuple[str, Points]]:
    """Kinds of points with their names, at most so many of each, all floats of a type inside the domain.

    Cells and kinks are those of a maxout or ReLU network: the middle of its longest stretch on a line through the
    domain, and one of the two floats between which the first change on that line lies.
    """
    random = np.random.default_rng(seed)
    yield "random", _inside(_anywhere(domain, count, random), domain, type)
    if isinstance(network, (MaxoutNetwork, ReluNetwork)) and network.widths:
        prepared = compile_numeric(network)
        starts, ends = _anywhere(domain, count, random), _anywhere(domain, count, random)
        shares = np.linspace(0, 1, STEPS + 1)
        lines = starts[:, None] + shares[:, None] * (ends - starts)[:, None]
        names = _names(prepared, lines.reshape(-1, network.inputs)).reshape(len(lines), STEPS + 1)
        same = names[:, 1:] == names[:, :-1]
        yield "cells", _inside(lines[np.arange(len(lines)), _middles(same)], domain, type)
        broken = np.flatnonzero(~same.all(axis=1))
        first = np.argmin(same[broken], axis=1)
        yield "kinks", _inside(_kinks(prepared, lines[broken, first], lines[broken, first + 1]), domain, type)


def _anywhere(domain: Domain, count: int, random: np.random.Generator) -> Points:
    """Points of the box of a domain; where it has no end, of a part that is two wide."""
    lower, upper = [], []
    for low, high in zip(domain.lower, domain.upper, strict=True):
        if low is None and high is None:
            low, high = -1, 1  # type: ignore[assignment]
        lower.append(float(high - 2 if low is None else low))  # type: ignore[operator]
        upper.append(float(low + 2 if high is None else high))  # type: ignore[operator]
    return random.uniform(lower, upper, (count, domain.dimension))


def _inside(points: Points, domain: Domain, type: str) -> Points:
    """The points as floats of a type, those that are in the domain then."""
    near = points.astype(type)
    return near[[domain.contains(point.tolist()) for point in near]]


def _names(prepared: Any, points: Points) -> np.ndarray[Any, Any]:
    """A number for each point, the same for those at which the same pieces are the largest."""
    largest = [layer.argmax(axis=2) for layer in preactivations(prepared, points)]
    return np.unique(np.concatenate(largest, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def _middles(same: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The middle of the longest stretch of each line without a change."""
    result = np.zeros(len(same), np.int64)
    for number, line in enumerate(same):
        edges = np.flatnonzero(np.concatenate(([True], ~line, [True])))
        longest = int(np.argmax(np.diff(edges)))
        result[number] = (edges[longest] + edges[longest + 1] - 1) // 2
    return result


def _kinks(prepared: Any, low: Points, high: Points) -> Points:
    """Points next to a change between pairs of points, by halving."""
    if not len(low):
        return low
    for _ in range(HALVINGS):
        middle = low + (high - low) / 2
        both = _names(prepared, np.concatenate([low, middle]))
        stays = (both[: len(low)] == both[len(low) :])[:, None]
        low, high = np.where(stays, middle, low), np.where(stays, high, middle)
    return high
