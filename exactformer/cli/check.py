"""`check`: have the kernel alone re-check a certificate."""

from __future__ import annotations

import argparse
import json
from typing import Any

from exactformer.cli.exits import PROVED
from exactformer.cli.parser import command, seconds


def add(commands: Any) -> None:
    """The options of `check`."""
    parser = command(commands, "check", run, "re-check a certificate with the kernel alone")
    parser.add_argument("proof", metavar="PROOF", help="a certificate file, or a folder written by prove or verify")
    parser.add_argument("--timeout", type=seconds, default=3600.0, metavar="SECONDS", help="default: 3600")


def run(options: argparse.Namespace) -> int:
    """Run `check`; returns the exit code."""
    from exactformer.checking import check

    found = check(options.proof, timeout=options.timeout)
    if options.json:
        said = {key: getattr(found, key) for key in ("claim", "parameters", "holds", "theorem", "counts")}
        answer = {"verdict": "accepted", **said}
        print(json.dumps({**answer, "seconds": found.seconds, "certificate": str(options.proof)}))
    elif not options.quiet:
        steps = ", ".join(f"{count} {name}" for name, count in found.counts.items() if count and name != "ties")
        print(f"accepted: {found.theorem}")
        for side, digest in found.digests.items():
            print(f"  {side:6} sha256 {digest}")
        checker = "exactformer.recount" if found.claim == "regions" else "the kernel alone"
        print(f"  checked by {checker} in {found.seconds:.2f} s" + (f" ({steps})" if steps else ""))
    return PROVED
