"""Regions as objects: exact geometry, values, Transformers, bounds, certificates, time limits, files."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from strategies import PLAIN, SMALL, transformers
from test_subdivision_engine import (
    ABS2,
    EQUAL,
    HIDDEN,
    KINDS,
    NEAR,
    STAR,
    Network,
    OracleCell,
    bounded_domains,
    cases,
    flat_patterns,
    grouped,
    keyed,
    sides,
    small_networks,
)

from exactformer import (
    Box,
    Domain,
    InvalidInput,
    MaxoutNetwork,
    Polyhedron,
    Regions,
    ReluNetwork,
    Transformer,
    Unsupported,
    check,
    regions,
)
from exactformer.compiler import CONSTRUCTIONS, compile_network
from exactformer.formats.network_json import dump
from exactformer.kernel import certificates
from exactformer.kernel.counts import Counted
from exactformer.networks import Affine, Block, Head
from exactformer.networks.semantics import TIES
from exactformer.polyhedra.volume import volume
from exactformer.rational import Matrix, Vector
from exactformer.subdivision import cells as cells_module
from exactformer.subdivision import (
    deep_lower,
    deep_upper,
    driver,
    one_layer,
    one_layer_without_biases,
    parallel_folds,
    sawtooth,
    signs,
)
from exactformer.subdivision.cells import FoundCells
from exactformer.subdivision.certificate import certificate, write_certificate
from exactformer.subdivision.complex import Complex
from exactformer.subdivision.cube import cube
from exactformer.subdivision.drawing import draw
from exactformer.subdivision.layers import cut_layer
from exactformer.subdivision.limit import Check, unlimited
from exactformer.subdivision.polytope import vertices
from exactformer.subdivision.program import composed, program_of
from exactformer.subdivision.result import linear_regions_of
from exactformer.subdivision.search import cells_of
from exactformer.subdivision.slices import coordinate_plane, sliced
from exactformer.subdivision.stages import chain_of
from exactformer.work import OutOfTime
from exactformer.work import deadline as deadline_module

F = Fraction
Point = tuple[Fraction, ...]

CROSS = ReluNetwork.of([([[1, 0], [0, 1]], [0, 0])], ([[1, 1]], [0]), domain=Box([-1, -1], [1, 1]), name="cross")
BENDS = ReluNetwork.of(
    [([[1, 2], [-1, 1]], [0, F(1, 2)]), ([[1, -1], [2, 1]], [0, -1])],
    ([[1, -1], [0, 3]], [0, F(1, 3)]),
    domain=Box([-1, -1], [1, 1]),
)
FOLD = ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]), domain=Box([-1], [1]))


def vector(numbers: Sequence[Any]) -> Vector:
    return Vector.of(map(F, numbers))


def at(rows: Any, x: Sequence[Fraction]) -> list[Fraction]:
    return [sum((a * v for a, v in zip(row, x, strict=True)), F(b)) for row, b in rows]


def volume_of(domain: Domain) -> Fraction:
    return volume(sides(domain) or [], domain.dimension)


# --- geometry --------------------------------------------------------------------------------------


@given(cases())
@example((STAR, Box([-1, -1], [1, 1])))
@example((EQUAL, Polyhedron([-1], [1], [[2]], [1])))
@settings(max_examples=50)
def test_the_regions_fill_the_domain(case: tuple[Network, Domain]) -> None:
    network, domain = case
    found = regions(network, domain)
    assume(found.complete and len(found) <= (14 if network.inputs < 4 else 6))
    inside = sides(domain)
    total = F(0)
    for region in found:
        assert min(at(region.rows, region.point)) > 0 and domain.contains(region.point)
        assert [r.number for r in found.find(region.point)] == [region.number]
        assert region.affine(Vector.of(region.point)).fractions() == network.evaluate(region.point)
        assert found(region.point) == network.evaluate(region.point)
        assert region.volume > 0
        total += region.volume
        corners = region.vertices
        assert len(corners) == len(set(corners)) > network.inputs
        for v in corners:
            assert min(at(region.rows, v)) == 0 and region.contains(v) and domain.contains(v)
            assert sum(y == 0 for y in at(region.rows, v)) >= network.inputs
            assert region.affine(Vector.of(v)).fractions() == network.evaluate(v) == found(v)
        for row, b in region.rows:  # each is a facet
            assert sum(at([(row, b)], v) == [0] for v in corners) >= network.inputs
        assert region.affine_class == found.affine_classes[region.number]
        assert region.linear_region == found.linear_classes[region.number]
    assert inside is not None or not len(found)
    if found:
        assert total == volume_of(domain)
    hulls = list(found.corners())
    assert [set(region.vertices) <= set(hull) for region, hull in zip(found, hulls, strict=True)] == [True] * len(found)


@given(cases())
@settings(max_examples=40)
def test_a_point_on_a_wall_is_in_every_closed_region_around_it(case: tuple[Network, Domain]) -> None:
    network, domain = case
    found = regions(network, domain)
    assume(0 < len(found) <= 16)
    listed = list(found)
    for v in {v for hull in found.corners() for v in hull}:
        around = [region.number for region in listed if region.contains(v)]
        assert [region.number for region in found.find(v)] == around != []
        assert found(v) == network.evaluate(v)


def test_a_point_of_the_domain_and_others() -> None:
    found = regions(CROSS)
    assert len(regions(CROSS, Domain.everything(2)).find([0, 0])) == 4
    assert len(found.find([0, 0])) == 4 and len(found.find(["1/2", 0])) == 2 and len(found.find([1, -1])) == 1
    assert found.find([2, 0]) == ()
    assert found(["1/3", "-1/3"]) == (F(1, 3),)
    with pytest.raises(LookupError, match="expected one in"):
        found([0, "3/2"])
    searched = regions(CROSS, Domain.everything(2))
    for call in (found, found.find, found[0].contains, searched.find):
        with pytest.raises(InvalidInput, match="2 coordinates"):
            call([0])
    assert found[-1].number == 3 and [r.number for r in found[1:3]] == [1, 2]
    with pytest.raises(IndexError):
        found[4]
    assert repr(found) == "<Regions: 4 activation regions on [-1, 1]^2>"
    assert found.adjacency.tolist() == sorted(found.adjacency.tolist()) and len(found.adjacency) == 4
    assert found.faces == (9, 12, 4)


def turns(points: Sequence[Point]) -> list[Fraction]:
    triples = [(points[i - 2], points[i - 1], points[i]) for i in range(len(points))]
    return [(b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]) for a, b, c in triples]


@given(KINDS, st.data())
@settings(max_examples=40)
def test_polygons(numbers: Any, data: Any) -> None:
    """Vertices anticlockwise, each a true corner; the shoelace area is the volume; pictures show the same corners."""
    network = data.draw(small_networks(inputs=2, numbers=numbers))
    found = regions(network, data.draw(bounded_domains(2)))
    outlines = found.polygons()
    for region, outline in zip(found, outlines, strict=True):
        v = region.vertices
        assert min(turns(v)) > 0
        assert sum((v[i - 1][0] * v[i][1] - v[i - 1][1] * v[i][0] for i in range(len(v))), F(0)) / 2 == region.volume
        assert len(outline) >= len(v)
        if numbers is NEAR:  # see the expected failure below
            continue
        scale = max(abs(float(x)) for p in v for x in p) + 1.0
        for p in v:
            assert min(np.abs(outline - np.array([float(x) for x in p])).max(axis=1)) < 1e-6 * scale
    segments, layers = found.walls()
    assert segments.shape == (len(layers), 2, 2) and all(0 <= n < len(network.layers) for n in layers)
    light = regions(network, found.domain, shapes=False)
    with pytest.raises(Unsupported, match="walls: expected"):
        _ = light.walls() if len(light) else regions(network, Domain.everything(2)).walls()


def test_corners_of_pictures_where_two_pieces_nearly_agree() -> None:
    """The wall is x2 = 1/16, and floats place its ends at 1/33."""
    e, b = F(1, 2**48), F(1, 2**52)
    network = MaxoutNetwork.of([([[[-1, -1], [-1, -1 - e]]], [[-1 - b, -1]])], ([[-1]], [-1]))
    found = regions(network, Box([-1, -1], [1, 1]))
    exact = {tuple(map(float, v)) for region in found for v in region.vertices}
    drawn = {tuple(p) for outline in found.polygons() for p in outline.tolist()}
    assert max(min(abs(a - c) + abs(b - d) for c, d in exact) for a, b in drawn) < 1e-6


def test_pictures_need_two_inputs() -> None:
    for call in (regions(FOLD).polygons, regions(FOLD).walls, regions(ABS2, Domain.everything(2)).walls):
        with pytest.raises(Unsupported, match="expected"):
            call()
    with pytest.raises(Unsupported, match="bounded domain"):
        regions(ABS2, Domain.everything(2)).polygons()
    polygons = regions(CROSS, shapes=False).polygons()
    assert sorted(len(p) for p in polygons) == [4, 4, 4, 4]


def test_vertices_of_a_set_without_inside() -> None:
    assert vertices([((1,), -2)], Box([-1], [1])) == ()
    assert vertices([((1, 1), -5)], Box([-1, -1], [1, 1])) == ()
    with pytest.raises(Unsupported, match="at most 6 inputs"):
        vertices([], Box([0] * 7, [1] * 7))


# --- the same from every kind of run ---------------------------------------------------------------


def deep_relu() -> ReluNetwork:
    """Three layers of nine units, some hundred regions."""
    rng = random.Random(7)
    layers, below = [], 2
    for _ in range(3):
        weights = [[rng.randint(-9, 9) for _ in range(below)] for _ in range(9)]
        layers.append((weights, [rng.randint(-9, 9) for _ in range(9)]))
        below = 9
    return ReluNetwork.of(layers, ([[1] * 9], [0]), domain=Box([-2, -2], [2, 2]))


def test_two_processes_find_the_same() -> None:
    network = deep_relu()
    whole = regions(network)
    assert whole.faces is not None and len(whole) > 100
    found = regions(network, jobs=2, shapes=False)
    assert found.complete and keyed(found) == keyed(whole)
    found = regions(network, Polyhedron([-2, -2], [2, 2], [[1, 1]], [1]), jobs=2)
    assert keyed(found) == keyed(regions(network, found.domain))
    with ThreadPoolExecutor(2) as executor:
        told: list[int] = []
        found = regions(network, executor=executor, part=30, progress=told.append)
        assert keyed(found) == keyed(whole) and max(told) == len(whole)
        assert {r.pattern: set(r.rows) for r in found[:20]} == {
            r.pattern: set(r.rows) for r in whole if r.pattern in {s.pattern for s in found[:20]}
        }
    assert regions(FOLD, jobs=2).activation_regions == 2
    assert regions(ReluNetwork.of([], ([[1]], [0])), Box([0], [1]), jobs=2).activation_regions == 1
    assert regions(network, Box([0, 0], [1, 0]), jobs=2).activation_regions == 0


def test_two_processes_find_the_same_in_small_parts() -> None:
    found = regions(deep_relu(), jobs=2, part=10)
    assert keyed(found) == keyed(regions(deep_relu()))


def test_a_run_in_processes_out_of_time() -> None:
    """Workers stop at the deadline, too: here it comes when the first layers are done."""
    network = sawtooth(depth=9)
    found = regions(network, jobs=2, timeout=1e-9, part=100)
    assert not found.complete and found.activation_regions <= 3**9
    with ThreadPoolExecutor(1) as executor, pytest.MonkeyPatch.context() as patch:
        ticks = iter(range(10**9))
        patch.setattr(deadline_module, "time", SimpleNamespace(monotonic=lambda: next(ticks), time=lambda: 0.0))
        found = regions(network, executor=executor, timeout=30, part=100)
    assert not found.complete and 0 < found.activation_regions <= 3**9


@given(cases())
@settings(max_examples=30)
def test_counts_without_shapes(case: tuple[Network, Domain]) -> None:
    network, domain = case
    full, light = regions(network, domain), regions(network, domain, shapes=False)
    assert keyed(light) == keyed(full)
    assert light.faces == full.faces
    try:
        points = light.points
    except TypeError:  # see the expected failure below
        return
    for i in range(min(len(light), 5)):
        region, same = light[i], full[i]
        assert region.pattern == same.pattern and min(at(region.rows, region.point)) > 0
        assert region.point == points[i] and set(same.rows) <= set(region.rows)
        assert region.volume == same.volume and set(region.vertices) == set(same.vertices)


def test_points_without_shapes_where_two_pieces_are_one_function() -> None:
    found = regions(EQUAL, Box([-1], [1]), shapes=False)
    assert sorted(point[0] > 0 for point in found.points) == [False, True]


def test_a_network_without_outputs() -> None:
    layer = Affine(Matrix.sparse(2, 1, {(0, 0): F(1)}), vector([0, 1]))
    network = ReluNetwork((layer,), Affine(Matrix((0, 2)), Vector(())))
    assert counts(regions(network)) == (2, 1, 1)
    found = regions(network, Box([-1], [1]))
    assert (found.activation_regions, found.linear_regions, found.distinct_affine_maps) == (2, 1, 1)


# --- files -----------------------------------------------------------------------------------------


@given(cases())
@settings(max_examples=20)
def test_json_has_the_exact_numbers(case: tuple[Network, Domain]) -> None:
    network, domain = case
    found = regions(network, domain)
    value = json.loads(json.dumps(found.to_json()))
    head = {key: value[key] for key in ("activation_regions", "linear_regions", "distinct_affine_maps", "complete")}
    assert head == {
        "activation_regions": len(found),
        "linear_regions": found.linear_regions,
        "distinct_affine_maps": found.distinct_affine_maps,
        "complete": True,
    }
    assert value["domain"] == domain.to_json()
    assert "regions" not in found.to_json(regions=False)
    for region, item in zip(found, value["regions"], strict=True):
        assert tuple(map(F, item["point"])) == region.point
        assert [(tuple(r["coefficients"]), r["constant"]) for r in item["inequalities"]] == list(region.rows)
        assert [list(map(F, row)) for row in item["map"]["weights"]] == [
            list(row) for row in region.affine.weights.dense()
        ]
        assert tuple(map(F, item["map"]["biases"])) == region.affine.biases.fractions()
        assert (item["region"], item["affine_map"]) == (region.number, region.affine_class)
        assert item["linear_region"] == region.linear_region
        assert tuple(map(tuple, item["pattern"])) == region.pattern


def test_arrays(tmp_path: Path) -> None:
    found = regions(BENDS)
    found.save_npz(tmp_path / "deep" / "regions.npz")
    with np.load(tmp_path / "deep" / "regions.npz") as data:
        arrays = dict(data)
    count = len(found)
    assert arrays["points"].shape == (count, 2) and arrays["weights"].shape == (count, 2, 2)
    assert arrays["biases"].shape == (count, 2) and arrays["adjacency"].tolist() == found.adjacency.tolist()
    assert arrays["affine_map"].tolist() == found.affine_classes.tolist()
    assert arrays["linear_region"].tolist() == found.linear_classes.tolist()
    for region, point, weights, biases in zip(
        found, arrays["points"], arrays["weights"], arrays["biases"], strict=True
    ):
        assert point.tolist() == [float(x) for x in region.point]
        assert weights.tolist() == [[float(x) for x in row] for row in region.affine.weights.dense()]
        assert biases.tolist() == [float(x) for x in region.affine.biases.fractions()]
    empty = regions(BENDS, Box([0, 0], [0, 1]))
    empty.save_npz(tmp_path / "none.npz")
    with np.load(tmp_path / "none.npz") as data:
        assert data["weights"].shape == (0, 2, 2) and data["points"].shape == (0, 2)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="a place that can be written"):
        found.save_npz(tmp_path / "file" / "x.npz")


def test_arrays_of_patterns(tmp_path: Path) -> None:
    regions(CROSS).save_npz(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as data:
        assert data["patterns"].tolist() == [list(p) for p in flat_patterns(regions(CROSS))]


def test_arrays_of_numbers_beyond_floats(tmp_path: Path) -> None:
    found = regions(ReluNetwork.of([([[10**400]], [1])], ([[1]], [0])), Box([-1], [1]))
    with pytest.raises((InvalidInput, Unsupported)):
        found.save_npz(tmp_path / "x.npz")


# --- Transformers ----------------------------------------------------------------------------------

SOURCES: dict[str, Network] = {
    "maxout": MaxoutNetwork(STAR.layers, STAR.output, Box([-1, -1], [1, 1])),
    "relu": BENDS,
    "equal": MaxoutNetwork(EQUAL.layers, EQUAL.output, Box([-1], [1])),
    "sawtooth1": sawtooth(depth=1),
    "sawtooth2": sawtooth(depth=2),
    "sawtooth3": sawtooth(depth=3),
    "folds": parallel_folds(2, 2, 3),
}


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
@pytest.mark.parametrize("name", SOURCES)
def test_a_compiled_transformer_has_the_regions_of_its_source(name: str, construction: str) -> None:
    """The same linear regions and maps, by its own attention patterns (theory T30)."""
    source = SOURCES[name]
    transformer = compile_network(source, construction=construction).transformer
    found, expected = regions(transformer, source.domain), regions(source)
    assert found.linear_regions == expected.linear_regions
    assert found.distinct_affine_maps == expected.distinct_affine_maps
    assert found.activation_regions >= found.linear_regions
    maps = {(region.affine.weights, region.affine.biases) for region in expected}
    assert {(region.affine.weights, region.affine.biases) for region in found} == maps
    assert found.faces is not None and sum((-1) ** r * f for r, f in enumerate(found.faces)) == 1


def test_deeper_sawtooth_transformers() -> None:
    for depth, construction in ((8, "gated"), (8, "global"), (7, "causal"), (6, "single-head")):
        source = sawtooth(depth=depth)
        found = regions(compile_network(source, construction=construction).transformer, source.domain)
        assert found.linear_regions == found.distinct_affine_maps == deep_lower(1, 2, depth)


@given(transformers(numbers=SMALL), st.sampled_from(["average", "leftmost", "rightmost"]), st.data())
@settings(max_examples=60)
def test_regions_of_transformers(network: Transformer, tie: Any, data: Any) -> None:
    """They fill a box, each has the map that the Transformer has there, and linear regions hang together."""
    domain = data.draw(bounded_domains(network.inputs))
    try:
        found = regions(network, domain, tie=tie)
    except Unsupported as error:
        assert "quadratic" in str(error)
        return
    assume(len(found) <= 25)
    listed = list(found)
    assert sum((region.volume for region in listed), F(0)) == (volume_of(domain) if listed else 0)
    for region in listed:
        assert min(at(region.rows, region.point)) > 0
        assert region.affine(Vector.of(region.point)).fractions() == network.evaluate(region.point, tie=tie)
        assert [r.number for r in found.find(region.point)] == [region.number]
        for other in region.vertices:
            x = tuple(p + (v - p) * F(9, 10) for p, v in zip(region.point, other, strict=True))
            assert region.affine(Vector.of(x)).fractions() == network.evaluate(x, tie=tie) == found(x)
    cells = [
        OracleCell(
            (r.number,),
            frozenset(r.rows),
            tuple((*w, b) for w, b in zip(r.affine.weights.dense(), r.affine.biases.fractions(), strict=True)),
        )
        for r in listed
    ]
    assert len({cell.output for cell in cells}) == found.distinct_affine_maps
    assert len(grouped(cells)) == found.linear_regions


def attention(keys: Sequence[Any], values: Sequence[int], **options: Any) -> Transformer:
    """One head with the constant query 1: key = a x + b of each token, constant values; read at the last token."""
    embedding = tuple(
        Affine(Matrix.sparse(3, 1, {(1, 0): F(a)}), vector([1, b, v])) for (a, b), v in zip(keys, values, strict=True)
    )
    head = Head.of([[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]], [[0], [0], [1]])
    readout = Affine(Matrix.sparse(1, 3, {(0, 2): F(1)}), vector([0]))
    settings_: dict[str, Any] = {"token": len(keys) - 1, "residual": False, **options}
    return Transformer(embedding, (Block((head,), None),), readout=readout, **settings_)


def counts(found: Regions) -> tuple[int, int, int]:
    return found.activation_regions, found.linear_regions, found.distinct_affine_maps


def test_a_discontinuous_head() -> None:
    """The values have nothing to do with the scores, so the output jumps."""
    line = Box([-2], [2])
    step = attention([(0, 0), (1, 0)], [0, 5])
    assert counts(regions(step, line)) == (2, 2, 2)
    assert counts(regions(step)) == (2, 2, 2)
    assert counts(regions(attention([(0, 0), (1, 0)], [5, 5]), line)) == (2, 1, 1)
    bump = attention([(0, 0), (1, -1), (-1, -1)], [5, 0, 0])
    assert counts(regions(bump, line)) == counts(regions(bump)) == (3, 3, 2)
    found = regions(step, line)
    assert found([-1])[0] == 0 and found([1])[0] == 5
    assert found.adjacency.tolist() == [[0, 1]]
    with pytest.raises(Unsupported, match="bounded domain"):
        _ = regions(step)[0].vertices


def test_the_value_where_a_head_jumps() -> None:
    for tie in TIES:
        for step in (attention([(0, 0), (1, 0)], [0, 5]), attention([(1, 0), (0, 0)], [5, 0])):
            assert regions(step, Box([-2], [2]), tie=tie)([0]) == step.evaluate([0], tie=tie)


def test_tie_rules() -> None:
    """Two tokens with one key: which of them is read depends on the rule."""
    twins = attention([(0, 0), (1, 0), (1, 0)], [1, 5, 7])
    values = {tie: regions(twins, Box([0], [1]), tie=tie)(["1/2"])[0] for tie in TIES}
    assert values == {"average": 6, "leftmost": 5, "rightmost": 7}
    same = attention([(0, 0), (1, 0), (1, 0)], [5, 5, 7])
    maps = {tie: counts(regions(same, Box([-1], [1]), tie=tie))[1] for tie in TIES}
    assert maps == {"average": 2, "leftmost": 1, "rightmost": 2}
    assert regions(same, Box([-1], [1]))[0].pattern in (((0,),), ((1, 2),))
    with pytest.raises(InvalidInput, match="tie: expected one of average, leftmost, rightmost, found 'middle'"):
        regions(same, tie="middle")  # type: ignore[arg-type]


def test_the_causal_mask() -> None:
    keys, values = [(0, 0), (1, 0), (2, -1)], [1, 5, 7]
    expected = {(0, "causal"): 1, (1, "causal"): 2, (2, "causal"): 3, (0, None): 3, (1, None): 3}
    for (token, mask), number in expected.items():
        found = regions(attention(keys, values, token=token, mask=mask), Box([-2], [2]))
        assert counts(found) == (number,) * 3


def test_quadratic_scores_are_refused() -> None:
    head = Head.of([[0, 1]], [[0, 1]], [[1, 0]], [[1], [0]])
    embedding = tuple(Affine(Matrix.sparse(2, 1, {(1, 0): F(i)}), vector([i, 1])) for i in (1, 2))
    readout = Affine(Matrix.sparse(1, 2, {(0, 0): F(1)}), vector([0]))
    network = Transformer(embedding, (Block((head,), None),), 0, readout)
    with pytest.raises(Unsupported, match=r"query and key both depend on the input.*no|not polyhedra"):
        regions(network, Box([-1], [1]))


# --- bounds ----------------------------------------------------------------------------------------


def random_layer(rng: random.Random, inputs: int, units: int, rank: int, biases: bool = True) -> Any:
    weights = [[[rng.randint(-99, 99) for _ in range(inputs)] for _ in range(rank)] for _ in range(units)]
    return weights, [[rng.randint(-99, 99) if biases else 0 for _ in range(rank)] for _ in range(units)]


@pytest.mark.parametrize(("n", "m", "k"), [(1, 3, 3), (2, 2, 3), (2, 3, 2), (2, 3, 3), (3, 3, 2), (2, 2, 5), (3, 2, 3)])
def test_one_layer_never_has_more_regions_than_it_can(n: int, m: int, k: int) -> None:
    rng = random.Random(n * 100 + m * 10 + k)
    for _ in range(12):
        network = MaxoutNetwork.of([random_layer(rng, n, m, k)], ([[1] * m], [0]))
        found = regions(network, Box([-50] * n, [50] * n))
        assert found.linear_regions <= found.activation_regions <= one_layer(n, [k] * m)
    folds = parallel_folds(n, m, k)
    assert counts(regions(folds)) == (one_layer(n, [k] * m),) * 3


@given(st.integers(1, 2), st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=2, max_size=3), st.data())
@settings(max_examples=40)
def test_deep_networks_never_have_more_regions_than_they_can(n: int, shape: Any, data: Any) -> None:
    rng = random.Random(data.draw(st.integers(0, 10**6)))
    below, layers = n, []
    for m, k in shape:
        layers.append(random_layer(rng, below, m, k))
        below = m
    network = MaxoutNetwork.of(layers, ([[1] * below], [0]))
    assert regions(network, Box([-9] * n, [9] * n)).activation_regions <= deep_upper(n, [[k] * m for m, k in shape])


@pytest.mark.parametrize(("inputs", "rank", "depth"), [(1, 2, 4), (1, 3, 3), (2, 2, 2), (2, 3, 1), (3, 2, 1)])
def test_the_sawtooth_attains_its_number(inputs: int, rank: int, depth: int) -> None:
    found = regions(sawtooth(inputs, rank=rank, depth=depth))
    assert found.linear_regions == found.activation_regions == deep_lower(inputs, rank, depth)


@pytest.mark.parametrize(("n", "m", "k", "most"), [(2, 2, 3, 6), (2, 3, 3, 9), (3, 3, 3, 20), (3, 4, 2, 14)])
def test_layers_without_biases(n: int, m: int, k: int, most: int) -> None:
    """Cones around 0: as many on a box as on R^n, never more than the bound, which is attained."""
    rng, largest = random.Random(k * m), 0
    for trial in range(40):
        network = MaxoutNetwork.of([random_layer(rng, n, m, k, biases=False)], ([[1] * m], [0]))
        found = regions(network, Box([-1] * n, [1] * n))
        assert found.activation_regions <= most == one_layer_without_biases(n, m, k)
        largest = max(largest, found.activation_regions)
        if trial < 4:
            assert counts(regions(network, Domain.everything(n))) == counts(found)
    assert largest == most


# --- certificates ----------------------------------------------------------------------------------


@given(cases())
@example((HIDDEN, Box([-1], [1])))
@example((STAR, Polyhedron([-1, -1], [1, 1], [[1, 1], [0, 0]], [1, 0])))
@settings(max_examples=30)
def test_certificates_are_accepted(case: tuple[Network, Domain]) -> None:
    network, domain = case
    assume((2 * network.inputs + len(domain.bounds)) ** network.inputs < 10**5)
    found = regions(network, domain)
    assume(len(found) <= 80)
    counted = accepted(found)
    assert (counted.regions, counted.exact) == (found.activation_regions, True)


def test_a_folder_with_a_certificate(tmp_path: Path) -> None:
    for number, (network, options) in enumerate([(BENDS, {}), (BENDS, {"part": 2}), (CROSS, {"shapes": False})]):
        folder = tmp_path / str(number)
        found = regions(network, **options)  # type: ignore[arg-type]
        path = write_certificate(found, folder)
        assert path == folder / "certificate.json"
        counted = certificates.check_file(path)
        assert (counted.regions, counted.exact) == (len(found), True)
        checked = check(folder)
        assert checked.claim == "regions" and checked.holds and checked.counts == {"regions": len(found)}
        assert f"exactly {len(found)} activation regions on [-1, 1]^2" in checked.theorem
    smaller = regions(BENDS, Box([0, 0], [1, 1]))
    write_certificate(smaller, tmp_path / "0")  # over the old one
    assert certificates.check_file(tmp_path / "0" / "certificate.json").regions == len(smaller)


def test_certificates_of_lower_bounds(tmp_path: Path) -> None:
    found = interrupted(sawtooth(depth=4), after=30, part=6)
    assert not found.complete and 0 < len(found) < 81
    counted = certificates.check_file(write_certificate(found, tmp_path / "some"))
    assert (counted.regions, counted.exact) == (len(found), False)
    none = regions(sawtooth(depth=4), timeout=1e-9)
    assert certificates.check_file(write_certificate(none, tmp_path / "none")).regions == 0
    seven = ReluNetwork.of([([[1] * 7, [1, -1] * 3 + [2]], [0, -1])], ([[1, 1]], [0]))
    counted = certificates.check_file(write_certificate(regions(seven, Box([-1] * 7, [1] * 7)), tmp_path / "seven"))
    assert (counted.regions, counted.exact) == (4, False)


@pytest.mark.parametrize("size", [1, 4, 20])
def test_certificates_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Neighbours are in one piece; what an earlier run wrote gives way, be it in more pieces or in none."""
    found = regions(sawtooth(2, depth=2))
    write_certificate(found, tmp_path)
    for piece in (size, size + 1, 5_000):
        monkeypatch.setattr("exactformer.subdivision.certificate.PIECE", piece)
        path = write_certificate(found, tmp_path)
        count = -(-len(found) // piece)
        assert len(list(tmp_path.glob("regions-*.json"))) == (count if count > 1 else 0)
        counted = certificates.check_file(path)
        assert (counted.regions, counted.exact) == (len(found), True)
        assert ("files regions-*.json" in (tmp_path / "README.txt").read_text()) == (count > 1)
        points = [json.loads(file.read_text())["points"] for file in tmp_path.glob("regions-*.json")]
        assert all(len(some) <= 2 * piece for some in points) and sum(map(len, points)) in (0, len(found))


@pytest.mark.parametrize("size", [10**400, Fraction(1, 10**400)])
def test_pieces_of_numbers_that_no_float_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: Any) -> None:
    monkeypatch.setattr("exactformer.subdivision.certificate.PIECE", 2)
    network = ReluNetwork.of(
        [([[1, 0], [0, 1], [1, 1]], [0, size / 4 if size < 1 else 1, size // 3])], ([[1] * 3], [0])
    )
    found = regions(network, Box([-size] * 2, [size] * 2))
    counted = certificates.check_file(write_certificate(found, tmp_path))
    assert (counted.regions, counted.exact) == (len(found), True)
    assert len(list(tmp_path.glob("regions-*.json"))) == -(-len(found) // 2) > 1


def test_what_has_no_certificate(tmp_path: Path) -> None:
    transformer = compile_network(FOLD).transformer
    for found, text in (
        (regions(transformer), "found a Transformer"),
        (regions(CROSS, Domain.everything(2)), "a bounded domain for a certificate"),
    ):
        with pytest.raises(Unsupported, match=text):
            write_certificate(found, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_a_certificate_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="a folder that can be written"):
        write_certificate(regions(CROSS), tmp_path / "file")


# --- time limits, unbounded domains ----------------------------------------------------------------


def interrupted(network: Any, *, after: int, domain: Domain | None = None, **options: Any) -> Regions:
    """The regions after so many looks at the clock."""
    ticks = iter(range(10**9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deadline_module, "time", SimpleNamespace(monotonic=lambda: next(ticks), time=lambda: 0.0))
        patch.setattr(driver, "time_limit", lambda seconds: nullcontext())  # whose clock is the real one
        return regions(network, domain, timeout=after + 0.5, **options)


@pytest.mark.parametrize("timeout", [1e-300, 1e-9])
@pytest.mark.parametrize("domain", [None, Domain.everything(2)])
def test_no_time_at_all(timeout: float, domain: Domain | None) -> None:
    found = regions(BENDS, domain, timeout=timeout)
    assert not found.complete
    assert found.activation_regions <= regions(BENDS, domain).activation_regions
    assert found.to_json()["complete"] is False and "at least" in repr(found)
    assert regions(BENDS, domain, timeout=1000).complete


@pytest.mark.parametrize("network", [BENDS, sawtooth(depth=3), compile_network(BENDS).transformer])
@pytest.mark.parametrize("part", [2, 30_000])
def test_what_is_found_in_time_is_true(network: Any, part: int) -> None:
    """However early the run ends, what it has found are regions, and there are at least so many."""
    full = regions(network)
    expected = {region.pattern for region in full}
    steps, before = 0, 0
    while True:
        found = interrupted(network, after=steps, part=part)
        assert {region.pattern for region in found} <= expected and len(found) <= found.activation_regions
        assert before <= found.activation_regions <= len(full)
        assert found.distinct_affine_maps <= full.distinct_affine_maps
        before = found.activation_regions
        if found.complete:
            break
        steps += 1 + steps // 4
    assert steps > 3 and len(found) == len(full)


def test_the_lower_bound_of_a_unit_of_three_pieces() -> None:
    told: list[int] = []
    assert regions(HIDDEN, Box([-1], [1]), progress=told.append).activation_regions == 1
    found = interrupted(HIDDEN, after=3, domain=Box([-1], [1]))
    assert max(told) <= 1 and found.activation_regions <= 1


def test_faces_of_a_part() -> None:
    found = interrupted(sawtooth(depth=4), after=30, part=6)
    assert not found.complete and len(found)
    assert found.faces is None


@given(small_networks(inputs=2, layers=2), st.integers(0, 2))
@settings(max_examples=30)
def test_unbounded_domains(network: Network, kind: int) -> None:
    """Without bounds there are all regions of every box, and on a box far larger than all vertices no more."""
    domain = [Domain.everything(2), Box([0, None], [None, 3]), Polyhedron([None] * 2, [None] * 2, [[1, 1]], [2])][kind]
    found = regions(network, domain)
    assert found.complete and found.faces is None
    far = F(10) ** 400
    lower = [-far if x is None else x for x in domain.lower]
    upper = [far if x is None else x for x in domain.upper]
    box = Polyhedron(lower, upper, domain.matrix.dense(), domain.bounds.fractions()) if kind == 2 else Box(lower, upper)
    assert counts(regions(network, box)) == counts(found)
    for region in found:
        assert found(region.point) == network.evaluate(region.point)
        assert min(at(region.rows, region.point), default=1) > 0
    pairs = {frozenset(p) for p in product(range(len(found)), repeat=2)}
    assert {frozenset(p) for p in found.adjacency.tolist()} <= pairs


def searched(network: Network, domain: Domain) -> FoundCells:
    """The cells by exact linear programs alone."""
    return FoundCells(list(cells_of(chain_of(network), domain, lambda cells: None)), domain.dimension)


def pattern_of_pieces(cells: FoundCells, index: int) -> tuple[int, ...]:
    return tuple(choice[0] for choice in cells.pattern(index))


@given(st.integers(1, 3).flatmap(lambda n: small_networks(inputs=n, layers=2)), st.integers(0, 3), st.booleans())
@example(sawtooth(2, depth=1), 0, True)
@settings(max_examples=60)
def test_unbounded_regions_are_those_of_linear_programs(network: Network, kind: int, divided: bool) -> None:
    """On R^n, half spaces and flat sets: the same patterns, neighbours, facets and maps, also in small parts."""
    n = network.inputs
    domain = [
        Domain.everything(n),
        Box([0] + [None] * (n - 1), [None] * n),
        Polyhedron([None] * n, [None] * n, [[1] * n, [-2] + [1] * (n - 1)], [2, 0]),
        Polyhedron([None] * n, [None] * n, [[1] * n, [-1] * n], [0, 0]),
    ][kind]
    found = regions(network, domain, part=2 if divided else None, shapes=not divided)
    other = searched(network, domain)
    patterns = [sum(region.pattern, ()) for region in found]
    others = [pattern_of_pieces(other, i) for i in range(other.count)]
    assert len(set(patterns)) == len(patterns) and sorted(patterns) == sorted(others)
    assert found.complete and not found.at_least and (found.reason is None) == bool(patterns)
    place = [others.index(pattern) for pattern in patterns]
    assert {frozenset((place[i], place[j])) for i, j in found.adjacency.tolist()} == {
        frozenset(pair) for pair in other.neighbours(None).tolist()
    }
    for region, i in zip(found, place, strict=True):
        assert set(region.rows) == set(other.rows(i)) and region.affine == other.affine(i)
        assert min(at(region.rows, region.point), default=1) > 0
        assert region.number in [r.number for r in found.find(region.point)]
    classes, exact = other.classes()
    assert exact and found.distinct_affine_maps == len(set(classes.tolist()))
    assert found.linear_regions == len(set(linear_regions_of(other, classes, unlimited).tolist()))


def test_unbounded_domains_need_no_linear_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps that meet on walls, on R^4: 2231 regions, which were once joined by one linear program a pair."""
    rng = random.Random(5)

    def numbers(rows: int, columns: int) -> list[list[int]]:
        return [[rng.randint(-3, 3) for _ in range(columns)] for _ in range(rows)]

    layers = [(numbers(5, 4), numbers(1, 5)[0]), (numbers(5, 5), numbers(1, 5)[0]), (numbers(1, 5), [1])]
    network = ReluNetwork.of(layers, ([[1]], [0]))
    expected = counts(regions(network, Box([-(10**9)] * 4, [10**9] * 4)))

    def never(*_: Any) -> Any:
        raise AssertionError("a linear program")

    monkeypatch.setattr(driver, "cells_of", never)
    monkeypatch.setattr(cells_module, "interior", never)
    found = regions(network, Domain.everything(4))
    assert counts(found) == expected and found.linear_regions < found.activation_regions
    assert len(found.points) == len(found) and found[0].rows


def after(looks: int) -> Check:
    """A limit that is reached after so many looks at it."""
    ticks = iter(range(looks))

    def check() -> None:
        if next(ticks, None) is None:
            raise OutOfTime

    return check


@pytest.mark.parametrize("domain", [Box([-1, -1], [1, 1]), Domain.everything(2)])
@pytest.mark.parametrize("of", ["source", "transformer"])
def test_every_count_is_a_lower_bound_wherever_time_ends(domain: Domain, of: str) -> None:
    """Counting done, the limit is reached while maps are compared, or while linear regions are joined."""
    network = CROSS if of == "source" else compile_network(CROSS, construction="global").transformer
    full = regions(network, domain, part=2)
    seen = set()
    for looks in range(400):
        found = Regions(network, domain, full._cells, "average", None, after(looks))
        assert found.activation_regions == full.activation_regions and found.complete
        assert 1 <= found.distinct_affine_maps <= full.distinct_affine_maps
        assert 1 <= found.linear_regions <= full.linear_regions
        seen.add(found.at_least)
        value = found.to_json()
        assert value["at_least"] == list(found.at_least) and (found.reason is None) == (not found.at_least)
        assert "at least" in found._repr_html_() or not found.at_least
        if "linear_regions" in found.at_least:
            assert {region["linear_region"] for region in value["regions"]} == {None}
        assert found.linear_classes.tolist() == full.linear_classes.tolist()  # asked for, these take their time
        if not found.at_least:
            break
    assert seen >= {("linear_regions", "distinct_affine_maps"), ()} and counts(found) == counts(full)


def test_joining_is_within_the_limit() -> None:
    """All maps are known, the joining is not done: the linear regions are at least as many as the maps."""
    network = ReluNetwork.of([([[1, 0], [0, 1], [1, 0]], [0, 0, -1])], ([[1, 0, 0]], [0]))
    for domain in (Box([-3, -3], [3, 3]), Domain.everything(2)):
        full = regions(network, domain, part=2)
        assert any(
            found.at_least == ("linear_regions",) and found.linear_regions == found.distinct_affine_maps
            for found in (Regions(network, domain, full._cells, "average", None, after(i)) for i in range(200))
        )


def test_a_timeout_counts_everything_in_the_call() -> None:
    ticks: list[int] = []
    looks = 0
    while True:
        found = interrupted(CROSS, after=looks, domain=Domain.everything(2))
        ticks.append(len(found.at_least))
        if not found.at_least:
            break
        looks += 1
    assert {3, 0} <= set(ticks) and sorted(ticks, reverse=True) == ticks
    assert counts(found) == counts(regions(CROSS, Domain.everything(2)))


@pytest.mark.parametrize("looks", [0, 1, 5, 12, 10**6])
def test_files_within_the_limit(tmp_path: Path, looks: int) -> None:
    """A certificate holds what was found by then; arrays and pictures appear whole or not at all."""
    pytest.importorskip("matplotlib")
    found = regions(sawtooth(2, depth=1))
    counted = certificates.check_file(write_certificate(found, tmp_path / "proof", check=after(looks)))
    assert counted.regions == min(looks, len(found)) and counted.exact == (looks > 2 * len(found))
    assert f"{counted.regions} activation regions" in (tmp_path / "proof" / "README.txt").read_text()
    for name, write in (
        ("a.npz", lambda path: found.save_npz(path, check=after(looks))),
        ("a.svg", lambda path: draw(found, path, check=after(looks))),
    ):
        if looks < 10:
            with pytest.raises(OutOfTime):
                write(tmp_path / name)
            assert not (tmp_path / name).exists()
        elif looks > 1000:
            write(tmp_path / name)
            assert (tmp_path / name).stat().st_size
    assert [region.number for region in found.in_time(after(looks))] == list(range(min(looks, len(found))))


def test_exact_vertices_are_within_the_limit() -> None:
    """Deep networks spend their time on vertices that floats leave open: the clock is looked at between them."""
    network = ReluNetwork.of([([[1, 0], [0, 1]], [0, 0]), ([[1, -1], [1, 1]], [0, -1])], ([[1, 1]], [0]))
    program = program_of(composed(network), Box([-1, -1], [1, 1]))
    looks = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signs, "BATCH", 1)
        whole = cube(program)
        for number in range(2):
            cut_layer(whole, number, lambda: looks.append(1))
    assert whole.exact_signs > 4 and len(looks) > sum(network.widths)


def test_flat_domains_have_a_reason() -> None:
    flat = regions(CROSS, Box([-1, 0], [1, 0]))
    assert counts(flat) == (0, 0, 0) and flat.complete
    assert flat.reason == "the domain has no interior, as it fixes x2 = 0: ask for a slice of the other inputs"
    assert regions(CROSS, Box([-1, 0], [None, 0])).reason == flat.reason
    for empty in (Polyhedron([-1, -1], [1, 1], [[1, 1]], [-2]), Box([0, 0], [0, 0])):
        assert regions(CROSS, empty).reason == "the domain has no interior: it is empty or flat"


def test_many_inputs() -> None:
    rng = random.Random(3)
    for n in (7, 8):
        layers = [([[rng.randint(-2, 2) for _ in range(n)] for _ in range(4)], [rng.randint(-2, 2) for _ in range(4)])]
        layers.append(([[1, -1, 1, -1], [1, 1, 0, -2]], [0, 1]))
        network = ReluNetwork.of(layers, ([[1, -1]], [0]))
        found = regions(network, Box([-1] * n, [1] * n))
        assert found.complete and found.faces is None and len(found) > 16
        for region in found[:6]:
            assert [r.number for r in found.find(region.point)] == [region.number]
            assert found(region.point) == network.evaluate(region.point)
        assert {tuple(sorted(p)) for p in found.adjacency.tolist()} == {tuple(p) for p in found.adjacency.tolist()}
        with pytest.raises(Unsupported, match="at most 6 inputs"):
            _ = found[0].volume
    with pytest.raises(InvalidInput, match="domain: expected 8 inputs, found 2"):
        regions(network, Box([0, 0], [1, 1]))


def test_a_network_without_inputs() -> None:
    network = ReluNetwork((), Affine(Matrix((1, 0)), vector([3])))
    found = regions(network)
    assert counts(found) == (1, 1, 1) and found[0].affine(Vector(())).fractions()[0] == 3


# --- pictures and slices ---------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["map", "layer"])
def test_pictures(tmp_path: Path, colour: Any) -> None:
    pytest.importorskip("matplotlib")
    starts = {".svg": b"<?xml", ".png": b"\x89PNG", ".pdf": b"%PDF"}
    for name, network in (
        ("plane", BENDS),
        ("line", sawtooth(depth=2)),
        ("two", ReluNetwork(FOLD.layers, Affine(Matrix.sparse(2, 2, {(0, 0): F(1)}), vector([0, 1])), FOLD.domain)),
    ):
        found = regions(network)
        for suffix, start in starts.items():
            if suffix == ".pdf" and name != "plane":
                continue
            path = tmp_path / f"{name}{suffix}"
            draw(found, path, colour=colour)
            assert path.read_bytes().startswith(start)
        again = tmp_path / "again.svg"
        draw(regions(network), again, colour=colour, names=("a", "b"))
        draw(found, tmp_path / "more.SVG", colour=colour, names=("a", "b"))
        assert again.read_bytes() == (tmp_path / "more.SVG").read_bytes()
        assert f"{found.activation_regions} activation regions" in again.read_text()
    draw(regions(ReluNetwork.of([], ([[1, 1]], [0])), Box([0, 0], [1, 1])), tmp_path / "plain.svg", colour=colour)
    draw(interrupted(sawtooth(2, depth=1), after=3), tmp_path / "part.svg", colour=colour)
    assert "at least" in (tmp_path / "part.svg").read_text()
    assert not list(tmp_path.glob(".*"))


def test_pictures_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    flat, solid = regions(CROSS), regions(sawtooth(3))
    path = tmp_path / "x.svg"
    for found, target, options, error, text in (
        (flat, tmp_path / "x.jpg", {}, InvalidInput, "a name that ends in .svg, .png, .pdf, found '.jpg'"),
        (flat, tmp_path / "x", {}, InvalidInput, "found ''"),
        (flat, path, {"colour": "red"}, InvalidInput, "colour: expected one of map, layer, found 'red'"),
        (solid, path, {}, Unsupported, "picture: expected one or two inputs"),
        (regions(CROSS, Domain.everything(2)), path, {}, Unsupported, "a bounded domain"),
        (regions(compile_network(CROSS).transformer), path, {"colour": "layer"}, Unsupported, "found a Transformer"),
    ):
        with pytest.raises(error, match=text):
            draw(found, target, **options)  # type: ignore[arg-type]
    draw(regions(compile_network(CROSS).transformer), tmp_path / "transformer.svg")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="a place that can be written"):
        draw(flat, tmp_path / "file" / "x.svg")
    monkeypatch.setattr("exactformer.subdivision.drawing.find_spec", lambda name: None)
    with pytest.raises(Unsupported, match="expected matplotlib"):
        draw(flat, path)
    assert not path.exists()


@given(small_networks(numbers=PLAIN), st.data())
@settings(max_examples=30)
def test_slices_have_the_values_of_the_network(network: Network, data: Any) -> None:
    n = network.inputs
    count = data.draw(st.integers(1, 2))
    origin = [data.draw(PLAIN) for _ in range(n)]
    directions = [[data.draw(SMALL) for _ in range(n)] for _ in range(count)]
    plane = sliced(network, origin, directions, Box([-1] * count, [1] * count))
    assert (plane.inputs, plane.outputs) == (count, network.outputs)
    found = regions(plane)
    for region in found[:8]:
        t = region.point
        x = [o + sum((s * d[j] for s, d in zip(t, directions, strict=True)), F(0)) for j, o in enumerate(origin)]
        assert found(t) == plane.evaluate(t) == network.evaluate(x)


def test_slices_of_other_networks() -> None:
    transformer = compile_network(BENDS).transformer
    line = sliced(transformer, [0, "1/2"], [[1, -1]], Box([-1], [1]))
    source = sliced(BENDS, [0, "1/2"], [[1, -1]], Box([-1], [1]))
    assert regions(line).linear_regions == regions(source).linear_regions
    assert line.evaluate(["1/3"]) == source.evaluate(["1/3"]) == BENDS.evaluate(["1/3", "1/6"])
    affine = sliced(ReluNetwork.of([], ([[2, 3]], [1])), [1, 1], [[1, 0]])
    assert affine.evaluate([4])[0] == 14 and affine.domain is None
    with pytest.raises(InvalidInput, match="point: expected 2 coordinates"):
        sliced(BENDS, [0], [[1, 0]])
    with pytest.raises(InvalidInput, match="directions"):
        sliced(BENDS, [0, 0], [[1, 0, 0]])
    with pytest.raises(InvalidInput, match="one a direction, found 2"):
        sliced(BENDS, [0, 0], [[1, 0]], Box([0, 0], [1, 1]))


def test_coordinate_planes() -> None:
    domain = Polyhedron([-1, 0, 2], [1, 4, 6], [[1, 1, 1], [0, 1, 0]], [7, 3])
    network = ReluNetwork.of([([[1, 2, 3], [1, -1, 0]], [-8, 0])], ([[1, 1]], [0]), domain=domain)
    plane = coordinate_plane(network, domain, [2, 0], None)
    assert plane.domain == Polyhedron([2, -1], [6, 1], [[1, 1], [0, 0]], [5, 1])
    assert plane.evaluate([5, "1/2"]) == network.evaluate(["1/2", 2, 5])
    held = coordinate_plane(network, domain, [0], [F(9), F(1, 2), F(4)])
    assert held.evaluate(["1/3"]) == network.evaluate(["1/3", "1/2", 4])
    assert held.domain == Polyhedron([-1], [1], [[1], [0]], ["5/2", "5/2"])
    assert regions(held).activation_regions == 2
    assert (
        regions(coordinate_plane(network, domain, [0], [F(0), F(4), F(4)])).activation_regions == 0
    )  # x2 <= 3 holds nowhere
    for axes in ([3], [0, 0], [-1]):
        with pytest.raises(InvalidInput, match="different inputs among x1 to x3"):
            coordinate_plane(network, domain, axes, None)
    with pytest.raises(InvalidInput, match="a point with 3 coordinates, found 2"):
        coordinate_plane(network, domain, [0], [F(0), F(0)])
    with pytest.raises(InvalidInput, match="no bounds to take a middle of"):
        coordinate_plane(network, Domain.everything(3), [0], None)


def test_a_middle_of_the_inputs_that_are_held() -> None:
    domain = Box([None, 0], [None, 2])
    assert coordinate_plane(BENDS, domain, [0], None).evaluate([3]) == BENDS.evaluate([3, 1])


def test_a_plane_outside_the_domain() -> None:
    """As with further inequalities, of which the same plane keeps nothing."""
    outside = coordinate_plane(BENDS, Box([-1, -1], [1, 1]), [0], [F(0), F(5)])
    assert outside.domain is not None and regions(outside).activation_regions == 0


def test_bounds_of_what_does_not_exist() -> None:
    for numbers in ((0, 1, 2), (1, 0, 2), (1, 1, 0)):
        with pytest.raises(InvalidInput, match="parallel_folds: expected at least one input, unit and piece"):
            parallel_folds(*numbers)
    assert one_layer_without_biases(1, 3, 4) == regions_without_biases(1, 3, 4) == 2


def regions_without_biases(n: int, m: int, k: int) -> int:
    layer = random_layer(random.Random(5), n, m, k, biases=False)
    return len(regions(MaxoutNetwork.of([layer], ([[1] * m], [0])), Box([-1] * n, [1] * n)))


@pytest.mark.parametrize("seed", range(6))
def test_larger_networks_are_counted_as_the_checker_counts(seed: int) -> None:
    """Dozens to hundreds of regions with many units through one point, whole and divided; the volumes fill the box."""
    rng = random.Random(seed)
    n = 2 + seed % 2
    ranks = [rng.choice([2, 3, 4]), rng.choice([2, 3]), 2][: 3 if n == 2 else 2]
    layers, below = [], n
    for rank in ranks:
        width = rng.choice([3, 4, 5])
        weights = [[[rng.randint(-2, 2) for _ in range(below)] for _ in range(rank)] for _ in range(width)]
        layers.append((weights, [[rng.choice([-1, 0, 0, 1]) for _ in range(rank)] for _ in range(width)]))
        below = width
    network = MaxoutNetwork.of(
        layers, ([[rng.randint(-2, 2) for _ in range(below)]], [0]), domain=Box([-1] * n, [1] * n)
    )
    found = regions(network)
    assert len(found) > 10
    for divided in (regions(network, part=7), regions(network, part=40, shapes=False)):
        assert keyed(divided) == keyed(found)
    counted = accepted(found)
    assert (counted.regions, counted.exact) == (len(found), True)


def accepted(found: Regions) -> Counted:
    return certificates.check(json.dumps(certificate(found)).encode(), lambda name: dump(found.network).encode())


def test_volumes_of_boxes() -> None:
    found = regions(ABS2, Box([-3, "-1/2"], [1, 5]))
    assert sum(region.volume for region in found) == prod([F(4), F(11, 2)])
    assert isinstance(found._cells.parts[0].complex, Complex)  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [{"part": 0}, {"part": -1}, {"jobs": 0}])
def test_a_part_of_no_cells(options: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="expected a positive integer"):
        regions(BENDS, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "domain", [Box([0, 0], [0, 1]), Box([1, 0], [1 + F(1, 2**69), 1]), Box([-(10**400), 0], [10**400, 1])]
)
def test_a_picture_of_a_domain_that_floats_cannot_tell(domain: Domain, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(Unsupported, match="floats"):
        draw(regions(CROSS, domain), tmp_path / "x.svg")


def test_faces_of_lower_dimension() -> None:
    found = regions(CROSS)
    assert found.faces is not None and found.faces[2] == 4
    for dimension, count in enumerate(found.faces):
        faces = found.faces_of(dimension)
        assert len({frozenset(face) for face in faces}) == len(faces) == count
        assert all(len(face) >= dimension + 1 for face in faces)
    assert {frozenset(face) for face in found.faces_of(2)} == {frozenset(region.vertices) for region in found}
    with pytest.raises(InvalidInput, match="a dimension from 0 to 2, found 3"):
        found.faces_of(3)
    for other in (regions(CROSS, shapes=False), regions(CROSS, Domain.everything(2)), regions(BENDS, part=1)):
        with pytest.raises(Unsupported, match="cut as one complex"):
            other.faces_of(0)


@pytest.mark.parametrize("name", ["$\\frac{$", "a $ b", "</svg><script>", "\u0007\u4e2d\u6587", "x" * 3000])
def test_names_in_pictures_are_only_text(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    network = replace(CROSS, name=name)
    draw(regions(network, Box([-1, -1], [1, 1])), tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert "<script>" not in text and text.count("</svg>") == 1
    assert ElementTree.fromstring(text).tag.endswith("svg")


def test_regions_of_an_unbounded_domain_beyond_the_first_block_have_their_own_points() -> None:
    """Regression: past 200 regions of R^n, points were those of others, and inequalities pointed the wrong way."""
    first = [2, 1, 3, -2, 2, -2, -3, 2, -1, -2, 2, 1, 3, -3, -3, -1, -1, -2, -2, -3, -1, 1, 0, -2]
    second = [
        [0, 1, -1, 1, 0, -2, 0, 2, 1, 0, 0, 0],
        [0, 1, 0, -1, -1, -1, 2, 2, 0, 2, 2, 2],
        [0, 0, 2, 1, -1, -1, -1, -2, 2, 0, 2, 0],
        [-2, 0, 2, 2, -2, 1, 1, 2, 1, -2, 0, -1],
        [0, -2, 1, -1, 2, 0, 1, 1, 1, 2, 0, -2],
        [-2, -1, -2, 1, -2, 0, 0, -1, 2, 1, 1, 2],
        [-1, 0, -1, 2, 1, 1, 0, -2, -1, -1, 2, 0],
        [2, 2, -1, -2, -2, -1, -1, 0, 2, -1, -1, -1],
        [1, -2, -1, -2, -2, 0, -1, 0, 1, -2, 2, -2],
        [2, -2, 0, 2, -1, -1, 0, 2, -1, -1, 0, 2],
    ]
    network = ReluNetwork.of(
        [
            ([first[i : i + 2] for i in range(0, 24, 2)], [2, 2, 1, -3, 1, 0, -1, 0, -3, 1, 0, -1]),
            (second, [1, 2, -2, 1, 0, 2, -1, 1, 2, 1]),
        ],
        ([[(-1) ** i * (i + 1) for i in range(10)]], [0]),
    )
    found = regions(network)
    assert len(found) == 247
    for region in found:
        assert region.contains(region.point)
        assert network.evaluate(region.point) == region.affine(Vector.of(region.point)).fractions()
