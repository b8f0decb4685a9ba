"""Faults in the kernel's own source: each is loaded as another package and put to the corpus, then to the tests.

A mutated kernel that does not end is noticed by its steps, not by a clock. A worker process takes the kernels one
after the other; whoever watches it ends what hangs inside one operation, or takes all memory. Results go to a file of
JSON lines, so that a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import ast
import hashlib
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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import fault_corpus
from fault_corpus import Entry
from fault_mutations import Mutation, mutations
from fault_work import STEP, TooMuchWork, Work, counted

import exactformer.kernel.claims

KERNEL = Path(exactformer.kernel.__file__).parent
HERE = Path(__file__).parent
EQUIVALENT = HERE / "equivalent.json"
NAME = "mutated_kernel"
MORE_WORK = 5  # a mutated kernel may take so many times the steps of the kernel
MEMORY = 3 << 30
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
Sources = Mapping[str, str]


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
        return sys.modules[NAME]


@contextmanager
def imported(files: Sources) -> Iterator[Finder]:
    """The finder, while it is in use."""
    finder = Finder(files)
    sys.meta_path.insert(0, finder)
    try:
        yield finder
    finally:
        sys.meta_path.remove(finder)


def difference(finder: Finder, mutation: Mutation | None, entries: Sequence[Entry], steps: float = float("inf")) -> str:
    """The first entry whose verdict is not the expected one, or at which the steps are over; empty if there is none."""
    name, work = "import", finder.work
    work.steps, work.limit = 0, steps
    try:
        package = finder.load(mutation)
        for entry in entries:
            name = entry.name
            if fault_corpus.answer(package, entry) != entry.expected:
                return name
    except TooMuchWork:
        return f"{name} (no end)"
    except (Exception, SystemExit) as error:
        return f"{name} ({type(error).__name__})"
    return ""


def steps_allowed(finder: Finder, entries: Sequence[Entry]) -> int:
    """The steps that a mutated kernel may take for these entries."""
    killer = difference(finder, None, entries)
    assert not killer, f"the kernel differs from the corpus: {killer}"
    return MORE_WORK * finder.work.steps


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
    while waiting:
        reader, writer = os.pipe()
        worker = os.fork()
        if worker == 0:
            os.close(reader)
            _work(waiting, files, entries, writer)
        os.close(writer)
        finished = yield from _watched(waiting, reader, worker)
        del waiting[:finished]


def _work(todo: Sequence[Mutation], files: Sources, entries: Sequence[Entry], writer: int) -> None:
    """What the worker does; it never returns."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    with imported(files) as finder:
        steps = steps_allowed(finder, entries)
        for mutation in todo:
            started = time.monotonic()
            killer = difference(finder, mutation, entries, steps)
            line = json.dumps([killer, time.monotonic() - started]) + "\n"
            os.write(writer, line.encode())
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


def by_tests(mutation: Mutation | None, files: Sources, arguments: Sequence[str] = ()) -> Result:
    """Run the kernel's tests on a mutated kernel in a process of their own: the first test that fails."""
    started = time.monotonic()
    first = FIRST.get(mutation.file[:-3], "") if mutation else ""
    order = sorted(ORDER, key=lambda name: name not in (first, "pinned"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "kernel"
        place.mkdir()
        for name, text in files.items():
            changed = mutation is not None and mutation.file == name
            (place / name).write_text(mutation_source(mutation) if changed else text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "fault_plugin", "-p", "no:cacheprovider", "--tb=no"]
        command += ["-W", "ignore", *arguments, *(str(TESTS / f"test_kernel_{name}.py") for name in order)]
        paths = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | {"PYTHONPATH": paths, "MUTATED_KERNEL": str(place)}
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, env=environment, timeout=4 * PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            return Result(mutation.key if mutation else "", "the tests do not end", "tests", time.monotonic() - started)
    failed = [line.split(" - ")[0] for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    killer = "" if run.returncode == 0 else ", ".join(failed)[-2000:] or f"exit code {run.returncode}"
    return Result(mutation.key if mutation else "", killer, "tests", time.monotonic() - started)


def mutation_source(mutation: Mutation | None) -> str:
    """The text of the changed file."""
    assert mutation is not None
    return ast.unparse(mutation.tree())


# --- results and arguments ------------------------------------------------------------------------


def state(files: Sources, entries: Sequence[Entry]) -> str:
    """A digest of what results depend on."""
    content = json.dumps(
        [dict(files), [[e.kind, e.name, e.certificate.decode("latin-1"), e.expected] for e in entries]]
    )
    return hashlib.sha256(content.encode()).hexdigest()[:16]


class Results:
    """The results so far, in a file of JSON lines."""

    def __init__(self, path: Path, digest: str) -> None:
        self.path, self.digest = path, digest
        self.known: dict[str, Result] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError):
                    row = json.loads(line)
                    if row.pop("state") == digest:
                        self.add(Result(**row), store=False)

    def add(self, result: Result, store: bool = True) -> None:
        """Keep a result; one of the tests counts more than one of the corpus."""
        self.known[result.key] = result
        if store:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**result.__dict__, "state": self.digest}) + "\n")


def arguments() -> dict[str, str]:
    """Why a mutated kernel that survives is as good as the kernel, by its key."""
    if not EQUIVALENT.exists():
        return {}
    table = json.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {key: group["why"] for group in table for key in group["mutations"]}


def run_corpus(chosen: Iterable[Mutation], files: Sources, entries: Sequence[Entry], results: Results) -> None:
    """The first stage, for those without a result."""
    todo = [mutation for mutation in chosen if mutation.key not in results.known]
    for mutation in todo:
        if mutation.file in UNSEEN:
            results.add(Result(mutation.key, "", "corpus", 0))
    for result in by_corpus([mutation for mutation in todo if mutation.file not in UNSEEN], files, entries):
        results.add(result)


def new_walks(entries: Sequence[Entry], count: int) -> list[Entry]:
    """As many walks as asked for, from the goals of the corpus with other seeds, and what the kernel knows on them."""
    r = random.Random("walks")
    some = r.choices([entry for entry in entries if entry.kind.startswith("walk")], k=count)
    walks = [replace(entry, name=f"new {entry.name}", kind=f"walk {r.randrange(10**9)}") for entry in some]
    return [replace(walk, expected=fault_corpus.answer(exactformer.kernel, walk)) for walk in walks]


def run_tests(chosen: Iterable[Mutation], files: Sources, results: Results, deselected: Sequence[str] = ()) -> None:
    """The second stage, for what survived the first; `deselected` are tests that fail on the kernel itself."""
    for mutation in chosen:
        result = results.known[mutation.key]
        if not result.killer and result.stage == "corpus":
            results.add(by_tests(mutation, files, ["-x", *(f"--deselect={name}" for name in deselected)]))


def failing(files: Sources) -> list[str]:
    """The tests that fail on the kernel as it is; none, one hopes."""
    killer = by_tests(None, files).killer
    return [name.removeprefix("FAILED ").removeprefix("ERROR ") for name in killer.split(", ") if killer]
