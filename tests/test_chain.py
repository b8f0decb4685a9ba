"""Chains of proofs: one theorem from certificates whose sides meet, from Python and on the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import exactformer as ef
from exactformer.claims import Equal, Range, Within
from exactformer.cli import main
from exactformer.errors import CertificateRejected, InvalidInput
from exactformer.prover.chain import origins

BOX = ef.Box([-1], [1])


def absolute(scale: Any, name: str) -> ef.ReluNetwork:
    return ef.ReluNetwork.of([([[1], [-1]], [0, 0])], ([[scale, scale]], [0]), domain=BOX, name=name)


A, B, C = absolute(1, "a"), absolute("11/10", "b"), absolute("6/5", "c")
NO_FOLDER = "expected a folder that can be written, found that"
TENTH = Within("1/10")


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders that prove |A - B| <= 1/10, |C - B| <= 1/10 (turned), A = its Transformer, and other claims."""
    place = tmp_path_factory.mktemp("proofs")
    wide = ef.Box([-1], [2])
    for name, outcome in {
        "ab": ef.verify(A, B, claim=TENTH, domain=BOX),
        "cb": ef.verify(C, B, claim=TENTH, domain=BOX),
        "at": ef.verify(A, ef.compile(A).transformer, claim=Equal(), domain=BOX),
        "wide": ef.verify(B, C, claim=Within("1/5"), domain=wide),
        "rightmost": ef.verify(B, C, claim=TENTH, domain=BOX, tie="rightmost"),
        "refuted": ef.verify(A, C, claim=TENTH, domain=BOX),
        "range": ef.verify(A, claim=Range(0, 1), domain=BOX),
    }.items():
        ef.write_folder(outcome, place / name)
    return place


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(proofs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder with copies of the proofs."""
    shutil.copytree(proofs, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def result(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "internal error" not in err
        return code, out, err

    return result


def tree() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_epsilons_add_up_whichever_way_certificates_are_turned(proofs: Path, tmp_path: Path) -> None:
    for first in ("ab", proofs / "ab" / "certificate.json"):
        found = ef.chain([proofs / first, proofs / "cb"])
        assert (found.claim, found.epsilon, found.counts["links"]) == ("within", Fraction(1, 5), 2)
        assert found.theorem.startswith("for every x in the domain, |left(x) - right(x)| <= 1/5 (")
    ef.write_chain(found, tmp_path / "out")
    checked = ef.check(tmp_path / "out")
    assert checked.theorem == found.theorem
    assert checked.digests == {"left": ef.digest(A), "right": ef.digest(C)}
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(found)


def test_an_equality_alone_stays_one_and_adds_nothing(proofs: Path) -> None:
    assert ef.chain([proofs / "at"]).claim == "equal"
    found = ef.chain([proofs / "at", proofs / "ab", proofs / "cb"])
    assert (found.claim, found.epsilon) == ("within", Fraction(1, 5))
    there_and_back = ef.chain([proofs / "at", proofs / "at"])
    assert there_and_back.claim == "equal"


def test_a_chain_is_a_part_of_a_chain_from_either_end(proofs: Path, tmp_path: Path) -> None:
    ef.write_chain(ef.chain([proofs / "at", proofs / "ab"]), tmp_path / "tb")
    for order in ([tmp_path / "tb", proofs / "cb"], [proofs / "cb", tmp_path / "tb"]):
        found = ef.chain(order)
        assert (found.counts["links"], found.epsilon) == (3, Fraction(1, 5))
    twice = ef.chain([tmp_path / "tb", tmp_path / "tb"])
    assert (twice.counts["links"], twice.epsilon) == (4, Fraction(1, 5))


@pytest.mark.parametrize(
    ("ends", "wanted"),
    [
        ("ab", ["left"]),
        ("ab bc", ["left", "left"]),
        ("ab ab bc", ["right", "left", "left"]),  # the first one decides for the third
        ("ab ab ac", ["left", "right", "left"]),
        ("aa ab", ["left", "left"]),
        ("ba cb", ["right", "right"]),
        ("ab cd", ["left"]),
        ("ab bc bd", ["left", "left"]),
    ],
)
def test_links_are_turned_so_that_they_meet(ends: str, wanted: list[str]) -> None:
    assert origins([(pair[0], pair[1]) for pair in ends.split()]) == wanted


def test_the_command_writes_a_folder_that_is_checked_again(run: Run) -> None:
    code, out, err = run("chain", "ab", "cb", "--out", "sum", "--kernel")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("PROVED  for every x in the domain, |left(x) - right(x)| <= 1/5")
    assert Path("sum/kernel/claims.py").exists()
    assert run("check", "sum")[0] == 0
    code, out, _ = run("chain", "at", "--out", "alone", "--json")
    answer = json.loads(out)
    assert (code, answer["verdict"], answer["method"], answer["claim"]) == (0, "proved", "chain", "equal")
    assert answer["parameters"] == {}
    assert json.loads(run("chain", "ab", "cb", "--out", "sum", "--json")[1])["parameters"] == {"epsilon": "1/5"}
    assert set(answer) == {
        *(
            "verdict",
            "method",
            "claim",
            "parameters",
            "domain",
            "certificate",
            "theorem",
            "reason",
            "seconds",
            "counts",
        ),
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("at cb", "cb: expected a side that at ends with, found none"),
        ("ab wide", "wide: expected the domain of ab, [-1, 1], found [-1, 2]"),
        ("ab rightmost", "rightmost: expected the tie rule of ab, average, found rightmost"),
        ("ab refuted", "refuted: expected a claim that is proved, found one that is refuted"),
        ("ab range", "range: expected a certificate of the claim equal or within, found range"),
        ("ab missing", "missing: expected a certificate file or a proof folder, found nothing to read there"),
        ("", "the following arguments are required: PROOF (see exactformer chain --help)"),
        ("ab --out ab/left.json/x", f"ab/left.json/x: {NO_FOLDER} ab/left.json is not one"),
        ("ab cb --out ab", "ab/README.txt: expected another folder, found an input of this command"),
    ],
)  # fmt: skip
def test_bad_input_is_one_message_and_writes_nothing(run: Run, words: str, message: str) -> None:
    before = tree()
    code, out, err = run("chain", *words.split())
    assert (code, out, err.replace(f"{Path.cwd()}/", "")) == (3, "", f"exactformer: {message}\n")
    assert tree() == before


def test_damaged_proofs_are_rejected_and_nothing_is_written(run: Run) -> None:
    path = Path("cb/certificate.json")
    text = path.read_text()
    for damaged in (text[:-20], text.replace('"epsilon": "1/10"', '"epsilon": "1/100"'), "[]"):
        assert damaged != text
        path.write_text(damaged)
        before = tree()
        code, out, err = run("chain", "ab", "cb")
        assert (code, out, err.count("\n")) == (4, "", 1)
        assert tree() == before
    path.write_text(text)
    Path("cb/left.json").write_text(Path("ab/right.json").read_text())  # another network than the digest says
    assert run("chain", "ab", "cb")[0] == 4
    Path("cb/left.json").unlink()
    assert run("chain", "ab", "cb")[0] == 4
    Path("chain-proof").mkdir()
    Path("chain-proof/certificate.json").write_text("mine")
    code, _, err = run("chain", "ab")
    assert code == 3
    assert "found another file; it is left as it is" in err
    assert Path("chain-proof/certificate.json").read_text() == "mine"


def test_python_calls_are_checked(proofs: Path) -> None:
    anything: Any = ef.chain
    for wrong in ("ab", [], None, 3):
        with pytest.raises(InvalidInput, match="proofs: expected a list of proof folders or certificate files"):
            anything(wrong)
    with pytest.raises(InvalidInput, match=r"proofs\[1\]: expected a path"):
        anything([proofs / "ab", 3])
    with pytest.raises(InvalidInput, match="timeout: expected a positive number of seconds or None"):
        anything([proofs / "ab"], timeout=0)
    with pytest.raises(TimeoutError, match="did not finish within"):
        ef.chain([proofs / "ab", proofs / "cb"], timeout=0.001)
    with pytest.raises((CertificateRejected, InvalidInput)):
        ef.chain([proofs / "ab" / "left.json"])
