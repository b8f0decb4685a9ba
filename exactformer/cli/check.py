"""`check`: have the kernel alone re-check a certificate."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from exactformer.cli.answers import linear, say
from exactformer.cli.exits import PROVED
from exactformer.cli.parser import command, positive, seconds

SHOWN = 30  # files of one sort


def add(commands: Any) -> None:
    """The options of `check`."""
    parser = command(commands, "check", run, "re-check a certificate with the kernel alone")
    parser.add_argument("proof", metavar="PROOF", help="a certificate file, or a folder written by prove or verify")
    parser.add_argument(
        "--jobs", type=positive, default=1, metavar="N", help="processes for the shards of a long proof"
    )
    parser.add_argument("--timeout", type=seconds, default=3600.0, metavar="SECONDS", help="default: 3600")


def run(options: argparse.Namespace) -> int:
    """Run `check`; returns the exit code."""
    from exactformer.checking import check

    found = check(options.proof, timeout=options.timeout, jobs=options.jobs)
    if options.json:
        keys = ("claim", "parameters", "domain", "holds", "theorem", "tie", "digests", "counts", "files")
        answer = {"verdict": "accepted", **{key: getattr(found, key) for key in keys}}
        print(json.dumps({**answer, "seconds": found.seconds, "certificate": str(options.proof)}))
    elif not options.quiet:
        say(_accepted(found))
    return PROVED


def _accepted(found: Any) -> Iterator[str]:
    from exactformer.domain import Domain

    domain = Domain.from_json(found.domain)
    yield f"accepted: {found.theorem}"
    yield f"  domain  {domain}"
    for row, bound in zip(domain.matrix.dense(), domain.bounds.fractions(), strict=True):
        yield f"    with  {linear(row, 0)} <= {bound}"
    for text in found.parameters.get("hypotheses", ()):
        yield f"    with  {text} >= 0"
    for name, texts in found.parameters.get("maxima", ()):
        yield f"    where {name} = max({', '.join(map(str, texts))})"
    for side, digest in found.digests.items():
        yield f"  {side:7} sha256 {digest}"
    steps = ", ".join(f"{count} {name}" for name, count in found.counts.items() if count and name != "ties")
    checker = "kernel" if "maxima" not in found.parameters else "checker for all weights"
    yield f"  checked by the {checker} alone in {found.seconds:.2f} s" + (f" ({steps})" if steps else "")
    yield from _files(found.files)


def _files(files: dict[str, str]) -> Iterator[str]:
    """Every file of the folder, by what can be said of it."""
    from exactformer.manifest import quoted

    said = {
        "checked": "checked",
        "unchanged": "unchanged since written, by the manifest; not checked",
        "changed": "CHANGED since written, by the manifest",
        "missing": "MISSING, by the manifest",
        "unknown": "not of this proof, or unknown",
    }
    for state, text in said.items():
        names = [quoted(name) for name, found in files.items() if found == state]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        if names:
            yield f"  {text}: {', '.join(names[:SHOWN])}{more}"
