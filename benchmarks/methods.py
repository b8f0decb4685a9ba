"""Time of `auto`, `regions` and one monolithic z3 query, on a family of growing maxout networks.

Two inputs, box [-1, 1]^2, seeded dyadic weights, the gated Transformer as right-hand side.
Usage: python benchmarks/methods.py [--limit SECONDS] [--small]   (the limit of each z3 query, default 120)
"""

from __future__ import annotations

import argparse
import random
import time
from fractions import Fraction

import exactformer as ef
from exactformer.errors import Faults
from exactformer.prover import smt
from exactformer.prover.question import ask
from exactformer.prover.smtlib import claim_text

SMALL = ([2, 2],)
FAMILY = ([4, 4], [6, 6], [8, 8], [4, 4, 4], [6, 6, 6], [8, 8, 8])


def maxout(widths: list[int], rank: int, seed: int) -> ef.MaxoutNetwork:
    """A maxout network with 2 inputs and weights that are multiples of 1/64."""
    rng = random.Random(seed)

    def number(scale: float) -> Fraction:
        return Fraction(round(rng.gauss(0, scale) * 64), 64)

    layers, before = [], 2
    for width in widths:
        weights = [[[number(1 / before**0.5) for _ in range(before)] for _ in range(rank)] for _ in range(width)]
        layers.append((weights, [[number(0.5) for _ in range(rank)] for _ in range(width)]))
        before = width
    output = ([[number(1) for _ in range(before)]], [0])
    return ef.MaxoutNetwork.of(layers, output, domain=ef.Domain.box(2, -1, 1), name=f"{widths} rank {rank}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=120.0)
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    print(
        f"{'network':<20} {'auto s':>8} {'regions':>8} {'regions s':>10} {'z3 s':>10} "
        f"{'z3 / auto':>10} {'z3 / regions':>13}"
    )
    for rank in (2, 3):
        for widths in SMALL if options.small else FAMILY:
            network = maxout(widths, rank, seed=sum(widths) + rank)
            auto = ef.prove(network)
            split = ef.prove(network, method="regions", cross_check=())
            assert auto.verdict == split.verdict == "proved"
            started = time.monotonic()
            text = claim_text(ask("equal", network, auto.right, auto.domain, "average", Faults()))
            answer = smt.solve(text, 2, timeout=options.limit)
            seconds = time.monotonic() - started
            assert answer.result in ("unsat", "unknown"), answer
            sign = "" if answer.result == "unsat" else ">"
            print(
                f"{network.name:<20} {auto.seconds:8.3f} {split.counts['regions']:8} {split.seconds:10.2f} "
                f"{sign + format(seconds, '.2f'):>10} {sign + format(seconds / auto.seconds, '.0f'):>10} "
                f"{sign + format(seconds / split.seconds, '.1f'):>13}",
                flush=True,
            )


if __name__ == "__main__":
    main()
