"""Formulas that are piecewise linear themselves: each is its own interpolant, with its own kinks and no error."""

from __future__ import annotations

from fractions import Fraction

from exactformer.domain import Domain
from exactformer.networks.function import Function
from exactformer.piecewise import CPWL

KINKS = 12  # maxima, minima and absolute values that a formula may have
CELLS = 48  # that a function on the way may have: beyond, hats of the accuracy that is asked for are cheaper


def own_pieces(function: Function, domain: Domain) -> CPWL | None:
    """The function of a formula of sums, rational multiples, `abs`, `max` and `min` on a box; None for any other one.

    None, too, where it has very many pieces, or where a side of the box is a point.
    """
    kinks = sum(name in ("absolute", "maximum", "minimum") for name, *_ in function.steps)
    if kinks > KINKS or any(low == high for low, high in zip(domain.lower, domain.upper, strict=True)):
        return None
    inputs = CPWL.variables(function.inputs, domain)
    found: list[CPWL | Fraction] = []
    for name, *operands in function.steps:
        value: CPWL | Fraction | None
        if name == "input":
            value = inputs[operands[0]]
        elif name == "number":
            value = Fraction(operands[0])
        elif name in ("add", "multiply", "divide", "absolute", "maximum", "minimum"):
            value = _applied(name, *[found[i] for i in operands])
        else:
            value = None
        if value is None or (isinstance(value, CPWL) and len(value.cells) > CELLS):
            return None
        found.append(value)
    last = found[-1]
    return last if isinstance(last, CPWL) else CPWL.affine([0] * function.inputs, last, domain)


def _applied(name: str, a: CPWL | Fraction, b: CPWL | Fraction = Fraction(0)) -> CPWL | Fraction | None:
    """The value of a step; None for a product of two functions, and for quotients by one or by 0."""
    if name == "divide":
        return None if isinstance(b, CPWL) or b == 0 else a * (1 / b)
    if not isinstance(a, CPWL):
        a, b = b, a  # all others are symmetric
    if isinstance(a, CPWL):
        match name:
            case "add":
                return a + b
            case "multiply":
                return None if isinstance(b, CPWL) else a * b
            case "absolute":
                return abs(a)
            case _:
                return a.max(b) if name == "maximum" else a.min(b)
    assert isinstance(b, Fraction)
    numbers = {"add": a + b, "multiply": a * b, "absolute": abs(b), "maximum": max(a, b), "minimum": min(a, b)}
    return numbers[name]
