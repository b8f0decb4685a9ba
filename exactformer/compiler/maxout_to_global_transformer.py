"""Theorem B: a maxout network on all of R^n as an attention-only Transformer with k + 1 tokens (theory 2.3, b1)."""

from __future__ import annotations

from fractions import Fraction

from exactformer.compiler.correspondence import Compiled, Correspondence, UnitPlace
from exactformer.compiler.sizes import SizeLine, broadest, entries_bound, size_lines
from exactformer.networks import Affine, Block, Head, MaxoutLayer, MaxoutNetwork, Transformer
from exactformer.rational import Matrix, Vector


def maxout_to_global_transformer(network: MaxoutNetwork) -> Compiled:
    """A Transformer with T(x) = N(x) for every x in R^n, under every tie rule; no feed-forward part, no gates.

    Tokens 0..k and coordinate blocks 0..k, block p = (e_p, H_p): token t has e_t = 1 and keeps the hidden vector
    in H_t, zeros elsewhere, so that one linear map acts as a different affine map at each token. For unit i of
    rank k and each target block p one head:
        value  v(t) = sum_{q>=1} (w_iq . H_q + b_iq e_q)                = a_iq(h) at token q >= 1, and 0 at token 0,
        key    (kappa(t), e_0(t)),  kappa = v + w_i1 . H_0 + (b_i1 - 1) e_0,   so a_i1(h) - 1 at token 0,
        query  (e_p, sum_{q != p} e_q),  output to coordinate i of H_p.
    At token p the scores are kappa: token 0 lies strictly below token 1 and is never selected; of the others the
    largest wins, and ties carry the same value. At any other token the scores are e_0: token 0 wins alone, with
    value 0. One more head attends from each token to itself alone (query and key e) and subtracts the old H.
    So after the sublayer token p again holds the new hidden vector in H_p and zeros elsewhere.

    Nothing is raised: the construction needs no box.
    """
    k = max(2, network.rank)
    n, widths = network.inputs, network.widths
    size = 1 + max([n, *widths])
    d = (k + 1) * size
    embedding = tuple(
        Affine(
            Matrix.sparse(d, n, {(t * size + 1 + i, i): 1 for i in range(n)}),
            Vector(tuple(int(c == t * size) for c in range(d))),
        )
        for t in range(k + 1)
    )
    blocks, units = [], []
    for number, layer in enumerate(network.layers):
        old = n if number == 0 else widths[number - 1]
        heads = [head for i in range(layer.width) for head in _unit_heads(layer, i, k, size)]
        blocks.append(Block((*heads, _copy_head(k, size, old)), None))
        for i in range(layer.width):
            own = tuple(range(i * (k + 1), (i + 1) * (k + 1)))
            units.append(UnitPlace(number, i, number, own, tuple(p * size + 1 + i for p in range(k + 1))))
    out = network.output
    moved = tuple((i, tuple((size + 1 + j, w) for j, w in row)) for i, row in out.weights.filled)
    readout = Affine(Matrix((out.outputs, d), moved, out.weights.denominator), out.biases)
    transformer = Transformer(
        embedding,
        tuple(blocks),
        1,
        readout,
        residual=True,
        domain=network.domain,
        name=f"{network.name} (global)".strip(),
    )
    names = tuple((f"block {p}: position, hidden", p * size, (p + 1) * size) for p in range(k + 1))
    return Compiled(
        transformer, network, Correspondence("global", tuple(units), names), global_sizes(transformer, network, k)
    )


def _unit_heads(layer: MaxoutLayer, unit: int, k: int, size: int) -> list[Head]:
    d = (k + 1) * size
    weights, biases = layer.pieces.weights, layer.pieces.biases
    value: dict[tuple[int, int], Fraction | int] = {}
    key: dict[tuple[int, int], Fraction | int] = {(1, 0): 1}
    for q in range(1, k + 1):
        piece = unit * layer.rank + (q - 1 if q <= layer.rank else 0)
        value[0, q * size] = biases[piece]
        value.update({(0, q * size + 1 + j): x for j, x in weights.row(piece).items()})
        if q == 1:
            key[0, 0] = biases[piece] - 1
            key.update({(0, 1 + j): x for j, x in weights.row(piece).items()})
    keys, values = Matrix.sparse(2, d, key | value), Matrix.sparse(1, d, value)
    heads = []
    for p in range(k + 1):
        query = Matrix.sparse(2, d, {(int(q != p), q * size): 1 for q in range(k + 1)})
        heads.append(Head(query, keys, values, Matrix.sparse(d, 1, {(p * size + 1 + unit, 0): 1})))
    return heads


def _copy_head(k: int, size: int, old: int) -> Head:
    d = (k + 1) * size
    itself = Matrix.sparse(k + 1, d, {(q, q * size): 1 for q in range(k + 1)})
    slots = [q * size + 1 + i for q in range(k + 1) for i in range(old)]
    value = Matrix.sparse(len(slots), d, dict.fromkeys(enumerate(slots), 1))
    return Head(itself, itself, value, Matrix.sparse(d, len(slots), {(c, r): -1 for r, c in enumerate(slots)}))


def global_sizes(t: Transformer, source: MaxoutNetwork, k: int) -> tuple[SizeLine, ...]:
    """The counts of Theorem B (theory 2.3, b1)."""
    widths = source.widths
    before = (source.inputs, *widths)[: len(widths)]
    entries = entries_bound(
        source,
        k + 1 + k * source.inputs,
        lambda l: (k + 1) * (l.units * ((2 * k + 1) * (l.inputs + 1) + k + 4) + 2 * (l.inputs + 1)),
    )
    text = "sum of (k+1) m_l ((2k+1)(m_(l-1)+1) + k+4) + 2 (k+1)(m_(l-1)+1), + (k+1)(n0+1) + n_out (m_L+1)"
    return size_lines(
        t,
        tokens=("k + 1", k + 1),
        width=("(k + 1) (1 + max(n0, m_l))", (k + 1) * (1 + broadest(source))),
        heads=("sum of (k + 1) m_l + 1", sum((k + 1) * m + 1 for m in widths)),
        values=("(k + 1) max m_(l-1)", (k + 1) * max(before, default=0)),
        attention=("L", len(widths)),
        feedforward=("0", 0),
        entries=(text, entries),
    )
