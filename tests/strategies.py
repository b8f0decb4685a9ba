"""Hypothesis strategies for exact numbers and networks of all kinds, degenerate ones among them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from exactformer.domain import Domain, Polyhedron
from exactformer.networks import Affine, Block, FeedForward, Head, MaxoutNetwork, ReluNetwork, Transformer
from exactformer.rational import Matrix, Vector

Numbers = st.SearchStrategy[Fraction]

SMALL: Numbers = st.integers(-2, 2).map(Fraction)  # many zeros, ties and equal pieces
PLAIN: Numbers = st.builds(Fraction, st.integers(-12, 12), st.integers(1, 6))
EXTREME: Numbers = st.sampled_from([Fraction(s * 10**60 + 1) ** e for s in (1, -1) for e in (1, -1)])
NUMBERS: Numbers = st.one_of(SMALL, PLAIN, EXTREME)
ANY: st.SearchStrategy[Numbers] = st.sampled_from([SMALL, PLAIN, NUMBERS])


@st.composite
def matrices(draw: Any, height: int, width: int, numbers: Numbers = NUMBERS) -> Matrix:
    entries = {(i, j): draw(numbers) for i in range(height) for j in range(width)}
    return Matrix.sparse(height, width, entries)


@st.composite
def affines(draw: Any, outputs: int, inputs: int, numbers: Numbers = NUMBERS) -> Affine:
    biases = Vector.of([draw(numbers) for _ in range(outputs)])
    return Affine(draw(matrices(outputs, inputs, numbers)), biases)


@st.composite
def boxes(draw: Any, dimension: int, numbers: Numbers = PLAIN) -> Domain:
    """Boxes with finite ends, some of them flat."""
    lower = [draw(numbers) for _ in range(dimension)]
    upper = [lo + abs(draw(numbers)) for lo in lower]
    return Polyhedron(lower, upper)


@st.composite
def domains(draw: Any, dimension: int) -> Domain:
    """Boxes with open sides and, around zero so that none is empty, further inequalities."""
    lower = [draw(st.none() | PLAIN.map(lambda x: -abs(x))) for _ in range(dimension)]
    upper = [draw(st.none() | PLAIN.map(abs)) for _ in range(dimension)]
    count = draw(st.integers(0, 2))
    if count == 0:
        return Polyhedron(lower, upper)
    return Polyhedron(lower, upper, draw(matrices(count, dimension, PLAIN)), [abs(draw(PLAIN)) for _ in range(count)])


@st.composite
def maxout_networks(draw: Any, numbers: Numbers | None = None, max_rank: int = 3) -> MaxoutNetwork:
    numbers = draw(ANY) if numbers is None else numbers
    inputs = below = draw(st.integers(1, 3))
    layers = []
    for _ in range(draw(st.integers(0, 3))):
        width, rank = draw(st.integers(1, 3)), draw(st.integers(1, max_rank))
        pieces = draw(affines(width * rank, below, numbers))
        weights, biases = pieces.weights.dense(), pieces.biases.fractions()
        starts = range(0, width * rank, rank)
        layers.append(([weights[i : i + rank] for i in starts], [biases[i : i + rank] for i in starts]))
        below = width
    output = draw(affines(draw(st.integers(1, 2)), below, numbers))
    domain = draw(st.none() | domains(inputs))
    return MaxoutNetwork.of(layers, (output.weights, output.biases), domain=domain, name=draw(st.text(max_size=5)))


@st.composite
def relu_networks(draw: Any, numbers: Numbers | None = None) -> ReluNetwork:
    numbers = draw(ANY) if numbers is None else numbers
    inputs = below = draw(st.integers(1, 3))
    layers = []
    for _ in range(draw(st.integers(0, 3))):
        width = draw(st.integers(1, 3))
        layers.append(draw(affines(width, below, numbers)))
        below = width
    output = draw(affines(draw(st.integers(1, 2)), below, numbers))
    return ReluNetwork(tuple(layers), output, draw(st.none() | domains(inputs)), draw(st.text(max_size=5)))


@st.composite
def transformers(draw: Any, numbers: Numbers | None = None) -> Transformer:
    numbers = draw(ANY) if numbers is None else numbers
    n, d, tokens = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 4))

    def head() -> Head:
        d_k, d_v = draw(st.integers(1, 2)), draw(st.integers(1, 2))
        shapes = ((d_k, d), (d_k, d), (d_v, d), (d, d_v))
        return Head(*(draw(matrices(height, width, numbers)) for height, width in shapes))

    def feedforward() -> FeedForward:
        f = draw(st.integers(1, 2))
        return FeedForward(draw(affines(f, d, numbers)), draw(affines(d, f, numbers)))

    blocks = []
    for _ in range(draw(st.integers(0, 2))):
        heads = tuple(head() for _ in range(draw(st.integers(0, 2)))) if draw(st.booleans()) else None
        blocks.append(Block(heads, feedforward() if draw(st.booleans()) else None))
    return Transformer(
        embedding=tuple(draw(affines(d, n, numbers)) for _ in range(tokens)),
        blocks=tuple(blocks),
        token=draw(st.integers(0, tokens - 1)),
        readout=draw(affines(draw(st.integers(1, 2)), d, numbers)),
        residual=draw(st.booleans()),
        mask=draw(st.sampled_from([None, "causal"])),
        domain=draw(st.none() | domains(n)),
        name=draw(st.text(max_size=5)),
    )


def networks() -> st.SearchStrategy[Any]:
    return st.one_of(maxout_networks(), relu_networks(), transformers())


def points(dimension: int, numbers: Numbers = NUMBERS) -> st.SearchStrategy[tuple[Fraction, ...]]:
    return st.tuples(*[numbers] * dimension)
