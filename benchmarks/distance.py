"""How far apart, how far, how soft: bounds from both sides, and how long they took; sampled errors stay below them.

Rows: near networks made by a seed (weights moved by at most 2^-16), networks of `proofs/` against their compiled
Transformers under softmax, and with a folder of collision avoidance networks (`.nnet`) as an argument these: against
their compiled Transformers, as loaded against itself rounded at 2^-24, with normalised inputs against itself rounded at
2^-16, on the input box of property 3 and on it shrunk around its centre, and property 1 as a claim.
"Sampled" is the largest error at 10^6 random points in float64; one above the bound ends the benchmark. Seconds are
those of the processor.
Usage: python benchmarks/distance.py [--collision FOLDER] [--timeout SECONDS] [--rows TEXT] [--small]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

import exactformer as ef
from exactformer.claims import Range
from exactformer.compiler import compile_network

PROOFS = Path(__file__).parent.parent / "proofs"
BATCH = 50_000  # points at once
NEAR = ((2, [8, 8]), (2, [16, 16]), (4, [32, 32]))
SOFT = ("absolute-value", "max-of-three", "maxout-rank-3", "triangle-wave", "iris", "breast-cancer")
SOFT_BY_HAND = ("interpolation-table", "maximum-of-five", "median-of-three", "sawtooth", "sorting-three")
# The input box of property 3, in normalised inputs, and what they are normalised by.
BOX3 = (
    ("-0.303531156", "-0.298552812"),
    ("-0.009549297", "0.009549297"),
    ("0.493380324", "0.5"),
    ("0.3", "0.5"),
    ("0.3", "0.5"),
)
BOX1 = (("0.6", "0.679857769"), ("-0.5", "0.5"), ("-0.5", "0.5"), ("0.45", "0.5"), ("-0.5", "-0.45"))
LIMIT1 = "3.991125645861615"  # of property 1, for the normalised output 0


def relu(inputs: int, widths: list[int], moved: int = 0) -> ef.ReluNetwork:
    """A ReLU network by a seed, its weights multiples of 2^-20; `moved` of them in 2^16 say by how much they differ."""
    r, noise = random.Random(f"{inputs} {widths}"), random.Random("moved")

    def number(scale: float) -> Fraction:
        return Fraction(round(r.gauss(0, scale) * 2**20), 2**20) + moved * Fraction(noise.randint(-16, 16), 2**20)

    layers, before = [], inputs
    for width in widths:
        weights = [[number(before**-0.5) for _ in range(before)] for _ in range(width)]
        layers.append((weights, [number(0.3) for _ in range(width)]))
        before = width
    name = f"ReLU {inputs}-{'-'.join(map(str, widths))}-1"
    output = ([[number(before**-0.5) for _ in range(before)]], [number(0.3)])
    return ef.ReluNetwork.of(layers, output, domain=ef.Domain.box(inputs, -1, 1), name=name)


def rounded(network: ef.ReluNetwork, bits: int) -> ef.ReluNetwork:
    """The network with every weight rounded to a multiple of 2^-bits."""

    def near(part: ef.Affine) -> tuple[list[list[Fraction]], list[Fraction]]:
        scale = 1 << bits
        rows = [[Fraction(round(x * scale), scale) for x in row] for row in part.weights.dense()]
        return rows, [Fraction(round(x * scale), scale) for x in part.biases.fractions()]

    layers = [near(layer) for layer in network.layers]
    return ef.ReluNetwork.of(layers, near(network.output), domain=network.domain, name=f"{network.name} at 2^-{bits}")


def shrunk(box: tuple[tuple[str, str], ...], by: int, scales: list[Fraction], means: list[Fraction]) -> ef.Domain:
    """The box shrunk around its centre, in inputs that are not normalised."""
    ends = [(Fraction(low), Fraction(high)) for low, high in box]
    sides = [((low + high) / 2, (high - low) / 2 / by) for low, high in ends]
    lower, upper = (
        [(c + sign * r) * s + m for (c, r), s, m in zip(sides, scales, means, strict=True)] for sign in (-1, 1)
    )
    return ef.Box(lower, upper)


def collision(path: Path) -> tuple[ef.ReluNetwork, ef.ReluNetwork, list[Fraction], list[Fraction]]:
    """A `.nnet` file as loaded, the same with normalised inputs and output, and how they are normalised."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("//")]
    numbers = [[Fraction(x) for x in line.split(",") if x.strip()] for line in lines]
    sizes, means, scales = [int(x) for x in numbers[1]], numbers[5][:5], numbers[6][:5]
    rows, layers = iter(numbers[7:]), []
    for width in sizes[1:]:
        weights = [next(rows) for _ in range(width)]
        layers.append((weights, [next(rows)[0] for _ in range(width)]))
    plain = ef.ReluNetwork.of(layers[:-1], layers[-1], name=f"{path.stem} normalised")
    loaded = ef.load(path)
    assert isinstance(loaded, ef.ReluNetwork)
    return loaded, plain, scales, means


@dataclass(frozen=True)
class Table:
    """What is printed: of all rows those whose name has a text in it, with samples of so many points."""

    only: str
    points: int

    def row(self, name: str, measured: Callable[[], ef.Distance], sampled: Callable[[int], float]) -> None:
        """One line: the bounds, the time they took, and the largest error at random points, which stays below."""
        if self.only not in name:
            return
        started = time.process_time()
        found = measured()
        seconds, largest = time.process_time() - started, sampled(self.points)
        ratio = "-" if found.ratio is None else f"{float(found.ratio):.3f}"
        upper, lower = (float(x) if x is not None else float("nan") for x in (found.upper, found.lower))
        numbers = f"{upper:>11.4g} {lower:>11.4g} {ratio:>7} {found.cells:>6} {seconds:>8.1f} {largest:>11.4g}"
        print(f"{name:<44} {numbers}", flush=True)
        if found.upper is not None and not largest <= found.upper:
            raise SystemExit(f"{name}: at a random point the error is {largest!r}, above the certified bound")

    def pair(self, name: str, left: ef.Network, right: ef.Network, limit: float, domain: ef.Domain) -> None:
        """Two hard networks."""
        self.row(
            name,
            lambda: ef.distance(left, right, domain=domain, timeout=limit),
            lambda count: sampled_error(left, right, None, domain, count),
        )

    def soft(self, name: str, source: ef.MaxoutNetwork | ef.ReluNetwork, limit: float, domain: ef.Domain) -> None:
        """A network and its compiled Transformer under softmax, by Theorem P and by a search."""
        rate = 64

        def sampled(count: int) -> float:
            return sampled_error(source, compile_network(source, domain=domain).transformer, rate, domain, count)

        def measured(*, tight: bool) -> ef.Distance:
            return ef.temperature(source, value=rate, domain=domain, tight=tight, timeout=limit)

        self.row(f"{name} at {rate}, Theorem P", partial(measured, tight=False), sampled)
        self.row(f"{name} at {rate}, search, ratio 2", partial(measured, tight=True), sampled)


def sampled_error(left: ef.Network, right: ef.Network, rate: int | None, domain: ef.Domain, count: int) -> float:
    """The largest difference in floats, the right network under softmax, at random points of the domain."""
    lower, upper = (np.array([float(x) for x in side if x is not None]) for side in (domain.lower, domain.upper))
    random, largest = np.random.default_rng(0), [0.0]
    for done in range(0, count, BATCH):
        points = lower + (upper - lower) * random.random((min(BATCH, count - done), left.inputs))
        gap = ef.evaluate_batch(right, points, temperature=rate) - ef.evaluate_batch(left, points)
        largest.append(np.abs(gap).max())
    return float(np.max(largest))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collision", type=Path, metavar="FOLDER", help="with ACASXU_experimental_v2a_1_1.nnet")
    parser.add_argument("--timeout", type=float, default=100.0, metavar="SECONDS")
    parser.add_argument("--rows", default="", metavar="TEXT", help="only those with this in their names")
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    limit = 5.0 if options.small else options.timeout
    table = Table(options.rows, 1000 if options.small else 1_000_000)
    print(f"{'':<44} {'upper':>11} {'lower':>11} {'ratio':>7} {'cells':>6} {'seconds':>8} {'sampled':>11}")
    for size in NEAR[:1] if options.small else NEAR:
        pair = relu(*size), relu(*size, 1)
        assert pair[0].domain is not None
        table.pair(f"{pair[0].name}, weights moved by 2^-16", *pair, limit, pair[0].domain)
    for name in SOFT[:1] if options.small else (*SOFT, *(f"hand-{name}" for name in SOFT_BY_HAND)):
        source = ef.load(PROOFS / name / "left.json")
        assert isinstance(source, (ef.MaxoutNetwork, ef.ReluNetwork)) and source.domain is not None
        bounded = None not in (*source.domain.lower, *source.domain.upper)
        table.soft(name, source, limit, source.domain if bounded else ef.Domain.box(source.inputs, -8, 8))
    if options.collision is not None:
        loaded, plain, scales, means = collision(options.collision / "ACASXU_experimental_v2a_1_1.nnet")
        ones, zeros = [Fraction(1)] * 5, [Fraction(0)] * 5
        assert loaded.domain is not None
        table.soft("1_1 as loaded, all inputs", loaded, limit, loaded.domain)
        table.soft("1_1 normalised, box 3", plain, limit, shrunk(BOX3, 1, ones, zeros))
        for by in (100, 30, 10, 3, 1):
            own = shrunk(BOX3, by, scales, means)
            table.pair(f"1_1 as loaded at 2^-24, box 3 by 1/{by}", loaded, rounded(loaded, 24), limit, own)
            own = shrunk(BOX3, by, ones, zeros)
            table.pair(f"1_1 normalised at 2^-16, box 3 by 1/{by}", plain, rounded(plain, 16), limit, own)
        if options.rows in (name := "1_1 normalised, property 1"):
            claim = Range([None] * 5, [LIMIT1, *[None] * 4])
            outcome = ef.verify(plain, claim=claim, domain=shrunk(BOX1, 1, ones, zeros), timeout=limit)
            print(f"{name}: {outcome.verdict}, {outcome.counts}, {outcome.seconds:.1f} s")


if __name__ == "__main__":
    main()
