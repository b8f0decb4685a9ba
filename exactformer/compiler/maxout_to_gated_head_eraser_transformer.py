"""Theorem A with the hidden vector erased by a uniform head (theory 2.1, L3, and 2.2)."""

from __future__ import annotations

from collections.abc import Iterable

from exactformer.compiler.assembly import Assembly, Slots, into, max_head, one_hot, places, sums
from exactformer.compiler.correspondence import Compiled
from exactformer.compiler.gates import Step, pieces_per_unit, steps_for
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import SizeLine, entries_bound, gated_lines, total
from exactformer.domain import Domain
from exactformer.networks import Head, MaxoutNetwork, Transformer


def maxout_to_gated_head_eraser_transformer(
    network: MaxoutNetwork, domain: Domain, steps: Iterable[Step] | None = None
) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule; no neurons erase h.

    Tokens, coordinates, gates and heads are those of `maxout_to_gated_transformer`, but the feed-forward sublayer
    leaves the old h in place. One more head of the attention sublayer after it has W_Q = 0, the value h and the
    output -h: all scores are 0, and as h is equal in all tokens every weighting of them gives h, so the head takes
    away exactly the old h under every tie rule and at every temperature. Meanwhile head i adds max_j a_ij to h_i.
    The slots z differ from token to token, so they still need neurons: -v = relu(-v) - relu(v).

    `steps` may give the gates, as wide as Lemma L2(i) asks or wider.
    Raises `Unsupported` when the domain does not bound every input: gates need a bounded domain (Theorem C).
    """
    k = pieces_per_unit(network)
    slots = Slots.of(network, k)
    h, z = slots.hidden, slots.pieces
    work = Assembly("gated-head-eraser", (network, domain), one_hot(k), slots.width, h)
    for step in steps_for(network, domain, "gated-head-eraser", steps):
        neurons = Neurons(slots.width)
        neurons.gate(step, k, h, z, lambda i, p: p)
        neurons.unshift(step, z)
        neurons.erase(range(z, z + step.old_pieces))
        work.feed(neurons)
        heads = [max_head(slots.width, range(k), z + i, h + i) for i in range(step.width)]
        block = work.attend([*heads, _eraser(slots.width, range(h, h + step.old_hidden))])
        work.place(*places(step.number, step.width, block, h, z))
    transformer = work.transformer(hidden=h)
    return work.compiled(transformer, slots.names, _sizes(transformer, network, k))


def _eraser(width: int, coordinates: range) -> Head:
    """The head with all scores 0 that takes away what stands in the coordinates."""
    nothing = sums(width, [()])
    return Head(nothing, nothing, sums(width, [(c,) for c in coordinates]), into(width, coordinates, -1))


def _sizes(t: Transformer, source: MaxoutNetwork, k: int) -> tuple[SizeLine, ...]:
    widths = source.widths
    before = (source.inputs, *widths)[: len(widths)]
    entries = entries_bound(
        source,
        k,
        lambda l: k * l.units * (l.inputs + 3) + l.units * (k + 4) + 2 * l.inputs * (1 + 2 * l.later),
    )
    text = "sum of k m_l (m_(l-1)+3) + m_l (k+4) + 2 m_(l-1) (1 + 2 [l >= 2]), + n0 + k + n_out (m_L+1)"
    return gated_lines(
        t,
        source,
        k,
        heads=("sum of m_l + 1", sum(m + 1 for m in widths)),
        values=("max m_(l-1)", max(before, default=0)),
        hidden=("sum of k m_l + 2 m_(l-1) [l >= 2]", total(source, lambda l: k * l.units + 2 * l.inputs * l.later)),
        entries=(text, entries),
    )
