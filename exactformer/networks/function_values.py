"""Values of a function at a point: exact where its steps are rational, and otherwise in balls that contain them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb, ctx

from exactformer.enclosure import Enclosure, Number
from exactformer.errors import InvalidInput, NumberTooLong
from exactformer.networks.balls import BITS, PRECISIONS, ball
from exactformer.networks.elementary import Steps, TooLong, Undefined, exactly
from exactformer.rational import exact_text

Value = Fraction | arb
SHOWN = 6  # coordinates of a point in a message
RANGE = 12_500  # values up to 2^RANGE are told, and with 2^-RANGE as the last place: files hold such numbers


class _Undecided(Exception):
    """Whether there is a value, balls of this precision do not tell; the message names what is in doubt."""


class _Large(Exception):
    """A value without bounds."""


def value_at(steps: Steps, point: Sequence[Fraction]) -> Number:
    """The value of the last step. Raises `InvalidInput` where it does not exist or may not, `NumberTooLong`."""
    shown = ", ".join(map(exact_text, point[:SHOWN])) + ", ..." * (len(point) > SHOWN)
    wanted = f"value at ({shown}): expected a point at which the function is defined, found "
    for precision in PRECISIONS:
        last = precision == PRECISIONS[-1]
        with ctx.workprec(precision):
            try:
                found = _last(steps, point)
                if isinstance(found, Fraction):
                    return found
                if last or _narrow(found):
                    return _enclosure(found)
            except Undefined as error:
                raise InvalidInput(f"{wanted}{error}") from None
            except _Undecided as error:
                if last:
                    raise InvalidInput(f"{wanted}{error} at a precision of {precision} bits") from None
            except _Large:
                if last:
                    raise NumberTooLong(f"value: expected one of a size up to 2^{RANGE}, found a larger one") from None
    raise AssertionError("the last precision returns or raises")


def _last(steps: Steps, point: Sequence[Fraction]) -> Value:
    values: list[Value] = []
    for step in steps:
        match step:
            case ("input", index):
                values.append(point[index])
            case ("number", value):
                values.append(value)
            case ("power", a, exponent):
                values.append(_step("power", values[a], exponent))
            case (operation, *operands):
                values.append(_step(operation, *(values[a] for a in operands)))
    return values[-1]


def _step(operation: str, *operands: Value) -> Value:
    exact = [x for x in operands if isinstance(x, Fraction)]
    if len(exact) == len(operands):
        try:
            value = exactly(operation, *exact)
        except TooLong:
            value = None
        if value is not None:
            return value
    if operation == "power":
        base, exponent = operands
        assert isinstance(exponent, Fraction)
        found = _power(_as_ball(base), exponent)
    else:
        found = _in_balls(operation, *map(_as_ball, operands))
    if not found.is_finite():
        raise _Large
    return found


def _in_balls(operation: str, *x: arb) -> arb:
    match operation:
        case "pi":
            return arb.pi()
        case "add":
            return x[0] + x[1]
        case "multiply":
            return x[0] * x[1]
        case "divide":
            return x[0] / _not_zero(x[1], "a division by what may be 0")
        case "maximum":
            return x[0].max(x[1])
        case "minimum":
            return x[0].min(x[1])
        case "absolute":
            return abs(x[0])
        case "log":
            return _positive(x[0], "the logarithm of").log()
        case "tan":
            return x[0].sin() / _not_zero(x[0].cos(), "the tangent at what may be a pole")
    found: arb = getattr(x[0], operation)()  # exp, sin, cos, tanh
    return found


def _power(base: arb, exponent: Fraction) -> arb:
    n, q = exponent.numerator, exponent.denominator
    if q > 1:
        base = _positive(base, f"the power {exponent} of").root(q)
    if n < 0:
        base = 1 / _not_zero(base, f"the power {exponent} of what may be 0")
    result = arb(1)
    for bit in f"{abs(n):b}":
        result = result * result * (base if bit == "1" else 1)
    return result


def _not_zero(x: arb, reason: str) -> arb:
    if x.contains(0):
        raise _Undecided(reason)
    return x


def _positive(x: arb, what: str) -> arb:
    if x.upper() < 0:
        raise Undefined(f"{what} a negative number")
    if not x.lower() > 0:
        raise _Undecided(f"{what} what may be below or at 0")
    return x


def _as_ball(x: Value) -> arb:
    return ball(x) if isinstance(x, Fraction) else x


def _narrow(x: arb) -> bool:
    """Whether the value has all bits that are told, of itself or behind the point."""
    return bool(x.rad() < arb(2) ** -BITS) or x.rel_accuracy_bits() >= BITS


def _enclosure(value: arb) -> Number:
    low, high = _end(value.lower(), round_up=False), _end(value.upper(), round_up=True)
    return Enclosure(low, high).rounded(BITS) if low < high else low


def _end(x: arb, round_up: bool) -> Fraction:
    """An end of a ball, in fixed point: the numerator of a tiny or huge float is never written out."""
    mantissa, exponent = map(int, x.man_exp())
    if mantissa.bit_length() + exponent > RANGE:
        raise _Large
    if exponent >= -RANGE:
        return Fraction(mantissa << (exponent + RANGE), 1 << RANGE)
    shift = min(-exponent - RANGE, mantissa.bit_length() + 1)
    return Fraction(-(-mantissa >> shift) if round_up else mantissa >> shift, 1 << RANGE)
