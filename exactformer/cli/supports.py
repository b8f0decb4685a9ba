"""`supports`: whether a file is read as a network, and every reason why not."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from exactformer.cli.exits import PROVED
from exactformer.cli.parser import command
from exactformer.errors import printable


def add(commands: Any) -> None:
    """The options of `supports`."""
    parser = command(commands, "supports", run, "is this file read, as what network, or why not?")
    parser.add_argument("network", metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """Run `supports`; returns the exit code."""
    from exactformer.formats.files import read

    reading = read(Path(options.network))
    network = reading.network
    if options.json:
        value: dict[str, Any] = {
            "verdict": "supported",
            "kind": network.kind,
            "name": network.name,
            "size": network.size,
        }
        value |= {"inputs": network.inputs, "outputs": network.outputs, "notes": reading.notes}
        print(json.dumps(value))
    elif not options.quiet:
        print(f"supported: {network}")
        for note in reading.notes:
            print(f"  note      {printable(note)}")
    return PROVED
