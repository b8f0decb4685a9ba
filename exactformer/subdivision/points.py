"""Exact points inside cells, short ones where they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from exactformer.errors import Unsupported
from exactformer.subdivision.program import UNIT, Program, ratio

GRIDS = (4, 10, 20, 50)  # a point is first tried with so many binary digits after the point

Point = tuple[Fraction, ...]


def certified(program: Program, patterns: Any, points: Any) -> Any:
    """Which of the float points of the cube are, taken as exact, strictly inside the cells with these patterns.

    Each unit's piece must be larger than each other by more than the error bounds allow for; so a cell on which two
    pieces of a unit are the same function is never certified here.
    """
    good = np.ones(len(points), bool) if program.open else (np.abs(points) < 1.0).all(axis=1)
    for row in program.rows:
        shift = -max(x.bit_length() for x in row)
        floats = np.array([ratio(x, 1, shift) for x in row])
        slack = (len(row) + 4) * UNIT * (np.abs(points) @ np.abs(floats[:-1]) + abs(floats[-1]))
        good &= points @ floats[:-1] + floats[-1] > slack * (1 + 1e-9)
    values, rest, errors = points, points[:, :0], np.zeros_like(points)
    for layer, start in zip(program.layers, program.starts, strict=False):
        values, rest, errors = layer.values(values, rest, errors)
        chosen = patterns[:, start : start + layer.width].astype(np.int64)
        own, off = values[:, : layer.compared], errors[:, : layer.compared]
        if layer.relu:
            good &= np.where(chosen == 1, own > off, own < -off).all(axis=1)
        else:
            shape = (len(points), layer.width, layer.rank)
            low, high = (own - off).reshape(shape), (own + off).reshape(shape)
            least = np.take_along_axis(low, chosen[:, :, None], axis=2)
            np.put_along_axis(high, chosen[:, :, None], -np.inf, axis=2)
            others = high.max(axis=2, keepdims=True, initial=-np.inf)
            good &= (least > others + 4 * UNIT * np.abs(least)).all(axis=(1, 2))
        values, rest, errors = layer.states(values, rest, errors)
    return good


def interior_points(program: Program, patterns: Any, centres: Any, inside: Callable[[int], Point]) -> list[Point]:
    """An exact point of the cube in the interior of each cell: a short one near its centre, else `inside(i)`."""
    found: list[Point | None] = [None] * len(patterns)
    left = np.arange(len(patterns))
    for digits in GRIDS:
        points = np.ldexp(np.rint(np.ldexp(centres[left], digits)), -digits)
        good = certified(program, patterns[left], points)
        for i, point in zip(left[good], points[good].tolist(), strict=True):
            found[i] = tuple(map(Fraction, point))
        left = left[~good]
    return [inside(i) if point is None else point for i, point in enumerate(found)]


def floats(numbers: Sequence[Fraction]) -> list[float]:
    """The numbers rounded. Raises `Unsupported` for one that no float holds."""
    try:
        return [float(x) for x in numbers]
    except OverflowError:
        raise Unsupported(
            "floats: expected numbers up to 10^308 for an array or a picture, found a larger one"
        ) from None
