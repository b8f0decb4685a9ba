"""Theorem A with erasers of one neuron a coordinate, on the box (theory 2.1, L3, and 2.2)."""

from __future__ import annotations

from collections.abc import Iterable

from exactformer.compiler.assembly import Assembly, Slots, max_head, one_hot, places
from exactformer.compiler.correspondence import Compiled
from exactformer.compiler.gates import Step, pieces_per_unit, steps_for
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import gated_lines, total
from exactformer.domain import Domain
from exactformer.networks import MaxoutNetwork


def maxout_to_gated_box_erasers_transformer(
    network: MaxoutNetwork, domain: Domain, steps: Iterable[Step] | None = None
) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule; fewest erasing neurons.

    Tokens, coordinates, gates and heads are those of `maxout_to_gated_transformer`. The erasers differ: a slot that
    holds some v >= lo is emptied by one neuron instead of two,
        -v = -lo - relu(v - lo),
    since v - lo >= 0 passes the ReLU unchanged. The old h_c and z_c (a maximum of pieces, or one of them) both lie in
    the hull [lo_c, hi_c] of unit c of the layer before, and the input in the box, at every temperature of the heads.
    So each sublayer computes the same map as in Theorem A, and so does the Transformer. One neuron a coordinate is
    the least possible, by rank; with its two biases it has as many entries as two neurons.

    `steps` may give the gates, as wide as Lemma L2(i) asks or wider.
    Raises `Unsupported` when the domain does not bound every input: gates need a bounded domain (Theorem C).
    """
    k = pieces_per_unit(network)
    slots = Slots.of(network, k)
    h, z = slots.hidden, slots.pieces
    work = Assembly("gated-box-erasers", (network, domain), one_hot(k), slots.width, h)
    for step in steps_for(network, domain, "gated-box-erasers", steps):
        neurons = Neurons(slots.width)
        neurons.gate(step, k, h, z, lambda i, p: p)
        neurons.unshift(step, z)
        neurons.erase_above(h, [low for low, _ in step.before])
        neurons.erase_above(z, [low for low, _ in step.before[: step.old_pieces]])
        work.feed(neurons)
        block = work.attend(max_head(slots.width, range(k), z + i, h + i) for i in range(step.width))
        work.place(*places(step.number, step.width, block, h, z))
    transformer = work.transformer(hidden=h)
    neurons_in_all = total(network, lambda l: k * l.units + l.inputs * (1 + l.later))
    hidden = "sum of k m_l + m_(l-1) (1 + [l >= 2])", neurons_in_all
    return work.compiled(transformer, slots.names, gated_lines(transformer, network, k, hidden=hidden))
