"""A Transformer from its embedding, its sublayers as forms over coordinates, and its read-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from exactformer.formats.graphs.graph import Refusal
from exactformer.formats.graphs.sublayers import Entries, HeadRows, Rows, Sublayer, rows_of
from exactformer.formats.graphs.tensor import Tensor
from exactformer.networks import Affine, Block, FeedForward, Head, Transformer
from exactformer.rational import Matrix, Vector

ONE, ZERO = Fraction(1), Fraction(0)


def assembled(embedding: Tensor, sublayers: Sequence[Sublayer], readout: Rows, inputs: int, name: str) -> Transformer:
    """The Transformer. Raises `Refusal` where its attention is masked in part only.

    Where attention is added to its state in some blocks and not in others, it is added in all, to further coordinates
    in the others, and neurons make the next state.
    Where heads have constants, a last coordinate is 1 at all tokens. States with fewer coordinates than others end in
    zeros. What a sublayer of maxima does to its state besides adding to it are neurons, two for each coordinate.
    """
    residual = {_kept(each) for each in sublayers if each.heads} != {False}
    if residual:
        sublayers = [part for each in sublayers for part in (_apart(each) if each.heads else (each,))]
    attending = [each for each in sublayers if each.heads]
    masks = {each.causal for each in attending} - {None}
    if len(masks) > 1:
        raise Refusal("one mask for all blocks", "blocks with and without one")
    states = [embedding.shape[-1], *(each.outputs for each in sublayers)]
    one = max(states) if any(map(_needs_one, attending)) else None
    width = max(states) + (one is not None)
    tokens = [rows.token for rows in (readout, *(each.result for each in sublayers)) if rows.token is not None]
    parts: list[tuple[Head, ...] | FeedForward] = []
    for each in sublayers:
        if each.heads:
            parts.append(_attention(each, width, one, residual))
        elif (made := _feedforward(each, width, one, residual)) is not None:
            parts.append(made)
    return Transformer(
        _embedding(embedding, inputs, width, one),
        _blocks(parts),
        tokens[0] if tokens else 0,
        Affine(Matrix.sparse(len(readout.biases), width, readout.entries), Vector.of(readout.biases)),
        residual,
        "causal" if True in masks else None,
        None,
        name,
    )


def _kept(sublayer: Sublayer) -> bool | None:
    """Whether a sublayer keeps its state (True), or forgets it (False); None where it does something else."""
    found = {place: x for place, x in sublayer.result.entries.items() if place[1] < sublayer.inputs and x}
    if not found:
        return False
    same = {(i, i): ONE for i in range(sublayer.inputs)}
    return True if found == same and sublayer.inputs <= sublayer.outputs else None


def _apart(sublayer: Sublayer) -> tuple[Sublayer, ...]:
    """Attention that is added to its state; before a map of both, where it is not added as it stands."""
    if _kept(sublayer):
        return (sublayer,)
    both = sublayer.inputs + sum(len(head.value.biases) for head in sublayer.heads)
    kept = Rows({(i, i): ONE for i in range(both)}, (ZERO,) * both)
    return replace(sublayer, outputs=both, result=kept), replace(sublayer, inputs=both, heads=())


def _needs_one(sublayer: Sublayer) -> bool:
    rows = [part for head in sublayer.heads for part in (head.query, head.key, head.value)]
    return any(any(part.biases) for part in rows) or any(sublayer.result.biases)


def _blocks(parts: Sequence[tuple[Head, ...] | FeedForward]) -> tuple[Block, ...]:
    """Sublayers in blocks, as many as fit in each."""
    blocks: list[Block] = []
    for part in parts:
        if isinstance(part, FeedForward) and blocks and blocks[-1].feedforward is None:
            blocks[-1] = Block(blocks[-1].heads, part)
        else:
            blocks.append(Block(None, part) if isinstance(part, FeedForward) else Block(part, None))
    return tuple(blocks)


def _embedding(tensor: Tensor, inputs: int, width: int, one: int | None) -> tuple[Affine, ...]:
    """The map of the input for each token. The variables of the tensor are the coordinates of the input."""
    height, result = tensor.shape[-1], []
    for token in range(rows_of(tensor)):
        entries: Entries = {}
        biases = [ZERO] * width
        for i in range(height):
            row = token * height + i
            biases[i] = Fraction(tensor.offset[row], tensor.denominator)
            for place in range(tensor.start[row], tensor.start[row + 1]):
                entries[i, int(tensor.variable[place])] = Fraction(tensor.factor[place], tensor.denominator)
        if one is not None:
            biases[one] = ONE
        result.append(Affine(Matrix.sparse(width, inputs, entries), Vector.of(biases)))
    return tuple(result)


def _attention(sublayer: Sublayer, width: int, one: int | None, residual: bool) -> tuple[Head, ...]:
    """The heads; constants of their result are values of the first, as weights have the sum 1."""
    heads = []
    for number, head in enumerate(sublayer.heads):
        depth = len(head.value.biases)
        output = {
            (i, j - head.first): x
            for (i, j), x in sublayer.result.entries.items()
            if head.first <= j < head.first + depth
        }
        value = _entries(head.value, one)
        if number == 0 and one is not None:
            more = {i: x for i, x in enumerate(sublayer.result.biases) if x} | ({} if residual else {one: ONE})
            if more:
                value[depth, one] = ONE
                output |= {(i, depth): x for i, x in more.items()}
                depth += 1
        query, key = _scoring(head, one)
        height = 1 + max([0, *(i for i, _ in query), *(i for i, _ in key)])
        heads.append(
            Head(
                Matrix.sparse(height, width, query),
                Matrix.sparse(height, width, key),
                Matrix.sparse(depth, width, value),
                Matrix.sparse(width, depth, output),
            )
        )
    return tuple(heads)


def _entries(rows: Rows, one: int | None) -> Entries:
    """The entries of a map, its constants in the column of the coordinate that is 1."""
    found = dict(rows.entries)
    if one is not None:
        found |= {(i, one): x for i, x in enumerate(rows.biases) if x}
    return found


def _scoring(head: HeadRows, one: int | None) -> tuple[Entries, Entries]:
    """Query and key without the rows in which one of them is 0, which add nothing to a score."""
    query, key = _entries(head.query, one), _entries(head.key, one)
    both = sorted({i for (i, _), x in query.items() if x} & {i for (i, _), x in key.items() if x})
    number = {i: n for n, i in enumerate(both)}

    def chosen(entries: Mapping[tuple[int, int], Fraction]) -> Entries:
        return {(number[i], j): x for (i, j), x in entries.items() if i in number}

    return chosen(query), chosen(key)


def _feedforward(sublayer: Sublayer, width: int, one: int | None, residual: bool) -> FeedForward | None:
    """The neurons, and pairs of them for what the state becomes besides; None where nothing happens."""
    inner: Entries = {}
    biases: list[Fraction] = []
    for rows in sublayer.neurons:
        inner |= {(len(biases) + i, j): x for (i, j), x in rows.entries.items()}
        biases += rows.biases
    count = len(biases)
    outer = {(i, j - sublayer.inputs): x for (i, j), x in sublayer.result.entries.items() if j >= sublayer.inputs}
    moved = {(i, j): x for (i, j), x in sublayer.result.entries.items() if j < sublayer.inputs}
    if residual:
        for i in range(sublayer.inputs):
            moved[i, i] = moved.get((i, i), ZERO) - 1
    moved = {place: x for place, x in moved.items() if x}
    for j in sorted({j for _, j in moved}):
        for sign in (1, -1):
            inner[len(biases), j] = Fraction(sign)
            outer |= {(i, len(biases)): sign * x for (i, k), x in moved.items() if k == j}
            biases.append(ZERO)
    last = [*sublayer.result.biases, *[ZERO] * (width - len(sublayer.result.biases))]
    if one is not None and not residual:
        last[one] = ONE
    if not count and not moved and not any(last) and residual:
        return None
    if not biases:
        biases.append(ZERO)  # a neuron that is 0, as files have none without
    return FeedForward(
        Affine(Matrix.sparse(len(biases), width, inner), Vector.of(biases)),
        Affine(Matrix.sparse(width, len(biases), outer), Vector.of(last)),
    )
