"""Inject faults, row by row, and count how many have the required outcome.

    python tests/faults/run.py [ROW ...] [--quick] [--walks N] [--again]

Rows: compiler, planted, solver, certificate, control, kernel. Without a row all are run. The exit code is 1 if a fault
survives. The row `kernel` changes the functions that `measured.json` does not know as they are now, and enters them
there; `--again` changes all of them.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).parent
sys.path[:0] = [str(folder) for folder in (HERE, HERE.parent, HERE.parent / "kernel", HERE.parents[1])]

import fault_rows
from fault_rows import EQUIVALENT, REQUIRED, Case, Counts

if TYPE_CHECKING:
    from fault_kernel import Result


def compiler(quick: bool) -> Iterator[Case]:
    """Faults in compiled Transformers."""
    import fault_compiler

    return fault_compiler.cases(quick)


def planted(quick: bool) -> Iterator[Case]:
    """Differences that sampling misses."""
    import fault_planted

    return fault_planted.cases(quick)


def solver(quick: bool) -> Iterator[Case]:
    """Solvers that lie."""
    import fault_solver

    return fault_solver.cases(quick)


def certificate(quick: bool) -> Iterator[Case]:
    """Damaged certificates."""
    import fault_certificates

    return fault_certificates.cases(quick)


def control(quick: bool) -> Iterator[Case]:
    """Harmless changes of certificates."""
    import fault_certificates

    return fault_certificates.controls(quick)


ROWS: dict[str, Callable[[bool], Iterator[Case]]] = {
    "compiler": compiler,
    "planted": planted,
    "solver": solver,
    "certificate": certificate,
    "control": control,
}


def kernel(quick: bool, walks: int = 0, again: bool = False) -> Counts:
    """Changes to the kernel's source; what neither the corpus nor a test finds must have an argument.

    Functions that have been measured as they are now count with what was found; each function is kept once it is done.
    Changes with an argument are put to the corpus all the same, and to new walks, but not to the tests.
    """
    import fault_corpus
    import fault_kernel
    import fault_ledger

    started = time.monotonic()
    files, entries, arguments = fault_kernel.sources(), fault_corpus.load(), fault_kernel.arguments()
    counts = Counts("kernel")
    if quick:
        seen = [m for m in fault_kernel.all_mutations(files) if m.file not in fault_kernel.UNSEEN]
        sample = random.Random("kernel").sample(seen, 60)
        for rows in fault_kernel.results([sample], files, entries, fault_kernel.Tests()):
            _add(counts, rows, arguments)
        return counts
    ledger, digests = {} if again else fault_ledger.load(), fault_ledger.digests(files)
    functions = fault_ledger.functions(fault_kernel.all_mutations(files))
    known = {name: line for name, line in ledger.items() if name in functions and line.source == digests[name]}
    todo = {name: group for name, group in functions.items() if name not in known}
    tests = fault_kernel.measured_tests(files) if todo else fault_kernel.Tests()
    new = fault_kernel.new_walks(entries, walks)
    found = fault_kernel.results(list(todo.values()), files, entries, tests)
    for (name, group), rows in zip(todo.items(), found, strict=True):
        argued = [mutation for mutation in group if mutation.key in arguments]
        again = {result.key: result for result in fault_kernel.by_corpus(argued if new else [], files, new)}
        rows = [again[row.key] if not row.killer and row.key in again else row for row in rows]
        _add(counts, rows, arguments)
        line = fault_ledger.line(digests[name], rows, arguments)
        if line is not None:
            known[name] = line
            fault_ledger.store(known)
        counts.seconds = time.monotonic() - started
        print(f"{name}: {len(rows)} changes, {counts.seconds:.0f} s", file=sys.stderr)
    for line in (known[name] for name in functions.keys() - todo.keys()):
        counts.injected += line.corpus + line.tests + line.equivalent
        counts.killed += line.corpus + line.tests
        counts.equivalent += line.equivalent
        counts.notes += Counter({"by the corpus": line.corpus, "by the tests": line.tests})
    return counts


def _add(counts: Counts, rows: Iterable[Result], arguments: Mapping[str, str]) -> None:
    for result in rows:
        if result.killer and result.key in arguments:
            counts.add(result.key, f"has an argument, but differs: {result.killer}")
        elif result.killer:
            counts.add(result.key, f"{REQUIRED}; by the {result.stage}")
        elif result.key in arguments:
            counts.add(result.key, EQUIVALENT)
        else:
            counts.add(result.key, "no test fails")
            print(f"SURVIVOR {result.key}", file=sys.stderr)


def table(rows: list[Counts]) -> str:
    """The counts as text, notes and survivors below."""
    lines = [f"{'row':<12} {'injected':>9} {'as required':>12} {'equivalent':>11} {'survivors':>10} {'seconds':>9}"]
    for row in rows:
        numbers = (
            f"{row.injected:>9} {row.killed:>12} {row.equivalent:>11} {len(row.survivors):>10} {row.seconds:>9.1f}"
        )
        lines.append(f"{row.name:<12} {numbers}")
    for row in rows:
        lines += [f"{row.name}: {number} {note}" for note, number in sorted(row.notes.items())]
        lines += [f"SURVIVOR {row.name}: {survivor}" for survivor in row.survivors]
    return "\n".join(lines)


def main() -> int:
    """Run the rows that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", choices=[*ROWS, "kernel", []])
    parser.add_argument("--quick", action="store_true", help="a sample of each row")
    parser.add_argument("--walks", type=int, default=400, help="row kernel: how many new walks test each argument")
    parser.add_argument("--again", action="store_true", help="row kernel: also the functions that have been measured")
    options = parser.parse_args()
    found = []
    for name in options.rows or [*ROWS, "kernel"]:
        if name == "kernel":
            found.append(kernel(options.quick, options.walks, options.again))
        else:
            found.append(fault_rows.run(name, ROWS[name](options.quick), _progress))
        print(file=sys.stderr)
    print(table(found))
    return int(any(row.survivors for row in found))


def _progress(counts: Counts) -> None:
    if counts.injected % 50 == 0:
        text = f"{counts.name}: {counts.injected}, {len(counts.survivors)} survivors, {counts.seconds:.0f} s"
        print(f"\r{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
