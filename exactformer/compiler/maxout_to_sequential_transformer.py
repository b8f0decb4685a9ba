"""One head a sublayer, one unit after the other (theory 2.3, b3 iii)."""

from __future__ import annotations

from collections.abc import Iterable

from exactformer.compiler.assembly import Assembly, Slots, max_head, one_hot
from exactformer.compiler.correspondence import Compiled, UnitPlace
from exactformer.compiler.gates import Step, pieces_per_unit, steps_for
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import gated_lines
from exactformer.domain import Domain
from exactformer.networks import MaxoutNetwork


def maxout_to_sequential_transformer(
    network: MaxoutNetwork, domain: Domain, steps: Iterable[Step] | None = None
) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule; one head a sublayer.

    Tokens, coordinates and feed-forward sublayers are those of `maxout_to_gated_transformer`. Its attention
    sublayer of m_l heads becomes m_l sublayers of one head: head i reads z_i and adds max_j a_ij to h_i, and as no
    head reads what another one of the layer writes, taking them in turn gives the same state as taking them at once.

    `steps` may give the gates, as wide as Lemma L2(i) asks or wider.
    Raises `Unsupported` when the domain does not bound every input: gates need a bounded domain (Theorem C).
    """
    k = pieces_per_unit(network)
    slots = Slots.of(network, k)
    h, z = slots.hidden, slots.pieces
    work = Assembly("sequential", (network, domain), one_hot(k), slots.width, h)
    for step in steps_for(network, domain, "sequential", steps):
        neurons = Neurons(slots.width)
        neurons.gate(step, k, h, z, lambda i, p: p)
        neurons.unshift(step, z)
        neurons.erase((*range(h, h + step.old_hidden), *range(z, z + step.old_pieces)))
        work.feed(neurons)
        for i in range(step.width):
            block = work.attend([max_head(slots.width, range(k), z + i, h + i)])
            work.place(UnitPlace(step.number, i, block, (0,), (h + i,), z + i))
    transformer = work.transformer(hidden=h)
    sizes = gated_lines(transformer, network, k, attention=("sum of m_l", sum(network.widths)))
    return work.compiled(transformer, slots.names, sizes)
