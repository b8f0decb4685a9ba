"""`prove`: compile a network and prove that both compute the same function."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from exactformer.cli.answers import finish, proof_folder
from exactformer.cli.options import (
    about,
    asked_domain,
    chosen,
    construction_options,
    network_in,
    proving_options,
    search,
)
from exactformer.cli.parser import command
from exactformer.cli.progress import shown
from exactformer.cli.working import working, working_options

MANY = 1_000_000  # weights from which on it is said what a proof takes
MICROSECONDS, BYTES = (
    (30, 40),
    (1000, 300),
)  # for each of them, and for each again and piece of its unit beyond the first


def add(commands: Any) -> None:
    """The options of `prove`."""
    parser = command(commands, "prove", run, "compile a network, prove it, write certificate and report")
    parser.add_argument("network", metavar="NETWORK", help="a maxout or ReLU network (.json, .nnet, .onnx)")
    construction_options(parser)
    proving_options(parser)
    working_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run `prove`; returns the exit code."""
    from exactformer.prover.driver import prove

    network = network_in(options.network, options)
    domain = asked_domain(options, network.inputs)
    how = {**chosen(options), **search(options)}
    folder = proof_folder(options, Path(options.network).stem, {"left.json": network})
    if not options.quiet:
        _foretell(network)
    with working(options, folder) as work:
        with about(options.network), shown(options, work) as seen:
            outcome = prove(network, domain=domain, **how, work=seen)
        return finish(options, outcome, folder, work)


def _foretell(network: Any) -> None:
    """Say on standard error what a proof about a very large network takes: it shows no progress before it is done."""
    layers = [getattr(layer, "pieces", layer) for layer in getattr(network, "layers", ())]
    weights = sum(layer.weights.nonzeros for layer in layers)
    if weights < MANY:
        return
    more = max(1, getattr(network, "rank", 2) - 1)
    minutes, gigabytes = (weights * (one + more * each) for one, each in (MICROSECONDS, BYTES))
    expected = f"expect about {minutes / 60e6:.0f} minutes and {gigabytes / 1e9:.0f} GB of memory"
    print(f"exactformer: {weights} weights: {expected}; --timeout SECONDS ends it earlier", file=sys.stderr)
