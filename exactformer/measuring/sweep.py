"""The error against the temperature: what bounds it, and what it is at points, at temperatures around the asked one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from exactformer.enclosure import bounds
from exactformer.errors import InvalidInput, Unsupported
from exactformer.kernel.reading import NotAffine
from exactformer.measuring.guess import climbed, height_of
from exactformer.numeric import compile_numeric
from exactformer.prover.branching import Branching, ceilings
from exactformer.prover.cells import Point
from exactformer.prover.pairs import Pairs, pairs_of
from exactformer.prover.question import Question
from exactformer.prover.witness import float_ends, near_point
from exactformer.rational import nearly
from exactformer.work import NEVER, OutOfTime, time_limit

# The widest range first, as the time may be over before all of them were looked at.
FACTORS = tuple(Fraction(2) ** k for k in (0, 2, -2, 4, -4, 1, -1, 3, -3))
SAMPLES, STARTS, CHILDREN, ROUNDS = 1024, 16, 16, 30


@dataclass(frozen=True)
class Level:
    """What is known of the error at the asked temperatures times a factor; None where nothing is."""

    factor: Fraction
    upper: Fraction | None  # it is nowhere larger: the kernel's bound on the whole domain, for which no proof is kept
    lower: Fraction | None  # it is so large at a point that was looked for
    sampled: Fraction | None  # and at the random point where it is largest in floats


def sweep(question: Question, known: Sequence[Point], seconds: float) -> tuple[Level, ...]:
    """The levels that are finished within so many seconds, in order of their factors; `known` are good points."""
    result: list[Level] = []
    points = list(known)
    try:
        with time_limit(seconds):
            sides = _sides(question)
            pairs = pairs_of(question, question.goal())
            for factor in FACTORS:
                result.append(_level(scaled(question, factor), factor, pairs, sides, points))
    except (OutOfTime, NotAffine):
        pass
    return tuple(sorted(result, key=lambda level: level.factor))


def scaled(question: Question, factor: Fraction) -> Question:
    """The same question with all temperatures times a factor."""
    semantics = (replace(s, temperature=tuple(rate * factor for rate in s.temperature)) for s in question.semantics)
    return replace(question, semantics=tuple(semantics))


def _level(question: Question, factor: Fraction, pairs: Pairs, sides: list[Any], points: list[Point]) -> Level:
    """One level; the point that a climb has found is added to the points, for other levels to start from."""
    search = Branching(question, pairs, lambda reached: [None] * len(reached), NEVER)
    tops = ceilings(search.run(question.goal(), split=False))
    known = [top for top in tops if top is not None]
    random, found = _points(question, sides, points)
    points += found
    at = [reach for point in points if (reach := _reach(question, point)) is not None]
    sampled = [reach for point in random if (reach := _reach(question, point)) is not None]
    upper = max(known) if known and len(known) == len(tops) else None
    return Level(factor, upper, max(at + sampled, default=None), max(sampled, default=None))


def _points(question: Question, sides: list[Any], starts: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    """Of random points the one where the error is largest in floats, and the one that a climb from there comes to.

    Floats only choose: what the error is at a point is known exactly, or it is not told.
    """
    space, random = question.space, np.random.default_rng(0)
    if not sides or not space.dimension:
        return [], []
    lower, upper = box = float_ends(space)
    height = height_of(question, sides, list(range(2 * question.left.outputs)))
    with np.errstate(all="ignore"):  # numbers beyond the range of floats make bad guesses, no more
        sampled = lower + (upper - lower) * random.random((SAMPLES, space.dimension))
        if len(space.bounds):
            sampled = np.array([x for x in sampled if space.contains(near_point(x, space))]).reshape(-1, len(lower))
        known = np.array([[nearly(x) for x in point] for point in starts]).reshape(-1, len(lower))
        try:
            best, _ = climbed(height, sampled, box, random, rounds=0, starts=STARTS)
            near = np.concatenate([known, best])
            found, _ = climbed(height, near, box, random, rounds=ROUNDS, starts=STARTS, children=CHILDREN)
        except InvalidInput:  # points or temperatures that no float holds
            return [], []
    return [near_point(x, space) for x in best[:1]], [near_point(x, space) for x in found[:1]]


def _reach(question: Question, point: Point) -> Fraction | None:
    """What the error surely is at a point of the domain; None for another point, and where nobody can say."""
    if not question.space.contains(point):
        return None
    try:
        reached = (-bounds(value)[1] for value in question.claim.conclusions(*question.values(point)))
        return max(Fraction(0), *reached)
    except Unsupported:
        return None


def _sides(question: Question) -> list[Any]:
    """The networks in floats; nothing where they have weights that are none."""
    try:
        return [compile_numeric(network) for network in question.networks]
    except InvalidInput:
        return []
