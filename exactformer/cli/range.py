"""`range`: the smallest and the largest value of each output."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from exactformer.cli.measures import answer, folder_for, how, measuring_options, number, point_of, value_of
from exactformer.cli.options import (
    about,
    asked_domain,
    asked_function,
    asked_temperature,
    formula_options,
    progress_line,
)
from exactformer.cli.parser import command


def add(commands: Any) -> None:
    """The options of `range`."""
    parser = command(commands, "range", run, "the exact minimum and maximum of each output")
    parser.add_argument("network", metavar="NETWORK", nargs="?")
    formula_options(parser)
    parser.add_argument("--temperature", metavar="L", help="under softmax at inverse temperature L, or L,L,...")
    measuring_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run `range`; returns the exit code."""
    from exactformer.measuring import output_range

    network, name = asked_function(options)
    domain = asked_domain(options, network.inputs)
    folder = folder_for(options, f"{Path(name).stem}-range", {"left.json": network})
    with about(name), progress_line(options, "{} cells, {} open") as progress:
        result = output_range(
            network,
            domain=domain,
            temperature=asked_temperature(options, "temperature") or None,
            progress=progress,
            **how(options),
        )
    lows = [None if low.value is None else -low.value for low in result.minima]
    ends = {
        "minimum": list(zip(lows, result.minima, strict=True)),
        "maximum": [(high.value, high) for high in result.maxima],
    }
    keys = {
        "lower": [number(x) for x in result.lower],
        "upper": [number(x) for x in result.upper],
        "ratio": None,
        "point": None,
        **{
            name: [{"value": value_of(value), "point": point_of(end.point)} for value, end in own]
            for name, own in ends.items()
        },
    }
    return answer(options, result, folder, keys)
