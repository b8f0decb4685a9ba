"""Functions given by formulas: reading and writing them, and lower bounds by cutting boxes (sections 12 and 4.2).

An interval is a pair of fractions with ends on a grid, exact where they fit. Roots, exponentials and the like are
those of python-flint at the ends. What cannot be seen on a box is sought on its halves, again and again: so bounds are
finer than those that the format asks for, and a checker with coarser ones accepts less.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint

GRID = 300  # ends of intervals are multiples of 2^-300
LARGE = 1 << 4200  # results beyond this count as undefined
BOXES = 100  # how many boxes one question may take
STEPS = 1 << 14
EXPONENT = 1 << 12
LONGEST = 400  # characters of a formula in a theorem
ONE_ARGUMENT = ("exp", "log", "sin", "cos", "tan", "tanh", "absolute")
TWO_ARGUMENTS = ("add", "multiply", "divide", "maximum", "minimum")
RESERVED = ("exp", "log", "sin", "cos", "tan", "tanh", "abs", "max", "min", "pi")

Span = tuple[Fraction, Fraction]
Inputs = Sequence[dict[int, Fraction]]  # affine forms, the constant under 0, as in the checker
Spans = dict[Any, Span]
Z = Fraction(0)


class Undefined(Exception):
    """A step may not be defined, as far as its intervals tell."""


@dataclass(frozen=True)
class Function:
    """A straight-line program: a step has a name, earlier steps or an input, and a constant or exponent."""

    inputs: int
    steps: tuple[tuple[str, tuple[int, ...], Fraction], ...]
    names: tuple[str, ...] = ()
    outputs: int = 1


def read(
    value: dict[str, Any],
    number: Callable[[Any], Fraction],
    index: Callable[[Any, int], int],
    require: Callable[[bool, str], None],
) -> Function:
    """The function of a file whose keys are known to be right, by the checker's ways of reading."""
    inputs, steps = index(value["inputs"], 1 << 20), value["steps"]
    require(isinstance(steps, list) and 0 < len(steps) <= STEPS, "1 to 2^14 steps are expected")
    found = []
    for k, step in enumerate(steps):
        require(isinstance(step, list) and step != [] and isinstance(step[0], str), "a step is expected")
        name, *given = step
        sizes = {"pi": 0, "input": 1, "number": 1, "power": 2}
        sizes |= dict.fromkeys(ONE_ARGUMENT, 1) | dict.fromkeys(TWO_ARGUMENTS, 2)
        require(name in sizes and len(given) == sizes[name], "no such step")
        constant, earlier = Z, ()
        if name == "input":
            earlier = (index(given[0], inputs),)
        elif name == "number":
            constant = number(given[0])
        elif name == "power":
            earlier, constant = (index(given[0], k),), number(given[1])
            require(max(abs(constant.numerator), constant.denominator) <= EXPONENT, "an exponent too long")
        else:
            earlier = tuple(index(i, k) for i in given)
        found.append((name, earlier, constant))
    names = value.get("variables", [])
    require(isinstance(names, list) and len(names) == (inputs if "variables" in value else 0), "a name for each input")
    for name in names:
        require(isinstance(name, str) and re.fullmatch("[A-Za-z_][A-Za-z_0-9]{0,39}", name) is not None, "a name")
        require(name not in RESERVED, "a name without a meaning of its own")
    require(len(set(names)) == len(names), "names that differ")
    return Function(inputs, tuple(found), tuple(names))


# --- Section 4.2: the formula in a theorem --------------------------------------------------------


def formula(function: Function) -> str:
    """The text of a function."""
    words: list[tuple[str, int] | None] = []
    for name, earlier, constant in function.steps:
        if name == "input":
            words.append((function.names[earlier[0]] if function.names else f"x{earlier[0] + 1}", 3))
            continue
        parts = [words[i] for i in earlier]
        made = None if None in parts else spelt(name, parts, constant)  # type: ignore[arg-type]
        words.append(made if made is not None and len(made[0]) <= LONGEST else None)
    last = words[-1]
    return f"a formula of {len(function.steps)} steps" if last is None else last[0]


def spelt(name: str, parts: list[tuple[str, int]], constant: Fraction) -> tuple[str, int] | None:
    """A step as text, and how tightly it binds: 0 a sum or a sign, 1 a product, 2 a power, 3 all else."""

    def inner(i: int, least: int) -> str:
        text, binds = parts[i]
        return text if binds >= least else f"({text})"

    if name == "number":
        if max(abs(constant.numerator), constant.denominator) >= 1 << 4 * LONGEST:
            return None
        return str(constant), 0 if constant < 0 else 1 if constant.denominator > 1 else 3
    if name == "add":
        right = parts[1][0]
        return (f"{parts[0][0]} - {right[1:]}" if right[0] == "-" else f"{parts[0][0]} + {right}"), 0
    if name == "multiply":
        return (f"-{inner(1, 1)}", 0) if parts[0][0] == "-1" else (f"{inner(0, 1)}*{inner(1, 2)}", 1)
    if name == "divide":
        return f"{inner(0, 1)}/{inner(1, 2)}", 1
    if name == "power":
        plain = re.fullmatch("[0-9]+", str(constant)) is not None
        return f"{inner(0, 3)}^{constant if plain else f'({constant})'}", 2
    if name == "pi":
        return "pi", 3
    short = {"absolute": "abs", "maximum": "max", "minimum": "min"}.get(name, name)
    return f"{short}({', '.join(text for text, _ in parts)})", 3


# --- intervals ------------------------------------------------------------------------------------


def rounded(low: Fraction, high: Fraction) -> Span:
    """The interval with its ends on the grid, outwards."""
    if max(abs(low), abs(high)) > LARGE:
        raise Undefined
    below, above = low * (1 << GRID), -high * (1 << GRID)
    return Fraction(below.__floor__(), 1 << GRID), Fraction(-above.__floor__(), 1 << GRID)


def plus(a: Span, b: Span) -> Span:
    return a[0] + b[0], a[1] + b[1]


def minus(a: Span) -> Span:
    return -a[1], -a[0]


def factor(c: Fraction, a: Span) -> Span:
    return (c * a[0], c * a[1]) if c >= 0 else (c * a[1], c * a[0])


def product(a: Span, b: Span) -> Span:
    ends = [x * y for x in a for y in b]
    return rounded(min(ends), max(ends))


def square(a: Span) -> Span:
    ends = [a[0] * a[0], a[1] * a[1]]
    return rounded(Z if a[0] <= 0 <= a[1] else min(ends), max(ends))


def hull(a: Span, b: Span) -> Span:
    return min(a[0], b[0]), max(a[1], b[1])


def inverse(a: Span) -> Span:
    if a[0] <= 0 <= a[1]:
        raise Undefined
    return rounded(1 / a[1], 1 / a[0])


@contextmanager
def precise(x: Fraction) -> Iterator[flint.arb]:
    """A number as a ball, with as many bits as it has before the point and many more."""
    before = flint.ctx.prec
    flint.ctx.prec = GRID + 120 + abs(x.numerator // x.denominator).bit_length()
    try:
        yield flint.arb(flint.fmpq(x.numerator, x.denominator))
    finally:
        flint.ctx.prec = before


def ends(ball: flint.arb) -> Span:
    """A ball as an interval."""
    if not ball.is_finite():
        raise Undefined
    found = []
    for end, tiny in ((ball.lower(), (-1, 0)), (ball.upper(), (0, 1))):
        mantissa, exponent = map(int, end.man_exp())
        if exponent > 5000:
            raise Undefined
        if exponent < -6000:  # less than a unit in size
            found.append(Fraction(tiny[mantissa > 0], 1 << GRID))
        else:
            found.append(mantissa * Fraction(2) ** exponent)
    return rounded(found[0], found[1])


def rising(a: Span, at: Callable[[flint.arb], flint.arb]) -> Span:
    """The values of a function that increases."""
    found = []
    for x in a:
        with precise(x) as ball:
            found.append(ends(at(ball)))
    return found[0][0], found[1][1]


def exp(a: Span) -> Span:
    if a[1] > 4200:
        raise Undefined
    low, high = rising((max(a[0], Fraction(-600)), max(a[1], Fraction(-600))), lambda x: x.exp())
    return (Z if a[0] < -600 else low), high


def log(a: Span) -> Span:
    if a[0] <= 0:
        raise Undefined
    return rising(a, lambda x: x.log())


def tanh(a: Span) -> Span:
    low, high = (min(max(x, Fraction(-600)), Fraction(600)) for x in a)
    found = rising((low, high), lambda x: x.tanh())
    return (Fraction(-1) if a[0] < -600 else found[0]), (Fraction(1) if a[1] > 600 else found[1])


def meets(a: Span, turn: Fraction, period: int) -> bool:
    """Whether the interval may have turn pi plus a multiple of period pi in it."""
    found = []
    for x in a:
        with precise(x) as ball:
            found.append(ends((ball / flint.arb.pi() - flint.fmpq(turn.numerator, turn.denominator)) / period))
    return found[0][0].__ceil__() <= found[1][1]


def sin(a: Span, quarter: int = 0) -> Span:
    """The values of sin(x + quarter pi/2)."""
    found = []
    for x in a:
        with precise(x) as ball:
            found.append(ends(ball.sin() if quarter == 0 else ball.cos()))
    low, high = hull(*found)
    if meets(a, Fraction(1 - quarter, 2), 2):
        high = Fraction(1)
    if meets(a, Fraction(3 - quarter, 2), 2):
        low = Fraction(-1)
    return max(low, Fraction(-1)), min(high, Fraction(1))


def tan(a: Span) -> Span:
    if meets(a, Fraction(1, 2), 1):
        raise Undefined
    return rising(a, lambda x: x.tan())


def power(a: Span, q: Fraction) -> Span:
    if q < 0:
        return power(inverse(a), -q) if q.denominator == 1 else inverse_root(a, q)
    if q.denominator > 1:
        if a[0] < 0:
            raise Undefined
        return rising(a, lambda x: x.root(q.denominator) ** q.numerator)
    n = q.numerator
    if n == 0:
        return Fraction(1), Fraction(1)
    if n % 2 or a[0] >= 0:
        return rising(a, lambda x: x**n)
    if a[1] <= 0:
        return power(minus(a), q)
    return Z, power((Z, max(-a[0], a[1])), q)[1]


def inverse_root(a: Span, q: Fraction) -> Span:
    if a[0] <= 0:
        raise Undefined
    return inverse(power(a, -q))


# --- values and derivatives on a box --------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """Of a step on a box: its values, its slopes, its second derivatives; None where there may be none."""

    value: Span
    first: Spans | None
    second: Spans | None


def lines(a: Spans | None, b: Spans | None, p: Span, q: Span) -> Spans | None:
    """The sum p a + q b."""
    if a is None or b is None:
        return None
    keys = a.keys() | b.keys()
    return {k: plus(product(p, a.get(k, (Z, Z))), product(q, b.get(k, (Z, Z)))) for k in keys}


ONE: Span = (Fraction(1), Fraction(1))


def outer(a: Spans, b: Spans) -> Spans:
    """The symmetric products a_i b_j + a_j b_i."""
    found: Spans = {}
    for i in a.keys() | b.keys():
        for j in a.keys() | b.keys():
            if i <= j:
                part = product(a.get(i, (Z, Z)), b.get(j, (Z, Z)))
                other = product(a.get(j, (Z, Z)), b.get(i, (Z, Z)))
                found[i, j] = plus(part, other)
    return found


def squares(a: Spans) -> Spans:
    """The products a_i a_j."""
    return {(i, j): square(a[i]) if i == j else product(a[i], a[j]) for i in a for j in a if i <= j}


def of(a: Known, value: Span, derivative: Callable[[int], Span]) -> Known:
    """The chain rule: g(a), given the values of g and its derivatives."""
    if a.first == {}:
        return Known(value, {}, {})
    if a.first is None:
        return Known(value, None, None)
    try:
        rise = derivative(1)
        first = {i: product(rise, s) for i, s in a.first.items()}
    except Undefined:
        return Known(value, None, None)
    if a.second is None:
        return Known(value, first, None)
    try:
        return Known(value, first, lines(a.second, squares(a.first), rise, derivative(2)))
    except Undefined:
        return Known(value, first, None)


def times(a: Known, b: Known) -> Known:
    first = lines(a.first, b.first, b.value, a.value)
    second = lines(a.second, b.second, b.value, a.value)
    if second is not None and a.first is not None and b.first is not None:
        second = lines(second, outer(a.first, b.first), ONE, ONE)
    return Known(product(a.value, b.value), first, second)


def larger(a: Known, b: Known, thin: bool) -> Known:
    """The maximum of both; at a point sides that agree are not decided."""
    if a.value[0] >= b.value[1] and (not thin or a.value[0] > b.value[1]):
        return a
    if b.value[0] >= a.value[1] and (not thin or b.value[0] > a.value[1]):
        return b
    value = max(a.value[0], b.value[0]), max(a.value[1], b.value[1])
    if a.first is None or b.first is None:
        return Known(value, None, None)
    keys = a.first.keys() | b.first.keys()
    return Known(value, {k: hull(a.first.get(k, (Z, Z)), b.first.get(k, (Z, Z))) for k in keys}, None)


def negative(a: Known) -> Known:
    first, second = (None if part is None else {k: minus(x) for k, x in part.items()} for part in (a.first, a.second))
    return Known(minus(a.value), first, second)


def power_rule(a: Span, q: Fraction) -> Callable[[int], Span]:
    def derivative(times: int) -> Span:
        c = q if times == 1 else q * (q - 1)
        return product(rounded(c, c), power(a, q - times)) if c else (Z, Z)

    return derivative


def step(name: str, constant: Fraction, parts: list[Known], same: bool, thin: bool) -> Known:
    """What is known of a step with arguments."""
    a, b = parts[0], parts[-1]
    v = a.value
    if name == "add":
        return Known(plus(v, b.value), lines(a.first, b.first, ONE, ONE), lines(a.second, b.second, ONE, ONE))
    if name == "multiply":
        return step("power", Fraction(2), [a], False, thin) if same else times(a, b)
    if name == "divide":
        return times(a, step("power", Fraction(-1), [b], False, thin))
    if name == "maximum":
        return larger(a, b, thin)
    if name == "minimum":
        return negative(larger(negative(a), negative(b), thin))
    if name == "absolute":
        both = larger(a, negative(a), thin)
        return Known((max(both.value[0], Z), both.value[1]), both.first, both.second)
    if name == "power":
        return of(a, power(v, constant), power_rule(v, constant))
    if name == "exp":
        value = exp(v)
        return of(a, value, lambda _: value)
    if name == "log":
        return of(a, log(v), lambda n: power(v, Fraction(-1)) if n == 1 else minus(power(v, Fraction(-2))))
    if name == "sin":
        return of(a, sin(v), lambda n: sin(v, 1) if n == 1 else minus(sin(v)))
    if name == "cos":
        return of(a, sin(v, 1), lambda n: minus(sin(v)) if n == 1 else minus(sin(v, 1)))
    if name == "tan":
        value = tan(v)
        slope = plus(ONE, square(value))
        return of(a, value, lambda n: slope if n == 1 else factor(Fraction(2), product(value, slope)))
    value = tanh(v)
    slope = plus(ONE, minus(square(value)))
    return of(a, value, lambda n: slope if n == 1 else factor(Fraction(-2), product(value, slope)))


@lru_cache(maxsize=4096)
def known(function: Function, forms: tuple[tuple[tuple[int, Fraction], ...], ...], box: tuple[Span, ...]) -> Known:
    """What is known of a function of affine forms in the variables 1, 2, ... on a box for these."""
    thin = all(low == high for low, high in box)
    moving = {v for v, (low, high) in enumerate(box, start=1) if low < high or thin}
    found: list[Known] = []
    for name, earlier, constant in function.steps:
        if name == "input":
            form = forms[earlier[0]]
            value = (Z, Z)
            for v, c in form:
                value = plus(value, factor(c, box[v - 1]) if v else (c, c))
            slopes = {v: (c, c) for v, c in form if v in moving}
            found.append(Known(rounded(*value), slopes, {}))
        elif name == "number":
            found.append(Known(rounded(constant, constant), {}, {}))
        elif name == "pi":
            with precise(Z):
                found.append(Known(ends(flint.arb.pi()), {}, {}))
        else:
            parts = [found[i] for i in earlier]
            found.append(step(name, constant, parts, len(earlier) == 2 and earlier[0] == earlier[1], thin))
    return found[-1]


# --- lower bounds ---------------------------------------------------------------------------------

Part = tuple[Fraction, Function, tuple[tuple[tuple[int, Fraction], ...], ...]]


def total(parts: Sequence[Part], line: dict[int, Fraction], box: tuple[Span, ...]) -> Known:
    """What is known of a sum of multiples of functions and of a form without a constant."""
    value: Span = (Z, Z)
    for v, c in line.items():
        value = plus(value, factor(c, box[v - 1]))
    first: Spans | None = {v: (c, c) for v, c in line.items()}
    second: Spans | None = {}
    for c, function, forms in parts:
        part = known(function, forms, box)
        value = plus(value, factor(c, part.value))
        first = lines(first, part.first, ONE, (c, c))
        second = lines(second, part.second, ONE, (c, c))
    return Known(value, first, second)


def parabola(side: Span, slope: Span, h: Fraction) -> Fraction:
    """The least value of b d + h d^2 / 2 for d in a side and b in the slope."""
    least = []
    for b in slope:
        places = [*side]
        if h > 0:
            places.append(min(max(-b / h, side[0]), side[1]))
        least.append(min(b * d + h * d * d / 2 for d in places))
    return min(least)


def reaches(parts: Sequence[Part], line: dict[int, Fraction], target: Fraction, box: tuple[Span, ...]) -> bool:
    """Whether the sum is at least the target on the whole box, or on a box around it with short ends.

    Of short numbers what is affine is exact: then a sum that is the target everywhere is seen to be.
    """
    return shows(parts, line, target, box) or shows(parts, line, target, tuple(map(short, box)))


def short(side: Span) -> Span:
    """An interval around the side whose ends have half the digits."""
    unit = 1 << GRID // 2
    return Fraction(math.floor(side[0] * unit), unit), Fraction(math.ceil(side[1] * unit), unit)


def shows(parts: Sequence[Part], line: dict[int, Fraction], target: Fraction, box: tuple[Span, ...]) -> bool:
    """Whether boxes that are cut show that the sum is at least the target."""
    waiting = deque([box])
    for _ in range(BOXES):
        if not waiting:
            return True
        box = waiting.popleft()
        free = [v for v, (low, high) in enumerate(box, start=1) if low < high]
        try:
            here = total(parts, line, box)
        except Undefined:
            here = None
        if here is not None:
            if here.value[0] >= target:
                continue
            if here.first is not None:
                slopes = {v: here.first.get(v, (Z, Z)) for v in free}
                faces = {v: box[v - 1][low < 0] for v, (low, high) in slopes.items() if low >= 0 or high <= 0}
                if faces:
                    waiting.append(tuple((faces[v], faces[v]) if v in faces else side for v, side in enumerate(box, 1)))
                    continue
                if second_order(parts, line, target, box, free, slopes, here.second):
                    continue
        if not free:
            return False
        v = max(free, key=lambda v: box[v - 1][1] - box[v - 1][0])
        low, high = box[v - 1]
        middle = (low + high) / 2
        waiting.extend((*box[: v - 1], half, *box[v:]) for half in ((low, middle), (middle, high)))
    return False


def second_order(
    parts: Sequence[Part],
    line: dict[int, Fraction],
    target: Fraction,
    box: tuple[Span, ...],
    free: list[int],
    slopes: Spans,
    second: Spans | None,
) -> bool:
    """The same by Taylor's formula at the middle, its mixed terms h u v being at least -|h| (u^2 + v^2) / 2."""
    centre = [(low + high) / 2 for low, high in box]
    sides = {v: (box[v - 1][0] - centre[v - 1], box[v - 1][1] - centre[v - 1]) for v in free}
    try:
        at = total(parts, line, tuple((c, c) for c in centre))
    except Undefined:
        return False
    if at.value[0] + sum(parabola(sides[v], slopes[v], Z) for v in free) >= target:
        return True
    if second is None or at.first is None:
        return False
    bends = {v: second.get((v, v), (Z, Z))[0] for v in free}
    for (i, j), (low, high) in second.items():
        if i != j and i in bends and j in bends:
            size = max(-low, high)
            bends[i] -= size
            bends[j] -= size
    least = sum(parabola(sides[v], at.first.get(v, (Z, Z)), bends[v]) for v in free)
    return at.value[0] + least >= target


def defined(function: Function, forms: tuple[tuple[tuple[int, Fraction], ...], ...], box: tuple[Span, ...]) -> bool:
    """Whether all steps are defined on a box, as far as boxes that are cut show it."""
    waiting = deque([box])
    for _ in range(BOXES):
        if not waiting:
            return True
        box = waiting.popleft()
        try:
            known(function, forms, box)
        except Undefined:
            v = max(range(len(box)), key=lambda i: box[i][1] - box[i][0], default=None)
            if v is None or box[v][0] == box[v][1]:
                return False
            low, high = box[v]
            middle = (low + high) / 2
            waiting.extend((*box[:v], half, *box[v + 1 :]) for half in ((low, middle), (middle, high)))
    return False
