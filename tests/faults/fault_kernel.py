"""Faults in the kernel's own source: each is loaded as another package and put to the corpus, then to the tests.

A mutated kernel that does not end is noticed by its steps, not by a clock. A worker process takes the kernels one
after the other; whoever watches it ends what hangs inside one operation, or takes all memory. Results go to a file of
JSON lines, so that a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import ast
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import fault_corpus
import fault_reach
from fault_corpus import Entry
from fault_mutations import Mutation, mutations
from fault_work import STEP, TooMuchWork, Work, counted

import exactformer.kernel.claims

KERNEL = Path(exactformer.kernel.__file__).parent
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EQUIVALENT = HERE / "equivalent.json"
NAME = "mutated_kernel"
MORE_WORK = 5  # a mutated kernel may take so many times the steps of the kernel,
STEPS_AT_LEAST = 10_000  # and as many more
TESTING = 20.0  # seconds of tests to which a mutated kernel is put then; what survives them counts as surviving
MANY = 500  # mutated kernels, for which it is worth while to see first which entry comes to which line
MEMORY = 3 << 30
LONGEST = 100.0  # seconds of a processor that one mutated kernel may take: where numbers grow, steps do not tell
PATIENCE = 900.0  # seconds without a sign of life after which a process is ended: only what hangs takes so long
TESTS = HERE.parent / "kernel"
FIRST = {"reading": "reading", "forms": "forms", "cell": "cell", "networks": "reading", "semantics": "semantics"}
FIRST |= {"statements": "claims", "claims": "proofs", "__main__": "boundary", "counts": "counts"}
FIRST |= {"certificates": "boundary", "softmax": "softmax", "bounds": "softmax", "atoms": "differences"}
FIRST |= {"elementary": "elementary", "functions": "functions", "chains": "chains"}
ORDER = (
    "pinned",
    "paths",
    "softmax",
    "leak",
    "differences",
    "reproduced",
    "boundary",
    "reading",
    "cell",
    "semantics",
    "claims",
)
ORDER += ("forms", "counts", "narrow", "chains", "attacks", "elementary", "functions", "proofs", "fuzz")
UNSEEN = ("__main__.py",)  # no entry of the corpus depends on it: left to the tests
CACHED = type(functools.cache(len))
Sources = Mapping[str, str]
Steps = Mapping[str, int]  # of an entry, by its name


def sources() -> dict[str, str]:
    """The kernel's files as they are now."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(KERNEL.glob("*.py"))}


def all_mutations(files: Sources) -> list[Mutation]:
    """All changes to all files."""
    return [mutation for name, text in files.items() for mutation in mutations(name, text)]


# --- a mutated kernel in this process -------------------------------------------------------------


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the package `mutated_kernel` from code objects whose steps are counted."""

    def __init__(self, files: Sources) -> None:
        self.work = Work()
        self.codes: dict[str, CodeType] = {
            NAME if name == "__init__.py" else f"{NAME}.{name[:-3]}": counted(ast.parse(text), name)
            for name, text in files.items()
        }
        self.changed: dict[str, CodeType] = {}
        self.caches: set[Any] = set()

    def find_spec(self, fullname: str, path: object, target: object = None) -> Any:
        if fullname not in self.codes:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=fullname == NAME)

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__[STEP] = self.work
        exec(self.changed.get(module.__name__) or self.codes[module.__name__], module.__dict__)

    def load(self, mutation: Mutation | None) -> Any:
        """A fresh copy of the package, with the change."""
        self.changed = {}
        if mutation is not None:
            name = f"{NAME}.{mutation.file[:-3]}"
            self.changed = {name: counted(mutation.tree(), mutation.file)}
        for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
            del sys.modules[name]
        importlib.import_module(f"{NAME}.certificates")
        modules = [module for name, module in sys.modules.items() if name.startswith(f"{NAME}.")]
        self.caches = {value for m in modules for value in vars(m).values() if isinstance(value, CACHED)}
        return sys.modules[NAME]

    def afresh(self, package: Any, entry: Entry) -> Any:
        """What the package says with empty caches: it runs whatever it may run in any order, and takes most steps."""
        for cached in self.caches:
            cached.cache_clear()
        return fault_corpus.answer(package, entry)


@contextmanager
def imported(files: Sources) -> Iterator[Finder]:
    """The finder, while it is in use."""
    finder = Finder(files)
    sys.meta_path.insert(0, finder)
    try:
        yield finder
    finally:
        sys.meta_path.remove(finder)


def difference(
    finder: Finder, mutation: Mutation | None, entries: Sequence[Entry], allowed: Steps | None = None
) -> str:
    """The first entry whose verdict is not the expected one, or at which the steps are over; empty if there is none."""
    name, work, allowed = "import", finder.work, allowed or {}
    try:
        work.steps, work.limit = 0, allowed.get(name, float("inf"))
        package = finder.load(mutation)
        for entry in entries:
            name = entry.name
            work.steps, work.limit = 0, allowed.get(name, float("inf"))
            if fault_corpus.answer(package, entry) != entry.expected:
                return name
    except TooMuchWork:
        return f"{name} (no end)"
    except (Exception, SystemExit) as error:
        return f"{name} ({type(error).__name__})"
    return ""


def steps_allowed(finder: Finder, entries: Sequence[Entry]) -> Steps:
    """The steps that a mutated kernel may take for each of these entries."""
    work = finder.work
    work.steps, work.limit = 0, float("inf")
    package = finder.load(None)
    allowed = {"import": MORE_WORK * work.steps + STEPS_AT_LEAST}
    for entry in entries:
        work.steps = 0
        assert finder.afresh(package, entry) == entry.expected, f"the kernel differs from the corpus: {entry.name}"
        allowed[entry.name] = MORE_WORK * work.steps + STEPS_AT_LEAST
    return allowed


def entries_reached(finder: Finder, entries: Sequence[Entry]) -> fault_reach.Reach:
    """Which entries come to which lines of the kernel."""
    package, files = finder.load(None), [f"{name.rpartition('.')[2]}.py" for name in finder.codes]
    return fault_reach.inverted(
        {
            entry.name: fault_reach.lines_of(lambda entry=entry: finder.afresh(package, entry), files)
            for entry in entries
        }
    )


# --- many of them ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What became of a mutated kernel: what killed it (empty: nothing), at which stage, how long that took."""

    key: str
    killer: str
    stage: str
    seconds: float


def by_corpus(todo: Sequence[Mutation], files: Sources, entries: Sequence[Entry]) -> Iterator[Result]:
    """Put each mutated kernel to the corpus, in worker processes that are ended when they hang."""
    waiting = list(todo)
    with imported(files) as finder:
        steps = steps_allowed(finder, entries)
        finder.work.limit = float("inf")
        reach = entries_reached(finder, entries) if len(todo) > MANY else None
    while waiting:
        reader, writer = os.pipe()
        worker = os.fork()
        if worker == 0:
            os.close(reader)
            _work(waiting, files, entries, steps, reach, writer)
        os.close(writer)
        finished = yield from _watched(waiting, reader, worker)
        del waiting[:finished]


def _work(
    todo: Sequence[Mutation],
    files: Sources,
    entries: Sequence[Entry],
    steps: Steps,
    reach: fault_reach.Reach | None,
    writer: int,
) -> None:
    """What the worker does; it never returns."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    with imported(files) as finder:
        order = sorted(entries, key=lambda entry: steps[entry.name])
        for mutation in todo:
            started = time.monotonic()
            signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)  # this ends the process
            some, lines = order, mutation.lines
            if reach is not None and lines is not None:
                names = fault_reach.reaching(reach, mutation.file, lines)
                some = [entry for entry in order if entry.name in names]
            killer = difference(finder, mutation, some, steps)
            name = killer.removesuffix(" (no end)")
            order.sort(key=lambda entry: entry.name != name)  # what notices one change, notices the next
            os.write(writer, (json.dumps([killer, time.monotonic() - started]) + "\n").encode())
    os._exit(0)


def _watched(todo: Sequence[Mutation], reader: int, worker: int) -> Iterator[Result]:
    """The results of a worker as they come; the mutated kernel at which it stops or hangs counts as killed."""
    import select

    finished, rest = 0, b""
    try:
        while finished < len(todo):
            ready, _, _ = select.select([reader], [], [], PATIENCE)
            data = os.read(reader, 1 << 16) if ready else b""
            if not data:
                yield Result(todo[finished].key, "the process hangs" if not ready else "the process dies", "corpus", 0)
                return finished + 1
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                killer, seconds = json.loads(line)
                yield Result(todo[finished].key, killer, "corpus", seconds)
                finished += 1
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
        os.close(reader)
    return finished


@dataclass(frozen=True)
class Tests:
    """The kernel's tests: which fail on the kernel itself, and, where that is known, what they reach and take."""

    failing: Sequence[str] = ()
    reach: fault_reach.Reach = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def first(self, mutation: Mutation) -> list[str]:
        """The tests that come to the changed statement, the shortest first, while they take little time together."""
        names = fault_reach.reaching(self.reach, mutation.file, mutation.lines or ())
        order = sorted(names, key=lambda name: (self.seconds.get(name, 0), name))
        spent = accumulate(self.seconds.get(name, 0) for name in order)
        return [name for name, total in zip(order, spent, strict=True) if total < TESTING]


def by_tests(mutation: Mutation, files: Sources, tests: Tests) -> Result:
    """Run the kernel's tests on a mutated kernel in a process of their own: the first test that fails."""
    started = time.monotonic()
    first = FIRST.get(mutation.file[:-3], "")
    order = sorted(ORDER, key=lambda name: name not in (first, "pinned"))
    chosen = tests.first(mutation) or [str(TESTS / f"test_kernel_{name}.py") for name in order]
    with tempfile.TemporaryDirectory() as folder:
        changed = {**files, mutation.file: ast.unparse(mutation.tree())}
        try:
            run = _pytest(changed, Path(folder), ["-x", *(f"--deselect={name}" for name in tests.failing), *chosen])
        except subprocess.TimeoutExpired:
            return Result(mutation.key, "the tests do not end", "tests", time.monotonic() - started)
    failed = [line.split(" - ")[0] for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    killer = "" if run.returncode == 0 else ", ".join(failed)[-2000:] or f"exit code {run.returncode}"
    return Result(mutation.key, killer, "tests", time.monotonic() - started)


def _pytest(
    files: Sources, folder: Path, arguments: Sequence[str], variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The kernel's tests on a kernel with these files, which are written to a folder."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "fault_plugin",
        "-p",
        "no:cacheprovider",
        "--tb=no",
        "--dist=no",
    ]
    command += ["-W", "ignore", *arguments]
    paths = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths, "MUTATED_KERNEL": str(folder)} | (variables or {})
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=4 * PATIENCE, check=False
    )


def measured_tests(files: Sources) -> Tests:
    """The kernel's tests, with what they reach and take."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        reach, seconds, failing = fault_reach.of_tests(
            lambda more, variables: _pytest(files, folder, [*more, str(TESTS)], variables), folder
        )
    return Tests(failing, reach, seconds)


# --- arguments and walks --------------------------------------------------------------------------


def arguments() -> dict[str, str]:
    """Why a mutated kernel that survives is as good as the kernel, by its key."""
    table = json.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {key: group["why"] for group in table for key in group["mutations"]}


def new_walks(entries: Sequence[Entry], count: int) -> list[Entry]:
    """As many walks as asked for, from the goals of the corpus with other seeds, and what the kernel knows on them."""
    r = random.Random("walks")
    some = r.choices([entry for entry in entries if entry.kind.startswith("walk")], k=count)
    walks = [replace(entry, name=f"new {entry.name}", kind=f"walk {r.randrange(10**9)}") for entry in some]
    return [replace(walk, expected=fault_corpus.answer(exactformer.kernel, walk)) for walk in walks]


# --- both stages ----------------------------------------------------------------------------------


def results(
    groups: Sequence[Sequence[Mutation]], files: Sources, entries: Sequence[Entry], tests: Tests
) -> Iterator[list[Result]]:
    """Group by group what became of the mutated kernels: the corpus, and the tests for what survives it unargued."""
    argued = arguments()
    found = by_corpus([m for group in groups for m in group if m.file not in UNSEEN], files, entries)
    for group in groups:
        rows = []
        for mutation in group:
            result = next(found) if mutation.file not in UNSEEN else Result(mutation.key, "", "corpus", 0)
            if not result.killer and mutation.key not in argued:
                result = by_tests(mutation, files, tests)
            rows.append(result)
        yield rows
