"""Exact sizes of a compiled Transformer beside the formulas of its construction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from exactformer.networks import Affine, MaxoutNetwork, Transformer
from exactformer.rational import Matrix

NAMES = {
    "tokens": "tokens",
    "width": "model width d",
    "heads": "heads",
    "keys": "head size d_k",
    "values": "head size d_v",
    "attention": "attention sublayers",
    "feedforward": "feed-forward sublayers",
    "hidden": "hidden neurons",
    "entries": "non-zero entries",
}
Formula = tuple[str, int | Fraction]  # the formula as text, and its value for the network at hand


@dataclass(frozen=True)
class SizeLine:
    """One size: what was counted, what the formula says, and whether the formula is exact or an upper bound."""

    name: str
    formula: str
    counted: int
    expected: Fraction
    exact: bool

    @property
    def agrees(self) -> bool:
        """Whether the count fits the formula."""
        return self.counted == self.expected if self.exact else self.counted <= self.expected


@dataclass(frozen=True)
class Sizes:
    """What can be counted in a Transformer.

    `keys` and `values` are the largest d_k and d_v of a head, `bits` the length in bits of the longest numerator or
    denominator of an entry in lowest terms.
    """

    tokens: int
    width: int
    heads: int
    keys: int
    values: int
    attention: int
    feedforward: int
    hidden: int
    entries: int
    bits: int

    @staticmethod
    def of(t: Transformer) -> Sizes:
        """The sizes of a Transformer."""
        heads = [head for block in t.blocks for head in block.heads or ()]
        hidden = [block.feedforward.hidden for block in t.blocks if block.feedforward is not None]
        return Sizes(
            tokens=t.tokens,
            width=t.width,
            heads=len(heads),
            keys=max((head.key.shape[0] for head in heads), default=0),
            values=max((head.value.shape[0] for head in heads), default=0),
            attention=sum(block.heads is not None for block in t.blocks),
            feedforward=len(hidden),
            hidden=sum(hidden),
            entries=nonzeros(t),
            bits=weight_bits(t),
        )


def nonzeros(transformer: Transformer) -> int:
    """The number of non-zero entries; an embedding matrix that all tokens share counts once."""
    distinct = {id(e.weights): e.weights for e in transformer.embedding}
    shared = list(dict.fromkeys(distinct.values())) if len(distinct) > 1 else list(distinct.values())
    total = sum(m.nonzeros for m in shared)
    total += sum(sum(b != 0 for b in e.biases.numerators) for e in transformer.embedding)
    for block in transformer.blocks:
        total += sum(head.nonzeros for head in block.heads or ())
        if block.feedforward is not None:
            total += block.feedforward.inner.nonzeros + block.feedforward.outer.nonzeros
    return total + transformer.readout.nonzeros


def weight_bits(transformer: Transformer) -> int:
    """The length in bits of the longest numerator or denominator of an entry, in lowest terms."""
    return max((max(x.numerator.bit_length(), x.denominator.bit_length()) for x in _entries(transformer)), default=0)


def _entries(t: Transformer) -> Iterator[Fraction]:
    """The distinct numbers of each part; an unknown has no length."""
    for matrix in {id(e.weights): e.weights for e in t.embedding}.values():
        yield from _distinct(matrix)
    affine: list[Affine] = [t.readout]
    for block in t.blocks:
        for head in block.heads or ():
            for matrix in (head.query, head.key, head.value, head.output):
                yield from _distinct(matrix)
        affine += [] if block.feedforward is None else [block.feedforward.inner, block.feedforward.outer]
    for part in affine:
        yield from _distinct(part.weights)
    for vector in (*(part.biases for part in affine), *(e.biases for e in t.embedding)):
        yield from (Fraction(n, vector.denominator) for n in _numbers(vector.numerators))


def _distinct(matrix: Matrix) -> Iterator[Fraction]:
    return (Fraction(n, matrix.denominator) for n in _numbers(n for _, row in matrix.filled for _, n in row))


def _numbers(entries: Iterable[int]) -> set[int]:
    return {n for n in entries if isinstance(n, int)}


def size_lines(t: Transformer, **formulas: Formula) -> tuple[SizeLine, ...]:
    """The counts of a Transformer beside the formulas of its construction, one a field of `Sizes` that has a formula.

    That for `entries` is an upper bound, all others are exact.
    """
    found = Sizes.of(t)
    names = {name: text for name, text in NAMES.items() if name in formulas}
    return tuple(_line(text, formulas[name], getattr(found, name), name != "entries") for name, text in names.items())


def gated_lines(t: Transformer, source: MaxoutNetwork, k: int, **own: Formula) -> tuple[SizeLine, ...]:
    """The lines of a construction that shares with Theorem A what `own` does not state otherwise."""
    layers = len(source.widths)
    neurons = total(source, lambda l: k * l.units + 2 * l.inputs * (1 + l.later))
    shared: dict[str, Formula] = {
        "tokens": ("k", k),
        "width": ("k + max(n0, m_l) + max m_l", k + broadest(source) + widest(source)),
        "heads": ("sum of m_l", sum(source.widths)),
        "values": ("1", min(1, layers)),
        "attention": ("L", layers),
        "feedforward": ("L", layers),
        "hidden": ("sum of k m_l + 2 m_(l-1) (1 + [l >= 2])", neurons),
        "entries": ("7.5 P + n0 + k", Fraction(15, 2) * parameters(source, k) + source.inputs + k),
    }
    return size_lines(t, **shared | own)


def _line(name: str, formula: Formula, counted: int, exact: bool) -> SizeLine:
    text, value = formula
    return SizeLine(name, text if exact else f"<= {text}", counted, Fraction(value), exact)


@dataclass(frozen=True)
class Layer:
    """The numbers of one source layer that formulas speak of: m_l, m_(l-1), and [l >= 2] as 0 or 1."""

    units: int
    inputs: int
    later: int


def total(network: MaxoutNetwork, each: Callable[[Layer], int]) -> int:
    """The sum over the layers l = 1, ..., L."""
    inputs = (network.inputs, *network.widths)
    return sum(each(Layer(m, inputs[i], int(i > 0))) for i, m in enumerate(network.widths))


def widest(network: MaxoutNetwork) -> int:
    """Max m_l, 0 without layers."""
    return max(network.widths, default=0)


def broadest(network: MaxoutNetwork) -> int:
    """Max(n0, m_l): room for every hidden vector."""
    return max(network.inputs, *network.widths, 0)


def parameters(network: MaxoutNetwork, k: int) -> int:
    """P of theory D1: every unit padded to rank k by repeating a piece."""
    return total(network, lambda l: k * l.units * (l.inputs + 1)) + readout_entries(network)


def readout_entries(network: MaxoutNetwork) -> int:
    """n_out (m_L + 1), with m_0 = n0."""
    return network.outputs * ((network.inputs, *network.widths)[-1] + 1)


def entries_bound(network: MaxoutNetwork, code: int, each: Callable[[Layer], int]) -> int:
    """n0 + `code` entries of the embedding, the sum of `each` over the layers, and the read-out."""
    return network.inputs + code + total(network, each) + readout_entries(network)
