"""Piecewise linear interpolation on Kuhn's triangulation, its errors, and Transformers near functions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, product

from exactformer.approximation import approximate
from exactformer.approximation.forms import hats_to_one_layer, hats_to_two_layers
from exactformer.approximation.hats import Hat
from exactformer.claims import Within
from exactformer.compiler import compile_network
from exactformer.domain import Box, Domain
from exactformer.functions import function
from exactformer.kernel.softmax import gamma
from exactformer.networks import MaxoutNetwork
from exactformer.piecewise import CPWL, cpwl_to_one_head
from exactformer.piecewise.cpwl_to_one_layer import cpwl_to_one_layer
from exactformer.piecewise.overlay import domain_of
from exactformer.prover import verify
from exactformer.theorems.case import Case, Undecided, expect
from exactformer.theorems.expressions import ZERO, Row, network, total, unknowns
from exactformer.theorems.theorem import theorem

Values = dict[tuple[int, ...], Fraction]  # at the vertices v / N of the unit cube
SHARP = {  # the constants c_d of E2, and local coordinates where they are attained
    Fraction(1, 2): (Fraction(1, 2),),
    Fraction(4, 7): (Fraction(4, 7), Fraction(2, 7)),
    Fraction(5, 8): (Fraction(3, 4), Fraction(1, 2), Fraction(1, 4)),
}


def random_values(case: Case, inputs: int, cells: int) -> Values:
    """Values at all vertices of a grid."""
    return {v: Fraction(case.integer()) for v in product(range(cells + 1), repeat=inputs)}


def hats_of(values: Values, cells: int) -> list[Hat]:
    """f_N = sum of f(v / N) phi(N x - v)."""
    return [Hat(cells, v, y) for v, y in values.items()]


def interpolant(values: Values, inputs: int, cells: int) -> CPWL:
    """The interpolant by its simplices, without hats."""

    def nested(v: tuple[int, ...]) -> object:
        return values[v] if len(v) == inputs else [nested((*v, i)) for i in range(cells + 1)]

    axis = [Fraction(i, cells) for i in range(cells + 1)]
    return CPWL.on_grid([axis] * inputs, nested(()))


@theorem("T21", "Hat functions", "section 4", instances=4, inputs=(1, 2), cells=(1, 2))
def hats_interpolate(case: Case, inputs: int, cells: int) -> None:
    """The interpolant on Kuhn's triangulation is sum_v f(v / N) phi(N x - v), and the hats are a partition of unity.

    phi(y) = max(0, 1 - max(0, y_1, ..., y_n) - max(0, -y_1, ..., -y_n)). For the values drawn the sum of hats equals
    the interpolant, which is made simplex by simplex, on [0, 1]^n; with all values 1 it is 1.
    """
    box, values = Domain.box(inputs, 0, 1), random_values(case, inputs, cells)
    hats = hats_of(values, cells)
    if case.broken:
        hats[0] = Hat(cells, hats[0].node, hats[0].coefficient + 1)
    net = hats_to_two_layers(hats, box, "hats")
    for cell in interpolant(values, inputs, cells).cells:
        piece = network(inputs, [], [Row(dict(enumerate(cell.piece.weights)), cell.piece.constant)])
        case.proved(verify(net, piece, domain=domain_of(cell.rows, inputs)), f"values {values}")
    ones = hats_to_two_layers(hats_of(dict.fromkeys(values, Fraction(1)), cells), box, "ones")
    case.proved(verify(ones, network(inputs, [], [Row({}, 1)]), domain=box), "partition of unity")


@theorem("T22", "Forms of the interpolant", "M1, M2, M4, M5", instances=4, inputs=(1, 2), cells=(1, 2))
def forms_are_equal(case: Case, inputs: int, cells: int) -> None:
    """The interpolant is a maxout network of two layers (M1), of one layer (M2), in one variable one of rank 2 (M4).

    For the values drawn, on [0, 1]^n: the network of units of rank n + 1 and 2 equals that of rank n^2 + n + 1; for n =
    1 both equal the sum of N units of rank 2, and one hard head with a token a piece (M5).
    """
    box, values = Domain.box(inputs, 0, 1), random_values(case, inputs, cells)
    hats = hats_of(values, cells)
    two = hats_to_two_layers(hats, box, "M1")
    one = hats_to_one_layer(hats[int(case.broken) :], box, "M2")
    case.proved(verify(two, one), "M1 and M2")
    if inputs == 1:
        f = interpolant(values, 1, cells)
        case.proved(verify(two, cpwl_to_one_layer(f)), "M1 and M4")
        case.proved(verify(two, cpwl_to_one_head(f).transformer), "M1 and M5")


def peaks(slopes: list[Fraction], centre: list[Fraction]) -> MaxoutNetwork:
    """Sum of L_j |y_j - c_j| on the unit cube."""
    x = unknowns(len(slopes))
    units = [[s * (x[i] - c), -s * (x[i] - c)] for i, (s, c) in enumerate(zip(slopes, centre, strict=True))]
    return network(len(slopes), [units], [total(unknowns(len(units)))], Domain.box(len(slopes), 0, 1))


def interpolated(net: MaxoutNetwork, inputs: int, cells: int) -> MaxoutNetwork:
    """Its interpolant, as a sum of hats."""
    vertices = product(range(cells + 1), repeat=inputs)
    values = {v: net.evaluate([Fraction(i, cells) for i in v])[0] for v in vertices}
    return hats_to_two_layers(hats_of(values, cells), Domain.box(inputs, 0, 1), "interpolant")


def spread(u: Sequence[Fraction]) -> Fraction:
    """The sum of lambda_i |x - v_i| in the maximum norm at local coordinates u_1 >= ... >= u_d of a cell."""
    ends = [Fraction(1), *u, Fraction(0)]
    result = Fraction(0)
    for i, (high, low) in enumerate(pairwise(ends)):
        farthest = max([1 - x for x in ends[1 : i + 1]] + ends[i + 1 : -1] or [Fraction(0)])
        result += (high - low) * farthest
    return result


@theorem("T23", "Errors of interpolation", "E1, E2, E3", expected="sharp", instances=4, inputs=(1, 2), cells=(1, 2))
def errors_of_interpolation(case: Case, inputs: int, cells: int) -> None:
    """The interpolant of f is off by at most sum_j L_j / (2 N), or K n / (8 N^2) for second derivatives, and both are
    sharp.

    For f = sum_j L_j |y_j - c_j|, the distance to the interpolant is exactly sum_j L_j / (2 N) with c the centre of a
    cell, and at most that for the c drawn. For f = K x^2 / 2 in one variable it is proved at most K / (8 N^2), which it
    is at the middle of a cell. In the maximum norm sum_i lambda_i |x - v_i| is c_1 = 1/2, c_2 = 4/7, c_3 = 5/8 at the
    local coordinates 1/2, (4/7, 2/7), (3/4, 1/2, 1/4), and at most that at those drawn.
    """
    slopes = [case.positive() for _ in range(inputs)]
    bound = sum(slopes, Fraction(0)) / (2 * cells) * (Fraction(9, 10) if case.broken else 1)
    corner = [case.integer(0, cells - 1) for _ in range(inputs)]
    centre = [Fraction(2 * i + 1, 2 * cells) for i in corner]
    sharp = peaks(slopes, centre)
    hats = interpolated(sharp, inputs, cells)
    case.proved(verify(sharp, hats, claim=Within(bound)), f"cell {corner}")
    expect(hats.evaluate(centre)[0] - sharp.evaluate(centre)[0] == bound, f"the error at {centre} is not {bound}")
    other = peaks(slopes, [Fraction(case.integer(0, 12), 12) for _ in range(inputs)])
    case.proved(verify(other, interpolated(other, inputs, cells), claim=Within(bound)), "another centre")
    if inputs == 1:
        k = case.integer(1, 5)
        parabola = function(f"{k}*x^2/2", ["x"])
        middle, least = Fraction(2 * corner[0] + 1, 2 * cells), Fraction(k, 8 * cells**2)
        values: Values = {(i,): Fraction(k * i * i, 2 * cells * cells) for i in range(cells + 1)}
        line = interpolant(values, 1, cells)
        near = verify(parabola, cpwl_to_one_layer(line), claim=Within(least), domain=Domain.box(1, 0, 1))
        case.proved(near, f"{k} x^2 / 2")
        expect(line(middle) - k * middle**2 / 2 == least, f"the error at {middle}")
    for constant, where in SHARP.items():
        expect(spread(where) == constant, f"{spread(where)} at {where}, not {constant}")
        drawn = sorted((Fraction(case.integer(0, 24), 24) for _ in where), reverse=True)
        expect(spread(drawn) <= constant, f"{spread(drawn)} at {drawn}, more than {constant}")


@theorem("T24", "Theorem E: universal approximation", "Theorem E", expected="sharp", instances=4, cells=(2, 3))
def universal_approximation(case: Case, cells: int) -> None:
    """For a function and an error there are a grid, a temperature and a Transformer that comes as near; half does not
    do.

    f = L |x - c| on [0, 1], eps_1 = L / (2 N), V the sum of the jumps of the slope of f_N: f_N is within eps_1 of f,
    and its gated Transformer at the temperature gamma_2 V / eps_2 within eps_2 of f_N, both proved, so within eps_1 +
    eps_2 of f. For c the centre of a cell of half as many cells, their interpolant is refuted; so is a quarter of the
    temperature, for max(0, x) and its bound. And for a formula k x^2 + a x drawn, the kernel accepts the whole chain.
    """
    slope, eps2, even = case.positive(), Fraction(1, case.integer(2, 9)), 2 * cells
    eps1 = slope / (2 * even)
    f = peaks([slope], [Fraction(2 * case.integer(0, cells - 1) + 1, 2 * cells)])
    fine, coarse = (interpolated(f, 1, n) for n in (even, cells))
    case.refuted(verify(f, fine if case.broken else coarse, claim=Within(eps1)), "half as many cells")
    case.proved(verify(f, fine, claim=Within(eps1)), "as many cells")
    units = cpwl_to_one_layer(CPWL.of_network(fine))
    jumps = sum((abs(x) for x in units.output.weights.dense()[0]), Fraction(0))
    rate = gamma(2) * jumps / eps2
    case.proved(
        verify(units, compile_network(units).transformer, claim=Within(eps2), right_temperature=rate), "temperature"
    )
    relu = network(1, [[[Row({0: 1}), ZERO]]], unknowns(1), Box([-9], [9]))
    low = verify(relu, compile_network(relu).transformer, claim=Within(eps2), right_temperature=gamma(2) / eps2 / 4)
    case.refuted(low, "a quarter of the temperature")
    formula = function(f"{case.integer(1, 3)}*x^2 + {case.integer(0, 3)}*x", ["x"])
    found = approximate(formula, epsilon=Fraction(1, 4), domain=Domain.box(1, 0, 1))
    if found.verdict != "proved":
        raise Undecided(found.reason or "no reason given")
    expect(found.upper is not None and found.upper <= Fraction(1, 4), f"{formula.formula}: {found.upper}")
