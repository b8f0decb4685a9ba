"""From a function to a Transformer: pieces, networks, enclosures, chains; each half checked by another route."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
import exactformer.kernel
from exactformer.approximation.forms import hats_to_one_layer, hats_to_two_layers, polyline_to_relu
from exactformer.approximation.hats import adaptive
from exactformer.approximation.interpolants import interpolant
from exactformer.approximation.knots import polyline
from exactformer.approximation.own import own_pieces
from exactformer.approximation.tree import steps_of
from exactformer.claims import Equal, Within
from exactformer.documents.document import Table
from exactformer.errors import CertificateRejected, Faults
from exactformer.folder import write_chain
from exactformer.kernel.functions import Function, Step
from exactformer.prover.chain import Part, chained
from exactformer.prover.narrowing import narrowed
from exactformer.prover.question import Question, ask
from exactformer.work import Deadline

UNIT = ef.Box([0], [1])
CURVES = {
    "exp(x)": np.exp,
    "sin(3*x) + x^2/2": lambda x: np.sin(3 * x) + x * x / 2,
    "abs(x - 1/3)": lambda x: np.abs(x - 1 / 3),
    "sqrt(x)": np.sqrt,
    "max(0, x - 1/2) - min(x, 1/4)": lambda x: np.maximum(0, x - 0.5) - np.minimum(x, 0.25),
    "1/3": lambda x: 0 * x + 1 / 3,
    "7*x - 2": lambda x: 7 * x - 2,
    "sin(60*x)": lambda x: np.sin(60 * x),
}


def question_of(epsilon: Any, function: Any, network: Any, domain: Any) -> Question:
    faults = Faults()
    question = ask(Within(epsilon), function, network, domain, "average", faults, functions=True)
    faults.settle()
    return question


# --- pieces -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", CURVES)
@pytest.mark.parametrize("epsilon", ["1/10", "1/1000"])
def test_a_polyline_stays_in_its_tube(formula: str, epsilon: str) -> None:
    line = polyline(CURVES[formula], Fraction(0), Fraction(1), Fraction(epsilon))
    xs = np.linspace(0, 1, 20001)
    knots = [float(x) for x in (*line.knots, line.end)]
    error = np.abs(np.interp(xs, knots, [float(y) for y in line.values]) - CURVES[formula](xs)).max()
    assert error <= float(Fraction(epsilon))
    assert list(line.knots) == sorted(set(line.knots)) and line.knots[0] == 0 and line.knots[-1] < line.end == 1


def test_pieces_are_few() -> None:
    """In the limit the integral of the root of f'' over 4 e^(1/2); the tube is filled to 98 %."""
    line = polyline(np.exp, Fraction(0), Fraction(3), Fraction(1, 10000))
    fewest = 2 * (np.exp(1.5) - 1) / 4 / 0.01
    assert fewest <= len(line.slopes) <= 1.02 * fewest
    assert len(polyline(np.abs, Fraction(-1), Fraction(1), Fraction(1, 1000)).slopes) == 2
    assert len(polyline(lambda x: x, Fraction(0), Fraction(1), Fraction(1, 1000)).slopes) == 1


def test_a_tube_that_is_all_but_filled_needs_fewer_pieces() -> None:
    """Five lines meet the tube of the sigmoid, with less than 1 % to spare; seven do with 2 %."""
    line = polyline(lambda x: 1 / (1 + np.exp(-x)), Fraction(-6), Fraction(6), Fraction(1, 100))
    assert len(line.slopes) == 5


@pytest.mark.parametrize("kink", [1 / 3, 0.1234, 0.777])
def test_a_kink_between_samples_is_seen(kink: float) -> None:
    line = polyline(lambda x: 7 * np.abs(x - kink), Fraction(0), Fraction(1), Fraction(1, 1000))
    places = [float(x) for x in (*line.knots, line.end)]
    xs = np.append(np.linspace(0, 1, 1001), [kink, *places])
    error = np.interp(xs, places, [float(y) for y in line.values]) - 7 * np.abs(xs - kink)
    assert np.abs(error).max() <= 1e-3 and len(places) <= 4


def test_a_point_for_a_domain() -> None:
    line = polyline(np.exp, Fraction(1, 3), Fraction(1, 3), Fraction(1, 100))
    assert line.values == [line.start, line.start] and abs(float(line.start) - np.exp(1 / 3)) < 0.01


@pytest.mark.parametrize("curve", [lambda x: 1 / (x - 0.5), lambda x: np.log(x - 0.5), lambda x: np.tan(4 * x)])
def test_curves_without_an_end(curve: Any) -> None:
    with pytest.raises(ArithmeticError, match=r"not finite|too steep"):
        polyline(curve, Fraction(0), Fraction(1), Fraction(1, 100))


@given(st.integers(1, 3), st.integers(0, 2**32), st.sampled_from([0.3, 0.1]))
@settings(max_examples=25, deadline=None)
def test_sums_of_hats_are_networks(inputs: int, seed: int, epsilon: float) -> None:
    """Both forms have the values of the sum at random points, exactly, and that is near the field."""
    random = np.random.default_rng(seed)
    slopes, bends = random.integers(-2, 3, inputs), random.integers(-2, 3, (inputs, inputs))

    def field(points: Any) -> Any:
        return points @ slopes + np.einsum("pi,ij,pj->p", points, bends, points) / 2

    found = adaptive(field, inputs, epsilon)
    domain = ef.Box([-1] * inputs, [2] * inputs)
    points = random.integers(0, 65, (20, inputs)) / 64
    wanted = found.at(points)
    assert np.abs(wanted - field(points)).max() <= 2 * epsilon
    for build in (hats_to_two_layers, hats_to_one_layer):
        network = build(found.hats, domain, "hats")
        for point, value in zip(points, wanted, strict=True):
            (exact,) = network.evaluate([Fraction(float(x)) * 3 - 1 for x in point])
            assert abs(float(exact) - value) < 1e-9


# --- the search ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", CURVES)
def test_steps_at_once_and_by_search(formula: str) -> None:
    function, epsilon = ef.function(formula, ["x"]), Fraction(1, 50)
    found = interpolant(function, UNIT, epsilon, "M4")
    question = question_of(epsilon, function, found.network, UNIT)
    asked = question.asked()
    curve = asked.statement.jobs[0].network
    assert isinstance(curve, Function) and found.line is not None
    steps, head = steps_of(found.line, curve, epsilon), {**question.head, "inhabitant": [0]}
    assert (steps is None) == ("abs" in formula or "max" in formula)  # the search cuts at kinks
    assert steps is None or asked.judged({**head, "tree": steps}).holds
    searched = narrowed(asked.goal(), Deadline.after(None), question.violated, lambda done, left: None)
    assert searched.reason is searched.witness is None
    assert asked.judged({**head, "tree": searched.steps}).holds


def test_steps_are_none_where_the_line_is_too_far() -> None:
    line = polyline(np.exp, Fraction(0), Fraction(1), Fraction(1, 10))
    curve = Function(1, (Step("input", (0,)), Step("exp", (0,))))
    assert steps_of(line, curve, Fraction(1, 10)) is not None
    assert steps_of(line, curve, Fraction(1, 20)) is None


@pytest.mark.parametrize("unit", [0, 3, 5])
def test_a_sliver_is_found(unit: int) -> None:
    """One turn of the polyline is another: refuted at a point, however small the piece."""
    function, epsilon = ef.function("exp(x)"), Fraction(1, 2000)
    network = interpolant(function, UNIT, epsilon, "M4").network
    weights = network.output.weights.entries()
    weights[0, unit] += Fraction(1, 10)
    output = ef.Affine.of(
        [[weights.get((0, j), 0) for j in range(network.output.inputs)]], network.output.biases.fractions()
    )
    wrong = replace(network, output=output)
    outcome = ef.verify(function, wrong, claim=Within(epsilon))
    assert outcome.verdict == "refuted" and outcome.witness is not None
    (left,), (right,) = outcome.witness.left, outcome.witness.right
    assert abs(left.lower - right) > epsilon or abs(left.upper - right) > epsilon


def test_verify_with_functions_of_both_sides() -> None:
    square, line = ef.function("x^2", domain=ef.Box([-1], [1])), ef.function("x/2 - 1/16")
    assert ef.verify(line, square, claim="at-most").verdict == "proved"  # they touch at 1/4
    assert ef.verify(square, line, claim="at-most").verdict == "refuted"
    assert ef.verify(square, claim="convex").verdict == "proved"
    assert ef.verify(square, claim="range:0,1").verdict == "proved"
    assert ef.verify(ef.function("exp(x)", domain=UNIT), claim="range:1,27/10").verdict == "refuted"
    assert ef.verify(ef.function("sin(x)"), ef.function("x"), claim="at-most", domain=UNIT).verdict == "proved"


def test_functions_that_differ_by_nothing_a_float_sees() -> None:
    one, other = ef.function("(x + 1)^2", domain=UNIT), ef.function("x^2 + 2*x + 1")
    assert ef.verify(one, other, claim="within:1/10^30".replace("10^30", str(10**30))).verdict == "proved"
    outcome = ef.verify(one, other, claim="equal", timeout=20)
    assert outcome.verdict in ("proved", "unknown")
    assert (
        ef.verify(ef.function("x + 1/10^25".replace("10^25", str(10**25)), domain=UNIT), ef.function("x")).verdict
        == "refuted"
    )


# --- the whole ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "epsilon", "options"),
    [
        ("sin(3*x) + x^2/2", "1/20", {}),
        ("sin(3*x) + x^2/2", "1/20", {"hard": True}),
        ("abs(x)", "1/100", {"hard": True, "construction": "global"}),
        ("x^2", "1/10", {"form": "M1"}),
        ("x^2", "1/10", {"form": "M2", "hard": True}),
        ("x*y", "1/4", {}),
        ("max(x, y)", "1/100", {"hard": True, "form": "M2"}),
        ("exp(-x^2 - y^2)", "1/5", {"hard": True}),
        ("1/7", "1/100", {}),
        ("10^9*x", "10^6", {"hard": True}),
        ("x/10^9", "1/10^12", {"hard": True}),
    ],
)
def test_from_a_formula_to_a_transformer(formula: str, epsilon: str, options: dict[str, Any]) -> None:
    names = [name for name in "xyz" if name in formula.replace("max", "").replace("exp", "")] or ["x"]
    function = ef.function(formula, names)
    number = Fraction(epsilon.replace("10^9", str(10**9)).replace("10^6", str(10**6)).replace("10^12", str(10**12)))
    found = ef.approximate(function, epsilon=number, domain=ef.Box([-1] * len(names), [1] * len(names)), **options)
    assert found.verdict == "proved", found.reason
    assert found.upper is not None and found.upper <= number
    assert found.lower is not None and found.lower <= found.upper
    assert sum(found.parts) == found.upper and bool(found.temperature) != options.get("hard", False)
    assert found.theorem is not None
    own = found.interpolant.form == "S2"
    relation = "left(x) = right(x)" if own and not found.temperature else "|left(x) - right(x)| <= "
    assert found.theorem.startswith(f"for every x in the domain, {relation}") and (found.parts[0] == 0) == own
    points = np.random.default_rng(0).uniform(-1, 1, (300, len(names)))
    values = ef.evaluate_batch(function, points) - ef.evaluate_batch(
        found.transformer, points, temperature=found.temperature or None
    )
    assert np.abs(values).max() <= float(found.upper) * 1.0000001


PIECEWISE_LINEAR = {
    "max(x, y, z)": 3,
    "abs(x - y/3)": 2,
    "max(x, y)*2 - abs(x + y)/3 + 1/2": 4,
    "min(1/3, -(x + y)/2) + max(0, 1/3)": 2,
    "x - y": 1,
    "max(1, x/2 + y) - max(1, x/2 + y)": 1,
}


@pytest.mark.parametrize("formula", PIECEWISE_LINEAR)
def test_a_piecewise_linear_formula_is_its_own_network(formula: str) -> None:
    function = ef.function(formula)
    box = ef.Box([-1] * function.inputs, [2] * function.inputs)
    found = interpolant(function, box, Fraction(1, 1000), "S2")
    assert found.pieces == PIECEWISE_LINEAR[formula] and found.error(function) < 1e-12
    points = np.random.default_rng(0).integers(-16, 33, (60, function.inputs)) / 16
    for point in [list(map(Fraction, map(float, point))) for point in points]:
        assert found.network.evaluate(point) == function.evaluate(point)


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        ("x*y", "a product"),
        ("x + exp(y)", "exp"),
        ("x/(1 + abs(y))", "a quotient"),
        (" + ".join(f"abs(x - {k}*y)" for k in range(13)), "too many kinks"),
    ],
)
def test_other_formulas_have_no_pieces_of_their_own(formula: str, why: str) -> None:
    assert own_pieces(ef.function(formula), ef.Box([-1, -1], [1, 1])) is None, why


def test_a_box_with_a_side_that_is_a_point_has_no_pieces() -> None:
    assert own_pieces(ef.function("abs(x) + y"), ef.Box([-1, 0], [1, 0])) is None
    found = ef.approximate(ef.function("abs(x) + y"), epsilon="1/10", domain=ef.Box([-1, 0], [1, 0]), hard=True)
    assert found.verdict == "proved" and found.interpolant.form == "M1"


def test_a_network_of_its_own_pieces_is_proved_quickly() -> None:
    found = ef.approximate(ef.function("max(x, y, z)"), epsilon="1/2", domain=ef.Box([-1] * 3, [1] * 3), hard=True)
    assert (found.verdict, found.pieces, found.interpolant.form) == ("proved", 3, "S2")
    assert found.chain is not None and sum(found.chain.counts.values()) < 300  # hats need 11,000 steps


@pytest.mark.parametrize("formula", ["abs(x - 1/3)", "max(x, 0) - abs(abs(x) - 2/7)", "2*x/3 + 1", "1/3"])
def test_piecewise_linear_formulas_of_one_variable_are_met_by_their_own_pieces(formula: str) -> None:
    """Floats do not tell 1/3 from its neighbours, so that no guess at knots could be that near."""
    function, box = ef.function(formula, variables=["x"]), ef.Box([-1], [1])
    found = ef.approximate(function, epsilon=Fraction(1, 10**14), domain=box, hard=True)
    assert (found.verdict, found.interpolant.form) == ("proved", "S2")
    for x in (Fraction(n, 21) for n in (-21, -6, 0, 7, 14)):
        assert found.interpolant.network.evaluate([x]) == function.evaluate([x])


@pytest.mark.parametrize(
    "formula",
    ["abs(x - 1/3)", "abs(x) + max(x, 1/2)", "max(x, y)", "abs(x - y/3)", "max(x, y, x + y - 1/3, 0)", "max(x, y, z)"],
)
def test_of_its_own_pieces_the_bound_is_near_the_error(formula: str) -> None:
    """All of it is softmax, next to the kinks; where three candidates of a maximum never meet, cells tell."""
    function = ef.function(formula)
    box = ef.Box([-1] * function.inputs, [1] * function.inputs)
    found = ef.approximate(function, epsilon="1/100", domain=box)
    assert found.verdict == "proved" and found.upper is not None and found.extreme.ratio is not None
    assert 0 < found.upper <= Fraction(1, 100) and 1 <= found.extreme.ratio <= Fraction(6, 5)


def test_an_affine_formula_is_equal_to_its_transformer_under_softmax() -> None:
    found = ef.approximate(ef.function("3*x + 1"), epsilon="1/2", domain=ef.Box([0], [1]))
    assert (found.verdict, found.upper, found.lower, found.extreme.ratio) == ("proved", 0, 0, 1)


@pytest.mark.parametrize("hard", [True, False])
def test_the_theorem_says_what_was_reached(hard: bool) -> None:
    """A grid is often finer than it has to be: its bound is within 1.2 of the error at a point."""
    found = ef.approximate(ef.function("x*y"), epsilon="1/5", domain=ef.Box([-1, -1], [1, 1]), hard=hard)
    assert found.upper is not None and found.lower is not None
    assert found.lower <= found.upper <= Fraction(6, 5) * found.lower


def test_the_folder_is_checked_by_the_kernel_alone(tmp_path: Path) -> None:
    found = ef.approximate(ef.function("x^2"), epsilon="1/8", domain=ef.Box([-1], [1]))
    assert found.chain is not None
    write_chain(found.chain, tmp_path / "proof", kernel=True)
    checked = ef.check(tmp_path / "proof")
    assert checked.holds and checked.theorem == found.theorem and checked.claim == "within"
    assert checked.counts["links"] == 2
    names = ("certificate.json", "left.json", "link-1.json", "link-2.json", "middle-1.json", "right.json")
    assert {name for name, state in checked.files.items() if state == "checked"} == set(names)
    alone = [sys.executable, "-I", "-S", "kernel", "certificate.json"]
    run = subprocess.run(alone, cwd=tmp_path / "proof", capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)["theorem"] == found.theorem
    for name in names[1:]:
        path = tmp_path / "proof" / name
        text = path.read_text()
        path.write_text(text.replace("1", "2", 1))
        with pytest.raises(CertificateRejected):
            ef.check(tmp_path / "proof")
        path.write_text(text)
    assert ef.check(tmp_path / "proof").holds


def test_report_of_an_approximation() -> None:
    found = ef.approximate(ef.function("x^2"), epsilon="1/8", domain=ef.Box([-1], [1]))
    document = found.document()
    assert document.tone == "proved"
    assert [section.title for section in document.sections] == [
        "Statement",
        "The proof",
        "Beside the theory",
        "The error",
    ]
    kinds = {line.what for line in found.predictions()}
    assert {"intervals here", "inverse temperature", "inverse temperature here"} <= kinds
    with pytest.raises(TypeError, match="upper"):
        bool(found)
    assert repr(found) == f"<Approximation: proved, {found.pieces} pieces, at most {found.upper}>"


def test_report_of_one_head() -> None:
    """Its theorem is about the function and the head: there is one link, and no network between."""
    found = ef.approximate(ef.function("sin(3*x)"), epsilon="1/8", domain=ef.Box([-2], [2]), hard=True, form="M5")
    assert found.chain is not None and found.chain.counts["links"] == 1 and "middle-1.json" not in found.chain.files
    assert dict(found.rows())["error"] == "f is within 0.125 of the Transformer, which is the network as one head"
    proof = found.document().sections[1]
    table = proof.blocks[0]
    assert isinstance(table, Table) and [row[:3] for row in table.rows] == [
        ("link-1.json", "f", "the Transformer"),
        ("certificate.json", "f", "the Transformer"),
    ]
    assert "whose head has a token a piece" in str(proof)


def test_time_runs_out() -> None:
    with pytest.raises(TimeoutError):
        ef.approximate(ef.function("exp(5*x*y)"), epsilon="1/1000", domain=ef.Box([0, 0], [1, 1]), timeout=0.01)


# --- chains -------------------------------------------------------------------------------------------------------


def part_of(left: Any, right: Any, claim: Any, tree: list[Any]) -> Part:
    faults = Faults()
    question = ask(claim, left, right, UNIT, "average", faults)
    return Part({**question.head, "inhabitant": [0], "tree": tree}, question.texts)


def test_chains_find_their_direction() -> None:
    relu = polyline_to_relu(polyline(np.square, Fraction(0), Fraction(1), Fraction(1, 10)), UNIT, "line")
    transformer = ef.compile(relu, domain=UNIT).transformer
    again = ef.compile(relu, domain=UNIT, construction="global").transformer
    forth, back = part_of(relu, transformer, Equal(), [["holds"]]), part_of(again, relu, Equal(), [["holds"]])
    for parts in ([forth, back], [back, forth]):
        chain = chained(parts)
        assert chain.claim == "equal" and chain.epsilon == 0 and chain.counts["links"] == 2
    with pytest.raises(ef.InvalidInput, match="certificates 1 and 2 to share a side"):
        chained([forth, part_of(again, again, Equal(), [["holds"]])])
    with pytest.raises(ef.InvalidInput, match="at least one certificate"):
        chained([])
    with pytest.raises(CertificateRejected, match="a step for every cell"):
        chained([forth, part_of(again, relu, Equal(), [])])
    assert chained([forth]).theorem == chained([back]).theorem
    assert exactformer.kernel.__file__


@pytest.mark.parametrize("hard", [True, False])
def test_of_three_variables_the_bound_is_near_the_error(hard: bool) -> None:
    found = ef.approximate(ef.function("x*y*z"), epsilon="1/2", domain=ef.Box([0] * 3, [1] * 3), hard=hard)
    ratio = found.extreme.ratio
    assert found.verdict == "proved" and ratio is not None and 1 <= ratio < Fraction(6, 5)


def test_the_proof_is_written_down_unless_there_are_maxima_to_decide() -> None:
    """A search narrows after each cut, what is written down at every third level; kinks of exp are only enclosed."""
    for formula, written in (("max(exp(x), 2)", True), ("exp(x) + 2*pi", True), ("abs(x - 1/3) + x^2/4", False)):
        found = ef.approximate(ef.function(formula), epsilon="1/1000", domain=ef.Box([0], [3]), hard=True)
        assert found.verdict == "proved" and found.chain is not None
        assert (found.chain.counts["narrow"] < 2 * found.chain.counts["cut"]) == written
