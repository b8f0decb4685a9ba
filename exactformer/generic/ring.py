"""Polynomials in named unknowns as numbers: what the compiler passes on to the entries of a Transformer.

They add, subtract and multiply, with python-flint. They have no order: code that compares a weight with another number
raises `TypeError`, so that what is compiled from unknowns is what is compiled for each choice of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

from flint import fmpq, fmpq_mpoly_ctx

from exactformer.rational import Matrix, Vector

T = TypeVar("T")


class Polynomial:
    """An element of the ring of polynomials with rational coefficients; it stands over the denominator 1."""

    __slots__ = ("value",)
    denominator = 1

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def numerator(self) -> Polynomial:
        """Itself."""
        return self

    def __add__(self, other: Any) -> Polynomial:
        return Polynomial(self.value + _plain(other))

    __radd__ = __add__

    def __neg__(self) -> Polynomial:
        return Polynomial(-self.value)

    def __sub__(self, other: Any) -> Polynomial:
        return Polynomial(self.value - _plain(other))

    def __rsub__(self, other: Any) -> Polynomial:
        return Polynomial(_plain(other) - self.value)

    def __mul__(self, other: Any) -> Polynomial:
        return Polynomial(self.value * _plain(other))

    __rmul__ = __mul__

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Polynomial, int, Fraction)) and bool(self.value == _plain(other))

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return str(self.value)

    def at(self, values: Mapping[str, Fraction]) -> Fraction:
        """The value where each unknown has its value."""
        names = self.value.context().names()
        total = Fraction(0)
        for powers, c in self.value.to_dict().items():
            term = Fraction(int(c.p), int(c.q))
            for name, power in zip(names, powers, strict=True):
                if power:
                    term *= values[name] ** int(power)
            total += term
        return total


def _plain(value: Any) -> Any:
    if isinstance(value, Polynomial):
        return value.value
    return fmpq(value.numerator, value.denominator) if isinstance(value, Fraction) else value


def unknowns(names: Sequence[str]) -> dict[str, Any]:
    """The unknowns with these names, each as a polynomial."""
    ring = fmpq_mpoly_ctx.get(list(names))
    return {name: Polynomial(x) for name, x in zip(names, ring.gens(), strict=True)}


def mapped(network: T, change: Callable[[Any], Any]) -> T:
    """The same with another entry in the place of each, in whatever matrices and vectors it is made of, in order."""

    def walked(part: Any) -> Any:
        if isinstance(part, Matrix):
            return Matrix.sparse(*part.shape, {at: change(entry) for at, entry in part.entries().items()})
        if isinstance(part, Vector):
            return Vector.of([change(entry) for entry in part.fractions()])
        if isinstance(part, tuple):
            return tuple(map(walked, part))
        if is_dataclass(part) and not isinstance(part, type):
            return replace(part, **{field.name: walked(getattr(part, field.name)) for field in fields(part)})
        return part

    result: T = walked(network)
    return result


def specialised(network: T, values: Mapping[str, Fraction]) -> T:
    """The same with numbers in the place of all unknowns. Raises `KeyError` where an unknown has no value."""
    return mapped(network, lambda entry: entry.at(values) if isinstance(entry, Polynomial) else entry)
