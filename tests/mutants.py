"""Transformers with one thing changed: an entry, a head, an eraser, a gate, a token, the mask.

Places in a compiled Transformer come from its correspondence and from the order of the hidden neurons that
Theorem A fixes: the gates of unit 0, of unit 1, ..., then two eraser neurons for each old h and each old z.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from exactformer.compiler import Compiled
from exactformer.networks import Affine, FeedForward, Head, Transformer
from exactformer.rational import Matrix, Vector

MATRICES = ("query", "key", "value", "output")
ARRAYS = ("w1", "b1", "w2", "b2")


# --- one entry ------------------------------------------------------------------------------------


def bumped(array: Any, place: tuple[int, ...], by: Fraction) -> Any:
    """A matrix or vector with `by` added to one entry."""
    if isinstance(array, Vector):
        return Vector.of(x + by * (i == place[0]) for i, x in enumerate(array.fractions()))
    entries = array.entries()
    return Matrix.sparse(*array.shape, {**entries, place: entries.get(place, 0) + by})  # type: ignore[dict-item]


def bump_affine(affine: Affine, place: tuple[int, ...], by: Fraction) -> Affine:
    """A weight for a place (row, column), a bias for a place (row,)."""
    if len(place) == 2:
        return replace(affine, weights=bumped(affine.weights, place, by))
    return replace(affine, biases=bumped(affine.biases, place, by))


def bump_head(net: Transformer, block: int, head: int, name: str, place: tuple[int, ...], by: Fraction) -> Transformer:
    old = heads_of(net, block)[head]
    return with_head(net, block, head, replace(old, **{name: bumped(getattr(old, name), place, by)}))


def bump_feedforward(net: Transformer, block: int, name: str, place: tuple[int, ...], by: Fraction) -> Transformer:
    """`name` is w1, b1, w2 or b2."""
    old = feedforward_of(net, block)
    part = "inner" if name.endswith("1") else "outer"
    return with_feedforward(net, block, replace(old, **{part: bump_affine(getattr(old, part), place, by)}))


def bump_embedding(net: Transformer, token: int, place: tuple[int, ...], by: Fraction) -> Transformer:
    maps = list(net.embedding)
    maps[token] = bump_affine(maps[token], place, by)
    return replace(net, embedding=tuple(maps))


def bump_readout(net: Transformer, place: tuple[int, ...], by: Fraction) -> Transformer:
    return replace(net, readout=bump_affine(net.readout, place, by))


# --- heads, tokens, flags -------------------------------------------------------------------------


def heads_of(net: Transformer, block: int) -> tuple[Head, ...]:
    heads = net.blocks[block].heads
    assert heads is not None
    return heads


def with_heads(net: Transformer, block: int, heads: Sequence[Head]) -> Transformer:
    blocks = list(net.blocks)
    blocks[block] = replace(blocks[block], heads=tuple(heads))
    return replace(net, blocks=tuple(blocks))


def with_head(net: Transformer, block: int, head: int, new: Head) -> Transformer:
    heads = list(heads_of(net, block))
    heads[head] = new
    return with_heads(net, block, heads)


def drop_head(net: Transformer, block: int, head: int) -> Transformer:
    heads = heads_of(net, block)
    return with_heads(net, block, heads[:head] + heads[head + 1 :])


def permute_heads(net: Transformer, block: int, order: Sequence[int]) -> Transformer:
    """Harmless: each head keeps its own output matrix, and a sublayer adds its heads."""
    heads = heads_of(net, block)
    return with_heads(net, block, [heads[i] for i in order])


def exchange_outputs(net: Transformer, block: int, first: int, second: int) -> Transformer:
    """Two heads write where the other one should."""
    heads = heads_of(net, block)
    changed = with_head(net, block, first, replace(heads[first], output=heads[second].output))
    return with_head(changed, block, second, replace(heads[second], output=heads[first].output))


def scale_query(net: Transformer, block: int, head: int, factor: Fraction) -> Transformer:
    """Harmless for a positive factor; -1 negates the query."""
    old = heads_of(net, block)[head]
    entries = {place: factor * x for place, x in old.query.entries().items()}
    return with_head(net, block, head, replace(old, query=Matrix.sparse(*old.query.shape, entries)))


def causal(net: Transformer) -> Transformer:
    return replace(net, mask="causal")


def without_residual(net: Transformer) -> Transformer:
    return replace(net, residual=False)


def drop_token(net: Transformer, token: int) -> Transformer:
    """One token less; a read-out from it moves to its neighbour."""
    embedding = net.embedding[:token] + net.embedding[token + 1 :]
    return replace(net, embedding=embedding, token=min(net.token - (net.token > token), len(embedding) - 1))


# --- feed-forward sublayers -----------------------------------------------------------------------


def feedforward_of(net: Transformer, block: int) -> FeedForward:
    feedforward = net.blocks[block].feedforward
    assert feedforward is not None
    return feedforward


def with_feedforward(net: Transformer, block: int, feedforward: FeedForward) -> Transformer:
    blocks = list(net.blocks)
    blocks[block] = replace(blocks[block], feedforward=feedforward)
    return replace(net, blocks=tuple(blocks))


def drop_neurons(net: Transformer, block: int, neurons: Sequence[int]) -> Transformer:
    """The sublayer without the given hidden neurons."""
    inner, outer = feedforward_of(net, block).inner, feedforward_of(net, block).outer
    kept = [n for n in range(inner.outputs) if n not in neurons]
    number = {old: new for new, old in enumerate(kept)}
    w1 = {(number[n], c): x for (n, c), x in inner.weights.entries().items() if n in number}
    w2 = {(c, number[n]): x for (c, n), x in outer.weights.entries().items() if n in number}
    width = inner.inputs
    small = Affine(Matrix.sparse(len(kept), width, w1), Vector.of(inner.biases[n] for n in kept))
    return with_feedforward(net, block, FeedForward(small, replace(outer, weights=Matrix.sparse(width, len(kept), w2))))


def eraser(compiled: Compiled, layer: int, slot: str) -> range:
    """The neurons that erase the old h ("hidden", e1) or the old z ("pieces", e2) before source layer `layer`."""
    widths = compiled.source.widths
    gates = compiled.transformer.tokens * widths[layer]
    hidden = 2 * (widths[layer - 1] if layer else compiled.source.inputs)
    if slot == "hidden":
        return range(gates, gates + hidden)
    return range(gates + hidden, gates + 2 * hidden if layer else gates + hidden)


def drop_eraser(compiled: Compiled, layer: int, slot: str) -> Transformer:
    return drop_neurons(compiled.transformer, layer, eraser(compiled, layer, slot))


def gate_neurons(compiled: Compiled, layer: int, unit: int) -> range:
    """The neurons a_p + s + G (e_p - 1) of a unit, p = 0, ..., k - 1."""
    k = compiled.transformer.tokens
    return range(unit * k, (unit + 1) * k)


def gate(compiled: Compiled, layer: int, unit: int) -> tuple[Fraction, Fraction]:
    """The constants (s, G) of a unit."""
    feedforward = feedforward_of(compiled.transformer, layer)
    neuron = gate_neurons(compiled, layer, unit)[0]
    slot = next(c for (c, n) in feedforward.outer.weights.entries() if n == neuron)
    return -feedforward.outer.biases[slot], feedforward.inner.weights.row(neuron).get(0, Fraction(0))


def with_gate(compiled: Compiled, layer: int, unit: int, s: Fraction, constant: Fraction) -> Transformer:
    """The unit's gate with other constants, in all its neurons and in the bias that takes s away again."""
    old_s, old = gate(compiled, layer, unit)
    feedforward = feedforward_of(compiled.transformer, layer)
    w1, b1 = feedforward.inner.weights.entries(), list(feedforward.inner.biases.fractions())
    b2 = list(feedforward.outer.biases.fractions())
    for p, neuron in enumerate(gate_neurons(compiled, layer, unit)):
        w1[neuron, p] = constant
        b1[neuron] += (s - constant) - (old_s - old)
    slot = next(c for (c, n) in feedforward.outer.weights.entries() if n == gate_neurons(compiled, layer, unit)[0])
    b2[slot] -= s - old_s
    inner = Affine(Matrix.sparse(*feedforward.inner.weights.shape, w1), Vector.of(b1))
    outer = replace(feedforward.outer, biases=Vector.of(b2))
    return with_feedforward(compiled.transformer, layer, FeedForward(inner, outer))


def swap_pieces(compiled: Compiled, layer: int, unit: int, first: int, second: int) -> Transformer:
    """Harmless: two tokens exchange the pieces of a unit that they carry, and the maximum stays."""
    feedforward = feedforward_of(compiled.transformer, layer)
    neurons, k = gate_neurons(compiled, layer, unit), compiled.transformer.tokens
    other = {neurons[first]: neurons[second], neurons[second]: neurons[first]}
    weights = feedforward.inner.weights.entries()
    w1 = {(n if c < k else other.get(n, n), c): x for (n, c), x in weights.items()}  # the gate itself stays
    b1 = [feedforward.inner.biases[other.get(n, n)] for n in range(feedforward.hidden)]
    inner = Affine(Matrix.sparse(*feedforward.inner.weights.shape, w1), Vector.of(b1))
    return with_feedforward(compiled.transformer, layer, replace(feedforward, inner=inner))


# --- a random place -------------------------------------------------------------------------------

Random = random.Random
BUMPS = tuple(Fraction(sign, den) for sign in (1, -1) for den in (1, 2, 3, 1024, 2**20))


def attention_blocks(net: Transformer) -> list[int]:
    return [b for b, block in enumerate(net.blocks) if block.heads]


def feedforward_blocks(net: Transformer) -> list[int]:
    return [b for b, block in enumerate(net.blocks) if block.feedforward]


def any_place(r: Random, array: Any) -> tuple[int, ...]:
    """A place in a matrix or vector, half of the time one that is not zero."""
    if isinstance(array, Vector):
        return (r.randrange(len(array)),)
    entries = sorted(array.entries())
    if entries and r.random() < 0.5:
        return r.choice(entries)
    return r.randrange(array.shape[0]), r.randrange(array.shape[1])


def any_affine_place(r: Random, affine: Affine) -> tuple[int, ...]:
    return any_place(r, r.choice([affine.weights, affine.biases]))


def any_head(r: Random, net: Transformer) -> tuple[int, int]:
    block = r.choice(attention_blocks(net))
    return block, r.randrange(len(heads_of(net, block)))


def any_unit(r: Random, compiled: Compiled) -> tuple[int, int]:
    layer = r.randrange(len(compiled.source.widths))
    return layer, r.randrange(compiled.source.widths[layer])


def _bump_head(name: str) -> Callable[[Random, Compiled], Transformer]:
    def mutate(r: Random, compiled: Compiled) -> Transformer:
        net = compiled.transformer
        block, head = any_head(r, net)
        return bump_head(
            net, block, head, name, any_place(r, getattr(heads_of(net, block)[head], name)), r.choice(BUMPS)
        )

    return mutate


def _bump_feedforward(name: str) -> Callable[[Random, Compiled], Transformer]:
    def mutate(r: Random, compiled: Compiled) -> Transformer:
        net = compiled.transformer
        block = r.choice(feedforward_blocks(net))
        part = feedforward_of(net, block).inner if name.endswith("1") else feedforward_of(net, block).outer
        array = part.weights if name.startswith("w") else part.biases
        return bump_feedforward(net, block, name, any_place(r, array), r.choice(BUMPS))

    return mutate


def _embedding(r: Random, compiled: Compiled) -> Transformer:
    token = r.randrange(compiled.transformer.tokens)
    place = any_affine_place(r, compiled.transformer.embedding[token])
    return bump_embedding(compiled.transformer, token, place, r.choice(BUMPS))


def _readout(r: Random, compiled: Compiled) -> Transformer:
    return bump_readout(compiled.transformer, any_affine_place(r, compiled.transformer.readout), r.choice(BUMPS))


def _permuted(r: Random, compiled: Compiled) -> Transformer:
    block, _ = any_head(r, compiled.transformer)
    count = len(heads_of(compiled.transformer, block))
    return permute_heads(compiled.transformer, block, r.sample(range(count), count))


def _exchanged(r: Random, compiled: Compiled) -> Transformer:
    block, head = any_head(r, compiled.transformer)
    heads = heads_of(compiled.transformer, block)
    shape = heads[head].output.shape
    other = r.choice([h for h, one in enumerate(heads) if one.output.shape == shape])
    return exchange_outputs(compiled.transformer, block, head, other)


def _scaled(*factors: Fraction | int) -> Callable[[Random, Compiled], Transformer]:
    return lambda r, compiled: scale_query(
        compiled.transformer, *any_head(r, compiled.transformer), Fraction(r.choice(factors))
    )


def _eraser(slot: str) -> Callable[[Random, Compiled], Transformer]:
    def mutate(r: Random, compiled: Compiled) -> Transformer:
        layer = r.randrange(len(compiled.source.widths))
        return drop_eraser(compiled, layer if slot == "hidden" else max(layer, len(compiled.source.widths) - 1), slot)

    return mutate


def _half_eraser(r: Random, compiled: Compiled) -> Transformer:
    layer, _ = any_unit(r, compiled)
    return drop_neurons(compiled.transformer, layer, [r.choice(eraser(compiled, layer, "hidden"))])


def _gate(
    factors: Sequence[Fraction | int], shifts: Sequence[Fraction | int]
) -> Callable[[Random, Compiled], Transformer]:
    def mutate(r: Random, compiled: Compiled) -> Transformer:
        layer, unit = any_unit(r, compiled)
        s, constant = gate(compiled, layer, unit)
        shift = Fraction(r.choice(shifts))
        return with_gate(compiled, layer, unit, s + shift, constant * Fraction(r.choice(factors)) + shift)

    return mutate


def _swapped(r: Random, compiled: Compiled) -> Transformer:
    return swap_pieces(compiled, *any_unit(r, compiled), *r.sample(range(compiled.transformer.tokens), 2))


GENERAL: dict[str, Callable[[Random, Compiled], Transformer]] = {  # for the Transformers of any construction
    **{f"bump {name}": _bump_head(name) for name in MATRICES},
    "bump embedding": _embedding,
    "bump readout": _readout,
    "drop head": lambda r, compiled: drop_head(compiled.transformer, *any_head(r, compiled.transformer)),
    "exchange outputs": _exchanged,
    "negate query": _scaled(-1),
    "causal mask": lambda r, compiled: causal(compiled.transformer),
    "no residual": lambda r, compiled: without_residual(compiled.transformer),
    "drop token": lambda r, compiled: drop_token(compiled.transformer, r.randrange(compiled.transformer.tokens)),
}
GATED: dict[str, Callable[[Random, Compiled], Transformer]] = {
    **{f"bump {name}": _bump_feedforward(name) for name in ARRAYS},
    "drop eraser e1": _eraser("hidden"),
    "drop eraser e2": _eraser("pieces"),
    "drop half an eraser": _half_eraser,
    "smaller gate": _gate([0, Fraction(1, 4), Fraction(1, 2), Fraction(9, 10)], [0]),
    "smaller shift": _gate([1], [-1, Fraction(-1, 2), Fraction(-1, 1024)]),
}
HARMLESS: dict[str, Callable[[Random, Compiled], Transformer]] = {
    "permute heads": _permuted,
    "scale query": _scaled(3, Fraction(1, 7), Fraction(5, 2)),
}
HARMLESS_GATED: dict[str, Callable[[Random, Compiled], Transformer]] = {
    "swap pieces": _swapped,
    "larger gate": _gate([1, Fraction(3, 2), 2], [0, 1, Fraction(1, 3)]),
}
