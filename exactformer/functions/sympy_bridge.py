"""SymPy expressions as functions, and back; a walk over their parts, nothing is simplified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import reduce
from itertools import islice
from typing import Any

import sympy  # type: ignore[import-untyped]

from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput
from exactformer.functions.expressions import Expressions, Refused
from exactformer.functions.parser import in_order
from exactformer.networks import Function
from exactformer.networks.function import check_names
from exactformer.rational import rational

_SAME = {sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan"}
_SAME |= {sympy.tanh: "tanh", sympy.Abs: "absolute"}
_WRITTEN: dict[Any, Callable[[Expressions, int], int]] = {sympy.sinh: Expressions.sinh, sympy.cosh: Expressions.cosh}
_EXTREMA = {sympy.Max: "maximum", sympy.Min: "minimum"}
_CALLED = {operation: kind for kind, operation in (_SAME | _EXTREMA).items()}
_UNDONE = (sympy.Derivative, sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit, sympy.Subs)
SHORT = 50  # parts of an expression that a message shows


def from_sympy(expression: Any, variables: Sequence[Any] | None, domain: Domain | None, name: str) -> Function:
    """The function of a SymPy expression, whose symbols stand for real numbers.

    A SymPy `Float` is the decimal that it prints, so that Float(0.1), of 15 digits, is 1/10. A `Piecewise` of two
    expressions that agree where its condition changes is their maximum or minimum; every other one is refused.

    Raises `InvalidInput` for parts that functions do not have, and where `exactformer.function` does.
    """
    if not isinstance(expression, sympy.Expr):
        raise InvalidInput(f"formula: expected a SymPy expression of numbers, found {_shown(expression)}")
    try:
        return _function(expression, variables, domain, name)
    except Refused as error:
        raise InvalidInput(f"formula: {error}") from None
    except RecursionError:
        raise InvalidInput("formula: expected a SymPy expression of moderate depth, found a deeper one") from None


def _function(expression: Any, variables: Sequence[Any] | None, domain: Domain | None, name: str) -> Function:
    symbols = {str(symbol) for symbol in expression.free_symbols}
    if len(symbols) < len(expression.free_symbols):
        raise InvalidInput("formula: expected symbols with different names, found two of one name")
    names = in_order(symbols) if variables is None else tuple(map(str, variables))
    faults = Faults()
    for i, symbol in enumerate(names):
        if symbol in names[:i]:
            faults.add(f"variables[{i}]", "every name once", f"{symbol} twice")
    for symbol in sorted(symbols - set(names)):
        faults.add("formula", f"the symbols {', '.join(names) or '(none)'}", symbol)
    faults.settle()
    write = Expressions()
    last = _last(expression, {symbol: i for i, symbol in enumerate(names)}, write)
    unfit = Faults()
    check_names(names, "variables", unfit)  # symbols may have names that formulas cannot use
    return write.function(last, len(names), domain, name, () if unfit.reasons else names)


def to_sympy(function: Function, variables: Sequence[Any] | None = None) -> Any:
    """The SymPy expression of a function, as it is written, step by step; its method `doit` has SymPy simplify it.

    `variables` are SymPy symbols or names, one an input; without them they are real and named as in `formula`.
    Raises `InvalidInput` for another number of them.
    """
    given = function.variables if variables is None else variables
    if len(given) != function.inputs:
        raise InvalidInput(f"variables: expected {function.inputs}, found {len(given)}")
    symbols = [sympy.Symbol(v, real=True) if isinstance(v, str) else v for v in given]
    found: list[Any] = []
    for step in function.steps:
        match step:
            case ("input", i):
                value = symbols[i]
            case ("number", c):
                value = sympy.Rational(c.numerator, c.denominator)
            case ("pi",):
                value = sympy.pi
            case ("add", a, b):
                value = sympy.Add(found[a], found[b], evaluate=False)
            case ("multiply", a, b):
                value = sympy.Mul(found[a], found[b], evaluate=False)
            case ("divide", a, b):
                value = sympy.Mul(found[a], sympy.Pow(found[b], -1, evaluate=False), evaluate=False)
            case ("power", a, c):
                value = sympy.Pow(found[a], sympy.Rational(c.numerator, c.denominator), evaluate=False)
            case (operation, *operands):
                value = _CALLED[operation](*(found[a] for a in operands), evaluate=False)
        found.append(value)
    return found[-1]


def _last(expression: Any, index: dict[str, int], write: Expressions) -> int:
    """The number of an expression, its parts first, without recursion."""
    found: dict[Any, int] = {}
    waiting = [expression]
    while waiting:
        node = waiting[-1]
        parts = _parts(node)
        missing = [part for part in parts if part not in found]
        if missing:
            waiting += reversed(missing)
            continue
        waiting.pop()
        if node not in found:
            try:
                found[node] = _written(node, [found[part] for part in parts], index, write)
            except Refused as error:
                hint = f"{error.hint}, in {_shown(node)}"
                raise Refused(error.expected, error.found, hint) from None
    return found[expression]


def _parts(node: Any) -> tuple[Any, ...]:
    """The expressions that an expression is made of, those under a fraction without their exponents' sign."""
    if isinstance(node, sympy.Mul):
        return tuple(_inverse(part) or part for part in node.args)
    if isinstance(node, sympy.Piecewise):
        return tuple(value for value, _ in node.args)
    known = isinstance(node, (sympy.Add, sympy.Pow)) or type(node) in (*_SAME, *_WRITTEN, *_EXTREMA)
    return tuple(node.args) if known else ()


def _inverse(node: Any) -> Any:
    """The expression b^c of b^-c, c > 0, and None for any other."""
    if not isinstance(node, sympy.Pow) or not isinstance(node.exp, sympy.Rational) or node.exp >= 0:
        return None
    return node.base if node.exp == -1 else sympy.Pow(node.base, -node.exp, evaluate=False)


def _written(node: Any, parts: list[int], index: dict[str, int], write: Expressions) -> int:
    kind = type(node)
    if isinstance(node, sympy.Symbol):
        return write.input(index[str(node)])
    if isinstance(node, sympy.Rational):
        return write.number(Fraction(int(node.p), int(node.q)))
    if isinstance(node, sympy.Float):
        return write.number(rational(str(node), "formula"))
    if node in (sympy.pi, sympy.E):
        return write.pi() if node == sympy.pi else write.e()
    if isinstance(node, sympy.Add):
        return reduce(write.add, parts)
    if isinstance(node, sympy.Mul):
        below = [_inverse(part) is not None for part in node.args]
        one = write.number(1)
        above = reduce(write.multiply, [a for a, under in zip(parts, below, strict=True) if not under] or [one])
        under = [a for a, under in zip(parts, below, strict=True) if under]
        return write.divide(above, reduce(write.multiply, under)) if under else above
    if isinstance(node, sympy.Pow):
        return write.raised(*parts)
    if kind in _SAME and len(parts) == 1:
        return write.apply(_SAME[kind], *parts)
    if kind in _WRITTEN:
        return _WRITTEN[kind](write, *parts)
    if kind in _EXTREMA:
        return reduce(lambda a, b: write.apply(_EXTREMA[kind], a, b), parts)
    if isinstance(node, sympy.Piecewise):
        return write.apply(_extremum(node), *parts)
    expected = "sums, products, powers, exp, log, sin, cos, tan, sinh, cosh, tanh, Abs, Max, Min, pi, E and numbers"
    raise Refused(expected, kind.__name__, "; call its method doit first" if isinstance(node, _UNDONE) else "")


def _extremum(node: Any) -> str:
    """Which of maximum and minimum a case distinction is: its two expressions differ as the sides that it compares."""
    if len(node.args) == 2 and node.args[1].cond == sympy.true:
        (first, condition), (second, _) = node.args
        kinds = {sympy.Ge: 1, sympy.Gt: 1, sympy.Le: -1, sympy.Lt: -1}
        if type(condition) in kinds:
            apart = sympy.expand(condition.lhs - condition.rhs)
            ratio = sympy.cancel(sympy.expand(first - second) / apart) if apart != 0 else sympy.nan
            if ratio.is_Rational and ratio != 0:
                return "maximum" if ratio * kinds[type(condition)] > 0 else "minimum"
    expected = "a case distinction that is the maximum or minimum of two expressions"
    raise Refused(expected, "another Piecewise, which may jump", "; write it with Max, Min and Abs")


def _shown(node: Any) -> str:
    """An expression of moderate size, or its kind."""
    if isinstance(node, sympy.Basic) and sum(1 for _ in islice(sympy.preorder_traversal(node), SHORT)) < SHORT:
        with suppress(ValueError):  # a number of more digits than Python agrees to print
            return str(node)[:60]
    return type(node).__name__
