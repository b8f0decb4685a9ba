"""Every construction on small networks: proved, and of the sizes its formulas say."""

from __future__ import annotations

import pytest

import exactformer as ef
from exactformer.compiler import CONSTRUCTIONS, compile_network
from exactformer.networks import MaxoutNetwork

RANK_TWO = MaxoutNetwork.of(
    [([[[1], [-1]], [[2], ["1/2"]]], [[0, 1], ["-1/3", 0]]), ([[[1, -1], [-1, 2]]], [[0, "1/2"]])],
    ([[3]], [1]),
    domain=ef.Box([-1], [1]),
    name="rank two",
)
RANK_THREE = MaxoutNetwork.of(
    [([[[1, 0], [0, 1], [-1, -1]]], [[0, 0, "1/4"]])],
    ([[2]], [0]),
    domain=ef.Box([-1, -1], [1, 1]),
    name="rank three",
)


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
@pytest.mark.parametrize("network", [RANK_TWO, RANK_THREE], ids=lambda n: n.name)
def test_proved_with_the_sizes_of_its_formulas(network: MaxoutNetwork, construction: str) -> None:
    compiled = compile_network(network, construction=construction)
    assert all(line.agrees for line in compiled.sizes)
    assert ef.prove(network, construction=construction, timeout=60).verdict == "proved"
