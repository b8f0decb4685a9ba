"""Functions in the kernel: strict reading, values and derivatives against balls and power series, lower bounds."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest
from flint import arb, arb_series, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st

from exactformer.kernel import elementary, functions
from exactformer.kernel.elementary import ONE, UNIT, Undefined, enclose
from exactformer.kernel.functions import MAX_STEPS, MAX_TEXT, Function, least, read_function, value
from exactformer.kernel.reading import Rejected

F = Fraction
Box = list[tuple[Fraction, Fraction]]


def written(inputs: int, steps: Sequence[Sequence[object]], **rest: object) -> dict[str, object]:
    head = {"format": "exactformer/network-1", "kind": "function", "inputs": inputs}
    return {**head, "steps": [list(step) for step in steps], **rest}


def formula(inputs: int, *steps: Sequence[object]) -> Function:
    return read_function(written(inputs, steps), "f")


X, Y = ["input", 0], ["input", 1]
SQUARE = formula(1, X, ["multiply", 0, 0])
ABSOLUTE = formula(1, X, ["absolute", 0])
ROOT = formula(1, X, ["power", 0, "1/2"])
SINE = formula(1, X, ["sin", 0])
WAVE = formula(
    1, X, ["number", 3], ["multiply", 0, 1], ["sin", 2], ["power", 0, 2], ["number", 2], ["divide", 4, 5], ["add", 3, 6]
)


# --- a second evaluator: power series along a line, in balls ---------------------------------------


def series(function: Function, point: Sequence[Fraction], direction: Sequence[int]) -> Any:
    """f(point + t direction) as a power series in t up to t^2."""
    values: list[Any] = []
    for name, of, number in function.steps:
        a = values[of[0]] if of and name != "input" else None
        b = values[of[1]] if len(of) > 1 else None
        if name == "input":
            result = arb_series([arb(fmpq(point[of[0]].numerator, point[of[0]].denominator)), direction[of[0]]])
        elif name == "number":
            result = constant(number)
        elif name == "pi":
            result = arb_series([arb.pi()])
        elif name == "add":
            result = a + b
        elif name == "multiply":
            result = a * b
        elif name == "divide":
            result = a / b
        elif name == "power":
            result = series_power(a, number)
        elif name == "tanh":
            result = 1 - 2 / ((2 * a).exp() + 1)
        elif name == "absolute":
            result = a if a[0] > 0 else -a if a[0] < 0 else undecided()
        elif name == "maximum":
            result = a if a[0] > b[0] else b if b[0] > a[0] else undecided()
        elif name == "minimum":
            result = a if a[0] < b[0] else b if b[0] < a[0] else undecided()
        else:
            result = getattr(a, name)()
        values.append(result)
    return values[-1]


class Undecided(Exception):
    """At a kink, as far as balls tell."""


def undecided() -> Any:
    raise Undecided


def constant(number: Fraction) -> Any:
    return arb_series([arb(fmpq(number.numerator, number.denominator))])


def series_power(a: Any, r: Fraction) -> Any:
    if r.denominator == 1:
        result = constant(F(1))
        for _ in range(abs(r.numerator)):
            result = result * a
        return result if r >= 0 else 1 / result
    return (a.log() * constant(r)).exp()


def fraction(x: Any) -> Fraction:
    mantissa, exponent = x.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def true(function: Function, point: Sequence[Fraction], direction: Sequence[int]) -> list[tuple[Fraction, Fraction]]:
    """Bounds of f and its first two derivatives along the direction."""
    before, length = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = 600, 3
    try:
        found = series(function, point, direction)
        balls = [found[0], found[1], 2 * found[2]]
        return [(fraction(x.lower()), fraction(x.upper())) for x in balls]
    except ValueError as error:  # division by a ball around 0, or an infinite ball
        raise Undecided from error
    finally:
        ctx.prec, ctx.cap = before, length


def overlap(found: tuple[int, int], bounds: tuple[Fraction, Fraction]) -> bool:
    return F(found[0], ONE) <= bounds[1] and bounds[0] <= F(found[1], ONE)


OPERATIONS = ("add", "multiply", "divide", "maximum", "minimum") * 2 + functions.UNARY + ("power",) * 3
SMOOTH = tuple(name for name in OPERATIONS if name not in ("maximum", "minimum", "absolute"))
EXPONENTS = ("2", "3", "1/2", "-1", "-2", "1/3", "3/2", "5/2", "-1/2", "0", "1", "7/11")


def random_program(draw: Random, inputs: int, length: int, names: Sequence[str] = OPERATIONS) -> Function:
    steps: list[list[object]] = [["input", i] for i in range(inputs)] + [["number", f"{draw.randrange(-9, 10)}/4"]]
    if draw.random() < 0.2:
        steps.append(["pi"])
    for _ in range(length):
        name, recent = draw.choice(names), lambda: draw.randrange(max(0, len(steps) - 5), len(steps))
        if name == "power":
            steps.append([name, recent(), draw.choice(EXPONENTS)])
        else:
            steps.append([name] + [recent() for _ in range(1 if name in functions.UNARY else 2)])
    return formula(inputs, *steps)


def random_box(draw: Random, inputs: int) -> Box:
    box = []
    for _ in range(inputs):
        low = F(draw.randrange(-40, 60), draw.choice((8, 16, 7)))
        box.append((low, low + F(draw.randrange(0, 5), draw.choice((1, 8, 64, 9, 1 << 40)))))
    return box


def samples(draw: Random, box: Box, count: int) -> list[list[Fraction]]:
    corners = [list(corner) for corner in product(*box)]
    inside = [[low + (high - low) * F(draw.randrange(65), 64) for low, high in box] for _ in range(count)]
    return corners + inside


def programs(seed: int, count: int, names: Sequence[str] = OPERATIONS) -> Any:
    """Random programs on boxes on which they are defined."""
    draw = Random(seed)
    while count:
        inputs = draw.choice((1, 1, 2, 3))
        function, box = random_program(draw, inputs, draw.randrange(1, 9), names), random_box(draw, inputs)
        try:
            value(function, box)
        except Undefined:
            continue
        count -= 1
        yield draw, function, box


def cube(box: Box) -> functions.Cube:
    return tuple(enclose(low, high) for low, high in box)


# --- values and derivatives -----------------------------------------------------------------------


@pytest.mark.parametrize("names", [OPERATIONS, SMOOTH])
def test_values_slopes_and_second_derivatives(names: Sequence[str]) -> None:
    """On boxes they contain what holds at sampled points; on points they are close to it."""
    compared = 0
    for draw, function, box in programs(1, 400, names):
        n = function.inputs
        free = tuple(range(n))
        try:
            jet = functions._jet(function, cube(box), free, 2)
        except Undefined:
            continue
        for point in samples(draw, box, 3):
            try:
                found = {i: true(function, point, [int(i == j) for j in free]) for i in free}
                twice = {
                    (i, j): true(function, point, [int(k in (i, j)) for k in free]) for i in free for j in free if i < j
                }
            except Undecided:
                continue
            assert overlap(jet.value, found[0][0])
            for i in free:
                if jet.slopes is not None and all(abs(x) < 10**9 for x in found[i][1]):
                    assert overlap(jet.slopes.get(i, (0, 0)), found[i][1])
                if jet.second is not None:
                    compared += 1
                    assert overlap(jet.second.get((i, i), (0, 0)), found[i][2])
            if jet.second is not None:
                for (i, j), both in twice.items():
                    mixed = [
                        (x - y - z) / 2 for x, y, z in zip(both[2], found[i][2][::-1], found[j][2][::-1], strict=True)
                    ]
                    assert overlap(jet.second.get((i, j), (0, 0)), (mixed[0], mixed[1]))
    assert compared > 1000


def test_slopes_are_slopes_between_points() -> None:
    """Also across kinks: f(x) - f(y) is in slopes (x - y)."""
    crossed = 0
    for draw, function, box in programs(2, 400):
        try:
            jet = functions._jet(function, cube(box), tuple(range(function.inputs)), 1)
        except Undefined:
            continue
        if jet.slopes is None:
            continue
        for _ in range(3):
            x, y = samples(draw, box, 2)[-2:]
            (a, b), (c, d) = value(function, x), value(function, y)
            low = high = F(0)
            for i, (p, q) in enumerate(zip(x, y, strict=True)):
                s = [F(s, ONE) * (p - q) for s in jet.slopes.get(i, (0, 0))]
                low, high = low + min(s), high + max(s)
            assert low <= b - c and a - d <= high
            crossed += 1
    assert crossed > 800


def test_lower_orders_know_the_same_values_and_slopes() -> None:
    for _, function, box in programs(3, 150):
        free = tuple(range(function.inputs))
        try:
            two, one, none = (functions._jet(function, cube(box), free, order) for order in (2, 1, 0))
        except Undefined:
            continue
        assert two.value == one.value == none.value and two.slopes == one.slopes
        assert one.second is None and none.slopes is None and none.second is None


def test_values_at_points_are_close() -> None:
    for draw, function, box in programs(4, 200, SMOOTH):
        point = samples(draw, box, 1)[-1]
        try:
            bounds, found = true(function, point, [0] * function.inputs)[0], value(function, point)
        except (Undefined, Undecided):
            continue
        assert found[0] <= bounds[1] and bounds[0] <= found[1] and found[0] <= found[1]
        assert value(function, [(x, x) for x in point]) == found


def test_derivatives_at_points_are_close() -> None:
    """Everything that is known at a point is known to 150 bits, unless numbers are large."""
    compared = 0
    for draw, function, box in programs(9, 250, SMOOTH):
        point, free = samples(draw, box, 1)[-1], tuple(range(function.inputs))
        try:
            jet = functions._jet(function, tuple(enclose(x, x) for x in point), free, 2)
            found = {i: true(function, point, [int(i == j) for j in free]) for i in free}
        except (Undefined, Undecided):
            continue
        if jet.slopes is None or jet.second is None or any(abs(x) > 1000 for f in found.values() for y in f for x in y):
            continue
        for enclosure in (jet.value, *jet.slopes.values(), *jet.second.values()):
            compared += 1
            assert enclosure[1] - enclosure[0] < ONE >> 150
        for i, (_, slope, bend) in found.items():
            assert overlap(jet.slopes.get(i, (0, 0)), slope) and overlap(jet.second.get((i, i), (0, 0)), bend)
    assert compared > 500


# --- lower bounds ---------------------------------------------------------------------------------


def exactly(
    parts: Sequence[tuple[int, Function]], line: dict[int, int], shift: int, point: Sequence[Fraction]
) -> Fraction:
    """An upper bound of the sum at a point."""
    total = F(shift) + sum(c * point[i - 1] for i, c in line.items())
    for c, function in parts:
        total += max(c * x for x in true(function, point, [0] * function.inputs)[0])
    return total


def test_no_value_is_below_the_bound() -> None:
    bounded = 0
    for draw, function, box in programs(5, 500):
        line = {i + 1: draw.randrange(-3, 4) for i in range(function.inputs) if draw.random() < 0.5}
        parts = [(draw.choice((-2, -1, 1, 3)), function)]
        shift = draw.randrange(-2, 3)
        bound = least(parts, line, shift, box)
        if bound is None:
            continue
        bounded += 1
        for point in samples(draw, box, 6):
            try:
                assert bound <= exactly(parts, line, shift, point)
            except Undecided:
                c = parts[0][0]
                rest = sum(c * point[i - 1] for i, c in line.items())
                assert bound <= c * value(function, point)[c > 0] + rest + shift
    assert bounded > 400


def test_bounds_of_sums_of_two() -> None:
    draw = Random(6)
    for _, function, box in programs(7, 150, SMOOTH):
        other = formula(function.inputs, X, ["exp", 0], ["multiply", 0, 1])
        parts = [(3, function), (-2, other), (1, function)]
        bound = least(parts, {1: 5}, -7, box)
        if bound is None:
            continue
        assert bound == least([(-2, other), (4, function)], {1: 5, 2: 0} if len(box) > 1 else {1: 5}, -7, box)
        for point in samples(draw, box, 4):
            try:
                assert bound <= exactly(parts, {1: 5}, -7, point)
            except Undecided:
                continue


@given(
    st.integers(1, 50),
    st.integers(-50, 50),
    st.integers(-9, 9),
    st.integers(-70, 70),
    st.integers(0, 90),
    st.integers(0, 6),
)
def test_convex_quadratics_in_one_variable_are_exact(a: int, b: int, c: int, low: int, width: int, digits: int) -> None:
    """Min of a x^2 + b x + c over an interval whose ends have few binary digits."""
    box = [(F(low, 1 << digits), F(low + width, 1 << digits))]
    vertex = min(max(F(-b, 2 * a), box[0][0]), box[0][1])
    assert least([(a, SQUARE)], {1: b}, c, box) == a * vertex**2 + b * vertex + c


@given(st.integers(1, 50), st.integers(-50, 50), st.integers(-70, 70), st.integers(0, 90))
def test_concave_quadratics_in_one_variable_are_exact(a: int, b: int, low: int, width: int) -> None:
    box = [(F(low, 16), F(low + width, 16))]
    assert least([(-a, SQUARE)], {1: b}, 0, box) == min(-a * x * x + b * x for x in box[0])


def test_quadratics_in_two_variables() -> None:
    mixed = formula(2, X, Y, ["multiply", 0, 1])
    squares = formula(2, X, Y, ["power", 0, 2], ["power", 1, 2], ["add", 2, 3])
    box: Box = [(F(-1), F(1)), (F(-1), F(1))]
    assert least([(1, mixed)], {}, 0, box) == -1
    assert least([(1, squares)], {1: -1, 2: 1}, 0, box) == F(-1, 2)
    assert least([(3, squares), (2, mixed)], {}, 0, box) == 0  # by |x y| <= (x^2 + y^2) / 2
    assert least([(1, squares), (4, mixed)], {}, 0, box) == -2
    assert least([(-1, squares), (-4, mixed)], {}, 0, box) == -6


@pytest.mark.parametrize("n", [2, 3, 5, 6, 7, 8])
def test_many_mixed_derivatives(n: int) -> None:
    """Sum of x_i x_j over i < j on a cube around 0: at the corners -n/2 or so; with many inputs -n(n-1)/2."""
    steps: list[list[object]] = [["input", i] for i in range(n)]
    steps.append(["number", 0])
    for i in range(n):
        for j in range(i):
            steps += [["multiply", j, i], ["add", len(steps) - 1, len(steps)]]
    box: Box = [(F(-1), F(1))] * n
    assert least([(1, formula(n, *steps))], {}, 0, box) == (F(-(n // 2)) if n <= 6 else F(-n * (n - 1), 2))


def least_parabola(side: Sequence[Fraction], slope: Sequence[Fraction], a: Fraction) -> Fraction:
    """The minimum of b d + a d^2 / 2, from its candidates."""
    places = [*side, *(min(max(-b / a, side[0]), side[1]) for b in slope if a > 0)]
    return min(b * d + a * d * d / 2 for b in slope for d in places)


def least_corner(sides: Any, slopes: Any, second: Any) -> Fraction:
    """The least value at a corner of b d + d H d / 2 with tangents of the convex squares."""
    found = []
    for corner in product(*sides):
        total = F(0)
        for i, d in enumerate(corner):
            a = second[i, i][0]
            t = min(max(-(slopes[i][0] + slopes[i][1]) / 2 / a, sides[i][0]), sides[i][1]) if a > 0 else d
            total += min(b * d for b in slopes[i]) + a * (2 * t * d - t * t) / 2
            total += sum(min(h * d * corner[j] for h in second[i, j]) for j in range(i + 1, len(corner)))
        found.append(total)
    return min(found)


small = st.integers(-4, 4)
ends = st.tuples(small, small).map(lambda pair: (F(min(pair)), F(max(pair))))
around = st.tuples(st.integers(-4, 0), st.integers(0, 4)).map(lambda pair: (F(pair[0]), F(pair[1])))
curved = st.tuples(st.sampled_from([-4, -3, -1, 0, 1, 2, 4]), st.integers(0, 3)).map(
    lambda p: (F(p[0]), F(p[0] + p[1]))
)


@given(
    st.integers(1, 3).flatmap(
        lambda n: st.tuples(
            *(st.lists(x, min_size=n, max_size=n) for x in (around, ends, curved)),
            st.lists(ends, min_size=3, max_size=3),
        )
    )
)
def test_quadratic_bounds(drawn: Any) -> None:
    """They are what the document says, computed in another way; and nothing is below them."""
    sides, slopes, diagonal, rest = drawn
    n = len(sides)
    second = {(i, i): diagonal[i] for i in range(n)}
    second |= {(i, j): rest[i + j - 1] for i in range(n) for j in range(i + 1, n)}
    found = functions._quadratic(
        dict(enumerate(enclose(*pair) for pair in sides)),
        dict(enumerate(enclose(*pair) for pair in slopes)),
        {at: enclose(*h) for at, h in second.items()},
    )
    mixed = {at: max(abs(x) for x in h) for at, h in second.items() if at[0] < at[1]}
    coupled = [i for i in range(n) if any(i in at and size for at, size in mixed.items())]
    flat = [second[i, i][0] - sum(size for at, size in mixed.items() if i in at) for i in range(n)]
    alone = sum(least_parabola(sides[i], slopes[i], second[i, i][0]) for i in range(n) if i not in coupled)
    flattened = sum(least_parabola(sides[i], slopes[i], flat[i]) for i in coupled)
    chosen = [[x[i] for i in coupled] for x in (sides, slopes)]
    corners = least_corner(
        *chosen, {(p, q): second[i, j] for p, i in enumerate(coupled) for q, j in enumerate(coupled) if i <= j}
    )
    assert found == alone + max(flattened, corners)
    for d in product(*(sorted({low, F(0), high, (low + high) / 3}) for low, high in sides)):
        for side in (0, 1):
            b, h = [x[side] for x in slopes], {at: x[side] for at, x in second.items()}
            total = sum(x * y for x, y in zip(b, d, strict=True))
            total += sum(x * d[i] * d[j] / (2 if i == j else 1) for (i, j), x in h.items())
            assert found <= total


@given(st.integers(-(1 << 300), 1 << 300), st.integers(0, 9) | st.integers(0, 1 << 300))
def test_centres(low: int, width: int) -> None:
    """Inside, not near an end, and a multiple of more than a quarter of the width."""
    centre = functions._centre(low, low + width)
    assert low <= centre <= low + width and (width < 2 or abs(2 * centre - 2 * low - width) <= width / 2)
    assert 4 * (centre & -centre) > width or centre == 0


def test_monotone_sums_are_exact_at_the_end() -> None:
    """Where slopes have one sign, the bound is the value at an end: x >= sin x touches at 0."""
    assert least([(-1, SINE)], {1: 1}, 0, [(F(0), F(1))]) == 0
    assert least([(1, SINE)], {1: -1}, 0, [(F(-1), F(0))]) == 0
    exponential = formula(1, X, ["exp", 0])
    assert least([(1, exponential)], {}, -1, [(F(0), F(5))]) == 0
    assert (
        least([(1, exponential)], {1: -1}, -1, [(F(-1), F(0))])
        == 0
        == least([(1, exponential)], {1: -1}, -1, [(F(0), F(1))])
    )


def test_kinks() -> None:
    box = [(F(-1), F(1))]
    assert least([(1, ABSOLUTE)], {}, 0, box) == 0 and least([(-1, ABSOLUTE)], {}, 0, box) == -1
    assert least([(1, ABSOLUTE)], {1: 1}, 0, [(F(-1), F(0))]) == 0  # where it is -x
    assert least([(1, ABSOLUTE)], {1: -1}, 0, [(F(0), F(1))]) == 0
    bound = least([(2, ABSOLUTE)], {1: -1}, 0, [(F(-1, 1024), F(1, 1024))])
    assert bound is not None and F(-3, 1024) <= bound <= 0
    larger = formula(1, X, ["number", 0], ["maximum", 0, 1])
    smaller = formula(1, X, ["number", 0], ["minimum", 1, 0])
    assert least([(1, larger), (1, smaller)], {1: -1}, 0, [(F(0), F(1))]) == 0
    assert least([(1, larger), (1, smaller)], {1: -1}, 0, [(F(-1), F(0))]) == 0
    same = formula(1, X, ["maximum", 0, 0], ["minimum", 1, 0])
    assert least([(1, same)], {1: -1}, 0, box) is not None


@pytest.mark.parametrize("name", ["maximum", "minimum", "absolute"])
def test_decided_kinks_are_smooth(name: str) -> None:
    """Where one side is at least the other, ends included, the step is that side; otherwise both count."""
    cases = [(low, high, (0, 0), UNIT) for low, high in ((-2, 0), (-2, -1))]
    cases += [(low, high, UNIT, (0, 0)) for low, high in ((0, 2), (1, 2))]
    for low, high, first, second in [*cases, (-1, 2, (0, ONE), (0, ONE))]:
        cube, smooth = ((low * ONE, high * ONE),), low * high >= 0
        if name == "absolute":
            jet = functions._jet(ABSOLUTE, cube, (0,), 2)
            expected = {0: (-ONE, ONE) if not smooth else UNIT if low >= 0 else (-ONE, -ONE)}
            sizes = sorted((abs(low), abs(high)))
            assert jet.value == (sizes[0] * ONE if smooth else 0, sizes[1] * ONE) and jet.slopes == expected
        for swapped in () if name == "absolute" else (False, True):
            step = [name, 1, 0] if swapped else [name, 0, 1]
            jet = functions._jet(formula(1, X, ["number", 0], step), cube, (0,), 2)
            assert jet.slopes is not None and jet.slopes.get(0, (0, 0)) == (first if name == "maximum" else second)
            ends = (max(low, 0), max(high, 0)) if name == "maximum" else (min(low, 0), min(high, 0))
            assert jet.value == (ends[0] * ONE, ends[1] * ONE)
        assert (jet.second is not None) == smooth


def test_a_tie_at_the_centre_is_not_decided_there() -> None:
    """Max(a, b) with a >= b on the box and equal at a point: there slopes of both are enclosed."""
    tied = formula(1, X, ["absolute", 0], ["number", 0], ["maximum", 1, 2])
    jet = functions._jet(tied, ((0, 0),), (0,), 1)
    assert jet.slopes == {0: (-ONE, ONE)}
    assert functions._jet(formula(1, X, ["absolute", 0]), ((0, 0),), (0,), 1).slopes == {0: (-ONE, ONE)}
    for name, step in product(("maximum", "minimum"), ([0, 1], [1, 0])):
        other = formula(1, X, ["number", 0], [name, *step])
        assert functions._jet(other, ((0, 0),), (0,), 1).slopes == {0: (0, ONE)}
        assert functions._jet(other, ((0, 0),), (), 1).slopes == {}
        for x in (-1, 1):  # one unit away is enough
            expected = {0: UNIT} if (x > 0) == (name == "maximum") else {}
            assert functions._jet(other, ((x, x),), (0,), 1).slopes == expected
    for x in (-1, 1):
        assert functions._jet(ABSOLUTE, ((x, x),), (0,), 1).slopes == {0: (x * ONE, x * ONE)}


def test_roots_and_poles() -> None:
    assert least([(1, ROOT)], {}, 0, [(F(0), F(4))]) == 0 and least([(-1, ROOT)], {}, 0, [(F(0), F(4))]) == -2
    assert least([(1, ROOT)], {}, 0, [(F(-1, 10**80), F(4))]) is None
    cube_root = formula(1, X, ["power", 0, "1/3"])
    assert (
        least([(1, cube_root)], {}, 0, [(F(0), F(27))]) == 0 and least([(-1, cube_root)], {}, 0, [(F(8), F(27))]) == -3
    )
    for exponent, low in (("3/2", 0), ("5/2", 0), ("2", -1), ("3", -1), ("0", -1), ("1", -1)):
        function = formula(1, X, ["power", 0, exponent])
        bound = least([(1, function)], {}, 0, [(F(low), F(1))])
        assert bound is not None and bound <= {"3": -1, "1": -1, "0": 1}.get(exponent, 0)
    inverse = formula(1, X, ["power", 0, -2])
    assert least([(1, inverse)], {}, 0, [(F(-1), F(1))]) is None and least(
        [(1, inverse)], {}, 0, [(F(1, 2), F(2))]
    ) == F(1, 4)
    quotient = formula(1, X, ["number", 1], ["divide", 1, 0])
    assert least([(1, quotient)], {}, 0, [(F(0), F(1))]) is None and least(
        [(1, quotient)], {}, 0, [(F(1, 2), F(4))]
    ) == F(1, 4)
    assert least([(1, formula(1, X, ["log", 0]))], {}, 0, [(F(0), F(1))]) is None
    assert least([(-1, formula(1, X, ["log", 0]))], {}, 0, [(F(1, 10**60), F(1))]) == 0
    tangent = formula(1, X, ["tan", 0])
    assert (
        least([(1, tangent)], {}, 0, [(F(0), F(3, 2))]) == 0 and least([(1, tangent)], {}, 0, [(F(0), F(8, 5))]) is None
    )


@pytest.mark.parametrize("of", [[1, 2], [2, 1]])
def test_kinks_with_a_side_that_has_no_slopes(of: list[int]) -> None:
    """Max(sqrt x, 1/2), min(sqrt x, 1/2) and |sqrt x - 1/2| around 0: the values alone are known."""
    steps: list[list[object]] = [X, ["power", 0, "1/2"], ["number", "1/2"]]
    box = [(F(0), F(1))]
    assert least([(1, formula(1, *steps, ["maximum", *of]))], {}, 0, box) == F(1, 2)
    assert least([(-1, formula(1, *steps, ["minimum", *of]))], {}, 0, box) == F(-1, 2)
    away = formula(1, *steps, ["number", -1], ["multiply", 2, 3], ["add", 1, 4], ["absolute", 5])
    assert least([(1, away)], {}, 0, box) == 0 and least([(-1, away)], {}, 0, box) == F(-1, 2)


def test_undefined_counts_even_where_parts_cancel() -> None:
    assert least([(1, ROOT), (-1, ROOT)], {}, 3, [(F(-1), F(1))]) is None
    assert least([(1, ROOT), (-1, ROOT)], {}, 3, [(F(0), F(1))]) == 3
    unused = formula(1, X, ["log", 0], ["number", 1])
    assert least([(1, unused)], {}, 0, [(F(-1), F(1))]) is None and least([(1, unused)], {}, 0, [(F(1), F(2))]) == 1
    zeroth = formula(1, X, ["log", 0], ["power", 1, 0])
    assert least([(1, zeroth)], {}, 0, [(F(-1), F(1))]) is None


def test_forms_without_functions_are_exact() -> None:
    assert least([], {1: 3, 2: -2}, 5, [(F(1, 3), F(1)), (F(0), F(1, 7))]) == 5 + 1 - F(2, 7)
    assert least([], {}, 5, []) == 5


def test_variables_beyond_the_box_are_an_error() -> None:
    for parts, line in (([(1, SQUARE)], {0: 1}), ([], {2: 1}), ([], {-1: 1})):
        with pytest.raises(ValueError, match="variables beyond the 1 of the box"):
            least(parts, line, 0, [(F(0), F(1))])
    with pytest.raises(ValueError, match="variables beyond the 0 of the box"):
        least([(1, SQUARE)], {}, 0, [])


def test_functions_go_to_other_processes() -> None:
    hash(WAVE)
    copy = pickle.loads(pickle.dumps(WAVE))
    assert copy == WAVE and vars(copy).keys() == {"inputs", "steps", "names"}
    named = Function(WAVE.inputs, WAVE.steps, ("t",))
    assert pickle.loads(pickle.dumps(named)).names == ("t",) and named == WAVE and hash(named) == hash(WAVE)


def test_names_of_inputs() -> None:
    """They are for people alone: theorems use them, and functions that differ by nothing else are equal."""
    file = {**GOOD, "steps": [["input", 1], ["input", 0], ["divide", 0, 1]]}
    assert read_function(file, "f").text == "x2/x1"
    named = read_function({**file, "variables": ["a", "x_1"]}, "f")
    assert (named.text, named.names) == ("x_1/a", ("a", "x_1")) and named == read_function(file, "f")
    longest = "a" * 40
    assert read_function({**file, "variables": ["_", longest]}, "f").text == f"{longest}/_"
    none = {**file, "inputs": 0, "steps": [["pi"]], "variables": []}
    assert read_function(none, "f").names == ()
    for wrong in ([], ["a"], ["a", "b", "c"], ["a", "a"], ["a", 1], ["a", None], ["a", ""], ["a", "1b"], ["a", "b c"]):
        with pytest.raises(Rejected, match="f: variables: expected"):
            read_function({**file, "variables": wrong}, "f")
    for word in ("pi", "exp", "log", "sin", "cos", "tan", "tanh", "abs", "max", "min", "a" * 41, "é", "a-b"):
        with pytest.raises(Rejected, match="expected other names of at most 40 letters, digits and _"):
            read_function({**file, "variables": ["a", word]}, "f")
    with pytest.raises(Rejected, match="f: variables: expected"):
        read_function({**file, "variables": "ab"}, "f")


def test_empty_boxes_and_boxes_beyond_all_limits_have_no_bound() -> None:
    assert least([(1, SQUARE)], {}, 0, [(F(1), F(0))]) is None and least([], {1: 1}, 0, [(F(1), F(0))]) is None
    assert least([(1, SQUARE)], {}, 0, [(F(0), F(10) ** 2000)]) is None
    assert least([(1, SQUARE)], {1: -1}, 0, [(F(0), F(1, 10**2000))]) is not None


def test_points() -> None:
    for x in (F(1, 3), F(1, 2), F(-7, 5)):
        bound = least([(1, WAVE)], {}, 0, [(x, x)])
        low, high = value(WAVE, [x])
        assert bound is not None and low - F(1, ONE) * 8 <= bound <= high and high - low < F(12, ONE)
    assert least([(1, SQUARE)], {}, 0, [(F(3, 4), F(3, 4))]) == F(9, 16)
    assert value(SQUARE, [F(3, 4)]) == (F(9, 16), F(9, 16)) == value(SQUARE, [(F(3, 4), F(3, 4))])
    assert value(SQUARE, [(F(-1), F(2))]) == (0, 4) and value(SQUARE, [3]) == (9, 9)
    constant = formula(0, ["pi"])
    assert value(constant, []) == least_of(constant) and least([(1, constant)], {}, 0, []) == value(constant, [])[0]


def least_of(function: Function) -> tuple[Fraction | None, Fraction | None]:
    low, high = least([(1, function)], {}, 0, []), least([(-1, function)], {}, 0, [])
    return low, None if high is None else -high


def test_second_order() -> None:
    """Around a stationary point a bound is wrong by less than the cube of the width."""
    cosine, exponential = formula(1, X, ["cos", 0]), formula(1, X, ["exp", 0])
    for digits in (1, 4, 8, 40, 80):
        h = F(1, 1 << digits)
        concave = least([(1, cosine)], {}, 0, [(-h, h)])
        assert concave is not None and 0 <= value(cosine, [h])[1] - concave < h**3
        assert least([(1, exponential)], {1: -1}, -1, [(-h, h)]) == 0


# --- limits ---------------------------------------------------------------------------------------


def chain(first: list[object], step: Callable[[int], list[object]], length: int = MAX_STEPS) -> Function:
    return formula(1, X, first, *[step(i) for i in range(1, length - 1)])


def test_hostile_programs_end() -> None:
    squares = chain(["add", 0, 0], lambda i: ["multiply", i, i])
    assert least([(1, squares)], {}, 0, [(F(2), F(3))]) is None
    assert least([(1, squares)], {}, 0, [(F(0), F(1, 4))]) == 0
    doubles = chain(["add", 0, 0], lambda i: ["add", i, i])
    assert least([(1, doubles)], {}, 0, [(F(1), F(2))]) is None
    tower = chain(["exp", 0], lambda i: ["exp", i])
    assert least([(1, tower)], {}, 0, [(F(1), F(2))]) is None
    powers = chain(["power", 0, 4096], lambda i: ["power", i, "4095/4096"], 64)
    assert least([(1, powers)], {}, 0, [(F(3, 2), F(2))]) is not None
    waves = chain(["sin", 0], lambda i: ["sin", i], 2000)
    assert least([(1, waves)], {}, 0, [(F(0), F(1))]) == 0
    thick = chain(["multiply", 0, 0], lambda i: ["multiply", i, i - 1], 500)
    assert least([(1, thick)], {}, 0, [(F(-1, 2), F(1, 2))]) is not None
    assert elementary.SIZE == 4096


def test_the_order_falls_where_work_would_be_too_large() -> None:
    def wide(inputs: int, rows: int) -> Function:
        steps: list[list[object]] = [["input", i] for i in range(inputs)]
        for _ in range(rows):
            for i in range(inputs):
                steps.append(["add", len(steps) - 1, i])
        return formula(inputs, *steps)

    two, one, none = wide(3, 5), wide(30, 10), wide(600, 20)
    assert (two.order, one.order, none.order) == (2, 1, 0)
    for function in (two, one, none):
        assert least([(1, function)], {}, 0, [(F(0), F(1))] * function.inputs) == 0


def test_the_work_that_is_worth_two_derivatives() -> None:
    """Exactly 2^17 entries: 211 for a sum of eight inputs, 64 for each further sum, 1 for each further input."""
    steps: list[list[object]] = [["input", i] for i in range(8)] + [["add", 0, 1]]
    steps += [["add", i + 6, i] for i in range(2, 8)]
    steps += [["input", 0]] * 45 + [["add", 14, 14]] * 2044
    assert formula(8, *steps).order == 2 and formula(8, *steps, ["input", 0]).order == 1


def test_where_derivatives_are_too_large_values_do() -> None:
    steep = formula(1, X, ["power", 0, 4000], ["number", 2], ["multiply", 1, 2])
    bound = least([(1, steep)], {}, 0, [(F(2), F(203, 100))])
    assert bound is not None and bound <= F(2) ** 4001


# --- reading and writing --------------------------------------------------------------------------

GOOD = written(
    2,
    [
        X,
        Y,
        ["number", "1/2"],
        ["multiply", 0, 2],
        ["power", 3, "-1/2"],
        ["maximum", 4, 1],
        ["sin", 5],
        ["pi"],
        ["add", 6, 7],
    ],
)


def test_reading() -> None:
    function = read_function({**GOOD, "name": 7, "domain": None}, "f")
    assert function.inputs == 2 and len(function.steps) == 9 and function == read_function(GOOD, "g")
    assert hash(function) == hash(read_function(GOOD, "g")) and function.steps[4].number == F(-1, 2)
    assert function.text == "sin(max((x1*(1/2))^(-1/2), x2)) + pi"


@pytest.mark.parametrize(
    "step",
    [
        [], "sin", None, 3, {}, [3], [None], [["sin"], 0], ["sinh", 0], ["Sin", 0], ["sin"], ["sin", 0, 0], ["sin", 2],
        ["sin", -1], ["sin", True], ["sin", "0"], ["sin", 0.0], ["sin", "1.0"], ["add", 0], ["add", 0, 1, 1],
        ["add", 0, 2], ["add", 0, None], ["input"], ["input", 2], ["input", -1], ["input", False], ["input", 0, 0],
        ["number"], ["number", "x"], ["number", "1/0"], ["number", True], ["number", 1, 2], ["number", None],
        ["number", "1e5000"], ["pi", 0], ["pi", 1], ["power", 0], ["power", 0, "1/4097"], ["power", 0, 4097],
        ["power", 0, "-4097"], ["power", 2, 2], ["power", 0, 1, 1], ["power", 0, "1e9"], ["power", 0, None],
        ["power", "0", 2], ["absolute", 0, 1], ["maximum", 0],
    ],
    ids=repr,
)  # fmt: skip
def test_steps_that_are_rejected(step: object) -> None:
    bad = {**GOOD, "steps": [X, Y, step]}
    with pytest.raises(Rejected, match=r"^f: steps\[2\]: expected "):
        read_function(bad, "f")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "exactformer/network-2"}, {"kind": "maxout"}, {"kind": None}, {"output": 3}, {"layers": []},
        {"inputs": -1}, {"inputs": "2"}, {"inputs": True}, {"inputs": 1}, {"inputs": 1 << 20},
        {"steps": []}, {"steps": None}, {"steps": {}}, {"steps": [["pi"]] * (MAX_STEPS + 1)},
    ],
    ids=lambda change: repr(change)[:40],
)  # fmt: skip
def test_files_that_are_rejected(change: dict[str, object]) -> None:
    with pytest.raises(Rejected, match=r"^f: "):
        read_function({**GOOD, **change}, "f")
    for key in GOOD:
        with pytest.raises(Rejected):
            read_function({k: v for k, v in GOOD.items() if k != key}, "f")
    with pytest.raises(Rejected):
        read_function([], "f")


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([X, ["number", -1], ["multiply", 1, 0]], "-x1"),
        ([X, ["number", -1], ["multiply", 1, 0], ["add", 0, 2]], "x1 - x1"),
        ([X, Y, ["add", 0, 1], ["multiply", 2, 2]], "(x1 + x2)*(x1 + x2)"),
        ([X, Y, ["divide", 0, 1], ["divide", 2, 2]], "x1/x2/(x1/x2)"),
        ([X, Y, ["multiply", 0, 1], ["power", 2, 2], ["power", 3, "1/2"]], "((x1*x2)^2)^(1/2)"),
        ([X, ["number", "-1/2"], ["add", 0, 1]], "x1 - 1/2"),
        ([X, ["number", "-1/2"], ["multiply", 0, 1], ["add", 1, 2]], "-1/2 + x1*(-1/2)"),
        ([X, ["number", "-3"], ["power", 1, 2]], "(-3)^2"),
        ([X, ["absolute", 0], ["minimum", 0, 1], ["tanh", 2]], "tanh(min(x1, abs(x1)))"),
        ([X, ["number", -1], ["add", 0, 1], ["multiply", 1, 2], ["add", 0, 3]], "x1 - (x1 - 1)"),
    ],
)  # fmt: skip
def test_text(steps: list[list[object]], text: str) -> None:
    assert formula(2, *steps).text == text


def test_text_means_what_the_program_does() -> None:
    """Read by Python, with fractions: only + - * / and powers."""
    draw, compared = Random(8), 0
    for _ in range(300):
        names = ("add", "multiply", "divide", "maximum", "minimum", "absolute", "power")
        function = random_program(draw, 2, draw.randrange(1, 8), names)
        text, point = function.text, [F(draw.randrange(1, 9)), F(draw.randrange(1, 9))]
        if "a formula" in text or any(
            step.number.denominator > 1 for step in function.steps if step.operation == "power"
        ):
            continue
        words = "".join(f"F({word})" if word.isdigit() else word for word in split(text.replace("^", "**")))
        try:
            expected = eval(
                words, {"F": F, "x1": point[0], "x2": point[1], "pi": 22, "min": min, "max": max, "abs": abs}
            )
            low, high = value(function, point)
        except (ZeroDivisionError, Undefined):
            continue
        if "pi" not in text:
            compared += 1
            assert low <= expected <= high, text
    assert compared > 80


def split(text: str) -> list[str]:
    words = [""]
    for a, b in zip(" " + text, text, strict=False):
        if a.isalnum() != b.isalnum():
            words.append("")
        words[-1] += b
    return words


def test_long_formulas_are_not_written_out() -> None:
    steps: list[list[object]] = [X, *[["multiply", i, i] for i in range(20)]]
    assert formula(1, *steps).text == "a formula of 21 steps"
    assert formula(1, *steps, ["pi"]).text == "pi"
    assert formula(1, ["number", "1" * (MAX_TEXT + 1)]).text == "a formula of 1 steps"
    assert formula(1, ["number", "1e3999"]).text == "a formula of 1 steps"
    assert formula(1, ["number", "1" * MAX_TEXT]).text == "1" * MAX_TEXT
