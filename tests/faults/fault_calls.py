"""Random calls of a kernel's functions, more and stranger ones than a certificate leads to: `(package, r) -> answers`.

What they answer is recorded in the corpus. The calls themselves depend on the random numbers `r` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

SPECIAL = (0, 1, -1, Fraction(1, 2), Fraction(-3, 2), 2, 3, -7, Fraction(22, 7), 40, Fraction(1, 1000), -5000, 2900)
EXPONENTS = (0, 1, 2, 2, 3, -1, Fraction(1, 2), Fraction(-3, 2))


def tried(package: Any, call: Callable[[], Any]) -> Any:
    """What a call answers, or that there may be no value."""
    try:
        return call()
    except package.elementary.Undefined:
        return "undefined"


# --- elementary functions -------------------------------------------------------------------------


def enclosures(package: Any, r: Random) -> Iterator[tuple[int, int]]:
    """Intervals in units of 2^-BITS: points, thin ones, wide ones, and ends next to multiples of pi / 4."""
    one, (pi, _) = package.elementary.ONE, package.elementary.pi()
    while True:
        x = Fraction(r.choice(SPECIAL)) * one if r.random() < 0.6 else r.randrange(-9, 9) * Fraction(pi, 4)
        low = int(x) + r.choice((0, 0, 1, -1, 5, -9, r.randrange(-one, one)))
        yield low, low + r.choice((0, 0, 1, 3, r.randrange(one), r.randrange(9 * one)))


def elementary(package: Any, r: Random) -> list[Any]:
    """Every function of one or two enclosures."""
    e, pool = package.elementary, enclosures(package, r)
    found: list[Any] = []
    for _ in range(8):
        a, b = next(pool), next(pool)
        n = Fraction(r.randrange(-5, 12), r.choice((1, 1, 2, 3, 5, 9)))
        found += [tried(package, lambda f=f, a=a: f(a)) for f in (e.exp, e.log, e.tanh, e.sine_cosine, e.tan)]
        found += [tried(package, lambda f=f, a=a, b=b: f(a, b)) for f in (e.add, e.multiply, e.divide)]
        found += [f(a, b) for f in (e.hull, e.maximum, e.minimum)]
        found += [e.absolute(a), e.negated(a), e.scaled(r.randrange(-3, 4), a)]
        found.append(tried(package, lambda a=a, n=n: e.power(a, n)))
    return found


# --- functions of the inputs ----------------------------------------------------------------------


def program(package: Any, r: Random, inputs: int) -> Any:
    """A straight-line program of a few steps."""
    f = package.functions
    steps = [f.Step("input", (i,)) for i in range(inputs)] or [f.Step("pi")]
    for _ in range(r.randrange(1, 9)):
        a, b = r.randrange(len(steps)), r.randrange(len(steps))
        operation = r.choice(("add", "multiply", "multiply", "power", "number", "pi", "input", *f.UNARY, *f.BINARY))
        if operation in f.BINARY:
            steps.append(f.Step(operation, (a, b)))
        elif operation in f.UNARY:
            steps.append(f.Step(operation, (a,)))
        elif operation == "power":
            steps.append(f.Step(operation, (a,), Fraction(r.choice(EXPONENTS))))
        elif operation == "number":
            steps.append(f.Step(operation, (), Fraction(r.choice(SPECIAL))))
        elif operation == "input" and inputs:
            steps.append(f.Step(operation, (r.randrange(inputs),)))
    return f.Function(inputs, tuple(steps))


def functions(package: Any, r: Random) -> list[Any]:
    """Programs: as text, on boxes with derivatives, and sums of them from below."""
    f, found = package.functions, list[Any]()
    for _ in range(6):
        inputs = r.choice((1, 1, 2, 2, 3))
        parts = [(r.choice((1, -1, 2, 3)), program(package, r, inputs)) for _ in range(r.choice((1, 1, 2)))]
        parts += parts[:1] * r.choice((0, 0, 1))
        box = []
        for _ in range(inputs):
            low = Fraction(r.choice(SPECIAL[:9])) + Fraction(r.randrange(9), 8)
            box.append((low, low + r.choice((0, Fraction(1, 64), Fraction(1, 3), 1, 2))))
        line = {i: r.randrange(-3, 4) for i in range(1, inputs + 1) if r.random() < 0.7}
        cube = tuple(package.elementary.enclose(*map(Fraction, side)) for side in box)
        free = tuple(i for i in range(inputs) if r.random() < 0.8)
        one = parts[0][1]
        found += [one.text, one.order, one.outputs, hash(one) == hash((one.inputs, one.steps)), one.__reduce__()[1:]]
        found += [tried(package, lambda one=one, n=n, c=cube, u=free: f._jet(one, c, u, n)) for n in (0, 1, 2)]
        found += [tried(package, lambda one=one, b=box: f.value(one, b)), f.least(parts, line, r.randrange(-2, 3), box)]
    return found


def sums(package: Any, r: Random) -> list[Any]:
    """Sums of smooth programs, and of some with kinks, on small boxes where they are defined: from below."""
    f, found = package.functions, list[Any]()
    for _ in range(6):
        inputs = r.choice((1, 2, 2, 3, 4))
        parts = []
        for _ in range(r.choice((1, 1, 2, 3))):
            steps = [f.Step("input", (i,)) for i in range(inputs)]
            for _ in range(r.randrange(1, 7)):
                a, b = r.randrange(len(steps)), r.randrange(len(steps))
                operation = r.choice(
                    ("add", "multiply", "multiply", "power", "exp", "sin", "tanh", *f.BINARY[2:], "log")
                )
                of = (a, b) if operation in f.BINARY else (a,)
                steps.append(f.Step(operation, of, Fraction(2 if operation == "power" else 0)))
            parts.append((r.choice((1, -1, 2, -3)), f.Function(inputs, tuple(steps))))
        lows = [Fraction(r.randrange(-4, 9), 4) for _ in range(inputs)]
        box = [(low, low + r.choice((0, Fraction(1, 64), Fraction(1, 4), Fraction(1, 2), 2))) for low in lows]
        line = {i: r.randrange(-3, 4) for i in range(1, inputs + 1) if r.random() < 0.7}
        found += [f.least(parts, line, shift, box) for shift in (0, r.randrange(1, 5))]
        whole = f.Sum(tuple(parts), {i - 1: c for i, c in line.items()}, 3)
        cube = tuple(package.elementary.enclose(*map(Fraction, side)) for side in box)
        free = tuple(range(inputs))
        found += [tried(package, lambda w=whole, c=cube, u=free, n=n: w.on(c, u, n)) for n in (0, 1, 2)]
    return found


def parabolas(package: Any, r: Random) -> list[Any]:
    """The parts of a lower bound by second derivatives, and what is known of kinks, with numbers of any size."""
    f, one, found = package.functions, package.elementary.ONE, list[Any]()

    def number() -> int:
        return r.choice((0, 1, -1, 2, r.randrange(-9, 10), *[r.randrange(-4 * one, 4 * one) for _ in range(3)]))

    def pair() -> tuple[int, int]:
        low, high = sorted((number(), number()))
        return low, high

    for _ in range(20):
        side, slope, curvature = (-abs(number()), abs(number())), pair(), number()
        found += [f._parabola(side, slope, curvature), f._values(side, slope, curvature), f._centre(*pair())]
    for _ in range(8):
        n = r.choice((1, 2, 2, 3, 6, 7))
        sides = {i: (-abs(number()), abs(number())) for i in range(n)}
        second = {(i, j): r.choice(((0, 0), pair())) for i in range(n) for j in range(i, n) if r.random() < 0.7}
        found.append(f._quadratic(sides, {i: pair() for i in range(n)}, second))
    for _ in range(12):
        slopes = [r.choice((None, {}, {0: pair()}, {1: pair(), 0: pair()})) for _ in "ab"]
        a, b = (f.Jet(pair(), s, None if s is None else r.choice((None, {}, {(0, 0): pair()}))) for s in slopes)
        for margin in (0, 1):
            found += [f._maximum(a, b, margin), f._minimum(a, b, margin), f._absolute(a, margin)]
        found += [f._sum(a, b), f._product(a, b, (0, 1)), tried(package, lambda a=a, b=b: f._quotient(a, b))]
        found.append(f._composed(a, pair(), r.choice((None, pair())), r.choice((None, pair()))))
    return found


# --- atoms ----------------------------------------------------------------------------------------


def _form(package: Any, r: Random, variables: int) -> Any:
    terms = {v: r.choice((1, -1, 2, -3, 5)) for v in range(variables) if r.random() < (0.9 if v == 0 else 0.4)}
    return package.forms.reduced(terms, r.choice((1, 1, 2, 3)))


def atoms(package: Any, r: Random) -> list[Any]:
    """Maxima, means, blends, leaks and differences on one path, now and then the same again, and all that is known."""
    inputs = r.randrange(1, 4)
    lower = [None if r.random() < 0.1 else Fraction(r.randrange(-4, 1)) for _ in range(inputs)]
    upper = [None if r.random() < 0.1 else Fraction(r.randrange(1, 5), 2) for _ in range(inputs)]
    a = package.atoms.Atoms(lower, upper, r.random() < 0.7)
    found, lists = list[Any](), list[list[Any]]()
    for _ in range(5):
        rate = package.softmax.Rate(Fraction(r.choice((1, 2, 8)), r.choice((1, 3))), r.choice("e2"))
        size = r.choice((1, 2, 2, 3, 4))
        if lists and r.random() < 0.4:
            forms = [package.forms.combine(((1, form), (1, _form(package, r, 1)))) for form in r.choice(lists)]
        else:
            forms = [_form(package, r, len(a.low)) for _ in range(size)]
        lists.append(forms)
        scores = [_form(package, r, len(a.low)) for _ in forms]
        kind = r.choice(("maximum", "maximum", "mean", "blend", "leak", "near", "near"))
        asked: tuple[Any, ...]
        if kind == "maximum":
            asked = (forms,)
        elif kind == "mean":
            asked = (forms, rate)
        elif kind == "blend":
            asked = (forms, scores, rate)
        elif kind == "leak":
            margins = {t: Fraction(r.randrange(1, 9)) for t in range(1, len(forms)) if r.random() < 0.7}
            asked = (forms[0], forms, scores, margins, rate)
        else:
            earlier, soft = r.choice(lists), r.choice((None, rate, package.softmax.Rate(Fraction(2), "e")))
            value = a.maximum(earlier) if soft is None else a.mean(earlier, soft)
            met = a.met(earlier, value, soft)
            asked = (forms, r.choice((None, soft, rate)), met)
        if r.random() < 0.3:
            a.below()
        if r.random() < 0.2:
            a = a.below()
        found += [getattr(a, kind)(*asked) for _ in range(2)]
        found += [a.leaking(scores, rate), a.leaking(scores, rate), a.alive(forms), a.needed(forms)]
        found += [f(form) for form in forms for f in (a.bounds, a.expanded, a.listed, a.tidy)]
        found += [a.between(forms), a.lead(forms), a._lowest(forms), a._hull(forms)]
    tables = (a.low, a.high, a.candidates, a.alias, a.first, a.support, a.gaps, a.apart, a.floor, a.ceiling, a.level)
    return [*found, *tables, list(a.rates.items())]


# --- softmax --------------------------------------------------------------------------------------


def softmax(package: Any, r: Random) -> list[Any]:
    """Exponentials, weights, gaps and losses."""
    s, found = package.softmax, list[Any]()

    def number() -> Fraction:
        return Fraction(r.choice((0, 1, -1, 3, r.randrange(-99, 99))), r.choice((1, 1, 2, 7)))

    def bounds() -> tuple[Fraction | None, Fraction | None]:
        low, high = sorted((number(), number()))
        return None if r.random() < 0.1 else low, None if r.random() < 0.1 else high

    for _ in range(4):
        rate = s.Rate(Fraction(r.choice((1, 2, 7)), r.choice((1, 3))), r.choice("e2"))
        margin = abs(number())
        found += [s.decay(margin, rate.base), s.exponential(Fraction(r.randrange(8), 7)), rate.scaled(Fraction(3, 2))]
        found += [s.odds(rate, margin), s.share(margin), s.largest_gap(rate, r.randrange(1, 6))]
        loss = s._largest_loss(rate, margin, r.choice((None, margin, margin + 1, margin + abs(number()))))
        numbers = [bounds() for _ in range(r.randrange(2, 5))]
        differences = [(Fraction(0), Fraction(0)), *numbers[1:]]
        behind = [
            (Fraction(0), Fraction(0)),
            *((None if low is None else -abs(low) - 1, -abs(low or 1)) for low, _ in numbers),
        ]
        found += [
            loss,
            s.weights(rate, numbers),
            s.gap(rate, differences),
            s.gap(rate, behind),
            s.offset(rate, differences),
        ]
    return found


# --- counts ---------------------------------------------------------------------------------------


def counts(package: Any, r: Random) -> list[Any]:
    """Determinants, volumes, simplices, and what layers do at points."""
    c, found = package.counts, list[Any]()

    def whole() -> int:
        return r.choice((0, 0, 1, -1, 2, -3, 5))

    def refused(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except package.reading.Rejected as rejection:
            return str(rejection)

    for _ in range(6):
        n = r.choice((1, 2, 2, 3, 4))
        found.append(c.determinant([[whole() for _ in range(n)] for _ in range(n)]))
        n = r.choice((1, 2, 2, 3))
        lower = [Fraction(r.choice((0, 0, -1, -2)), r.choice((1, 2))) for _ in range(n)]
        upper = [low + r.choice((0, 1, 1, 1, 2, -1)) for low in lower] if r.random() < 0.4 else [x + 1 for x in lower]
        matrix = [[Fraction(whole(), r.choice((1, 2))) for _ in range(n)] for _ in range(r.choice((0, 1, 1, 2)))]
        domain = c.Bounded(lower, upper, matrix, [Fraction(whole(), r.choice((1, 3))) for _ in matrix])
        found += [domain.rows(), domain.volume("domain"), str(domain)]
        tight = [r.randrange(1 << r.choice((3, 5, 6))) for _ in range(r.randrange(0, 7))]
        found.append(list(c.simplices(tight, n, "hull")))
        corners = [[*point, 1] for point in product((0, 1), repeat=n)]
        walls = [sum(1 << (2 * i + x) for i, x in enumerate(corner[:-1])) for corner in corners]
        scaled = [
            [x * h for x in corner] for corner, h in zip(corners, [r.randrange(1, 4) for _ in corners], strict=True)
        ]
        hulls = [r.sample(range(len(corners)), r.randrange(len(corners) + 1)) for _ in range(2)]
        patterns = [r.choice((0, 0, 1)) for _ in hulls]
        found.append(refused(lambda p=patterns, h=hulls, q=scaled, w=walls, n=n: c._filled(p, h, q, w, n, "hulls")))
        layers, width = [], n
        for _ in range(r.choice((1, 2))):
            units, rank = r.choice((1, 2)), r.choice((2, 3))
            rows = [([*range(width), width], [whole() for _ in range(width + 1)]) for _ in range(units * rank)]
            rows = [([], []) if r.random() < 0.2 else row for row in rows]
            layers.append((rank, rows, r.choice((1, 1, 2))))
            width = units
        points = [[str(Fraction(r.randrange(-1, 5), 4)) for _ in range(n)] for _ in range(4)]
        whole_box = c.Bounded([Fraction(-1)] * n, [Fraction(2)] * n, [], [])
        found += [
            refused(lambda l=layers, p=points[:k], b=whole_box: c._patterns(l, b, p, "points")) for k in (1, 2, 4)
        ]
        digits, edge = c.Digits(r.choice((1, 2, 3)), 5), r.choice((1, 63, 100))
        first, second = ([r.choice((0, edge, -edge, 1, -1, whole())) for _ in range(5)] for _ in range(2))
        x, y = digits.joined(first), digits.joined(second)
        found += [x, digits.signs(x), digits.told(digits.signs(y)), digits.joined([127, -127, 0, 1, -1])]
        if edge < 64:
            found.append(digits.larger(x, y))
        found += [c._growth(rows, den) for _, rows, den in layers]
        homogeneous = [[whole() << r.choice((0, 0, 9)) for _ in range(n)] + [r.choice((1, 2, 8))] for _ in range(130)]
        found += [c._reached(layers, homogeneous), c._reached(layers, []), list(c._batches(homogeneous))]
        found.append(refused(lambda l=layers, p=points, b=domain: c._vertices(l, b, p, "vertices")))
        found.append(refused(lambda l=layers, p=points, b=whole_box: c._vertices(l, b, p, "vertices")))
    return found
