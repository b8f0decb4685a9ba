"""Softmax at a temperature: how far its means are from maxima, one by one and through a network."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import factorial

from exactformer.building import Design, Space, block, head, token
from exactformer.claims import Within
from exactformer.compiler import compile_network
from exactformer.domain import Box
from exactformer.enclosure import bounds
from exactformer.kernel.softmax import Rate, gamma, largest_gap, logarithm
from exactformer.networks import MaxoutNetwork, Transformer
from exactformer.networks.balls import values_at
from exactformer.networks.semantics import BASES, Semantics
from exactformer.prover import verify
from exactformer.theorems.case import Case, expect
from exactformer.theorems.expressions import ZERO, Row, network, unknowns
from exactformer.theorems.means import mean_bounds, softmax_mean
from exactformer.theorems.theorem import theorem


@theorem("T11", "The largest gap of a softmax mean", "L4", expected="sharp", instances=40, rank=(2, 6))
def largest_gap_of_a_mean(case: Case, rank: int) -> None:
    """The gap max z - B_lambda(z) of k numbers is at most gamma_k / lambda, and nearly that large somewhere.

    gamma_k = W((k - 1) / e): with the rational w >= gamma_k of the kernel, w sum_{r <= 40} (1 + w)^r / r! >= k - 1,
    which proves the bound. For the integers z tried, at base 2 and integer rates: max z - B(z) <= w / (lambda ln 2),
    exactly. At base e, z = (0, -(1 + w), ..., -(1 + w)) has a gap of at least 99/100 of the bound.
    """
    w = gamma(rank)
    series = sum(((1 + w) ** r / factorial(r) for r in range(41)), Fraction(0))
    expect(w * series >= rank - 1, f"{w} is not shown to be at least gamma_{rank}")
    least = Fraction(99, 100) if case.broken else Fraction(1)  # a constant that is too small
    z, rate = case.integers(rank, 5), case.integer(1, 4)
    gap = max(z) - softmax_mean(z, rate)
    bound = least * largest_gap(Rate(Fraction(rate), "2"), rank)
    expect(gap <= bound, f"z = {tuple(z)}, rate {rate}: gap {gap}")
    _, high = mean_bounds([0, *[-(1 + w)] * (rank - 1)], 1, "e")
    expect(-high <= least * w, f"the gap of (0, -(1 + w), ...) is at least {float(-high)}, and w is {float(least * w)}")
    expect(-high >= Fraction(99, 100) * w, f"the gap of (0, -(1 + w), ...) is only {float(-high)} for {float(w)}")


def error_bound(net: MaxoutNetwork, rate: Fraction) -> Fraction:
    """The bound of Theorem D: eps_l = Lambda_l eps_(l-1) + gamma_k / lambda, and the norm of the output times eps_L."""

    def norm(rows: list[list[Fraction]]) -> Fraction:
        return max(sum((abs(x) for x in row), Fraction(0)) for row in rows)

    error = Fraction(0)
    for layer in net.layers:
        error = norm(layer.pieces.weights.dense()) * error + gamma(layer.rank) / rate
    return norm(net.output.weights.dense()) * error


@theorem(
    "T13",
    "Theorem D: the error of softmax",
    "Theorem D",
    expected="sharp",
    instances=12,
    negatives="N14",
    inputs=(1, 1),
    layers=(1, 2),
    width=(1, 2),
    rank=(2, 3),
)
def softmax_error_of_a_network(case: Case, inputs: int, layers: int, width: int, rank: int) -> None:
    """The compiled Transformer at temperature lambda is within Lambda_out eps_L of its source, and lambda(eps)
    suffices.

    eps_0 = 0, eps_l = Lambda_l eps_(l-1) + gamma_k / lambda, with Lambda the largest l_1 norm of a row of weights: then
    |T_lambda(x) - N(x)| <= Lambda_out eps_L on the box. With lambda = gamma_k S / eps the bound is eps. For max(0, x)
    half of that lambda does not suffice: a witness.
    """
    net = case.network(inputs, [width] * layers, rank)
    made = compile_network(net).transformer
    rate, epsilon = case.positive(), Fraction(1, case.integer(2, 9))
    share = Fraction(1, 64) if case.broken else Fraction(1)
    bound = error_bound(net, rate)
    case.proved(verify(net, made, claim=Within(share * bound), right_temperature=rate), f"temperature {rate}")
    enough = rate * bound / epsilon
    if enough:
        expect(error_bound(net, enough) == epsilon, f"the bound at {enough} is not {epsilon}")
        case.proved(verify(net, made, claim=Within(epsilon), right_temperature=enough), f"temperature {enough}")
    relu = network(1, [[[Row({0: 1}), ZERO]]], unknowns(1), Box([-9], [9]))
    twice = error_bound(relu, Fraction(1)) / epsilon / 2
    found = verify(relu, compile_network(relu).transformer, claim=Within(epsilon), right_temperature=twice)
    case.refuted(found, f"max(0, x) at {twice}")


@theorem(
    "T15",
    "Compiled Transformers at a temperature",
    "Theorem A",
    instances=24,
    inputs=(1, 2),
    layers=(1, 3),
    width=(1, 2),
    rank=(2, 3),
)
def softmax_transformer_is_the_softmax_network(case: Case, inputs: int, layers: int, width: int, rank: int) -> None:
    """At every temperature tried the gated Transformer equals its source with each maximum read as a softmax mean.

    T_lambda(x) = N[max := B_lambda](x) for all x in the box, at one temperature and at one a layer, to both bases.
    """
    net = case.network(inputs, [width] * layers, rank)
    made = compile_network(net).transformer
    rates = [case.positive() for _ in range(layers)]
    other = [2 * rate for rate in rates] if case.broken else rates
    base = case.random.choice(BASES)
    found = verify(net, made, left_temperature=rates, right_temperature=other, base=base)
    case.proved(found, f"temperatures {', '.join(map(str, rates))}, base {base}")


@theorem(
    "T35",
    "Softmax Transformers have no linear regions",
    "analyticity",
    expected="fails",
    instances=12,
    negatives="N12",
    rank=(2, 3),
)
def softmax_is_not_linear(case: Case, rank: int) -> None:
    """At a finite temperature a compiled Transformer bends where its source is affine.

    N(x) = max(c x, -x, -2 x, ...) is affine on [1, 3]; the second difference of T_lambda at three equally spaced
    rational points in it, exactly, at base 2 and lambda = 1, is not 0. In the hard limit it is 0.
    """
    pieces = [Row({0: case.integer(1, 3)}), *(Row({0: -p}) for p in range(1, rank))]
    net = network(1, [[pieces]], unknowns(1), Box([-4], [4]))
    made = compile_network(net).transformer
    points = [Fraction(x) for x in (1, 2, 3)]
    soft = [values_at(made, [x], Semantics("average", (Fraction(1),), "2"))[0] for x in points]
    hard = [made.evaluate([x])[0] for x in points]
    expect(hard[0] + hard[2] == 2 * hard[1], "the hard limit bends")
    values = [bounds(value) for value in (hard if case.broken else soft)]
    expect(all(low == high for low, high in values), "a value is irrational")
    expect(values[0][0] + values[2][0] != 2 * values[1][0], f"no bend at {values[1][0]}")


def weights_of(z: list[int]) -> list[Fraction]:
    """The softmax weights to the base 2 of integers."""
    powers = [Fraction(2) ** x for x in z]
    return [p / sum(powers) for p in powers]


@theorem("T37", "Softmax is lambda/2-Lipschitz", "Nair 2025", expected="sharp", instances=60, rank=(2, 5))
def softmax_is_lipschitz(case: Case, rank: int) -> None:
    """The weights of softmax are lambda/2-Lipschitz in the l_1 and in the maximum norm; the constant is nearly
    attained.

    For the integers z, z' tried, at base 2, |p(z) - p(z')| <= (ln 2 / 2) |z - z'| in both norms (with a rational bound
    of ln 2 from above). From (0, 0, -1) to (1, 0, -1) the l_1 norm moves by 12/35, which is more than 98/100 of ln 2 /
    2.
    """
    constant = logarithm("2")[1] / (3 if case.broken else 2)
    pairs = [(case.integers(rank, 4), case.integers(rank, 4)), ([0, 0, -1], [1, 0, -1])]
    for z, other in pairs:
        moved = [abs(p - q) for p, q in zip(weights_of(z), weights_of(other), strict=True)]
        steps = [abs(a - b) for a, b in zip(z, other, strict=True)]
        expect(sum(moved) <= constant * sum(steps), f"l_1: {tuple(z)} to {tuple(other)}")
        expect(max(moved) <= constant * max(steps), f"maximum norm: {tuple(z)} to {tuple(other)}")
    expect(Fraction(12, 35) > Fraction(98, 100) * logarithm("2")[1] / 2, "12/35 is not near ln 2 / 2")


@theorem("T38", "Softmax means grow with the temperature", "L7", instances=60, rank=(2, 6))
def means_grow(case: Case, rank: int) -> None:
    """Mean z <= B_lambda(z) <= max z, and B_lambda grows with lambda, strictly unless z is constant.

    For the integers z tried, at base 2, exactly: mean z <= B_1(z) <= B_2(z) <= B_3(z) <= max z.
    """
    z = case.integers(rank, 5)
    if case.broken:
        z[0] = z[1] + 1
    values = [Fraction(sum(z), rank), *(softmax_mean(z, rate) for rate in (1, 2, 3)), Fraction(max(z))]
    if case.broken:
        values.reverse()
    grows = all(a < b for a, b in pairwise(values))
    expect(grows or len(set(values)) == len(set(z)) == 1, f"z = {tuple(z)}: {', '.join(map(str, values))}")


@theorem("T39", "Log-sum-exp beside the softmax mean", "L4", instances=60, rank=(2, 6))
def log_sum_exp(case: Case, rank: int) -> None:
    """LSE lies between max and max + log k / lambda, where the mean B is at most max; each is nearer to max somewhere.

    For the integers z tried, at base 2: 2^max <= sum 2^(z_i) <= k 2^max, in integers. At (0, 0) the mean is max and LSE
    is not; at (0, -4) max - B = 4/17 is more than LSE - max = log_2(17/16), as (17/16)^17 < 2^4.
    """
    z = [0] * rank if case.broken else case.integers(rank, 8)
    total, top = sum(Fraction(2) ** x for x in z), Fraction(2) ** max(z)
    expect(top <= total <= (rank - case.broken) * top, f"z = {tuple(z)}: {total}, and 2^max is {top}")
    expect(softmax_mean([0, 0]) == 0, "at (0, 0)")
    expect(-softmax_mean([0, -4]) == Fraction(4, 17) and Fraction(17, 16) ** 17 < 2**4, "at (0, -4)")


def selecting_head(values: list[int]) -> Transformer:
    """The head with scores x and -x at its two tokens, and two values."""
    x, space = Space("x"), Space("one", "key", "value", "out")
    one, key, value, out = space.parts
    tokens = [token(one=1, key=sign * x.parts[0], value=v) for sign, v in zip((1, -1), values, strict=True)]
    blocks = [block(head(query=one, key=key, value=value, to=out))]
    return Design(inputs=x, space=space, tokens=tokens, blocks=blocks, readout=out).build()


@theorem("T43", "Softmax simulates a hard head with a gap", "L8", instances=20, rank=(2, 5))
def softmax_simulates_hard(case: Case, rank: int) -> None:
    """A softmax head is near a hard one where its scores keep a distance; the temperature comes from that distance.

    Scores z with z_1 - z_i >= m_i > 0: |sum p_i v_i - v_1| <= sum_{i>1} |v_i - v_1| b^(-lambda m_i): exactly, for the
    integers tried, at base 2. The head with scores (x, -x) on [1/2, 4], where the distance is 2 x >= 1: within |v_1 -
    v_2| 2^(-lambda) of its hard limit for all x, proved; on [10^-6, 4] not within half of that, with a witness.
    """
    z, v, rate = case.integers(rank, 4), case.integers(rank, 6), case.integer(1, 5)
    z[0] = max(z[1:]) + case.integer(1, 3)
    weights = weights_of([rate * x for x in z])
    out = sum((p * x for p, x in zip(weights, v, strict=True)), Fraction(0))
    leak = sum(
        (abs(x - v[0]) * Fraction(2) ** (-rate * (z[0] - s)) for s, x in zip(z[1:], v[1:], strict=True)), Fraction(0)
    )
    expect(abs(out - v[0]) <= leak, f"scores {tuple(z)}, values {tuple(v)}, rate {rate}: {out}")
    values = [case.integer(1, 6), -case.integer(1, 6)]
    made, claim = selecting_head(values), Within(Fraction(values[0] - values[1], 2**rate))
    near = Box([Fraction(1, 99) if case.broken else Fraction(1, 2)], [4])
    case.proved(verify(made, made, claim=claim, domain=near, right_temperature=rate, base="2"), "with a gap")
    far, half = Box([Fraction(1, 10**6)], [4]), Within(claim.epsilon / 2)
    case.refuted(verify(made, made, claim=half, domain=far, right_temperature=rate, base="2"), "without a gap")
