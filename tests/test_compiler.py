"""The gated and the global construction: exactly the source at every point tried, of the sizes their theorems say."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import ANY, PLAIN, boxes, maxout_networks, points, relu_networks

from exactformer import Box, Domain, InvalidInput, MaxoutNetwork, Polyhedron, ReluNetwork, Unsupported
from exactformer.compiler import Compiled, compile_network
from exactformer.compiler.relu_to_maxout import relu_to_maxout
from exactformer.formats.network_json import dump, parse
from exactformer.networks import Transformer
from exactformer.networks.semantics import TIES, Tie
from exactformer.prover import prove

BOTH = pytest.mark.parametrize("construction", ["gated", "global"])
SOURCES = st.one_of(maxout_networks(), relu_networks())


@st.composite
def sources_on_boxes(draw: Any) -> tuple[Any, Domain]:
    network = draw(SOURCES)
    return network, draw(boxes(network.inputs, draw(ANY)))


def between(box: Domain, shares: Any) -> tuple[Fraction, ...]:
    ends = zip(box.lower, box.upper, shares, strict=True)
    return tuple(lo + share * (hi - lo) for lo, hi, share in ends if lo is not None and hi is not None)


def corners(box: Domain) -> Any:
    return product(*zip(box.lower, box.upper, strict=True))


@given(sources_on_boxes(), st.data(), st.sampled_from(TIES))
@settings(max_examples=60)
def test_gated_is_the_source_on_the_box(case: tuple[Any, Domain], data: st.DataObject, tie: Tie) -> None:
    network, box = case
    transformer = compile_network(network, domain=box).transformer
    assert transformer.domain == box
    shares = st.tuples(*[st.fractions(0, 1, max_denominator=7)] * network.inputs)
    for point in (between(box, data.draw(shares)), *corners(box)):
        assert transformer.evaluate(point, tie=tie) == network.evaluate(point)


@given(SOURCES, st.data(), st.sampled_from(TIES))
@settings(max_examples=60)
def test_global_is_the_source_everywhere(network: Any, data: st.DataObject, tie: Tie) -> None:
    transformer = compile_network(network, construction="global").transformer
    near = data.draw(points(network.inputs))
    far = tuple(10**6 * x + 1 for x in data.draw(points(network.inputs, PLAIN)))
    for point in (near, far):
        assert transformer.evaluate(point, tie=tie) == network.evaluate(point)


@given(sources_on_boxes(), st.sampled_from(["gated", "global"]))
@settings(max_examples=60)
def test_sizes_and_places(case: tuple[Any, Domain], construction: str) -> None:
    network, box = case
    compiled = compile_network(network, construction=construction, domain=box)
    assert [line for line in compiled.sizes if not line.agrees] == []
    assert compiled.source == (relu_to_maxout(network) if isinstance(network, ReluNetwork) else network)
    assert parse(dump(compiled.transformer).encode(), "file") == compiled.transformer
    point = between(box, [Fraction(1, 3)] * network.inputs)
    check_places(compiled, point)


def check_places(compiled: Compiled, point: tuple[Fraction, ...]) -> None:
    """Every unit has its place; after the attention of its block its value stands in one of its coordinates."""
    transformer, source = compiled.transformer, compiled.source
    states = iter(transformer.states(point)[1:])
    attended = []
    for block in transformer.blocks:
        attended.append(next(states) if block.heads is not None else None)
        if block.feedforward is not None:
            next(states)
    hidden, values = point, []
    for layer in source.layers:
        hidden = MaxoutNetwork((layer,), identity(layer.width)).evaluate(hidden)
        values.append(hidden)
    units = compiled.correspondence.units
    assert [(u.layer, u.unit) for u in units] == [(i, j) for i, h in enumerate(values) for j in range(len(h))]
    for unit in units:
        tokens = attended[unit.block]
        assert tokens is not None
        assert values[unit.layer][unit.unit] in {state[c] for state in tokens for c in unit.coordinates}
        assert set(unit.heads) <= set(range(len(transformer.blocks[unit.block].heads or ())))


def identity(width: int) -> Any:
    return ReluNetwork.of([], ([[int(i == j) for j in range(width)] for i in range(width)], [0] * width)).output


@given(sources_on_boxes(), st.sampled_from(["gated", "global"]))
@settings(max_examples=30)
def test_the_kernel_accepts_every_compiled_network(case: tuple[Any, Domain], construction: str) -> None:
    network, box = case
    outcome = prove(network, construction=construction, domain=box)
    assert outcome.verdict == "proved"
    if all(lo < hi for lo, hi in zip(box.lower, box.upper, strict=True)):
        assert outcome.method == "structural"  # no case split; on a flat box equal functions may be different forms


ABSOLUTE = MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
DEGENERATE = {
    "no layers": ReluNetwork.of([], ([[2, "-1/3"]], ["1/7"])),
    "a single piece": MaxoutNetwork.of([([[[3]], [["-1/2"]]], [[1], [0]])], ([[1, 1]], [0])),
    "equal pieces": MaxoutNetwork.of([([[[2], [2], [2]]], [[1, 1, 1]])], ([[1]], [0])),
    "zero weights": MaxoutNetwork.of([([[[0], [0]], [[0], [0]]], [[0, 0], [1, -1]])], ([[0, 1]], [0])),
    "integer weights": MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]]), ([[[1], [-1]]], [[-1, 1]])], ([[1]], [0])),
    "a dead unit": ReluNetwork.of([([[1], [-1]], [10**6, -(10**6)])], ([[1, 1]], [0])),
    "huge numbers": MaxoutNetwork.of([([[["1e60"], ["-1e60"]]], [["1e60", 0]])], ([["1e60"]], ["1e60"])),
    "tiny numbers": MaxoutNetwork.of([([[["1e-60"], ["-1e-60"]]], [["1e-60", 0]])], ([["1e-60"]], ["1e-60"])),
    "both": MaxoutNetwork.of([([[["1e60"], ["-1e-60"]]], [["1e-60", 0]])], ([["1e60"], ["1e-60"]], [0, 0])),
    "zero output": ReluNetwork.of([([[1]], [0])], ([[0]], [0])),
}


@BOTH
@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("ends", [(-1, 1), (0, 0), ("1/3", "1/3"), ("-1e60", "1e60"), ("1e-60", "2e-60")])
def test_degenerate_networks_and_boxes(name: str, construction: str, ends: tuple[Any, Any]) -> None:
    network = DEGENERATE[name]
    box = Domain.box(network.inputs, *ends)
    compiled = compile_network(network, construction=construction, domain=box)
    assert all(line.agrees for line in compiled.sizes)
    for tie, share in product(TIES, [0, Fraction(1, 2), Fraction(2, 3), 1]):
        point = between(box, [share] * network.inputs)
        assert compiled.transformer.evaluate(point, tie=tie) == network.evaluate(point)


@BOTH
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_networks_are_proved(name: str, construction: str) -> None:
    outcome = prove(DEGENERATE[name], construction=construction, domain=Domain.box(DEGENERATE[name].inputs, -1, 1))
    assert outcome.verdict == "proved"


def test_outside_its_box_a_gated_transformer_need_not_be_the_source() -> None:
    network = MaxoutNetwork.of([([[[1], [2]]], [[0, 0]])], ([[1]], [0]))
    transformer = compile_network(network, domain=Box([0], [1])).transformer
    assert [transformer.evaluate([x])[0] for x in (0, 1, -5)] == [0, 2, 0]
    assert network.evaluate([-5]) == (-5,)


def test_the_domain_is_the_one_asked_for_or_the_networks_own() -> None:
    own = MaxoutNetwork(ABSOLUTE.layers, ABSOLUTE.output, Box([-2], [2]))
    assert compile_network(own).transformer.domain == Box([-2], [2])
    assert compile_network(own, domain=Box([0], [1])).transformer.domain == Box([0], [1])


@pytest.mark.parametrize("domain", [None, Domain.everything(1), Box([0], [None]), Polyhedron([None], [1], [[-1]], [1])])
def test_gates_need_a_bounded_box(domain: Domain | None) -> None:
    with pytest.raises(Unsupported, match="finite bounds for every input"):
        compile_network(ABSOLUTE, domain=domain)
    assert compile_network(ABSOLUTE, construction="global", domain=domain).transformer.evaluate([-7]) == (7,)


def test_what_cannot_be_compiled() -> None:
    transformer = compile_network(ABSOLUTE, domain=Box([-1], [1])).transformer
    assert isinstance(transformer, Transformer)
    with pytest.raises(Unsupported, match="expected a maxout or ReLU network, found a Transformer"):
        compile_network(transformer)
    with pytest.raises(InvalidInput, match=r"construction: expected one of .*, found 'other'"):
        compile_network(ABSOLUTE, construction="other")
    with pytest.raises(InvalidInput, match="domain: expected 1 inputs, found 2"):
        compile_network(ABSOLUTE, domain=Box([0, 0], [1, 1]))
