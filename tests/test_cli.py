"""The command line: answers, exit codes, one clear message for bad input (CLI_UPDATE=1 writes the snapshots anew)."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from exactformer import cli, load
from exactformer.cli import main
from exactformer.formats.network_json import FORMAT

SNAPSHOTS = Path(__file__).parent / "snapshots" / "cli"
PROVED, REFUTED, UNKNOWN, BAD_INPUT, REJECTED = range(5)
KEYS = {
    "verdict",
    "certified",
    "method",
    "claim",
    "parameters",
    "domain",
    "regions",
    "witness",
    "certificate",
    "theorem",
    "reason",
    "seconds",
    "counts",
}

ABSOLUTE: dict[str, Any] = {
    "format": FORMAT,
    "kind": "maxout",
    "name": "|x|",
    "layers": [{"weights": [[[1], [-1]]], "biases": [[0, 0]]}],
    "output": {"weights": [[1]], "biases": [0]},
    "domain": {"lower": [-1], "upper": [1]},
}
BEND: dict[str, Any] = {
    "format": FORMAT,
    "kind": "relu",
    "name": "bend",
    "layers": [{"weights": [[1, 2], [-1, 1]], "biases": [0, "1/2"]}],
    "output": {"weights": [[1, -1]], "biases": [0]},
    "domain": {"lower": [-1, -1], "upper": [1, 1]},
}
OTHER = {**BEND, "name": "other", "output": {"weights": [[1, -1]], "biases": ["1/3"]}}
NO_BOX = {key: value for key, value in ABSOLUTE.items() if key != "domain"}
ATTENTION: dict[str, Any] = {
    "format": FORMAT,
    "kind": "transformer",
    "name": "attention",
    "embedding": {"weights": [[[1], [0]], [[0], [1]]], "offsets": [[0, 0], [1, 0]]},
    "blocks": [
        {"heads": [{"query": [[1, 0]], "key": [[0, 1]], "value": [[1, 1]], "output": [[1], [0]]}], "feedforward": None}
    ],
    "residual": True,
    "readout": {"token": 0, "weights": [[1, 1]], "biases": [0]},
}
NNET = "1,1,1,1,\n1,1,\n0,\n-1,\n1,\n0,0,\n1,1,\n2,\n1/2,\n"
EMPTY = {"lower": [-1, -1], "upper": [1, 1], "matrix": [[1, 1], [-1, -1]], "bounds": [-1, 0]}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder with some networks; no run may end in a traceback or an internal error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    values = {"abs": ABSOLUTE, "bend": BEND, "other": OTHER, "no-box": NO_BOX, "attention": ATTENTION}
    for name, value in values.items():
        Path(f"{name}.json").write_text(json.dumps(value))
    Path("line.nnet").write_text(NNET)

    def result(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "internal error" not in err
        return code, out, err

    return result


def tree() -> dict[str, bytes | None]:
    """Everything in the current folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(Path().rglob("*"))}


def refused(run: Run, *words: object, code: int = BAD_INPUT) -> list[str]:
    """The lines of the message of a command that must fail, write nothing, and say the same as JSON."""
    before = tree()
    found, out, err = run(*words)
    assert (found, out) == (code, "")
    assert err.startswith("exactformer: ")
    lines = err.removeprefix("exactformer: ").splitlines()
    if words:
        found, out, err = run(*words, "--json")
        assert found == code
        answer = json.loads(out)
        verdict = {2: "unknown", 3: "error", 4: "rejected"}[code]
        assert answer == {"verdict": verdict, "reason": "\n".join(lines), "exit_code": code}
    assert tree() == before
    return lines


def write(name: str, value: Any) -> str:
    Path(name).write_text(value if isinstance(value, str) else json.dumps(value))
    return name


# --- answers --------------------------------------------------------------------------------------


def answer(run: Run, *words: object) -> tuple[int, dict[str, Any]]:
    code, out, err = run(*words, "--json")
    assert err == ""
    assert out.count("\n") == 1
    value: dict[str, Any] = json.loads(out)
    return code, value


def test_what_a_large_proof_takes_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exactformer.cli.prove.MANY", 1)
    message = (
        r"exactformer: \d+ weights: expect about 0 minutes and 0 GB of memory; --timeout SECONDS ends it earlier\n"
    )
    assert re.fullmatch(message, run("prove", "bend.json", "--out", "proof")[2])
    assert run("prove", "bend.json", "--out", "proof", "--quiet")[2] == ""


def test_prove_as_json(run: Run) -> None:
    code, found = answer(run, "prove", "bend.json", "--out", "proof")
    assert code == PROVED
    assert found.keys() == KEYS
    assert (found["verdict"], found["method"], found["claim"]) == ("proved", "structural", "equal")
    assert found["domain"] == {"lower": [-1, -1], "upper": [1, 1]}
    assert found["certificate"] == str(Path("proof", "certificate.json"))
    assert found["theorem"].startswith("for every x in the domain, left(x) = right(x)")
    assert found["witness"] is found["reason"] is found["regions"] is None
    assert isinstance(found["seconds"], float)
    assert {path.name for path in Path("proof").iterdir()} == {
        *("left.json", "right.json", "certificate.json", "correspondence.json"),
        *("report.json", "report.txt", "report.md", "report.html", "README.txt", "manifest.json"),
    }


def test_verify_as_json_with_a_witness(run: Run) -> None:
    code, found = answer(run, "verify", "bend.json", "other.json", "--out", "proof")
    assert code == REFUTED
    assert found.keys() == KEYS
    assert found["verdict"] == "refuted"
    witness = found["witness"]
    assert witness.keys() == {"point", "left", "right", "evaluations"}
    assert all(type(x) is str for key in ("point", "left", "right") for x in witness[key])
    assert witness["evaluations"] == [
        {"label": f"{side}(x)", "point": witness["point"], "value": witness[side]} for side in ("left", "right")
    ]
    for side, name in (("left", "bend"), ("right", "other")):
        assert load(f"{name}.json").evaluate(witness["point"]) == tuple(map(Fraction, witness[side]))
        assert run("evaluate", f"{name}.json", "--at", ",".join(witness["point"]))[1] == witness[side][0] + "\n"
    assert run("check", "proof")[0] == PROVED


def test_regions_as_json(run: Run) -> None:
    code, found = answer(run, "prove", "bend.json", "--method", "regions", "--out", "proof", "--cross-check", "none")
    assert (code, found["method"], found["regions"]) == (PROVED, "regions", 4)
    assert found["counts"]["regions"] == 4


def test_unknown_as_json(run: Run) -> None:
    code, found = answer(run, "verify", *equal_but_hard(2), "--method", "structural", "--out", "proof")
    assert code == UNKNOWN
    assert found.keys() == KEYS
    assert (found["verdict"], found["certificate"], found["theorem"]) == ("unknown", None, None)
    assert "the method lazy can split" in found["reason"]
    assert refused(run, "check", "proof") == [
        "proof/certificate.json: expected a certificate file or a proof folder, found nothing to read there"
    ]


def test_check_compile_evaluate_and_report_as_json(run: Run) -> None:
    run("prove", "bend.json", "--out", "proof")
    code, found = answer(run, "check", "proof")
    assert code == PROVED
    assert (found["verdict"], found["claim"], found["certificate"]) == ("accepted", "equal", "proof")
    assert found.keys() >= {"theorem", "counts", "seconds"}
    code, found = answer(run, "compile", "bend.json", "-o", "made.json")
    assert (code, found["construction"], found["file"]) == (PROVED, "gated", "made.json")
    assert found["counts"]["tokens"] == 2
    code, found = answer(run, "evaluate", "made.json", "--at", "1/2,-1/3", "--at=-1,0")
    assert (code, found) == (
        PROVED,
        {"points": [["1/2", "-1/3"], ["-1", "0"]], "values": [[0], ["-3/2"]], "exact": True},
    )
    code, found = answer(run, "report", "proof")
    assert (code, found["verdict"], found["format"]) == (PROVED, "proved", "exactformer/report-1")


def test_quiet_and_standard_streams(run: Run) -> None:
    assert run("prove", "abs.json", "--quiet", "--out", "proof") == (PROVED, "", "")
    assert run("check", "proof", "--quiet") == (PROVED, "", "")
    assert run("compile", "abs.json", "-o", "made.json", "--quiet") == (PROVED, "", "")
    assert run("evaluate", "abs.json", "--at", "2", "--quiet") == (PROVED, "2\n", "")
    code, out, err = run("prove", "abs.json", "--out", "proof")
    assert (code, err) == (PROVED, "")
    assert out.startswith("PROVED  for every x in the domain, left(x) = right(x)")


@pytest.mark.parametrize(
    ("options", "domain"),
    [
        (("--box", "-1/2", "1/2"), {"lower": ["-1/2"], "upper": ["1/2"]}),
        (("--box", "-1e-3", "1"), {"lower": ["-1/1000"], "upper": [1]}),
        (("--box", "-.5", "-.25"), {"lower": ["-1/2"], "upper": ["-1/4"]}),
        (("--box", "-3", "-3"), {"lower": [-3], "upper": [-3]}),
        (("--box", "-1e60", "1e-60"), {"lower": [-(10**60)], "upper": [f"1/{10**60}"]}),
        (("--domain", "domain.json"), {"lower": [-2], "upper": [3], "matrix": [[1]], "bounds": ["5/2"]}),
        (("--construction", "global", "--everywhere"), {"lower": [None], "upper": [None]}),
        (("--seed", "3"), {"lower": [-1], "upper": [1]}),
    ],
)
def test_domains_and_negative_option_values(run: Run, options: tuple[str, ...], domain: Any) -> None:
    write("domain.json", {"lower": [-2], "upper": [3], "matrix": [[1]], "bounds": ["5/2"]})
    code, found = answer(run, "prove", "abs.json", *options, "--out", "proof")
    assert (code, found["domain"]) == (PROVED, domain)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("abs.json", "--at", "-1/3"), "1/3"),
        (("bend.json", "--at", "-1/3,2"), "5/6"),
        (("bend.json", "--at=-1/3,2"), "5/6"),
        (("bend.json", "--at", " -1/3 , 2 "), "5/6"),
        (("bend.json", "--at", "-.5e1,+0", "--at", "1e60,0"), f"-11/2\n{10**60}"),
        (("line.nnet", "--at", "-1/3"), "-1/6"),
        (("attention.json", "--at", "0"), "1/2"),
        (("attention.json", "--at", "0", "--tie", "leftmost"), "0"),
        (("attention.json", "--at", "0", "--tie", "rightmost"), "1"),
        (("attention.json", "--at", "0", "--temperature", "64"), "1/2"),
        (("attention.json", "--at", "1", "--temperature", "1"), "2.73105857863000487925115924182"),
        (("attention.json", "--at", "1", "--temperature", "3", "--base", "2"), "26/9"),
        (("abs.json", "--at", "1/2", "--temperature", "1"), "0.231058578630004879251159241822"),
        (("abs.json", "--at", "1/2", "--temperature", "1", "--base", "2"), "1/6"),
    ],
)
def test_evaluate(run: Run, words: tuple[str, ...], values: str) -> None:
    assert run("evaluate", *words) == (PROVED, values + "\n", "")


def test_softmax_values_that_overflow_are_still_json(run: Run) -> None:
    _, found = answer(run, "evaluate", "abs.json", "--at", "1e400", "--temperature", "1e300")
    enclosures = found.pop("enclosures")
    assert found == {"points": [["1e400"]], "values": [[None]], "exact": False}
    assert all(Fraction(value["lower"]) < 10**400 < Fraction(value["upper"]) for (value,) in enclosures)


def test_softmax_sides(run: Run) -> None:
    run("compile", "abs.json", "-o", "made.json")
    sides = ("--left-temperature", "2", "--right-temperature", "2")
    code, found = answer(run, "verify", "abs.json", "made.json", *sides, "--base", "2", "--out", "equal")
    assert (code, found["method"]) == (PROVED, "structural")
    assert "softmax of base 2 at inverse temperature 2" in found["theorem"]
    assert run("check", "equal")[0] == PROVED
    words = ("verify", "abs.json", "made.json", "--right-temperature", "1/3", "--out", "different")
    code, found = answer(run, *words)
    assert code == REFUTED
    (value,) = found["witness"]["right"]
    assert Fraction(value["lower"]) < Fraction(value["upper"]) < Fraction(found["witness"]["left"][0])
    assert run("check", "different")[0] == PROVED
    assert "Re-checked now by the kernel" in run("report", "different", "--format", "text")[1]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--left-temperature", "0"), "--left-temperature: expected a number > 0, found 0"),
        (("--right-temperature", "-1/2"), "--right-temperature: expected a number > 0, found -1/2"),
        (("--left-temperature", "inf"), "--left-temperature: expected a number (an integer"),
        (("--left-temperature", "1,x"), "--left-temperature[1]: expected a number (an integer"),
        (("--left-temperature", "1,2"), "left_temperature: expected one number > 0, or 1, one a layer, found 2"),
        (("--base", "2"), "--base: expected together with --left-temperature or --right-temperature"),
        (("--left-temperature", "1", "--method", "smt"), "method smt: expected no temperature, found softmax"),
        (("--left-temperature", "1", "--method", "regions"), "method regions: expected no temperature, found softmax"),
        (("--left-temperature", "1", "--obligations"), "--obligations: expected no temperature, found softmax"),
    ],
)
def test_faulty_softmax_sides(run: Run, words: tuple[str, ...], line: str) -> None:
    (found,) = refused(run, "verify", "abs.json", "abs.json", *words)
    assert line in found


def test_the_report_in_every_format(run: Run) -> None:
    run("prove", "bend.json", "--out", "proof")
    for name, suffix in (("text", "txt"), ("markdown", "md"), ("html", "html")):
        written = Path("proof", f"report.{suffix}").read_text(encoding="utf-8")
        code, out, _ = run("report", "proof", "--format", name)
        first, *rest = out.splitlines()
        assert code == PROVED and "Re-checked now by the kernel" in first
        assert [line for line in rest if "Re-checked" not in line and line] == list(filter(None, written.splitlines()))
        assert run("report", "proof/certificate.json", "--format", name, "-o", "again/report") == (PROVED, "", "")
        assert Path("again", "report").read_text(encoding="utf-8") == out.removesuffix("\n")


def test_the_report_for_a_paper(run: Run) -> None:
    run("prove", "bend.json", "--out", "proof")
    code, out, _ = run("report", "proof", "--format", "latex")
    assert code == PROVED and out.startswith("% written by exactformer\n\\documentclass") and "Re-checked now" in out
    assert refused(run, "report", "proof", "--format", "pdf") == [
        "option --format pdf: expected a place for it (-o FILE), found none"
    ]
    for _ in range(2):  # an earlier one is replaced, another file is not
        assert run("report", "proof", "--format", "pdf", "-o", "report.pdf") == (PROVED, "", "")
    assert Path("report.pdf").read_bytes().startswith(b"%PDF-")
    Path("other.pdf").write_bytes(b"%PDF-1.7 of somebody")
    (line,) = refused(run, "report", "proof", "--format", "pdf", "-o", "other.pdf")
    assert "expected nothing there, or an earlier file of this kind" in line


def test_obligations_and_nothing_left_of_an_earlier_run(run: Run) -> None:
    run("prove", "bend.json", "--method", "regions", "--cross-check", "none", "--obligations", "--out", "proof")
    tree = json.loads(Path("proof", "certificate.json").read_text())["tree"]
    closing = [step for step in tree if step[0] in ("holds", "empty")]
    scripts = sorted(path.name for path in Path("proof", "obligations").iterdir())
    assert [name.partition(".")[0].rpartition("-")[2] for name in scripts] == [step[0] for step in closing]
    assert "(check-sat)" in Path("proof", "claim.smt2").read_text()
    assert Path("proof", "correspondence.json").is_file()
    code, *_ = run("verify", *equal_but_hard(2), "--method", "structural", "--out", "proof")
    assert code == UNKNOWN
    assert {path.name for path in Path("proof").iterdir()} == {
        *("left.json", "right.json", "report.json", "report.txt", "report.md", "report.html", "README.txt"),
        "manifest.json",
    }


def test_a_folder_is_made_again_byte_for_byte(run: Run) -> None:
    words = ("prove", "bend.json", "--method", "regions", "--obligations", "--kernel", "--sample", "3")
    run(*words, "--out", "one")
    run(*words, "--out", "two")
    names = sorted(path.relative_to("one") for path in Path("one").rglob("*"))
    assert names == sorted(path.relative_to("two") for path in Path("two").rglob("*"))
    for name in names:
        assert Path("one", name).is_dir() or Path("one", name).read_bytes() == Path("two", name).read_bytes()
    assert "confirmed 3 of 3 leaves" in Path("one", "report.txt").read_text().replace("\n", " ")


def test_a_folder_can_be_checked_with_nothing_but_python(run: Run) -> None:
    """As its README.txt says, in an interpreter that sees no packages."""
    run("prove", "bend.json", "--kernel", "--out", "proof")
    readme = Path("proof", "README.txt").read_text()
    command = next(line.strip() for line in readme.splitlines() if "python -I -S" in line)
    words = [sys.executable, *command.split()[1:]]
    found = subprocess.run(words, cwd="proof", capture_output=True, text=True, check=True)
    assert json.loads(found.stdout)["accepted"] is True
    digest = next(line.strip() for line in readme.splitlines() if re.fullmatch(r"    [0-9a-f]{64}", line))
    lines = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(Path("proof", "kernel").glob("*.py"))
    )
    assert hashlib.sha256(lines.encode()).hexdigest() == digest


def test_hostile_names_do_nothing(run: Run) -> None:
    write("name.json", {**ABSOLUTE, "name": "a\nPROVED\x1b[31m\ud800\u202e"})
    code, out, _ = run("prove", "name.json", "--out", "proof")
    assert code == PROVED
    assert out.count("PROVED ") == 1
    assert all(line.isprintable() for line in out.splitlines())
    assert run("check", "proof")[0] == run("report", "proof")[0] == PROVED


def test_two_processes_find_the_same_proof(run: Run) -> None:
    run("prove", "bend.json", "--method", "regions", "--cross-check", "none", "--out", "one")
    code, *_ = run("prove", "bend.json", "--method", "regions", "--cross-check", "none", "--out", "two", "--jobs", "2")
    assert code == PROVED
    assert Path("one", "certificate.json").read_bytes() == Path("two", "certificate.json").read_bytes()


# --- snapshots ------------------------------------------------------------------------------------


def snapshot(name: str, found: str) -> None:
    path = SNAPSHOTS / name
    if os.environ.get("CLI_UPDATE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_help(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == PROVED
    out = capsys.readouterr().out
    if sys.version_info[:2] == (3, 11):  # argparse lays help out anew from time to time
        snapshot("help.txt", out)
    assert {"prove", "verify", "check", "compile", "evaluate", "regions", "report"} <= set(out.split())


MEASURE_KEYS = {"verdict", "method", "claim", "parameters", "domain", "upper", "lower", "ratio", "point", "certificate"}
MEASURE_KEYS |= {"theorem", "reason", "seconds", "counts", "lower_certificate"}


def test_distances_ranges_and_temperatures_as_json(run: Run) -> None:
    code, found = answer(run, "distance", "bend.json", "other.json", "--out", "apart")
    assert (code, found["verdict"], found["claim"]) == (PROVED, "proved", "within")
    assert found.keys() == {*MEASURE_KEYS, "value"}
    assert found["upper"] == found["lower"] == found["value"] == "1/3" and found["ratio"] == 1
    assert found["theorem"].startswith("for every x in the domain, |left(x) - right(x)| <= 1/3 ")
    assert found["certificate"] == str(Path("apart", "certificate.json"))
    names = {"distance.html", "distance.md", "distance.txt", "distance.json", "certificate.json", "report.html"}
    assert {path.name for path in Path("apart").iterdir()} >= names
    code, found = answer(run, "range", "bend.json", "--out", "reach")
    assert (code, found["lower"], found["upper"]) == (PROVED, ["-2"], ["5/2"])
    assert found.keys() == {*MEASURE_KEYS, "minimum", "maximum"}
    place = str(Path("reach", "maximum.json"))
    assert found["maximum"] == [{"value": "5/2", "point": ["1", "1"], "certificate": place}]
    assert found["lower_certificate"] is None
    assert [run("check", own["certificate"])[0] for own in (*found["minimum"], *found["maximum"])] == [PROVED] * 2
    code, found = answer(run, "temperature", "abs.json", "--temperature", "8", "--out", "soft")
    assert (code, found["temperature"]) == (PROVED, ["8"])
    assert found.keys() == {*MEASURE_KEYS, "value", "temperature"}
    assert found["value"].keys() == {"lower", "upper"} and Fraction(found["lower"]) <= Fraction(found["upper"])
    code, found = answer(run, "temperature", "abs.json", "--epsilon", "1/9", "--base", "2", "--out", "enough")
    assert code == PROVED and Fraction(found["upper"]) <= Fraction(1, 9) and "softmax of base 2" in found["theorem"]
    for folder in ("apart", "reach", "soft", "enough"):
        assert run("check", folder)[0] == PROVED
        assert run("report", folder)[0] == PROVED


def test_a_distance_without_a_bound_writes_nothing(run: Run) -> None:
    before = tree()
    code, found = answer(run, "range", "abs.json", "--everywhere")
    assert (code, found["verdict"], found["upper"], found["certificate"]) == (UNKNOWN, "unknown", [None], None)
    assert "grows without end" in found["reason"] and found["lower"] == ["0"]
    code, _, err = run("distance", "abs.json", "line.nnet", "--everywhere")
    assert code == BAD_INPUT and "domain: expected one on which the difference is bounded, found R^1" in err
    assert tree() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("distance", "abs.json", "abs.json", "--right-temperature", "0"),
            "--right-temperature: expected a number > 0",
        ),
        (("distance", "abs.json", "abs.json", "--left-temperature", "x"), "--left-temperature: expected a number (an"),
        (("distance", "abs.json", "abs.json", "--left-temperature", ""), "--left-temperature: expected a number (an"),
        (("distance", "abs.json", "abs.json", "--ratio", "1/2"), "ratio: expected a number >= 1, found 1/2"),
        (("distance", "abs.json", "abs.json", "--ratio", "nan"), "ratio: expected a number (an integer"),
        (
            ("distance", "abs.json", "abs.json", "--left-temperature", "2", "--ratio", "1"),
            "ratio: expected a number > 1",
        ),
        (("distance", "abs.json", "abs.json", "--base", "2"), "base: expected a temperature together with the base 2"),
        (("distance", "abs.json", "bend.json"), "expected networks with equal numbers of inputs and outputs"),
        (("distance", "bend.json", "other.json", "--domain", "empty.json"), "expected a domain that is not empty"),
        (("distance", "bend.json", "other.json", "--out", "bend.json"), "bend.json"),
        (("range", "bend.json", "--domain", "empty.json"), "expected a domain that is not empty"),
        (("range", "abs.json", "--temperature", "-1"), "--temperature: expected a number > 0, found -1"),
        (("range", "abs.json", "--temperature", "inf"), "--temperature: expected a number (an integer"),
        (
            ("temperature", "abs.json", "--temperature", "1,2"),
            "temperature: expected one number > 0, or 1, one a layer",
        ),
        (("temperature", "abs.json", "--temperature", "8", "--ratio", "2"), "--ratio: expected together with --tight"),
        (("temperature", "abs.json", "--epsilon", "0"), "epsilon: expected a number > 0, found 0"),
        (("temperature", "abs.json", "--epsilon", "tiny"), "epsilon: expected a number (an integer"),
        (("temperature", "attention.json", "--epsilon", "1"), "expected a maxout or ReLU network, found a Transformer"),
        (("temperature", "no-box.json", "--epsilon", "1"), "expected a domain with finite bounds for every input"),
    ],
)
def test_measures_that_are_refused(run: Run, words: tuple[str, ...], message: str) -> None:
    write("empty.json", EMPTY)
    (line,) = refused(run, *words)
    assert message in line


def test_a_measure_that_is_interrupted_writes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("exactformer.prover.branching.look", interrupted)
    before = tree()
    assert run("distance", "bend.json", "other.json") == (130, "", "interrupted\n")
    assert tree() == before


VERBS = ("prove", "verify", "check", "compile", "evaluate", "report", "distance", "range", "temperature", "supports")
VERBS += ("approximate", "chain", "export", "replay")


@pytest.mark.parametrize("command", VERBS)
def test_help_of_commands(run: Run, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == PROVED
    out = capsys.readouterr().out
    assert out.startswith(f"usage: exactformer {command} [-h] [--json] [--quiet]")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("proved", ("prove", "bend.json")),
        ("proved-by-regions", ("prove", "bend.json", "--method", "regions", "--cross-check", "none")),
        ("refuted", ("verify", "bend.json", "other.json")),
    ],
)
def test_answers_people_read(run: Run, name: str, words: tuple[str, ...]) -> None:
    _, out, _ = run(*words, "--out", "proof")
    snapshot(f"{name}.txt", re.sub(r"\d+\.\d+ s\b", "N s", out))


# --- networks that are none -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.json", "", "line 1, column 1: expected JSON, found: Expecting value"),
        ("cut.json", json.dumps(BEND)[:-1], "line 1, column 230: expected JSON, found: Expecting ',' delimiter"),
        ("list.json", "[1]", "file: expected a JSON object, found [1]"),
        ("kind.json", '{"kind": ["relu"]}', "kind: expected maxout, relu, transformer or function, found ['relu']"),
        (
            "empty.nnet",
            "",
            "end of file: expected numbers of layers, inputs, outputs, largest layer, found no further line",
        ),
        (
            "onnx.nnet",
            "\x08\x07\x12",
            "line 1: expected 4 numbers (numbers of layers, inputs, outputs, largest layer), found 1",
        ),
    ],
)
@pytest.mark.parametrize("command", ["prove", "compile", "evaluate", "verify"])
def test_files_that_hold_no_network(run: Run, command: str, name: str, text: str, message: str) -> None:
    write(name, text)
    further = {"prove": (), "compile": ("-o", "made.json"), "evaluate": ("--at", "1"), "verify": ("abs.json",)}
    assert refused(run, command, name, *further[command]) == [f"{name}: {message}"]


def test_places_that_hold_no_network(run: Run) -> None:
    Path("folder.json").mkdir()
    Path("bytes.json").write_bytes(bytes(range(256)))
    for name, found in [("none.json", "No such file or directory"), ("folder.json", "Is a directory")]:
        for words in (("prove", name), ("verify", "abs.json", name), ("evaluate", name, "--at", "1")):
            assert refused(run, *words) == [f"{name}: expected a file that can be read, found: {found}"]
    assert refused(run, "prove", "bytes.json") == ["bytes.json: expected UTF-8 text, found UTF-16 text or binary data"]


def test_several_faults_at_once_name_file_and_place(run: Run) -> None:
    value = json.loads(json.dumps(BEND))
    value["layers"][0]["weights"] = [[1, "1/0"], [3]]
    value["layers"][0]["biases"] = [float("nan"), float("inf")]
    value["output"] = {"weights": [[1, 2, 3]], "biases": [True]}
    value["extra"] = 1
    write("sub.json", value)
    assert refused(run, "prove", "sub.json") == [
        "sub.json: file: expected only the keys format, kind, layers, output, name, domain, found key 'extra'",
        "sub.json: layers[0].weights[0][1]: expected a denominator that is not zero, found 1/0",
        "sub.json: layers[0].weights[1]: expected 2 numbers, found 1",
        'sub.json: layers[0].biases[0]: expected a number (an integer, "p/q" or decimal text), found NaN',
        'sub.json: layers[0].biases[1]: expected a number (an integer, "p/q" or decimal text), found Infinity',
        "sub.json: output.weights: expected 2 columns, found 3",
        'sub.json: output.biases[0]: expected a number (an integer, "p/q" or decimal text), found True',
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"readout": {"token": 2, "weights": [[1, 1]], "biases": [0]}},
            "readout.token: expected a token from 0 to 1, found 2",
        ),
        (
            {"readout": {"token": True, "weights": [[1, 1]], "biases": [0]}},
            "readout.token: expected a token from 0 to 1, found True",
        ),
        ({"readout": {"token": 0, "weights": [[1]], "biases": [0]}}, "readout.weights: expected 2 columns, found 1"),
        ({"mask": "all"}, 'mask: expected null or "causal", found all'),
        ({"residual": "yes"}, "residual: expected true or false, found yes"),
        (
            {
                "blocks": [
                    {
                        "heads": [{"query": [[1]], "key": [[0, 1]], "value": [[1, 1]], "output": [[1], [0]]}],
                        "feedforward": None,
                    }
                ]
            },
            "blocks[0].heads[0].query: expected 2 columns, found 1",
        ),
        (
            {
                "blocks": [
                    {
                        "heads": [{"query": [[1, 0]], "key": [[0, 1]], "value": [[1, 1]], "output": [[1]]}],
                        "feedforward": None,
                    }
                ]
            },
            "blocks[0].heads[0].output: expected 2 rows, found 1",
        ),
        (
            {
                "blocks": [
                    {"heads": None, "feedforward": {"w1": [[1, 0, 0]], "b1": [0], "w2": [[1], [1]], "b2": [0, 0]}}
                ]
            },
            "blocks[0].feedforward.w1: expected 2 columns, found 3",
        ),
        (
            {
                "blocks": [
                    {"heads": None, "feedforward": {"w1": [[1, 0]], "b1": [0], "w2": [[1, 1], [1, 1]], "b2": [0, 0]}}
                ]
            },
            "blocks[0].feedforward.w2: expected 1 columns, found 2",
        ),
    ],
)
def test_faults_of_transformers(run: Run, change: dict[str, Any], message: str) -> None:
    write("wrong.json", {**ATTENTION, **change})
    lines = refused(run, "verify", "abs.json", "wrong.json")
    assert lines[0] == f"wrong.json: {message}"


def test_a_key_twice(run: Run) -> None:
    write("twice.json", json.dumps(ABSOLUTE).replace('"name"', '"kind": "relu", "name"'))
    assert refused(run, "prove", "twice.json") == [
        "twice.json: file: expected every key once, found key 'kind' 2 times"
    ]


@pytest.mark.parametrize("name", ["bend.json", "attention.json", "line.nnet", "proof/left.json", "proof/right.json"])
def test_networks_cut_at_every_line(run: Run, name: str) -> None:
    run("prove", "bend.json", "--out", "proof")
    path = Path(name)
    lines = path.read_text().splitlines(keepends=True)
    for count in range(len(lines)):
        path.write_text("".join(lines[:count]))
        code, out, err = run("evaluate", name, "--at", "1,1")
        assert (code, out) == (BAD_INPUT, "")
        assert err.startswith(f"exactformer: {name}: ")
        assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "unit", "message"),
    [
        ("big.json", "hello, world\n", "line 1, column 1: expected JSON"),
        ("big.json", "[", "expected JSON of moderate depth and size"),
        ("big.json", "7", "expected JSON of moderate depth and size"),
        ("big.nnet", "1,1,1,\n", "line 1: expected 4 numbers"),
        ("big.nnet", "1,", "line 1: expected 4 numbers"),
    ],
)
def test_a_hundred_megabytes_of_something_else(run: Run, name: str, unit: str, message: str) -> None:
    Path(name).write_text(unit * (100_000_000 // len(unit)))
    code, out, err = run("prove", name)
    Path(name).unlink()
    assert (code, out) == (BAD_INPUT, "")
    assert err.startswith(f"exactformer: {name}: {message}")
    assert len(err) < 300


def test_a_shape_that_would_fill_the_memory(run: Run) -> None:
    write("shape.json", {**ABSOLUTE, "output": {"weights": {"shape": [10**12, 1], "entries": []}, "biases": [0]}})
    assert refused(run, "prove", "shape.json")[0] == (
        "shape.json: output.weights.shape: expected two integers from 0 to 1048576, found [1000000000000, 1]"
    )


def test_numbers_too_long_to_write(run: Run) -> None:
    write("long.json", {**ABSOLUTE, "output": {"weights": [["1e9999"]], "biases": [0]}})
    assert refused(run, "prove", "long.json") == [
        "long.json: output.weights[0][0]: expected a number of at most 13000 bits, found 1e9999, of 33217 bits"
    ]
    write("square.json", {**ABSOLUTE, "output": {"weights": [["1e3000"]], "biases": [0]}})
    assert refused(run, "evaluate", "square.json", "--at", "1e3000", code=UNKNOWN) == [
        "square.json: number: expected one of at most 13000 bits, found one of 19933 bits"
    ]
    layer = {"weights": [[["1e3000"], [0]]], "biases": [["1e3000", 0]]}
    write("deep.json", {**ABSOLUTE, "layers": [layer, layer]})
    assert refused(run, "compile", "deep.json", "-o", "made.json", code=UNKNOWN)[0].startswith(
        "deep.json: number: expected one of at most"
    )
    assert refused(run, "prove", "deep.json", code=UNKNOWN)[0].startswith("deep.json: number: expected one of at most")


# --- domains --------------------------------------------------------------------------------------


def test_domains_without_a_point(run: Run) -> None:
    write("reversed.json", {**BEND, "domain": {"lower": [1, 0], "upper": [0, 1]}})
    write("none.json", {**BEND, "domain": EMPTY})
    write("box.json", {"lower": [0, 2], "upper": [1, 1]})
    write("hollow.json", EMPTY)
    common = "domain: expected a domain that is not empty, found inequalities without a common point"
    compiling = ("-o", "made.json")
    for command, further in (("prove", ()), ("compile", compiling)):
        assert refused(run, command, "reversed.json", *further) == [
            "reversed.json: domain[0]: expected a domain that is not empty (lower <= upper), found [1, 0]"
        ]
        assert refused(run, command, "none.json", *further) == [f"none.json: {common}"]
        assert refused(run, command, "bend.json", "--box", "1", "-1/2", *further) == [
            "--box: expected LO <= HI, found 1 > -1/2"
        ]
        assert refused(run, command, "bend.json", "--domain", "box.json", *further) == [
            "box.json: domain[1]: expected a domain that is not empty (lower <= upper), found [2, 1]"
        ]
        assert refused(run, command, "bend.json", "--domain", "hollow.json", *further) == [f"hollow.json: {common}"]
    assert refused(run, "verify", "bend.json", "other.json", "--domain", "hollow.json") == [f"hollow.json: {common}"]
    assert refused(run, "verify", "none.json", "other.json") == [f"none.json, other.json: {common}"]


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (
            ("--box", "1/0", "x"),
            [
                "--box LO: expected a denominator that is not zero, found 1/0",
                '--box HI: expected a number (an integer, "p/q" or decimal text), found x',
            ],
        ),
        (("--box", "nan", "1"), ['--box LO: expected a number (an integer, "p/q" or decimal text), found nan']),
        (("--box", "1"), ["argument --box: expected 2 arguments (see exactformer prove --help)"]),
        (
            ("--box", "0", "1", "--everywhere"),
            ["argument --everywhere: not allowed with argument --box (see exactformer prove --help)"],
        ),
        (("--domain", "none.json"), ["none.json: expected a file that can be read, found: No such file or directory"]),
        (("--domain", "."), [".: expected a file that can be read, found: Is a directory"]),
        (
            ("--domain", "list.json"),
            ["list.json: domain: expected an object with lower and upper, found [[0], [1]]"],
        ),
        (
            ("--domain", "short.json"),
            [
                "short.json: domain.lower: expected 2 numbers, found 1",
                'short.json: domain.upper[0]: expected a number (an integer, "p/q" or decimal text), found a',
            ],
        ),
    ],
)
def test_faulty_domain_options(run: Run, options: tuple[str, ...], lines: list[str]) -> None:
    write("short.json", {"lower": [0], "upper": ["a", 1]})
    write("list.json", [[0], [1]])
    assert refused(run, "prove", "bend.json", *options) == lines


def test_a_gated_compile_without_a_box(run: Run) -> None:
    reason = "construction gated: expected a domain with finite bounds for every input, found R^1"
    for words in (
        ("prove", "no-box.json"),
        ("prove", "abs.json", "--everywhere"),
        ("compile", "no-box.json", "-o", "made.json"),
        ("compile", "abs.json", "--everywhere", "-o", "made.json"),
    ):
        (line,) = refused(run, *words)
        assert line.startswith(f"{words[1]}: {reason}")
    assert run("prove", "no-box.json", "--construction", "global")[0] == PROVED


def test_networks_that_do_not_fit(run: Run) -> None:
    assert refused(run, "verify", "abs.json", "bend.json") == [
        "abs.json, bend.json: verify: expected networks with equal numbers of inputs and outputs, "
        "found 1 -> 1 and 2 -> 1"
    ]
    for words in (("prove", "attention.json"), ("compile", "attention.json", "-o", "made.json")):
        assert refused(run, *words) == [
            "attention.json: compile: expected a maxout or ReLU network, found a Transformer"
        ]


# --- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--timeout", "0"), "argument --timeout: expected a positive number of seconds, found 0"),
        (("--timeout", "nan"), "argument --timeout: expected a positive number of seconds, found nan"),
        (("--timeout", "-1"), "argument --timeout: expected a positive number of seconds, found -1"),
        (("--timeout", "inf"), "argument --timeout: expected a positive number of seconds, found inf"),
        (("--timeout", "soon"), "argument --timeout: expected a positive number of seconds, found soon"),
        (("--timeout", ""), "argument --timeout: expected a positive number of seconds, found nothing"),
        (("--sample", "-1"), "argument --sample: expected a positive integer or all, found -1"),
        (("--jobs", "0"), "argument --jobs: expected a positive integer, found 0"),
        (("--jobs", "-2"), "argument --jobs: expected a positive integer, found -2"),
        (("--jobs", "1.5"), "argument --jobs: expected a positive integer, found 1.5"),
        (("--seed", "x"), "argument --seed: expected an integer >= 0, found x"),
        (("--out",), "argument --out: expected one argument"),
        (("extra",), "unrecognized arguments: extra"),
    ],
)
def test_faulty_options(run: Run, options: tuple[str, ...], message: str) -> None:
    (line,) = refused(run, "prove", "abs.json", *options)
    assert line.startswith(f"{message} (see exactformer ")


@pytest.mark.parametrize("option", ["--construction", "--method", "--tie"])
def test_unknown_choices(run: Run, option: str) -> None:
    (line,) = refused(run, "prove", "abs.json", option, "other")
    assert line.startswith(f"argument {option}: invalid choice: 'other' (choose from ")


def test_unknown_commands(run: Run) -> None:
    assert refused(run) == ["the following arguments are required: COMMAND (see exactformer --help)"]
    assert refused(run, "prve")[0].startswith("argument COMMAND: invalid choice: 'prve' (choose from ")
    assert refused(run, "prove") == ["the following arguments are required: NETWORK (see exactformer prove --help)"]


NUMBER = 'a number (an integer, "p/q" or decimal text)'


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("--at", "1"), ["--at: expected 2 coordinates, found 1"]),
        (("--at", "1,2,3"), ["--at: expected 2 coordinates, found 3"]),
        (("--at", ""), ["--at: expected 2 coordinates, found 0"]),
        (
            ("--at", "1,,"),
            [
                "--at: expected 2 coordinates, found 3",
                f"--at, coordinate 1: expected {NUMBER}, found ",
                f"--at, coordinate 2: expected {NUMBER}, found ",
            ],
        ),
        (("--at", "1,x"), [f"--at, coordinate 1: expected {NUMBER}, found x"]),
        (
            ("--at", "-1/0,nan"),
            [
                "--at, coordinate 0: expected a denominator that is not zero, found -1/0",
                f"--at, coordinate 1: expected {NUMBER}, found nan",
            ],
        ),
        (
            ("--at", "1,2", "--at", "y,1", "--at", "1"),
            [
                f"--at, point 1, coordinate 0: expected {NUMBER}, found y",
                "--at, point 2: expected 2 coordinates, found 1",
            ],
        ),
        (
            ("--at", "1,2", "--temperature", "2,3,4"),
            ["--temperature: expected one number > 0, or 1, one a layer, found 3"],
        ),
        (
            ("--at", "1,2", "--base", "2"),
            ["--base: expected together with --temperature, without which it has no effect"],
        ),
        ((), ["the following arguments are required: --at (see exactformer evaluate --help)"]),
    ],
)
def test_faulty_points(run: Run, words: tuple[str, ...], lines: list[str]) -> None:
    assert refused(run, "evaluate", "bend.json", *words) == lines


@pytest.mark.parametrize("temperature", ["0", "-1", "nan", "inf", "x", "1/0", "1,0", ",1"])
def test_faulty_temperatures(run: Run, temperature: str) -> None:
    (line,) = refused(run, "evaluate", "attention.json", "--at", "1", "--temperature", temperature)
    assert "--temperature" in line
    assert "expected" in line


# --- places that cannot be written ----------------------------------------------------------------


def test_places_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    found = f"expected a folder that can be written, found that {tmp_path / 'bend.json'} is not one"
    assert refused(run, "prove", "abs.json", "--out", tmp_path / "bend.json") == [f"{tmp_path / 'bend.json'}: {found}"]
    assert refused(run, "verify", "abs.json", "abs.json", "--out", "bend.json/sub/proof") == [
        f"bend.json/sub/proof: {found}"
    ]
    (line,) = refused(run, "compile", "abs.json", "-o", "bend.json/made.json")
    assert line == "bend.json/made.json: expected a place that can be written, found: File exists"
    (line,) = refused(run, "compile", "abs.json", "-o", ".")
    assert line == ".: expected a place for a file, found something else (a folder, a link, a device)"
    for target, found in (("made.nnet", ".nnet"), ("MADE.NNET", ".NNET"), ("made.txt", ".txt"), ("made", "no ending")):
        assert refused(run, "compile", "abs.json", "-o", target) == [
            f"{target}: expected a name that ends in .json, found {found}"
        ]
        assert not Path(target).exists()
    run("prove", "abs.json", "--out", "proof")
    (line,) = refused(run, "report", "proof", "-o", "bend.json/report")
    assert line.startswith("bend.json/report: expected a place that can be written")


def test_a_folder_with_something_else_in_a_files_place(run: Run) -> None:
    Path("proof", "certificate.json", "x").mkdir(parents=True)
    (line,) = refused(run, "prove", "abs.json", "--out", "proof")
    assert line.startswith("proof/certificate.json: expected nothing there, or what exactformer wrote")
    shutil.rmtree("proof")
    Path("proof", "report.md").mkdir(parents=True)
    (line,) = refused(run, "prove", "abs.json", "--out", "proof")
    assert line.startswith("proof/report.md: expected nothing there, or what exactformer wrote")


# --- certificates and reports ---------------------------------------------------------------------


def rejected(run: Run) -> str:
    (line,) = refused(run, "check", "proof", code=REJECTED)
    return line


def edited(change: Callable[[dict[str, Any]], object]) -> None:
    path = Path("proof", "certificate.json")
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


DAMAGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "format": (lambda c: c.update(format="exactformer/certificate-2"), "expected one of exactformer/certificate-1"),
    "claim": (lambda c: c.update(claim="unequal"), "claim: expected one of equal, at-most"),
    "tie": (lambda c: c.update(tie="first"), "tie: expected one of"),
    "digest": (lambda c: c["left"].update(sha256="0" * 64), "left.sha256: expected"),
    "key": (lambda c: c.update(note="trust me"), "expected only the keys"),
    "missing": (lambda c: c.pop("domain"), "expected the key 'domain'"),
    "file": (lambda c: c["left"].update(file="../left.json"), "the plain name of a file in the same folder"),
    "absent": (lambda c: c["left"].update(file="none.json"), "none.json"),
    "dimension": (lambda c: c["domain"].update(upper=[1]), "domain.upper: expected 2 entries"),
    "number": (lambda c: c["domain"].update(upper=[1, "1/0"]), "a denominator that is not zero"),
    "inhabitant": (lambda c: c.update(inhabitant=[2, 0]), "inhabitant: expected a point of the domain"),
    "no steps": (lambda c: c.update(tree=[]), "tree: expected a step for every cell"),
    "one step less": (lambda c: c["tree"].pop(), "tree"),
    "one step more": (lambda c: c["tree"].append(["holds"]), "tree"),
    "unknown step": (lambda c: c["tree"].insert(0, ["believe"]), "bound, empty or holds, found believe"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_certificates_are_rejected(run: Run, name: str) -> None:
    change, message = DAMAGES[name]
    run("prove", "bend.json", "--method", "regions", "--cross-check", "none", "--out", "proof")
    edited(change)
    assert message in rejected(run)


def test_damaged_counterexamples_are_rejected(run: Run) -> None:
    run("verify", "bend.json", "other.json", "--out", "proof")
    whole = Path("proof", "certificate.json").read_text()
    changes: list[tuple[Callable[[dict[str, Any]], object], str]] = [
        (lambda c: c.update(point=[5, 5]), "point: expected a point of the domain"),
        (lambda c: c.update(point=[0]), "point: expected 2 entries"),
        (lambda c: c["values"].reverse(), "values[0][0]: expected"),
        (lambda c: c["values"].__setitem__(1, [True]), "values[1][0]: expected a number"),
        (lambda c: c["values"].pop(), "values: expected 2 entries"),
        (lambda c: c.update(right=c["left"]), "values[1][0]: expected"),
        (lambda c: c.update(claim="convex"), "expected 1 network for the claim convex"),
        (lambda c: c.update(claim="within", parameters={"epsilon": 1000}), "values that contradict the claim"),
        (lambda c: (c.pop("point"), c.update(inhabitant=[0, 0])), "expected the key 'tree'"),
        (lambda c: c.update(tree=[["holds"]]), "expected only the keys"),
    ]
    for change, message in changes:
        Path("proof", "certificate.json").write_text(whole)
        edited(change)
        assert message in rejected(run)


def test_a_wider_domain_needs_another_proof(run: Run) -> None:
    run("prove", "bend.json", "--out", "proof")
    edited(lambda c: c["domain"].update(lower=[-100, -100], upper=[100, 100]))
    rejected(run)


def test_certificates_for_another_network(run: Run) -> None:
    run("prove", "bend.json", "--out", "proof")
    shutil.copy("other.json", "proof/left.json")
    assert "left.sha256: expected" in rejected(run)
    Path("proof", "left.json").unlink()
    assert "left.json" in rejected(run)
    run("prove", "abs.json", "--out", "small")
    shutil.copy("small/certificate.json", "proof/certificate.json")
    rejected(run)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b"[]", b"null", b"1" * 5000, b"[" * 100_000, b'{"a": 1, "a": 2}', b"NaN"]
)
def test_what_is_no_certificate(run: Run, data: bytes) -> None:
    run("prove", "abs.json", "--out", "proof")
    Path("proof", "certificate.json").write_bytes(data)
    assert rejected(run).startswith(("certificate.json: expected ", "certificate.json: format: expected "))


def test_a_certificate_cut_at_every_line(run: Run) -> None:
    run("prove", "bend.json", "--method", "regions", "--cross-check", "none", "--out", "proof")
    path = Path("proof", "certificate.json")
    lines = path.read_text().splitlines(keepends=True)
    for count in range(0, len(lines), 2):
        path.write_text("".join(lines[:count]))
        code, out, err = run("check", "proof")
        assert (code, out) == (REJECTED, "")
        assert err.startswith("exactformer: certificate.json: expected ")


def test_there_is_nothing_to_check(run: Run) -> None:
    Path("empty").mkdir()
    for place, shown in (("empty", "empty/certificate.json"), ("none", "none")):
        assert refused(run, "check", place) == [
            f"{shown}: expected a certificate file or a proof folder, found nothing to read there"
        ]
    (line,) = refused(run, "check", "abs.json", code=REJECTED)
    assert line.startswith("abs.json: format: expected one of exactformer/certificate-1, exactformer/regions-1, ")


def test_there_is_nothing_to_report(run: Run) -> None:
    Path("empty").mkdir()
    missing = "expected a file that can be read, found: No such file or directory"
    assert refused(run, "report", "empty") == [f"empty/report.json: {missing}"]
    assert refused(run, "report", "abs.json") == [f"report.json: {missing}"]
    run("prove", "abs.json", "--out", ".")
    assert refused(run, "report", "none") == ["none: expected a proof folder, found nothing there"]


def test_a_report_cut_or_damaged(run: Run) -> None:
    run("prove", "bend.json", "--method", "regions", "--cross-check", "none", "--out", "proof")
    path = Path("proof", "report.json")
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    for count in range(0, len(lines), 3):
        path.write_text("".join(lines[:count]))
        code, out, err = run("report", "proof")
        assert (code, out) == (BAD_INPUT, "")
        assert err.startswith("exactformer: proof/report.json: ")
    draw = random.Random(0)
    for _ in range(100):
        path.write_text(json.dumps(mutated(json.loads(text), draw)))
        code, *_ = run("report", "proof", "--format", draw.choice(["text", "markdown", "html"]))
        assert code in (PROVED, BAD_INPUT, REJECTED)


def mutated(value: Any, draw: random.Random) -> Any:
    """The value with one part of it replaced by something else."""
    places = list(containers(value))
    place = draw.choice([place for place in places if place])
    key = draw.choice(list(place) if isinstance(place, dict) else range(len(place)))
    place[key] = draw.choice([None, True, 0, -1, 10**30, 0.5, "", "x", "\x1b[2J", [], {}, [1], ["a"]])
    return value


def containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from containers(item)


# --- time, and ways to end ------------------------------------------------------------------------


def random_maxout(seed: int, inputs: int, widths: list[int]) -> dict[str, Any]:
    draw = random.Random(seed)

    def number() -> str:
        return f"{draw.randint(-9, 9)}/{draw.randint(1, 5)}"

    layers, below = [], inputs
    for width in widths:
        weights = [[[number() for _ in range(below)] for _ in range(4)] for _ in range(width)]
        layers.append({"weights": weights, "biases": [[number() for _ in range(4)] for _ in range(width)]})
        below = width
    output = {"weights": [[number() for _ in range(below)]], "biases": [number()]}
    box = {"lower": [-1] * inputs, "upper": [1] * inputs}
    return {"format": FORMAT, "kind": "maxout", "layers": layers, "output": output, "domain": box}


def nested(network: dict[str, Any]) -> dict[str, Any]:
    """The same function, with max(a, b, c, d) written as max(max(a, b), max(c, d))."""
    layers = []
    for layer in network["layers"]:
        n = len(layer["weights"])
        pairs = [unit[i : i + 2] for unit in layer["weights"] for i in (0, 2)]
        biases = [unit[i : i + 2] for unit in layer["biases"] for i in (0, 2)]
        rows = [[[int(c == 2 * u + s) for c in range(2 * n)] for s in (0, 1)] for u in range(n)]
        layers += [{"weights": pairs, "biases": biases}, {"weights": rows, "biases": [[0, 0]] * n}]
    return {**network, "layers": layers}


def equal_but_hard(width: int, depth: int = 1) -> tuple[str, str]:
    network = random_maxout(3, width, [width] * depth)
    return write("flat.json", network), write("nested.json", nested(network))


@pytest.mark.parametrize("method", ["auto", "lazy", "regions", "smt"])
def test_large_equal_networks_run_out_of_time(run: Run, method: str) -> None:
    files = equal_but_hard(12, 3)
    code, found = answer(run, "verify", *files, "--timeout", "1", "--method", method, "--out", "proof")
    assert (code, found["verdict"]) == (UNKNOWN, "unknown")
    assert re.search("out of time|no answer within", found["reason"])


def test_two_different_large_networks_are_told_apart_by_points(run: Run) -> None:
    """No solver answers this in a reasonable time; a search for points does at once."""
    one, two = (write(f"{seed}.json", random_maxout(seed, 6, [12] * 3)) for seed in (1, 2))
    assert run("verify", one, two, "--timeout", "2", "--method", "smt")[0] == UNKNOWN
    code, found = answer(run, "verify", one, two)
    assert (code, found["method"]) == (REFUTED, "numeric")


def test_a_box_beyond_the_range_of_floats(run: Run) -> None:
    code, found = answer(run, "verify", "bend.json", "other.json", "--box", "-1e400", "1e400", "--out", "proof")
    assert (code, found["verdict"]) == (REFUTED, "refuted")


def test_check_runs_out_of_time(run: Run) -> None:
    run("prove", "bend.json", "--out", "proof")
    code, out, err = run("check", "proof", "--timeout", "1e-6")
    assert (code, out) == (UNKNOWN, "")
    assert "the kernel did not finish within 1e-06 s" in err


def test_a_defect_is_no_verdict(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(options: object) -> int:
        raise RuntimeError("a defect")

    monkeypatch.setattr(cli.evaluate, "run", broken)
    assert main(["evaluate", "abs.json", "--at", "1", "--json"]) == UNKNOWN
    out, err = capsys.readouterr()
    assert json.loads(out)["verdict"] == "unknown"
    assert re.fullmatch(
        r"exactformer: internal error, please report it: RuntimeError: a defect \(.*, line \d+\)\n", err
    )


def test_an_interrupt_is_no_verdict(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.prove, "run", interrupted)
    assert run("prove", "abs.json") == (130, "", "interrupted\n")


PROGRAM = [sys.executable, "-m", "exactformer"]


def program(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *words], capture_output=True, text=True, encoding="utf-8", check=False, **options)


def test_exit_codes_of_the_program(run: Run) -> None:
    Path("proof").mkdir()
    Path("proof", "certificate.json").write_text("{}")
    for words, code in [
        (("--version",), 0),
        (("prove", "abs.json"), 0),
        (("verify", "bend.json", "other.json"), 1),
        (("verify", "abs.json", "abs.json", "--timeout", "0"), 3),
        (("evaluate", "none.json", "--at", "1"), 3),
        (("check", "proof"), 4),
    ]:
        found = program(*words)
        assert found.returncode == code
        assert "Traceback" not in found.stderr
    assert sorted(path.name for path in Path().glob("*-proof")) == ["abs-proof", "bend-other-proof"]


def test_a_standard_output_that_is_gone_or_poor(run: Run) -> None:
    run("prove", "bend.json", "--out", "proof")
    report = ("report", "proof", "--format", "html")
    reader, writer = os.pipe()
    os.close(reader)
    found = subprocess.run([*PROGRAM, *report], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (found.returncode, found.stderr) == (BAD_INPUT, "")
    poor = program("report", "proof", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (poor.returncode, poor.stderr) == (PROVED, "")
    assert "[-1, 1]\\xb2" in poor.stdout
    if Path("/dev/full").exists():
        with open("/dev/full", "w") as full:
            found = subprocess.run([*PROGRAM, *report], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (found.returncode, found.stderr) == (
            BAD_INPUT,
            "exactformer: [Errno 28] No space left on device\n",
        )


# --- claims, families, correspondences --------------------------------------------------------------


def test_claims_on_the_command_line(run: Run) -> None:
    code, found = answer(run, "verify", "bend.json", "--claim", "range:-100,100")
    assert (code, found["claim"], found["parameters"]) == (PROVED, "range", {"lower": [-100], "upper": [100]})
    assert Path("bend-range-proof", "certificate.json").exists()
    code, found = answer(run, "verify", "bend.json", "--claim", "independent:x1", "--out", "other")
    assert (code, found["verdict"]) == (REFUTED, "refuted")
    assert [e["label"] for e in found["witness"]["evaluations"]] == ["left(x)", "left(y)"]
    assert len(found["witness"]["point"]) == 3
    for e in found["witness"]["evaluations"]:
        assert run("evaluate", "bend.json", "--at", ",".join(e["point"]))[1] == e["value"][0] + "\n"
    assert run("check", "other")[1].startswith("accepted: at x = (")
    for kind in ("text", "markdown", "html"):
        assert "differ at most in x1" in run("report", "other", "--format", kind)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("bend.json",), "claim equal: expected two network files, A and B, found 1"),
        (("bend.json", "other.json", "--claim", "convex"), "claim convex: expected one network file, A, found 2"),
        (("--claim", "convex"), "expected one network file, A, found 0"),
        (("bend.json", "--claim", "round"), "claim: expected one of equal, at-most"),
        (
            ("bend.json", "--claim", "convex", "--method", "regions"),
            "method regions: expected a claim about single points, found convex",
        ),
        (("bend.json", "other.json", "--family", "family.py"), "--family: expected no other files beside it"),
        (("--family", "missing.py"), "expected a Python file"),
    ],
)
def test_claims_that_do_not_fit_the_files(run: Run, words: tuple[str, ...], message: str) -> None:
    code, out, err = run("verify", *words)
    assert (code, out) == (BAD_INPUT, "")
    assert message in err and "Traceback" not in err


FAMILY = """
import random
import exactformer as ef

def network(seed):
    r = random.Random(seed)
    rows = [[r.randint(-3, 3) for _ in range(2)] for _ in range(4)]
    return ef.ReluNetwork.of([(rows, [0, 1, -1, 0])], ([[1, 1, 1, 1]], [0]), domain=ef.Box([-1, -1], [1, 1]))

def pairs(seed):
    for number in range(6):
        left = network(seed + number)
        yield (left, rebuild(left)) if {pairs} else left

def rebuild(left):
    return ef.compile({source}).transformer
"""


WRONG = "ef.ReluNetwork.of([(left.layers[0].weights.dense(), [0] * 4)], ([[1, 1, 1, 1]], [0]), domain=left.domain)"


def test_a_family(run: Run) -> None:
    Path("family.py").write_text(FAMILY.format(pairs=True, source="left"))
    code, found = answer(run, "verify", "--family", "family.py", "--instances", "4", "--seed", "7")
    assert (code, found["proved"], found["unknown"], found["counterexample"]) == (PROVED, 4, 0, None)
    Path("family.py").write_text(FAMILY.format(pairs=True, source=WRONG))
    code, out, _ = run("verify", "--family", "family.py", "--out", "found")
    assert code == REFUTED
    assert "REFUTED  0 instances proved" in out and "instance 0 is a counterexample" in out
    assert run("check", "found")[0] == PROVED
    Path("family.py").write_text(FAMILY.format(pairs=False, source="left"))
    code, found = answer(run, "verify", "--family", "family.py", "--claim", "convex")
    assert (code, found["proved"]) == (PROVED, 6)
    code, found = answer(run, "verify", "--family", "family.py", "--claim", "increasing", "--out", "found")
    assert (code, found["instance"]) == (REFUTED, 0)
    assert found["counterexample"]["claim"] == "increasing" and found["shrunk"] > 0


def test_a_correspondence_names_the_wrong_unit(run: Run) -> None:
    """A hand-changed Transformer of another shape: the trace goes by the correspondence that comes with it."""
    run("prove", "bend.json", "--out", "proof")
    value = json.loads(Path("proof/right.json").read_text())
    value["blocks"].append({"heads": None, "feedforward": None})
    value["blocks"].append({"heads": [], "feedforward": None})  # harmless, and of no construction's shape
    head = value["blocks"][1]["heads"][0]
    head["value"] = [["1/2" if x else 0 for x in row] for row in head["value"]]
    Path("changed.json").write_text(json.dumps(value))
    words = ("verify", "bend.json", "changed.json", "--out", "found")
    code, out, _ = run(*words)
    assert code == REFUTED and "unit" not in out.partition("differs")[2].splitlines()[0]
    code, out, _ = run(*words, "--correspondence", "proof/correspondence.json")
    assert code == REFUTED
    assert "(unit 0 of layer 0)" in out.partition("differs")[2].splitlines()[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("units"), "expected an object with the keys construction, coordinates, units"),
        (lambda c: c.update(units=3), "units: expected a list"),
        (lambda c: c["units"][0].update(block=-1), "units[0].block: expected an integer >= 0"),
        (lambda c: c["units"][0].update(block=77), "units[0].block: expected a block of the Transformer with"),
        (lambda c: c["units"][0].update(block=0), "units[0].block: expected a block of the Transformer with"),
        (lambda c: c["units"][0].update(unit=99), "expected a unit of the source"),
        (lambda c: c["units"][0].update(heads=[99]), "units[0].heads: expected heads of block 1"),
        (lambda c: c["units"][0].update(coordinates=[999]), "expected coordinates below the width"),
        (lambda c: c["units"].append(c["units"][0]), "expected every unit once"),
        (lambda c: c["units"][0].update(heads="all"), "units[0].heads: expected a list of integers"),
    ],
)
def test_a_correspondence_that_does_not_belong(run: Run, change: Any, message: str) -> None:
    run("prove", "bend.json", "--out", "proof")
    value = json.loads(Path("proof/correspondence.json").read_text())
    change(value)
    Path("c.json").write_text(json.dumps(value))
    code, _, err = run("verify", "bend.json", "proof/right.json", "--correspondence", "c.json")
    assert code == BAD_INPUT
    assert message in err
    code, _, err = run("verify", "proof/right.json", "bend.json", "--correspondence", "proof/correspondence.json")
    assert code == BAD_INPUT and "a maxout or ReLU network on the left" in err


def test_a_check_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys; from exactformer.cli import main; answer = main(['check', sys.argv[1], '--quiet']); "
        "print(answer, sorted({'numpy', 'highspy', 'jinja2', 'z3', 'exactformer.prover'} & sys.modules.keys()))"
    )
    proof = Path(__file__).parents[1] / "proofs" / "absolute-value"
    found = subprocess.run([sys.executable, "-c", code, str(proof)], capture_output=True, text=True, check=True)
    assert found.stdout == "0 []\n"
