"""What can be claimed of one or two networks on a domain: one function a claim, the whole list in `CLAIMS`.

Each says which points it speaks of, which evaluations it compares, and which forms in their outputs must be
zero, non-negative or, the largest of a group, positive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from .bounds import Bounds
from .cell import Row
from .forms import ONE, ZERO, Form, Vector, combine, constant_form, difference, scaled
from .functions import Function
from .networks import Network
from .reading import array, natural, numbers, rational, reject, table
from .semantics import TIES, Semantics

T = TypeVar("T")
Point = list[Form]  # all coordinates, those that are zero, too


@dataclass(frozen=True)
class Domain:
    """The set of x with lower <= x <= upper (None: no bound) and matrix x <= bounds."""

    lower: list[Fraction | None]
    upper: list[Fraction | None]
    matrix: list[list[Fraction]]
    bounds: list[Fraction]

    def rows(self, x: Point) -> tuple[Row, ...]:
        """That x lies in it: for each input its lower, then its upper bound if finite; then the rows of the matrix."""
        forms = []
        for xi, low, high in zip(x, self.lower, self.upper, strict=True):
            if low is not None:
                forms.append(difference(xi, constant_form(low)))
            if high is not None:
                forms.append(difference(constant_form(high), xi))
        for row, bound in zip(self.matrix, self.bounds, strict=True):
            parts = [(1, scaled(xi, -c)) for xi, c in zip(x, row, strict=True)]
            forms.append(combine([(1, constant_form(bound)), *parts]))
        return tuple((form, False) for form in forms)

    def written(self) -> dict[str, object]:
        """The domain as a certificate states it, with every number as an integer or a fraction in lowest terms."""
        ends = [[None if x is None else _written(x) for x in side] for side in (self.lower, self.upper)]
        rows = {"matrix": [list(map(_written, row)) for row in self.matrix], "bounds": list(map(_written, self.bounds))}
        return {"lower": ends[0], "upper": ends[1]} | (rows if self.bounds else {})

    def contains(self, point: Sequence[Fraction]) -> bool:
        """Whether the point lies in the domain."""
        x = [Form({i: 1}) for i in range(1, len(point) + 1)]
        return all(form.at([1, *point]) >= 0 for form, _ in self.rows(x))


def _written(number: Fraction) -> int | str:
    text = str(number)  # Python refuses here what it could not print
    return number.numerator if number.denominator == 1 else text


def read_domain(value: object, place: str, dimension: int) -> Domain:
    """The domain written as an object with lower, upper and optionally matrix and bounds."""
    item = table(value, place, ("lower", "upper"), ("matrix", "bounds"))
    ends = []
    for key in ("lower", "upper"):
        side = enumerate(array(item[key], f"{place}.{key}", dimension))
        ends.append([None if x is None else rational(x, f"{place}.{key}[{i}]") for i, x in side])
    return Domain(ends[0], ends[1], *_read_rows(item, place, dimension))


def _read_rows(item: dict[str, object], place: str, dimension: int) -> tuple[list[list[Fraction]], list[Fraction]]:
    """A matrix and bounds, one a row; nothing where the keys are missing."""
    bounds = numbers(item.get("bounds", []), f"{place}.bounds")
    rows = array(item.get("matrix", []), f"{place}.matrix", len(bounds))
    return [numbers(row, f"{place}.matrix[{i}]", dimension) for i, row in enumerate(rows)], bounds


@dataclass(frozen=True)
class Job:
    """One evaluation a claim asks for: a network at a point."""

    side: str  # the first letter of the names of its places
    label: str
    network: Network
    semantics: Semantics
    inputs: Point


@dataclass(frozen=True)
class Statement:
    """At all values of the variables within their bounds that satisfy the rows, the conclusions hold.

    The conclusions are forms in the outputs of the jobs; each is 0 if `equations` is set, else >= 0. If `groups` is
    set, it says how many of them, in order, belong together; then in each group the largest is > 0.
    """

    text: str
    lower: list[Fraction | None]
    upper: list[Fraction | None]
    rows: tuple[Row, ...]
    points: list[tuple[str, Point]]  # the points of the domain that it speaks of
    jobs: list[Job]
    equations: bool
    conclusions: Callable[[list[Vector]], list[Form]]
    groups: tuple[int, ...] = ()

    def grouped(self, conclusions: Sequence[T]) -> list[list[T]]:
        """What belongs to each conclusion, group by group."""
        following = iter(conclusions)
        return [[next(following) for _ in range(size)] for size in self.groups]

    def box(self, rows: Sequence[Row]) -> tuple[list[Fraction | None], list[Fraction | None]]:
        """The bounds of the variables, with those that rows about one variable alone add."""
        lower, upper = list(self.lower), list(self.upper)
        for form, _ in rows:
            variables = [v for v in form.terms if v != ONE]
            if len(variables) == 1 and variables[0] <= len(lower):
                i, c, k = variables[0] - 1, form.terms[variables[0]], form.terms.get(ONE, 0)
                side = lower if c > 0 else upper
                end = side[i]
                if end is None or c * end.numerator + k * end.denominator < 0:
                    side[i] = Fraction(-k, c)
        return lower, upper

    def contains(self, variables: Sequence[Fraction]) -> bool:
        """Whether all rows hold at these values of the variables."""
        return all(form.at([1, *variables]) >= 0 for form, _ in self.rows)

    def violated(self, outputs: list[Vector], bounds: Callable[[Form], Bounds]) -> bool:
        """Whether outputs of the jobs contradict a conclusion, whatever they are between the bounds of these forms."""
        found = [bounds(form) for form in self.conclusions(outputs)]
        if self.groups:
            return any(all(high is not None and high <= 0 for _, high in group) for group in self.grouped(found))
        below = any(high is not None and high < 0 for _, high in found)
        return below or (self.equations and any(low is not None and low > 0 for low, _ in found))


@dataclass(frozen=True)
class Setting:
    """What a claim is about: the networks (the right one is missing in claims about one), and its parameters."""

    left: Network
    right: Network
    domain: Domain
    semantics: tuple[Semantics, Semantics]
    parameters: dict[str, object]
    place: str

    @property
    def x(self) -> Point:
        """The inputs as variables 1, ..., n."""
        return [Form({i: 1}) for i in range(1, self.left.inputs + 1)]

    def second(self, free: Sequence[int]) -> Point:
        """A second point y: variables n + 1, n + 2, ... at the free inputs, and elsewhere equal to x."""
        fresh = {i: Form({self.left.inputs + k: 1}) for k, i in enumerate(free, start=1)}
        return [fresh.get(i, xi) for i, xi in enumerate(self.x)]

    def at_x(self, text: str, jobs: list[Job], equations: bool, conclusions: Callable[..., list[Form]]) -> Statement:
        """A statement about every x in the domain."""
        lower, upper, x = self.domain.lower, self.domain.upper, self.x
        quantified = f"for every x in the domain, {text}"
        return Statement(quantified, lower, upper, self.domain.rows(x), [("x", x)], jobs, equations, _on(conclusions))

    def at_x_y(
        self,
        text: str,
        free: Sequence[int],
        more: Sequence[Form],
        jobs: list[Job],
        equations: bool,
        conclusions: Callable[..., list[Form]],
    ) -> Statement:
        """A statement about all x, y in the domain that agree except in the free inputs, with `more` forms >= 0."""
        x, y, domain = self.x, self.second(free), self.domain
        lower, upper = ([*ends, *(ends[i] for i in free)] for ends in (domain.lower, domain.upper))
        rows = domain.rows(x) + domain.rows(y) + tuple((form, False) for form in more)
        return Statement(text, lower, upper, rows, [("x", x), ("y", y)], jobs, equations, _on(conclusions))

    def job(self, side: str, label: str, inputs: Point, semantics: Semantics | None = None) -> Job:
        """The left network at a point."""
        return Job(side, label, self.left, semantics or self.semantics[0], inputs)

    def both(self) -> list[Job]:
        """Both networks at x."""
        return [
            Job("L", "left(x)", self.left, self.semantics[0], self.x),
            Job("R", "right(x)", self.right, self.semantics[1], self.x),
        ]

    def free(self) -> list[int]:
        """The parameter `inputs`: increasing numbers of inputs, at least one."""
        place, n = f"{self.place}.inputs", self.left.inputs
        free = [natural(i, place, n) for i in array(self.parameters["inputs"], place)]
        if not free or sorted(set(free)) != free:
            reject(place, "numbers of inputs in increasing order, at least one", free)
        return free

    def differing(self, free: Sequence[int]) -> str:
        """Where x and y may differ, in words; nothing to say if that is everywhere."""
        return "" if len(free) == self.left.inputs else f" that differ at most in {_names(free)}"


def _on(conclusions: Callable[..., list[Form]]) -> Callable[[list[Vector]], list[Form]]:
    return lambda outputs: conclusions(*outputs)


def _minus(y: Vector, z: Vector) -> list[Form]:
    return [difference(y.get(k, ZERO), z.get(k, ZERO)) for k in sorted(y.keys() | z.keys())]


def _names(inputs: Sequence[int]) -> str:
    return ", ".join(f"x{i + 1}" for i in inputs)


# --- the claims -----------------------------------------------------------------------------------


def equal(s: Setting) -> Statement:
    """left(x) = right(x)."""
    return s.at_x("left(x) = right(x)", s.both(), True, _minus)


def at_most(s: Setting) -> Statement:
    """left(x) <= right(x), output by output."""
    return s.at_x("left(x) <= right(x)", s.both(), False, lambda y, z: _minus(z, y))


def within(s: Setting) -> Statement:
    """|left(x) - right(x)| <= epsilon, output by output."""
    epsilon = rational(s.parameters["epsilon"], f"{s.place}.epsilon")
    if epsilon < 0:
        reject(f"{s.place}.epsilon", "a number >= 0", str(epsilon))
    e = constant_form(epsilon)

    def conclusions(y: Vector, z: Vector) -> list[Form]:
        sides = [(u.get(k, ZERO), v.get(k, ZERO)) for u, v in ((y, z), (z, y)) for k in range(s.left.outputs)]
        return [difference(e, difference(u, v)) for u, v in sides]

    return s.at_x(f"|left(x) - right(x)| <= {epsilon}", s.both(), False, conclusions)


def output_range(s: Setting) -> Statement:
    """Lower <= left(x) <= upper, output by output, null for no bound."""
    ends: list[list[Fraction | None]] = []
    for key in ("lower", "upper"):
        side = array(s.parameters[key], f"{s.place}.{key}", s.left.outputs)
        ends.append([None if y is None else rational(y, f"{s.place}.{key}") for y in side])
    parts = []
    for k, (low, high) in enumerate(zip(*ends, strict=True), start=1):
        name = "left(x)" if s.left.outputs == 1 else f"left(x)_{k}"
        chain = [*([] if low is None else [str(low)]), name, *([] if high is None else [str(high)])]
        parts += [" <= ".join(chain)] if len(chain) > 1 else []
    if not parts:
        reject(s.place, "at least one bound", "none")

    def conclusions(y: Vector) -> list[Form]:
        low, high = ([(y.get(k, ZERO), end) for k, end in enumerate(side) if end is not None] for side in ends)
        above = [difference(value, constant_form(end)) for value, end in low]
        return above + [difference(constant_form(end), value) for value, end in high]

    return s.at_x(" and ".join(parts), [s.job("L", "left(x)", s.x)], False, conclusions)


def avoids(s: Setting) -> Statement:
    """left(x) lies in none of the sets {y: matrix y <= bounds}: some row of each has matrix_i y - bounds_i > 0."""
    if isinstance(s.left, Function):
        reject(s.place, "a network", "a function")
    rows, texts, sizes = list[tuple[list[Fraction], Fraction]](), list[str](), list[int]()
    for i, item in enumerate(array(s.parameters["sets"], f"{s.place}.sets")):
        place = f"{s.place}.sets[{i}]"
        own = list(zip(*_read_rows(table(item, place, ("matrix", "bounds")), place, s.left.outputs), strict=True))
        if not own:
            reject(place, "at least one row", "none")
        rows += own
        texts.append(f"({' and '.join(f'{_sum(row)} <= {bound}' for row, bound in own)})")
        sizes.append(len(own))
    if not texts:
        reject(f"{s.place}.sets", "at least one set", "none")

    def conclusions(y: Vector) -> list[Form]:
        return [
            combine([(1, constant_form(-bound)), *((1, scaled(y.get(k, ZERO), c)) for k, c in enumerate(row))])
            for row, bound in rows
        ]

    text = f"y = left(x) satisfies none of {', '.join(texts)}"
    return replace(s.at_x(text, [s.job("L", "left(x)", s.x)], False, conclusions), groups=tuple(sizes))


def _sum(row: Sequence[Fraction]) -> str:
    """A combination of y1, y2, ... as text."""
    terms = [(c, "" if abs(c) == 1 else f"{abs(c)} ", k) for k, c in enumerate(row, start=1) if c]
    text = "".join([f"{' - ' if c < 0 else ' + '}{factor}y{k}" for c, factor, k in terms])
    return f"-{text[3:]}" if text.startswith(" -") else text[3:] or "0"


def invariant(s: Setting) -> Statement:
    """left(x) = left(Px) for the permutation P with (Px)_i = x_permutation[i]; Px need not lie in the domain."""
    place, n = f"{s.place}.permutation", s.left.inputs
    order = [natural(i, place, n) for i in array(s.parameters["permutation"], place, n)]
    if sorted(order) != list(range(n)):
        reject(place, f"a permutation of 0, ..., {n - 1}", order)
    label = f"left({_names(order)})"
    jobs = [s.job("L", "left(x)", s.x), s.job("R", label, [s.x[i] for i in order])]
    return s.at_x(f"left(x) = {label}", jobs, True, _minus)


def ties_agree(s: Setting) -> Statement:
    """left(x) under the first tie rule equals left(x) under the second."""
    rules = [str(rule) for rule in array(s.parameters["rules"], f"{s.place}.rules", 2)]
    if not set(rules) <= set(TIES):
        reject(f"{s.place}.rules", f"two of {', '.join(TIES)}", rules)
    if s.semantics[0].soft:
        reject(s.place, "hard attention, which has ties", "softmax")
    jobs = [s.job(side, f"left(x) {rule}", s.x, Semantics(rule)) for side, rule in zip("LR", rules, strict=True)]
    return s.at_x(f"left(x) is the same under the tie rules {rules[0]} and {rules[1]}", jobs, True, _minus)


def independent(s: Setting) -> Statement:
    """Left does not depend on the given inputs."""
    free = s.free()
    text = f"for all x, y in the domain{s.differing(free)}, left(x) = left(y)"
    return s.at_x_y(text, free, [], [s.job("L", "left(x)", s.x), s.job("R", "left(y)", s.second(free))], True, _minus)


def increasing(s: Setting) -> Statement:
    """Left does not decrease when some of the given inputs grow."""
    free = s.free()
    x, y = s.x, s.second(free)
    text = f"for all x <= y in the domain{s.differing(free)}, left(x) <= left(y)"
    jobs = [s.job("L", "left(x)", x), s.job("R", "left(y)", y)]
    return s.at_x_y(text, free, [difference(y[i], x[i]) for i in free], jobs, False, lambda u, v: _minus(v, u))


def decreasing(s: Setting) -> Statement:
    """Left does not increase when some of the given inputs grow."""
    free = s.free()
    x, y = s.x, s.second(free)
    text = f"for all x <= y in the domain{s.differing(free)}, left(x) >= left(y)"
    jobs = [s.job("L", "left(x)", x), s.job("R", "left(y)", y)]
    return s.at_x_y(text, free, [difference(y[i], x[i]) for i in free], jobs, False, _minus)


def convex(s: Setting) -> Statement:
    """Left is midpoint convex; a function with finitely many affine pieces is then convex."""
    return _midpoint(s, "<=", 1)


def concave(s: Setting) -> Statement:
    """Left is midpoint concave; a function with finitely many affine pieces is then concave."""
    return _midpoint(s, ">=", -1)


def _midpoint(s: Setting, relation: str, sign: int) -> Statement:
    free = range(s.left.inputs)
    x, y = s.x, s.second(free)
    middle = [combine([(1, a), (1, b)], 2) for a, b in zip(x, y, strict=True)]
    jobs = [s.job("M", "left((x + y)/2)", middle), s.job("L", "left(x)", x), s.job("R", "left(y)", y)]

    def conclusions(m: Vector, u: Vector, v: Vector) -> list[Form]:
        outputs = sorted(m.keys() | u.keys() | v.keys())
        triples = [(m.get(k, ZERO), u.get(k, ZERO), v.get(k, ZERO)) for k in outputs]
        return [combine([(sign, b), (sign, c), (-2 * sign, a)]) for a, b, c in triples]

    text = f"for all x, y in the domain, left((x + y)/2) {relation} (left(x) + left(y))/2"
    return s.at_x_y(text, free, [], jobs, False, conclusions)


CLAIMS: dict[str, tuple[int, tuple[str, ...], Callable[[Setting], Statement]]] = {
    "equal": (2, (), equal),
    "at-most": (2, (), at_most),
    "within": (2, ("epsilon",), within),
    "range": (1, ("lower", "upper"), output_range),
    "avoids": (1, ("sets",), avoids),
    "invariant": (1, ("permutation",), invariant),
    "ties-agree": (1, ("rules",), ties_agree),
    "independent": (1, ("inputs",), independent),
    "increasing": (1, ("inputs",), increasing),
    "decreasing": (1, ("inputs",), decreasing),
    "convex": (1, (), convex),
    "concave": (1, (), concave),
}  # name -> (number of networks, names of the parameters, what it says)


def read_statement(
    name: object,
    parameters: object,
    networks: Sequence[Network],
    domain: Domain,
    semantics: Sequence[Semantics],
    place: str,
) -> Statement:
    """The claim of that name about the networks on the domain."""
    if not isinstance(name, str) or name not in CLAIMS:
        reject(f"{place}: claim", f"one of {', '.join(CLAIMS)}", name)
    number, keys, build = CLAIMS[name]
    if len(networks) != number:
        reject(place, f"{number} network{'s'[: number - 1]} for the claim {name}", len(networks))
    values = table(parameters, f"{place}: parameters", keys)
    sides = semantics[0], semantics[-1]
    return build(Setting(networks[0], networks[-1], domain, sides, values, f"{place}: parameters"))
