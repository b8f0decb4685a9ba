"""`range`: the smallest and the largest value of each output."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from exactformer.cli.measures import (
    answer,
    folder_for,
    how,
    measuring_options,
    number,
    point_of,
    value_of,
    witnessed_of,
)
from exactformer.cli.options import (
    about,
    asked_domain,
    asked_function,
    asked_temperature,
    formula_options,
)
from exactformer.cli.parser import command
from exactformer.cli.progress import shown
from exactformer.cli.working import working

ENDS = "minimum", "maximum"


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
    from exactformer.measuring.result import end_name

    network, name = asked_function(options)
    domain = asked_domain(options, network.inputs)
    points = [end_name(word, k, network.outputs) for word in ENDS for k in range(network.outputs)]
    folder = folder_for(options, f"{Path(name).stem}-range", {"left.json": network}, points)
    with working(options, folder) as work:
        with about(name), shown(options, work) as seen:
            result = output_range(
                network,
                domain=domain,
                temperature=asked_temperature(options, "temperature") or None,
                work=seen,
                **how(options),
            )
        lows = [None if low.value is None else -low.value for low in result.minima]
        values = (lows, result.minima), ([high.value for high in result.maxima], result.maxima)
        ends = {word: list(zip(*own, strict=True)) for word, own in zip(ENDS, values, strict=True)}
        witnessed = witnessed_of(result, folder)

        def entry(word: str, k: int) -> dict[str, Any]:
            value, end = ends[word][k]
            name = end_name(word, k, network.outputs)
            place = witnessed[name][0] if name in witnessed else None
            return {"value": value_of(value), "point": point_of(end.point), "certificate": place}

        keys = {
            "lower": [number(x) for x in result.lower],
            "upper": [number(x) for x in result.upper],
            "ratio": None,
            "point": None,
            **{word: [entry(word, k) for k in range(network.outputs)] for word in ENDS},
        }
        return answer(options, result, folder, work, keys, witnessed)
