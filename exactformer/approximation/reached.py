"""From a network to a Transformer that equals it, or is near it under softmax, with the kernel's certificate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactformer.claims import Equal, Within
from exactformer.compiler import Compiled
from exactformer.errors import Faults
from exactformer.measuring.driver import apart
from exactformer.measuring.softness import FIRST, three_digits
from exactformer.networks import MaxoutNetwork, ReluNetwork, Transformer
from exactformer.polyhedra.inhabitant import inhabitant
from exactformer.prover.certificate import proof_certificate
from exactformer.prover.chain import Part
from exactformer.prover.question import Question, ask
from exactformer.work import Deadline

TRIALS = 4  # temperatures
NEAR = Fraction(117, 100)  # of the largest distance that is found at a point
SHARE = 10  # of the time, for a bound that is so near


@dataclass(frozen=True)
class Reached:
    """The certificate that the Transformer is near the network, or why there is none, and its temperature."""

    transformer: Transformer
    part: Part | None
    temperature: tuple[Fraction, ...] = ()
    reason: str | None = None


def equal(network: MaxoutNetwork | ReluNetwork, compiled: Compiled) -> Reached:
    """With hard attention both are equal, by one symbolic evaluation (Theorem A)."""
    faults = Faults()
    question = ask(Equal(), network, compiled.transformer, None, "average", faults)
    faults.settle()
    part = Part(proof_certificate(question, inhabitant(question.domain), [["holds"]]), question.texts)
    return Reached(compiled.transformer, part)


def softened(
    network: MaxoutNetwork | ReluNetwork,
    compiled: Compiled,
    epsilon: Fraction,
    deadline: Deadline,
    *,
    exact: bool = False,
) -> Reached:
    """A temperature at which softmax costs no more than epsilon. Bounds are nearly inverse to it (Theorem P).

    Of an `exact` network softmax is the only error, so its bound is brought near to what points show, by cells.
    """
    transformer = compiled.transformer
    rate, certified = FIRST, None
    for _ in range(TRIALS):
        faults = Faults()
        sides, places = (None, rate), ("temperature", "temperature")
        where = compiled.correspondence
        question = ask(
            Within(0), network, transformer, None, "average", faults, where, temperatures=sides, places=places
        )
        faults.settle()
        limit = max(deadline.left, 0.01)
        found = apart(question, Fraction(2), limit, 0, None, time.monotonic(), split=False, restarts=0)
        if found.upper is None or found.outcome is None or found.outcome.certificate is None:
            return Reached(transformer, None, (rate,), found.reason)
        if found.upper <= epsilon:
            certified = (_nearer(question, found.upper, deadline) if exact else None) or found.outcome.certificate
            break
        rate = three_digits(rate * found.upper / epsilon)
    if certified is None:
        return Reached(transformer, None, (rate,), f"no temperature was found at which softmax costs at most {epsilon}")
    return Reached(transformer, Part(certified, question.texts), question.semantics[1].temperature)


def _nearer(question: Question, upper: Fraction, deadline: Deadline) -> Mapping[str, Any] | None:
    """The certificate of a smaller bound, by cuts of the domain, if there is one."""
    limit = max(deadline.left / SHARE, 0.01)
    found = apart(question, NEAR, limit, 0, None, time.monotonic(), restarts=1)
    if found.outcome is None or found.upper is None or found.upper >= upper:
        return None
    return found.outcome.certificate
