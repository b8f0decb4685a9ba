"""`export`: the Transformer of a network for other engines."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from exactformer.cli.answers import say
from exactformer.cli.exits import PROVED, UNKNOWN
from exactformer.cli.options import (
    about,
    asked_domain,
    asked_temperature,
    check_inhabited,
    chosen,
    construction_options,
    domain_options,
    input_files,
    network_in,
    no_effect,
)
from exactformer.cli.parser import command, natural, positive, seconds

FORMATS = ("onnx", "npz", "safetensors", "torch")


def formats(text: str) -> tuple[str, ...]:
    """The formats in a list with commas."""
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not set(found) <= set(FORMATS):
        raise argparse.ArgumentTypeError(f"expected some of {','.join(FORMATS)}, found {text.strip() or 'nothing'}")
    return found


def add(commands: Any) -> None:
    """The options of `export`."""
    parser = command(commands, "export", run, "write the Transformer for other engines (ONNX, NumPy, PyTorch)")
    parser.add_argument("network", metavar="NETWORK")
    parser.add_argument(
        "--formats", type=formats, default=("onnx",), metavar="F,F,...", help=f"of {','.join(FORMATS)}; default: onnx"
    )
    parser.add_argument("--type", default="float64", choices=("float64", "float32"), help="of the weights")
    parser.add_argument("--temperature", metavar="L", help="softmax at inverse temperature L, or L,L,... one a block")
    parser.add_argument("--tie", default="average", choices=("average", "leftmost", "rightmost"))
    construction_options(parser)
    domain_options(parser)
    parser.add_argument("--out", metavar="DIR", help="the folder (default: NAME-export)")
    parser.add_argument("--ratio", metavar="R", help="of the bounds of what rounding changed; default: 2")
    parser.add_argument("--timeout", type=seconds, default=300.0, metavar="SECONDS", help="default: 300")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the search for points")
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help="processes that search")


def run(options: argparse.Namespace) -> int:
    """Run `export`; returns the exit code."""
    from exactformer.exporting import export, write_export
    from exactformer.exporting.folder import check_export_folder

    network = network_in(options.network, options)
    compiled = chosen(options)
    if network.kind == "transformer" and options.construction is not None:
        raise no_effect("--construction", "a network that is no Transformer yet")
    domain = asked_domain(options, network.inputs)
    if domain is None and network.domain is not None:
        check_inhabited(network.domain, options.network)
    name = re.sub(r"[^\w.+-]", "_", Path(options.network).name.partition(".")[0])
    folder, inputs = Path(options.out or f"{name}-export"), input_files(options)
    check_export_folder(folder, options.formats, inputs=inputs)
    with about(options.network):
        made = export(
            network,
            domain=domain,
            temperature=asked_temperature(options, "temperature") or None,
            **{"construction": "gated", "arity": 2} if network.kind == "transformer" else compiled,
            **{name: getattr(options, name) for name in ("tie", "type", "timeout", "seed", "jobs")},
            ratio=2 if options.ratio is None else options.ratio,
        )
        files = write_export(made, folder, formats=options.formats, original=Path(options.network), inputs=inputs)
    _say(options, made, folder, files)
    return PROVED if made.certain else UNKNOWN


def _say(options: argparse.Namespace, made: Any, folder: Path, files: tuple[str, ...]) -> None:
    from exactformer.cli.measures import keys_of
    from exactformer.exporting.document import rows

    found = made.distance
    proof = found is not None and found.outcome is not None and found.outcome.certificate is not None
    if options.json:
        value = {
            "verdict": "proved" if made.certain else "unknown",
            "type": made.type,
            "attention": made.reading,
            "rounded": made.changed,
            "upper": None if made.changed else "0",
            "lower": None if made.changed else "0",
            **({} if found is None else keys_of(found)),
            "folder": str(folder),
            "files": list(files),
            "certificate": str(folder / "rounding" / "certificate.json") if proof else None,
            "reason": made.reason,
        }
        print(json.dumps(value))
    elif not options.quiet:
        (verdict, headline), *facts = rows(made)
        say([f"{verdict.upper():7} {headline}", *(f"  {name:9} {text}" for name, text in facts)])
        say([f"  written   {folder}/{name}" for name in files if name.startswith(("transformer.", "torch."))])
        if proof:
            say([f"  re-check  exactformer check {folder}/rounding"])
        if any(name.endswith(".onnx") for name in files):
            say([f"  run       exactformer replay {folder}"])
