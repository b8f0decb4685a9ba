"""Certificates in proof folders, read as the links of a chain."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exactformer.arguments import SECONDS, as_path
from exactformer.checking import Checked, check
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput, shown
from exactformer.formats.files import read_bytes
from exactformer.kernel.chains import CLAIMS, FORMAT
from exactformer.manifest import CERTIFICATE
from exactformer.prover.chain import SIDES, Chain, Part, chained, origins
from exactformer.rational import listed
from exactformer.work import Deadline, OutOfTime, time_limit


def chain(proofs: Iterable[str | Path], *, timeout: float | None = None) -> Chain:
    """The theorem that certificates of `equal` and `within` give together, by the triangle inequality.

    `proofs` are proof folders or certificate files, in order, each of which has a side in common with the next; it does
    not matter which. |A(x) - Z(x)| is at most the sum of their epsilons, and A(x) = Z(x) if all are equalities. A chain
    may be one of them: its links are taken. The kernel checks every certificate, and then the whole.

    Raises `InvalidInput` for a file that is missing, a claim that is refuted or another one, neighbours without a
    common side, and different domains or tie rules; `CertificateRejected` with the kernel's reason for a certificate
    that it does not accept; `TimeoutError` after `timeout` seconds.
    """
    faults = Faults()
    SECONDS.check(timeout, "timeout", faults, optional=True)
    given = None if isinstance(proofs, (str, Path)) else listed(proofs)
    if not given:
        faults.add("proofs", "a list of proof folders or certificate files", shown(proofs))
    faults.settle()
    deadline = Deadline.after(timeout)
    paths = [as_path(proof, f"proofs[{i}]") for i, proof in enumerate(given or ())]
    checked = [check(path, timeout=None if timeout is None else max(deadline.left, 0.01)) for path in paths]
    _fitting(paths, checked)
    runs = [_read(certificate_file(path)) for path in paths]
    begins = origins([run.ends for run in runs])
    if len(begins) < len(runs):
        raise InvalidInput(f"{paths[len(begins)]}: expected a side that {paths[len(begins) - 1]} ends with, found none")
    parts = [
        part for run, origin in zip(runs, begins, strict=True) for part in run.parts[:: 1 if origin == "left" else -1]
    ]
    try:
        with time_limit(max(deadline.left, 0.01)):
            return chained(parts)
    except OutOfTime:
        raise TimeoutError(f"out of time after {timeout:g} s while the kernel checked the chain") from None


@dataclass(frozen=True)
class Run:
    """The links of one proof in their order, and what tells its two ends from others."""

    parts: tuple[Part, ...]
    ends: tuple[Any, Any]


def certificate_file(proof: Path) -> Path:
    """The certificate of a proof folder, or the file itself."""
    return proof / CERTIFICATE if proof.is_dir() else proof


def _fitting(paths: list[Path], checked: list[Checked]) -> None:
    """Raises `InvalidInput` for certificates that cannot be links of one chain."""
    faults = Faults()
    for path, found in zip(paths, checked, strict=True):
        if found.claim not in CLAIMS:
            faults.add(str(path), f"a certificate of the claim {' or '.join(CLAIMS)}", found.claim)
        elif not found.holds:
            faults.add(str(path), "a claim that is proved", "one that is refuted")
    faults.settle()
    first = checked[0]
    domain = Domain.from_json(first.domain)
    for path, found in zip(paths[1:], checked[1:], strict=True):
        if found.domain != first.domain:
            faults.add(str(path), f"the domain of {paths[0]}, {domain}", str(Domain.from_json(found.domain)))
        if found.tie != first.tie:
            faults.add(str(path), f"the tie rule of {paths[0]}, {first.tie}", found.tie)
    faults.settle()


def _read(path: Path) -> Run:
    """What is in a certificate file that the kernel has accepted: one link, or a chain of them."""
    certificate = json.loads(read_bytes(path, follow=False))
    if certificate["format"] != FORMAT:
        names = {certificate[side]["file"] for side in SIDES}
        part = Part(certificate, {name: _text(path.parent / name) for name in names})
        return Run((part,), part.ends)
    links = certificate["links"]
    parts = tuple(part for link in links for part in _read(path.parent / link["file"]).parts)
    first, last = (SIDES.index(link.get("from", "left")) for link in (links[0], links[-1]))
    return Run(parts, (parts[0].ends[first], parts[-1].ends[1 - last]))


def _text(path: Path) -> str:
    try:
        return read_bytes(path, follow=False).decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{path}: expected text in UTF-8, found other bytes") from None


def files_of(proofs: Iterable[Path]) -> list[Path]:
    """All files beside the certificates of proofs, which a chain of them must not replace."""
    folders = {certificate_file(proof).parent for proof in proofs}
    return [path for folder in sorted(folders) if folder.is_dir() for path in sorted(folder.iterdir())]
