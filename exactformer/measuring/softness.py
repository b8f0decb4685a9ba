"""`temperature`: how far a network is from its compiled Transformer under softmax, and which temperature suffices."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from exactformer.claims import Claim, Within
from exactformer.compiler.correspondence import Compiled
from exactformer.compiler.driver import compile_network
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput
from exactformer.measuring.driver import Progress, check_outputs, extreme_of, measured, options_of, ratio_of, top_of
from exactformer.measuring.result import Distance
from exactformer.networks import MaxoutNetwork, ReluNetwork
from exactformer.networks.semantics import Base, Tie
from exactformer.prover.branching import Reach
from exactformer.prover.question import Question, ask
from exactformer.rational import read_rational

FIRST = Fraction(64)  # the temperature from which the search for one that suffices starts
TRIALS = 12
MARGIN = Fraction(51, 50)  # a temperature that fails is raised at least by this factor


def temperature(
    network: MaxoutNetwork | ReluNetwork,
    *,
    value: Any = None,
    epsilon: Any = None,
    tight: bool = False,
    ratio: Any = None,
    construction: str = "gated",
    arity: int = 2,
    domain: Domain | None = None,
    base: Base = "e",
    tie: Tie = "average",
    timeout: float | None = 300.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Distance:
    """How far the compiled Transformer at an inverse temperature is from its source, with a certificate.

    Either `value` is the temperature lambda (a number, or one a layer), or `epsilon` > 0 the bound that is wanted: then
    the smallest temperature is looked for, to about two per cent, that the route certifies. The route is one evaluation
    of the whole domain (Theorem P), or with `tight` a search until the bound is at most `ratio` times the error at a
    point (default 2). Softmax is that of the base e or 2.

    Raises `InvalidInput` unless exactly one of `value` and `epsilon` is given, and as `distance` does.

    >>> from exactformer import Box, ReluNetwork
    >>> relu = ReluNetwork.of([([[1]], [0])], ([[1]], [0]), domain=Box([-1], [1]))
    >>> temperature(relu, value=64).upper < Fraction(1, 200)
    True
    """
    started = time.monotonic()
    faults = Faults()
    if (value is None) == (epsilon is None):
        faults.add("temperature", "one of value and epsilon", "both" if epsilon is not None else "neither")
    if ratio is not None and not tight:
        faults.add("ratio", "None, or tight together with it, without which it has no effect", str(ratio))
    noted = len(faults.reasons)
    wanted = None if epsilon is None else read_rational(epsilon, "epsilon", faults)
    if wanted is not None and wanted <= 0 and len(faults.reasons) == noted:
        faults.add("epsilon", "a number > 0", str(wanted))
    options_of(timeout, seed, progress, faults)
    compiled = compile_network(network, construction=construction, domain=domain, arity=arity)

    def at(rate: Any, seconds: float | None, *, search: bool, points: bool = True) -> Distance:
        right, where, sides = compiled.transformer, compiled.correspondence, (None, rate)
        places = ("temperature", "temperature")
        question = ask(
            Within(0), network, right, domain, tie, faults, where, temperatures=sides, places=places, base=base
        )
        check_outputs(network, "network", faults)
        goal = ratio_of(ratio, question, faults)
        faults.settle()
        how = {"search": search, "points": points}
        return _apart(question, compiled, goal, seconds, seed, progress, started=started, **how)

    if wanted is None:
        return at(value, timeout, search=tight)
    return _smallest(at, wanted, timeout, tight=tight)


def _smallest(at: Callable[..., Distance], epsilon: Fraction, timeout: float | None, *, tight: bool) -> Distance:
    """The result at the smallest temperature, of about three digits, that is found to suffice.

    Points are needed to know when a search may end; without one, only for the answer.
    """
    started = time.monotonic()
    share = None if timeout is None else timeout / (4 if tight else TRIALS)
    rate, best, failed = FIRST, None, Fraction(0)
    for _ in range(4 if tight else TRIALS):
        found = at(rate, share, search=tight, points=tight)
        if found.upper is None:
            raise InvalidInput(f"epsilon: no bound was found at inverse temperature {rate}: {found.reason}")
        if found.upper <= epsilon:
            best = found
        else:
            failed = max(failed, rate)
        guess = _digits(rate * found.upper / epsilon)
        low = failed * MARGIN
        if best is not None and (guess >= best.temperature[0] or guess < low):
            if low >= best.temperature[0]:
                break
            guess = _digits((failed + best.temperature[0]) / 2)
            if not failed < guess < best.temperature[0]:
                break
        rate = max(guess, _digits(low)) if failed else guess
    if best is None:
        raise InvalidInput(f"epsilon: no temperature was found for {epsilon} in time; the last one tried is {rate}")
    left = None if timeout is None else max(timeout - (time.monotonic() - started), 1.0)
    return best if tight else at(best.temperature[0], left, search=False)


def _digits(number: Fraction) -> Fraction:
    """The number rounded up to three digits."""
    places = 3 - len(str(int(number))) if number >= 1 else 3
    scale = Fraction(10) ** places
    return Fraction(-((-number * scale) // 1)) / scale


def _apart(
    question: Question,
    compiled: Compiled,
    wanted: Fraction,
    timeout: float | None,
    seed: int,
    progress: Progress | None,
    *,
    search: bool,
    points: bool,
    started: float,
) -> Distance:
    groups = (0,) * (2 * question.left.outputs)

    def enough(reached: Sequence[Reach]) -> list[Reach]:
        known = [reach for reach in reached if reach is not None]
        return [wanted * max(known) if known else None] * len(reached)

    def claim(tops: Sequence[Fraction]) -> Claim:
        return Within(max(tops))

    found = measured(question, groups, enough, claim, timeout, seed, progress, split=search, points=points)
    best, top = top_of(found)
    extreme = extreme_of(question, found, best, top)
    near = top is not None and (not search or (extreme.ratio is not None and extreme.ratio <= wanted))
    outcome = None if found.outcome is None else replace(found.outcome, compiled=compiled)
    seconds = time.monotonic() - started
    rates = question.semantics[1].temperature
    return Distance(
        "proved" if near else "unknown",
        extreme,
        wanted,
        outcome,
        seconds,
        found.cells,
        None if near else found.reason,
        rates,
        found.shares,
    )
