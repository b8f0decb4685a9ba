"""`exactformer resume`: the same answer after any end, and a clear refusal of what is no run or another one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exactformer import Box, ReluNetwork, save
from exactformer.cli import main
from exactformer.prover import parallel
from exactformer.subdivision import tally
from exactformer.work import Record

PROGRAM = [sys.executable, "-m", "exactformer"]
WORDS = ["prove", "net.json", "--method", "regions", "--cross-check", "none"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    save(network(3), "net.json")

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        os.chdir(tmp_path)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def network(units: int) -> ReluNetwork:
    rows = [[(7 * i + 3) % 11 - 5, (5 * i + 1) % 13 - 6] for i in range(units)]
    return ReluNetwork.of(
        [(rows, [f"{i}/7" for i in range(units)])], ([[1] * units], [0]), domain=Box([-1] * 2, [1] * 2)
    )


def files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def stopped(monkeypatch: pytest.MonkeyPatch, run: Run, after: int = 3, *more: str) -> tuple[int, str, str]:
    """A run that is interrupted after so many pieces."""
    put = Record.put_text
    left = after

    def interrupted(self: Record, key: str, value: str) -> None:
        nonlocal left
        put(self, key, value)
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Record, "put_text", interrupted)
        patch.setattr(parallel, "SECONDS", 0.0)
        return run(*WORDS, "--out", "stopped", *more)


def test_after_ctrl_c(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(*WORDS, "--out", "whole")[0] == 0
    kept = "exactformer: what is finished is kept; exactformer resume stopped goes on\n"
    assert stopped(monkeypatch, run) == (130, "", f"{kept}interrupted\n")
    assert [path.name for path in Path("stopped").iterdir()] == ["run.record"]
    code, out, err = run("resume", "stopped")
    assert (code, err) == (0, "") and out.startswith("PROVED")
    assert files("stopped") == files("whole")


def test_the_same_command_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(monkeypatch, run)
    size = Path("stopped/run.record").stat().st_size
    with monkeypatch.context() as patch:
        patch.setattr(Record, "discard", Record.close)
        assert run(*WORDS, "--out", "stopped", "--timeout", "500", "--quiet") == (0, "", "")
    with Record.resume(Path("stopped/run.record")) as record:
        assert record.damaged == 0 and record.path.stat().st_size >= size


def test_a_damaged_record(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run(*WORDS, "--out", "whole")
    stopped(monkeypatch, run)
    path = Path("stopped/run.record")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"gate", b"gatf")
    path.write_bytes(b"".join(lines)[:-9])
    code, _, err = run("resume", "stopped")
    assert code == 0 and err.endswith("1 of its lines are damaged; their work is done again\n")
    assert files("stopped") == files("whole")


def test_another_command_in_that_folder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(monkeypatch, run)
    before = files("stopped")
    code, out, err = run("prove", "net.json", "--method", "lazy", "--out", "stopped")
    assert (code, out) == (3, "")
    assert "expected no unfinished run of another kind, found one; exactformer resume stopped goes on with it" in err
    assert files("stopped") == before


def test_a_network_that_has_changed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(monkeypatch, run)
    before = files("stopped")
    save(network(4), "net.json")
    code, out, err = run("resume", "stopped")
    assert (code, out) == (3, "") and "net.json: expected the file that the run began with (SHA-256" in err
    Path("net.json").unlink()
    code, out, err = run("resume", "stopped")
    assert (code, out) == (3, "") and err.endswith("found nothing there\n")
    assert files("stopped") == before


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ({"words": ["nothing"], "in": ".", "files": {}}, "invalid choice: 'nothing'"),
        ({"words": "prove", "in": ".", "files": {}}, "line 1: expected the words of a command"),
        ({"words": ["prove"], "in": "/nowhere/at/all", "files": {}}, "expected the folder in which the run began"),
        (
            {"words": ["resume", "stopped"], "in": ".", "files": {}},
            "expected a run that has ended, found one that goes on",
        ),
    ],
)
def test_records_that_were_written_by_somebody_else(run: Run, first: dict[str, Any], message: str) -> None:
    with Record(Path("stopped/run.record"), first) as record:
        record.put("x", 1)
    code, out, err = run("resume", "stopped")
    assert (code, out) == (3, "") and message in err


def test_folders_without_a_run(run: Run) -> None:
    Path("empty").mkdir()
    for name, message in (
        ("nothing", "expected the folder of a run, found none"),
        ("empty", "expected the record of a run"),
    ):
        code, out, err = run("resume", name)
        assert (code, out) == (3, "") and message in err


def test_a_run_that_is_out_of_time_is_kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "SECONDS", 0.0)
    late = parallel._found_below
    calls = iter(range(10**9))

    def out_of_time(*args: Any) -> Any:
        question, cells, every_gate, deadline, *more = args
        if next(calls) > 2:
            deadline = type(deadline)(0.0)
        return late(question, cells, every_gate, deadline, *more)

    with monkeypatch.context() as patch:
        patch.setattr(parallel, "_found_below", out_of_time)
        code, out, err = run(*WORDS, "--out", "stopped")
    assert code == 2 and "out of time" in out and "exactformer resume stopped goes on" in err
    assert Path("stopped/run.record").exists() and Path("stopped/report.html").exists()
    assert run("resume", "stopped", "--quiet") == (0, "", "")
    assert not Path("stopped/run.record").exists()


def test_theorems_are_gone_on_with(run: Run) -> None:
    assert run("theorems", "T12", "--instances", "2", "--out", "found")[0] == 0
    code, out, _ = run("resume", "found")
    assert code == 0 and "instances are from the record in" in out


def test_after_kill_9(tmp_path: Path) -> None:
    """All processes of a run are killed at a moment when something is written down."""
    save(network(9), tmp_path / "net.json")
    words = [*WORDS, "--jobs", "2"]
    whole = subprocess.run([*PROGRAM, *words, "--out", "whole"], cwd=tmp_path, capture_output=True, timeout=300)
    assert whole.returncode == 0
    process = subprocess.Popen([*PROGRAM, *words, "--out", "killed"], cwd=tmp_path, start_new_session=True)
    record = tmp_path / "killed" / "run.record"
    while process.poll() is None and not record.exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if record.exists():  # it may have come to its end in the same moment
        resumed = subprocess.run([*PROGRAM, "resume", "killed"], cwd=tmp_path, capture_output=True, timeout=300)
        assert resumed.returncode == 0, resumed.stderr
    assert files(str(tmp_path / "killed")) == files(str(tmp_path / "whole"))


def test_progress_as_a_log(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exactformer.cli.progress.EVERY", 0.01)
    code, out, _ = run(*WORDS, "--jobs", "2", "--log", "log", "--json")
    assert code == 0 and json.loads(out)["verdict"] == "proved"
    entries = [json.loads(line) for line in Path("log").read_text().splitlines()]
    assert entries and entries[-1]["phase"] in ("cross-check", "kernel")
    for entry in entries:
        assert entry["seconds"] >= 0 and set(entry) <= {
            *("seconds", "phase", "done", "pruned", "open", "share", "per_second", "workers")
        }
    code, _, err = run(*WORDS, "--log", "nowhere/at/all")
    assert code == 3 and "nowhere/at/all: expected a file that can be written" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--memory", "1"), "expected a size of at least 256M, such as 2G, found 1"),
        (("--memory", "lots"), "expected a size of at least 256M, such as 2G, found lots"),
        (("--dask", "tcp://127.0.0.1:9"), "--dask: expected a scheduler at tcp://127.0.0.1:9, found none"),
        (("--dask", "nonsense://x"), "--dask: expected a scheduler at nonsense://x, found none"),
        (("--jobs", "0"), "--jobs"),
    ],
)
def test_workers_that_cannot_be_had(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr("exactformer.cli.working.CONNECTING", 1)
    code, out, err = run(*WORDS, *words, "--out", "new")
    assert (code, out) == (3, "") and message in err
    assert not Path("new").exists()


def test_a_memory_that_is_too_small(tmp_path: Path) -> None:
    """What does not fit says so; the process is its own, since its memory stays limited."""
    save(network(3), tmp_path / "net.json")
    command = [*PROGRAM, *WORDS, "--memory", "300M", "--jobs", "2"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert found.returncode == 3 and "--memory: expected at least 256M for each of 3 processes" in found.stderr
    command[-3] = "2G"
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=300).returncode == 0


@pytest.mark.parametrize(("biases", "least"), [([9, 8, 7], ""), (["-1/5", "-2/5", "-1/7"], "at least ")])
def test_a_count_of_very_many_regions(run: Run, monkeypatch: pytest.MonkeyPatch, biases: list[Any], least: str) -> None:
    """What is counted without being kept is told as any count is; maps that may be equal leave a lower bound."""
    deep = [([[1, 0], [0, 1], [2, 1]], [0, "1/9", "2/9"]), ([[1, 0, -1], [0, 1, 1], [1, -1, 0]], biases)]
    save(ReluNetwork.of(deep, ([[1, 2, 4]], [0]), domain=Box([-1] * 2, [1] * 2)), "net.json")
    with monkeypatch.context() as patch:
        for name, value in {"group_of": lambda whole: 2, "size_of": lambda whole: 2, "MANY": 2}.items():
            patch.setattr(tally, name, value)
        code, told, _ = run("regions", "net.json", "--count", "--out", "many")
    assert Path("many/report.txt").exists() and not Path("many/run.record").exists()
    _, exact, _ = run("regions", "net.json", "--list")
    assert told.splitlines()[0] == exact.splitlines()[0] == f"{exact.split()[0]} activation regions on [-1, 1]^2"
    assert code == (2 if least else 0)
    assert f"  linear    {least}" in told
    assert ("maps that may be equal are not compared" in told) == bool(least)
    assert f"{exact.split()[0]} activation regions" in Path("many/report.txt").read_text()
