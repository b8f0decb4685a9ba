"""Building certificates of the format exactformer/certificate-1, and having the kernel judge them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from exactformer.domain import Domain
from exactformer.errors import CertificateRejected
from exactformer.kernel.claims import FORMAT, Theorem, check
from exactformer.kernel.reading import Rejected
from exactformer.networks.transformer import Tie
from exactformer.prover.outcome import Point, Witness
from exactformer.rational import number_text

LEFT, RIGHT = "left.json", "right.json"


def equal_certificate(
    texts: Mapping[str, str], domain: Domain, tie: Tie, inhabitant: Point, steps: Sequence[Any]
) -> dict[str, Any]:
    """The certificate of "left = right on the domain" with the given proof tree; `texts` holds both network files."""
    return _head("equal", texts, domain, tie) | {"inhabitant": _numbers(inhabitant), "tree": list(steps)}


def differ_certificate(texts: Mapping[str, str], domain: Domain, tie: Tie, witness: Witness) -> dict[str, Any]:
    """The certificate of "left and right differ at this point of the domain"."""
    values = {"left": _numbers(witness.left), "right": _numbers(witness.right)}
    return _head("differ", texts, domain, tie) | {"point": _numbers(witness.point), "values": values}


def judged(certificate: Mapping[str, Any], texts: Mapping[str, str]) -> Theorem:
    """What the kernel makes of a certificate. Raises `CertificateRejected` with the kernel's words."""
    try:
        return check(dump(certificate).encode(), lambda name: texts[name].encode())
    except Rejected as rejection:
        raise CertificateRejected(str(rejection)) from None


def dump(certificate: Mapping[str, Any]) -> str:
    """The text of a certificate: sorted keys, one step of the tree a line."""
    rest = {key: value for key, value in certificate.items() if key != "tree"}
    lines = [f"{json.dumps(key)}: {json.dumps(rest[key], sort_keys=True)}" for key in sorted(rest)]
    if "tree" in certificate:
        steps = ",\n".join(json.dumps(step, separators=(",", ":")) for step in certificate["tree"])
        lines.append(f'"tree": [\n{steps}]')
    return "{" + ",\n".join(lines) + "}\n"


def _head(claim: str, texts: Mapping[str, str], domain: Domain, tie: Tie) -> dict[str, Any]:
    value: dict[str, Any] = {"format": FORMAT, "claim": claim, "domain": domain.to_json(), "tie": tie}
    for side, name in (("left", LEFT), ("right", RIGHT)):
        value[side] = {"file": name, "sha256": hashlib.sha256(texts[name].encode()).hexdigest()}
    return value


def _numbers(values: Sequence[Fraction]) -> list[int | str]:
    return [number_text(x) for x in values]
