"""Points where two networks may differ: guessed in floating point, decided exactly, then made simple."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exactformer.domain import Domain
from exactformer.numeric import NumericFeedforward, compile_numeric, evaluate_batch, preactivations
from exactformer.prover.outcome import Point
from exactformer.prover.question import Question
from exactformer.work import NEVER, Deadline

Points = NDArray[np.float64]
RANDOM, CORNERS, SEGMENTS, EXACT = 2048, 256, 2, 12
DENOMINATORS = (1, 2, 4, 10, 16, 100, 256, 1000, 10**4, 10**6, 2**30)


def numeric_witness(question: Question, seed: int, deadline: Deadline = NEVER) -> Point | None:
    """A counterexample to the question's claim, looked for where the float values contradict it most.

    Tried are corners, random points, and points on and near the kinks of a feed-forward side, which bisection
    finds between random points. None means nothing was found in time, not that nothing is there.
    """
    random = np.random.default_rng(seed)
    sides = [compile_numeric(network) for network in question.networks]
    with np.errstate(all="ignore"):  # numbers beyond the range of floats make bad guesses, no more
        for points in batches(sides, question, random):
            gap = _violation(question, sides, points)
            order = np.argsort(-np.nan_to_num(gap, nan=np.inf), kind="stable")[:EXACT]
            for index in order:
                if deadline.passed:
                    return None
                point = near_point(points[index], question.space)
                if question.violated(point):
                    return point
    return None


def _violation(question: Question, sides: Sequence[Any], points: Points) -> Points:
    """How far the float values contradict the claim, for each point: positive where they do."""
    found = reaches(question, sides, points)
    size = np.abs(found) if question.claim.equations else found
    return np.asarray(size.max(axis=1, initial=-np.inf if size.shape[1] else 0.0))


def reaches(question: Question, sides: Sequence[Any], points: Points) -> Points:
    """By how much the float values miss each conclusion: an array (points, conclusions), negative where they do not."""
    outputs = []
    for run in question.claim.runs_at(list(points.T), question.left.inputs):
        inputs = np.stack(list(run.inputs), axis=1) if run.inputs else points
        semantics = question.read(run)
        rates = semantics.temperature or None
        values = evaluate_batch(sides[run.network], inputs, tie=semantics.tie, temperature=rates, base=semantics.base)
        outputs.append(list(values.T))
    conclusions = question.claim.conclusions(*outputs)
    found = [np.broadcast_to(np.asarray(form, dtype=float), len(points)) for form in conclusions]  # some are numbers
    return -np.stack(found, axis=1) if found else np.zeros((len(points), 0))


def simplified(
    point: Point, violated: Callable[[Point], bool], *, trials: int = 10_000, deadline: Deadline = NEVER
) -> Point:
    """A simpler point that is still a counterexample: zeros first, then small denominators.

    Minimal in this sense: unless trials or time run out, no group of coordinates that was tried can be set to zero, and
    no single coordinate can be replaced by a fraction near it with a smaller power of two or ten as denominator.
    Trials are counted, so that the same question has the same answer when there is time.
    """
    left = trials

    def simpler(trial: Point) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and not deadline.passed and violated(trial)

    size = len(point)
    while size >= 1:  # zeros, in groups that halve
        for start in range(0, len(point), size):
            trial = tuple(Fraction(0) if start <= i < start + size else x for i, x in enumerate(point))
            if trial != point and simpler(trial):
                point = trial
        size //= 2
    for den in DENOMINATORS:  # all coordinates at once
        trial = tuple(Fraction(round(x * den), den) for x in point)
        if simpler(trial):
            point = trial
            break
    for i, x in enumerate(point):
        for den in DENOMINATORS:
            if den >= x.denominator:
                break
            trial = (*point[:i], Fraction(round(x * den), den), *point[i + 1 :])
            if simpler(trial):
                point = trial
                break
    return point


def batches(sides: Sequence[Any], question: Question, random: np.random.Generator) -> Iterator[Points]:
    """Corners and random points; on open sides points of all sizes; points on and near kinks."""
    domain = question.space
    lower, upper = float_ends(domain)
    yield np.concatenate([_corners(lower, upper, random), _random(lower, upper, random, RANDOM)])
    yield _far(domain, random)
    if question.claim.free(question.left.inputs):  # two points: near one another, then nothing finer
        yield _pairs(question, lower, upper, random)
        return
    for side in sides:
        if isinstance(side, NumericFeedforward) and side.layers:
            yield _kinks(side, lower, upper, random)


def _pairs(question: Question, lower: Points, upper: Points, random: np.random.Generator) -> Points:
    """Points (x, y) with y on all scales near x, beyond it where the claim wants x <= y."""
    n, free = question.left.inputs, list(question.claim.free(question.left.inputs))
    points = _random(lower, upper, random, RANDOM)
    steps = random.uniform(-1, 1, size=(RANDOM, len(free))) * 2.0 ** random.uniform(-20, 0, size=(RANDOM, 1))
    steps = np.abs(steps) if question.claim.ordered else steps
    points[:, n:] = points[:, free] + steps * (upper[free] - lower[free])
    return np.asarray(np.clip(points, lower, upper))


def float_ends(domain: Domain) -> tuple[Points, Points]:
    """Float bounds for sampling; an open side reaches ten further than the other one or than zero."""
    lower = np.array([-np.inf if x is None else _float(x) for x in domain.lower])
    upper = np.array([np.inf if x is None else _float(x) for x in domain.upper])
    low = np.where(np.isfinite(lower), lower, np.where(np.isfinite(upper), upper, 0.0) - 10.0)
    high = np.where(np.isfinite(upper), upper, np.where(np.isfinite(lower), lower, 0.0) + 10.0)
    return low, high


def _float(x: Fraction) -> float:
    """The nearest float; an infinity beyond their range."""
    try:
        return float(x)
    except OverflowError:
        return float("inf") if x > 0 else float("-inf")


def _corners(lower: Points, upper: Points, random: np.random.Generator) -> Points:
    n = len(lower)
    if 2**n <= CORNERS:
        choice = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    else:
        choice = random.integers(0, 2, size=(CORNERS, n))
    middle = ((lower + upper) / 2)[None, :]
    return np.concatenate([middle, np.where(choice == 1, upper, lower)])


def _random(lower: Points, upper: Points, random: np.random.Generator, count: int) -> Points:
    points: Points = lower + (upper - lower) * random.random((count, len(lower)))
    return points


def _far(domain: Domain, random: np.random.Generator) -> Points:
    """Points of all magnitudes on the open sides of the domain (any points of the box when it has none)."""
    lower, upper = float_ends(domain)
    open_side = np.array([None in ends for ends in zip(domain.lower, domain.upper, strict=True)])
    scale = 10.0 ** random.uniform(-6, 6, size=(RANDOM // 4, 1))
    points = random.standard_normal((RANDOM // 4, len(lower))) * np.where(open_side, scale, 1.0)
    return np.where(open_side, points, np.clip(points, lower, upper))


def _kinks(side: NumericFeedforward, lower: Points, upper: Points, random: np.random.Generator) -> Points:
    """Points at and beside places where a unit changes its leading piece, a few for each unit that ever does.

    Between two random points with different leaders, bisection finds the kink to float precision; the points beside
    it lie on the same segment, at distances from 2^-8 to 2^-44 of its length on either side.
    """
    samples = np.concatenate([_corners(lower, upper, random), _random(lower, upper, random, RANDOM)])
    starts, ends, layers, units = [], [], [], []
    for number, values in enumerate(preactivations(side, samples)):
        leaders = values.argmax(axis=2)
        for unit in np.nonzero((leaders != leaders[0]).any(axis=0))[0]:
            for _ in range(SEGMENTS):
                first = random.integers(len(samples))
                others = np.nonzero(leaders[:, unit] != leaders[first, unit])[0]
                starts.append(samples[first])
                ends.append(samples[random.choice(others)])
                layers.append(number)
                units.append(unit)
    if not starts:
        return np.empty((0, len(lower)))
    base, span = np.array(starts), np.array(ends) - np.array(starts)
    at = _bisected(side, np.array(layers), np.array(units), base, span)
    shifts = [0.0, *(sign * 2.0**-e for e in range(8, 48, 4) for sign in (1, -1))]
    points: Points = np.concatenate([base + np.clip(at + shift, 0, 1)[:, None] * span for shift in shifts])
    return np.asarray(np.clip(points, lower, upper))


def _bisected(side: NumericFeedforward, layers: Any, units: Any, base: Points, span: Points) -> Points:
    """For each segment base + t span the t where the given unit of the given layer changes its leading piece."""

    def leaders(t: Points) -> Any:
        values = preactivations(side, base + t[:, None] * span)
        result = np.empty(len(t), dtype=int)
        for number in np.unique(layers):
            rows = np.nonzero(layers == number)[0]
            result[rows] = values[number][rows, units[rows]].argmax(axis=1)
        return result

    low, high = np.zeros(len(base)), np.ones(len(base))
    first = leaders(low)
    for _ in range(52):
        middle = (low + high) / 2
        same = leaders(middle) == first
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return high


def near_point(point: Points, domain: Domain) -> Point:
    """The float point as exact numbers, moved onto the domain's bounds where rounding has left them."""
    result = []
    for x, lo, hi in zip(point, domain.lower, domain.upper, strict=True):
        value = Fraction(float(x))
        value = value if lo is None else max(value, lo)
        result.append(value if hi is None else min(value, hi))
    return tuple(result)
