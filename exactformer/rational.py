"""Lossless intake of numbers, and exact vectors and matrices: integers over one shared denominator.

This is the only module where a float becomes an exact number: as the dyadic rational that it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

from exactformer.errors import Faults

_TEXT = re.compile(r"[+-]?(\d+/\d+|(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?)", re.ASCII)
MAX_DIGITS = 4000


def rational(value: Any, place: str = "value") -> Fraction:
    """The exact rational number that `value` denotes.

    Integers, fractions, "p/q" and decimal text, `Decimal`, and floats (NumPy scalars included) as the exact
    dyadic they are. Raises `InvalidInput` for anything else: NaN, infinities, booleans, "1/0", other text.

    >>> rational("1/3"), rational("-2.5e-1"), rational(0.1)
    (Fraction(1, 3), Fraction(-1, 4), Fraction(3602879701896397, 36028797018963968))
    """
    faults = Faults()
    result = read_rational(value, place, faults)
    faults.settle()
    return result


def read_rational(value: Any, place: str, faults: Faults) -> Fraction:
    """As `rational`, but a fault is noted in `faults` and 0 is returned."""
    if type(value) is int:
        return Fraction(value)
    if isinstance(value, str):
        text = value.strip()
        if len(text) <= MAX_DIGITS and _TEXT.fullmatch(text):
            if "/" in text and not text.split("/")[1].strip("0"):
                faults.add(place, "a denominator that is not zero", value)
                return Fraction(0)
            return Fraction(text)
    elif type(value).__name__ not in ("bool", "bool_"):
        if isinstance(value, (Integral, Rational)):
            return Fraction(int(value.numerator), int(value.denominator))
        if isinstance(value, (Real, Decimal)):
            number: Any = value if isinstance(value, Decimal) else float(value)
            if math.isfinite(number):
                return Fraction(number)
            faults.add(place, "a finite number", str(value))
            return Fraction(0)
    faults.add(place, 'a number (an integer, "p/q" or decimal text)', value)
    return Fraction(0)


def number_text(value: Fraction) -> int | str:
    """How a number is written in files: an integer, or "p/q" in lowest terms."""
    return value.numerator if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


@dataclass(frozen=True)
class Vector:
    """The exact vector numerators / denominator, in lowest terms."""

    numerators: tuple[int, ...]
    denominator: int = 1

    @staticmethod
    def over(numerators: Sequence[int], denominator: int) -> Vector:
        """The vector numerators / denominator, brought to lowest terms."""
        common = math.gcd(denominator, *numerators)
        if common > 1:
            return Vector(tuple(n // common for n in numerators), denominator // common)
        return Vector(tuple(numerators), denominator)

    @staticmethod
    def of(values: Iterable[Fraction]) -> Vector:
        """The vector of the given exact numbers."""
        exact = tuple(values)
        common = math.lcm(*(x.denominator for x in exact))
        return Vector(tuple(x.numerator * (common // x.denominator) for x in exact), common)

    def __len__(self) -> int:
        return len(self.numerators)

    def __getitem__(self, index: int) -> Fraction:
        return Fraction(self.numerators[index], self.denominator)

    def fractions(self) -> tuple[Fraction, ...]:
        """The entries as fractions."""
        return tuple(Fraction(n, self.denominator) for n in self.numerators)

    def __add__(self, other: Vector) -> Vector:
        common = math.lcm(self.denominator, other.denominator)
        a, b = common // self.denominator, common // other.denominator
        return Vector.over([a * x + b * y for x, y in zip(self.numerators, other.numerators, strict=True)], common)


@dataclass(frozen=True)
class Matrix:
    """An exact sparse matrix: entry (i, j) is n / denominator for each (j, n) in rows[i], all other entries are 0.

    Columns ascend within a row and no stored numerator is zero, so equal matrices are equal objects.
    """

    shape: tuple[int, int]
    rows: tuple[tuple[tuple[int, int], ...], ...]
    denominator: int = 1

    @staticmethod
    def of(data: Any, place: str = "matrix", shape: tuple[int | None, int | None] = (None, None)) -> Matrix:
        """The matrix with the given dense rows (lists, NumPy array) or {"shape": ..., "entries": ...}.

        Raises `InvalidInput`, listing every fault, when a number or the shape is wrong.
        """
        faults = Faults()
        result = read_matrix(data, place, shape, faults)
        faults.settle()
        return result

    @staticmethod
    def sparse(height: int, width: int, entries: Mapping[tuple[int, int], Fraction | int]) -> Matrix:
        """The height x width matrix with the given entries and zeros elsewhere."""
        common = math.lcm(*(x.denominator for x in entries.values()))
        rows: list[list[tuple[int, int]]] = [[] for _ in range(height)]
        for (i, j), x in sorted(entries.items()):
            if x:
                rows[i].append((j, x.numerator * (common // x.denominator)))
        return Matrix((height, width), tuple(map(tuple, rows)), common).reduced()

    def reduced(self) -> Matrix:
        """The same matrix with the smallest denominator."""
        common = math.gcd(self.denominator, *(n for row in self.rows for _, n in row))
        if common == 1:
            return self
        rows = tuple(tuple((j, n // common) for j, n in row) for row in self.rows)
        return Matrix(self.shape, rows, self.denominator // common)

    def __matmul__(self, vector: Vector) -> Vector:
        """Matrix times vector, exactly."""
        x = vector.numerators
        products = [sum(n * x[j] for j, n in row) for row in self.rows]
        return Vector.over(products, self.denominator * vector.denominator)

    def entries(self) -> dict[tuple[int, int], Fraction]:
        """The non-zero entries."""
        return {(i, j): Fraction(n, self.denominator) for i, row in enumerate(self.rows) for j, n in row}

    def row(self, index: int) -> dict[int, Fraction]:
        """The non-zero entries of one row, by column."""
        return {j: Fraction(n, self.denominator) for j, n in self.rows[index]}

    @property
    def nonzeros(self) -> int:
        """The number of non-zero entries."""
        return sum(map(len, self.rows))

    def dense(self) -> list[list[Fraction]]:
        """All entries, row by row; for small matrices."""
        height, width = self.shape
        full = [[Fraction(0)] * width for _ in range(height)]
        for (i, j), x in self.entries().items():
            full[i][j] = x
        return full


def read_vector(data: Any, place: str, length: int | None, faults: Faults) -> Vector:
    """The vector in a list or array of numbers; faults are noted."""
    items = listed(data)
    if items is None:
        faults.add(place, "a list of numbers", data)
        return Vector((0,) * (length or 0))
    if length is not None and len(items) != length:
        faults.add(place, f"{length} numbers", f"{len(items)}")
    return Vector.of(read_rational(x, f"{place}[{i}]", faults) for i, x in enumerate(items))


def read_matrix(data: Any, place: str, shape: tuple[int | None, int | None], faults: Faults) -> Matrix:
    """The matrix in dense rows or in sparse form, of the given shape where that is known; faults are noted."""
    if isinstance(data, Matrix):
        result = data
    elif isinstance(data, dict):
        result = _read_sparse(data, place, faults)
    else:
        result = _read_dense(data, place, shape, faults)
    for name, expected, found in zip(("rows", "columns"), shape, result.shape, strict=True):
        if expected is not None and expected != found:
            faults.add(place, f"{expected} {name}", f"{found}")
    return result


def _read_dense(data: Any, place: str, shape: tuple[int | None, int | None], faults: Faults) -> Matrix:
    rows = listed(data)
    if rows is None:
        faults.add(place, "a matrix (a list of rows, or shape and entries)", data)
        return Matrix((shape[0] or 0, shape[1] or 0), ((),) * (shape[0] or 0))
    width = shape[1]
    found: dict[tuple[int, int], Fraction] = {}
    for i, item in enumerate(rows):
        row = listed(item)
        if row is None:
            faults.add(f"{place}[{i}]", "a list of numbers", item)
            continue
        width = len(row) if width is None else width
        if len(row) != width:
            faults.add(f"{place}[{i}]", f"{width} numbers", f"{len(row)}")
        for j, x in enumerate(row[:width]):
            if type(x) is not int or x != 0:
                found[i, j] = read_rational(x, f"{place}[{i}][{j}]", faults)
    return Matrix.sparse(len(rows), width or 0, found)


def _read_sparse(data: dict[Any, Any], place: str, faults: Faults) -> Matrix:
    for key in data.keys() ^ {"shape", "entries"}:
        faults.add(place, "exactly the keys shape and entries", f"key {key!r}")
    size = listed(data.get("shape")) or []
    if len(size) != 2 or not all(type(n) is int and n >= 0 for n in size):
        faults.add(f"{place}.shape", "two integers >= 0", data.get("shape"))
        return Matrix((0, 0), ())
    found: dict[tuple[int, int], Fraction] = {}
    for i, item in enumerate(listed(data.get("entries")) or []):
        entry = listed(item) or []
        where = f"{place}.entries[{i}]"
        if len(entry) != 3 or any(type(k) is not int or not 0 <= k < n for k, n in zip(entry, size, strict=False)):
            faults.add(where, f"[row, column, number] inside {size}", item)
        elif (entry[0], entry[1]) in found:
            faults.add(where, "every position once", f"position {entry[:2]} twice")
        else:
            found[entry[0], entry[1]] = read_rational(entry[2], where, faults)
    return Matrix.sparse(size[0], size[1], found)


def listed(data: Any) -> list[Any] | None:
    """`data` as a list if it is a list, a tuple or an array of at least one dimension; None otherwise."""
    if isinstance(data, (list, tuple)):
        return list(data)
    if isinstance(data, Vector):
        return list(data.fractions())
    if getattr(data, "ndim", 0) >= 1:
        return list(data)
    return None
