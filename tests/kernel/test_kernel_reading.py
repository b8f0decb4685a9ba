"""Strict reading: what is a number, a table, a matrix, a network; everything else is `Rejected`."""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction
from typing import Any

import pytest
from kernel_material import box, encoded, evaluate, maxout, no_rows, step_head, transformer

from exactformer.kernel import reading
from exactformer.kernel.forms import Form
from exactformer.kernel.networks import Maxout, Transformer, read_network
from exactformer.kernel.reading import (
    Rejected,
    array,
    entries,
    hexadecimal,
    natural,
    numbers,
    parse_json,
    rational,
    table,
)
from exactformer.kernel.semantics import Semantics
from exactformer.kernel.statements import read_domain

AVERAGE = Semantics("average")

# --- JSON -----------------------------------------------------------------------------------------


def test_json() -> None:
    data = '{"a": [1, -0, 1.50, 1E-2, "x", true, null], "é": {}}'.encode()
    assert parse_json(data, "file") == {"a": [1, 0, "1.50", "1E-2", "x", True, None], "é": {}}


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b" ", b"{", b"[1,]", b"{'a': 1}", b"[1] x", b"01", b"+1", b"[.5]", b"\xff", b"\xef\xbb\xbf[]", b"nul"),
        *("[]".encode("utf-16"), b"NaN", b"[Infinity]", b"[-Infinity]", b'"\x00"', b'"\n"'),
        *(b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "c": 2, "b": 3}}', b'[{"a": 1, "\\u0061": 1}]'),
        *(b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        *(b"1" * 1_000_000, b"-" + b"9" * 5000),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_not_json(data: bytes) -> None:
    with pytest.raises(Rejected, match=r"^file: expected"):
        parse_json(data, "file")


def test_long_text_of_numbers_is_not_printed_in_full() -> None:
    with pytest.raises(Rejected) as rejection:
        rational([1] * 1000, "place")
    assert str(rejection.value).endswith("...") and len(str(rejection.value)) < 200


def test_containers() -> None:
    assert table({"a": 1}, "t", ("a",), ("b",)) == {"a": 1}
    assert table({"a": 1, "b": 2}, "t", ("a",), ("b",)) == {"a": 1, "b": 2}
    for wrong in ([], None, {}, {"b": 1}, {"a": 1, "c": 1}, "a"):
        with pytest.raises(Rejected):
            table(wrong, "t", ("a",), ("b",))
    assert array([1, 2], "a") == array([1, 2], "a", 2) == [1, 2]
    for wrong in ({}, "ab", None, (1, 2)):
        with pytest.raises(Rejected):
            array(wrong, "a")
    for length in (0, 1, 3):
        with pytest.raises(Rejected, match=f"{length} entries"):
            array([1, 2], "a", length)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            (0, 0),
            (-7, -7),
            ("0", 0),
            ("-0", 0),
            ("+3", 3),
            ("007", 7),
            ("2/4", Fraction(1, 2)),
            ("-1/3", Fraction(-1, 3)),
        ),
        *(("1.5", Fraction(3, 2)), ("-0.25", Fraction(-1, 4)), ("1.", 1), ("2e3", 2000), ("2E-3", Fraction(1, 500))),
        *(("1.5e1", 15), ("-1.25e+2", -125), ("0/5", 0), ("1e4000", 10**4000), ("1e-4000", Fraction(1, 10**4000))),
        *(("1" + "0" * 3999, 10**3999), (10**4000, 10**4000)),
    ],
    ids=lambda item: str(item)[:20] if isinstance(item, str) else "",
)
def test_numbers(text: object, value: Fraction) -> None:
    found = rational(text, "x")
    assert found == value and type(found) is Fraction


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, None, 0.5, 1.0, float("nan"), [], [1], {}, 1j, b"1", Fraction(1, 2)),
        *(
            "",
            " ",
            "1 ",
            " 1",
            "1\n",
            "1/0",
            "0/0",
            "1/-2",
            "1/00",
            "--1",
            "1/2/3",
            "1/2.0",
            "1.5/2",
            "1/2e3",
            "/2",
            "1/",
        ),
        *(
            ".5",
            "-.5",
            "e5",
            "1e",
            "1e1.5",
            "1_000",
            "0x10",
            "a",
            "nan",
            "inf",
            "Infinity",
            "1e4001",
            "1e-4001",
            "1e" + "9" * 50,
        ),
        *("\u0661", "\uff11", "1\u0661", "1/\u0662", "1e\u0662", "\u00b2", "1\u00a0", "1" * 4001, "1/" + "3" * 4000),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_not_numbers(value: object) -> None:
    with pytest.raises(Rejected, match=r"^x: expected"):
        rational(value, "x")


def test_naturals() -> None:
    assert natural(0, "n") == 0 and natural(5, "n") == 5 and natural(4, "n", 5) == 4
    for wrong in (-1, True, False, "1", 1.0, None, [], 10**30):
        with pytest.raises(Rejected):
            natural(wrong, "n", 5)
    with pytest.raises(Rejected, match="< 5"):
        natural(5, "n", 5)
    with pytest.raises(Rejected, match=">= 0, found -1"):
        natural(-1, "n")


def test_hexadecimal() -> None:
    assert [hexadecimal(text, "h") for text in ("1", "a", "ff", "00f", "f" * 65536)] == [1, 10, 255, 15, 16**65536 - 1]
    wrong: list[object] = [
        "0",
        "-1",
        "-0",
        "00",
        "",
        "F",
        "0x1",
        "1_0",
        " 1",
        "1 ",
        "1\n",
        "g",
        "+1",
        "1.0",
        "\u0661",
        "\uff41",
    ]
    for item in (*wrong, "f" * 65537, 1, 10, True, None, 1.5, ["1"], {}):
        with pytest.raises(Rejected, match="positive integer in hexadecimal"):
            hexadecimal(item, "h")


def test_lists_of_numbers() -> None:
    assert numbers([1, "1/2"], "v") == numbers([1, "0.5"], "v", 2) == [1, Fraction(1, 2)]
    with pytest.raises(Rejected, match=r"^v\[1\]: "):
        numbers([1, True], "v")
    with pytest.raises(Rejected):
        numbers([1], "v", 2)


# --- matrices -------------------------------------------------------------------------------------

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([[1, "1/2"], [0, 0]], (2, 2, {(0, 0): 1, (0, 1): HALF})),
        ([["0", "0.0"]], (1, 2, {})),
        ([[], []], (2, 0, {})),
        ({"shape": [2, 3], "entries": []}, (2, 3, {})),
        ({"shape": [0, 3], "entries": []}, (0, 3, {})),
        ({"shape": [2, 3], "entries": [[1, 2, "1/2"], [0, 0, 0]]}, (2, 3, {(1, 2): HALF})),
    ],
)
def test_matrices(value: object, expected: object) -> None:
    assert entries(value, "m", None, None) == expected
    height, width, found = entries(value, "m", None, None)
    assert entries(value, "m", height, width) == (height, width, found)
    for wrong in ((height + 1, width), (height, width + 1)):
        with pytest.raises(Rejected, match=r"rows|columns"):
            entries(value, "m", *wrong)


def test_a_matrix_without_rows_is_sparse() -> None:
    """A list of no rows does not say how many columns it has."""
    assert entries({"shape": [0, 7], "entries": []}, "m", 0, 7) == (0, 7, {})
    for height, width in ((None, None), (0, 0), (0, 7), (0, None)):
        with pytest.raises(Rejected, match=r"^m: expected at least one row, or a sparse matrix, found none$"):
            entries([], "m", height, width)


def sparse(*items: object, shape: object = (2, 2)) -> dict[str, object]:
    return {"shape": list(shape) if isinstance(shape, tuple) else shape, "entries": list(items)}


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, "m", [1], [[1], [1, 2]], [[1, 2], [1]], [[1], None], [[True]], [[False]], [[0.5]], [[None]], [[[]]]),
        *(
            {},
            {"shape": [1, 1]},
            {"entries": []},
            {"shape": [1, 1], "entries": [], "x": 1},
            {"shape": [1, 1], "entries": {}},
        ),
        *(sparse(shape=s) for s in ((1,), (1, 1, 1), (True, 1), (1.0, 1), (-1, 1), ("1", 1), (1, None), 2, None)),
        *(sparse(shape=s) for s in ((1 << 20, 1), (1, 1 << 20), (10**18, 1), (2**64, 1))),
        *(
            sparse(item)
            for item in ([2, 0, 1], [0, 2, 1], [-1, 0, 1], [True, 0, 1], [0, 0.0, 1], ["0", 0, 1], [0, 0], [0, 0, 1, 1])
        ),
        *(sparse(item) for item in (None, {}, [0, 0, True], [0, 0, "x"], [0, 0, None])),
        *(sparse([0, 0, 1], [0, 0, 1]), sparse([0, 0, 0], [0, 0, 1]), sparse([1, 1, 1], [0, 0, 1], [1, 1, 0])),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_not_matrices(value: object) -> None:
    with pytest.raises(Rejected, match=r"^m"):
        entries(value, "m", None, None)


def test_the_largest_sparse_matrix() -> None:
    side = reading.MAX_SIDE - 1
    assert entries(sparse([side - 1, side - 1, 1], shape=(side, side)), "m", None, None)[:2] == (side, side)


# --- networks -------------------------------------------------------------------------------------

MAXOUT = maxout([([[[1, 0], [0, 1]], [[1, 1], [-1, 2]]], [[0, 1], ["1/2", 0]])], ([[1, 2]], [3]))
RELU = maxout([([[1, 0], [0, 1]], [0, 1])], ([[1, 2]], [3]), "relu")
HEAD = step_head()
FULL = transformer(
    [([[1], [0]], [0, 1]), ([[0], [1]], ["1/2", 1])],
    [
        ([([[0, 1]], [[1, 0]], [[1, 0]], [[1], [0]])], ([[1, 0]], [0], [[1], [0]], [0, 0])),
        (None, None),
        ([], None),
    ],
    (1, [[1, 1]], [0]),
    mask="causal",
)


def test_networks() -> None:
    found = read_network(encoded(MAXOUT), "n")
    assert isinstance(found, Maxout) and (found.inputs, found.outputs) == (2, 1)
    assert [(rank, pieces.height) for rank, pieces in found.layers] == [(2, 4)]
    found = read_network(encoded({**RELU, "name": "r", "domain": None}), "n")
    assert isinstance(found, Maxout) and [(rank, pieces.height) for rank, pieces in found.layers] == [(0, 2)]
    found = read_network(encoded(FULL), "n")
    assert isinstance(found, Transformer) and (found.inputs, found.outputs, found.token) == (1, 1, 1)
    assert [(block, type(part)) for block, part in found.sublayers] == [(0, list), (0, tuple), (2, list)]
    assert (found.causal, found.residual) == (True, True)
    found = read_network(encoded({**HEAD, "mask": None, "residual": False}), "n")
    assert isinstance(found, Transformer) and (found.causal, found.residual) == (False, False)
    found = read_network(encoded({key: value for key, value in HEAD.items() if key != "mask"}), "n")
    assert isinstance(found, Transformer) and not found.causal


def test_networks_of_size_zero() -> None:
    constant = read_network(encoded(maxout([], ([[]], [5]))), "n")
    assert (constant.inputs, constant.outputs) == (0, 1) and evaluate(constant, [], AVERAGE) == [5]
    nothing = read_network(encoded(maxout([], (no_rows(0), []))), "n")
    assert (nothing.inputs, nothing.outputs) == (0, 0) and evaluate(nothing, [], AVERAGE) == []
    none = no_rows(0)
    blind = transformer([(none, [])], [([(none, none, none, none)], (none, [], none, []))], (0, [[]], [2]))
    assert evaluate(read_network(encoded(blind), "n"), [], AVERAGE) == [2]
    keyless = deepcopy(HEAD)
    keyless["blocks"][0]["heads"][0] |= {"query": no_rows(4), "key": no_rows(4)}  # no score: all tokens tie
    for tie, value in (("average", HALF), ("leftmost", 1), ("rightmost", 0)):
        assert evaluate(read_network(encoded(keyless), "n"), [Fraction(3)], Semantics(tie)) == [value]
    valueless = deepcopy(HEAD)
    valueless["blocks"][0]["heads"][0] |= {"value": no_rows(4), "output": [[], [], [], []]}
    assert evaluate(read_network(encoded(valueless), "n"), [Fraction(3)], AVERAGE) == [0]


def test_a_layer_without_units() -> None:
    for network in (maxout([(no_rows(2), [])], ([[]], [0]), "relu"), maxout([([], [])], ([[]], [0]))):
        with pytest.raises(Rejected, match=r"^n: layers\[0\](\.weights)*: expected at least one (unit|row)"):
            read_network(encoded(network), "n")


def test_sparse_and_dense_are_one_network() -> None:
    other = deepcopy(FULL)
    other["embedding"]["weights"][0] = sparse([0, 0, 1], shape=(2, 1))
    head = other["blocks"][0]["heads"][0]
    head["query"], head["output"] = sparse([0, 1, "2/2"], shape=(1, 2)), sparse([0, 0, "1.0"], [1, 0, 0], shape=(2, 1))
    other["blocks"][0]["feedforward"]["w1"] = sparse([0, 0, 1], shape=(1, 2))
    other["readout"]["weights"] = sparse([0, 0, 1], [0, 1, 1], shape=(1, 2))
    assert read_network(encoded(other), "n") == read_network(encoded(FULL), "n")


def changed(network: Any, path: str, value: Any) -> Any:
    """A copy with the item at a dotted path set, or removed for the value `...`."""
    new = deepcopy(network)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    holder = new
    for key in parents:
        holder = holder[key]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return new


WRONG = [
    *(
        (MAXOUT, path, ...)
        for path in ("format", "kind", "layers", "output", "layers.0.weights", "layers.0.biases", "output.biases")
    ),
    *((MAXOUT, "format", value) for value in ("exactformer/network-2", None, 1, ["exactformer/network-1"])),
    *((MAXOUT, "kind", value) for value in ("MAXOUT", None, [], {}, True, "transformer", "relu")),
    *((MAXOUT, "layers", value) for value in (None, {}, [None], [[]], [{}], 1)),
    (MAXOUT, "extra", 1),
    (MAXOUT, "mask", None),
    (MAXOUT, "layers.0.extra", 1),
    (MAXOUT, "output.extra", 1),
    *(
        (MAXOUT, "layers.0.weights", value)
        for value in ([], [[]], [[], []], None, {}, [[[1, 0]]], [[[1, 0]], [[1, 0], [1, 1]]])
    ),
    (MAXOUT, "layers.0.weights", {"shape": [4, 2], "entries": []}),
    (RELU, "layers.0", {"weights": [], "biases": []}),
    (MAXOUT, "layers.0", {"weights": [], "biases": []}),
    (MAXOUT, "layers.0", {"weights": [[], []], "biases": [[], []]}),
    (FULL, "embedding", {"weights": [], "offsets": []}),
    *((MAXOUT, "layers.0.weights.1", value) for value in (None, [[1, 0]], [[1], [1]], [[1, 0], [1]], [1, 0], [])),
    *(
        (MAXOUT, "layers.0.biases", value)
        for value in ([], [[0, 0]], [[0, 0], [0]], [0, 0, 0, 0], None, [[0, 0], [0, True]])
    ),
    *((MAXOUT, "output.weights", value) for value in ([[1]], [[1, 2, 3]], [1, 2], [[1, 2], [1, 2]], None)),
    *((MAXOUT, "output.biases", value) for value in ([], [1, 2], None, ["x"])),
    *((RELU, "layers.0.weights", value) for value in ([], [[1, 0]], [[1, 0], [1]], None, sparse(shape=(3, 2)))),
    *((RELU, "layers.0.biases", value) for value in ([], [0], [0, 0, 0], None)),
    *(
        (FULL, path, ...)
        for path in ("embedding", "blocks", "residual", "readout", "embedding.weights", "embedding.offsets")
    ),
    *((FULL, path, ...) for path in ("blocks.0.heads", "blocks.0.feedforward", "readout.token", "readout.biases")),
    *((FULL, f"blocks.0.heads.0.{name}", ...) for name in ("query", "key", "value", "output")),
    *((FULL, f"blocks.0.feedforward.{name}", ...) for name in ("w1", "b1", "w2", "b2")),
    *((FULL, "residual", value) for value in (None, 0, 1, "true", [])),
    *((FULL, "mask", value) for value in (False, 0, "Causal", "full", [], {})),
    *((FULL, "readout.token", value) for value in (-1, 2, True, "1", None, 1.5)),
    *(
        (FULL, "embedding.weights", value)
        for value in ([], [[[1], [0]]], None, [[[1], [0]], [[1]]], [[[1], [0]], [[1, 1], [0, 0]]])
    ),
    *((FULL, "embedding.offsets", value) for value in ([], [[0, 1]], [[0, 1], [0]], [[0, 1], None], None)),
    *((FULL, "blocks", value) for value in (None, {}, [None], [[]], [{"heads": None}])),
    *(
        (FULL, path, 1)
        for path in ("extra", "layers", "embedding.extra", "blocks.0.extra", "blocks.0.heads.0.extra", "readout.extra")
    ),
    *((FULL, "blocks.0.heads", value) for value in ({}, [None], [[]], 1, "x")),
    *((FULL, "blocks.0.heads.0.query", value) for value in ([], [[1]], [[1, 2, 3]], [[1, 0], [0, 1]])),
    *((FULL, "blocks.0.heads.0.key", value) for value in ([], [[1]], [[1, 2, 3]], [[1, 0], [0, 1]])),
    *((FULL, "blocks.0.heads.0.value", value) for value in ([], [[1]], [[1, 0], [0, 1]])),
    *((FULL, "blocks.0.heads.0.output", value) for value in ([], [[1]], [[1, 0], [0, 1]], [[1], [0], [0]])),
    *((FULL, "blocks.0.heads.0.key", sparse(shape=(size, 2))) for size in (10**12, 2**63, 1 << 20)),
    *(
        (FULL, "blocks.0.feedforward", value)
        for value in ([], {}, 1, {"w1": [], "b1": [], "w2": [], "b2": [], "b3": []})
    ),
    *((FULL, "blocks.0.feedforward.w1", value) for value in ([], [[1]], [[1, 0], [1, 0]])),
    *((FULL, "blocks.0.feedforward.b1", value) for value in ([], [0, 0], None)),
    *((FULL, "blocks.0.feedforward.w2", value) for value in ([[1]], [[1, 0], [1, 0]], [])),
    *((FULL, "blocks.0.feedforward.b2", value) for value in ([], [0], None)),
    *((FULL, "readout.weights", value) for value in ([[1]], [[1, 1], [1, 1]], None)),
]


@pytest.mark.parametrize(
    ("network", "path", "value"), WRONG, ids=lambda item: "" if isinstance(item, dict) else repr(item)[:30]
)
def test_not_networks(network: Any, path: str, value: Any) -> None:
    with pytest.raises(Rejected, match=r"^n"):
        read_network(encoded(changed(network, path, value)), "n")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"1", b'"maxout"', b"{}", b"\xff", b'{"kind": "maxout", "kind": "maxout"}']
)
def test_not_a_network_file(data: bytes) -> None:
    with pytest.raises(Rejected, match=r"^n"):
        read_network(data, "n")


# --- domains --------------------------------------------------------------------------------------


def test_domains() -> None:
    domain = read_domain(
        {"lower": [None, "-1/2"], "upper": [1, None], "matrix": [[1, "1/3"]], "bounds": ["1/2"]}, "d", 2
    )

    def rows(*x: Form) -> list[object]:
        return [(dict(sorted(form.terms.items())), form.den, strict) for form, strict in domain.rows(list(x))]

    assert rows(Form({1: 1}), Form({2: 1})) == [
        ({0: 1, 1: -1}, 1, False),
        ({0: 1, 2: 2}, 2, False),
        ({0: 3, 1: -6, 2: -2}, 6, False),
    ]
    assert rows(Form({1: 1}), Form({3: 1, 0: 2})) == [  # at another point, (x1, x3 + 2)
        ({0: 1, 1: -1}, 1, False),
        ({0: 5, 3: 2}, 2, False),
        ({0: -1, 1: -6, 3: -2}, 6, False),
    ]
    inside = [
        (Fraction(0), Fraction(0)),
        (HALF, Fraction(0)),
        (Fraction(1), Fraction(-1, 2)),
        (Fraction(-100), Fraction(100)),
    ]
    assert [domain.contains(point) for point in inside] == [True, True, False, True]
    assert not domain.contains((Fraction(0), Fraction(-51, 100)))
    everywhere = read_domain(box(2, None, None), "d", 2)
    assert everywhere.rows([Form({1: 1}), Form({2: 1})]) == () and everywhere.contains((Fraction(10**9), Fraction(0)))
    assert read_domain({"lower": [0], "upper": [0], "matrix": [], "bounds": []}, "d", 1).contains([Fraction(0)])
    assert read_domain({"lower": [], "upper": []}, "d", 0).contains([])
    assert not read_domain({"lower": [], "upper": [], "matrix": [[]], "bounds": [-1]}, "d", 0).contains([])


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            [],
            {},
            {"lower": [0]},
            {"upper": [0]},
            {"lower": [0], "upper": [0], "box": 1},
            {"lower": 0, "upper": 1},
        ),
        *({"lower": [0, 0], "upper": [1]}, {"lower": [], "upper": []}, {"lower": [0], "upper": [1, 1]}),
        *({"lower": [True], "upper": [1]}, {"lower": ["-inf"], "upper": [1]}, {"lower": [0], "upper": ["1/0"]}),
        *({**box(1), "matrix": [[1]]}, {**box(1), "bounds": [1]}, {**box(1), "matrix": [[1, 2]], "bounds": [1]}),
        *({**box(1), "matrix": [[1]], "bounds": [1, 2]}, {**box(1), "matrix": [[None]], "bounds": [1]}),
        *({**box(1), "matrix": [[1]], "bounds": [None]}, {**box(1), "matrix": None, "bounds": []}),
        *(
            {**box(1), "matrix": {"shape": [0, 1], "entries": []}, "bounds": []},
            {**box(1), "matrix": [1], "bounds": [1]},
        ),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_not_domains(value: object) -> None:
    with pytest.raises(Rejected, match=r"^d"):
        read_domain(value, "d", 1)
