"""`theorems`: the theorems of the laboratory, listed or checked."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from exactformer.cli.answers import say
from exactformer.cli.exits import EXIT as VERDICT
from exactformer.cli.exits import PROVED, REFUTED, UNKNOWN
from exactformer.cli.options import no_effect
from exactformer.cli.parser import command, natural, positive, seconds
from exactformer.cli.progress import shown
from exactformer.cli.working import working, working_options
from exactformer.errors import InvalidInput

EXIT = {"confirmed": PROVED, "cited": PROVED, "failed": REFUTED, "unknown": UNKNOWN}
SHAPE = ("widths", "outputs", "construction")  # with --all-weights alone
STEM, PAGE = "theorems", "theorems.html"
PARAMETERS = {  # of all theorems together; each has some of them
    "inputs": "inputs of the networks",
    "layers": "layers",
    "width": "units of a layer",
    "rank": "pieces of a unit",
    "tokens": "tokens",
    "cells": "cells of a grid along each input",
    "heads": "heads",
    "pieces": "pieces of a function of one variable",
    "partners": "forms on the other side",
}


def add(commands: Any) -> None:
    """The options of `theorems`."""
    parser = command(commands, "theorems", run, "list the theorems of the laboratory, or check them on instances")
    what = "such as T5, or N9 for those with the witness of a negative fact, or all; without one: the list"
    parser.add_argument("theorems", nargs="*", metavar="ID", help=what)
    parser.add_argument("--instances", type=positive, metavar="N", help="of each theorem; default: its own number")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the random instances; default: 0")
    working_options(parser)
    parser.add_argument("--timeout", type=seconds, default=900.0, metavar="SECONDS", help="for all; default: 900")
    parser.add_argument("--out", metavar="DIR", help="a folder with the page: text, Markdown, HTML and JSON")
    parser.add_argument("--resume", metavar="DIR", help="go on with a run that was interrupted, in its folder")
    parser.add_argument(
        "--all-weights", action="store_true", help="prove one theorem for all weights of a shape at once"
    )
    parser.add_argument("--widths", type=_widths, metavar="M,M,...", help="with --all-weights: units of each layer")
    parser.add_argument("--outputs", type=positive, metavar="N", help="with --all-weights: outputs of the networks")
    which = "with --all-weights: gated (default), or another construction with gates"
    parser.add_argument("--construction", metavar="NAME", help=which)
    free = parser.add_argument_group("free parameters of a theorem (default: all of a small range, see the list)")
    for name, text in PARAMETERS.items():
        free.add_argument(f"--{name}", type=natural, metavar="N", help=text)


def run(options: argparse.Namespace) -> int:
    """Run `theorems`; returns the exit code."""
    from exactformer.documents.pages import names
    from exactformer.manifest import check_place
    from exactformer.theorems import check, check_all, theorems_of
    from exactformer.theorems.result import Findings

    given = {name: value for name in PARAMETERS if (value := getattr(options, name)) is not None}
    if options.all_weights and options.resume is not None:
        raise InvalidInput("--resume: expected no --all-weights beside it")
    if options.all_weights:
        return _for_all_weights(options, given)
    if unused := [f"--{name}" for name in SHAPE if getattr(options, name) is not None]:
        raise no_effect(", ".join(unused), "--all-weights")
    if options.resume is not None:
        return _resumed(options, given)
    if not options.theorems:
        return _listed(options, given)
    chosen = theorems_of(options.theorems)
    if given and len(chosen) != 1:
        raise InvalidInput(f"{', '.join(f'--{name}' for name in given)}: expected one theorem, found {len(chosen)}")
    if options.out:
        check_place(Path(options.out), "report", names(STEM))
    how = {name: getattr(options, name) for name in ("instances", "seed", "timeout")}
    how |= {"folder": options.out or None}
    with working(options) as work, shown(options, work) as seen:
        if given:
            one = check(chosen[0].number, **how, work=seen, **given)
            found = Findings((one,), options.seed, one.seconds)
        else:
            found = check_all([each.number for each in chosen], **how, work=seen)
    return _answered(options, found, options.out)


def _resumed(options: argparse.Namespace, given: dict[str, int]) -> int:
    """Go on with a run."""
    from exactformer.theorems import resume

    asked = [*given, *(name for name in ("theorems", "instances", "seed", "out") if getattr(options, name))]
    if asked:
        raise InvalidInput(f"--resume: expected no {asked[0]} beside it, as the folder says what the run was asked")
    with working(options) as work, shown(options, work) as seen:
        found = resume(options.resume, timeout=options.timeout, work=seen)
    return _answered(options, found, options.resume)


def _answered(options: argparse.Namespace, found: Any, folder: str | None) -> int:
    """Write the pages beside the record of all instances, and print the answer."""
    from exactformer.documents.pages import rendered
    from exactformer.formats.files import read_bytes
    from exactformer.manifest import write_files
    from exactformer.theorems.document import answer_lines
    from exactformer.theorems.journal import FILE

    if folder:
        record = {FILE: read_bytes(Path(folder) / FILE, follow=False)}
        write_files(Path(folder), "report", {**dict(rendered(found.document(), STEM)), **record})
    if options.json:
        print(json.dumps(found.to_json()))
    elif not options.quiet:
        say(answer_lines(found))
        say([f"resumed  {found.resumed} instances are from the record in {folder}"] if found.resumed else [])
        say([f"written  {folder}/{PAGE}"] if folder else [])
    return EXIT[found.outcome]


def _for_all_weights(options: argparse.Namespace, sizes: dict[str, Any]) -> int:
    """Prove one statement for all weights of a shape."""
    from exactformer.theorems.all_weights import check_folder, for_all_weights

    if len(options.theorems) != 1:
        raise InvalidInput(f"--all-weights: expected the number of one theorem, found {len(options.theorems)}")
    if options.instances is not None:
        raise InvalidInput("--instances: expected no number of instances, as --all-weights proves them all at once")
    sizes |= {name: value for name in SHAPE if (value := getattr(options, name)) is not None}
    if options.out:
        check_folder(options.out)
    found = for_all_weights(options.theorems[0], timeout=options.timeout, **sizes)
    if options.out and found.verdict == "proved":
        found.write(options.out)
    if options.json:
        written = f"{options.out}/certificate.json" if options.out and found.verdict == "proved" else None
        print(json.dumps({**found.to_json(), "certificate": written}))
    elif not options.quiet:
        say(str(found).splitlines())
        if options.out and found.verdict == "proved":
            say([f"  written   {options.out}/statement.md, {options.out}/certificate.json"])
            say([f"  re-check  exactformer check {options.out}"])
    return VERDICT[found.verdict]


def _widths(text: str) -> list[int]:
    return [positive(part) for part in text.split(",")]


def _listed(options: argparse.Namespace, given: dict[str, int]) -> int:
    """Print all theorems."""
    from exactformer.theorems import THEOREMS
    from exactformer.theorems.document import list_lines

    asked = [*given, *(name for name in ("instances", "out") if getattr(options, name) is not None)]
    if asked:
        raise no_effect(", ".join(f"--{name}" for name in asked), "the number of a theorem, or all")
    if options.json:
        print(json.dumps({"theorems": [each.to_json() for each in THEOREMS]}))
    elif not options.quiet:
        say(list_lines(THEOREMS))
    return PROVED
