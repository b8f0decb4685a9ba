"""A function that is given by a formula, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from exactformer.networks import Function
from exactformer.networks.elementary import Step, live
from exactformer.networks.semantics import Semantics
from exactformer.numeric.matrices import Floats

OPERATIONS: dict[str, Callable[..., Floats]] = {
    "add": np.add,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "absolute": np.abs,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
}


@dataclass(frozen=True, eq=False)
class NumericFunction:
    """The steps that matter, literals rounded to the nearest float64. Where there is no value, it is inf or nan."""

    inputs: int
    steps: tuple[tuple[int, Step], ...]  # with their numbers

    outputs = 1

    @property
    def floats(self) -> int:
        """An upper bound of the floats that one point takes at once."""
        return 2 + self.inputs + len(self.steps)

    @property
    def tempered(self) -> tuple[int, ...]:
        """The layers that softmax may be read into: none."""
        return ()

    def __call__(self, x: Floats, semantics: Semantics) -> Floats:
        """The value at every column of x."""
        values: dict[int, Any] = {}
        for number, step in self.steps:
            match step:
                case ("input", index):
                    values[number] = x[index]
                case ("number", value):
                    values[number] = np.float64(value)
                case ("pi",):
                    values[number] = np.float64(np.pi)
                case ("power", a, exponent):
                    values[number] = np.sqrt(values[a]) if exponent == Fraction(1, 2) else values[a] ** float(exponent)
                case (operation, *operands):
                    values[number] = OPERATIONS[operation](*(values[a] for a in operands))
        return np.broadcast_to(values[number], (1, x.shape[1]))


def numeric_function(function: Function) -> NumericFunction:
    """The function in floats."""
    steps = ((number, function.steps[number]) for number in live(function.steps))
    return NumericFunction(function.inputs, tuple(steps))
