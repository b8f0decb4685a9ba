"""The driver: from two networks and a domain to a verdict with a certificate. It reads top to bottom."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from fractions import Fraction

from exactformer.claims import Claim
from exactformer.compiler import Correspondence, compile_network
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.formats.network_json import check_room
from exactformer.kernel.claims import Goal
from exactformer.kernel.reading import NotAffine
from exactformer.networks import Network, check_network
from exactformer.networks.semantics import Base, Tie
from exactformer.prover import smt
from exactformer.prover.attempt import Attempt
from exactformer.prover.branching import Branching, ceilings
from exactformer.prover.confirmed import Checks, cross_checked
from exactformer.prover.crosscheck import SAMPLE
from exactformer.prover.leaves import regions_of
from exactformer.prover.narrowing import narrowed
from exactformer.prover.options import Method, Options, Progress, Temperature, check_options
from exactformer.prover.outcome import Outcome
from exactformer.prover.pairs import pairs_of
from exactformer.prover.parallel import search_in_pieces
from exactformer.prover.question import Question, ask
from exactformer.prover.search import Found
from exactformer.prover.solver_word import by_smt
from exactformer.prover.witness import numeric_witness
from exactformer.work import Deadline, OutOfTime, Work, time_limit

BRANCHING = 0.7  # of the time that is left, for cells that are cut; then gates are split one by one
GRACE = 0.5


def prove(
    network: Network,
    *,
    construction: str = "gated",
    arity: int = 2,
    domain: Domain | None = None,
    method: Method = "auto",
    tie: Tie = "average",
    left_temperature: Temperature = None,
    right_temperature: Temperature = None,
    base: Base = "e",
    timeout: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
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
        left_temperature=left_temperature,
        right_temperature=right_temperature,
        base=base,
        seed=seed,
        jobs=jobs,
        executor=executor,
        work=work,
        cross_check=cross_check,
        sample=sample,
        certified=certified,
    )
    faults = Faults()
    check_network(network, "network", faults)
    check_options(options, timeout, progress, faults)  # before the network is compiled, which may take a while
    faults.settle()
    check_room(network)
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
    left_temperature: Temperature = None,
    right_temperature: Temperature = None,
    base: Base = "e",
    timeout: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
    cross_check: Sequence[smt.Solver] | None = None,
    sample: int | None = SAMPLE,
    progress: Progress | None = None,
    correspondence: Correspondence | None = None,
    certified: bool = False,
) -> Outcome:
    """Decide a claim about one or two networks of any kinds on a domain, exactly, with a certificate.

    The claim is one of `exactformer.claims`, or its text ("equal", "within:1/100", "increasing:x1"). The domain
    defaults to the left network's, then to the right one's, then to all of R^n. Methods: `structural` evaluates
    symbolically without a split; `lazy` splits where that does not settle the claim; `regions` (for claims about
    single points) splits every gate, one affine identity or one linear program a linear region; `smt` asks z3; `auto`
    is the first that decides, in the order structural, numeric search, lazy, smt. `timeout` is in seconds; past it the
    verdict is "unknown". A `correspondence` tells where the units of a left network live in a Transformer on the right:
    the trace of a refutation then names the first unit that is wrong. `jobs` > 1 (or an `executor`) spreads the
    subtrees of a `lazy` or `regions` proof over processes; `work` says more of how it is done (see `Work`).

    With `left_temperature` or `right_temperature` that side is read with softmax at this inverse temperature, a number
    or a sequence with one a layer, to the base `base`: each maximum of a maxout or ReLU network and each head is then
    the mean with softmax weights. Softmax has no regions, is not split, and is nothing that z3 can be asked about.

    `cross_check` names solvers ("z3", "cvc5") that are asked about the leaves of the proof, `sample` of them chosen by
    the seed (None: all); by default z3 for `regions`, where also both networks are evaluated at a point of every
    region, and for few inputs the volumes are added up. `certified` refuses a proof that rests on the word of z3 alone:
    the verdict is then "unknown".

    Raises `InvalidInput` for arguments of a wrong type, when networks, claim and domain do not fit together, and when
    the domain is empty; `Unsupported` for `regions` with a claim about several points, and for `regions` and `smt` with
    a temperature.
    """
    # The question itself checks the tie rule and the temperatures.
    options = Options(
        method=method,
        seed=seed,
        jobs=jobs,
        executor=executor,
        work=work,
        cross_check=cross_check,
        sample=sample,
        certified=certified,
    )
    faults = Faults()
    check_options(options, timeout, progress, faults)
    started = time.monotonic()
    temperatures = left_temperature, right_temperature
    question = ask(
        claim, left, right, domain, tie, faults, correspondence, temperatures=temperatures, base=base, functions=True
    )
    faults.settle()
    _check_method(question, method)
    how = Work.of(work, jobs, executor)
    attempt = Attempt(question, started, Deadline.after(timeout), certified, how)
    try:
        # The alarm leaves the search, which looks at the clock itself, a moment to end with a better reason.
        with time_limit(attempt.deadline.left + GRACE):
            return _decided(attempt, method, seed, (cross_check, sample), progress)
    except OutOfTime:
        return attempt.unknown(method, "out of time" if timeout is None else f"out of time after {timeout:g} s")


def _decided(
    attempt: Attempt,
    method: Method,
    seed: int,
    checks: Checks,
    progress: Progress | None,
) -> Outcome:
    attempt.inhabitant  # noqa: B018  an empty domain is refused before anything else
    if method == "smt":
        return by_smt(attempt)
    try:
        goal = attempt.asked.goal()
    except NotAffine as reason:
        found = _numeric(attempt, seed)
        if found is not None:
            return found
        by_solver = method == "auto" and not attempt.question.soft
        return by_smt(attempt) if by_solver else attempt.unknown(method, str(reason))
    settled = goal.finished and not goal.obligations()
    if settled and method != "regions":
        return cross_checked(attempt.proved("structural", Found([["holds"]], [], {})), attempt, checks, seed)
    if not settled:
        refuted = _numeric(attempt, seed)
        if refuted is not None:
            return refuted
    if method == "structural":
        return attempt.unknown(method, "symbolic evaluation alone does not settle the claim; the method lazy can split")
    say = progress or (lambda done, left: None)
    if attempt.question.curved:
        return _by_enclosures(attempt, goal, say)
    return _by_splitting(attempt, goal, method, checks, seed, say)


def _by_enclosures(attempt: Attempt, goal: Goal, progress: Progress) -> Outcome:
    """The answer to a question about functions: the kernel encloses them, on cells as small as it takes."""
    found = narrowed(goal, attempt.deadline, attempt.question.violated, progress)
    if found.witness is not None:
        return attempt.refuted("lazy", found.witness)
    return attempt.proved("lazy", found) if found.reason is None else attempt.unknown("lazy", found.reason)


def _check_method(question: Question, method: Method) -> None:
    """Raises `Unsupported` for a method that cannot decide the question."""
    claim = question.claim
    if method == "regions" and not (claim.equality or claim.reaches(question.left.inputs)):
        raise Unsupported(f"method regions: expected a claim about single points, found {claim.name}; lazy decides it")
    if question.curved and method in ("regions", "smt"):
        raise Unsupported(f"method {method}: expected networks, found a function; lazy encloses it")
    soft = next((semantics for semantics in question.semantics if semantics.soft), None)
    reasons = {"regions": "which has no linear regions", "smt": "whose exponentials are beyond z3's real arithmetic"}
    if soft is not None and method in reasons:
        raise Unsupported(f"method {method}: expected no temperature, found {soft}, {reasons[method]}")


def _elsewhere(question: Question) -> str:
    """Which other question is answered by bounds alone."""
    bounded = question.claim.reaches(question.left.inputs)
    return "; the commands distance and range bound such values, by cuts of the domain" if bounded else ""


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
    checks: Checks,
    seed: int,
    progress: Progress,
) -> Outcome:
    reason = ""
    if method in ("auto", "lazy") and attempt.question.claim.reaches(attempt.question.left.inputs):
        found_out = _branched(attempt, goal, progress)
        if found_out is not None:
            return cross_checked(found_out, attempt, checks, seed) if found_out.proved else found_out
    for name, deadline in _phases(method, attempt):
        every_gate = name == "regions"
        try:
            found = search_in_pieces(attempt.question, goal, every_gate, deadline, attempt.work, progress)
        except NotAffine as score:
            reason = str(score)
            break
        if found.witness is not None:
            return attempt.refuted(name, found.witness)
        if found.reason is None:
            outcome = attempt.proved(name, found)
            regions = regions_of(found.leaves) if every_gate else ()
            return cross_checked(replace(outcome, regions=regions), attempt, checks, seed)
        reason = found.reason
    if attempt.question.soft:
        return attempt.unknown("lazy", reason + _elsewhere(attempt.question))
    if method != "auto":
        return attempt.unknown(method, reason)
    answer = by_smt(attempt)
    return answer if answer.verdict != "unknown" else replace(answer, reason=f"{reason}; {answer.reason}")


def _branched(attempt: Attempt, goal: Goal, progress: Progress) -> Outcome | None:
    """The answer to an inequality about single points, by cells that are bounded and cut; None for neither."""
    question = attempt.question
    deadline = attempt.deadline.within(BRANCHING * attempt.deadline.left)
    search = Branching(
        question,
        pairs_of(question, goal),
        lambda reached: [Fraction(0)] * len(reached),
        deadline,
        progress,
        work=attempt.work,
    )
    root = search.run(goal)
    strict = question.claim.strict
    found = zip(search.reached, search.points, strict=True)
    beyond = [point for reach, point in found if reach is not None and (reach > 0 or (strict and reach == 0))]
    if beyond and beyond[0] is not None:
        return attempt.refuted("lazy", beyond[0])
    tops = ceilings(root)
    if not tops or any(top is None or top > 0 or (strict and top == 0) for top in tops):
        return None
    if strict and root.guessed:  # the time was over before all cells were evaluated
        return None
    outcome = attempt.proved("lazy", Found(root.steps([Fraction(0)] * len(tops), strict=strict), [], {}))
    return None if root.guessed and not outcome.proved else outcome  # a guess at a cell may have been wrong


def _phases(method: Method, attempt: Attempt) -> list[tuple[Method, Deadline]]:
    """Which search until when: for `auto` a short lazy one, then regions, then lazy again, with a share left for z3."""
    deadline = attempt.deadline
    if method != "auto":
        return [(method, deadline)]
    if attempt.question.soft:
        return [("lazy", deadline)]
    left = deadline.left
    last: tuple[Method, Deadline] = ("lazy", deadline.within(0.8 * left))
    if not attempt.question.claim.equality:
        return [last]
    return [("lazy", deadline.within(min(20.0, left / 4))), ("regions", deadline.within(min(120.0, left / 2))), last]
