"""Outputs that avoid sets: the claim as the product has it, and the search for its proof or a point."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactformer import Box, MaxoutNetwork, Polyhedron, ReluNetwork, verify
from exactformer.claims import Avoids, read_claim
from exactformer.claims.avoids import Inequality
from exactformer.compiler import compile_network
from exactformer.domain import Domain
from exactformer.enclosure import Enclosure
from exactformer.errors import Faults, InvalidInput
from exactformer.functions import function
from exactformer.prover.question import ask
from exactformer.prover.smtlib import claim_text

SIZES = ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1], [1, -1]], [0, 0]), domain=Box([-1], [1]))  # |x|, x


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("y1 >= 1", "refuted"),
        ("y1 >= 1.0001", "proved"),
        ("y1 <= 0", "refuted"),  # the single point 0, on the boundary
        ("y1 <= -1/10^9", "bad"),
        ("y1 <= -1e-9", "proved"),
        ("y1 <= 1/2, y2 >= 0.6; y1 >= 2", "proved"),
        ("y1 <= 1/2, y2 >= 1/2", "refuted"),  # a single point
        ("y1 <= 1/2; y2 >= 3, y2 <= -3", "refuted"),
        ("y2 >= 3, y2 <= -3", "proved"),
        ("0 >= 1", "proved"),
        ("0 <= 0", "refuted"),
        ("y1 + y2 <= 1/2 - y1, 2*y2 >= y1 + 1/4", "proved"),
        ("y1 + y2 <= 1/2 - y1, 2*y2 >= y1 + 1/16", "refuted"),
    ],
)
def test_answers(text: str, verdict: str) -> None:
    if verdict == "bad":
        with pytest.raises(InvalidInput, match="claim avoids: expected a sum of multiples of y1"):
            read_claim(f"avoids:{text}")
        return
    outcome = verify(SIZES, claim=f"avoids:{text}")
    assert outcome.verdict == verdict and outcome.certified
    assert outcome.theorem is not None and "satisfies none of (" in outcome.theorem
    again = verify(SIZES, claim=outcome.claim.written)
    assert again.claim.parameters == outcome.claim.parameters and again.theorem == outcome.theorem


def test_of_a_transformer_at_its_tie() -> None:
    """A hard head that jumps from 0 to 1 avoids the middle but for the tie, where its value is 1/2."""
    from test_claims import step

    for tie, verdict in (("average", "refuted"), ("leftmost", "proved")):
        assert verify(step(), claim="avoids:y1 >= 1/4, y1 <= 3/4", domain=Box([-1], [1]), tie=tie).verdict == verdict


def test_of_a_compiled_network() -> None:
    transformer = compile_network(SIZES).transformer
    assert verify(transformer, claim="avoids:y1 <= -1/8; y2 >= 9/8").proved
    assert verify(transformer, claim="avoids:y1 <= 1/8, y2 >= 1/16").refuted


def test_of_softmax() -> None:
    soft = {"left_temperature": 4}
    assert verify(SIZES, claim="avoids:y1 >= 5/4", **soft).proved
    assert verify(SIZES, claim="avoids:y1 >= 3/4", **soft).refuted


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_agrees_with_points_and_with_z3(seed: int) -> None:
    r = Random(seed)

    def some(*shape: int) -> Any:
        return np.array([r.randint(-2, 2) for _ in range(int(np.prod(shape)))]).reshape(shape).tolist()

    network = MaxoutNetwork.of([(some(3, 2, 2), some(3, 2))], (some(2, 3), some(2)), domain=Box([-1, -1], [1, 1]))
    sets = [Polyhedron([None] * 2, [None] * 2, some(n, 2), some(n)) for n in r.choices((1, 2, 3), k=r.choice((1, 2)))]
    methods = ("lazy", "regions", "smt")
    outcome, *others = (verify(network, claim=Avoids(sets), method=method, cross_check=()) for method in methods)
    assert {outcome.verdict, *(other.verdict for other in others)} in ({"proved"}, {"refuted"})
    grid = [(Fraction(a, 4), Fraction(b, 4)) for a in range(-4, 5) for b in range(-4, 5)]
    inside = [x for x in grid if any(unsafe.contains(network.evaluate(x)) for unsafe in sets)]
    assert not (outcome.proved and inside)
    if outcome.refuted:
        assert outcome.witness is not None
        assert any(unsafe.contains(network.evaluate(outcome.witness.point)) for unsafe in sets)


def test_sets_from_python() -> None:
    box = Box([None, 0], [2, "1/2"])
    claim = Avoids([box, Polyhedron([None, None], [None, None], [[1, -1]], [3])])
    assert claim.argument == "-y2 <= 0, y1 <= 2, y2 <= 1/2; y1 - y2 <= 3"
    assert read_claim(claim.written) == claim == Avoids(list(claim_domains(claim)))
    assert Avoids(box) == Avoids([box]) and hash(Avoids(box)) == hash(Avoids([box]))
    assert claim.parameters["sets"][1] == {"matrix": [[1, -1]], "bounds": [3]}
    assert str(claim).startswith("y = left(x) satisfies none of (-y2 ≤ 0 and y1 ≤ 2 and y2 ≤ 1/2), (y1 - y2 ≤ 3) for")


def claim_domains(claim: Avoids) -> list[Domain]:
    none = [None] * claim.outputs
    return [Polyhedron(none, none, item["matrix"], item["bounds"]) for item in claim.parameters["sets"]]


def test_many_sets_are_not_all_said() -> None:
    assert Avoids(Box([0, None, None], [None] * 3)).argument == "-y1 + 0 y3 <= 0"
    claim = Avoids([Box([k], [None]) for k in range(100)])
    assert "and 0 <= " not in str(claim) and "88 more for every x" in str(claim) and claim.argument.count(";") == 99


@pytest.mark.parametrize("sets", [[], None, 3, [3], "y1", [Box([0], [1]), Box([0, 0], [1, 1])], {"a": 1}])
def test_what_is_no_set(sets: Any) -> None:
    with pytest.raises(InvalidInput, match="claim avoids: expected sets of"):
        Avoids(sets)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y1 < 3", "expected inequalities such as"),
        ("y1 <= 3 <= 4", "expected inequalities such as"),
        ("y1 <=", "expected a sum of multiples of y1, y2, ... and numbers, found nothing"),
        ("y0 <= 3", "expected a sum"),
        ("y1 y2 <= 3", "expected a sum"),
        ("y1 * 3 <= 3", "expected a sum"),
        ("1/0 y1 <= 3", "claim avoids"),
        ("y1 <= 3, ", "expected inequalities such as"),
        ("x1 <= 3", "expected a sum"),
        ("y1 <= 3; y7 >= 2", "expected sets of the 2 outputs of the network, found 7 outputs"),
        ("no-such-file", "name that ends in .vnnlib"),
    ],
)
def test_text_that_says_no_set(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        verify(SIZES, claim=f"avoids:{text}")


def test_what_has_no_outputs_to_avoid() -> None:
    with pytest.raises(InvalidInput, match="at least one inequality, found none"):
        verify(SIZES, claim=Avoids(Box([None, None], [None, None])))
    with pytest.raises(InvalidInput, match="expected a network, found a function"):
        verify(function("x^2"), claim="avoids:y1 <= -1", domain=Box([0], [1]))


def test_numbers_of_every_kind() -> None:
    row = Inequality(((0, Fraction(-2)), (1, Fraction(1, 2))), Fraction(3))
    assert row.missed([Fraction(1), Fraction(4)]) == -3
    assert row.missed([Enclosure(Fraction(1), Fraction(2)), Fraction(4)]) == Enclosure(Fraction(-5), Fraction(-3))
    assert row.missed([np.array([1.0, 2.0]), np.array([4.0, 0.0])]).tolist() == [-3.0, -7.0]
    claim = Avoids([Box([0, None], [2, None])])
    assert claim.conclusions([Fraction(3), Fraction(0)]) == [1]
    assert claim.conclusions([Enclosure(Fraction(1), Fraction(3)), 0]) == [Enclosure(Fraction(-1), Fraction(1))]
    assert claim.conclusions([np.array([-1.0, 1.0, 5.0]), np.zeros(3)])[0].tolist() == [1.0, -1.0, 3.0]
    answers = [claim.contradicted([[y, 0]]) for y in (Fraction(0), Fraction(-1), Enclosure(Fraction(-1), Fraction(0)))]
    assert answers == ["yes", "no", "undecided"]


def test_the_claim_as_smt_lib() -> None:
    question = ask("avoids:y1 <= 1/2, y2 >= 3/5; y1 >= 2", SIZES, None, None, "average", Faults())
    (line,) = (line for line in claim_text(question).splitlines() if line.startswith("(assert (or (and (<= "))
    assert line.count("(<= ") == 3
