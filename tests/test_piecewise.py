"""Piecewise linear functions as objects: against values at points, against networks, and what is refused."""

from __future__ import annotations

import doctest
import pickle
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.piecewise import CPWL, Discontinuous, Undefined
from tests.strategies import PLAIN, SMALL, maxout_networks

F = Fraction
ANY: Any = CPWL
X1, X2 = sympy.symbols("x1 x2")
GRID = [F(i, 3) for i in range(-7, 8)]


@st.composite
def line_functions(draw: Any) -> CPWL:
    """Functions of one variable: knots of few values, so that pieces repeat, are flat, and meet."""
    places = sorted(draw(st.sets(PLAIN, min_size=2, max_size=6)))
    values = [draw(SMALL) for _ in places]
    left, right = (draw(st.none() | SMALL) for _ in range(2))
    return CPWL.knots(places, values, left=left, right=right)


@st.composite
def terms(draw: Any, dimension: int) -> tuple[Any, ...]:
    """A small expression of maxima, minima and absolute values, as a tree of tuples."""

    def term(depth: int) -> tuple[Any, ...]:
        kind = draw(st.sampled_from(["affine"] if not depth else ["max", "min", "abs", "plus", "affine"]))
        if kind == "affine":
            return ("affine", [draw(SMALL) for _ in range(dimension)], draw(SMALL))
        if kind == "abs":
            return ("abs", term(depth - 1))
        return (kind, term(depth - 1), term(depth - 1))

    return term(2)


def function(tree: tuple[Any, ...], domain: ef.Domain | None = None) -> CPWL:
    kind, *rest = tree
    if kind == "affine":
        return CPWL.affine(rest[0], rest[1], domain)
    parts = [function(part, domain) for part in rest]
    if kind == "abs":
        return abs(parts[0])
    return {"max": CPWL.max, "min": CPWL.min, "plus": CPWL.__add__}[kind](*parts)


def number(tree: tuple[Any, ...], x: tuple[Fraction, ...]) -> Fraction:
    """The value of the same expression, by its definition."""
    kind, *rest = tree
    if kind == "affine":
        return sum((w * v for w, v in zip(rest[0], x, strict=True)), rest[1])
    values = [number(part, x) for part in rest]
    return {"max": max, "min": min, "plus": lambda a, b: a + b, "abs": abs}[kind](*values)  # type: ignore[operator]


def symbolic(tree: tuple[Any, ...]) -> Any:
    """The same expression in SymPy."""
    kind, *rest = tree
    if kind == "affine":
        names = sympy.symbols("x") if len(rest[0]) == 1 else (X1, X2)
        names = names if isinstance(names, tuple) else (names,)
        terms = [sympy.Rational(w.numerator, w.denominator) * n for w, n in zip(rest[0], names, strict=True)]
        return sympy.Add(*terms, sympy.Rational(rest[1].numerator, rest[1].denominator))
    values = [symbolic(part) for part in rest]
    return {"max": sympy.Max, "min": sympy.Min, "plus": sympy.Add, "abs": sympy.Abs}[kind](*values)


def data(f: CPWL) -> list[tuple[ef.Domain, Any]]:
    """The cells as `CPWL.of` takes them."""
    found = []
    for cell in f.cells:
        if not cell.rows:
            found.append((ef.Domain.everything(f.inputs), (cell.piece.weights, cell.piece.constant)))
            continue
        matrix, bounds = [[-a for a in row] for row, _ in cell.rows], [b for _, b in cell.rows]
        region = ef.Polyhedron([None] * f.inputs, [None] * f.inputs, matrix, bounds)
        found.append((region, (cell.piece.weights, cell.piece.constant)))
    return found


PLANE_POINTS = [(a, b) for a in GRID[::3] for b in GRID[::3]]


# --- against values -------------------------------------------------------------------------------------


@given(terms(1))
def test_expressions_of_one_variable_have_the_values_of_their_definition(tree: tuple[Any, ...]) -> None:
    f = function(tree)
    assert all(f(x) == number(tree, (x,)) for x in GRID)


@settings(max_examples=40)
@given(terms(2))
def test_expressions_of_two_variables_have_the_values_of_their_definition(tree: tuple[Any, ...]) -> None:
    f = function(tree)
    assert all(f(p) == number(tree, p) for p in PLANE_POINTS)


@settings(max_examples=25)
@given(terms(2))
def test_cells_of_any_function_pass_the_proof_of_continuity(tree: tuple[Any, ...]) -> None:
    f = function(tree)
    cells = data(f)
    assert CPWL.of(cells) == f


@settings(max_examples=25)
@given(terms(2), st.integers(0, 20), SMALL.filter(bool))
def test_a_piece_that_is_moved_is_refuted_with_a_point_where_two_values_differ(
    tree: tuple[Any, ...], at: int, by: Fraction
) -> None:
    f = function(tree)
    cells = data(f)
    if len(cells) < 2:
        return
    region, (weights, constant) = cells[at % len(cells)]
    cells[at % len(cells)] = region, (weights, constant + by)
    with pytest.raises(Discontinuous) as caught:
        CPWL.of(cells)
    assert caught.value.values[0] != caught.value.values[1]
    assert sum(region.contains(caught.value.point) for region, _ in cells) >= 2


@settings(max_examples=25)
@given(terms(2), st.integers(0, 20))
def test_a_cell_that_is_missing_is_named_by_a_point(tree: tuple[Any, ...], at: int) -> None:
    f = function(tree)
    cells = data(f)
    if len(cells) < 2:
        return
    del cells[at % len(cells)]
    with pytest.raises(Undefined) as caught:
        CPWL.of(cells)
    assert not any(region.contains(caught.value.point) for region, _ in cells)


@settings(max_examples=30)
@given(maxout_networks(SMALL, 2).filter(lambda n: n.inputs <= 2 and n.domain is None))
def test_a_network_as_a_function_has_its_values(network: ef.MaxoutNetwork) -> None:
    f = CPWL.of_network(network)
    points = [(x,) for x in GRID] if network.inputs == 1 else PLANE_POINTS
    assert all(f(p) == network.evaluate(p)[0] for p in points)


@given(line_functions(), line_functions())
def test_the_algebra_of_one_variable(f: CPWL, g: CPWL) -> None:
    try:
        total, most, least = f + g, f.max(g), f.min(g)
    except ef.InvalidInput as error:
        assert "domain: expected one with inside" in str(error)
        return
    for x in GRID:
        if total.domain.contains([x]):
            assert total(x) == f(x) + g(x) and most(x) == max(f(x), g(x)) and least(x) == min(f(x), g(x))
    assert most + least == total and most.differs(total - least) is None


@given(line_functions())
def test_negation_scaling_and_extrema(f: CPWL) -> None:
    low, high = f.minimum(), f.maximum()
    inside = [x for x in GRID if f.domain.contains([x])]
    assert 2 * f - f == f and f - f == 0 * f and f * -1 == -f
    for extremum, side in ((low, 1), (high, -1)):
        if extremum.value is None:
            assert extremum.direction is not None
            far = [p + 1000 * d for p, d in zip(extremum.point, extremum.direction, strict=True)]
            assert side * f(far) < side * f(extremum.point) - 900
        else:
            assert f(extremum.point) == extremum.value and all(side * f(x) >= side * extremum.value for x in inside)


@settings(max_examples=25)
@given(terms(2))
def test_extrema_in_the_plane(tree: tuple[Any, ...]) -> None:
    f = function(tree, ef.Box([-1, -1], [1, 2]))
    low, high = f.minimum(), f.maximum()
    assert f(low.point) == low.value and f(high.point) == high.value
    for p in [(F(a, 2), F(b, 2)) for a in range(-2, 3) for b in range(-2, 5)]:
        assert low.value is not None and high.value is not None and low.value <= f(p) <= high.value


@settings(max_examples=25)
@given(terms(2), st.lists(SMALL, min_size=4, max_size=4), SMALL, SMALL)
def test_composition_with_an_affine_map(tree: tuple[Any, ...], m: list[Fraction], b: Fraction, c: Fraction) -> None:
    f, affine = function(tree), ef.Affine.of([m[:2], m[2:]], [b, c])
    g = f.after(affine)
    assert all(g(p) == f([m[0] * p[0] + m[1] * p[1] + b, m[2] * p[0] + m[3] * p[1] + c]) for p in PLANE_POINTS)


@settings(max_examples=25)
@given(terms(2), st.lists(SMALL, min_size=3, max_size=3))
def test_composition_with_a_function_of_one_variable(tree: tuple[Any, ...], ys: list[Fraction]) -> None:
    f = function(tree)
    g = CPWL.knots([-1, 0, 1], ys, left=1, right=-2)
    h = f.then(g)
    assert all(h(p) == g(f(p)) for p in PLANE_POINTS)


@settings(max_examples=12)
@given(terms(2))
def test_restriction_and_equality(tree: tuple[Any, ...]) -> None:
    f = function(tree)
    box = ef.Box([0, -1], [1, 1])
    assert f.restricted(box) == function(tree, box)
    assert f.simplified() == f and hash(f.simplified()) == hash(f)
    assert f != f + 1 and f.differs(f + 1) is not None
    bump = f + CPWL.variables(2)[0].max(5)
    point = bump.differs(f + 5)
    assert point is not None and bump(point) != f(point) + 5
    assert pickle.loads(pickle.dumps(f)) == f


@settings(max_examples=8)
@given(st.lists(st.lists(SMALL, min_size=3, max_size=3), min_size=3, max_size=3))
def test_a_grid_takes_its_values_and_is_linear_on_kuhn_simplices(values: list[list[Fraction]]) -> None:
    f = CPWL.on_grid([[0, 1, 3], [-1, 0, "1/2"]], values)
    axes = [[F(0), F(1), F(3)], [F(-1), F(0), F(1, 2)]]
    assert all(f([axes[0][i], axes[1][j]]) == values[i][j] for i in range(3) for j in range(3))
    assert len(f.cells) == 8
    middle = [F(1, 2), F(-1, 2)]  # on the diagonal of the first grid cell
    assert f(middle) == (values[0][0] + values[1][1]) / 2
    assert CPWL.of(data(f), f.domain) == f  # proved continuous, and to cover the box


def test_a_grid_of_three_inputs() -> None:
    f = CPWL.on_grid([[0, 1]] * 3, [[[0, 1], [1, 1]], [[1, 1], [1, 1]]])
    x, y, z = CPWL.variables(3, ef.Box([0] * 3, [1] * 3))
    assert f == x.max(y, z) and len(f.cells) == 6


# --- SymPy ----------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(terms(1))
def test_sympy_agrees_in_one_variable(tree: tuple[Any, ...]) -> None:
    f = function(tree)
    name = sympy.Symbol("x")
    assert CPWL.of_sympy(symbolic(tree), [name]) == f
    assert CPWL.of_sympy(f.sympy(), [name]) == f


@settings(max_examples=8)
@given(terms(2))
def test_sympy_agrees_in_two_variables(tree: tuple[Any, ...]) -> None:
    f = function(tree)
    assert CPWL.of_sympy(symbolic(tree), [X1, X2]) == f
    box = ef.Box([-1, -1], [1, 1])
    g = f.restricted(box)
    assert CPWL.of_sympy(g.sympy(), [X1, X2], box) == g


x = sympy.Symbol("x")
y = sympy.Symbol("y")
REFUSED: list[tuple[Any, type[ef.ExactformerError], str]] = [
    (x**2, ef.Unsupported, "found x**2, which is not linear"),
    (x * y, ef.Unsupported, "found x*y, which is not linear"),
    (sympy.sqrt(2) * x, ef.Unsupported, "found sqrt(2), which is no rational number"),
    (sympy.Float(0.1) * x, ef.Unsupported, "found the float 0.100000000000000, which is rounded"),
    (sympy.sin(x), ef.Unsupported, "found sin(x)"),
    (sympy.Heaviside(x), ef.Unsupported, "found Heaviside(x)"),
    (sympy.Max(x, sympy.pi), ef.Unsupported, "found pi, which is no rational number"),
    (sympy.zoo * x, ef.Unsupported, "no rational number"),
    (sympy.Integer(3), ef.InvalidInput, "at least one, found []"),
    ("Max(x, 0)", ef.InvalidInput, "expected a SymPy expression, found str"),
    (sympy.Eq(x, 1), ef.InvalidInput, "expected a SymPy expression"),
    (sympy.Piecewise((0, x < 0), (1, True)), Discontinuous, "found 0 = 0 and 1 = 1 at x = 0"),
    (sympy.Piecewise((0, x < 0), (1, x <= 0), (x, True)), Discontinuous, "at x = 0"),
    (sympy.Piecewise((5, sympy.Eq(x, 0)), (x, True)), Discontinuous, "at x = 0"),
    (sympy.Piecewise((x, x < 0), (x, x > 0)), Undefined, "found none at x = 0"),
    (sympy.Piecewise((x, x < 1), evaluate=False), Undefined, "found none at x = "),
    (sympy.Piecewise((x, (x > 0) & (y > 0)), (0, True)), Discontinuous, "at x = (1, 0)"),
    (sympy.Piecewise((x, x * y > 0), (x, True), evaluate=False), ef.Unsupported, "not linear"),
]


@pytest.mark.parametrize(("expression", "kind", "message"), REFUSED)
def test_sympy_expressions_that_are_no_such_functions(expression: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        CPWL.of_sympy(expression)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_branches_that_are_only_looked_at_where_they_hold() -> None:
    e = sympy.Piecewise((x, sympy.Abs(x) < 1), (1, x >= 1), (-1, True))
    assert CPWL.of_sympy(e) == CPWL.variables(1)[0].min(1).max(-1)
    jumps = sympy.Piecewise((sympy.Piecewise((0, x < 5), (1, True)), x < 1), (0, True))
    assert CPWL.of_sympy(jumps) == CPWL.affine([0])  # the inner jump is outside
    holes = sympy.Piecewise((x, sympy.Ne(x, 3)), (3, True))
    assert CPWL.of_sympy(holes) == CPWL.variables(1)[0]
    assert CPWL.of_sympy(sympy.Piecewise((x, ~(x < 0) | (y > 7)), (x, True)), [x, y]) == CPWL.variables(2)[0]


def test_nested_absolute_values_are_walked_once() -> None:
    e, f = x, CPWL.variables(1)[0]
    for _ in range(14):  # 2^14 walks, if both sides of an absolute value were walked
        e, f = sympy.Abs(e - 1), abs(f - 1)
    assert CPWL.of_sympy(e) == f and len(f.cells) == 28


def test_deep_expressions_and_bad_variables_are_one_message() -> None:
    e = x
    for i in range(900):
        e = sympy.Abs(e - i - 1, evaluate=False)
    with pytest.raises(ef.Unsupported, match="nested less deeply"):
        CPWL.of_sympy(e)
    for variables in (3, "x", [x, x], [], ["x"]):
        with pytest.raises(ef.InvalidInput, match="variables: expected different SymPy symbols"):
            ANY.of_sympy(x, variables)
    with pytest.raises(ef.InvalidInput, match="found y in it, too"):
        CPWL.of_sympy(x + y, [x])
    with pytest.raises(ef.InvalidInput, match="variables: expected 1 SymPy symbols"):
        CPWL.affine([1]).sympy(["x"])


# --- what is refused ------------------------------------------------------------------------------------

LEFT, RIGHT = ef.Box([None], [0]), ef.Box([0], [None])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CPWL.of([]), "cells: expected at least one pair"),
        (lambda: ANY.of(3), "cells: expected at least one pair"),
        (lambda: ANY.of([(LEFT,)]), "cells[0]: expected a pair of a polyhedron"),
        (lambda: ANY.of([(LEFT, 3)]), "cells[0]: expected a pair of weights and a constant"),
        (lambda: CPWL.of([(LEFT, ([1, 2], 0))]), "cells[0].weights: expected 1 numbers, found 2"),
        (lambda: CPWL.of([(LEFT, (["a"], 0))]), "cells[0].weights[0]: expected a number"),
        (lambda: CPWL.of([(LEFT, ([1], 0)), (ef.Box([0, 0], [1, 1]), ([1, 1], 0))]), "cells[1]: expected 1 inputs"),
        (lambda: CPWL.of([(LEFT, ([1], 0))], ef.Box([0], [0])), "domain: expected one with inside"),
        (lambda: ANY.of([(LEFT, ([1], 0))], "all"), "domain: expected a Domain or None"),
        (lambda: CPWL.of([(LEFT, ([1], 0)), (RIGHT, ([1], 1))]), "found x = 0 and x + 1 = 1 at x = 0"),
        (lambda: CPWL.of([(LEFT, ([1], 0))]), "cover the domain, found none at x = 1"),
        (lambda: CPWL.of([(LEFT, ([1], 0)), (RIGHT, ([1], 0)), (ef.Box([2], [2]), ([1], 1))]), "at x = 2"),
        (lambda: CPWL.knots([0], [1]), "places: expected at least 2"),
        (lambda: CPWL.knots([0, 0], [1, 1]), "places[1]: expected a number larger than 0, found 0"),
        (lambda: CPWL.knots([1, 0], [1, 1]), "places[1]: expected a number larger than 1, found 0"),
        (lambda: CPWL.knots([0, 1], [1]), "values: expected 2 numbers, found 1"),
        (lambda: CPWL.knots([0, 1], [1, float("nan")]), "values[1]: expected a finite number"),
        (lambda: CPWL.on_grid([], []), "axes: expected a list of ascending places"),
        (lambda: CPWL.on_grid([[0, 1], [1, 0]], [[0, 0], [0, 0]]), "axes[1][1]: expected a number larger"),
        (lambda: CPWL.on_grid([[0, 1], [0]], [[0], [0]]), "axes[1]: expected at least 2 places"),
        (lambda: CPWL.on_grid([[0, 1], [0, 1]], [[0, 0]]), "values: expected 2 lists, found 1"),
        (lambda: CPWL.on_grid([[0, 1], [0, 1]], [[0, 0], [0]]), "values[1]: expected 2 numbers, found 1"),
        (lambda: CPWL.on_triangulation([], [[0]], []), "points: expected a list of points, found"),
        (lambda: CPWL.on_triangulation([[0], [1]], [[0, 2]], [0, 0]), "simplices[0]: expected 2 numbers of points"),
        (lambda: CPWL.on_triangulation([[0], [1]], [[0, 0]], [0, 0]), "simplices[0]: expected corners that span"),
        (lambda: CPWL.on_triangulation([[0], [1], [2]], [[0, 1]], [0, 0, 0]), "simplices: expected cells that cover"),
        (lambda: CPWL.of_network(3), "network: expected a network"),  # type: ignore[arg-type]
        (lambda: CPWL.variables(0), "variables: expected a positive integer"),
        (lambda: CPWL.affine([1])([1, 2]), "point: expected 1 coordinates, found 2"),
        (lambda: CPWL.knots([0, 1], [0, 1])(2), "point: expected one in [0, 1], found x = 2"),
        (lambda: CPWL.knots([0, 1], [0, 1]) + CPWL.knots([1, 2], [0, 1]), "domain: expected one with inside"),
        (lambda: CPWL.affine([1]) + CPWL.affine([1, 1]), "expected equally many inputs, found 1 and 2"),
        (lambda: CPWL.affine([1]) * CPWL.affine([1]), "product: expected a number as one factor"),
        (lambda: CPWL.affine([1]) / 0, "quotient: expected a number that is not zero"),
        (lambda: CPWL.affine([1]).max("a"), "max: expected a number"),
        (
            lambda: CPWL.affine([1]).then(CPWL.knots([0, 1], [0, 1])),
            "then: expected values in [0, 1], found values with",
        ),
        (lambda: CPWL.knots([0, 2], [0, 2]).then(CPWL.knots([0, 1], [0, 1])), "found the value 2"),
        (lambda: CPWL.affine([1]).then(CPWL.affine([1, 1])), "then: expected a function of one variable"),
        (lambda: CPWL.affine([1]).after(ef.Affine.of([[1], [1]], [0, 0])), "affine: expected 1 outputs, found 2"),
        (lambda: CPWL.affine([1]).restricted(ef.Box([0], [0])), "domain: expected one with inside"),
        (lambda: CPWL.affine([1]).draw("a.png"), "expected a name that ends in .svg"),
    ],
)
def test_what_does_not_fit_is_one_message(call: Any, message: str) -> None:
    with pytest.raises(ef.InvalidInput) as caught:
        call()
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_all_faults_are_listed() -> None:
    with pytest.raises(ef.InvalidInput) as caught:
        CPWL.of([(LEFT, (["a"], 0)), (RIGHT, ([1], "b"))])
    assert len(caught.value.reasons) == 2


def test_a_transformer_that_jumps_is_refuted_and_one_that_does_not_is_taken() -> None:
    head = ef.Head.of([[0, 0, 1]], [[1, 0, 0]], [[0, 1, 0]], [[1], [0], [0]])

    def single(values: list[int]) -> ef.Transformer:
        tokens = [ef.Affine.of([[s], [0], [0]], [0, v, 1]) for s, v in zip((1, -1), values, strict=True)]
        return ef.Transformer(
            tuple(tokens), (ef.Block((head,), None),), 0, ef.Affine.of([[1, 0, 0]], [0]), residual=False
        )

    with pytest.raises(Discontinuous, match="at x = 0"):
        CPWL.of_network(single([1, 0]))
    assert CPWL.of_network(single([2, 2])) == CPWL.affine([0], 2)


# --- degenerate data ------------------------------------------------------------------------------------


def test_overlaps_flat_and_empty_cells_and_equal_pieces_are_taken_as_long_as_they_agree() -> None:
    everything = ef.Domain.everything(2)
    half, other = ef.Box([None, None], [1, None]), ef.Box([0, None], [None, None])
    f = CPWL.of([(half, ([0, 1], 0)), (other, ([0, 1], 0)), (ef.Box([0, 0], [0, 0]), ([7, 1], 0))])
    assert f == CPWL.affine([0, 1]) and f.domain == everything
    empty = ef.Polyhedron([None, None], [None, None], [[1, 0], [-1, 0]], [0, -1])  # x1 <= 0 and x1 >= 1
    assert CPWL.of([(everything, ([1, 0], 0)), (empty, ([5, 5], 5))]) == CPWL.affine([1, 0])
    with pytest.raises(Discontinuous) as caught:
        CPWL.of([(half, ([0, 1], 0)), (other, ([0, 1], 0)), (ef.Box([0, 0], [0, 0]), ([7, 1], 1))])
    assert caught.value.point == (0, 0)


def test_cells_that_touch_in_a_corner_alone_are_compared_there() -> None:
    quadrants = [
        ef.Box([0, 0], [None, None]),
        ef.Box([None, None], [0, 0]),
        ef.Box([0, None], [None, 0]),
        ef.Box([None, 0], [0, None]),
    ]
    pieces = [([1, 1], 0), ([1, 1], 1), ([1, 1], 0), ([1, 1], 0)]
    with pytest.raises(Discontinuous):
        CPWL.of(list(zip(quadrants, pieces, strict=True)))
    assert len(CPWL.of([(q, ([1, 1], 0)) for q in quadrants]).simplified().cells) == 1


def test_huge_and_tiny_numbers_are_as_exact_as_any() -> None:
    big, tiny = 10**60 + 1, F(1, 10**60)
    f = CPWL.knots([-big, 0, tiny, big], [1, 0, tiny, 1])
    assert f(tiny / 2) == tiny / 2 and f.minimum().value == 0 and len(f.cells) == 3
    x1, x2 = CPWL.variables(2)
    g = (big * x1).max(tiny * x2)
    assert g([tiny, 1]) == big * tiny and len(g.cells) == 2


def test_numbers_too_long_to_print_are_shown_rounded_or_refused() -> None:
    f = CPWL.knots([0, F(10**5000)], [0, 1])
    assert repr(f) == "<CPWL: R^1 -> R, 1 cell on [0, ≈ 1.0000e+5000]>" and f.text() == "≈ 1e-5000 x"
    with pytest.raises(ef.InvalidInput, match="found x = ≈ -1"):
        f(F(-(10**5000)))
    with pytest.raises(ef.Unsupported, match="at most 13000 bits"):
        f.latex()
    assert "<svg" in f._repr_html_()


def test_ten_thousand_pieces_take_seconds() -> None:
    values = [(i * 7919) % 1000 for i in range(10_001)]
    f = CPWL.knots(list(range(10_001)), values)
    assert len(f.walls) == len(f.cells) - 1 and f(5000) == values[5000]
    assert f + f == 2 * f and f.maximum().value == max(values)


# --- what users read ------------------------------------------------------------------------------------


def test_text_latex_and_sympy_are_pinned() -> None:
    x1, x2 = CPWL.variables(2)
    f = x1.max(x2 / 2 - 1, 0)
    assert f.text() == (
        "0           where x₁ ≤ 0, x₂ ≤ 2\n"
        "1/2 x₂ − 1  where x₂ ≥ 2 x₁ + 2, x₂ ≥ 2\n"
        "x₁          where x₁ ≥ 0, 2 x₁ + 2 ≥ x₂"
    )
    assert f.latex() == (
        "\\begin{cases}\n0 & \\text{if } x_{1} \\le 0,\\ x_{2} \\le 2 \\\\\n"
        "\\frac{1}{2} x_{2} - 1 & \\text{if } x_{2} \\ge 2 x_{1} + 2,\\ x_{2} \\ge 2 \\\\\n"
        "x_{1} & \\text{if } x_{1} \\ge 0,\\ 2 x_{1} + 2 \\ge x_{2}\n\\end{cases}"
    )
    assert str(f.sympy()) == (
        "Piecewise((0, (-x1 >= 0) & (2 - x2 >= 0)), (x2/2 - 1, (x2 - 2 >= 0) & (-2*x1 + x2 - 2 >= 0)), (x1, True))"
    )
    assert repr(f) == "<CPWL: R^2 -> R, 3 cells on R^2>"
    g = CPWL.knots([0, 1, 2, 3], [0, "1/2", 0, 0])
    assert g.text() == "1/2 x       where x ≤ 1\n−1/2 x + 1  where 1 ≤ x ≤ 2\n0           where x ≥ 2"
    assert g.latex().splitlines()[2] == "-\\frac{1}{2} x + 1 & \\text{if } 1 \\le x \\le 2 \\\\"
    assert CPWL.affine([0]).text() == "0" and CPWL.affine([0]).latex() == "0"


def test_pictures_are_svg_files_of_their_own(tmp_path: Path) -> None:
    CPWL.knots([0, 1, 3], [0, "1/2", 0]).draw(tmp_path / "line.svg")
    x1, x2 = CPWL.variables(2)
    x1.max(x2).draw(tmp_path / "plane.svg", ef.Box([-1, -1], [1, 1]))
    for name in ("line.svg", "plane.svg"):
        root = ElementTree.parse(tmp_path / name).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and len(list(root.iter())) > 5
    with pytest.raises(ef.Unsupported, match="a window that bounds 2 inputs"):
        x1.draw(tmp_path / "no.svg")
    with pytest.raises(ef.Unsupported, match="one or two inputs, found 3"):
        CPWL.affine([1, 1, 1]).picture()
    assert not (tmp_path / "no.svg").exists()
    assert "<svg" in CPWL.knots([0, 1], [0, 1])._repr_html_() and "<svg" not in x1._repr_html_()


def test_the_page_about_functions_shows_what_happens() -> None:
    page = Path(__file__).parent.parent / "docs" / "piecewise.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 5 and result.failed == 0


def test_an_interpolant_is_the_sum_of_its_hats() -> None:
    """Sum over v of f(v/N) hat(N x - v), and the hats add up to 1 (theory, section 4, T21), for n = 2, N = 2."""
    box = ef.Box([0, 0], [1, 1])
    x1, x2 = CPWL.variables(2, box)
    values = [[0, 1, 3], [2, -1, 0], [1, 1, 5]]
    total, ones = 0 * x1, 0 * x1
    for i in range(3):
        for j in range(3):
            a, b = 2 * x1 - i, 2 * x2 - j
            hat = (1 - a.max(b, 0) - (-a).max(-b, 0)).max(0)
            total, ones = total + values[i][j] * hat, ones + hat
    assert ones == CPWL.affine([0, 0], 1, box)
    assert total == CPWL.on_grid([[0, "1/2", 1]] * 2, values)
