"""Rule *narrow*, and functions as sides of claims: cells on smaller boxes, enclosures, what is refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import flint
import pytest
from kernel_material import (
    Soft,
    accepted,
    box,
    certificate,
    encoded,
    goal_of,
    judged,
    made,
    maxout,
    random_walk,
    statement_of,
)
from test_kernel_fuzz import random_question

from exactformer.kernel.claims import Goal, follow
from exactformer.kernel.networks import read_network
from exactformer.kernel.reading import Rejected
from exactformer.kernel.semantics import TIES, layers_of

X = [["input", 0]]
SINE = [*X, ["number", 3], ["multiply", 0, 1], ["sin", 2]]
SQUARE = [*X, ["power", 0, 2]]


def function(steps: list[Any], inputs: int = 1) -> dict[str, Any]:
    return {"format": "exactformer/network-1", "kind": "function", "inputs": inputs, "steps": steps}


def affine(slope: Any, shift: Any = 0) -> dict[str, Any]:
    return maxout([], ([[slope]], [shift]))


def relu(*units: tuple[Any, Any, Any]) -> dict[str, Any]:
    """The sum of c max(0, w x + b)."""
    weights, biases, factors = zip(*units, strict=True)
    return maxout([([[w] for w in weights], list(biases))], ([list(factors)], [0]), kind="relu")


def within(epsilon: Any, left: Any, right: Any, tree: list[Any], domain: Any = None, **rest: Any) -> dict[str, Any]:
    domain = domain or box(1)
    found = list(domain["lower"])
    value = certificate(left, right, domain, claim="within", parameters={"epsilon": epsilon}, inhabitant=found, **rest)
    return {**value, "tree": tree}


def halved(depth: int, low: Fraction = Fraction(-1), high: Fraction = Fraction(1)) -> list[Any]:
    """Cuts through the middle, `depth` times, and a cell closed by bounds at each end."""
    if depth == 0:
        return [["holds", [], []]]
    middle = (low + high) / 2
    upper, lower = halved(depth - 1, middle, high), halved(depth - 1, low, middle)
    return [["cut", [[1, 1], [0, str(-middle)]]], ["narrow"], *upper, ["narrow"], *lower]


# --- narrow -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(120))
def test_narrowed_cells_say_nothing_false(seed: int) -> None:
    """On random walks of cuts, gates, narrow and anew: no point is lost, and all that is known is true."""
    r = Random(f"narrow {seed}")
    asked = random_question(r)
    assert random_walk(r, asked, asked.points(r, 8), r.randint(1, 8), near=0.6) == []


def test_narrow_decides_maxima() -> None:
    """|x| as two units against itself as a maximum: below 0 and above it nothing is left to split."""
    left, right = relu((1, 0, 1), (-1, 0, 1)), maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
    goal = goal_of(left, right, box(1))
    for child in made(follow(goal, ["cut", [[1, 1]]], "step")):
        (below,) = made(follow(child, ["narrow"], "step"))
        assert below.obligations() == [] and below.cell.places == {} and below.finished
    assert not goal.opened().obligations()  # as aliases tell, too


def test_places_are_numbered_anew() -> None:
    goal = goal_of(relu((1, 0, 1), (1, "-1/2", 1)), affine(0), box(1), claim="at-most")
    upper, lower = made(follow(goal, ["cut", [[1, 1], [0, "-1/4"]]], "step"))
    (child,) = made(follow(upper, ["narrow"], "step"))
    assert sorted(goal.cell.places) == ["L0.u0", "L0.u1"] and sorted(child.cell.places) == ["n0"]
    assert len(made(follow(child, ["gate", "n0"], "step"))) == 2
    (child,) = made(follow(lower, ["narrow"], "step"))
    assert sorted(child.cell.places) == ["n0"]
    with pytest.raises(Rejected, match="a place where this evaluation met an atom"):
        follow(child, ["gate", "L0.u0"], "step")


def test_what_was_split_stays_decided() -> None:
    goal = goal_of(relu((1, 0, 1)), relu((1, 0, 2)), box(1), claim="at-most")
    (child,) = made(follow(made(follow(goal, ["gate", "L0.u0"], "step"))[0], ["narrow"], "step"))
    (obligation,) = child.obligations()
    assert max(obligation.terms) == 1  # x, no maximum


def test_narrow_refuses() -> None:
    one, other = relu((1, 0, 1)), relu((1, "1/8", 1))
    goal = goal_of(one, other, box(1), claim="within", epsilon=1)
    for step in (["narrow", []], ["narrow", 1]):
        with pytest.raises(Rejected):
            follow(goal, step, "step")
    above = made(follow(goal, ["cut", [[1, 1], [0, -3]]], "step"))[0]  # x >= 3 in [-1, 1]
    with pytest.raises(Rejected, match="a cell whose box is not empty"):
        follow(above, ["narrow"], "step")
    soft = goal_of(one, other, box(1), claim="within", epsilon=1, soft=(None, Soft((Fraction(2),))))
    with pytest.raises(Rejected, match="maxima and functions alone, found a mean or a difference"):
        made(follow(soft, ["narrow"], "step"))
    paired = made(follow(goal, ["anew", [["R0.u0", "L0.u0"]]], "step"))[0]
    with pytest.raises(Rejected, match="a mean or a difference"):
        made(follow(paired, ["narrow"], "step"))


# --- heads that are stuck -----------------------------------------------------------------------------------------


def peaks(slopes: list[int], heads: int = 1) -> dict[str, Any]:
    """A token a slope, with the largest score between i - 1/2 and i + 1/2, and there the value slope * x; heads add."""
    tokens = range(len(slopes))
    return {
        "format": "exactformer/network-1",
        "kind": "transformer",
        "embedding": {
            "weights": [[[0], [2 * t], [slope]] for t, slope in enumerate(slopes)],
            "offsets": [[1, -t * t, 0] for t in tokens],
        },
        "blocks": [
            {
                "heads": [{"query": [[1, 0, 0]], "key": [[0, 1, 0]], "value": [[0, 0, 1]], "output": [[0], [0], [1]]}]
                * heads,
                "feedforward": None,
            }
        ],
        "residual": False,
        "readout": {"token": 0, "weights": [[0, 0, 1]], "biases": [0]},
    }


def behind_units() -> dict[str, Any]:
    """Two tokens with the scores relu(3 x) and relu(5 x) - 1/2."""
    net = peaks([3, 5])
    net["embedding"]["weights"] = [[[0], [0], [slope]] for slope in (3, 5)]
    net["embedding"]["offsets"] = [[1, 0, 0], [1, "-1/2", 0]]
    inner = {"w1": [[0, 0, 1]], "b1": [0], "w2": [[0], [1], [0]], "b2": [0, 0, 0]}
    net["blocks"].insert(0, {"heads": None, "feedforward": inner})
    net["residual"] = True
    return net


def below(goal: Goal, end: str) -> Goal:
    """The part where x <= end, narrowed."""
    (child,) = made(follow(made(follow(goal, ["cut", [[1, 1], [0, f"-{end}"]]], "step"))[1], ["narrow"], "step"))
    return child


def test_a_stuck_head_forgets_tokens_that_cannot_win() -> None:
    goal = goal_of(peaks([3, 5, 2, 7]), affine(1), box(1, 0, 3))
    assert sorted(goal.stuck or ()) == [0, 1, 2, 3]
    child = below(goal, "5/4")
    assert (sorted(child.stuck or ()), sorted(child.runs[0].states)) == ([0, 1], [0, 1, 2, 3])
    child = below(child, "1")
    assert sorted(child.stuck or ()) == sorted(child.runs[0].states) == [0, 1]
    child = below(child, "1/4")
    assert child.stuck is None and child.runs[0].outputs[0].terms == {1: 3}  # type: ignore[index]
    assert child.finished


def test_the_token_that_asks_is_kept() -> None:
    """Here the scores of the tokens below are 2 t x - t^2, as the query of token 0 is 1, which no other token has."""
    net = peaks([3, 5, 2, 7])
    net["embedding"]["offsets"] = [[int(t == 0), *offset[1:]] for t, offset in enumerate(net["embedding"]["offsets"])]
    goal = goal_of(net, affine(1), box(1, 0, 3))
    for _ in range(2):
        (goal,) = made(follow(made(follow(goal, ["cut", [[1, 1], [0, -2]]], "step"))[0], ["narrow"], "step"))
    assert (sorted(goal.stuck or ()), sorted(goal.runs[0].states)) == ([2, 3], [0, 2, 3])


def test_of_several_heads_all_states_are_kept() -> None:
    """Which tokens the second head needs is not known before the first is decided; then both are."""
    child = below(below(goal_of(peaks([3, 5, 2, 7], heads=2), affine(1), box(1, 0, 3)), "5/4"), "1")
    assert sorted(child.stuck or ()) == [0, 1] and sorted(child.runs[0].states) == [0, 1, 2, 3]
    assert below(child, "1/4").runs[0].outputs[0].terms == {1: 6}  # type: ignore[index]


def test_evaluations_behind_a_stuck_one_begin_on_the_narrowed_cell() -> None:
    """So an input of which only one value is left is a number there: |x| at 0 is 0."""
    right = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
    goal = goal_of(peaks([3, 5, 2, 7]), right, box(1, 0, 3))
    child = below(goal, "0")
    assert child.finished and child.runs[1].outputs == {}
    assert child.holds([None, None])  # 3 x = 0 there


def test_atoms_in_the_states_of_a_stuck_head_are_met_again() -> None:
    """Scores about relu(x): below 0 it is 0, so token 0 wins."""
    goal = goal_of(behind_units(), affine(6), box(1, -1, 1))
    assert sorted(goal.cell.places) == ["L0.f0.t0", "L0.f0.t1"] and sorted(goal.stuck or ()) == [0, 1]
    child = below(goal, "0")
    assert child.finished and not child.cell.places and not child.obligations()


@pytest.mark.parametrize("tie", TIES)
def test_a_step_is_proved_but_for_its_jump(tie: str) -> None:
    """Two constant tokens that change at 1/2: cut there, both sides keep both tokens, as they tie at the end."""
    goal = goal_of(peaks([3, 5]), affine(3), box(1, 0, 1), tie=tie)
    child = below(goal, "1/2")
    assert sorted(child.stuck or ()) == [0, 1]
    assert len(made(follow(child, ["compare", 0, 1], "step"))) == 3


# --- functions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("epsilon", "true"), [("1", True), ("0.9975", True), ("0.9974", False), ("0", False)])
def test_a_function_and_a_constant(epsilon: str, true: bool) -> None:
    """sin(3 x) on [0, 1/2] is at most sin(3/2) = 0.99749..."""
    left, right, domain = function(SINE), affine(0), box(1, 0, "1/2")
    top = flint.arb("1.5").sin()
    assert bool(top <= flint.arb(epsilon)) == true
    assert accepted(within(epsilon, left, right, halved(3, Fraction(0), Fraction(1, 2)), domain), left, right) == true


def test_the_theorem_says_what_the_function_is() -> None:
    left, right = function(SQUARE), affine(0, "1/2")
    theorem = judged(within("1/2", left, right, [["holds", [], []]]), left, right)
    assert theorem.statement == (
        "for every x in the domain, |left(x) - right(x)| <= 1/2, where left(x) = x1^2 "
        "(real arithmetic, hard attention, any tie rule)"
    )
    assert not accepted(within("0.499", left, right, halved(5)), left, right)
    named = {**left, "variables": ["t"]}
    theorem = judged(within("1/2", named, named, [["holds", [], []]]), named, named)
    assert "where left(t) = t^2 and right(t) = t^2 (" in theorem.statement
    both = judged(within(1, left, left, [["holds", [], []]]), left, left)
    assert both.statement.endswith("where left(x) = x1^2 and right(x) = x1^2 (real arithmetic)")


def test_rows_may_take_part() -> None:
    """x y <= y/2 + 1/16 where x <= y, a triangle on whose square it is false at (1, 0.9): here at most 1/4 + x/2."""
    product = function([["input", 0], ["input", 1], ["multiply", 0, 1]], 2)
    right = maxout([], ([[0, 1]], [0]))  # y
    domain = {**box(2, 0, 1), "matrix": [[-1, 1]], "bounds": [0]}  # y <= x: x y <= y, and y - x y <= 1/4
    tree: list[Any] = [["cut", [[1, 1], [0, "-1/2"]]], ["narrow"], ["cut", [[2, 1], [0, "-1/2"]]]]
    row = 4  # the fifth row of the domain: x - y >= 0
    for weight in ("1", "2"):
        tree = []
        for x in (1, 0):
            tree += [["narrow"]] if x == 0 else [["cut", [[1, 1], [0, "-1/2"]]], ["narrow"]]
            tree += [["cut", [[2, 1], [0, "-1/2"]]], ["narrow"], ["holds", [weight, [[row, "1"]]], []]]
            tree += [["narrow"], ["holds", [], []]]
        value = within("1/4", product, right, tree, domain)
        plain = [["holds", [], []] if step[0] == "holds" else step for step in tree]
        assert not accepted({**value, "tree": plain}, product, right)
        accepted(value, product, right)


def test_functions_have_to_be_defined() -> None:
    """log x = log x is no theorem on [-1, 1], and 1/x <= 1/x none on [0, 1]."""
    for steps, low in (([*X, ["log", 0]], -1), ([*X, ["power", 0, -1]], 0), ([*X, ["power", 0, "1/2"]], "-1/1000")):
        net = function(steps)
        for claim, domain, true in (("equal", box(1, low, 1), False), ("equal", box(1, "1/2", 1), True)):
            value = certificate(net, net, domain, claim=claim, inhabitant=[1], tree=[["holds"]])
            assert accepted(value, net, net) == true
    net = function([*X, ["exp", 0]])
    value = certificate(net, net, box(1, None, 1), claim="equal", inhabitant=[1], tree=[["holds"]])
    assert not accepted(value, net, net)  # no box, no enclosure


def test_functions_at_other_points() -> None:
    """exp increases, x^2 is even and convex, on boxes that are cut."""
    exp = function([*X, ["exp", 0]])
    value = certificate(exp, None, box(1, 0, "1/2"), claim="increasing", parameters={"inputs": [0]}, inhabitant=[0])
    assert not accepted({**value, "tree": [["holds", []]]}, exp)
    even = function([["input", 0], ["power", 0, 2], ["input", 1], ["power", 2, 2], ["add", 1, 3]], 2)
    swapped = certificate(
        even,
        None,
        box(2),
        claim="invariant",
        parameters={"permutation": [1, 0]},
        inhabitant=[0, 0],
        tree=[["holds"]],
    )
    assert accepted(swapped, even)  # the two squares are two variables, so both sums are one form
    assert not accepted({**swapped, "tree": [["holds", [], []]]}, even)
    square = function(SQUARE)
    for claim, true in (("convex", True), ("concave", False)):
        value = certificate(square, None, box(1), claim=claim, inhabitant=[0], tree=[["holds", []]])
        goal = goal_of(square, None, box(1), claim=claim)
        (obligation,) = goal.obligations()
        low, high = goal.cell.atoms.bounds(obligation)
        assert low is not None and high is not None
        assert (low, high) == ((0, 2) if claim == "convex" else (-2, 0))
        assert accepted(value, square) == true


def test_refutations_of_functions() -> None:
    sine, line = function(SINE), affine(0)
    value = certificate(sine, line, box(1), claim="within", parameters={"epsilon": "1/2"}, point=["1/2"])
    around = {"lower": "0.9974", "upper": "0.9975"}
    for values, true in (
        ([[around], [0]], True),
        ([["0.99749"], [0]], False),
        ([[{**around, "lower": "0.9975"}], [0]], False),
    ):
        assert accepted({**value, "values": values}, sine, line) == true
    theorem = judged({**value, "values": [[around], [0]]}, sine, line)
    assert not theorem.holds
    assert theorem.statement == (
        "at x = (1/2), left(x) = (4987/5000 to 399/400), right(x) = (0) (tie rule average); this refutes: "
        "for every x in the domain, |left(x) - right(x)| <= 1/2, where left(x) = sin(x1*3)"
    )
    log = function([*X, ["log", 0]])
    value = certificate(log, line, box(1), claim="within", parameters={"epsilon": 1}, point=[0], values=[[0], [0]])
    assert not accepted(value, log, line)


def test_a_function_has_no_temperature() -> None:
    sine = function(SINE)
    value = within(2, sine, affine(0), [["holds", [], []]])
    assert accepted(value, sine, affine(0))
    value["left"] = {**value["left"], "temperature": ["1"]}
    with pytest.raises(Rejected, match=r"left\.temperature: expected a network, found a function"):
        judged(value, sine, affine(0))


def test_functions_and_maxima_together() -> None:
    """x^2 against a polyline with 8 pieces, N log N cells: within 1/256 only where the pieces are not cut short."""
    knots = [Fraction(i, 8) for i in range(8)]
    slopes = [Fraction(2 * i + 1, 8) for i in range(8)]
    turns = [slopes[0], *(b - a for a, b in pairwise(slopes))]
    line = relu(*((1, str(-k), str(t)) for k, t in zip(knots, turns, strict=True)))
    tree = halved(3, Fraction(0), Fraction(1))
    square = function(SQUARE)
    assert accepted(within("1/256", square, line, tree, box(1, 0, 1)), square, line)
    assert not accepted(within("0.0039", square, line, tree, box(1, 0, 1)), square, line)
    wrong = relu(
        *((1, str(-k), str(t)) for k, t in zip(knots, [*turns[:-1], turns[-1] + Fraction(1, 2**30)], strict=True))
    )
    assert not accepted(within("1/256", square, wrong, tree, box(1, 0, 1)), square, wrong)
    uncut = halved(2, Fraction(0), Fraction(1))
    assert not accepted(within("1/256", square, line, uncut, box(1, 0, 1)), square, line)


def test_a_function_has_no_layers() -> None:
    assert layers_of(read_network(encoded(function(SINE)), "f.json")) == 0


def test_output_sets_are_those_of_networks() -> None:
    with pytest.raises(Rejected, match="expected a network, found a function"):
        statement_of(function(SINE), None, box(1), claim="avoids", sets=[{"matrix": [[1]], "bounds": [-2]}])
