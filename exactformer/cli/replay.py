"""`replay`: an export in other engines, beside exact values."""

from __future__ import annotations

import argparse
import json
from typing import Any

from exactformer.cli.answers import say
from exactformer.cli.exits import PROVED
from exactformer.cli.parser import command, natural, positive


def add(commands: Any) -> None:
    """The options of `replay`."""
    parser = command(commands, "replay", run, "run an export and its original in other engines, beside exact values")
    parser.add_argument("folder", metavar="FOLDER", help="written by export")
    parser.add_argument("--original", metavar="FILE", help="the source as ONNX, where the folder has no copy")
    parser.add_argument("--points", type=positive, default=100, metavar="N", help="of each kind; default: 100")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the points")


def run(options: argparse.Namespace) -> int:
    """Run `replay`; returns the exit code."""
    from exactformer.exporting import replay

    found = replay(options.folder, original=options.original, points=options.points, seed=options.seed)
    if options.json:
        print(json.dumps({**found.to_json(), "folder": options.folder}))
    elif not options.quiet:
        say(str(found).splitlines())
    return PROVED
