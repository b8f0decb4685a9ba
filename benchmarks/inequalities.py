"""Time of inequalities by gates alone, by cells that are bounded and cut, by regions, and by z3.

ReLU networks on [-1, 1]^n by a seed and, for `within` and `at-most`, the same with weights moved by at most 2^-16. Each
claim has a little room: bounds are a hundredth above what is attained. "Gates" splits maxima and solves exact linear
programs, "cells" is what `auto` does, with affine bounds, cuts, and gates where few are open.
Usage: python benchmarks/inequalities.py [--limit SECONDS] [--small]   (the limit of each proof, default 60)
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from fractions import Fraction

from distance import relu

import exactformer as ef
from exactformer.claims import AtMost, Claim, Range, Within
from exactformer.errors import Faults
from exactformer.prover.attempt import Attempt
from exactformer.prover.question import ask
from exactformer.prover.search import Search
from exactformer.work import Deadline

SIZES = ((2, [8, 8]), (2, [16, 16]), (4, [16, 16]))
ROOM = Fraction(101, 100)
Case = tuple[Claim, ef.Network, ef.Network | None]


def raised(network: ef.ReluNetwork, by: Fraction) -> ef.ReluNetwork:
    """The network plus a constant."""
    bias = network.output.biases.fractions()[0] + by
    layers = [(layer.weights, layer.biases) for layer in network.layers]
    return ef.ReluNetwork.of(layers, (network.output.weights, [bias]), domain=network.domain)


def cases(inputs: int, widths: list[int], limit: float) -> Iterator[Case]:
    """The claims about a network of this size; each holds."""
    left, right = relu(inputs, widths), relu(inputs, widths, 1)
    apart, reached = ef.distance(left, right, timeout=limit), ef.range(left, timeout=limit)
    assert apart.upper is not None
    (low,), (high,) = reached.lower, reached.upper
    assert low is not None and high is not None
    room = (high - low) * (ROOM - 1)
    yield Range([low - room], [high + room]), left, None
    yield Within(apart.upper * ROOM), left, right
    yield AtMost(), left, raised(right, apart.upper * ROOM)


def by_gates(claim: Claim, left: ef.Network, right: ef.Network | None, limit: float) -> str:
    """Seconds of a search that splits gates only, and of the kernel."""
    deadline = Deadline.after(limit)
    attempt = Attempt(ask(claim, left, right, None, "average", Faults()), 0.0, deadline)
    found = Search(attempt.question.violated, deadline.end, every_gate=False).run(attempt.asked.goal())
    return f">{limit:g}" if found.reason else f"{limit - deadline.left:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    print(f"{'network':<14} {'claim':<8} {'gates s':>8} {'cells s':>8} {'regions s':>10} {'z3 s':>8}")
    for inputs, widths in SIZES[:1] if options.small else SIZES:
        for claim, left, right in cases(inputs, widths, options.limit):
            row = [by_gates(claim, left, right, options.limit)]
            for method in ("auto", "regions", "smt"):
                outcome = ef.verify(left, right, claim=claim, method=method, timeout=options.limit, cross_check=())
                assert not outcome.refuted
                row.append(f"{outcome.seconds:.2f}" if outcome.proved else f">{options.limit:g}")
            name = f"{inputs}-{'-'.join(map(str, widths))}-1"
            print(f"{name:<14} {claim.name:<8} {row[0]:>8} {row[1]:>8} {row[2]:>10} {row[3]:>8}", flush=True)


if __name__ == "__main__":
    main()
