"""`distance`: how far apart are two networks, at most and at least?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from exactformer.cli.measures import answer, folder_for, how, keys_of, measuring_options
from exactformer.cli.options import (
    about,
    asked_domain,
    asked_temperature,
    network_in,
    read_correspondence_file,
)
from exactformer.cli.parser import command
from exactformer.cli.progress import shown
from exactformer.cli.working import working


def add(commands: Any) -> None:
    """The options of `distance`."""
    parser = command(commands, "distance", run, "the largest difference of two networks, from both sides")
    parser.add_argument("left", metavar="A")
    parser.add_argument("right", metavar="B")
    parser.add_argument("--left-temperature", metavar="L", help="A under softmax at inverse temperature L, or L,L,...")
    parser.add_argument("--right-temperature", metavar="L", help="B under softmax at inverse temperature L, or L,L,...")
    parser.add_argument("--correspondence", metavar="FILE", help="where the units of A live in B")
    measuring_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run `distance`; returns the exit code."""
    from exactformer.measuring import distance

    left, right = (network_in(name, options) for name in (options.left, options.right))
    domain = asked_domain(options, left.inputs)
    name = f"{Path(options.left).stem}-{Path(options.right).stem}-distance"
    folder = folder_for(options, name, {"left.json": left, "right.json": right})
    with working(options, folder) as work:
        with about(f"{options.left}, {options.right}"), shown(options, work) as seen:
            result = distance(
                left,
                right,
                domain=domain,
                left_temperature=asked_temperature(options, "left_temperature") or None,
                right_temperature=asked_temperature(options, "right_temperature") or None,
                correspondence=read_correspondence_file(options.correspondence),
                work=seen,
                **how(options),
            )
        return answer(options, result, folder, work, keys_of(result))
