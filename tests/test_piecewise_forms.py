"""Networks for piecewise linear functions: every form equals the function, keeps its size, and says why it is none."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, pairwise, product
from typing import Any

import flint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.compiler.maxout_to_relu import maxout_to_relu
from exactformer.piecewise import CPWL, cpwl_to_one_head, forms_of, forms_text, network_of
from exactformer.piecewise.cpwl_to_max_min import cpwl_to_max_min, minima_of
from exactformer.piecewise.cpwl_to_one_layer import Hinges, UnequalJumps, hinges_of
from exactformer.piecewise.cpwl_to_sum_of_maxima import cpwl_to_sum_of_maxima, reduced
from exactformer.piecewise.cpwl_to_two_maxima import convex_difference, cpwl_to_two_maxima
from exactformer.piecewise.forms import FORMS, equal_to, form_of
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.sweep import bends_of, equals, upper_envelope
from tests.strategies import PLAIN, SMALL, maxout_networks
from tests.test_piecewise import GRID, PLANE_POINTS, function, line_functions, terms

F = Fraction
ANY: Any = network_of
X, Y = CPWL.variables(2)
DEPTH = {1: 1, 2: 2, 3: 2}  # ceil(log2(n + 1))


def check_forms(f: CPWL, points: list[Any]) -> None:
    inside = [p for p in points if f.domain.contains(p)]
    for form in forms_of(f):
        if form.network is None:
            assert form.construction == "one-layer" and f.inputs > 1 and isinstance(hinges_of(f), UnequalJumps)
            continue
        assert form.proved
        assert all(form.network.evaluate(p)[0] == f(p) for p in inside)
        match form.construction:
            case "max-min":
                assert form.depth <= 2
            case "two-maxima":
                assert form.depth <= 1 and form.units <= 2 - (f.is_convex or f.is_concave)
            case "sum-of-maxima":
                assert form.depth <= 1 and form.rank <= f.inputs + 1
            case "one-layer":
                assert form.depth <= 1 and form.rank <= 2
            case "relu":
                assert form.depth <= DEPTH[f.inputs] and isinstance(form.network, ef.ReluNetwork)


@settings(max_examples=20)
@given(line_functions())
def test_all_forms_of_one_variable(f: CPWL) -> None:
    check_forms(f, [(x,) for x in GRID])
    count = len(f.simplified().cells)
    assert form_of(f, "one-layer").units <= count - 1  # M4 with one unit less
    assert form_of(f, "relu").units <= count if count > 1 else form_of(f, "relu").units == 0


@settings(max_examples=8)
@given(terms(2))
def test_all_forms_of_two_variables(tree: tuple[Any, ...]) -> None:
    check_forms(function(tree), PLANE_POINTS[::3])


@settings(max_examples=10)
@given(maxout_networks(SMALL, 2).filter(lambda n: n.inputs == 2 and n.domain is None and sum(n.widths) <= 4))
def test_forms_of_networks(network: ef.MaxoutNetwork) -> None:
    f = CPWL.of_network(network)
    for form in (cpwl_to_max_min(f), cpwl_to_two_maxima(f), cpwl_to_sum_of_maxima(f)):
        assert equal_to(f, form) and all(form.evaluate(p) == network.evaluate(p)[:1] for p in PLANE_POINTS[::4])


def test_three_inputs_and_a_grid() -> None:
    x, y, z = CPWL.variables(3)
    check_forms(x.max(y, z, 0), [(1, 2, 3), (-1, -2, -3), (0, 0, 0)])
    check_forms(
        CPWL.on_grid([[0, 1, 2], [0, 1, 2]], [[0, 1, 0], [1, 5, 1], [0, 1, 0]]), [(0, 1), ("1/2", "3/2"), (1, 1)]
    )


@given(st.lists(st.tuples(SMALL, SMALL, SMALL), min_size=1, max_size=7))
def test_a_maximum_is_rewritten_by_independent_pieces(rows: list[tuple[Fraction, Fraction, Fraction]]) -> None:
    pieces = [Piece((a, b), c) for a, b, c in dict.fromkeys(rows)]
    found = reduced(pieces)
    assert all(len(s) <= 3 for s in found)
    for p in PLANE_POINTS:
        value = sum(c * max(piece(p) for piece in s) for s, c in found.items())
        assert value == max(piece(p) for piece in pieces)


@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=6))
def test_the_upper_envelope_of_lines(lines: list[tuple[Fraction, Fraction]]) -> None:
    pieces = [Piece((a,), b) for a, b in lines]
    first, bends = upper_envelope(pieces)
    assert all(jump > 0 for _, jump in bends) and all(a[0] < b[0] for a, b in pairwise(bends))
    for x in [*GRID, *(place for place, _ in bends), F(-1000), F(1000)]:
        value = first((x,)) + sum(jump * max(F(0), x - place) for place, jump in bends)
        assert value == max(piece((x,)) for piece in pieces)


@given(line_functions(), SMALL.filter(bool))
def test_the_sweep_tells_what_is_equal_from_what_is_not(f: CPWL, by: Fraction) -> None:
    for construction in ("two-maxima", "one-layer", "relu"):
        network = form_of(f, construction, prove=False).network
        assert network is not None and equals(f, network)
        assert not equals(f + by, network) and not equals(f + by * CPWL.affine([1], 0, f.domain), network)
        assert bends_of(network)[1].keys() >= {w.point[0] for w in f.walls if w.jump}


@settings(max_examples=20)
@given(terms(2))
def test_differences_of_convex_functions(tree: tuple[Any, ...]) -> None:
    f = function(tree)
    parts = convex_difference(f)
    assert parts.g.is_convex and parts.h.is_convex and parts.g - parts.h == f


@settings(max_examples=20)
@given(terms(2))
def test_minima_are_sets_of_pieces_that_do_not_contain_one_another(tree: tuple[Any, ...]) -> None:
    f = function(tree)
    sets = minima_of(f)
    assert not any(set(a) < set(b) for a in sets for b in sets)
    assert all(max(min(piece(p) for piece in s) for s in sets) == f(p) for p in PLANE_POINTS)


@given(maxout_networks(max_rank=2))
def test_maxout_networks_of_rank_two_are_relu_networks(network: ef.MaxoutNetwork) -> None:
    relu = maxout_to_relu(network)
    assert len(relu.layers) == len(network.layers)
    assert all(n <= 3 * m for n, m in zip(relu.widths, network.widths, strict=True))
    for x in ([0] * network.inputs, [1] * network.inputs, [F(-2, 3) + i for i in range(network.inputs)]):
        assert relu.evaluate(x) == network.evaluate(x)


def test_maxout_networks_of_larger_rank_are_refused() -> None:
    network = ef.MaxoutNetwork.of([([[[1], [0], [2]]], [[0, 0, 0]])], ([[1]], [0]))
    with pytest.raises(ef.Unsupported, match="at most 2 pieces, found rank 3"):
        maxout_to_relu(network)


# --- one hidden layer: theory N5, T18 for n = 2, T20 ------------------------------------------------------


@pytest.mark.parametrize("f", [X.max(Y, 0), X.min(Y, 0), abs(X).max(Y), X.max(Y, 0) + abs(X - Y)])
def test_no_hidden_layer_of_any_width_equals_the_maximum_of_three(f: CPWL) -> None:
    found = hinges_of(f)
    assert isinstance(found, UnequalJumps) and found.jump != found.other_jump
    # The witness, checked without the walls: second differences across the line, at both its points.
    (a, b), _ = found.row
    for point, jump in ((found.point, found.jump), (found.other_point, found.other_jump)):
        step = F(1, 1000)
        assert a * point[0] + b * point[1] + found.row[1] == 0
        sides = [f([point[0] + s * step * a, point[1] + s * step * b]) for s in (1, 0, -1)]
        assert sides[0] - 2 * sides[1] + sides[2] == jump * step * (a * a + b * b)


def test_the_maximum_of_four_is_no_combination_of_maxima_of_three_of_its_own_pieces() -> None:
    """Evidence for n = 3 (theory S3), no proof: other pieces might serve. Values at points are linearly independent."""
    pieces = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    subsets = [s for size in (1, 2, 3) for s in combinations(range(4), size)]
    points = [tuple(F(c) for c in p) for p in product((-1, 0, 1, 2), repeat=3)]

    def values(chosen: Sequence[int]) -> list[int]:
        return [int(max(sum(a * x for a, x in zip(pieces[i], p, strict=True)) for i in chosen)) for p in points]

    rows = [values(s) for s in subsets] + [[1] * len(points)]
    rank = flint.fmpz_mat(rows).rank()
    assert flint.fmpz_mat([*rows, values(range(4))]).rank() == rank + 1


def test_what_one_hidden_layer_can_do_is_found_to_be_one() -> None:
    assert isinstance(hinges_of(abs(X).max(abs(Y))), Hinges)  # it is (|x + y| + |x - y|) / 2
    f = abs(X) + 2 * abs(Y - X + 1) - (X + Y).max(0) / 3 + X - 2
    found = hinges_of(f)
    assert isinstance(found, Hinges) and len(found.hinges) == 3
    assert form_of(f, "one-layer").units == 3 and form_of(f, "relu").depth == 1
    # On a box that a line of X.max(Y, 0) does not cross, it is a layer.
    assert isinstance(hinges_of(X.max(Y, 0).restricted(ef.Box([1, 1], [2, 2]))), Hinges)


# --- what is chosen and shown ----------------------------------------------------------------------------


def test_objectives() -> None:
    f = X.max(Y, 0).min(1)
    units, depth, rank = (network_of(f, objective) for objective in ("units", "depth", "rank"))
    assert sum(units.widths) == 2 and len(depth.layers) == 1 and isinstance(rank, ef.ReluNetwork)
    assert network_of(X.max(Y, 0)).size == "2-1-1" and network_of(0 * X + 3).size == "2-1"
    with pytest.raises(ef.InvalidInput, match="objective: expected one of units, depth, rank"):
        ANY(f, "unit")
    for call in (ANY, form_of, hinges_of, cpwl_to_one_head):
        with pytest.raises(ef.InvalidInput, match="function: expected a CPWL, found the int 3"):
            call(3, "relu") if call is form_of else call(3)  # type: ignore[operator]
    with pytest.raises(ef.InvalidInput, match="construction: expected one of"):
        form_of(f, "relus")
    assert [form.construction for form in forms_of(CPWL.affine([1]))] == list(FORMS)


def test_the_table_of_forms_is_pinned() -> None:
    assert forms_text(forms_of(X.max(Y, 0))) == (
        "construction   units  depth  rank  parameters  equal   at most\n"
        "max-min            1      1     3          11  proved  depth 2\n"
        "two-maxima         1      1     3          11  proved  depth 1, 2 units\n"
        "sum-of-maxima      1      1     3          11  proved  depth 1, rank n + 1\n"
        "relu               6      2     2          25  proved  depth ceil(log2(n + 1))\n"
        "one layer of rank 2: expected slopes that jump equally along each hyperplane, found across x₁ − x₂ = 0 the "
        "slope jumps by different multiples of its gradient: 1 at x = (1, 1) and 0 at x = (-1, -1)"
    )


def test_forms_are_proved_equal_to_one_another_with_certificates() -> None:
    f = X.max(Y, 0).min(1).restricted(ef.Box([-2, -2], [2, 2]))
    networks = [form.network for form in forms_of(f) if form.network is not None]
    for left, right in pairwise(networks):
        outcome = ef.verify(left, right, domain=f.domain)
        assert outcome.verdict == "proved"


def test_thousands_of_pieces_are_one_layer_and_proved_so() -> None:
    values = [(i * i * 7919) % 1000 for i in range(3001)]
    f = CPWL.knots(list(range(3001)), values)
    form = form_of(f, "one-layer")
    assert form.proved and form.units == len(f.cells) - 1
    assert form_of(f, "max-min").reason.startswith("max-min form: expected at most 1000000 pairs")
