"""Network files: round trips, the .nnet format, and what a file that is not one is told."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import naive
import pytest
from by_kernel import enclosed
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import networks, relu_networks

import exactformer as ef
from exactformer import InvalidInput, MaxoutNetwork, ReluNetwork, Transformer, Unsupported, load, rational, save
from exactformer.domain import Box, Domain
from exactformer.formats import disk, network_json, nnet
from exactformer.formats.files import FORMATS
from exactformer.formats.network_json import FORMAT, dump, parse, to_object
from exactformer.kernel.networks import read_network
from exactformer.kernel.reading import Rejected
from exactformer.networks import Affine, Head
from exactformer.networks.semantics import Semantics
from exactformer.prover.question import evaluate_exactly
from exactformer.rational import Matrix, Vector

HERE = Path(__file__).parent
ABSOLUTE: dict[str, Any] = {
    "format": FORMAT,
    "kind": "maxout",
    "name": "|x|",
    "layers": [{"weights": [[[1], [-1]]], "biases": [[0, 0]]}],
    "output": {"weights": [[1]], "biases": [0]},
    "domain": {"lower": [-1], "upper": ["1/2"]},
}
RELU: dict[str, Any] = {
    "format": FORMAT,
    "kind": "relu",
    "layers": [{"weights": [[1, 2], [-1, 1]], "biases": [0, "1/2"]}],
    "output": {"weights": [[1, -1]], "biases": [0]},
}
TRANSFORMER: dict[str, Any] = {
    "format": FORMAT,
    "kind": "transformer",
    "embedding": {"weights": [[[1], [0]], [[0], [1]]], "offsets": [[0, 0], [1, 0]]},
    "blocks": [
        {
            "heads": [{"query": [[1, 0]], "key": [[0, 1]], "value": [[1, 1]], "output": [[1], [0]]}],
            "feedforward": {"w1": [[1, 0]], "b1": [0], "w2": [[1], [1]], "b2": [0, 0]},
        }
    ],
    "residual": True,
    "readout": {"token": 0, "weights": [[1, 1]], "biases": [0]},
}
ALL = [ABSOLUTE, RELU, TRANSFORMER]
MISSING = object()


def read(value: Any) -> Any:
    return parse(json.dumps(value).encode(), "file", default_name="default")


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    result = copy.deepcopy(value)
    place = result
    for key in path[:-1]:
        place = place[key]
    if new is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    return result


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def reasons(value: Any) -> list[str]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    with pytest.raises(InvalidInput) as caught:
        parse(data, "file")
    return list(caught.value.reasons)


# --- round trips ----------------------------------------------------------------------------------


@given(networks())
@settings(max_examples=120)
def test_round_trip_and_one_text_for_each_network(network: Any) -> None:
    text = dump(network)
    again = parse(text.encode("ascii"), "file")
    assert again == network
    assert dump(again) == text
    assert text.endswith("}\n")
    assert "." not in text.replace(json.dumps(network.name), "")  # no decimal point: every number is exact


@given(networks())
def test_layout_and_way_of_writing_do_not_matter(network: Any) -> None:
    def respelled(value: Any) -> Any:
        if isinstance(value, dict):
            if value.keys() == {"shape", "entries"}:
                return [[f"{x}" for x in row] for row in naive.matrix(value)]
            return {key: item if key == "name" else respelled(item) for key, item in reversed(value.items())}
        if isinstance(value, list):
            return [respelled(item) for item in value]
        return f"{2 * value}/2" if type(value) is int and value < 0 else value

    value = respelled(to_object(network))
    if network.kind == "transformer":
        value["readout"]["token"] = network.token
    if network.domain is not None:
        value["domain"] = network.domain.to_json()
    assert dump(parse(json.dumps(value, indent=2).encode(), "file")) == dump(network)


def test_json_floats_count_as_their_decimal_text() -> None:
    text = json.dumps(ABSOLUTE).replace('"1/2"', "0.1").replace('"biases": [0]', '"biases": [1e-60]')
    network = parse(text.encode(), "file")
    assert network.domain == Box([-1], ["1/10"])
    assert network.output.biases.fractions() == (Fraction(1, 10**60),)


def test_matrices_without_rows_or_columns_keep_their_shape() -> None:
    none = Affine(Matrix((0, 3)), Vector(()))
    for network in (
        ReluNetwork((), none),
        MaxoutNetwork((), none),
        ReluNetwork((), Affine(Matrix((2, 0)), Vector((0, 1)))),
        Transformer((none, none), (), 1, Affine(Matrix((1, 0)), Vector((5,)))),
    ):
        again = parse(dump(network).encode(), "file")
        assert again == network
        assert read_network(dump(network).encode(), "file").inputs == network.inputs
    empty = Head(Matrix((0, 1)), Matrix((0, 1)), Matrix((0, 1)), Matrix((1, 0)))
    base = read(TRANSFORMER)
    state = Affine.of([[1]], [0])
    block = type(base.blocks[0])((empty,), None)
    narrow = Transformer((state, state), (block,), 0, Affine.of([[1]], [0]))
    assert parse(dump(narrow).encode(), "file") == narrow


def test_a_network_too_large_to_be_read_again_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = [
        ReluNetwork.of([([["1/3"] * 9] * 9, [0] * 9)], ([[1] * 9], [0]), domain=Box([0] * 9, [1] * 9), name="n")
    ]
    networks.append(MaxoutNetwork.of([([[[0] * 8] * 2] * 9, [[0] * 2] * 9)], ([[1] * 9], [0]), name="n"))
    for network, least in zip(networks, (180, 306), strict=True):
        written = len(dump(network))
        for room, found in ((written - 1, written), (least - 1, least)):
            monkeypatch.setattr(network_json, "MAX_BYTES", room)
            message = f"network n: expected one whose file has at most {room} bytes, found at least {found} bytes"
            with pytest.raises(Unsupported, match=message):
                save(network, tmp_path / "n.json")
        with pytest.raises(Unsupported, match=message):
            ef.prove(network, domain=Box([0] * network.inputs, [1] * network.inputs))
        assert list(tmp_path.iterdir()) == []
        monkeypatch.setattr(network_json, "MAX_BYTES", written)
        save(network, tmp_path / "n.json")
        (tmp_path / "n.json").unlink()


def test_save_and_load(tmp_path: Path) -> None:
    for value in ALL:
        network = read(value)
        save(network, tmp_path / "a" / "b" / "net.json")
        assert load(tmp_path / "a" / "b" / "net.json") == network
        assert (tmp_path / "a" / "b" / "net.json").read_text() == dump(network)
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["net.json"]
    assert (tmp_path / "a" / "b" / "net.json").stat().st_mode & 0o777 == 0o666 & ~umask()
    nameless = changed(ABSOLUTE, ("name",), MISSING)
    (tmp_path / "stem.json").write_text(json.dumps(nameless))
    assert load(tmp_path / "stem.json").name == "stem"


def umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


@pytest.mark.parametrize("path", sorted((HERE / "known_counts").glob("*_*.json")), ids=lambda path: path.stem)
def test_given_networks(path: Path) -> None:
    network = load(path)
    text = dump(network)
    assert dump(parse(text.encode(), "file")) == text
    point = [Fraction(k + 1, 7) for k in range(network.inputs)]
    assert list(evaluate_exactly(network, tuple(point), Semantics())) == naive.evaluate(json.loads(text), point)


# --- faults of JSON files -------------------------------------------------------------------------

NUMBER = 'a number (an integer, "p/q" or decimal text)'


@pytest.mark.parametrize(
    ("base", "path", "new", "expected"),
    [
        (RELU, ("layers", 0, "weights", 1), [3], ["layers[0].weights[1]: expected 2 numbers, found 1"]),
        (RELU, ("output", "weights"), [[1, 2, 3]], ["output.weights: expected 2 columns, found 3"]),
        (RELU, ("layers", 0, "biases"), [0], ["layers[0].biases: expected 2 numbers, found 1"]),
        (RELU, ("layers", 0), [], ["layers[0]: expected an object, found []"]),
        (RELU, ("layers",), {}, ["layers: expected a list, found {}"]),
        (
            ABSOLUTE,
            ("layers", 0, "biases", 0),
            [0],
            ["layers[0].biases: expected 1 x 2 numbers, biases[unit][piece], found 1 x 1"],
        ),
        (
            ABSOLUTE,
            ("layers", 0, "biases", 0),
            [float("nan"), float("-inf")],
            [
                f"layers[0].biases[0][0]: expected {NUMBER}, found NaN",
                f"layers[0].biases[0][1]: expected {NUMBER}, found -Infinity",
            ],
        ),
        (
            ABSOLUTE,
            ("layers", 0, "weights", 0, 1, 0),
            True,
            [f"layers[0].weights[0][1][0]: expected {NUMBER}, found True"],
        ),
        (
            ABSOLUTE,
            ("layers", 0, "weights", 0, 1, 0),
            None,
            [f"layers[0].weights[0][1][0]: expected {NUMBER}, found None"],
        ),
        (
            ABSOLUTE,
            ("output", "biases", 0),
            "1/0",
            ["output.biases[0]: expected a denominator that is not zero, found 1/0"],
        ),
        (
            ABSOLUTE,
            ("output", "weights"),
            {"shape": [1, 1], "entries": 0},
            ["output.weights.entries: expected a list of [row, column, number], found 0"],
        ),
        (
            ABSOLUTE,
            ("output", "weights"),
            {"shape": [1 << 40, 1], "entries": []},
            [
                "output.weights.shape: expected two integers from 0 to 1048576, found [1099511627776, 1]",
                "output.biases: expected 0 numbers, found 1",
            ],
        ),
        (
            ABSOLUTE,
            ("output",),
            MISSING,
            ["file: expected the key 'output', found the keys domain, format, kind, layers, name"],
        ),
        (ABSOLUTE, ("output",), None, ["output: expected an object, found None"]),
        (
            ABSOLUTE,
            ("extra",),
            1,
            ["file: expected only the keys format, kind, layers, output, name, domain, found key 'extra'"],
        ),
        (
            ABSOLUTE,
            ("layers", 0, "weight"),
            1,
            ["layers[0]: expected only the keys weights, biases, found key 'weight'"],
        ),
        (
            ABSOLUTE,
            ("domian",),
            {},
            ["file: expected only the keys format, kind, layers, output, name, domain, found key 'domian'"],
        ),
        (
            TRANSFORMER,
            ("msak",),
            None,
            [
                "file: expected only the keys format, kind, embedding, blocks, residual, readout, name, domain, mask, "
                "coordinates, found key 'msak'; did you mean mask?"
            ],
        ),
        (
            ABSOLUTE,
            ("domain", "bound"),
            [],
            ["domain: expected only the keys lower, upper, matrix and bounds, found key 'bound'; did you mean bounds?"],
        ),
        (
            ABSOLUTE,
            ("kind",),
            "max",
            ["kind: expected maxout, relu, transformer or function, found max; did you mean maxout?"],
        ),
        (ABSOLUTE, ("layers", 0, "extra"), 1, ["layers[0]: expected only the keys weights, biases, found key 'extra'"]),
        (
            ABSOLUTE,
            ("domain", "lower", 0),
            1,
            ["domain[0]: expected a domain that is not empty (lower <= upper), found [1, 1/2]"],
        ),
        (ABSOLUTE, ("domain",), {"lower": [0, 0], "upper": [1, 1]}, ["domain: expected 1 inputs, found 2"]),
        (ABSOLUTE, ("domain",), [], ["domain: expected an object with lower and upper, found []"]),
        (
            ABSOLUTE,
            ("format",),
            "exactformer/network-2",
            ["format: expected exactformer/network-1, found exactformer/network-2"],
        ),
        (
            ABSOLUTE,
            ("format",),
            MISSING,
            ["file: expected the key 'format', found the keys domain, kind, layers, name, output"],
        ),
        (ABSOLUTE, ("kind",), "cpwl", ["kind: expected maxout, relu, transformer or function, found cpwl"]),
        (ABSOLUTE, ("kind",), ["relu"], ["kind: expected maxout, relu, transformer or function, found ['relu']"]),
        (ABSOLUTE, ("kind",), MISSING, ["kind: expected maxout, relu, transformer or function, found None"]),
        (ABSOLUTE, ("name",), 5, ["name: expected text, found 5"]),
        (
            TRANSFORMER,
            ("blocks", 0, "heads", 0, "query"),
            [[1, 0, 0]],
            ["blocks[0].heads[0].query: expected 2 columns, found 3"],
        ),
        (
            TRANSFORMER,
            ("blocks", 0, "heads", 0, "key"),
            [[0, 1], [1, 1]],
            ["blocks[0].heads[0].query: expected 2 rows, found 1"],
        ),
        (
            TRANSFORMER,
            ("blocks", 0, "heads", 0, "value"),
            [[1]],
            ["blocks[0].heads[0].value: expected 2 columns, found 1"],
        ),
        (
            TRANSFORMER,
            ("blocks", 0, "heads", 0, "output"),
            [[1, 0]],
            ["blocks[0].heads[0].output: expected 2 rows and 1 columns, found 1 and 2"],
        ),
        (TRANSFORMER, ("blocks", 0, "heads", 0), None, ["blocks[0].heads[0]: expected an object, found None"]),
        (TRANSFORMER, ("blocks", 0, "heads"), {}, ["blocks[0].heads: expected a list, found {}"]),
        (
            TRANSFORMER,
            ("blocks", 0, "feedforward", "w1"),
            [[1, 0, 0]],
            ["blocks[0].feedforward.w1: expected 2 columns, found 3"],
        ),
        (
            TRANSFORMER,
            ("blocks", 0, "feedforward", "b1"),
            [],
            ["blocks[0].feedforward.b1: expected 1 numbers, found 0"],
        ),
        (
            TRANSFORMER,
            ("blocks", 0, "feedforward", "w2"),
            [[1]],
            ["blocks[0].feedforward.w2: expected 2 rows, found 1"],
        ),
        (
            TRANSFORMER,
            ("blocks", 0, "feedforward", "b2"),
            [0],
            ["blocks[0].feedforward.b2: expected 2 numbers, found 1"],
        ),
        (TRANSFORMER, ("blocks", 0, "feedforward"), [], ["blocks[0].feedforward: expected an object, found []"]),
        (
            TRANSFORMER,
            ("blocks", 0),
            {"heads": None},
            ["blocks[0]: expected the key 'feedforward', found the keys heads"],
        ),
        (TRANSFORMER, ("embedding", "weights", 1), [[0]], ["embedding.weights[1]: expected 2 rows, found 1"]),
        (
            TRANSFORMER,
            ("embedding", "weights", 1),
            [[0, 1], [1, 0]],
            ["embedding.weights[1]: expected 1 columns, found 2"],
        ),
        (TRANSFORMER, ("embedding", "offsets", 1), [0], ["embedding.offsets[1]: expected 2 numbers, found 1"]),
        (
            TRANSFORMER,
            ("embedding", "offsets"),
            [[0, 0]],
            ["embedding.offsets: expected 2 tokens, as in weights, found 1"],
        ),
        (
            TRANSFORMER,
            ("embedding",),
            {"weights": [], "offsets": []},
            ["embedding: expected at least one token, found none"],
        ),
        (TRANSFORMER, ("readout", "token"), 2, ["readout.token: expected a token from 0 to 1, found 2"]),
        (TRANSFORMER, ("readout", "token"), -1, ["readout.token: expected a token from 0 to 1, found -1"]),
        (TRANSFORMER, ("readout", "token"), True, ["readout.token: expected a token from 0 to 1, found True"]),
        (TRANSFORMER, ("readout", "token"), "0", ["readout.token: expected a token from 0 to 1, found 0"]),
        (TRANSFORMER, ("readout", "weights"), [[1]], ["readout.weights: expected 2 columns, found 1"]),
        (TRANSFORMER, ("mask",), "Causal", ['mask: expected null or "causal", found Causal']),
        (TRANSFORMER, ("mask",), False, ['mask: expected null or "causal", found False']),
        (TRANSFORMER, ("residual",), 1, ["residual: expected true or false, found 1"]),
        (
            TRANSFORMER,
            ("residual",),
            MISSING,
            ["file: expected the key 'residual', found the keys blocks, embedding, format, kind, readout"],
        ),
    ],
)
def test_a_fault_is_named_with_its_place(base: Any, path: Any, new: Any, expected: list[str]) -> None:
    assert reasons(changed(base, path, new)) == [f"file: {reason}" for reason in expected]


NO_ROWS = "expected at least one row, or a sparse matrix, found none"


@pytest.mark.parametrize(
    ("base", "path"),
    [
        (RELU, ("output", "weights")),
        (ABSOLUTE, ("output", "weights")),
        (TRANSFORMER, ("embedding", "weights", 0)),
        (TRANSFORMER, ("blocks", 0, "heads", 0, "query")),
        (TRANSFORMER, ("blocks", 0, "heads", 0, "output")),
        (TRANSFORMER, ("blocks", 0, "feedforward", "w1")),
        (TRANSFORMER, ("blocks", 0, "feedforward", "w2")),
        (TRANSFORMER, ("readout", "weights")),
    ],
)
def test_a_list_of_no_rows_is_no_matrix_as_for_the_kernel(base: Any, path: Any) -> None:
    value = changed(base, path, [])
    assert any(reason.endswith(NO_ROWS) for reason in reasons(value))
    with pytest.raises(Rejected, match="at least one row, or a sparse matrix, found none"):
        read_network(json.dumps(value).encode(), "file")


def test_where_no_rows_are_all_there_can_be_they_are_refused_as_well() -> None:
    value: Any = {"format": "exactformer/network-1", "kind": "relu", "layers": [], "output": {"biases": []}}
    value["output"]["weights"] = {"shape": [0, 3], "entries": []}
    assert read(value).inputs == 3
    value["output"]["weights"] = []
    assert [reason.removeprefix("file: output.weights: ") for reason in reasons(value)] == [NO_ROWS]


def test_a_domain_without_inequalities_may_say_so() -> None:
    domain = {"lower": [0], "upper": [1], "matrix": [], "bounds": []}
    assert read(changed(ABSOLUTE, ("domain",), domain)).domain == Box([0], [1])
    assert reasons(changed(ABSOLUTE, ("domain",), {**domain, "bounds": [1]})) == [
        "file: domain.matrix: expected 1 rows, found 0"
    ]


def test_several_faults_at_once() -> None:
    value = changed(TRANSFORMER, ("mask",), "x")
    value = changed(value, ("residual",), "yes")
    value = changed(value, ("readout", "token"), 7)
    value = changed(value, ("blocks", 0, "feedforward", "b2"), [0, "z"])
    assert reasons(value) == [
        f"file: blocks[0].feedforward.b2[1]: expected {NUMBER}, found z",
        "file: residual: expected true or false, found yes",
        'file: mask: expected null or "causal", found x',
        "file: readout.token: expected a token from 0 to 1, found 7",
    ]


def test_a_key_twice_is_named_with_its_place() -> None:
    text = json.dumps(ABSOLUTE).replace('"biases": [[0, 0]]', '"biases": [[0, 0]], "biases": [[1, 1]], "biases": 3')
    assert reasons(text.encode()) == ["file: layers[0]: expected every key once, found key 'biases' 3 times"]
    text = json.dumps(RELU).replace('"kind": "relu"', '"kind": "maxout", "kind": "relu"')
    assert reasons(text.encode()) == ["file: file: expected every key once, found key 'kind' 2 times"]
    assert (
        reasons(b'{"a": {"b": 1, "b": 2}, "a": 3}')[-1] == "file: file: expected every key once, found key 'a' 2 times"
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "line 1, column 1: expected JSON, found: Expecting value"),
        (b"hello", "line 1, column 1: expected JSON, found: Expecting value"),
        (
            b'{"kind": "relu",\n}',
            "line 2, column 1: expected JSON, found: Expecting property name enclosed in double quotes",
        ),
        (b"\xff\xfe", "expected UTF-8 text, found UTF-16 text or binary data"),
        (bytes(range(256)), "expected UTF-8 text, found UTF-16 text or binary data"),
        (bytes(range(32, 256)), "byte 96: expected UTF-8 text, found other bytes"),
        (b"[" * 100_000, "expected JSON of moderate depth and size, found: maximum recursion depth exceeded"),
        (b"1" * 5000, "expected JSON of moderate depth and size, found: Exceeds the limit (4300 digits)"),
        (b"[1, 2]", "file: expected a JSON object, found [1, 2]"),
        (b"null", "file: expected a JSON object, found None"),
        (b"NaN", "file: expected a JSON object, found NaN"),
    ],
)
def test_what_is_no_network(data: bytes, expected: str) -> None:
    (reason,) = reasons(data)
    assert reason.startswith(f"file: {expected}")


def test_deep_data_is_refused_at_every_depth() -> None:
    """Close to Python's own limit too, where it can be read but not be followed further."""
    for depth in range(1, 1200, 7):
        deep = "[" * depth + "]" * depth
        for text in (
            f'{{"kind": {deep}}}',
            deep,
            f'{{"a": {deep}, "a": 1, "b": {deep[:depth]}{{"c": 1, "c": 2}}{deep[depth:]}}}',
        ):
            assert 1 <= len(reasons(text.encode())) <= 2


JUNK = [None, True, 0, -1, 10**30, 0.5, "", "x", "1/2", [], {}, [0], [[0]], {"shape": [1, 1], "entries": []}, MISSING]


@given(st.sampled_from(ALL), st.data())
@settings(max_examples=250)
def test_damaged_data_is_refused_or_means_the_same_to_the_kernel(base: Any, data: st.DataObject) -> None:
    value = changed(base, data.draw(st.sampled_from(list(paths(base)))), data.draw(st.sampled_from(JUNK)))
    text = json.dumps(value).encode()
    try:
        network = parse(text, "file")
    except InvalidInput as error:
        assert all(reason.startswith("file: ") and "expected" in reason for reason in error.reasons)
        return
    point = tuple(Fraction(k - 2, 3) for k in range(network.inputs))
    found = list(evaluate_exactly(network, point, Semantics()))
    exactly = [(y, y) for y in found]
    assert exactly == enclosed(dump(network).encode(), point)
    with suppress(Rejected):  # the kernel may be stricter
        assert exactly == enclosed(text, point)


@given(st.sampled_from(ALL), st.integers(0, 10**6), st.binary(max_size=3))
def test_damaged_bytes_are_refused_or_read(base: Any, place: int, patch: bytes) -> None:
    data = json.dumps(base).encode()
    place %= len(data)
    for damaged in (data[:place], data[:place] + patch + data[place + len(patch) :]):
        try:
            dump(parse(damaged, "file"))
        except InvalidInput as error:
            assert all(reason.startswith("file: ") for reason in error.reasons)


@pytest.mark.parametrize("base", ALL, ids=lambda base: base["kind"])
def test_a_network_cut_anywhere_is_refused(base: Any) -> None:
    data = dump(read(base)).encode()
    for end in range(len(data) - 2):
        reasons(data[:end])


# --- files ----------------------------------------------------------------------------------------


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "directory.json").mkdir()
    (tmp_path / "large.json").write_bytes(b" " * 1001)
    monkeypatch.setattr(disk, "MAX_BYTES", 1000)
    for name, expected in [
        ("none.json", "expected a file that can be read, found: No such file or directory"),
        ("directory.json", "expected a file that can be read, found: Is a directory"),
        ("large.json", "expected a file of at most 1000 bytes, found a larger one"),
    ]:
        with pytest.raises(InvalidInput) as caught:
            load(tmp_path / name)
        assert caught.value.reasons == (f"{tmp_path / name}: {expected}",)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = read(RELU)
    target = tmp_path / "net.json"
    target.write_text("before")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(
            InvalidInput, match=r"net\.json: expected a place that can be written, found: No space left"
        ):
            save(network, target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]
    (tmp_path / "folder.json").mkdir()
    for path in (tmp_path / "folder.json", target / "inside.json"):
        with pytest.raises(InvalidInput, match="expected a place that can be written"):
            save(network, path)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "folder.json", target]


def test_a_network_with_a_number_too_long_is_not_written(tmp_path: Path) -> None:
    network = ReluNetwork.of([], ([[10**9000]], [0]))
    with pytest.raises(Unsupported, match="expected one of at most 13000 bits"):
        save(network, tmp_path / "net.json")
    assert not list(tmp_path.iterdir())


# --- .nnet ----------------------------------------------------------------------------------------

FIRST = "numbers of layers, inputs, outputs, largest layer"
SMALL_NNET = """// a comment
2,2,1,2,
2,2,1,
0,
-1,-2,
1.0,2e0,
0.5,0,0.25,
2,1,3,
1,-1,
0.5,2,
0.1,
-0.2,
1,1,
0.0,
"""


def by_hand(text: str, x: list[Fraction]) -> list[Fraction]:
    """The value of a .nnet file, computed line by line."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("//")]
    rows = iter([[Fraction(field) for field in line.strip().rstrip(",").split(",")] for line in lines])
    (layers, *_), sizes, _, _, _, means, ranges = (next(rows) for _ in range(7))
    h = [(v - m) / r for v, m, r in zip(x, means[:-1], ranges[:-1], strict=True)]
    for number in range(int(layers)):
        height = int(sizes[number + 1])
        weights, biases = [next(rows) for _ in range(height)], [next(rows)[0] for _ in range(height)]
        h = [sum((w * v for w, v in zip(row, h, strict=True)), b) for row, b in zip(weights, biases, strict=True)]
        if number < layers - 1:
            h = [max(v, Fraction(0)) for v in h]
    assert next(rows, None) is None
    return [v * ranges[-1] + means[-1] for v in h]


@given(st.tuples(st.fractions(), st.fractions()))
def test_a_small_nnet_file(point: tuple[Fraction, Fraction]) -> None:
    network = nnet.parse(SMALL_NNET.encode(), "file", default_name="small")
    assert list(network.evaluate(point)) == by_hand(SMALL_NNET, list(point))


def test_parts_of_a_small_nnet_file() -> None:
    network = nnet.parse(SMALL_NNET.encode(), "file", default_name="small")
    assert (network.name, network.inputs, network.widths, network.outputs) == ("small", 2, (2,), 1)
    assert network.domain == Box([-1, -2], [1, 2])
    assert network.evaluate([0, 0]) == (Fraction(1, 4),)
    for text in (SMALL_NNET.replace("\n", "\r\n"), SMALL_NNET.replace(",\n", "\n"), SMALL_NNET + "// end\n\n"):
        assert nnet.parse(text.encode(), "file", default_name="small") == network
    assert parse(dump(network).encode(), "file") == network


@pytest.mark.parametrize("path", sorted((HERE / "trained").glob("*.nnet")), ids=lambda path: path.stem)
def test_trained_nnet_files(path: Path) -> None:
    network, text = load(path), path.read_text()
    sizes = [int(field) for field in text.splitlines()[2].strip(",").split(",")]
    assert [network.inputs, *network.widths, network.outputs] == sizes
    assert network.domain is not None
    ends = zip(network.domain.lower, network.domain.upper, strict=True)
    point = [(lo * 2 + hi) / 3 for lo, hi in ends if lo is not None and hi is not None]
    assert list(evaluate_exactly(network, tuple(point), Semantics())) == by_hand(text, point)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "2,2,1,2,\n",
            "x\n",
            "line 2: expected 4 numbers (numbers of layers, inputs, outputs, largest layer), found 1",
        ),
        (
            "2,2,1,2,\n",
            "-2,2,1,2\n",
            f"line 2, field 1: expected an integer from 0 to 9999999 ({FIRST}), found -2",
        ),
        (
            "2,2,1,2,\n",
            "2,99999999,1,2\n",
            f"line 2, field 2: expected an integer from 0 to 9999999 ({FIRST}), found 99999999",
        ),
        ("\n2,2,1,\n", "\n2,0,1,\n", "line 3: expected layer sizes: 2 first, 1 last, all positive, found [2, 0, 1]"),
        ("\n2,2,1,\n", "\n2,2,\n", "line 3: expected 3 numbers (layer sizes), found 2"),
        ("0.1,\n", "nan,\n", f"line 11, field 1: expected {NUMBER}, found nan"),
        ("0.1,\n", "inf\n", f"line 11, field 1: expected {NUMBER}, found inf"),
        ("0.1,\n", "0.1,7\n", "line 11: expected 1 numbers (layer 1, bias), found 2"),
        ("1,-1,\n", "1;-1,\n", "line 9: expected 2 numbers (layer 1, weights), found 1"),
        ("1,-1,\n", "1,1/0,\n", "line 9, field 2: expected a denominator that is not zero, found 1/0"),
        ("2,1,3,\n", "2,0,3,\n", "line 8, field 2: expected a range that is not zero, found 0"),
        ("-1,-2,\n", "3,-2,\n", "input 0: expected minimum <= maximum, found 3 > 1"),
        ("0.0,\n", "0.0,\n5,\n", "line 15: expected the end of the file, found 5,"),
        ("1,-1,\n", "\x1b[2J,1,\n", f"line 9, field 1: expected {NUMBER}, found \\x1b[2J"),
    ],
)
def test_faults_of_nnet_files(old: str, new: str, expected: str) -> None:
    assert SMALL_NNET.count(old) >= 1
    with pytest.raises(InvalidInput) as caught:
        nnet.parse(SMALL_NNET.replace(old, new, 1).encode(), "file")
    assert caught.value.reasons == (f"file: {expected}",)


def test_a_nnet_file_cut_at_a_line_or_of_bytes_is_refused() -> None:
    lines = SMALL_NNET.splitlines(keepends=True)
    for count in range(len(lines)):
        with pytest.raises(InvalidInput, match=r"file: end of file: expected .*, found no further line"):
            nnet.parse("".join(lines[:count]).encode(), "file")
    with pytest.raises(InvalidInput, match="file: expected UTF-8 text, found UTF-16 text or binary data"):
        nnet.parse(bytes(range(256)), "file")


@given(st.integers(0, len(SMALL_NNET)), st.text(max_size=3))
def test_damaged_nnet_files_are_refused_or_read(place: int, patch: str) -> None:
    for text in (SMALL_NNET[:place], SMALL_NNET[:place] + patch + SMALL_NNET[place + len(patch) :]):
        try:
            network = nnet.parse(text.encode(), "file")
        except InvalidInput as error:
            assert all(reason.startswith("file: ") and reason.isprintable() for reason in error.reasons)
        else:
            assert network_json.parse(dump(network).encode(), "file") == network


OWN_NNET = """//own numbers
2,1,1,3,
1,3,1,
0,
-4,
4,
0,0,
1,1,
1.5,
-2,
0.25,
-0.5,
1,
0.125,
2,-1,3,
0.75,
"""


FLAGS = ["0,", "0", "not used here", "1,2,3", "nan", "//", "-1", "\x1b[2J", "x" * 10**5, "\u00e9"]


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: ascii(flag[:20]))
def test_the_flag_of_a_nnet_file_may_be_anything(flag: str) -> None:
    text = OWN_NNET.replace("\n0,\n", f"\n{flag}\n0,\n" if flag == "//" else f"\n{flag}\n")
    assert nnet.parse(text.encode(), "file").evaluate([2]) == (Fraction(61, 8),)


def test_open_sides_of_a_nnet_file() -> None:
    for low, high in (("-inf", "inf"), ("-INF", "+Infinity"), (" -infinity", "Inf ")):
        text = OWN_NNET.replace("\n-4,\n4,\n", f"\n{low},\n{high},\n")
        network = nnet.parse(text.encode(), "file")
        assert network.domain == Domain.everything(1)
        assert network.evaluate([2]) == (Fraction(61, 8),)
        assert parse(dump(network).encode(), "file") == network
    assert nnet.parse(OWN_NNET.replace("\n4,\n", "\ninf,\n").encode(), "file").domain == Box([-4], [None])
    for old, new, place in (("-4", "inf", "5, field 1: expected a number, or -inf"), ("4", "-inf", "6, field 1")):
        with pytest.raises(InvalidInput, match=f"file: line {place}.* for an open side, found {new}"):
            nnet.parse(OWN_NNET.replace(f"\n{old},\n", f"\n{new},\n").encode(), "file")
    for old, new in (("0,0,", "0,inf,"), ("1,1,", "inf,1,"), ("1.5,", "inf,"), ("0.125,", "inf,")):
        with pytest.raises(InvalidInput, match=r"expected a number \(.*\), found inf$"):
            nnet.parse(OWN_NNET.replace(f"\n{old}\n", f"\n{new}\n").encode(), "file")


def test_a_nnet_file_with_more_minima_than_inputs_is_refused_with_both_counts() -> None:
    """The function of its inputs would depend on which of the minima are theirs."""
    text = OWN_NNET.replace("-4,\n4,\n0,0,\n1,1,\n", "-4,0,\n4,1,\n0,0.5,0,\n1,3,1,\n")
    with pytest.raises(InvalidInput) as caught:
        nnet.parse(text.encode(), "file")
    wanted = "1 numbers (minima, one an input: the dialects with more or fewer are not read)"
    assert caught.value.reasons == (f"file: line 5: expected {wanted}, found 2",)
    with pytest.raises(InvalidInput, match=r"line 5: expected 1 numbers .*, found 1000000$"):
        nnet.parse(OWN_NNET.replace("-4,", "1," * 10**6).encode(), "file")


@pytest.mark.parametrize(
    "spelled",
    [
        b"\xef\xbb\xbf" + OWN_NNET.encode(),
        OWN_NNET.replace("\n", "\r").encode(),
        OWN_NNET.replace(",\n", ",\r\n").replace("1.5,\r\n", "1.5,\r").encode(),
        OWN_NNET.replace(",", " , ").encode(),
        b"// caf\xe9\n" + OWN_NNET.encode(),
    ],
    ids=["mark", "carriage-returns", "mixed-ends", "blanks", "latin-1-comment"],
)
def test_ways_of_writing_a_nnet_file(spelled: bytes) -> None:
    assert nnet.parse(spelled, "file") == nnet.parse(OWN_NNET.encode(), "file")


def test_strange_bytes_in_a_number_of_a_nnet_file_are_shown_as_escapes() -> None:
    with pytest.raises(InvalidInput) as caught:
        nnet.parse(OWN_NNET.encode().replace(b"\n4,", b"\n\xe9\x1b,"), "file")
    assert caught.value.reasons == (f"file: line 6, field 1: expected {NUMBER}, found \\udce9\\x1b",)


@given(relu_networks())
@settings(max_examples=60)
def test_normalisation_is_folded_in_exactly(network: Any) -> None:
    """Against the function computed line by line, with means and ranges of any sign."""
    n, m = network.inputs, network.outputs
    layers = (*network.layers, network.output)
    if min(n, m, *network.widths, 1) < 1:
        return
    means, ranges = [Fraction(i - 1, 2) for i in range(n + 1)], [Fraction(3 - 2 * i, 4) for i in range(n + 1)]

    def line(numbers: Any) -> str:
        return ",".join(f"{x}" for x in numbers) + ",\n"

    sizes = [n, *network.widths, m]
    text = line([len(layers), n, m, max(sizes)]) + line(sizes) + "0,\n" + line([-1] * n) + line([1] * n)
    text += line(means) + line(ranges)
    for layer in layers:
        text += "".join(map(line, layer.weights.dense())) + "".join(line([b]) for b in layer.biases.fractions())
    point = [Fraction(i + 1, 3) for i in range(n)]
    assert list(nnet.parse(text.encode(), "file").evaluate(point)) == by_hand(text, point)


# --- names and encodings --------------------------------------------------------------------------


ENDS = " or ".join(FORMATS)


def test_the_end_of_the_name_says_what_a_file_is(tmp_path: Path) -> None:
    for name in ("NET.NNET", "net.Nnet"):
        (tmp_path / name).write_text(OWN_NNET)
        assert load(tmp_path / name).evaluate([2]) == load(str(tmp_path / name)).evaluate([2]) == (Fraction(61, 8),)
    for name in ("NET.JSON", "net.Json"):
        save(read(RELU), tmp_path / name)
        assert load(tmp_path / name) == read(RELU)
    for name, found in (("net.txt", ".txt"), ("net", "no ending"), ("net.json.gz", ".gz"), (".json", "no ending")):
        (tmp_path / name).write_text(dump(read(RELU)))
        with pytest.raises(InvalidInput) as caught:
            load(tmp_path / name)
        assert caught.value.reasons == (f"{tmp_path / name}: expected a name that ends in {ENDS}, found {found}",)


def test_what_is_saved_can_be_read_again_under_its_name(tmp_path: Path) -> None:
    for name in ("out.nnet", "out.NNET", "out", "out.onnx"):
        with pytest.raises(InvalidInput, match=r"expected a name that ends in \.json, found"):
            save(read(RELU), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_is_no_path_or_no_file(tmp_path: Path) -> None:
    for value in (5, None, b"net.json", [Path("net.json")]):
        for call in (lambda value=value: load(value), lambda value=value: save(read(RELU), value)):
            with pytest.raises(InvalidInput, match="expected a path, as a str or a Path, found"):
                call()
    for call in (lambda: load("a\0b.json"), lambda: save(read(RELU), tmp_path / "a\0b.json")):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert str(caught.value).isprintable()
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", Path("/dev/zero")):
        with pytest.raises(InvalidInput, match="expected a file, found a pipe or a device"):
            load(path)


def test_byte_order_marks_and_other_encodings_of_json() -> None:
    text = json.dumps(RELU)
    assert parse(b"\xef\xbb\xbf" + text.encode(), "file") == parse(text.encode(), "file")
    assert parse(text.replace(", ", ",\r").encode(), "file") == parse(text.encode(), "file")
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        assert reasons(text.encode(encoding)) == ["file: expected UTF-8 text, found UTF-16 text or binary data"]
        with pytest.raises(InvalidInput, match="file: expected UTF-8 text, found UTF-16 text or binary data"):
            nnet.parse(OWN_NNET.encode(encoding), "file")


def test_many_repeated_keys_are_named_briefly() -> None:
    """Twenty of them, found in one walk; their names are cut and escaped."""
    many = b"[" + b",".join(b'{"a": 1, "a": 2}' for _ in range(20_000)) + b"]"
    assert reasons(many)[-2:] == [
        "file: [19]: expected every key once, found key 'a' 2 times",
        "... and 19980 more faults",
    ]
    deep = b'{"' + b"k" * 10_000 + b'":'
    (reason,) = reasons(deep * 200 + b'{"\\u001b[2J": 1, "\\u001b[2J": 2}' + b"}" * 200)
    assert reason.endswith("...: expected every key once, found key '\\x1b[2J' 2 times")
    assert len(reason) < 300


def test_numbers_without_a_moderate_common_denominator_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The space of n numbers over one denominator grows with n times its length, and is bounded."""
    monkeypatch.setattr(rational, "MAX_TOTAL_BITS", 500)
    row = [f"1/{p}" for p in (101, 103, 107, 109, 113, 127, 131, 137, 139, 149)]
    entries = {"shape": [1, 10], "entries": [[0, j, x] for j, x in enumerate(row)]}
    wanted = "expected numbers that take at most 500 bits over one denominator, found more"
    for weights in ([row], entries):
        value = {**RELU, "layers": [], "output": {"weights": weights, "biases": [0]}}
        assert not read({**value, "output": {"weights": [row[:5]], "biases": [0]}}).layers
        assert reasons(value) == [f"file: output.weights: {wanted}"]
    value = {**RELU, "layers": [], "output": {"weights": [[0]] * 10, "biases": row}}
    assert reasons(value) == [f"file: output.biases: {wanted}"]


# --- digests --------------------------------------------------------------------------------------


def test_a_digest_is_that_of_the_canonical_file(tmp_path: Path) -> None:
    """However the file was written; and it is what a certificate is bound to."""
    network = ef.ReluNetwork.of([([["1/2", 0.25]], [0])], ([[1]], [0]), domain=ef.Box([0, 0], [1, 1]), name="n")
    value = json.loads(network_json.dump(network))
    value["layers"][0]["weights"] = {"shape": [1, 2], "entries": [[0, 1, "0.250"], [0, 0, "5e-1"]]}
    (tmp_path / "other.json").write_text(json.dumps(value, indent=3))
    again = ef.load(tmp_path / "other.json")
    assert ef.digest(again) == ef.digest(network) != ef.digest(replace(network, name="m"))
    outcome = ef.prove(again)
    assert outcome.certificate is not None and outcome.certificate["left"]["sha256"] == ef.digest(network)
