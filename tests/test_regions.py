"""Bounds on linear regions against known values, and networks that attain them, counted on the Transformer as well."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from exactformer import InvalidInput, MaxoutNetwork
from exactformer.prover import prove
from exactformer.subdivision import (
    deep_lower,
    deep_upper,
    heads_upper,
    one_input,
    one_layer,
    one_layer_without_biases,
    sawtooth,
)

F = Fraction


@pytest.mark.parametrize(
    ("inputs", "units", "rank", "regions"),
    [
        *((1, 3, 3, 7), (2, 2, 3, 9), (2, 3, 2, 7), (2, 3, 3, 19)),
        *((2, 2, 4, 16), (3, 3, 3, 27), (2, 4, 3, 33), (3, 4, 2, 15)),
    ],
)
def test_one_layer_has_its_known_values(inputs: int, units: int, rank: int, regions: int) -> None:
    """The numbers that were attained, and never exceeded, by random layers."""
    assert one_layer(inputs, [rank] * units) == regions == heads_upper(inputs, units, rank)


@pytest.mark.parametrize(
    ("inputs", "units", "rank", "regions"), [(2, 2, 3, 6), (2, 3, 3, 9), (3, 3, 3, 20), (3, 4, 2, 14), (1, 5, 4, 2)]
)
def test_one_layer_without_biases_has_its_known_values(inputs: int, units: int, rank: int, regions: int) -> None:
    assert one_layer_without_biases(inputs, units, rank) == regions


def test_ranks_may_differ() -> None:
    assert one_layer(2, [3, 2]) == 1 + (2 + 1) + 2 * 1
    assert one_layer(0, [3, 2]) == one_layer(5, [1, 1]) == 1
    assert one_layer(9, [3, 2, 4]) == 3 * 2 * 4  # more inputs than units: every combination of pieces


def test_the_weibel_formula_agrees_with_that_of_relus() -> None:
    """For rank 2 the general formula gives the same numbers as the sum of binomials."""
    for n, m in product(range(2, 6), range(2, 9)):
        if m >= n:
            a = 2 * (n % 2)
            general = a + sum(
                (-1) ** (n - 1 - j) * _comb(m - 1 - j, n - 1 - j) * _comb(m, j) * (2**j - a) for j in range(1, n)
            )
            assert general == one_layer_without_biases(n, m, 2)


def _comb(n: int, k: int) -> int:
    from math import comb

    return comb(n, k) if 0 <= k <= n else 0


def regions_proved(network: MaxoutNetwork) -> int:
    """The regions of a proof that the compiled Transformer has the network's affine map on each of them."""
    outcome = prove(network, method="regions", cross_check=())
    assert outcome.verdict == "proved"
    assert len({(region.left, region.interior) for region in outcome.regions}) == outcome.counts["regions"]
    return outcome.counts["regions"]


@pytest.mark.parametrize(
    ("width", "rank", "depth"), [(2, 2, 1), (2, 2, 4), (2, 3, 2), (2, 4, 2), (4, 2, 2), (4, 3, 1), (6, 3, 1)]
)
def test_the_sawtooth_attains_the_value_for_one_input(width: int, rank: int, depth: int) -> None:
    network = sawtooth(width=width, rank=rank, depth=depth)
    pieces, exact = one_input(width, rank, depth)
    assert exact and (network.widths, network.rank) == ((width,) * depth, rank)
    heights = [network.evaluate([F(i, 2 * pieces)])[0] for i in range(2 * pieces + 1)]
    assert heights == [[0, F(1, 2), 1, F(1, 2)][i % 4] for i in range(2 * pieces + 1)]
    assert pieces <= deep_upper(1, [[rank] * width] * depth)
    assert regions_proved(network) == pieces


@pytest.mark.parametrize(("inputs", "rank", "depth"), [(2, 2, 1), (2, 2, 2), (2, 3, 1), (3, 2, 1)])
def test_the_sawtooth_attains_the_lower_bound_for_several_inputs(inputs: int, rank: int, depth: int) -> None:
    """Exponential in the depth at fixed width, on the Transformer itself."""
    network = sawtooth(inputs, rank=rank, depth=depth)
    assert network.widths == (2 * inputs,) * depth
    assert deep_lower(inputs, rank, depth) <= deep_upper(inputs, [[rank] * (2 * inputs)] * depth)
    assert regions_proved(network) == deep_lower(inputs, rank, depth)


def test_depth_zero_and_bad_requests() -> None:
    assert sawtooth(depth=0).evaluate([F(1, 3)]) == (F(1, 3),)
    for options in ({"width": 3}, {"width": 0}, {"rank": 1}, {"inputs": 0}, {"depth": -1}):
        with pytest.raises(InvalidInput, match="sawtooth: expected"):
            sawtooth(**options)
    with pytest.raises(InvalidInput, match="ranks >= 1"):
        one_layer(2, [0])
    with pytest.raises(InvalidInput, match="1 <= inputs <= units"):
        one_layer_without_biases(3, 2, 2)
