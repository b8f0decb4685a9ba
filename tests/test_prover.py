"""Verdicts: consistent between methods, regions that tile the domain, ties, traces, simple witnesses, honest limits."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import mutants
import naive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import SMALL, maxout_networks, points, relu_networks, transformers

from exactformer import Box, Domain, InvalidInput, MaxoutNetwork, Polyhedron, ReluNetwork, Unsupported, load
from exactformer.checking import check
from exactformer.compiler import compile_network
from exactformer.folder import write_folder
from exactformer.formats.network_json import to_object
from exactformer.networks import Affine, Block, Head, Network, Transformer
from exactformer.networks.semantics import TIES, Tie
from exactformer.polyhedra.inhabitant import inhabitant
from exactformer.prover import METHODS, Outcome, prove, verify
from exactformer.prover.outcome import Region
from exactformer.prover.question import evaluate_exactly
from exactformer.prover.witness import simplified

F = Fraction
Point = tuple[Fraction, ...]
DATA = Path(__file__).parent / "known_counts"
SPLITTING = ("lazy", "regions")


def maxout(*layers: Any, output: Any, domain: Domain | None = None) -> MaxoutNetwork:
    """Layers of (weights[unit][piece][input], biases[unit][piece])."""
    return MaxoutNetwork.of(list(layers), output, domain=domain)


ABSOLUTE = maxout(([[[1], [-1]]], [[0, 0]]), output=([[1]], [0]))
ABSOLUTE_BY_RELU = ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]))
IDENTITY = ReluNetwork.of([], ([[1]], [0]))
MAX3 = maxout(([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]], [[0, 0, 0]]), output=([[1]], [0]))
MAX3_IN_TWO_STEPS = maxout(
    ([[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 1]]], [[0, 0], [0, 0]]),
    ([[[1, 0], [0, 1]]], [[0, 0]]),
    output=([[1]], [0]),
)
UNIT = Domain.box(1, -1, 1)


def value(network: Network, point: Sequence[Fraction], tie: Tie = "average") -> Point:
    """By the definitions alone."""
    return tuple(naive.evaluate(to_object(network), point, tie))


def certified(outcome: Outcome) -> Outcome:
    """The outcome, not "unknown", its witness compared with the definitions."""
    assert outcome.verdict in ("proved", "refuted"), outcome.reason
    assert (outcome.witness is None) == (outcome.verdict == "proved")
    if outcome.witness is not None:
        at = outcome.witness.point
        assert outcome.domain.contains(at)
        assert value(outcome.left, at, outcome.tie) == outcome.witness.left  # type: ignore[arg-type]
        assert value(outcome.right, at, outcome.tie) == outcome.witness.right  # type: ignore[arg-type]
        assert outcome.witness.left != outcome.witness.right
    return outcome


def verdict(left: Network, right: Network, domain: Domain | None = None, **options: Any) -> str:
    return certified(verify(left, right, domain=domain, cross_check=(), **options)).verdict


def witness(left: Network, right: Network, domain: Domain, **options: Any) -> Point:
    outcome = certified(verify(left, right, domain=domain, cross_check=(), **options))
    assert outcome.witness is not None
    return outcome.witness.point


def random_maxout(r: random.Random, inputs: int = 2, widths: Sequence[int] = (3, 2), outputs: int = 1) -> MaxoutNetwork:
    layers, below, rank = [], inputs, r.choice([2, 3])
    for width in widths:
        rows = [
            [[F(r.randint(-4, 4), r.choice([1, 2])) for _ in range(below)] for _ in range(rank)] for _ in range(width)
        ]
        layers.append((rows, [[F(r.randint(-4, 4), 2) for _ in range(rank)] for _ in range(width)]))
        below = width
    return maxout(
        *layers, output=([[r.choice([-1, 1, 2]) for _ in range(below)] for _ in range(outputs)], [0] * outputs)
    )


# --- all methods ----------------------------------------------------------------------------------

EQUAL: list[tuple[Network, Network, Domain]] = [
    (ABSOLUTE, ABSOLUTE_BY_RELU, Domain.everything(1)),
    (ABSOLUTE, compile_network(ABSOLUTE, domain=UNIT).transformer, UNIT),
    (MAX3, MAX3_IN_TWO_STEPS, Domain.box(3, -1, 1)),
    (MAX3, MAX3_IN_TWO_STEPS, Domain.everything(3)),
    (MAX3_IN_TWO_STEPS, compile_network(MAX3, construction="global").transformer, Domain.box(3, -1, 1)),
    (ABSOLUTE, IDENTITY, Box([0], [1])),
    (ABSOLUTE, IDENTITY, Polyhedron([None], [None], [[-2]], [0])),
    (IDENTITY, IDENTITY, Domain.everything(1)),
]
DIFFERENT: list[tuple[Network, Network, Domain]] = [
    (ABSOLUTE, IDENTITY, UNIT),
    (ABSOLUTE, IDENTITY, Domain.everything(1)),
    (ABSOLUTE, IDENTITY, Box([F(-1, 10**30)], [1])),
    (ABSOLUTE, IDENTITY, Polyhedron([None], [None], [[-2], [1]], ["1/1000000000", 1])),
    (MAX3, maxout(([[[1, 0, 0], [0, 1, 0]]], [[0, 0]]), output=([[1]], [0])), Domain.box(3, -1, 1)),
    (IDENTITY, ReluNetwork.of([], ([[1]], ["1/1000000000000000000000000000000"])), Domain.everything(1)),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("left", "right", "domain"), EQUAL)
def test_equal_networks(left: Network, right: Network, domain: Domain, method: str) -> None:
    for one, other in ((left, right), (right, left)):
        outcome = verify(one, other, domain=domain, method=method)  # type: ignore[arg-type]
        assert outcome.verdict == "proved" or (method == "structural" and outcome.verdict == "unknown")
        assert outcome.reason is None or outcome.verdict == "unknown"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("left", "right", "domain"), DIFFERENT)
def test_different_networks(left: Network, right: Network, domain: Domain, method: str) -> None:
    for one, other in ((left, right), (right, left)):
        outcome = verify(one, other, domain=domain, method=method)  # type: ignore[arg-type]
        if method != "structural" or outcome.verdict != "unknown":
            assert certified(outcome).verdict == "refuted"


@pytest.mark.parametrize("seed", range(10))
def test_methods_agree_on_random_pairs(seed: int) -> None:
    """A network against its Transformer with one thing changed, or against itself with its pieces in another order."""
    r = random.Random(seed)
    left = random_maxout(r)
    compiled = compile_network(left, domain=Domain.box(2, -1, 1))
    table = mutants.GENERAL | mutants.GATED
    right = table[r.choice(sorted(table))](r, compiled) if seed % 2 else shuffled(r, left)
    found = {
        method: verify(left, right, domain=Domain.box(2, -1, 1), method=method, cross_check=()).verdict
        for method in METHODS
    }
    decided = set(found.values()) - {"unknown"}
    assert len(decided) == 1
    assert all(found[method] != "unknown" for method in ("auto", *SPLITTING))


def shuffled(r: random.Random, network: MaxoutNetwork) -> MaxoutNetwork:
    """The same function: the pieces of every unit in another order, and the units of the last layer as well."""
    layers = []
    last = network.layers[-1].width
    order = r.sample(range(last), last)
    for layer in network.layers:
        weights, biases, k = layer.pieces.weights.dense(), layer.pieces.biases.fractions(), layer.rank
        units = order if layer is network.layers[-1] else range(layer.width)
        rows = [r.sample(range(i * k, i * k + k), k) for i in units]
        layers.append(([[weights[j] for j in row] for row in rows], [[biases[j] for j in row] for row in rows]))
    output = [[row[i] for i in order] for row in network.output.weights.dense()]
    return maxout(*layers, output=(output, network.output.biases.fractions()))


@pytest.mark.parametrize("construction", ["gated", "global"])
@pytest.mark.parametrize("method", ["auto", "structural", "lazy", "regions", "smt"])
def test_prove(construction: str, method: str) -> None:
    network = random_maxout(random.Random(5), widths=(2, 2), outputs=2)
    outcome = prove(network, construction=construction, domain=Domain.box(2, -1, 1), method=method)
    assert outcome.verdict == "proved"
    assert outcome.compiled is not None and outcome.compiled.transformer is outcome.right
    assert outcome.theorem is not None
    assert (outcome.certificate is None) == (method == "smt")


def test_proof_without_a_split_holds_under_any_tie_rule() -> None:
    outcome = prove(MAX3, domain=Domain.box(3, -1, 1), tie="leftmost")
    assert outcome.theorem is not None and "any tie rule" in outcome.theorem
    assert outcome.method == "structural"


def test_smt_alone_says_so() -> None:
    outcome = verify(ABSOLUTE, ABSOLUTE_BY_RELU, method="smt")
    assert (outcome.verdict, outcome.certificate) == ("proved", None)
    assert outcome.theorem is not None and "on the word of z3" in outcome.theorem
    assert any("z3" in line for line in outcome.trusted)
    refuted = certified(verify(ABSOLUTE, IDENTITY, domain=UNIT, method="smt"))
    assert (refuted.method, refuted.verdict) == ("smt", "refuted")
    assert refuted.certificate is not None and "point" in refuted.certificate


def test_scores_that_are_not_affine_go_to_smt() -> None:
    """Query x, keys x and -x, values the same: the score k x^2 picks the value x everywhere."""
    embedding = tuple(Affine.of([[key], [1]], [0, 0]) for key in (1, -1))
    head = Head.of([[0, 1]], [[1, 0]], [[1, 0]], [[1], [0]])
    net = Transformer(embedding, (Block((head,), None),), 0, Affine.of([[1, 0]], [0]), residual=False)
    assert verdict(IDENTITY, net, UNIT) == "proved"
    assert verdict(ABSOLUTE, net, Box([0], [1])) == "proved"
    assert verdict(ABSOLUTE, net, UNIT) == "refuted"
    for method in ("structural", "lazy", "regions"):
        outcome = verify(IDENTITY, net, domain=UNIT, method=method)
        assert outcome.verdict == "unknown" and outcome.reason is not None and "affine score" in outcome.reason


# --- domains --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", SPLITTING)
def test_unbounded_domains(method: str) -> None:
    for domain in (Domain.everything(1), Box([None], [0]), Box([5], [None])):
        assert verdict(ABSOLUTE, ABSOLUTE_BY_RELU, domain, method=method) == "proved"
    shifted = ReluNetwork.of([([[1], [-1]], [-(10**9), 10**9])], ([[1, 1]], [-(10**9)]))  # |x - 10^9| - 10^9
    assert verdict(shifted, shifted, method=method) == "proved"
    less = replace(shifted, output=Affine.of([[1, 1]], [-(10**9) + 1]))
    assert verdict(shifted, less, method=method) == "refuted"
    negated = ReluNetwork.of([], ([[-1]], [0]))
    assert verdict(shifted, negated, Box([None], [10**9]), method=method) == "proved"
    assert witness(shifted, negated, Domain.everything(1), method=method)[0] > 10**9


@pytest.mark.parametrize("method", SPLITTING)
def test_polyhedra(method: str) -> None:
    """On x + y = 1 max(x, y) is max(x, 1 - x); on the triangle x >= y >= 0, x <= 1 it is x."""
    larger = maxout(([[[1, 0], [0, 1]]], [[0, 0]]), output=([[1]], [0]))
    by_x = maxout(([[[1, 0], [-1, 0]]], [[0, 1]]), output=([[1]], [0]))
    line = Polyhedron([None] * 2, [None] * 2, [[1, 1], [-1, -1]], [1, -1])
    assert verdict(larger, by_x, line, method=method) == "proved"
    assert verdict(larger, by_x, Domain.everything(2), method=method) == "refuted"
    first = ReluNetwork.of([], ([[1, 0]], [0]))
    triangle = Polyhedron([None, 0], [1, None], [[-1, 1]], [0])
    assert verdict(larger, first, triangle, method=method) == "proved"
    wider = Polyhedron([None, 0], [1, None], [[-1, 1]], [F(1, 10**9)])
    x, y = witness(larger, first, wider, method=method)
    assert 0 < y - x <= F(1, 10**9)


@pytest.mark.parametrize("method", SPLITTING)
def test_flat_boxes(method: str) -> None:
    """lower = upper: no cell has an interior, and equality on the flat set is all that is asked."""
    for x in (F(0), F(-1, 3), F(2)):
        for outcome in (
            verify(ABSOLUTE, ABSOLUTE_BY_RELU, domain=Box([x], [x]), method=method),
            verify(ABSOLUTE, ReluNetwork.of([], ([[0]], [abs(x)])), domain=Box([x], [x]), method=method),
        ):
            assert certified(outcome).verdict == "proved"
            assert (outcome.regions, outcome.counts.get("regions", 0)) == ((), 0)
        assert witness(ABSOLUTE, ReluNetwork.of([], ([[0]], [5])), Box([x], [x]), method=method) == (x,)
    larger = maxout(([[[1, 0], [0, 1]]], [[0, 0]]), output=([[1]], [0]))
    hinge = maxout(([[[1, 0], [0, 0]]], [[0, F(1, 2)]]), output=([[1]], [0]))
    assert verdict(larger, hinge, Box([-1, "1/2"], [1, "1/2"]), method=method) == "proved"
    assert verdict(larger, hinge, Box([-1, "1/2"], [1, "51/100"]), method=method) == "refuted"


@pytest.mark.parametrize("method", ["auto", *SPLITTING])
def test_networks_without_layers(method: str) -> None:
    affine = ReluNetwork.of([], ([[1, 2], [0, -1]], ["1/3", 0]))
    assert verdict(affine, MaxoutNetwork((), affine.output), method=method) == "proved"
    other = ReluNetwork.of([], ([[1, 2], [0, -1]], ["1/3", "1/7"]))
    assert witness(affine, other, Domain.box(2, -1, 1), method=method) == (0, 0)
    compiled = compile_network(affine, construction="global").transformer
    assert verdict(affine, compiled, method=method) == "proved"


def test_several_outputs_are_all_compared() -> None:
    both = ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1], [1, -1]], [0, 0]))  # (|x|, x)
    assert verdict(both, compile_network(both, construction="global").transformer) == "proved"
    for row in (0, 1):
        bumped = mutants.bump_affine(both.output, (row, 1), F(1, 2**30))
        found = certified(verify(both, replace(both, output=bumped), domain=UNIT)).witness
        assert found is not None
        assert [a != b for a, b in zip(found.left, found.right, strict=True)] == [row == 0, row == 1]


def test_the_domain_defaults_to_the_networks() -> None:
    left = replace(ABSOLUTE, domain=Box([0], [2]))
    assert verify(left, IDENTITY).domain == Box([0], [2])
    assert verify(IDENTITY, left).verdict == "proved"
    assert verify(left, IDENTITY, domain=UNIT).verdict == "refuted"
    assert verify(ABSOLUTE, ABSOLUTE).domain == Domain.everything(1)


def test_inhabitant() -> None:
    assert inhabitant(Domain.everything(2)) == (0, 0)
    assert inhabitant(Box([1, None], [2, -3])) == (1, -3)
    square = Polyhedron([None] * 2, [None] * 2, [[1, 1], [-1, 0], [0, -1]], [-3, 5, 7])
    assert square.contains(inhabitant(square))
    line = Polyhedron([None] * 2, [None] * 2, [["1/3", 1], ["-1/3", -1]], ["2/7", "-2/7"])
    assert line.contains(inhabitant(line))


def test_bad_questions() -> None:
    with pytest.raises(InvalidInput, match="domain that is not empty"):
        verify(ABSOLUTE, ABSOLUTE, domain=Polyhedron([0], [None], [[1]], [-1]))
    with pytest.raises(InvalidInput) as error:
        verify(ABSOLUTE, MAX3, domain=Domain.box(2, 0, 1), method="guess", tie="middle")  # type: ignore[arg-type]
    assert len(error.value.reasons) == 4
    with pytest.raises(Unsupported):
        prove(ABSOLUTE)  # gated, and no box
    with pytest.raises(InvalidInput):
        prove(ABSOLUTE, construction="wished for", domain=UNIT)


# --- regions --------------------------------------------------------------------------------------


def tree_counts(outcome: Outcome) -> dict[str, int]:
    assert outcome.certificate is not None
    names = [step[0] for step in outcome.certificate["tree"]]
    return {name: names.count(name) for name in ("gate", "compare", "holds", "empty")}


def assert_regions_are_right(outcome: Outcome) -> None:
    """Interior points inside, maps exact, patterns distinct, one leaf of the tree each."""
    counts, tree = outcome.counts, tree_counts(outcome)
    assert len(outcome.regions) == counts["regions"]
    assert counts["regions"] + counts["flat"] == tree["holds"] == counts["holds"]
    assert counts["pruned"] == tree["empty"] == counts["empty"]
    assert (counts["gate"], counts["compare"]) == (tree["gate"], tree["compare"])
    assert len({region.pattern for region in outcome.regions}) == len(outcome.regions)
    for region in outcome.regions:
        x = region.interior
        assert outcome.domain.contains(x)
        assert all(at(i.coefficients, i.constant, x) > 0 for i in region.inequalities)
        for network, affine in ((outcome.left, region.left), (outcome.right, region.right)):
            assert evaluate_exactly(network, x, outcome.semantics[0]) == image(affine, x)
        assert all(place.startswith("L") for place, _ in region.pattern)


def at(coefficients: Sequence[int], constant: int, x: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(coefficients, x, strict=True)), F(constant))


def image(affine: Affine, x: Sequence[Fraction]) -> Point:
    return tuple(naive.affine(affine.weights.dense(), affine.biases.fractions(), list(x)))


def area(region: Region, corners: list[Point]) -> Fraction:
    """The exact area of a plane region inside the polygon with the given corners (cut by one inequality at a time)."""
    for i in region.inequalities:
        values = [at(i.coefficients, i.constant, corner) for corner in corners]
        cut: list[Point] = []
        for (p, u), (q, v) in pairwise([*zip(corners, values, strict=True), (corners[0], values[0])]):
            if u >= 0:
                cut.append(p)
            if u * v < 0:
                cut.append(tuple(a + (b - a) * u / (u - v) for a, b in zip(p, q, strict=True)))
        corners = cut
    return sum((p[0] * q[1] - p[1] * q[0] for p, q in pairwise([*corners, corners[0]])), F(0)) / 2


@pytest.mark.parametrize("seed", range(4))
def test_plane_regions_tile_the_square(seed: int) -> None:
    network = random_maxout(random.Random(seed), outputs=2)
    outcome = prove(network, domain=Domain.box(2, -1, 1), method="regions", cross_check=())
    assert_regions_are_right(outcome)
    square = [(F(-1), F(-1)), (F(1), F(-1)), (F(1), F(1)), (F(-1), F(1))]
    assert sum(area(region, square) for region in outcome.regions) == 4


@pytest.mark.parametrize("depth", range(1, 6))
def test_sawtooth_regions_tile_the_line(depth: int) -> None:
    """The tent map depth times: 2^depth regions of equal length, slopes +-2^depth."""
    layers = [([[2], [4]], [0, -2]), *[([[2, -2], [4, -4]], [0, -2]) for _ in range(depth - 1)]]
    tent = ReluNetwork.of(layers, ([[1, -1]], [0]), domain=Box([0], [1]))
    outcome = prove(tent, method="regions", cross_check=())
    assert_regions_are_right(outcome)
    assert outcome.counts["regions"] == 2**depth
    ends = []
    for region in outcome.regions:
        bounds = [
            (F(-i.constant, i.coefficients[0]), i.coefficients[0] > 0)
            for i in region.inequalities
            if any(i.coefficients)
        ]
        ends.append((max(x for x, lower in bounds if lower), min(x for x, lower in bounds if not lower)))
        assert abs(region.left.weights.dense()[0][0]) == 2**depth
    assert sorted(ends) == [(F(i, 2**depth), F(i + 1, 2**depth)) for i in range(2**depth)]


def test_regions_of_a_domain_without_bounds() -> None:
    outcome = verify(MAX3, MAX3, method="regions", cross_check=())
    assert_regions_are_right(outcome)
    assert outcome.counts["regions"] == 3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["at-most", "within:60", "within:90", "range:-40,40", "range:,60"]))
def test_an_inequality_is_one_linear_program_a_region(seed: int, claim: str) -> None:
    """The cells are those on which both sides are affine; what is proved there is what a lazy search proves."""
    left, right = (random_maxout(random.Random(number), outputs=2) for number in (seed, seed + 1))
    other, square = None if claim.startswith("range") else right, Domain.box(2, -1, 1)
    by_regions, lazy = (
        verify(left, other, claim=claim, domain=square, method=method, cross_check=()) for method in ("regions", "lazy")
    )
    assert by_regions.verdict == lazy.verdict != "unknown"
    if by_regions.verdict == "proved":
        regions, corners = by_regions.regions, [(F(-1), F(-1)), (F(1), F(-1)), (F(1), F(1)), (F(-1), F(1))]
        assert (
            len(regions) == by_regions.counts["regions"] == tree_counts(by_regions)["holds"] - by_regions.counts["flat"]
        )
        assert sum(area(region, corners) for region in regions) == 4
        for region, (network, side) in product(regions, ((left, "left"), (right, "right"))):
            if network is left or other is not None:
                image_there = image(getattr(region, side), region.interior)
                assert network.evaluate(region.interior) == image_there


def test_no_regions_are_counted_where_the_right_side_cuts_them_further() -> None:
    """Nor where a head's tie splits the domain: the leaves are then other cells."""
    for left, right in (sums_of_absolute_values(2), (tie_head(), tie_head())):
        outcome = certified(verify(left, right, method="regions", cross_check=()))
        assert outcome.verdict == "proved"
        assert ("regions" in outcome.counts, outcome.regions) == (False, ())


def test_regions_of_a_transformer_against_itself() -> None:
    compiled = compile_network(random_maxout(random.Random(3)), domain=Domain.box(2, -1, 1)).transformer
    assert_regions_are_right(verify(compiled, compiled, method="regions", cross_check=()))


def test_regions_are_confirmed_by_a_second_solver() -> None:
    outcome = prove(MAX3, domain=Domain.box(3, -1, 1), method="regions", cross_check=("z3",), sample=None)
    found = {said.subject: said for said in outcome.confirmations}
    assert found.keys() == {"interior points", "regions", "leaves"}
    assert all((said.confirmed, said.tried, said.contradicted) == (3, 3, 0) for said in found.values())
    assert found["regions"].note == "the volumes add up to 8"


EXPECTED = json.loads((DATA / "expected.json").read_text())


def counted(least: int, most: int) -> list[str]:
    return [name for name, row in sorted(EXPECTED.items()) if least <= row["activation_regions"] <= most]


def assert_counts_are_as_expected(name: str) -> None:
    expected = EXPECTED[name]
    network = load(DATA / f"{name}.json")
    outcome = prove(network, method="regions", cross_check=())
    assert outcome.counts["regions"] == expected["activation_regions"]
    assert len({region.left for region in outcome.regions}) == expected["distinct_affine_maps"]
    assert_regions_are_right(outcome)
    if network.inputs == 2:
        (a, c), (b, d) = outcome.domain.lower, outcome.domain.upper
        assert a is not None and b is not None and c is not None and d is not None
        assert sum(area(region, [(a, c), (b, c), (b, d), (a, d)]) for region in outcome.regions) == (b - a) * (d - c)


@pytest.mark.parametrize("name", counted(0, 150))
def test_expected_numbers_of_regions(name: str) -> None:
    assert_counts_are_as_expected(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", counted(151, 1500))
def test_expected_larger_numbers_of_regions(name: str) -> None:
    assert_counts_are_as_expected(name)


# --- ties: theory N4 ------------------------------------------------------------------------------


def tie_head(keys: Sequence[int] = (1, -1), values: Sequence[Any] = (1, 0), kink: Fraction | int = 0) -> Transformer:
    """Constant query, key k (x - kink) and value v at each token: for (1, -1) and (1, 0) the step 1[x > kink]."""
    embedding = tuple(Affine.of([[k], [0], [0]], [-k * kink, v, 1]) for k, v in zip(keys, values, strict=True))
    head = Head.of([[0, 0, 1]], [[1, 0, 0]], [[0, 1, 0]], [[0], [1], [0]])
    return Transformer(embedding, (Block((head,), None),), 0, Affine.of([[0, 1, 0]], [0]), residual=False)


# keys and values of heads that equal the step everywhere but at the kink, and their values there by tie rule
VARIANTS = {
    "the step": ((1, -1), (1, 0), (F(1, 2), 1, 0)),
    "other order": ((-1, 1), (0, 1), (F(1, 2), 0, 1)),
    "a half behind": ((1, -1, 0), (1, 0, F(1, 2)), (F(1, 2), 1, F(1, 2))),
    "a half in front": ((0, 1, -1), (F(1, 2), 1, 0), (F(1, 2), F(1, 2), 0)),
    "a one behind": ((1, -1, 0), (1, 0, 1), (F(2, 3), 1, 1)),
    "twice": ((1, -1, 1, -1), (1, 0, 1, 0), (F(1, 2), 1, 0)),
    "slower": ((2, -5), (1, 0), (F(1, 2), 1, 0)),
}


@pytest.mark.parametrize("kink", [F(0), F(1, 3), F(-(2**40), 3**26)], ids=str)
@pytest.mark.parametrize("name", VARIANTS)
def test_heads_that_differ_at_a_tie_only(name: str, kink: Fraction) -> None:
    keys, values, there = VARIANTS[name]
    step, variant = tie_head(kink=kink), tie_head(keys, values, kink)
    for tie, at_kink, wanted in zip(TIES, there, VARIANTS["the step"][2], strict=True):
        assert variant.evaluate([kink], tie=tie) == (at_kink,)
        for method in ("auto", "lazy"):
            outcome = certified(verify(step, variant, domain=Domain.box(1, -2, 1), tie=tie, method=method))
            if at_kink == wanted:
                assert outcome.verdict == "proved"
            else:
                assert outcome.witness is not None and outcome.witness.point == (kink,)
        assert verdict(step, variant, Polyhedron([kink + F(1, 10**9)], [None]), tie=tie) == "proved"


@pytest.mark.parametrize("tie", TIES)
def test_step_equals_itself(tie: Tie) -> None:
    step = tie_head(kink=F(1, 7))
    for method in ("auto", "lazy", "regions", "smt"):
        assert verdict(step, step, UNIT, method=method, tie=tie) == "proved"
    moved = tie_head(kink=F(1, 7) + F(1, 2**50))
    x = witness(step, moved, UNIT, tie=tie)[0]
    assert F(1, 7) <= x <= F(1, 7) + F(1, 2**50)


def test_the_theorem_names_the_tie_rule_that_it_needs() -> None:
    outcome = verify(tie_head(), tie_head((1, -1, 1, -1), (1, 0, 1, 0)), domain=UNIT, tie="leftmost")
    assert outcome.theorem is not None and "tie rule leftmost" in outcome.theorem
    assert outcome.counts["ties"] > 0


@pytest.mark.parametrize("tie", TIES)
def test_wide_tie_is_decided_by_the_rule(tie: Tie) -> None:
    """Keys 0 and 0: the tie is the whole line, and the rule picks among the values 2x and 0."""
    embedding = (Affine.of([[2], [0]], [0, 1]), Affine.of([[0], [0]], [0, 1]))
    head = Head.of([[0, 1]], [[0, 0]], [[1, 0]], [[1], [0]])
    net = Transformer(embedding, (Block((head,), None),), 1, Affine.of([[1, 0]], [0]), residual=False)
    chosen = {
        "average": IDENTITY,
        "leftmost": ReluNetwork.of([], ([[2]], [0])),
        "rightmost": ReluNetwork.of([], ([[0]], [0])),
    }
    for rule, affine in chosen.items():
        assert verdict(net, affine, Domain.everything(1), tie=tie) == ("proved" if rule == tie else "refuted")


# --- traces ---------------------------------------------------------------------------------------


def changed_place(compiled: Any, right: Transformer) -> str:
    """Where the two Transformers differ, by comparing their parts."""
    left = compiled.transformer
    if left.embedding != right.embedding:
        return "embedding"
    for b, (one, other) in enumerate(zip(left.blocks, right.blocks, strict=True)):
        if one.heads != other.heads:
            return f"block {b}, attention"
        if one.feedforward != other.feedforward:
            return f"block {b}, feed-forward"
    return "output 0"


CHANGES = sorted(set(mutants.GENERAL | mutants.GATED) - {"drop token", "causal mask", "no residual"})


@pytest.mark.parametrize("name", CHANGES)
def test_trace_names_the_sublayer_that_was_changed(name: str) -> None:
    """The first state that differs is the one behind the change, whichever side the Transformer is on."""
    domain = Domain.box(2, -1, 1)
    for seed in range(2):
        r = random.Random(f"{name} {seed}")
        source = random_maxout(r)
        compiled = compile_network(source, domain=domain)
        mutant = (mutants.GENERAL | mutants.GATED)[name](r, compiled)
        for left, right in ((source, mutant), (mutant, source), (compiled.transformer, mutant)):
            outcome = certified(verify(left, right, domain=domain))
            wrong = [line.place for line in outcome.trace if not line.agrees]
            assert bool(wrong) == (outcome.verdict == "refuted")
            if wrong:
                assert wrong[0].startswith(changed_place(compiled, mutant))
                assert wrong[-1] == "output 0"


@pytest.mark.parametrize(
    ("construction", "change"),
    [("gated", {"mask": "causal"}), ("gated", {"residual": False}), ("causal", {"token": 0})],
)
def test_trace_of_sides_whose_outputs_depend_on_different_tokens(construction: str, change: Any) -> None:
    """Only states are compared of tokens that matter on both sides."""
    source = random_maxout(random.Random(1))
    compiled = compile_network(source, domain=Domain.box(2, -1, 1), construction=construction)
    mutant = replace(compiled.transformer, **change)
    for left, right in ((compiled.transformer, mutant), (mutant, compiled.transformer), (compiled.source, mutant)):
        outcome = certified(verify(left, right, domain=Domain.box(2, -1, 1)))
        assert outcome.verdict == "refuted"
        assert [line.place for line in outcome.trace if not line.agrees][-1] == "output 0"


def test_trace_names_the_unit() -> None:
    source = random_maxout(random.Random(1), widths=(3, 3))
    compiled = compile_network(source, domain=Domain.box(2, -1, 1))
    outcome = certified(verify(source, mutants.drop_head(compiled.transformer, 2, 1), domain=Domain.box(2, -1, 1)))
    first = next(line for line in outcome.trace if not line.agrees)
    assert first.place.startswith("block 2, attention, head 1, token 0")
    assert "unit 1 of layer 1" in first.place
    assert first.found == "0" != first.wanted
    assert next(line.place for line in outcome.trace if line.agrees) == "embedding"


def test_trace_of_networks_that_cannot_be_compared_has_the_outputs_alone() -> None:
    outcome = certified(verify(ABSOLUTE, IDENTITY, domain=UNIT))
    assert [line.place for line in outcome.trace] == ["output 0"]
    (line,) = outcome.trace
    assert outcome.witness is not None
    assert (line.found, line.wanted) == (str(outcome.witness.right[0]), str(outcome.witness.left[0]))


# --- simple witnesses -----------------------------------------------------------------------------


def test_witness_is_simple() -> None:
    assert witness(ABSOLUTE, IDENTITY, Box([-1000], [1000]))[0].denominator == 1
    ((x,), y) = (witness(ABSOLUTE, IDENTITY, Box(["-1/3"], [1])), F(-1, 3))
    assert y <= x < 0 and x.denominator <= 4
    network = random_maxout(random.Random(2), inputs=3, widths=(3,))
    unused = replace(network, output=mutants.bump_affine(network.output, (0,), F(1)))
    assert witness(network, unused, Domain.box(3, -7, 7)) == (0, 0, 0)


def test_simplified() -> None:
    ugly = F(123456789, 10**9 + 7)
    assert simplified((ugly, ugly), lambda p: p[0] > 0)[1] == 0
    assert simplified((ugly,), lambda p: p[0] > F(1, 10))[0].denominator <= 10
    assert simplified((ugly,), lambda p: p == (ugly,)) == (ugly,)
    assert simplified((F(2**70 + 1, 3),), lambda p: p[0] > 1)[0].denominator == 1
    assert simplified((ugly, F(5)), lambda p: True, trials=0) == (ugly, 5)


@given(points(2), st.tuples(st.integers(-3, 3), st.integers(-3, 3)), st.fractions(-5, 5, max_denominator=50))
@settings(max_examples=60)
def test_simplified_keeps_the_difference(point: Point, slope: tuple[int, int], bound: Fraction) -> None:
    def differs(p: Sequence[Fraction]) -> bool:
        return at(slope, 0, p) >= bound

    if differs(point):
        simple = simplified(point, differs)
        assert differs(simple)
        assert all(a.denominator <= max(b.denominator, 2**30) for a, b in zip(simple, point, strict=True))


# --- time -----------------------------------------------------------------------------------------


def sums_of_absolute_values(n: int) -> tuple[ReluNetwork, MaxoutNetwork]:
    """|x_1| + ... + |x_n|, and the maximum of all 2^n sums with signs: equal, and no two units are alike."""
    unit = [[int(i == j) for j in range(n)] for i in range(n)]
    absolute = ReluNetwork.of([([*unit, *([-x for x in row] for row in unit)], [0] * 2 * n)], ([[1] * 2 * n], [0]))
    signs = [list(choice) for choice in product((1, -1), repeat=n)]
    return absolute, maxout(([signs], [[0] * 2**n]), output=([[1]], [0]))


@pytest.mark.parametrize("method", ["lazy", "regions", "smt", "auto"])
def test_equal_for_no_local_reason(method: str) -> None:
    assert verdict(*sums_of_absolute_values(2), method=method) == "proved"
    left, right = sums_of_absolute_values(3)
    assert verdict(left, right, Domain.box(3, -1, 1), method=method) == "proved"
    missing = MaxoutNetwork.of([([right.layers[0].pieces.weights.dense()[1:]], [[0] * 7])], ([[1]], [0]))
    assert verdict(left, missing, Domain.box(3, -1, 1), method=method) == "refuted"


@pytest.mark.parametrize("method", ["lazy", "regions", "smt", "auto"])
def test_out_of_time(method: str) -> None:
    outcome = verify(*sums_of_absolute_values(9), domain=Domain.box(9, -1, 1), method=method, timeout=0.2)  # type: ignore[arg-type]
    assert outcome.verdict == "unknown"
    assert outcome.reason
    assert method == "smt" or "out of time" in outcome.reason
    assert (outcome.certificate, outcome.witness, outcome.theorem) == (None, None, None)


def test_structural_says_what_could_decide() -> None:
    outcome = verify(*sums_of_absolute_values(2), method="structural")
    assert outcome.verdict == "unknown"
    assert outcome.reason is not None and "lazy" in outcome.reason


def test_progress_is_reported() -> None:
    seen: list[tuple[int, int]] = []
    network = random_maxout(random.Random(1))
    verify(network, shuffled(random.Random(2), network), domain=Domain.box(2, -1, 1), method="regions",
           progress=lambda done, left: seen.append((done, left)))  # fmt: skip
    assert len(seen) > 10
    assert seen[-1][1] == 0
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


# --- certificates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["structural", "lazy", "regions"])
@pytest.mark.parametrize("construction", ["gated", "global"])
def test_written_proof_is_accepted(tmp_path: Path, construction: str, method: str) -> None:
    network = random_maxout(random.Random(7), outputs=2)
    outcome = prove(network, construction=construction, domain=Domain.box(2, -1, 1), method=method, cross_check=())
    write_folder(outcome, tmp_path / "proof")
    checked = check(tmp_path / "proof")
    assert (checked.claim, checked.theorem, checked.tie) == ("equal", outcome.theorem, "average")
    assert {key: outcome.counts[key] for key in checked.counts} == checked.counts


@pytest.mark.parametrize("tie", TIES)
def test_written_counterexample_is_accepted(tmp_path: Path, tie: Tie) -> None:
    outcome = verify(tie_head(), tie_head((1, -1, 0), (1, 0, 3)), domain=UNIT, tie=tie, method="lazy")
    write_folder(outcome, tmp_path)
    checked = check(tmp_path)
    if outcome.verdict == "refuted":
        assert (checked.claim, checked.holds, checked.theorem) == ("equal", False, outcome.theorem)
    else:
        assert (checked.claim, checked.holds, tie) == ("equal", True, "leftmost")


def test_written_split_proof_is_accepted(tmp_path: Path) -> None:
    for number, (left, right, domain) in enumerate(EQUAL):
        outcome = verify(left, right, domain=domain, method="lazy")
        write_folder(outcome, tmp_path / str(number))
        assert check(tmp_path / str(number)).theorem == outcome.theorem


# --- regressions ----------------------------------------------------------------------------------


def test_rows_over_units_keep_their_scale() -> None:
    """A compared score over open units has another denominator once the units are replaced by their values."""
    layers = [([["-1/2", 0], [0, 0], [0, 0]], [0, 0, 0]), ([[-1, 0, 0]], [1])]
    compiled = compile_network(ReluNetwork.of(layers, ([[1]], [0])), construction="global")
    mutant = mutants.bump_head(compiled.transformer, 1, 2, "value", (0, 5), F(1))
    assert verdict(compiled.source, mutant, method="lazy") == "proved"


def test_looking_ahead_leaves_no_trace() -> None:
    """What interval bounds settle halfway down a path is not settled for the kernel, which does not look there."""
    layers = [([[1, 1], [1, 1]], [0, -1]), ([[1, -1], [-1, 1]], [-1, -1])]
    compiled = compile_network(ReluNetwork.of(layers, ([[1, 1]], [0]), domain=Domain.box(2, -1, 1)))
    mutant = mutants.bump_embedding(compiled.transformer, 0, (3, 1), F(1))
    assert verdict(compiled.source, mutant, Domain.box(2, -1, 1), method="lazy") == "proved"


def test_cells_whose_rows_alone_depend_on_a_unit() -> None:
    """Both sides are affine on a cell that only a compared score over an open unit bounds: that unit is split."""
    network = maxout(([[[0], [1], [-1]]], [[0, 0, 0]]), ([[[1], [0], [0]]], [[0, 0, 0]]), output=([[1]], [0]))
    compiled = compile_network(network, construction="global")
    mutant = mutants.bump_head(compiled.transformer, 0, 0, "key", (0, 4), F(1, 2))
    assert verdict(network, mutant, method="lazy") == "proved"


def test_maximum_of_maxima() -> None:
    """A gate exactly at its threshold leaves max(u, relu(u)) deep below other units: one split settles it."""
    r = random.Random(11)
    layers = [
        ([[F(r.randint(-9, 9), 4) for _ in range(3)] for _ in range(8)], [F(r.randint(-4, 4), 4) for _ in range(8)])
    ]
    layers += [([[F(r.randint(-9, 9), 4) for _ in range(8)] for _ in range(8)], [F(0)] * 8) for _ in range(2)]
    compiled = compile_network(ReluNetwork.of(layers, ([[1] * 8], [0]), domain=Domain.box(3, -1, 1)))
    s, _ = mutants.gate(compiled, 0, 0)
    mutant = mutants.with_gate(compiled, 0, 0, s, s)
    outcome = certified(verify(compiled.source, mutant, method="lazy"))
    assert outcome.verdict == "proved"
    assert outcome.counts["gate"] <= 1


@pytest.mark.parametrize("tie", TIES)
def test_trace_speaks_of_one_side_throughout(tie: Tie) -> None:
    """Found is what the Transformer has, wanted what the source asks for, also with the Transformer on the left."""
    compiled = compile_network(ABSOLUTE, domain=UNIT)
    mutant = mutants.bump_head(compiled.transformer, 1, 0, "value", (0, 3), F(1))
    for left, right in ((ABSOLUTE, mutant), (mutant, ABSOLUTE)):
        outcome = certified(verify(left, right, domain=UNIT, tie=tie))
        assert outcome.witness is not None
        at = outcome.witness.point
        assert outcome.trace[-1].found == str(value(mutant, at)[0])
        assert outcome.trace[-1].wanted == str(value(ABSOLUTE, at)[0])


# --- properties -----------------------------------------------------------------------------------


@given(st.one_of(maxout_networks(SMALL), relu_networks(SMALL)), st.sampled_from(["gated", "global"]))
@settings(max_examples=25)
def test_every_network_equals_its_transformer(network: MaxoutNetwork | ReluNetwork, construction: str) -> None:
    domain = Domain.box(network.inputs, -2, 3)
    outcome = prove(network, construction=construction, domain=domain, method="structural")
    assert outcome.verdict == "proved"


@given(transformers(SMALL), st.sampled_from(TIES), st.booleans())
@settings(max_examples=25)
def test_every_transformer_equals_itself(net: Transformer, tie: Tie, bounded: bool) -> None:
    domain = Domain.box(net.inputs, -1, 1) if bounded else Domain.everything(net.inputs)
    outcome = verify(net, net, domain=domain, tie=tie, method="lazy", timeout=1)
    if outcome.verdict == "unknown":
        assert outcome.reason is not None and ("affine score" in outcome.reason or "out of time" in outcome.reason)
    else:
        assert outcome.verdict == "proved"


@given(maxout_networks(SMALL, 2), st.data())
@settings(max_examples=25)
def test_verdict_agrees_with_the_values(network: MaxoutNetwork, data: st.DataObject) -> None:
    """Against another network of the same size: a proof means equal values, a refutation a witness."""
    rows, columns = network.output.weights.shape
    entries = {(i, j): data.draw(SMALL) for i in range(rows) for j in range(columns)}
    other = replace(
        network, output=Affine(type(network.output.weights).sparse(rows, columns, entries), network.output.biases)
    )
    domain = Domain.box(network.inputs, -1, 1)
    outcome = certified(verify(network, other, domain=domain))
    if outcome.verdict == "proved":
        for _ in range(10):
            x = data.draw(st.tuples(*[st.fractions(-1, 1, max_denominator=12)] * network.inputs))
            assert value(network, x) == value(other, x)


# --- found bugs -----------------------------------------------------------------------------------


def test_looking_at_a_cell_changes_nothing_that_the_kernel_sees() -> None:
    """The search once looked at cells on the goal's own table of atoms, and the kernel rejected its correct proof."""
    folder = Path(__file__).parent / "regressions" / "atoms-grow-alike"
    outcome = verify(load(folder / "left.json"), load(folder / "right.json"), tie="leftmost")
    assert (outcome.verdict, outcome.method) == ("proved", "lazy")


def test_compiling_is_under_the_time_limit() -> None:
    wide = ReluNetwork.of([([[1] * 30] * 300, [0] * 300)] + [([[1] * 300] * 300, [0] * 300)] * 3, ([[1] * 300], [0]))
    with pytest.raises(TimeoutError, match=r"out of time after 0\.05 s"):
        prove(wide, domain=Domain.box(30, -1, 1), timeout=0.05)


def test_an_entry_to_blame_is_sought_where_scores_are_not_affine() -> None:
    """Neurons 0 and 2 are exchanged, so that scores are products: once an exception in place of the verdict."""
    source = maxout(([[[1]]], [[0]]), output=([[1]], [0]), domain=UNIT)
    right = compile_network(source, construction="no-residual").transformer
    neurons = mutants.feedforward_of(right, 0)
    inner = Affine.of([[1, 0, 0], [0, 2, 1], [2, 0, 1], [0, 1, 0]], [0, -1, -1, 0])
    assert inner != neurons.inner and sorted(inner.biases.fractions()) == sorted(neurons.inner.biases.fractions())
    outcome = certified(verify(source, mutants.with_feedforward(right, 0, replace(neurons, inner=inner)), domain=UNIT))
    assert outcome.verdict == "refuted"
