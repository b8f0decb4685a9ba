"""A maxout network on a box as a Transformer without residual connections (theory 2.3, b0)."""

from __future__ import annotations

from collections.abc import Iterable

from exactformer.compiler.assembly import Assembly, Names, into, max_head, one_hot, places, sums
from exactformer.compiler.correspondence import Compiled
from exactformer.compiler.gates import Step, pieces_per_unit, steps_for
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import SizeLine, broadest, entries_bound, gated_lines, total
from exactformer.domain import Domain
from exactformer.networks import Head, MaxoutNetwork, Transformer


def maxout_to_no_residual_transformer(
    network: MaxoutNetwork, domain: Domain, steps: Iterable[Step] | None = None
) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule; no residual connections.

    Every sublayer replaces the state, so nothing has to be erased, and one slot v holds the hidden vector and the
    pieces in turn; but the one-hot position e has to be copied each time. Tokens are those of
    `maxout_to_gated_transformer`. Layer l has the sublayers
        feed-forward   v_i <- -s_i + sum_p relu(a_ip(h) + s_i + G_i (e_p - 1)) = a_ij(h) at token j (Lemma L2),
                       e_p <- relu(e_p) = e_p, as e_p >= 0;
        attention      head i: key and value v_i, query sum_p e_p = 1, so v_i <- max_j a_ij (Lemma L1);
                       one copy head: query, key and value e. Token t scores e_t . e_q = 1 at token q = t and 0 at
                       the others, so each token reads itself alone, and e <- e.
    The copy is exact in the hard limit only; softmax attention would blur it, and the next feed-forward sublayer
    would have to round it.

    `steps` may give the gates, as wide as Lemma L2(i) asks or wider.
    Raises `Unsupported` when the domain does not bound every input: gates need a bounded domain (Theorem C).
    """
    k = pieces_per_unit(network)
    v, width = k, k + broadest(network)
    work = Assembly("no-residual", (network, domain), one_hot(k), width, v)
    for step in steps_for(network, domain, "no-residual", steps):
        neurons = Neurons(width)
        neurons.gate(step, k, v, v, lambda i, p: p)
        neurons.unshift(step, v)
        for p in range(k):
            neurons.add({p: 1}, 0, p)
        work.feed(neurons)
        heads = [max_head(width, range(k), v + i, v + i) for i in range(step.width)]
        block = work.attend([*heads, _copy(width, range(k))])
        work.place(*places(step.number, step.width, block, v, v))
    transformer = work.transformer(hidden=v, residual=False)
    names: Names = (("position", 0, k), ("hidden, or pieces", v, width))
    return work.compiled(transformer, names, _sizes(transformer, network, k))


def _copy(width: int, position: range) -> Head:
    """The head with which every token reads its own position."""
    itself = sums(width, [(p,) for p in position])
    return Head(itself, itself, itself, into(width, position))


def _sizes(t: Transformer, source: MaxoutNetwork, k: int) -> tuple[SizeLine, ...]:
    any_layer = min(1, len(source.widths))
    entries = entries_bound(source, k, lambda l: k * l.units * (l.inputs + 3) + l.units * (k + 4) + 6 * k)
    return gated_lines(
        t,
        source,
        k,
        width=("k + max(n0, m_l)", k + broadest(source)),
        heads=("sum of m_l + 1", sum(m + 1 for m in source.widths)),
        keys=("k", k * any_layer),
        values=("k", k * any_layer),
        hidden=("sum of k m_l + k", total(source, lambda l: k * l.units + k)),
        entries=("sum of k m_l (m_(l-1)+3) + m_l (k+4) + 6 k, + n0 + k + n_out (m_L+1)", entries),
    )
