"""Transformers cut as one complex: the same cells, winners and maps as linear programs find, and what is no unit."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction as F
from typing import Any

import pytest

from exactformer import Box, Domain, regions
from exactformer.compiler import CONSTRUCTIONS, compile_network
from exactformer.networks import Affine, Block, FeedForward, Head, MaxoutNetwork, Transformer
from exactformer.networks.semantics import TIES
from exactformer.rational import Vector
from exactformer.subdivision import Regions, driver, sawtooth
from exactformer.subdivision.heads import Inseparable, units_of


def refusing(*arguments: Any) -> Any:
    raise Inseparable


def by_linear_programs(network: Transformer, domain: Domain, tie: Any, monkeypatch: pytest.MonkeyPatch) -> Regions:
    with monkeypatch.context() as patched:
        patched.setattr(driver, "units_of", refusing)
        return regions(network, domain, tie=tie)


def content(found: Regions) -> dict[Any, Any]:
    """For each pattern of winners the map; and the counts."""
    maps = {region.pattern: region.affine for region in found}
    assert len(maps) == len(found)
    return {"maps": maps, "counts": (found.activation_regions, found.linear_regions, found.distinct_affine_maps)}


def maxout(rng: random.Random) -> MaxoutNetwork:
    """A small network, half of the time of small integers, so that much coincides."""
    inputs, rank, small = rng.choice([1, 2, 2, 3]), rng.choice([2, 2, 3]), rng.random() < 0.5

    def number() -> F:
        return F(rng.randint(-2, 2)) if small else F(rng.randint(-99, 99), rng.choice([1, 16, 64]))

    layers, before = [], inputs
    for _ in range(rng.randint(1, 2)):
        width = rng.randint(1, 3)
        weights = [[[number() for _ in range(before)] for _ in range(rank)] for _ in range(width)]
        layers.append((weights, [[number() for _ in range(rank)] for _ in range(width)]))
        before = width
    output = ([[number() for _ in range(before)]], [number()])
    return MaxoutNetwork.of(layers, output, domain=Box([-1] * inputs, [1] * inputs))


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_compiled_transformers_have_the_cells_that_linear_programs_find(
    construction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(construction)
    for _ in range(5):
        source = maxout(rng)
        transformer, tie = compile_network(source, construction=construction).transformer, rng.choice(TIES)
        domains = [source.domain]
        if construction == "global":
            domains += [
                Domain.everything(source.inputs),
                replace(Domain.everything(source.inputs), lower=(F(0),) * source.inputs),
            ]
        for domain in domains:
            assert domain is not None and units_of(transformer, domain, tie)
            found = regions(transformer, domain, tie=tie)
            assert content(found) == content(by_linear_programs(transformer, domain, tie, monkeypatch))


def hand_built(rng: random.Random) -> Transformer:
    """Tokens with a one-hot position and one hidden vector; values of the heads often go with their scores."""
    n, tokens = rng.choice([1, 2, 2, 3]), rng.randint(1, 3)
    hidden = rng.randint(n, 3)
    width = tokens + hidden

    def number() -> F:
        return F(rng.choice([-2, -1, 0, 0, 1, 2]), rng.choice([1, 1, 1, 2]))

    def rows(count: int, length: int, free: int = 0) -> list[list[F]]:
        """Rows of which the first are 0."""
        return [[number() if i >= free else F(0) for _ in range(length)] for i in range(count)]

    def head() -> Head:
        key = [number() for _ in range(width)]
        shared = [F(0)] * tokens + [number() for _ in range(hidden)]
        values = rng.choice([[key], [[2 * x for x in key], shared], [[-x for x in key]], rows(1, width)])
        query = [F(rng.choice([-1, 1, 2]))] * tokens + [F(0)] * hidden
        return Head.of([query], [key], values, rows(width, len(values), tokens))

    def feedforward() -> FeedForward:
        neurons = rng.randint(1, 3)
        inner = Affine.of(rows(neurons, width), [number() for _ in range(neurons)])
        return FeedForward(inner, Affine.of(rows(width, neurons, tokens), [F(0)] * width))

    shares = rows(hidden, n)
    shift = [number() for _ in range(hidden)]
    places = [[F(i == t) for i in range(tokens)] for t in range(tokens)]
    embedding = [Affine.of([[F(0)] * n] * tokens + shares, place + shift) for place in places]
    blocks = [
        Block(
            tuple(head() for _ in range(rng.randint(0, 3))) if rng.random() < 0.9 else None,
            feedforward() if rng.random() < 0.8 else None,
        )
        for _ in range(rng.randint(1, 2))
    ]
    readout, mask = Affine.of(rows(1, width), [number()]), rng.choice([None, "causal"])
    return Transformer(tuple(embedding), tuple(blocks), rng.randrange(tokens), readout, mask=mask)


@pytest.mark.parametrize("seed", range(4))
def test_hand_built_transformers_have_the_cells_that_linear_programs_find(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    cut = 0
    for _ in range(25):
        network, tie = hand_built(rng), rng.choice(TIES)
        n = network.inputs
        domain = rng.choice([Domain.everything(n), Box([-1] * n, [1] * n), Box([-2] * n, [1] * n)])
        try:
            units_of(network, domain, tie)
        except Inseparable:
            continue
        cut += 1
        found = regions(network, domain, tie=tie)
        assert content(found) == content(by_linear_programs(network, domain, tie, monkeypatch))
    assert cut >= 15


def one_head(keys: Any, values: Any, query: Any = (1, 0, 0)) -> Transformer:
    """Tokens (1, key, value), both affine in x; one head of that query reads the values."""
    embedding = [Affine.of([[0], [a], [c]], [1, b, d]) for (a, b), (c, d) in zip(keys, values, strict=True)]
    head = Head.of([list(query)], [[0, 1, 0]], [[0, 0, 1]], [[0], [0], [1]])
    return Transformer(tuple(embedding), (Block((head,), None),), 0, Affine.of([[0, 0, 1]], [0]), residual=False)


LINE = Box([-1], [1])


def test_heads_that_are_maxima() -> None:
    """The value is the score, a multiple of it, that and something shared, or the same for all tokens."""
    keys = [(1, 0), (-1, 0), (0, "1/2")]
    for values, maps in (
        (keys, 3),
        ([(3 * a, 3 * F(b)) for a, b in keys], 3),
        ([(5 - a, 7 - F(b)) for a, b in keys], 3),
        ([(2, 1)] * 3, 1),
    ):
        network = one_head(keys, values)
        (layer,) = units_of(network, LINE).layers
        assert (layer.width, layer.rank, layer.relu) == (1, 3, False)
        found = regions(network, LINE)
        assert (len(found), found.distinct_affine_maps, found.faces) == (3, maps, (4, 3))


def test_heads_of_another_kind_are_left_to_linear_programs() -> None:
    keys = [(1, 0), (-1, 0), (0, "1/2")]
    for network in (
        one_head(keys, [(0, 0), (0, 5), (0, 0)]),  # the output jumps
        one_head(keys, [(1, 0), (-1, 0), (0, "1/3")]),  # and here
        one_head(keys, [(0, 1), (0, 1), (1, 0)]),
        one_head(keys, keys, query=(0, 1, 0)),  # quadratic
    ):
        with pytest.raises(Inseparable):
            units_of(network, LINE)
    jump = regions(one_head(keys, [(0, 0), (0, 5), (0, 0)]), LINE)
    assert (len(jump), jump.distinct_affine_maps, jump.linear_regions, jump.faces) == (3, 2, 2, None)


def test_squares_that_cancel() -> None:
    """Scores x (x + b_t) - x^2 are affine, though query and key both depend on the input."""
    embedding = [Affine.of([[1], [1], [-1], [0]], [0, b, 0, b]) for b in (1, -1)]
    head = Head.of([[1, 0, 0, 0], [1, 0, 0, 0]], [[0, 1, 0, 0], [0, 0, 1, 0]], [[0, 0, 0, 1]], [[0], [0], [0], [1]])
    network = Transformer(tuple(embedding), (Block((head,), None),), 0, Affine.of([[0, 0, 0, 1]], [0]))
    with pytest.raises(Inseparable):  # affine scores x and -x, but the values 1 and -1 jump
        units_of(network, LINE)
    assert len(regions(network, LINE)) == 2
    same = Head.of(head.query, head.key, [[1, 0, 0, 0]], [[0], [0], [0], [1]])
    found = regions(Transformer(tuple(embedding), (Block((same,), None),), 0, network.readout), LINE)
    assert (len(found), found.linear_regions, found.faces) == (2, 1, (3, 2))


def test_neurons_that_are_no_units() -> None:
    """Of one sign on the domain, or a multiple of another, also a negative one."""
    x = Affine.of([[1]], [0])
    inner = Affine.of([[1], [1], [2], [-3], [0]], [2, -2, 1, "-3/2", 1])  # x + 2, x - 2, 2 x + 1, -3 (x + 1/2), 1
    block = Block(None, FeedForward(inner, Affine.of([[1, 1, 1, 1, 1]], [0])))
    network = Transformer((x,), (block,), 0, x)
    (layer,) = units_of(network, LINE).layers
    assert (layer.width, layer.relu, layer.passed) == (1, True, 1)
    assert units_of(network, Domain.everything(1)).layers[0].width == 3
    found = regions(network, LINE)
    assert len(found) == found.distinct_affine_maps == 2
    for region in found:
        assert region.affine(Vector.of(region.point)).fractions() == network.evaluate(region.point)


def test_a_transformer_of_six_inputs() -> None:
    source = MaxoutNetwork.of(
        [([[[i + j, i - j, 1, j, -i, 2] for i in range(2)] for j in range(3)], [[0, 1], [1, 0], [2, -1]])],
        ([[1, -1, 1]], [0]),
        domain=Box([-1] * 6, [1] * 6),
    )
    found = regions(compile_network(source, construction="gated-box-erasers").transformer, source.domain)
    assert found.linear_regions == regions(source).linear_regions and found.faces is not None


def test_as_many_parts_and_processes_as_one_likes() -> None:
    source = sawtooth(2, depth=3)
    transformer = compile_network(source).transformer
    whole = regions(transformer, source.domain)
    for options in ({"part": 50}, {"jobs": 2}, {"part": 50, "shapes": False}):
        found = regions(transformer, source.domain, **options)  # type: ignore[arg-type]
        assert sorted(r.pattern for r in found) == sorted(r.pattern for r in whole)
        assert found.linear_regions == whole.linear_regions == 729


def test_a_wide_transformer_out_of_time_has_no_regions_yet() -> None:
    source = sawtooth(2, rank=3, depth=4)
    found = regions(compile_network(source, construction="single-head").transformer, source.domain, timeout=0.01)
    assert not found.complete and "activation_regions" in found.at_least
