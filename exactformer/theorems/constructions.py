"""The constructions of a Transformer from a maxout network: equality, sizes, mutants, and what they cannot do."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from exactformer.building import Design, Space, block, head, one_hot, token
from exactformer.claims import TiesAgree, Within
from exactformer.compiler import CONSTRUCTIONS, compile_network
from exactformer.compiler.gates import gated_steps
from exactformer.compiler.sizes import nonzeros
from exactformer.domain import Box, Domain, interval_box
from exactformer.networks import MaxoutNetwork, Transformer
from exactformer.networks.semantics import TIES, Tie
from exactformer.prover import prove, verify
from exactformer.rational import Matrix
from exactformer.theorems.case import Case, expect
from exactformer.theorems.edits import (
    feed_forward_only,
    with_block,
    with_gate,
    with_heads_scaled,
    without_heads,
    without_neurons,
    without_positions,
)
from exactformer.theorems.expressions import ZERO, Row, network, unknowns
from exactformer.theorems.theorem import theorem


def fault(net: Transformer, case: Case) -> Transformer:
    """The Transformer, in a broken case with a last attention that writes twice as much."""
    return with_heads_scaled(net) if case.broken else net


def relu_chain(case: Case, layers: int) -> MaxoutNetwork:
    """The network of layers max(c t + d, 0) with c, d > 0 on [-1, 1]: positive at x = 1, whatever is added to it."""
    chain = [[[case.positive() * Row({0: 1}) + case.positive(), ZERO]] for _ in range(layers)]
    return network(1, chain, unknowns(1), Box([-1], [1]))


@theorem(
    "T5",
    "Theorem A: the gated construction",
    "Theorem A",
    instances=48,
    negatives="N15",
    inputs=(1, 2),
    layers=(1, 3),
    width=(1, 2),
    rank=(2, 3),
)
def gated_equals_its_source(case: Case, inputs: int, layers: int, width: int, rank: int) -> None:
    """The gated Transformer of a maxout network equals it on the box, read at each token, under each tie rule.

    T(x) = N(x) for all x in the box: k tokens, L feed-forward and L attention sublayers, one head a unit.
    """
    net = case.network(inputs, [width] * layers, rank)
    compiled = fault(compile_network(net).transformer, case)
    for t in range(compiled.tokens):
        found = verify(net, replace(compiled, token=t))
        case.proved(found, f"token {t}")
        expect("any tie rule" in (found.theorem or ""), f"token {t}: {found.theorem}")


@theorem("T6", "Sizes of Theorem A", "Theorem A", instances=60, inputs=(1, 3), layers=(1, 3), width=(1, 3), rank=(2, 4))
def sizes_of_gated(case: Case, inputs: int, layers: int, width: int, rank: int) -> None:
    """Theorem A has the sizes that its formulas say, and at most 15/2 P + n + k non-zero entries.

    Tokens k, width k + max(n, m_1, ..., m_L) + max m_l, heads sum m_l with d_k = d_v = 1, hidden neurons sum_l k m_l +
    2 m_(l-1) (1 + [l >= 2]), m_0 = n; P is the number of parameters of the source. Counted.
    """
    widths = [case.integer(1, width) for _ in range(layers)]
    net = case.network(inputs, widths, rank)
    made = compile_network(net).transformer
    if case.broken:
        made = without_neurons(made, 0, [0])
    heads = [head for block in made.blocks for head in block.heads or ()]
    feeds = [block.feedforward for block in made.blocks if block.feedforward is not None]
    before = [inputs, *widths]
    hidden = sum(rank * m + 2 * before[i] * (1 + (i > 0)) for i, m in enumerate(widths))
    expect(made.tokens == rank and made.width == rank + max(before) + max(widths), "tokens and width")
    expect(
        len(heads) == sum(widths) and {h.key.shape[0] for h in heads} == {h.value.shape[0] for h in heads} == {1},
        "heads",
    )
    expect(sum(feed.hidden for feed in feeds) == hidden, f"hidden neurons: {sum(f.hidden for f in feeds)} for {hidden}")
    bound = Fraction(15, 2) * net.parameters + inputs + rank
    expect(nonzeros(made) <= bound, f"{nonzeros(made)} non-zero entries, at most {bound}")


@theorem("T7", "Mutants of Theorem A", "L2, L3", expected="fails", instances=9, negatives="N2 N3", layers=(1, 3))
def mutants_are_refuted(case: Case, layers: int) -> None:
    """Without an eraser, a head or a piece, or with a gate one notch below L2(ii), there is a point where T differs
    from N.

    For the networks t -> max(c t + d, 0), c and d > 0, of L layers, one after the other: no eraser of the old hidden
    value (e1), none of the old pieces (e2, from layer 2 on), no head, one piece missing, G - s below the second largest
    piece: refuted with a witness each. With s = G = 0, between L2(ii) and L2(i): still equal.
    """
    net = relu_chain(case, layers)
    made = compile_network(net).transformer
    number = case.integer(0, layers - 1)
    k = made.tokens
    notch = Fraction(1, case.integer(2, 99))
    assert net.domain is not None
    gate = next(gated_steps(net, interval_box(net.domain))).gates[0]
    old, zero = (gate.shift, gate.height), Fraction(0)
    mutants = {
        "e1": without_neurons(made, number, range(k, k + 2)),
        "head": without_heads(made, number + 1),
        "piece": without_neurons(made, number, [0]),
        "gate": with_gate(made, 0, old, (zero, -notch)),
    }
    if number:
        mutants["e2"] = without_neurons(made, number, range(k + 2, k + 4))
    for name, mutant in mutants.items():
        case.refuted(verify(net, made if case.broken else mutant), f"mutant {name} of layer {number}")
    case.proved(verify(net, with_gate(made, 0, old, (zero, zero))), "gate between L2(i) and L2(ii)")


@theorem(
    "T8",
    "Theorem B: the global construction",
    "Theorem B",
    expected="sharp",
    instances=24,
    inputs=(1, 2),
    layers=(1, 2),
    width=(1, 2),
    rank=(2, 3),
)
def global_equals_its_source(case: Case, inputs: int, layers: int, width: int, rank: int) -> None:
    """Attention alone equals a maxout network on all of R^n; token 0 must lie strictly below token 1.

    T(x) = N(x) for all x in R^n under each tie rule: k + 1 tokens, no feed-forward sublayers. With the score of token 0
    equal to that of token 1 (offset 0 in place of 1), averaging and leftmost ties are refuted for the unit max(a x + b,
    c x + d, ...) with a > 0 the largest slope, and rightmost ties are still proved.
    """
    net = case.network(inputs, [width] * layers, rank, domain=Domain.everything(inputs))
    made = fault(compile_network(net, construction="global").transformer, case)
    for tie in TIES:
        case.proved(verify(net, made, tie=tie), f"tie rule {tie}")
    steep = Row({0: 4}, case.number())
    unit = [steep, *(Row({0: case.integer()}, case.number()) for _ in range(rank - 1))]
    one = network(1, [[unit]], unknowns(1), Domain.everything(1))
    raised = token_zero_raised(compile_network(one, construction="global").transformer)
    ties: tuple[Tie, ...] = ("average", "leftmost")
    for tie in ties:
        case.refuted(verify(one, raised, tie=tie), f"offset 0, tie rule {tie}")
    case.proved(verify(one, raised, tie="rightmost"), "offset 0, tie rule rightmost")


def token_zero_raised(net: Transformer) -> Transformer:
    """The score of token 0 one larger in each head of the global construction that takes a maximum."""
    (only,) = net.blocks
    heads = []
    for each in only.heads or ():
        if each.key.shape[0] == 2:
            entries = each.key.entries()
            each = replace(each, key=Matrix.sparse(*each.key.shape, {**entries, (0, 0): entries.get((0, 0), 0) + 1}))
        heads.append(each)
    return with_block(net, 0, replace(only, heads=tuple(heads)))


@theorem(
    "T9",
    "Theorem C: shared embeddings need a box",
    "Theorem C",
    instances=12,
    negatives="N8",
    tokens=(2, 3),
    layers=(1, 2),
)
def shared_embeddings_stay_together(case: Case, tokens: int, layers: int) -> None:
    """With one embedding for all tokens, and attention alone, their states stay within a bound that the weights give.

    X_0[:, t] = E x + p_t, x in R. Let D_0 = max |p_t - p_t'|, D_l = D_(l-1) (1 + sum_h ||W_O W_V||), maximum norms.
    Then |X_l[:, t] - X_l[:, t']| <= D_l for all x in R, at each tie rule tried (keys that read p alone). And the gated
    Transformer of max(a x, b x) on [-B, B], a > b > 0, differs from it somewhere on R, with a witness.
    """
    x, space = Space("x"), Space(p=tokens, h=2)
    p, h = space.parts
    starts = [case.integers(2) for _ in range(tokens)]
    slopes = case.integers(2)
    held = [[slopes[i] * x.parts[0] + starts[t][i] for i in range(2)] for t in range(tokens)]
    gap = max(1, *(abs(a[i] - b[i]) for a in starts for b in starts for i in range(2)))
    bound, blocks = Fraction(gap), []
    for _ in range(layers):
        value, query = case.integers(2), case.integers(2)
        rates, to = case.integers(tokens), case.integer(0, 1)
        score = query[0] * h[0] + query[1] * h[1]
        key = sum((rates[t] * p[t] for t in range(1, tokens)), rates[0] * p[0])
        blocks.append(block(head(query=score, key=key, value=value[0] * h[0] + value[1] * h[1], to=h[to])))
        bound *= 1 + abs(value[0]) + abs(value[1])
    if case.broken:
        bound = Fraction(-1, 1) + gap / Fraction(2)
    holding = [token(p=one_hot(t, tokens), h=held[t]) for t in range(tokens)]
    designs = [
        Design(inputs=x, space=space, tokens=holding, blocks=blocks, readout=h, token=t).build() for t in range(tokens)
    ]
    tie = case.random.choice(TIES)
    for other in designs[1:]:
        case.proved(
            verify(designs[0], other, claim=Within(max(bound, Fraction(0))), domain=Domain.everything(1), tie=tie),
            f"{bound}",
        )
    size = case.integer(1, 9)
    less = case.positive()
    steep, flat = Row({0: less + case.positive()}), Row({0: less})
    unit = network(1, [[[steep, flat]]], unknowns(1), Box([-size], [size]))
    case.refuted(
        verify(unit, compile_network(unit).transformer, domain=Domain.everything(1)), f"gates for [-{size}, {size}]"
    )


@theorem(
    "T10", "The other constructions", "b0 to b6", instances=8, inputs=(1, 2), layers=(1, 2), width=(1, 2), rank=(2, 3)
)
def other_constructions(case: Case, inputs: int, layers: int, width: int, rank: int) -> None:
    """Every construction equals its source on the box, and has the sizes that its formulas say.

    No residual, one head over k^m tokens, two steps over k m tokens, causal, sequential, tournament, other erasers,
    ReLU networks as rank 2: T(x) = N(x) for all x in the box under each tie rule (two steps: averaging ties only).
    """
    net = case.network(inputs, [width] * layers, rank)
    for name in CONSTRUCTIONS:
        compiled = compile_network(net, construction=name)
        expect(all(line.agrees for line in compiled.sizes), f"{name}: {[s for s in compiled.sizes if not s.agrees]}")
        ties: tuple[Tie, ...] = ("average",) if name == "two-step" else ("average", case.random.choice(TIES[1:]))
        for tie in ties:
            case.proved(verify(net, fault(compiled.transformer, case), tie=tie), f"{name}, tie rule {tie}")
    case.proved(prove(case.network(inputs, [width] * layers, 2)), "rank 2")


@theorem(
    "T34", "Without positions attention is trivial", "b7", expected="fails", instances=9, negatives="N13", layers=(1, 3)
)
def positions_are_needed(case: Case, layers: int) -> None:
    """With all tokens embedded alike, attention adds sum_h W_O W_V x, a linear map, and the Transformer is a
    feed-forward one.

    The gated Transformer of t -> max(c t + d, 0), L layers with c, d > 0, without its positions: equal on [-1, 1] to
    one token with a linear map in the place of each attention sublayer, and different from its source, with a witness.
    """
    net = relu_chain(case, layers)
    made = compile_network(net).transformer
    alike = without_positions(made)
    for tie in TIES:
        case.proved(verify(alike, feed_forward_only(alike), domain=net.domain, tie=tie), "feed-forward alone")
    case.refuted(verify(net, made if case.broken else alike), "without positions")


@theorem("T36", "Ties", "Theorem A, N4", instances=12, negatives="N4 N15", inputs=(1, 2), layers=(1, 2), rank=(2, 3))
def ties_do_not_matter_when_compiled(case: Case, inputs: int, layers: int, rank: int) -> None:
    """Compiled Transformers agree under the three tie rules also where pieces tie everywhere; other heads do not.

    Networks whose units repeat a piece: N = T under each tie rule. The head with scores (x, -x) and values (1, 0) gives
    at x = 0: 1/2 averaging, 1 leftmost, 0 rightmost; that its tie rules agree on R is refuted.
    """
    plain = case.network(inputs, [2] * layers, rank)
    weights = [[[list(r) for r in _rows(layer.pieces.weights, i, rank)] for i in range(2)] for layer in plain.layers]
    doubled = [([[unit[0], *unit[1:], unit[0]] for unit in units], [[0] * (rank + 1)] * 2) for units in weights]
    net = MaxoutNetwork.of(doubled, ([[1, case.integer(1, 3)]], [case.integer()]), domain=Domain.box(inputs, -1, 1))
    made = fault(compile_network(net).transformer, case)
    for tie in TIES:
        case.proved(verify(net, made, tie=tie), f"tie rule {tie}")
    jump = two_scores()
    values = [jump.evaluate([0], tie=tie)[0] for tie in TIES]
    expect(values == [Fraction(1, 2), 1, 0], f"the head jumps through {values}")
    case.refuted(verify(jump, claim=TiesAgree(), domain=Domain.everything(1)), "tie rules of the head that jumps")


def _rows(weights: Matrix, unit: int, rank: int) -> list[list[Fraction]]:
    return weights.dense()[unit * rank : (unit + 1) * rank]


def two_scores() -> Transformer:
    """The head with scores (x, -x) and values (1, 0)."""
    x, space = Space("x"), Space("one", "key", "value", "out")
    one, key, value, out = space.parts
    tokens = [token(one=1, key=x.parts[0], value=1), token(one=1, key=-x.parts[0])]
    blocks = [block(head(query=one, key=key, value=value, to=out))]
    return Design(inputs=x, space=space, tokens=tokens, blocks=blocks, readout=out).build()
