"""Theorem A: a maxout network on a box as a residual Transformer with k tokens (theory 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactformer.compiler.correspondence import Compiled, Correspondence, UnitPlace
from exactformer.compiler.sizes import gated_sizes
from exactformer.domain import Domain, interval_box
from exactformer.errors import Unsupported
from exactformer.networks import Affine, Block, FeedForward, Head, MaxoutLayer, MaxoutNetwork, Transformer
from exactformer.rational import Matrix, Vector

Intervals = Sequence[tuple[Fraction, Fraction]]
Entries = dict[tuple[int, int], Fraction | int]


def maxout_to_gated_transformer(network: MaxoutNetwork, domain: Domain) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule.

    Tokens 0..k-1, one a piece (k >= 2 the largest rank; shorter units repeat their first piece). Coordinates:
    one-hot position e, then the hidden vector h, then one slot z a unit. For layer l the feed-forward sublayer
    writes into z_i at token j the piece a_ij(h), by the sharp gate of Lemma L2,
        z_i = -s_i + sum_p relu(a_ip(h) + s_i + G_i (e_p - 1)),   s_i = -lo_i,  G_i = hi_i - lo_i,
    with [lo_i, hi_i] the exact interval hull of all pieces, and erases the old h and z; then head i, with key and
    value z_i and the constant query sum_p e_p = 1, writes max_j a_ij into h_i at every token (Lemma L1).

    Raises `Unsupported` when the domain does not bound every input: gates need a bounded domain (Theorem C).
    """
    if not domain.is_bounded_box:
        raise Unsupported(
            f"construction gated: expected a domain with finite bounds for every input, found {domain}; "
            "give a box, or use the construction global"
        )
    k = max(2, network.rank)
    n, widths = network.inputs, network.widths
    h, z = k, k + max([n, *widths])
    d = z + max(widths, default=0)
    position = Matrix.sparse(d, n, {(h + i, i): 1 for i in range(n)})
    embedding = tuple(Affine(position, Vector(tuple(int(c == t) for c in range(d)))) for t in range(k))
    hull: Intervals = interval_box(domain)
    blocks: list[Block] = []
    heads: tuple[Head, ...] | None = None
    units: list[UnitPlace] = []
    for number, layer in enumerate(network.layers):
        old_h, old_z = (n, 0) if number == 0 else (widths[number - 1],) * 2
        gates, hull = _gates(layer, hull)
        blocks.append(Block(heads, _feedforward(layer, gates, k, d, h, z, old_h, old_z)))
        heads = tuple(_head(i, k, d, h, z) for i in range(layer.width))
        units += [UnitPlace(number, i, number + 1, (i,), (h + i,), z + i) for i in range(layer.width)]
    if heads is not None:
        blocks.append(Block(heads, None))
    out = network.output
    moved = Matrix(
        (out.outputs, d), tuple(tuple((h + j, w) for j, w in row) for row in out.weights.rows), out.weights.denominator
    )
    transformer = Transformer(
        embedding,
        tuple(blocks),
        0,
        Affine(moved, out.biases),
        residual=True,
        domain=domain,
        name=f"{network.name} (gated)".strip(),
    )
    names = (("position", 0, k), ("hidden", h, z), ("pieces", z, d))
    return Compiled(
        transformer, network, Correspondence("gated", tuple(units), names), gated_sizes(transformer, network, k)
    )


def _gates(layer: MaxoutLayer, hull: Intervals) -> tuple[list[tuple[Fraction, Fraction]], Intervals]:
    """(s_i, G_i) of every unit, and the hull of the layer: all pieces' intervals, so it holds at any temperature."""
    pieces, k = layer.pieces, layer.rank
    ends = []
    for row, bias in zip(pieces.weights.rows, pieces.biases.fractions(), strict=True):
        low = sum((w * hull[j][0 if w > 0 else 1] for j, w in row), Fraction(0))
        high = sum((w * hull[j][1 if w > 0 else 0] for j, w in row), Fraction(0))
        ends.append((low / pieces.weights.denominator + bias, high / pieces.weights.denominator + bias))
    units = [ends[i : i + k] for i in range(0, len(ends), k)]
    result = [(min(lo for lo, _ in unit), max(hi for _, hi in unit)) for unit in units]
    return [(-lo, hi - lo) for lo, hi in result], result


def _feedforward(
    layer: MaxoutLayer, gates: list[tuple[Fraction, Fraction]], k: int, d: int, h: int, z: int, old_h: int, old_z: int
) -> FeedForward:
    """The gates of all units, then the erasers of the old h and z, two neurons a coordinate (Lemma L3)."""
    w1: Entries = {}
    w2: Entries = {}
    b1: list[Fraction] = []
    b2 = [Fraction(0)] * d
    weights, biases = layer.pieces.weights, layer.pieces.biases
    for i, (s, gate) in enumerate(gates):
        for p in range(k):
            neuron, piece = len(b1), i * layer.rank + (p if p < layer.rank else 0)
            w1.update({(neuron, h + j): x for j, x in weights.row(piece).items()})
            w1[neuron, p] = gate
            b1.append(biases[piece] + s - gate)
            w2[z + i, neuron] = 1
        b2[z + i] = -s
    for c in (*range(h, h + old_h), *range(z, z + old_z)):
        for sign in (1, -1):
            w1[len(b1), c] = sign
            w2[c, len(b1)] = -sign
            b1.append(Fraction(0))
    inner = Affine(Matrix.sparse(len(b1), d, w1), Vector.of(b1))
    return FeedForward(inner, Affine(Matrix.sparse(d, len(b1), w2), Vector.of(b2)))


def _head(i: int, k: int, d: int, h: int, z: int) -> Head:
    slot = Matrix.sparse(1, d, {(0, z + i): 1})
    query = Matrix.sparse(1, d, {(0, p): 1 for p in range(k)})
    return Head(query, slot, slot, Matrix.sparse(d, 1, {(h + i, 0): 1}))
