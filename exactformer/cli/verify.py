"""`verify`: does a claim hold of one or two networks, or of every member of a family?"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from exactformer.cli.answers import finish, proof_folder, say, write, written_lines
from exactformer.cli.exits import EXIT
from exactformer.cli.options import (
    about,
    asked_domain,
    asked_temperature,
    base_option,
    input_files,
    network_in,
    no_effect,
    proving_options,
    read_correspondence_file,
    search,
)
from exactformer.cli.parser import command, positive
from exactformer.cli.progress import shown
from exactformer.cli.working import working, working_options
from exactformer.errors import InvalidInput, Unsupported

FAMILY = "family"


def add(commands: Any) -> None:
    """The options of `verify`."""
    from exactformer.claims import FORMS

    parser = command(commands, "verify", run, "are two networks of any kinds equal, or does another claim hold?")
    parser.add_argument("left", metavar="A", nargs="?")
    parser.add_argument("right", metavar="B", nargs="?", help="not for claims about one network")
    parser.add_argument("--claim", default="equal", metavar="CLAIM", help="default: equal; " + ", ".join(FORMS[1:]))
    parser.add_argument("--correspondence", metavar="FILE", help="where the units of A live in B, for the trace")
    parser.add_argument("--family", metavar="FILE", help="a Python file whose pairs() yields networks; it is executed")
    parser.add_argument("--instances", type=positive, metavar="N", help="of the family; default: all")
    parser.add_argument("--resume", action="store_true", help="go on with the run of a family recorded in --out")
    proving_options(parser)
    working_options(parser)
    for side, letter in (("left", "A"), ("right", "B")):
        text = f"read {letter} with softmax at inverse temperature L, or at one a layer"
        parser.add_argument(f"--{side}-temperature", metavar="L[,L...]", help=text)
    base_option(parser)


def run(options: argparse.Namespace) -> int:
    """Run `verify`; returns the exit code."""
    from exactformer.claims import read_claim
    from exactformer.prover.driver import verify

    claim = read_claim(options.claim)
    if options.family is not None:
        return _verify_family(options, claim)
    if options.instances is not None:
        raise no_effect("--instances", "--family")
    if options.resume:
        raise no_effect("--resume", "--family")
    if options.correspondence is not None and claim.networks == 1:
        raise no_effect("--correspondence", "a claim about two networks")
    files = [name for name in (options.left, options.right) if name is not None]
    if len(files) != claim.networks:
        wanted = ("one network file, A", "two network files, A and B")[claim.networks - 1]
        raise InvalidInput(f"claim {claim.name}: expected {wanted}, found {len(files)}")
    left, *others = (network_in(name, options) for name in files)
    right = others[0] if others else None
    domain = asked_domain(options, left.inputs)
    name = "-".join(Path(file).stem for file in files)
    how = {**search(options), **_softmax(options), "correspondence": read_correspondence_file(options.correspondence)}
    networks = {"left.json": left} if right is None else {"left.json": left, "right.json": right}
    folder = proof_folder(options, name if right is not None else f"{name}-{claim.name}", networks)
    with working(options, folder) as work:
        with about(", ".join(files)), shown(options, work) as seen:
            outcome = verify(left, right, claim=claim, domain=domain, **how, work=seen)
        return finish(options, outcome, folder, work)


def _softmax(options: argparse.Namespace) -> dict[str, Any]:
    """How the sides are read, as arguments of `verify`."""
    rates = {name: asked_temperature(options, name) or None for name in ("left_temperature", "right_temperature")}
    given = any(rates.values())
    if options.base is not None and not given:
        raise no_effect("--base", "--left-temperature or --right-temperature")
    if options.obligations and given:
        raise Unsupported("--obligations: expected no temperature, found softmax, whose exponentials SMT-LIB has not")
    return {**rates, "base": options.base or "e"}


def _verify_family(options: argparse.Namespace, claim: Any) -> int:
    """Test a conjecture; a counterexample is written as a proof folder, with the report of the family beside it.

    Without a counterexample that report is written alone, if a folder was asked for.
    """
    from exactformer.documents.pages import names, rendered
    from exactformer.folder import summary
    from exactformer.formats.files import read_bytes
    from exactformer.manifest import write_files
    from exactformer.prover.family import load_family, verify_family
    from exactformer.prover.record import FILE

    for name in (options.left, options.correspondence):
        if name is not None:
            raise InvalidInput(f"--family: expected no other files beside it, found {name}")
    how = {
        **search(options),
        **_softmax(options),
        "claim": claim,
        "domain": lambda inputs: asked_domain(options, inputs),
    }
    folder = proof_folder(options, Path(options.family).stem, {}, names(FAMILY))
    with (
        about(options.family),
        redirect_stdout(sys.stderr),
        working(options) as work,
        shown(options, work) as seen,
    ):  # whatever the file prints is no answer
        pairs, rebuild = load_family(Path(options.family), seed=options.seed)
        record = _record(options, claim, folder)
        limits = {"limit": options.instances, "work": seen, "record": record}
        result = verify_family(pairs, rebuild=rebuild, **limits, **how)
    found = result.counterexample
    numbers = {"proved": result.proved, "unknown": result.unknown, "instance": result.instance, "shrunk": result.shrunk}
    numbers["resumed"] = result.resumed
    pages: dict[str, Any] = dict(rendered(result.document(), FAMILY))
    if record is not None:
        pages[FILE] = read_bytes(record.path, follow=False)
    if found is not None:
        write(options, found, folder, pages)
    elif options.out:
        write_files(folder, "proof", pages, inputs=input_files(options))
    if options.json:
        answer = {"verdict": result.verdict, "claim": claim.name, **numbers, "seconds": round(result.seconds, 6)}
        print(json.dumps({**answer, "counterexample": None if found is None else summary(found, folder)}))
    elif not options.quiet:
        say(str(result).splitlines())
        if found is not None:
            say(written_lines(found, folder))
        if found is not None or options.out:
            say([f"  family    {folder}/{FAMILY}.html"])
    return EXIT[result.verdict]


def _record(options: argparse.Namespace, claim: Any, folder: Path) -> Any:
    """The record of what is proved, in the folder that was asked for: an earlier one to go on with, or a new one."""
    from exactformer.manifest import write_files
    from exactformer.prover.record import FILE, Record

    if not options.out:
        if options.resume:
            raise no_effect("--resume", "--out")
        return None
    names = ("tie", "seed", "left_temperature", "right_temperature", "base", "certified")
    asked = {"claim": claim.written, **{name: getattr(options, name) for name in names}}
    if options.resume:
        return Record.read(folder / FILE, asked)
    try:
        write_files(folder, "proof", {FILE: Record.first_line(asked)}, inputs=input_files(options))
    except InvalidInput as error:
        hint = "; --resume goes on with a run" if (folder / FILE).is_file() else ""
        raise InvalidInput(f"{error}{hint}") from None
    return Record(folder / FILE)
