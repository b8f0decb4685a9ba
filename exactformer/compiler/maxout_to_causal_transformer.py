"""A maxout network on a box as a Transformer with a causal mask (theory 2.3, b5)."""

from __future__ import annotations

from exactformer.compiler.assembly import Assembly, Slots, max_head, one_hot, places
from exactformer.compiler.correspondence import Compiled
from exactformer.compiler.gates import Step, bounded, gated_steps, pieces_per_unit
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import SizeLine, broadest, entries_bound, gated_lines, total, widest
from exactformer.domain import Domain
from exactformer.networks import MaxoutNetwork, Transformer


def maxout_to_causal_transformer(network: MaxoutNetwork, domain: Domain) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule; mask "causal".

    A token sees itself and earlier tokens, so a maximum over k tokens reaches only those after them. There are L
    groups of k tokens, one group a layer, and a read-out token at the end; group l serves layer l alone.
    Coordinates are those of `maxout_to_gated_transformer`, with one-hot positions of all k L + 1 tokens.
    *Claim.* After layer l the tokens of the groups > l and the read-out token hold h = h^l, all tokens hold
    h_i >= -s_i, within the bounds from which the gates of layer l + 1 are made, and z >= 0. For layer l the
    feed-forward sublayer writes
        z_i <- sum_p relu(a_ip(h) + s_i + G_i (e_(l,p) - 1)),   s_i = 1 - lo_i,  G_i = 1 + hi_i - lo_i,
    so z_i = a_ij(h) + s_i >= 1 at token (l, j), which by the claim holds h = h^(l-1), and z_i = 0 at all others; the
    old z, being >= 0, is erased by -relu(z), and the old h by two neurons a coordinate; h_i <- -s_i. Then head i
    (key and value z_i, constant query) adds the maximum of z_i over the visible tokens to h_i: from group l + 1 on it
    is max_j a_ij + s_i, as positive beats zero; inside group l a maximum over some of the pieces; before it 0, carried
    by every visible token. In all cases -s_i <= h_i <= hi_i. Heads are tie-proof, as key = value (Lemma L1).

    Raises `Unsupported` when the domain does not bound every input: gates need a bounded domain (Theorem C).
    """
    box, k = bounded(domain, "causal"), pieces_per_unit(network)
    tokens = k * len(network.layers) + 1
    slots = Slots.of(network, tokens)
    h, z = slots.hidden, slots.pieces
    work = Assembly("causal", (network, domain), one_hot(tokens), slots.width, h)
    for step in gated_steps(network, box, margin=1, dip=1):
        work.feed(_neurons(step, k, slots))
        block = work.attend(max_head(slots.width, range(tokens), z + i, h + i) for i in range(step.width))
        work.place(*places(step.number, step.width, block, h, z))
    transformer = work.transformer(hidden=h, token=tokens - 1, mask="causal")
    return work.compiled(transformer, slots.names, _sizes(transformer, network, k))


def _neurons(step: Step, k: int, slots: Slots) -> Neurons:
    h, z = slots.hidden, slots.pieces
    neurons = Neurons(slots.width)
    neurons.gate(step, k, h, z, lambda i, p: step.number * k + p)
    neurons.unshift(step, h)
    neurons.erase(range(h, h + step.old_hidden))
    neurons.erase_above(z, [0] * step.old_pieces)
    return neurons


def _sizes(t: Transformer, source: MaxoutNetwork, k: int) -> tuple[SizeLine, ...]:
    tokens = k * len(source.widths) + 1
    entries = entries_bound(
        source,
        tokens,
        lambda l: k * l.units * (l.inputs + 3) + l.units * (tokens + 4) + 2 * l.inputs * (2 + l.later),
    )
    text = "sum of k m_l (m_(l-1)+3) + m_l (k L+5) + 2 m_(l-1) (2 + [l >= 2]), + n0 + k L + 1 + n_out (m_L+1)"
    return gated_lines(
        t,
        source,
        k,
        tokens=("k L + 1", tokens),
        width=("k L + 1 + max(n0, m_l) + max m_l", tokens + broadest(source) + widest(source)),
        keys=("1", min(1, len(source.widths))),
        hidden=(
            "sum of k m_l + m_(l-1) (2 + [l >= 2])",
            total(source, lambda l: k * l.units + l.inputs * (2 + l.later)),
        ),
        entries=(text, entries),
    )
