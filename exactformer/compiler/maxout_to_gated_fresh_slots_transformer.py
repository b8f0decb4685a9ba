"""Theorem A without erasers: fresh coordinates for every layer (theory 2.1, L3, and 2.2)."""

from __future__ import annotations

from collections.abc import Iterable

from exactformer.compiler.assembly import Assembly, Names, max_head, one_hot, places
from exactformer.compiler.correspondence import Compiled
from exactformer.compiler.gates import Step, pieces_per_unit, steps_for
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import SizeLine, entries_bound, gated_lines, total
from exactformer.domain import Domain
from exactformer.networks import MaxoutNetwork, Transformer


def maxout_to_gated_fresh_slots_transformer(
    network: MaxoutNetwork, domain: Domain, steps: Iterable[Step] | None = None
) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule; nothing is ever erased.

    Tokens, gates and heads are those of `maxout_to_gated_transformer`, but layer l has coordinates of its own:
    z^l for its pieces, then h^l for its values. They hold zero until the feed-forward sublayer adds a_ij(h^(l-1)) to
    z^l_i at token j, and head i adds max_j z^l_i to h^l_i; later sublayers write elsewhere and read h^l. So after
    layer l every token holds h^0 = x, h^1, ..., h^l, and nothing has to be taken away. The price is the width.

    `steps` may give the gates, as wide as Lemma L2(i) asks or wider.
    Raises `Unsupported` when the domain does not bound every input: gates need a bounded domain (Theorem C).
    """
    k = pieces_per_unit(network)
    n = network.inputs
    width = k + n + 2 * sum(network.widths)
    names: Names = (("position", 0, k), ("input", k, k + n))
    work = Assembly("gated-fresh-slots", (network, domain), one_hot(k), width, k)
    old, free = k, k + n  # where the hidden vector that is read begins, and the coordinates not yet used
    for step in steps_for(network, domain, "gated-fresh-slots", steps):
        z, h = free, free + step.width
        free = h + step.width
        neurons = Neurons(width)
        neurons.gate(step, k, old, z, lambda i, p: p)
        neurons.unshift(step, z)
        work.feed(neurons)
        block = work.attend(max_head(width, range(k), z + i, h + i) for i in range(step.width))
        work.place(*places(step.number, step.width, block, h, z))
        names += (f"pieces of layer {step.number}", z, h), (f"layer {step.number}", h, free)
        old = h
    transformer = work.transformer(hidden=old)
    return work.compiled(transformer, names, _sizes(transformer, network, k))


def _sizes(t: Transformer, source: MaxoutNetwork, k: int) -> tuple[SizeLine, ...]:
    entries = entries_bound(source, k, lambda l: k * l.units * (l.inputs + 3) + l.units * (k + 4))
    return gated_lines(
        t,
        source,
        k,
        width=("k + n0 + 2 sum of m_l", k + source.inputs + 2 * sum(source.widths)),
        hidden=("sum of k m_l", total(source, lambda l: k * l.units)),
        entries=("sum of k m_l (m_(l-1)+3) + m_l (k+4), + n0 + k + n_out (m_L+1)", entries),
    )
