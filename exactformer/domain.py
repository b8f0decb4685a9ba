"""Domains of claims: boxes, polyhedra, all of R^n."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactformer.arguments import NATURAL
from exactformer.errors import Faults, InvalidInput, did_you_mean, shown
from exactformer.rational import (
    Matrix,
    Vector,
    array_shape,
    exact_text,
    listed,
    number_text,
    plain,
    read_matrix,
    read_rational,
    read_vector,
    shape_text,
)

KEYS = ("lower", "upper", "matrix", "bounds")
_INFINITE = re.compile(r"([+-]?)inf(?:inity)?")

LONG = 80  # characters of a domain in its `repr`


@dataclass(frozen=True)
class Domain:
    """The set of x in R^n with lower <= x <= upper and matrix x <= bounds; None means no bound.

    >>> Domain.box(2, -1, "1/2").contains([0, Fraction(1, 3)])
    True
    """

    lower: tuple[Fraction | None, ...]
    upper: tuple[Fraction | None, ...]
    matrix: Matrix
    bounds: Vector

    @staticmethod
    def box(dimension: int, lower: Any, upper: Any) -> Domain:
        """The cube [lower, upper]^dimension. Raises `InvalidInput` when it is empty or a number is none."""
        _check_dimension(dimension)
        return Box([lower] * dimension, [upper] * dimension)

    @staticmethod
    def everything(dimension: int) -> Domain:
        """All of R^dimension. Raises `InvalidInput` for a dimension that is no integer >= 0."""
        _check_dimension(dimension)
        return Domain((None,) * dimension, (None,) * dimension, Matrix((0, dimension)), Vector(()))

    @property
    def dimension(self) -> int:
        """The number of inputs."""
        return len(self.lower)

    @property
    def is_bounded_box(self) -> bool:
        """Whether every input has a finite lower and upper bound."""
        return None not in self.lower and None not in self.upper

    def contains(self, point: Any) -> bool:
        """Whether the point lies in the domain, decided exactly. Raises `InvalidInput` when the point does not fit."""
        x = exact_point(point, self.dimension)
        ends = zip(self.lower, x.fractions(), self.upper, strict=True)
        return all((lo is None or lo <= v) and (hi is None or v <= hi) for lo, v, hi in ends) and all(
            y <= b for y, b in zip((self.matrix @ x).fractions(), self.bounds.fractions(), strict=True)
        )

    def to_json(self) -> dict[str, Any]:
        """The form used in certificates and domain files."""

        def ends(values: Iterable[Fraction | None]) -> list[int | str | None]:
            return [None if x is None else number_text(x) for x in values]

        value: dict[str, Any] = {"lower": ends(self.lower), "upper": ends(self.upper)}
        if len(self.bounds):
            value["matrix"] = [[number_text(x) for x in row] for row in self.matrix.dense()]
            value["bounds"] = [number_text(x) for x in self.bounds.fractions()]
        return value

    @staticmethod
    def from_json(value: Any) -> Domain:
        """The domain in JSON data as `to_json` gives them. Raises `InvalidInput` with all faults."""
        faults = Faults()
        result = read_domain(value, "domain", None, faults)
        faults.settle()
        return result

    def __repr__(self) -> str:
        text = str(self)
        return f"<Domain: {text if len(text) <= LONG else text[:LONG] + '...'}>"

    def __str__(self) -> str:
        if all(x is None for x in self.lower + self.upper) and not len(self.bounds):
            return f"R^{self.dimension}"
        if self.is_bounded_box and len(set(self.lower)) == len(set(self.upper)) == 1:
            text = f"[{_end_text(self.lower[0])}, {_end_text(self.upper[0])}]" + (
                f"^{self.dimension}" if self.dimension > 1 else ""
            )
        else:
            ends = zip(self.lower, self.upper, strict=True)
            text = " x ".join(
                f"[{'-oo' if lo is None else _end_text(lo)}, {_end_text(hi)}]".replace("[-oo", "(-oo").replace(
                    "oo]", "oo)"
                )
                for lo, hi in ends
            )
        if len(self.bounds):
            text += f" with {len(self.bounds)} further inequalities"
        return text


def _end_text(end: Fraction | None) -> str:
    return "oo" if end is None else exact_text(end)


def _check_dimension(dimension: Any) -> None:
    faults = Faults()
    NATURAL.check(dimension, "dimension", faults)
    faults.settle()


def exact_point(point: Any, dimension: int) -> Vector:
    """The exact point with the given coordinates. Raises `InvalidInput` when its length or an entry is wrong."""
    items = listed(point)
    if items is None or len(items) != dimension:
        raise InvalidInput(
            f"point: expected {dimension} coordinates, found {shown(point) if items is None else len(items)}"
        )
    faults = Faults()
    x = Vector.of(read_rational(v, f"point[{i}]", faults) for i, v in enumerate(items))
    faults.settle()
    return x


def Box(lower: Any, upper: Any) -> Domain:
    """The box of all x with lower <= x <= upper, coordinate by coordinate; None or an infinity leaves a side open.

    >>> str(Box([0, -1], ["1/2", 1]))
    '[0, 1/2] x [-1, 1]'

    Text counts as the decimal that is written, a float as the dyadic number that it is: "0.1" is 1/10, 0.1 is not.
    Raises `InvalidInput` when the lists differ in length, hold something that is no number, or the box is empty.
    """
    return Polyhedron(lower, upper)


def Polyhedron(lower: Any, upper: Any, matrix: Any = None, bounds: Any = ()) -> Domain:
    """The polyhedron of all x with lower <= x <= upper and matrix x <= bounds; `Box` without the last two.

    Raises `InvalidInput` as `Box` does. (Whether the inequalities have a common point is decided by `polyhedra`.)
    """
    faults = Faults()
    value = {"lower": lower, "upper": upper} | ({} if matrix is None else {"matrix": matrix, "bounds": bounds})
    result = read_domain(value, "domain", None, faults)
    faults.settle()
    return result


def read_domain(value: Any, place: str, dimension: int | None, faults: Faults) -> Domain:
    """The domain in an object with lower, upper and optionally matrix and bounds; faults are noted."""
    if not isinstance(value, dict) or not {"lower", "upper"} <= value.keys():
        faults.add(place, "an object with lower and upper", value)
        return Domain.everything(dimension or 0)
    for key in value:
        if key not in KEYS:
            hint = did_you_mean(key, (name for name in KEYS if name not in value))
            faults.add(place, "only the keys lower, upper, matrix and bounds", f"key {key!r}", hint)
    ends: list[tuple[Fraction | None, ...]] = []
    for side in ("lower", "upper"):
        items = listed(value[side])
        size = array_shape(items)
        if items is None or (size is not None and len(size) > 1):
            faults.add(f"{place}.{side}", "a list of numbers", shape_text(value[side]))
            items = [None] * (dimension or 0)
        dimension = len(items) if dimension is None else dimension
        if len(items) != dimension:
            faults.add(f"{place}.{side}", f"{dimension} numbers", f"{len(items)}")
            items = [None] * dimension
        ends.append(tuple(read_end(x, side, f"{place}.{side}[{i}]", faults) for i, x in enumerate(items)))
    lower, upper = ends
    for i, (lo, hi) in enumerate(zip(lower, upper, strict=True)):
        if lo is not None and hi is not None and lo > hi:
            faults.add(f"{place}[{i}]", "a domain that is not empty (lower <= upper)", f"[{lo}, {hi}]")
    bounds = read_vector(value.get("bounds", ()), f"{place}.bounds", None, faults)
    matrix = read_matrix(value.get("matrix", ()), f"{place}.matrix", (len(bounds), dimension), faults)
    return Domain(lower, upper, matrix, bounds)


def read_end(value: Any, side: str, place: str, faults: Faults) -> Fraction | None:
    """One bound of the side "lower" or "upper"; None where it is open; faults are noted.

    An open side is None (`null` in a file), or the infinity of that side: a float, or the text inf or infinity with
    its sign.
    """
    if value is None:
        return None
    outward = "-" if side == "lower" else "+"
    inside = plain(value)
    text = str(inside).strip().lower() if isinstance(inside, (float, str)) else ""
    infinite = _INFINITE.fullmatch(text)
    if infinite is None:
        return read_rational(value, place, faults)
    if (infinite[1] or "+") != outward:
        faults.add(place, f"a number, or {outward}inf for an open side", value)
    return None


def interval_box(domain: Domain) -> tuple[tuple[Fraction, Fraction], ...]:
    """The bounds of each input. Raises `InvalidInput` when one is missing."""
    result = []
    for i, (lo, hi) in enumerate(zip(domain.lower, domain.upper, strict=True)):
        if lo is None or hi is None:
            raise InvalidInput(f"domain: expected finite bounds for every input, found none for input {i}")
        result.append((lo, hi))
    return tuple(result)
