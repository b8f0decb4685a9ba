"""`distance` and `range` of functions: bounds that hold at every point, near values that are attained."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exactformer as ef
from exactformer.cli import main
from exactformer.errors import InvalidInput
from exactformer.measuring import output_range
from exactformer.measuring.enclosed import Heights
from exactformer.prover.question import ask

RANGES: dict[str, tuple[float, float]] = {  # on [-1, 1]^n
    "exp(x)": (math.exp(-1), math.e),
    "x*y": (-1, 1),
    "sqrt(x + 1) - y": (-1, 1 + math.sqrt(2)),
    "max(x, y) - abs(x*y)": (-2, 1),
    "sin(3*x) + x^2/2": (-0.87665547997, 1.15427532948),
    "(x + y + z)^2": (0, 9),
    "x^3 - x": (-2 / 27**0.5, 2 / 27**0.5),
}


def cube(inputs: int) -> ef.Domain:
    return ef.Box([-1] * inputs, [1] * inputs)


@pytest.mark.parametrize("formula", RANGES)
def test_ranges_are_enclosed_from_both_sides(formula: str) -> None:
    function = ef.function(formula)
    found = output_range(function, domain=cube(function.inputs), timeout=10)
    assert found.verdict == "proved", found.reason
    (low,), (high,), (least, most) = found.lower, found.upper, RANGES[formula]
    assert low is not None and high is not None and found.outcome is not None
    spread = most - least
    assert float(low) <= least + 1e-9 and float(high) >= most - 1e-9
    assert float(high - low) <= 1.0101 * spread
    for end in (*found.minima, *found.maxima):
        assert end.point is not None and end.lower is not None and end.upper is not None and end.lower <= end.upper
    values = ef.evaluate_batch(function, np.random.default_rng(0).uniform(-1, 1, (500, function.inputs)))
    assert float(low) <= values.min() and values.max() <= float(high)


@pytest.mark.parametrize(("formula", "low", "high"), [("x*y", -1, 1), ("x^2 + y", -1, 2), ("3*x - 1/2", "-7/2", "5/2")])
def test_rational_values_at_corners_are_bounds_themselves(formula: str, low: Any, high: Any) -> None:
    function = ef.function(formula)
    found = output_range(function, domain=cube(function.inputs), timeout=10)
    assert (found.lower, found.upper) == ((Fraction(low),), (Fraction(high),))
    assert found.minima[0].exact and found.maxima[0].exact


def test_the_distance_of_a_function_and_its_polynomial() -> None:
    found = ef.distance(ef.function("sin(x)"), ef.function("x - x^3/6"), domain=cube(1), timeout=10)
    error = abs(math.sin(1) - 5 / 6)
    assert found.verdict == "proved" and found.upper is not None and found.lower is not None
    assert found.lower <= Fraction(error + 1e-12) and error - 1e-12 <= found.upper <= Fraction(101, 100) * found.lower


def test_the_distance_of_a_function_and_a_network() -> None:
    network = ef.ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]))  # |x|
    found = ef.distance(ef.function("x^2"), network, domain=cube(1), timeout=10, ratio="1.1")
    assert found.verdict == "proved" and found.upper is not None
    assert Fraction(1, 4) <= found.upper <= Fraction(11, 40)


def test_functions_that_agree_have_a_small_bound_but_no_ratio() -> None:
    one = ef.function("sin(x)^2 + cos(x)^2")
    found = ef.distance(one, ef.function("1", ["x"]), domain=ef.Box([0], ["1/8"]), timeout=20)
    assert found.verdict == "unknown" and found.upper is not None and 0 < found.upper < Fraction(1, 10**7)
    assert found.reason is not None and found.reason.startswith("too close to call near")
    same = ef.distance(one, one, domain=cube(1), timeout=10)
    assert (same.verdict, same.upper) == ("proved", 0)


def test_time_runs_out() -> None:
    function = ef.function("sin(20*x + 3*y) + sin(21*y - z) + x*y*z^2")
    found = output_range(function, domain=cube(3), timeout=0.2, ratio="1.000001")
    assert found.verdict == "unknown" and found.outcome is None and found.reason is not None


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (
            "domain: expected a bounded one, as functions are enclosed on boxes",
            lambda: output_range(ef.function("x^2")),
        ),
        (
            "value at .0.: expected a point at which the function is defined",
            lambda: output_range(ef.function("1/x"), domain=cube(1)),
        ),
        (
            "ratio: expected a number > 1: with functions the bounds never meet",
            lambda: output_range(ef.function("x"), domain=cube(1), ratio=1),
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(message: str, call: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput, match=message):
        call()


def test_a_domain_without_ends_leaves_a_claim_unknown() -> None:
    found = ef.verify(ef.function("x^2"), claim="range:0,", timeout=5)
    assert (found.verdict, found.certificate) == ("unknown", None)
    assert found.reason == "functions are enclosed on boxes: the domain has to be bounded"


def test_points_outside_and_bounds_that_are_no_values_show_nothing_exact() -> None:
    from exactformer.claims import Range
    from exactformer.errors import Faults

    question = ask(Range(0, 0), ef.function("exp(x)"), None, cube(1), "average", Faults(), functions=True)
    heights = Heights(question).with_point((Fraction(2),))
    assert heights.reached == ()
    heights = heights.with_point((Fraction(0),)).with_point((Fraction(1, 2),))
    assert heights.reached[0] == -1 and heights.exact == (True, False)
    assert heights.points == ((Fraction(0),), (Fraction(1, 2),))


def test_the_command_takes_a_formula(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["range", "--formula", "x*y - y", "--variables", "y,x", "--box", "-1", "1"]
    assert main([*words, "--timeout", "10", "--json", "--out", str(tmp_path / "p")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["lower"], said["upper"], said["verdict"]) == (["-2"], ["2"], "proved")
    assert main(["check", str(tmp_path / "p"), "--quiet"]) == 0
    assert main(["range", "--variables", "x"]) == 3
    assert "NETWORK: expected a file or --formula, found none" in capsys.readouterr().err
