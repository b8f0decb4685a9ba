"""Formulas: text and SymPy expressions become functions and come back; hostile text; functions that are sampled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import PLAIN
from test_functions import functions, with_point

import exactformer as ef
from exactformer.enclosure import bounds
from exactformer.functions import Samples, to_sympy
from exactformer.functions.parser import MAX_CHARACTERS, in_order

ANY: Any = ef  # wrong calls on purpose, which the types would refuse
SNAPSHOT = Path(__file__).parent / "snapshots" / "formulas.txt"
x, y = sympy.symbols("x y")

# --- what a formula means -----------------------------------------------------------------------------

Node = tuple[str, Callable[[Any, Any], Any]]  # a text, and what it says by another library's numbers


def constant(text: str) -> Node:
    return text, lambda x, y: mpmath.mpf(text)


ATOMS: st.SearchStrategy[Node] = st.one_of(
    st.sampled_from([("x", lambda x, y: x), ("y", lambda x, y: y)]),
    st.integers(0, 4).map(str).map(constant),
    st.sampled_from(["0.5", "1.25", ".5", "2.", "1e-1", "25E-2"]).map(constant),
    st.sampled_from([("pi", lambda x, y: +mpmath.pi), ("e", lambda x, y: +mpmath.e), ("E", lambda x, y: +mpmath.e)]),
)
CALLS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(mpmath, name)
        for name in ("exp", "log", "ln", "sin", "cos", "tan", "tanh", "sqrt", "sinh", "cosh")
    },
    "abs": abs,
    "Abs": abs,
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "relu": lambda a: max(a, 0),
}
SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


class Undefined(Exception):
    """No real number, or one that is too small or large for the other library to be sure."""


def checked(value: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def check(x: Any, y: Any) -> Any:
        found = mpmath.mpmathify(value(x, y))
        if not isinstance(found, mpmath.mpf) or not (found == 0 or 1e-9 < abs(found) < 1e9):
            raise Undefined
        return found

    return check


def raised(base: Any, exponent: Fraction) -> Any:
    if base < 0 and exponent.denominator > 1:
        raise Undefined
    return mpmath.power(base, mpmath.mpf(exponent.numerator) / exponent.denominator)


def larger(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Nodes of nodes, with all parentheses and with blanks."""

    def call(name: str, a: Node) -> Node:
        return f"{name}({a[0]})", checked(lambda x, y: CALLS[name](a[1](x, y)))

    def binary(sign: str, a: Node, b: Node) -> Node:
        return f"({a[0]}) {sign}({b[0]})", checked(lambda x, y: SIGNS[sign](a[1](x, y), b[1](x, y)))

    def power(sign: str, a: Node, exponent: Fraction) -> Node:
        return f"({a[0]}){sign}({exponent})", checked(lambda x, y: raised(a[1](x, y), exponent))

    def minus(a: Node) -> Node:
        return f"-({a[0]})", lambda x, y: -a[1](x, y)

    def extremum(name: str, parts: list[Node]) -> Node:
        do = max if name.lower() == "max" else min
        return f"{name}({','.join(t for t, _ in parts)})", lambda x, y: do(f(x, y) for _, f in parts)

    return st.one_of(
        st.builds(call, st.sampled_from(sorted(CALLS)), nodes),
        st.builds(binary, st.sampled_from(sorted(SIGNS)), nodes, nodes),
        st.builds(
            power, st.sampled_from(["^", "**"]), nodes, st.builds(Fraction, st.integers(-3, 3), st.integers(1, 3))
        ),
        st.builds(minus, nodes),
        st.builds(extremum, st.sampled_from(["max", "Max", "min", "Min"]), st.lists(nodes, min_size=1, max_size=3)),
    )


NODES = st.recursive(ATOMS, larger, max_leaves=6)


def read(text: str) -> ef.Function:
    """The function of a text of x and y; texts without a value anywhere are none of the test's business."""
    try:
        return ef.function(text, ["x", "y"])
    except ef.InvalidInput as error:
        assert any(word in str(error) for word in ("a value that exists", "of at most")), text
        assume(False)
        raise


@given(NODES, PLAIN, PLAIN)
@settings(max_examples=300)
def test_a_formula_says_what_it_says(node: Node, a: Fraction, b: Fraction) -> None:
    text, value = node
    with mpmath.workprec(500):
        try:
            expected = value(*(mpmath.mpf(c.numerator) / c.denominator for c in (a, b)))
        except (Undefined, ZeroDivisionError, ValueError):
            assume(False)
        low, high = bounds(ef.function(text, ["x", "y"]).evaluate([a, b])[0])
        near = mpmath.mpf(2) ** -250
        assert mpmath.mpf(low.numerator) / low.denominator <= expected + near, text
        assert mpmath.mpf(high.numerator) / high.denominator >= expected - near, text


@given(NODES)
@settings(max_examples=300)
def test_the_formula_of_a_function_is_the_function(node: Node) -> None:
    function = read(node[0])
    again = ef.function(function.formula, function.variables)
    assert again.steps == function.steps, (node[0], function.formula)
    assert function.latex.count("{") == function.latex.count("}")


@given(with_point(functions()))
@settings(max_examples=200)
def test_the_formula_of_any_program_has_its_values(pair: Any) -> None:
    function, point = pair
    try:
        expected = function.evaluate(point)[0]
        again = ef.function(function.formula, function.variables).evaluate(point)[0]
    except (ef.InvalidInput, ef.Unsupported):
        assume(False)
    (a, b), (c, d) = bounds(expected), bounds(again)
    assert a <= d and c <= b


ALONE = [  # a text, and the formula that it becomes
    ("sin(3*x) + x^2/2", "sin(3*x) + x^2/2"),
    ("a-b-c", "a - b - c"),
    ("a-(b-c)", "a - (b - c)"),
    ("a/b/c", "a/b/c"),
    ("a/(b*c)", "a/(b*c)"),
    ("a*(b*c)", "a*(b*c)"),
    ("-x^2", "-x^2"),
    ("(-x)^2", "(-x)^2"),
    ("x^-2", "x^(-2)"),
    ("2^3^2", "512"),
    ("x^3^2", "x^9"),
    ("(x^3)^2", "(x^3)^2"),
    ("2*-x", "-2*x"),
    ("--x", "x"),
    ("x + 0", "x"),
    ("0 + x*1", "x"),
    ("+x", "x"),
    ("x+-1", "x - 1"),
    ("x*0.1", "x/10"),
    ("x/3*2", "2*x/3"),
    ("1/x", "1/x"),
    ("3/x/2", "3/x/2"),
    ("0*log(x)", "0*log(x)"),
    ("x/x", "x/x"),
    ("x-x", "x - x"),
    ("x^0", "x^0"),
    ("sqrt(4)", "2"),
    ("sqrt(2)", "sqrt(2)"),
    ("(8/27)^(2/3)", "4/9"),
    ("exp(0) + cos(0) + log(1) + abs(-2)", "4"),
    ("max(1, 2, x)", "max(2, x)"),
    ("max(x, y, min(x, y))", "max(x, y, min(x, y))"),
    ("max(x, max(x, y))", "max(x, max(x, y))"),
    ("max(x)", "x"),
    ("relu(x)", "max(x, 0)"),
    ("sigmoid(x)", "(tanh(x/2) + 1)/2"),
    ("sinh(x)", "(exp(x) - exp(-x))/2"),
    ("2^x", "exp(x*log(2))"),
    ("e^-x", "exp(-x)"),
    ("e^2", "exp(2)"),
    ("pi^x", "exp(x*log(pi))"),
    ("(sqrt(2)-1)^x", "exp(x*log(sqrt(2) - 1))"),
    ("1e3*x", "1000*x"),
    ("x10 + x9", "x10 + x9"),
]


@pytest.mark.parametrize(("text", "formula"), ALONE)
def test_what_becomes_of_a_text(text: str, formula: str) -> None:
    function = ef.function(text)
    assert function.formula == formula
    assert ef.function(formula, function.variables).steps == function.steps


def test_equal_expressions_are_one_step_and_inputs_have_an_order() -> None:
    assert len(ef.function("sin(x*y) + cos(x*y)*sin(x*y)").steps) == 7
    assert ef.function("y - x").evaluate([1, 10]) == (9,)
    assert ef.function("y - x", ["y", "x"]).evaluate([1, 10]) == (-9,)
    assert ef.function("y - x", ("y", "z", "x")).inputs == 3
    assert ef.function("a_1*x2*x10").variables == ("a_1", "x2", "x10")
    assert ef.function("x10 - x2").evaluate([1, 10]) == (9,)
    assert ef.function("pi", ["x"]).inputs == 1 and ef.function("pi").inputs == 0


def test_names_are_sorted_as_people_do_whatever_they_are() -> None:
    names = ["x10", "x2", "x02", "x", "y", "x2a10", "x2a9", "2", "10", "²", "x²", "x" + "1" * 5000]
    sums = sum(map(sympy.Symbol, names))
    assert ef.function(sums).inputs == len(names)
    order = in_order(names)
    assert order[:5] == ("2", "10", "x", "x02", "x2") and order.index("x2a9") + 1 == order.index("x2a10")
    assert in_order(reversed(names)) == order
    with pytest.raises(ef.InvalidInput, match="column 5: expected a name of at most 40 letters"):
        ef.function("1 + x" + "1" * 5000)


LATEX = [
    ("sin(3*x) + x^2/2", r"\sin\left(3 \, x\right) + \frac{x^{2}}{2}"),
    ("3/(2*x)", r"\frac{3}{2 \, x}"),
    ("-(x+y)/2", r"-\frac{x + y}{2}"),
    ("(x+1)/(y-1/2)", r"\frac{x + 1}{y - \frac{1}{2}}"),
    ("(x/y)^2", r"\left(\frac{x}{y}\right)^{2}"),
    ("2*3^x", r"2 \, \exp\left(x \, \log\left(3\right)\right)"),
    ("2*sqrt(3)^3", r"2 \, \sqrt{3}^{3}"),
    ("2*3^(1/3)", r"2 \cdot 3^{1/3}"),
    ("abs(x)*max(x,pi)", r"\left|x\right| \, \max\left(x, \pi\right)"),
]


@pytest.mark.parametrize(("text", "latex"), LATEX)
def test_latex(text: str, latex: str) -> None:
    assert ef.function(text).latex == latex


# --- what is refused ----------------------------------------------------------------------------------

REFUSED = [
    "",
    " ",
    "x +",
    "x + * y",
    "(x + 1",
    "x + 1)",
    "max(x, y",
    "()",
    "sin()",
    "sin x",
    "sin(x, y)",
    "x, y",
    "3,5*x",
    "2x",
    "2(x + 1)",
    "x(2)",
    "(x)(y)",
    "sen(x)",
    "x = 3",
    "x << 2",
    "x // y",
    "x ** * y",
    "x!",
    "|x|",
    "[x]",
    "x²",
    "2×x",
    "π*x",
    "х + 1",
    "ｘ",
    "x\u200b",
    "x\0",
    "x\x1b[31m",
    "x;y",
    "0x10",
    "1_000",
    "1e99999",
    "1" * 5000,
    "__import__('os').system('true')",
    "lambda x: x",
    "x.__class__",
    "x if x else y",
    "().__class__.__bases__[0]",
    "exec(x)",
    "eval(1)",
    "f'{x}'",
    "x@y",
    "9**9**9**9",
    "10**10**10",
    "2**-(10**9)",
    "(10**3000)**3000",
    "x^5000",
    "x^(1/5000)",
    "2^(1/5000)",
    "1/0",
    "0^-1",
    "x/(0*x)",
    "(1 - 1)^(-1)",
    "log(0)",
    "log(1 - 2)",
    "sqrt(-1)",
    "(-8)^(1/3)",
    "x^y",
    "x^x",
    "x^pi",
    "(-2)^x",
    "0^x",
    "(sin(pi))^x",
    "sin(x) + cos(x) + tan(x) + exp(x) + log(x) + tanh(x) + sqrt(x) + abs(x) @ 3 + sin(x) + cos(x) + tan(x)",
]


def message(text: str) -> str:
    with pytest.raises(ef.InvalidInput) as caught:
        ef.function(text)
    return str(caught.value)


def test_messages_are_those_of_the_snapshot() -> None:
    found = "\n\n".join(message(text) for text in REFUSED) + "\n"
    assert found.isprintable() or all(c == "\n" or c.isprintable() for c in found)
    assert found == SNAPSHOT.read_text(encoding="utf-8")


HOSTILE = {
    "parentheses": "(" * 10**6,
    "ten megabytes": "x+" * (5 * 10**6) + "x",
    "open": "(" * 10**5,
    "closed": "x" + ")" * 10**5,
    "a tower of powers": "9" + "**9" * 20_000,
    "a tower of powers of x": "x" + "^2" * 20_000,
    "powers of powers": "(" * 20_000 + "x" + ")^2" * 20_000,
    "factors of a number": "*".join(["1" * 3000] * 80),
    "a sum of many": "x" + "+x*y" * 20_000,
    "different terms": "+".join(f"x^{n}" for n in range(20_000)),
    "names": "+".join(f"x{n}" for n in range(30_000)),
    "a long name": "x" * 10**5,
    "digits": "1" * (MAX_CHARACTERS - 1),
    "not Python's": "__import__('os').system('touch gone')" * 1000,
    "exponents of two": "2^" * 1000 + "2",
    "constant bases one in another": "(" * 10_000 + "pi" + "^(1/e)-1/9)" * 10_000,
    "equal constant bases": "+".join(["(pi+e)^x"] * 2_000),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_text_is_refused_before_it_costs_anything(text: str) -> None:
    """A text that was worked out before it is refused would take hours, or all memory."""
    try:
        function = ef.function(text)
        assert len(function.steps) < 2**14  # what is left is a formula like any other
    except ef.InvalidInput as error:
        assert len(str(error)) < 1000


def test_deep_parentheses_and_functions_are_no_matter() -> None:
    assert ef.function("(" * 20_000 + "x" + ")" * 20_000).steps == (("input", 0),)
    assert ef.function("-" * 20_000 + "x").steps == (("input", 0),)
    deep = ef.function("sin(" * 8_000 + "x" + ")" * 8_000)
    assert len(deep.steps) == 8_001 and ef.function(deep.formula).steps == deep.steps


@given(st.text(alphabet="xye0123.+-*/^(), \t\nsincoaxm_\"'\\{}²π", max_size=30) | st.text(max_size=20))
@settings(max_examples=300)
def test_any_text_is_a_function_or_one_message(text: str) -> None:
    try:
        function = ef.function(text)
    except ef.InvalidInput as error:
        assert str(error).startswith("formula")
    else:
        assert ef.function(function.formula, function.variables).steps == function.steps


WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("formula: expected a text or a SymPy expression, found the int 3", lambda: ANY.function(3)),
    ("formula: expected a text or a SymPy expression, found None", lambda: ANY.function(None)),
    ("formula: expected a text or a SymPy expression, found the bytes", lambda: ANY.function(b"x")),
    ("variables: expected a list of names, found the str 'xy'", lambda: ANY.function("x", "xy")),
    ("variables: expected a list of names, found the int 3", lambda: ANY.function("x", 3)),
    (r"variables\[0\]: expected a name of at most 40 letters, digits and _, found 3", lambda: ANY.function("x", [3])),
    (r"variables\[0\]: expected a name of at most 40 letters", lambda: ANY.function("x", ["x y"])),
    (r"variables\[0\]: expected a name that has no meaning of its own", lambda: ANY.function("x", ["sin"])),
    (r"variables\[1\]: expected a name that has no meaning of its own", lambda: ANY.function("x", ["x", "e"])),
    (r"variables\[1\]: expected every name once, found x twice", lambda: ANY.function("x", ["x", "x"])),
    ("column 1: expected one of the names y, pi, e, E, found x", lambda: ANY.function("x", ["y"])),
    ("alpha; did you mean alphas?", lambda: ANY.function("alpha", ["alphas"])),
    ("domain: expected a Domain or None, found the tuple", lambda: ANY.function("x", domain=(0, 1))),
    ("domain: expected 1 inputs, found 2", lambda: ANY.function("x", domain=ef.Box([0, 0], [1, 1]))),
    ("name: expected a text, found the int 3", lambda: ANY.function("x", name=3)),
]


@pytest.mark.parametrize(("wanted", "call"), WRONG)
def test_wrong_arguments(wanted: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ef.InvalidInput, match=wanted.replace("?", r"\?")):
        call()


def test_neither_sympy_nor_flint_is_loaded_by_text_alone() -> None:
    code = "import sys, exactformer as ef; ef.function('x + 1'); assert 'sympy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- SymPy --------------------------------------------------------------------------------------------

EXPRESSIONS: list[tuple[Any, str]] = [
    (sympy.sin(3 * x) + x**2 / 2, "x^2/2 + sin(3*x)"),
    (x / y, "x/y"),
    (1 / x, "x^(-1)"),
    (x**-2 * y, "y/x^2"),
    (y / sympy.sqrt(x), "y/sqrt(x)"),
    (sympy.Max(x, y, 1), "max(1, x, y)"),
    (sympy.Min(x, -x), "min(x, -x)"),
    (sympy.pi * sympy.Abs(x), "pi*abs(x)"),
    (sympy.Float(0.1) * x, "x/10"),
    (sympy.Float("0.1", 40) * x, "x/10"),
    (sympy.Rational(1, 3) * x + 5, "x/3 + 5"),
    (sympy.E**x, "exp(x)"),
    (2**x, "exp(x*log(2))"),
    (sympy.sinh(x), "(exp(x) - exp(-x))/2"),
    (sympy.log(x, 2), "log(x)/log(2)"),
    (sympy.Piecewise((x, x >= 0), (-x, True)), "max(x, -x)"),
    (sympy.Piecewise((x, x < y), (y, True)), "min(x, y)"),
    (sympy.Piecewise((0, x < 0), (3 * x, True)), "max(0, 3*x)"),
    (sympy.Piecewise((2 * x - 1, x > 1), (x, True)), "max(-1 + 2*x, x)"),
    (sympy.Symbol("a b") + sympy.Symbol("x_{1}"), "x1 + x2"),
    (sympy.Integer(3), "3"),
]


@pytest.mark.parametrize(("expression", "formula"), EXPRESSIONS, ids=str)
def test_sympy_expressions(expression: Any, formula: str) -> None:
    assert sorted(ef.function(expression).formula) == sorted(formula)  # the order of summands is SymPy's


UNWANTED: list[tuple[Any, str]] = [
    (sympy.cot(x), "found cot, in cot(x)"),
    (sympy.I * x, "found ImaginaryUnit, in I"),
    (sympy.oo, "found Infinity"),
    (sympy.nan, "found NaN"),
    (sympy.zoo, "found ComplexInfinity"),
    (sympy.Heaviside(x), "found Heaviside"),
    (sympy.sign(x), "found sign"),
    (sympy.Function("f")(x), "found f, in f(x)"),
    (sympy.Integral(sympy.sin(x), x), "found Integral; call its method doit first"),
    (sympy.Piecewise((1, x > 0), (0, True)), "found another Piecewise, which may jump; write it with Max, Min and Abs"),
    (sympy.Piecewise((x, x > 0), (x**2, True)), "found another Piecewise"),
    (sympy.Piecewise((x, x > 0), (-x, x < -1), (1, True)), "found another Piecewise"),
    (sympy.Piecewise((x, x > 0)), "found another Piecewise"),
    (sympy.Piecewise((x, sympy.And(x > 0, x < 1)), (-x, True)), "found another Piecewise"),
    (x**y, "found one with a variable; where the base is positive, a^b is exp(b*log(a))"),
    (x > 0, "expected a SymPy expression of numbers, found x > 0"),
    (sympy.Matrix([x]), "expected a SymPy expression of numbers, found MutableDenseMatrix"),
    (sympy.GoldenRatio * x, "found GoldenRatio"),
    (sympy.Integer(10) ** 5000, "expected numbers of at most 13000 bits"),
    (sympy.Integer(-8) ** sympy.Rational(1, 3) * x, "found a root of a negative number"),
    (sympy.Symbol("x") + sympy.Symbol("x", real=True), "expected symbols with different names"),
    (sympy.Pow(0, -1, evaluate=False), "found a negative power of 0"),
]


@pytest.mark.parametrize(("expression", "found"), UNWANTED, ids=[found for _, found in UNWANTED])
def test_sympy_expressions_that_are_no_functions(expression: Any, found: str) -> None:
    with pytest.raises(ef.InvalidInput) as caught:
        ef.function(expression)
    assert found in str(caught.value) and len(str(caught.value)) < 400


def test_symbols_are_given_their_order_and_must_all_be_given() -> None:
    assert ef.function(x - y, [y, x]).evaluate([1, 10]) == (9,)
    assert ef.function(x - y, ["y", "x"]).evaluate([1, 10]) == (9,)
    with pytest.raises(ef.InvalidInput, match="expected the symbols x, found y"):
        ef.function(x + y, ["x"])
    with pytest.raises(ef.InvalidInput, match=r"variables\[1\]: expected every name once, found x twice"):
        ef.function(x, [x, sympy.Symbol("x", real=True)])
    with pytest.raises(ef.InvalidInput, match="variables: expected 1, found 2"):
        to_sympy(ef.function("x"), [x, y])
    deep = x
    for _ in range(5000):
        deep = sympy.sin(deep, evaluate=False)
    with pytest.raises(ef.InvalidInput, match="of moderate depth"):
        ef.function(deep)


@given(NODES, PLAIN, PLAIN)
@settings(max_examples=100)
def test_sympy_and_back(node: Node, a: Fraction, b: Fraction) -> None:
    function = read(node[0])
    expression = to_sympy(function, [x, y])
    again = ef.function(expression, [x, y])
    try:
        expected = function.evaluate([a, b])[0]
    except (ef.InvalidInput, ef.Unsupported):
        assume(False)
    (low, high), (c, d) = bounds(expected), bounds(again.evaluate([a, b])[0])
    assert low <= d and c <= high


def test_sympy_computes_the_same_numbers() -> None:
    for text in ("sin(3*x) + x^2/2", "exp(-x)/(1 + x)^(1/3)", "max(x, tanh(x))*pi", "2^x - x/7", "sigmoid(x)*log(x)"):
        function = ef.function(text)
        value = to_sympy(function).subs(sympy.Symbol("x", real=True), sympy.Rational(3, 7)).evalf(50)
        low, high = bounds(function.evaluate(["3/7"])[0])
        near = sympy.Rational(1, 10**40)
        assert sympy.Rational(low.numerator, low.denominator) - near < value
        assert value < sympy.Rational(high.numerator, high.denominator) + near


# --- functions that are sampled -----------------------------------------------------------------------


def test_a_grid_of_values() -> None:
    f = ef.Sampled(lambda a, b: abs(a) + 2 * b, ["1", 2], ef.Box([-1, 0], [1, 1]), name="g")
    samples: Samples = f.sample([[-1, 0, 1], [0, "1/2"]])
    assert samples.values == (1, 2, 0, 1, 1, 2)
    assert dict(samples.items())[Fraction(-1), Fraction(1, 2)] == 2
    assert len(list(samples.neighbours())) == 7
    assert samples.hypotheses == (
        "if |g(x) - g(y)| <= |x1 - y1| + 2 |x2 - y2| for all x, y in [-1, 1] x [0, 1], "
        "and the values of g at the 6 grid points are as listed"
    )
    one = ef.Sampled(lambda a: "0.1", "1/2", ef.Box([0], [1])).sample([[0]])
    assert one.values == (Fraction(1, 10),) and one.hypotheses.endswith("at the one grid point is as listed")
    assert ef.Sampled(lambda a: 0.1, 0, ef.Box([0], [1])).sample([["1/3"]]).values == (Fraction(0.1),)
    assert "<= 0 for all" in ef.Sampled(abs, 0, ef.Box([0], [1])).hypothesis


def test_constants_that_the_values_contradict() -> None:
    f = ef.Sampled(lambda a: a * a, 1, ef.Box([0], [2]), name="square")
    assert f.sample([[0, "1/2"]]).values == (0, Fraction(1, 4))
    with pytest.raises(ef.InvalidInput) as caught:
        f.sample([[0, 1, 2]])
    assert str(caught.value) == (
        "square at (1) and (2): expected values that differ by at most 1, as the constant 1 of input 0 says, found 3"
    )


def test_the_rounding_of_floats_counts() -> None:
    f = ef.Sampled(lambda a: float(a) / 10, "1/10", ef.Box([0], [1]))
    with pytest.raises(ef.InvalidInput, match="; floats are rounded, for which a slightly larger constant has room"):
        f.sample([[0, 1]])
    assert len(ef.Sampled(f.function, "0.1000001", f.box).sample([[0, 1]]).values) == 2


@given(st.lists(st.lists(PLAIN, min_size=1, max_size=4, unique=True), min_size=1, max_size=3), st.data())
def test_what_neighbours_keep_all_points_keep(axes: list[list[Fraction]], data: Any) -> None:
    """The constants hold between all pairs of a grid that is accepted, not only between neighbours."""
    lipschitz = [data.draw(st.integers(0, 3)) for _ in axes]
    table: dict[Any, Fraction] = {}

    def value(*point: Fraction) -> Fraction:
        return table.setdefault(point, data.draw(PLAIN))

    f = ef.Sampled(value, lipschitz, ef.Box([-12] * len(axes), [12] * len(axes)))
    try:
        items = list(f.sample([sorted(axis) for axis in axes]).items())
    except ef.InvalidInput:
        items = list(table.items())
        assert any(
            abs(u - v) > sum(c * abs(s - t) for c, s, t in zip(lipschitz, p, q, strict=True))
            for p, u in items
            for q, v in items
        )
        return
    for p, u in items:
        for q, v in items:
            assert abs(u - v) <= sum(c * abs(s - t) for c, s, t in zip(lipschitz, p, q, strict=True))


def returns(value: Any) -> Callable[[], Any]:
    return lambda: ANY.Sampled(lambda a: value, 1, ef.Box([0], [1])).sample([[0, 1]])


def fails(a: Any) -> Any:
    raise RuntimeError("no\x1b[31m")


SAMPLED: list[tuple[str, Callable[[], Any]]] = [
    ("function: expected a function, found the int 3", lambda: ANY.Sampled(3, 1, ef.Box([0], [1]))),
    ("lipschitz: expected a number >= 0, found -1", lambda: ANY.Sampled(abs, -1, ef.Box([0], [1]))),
    ("lipschitz: expected one number, or 1, one an input, found 2", lambda: ANY.Sampled(abs, [1, 2], ef.Box([0], [1]))),
    (r"lipschitz\[0\]: expected a number .*, found None", lambda: ANY.Sampled(abs, [None], ef.Box([0], [1]))),
    ("lipschitz: expected a finite number, found nan", lambda: ANY.Sampled(abs, float("nan"), ef.Box([0], [1]))),
    (r"box: expected a Domain \(ef.Box\), found the tuple", lambda: ANY.Sampled(abs, 1, (0, 1))),
    ("box: expected a box with finite ends", lambda: ANY.Sampled(abs, 1, ef.Box([0], [None]))),
    ("box: .*without further inequalities", lambda: ANY.Sampled(abs, 1, ef.Polyhedron([0], [1], [[1]], [1]))),
    ("name: expected a text, found None", lambda: ANY.Sampled(abs, 1, ef.Box([0], [1]), None)),
    (r"f at \(0\): expected a finite number, found nan", returns(float("nan"))),
    (r"f at \(0\): expected a finite number, found inf", returns(float("inf"))),
    (r"f at \(0\): expected a number .*, found None", returns(None)),
    (r"f at \(0\): expected a number .*, found True", returns(True)),
    (r"f at \(0\): expected a number .*, found a", returns("a")),
    (r"f at \(0\): expected a number .*, found 1j", returns(1j)),
    (
        r"f at \(0\): expected a value, found RuntimeError: no\\x1b\[31m",
        lambda: ANY.Sampled(fails, 1, ef.Box([0], [1])).sample([[0]]),
    ),
    (
        "found TypeError: .*; its arguments are fractions",
        lambda: ANY.Sampled(lambda: 1, 1, ef.Box([0], [1])).sample([[0]]),
    ),
    (r"axes\[0\]: expected numbers that ascend", lambda: ANY.Sampled(abs, 1, ef.Box([0], [1])).sample([[1, 0]])),
    (r"axes\[0\]: expected numbers that ascend", lambda: ANY.Sampled(abs, 1, ef.Box([0], [1])).sample([[0, 0]])),
    (r"axes\[0\]: expected numbers of \[0, 1\]", lambda: ANY.Sampled(abs, 1, ef.Box([0], [1])).sample([[0, 2]])),
    ("axes: expected 1 lists of numbers", lambda: ANY.Sampled(abs, 1, ef.Box([0], [1])).sample([[0], [0]])),
    ("axes: expected 1 lists of numbers", lambda: ANY.Sampled(abs, 1, ef.Box([0], [1])).sample(3)),
    ("axes: expected 1 lists of numbers", lambda: ANY.Sampled(abs, 1, ef.Box([0], [1])).sample([[]])),
    (r"axes\[0\]\[0\]: expected a number", lambda: ANY.Sampled(abs, 1, ef.Box([0], [1])).sample([["a"]])),
    (
        "axes: expected a grid of at most 1048576 points, found 4000000",
        lambda: ANY.Sampled(max, 1, ef.Box([0, 0], [2000, 2000])).sample([[*range(2000)]] * 2),
    ),
    (
        r"f at \(2\): expected a point of \[0, 1\], found one outside",
        lambda: ANY.Sampled(abs, 1, ef.Box([0], [1])).value((Fraction(2),)),
    ),
]


@pytest.mark.parametrize(("wanted", "call"), SAMPLED)
def test_sampling_refuses_with_a_place(wanted: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ef.InvalidInput, match=wanted):
        call()
