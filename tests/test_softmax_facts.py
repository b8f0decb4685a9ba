"""What is not true under softmax, with witnesses that are exact to the base 2, and what is (docs/softmax.md)."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest

import exactformer as ef
from exactformer.compiler import compile_network
from exactformer.domain import Box
from exactformer.kernel.softmax import gamma, logarithm
from exactformer.networks import Affine, Block, Head, MaxoutNetwork, ReluNetwork, Transformer
from exactformer.networks.balls import values_at
from exactformer.networks.semantics import Semantics

RELU = ReluNetwork.of([([[1]], [0])], ([[1]], [0]), domain=Box([-8], [8]))
BASE_2 = Semantics(temperature=(Fraction(1),), base="2")


def mean(*numbers: Any, rate: Any = 1) -> Fraction:
    """B of integers to the base 2 at a rate, exactly."""
    network = MaxoutNetwork.of([([[[]] * len(numbers)], [list(numbers)])], ([[1]], [0]))
    (value,) = values_at(network, (Fraction(0),), Semantics(temperature=(Fraction(rate),), base="2"))
    assert isinstance(value, Fraction)
    return value


LISTS = [*itertools.product(range(-3, 4), repeat=2), *itertools.product(range(-2, 3), repeat=3)]


@pytest.mark.parametrize("numbers", LISTS)
def test_the_mean_is_the_maximum_of_equal_numbers_only(numbers: tuple[int, ...]) -> None:  # N1, T12, T38
    found = mean(*numbers)
    assert (found == max(numbers)) == (len(set(numbers)) == 1)
    average = Fraction(sum(numbers), len(numbers))
    assert min(numbers) <= average <= found <= max(numbers)
    assert mean(*(z + 5 for z in numbers)) == found + 5
    colder = [mean(*numbers, rate=rate) for rate in (1, 2, 3, 10)]
    assert colder == sorted(colder)


def test_the_mean_is_not_monotone() -> None:  # N9
    assert mean(0, -4) == Fraction(-4, 17) > mean(0, -2) == Fraction(-2, 5)
    outcome = ef.verify(RELU, claim="increasing:x1", left_temperature=1, base="2", domain=Box([-4], [-2]))
    assert outcome.refuted
    assert outcome.witness is not None and outcome.witness.left > outcome.witness.right
    assert ef.verify(RELU, claim="increasing:x1").proved


def test_the_mean_is_not_convex() -> None:  # N9
    assert mean(0, -4) + mean(0, -8) < 2 * mean(0, -6)
    assert ef.verify(RELU, claim="convex", left_temperature=1, base="2", timeout=600).refuted
    assert ef.verify(RELU, claim="convex").proved


def test_the_mean_can_move_further_than_its_numbers() -> None:  # N9
    assert (mean(0, 3), mean(0, 4)) == (Fraction(8, 3), Fraction(64, 17))
    assert mean(0, 4) - mean(0, 3) > 1


@pytest.mark.parametrize("k", [2, 3, 8])
def test_the_gap_has_its_bound_and_comes_near_it(k: int) -> None:  # T11
    low, high = logarithm("2")
    steps = 2 if k < 8 else 3  # the integer nearest to (1 + gamma_k) / ln 2
    for rate in (Fraction(1, 3), Fraction(1), Fraction(7)):
        worst = -mean(0, *[-steps / rate] * (k - 1), rate=rate)
        assert Fraction(99, 100) * gamma(k) / (rate * high) < worst <= gamma(k) / (rate * low)


@pytest.mark.parametrize("epsilon", [Fraction(1, 10), Fraction(1, 1000)])
def test_no_smaller_temperature_will_do(epsilon: Fraction) -> None:  # N14, T13c
    enough = gamma(2) / epsilon * Fraction(1001, 1000)
    domain = Box([-8 * epsilon], [8 * epsilon])
    claim = f"within:{epsilon}"
    assert ef.verify(RELU, RELU, claim=claim, right_temperature=enough, domain=domain, timeout=600).proved
    for rate in (enough / 2, enough * Fraction(99, 100)):
        assert ef.verify(RELU, RELU, claim=claim, right_temperature=rate, domain=domain, timeout=600).refuted


def test_there_are_no_linear_regions() -> None:  # T35
    transformer = compile_network(RELU).transformer
    values = [values_at(transformer, (Fraction(x),), BASE_2)[0] for x in (-3, -2, -1)]
    assert values == [Fraction(-1, 3), Fraction(-2, 5), Fraction(-1, 3)]
    assert values[0] - 2 * values[1] + values[2] == Fraction(2, 15)  # 0 wherever the function is affine
    assert [transformer.evaluate([x]) for x in (-3, -2, -1)] == [(0,)] * 3


def weights(*scores: int) -> list[Fraction]:
    """The weights that a head gives to tokens of these scores, to the base 2."""
    head = Head.of([[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]], [[0], [0], [1]])
    found = []
    for one in range(len(scores)):
        tokens = tuple(Affine.of([[0]] * 3, [1, s, int(t == one)]) for t, s in enumerate(scores))
        readout = Affine.of([[0, 0, 1]], [0])
        network = Transformer(tokens, (Block((head,), None),), 0, readout, residual=False)
        found += values_at(network, (Fraction(0),), BASE_2)
    assert all(isinstance(weight, Fraction) for weight in found)
    return found


def test_weights_move_by_at_most_half_of_what_scores_do() -> None:  # T37, with lambda = ln 2
    moved = [b - a for a, b in zip(weights(0, 0, -1), weights(1, 0, -1), strict=True)]
    assert sum(map(abs, moved)) == Fraction(12, 35)
    low, high = logarithm("2")
    assert Fraction(98, 100) * high / 2 < Fraction(12, 35) < low / 2
    for scores in itertools.product(range(-2, 3), repeat=3):
        raised = weights(scores[0] + 1, *scores[1:])
        assert sum(abs(b - a) for a, b in zip(weights(*scores), raised, strict=True)) <= low / 2
