"""Values of softmax: exact where they are rational, enclosed elsewhere; the kernel's own enclosures lie inside."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from by_kernel import enclosed
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import NUMBERS, SMALL, maxout_networks, points, relu_networks, transformers

from exactformer.compiler import compile_network
from exactformer.domain import Box
from exactformer.enclosure import Enclosure, bounds
from exactformer.formats.network_json import dump
from exactformer.kernel import semantics as kernel
from exactformer.kernel.reading import NotAffine
from exactformer.kernel.softmax import Rate
from exactformer.networks import MaxoutNetwork, Network, ReluNetwork
from exactformer.networks.balls import values_at
from exactformer.networks.semantics import Base, Semantics
from exactformer.numeric import evaluate_batch

RATES = st.fractions(min_value=Fraction(1, 8), max_value=40, max_denominator=8)


def unit(*pieces: Any) -> MaxoutNetwork:
    """The mean of given numbers, at the only point."""
    return MaxoutNetwork.of([([[[0]] * len(pieces)], [list(pieces)])], ([[1]], [0]), domain=Box([0], [0]))


def mean(pieces: Any, rate: Any, base: Base = "e") -> Any:
    return values_at(unit(*pieces), (Fraction(0),), Semantics(temperature=(Fraction(rate),), base=base))[0]


def by_kernel(network: Network, point: tuple[Fraction, ...], semantics: Semantics) -> list[Any]:
    """The kernel's bounds of the outputs at a point."""
    rates = tuple(Rate(rate, semantics.base) for rate in semantics.rates(network))
    return enclosed(dump(network).encode(), point, kernel.Semantics("average", rates))


def at_a_point(strategy: Any, numbers: Any) -> Any:
    return strategy.flatmap(lambda network: st.tuples(st.just(network), points(network.inputs, numbers)))


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        at_a_point(st.one_of(relu_networks(), maxout_networks()), NUMBERS), at_a_point(transformers(SMALL), NUMBERS)
    ),
    RATES,
    st.sampled_from(("e", "2")),
)
def test_the_kernel_encloses_more_tightly(pair: Any, rate: Fraction, base: Base) -> None:
    network, point = pair
    semantics = Semantics(temperature=(rate,), base=base)
    found = values_at(network, point, semantics)
    try:
        own = by_kernel(network, point, semantics)
    except NotAffine:  # a product of two values that the kernel only encloses
        return
    for value, ends in zip(found, own, strict=True):
        low, high = bounds(value)
        assert low <= ends[0] <= ends[1] <= high


@settings(max_examples=100, deadline=None)
@given(
    at_a_point(st.one_of(relu_networks(SMALL), maxout_networks(SMALL), transformers(SMALL)), SMALL),
    RATES,
    st.sampled_from(("e", "2")),
)
def test_enclosures_are_narrow_and_floats_are_near(pair: Any, rate: Fraction, base: Base) -> None:
    network, point = pair
    found = values_at(network, point, Semantics(temperature=(rate,), base=base))
    near = evaluate_batch(network, [list(map(float, point))], temperature=float(rate), base=base)[0]
    for value, y in zip(found, near, strict=True):
        low, high = bounds(value)
        assert high - low <= Fraction(1, 2**40) * max(1, abs(low))
        assert abs(float(low) - y) <= 1e-5 * max(1.0, abs(y))


def test_rational_values_are_exact() -> None:
    assert mean([0, -4], 1, "2") == Fraction(-4, 17)
    assert mean([0, -2], 1, "2") == Fraction(-2, 5)
    assert mean([0, "-1/2"], 2, "2") == Fraction(-1, 6)
    assert mean(["1/3", "1/3", "1/3"], "7/5") == Fraction(1, 3)
    assert mean([0, -100], 1, "2") == Fraction(-100, 1 + 2**100)
    assert isinstance(mean([0, -101], 1, "2"), Enclosure)
    assert isinstance(mean([0, "-1/2"], 1, "2"), Enclosure)


@pytest.mark.parametrize("seed", range(20))
def test_means_are_what_they_are(seed: int) -> None:
    rng = random.Random(seed)
    pieces, rate = [Fraction(rng.randint(-64, 64), 16) for _ in range(rng.randint(2, 6))], rng.randint(1, 9)
    low, high = bounds(mean(pieces, rate))
    weights = [math.exp(rate * float(z - max(pieces))) for z in pieces]
    assert float(low) == pytest.approx(np.average([float(z) for z in pieces], weights=weights), abs=1e-12)
    assert 0 <= high - low < Fraction(1, 2**44)


def test_large_numbers_are_enclosed() -> None:
    low, high = bounds(mean([10**400, -(10**400)], 10**300))
    assert low < 10**400 < high and high - low < 10**400
    low, high = bounds(mean([0, Fraction(1, 10**300)], 1))
    assert low < Fraction(1, 2 * 10**300) < high


@pytest.mark.parametrize(
    ("lower", "upper", "certain", "text"),
    [
        ("1/3", "1/3", "0." + "3" * 60, "0.333333333333333 ± 3.4e-16"),
        ("0.4621171", "0.4621179", "0.46212", "0.4621175 ± 4.0e-7"),
        ("-0.4621171", "-0.4621179", "-0.46212", "-0.4621175 ± 4.0e-7"),
        ("-1/10", "1/10", "0 ± 1.0e-1", "0 ± 1.0e-1"),
        ("1234567.2", "1234567.4", "1234567", "1234567.3 ± 1.0e-1"),
    ],
)
def test_enclosures_as_text(lower: str, upper: str, certain: str, text: str) -> None:
    ends = sorted((Fraction(lower), Fraction(upper)))
    assert Enclosure(*ends).certain() == certain
    assert str(Enclosure(*ends)) == text


@given(st.fractions(), st.fractions(), st.integers(2, 100))
def test_rounding_is_outwards(a: Fraction, b: Fraction, bits: int) -> None:
    low, high = sorted((a, b))
    wider = Enclosure(low, high).rounded(bits)
    assert wider.lower <= low <= high <= wider.upper
    assert max(low - wider.lower, wider.upper - high) <= max(abs(low), abs(high)) / 2 ** (bits - 2)


def test_each_layer_has_its_own_temperature() -> None:
    network = ReluNetwork.of(
        [([[1], [-1]], [0, 0]), ([[1, 1], [2, -1]], [-1, 0])], ([[1, 1]], [0]), domain=Box([-1], [1])
    )
    transformer = compile_network(network).transformer
    rates = (Fraction(2), Fraction(1, 3))
    semantics = Semantics(temperature=rates, base="2")
    points = [Fraction(n, 4) for n in range(-4, 5)]
    for side in (network, transformer):
        near = evaluate_batch(side, [[float(x)] for x in points], temperature=rates, base="2")
        for x, (y,) in zip(points, near, strict=True):
            (value,), (wanted,) = values_at(side, (x,), semantics), values_at(network, (x,), semantics)
            assert float(bounds(value)[0]) == pytest.approx(y, abs=1e-12)
            assert bounds(value)[0] <= bounds(wanted)[1] and bounds(wanted)[0] <= bounds(value)[1]
