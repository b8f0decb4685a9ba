"""The complex of a network's cells: against two slow exact oracles, and its float filter against exact values."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import gcd, lcm
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import EXTREME, PLAIN, SMALL

from exactformer import Box, Domain, MaxoutNetwork, Polyhedron, ReluNetwork, load, regions
from exactformer.networks import Affine
from exactformer.networks.feedforward import MaxoutLayer
from exactformer.polyhedra.lp import Inside, Row, inside, interior
from exactformer.rational import Matrix, Vector
from exactformer.subdivision import cutting, doubled, maps, signs
from exactformer.subdivision import program as program_module
from exactformer.subdivision.complex import Complex
from exactformer.subdivision.cube import cube
from exactformer.subdivision.doubled import FINE
from exactformer.subdivision.enumeration import parts_of
from exactformer.subdivision.exact import Exact
from exactformer.subdivision.layers import constrain, cut_layer
from exactformer.subdivision.maps import largest_prime, map_classes
from exactformer.subdivision.points import certified
from exactformer.subdivision.program import UNIT, Program, composed, program_of
from exactformer.subdivision.search import cells_of
from exactformer.subdivision.stages import chain_of

F = Fraction
Network = MaxoutNetwork | ReluNetwork
Form = tuple[Fraction, ...]  # coefficients of the inputs, then the constant
Pattern = tuple[int, ...]
NETWORKS = Path(__file__).parent / "known_counts"  # exact counts that were known before this engine


def quiet(cells: int = 0) -> None:
    """An `alive` that lets everything pass."""


# --- the oracle: every unit's pieces one after the other, with exact linear programs ---------------


@dataclass(frozen=True)
class OracleCell:
    pattern: Pattern
    rows: frozenset[Row]
    output: tuple[Form, ...]


def whole_row(form: Sequence[Fraction]) -> Row:
    """The form as integers without a common divisor."""
    common = lcm(*(x.denominator for x in form))
    numbers = [int(x * common) for x in form]
    divisor = gcd(*numbers) or 1
    return tuple(x // divisor for x in numbers[:-1]), numbers[-1] // divisor


def sides(domain: Domain) -> list[Row] | None:
    """The rows of a domain; None if one of them holds nowhere."""
    n = domain.dimension
    forms: list[list[Fraction]] = []
    for i in range(n):
        lo, hi = domain.lower[i], domain.upper[i]
        if lo is not None:
            forms.append([*(F(i == j) for j in range(n)), -lo])
        if hi is not None:
            forms.append([*(-F(i == j) for j in range(n)), hi])
    for row, bound in zip(domain.matrix.dense(), domain.bounds.fractions(), strict=True):
        if any(row):
            forms.append([*(-x for x in row), bound])
        elif bound < 0:
            return None
    return [whole_row(form) for form in forms]


def after(affine: Affine, state: Sequence[Form], n: int) -> list[Form]:
    found = []
    for row, bias in zip(affine.weights.dense(), affine.biases.fractions(), strict=True):
        form = [F(0)] * n + [bias]
        for w, x in zip(row, state, strict=True):
            form = [a + w * b for a, b in zip(form, x, strict=True)]
        found.append(tuple(form))
    return found


def oracle(network: Network, domain: Domain) -> list[OracleCell]:
    """All full-dimensional cells, each unit's smallest largest piece, by index tuples and linear programs alone."""
    n = network.inputs
    start = sides(domain)
    if start is None or not isinstance(interior(start, n), Inside):
        return []
    identity = [tuple(F(i == j) for j in range(n + 1)) for i in range(n)]
    cells: list[tuple[Pattern, frozenset[Row], list[Form]]] = [((), frozenset(start), identity)]
    for layer in network.layers:
        relu = isinstance(layer, Affine)
        affine, rank = (layer, 2) if isinstance(layer, Affine) else (layer.pieces, layer.rank)
        following = []
        for pattern, rows, state in cells:
            forms = after(affine, state, n)
            units = (
                [[(F(0),) * (n + 1), form] for form in forms]
                if relu
                else [forms[i : i + rank] for i in range(0, len(forms), rank)]
            )
            open_cells: list[tuple[Pattern, frozenset[Row], list[Form]]] = [(pattern, rows, [])]
            for pieces in units:
                open_cells = [
                    ((*chosen, p), wider, [*values, piece])
                    for chosen, known, values in open_cells
                    for p, piece in enumerate(pieces)
                    if (wider := _where_largest(p, pieces, known, n)) is not None
                ]
            following += open_cells
        cells = following
    return [OracleCell(pattern, rows, tuple(after(network.output, state, n))) for pattern, rows, state in cells]


def _where_largest(p: int, pieces: Sequence[Form], known: frozenset[Row], n: int) -> frozenset[Row] | None:
    """The rows of the open set where piece p is the largest, the first of its equals; None if there is none."""
    rows = set(known)
    for q, other in enumerate(pieces):
        difference = [a - b for a, b in zip(pieces[p], other, strict=True)]
        if any(difference[:-1]):
            rows.add(whole_row(difference))
        elif difference[-1] < 0 or (difference[-1] == 0 and q < p):
            return None
    return frozenset(rows) if isinstance(interior(sorted(rows), n), Inside) else None


def touching(a: OracleCell, b: OracleCell) -> bool:
    """Whether two cells have a common facet: a wall with a point where all other inequalities are strict."""
    for row in a.rows:
        opposite = tuple(-x for x in row[0]), -row[1]
        if opposite in b.rows:
            rows = sorted(a.rows | b.rows)
            strict = [r not in (row, opposite) for r in rows]
            if isinstance(inside(rows, strict, len(row[0])), Inside):
                return True
    return False


def grouped(cells: Sequence[OracleCell]) -> list[set[int]]:
    """The linear regions: components, through facets, of cells with one map."""
    groups: list[set[int]] = []
    for i, cell in enumerate(cells):
        joined = [g for g in groups if any(cells[j].output == cell.output and touching(cells[j], cell) for j in g)]
        groups = [g for g in groups if g not in joined] + [{i}.union(*joined)]
    return groups


# --- random networks -------------------------------------------------------------------------------

SIGNS = st.integers(-1, 1).map(Fraction)
NEAR = st.builds(lambda s, e, k: s * (1 + F(k, 1 << e)), *(st.sampled_from([-1, 1]), st.integers(48, 70)), SIGNS)
KINDS = st.sampled_from([SIGNS, SMALL, PLAIN, NEAR, st.one_of(SMALL, EXTREME)])


@st.composite
def small_networks(draw: Any, inputs: int | None = None, layers: int = 3, numbers: Any = None) -> Network:
    """Networks whose complexes have few cells, most of them degenerate."""
    numbers = draw(KINDS) if numbers is None else numbers
    n = below = draw(st.integers(1, 4)) if inputs is None else inputs
    depth = draw(st.integers(0, layers))
    relu = draw(st.booleans())

    def affine(rows: int, columns: int) -> Affine:
        entries = {(i, j): draw(numbers) for i in range(rows) for j in range(columns)}
        return Affine(Matrix.sparse(rows, columns, entries), Vector.of([draw(numbers) for _ in range(rows)]))

    found: list[Any] = []
    for _ in range(depth):
        rank = 2 if relu else draw(st.integers(1, 5 if depth == 1 else 3))
        width = draw(st.integers(1, 4 if rank == 2 else 3 if n < 3 and rank < 5 else 2))
        found.append(affine(width, below) if relu else MaxoutLayer(affine(width * rank, below), rank))
        below = width
    output = affine(draw(st.integers(1, 2)), below)
    assert n == (found[0].inputs if relu and found else n)
    return ReluNetwork(tuple(found), output) if relu else MaxoutNetwork(tuple(found), output)


@st.composite
def bounded_domains(draw: Any, n: int) -> Domain:
    """Boxes of all sizes, some shifted, thin or flat, some with further inequalities."""
    kind = draw(st.sampled_from(["unit", "unit", "plain", "thin", "huge", "mixed", "flat"]))
    lower, upper = [], []
    for i in range(n):
        middle = draw(st.one_of(SIGNS, PLAIN))
        half = {"unit": F(1), "plain": F(3, 2), "thin": F(1, 1 << 41), "huge": F(10**6)}.get(kind, F(2))
        if kind == "mixed":
            half = draw(st.sampled_from([F(1, 1 << 41), F(1), F(10**6)]))
        if kind == "flat" and i == n - 1:
            half = F(0)
        shift = draw(st.sampled_from([F(0), half, half / 3])) if kind != "unit" else F(0)
        lower.append((F(0) if kind == "unit" else middle) - half + shift)
        upper.append((F(0) if kind == "unit" else middle) + half + shift)
    rows, bounds = [], []
    for _ in range(draw(st.sampled_from([0, 0, 1, 2, 3]))):
        row = [draw(SIGNS) for _ in range(n)]
        at = [draw(st.sampled_from([lo, hi, (lo + hi) / 2])) for lo, hi in zip(lower, upper, strict=True)]
        rows.append(row)  # through a corner, a side or the middle: redundant, flat, empty or cutting
        bounds.append(sum((a * x for a, x in zip(row, at, strict=True)), F(0)))
    return Polyhedron(lower, upper, rows, bounds) if rows else Box(lower, upper)


@st.composite
def cases(draw: Any) -> tuple[Network, Domain]:
    network = draw(small_networks())
    return network, draw(bounded_domains(network.inputs))


def flat_patterns(found: Any) -> list[Pattern]:
    return [tuple(p for layer in found._cells.pattern(i) for p in layer) for i in range(len(found))]


ABS2 = ReluNetwork.of([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4)], ([[1, 1, 1, 1]], [0]))
EQUAL = MaxoutNetwork.of([([[[1], [1], [-1], [1], [0]]], [[0] * 5])], ([[1]], [0]))
HIDDEN = MaxoutNetwork.of([([[[0], [1], [0]]], [[0, 0, 100]])], ([[1]], [0]))  # the last piece wins everywhere
STAR = MaxoutNetwork.of([([[[1, 0], [0, 1], [-1, -1]], [[0, 0], [1, 1], [1, -1]]], [[0] * 3] * 2)], ([[1, 1]], [0]))


@given(cases())
@example((ABS2, Box([-1, -1], [1, 1])))
@example((ABS2, Polyhedron([-1, -1], [1, 1], [[0, 0], [1, 1], [1, 1]], [0, 1, 2])))
@example((ABS2, Polyhedron([-1, -1], [1, 1], [[0, 0]], [-1])))
@example((ABS2, Polyhedron([-1, -1], [1, 1], [[1, 1], [-1, -1]], [0, 0])))
@example((ABS2, Polyhedron([-1, -1], [1, 1], [[1, 1]], [-2])))
@example((ABS2, Polyhedron([-1, -1], [1, 1], [[1, 1]], [-5])))
@example((EQUAL, Box([-1], [1])))
@example((EQUAL, Box([1], [1])))
@example((HIDDEN, Box([-1], [1])))
@example((STAR, Box([-1, -1], [1, 1])))
@settings(max_examples=250)
def test_the_complex_agrees_with_both_oracles(case: tuple[Network, Domain]) -> None:
    """The same patterns, the same maps, the same linear regions."""
    network, domain = case
    found = regions(network, domain)
    assert found.complete
    patterns = flat_patterns(found)
    assert len(set(patterns)) == len(patterns) == found.activation_regions
    searched = list(cells_of(chain_of(network), domain, quiet))
    assert sorted(tuple(choice[0] for choice in cell.pattern) for cell in searched) == sorted(patterns)
    slow = oracle(network, domain)
    assert sorted(cell.pattern for cell in slow) == sorted(patterns)
    assert found.distinct_affine_maps == len({cell.output for cell in slow})
    affine_of = {
        pattern: tuple((*row, b) for row, b in zip(a.weights.dense(), a.biases.fractions(), strict=True))
        for pattern, a in zip(patterns, map(found._cells.affine, range(len(found))), strict=True)
    }
    assert affine_of == {cell.pattern: cell.output for cell in slow}
    if len(slow) <= 60:
        number = dict(zip(patterns, found.linear_classes.tolist(), strict=True))
        expected = {frozenset(slow[i].pattern for i in group) for group in grouped(slow)}
        assert {frozenset(p for p in patterns if number[p] == k) for k in set(number.values())} == expected
        assert found.linear_regions == len(expected)


@given(cases())
@settings(max_examples=60)
def test_adjacency_agrees_with_the_oracle(case: tuple[Network, Domain]) -> None:
    network, domain = case
    found = regions(network, domain)
    slow = oracle(network, domain)
    if len(slow) > 16:
        return
    patterns = flat_patterns(found)
    pairs = {frozenset((patterns[i], patterns[j])) for i, j in found.adjacency.tolist()}
    expected = {frozenset((a.pattern, b.pattern)) for a, b in combinations(slow, 2) if touching(a, b)}
    assert pairs == expected
    assert all(i < j for i, j in found.adjacency.tolist())


def rank_two_after_three(first: Any, second: Any) -> MaxoutNetwork:
    return MaxoutNetwork.of([first, second], ([[1] * len(second[0])], [0]))


@pytest.mark.parametrize(
    "network",
    [
        # once piece 1 of the second layer's unit was compared with itself
        rank_two_after_three(([[[-1], [2], [0]]], [[-2, 1, -1]]), ([[[-2], [1]]], [[0, 1]])),
        # and here with a piece that does not exist
        rank_two_after_three(([[[0], [0], [2]]], [[0, -2, 0]]), ([[[-2], [0]]], [[1, -2]])),
        # and here with a piece of the next unit: 2 regions instead of 3
        rank_two_after_three(
            ([[[1, -1], [-2, 0], [-1, -2]]], [[-1, -2, 2]]), ([[[1], [-2]], [[2], [-2]]], [[1, -1], [1, -1]])
        ),
    ],
)
def test_a_layer_of_rank_two_after_one_of_rank_three(network: MaxoutNetwork) -> None:
    """Which piece was the maximum so far is forgotten between layers."""
    domain = Box([-1] * network.inputs, [1] * network.inputs)
    assert sorted(flat_patterns(regions(network, domain))) == sorted(c.pattern for c in oracle(network, domain))


@given(small_networks(numbers=PLAIN), st.integers(0, 3))
@settings(max_examples=25)
def test_domains_without_inside_have_no_regions(network: Network, kind: int) -> None:
    n = network.inputs
    ones = [[F(1)] * n, [F(-1)] * n]
    domain = [
        Box([0] * n, [1] * (n - 1) + [0]),
        Polyhedron([0] * n, [1] * n, ones, [F(1, 2), F(-1, 2)]),
        Polyhedron([0] * n, [1] * n, [[0] * n], [-1]),
        Polyhedron([0] * n, [1] * n, [[F(1)] * n], [0]),
    ][kind]
    choices: list[dict[str, Any]] = [{}, {"shapes": False}, {"part": 1}, {"jobs": 2}]
    for options in choices:
        found = regions(network, domain, **options)
        assert (found.activation_regions, found.linear_regions, found.distinct_affine_maps) == (0, 0, 0)
        assert found.complete and not found.find([0] * n) and not list(found) and found.adjacency.shape == (0, 2)


# --- known counts ----------------------------------------------------------------------------------

KNOWN = json.loads((NETWORKS / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_known_counts(name: str) -> None:
    found = regions(load(NETWORKS / f"{name}.json"), shapes=False)
    expected = KNOWN[name]
    assert found.complete
    assert found.activation_regions == expected["activation_regions"]
    assert found.distinct_affine_maps == expected["distinct_affine_maps"]
    assert found.distinct_affine_maps <= found.linear_regions <= found.activation_regions


# --- the complex itself ----------------------------------------------------------------------------


def built(network: Network, domain: Domain, alive: Any = quiet) -> Complex | None:
    """The complex of all layers, or None if the domain has no inside; `alive(complex, done)` is told of every step."""
    program = program_of(composed(network), domain)
    if any(r == 0 for r in program.frame.radius) or any(not any(row[:-1]) and row[-1] < 0 for row in program.rows):
        return None
    whole = cube(program)
    if any(any(row[:-1]) for row in program.rows):
        constrain(whole, lambda: alive(whole, False))
        if not whole.cells:
            return None
    for number in range(len(network.layers)):
        cut_layer(whole, number, lambda: alive(whole, False))
        alive(whole, True)
    return whole


def counts(complex: Complex) -> list[int]:
    """The number of faces of each rank that are in the boundary of some cell."""
    faces = np.arange(complex.cells)
    found = [len(faces)]
    for r in range(complex.n, 0, -1):
        faces = np.unique(complex.ranks[r].facets(faces)[0])
        found.append(len(faces))
    return found[::-1]


@given(cases())
@example((STAR, Box([-1, -1], [1, 1])))
@example((HIDDEN, Box([-1], [1])))
@settings(max_examples=60)
def test_the_complex_is_a_complex(case: tuple[Network, Domain]) -> None:
    """Euler's number is 1, every facet has one or two cells, every face of rank r - 2 of a face is in two facets."""
    network, domain = case
    whole = built(network, domain, lambda *_: None)
    found = regions(network, domain)
    if whole is None:
        assert found.activation_regions == 0
        return
    assert counts(whole) == [rank.count for rank in whole.ranks]
    assert sum((-1) ** r * rank.count for r, rank in enumerate(whole.ranks)) == 1
    assert found.faces == tuple(rank.count for rank in whole.ranks)
    assert len(found) == whole.cells
    facets, _ = whole.ranks[-1].facets(np.arange(whole.cells))
    assert set(np.bincount(facets).tolist()) <= {1, 2}
    for r in range(2, whole.n + 1):
        for face in range(whole.ranks[r].count):
            own = whole.ranks[r].facets(np.array([face]))[0]
            below = whole.ranks[r - 1].facets(own)[0]
            assert set(np.bincount(below).tolist()) <= {0, 2}
    assert (
        len({tuple(whole.exact.vertex(row)) for row in whole.ranks[0].walls[: whole.ranks[0].count]})
        == whole.ranks[0].count
    )


def true_pieces(network: Network, number: int, point: Sequence[Fraction]) -> list[Fraction]:
    """The values of the stored pieces of a layer at a point, from the network itself."""
    layer = network.layers[number]
    affine = layer if isinstance(layer, Affine) else layer.pieces
    return list(affine(network.states(point)[number]).fractions())


@given(cases(), st.booleans())
@settings(max_examples=120)
def test_no_float_is_further_off_than_its_bound(case: tuple[Network, Domain], sharp: bool) -> None:
    """At every vertex, before every cut and after every layer; and no sign at a vertex is wrong."""
    network, domain = case
    points: dict[tuple[int, ...], tuple[Fraction, ...]] = {}

    def alive(whole: Complex, done: bool) -> None:
        if whole.number < 0:
            return
        layer = whole.program.layers[whole.number]
        vertices = whole.ranks[0]
        for v in range(vertices.count):
            place = tuple(whole.exact.vertex(vertices.walls[v]))
            if place not in points:
                points[place] = whole.program.frame.outward([F(x, place[-1]) for x in place[:-1]])
            values = true_pieces(network, whole.number, points[place])
            by_unit = [values[i : i + layer.stored] for i in range(0, len(values), layer.stored)]
            if done:
                exact = [max(own + [F(0)] * layer.relu) for own in by_unit]
                scales = list(layer.scales)
            else:
                exact, scales = values, [s for s in layer.scales for _ in range(layer.stored)]
            rests = whole.rest[v] if sharp else np.zeros(len(exact))
            own = zip(exact, scales, whole.values[v], rests, whole.errors[v], strict=True)
            for y, scale, found, rest, bound in own:
                if np.isfinite(bound):
                    assert abs(F(float(found)) + F(float(rest)) - y * F(2) ** scale) <= F(float(bound))
            plus, minus = (_unpacked(bits[v], layer.cuts) for bits in (vertices.plus, vertices.minus))
            if not done and (any(plus) or any(minus)):  # vertices that were merged away have none
                exact_signs = [
                    (own[p] > max(before)) - (own[p] < max(before))
                    for own in ([[F(0), *own] if layer.relu else own for own in by_unit])
                    for p in range(1, layer.rank)
                    for before in [own[:p]]
                ]
                assert exact_signs == [int(a) - int(b) for a, b in zip(plus, minus, strict=True)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signs, "BATCH", 10**9)  # no look at the clock while vertices are half done
        patch.setattr(program_module, "ROUGH", -1 if sharp else 10**9)
        built(network, domain, alive)


@given(cases())
@settings(max_examples=60)
def test_twice_the_precision_finds_the_same(case: tuple[Network, Domain]) -> None:
    network, domain = case
    found = []
    for rough in (-1, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(program_module, "ROUGH", rough)
            one = regions(network, domain)
            found.append((sorted(flat_patterns(one)), one.faces, one.linear_regions))
    assert found[0] == found[1]


def _unpacked(words: Any, count: int) -> list[bool]:
    return [bool(int(words[i // 64]) >> (i % 64) & 1) for i in range(count)]


@given(st.data())
@settings(max_examples=400)
def test_the_bound_of_an_interpolated_vertex(data: Any) -> None:
    """Whatever the true values within the bounds at the two ends are, those at the cut between are within its bound."""
    count = 5
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    relu, sharp = data.draw(st.booleans()), data.draw(st.booleans())
    stored = 1 if relu else 2
    sizes = 10.0 ** rng.uniform(-data.draw(st.sampled_from([0, 3, 12])), 0, (2, count * stored))
    floats = rng.choice([-1.0, 1.0], (2, count * stored)) * sizes
    slack = data.draw(st.sampled_from([2.0**-100 if sharp else 2.0**-53, 1e-12, 1e-6, 1e-2]))
    rests = floats * rng.uniform(-(2.0**-54), 2.0**-54, floats.shape) if sharp else floats[:, :0]
    bounds = 10.0 ** rng.uniform(-3, 0, (2, count * stored)) * slack
    if data.draw(st.booleans()):  # one end may be on either side
        start = 0.0 if relu else floats[0, 0]
        floats[0, 0 if relu else 1] = start + rng.uniform(-2, 2) * bounds[0, 0]
    off = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], (2, count * stored))
    whole = rests if sharp else np.zeros_like(floats)
    true = [
        [F(x) + F(y) + F(e) * F(b) for x, y, e, b in zip(*rows, strict=True)]
        for rows in zip(floats, whole, off, bounds, strict=True)
    ]
    gaps = [row[0] if relu else row[1] - row[0] for row in true]
    if gaps[0] * gaps[1] >= 0:
        return
    stub: Any = SimpleNamespace(
        values=floats,
        rest=rests,
        errors=bounds,
        points=floats,
        blur=np.zeros(2),
        layer=SimpleNamespace(stored=stored, relu=relu),
        program=SimpleNamespace(sharp=sharp, unit=FINE if sharp else UNIT),
    )
    a, b = np.array([0]), np.array([1])
    found, rest, errors, *_ = cutting._between(stub, a, b, 0, *((0, 256) if relu else (1, np.array([0]))))
    t = gaps[0] / (gaps[0] - gaps[1])
    for i in range(count * stored):
        exact = true[0][i] + t * (true[1][i] - true[0][i])
        if np.isfinite(errors[0, i]):
            value = F(float(found[0, i])) + (F(float(rest[0, i])) if sharp else 0)
            assert abs(value - exact) <= F(float(errors[0, i]))


def doubles(rng: Any, shape: Any, spread: int) -> Any:
    """Numbers of twice the precision, of sizes up to 1, with their true values."""
    floats = rng.choice([-1.0, 1.0], shape) * 10.0 ** rng.uniform(-spread, 0, shape)
    rests = floats * rng.uniform(-(2.0**-54), 2.0**-54, shape)
    exact = np.vectorize(lambda x, y: F(float(x)) + F(float(y)), otypes=[object])(floats, rests)
    return (floats, rests), exact


def true_sum(pair: Any) -> Any:
    return np.vectorize(lambda x, y: F(float(x)) + F(float(y)), otypes=[object])(*pair)


@pytest.mark.parametrize("spread", [0, 3, 12])
def test_operations_of_twice_the_precision(spread: int) -> None:
    rng = np.random.default_rng(spread)
    (x, true_x), (y, true_y) = doubles(rng, 500, spread), doubles(rng, 500, spread)
    near = x[0] * (1 + 2.0**-50), x[1]
    u = F(1, 1 << 53)
    for a, b, true_a, true_b in ((x, y, true_x, true_y), (near, x, true_sum(near), true_x)):
        added, product, quotient = doubled.added(a, b), doubled.multiplied(a, b), doubled.divided(a, b)
        for pair in (added, product, quotient):
            assert (np.abs(pair[1]) <= 2.0**-53 * np.abs(pair[0])).all()
        assert (abs(true_sum(added) - (true_a + true_b)) <= 64 * u**2 * (abs(true_a) + abs(true_b))).all()
        assert (abs(true_sum(product) - true_a * true_b) <= 64 * u**2 * abs(true_a * true_b)).all()
        assert (abs(true_sum(quotient) - true_a / true_b) <= 64 * u**2 * abs(true_a / true_b)).all()


@pytest.mark.parametrize("kind", ["short", "floats", "doubles", "sparse"])
@pytest.mark.parametrize("inputs", [1, 5, 70])
def test_products_of_twice_the_precision(kind: str, inputs: int) -> None:
    """With weights of few bits, of floats, of more; with rows of very different sizes, and with zeros."""
    rng = np.random.default_rng(inputs)
    (weights, rests), _ = doubles(rng, (4, inputs), 6)
    (biases, shift), true_biases = doubles(rng, 4, 3)
    if kind == "short":
        weights = np.rint(weights * 2**12) / 2**12
    if kind == "sparse":
        weights *= rng.random(weights.shape) < 0.3
    rests = rests if kind == "doubles" else np.zeros_like(weights)
    states, true_states = doubles(rng, (300, inputs), 9)  # more rows than a block
    states[0][7], states[1][7], true_states[7] = 0.0, 0.0, 0 * true_states[7]
    digits = doubled.Digits(weights, biases, np.column_stack([rests, shift]))
    *found, bound = digits.at(states)
    exact = true_states @ true_sum((weights, rests)).T + true_biases
    assert (abs(true_sum(found) - exact) <= np.vectorize(lambda b: F(float(b)), otypes=[object])(bound)).all()
    assert (bound <= 2.0**-90 * (inputs + 1)).all()
    assert (np.abs(found[1]) <= 2.0**-53 * np.abs(found[0])).all()


@pytest.mark.parametrize("digits", [40, 80, 110, 300])
@pytest.mark.parametrize("depth", [0, 3])
def test_walls_that_are_very_near(digits: int, depth: int) -> None:
    """Nearer than floats tell, and than numbers of twice the precision do: two parallel walls, two that cross there."""
    gap = F(1, 1 << digits)
    kinks = Affine.of([[1, 1], [1, 1], [1, -1]], [0, gap, gap])
    same = [Affine.of([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 0, 0])] * depth
    last = Affine.of([["1/3", "-1/3", 0], [0, "1/7", "-1/7"]], [gap / 6, gap / 7])
    network = ReluNetwork((kinks, *same, last), Affine.of([[1, 1]], [0]))
    domain = Box([-1, -1], [1, 1])
    expected = len(oracle(network, domain))
    for rough in (-1, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(program_module, "ROUGH", rough)
            assert len(regions(network, domain)) == expected


def test_deep_networks_need_no_exact_vertices() -> None:
    """Bounds that have grown too large for floats are small enough in twice the precision."""
    rng = random.Random(12)
    layers, before = [], 2
    for _ in range(14):
        weights = [[F(round(rng.gauss(0, (2 / before) ** 0.5) * 4096), 4096) for _ in range(before)] for _ in range(24)]
        layers.append((weights, [F(round(rng.gauss(0, 0.3) * 4096), 4096) for _ in range(24)]))
        before = 24
    network = ReluNetwork.of(layers, ([[1] * before], [0]), domain=Box([-1, -1], [1, 1]))
    found = {}
    for rough in (-1, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(program_module, "ROUGH", rough)
            whole = built(network, Box([-1, -1], [1, 1]), lambda *_: None)
            assert whole is not None
            found[rough] = whole.cells, whole.exact_signs
    assert found[-1] == (found[10**9][0], 0) and found[10**9][1] > 0


TINY_WEIGHTS = ReluNetwork.of(
    [([[F(10) ** -300, F(10) ** 60], [F(10) ** -330, 0]], [0, F(10) ** -340]), ([[F(10) ** 60, F(10) ** -60]], [-1])],
    ([[1]], [0]),
)
EQUAL_ROWS = MaxoutNetwork.of(
    [([[[F(1, 3), F(1, 7)], [F(1, 3), F(1, 7)], [F(1, 3), F(1, 7) + F(1, 10**40)]]], [[0, 0, 0]])], ([[1]], [0])
)


@pytest.mark.parametrize("network", [TINY_WEIGHTS, EQUAL_ROWS])
def test_weights_of_very_different_sizes(network: Network) -> None:
    for domain in (Box([-1, -1], [1, 1]), Box([F(-1, 10**70)] * 2, [F(1, 10**90)] * 2), Box([-(10**80)] * 2, [1] * 2)):
        assert sorted(flat_patterns(regions(network, domain))) == sorted(c.pattern for c in oracle(network, domain))


def test_one_cell_of_many_units() -> None:
    """More cuts than one word of bits holds, most of them in bundles through one point."""
    slopes = [[F(i), F(1)] for i in range(-40, 40)]
    network = ReluNetwork.of([(slopes, [0] * 80)], ([[1] * 80], [0]))
    found = regions(network, Box([-1, -1], [1, 1]))
    assert (found.activation_regions, found.linear_regions) == (160, 160)
    pieces = MaxoutNetwork.of(
        [([[[2 * i, 0] for i in range(70)]], [[-i * i for i in range(70)]])], ([[1]], [0])
    )  # the tangents of a parabola
    found = regions(pieces, Box([0, 0], [100, 1]))
    assert (found.activation_regions, found.linear_regions, found.faces) == (70, 70, (142, 211, 70))


def test_units_of_too_many_pieces_are_searched_instead() -> None:
    weights = [[[F(i)] for i in range(300)]]
    network = MaxoutNetwork.of([(weights, [[F(-i * i, 2) for i in range(300)]])], ([[1]], [0]))
    found = regions(network, Box([0], [3]))
    assert found.activation_regions == 4 and found.faces is None


# --- certified points ------------------------------------------------------------------------------


def strict_pattern(network: Network, point: Sequence[Fraction]) -> Pattern | None:
    """The largest piece of each unit at a point; None where two are equal."""
    pattern = []
    for number, layer in enumerate(network.layers):
        relu, values = isinstance(layer, Affine), true_pieces(network, number, point)
        size = layer.rank if isinstance(layer, MaxoutLayer) else 1
        for i in range(0, len(values), size):
            own = ([F(0)] if relu else []) + values[i : i + size]
            if own.count(max(own)) > 1:
                return None
            pattern.append(own.index(max(own)))
    return tuple(pattern)


@given(cases(), st.data())
@settings(max_examples=80)
def test_a_certified_point_is_where_it_is_said_to_be(case: tuple[Network, Domain], data: Any) -> None:
    """Points near vertices and in the middle of cells, against the patterns of all cells."""
    network, domain = case
    whole = built(network, domain, lambda *_: None)
    if whole is None:
        return
    program = whole.program
    table = whole.patterns()
    near = whole.points[: whole.ranks[0].count]
    moves = data.draw(st.sampled_from([0.0, 2.0**-60, 2.0**-52, -(2.0**-53), 1e-9]))
    chosen = np.concatenate([near + moves, np.nextafter(near, 0), whole.centres(), near / 2])
    chosen = chosen[:: max(1, len(chosen) // 20)]
    for point in chosen:
        rows = np.repeat(point[None], len(table), axis=0)
        good = certified(program, table, rows)
        if good.any():
            assert good.sum() == 1
            u = [F(float(x)) for x in point]
            assert all(abs(x) < 1 for x in u)
            x = program.frame.outward(u)
            assert domain.contains(x)
            assert strict_pattern(network, x) == tuple(table[int(np.nonzero(good)[0][0])].tolist())
            for row, bound in zip(domain.matrix.dense(), domain.bounds.fractions(), strict=True):
                assert not any(row) or sum((a * v for a, v in zip(row, x, strict=True)), F(0)) < bound


# --- the maps --------------------------------------------------------------------------------------


def expected_classes(program: Program, table: Any) -> list[int]:
    numbers: dict[str, int] = {}
    exact = Exact(program, table)
    return [numbers.setdefault(repr(exact.output(row)), len(numbers)) for row in table]


@given(cases(), st.sampled_from([None, 2, 3, 5]))
@settings(max_examples=60)
def test_maps_are_equal_exactly_when_their_numbers_are(case: tuple[Network, Domain], prime: int | None) -> None:
    """Also where the prime is so small that different maps agree modulo it."""
    network, domain = case
    program = program_of(composed(network), domain)
    parts = list(parts_of(cube(program), quiet))
    table = np.concatenate([np.zeros((0, program.starts[-1]), np.uint8), *(part.patterns for part in parts)])
    with pytest.MonkeyPatch.context() as patch:
        if prime is not None:
            patch.setattr(maps, "largest_prime", lambda limit: prime)
            patch.setattr(maps, "BATCH", 7)
        classes, exact = map_classes(program, table)
    assert exact and classes.tolist() == expected_classes(program, table)
    exact_maps = {cell.output for cell in oracle(network, domain)}
    assert len(set(classes.tolist())) == len(exact_maps)


def test_a_large_prime() -> None:
    assert [largest_prime(n) for n in (2, 3, 4, 10, 100, 7919)] == [2, 3, 3, 7, 97, 7919]


# --- parts -----------------------------------------------------------------------------------------


def keyed(found: Any) -> tuple[Any, ...]:
    """What does not depend on the order of the regions."""
    patterns = flat_patterns(found)
    pairs = frozenset(frozenset((patterns[i], patterns[j])) for i, j in found.adjacency.tolist())

    def classes(numbers: Iterable[int]) -> Any:
        groups: dict[int, list[Pattern]] = {}
        for pattern, number in zip(patterns, numbers, strict=True):
            groups.setdefault(number, []).append(pattern)
        return frozenset(frozenset(group) for group in groups.values())

    return frozenset(patterns), pairs, classes(found.affine_classes.tolist()), classes(found.linear_classes.tolist())


@given(cases())
@example((STAR, Box([-1, -1], [1, 1])))
@settings(max_examples=80)
def test_divided_runs_find_the_same(case: tuple[Network, Domain]) -> None:
    network, domain = case
    whole = regions(network, domain)
    expected = keyed(whole)
    for part in (1, 2, 5, 20):
        found = regions(network, domain, part=part)
        assert keyed(found) == expected
        assert (len(found), found.linear_regions) == (len(whole), whole.linear_regions)
    light = regions(network, domain, part=3, shapes=False)
    assert keyed(light) == expected


@given(cases())
@settings(max_examples=30)
def test_regions_of_divided_runs_are_the_same_sets(case: tuple[Network, Domain]) -> None:
    network, domain = case
    whole, divided = regions(network, domain), regions(network, domain, part=2)
    rows = {region.pattern: frozenset(region.rows) for region in whole}
    for region in divided:
        assert frozenset(region.rows) == rows[region.pattern]
        assert whole.find(region.point)[0].pattern == region.pattern
