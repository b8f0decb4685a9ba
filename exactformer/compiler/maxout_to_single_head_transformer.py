"""One head a layer, one token for each choice of pieces (theory 2.3, b3 i)."""

from __future__ import annotations

from itertools import product

from exactformer.compiler.assembly import Assembly, Slots, into, sums
from exactformer.compiler.correspondence import Compiled, UnitPlace
from exactformer.compiler.gates import bounded, gated_steps, pieces_per_unit
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import SizeLine, broadest, entries_bound, gated_lines, widest
from exactformer.domain import Domain
from exactformer.errors import Unsupported
from exactformer.networks import Head, MaxoutNetwork, Transformer

MAX_TOKENS = 4096


def maxout_to_single_head_transformer(network: MaxoutNetwork, domain: Domain) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule; one head a layer.

    One token for each (j_1, ..., j_m) with 0 <= j_i < k, m = max m_l; its position code is one-hot for each unit,
    e_(i, j_i) = 1, so k m coordinates suffice. (Gates on a box, not the position-dependent blocks of the global
    construction: with a shared embedding the width is k m plus two slots; blocks would need k^m of them.) For layer l
        z_i <- -s_i + sum_p relu(a_ip(h) + s_i + G_i (e_(i,p) - 1)) = a_(i, j_i)(h)      (Lemma L2)
    and the old h and z are erased as in `maxout_to_gated_transformer`. The one head has the key sum_i z_i, the value
    z and the constant query sum_p e_(1,p) = 1; it adds (max_j a_1j, ..., max_j a_mj) to h at every token. For if some
    token of largest score had z_i < max_j a_ij, the token that differs from it in j_i alone, where it has a piece
    that attains the maximum, would have a larger score. So all tokens of largest score carry the same value, the
    vector of all maxima, and the head is tie-proof. In a layer with fewer than m units the other codes are idle.

    Raises `Unsupported` when the domain does not bound every input (Theorem C), and for more than MAX_TOKENS tokens.
    """
    box, k, m = bounded(domain, "single-head"), pieces_per_unit(network), widest(network)
    if k**m > MAX_TOKENS:
        raise Unsupported(
            f"construction single-head: expected at most {MAX_TOKENS} tokens, found {k}^{m}, "
            "one for each choice of a piece in each unit; the construction sequential has one head a sublayer too"
        )
    slots = Slots.of(network, k * m)
    h, z, d = slots.hidden, slots.pieces, slots.width
    codes = [[i * k + j for i, j in enumerate(choice)] for choice in product(range(k), repeat=m)]
    work = Assembly("single-head", (network, domain), codes, d, h)
    for step in gated_steps(network, box):
        neurons = Neurons(d)
        neurons.gate(step, k, h, z, lambda i, p: i * k + p)
        neurons.unshift(step, z)
        neurons.erase((*range(h, h + step.old_hidden), *range(z, z + step.old_pieces)))
        work.feed(neurons)
        units = range(step.width)
        value = sums(d, [(z + i,) for i in units])
        key = sums(d, [[z + i for i in units]])
        block = work.attend([Head(sums(d, [range(k)]), key, value, into(d, [h + i for i in units]))])
        work.place(*(UnitPlace(step.number, i, block, (0,), (h + i,), z + i) for i in units))
    transformer = work.transformer(hidden=h)
    return work.compiled(transformer, slots.names, _sizes(transformer, network, k))


def _sizes(t: Transformer, source: MaxoutNetwork, k: int) -> tuple[SizeLine, ...]:
    layers, m = len(source.widths), widest(source)
    entries = entries_bound(
        source,
        m * k**m,
        lambda l: k * l.units * (l.inputs + 3) + 4 * l.units + 4 * l.inputs * (1 + l.later) + k,
    )
    text = "sum of k m_l (m_(l-1)+3) + 4 m_l + 4 m_(l-1) (1 + [l >= 2]) + k, + n0 + m k^m + n_out (m_L+1)"
    return gated_lines(
        t,
        source,
        k,
        tokens=("k^m, m = max m_l", k**m),
        width=("k m + max(n0, m_l) + m", k * m + broadest(source) + m),
        heads=("L", layers),
        keys=("1", min(1, layers)),
        values=("m", m),
        entries=(text, entries),
    )
