"""`approximate`: from a function and an accuracy to a Transformer that is as near, with a proof. It reads downwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, overload

from exactformer.approximation.by_values import SampledApproximation, approximate_sampled
from exactformer.approximation.definedness import gap
from exactformer.approximation.interpolants import FORMS, ONE_VARIABLE, Form, Interpolant, interpolant
from exactformer.approximation.one_head import turns
from exactformer.approximation.own import own_pieces
from exactformer.approximation.prediction import fewest
from exactformer.approximation.reached import Reached, equal, softened
from exactformer.approximation.result import Approximation
from exactformer.approximation.tree import steps_of
from exactformer.arguments import SECONDS, instance, one_of
from exactformer.arguments import function as callable_or_none
from exactformer.claims import Equal, Within
from exactformer.compiler import compile_network
from exactformer.domain import Domain
from exactformer.enclosure import bounds
from exactformer.errors import CertificateRejected, Faults, InvalidInput
from exactformer.functions.sampled import Sampled
from exactformer.kernel.functions import Function as Curve
from exactformer.measuring.guess import guesses
from exactformer.measuring.numbers import Value, short, shown
from exactformer.measuring.result import Extreme
from exactformer.networks.function import Function
from exactformer.polyhedra.inhabitant import inhabitant
from exactformer.prover.certificate import proof_certificate
from exactformer.prover.chain import Part, chained
from exactformer.prover.narrowing import narrowed
from exactformer.prover.outcome import Point
from exactformer.prover.question import Question, ask
from exactformer.prover.search import Found
from exactformer.rational import read_rational
from exactformer.work import Deadline, OutOfTime, time_limit

Progress = Callable[[int, int], None]
SOFT = (Fraction(1, 10), Fraction(1, 10), Fraction(1, 100))  # of the error for softmax: of one variable, two, three
TRIES = ((1, Fraction(1)), (4, Fraction(1)), (4, Fraction(9, 10)))  # finer samples, narrower tubes
MOST = 3  # variables
ABOVE = (Fraction(21, 20), Fraction(21, 20), Fraction(47, 40))  # of the error that is seen: what is claimed
WORTH = Fraction(19, 20)  # of the accuracy: where that is less
FINEST = 18  # halvings of a side in the search: what is closer to call is met by a nearer network
QUICKEST = {1: 0.001, 2: 0.004, 3: 0.01}  # seconds a piece, by the number of variables: it takes several times as long
LEAST = Fraction(1, 1 << 200)  # epsilon
RESTARTS = 3  # of the climbs to where softmax costs most
WITNESSES, WORK = 4, 3 * 10**7  # points at which the error of the Transformer is enclosed; fewer for large ones


@overload
def approximate(
    function: Sampled,
    *,
    epsilon: Any,
    domain: Domain | None = ...,
    form: Form | Literal["auto"] = ...,
    hard: bool = ...,
    construction: str | None = ...,
    arity: int = ...,
    timeout: float | None = ...,
    progress: Progress | None = ...,
) -> SampledApproximation: ...
@overload
def approximate(
    function: Function,
    *,
    epsilon: Any,
    domain: Domain | None = ...,
    form: Form | Literal["auto"] = ...,
    hard: bool = ...,
    construction: str | None = ...,
    arity: int = ...,
    timeout: float | None = ...,
    progress: Progress | None = ...,
) -> Approximation: ...


def approximate(
    function: Function | Sampled,
    *,
    epsilon: Any,
    domain: Domain | None = None,
    form: Form | Literal["auto"] = "auto",
    hard: bool = False,
    construction: str | None = None,
    arity: int = 2,
    timeout: float | None = 300.0,
    progress: Progress | None = None,
) -> Approximation | SampledApproximation:
    """A Transformer within epsilon of a function on a bounded box, and the theorem that it is.

    The function is met by a continuous piecewise linear one whose pieces are as long as the accuracy allows, written as
    a maxout or ReLU network: of one variable with a unit a piece (`form` "M4", theory section 4), of two or three as a
    sum of hats on Kuhn's triangulation, finer where the function bends, in two layers ("M1") or in one ("M2"); a
    piecewise linear formula of two or three is met by itself, as a difference of two maxima ("S2"). That is compiled,
    by the given construction ("gated", if none is). With `hard` the Transformer has hard attention and equals the
    network (Theorem A), without it it has softmax at a temperature that costs at most a tenth of the error (Theorem P).
    Where the network is seen to be nearer than epsilon, that is what the theorem says, if it can be proved; of its own
    pieces it is that both are equal, so that all of epsilon is left to softmax. The form
    "M5", of one variable and with `hard`, is the network of "M4" as a single head with a token a piece (Theorem H).
    The kernel checks both halves, and the chain of them: function - network - Transformer.

    A `Sampled` function is met on its own box by Theorem E1, which holds under hypotheses that the answer names.

    Raises `InvalidInput` for an epsilon that is not positive, a domain that is no bounded box of one to three
    variables, and a function that is not finite on it; `TimeoutError` when the time is out before there is a network,
    and at once when the time is too short for as many pieces as epsilon asks for.

    >>> from exactformer import Box, function
    >>> found = approximate(function("x^2"), epsilon="1/10", domain=Box([-1], [1]), hard=True)
    >>> found.verdict, found.upper, found.pieces
    ('proved', Fraction(1, 10), 3)
    """
    if isinstance(function, Sampled):
        faults = Faults()
        wanted = _accuracy(epsilon, faults)
        SECONDS.check(timeout, "timeout", faults, optional=True)
        if domain is not None or form != "auto":
            faults.add("domain and form", "none for a Sampled function, which has its own", f"{domain}, {form}")
        faults.settle()
        return approximate_sampled(function, wanted, hard, construction or "gated", arity, timeout)
    started, deadline = time.monotonic(), Deadline.after(timeout)
    wanted, domain, form = _checked(function, epsilon, domain, form, hard, construction, timeout, progress)
    soft = SOFT[function.inputs - 1]
    near = wanted if hard else wanted * (1 - soft)
    try:
        with time_limit(deadline.left):
            if form == "auto":
                form = _form(function, domain)
            _in_time(function, domain, wanted, form, timeout)
            met = _met(function, domain, near, form, deadline, progress or (lambda closed, still_open: None))
            if met.found.head is not None:
                reached = Reached(met.found.head, None)
            else:
                name = construction or "gated"
                compiled = compile_network(met.found.network, construction=name, domain=domain, arity=arity)
                network, share = met.found.network, met.epsilon * soft / (1 - soft) or wanted
                exact = not met.epsilon
                reached = (
                    equal(network, compiled) if hard else softened(network, compiled, share, deadline, exact=exact)
                )
    except OutOfTime:
        raise TimeoutError(f"out of time after {timeout:g} s: there is no Transformer yet") from None
    near = met.epsilon
    chain, reason = None, met.reason or reached.reason
    if reason is None:
        try:
            with time_limit(max(deadline.left, 0.01)):
                chain = chained([part for part in (met.part, reached.part) if part is not None])
        except CertificateRejected as rejection:  # a defect of the search; never reported as a proof
            reason = f"the kernel rejected the proof that was found: {rejection}"
        except OutOfTime:
            reason = f"out of time after {timeout:g} s while the kernel checked the proof"
    upper = None if chain is None else chain.epsilon
    question = _question(met, reached)
    return Approximation(
        "unknown" if chain is None else "proved",
        function,
        domain,
        wanted,
        met.found,
        reached.transformer,
        reached.temperature,
        parts=() if chain is None else (near, chain.epsilon - near),
        extreme=Extreme(upper, *_furthest(met, question, deadline)),
        chain=chain,
        question=question,
        reason=reason,
        seconds=time.monotonic() - started,
    )


def _accuracy(epsilon: Any, faults: Faults) -> Fraction:
    wanted, noted = read_rational(epsilon, "epsilon", faults), len(faults.reasons)
    if noted == 0 and wanted <= 0:
        faults.add("epsilon", "a number > 0", str(wanted))
    if noted == 0 and wanted > 0 and not LEAST <= wanted <= 1 / LEAST:
        faults.add("epsilon", "a number between 2^-200 and 2^200", str(epsilon))
    return wanted


def _checked(
    function: Any,
    epsilon: Any,
    domain: Any,
    form: Any,
    hard: bool,
    construction: str | None,
    timeout: Any,
    progress: Any,
) -> tuple[Fraction, Domain, Form | Literal["auto"]]:
    """The accuracy, the box and the form. Raises `InvalidInput` with every fault."""
    faults = Faults()
    if not instance(function, Function, "a Function (exactformer.function reads formulas)", "function", faults):
        faults.settle()
    wanted = _accuracy(epsilon, faults)
    domain = function.domain if domain is None else domain
    if instance(domain, Domain, "a bounded box: ef.Box(lower, upper)", "domain", faults):
        if domain.dimension != function.inputs:
            faults.add("domain", f"{function.inputs} inputs", f"{domain.dimension}")
        if not domain.is_bounded_box or len(domain.bounds):
            faults.add("domain", "a bounded box", str(domain))
    if not 1 <= function.inputs <= MOST:
        faults.add("function", f"one to {MOST} variables", f"{function.inputs}")
    one_of(form, ("auto", *FORMS), "form", faults)
    if form in ONE_VARIABLE and function.inputs != 1:
        faults.add("form", "M1, M2, S2 or auto for more than one variable", form)
    if form == "M5" and not hard:
        why = "; what softmax mixes of two pieces near a knot is not bounded by the proof"
        faults.add("form", "M5 together with hard attention (hard=True, --hard)", "softmax", why)
    if form == "M5" and construction is not None:
        faults.add("construction", "none for the form M5, which is a head already", construction)
    SECONDS.check(timeout, "timeout", faults, optional=True)
    callable_or_none(progress, "progress", faults)
    faults.settle()
    return wanted, domain, form


def _form(function: Function, domain: Domain) -> Form:
    """The form for a function, if none is asked for."""
    if own_pieces(function, domain) is not None:
        return "S2"
    return "M4" if function.inputs == 1 else "M1"


def _in_time(function: Function, domain: Domain, epsilon: Fraction, form: Form, timeout: float | None) -> None:
    """Raises `TimeoutError` where so many pieces are needed that there is no hope."""
    count = 0.0 if form == "S2" or timeout is None else fewest(function, domain, epsilon)
    if timeout is not None and count * QUICKEST[function.inputs] > timeout:
        kinds = "intervals" if function.inputs == 1 else "simplices"
        raise TimeoutError(
            f"epsilon {shown(epsilon)} asks for about {count:.1g} {kinds}, "
            f"more than can be made and proved in {timeout:g} s: there is no Transformer"
        )


@dataclass(frozen=True)
class Met:
    """A network that comes near the function, and the certificate that it does, or why there is none."""

    function: Function
    found: Interpolant
    epsilon: Fraction  # how near
    part: Part | None
    reason: str | None = None


def _met(function: Function, domain: Domain, epsilon: Fraction, form: Form, deadline: Deadline, say: Progress) -> Met:
    """The network, and the proof that it is near the function; once more where floats had not seen enough."""
    if (point := gap(function, domain, epsilon)) is not None:
        near = ", ".join(f"{x:.9g}" for x in point)
        raise InvalidInput(
            f"function: expected one that is defined and continuous on {domain}, found none near ({near})"
        )
    reason, met = None, None
    for fineness, share in TRIES:
        try:
            met = interpolant(function, domain, epsilon * share, form, fineness)
        except ArithmeticError as error:
            if met is not None:
                break
            raise InvalidInput(
                f"function: expected one that is defined and continuous on {domain}, found: {error}"
            ) from None
        seen = short(met.error(function) * ABOVE[function.inputs - 1], 3)  # often less than what was asked for
        if form == "S2":
            seen = Fraction(0)
        first = deadline.within(deadline.left / 4)  # what is seen is said, if it holds
        tries = [(seen, first)] if form == "S2" or 0 < seen < epsilon * WORTH else []
        for claimed, until in (*tries, (epsilon, deadline)):
            part, reason = _near(function, domain, met, claimed, until, say)
            if part is not None:
                return Met(function, met, claimed, part)
        if deadline.passed:
            break
    assert met is not None
    return Met(function, met, epsilon, None, reason)


def _near(
    function: Function, domain: Domain, met: Interpolant, epsilon: Fraction, deadline: Deadline, say: Progress
) -> tuple[Part | None, str | None]:
    """The certificate that the network, or the head, is within epsilon of the function, or why there is none."""
    faults = Faults()
    claim = Within(epsilon) if epsilon else Equal()
    question = ask(claim, function, met.head or met.network, domain, "average", faults, functions=True)
    faults.settle()
    asked = question.asked()
    curve = asked.statement.jobs[0].network
    steps = None
    if met.line is not None and isinstance(curve, Curve):
        steps = steps_of(met.line, curve, epsilon, () if met.head is None else turns(met.line))
    found = narrowed(asked.goal(), deadline, question.violated, say, FINEST) if steps is None else Found(steps, [], {})
    if found.witness is None and found.reason is None:
        return Part(proof_certificate(question, inhabitant(domain), found.steps), question.texts), None
    return None, found.reason or f"the network is further than {epsilon} from the function at {_point(found.witness)}"


def _question(met: Met, reached: Reached) -> Question:
    """How far the function is from the Transformer."""
    faults, sides = Faults(), (None, reached.temperature or None)
    function, right, domain = met.function, reached.transformer, met.found.network.domain
    question = ask(Within(0), function, right, domain, "average", faults, temperatures=sides, functions=True)
    faults.settle()
    return question


def _furthest(met: Met, question: Question, deadline: Deadline) -> tuple[Value | None, Point | None]:
    """The largest distance of function and Transformer that is found at a point, and the point."""
    best: tuple[Value | None, Point | None] = (None, None)
    size = met.found.pieces**2 if question.soft else met.found.pieces
    points = met.found.widest(met.function, max(1, min(WITNESSES, WORK // size)))
    if not met.epsilon and question.soft:  # all of the error is that of softmax, next to the kinks
        points = [*guesses(question, (0, 0), 0, deadline, RESTARTS), *points]
    for point in points:
        if not question.domain.contains(point) or (deadline.passed and best[0] is not None):
            continue
        for conclusion in question.claim.conclusions(*question.values(point)):
            if best[0] is None or bounds(-conclusion)[0] > bounds(best[0])[0]:
                best = -conclusion, point
    return best


def _point(point: Point | None) -> str:
    return "(" + ", ".join(map(str, point or ())) + ")"
