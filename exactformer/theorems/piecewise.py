"""Continuous piecewise linear functions as maxout networks, and which networks are too small for them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import permutations

from exactformer.compiler import compile_network
from exactformer.domain import Box, Domain
from exactformer.networks import MaxoutNetwork
from exactformer.piecewise import CPWL, Hinges, UnequalJumps, hinges_of, maximum_of_five
from exactformer.piecewise.cpwl_to_max_min import cpwl_to_max_min
from exactformer.piecewise.cpwl_to_one_layer import cpwl_to_one_layer
from exactformer.piecewise.cpwl_to_sum_of_maxima import cpwl_to_sum_of_maxima
from exactformer.piecewise.cpwl_to_two_maxima import cpwl_to_two_maxima
from exactformer.prover import verify
from exactformer.rational import Matrix
from exactformer.theorems.case import Case, expect
from exactformer.theorems.expressions import network, total, unknowns
from exactformer.theorems.theorem import theorem

FIVE = 5


def random_function(case: Case, inputs: int) -> tuple[MaxoutNetwork, CPWL]:
    """A function that a small random network is, neither convex nor concave as a rule, on [-1, 1]^n."""
    net = case.network(inputs, [2], 3 - (inputs > 1))
    net = replace(net, output=replace(net.output, weights=Matrix.of([[1, -case.integer(1, 2)]])))
    return net, CPWL.of_network(net)


def shifted(net: MaxoutNetwork, case: Case) -> MaxoutNetwork:
    """The network, in a broken case without its last unit."""
    if not case.broken:
        return net
    height, width = net.output.weights.shape
    kept = {at: x for at, x in net.output.weights.entries().items() if at[1] < width - 1}
    return replace(net, output=replace(net.output, weights=Matrix.sparse(height, width, kept)))


@theorem("T16", "The max-min form", "S1", instances=16, inputs=(1, 2))
def max_min_form(case: Case, inputs: int) -> None:
    """Every piecewise linear function is a maximum of minima of its pieces, hence a maxout network of two layers.

    f = max over Q of min over S_Q of l_j, S_Q the pieces that are >= f on the part Q: for the functions drawn, that
    network equals the one they come from for all x in [-1, 1]^n.
    """
    net, f = random_function(case, inputs)
    case.proved(verify(net, shifted(cpwl_to_max_min(f), case)), f.text())


@theorem("T17", "Two maxima", "S2", instances=16, inputs=(1, 2))
def two_maxima_form(case: Case, inputs: int) -> None:
    """Every piecewise linear function is the difference of two maxima of affine functions: one layer of two units.

    For the functions drawn: one layer, at most two units, equal to the network they come from for all x in [-1, 1]^n.
    """
    net, f = random_function(case, inputs)
    form = cpwl_to_two_maxima(f)
    expect(len(form.layers) <= 1 and sum(form.widths) <= 2, f"a network {form.size}")
    case.proved(verify(net, shifted(form, case)), f.text())


@theorem("T18", "Sums of maxima of n + 1 pieces", "S3, M4", instances=16, inputs=(1, 2))
def sums_of_maxima(case: Case, inputs: int) -> None:
    """Every piecewise linear function on R^n is a linear combination of maxima of at most n + 1 affine functions.

    For the functions drawn, n <= 2: one layer of rank at most n + 1, equal to the network they come from for all x in
    [-1, 1]^n; in one variable with a unit less than pieces. (That rank n is not enough is T20, for n = 2.)
    """
    net, f = random_function(case, inputs)
    form = cpwl_to_sum_of_maxima(f)
    expect(len(form.layers) <= 1 and form.rank <= inputs + 1, f"rank {form.rank}")
    case.proved(verify(net, shifted(form, case)), f.text())
    if inputs == 1:
        units = sum(cpwl_to_one_layer(f).widths)
        expect(units <= max(len(f.simplified().cells) - 1, 1), f"{units} units for {len(f.cells)} pieces")


@theorem(
    "T19",
    "The maximum of five numbers in two layers",
    "S5",
    expected="sharp",
    evidence="general",
    instances=1,
    negatives="N11",
)
def two_layers_for_five(case: Case) -> None:
    """The maximum of five numbers is a network of two hidden layers of rank 2, with denominators 15 and 2.

    The network 5-15-50-1 of S5 equals x_i1 where x_i1 >= ... >= x_i5, for each of the 120 orders of the inputs: so it
    is the maximum on all of R^5. Its gated Transformer of 2 tokens and 2 attention sublayers equals it on [-1, 1]^5.
    One coefficient of the output changed, which one is drawn: refuted where x_1 >= ... >= x_5.
    """
    net = maximum_of_five(Domain.everything(FIVE))
    changed = _bumped(net, case.integer(0, 49), case.positive())
    chamber = Box([None, *[0] * (FIVE - 1)], [None] * FIVE)
    largest = network(FIVE, [], [total(unknowns(FIVE))])
    for order in permutations(range(FIVE)):
        case.proved(
            verify(_on_chamber(changed if case.broken else net, order), largest, domain=chamber), f"order {order}"
        )
    box = Domain.box(FIVE, -1, 1)
    made = compile_network(net, domain=box).transformer
    expect(made.tokens == 2 and len(made.tempered) == 2, f"{made}")
    case.proved(verify(net, made, domain=box), "compiled")
    case.refuted(verify(_on_chamber(changed, tuple(range(FIVE))), largest, domain=chamber), "another coefficient")


def _on_chamber(net: MaxoutNetwork, order: tuple[int, ...]) -> MaxoutNetwork:
    """The network by its smallest input s and differences d >= 0: x_order[i] = s + d_(i+1) + ... + d_4."""
    layer = net.layers[0]
    place = {i: number for number, i in enumerate(order)}
    entries: dict[tuple[int, int], Fraction] = {}
    for (row, i), w in layer.pieces.weights.entries().items():
        for column in (0, *range(place[i] + 1, FIVE)):
            entries[row, column] = entries.get((row, column), Fraction(0)) + w
    pieces = replace(layer.pieces, weights=Matrix.sparse(layer.pieces.outputs, FIVE, entries))
    return replace(net, layers=(replace(layer, pieces=pieces), *net.layers[1:]), domain=None)


def _bumped(net: MaxoutNetwork, unit: int, by: Fraction) -> MaxoutNetwork:
    weights = net.output.weights
    entries = weights.entries()
    entries[0, unit] = entries.get((0, unit), Fraction(0)) + by
    return replace(net, output=replace(net.output, weights=Matrix.sparse(*weights.shape, entries)))


@theorem("T20", "One hidden ReLU layer is too little for three", "N5", expected="fails", instances=16, negatives="N5")
def three_need_two_layers(case: Case) -> None:
    """A maximum of three affine functions on R^2 is no network of one hidden layer of units of rank 2, of any width.

    For max(l_1, l_2, l_3) with affinely independent gradients, as drawn: two points of one hyperplane at which the
    slope jumps by different multiples, and across the hyperplane of a unit of rank 2 all jumps are one multiple. Jumps
    are computed exactly; max(l_1, l_2) alone is such a network.
    """
    rows = [(case.integers(2), case.number()) for _ in range(3)]
    (a, _), (b, _), (c, _) = rows
    if (a[0] - b[0]) * (a[1] - c[1]) == (a[1] - b[1]) * (a[0] - c[0]):
        rows = [([0, 0], Fraction(0)), ([1, 0], case.number()), ([case.integer(), case.integer(1, 3)], case.number())]
    f = CPWL.affine(*rows[0])
    for weights, constant in rows[1:]:
        f = f.max(CPWL.affine(weights, constant))
    two = CPWL.affine(*rows[0]).max(CPWL.affine(*rows[1]))
    found = hinges_of(two if case.broken else f)
    expect(isinstance(found, UnequalJumps), f"one layer suffices for {f.text()}")
    assert isinstance(found, UnequalJumps)
    expect(found.jump != found.other_jump, f"{found}")
    for point, jump in ((found.point, found.jump), (found.other_point, found.other_jump)):
        expect(second_difference(f, point, found.row) == jump, f"the jump at {point} is not {jump}")
    expect(isinstance(hinges_of(two), Hinges), "one layer does not suffice for two")


def second_difference(f: CPWL, point: tuple[Fraction, ...], row: tuple[tuple[int, ...], int]) -> Fraction:
    """By which multiple of the row the slope of f jumps at a point of its hyperplane, from values near the point."""
    normal, step = row[0], Fraction(1, 10**9)
    there = [tuple(x + sign * step * n for x, n in zip(point, normal, strict=True)) for sign in (1, -1)]
    bend = f(there[0]) + f(there[1]) - 2 * f(point)
    return bend / (step * sum(n * n for n in normal))
