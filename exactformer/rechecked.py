"""A proof folder's report, held against what the kernel says of its certificate now."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from exactformer.checking import Checked, check
from exactformer.claims import Claim, read_claim
from exactformer.domain import Domain
from exactformer.enclosure import Enclosure, Number
from exactformer.errors import CertificateRejected, ExactformerError, Faults, printable
from exactformer.formats.files import load, read_bytes
from exactformer.manifest import CERTIFICATE, digest_of, quoted
from exactformer.networks import Network
from exactformer.networks.semantics import Semantics
from exactformer.prover.outcome import Witness
from exactformer.rational import rational
from exactformer.reporting import Report, kernel_facts
from exactformer.reporting.build import domain_card, network_card, symbols, title_of, witness_rows

UNCHECKED = "NOTHING WAS RE-CHECKED: there is no certificate. This is only what report.json says."
AGREES = "Re-checked now by the kernel: claim, verdict, domain, networks. The rest is as report.json says."
OTHER_KERNEL = " The kernel that did it has another digest than the one named below: {sha256}."


def recheck(folder: Path, report: Report, *, timeout: float | None = None) -> str | None:
    """Have the kernel check the certificate of a proof folder, and hold its report against the answer.

    Returns the line that stands above the report, or None where there is no certificate. What is compared: the claim,
    its sentence, the verdict, the theorem, the tie rule, the domain, the networks with their files, the counterexample
    and the numbers of the proof's rules. Sizes, correspondence, cases, regions, cross-checks, trace and versions are
    not. Raises `CertificateRejected` when the kernel does not accept or the report says anything else, and
    `InvalidInput` and `TimeoutError` as `check` does.
    """
    path = folder / CERTIFICATE
    if not os.path.lexists(path):
        return None
    checked = check(folder, timeout=timeout)
    certificate = json.loads(read_bytes(path, follow=False))
    wrong = list(_differences(folder, report, checked, certificate))
    if wrong:
        raise CertificateRejected(f"{folder}/report.json is not the report of this certificate: {'; '.join(wrong)}")
    facts = kernel_facts()
    return AGREES + ("" if facts.sha256 == report.trust.kernel.sha256 else OTHER_KERNEL.format(sha256=facts.sha256))


def _differences(folder: Path, report: Report, checked: Checked, certificate: dict[str, Any]) -> Iterator[str]:
    if checked.claim == "regions":
        yield "the certificate is that of a count of regions"
        return
    networks: list[Network] = []
    for (side, digest), card in zip(checked.digests.items(), report.networks, strict=False):
        name = card.file
        if name != certificate[side]["file"] or digest_of(folder / name) != digest:
            yield _differs(f"the file of the {side} network", certificate[side]["file"], name)
            return
        networks.append(load(folder / name))
    if len(networks) != len(report.networks) or len(networks) != len(checked.digests):
        yield _differs("the number of networks", len(checked.digests), len(report.networks))
        return
    left, right = networks[0], networks[1] if len(networks) == 2 else None
    claim = _claim(report.claim, left, right)
    if claim is None or (claim.name, claim.parameters) != (checked.claim, checked.parameters):
        yield _differs("the claim", f"{checked.claim} {json.dumps(checked.parameters)}", report.claim)
        return
    names = symbols(left, right)
    domain = Domain.from_json(checked.domain)
    rules = {name: dict(report.proof.counts).get(name) for name in checked.counts}
    tie = "any" if "any tie rule" in checked.theorem else checked.tie
    pairs: list[tuple[str, object, object]] = [
        ("the verdict", "proved" if checked.holds else "refuted", report.verdict),
        ("the theorem", checked.theorem, report.theorem),
        ("whether a certificate was checked", True, report.checked),
        ("the sentence", claim.sentence(*names, "D"), report.sentence),
        ("the title", title_of(left, right, claim, compiled=report.correspondence is not None), report.title),
        ("the tie rule", tie, report.tie),
        ("the domain", domain_card(domain), replace(report.domain, option="")),
        ("the numbers of the proof", dict(checked.counts), rules),
        ("the form of the proof", certificate.get("tree") == [["holds"]], report.proof.identical),
    ]
    cards = zip(networks, names, report.networks, strict=False)
    pairs += [
        (f"the network {card.file}", network_card(net, name, card.file, _semantics(certificate, side), digest), card)
        for side, (net, name, card) in zip(("left", "right"), cards, strict=False)
        for digest in [checked.digests[side] if card.digest else ""]  # reports did not always tell it
    ]
    pairs.append(("the counterexample", _counterexample(claim, certificate, names, report), _reported(report)))
    yield from (_differs(what, wanted, found) for what, wanted, found in pairs if wanted != found)


def _claim(text: str, left: Network, right: Network | None) -> Claim | None:
    faults = Faults()
    try:
        claim = read_claim(text)
        fitted = claim.fitted(left, right, faults) if claim.networks == (1 if right is None else 2) else None
    except ExactformerError:
        return None
    return None if faults.reasons else fitted


def _counterexample(claim: Claim, certificate: dict[str, Any], names: tuple[str, str], report: Report) -> object:
    if "point" not in certificate:
        return None
    point = tuple(rational(x, "point") for x in certificate["point"])
    values = [tuple(map(_output, value)) for value in certificate["values"]]
    witness = Witness.of(claim, point, values, len(certificate["domain"]["lower"]))
    files = {role: card.file for role, card in zip(("left", "right"), report.networks, strict=False)}
    return witness_rows(claim, witness, names, files)


def _semantics(certificate: dict[str, Any], side: str) -> Semantics:
    rates = tuple(rational(rate, "temperature") for rate in certificate[side].get("temperature", ()))
    return Semantics(certificate["tie"], rates, certificate[side].get("base", "e"))


def _output(value: Any) -> Number:
    if isinstance(value, dict):
        return Enclosure(rational(value["lower"], "value"), rational(value["upper"], "value"))
    return rational(value, "value")


def _reported(report: Report) -> object:
    found = report.refutation
    return None if found is None else (found.points, found.evaluations, found.difference)


def _differs(what: str, wanted: object, found: object) -> str:
    shown = [printable(str(value)) for value in (wanted, found)]
    first, second = (text if len(text) <= 200 else f"{text[:200]}..." for text in shown)
    return f"{what}: the kernel says {quoted(first)}, the report says {quoted(second)}"
