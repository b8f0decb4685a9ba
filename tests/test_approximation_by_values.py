"""`approximate` of functions that are known by their values: what the kernel checked, and under which hypotheses."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import product
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.errors import InvalidInput

SLOPES = st.fractions(0, 3, max_denominator=3)


@settings(max_examples=20, deadline=None)
@given(SLOPES, st.sampled_from(["1", "1/3", "2/7"]), st.fractions(-2, 2, max_denominator=3))
def test_a_function_of_one_variable(slope: Fraction, epsilon: str, at: Fraction) -> None:
    f = ef.Sampled(lambda x: slope * abs(x - at), slope, ef.Box([-2], [1]))
    found = ef.approximate(f, epsilon=epsilon, hard=True)
    assert found.verdict == "proved under the hypotheses"
    assert found.cells == max(1, ceil(slope * 3 / (2 * Fraction(epsilon))))
    assert found.upper is not None and found.upper <= Fraction(epsilon)
    for i in range(31):
        x = Fraction(i, 10) - 2
        assert abs(found.transformer.evaluate([x])[0] - f.value((x,))) <= found.upper


def test_the_bound_is_attained() -> None:
    f = ef.Sampled(lambda x: abs(x - Fraction(1, 2)), 1, ef.Box([0], [1]))
    found = ef.approximate(f, epsilon="1/2", hard=True)
    assert (found.cells, found.upper) == (1, Fraction(1, 2))
    assert found.transformer.evaluate(["1/2"]) == (Fraction(1, 2),)


def test_a_function_of_two_variables_with_sides_of_other_lengths() -> None:
    f = ef.Sampled(lambda x, y: abs(x) + max(x, y) / 2, ["3/2", "1/2"], ef.Box([-1, 0], [1, 2]), name="h")
    found = ef.approximate(f, epsilon="1/2", hard=True)
    assert (found.cells, found.upper) == (4, Fraction(1, 2))
    assert all(found.transformer.evaluate(point) == (value,) for point, value in found.samples.items())
    grid = product([Fraction(i, 5) for i in range(-5, 6)], [Fraction(i, 5) for i in range(11)])
    assert all(abs(found.transformer.evaluate(p)[0] - f.value(p)) <= Fraction(1, 2) for p in grid)


def test_the_zero_function_of_two_variables() -> None:
    found = ef.approximate(ef.Sampled(lambda x, y: 0, 0, ef.Box([0, 0], [1, 1])), epsilon=1, hard=True)
    assert (found.upper, found.transformer.evaluate(["1/3", "1/2"])) == (0, (0,))


@pytest.mark.parametrize("hard", [True, False])
def test_the_answer_says_what_the_kernel_checked_and_what_is_on_paper(hard: bool) -> None:
    f = ef.Sampled(lambda x: x / 2, "1/2", ef.Box([0], [1]), name="half")
    found = ef.approximate(f, epsilon="1/20", hard=hard)
    text = str(found)
    assert text.startswith("PROVED UNDER THE HYPOTHESES  |f(x) − T(x)| ≤ ")
    assert found.hypotheses in text
    assert "if |half(x) - half(y)| <= 1/2 |x - y| for all x, y in [0, 1], and the values of half at the" in text
    assert "Theorem E1, cited, proved on paper and not checked by the kernel" in text
    assert found.chain is not None
    assert found.chain.theorem in text
    links = json.loads(found.chain.files["certificate.json"])["links"]
    assert len(links) == 1  # network and Transformer; of the function the certificate says nothing
    assert found.chain.claim == ("equal" if hard else "within")
    assert found.upper == Fraction(1, 4 * found.cells) + found.chain.epsilon <= Fraction(1, 20)
    assert "half(x)" not in found.chain.theorem
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0}, "epsilon: expected a number > 0, found 0"),
        ({"epsilon": "nan"}, "epsilon: expected a number"),
        ({"epsilon": 1, "timeout": -1}, "timeout: expected a positive number of seconds or None"),
        ({"epsilon": 1, "form": "M5"}, "domain and form: expected none for a Sampled function"),
        ({"epsilon": 1, "domain": ef.Box([0], [1])}, "domain and form: expected none for a Sampled function"),
        ({"epsilon": 1, "construction": "nix"}, "construction: expected one of gated"),
        ({"epsilon": "1e-9"}, "epsilon: expected one for which 1048576 vertices are enough"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], message: str) -> None:
    f: Any = ef.Sampled(lambda x: x, 1, ef.Box([0], [1]))
    with pytest.raises(InvalidInput, match=message):
        ef.approximate(f, **options)


def test_functions_that_fail_or_contradict_their_constants() -> None:
    steep = ef.Sampled(lambda x: 3 * x, 1, ef.Box([0], [1]))
    with pytest.raises(InvalidInput, match="expected values that differ by at most"):
        ef.approximate(steep, epsilon="1/4", hard=True)
    broken = ef.Sampled(lambda x: 1 / x, 1, ef.Box([0], [1]))
    with pytest.raises(InvalidInput, match="found ZeroDivisionError"):
        ef.approximate(broken, epsilon="1/4", hard=True)
    with pytest.raises(InvalidInput, match="box: expected sides of some length"):
        ef.approximate(ef.Sampled(lambda x: x, 1, ef.Box([1], [1])), epsilon=1)
    with pytest.raises(TimeoutError, match="there is no Transformer yet"):
        ef.approximate(ef.Sampled(lambda x: x, 1, ef.Box([0], [1])), epsilon="1/50", timeout=1e-9)
