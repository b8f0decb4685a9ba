"""What is printed and written once a claim was decided."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

from exactformer.cli.exits import EXIT
from exactformer.cli.options import input_files
from exactformer.cli.working import kept
from exactformer.errors import printable


def say(lines: Iterable[str], stream: TextIO | None = None) -> None:
    """Print lines, with whatever could act on a terminal escaped."""
    for line in lines:
        print(printable(line), file=stream)


def proof_folder(
    options: argparse.Namespace, name: str, networks: Mapping[str, Any], beside: Collection[str] = ()
) -> Path:
    """The proof folder asked for; `networks` are those known before the work, by their files' names in it.

    `beside` names further files.

    Raises `InvalidInput` where it cannot be written, or would replace what exactformer did not write.
    """
    from exactformer.folder import check_folder

    folder = Path(options.out) if options.out else Path(re.sub(r"[^\w.+-]", "_", name) + "-proof")
    what = {"obligations": options.obligations, "kernel": options.kernel}
    check_folder(folder, networks, inputs=input_files(options), beside=beside, **what)
    return folder


def finish(options: argparse.Namespace, outcome: Any, folder: Path, work: Any) -> int:
    """Write the proof folder, print the answer."""
    from exactformer.folder import summary

    write(options, outcome, folder)
    settled(options, outcome, folder, work)
    if options.json:
        print(json.dumps(summary(outcome, folder)))
    elif not options.quiet:
        say([*str(outcome).splitlines(), *written_lines(outcome, folder)])
    return EXIT[outcome.verdict]


def settled(options: argparse.Namespace, result: Any, folder: Path, work: Any) -> None:
    """Remove the record of a run once its answer is written; where the time was over before, say how to go on."""
    if result.verdict != "unknown" or "out of time" not in (result.reason or ""):
        work.record.discard()
    elif work.record.size and not (options.quiet or options.json):
        say([f"exactformer: {kept(folder)}"], sys.stderr)


def write(options: argparse.Namespace, outcome: Any, folder: Path, beside: Mapping[str, str] | None = None) -> None:
    """Write the proof folder of an outcome, with further files beside it."""
    from exactformer.folder import write_folder

    what = {"obligations": options.obligations, "kernel": options.kernel}
    write_folder(outcome, folder, inputs=input_files(options), beside=beside, **what)


def written_lines(outcome: Any, folder: Path) -> Iterator[str]:
    """Where everything was written, and how it is checked again."""
    yield f"  written   {folder}/report.html" + (f", {folder}/certificate.json" if outcome.certificate else "")
    if outcome.certificate is not None:
        yield f"  re-check  exactformer check {folder}"


def linear(coefficients: Sequence[Fraction | int], constant: Fraction | int, names: Sequence[str] | None = None) -> str:
    """A sum like 2 x1 - x2 + 1/3, of x1, x2, ... or of other names."""
    terms = [(c, f"x{i + 1}" if names is None else names[i]) for i, c in enumerate(coefficients) if c]
    text = ""
    for c, name in [*terms, *([(constant, "")] if constant or not terms else [])]:
        size = "" if abs(c) == 1 and name else f"{abs(c)}"
        sign = " - " if c < 0 else " + "
        text += (sign if text else sign.strip() if c < 0 else "") + " ".join(filter(None, (size, name)))
    return text
