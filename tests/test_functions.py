"""Functions by formulas: their values by two other routes, files, floats, and what is refused."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy  # type: ignore[import-untyped]
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import PLAIN, SMALL, domains

import exactformer as ef
from exactformer.cli import main
from exactformer.enclosure import bounds
from exactformer.errors import NumberTooLong
from exactformer.formats.network_json import dump, parse
from exactformer.functions import expressions
from exactformer.functions.parser import CONSTANTS
from exactformer.kernel import functions as kernel
from exactformer.kernel.elementary import Undefined as KernelUndefined
from exactformer.kernel.reading import Rejected
from exactformer.networks import Function
from exactformer.networks.elementary import OPERANDS, TooLong, Undefined, exactly
from exactformer.networks.function import WORDS
from exactformer.numeric import preactivations

ANY: Any = ef  # wrong calls on purpose, which the types would refuse
EXPONENTS = st.sampled_from([Fraction(n, d) for n in (-3, -1, 0, 1, 2, 3) for d in (1, 2, 3)])
UNARY = ("exp", "log", "sin", "cos", "tan", "tanh", "absolute")
BINARY = ("add", "multiply", "divide", "maximum", "minimum")
RATIONAL = ("add", "multiply", "divide", "maximum", "minimum", "absolute")


@st.composite
def functions(draw: Any, operations: tuple[str, ...] = UNARY + BINARY, size: int = 8) -> ef.Function:
    """Programs of any shape: steps that nothing needs, numbers that could be worked out, equal steps."""
    inputs = draw(st.integers(1, 2))
    steps: list[tuple[Any, ...]] = [("input", draw(st.integers(0, inputs - 1)))]
    for number in range(1, draw(st.integers(1, size))):
        earlier = st.integers(0, number - 1)
        kind = draw(st.sampled_from(("input", "number", "pi", "power", *operations)))
        if kind == "input":
            steps.append(("input", draw(st.integers(0, inputs - 1))))
        elif kind == "number" or (kind == "pi" and operations == RATIONAL):
            steps.append(("number", draw(SMALL | PLAIN)))
        elif kind == "power":
            exponent = draw(EXPONENTS)
            steps.append(("power", draw(earlier), exponent if operations != RATIONAL else Fraction(exponent.numerator)))
        else:
            steps.append((kind, *(draw(earlier) for _ in OPERANDS[kind])))
    return ef.Function(inputs, steps, draw(st.none() | domains(inputs)), draw(st.text(max_size=5)))


def with_point(strategy: Any, numbers: Any = PLAIN) -> Any:
    return strategy.flatmap(lambda f: st.tuples(st.just(f), st.tuples(*[numbers] * f.inputs)))


# --- values -------------------------------------------------------------------------------------------


def by_fractions(function: ef.Function, point: tuple[Fraction, ...]) -> Fraction:
    """The value by Python's own arithmetic; every step, needed or not, and every error as it comes."""
    do: dict[str, Callable[..., Any]] = {
        "add": lambda a, b: a + b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
        "maximum": max,
        "minimum": min,
        "absolute": abs,
    }
    values: list[Fraction] = []
    for operation, *rest in function.steps:
        if operation == "input":
            values.append(point[rest[0]])
        elif operation == "number":
            values.append(rest[0])
        elif operation == "power":
            values.append(Fraction(values[rest[0]] ** rest[1].numerator))
        else:
            values.append(do[operation](*(values[a] for a in rest)))
    return values[-1]


@given(with_point(functions(RATIONAL)))
@settings(max_examples=200)
def test_rational_steps_have_exact_values(pair: Any) -> None:
    function, point = pair
    try:
        expected = by_fractions(function, point)
    except ZeroDivisionError:
        assume(False)
    assert function.evaluate(point) == (expected,)
    assert type(function.evaluate(point)[0]) is Fraction


def by_mpmath(function: ef.Function, point: tuple[Fraction, ...]) -> Any:
    """The value in 500 bits; None where it is undefined or not real, or where steps so small or large lose bits."""
    do: dict[str, Callable[..., Any]] = {
        "add": lambda a, b: a + b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
        "maximum": max,
        "minimum": min,
        "absolute": abs,
        **{name: getattr(mpmath, name) for name in ("exp", "log", "sin", "cos", "tan", "tanh")},
    }
    values: list[Any] = []
    for operation, *rest in function.steps:
        try:
            if operation == "input":
                value = mpmath.mpf(point[rest[0]].numerator) / point[rest[0]].denominator
            elif operation == "number":
                value = mpmath.mpf(rest[0].numerator) / rest[0].denominator
            elif operation == "pi":
                value = +mpmath.pi
            elif operation == "power":
                base, exponent = values[rest[0]], rest[1]
                if base < 0 and exponent.denominator > 1:
                    return None
                value = mpmath.power(base, mpmath.mpf(exponent.numerator) / exponent.denominator)
            else:
                value = do[operation](*(values[a] for a in rest))
        except (ZeroDivisionError, ValueError):
            return None
        if not isinstance(value, mpmath.mpf) or not (value == 0 or 1e-9 < abs(value) < 1e9):
            return None
        values.append(value)
    return values[-1]


@given(with_point(functions()))
@settings(max_examples=300)
def test_enclosures_contain_what_another_library_computes(pair: Any) -> None:
    function, point = pair
    with mpmath.workprec(500):
        expected = by_mpmath(function, point)
        assume(expected is not None)
        low, high = bounds(function.evaluate(point)[0])
        near = mpmath.mpf(2) ** -300
        assert mpmath.mpf(low.numerator) / low.denominator <= expected + near
        assert mpmath.mpf(high.numerator) / high.denominator >= expected - near
        assert high - low <= Fraction(1, 2**98) * max(1, abs(low))


@given(with_point(functions(size=10)))
@settings(max_examples=300)
def test_the_kernel_finds_the_same_values(pair: Any) -> None:
    """Two evaluators that share no code: where the kernel, at one precision, is sure of a value, so is the product."""
    function, point = pair
    own = kernel.read_function(json.loads(dump(function)), "f.json")
    try:
        low, high = kernel.value(own, point)
    except KernelUndefined:
        with suppress(ef.InvalidInput, ef.Unsupported):
            function.evaluate(point)
        return
    a, b = bounds(function.evaluate(point)[0])
    assert low <= b and a <= high


@given(with_point(functions()))
@settings(max_examples=150)
def test_floats_are_near(pair: Any) -> None:
    function, point = pair
    with mpmath.workprec(500):
        assume(by_mpmath(function, point) is not None)
    jump = {"tan", "log", "divide", "power"} & {step[0] for step in function.steps}
    assume(not jump)
    low, _ = bounds(function.evaluate(point)[0])
    batch = np.array([[float(x) for x in point]] * 3)
    assert ef.evaluate_batch(function, batch) == pytest.approx(float(low), rel=1e-3, abs=1e-3)


VALUES: list[tuple[int, list[tuple[Any, ...]], list[Any], str]] = [
    (1, [("input", 0), ("power", 0, "2/3")], ["8/27"], "4/9"),
    (1, [("input", 0), ("power", 0, "1/2")], [4], "2"),
    (1, [("input", 0), ("power", 0, 0)], [0], "1"),
    (1, [("input", 0), ("power", 0, -3)], [-2], "-1/8"),
    (1, [("input", 0), ("power", 0, "1/4096")], [0], "0"),
    (1, [("input", 0), ("power", 0, "1/4096")], [1], "1"),
    (1, [("input", 0), ("exp", 0), ("log", 1)], [0], "0"),
    (1, [("input", 0), ("cos", 0)], [0], "1"),
    (1, [("input", 0), ("tan", 0), ("tanh", 1), ("sin", 2)], [0], "0"),
    (0, [("pi",)], [], "3.14159265358979 ± 3.3e-15"),
    (0, [("number", 2), ("power", 0, "1/2"), ("power", 1, 2)], [], "2 ± 1.6e-30"),
]


@pytest.mark.parametrize(("inputs", "steps", "point", "expected"), VALUES)
def test_values(inputs: int, steps: Any, point: Any, expected: str) -> None:
    assert str(ef.Function(inputs, steps).evaluate(point)[0]) == expected


UNDEFINED: list[tuple[list[tuple[Any, ...]], Any, str]] = [
    ([("input", 0), ("log", 0)], 0, "found the logarithm of 0"),
    ([("input", 0), ("log", 0)], "-1/3", "found the logarithm of a negative number"),
    ([("input", 0), ("number", 1), ("divide", 1, 0)], 0, "found a division by 0"),
    ([("input", 0), ("power", 0, -1)], 0, "found a negative power of 0"),
    ([("input", 0), ("power", 0, "1/3")], -8, "found a root of a negative number"),
    ([("input", 0), ("sin", 0), ("number", -2), ("add", 1, 2), ("log", 3)], 1, "found the logarithm of a negative"),
    ([("pi",), ("sin", 0), ("number", 1), ("divide", 2, 1)], 0, "found a division by what may be 0 at a precision of"),
    ([("pi",), ("number", "1/2"), ("multiply", 0, 1), ("tan", 2)], 0, "found the tangent at what may be a pole"),
    ([("input", 0), ("log", 0), ("input", 0)], -1, "found the logarithm of a negative number"),  # though not needed
    ([("pi",), ("sin", 0), ("power", 1, "1/2")], 0, "found the power 1/2 of what may be below or at 0"),
]


@pytest.mark.parametrize(("steps", "x", "found"), UNDEFINED)
def test_where_a_function_is_undefined_it_says_so(steps: Any, x: Any, found: str) -> None:
    with pytest.raises(ef.InvalidInput) as caught:
        ef.Function(1, steps).evaluate([x])
    assert found in str(caught.value) and str(caught.value).startswith(f"value at ({x}): expected a point at which")


def test_huge_and_tiny_values_take_no_time_and_no_memory() -> None:
    power = [("number", 2), ("power", 0, 4096)]
    tower = [*power, ("power", 1, 4096), ("power", 2, 4096)]
    for steps in ([*power, ("exp", 1)], tower, [("number", 10**9), ("exp", 0)], [*power, ("exp", 1), ("exp", 2)]):
        with pytest.raises(NumberTooLong, match="expected one of a size up to 2\\^12500"):
            ef.Function(0, steps).evaluate([])
    tiny = ef.Function(0, [("number", -(10**9)), ("exp", 0)]).evaluate([])[0]
    assert isinstance(tiny, ef.Enclosure) and tiny.lower == 0 and tiny.upper == Fraction(1, 2**12500)
    below = ef.Function(0, [("number", -(10**9)), ("exp", 0), ("number", -1), ("multiply", 1, 2)]).evaluate([])[0]
    assert below == -tiny
    small = ef.Function(0, [*tower, ("power", 3, -1)]).evaluate([])[0]
    assert 0 <= bounds(small)[0] <= bounds(small)[1] <= Fraction(1, 2**12500)
    large = ef.Function(1, [("input", 0), ("sin", 0)]).evaluate([10**3000])[0]
    assert isinstance(large, ef.Enclosure) and large.upper - large.lower < Fraction(1, 2**98)


def test_sixteen_thousand_steps_one_in_another() -> None:
    deep = ef.Function(1, [("input", 0), *(("sin", i) for i in range(16_000))])
    assert 0 < bounds(deep.evaluate([1])[0])[0] < Fraction(1, 50)
    assert repr(deep) == "<Function f: 1 input, 16001 steps>"
    wide = ef.Function(1, [("input", 0), *(("add", i, i) for i in range(3000))])
    assert wide.evaluate([1]) == (Fraction(2**3000),)
    with pytest.raises(ef.Unsupported, match="expected one of at most 65536 characters"):
        _ = wide.formula


@pytest.mark.parametrize("operation", UNARY)
def test_nothing_is_known_to_be_rational_but_by_a_theorem(operation: str) -> None:
    rational = {"log": [Fraction(1)], "absolute": [Fraction(3), Fraction(-1, 2), Fraction(0)]}.get(
        operation, [Fraction(0)]
    )
    for x in map(Fraction, ("0", "1", "2", "3", "1/2", "-1/2")):
        try:
            found = exactly(operation, x)
        except Undefined:
            continue
        assert (found is not None) == (x in rational or operation == "absolute")


@given(PLAIN | st.integers(0, 10**30).map(Fraction), st.integers(1, 6), st.integers(-5, 5))
def test_roots_are_exact_or_unknown(base: Fraction, q: int, n: int) -> None:
    assume(base > 0)
    assert exactly("power", base**q, Fraction(n, q)) == base**n
    for other in (base**q + 1, 1 / (base**q + 1)):
        root = exactly("power", other, Fraction(1, q))
        assert root is None or root**q == other


def test_powers_that_would_be_long_are_not_computed() -> None:
    for base, exponent in ((2, 10**12), (Fraction(1, 3), 10**9), (Fraction(-7, 5), -(10**15)), (10**4000, 4)):
        with pytest.raises(TooLong):
            exactly("power", Fraction(base), Fraction(exponent))
    for base in (0, 1):
        assert exactly("power", Fraction(base), Fraction(10**12)) == base
    assert exactly("power", Fraction(-1), Fraction(10**12 + 1)) == -1


# --- files, copies, what is shown ---------------------------------------------------------------------


@given(functions())
def test_files_and_copies_are_the_same_function(function: ef.Function) -> None:
    again = parse(dump(function).encode(), "f.json")
    for other in (again, pickle.loads(pickle.dumps(function)), copy.deepcopy(function)):
        assert other == function and hash(other) == hash(function)
        assert ef.digest(other) == ef.digest(function)
    assert json.loads(dump(function))["kind"] == "function" and dump(again) == dump(function)


def test_a_function_is_saved_and_loaded(tmp_path: Path) -> None:
    function = ef.function("sin(3*x) + x^2/2", domain=ef.Box([0], [1]), name="wave")
    ef.save(function, tmp_path / "wave.json")
    assert ef.load(tmp_path / "wave.json") == function
    assert str(function) == "function wave: sin(3*x) + x^2/2"
    assert repr(ef.function("pi")) == "<Function f: pi>"
    assert "<td>inputs</td><td>1</td>" in function._repr_html_()
    assert "&lt;b&gt;" in ef.function("x", name="<b>")._repr_html_()
    named = {**json.loads(dump(function)), "name": "a\x1b[31m"}
    (tmp_path / "b.json").write_text(json.dumps(named), encoding="utf-8")
    assert "\x1b" not in str(ef.load(tmp_path / "b.json"))


TOO_LARGE = ef.Function(0, [("number", 10**400)])
STEPS: list[tuple[Any, str]] = [
    (["input", 1], "steps[1][1]: expected the number of an input, from 0 to 0, found 1"),
    (["numbr", 3], "steps[1]: expected an operation (input, number, ...), found numbr; did you mean number?"),
    (["multiply", 0, 1], "steps[1][2]: expected the number of an earlier step, from 0 to 0, found 1"),
    (["multiply", 0, -1], "steps[1][2]: expected the number of an earlier step, from 0 to 0, found -1"),
    (["add", 0, "0"], "steps[1][2]: expected the number of an earlier step, from 0 to 0, found 0"),
    (["add", 0, True], "steps[1][2]: expected the number of an earlier step, from 0 to 0, found True"),
    (["add", 0, 0.0], "steps[1][2]: expected the number of an earlier step, from 0 to 0, found 0.0"),
    (["sin"], "steps[1]: expected sin with 1 operand, found 0"),
    (["pi", 0], "steps[1]: expected pi with 0 operands, found 1"),
    (["power", 0, "1/4097"], "steps[1][2]: expected an exponent of numerator and denominator up to 4096, found 1/4097"),
    (["power", 0, "-4097"], "steps[1][2]: expected an exponent of numerator and denominator up to 4096, found -4097"),
    (["number", "1/0"], "steps[1][1]: expected a denominator that is not zero, found 1/0"),
    (["number", "NaN"], "steps[1][1]: expected a number ..., found NaN"),
    (["number", None], "steps[1][1]: expected a number ..., found None"),
    (["number", 1e999], "steps[1][1]: expected a ..., found"),
    ([], "steps[1]: expected a list of an operation and its operands, found []"),
    ("sin", "steps[1]: expected a list of an operation and its operands, found sin"),
    ([["sin"], 0], "steps[1]: expected a list of an operation and its operands, found"),
    ({"sin": 0}, "steps[1]: expected a list of an operation and its operands, found"),
]


@pytest.mark.parametrize(("step", "message"), STEPS)
def test_every_fault_of_a_step_is_named(step: Any, message: str, tmp_path: Path) -> None:
    pattern = re.escape(message).replace(re.escape("..."), ".*")
    with pytest.raises(ef.InvalidInput, match=pattern):
        ANY.Function(1, [("input", 0), step])
    value: Any = {"format": "exactformer/network-1", "kind": "function", "inputs": 1, "steps": [["input", 0], step]}
    with pytest.raises(Rejected):
        kernel.read_function(json.loads(json.dumps(value), parse_constant=str, parse_float=str), "a.json")
    with pytest.raises(ef.InvalidInput, match=r"a\.json: steps\[1\]"):
        parse(json.dumps(value).encode(), "a.json")


WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("inputs: expected an integer from 0 to 16384, found the int -1", lambda: ANY.Function(-1, [("pi",)])),
    ("inputs: expected an integer from 0 to 16384, found the bool True", lambda: ANY.Function(True, [("pi",)])),
    ("inputs: expected an integer from 0 to 16384, found the int 100000", lambda: ANY.Function(100000, [("pi",)])),
    ("steps: expected a list of 1 to 16384 steps, found 0", lambda: ANY.Function(1, [])),
    ("steps: expected a list of 1 to 16384 steps, found 16385", lambda: ANY.Function(1, [("pi",)] * 16385)),
    ("steps: expected a list of 1 to 16384 steps, found sin", lambda: ANY.Function(1, "sin")),
    ("domain: expected 1 inputs, found 2", lambda: ANY.Function(1, [("pi",)], ef.Box([0, 0], [1, 1]))),
    ("domain: expected a Domain or None, found the int 3", lambda: ANY.Function(1, [("pi",)], 3)),
    ("name: expected a text, found the int 3", lambda: ANY.Function(1, [("pi",)], None, 3)),
    ("point: expected 1 coordinates, found 2", lambda: ANY.Function(1, [("pi",)]).evaluate([1, 2])),
    (
        "steps\\[0\\]: expected numbers within the range of float64",
        lambda: ef.evaluate_batch(TOO_LARGE, np.zeros((1, 0))),
    ),
    (
        "preactivations: expected a maxout or ReLU network, found a function",
        lambda: preactivations(ef.Function(0, [("pi",)]), [[1]]),
    ),
]


@pytest.mark.parametrize(("message", "call"), WRONG)
def test_what_is_no_function_is_refused(message: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ef.InvalidInput if "preactivations" not in message else ef.Unsupported, match=message):
        call()


def test_all_faults_of_a_file_at_once() -> None:
    value = {"format": "exactformer/network-1", "kind": "function", "inputs": 1, "domain": {"lower": [1], "upper": [0]}}
    value |= {"steps": [["input", 3], ["sine", 0], ["power", 0]]}
    with pytest.raises(ef.InvalidInput) as caught:
        parse(json.dumps(value).encode(), "a.json")
    assert len(caught.value.reasons) == 4 and all(reason.startswith("a.json: ") for reason in caught.value.reasons)
    for key in ("steps", "inputs"):
        with pytest.raises(ef.InvalidInput, match=f"a.json: file: expected the key '{key}'"):
            parse(json.dumps({k: v for k, v in value.items() if k not in (key, "domain")}).encode(), "a.json")
    with pytest.raises(ef.InvalidInput, match=r"a\.json: file: expected only the keys .*found key 'layers'"):
        parse(json.dumps({**value, "layers": []}).encode(), "a.json")


# --- batches ------------------------------------------------------------------------------------------


def test_batches_of_floats() -> None:
    points = np.linspace(-3, 3, 50_001).reshape(-1, 1)
    found = ef.evaluate_batch(ef.function("sin(3*x) + max(x, 1/2)^2/2 - pi"), points)
    assert found == pytest.approx(np.sin(3 * points) + np.maximum(points, 0.5) ** 2 / 2 - np.pi)
    assert ef.evaluate_batch(ef.function("2", ["x"]), points).shape == points.shape
    assert ef.evaluate_batch(ef.function("2"), np.zeros((4, 0))).tolist() == [[2.0]] * 4
    undefined = ef.evaluate_batch(ef.function("log(x) + 1/x + sqrt(x)"), [[0.0], [-1.0]])
    assert not np.isfinite(undefined).any()


# --- the command line ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    ef.save(ef.function("sin(3*x) + x^2/2", domain=ef.Box([0], [1])), "f.json")
    ef.save(ef.ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0])), "relu.json")
    return tmp_path


def test_evaluate_prints_all_digits_that_are_certain(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "f.json", "--at", "1/2", "--at", "0"]) == 0
    assert capsys.readouterr().out == "1.12249498660405443094172337114\n0\n"
    assert main(["evaluate", "f.json", "--at", "1/2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["exact"] is False and answer["enclosures"][0][0].keys() == {"lower", "upper"}
    ef.save(ef.function("1/x"), "g.json")
    assert main(["evaluate", "g.json", "--at", "0"]) == 3
    expected = "g.json: value at (0): expected a point at which the function is defined, found a division by 0\n"
    assert capsys.readouterr().err == f"exactformer: {expected}"
    ef.save(ef.function("exp(exp(x))"), "h.json")
    assert main(["evaluate", "h.json", "--at", "100"]) == 2


def test_evaluate_takes_a_formula(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--formula", "y^2 - x/3", "--at", "1,2", "--at", "0,1/2"]) == 0
    assert capsys.readouterr().out == "11/3\n1/4\n"
    assert main(["evaluate", "--formula=-y^2 - x", "--variables", "y, x", "--at", "1,2"]) == 0
    assert capsys.readouterr().out == "-3\n"
    messages = {
        (
            "--formula",
            "2x",
        ): "formula, column 2: expected an operator, found x; a product is written with *\n  2x\n   ^",
        ("--formula", "1/x"): "formula: value at (0): expected a point at which the function is defined, found a "
        "division by 0",
        ("--formula", "x", "--variables", "x,x"): "variables[1]: expected every name once, found x twice",
        ("f.json", "--formula", "x"): "NETWORK: expected a file or --formula, found both",
        (): "NETWORK: expected a file or --formula, found none",
        ("f.json", "--variables", "x"): "--variables: expected together with --formula, without which it has no effect",
        ("--formula", "x", "--temperature", "1"): "--temperature: expected together with a network that is no "
        "function, without which it has no effect",
    }
    for words, expected in messages.items():
        assert main(["evaluate", *words, "--at", "0"]) == 3
        assert capsys.readouterr().err == f"exactformer: {expected}\n"


def test_a_function_is_a_side_of_a_claim_and_has_a_place_in_its_report(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ef.save(ef.function("sin(3*x)", domain=ef.Box([0], ["1/2"]), name="<b>wave</b>"), "wave.json")
    assert main(["verify", "wave.json", "relu.json", "--claim", "within:2", "--out", "proof"]) == 0
    report = (folder / "proof" / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;wave&lt;/b&gt;, a function with 4 steps" in report and "<b>wave" not in report
    assert "The value of a function given by a formula is one more such variable" in report
    assert "by exact bounds, or by exact multipliers" in report
    assert main(["verify", "relu.json", "wave.json", "--out", "refuted"]) == 1
    assert "a function with 4 steps" in (folder / "refuted" / "report.md").read_text(encoding="utf-8")
    assert main(["check", "proof", "--quiet"]) == 0 and main(["report", "proof", "--format", "text"]) == 0
    assert "sin(3*x)" in capsys.readouterr().out


VERBS = [
    "prove f.json",
    "compile f.json -o g.json",
    "compile f.json --compare",
    "regions f.json",
    "regions f.json --of transformer",
    "regions f.json --draw a.svg",
    "temperature f.json --epsilon 1/10",
    "evaluate f.json --at 1 --temperature 3",
    "evaluate f.json --at 1 --tie leftmost",
]


@pytest.mark.parametrize("words", VERBS)
def test_verbs_that_take_no_function_say_so_and_write_nothing(
    words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 3
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and ("function" in err or "--tie" in err)
    assert sorted(path.name for path in folder.iterdir()) == ["f.json", "relu.json"]


def test_names_of_inputs_are_kept() -> None:
    """In files, theorems and formulas; names that formulas cannot use are not those of a function."""
    f = ef.function("y - t^2", ["y", "t"])
    assert (f.names, f.formula, f.latex) == (("y", "t"), "y - t^2", "y - t^{2}")
    again = parse(dump(f).encode(), "f.json")
    assert isinstance(again, Function)
    assert again == f and again.names == f.names
    found = ef.verify(f, f, domain=ef.Box([0, 0], [1, 1]))
    assert found.theorem is not None and "where left(y, t) = y - t^2 and right(y, t) = y - t^2" in found.theorem
    plain = Function(2, f.steps)
    assert plain == f and plain.formula == "x1 - x2^2" and '"variables"' not in dump(plain)
    assert ef.function(sympy.Symbol("x y") + 1).names == () and ef.function(sympy.Symbol("u_3")).latex == "u_{3}"
    for names, message in (
        (["a"], "variables: expected 2 names, found 1"),
        (["a", "pi"], r"variables\[1\]: expected a name that has no meaning of its own"),
        (["a", "a"], r"variables\[1\]: expected every name once"),
        (3, "variables: expected 2 names, found 3"),
    ):
        with pytest.raises(ef.InvalidInput, match=message):
            Function(2, f.steps, names=names)  # type: ignore[arg-type]
    assert set(WORDS) == {*expressions.UNARY, *expressions.EXTREMA, *CONSTANTS}
