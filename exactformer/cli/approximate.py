"""`approximate`: a function, an accuracy and a box; out come a Transformer and the proof of how near it is."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from exactformer.cli.answers import say
from exactformer.cli.exits import EXIT
from exactformer.cli.measures import number, point_of, value_of
from exactformer.cli.options import (
    asked_domain,
    asked_function,
    chosen,
    construction_options,
    input_files,
)
from exactformer.cli.parser import command, seconds
from exactformer.cli.progress import progress_options, shown


def add(commands: Any) -> None:
    """The options of `approximate`."""
    parser = command(commands, "approximate", run, "a Transformer near a function, with a proof from end to end")
    parser.add_argument("formula", metavar="FORMULA", help="such as 'sin(3*x) + x^2/2', or a file of a function")
    parser.add_argument("--variables", metavar="X,Y,...", help="its inputs in order; default: sorted by name")
    parser.add_argument("--epsilon", metavar="E", required=True, help="how far from the function it may be")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--box", nargs=2, metavar=("LO", "HI"), help="every input from LO to HI")
    where.add_argument("--domain", metavar="FILE", help="a box as JSON: lower, upper")
    parser.add_argument("--hard", action="store_true", help="hard attention, in place of softmax at a temperature")
    parser.add_argument("--form", default="auto", choices=("auto", "M1", "M2", "M4", "M5", "S2"), help="of the network")
    construction_options(parser)
    parser.add_argument("--out", metavar="DIR", help="the proof folder")
    parser.add_argument("--timeout", type=seconds, default=300.0, metavar="SECONDS", help="default: 300")
    parser.add_argument("--kernel", action="store_true", help="put the kernel's source into the proof folder")
    progress_options(parser)
    parser.set_defaults(everywhere=False)


def run(options: argparse.Namespace) -> int:
    """Run `approximate`; returns the exit code."""
    from exactformer.approximation import approximate
    from exactformer.documents.pages import names, rendered
    from exactformer.folder import chain_names, write_chain
    from exactformer.manifest import check_place

    file = Path(options.formula) if options.formula.endswith(".json") else None
    options.network, options.formula = (str(file), None) if file else (None, options.formula)
    function, _ = asked_function(options)
    domain = asked_domain(options, function.inputs)
    folder = Path(options.out or re.sub(r"[^\w.+-]+", "_", file.stem if file else "function") + "-approximation")
    written = [*chain_names(2, kernel=options.kernel), *names(options.command)]
    check_place(folder, "proof", written, inputs=input_files(options))
    from exactformer.work import ALONE, Status

    with shown(options, ALONE) as seen:
        found = approximate(
            function,
            epsilon=options.epsilon,
            domain=domain,
            form=options.form,
            hard=options.hard,
            construction=options.construction,
            arity=chosen(options)["arity"],
            timeout=options.timeout,
            progress=lambda done, still_open: seen.watch(Status("cells", done, still_open)),
        )
    if found.chain is not None:
        pages = dict(rendered(found.document(), options.command))
        write_chain(found.chain, folder, kernel=options.kernel, inputs=input_files(options), beside=pages)
    if options.json:
        print(json.dumps(_answer(found, folder)))
    elif not options.quiet:
        say(str(found).splitlines())
        if found.chain is not None:
            say([f"  written   {folder}/", f"  page      {folder}/{options.command}.html"])
    return EXIT[found.verdict]


def _answer(found: Any, folder: Path) -> dict[str, Any]:
    """The stable JSON keys."""
    from exactformer.rational import nearly

    chain = found.chain
    return {
        "verdict": found.verdict,
        "method": "approximate",
        "claim": None if chain is None else chain.claim,
        "function": found.function.formula,
        "domain": found.domain.to_json(),
        "upper": number(found.upper),
        "lower": number(found.lower),
        "value": value_of(found.extreme.value),
        "ratio": None if found.extreme.ratio is None else nearly(found.extreme.ratio),
        "point": point_of(found.point),
        "epsilon": number(found.epsilon),
        "parts": [number(part) for part in found.parts],
        "pieces": found.pieces,
        "form": found.interpolant.form,
        "temperature": [number(rate) for rate in found.temperature] or None,
        "certificate": None if chain is None else str(folder / "certificate.json"),
        "theorem": found.theorem,
        "reason": found.reason,
        "seconds": round(found.seconds, 6),
        "counts": {} if chain is None else chain.counts,
    }
