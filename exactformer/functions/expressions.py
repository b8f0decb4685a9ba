"""The steps of a function, one for each expression: numbers are worked out exactly, equal expressions are shared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from exactformer.domain import Domain
from exactformer.enclosure import bounds
from exactformer.errors import ExactformerError
from exactformer.networks import Function
from exactformer.networks.elementary import MAX_EXPONENT, MAX_STEPS, Step, TooLong, Undefined, exactly, operands_of
from exactformer.networks.function_values import value_at
from exactformer.rational import MAX_BITS

WORK = 1 << 17  # steps that are written at most, those that nothing refers to in the end among them
LONG = 256  # steps of a constant whose sign is asked for


class Refused(Exception):
    """An expression that is no function here: what was expected, and what was found."""

    def __init__(self, expected: str, found: str, hint: str = "") -> None:
        self.expected, self.found, self.hint = expected, found, hint
        super().__init__(f"expected {expected}, found {found}{hint}")


@dataclass(eq=False)
class Expressions:
    """Expressions by number; each method returns the number of one that has the value in question.

    A number stands in front of a product or quotient, and once: 3*x/2 is (3/2) * x. Nothing is rewritten that could
    change where a function is defined: 0*log(x) and x/x stay what they are.

    Each method raises `Refused` where the value does not exist for any input, and for numbers of too many bits.
    """

    steps: list[Step] = field(default_factory=list)
    varies: list[bool] = field(default_factory=list)  # whether a step depends on an input
    known: dict[Step, int] = field(default_factory=dict)
    positive: set[int] = field(default_factory=set)  # constants that are > 0

    def input(self, index: int) -> int:
        """An input, counted from 0."""
        return self._step("input", index)

    def number(self, value: Fraction | int) -> int:
        """A rational number."""
        self._exact("add", Fraction(value), Fraction(0))
        return self._step("number", Fraction(value))

    def pi(self) -> int:
        """The number pi."""
        return self._step("pi")

    def e(self) -> int:
        """The number e."""
        return self.apply("exp", self.number(1))

    def add(self, a: int, b: int) -> int:
        """The sum."""
        if self._value(a) == 0:
            return b
        return a if self._value(b) == 0 else self.apply("add", a, b)

    def subtract(self, a: int, b: int) -> int:
        """The difference."""
        return self.add(a, self.negative(b))

    def negative(self, a: int) -> int:
        """The number with the other sign."""
        return self.multiply(self.number(-1), a)

    def multiply(self, a: int, b: int) -> int:
        """The product."""
        (left, a), (right, b) = self._scaled(a), self._scaled(b)
        product = [x for x in (a, b) if self._value(x) != 1]
        return self._multiple(left, right, self.apply("multiply", *product) if product[1:] else (product or [a])[0])

    def divide(self, a: int, b: int) -> int:
        """The quotient."""
        (above, a), (below, b) = self._scaled(a), self._scaled(b)
        inverse = self._exact("divide", Fraction(1), below)
        assert inverse is not None
        return self._multiple(above, inverse, a if self._value(b) == 1 else self.apply("divide", a, b))

    def raised(self, base: int, exponent: int) -> int:
        """The power of an expression to another one, where one of them is a constant.

        a^b is exp(b log a) for a constant a > 0 unless b is rational, and exp(b) for the base e.
        """
        if base == self.e():
            return self.apply("exp", exponent)
        value = self._value(exponent)
        if value is not None:
            return self.power(base, value)
        if self.varies[base]:
            what = "one with a variable" if self.varies[exponent] else "an irrational one"
            hint = "; where the base is positive, a^b is exp(b*log(a))"
            raise Refused("an exponent that is a rational number, or a base without variables", what, hint)
        if not self._positive(base):
            raise Refused(
                "a base that is positive, under an exponent that is not rational", "one that is not, or not surely"
            )
        return self.apply("exp", self.multiply(exponent, self.apply("log", base)))

    def power(self, base: int, exponent: Fraction) -> int:
        """The power to a rational exponent; real, of the principal value."""
        if exponent == 1:
            return base
        value = self._value(base)
        exact = None if value is None else self._exact("power", value, exponent)
        if exact is not None:
            return self.number(exact)
        if max(abs(exponent.numerator), exponent.denominator) > MAX_EXPONENT:
            raise Refused(f"an exponent of numerator and denominator up to {MAX_EXPONENT}", "a larger one")
        return self._step("power", base, exponent)

    def apply(self, operation: str, *operands: int) -> int:
        """A step with other expressions as operands; a number where it is known to be rational."""
        values = [x for x in map(self._value, operands) if x is not None]
        exact = self._exact(operation, *values) if len(values) == len(operands) > 0 else None
        return self._step(operation, *operands) if exact is None else self.number(exact)

    def sinh(self, a: int) -> int:
        """(e^a - e^-a) / 2."""
        return self.divide(self.subtract(self.apply("exp", a), self.apply("exp", self.negative(a))), self.number(2))

    def cosh(self, a: int) -> int:
        """(e^a + e^-a) / 2."""
        return self.divide(self.add(self.apply("exp", a), self.apply("exp", self.negative(a))), self.number(2))

    def sigmoid(self, a: int) -> int:
        """1 / (1 + e^-a), as (1 + tanh(a/2)) / 2, in which a stands once and nothing is large."""
        half = self.apply("tanh", self.divide(a, self.number(2)))
        return self.divide(self.add(half, self.number(1)), self.number(2))

    def relu(self, a: int) -> int:
        """max(a, 0)."""
        return self.apply("maximum", a, self.number(0))

    def sqrt(self, a: int) -> int:
        """a^(1/2)."""
        return self.power(a, Fraction(1, 2))

    def function(self, last: int, inputs: int, domain: Domain | None, name: str, names: tuple[str, ...]) -> Function:
        """The function whose value is an expression, with names of the inputs or none; `Refused` for too many steps."""
        steps = self._program(last)
        if len(steps) > MAX_STEPS:
            raise Refused(f"a formula of at most {MAX_STEPS} steps", f"one of {len(steps)}")
        return Function(inputs, steps, domain, name, names)

    def _program(self, last: int, limit: int = WORK) -> list[Step]:
        """The steps that an expression needs, each behind its operands, from left to right; not many above a limit."""
        steps: list[Step] = []
        place: dict[int, int] = {}
        waiting = [last]
        while waiting and len(steps) <= limit:
            number = waiting[-1]
            step = self.steps[number]
            missing = [a for a in operands_of(step) if a not in place]
            if missing:
                waiting += reversed(missing)
                continue
            waiting.pop()
            if number not in place:
                place[number] = len(steps)
                operands = operands_of(step)
                moved = tuple(place[a] for a in operands)
                steps.append((step[0], *moved, *step[1 + len(operands) :]))
        return steps

    def _step(self, *step: object) -> int:
        if step not in self.known:
            if len(self.steps) == WORK:
                raise Refused(f"a formula of at most {MAX_STEPS} steps", "one of more")
            self.known[step] = len(self.steps)
            self.steps.append(step)
            self.varies.append(step[0] == "input" or any(self.varies[a] for a in operands_of(step)))
        return self.known[step]

    def _value(self, a: int) -> Fraction | None:
        """The number that an expression is, if it is one."""
        return self.steps[a][1] if self.steps[a][0] == "number" else None

    def _exact(self, operation: str, *values: Fraction) -> Fraction | None:
        try:
            return exactly(operation, *values)
        except Undefined as error:
            raise Refused("a value that exists", str(error)) from None
        except TooLong:
            raise Refused(f"numbers of at most {MAX_BITS} bits", "a longer one") from None

    def _scaled(self, a: int) -> tuple[Fraction, int]:
        """An expression as a number times another expression, which is 1 for a number."""
        match self.steps[a]:
            case ("number", value):
                return value, self.number(1)
            case ("multiply", b, c) if (value := self._value(b)) is not None:
                return value, c
        return Fraction(1), a

    def _multiple(self, left: Fraction, right: Fraction, a: int) -> int:
        """The product of two numbers and an expression, which may be 1."""
        factor = self._exact("multiply", left, right)
        assert factor is not None
        if self._value(a) == 1:
            return self.number(factor)
        return a if factor == 1 else self._step("multiply", self.number(factor), a)

    def _positive(self, a: int) -> bool:
        """Whether a constant is known to be > 0."""
        if a not in self.positive:
            steps = self._program(a, LONG)
            try:
                if len(steps) <= LONG and bounds(value_at(steps, ()))[0] > 0:
                    self.positive.add(a)
            except ExactformerError:  # it is undefined, or too large to be told
                return False
        return a in self.positive


def _applied(operation: str) -> Callable[[Expressions, int], int]:
    return lambda expressions, a: expressions.apply(operation, a)


# The functions of one argument, and of one or more, by their names in formulas.
UNARY: dict[str, Callable[[Expressions, int], int]] = {
    **{name: _applied(name) for name in ("exp", "log", "sin", "cos", "tan", "tanh")},
    "ln": _applied("log"),
    **dict.fromkeys(("abs", "Abs"), _applied("absolute")),
    "sqrt": Expressions.sqrt,
    "sinh": Expressions.sinh,
    "cosh": Expressions.cosh,
    "sigmoid": Expressions.sigmoid,
    "relu": Expressions.relu,
}
EXTREMA = {"max": "maximum", "Max": "maximum", "min": "minimum", "Min": "minimum"}
