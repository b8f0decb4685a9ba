"""Points at which a conclusion reaches far: guessed in floats; what they show is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
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
SHORTEST = 2.0**-20  # of the steps from a point, as a share of the box; all lengths up to 1/2 are tried
COOLING = 10  # rounds after which inverse temperatures grow by a factor of 2^(1/2)
DOUBLINGS = 24  # of the temperature, from which softmax may begin to cool down
SMALLEST = Fraction(1, 1 << 1000)  # of inverse temperatures that are still floats
EXACT = 4  # points of each conclusion that are evaluated exactly


def guesses(
    question: Question, groups: tuple[int, ...], seed: int, deadline: Deadline, restarts: int | None = None
) -> Iterator[Point]:
    """For each group of conclusions the points at which one of them reaches furthest in floats, the best first.

    Softmax differs from the maximum most where pieces are nearly equal, and hardly elsewhere: nothing shows the way to
    a point where many units have such pieces at once. At smaller inverse temperatures these places are wide. So each
    restart begins warmer than the one before, and cools down to what was asked (simulated annealing).
    """
    random, restarts = np.random.default_rng(seed), RESTARTS if restarts is None else restarts
    sides = [compile_numeric(network) for network in question.networks]
    box = float_ends(question.space)
    conclusions = [[i for i, g in enumerate(groups) if g == group] for group in sorted(set(groups))]
    found: list[list[tuple[float, Point]]] = [[] for _ in conclusions]
    with np.errstate(all="ignore"):
        for restart in range(restarts):
            first = np.concatenate([*batches(sides, question, random)])
            for own, members in zip(found, conclusions, strict=True):
                points, some = first, first[:: len(first) // 256 + 1]
                warmest = _warmest(question, sides, members, some) * restart / max(1, restarts - 1)
                for halvings in np.arange(warmest, 0, -1 / 2):
                    height = height_of(_warmed(question, halvings), sides, members)
                    points, _ = climbed(height, points, box, random, rounds=COOLING, deadline=deadline)
                best, values = climbed(height_of(question, sides, members), points, box, random, deadline=deadline)
                own.append((float(values[0]), near_point(best[0], question.space)))
            if deadline.passed:
                break
    for own in found:
        yield from (point for _, point in sorted(own, key=lambda pair: -pair[0])[:EXACT])


def height_of(question: Question, sides: list[Any], conclusions: list[int]) -> Height:
    """What the furthest of some conclusions reaches, as a function of points."""
    return lambda points: reaches(question, sides, points)[:, conclusions].max(axis=1)


def _warmest(question: Question, sides: list[Any], conclusions: list[int], points: Points) -> int:
    """How often inverse temperatures are halved until points reach furthest, measured in temperatures."""
    sizes = [0.0]
    for halvings in range(1, DOUBLINGS + 1) if question.soft else ():
        reached = height_of(_warmed(question, halvings), sides, conclusions)(points)
        sizes.append(float(np.nan_to_num(np.median(np.abs(reached)))) / 2.0**halvings)
    return sizes.index(max(sizes))


def _warmed(question: Question, halvings: float) -> Question:
    """The question with every inverse temperature halved so often."""
    by = Fraction(2.0**halvings)
    warm = [tuple(min(rate, max(rate / by, SMALLEST)) for rate in own.temperature) for own in question.semantics]
    pairs = zip(question.semantics, warm, strict=True)
    return replace(question, semantics=tuple(replace(own, temperature=rates) for own, rates in pairs))


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
    """Points that reach further than the best of some points, found near those; with their heights, the best first.

    Rounds of random steps take turns with rounds of steps uphill.
    """
    points, values = _best(points, height(points), starts)
    for number in range(rounds):
        if deadline.passed:
            break
        if number % 2:
            directions = _uphill(height, points, values, box, random, children)[:, None, :]
        else:
            directions = random.standard_normal((len(points), children, len(box[0])))
            directions *= random.random(directions.shape) < random.choice([0.1, 0.3, 1.0], (len(points), children, 1))
        points, values = _refined(height, points, values, box, directions, random, children)
    return _best(points, values, starts)


def _uphill(
    height: Height, points: Points, values: Points, box: tuple[Points, Points], random: np.random.Generator, most: int
) -> Points:
    """For each point how height grows with at most so many coordinates that may still grow; the steepest has size 1."""
    lower, upper = box
    rows = np.arange(len(points))[:, None]
    moved = random.permuted(np.tile(np.arange(len(lower)), (len(points), 1)), axis=1)[:, :most]
    steps = np.where(points > (lower + upper) / 2, -1.0, 1.0) * 2.0 ** random.uniform(-24, -8)  # into the box
    tried = np.repeat(points[:, None, :], moved.shape[1], axis=1)
    tried[rows, np.arange(moved.shape[1]), moved] += (steps * (upper - lower))[rows, moved]
    slopes = np.zeros_like(points)
    risen = height(tried.reshape(-1, len(lower))).reshape(moved.shape) - values[:, None]
    slopes[rows, moved] = np.nan_to_num(risen / steps[rows, moved], posinf=0.0, neginf=0.0)
    slopes[(points <= lower) & (slopes < 0) | (points >= upper) & (slopes > 0)] = 0.0
    steepest = np.abs(slopes).max(axis=1, keepdims=True)
    return np.asarray(slopes / np.where(steepest > 0, steepest, 1.0))


def _refined(
    height: Height,
    points: Points,
    values: Points,
    box: tuple[Points, Points],
    directions: Points,
    random: np.random.Generator,
    children: int,
) -> tuple[Points, Points]:
    """The best of the points and of those a step away from them, of a random length."""
    lower, upper = box
    lengths = 2.0 ** random.uniform(np.log2(SHORTEST), -1, (len(points), children, 1))
    tried = np.clip(points[:, None, :] + directions * lengths * (upper - lower), lower, upper)
    found = height(tried.reshape(-1, len(lower))).reshape(len(points), children)
    found = np.where(np.isfinite(found), found, -np.inf)
    best = found.argmax(axis=1)
    rows = np.arange(len(points))
    better = found[rows, best] > values
    return np.where(better[:, None], tried[rows, best], points), np.where(better, found[rows, best], values)


def _best(points: Points, values: Points, count: int) -> tuple[Points, Points]:
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:count]
    return points[order], values[order]
