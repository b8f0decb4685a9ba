"""`report`: render the report of a proof folder again."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from exactformer.cli.exits import PROVED
from exactformer.cli.parser import command


def add(commands: Any) -> None:
    """The options of `report`."""
    parser = command(commands, "report", run, "render the report of a proof folder again")
    parser.add_argument("proof", metavar="PROOF", help="a folder written by prove or verify")
    parser.add_argument("--format", default="text", choices=("text", "markdown", "html"))
    parser.add_argument("-o", "--output", metavar="FILE", help="default: standard output")


def run(options: argparse.Namespace) -> int:
    """Run `report`; returns the exit code."""
    from exactformer.folder import read_report
    from exactformer.formats.files import write_atomically
    from exactformer.reporting import render_html, render_markdown, render_text

    render = {"text": render_text, "markdown": render_markdown, "html": render_html}[options.format]
    report = read_report(Path(options.proof))
    text = render(report)
    if options.output:
        write_atomically(Path(options.output), text)
    if options.json:
        print(json.dumps(report.to_json()))
    elif not options.output:
        print(text)
    return PROVED
