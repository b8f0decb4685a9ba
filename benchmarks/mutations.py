"""Every mutation of theory T7 on many random small networks, for every construction: how many were decided, and how.

A mutant is a compiled Transformer with one thing changed. It is refuted by a point that the definitions confirm, or
proved equal where the change does not matter; `unknown` would be a failure.
Usage: python benchmarks/mutations.py [--networks N] [--construction NAME] [--small]   (default: 200, all)
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import mutants as m
from test_mutants import decided, random_network

from exactformer import Domain, MaxoutNetwork
from exactformer.compiler import CONSTRUCTIONS, Compiled, compile_network
from exactformer.networks import Transformer
from exactformer.networks.semantics import TIES

Mutate = Callable[[random.Random, Compiled], Transformer]


def mutations(construction: str) -> Iterator[tuple[str, Mutate, bool]]:
    """The mutations of a construction by name, and whether they are harmless."""
    gated = construction == "gated"
    feedforward = {name: m.GATED[name] for name in m.GATED if name.startswith("bump")}
    for name, mutate in (m.GENERAL | (m.GATED if gated else feedforward)).items():
        yield name, mutate, False
    for name, mutate in (m.HARMLESS | (m.HARMLESS_GATED if gated else {})).items():
        yield name, mutate, True


def compiled(r: random.Random, construction: str) -> Compiled:
    """A random small network compiled on its box; `global` on all of R^n half of the time."""
    while True:
        network = random_network(r)
        domain = Domain.everything(network.inputs) if construction == "global" and r.random() < 0.5 else network.domain
        rank = max(2, network.rank) if isinstance(network, MaxoutNetwork) else 2
        if construction != "single-head" or rank ** max(network.widths) <= 9:
            return compile_network(network, construction=construction, domain=domain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--construction", choices=CONSTRUCTIONS)
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    constructions = [options.construction] if options.construction else list(CONSTRUCTIONS)
    networks = options.networks
    if options.small:
        constructions, networks = constructions[:1], 1
    print(f"{'construction':<20} {'mutation':<22} {'refuted':>8} {'proved':>7} {'unknown':>8} {'slowest s':>10}")
    total: Counter[str] = Counter()
    for construction in constructions:
        for name, mutate, harmless in mutations(construction):
            count: Counter[str] = Counter()
            slowest = 0.0
            for seed in range(networks):
                r = random.Random(f"{construction} {name} {seed}")
                source = compiled(r, construction)
                try:
                    mutant = mutate(r, source)
                except (IndexError, ValueError, StopIteration):  # this construction has no such part
                    count["none"] += 1
                    continue
                started = time.monotonic()
                domain = mutant.domain or Domain.everything(mutant.inputs)
                tie = "average" if construction == "two-step" else TIES[seed % 3]
                outcome = decided(source.source, mutant, domain, tie)
                slowest = max(slowest, time.monotonic() - started)
                count[outcome.verdict] += 1
                if harmless and outcome.verdict != "proved":
                    sys.exit(f"{construction}, {name}, seed {seed}: {outcome.verdict} {outcome.reason}")
            if count["none"] < networks:
                numbers = f"{count['refuted']:>8} {count['proved']:>7} {count['unknown']:>8} {slowest:>10.2f}"
                print(f"{construction:<20} {name:<22} {numbers}", flush=True)
            total += count
    print(f"{'in all':<43} {total['refuted']:>8} {total['proved']:>7} {total['unknown']:>8}")


if __name__ == "__main__":
    main()
