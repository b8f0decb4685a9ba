"""The command `regions`: answers, exit codes, files, and one clear message for bad input."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from exactformer import Domain, MaxoutNetwork, ReluNetwork, Transformer, load, regions, save
from exactformer.cli import main
from exactformer.cli import regions as cli_regions
from exactformer.compiler import compile_network
from exactformer.domain import Box
from exactformer.kernel.certificates import check_file
from exactformer.networks import Affine, Block, Head
from exactformer.rational import Matrix, Vector
from exactformer.subdivision import sawtooth
from exactformer.subdivision.cells import ComplexCells, FoundCells
from exactformer.subdivision.slices import coordinate_plane
from exactformer.subdivision.unbounded import UnboundedCells
from exactformer.work import OutOfTime

F = Fraction
COUNTED, UNKNOWN, BAD_INPUT = 0, 2, 3
KEYS = {
    *("verdict", "reason", "certificate", "activation_regions", "linear_regions", "distinct_affine_maps", "faces"),
    *("at_least", "complete", "domain", "seconds"),
}

Run = Callable[..., tuple[int, str, str]]

BEND = ReluNetwork.of([([[1, 2], [-1, 1]], [0, F(1, 2)])], ([[1, -1]], [0]), domain=Domain.box(2, -1, 1), name="bend")
SOLID = ReluNetwork.of(
    [([[1, 1, 1], [1, -1, 0]], [0, 0])], ([[1, 1]], [F(-1, 3)]), domain=Domain.box(3, -1, 1), name="solid"
)
FREE = MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), name="free")
TWICE = ReluNetwork.of(
    [([[1], [1], [1]], [F(1, 2), 0, -F(1, 2)])], ([[1, -2, 1]], [0]), domain=Domain.box(1, -1, 1), name="twice"
)
PAIRS = MaxoutNetwork.of(
    [([[[1], [-1], [0]]], [[0, 0, F(1, 2)]])], ([[1]], [0]), domain=Domain.box(1, -1, 1), name="equal"
)


def quadratic() -> Transformer:
    embedding = tuple(Affine(Matrix.sparse(2, 1, {(1, 0): F(i)}), Vector.of([F(i), F(1)])) for i in (1, 2))
    head = Head.of([[0, 1]], [[0, 1]], [[1, 0]], [[1], [0]])
    readout = Affine(Matrix.sparse(1, 2, {(0, 0): F(1)}), Vector.of([F(0)]))
    return Transformer(embedding, (Block((head,), None),), 0, readout, domain=Domain.box(1, -1, 1))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `regions` in a folder with some networks; no run may end in a traceback or an internal error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name, network in (
        *(
            ("bend", BEND),
            ("solid", SOLID),
            ("free", FREE),
            ("pairs", PAIRS),
            ("twice", TWICE),
            ("saw", sawtooth(depth=6)),
        ),
        *(("quadratic", quadratic()), ("attention", compile_network(BEND).transformer)),
    ):
        save(network, f"{name}.json")

    def result(*words: object, command: str = "regions") -> tuple[int, str, str]:
        code = main([command, *map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err and "internal error" not in err
        return code, out, err

    return result


def tree() -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(Path().rglob("*"))}


def asked(run: Run, *words: object, code: int = COUNTED) -> dict[str, Any]:
    """The answer as JSON, which is all of standard output."""
    found, out, err = run(*words, "--json")
    assert (found, err) == (code, "")
    answer: dict[str, Any] = json.loads(out)
    assert answer.keys() - {"regions"} == KEYS and out.count("\n") == 1
    assert isinstance(answer["seconds"], float)
    return answer


def refused(run: Run, *words: object, faults: int = 1) -> str:
    """The message, a line for each fault, of a command that must fail, write nothing, and say the same as JSON."""
    before = tree()
    found, out, err = run(*words)
    assert (found, out) == (BAD_INPUT, "")
    assert re.fullmatch(r"exactformer: ([^\n]+\n)+", err) and err.count("\n") == faults
    text = err.removeprefix("exactformer: ").rstrip("\n")
    found, out, _ = run(*words, "--json")
    assert (found, json.loads(out)) == (BAD_INPUT, {"verdict": "error", "reason": text, "exit_code": 3})
    assert tree() == before
    return text


def test_text(run: Run) -> None:
    code, out, err = run("bend.json")
    assert (code, err) == (COUNTED, "")
    assert re.sub(r"\d+\.\d\d s", "T s", out) == (
        "4 activation regions on [-1, 1]^2\n"
        "  network   relu bend: 2-2-1\n"
        "  linear    4 linear regions, 4 affine maps\n"
        "  faces     9 vertices, 12 edges\n"
        "  time      T s\n"
    )
    assert run("bend.json", "--count")[1].splitlines()[:4] == out.splitlines()[:4]
    assert run("bend.json", "--quiet") == (COUNTED, "", "")
    one = run("free.json", "--box", 1, 2)[1]
    assert one.startswith("1 activation region on [1, 2]\n")


def test_json(run: Run) -> None:
    answer = asked(run, "bend.json", "--count")
    assert {key: answer[key] for key in KEYS - {"seconds"}} == {
        "at_least": [],
        "verdict": "counted",
        "reason": None,
        "certificate": None,
        "complete": True,
        "activation_regions": 4,
        "linear_regions": 4,
        "distinct_affine_maps": 4,
        "faces": [9, 12, 4],
        "domain": {"lower": [-1, -1], "upper": [1, 1]},
    }
    pairs = asked(run, "pairs.json")
    assert (pairs["activation_regions"], pairs["linear_regions"]) == (3, 3)


def test_lists(run: Run) -> None:
    code, out, _ = run("pairs.json", "--list")
    assert code == COUNTED
    lines = out.splitlines()
    assert [line for line in lines if line.startswith("region")] == [
        f"region {i}: at ({regions(PAIRS)[i].point[0]})" for i in range(3)
    ]
    assert {line.strip() for line in lines if "y1 =" in line} == {"y1 = x1", "y1 = -x1", "y1 = 1/2"}
    assert {line.strip() for line in lines if ">=" in line} >= {"2 x1 - 1 >= 0", "-x1 + 1 >= 0", "x1 + 1 >= 0"}
    answer = asked(run, "solid.json", "--list")
    assert answer["regions"] == json.loads(json.dumps(regions(SOLID).to_json()))["regions"]
    assert len(answer["regions"]) == 4 and "-1/3" in run("solid.json", "--list")[1].replace("- 1/3", "-1/3")


@pytest.mark.parametrize(
    ("words", "domain", "counts"),
    [
        (("free.json",), {"lower": [None], "upper": [None]}, (2, 2, 2)),
        (("bend.json", "--everywhere"), {"lower": [None, None], "upper": [None, None]}, (4, 4, 4)),
        (("bend.json", "--box", 0, 1), {"lower": [0, 0], "upper": [1, 1]}, (2, 2, 2)),
        (("bend.json", "--box", "-1/2", "-1/2"), {"lower": ["-1/2", "-1/2"], "upper": ["-1/2", "-1/2"]}, (0, 0, 0)),
        (("bend.json", "--domain", "triangle.json"), None, (2, 2, 2)),
    ],
)
def test_domains(run: Run, words: Sequence[object], domain: Any, counts: tuple[int, int, int]) -> None:
    triangle = {"lower": [0, 0], "upper": [2, 2], "matrix": [[1, 1]], "bounds": [2]}
    Path("triangle.json").write_text(json.dumps(triangle))
    answer = asked(run, *words)
    assert answer["domain"] == (domain or triangle)
    found = answer["activation_regions"], answer["linear_regions"], answer["distinct_affine_maps"]
    assert found == counts


def test_jobs(run: Run) -> None:
    one, two = (asked(run, "saw.json", "--jobs", n) for n in (1, 2))
    assert one["activation_regions"] == two["activation_regions"] == 3**6


def test_transformers(run: Run) -> None:
    source = asked(run, "bend.json")
    for words in (("attention.json",), ("bend.json", "--of", "transformer"), ("attention.json", "--of", "transformer")):
        answer = asked(run, *words)
        assert answer["linear_regions"] == source["linear_regions"]
        assert answer["distinct_affine_maps"] == source["distinct_affine_maps"]
        assert answer["faces"][-1] == answer["activation_regions"]
    options = ("--construction", "tournament", "--arity", 2, "--tie", "leftmost")
    assert asked(run, "bend.json", "--of", "transformer", *options)["linear_regions"] == 4
    code, out, _ = run("bend.json", "--of", "transformer")
    assert code == COUNTED and "  network   transformer" in out and "  faces " in out
    assert "query and key both depend on the input" in refused(run, "quadratic.json")
    assert "expected a maxout or ReLU network for a certificate, found a Transformer" in refused(
        run, "attention.json", "--certificate", "proof"
    )


def test_slices(run: Run) -> None:
    answer = asked(run, "solid.json", "--slice", "x1,x3")
    plane = coordinate_plane(SOLID, Box([-1] * 3, [1] * 3), [0, 2], None)
    assert answer["activation_regions"] == len(regions(plane)) and answer["domain"]["lower"] == [-1, -1]
    answer = asked(run, "solid.json", "--slice", "3, x2", "--at", "-1/2,0,0", "--list")
    plane = coordinate_plane(SOLID, Box([-1] * 3, [1] * 3), [2, 1], [F(-1, 2), F(0), F(0)])
    assert answer["regions"] == json.loads(json.dumps(regions(plane).to_json()))["regions"]
    answer = asked(run, "solid.json", "--slice", "x2", "--at", "1/2,0,0", "--box", 0, 1, "--of", "transformer")
    assert answer["linear_regions"] == 2 and answer["domain"] == {"lower": [0], "upper": [1]}


def test_certificates(run: Run) -> None:
    answer = asked(run, "bend.json", "--certificate", "proof")
    assert answer["certificate"] == str(Path("proof") / "certificate.json")
    counted = check_file(Path("proof/certificate.json"))
    assert (counted.regions, counted.exact) == (4, True)
    code, out, err = run("proof", command="check")
    assert (code, err) == (0, "")
    assert out.startswith("accepted: ") and "exactly 4 activation regions on [-1, 1]^2" in out
    assert "checked by the kernel alone" in out and "4 regions" in out
    code, out, _ = run("proof", "--json", command="check")
    checked = json.loads(out)
    assert (checked["verdict"], checked["claim"], checked["counts"]) == ("accepted", "regions", {"regions": 4})
    value = json.loads(Path("proof/certificate.json").read_text())
    value["points"][0] = value["points"][1]
    Path("proof/certificate.json").write_text(json.dumps(value))
    code, out, err = run("proof", command="check")
    assert (code, out) == (4, "") and "a region of its own" in err
    code, out, _ = run("saw.json", "--certificate", "slow", "--timeout", "1e-9")
    assert code == UNKNOWN and "  written   " in out
    assert not check_file(Path("slow/certificate.json")).exact
    code, out, _ = run("slow", command="check")
    assert code == 0 and "has at least" in out
    assert "a bounded domain for a certificate" in refused(run, "free.json", "--certificate", "other")


def test_out_of_time(run: Run) -> None:
    for words in (("saw.json",), ("attention.json",), ("bend.json", "--everywhere")):
        code, out, err = run(*words, "--timeout", "1e-9")
        assert (code, err) == (UNKNOWN, "")
        assert out.startswith("at least ") and "out of time after 1e-09 s: there are at least so many" in out
        assert "linear    at least " in out and "affine map" in out
        answer = asked(run, *words, "--timeout", "1e-9", code=UNKNOWN)
        assert (answer["verdict"], answer["complete"]) == ("unknown", False)
        assert answer["at_least"] == ["activation_regions", "linear_regions", "distinct_affine_maps"]
        assert answer["reason"] == "out of time after 1e-09 s: there are at least so many"
        assert run(*words, "--timeout", "1e-9", "--quiet") == (UNKNOWN, "", "")
    assert asked(run, "saw.json", "--timeout", 100)["activation_regions"] == 3**6


def test_out_of_time_while_linear_regions_are_joined(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted before stays exact, and each number says which it is."""

    def late(*_: Any) -> Any:
        raise OutOfTime

    exact = asked(run, "twice.json", "--everywhere")
    assert exact["linear_regions"] > exact["distinct_affine_maps"]
    for cells in (ComplexCells, UnboundedCells, FoundCells):
        monkeypatch.setattr(cells, "neighbours", late)
    for words in (("twice.json",), ("twice.json", "--everywhere"), ("twice.json", "--of", "transformer")):
        code, out, err = run(*words, "--timeout", 100)
        assert (code, err) == (UNKNOWN, "") and not out.startswith("at least")
        assert "linear    at least 3 linear regions, 3 affine maps" in out
        reason = "out of time after 100 s: the activation regions are all counted, of linear regions there are at"
        assert reason in out
        answer = asked(run, *words, "--timeout", 100, code=UNKNOWN)
        assert (answer["verdict"], answer["complete"], answer["at_least"]) == ("unknown", True, ["linear_regions"])
        assert answer["linear_regions"] == 3 and answer["reason"].startswith(reason)


def test_out_of_time_while_files_are_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    looks = iter(range(7))

    def check() -> None:
        if next(looks, None) is None:
            raise OutOfTime

    monkeypatch.setattr(cli_regions, "_more_time", lambda *_: SimpleNamespace(check=check))
    words = ("bend.json", "--draw", "a.svg", "--npz", "a.npz", "--certificate", "proof", "--list")
    code, out, err = run(*words, "--timeout", 100)
    assert (code, err) == (UNKNOWN, "") and out.startswith("4 activation regions")
    assert "a.svg is not written; a.npz is not written; 4 of 4 regions are not listed" in out
    assert "Traceback" not in out and not Path("a.svg").exists() and not Path("a.npz").exists()
    counted = check_file(Path("proof/certificate.json"))
    assert (counted.regions, counted.exact) == (4, False)
    answer = asked(run, *words, "--timeout", 100, code=UNKNOWN)
    assert answer["regions"] == [] and answer["at_least"] == [] and answer["verdict"] == "unknown"


def test_flat_domains(run: Run) -> None:
    """Inputs that the domain fixes are held, and this is said; of another flat set 0 is said, and why."""
    Path("flat.json").write_text(json.dumps({"lower": [-1, "1/3"], "upper": [1, "1/3"]}))
    note = "the domain fixes x2 = 1/3: these are the regions as a function of x1"
    code, out, err = run("bend.json", "--domain", "flat.json", "--list")
    assert (code, err) == (COUNTED, "") and out.endswith(f"  {note}\n")
    answer = asked(run, "bend.json", "--domain", "flat.json")
    sliced = asked(run, "bend.json", "--slice", "x1", "--at", "0,1/3")
    assert answer["reason"] == note and sliced["reason"] is None
    assert answer["activation_regions"] == sliced["activation_regions"] == 3
    Path("flat.json").write_text(json.dumps({"lower": ["1/3", -1], "upper": ["1/3", None]}))
    out = run("bend.json", "--domain", "flat.json", "--list")[1]
    assert "as a function of x2" in out and "x2 + 1 >= 0" in out and "x1 + " not in out
    Path("flat.json").write_text(json.dumps({"lower": [0, 0], "upper": [1, 1], "matrix": [[1, 1]], "bounds": [0]}))
    for words in (("--domain", "flat.json"), ("--box", 0, 0)):
        answer = asked(run, "bend.json", *words)
        assert (answer["activation_regions"], answer["verdict"]) == (0, "counted")
        assert answer["reason"] == "the domain has no interior: it is empty or flat"
        assert "no interior" in run("bend.json", *words)[1]


def test_files(run: Run) -> None:
    pytest.importorskip("matplotlib")
    code, out, err = run("bend.json", "--draw", "a.svg", "--npz", "a.npz", "--certificate", "proof")
    assert (code, err) == (COUNTED, "")
    assert [line.split()[1] for line in out.splitlines() if "written" in line] == [
        *(str(Path("proof") / "certificate.json"), "a.svg", "a.npz")
    ]
    with np.load("a.npz") as data:
        assert data["points"].shape == (4, 2)
    first = Path("a.svg").read_bytes()
    assert asked(run, "bend.json", "--draw", "a.svg")["certificate"] is None
    assert Path("a.svg").read_bytes() == first and b"4 activation regions" in first
    assert run("bend.json", "--draw", "b.svg", "--colour", "layer")[0] == COUNTED
    assert b"layer 1" in Path("b.svg").read_bytes() != first
    assert run("solid.json", "--draw", "c.png", "--slice", "x2,x3")[0] == COUNTED
    assert run("free.json", "--draw", "d.pdf", "--box", -2, 1)[0] == COUNTED
    assert Path("c.png").read_bytes()[:4] == b"\x89PNG" and Path("d.pdf").read_bytes()[:4] == b"%PDF"
    assert run("solid.json", "--draw", "e.svg", "--slice", "x3,x1")[0] == COUNTED
    labels = re.findall(r">(x\d)<", Path("e.svg").read_text())
    assert sorted(labels) == ["x1", "x3"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("solid.json", "--slice", "x4"), r"solid.json: --slice: expected inputs among x1 to x3, found 'x4'"),
        (("solid.json", "--slice", "x0"), "found 'x0'"),
        (("solid.json", "--slice", "y1"), "found 'y1'"),
        (("solid.json", "--slice", "x1,"), "found ''"),
        (("solid.json", "--slice", "x1,x1"), "expected different inputs among x1 to x3, found"),
        (("solid.json", "--at", "0,0,0"), "--at: expected together with --slice"),
        (("solid.json", "--slice", "x1", "--at", "0,0"), "--at: expected 3 coordinates, found 2"),
        (("solid.json", "--slice", "x1", "--at", "0,0,a"), "--at, coordinate 2: expected"),
        (("nothing.json",), "nothing.json: expected a file that can be read, found: No such file"),
        (("solid.json", "--domain", "nothing.json"), "nothing.json: expected a file that can be read"),
        (("solid.json", "--domain", "empty.json"), "empty"),
        (("solid.json", "--box", 1, 0), "--box: expected LO <= HI, found 1 > 0"),
        (("solid.json", "--timeout", 0), "expected a positive number of seconds, found 0"),
        (("solid.json", "--timeout", "nan"), "expected a positive number of seconds, found nan"),
        (("solid.json", "--jobs", 0), "expected a positive integer, found 0"),
        (("solid.json", "--tie", "middle"), "invalid choice"),
        (("solid.json", "--colour", "red"), "invalid choice"),
        (("solid.json", "--of", "target"), "invalid choice"),
        (("solid.json", "--draw", "a.jpg"), "a.jpg: expected a name that ends in .svg, .png, .pdf, found '.jpg'"),
        (("solid.json", "--draw", "a.svg"), "solid.json: picture: expected one or two inputs"),
        (("free.json", "--draw", "a.svg"), "free.json: picture: expected one or two inputs and a bounded domain"),
        (("attention.json", "--draw", "a.svg", "--colour", "layer"), "picture: expected a maxout or ReLU network"),
        (("bend.json", "--draw", "bend.json/a.svg"), "bend.json/a.svg: expected a place that can be written"),
        (("bend.json", "--npz", "bend.json/a.npz"), "bend.json/a.npz: expected a place that can be written"),
        (("free.json", "--of", "transformer"), "free.json"),
        (("bend.json", "--of", "transformer", "--construction", "none"), "invalid choice"),
        (("bend.json", "--of", "transformer", "--arity", 3), "--arity: expected together with"),
    ],
)
def test_bad_input(run: Run, words: Sequence[object], text: str) -> None:
    """One line that says what was expected and what was found, and no file."""
    if any(str(word).endswith(".svg") for word in words):
        pytest.importorskip("matplotlib")
    empty = {"lower": [0, 0, 0], "upper": [1, 1, 1], "matrix": [[1, 1, 1]], "bounds": [-1]}
    Path("empty.json").write_text(json.dumps(empty))
    assert text in refused(run, *words)


def test_a_domain_of_another_dimension(run: Run) -> None:
    Path("square.json").write_text(json.dumps({"lower": [0, 0], "upper": [1, 1]}))
    text = "".join(f"square.json: domain.{side}: expected 3 numbers, found 2\n" for side in ("lower", "upper"))
    assert refused(run, "solid.json", "--domain", "square.json", faults=2) == text.rstrip()


def test_no_matplotlib(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exactformer.subdivision.drawing.find_spec", lambda name: None)
    assert "expected matplotlib, found none" in refused(run, "bend.json", "--draw", "a.svg")


def test_a_certificate_in_place_of_a_file(run: Run) -> None:
    assert "expected a folder that can be written" in refused(run, "bend.json", "--certificate", "bend.json")


def test_nothing_is_written_where_the_picture_cannot_be(run: Run) -> None:
    pytest.importorskip("matplotlib")
    refused(run, "solid.json", "--certificate", "proof", "--draw", "a.svg")


@pytest.mark.parametrize("words", [("--slice", ""), ("--slice", "x1", "--at", ""), ("--at", "")])
def test_empty_options(run: Run, words: Sequence[str]) -> None:
    refused(run, "solid.json", *words, faults=2 if len(words) == 4 else 1)  # one coordinate, and it is no number


def test_progress(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal only, and nothing of it on standard output."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    code, out, _ = run("saw.json")
    assert code == COUNTED and out.startswith("729 activation regions")
    assert load("saw.json").domain == Domain.box(1, 0, 1)
