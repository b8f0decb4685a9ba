"""Coverage-guided fuzzing of the kernel's parser and tree walk.

Usage: python tests/fuzz/fuzz_kernel.py [CORPUS ...] [libFuzzer options], for instance -max_total_time=600
(needs `pip install atheris`; inputs that add coverage go to the first corpus folder)
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))

with atheris.instrument_imports(include=["exactformer.kernel"]):
    from target import run


def main() -> None:
    sys.setrecursionlimit(3000)
    atheris.Setup(sys.argv, lambda data: run(bytes(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
