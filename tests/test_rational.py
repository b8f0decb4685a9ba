"""Lossless intake of numbers, and vectors and matrices against plain fractions."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import NUMBERS, matrices

from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.rational import (
    MAX_BITS,
    MAX_CHARACTERS,
    MAX_SIDE,
    Matrix,
    Vector,
    number_text,
    rational,
    read_rational,
    read_vector,
)

LISTS = st.lists(NUMBERS, min_size=1, max_size=4)
SHAPES = st.tuples(st.integers(0, 4), st.integers(0, 4))
ANY_MATRIX = SHAPES.flatmap(lambda shape: matrices(*shape))


# --- one number -----------------------------------------------------------------------------------


@given(st.integers())
def test_integers_are_themselves(n: int) -> None:
    assert rational(n) == rational(str(n)) == rational(f" {n} ") == rational(f"{n}/1") == n


@given(st.fractions())
def test_fractions_and_their_text(x: Fraction) -> None:
    assert rational(x) == rational(f"{x.numerator}/{x.denominator}") == rational(number_text(x)) == x
    assert type(rational(x)) is Fraction


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_the_dyadic_that_it_is_and_its_text_the_decimal_that_it_shows(x: float) -> None:
    exact = rational(x)
    assert float(exact) == x
    assert exact.denominator & (exact.denominator - 1) == 0
    assert rational(repr(x)) == Fraction(Decimal(repr(x)))


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals(x: Decimal) -> None:
    assert rational(x) == Fraction(x)


def test_decimals_beyond_the_range_of_floats() -> None:
    assert rational(Decimal("1e400")) == 10**400
    assert rational(Decimal("-1e-400")) == Fraction(-1, 10**400)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_numpy_floats_keep_every_bit(kind: Any) -> None:
    for x in (kind(1) / kind(3), kind(-0.1), kind(0), np.finfo(kind).tiny, np.finfo(kind).max):
        assert rational(x) == Fraction(*map(int, x.as_integer_ratio()))
    assert rational(np.longdouble(1) + np.finfo(np.longdouble).eps) > 1


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_numpy_integers(kind: Any) -> None:
    for x in (np.iinfo(kind).min, np.iinfo(kind).max):
        found = rational(kind(x))
        assert found == x
        assert type(found.numerator) is int


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-.5", Fraction(-1, 2)),
        ("5.", 5),
        ("+1/2", Fraction(1, 2)),
        ("-2.50e-1", Fraction(-1, 4)),
        ("1E+3", 1000),
        ("007", 7),
        ("-0", 0),
        ("4/6", Fraction(2, 3)),
    ],
)
def test_text(text: str, value: Fraction) -> None:
    assert rational(text) == value


WRONG: list[Any] = [
    *(
        "",
        " ",
        "x",
        "1/0",
        "0/0",
        "1/-2",
        "1 /2",
        "1_000",
        "0x1",
        "١",
        "--1",
        "1e",
        "1e99999",
        "nan",
        "inf",
        "-Infinity",
    ),
    *(float("nan"), float("inf"), -float("inf"), np.float32("nan"), np.float32("inf"), np.longdouble("-inf")),
    *(Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")),
    *(True, False, np.True_, None, 1j, b"1", [1], (1,), {"p": 1}, object),
    *(np.array(True), np.array([1]), np.array("x"), np.array(1, dtype="m8[ns]"), np.ndarray),
]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_what_is_no_number_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        rational(value, "layers[3]")
    (reason,) = caught.value.reasons
    assert reason.startswith("layers[3]: expected a ")
    assert ", found" in reason


def test_sympy_numbers_are_taken_when_rational_only() -> None:
    import sympy

    assert rational(sympy.Rational(1, 3)) == Fraction(1, 3)
    assert rational(sympy.Integer(-7)) == -7
    for value in (sympy.pi, sympy.oo, sympy.nan, sympy.sqrt(2), sympy.Float("0.1", 30)):  # a Float would lose digits
        with pytest.raises(InvalidInput):
            rational(value)


def test_a_number_too_long_for_a_file_is_refused_as_text_and_not_written() -> None:
    for text in ("1" * (MAX_CHARACTERS + 1), "1e4000", "1e-9999", "1/" + "9" * 3998):
        with pytest.raises(InvalidInput, match="expected a number of at most"):
            rational(text)
    for value in (Fraction(2**MAX_BITS), Fraction(1, 2**MAX_BITS), Fraction(10**9000)):
        assert rational(value) == value
        with pytest.raises(Unsupported, match="at most 13000 bits"):
            number_text(value)


def test_the_longest_number_that_is_written_can_be_read_back() -> None:
    for value in (Fraction(2 ** (MAX_BITS - 1) - 1), Fraction(-1, 2 ** (MAX_BITS - 2)), Fraction(2**6498, 3**4000)):
        text = number_text(value)
        assert len(str(text)) < MAX_CHARACTERS
        assert rational(text) == rational(str(text)) == value


# --- vectors and matrices -------------------------------------------------------------------------


@given(LISTS, LISTS, st.integers(0, 3))
def test_vectors(left: list[Fraction], right: list[Fraction], index: int) -> None:
    size = min(len(left), len(right))
    a, b = Vector.of(left[:size]), Vector.of(right[:size])
    assert a.fractions() == tuple(left[:size])
    assert (a + b).fractions() == tuple(x + y for x, y in zip(left, right, strict=False))
    assert (a + b) == (b + a) == Vector.of((a + b).fractions())
    assert len(a) == size
    assert a[index % size] == left[index % size]
    assert math.gcd(a.denominator, *a.numerators) == 1


@given(LISTS, st.integers(1, 100))
def test_vectors_are_in_lowest_terms(values: list[Fraction], factor: int) -> None:
    v = Vector.of(values)
    assert Vector.over([factor * n for n in v.numerators], factor * v.denominator) == v


@given(st.data(), SHAPES)
def test_matrix_times_vector(data: st.DataObject, shape: tuple[int, int]) -> None:
    matrix = data.draw(matrices(*shape))
    vector = [data.draw(NUMBERS) for _ in range(shape[1])]
    expected = tuple(sum((a * x for a, x in zip(row, vector, strict=True)), Fraction(0)) for row in matrix.dense())
    assert (matrix @ Vector.of(vector)).fractions() == expected


@given(ANY_MATRIX)
def test_dense_and_sparse_data_give_the_same_object(matrix: Matrix) -> None:
    entries = [[i, j, number_text(x)] for (i, j), x in matrix.entries().items()]
    zeros = [[i, j, 0] for i in range(matrix.shape[0]) for j in range(matrix.shape[1])]
    both = entries + [zero for zero in zeros if zero[:2] not in [entry[:2] for entry in entries]]
    for given_entries in (entries, entries[::-1], both):
        assert Matrix.of({"shape": list(matrix.shape), "entries": given_entries}) == matrix
    assert Matrix.of(matrix.dense(), shape=matrix.shape) == matrix
    assert Matrix.of(matrix) is matrix
    assert hash(Matrix.of(matrix.dense(), shape=matrix.shape)) == hash(matrix)


@given(ANY_MATRIX)
def test_matrices_are_canonical(matrix: Matrix) -> None:
    assert matrix.reduced() is matrix
    assert all(n for row in matrix.rows for _, n in row)
    assert all(list(row) == sorted(row) for row in matrix.rows)
    assert matrix.nonzeros == sum(x != 0 for row in matrix.dense() for x in row)
    assert [matrix.row(i) for i in range(matrix.shape[0])] == [
        {j: x for j, x in enumerate(row) if x} for row in matrix.dense()
    ]
    scaled = tuple(tuple((j, 6 * n) for j, n in row) for row in matrix.rows)
    assert Matrix.of_rows(scaled, matrix.shape[1], 6 * matrix.denominator).reduced() == matrix


@given(st.data(), st.integers(0, 3), st.lists(st.integers(0, 3), max_size=3))
def test_stacked_matrices(data: st.DataObject, width: int, heights: list[int]) -> None:
    parts = [data.draw(matrices(height, width)) for height in heights]
    rows = [row for part in parts for row in part.dense()]
    assert Matrix.stacked(parts, width) == Matrix.of(rows, shape=(len(rows), width))


def test_numpy_arrays() -> None:
    array = np.array([[0.1, 0], [np.float64(1) / 3, -2]])
    assert Matrix.of(array).dense() == [[Fraction(x) for x in row] for row in array.tolist()]
    assert Matrix.of(np.float32([[0.1]])).dense() == [[Fraction(float(np.float32(0.1)))]]
    assert Matrix.of(np.zeros((2, 3), dtype=int)) == Matrix((2, 3))


class Tensor:
    """What PyTorch's tensors offer: on another device, with a gradient, `__array__` fails, `tolist` does not."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def tolist(self) -> Any:
        return self.data

    def __array__(self, *arguments: Any) -> Any:
        raise TypeError("can't convert a tensor that requires grad")


class Frame:
    """An array that offers `__array__` only."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __array__(self, *arguments: Any) -> Any:
        return np.array(self.data)


@pytest.mark.parametrize("kind", [Tensor, Frame, np.array, list, tuple])
def test_arrays_of_every_kind_are_taken_as_they_are(kind: Any) -> None:
    data = [[0.1, 2.0], [-0.5, 0.0]]
    exact = Matrix.of_rows((((0, 2 * 3602879701896397), (1, 2 << 56)), ((0, -1 << 55),)), 2, 1 << 56).reduced()
    assert Matrix.of(kind(data)) == Matrix.of([kind(row) for row in data]) == exact
    assert read_vector(kind([0.25, 3]), "v", 2, Faults()) == Vector((1, 12), 4)
    assert exact.dense()[0][0] == Fraction(0.1) != Fraction(1, 10)


def test_numbers_of_arrays_keep_their_value() -> None:
    assert rational(np.array(0.1)) == rational(Tensor(0.1)) == Fraction(0.1)
    assert rational(Tensor("0.1")) == rational(np.array("0.1")) == Fraction(1, 10)
    assert rational(np.array(2**64 - 1, dtype=np.uint64)) == 2**64 - 1
    eps = np.finfo(np.longdouble).eps
    assert Matrix.of(np.array([[1 + eps]], dtype=np.longdouble)).dense() == [[1 + Fraction(*eps.as_integer_ratio())]]
    third = np.float32(1) / np.float32(3)
    assert Matrix.of(np.array([[third]], dtype=np.float32)).dense() == [[Fraction(11184811, 1 << 25)]]


def test_one_fault_for_one_array() -> None:
    for data, found in (
        (np.zeros((5, 3)), "m: expected 2 columns, found 3"),
        (np.zeros((5, 3)).tolist(), "m: expected 2 columns, found 3"),
        (Tensor([[1.0, 2.0, 3.0]] * 9), "m: expected 2 columns, found 3"),
        (np.zeros(7), "m: expected a matrix (a list of rows, or shape and entries), found a list of 7"),
        (np.zeros((4, 2, 3)), "m: expected a matrix (a list of rows, or shape and entries), found an array 4 x 2 x 3"),
        (Tensor(0.5), "m: expected a matrix (a list of rows, or shape and entries), found <"),
    ):
        with pytest.raises(InvalidInput) as caught:
            Matrix.of(data, "m", (None, 2))
        assert len(caught.value.reasons) == 1
        assert caught.value.reasons[0].startswith(found)
    faults = Faults()
    read_vector(np.zeros((2, 1)), "v", 2, faults)
    assert faults.reasons == ["v: expected a list of numbers, found an array 2 x 1"]


TEXTS = st.from_regex(r"\s*[+-]?\d{1,25}(/\d{1,25}|(\.\d{0,25})?([eE][+-]?\d{1,2})?)\s*", fullmatch=True)


@given(st.lists(st.one_of(TEXTS, st.fractions(), st.floats(), st.integers(), st.booleans(), st.text(max_size=4))))
def test_many_numbers_at_once_are_read_as_each_alone(items: list[Any]) -> None:
    together, alone = Faults(), Faults()
    vector = read_vector(items, "v", None, together)
    assert vector == Vector.of(read_rational(x, f"v[{i}]", alone) for i, x in enumerate(items))
    assert together.reasons == alone.reasons


@pytest.mark.parametrize(
    ("data", "reasons"),
    [
        (5, ["m: expected a matrix (a list of rows, or shape and entries), found 5"]),
        ([[1, 2], [3]], ["m[1]: expected 2 numbers, found 1"]),
        ([[1, 2], 3], ["m[1]: expected a list of numbers, found 3"]),
        (
            [["x", True], [None, float("nan")]],
            [
                'm[0][0]: expected a number (an integer, "p/q" or decimal text), found x',
                'm[0][1]: expected a number (an integer, "p/q" or decimal text), found True',
                'm[1][0]: expected a number (an integer, "p/q" or decimal text), found None',
                "m[1][1]: expected a finite number, found nan",
            ],
        ),
        ([[1, 2, 3]], ["m: expected 2 rows and 2 columns, found 1 and 3"]),
        (Matrix((1, 1)), ["m: expected 2 rows and 2 columns, found 1 and 1"]),
        (
            {"shape": [2, 2]},
            [
                "m: expected the keys shape and entries, found the keys shape",
                "m.entries: expected a list of [row, column, number], found None",
            ],
        ),
        ({"shape": [2, 2], "entries": 5}, ["m.entries: expected a list of [row, column, number], found 5"]),
        ({"shape": [2, -2], "entries": []}, [f"m.shape: expected two integers from 0 to {MAX_SIDE}, found [2, -2]"]),
        (
            {"shape": [2, 10**12], "entries": []},
            [f"m.shape: expected two integers from 0 to {MAX_SIDE}, found [2, 1000000000000]"],
        ),
        ({"shape": [2, 3], "entries": []}, ["m: expected 2 columns, found 3"]),
        (
            {
                "shape": [2, 2],
                "entries": [[0, 0, 1], [0, 0, 2], [2, 0, 1], [0, -1, 1], [0, 0], [True, 0, 1], [1, 1, "z"], 7],
            },
            [
                "m.entries[1]: expected every position once, found position [0, 0] twice",
                "m.entries[2]: expected [row, column, number] inside [2, 2], found [2, 0, 1]",
                "m.entries[3]: expected [row, column, number] inside [2, 2], found [0, -1, 1]",
                "m.entries[4]: expected [row, column, number] inside [2, 2], found [0, 0]",
                "m.entries[5]: expected [row, column, number] inside [2, 2], found [True, 0, 1]",
                'm.entries[6]: expected a number (an integer, "p/q" or decimal text), found z',
                "m.entries[7]: expected [row, column, number] inside [2, 2], found 7",
            ],
        ),
    ],
)
def test_every_fault_of_a_matrix_is_listed(data: Any, reasons: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Matrix.of(data, "m", (2, 2))
    assert list(caught.value.reasons) == reasons


def test_faults_are_limited_and_cannot_act_on_a_terminal() -> None:
    faults = Faults("file")
    read_vector(["\x1b[2J\n"] * 30, "v", 2, faults)
    with pytest.raises(InvalidInput) as caught:
        faults.settle()
    assert len(caught.value.reasons) == Faults.LIMIT + 1
    assert caught.value.reasons[0] == "file: v: expected 2 numbers, found 30"
    assert caught.value.reasons[1].endswith("found \\x1b[2J\\n")
    assert caught.value.reasons[-1] == "... and 11 more faults"
    assert all(reason.isprintable() for reason in caught.value.reasons)
