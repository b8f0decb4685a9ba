"""`resume`: go on with a run that was interrupted, from the record in its folder."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from exactformer.cli.parser import command, seconds
from exactformer.cli.working import FILE, check_asked, working_options
from exactformer.errors import InvalidInput, printable


def add(commands: Any) -> None:
    """The options of `resume`."""
    parser = command(commands, "resume", run, "go on with a run that was interrupted, from the record in its folder")
    parser.add_argument("folder", metavar="FOLDER", help="the --out of a proof, a distance, a count or theorems")
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="default: as the run was asked")
    working_options(parser)
    parser.set_defaults(jobs=None)


def run(options: argparse.Namespace) -> int:
    """Run `resume`; returns the exit code of the command that is gone on with."""
    from exactformer.theorems.journal import FILE as INSTANCES
    from exactformer.work import Record

    folder = Path(options.folder).absolute()
    if not folder.is_dir():
        raise InvalidInput(f"{folder}: expected the folder of a run, found none")
    parse: Callable[[Sequence[str]], argparse.Namespace] = options.parse
    if not os.path.lexists(folder / FILE) and (folder / INSTANCES).is_file():
        return _gone_on(options, parse(["theorems", "--resume", str(folder)]))
    with Record.resume(folder / FILE) as record:
        if record.damaged and not options.quiet:
            lost = f"{record.path}: {record.damaged} of its lines are damaged; their work is done again"
            print(printable(f"exactformer: {lost}"), file=sys.stderr)
        again = parse(check_asked(record.asked, record.path))
        again.record, again.out = record, str(folder)
        return _gone_on(options, again)


def _gone_on(options: argparse.Namespace, again: argparse.Namespace) -> int:
    """Run the command again, with what is said of it now."""
    for name in ("jobs", "dask", "memory", "log", "timeout"):
        if getattr(options, name) is not None:
            setattr(again, name, getattr(options, name))
    again.json, again.quiet = again.json or options.json, again.quiet or options.quiet
    code: int = again.run(again)
    return code
