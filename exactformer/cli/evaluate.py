"""`evaluate`: the exact value of a network at a point."""

from __future__ import annotations

import argparse
import json
import math
from fractions import Fraction
from typing import Any

from exactformer.cli.exits import PROVED
from exactformer.cli.options import about, no_effect, read_points
from exactformer.cli.parser import command
from exactformer.errors import InvalidInput, Unsupported


def add(commands: Any) -> None:
    """The options of `evaluate`."""
    parser = command(commands, "evaluate", run, "the exact value of a network at a point")
    parser.add_argument("network", metavar="NETWORK")
    parser.add_argument("--at", required=True, action="append", metavar="X,Y,...", help="the point (repeatable)")
    parser.add_argument(
        "--tie", choices=("average", "leftmost", "rightmost"), help="of a Transformer; default: average"
    )
    parser.add_argument("--temperature", metavar="L", help="softmax attention at inverse temperature L, in floats")


def run(options: argparse.Namespace) -> int:
    """Run `evaluate`; returns the exit code."""
    from exactformer.formats import load
    from exactformer.networks.semantics import Semantics
    from exactformer.prover.question import evaluate_exactly
    from exactformer.rational import number_text

    network = load(options.network)
    if options.tie is not None and (network.kind != "transformer" or options.temperature is not None):
        raise no_effect("--tie", "a Transformer, and without --temperature")
    points = [[x.strip() for x in text.split(",")] if text.strip() else [] for text in options.at]
    exact = read_points(points, network.inputs)
    values: list[list[Any]]
    if options.temperature is None:
        semantics = Semantics(options.tie or "average")
        with about(options.network):
            values = [[number_text(y) for y in evaluate_exactly(network, x, semantics)] for x in exact]
    else:
        values = _softmax_values(network, exact, options)
    if options.json:
        finite = [[y if isinstance(y, (int, str)) or math.isfinite(y) else None for y in value] for value in values]
        print(json.dumps({"points": points, "values": finite, "exact": options.temperature is None}))
    else:
        for value in values:
            print(", ".join(map(str, value)))
    return PROVED


def _softmax_values(network: Any, points: list[tuple[Fraction, ...]], options: argparse.Namespace) -> list[list[Any]]:
    from exactformer.networks import Transformer
    from exactformer.numeric import evaluate_batch
    from exactformer.rational import rational

    if not isinstance(network, Transformer):
        raise Unsupported(
            f"{options.network}: expected a Transformer for --temperature, found a {network.kind} network"
        )
    temperature = rational(options.temperature, "--temperature")
    try:
        floats = [[float(x) for x in point] for point in points]
        values = evaluate_batch(network, floats, temperature=float(temperature))
    except OverflowError:
        raise InvalidInput("--at, --temperature: expected numbers in the range of floats, found a larger one") from None
    return [list(map(float, row)) for row in values]
