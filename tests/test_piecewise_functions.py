"""Piecewise linear formulas beside networks of their pieces: equal, or different on a sliver."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

import exactformer as ef
from exactformer.piecewise.cpwl_to_two_maxima import cpwl_to_two_maxima

CUBE = ef.Box([-1] * 3, [1] * 3)


def largest_of_three(off: Fraction | int = 0) -> ef.MaxoutNetwork:
    pieces = ef.MaxoutLayer(ef.Affine.of([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 0, off]), 3)
    return ef.MaxoutNetwork([pieces], ef.Affine.of([[1]], [0]), domain=CUBE)


def test_a_maximum_of_three_is_its_network() -> None:
    function = ef.function("max(x, y, z)")
    outcome = ef.verify(function, largest_of_three())
    assert outcome.verdict == "proved"
    assert outcome.theorem == (
        "for every x in the domain, left(x) = right(x), where left(x, y, z) = max(max(x, y), z) "
        "(real arithmetic, hard attention, any tie rule)"
    )
    for off in (Fraction(1, 2**60), -Fraction(1, 2**60)):
        outcome = ef.verify(function, largest_of_three(off))
        assert outcome.verdict == "refuted"


def test_a_transformer_with_one_head() -> None:
    compiled = ef.compile(largest_of_three())
    assert ef.verify(ef.function("max(x, y, z)"), compiled.transformer).verdict == "proved"
    assert ef.verify(compiled.transformer, ef.function("max(x, y, z + 1/2^40)")).verdict == "refuted"


def random_piecewise(r: Random, inputs: int) -> tuple[str, ef.CPWL]:
    """A formula and the same function as an object."""
    box = ef.Box([-1] * inputs, [1] * inputs)
    known: list[tuple[str, ef.CPWL]] = list(zip("xy", ef.CPWL.variables(inputs, box), strict=False))
    for _ in range(r.randint(3, 5)):
        (a, f), (b, g), c = known[-1], r.choice(known), Fraction(r.randint(1, 5), r.choice((2, 3)))
        known.append(
            r.choice(
                [
                    (f"max({a}, {c}*({b}) - 1/3)", f.max(c * g - Fraction(1, 3))),
                    (f"min({a}, -({b})/4)", f.min(g * Fraction(-1, 4))),
                    (f"abs({a} - {c})", abs(f - c)),
                    (f"({a}) - ({b})/2", f - g * Fraction(1, 2)),
                ]
            )
        )
    return known[-1]


@pytest.mark.parametrize("seed", range(16))
def test_random_formulas_equal_the_networks_of_their_pieces(seed: int) -> None:
    r = Random(f"formula {seed}")
    inputs = r.choice((1, 2, 2))
    formula, pieces = random_piecewise(r, inputs)
    function, box = ef.function(formula, ["x", "y"][:inputs]), ef.Box([-1] * inputs, [1] * inputs)
    assert ef.verify(function, cpwl_to_two_maxima(pieces), domain=box, timeout=60).verdict == "proved"


@pytest.mark.parametrize("seed", range(8))
def test_networks_that_differ_on_a_sliver_are_refuted(seed: int) -> None:
    """A hat of the width and height 2^-40 near a corner."""
    r = Random(f"sliver {seed}")
    formula, pieces = random_piecewise(r, 2)
    box, tiny = ef.Box([-1] * 2, [1] * 2), Fraction(1, 2**40)
    x, y = ef.CPWL.variables(2, box)
    hat = (x + y - 2 + tiny).max(0)  # where x + y > 2 - 2^-40
    outcome = ef.verify(ef.function(formula, ["x", "y"]), cpwl_to_two_maxima(pieces + hat), domain=box, timeout=60)
    assert outcome.verdict == "refuted" and outcome.witness is not None
    assert sum(outcome.witness.point) > 2 - tiny
