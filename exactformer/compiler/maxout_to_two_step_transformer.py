"""Two attention sublayers of one head a layer, one token a piece of a unit (theory 2.3, b3 ii)."""

from __future__ import annotations

from exactformer.compiler.assembly import Assembly, Names, Slots, into, one_hot, sums
from exactformer.compiler.correspondence import Compiled, UnitPlace
from exactformer.compiler.gates import Step, bounded, gated_steps, pieces_per_unit
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import SizeLine, broadest, entries_bound, gated_lines, widest
from exactformer.domain import Domain
from exactformer.networks import Head, MaxoutNetwork, Transformer


def maxout_to_two_step_transformer(network: MaxoutNetwork, domain: Domain) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under the tie rule "average"; two heads a layer.

    Tokens (i, j) with i < m = max m_l and j < k, one-hot positions e_(i,j). Coordinates: position, hidden vector h,
    pieces z, and one slot y a unit for its maximum. For layer l the feed-forward sublayer writes
        z_i <- sum_p relu(a_ip(h) + s_i + G_i (e_(i,p) - 1)),   s_i = 1 - lo_i,  G_i = 1 + hi_i - lo_i,
    so z = (a_ij(h) + s_i) u_i at token (i, j), u_i the i-th unit vector, and a_ij + s_i >= 1; it erases the old h by
    two neurons a coordinate and the old z and y, which are >= 0, by one, and sets h_i <- -s_i. Then
        head 1   key and value z, query sum_j e_(i,j) = [the token is one of unit i]: at the tokens of unit i the
                 score is z_i, positive at these very tokens and 0 at the others, so y <- (max_j a_ij + s_i) u_i, and
                 tied tokens carry equal values. Where m_l < m, one more coordinate of key and query makes the tokens
                 without a unit, whose z is 0, read themselves;
        head 2   W_Q = 0, value y, output m y into h: all scores are 0, the average of y over the k m tokens is
                 sum_i (max_j a_ij + s_i) u_i / m, so h_i <- max_j a_ij at every token.
    Head 2 needs the average: it collects what m different tokens hold, which a rule that picks one token cannot.
    Under "leftmost" and "rightmost" the Transformer therefore differs from N as soon as m >= 2.

    Raises `Unsupported` when the domain does not bound every input: gates need a bounded domain (Theorem C).
    """
    box, k, m = bounded(domain, "two-step"), pieces_per_unit(network), max(1, widest(network))
    slots = Slots.of(network, k * m)
    y, d = slots.width, slots.width + widest(network)
    work = Assembly("two-step", (network, domain), one_hot(k * m), d, slots.hidden)
    for step in gated_steps(network, box, margin=1):
        work.feed(_neurons(step, k, slots, d))
        work.attend([_gather(step, k, m, slots, d)])
        each = sums(d, [(y + i,) for i in range(step.width)])
        hidden = range(slots.hidden, slots.hidden + step.width)
        block = work.attend([Head(sums(d, [()]), sums(d, [()]), each, into(d, hidden, m))])
        work.place(*(UnitPlace(step.number, i, block, (0,), (h,), slots.pieces + i) for i, h in enumerate(hidden)))
    transformer = work.transformer(hidden=slots.hidden)
    names: Names = (*slots.names, ("maxima", y, d))
    return work.compiled(transformer, names, _sizes(transformer, network, k, m))


def _neurons(step: Step, k: int, slots: Slots, d: int) -> Neurons:
    h, z = slots.hidden, slots.pieces
    neurons = Neurons(d)
    neurons.gate(step, k, h, z, lambda i, p: i * k + p)
    neurons.unshift(step, h)
    neurons.erase(range(h, h + step.old_hidden))
    neurons.erase_above(z, [0] * step.old_pieces)
    neurons.erase_above(slots.width, [0] * step.old_pieces)
    return neurons


def _gather(step: Step, k: int, m: int, slots: Slots, d: int) -> Head:
    """Head 1: the tokens of unit i read the largest of their own pieces."""
    values = [(slots.pieces + i,) for i in range(step.width)]
    idle = [range(step.width * k, m * k)] if step.width < m else []
    query = sums(d, [*(range(i * k, (i + 1) * k) for i in range(step.width)), *idle])
    maxima = range(slots.width, slots.width + step.width)
    return Head(query, sums(d, [*values, *idle]), sums(d, values), into(d, maxima))


def _sizes(t: Transformer, source: MaxoutNetwork, k: int, m: int) -> tuple[SizeLine, ...]:
    layers, widths = len(source.widths), source.widths
    entries = entries_bound(
        source,
        k * m,
        lambda l: k * l.units * (l.inputs + 3) + k * (2 * m - l.units) + 6 * l.units + 4 * l.inputs * (1 + l.later),
    )
    text = "sum of k m_l (m_(l-1)+3) + k (2 m - m_l) + 6 m_l + 4 m_(l-1) (1 + [l >= 2]), + n0 + k m + n_out (m_L+1)"
    return gated_lines(
        t,
        source,
        k,
        tokens=("k m, m = max(1, m_l)", k * m),
        width=("k m + max(n0, m_l) + 2 max m_l", k * m + broadest(source) + 2 * widest(source)),
        heads=("2 L", 2 * layers),
        keys=("max of m_l + [m_l < m]", max((w + (w < m) for w in widths), default=0)),
        values=("max m_l", widest(source)),
        attention=("2 L", 2 * layers),
        entries=(text, entries),
    )
