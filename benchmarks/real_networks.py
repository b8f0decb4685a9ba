"""Time and peak memory of proving and checking real trained networks, both constructions, each in its own process.

Usage: python benchmarks/real_networks.py NETWORK ... [--domain FILE ...] [--small]   (networks of any format; without a
domain, the box of the file; of a .vnnlib file, the set of inputs)
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

PROOFS = Path(__file__).parents[1] / "proofs"


def measured(*words: str) -> tuple[float, float, str]:
    """(seconds, peak memory in MB, last line of output) of one command in a fresh process."""
    code = (
        "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
        "print(r.stdout.splitlines()[0] if r.stdout else r.stderr);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    started = time.monotonic()
    run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    first, memory = run.stdout.splitlines()[0], int(run.stdout.splitlines()[-1])
    return time.monotonic() - started, memory / 1024, first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--domain", nargs="+", default=[], metavar="FILE", help="prove on each of these")
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    networks = [str(PROOFS / "max-of-three" / "left.json")] if options.small else options.networks
    program = [sys.executable, "-m", "exactformer"]
    heads = f"{'prove s':>8} {'MB':>5} {'check s':>8} {'MB':>5}"
    print(f"{'network':<34} {'domain':<14} {'construction':<12} {heads}  verdict")
    domains = [["--domain", file] for file in options.domain] or [[]]
    for name, domain, construction in product(networks, domains, ("gated", "global")):
        with tempfile.TemporaryDirectory() as folder:
            words = [*program, "prove", name, *domain, "--construction", construction, "--out", folder]
            prove, memory, verdict = measured(*words)
            check, small, accepted = measured(*program, "check", folder)
        print(
            f"{Path(name).name:<34} {Path(*domain[1:]).name:<14} {construction:<12}"
            f" {prove:8.2f} {memory:5.0f} {check:8.2f} {small:5.0f}  {verdict.split()[0]}, {accepted.split(':')[0]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
