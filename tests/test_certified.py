"""What rests on z3 alone says so, and numbers that no certificate can hold end in `unknown` with the reason."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from exactformer import Domain, ReluNetwork, Transformer, save, verify
from exactformer.cli import main
from exactformer.documents import render_html, render_markdown, render_text
from exactformer.folder import read_report, write_folder
from exactformer.networks import Affine, Block, Head
from exactformer.prover import Outcome
from exactformer.rational import exact_text
from exactformer.reporting import document_of

ALONE = "by z3 alone, no certificate"


def square_against_two() -> Transformer:
    """1 where x^2 > 2, 0 where x^2 < 2: the scores of two tokens, of which the first has the value 1."""
    embedding = (Affine.of([[1], [1], [0], [0]], [0, 0, 0, 1]), Affine.of([[0], [0], [0], [0]], [0, 0, 2, 0]))
    head = Head.of([[1, 0, 0, 0], [0, 0, 0, 1]], [[0, 1, 0, 0], [0, 0, 1, 0]], [[0, 0, 0, 1]], [[0]] * 3 + [[1]])
    return Transformer(embedding, (Block((head,), None),), 0, Affine.of([[0, 0, 0, 1]], [0]), residual=False)


@pytest.fixture(scope="module")
def by_z3() -> Outcome:
    return verify(square_against_two(), claim="range:0,1", domain=Domain.box(1, 1, 2))


def test_a_proof_by_z3_alone_says_so_everywhere(by_z3: Outcome, tmp_path: Path) -> None:
    assert by_z3.verdict == "proved" and by_z3.certificate is None and not by_z3.certified
    write_folder(by_z3, tmp_path)
    report = document_of(read_report(tmp_path))
    assert f"PROVED {ALONE.upper()}" in render_text(report)
    assert ALONE in render_markdown(report) and ALONE in render_html(report)
    assert ALONE in (tmp_path / "README.txt").read_text(encoding="utf-8").splitlines()[0]


def test_certified_refuses_it(by_z3: Outcome) -> None:
    outcome = verify(by_z3.left, claim="range:0,1", domain=Domain.box(1, 1, 2), certified=True)
    assert outcome.verdict == "unknown" and "without a certificate" in (outcome.reason or "")


def test_certified_on_the_command_line(
    by_z3: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save(by_z3.left, "net.json")
    words = ["verify", "net.json", "--claim", "range:0,1", "--box", "1", "2"]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(f"PROVED {ALONE}  ")
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["certified"] is False
    assert main([*words, "--json", "--certified"]) == 2
    assert json.loads(capsys.readouterr().out)["verdict"] == "unknown"


def test_rules_that_differ_at_an_irrational_point_only() -> None:
    outcome = verify(square_against_two(), claim="ties-agree:average,leftmost", domain=Domain.box(1, 1, 2))
    assert outcome.verdict == "unknown"
    assert "x1 near 1.41421356, a root of x^2 - 2" in (outcome.reason or "")


@pytest.mark.parametrize("method", ["auto", "lazy"])
def test_values_that_no_certificate_can_hold(method: str) -> None:
    """Weights of 1e300 in a row: the value at a counterexample has thousands of digits."""
    layers = [([[10**300]], [0])] * 16
    big, zero = ReluNetwork.of(layers, ([[1]], [0])), ReluNetwork.of(layers, ([[0]], [0]))
    outcome = verify(big, zero, domain=Domain.box(1, 0, 1), method=method)  # type: ignore[arg-type]
    assert outcome.verdict == "unknown"
    assert "no certificate can hold it" in (outcome.reason or ""), outcome.reason


def test_long_numbers_are_shown_rounded() -> None:
    assert exact_text(Fraction(10**5000, 3)) == "≈ 3.3333e+4999"


def test_a_number_too_long_for_a_file_is_unknown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    layers = [{"weights": [["1e300"]], "biases": ["1e-300"]}] * 16
    value = {"format": "exactformer/network-1", "kind": "relu", "layers": layers}
    value |= {"output": {"weights": [["1e300"]], "biases": [0]}, "domain": {"lower": [-1], "upper": [1]}}
    (tmp_path / "huge.json").write_text(json.dumps(value))
    assert main(["prove", str(tmp_path / "huge.json"), "--out", str(tmp_path / "proof"), "--json"]) == 2
    answer = json.loads(capfd.readouterr().out)
    assert answer["verdict"] == "unknown" and "at most 13000 bits" in answer["reason"]
    assert not (tmp_path / "proof").exists()
