"""What a lower bound rests on: a certificate that refutes a smaller distance at a point, where the kernel evaluates."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from exactformer.claims import Within
from exactformer.enclosure import Enclosure, bounds
from exactformer.errors import CertificateRejected
from exactformer.measuring.numbers import Value, short
from exactformer.prover.certificate import judged, refutation_certificate
from exactformer.prover.outcome import Point
from exactformer.prover.question import Question

DIGITS = 12, 6, 3  # of the number that is refuted: fewer, where enclosures do not tell it from the value
AROUND = 50  # bits to which values are given that are enclosed: the kernel has 64


@dataclass(frozen=True)
class Below:
    """That the distance is more than `bound`: the kernel's words, and the certificate by which it says so."""

    bound: Fraction
    theorem: str
    certificate: dict[str, Any] = field(hash=False)


def below(question: Question, point: Point, lower: Fraction) -> Below | None:
    """The certificate that |left - right| <= bound fails at a point, for a bound just below what is reached there.

    The kernel evaluates both networks at the point by itself, and encloses what is irrational. None where the distance
    is not known to be positive there, or where the kernel's enclosures do not tell.
    """
    if lower <= 0:
        return None
    values = [tuple(_around(value) for value in run) for run in question.values(point)]
    for digits in DIGITS:
        bound = -short(-lower * (1 - Fraction(1, 10**digits)), digits)
        asked = replace(question, claim=Within(bound))
        certificate = refutation_certificate(asked, point, values)
        try:
            return Below(bound, judged(certificate, asked.asked()).statement, certificate)
        except CertificateRejected:
            continue
    return None


def _around(value: Value) -> Value:
    """A number as it is, an enclosure widened so that the kernel's own lies within it."""
    if isinstance(value, Fraction):
        return value
    low, high = bounds(value)
    margin = max(abs(low), abs(high), Fraction(1, 1 << AROUND)) / (1 << AROUND)
    return Enclosure(low - margin, high + margin)
