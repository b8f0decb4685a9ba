"""Chains: certificates whose ends meet, as one theorem that the kernel checks as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any

from exactformer.arguments import no_truth
from exactformer.errors import CertificateRejected, InvalidInput
from exactformer.kernel import certificates
from exactformer.kernel.chains import FORMAT, Chained
from exactformer.kernel.reading import Rejected
from exactformer.manifest import CERTIFICATE
from exactformer.prover.answer import rows_html, rows_text
from exactformer.prover.certificate import dump

SIDES = ("left", "right")


@dataclass(frozen=True)
class Part:
    """A certificate of the claim `equal` or `within`, and the texts of the networks that it names."""

    certificate: Mapping[str, Any]
    texts: Mapping[str, str]

    @property
    def ends(self) -> tuple[Any, Any]:
        """What tells each side from others: its digest and how it is read."""
        left, right = ({k: v for k, v in self.certificate[side].items() if k != "file"} for side in SIDES)
        return left, right


@dataclass(frozen=True)
class Chain:
    """The theorem of a chain, and all files of its folder; the last is the certificate of the whole."""

    theorem: str
    claim: str
    epsilon: Fraction  # 0 for an equality
    domain: dict[str, Any]
    counts: dict[str, int]
    files: dict[str, str]

    def rows(self) -> Iterator[tuple[str, str]]:
        """The answer, line by line with a name each; the first is the verdict."""
        yield "PROVED", self.theorem
        yield "links", str(self.counts["links"])

    def __str__(self) -> str:
        return rows_text(self.rows())

    def _repr_html_(self) -> str:
        return rows_html(self.rows())

    def __bool__(self) -> bool:
        raise no_truth(self, "chain.theorem")


def chained(parts: Sequence[Part]) -> Chain:
    """The theorem that certificates give together, each of which has a side in common with the next.

    Networks are called left.json, middle-1.json, ..., right.json, the certificates link-1.json, ... Raises
    `InvalidInput` where two neighbours have no side in common, and `CertificateRejected` with the kernel's reason when
    it does not accept the whole.
    """
    if not parts:
        raise InvalidInput("chain: expected at least one certificate, found none")
    begins = origins([part.ends for part in parts])
    if len(begins) < len(parts):
        number = len(begins)
        raise InvalidInput(f"chain: expected certificates {number} and {number + 1} to share a side, found none")
    names = ["left.json", *(f"middle-{i}.json" for i in range(1, len(parts))), "right.json"]
    files: dict[str, str] = {}
    links = []
    for number, (part, origin) in enumerate(zip(parts, begins, strict=True)):
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


def origins(ends: Sequence[tuple[Any, Any]]) -> list[str]:
    """The end, "left" or "right", with which each link begins, so that it is the one with which the link before ends.

    Where that is not possible, for as many of the first as it is.
    """
    return max((_walk(ends, first) for first in SIDES), key=len)


def _walk(ends: Sequence[tuple[Any, Any]], first: str) -> list[str]:
    found, end = list[str](), ends[0][SIDES.index(first)]
    for pair in ends:
        if end not in pair:
            break
        found.append(SIDES[pair.index(end)])
        end = pair[1 - pair.index(end)]
    return found
