"""The whole claim handed to z3: what its word is worth."""

from __future__ import annotations

import importlib.metadata
from dataclasses import replace
from fractions import Fraction

from exactformer.prover import smt
from exactformer.prover.attempt import Attempt
from exactformer.prover.outcome import Outcome
from exactformer.prover.smtlib import claim_text
from exactformer.rational import exact_text
from exactformer.work import Status


def by_smt(attempt: Attempt) -> Outcome:
    """The outcome on the word of z3: a proof without a certificate, a counterexample that is confirmed, or neither."""
    question = attempt.question
    text = claim_text(question)
    limit = min(1e6, attempt.deadline.left)
    if limit <= 0:
        return attempt.unknown("smt", "out of time")
    attempt.work.watch(Status("z3", 0, 1))
    answer = smt.solve(text, question.space.dimension, timeout=limit)
    if answer.result == "unsat" and attempt.certified:
        return attempt.unknown(
            "smt", "z3 answers that the claim holds, but without a certificate, and one is asked for"
        )
    if answer.result == "unsat":
        theorem = f"{question.claim} (real arithmetic, {question.semantics[0]}), on the word of z3"
        trusted = (f"z3 {importlib.metadata.version('z3-solver')} answered unsat to the negated claim; no certificate",)
        return replace(attempt.proved_by_solver(theorem), trusted=trusted)
    if answer.result == "sat" and answer.point is not None:
        if question.violated(answer.point):
            return attempt.refuted("smt", answer.point)
        return attempt.unknown("smt", _not_exact(answer))
    return attempt.unknown("smt", f"z3: {answer.reason or answer.result}")


def _decimal(x: Fraction) -> str:
    return f"{float(x):.9g}" if abs(x) < 1e9 else exact_text(x)


def _not_exact(answer: smt.Answer) -> str:
    """Why a counterexample of z3 is none here."""
    if answer.point is None or not answer.irrational:
        return "z3 answered sat, but its point is not an exact counterexample"
    near = ", ".join(f"x{i + 1} near {_decimal(answer.point[i])}, a root of {text}" for i, text in answer.irrational)
    return f"z3 answers that the claim fails where {near}; a certificate holds rational points only"
