"""How far apart, how far, how soft: bounds from both sides, and how long they took; sampled errors stay below them.

Rows: near networks made by a seed (weights moved by at most 2^-16), networks of `proofs/` against their compiled
Transformers under softmax, and with a folder of collision avoidance networks (`.nnet`) as an argument these: as loaded
against itself rounded at 2^-24, with normalised inputs against itself rounded at 2^-16, on the input box of property 3
and on it shrunk around its centre, and property 1 as a claim.
Usage: python benchmarks/distance.py [--collision FOLDER] [--timeout SECONDS] [--small]
"""

from __future__ import annotations

import argparse
import random
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

import exactformer as ef
from exactformer.claims import Range
from exactformer.compiler import compile_network

PROOFS = Path(__file__).parent.parent / "proofs"
NEAR = ((2, [8, 8]), (2, [16, 16]), (4, [32, 32]))
SOFT = ("absolute-value", "max-of-three", "maxout-rank-3", "triangle-wave", "iris", "breast-cancer")
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


def row(name: str, found: ef.Distance, seconds: float, sampled: float | None = None) -> None:
    """One line of the table."""
    ratio = "-" if found.ratio is None else f"{float(found.ratio):.3f}"
    upper, lower = (float(x) if x is not None else float("nan") for x in (found.upper, found.lower))
    samples = "" if sampled is None else f"{sampled:>11.4g}"
    assert sampled is None or not sampled > upper
    print(f"{name:<44} {upper:>11.4g} {lower:>11.4g} {ratio:>7} {found.cells:>6} {seconds:>8.1f} {samples}", flush=True)


def sampled_error(source: ef.Network, rate: int, count: int) -> float:
    """The largest difference of the compiled Transformer under softmax, in floats, at random points of the domain."""
    transformer = compile_network(source).transformer
    assert source.domain is not None
    lower, upper = (
        np.array([float(x) for x in side if x is not None]) for side in (source.domain.lower, source.domain.upper)
    )
    points = lower + (upper - lower) * np.random.default_rng(0).random((count, source.inputs))
    gap = ef.evaluate_batch(transformer, points, temperature=rate) - ef.evaluate_batch(source, points)
    return float(np.abs(gap).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collision", type=Path, metavar="FOLDER", help="with ACASXU_experimental_v2a_1_1.nnet")
    parser.add_argument("--timeout", type=float, default=100.0, metavar="SECONDS")
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    limit = 5.0 if options.small else options.timeout
    print(f"{'':<44} {'upper':>11} {'lower':>11} {'ratio':>7} {'cells':>6} {'seconds':>8} {'sampled':>11}")
    for size in NEAR[:1] if options.small else NEAR:
        row(f"{relu(*size).name}, weights moved by 2^-16", *timed(relu(*size), relu(*size, 1), limit))
    for name in SOFT[:1] if options.small else SOFT:
        source = ef.load(PROOFS / name / "left.json")
        assert isinstance(source, (ef.MaxoutNetwork, ef.ReluNetwork))
        sampled = sampled_error(source, 64, 1000 if options.small else 1_000_000)
        for tight in (False, True):
            started = time.perf_counter()
            found = ef.temperature(source, value=64, tight=tight, timeout=limit)
            how = "search, ratio 2" if tight else "Theorem P"
            row(f"{name} at 64, {how}", found, time.perf_counter() - started, sampled)
    if options.collision is not None:
        loaded, plain, scales, means = collision(options.collision / "ACASXU_experimental_v2a_1_1.nnet")
        ones, zeros = [Fraction(1)] * 5, [Fraction(0)] * 5
        for by in (100, 30, 10, 3, 1):
            own = shrunk(BOX3, by, scales, means)
            row(f"1_1 as loaded at 2^-24, box 3 by 1/{by}", *timed(loaded, rounded(loaded, 24), limit, own))
            own = shrunk(BOX3, by, ones, zeros)
            row(f"1_1 normalised at 2^-16, box 3 by 1/{by}", *timed(plain, rounded(plain, 16), limit, own))
        claim = Range([None] * 5, [LIMIT1, *[None] * 4])
        outcome = ef.verify(plain, claim=claim, domain=shrunk(BOX1, 1, ones, zeros), timeout=limit)
        print(f"1_1 normalised, property 1: {outcome.verdict}, {outcome.counts}, {outcome.seconds:.1f} s")


def timed(
    left: ef.Network, right: ef.Network, limit: float, domain: ef.Domain | None = None
) -> tuple[ef.Distance, float]:
    """The distance of two networks, and the seconds it took."""
    started = time.perf_counter()
    found = ef.distance(left, right, domain=domain, timeout=limit)
    return found, time.perf_counter() - started


if __name__ == "__main__":
    main()
