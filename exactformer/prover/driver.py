"""The driver: from two networks and a domain to a verdict with a certificate. It reads top to bottom."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from exactformer.compiler import compile_network
from exactformer.domain import Domain
from exactformer.errors import CertificateRejected, InvalidInput
from exactformer.formats.network_json import dump
from exactformer.kernel.claims import Goal, read_domain
from exactformer.kernel.networks import read_network
from exactformer.kernel.reading import NotAffine
from exactformer.lp import Inside, inside, whole
from exactformer.networks import Network
from exactformer.networks.transformer import TIES, Tie
from exactformer.prover import smt
from exactformer.prover.blame import blame
from exactformer.prover.certificate import LEFT, RIGHT, differ_certificate, equal_certificate, judged
from exactformer.prover.confirm import confirmed, regions_of
from exactformer.prover.limit import OutOfTime, time_limit
from exactformer.prover.outcome import Outcome, Point, Witness
from exactformer.prover.parallel import search_in_parallel
from exactformer.prover.search import Found, Search
from exactformer.prover.smtlib import claim_text
from exactformer.prover.trace import trace
from exactformer.prover.witness import evaluate_exactly, numeric_witness, simplified

Method = Literal["auto", "structural", "lazy", "regions", "smt"]
METHODS: tuple[Method, ...] = ("auto", "structural", "lazy", "regions", "smt")
CONFIRM_SECONDS = 2.0
GRACE = 0.5
BLAME_SECONDS = 5.0
Progress = Callable[[int, int], None]


def prove(
    network: Network,
    *,
    construction: str = "gated",
    domain: Domain | None = None,
    **options: Any,
) -> Outcome:
    """Compile a maxout or ReLU network and prove that the Transformer equals it on the domain.

    The options are those of `verify`. Raises `Unsupported` and `InvalidInput` as `compile_network` and `verify` do.
    """
    compiled = compile_network(network, construction=construction, domain=domain)
    outcome = verify(network, compiled.transformer, domain=domain, **options)
    return replace(outcome, compiled=compiled)


def verify(
    left: Network,
    right: Network,
    *,
    domain: Domain | None = None,
    method: Method = "auto",
    tie: Tie = "average",
    timeout: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    confirm_seconds: float = CONFIRM_SECONDS,
    progress: Progress | None = None,
) -> Outcome:
    """Decide whether two networks of any kinds are equal on a domain, exactly, with a certificate.

    The domain defaults to the left network's, then to the right one's, then to all of R^n. Methods: `structural`
    evaluates both sides symbolically without a split; `lazy` splits where they differ; `regions` splits every gate
    of the left side, one affine identity a linear region; `smt` asks z3; `auto` is the first that decides, in the
    order structural, numeric search, lazy, smt. `timeout` is in seconds; past it the verdict is "unknown".
    `jobs` > 1 (or an `executor`) spreads the subtrees of a `lazy` or `regions` proof over processes.

    Raises `InvalidInput` when the networks' sizes or the domain do not fit or the domain is empty.
    """
    question = _question(left, right, domain, method, tie, timeout)
    try:
        # The alarm leaves the search, which looks at the clock itself, a moment to end with a better reason.
        with time_limit(question.deadline - time.monotonic() + GRACE):
            return _decided(question, method, seed, jobs, executor, confirm_seconds, progress)
    except OutOfTime:
        return question.unknown(method, f"out of time after {timeout} s")


def _decided(
    question: Question,
    method: Method,
    seed: int,
    jobs: int,
    executor: Executor | None,
    confirm_seconds: float,
    progress: Progress | None,
) -> Outcome:
    if method == "smt":
        return _by_smt(question)
    try:
        goal = question.goal()
    except NotAffine as reason:
        found = _numeric(question, seed)
        return found or (_by_smt(question) if method == "auto" else question.unknown(method, str(reason)))
    if goal.finished and not any(gap.terms for gap in goal.differences) and method != "regions":
        return question.proved("structural", Found([["holds"]], [], {}))
    if not goal.finished or any(gap.terms for gap in goal.differences):
        refuted = _numeric(question, seed)
        if refuted is not None:
            return refuted
    if method == "structural":
        return question.unknown(method, "the two symbolic evaluations do not give one form; the method lazy can split")
    return _by_splitting(question, goal, method, jobs, executor, confirm_seconds, progress or (lambda done, left: None))


@dataclass(frozen=True)
class Question:
    """Is left = right on the domain? With the texts that the certificate is bound to."""

    left: Network
    right: Network
    domain: Domain
    tie: Tie
    inhabitant: Point
    texts: dict[str, str]
    started: float
    deadline: float

    def goal(self) -> Goal:
        """The kernel's view of the question. Raises `NotAffine` for scores that are not affine."""
        networks = [read_network(self.texts[name].encode(), name) for name in (LEFT, RIGHT)]
        domain = read_domain(self.domain.to_json(), "domain", self.left.inputs)
        return Goal.of(networks[0], networks[1], domain, self.tie)

    def differs(self, point: Point) -> bool:
        """Whether the point lies in the domain and the exact values there differ."""
        if not self.domain.contains(point):
            return False
        return evaluate_exactly(self.left, point, self.tie) != evaluate_exactly(self.right, point, self.tie)

    def proved(self, method: str, found: Found) -> Outcome:
        """The outcome of a search that closed every cell, once the kernel has accepted its certificate."""
        certificate = equal_certificate(self.texts, self.domain, self.tie, self.inhabitant, found.steps)
        try:
            theorem = judged(certificate, self.texts)
        except CertificateRejected as rejection:  # a defect of the search; never reported as a proof
            return self.unknown(method, f"the kernel rejected the proof that was found: {rejection}")
        counts = {**theorem.counts, **found.counts}
        return replace(
            self._outcome("proved", method), theorem=theorem.statement, certificate=certificate, counts=counts
        )

    def refuted(self, method: str, point: Point) -> Outcome:
        """The outcome for a point where the sides differ, made simple, and confirmed by the kernel's evaluator."""
        point = simplified(point, self.differs, seconds=min(2.0, max(0.2, self.deadline - time.monotonic())))
        values = [evaluate_exactly(side, point, self.tie) for side in (self.left, self.right)]
        witness = Witness(point, values[0], values[1])
        certificate = differ_certificate(self.texts, self.domain, self.tie, witness)
        try:
            theorem = judged(certificate, self.texts)
        except CertificateRejected as rejection:  # the two evaluators disagree: a defect, never a verdict
            return self.unknown(method, f"the kernel did not confirm the counterexample: {rejection}")
        lines = trace(self.left, self.right, self.domain, point, self.tie)
        limit = min(self.deadline, time.monotonic() + BLAME_SECONDS)
        entries = blame(self.left, self.right, self.domain, lambda fixed: self._equal(fixed, point, limit))
        result = self._outcome("refuted", method)
        return replace(
            result, theorem=theorem.statement, certificate=certificate, witness=witness, trace=lines, blame=entries
        )

    def _equal(self, right: Network, point: Point, limit: float) -> bool:
        """Whether the left side equals another right side: no at the old witness, else by symbolic evaluation."""
        if evaluate_exactly(self.left, point, self.tie) != evaluate_exactly(right, point, self.tie):
            return False
        if time.monotonic() > limit:
            return False
        goal = replace(self, right=right, texts={**self.texts, RIGHT: dump(right)}).goal()
        return goal.finished and not any(gap.terms for gap in goal.differences)

    def proved_by_solver(self, theorem: str) -> Outcome:
        """The outcome of a proof that rests on a solver alone: no certificate."""
        return replace(self._outcome("proved", "smt"), theorem=theorem)

    def unknown(self, method: str, reason: str) -> Outcome:
        """The outcome when neither a proof nor a counterexample was found."""
        return replace(self._outcome("unknown", method), reason=reason)

    def _outcome(self, verdict: Literal["proved", "refuted", "unknown"], method: str) -> Outcome:
        seconds = time.monotonic() - self.started
        return Outcome(verdict, method, self.left, self.right, self.domain, self.tie, seconds)


def _question(
    left: Network, right: Network, domain: Domain | None, method: str, tie: str, timeout: float | None
) -> Question:
    started = time.monotonic()
    reasons = []
    if left.inputs != right.inputs or left.outputs != right.outputs:
        sizes = f"{left.inputs} -> {left.outputs} and {right.inputs} -> {right.outputs}"
        reasons.append(f"verify: expected networks with equal numbers of inputs and outputs, found {sizes}")
    domain = domain or left.domain or right.domain or Domain.everything(left.inputs)
    if domain.dimension != left.inputs:
        reasons.append(f"domain: expected {left.inputs} inputs, found {domain.dimension}")
    if method not in METHODS:
        reasons.append(f"method: expected one of {', '.join(METHODS)}, found {method!r}")
    if tie not in TIES:
        reasons.append(f"tie: expected one of {', '.join(TIES)}, found {tie!r}")
    if reasons:
        raise InvalidInput(reasons)
    texts = {LEFT: dump(left), RIGHT: dump(right)}
    deadline = float("inf") if timeout is None else started + timeout
    return Question(left, right, domain, tie, inhabitant(domain), texts, started, deadline)  # type: ignore[arg-type]


def inhabitant(domain: Domain) -> Point:
    """A point of the domain, zero where possible. Raises `InvalidInput` when the domain is empty."""
    point = []
    for lo, hi in zip(domain.lower, domain.upper, strict=True):
        x = Fraction(0) if lo is None else max(lo, Fraction(0))
        point.append(x if hi is None else min(x, hi))
    if domain.contains(point):
        return tuple(point)
    rows = []
    for i, (lo, hi) in enumerate(zip(domain.lower, domain.upper, strict=True)):
        unit = [Fraction(int(j == i)) for j in range(domain.dimension)]
        rows += [] if lo is None else [(*unit, -lo)]
        rows += [] if hi is None else [(*(-u for u in unit), hi)]
    for row, bound in zip(domain.matrix.dense(), domain.bounds.fractions(), strict=True):
        rows.append((*(-a for a in row), bound))
    exact = [whole(row)[0] for row in rows]
    answer = inside([(tuple(row[:-1]), row[-1]) for row in exact], [False] * len(exact), domain.dimension)
    if not isinstance(answer, Inside):
        raise InvalidInput("domain: expected a domain that is not empty, found inequalities without a common point")
    return answer.point


def _numeric(question: Question, seed: int) -> Outcome | None:
    try:
        point = numeric_witness(question.left, question.right, question.domain, question.tie, seed)
    except InvalidInput:  # a weight outside the range of floats: the guess is skipped, the exact search goes on
        return None
    return None if point is None else question.refuted("numeric", point)


def _by_splitting(
    question: Question,
    goal: Goal,
    method: Method,
    jobs: int,
    executor: Executor | None,
    confirm_seconds: float,
    progress: Progress,
) -> Outcome:
    reason = ""
    for name, deadline in _phases(method, question.deadline):
        every_gate = name == "regions"
        try:
            if jobs > 1 or executor is not None:
                found = search_in_parallel(question, goal, every_gate, deadline, jobs, executor, progress)
            else:
                found = Search(question.differs, deadline, every_gate, progress).run(goal)
        except NotAffine as score:
            reason = str(score)
            break
        if found.witness is not None:
            return question.refuted(name, found.witness)
        if found.reason is None:
            outcome = question.proved(name, found)
            return _with_regions(outcome, question, found, confirm_seconds) if every_gate else outcome
        reason = found.reason
    if method != "auto":
        return question.unknown(method, reason)
    answer = _by_smt(question)
    return answer if answer.verdict != "unknown" else replace(answer, reason=f"{reason}; {answer.reason}")


def _phases(method: Method, deadline: float) -> list[tuple[Method, float]]:
    """Which search until when: for `auto` a short lazy one, then regions, then lazy again, with a share left for z3."""
    if method != "auto":
        return [(method, deadline)]
    now = time.monotonic()
    left = deadline - now
    last = deadline if left > 1e9 else deadline - 0.2 * left
    return [("lazy", now + min(20.0, left / 4)), ("regions", now + min(120.0, left / 2)), ("lazy", last)]


def _with_regions(outcome: Outcome, question: Question, found: Found, confirm_seconds: float) -> Outcome:
    """The outcome of a proof by regions, with its regions and what z3 says of their obligations."""
    if outcome.verdict != "proved":
        return outcome
    regions = regions_of(found.leaves)
    budget = min(confirm_seconds, max(0.0, question.deadline - time.monotonic()))
    confirmation = confirmed(regions, question, budget) if budget > 0 else None
    seconds = time.monotonic() - question.started
    return replace(outcome, regions=regions, confirmation=confirmation, seconds=seconds)


def _by_smt(question: Question) -> Outcome:
    text = claim_text(question.left, question.right, question.domain, question.tie)
    limit = min(1e6, question.deadline - time.monotonic())
    if limit <= 0:
        return question.unknown("smt", "out of time")
    answer = smt.solve(text, question.left.inputs, timeout=limit)
    if answer.result == "unsat":
        semantics = f"real arithmetic, hard attention, tie rule {question.tie}"
        theorem = f"for every x in the domain, left(x) = right(x) ({semantics}), on the word of z3"
        trusted = (f"z3 {importlib.metadata.version('z3-solver')} answered unsat to the negated claim; no certificate",)
        return replace(question.proved_by_solver(theorem), trusted=trusted)
    if answer.result == "sat" and answer.point is not None:
        if question.differs(answer.point):
            return question.refuted("smt", answer.point)
        return question.unknown("smt", "z3 answered sat, but its point is not an exact counterexample")
    return question.unknown("smt", f"z3: {answer.reason or answer.result}")
