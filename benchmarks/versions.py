"""The same work by this version of the package and by another one: large networks, and batches.

CPU seconds of whole processes with their children, one after the other: from the file to the written proof, and
`exactformer check` on it. Of batches the CPU time of the compiled Transformer over that of its source, for one thread.
Usage: python benchmarks/versions.py [--other FOLDER] [--limit SECONDS] [--small] [FILE]
FOLDER is a checkout of another version, FILE a ReLU network for the batches, such as ACASXU_experimental_v2a_1_1.nnet.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parents[1]  # where Python runs, the package is found first
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
BATCH = """
import sys, time
import numpy as np
import exactformer as ef
from exactformer.compiler import compile_network
from exactformer.numeric import compile_numeric
source = ef.load(sys.argv[1])
sides = compile_numeric(compile_network(source).transformer), compile_numeric(source)
low, high = (np.array([float(x) for x in ends]) for ends in (source.domain.lower, source.domain.upper))
for count in map(int, sys.argv[2:]):
    points = np.random.default_rng(0).uniform(low, high, (count, source.inputs))
    best = [float("inf")] * 2
    for _ in range(9):
        for side, network in enumerate(sides):
            started = time.process_time()
            ef.evaluate_batch(network, points)
            best[side] = min(best[side], time.process_time() - started)
    print(f"{best[0] / best[1]:.1f}")
"""


def as_text(x: float) -> str:
    """The float as its decimal text."""
    return repr(x)


def as_float32(x: float) -> str:
    """The float32 nearest to it, exactly."""
    return str(Fraction(float(np.float32(x))))


def network(inputs: int, widths: Sequence[int], outputs: int, written: Callable[[float], str]) -> dict[str, Any]:
    """A ReLU network of the format exactformer/network-1, with seeded weights, on [0, 1]^n."""
    r = random.Random(f"{inputs} {widths} {outputs}")

    def affine(high: int, low: int) -> dict[str, Any]:
        scale = (2 / low) ** 0.5
        weights = [[written(r.gauss(0, scale)) for _ in range(low)] for _ in range(high)]
        return {"weights": weights, "biases": [written(r.gauss(0, 0.1)) for _ in range(high)]}

    sizes = [inputs, *widths]
    layers = [affine(high, low) for low, high in zip(sizes, widths, strict=False)]
    domain = {"lower": [0] * inputs, "upper": [1] * inputs}
    value = {"format": "exactformer/network-1", "kind": "relu", "layers": layers, "domain": domain}
    return {**value, "output": affine(outputs, sizes[-1])}


FAMILY = (
    ("784-20x40-10, decimal text", 784, [40] * 20, 10, as_text, True),
    ("784-256x4-10, float32", 784, [256] * 4, 10, as_float32, True),
    *((f"2-{width}-1, decimal text", 2, [width], 1, as_text, False) for width in (500, 1000, 2000, 5000)),
)
SMALL = (("2-3x2-1, decimal text", 2, [3] * 2, 1, as_text, True),)


@dataclass(frozen=True)
class Used:
    """The CPU seconds of a command, or those that it had used when it was stopped."""

    seconds: float
    ended: bool = True

    def __str__(self) -> str:
        return f"{self.seconds:.2f}" if self.ended else f"over {self.seconds:.0f}"


def used(words: Sequence[str], source: Path, limit: float) -> Used:
    """What a command uses that must answer with code 0, by the package in a folder; stopped after so many seconds."""
    before = os.times()
    run = subprocess.Popen(words, cwd=source, env=ENVIRONMENT, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        code = run.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        code = None
    if code:
        raise SystemExit(f"{' '.join(words)}: exit code {code}")
    after = os.times()
    taken = after.children_user + after.children_system - before.children_user - before.children_system
    return Used(taken, code is not None)


def row(name: str, cells: Sequence[Used | None]) -> None:
    """A line of the table: the other version first, if there is one, then how many times as fast this one is."""
    shown = ["-" if cell is None else str(cell) for cell in cells]
    if len(cells) == 2 and cells[0] and cells[1] and cells[1].ended:
        shown.append(f"{'> ' * (not cells[0].ended)}{cells[0].seconds / cells[1].seconds:.1f}")
    print(f"{name:<36}" + "".join(f"{text:>12}" for text in shown), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", metavar="FILE")
    parser.add_argument("--other", metavar="FOLDER", help="a checkout of another version")
    parser.add_argument(
        "--limit", type=float, default=300.0, metavar="SECONDS", help="of each command, by the clock; default: 300"
    )
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    versions = [Path(options.other).absolute()] if options.other else []
    versions.append(HERE)
    heads = ("other s", "this s", "ratio")[2 - len(versions) : 1 + len(versions)]
    print(f"{'':<36}" + "".join(f"{head:>12}" for head in heads))
    program = (sys.executable, "-m", "exactformer")
    for name, inputs, widths, outputs, written, checks in SMALL if options.small else FAMILY:
        with tempfile.TemporaryDirectory() as place:
            file = Path(place, "network.json")
            file.write_text(json.dumps(network(inputs, widths, outputs, written)))
            folders = [Path(place, str(number)) for number in range(len(versions))]
            pairs = list(zip(folders, versions, strict=True))
            words = (*program, "prove", str(file), "--timeout", "3600", "--quiet", "--out")
            found = [used((*words, str(folder)), version, options.limit) for folder, version in pairs]
            row(f"prove {name}", found)
            if checks:
                again = [
                    used((*program, "check", str(folder)), version, options.limit) if proved.ended else None
                    for proved, (folder, version) in zip(found, pairs, strict=True)
                ]
                row(f"check {name}", again)
    if options.file:
        counts = ("1", "100", "10000")
        ratios = []
        for version in versions:
            command = [sys.executable, "-c", BATCH, str(Path(options.file).absolute()), *counts]
            run = subprocess.run(command, cwd=version, env=ENVIRONMENT, capture_output=True, text=True, check=True)
            ratios.append([float(line) for line in run.stdout.split()])
        for number, count in enumerate(counts):
            row(f"batch of {int(count):,}, over its source", [Used(found[number]) for found in ratios])


if __name__ == "__main__":
    main()
