"""The steps of a function as a formula: text that can be read again, and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactformer.errors import Unsupported
from exactformer.networks.elementary import Steps
from exactformer.rational import number_text

MAX_TEXT = 1 << 16  # characters: steps that are used twice are written twice, so that a formula may be long

# How tightly the parts of a formula hold together. A context asks for a level, and what is looser gets parentheses.
SUM, SIGNED, PRODUCT, POWER, ATOM = range(5)

HALF = Fraction(1, 2)

Part = str | tuple[int, int]  # a text, or a step in a context that asks for a level

FUNCTIONS = {"absolute": "abs", "maximum": "max", "minimum": "min"}


@dataclass(frozen=True)
class Style:
    """How one notation writes the steps: the parts of each operation, and parentheses."""

    steps: Steps
    names: Sequence[str]

    opening, closing = "(", ")"
    times, negative = "*", "-"

    def level(self, number: int) -> int:
        """How tightly the text of a step holds together."""
        match self.steps[number]:
            case ("number", value):
                return SIGNED if value < 0 else ATOM if value.denominator == 1 else PRODUCT
            case ("add", *_):
                return SUM
            case ("multiply", a, _):
                return SIGNED if self.negated(a) else PRODUCT
            case ("divide", *_):
                return PRODUCT
            case ("power", _, exponent):
                return ATOM if exponent == HALF else POWER
        return ATOM

    def negated(self, number: int) -> bool:
        """Whether a step is a negative number."""
        return self.steps[number][0] == "number" and bool(self.steps[number][1] < 0)

    def parts(self, number: int) -> Iterator[Part]:
        """What stands for a step, from left to right."""
        match self.steps[number]:
            case ("input", index):
                yield self.names[index]
            case ("number", value):
                yield from self.number(value)
            case ("pi",):
                yield "pi"
            case ("add", a, b):
                yield a, SUM
                yield from self.added(b)
            case ("multiply", a, b) if self.steps[a][0] == "number":
                value = self.steps[a][1]
                yield self.negative * (value < 0)
                yield from self.scaled(abs(value), b)
            case ("multiply", a, b):
                yield a, PRODUCT
                yield self.times
                yield b, POWER
            case ("divide", a, b):
                yield from self.quotient(a, b)
            case ("power", a, exponent):
                yield from self.power(a, exponent)
            case (operation, *operands):
                yield from self.called(operation, list(self.flat(operation, number) if operands[1:] else operands))

    def added(self, number: int) -> Iterator[Part]:
        """A summand behind others."""
        match self.steps[number]:
            case ("number", value) if value < 0:
                yield " - "
                yield from self.number(-value)
            case ("multiply", a, b) if self.negated(a):
                yield " - "
                yield from self.scaled(-self.steps[a][1], b)
            case _:
                yield " + "
                yield number, PRODUCT

    def flat(self, operation: str, number: int) -> Iterator[int]:
        """The operands of a maximum (minimum) whose first operand may again be one."""
        rest = []
        while self.steps[number][0] == operation:
            _, number, last = self.steps[number]
            rest.append(last)
        yield number
        yield from reversed(rest)

    def number(self, value: Fraction) -> Iterator[Part]:
        """A literal."""
        yield str(number_text(value))

    def scaled(self, value: Fraction, number: int) -> Iterator[Part]:
        """A step times a number >= 0."""
        match self.steps[number]:
            case ("divide", a, b) if self.steps[a] == ("number", 1):
                yield f"{value.numerator}/"
                yield b, POWER
            case _:
                yield "" if value.numerator == 1 else f"{value.numerator}{self.times}"
                yield number, PRODUCT
        yield "" if value.denominator == 1 else f"/{value.denominator}"

    def quotient(self, a: int, b: int) -> Iterator[Part]:
        """One step over another."""
        yield a, PRODUCT
        yield "/"
        yield b, POWER

    def power(self, base: int, exponent: Fraction) -> Iterator[Part]:
        """A step to a rational exponent."""
        if exponent == HALF:
            yield from ("sqrt(", (base, SUM), ")")
        else:
            yield base, ATOM
            yield f"^{exponent}" if exponent.denominator == 1 and exponent >= 0 else f"^({exponent})"

    def called(self, operation: str, operands: Sequence[int]) -> Iterator[Part]:
        """A function with its arguments."""
        yield f"{FUNCTIONS.get(operation, operation)}("
        for i, operand in enumerate(operands):
            yield ", " * (i > 0)
            yield operand, SUM
        yield ")"


class Latex(Style):
    """Fractions, exponents and roots in two dimensions."""

    opening, closing = r"\left(", r"\right)"
    times = r" \, "

    def level(self, number: int) -> int:
        """How tightly the text of a step holds together; what is in a fraction does."""
        found = super().level(number)
        fraction = self.steps[number][0] in ("number", "divide")
        return POWER if fraction and found == PRODUCT else found

    def number(self, value: Fraction) -> Iterator[Part]:
        """A literal."""
        yield self.negative * (value < 0)
        p, q = (str(number_text(Fraction(n))) for n in (abs(value.numerator), value.denominator))
        yield p if q == "1" else rf"\frac{{{p}}}{{{q}}}"

    def scaled(self, value: Fraction, number: int) -> Iterator[Part]:
        """A step times a number >= 0, its denominator under the fraction."""
        above, under = (Fraction(n) for n in value.as_integer_ratio())
        match self.steps[number]:
            case ("divide", a, b):
                yield r"\frac{"
                yield from self.number(above) if self.steps[a] == ("number", 1) else self.multiple(above, a)
                yield "}{"
                yield from self.multiple(under, b)
                yield "}"
            case _ if under != 1:
                yield r"\frac{"
                yield from self.multiple(above, number)
                yield "}{"
                yield from self.number(under)
                yield "}"
            case _:
                yield from self.multiple(above, number, PRODUCT)

    def multiple(self, value: Fraction, number: int, alone: int = SUM) -> Iterator[Part]:
        """A step times an integer >= 0; where that is 1, in a context that asks for the level `alone`."""
        if value == 1:
            yield number, alone
            return
        yield from self.number(value)
        yield r" \cdot " if self.starts_with_digit(number) else self.times
        yield number, PRODUCT

    def starts_with_digit(self, number: int) -> bool:
        """Whether the text of a step may begin with a number, which must not stand beside another one."""
        step = self.steps[number]
        while step[0] == "multiply" or (step[0] == "power" and step[2] != HALF):
            step = self.steps[step[1]]
        return step[0] in ("number", "divide")

    def quotient(self, a: int, b: int) -> Iterator[Part]:
        """One step over another."""
        yield from (r"\frac{", (a, SUM), "}{", (b, SUM), "}")

    def power(self, base: int, exponent: Fraction) -> Iterator[Part]:
        """A step to a rational exponent."""
        if exponent == HALF:
            yield from (r"\sqrt{", (base, SUM), "}")
        else:
            yield base, ATOM
            yield f"^{{{exponent}}}"

    def called(self, operation: str, operands: Sequence[int]) -> Iterator[Part]:
        """A function with its arguments."""
        if operation == "absolute":
            yield from (r"\left|", (operands[0], SUM), r"\right|")
            return
        yield rf"\{FUNCTIONS.get(operation, operation)}\left("
        for i, operand in enumerate(operands):
            yield ", " * (i > 0)
            yield operand, SUM
        yield r"\right)"

    def parts(self, number: int) -> Iterator[Part]:
        """What stands for a step, from left to right."""
        return iter((r"\pi",)) if self.steps[number] == ("pi",) else super().parts(number)


def text(steps: Steps, names: Sequence[str], limit: int = MAX_TEXT) -> str:
    """The last step as text, with as few parentheses as it needs to be read again with the same steps.

    Raises `Unsupported` for more characters than the limit.
    """
    return _written(Style(steps, names), limit)


def latex(steps: Steps, names: Sequence[str], limit: int = MAX_TEXT) -> str:
    """The last step in LaTeX. Raises `Unsupported` for more characters than the limit."""
    return _written(Latex(steps, names), limit)


def _written(style: Style, limit: int) -> str:
    """All parts, one after the other, without recursion, which deep formulas would exhaust."""
    found: list[str] = []
    length = 0
    waiting: list[Part] = [(len(style.steps) - 1, SUM)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            found.append(part)
            length += len(part)
            if length > limit:
                raise Unsupported(f"formula: expected one of at most {limit} characters, found a longer one")
            continue
        number, wanted = part
        loose = style.level(number) < wanted
        waiting += [style.closing] * loose
        waiting += reversed(list(style.parts(number)))
        waiting += [style.opening] * loose
    return "".join(found)
