"""A Python function of which nothing is known but its values at points and how fast it may change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

from exactformer.arguments import instance
from exactformer.domain import Domain, interval_box
from exactformer.errors import Faults, InvalidInput, printable, shown
from exactformer.rational import exact_text, listed, read_rational

MAX_POINTS = 1 << 20  # of a grid
NEAR = 10**9  # by one part of so many, a constant is missed for the rounding of floats

Point = tuple[Fraction, ...]


@dataclass(frozen=True)
class Sampled:
    """A Python function f of n real numbers on a box, and constants L_i >= 0 with

        |f(x) - f(y)| <= L_1 |x_1 - y_1| + ... + L_n |x_n - y_n|   for all x, y in the box.

    The constants are the word of the caller; one number stands for n equal ones. That they hold cannot be checked,
    only refuted, so all that is shown of f is shown under this hypothesis (`hypothesis`).

    f is called with n fractions, in order, and only at points of a grid (`sample`). What it returns is taken exactly:
    an integer, a fraction, decimal text, a float as the binary number that it is.

    >>> f = Sampled(lambda x: abs(x - 1), 1, Domain.box(1, 0, 2))
    >>> f.hypothesis
    '|f(x) - f(y)| <= |x - y| for all x, y in [0, 2]'
    >>> f.sample([[0, "1/2", 2]]).values
    (Fraction(1, 1), Fraction(1, 2), Fraction(1, 1))

    Raises `InvalidInput` for what cannot be called, for constants that are no numbers >= 0, and for a domain that is
    no bounded box of as many inputs.
    """

    function: Callable[..., Any]
    lipschitz: Any  # afterwards a tuple of fractions
    box: Domain
    name: str = "f"

    def __post_init__(self) -> None:
        faults = Faults()
        if not callable(self.function):
            faults.add("function", "a function", shown(self.function))
        instance(self.name, str, "a text", "name", faults)
        if instance(self.box, Domain, "a Domain (ef.Box)", "box", faults):
            if not self.box.is_bounded_box or len(self.box.bounds):
                faults.add("box", "a box with finite ends, without further inequalities", str(self.box))
            object.__setattr__(self, "lipschitz", self._constants(faults))
        faults.settle()

    def _constants(self, faults: Faults) -> tuple[Fraction, ...]:
        items, n = listed(self.lipschitz), self.box.dimension
        if items is not None and len(items) != n:
            faults.add("lipschitz", f"one number, or {n}, one an input", f"{len(items)}")
        found = []
        for i, item in enumerate([self.lipschitz] if items is None else items):
            place, noted = "lipschitz" if items is None else f"lipschitz[{i}]", len(faults.reasons)
            found.append(read_rational(item, place, faults))
            if len(faults.reasons) == noted and found[-1] < 0:
                faults.add(place, "a number >= 0", item)
        return tuple(found) * n if items is None else tuple(found)

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.box.dimension

    @property
    def hypothesis(self) -> str:
        """What is assumed of the function, and not shown."""
        f = printable(self.name)
        names = [("x", "y")] if self.inputs == 1 else [(f"x{i + 1}", f"y{i + 1}") for i in range(self.inputs)]
        terms = [
            f"{'' if c == 1 else f'{exact_text(c)} '}|{x} - {y}|"
            for c, (x, y) in zip(self.lipschitz, names, strict=True)
            if c
        ]
        return f"|{f}(x) - {f}(y)| <= {' + '.join(terms) or '0'} for all x, y in {self.box}"

    def value(self, point: Point) -> Fraction:
        """What the function returns at a point of the box, exactly.

        Raises `InvalidInput` for an exception in it, and for anything but a finite number.
        """
        place = f"{self.name} at ({', '.join(map(exact_text, point))})"
        if not self.box.contains(point):
            raise InvalidInput(f"{place}: expected a point of {self.box}, found one outside")
        try:
            result = self.function(*point)
        except Exception as error:  # of foreign code, whatever it is
            hint = "; its arguments are fractions, of which float(x) is a float" if isinstance(error, TypeError) else ""
            raise InvalidInput(f"{place}: expected a value, found {type(error).__name__}: {error}{hint}") from error
        faults = Faults()
        number = read_rational(result, place, faults)
        faults.settle()
        return number

    def sample(self, axes: Sequence[Sequence[Any]]) -> Samples:
        """The values at the points of a grid: all those whose coordinate i is one of axes[i], which ascend.

        The function is called once a point. Raises `InvalidInput` where `value` does, for axes that do not fit, for
        more than 2^20 points, and where two values are further apart than the constants allow.
        """
        points = self._axes(axes)
        values = tuple(map(self.value, product(*points)))
        found = Samples(self, points, values)
        for (x, a), (y, b), i in found.neighbours():
            allowed = self.lipschitz[i] * (y[i] - x[i])
            if abs(b - a) > allowed:
                at = " and ".join(f"({', '.join(map(exact_text, point))})" for point in (x, y))
                wanted = f"values that differ by at most {exact_text(allowed)}, as the constant "
                wanted += f"{exact_text(self.lipschitz[i])} of input {i} says"
                near = abs(b - a) - allowed < abs(b - a) / NEAR
                hint = "; floats are rounded, for which a slightly larger constant has room" if near else ""
                raise InvalidInput(f"{self.name} at {at}: expected {wanted}, found {exact_text(abs(b - a))}{hint}")
        return found

    def _axes(self, axes: Any) -> tuple[Point, ...]:
        faults = Faults()
        lists = [listed(axis) for axis in listed(axes) or ()]
        if len(lists) != self.inputs or not all(lists):
            faults.add("axes", f"{self.inputs} lists of numbers that are not empty", shown(axes))
            faults.settle()
        result = []
        for i, (axis, (low, high)) in enumerate(zip(lists, interval_box(self.box), strict=True)):
            ticks = tuple(read_rational(x, f"axes[{i}][{j}]", faults) for j, x in enumerate(axis or ()))
            if any(a >= b for a, b in pairwise(ticks)):
                faults.add(f"axes[{i}]", "numbers that ascend", shown(axis))
            if not low <= min(ticks) <= max(ticks) <= high:
                faults.add(f"axes[{i}]", f"numbers of [{exact_text(low)}, {exact_text(high)}]", shown(axis))
            result.append(ticks)
        count = math.prod(map(len, result))
        if count > MAX_POINTS:
            faults.add("axes", f"a grid of at most {MAX_POINTS} points", f"{count}")
        faults.settle()
        return tuple(result)


@dataclass(frozen=True)
class Samples:
    """The values of a sampled function at the points of a grid, in the order of `itertools.product`.

    Neighbours on the grid differ by no more than the constants allow, and so do all points of it: a way from one to
    the other along the axes adds up to the same bound.
    """

    of: Sampled
    axes: tuple[Point, ...]
    values: tuple[Fraction, ...]

    @property
    def hypotheses(self) -> str:
        """What every theorem about the function supposes."""
        count = len(self.values)
        at = f"the {count} grid points are" if count > 1 else "the one grid point is"
        return f"if {self.of.hypothesis}, and the values of {printable(self.of.name)} at {at} as listed"

    def items(self) -> Iterator[tuple[Point, Fraction]]:
        """The points with their values."""
        return zip(product(*self.axes), self.values, strict=True)

    def neighbours(self) -> Iterator[tuple[tuple[Point, Fraction], tuple[Point, Fraction], int]]:
        """All pairs of points that follow each other along an axis, with their values and the axis."""
        items = list(self.items())
        stride = len(items)
        for i, axis in enumerate(self.axes):
            stride //= len(axis)
            for number, item in enumerate(items):
                if number // stride % len(axis) < len(axis) - 1:
                    yield item, items[number + stride], i
