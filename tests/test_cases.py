"""Small inputs that once went wrong, through the command line in a process of its own, streams taken as bytes.

The inputs are in `cases`; what takes more than a few lines of numbers is made here. Of every run the streams must be
clean: no traceback, no warning of a library, no control character but the newline, nothing on standard output of what
is refused.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parent / "cases"
PROVED, REFUTED, UNKNOWN, BAD, REJECTED = range(5)
HANGING = 1200  # seconds until a process that does not end is a failure
RELU = {"format": "exactformer/network-1", "kind": "relu", "name": "n"}
ONE_UNIT = {**RELU, "layers": [{"weights": [[1]], "biases": [0]}], "output": {"weights": [[1]], "biases": [0]}}


@dataclass(frozen=True)
class Run:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """The one JSON object that standard output is."""
        return json.loads(self.out)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the inputs, in which commands are run."""
    return Path(shutil.copytree(CASES, tmp_path / "cases"))


def run(place: Path, *words: str) -> Run:
    """The program in a process of its own; its streams are clean, whatever it was asked."""
    command = [sys.executable, "-m", "exactformer", *words]
    done = subprocess.run(command, cwd=place, capture_output=True, timeout=HANGING, check=False)
    for stream in (done.stdout, done.stderr):
        assert not set(stream.decode()) & {*map(chr, range(10)), *map(chr, range(11, 32)), *map(chr, range(127, 160))}
        assert b"Traceback" not in stream and b"Warning" not in stream and b"Error" not in stream, stream
    assert done.returncode not in (BAD, REJECTED) or done.stdout == b""
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def written(place: Path, certificate: dict[str, Any], left: Any, right: Any) -> Path:
    """A proof folder made by hand; the digests are put in."""
    folder = place / "made"
    folder.mkdir()
    for side, network in (("left", left), ("right", right)):
        data = json.dumps(network).encode()
        (folder / f"{side}.json").write_bytes(data)
        certificate = {**certificate, side: {"file": f"{side}.json", "sha256": hashlib.sha256(data).hexdigest()}}
    (folder / "certificate.json").write_text(json.dumps(certificate))
    return folder


def certificate(n: int, **parts: Any) -> dict[str, Any]:
    """The claim that two networks of n inputs are equal everywhere, proved without a split."""
    domain = {"lower": [None] * n, "upper": [None] * n}
    head = {"format": "exactformer/certificate-1", "claim": "equal", "tie": "average", "domain": domain}
    return {**head, "tree": [["holds"]], "inhabitant": [0] * n, **parts}


# --- text in files that nobody wrote in good faith ------------------------------------------------


def test_a_name_that_says_a_theorem(place: Path) -> None:
    folder = place / "name-with-theorem"
    name = json.loads((folder / "certificate.json").read_text())["network"]["file"]
    (folder / "net.json").rename(folder / name)
    found = run(place, "check", folder.name)
    assert found.code == REJECTED and "expected the plain name of a file" in found.err


def test_escapes_in_a_value(place: Path) -> None:
    assert run(place, "check", "escape-in-value").code == REJECTED


def test_the_domain_is_said(place: Path) -> None:
    found = run(place, "check", "domain-not-said")
    assert found.code == PROVED and "\n  domain  (-oo, 0]\n" in found.out
    found = run(place, "check", "domain-not-said", "--json")
    assert (found.code, found.answer["domain"]) == (PROVED, {"lower": [None], "upper": [0]})


# --- little text, much work -----------------------------------------------------------------------


def test_a_key_twice_among_many(place: Path) -> None:
    folder = written(place, certificate(1), ONE_UNIT, ONE_UNIT)
    keys = [f"key{number}" for number in [*range(20_000), 7]]
    text = "{" + ", ".join(f'"{key}": 0' for key in keys) + "}"
    (folder / "certificate.json").write_text(text)
    found = run(place, "check", folder.name)
    assert found.code == REJECTED and "key7" in found.err
    assert len(found.err) < 1000


def test_a_unit_of_many_pieces(place: Path) -> None:
    pieces = [[number, number * number % 97] for number in range(2000)]
    layer = {"weights": [pieces], "biases": [[0] * len(pieces)]}
    network = {**RELU, "kind": "maxout", "layers": [layer], "output": {"weights": [[1]], "biases": [0]}}
    assert run(place, "check", written(place, certificate(2), network, network).name).code == PROVED


def test_a_huge_empty_side_of_a_sparse_matrix(place: Path) -> None:
    assert run(place, "check", "empty-side").code in (PROVED, REJECTED)


@pytest.mark.slow
def test_many_layers(place: Path) -> None:
    found = run(place, "verify", "deep250.json", "--claim", "convex", "--out", "p", "--timeout", "100", "--json")
    assert (found.code, found.answer["verdict"]) in ((PROVED, "proved"), (UNKNOWN, "unknown"))
    assert found.code == PROVED or found.answer["reason"]


@pytest.mark.slow
def test_the_time_limit_of_counting_everywhere(place: Path) -> None:
    """Linear regions used to be joined after the limit; here it is spent before anything can be counted."""
    words = ("regions", "many-regions-everywhere.json", "--everywhere", "--count", "--json")
    found = run(place, *words, "--timeout", "1e-3")
    assert found.code == UNKNOWN and found.answer["activation_regions"] <= 2231
    assert found.answer["complete"] is False


# --- claims ---------------------------------------------------------------------------------------


def test_rules_that_differ_at_an_irrational_point_only(place: Path) -> None:
    words = ("sqrt2.json", "--claim", "ties-agree:average,leftmost", "--box", "1", "2", "--out", "p", "--json")
    found = run(place, "verify", *words)
    assert found.code in (REFUTED, UNKNOWN)
    assert found.code == REFUTED or "a root of x^2 - 2" in found.answer["reason"]


@pytest.mark.slow
def test_a_convex_network_on_the_whole_space(place: Path) -> None:
    words = ("verify", "convex8.json", "--claim", "convex", "--everywhere", "--out", "p", "--timeout", "1000")
    found = run(place, *words, "--json")
    assert (found.code, found.answer["verdict"]) == (PROVED, "proved")
    assert run(place, "check", "p").code == PROVED


@pytest.mark.parametrize("claim", ["range:,1e600", "increasing"])
def test_numbers_beyond_floats(claim: str, place: Path) -> None:
    found = run(place, "verify", "huge-numbers.nnet", "--claim", claim, "--out", "p", "--json")
    assert (found.code, found.answer["verdict"]) == (REFUTED, "refuted")


# --- standard output ------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("--claim", "range:-5,5"), ("--claim", "convex", "--method", "lazy")])
def test_only_the_answer_on_standard_output(words: tuple[str, ...], place: Path) -> None:
    found = run(place, "verify", "two-inputs.json", *words, "--out", "p", "--json")
    assert found.code == {"proved": PROVED, "refuted": REFUTED}[found.answer["verdict"]]
    quiet = run(place, "verify", "two-inputs.json", *words, "--out", "q", "--quiet")
    assert (quiet.code, quiet.out) == (found.code, "")


@pytest.mark.parametrize("words", ["a.json --claim at-most b.json --out p", "--claim at-most a.json b.json --out p"])
def test_options_between_the_two_files(words: str, place: Path) -> None:
    for name in ("a.json", "b.json"):
        shutil.copy(place / "two-inputs.json", place / name)
    assert run(place, "verify", *words.split()).code == PROVED


# --- files that other programs write --------------------------------------------------------------

READ = ["flag-is-text.nnet", "infinite-bounds.nnet", "bom-then-comment.nnet", "bom.json", "UPPER-CASE.NNET"]


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read(name: str, place: Path) -> None:
    found = run(place, "evaluate", name, "--at", "2")
    assert found.code == PROVED and "61/8" in found.out


def test_a_nnet_file_without_bounds_has_the_whole_space_as_domain(place: Path) -> None:
    found = run(place, "prove", "infinite-bounds.nnet", "--construction", "global", "--out", "p", "--json")
    assert (found.code, found.answer["domain"]) == (PROVED, {"lower": [None], "upper": [None]})


def test_more_minima_than_inputs(place: Path) -> None:
    found = run(place, "evaluate", "more-minima-than-inputs.nnet", "--at", "2")
    assert found.code == BAD
    for part in ("more-minima-than-inputs.nnet", "line 5", "expected 1", "found 2"):
        assert part in found.err


def test_regions_where_an_input_is_fixed(place: Path) -> None:
    found = run(place, "regions", "fixed-input.json")
    assert found.code == PROVED and found.out.startswith("2 activation regions on [-2, 2]\n")
    assert "the domain fixes x2 = 1/3" in found.out


def test_what_was_compiled_can_be_read_again(place: Path) -> None:
    found = run(place, "compile", "one-input.json", "-o", "out.nnet")
    assert found.code == BAD and not (place / "out.nnet").exists()
    assert run(place, "compile", "one-input.json", "-o", "out.json").code == PROVED
    assert "61/8" in run(place, "evaluate", "out.json", "--at", "2").out


@pytest.mark.slow
def test_a_wide_nnet_file(place: Path) -> None:
    r = [Fraction(number * number % 199 - 99, 100) for number in range(1, 15001)]
    numbers = [f"{float(x):.2f}" for x in r]
    rows = ["//wide", "2,2,1,5000,", "2,5000,1,", "0,", "-1,-1,", "1,1,", "0,0,0,", "1,1,1,"]
    rows += [f"{a},{b}," for a, b in zip(numbers[::3], numbers[1::3], strict=True)]
    rows += [*(f"{c}," for c in numbers[2::3]), ",".join(numbers[:5000]) + ",", "0.5,"]
    (place / "wide.nnet").write_text("\n".join(rows) + "\n")
    x = (Fraction(1, 3), Fraction(-1, 7))
    units = zip(r[::3], r[1::3], r[2::3], r[:5000], strict=True)
    value = sum((d * max(a * x[0] + b * x[1] + c, 0) for a, b, c, d in units), Fraction(1, 2))
    assert str(value) in run(place, "evaluate", "wide.nnet", "--at", "1/3,-1/7").out
    assert run(place, "prove", "wide.nnet", "--out", "p", "--timeout", "1000").code == PROVED
    assert run(place, "check", "p").code == PROVED
