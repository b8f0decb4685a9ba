"""Inject faults, row by row, and count how many have the required outcome.

    python tests/faults/run.py [ROW ...] [--quick] [--results FILE] [--walks N] [--no-tests]

Rows: compiler, planted, solver, certificate, control, kernel. Without a row all are run. The exit code is 1 if a fault
survives. The results of the row `kernel` go to a file of JSON lines, from which an interrupted run continues.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(folder) for folder in (HERE, HERE.parent, HERE.parent / "kernel", HERE.parents[1])]

import fault_rows
from fault_rows import EQUIVALENT, REQUIRED, Case, Counts

RESULTS = Path(tempfile.gettempdir()) / "exactformer-kernel-faults.jsonl"


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


def kernel(quick: bool, results: Path = RESULTS, tests: bool = True, walks: int = 0) -> Counts:
    """Changes to the kernel's source; what neither the corpus nor a test finds must have an argument.

    Those with an argument are put to the corpus all the same, and to new walks, but not to the tests, a minute each.
    """
    import fault_corpus
    import fault_kernel

    started = time.monotonic()
    files, entries = fault_kernel.sources(), fault_corpus.load()
    chosen = fault_kernel.all_mutations(files)
    if quick:
        chosen = random.Random("kernel").sample([m for m in chosen if m.file not in fault_kernel.UNSEEN], 60)
        results = Path(tempfile.mkdtemp()) / "results.jsonl"
    known = fault_kernel.Results(results, fault_kernel.state(files, entries))
    arguments = fault_kernel.arguments()
    fault_kernel.run_corpus(chosen, files, entries, known)
    if tests:
        open_ones = [mutation for mutation in chosen if mutation.key not in arguments]
        fault_kernel.run_tests(open_ones, files, known, [] if quick else fault_kernel.failing(files))
    argued = [mutation for mutation in chosen if mutation.key in arguments]
    new = list(fault_kernel.by_corpus(argued, files, fault_kernel.new_walks(entries, walks))) if walks else []
    counts = Counts("kernel")
    if new:
        counts.notes[f"with an argument, put to {walks} new walks"] = len(new)
    found = {result.key: result for result in new if result.killer}
    for mutation in chosen:
        result = found.get(mutation.key) or known.known[mutation.key]
        if result.killer and mutation.key in arguments:
            counts.add(mutation.key, f"has an argument, but differs: {result.killer}")
        elif result.killer:
            counts.add(mutation.key, f"{REQUIRED}; by the {result.stage}")
        else:
            counts.add(mutation.key, EQUIVALENT if mutation.key in arguments else "no test fails")
    unused = arguments.keys() - {mutation.key for mutation in fault_kernel.all_mutations(files)}
    if unused:
        counts.notes["arguments about source that is gone"] = len(unused)
    counts.seconds = time.monotonic() - started
    return counts


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
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results of the row kernel are kept")
    parser.add_argument("--walks", type=int, default=400, help="row kernel: how many new walks test each argument")
    parser.add_argument("--no-tests", action="store_true", help="row kernel: the corpus only")
    options = parser.parse_args()
    found = []
    for name in options.rows or [*ROWS, "kernel"]:
        if name == "kernel":
            found.append(kernel(options.quick, options.results, not options.no_tests, options.walks))
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
