"""What the command line does with files of strangers, with files in its way, and with words that mean nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import exactformer as ef
from exactformer.cli import main

PROOFS = Path(__file__).parent.parent / "proofs"
PROVED, REFUTED, UNKNOWN, BAD_INPUT, REJECTED = range(5)
Run = Callable[..., tuple[int, str, str]]

RELU = ef.ReluNetwork.of([([[1]], [0])], ([[1]], [0]))
SEVEN = ef.ReluNetwork.of([([[1]], [0])], ([[7]], [0]))
ABSOLUTE = ef.MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), domain=ef.Box([-1], [1]))
SQUARE = ef.ReluNetwork.of([([[1, 2], [-1, 1]], [0, "1/2"])], ([[1, -1]], [0]), domain=ef.Box([-1, -1], [1, 1]))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder with some networks; no traceback, and no control character but newlines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name, network in (("relu", RELU), ("seven", SEVEN), ("abs", ABSOLUTE), ("square", SQUARE)):
        ef.save(network, f"{name}.json")

    def result(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        for text in (out, err):
            assert all(line.isprintable() for line in text.split("\n"))
        assert "Traceback" not in err and "internal error" not in err
        return code, out, err

    return result


def tree() -> dict[str, object]:
    return {
        str(path): path.readlink()
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else path.stat().st_mode
        for path in sorted(Path().rglob("*"))
    }


def refused(run: Run, *words: object, code: int = BAD_INPUT) -> str:
    """The message of a command that fails and changes nothing."""
    before = tree()
    found, out, err = run(*words)
    assert (found, out) == (code, "")
    assert tree() == before
    return err.removeprefix("exactformer: ").rstrip("\n")


def said(run: Run, *words: object, code: int = PROVED) -> dict[str, Any]:
    found, out, err = run(*words, "--json")
    assert (found, err) == (code, "")
    value: dict[str, Any] = json.loads(out)
    return value


def edit(path: str, change: Callable[[Any], object]) -> None:
    value = json.loads(Path(path).read_text())
    change(value)
    Path(path).write_text(json.dumps(value))


# --- text of strangers ----------------------------------------------------------------------------

ESCAPES = "\r\x1b[2Kaccepted: left(x) = right(x) (any tie rule)\n"
PLACES: list[tuple[str | int, ...]] = [
    *[
        ("format",),
        ("claim",),
        ("tie",),
        ("left", "file"),
        ("left", "sha256"),
        ("domain", "lower", 0),
        ("inhabitant", 0),
    ],
    *[("tree", 0, 0), ("tree", 0)],
]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_escapes_in_values_of_a_certificate(run: Run, place: tuple[str | int, ...]) -> None:
    run("prove", "abs.json", "--out", "proof")

    def change(value: Any) -> None:
        for key in place[:-1]:
            value = value[key]
        value[place[-1]] = ESCAPES

    edit("proof/certificate.json", change)
    for words in (("check", "proof"), ("check", "proof", "--json"), ("report", "proof")):
        code, out, err = run(*words)
        assert code == REJECTED and err.count("\n") == 1
        assert "accepted: " not in out.replace("accepted: left", "")  # at most quoted, in JSON


def test_escapes_as_keys_of_certificates_networks_and_counts(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof")
    edit("proof/certificate.json", lambda value: value.update({ESCAPES: 1}))
    assert run("check", "proof")[0] == REJECTED
    edit("abs.json", lambda value: value.update({ESCAPES: ESCAPES}))
    assert run("prove", "abs.json")[0] == BAD_INPUT
    run("regions", "square.json", "--certificate", "count")
    edit("count/certificate.json", lambda value: value.update({ESCAPES: 1}))
    assert run("check", "count")[0] == REJECTED


def test_escapes_in_names_of_files_and_words(run: Run) -> None:
    hostile = "a\x1b[31m\nPROVED.json"
    shutil.copy("abs.json", hostile)
    for words in (
        ("prove", hostile),
        ("evaluate", hostile, "--at", 1),
        ("evaluate", hostile),
        ("compile", hostile, "-o", hostile),
    ):
        run(*words)
    run("prove", "abs.json", "--out", "proof")
    shutil.copy("abs.json", f"proof/{hostile}")
    code, out, _ = run("check", "proof")
    assert code == PROVED and '"a\\u001b[31m\\nPROVED.json"' in out
    Path("domain.json").write_text(json.dumps({ESCAPES: 1}))
    assert run("prove", "abs.json", "--domain", "domain.json")[0] == BAD_INPUT
    assert run("verify", "abs.json", "--claim", ESCAPES)[0] == BAD_INPUT
    assert run("verify", "abs.json", f"--{ESCAPES}")[0] == BAD_INPUT


def test_a_name_cannot_say_that_a_file_was_checked(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof")
    Path("proof/a, checked: b").write_text("")
    assert '"a, checked: b"' in run("check", "proof")[1]


def test_the_domain_is_said(run: Run) -> None:
    """relu(x) = 7 relu(x) is true, for x <= 0."""
    for number, (domain, lines) in enumerate(
        [
            ({"lower": [None], "upper": [0]}, ["  domain  (-oo, 0]"]),
            (
                {"lower": [None], "upper": [3], "matrix": [[2]], "bounds": [-1]},
                ["  domain  (-oo, 3] with 1 further inequalities", "    with  2 x1 <= -1"],
            ),
        ]
    ):
        Path("domain.json").write_text(json.dumps(domain))
        folder = f"proof{number}"
        assert run("verify", "relu.json", "seven.json", "--domain", "domain.json", "--out", folder)[0] == PROVED
        _, out, _ = run("check", folder)
        assert out.splitlines()[1 : 1 + len(lines)] == lines
        assert said(run, "check", folder)["domain"] == domain
    run("regions", "square.json", "--certificate", "count")
    assert said(run, "check", "count")["domain"] == {"lower": [-1, -1], "upper": [1, 1]}
    assert "  domain  [-1, 1]^2\n" in run("check", "count")[1]


# --- reports --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.parent.name for path in PROOFS.glob("*/report.json")))
def test_reports_of_true_proofs_pass(run: Run, name: str) -> None:
    code, out, _ = run("report", PROOFS / name)
    assert code == PROVED and out.startswith("Re-checked now by the kernel: ")


FORGERIES: dict[str, Callable[[Any], object]] = {
    "verdict": lambda r: r.update(verdict="refuted"),
    "theorem": lambda r: r.update(theorem="for every x, left(x) = 7"),
    "claim": lambda r: r.update(claim="at-most"),
    "sentence": lambda r: r.update(sentence="N(x) = 7 T(x) for every x in D"),
    "title": lambda r: r.update(title="A proof of something else"),
    "tie": lambda r: r.update(tie="leftmost"),
    "domain": lambda r: r["domain"].update(text="ℝ"),
    "inequalities": lambda r: r["domain"].update(inequalities=["x_1 ≤ 0"]),
    "network": lambda r: r["left"].update(name="another"),
    "facts": lambda r: r["left"]["facts"].pop(),
    "formula": lambda r: r["left"]["facts"][-1].__setitem__(1, "7"),
    "digest": lambda r: dict(r["left"]["facts"])["sha256"] and r["left"]["facts"][6].__setitem__(1, "0" * 64),
    "file": lambda r: r["left"].update(file="abs.json"),
    "one network": lambda r: r.update(right=None),
    "checked": lambda r: r.update(checked=False),
    "counts": lambda r: r["proof"]["counts"][0].__setitem__(1, 1000),
    "form": lambda r: r["proof"].update(identical=not r["proof"]["identical"]),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_forged_reports_are_refused(run: Run, change: Callable[[Any], object]) -> None:
    run("prove", "abs.json", "--out", "proof")
    edit("proof/report.json", change)
    for form in ("text", "markdown", "html"):
        message = refused(run, "report", "proof", "--format", form, code=REJECTED)
        assert message.startswith("proof/report.json is not the report of this certificate: ")
    assert run("report", "proof", "-o", "new.txt")[0] == REJECTED and not Path("new.txt").exists()


def test_a_report_that_does_not_tell_digests_yet_passes(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof")
    told = json.loads(Path("proof/report.json").read_text())["left"]["facts"]
    names = [name for name, _ in told]
    assert names[6:] == ["sha256", "u₁₁", "y"] and told[-2:] == [["u₁₁", "max(x, −x)"], ["y", "u₁₁"]]
    for side in ("left", "right"):
        edit(
            "proof/report.json",
            lambda r, side=side: r[side].update(facts=r[side]["facts"][: 6 if side == "left" else -1]),
        )
    code, out, _ = run("report", "proof")
    assert code == PROVED and out.startswith("Re-checked now by the kernel: ") and "u₁₁" not in out


def test_a_report_without_what_was_added_later_is_read(run: Run) -> None:
    run("prove", "abs.json", "--method", "regions", "--out", "proof")
    assert "x ≥ 0" in run("report", "proof")[1]

    def older(report: Any) -> None:
        for key in ("numbers", "pieces"):
            report["picture"].pop(key)
        for shape in report["picture"]["shapes"]:
            shape.pop("regions")
        report["proof"].pop("cases")
        for row in report["proof"]["regions"]:
            for key in ("facets", "pattern", "places"):
                row.pop(key)

    edit("proof/report.json", older)
    code, out, _ = run("report", "proof")
    assert code == PROVED and "x ≥ 0" not in out
    edit("proof/report.json", lambda r: r["proof"]["regions"][0].pop("same"))
    assert "key 'same' missing" in refused(run, "report", "proof")


@pytest.mark.parametrize("part", ["points", "evaluations", "difference"])
def test_forged_counterexamples_are_refused(run: Run, part: str) -> None:
    run("verify", "relu.json", "seven.json", "--out", "proof")
    assert run("report", "proof")[0] == PROVED
    wrong = {"points": [["x", "7"]], "evaluations": [], "difference": "1/7"}
    edit("proof/report.json", lambda r: r["refutation"].update({part: wrong[part]}))
    assert "the counterexample" in refused(run, "report", "proof", code=REJECTED)


def test_a_report_beside_another_certificate(run: Run) -> None:
    run("verify", "relu.json", "relu.json", "--out", "equal")
    run("verify", "relu.json", "seven.json", "--out", "different")
    shutil.copy("equal/report.json", "different/report.json")
    message = refused(run, "report", "different", code=REJECTED)
    assert "is not the report of this certificate" in message
    for name in ("certificate.json", "right.json"):
        shutil.copy(f"different/{name}", f"equal/{name}")
    assert "is not the report of this certificate" in refused(run, "report", "equal", code=REJECTED)


@pytest.mark.parametrize(("form", "line"), [("text", 0), ("markdown", 0), ("html", 0)])
def test_a_report_without_certificate_says_so_first(run: Run, form: str, line: int) -> None:
    run("prove", "abs.json", "--out", "proof")
    Path("proof/certificate.json").unlink()
    code, out, _ = run("report", "proof", "--format", form)
    assert code == PROVED and "NOTHING WAS RE-CHECKED" in out.splitlines()[line]
    value = said(run, "report", "proof")
    assert value["rechecked"] is False and value["note"].startswith("NOTHING WAS RE-CHECKED")
    assert run("report", "proof", "-o", "page", "--format", form)[0] == PROVED
    assert "NOTHING WAS RE-CHECKED" in Path("page").read_text().splitlines()[line]


# --- files ----------------------------------------------------------------------------------------

UNREADABLE = ("/dev/zero", "/dev/null", "pipe", "link-to-device")
READERS = {
    "prove": ("prove", "{}"),
    "verify": ("verify", "abs.json", "{}"),
    "verify alone": ("verify", "{}", "--claim", "convex"),
    "check": ("check", "{}"),
    "compile": ("compile", "{}", "-o", "new.json"),
    "compare": ("compile", "{}", "--compare"),
    "evaluate": ("evaluate", "{}", "--at", "1"),
    "regions": ("regions", "{}"),
    "report": ("report", "{}"),
    "domain": ("prove", "abs.json", "--domain", "{}"),
    "domain of regions": ("regions", "abs.json", "--domain", "{}"),
    "correspondence": ("verify", "abs.json", "abs.json", "--correspondence", "{}"),
    "family": ("verify", "--family", "{}"),
    "compile to": ("compile", "abs.json", "-o", "{}"),
    "prove to": ("prove", "abs.json", "--out", "{}"),
    "npz": ("regions", "abs.json", "--npz", "{}"),
    "certificate": ("regions", "abs.json", "--certificate", "{}"),
    "report to": ("report", str(PROOFS / "absolute-value"), "-o", "{}"),
}


@pytest.mark.parametrize("words", READERS.values(), ids=READERS)
def test_pipes_and_devices_are_refused(run: Run, words: tuple[str, ...]) -> None:
    """In a process of its own, as the fault would be to wait for ever."""
    os.mkfifo("pipe")
    os.symlink("/dev/zero", "link-to-device")
    before = sorted(Path().iterdir())
    for name in UNREADABLE:
        program = "import sys; from exactformer.cli import main; sys.exit(main())"
        line = [sys.executable, "-c", program, *(word.format(name) for word in words)]
        found = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
        assert (found.returncode, found.stdout) == (BAD_INPUT, ""), found
        assert found.stderr.startswith("exactformer: ") and found.stderr.count("\n") == 1
        assert "internal error" not in found.stderr
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("name", ["certificate.json", "left.json", "right.json"])
def test_symbolic_links_in_a_proof_folder_are_not_followed(run: Run, name: str) -> None:
    run("prove", "abs.json", "--out", "proof")
    Path("proof", name).rename("elsewhere.json")
    os.symlink("../elsewhere.json", Path("proof", name))
    code, out, err = run("check", "proof")
    assert code in (BAD_INPUT, REJECTED) and out == "" and "symbolic link" in err
    assert run("report", "proof")[0] == code
    before = Path("elsewhere.json").read_bytes()
    assert f"proof/{name}: expected nothing there" in refused(run, "prove", "abs.json", "--out", "proof")
    assert Path("elsewhere.json").read_bytes() == before


def test_a_link_to_a_report_is_not_followed(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof")
    Path("proof/report.json").rename("report.json")
    os.symlink("../report.json", "proof/report.json")
    assert "proof/report.json: " in refused(run, "report", "proof")
    assert said(run, "check", "proof")["files"]["report.json"] == "changed"


def test_every_file_of_a_folder_is_told(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof", "--kernel")
    files = said(run, "check", "proof")["files"]
    assert {name for name, state in files.items() if state == "checked"} == {
        "certificate.json",
        "left.json",
        "right.json",
    }
    assert files["manifest.json"] == "manifest"
    assert set(files.values()) == {"checked", "manifest", "unchanged"}
    assert files["kernel/cell.py"] == "unchanged"
    Path("proof/report.html").write_text("<h1>Proved: everything</h1>")
    Path("proof/report.md").unlink()
    Path("proof/kernel/cell.py").write_text("")
    Path("proof/extra.txt").write_text("")
    Path("proof/kernel/extra.py").write_text("")
    Path("proof/more").mkdir()
    Path("proof/more/inside").write_text("")
    os.symlink("/etc/passwd", "proof/link")
    found = said(run, "check", "proof")["files"]
    assert {name: state for name, state in found.items() if files.get(name) != state} == {
        **dict.fromkeys(("report.html", "kernel/cell.py"), "changed"),
        **dict.fromkeys(("extra.txt", "kernel/extra.py", "more/", "link"), "unknown"),
        "report.md": "missing",
    }
    _, out, _ = run("check", "proof")
    assert "CHANGED since written, by the manifest: kernel/cell.py, report.html\n" in out
    assert "MISSING, by the manifest: report.md\n" in out
    assert "unknown: extra.txt, kernel/extra.py, link, more/\n" in out
    assert said(run, "check", "proof/certificate.json")["files"] == dict.fromkeys(
        ("certificate.json", "left.json", "right.json"), "checked"
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", '{"format": "exactformer/manifest-1", "kind": "proof", "files": {"../abs.json": "0"}}'),
        json.dumps({"format": "exactformer/manifest-1", "kind": "proof", "files": {"/etc/passwd": "0" * 64}}),
        json.dumps({"format": "exactformer/manifest-1", "kind": ["proof"], "files": {}}),
        json.dumps({"format": "exactformer/manifest-1", "kind": "proof", "files": {"a/../../b": "0" * 64}}),
    ],
)
def test_what_is_no_manifest(run: Run, text: str) -> None:
    """Nothing is written beside it, and nothing belongs to anything by it."""
    run("prove", "abs.json", "--out", "proof")
    Path("proof/manifest.json").write_text(text)
    files = said(run, "check", "proof")["files"]
    assert set(files.values()) == {"checked", "unknown"} and files["report.html"] == files["manifest.json"] == "unknown"
    assert "proof/manifest.json: " in refused(run, "prove", "abs.json", "--out", "proof")


def test_users_files_are_not_swapped(run: Run) -> None:
    """`verify right.json left.json --out .` once wrote each network over the other."""
    ef.save(RELU, "left.json")
    ef.save(SEVEN, "right.json")
    assert "left.json: expected another folder, found an input of this command" in refused(
        run, "verify", "right.json", "left.json", "--out", "."
    )
    assert run("verify", "left.json", "right.json", "--out", ".")[0] == REFUTED  # they are there already, as they are
    assert ef.load("left.json") == RELU and ef.load("right.json") == SEVEN
    assert "an input of this command" in refused(run, "verify", "right.json", "left.json", "--out", ".")


NAMES = ("left.json", "right.json", "certificate.json", "report.json", "report.txt", "report.md", "report.html")


@pytest.mark.parametrize("name", [*NAMES, "README.txt", "correspondence.json", "manifest.json", "domain.json"])
def test_files_in_the_way_are_left_alone(run: Run, name: str) -> None:
    Path("mine").mkdir()
    Path("mine", name).write_text("my own")
    assert f"mine/{name}: expected " in refused(run, "prove", "abs.json", "--out", "mine")


@pytest.mark.parametrize("name", ["network.json", "certificate.json", "README.txt", "manifest.json"])
def test_files_in_the_way_of_a_count(run: Run, name: str) -> None:
    Path("mine").mkdir()
    Path("mine", name).write_text("my own")
    assert f"mine/{name}: expected " in refused(run, "regions", "square.json", "--certificate", "mine")


def test_files_in_the_way_of_what_was_asked_for(run: Run) -> None:
    for path, option in (("kernel/cell.py", "--kernel"), ("obligations/leaf-0-holds.smt2", "--obligations")):
        Path("mine", path).parent.mkdir(parents=True)
        Path("mine", path).write_text("my own")
        assert f"mine/{path}: expected " in refused(run, "prove", "abs.json", "--out", "mine", option)
    Path("mine/claim.smt2").write_text("my own")
    assert run("prove", "abs.json", "--out", "mine")[0] == PROVED  # none of these is written, so none is in the way
    os.rename("mine/kernel", "elsewhere")
    os.symlink("../elsewhere", "mine/kernel")
    before = Path("elsewhere/cell.py").read_bytes()
    assert "mine/kernel: expected a folder" in refused(run, "prove", "abs.json", "--out", "mine", "--kernel")
    assert Path("elsewhere/cell.py").read_bytes() == before
    assert {p.read_text() for p in Path("mine").rglob("*") if p.suffix == ".smt2"} == {"my own"}


def test_what_exactformer_wrote_gives_way_as_long_as_it_is_unchanged(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof", "--obligations")
    Path("proof/notes.txt").write_text("my own")
    assert run("verify", "square.json", "--claim", "range:-9,9", "--out", "proof")[0] == PROVED
    names = {path.name for path in Path("proof").iterdir()}
    assert "notes.txt" in names and not names & {"right.json", "correspondence.json", "obligations", "claim.smt2"}
    assert set(said(run, "check", "proof")["files"].values()) == {"checked", "manifest", "unchanged", "unknown"}
    Path("proof/report.md").write_text("my own")
    assert "proof/report.md: expected nothing there" in refused(run, "prove", "abs.json", "--out", "proof")
    assert "found one with a proof" in refused(run, "regions", "square.json", "--certificate", "proof")


def test_an_interrupted_run_can_be_run_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever file was the last to be written."""
    from exactformer import manifest

    real = manifest.write_atomically
    for limit in range(9):
        left = iter(range(limit))
        assert run("prove", "square.json", "--out", "proof")[0] == PROVED

        def interrupted(path: Path, content: Any, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            real(path, content)

        monkeypatch.setattr(manifest, "write_atomically", interrupted)
        assert run("prove", "abs.json", "--out", "proof")[0] == 130
        assert not Path("proof/certificate.json").exists()
        monkeypatch.setattr(manifest, "write_atomically", real)
    assert run("prove", "abs.json", "--out", "proof")[0] == PROVED
    assert set(said(run, "check", "proof")["files"].values()) == {"checked", "manifest", "unchanged"}


def test_inputs_are_never_written_over(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof")
    run("compile", "abs.json", "-o", "t.json")
    os.symlink("t.json", "linked.json")
    for words in (
        ("compile", "abs.json", "-o", "abs.json"),
        ("compile", "abs.json", "--domain", "domain.json", "-o", "domain.json"),
        ("compile", "abs.json", "-o", "linked.json"),
        ("compile", "abs.json", "-o", "proof/right.json"),
        ("compile", "abs.json", "-o", "relu.json"),
        ("report", "proof", "-o", "proof/report.txt"),
        ("report", "proof", "-o", "abs.json.txt"),
        ("regions", "abs.json", "--npz", "abs.json"),
        ("regions", "abs.json", "--draw", "photo.png"),
    ):
        Path("domain.json").write_text('{"lower": [0], "upper": [1]}')
        Path("abs.json.txt").write_text("my own")
        Path("photo.png").write_bytes(b"\x89PNG")
        refused(run, *words)
    assert run("compile", "abs.json", "-o", "t.json")[0] == PROVED  # its own earlier output
    assert run("regions", "abs.json", "--npz", "a.npz")[0] == run("regions", "abs.json", "--npz", "a.npz")[0] == PROVED


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_pictures_are_drawn_over_pictures(run: Run, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    for _ in range(2):
        assert run("regions", "square.json", "--draw", f"a{suffix}")[0] == PROVED


@pytest.mark.parametrize(
    "words",
    [
        ("--draw", "a.svg", "--npz", "./a.svg"),
        ("--certificate", "count", "--npz", "count/certificate.json"),
        ("--certificate", "count", "--draw", "count"),
        ("--certificate", "a.svg", "--draw", "a.svg"),
        ("--certificate", "count", "--out", "count"),
        ("--out", "a", "--npz", "a/report.html"),
    ],
)
def test_two_things_in_one_place(run: Run, words: tuple[str, ...]) -> None:
    assert "different places" in refused(run, "regions", "square.json", *words)


def test_a_folder_behind_a_link_belongs_to_nothing(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof", "--kernel")
    os.rename("proof/kernel", "elsewhere")
    os.symlink("../elsewhere", "proof/kernel")
    files = said(run, "check", "proof")["files"]
    assert files["kernel"] == "unknown" and files["kernel/cell.py"] == "missing"


def test_a_file_that_cannot_be_read_is_no_reason_to_reject(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof")
    Path("proof/report.md").unlink()
    os.mkfifo("proof/report.md")
    with Path("proof/report.txt").open("wb") as stream:
        stream.truncate((1 << 28) + 1)
    files = said(run, "check", "proof")["files"]
    assert files["report.md"] == files["report.txt"] == "changed"


def test_a_transformer_is_not_written_as_nnet(run: Run) -> None:
    for name in ("out.nnet", "OUT.NNET"):
        assert "expected a name that ends in .json, found" in refused(run, "compile", "abs.json", "-o", name)


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("relu.json", "--claim", "equal", "relu.json"),
        ("--claim", "equal", "relu.json", "relu.json"),
        ("relu.json", "relu.json", "--claim", "equal"),
        ("relu.json", "--box", "-1/2", "1", "relu.json", "--claim", "equal"),
    ],
)
def test_options_between_files(run: Run, words: tuple[str, ...]) -> None:
    assert run("verify", *words, "--out", "proof")[0] == PROVED


def test_names_that_look_like_options(run: Run) -> None:
    shutil.copy("relu.json", "-relu.json")
    assert run("verify", "--out", "proof", "--", "relu.json", "-relu.json")[0] == PROVED
    assert run("evaluate", "--at", "1", "--", "-relu.json")[1] == "1\n"


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("regions", "square.json", "--construction", "global"), "--construction"),
        (("regions", "t.json", "--of", "transformer", "--construction", "global"), "--construction"),
        (("regions", "square.json", "--arity", "2"), "--arity"),
        (("regions", "square.json", "--colour", "map"), "--colour"),
        (("regions", "square.json", "--tie", "average"), "--tie"),
        (("regions", "square.json", "--at", "0,0"), "--at"),
        (("compile", "square.json", "--compare", "--construction", "global"), "--construction"),
        (("compile", "square.json", "-o", "new.json", "--arity", "3"), "--arity"),
        (("prove", "square.json", "--arity", "2"), "--arity"),
        (("prove", "square.json", "--sample", "5", "--cross-check", "none"), "--sample"),
        (("prove", "square.json", "--sample", "all", "--method", "lazy"), "--sample"),
        (("prove", "square.json", "--cross-check", "z3", "--method", "smt"), "--cross-check"),
        (("prove", "square.json", "--jobs", "2", "--method", "structural"), "--jobs"),
        (("verify", "square.json", "square.json", "--instances", "3"), "--instances"),
        (("verify", "square.json", "--claim", "convex", "--correspondence", "c.json"), "--correspondence"),
        (("evaluate", "square.json", "--at", "0,0", "--tie", "leftmost"), "--tie"),
        (("evaluate", "t.json", "--at", "0,0", "--tie", "leftmost", "--temperature", "2"), "--tie"),
        (("report", "proof", "--json", "--format", "html"), "--format"),
    ],
)
def test_options_without_effect_are_refused(run: Run, words: tuple[str, ...], option: str) -> None:
    run("compile", "square.json", "-o", "t.json")
    run("prove", "abs.json", "--out", "proof")
    before = tree()
    code, _, err = run(*words)
    assert code == BAD_INPUT and err.startswith(f"exactformer: {option}: expected together with ")
    assert tree() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ""),
        (("--box", "-1/2", "2"), " --box -1/2 2"),
        (("--everywhere",), " --everywhere"),
        (("--domain", "d.json"), " --domain domain.json"),
    ],
)
def test_a_proof_without_certificate_can_be_run_again(run: Run, options: tuple[str, ...], words: str) -> None:
    Path("d.json").write_text('{"lower": [-1, 0], "upper": [1, 1], "matrix": [[1, 1]], "bounds": [1]}')
    run("verify", "square.json", "square.json", "--method", "smt", *options, "--out", "proof")
    lines = Path("proof/report.txt").read_text().splitlines()
    (line,) = [line.strip() for line in lines if "exactformer verify" in line]
    assert line == f"exactformer verify left.json right.json{words} --method smt"
    first = json.loads(Path("proof/report.json").read_text())
    os.chdir("proof")
    again = said(run, *line.split()[1:], "--out", "../again")
    os.chdir("..")
    assert (again["verdict"], again["method"]) == (first["verdict"], "smt")
    assert json.loads(Path("again/report.json").read_text())["domain"]["text"] == first["domain"]["text"]


@pytest.mark.parametrize(
    ("claim", "sides", "wanted"),
    [
        ("at-most", ("seven.json", "relu.json"), "at least 7"),
        ("within:1/2", ("relu.json", "seven.json"), "within 1/2 of 1"),
        ("equal", ("relu.json", "seven.json"), "1"),
    ],
)
def test_the_trace_says_what_a_claim_wants(run: Run, claim: str, sides: tuple[str, str], wanted: str) -> None:
    code, out, _ = run("verify", *sides, "--claim", claim, "--box", 1, 1, "--out", "proof")
    assert code == REFUTED and f", wanted {wanted}\n" in out


def test_at_most_of_a_transformer(run: Run) -> None:
    """The left side is the Transformer: it is found, and may be no larger than the right one."""
    run("compile", "seven.json", "-o", "t.json", "--construction", "global")
    code, out, _ = run("verify", "t.json", "relu.json", "--claim", "at-most", "--box", 1, 1, "--out", "proof")
    assert code == REFUTED and "differs   first at output 0: 7, wanted at most 1\n" in out


FAILING = {
    "at once": ("import exactformer\n1 / 0\n", "family.py, line 2: ", "ZeroDivisionError"),
    "in pairs": ("def pairs():\n    yield 1 / 0\n", "family.py, line 2: ", "ZeroDivisionError"),
    "before the first": ("def pairs():\n    return [1 / 0]\n", "family.py, line 2: ", "ZeroDivisionError"),
    "within exactformer": (
        "import exactformer as ef\ndef pairs():\n    yield ef.load('no')\n",
        "family.py, line 3: ",
        "no: ",
    ),
    "leaves": ("import sys\ndef pairs():\n    sys.exit(0)\n    yield\n", "family.py, line 3: ", "SystemExit"),
    "no Python": ("def pairs(:\n", "family.py, line 1: ", "SyntaxError"),
    "no list": ("def pairs():\n    return 3\n", "family.py: ", "TypeError"),
    "with escapes": ("def pairs():\n    raise ValueError('\\x1b[2K\\nPROVED')\n", "family.py, line 2: ", "ValueError"),
}


@pytest.mark.parametrize(("text", "place", "kind"), FAILING.values(), ids=FAILING)
def test_faults_of_a_family_name_its_file_and_line(run: Run, text: str, place: str, kind: str) -> None:
    Path("family.py").write_text(text)
    code, out, err = run("verify", "--family", "family.py")
    assert (code, out) == (BAD_INPUT, "") and place in err and kind in err and err.count("\n") == 1


def test_missing_matplotlib_does_not_stop_the_certificate(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exactformer.subdivision.drawing.find_spec", lambda name: None)
    text = refused(run, "regions", "square.json", "--draw", "a.svg")
    assert text == "picture: expected matplotlib, found none; pip install 'exactformer[plot]'"
    code, out, err = run("regions", "square.json", "--draw", "a.svg", "--certificate", "count", "--npz", "a.npz")
    assert code == BAD_INPUT and "4 activation regions" in out
    assert err == f"exactformer: {text}; the picture is left out\n"
    assert Path("a.npz").exists() and not Path("a.svg").exists()
    assert run("check", "count")[0] == PROVED


def test_the_manifest_is_that_of_the_files(run: Run) -> None:
    run("prove", "abs.json", "--out", "proof", "--obligations", "--kernel")
    files = json.loads(Path("proof/manifest.json").read_text())["files"]
    found = {path.relative_to("proof").as_posix(): path for path in Path("proof").rglob("*") if path.is_file()}
    assert found.keys() - {"manifest.json"} == files.keys()
    assert all(
        hashlib.sha256(path.read_bytes()).hexdigest() == files.get(name, "")
        for name, path in found.items()
        if name in files
    )
