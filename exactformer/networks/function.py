"""Functions that are given by a formula: a program of steps without branches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from exactformer.arguments import Limit
from exactformer.domain import Domain, exact_point
from exactformer.enclosure import Number
from exactformer.errors import Faults, Unsupported, did_you_mean
from exactformer.networks.elementary import MAX_EXPONENT, MAX_STEPS, OPERANDS, Step
from exactformer.networks.feedforward import check_label
from exactformer.networks.formula import latex, text
from exactformer.networks.shown import Shown
from exactformer.rational import listed, read_rational

NAME, MAX_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII), 40  # of an input
MEANT = "exp ln log sin cos tan sinh cosh tanh sqrt abs Abs sigmoid relu max Max min Min pi e E"
WORDS = frozenset(MEANT.split())  # with a meaning of their own in formulas
SHORT = 60  # characters of a formula in one line
INPUTS = Limit(f"an integer from 0 to {MAX_STEPS}", int, lambda n: 0 <= n <= MAX_STEPS)


@dataclass(frozen=True, repr=False)
class Function(Shown):
    """A real function of `inputs` numbers: the value of the last of its steps. It is defined where all of them are.

    A step is a name and its operands, which are numbers of earlier steps, counted from 0, or literals:
    ("input", i), ("number", c), ("pi",), ("add", a, b), ("multiply", a, b), ("divide", a, b), ("power", a, exponent),
    ("exp", a), ("log", a), ("sin", a), ("cos", a), ("tan", a), ("tanh", a), ("absolute", a), ("maximum", a, b),
    ("minimum", a, b). Numbers and exponents are rational; a power is real: b^0 = 1, negative exponents need b != 0,
    exponents that are no integers need b >= 0.

    >>> f = Function(1, [("input", 0), ("power", 0, 2), ("number", "1/2"), ("multiply", 2, 1)])
    >>> print(f.formula, f.evaluate(["1/3"]))
    x^2/2 (Fraction(1, 18),)

    Raises `InvalidInput` with every fault found: unknown operations, wrong operands, more than 2^14 steps, exponents
    whose numerator or denominator is above 2^12. `exactformer.function` reads formulas.
    """

    inputs: int
    steps: Sequence[Step]
    domain: Domain | None = None
    name: str = ""
    names: tuple[str, ...] = field(default=(), compare=False)  # of the inputs, for people; none: x, or x1, x2, ...

    kind = "function"
    unnamed = "f"

    def __post_init__(self) -> None:
        faults = Faults()
        check_label(self.domain, self.name, faults)
        names = _checked_names(self.inputs, self.names, faults)
        steps = _checked_steps(self.inputs, self.steps, self.domain, faults)
        faults.settle()
        object.__setattr__(self, "inputs", int(self.inputs))
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "names", names)

    @property
    def outputs(self) -> int:
        """The number of outputs: one."""
        return 1

    @property
    def tempered(self) -> tuple[int, ...]:
        """The layers that softmax may be read into: none."""
        return ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the inputs in formulas: those that were given, or x, or x1, x2, ..."""
        plain = ("x",) if self.inputs == 1 else tuple(f"x{i + 1}" for i in range(self.inputs))
        return self.names or plain

    @property
    def formula(self) -> str:
        """Text that `exactformer.function` reads. Raises `Unsupported` for more than 2^16 characters."""
        return text(self.steps, self.variables)

    @property
    def latex(self) -> str:
        """The function in LaTeX. Raises `Unsupported` for more than 2^16 characters."""
        return latex(self.steps, tuple(map(_in_latex, self.variables)))

    @property
    def size(self) -> str:
        """The formula, or the number of its steps."""
        try:
            return text(self.steps, self.variables, SHORT)
        except Unsupported:
            return f"{self.inputs} input{'s' * (self.inputs != 1)}, {len(self.steps)} steps"

    def evaluate(self, point: Any) -> tuple[Number]:
        """The value at a point: a fraction where all steps on the way are rational, otherwise an `Enclosure`.

        Steps that are rational are exact up to 13000 bits. Others are computed in balls of python-flint that surely
        contain them, of 256 to 16384 bits, and the ends of the enclosure have 100 bits.

        Raises `InvalidInput` when the point does not fit, and where the function is undefined or may be, as far as
        balls tell: 1/sin(pi), say. Raises `NumberTooLong` for values whose size is beyond 2^12500.
        """
        from exactformer.networks.function_values import value_at

        return (value_at(self.steps, exact_point(point, self.inputs).fractions()),)


def read_function(
    inputs: Any, steps: Any, domain: Domain | None, name: str, names: Any, faults: Faults
) -> Function | None:
    """The function with the given data; faults are noted, and where there are any, there is none."""
    found, read = _checked_steps(inputs, steps, domain, faults), _checked_names(inputs, names, faults)
    return None if faults.reasons else Function(inputs, found, domain, name, read)


def _checked_names(inputs: Any, names: Any, faults: Faults) -> tuple[str, ...]:
    """The names of the inputs, one each, or none of them; faults are noted."""
    given = listed(names)
    if given is None or (given and len(given) != inputs):
        faults.add("variables", f"{inputs} names", names if given is None else f"{len(given)}")
        return ()
    check_names(given, "variables", faults)
    return tuple(given)


def check_names(names: Sequence[Any], place: str, faults: Faults) -> None:
    """Notes a fault for every name that a formula could not use, or that stands there twice."""
    seen: set[str] = set()
    for i, name in enumerate(names):
        if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > MAX_NAME:
            faults.add(f"{place}[{i}]", f"a name of at most {MAX_NAME} letters, digits and _", name)
        elif name in WORDS:
            faults.add(f"{place}[{i}]", "a name that has no meaning of its own in formulas", name)
        elif name in seen:
            faults.add(f"{place}[{i}]", "every name once", f"{name} twice")
        else:
            seen.add(name)


def _in_latex(name: str) -> str:
    """A name in LaTeX: letters with a number as their index, anything longer upright."""
    letter, index = re.fullmatch(r"(.+?)_?([0-9]*)", name).groups()  # type: ignore[union-attr]
    written = letter if len(letter) == 1 and letter != "_" else f"\\mathrm{{{letter}}}".replace("_", r"\_")
    return f"{written}_{{{index}}}" if index else written


def _checked_steps(inputs: Any, steps: Any, domain: Any, faults: Faults) -> tuple[Step, ...]:
    """The steps, their literals as exact numbers; faults are noted."""
    noted = len(faults.reasons)
    INPUTS.check(inputs, "inputs", faults)
    if len(faults.reasons) > noted:  # the steps cannot be judged
        return ()
    if isinstance(domain, Domain) and domain.dimension != inputs:
        faults.add("domain", f"{inputs} inputs", f"{domain.dimension}")
    items = listed(steps)
    if not items or len(items) > MAX_STEPS:
        found = steps if items is None else f"{len(items)}"
        faults.add("steps", f"a list of 1 to {MAX_STEPS} steps", found)
        return ()
    return tuple(_read_step(item, number, inputs, faults) for number, item in enumerate(items))


def _read_step(item: Any, number: int, inputs: int, faults: Faults) -> Step:
    place = f"steps[{number}]"
    if not isinstance(item, list) or not item or not isinstance(item[0], str):
        faults.add(place, "a list of an operation and its operands", item)
        return ()
    operation, *operands = item
    if operation not in OPERANDS:
        faults.add(place, f"an operation ({', '.join(OPERANDS)})", operation, did_you_mean(operation, OPERANDS))
        return ()
    wanted = OPERANDS[operation]
    if len(operands) != len(wanted):
        count = f"{len(wanted)} operand{'s' * (len(wanted) != 1)}"
        faults.add(place, f"{operation} with {count}", f"{len(operands)}")
        return ()
    limits = {"input": inputs, "step": number}
    return operation, *(
        _read_index(operand, limits[kind], f"{place}[{i}]", kind, faults)
        if kind in limits
        else _read_literal(operand, f"{place}[{i}]", kind, faults)
        for i, (operand, kind) in enumerate(zip(operands, wanted, strict=True), 1)
    )


def _read_index(value: Any, count: int, place: str, kind: str, faults: Faults) -> int:
    if type(value) is int and 0 <= value < count:
        return value
    what = "the number of an earlier step" if kind == "step" else "the number of an input"
    faults.add(place, f"{what}, from 0 to {count - 1}" if count else f"{what}, of which there is none", value)
    return 0


def _read_literal(value: Any, place: str, kind: str, faults: Faults) -> Fraction:
    found = read_rational(value, place, faults)
    if kind == "exponent" and max(abs(found.numerator), found.denominator) > MAX_EXPONENT:
        faults.add(place, f"an exponent of numerator and denominator up to {MAX_EXPONENT}", value)
    return found
