"""What an operator is given: its inputs, its attributes, and what it asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactformer.formats.graphs.graph import FLOATS, INTEGERS, Refusal, Shape
from exactformer.formats.graphs.tensor import Tensor, dimensions
from exactformer.formats.graphs.units import Units


@dataclass(frozen=True)
class Call:
    """One use of an operator. Attributes that are left out have their defaults."""

    inputs: tuple[Tensor | None, ...]
    attributes: Mapping[str, Any]
    outputs: int  # how many are wanted, from the first on
    named: int  # how many the node has, wanted or not
    units: Units
    notes: list[str]  # what was assumed is added

    def given(self, number: int) -> bool:
        """Whether the input is there."""
        return number < len(self.inputs) and self.inputs[number] is not None

    def tensor(self, number: int = 0) -> Tensor:
        """An input that must be there."""
        found = self.inputs[number] if number < len(self.inputs) else None
        if found is None:
            raise Refusal(f"an input number {number}", "none")
        return found

    def optional(self, number: int) -> Tensor | None:
        """An input that may be left out."""
        return self.tensor(number) if self.given(number) else None

    def constant(self, number: int, what: str) -> Tensor:
        """An input that must not depend on the network's input."""
        found = self.tensor(number)
        if not found.fixed:
            raise Refusal(f"a constant as {what}", "a value that depends on the input")
        return found

    def number(self, number: int, what: str) -> Fraction:
        """An input that is one constant number."""
        found = self.constant(number, what)
        if found.size != 1:
            raise Refusal(f"one number as {what}", f"shape {dimensions(found.shape)}")
        return found.fractions()[0]

    def integers(self, number: int, what: str) -> list[int]:
        """An input that is a constant list of integers."""
        found = self.constant(number, what)
        if found.type not in INTEGERS or len(found.shape) > 1:
            raise Refusal(f"a list of integers as {what}", f"{found.type} of shape {dimensions(found.shape)}")
        return [int(n) for n in found.offset]

    def listed(self, name: str, number: int) -> list[int] | None:
        """Integers that older versions of an operator have as an attribute, newer ones as an input."""
        attribute = self.attributes.get(name)
        if self.given(number):
            if attribute is not None:
                raise Refusal(f"{name} as an attribute or as an input", "both")
            return self.integers(number, name)
        return attribute

    def flag(self, name: str) -> bool:
        """An attribute that is 0 or 1."""
        value = self.attributes[name]
        if value not in (0, 1):
            raise Refusal(f"{name} of 0 or 1", f"{value}")
        return bool(value)

    def must_be(self, name: str, wanted: Any) -> None:
        """Raise `Refusal` unless the attribute has the only value that is read."""
        value = self.attributes[name]
        if value != wanted:
            raise Refusal(f"{name} = {wanted}", f"{name} = {value}")


def axis_of(value: int, rank: int) -> int:
    """An axis of a tensor of that rank, counted from its end where it is negative."""
    if not -rank <= value < rank:
        raise Refusal(f"an axis from {-rank} to {rank - 1}", f"{value}")
    return value % rank


def axes_of(values: list[int], rank: int) -> list[int]:
    """Different axes of a tensor of that rank."""
    found = [axis_of(value, rank) for value in values]
    if len(set(found)) < len(found):
        raise Refusal("every axis once", f"axes {values}")
    return found


def is_float(tensor: Tensor) -> None:
    """Raise `Refusal` unless the numbers are of a floating-point type."""
    if tensor.type not in FLOATS:
        raise Refusal("floating-point numbers", tensor.type)


def same_type(*tensors: Tensor) -> None:
    """Raise `Refusal` for numbers of different types, and for truth values, which are none."""
    types = {tensor.type for tensor in tensors}
    if len(types) > 1 or "bool" in types:
        raise Refusal("numbers of one type", " and ".join(sorted(types)))


def same_shape(found: Shape, wanted: Shape, what: str) -> None:
    """Raise `Refusal` for a tensor of another shape."""
    if found != wanted:
        raise Refusal(f"{what} of shape {dimensions(wanted)}", dimensions(found))
