"""What a fuzzer does with one input: the kernel must reject it cleanly, or accept something true.

An input is a certificate and its network files, joined by a line of its own. Digests are put right before the kernel
sees them, so that what a fuzzer does to the networks is not stopped at once.
"""

from __future__ import annotations

import hashlib
import json
import random
from fractions import Fraction
from typing import Any

from exactformer.claims import (
    AtMost,
    Claim,
    Concave,
    Convex,
    Decreasing,
    Equal,
    Increasing,
    Independent,
    Invariant,
    Range,
    TiesAgree,
    Within,
)
from exactformer.domain import read_domain
from exactformer.errors import ExactformerError, Faults, Unsupported
from exactformer.formats.network_json import parse
from exactformer.kernel.certificates import check
from exactformer.kernel.reading import Rejected
from exactformer.prover.question import Question, ask

SEPARATOR = b"\n----\n"
NAMES = ("left.json", "right.json")
KINDS: dict[str, Any] = {
    kind.name: kind
    for kind in (
        *(AtMost, Concave, Convex, Decreasing, Equal, Increasing, Independent, Invariant, Range, TiesAgree, Within),
    )
}
POINTS = 12


class FalseAcceptance(AssertionError):
    """The kernel accepted a claim that fails at a point."""


def run(data: bytes) -> str:
    """What became of an input: "rejected", "accepted", or "accepted, not judged" if the second route refuses it.

    Raises whatever the kernel raises other than its declared rejection, and `FalseAcceptance`.
    """
    certificate, *networks = data.split(SEPARATOR)
    files = dict(zip(NAMES, networks, strict=False))
    try:
        theorem = check(with_digests(certificate, files), lambda name: files.get(name, b""))
    except Rejected:
        return "rejected"
    question = second_reading(certificate, files)
    if question is None:
        return "accepted, not judged"
    points = sample(question) if theorem.holds else [tuple(map(Fraction, map(str, json.loads(certificate)["point"])))]
    try:
        violated = [question.violated(point) for point in points]
    except Unsupported:
        return "accepted, not judged"
    if any(violated) == theorem.holds:
        raise FalseAcceptance(theorem.statement)
    return "accepted"


def with_digests(certificate: bytes, files: dict[str, bytes]) -> bytes:
    """The certificate with the digests of the files, where it can be read at all."""
    try:
        value = json.loads(certificate)
        for side in ("left", "right"):
            if side in value:
                value[side]["sha256"] = hashlib.sha256(files.get(value[side]["file"], b"")).hexdigest()
        return json.dumps(value).encode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return certificate


def second_reading(certificate: bytes, files: dict[str, bytes]) -> Question | None:
    """The question as the other readers and evaluators see it; None where they refuse it."""
    value = json.loads(certificate)
    faults = Faults()
    try:
        networks = [parse(files[value[side]["file"]], side) for side in ("left", "right") if side in value]
        domain = read_domain(value["domain"], "domain", networks[0].inputs, faults)
        given = {k: tuple(x) if isinstance(x, list) else x for k, x in value.get("parameters", {}).items()}
        claim: Claim = KINDS[value["claim"]](**given)
        right = networks[1] if len(networks) > 1 else None
        soft = [value.get(side, {}).get("temperature") for side in ("left", "right")]
        bases = {value[side].get("base", "e") for side in ("left", "right") if "temperature" in value.get(side, {})}
        (base,) = bases or {"e"}  # the other readers know one base for both sides
        question = ask(claim, networks[0], right, domain, value["tie"], faults, temperatures=soft, base=base)
        faults.settle()
    except (ExactformerError, TypeError, ValueError, KeyError):
        return None
    return question


def sample(question: Question) -> list[tuple[Fraction, ...]]:
    """Points of the question's space: corners and random ones."""
    r = random.Random(0)
    space = question.space
    ends = []
    for low, high in zip(space.lower, space.upper, strict=True):
        below = low if low is not None else (high if high is not None else Fraction(0)) - 4
        ends.append((below, high if high is not None else below + 8))

    def coordinate(a: Fraction, b: Fraction) -> Fraction:
        return r.choice([a, b, a + (b - a) * Fraction(r.randint(0, 16), 16)])

    points = [tuple(coordinate(a, b) for a, b in ends) for _ in range(POINTS)]
    return [point for point in points if space.contains(point)]


def joined(certificate: bytes, *networks: bytes) -> bytes:
    """The input made of these files."""
    return SEPARATOR.join([certificate, *networks])
