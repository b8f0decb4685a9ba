"""Lossless intake of numbers, and exact vectors and matrices: integers over one shared denominator.

One rule says what 0.1 means, and it is applied here only. As text (in a file, on the command line, in a string) it is
the decimal that is written, 1/10. As a float (in Python, or in an array of any precision) it is the dyadic rational
that the float is, 3602879701896397 / 2^55. Nothing is rounded on the way in.
"""

from __future__ import annotations

import math
import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

from exactformer.errors import Faults, NumberTooLong

_TEXT = re.compile(r"[+-]?(\d+/\d+|(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?)", re.ASCII)
MAX_CHARACTERS = 4000  # of a number in a file: what the kernel reads
MAX_BITS = 13_000  # of numerator and denominator together, so that the number fits MAX_CHARACTERS
WIDE = Context(prec=12, Emax=10**9, Emin=-(10**9))  # for decimals of numbers of any size
MAX_SIDE = 1 << 20  # rows or columns of a sparse matrix, whose shape costs no space in a file
MAX_TOTAL_BITS = 1 << 32  # of the numbers of one array over their common denominator

# Most numbers of most files: they need no look at their size.
_COMMON = re.compile(
    r"\s*([+-]?\d{1,300})(?:/(\d{1,300})|(?:\.(\d{0,300}))?(?:[eE]([+-]?\d{1,2}))?)\s*", re.ASCII
).fullmatch
_TEN = tuple(10**k for k in range(400))
_PLAIN = frozenset({int, str, float, Fraction})
_LEVELS = 4  # of nested lists that are looked into for arrays


def rational(value: Any, place: str = "value") -> Fraction:
    """The exact rational number that `value` denotes.

    Integers, fractions, "p/q" and decimal text, `Decimal`, and floats as the exact dyadic they are; NumPy's scalars
    and arrays without dimensions count as the number in them. Raises `InvalidInput` for anything else: NaN,
    infinities, booleans, "1/0", other text, and text of a number too long for a file (`MAX_BITS`).

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
        inside = plain(value)
        if inside is not value and isinstance(inside, (Real, str)):  # an array without dimensions
            return read_rational(inside, place, faults)
    faults.add(place, 'a number (an integer, "p/q" or decimal text)', value)
    return Fraction(0)


def number_text(value: Fraction) -> int | str:
    """How a number is written in files: an integer, or "p/q" in lowest terms.

    Raises `NumberTooLong` for a number that could not be read back, being longer than `MAX_BITS`.
    """
    return ratio_text(value.numerator, value.denominator)


def ratio_text(numerator: int, denominator: int) -> int | str:
    """`number_text` of a quotient that need not be in lowest terms."""
    if not isinstance(numerator, int):
        return str(numerator)
    common = math.gcd(numerator, denominator)
    p, q = numerator // common, denominator // common
    bits = p.bit_length() + q.bit_length()
    if bits > MAX_BITS:
        raise NumberTooLong(f"number: expected one of at most {MAX_BITS} bits, found one of {bits} bits")
    return p if q == 1 else f"{p}/{q}"


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


def _over(numerator: int, denominator: int) -> Fraction:
    """Numerator / denominator; an entry of another ring (`exactformer.generic`) stands over 1."""
    return Fraction(numerator, denominator) if isinstance(numerator, int) else numerator


@dataclass(frozen=True)
class Vector:
    """The exact vector numerators / denominator, in lowest terms.

    In the place of the integers may stand elements of a ring that contains the rationals, over the denominator 1.
    """

    numerators: tuple[int, ...]
    denominator: int = 1

    @staticmethod
    def over(numerators: Sequence[int], denominator: int) -> Vector:
        """The vector numerators / denominator, brought to lowest terms."""
        common = 1 if denominator == 1 else math.gcd(denominator, *numerators)
        if common > 1:
            return Vector(tuple(n // common for n in numerators), denominator // common)
        return Vector(tuple(numerators), denominator)

    @staticmethod
    def of(values: Iterable[Fraction | int]) -> Vector:
        """The vector of the given exact numbers."""
        exact = tuple(values)
        common = math.lcm(*(x.denominator for x in exact))
        return Vector(tuple(x.numerator * (common // x.denominator) for x in exact), common)

    def __len__(self) -> int:
        return len(self.numerators)

    def __getitem__(self, index: int) -> Fraction:
        return _over(self.numerators[index], self.denominator)

    def fractions(self) -> tuple[Fraction, ...]:
        """The entries as fractions."""
        return tuple(_over(n, self.denominator) for n in self.numerators)

    def __add__(self, other: Vector) -> Vector:
        common = math.lcm(self.denominator, other.denominator)
        a, b = common // self.denominator, common // other.denominator
        return Vector.over([a * x + b * y for x, y in zip(self.numerators, other.numerators, strict=True)], common)


Entries = tuple[tuple[int, int], ...]  # of a row: its columns with their numerators


@dataclass(frozen=True)
class Matrix:
    """An exact sparse matrix: entry (i, j) is n / denominator for each (j, n) in a row (i, row), all others are 0.

    Only rows that are not empty are stored, by ascending number; columns ascend within a row, and no stored numerator
    is zero. So equal matrices are equal objects, and a tall matrix with few entries is small. Entries may be those of
    another ring, as in a `Vector`.
    """

    shape: tuple[int, int]
    filled: tuple[tuple[int, Entries], ...] = ()
    denominator: int = 1

    @staticmethod
    def of_rows(rows: Sequence[Entries], width: int, denominator: int = 1) -> Matrix:
        """The matrix with all its rows given, empty ones too, each as its (column, numerator)."""
        filled = tuple([(i, tuple(row)) for i, row in enumerate(rows) if row])
        return Matrix((len(rows), width), filled, denominator)

    @property
    def rows(self) -> tuple[Entries, ...]:
        """All rows, empty ones too, each as its (column, numerator)."""
        full: list[Entries] = [()] * self.shape[0]
        for i, row in self.filled:
            full[i] = row
        return tuple(full)

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
        rows: dict[int, list[tuple[int, int]]] = {}
        for (i, j), x in sorted(entries.items()):
            if x:
                rows.setdefault(i, []).append((j, x.numerator * (common // x.denominator)))
        return Matrix((height, width), tuple([(i, tuple(row)) for i, row in rows.items()]), common).reduced()

    @staticmethod
    def stacked(parts: Sequence[Matrix], width: int) -> Matrix:
        """The rows of all parts, each `width` wide, one part below the other."""
        common = math.lcm(*(part.denominator for part in parts))
        rows, height = [], 0
        for part in parts:
            scale = common // part.denominator
            rows += [(height + i, tuple([(j, n * scale) for j, n in row])) for i, row in part.filled]
            height += part.shape[0]
        return Matrix((height, width), tuple(rows), common)

    def reduced(self) -> Matrix:
        """The same matrix with the smallest denominator."""
        common = (
            1 if self.denominator == 1 else math.gcd(self.denominator, *(n for _, row in self.filled for _, n in row))
        )
        if common == 1:
            return self
        rows = tuple((i, tuple((j, n // common) for j, n in row)) for i, row in self.filled)
        return Matrix(self.shape, rows, self.denominator // common)

    def __matmul__(self, vector: Vector) -> Vector:
        """Matrix times vector, exactly."""
        x = vector.numerators
        products = [0] * self.shape[0]
        for i, row in self.filled:
            products[i] = sum([n * x[j] for j, n in row])
        return Vector.over(products, self.denominator * vector.denominator)

    def entries(self) -> dict[tuple[int, int], Fraction]:
        """The non-zero entries."""
        return {(i, j): _over(n, self.denominator) for i, row in self.filled for j, n in row}

    def row(self, index: int) -> dict[int, Fraction]:
        """The non-zero entries of one row, by column."""
        at = bisect_left(self.filled, (index,))
        found = self.filled[at : at + 1]
        return {j: _over(n, self.denominator) for i, row in found if i == index for j, n in row}

    @property
    def nonzeros(self) -> int:
        """The number of non-zero entries."""
        return sum([len(row) for _, row in self.filled])

    def dense(self) -> list[list[Fraction]]:
        """All entries, row by row; for small matrices."""
        height, width = self.shape
        full = [[Fraction(0)] * width for _ in range(height)]
        for (i, j), x in self.entries().items():
            full[i][j] = x
        return full


# --- reading ---------------------------------------------------------------------------------------

Pair = tuple[int, int]  # a numerator and a positive denominator, not necessarily in lowest terms


def read_vector(data: Any, place: str, length: int | None, faults: Faults) -> Vector:
    """The vector in a list or array of numbers; faults are noted."""
    items = listed(data)
    size = array_shape(items)
    if items is None or (size is not None and len(size) > 1):
        faults.add(place, "a list of numbers", shape_text(data))
        return Vector((0,) * (length or 0))
    if length is not None and len(items) != length:
        faults.add(place, f"{length} numbers", f"{len(items)}")
    return vector_of(read_pairs(items, f"{place}[{{}}]".format, faults), place, faults)


def read_matrix(data: Any, place: str, shape: tuple[int | None, int | None], faults: Faults) -> Matrix:
    """The matrix in dense rows or in sparse form, of the given shape where that is known; faults are noted."""
    if isinstance(data, Matrix):
        result = data
    elif isinstance(data, dict):
        result = _read_sparse(data, place, shape, faults)
    else:
        return _read_dense(data, place, shape, faults)
    _check_shape(result.shape, place, shape, faults)
    return result


def _read_dense(data: Any, place: str, shape: tuple[int | None, int | None], faults: Faults) -> Matrix:
    rows = listed(data)
    size = array_shape(rows)
    if rows is None or (size is not None and len(size) != 2 and size != (0,)):
        faults.add(place, "a matrix (a list of rows, or shape and entries)", shape_text(data))
        return Matrix((shape[0] or 0, shape[1] or 0))
    width = size[1] if size is not None and len(size) == 2 else shape[1]
    pairs = []
    for i, row in enumerate(rows):
        if not isinstance(row, list):
            faults.add(f"{place}[{i}]", "a list of numbers", row)
            row = []
        elif width is None:
            width = len(row)
        elif len(row) != width:
            faults.add(f"{place}[{i}]", f"{width} numbers", f"{len(row)}")
        pairs.append(read_pairs(row[:width], f"{place}[{i}][{{}}]".format, faults))
    _check_shape((len(rows), width or 0), place, shape, faults)
    return matrix_of(pairs, width or 0, place, faults)


def _check_shape(found: tuple[int, ...], place: str, shape: tuple[int | None, int | None], faults: Faults) -> None:
    sides = zip(("rows", "columns"), shape, found, strict=True)
    wrong = [(name, n, m) for name, n, m in sides if n is not None and n != m]
    if wrong:
        wanted = " and ".join(f"{n} {name}" for name, n, _ in wrong)
        faults.add(place, wanted, " and ".join(f"{m}" for _, _, m in wrong))


def _read_sparse(data: dict[Any, Any], place: str, shape: tuple[int | None, int | None], faults: Faults) -> Matrix:
    if data.keys() != {"shape", "entries"}:
        faults.add(place, "the keys shape and entries", f"the keys {', '.join(map(str, data)) or '(none)'}")
    size = listed(data.get("shape")) or []
    if len(size) != 2 or not all(type(n) is int and 0 <= n <= MAX_SIDE for n in size):
        faults.add(f"{place}.shape", f"two integers from 0 to {MAX_SIDE}", data.get("shape"))
        return Matrix((shape[0] or 0, shape[1] or 0))
    items = listed(data.get("entries"))
    if items is None:
        faults.add(f"{place}.entries", "a list of [row, column, number]", data.get("entries"))
    found: dict[tuple[int, int], Pair] = {}
    for i, item in enumerate(items or []):
        entry = item if isinstance(item, list) else []
        where = f"{place}.entries[{i}]"
        if len(entry) != 3 or any(type(k) is not int or not 0 <= k < n for k, n in zip(entry, size, strict=False)):
            faults.add(where, f"[row, column, number] inside {size}", item)
        elif (entry[0], entry[1]) in found:
            faults.add(where, "every position once", f"position {entry[:2]} twice")
        else:
            found[entry[0], entry[1]] = _common_pair(entry[2]) or _pair(entry[2], where, faults)
    (numerators,), common = _over_one_denominator([list(found.values())], place, faults)
    rows: dict[int, list[tuple[int, int]]] = {}
    for (i, j), n in zip(found, numerators, strict=True):
        if n:
            rows.setdefault(i, []).append((j, n))
    filled = tuple([(i, tuple(sorted(rows[i]))) for i in sorted(rows)])
    return Matrix((size[0], size[1]), filled, common).reduced()


def read_pairs(items: Iterable[Any], place: Callable[[int], str], faults: Faults, *, first: int = 0) -> list[Pair]:
    """Numbers of any kind that `rational` takes, number i, counted from `first`, at `place(i)`; faults are noted."""
    return [_common_pair(item) or _pair(item, place(i), faults) for i, item in enumerate(items, first)]


def _pair(item: Any, place: str, faults: Faults) -> Pair:
    x = read_rational(item, place, faults)
    return x.numerator, x.denominator


def _common_pair(item: Any) -> Pair | None:
    """The commonest kinds of numbers, read at once; None for all others, faulty ones among them."""
    kind = type(item)
    if kind is int:
        return item, 1
    if kind is float and math.isfinite(item):
        return item.as_integer_ratio()  # type: ignore[no-any-return]
    match = _COMMON(item) if kind is str else None
    if match is None:
        return None
    whole, divisor, decimals, exponent = match.groups("")
    if divisor:
        q = int(divisor)
        return (int(whole), q) if q else None
    power = int(exponent or 0) - len(decimals)
    n = int(whole + decimals)
    return (n * _TEN[power], 1) if power >= 0 else (n, _TEN[-power])


def vector_of(pairs: Sequence[Pair], place: str, faults: Faults) -> Vector:
    """The vector of the given numbers; numbers that would need too much space are a fault."""
    (numerators,), common = _over_one_denominator([pairs], place, faults)
    return Vector.over(numerators, common)


def matrix_of(rows: Sequence[Sequence[Pair]], width: int, place: str, faults: Faults) -> Matrix:
    """The matrix of the given rows; numbers that would need too much space are a fault."""
    numerators, common = _over_one_denominator(rows, place, faults)
    entries = tuple(tuple((j, n) for j, n in enumerate(row) if n) for row in numerators)
    return Matrix.of_rows(entries, width, common).reduced()


def _over_one_denominator(rows: Sequence[Sequence[Pair]], place: str, faults: Faults) -> tuple[list[list[int]], int]:
    """The numerators over one denominator, found in time and space that MAX_TOTAL_BITS bounds."""
    count = sum(map(len, rows))
    common = 1
    for denominator in {d for row in rows for _, d in row}:
        common = math.lcm(common, denominator)
        if common.bit_length() * count > MAX_TOTAL_BITS:
            faults.add(place, f"numbers that take at most {MAX_TOTAL_BITS} bits over one denominator", "more")
            return [[0] * len(row) for row in rows], 1
    return [[n * (common // d) for n, d in row] for row in rows], common


def listed(data: Any) -> list[Any] | None:
    """`data` as a list if it is a list, a tuple, a vector or an array of at least one dimension; None otherwise.

    Inside it, too, arrays and tuples are lists.
    """
    items = plain(data)
    return items if isinstance(items, list) else None


def plain(data: Any, levels: int = _LEVELS) -> Any:
    """Arrays and tuples as nested lists, array scalars as Python's numbers; everything else as it is.

    An array is what has `tolist` (NumPy, PyTorch, JAX, pandas) or `__array__`; every number in it keeps its value.
    """
    if isinstance(data, (list, tuple)):
        return [x if type(x) in _PLAIN else plain(x, levels - 1) for x in data] if levels else data
    if isinstance(data, Vector):
        return list(data.fractions())
    if isinstance(data, type) or getattr(getattr(data, "dtype", None), "kind", "") in ("m", "M"):  # times, dates
        return data
    try:
        if hasattr(data, "tolist"):
            return data.tolist()
        if hasattr(data, "__array__"):
            return data.__array__().tolist()
    except Exception:  # of foreign code; an array that cannot be read is no list of numbers
        return data
    return data


def array_shape(items: Any, levels: int = _LEVELS) -> tuple[int, ...] | None:
    """The shape of nested lists that form an array of anything but objects and matrices; None for all else."""
    if not isinstance(items, list):
        return None
    if levels == 1 or not any(isinstance(x, list) for x in items):
        return None if any(isinstance(x, (dict, Matrix)) for x in items) else (len(items),)
    shapes = {array_shape(x, levels - 1) for x in items}
    inner = shapes.pop()
    return None if shapes or inner is None else (len(items), *inner)


def shape_text(data: Any) -> Any:
    """What is found where an array of another dimension was expected: the shape of an array, or the very thing."""
    shape = array_shape(listed(data))
    if shape is None or shape == (0,):
        return data
    return f"a list of {shape[0]}" if len(shape) == 1 else f"an array {' x '.join(map(str, shape))}"


def nearly(number: Fraction) -> float:
    """A float near a number, or the largest of its sign: for guesses, and to show a size, never to decide."""
    try:
        return float(number)
    except OverflowError:
        return sys.float_info.max if number > 0 else -sys.float_info.max
