"""A sample of every row of the fault-injection suite in tests/faults; `python tests/faults/run.py` runs all of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent / "faults"
sys.path[:0] = [str(folder) for folder in (FAULTS, FAULTS.parent / "kernel") if str(folder) not in sys.path]

import fault_corpus  # noqa: E402
import fault_kernel  # noqa: E402
import fault_rows  # noqa: E402
import run  # noqa: E402


@pytest.mark.parametrize("name", run.ROWS)
def test_faults_have_the_required_outcome(name: str) -> None:
    counts = fault_rows.run(name, run.ROWS[name](True))
    assert not counts.survivors and counts.injected >= 8


def test_the_corpus_is_what_the_kernel_says() -> None:
    entries = fault_corpus.load()
    assert len({entry.name for entry in entries}) == len(entries) > 300
    assert 50 < sum(isinstance(entry.expected, dict) for entry in entries) < len(entries) / 2
    with fault_kernel.imported(fault_kernel.sources()) as finder:
        assert fault_kernel.difference(finder, None, entries) == ""


def test_theorems_of_the_corpus_are_true() -> None:
    for entry in fault_corpus.load():
        assert not isinstance(entry.expected, dict) or fault_corpus.confirmed(entry), entry.name


def test_mutated_kernels_are_noticed() -> None:
    """By the corpus; or by a test, to which those are put that have no argument why they are as good as the kernel."""
    counts = run.kernel(quick=True)
    assert not counts.survivors and counts.killed > counts.injected * 0.9


def test_every_argument_is_about_a_mutation_that_exists() -> None:
    keys = {mutation.key for mutation in fault_kernel.all_mutations(fault_kernel.sources())}
    assert fault_kernel.arguments().keys() <= keys
