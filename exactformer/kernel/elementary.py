"""Elementary functions on enclosures: pairs of integers (lo, hi) for the interval from lo to hi in units of 2^-BITS.

Every function returns an enclosure of all its values at the points of its arguments, rounded outward. Where it might
not be defined at one of them, or might exceed 2^SIZE there, it raises `Undefined`, at once. Where the result at an end
is a multiple of 2^-BITS (sums, products, square roots of squares, exp 0, log 1, sin 0, ...), it is exact.

Series are summed in units of 2^-WIDE. Each comment "off by at most" counts these units; all are below `ERROR`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, lru_cache
from math import isqrt

BITS = 256
GUARD = 32
WIDE = BITS + GUARD
ERROR = 1 << 15
SIZE = 4096
ROOTS = 8  # roots up to this one are exact, further ones by exp and log

Enclosure = tuple[int, int]

ONE = 1 << BITS
LARGEST = 1 << SIZE + BITS
UNIT = (ONE, ONE)
FULL = (-ONE, ONE)


class Undefined(Exception):
    """There may be no value, or one beyond 2^SIZE, as far as enclosures tell."""


def _limited(low: int, high: int) -> Enclosure:
    if low < -LARGEST or high > LARGEST:
        raise Undefined
    return low, high


# --- arithmetic -----------------------------------------------------------------------------------


def enclose(low: Fraction, high: Fraction) -> Enclosure:
    """The least enclosure of the numbers from `low` to `high`."""
    below = (low.numerator << BITS) // low.denominator
    return _limited(below, -((-high.numerator << BITS) // high.denominator))


def negated(a: Enclosure) -> Enclosure:
    """-a."""
    return -a[1], -a[0]


def scaled(factor: int, a: Enclosure) -> Enclosure:
    """The product with an integer, exactly and of any size."""
    return (factor * a[0], factor * a[1]) if factor >= 0 else (factor * a[1], factor * a[0])


def hull(a: Enclosure, b: Enclosure) -> Enclosure:
    """The least enclosure of both."""
    return min(a[0], b[0]), max(a[1], b[1])


def add(a: Enclosure, b: Enclosure) -> Enclosure:
    """The sum."""
    return _limited(a[0] + b[0], a[1] + b[1])


def multiply(a: Enclosure, b: Enclosure) -> Enclosure:
    """The product of two that vary independently."""
    if a[0] >= 0 and b[0] >= 0:
        return _limited(a[0] * b[0] >> BITS, -(-a[1] * b[1] >> BITS))
    ends = a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1]
    return _limited(min(ends) >> BITS, -(-max(ends) >> BITS))


def divide(a: Enclosure, b: Enclosure) -> Enclosure:
    """The quotient, in units of 2^-BITS whatever unit a and b have in common."""
    if b[0] <= 0 <= b[1]:
        raise Undefined
    (low, high), (least, most) = (a, b) if b[0] > 0 else (negated(a), negated(b))
    below = (low << BITS) // (most if low >= 0 else least)
    return _limited(below, -((-high << BITS) // (least if high >= 0 else most)))


def absolute(a: Enclosure) -> Enclosure:
    """|a|."""
    return max(a[0], -a[1], 0), max(a[1], -a[0])


def maximum(a: Enclosure, b: Enclosure) -> Enclosure:
    """max(a, b)."""
    return max(a[0], b[0]), max(a[1], b[1])


def minimum(a: Enclosure, b: Enclosure) -> Enclosure:
    """min(a, b)."""
    return min(a[0], b[0]), min(a[1], b[1])


# --- powers and roots -----------------------------------------------------------------------------


def power(a: Enclosure, exponent: Fraction) -> Enclosure:
    """The real power: of any base for an integer exponent >= 0, of one that is not 0 for a negative integer, and
    otherwise of one that is >= 0, and > 0 for a negative exponent.
    """
    n = abs(exponent.numerator)
    if n == 0:
        return UNIT
    if exponent.denominator > 1:
        if a[0] < 0:
            raise Undefined
        a = _root(a[0], exponent.denominator, False), _root(a[1], exponent.denominator, True)
    if exponent < 0:
        a = divide(UNIT, a)
    low, high = absolute(a) if n % 2 == 0 else a  # now the power increases
    return _power(low, n, False), _power(high, n, True)


def _power(x: int, n: int, up: bool) -> int:
    """x^n for n > 0, rounded to one side; n is odd where x < 0."""
    if x < 0:
        return -_power(-x, n, not up)
    result = x
    for bit in bin(n)[3:]:
        result = _shifted(result * result, -BITS, up)
        if bit == "1":
            result = _shifted(result * x, -BITS, up)
        if result > LARGEST:  # then so is x^n: x > 1, and later results are larger
            raise Undefined
    return result


@lru_cache(maxsize=1 << 12)
def _root(x: int, q: int, up: bool) -> int:
    """The root of order q > 1 of x >= 0, rounded to one side."""
    if x == 0:
        return 0
    if q > ROOTS:
        return exp(divide(log((x, x)), (q << BITS, q << BITS)))[up]
    number = x << BITS * (q - 1)
    root = isqrt(number) if q == 2 else _whole_root(number, q)
    return root + (up and root**q != number)


def _whole_root(number: int, q: int) -> int:
    """The largest integer whose power q is at most `number` > 0: Newton's method, which descends to it from above.

    It starts at the root of the leading half of the digits, plus one.
    """
    half = number.bit_length() // (2 * q)
    root = _whole_root(number >> q * half, q) + 1 << half if half else 1 << -(-number.bit_length() // q)
    while (better := ((q - 1) * root + number // root ** (q - 1)) // q) < root:
        root = better
    return root


# --- constants ------------------------------------------------------------------------------------


def _shifted(x: int, places: int, up: bool) -> int:
    """The number x 2^places, rounded to one side."""
    if up:
        return -_shifted(-x, places, False)
    return x << places if places >= 0 else x >> -places


def _arctangent(k: int, sign: int, bits: int) -> int:
    """arctan(1/k) for the sign -1, artanh(1/k) for 1, k >= 3, in units of 2^-bits, off by less than `bits` of them.

    The sum over i of sign^i / ((2 i + 1) k^(2 i + 1)), at most bits / 3 + 1 terms: each is rounded down twice, by less
    than 9/8 + 1 units in all, and the terms that are left out add up to less than 2 units.
    """
    total, i, term = 0, 0, (1 << bits) // k
    while term:
        total += sign**i * (term // (2 * i + 1))
        i, term = i + 1, term // (k * k)
    return total


@cache
def _pi(bits: int) -> int:
    """Pi in units of 2^-bits, off by at most 2: Machin's 16 arctan(1/5) - 4 arctan(1/239), with 32 more bits."""
    more = bits + 32
    return (16 * _arctangent(5, -1, more) - 4 * _arctangent(239, -1, more)) >> 32


@cache
def _ln2() -> int:
    """The number ln 2 = 2 artanh(1/3) in units of 2^-(WIDE + 16), off by at most 2."""
    return 2 * _arctangent(3, 1, WIDE + 48) >> 32


@cache
def pi() -> Enclosure:
    """Pi."""
    return _rounded(_pi(WIDE), ERROR)


def _rounded(x: int, error: int) -> Enclosure:
    """What is off by at most `error` in units of 2^-WIDE."""
    return x - error >> GUARD, -(-(x + error) >> GUARD)


# --- exponentials and logarithms ------------------------------------------------------------------


@lru_cache(maxsize=1 << 12)
def _exponential(x: int) -> tuple[int, int]:
    """Some m and k with e^x = m 2^k, 0.7 < m < 1.5, m off by at most 2^12, for |x| <= 2^12.

    r = x - k ln 2, |r| < 0.35, off by at most 2. The polynomial of degree 22 at t = r / 2^8, |t| < 1/700, leaves out
    less than 2 |t|^23 / 23! < 1 unit, and is off by less than 6 with all rounding. Squared 8 times, an error grows by
    at most 2^8 e^|r| < 370, one that arises on the way by less than half of that, a quarter, ...: 370 (6 + 2) < 2^12.
    """
    log2 = _ln2()
    x <<= GUARD + 16
    k = (2 * x + log2) // (2 * log2)
    t = x - k * log2 >> 24
    m = 1 << WIDE
    for i in range(22, 0, -1):
        m = (1 << WIDE) + (t * m >> WIDE) // i
    for _ in range(8):
        m = m * m >> WIDE
    return m, k


def _exp(x: int, up: bool) -> int:
    if x < -1024 * ONE:
        return int(up)
    m, k = _exponential(x)
    error = ERROR if x else 0
    return _shifted(m + error if up else m - error, k - GUARD, up)


def exp(a: Enclosure) -> Enclosure:
    """e^a."""
    if a[1] > SIZE * ONE:
        raise Undefined
    return _limited(_exp(a[0], False), _exp(a[1], True))


@lru_cache(maxsize=1 << 12)
def _logarithm(x: int) -> int:
    """The logarithm in units of 2^-WIDE for x > 0, off by at most 2^12.

    x = m 2^k, 1 <= m < 2. The root of order 2^8 of m, at most 1.003, is off by at most 3 after 8 square roots, y =
    (m - 1) / (m + 1) < 1/700 by at most 3, and the series of artanh y by at most 5: it leaves out less than y^31. With
    log m = 2^9 artanh y these are 2560 units, and k ln 2 adds 2.
    """
    size = x.bit_length()
    k = size - 1 - BITS
    m = _shifted(x, WIDE - size + 1, False)
    for _ in range(8):
        m = isqrt(m << WIDE)
    y = (m - (1 << WIDE) << WIDE) // (m + (1 << WIDE))
    square = y * y >> WIDE
    total = 0
    for i in range(29, 0, -2):
        total = (total * square >> WIDE) + (1 << WIDE) // i
    return (total * y >> WIDE - 9) + (k * _ln2() >> 16)


def log(a: Enclosure) -> Enclosure:
    """The natural logarithm of a > 0."""
    if a[0] <= 0:
        raise Undefined
    low, high = ((_logarithm(x), 0 if x == ONE else ERROR) for x in a)
    return _rounded(*low)[0], _rounded(*high)[1]


@lru_cache(maxsize=1 << 12)
def _hyperbolic(x: int) -> Enclosure:
    """The value tanh x = (1 - t) / (1 + t) with t = e^(-2 x), off by at most 2 (2^12 + 1) + 1, for x > 0."""
    m, k = _exponential(-2 * x) if x < 512 * ONE else (0, 0)
    t, one = _shifted(m, k, False), 1 << WIDE
    return _rounded((one - t << WIDE) // (one + t), ERROR)


def tanh(a: Enclosure) -> Enclosure:
    """The hyperbolic tangent."""
    low, high = (_hyperbolic(x) if x > 0 else negated(_hyperbolic(-x)) if x else (0, 0) for x in a)
    return max(low[0], -ONE), min(high[1], ONE)


# --- circular functions ---------------------------------------------------------------------------


@lru_cache(maxsize=1 << 12)
def _circle(x: int) -> tuple[int, int, Enclosure, Enclosure]:
    """Integers k, l such that every multiple j pi/2 >= x has j >= k, every one <= x has j <= l; and sin x, cos x.

    The last two in units of 2^-WIDE. x = j pi/2 + r, |r| < 0.79; pi has as many further digits as j, so that r is off
    by at most 3, and its sign is known where it is larger. The polynomial of sin of degree 29 at t = r / 2^6, |t| <
    1/80, leaves out less than |t|^31 / 31! < 1 unit and is off by at most 3, and so is cos t, a root. Doubling the
    angle six times, by sin 2t = 2 sin t cos t and cos 2t = 1 - 2 sin^2 t, makes of an error e at most 4 e + 2: from 3,
    15018 < ERROR.
    """
    bits = WIDE + (max(0, x.bit_length() - BITS) + 255) // 256 * 256
    quarter = _pi(bits - 1)
    rest = x << bits - BITS
    j = (2 * rest + quarter) // (2 * quarter)
    r = rest - j * quarter >> bits - WIDE
    t, one = r >> 6, 1 << WIDE
    square, sine = t * t >> WIDE, one
    for i in range(28, 0, -2):
        sine = one - (square * sine >> WIDE) // (i * (i + 1))
    sine = sine * t >> WIDE
    cosine = isqrt(one * one - sine * sine)
    for _ in range(6):
        sine, cosine = 2 * sine * cosine >> WIDE, one - (2 * sine * sine >> WIDE)
    sine, cosine = ((sine, cosine), (cosine, -sine), (-sine, -cosine), (-cosine, sine))[j % 4]
    error = ERROR if x else 0
    return j + (r > 3), j - (r < -3), (sine - error, sine + error), (cosine - error, cosine + error)


def _between(a: Enclosure, b: Enclosure, bottom: bool, top: bool) -> Enclosure:
    """The values of sin or cos between two points, from those at the points and whether it may reach -1 or 1."""
    low = -ONE if bottom else max(-ONE, min(a[0], b[0]) >> GUARD)
    return low, ONE if top else min(ONE, -(-max(a[1], b[1]) >> GUARD))


def sine_cosine(a: Enclosure) -> tuple[Enclosure, Enclosure]:
    """The sine and the cosine."""
    if a[1] - a[0] > 7 * ONE:
        return FULL, FULL
    first, _, sine, cosine = _circle(a[0])
    _, last, sine_after, cosine_after = _circle(a[1])
    turns = {j % 4 for j in range(first, last + 1)}  # of the multiples of pi/2 that may be in a
    return (
        _between(sine, sine_after, 3 in turns, 1 in turns),
        _between(cosine, cosine_after, 2 in turns, 0 in turns),
    )


def tan(a: Enclosure) -> Enclosure:
    """The tangent, between two of its poles."""
    if a[1] - a[0] > 4 * ONE:
        raise Undefined
    first, _, sine, cosine = _circle(a[0])
    _, last, sine_after, cosine_after = _circle(a[1])
    if any(j % 2 for j in range(first, last + 1)):
        raise Undefined
    return divide(sine, cosine)[0], divide(sine_after, cosine_after)[1]
