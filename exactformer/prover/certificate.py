"""Building certificates of the format exactformer/certificate-1, and having the kernel judge them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from exactformer.errors import CertificateRejected
from exactformer.kernel.certificates import check
from exactformer.kernel.claims import FORMAT, Theorem
from exactformer.kernel.reading import Rejected
from exactformer.prover.outcome import Point
from exactformer.prover.question import Question
from exactformer.rational import number_text


def proof_certificate(question: Question, inhabitant: Point, steps: Sequence[Any]) -> dict[str, Any]:
    """The certificate that a claim holds, with the given proof tree and a point of the domain."""
    return _head(question) | {"inhabitant": _numbers(inhabitant), "tree": list(steps)}


def refutation_certificate(question: Question, point: Point, values: Sequence[Point]) -> dict[str, Any]:
    """The certificate that a claim fails at a point, where the evaluations have the given values."""
    return _head(question) | {"point": _numbers(point), "values": list(map(_numbers, values))}


def judged(certificate: Mapping[str, Any], texts: Mapping[str, str]) -> Theorem:
    """What the kernel makes of a certificate. Raises `CertificateRejected` with the kernel's words."""
    try:
        theorem = check(dump(certificate).encode(), lambda name: texts[name].encode())
    except Rejected as rejection:
        raise CertificateRejected(str(rejection)) from None
    assert isinstance(theorem, Theorem)
    return theorem


def dump(certificate: Mapping[str, Any]) -> str:
    """The text of a certificate: sorted keys, one step of the tree a line."""
    rest = {key: value for key, value in certificate.items() if key != "tree"}
    lines = [f"{json.dumps(key)}: {json.dumps(rest[key], sort_keys=True)}" for key in sorted(rest)]
    if "tree" in certificate:
        steps = ",\n".join(json.dumps(step, separators=(",", ":")) for step in certificate["tree"])
        lines.append(f'"tree": [\n{steps}]')
    return "{" + ",\n".join(lines) + "}\n"


def _head(question: Question) -> dict[str, Any]:
    claim = question.claim
    value: dict[str, Any] = {"format": FORMAT, "claim": claim.name, "tie": question.tie}
    value["domain"] = question.domain.to_json()
    if claim.parameters:
        value["parameters"] = claim.parameters
    for name, text in question.texts.items():
        value[name.removesuffix(".json")] = {"file": name, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return value


def _numbers(values: Sequence[Fraction]) -> list[int | str]:
    return [number_text(x) for x in values]
