"""Chains: certificates whose ends meet, as one theorem that the kernel checks as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from typing import Any

from exactformer.errors import CertificateRejected, InvalidInput
from exactformer.kernel import certificates
from exactformer.kernel.chains import FORMAT, Chained
from exactformer.kernel.reading import Rejected
from exactformer.manifest import CERTIFICATE
from exactformer.prover.certificate import dump

SIDES = ("left", "right")


@dataclass(frozen=True)
class Part:
    """A certificate of the claim `equal` or `within`, and the texts of the networks that it names."""

    certificate: Mapping[str, Any]
    texts: Mapping[str, str]

    def side(self, which: str) -> Any:
        """What tells this side from others: its digest and how it is read."""
        return {key: value for key, value in self.certificate[which].items() if key != "file"}


@dataclass(frozen=True)
class Chain:
    """The theorem of a chain, and all files of its folder; the last is the certificate of the whole."""

    theorem: str
    claim: str
    epsilon: Fraction  # 0 for an equality
    domain: dict[str, Any]
    counts: dict[str, int]
    files: dict[str, str]


def chained(parts: Sequence[Part]) -> Chain:
    """The theorem that certificates give together, each of which has a side in common with the next.

    Networks are called left.json, middle-1.json, ..., right.json, the certificates link-1.json, ... Raises
    `InvalidInput` where two neighbours have no side in common, and `CertificateRejected` with the kernel's reason when
    it does not accept the whole.
    """
    origins = _origins(parts)
    names = ["left.json", *(f"middle-{i}.json" for i in range(1, len(parts))), "right.json"]
    files: dict[str, str] = {}
    links = []
    for number, (part, origin) in enumerate(zip(parts, origins, strict=True)):
        certificate = dict(part.certificate)
        order = SIDES if origin == "left" else SIDES[::-1]
        for side, name in zip(order, names[number : number + 2], strict=True):
            files[name] = part.texts[certificate[side]["file"]]
            certificate[side] = {**certificate[side], "file": name}
        text = dump(certificate)
        files[f"link-{number + 1}.json"] = text
        turned = {} if origin == "left" else {"from": origin}
        links.append({"file": f"link-{number + 1}.json", "sha256": sha256(text.encode()).hexdigest(), **turned})
    files[CERTIFICATE] = dump({"format": FORMAT, "links": links})
    try:
        found = certificates.check(files[CERTIFICATE].encode(), lambda name: files[name].encode(), CERTIFICATE)
    except Rejected as rejection:
        raise CertificateRejected(str(rejection)) from None
    assert isinstance(found, Chained)
    epsilon = Fraction(str(found.parameters.get("epsilon", 0)))
    return Chain(found.statement, found.claim, epsilon, found.domain, found.counts, files)


def _origins(parts: Sequence[Part]) -> list[str]:
    """The side with which each link begins, so that it ends with one of the next; the first is free if it is alone."""
    if not parts:
        raise InvalidInput("chain: expected at least one certificate, found none")
    origins = []
    for number, (part, following) in enumerate(pairwise(parts)):
        shared = [side for side in SIDES if part.side(side) in map(following.side, SIDES)]
        if not shared:
            raise InvalidInput(
                f"chain: expected certificates {number + 1} and {number + 2} to share a side, found none"
            )
        origins.append("left" if "right" in shared else "right")
    last = parts[-1]
    before = parts[-2].side("right" if origins[-1] == "left" else "left") if origins else last.side("left")
    origins.append("left" if last.side("left") == before else "right")
    return origins
