"""How time and memory grow with the width, the depth, the channels and the picture of networks in ONNX files.

CPU seconds and peak memory of whole processes, one after the other: reading the file, from the file to the written
proof, and `exactformer check` on it; seeded weights in float32, on the box [0, 1]^n. Weights are those that are not 0,
of convolutions as often as they are applied. The last column should not grow within a block of the table.
Usage: python benchmarks/growth.py [--large | --small]   (--large: only a network of 4.9 million weights, many minutes)
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exactformer.formats.graphs.graph import Array, Graph, Node
from exactformer.formats.onnx_writer import dump

READING = """
import sys, time
from exactformer.formats.files import read
import exactformer.formats.onnx, onnx
started = time.process_time()
network = read(__import__("pathlib").Path(sys.argv[1])).network
layers = [getattr(layer, "pieces", layer) for layer in network.layers]
print(time.process_time() - started, sum(a.weights.nonzeros for a in (*layers, network.output)), network.size)
"""


class Weights:
    """Seeded constants of a graph, by their names."""

    def __init__(self) -> None:
        self.made: dict[str, Array] = {}
        self.random = np.random.default_rng(0)

    def __call__(self, *shape: int) -> str:
        """The name of new weights, of a size that keeps values about as large as they were."""
        name = f"w{len(self.made)}"
        scale = (2 / max(int(np.prod(shape[1:])), 1)) ** 0.5 if len(shape) > 1 else 0.1
        self.made[name] = Array((self.random.standard_normal(shape) * scale).astype(np.float32), "float")
        return name


def dense(inputs: int, widths: Sequence[int], outputs: int = 10) -> bytes:
    """A ReLU network of Gemm and Relu."""
    weights, nodes, value = Weights(), list[Node](), "x"
    for number, (low, high) in enumerate(zip((inputs, *widths), (*widths, outputs), strict=True)):
        last = number == len(widths)
        made = "y" if last else f"a{number}"
        nodes.append(Node("Gemm", (value, weights(high, low), weights(high)), (made,), {"transB": 1}, made))
        if not last:
            nodes.append(Node("Relu", (made,), (f"h{number}",), {}, f"h{number}"))
            value = f"h{number}"
    return dump(Graph("x", (1, inputs), "float", weights.made, tuple(nodes), "y"), outputs)


def pictures(side: int, channels: int, kernel: int, hidden: int, outputs: int = 10) -> bytes:
    """Two Conv with Relu, a MaxPool of 2 x 2, and two Gemm, on pictures in grey."""
    weights, pooled = Weights(), (side - 2 * kernel + 2) // 2
    steps: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
        ("Conv", (weights(channels, 1, kernel, kernel), weights(channels)), {}),
        ("Relu", (), {}),
        ("Conv", (weights(channels, channels, kernel, kernel), weights(channels)), {}),
        ("Relu", (), {}),
        ("MaxPool", (), {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Flatten", (), {}),
        ("Gemm", (weights(hidden, channels * pooled**2), weights(hidden)), {"transB": 1}),
        ("Relu", (), {}),
        ("Gemm", (weights(outputs, hidden), weights(outputs)), {"transB": 1}),
    ]
    names = ["x", *(f"v{i}" for i in range(len(steps) - 1)), "y"]
    nodes = [
        Node(operator, (names[i], *constants), (names[i + 1],), attributes, f"{operator} {i}")
        for i, (operator, constants, attributes) in enumerate(steps)
    ]
    return dump(Graph("x", (1, 1, side, side), "float", weights.made, tuple(nodes), "y"), outputs)


def family() -> list[tuple[str, list[tuple[str, bytes]]]]:
    """Blocks of networks, in each of which one size grows."""
    return [
        ("bars", [("784-40x20-10", dense(784, [40] * 20)), ("784-256x4-10", dense(784, [256] * 4))]),
        ("width", [(f"50-{w}x3-10", dense(50, [w] * 3)) for w in (50, 100, 200)]),
        ("depth", [(f"50-40x{d}-10", dense(50, [40] * d)) for d in (10, 20, 40)]),
        ("channels", [(f"20 x 20, {c} channels", pictures(20, c, 5, 32)) for c in (2, 4, 8)]),
        ("picture", [(f"{s} x {s}, 4 channels", pictures(s, 4, 5, 32)) for s in (12, 20, 28)]),
        ("as for digits", [("28 x 28, 8 channels", pictures(28, 8, 5, 64))]),
    ]


@dataclass(frozen=True)
class Used:
    """What a command printed, the CPU seconds that it took, and its largest memory in MB."""

    output: str
    seconds: float
    megabytes: float


def used(*words: str) -> Used:
    """What a command that must answer with code 0 has used."""
    run = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert run.stdout is not None
    output = run.stdout.read()
    _, status, usage = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {run.returncode}")
    return Used(output, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def row(name: str, data: bytes) -> None:
    """Measure a network and print its line."""
    with tempfile.TemporaryDirectory() as place:
        file, folder = Path(place, "network.onnx"), str(Path(place, "proof"))
        file.write_bytes(data)
        reading = used("-c", READING, str(file))
        seconds, weights, _ = reading.output.split()
        prove = used("-m", "exactformer", "prove", str(file), "--box", "0", "1", "--timeout", "3600", "--out", folder)
        check = used("-m", "exactformer", "check", folder)
        words = prove.output.split()[0], check.output.split(":")[0]
    print(
        f"{name:<24}{int(weights):>9}{float(seconds):>8.2f}{prove.seconds:>9.2f}{prove.megabytes:>7.0f}"
        f"{check.seconds:>9.2f}{check.megabytes:>7.0f}{prove.seconds / int(weights) * 1e6:>8.0f}  {', '.join(words)}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="only a network of 4.9 million weights")
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    if options.small:
        blocks = [("smallest", [("5 x 5, 1 channel", pictures(5, 1, 2, 2))])]
    elif options.large:
        blocks = [("large", [("784-2048-1280-512-10", dense(784, [2048, 1280, 512]))])]
    else:
        blocks = family()
    print(f"{'':<24}{'weights':>9}{'read s':>8}{'prove s':>9}{'MB':>7}{'check s':>9}{'MB':>7}{'us each':>8}")
    for name, networks in blocks:
        print(f"{name}:")
        for label, data in networks:
            row(label, data)


if __name__ == "__main__":
    main()
