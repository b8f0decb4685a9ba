"""Domains: membership, text, JSON, empty ones, and every fault of a faulty one."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import PLAIN, SMALL, boxes, domains, matrices, points

from exactformer import Box, Domain, InvalidInput, Polyhedron
from exactformer.domain import interval_box, read_domain
from exactformer.errors import Faults
from exactformer.formats.network_json import parse_json
from exactformer.polyhedra.inhabitant import inhabitant

ANY_DOMAIN = st.integers(1, 3).flatmap(domains)
WITH_POINT = ANY_DOMAIN.flatmap(lambda d: st.tuples(st.just(d), points(d.dimension, PLAIN)))


def inside(domain: Domain, point: tuple[Fraction, ...]) -> bool:
    """Membership, straight from the definition and the JSON form."""
    value = json.loads(json.dumps(domain.to_json()))
    for x, lo, hi in zip(point, value["lower"], value["upper"], strict=True):
        if (lo is not None and x < Fraction(lo)) or (hi is not None and x > Fraction(hi)):
            return False
    rows = zip(value.get("matrix", []), value.get("bounds", []), strict=True)
    return all(sum(Fraction(a) * x for a, x in zip(row, point, strict=True)) <= Fraction(b) for row, b in rows)


@given(WITH_POINT)
def test_membership(pair: tuple[Domain, tuple[Fraction, ...]]) -> None:
    domain, point = pair
    assert domain.contains(point) == inside(domain, point)


@given(ANY_DOMAIN)
def test_json_round_trip(domain: Domain) -> None:
    faults = Faults()
    again = read_domain(json.loads(json.dumps(domain.to_json())), "domain", domain.dimension, faults)
    assert not faults.reasons
    assert again == domain
    assert again.to_json() == domain.to_json()


@given(ANY_DOMAIN)
def test_the_inhabitant_is_inside(domain: Domain) -> None:
    assert domain.contains(inhabitant(domain))


@given(st.data(), st.integers(1, 3))
def test_a_domain_without_a_point_is_found_exactly(data: st.DataObject, n: int) -> None:
    """Either `inhabitant` gives a point, or none of many points is inside; thin and touching sets occur often."""
    count = data.draw(st.integers(1, 5))
    domain = Polyhedron(
        [-1] * n, [1] * n, data.draw(matrices(count, n, SMALL)), [data.draw(SMALL) for _ in range(count)]
    )
    try:
        assert domain.contains(inhabitant(domain))
    except InvalidInput as error:
        assert error.reasons == (
            "domain: expected a domain that is not empty, found inequalities without a common point",
        )
        halves = [Fraction(k, 2) for k in range(-2, 3)]
        assert not any(domain.contains(data.draw(st.tuples(*[st.sampled_from(halves)] * n))) for _ in range(10))


@pytest.mark.parametrize("bounds", [[-1, -1], ["-1e-60", 0]])
def test_a_polyhedron_that_misses_by_little_is_empty(bounds: list[Any]) -> None:
    with pytest.raises(InvalidInput, match="without a common point"):
        inhabitant(Polyhedron([None, None], [None, None], [[1, 1], [-1, -1]], bounds))
    assert inhabitant(Polyhedron([None, None], [None, None], [[1, 1], [-1, -1]], ["-1e-60", "1e-60"]))


@given(st.integers(1, 3).flatmap(boxes))
def test_boxes(box: Domain) -> None:
    assert box.is_bounded_box
    assert Box(box.lower, box.upper) == box
    assert interval_box(box) == tuple(zip(box.lower, box.upper, strict=True))


def test_kinds_of_domains_and_their_text() -> None:
    assert str(Domain.everything(3)) == "R^3"
    assert str(Domain.box(1, -1, "1/2")) == "[-1, 1/2]"
    assert str(Domain.box(2, -1, 1)) == "[-1, 1]^2"
    assert str(Box([0, None], [None, 0])) == "[0, oo) x (-oo, 0]"
    assert str(Polyhedron([0, 0], [1, 1], [[1, 1]], [1])) == "[0, 1]^2 with 1 further inequalities"
    assert not Domain.everything(1).is_bounded_box
    assert Domain.everything(2).contains((Fraction(10**60), Fraction(-1)))
    assert Domain.box(2, 1, 1).contains((Fraction(1), Fraction(1)))
    with pytest.raises(InvalidInput, match="found none for input 1"):
        interval_box(Box([0, None], [1, 1]))


def test_an_infinity_leaves_a_side_open() -> None:
    half = Box([0, None], [None, 0])
    inf = float("inf")
    for low, high in ((-inf, inf), ("-inf", "inf"), ("-Infinity", "+INF"), (None, None)):
        assert Box([0, low], [high, 0]) == half
    assert Box(np.array([0, -inf]), np.array([inf, 0], dtype=np.float32)) == half
    assert Domain.box(2, "-inf", "inf") == Domain.everything(2)
    text = b'{"lower": [0, -Infinity], "upper": ["inf", 0]}'
    assert read_domain(parse_json(text, "file"), "domain", 2, Faults()) == half
    for lower, upper, reason in (
        (["inf"], [1], "domain.lower[0]: expected a number, or -inf for an open side, found inf"),
        ([0], [-inf], "domain.upper[0]: expected a number, or +inf for an open side, found -inf"),
    ):
        with pytest.raises(InvalidInput) as caught:
            Box(lower, upper)
        assert caught.value.reasons == (reason,)
    with pytest.raises(InvalidInput, match="expected a finite number, found nan"):
        Box([float("nan")], [1])


def test_text_is_the_decimal_and_a_float_the_dyadic() -> None:
    assert Box(["0.1"], [1]).lower == (Fraction(1, 10),)
    assert Box([0.1], [1]).lower == (Fraction(0.1),) != (Fraction(1, 10),)
    domain = read_domain(parse_json(b'{"lower": [0.1], "upper": ["0.1"]}', "file"), "domain", 1, Faults())
    assert domain.lower == domain.upper == (Fraction(1, 10),)


def test_one_fault_for_a_box_of_the_wrong_dimension() -> None:
    with pytest.raises(InvalidInput) as caught:
        Box(np.zeros((3, 2)), np.ones((3, 2)))
    assert caught.value.reasons == (
        "domain.lower: expected a list of numbers, found an array 3 x 2",
        "domain.upper: expected a list of numbers, found an array 3 x 2",
    )


@pytest.mark.parametrize(
    ("value", "reasons"),
    [
        (5, ["domain: expected an object with lower and upper, found 5"]),
        ({"lower": [0, 0]}, ["domain: expected an object with lower and upper, found {'lower': [0, 0]}"]),
        ({"lower": [0], "upper": [0, 0]}, ["domain.lower: expected 2 numbers, found 1"]),
        (
            {"lower": 0, "upper": [0, 0]},
            ["domain.lower: expected a list of numbers, found 0"],
        ),
        (
            {"lower": [1, "a"], "upper": [0, "1/0"], "extra": 1, "more": 2},
            [
                "domain: expected only the keys lower, upper, matrix and bounds, found key 'extra'",
                "domain: expected only the keys lower, upper, matrix and bounds, found key 'more'",
                'domain.lower[1]: expected a number (an integer, "p/q" or decimal text), found a',
                "domain.upper[1]: expected a denominator that is not zero, found 1/0",
                "domain[0]: expected a domain that is not empty (lower <= upper), found [1, 0]",
            ],
        ),
        ({"lower": [0, 0], "upper": [1, 1], "matrix": [[1, 1]]}, ["domain.matrix: expected 0 rows, found 1"]),
        ({"lower": [0, 0], "upper": [1, 1], "bounds": [1]}, ["domain.matrix: expected 1 rows, found 0"]),
        ({"lower": [0, 0], "upper": [1, 1], "bounds": None}, ["domain.bounds: expected a list of numbers, found None"]),
        (
            {"lower": [0, 0], "upper": [1, 1], "matrix": [[1]], "bounds": [1]},
            ["domain.matrix: expected 2 columns, found 1"],
        ),
    ],
)
def test_every_fault_is_listed(value: Any, reasons: list[str]) -> None:
    faults = Faults()
    read_domain(value, "domain", 2, faults)
    assert faults.reasons == reasons


@pytest.mark.parametrize("arguments", [([1], [0]), ([0], [1, 2]), (["x"], [1]), (0, 1), ([float("nan")], [1])])
def test_boxes_that_are_none(arguments: tuple[Any, Any]) -> None:
    with pytest.raises(InvalidInput):
        Box(*arguments)
    with pytest.raises(InvalidInput):
        Domain.box(2, 1, 0)
