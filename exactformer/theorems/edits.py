"""Changed Transformers: faults that are planted, and mutants that a statement is about.

Places in a Transformer of Theorem A come from the order of its hidden neurons: the gates of unit 0, of unit 1, ...,
then two erasers for each old hidden value, then two for each old piece.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from fractions import Fraction

from exactformer.networks import Affine, Block, FeedForward, Head, Transformer
from exactformer.rational import Matrix, Vector


def scaled(matrix: Matrix, factor: Fraction | int) -> Matrix:
    """The matrix times a number."""
    return Matrix.sparse(*matrix.shape, {at: factor * x for at, x in matrix.entries().items()})


def with_block(net: Transformer, number: int, block: Block) -> Transformer:
    """Another block in the place of one."""
    return replace(net, blocks=(*net.blocks[:number], block, *net.blocks[number + 1 :]))


def with_heads_scaled(net: Transformer, factor: Fraction | int = 2) -> Transformer:
    """What the heads of the last attention write, times a factor."""
    number = max(b for b, block in enumerate(net.blocks) if block.heads)
    heads = tuple(replace(head, output=scaled(head.output, factor)) for head in net.blocks[number].heads or ())
    return with_block(net, number, replace(net.blocks[number], heads=heads))


def without_heads(net: Transformer, number: int) -> Transformer:
    """No attention in a block."""
    return with_block(net, number, replace(net.blocks[number], heads=None))


def without_neurons(net: Transformer, number: int, neurons: Collection[int]) -> Transformer:
    """The feed-forward sublayer of a block without some of its hidden neurons."""
    feed = net.blocks[number].feedforward
    assert feed is not None
    kept = [n for n in range(feed.hidden) if n not in neurons]
    place = {old: new for new, old in enumerate(kept)}
    w1 = {(place[n], c): x for (n, c), x in feed.inner.weights.entries().items() if n in place}
    w2 = {(c, place[n]): x for (c, n), x in feed.outer.weights.entries().items() if n in place}
    inner = Affine(Matrix.sparse(len(kept), feed.inner.inputs, w1), Vector.of(feed.inner.biases[n] for n in kept))
    outer = replace(feed.outer, weights=Matrix.sparse(feed.outer.outputs, len(kept), w2))
    return with_block(net, number, replace(net.blocks[number], feedforward=FeedForward(inner, outer)))


def with_gate(
    net: Transformer, number: int, old: tuple[Fraction, Fraction], new: tuple[Fraction, Fraction]
) -> Transformer:
    """The gate of unit 0 with other constants (s, G); its neurons come first, one a token."""
    feed = net.blocks[number].feedforward
    assert feed is not None
    (s, height), (shift, constant) = old, new
    w1, b1 = feed.inner.weights.entries(), list(feed.inner.biases.fractions())
    for p in range(net.tokens):
        w1[p, p] = constant
        b1[p] += (shift - constant) - (s - height)
    slot = next(c for (c, n) in feed.outer.weights.entries() if n == 0)
    b2 = list(feed.outer.biases.fractions())
    b2[slot] -= shift - s
    inner = Affine(Matrix.sparse(*feed.inner.weights.shape, w1), Vector.of(b1))
    changed = FeedForward(inner, replace(feed.outer, biases=Vector.of(b2)))
    return with_block(net, number, replace(net.blocks[number], feedforward=changed))


def without_positions(net: Transformer) -> Transformer:
    """All tokens embedded alike, as the first one without its constants."""
    first = net.embedding[0]
    alike = replace(first, biases=Vector.of([Fraction(0)] * first.outputs))
    return replace(net, embedding=(alike,) * net.tokens)


def linear_block(net: Transformer, heads: Sequence[Head]) -> FeedForward:
    """The feed-forward sublayer that writes sum_h W_O W_V x, by two neurons a coordinate."""
    d = net.width
    total: dict[tuple[int, int], Fraction] = {}
    for head in heads:
        values = head.value.entries()
        for (i, v), x in head.output.entries().items():
            for (u, j), y in values.items():
                if u == v:
                    total[i, j] = total.get((i, j), Fraction(0)) + x * y
    both = total | {(d + i, j): -x for (i, j), x in total.items()}
    add = {(i, i): 1 for i in range(d)} | {(i, d + i): -1 for i in range(d)}
    none, zero = Vector.of([Fraction(0)] * d), Vector.of([Fraction(0)] * (2 * d))
    return FeedForward(Affine(Matrix.sparse(2 * d, d, both), zero), Affine(Matrix.sparse(d, 2 * d, add), none))


def feed_forward_only(net: Transformer) -> Transformer:
    """One token, and each attention sublayer replaced by its linear map."""
    blocks: list[Block] = []
    for block in net.blocks:
        if block.heads:
            blocks.append(Block(None, linear_block(net, block.heads)))
        if block.feedforward is not None:
            blocks.append(Block(None, block.feedforward))
    return replace(net, embedding=net.embedding[:1], blocks=tuple(blocks), token=0)
