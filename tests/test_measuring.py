"""Distances, ranges and temperatures: bounds from both sides, compared with other routes, and certified."""

from __future__ import annotations

import math
import random
import sys
import warnings
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.building import Design, Space, block, head, token
from exactformer.enclosure import Enclosure
from exactformer.enclosure import bounds as ends
from exactformer.errors import Unsupported
from exactformer.formats.network_json import to_object
from exactformer.measuring import driver, guess
from exactformer.measuring.guess import climbed
from exactformer.measuring.numbers import short
from exactformer.prover import branching
from exactformer.prover.attempt import Attempt
from exactformer.prover.outcome import Outcome
from exactformer.prover.search import Found
from exactformer.work import OutOfTime, Workers

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "second_checker")]

import agreement  # noqa: E402

F = Fraction
ANY: Any = ef  # wrong calls on purpose, which the types would refuse
LINE, SQUARE = ef.Box([-1], [1]), ef.Box([-1, -1], [1, 1])
RELU = ef.ReluNetwork.of([([[1]], [0])], ([[1]], [0]), domain=LINE)
HALF = ef.ReluNetwork.of([([["1/2"]], ["1/8"])], ([[1]], [0]), domain=LINE)
NEAR = ("relu-2-8-8", "maxout-2-8-8-rank3")


def case(name: str) -> ef.Network:
    return ef.load(HERE / "cases" / f"{name}.json")


def pair(name: str) -> tuple[ef.Network, ef.Network]:
    return case(f"{name}-a"), case(f"{name}-b")


def accepted(result: ef.Distance | ef.OutputRange, folder: Path, *, twice: bool = False) -> None:
    """The kernel, in a process of its own, accepts the theorem; and the second checker, which knows no other code."""
    assert result.outcome is not None
    ef.write_folder(result.outcome, folder)
    checked = ef.check(folder)
    assert checked.holds and str(checked.theorem) == result.outcome.theorem
    if twice:
        case = agreement.of_folder(folder / "certificate.json")
        assert agreement.second(case) == agreement.first(case) == result.outcome.theorem


def difference(left: ef.Network, right: ef.Network) -> ef.Network:
    """left - right as one network, for two ReLU or maxout networks with the same number of layers."""
    a, b = to_object(left), to_object(right)

    def padded(rows: Any, before: int, after: int) -> Any:
        if rows and isinstance(rows[0], list):
            return [padded(row, before, after) for row in rows]
        return [*[0] * before, *rows, *[0] * after]

    layers, widths = [], [0, 0]
    for own, other in zip(a["layers"], b["layers"], strict=True):
        weights = padded(own["weights"], 0, widths[1]) + padded(other["weights"], widths[0], 0)
        layers.append({"weights": weights, "biases": own["biases"] + other["biases"]})
        widths = [len(own["weights"]), len(other["weights"])]
    (row,), (minus,) = a["output"]["weights"], b["output"]["weights"]
    output = {
        "weights": [[*row, *(-F(w) for w in minus)]],
        "biases": [F(a["output"]["biases"][0]) - F(b["output"]["biases"][0])],
    }
    made = ef.ReluNetwork if a["kind"] == "relu" else ef.MaxoutNetwork
    return made.of(
        [(x["weights"], x["biases"]) for x in layers], (output["weights"], output["biases"]), domain=left.domain
    )


def largest(network: ef.Network) -> Fraction:
    """The largest absolute value on its domain: at a vertex of one of its regions."""
    found = ef.regions(network)
    assert found.complete
    points = {vertex for region in found for vertex in region.vertices}
    return max(abs(network.evaluate(point)[0]) for point in points)


def step() -> ef.Transformer:
    """1 where x > 0, 0 where x < 0: a head that jumps."""
    inputs, state = Space("x"), Space("one", "z", "value", "out")
    (x,), (one, z, value, out) = inputs.parts, state.parts
    tokens = [token(one=1, z=x, value=1), token(one=1, z=0, value=0)]
    blocks = [block(head(query=one, key=z, value=value, to=out))]
    return Design(inputs=inputs, space=state, tokens=tokens, blocks=blocks, readout=out).build(domain=LINE)


# --- distances of hard networks -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NEAR)
def test_near_networks_are_within_a_bound_without_a_split(name: str, tmp_path: Path) -> None:
    outcome = ef.verify(*pair(name), claim="within:1/20")
    assert outcome.proved and outcome.counts["gate"] == outcome.counts["cut"] == 0
    assert ef.verify(*pair(name), claim="within:1/20000").refuted
    loose = ef.distance(*pair(name), ratio=1000)
    assert (loose.verdict, loose.cells) == ("proved", 1) and loose.reason is None
    accepted(loose, tmp_path, twice=True)


@pytest.mark.parametrize("name", NEAR)
def test_a_distance_is_the_largest_value_at_a_vertex_of_the_regions(name: str, tmp_path: Path) -> None:
    left, right = pair(name)
    found = ef.distance(left, right, timeout=600)
    assert found.verdict == "proved" and found.extreme.exact and found.ratio == 1
    assert found.upper == found.lower == largest(difference(left, right))
    assert (
        found.point is not None and abs(left.evaluate(found.point)[0] - right.evaluate(found.point)[0]) == found.upper
    )
    assert ef.distance(right, left, timeout=600).upper == found.upper
    accepted(found, tmp_path, twice=name == "relu-2-8-8")


@pytest.mark.slow
def test_a_trained_network_and_its_8_bit_rounding(tmp_path: Path) -> None:
    neural = pytest.importorskip("sklearn.neural_network")
    generator = np.random.default_rng(0)
    points = generator.uniform(-1, 1, (400, 2))
    trained = neural.MLPRegressor(hidden_layer_sizes=(16, 16), max_iter=200, random_state=0, tol=0.0)
    with warnings.catch_warnings(action="ignore"):  # it has not converged, which is no matter here
        trained.fit(points, np.sin(3 * points[:, 0]) * points[:, 1])

    def network(scale: int | None) -> ef.ReluNetwork:
        def exact(array: Any) -> Any:
            return array if scale is None else np.vectorize(lambda w: F(round(w * scale), scale))(array)

        parts = [(exact(w.T), exact(b)) for w, b in zip(trained.coefs_, trained.intercepts_, strict=True)]
        return ef.ReluNetwork.of(parts[:-1], parts[-1], domain=SQUARE)

    left, right = network(None), network(2**8)
    found = ef.distance(left, right, timeout=1200)
    assert found.verdict == "proved" and found.upper == found.lower == largest(difference(left, right))
    accepted(found, tmp_path)


def test_equal_networks_are_0_apart(tmp_path: Path) -> None:
    absolute = ef.MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), domain=LINE)
    by_relu = ef.ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]))
    everywhere = ef.Domain.everything(1)
    for found in (
        ef.distance(RELU, RELU),
        ef.distance(RELU, ef.compile(RELU).transformer),
        ef.distance(absolute, by_relu),
        ef.distance(absolute, by_relu, domain=everywhere),
        ef.distance(RELU, RELU, left_temperature=8, right_temperature=8),
    ):
        assert found.verdict == "proved" and found.upper == found.lower == 0 and found.ratio == 1, found
    accepted(ef.distance(absolute, by_relu, domain=everywhere), tmp_path, twice=True)


def test_permuted_hidden_units_are_bounded() -> None:
    weights, biases = [[1, "1/2"], [-1, 1], ["1/3", -1]], [0, "1/4", "-1/8"]
    one = ef.ReluNetwork.of([(weights, biases)], ([[1, -1, 2]], [0]), domain=SQUARE)
    other = ef.ReluNetwork.of([(weights[::-1], biases[::-1])], ([[2, -1, "65/64"]], [0]), domain=SQUARE)
    found = ef.distance(one, other, timeout=600)
    assert found.verdict == "proved" and found.upper == found.lower == F(3, 2) / 64
    loose = ef.distance(one, other, ratio=10**6)
    assert loose.upper is not None and loose.upper >= F(3, 2) / 64


@pytest.mark.parametrize(("domain", "upper"), [(ef.Box(["1/3"], ["1/3"]), F(1, 24)), (ef.Box([-1], [1]), F(3, 8))])
def test_distances_that_are_seen_at_once(domain: ef.Domain, upper: Fraction, tmp_path: Path) -> None:
    found = ef.distance(RELU, HALF, domain=domain)
    assert found.upper == found.lower == upper
    accepted(found, tmp_path, twice=True)


def test_inputs_that_are_fixed_in_part() -> None:
    left, right = pair("relu-2-8-8")
    flat = ef.Box([-1, "1/3"], [1, "1/3"])
    found = ef.distance(left, right, domain=flat)
    line = ef.regions(ef.subdivision.sliced(difference(left, right), [0, "1/3"], [[1, 0]], LINE))
    ends_of = {vertex for region in line for vertex in region.vertices}
    assert found.upper == found.lower == max(abs(line.network.evaluate(x)[0]) for x in ends_of)


def test_a_polyhedron_and_inputs_without_bounds() -> None:
    triangle = ef.Polyhedron([0, 0], [None, None], [[1, 1]], [1])
    one = ef.ReluNetwork.of([([[1, 0], [0, 1]], [0, 0])], ([[1, 2]], [0]))
    found = ef.range(one, domain=triangle)
    assert (found.lower, found.upper) == ((0,), (2,))
    same = ef.ReluNetwork.of([([[1]], [1])], ([[1]], [0]))
    everywhere = ef.Domain.everything(1)
    assert ef.distance(RELU, same, domain=everywhere).upper == 1
    with pytest.raises(Unsupported, match=r"expected one on which the difference is bounded, .* grows without end"):
        ef.distance(RELU, HALF, domain=everywhere, timeout=60)
    far = ef.distance(RELU, HALF, domain=everywhere, right_temperature=1, timeout=60)
    assert far.verdict == "unknown" and far.upper is None and far.outcome is None
    assert far.lower is not None and far.lower > 1 and "unbounded" in str(far.reason)
    assert str(far).startswith("UNKNOWN") and "infinity, for all that is known" in str(far)


def test_a_jump_is_not_attained_and_says_so(tmp_path: Path) -> None:
    ramp = ef.ReluNetwork.of([([[1]], [0])], ([[1]], [0]))
    found = ef.distance(step(), ramp, timeout=60)  # 1 - x for x > 0, which is less than 1; a half at 0
    assert found.upper == 1 and found.lower is not None and F(1, 2) <= found.lower < 1
    assert found.verdict == "unknown" and "may not be attained" in str(found.reason)
    accepted(found, tmp_path, twice=True)
    attained = ef.distance(step(), ef.ReluNetwork.of([([[-1]], [0])], ([[-1]], [0])), timeout=60)
    assert attained.upper == attained.lower == 1
    left = ef.range(step(), tie="leftmost")
    assert (left.lower, left.upper) == ((0,), (1,)) and left.verdict == "proved"


# --- ranges -------------------------------------------------------------------------------------------


def test_ranges_that_are_known(tmp_path: Path) -> None:
    both = ef.ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1], [1, -1]], [0, "1/3"]), domain=ef.Box([-1], [2]))
    found = ef.range(both)
    assert (found.verdict, found.lower, found.upper) == ("proved", (0, F(-2, 3)), (2, F(7, 3)))
    for end, sign in ((found.minima, -1), (found.maxima, 1)):
        for k, extreme in enumerate(end):
            assert extreme.exact and extreme.point is not None and extreme.upper is not None
            assert both.evaluate(extreme.point)[k] == sign * extreme.upper
    accepted(found, tmp_path, twice=True)
    constant = ef.range(ef.ReluNetwork.of([], ([[0]], ["1/3"]), domain=LINE))
    assert constant.lower == constant.upper == (F(1, 3),)
    nothing = ef.range(ef.ReluNetwork.of([], ([[]], ["1/3"]), domain=ef.Box([], [])))
    assert nothing.lower == nothing.upper == (F(1, 3),)


def test_the_range_of_a_wave_and_of_regions() -> None:
    assert ef.range(ef.subdivision.sawtooth(depth=3), domain=ef.Box([0], [1])).upper == (1,)
    network = case("relu-2-8-8-a")
    found = ef.range(network, timeout=600)
    values = [network.evaluate(x)[0] for region in ef.regions(network) for x in region.vertices]
    assert (found.lower, found.upper) == ((min(values),), (max(values),))


def test_the_range_under_softmax() -> None:
    found = ef.range(RELU, temperature=8, ratio="3/2")
    (low,), (high,) = found.lower, found.upper
    assert low is not None and high is not None and found.verdict == "proved"
    batch = ef.evaluate_batch(ef.compile(RELU).transformer, np.linspace(-1, 1, 999)[:, None], temperature=8)
    assert float(low) <= batch.min() < -0.034 and 0.999 < batch.max() <= float(high)
    at_zero = ef.range(RELU, domain=ef.Box([0], [0]), temperature=3)
    assert at_zero.lower == at_zero.upper == (0,)


# --- softmax ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["e", "2"])
@pytest.mark.parametrize("name", NEAR)
def test_sampled_errors_are_below_the_certified_bound(name: str, base: Any, tmp_path: Path) -> None:
    network = case(f"{name}-a")
    found = ef.temperature(network, value=32, base=base)
    assert found.verdict == "proved" and found.temperature == (32,)
    assert found.lower is not None and found.upper is not None and 0 < found.lower <= found.upper
    points = np.random.default_rng(1).uniform(-1, 1, (2000, 2))
    soft = ef.evaluate_batch(ef.compile(network).transformer, points, temperature=32, base=base)
    error = abs(soft - ef.evaluate_batch(network, points)).max()
    assert 0 < error <= float(found.upper)
    if name == "relu-2-8-8":
        accepted(found, tmp_path, twice=base == "2")


@pytest.mark.parametrize("rank", range(2, 9))
def test_bounds_of_one_unit_meet(rank: int, tmp_path: Path) -> None:
    """The error of one unit of k pieces, all free, is gamma_k over the temperature, and nearly found at a point."""
    pieces = [[int(i == j) for j in range(rank - 1)] for i in range(rank - 1)] + [[0] * (rank - 1)]
    unit = ef.MaxoutNetwork.of([([pieces], [[0] * rank])], ([[1]], [0]), domain=ef.Domain.box(rank - 1, -1, 1))
    found = ef.temperature(unit, value=8)
    assert found.ratio is not None and 1 <= found.ratio <= F(101, 100)
    if rank == 3:
        accepted(found, tmp_path, twice=True)


def test_the_temperature_for_an_error(tmp_path: Path) -> None:
    for network in (RELU, case("relu-2-8-8-a")):
        found = ef.temperature(network, epsilon="1/20")
        (rate, *_) = found.temperature
        assert found.verdict == "proved" and found.upper is not None and found.upper <= F(1, 20)
        lower = ef.temperature(network, value=rate * F(97, 100))
        assert lower.upper is not None and lower.upper > F(1, 20)
    accepted(found, tmp_path)
    assert "inverse temperature" in str(found)


def test_a_search_is_tighter_than_one_evaluation(tmp_path: Path) -> None:
    network = case("maxout-2-8-8-rank3-a")
    once = ef.temperature(network, value=8)
    tight = ef.temperature(network, value=8, tight=True, timeout=600)
    assert once.upper is not None and tight.upper is not None and tight.lower is not None
    assert tight.upper < once.upper and tight.verdict == "proved" and tight.upper <= 2 * tight.lower
    assert tight.cells > 1 and [share.layer for share in tight.shares] == ["right, block 1", "right, block 2"]
    assert sum(share.share for share in tight.shares) == pytest.approx(1)
    accepted(tight, tmp_path)


def kinked(size: int) -> ef.ReluNetwork:
    """The sum of units that all have their kink at one point, which nothing else tells of."""
    r = random.Random(size)
    at = [F(r.randint(-50, 50), 100) for _ in range(size)]
    rows = [[r.randint(-4, 4) for _ in range(size)] for _ in range(size)]
    biases = [-sum((a * x for a, x in zip(row, at, strict=True)), F(0)) for row in rows]
    return ef.ReluNetwork.of([(rows, biases)], ([[1] * size], [0]), domain=ef.Domain.box(size, -1, 1))


@pytest.mark.parametrize("network", [kinked(16), ef.load(HERE.parent / "proofs" / "breast-cancer" / "left.json")])
def test_points_where_many_units_lose_most_are_found(network: Any) -> None:
    """At a high inverse temperature they are few, and far from them all is flat: softmax begins warmer."""
    found = ef.temperature(network, value=1000 if network.inputs == 16 else 64, tight=True, timeout=600)
    assert found.verdict == "proved" and found.cells == 1 and found.ratio is not None and found.ratio <= 2


@pytest.mark.parametrize("rate", ["1e-300", "1e-320", "1e300"])
def test_temperatures_at_the_ends_of_floats(rate: str) -> None:
    found = ef.temperature(RELU, value=rate)
    assert found.verdict == "proved" and found.lower is not None and found.upper is not None
    assert 0 <= found.lower <= found.upper <= 1


@given(slopes=st.lists(st.integers(-9, 9), min_size=1, max_size=6), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_climbs_end_in_the_best_corner_of_an_affine_function(slopes: list[int], seed: int) -> None:
    lower, upper = np.arange(len(slopes)) - 3.0, np.arange(len(slopes)) * 2.0
    middle = (lower + upper)[None, :] / 2

    def climb() -> tuple[Any, Any]:
        box, r = (lower, upper), np.random.default_rng(seed)
        return climbed(lambda points: points @ np.array(slopes, dtype=float), middle, box, r, children=4)

    points, values = climb()
    corner = np.where(np.array(slopes) > 0, upper, lower)
    moves = np.array(slopes) != 0
    assert (points[0] == corner)[moves].all() and values[0] == corner @ np.array(slopes)
    assert ((lower <= points) & (points <= upper)).all() and (climb()[0] == points).all()


@pytest.mark.parametrize(
    "search",
    [
        lambda jobs: ef.distance(*pair("relu-2-8-8"), jobs=jobs, timeout=600),
        lambda jobs: ef.temperature(case("relu-2-8-8-a"), value=4, tight=True, ratio="8/5", jobs=jobs, timeout=600),
        lambda jobs: ef.range(case("maxout-2-8-8-rank3-a"), jobs=jobs, timeout=600),
    ],
    ids=["distance", "temperature", "range"],
)
def test_any_number_of_processes_finds_the_same(search: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guess, "RESTARTS", 2)
    one, two = search(1), search(2)
    assert one.verdict == "proved" and one.cells > 8
    assert (one.verdict, one.upper, one.lower, one.cells) == (two.verdict, two.upper, two.lower, two.cells)
    assert one.outcome.certificate == two.outcome.certificate


def test_a_process_that_is_ended_from_outside_leaves_the_bounds_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise BrokenProcessPool

    monkeypatch.setattr(Workers, "results", broken)
    network = case("relu-2-8-8-a")
    found = ef.temperature(network, value=4, tight=True, ratio="8/5", jobs=2, timeout=600)
    assert found.verdict == "unknown" and "ended from outside" in str(found.reason)
    assert found.upper == ef.temperature(network, value=4).upper


def test_one_network_at_two_temperatures() -> None:
    found = ef.distance(RELU, RELU, left_temperature=9, right_temperature=8, ratio="3/2", timeout=600)
    assert found.lower is not None and found.upper is not None and 0 < found.lower <= found.upper
    assert isinstance(found.extreme.value, Enclosure) and ends(found.extreme.value)[0] == found.lower
    assert found.verdict == "proved" and found.upper <= F(3, 2) * found.lower


# --- numbers ------------------------------------------------------------------------------------------


def test_rounded_bounds_are_short_and_never_less() -> None:
    source = random.Random(3)
    for _ in range(300):
        number = F(source.randint(-(10**9), 10**9), source.randint(1, 10 ** source.randint(1, 30)))
        rounded = short(number)
        assert number <= rounded <= number + abs(number) / 10**4
        assert not (10**60) % rounded.denominator


# --- what is refused, and what is interrupted ------------------------------------------------------------

EMPTY = ef.Polyhedron([0], [1], [[1]], [-1])
TWO = ef.ReluNetwork.of([], ([[1], [1]], [0, 0]))
WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("right_temperature: expected a number > 0, found 0", lambda: ef.distance(RELU, HALF, right_temperature=0)),
    ("left_temperature: expected a number > 0, found -1", lambda: ef.distance(RELU, HALF, left_temperature=-1)),
    ("right_temperature: expected a finite number", lambda: ef.distance(RELU, HALF, right_temperature=math.inf)),
    ("right_temperature: expected a number (", lambda: ef.distance(RELU, HALF, right_temperature="hot")),
    ("right_temperature: expected one number > 0, or 1", lambda: ef.distance(RELU, HALF, right_temperature=[1, 2])),
    ("temperature: expected a number > 0, found 0", lambda: ef.range(RELU, temperature=0)),
    ("temperature: expected a number (", lambda: ef.temperature(RELU, value="inf")),
    ("temperature: expected one number > 0, or 1", lambda: ef.temperature(RELU, value=[1, 2])),
    ("temperature: expected one of value and epsilon, found both", lambda: ef.temperature(RELU, value=1, epsilon=1)),
    ("temperature: expected one of value and epsilon, found neither", lambda: ef.temperature(RELU)),
    ("epsilon: expected a number > 0, found 0", lambda: ef.temperature(RELU, epsilon=0)),
    ("epsilon: expected a finite number, found nan", lambda: ef.temperature(RELU, epsilon=math.nan)),
    ("epsilon: expected a number (", lambda: ef.temperature(RELU, epsilon="small")),
    ("ratio: expected a number >= 1, found 1/2", lambda: ef.distance(RELU, HALF, ratio="1/2")),
    ("ratio: expected a finite number, found nan", lambda: ef.distance(RELU, HALF, ratio=math.nan)),
    ("ratio: expected a number (", lambda: ef.range(RELU, ratio="near")),
    ("ratio: expected a number > 1: with softmax", lambda: ef.distance(RELU, HALF, right_temperature=2, ratio=1)),
    ("jobs: expected 1, or tight", lambda: ef.temperature(RELU, value=2, jobs=2)),
    ("jobs: expected a positive integer", lambda: ef.range(RELU, jobs=0)),
    ("ratio: expected None, or tight", lambda: ef.temperature(RELU, value=2, ratio=3)),
    ("base: expected a temperature together with", lambda: ef.distance(RELU, HALF, base="2")),
    ("base: expected one of e, 2, found '3'", lambda: ANY.range(RELU, base="3")),
    ("expected networks with equal numbers of inputs and outputs", lambda: ef.distance(RELU, TWO)),
    ("domain: expected a domain that is not empty", lambda: ef.distance(RELU, HALF, domain=EMPTY)),
    ("domain: expected a domain that is not empty", lambda: ef.range(RELU, domain=EMPTY)),
    ("domain: expected a domain that is not empty", lambda: ef.temperature(RELU, value=1, domain=EMPTY)),
    ("timeout: expected a positive number of seconds or None", lambda: ANY.distance(RELU, HALF, timeout="3")),
    ("seed: expected an integer >= 0", lambda: ef.range(RELU, seed=-1)),
    ("right: expected a network", lambda: ANY.distance(RELU, "b.json")),
]


@pytest.mark.parametrize(("message", "call"), WRONG, ids=[f"{i}" for i in range(len(WRONG))])
def test_bad_input_is_one_message(message: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ef.InvalidInput) as caught:
        call()
    (reason,) = caught.value.reasons
    assert message in reason and reason.isprintable()


def test_answers_are_neither_true_nor_false() -> None:
    for answer in (ef.distance(RELU, HALF), ef.range(RELU)):
        with pytest.raises(TypeError, match="neither true nor false"):
            bool(answer)
        assert "<table>" in answer._repr_html_() and len(repr(answer)) < 120


def test_out_of_time_leaves_the_bounds_so_far(tmp_path: Path) -> None:
    left, right = pair("maxout-2-8-8-rank3")
    seen: list[int] = []

    def stop(done: int, still_open: int) -> None:
        seen.append(done)
        if len(seen) == 3:
            raise OutOfTime

    found = ef.distance(left, right, timeout=600, progress=stop)
    assert found.verdict == "unknown" and str(found.reason).startswith("out of time")
    assert found.lower is not None and found.upper is not None and 0 < found.lower < found.upper
    accepted(found, tmp_path)


def test_out_of_time_before_anything_was_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any, **__: Any) -> None:
        raise OutOfTime

    monkeypatch.setattr(driver, "guesses", lambda *_: iter([(F(1),)]))
    monkeypatch.setattr(branching.Branching, "run", late)
    found = ef.range(RELU, timeout=60)
    assert (found.verdict, found.lower, found.upper) == ("unknown", (None,), (None,))
    assert str(found.reason).startswith("out of time") and found.maxima[0].lower == 1
    assert (apart := ef.distance(RELU, HALF, timeout=60)).upper is None and apart.lower == F(3, 8)


def test_a_bound_that_is_good_enough_stays_so_when_it_is_rounded() -> None:
    """Softmax of iris was bounded by twice what a point reaches, and rounded to a little more: unknown."""
    top, reached = F(70161979123, 10**12), F(350809897, 10**10)
    for wanted in (2 * reached, top, F(1), F(1, 100), None):
        (found,) = driver._rounded([top], [reached], (0,), [wanted])
        assert top <= found < top * F(100001, 100000) and (wanted is None or wanted < top or found <= wanted)
    assert driver._rounded([top], [reached], (0,), [F(1)]) == [short(top)] != [top], "short where that is enough"
    assert driver._rounded([F(1, 3)], [F(1, 3)], (0,), [F(1, 3)]) == [F(1, 3)], "exact where it is attained"


@pytest.mark.parametrize("late", [1, 2])
def test_a_tree_for_which_the_kernel_has_no_time_leaves_a_coarser_one(
    late: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = pair("maxout-2-8-8-rank3")
    real, tried = Attempt.proved, list[int]()

    def proved(attempt: Attempt, method: str, found: Found) -> Outcome:
        tried.append(len(found.steps))
        if len(tried) <= late:
            raise OutOfTime
        return real(attempt, method, found)

    monkeypatch.setattr(driver, "guesses", lambda *_: iter(()))
    monkeypatch.setattr(branching, "COARSE", 2)
    monkeypatch.setattr(Attempt, "proved", proved)
    found = ef.distance(left, right, timeout=60, ratio=1)
    assert found.verdict == "unknown" and "while the kernel checked" in str(found.reason)
    assert len(tried) == late + 1 and tried == sorted(tried, reverse=True) and len(set(tried)) == len(tried)
    assert found.outcome is not None and found.outcome.proved
    accepted(found, tmp_path)


OPEN_ROWS = (  # a unit was opened while one of the layer before it was not: only rows depend on that
    (
        ef.ReluNetwork.of(
            [
                ([["4/3", -5], [-1, -1], [1, 1]], [-5, "-2/3", "-4/3"]),
                ([[-1, "3/2", -2]], ["-2/3"]),
            ],
            ([[1]], [-2]),
            domain=ef.Box([-2, -3], [-2, 0]),
        ),
        ef.ReluNetwork.of(
            [
                ([["35/24", "-39/8"], ["-9/8", -1], ["9/8", 1]], ["-39/8", "-19/24", "-35/24"]),
                ([["-9/8", "11/8", "-15/8"]], ["-19/24"]),
            ],
            ([["7/8"]], ["-15/8"]),
        ),
        F(4621, 7680),
    ),
    (
        ef.ReluNetwork.of(
            [([["2/3", -5, -2], ["3/2", 1, 5], [-3, -6, 0]], [-1, -3, -2])],
            ([[5, 4, "-5/2"]], [-5]),
            domain=ef.Box([-3, 0, 0], [0, 3, 2]),
        ),
        ef.ReluNetwork.of(
            [([[3, -1, "-1/3"], [5, 1, -2]], [5, 1]), ([[-1, 1], [-3, -1], [0, -2]], [-2, -1, 1])],
            ([[-2, 5, 4]], [3]),
        ),
        F(59, 2),
    ),
)
LATER_POINTS = (  # what a point reaches makes cells good enough that were the worst when they were ranked
    (
        ef.ReluNetwork.of(
            [([["-2/3", 3], [-5, -2], [0, 4]], ["-2/3", 2, "4/3"])],
            ([["3/2", 1, "-4/3"]], ["-2/3"]),
            domain=ef.Box([-2, -2], [-1, 1]),
        ),
        ef.ReluNetwork.of(
            [([[0, 3], [5, -6], [3, "-4/3"]], ["-1/2", -2, 5]), ([[-2, 1, 0], [6, 4, 6]], [-4, -1])],
            ([[0, 2]], [5]),
        ),
        F(266, 3),
    ),
    (
        ef.ReluNetwork.of(
            [([[3, 4, -3], [2, 2, 3]], [-5, "1/3"]), ([[-4, -1], ["4/3", -5], [-2, "3/2"]], ["1/3", 0, 1])],
            ([[-3, "-2/3", -2]], [-6]),
            domain=ef.Box([-3, -1, -1], [0, 1, 1]),
        ),
        ef.ReluNetwork.of(
            [
                ([[-2, -1, -6], [0, -1, -1], [-6, -6, "-2/3"]], [2, "-4/3", -3]),
                ([[-6, -3, -5], [-3, -4, 0]], ["5/3", 5]),
            ],
            ([["5/2", "4/3"]], [2]),
        ),
        F(221, 6),
    ),
)


@pytest.mark.parametrize(("left", "right", "value"), [*OPEN_ROWS, *LATER_POINTS], ids=["row", "row", "later", "later"])
def test_a_distance_is_exact_whatever_points_are_guessed(
    left: ef.Network, right: ef.Network, value: Fraction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "guesses", lambda *_: iter(()))
    found = ef.distance(left, right, timeout=60)
    assert (found.verdict, found.reason, found.lower, found.upper) == ("proved", None, value, value)
    accepted(found, tmp_path)
