"""Time and peak memory of proving and checking real trained networks, both constructions, each in its own process.

Usage: python benchmarks/real_networks.py NETWORK ... [--small]   (.nnet or .json files with a box)
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
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
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    networks = [str(PROOFS / "max-of-three" / "left.json")] if options.small else options.networks
    program = [sys.executable, "-m", "exactformer"]
    print(f"{'network':<34} {'construction':<12} {'prove s':>8} {'MB':>5} {'check s':>8} {'MB':>5}  verdict")
    for name in networks:
        for construction in ("gated", "global"):
            with tempfile.TemporaryDirectory() as folder:
                words = [*program, "prove", name, "--construction", construction, "--out", folder]
                prove, memory, verdict = measured(*words)
                check, small, accepted = measured(*program, "check", folder)
                print(
                    f"{Path(name).name:<34} {construction:<12} {prove:8.2f} {memory:5.0f} {check:8.2f} {small:5.0f}"
                    f"  {verdict.split()[0]}, {accepted.split(':')[0]}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
