"""A proof confirmed by other routes: cross-checks of its leaves, points of its regions, their volumes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from exactformer.prover import smt
from exactformer.prover.attempt import Attempt
from exactformer.prover.crosscheck import by_evaluation, by_solver, by_volume, unasked
from exactformer.prover.outcome import Confirmation, Outcome
from exactformer.work import Status

Checks = tuple[Sequence[smt.Solver] | None, int | None]  # the solvers asked, and about how many leaves


def cross_checked(outcome: Outcome, attempt: Attempt, checks: Checks, seed: int) -> Outcome:
    """The outcome of a proof with what independent routes say of it; unknown if one of them contradicts it."""
    if outcome.verdict != "proved" or outcome.certificate is None:
        return outcome
    solvers, sample = checks
    solvers = (("z3",) if outcome.regions else ()) if solvers is None else solvers
    question, steps = attempt.question, outcome.certificate["tree"]
    found: list[Confirmation | None] = []
    attempt.work.watch(Status("cross-check", 0, len(solvers)))
    if outcome.regions and solvers:
        found = [by_evaluation(question, outcome.regions, attempt.deadline)]
        found.append(attempt.in_time(lambda: by_volume(question.domain, outcome.regions), None))
    for solver in solvers:
        ask_it = partial(by_solver, solver, question, steps, sample, seed, attempt.deadline)
        found.append(attempt.in_time(ask_it, unasked(solver, steps, "out of time")))
    confirmations = tuple(one for one in found if one is not None)
    wrong = next((one for one in confirmations if one.contradicted), None)
    if wrong is not None:
        reason = f"{wrong.route} contradicts the proof on {wrong.contradicted} {wrong.subject}: please report it"
        return attempt.unknown(outcome.method, reason)
    return replace(outcome, confirmations=confirmations, seconds=time.monotonic() - attempt.started)
