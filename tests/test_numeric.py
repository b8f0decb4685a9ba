"""The float64 path against exact evaluation, softmax against its own definition, and what the path must refuse."""

from __future__ import annotations

import math
import random
import resource
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactformer import numeric
from exactformer.compiler import compile_network
from exactformer.compiler.relu_to_maxout import relu_to_maxout
from exactformer.domain import Domain
from exactformer.errors import InvalidInput, Unsupported
from exactformer.formats import load
from exactformer.networks import Affine, Block, FeedForward, Head, MaxoutNetwork, Network, ReluNetwork, Transformer
from exactformer.networks.semantics import TIES, Tie
from exactformer.numeric import NumericTransformer, compile_numeric, evaluate_batch, matrices, preactivations
from exactformer.numeric.matrices import Floats, Linear
from exactformer.rational import Matrix, Vector

NETWORKS = sorted((Path(__file__).parent / "known_counts").glob("*_*.json"))
Draw = Callable[[], Fraction]
SHAPES = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=3)


# -- random networks


def thirds(rng: random.Random) -> Draw:
    """Numbers that float64 has to round."""
    return lambda: Fraction(rng.randint(-9, 9), rng.choice((1, 3, 7)))


def small(rng: random.Random) -> Draw:
    """Numbers with many ties among their sums, which float64 holds exactly."""
    return lambda: Fraction(rng.randint(-1, 1))


def matrix(draw: Draw, height: int, width: int) -> Matrix:
    return Matrix.sparse(height, width, {(i, j): draw() for i in range(height) for j in range(width)})


def affine(draw: Draw, height: int, width: int) -> Affine:
    return Affine(matrix(draw, height, width), Vector.of(draw() for _ in range(height)))


def random_maxout(rng: random.Random, inputs: int, shape: Sequence[tuple[int, int]], outputs: int = 2) -> MaxoutNetwork:
    """The layers have (units, rank) as in `shape`; the domain is [-2, 2]^inputs."""
    draw, width, layers = thirds(rng), inputs, []
    for units, rank in shape:
        weights = [[[draw() for _ in range(width)] for _ in range(rank)] for _ in range(units)]
        layers.append((weights, [[draw() for _ in range(rank)] for _ in range(units)]))
        width = units
    output = [[draw() for _ in range(width)] for _ in range(outputs)], [draw() for _ in range(outputs)]
    return MaxoutNetwork.of(layers, output, domain=Domain.box(inputs, -2, 2))


def random_relu(rng: random.Random, inputs: int, widths: Sequence[int], outputs: int = 2) -> ReluNetwork:
    sizes = [inputs, *widths, outputs]
    parts = [affine(thirds(rng), high, low) for low, high in pairwise(sizes)]
    return ReluNetwork(tuple(parts[:-1]), parts[-1], Domain.box(inputs, -2, 2))


def random_head(draw: Draw, d: int, d_k: int, d_v: int) -> Head:
    return Head(matrix(draw, d_k, d), matrix(draw, d_k, d), matrix(draw, d_v, d), matrix(draw, d, d_v))


def random_transformer(
    rng: random.Random, draw: Draw, *, tokens: int, blocks: int, residual: bool, causal: bool
) -> Transformer:
    """Width 3, two inputs; heads of several sizes, some parts null, some without any head."""
    made = []
    for _ in range(blocks):
        sizes = [(rng.randint(0, 2), rng.randint(0, 2)) for _ in range(rng.randint(0, 3))]
        heads = tuple(random_head(draw, 3, *size) for size in sizes) if rng.random() < 0.8 else None
        hidden = rng.randint(0, 3)
        feedforward = FeedForward(affine(draw, hidden, 3), affine(draw, 3, hidden)) if rng.random() < 0.6 else None
        made.append(Block(heads, feedforward))
    embedding = tuple(affine(draw, 3, 2) for _ in range(tokens))
    readout = affine(draw, 2, 3)
    mask: Literal["causal"] | None = "causal" if causal else None
    return Transformer(embedding, tuple(made), rng.randrange(tokens), readout, residual=residual, mask=mask)


def selector(scores: Sequence[int], values: Sequence[int], **options: Any) -> Transformer:
    """No input; token t has the given score and value, and the output is the head's value at the last token."""
    states = [Affine(Matrix((3, 0)), Vector((1, s, v))) for s, v in zip(scores, values, strict=True)]
    head = Head.of([[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]], [[0], [0], [1]])
    readout = Affine.of([[0, 0, 1]], [0])
    blocks = (Block((head,), None),)
    return Transformer(tuple(states), blocks, len(scores) - 1, readout, residual=False, **options)


def grid(rng: random.Random, inputs: int, batch: int = 12) -> Floats:
    """Points that are multiples of 1/4, so that ties happen and nothing is lost on the way in."""
    return np.array([[rng.randint(-8, 8) / 4 for _ in range(inputs)] for _ in range(batch)]).reshape(batch, inputs)


def exact(network: Network, points: Floats, tie: Tie = "average") -> Floats:
    if isinstance(network, Transformer):
        values = [network.evaluate(x, tie=tie) for x in points]
    else:
        values = [network.evaluate(x) for x in points]
    return np.array(values, dtype=np.float64).reshape(len(points), network.outputs)


def assert_close(found: Floats, expected: Floats, tolerance: float = 1e-8) -> None:
    assert found.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    assert float(np.abs(found - expected).max(initial=0)) <= tolerance * scale


# -- agreement with exact evaluation


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), SHAPES, st.integers(1, 3))
def test_maxout_and_both_its_transformers(seed: int, shape: list[tuple[int, int]], inputs: int) -> None:
    rng = random.Random(seed)
    network = random_maxout(rng, inputs, shape)
    points = grid(rng, inputs)
    expected = exact(network, points)
    assert_close(evaluate_batch(network, points), expected)
    for construction in ("gated", "global"):
        transformer = compile_network(network, construction=construction).transformer
        for tie in TIES:
            assert_close(evaluate_batch(transformer, points, tie=tie), expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 3))
def test_relu_and_both_its_transformers(seed: int, widths: list[int], inputs: int) -> None:
    rng = random.Random(seed)
    network = random_relu(rng, inputs, widths)
    points = grid(rng, inputs)
    expected = exact(network, points)
    assert_close(evaluate_batch(network, points), expected)
    for construction in ("gated", "global"):
        transformer = compile_network(network, construction=construction).transformer
        assert_close(evaluate_batch(transformer, points), expected)


def test_network_without_layers_is_its_output() -> None:
    rng = random.Random(8)
    points = grid(rng, 3)
    for network in (random_maxout(rng, 3, []), random_relu(rng, 3, [])):
        assert_close(evaluate_batch(network, points), exact(network, points), 1e-14)
        assert preactivations(network, points) == []


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.booleans(), st.booleans(), st.sampled_from(TIES))
def test_transformer_with_exact_ties(seed: int, tokens: int, residual: bool, causal: bool, tie: Tie) -> None:
    # An average over three tokens is rounded, so that later scores would tie in exact arithmetic only.
    rng = random.Random(seed)
    blocks = 1 if tokens > 2 else rng.randint(0, 3)
    network = random_transformer(rng, small(rng), tokens=tokens, blocks=blocks, residual=residual, causal=causal)
    points = grid(rng, 2)
    assert_close(evaluate_batch(network, points, tie=tie), exact(network, points, tie))


@pytest.mark.parametrize(("tie", "value"), [("average", 13 / 3), ("leftmost", 2.0), ("rightmost", 7.0)])
def test_ties_are_broken_as_said(tie: Tie, value: float) -> None:
    network = selector([5, 1, 5, 5, 0], [2, 100, 4, 7, -100])
    assert evaluate_batch(network, np.zeros((1, 0)), tie=tie).tolist() == [[value]]


def test_causal_mask_hides_later_tokens() -> None:
    network = selector([0, 1, 9], [10, 20, 30], mask="causal")
    points = np.zeros((1, 0))
    values = [float(evaluate_batch(replace(network, token=t), points)[0, 0]) for t in range(3)]
    assert values == [10, 20, 30]
    weight = 1 / (1 + math.e)
    second = evaluate_batch(replace(network, token=1), points, temperature=1)
    assert second[0, 0] == pytest.approx(10 * weight + 20 * (1 - weight), rel=1e-14)


@pytest.mark.parametrize("residual", [True, False])
def test_null_parts_pass_the_state_and_no_heads_add_nothing(residual: bool) -> None:
    draw = thirds(random.Random(1))
    embedding = (affine(draw, 3, 2), affine(draw, 3, 2))
    passing = Transformer(embedding, (Block(None, None),) * 2, 1, affine(draw, 2, 3), residual=residual)
    points = grid(random.Random(2), 2)
    assert_close(evaluate_batch(passing, points), exact(passing, points))
    empty = replace(passing, blocks=(Block((), None),))
    assert_close(evaluate_batch(empty, points), exact(empty, points))
    biases = np.array([float(b) for b in passing.readout.biases.fractions()])
    if not residual:
        assert (evaluate_batch(empty, points) == biases).all()


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: str(path.stem))
def test_given_networks(path: Path) -> None:
    network = load(path)
    assert not isinstance(network, Transformer)
    points = grid(random.Random(3), network.inputs, 6)
    expected = exact(network, points)
    assert_close(evaluate_batch(network, points), expected)
    # The gates of a deep network are far larger than its values, and float64 cancels them only to their own size.
    transformer = compile_network(network, construction="global").transformer
    assert_close(evaluate_batch(transformer, points), expected)


@pytest.mark.parametrize("kind", ["maxout", "relu"])
def test_preactivations_are_the_pieces(kind: str) -> None:
    rng = random.Random(4)
    network: MaxoutNetwork | ReluNetwork
    network = random_maxout(rng, 2, [(3, 3), (2, 2)]) if kind == "maxout" else random_relu(rng, 2, [3, 2])
    points = grid(rng, 2, 5)
    found = preactivations(network, points)
    for n, point in enumerate(points):
        x = Vector.of(map(Fraction, point))
        layers = network.layers if isinstance(network, MaxoutNetwork) else relu_to_maxout(network).layers
        for layer, array in zip(layers, found, strict=True):
            values = np.array(layer.pieces(x).fractions(), dtype=np.float64)
            assert_close(array[n], values.reshape(layer.width, layer.rank))
            x = layer(x)
    assert [a.shape for a in found] == ([(5, 3, 3), (5, 2, 2)] if kind == "maxout" else [(5, 3, 2), (5, 2, 2)])
    assert all((a == b).all() for a, b in zip(found, preactivations(compile_numeric(network), points), strict=True))


# -- softmax


def softmax_reference(network: Transformer, point: Floats, scale: float) -> list[float]:
    """The definition, token by token and head by head, in Python floats."""

    def times(m: Matrix, x: Sequence[float]) -> list[float]:
        return [math.fsum(float(Fraction(n, m.denominator)) * x[j] for j, n in row) for row in m.rows]

    def at(part: Affine, x: Sequence[float]) -> list[float]:
        return [y + float(b) for y, b in zip(times(part.weights, x), part.biases.fractions(), strict=True)]

    def attended(heads: Sequence[Head], q: int) -> list[float]:
        total = [0.0] * network.width
        for head in heads:
            visible = states[: q + 1] if network.mask else states
            query = times(head.query, states[q])
            scores = [math.fsum(a * b for a, b in zip(times(head.key, x), query, strict=True)) for x in visible]
            weights = [math.exp(scale * (s - max(scores))) for s in scores]
            values = [times(head.value, x) for x in visible]
            mixed = [
                sum(w * v[c] for w, v in zip(weights, values, strict=True)) / sum(weights)
                for c in range(head.value.shape[0])
            ]
            total = [a + b for a, b in zip(total, times(head.output, mixed), strict=True)]
        return total

    states = [at(embed, list(point)) for embed in network.embedding]
    for block in network.blocks:
        for part in (block.heads, block.feedforward):
            if part is None:
                continue
            if isinstance(part, FeedForward):
                updates = [at(part.outer, [max(y, 0.0) for y in at(part.inner, x)]) for x in states]
            else:
                updates = [attended(part, q) for q in range(network.tokens)]
            old = states if network.residual else [[0.0] * network.width] * network.tokens
            states = [[a + b for a, b in zip(x, u, strict=True)] for x, u in zip(old, updates, strict=True)]
    return at(network.readout, states[network.token])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.booleans(), st.booleans(), st.sampled_from((0.03, 0.5, 2.0)))
def test_softmax_is_its_definition(seed: int, tokens: int, residual: bool, causal: bool, scale: float) -> None:
    rng = random.Random(seed)
    network = random_transformer(rng, small(rng), tokens=tokens, blocks=2, residual=residual, causal=causal)
    points: Floats = grid(rng, 2, 4) / 4
    expected = np.array([softmax_reference(network, point, scale) for point in points])
    assert_close(evaluate_batch(network, points, temperature=scale), expected, 1e-7)


def boltzmann(network: MaxoutNetwork, points: Floats, scale: float) -> Floats:
    """The network with every max replaced by sum z_i softmax(scale z)_i over the pieces, padded as compiled."""
    size = max(2, network.rank)
    h = points
    for layer in network.layers:
        weights = np.array(layer.pieces.weights.dense(), dtype=np.float64).reshape(layer.pieces.outputs, -1)
        biases = np.array(layer.pieces.biases.fractions(), dtype=np.float64)
        z = (h @ weights.T + biases).reshape(len(h), -1, layer.rank)
        z = np.concatenate((z, *[z[:, :, :1]] * (size - layer.rank)), axis=2)
        p = np.exp(scale * (z - z.max(axis=2, keepdims=True)))
        h = (z * p).sum(axis=2) / p.sum(axis=2)
    weights = np.array(network.output.weights.dense(), dtype=np.float64)
    return np.asarray(h @ weights.T + np.array(network.output.biases.fractions(), dtype=np.float64))


@pytest.mark.parametrize("scale", [1e-6, 0.1, 1.0, 7.5, 1e6])
@pytest.mark.parametrize("shape", [[(1, 2)], [(3, 2), (2, 3)], [(2, 4), (3, 1), (2, 2)]])
def test_gated_softmax_is_the_source_with_boltzmann_means(shape: list[tuple[int, int]], scale: float) -> None:
    rng = random.Random(5)
    network = random_maxout(rng, 2, shape)
    transformer = compile_network(network).transformer
    points = grid(rng, 2)
    found = evaluate_batch(transformer, points, temperature=scale)
    assert_close(found, boltzmann(network, points, scale))


def test_softmax_is_stable_at_extreme_temperatures() -> None:
    scores, values = [10**6, 10**6 - 1, -(10**9)], [1, 5, 12]
    network, points = selector(scores, values), np.zeros((1, 0))
    assert evaluate_batch(network, points, temperature=1e6)[0, 0] == 1
    assert evaluate_batch(network, points, temperature=1e300)[0, 0] == 1
    assert evaluate_batch(network, points, temperature=1e-300)[0, 0] == 6
    near = selector([3, 2, 1], values)
    assert evaluate_batch(near, points, temperature=Fraction(1, 10**6))[0, 0] == pytest.approx(6, abs=1e-5)


def test_softmax_attains_the_exact_gap_and_converges() -> None:
    # max(0, x) - mean <= gamma_2 / lambda, with equality at x = -(1 + gamma_2) / lambda; gamma_2 e^(1 + gamma_2) = 1.
    gamma = 0.2784645427610738
    relu = ReluNetwork.of([([[1]], [0])], ([[1]], [0]), domain=Domain.box(1, -2, 2))
    prepared = compile_numeric(compile_network(relu).transformer)
    points = np.linspace(-2, 2, 401)[:, None]
    hard = evaluate_batch(prepared, points)
    assert_close(hard, np.maximum(points, 0), 1e-15)
    for scale in (1.0, 10.0, 1e3, 1e6):
        gap = hard - evaluate_batch(prepared, points, temperature=scale)
        assert gap.min() >= -1e-15
        assert gap.max() <= gamma / scale + 1e-15
        worst = evaluate_batch(prepared, [[-(1 + gamma) / scale]], temperature=scale)
        assert worst[0, 0] == pytest.approx(-gamma / scale, rel=1e-6)


# -- what is stored, and how


@given(st.integers(0, 9), st.integers(1, 7), st.randoms(use_true_random=False))
def test_sparse_matrix_is_the_dense_one(height: int, width: int, rng: random.Random) -> None:
    full = np.array([[rng.choice((0, 0, rng.uniform(-1, 1))) for _ in range(width)] for _ in range(height)])
    full = full.reshape(height, width)
    full[[i for i in range(height) if rng.random() < 0.3]] = 0
    rows, columns = np.nonzero(full)
    shuffled = np.array(rng.sample(range(len(rows)), len(rows)), dtype=np.intp)
    entries = rows[shuffled], columns[shuffled], full[rows, columns][shuffled]
    x = np.array([[rng.uniform(-1, 1) for _ in range(5)] for _ in range(width)])
    np.testing.assert_allclose(Linear.of(full.shape, entries) @ x, full @ x, rtol=1e-13, atol=1e-13)


def test_storage_and_chunks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(6)
    maxout = random_maxout(rng, 3, [(4, 3), (3, 2)])
    relu = random_relu(rng, 3, [4, 3])
    compiled = [compile_network(maxout, construction=c).transformer for c in ("gated", "global")]
    networks: list[Network] = [maxout, relu, *compiled]
    points = grid(rng, 3, 50)
    found = []
    for small_size, chunk_bytes in ((10**9, 1 << 30), (0, 1 << 30), (0, 1), (10**9, 1 << 16)):
        monkeypatch.setattr(matrices, "SMALL", small_size)
        monkeypatch.setattr(matrices, "DENSE_RATIO", 0)
        monkeypatch.setattr(numeric, "CHUNK_BYTES", chunk_bytes)
        found.append([evaluate_batch(network, points) for network in networks])
        pieces = preactivations(maxout, points)
        assert [p.shape for p in pieces] == [(50, 4, 3), (50, 3, 2)]
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            assert_close(other, one, 1e-12)


def numbers_stored(part: object) -> int:
    """How many weights the matrices of a sublayer hold."""
    if isinstance(part, Linear):
        return sum(1 if values.values is None else values.values.size for values in part.parts)
    if isinstance(part, tuple):
        return sum(map(numbers_stored, part))
    return sum(map(numbers_stored, vars(part).values())) if is_dataclass(part) else 0


def test_gated_transformer_multiplies_each_weight_of_its_source_once() -> None:
    rng = random.Random(9)
    widths = [8, 8, 8]
    source = random_relu(rng, 4, widths)
    compiled = compile_numeric(compile_network(source).transformer)
    assert isinstance(compiled, NumericTransformer)
    weights = [numbers_stored(sublayer) for sublayer in compiled.sublayers]
    # A dense sublayer of this Transformer would have about (4 + 2) * 8 neurons on 2 + 8 + 8 coordinates.
    assert sum(weights) <= 8 * 4 + 8 * 8 + 8 * 8 + 5 * len(weights)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_neurons_that_cancel_and_neurons_that_almost_do(seed: int, residual: bool) -> None:
    rng = random.Random(seed)
    draw, width = thirds(rng), 3
    inner: list[tuple[list[Fraction], Fraction]] = []
    columns: list[list[Fraction]] = []
    for _ in range(rng.randint(1, 4)):
        row = [Fraction(0)] * width
        row[rng.randrange(width)] = draw()
        bias, written = draw(), [draw() for _ in range(width)]
        for sign in rng.choice(((1, -1), (1, -1, 1), (1, 1, -1, -1), (-1, 1))):
            inner.append(([sign * x for x in row], sign * bias))
            columns.append([sign * x for x in written])
        if rng.random() < 0.5:  # one entry off: no pair any more
            place = rng.choice((inner[-1][0], columns[-1]))
            place[rng.randrange(width)] += 1
    outer = Affine.of([list(row) for row in zip(*columns, strict=True)], [draw() for _ in range(width)])
    part = FeedForward(Affine.of([row for row, _ in inner], [b for _, b in inner]), outer)
    embedding = tuple(affine(draw, width, 2) for _ in range(2))
    head = random_head(draw, width, 1, 2)
    blocks = (Block((head,), part), Block(None, part))
    network = Transformer(embedding, blocks, 1, affine(draw, 2, width), residual=residual)
    points = grid(rng, 2, 4) + 1 / 16  # no ties
    assert_close(evaluate_batch(network, points), exact(network, points), 1e-9)


def test_constant_beyond_float64_is_infinite_not_refused() -> None:
    big = Fraction(10) ** 200
    part = FeedForward(Affine.of([[big]], [0]), Affine.of([[1]], [0]))
    embedding = (Affine(Matrix((1, 1)), Vector((10**200,))),)
    network = Transformer(embedding, (Block(None, part),), 0, Affine.of([[1], [-1]], [0, 0]))
    assert evaluate_batch(network, [[1.0]]).tolist() == [[math.inf, -math.inf]]


def test_weights_are_rounded_once_however_long_they_are() -> None:
    weights = [Fraction(1, 3), Fraction(10**400 + 1, 3 * 10**400), Fraction(2**1000 + 1, 2**1001), Fraction(1, 7**400)]
    network = ReluNetwork.of([], ([[w] for w in weights], [0] * 4))
    assert evaluate_batch(network, [[1.0]]).tolist() == [[float(w) for w in weights]]


@pytest.mark.parametrize("place", ["weights", "biases"])
def test_weight_beyond_float64_is_refused(place: str) -> None:
    huge = 10**309
    layer = ([[huge]], [0]) if place == "weights" else ([[1]], [huge])
    network = ReluNetwork.of([([[1]], [0]), layer], ([[1]], [0]))
    with pytest.raises(InvalidInput, match=r"layers\[1\]: expected numbers within the range of float64"):
        compile_numeric(network)
    with pytest.raises(InvalidInput, match=r"embedding: .*float64"):
        compile_numeric(selector([0], [huge]))
    head = replace(random_head(Fraction, 3, 1, 1), key=Matrix.of([[huge, 0, 0]]))
    with pytest.raises(InvalidInput, match=r"blocks\[0\]\.heads: .*float64"):
        compile_numeric(replace(selector([0], [0]), blocks=(Block((head,), None),)))


def test_overflow_on_the_way_is_nan_and_no_tie() -> None:
    big = Fraction(10) ** 200
    head = Head.of([[1]], [[1]], [[1]], [[1]])
    embedding = (Affine.of([[big]], [0]), Affine.of([[big]], [1]))
    network = Transformer(embedding, (Block((head,), None),), 0, Affine.of([[1]], [0]))
    for tie in TIES:
        assert np.isnan(evaluate_batch(network, [[1.0]], tie=tie)).all()
    assert np.isnan(evaluate_batch(network, [[1.0]], temperature=1)).all()


# -- what goes in


NET = ReluNetwork.of([([[1, 2]], [0])], ([[1]], [0]))


@pytest.mark.parametrize(
    "points",
    [
        [[1.0]],
        [[1.0, 2.0, 3.0]],
        [1.0, 2.0],
        [],
        [[[1.0, 2.0]]],
        3.0,
        [[1.0, 2.0], [3.0]],
        [["a", "b"]],
        [[None, 1.0]],
        [[1j, 1.0]],
        [[True, False]],
        [[10**400, 1]],
        [[math.nan, 1.0]],
        [[1.0, 2.0], [3.0, math.inf]],
        [[-math.inf, 1.0]],
    ],
    ids=repr,
)
def test_points_that_do_not_fit_are_refused(points: Any) -> None:
    with pytest.raises(InvalidInput, match=r"points: expected an array \(batch, 2\) of finite numbers, found"):
        evaluate_batch(NET, points)
    with pytest.raises(InvalidInput, match="points"):
        preactivations(NET, points)
    with pytest.raises(InvalidInput, match="points"):
        evaluate_batch(compile_network(NET, construction="global").transformer, points)


def test_position_of_a_point_that_is_not_finite_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"found inf at \[1, 0\]"):
        evaluate_batch(NET, [[1.0, 2.0], [math.inf, 3.0]])


def test_all_kinds_of_numbers_and_empty_batches_are_points() -> None:
    expected = [[4.0]]
    for points in ([[2, 1]], [[Fraction(2), 1]], np.array([[2, 1]], dtype=np.int8), np.array([[2, 1]], np.float32)):
        assert evaluate_batch(NET, points).tolist() == expected
    assert evaluate_batch(NET, np.empty((0, 2))).shape == (0, 1)
    assert [p.shape for p in preactivations(NET, np.empty((0, 2)))] == [(0, 1, 2)]


def test_points_are_left_as_they_are() -> None:
    points = np.array([[2.0, 1.0], [-1.0, 0.5]])
    kept = points.copy()
    transformer = compile_network(NET, construction="global").transformer
    evaluate_batch(transformer, points)
    evaluate_batch(transformer, np.asfortranarray(points))
    assert (points == kept).all()


@pytest.mark.parametrize("temperature", [0, -1, math.nan, math.inf, 10**400, "hot"])
def test_temperature_must_be_finite_and_positive(temperature: Any) -> None:
    with pytest.raises(InvalidInput, match="temperature: expected a finite number > 0"):
        evaluate_batch(selector([0], [0]), np.zeros((1, 0)), temperature=temperature)


def test_options_that_do_not_apply_are_refused() -> None:
    wrong: Any = "middle"
    for network in (NET, selector([0], [0])):
        with pytest.raises(InvalidInput, match="tie: expected one of average, leftmost, rightmost"):
            evaluate_batch(network, np.zeros((1, network.inputs)), tie=wrong)
        with pytest.raises(InvalidInput, match="base: expected one of e, 2"):
            evaluate_batch(network, np.zeros((1, network.inputs)), temperature=1, base=wrong)
        with pytest.raises(InvalidInput, match=r"temperature: expected one number > 0, or \d, one a layer, found 9"):
            evaluate_batch(network, np.zeros((1, network.inputs)), temperature=[1] * 9)
        with pytest.raises(InvalidInput, match="base: expected a temperature together with the base 2"):
            evaluate_batch(network, np.zeros((1, network.inputs)), base="2")
    with pytest.raises(Unsupported, match="preactivations: expected a maxout or ReLU network"):
        preactivations(selector([0], [0]), np.zeros((1, 0)))


# -- size


def test_wide_global_transformer_stays_small() -> None:
    """The shape of networks that read pictures of 28 x 28 pixels."""
    network = random_relu(random.Random(5), 784, [10] * 11, 10)
    transformer = compile_network(network, construction="global").transformer
    assert transformer.width == 2355
    points = np.random.default_rng(7).random((300, network.inputs))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    prepared = compile_numeric(transformer)
    stored, top = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    found = evaluate_batch(prepared, points)
    peak = tracemalloc.get_traced_memory()[1] - stored
    tracemalloc.stop()
    assert_close(found, evaluate_batch(network, points), 1e-12)
    assert stored < 20e6
    assert top < 50e6
    assert peak < numeric.CHUNK_BYTES + found.nbytes + 100_000
    # In KiB. One dense 2352 x 2355 matrix would already be 44 MB, and ten layers have forty of them.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000
