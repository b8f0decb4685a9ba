"""Random calls of a kernel's functions, more and stranger ones than a certificate leads to: `(package, r) -> answers`.

What they answer is recorded in the corpus. The calls themselves depend on the random numbers `r` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
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
