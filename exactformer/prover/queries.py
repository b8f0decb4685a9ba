"""The answer to a query: sat with a point that is confirmed exactly, unsat by proofs that the kernel has checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from exactformer.claims import Avoids, Claim, Within
from exactformer.compiler.side_by_side import side_by_side
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.formats.queries import Case, Query, Variable, only_real
from exactformer.networks import Function, MaxoutNetwork, Network, ReluNetwork
from exactformer.polyhedra.inhabitant import inhabitant
from exactformer.prover.driver import verify
from exactformer.prover.options import Progress
from exactformer.prover.outcome import Outcome
from exactformer.work import Deadline

Result = Literal["sat", "unsat", "unknown", "timed-out"]
Values = dict[Variable, Fraction]
BELOW = 1 - Fraction(1, 1 << 10)  # of the difference that is asked for: what has to be shown is a strict inequality


@dataclass(frozen=True)
class Answer:
    """Whether the formula of a query can be satisfied: by which values, or by which proofs not, or why neither."""

    result: Result
    values: Values | None = None
    outcomes: tuple[Outcome, ...] = ()
    reason: str | None = None


def answer(
    query: Query,
    networks: Mapping[str, Network],
    *,
    as_real: bool = False,
    timeout: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Answer:
    """Decide a query about the networks of these names, in exact arithmetic.

    Each input set of the query is one claim `avoids`. Several networks, and inequalities about inputs and outputs
    together, are claims about one network that has them side by side. Where outputs of two networks with the same
    inputs have to differ by a number, it is first tried to prove `within` a little less: its bounds are far better.
    A point counts only where the formula itself is true of exact values, so an inequality that is strict is not
    satisfied by equality; sets are closed for proofs, and a formula that is true on a boundary of theirs alone is
    "unknown".

    Raises `InvalidInput` for networks that do not fit, `Unsupported` for element types that are not real (unless
    `as_real` reads them so) and for Transformers where networks are put side by side.
    """
    only_real(query, as_real=as_real)
    own, deadline = _fitted(query, networks), Deadline.after(timeout)
    outcomes: list[Outcome] = []
    reasons: list[str] = []
    for case in query.cases:
        found = _free(case)
        outcome = None
        if found is None and case.unsafe and _inhabited(case):
            for sides, claim, share in _claims(query, own, case):
                left = None if timeout is None else max(0.01, share * deadline.left)
                how = {"timeout": left, "seed": seed, "jobs": jobs, "progress": progress, "certified": True}
                outcome = verify(*sides(), claim=claim, domain=case.domain, **how)  # type: ignore[arg-type]
                found = None if outcome.witness is None else outcome.witness.point
                if outcome.proved or (found is not None and query.holds(values_at(query, own, found))):
                    break
            assert outcome is not None
            outcomes.append(outcome)
        if found is not None:
            values = values_at(query, own, found)
            if query.holds(values):
                return Answer("sat", values, tuple(outcomes))
            reasons.append("the formula is true on the boundary of a set, where an inequality is strict")
        elif outcome is not None and not outcome.proved:
            reasons.append(outcome.reason or "no reason is known")
    if not reasons:
        return Answer("unsat", None, tuple(outcomes))
    return Answer("timed-out" if deadline.passed else "unknown", None, tuple(outcomes), reasons[0])


def _fitted(query: Query, networks: Mapping[str, Network]) -> list[Network]:
    """The network of each slot."""
    faults, slots = Faults(query.source), {slot.name: slot for slot in query.slots}
    named = [slot.name for slot in query.slots if slot.relation != "equal-to"]
    for name in networks:
        if name not in named:
            faults.add(f"network {name}", f"a name out of {', '.join(named)}", name)
    for name in named:
        if name not in networks:
            faults.add(f"network {name}", "a file for it", "none")
    faults.settle()
    found = []
    for slot in query.slots:
        source, seen = slot, {slot.name}
        while source.relation == "equal-to":
            source = slots[source.other]
            if source.name in seen:
                raise InvalidInput(f"{query.source}: network {slot.name}: expected equal-to a network, found a circle")
            seen.add(source.name)
        network = networks[source.name]
        if isinstance(network, Function):
            faults.add(f"network {slot.name}", "a network", "a function")
        if (network.inputs, network.outputs) != slot.sizes():
            sizes = f"{network.inputs} inputs and {network.outputs} outputs"
            faults.add(f"network {slot.name}", f"{slot.sizes()[0]} inputs and {slot.sizes()[1]} outputs", sizes)
        found.append(network)
    faults.settle()
    return found


def _target(query: Query, own: Sequence[Network]) -> Network:
    """The network that the claims are about."""
    if len(own) == 1 and not query.mixed:
        return own[0]
    layered = [network for network in own if isinstance(network, (MaxoutNetwork, ReluNetwork))]
    if len(layered) < len(own):
        kinds = ", ".join(network.kind for network in own)
        raise Unsupported(f"{query.source}: expected maxout or ReLU networks, to put them side by side, found {kinds}")
    return side_by_side(layered, query.columns, query.dimension, through=query.mixed)


Sides = Callable[[], tuple[Network, ...]]


def _claims(query: Query, own: Sequence[Network], case: Case) -> Iterator[tuple[Sides, Claim, float]]:
    """The claims of which one settles a case, in order, each with its share of the time that is left."""
    gap = _gap(query, case)
    if gap is not None:
        yield lambda: tuple(own), Within(gap * BELOW), 0.5
    yield lambda: (_target(query, own),), Avoids(case.unsafe), 1.0


def _gap(query: Query, case: Case) -> Fraction | None:
    """The least difference of two networks, output by output, that every unsafe set asks for; None where one does not.

    Both networks have the same inputs then, and each set an inequality of the form y_i - v_i >= gap, or v_i - y_i.
    """
    sizes = [slot.sizes() for slot in query.slots]
    if len(sizes) != 2 or sizes[0] != sizes[1] or query.mixed:
        return None
    if any(columns != tuple(range(sizes[0][0])) for columns in query.columns):
        return None
    gaps = [
        max((_asked(unsafe.matrix.row(i), b, sizes[0][1]) for i, b in enumerate(unsafe.bounds.fractions())), default=0)
        for unsafe in case.unsafe
    ]
    least = Fraction(min(gaps, default=0))
    return least if least > 0 else None


def _asked(row: Mapping[int, Fraction], bound: Fraction, outputs: int) -> Fraction:
    """How much row . (y, v) <= bound says that one output of y and the same of v differ at least; 0 for other rows."""
    if len(row) != 2 or bound >= 0:
        return Fraction(0)
    (i, c), (j, d) = sorted(row.items())
    return -bound / abs(c) if j == i + outputs and c == -d else Fraction(0)


def _free(case: Case) -> Any:
    """A point of the input set, where an output set has no inequality that could fail."""
    if all(len(unsafe.bounds) for unsafe in case.unsafe) or not _inhabited(case):
        return None
    return inhabitant(case.domain)


def _inhabited(case: Case) -> bool:
    try:
        inhabitant(case.domain)
    except InvalidInput:
        return False
    return True


def values_at(query: Query, own: Sequence[Network], point: Sequence[Fraction]) -> Values:
    """The exact values of all variables where the inputs of `query.columns` are those of the point."""
    values: Values = {}
    for number, (network, columns) in enumerate(zip(own, query.columns, strict=True)):
        inputs = [point[i] for i in columns]
        outputs = network.evaluate(inputs)
        values |= {(number, "input", i): x for i, x in enumerate(inputs)}
        values |= {(number, "output", i): Fraction(y) for i, y in enumerate(outputs)}  # type: ignore[arg-type]
    return values
