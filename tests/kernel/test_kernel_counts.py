"""The checker for counts of activation regions: what it accepts, what it refuses, and a slow count by another route."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from math import factorial, lcm, prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_material import box, encoded, written

from exactformer.kernel import counts, processes
from exactformer.kernel.certificates import check, check_file
from exactformer.kernel.counts import Counted, determinant, simplices
from exactformer.kernel.reading import Rejected
from exactformer.kernel.shards import root
from exactformer.polyhedra import lp
from exactformer.polyhedra.volume import volume

Network = dict[str, Any]
Certificate = dict[str, Any]
Form = tuple[Fraction, ...]  # coefficients of the inputs, then the constant


def relu(layers: list[tuple[Any, Any]], output: tuple[Any, Any]) -> Network:
    parts = [{"weights": weights, "biases": biases} for weights, biases in layers]
    last = {"weights": output[0], "biases": output[1]}
    return {"format": "exactformer/network-1", "kind": "relu", "layers": parts, "output": last}


def maxout(layers: list[tuple[Any, Any]], output: tuple[Any, Any]) -> Network:
    return {**relu(layers, output), "kind": "maxout"}


def certificate(network: Network, domain: object, points: list[Any], vertices: Any = None, hulls: Any = None) -> Any:
    digest = hashlib.sha256(encoded(network)).hexdigest()
    value = {
        "format": "exactformer/regions-1",
        "network": {"file": "network.json", "sha256": digest},
        "domain": domain,
        "regions": len(points),
        "points": points,
    }
    return value | ({} if vertices is None else {"vertices": vertices, "hulls": hulls})


def judged(value: object, network: Network) -> Counted:
    def read(name: str) -> bytes:
        assert name == "network.json"
        return encoded(network)

    return check(value if isinstance(value, bytes) else encoded(value), read)


def refused(value: object, network: Network, reason: str) -> None:
    with pytest.raises(Rejected, match=reason) as caught:
        judged(value, network)
    assert len(str(caught.value)) < 500


def without_hulls(value: Certificate) -> Certificate:
    return {key: item for key, item in value.items() if key not in ("vertices", "hulls")}


# --- by hand --------------------------------------------------------------------------------------

ABSOLUTE = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
ABSOLUTE_COUNT = certificate(ABSOLUTE, box(1), [["1/2"], ["-1/2"]], [[-1], [0], [1]], [[1, 2], [0, 1]])

CROSS = relu([([[1, 0], [0, 1]], [0, 0])], ([[1, 1]], [0]))  # two folds, four quadrants
CORNERS = [[-1, -1], [0, -1], [1, -1], [-1, 0], [0, 0], [1, 0], [-1, 1], [0, 1], [1, 1]]
QUADRANTS = [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]
CENTRES = [["-1/2", "-1/2"], ["1/2", "-1/2"], ["-1/2", "1/2"], ["1/2", "1/2"]]
CROSS_COUNT = certificate(CROSS, box(2), CENTRES, CORNERS, QUADRANTS)

# max(0, x + y) then a second layer that folds again where the first is active: y = max(0, relu(x + y) - 1)
DEEP = relu([([[1, 1]], [0]), ([[1]], [-1])], ([[1]], [0]))
DEEP_COUNT = certificate(
    *(DEEP, box(2), [["-1/2", 0], ["1/4", "1/4"], ["3/4", "3/4"]]),
    [[-1, -1], [1, -1], [-1, 1], [1, 0], [0, 1], [1, 1]],
    [[0, 1, 2], [1, 2, 3, 4], [3, 4, 5]],
)

EQUAL = maxout([([[[1], [1], [-1]], [[1], [1], [1]]], [[0, 0, 0], [1, 1, 1]])], ([[1, 1]], [0]))
EQUAL_COUNT = certificate(EQUAL, box(1), [["1/2"], ["-1/2"]], [[-1], [0], [1]], [[1, 2], [0, 1]])

LINE = relu([], ([[1, 2]], [0]))
TRIANGLE = {**box(2, 0, 1), "matrix": [[1, 1], [2, 2], ["1/2", "1/2"], [0, 0]], "bounds": [1, 3, "1/2", 0]}
FOLD = relu([([[1, -1]], [0])], ([[1]], [0]))
FOLD_COUNT = certificate(
    *(FOLD, TRIANGLE, [["1/2", "1/4"], ["1/4", "1/2"]]),
    [[0, 0], [1, 0], ["1/2", "1/2"], [0, 1]],
    [[0, 1, 2], [0, 2, 3]],
)
PRISM = {**box(3, 0, 1), "matrix": [[1, 1, 0]], "bounds": [1]}
CUBE = relu([([[0, 0, 1]], ["-1/2"])], ([[1]], [0]))


def theorem(network: Network, text: str) -> str:
    n = 1 if network in (ABSOLUTE, EQUAL) else 3 if network == CUBE else 2
    source = "R" if n == 1 else f"R^{n}"
    return f"A: {source} -> R (network.json, sha256 {hashlib.sha256(encoded(network)).hexdigest()}) has {text}"


@pytest.mark.parametrize(
    ("network", "value", "text"),
    [
        (ABSOLUTE, ABSOLUTE_COUNT, "exactly 2 activation regions on [-1, 1]"),
        (CROSS, CROSS_COUNT, "exactly 4 activation regions on [-1, 1]^2"),
        (DEEP, DEEP_COUNT, "exactly 3 activation regions on [-1, 1]^2"),
        (EQUAL, EQUAL_COUNT, "exactly 2 activation regions on [-1, 1]"),
        (
            *(FOLD, FOLD_COUNT),
            "exactly 2 activation regions on "
            "{x in [0, 1]^2 : 1 x1 + 1 x2 <= 1, 2 x1 + 2 x2 <= 3, 1/2 x1 + 1/2 x2 <= 1/2, 0 <= 0}",
        ),
    ],
)
def test_by_hand(network: Network, value: Certificate, text: str) -> None:
    digest, domain = value["network"]["sha256"], written(value["domain"])
    assert judged(value, network) == Counted(value["regions"], True, theorem(network, text), digest, domain)
    weaker = theorem(network, text.replace("exactly", "at least"))
    assert judged(without_hulls(value), network) == Counted(value["regions"], False, weaker, digest, domain)


def test_no_hidden_layer() -> None:
    domain = {"lower": [0, "-1/3"], "upper": ["1/2", 1]}
    value = certificate(LINE, domain, [["1/4", 0]], [[0, "-1/3"], ["1/2", "-1/3"], [0, 1], ["1/2", 1]], [[3, 1, 0, 2]])
    found = judged(value, LINE)
    assert (found.regions, found.exact) == (1, True)
    assert found.statement == theorem(LINE, "exactly 1 activation region on [0, 1/2] x [-1/3, 1]")


def test_several_outputs() -> None:
    network = relu([], ([[1, 2], [0, 1]], [0, 0]))
    assert "A: R^2 -> R^2 (" in judged(certificate(network, box(2), [[0, 0]]), network).statement


def test_three_inputs_and_a_prism() -> None:
    base = [[x, y, z] for z in (0, "1/2", 1) for x, y in ((0, 0), (1, 0), (0, 1))]
    points = [["1/4", "1/4", "1/4"], ["1/4", "1/4", "3/4"]]
    value = certificate(CUBE, PRISM, points, base, [[0, 1, 2, 3, 4, 5], [3, 4, 5, 6, 7, 8]])
    assert judged(value, CUBE).exact
    refused({**value, "hulls": [[0, 1, 2, 3, 4], [3, 4, 5, 6, 7, 8]]}, CUBE, "hulls that fill the domain")


@pytest.mark.parametrize(
    "domain",
    [
        {"lower": [0, 0], "upper": [1, 0]},
        {"lower": [0, 1], "upper": [1, 0]},
        {"lower": [1, 1], "upper": [0, 0]},  # two negative sides make no area
        {**box(2), "matrix": [[0, 0]], "bounds": [-1]},
        {**box(2), "matrix": [[1, 1], [-1, -1]], "bounds": ["1/2", "-1/2"]},
        {**box(2), "matrix": [[1, 1]], "bounds": [-3]},
        {**box(2), "matrix": [[1, 1]], "bounds": [-2]},
        {**box(2), "matrix": [[1, 1]], "bounds": ["-5/2"]},
    ],
)
def test_no_regions_on_a_domain_without_inside(domain: dict[str, Any]) -> None:
    found = judged(certificate(CROSS, domain, [], [], []), CROSS)
    assert (found.regions, found.exact) == (0, True) and "exactly 0 activation regions" in found.statement
    refused(certificate(CROSS, domain, [[0, 0]]), CROSS, "strictly inside the domain")
    refused(certificate(CROSS, domain, [[0, 0]], [], [[]]), CROSS, "strictly inside the domain")


def test_no_regions_elsewhere() -> None:
    assert judged(certificate(CROSS, box(2), []), CROSS).statement == theorem(
        CROSS, "at least 0 activation regions on [-1, 1]^2"
    )
    refused(certificate(CROSS, box(2), [], [], []), CROSS, "hulls that fill the domain")
    refused(certificate(CROSS, box(2), [], CORNERS, []), CROSS, "hulls that fill the domain")


def test_more_vertices_than_needed() -> None:
    """Points inside or on the boundary of a region, equal points, repeated numbers and unused points do no harm."""
    vertices = [["-1/2", "-1/2"], *CORNERS, [-1, "-1/3"], [0, 0], [-1, -1]]
    hulls = [[0, 10, 5, 11, 12, 1, 2, 4, 10, 1], [2, 3, 5, 6], [4, 5, 7, 8], [8, 6, 9, 5]]
    assert judged(certificate(CROSS, box(2), CENTRES, vertices, hulls), CROSS).exact


def test_three_pieces() -> None:
    """Three walls that meet in a point."""
    network = maxout([([[[1, 0], [0, 1], [0, -1]]], [[0, 0, 0]])], ([[1]], [0]))
    points = [["1/2", 0], [0, "1/2"], [0, "-1/2"]]
    vertices = [[0, 0], [1, 1], [-1, 1], [-1, 0], [-1, -1], [1, -1]]
    value = certificate(network, box(2), points, vertices, [[0, 1, 5], [0, 1, 2, 3], [0, 3, 4, 5]])
    assert judged(value, network).exact
    # Piece 0 is nowhere the largest, although it is equal to the largest on the line y = 0.
    network = maxout([([[[2, 0], [2, 1], [2, -1]]], [[0, 0, 0]])], ([[1]], [0]))
    vertices = [[-1, -1], [1, -1], [1, 0], [-1, 0], [-1, 1], [1, 1]]
    points = [[0, "1/2"], [0, "-1/2"]]
    assert judged(certificate(network, box(2), points, vertices, [[2, 3, 4, 5], [0, 1, 2, 3]]), network).exact


def test_neighbours_with_different_vertices_on_their_common_side() -> None:
    """Without a corner in the middle of a side, and with it on the other side, the volumes still add up."""
    vertices = [*CORNERS, [0, "1/2"]]
    hulls = [*QUADRANTS[:2], [3, 4, 6, 7, 9], QUADRANTS[3]]
    assert judged(certificate(CROSS, box(2), CENTRES, vertices, hulls), CROSS).exact


def test_a_face_that_is_smaller_than_its_number_of_points() -> None:
    """Two equal corners in a row that only touches there make a flat simplex, of which nothing is made."""
    domain = {**box(2), "matrix": [[1, 1]], "bounds": [2]}
    hulls = [*QUADRANTS[:3], [4, 5, 7, 8, 9]]
    assert judged(certificate(CROSS, domain, CENTRES, [*CORNERS, [1, 1]], hulls), CROSS).exact


def test_decimal_text_is_exact() -> None:
    value = {**CROSS_COUNT, "points": [[-0.5, "-0.1"], ["5e-1", -0.5], ["-0.5", 0.5], ["0.5", "0.5"]]}
    assert judged(value, CROSS).exact


# --- damaged --------------------------------------------------------------------------------------

HUGE = "1" + "0" * 3999


def changed(**fields: Any) -> Certificate:
    return {**CROSS_COUNT, **fields}


def replaced(key: str, index: int, item: Any) -> Certificate:
    return changed(**{key: [item if i == index else old for i, old in enumerate(CROSS_COUNT[key])]})


def missing(key: str) -> Certificate:
    return {k: v for k, v in CROSS_COUNT.items() if k != key}


OTHER_FORMATS = ("exactformer/regions-2", "exactformer/network-1", "Exactformer/Regions-1", "", None, 1, ["x"], {})
DAMAGED = {
    **{f"format {text!r:.20}": (changed(format=text), "format: expected one of") for text in OTHER_FORMATS},
    "no object": ([CROSS_COUNT], "expected an object"),
    "no format": (missing("format"), "format: expected one of"),
    "a claim": (changed(format="exactformer/certificate-1"), "expected the key 'claim'"),
    **{f"no {key}": (missing(key), f"the key '{key}'") for key in list(CROSS_COUNT)[1:5]},
    "no vertices": (missing("vertices"), "vertices together with hulls"),
    "no hulls": (missing("hulls"), "vertices together with hulls"),
    "unknown key": (changed(theorem="4"), "the key 'theorem'"),
    "fewer": (changed(regions=3), "points: expected 3 entries, found 4"),
    "more": (changed(regions=5), "points: expected 5 entries, found 4"),
    "too few points": (changed(points=CENTRES[:3]), "points: expected 4 entries, found 3"),
    "fewer points and regions": (changed(points=CENTRES[:3], regions=3), "hulls: expected 3 entries, found 4"),
    "a region left out": (changed(points=CENTRES[:3], regions=3, hulls=QUADRANTS[:3]), "fill the domain"),
    "a region counted twice": (
        changed(points=[*CENTRES, CENTRES[0]], regions=5, hulls=[*QUADRANTS, QUADRANTS[0]]),
        r"points\[4\]: expected a region of its own, found the region of certificate: points\[0\]",
    ),
    "duplicated point": (replaced("points", 2, CENTRES[1]), r"points\[2\]: expected a region of its own"),
    "another point of the same region": (replaced("points", 1, ["-1/3", "-1/5"]), "a region of its own"),
    "on a wall": (
        replaced("points", 0, ["-1/2", 0]),
        r"points\[0\]: expected a point inside a region, found a wall of unit 1 of layer 0",
    ),
    "on a side": (replaced("points", 0, ["-1/2", -1]), r"points\[0\]: expected a point strictly inside the domain"),
    "outside": (replaced("points", 0, [-2, -2]), "strictly inside the domain"),
    "point without numbers": (replaced("points", 0, []), r"points\[0\]: expected 2 entries, found 0"),
    "point with too many": (replaced("points", 0, [0, 0, 0]), "expected 2 entries, found 3"),
    "point no list": (replaced("points", 0, "-1/2"), "expected a list"),
    "vertex outside the domain": (replaced("vertices", 0, [-2, -1]), r"vertices\[0\]: expected a point of the domain"),
    "vertex elsewhere": (replaced("vertices", 4, ["1/9", 0]), r"hulls\[0\]: expected vertices in the closure"),
    "vertex of another region": (replaced("hulls", 0, [0, 1, 3, 4, 5]), r"closure of region 0, found vertex 5"),
    "hulls exchanged": (changed(hulls=[QUADRANTS[1], QUADRANTS[0], *QUADRANTS[2:]]), "closure of region 0"),
    "all corners for all": (changed(hulls=[list(range(9))] * 4), "closure of region 0"),
    "overlapping hulls": (changed(hulls=[QUADRANTS[0], QUADRANTS[0], *QUADRANTS[2:]]), "closure of region 1"),
    "missing vertex": (replaced("hulls", 0, [0, 1, 3]), "hulls that fill the domain, found a smaller volume"),
    "flat hull": (replaced("hulls", 0, [0, 1]), "fill the domain"),
    "empty hull": (replaced("hulls", 0, []), "fill the domain"),
    "vertex number too large": (replaced("hulls", 0, [0, 1, 3, 9]), r"hulls\[0\]: expected an integer >= 0 and < 9"),
    "vertex number negative": (replaced("hulls", 0, [0, 1, 3, -5]), "expected an integer >= 0 and < 9"),
    "vertex number a float": (replaced("hulls", 0, [0, 1, 3, 4.0]), "expected an integer >= 0 and < 9"),
    "vertex number a bool": (replaced("hulls", 0, [False, True, 3, 4]), "expected an integer >= 0 and < 9"),
    "vertex number a text": (replaced("hulls", 0, [0, 1, 3, "4"]), "expected an integer >= 0 and < 9"),
    "hull no list": (replaced("hulls", 0, {"0": 1}), "expected a list"),
    "hulls no list": (changed(hulls=None), "hulls: expected a list"),
    "vertices no list": (changed(vertices=7), "vertices: expected a list"),
    "points no list": (changed(points={}), "points: expected a list"),
    "negative count": (changed(regions=-1), "regions: expected an integer >= 0"),
    "float count": (changed(regions=4.0), "regions: expected an integer >= 0"),
    "bool count": (changed(regions=True), "regions: expected an integer >= 0"),
    "text count": (changed(regions="4"), "regions: expected an integer >= 0"),
    "huge count": (changed(regions=10**4000), "regions: expected an integer >= 0 and < 268435456"),
    "bool coordinate": (replaced("points", 0, [True, "1/2"]), r"points\[0\]\[0\]: expected a number"),
    "null coordinate": (replaced("points", 0, [None, 0]), "expected a number"),
    "NaN coordinate": (replaced("points", 0, [float("nan"), 0]), "expected a finite number, found NaN"),
    "infinite vertex": (replaced("vertices", 0, [float("-inf"), -1]), "expected a finite number, found -Infinity"),
    "text nan": (replaced("points", 0, ["nan", 0]), "expected a number"),
    "zero denominator": (replaced("points", 0, ["1/0", 0]), "a denominator that is not zero"),
    "huge point": (replaced("points", 0, [HUGE, 0]), "strictly inside the domain"),
    "huge text": (replaced("points", 0, [HUGE + "0", 0]), "expected a number"),
    "huge exponent": (replaced("points", 0, ["1e999999999", 0]), "an exponent of at most"),
    "wrong digest": (changed(network={"file": "network.json", "sha256": "0" * 64}), "the digest of network.json"),
    "digest no text": (changed(network={"file": "network.json", "sha256": 0}), "the digest of network.json"),
    "network without digest": (changed(network={"file": "network.json"}), "the key 'sha256'"),
    "network no object": (changed(network="network.json"), "network: expected an object"),
    "domain no object": (changed(domain=[[-1, 1], [-1, 1]]), "domain: expected an object"),
    "domain of one input": (changed(domain=box(1)), "domain.lower: expected 2 entries, found 1"),
    "domain of three inputs": (changed(domain=box(3)), "domain.lower: expected 2 entries, found 3"),
    "no bound": (changed(domain=box(2, None, 1)), "domain: expected a lower and an upper bound for every input"),
    "infinite bound": (changed(domain=box(2, -1, float("inf"))), "expected a finite number, found Infinity"),
    "domain larger": (changed(domain=box(2, -1, 2)), "fill the domain"),
    "domain smaller": (changed(domain=box(2, "-3/4", "3/4")), r"vertices\[0\]: expected a point of the domain"),
    "matrix without bounds": (changed(domain={**box(2), "matrix": [[1, 1]]}), "matrix: expected 0 entries"),
    "bounds without matrix": (changed(domain={**box(2), "bounds": [1]}), "matrix: expected 1 entries"),
    "short row": (changed(domain={**box(2), "matrix": [[1]], "bounds": [1]}), r"matrix\[0\]: expected 2 entries"),
    "a row cuts": (changed(domain={**box(2), "matrix": [[1, 1]], "bounds": ["3/2"]}), "a point of the domain"),
    "a row cuts points": (changed(domain={**box(2), "matrix": [[1, 1]], "bounds": [0]}), "strictly inside"),
    "domain with another key": (changed(domain={**box(2), "volume": 4}), "the key 'volume'"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged(name: str) -> None:
    value, reason = DAMAGED[name]
    refused(value, CROSS, reason)


@pytest.mark.parametrize("value", [ABSOLUTE_COUNT, CROSS_COUNT, DEEP_COUNT, EQUAL_COUNT, FOLD_COUNT])
def test_every_region_and_every_vertex_is_needed(value: Certificate) -> None:
    network = {1: EQUAL if value is EQUAL_COUNT else ABSOLUTE, 2: CROSS}[len(value["domain"]["lower"])]
    network = DEEP if value is DEEP_COUNT else FOLD if value is FOLD_COUNT else network
    for i, hull in enumerate(value["hulls"]):
        rest = [{**value, key: value[key][:i] + value[key][i + 1 :]} for key in ("points", "hulls")]
        fewer = {**value, "points": rest[0]["points"], "hulls": rest[1]["hulls"], "regions": value["regions"] - 1}
        refused(fewer, network, "fill the domain")
        assert judged(without_hulls(fewer), network).regions == value["regions"] - 1
        for v in hull:
            hulls = [[w for w in h if j != i or w != v] for j, h in enumerate(value["hulls"])]
            refused({**value, "hulls": hulls}, network, "fill the domain")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "JSON text"),
        (b"{", "JSON text"),
        (b"\xff\xfe", "JSON text"),
        (b"[" * 10**6, "JSON text, found RecursionError"),
        (b'{"format": 1, "format": 1}', "every key once"),
        (encoded(CROSS_COUNT).replace(b'"lower"', b'"upper"'), "every key once"),
        (encoded(CROSS_COUNT) + b"1", "JSON text"),
        (encoded(CROSS_COUNT).replace(b'"regions": 4', b'"regions": ' + b"9" * 5000), "JSON text"),
        (encoded(CROSS_COUNT).replace(b'["-1/2", "-1/2"]', b"[" * 10**5), "JSON text"),
    ],
)
def test_damaged_text(data: bytes, reason: str) -> None:
    refused(data, CROSS, reason)


def test_nested_as_deep_as_can_be_read() -> None:
    """There are depths that can just be read, and not be printed in the reason for the rejection."""
    text = encoded(CROSS_COUNT).replace(b'["-1/2", "-1/2"]', b"[[%b], 0]")
    for depth in range(700, 1000):
        refused(text % (b"[" * depth + b"]" * depth), CROSS, "a number|moderate depth|JSON text")


@pytest.mark.parametrize("data", [b"", b"0", encoded(relu([], ([], [])))])
def test_other_networks(data: bytes) -> None:
    value = changed(network={"file": "network.json", "sha256": hashlib.sha256(data).hexdigest()})
    with pytest.raises(Rejected, match=r"network\.json"):
        check(encoded(value), lambda name: data)


def test_transformers_have_no_count() -> None:
    zero = {"shape": [1, 1], "entries": []}
    network = {
        "format": "exactformer/network-1",
        "kind": "transformer",
        "embedding": {"weights": [zero], "offsets": [[0]]},
        "blocks": [],
        "residual": True,
        "readout": {"token": 0, "weights": zero, "biases": [0]},
    }
    refused(certificate(network, box(1), [[0]]), network, "a maxout or relu network with 1 to 1000 inputs")


def test_many_inputs() -> None:
    network = relu([], ({"shape": [1, 1001], "entries": []}, [0]))
    refused(certificate(network, box(1001), [[0] * 1001]), network, "1 to 1000 inputs")
    network = relu([], ({"shape": [1, 100], "entries": []}, [0]))
    assert not judged(certificate(network, box(100), [[0] * 100]), network).exact
    domain = {**box(100), "matrix": [[1] * 100], "bounds": [1]}
    assert not judged(certificate(network, domain, [[0] * 100]), network).exact
    refused(certificate(network, domain, [[0] * 100], [], [[]]), network, "1000000 steps for the volume")
    refused(certificate(network, box(100), [[0] * 100], [[0] * 100], [[0]]), network, "fill the domain")


def test_too_many_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MAX_FACES", 5)  # a square from a corner: itself, and twice a side and its end
    assert judged(CROSS_COUNT, CROSS).exact
    monkeypatch.setattr(counts, "MAX_FACES", 4)
    refused(CROSS_COUNT, CROSS, r"hulls\[0\]: expected at most 4 faces")


def test_numbers_too_long_to_print() -> None:
    """Python prints no integer of more than 4300 digits; such a domain cannot be named in a theorem."""
    domain = {"lower": ["-1e4000", -1], "upper": ["1.5e4000", "1e-4000"]}
    assert "1 activation region" in judged(certificate(LINE, domain, [[0, 0]]), LINE).statement
    domain["lower"][0] = "-" + "1" * 3000 + "e3000"
    refused(certificate(LINE, domain, [[0, 0]]), LINE, "moderate depth and size, found ValueError")


def test_a_tie_between_equal_pieces_only() -> None:
    """A unit that is zero throughout has one region; slopes decide, along the pieces chosen before."""
    network = relu([([[1], [-1]], [0, 0]), ([[1, 0], [0, 1]], [0, 0])], ([[1, 1]], [0]))
    for points in ([["1/2"], ["-1/2"]], [["1/3"], ["-1/7"]]):
        assert judged(certificate(network, box(1), points, [[-1], [0], [1]], [[1, 2], [0, 1]]), network).exact
    refused(certificate(network, box(1), [[0]]), network, "a wall of unit 0 of layer 0")
    # x -> max(0, |x| - 1/2) - max(0, |x| - 1/2) is zero everywhere, yet each unit has walls.
    network = relu([([[1], [-1]], [0, 0]), ([[1, 1]], ["-1/2"])], ([[0]], [0]))
    refused(certificate(network, box(1), [["1/2"]]), network, "a wall of unit 0 of layer 1")
    quarters = [["-3/4"], ["-1/4"], ["1/4"], ["3/4"]]
    ends = [[-1], ["-1/2"], [0], ["1/2"], [1]]
    assert judged(certificate(network, box(1), quarters, ends, [[i, i + 1] for i in range(4)]), network).regions == 4


def test_the_smallest_of_equal_pieces_names_the_region() -> None:
    """On either side of 0 pieces 0 and 2 resp. 1 are the maximum; equal ones make no further region."""
    network = maxout([([[[1], [-1], [1], [-1]]], [[0, 0, 0, 0]])], ([[1]], [0]))
    value = certificate(network, box(1), [["1/2"], ["-1/2"]], [[-1], [0], [1]], [[1, 2], [0, 1]])
    assert judged(value, network).regions == 2
    refused(certificate(network, box(1), [["1/2"], ["1/4"]]), network, "a region of its own")


# --- files and the program ------------------------------------------------------------------------


def folder(path: Path, value: Certificate = CROSS_COUNT) -> Path:
    path.mkdir(exist_ok=True)
    (path / "network.json").write_bytes(encoded(CROSS))
    (path / "certificate.json").write_bytes(encoded(value))
    return path / "certificate.json"


# --- in pieces ------------------------------------------------------------------------------------


def pieces_of(value: Certificate, *sizes: int) -> list[dict[str, Any]]:
    """The regions in pieces of these sizes, each with all vertices."""
    firsts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [
        {"format": "exactformer/regions-part-1", "points": value["points"][first : first + size]}
        | ({"vertices": value["vertices"], "hulls": value["hulls"][first : first + size]} if "hulls" in value else {})
        for first, size in zip(firsts, sizes, strict=True)
    ]


def divided(value: Certificate, pieces: list[dict[str, Any]], **changes: Any) -> tuple[Certificate, dict[str, bytes]]:
    """A certificate that names these pieces, and their files."""
    files = {f"regions-{i}.json": encoded(piece) for i, piece in enumerate(pieces)}
    digests = [hashlib.sha256(data).hexdigest() for data in files.values()]
    shards = [{"file": name, "sha256": digest} for name, digest in zip(files, digests, strict=True)]
    head = {key: value[key] for key in ("format", "network", "domain", "regions")}
    return head | {"shards": shards, "root": root(digests) if digests else ""} | changes, files


def judged_in_pieces(value: Certificate, pieces: list[dict[str, Any]], network: Network, **changes: Any) -> Counted:
    certificate, files = divided(value, pieces, **changes)
    return check(encoded(certificate), (files | {"network.json": encoded(network)}).__getitem__)


@pytest.mark.parametrize("sizes", [(4,), (1, 3), (2, 2), (1, 1, 1, 1), (0, 4), (3, 0, 1)])
def test_a_count_may_be_divided_anywhere(sizes: tuple[int, ...]) -> None:
    for value in (CROSS_COUNT, without_hulls(CROSS_COUNT)):
        assert judged_in_pieces(value, pieces_of(value, *sizes), CROSS) == judged(value, CROSS)


Pieces = list[dict[str, Any]]
IN_PIECES: dict[str, tuple[Any, str]] = {
    "one missing": (lambda p: p[:1], "regions: expected 2, found 4"),
    "one twice": (lambda p: [*p, p[0]], "regions: expected 6, found 4"),
    "a region in two pieces": (
        lambda p: [p[0], {**p[1], "points": [["-1/3", "-1/3"], CENTRES[3]], "hulls": [QUADRANTS[0], QUADRANTS[3]]}],
        "shards: expected a region of its own for every point, found one with two points",
    ),
    "a region twice in one": (lambda p: [p[0], {**p[1], "points": [CENTRES[2], CENTRES[2]]}], "a region of its own"),
    "hulls in one of them": (
        lambda p: [p[0], without_hulls(p[1])],
        "hulls in all pieces or in none, found some without",
    ),
    "vertices alone": (lambda p: [p[0], {k: v for k, v in p[1].items() if k != "hulls"}], "vertices together with"),
    "a hull too few": (lambda p: [p[0], {**p[1], "hulls": p[1]["hulls"][:1]}], "hulls"),
    "a hull too small": (lambda p: [p[0], {**p[1], "hulls": [[3, 4, 6], QUADRANTS[3]]}], "hulls that fill the domain"),
    "a hull of another region": (lambda p: [p[0], {**p[1], "hulls": [QUADRANTS[3]] * 2}], "in the closure of region 0"),
    "another format": (
        lambda p: [p[0], {**p[1], "format": "exactformer/regions-1"}],
        "expected exactformer/regions-part-1",
    ),
    "a key more": (lambda p: [p[0], {**p[1], "regions": 2}], "only the keys"),
    "no points": (lambda p: [p[0], {k: v for k, v in p[1].items() if k != "points"}], "expected the key 'points'"),
    "a list": (lambda p: [p[0], [p[1]]], "expected an object"),
    "none at all": (lambda p: [], "expected at least one piece, found none"),
}


@pytest.mark.parametrize("name", IN_PIECES)
def test_pieces_that_do_not_fit_together(name: str) -> None:
    change, reason = IN_PIECES[name]
    with pytest.raises(Rejected, match=reason):
        judged_in_pieces(CROSS_COUNT, change(pieces_of(CROSS_COUNT, 2, 2)), CROSS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"root": "0" * 64}, "root: expected [0-9a-f]{64}, found 0000"),
        ({"regions": 5}, "regions: expected 4, found 5"),
        ({"regions": -1}, "regions: expected an integer"),
        ({"points": CENTRES}, "only the keys"),
        ({"domain": box(2, None, 1)}, "a lower and an upper bound"),
        ({"shards": {}}, "shards: expected a list"),
    ],
)
def test_damaged_certificates_in_pieces(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        judged_in_pieces(CROSS_COUNT, pieces_of(CROSS_COUNT, 2, 2), CROSS, **changes)


def test_pieces_by_processes(tmp_path: Path) -> None:
    certificate, files = divided(CROSS_COUNT, pieces_of(CROSS_COUNT, 2, 2))
    for name, data in {**files, "network.json": encoded(CROSS), "certificate.json": encoded(certificate)}.items():
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "certificate.json"
    assert processes.check_file(path, 2) == check_file(path) == judged(CROSS_COUNT, CROSS)
    parts = [processes._piece(path, encoded(certificate), item) for item in certificate["shards"]]
    assert [len(part.patterns) for part in parts] == [2, 2] and [part.volume for part in parts] == [2, 2]
    (tmp_path / "regions-1.json").write_bytes(files["regions-1.json"] + b" ")
    with pytest.raises(Rejected, match=r"shards\.sha256: expected .*the digest of regions-1.json"):
        processes.check_file(path, 2)


@pytest.mark.parametrize("size", [1, 2, 5, 50])
def test_many_integers_as_the_digits_of_one(size: int) -> None:
    """Of either sign, up to the largest and smallest that the base holds; differences, too."""
    rng = random.Random(size)
    most = (1 << (8 * size - 1)) - 1
    for count in (1, 2, 9):
        digits = counts.Digits(size, count)
        for scale in (1, 2):  # half as large, so that differences are in the base
            edge = most // scale
            first = [rng.choice([edge, -edge, 0, 1, -1, rng.randint(-edge, edge)]) for _ in range(count)]
            second = rng.sample(first, count)
            x, y = digits.joined(first), digits.joined(second)
            assert x == sum(a << (8 * size * i) for i, a in enumerate(first))
            assert list(digits.told(digits.signs(x))) == [a >= 0 for a in first]
            if scale == 2:
                assert digits.larger(x, y) == digits.joined(map(max, first, second))
                differences = (a - b for a, b in zip(first, second, strict=True))
                assert list(digits.told(digits.signs(x - y))) == [d >= 0 for d in differences]


def test_points_are_evaluated_in_batches_of_like_length() -> None:
    rng = random.Random(5)
    points = [[rng.getrandbits(rng.choice([3, 40, 3000])) - 1, 1 + rng.getrandbits(3)] for _ in range(350)]
    batches = list(counts._batches(points))
    assert sorted(i for batch in batches for i in batch) == list(range(350))
    assert max(map(len, batches)) == counts.BATCH
    for batch in batches:
        lengths = [max(x.bit_length() for x in points[i]) for i in batch]
        assert max(lengths) <= 2 * min(lengths)
    assert list(counts._batches([])) == []
    layers: list[Any] = [
        (3, [([0, 1], [1, -1]), ([1], [0]), ([0, 1], [-2, 7])] * 2, 1),
        (1, [([0, 2], [1, 1])], 2),
        (2, [([], []), ([0, 1], [1, -5])], 3),
    ]
    together = counts._reached(layers, points)
    assert together == [counts._reached(layers, [point])[0] for point in points]
    for (x, h), reached in zip(points, together, strict=True):
        values = [x - h, 0, 7 * h - 2 * x]
        top = max(values)
        first = sum((y == top) << i for i, y in enumerate(values))
        last = (top + h) - 5 * 2 * h  # over the denominator 2 h
        assert reached == first | first << 3 | 1 << 6 | (last <= 0) << 7 | (last >= 0) << 8


@pytest.mark.parametrize(("length", "growth"), [(4, 3), (12, 3), (1, 6), (6, 1), (9, 14), (40, 39)])
def test_differences_as_large_as_digits_hold(length: int, growth: int) -> None:
    """The largest state times the largest weight, and its opposite: no more than half the base apart."""
    x, weight = (1 << length) - 1, (1 << growth) - 1
    layers: list[Any] = [(2, [([0], [-weight]), ([0], [weight])], 1)]
    assert counts._reached(layers, [[x, 1], [-x, 1], [0, x]]) == [0b10, 0b01, 0b11]


def test_points_of_different_lengths_do_not_share_digits() -> None:
    layers: list[Any] = [(2, [([0], [1]), ([1], [1])], 1)]
    points = [[1 << 100, 1], [3, 4], [-(1 << 300), 1], [2, 2]]
    for k in range(4):
        turned = points[k:] + points[:k]
        assert counts._reached(layers, turned) == [(x >= h) + 2 * (h >= x) for x, h in turned]


def test_check_file(tmp_path: Path) -> None:
    path = folder(tmp_path)
    assert check_file(path) == judged(CROSS_COUNT, CROSS)
    (tmp_path / "network.json").unlink()
    with pytest.raises(Rejected, match=r"network\.json: expected a file that can be read"):
        check_file(path)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "/", "../network.json", "./network.json", "sub/network.json", "network.json/"),
        *("/etc/hostname", "network.json\0", "\ud800", "a" * 5000, 1, None, ["network.json"], {}),
    ],
)
def test_file_names_that_are_not_plain(tmp_path: Path, name: object) -> None:
    folder(tmp_path)
    path = folder(tmp_path / "sub", {**CROSS_COUNT, "network": {**CROSS_COUNT["network"], "file": name}})
    reasons = r"plain name of a file in the same folder|a file that can be read"
    with pytest.raises(Rejected, match=reasons):
        check_file(path)


def test_a_reader_is_asked_for_plain_names_only() -> None:
    for name in ("../network.json", "/network.json", "a/network.json", ".", ".."):
        refused({**CROSS_COUNT, "network": {**CROSS_COUNT["network"], "file": name}}, CROSS, "in the same folder")


def test_as_a_program(tmp_path: Path) -> None:
    """The kernel answers with the theorem, and says on which domain and of which file."""
    program = [sys.executable, "-I", "-S", "-W", "error", str(Path(counts.__file__).parent)]
    for value in (CROSS_COUNT, without_hulls(CROSS_COUNT), changed(regions=5)):
        command = [*program, str(folder(tmp_path, value))]
        run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
        accepted = value["regions"] == 4
        assert (run.returncode, run.stderr) == (0 if accepted else 4, "")
        exact = "hulls" in value
        assert json.loads(run.stdout) == (
            {
                "accepted": True,
                "theorem": theorem(CROSS, f"{'exactly' if exact else 'at least'} 4 activation regions on [-1, 1]^2"),
                "regions": 4,
                "exact": exact,
                "digest": CROSS_COUNT["network"]["sha256"],
                "domain": written(box(2)),
            }
            if accepted
            else {"accepted": False, "reason": "certificate.json: points: expected 5 entries, found 4"}
        )


# --- parts ----------------------------------------------------------------------------------------


def leibniz(matrix: list[list[int]]) -> int:
    if not matrix:
        return 1
    return sum((-1) ** j * x * leibniz([r[:j] + r[j + 1 :] for r in matrix[1:]]) for j, x in enumerate(matrix[0]) if x)


@given(
    st.integers(0, 4).flatmap(
        lambda n: st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=n, max_size=n)
    )
)
def test_determinant(matrix: list[list[int]]) -> None:
    assert determinant(matrix) == leibniz(matrix)


def halfspaces(draw: Any, n: int) -> list[tuple[tuple[int, ...], int]]:
    """A box about zero and some rows more, parallel and repeated ones among them."""
    rows = [(tuple(s * int(i == j) for j in range(n)), draw(st.integers(1, 3))) for i in range(n) for s in (1, -1)]
    number = st.integers(-2, 2)
    for _ in range(draw(st.integers(0, 4))):
        rows.append((tuple(draw(number) for _ in range(n)), draw(st.integers(-2, 4))))
    if draw(st.booleans()):
        a, b = draw(st.sampled_from(rows))
        rows.append((tuple(draw(st.sampled_from([1, -1, 2])) * x for x in a), draw(st.sampled_from([b, -b, 2 * b]))))
    return rows


def solved(rows: list[tuple[tuple[int, ...], int]], n: int) -> Form | None:
    """The point where n rows are zero, by Cramer's rule."""
    den = leibniz([list(a) for a, _ in rows])
    if den == 0:
        return None
    columns = [[[*a[:j], -b, *a[j + 1 :]] for a, b in rows] for j in range(n)]
    return tuple(Fraction(leibniz(column), den) for column in columns)


def corners(rows: list[tuple[tuple[int, ...], int]], n: int) -> list[Form]:
    found: dict[Form, None] = {}
    for chosen in combinations(dict.fromkeys(rows), n):
        x = solved(list(chosen), n)
        if x is not None and all(value(row, x) >= 0 for row in rows):
            found[x] = None
    return list(found)


def value(row: tuple[tuple[int, ...], int], x: Form) -> Fraction:
    return sum((a * y for a, y in zip(row[0], x, strict=True)), Fraction(row[1]))


@given(st.data())
def test_volume(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 3))
    rows = halfspaces(data.draw, n)
    assert counts._volume([(a, Fraction(b)) for a, b in rows], n) == volume(rows, n)


@given(st.data())
def test_simplices(data: st.DataObject) -> None:
    """Never more than the volume, whatever the points; all of it if the vertices are among them."""
    n = data.draw(st.integers(1, 3))
    rows = halfspaces(data.draw, n)
    vertices = corners(rows, n)
    mixed = [
        tuple(sum(c) / len(c) for c in zip(*some, strict=True)) for k in (2, 3) for some in combinations(vertices, k)
    ]
    points = data.draw(st.lists(st.sampled_from(vertices + mixed), max_size=8) if vertices else st.just([]))
    every = data.draw(st.permutations(points + vertices))
    for chosen, relation in ((points, Fraction.__le__), (every, Fraction.__eq__)):
        tight = [sum(1 << i for i, row in enumerate(rows) if value(row, x) == 0) for x in chosen]
        total = Fraction(0)
        for simplex in simplices(tight, n, "here"):
            assert simplex == sorted(set(simplex)) and len(simplex) == n + 1
            scale = [lcm(*(y.denominator for y in chosen[i])) for i in simplex]
            matrix = [[*(int(y * h) for y in chosen[i]), h] for i, h in zip(simplex, scale, strict=True)]
            assert leibniz(matrix) != 0
            total += Fraction(abs(leibniz(matrix)), prod(scale) * factorial(n))
        assert relation(total, volume(rows, n))


# --- a slow count by another route ----------------------------------------------------------------


def affine(weights: list[Any], bias: Any, state: list[Form]) -> Form:
    width = len(state[0])
    total = [
        sum((Fraction(w) * form[k] for w, form in zip(weights, state, strict=True)), Fraction(0)) for k in range(width)
    ]
    return (*total[:-1], total[-1] + Fraction(bias))


def integers(form: Form) -> tuple[tuple[int, ...], int]:
    den = lcm(*(x.denominator for x in form))
    *a, b = (int(x * den) for x in form)
    return tuple(a), b


def regions(network: Network, rows: list[tuple[tuple[int, ...], int]], n: int) -> Iterator[tuple[Form, list[Any]]]:
    """A point and the rows of each region: all choices of pieces, unit by unit, as long as there is an inside."""
    relu_network = network["kind"] == "relu"

    def descend(state: list[Form], number: int, unit: int, above: list[Form], rows: list[Any]) -> Iterator[Any]:
        inside = lp.interior(rows, n)
        if not isinstance(inside, lp.Inside):
            return
        if number == len(network["layers"]):
            yield inside.point, rows
            return
        layer = network["layers"][number]
        if unit == len(layer["weights"]):
            yield from descend(above, number + 1, 0, [], rows)
            return
        weights, biases = layer["weights"][unit], layer["biases"][unit]
        if relu_network:
            pieces = [(Fraction(0),) * (n + 1), affine(weights, biases, state)]
        else:
            pieces = [affine(w, b, state) for w, b in zip(weights, biases, strict=True)]
        for form in dict.fromkeys(pieces):
            gaps = [tuple(x - y for x, y in zip(form, other, strict=True)) for other in pieces if other != form]
            yield from descend(state, number, unit + 1, [*above, form], rows + [integers(gap) for gap in gaps])

    inputs = [tuple(Fraction(i == j) for j in range(n + 1)) for i in range(n)]
    yield from descend(inputs, 0, 0, [], rows)


def counted(network: Network, domain: dict[str, Any]) -> Certificate:
    n = len(domain["lower"])
    ends = [(s, i, domain[key][i]) for s, key in ((1, "lower"), (-1, "upper")) for i in range(n)]
    forms = [(*(Fraction(s * (i == j)) for j in range(n)), -s * Fraction(end)) for s, i, end in ends]
    further = zip(domain.get("matrix", []), domain.get("bounds", []), strict=True)
    forms += [(*(-Fraction(a) for a in row), Fraction(b)) for row, b in further if any(row) or b < 0]
    vertices: dict[Form, int] = {}
    points, hulls = [], []
    for point, rows in regions(network, [integers(form) for form in forms], n):
        points.append(list(map(str, point)))
        hulls.append([vertices.setdefault(v, len(vertices)) for v in corners([r for r in rows if any(r[0])], n)])
    return certificate(network, domain, points, [list(map(str, v)) for v in vertices], hulls)


def some_network(rng: random.Random, n: int) -> Network:
    def number() -> str:
        return str(Fraction(rng.choice([0, 1, -1, 1, -1, 2, -2, 3]), rng.choice([1, 1, 1, 2, 3])))

    def matrix(height: int, width: int) -> list[list[str]]:
        return [[number() for _ in range(width)] for _ in range(height)]

    rank = rng.choice([0, 0, 1, 2, 3])
    layers: list[Any] = []
    below = n
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3])):
        width = rng.randint(1, 3 if n < 3 else 2)
        if rank == 0:
            layers.append((matrix(width, below), [number() for _ in range(width)]))
        else:
            units = [(matrix(rank, below), [number() for _ in range(rank)]) for _ in range(width)]
            layers.append(([w for w, _ in units], [b for _, b in units]))
        below = width
    output = (matrix(1, below), [number()])
    return maxout(layers, output) if rank else relu(layers, output)


def some_domain(rng: random.Random, n: int) -> dict[str, Any]:
    lower = [Fraction(rng.randint(-4, 0), 2) for _ in range(n)]
    sides: dict[str, Any] = {
        "lower": list(map(str, lower)),
        "upper": [str(low + Fraction(rng.randint(1, 8), 3)) for low in lower],
    }
    if rng.random() < 0.4:
        rows = [[rng.randint(-2, 2) for _ in range(n)] for _ in range(rng.randint(1, 2))]
        sides |= {"matrix": rows, "bounds": [rng.randint(-1, 2) for _ in rows]}
    return sides


@pytest.mark.parametrize("seed", range(120))
def test_random_networks(seed: int) -> None:
    rng = random.Random(seed)
    n = rng.choice([1, 2, 2, 3])
    network, domain = some_network(rng, n), some_domain(rng, n)
    complete = counted(network, domain)
    found = judged(complete, network)
    assert (found.regions, found.exact) == (len(complete["points"]), True)
    if found.regions == 0:
        return
    i = rng.randrange(found.regions)
    fewer = {**complete, "regions": found.regions - 1}
    for key in ("points", "hulls"):
        fewer[key] = complete[key][:i] + complete[key][i + 1 :]
    refused(fewer, network, "fill the domain")
    weaker = judged(without_hulls(fewer), network)
    assert (weaker.regions, weaker.exact) == (found.regions - 1, False)
    hulls = list(complete["hulls"])
    hulls[i] = rng.sample(hulls[i], len(hulls[i]) - 1)
    refused({**complete, "hulls": hulls}, network, "fill the domain")
    if found.regions > 1:
        j = rng.choice([k for k in range(found.regions) if k != i])
        hulls[i], hulls[j] = complete["hulls"][j], complete["hulls"][i]
        refused({**complete, "hulls": hulls}, network, "in the closure of the region|in the closure of region")
        twice = {
            **complete,
            "points": [complete["points"][j] if k == i else p for k, p in enumerate(complete["points"])],
        }
        refused(twice, network, "a region of its own")


def test_what_the_checker_says_as_data() -> None:
    said = judged(ABSOLUTE_COUNT, ABSOLUTE).to_json()
    assert said["regions"] == 2 and said["exact"] is True and said["domain"] == {"lower": [-1], "upper": [1]}
