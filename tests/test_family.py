"""Testing conjectures on families: counting, stopping, shrinking."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import exactformer as ef
from exactformer.cli import main
from exactformer.compiler import compile_network
from exactformer.errors import InvalidInput
from exactformer.networks import MaxoutNetwork, Network, Transformer
from exactformer.prover import family as families
from exactformer.prover.family import load_family, verify_family
from exactformer.prover.record import FILE, Record


def network(seed: int, width: int = 3) -> MaxoutNetwork:
    rng = random.Random(seed)

    def number() -> int:
        return rng.randint(-2, 2)

    weights = [[[number(), number()] for _ in range(2)] for _ in range(width)]
    biases = [[number(), number()] for _ in range(width)]
    output = ([[1 + abs(number()) for _ in range(width)]], [number()])
    return MaxoutNetwork.of([(weights, biases)], output, domain=ef.Box([-1, -1], [1, 1]), name=f"seed {seed}")


def compiled(left: Network) -> Transformer:
    return compile_network(left).transformer


def without_a_head(left: Network) -> Transformer:
    right = compiled(left)
    blocks = list(right.blocks)
    heads = blocks[1].heads
    assert heads is not None
    blocks[1] = replace(blocks[1], heads=heads[1:])
    return replace(right, blocks=tuple(blocks))


def test_a_true_family_is_proved_to_its_limit() -> None:
    result = verify_family(((network(seed), compiled(network(seed))) for seed in range(100)), limit=20)
    assert (result.verdict, result.proved, result.unknown, result.counterexample) == ("proved", 20, 0, None)


def test_the_first_counterexample_stops_and_is_shrunk() -> None:
    def pairs() -> Iterator[tuple[Network, Network]]:
        for seed in range(10):
            left = network(seed)
            yield left, (without_a_head(left) if seed == 4 else compiled(left))

    result = verify_family(pairs(), rebuild=without_a_head)
    assert (result.verdict, result.proved, result.instance) == ("refuted", 4, 4)
    found = result.counterexample
    assert found is not None and found.witness is not None and result.shrunk > 0
    assert isinstance(found.left, MaxoutNetwork)
    assert found.left.widths == (1,)  # one unit is enough to miss its head
    assert found.left.evaluate(found.witness.point) == found.witness.left != found.witness.right


def test_without_rebuild_only_the_point_is_simple() -> None:
    left = network(4)
    result = verify_family([(left, without_a_head(left))])
    assert result.counterexample is not None and result.counterexample.left == left and result.shrunk == 0


def test_an_empty_family_is_not_proved() -> None:
    assert verify_family([]).verdict == "unknown"


def test_a_family_that_yields_something_else_is_refused() -> None:
    with pytest.raises(ef.InvalidInput, match="instance 0: expected a pair of networks"):
        verify_family([("left", "right")])  # type: ignore[list-item]


def test_families_are_read_from_python_files(tmp_path: Path) -> None:
    path = tmp_path / "family.py"
    path.write_text(
        "import exactformer as ef\n"
        "def pairs():\n"
        "    for k in range(1, 4):\n"
        "        left = ef.ReluNetwork.of([([[k]], [0])], ([[1]], [0]), domain=ef.Box([-1], [1]))\n"
        "        yield left, ef.compile(left).transformer\n"
    )
    pairs, rebuild = load_family(path)
    assert rebuild is None
    assert verify_family(pairs).proved == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "nothing to run"),
        ("x = 1\n", "function pairs"),
        ("raise ValueError('no')\n", "ValueError: no"),
        ("def pairs(:\n", "SyntaxError"),
    ],
)
def test_a_bad_family_file_gives_one_message(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "family.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ef.InvalidInput, match=message):
        load_family(path)


# --- records ----------------------------------------------------------------------------------------

ASKED = {"claim": "equal"}


def record(folder: Path) -> Record:
    path = folder / FILE
    path.write_text(Record.first_line(ASKED))
    return Record(path)


def many(count: int) -> list[tuple[Network, Network]]:
    return [(network(seed), compiled(network(seed))) for seed in range(count)]


def test_what_an_earlier_run_proved_is_not_proved_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = many(6)
    assert verify_family(pairs, limit=4, record=record(tmp_path)).resumed == 0
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-9])  # interrupted in the middle of the fourth
    asked = []

    def counted(left: Network, *others: Network | None, **options: object) -> object:
        asked.append(left)
        return verify(left, *others, **options)

    verify = families.verify
    monkeypatch.setattr(families, "verify", counted)
    result = verify_family(pairs, record=Record.read(path, ASKED))
    assert (result.proved, result.resumed, len(asked)) == (6, 3, 3) and "(3 proved by an earlier run)" in str(result)
    assert verify_family(pairs, record=Record.read(path, ASKED)).resumed == 6


def test_an_instance_that_changed_is_proved_anew(tmp_path: Path) -> None:
    pairs = many(3)
    verify_family(pairs, record=record(tmp_path))
    pairs[1] = (network(1), without_a_head(network(4)))
    result = verify_family(pairs, record=Record.read(tmp_path / FILE, ASKED))
    assert (result.verdict, result.instance, result.resumed) == ("refuted", 1, 1)
    again = verify_family(many(3), record=Record.read(tmp_path / FILE, ASKED), domain=ef.Box([0, 0], [1, 1]))
    assert (again.proved, again.resumed) == (3, 0)  # on another domain


@pytest.mark.parametrize(
    ("text", "message"),
    (
        (None, "expected the record of a run, found none"),
        ("", "line 1"),
        ("{}\n", "line 1"),
        (Record.first_line({"claim": "convex"}), "line 1"),
        ("[" * 10**5 + "\n", "line 1"),
        (Record.first_line(ASKED) + "no\n", "line 2"),
        (Record.first_line(ASKED) + '{"instance": 0}\n', "line 2"),
        (Record.first_line(ASKED) + "[]\n", "line 2"),
        (Record.first_line(ASKED) + '{"instance": [], "left": "", "right": "", "domain": null}\n', "line 2"),
    ),
)
def test_what_is_no_record_of_this_run_is_refused(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / FILE).write_text(text)
    with pytest.raises(InvalidInput, match=message):
        Record.read(tmp_path / FILE, ASKED)


def test_the_command_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = "import exactformer as ef\ndef pairs():\n    for c in (1, 2, 3, 4):\n        yield ef.MaxoutNetwork.of("
    program += "[([[[c], [-c]]], [[0, 0]])], ([[1]], [0]), domain=ef.Box([-1], [1]))\n"
    (tmp_path / "family.py").write_text(program)
    out = tmp_path / "out"
    words = ["verify", "--family", str(tmp_path / "family.py"), "--claim", "convex", "--out", str(out)]
    assert main([*words, "--instances", "2"]) == 0
    assert len((out / FILE).read_text().splitlines()) == 3
    assert main([*words, "--resume"]) == 0
    assert "4 instances proved, 0 left open (2 proved by an earlier run)" in capsys.readouterr().out
    assert main(["verify", *words[1:4], "convex", *words[5:], "--resume", "--seed", "3"]) == 3
    assert "line 1: expected the record of a run that asks" in capsys.readouterr().err
    (out / FILE).write_text((out / FILE).read_text() + "{")
    assert main(words) == 3
    assert "--resume goes on with a run" in capsys.readouterr().err
    assert main([*words[:-2], "--resume"]) == 3 and main(["verify", "a", "b", "--resume"]) == 3
