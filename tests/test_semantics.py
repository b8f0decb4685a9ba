"""How networks are read: hard or soft, and what a certificate says of it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from exactformer.compiler import compile_network
from exactformer.domain import Box
from exactformer.errors import Faults, InvalidInput
from exactformer.networks import MaxoutNetwork, ReluNetwork
from exactformer.networks.semantics import Semantics, read_temperature
from exactformer.prover.question import ask

UNIT = Box([-1], [1])
BEND = ReluNetwork.of([([[1], [-1]], [0, 0]), ([[1, 1]], [-1])], ([[1]], [0]), domain=UNIT)
ABSOLUTE = MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), domain=UNIT)


def test_rates_are_one_a_layer() -> None:
    one, two = Semantics(temperature=(Fraction(2),)), Semantics(temperature=(Fraction(2), Fraction(1, 3)), base="2")
    compiled = compile_network(BEND).transformer
    assert BEND.tempered == (0, 1) and compiled.tempered == (1, 2)
    for network in (BEND, compiled):
        assert one.rates(network) == (2, 2) and two.rates(network) == (2, Fraction(1, 3))
        assert two.rates_by_number(network) == dict(zip(network.tempered, two.temperature, strict=True))
    assert Semantics().rates(BEND) == () and Semantics().rates_by_number(BEND) == {}
    assert str(two) == "softmax of base 2 at inverse temperature 2 / 1/3"


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, ()), (2, (2,)), ("1/2", (Fraction(1, 2),)), (0.5, (Fraction(1, 2),)), ([1, "0.1"], (1, Fraction(1, 10)))],
)
def test_temperatures_are_read(value: Any, found: tuple[Fraction, ...]) -> None:
    faults = Faults()
    assert read_temperature(value, "temperature", faults) == found and not faults.reasons


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "x", True, [], [1, 0], [[1]], "1/0"])
def test_faulty_temperatures(value: Any) -> None:
    faults = Faults()
    read_temperature(value, "temperature", faults)
    (reason,) = faults.reasons
    assert reason.startswith("temperature")


def test_a_certificate_says_how_each_side_is_read() -> None:
    question = ask("equal", BEND, BEND, None, "average", Faults(), temperatures=([2, 2], ["1/2", 3]), base="2")
    assert question.head["left"].items() >= {"temperature": [2], "base": "2"}.items()
    assert question.head["right"].items() >= {"temperature": ["1/2", 3], "base": "2"}.items()
    jobs = question.asked().statement.jobs
    assert [[rate.value for rate in job.semantics.rates] for job in jobs] == [[2, 2], [Fraction(1, 2), 3]]
    one_sided = ask("equal", BEND, BEND, None, "average", Faults(), temperatures=(None, 1))
    assert one_sided.head["left"].keys() == {"file", "sha256"} and one_sided.head["right"]["temperature"] == [1]
    assert "base" not in one_sided.head["right"]


@pytest.mark.parametrize(
    ("claim", "options", "message"),
    [
        ("equal", {"temperatures": ([1, 2, 3], None)}, "left_temperature: expected one number > 0, or 2, one a layer"),
        ("equal", {"temperatures": (None, 0)}, "right_temperature: expected a number > 0, found 0"),
        ("equal", {"base": "2"}, "base: expected a temperature together with the base 2"),
        ("equal", {"base": "10", "temperatures": (1, 1)}, "base: expected one of e, 2, found '10'"),
        ("ties-agree:leftmost,rightmost", {"temperatures": (1, None)}, "softmax has no ties"),
        ("convex", {"temperatures": (None, 1)}, "right_temperature: expected None for the claim convex"),
    ],
)
def test_what_does_not_fit_is_refused(claim: str, options: dict[str, Any], message: str) -> None:
    faults = Faults()
    ask(claim, BEND, BEND if claim == "equal" else None, None, "average", faults, **options)
    with pytest.raises(InvalidInput) as error:
        faults.settle()
    (reason,) = error.value.reasons
    assert message in reason
