"""`temperature`: how far a network is from its compiled Transformer under softmax, and which temperature suffices."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from exactformer.claims import Within
from exactformer.compiler.driver import compile_network
from exactformer.domain import Domain
from exactformer.errors import Faults
from exactformer.measuring.driver import Progress, apart, check_outputs, options_of, ratio_of
from exactformer.measuring.numbers import digits_of
from exactformer.measuring.result import Distance
from exactformer.networks import MaxoutNetwork, ReluNetwork
from exactformer.networks.semantics import Base, Tie
from exactformer.prover.question import ask
from exactformer.rational import read_rational
from exactformer.work import Deadline, OutOfTime, Work, time_limit

FIRST = Fraction(64)  # the temperature from which the search for one that suffices starts
TRIALS, TIGHT_TRIALS = 12, 4  # temperatures that are tried, without a search and with one
LARGE = 10_000  # parameters of a network from which on a bound at once is not kept waiting for many points
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
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
    progress: Progress | None = None,
) -> Distance:
    """How far the compiled Transformer at an inverse temperature is from its source, with a certificate.

    Either `value` is the temperature lambda (a number, or one a layer), or `epsilon` > 0 the bound that is wanted: then
    the smallest temperature is looked for, to about two per cent, that the route certifies. The route is one evaluation
    of the whole domain (Theorem P), or with `tight` a search until the bound is at most `ratio` times the error at a
    point (default 2), by `jobs` processes. Softmax is that of the base e or 2.

    The verdict is "proved" where there is the bound that was asked for: of the wanted ratio with `tight`, of at most
    `epsilon` with that. Raises `InvalidInput` unless exactly one of `value` and `epsilon` is given, and as `distance`
    and `compile_network` do; `TimeoutError` when the time is out before there is a Transformer.

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
    if jobs != 1 and not tight:
        faults.add("jobs", "1, or tight together with it, without which it has no effect", str(jobs))
    noted = len(faults.reasons)
    wanted = None if epsilon is None else read_rational(epsilon, "epsilon", faults)
    if wanted is not None and wanted <= 0 and len(faults.reasons) == noted:
        faults.add("epsilon", "a number > 0", str(wanted))
    options_of(timeout, seed, work, jobs, executor, progress, faults)
    how = Work.of(work, jobs, executor)
    deadline = Deadline.after(timeout)
    try:
        with time_limit(deadline.left):
            compiled = compile_network(network, construction=construction, domain=domain, arity=arity)
    except OutOfTime:
        raise TimeoutError(f"out of time after {timeout:g} s: the Transformer was not yet written down") from None

    def at(rate: Any, seconds: float, *, search: bool, restarts: int | None = None) -> Distance:
        right, where, sides = compiled.transformer, compiled.correspondence, (None, rate)
        places = ("temperature", "temperature")
        question = ask(
            Within(0), network, right, domain, tie, faults, where, temperatures=sides, places=places, base=base
        )
        check_outputs(network, "network", faults)
        goal = ratio_of(ratio, question, faults)
        faults.settle()
        limit = None if timeout is None else max(seconds, 0.01)
        found = apart(question, goal, limit, seed, progress, started, split=search, restarts=restarts, work=how)
        outcome = None if found.outcome is None else replace(found.outcome, compiled=compiled)
        found = replace(found, outcome=outcome, temperature=question.semantics[1].temperature)
        return found if search or found.upper is None else _settled(found)  # Theorem P promises no ratio

    restarts = 1 if network.parameters > LARGE and not tight else None
    if wanted is None:
        return at(value, deadline.left, search=tight, restarts=restarts)
    return _smallest(partial(at, restarts=restarts), wanted, deadline, tight=tight)


def _smallest(at: Callable[..., Distance], epsilon: Fraction, deadline: Deadline, *, tight: bool) -> Distance:
    """The result at the smallest temperature, of about three digits, that is found to suffice; else the last one tried.

    Points are needed to know when a search may end; without one, only for the answer.
    """
    trials = TIGHT_TRIALS if tight else TRIALS
    share, rate, failed = deadline.left / trials, FIRST, Fraction(0)
    best: Distance | None = None
    for _ in range(trials):
        found = at(rate, share, search=tight, restarts=None if tight else 0)
        if found.upper is None:
            break
        if found.upper <= epsilon:
            best = found
        else:
            failed = max(failed, rate)
        guess = three_digits(rate * found.upper / epsilon)
        low = failed * MARGIN
        if best is not None and (guess >= best.temperature[0] or guess < low):
            if low >= best.temperature[0]:
                break
            guess = three_digits((failed + best.temperature[0]) / 2)
            if not failed < guess < best.temperature[0]:
                break
        rate = max(guess, three_digits(low)) if failed else guess
    if best is None:
        reason = found.reason or f"no temperature was found that suffices for {epsilon}; this one was tried last"
        return replace(found, verdict="unknown", reason=reason)
    return _settled(best if tight else at(best.temperature[0], deadline.left, search=False))


def _settled(found: Distance) -> Distance:
    """The same, as what was asked for: a bound."""
    return replace(found, verdict="proved", reason=None)


def three_digits(number: Fraction) -> Fraction:
    """The number rounded up to three digits."""
    places = 3 - digits_of(int(number)) if number >= 1 else 3
    scale = Fraction(10) ** places
    return Fraction(-((-number * scale) // 1)) / scale
