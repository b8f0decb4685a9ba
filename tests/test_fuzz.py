"""A short replay of the fuzzer's corpus: every input is rejected cleanly, or accepted and true."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "fuzz"
sys.path.insert(0, str(HERE))

from target import FalseAcceptance, joined, run  # noqa: E402

CORPUS = sorted((HERE / "corpus").iterdir())
NETWORK = b"""{"format": "exactformer/network-1", "kind": "relu", "layers": [],
    "output": {"weights": [[1]], "biases": [0]}}"""
NOT_NEGATIVE = b"""{"format": "exactformer/certificate-1", "claim": "range", "tie": "average",
    "parameters": {"lower": [0], "upper": [null]}, "left": {"file": "left.json", "sha256": ""},
    "domain": {"lower": [-1], "upper": [1]}}"""


def test_the_corpus_is_rejected_cleanly_or_true() -> None:
    results = Counter(run(path.read_bytes()) for path in CORPUS)
    assert results["rejected"] > 50 and results["accepted"] > 60, results
    assert set(results) <= {"rejected", "accepted", "accepted, not judged"}


def test_the_target_notices_a_false_acceptance(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a kernel that believes everything, the second route sees what is false: x is negative somewhere."""

    class Theorem:
        holds, statement = True, "anything"

    monkeypatch.setattr("target.check", lambda *_: Theorem)
    with pytest.raises(FalseAcceptance):
        run(joined(NOT_NEGATIVE, NETWORK))
