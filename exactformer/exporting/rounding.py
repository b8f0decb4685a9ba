"""The Transformer that is exported: temperatures folded into its queries, every number one of a floating-point type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from exactformer.errors import Faults
from exactformer.formats.graphs.graph import Refusal
from exactformer.formats.graphs.rounding import nearest
from exactformer.networks import Affine, Block, FeedForward, Head, Transformer
from exactformer.rational import Matrix, Vector

TYPES = {"float64": "double", "float32": "float"}  # by the names of NumPy, those of ONNX
Number = Callable[[Fraction, str], Fraction]


def folded(transformer: Transformer, rates: Mapping[int, Fraction]) -> Transformer:
    """The Transformer that is at temperature 1 what the given one is at these temperatures, one a block.

    Softmax of lambda <q, k> is softmax of <lambda q, k>.
    """
    blocks = [
        replace(block, heads=tuple([_hotter(head, rates[number]) for head in block.heads]))
        if block.heads is not None and number in rates
        else block
        for number, block in enumerate(transformer.blocks)
    ]
    return replace(transformer, blocks=tuple(blocks))


def _hotter(head: Head, rate: Fraction) -> Head:
    return replace(head, query=_matrix(head.query, "", lambda x, place: rate * x))


@dataclass(frozen=True)
class Rounded:
    """A Transformer whose numbers are all of a type, and how many of them are not the exact ones."""

    transformer: Transformer
    changed: int


def rounded(transformer: Transformer, type: str) -> Rounded:
    """The Transformer with every number the nearest of a type. Raises `InvalidInput` for those beyond its range."""
    faults, changed = Faults("export"), 0

    def near(x: Fraction, place: str) -> Fraction:
        nonlocal changed
        try:
            found = nearest(x, TYPES[type])
        except Refusal as refusal:
            faults.add(place, refusal.expected, refusal.found)
            return x
        changed += found != x
        return found

    result = mapped(transformer, near)
    faults.settle()
    return Rounded(result, changed)


def mapped(transformer: Transformer, number: Number) -> Transformer:
    """The Transformer with another number for each of its own; `number` is given the place, too."""
    blocks = [_block(block, f"blocks[{b}]", number) for b, block in enumerate(transformer.blocks)]
    embedding = [_affine(part, f"embedding[{t}]", number) for t, part in enumerate(transformer.embedding)]
    readout = _affine(transformer.readout, "readout", number)
    return replace(transformer, embedding=tuple(embedding), blocks=tuple(blocks), readout=readout)


def _block(block: Block, place: str, number: Number) -> Block:
    heads, feedforward = block.heads, block.feedforward
    if heads is not None:
        heads = tuple([_head(head, f"{place}.heads[{h}]", number) for h, head in enumerate(heads)])
    if feedforward is not None:
        inner = _affine(feedforward.inner, f"{place}.feedforward.w1", number)
        feedforward = FeedForward(inner, _affine(feedforward.outer, f"{place}.feedforward.w2", number))
    return Block(heads, feedforward)


def _head(head: Head, place: str, number: Number) -> Head:
    names = ("query", "key", "value", "output")
    return Head(*[_matrix(getattr(head, name), f"{place}.{name}", number) for name in names])


def _affine(part: Affine, place: str, number: Number) -> Affine:
    return Affine(
        _matrix(part.weights, place, number),
        Vector.of(number(x, f"{place}, bias {i}") for i, x in enumerate(part.biases.fractions())),
    )


def _matrix(matrix: Matrix, place: str, number: Number) -> Matrix:
    entries = {(i, j): number(x, f"{place}[{i}][{j}]") for (i, j), x in matrix.entries().items()}
    return Matrix.sparse(*matrix.shape, entries)
