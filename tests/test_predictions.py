"""The sizes that theorems ask for, beside an approximation: their slopes and curvatures are those of the function."""

from __future__ import annotations

from fractions import Fraction
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

import exactformer as ef
from exactformer.approximation.interpolants import Form, interpolant
from exactformer.approximation.prediction import predicted

HALVES = st.integers(-8, 8).map(lambda k: Fraction(k, 2))


def sizes(text: str, low: list[int], high: list[int], epsilon: str) -> list[float]:
    function, domain, near = ef.function(text), ef.Box(low, high), Fraction(epsilon)
    found = interpolant(function, domain, near, "M4" if function.inputs == 1 else "M1")
    return [float(line.value) for line in predicted(function, domain, near, Fraction(0), found, ())]


@given(HALVES, HALVES, HALVES)
def test_the_curvature_of_a_quadratic_form_is_its_largest_in_any_direction(
    a: Fraction, b: Fraction, c: Fraction
) -> None:
    text = f"({a})*x^2 + ({b})*x*y + ({c})*y^2 + 0*x + 0*y"
    function, domain = ef.function(text, variables=["x", "y"]), ef.Box([0, 0], [1, 1])
    found = interpolant(function, domain, Fraction(100), "M1")
    _, smooth, *_ = predicted(function, domain, Fraction(1, 100), Fraction(0), found, ())
    mean, radius = float(a + c), (float(a - c) ** 2 + float(b) ** 2) ** 0.5
    curvature = abs(mean) + radius  # of [[2 a, b], [b, 2 c]]
    assert float(smooth.value) == pytest.approx(max(1.0, (2 * curvature / 0.08) ** 0.5) ** 2 * 2, rel=1e-6)


def test_a_product_bends_although_it_is_straight_along_both_axes() -> None:
    _, smooth, *_ = sizes("x*y", [-1, -1], [1, 1], "1/50")
    assert smooth == pytest.approx(100)  # 2 simplices in each of 2 K / 8 e squares; K = 4 on the unit square
    _, smooth, *_ = sizes("x*y*z", [0, 0, 0], [1, 1, 1], "1/4")
    assert smooth == pytest.approx(6 * (3 * 2 / 2) ** 1.5, rel=0.1)  # K = 2 at (1, 1, 1)


def test_sizes_of_the_exponential_function() -> None:
    slopes, smooth, limit, here = sizes("exp(x)", [0], [3], "1/10000")
    assert slopes == pytest.approx(3 * exp(3) / 2e-4, rel=1e-2)
    assert smooth == pytest.approx((9 * exp(3) / 8e-4) ** 0.5, rel=1e-2)
    assert limit == pytest.approx(2 * (exp(1.5) - 1) / 4e-2, rel=1e-2)
    assert here <= 1.3 * limit


def test_past_a_kink_a_line_does_not_leave_the_tube() -> None:
    function = ef.function("abs(x - 1/3) + x^2/4")  # knots rounded beyond their reach left it, and nothing fitted
    found = interpolant(function, ef.Box([-1], [1]), Fraction(1, 10000), "M4")
    assert found.pieces <= 40


@pytest.mark.parametrize("form", ["M1", "M2"])
def test_a_function_that_is_zero_has_a_network(form: Form) -> None:
    function = ef.function("0*x*y", variables=["x", "y"])
    found = interpolant(function, ef.Box([0, 0], [1, 1]), Fraction(1, 10), form)
    assert found.network.evaluate(["1/3", "1/2"]) == (0,)
