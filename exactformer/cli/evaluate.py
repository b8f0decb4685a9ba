"""`evaluate`: the exact value of a network or formula at a point, or an enclosure of it where it is irrational."""

from __future__ import annotations

import argparse
import json
from fractions import Fraction
from typing import Any

from exactformer.cli.exits import PROVED
from exactformer.cli.options import (
    about,
    asked_function,
    asked_temperature,
    base_option,
    formula_options,
    no_effect,
    read_points,
)
from exactformer.cli.parser import command
from exactformer.errors import Faults


def add(commands: Any) -> None:
    """The options of `evaluate`."""
    parser = command(commands, "evaluate", run, "the exact value of a network at a point")
    parser.add_argument("network", metavar="NETWORK", nargs="?")
    formula_options(parser)
    parser.add_argument("--at", required=True, action="append", metavar="X,Y,...", help="the point (repeatable)")
    parser.add_argument(
        "--tie", choices=("average", "leftmost", "rightmost"), help="of a Transformer; default: average"
    )
    parser.add_argument("--temperature", metavar="L[,L...]", help="softmax at inverse temperature L, or at one a layer")
    base_option(parser)


def run(options: argparse.Namespace) -> int:
    """Run `evaluate`; returns the exit code."""
    from exactformer.enclosure import Enclosure, value_json
    from exactformer.networks.semantics import Semantics

    network, source = asked_function(options)
    if options.tie is not None and (network.kind != "transformer" or options.temperature is not None):
        raise no_effect("--tie", "a Transformer, and without --temperature")
    if options.base is not None and options.temperature is None:
        raise no_effect("--base", "--temperature")
    semantics = Semantics(options.tie or "average", asked_temperature(options, "temperature"), options.base or "e")
    faults = Faults()
    if semantics.soft and network.kind == "function":
        raise no_effect("--temperature", "a network that is no function")
    semantics.fit(network, "--temperature", faults)
    faults.settle()
    points = [[x.strip() for x in text.split(",")] if text.strip() else [] for text in options.at]
    exact = read_points(points, network.inputs)
    with about(source):
        found = [_values(network, x, semantics) for x in exact]
        if options.json:
            enclosed = any(isinstance(y, Enclosure) for value in found for y in value)
            answer = {"points": points, "values": [list(map(_value, value)) for value in found], "exact": not enclosed}
            exactly = {"enclosures": [list(map(value_json, value)) for value in found]} if enclosed else {}
            text = json.dumps(answer | exactly)
        else:
            text = "\n".join(", ".join(map(_digits, value)) for value in found)
    print(text)
    return PROVED


def _values(network: Any, point: Any, semantics: Any) -> Any:
    """Exact, or as narrow as they are computed: nobody compares them."""
    from exactformer.prover.question import evaluate_exactly

    if not semantics.soft:
        return evaluate_exactly(network, point, semantics)
    from exactformer.networks.balls import values_at

    return values_at(network, point, semantics, Fraction(0))


def _digits(value: Any) -> str:
    """A number exactly, or with all digits that are certain."""
    from exactformer.enclosure import Enclosure
    from exactformer.rational import number_text

    return value.certain() if isinstance(value, Enclosure) else str(number_text(value))


def _value(value: Any) -> int | str | float | None:
    """A number exactly, or the float in the middle of an enclosure; null beyond the range of floats."""
    from exactformer.enclosure import Enclosure
    from exactformer.rational import number_text

    if not isinstance(value, Enclosure):
        return number_text(value)
    try:
        return float((value.lower + value.upper) / 2)
    except OverflowError:
        return None
