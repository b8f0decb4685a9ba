"""What a value at a point rests on: a certificate that refutes a smaller bound there, where the kernel evaluates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from exactformer.claims import Claim, Range, Within
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
    """That a distance is more than `bound` (an output: more or less): the kernel's words, and its certificate."""

    bound: Fraction
    theorem: str
    certificate: dict[str, Any] = field(hash=False)


def below(question: Question, point: Point, lower: Fraction) -> Below | None:
    """The certificate that |left - right| <= bound fails at a point, for a bound just below what is reached there.

    The kernel evaluates both networks at the point by itself, and encloses what is irrational. None where the distance
    is not known to be positive there, or where the kernel's enclosures do not tell.
    """
    return None if lower <= 0 else _refuted(question, point, lower, Within)


def beyond(question: Question, point: Point, output: int, sign: int, reach: Fraction) -> Below | None:
    """The certificate that left(x)_output is not <= bound, or with the sign -1 not >= bound, at a point.

    `reach` is what the output is there at least, times the sign; the bound is just below that. None where the kernel's
    enclosures do not tell.
    """
    free = [None] * question.left.outputs

    def claim(bound: Fraction) -> Claim:
        ends = [sign * bound if k == output else None for k in range(len(free))]
        return Range(free, ends) if sign > 0 else Range(ends, free)

    found = _refuted(question, point, reach, claim)
    return None if found is None else replace(found, bound=sign * found.bound)


def _refuted(question: Question, point: Point, reach: Fraction, claim: Callable[[Fraction], Claim]) -> Below | None:
    """The certificate that a claim fails at a point, for the bound nearest to what is reached there that is refuted."""
    values = [tuple(_around(value) for value in run) for run in question.values(point)]
    for digits in DIGITS:
        bound = -short((abs(reach) or 1) / Fraction(10**digits) - reach, digits)
        asked = replace(question, claim=claim(bound))
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
