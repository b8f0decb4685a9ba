"""Operators on each number alone: arithmetic with constants, maxima, types."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from exactformer.formats.graphs.call import Call, axis_of, is_float, same_shape, same_type
from exactformer.formats.graphs.graph import FLOATS, INTEGERS, Refusal
from exactformer.formats.graphs.rounding import over_root, rational_root, representable
from exactformer.formats.graphs.tensor import Tensor, added, alike, broadcast, multiplied, of_fractions, scaled, stacked
from exactformer.rational import exact_text, rational


def limits_of(type: str) -> tuple[int, int]:
    """The least and the largest number of an integer type."""
    signed, bits = not type.startswith("u"), int(type.removeprefix("u").removeprefix("int"))
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def in_range(tensor: Tensor) -> Tensor:
    """The tensor. Raises `Refusal` where integers are beyond the range of their type: they would wrap around."""
    if tensor.type in INTEGERS:
        least, most = limits_of(tensor.type)
        wrong = [n for n in tensor.offset if not least <= n <= most]
        if wrong:
            raise Refusal(f"integers of the type {tensor.type}", f"{wrong[0]}")
    return tensor


def plus(call: Call) -> list[Tensor]:
    """The sum a + b."""
    return [_sum(call, 1)]


def minus(call: Call) -> list[Tensor]:
    """The difference a - b."""
    return [_sum(call, -1)]


def _sum(call: Call, sign: int) -> Tensor:
    left, right = call.tensor(0), call.tensor(1)
    same_type(left, right)
    return in_range(added(left, right, sign))


def total(call: Call) -> list[Tensor]:
    """The sum of all inputs."""
    result, *others = (call.tensor(i) for i in range(len(call.inputs)))
    for other in others:
        same_type(result, other)
        result = added(result, other)
    return [in_range(result)]


def times(call: Call) -> list[Tensor]:
    """The product a b, one of them constant."""
    left, right = call.tensor(0), call.tensor(1)
    same_type(left, right)
    return [in_range(multiplied(left, right))]


def divided(call: Call) -> list[Tensor]:
    """The quotient a / b, b constant; of integers the quotient without what is after the point."""
    left, right = call.tensor(0), call.constant(1, "the divisor")
    same_type(left, right)
    divisors = right.fractions()
    if 0 in divisors:
        raise Refusal("a divisor that is not zero", "0")
    if left.type in FLOATS:
        return [multiplied(left, of_fractions([1 / x for x in divisors], right.shape, right.type))]
    left, right = alike(call.constant(0, "an integer"), right)
    quotients = [Fraction(int(a / b)) for a, b in zip(left.fractions(), right.fractions(), strict=True)]
    return [in_range(of_fractions(quotients, left.shape, left.type))]


def remainder(call: Call) -> list[Tensor]:
    """What division of constant integers leaves, with the sign of the divisor."""
    left, right = alike(call.constant(0, "an integer"), call.constant(1, "the divisor"))
    same_type(left, right)
    if call.attributes["fmod"] != 0 or left.type in FLOATS or 0 in right.fractions():
        raise Refusal("the remainder of an integer by one that is not zero, fmod = 0", "another")
    remainders = [a % b for a, b in zip(left.fractions(), right.fractions(), strict=True)]
    return [of_fractions(remainders, left.shape, left.type)]


def equal(call: Call) -> list[Tensor]:
    """Where two constants are the same."""
    left, right = alike(call.constant(0, "a side of an equality"), call.constant(1, "a side of an equality"))
    same = [Fraction(a == b) for a, b in zip(left.fractions(), right.fractions(), strict=True)]
    return [of_fractions(same, left.shape, "bool")]


def chosen(call: Call) -> list[Tensor]:
    """The one of two values that a constant condition says, entry by entry."""
    condition, left, right = alike(call.constant(0, "a condition"), call.tensor(1), call.tensor(2))
    if condition.type != "bool" or left.type != right.type:
        raise Refusal("a condition, and two values of one type", f"{condition.type}, {left.type}, {right.type}")
    first = np.array([bool(n) for n in condition.offset]).reshape(condition.shape)
    return [stacked([left, right]).take(np.where(first, left.indices, left.size + right.indices))]


def root(call: Call) -> list[Tensor]:
    """The square root of a constant: where it is irrational, the nearest number of its type, which is noted."""
    value = call.constant(0, "a number under a square root")
    squares = value.fractions()
    if value.type not in FLOATS or min(squares, default=0) < 0:
        raise Refusal("floats that are not negative", "others")
    rough = sorted({x for x in squares if x and not rational_root(x)})
    if rough:
        which = " ".join(f"sqrt({exact_text(x)})" for x in rough[:3]) + (", ..." if len(rough) > 3 else "")
        call.notes.append(f"{which} is irrational: taken as the nearest {value.type} number")
    roots = [x and over_root(x, x, value.type) for x in squares]
    return [of_fractions(roots, value.shape, value.type)]


def negated(call: Call) -> list[Tensor]:
    """-a."""
    return [in_range(scaled(call.tensor(), Fraction(-1)))]


def relu(call: Call) -> list[Tensor]:
    """max(a, 0)."""
    return [call.units.rectified(call.tensor())]


def absolute(call: Call) -> list[Tensor]:
    """max(a, -a)."""
    return [in_range(call.units.maximum([call.tensor(), scaled(call.tensor(), Fraction(-1))]))]


def leaky_relu(call: Call) -> list[Tensor]:
    """The value a where a >= 0, alpha a elsewhere."""
    is_float(call.tensor())
    return [_bent(call, call.tensor(), rational(call.attributes["alpha"]))]


def _bent(call: Call, value: Tensor, slope: Fraction) -> Tensor:
    """max(a, slope a) for a slope of at most 1, min(a, slope a) for a larger one."""
    if slope == 0:
        return call.units.rectified(value)
    choose = call.units.maximum if slope <= 1 else call.units.smallest
    return choose([value, scaled(value, slope)])


def prelu(call: Call) -> list[Tensor]:
    """The value a where a >= 0, slope a elsewhere, with constant slopes that are repeated to the shape of a."""
    value, slopes = call.tensor(), call.constant(1, "the slope")
    is_float(value)
    same_type(value, slopes)
    same_shape(alike(value, slopes)[0].shape, value.shape, "a slope that repeats to a value")
    if slopes.size == 0:
        return [value]
    if len(set(slopes.offset)) == 1:
        return [_bent(call, value, slopes.fractions()[0])]
    steep = np.array([x > 1 for x in broadcast(slopes, value.shape).fractions()], bool).reshape(-1)
    # Where the slope is above 1: min(a, slope a) = -max(-a, -slope a).
    signs = of_fractions([Fraction(-1 if s else 1) for s in steep], value.shape, value.type)
    turned = multiplied(value, signs)
    return [multiplied(call.units.maximum([turned, multiplied(turned, slopes)]), signs)]


def largest(call: Call) -> list[Tensor]:
    """The largest of the inputs."""
    return [call.units.maximum(_several(call))]


def smallest(call: Call) -> list[Tensor]:
    """The smallest of the inputs."""
    return [call.units.smallest(_several(call))]


def _several(call: Call) -> list[Tensor]:
    parts = [call.tensor(i) for i in range(len(call.inputs))]
    same_type(*parts)
    return parts


def clip(call: Call) -> list[Tensor]:
    """min(max(a, low), high): low + max(a - low, 0) - max(a - high, 0) where low < high, otherwise high."""
    value = call.tensor()
    low, high = _bound(call, "min", 1), _bound(call, "max", 2)
    if low is not None and high is not None and low >= high:
        return [broadcast(of_fractions([high], (1,) * len(value.shape), value.type), value.shape)]
    if low is None and high is None:
        return [value]
    if low is None:
        return [call.units.smallest([value, of_fractions([high or Fraction(0)], (), value.type)])]
    foot = of_fractions([low], (), value.type)
    result = added(foot, call.units.rectified(added(value, foot, -1)))
    if high is not None:
        top = of_fractions([high], (), value.type)
        result = added(result, call.units.rectified(added(value, top, -1)), -1)
    return [result]


def _bound(call: Call, name: str, number: int) -> Fraction | None:
    """An end of a clip; the largest floats, which older versions have where nothing is said, are no end."""
    attribute = call.attributes.get(name)
    if call.given(number):
        if attribute is not None:
            raise Refusal(f"{name} as an attribute or as an input", "both")
        return call.number(number, name)
    if attribute is None or abs(attribute) == float(np.finfo(np.float32).max):
        return None
    return rational(attribute)


def cast(call: Call) -> list[Tensor]:
    """The same numbers as those of another type; constants only where that type holds them exactly.

    Real arithmetic knows no types: of a value that depends on the input, only the word changes.
    """
    tensor, to = call.tensor(), call.attributes["to"]
    call.must_be("round_mode", "up")
    if to not in FLOATS and (to not in INTEGERS or not tensor.fixed):
        raise Refusal("a floating-point type, or of constants an integer type", to)
    if to in INTEGERS:
        whole = [Fraction(int(x)) for x in tensor.fractions()]
        return [in_range(of_fractions(whole, tensor.shape, to))]
    checked = tensor.fixed and tensor.type != to
    wrong = [x for x in set(tensor.fractions()) if not representable(x, to)] if checked else []
    if wrong:
        raise Refusal(
            f"constants that the type {to} holds exactly", f"{exact_text(wrong[0])} of the type {tensor.type}"
        )
    return [replace(tensor, type=to)]


def dequantized(call: Call) -> list[Tensor]:
    """(q - zero point) scale, for constant integers q."""
    call.must_be("block_size", 0)
    q, scale = call.constant(0, "quantized numbers"), call.constant(1, "the scale")
    if call.attributes["output_dtype"] not in (None, scale.type):
        raise Refusal(f"output_dtype = {scale.type}, as the scale", call.attributes["output_dtype"])
    if q.type not in INTEGERS:
        raise Refusal("integers", q.type)
    is_float(scale)
    zero = call.constant(2, "the zero point") if call.given(2) else None
    if zero is not None:
        same_type(q, zero)
        q = added(q, _along(call, zero, q), -1)
    return [multiplied(replace(q, type=scale.type), _along(call, scale, q))]


def quantized(call: Call) -> list[Tensor]:
    """round(a / scale) + zero point, ends of the type's range beyond it; ties go to the even number."""
    call.must_be("block_size", 0)
    call.must_be("precision", 0)
    value, scale = call.constant(0, "the numbers to quantize"), call.constant(1, "the scale")
    same_type(value, scale)
    zero = call.constant(2, "the zero point") if call.given(2) else None
    type = zero.type if zero is not None else call.attributes["output_dtype"] or "uint8"
    if call.attributes["output_dtype"] not in (None, type):
        raise Refusal(f"output_dtype = {type}, as the zero point", call.attributes["output_dtype"])
    if type not in INTEGERS or any(x <= 0 for x in scale.fractions()):
        raise Refusal("a scale > 0 and a zero point that is an integer", f"{type}")
    least, most = limits_of(type)
    scales = broadcast(_along(call, scale, value), value.shape).fractions()
    zeros = [Fraction(0)] * value.size
    if zero is not None:
        zeros = broadcast(_along(call, zero, value), value.shape).fractions()
    rounded = (round(x / s) + int(z) for x, s, z in zip(value.fractions(), scales, zeros, strict=True))
    bounded = [Fraction(min(max(n, least), most)) for n in rounded]
    return [of_fractions(bounded, value.shape, type)]


def _along(call: Call, part: Tensor, whole: Tensor) -> Tensor:
    """One number for all, or one for each index of an axis."""
    if math.prod(part.shape) == 1 and len(part.shape) <= 1:
        return part.shaped((1,) * len(whole.shape))
    axis = axis_of(call.attributes["axis"], len(whole.shape))
    same_shape(part.shape, (whole.shape[axis],), "one number, or one for each index of the axis,")
    return part.shaped(tuple(n if i == axis else 1 for i, n in enumerate(whole.shape)))
