"""`check`: the kernel alone, in a fresh interpreter that cannot import any third-party package."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import exactformer.kernel
import exactformer.shapes
from exactformer.arguments import POSITIVE, SECONDS, as_path, no_truth
from exactformer.errors import CertificateRejected, Faults, InvalidInput, printable
from exactformer.formats.files import read_bytes
from exactformer.manifest import CERTIFICATE, State, digest_of, ordinary, quoted, states

_SHAPES = re.compile(rb'\s*{\s*"format"\s*:\s*"exactformer/shape-1"')  # for all weights: with a checker of its own


@dataclass(frozen=True)
class Checked:
    """What the kernel said of an accepted certificate.

    `files` says of every file in its folder whether the kernel read it (checked), whether it is unchanged, changed or
    missing by the folder's manifest, or unknown to that; for a certificate that was given alone, only what was checked.
    """

    claim: str
    parameters: dict[str, Any] = field(hash=False)
    holds: bool  # False: a counterexample was confirmed
    theorem: str
    tie: str
    domain: dict[str, Any] = field(hash=False)  # lower, upper and maybe matrix and bounds, as in the certificate
    digests: dict[str, str] = field(hash=False)  # the SHA-256 of the file of each side
    counts: dict[str, int] = field(hash=False)
    files: dict[str, State] = field(hash=False)
    seconds: float

    def __bool__(self) -> bool:
        raise no_truth(self, "checked.holds, which is False where a counterexample was confirmed")


def check(proof: str | Path, *, timeout: float | None = None, jobs: int = 1) -> Checked:
    """Have the kernel re-check a certificate file, or the `certificate.json` of a proof folder.

    A certificate of a statement for all weights goes to the checker of `exactformer.shapes`. It, or the kernel, runs as
    `python -I -S`: isolated, without site packages, standard library only. Symbolic links are not followed. The shards
    of a long proof are checked by so many processes (`jobs`). Raises
    `InvalidInput` when there is no such file, `CertificateRejected` with the kernel's reason when it
    does not accept, and `TimeoutError` after `timeout` seconds.
    """
    path = as_path(proof, "proof")
    faults = Faults()
    SECONDS.check(timeout, "timeout", faults, optional=True)
    POSITIVE.check(jobs, "jobs", faults)
    faults.settle()
    folder = path if path.is_dir() else None
    if folder is not None:
        path = folder / CERTIFICATE
    if not ordinary(path):
        raise InvalidInput(f"{path}: expected a certificate file or a proof folder, found {_what(path)}")
    all_weights = _SHAPES.match(read_bytes(path, follow=False)) is not None
    program = Path((exactformer.shapes if all_weights else exactformer.kernel).__file__ or "").parent
    started = time.monotonic()
    answer = _answer(program, path, timeout, [] if all_weights or jobs == 1 else [str(jobs)])
    seconds = time.monotonic() - started
    if "regions" in answer:
        answer |= {"claim": "regions", "parameters": {"exact": answer["exact"]}, "holds": True, "tie": "average"}
        answer |= {"digests": {"network": answer["digest"]}, "counts": {"regions": answer["regions"]}}
    certificate = json.loads(read_bytes(path, follow=False))  # what was accepted is well-formed
    checked = {path.name: digest_of(path) or ""}
    read = answer.get("files") or {certificate[side]["file"]: sha for side, sha in answer["digests"].items()}
    read |= {piece["file"]: piece["sha256"] for piece in certificate.get("shards", ())}
    for name, digest in read.items():
        if digest_of(path.parent / name) != digest:
            found = "another one" if ordinary(path.parent / name) else "a symbolic link"
            raise CertificateRejected(f"{path}: expected the file that was checked, {quoted(name)}, found {found}")
        checked[name] = digest
    files: dict[str, State] = states(folder, checked) if folder else dict.fromkeys(sorted(checked), "checked")
    keys = ("claim", "parameters", "holds", "theorem", "tie", "domain", "digests", "counts")
    return Checked(**{key: answer[key] for key in keys}, files=files, seconds=seconds)


def _what(path: Path) -> str:
    if path.is_symlink():
        return "a symbolic link, which is not followed"
    return "something that is no ordinary file" if path.exists() else "nothing to read there"


def _answer(program: Path, path: Path, timeout: float | None, more: list[str]) -> dict[str, Any]:
    """What a checker says of a certificate that it accepts; however this ends, its processes end with it."""
    command = [sys.executable, "-I", "-S", str(program), str(path.absolute()), *more]
    pipe: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipe, text=True, errors="backslashreplace", start_new_session=True) as run:
        try:
            said, errors = run.communicate(timeout=timeout)
        except BaseException as error:
            os.killpg(run.pid, signal.SIGKILL) if hasattr(os, "killpg") else run.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                raise TimeoutError(f"{path}: the kernel did not finish within {timeout:g} s") from None
            raise
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        text = printable(errors.strip()[-300:])
        raise CertificateRejected(f"{path}: the kernel ended without an answer: {text}") from None
    if run.returncode != 0 or not answer["accepted"]:
        raise CertificateRejected(printable(str(answer.get("reason", "no reason given"))))
    return answer
