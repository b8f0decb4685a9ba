"""Testing conjectures on families: counting, stopping, shrinking."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import exactformer as ef
from exactformer.compiler import compile_network
from exactformer.networks import MaxoutNetwork, Network, Transformer
from exactformer.prover.family import load_family, verify_family


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
