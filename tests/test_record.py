"""The record of a run: what is in it is whole or is not there, and a run that goes on from it finds the same."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_parallel import sums

from exactformer import Box, ReluNetwork
from exactformer.compiler import compile_network
from exactformer.errors import InvalidInput, NumberTooLong
from exactformer.measuring import distance
from exactformer.prover import parallel, verify
from exactformer.subdivision import Tally, count, regions, tally
from exactformer.work import Record, Work

ASKED = {"words": ["prove"]}
VALUES = {"one": 1, "two": [1, "2", None], "three": {"a": "é\n"}, "four": None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.record"


def written(path: Path) -> Path:
    with Record(path, ASKED) as record:
        for key, value in VALUES.items():
            record.put(key, value)
    return path


def read(path: Path) -> dict[str, Any]:
    with Record.resume(path) as record:
        assert record.asked == ASKED
        found = {key: record.get(key) for key in VALUES}
        return {key: value for key, value in found.items() if key in record}


def test_what_is_put_is_there_when_the_run_goes_on(path: Path) -> None:
    assert read(written(path)) == VALUES
    with Record.resume(path) as record:
        record.put("five", 5)
        assert (record.get("five"), record.get("one"), record.size) == (5, 1, 5)
    with Record.resume(path) as record:
        assert (record.get("five"), record.damaged) == (5, 0)


def test_a_record_without_values_is_no_file(path: Path) -> None:
    with Record(path, ASKED) as record:
        assert record.get("one") is None
    record.discard()
    assert not path.exists()


def test_a_discarded_record_is_gone(path: Path) -> None:
    with Record(path, ASKED) as record:
        record.put("one", 1)
        record.discard()
    assert not path.exists()


def test_torn_anywhere_the_values_before_are_there(path: Path) -> None:
    whole = written(path).read_bytes()
    lines = whole.splitlines(keepends=True)
    for size in range(len(lines[0]), len(whole)):
        path.write_bytes(whole[:size])
        kept = sum(len(b"".join(lines[: n + 1])) <= size for n in range(1, len(lines)))
        assert read(path) == dict(list(VALUES.items())[:kept])
        assert path.read_bytes() == b"".join(lines[: kept + 1])


def test_damaged_anywhere_no_value_is_another(path: Path) -> None:
    whole = written(path).read_bytes()
    first = whole.index(b"\n") + 1
    for place in range(first, len(whole)):
        for bit in (1, 0x20, 0x80):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            found = read(path)
            assert len(found) >= len(VALUES) - 2  # a newline that is gone joins two lines
            assert all(VALUES[key] == value for key, value in found.items())


def test_a_value_that_is_damaged_while_the_run_goes_on(path: Path) -> None:
    with Record(path, ASKED) as record:
        record.put("one", "something")
        data = path.read_bytes()
        path.write_bytes(data.replace(b"something", b"somethong"))
        assert record.get("one") is None and record.damaged == 1 and "one" not in record


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "line 1: expected the first line of a record of a run, found nothing"),
        (b"hello\n", "expected the first line of a record of the format exactformer/run-1, found None"),
        (b"\0" * 3000 + b"\n", "expected the first line"),
    ],
)
def test_what_is_no_record(path: Path, text: bytes, expected: str) -> None:
    path.write_bytes(text)
    with pytest.raises(InvalidInput, match=expected.replace("a record of a run", "the record of a run")):
        Record.resume(path)
    assert path.read_bytes() == text


def test_a_record_of_another_version(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path)
    monkeypatch.setattr("exactformer.work.record.__version__", "9.9.9")
    with pytest.raises(InvalidInput, match=r"expected a record of this version, 9\.9\.9, found the str '0\.1\.0'"):
        Record.resume(path)


def test_places_that_are_no_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(written(tmp_path / "file"))
    for name in ("nothing", "link", "."):
        with pytest.raises(InvalidInput, match="expected the record of a run"):
            Record.resume(tmp_path / name)
    with pytest.raises(InvalidInput, match="expected a place for the record of a run, found: File exists"):
        Record(tmp_path / "file", ASKED).put("one", 1)


def test_only_one_run_at_a_time(path: Path) -> None:
    with Record(path, ASKED) as record:
        record.put("one", 1)
        with pytest.raises(InvalidInput, match="expected a run that has ended, found one that goes on"):
            Record.resume(path)


def test_a_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/dev/full"):
        pytest.fail("this test needs /dev/full")
    with Record(path, ASKED) as record:
        record.put("one", 1)
        assert record._file is not None
        kept, record._file = record._file, open("/dev/full", "r+b", buffering=0)  # type: ignore[assignment]  # noqa: SIM115
        monkeypatch.setattr(type(record), "sync", lambda self: None)
        with pytest.raises(InvalidInput, match="expected room for the record of the run, found: No space left"):
            record.put("two", 2)
        record._file.close()
        record._file = kept
    assert read(path) == {"one": 1}


def test_a_number_too_long_to_be_written(path: Path) -> None:
    with Record(path, ASKED) as record, pytest.raises(NumberTooLong):
        record.put("one", 10**5000)


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)))
@settings(max_examples=50)
def test_any_values(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("record") / "run"
    with Record(path, ASKED) as record:
        for key, value in values.items():
            record.put(key, value)
    if values:
        with Record.resume(path) as record:
            assert {key: record.get(key) for key in values} == values


# --- runs that are interrupted --------------------------------------------------------------------


class Stopped(Exception):
    """As if the machine had been switched off."""


class Dying(Record):
    """A record after so many values of which the run dies."""

    def __init__(self, path: Path, asked: Any, after: int) -> None:
        super().__init__(path, asked)
        self.after = after

    def put_text(self, key: str, text: str) -> None:
        if self.after == 0:
            raise Stopped
        self.after -= 1
        super().put_text(key, text)


def random_network(seed: int, inputs: int, widths: tuple[int, ...]) -> ReluNetwork:
    r = random.Random(seed)
    layers, below = [], inputs
    for width in widths:
        layers.append(
            ([[f"{r.randint(-9, 9)}/4" for _ in range(below)] for _ in range(width)], [f"{r.randint(-9, 9)}/8"] * width)
        )
        below = width
    return ReluNetwork.of(layers, ([[1] * below], [0]), domain=Box([-1] * inputs, [1] * inputs))


def resumed(path: Path, run: Any) -> Iterator[Any]:
    """What a run finds that dies after each number of values, and is gone on with from its torn record."""
    r = random.Random(0)
    for after in (0, 1, 5, 14):
        path.unlink(missing_ok=True)
        with pytest.raises(Stopped), Dying(path, ASKED, after) as record:
            run(Work(record=record))
            raise Stopped
        if path.exists():
            data = path.read_bytes()
            path.write_bytes(data[: len(data) - r.choice([0, 1, 20])])
            if not path.read_bytes().count(b"\n"):
                continue
            with Record.resume(path) as record:
                yield run(Work(r.choice([1, 2]), record=record))


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "SECONDS", 0.0)
    monkeypatch.setattr(parallel, "AT_FIRST", 0.0)


@pytest.mark.parametrize("method", ["lazy", "regions"])
@pytest.mark.usefixtures("small_pieces")
def test_an_interrupted_proof(path: Path, method: Any) -> None:
    network = random_network(1, 2, (4, 3))
    sides = sums(3) if method == "lazy" else (network, compile_network(network).transformer)
    domain = Box([-1] * sides[0].inputs, [1] * sides[0].inputs)

    def run(work: Work) -> Any:
        return verify(*sides, domain=domain, method=method, cross_check=(), work=work)

    whole = run(Work())
    found = list(resumed(path, run))
    assert len(found) == 3
    for outcome in found:
        assert (outcome.certificate, outcome.regions, outcome.counts) == (
            whole.certificate,
            whole.regions,
            whole.counts,
        )


@pytest.mark.usefixtures("small_pieces")
def test_the_first_counterexample_of_the_tree_counts(path: Path) -> None:
    """Two leaves of the tree have counterexamples; whoever finds the later one first, the earlier one is told."""
    left = random_network(2, 2, (5,))
    rows, biases = left.layers[0].weights.dense(), left.layers[0].biases.fractions()
    tiny = [["1/3", 0], ["-1/3", 0]]
    right = ReluNetwork.of(
        [([*rows, *tiny], [*biases, "-33333/100000", "-33333/100000"])], ([[1] * 7], [0]), domain=left.domain
    )

    def run(work: Work) -> Any:
        return verify(left, right, method="regions", cross_check=(), work=work)

    whole = run(Work())
    assert whole.verdict == "refuted"
    for outcome in (run(Work(2)), *resumed(path, run)):
        assert outcome.certificate == whole.certificate


def test_an_interrupted_distance(path: Path) -> None:
    left, right = random_network(3, 2, (3,)), random_network(7, 2, (3,))

    def run(work: Work) -> Any:
        return distance(left, right, work=work)

    whole = run(Work())
    assert whole.outcome is not None
    found = list(resumed(path, run))
    assert found
    for result in found:
        assert (result.upper, result.lower, result.outcome.certificate) == (
            whole.upper,
            whole.lower,
            whole.outcome.certificate,
        )


def test_an_interrupted_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(4, 2, (9, 9))
    full = regions(network)
    monkeypatch.setattr(tally, "MANY", 10)
    monkeypatch.setattr(tally, "group_of", lambda whole: 15)
    monkeypatch.setattr(tally, "LARGE", 1)
    monkeypatch.setattr(tally, "size_of", lambda whole: 20)

    def run(work: Work) -> Any:
        return count(network, work=work)

    whole = run(Work())
    assert isinstance(whole, Tally) and whole.groups > 5
    assert (whole.activation_regions, whole.distinct_affine_maps) == (len(full), full.distinct_affine_maps)
    exact = len(full) == full.distinct_affine_maps
    assert whole.at_least == (() if exact else ("linear_regions", "distinct_affine_maps"))
    for found in (run(Work(2)), *resumed(path, run)):
        assert found == whole


def test_values_of_another_question_are_not_taken(path: Path) -> None:
    """Keys name the question: a record that is used for two of them mixes nothing up."""
    one, other = random_network(5, 2, (4,)), random_network(6, 2, (4,))
    with Record(path, ASKED) as record:
        for network in (one, other, one):
            outcome = verify(network, compile_network(network).transformer, method="regions", work=Work(record=record))
            assert outcome.verdict == "proved" and outcome.counts["regions"] == len(regions(network))


def test_a_record_is_plain_text(path: Path) -> None:
    lines = written(path).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line[17:]) for line in lines[1:]] == [[key, value] for key, value in VALUES.items()]
