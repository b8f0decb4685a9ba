"""`check`: the kernel alone, in a fresh interpreter that cannot import any third-party package."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import exactformer.kernel
from exactformer.errors import CertificateRejected, InvalidInput


@dataclass(frozen=True)
class Checked:
    """What the kernel said of an accepted certificate."""

    claim: str
    parameters: dict[str, Any]
    holds: bool  # False: a counterexample was confirmed
    theorem: str
    tie: str
    digests: dict[str, str]  # the SHA-256 of the file of each side
    counts: dict[str, int]
    seconds: float


def check(proof: str | Path, *, timeout: float | None = None) -> Checked:
    """Have the kernel re-check a certificate file, or the `certificate.json` of a proof folder.

    The certificate of a count of regions is checked by `exactformer.recount` in the same way.

    The kernel runs as `python -I -S`: isolated, without site packages, standard library only. Raises
    `InvalidInput` when there is no such file, `CertificateRejected` with the kernel's reason when it does not accept,
    and `TimeoutError` after `timeout` seconds.
    """
    path = Path(proof)
    if path.is_dir():
        path = path / "certificate.json"
    if not path.is_file():
        raise InvalidInput(f"{path}: expected a certificate file or a proof folder, found nothing to read there")
    program = Path(exactformer.kernel.__file__).parent
    if _is_count(path):
        program = program.with_name("recount.py")
    started = time.monotonic()
    try:
        run = subprocess.run(
            [sys.executable, "-I", "-S", str(program), str(path.resolve())],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{path}: the kernel did not finish within {timeout} s") from None
    seconds = time.monotonic() - started
    try:
        answer = json.loads(run.stdout)
    except ValueError:
        raise CertificateRejected(f"{path}: the kernel ended without an answer: {run.stderr.strip()[-300:]}") from None
    if run.returncode != 0 or not answer["accepted"]:
        raise CertificateRejected(str(answer.get("reason", "no reason given")))
    if "regions" in answer:
        counts = {"regions": answer["regions"]}
        theorem, digests = answer["theorem"], {"network": answer["digest"]}
        return Checked("regions", {"exact": answer["exact"]}, True, theorem, "average", digests, counts, seconds)
    keys = ("claim", "parameters", "holds", "theorem", "tie", "digests", "counts")
    return Checked(**{key: answer[key] for key in keys}, seconds=seconds)


def _is_count(path: Path) -> bool:
    """Whether a file says that it is a certificate of a count; what it really is, its checker decides."""
    try:
        with path.open("rb") as stream:
            return b'"exactformer/regions-1"' in stream.read(200)
    except OSError:
        return False
