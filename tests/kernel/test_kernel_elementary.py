"""Enclosures of elementary functions against balls of thousands of bits: they contain the truth, and little else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import isqrt
from random import Random
from typing import Any

import pytest
from flint import arb, ctx, fmpq, fmpz
from hypothesis import given
from hypothesis import strategies as st

from exactformer.kernel import elementary
from exactformer.kernel.elementary import (
    BITS,
    LARGEST,
    ONE,
    UNIT,
    Enclosure,
    Undefined,
    absolute,
    add,
    divide,
    enclose,
    exp,
    hull,
    log,
    maximum,
    minimum,
    multiply,
    negated,
    pi,
    power,
    scaled,
    sine_cosine,
    tan,
    tanh,
)

F = Fraction
DIGITS = 1400  # bits of the balls, more where numbers are large


def ball(x: int) -> Any:
    return arb(fmpq(x, ONE))


def at_bits(bits: int, function: Callable[[], Any]) -> Any:
    before, ctx.prec = ctx.prec, bits
    try:
        return function()
    finally:
        ctx.prec = before


def true(name: str, x: int) -> tuple[Fraction, Fraction]:
    """Bounds of the value at the point x, in units of 2^-BITS."""
    if name == "exp" and x < -1100 * ONE:
        return F(0), F(1, ONE)
    bits = DIGITS + 2 * max(0, x.bit_length() - BITS)
    return at_bits(bits, lambda: ends(getattr(ball(x), name)()))


def ends(value: Any) -> tuple[Fraction, Fraction]:
    low, high = value.lower(), value.upper()
    return tuple(fraction(x) * ONE for x in (low, high))  # type: ignore[return-value]


def fraction(x: Any) -> Fraction:
    mantissa, exponent = x.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def holds(found: Enclosure, value: tuple[Fraction, Fraction]) -> bool:
    return found[0] <= value[1] and value[0] <= found[1]


def whole(value: Any) -> int:
    """The largest integer that is not larger."""
    return int(value.floor().unique_fmpz())


def quarter(k: int) -> int:
    """The integer below k pi/2 in units of 2^-BITS."""
    return at_bits(DIGITS + 300, lambda: whole(arb.pi() / 2 * k * arb(fmpz(ONE))))


def points(seed: int, count: int) -> Iterator[int]:
    """Points of all kinds: tiny, huge, short, around multiples of pi/2, around 0, 1 and -1."""
    draw = Random(seed)
    for i in range(count):
        kind = i % 7
        if kind == 0:
            x = draw.randrange(1 << draw.randrange(1, 2 * BITS))
        elif kind == 1:
            x = draw.randrange(-20, 21) + draw.choice((0, 0, ONE, -ONE, 2 * ONE))
        elif kind == 2:
            x = draw.randrange(1, 64) << draw.randrange(BITS - 8, BITS + 8)
        elif kind == 3:
            x = quarter(draw.choice((1, 2, 3, 4, 5, 101, 10**6 + draw.randrange(4)))) + draw.randrange(-3, 4)
        elif kind == 4:
            x = draw.randrange(4 * ONE)
        elif kind == 5:
            x = draw.randrange(1 << draw.randrange(BITS, BITS + 12))
        else:
            x = ONE + draw.randrange(-(1 << draw.randrange(1, BITS)), 1 << draw.randrange(1, BITS))
        yield x if draw.random() < 0.5 else -x


def pairs(seed: int, count: int) -> Iterator[Enclosure]:
    """Intervals of all widths from such points."""
    draw = Random(seed)
    for x in points(seed, count):
        y = x + draw.choice((0, 1, draw.randrange(1 << draw.randrange(1, BITS + 4)), draw.randrange(8 * ONE)))
        yield x, y


# --- against balls --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sin", "cos", "tan"])
def test_points(name: str) -> None:
    """The enclosure of a value has a width of few units, in proportion to the derivative where this is large."""
    for x in points(1, 1400):
        if (name == "log" and x <= 0) or (name == "exp" and x > 2839 * ONE):
            continue
        value = true(name, x)
        found = of(name)((x, x))
        assert holds(found, value), (name, x)
        size = max(abs(value[0]), abs(value[1])) / ONE
        steep = {"exp": size, "tan": 1 + size * size}.get(name, F(1))
        assert found[1] - found[0] <= 2 + steep / 1000, (name, x)
        assert found[0] <= found[1]


def of(name: str) -> Callable[[Enclosure], Enclosure]:
    if name in ("sin", "cos"):
        return lambda a: sine_cosine(a)[name == "cos"]
    return getattr(elementary, name)


@pytest.mark.parametrize("name", ["exp", "log", "tanh"])
def test_increasing_functions_on_intervals(name: str) -> None:
    function = of(name)
    for a in pairs(2, 700):
        if (name == "log" and a[0] <= 0) or (name == "exp" and a[1] > 2839 * ONE):
            continue
        assert function(a) == (function((a[0], a[0]))[0], function((a[1], a[1]))[1])


def test_sine_and_cosine_on_intervals() -> None:
    """Exactly -1 and 1 where they are reached, otherwise the values at the ends."""
    for a in pairs(3, 1400):
        bits = DIGITS + max(abs(x) for x in a).bit_length()
        first, last = (at_bits(bits, lambda x=x: whole(ball(x) / (arb.pi() / 2))) for x in (-a[0], a[1]))
        inside = range(-first, last + 1)
        turns = {j % 4 for j in inside[:8]}
        for found, name, bottom, top in zip(sine_cosine(a), ("sin", "cos"), (3, 2), (1, 0), strict=True):
            one, other = (of(name)((x, x)) for x in a)
            assert found[0] == (-ONE if bottom in turns else min(one[0], other[0])) or len(inside) > 4
            assert found[1] == (ONE if top in turns else max(one[1], other[1])) or len(inside) > 4
            assert len(inside) <= 4 or found == (-ONE, ONE)


def test_tangents_on_intervals() -> None:
    seen = set()
    for a in pairs(4, 1400):
        bits = DIGITS + max(abs(x) for x in a).bit_length()
        first, last = (at_bits(bits, lambda x=x: whole(ball(x) / arb.pi() + arb(fmpq(1, 2)))) for x in (-a[0], a[1]))
        pole = 1 - first <= last
        seen.add(pole)
        if pole:
            with pytest.raises(Undefined):
                tan(a)
        else:
            assert tan(a) == (tan((a[0], a[0]))[0], tan((a[1], a[1]))[1])
    assert seen == {False, True}


def test_beside_a_pole() -> None:
    for k in (1, 3, -1, 10**40 + 1):
        below = quarter(k)
        assert tan((below, below))[0] > ONE << 200 and tan((below + 1, below + 1))[1] < -(ONE << 200)
        for a in ((below, below + 1), (below - ONE, below + 1), (below, below + ONE)):
            with pytest.raises(Undefined):
                tan(a)


EXPONENTS = [F(*pair) for pair in ((1, 2), (1, 3), (2, 3), (-1, 2), (-2, 3), (5, 8), (7, 9), (-1, 17), (3, 4096))]


@pytest.mark.parametrize("exponent", [F(n) for n in (0, 1, 2, 3, 4, 7, 30, -1, -2, -3)] + EXPONENTS, ids=str)
def test_powers(exponent: Fraction) -> None:
    tried = 0
    for a in pairs(5, 350):
        try:
            found = power(a, exponent)
        except Undefined:
            assert a[0] <= 0 <= a[1] or a[0] < 0 or abs(exponent) > 1 or exponent < 0
            continue
        tried += 1
        inside = [a[0], a[1], (a[0] + a[1]) // 2] + [0] * (a[0] <= 0 <= a[1])
        values = [true_power(x, exponent) for x in inside]
        assert all(holds(found, value) for value in values), (a, exponent)
        best = min(low for low, _ in values), max(high for _, high in values)
        size = max(abs(x) for x in best) / ONE
        bend = max((abs(true_power(x, exponent - 1)[1]) / ONE for x in inside if x), default=F(0))
        slack = (
            4
            + size * (4 + 4 * abs(exponent.numerator))
            + abs(exponent) * bend * (8 if exponent > -1 else 8 * (1 + size))
        )
        assert best[0] - found[0] <= slack and found[1] - best[1] <= slack, (a, exponent)
    assert tried > 60


def true_power(x: int, exponent: Fraction) -> tuple[Fraction, Fraction]:
    if exponent.denominator == 1:
        value = (F(x, ONE) ** exponent.numerator if x or exponent >= 0 else F(0)) * ONE
        return value, value
    bits = DIGITS + 4 * BITS
    return at_bits(bits, lambda: ends(arb(fmpq(x, ONE)) ** arb(fmpq(exponent.numerator, exponent.denominator))))


@given(st.integers(0, 1 << 400), st.integers(2, 8))
def test_roots_are_exact(x: int, q: int) -> None:
    low, high = power((x, x), F(1, q))
    assert low**q <= x << BITS * (q - 1) <= high**q and high - low <= 1
    assert (low == high) == (low**q == x << BITS * (q - 1))


def test_roots_of_powers() -> None:
    for base in (F(1), F(3), F(5, 4), F(1, 1 << 30), F(12345, 1 << 13), F(1 << 70)):
        for q in (2, 3, 4, 5, 6, 7, 8):
            x = base**q
            if (x * ONE).denominator == 1:
                assert power(enclose(x, x), F(1, q)) == enclose(base, base)
                assert power(enclose(x, x), F(3, q)) == enclose(base**3, base**3) or q == 3 or q == 6
    assert power((ONE, ONE), F(17, 4096)) == UNIT
    assert power((4 * ONE, 9 * ONE), F(-1, 2)) == (divide(UNIT, (3 * ONE, 3 * ONE))[0], ONE // 2)


# --- arithmetic -----------------------------------------------------------------------------------

numbers = st.fractions(-(10**9), 10**9) | st.fractions(-1, 1) | st.integers(-3, 3).map(F)
intervals = st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))


@given(intervals, intervals, st.integers(-7, 7))
def test_arithmetic(one: tuple[Fraction, Fraction], other: tuple[Fraction, Fraction], factor: int) -> None:
    a, b = enclose(*one), enclose(*other)
    assert enclose(*one) == (-((-one[0] * ONE).__ceil__()), (one[1] * ONE).__ceil__())
    (p, q), (r, s) = (F(a[0], ONE), F(a[1], ONE)), (F(b[0], ONE), F(b[1], ONE))
    assert add(a, b) == enclose(p + r, q + s) and negated(a) == enclose(-q, -p)
    products = [x * y for x in (p, q) for y in (r, s)]
    assert multiply(a, b) == enclose(min(products), max(products))
    assert scaled(factor, a) == multiply((factor * ONE, factor * ONE), a)
    assert hull(a, b) == enclose(min(p, r), max(q, s))
    assert maximum(a, b) == enclose(max(p, r), max(q, s)) and minimum(a, b) == enclose(min(p, r), min(q, s))
    assert absolute(a) == enclose(0 if p <= 0 <= q else min(abs(p), abs(q)), max(abs(p), abs(q)))
    if r <= 0 <= s:
        with pytest.raises(Undefined):
            divide(a, b)
    else:
        quotients = [x / y for x in (p, q) for y in (r, s)]
        assert divide(a, b) == enclose(min(quotients), max(quotients))


@given(intervals, st.integers(0, 9))
def test_whole_powers(one: tuple[Fraction, Fraction], n: int) -> None:
    a = enclose(*one)
    found = power(a, F(n))
    for x in (a[0], a[1], (a[0] + a[1]) // 2, sorted((a[0], 0, a[1]))[1]):
        assert found[0] * ONE ** (n - 1) <= x**n <= found[1] * ONE ** (n - 1) if n else found == UNIT


# --- exact values, limits -------------------------------------------------------------------------


def test_where_values_are_rational_they_are_exact() -> None:
    zero = (0, 0)
    assert exp(zero) == UNIT and log(UNIT) == zero and tanh(zero) == zero
    assert sine_cosine(zero) == (zero, UNIT) and tan(zero) == zero
    assert power(zero, F(0)) == UNIT and power(zero, F(1, 3)) == zero and power(zero, F(1, 100)) == zero
    assert exp((-ONE, 0))[1] == ONE and log((ONE, 2 * ONE))[0] == 0 and tanh((0, ONE))[0] == 0
    assert sine_cosine((0, ONE))[0][0] == 0 and sine_cosine((-ONE, ONE))[1][1] == ONE


def test_constants() -> None:
    assert holds(pi(), at_bits(DIGITS, lambda: ends(arb.pi()))) and pi()[1] - pi()[0] == 1
    for bits in (256, 288, 287, 543, 4639):
        assert abs(at_bits(bits + 99, lambda n=bits: ends(arb.pi()))[0] * 2**bits / ONE - elementary._pi(bits)) <= 2
    value = at_bits(DIGITS, lambda: ends(arb(2).log()))[0] / ONE * 2 ** (elementary.WIDE + 16)
    assert abs(value - elementary._ln2()) <= 2


def test_errors_inside_are_a_small_part_of_what_is_allowed() -> None:
    """The proofs say at most 2^12 and 15018 units; ERROR is 2^15."""
    wide = elementary.WIDE
    for x in points(6, 700):
        if -1000 * ONE <= x <= ONE << 12:
            m, k = elementary._exponential(x)
            value = true("exp", x)[0] / ONE / F(2) ** k * 2**wide
            assert abs(value - m) <= 1 << 12 and 7 << wide < 10 * m < 15 << wide
        if x > 0:
            assert abs(true("log", x)[0] / ONE * 2**wide - elementary._logarithm(x)) <= 1 << 12
        if x:
            *_, sine, cosine = elementary._circle(x)
            for name, (low, high) in (("sin", sine), ("cos", cosine)):
                assert abs(true(name, x)[0] / ONE * 2**wide - F(low + high, 2)) <= 15018


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: exp((0, 2840 * ONE)),
        lambda: exp((1 << 4300, 1 << 4300)),
        lambda: log((0, ONE)),
        lambda: log((-ONE, ONE)),
        lambda: divide(UNIT, (0, ONE)),
        lambda: divide(UNIT, (-1, 0)),
        lambda: divide((LARGEST, LARGEST), (1, 1)),
        lambda: multiply((LARGEST, LARGEST), (2 * ONE, 2 * ONE)),
        lambda: multiply((-LARGEST, LARGEST), (2 * ONE, 2 * ONE)),
        lambda: multiply((-LARGEST, 0), (2 * ONE, 2 * ONE)),
        lambda: add((LARGEST, LARGEST), (1, 1)),
        lambda: add((-LARGEST, 0), (-1, 0)),
        lambda: enclose(F(10) ** 4000, F(10) ** 4000),
        lambda: power((-1, ONE), F(1, 2)),
        lambda: power((0, ONE), F(-1, 2)),
        lambda: power((-1, ONE), F(-3)),
        lambda: power((0, ONE), F(-1)),
        lambda: power((1 << 4000, 1 << 4000), F(4096)),
        lambda: power((-(1 << 4000), 0), F(4095)),
        lambda: power((1, 1), F(-4096)),
        lambda: tan((0, 5 * ONE)),
        lambda: tan((-LARGEST, LARGEST)),
    ],
)
def test_undefined(attempt: Callable[[], object]) -> None:
    with pytest.raises(Undefined):
        attempt()


def test_largest_and_smallest_results() -> None:
    assert power((2 * ONE, 2 * ONE), F(4096)) == (LARGEST, LARGEST)
    assert power((ONE // 2, ONE // 2), F(4096)) == (0, 1) and power((-ONE // 2, 0), F(4095)) == (-1, 0)
    assert exp((-(1 << 4300), -1024 * ONE)) == (0, 1) and exp((-1025 * ONE, 0)) == (0, ONE)
    assert exp((2839 * ONE, 2839 * ONE))[0] > LARGEST // 2
    assert tanh((-LARGEST, LARGEST)) == (-ONE, ONE) and tanh((511 * ONE, 513 * ONE)) == (ONE - 1, ONE)
    assert log((1, LARGEST))[0] // ONE == -178 and log((1, LARGEST))[1] // ONE == 2839
    assert sine_cosine((-LARGEST, LARGEST)) == ((-ONE, ONE), (-ONE, ONE))
    sine, cosine = sine_cosine((LARGEST, LARGEST))
    assert holds(sine, true("sin", LARGEST)) and holds(cosine, true("cos", LARGEST)) and sine[1] - sine[0] <= 2
    assert isqrt(LARGEST * ONE) == power((LARGEST, LARGEST), F(1, 2))[0]
