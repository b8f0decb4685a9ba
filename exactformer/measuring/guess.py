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
RESTARTS, STARTS, CHILDREN, ROUNDS = 4, 32, 32, 120  # there are many hills
CYCLE = 40  # rounds in which steps become shorter, then they begin anew
EXACT = 4  # points of each conclusion that are evaluated exactly


def guesses(question: Question, groups: tuple[int, ...], seed: int, deadline: Deadline) -> Iterator[Point]:
    """For each group of conclusions the points at which one of them reaches furthest in floats, the best first."""
    random = np.random.default_rng(seed)
    sides = [compile_numeric(network) for network in question.networks]
    box = float_ends(question.space)
    count = len(set(groups))
    found: list[list[tuple[float, Point]]] = [[] for _ in range(count)]
    with np.errstate(all="ignore"):
        for _ in range(RESTARTS):
            points = np.concatenate([*batches(sides, question, random)])
            values = _grouped(reaches(question, sides, points), groups)
            for group in range(count):
                best = _best(values[:, group], STARTS)
                known = points[best], values[best, group]
                for number in range(ROUNDS):
                    if deadline.passed:
                        break
                    known = _refined(question, sides, groups, group, known, box, number, random)
                top = _best(known[1], 1)[0]
                found[group].append((float(known[1][top]), near_point(known[0][top], question.space)))
            if deadline.passed:
                break
    for own in found:
        yield from (point for _, point in sorted(own, key=lambda pair: -pair[0])[:EXACT])


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
    scale = 2.0 ** -(1 + number % CYCLE / 2)
    steps = random.standard_normal((len(points), CHILDREN, len(lower))) * scale * (upper - lower)
    steps *= random.random((len(points), CHILDREN, len(lower))) < random.choice([0.1, 0.3, 1.0])
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
