"""Exact sizes of a compiled Transformer beside the formulas of its theorem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactformer.networks import MaxoutNetwork, Transformer


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


def gated_sizes(t: Transformer, source: MaxoutNetwork, k: int) -> tuple[SizeLine, ...]:
    """The counts of Theorem A (theory 2.2); the bound 7.5 P + n0 + k holds for k >= 2."""
    n, widths = source.inputs, source.widths
    hidden = [b.feedforward.hidden for b in t.blocks if b.feedforward is not None]
    before = [n, *widths][: len(widths)]
    # Layer l erases the old h, and from the second layer on also the old z: 2 neurons a coordinate.
    formula = [k * m + 2 * w * (1 if i == 0 else 2) for i, (m, w) in enumerate(zip(widths, before, strict=True))]
    parameters = _padded_parameters(source, k)
    lines = [
        _line("tokens", "k", t.tokens, k),
        _line("model width d", "k + max(n0, m_l) + max m_l", t.width, k + max([n, *widths]) + max(widths, default=0)),
        _line("heads", "sum of m_l", _heads(t), sum(widths)),
        _line("head size d_v", "1", _head_size(t), 1 if widths else 0),
        _line("attention sublayers", "L", sum(b.heads is not None for b in t.blocks), len(widths)),
        _line("feed-forward sublayers", "L", len(hidden), len(widths)),
        _line("hidden neurons", "sum of k m_l + 2 m_(l-1) (1 + [l >= 2])", sum(hidden), sum(formula)),
        _line("non-zero entries", "<= 7.5 P + n0 + k", nonzeros(t), Fraction(15, 2) * parameters + n + k, exact=False),
    ]
    return tuple(lines)


def global_sizes(t: Transformer, source: MaxoutNetwork, k: int) -> tuple[SizeLine, ...]:
    """The counts of Theorem B (theory 2.3, b1) as built by `maxout_to_global_transformer`."""
    n, widths = source.inputs, source.widths
    before = [n, *widths][: len(widths)]
    entries = sum(
        (k + 1) * m * ((2 * k + 1) * (w + 1) + k + 4) + 2 * (k + 1) * (w + 1)
        for m, w in zip(widths, before, strict=True)
    )
    lines = [
        _line("tokens", "k + 1", t.tokens, k + 1),
        _line("model width d", "(k + 1) (1 + max(n0, m_l))", t.width, (k + 1) * (1 + max([n, *widths]))),
        _line("heads", "sum of (k + 1) m_l + 1", _heads(t), sum((k + 1) * m + 1 for m in widths)),
        _line("head size d_v", "(k + 1) max m_(l-1)", _head_size(t), (k + 1) * max(before) if widths else 0),
        _line("attention sublayers", "L", sum(b.heads is not None for b in t.blocks), len(widths)),
        _line("feed-forward sublayers", "0", sum(b.feedforward is not None for b in t.blocks), 0),
        _line(
            "non-zero entries",
            "<= sum of (k+1) m_l ((2k+1)(m_(l-1)+1) + k+4) + 2 (k+1)(m_(l-1)+1), + (k+1)(n0+1) + n_out (m_L+1)",
            nonzeros(t),
            entries + (k + 1) * (n + 1) + source.outputs * ((widths or (n,))[-1] + 1),
            exact=False,
        ),
    ]
    return tuple(lines)


def _line(name: str, formula: str, counted: int, expected: int | Fraction, *, exact: bool = True) -> SizeLine:
    return SizeLine(name, formula, counted, Fraction(expected), exact)


def _padded_parameters(source: MaxoutNetwork, k: int) -> int:
    """P of theory D1: every unit padded to rank k by repeating a piece."""
    before: Sequence[int] = [source.inputs, *source.widths]
    units = sum(k * m * (w + 1) for m, w in zip(source.widths, before, strict=False))
    return units + source.outputs * (before[-1] + 1)


def _heads(t: Transformer) -> int:
    return sum(len(block.heads or ()) for block in t.blocks)


def _head_size(t: Transformer) -> int:
    return max((head.value.shape[0] for block in t.blocks for head in block.heads or ()), default=0)
