"""Points at which a conclusion reaches far: guessed in floats, refined without gradients; what they show is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exactformer.numeric import compile_numeric
from exactformer.prover.cells import Point
from exactformer.prover.question import Question
from exactformer.prover.witness import batches, float_ends, near_point, reaches
from exactformer.work import NEVER, Deadline

Points = NDArray[np.float64]
Height = Callable[[Points], Points]  # of each point, what it reaches in floats
RESTARTS, STARTS, CHILDREN, ROUNDS = 4, 32, 32, 120  # there are many hills
CYCLE = 40  # rounds in which steps become shorter, then they begin anew
EXACT = 4  # points of each conclusion that are evaluated exactly


def guesses(question: Question, groups: tuple[int, ...], seed: int, deadline: Deadline) -> Iterator[Point]:
    """For each group of conclusions the points at which one of them reaches furthest in floats, the best first."""
    random = np.random.default_rng(seed)
    sides = [compile_numeric(network) for network in question.networks]
    box = float_ends(question.space)
    heights = [
        height_of(question, sides, [i for i, g in enumerate(groups) if g == group]) for group in sorted(set(groups))
    ]
    found: list[list[tuple[float, Point]]] = [[] for _ in heights]
    with np.errstate(all="ignore"):
        for _ in range(RESTARTS):
            points = np.concatenate([*batches(sides, question, random)])
            for own, height in zip(found, heights, strict=True):
                best, values = climbed(height, points, box, random, deadline=deadline)
                own.append((float(values[0]), near_point(best[0], question.space)))
            if deadline.passed:
                break
    for own in found:
        yield from (point for _, point in sorted(own, key=lambda pair: -pair[0])[:EXACT])


def height_of(question: Question, sides: list[Any], conclusions: list[int]) -> Height:
    """What the furthest of some conclusions reaches, as a function of points."""
    return lambda points: reaches(question, sides, points)[:, conclusions].max(axis=1)


def climbed(
    height: Height,
    points: Points,
    box: tuple[Points, Points],
    random: np.random.Generator,
    *,
    rounds: int = ROUNDS,
    starts: int = STARTS,
    children: int = CHILDREN,
    deadline: Deadline = NEVER,
) -> tuple[Points, Points]:
    """Points that reach further than the best of some points, found near those; with their heights, the best first."""
    points, values = _best(points, height(points), starts)
    for number in range(rounds):
        if deadline.passed:
            break
        points, values = _refined(height, points, values, box, number, random, children)
    return _best(points, values, starts)


def _refined(
    height: Height,
    points: Points,
    values: Points,
    box: tuple[Points, Points],
    number: int,
    random: np.random.Generator,
    children: int,
) -> tuple[Points, Points]:
    """The best of the points and of random ones around each, which come nearer from round to round."""
    lower, upper = box
    scale = 2.0 ** -(1 + number % CYCLE / 2)
    steps = random.standard_normal((len(points), children, len(lower))) * scale * (upper - lower)
    steps *= random.random((len(points), children, len(lower))) < random.choice([0.1, 0.3, 1.0])
    tried = np.clip(points[:, None, :] + steps, lower, upper).reshape(-1, len(lower))
    found = height(tried).reshape(len(points), children)
    found = np.where(np.isfinite(found), found, -np.inf)
    best = found.argmax(axis=1)
    better = found[np.arange(len(points)), best] > values
    moved = tried.reshape(len(points), children, -1)[np.arange(len(points)), best]
    return np.where(better[:, None], moved, points), np.where(better, found.max(axis=1), values)


def _best(points: Points, values: Points, count: int) -> tuple[Points, Points]:
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:count]
    return points[order], values[order]
