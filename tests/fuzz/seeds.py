"""Makes seeds for the fuzzer: small true and refuted claims of every kind, with their networks; softmax and pairs.

Usage: python tests/fuzz/seeds.py FOLDER
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "kernel")]

from kernel_material import encoded
from target import joined
from test_claims import FALSE, TRUE
from test_kernel_differences import BY_HAND
from test_mutants import random_network

import exactformer as ef
from exactformer.compiler import compile_network
from exactformer.errors import Faults
from exactformer.prover import verify
from exactformer.prover.certificate import dump
from exactformer.prover.question import LEFT, RIGHT, ask


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    questions = [(left, right, claim, "lazy") for claim, left, right in TRUE + FALSE]
    for seed in range(12):
        network = random_network(random.Random(seed))
        questions.append((network, compile_network(network).transformer, "equal", "regions" if seed % 2 else "lazy"))
    for number, (left, right, claim, method) in enumerate(questions):
        outcome = verify(left, right, claim=claim, method=method, cross_check=())  # type: ignore[arg-type]
        assert outcome.certificate is not None
        texts = ask(outcome.claim, left, right, outcome.domain, outcome.tie, Faults()).texts
        files = [texts[name].encode() for name in (LEFT, RIGHT) if name in texts]
        (folder / f"seed-{number:02}").write_bytes(joined(dump(outcome.certificate).encode(), *files))
    for number, (certificate, *sides) in enumerate(BY_HAND.values()):
        networks = [encoded(network) for network in sides if network is not None]
        (folder / f"seed-near-{number:02}").write_bytes(joined(encoded(certificate), *networks))
    print(f"{len(questions) + len(BY_HAND)} seeds in {folder}, exactformer {ef.__version__}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
