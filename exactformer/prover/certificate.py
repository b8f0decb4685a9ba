"""Building certificates of the format exactformer/certificate-1, and having the kernel judge them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from exactformer.enclosure import Number, value_json
from exactformer.errors import CertificateRejected
from exactformer.kernel.claims import Asked, Theorem
from exactformer.kernel.reading import Rejected, parse_json
from exactformer.prover.outcome import Outputs, Point
from exactformer.prover.question import Question


def proof_certificate(question: Question, inhabitant: Point, steps: Sequence[Any]) -> dict[str, Any]:
    """The certificate that a claim holds, with the given proof tree and a point of the domain."""
    return question.head | {"inhabitant": _numbers(inhabitant), "tree": list(steps)}


def refutation_certificate(question: Question, point: Point, values: Sequence[Outputs]) -> dict[str, Any]:
    """The certificate that a claim fails at a point, where the evaluations have the given values."""
    return question.head | {"point": _numbers(point), "values": list(map(_numbers, values))}


def judged(certificate: Mapping[str, Any], asked: Asked) -> Theorem:
    """What the kernel makes of a certificate of the question. Raises `CertificateRejected` with the kernel's words.

    It reads the text that is written into the file; what it evaluated on the whole domain, the search has used, too.
    """
    try:
        value = parse_json(dump(certificate).encode(), asked.place)
        assert isinstance(value, dict)
        return asked.judged(value)
    except Rejected as rejection:
        raise CertificateRejected(str(rejection)) from None
    except (RecursionError, ValueError) as error:  # Python prints no integer of more than 4300 digits
        raise CertificateRejected(f"{type(error).__name__}: {error}") from None


def dump(certificate: Mapping[str, Any]) -> str:
    """The text of a certificate: sorted keys, one step of the tree a line."""
    rest = {key: value for key, value in certificate.items() if key != "tree"}
    lines = [f"{json.dumps(key)}: {json.dumps(rest[key], sort_keys=True)}" for key in sorted(rest)]
    if "tree" in certificate:
        steps = ",\n".join(json.dumps(step, separators=(",", ":")) for step in certificate["tree"])
        lines.append(f'"tree": [\n{steps}]')
    return "{" + ",\n".join(lines) + "}\n"


def _numbers(values: Sequence[Number]) -> list[Any]:
    return [value_json(x) for x in values]
