"""The operations of a function's steps: what each one takes, and its value where that is rational."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from exactformer.rational import MAX_BITS

MAX_STEPS = 1 << 14
MAX_EXPONENT = 1 << 12  # of numerator and denominator of an exponent, in size

# What follows the name of an operation in its step: earlier steps, by number, or a literal.
OPERANDS: dict[str, tuple[str, ...]] = {
    "input": ("input",),
    "number": ("number",),
    "pi": (),
    "power": ("step", "exponent"),
    **dict.fromkeys(("add", "multiply", "divide", "maximum", "minimum"), ("step", "step")),
    **dict.fromkeys(("exp", "log", "sin", "cos", "tan", "tanh", "absolute"), ("step",)),
}
Step = tuple[Any, ...]
Steps = Sequence[Step]

AT_ZERO = {"exp": 1, "sin": 0, "cos": 1, "tan": 0, "tanh": 0}  # nowhere else are these known to be rational


class Undefined(Exception):
    """There is no value; the message names what has none."""


class TooLong(Exception):
    """The value is rational and has more than MAX_BITS bits; it is not computed."""


def exactly(operation: str, *operands: Fraction) -> Fraction | None:
    """The value of an operation on rational numbers where it is rational, and None where it may not be.

    The exponent of a power is its second operand. Roots are exact: (8/27)^(2/3) is 4/9. By the theorem of
    Lindemann and Weierstrass, exp, sin, cos, tan, tanh (log) of a rational number other than 0 (1) are irrational.

    Raises `Undefined` where there is no real value, and `TooLong`, at once, for numbers of more than MAX_BITS bits.
    """
    match operation, operands:
        case "add", (a, b):
            return _short(a + b)
        case "multiply", (a, b):
            return _short(a * b)
        case "divide", (a, b):
            if b == 0:
                raise Undefined("a division by 0")
            return _short(a / b)
        case "power", (a, exponent):
            return _power(a, exponent)
        case "maximum", (a, b):
            return max(a, b)
        case "minimum", (a, b):
            return min(a, b)
        case "absolute", (a,):
            return abs(a)
        case "log", (a,):
            if a <= 0:
                raise Undefined("the logarithm of 0" if a == 0 else "the logarithm of a negative number")
            return Fraction(0) if a == 1 else None
        case _, (a,) if a == 0:
            return Fraction(AT_ZERO[operation])
    return None


def live(steps: Steps) -> list[int]:
    """The numbers of the steps that the last one depends on, ascending."""
    needed = {len(steps) - 1}
    for number in range(len(steps) - 1, -1, -1):
        if number in needed:
            needed |= set(operands_of(steps[number]))
    return sorted(needed)


def operands_of(step: Step) -> tuple[int, ...]:
    """The numbers of the steps that a step refers to."""
    if step[0] in ("input", "number"):
        return ()
    return step[1:2] if step[0] == "power" else step[1:]


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent < 0 and base == 0:
        raise Undefined("a negative power of 0")
    if exponent.denominator > 1 and base < 0:
        raise Undefined("a root of a negative number")
    if base in (0, 1):
        return base if exponent else Fraction(1)
    n, q = exponent.numerator, exponent.denominator
    p, r = _root(abs(base.numerator), q), _root(base.denominator, q)
    if p**q != abs(base.numerator) or r**q != base.denominator:
        return None
    # A number of b + 1 bits is at least 2^b: so many bits does its power have at least.
    if max(p.bit_length() - 1, r.bit_length() - 1) * abs(n) > MAX_BITS:
        raise TooLong
    return _short(Fraction(p if base > 0 else -p, r) ** n)


def _root(n: int, q: int) -> int:
    """The largest integer whose q-th power is at most n, for n >= 1, by Newton's iteration from above."""
    if q == 1 or n == 1:
        return n
    if q >= n.bit_length():
        return 1
    x = 1 << -(-n.bit_length() // q)
    while (y := ((q - 1) * x + n // x ** (q - 1)) // q) < x:
        x = y
    return x


def _short(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
        raise TooLong
    return value
