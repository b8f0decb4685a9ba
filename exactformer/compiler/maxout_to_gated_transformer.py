"""Theorem A: a maxout network on a box as a residual Transformer with k tokens (theory 2.2)."""

from __future__ import annotations

from collections.abc import Iterable

from exactformer.compiler.assembly import Assembly, Slots, max_head, one_hot, places
from exactformer.compiler.correspondence import Compiled
from exactformer.compiler.gates import Step, pieces_per_unit, steps_for
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import gated_lines
from exactformer.domain import Domain
from exactformer.networks import MaxoutNetwork


def maxout_to_gated_transformer(
    network: MaxoutNetwork, domain: Domain, steps: Iterable[Step] | None = None
) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule.

    Tokens 0..k-1, one a piece (k >= 2 the largest rank; shorter units repeat their first piece). Coordinates:
    one-hot position e, then the hidden vector h, then one slot z a unit. For layer l the feed-forward sublayer
    writes into z_i at token j the piece a_ij(h), by the sharp gate of Lemma L2,
        z_i = -s_i + sum_p relu(a_ip(h) + s_i + G_i (e_p - 1)),   s_i = -lo_i,  G_i = hi_i - lo_i,
    with [lo_i, hi_i] the exact interval hull of all pieces, and erases the old h and z; then head i, with key and
    value z_i and the constant query sum_p e_p = 1, writes max_j a_ij into h_i at every token (Lemma L1).
    The erasers are exact on all of R^m, two neurons a coordinate: -v = relu(-v) - relu(v) (Lemma L3).

    `steps` may give the gates, as wide as Lemma L2(i) asks or wider.
    Raises `Unsupported` when the domain does not bound every input: gates need a bounded domain (Theorem C).
    """
    k = pieces_per_unit(network)
    slots = Slots.of(network, k)
    h, z = slots.hidden, slots.pieces
    work = Assembly("gated", (network, domain), one_hot(k), slots.width, h)
    for step in steps_for(network, domain, "gated", steps):
        neurons = Neurons(slots.width)
        neurons.gate(step, k, h, z, lambda i, p: p)
        neurons.unshift(step, z)
        neurons.erase((*range(h, h + step.old_hidden), *range(z, z + step.old_pieces)))
        work.feed(neurons)
        block = work.attend(max_head(slots.width, range(k), z + i, h + i) for i in range(step.width))
        work.place(*places(step.number, step.width, block, h, z))
    transformer = work.transformer(hidden=h)
    return work.compiled(transformer, slots.names, gated_lines(transformer, network, k))
