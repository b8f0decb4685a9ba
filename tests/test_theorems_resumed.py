"""Runs of the laboratory that are gone on with: the record of their instances, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exactformer.cli import main
from exactformer.errors import InvalidInput
from exactformer.theorems import Findings, check, check_all, resume
from exactformer.theorems import driver as laboratory
from exactformer.theorems.journal import FILE
from exactformer.theorems.result import Found

NAMES = ("T12", "T42", "T46")


def told(found: Findings) -> list[tuple[Any, ...]]:
    return [(f.theorem.number, f.asked, f.tried, f.confirmed, f.failure, f.twin, f.outcome) for f in found.findings]


def cut(folder: Path, lines: int, more: str = "") -> None:
    """Leave the first lines of the record, as an interrupted run does."""
    text = (folder / FILE).read_text().splitlines(keepends=True)
    (folder / FILE).write_text("".join(text[:lines]) + more)


@pytest.mark.parametrize("lines", (1, 4, 9, 14))
def test_a_run_that_is_gone_on_with_finds_the_same(lines: int, tmp_path: Path) -> None:
    whole = check_all(NAMES, instances=6, seed=3)
    assert told(check_all(NAMES, instances=6, seed=3, folder=tmp_path)) == told(whole) and whole.resumed == 0
    assert len((tmp_path / FILE).read_text().splitlines()) == 1 + 2 * 7  # six instances and the twin, of two theorems
    cut(tmp_path, lines, '{"theorem": "T46", "outco')
    again = resume(tmp_path)
    assert told(again) == told(whole) and again.resumed == lines - 1 == again.to_json()["resumed"]
    assert resume(tmp_path).resumed == 14


def test_what_was_decided_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check("T46", instances=4, rank=2, inputs=1, folder=tmp_path)
    monkeypatch.setattr(laboratory, "tried", None)
    found = resume(tmp_path)
    assert found.resumed == 5 and found.outcome == "confirmed"
    assert json.loads((tmp_path / FILE).read_text().splitlines()[0])["parameters"] == {"rank": 2, "inputs": 1}


def test_what_stayed_open_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(laboratory, "tried", lambda task, deadline: Found("unknown", "too hard", 0.5))
        assert check_all(["T12"], instances=3, folder=tmp_path).outcome == "unknown"
    assert len((tmp_path / FILE).read_text().splitlines()) == 1
    assert resume(tmp_path).outcome == "confirmed"


def test_a_failure_in_the_record_stays_one_and_ends_its_theorem(tmp_path: Path) -> None:
    check_all(["T12"], instances=5, folder=tmp_path)
    lines = (tmp_path / FILE).read_text().splitlines()
    failed = json.loads(lines[2]) | {"outcome": "failed", "text": "a witness"}
    (tmp_path / FILE).write_text("\n".join([lines[0], lines[1], json.dumps(failed)]) + "\n")
    found = resume(tmp_path).findings[0]
    assert found.outcome == "failed" and found.tried == 2 and "a witness" in (found.why or "")


@pytest.mark.parametrize(
    ("line", "changed", "message"),
    (
        (0, "", "the first line of a record"),
        (0, "[" * 10**5, "the first line of a record"),
        (0, {"format": "exactformer/instances-2"}, "the first line of a record"),
        (0, {"version": "0.0.1"}, "a record of this version"),
        (0, {"theorems": "T12"}, "a list of names"),
        (0, {"theorems": ["T99"]}, "a theorem from T1"),
        (0, {"instances": 0}, "instances"),
        (0, {"seed": -1}, "seed"),
        (0, {"parameters": {"rank": "2"}}, "an object of integers"),
        (0, {"parameters": {"heads": 2}}, "parameters among those that it has"),
        (1, "no JSON", "line 2: expected the record of an instance"),
        (1, {"outcome": "unknown"}, "line 2: expected the record of an instance"),
        (1, {"outcome": ["failed"]}, "line 2: expected the record of an instance"),
        (1, {"parameters": [2]}, "line 2: expected the record of an instance"),
        (1, {"instance": "0"}, "line 2: expected the record of an instance"),
        (1, {"seconds": "0"}, "line 2: expected the record of an instance"),
        (1, {"text": None}, "line 2: expected the record of an instance"),
        (1, {"more": None}, "line 2: expected the record of an instance"),
    ),
)
def test_what_is_no_record_is_refused(line: int, changed: str | dict[str, Any], message: str, tmp_path: Path) -> None:
    check_all(["T12"], instances=2, folder=tmp_path)
    lines = (tmp_path / FILE).read_text().splitlines()
    lines[line] = changed if isinstance(changed, str) else json.dumps(json.loads(lines[line]) | changed)
    (tmp_path / FILE).write_text("\n".join(lines) + "\n")
    with pytest.raises(InvalidInput, match=message):
        resume(tmp_path)


def test_a_folder_without_a_record_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="expected a folder with the record of a run"):
        resume(tmp_path)
    (tmp_path / FILE).write_text("")
    with pytest.raises(InvalidInput, match="the first line of a record"):
        resume(tmp_path)


def test_nothing_is_written_for_arguments_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="instances"):
        check_all(["T12"], instances=0, folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "run")
    words = ["theorems", "T12", "--instances", "4", "--rank", "3"]
    assert main([*words, "--out", folder]) == 0
    cut(tmp_path / "run", 3)
    capsys.readouterr()
    assert main([*words, "--out", folder]) == 3  # an unfinished record is not written over
    assert f"exactformer theorems --resume {folder} goes on" in capsys.readouterr().err
    assert main(["theorems", "--resume", folder, "--jobs", "2"]) == 0
    out = capsys.readouterr().out
    assert "resumed  2 instances are from the record" in out and "T12" in out
    assert main(["theorems", "--resume", folder, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["resumed"] == 5
    assert main([*words, "--out", folder]) == 0  # a finished one is
    for more in (["T12"], ["--rank", "2"], ["--instances", "2"], ["--seed", "2"], ["--out", "x"], ["--all-weights"]):
        assert main(["theorems", "--resume", folder, *more]) == 3
        assert "--resume: expected no" in capsys.readouterr().err
