"""What single hard attention heads compute: any function of one variable by pieces, and all functions of two bits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, pairwise, product

from exactformer.building import Design, Expression, Space, block, head, token
from exactformer.claims import TiesAgree
from exactformer.domain import Domain
from exactformer.enclosure import bounds
from exactformer.kernel.softmax import gamma
from exactformer.networks import Transformer
from exactformer.networks.balls import values_at
from exactformer.networks.semantics import TIES, Semantics
from exactformer.piecewise import CPWL, cpwl_to_one_head
from exactformer.piecewise.cpwl_to_one_layer import cpwl_to_one_layer
from exactformer.prover import verify
from exactformer.theorems.case import Case, expect
from exactformer.theorems.expressions import ZERO, Row, network, unknowns
from exactformer.theorems.theorem import theorem

XOR = (0, 1, 1, 0)

Line = tuple[Fraction, Fraction]  # slope and constant


def affine_head(scores: Sequence[Line], values: Sequence[Line]) -> Transformer:
    """A head of constant query, with affine scores and values of one input at its tokens."""
    x, space = Space("x"), Space("one", "key", "value", "out")
    one, key, value, out = space.parts

    def at(line: Line) -> Expression:
        return line[0] * x.parts[0] + line[1]

    tokens = [token(one=1, key=at(s), value=at(v)) for s, v in zip(scores, values, strict=True)]
    blocks = [block(head(query=one, key=key, value=value, to=out))]
    return Design(inputs=x, space=space, tokens=tokens, blocks=blocks, readout=out).build()


def tie_proof(scores: Sequence[Line], values: Sequence[Line]) -> bool:
    """Whether v_t = v_r wherever s_t = s_r = max, for all t and r, on R: by the points where two scores meet."""
    for (a, b), (v, w) in combinations(zip(scores, values, strict=True), 2):
        (a, v), (b, w) = (a, b), (v, w)
        if a[0] == b[0]:
            if a[1] == b[1] and v != w and not _covered(a, scores, v, w):
                return False
            continue
        x = (b[1] - a[1]) / (a[0] - b[0])
        top = max(slope * x + constant for slope, constant in scores)
        if a[0] * x + a[1] == top and v[0] * x + v[1] != w[0] * x + w[1]:
            return False
    return True


def _covered(score: Line, scores: Sequence[Line], v: Line, w: Line) -> bool:
    """Whether a score is the largest nowhere, or only at points where two different values agree."""
    low, high = None, None
    for slope, constant in scores:
        if slope == score[0]:
            if constant > score[1]:
                return True
            continue
        x = (constant - score[1]) / (score[0] - slope)
        if slope < score[0]:
            low = x if low is None else max(low, x)
        else:
            high = x if high is None else min(high, x)
    if low is None or high is None or low < high:
        return False
    return low > high or v[0] * low + v[1] == w[0] * low + w[1]


@theorem("T32", "Theorem H: one head, any function of one variable", "Theorem H", instances=12, pieces=(2, 5))
def one_head_is_any_function(case: Case, pieces: int) -> None:
    """Every piecewise linear function of one variable with k pieces is one hard head with k tokens, convex or not.

    For the functions drawn, on an interval: head = function under each tie rule, and softmax at the temperature tried
    is within C gamma_k / lambda of it at three points or more of each cell, with |v_t - v_t*| <= C (s_t* - s_t) at both
    ends of each cell, t* the winner. For heads of affine scores and values that are drawn: the tie rules agree on R
    exactly if v_t = v_r wherever s_t = s_r = max.
    """
    places = sorted({Fraction(case.integer(-9, 9), 2) for _ in range(pieces + 1)})
    while len(places) < pieces + 1:
        places.append(places[-1] + case.positive())
    f = CPWL.knots(places, [Fraction(y) for y in case.integers(len(places), 4)]).simplified()
    one = cpwl_to_one_head(f)
    wanted = cpwl_to_one_layer(f)
    made = one.transformer
    if case.broken:
        made = cpwl_to_one_head(f + abs(CPWL.variables(1, f.domain)[0])).transformer
    for tie in TIES:
        case.proved(verify(wanted, made, domain=f.domain, tie=tie), f"tie rule {tie}")
    rate, slope = case.positive(), Fraction(0)
    for i, cell in enumerate(f.cells):
        for end in cell.box[0]:
            corner = (Fraction(end),)
            for j, other in enumerate(f.cells):
                ahead = one.heights[i](corner) - one.heights[j](corner)
                if ahead:
                    slope = max(slope, abs(cell.piece(corner) - other.piece(corner)) / ahead)
    bound = slope * gamma(max(2, len(f.cells))) / rate
    for a, b in pairwise(places):
        for x in (a, (2 * a + b) / 3, (a + b) / 2, b):
            (soft,) = values_at(made, [x], Semantics("average", (rate,)))
            error = max(abs(end - f(x)) for end in bounds(soft))
            expect(error <= bound, f"temperature {rate}: an error of {float(error)} at {x}, bound {float(bound)}")
    scores = [(Fraction(case.integer(-1, 1)), Fraction(case.integer(-1, 1))) for _ in range(3)]
    values = [(Fraction(case.integer(-1, 1)), Fraction(case.integer(-1, 1))) for _ in range(3)]
    drawn, said = affine_head(scores, values), f"scores {_lines(scores)}, values {_lines(values)}"
    found = [verify(drawn, claim=TiesAgree(pair), domain=Domain.everything(1)) for pair in pairwise(TIES)]
    if tie_proof(scores, values):
        for agree in found:
            case.proved(agree, said)
    else:
        case.refuted(next((agree for agree in found if agree.refuted), found[0]), said)


def _lines(lines: Sequence[Line]) -> str:
    return ", ".join(f"{a} x + {b}" for a, b in lines)


@theorem("T41", "AND, OR and XOR are one head each", "elementary", evidence="general", instances=1)
def two_bits(case: Case) -> None:
    """AND, OR and XOR of two bits are one hard head with two tokens each; XOR also where each token sees only its own
    bit.

    Both tokens see both bits: heads equal to max(0, x + y - 1), 1 - max(0, 1 - x - y) and max(x - y, y - x) on R^2
    under each tie rule, with the right values at the four pairs of bits. Token t sees only bit t: token 2 reads values
    b and b - 2, scores 3 - 2 b and 2 b, and adds its own bit: XOR at the four pairs, under each tie rule. That a
    narrower model cannot do this is not claimed.
    """
    x, y = unknowns(2)
    one = Row({}, 1)
    gates: dict[str, tuple[list[Row], int, int, tuple[int, ...]]] = {  # the values at (0, 0), (0, 1), (1, 0), (1, 1)
        "and": ([ZERO, x + y - one], 1, 0, (0, 0, 0, 1)),
        "or": ([ZERO, one - x - y], -1, 1, (0, 1, 1, 1)),
        "xor": ([x - y, y - x], 1, 0, XOR),
    }
    for name, (pieces, sign, constant, right) in gates.items():
        made = two_bit_head(pieces, sign, constant + int(case.broken))
        wanted = network(2, [[pieces]], [sign * unknowns(1)[0] + constant])
        for tie in TIES:
            case.proved(verify(wanted, made, domain=Domain.everything(2), tie=tie), name)
            values = [made.evaluate(bits, tie=tie)[0] for bits in product((0, 1), repeat=2)]
            expect(values == list(right), f"{name}: {', '.join(map(str, values))}")
    apart = xor_of_separate_bits()
    for tie in TIES:
        values = [apart.evaluate(bits, tie=tie)[0] for bits in product((0, 1), repeat=2)]
        expect(values == list(XOR), f"xor, each token with its own bit: {', '.join(map(str, values))}")


def two_bit_head(pieces: Sequence[Row], sign: int, constant: int) -> Transformer:
    """The head that takes the maximum of two rows in x and y, times a sign, and a constant."""
    inputs, space = Space("x", "y"), Space("one", "key", "out")
    one, key, out = space.parts
    x, y = inputs.parts
    tokens = [token(one=1, key=row.terms.get(0, 0) * x + row.terms.get(1, 0) * y + row.constant) for row in pieces]
    blocks = [block(head(query=one, key=key, value=key, to=out))]
    return Design(inputs=inputs, space=space, tokens=tokens, blocks=blocks, readout=sign * out + constant).build()


def xor_of_separate_bits() -> Transformer:
    """XOR, read at the second token; each token holds its own bit alone."""
    inputs, space = Space("x", "y"), Space("one", "key", "value", "out")
    one, key, value, out = space.parts
    x, y = inputs.parts
    tokens = [token(one=1, key=3 - 2 * x, value=x), token(one=1, key=2 * y, value=y - 2, out=y)]
    blocks = [block(head(query=one, key=key, value=value, to=out))]
    return Design(inputs=inputs, space=space, tokens=tokens, blocks=blocks, readout=out, token=1).build()
