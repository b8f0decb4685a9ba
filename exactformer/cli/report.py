"""`report`: render the report of a proof folder again, once the kernel has re-checked it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from exactformer.cli.exits import PROVED
from exactformer.cli.options import no_effect
from exactformer.cli.parser import command, seconds
from exactformer.cli.places import REPORT_MARK, output_file
from exactformer.errors import InvalidInput


def add(commands: Any) -> None:
    """The options of `report`."""
    parser = command(commands, "report", run, "re-check a proof folder and render its report again")
    parser.add_argument("proof", metavar="PROOF", help="a folder written by prove or verify")
    parser.add_argument("--format", choices=("text", "markdown", "html", "latex", "pdf"), help="default: text")
    parser.add_argument(
        "--timeout", type=seconds, default=3600.0, metavar="SECONDS", help="of the check; default: 3600"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="default: standard output")


def run(options: argparse.Namespace) -> int:
    """Run `report`; returns the exit code."""
    from exactformer.documents import RENDERERS
    from exactformer.folder import read_report
    from exactformer.formats.files import write_atomically
    from exactformer.rechecked import UNCHECKED, recheck
    from exactformer.reporting import document_of

    if options.format == "pdf" and options.output is None:
        raise InvalidInput("option --format pdf: expected a place for it (-o FILE), found none")
    if options.json and options.format is not None and options.output is None:
        raise no_effect("--format", "-o, or without --json")
    proof = Path(options.proof)
    place = None if options.output is None else output_file(options.output, (), REPORT_MARK)
    report = read_report(proof)
    note = recheck(proof if proof.is_dir() else proof.parent, report, timeout=options.timeout)
    text = RENDERERS[options.format or "text"](document_of(report), note or UNCHECKED)
    if place is not None:
        write_atomically(place, text)
    if options.json:
        print(json.dumps({**report.to_json(), "rechecked": note is not None, "note": note or UNCHECKED}))
    elif place is None:
        print(text)
    return PROVED
