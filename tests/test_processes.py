"""The program as a process: only its answer on standard output, and nothing of it left once it has ended."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from exactformer import MaxoutNetwork, ReluNetwork, save

PROGRAM = [sys.executable, "-m", "exactformer"]
HANGING = 120  # seconds until a process that does not end is a failure
LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="processes are looked at in /proc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks whose questions take minutes, and one whose question takes no time."""
    place = tmp_path_factory.mktemp("networks")
    n = 6
    unit = [[int(i == j) for j in range(n)] for i in range(n)]
    relu = ReluNetwork.of([([*unit, *([-x for x in row] for row in unit)], [0] * 2 * n)], ([[1] * 2 * n], [0]))
    signs = [list(choice) for choice in product((1, -1), repeat=n)]
    save(relu, place / "sum.json")
    save(MaxoutNetwork.of([([signs], [[0] * 2**n])], ([[1]], [0])), place / "maximum.json")
    r = random.Random(1)
    layers = [([[r.randint(-9, 9) for _ in range(i)] for _ in range(o)], [r.randint(-9, 9)] * o) for i, o in SIZES]
    save(ReluNetwork.of(layers, ([[1] * 40], [0])), place / "many.json")
    save(ReluNetwork.of(layers[:1], ([[1] * 40], [0])), place / "few.json")
    save(ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0])), place / "abs.json")
    return place


SIZES = ((4, 40), (40, 40), (40, 40))
BOX = ("--box", "-1", "1")
BUSY = {
    "lazy": ("verify", "sum.json", "maximum.json", "--method", "lazy", "--jobs", "2", *BOX),
    "regions of a proof": ("verify", "sum.json", "maximum.json", "--method", "regions", "--jobs", "2", *BOX),
    "counting": ("regions", "many.json", "--jobs", "2", "--count", *BOX),
    "a distance": ("temperature", "few.json", "--temperature", "8", "--tight", "--ratio", "1.001", "--jobs", "2", *BOX),
    "z3": ("verify", "sum.json", "maximum.json", "--method", "smt", *BOX),
}
SIGNALS: dict[str, tuple[Callable[[int], None], int]] = {
    "Ctrl-C, to all processes": (lambda pid: os.killpg(pid, signal.SIGINT), 130),
    "SIGINT, to the first process": (lambda pid: os.kill(pid, signal.SIGINT), 130),
    "SIGTERM": (lambda pid: os.kill(pid, signal.SIGTERM), 143),
    "SIGKILL": (lambda pid: os.kill(pid, signal.SIGKILL), -signal.SIGKILL),
}


@LINUX
@pytest.mark.parametrize("busy", BUSY)
@pytest.mark.parametrize("how", SIGNALS)
def test_an_end_from_outside_ends_all_processes(how: str, busy: str, folder: Path, tmp_path: Path) -> None:
    """With --jobs 2, Ctrl-C used to be ignored until the time limit."""
    send, code = SIGNALS[how]
    words = [str(folder / word) if word.endswith(".json") else word for word in BUSY[busy]]
    process = started([*words, "--timeout", "10000"], tmp_path)
    wanted = 1 if busy == "z3" else 2
    children: list[int] = []

    def working() -> bool:
        assert process.poll() is None, process.communicate()
        children[:] = [pid for pid in descendants(process.pid) if at_work(pid)]
        return len(children) >= wanted

    wait_until(working)
    send(process.pid)
    # The end of standard error is seen when the last process that inherited it is gone.
    out, err = process.communicate(timeout=HANGING)
    assert (process.returncode, out) == (code, "")
    left = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.name == "run.record" for path in left)
    kept = [f"exactformer: what is finished is kept; exactformer resume {path.parent} goes on\n" for path in left]
    said = "".join(kept) if code in (130, 143) else ""
    assert err == said + ("interrupted\n" if code == 130 else "")
    wait_until(lambda: not any(map(lives, children)))


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(100 * HANGING):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it does not come to pass")


def started(words: list[str], place: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*PROGRAM, *words],
        cwd=place,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )


def descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            yield child
            yield from descendants(child)


def at_work(pid: int) -> bool:
    """Whether a worker is ready, by ignoring Ctrl-C, or the process is a solver's that has read its modules."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        ignored = int(status.split("SigIgn:")[1].split()[0], 16) >> (signal.SIGINT - 1) & 1
        return bool(ignored) or "z3" in Path(f"/proc/{pid}/maps").read_text()
    except (OSError, IndexError):  # it has ended
        return False


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- standard output ------------------------------------------------------------------------------

NOISY = """
import ctypes, sys
from exactformer import __main__
from exactformer.polyhedra import lp
make = lp._model
def noisy(rows, dimension):
    ctypes.CDLL(None).puts(b"a library below Python")  # in a buffer of C, which is written at exit
    print("a library in Python", file=sys.__stdout__)
    return make(rows, dimension)
lp._model = noisy
__main__.program()
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("words", [("--claim", "range:-5,5"), ("--claim", "convex", "--method", "lazy")])
def test_only_the_answer_reaches_standard_output(
    words: tuple[str, ...], jobs: str, folder: Path, tmp_path: Path
) -> None:
    """A new version of HiGHS wrote a banner from C when a solver was made: --json was no JSON, --quiet not quiet."""
    command = ["verify", str(folder / "abs.json"), *words, *BOX, "--jobs", jobs, "--out", "proof"]
    for program in (PROGRAM, [sys.executable, "-c", NOISY]):
        found = written([*program, *command, "--json"], tmp_path)
        assert json.loads(found.decode())["verdict"] == "proved"
        assert written([*program, *command, "--quiet"], tmp_path) == b""


def written(words: list[str], place: Path) -> bytes:
    """What a process writes to a standard output that is a file."""
    with open(place / "out", "wb") as out:
        subprocess.run(words, cwd=place, stdout=out, stderr=subprocess.DEVNULL, timeout=HANGING, check=True)
    return (place / "out").read_bytes()


def test_a_solver_is_made_without_a_word(capfd: Any) -> None:
    """In a notebook or a script, too, where nothing stands between a library and standard output."""
    from exactformer.polyhedra.lp import Minimum, Program

    assert isinstance(Program([((1,), 1), ((-1,), 1)], 1).minimise(((1,), 0)), Minimum)
    assert capfd.readouterr() == ("", "")
