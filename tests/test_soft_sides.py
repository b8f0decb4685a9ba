"""Claims with softmax sides: which constructions equal their source at every temperature, and which do not, and why."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import exactformer as ef
from exactformer.compiler import compile_network
from exactformer.compiler.driver import CONSTRUCTIONS
from exactformer.compiler.maxout_to_lower_rank import maxout_to_lower_rank
from exactformer.domain import Box
from exactformer.enclosure import Enclosure
from exactformer.errors import InvalidInput, Unsupported
from exactformer.folder import read_report, write_folder
from exactformer.networks import MaxoutNetwork, ReluNetwork
from exactformer.rechecked import recheck

SQUARE, LINE = Box([-1, -1], [1, 1]), Box([-1], [1])
RANK_3 = MaxoutNetwork.of(
    [
        ([[[1, 0], [-1, 2], [0, 1]], [[1, 1], [0, 0], [1, -1]]], [[0, 0, 1], [0, 1, 0]]),
        ([[[1, 1], [-1, 0], [0, 1]]], [[0, 0, 1]]),
    ],
    ([[1]], [0]),
    domain=SQUARE,
)
RELU = ReluNetwork.of([([[1], [-1]], [0, 0]), ([[1, 1], [2, -1]], [-1, 0])], ([[1, 1]], [0]), domain=LINE)
POSITIVE = ReluNetwork.of([([[1]], [0])], ([[1]], [0]), domain=Box([-2], [2]))

# Gates and erasers are exact at every temperature (T14), so each head is the mean of the pieces of its unit (T15).
SOFT = {"gated", "gated-box-erasers", "gated-head-eraser", "gated-fresh-slots", "sequential"}
# Heads that select by position give some weight to the tokens that they should not see.
LEAKING = {"global", "causal", "two-step"}


@pytest.mark.parametrize("network", [RANK_3, RELU], ids=["maxout", "relu"])
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_which_constructions_are_the_source_read_with_softmax(network: Any, construction: str) -> None:
    transformer = compile_network(network, construction=construction, domain=network.domain).transformer
    base = "2" if construction == "gated" else "e"
    outcome = ef.verify(network, transformer, left_temperature=2, right_temperature=2, base=base, timeout=600)
    if construction in SOFT:
        assert (outcome.verdict, outcome.method) == ("proved", "structural")
        words = "softmax of base 2" if base == "2" else "softmax"
        assert str(outcome.theorem).endswith(f"(real arithmetic, {words} at inverse temperature 2)")
    elif construction in LEAKING:
        assert outcome.verdict == "refuted" and outcome.witness is not None
        assert any(isinstance(y, Enclosure) for y in outcome.witness.left)
    elif construction == "tournament":  # a tree of means of two is no mean of three
        assert outcome.verdict == ("proved" if network is RELU else "refuted")
    elif construction == "single-head":  # equal, as weights of a sum of scores are products, which no rule says
        assert outcome.verdict == "unknown" and "softmax is not split" in str(outcome.reason)
    else:  # positions go through a head; they are copied but nearly, and then multiply one another
        assert construction == "no-residual" and outcome.verdict == "unknown"
        assert "expected an affine score" in str(outcome.reason)


def test_a_tournament_is_its_tree_of_units_of_rank_2() -> None:
    tree = maxout_to_lower_rank(RANK_3, 2)
    transformer = compile_network(RANK_3, construction="tournament", arity=2).transformer
    outcome = ef.verify(tree, transformer, left_temperature=["1/2", 3, 1, 2], right_temperature=["1/2", 3, 1, 2])
    assert outcome.verdict == "proved"


def test_prove_reads_both_sides() -> None:
    outcome = ef.prove(RELU, left_temperature=[1, "1/3"], right_temperature=[1, "1/3"])
    assert outcome.proved and "inverse temperature 1 / 1/3" in str(outcome.theorem)


def test_softmax_is_not_the_maximum(tmp_path: Any) -> None:
    outcome = ef.verify(POSITIVE, POSITIVE, right_temperature=1, base="2")
    assert outcome.refuted and outcome.witness is not None and outcome.certificate is not None
    assert outcome.certificate["right"]["base"] == "2" and "temperature" not in outcome.certificate["left"]
    one = ef.verify(POSITIVE, POSITIVE, right_temperature=1, domain=Box(["1/3"], ["1/3"]))
    assert one.witness is not None
    (left,), (right,) = one.witness.left, one.witness.right
    assert left == Fraction(1, 3) and isinstance(right, Enclosure) and right.upper < left
    assert one.certificate is not None
    assert one.certificate["values"][1][0].keys() == {"lower", "upper"}
    assert len(str(one.certificate["values"][1][0]["lower"])) < 80
    write_folder(one, tmp_path / "proof")
    report = read_report(tmp_path / "proof")
    assert recheck(tmp_path / "proof", report) is not None
    text = (tmp_path / "proof" / "report.txt").read_text(encoding="utf-8")
    assert "softmax at inverse temperature 1" in text and "±" in text


def test_what_bounds_show_and_what_they_do_not() -> None:
    shown = ef.verify(RELU, RELU, claim="within:10", right_temperature=2)
    assert shown.proved and "left: hard attention" in str(shown.theorem)
    inside = ef.verify(RELU, claim="range:-3,9", left_temperature=2)
    assert inside.proved
    for method in ("auto", "lazy"):
        near = ef.verify(RELU, RELU, claim="within:1/5", right_temperature=2, method=method, timeout=600)
        assert near.verdict == "unknown" or near.verdict == "refuted"
        if near.verdict == "unknown":
            assert "distance" in str(near.reason)
    assert ef.verify(RELU, RELU, claim="within:1/100", right_temperature=2).refuted


@pytest.mark.parametrize(("method", "reason"), [("regions", "no linear regions"), ("smt", "exponentials")])
def test_methods_that_have_no_softmax(method: Any, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        ef.verify(RELU, RELU, left_temperature=1, method=method)


@pytest.mark.parametrize("temperature", [0, -1, float("inf"), float("nan"), "hot", [1, 2, 3], []])
def test_faulty_temperatures_are_one_message(temperature: Any) -> None:
    with pytest.raises(InvalidInput) as error:
        ef.verify(RELU, RELU, left_temperature=temperature)
    (reason,) = error.value.reasons
    assert "left_temperature" in reason and "expected" in reason
