"""Differences that random testing misses: on cells of relative volume 2^-40, facets, vertices, and far away."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

import naive
import pytest

from exactformer import Box, Domain, MaxoutNetwork, ReluNetwork, Transformer
from exactformer.compiler import compile_network
from exactformer.formats.network_json import to_object
from exactformer.networks import Affine, Block, FeedForward, Head, Network
from exactformer.networks.semantics import TIES, Tie
from exactformer.prover import Outcome, verify

F = Fraction
VOLUME = F(1, 2**40)


def refuted(left: Network, right: Network, domain: Domain, tie: Tie = "average") -> Outcome:
    """The outcome "refuted" with a witness that is one by the definitions, word for word."""
    outcome = verify(left, right, domain=domain, tie=tie)
    assert outcome.verdict == "refuted", outcome.reason
    assert outcome.witness is not None and domain.contains(outcome.witness.point)
    values = [naive.evaluate(to_object(side), outcome.witness.point, tie) for side in (left, right)]
    assert values[0] != values[1]
    return outcome


# --- cells of relative volume 2^-40 -----------------------------------------------------------------


def with_spike(network: ReluNetwork, centre: Sequence[Fraction], radius: Fraction) -> ReluNetwork:
    """The network plus max(0, radius - |x - centre|_1): different only in a cross-polytope around the centre.

    Two layers more units: beside the network's own first two layers stand the 2 n distances and the spike.
    """
    n, (first, second), output = network.inputs, network.layers, network.output
    rows, biases = first.weights.dense(), list(first.biases.fractions())
    for i, c in enumerate(centre):
        for sign in (1, -1):
            rows.append([F(sign * (i == j)) for j in range(n)])
            biases.append(-sign * c)
    spike = [F(0)] * first.outputs + [F(-1)] * (2 * n)
    deeper = [[*row, *[F(0)] * (2 * n)] for row in second.weights.dense()] + [spike]
    tops = [*second.biases.fractions(), radius]
    out = [[*row, F(1)] for row in output.weights.dense()]
    return ReluNetwork.of([(rows, biases), (deeper, tops)], (out, output.biases.fractions()), domain=network.domain)


def random_relu(r: random.Random, n: int, width: int) -> ReluNetwork:
    def rows(height: int, below: int) -> list[list[Fraction]]:
        return [[F(r.randint(-8, 8), 4) for _ in range(below)] for _ in range(height)]

    layers = [(rows(width, n), [F(r.randint(-4, 4), 4) for _ in range(width)])]
    layers.append((rows(width, width), [F(r.randint(-4, 4), 4) for _ in range(width)]))
    return ReluNetwork.of(layers, (rows(1, width), [0]), domain=Domain.box(n, -1, 1))


def radius_for(n: int) -> Fraction:
    """A dyadic radius whose cross-polytope, of volume (2 r)^n / n!, fills at most 2^-40 of the cube of side 2."""
    r = F(1)
    factorial = [1, 1, 2, 6, 24][n]
    while r**n / factorial > VOLUME:
        r /= 2
    return r


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_spike(n: int, seed: int) -> None:
    """Against the network itself, and as a Transformer against it: the difference is one spike at a random place."""
    r = random.Random(f"spike {n} {seed}")
    network = random_relu(r, n, 6)
    centre = [F(r.randint(-(2**19), 2**19), 2**20) for _ in range(n)]
    spiked = with_spike(network, centre, radius_for(n))
    for side in (spiked, compile_network(spiked).transformer):
        outcome = refuted(network, side, Domain.box(n, -1, 1))
        assert outcome.witness is not None
        assert sum(abs(a - b) for a, b in zip(outcome.witness.point, centre, strict=True)) < radius_for(n)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_piece_that_wins_in_a_corner_only(n: int, seed: int) -> None:
    """A further piece of a maxout unit exceeds the others in a corner of relative volume 2^-40, one piece missing."""
    r = random.Random(f"corner {n} {seed}")
    slopes = [[F(r.randint(-4, 4)) for _ in range(n)] for _ in range(3)]
    corner = [F(r.choice([-1, 1])) for _ in range(n)]
    top = max(sum(a * c for a, c in zip(row, corner, strict=True)) for row in slopes)
    steep = [64 * c for c in corner]  # exceeds every other piece only where all coordinates are close to the corner
    depth = F(1, 2**40)
    offset = top + depth - sum(a * c for a, c in zip(steep, corner, strict=True))
    domain = Domain.box(n, -1, 1)
    network = MaxoutNetwork.of([([[*slopes, steep]], [[0, 0, 0, offset]])], ([[1]], [0]), domain=domain)
    without = MaxoutNetwork.of([([slopes], [[0, 0, 0]])], ([[1]], [0]), domain=domain)
    outcome = refuted(network, compile_network(without).transformer, domain)
    assert outcome.witness is not None
    assert all(abs(a - c) < F(1, 2**30) for a, c in zip(outcome.witness.point, corner, strict=True))


# --- facets, vertices, one tie rule -----------------------------------------------------------------


def at_one_point(n: int, where: Fraction) -> Transformer:
    """1/2 where all n inputs are `where`, 0 elsewhere under the rule average; 0 everywhere under the other two.

    Head i turns x_i - where into 1, 1/2 or 0 as it is positive, zero or negative. Neurons turn that into 1/2 at zero
    only, and the last one adds these up, less a half for each but one.
    """
    # coordinates of a token: a key for each input, then 1, the value, the results of the heads, the answer
    one, value, results, answer = n, n + 1, n + 2, 2 * n + 2
    d = 2 * n + 3
    embedding = []
    for sign in (1, -1):
        rows = [[F(sign * (i == j)) for j in range(n)] for i in range(n)] + [[F(0)] * n] * (d - n)
        embedding.append(Affine.of(rows, [-sign * where] * n + [F(1), F(sign == 1)] + [F(0)] * (n + 1)))

    def unit(size: int, at: int) -> list[Fraction]:
        return [F(int(j == at)) for j in range(size)]

    heads = tuple(
        Head.of([unit(d, one)], [unit(d, i)], [unit(d, value)], [[y] for y in unit(d, results + i)]) for i in range(n)
    )
    # h - 2 relu(h - 1/2) is 0, 1/2, 0 at h = 0, 1/2, 1
    first = FeedForward(
        Affine.of([unit(d, results + i) for i in range(n)], [F(-1, 2)] * n),
        Affine.of([[F(-2 * (c == results + i)) for i in range(n)] for c in range(d)], [F(0)] * d),
    )
    last = FeedForward(
        Affine.of([[F(int(results <= c < answer)) for c in range(d)]], [F(1 - n, 2)]),
        Affine.of([[y] for y in unit(d, answer)], [F(0)] * d),
    )
    blocks = (Block(heads, first), Block(None, last))
    return Transformer(tuple(embedding), blocks, 0, Affine.of([unit(d, answer)], [0]), True, None, Domain.box(n, -1, 1))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("tie", TIES)
def test_only_at_a_vertex(n: int, tie: Tie) -> None:
    """Where all inputs are 1/3, which no sampling in floats hits, and only under the rule average."""
    zero, net = ReluNetwork.of([], ([[0] * n], [0])), at_one_point(n, F(1, 3))
    if tie == "average":
        outcome = refuted(zero, net, Domain.box(n, -1, 1), tie)
        assert outcome.witness is not None and outcome.witness.point == (F(1, 3),) * n
    else:
        assert verify(zero, net, domain=Domain.box(n, -1, 1), tie=tie).verdict == "proved"


@pytest.mark.parametrize("n", [2, 3])
def test_only_on_a_facet(n: int) -> None:
    """The head between x1 + x2 and 2/7 is right off the line x1 + x2 = 2/7, where the average is not the left value."""
    domain = Domain.box(n, -1, 1)
    token = [[F(1), F(1)] + [F(0)] * (n - 2), [F(0)] * n, [F(0)] * n]
    other = [[F(0)] * n for _ in range(3)]
    embedding = (Affine.of(token, [F(0), F(1), F(1)]), Affine.of(other, [F(2, 7), F(1), F(0)]))
    head = Head.of([[0, 1, 0]], [[1, 0, 0]], [[0, 0, 1]], [[0], [0], [1]])
    net = Transformer(embedding, (Block((head,), None),), 1, Affine.of([[0, 0, 1]], [0]), False, None, domain)
    twin = Transformer((embedding[1], embedding[0]), net.blocks, 0, net.readout, False, None, domain)
    assert verify(net, twin, tie="average").verdict == "proved"
    for tie in ("leftmost", "rightmost"):
        outcome = refuted(net, twin, domain, tie)
        assert outcome.witness is not None and sum(outcome.witness.point[:2]) == F(2, 7)


# --- far away -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [3, 30, 90, 400])
def test_only_far_outside(exponent: int) -> None:
    """A gated Transformer for a box of size 10^e is right on it and wrong beyond, where z3 and floats give up."""
    size = 10**exponent
    network = MaxoutNetwork.of([([[[1, 0], [0, 1], [-1, 2]]], [[0, 1, 2]])], ([[1]], [0]))
    compiled = compile_network(network, domain=Domain.box(2, -size, size)).transformer
    assert verify(network, compiled, domain=Domain.box(2, -size, size)).verdict == "proved"
    outcome = refuted(network, compiled, Domain.everything(2))
    assert outcome.witness is not None and max(map(abs, outcome.witness.point)) > size


@pytest.mark.parametrize("exponent", [3, 30, 90])
def test_a_unit_that_wakes_far_away(exponent: int) -> None:
    """max(0, x1 - 10^e) is 0 on every box of ordinary size; its negation is found on an open domain."""
    plain = ReluNetwork.of([([[1, 1]], [0])], ([[1]], [0]))
    woken = ReluNetwork.of([([[1, 1], [1, 0]], [0, -(10**exponent)])], ([[1, 1]], [0]))
    assert verify(plain, woken, domain=Domain.box(2, -100, 100)).verdict == "proved"
    outcome = refuted(plain, woken, Box([None, 0], [None, 1]))
    assert outcome.witness is not None and outcome.witness.point[0] > 10**exponent
