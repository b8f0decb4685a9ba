"""The certificates of what is said of points: the kernel encloses values there, in a process of its own."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.claims import Range, Within
from exactformer.cli import main
from exactformer.compiler import compile_network
from exactformer.enclosure import bounds as ends
from exactformer.errors import Faults
from exactformer.formats.network_json import dump as network_text
from exactformer.kernel.certificates import check_file
from exactformer.kernel.reading import Rejected
from exactformer.measuring import guess
from exactformer.measuring.below import Below, below, beyond
from exactformer.prover.certificate import dump
from exactformer.prover.question import Question, ask

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "second_checker")]

import agreement  # noqa: E402

ABSOLUTE = ef.ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]), domain=ef.Box([-1], [1]), name="|x|")
MAXIMUM = ef.MaxoutNetwork.of([([[[1, 0], [0, 1]]], [[0, 0]])], ([[1]], [0]), domain=ef.Box([-1, -1], [1, 1]))


def asked(network: Any, rate: Any, base: Any) -> Question:
    """How far the compiled Transformer at a temperature is from the network."""
    right = compile_network(network).transformer
    return ask(Within(0), network, right, network.domain, "average", Faults(), temperatures=(None, rate), base=base)


def reached(question: Question, point: tuple[Fraction, ...]) -> Fraction:
    """What the distance surely is at a point."""
    return max(-ends(value)[1] for value in question.claim.conclusions(*question.values(point)))


def written(found: Below, question: Question, folder: Path) -> Path:
    """The certificate with its networks."""
    assert question.right is not None
    folder.mkdir(exist_ok=True)
    for name, network in (("left", question.left), ("right", question.right)):
        (folder / f"{name}.json").write_text(network_text(network))
    (folder / "lower.json").write_text(dump(found.certificate))
    return folder / "lower.json"


@pytest.mark.parametrize("network", [ABSOLUTE, MAXIMUM], ids=["absolute", "maximum"])
@pytest.mark.parametrize(("rate", "base"), [(8, "e"), (8, "2"), ("1/1000", "e"), (10**6, "e"), ("1/3", "2")])
def test_a_lower_bound_under_softmax_is_checked_by_two_programs(
    network: Any, rate: Any, base: Any, tmp_path: Path
) -> None:
    question = asked(network, rate, base)
    point = tuple(Fraction(1, 8 * k) / max(Fraction(rate), 1) for k in range(1, network.inputs + 1))
    lower = reached(question, point)
    certified = below(question, point, lower)
    assert certified is not None and lower * (1 - Fraction(1, 100)) < certified.bound < lower
    path = written(certified, question, tmp_path)
    checked = ef.check(path)
    assert not checked.holds and checked.theorem == certified.theorem
    assert checked.theorem.endswith(f"|left(x) - right(x)| <= {certified.bound}") and "softmax" in checked.theorem
    case = agreement.of_folder(path)
    assert agreement.second(case) == agreement.first(case) == certified.theorem


@settings(max_examples=25, deadline=None)
@given(st.fractions(-1, 1, max_denominator=64), st.fractions(Fraction(1, 64), 64), st.sampled_from(("e", "2")))
def test_every_point_has_its_certificate(x: Fraction, rate: Fraction, base: Any) -> None:
    question = asked(ABSOLUTE, rate, base)
    lower = reached(question, (x,))
    found = below(question, (x,), lower)
    assert (found is None) == (lower <= 0)
    assert found is None or 0 < found.bound < lower


def test_altered_certificates_are_rejected(tmp_path: Path) -> None:
    question = asked(ABSOLUTE, 8, "e")
    point = (Fraction(1, 8),)
    certified = below(question, point, reached(question, point))
    assert certified is not None
    path = written(certified, question, tmp_path)
    value = json.loads(path.read_text())
    low = value["values"][1][0]["lower"]
    changes: list[dict[str, Any]] = [
        {"parameters": {"epsilon": str(certified.bound * 2)}},
        {"parameters": {"epsilon": "-1"}},
        {"values": [value["values"][0], [low]]},
        {"values": [value["values"][0], [{"lower": low, "upper": low}]]},
        {"point": ["2"]},
        {"point": ["0"]},
        {"right": {**value["right"], "temperature": ["9"]}},
        {"right": {**value["right"], "temperature": ["0"]}},
        {"right": {**value["right"], "base": "2"}},
        {"inhabitant": ["0"]},
    ]
    for change in changes:
        path.write_text(json.dumps(value | change))
        with pytest.raises(Rejected):
            check_file(path)


def test_without_a_distance_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guess, "RESTARTS", 2)
    same = ef.distance(ABSOLUTE, ABSOLUTE, timeout=60)
    assert same.lower == 0 and same.below() is None
    half = ef.ReluNetwork.of([([["1/2"]], ["1/8"])], ([[1]], [0]), domain=ef.Box([-1], [1]))
    apart = ef.distance(ABSOLUTE, half, timeout=60)
    certified = apart.below()
    assert certified is not None and apart.upper == apart.lower == 1
    assert 1 - Fraction(1, 10**10) < certified.bound < 1


def test_the_folder_has_it_and_says_how_it_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(guess, "RESTARTS", 2)
    ef.save(ABSOLUTE, "abs.json")
    assert main(["temperature", "abs.json", "--temperature", "8", "--json"]) == 0, capsys.readouterr().out
    answer = json.loads(capsys.readouterr().out)
    assert answer["lower_certificate"] == str(Path("abs-temperature-proof", "lower.json"))
    assert main(["check", answer["lower_certificate"]]) == 0
    assert capsys.readouterr().out.startswith("accepted: at x = (")
    assert main(["distance", "abs.json", "abs.json", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lower_certificate"] is None


@settings(max_examples=25, deadline=None)
@given(st.fractions(-2, 2, max_denominator=16), st.fractions(-2, 2), st.sampled_from((1, -1)), st.booleans())
def test_every_value_has_its_certificate(x: Fraction, shift: Fraction, sign: int, soft: bool) -> None:
    layers = [([[[1], [-1]], [[2], [0]]], [[0, 0], [0, 1]])]  # |x| and max(2 x, 1)
    network = ef.MaxoutNetwork.of(layers, ([[1, 0], [1, -1]], [shift, 0]), domain=ef.Box([-2], [2]))
    rates = (2 if soft else None, None)
    question = ask(Range(0, 0), network, None, network.domain, "average", Faults(), temperatures=rates)
    ((*_, value),) = question.values((x,))
    low, high = ends(value)
    reach = sign * (low if sign > 0 else high)
    found = beyond(question, (x,), 1, sign, reach)
    assert found is not None and sign * found.bound < reach <= sign * found.bound + (abs(reach) or 1) / 100
    assert found.theorem.endswith(f"left(x)_2 <= {found.bound}" if sign > 0 else f"{found.bound} <= left(x)_2")


def test_a_range_has_certificates_of_its_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guess, "RESTARTS", 2)
    found = ef.range(ABSOLUTE, timeout=60)
    witnessed = found.witnessed()
    assert found.question is not None and list(witnessed) == ["minimum", "maximum"]
    assert -(10**-11) < witnessed["minimum"].bound - found.lower[0] - Fraction(1, 10**12) <= 0 < found.upper[0]
    assert found.upper[0] - Fraction(1, 10**10) < witnessed["maximum"].bound < found.upper[0]
    (tmp_path / "left.json").write_text(network_text(ABSOLUTE))
    for name, own in witnessed.items():
        (tmp_path / f"{name}.json").write_text(dump(own.certificate))
        case = agreement.of_folder(tmp_path / f"{name}.json")
        assert agreement.second(case) == agreement.first(case) == own.theorem
    several = ef.range(ef.ReluNetwork.of([([[1]], [0])], ([[1], [-1]], [0, 0]), domain=ef.Box([-1], [1])), timeout=60)
    assert list(several.witnessed()) == ["minimum-1", "minimum-2", "maximum-1", "maximum-2"]
