"""The proof folder: the networks, the certificate, the report, all that is needed to check the claim again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactformer.errors import InvalidInput
from exactformer.formats.files import read_bytes, write_atomically
from exactformer.formats.network_json import dump as network_text
from exactformer.formats.network_json import parse_json
from exactformer.prover.certificate import dump as certificate_text
from exactformer.prover.outcome import Outcome
from exactformer.prover.question import LEFT, RIGHT
from exactformer.prover.smtlib import obligation_text
from exactformer.rational import number_text
from exactformer.reporting import Report, build_report, render_html, render_markdown, render_text

CERTIFICATE, REPORT, CORRESPONDENCE = "certificate.json", "report.json", "correspondence.json"


def check_place(folder: Path) -> None:
    """Raises `InvalidInput` where no folder can be made or written: known before the work, not after it."""
    place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise InvalidInput(f"{folder}: expected a folder that can be written, found that {place} is not one")


def write_folder(outcome: Outcome, folder: Path, *, obligations: bool = False) -> Report:
    """Write the folder of an outcome, each file whole or not at all, and return its report.

    What an earlier run left in the folder and this one does not write anew is removed first, the certificate before
    all, so that the files always belong together. Raises `InvalidInput` when the folder cannot be written.
    """
    files = {"left": LEFT, "report": REPORT} | ({} if outcome.right is None else {"right": RIGHT})
    if outcome.certificate is not None:
        files["certificate"] = CERTIFICATE
    if outcome.compiled is not None:
        files["correspondence"] = CORRESPONDENCE
    report = build_report(outcome, files=files)
    try:
        for old in (folder / CERTIFICATE, folder / CORRESPONDENCE, *folder.glob("obligations/region-*.smt2")):
            old.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder}: expected a folder that can be written, found: {error.strerror}") from None
    for name, text in _files(outcome, report, obligations):
        write_atomically(folder / name, text)
    return report


def _files(outcome: Outcome, report: Report, obligations: bool) -> Iterator[tuple[str, str]]:
    yield LEFT, network_text(outcome.left)
    if outcome.right is not None:
        yield RIGHT, network_text(outcome.right)
    if outcome.compiled is not None:
        yield CORRESPONDENCE, json.dumps(outcome.compiled.correspondence.to_json(), indent=1) + "\n"
    if obligations:
        width = len(str(len(outcome.regions)))
        for number, region in enumerate(outcome.regions):
            text = obligation_text(region.inequalities, region.left, region.right)
            yield f"obligations/region-{number:0{width}}.smt2", text
    yield REPORT, json.dumps(report.to_json(), indent=1) + "\n"
    yield "report.txt", render_text(report)
    yield "report.md", render_markdown(report)
    yield "report.html", render_html(report)
    if outcome.certificate is not None:  # last: a folder with a certificate is complete
        yield CERTIFICATE, certificate_text(outcome.certificate)


def read_report(proof: Path) -> Report:
    """The report data of a proof folder (or of any file in it). Raises `InvalidInput` when there is none."""
    if not proof.exists():
        raise InvalidInput(f"{proof}: expected a proof folder, found nothing there")
    path = (proof if proof.is_dir() else proof.parent) / REPORT
    try:
        return Report.from_json(parse_json(read_bytes(path), str(path)), str(path))
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidInput(f"{path}: expected the report of a proof folder, found: {error}") from None


def summary(outcome: Outcome, folder: Path) -> dict[str, Any]:
    """The stable JSON keys of `prove` and `verify`."""
    witness = outcome.witness
    return {
        "verdict": outcome.verdict,
        "method": outcome.method,
        "claim": outcome.claim.name,
        "parameters": outcome.claim.parameters,
        "domain": outcome.domain.to_json(),
        "regions": outcome.counts.get("regions"),
        "witness": None
        if witness is None
        else {
            "point": _texts(witness.point),
            "left": _texts(witness.left),
            "right": _texts(witness.right),
            "evaluations": [
                {
                    "label": e.label.format(left="left", right="right"),
                    "point": _texts(e.inputs),
                    "value": _texts(e.outputs),
                }
                for e in witness.evaluations
            ],
        },
        "certificate": None if outcome.certificate is None else str(folder / CERTIFICATE),
        "theorem": outcome.theorem,
        "reason": outcome.reason,
        "seconds": round(outcome.seconds, 6),
        "counts": outcome.counts,
    }


def _texts(values: Sequence[Fraction]) -> list[str]:
    return [str(number_text(x)) for x in values]
