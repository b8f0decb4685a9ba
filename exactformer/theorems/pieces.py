"""The facts about the pieces of a construction: the head that takes a maximum, sharp gates, erasers, softmax means."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from exactformer.building import Design, Space, block, max_head, token, uniform_head
from exactformer.claims import AtMost, Range
from exactformer.compiler.gates import gated_steps
from exactformer.domain import Box, Domain, interval_box
from exactformer.generic import lemmas
from exactformer.measuring import distance
from exactformer.networks import MaxoutNetwork
from exactformer.networks.semantics import TIES
from exactformer.prover import verify
from exactformer.theorems.all_weights import settled
from exactformer.theorems.case import Case, expect
from exactformer.theorems.expressions import ZERO, Row, network, total, unknowns, where
from exactformer.theorems.means import softmax_mean
from exactformer.theorems.theorem import theorem


@theorem("T1", "The max head", "L1", evidence="all weights", instances=4, rank=(1, 4))
def max_head_takes_the_maximum(case: Case, rank: int) -> None:
    """A head with constant query and key = value = z_t at token t writes max_t z_t to every token, under each tie rule.

    For all z in R^k, all q in [k] and each tie rule: sum_t alpha_tq z_t = max_t z_t.
    """
    inputs, state = Space(z=rank), Space("one", "key", "out")
    tokens = [token(one=1, key=inputs.parts[0][t] - int(case.broken and t == 0)) for t in range(rank)]
    one, key, out = state.parts
    maximum = network(rank, [[unknowns(rank)]], unknowns(1))
    for q in range(rank):
        design = Design(
            inputs=inputs,
            space=state,
            tokens=tokens,
            blocks=[block(max_head(key, one=one, to=out))],
            readout=out,
            token=q,
        )
        for tie in TIES:
            case.proved(
                verify(maximum, design.build(), domain=Domain.everything(rank), tie=tie), f"token {q}, tie rule {tie}"
            )


def gate_parts(rank: int, notch: Fraction | int = 0) -> tuple[list[Row], Row, Row, list[list[Row]], list[Row]]:
    """Unknowns a_1, ..., a_k, s, G; the ReLUs of a gate as units, and z_1, ..., z_k, which are affine in these.

    z_j = -s + sum_p relu(a_p + s + G (e_p(j) - 1)), less a notch where e_p(j) = 0.
    """
    *pieces, shift, height = unknowns(rank + 2)
    active = [[piece + shift, ZERO] for piece in pieces]
    inactive = [[piece + shift - height + notch, ZERO] for piece in pieces]
    units = unknowns(2 * rank + 1)  # the last one passes s on
    values = [units[j] + total([units[rank + p] for p in range(rank) if p != j]) - units[-1] for j in range(rank)]
    return pieces, shift, height, [*active, *inactive, [shift]], values


@theorem(
    "T2", "Sharp gates, token by token", "L2(i)", expected="sharp", evidence="all weights", instances=3, rank=(2, 4)
)
def gates_pick_the_piece(case: Case, rank: int) -> None:
    """A gate hands each token its own piece exactly where its two constants fit, and otherwise too large a number.

    Let z_j = -s + sum_p relu(a_p + s + G ([p = j] - 1)). For all a in R^k, s and G: if -s <= a_p <= G - s for all p,
    then z_j = a_j for all j. For all a, s, G without hypotheses: z_j >= -s, and z_j >= a_j + (a_q + s - G) for q != j;
    so z_j > a_j where a_j < -s, and where some other a_q > G - s.
    """
    pieces, shift, height, units, values = gate_parts(rank, Fraction(case.broken, 8))
    size = rank + 2
    fits = where(size, *[a + shift for a in pieces], *[height - shift - a for a in pieces])
    everywhere = Domain.everything(size)
    for j, value in enumerate(values):
        gate = network(size, [units], [value])
        case.proved(verify(gate, network(size, [], [pieces[j]]), domain=fits), f"token {j}")
        for least in (-shift, *[pieces[j] + pieces[q] + shift - height for q in range(rank) if q != j]):
            case.proved(
                verify(network(size, [], [least]), gate, claim=AtMost(), domain=everywhere), f"token {j}, below"
            )
    settled(case, lemmas.gates_pick_the_piece(rank))


@theorem(
    "T3",
    "Sharp gates, the maximum alone",
    "L2(ii)",
    expected="sharp",
    evidence="all weights",
    instances=3,
    negatives="N2",
    rank=(2, 4),
)
def gates_keep_the_maximum(case: Case, rank: int) -> None:
    """The maximum over the tokens is right exactly where s >= -max a and G - s >= a_(2), the second largest piece.

    For all a in R^k with a_1 >= ... >= a_k, all s and all G >= 0: if s >= -a_1 and G - s >= a_2, then z_1 = a_1 and z_j
    <= a_1 for all j, so max_j z_j = a_1. If not, the maximum is larger: always z_1 >= -s, and z_1 >= a_1 + (a_2 - (G -
    s)) where s >= -a_1. (Both sides are symmetric in a, so the order is no restriction.) For pieces x and 1 - x on [0,
    1] with s = 0 and G = 1/2 - d, the error is exactly d.
    """
    notch = Fraction(1, case.integer(3, 9))
    size = rank + 2
    pieces, shift, height, units, values = gate_parts(rank, notch if case.broken else 0)
    ordered = [a - b for a, b in pairwise(pieces)] + [height]
    fits = where(size, *ordered, pieces[0] + shift, height - shift - pieces[1])
    largest, first = network(size, [], [pieces[0]]), network(size, [units], [values[0]])
    case.proved(verify(first, largest, domain=fits), "z_1 = a_1")
    for value in values[1:]:
        case.proved(verify(network(size, [units], [value]), largest, claim=AtMost(), domain=fits), "z_j <= a_1")
    below = network(size, [], [-shift])
    case.proved(verify(below, first, claim=AtMost(), domain=where(size, *ordered)), "s is necessary")
    leak = network(size, [], [pieces[0] + pieces[1] + shift - height])
    case.proved(verify(leak, first, claim=AtMost(), domain=where(size, *ordered, pieces[0] + shift)), "G is necessary")
    pair, box = (Row({0: 1}), Row({0: -1}, 1)), Domain.box(1, 0, 1)
    _, _, _, _, both = gate_parts(2)
    closed = Row({}, Fraction(1, 2) - notch)
    fixed = [[piece, ZERO] for piece in pair] + [[piece - closed, ZERO] for piece in pair] + [[ZERO]]
    found = distance(network(1, [[pair]], unknowns(1)), network(1, [fixed, [both]], unknowns(1)), domain=box)
    case.exactly(found, notch, f"G = 1/2 - {notch}")
    settled(case, lemmas.gates_keep_the_maximum(rank))


@theorem("T4", "Erasers", "L3", evidence="all weights", instances=3, negatives="N10", inputs=(1, 3))
def erasers_are_exact(case: Case, inputs: int) -> None:
    """A slot is erased by 2 neurons a coordinate on R^m, by 1 on a box, and by a uniform head where all tokens agree.

    For all v in R^m: v + relu(-v) - relu(v) = 0, coordinate by coordinate, and that is wrong for some v without any one
    of these 2m neurons; for all v and B with v >= -B: v + B - relu(v + B) = 0. If all tokens hold the same v, a head of
    weights 1/n that writes -v leaves 0: in the hard limit, averaging ties, for all v, and under softmax at each
    temperature tried, for all v in [-4, 4]^m.
    """
    slot, m = unknowns(inputs), inputs
    signs = [(sign, c) for c in range(m) for sign in (-1, 1)]

    def erased(neurons: list[tuple[int, int]]) -> MaxoutNetwork:
        units = [[sign * slot[c], ZERO] for sign, c in neurons] + [[v] for v in slot]
        after = unknowns(len(units))
        rows = after[len(neurons) :]
        for unit, (sign, c) in zip(after, neurons, strict=False):
            rows[c] = rows[c] - sign * unit
        return network(m, [units], rows, Domain.everything(m))

    nothing = network(m, [], [ZERO] * m)
    case.proved(verify(erased(signs[case.broken :]), nothing), "2 neurons a coordinate")
    for i in range(len(signs)):
        case.refuted(verify(erased(signs[:i] + signs[i + 1 :]), nothing), f"without neuron {i}")
    v, bound = unknowns(2)
    box = network(2, [[[v + bound, ZERO]]], unknowns(1))
    case.proved(verify(box, network(2, [], [v + bound]), domain=where(2, v + bound)), "1 neuron on a box")
    space, state = Space(v=m), Space(position=2, v=m)
    _, held = state.parts
    tokens = [token(position=[1 - t, t], v=space.parts[0]) for t in (0, 1)]
    blocks = [block(uniform_head(value=-held, to=held))]
    head = Design(inputs=space, space=state, tokens=tokens, blocks=blocks, readout=held).build()
    case.proved(verify(head, nothing, domain=Domain.everything(m)), "uniform head")
    for rate in (case.positive(), case.positive()):
        case.proved(
            verify(head, nothing, domain=Domain.box(m, -4, 4), left_temperature=rate), f"uniform head at {rate}"
        )


@theorem("T12", "The softmax mean", "L5", instances=40, negatives="N1 N9", rank=(2, 5))
def softmax_mean_basics(case: Case, rank: int) -> None:
    """B lies between minimum and maximum, moves with translations, is max only for equal numbers, and is not monotone.

    For the z tried, integers, at base 2: min z <= B(z) <= max z, B(z + c) = B(z) + c, and B(z) = max z iff z is
    constant. B(0, -4) = -4/17 > B(0, -2) = -2/5 though -4 < -2; |B(1, -3) - B(0, -2)| = 99/85 > 1, so B is not
    1-Lipschitz in the maximum norm; B(0, -4) > (B(0, -3) + B(0, -5)) / 2, so it is not convex.
    """
    z = case.integers(rank, 6)
    if case.broken:
        z[0] = z[1] + 1
    mean, shift = softmax_mean(z), case.integer(-9, 9)
    if case.broken:
        mean = Fraction(max(z))  # as a hard head has it
    expect(min(z) <= mean <= max(z), f"B{tuple(z)} = {mean}")
    expect((mean == max(z)) == (len(set(z)) == 1), f"B{tuple(z)} = {mean}, and the maximum is {max(z)}")
    moved = softmax_mean([x + shift for x in z])
    expect(moved == mean + shift, f"B{tuple(z)} = {mean}, and {moved} with {shift} added to each")
    expect(softmax_mean([0, -4]) == Fraction(-4, 17) and softmax_mean([0, -2]) == Fraction(-2, 5), "not monotone")
    expect(softmax_mean([1, -3]) - softmax_mean([0, -2]) == Fraction(99, 85), "not 1-Lipschitz")
    expect(2 * softmax_mean([0, -4]) > softmax_mean([0, -3]) + softmax_mean([0, -5]), "not convex")


@theorem("T14", "Hull gates hold at every temperature", "L2", instances=12, inputs=(1, 2), layers=(1, 3), rank=(2, 3))
def hulls_contain_every_mean(case: Case, inputs: int, layers: int, rank: int) -> None:
    """The pieces of each layer stay in the hulls of its gates for all hidden values in the hulls of the layer before.

    With I_0 the box and I_l the hulls of the pieces: a_ij(h) in I_l,i for all h in I_(l-1). A convex combination of
    numbers of an interval lies in it, so this holds for hidden values that are means with any weights p >= 0, sum 1:
    under every tie rule, and at every temperature.
    """
    net = case.network(inputs, [2] * layers, rank)
    assert net.domain is not None
    for step in gated_steps(net, interval_box(net.domain)):
        box = Box([low for low, _ in step.before], [high for _, high in step.before])
        ends = [(-gate.shift, gate.height - gate.shift) for gate in step.gates for _ in range(rank)]
        if case.broken:
            ends = [(low, low + (high - low) / 2 - 1) for low, high in ends]
        claim = Range([low for low, _ in ends], [high for _, high in ends])
        case.proved(verify(MaxoutNetwork((), step.layer.pieces), claim=claim, domain=box), f"layer {step.number}")
