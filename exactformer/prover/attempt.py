"""An attempt at a question: how its answer becomes an outcome that the kernel has judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Literal, TypeVar

from exactformer.documents.document import Branch
from exactformer.enclosure import Enclosure, Number
from exactformer.errors import CertificateRejected, Unsupported
from exactformer.kernel.claims import Asked
from exactformer.kernel.reading import NotAffine
from exactformer.networks import Network
from exactformer.polyhedra.inhabitant import inhabitant
from exactformer.prover.blame import blame
from exactformer.prover.cases import case_tree
from exactformer.prover.certificate import judged, proof_certificate, refutation_certificate
from exactformer.prover.judging import SHARD, judged_in_parts
from exactformer.prover.outcome import Blame, HeadLine, Outcome, Point, TraceLine, Witness
from exactformer.prover.question import Question
from exactformer.prover.search import Found
from exactformer.prover.trace import heads_at, trace
from exactformer.prover.witness import simplified
from exactformer.work import ALONE, Deadline, OutOfTime, Status, Work, time_limit

MIN_TRIALS, TRIAL_WEIGHT = 40, 3 * 10**7  # of making a counterexample simple: trials times characters of the networks
BLAME_SECONDS = 5.0
MOST_WORK = 2_000_000  # of a proof that is told case by case: steps times characters of the networks
AROUND = 200  # bits to which a rational value of a function is given, where the kernel's enclosure is none
Said = TypeVar("Said")


@dataclass(frozen=True)
class Attempt:
    """A question, a point of its domain, and the time there is to answer it."""

    question: Question
    started: float
    deadline: Deadline
    certified: bool = False
    work: Work = ALONE

    @cached_property
    def asked(self) -> Asked:
        """The question as the kernel reads it; it is evaluated once, for the search and for the kernel's own check."""
        return self.question.asked()

    @cached_property
    def inhabitant(self) -> Point:
        """A point of the domain. Raises `InvalidInput` when there is none."""
        return inhabitant(self.question.domain)

    def proved(self, method: str, found: Found) -> Outcome:
        """The outcome of a search that closed every cell, once the kernel has accepted its certificate."""
        try:
            if len(found.steps) <= SHARD:
                self.work.watch(Status("kernel", 0, 1))
                certificate = proof_certificate(self.question, self.inhabitant, list(found.steps))
                theorem = judged(certificate, self.asked)
            else:
                certificate = proof_certificate(self.question, self.inhabitant, [])
                how = self.question, self.asked, certificate, found, self.work, self.deadline
                theorem, certificate["tree"] = judged_in_parts(*how)
        except Unsupported as length:
            return self.unknown(method, f"a proof was found, but no certificate can hold it: {length}")
        except CertificateRejected as rejection:  # a defect of the search; never reported as a proof
            return self.unknown(method, f"the kernel rejected the proof that was found: {rejection}")
        counts = {**theorem.counts, **found.counts}
        work = len(found.steps) * sum(len(text) for text in self.question.texts.values())
        told: Branch | None = None
        if work <= MOST_WORK:
            told = self.in_time(lambda: case_tree(self.asked.goal(), found.steps), None)
        return replace(
            self._outcome("proved", method),
            theorem=theorem.statement,
            certificate=certificate,
            counts=counts,
            cases=told,
        )

    def refuted(self, method: str, point: Point) -> Outcome:
        """The outcome for a counterexample, made simple, and confirmed by the kernel's evaluator."""
        question = self.question
        weights = sum(len(text) for text in question.texts.values())
        trials = max(MIN_TRIALS, TRIAL_WEIGHT // weights)
        point = simplified(point, question.violated, trials=trials, deadline=self.deadline)
        values = question.values(point)
        try:
            try:
                certificate = refutation_certificate(question, point, values)
                theorem = judged(certificate, self.asked)
            except CertificateRejected:
                if not question.curved:
                    raise
                values = [
                    tuple(map(_around, value)) for value in values
                ]  # the kernel encloses every value of a function
                certificate = refutation_certificate(question, point, values)
                theorem = judged(certificate, self.asked)
        except Unsupported as length:
            return self.unknown(method, f"a counterexample was found, but no certificate can hold it: {length}")
        except CertificateRejected as rejection:  # the two evaluators disagree: a defect, never a verdict
            return self.unknown(method, f"the kernel did not confirm the counterexample: {rejection}")
        explained: tuple[TraceLine, ...] = self.in_time(lambda: trace(question, point), ())
        heads: tuple[HeadLine, ...] = self.in_time(lambda: heads_at(question, point), ())
        blamed: tuple[Blame, ...] = self.in_time(lambda: self._blame(point), ())
        return replace(
            self._outcome("refuted", method),
            theorem=theorem.statement,
            certificate=certificate,
            witness=Witness.of(question.claim, point, values, question.left.inputs),
            trace=explained,
            heads=heads,
            blame=blamed,
        )

    def in_time(self, say: Callable[[], Said], otherwise: Said) -> Said:
        """What is said beside a verdict, which is never lost for it: something else when it cannot be said in time."""
        try:
            with time_limit(self.deadline.left):
                return say()
        except OutOfTime:
            return otherwise

    def _blame(self, point: Point) -> tuple[Blame, ...]:
        if not self.question.claim.equality:
            return ()
        limit = self.deadline.within(BLAME_SECONDS)
        return blame(self.question, lambda fixed: self._equal(fixed, point, limit))

    def _equal(self, right: Network, point: Point, limit: Deadline) -> bool:
        """Whether the left side equals another right side: no at the old witness, else by symbolic evaluation."""
        repaired = replace(self.question, right=right)
        if repaired.violated(point) or limit.passed:
            return False
        try:
            goal = repaired.goal()
        except NotAffine:  # it cannot be evaluated symbolically, so nothing is known
            return False
        return goal.finished and not goal.obligations()

    def proved_by_solver(self, theorem: str) -> Outcome:
        """The outcome of a proof that rests on a solver alone: no certificate."""
        return replace(self._outcome("proved", "smt"), theorem=theorem)

    def unknown(self, method: str, reason: str) -> Outcome:
        """The outcome when neither a proof nor a counterexample was found."""
        return replace(self._outcome("unknown", method), reason=reason)

    def _outcome(self, verdict: Literal["proved", "refuted", "unknown"], method: str) -> Outcome:
        q, seconds = self.question, time.monotonic() - self.started
        return Outcome(verdict, method, q.claim, q.left, q.right, q.domain, q.semantics, seconds)


def _around(value: Number) -> Number:
    """An enclosure of a number that is wide enough for those that the kernel computes."""
    if not isinstance(value, Fraction):
        return value
    margin = (1 + abs(value)) / (1 << AROUND)
    return Enclosure(value - margin, value + margin)
