"""`compile`: write only the Transformer, or compare the sizes of all constructions."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from exactformer.cli.exits import PROVED
from exactformer.cli.options import (
    about,
    asked_domain,
    check_inhabited,
    chosen,
    construction_options,
    domain_options,
    input_files,
    network_in,
    no_effect,
)
from exactformer.cli.parser import command
from exactformer.cli.places import NETWORK_MARK, output_file


def add(commands: Any) -> None:
    """The options of `compile`."""
    parser = command(commands, "compile", run, "write only the Transformer")
    parser.add_argument("network", metavar="NETWORK")
    result = parser.add_mutually_exclusive_group(required=True)
    result.add_argument("-o", "--output", metavar="FILE")
    result.add_argument("--compare", action="store_true", help="only print the sizes of all constructions")
    construction_options(parser)
    domain_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run `compile`; returns the exit code."""
    from exactformer.compiler import compile_network
    from exactformer.formats.files import write_atomically
    from exactformer.formats.network_json import dump

    if options.compare and options.construction is not None:
        raise no_effect("--construction", "-o; --compare shows all constructions")
    place = None if options.compare else _place(options)
    network = network_in(options.network, options)
    domain = asked_domain(options, network.inputs)
    if domain is None and network.domain is not None:
        check_inhabited(network.domain, options.network)
    if place is None:
        return _compare(options, network, domain)
    how = chosen(options)
    with about(options.network):
        compiled = compile_network(network, domain=domain, **how)
        text = dump(compiled.transformer)
    write_atomically(place, text)
    sizes = {line.name: line.counted for line in compiled.sizes}
    if options.json:
        print(json.dumps({"construction": how["construction"], "file": options.output, "counts": sizes}))
    elif not options.quiet:
        width = max(len(line.name) for line in compiled.sizes)
        for line in compiled.sizes:
            relation = "=" if line.exact else "<="
            print(f"{line.name:{width}}  {line.counted:>9} {relation} {line.expected}   ({line.formula})")
    return PROVED


def _place(options: argparse.Namespace) -> Path:
    from exactformer.formats.files import check_name

    path = output_file(options.output, input_files(options), NETWORK_MARK)
    check_name(path)
    return path


def _compare(options: argparse.Namespace, network: Any, domain: Any) -> int:
    """The sizes of all constructions, side by side."""
    from exactformer.compiler import compare_sizes, comparison_text

    with about(options.network):
        rows = compare_sizes(network, domain, arity=options.arity or 2)
    if options.json:
        print(json.dumps({"constructions": [row.to_json() for row in rows]}))
    else:
        print(comparison_text(rows))
    return PROVED
