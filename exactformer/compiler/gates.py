"""Sharp gates: how wide the constants must be so that one feed-forward sublayer gives each token its own piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactformer.domain import Domain, interval_box
from exactformer.errors import Unsupported
from exactformer.networks import MaxoutLayer, MaxoutNetwork

Interval = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Gate:
    """The constants of a unit: relu(a_p + shift + height (e_p - 1)) is a_p + shift where e_p = 1, 0 where e_p = 0."""

    shift: Fraction
    height: Fraction


@dataclass(frozen=True)
class Step:
    """One maxout layer on its way into the Transformer, and what the state still holds of the layer before it."""

    number: int
    layer: MaxoutLayer
    gates: tuple[Gate, ...]
    before: tuple[Interval, ...]  # bounds of the old hidden values, and of the pieces they are the maxima of

    @property
    def width(self) -> int:
        """The number of units."""
        return self.layer.width

    @property
    def old_hidden(self) -> int:
        """How many hidden values the state holds: the inputs or the units of the layer before."""
        return len(self.before)

    @property
    def old_pieces(self) -> int:
        """How many slots for pieces the state holds: none before the first layer."""
        return len(self.before) if self.number else 0


def bounded(domain: Domain, construction: str) -> tuple[Interval, ...]:
    """The bounds of each input. Raises `Unsupported` when one is missing: gates need a box (Theorem C)."""
    if not domain.is_bounded_box:
        raise Unsupported(
            f"construction {construction}: expected a domain with finite bounds for every input, found {domain}; "
            "give a box, or use the construction global"
        )
    return interval_box(domain)


def pieces_per_unit(network: MaxoutNetwork) -> int:
    """The k of the theory: the largest rank, at least 2; a unit of fewer pieces repeats its first one."""
    return max(2, network.rank)


def gated_steps(network: MaxoutNetwork, box: Sequence[Interval], *, margin: int = 0, dip: int = 0) -> Iterator[Step]:
    """The layers with their gates (Lemma L2(i)).

    With [lo, hi] the interval hull of all pieces of a unit: shift = margin - lo, height = hi - lo + margin, so the
    shifted pieces lie in [margin, height], and an inactive one has a_p + shift - height <= 0. The hull of the layer
    also contains every convex combination of the pieces, so the gates hold at every temperature. `dip` widens it
    downwards, for constructions in which some tokens hold hidden values below all pieces.
    """
    before = tuple(box)
    for number, layer in enumerate(network.layers):
        hulls = _hulls(layer, before)
        gates = tuple(Gate(margin - lo, hi - lo + margin) for lo, hi in hulls)
        yield Step(number, layer, gates, before)
        before = tuple((lo - dip, hi) for lo, hi in hulls)


def steps_for(
    network: MaxoutNetwork, domain: Domain, construction: str, steps: Iterable[Step] | None
) -> Iterable[Step]:
    """The steps that are given, whose gates are as wide as Lemma L2(i) asks; else those with the gates for the domain.

    Raises `Unsupported` when there are none and the domain does not bound every input.
    """
    return gated_steps(network, bounded(domain, construction)) if steps is None else steps


def _hulls(layer: MaxoutLayer, before: Sequence[Interval]) -> list[Interval]:
    """[min lo, max hi] over the pieces of each unit, by interval arithmetic."""
    pieces, k = layer.pieces, layer.rank
    ends = []
    for row, bias in zip(pieces.weights.rows, pieces.biases.fractions(), strict=True):
        low = sum((w * before[j][0 if w > 0 else 1] for j, w in row), Fraction(0))
        high = sum((w * before[j][1 if w > 0 else 0] for j, w in row), Fraction(0))
        ends.append((low / pieces.weights.denominator + bias, high / pieces.weights.denominator + bias))
    units = [ends[i : i + k] for i in range(0, len(ends), k)]
    return [(min(lo for lo, _ in unit), max(hi for _, hi in unit)) for unit in units]
