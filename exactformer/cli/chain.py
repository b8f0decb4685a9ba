"""`chain`: from certificates whose sides meet, one theorem about the two ends."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from exactformer.cli.answers import say
from exactformer.cli.exits import PROVED
from exactformer.cli.parser import command, seconds
from exactformer.manifest import CERTIFICATE

DEFAULT = "chain-proof"


def add(commands: Any) -> None:
    """The options of `chain`."""
    parser = command(commands, "chain", run, "one theorem from certificates of equality and distance whose sides meet")
    parser.add_argument("proofs", metavar="PROOF", nargs="+", help="proof folders or certificate files, in order")
    parser.add_argument("--out", metavar="DIR", default=DEFAULT, help=f"the proof folder (default: {DEFAULT})")
    parser.add_argument("--timeout", type=seconds, default=3600.0, metavar="SECONDS", help="default: 3600")
    parser.add_argument("--kernel", action="store_true", help="put the kernel's source into the proof folder")


def run(options: argparse.Namespace) -> int:
    """Run `chain`; returns the exit code."""
    from exactformer.folder import chain_names, write_chain
    from exactformer.linking import chain, files_of
    from exactformer.manifest import check_place
    from exactformer.rational import number_text

    started, folder, proofs = time.monotonic(), Path(options.out), [Path(proof) for proof in options.proofs]
    inputs = files_of(proofs)
    check_place(folder, "proof", chain_names(len(proofs), kernel=options.kernel), inputs=inputs)
    found = chain(proofs, timeout=options.timeout)
    write_chain(found, folder, kernel=options.kernel, inputs=inputs)
    if options.json:
        answer = {
            "verdict": "proved",
            "method": "chain",
            "claim": found.claim,
            "parameters": {} if found.claim == "equal" else {"epsilon": number_text(found.epsilon)},
            "domain": found.domain,
            "certificate": str(folder / CERTIFICATE),
            "theorem": found.theorem,
            "reason": None,
            "seconds": round(time.monotonic() - started, 6),
            "counts": found.counts,
        }
        print(json.dumps(answer))
    elif not options.quiet:
        say([*str(found).splitlines(), f"  written   {folder}/", f"  re-check  exactformer check {folder}"])
    return PROVED
