"""A refutation shows what every head does at the point, in the names that the builder gave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import exactformer as ef
from exactformer.building import Design, Space, block, max_head, token
from exactformer.cli import main
from exactformer.errors import InvalidInput

SOURCE = ef.MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), domain=ef.Box([-1], [1]), name="|x|")


def wrong() -> ef.Transformer:
    """It takes x for -x at token 1."""
    inputs, state = Space("x"), Space("one", "z", "out")
    (x,), (one, z, out) = inputs.parts, state.parts
    tokens = [token(one=1, z=x), token(one=1, z=x)]
    return Design(
        inputs=inputs, space=state, tokens=tokens, blocks=[block(max_head(z, one=one, to=out))], readout=out
    ).build()


def test_the_heads_at_a_counterexample() -> None:
    outcome = ef.verify(SOURCE, wrong())
    assert outcome.refuted and outcome.witness is not None
    (x,) = outcome.witness.point
    (line,) = outcome.heads
    assert (line.evaluation, line.block, line.head, line.token) == (1, 0, 0, 0)
    assert line.scores == ((0, str(x)), (1, str(x))) and line.winners == (0, 1) and line.tied == 2
    text = str(ef.report(outcome))
    assert "The heads at the counterexample" in text and f"0: {x}, 1: {x}" in text and "0–1 (2 tie)" in text
    assert "one, z, out" in text


@pytest.mark.parametrize(("tie", "winners"), [("leftmost", (0,)), ("rightmost", (1,)), ("average", (0, 1))])
def test_winners_are_those_of_the_tie_rule(tie: str, winners: tuple[int, ...]) -> None:
    (line,) = ef.verify(SOURCE, wrong(), tie=tie).heads
    assert line.winners == winners and line.tied == 2


def test_names_of_coordinates_stay_in_files_and_change_nothing(tmp_path: Path) -> None:
    network = wrong()
    ef.save(network, tmp_path / "wrong.json")
    again = ef.load(tmp_path / "wrong.json")
    assert again == network and again.coordinates == network.coordinates == ("one", "z", "out")
    ef.save(SOURCE, tmp_path / "source.json")
    files = [str(tmp_path / name) for name in ("source.json", "wrong.json")]
    assert main(["verify", *files, "--out", str(tmp_path / "proof"), "--quiet"]) == 1
    assert main(["check", str(tmp_path / "proof"), "--quiet"]) == 1 or ef.check(tmp_path / "proof").holds is False


@pytest.mark.parametrize(
    "names", [["one", "z"], ["one", "z", "z"], ["one", "z", ""], ["one", "z", "a\nb"], ["one", "z", 3], "one", {"a": 1}]
)
def test_wrong_names_are_refused(names: object, tmp_path: Path) -> None:
    ef.save(wrong(), tmp_path / "wrong.json")
    value = json.loads((tmp_path / "wrong.json").read_text()) | {"coordinates": names}
    (tmp_path / "wrong.json").write_text(json.dumps(value))
    with pytest.raises(InvalidInput, match="coordinates"):
        ef.load(tmp_path / "wrong.json")


def test_values_that_differ_are_printed_to_the_digit_where_they_do() -> None:
    """They were rounded to the same five digits."""
    factor = "1000000000001/1000000000000"
    shifted = [
        ef.MaxoutNetwork.of(
            [([[[1], [-1]]], [[0, 0]])], ([[scale]], ["123456789012345678901/3"]), domain=ef.Box([-1], [1])
        )
        for scale in (1, factor)
    ]
    text = str(ef.report(ef.verify(*shifted)))
    values = [line.split()[-1] for line in text.splitlines() if line.lstrip().startswith(("N₁(x)  ", "N₂(x)  "))]
    assert len(set(values)) == 2 and all(len(value) > 30 for value in values)
    (row,) = [line for line in text.splitlines() if "output 0" in line]
    assert len(set(row.replace("≈", "").split()[2:4])) == 2
