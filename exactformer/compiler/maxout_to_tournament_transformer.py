"""Maxima of many pieces by tournaments, on few tokens (theory 2.3, b4)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from exactformer.compiler.correspondence import Compiled, UnitPlace
from exactformer.compiler.gates import bounded, pieces_per_unit
from exactformer.compiler.maxout_to_gated_transformer import maxout_to_gated_transformer
from exactformer.compiler.maxout_to_lower_rank import levels, maxout_to_lower_rank
from exactformer.compiler.sizes import SizeLine, gated_lines, parameters, total
from exactformer.domain import Domain
from exactformer.networks import MaxoutNetwork, Transformer


def maxout_to_tournament_transformer(network: MaxoutNetwork, domain: Domain, arity: int = 2) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in the box `domain`, under every tie rule; at most `arity` tokens.

    `maxout_to_lower_rank` replaces each unit of rank k > q = `arity` by a tree of maxima of q, which changes neither
    its value nor that of the network; `maxout_to_gated_transformer` compiles the result with max(2, min(q, k)) tokens
    and ceil(log_q k) sublayers of each kind for a layer of rank k. Unit i of a source layer lives where the root of
    its tree does: unit i of the last of those layers.

    Raises `Unsupported` when the domain does not bound every input, `InvalidInput` for an arity below 2.
    """
    bounded(domain, "tournament")
    lowered = maxout_to_lower_rank(network, arity)
    compiled = maxout_to_gated_transformer(lowered, domain)
    last = -1
    units: list[UnitPlace] = []
    for number, layer in enumerate(network.layers):
        last += len(levels(layer.rank, arity))
        units += [replace(u, layer=number) for u in compiled.correspondence.units if u.layer == last]
    transformer = replace(compiled.transformer, name=f"{network.name} (tournament)".strip())
    way_back = replace(compiled.correspondence, construction="tournament", units=tuple(units))
    return Compiled(transformer, network, way_back, _sizes(transformer, network, lowered, arity))


def _sizes(t: Transformer, source: MaxoutNetwork, lowered: MaxoutNetwork, q: int) -> tuple[SizeLine, ...]:
    """The counts of Theorem A for the lowered network, in terms of the source: k_l is the rank of source layer l."""
    k, trees = pieces_per_unit(lowered), [levels(layer.rank, q) for layer in source.layers]
    widths = [layer.width * tree[0] for layer, tree in zip(source.layers, trees, strict=True)]
    heads = sum(layer.width * sum(tree) for layer, tree in zip(source.layers, trees, strict=True))
    depth = sum(map(len, trees))
    room = max([source.inputs, *widths]) + max(widths, default=0)
    return gated_lines(
        t,
        source,
        k,
        tokens=("q' = max(2, min(q, k))", max(2, min(q, source.rank))),
        width=("q' + max(n0, m_l ceil(k_l/q)) + max m_l ceil(k_l/q)", k + room),
        heads=("sum over l, r of m_l ceil(k_l/q^r)", heads),
        attention=("sum of max(1, ceil(log_q k_l))", depth),
        feedforward=("sum of max(1, ceil(log_q k_l))", depth),
        hidden=(
            "sum of q' w_r + 2 w_(r-1) (1 + [r >= 2]), w_r the widths of all levels, w_0 = n0",
            total(lowered, lambda l: k * l.units + 2 * l.inputs * (1 + l.later)),
        ),
        entries=("7.5 P' + n0 + q', P' as P with the levels as layers", _bound(lowered, k)),
    )


def _bound(lowered: MaxoutNetwork, k: int) -> Fraction:
    return Fraction(15, 2) * parameters(lowered, k) + lowered.inputs + k
