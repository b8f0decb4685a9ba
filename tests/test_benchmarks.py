"""Every benchmark runs at its smallest size; of its output only the form is looked at, never a time."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ROWS = {  # patterns of what the output says, without the times
    "approximation": [
        r"^exp\(x\) +\[0, 3\] +1/100 +18 ",
        r"^exp\(-x\^2 - y\^2\) +\[-1, 1\]\^2 +1/10 +44 ",
        r"^exp\(x\) +\[0, 3\] +0.0001984 +124 ",
        r"^sollya is not installed$|^exp +least, on 4 parts +\S+ +\S+ +\S+ +\S+$",
    ],
    "checking": [r"^2-3-3 rank 3 +23 +117 ", r"^3-4 rank 2 +8 +8 "],
    "distance": [
        r"^ReLU 2-8-8-1, weights moved by 2\^-16 +\S+ +\S+ +\S+ +\d+ ",
        r"^absolute-value at 64, Theorem P +0.004351 +0.004351 +1.000 +1 ",
        r"^absolute-value at 64, search, ratio 2 +0.004351 ",
    ],
    "growth": [r"^5 x 5, 1 channel +74 .* PROVED, accepted$"],
    "inequalities": [rf"^2-8-8-1 +{claim} +\S+ +\d\S* " for claim in ("range", "within", "at-most")],
    "methods": [r"^\[2, 2\] rank 2 +\S+ +4 ", r"^\[2, 2\] rank 3 +\S+ +6 "],
    "mutations": [r"^gated +permute heads +0 +1 +0 ", r"^in all +[1-9]\d* +[1-9]\d* +0$"],
    "numeric": [r"^compile_numeric: .* width 10, 2 tokens$", r"^ +1 +\S+ +source ", r"^ +20 +\S+ +source "],
    "real_networks": [r"^left.json +gated .* PROVED, accepted$", r"^left.json +global .* PROVED, accepted$"],
    "regions": [
        r"^relu 2-4-4 +\d+ ",
        r"^maxout 3-3 rank 3 ",
        r"^  2 of \d+: 51 regions",
        r"^ +1 +2 +2 +2 +6 +77 +9 +9 +\d+$",
        r"^sawtooth, 3\^4 regions  causal +81 +[\d.]+ +\d+$",
    ],
    "interrupted": [
        r"^proof: \d+ regions in one go, code 0, \S+ s, \S+ GB$",
        r"^count: \d+ regions in one go, code 0, ",
        r"^  the same answer: True; the same files: True$",
    ],
    "scaling": [
        r"^proof by regions of a 3-12-1, 0.1 s a piece: \d+ pieces, ",
        r"^  10000 +\S+ s +\S+ x +\S+ s +\S+ x$",
    ],
    "versions": [r"^prove 2-3x2-1, decimal text +\S+$", r"^check 2-3x2-1, decimal text +\S+$"],
}


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
def test_the_smallest_size(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(path), "--small"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    for row in ROWS[path.stem]:
        assert re.search(row, run.stdout, re.MULTILINE), f"{row} is no line of\n{run.stdout}"
    assert list(tmp_path.iterdir()) == []
