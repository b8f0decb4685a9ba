"""Points at which a conclusion reaches far: guessed in floats, refined without gradients; what they show is exact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exactformer.numeric import compile_numeric
from exactformer.prover.cells import Point
from exactformer.prover.question import Question
from exactformer.prover.witness import batches, float_ends, near_point, reaches
from exactformer.work import Deadline

Points = NDArray[np.float64]
STARTS, CHILDREN, ROUNDS = 32, 32, 96
SLOWLY = 5  # rounds after which steps are half as long
EXACT = 4  # points of each conclusion that are evaluated exactly


def guesses(question: Question, groups: tuple[int, ...], seed: int, deadline: Deadline) -> Iterator[Point]:
    """For each group of conclusions the points at which one of them reaches furthest in floats, the best first."""
    random = np.random.default_rng(seed)
    sides = [compile_numeric(network) for network in question.networks]
    lower, upper = float_ends(question.space)
    with np.errstate(all="ignore"):
        points = np.concatenate([*batches(sides, question, random)])
        found = _grouped(reaches(question, sides, points), groups)
        for group in range(found.shape[1]):
            best = _best(found[:, group], STARTS)
            kept, values = points[best], found[best, group]
            for number in range(ROUNDS):
                if deadline.passed:
                    break
                kept, values = _refined(question, sides, groups, group, (kept, values), (lower, upper), number, random)
            for index in _best(values, EXACT):
                yield near_point(kept[index], question.space)


def _refined(
    question: Question,
    sides: list[Any],
    groups: tuple[int, ...],
    group: int,
    known: tuple[Points, Points],
    box: tuple[Points, Points],
    number: int,
    random: np.random.Generator,
) -> tuple[Points, Points]:
    """The best of the points and of random ones around each, which come nearer from round to round."""
    (points, values), (lower, upper) = known, box
    scale = 2.0 ** -(1 + number / SLOWLY)
    steps = random.standard_normal((len(points), CHILDREN, len(lower))) * scale * (upper - lower)
    steps *= random.random((len(points), CHILDREN, len(lower))) < random.choice([0.25, 0.5, 1.0])
    tried = np.clip(points[:, None, :] + steps, lower, upper).reshape(-1, len(lower))
    found = _grouped(reaches(question, sides, tried), groups)[:, group].reshape(len(points), CHILDREN)
    found = np.where(np.isfinite(found), found, -np.inf)
    best = found.argmax(axis=1)
    better = found[np.arange(len(points)), best] > values
    moved = tried.reshape(len(points), CHILDREN, -1)[np.arange(len(points)), best]
    return np.where(better[:, None], moved, points), np.where(better, found.max(axis=1), values)


def _grouped(found: Points, groups: tuple[int, ...]) -> Points:
    """The largest of each group of conclusions."""
    columns = [[i for i, g in enumerate(groups) if g == group] for group in sorted(set(groups))]
    return np.stack([found[:, own].max(axis=1) for own in columns], axis=1)


def _best(values: Points, count: int) -> Any:
    return np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:count]
