"""One hard attention head for a piecewise linear function, and which subdivisions allow it (Theorem H)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.networks.semantics import TIES
from exactformer.piecewise import (
    CPWL,
    NotOneHead,
    NotRegular,
    OneHead,
    Regular,
    cpwl_to_one_head,
    form_of,
    regularity,
)
from tests.strategies import PLAIN, SMALL
from tests.test_piecewise import GRID, PLANE_POINTS, function, line_functions, terms

F = Fraction
X, Y = CPWL.variables(2)

# A triangle around a turned one: the classical subdivision without a strictly convex height function.
CORNERS = [[0, 0], [12, 0], [0, 12], [2, 2], [7, 2], [2, 7]]
PINWHEEL = [[3, 4, 5], [0, 1, 4], [0, 3, 4], [1, 2, 5], [1, 4, 5], [2, 0, 3], [2, 5, 3]]
TRIANGLE = ef.Polyhedron([0, 0], [None, None], [[1, 1]], [12])


def pinwheel(values: list[Any]) -> CPWL:
    return CPWL.on_triangulation(CORNERS, PINWHEEL, values, TRIANGLE)


def check_head(found: OneHead, f: CPWL, points: list[Any]) -> None:
    """The head has the values of the function under every tie rule, also on walls, and the sizes of its formula."""
    t = found.transformer
    assert all(line.agrees for line in found.sizes) and t.tokens == len(found.function.cells) == len(found.heights)
    on_walls = [wall.point for wall in found.function.walls][:6]
    for p in [*points, *on_walls]:
        if f.domain.contains(p):
            assert all(t.evaluate(p, tie=tie) == (f(p),) for tie in TIES)
    for wall in found.function.walls:  # the heights are strictly convex
        rise = found.heights[wall.first] - found.heights[wall.second]
        j = next(j for j, a in enumerate(wall.row[0]) if a)
        factor = rise.weights[j] / wall.row[0][j]
        assert factor > 0 and rise.constant == factor * wall.row[1]
        assert rise.weights == tuple(factor * a for a in wall.row[0])


@settings(max_examples=40)
@given(line_functions())
def test_every_function_of_one_variable_is_one_head_with_a_token_a_piece(f: CPWL) -> None:
    found = cpwl_to_one_head(f)
    assert found.transformer.tokens == len(f.cells)
    check_head(found, f, [(x,) for x in GRID])
    assert CPWL.of_network(found.transformer, f.domain) == f


@settings(max_examples=10)
@given(terms(2))
def test_functions_of_two_variables(tree: tuple[Any, ...]) -> None:
    f = function(tree)
    answer = regularity(f.cells, f.walls)
    if isinstance(answer, Regular):
        check_head(cpwl_to_one_head(f), f, PLANE_POINTS[::5])
    else:
        with pytest.raises(NotOneHead):
            cpwl_to_one_head(f)
    if len(f.walls) < 8:
        check_head(cpwl_to_one_head(f, refine=True), f, PLANE_POINTS[::5])


@settings(max_examples=5)
@given(st.lists(SMALL, min_size=9, max_size=9))
def test_grids_are_regular(values: list[Fraction]) -> None:
    f = CPWL.on_grid([[0, 1, 3], [0, "1/2", 2]], [values[i : i + 3] for i in (0, 3, 6)])
    check_head(cpwl_to_one_head(f), f, [(0, 0), (1, "1/2"), ("3/2", 1), (3, 2)])


def test_a_grid_of_three_inputs_is_regular() -> None:
    f = CPWL.on_grid(
        [[0, 1, 2]] * 3, [[[(i * 7 + j * 5 + k * 3) % 4 for k in range(3)] for j in range(3)] for i in range(3)]
    )
    found = cpwl_to_one_head(f)
    assert found.transformer.tokens == 48 and found.transformer.evaluate([1, 2, 1]) == (f([1, 2, 1]),)


def test_a_subdivision_that_is_not_regular_is_refuted_by_a_combination() -> None:
    f = pinwheel([0, 0, 0, 1, 2, 3])
    witness = regularity(f.cells, f.walls)
    assert isinstance(witness, NotRegular)
    assert witness.combination and all(number > 0 for _, number in witness.combination)
    # A continuous function on the cells is a sum of hats, one at each corner: the combination is 0 for each of them.
    for corner in range(6):
        hat = pinwheel([int(i == corner) for i in range(6)])
        assert [w.row for w in hat.walls] == [w.row for w in f.walls]
        assert witness.total([w.jump for w in hat.walls]) == 0
    with pytest.raises(NotOneHead, match="refine=True cuts them further") as caught:
        cpwl_to_one_head(f)
    assert caught.value.witness == witness and caught.value.function is f
    refined = cpwl_to_one_head(f, refine=True)
    check_head(refined, f, [(1, 1), (3, 3), (4, "5/2"), (0, 12)])
    assert refined.function == f


def test_cells_that_do_not_meet_in_whole_facets_are_not_regular() -> None:
    left, low, high = ef.Box([0, 0], [1, 2]), ef.Box([1, 0], [2, 1]), ef.Box([1, 1], [2, 2])
    f = CPWL.of([(left, ([1, 0], 0)), (low, ([1, 0], 0)), (high, ([1, 0], 0))], ef.Box([0, 0], [2, 2]))
    assert isinstance(regularity(f.cells, f.walls), NotRegular)
    assert cpwl_to_one_head(f.simplified()).transformer.tokens == 1


@given(st.lists(PLAIN, min_size=2, max_size=6, unique=True), st.integers(0, 5))
def test_a_height_that_is_bent_the_wrong_way_does_not_hold(places: list[Fraction], at: int) -> None:
    f = CPWL.knots(sorted(places), list(range(len(places))) if len(places) < 3 else [i * i for i in range(len(places))])
    found = regularity(f.cells, f.walls)
    assert isinstance(found, Regular) and found.holds(f.walls)
    if len(f.cells) > 1:
        heights = list(found.heights)
        heights[at % len(heights)] += heights[0] - heights[1]
        assert not Regular(tuple(heights), found.jumps).holds(f.walls)


def test_heads_are_proved_equal_to_networks_with_certificates() -> None:
    box = ef.Box([-2, -2], [2, 2])
    for f in (X.max(Y, 0).min(1).restricted(box), (abs(X) - abs(Y)).restricted(box)):
        network = form_of(f, "two-maxima").network
        assert network is not None
        outcome = ef.verify(network, cpwl_to_one_head(f).transformer, domain=box)
        assert outcome.verdict == "proved"


def test_ten_thousand_tokens() -> None:
    values = [(i * i * 7919) % 1000 for i in range(10_001)]
    f = CPWL.knots(list(range(10_001)), values)
    found = cpwl_to_one_head(f)
    assert found.transformer.tokens == len(f.cells) > 9_000
    points = [[F(7 * i + 3, 8)] for i in range(0, 9_000, 500)]
    assert ef.evaluate_batch(found.transformer, [[float(p[0])] for p in points]).ravel().tolist() == [
        float(v) for v in f.values(points)
    ]
