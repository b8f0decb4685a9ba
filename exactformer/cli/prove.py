"""`prove`: compile a network and prove that both compute the same function."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from exactformer.cli.answers import finish, proof_folder
from exactformer.cli.options import (
    about,
    asked_domain,
    chosen,
    construction_options,
    network_in,
    progress_line,
    proving_options,
    search,
)
from exactformer.cli.parser import command


def add(commands: Any) -> None:
    """The options of `prove`."""
    parser = command(commands, "prove", run, "compile a network, prove it, write certificate and report")
    parser.add_argument("network", metavar="NETWORK", help="a maxout or ReLU network (.json, .nnet, .onnx)")
    construction_options(parser)
    proving_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run `prove`; returns the exit code."""
    from exactformer.prover.driver import prove

    network = network_in(options.network, options)
    domain = asked_domain(options, network.inputs)
    how = {**chosen(options), **search(options)}
    folder = proof_folder(options, Path(options.network).stem, {"left.json": network})
    with about(options.network), progress_line(options) as progress:
        outcome = prove(network, domain=domain, **how, progress=progress)
    return finish(options, outcome, folder)
