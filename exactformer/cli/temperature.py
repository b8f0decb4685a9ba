"""`temperature`: how far a network is from its compiled Transformer under softmax, or the temperature that suffices."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from exactformer.cli.measures import answer, folder_for, how, keys_of, measuring_options, number
from exactformer.cli.options import (
    about,
    asked_domain,
    asked_temperature,
    chosen,
    construction_options,
    network_in,
    no_effect,
)
from exactformer.cli.parser import command
from exactformer.cli.progress import shown
from exactformer.cli.working import working
from exactformer.errors import InvalidInput


def add(commands: Any) -> None:
    """The options of `temperature`."""
    text = "the certified error of the compiled Transformer under softmax, or the temperature for an error"
    parser = command(commands, "temperature", run, text)
    parser.add_argument("network", metavar="NETWORK", help="a maxout or ReLU network")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--temperature", metavar="L", help="the inverse temperature, or L,L,... one a layer")
    which.add_argument("--epsilon", metavar="E", help="the error that is allowed: which temperature suffices?")
    parser.add_argument("--tight", action="store_true", help="search, until the bound is --ratio times a point's error")
    construction_options(parser)
    measuring_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run `temperature`; returns the exit code."""
    from exactformer.measuring import temperature
    from exactformer.networks import Function, Transformer

    if options.ratio is not None and not options.tight:
        raise no_effect("--ratio", "--tight")
    if options.jobs > 1 and not options.tight:
        raise no_effect("--jobs", "--tight")
    network = network_in(options.network, options)
    if isinstance(network, (Transformer, Function)):
        found = "a Transformer; ask distance" if isinstance(network, Transformer) else "a function"
        raise InvalidInput(f"{options.network}: expected a maxout or ReLU network, found {found}")
    domain = asked_domain(options, network.inputs)
    folder = folder_for(options, f"{Path(options.network).stem}-temperature", {"left.json": network})
    with working(options, folder) as work:
        with about(options.network), shown(options, work) as seen:
            result = temperature(
                network,
                value=asked_temperature(options, "temperature") or None,
                epsilon=options.epsilon,
                tight=options.tight,
                domain=domain,
                work=seen,
                **chosen(options),
                **how(options),
            )
        keys = {**keys_of(result), "temperature": [number(x) for x in result.temperature]}
        return answer(options, result, folder, work, keys)
