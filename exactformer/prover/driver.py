"""The driver: from two networks and a domain to a verdict with a certificate. It reads top to bottom."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Literal, TypeVar

from exactformer.claims import Claim
from exactformer.compiler import Correspondence, compile_network
from exactformer.domain import Domain
from exactformer.errors import CertificateRejected, Faults, InvalidInput, Unsupported
from exactformer.kernel.claims import Asked, Goal
from exactformer.kernel.reading import NotAffine
from exactformer.networks import Network, check_network
from exactformer.networks.transformer import Tie
from exactformer.polyhedra.inhabitant import inhabitant
from exactformer.prover import smt
from exactformer.prover.blame import blame
from exactformer.prover.certificate import judged, proof_certificate, refutation_certificate
from exactformer.prover.crosscheck import SAMPLE, by_evaluation, by_solver, by_volume, unasked
from exactformer.prover.leaves import regions_of
from exactformer.prover.options import Method, Options, Progress, check_options
from exactformer.prover.outcome import Blame, Confirmation, Evaluation, Outcome, Point, TraceLine, Witness
from exactformer.prover.parallel import search_in_parallel
from exactformer.prover.question import Question, ask, is_equality
from exactformer.prover.search import Found, Search
from exactformer.prover.smtlib import claim_text
from exactformer.prover.trace import trace
from exactformer.prover.witness import numeric_witness, simplified
from exactformer.rational import exact_text
from exactformer.work import Deadline, OutOfTime, time_limit

GRACE = 0.5
MIN_TRIALS, TRIAL_WEIGHT = 40, 3 * 10**7  # of making a counterexample simple: trials times characters of the networks
BLAME_SECONDS = 5.0
Said = TypeVar("Said")
Checks = tuple[Sequence[smt.Solver] | None, int | None]  # the solvers asked, and about how many leaves


def prove(
    network: Network,
    *,
    construction: str = "gated",
    arity: int = 2,
    domain: Domain | None = None,
    method: Method = "auto",
    tie: Tie = "average",
    timeout: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    cross_check: Sequence[smt.Solver] | None = None,
    sample: int | None = SAMPLE,
    progress: Progress | None = None,
    certified: bool = False,
) -> Outcome:
    """Compile a maxout or ReLU network and prove that the Transformer equals it on the domain.

    `construction` and `arity` are those of `compile_network`, the other options those of `verify`; `timeout` is for
    both together. The Transformer is in the `compiled` of the outcome. Raises `TimeoutError` when the time is out
    before there is one, and `Unsupported` and `InvalidInput` as `compile_network` and `verify` do.

    >>> from exactformer import Box, ReluNetwork
    >>> prove(ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]), domain=Box([-1], [1]))).verdict
    'proved'
    """
    options = Options(
        method=method,
        tie=tie,
        seed=seed,
        jobs=jobs,
        executor=executor,
        cross_check=cross_check,
        sample=sample,
        certified=certified,
    )
    faults = Faults()
    check_network(network, "network", faults)
    check_options(options, timeout, progress, faults)  # before the network is compiled, which may take a while
    faults.settle()
    started, deadline = time.monotonic(), Deadline.after(timeout)
    try:
        with time_limit(deadline.left):
            compiled = compile_network(network, construction=construction, domain=domain, arity=arity)
    except OutOfTime:
        raise TimeoutError(f"out of time after {timeout:g} s: the Transformer was not yet written down") from None
    left = None if timeout is None else max(0.01, deadline.left)
    outcome = verify(network, compiled.transformer, domain=domain, timeout=left, progress=progress, **options)
    return replace(outcome, compiled=compiled, seconds=time.monotonic() - started)


def verify(
    left: Network,
    right: Network | None = None,
    *,
    claim: Claim | str = "equal",
    domain: Domain | None = None,
    method: Method = "auto",
    tie: Tie = "average",
    timeout: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    cross_check: Sequence[smt.Solver] | None = None,
    sample: int | None = SAMPLE,
    progress: Progress | None = None,
    correspondence: Correspondence | None = None,
    certified: bool = False,
) -> Outcome:
    """Decide a claim about one or two networks of any kinds on a domain, exactly, with a certificate.

    The claim is one of `exactformer.claims`, or its text ("equal", "within:1/100", "increasing:x1"). The domain
    defaults to the left network's, then to the right one's, then to all of R^n. Methods: `structural` evaluates
    symbolically without a split; `lazy` splits where that does not settle the claim; `regions` (for `equal`) splits
    every gate of the left side, one affine identity a linear region; `smt` asks z3; `auto` is the first that
    decides, in the order structural, numeric search, lazy, smt. `timeout` is in seconds; past it the verdict is
    "unknown". A `correspondence` tells where the units of a left network live in a Transformer on the right: the
    trace of a refutation then names the first unit that is wrong. `jobs` > 1 (or an `executor`) spreads the subtrees
    of a `lazy` or `regions` proof over processes.

    `cross_check` names solvers ("z3", "cvc5") that are asked about the leaves of the proof, `sample` of them chosen by
    the seed (None: all); by default z3 for `regions`, where also both networks are evaluated at a point of every
    region, and for few inputs the volumes are added up. `certified` refuses a proof that rests on the word of z3 alone:
    the verdict is then "unknown".

    Raises `InvalidInput` for arguments of a wrong type, when networks, claim and domain do not fit together, and when
    the domain is empty; `Unsupported` for `regions` with another claim than `equal`.
    """
    # The question itself checks the tie rule.
    options = Options(
        method=method,
        seed=seed,
        jobs=jobs,
        executor=executor,
        cross_check=cross_check,
        sample=sample,
        certified=certified,
    )
    faults = Faults()
    check_options(options, timeout, progress, faults)
    attempt = _attempt(claim, left, right, domain, method, tie, timeout, correspondence, certified, faults)
    try:
        # The alarm leaves the search, which looks at the clock itself, a moment to end with a better reason.
        with time_limit(attempt.deadline.left + GRACE):
            return _decided(attempt, method, seed, jobs, executor, (cross_check, sample), progress)
    except OutOfTime:
        return attempt.unknown(method, f"out of time after {timeout:g} s")


def _decided(
    attempt: Attempt,
    method: Method,
    seed: int,
    jobs: int,
    executor: Executor | None,
    checks: Checks,
    progress: Progress | None,
) -> Outcome:
    attempt.inhabitant  # noqa: B018  an empty domain is refused before anything else
    if method == "smt":
        return _by_smt(attempt)
    try:
        goal = attempt.asked.goal()
    except NotAffine as reason:
        found = _numeric(attempt, seed)
        if found is not None:
            return found
        return _by_smt(attempt) if method == "auto" else attempt.unknown(method, str(reason))
    settled = goal.finished and not goal.obligations()
    if settled and method != "regions":
        return _checked(attempt.proved("structural", Found([["holds"]], [], {})), attempt, checks, seed)
    if not settled:
        refuted = _numeric(attempt, seed)
        if refuted is not None:
            return refuted
    if method == "structural":
        return attempt.unknown(method, "symbolic evaluation alone does not settle the claim; the method lazy can split")
    return _by_splitting(attempt, goal, method, jobs, executor, checks, seed, progress or (lambda done, left: None))


@dataclass(frozen=True)
class Attempt:
    """A question, a point of its domain, and the time there is to answer it."""

    question: Question
    started: float
    deadline: Deadline
    certified: bool = False

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
            certificate = proof_certificate(self.question, self.inhabitant, found.steps)
            theorem = judged(certificate, self.asked)
        except Unsupported as length:
            return self.unknown(method, f"a proof was found, but no certificate can hold it: {length}")
        except CertificateRejected as rejection:  # a defect of the search; never reported as a proof
            return self.unknown(method, f"the kernel rejected the proof that was found: {rejection}")
        counts = {**theorem.counts, **found.counts}
        return replace(
            self._outcome("proved", method), theorem=theorem.statement, certificate=certificate, counts=counts
        )

    def refuted(self, method: str, point: Point) -> Outcome:
        """The outcome for a counterexample, made simple, and confirmed by the kernel's evaluator."""
        question = self.question
        weights = sum(len(text) for text in question.texts.values())
        trials = max(MIN_TRIALS, TRIAL_WEIGHT // weights)
        point = simplified(point, question.violated, trials=trials, deadline=self.deadline)
        values = question.values(point)
        try:
            certificate = refutation_certificate(question, point, values)
            theorem = judged(certificate, self.asked)
        except Unsupported as length:
            return self.unknown(method, f"a counterexample was found, but no certificate can hold it: {length}")
        except CertificateRejected as rejection:  # the two evaluators disagree: a defect, never a verdict
            return self.unknown(method, f"the kernel did not confirm the counterexample: {rejection}")
        explained: tuple[TraceLine, ...] = self.in_time(lambda: trace(question, point), ())
        blamed: tuple[Blame, ...] = self.in_time(lambda: self._blame(point), ())
        return replace(
            self._outcome("refuted", method),
            theorem=theorem.statement,
            certificate=certificate,
            witness=_witness(question, point, values),
            trace=explained,
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
        if not is_equality(self.question):
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
        return Outcome(verdict, method, q.claim, q.left, q.right, q.domain, q.tie, seconds)


def _attempt(
    claim: Claim | str,
    left: Network,
    right: Network | None,
    domain: Domain | None,
    method: str,
    tie: str,
    timeout: float | None,
    correspondence: Correspondence | None,
    certified: bool,
    faults: Faults,
) -> Attempt:
    started = time.monotonic()
    question = ask(claim, left, right, domain, tie, faults, correspondence)
    faults.settle()
    if method == "regions" and not is_equality(question):
        raise Unsupported(f"method regions: expected the claim equal, found {question.claim.name}; lazy decides it")
    return Attempt(question, started, Deadline.after(timeout), certified)


def _witness(question: Question, point: Point, values: list[Point]) -> Witness:
    runs = zip(question.runs(point), values, strict=True)
    n = question.left.inputs
    x, y = (tuple(p) for p in question.claim.points(point, n))
    points = (("x", x), ("y", y)) if question.claim.free(n) else (("x", x),)
    return Witness(point, tuple(Evaluation(run.label, tuple(run.inputs), value) for run, value in runs), points)


def _numeric(attempt: Attempt, seed: int) -> Outcome | None:
    try:
        point = numeric_witness(attempt.question, seed, attempt.deadline)
    except InvalidInput:  # a weight outside the range of floats: the guess is skipped, the exact search goes on
        return None
    return None if point is None else attempt.refuted("numeric", point)


def _by_splitting(
    attempt: Attempt,
    goal: Goal,
    method: Method,
    jobs: int,
    executor: Executor | None,
    checks: Checks,
    seed: int,
    progress: Progress,
) -> Outcome:
    reason = ""
    for name, deadline in _phases(method, attempt):
        every_gate = name == "regions"
        try:
            if jobs > 1 or executor is not None:
                found = search_in_parallel(attempt.question, goal, every_gate, deadline, jobs, executor, progress)
            else:
                found = Search(attempt.question.violated, deadline.end, every_gate, progress).run(goal)
        except NotAffine as score:
            reason = str(score)
            break
        if found.witness is not None:
            return attempt.refuted(name, found.witness)
        if found.reason is None:
            outcome = attempt.proved(name, found)
            regions = regions_of(found.leaves) if every_gate else ()
            return _checked(replace(outcome, regions=regions), attempt, checks, seed)
        reason = found.reason
    if method != "auto":
        return attempt.unknown(method, reason)
    answer = _by_smt(attempt)
    return answer if answer.verdict != "unknown" else replace(answer, reason=f"{reason}; {answer.reason}")


def _phases(method: Method, attempt: Attempt) -> list[tuple[Method, Deadline]]:
    """Which search until when: for `auto` a short lazy one, then regions, then lazy again, with a share left for z3."""
    deadline = attempt.deadline
    if method != "auto":
        return [(method, deadline)]
    left = deadline.left
    last: tuple[Method, Deadline] = ("lazy", deadline.within(0.8 * left))
    if not is_equality(attempt.question):
        return [last]
    return [("lazy", deadline.within(min(20.0, left / 4))), ("regions", deadline.within(min(120.0, left / 2))), last]


def _checked(outcome: Outcome, attempt: Attempt, checks: Checks, seed: int) -> Outcome:
    """The outcome of a proof with what independent routes say of it; unknown if one of them contradicts it."""
    if outcome.verdict != "proved" or outcome.certificate is None:
        return outcome
    solvers, sample = checks
    solvers = (("z3",) if outcome.regions else ()) if solvers is None else solvers
    question, steps = attempt.question, outcome.certificate["tree"]
    found: list[Confirmation | None] = []
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


def _by_smt(attempt: Attempt) -> Outcome:
    question = attempt.question
    text = claim_text(question)
    limit = min(1e6, attempt.deadline.left)
    if limit <= 0:
        return attempt.unknown("smt", "out of time")
    answer = smt.solve(text, question.space.dimension, timeout=limit)
    if answer.result == "unsat" and attempt.certified:
        return attempt.unknown(
            "smt", "z3 answers that the claim holds, but without a certificate, and one is asked for"
        )
    if answer.result == "unsat":
        semantics = f"real arithmetic, hard attention, tie rule {question.tie}"
        theorem = f"{question.claim} ({semantics}), on the word of z3"
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
