"""Functions given by formulas: reading them, their values, and lower bounds of sums of them on a box.

A function is a straight-line program. It is evaluated on a box by forward differentiation to the second order: every
step has an enclosure of its values on the box, slopes if it is Lipschitz there, and second derivatives if it is C^2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import product
from typing import NamedTuple, TypeVar

from . import elementary
from .elementary import ONE, UNIT, Enclosure, Undefined, add, divide, hull, multiply, negated, power, scaled
from .reading import array, natural, rational, reject, table

MAX_STEPS = 1 << 14
MAX_EXPONENT = 1 << 12
MAX_INPUTS = 1 << 20
MAX_WORK = 1 << 17  # entries of derivatives in one evaluation; where there would be more, a lower order has to do
MAX_COUPLED = 6  # inputs with mixed second derivatives whose corners are looked at one by one
MAX_ROUNDS = 4  # in which a box shrinks to the face where a sum is least
MAX_TEXT = 400
MAX_NAME = 40

Box = Sequence[tuple[Fraction, Fraction]]
Cube = tuple[Enclosure, ...]  # a box whose ends are multiples of 2^-BITS
Key = TypeVar("Key")

UNARY = ("exp", "log", "sin", "cos", "tan", "tanh", "absolute")
BINARY = ("add", "multiply", "divide", "maximum", "minimum")
WORDS = ("exp", "log", "sin", "cos", "tan", "tanh", "abs", "max", "min", "pi")  # of formulas
SQUARE = Fraction(2)
NOTHING: Enclosure = (0, 0)


class Step(NamedTuple):
    """One operation on earlier steps: `number` is a constant or an exponent, `of` of "input" counts the inputs."""

    operation: str
    of: tuple[int, ...] = ()
    number: Fraction = Fraction(0)


@dataclass(frozen=True)
class Function:
    """The value of the last step as a function of the inputs; it is defined where all steps are."""

    inputs: int
    steps: tuple[Step, ...]
    names: tuple[str, ...] = field(default=(), compare=False)  # of the inputs, for people; or none: x1, x2, ...

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return Function, (self.inputs, self.steps, self.names)  # without the hash: each process has its own

    @cached_property
    def _hash(self) -> int:
        return hash((self.inputs, self.steps))

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    def linear(self, step: Step) -> tuple[tuple[Fraction, int], ...] | None:
        """The factors and the steps whose sum a step is; None for what is neither a sum nor a multiple by a number."""
        numbers = [i for i in step.of if step.operation != "input" and self.steps[i].operation == "number"]
        match step.operation:
            case "add":
                return (Fraction(1), step.of[0]), (Fraction(1), step.of[1])
            case "multiply" if numbers:
                return ((self.steps[numbers[0]].number, step.of[numbers[0] == step.of[0]]),)
            case "divide" if step.of[1] in numbers and self.steps[step.of[1]].number:
                return ((1 / self.steps[step.of[1]].number, step.of[0]),)
            case _:
                return None

    @cached_property
    def order(self) -> int:
        """How many times it is differentiated: 2, or less where that would be more than `MAX_WORK` entries."""
        supports: list[int] = []  # sets of inputs as the bits of a number, in the order of their first use
        bits: dict[int, int] = {}
        for step in self.steps:
            if step.operation == "input":
                support = bits.setdefault(step.of[0], 1 << len(bits))
            else:
                support = 0
                for i in step.of:
                    support |= supports[i]
            supports.append(support)
        sizes = [support.bit_count() for support in supports]
        return 2 if sum(n * n for n in sizes) <= MAX_WORK else 1 if sum(sizes) <= MAX_WORK else 0

    @cached_property
    def text(self) -> str:
        """The formula, its inputs by their names; where it has more than `MAX_TEXT` characters, only how long it is."""
        texts: list[Text | None] = []
        names = self.names or range(1, self.inputs + 1)
        for step in self.steps:
            if step.operation == "input":
                name = names[step.of[0]]
                texts.append(Text(name if isinstance(name, str) else f"x{name}", 3))
                continue
            parts = [texts[i] for i in step.of]
            text = _text(step, [part for part in parts if part]) if all(parts) else None
            texts.append(text if text and len(text.words) <= MAX_TEXT else None)
        last = texts[-1]
        return last.words if last else f"a formula of {len(self.steps)} steps"


# --- reading and writing --------------------------------------------------------------------------


def read_function(value: object, place: str) -> Function:
    """The function in a network file of the kind "function", from its JSON value."""
    item = table(value, place, ("format", "kind", "inputs", "steps"), ("name", "domain", "variables"))
    for key, expected in (("format", "exactformer/network-1"), ("kind", "function")):
        if item[key] != expected:
            reject(f"{place}: {key}", expected, item[key])
    inputs = natural(item["inputs"], f"{place}: inputs", MAX_INPUTS)
    steps = array(item["steps"], f"{place}: steps")
    if not 0 < len(steps) <= MAX_STEPS:
        reject(f"{place}: steps", f"1 to {MAX_STEPS} steps", f"{len(steps)}")
    names = _names(item["variables"], f"{place}: variables", inputs) if "variables" in item else ()
    read = tuple(_step(step, f"{place}: steps[{i}]", i, inputs) for i, step in enumerate(steps))
    return Function(inputs, read, names)


def _names(value: object, place: str, inputs: int) -> tuple[str, ...]:
    """One name an input, none twice, and none that formulas use for something else."""
    used = dict.fromkeys(WORDS)
    names = array(value, place, inputs)
    for name in names:
        plain = isinstance(name, str) and name.isascii() and name.isidentifier() and len(name) <= MAX_NAME
        if not plain or name in used:
            reject(place, f"other names of at most {MAX_NAME} letters, digits and _", name)
        used[str(name)] = None
    return tuple(map(str, names))


def _step(value: object, place: str, number: int, inputs: int) -> Step:
    item = array(value, place)
    operation = item[0] if item and isinstance(item[0], str) else None
    if operation == "pi":
        array(item, place, 1)
        return Step("pi")
    if operation == "input":
        array(item, place, 2)
        return Step("input", (natural(item[1], place, inputs),))
    if operation == "number":
        array(item, place, 2)
        return Step("number", (), rational(item[1], place))
    if operation == "power":
        array(item, place, 3)
        exponent = rational(item[2], place)
        if max(abs(exponent.numerator), exponent.denominator) > MAX_EXPONENT:
            reject(place, f"an exponent p/q with p and q of at most {MAX_EXPONENT}", item[2])
        return Step("power", (natural(item[1], place, number),), exponent)
    if operation in UNARY or operation in BINARY:
        array(item, place, 2 if operation in UNARY else 3)
        return Step(operation, tuple(natural(i, place, number) for i in item[1:]))
    return reject(place, f"a step: input, number, pi, power, {', '.join(UNARY + BINARY)}", value)


class Text(NamedTuple):
    """A formula and how tightly it binds: 0 a sum or one with a sign, 1 a product, 2 a power, 3 all else."""

    words: str
    binds: int

    def within(self, binds: int) -> str:
        """The formula, in parentheses unless it binds at least as tightly."""
        return self.words if self.binds >= binds else f"({self.words})"


def _text(step: Step, of: Sequence[Text]) -> Text:
    operation, number = step.operation, step.number
    if operation == "number":
        sizes = max(number.numerator.bit_length(), number.denominator.bit_length())
        words = str(number) if sizes <= 4 * MAX_TEXT else " " * (MAX_TEXT + 1)
        return Text(words, 0 if number < 0 else 3 if number.denominator == 1 else 1)
    if operation == "add":
        left, right = of[0].words, of[1].words
        return Text(f"{left} - {right[1:]}" if right.startswith("-") else f"{left} + {right}", 0)
    if operation == "multiply":
        return (
            Text(f"-{of[1].within(1)}", 0) if of[0].words == "-1" else Text(f"{of[0].within(1)}*{of[1].within(2)}", 1)
        )
    if operation == "divide":
        return Text(f"{of[0].within(1)}/{of[1].within(2)}", 1)
    if operation == "power":
        exponent = str(number) if number >= 0 and number.denominator == 1 else f"({number})"
        return Text(f"{of[0].within(3)}^{exponent}", 2)
    name = {"absolute": "abs", "maximum": "max", "minimum": "min"}.get(operation, operation)
    return Text(f"{name}({', '.join(text.words for text in of)})" if of else name, 3)


# --- values and derivatives -----------------------------------------------------------------------


class Jet(NamedTuple):
    """What is known of a function on a box; entries that are missing are 0.

    `value` encloses its values. `slopes`: for any points x, y of the box, f(x) - f(y) = s (x - y) for some s in them.
    `second`: at (i, j), i <= j, the second derivatives; f is C^2 on the box. None: not known.
    """

    value: Enclosure
    slopes: dict[int, Enclosure] | None
    second: dict[tuple[int, int], Enclosure] | None


def _squared(a: Enclosure) -> Enclosure:
    return power(a, SQUARE)


def _applied(step: Step, a: Enclosure) -> Enclosure:
    """The values of a function of one variable."""
    match step.operation:
        case "power":
            return power(a, step.number)
        case "exp":
            return elementary.exp(a)
        case "log":
            return elementary.log(a)
        case "sin":
            return elementary.sine_cosine(a)[0]
        case "cos":
            return elementary.sine_cosine(a)[1]
        case "tan":
            return elementary.tan(a)
        case _:
            return elementary.tanh(a)


def _derivatives(step: Step, a: Enclosure, value: Enclosure) -> tuple[Enclosure | None, Enclosure | None]:
    """Its first two derivatives on a, given its values; None where they may be undefined."""
    match step.operation:
        case "power":
            return _monomial(a, step.number, 1), _monomial(a, step.number, 2)
        case "exp":
            return value, value
        case "log":
            inverse = divide(UNIT, a)
            return inverse, negated(_squared(inverse))
        case "sin":
            return elementary.sine_cosine(a)[1], negated(value)
        case "cos":
            return negated(elementary.sine_cosine(a)[0]), negated(value)
        case "tan":  # the second one is 2 tan (1 + tan^2) = 2 (tan + tan^3), which increases with tan
            return add(UNIT, _squared(value)), scaled(2, add(value, power(value, Fraction(3))))
        case _:
            slope = add(UNIT, negated(_squared(value)))
            return slope, scaled(-2, multiply(value, slope))


def _monomial(a: Enclosure, r: Fraction, times: int) -> Enclosure | None:
    """The derivative of a^r, once: r a^(r - 1), or twice: r (r - 1) a^(r - 2)."""
    factor = r if times == 1 else r * (r - 1)
    if factor == 0:
        return NOTHING
    try:
        return multiply(elementary.enclose(factor, factor), power(a, r - times))
    except Undefined:
        return None


def _composed(a: Jet, value: Enclosure, first: Enclosure | None, second: Enclosure | None) -> Jet:
    """The chain rule: g(a), from the values and the derivatives of g."""
    if a.slopes is None or first is None:
        return Jet(value, None, None)
    slopes = {i: multiply(first, s) for i, s in a.slopes.items()}
    if a.second is None or second is None:
        return Jet(value, slopes, None)
    bends = {at: multiply(first, h) for at, h in a.second.items()}
    for i, s in a.slopes.items():
        for j, t in a.slopes.items():
            if i <= j:
                bend = multiply(second, _squared(s) if i == j else multiply(s, t))
                bends[i, j] = add(bends.get((i, j), NOTHING), bend)
    return Jet(value, slopes, bends)


def _sum(a: Jet, b: Jet) -> Jet:
    slopes = None if a.slopes is None or b.slopes is None else _added(a.slopes, b.slopes)
    second = None if a.second is None or b.second is None else _added(a.second, b.second)
    return Jet(add(a.value, b.value), slopes, second)


def _added(a: dict[Key, Enclosure], b: dict[Key, Enclosure]) -> dict[Key, Enclosure]:
    return a | {at: add(a.get(at, NOTHING), y) for at, y in b.items()}


def _product(a: Jet, b: Jet, value: Enclosure) -> Jet:
    """The product rule; `value` encloses the product."""
    if a.slopes is None or b.slopes is None:
        return Jet(value, None, None)
    slopes = _added(_times(b.value, a.slopes), _times(a.value, b.slopes))
    if a.second is None or b.second is None:
        return Jet(value, slopes, None)
    second = _added(_times(b.value, a.second), _times(a.value, b.second))
    for i, s in a.slopes.items():
        for j, t in b.slopes.items():
            at = (i, j) if i <= j else (j, i)
            second[at] = add(second.get(at, NOTHING), scaled(2 if i == j else 1, multiply(s, t)))
    return Jet(value, slopes, second)


def _times(factor: Enclosure, a: dict[Key, Enclosure]) -> dict[Key, Enclosure]:
    return {at: multiply(factor, x) for at, x in a.items()}


def _square(a: Jet) -> Jet:
    return _composed(a, _squared(a.value), scaled(2, a.value), scaled(2, UNIT))


def _quotient(a: Jet, b: Jet) -> Jet:
    value = divide(a.value, b.value)
    if not b.slopes:
        return _product(a, Jet(divide(UNIT, b.value), b.slopes, b.second), value)
    inverse, square, cube = (power(b.value, Fraction(-n)) for n in (1, 2, 3))
    return _product(a, _composed(b, inverse, negated(square), scaled(2, cube)), value)


def _absolute(a: Jet, margin: int) -> Jet:
    if a.value[0] >= margin:
        return a
    other = _composed(a, negated(a.value), negated(UNIT), NOTHING)
    return other if a.value[1] <= -margin else _kink(elementary.absolute(a.value), a, other)


def _maximum(a: Jet, b: Jet, margin: int) -> Jet:
    if a.value[0] >= b.value[1] + margin:
        return a
    if b.value[0] >= a.value[1] + margin:
        return b
    return _kink(elementary.maximum(a.value, b.value), a, b)


def _minimum(a: Jet, b: Jet, margin: int) -> Jet:
    if a.value[1] + margin <= b.value[0]:
        return a
    if b.value[1] + margin <= a.value[0]:
        return b
    return _kink(elementary.minimum(a.value, b.value), a, b)


def _kink(value: Enclosure, a: Jet, b: Jet) -> Jet:
    """A maximum or minimum: its differences lie between those of a and b, so its slopes in the hull of theirs."""
    if a.slopes is None or b.slopes is None:
        return Jet(value, None, None)
    keys = a.slopes.keys() | b.slopes.keys()
    slopes = {i: hull(a.slopes.get(i, NOTHING), b.slopes.get(i, NOTHING)) for i in sorted(keys)}
    return Jet(value, slopes, None if slopes else a.second)


@lru_cache(maxsize=1 << 6)  # both sides of a claim ask for the same box, and for its centre
def _jet(function: Function, cube: Cube, free: tuple[int, ...], order: int) -> Jet:
    """What is known on a box, with derivatives up to an order by the inputs `free`; each of the others has one value.

    At a point, slopes enclose the gradient of whatever C^2 function the step equals on a box around it: where a kink is
    not clearly away, as a tie may be decided in one way there and in another on the box, they are those of both sides.
    """
    slopes: dict[int, Enclosure] | None = {} if order > 0 else None
    second: dict[tuple[int, int], Enclosure] | None = {} if order > 1 else None
    jets: list[Jet] = []
    moving = set(free)
    margin = int(any(cube[i][0] == cube[i][1] for i in free))
    for step in function.steps:
        match step.operation:
            case "input":
                i = step.of[0]
                jet = Jet(cube[i], {i: UNIT} if order > 0 and i in moving else slopes, second)
            case "number":
                jet = Jet(elementary.enclose(step.number, step.number), slopes, second)
            case "pi":
                jet = Jet(elementary.pi(), slopes, second)
            case "add":
                jet = _sum(jets[step.of[0]], jets[step.of[1]])
            case "multiply":
                a, b = jets[step.of[0]], jets[step.of[1]]
                jet = _square(a) if a is b else _product(a, b, multiply(a.value, b.value))
            case "divide":
                jet = _quotient(jets[step.of[0]], jets[step.of[1]])
            case "maximum":
                jet = _maximum(jets[step.of[0]], jets[step.of[1]], margin)
            case "minimum":
                jet = _minimum(jets[step.of[0]], jets[step.of[1]], margin)
            case "absolute":
                jet = _absolute(jets[step.of[0]], margin)
            case _:
                a = jets[step.of[0]]
                value = _applied(step, a.value)
                jet = _composed(a, value, *_derivatives(step, a.value, value)) if a.slopes else a._replace(value=value)
        jets.append(jet)
    return jets[-1]


def value(function: Function, box: Sequence[Fraction | tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction]:
    """Bounds of all values at a point, or at the points of a box. `Undefined` where there may be none."""
    ends = [(x, x) if isinstance(x, (int, Fraction)) else x for x in box]
    low, high = _jet(function, tuple(elementary.enclose(*map(Fraction, pair)) for pair in ends), (), 0).value
    return Fraction(low, ONE), Fraction(high, ONE)


# --- lower bounds ---------------------------------------------------------------------------------


class Sum(NamedTuple):
    """The function sum c f + sum line[i] x_i + shift, where inputs are numbered from 0."""

    parts: tuple[tuple[int, Function], ...]
    line: dict[int, int]
    shift: int

    def on(self, cube: Cube, free: tuple[int, ...], order: int) -> Jet:
        """What is known of it: sums and products with integers, exact but for what the parts round."""
        value = (self.shift * ONE, self.shift * ONE)
        for i, c in self.line.items():
            value = _plus(value, scaled(c, cube[i]))
        slopes: dict[int, Enclosure] | None = {i: scaled(self.line.get(i, 0), UNIT) for i in free} if order else None
        second: dict[tuple[int, int], Enclosure] | None = {} if order > 1 else None
        for c, function in self.parts:
            jet = _jet(function, cube, free, order)
            value = _plus(value, scaled(c, jet.value))
            slopes = _combined(slopes, c, jet.slopes)
            second = _combined(second, c, jet.second)
        return Jet(value, slopes, second)


def _plus(a: Enclosure, b: Enclosure) -> Enclosure:
    return a[0] + b[0], a[1] + b[1]


def _combined(
    total: dict[Key, Enclosure] | None, factor: int, part: dict[Key, Enclosure] | None
) -> dict[Key, Enclosure] | None:
    if total is None or part is None:
        return None
    return total | {at: _plus(total.get(at, NOTHING), scaled(factor, x)) for at, x in part.items()}


def least(parts: Sequence[tuple[int, Function]], line: Mapping[int, int], shift: int, box: Box) -> Fraction | None:
    """A lower bound of sum c_k f_k(x) + sum line_i x_i + shift on the box, x_i numbered from 1; None: none is known.

    Every f_k has to be defined on the box, even where its coefficients add up to 0. `ValueError` where a variable is
    none of the box: that would be a mistake of the caller.
    """
    if any(not 0 < i <= len(box) for i in line) or any(function.inputs > len(box) for _, function in parts):
        raise ValueError(f"variables beyond the {len(box)} of the box")
    if any(low > high for low, high in box):
        return None
    total: dict[Function, int] = {}
    for c, function in parts:  # equal parts are added before anything is rounded
        total[function] = total.get(function, 0) + c
    if not total:
        return shift + sum((c * box[i - 1][c < 0] for i, c in line.items()), Fraction(0))
    whole = Sum(tuple((c, f) for f, c in total.items()), {i - 1: c for i, c in line.items() if c}, shift)
    for order in (min(function.order for function in total), 0):
        try:
            return _least(whole, tuple(elementary.enclose(low, high) for low, high in box), order)
        except Undefined:
            continue
    return None


def _least(whole: Sum, cube: Cube, order: int, rounds: int = MAX_ROUNDS) -> Fraction:
    """The best of the lower bounds that enclosures of values, of slopes and of second derivatives give.

    Where no slope by x_i is negative the sum is least where x_i is, and likewise where none is positive.
    """
    free = tuple([i for i, (low, high) in enumerate(cube) if low < high])
    jet = whole.on(cube, free, order)
    bound = Fraction(jet.value[0], ONE)
    if not jet.slopes:
        return bound
    ends = {i: cube[i][low < 0] for i, (low, high) in jet.slopes.items() if low >= 0 or high <= 0}
    if ends and rounds:
        face = tuple([(ends[i], ends[i]) if i in ends else side for i, side in enumerate(cube)])
        return max(bound, _least(whole, face, order, rounds - 1))
    centre = [_centre(*side) for side in cube]
    at = whole.on(tuple([(c, c) for c in centre]), free, order - 1)
    start = Fraction(at.value[0], ONE)
    sides = {i: (cube[i][0] - centre[i], cube[i][1] - centre[i]) for i in free}
    bound = max(bound, start + sum(_parabola(sides[i], slope, 0) for i, slope in jet.slopes.items()))
    if at.slopes is None or jet.second is None:
        return bound
    return max(bound, start + _quadratic(sides, at.slopes, jet.second))


def _centre(low: int, high: int) -> int:
    """The nearest number to the middle with few digits, so that products with it are often exact.

    It is a multiple of 2^places <= (high - low) / 2, so in the middle half, unless high - low <= 1.
    """
    places = max(0, (high - low).bit_length() - 2)
    return low + high + (1 << places) >> 1 + places << places


def _parabola(side: Enclosure, slope: Enclosure, curvature: int) -> Fraction:
    """The minimum of b d + curvature d^2 / 2 over low <= d <= high and all b of `slope`, where low <= 0 <= high."""
    least = Fraction(0)
    for end, b in zip(side, (slope[1], slope[0]), strict=True):  # the worst b on either side of 0
        if curvature > 0 and b * end < 0 and abs(b) * ONE < curvature * abs(end):
            least = min(least, Fraction(-b * b, 2 * curvature * ONE))
        else:
            least = min(least, Fraction((2 * b * ONE + curvature * end) * end, 2 * ONE**3))
    return least


def _quadratic(
    sides: dict[int, Enclosure], slopes: dict[int, Enclosure], second: dict[tuple[int, int], Enclosure]
) -> Fraction:
    """A lower bound of b d + d H d / 2 over d in `sides`, b in `slopes`, H in `second`: one for each set of inputs.

    An input without mixed derivatives contributes a minimum of its own. For the others: |h d e| <= |h| (d^2 + e^2) / 2,
    or, if they are few, the least value at a corner (`_corners`).
    """
    curvatures = {i: second.get((i, i), NOTHING)[0] for i in sides}
    mixed = {(i, j): h for (i, j), h in second.items() if i < j and h != NOTHING}
    coupled = sorted({i for pair in mixed for i in pair})
    alone = sum((_parabola(sides[i], slopes[i], curvatures[i]) for i in sides if i not in coupled), Fraction(0))
    if not coupled:
        return alone
    flatter = dict(curvatures)
    for (i, j), h in mixed.items():
        size = max(-h[0], h[1])
        flatter[i] -= size
        flatter[j] -= size
    together = sum((_parabola(sides[i], slopes[i], flatter[i]) for i in coupled), Fraction(0))
    if len(coupled) <= MAX_COUPLED:
        values = [_values(sides[i], slopes[i], curvatures[i]) for i in coupled]
        together = max(together, _corners(coupled, values, mixed))
    return alone + together


def _values(side: Enclosure, slope: Enclosure, curvature: int) -> list[tuple[int, int]]:
    """The ends d of a side, each with the least of b d + curvature d^2 / 2, in units of 2^-(3 BITS + 1).

    A convex square is replaced by its tangent at some t, which is nowhere larger: d^2 >= 2 t d - t^2.
    """
    if curvature <= 0:
        return [(d, 2 * min(slope[0] * d, slope[1] * d) * ONE + curvature * d * d) for d in side]
    t = min(max(-(slope[0] + slope[1]) * ONE // (2 * curvature), side[0]), side[1])
    tilted = [b * ONE + curvature * t for b in slope]
    return [(d, 2 * min(b * d for b in tilted) - curvature * t * t) for d in side]


def _corners(
    coupled: Sequence[int], values: Sequence[list[tuple[int, int]]], mixed: dict[tuple[int, int], Enclosure]
) -> Fraction:
    """The least value at a corner. For fixed b and H what is left is concave in each d_i: it is least at a corner."""
    least = []
    for corner in product(*values):
        at = {i: d for i, (d, _) in zip(coupled, corner, strict=True)}
        cross = sum(2 * min(h[0] * at[i] * at[j], h[1] * at[i] * at[j]) for (i, j), h in mixed.items())
        least.append(cross + sum(own for _, own in corner))
    return Fraction(min(least), 2 * ONE**3)
