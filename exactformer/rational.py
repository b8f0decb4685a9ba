"""Lossless intake of numbers, and exact vectors and matrices: integers over one shared denominator.

This is the only module where a float becomes an exact number: as the dyadic rational that it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

from exactformer.errors import Faults, Unsupported

_TEXT = re.compile(r"[+-]?(\d+/\d+|(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?)", re.ASCII)
MAX_CHARACTERS = 4000  # of a number in a file: what the kernel reads
MAX_BITS = 13_000  # of numerator and denominator together, so that the number fits MAX_CHARACTERS
WIDE = Context(prec=12, Emax=10**9, Emin=-(10**9))  # for decimals of numbers of any size
MAX_SIDE = 1 << 20  # rows or columns of a sparse matrix, whose shape costs no space in a file


def rational(value: Any, place: str = "value") -> Fraction:
    """The exact rational number that `value` denotes.

    Integers, fractions, "p/q" and decimal text, `Decimal`, and floats (NumPy scalars included) as the exact
    dyadic they are. Raises `InvalidInput` for anything else: NaN, infinities, booleans, "1/0", other text, and text
    of a number too long for a file (`MAX_BITS`).

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
        if len(text) > MAX_CHARACTERS:
            faults.add(place, f"a number of at most {MAX_CHARACTERS} characters", f"{len(text)} characters")
            return Fraction(0)
        if _TEXT.fullmatch(text):
            if "/" in text and not text.split("/")[1].strip("0"):
                faults.add(place, "a denominator that is not zero", value)
                return Fraction(0)
            number = Fraction(text)
            if _bits(number) > MAX_BITS:
                faults.add(place, f"a number of at most {MAX_BITS} bits", f"{value}, of {_bits(number)} bits")
            return number
    elif type(value).__name__ not in ("bool", "bool_"):
        if isinstance(value, (Integral, Rational)):
            return Fraction(int(value.numerator), int(value.denominator))
        if isinstance(value, (Real, Decimal)) and hasattr(value, "as_integer_ratio"):
            try:
                return Fraction(*map(int, value.as_integer_ratio()))
            except (ValueError, OverflowError):  # NaN, infinity
                faults.add(place, "a finite number", str(value))
                return Fraction(0)
    faults.add(place, 'a number (an integer, "p/q" or decimal text)', value)
    return Fraction(0)


def number_text(value: Fraction) -> int | str:
    """How a number is written in files: an integer, or "p/q" in lowest terms.

    Raises `Unsupported` for a number that could not be read back, being longer than `MAX_BITS`.
    """
    if _bits(value) > MAX_BITS:
        raise Unsupported(f"number: expected one of at most {MAX_BITS} bits, found one of {_bits(value)} bits")
    return value.numerator if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def exact_text(value: Fraction) -> str:
    """The number as "p/q"; as a decimal marked ≈ when it has more digits than Python agrees to print.

    >>> exact_text(Fraction(-4, 6)), exact_text(Fraction(10**5000, 3))
    ('-2/3', '≈ 3.3333e+4999')
    """
    try:
        return str(value)
    except ValueError:
        return f"≈ {WIDE.divide(Decimal(value.numerator), Decimal(value.denominator)):.5g}"


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


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

    @staticmethod
    def stacked(parts: Sequence[Matrix], width: int) -> Matrix:
        """The rows of all parts, each `width` wide, one part below the other."""
        common = math.lcm(*(part.denominator for part in parts))
        rows = tuple(
            tuple((j, n * (common // part.denominator)) for j, n in row) for part in parts for row in part.rows
        )
        return Matrix((len(rows), width), rows, common)

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
        result = _read_sparse(data, place, shape, faults)
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


def _read_sparse(data: dict[Any, Any], place: str, shape: tuple[int | None, int | None], faults: Faults) -> Matrix:
    if data.keys() != {"shape", "entries"}:
        faults.add(place, "the keys shape and entries", f"the keys {', '.join(map(str, data)) or '(none)'}")
    size = listed(data.get("shape")) or []
    if len(size) != 2 or not all(type(n) is int and 0 <= n <= MAX_SIDE for n in size):
        faults.add(f"{place}.shape", f"two integers from 0 to {MAX_SIDE}", data.get("shape"))
        return Matrix((shape[0] or 0, shape[1] or 0), ((),) * (shape[0] or 0))
    items = listed(data.get("entries"))
    if items is None:
        faults.add(f"{place}.entries", "a list of [row, column, number]", data.get("entries"))
    found: dict[tuple[int, int], Fraction] = {}
    for i, item in enumerate(items or []):
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
