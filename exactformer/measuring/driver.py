"""`distance` and `output_range`: points from below, cells from above, until both are near enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from exactformer.arguments import NATURAL, SECONDS, function
from exactformer.claims import Claim, Range, Within
from exactformer.compiler.correspondence import Correspondence
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.kernel.reading import NotAffine
from exactformer.measuring.enclosed import Heights, enclosed
from exactformer.measuring.guess import guesses
from exactformer.measuring.numbers import Value, short
from exactformer.measuring.result import Distance, Extreme, OutputRange
from exactformer.measuring.shares import Share, shares_of
from exactformer.networks import Network
from exactformer.networks.semantics import Base, Tie
from exactformer.prover.attempt import Attempt
from exactformer.prover.branching import Branching, Part, Reach, Wanted, ceilings
from exactformer.prover.cells import Point
from exactformer.prover.outcome import Outcome
from exactformer.prover.pairs import pairs_of
from exactformer.prover.question import Question, ask
from exactformer.prover.search import Found
from exactformer.rational import read_rational
from exactformer.work import ALONE, Deadline, OutOfTime, Work, check_work, time_limit

Progress = Callable[[int, int], None]
ENDLESS = "there is no bound: on an unbounded linear region of the domain it grows without end"
NEAR = Fraction(101, 100)  # the ratio that is enough where functions take part
FINER = 12  # digits of a bound that six would round to more than was asked for
LATE = 16  # at least one in so many parts of the time is kept for another tree: alarms may come late
GUESSING, AIMING = 0.1, 20.0  # of the time for points; of no more than so many seconds for functions


@dataclass(frozen=True)
class Measured:
    """What a search found out: the last tree, how far the bounds and the points reach, and the certified theorem."""

    ceilings: list[Reach]  # of each conclusion, rounded as in the theorem
    reached: list[Reach]
    points: list[Point | None]
    outcome: Outcome | None
    cells: int
    reason: str | None
    shares: tuple[Share, ...] = ()


def distance(
    left: Network,
    right: Network,
    *,
    domain: Domain | None = None,
    left_temperature: Any = None,
    right_temperature: Any = None,
    base: Base = "e",
    tie: Tie = "average",
    ratio: Any = None,
    timeout: float | None = 300.0,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
    correspondence: Correspondence | None = None,
    progress: Progress | None = None,
) -> Distance:
    """The supremum of |left(x) - right(x)| over the domain and all outputs, from both sides.

    Exact (upper = lower, attained at a point) for continuous hard networks on a polytope, if the search ends in time.
    With softmax, at inverse temperatures (a number, or one a layer), values are irrational: then the search goes on
    until the upper bound is at most `ratio` times the lower one (default 2). With functions, whose values are enclosed,
    it does so, too (default 1.01), on a bounded domain. Past `timeout` seconds both bounds so far
    are returned. `jobs` processes (or an
    `executor`, see `Work`) evaluate cells; a search that ends in time finds the same with any number of them.
    The upper bound is a theorem with a certificate: the `outcome` of the result.

    Raises `InvalidInput` for networks, domains and numbers that do not fit, and for `ratio` 1 with softmax, which no
    search reaches; `Unsupported` for scores that are not affine, and where the difference grows without end.

    >>> from exactformer import Box, ReluNetwork
    >>> relu = ReluNetwork.of([([[1]], [0])], ([[1]], [0]), domain=Box([-1], [1]))
    >>> half = ReluNetwork.of([([["1/2"]], ["1/8"])], ([[1]], [0]))
    >>> distance(relu, half).upper
    Fraction(3, 8)
    """
    started = time.monotonic()
    faults = Faults()
    temperatures = left_temperature, right_temperature
    question = ask(
        Within(0),
        left,
        right,
        domain,
        tie,
        faults,
        correspondence,
        temperatures=temperatures,
        base=base,
        functions=True,
    )
    check_outputs(left, "left", faults)
    wanted = ratio_of(ratio, question, faults)
    options_of(timeout, seed, work, jobs, executor, progress, faults)
    how = Work.of(work, jobs, executor)
    return apart(question, wanted, timeout, seed, progress, started, work=how)


def apart(
    question: Question,
    wanted: Fraction,
    timeout: float | None,
    seed: int,
    progress: Progress | None,
    started: float,
    *,
    split: bool = True,
    restarts: int | None = None,
    work: Work = ALONE,
) -> Distance:
    """How far apart the two networks of a question `within:0` are, searched for up to the wanted ratio."""

    def enough(reached: Sequence[Reach]) -> list[Reach]:
        known = [reach for reach in reached if reach is not None]
        return [wanted * max(known) if known else None] * len(reached)

    def claim(tops: Sequence[Fraction]) -> Claim:
        return Within(max(tops))

    one_group = (0,) * (2 * question.left.outputs)
    found = measured(
        question, one_group, enough, claim, timeout, seed, progress, split=split, restarts=restarts, work=work
    )
    if found.reason == ENDLESS:
        raise Unsupported(
            f"domain: expected one on which the difference is bounded, found {question.domain}; {ENDLESS}"
        )
    best, top = top_of(found)
    extreme = extreme_of(question, found, best, top)
    near = extreme.ratio is not None and extreme.ratio <= wanted
    return Distance(
        "proved" if near else "unknown",
        extreme,
        wanted,
        found.outcome,
        time.monotonic() - started,
        found.cells,
        None if near else found.reason,
        shares=found.shares,
        question=question,
    )


def output_range(
    network: Network,
    *,
    domain: Domain | None = None,
    temperature: Any = None,
    base: Base = "e",
    tie: Tie = "average",
    ratio: Any = None,
    timeout: float | None = 300.0,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
    progress: Progress | None = None,
) -> OutputRange:
    """The exact minimum and maximum of every output over the domain, with points where they are attained.

    Options, bounds and errors are those of `distance`; with softmax the bounds of an output are good enough when they
    are at most `ratio` times as far apart as its values at points (default 2).

    >>> from exactformer import Box, ReluNetwork
    >>> found = output_range(ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]), domain=Box([-1], [3])))
    >>> found.lower, found.upper
    ((Fraction(0, 1),), (Fraction(3, 1),))
    """
    started = time.monotonic()
    faults = Faults()
    at, places = (temperature, None), ("temperature", "temperature")
    question = ask(
        Range(0, 0), network, None, domain, tie, faults, temperatures=at, places=places, base=base, functions=True
    )
    check_outputs(network, "network", faults)
    wanted = ratio_of(ratio, question, faults)
    options_of(timeout, seed, work, jobs, executor, progress, faults)
    how = Work.of(work, jobs, executor)
    outputs = network.outputs

    def enough(reached: Sequence[Reach]) -> list[Reach]:
        tops = []
        for i, reach in enumerate(reached):
            other = reached[(i + outputs) % (2 * outputs)]
            spread = None if reach is None or other is None else max(reach + other, Fraction(0))
            tops.append(None if reach is None or spread is None else reach + (wanted - 1) * spread / 2)
        return tops

    def claim(tops: Sequence[Fraction]) -> Claim:
        return Range([-top for top in tops[:outputs]], list(tops[outputs:]))

    found = measured(question, tuple(range(2 * outputs)), enough, claim, timeout, seed, progress, work=how)
    tops = found.ceilings or [None] * (2 * outputs)
    ends = tuple(extreme_of(question, found, i, top) for i, top in enumerate(tops))
    goals = enough(found.reached)
    near = all(top is not None and goal is not None and top <= goal for top, goal in zip(tops, goals, strict=True))
    return OutputRange(
        "proved" if near else "unknown",
        ends[:outputs],
        ends[outputs:],
        wanted,
        found.outcome,
        time.monotonic() - started,
        found.cells,
        None if near else found.reason,
        question,
    )


def measured(
    question: Question,
    groups: tuple[int, ...],
    enough: Wanted,
    claim: Callable[[Sequence[Fraction]], Claim],
    timeout: float | None,
    seed: int,
    progress: Progress | None,
    *,
    split: bool = True,
    restarts: int | None = None,
    work: Work = ALONE,
) -> Measured:
    """Bounds of the conclusions of a question, by a search; `claim` is what they say, once they are numbers.

    Without `split` the whole domain is the only cell; points are looked for `restarts` times (None: as often as usual).
    """
    deadline = Deadline.after(timeout)
    if question.curved:
        return _enclosed(question, groups, enough, claim, deadline, seed, progress, timeout)
    attempt = Attempt(question, time.monotonic(), deadline, work=work)
    inhabitant = attempt.inhabitant
    search = Branching(question, {}, enough, deadline, progress or (lambda done, still_open: None), work=work)
    ended, broken = False, None
    shares: tuple[Share, ...] = ()
    try:
        with time_limit(deadline.left):
            search.tried(inhabitant)
            for point in _points(question, groups, seed, timeout, restarts):
                search.tried(point)
            before = time.monotonic()
            goal = attempt.asked.goal()
            search.cost = time.monotonic() - before
            search.pairs = pairs_of(question, goal)
            search.run(goal, split=split)
            ended = not search.late
            shares = shares_of(question, search.whole)
    except OutOfTime:
        pass
    except BrokenExecutor:
        broken = "a process of the search was ended from outside (for want of memory, say)"
    except NotAffine as score:
        raise Unsupported(str(score)) from None
    late = (
        broken
        if ended or broken
        else f"out of time after {timeout:g} s, with {search.cells} cell{'s' * (search.cells != 1)}"
    )
    unbounded = "no bound was found: the difference may be unbounded on the domain, or the domain itself"
    if search.root is not None and any(part.seen.endless for part in search.root.leaves()):
        unbounded, late = ENDLESS, None
    tops, rejected = list[Reach](), None
    trees = list(search.trees())  # for the first the time may be over, or a guess of it was wrong
    for number, (root, _) in enumerate(trees):
        tops = ceilings(root)
        exact = [top for top in tops if top is not None]
        if not tops or len(exact) < len(tops):
            rejected = rejected or late or unbounded
            break
        rounded = _rounded(exact, search.reached, groups, enough(search.reached))
        kept = sum(seconds for _, seconds in trees[number + 1 :])
        outcome = _proved(replace(question, claim=claim(rounded)), root, rounded, attempt, kept)
        if outcome.verdict == "proved":
            word = rejected or late or _ended(question)
            return Measured(list(rounded), search.reached, search.points, outcome, search.cells, word, shares)
        tops, rejected = [None] * len(tops), outcome.reason
    return Measured(tops, search.reached, search.points, None, search.cells, rejected or late or unbounded)


def _enclosed(
    question: Question,
    groups: tuple[int, ...],
    enough: Wanted,
    claim: Callable[[Sequence[Fraction]], Claim],
    deadline: Deadline,
    seed: int,
    progress: Progress | None,
    timeout: float | None,
) -> Measured:
    """The same where functions take part: their bounds are those of the kernel's enclosures."""
    if None in (*question.space.lower, *question.space.upper):
        raise InvalidInput(
            f"domain: expected a bounded one, as functions are enclosed on boxes, found {question.domain}"
        )
    attempt = Attempt(question, time.monotonic(), deadline)
    inhabitant = attempt.inhabitant
    heights = Heights(question).with_point(inhabitant)
    try:
        with time_limit(deadline.left):
            points = iter(_points(question, groups, seed, AIMING if timeout is None else min(timeout, AIMING)))
            found = enclosed(attempt, points, groups, enough, claim, progress or (lambda done, still_open: None))
    except OutOfTime:
        return Measured([], list(heights.reached), list(heights.points), None, 0, f"out of time after {timeout:g} s")
    reached, at = list(found.heights.reached), list(found.heights.points)
    return Measured(list(found.tops), reached, at, found.outcome, found.cells, found.reason)


def _ended(question: Question) -> str:
    return "nothing is left to split" if question.soft else "the supremum may not be attained: nothing is left to split"


def _points(
    question: Question, groups: tuple[int, ...], seed: int, timeout: float | None, restarts: int | None = None
) -> list[Point]:
    if not question.space.dimension or restarts == 0:
        return []
    deadline = Deadline.after(None if timeout is None else GUESSING * timeout)
    try:
        return list(guesses(question, groups, seed, deadline, restarts))
    except InvalidInput:  # a weight outside the range of floats: the guess is skipped, the exact search goes on
        return []


def _rounded(
    tops: Sequence[Fraction], reached: Sequence[Reach], groups: tuple[int, ...], wanted: Sequence[Reach]
) -> list[Fraction]:
    """The bound of each group, rounded up to a short number unless it is attained; what was good enough remains so."""
    result = []
    for group in groups:
        own = [i for i, g in enumerate(groups) if g == group]
        top = max(tops[i] for i in own)
        known = [reach for i in own if (reach := reached[i]) is not None]
        limits = [want for i in own if (want := wanted[i]) is not None and want >= top]
        fit = (number for number in (short(top), short(top, FINER), top) if not limits or number <= max(limits))
        result.append(top if known and max(known) == top else next(fit))
    return result


def _proved(question: Question, root: Part, offsets: Sequence[Fraction], attempt: Attempt, kept: float) -> Outcome:
    """The theorem that the tree proves, once the kernel has accepted it, with seconds kept to check other trees."""
    final = Attempt(question, attempt.started, attempt.deadline, work=attempt.work)
    left = attempt.deadline.left
    try:
        with time_limit(max(left - (min(max(kept, left / LATE), left / 2) if kept else 0.0), 0.01)):
            return final.proved("distance", Found(root.steps(offsets), [], {}))
    except OutOfTime:
        return final.unknown("distance", "out of time while the kernel checked the bound")


def top_of(found: Measured) -> tuple[int, Reach]:
    """The conclusion that reaches furthest at a point, and the bound of all of them together."""
    reached = found.reached
    best = max(range(len(reached)), key=lambda i: (reached[i] is not None, reached[i] or 0), default=0)
    known = [top for top in found.ceilings if top is not None]
    return best, max(known) if known and len(known) == len(found.ceilings) else None


def extreme_of(question: Question, found: Measured, i: int, top: Reach) -> Extreme:
    """How far a conclusion reaches: at most so far, and so far at its best point."""
    point = found.points[i] if found.points else None
    if point is None:
        return Extreme(top, None, None)
    value: Value = -question.claim.conclusions(*question.values(point))[i]
    return Extreme(top, value, point)


def check_outputs(network: Network, place: str, faults: Faults) -> None:
    """Notes a fault where there is nothing to measure."""
    if not network.outputs:
        faults.add(place, "a network with an output", "none")


def ratio_of(ratio: Any, question: Question, faults: Faults) -> Fraction:
    """The ratio asked for: at least 1, more than 1 with softmax."""
    if ratio is None:
        return Fraction(2) if question.soft else NEAR if question.curved else Fraction(1)
    noted, wanted = len(faults.reasons), read_rational(ratio, "ratio", faults)
    apart = "softmax" if question.soft else "functions" if question.curved else ""
    if len(faults.reasons) == noted and (wanted < 1 or (apart and wanted == 1)):
        expected = f"a number > 1: with {apart} the bounds never meet" if apart else "a number >= 1"
        faults.add("ratio", expected, str(ratio))
    return wanted


def options_of(timeout: Any, seed: Any, work: Any, jobs: Any, executor: Any, progress: Any, faults: Faults) -> None:
    """Notes every fault of these options, and settles all that were found."""
    SECONDS.check(timeout, "timeout", faults, optional=True)
    NATURAL.check(seed, "seed", faults)
    check_work(work, jobs, executor, faults)
    function(progress, "progress", faults)
    faults.settle()
