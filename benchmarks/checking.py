"""How fast the kernel checks proofs by regions, against how long it took to find them, for two to six inputs.

A leaf is a closed cell: a region, or a cell shown to be empty by Farkas multipliers. Both times are of one process; the
time to find includes the kernel's own verdict at the end.
Usage: python benchmarks/checking.py [NETWORK ...] [--small]   (.json files; default: seeded random networks)
"""

from __future__ import annotations

import argparse
import random
import time
from fractions import Fraction

import exactformer as ef
from exactformer.formats.network_json import dump as network_text
from exactformer.kernel.certificates import check
from exactformer.kernel.claims import Theorem
from exactformer.prover.certificate import dump
from exactformer.prover.question import LEFT, RIGHT

FAMILY = (
    (2, [16, 16], 3),
    (2, [32, 32], 2),
    (3, [8, 8], 3),
    (3, [16, 16], 2),
    (4, [12, 12], 2),
    (5, [10], 3),
    (6, [10, 4], 2),
)
SMALL = ((2, [3, 3], 3), (3, [4], 2))


def network(inputs: int, widths: list[int], rank: int) -> ef.MaxoutNetwork:
    """A maxout network with weights that are multiples of 1/64, on [-1, 1]^n."""
    r = random.Random(f"{inputs} {widths} {rank}")

    def number(scale: float) -> Fraction:
        return Fraction(round(r.gauss(0, scale) * 64), 64)

    layers, before = [], inputs
    for width in widths:
        weights = [[[number(1 / before**0.5) for _ in range(before)] for _ in range(rank)] for _ in range(width)]
        layers.append((weights, [[number(0.5) for _ in range(rank)] for _ in range(width)]))
        before = width
    name = f"{inputs}-{'-'.join(map(str, widths))} rank {rank}"
    return ef.MaxoutNetwork.of(
        layers, ([[number(1) for _ in range(before)]], [0]), domain=ef.Domain.box(inputs, -1, 1), name=name
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    family = SMALL if options.small else FAMILY
    networks = [ef.load(name) for name in options.networks] or [network(*size) for size in family]
    print(
        f"{'network':<24} {'regions':>8} {'leaves':>8} {'MB':>6} {'find s':>8} {'check s':>8} {'ratio':>6} "
        f"{'leaves/s':>9}"
    )
    for source in networks:
        started = time.perf_counter()
        outcome = ef.prove(source, method="regions", cross_check=())
        found = time.perf_counter() - started
        assert outcome.verdict == "proved" and outcome.certificate is not None and outcome.right is not None
        files = {LEFT: network_text(source).encode(), RIGHT: network_text(outcome.right).encode()}
        text = dump(outcome.certificate).encode()
        size = len(text) / 1e6
        started = time.perf_counter()
        theorem = check(text, files.__getitem__)
        checked = time.perf_counter() - started
        assert isinstance(theorem, Theorem)
        leaves = theorem.counts["holds"] + theorem.counts["empty"]
        print(
            f"{source.name:<24} {outcome.counts['regions']:>8} {leaves:>8} {size:>6.2f} {found:>8.2f} {checked:>8.2f}"
            f" {found / checked:>6.1f} {leaves / checked:>9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
