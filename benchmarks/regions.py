"""How fast regions are counted, exactly, beside regioncam (float32, two inputs, ReLU) where it is installed.

Times are the best of three runs of one process, from the network to the number of regions. In `maps` is the further
time to tell which affine maps are equal; `exact` is the number of vertices whose signs floats could not certify.
Usage: python benchmarks/regions.py [NETWORK ...] [--growth] [--deep] [--jobs N] [--depth] [--transformers] [--small]
       (.json files; default: seeded random networks)
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

import numpy as np

import exactformer as ef
from exactformer.compiler import CONSTRUCTIONS, compile_network
from exactformer.subdivision import sawtooth
from exactformer.subdivision.cube import cube
from exactformer.subdivision.layers import cut_layer
from exactformer.subdivision.program import composed, program_of

FAMILY = (
    ("relu", 2, [32] * 3, 2),
    ("relu", 2, [64] * 4, 2),
    ("relu", 3, [16] * 2, 2),
    ("relu", 3, [32] * 2, 2),
    ("relu", 4, [12] * 2, 2),
    ("relu", 5, [10] * 2, 2),
    ("relu", 6, [8] * 2, 2),
    ("maxout", 2, [16] * 2, 3),
    ("maxout", 2, [16] * 2, 5),
    ("maxout", 3, [8] * 2, 3),
    ("maxout", 4, [4] * 2, 3),
)
T = TypeVar("T")
SMALL = (("relu", 2, [4] * 2, 2), ("maxout", 3, [3], 3))
DEPTHS = ((1, 2, 10), (1, 3, 7), (2, 2, 5), (2, 3, 3), (3, 2, 3))  # inputs, rank, most layers
GROWTH = ([24] * 4, [32] * 4, [48] * 4, [64] * 4, [96] * 4, [128] * 4, [64] * 8)
DEEP = ([64] * 8, [64] * 12, [64] * 16, [64] * 20)


def network(kind: str, inputs: int, widths: list[int], rank: int) -> Any:
    """A network with weights that are multiples of 1/4096, on [-1, 1]^n."""
    r = random.Random(f"{kind} {inputs} {widths} {rank}")

    def number(scale: float) -> Fraction:
        return Fraction(round(r.gauss(0, scale) * 4096), 4096)

    layers: list[Any] = []
    before = inputs
    for width in widths:
        scale = (2 / before) ** 0.5
        if kind == "relu":
            weights: Any = [[number(scale) for _ in range(before)] for _ in range(width)]
            biases: Any = [number(0.3) for _ in range(width)]
        else:
            weights = [[[number(scale) for _ in range(before)] for _ in range(rank)] for _ in range(width)]
            biases = [[number(0.3) for _ in range(rank)] for _ in range(width)]
        layers.append((weights, biases))
        before = width
    output = ([[number(1) for _ in range(before)]], [0])
    name = f"{kind} {inputs}-{'-'.join(map(str, widths))}" + (f" rank {rank}" if kind == "maxout" else "")
    make = ef.ReluNetwork if kind == "relu" else ef.MaxoutNetwork
    return make.of(layers, output, domain=ef.Domain.box(inputs, -1, 1), name=name)


def best(run: Callable[[], T], times: int = 3) -> tuple[float, T]:
    """The shortest time of several runs, and a result."""
    seconds, results = [], []
    for _ in range(times):
        started = time.perf_counter()
        results.append(run())
        seconds.append(time.perf_counter() - started)
    return min(seconds), results[-1]


def peer(source: Any) -> tuple[float, int] | None:
    """Time and count of regioncam, where it applies; its square is [-1, 1]^2."""
    if source.kind != "relu" or source.inputs != 2:
        return None
    try:
        from regioncam import Regioncam
    except ImportError:
        return None
    layers = [
        (
            np.array([[float(x) for x in row] for row in layer.weights.dense()], np.float32).T.copy(),
            np.array([float(b) for b in layer.biases.fractions()], np.float32),
        )
        for layer in source.layers
    ]

    def run() -> int:
        camera = Regioncam(size=1.0)
        for weights, biases in layers:
            camera.linear(weights, biases)
            camera.relu()
        return int(camera.num_faces)

    return best(run)


def undecided(source: Any) -> int:
    """How many vertices had to be computed exactly."""
    program = program_of(composed(source), source.domain)
    whole = cube(program)
    for number in range(len(program.layers)):
        cut_layer(whole, number, lambda: None)
    return whole.exact_signs


def compared(networks: list[Any]) -> None:
    """A row for each network."""
    print(f"{'network':<26} {'regions':>8} {'seconds':>8} {'maps s':>7} {'per s':>8} {'exact':>6} {'regioncam s':>12}")
    for source in networks:
        seconds, found = best(partial(ef.regions, source, shapes=False))
        started = time.perf_counter()
        maps = found.distinct_affine_maps
        more = time.perf_counter() - started
        other = peer(source)
        beside = "-" if other is None else f"{other[0]:.4f}" + ("" if other[1] == len(found) else f" ({other[1]})")
        name = source.name or source.kind
        print(
            f"{name:<26} {len(found):>8} {seconds:>8.3f} {more:>7.3f} {len(found) / seconds:>8.0f} "
            f"{undecided(source):>6} {beside:>12}" + ("" if maps == len(found) else f"  {maps} maps")
        )


def growth(sizes: Iterable[list[int]]) -> None:
    """Regions per second as the number grows."""
    print("\nTwo inputs, more and more regions:")
    compared([network("relu", 2, widths, 2) for widths in sizes])


def processes(jobs: int, widths: list[int]) -> None:
    """One process against several."""
    source = network("relu", 2, widths, 2)
    print(f"\n{source.name}, by processes:")
    first = None
    for count in (1, jobs):
        seconds, found = best(partial(ef.regions, source, shapes=False, jobs=count), 2)
        first = first or seconds
        faster = first / seconds
        print(f"  {count} of {os.cpu_count()}: {len(found)} regions in {seconds:.2f} s, {faster:.2f} times as fast")


def depth(family: Iterable[tuple[int, int, int]]) -> None:
    """Transformers of fixed width: the number of their linear regions, by their own patterns, against depth."""
    print("\nSawtooth networks compiled to Transformers of fixed width:")
    print(
        " ".join(
            f"{name:>10}"
            for name in ("inputs", "rank", "depth", "tokens", "width", "non-zeros", "cells", "regions", "per s")
        )
    )
    for inputs, rank, most in family:
        for layers in range(1, most + 1):
            source = sawtooth(inputs, rank=rank, depth=layers)
            compiled = compile_network(source)
            seconds, found = best(partial(ef.regions, compiled.transformer, source.domain, shapes=False), 2)
            assert found.linear_regions == ef.regions(source).linear_regions
            t = compiled.transformer
            nonzeros = sum(h.nonzeros for b in t.blocks for h in b.heads or ()) + sum(
                b.feedforward.inner.nonzeros + b.feedforward.outer.nonzeros for b in t.blocks if b.feedforward
            )
            counted = len(found), found.linear_regions, round(len(found) / seconds)
            row = (inputs, rank, layers, t.tokens, t.width, nonzeros, *counted)
            print(" ".join(f"{number:>10}" for number in row))


def constructions(sources: Iterable[Any]) -> None:
    """Each network compiled in each way it can be: cells of the Transformer, and how many of them a second."""
    print("\nTransformers by construction:")
    print(f"{'network':<22} {'construction':<20} {'cells':>8} {'seconds':>8} {'per s':>8}")
    for source in sources:
        for construction in CONSTRUCTIONS:
            if construction != "single-head" or max(source.widths) < 8:  # that takes a token for each choice of pieces
                transformer = compile_network(source, construction=construction).transformer
                seconds, found = best(partial(ef.regions, transformer, source.domain, shapes=False), 2)
                name = source.name or f"sawtooth {source.inputs}-{'-'.join(map(str, source.widths))}"
                print(f"{name:<22} {construction:<20} {len(found):>8} {seconds:>8.3f} {len(found) / seconds:>8.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--growth", action="store_true", help="regions per second as the number grows")
    parser.add_argument("--deep", action="store_true", help="the same for networks of many layers")
    parser.add_argument("--jobs", type=int, metavar="N", help="one process against N")
    parser.add_argument("--small", action="store_true", help="the smallest sizes, which show only that this runs")
    parser.add_argument("--depth", action="store_true", help="regions of Transformers against depth")
    parser.add_argument("--transformers", action="store_true", help="regions of Transformers of each construction")
    options = parser.parse_args()
    if options.small:
        compared([network(*size) for size in SMALL])
        growth(([4] * 2, [5] * 2))
        processes(2, [6] * 2)
        depth(((1, 2, 2),))
        constructions([sawtooth(2, depth=2)])
        return
    if options.growth:
        growth(GROWTH)
    if options.deep:
        growth(DEEP)
    if options.jobs:
        processes(options.jobs, [256] * 4)
    if options.depth:
        depth(DEPTHS)
    if options.transformers:
        constructions([sawtooth(2, depth=5), network("maxout", 2, [24, 24], 2), network("maxout", 2, [12, 12], 3)])
    if options.networks or not (
        options.growth or options.jobs or options.depth or options.deep or options.transformers
    ):
        compared([ef.load(name) for name in options.networks] or [network(*size) for size in FAMILY])


if __name__ == "__main__":
    main()
