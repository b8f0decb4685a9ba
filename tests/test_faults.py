"""A sample of every row of the fault-injection suite in tests/faults; `python tests/faults/run.py` runs all of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

FAULTS = Path(__file__).parent / "faults"
sys.path[:0] = [str(folder) for folder in (FAULTS, FAULTS.parent / "kernel") if str(folder) not in sys.path]

import fault_corpus  # noqa: E402
import fault_kernel  # noqa: E402
import fault_ledger  # noqa: E402
import fault_mutations  # noqa: E402
import fault_reach  # noqa: E402
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


def test_a_function_is_measured_as_long_as_it_says_the_same() -> None:
    source = 'class A:\n    """A."""\n    def f(self, x=1):\n        """F."""\n        return x  # x\n\ny = 2\n'
    before = fault_ledger.digests({"a.py": source})
    assert set(before) == {"a.py:module", "a.py:A", "a.py:A.f"}
    assert fault_ledger.digests({"a.py": source.replace('"F."', '"G."').replace("# x", "# z")}) == before
    for old, new, changed in [("return x", "return -x", "A.f"), ("x=1", "x=2", "A.f"), ("y = 2", "y = 3", "module")]:
        after = fault_ledger.digests({"a.py": source.replace(old, new)})
        assert {name for name in before if after[name] != before[name]} == {f"a.py:{changed}"}


def test_a_function_with_a_change_that_nothing_notices_is_not_measured() -> None:
    killed = [fault_kernel.Result("a", "entry", "corpus", 0), fault_kernel.Result("b", "test", "tests", 0)]
    survivor = fault_kernel.Result("c", "", "tests", 0)
    assert fault_ledger.line("1", killed, {}) == fault_ledger.Line("1", 1, 1, 0)
    assert fault_ledger.line("1", [*killed, survivor], {"c": "why"}) == fault_ledger.Line("1", 1, 1, 1)
    assert fault_ledger.line("1", [*killed, survivor], {}) is None
    assert fault_ledger.line("1", killed, {"a": "an argument that is wrong"}) is None


def test_the_ledger_is_of_this_kernel_or_an_earlier_one() -> None:
    names = fault_ledger.functions(fault_kernel.all_mutations(fault_kernel.sources()))
    ledger = fault_ledger.load()
    assert ledger and len(ledger.keys() & names.keys()) > len(ledger) / 2


def test_the_lines_that_run() -> None:
    code = compile("def f(x):\n    if x:\n        return 1\n    return 2\n", "f.py", "exec")
    space: dict[str, Any] = {}
    exec(code, space)
    lines = {name: fault_reach.lines_of(lambda x=x: space["f"](x), ["f.py"]) for name, x in [("yes", 1), ("no", 0)]}
    assert lines == {"yes": {("f.py", 2), ("f.py", 3)}, "no": {("f.py", 2), ("f.py", 4)}}
    assert fault_reach.reaching(fault_reach.inverted(lines), "f.py", range(3, 5)) == {"yes", "no"}
    assert fault_reach.reaching(fault_reach.inverted(lines), "f.py", [3]) == {"yes"}


def test_the_lines_of_a_change() -> None:
    source = "x = 1\n\ndef f(a, b=2):\n    if (a\n            > 3):\n        return 4\n    return 5\n"
    found = {m.what: m.lines for m in fault_mutations.mutations("f.py", source)}
    assert found["constant: 1 -> 2"] is None and found["constant: 2 -> 3"] is None
    assert found["constant: 3 -> 4"] == range(4, 6) and found["constant: 5 -> 6"] == range(7, 8)
