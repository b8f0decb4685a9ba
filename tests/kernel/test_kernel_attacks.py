"""Attempts to have a false theorem accepted by what narrow, functions and chains know; each is refused, or true."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from kernel_material import accepted, box, certificate, encoded, goal_of, judged, made, maxout, step_head
from test_kernel_chains import NETWORKS, chain, equality, linked, links, nearness, reason
from test_kernel_chains import judged as judged_chain
from test_kernel_narrow import SQUARE, X, affine, function, relu, within

from exactformer.kernel.claims import Goal, follow
from exactformer.kernel.reading import Rejected

ABS = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
CUT = ["cut", [[1, 1]]]


def proof(left: Any, right: Any, domain: Any, tree: list[Any], claim: str, inside: Any = None, **given: Any) -> Any:
    inside = [0] * len(domain["lower"]) if inside is None else inside
    return certificate(left, right, domain, claim=claim, parameters=given, inhabitant=inside, tree=tree)


def refuted(left: Any, right: Any, claim: str, point: list[Any], values: list[Any], **given: Any) -> Any:
    return certificate(left, right, box(1), claim=claim, parameters=given, point=point, values=values)


FIRST_OF_TWO = function([["input", 0]], 2)
INPUTS = function([["input", 1], ["input", 0]], 2)  # the first input, by the last step


def refuted_input() -> Any:
    """x1 at (1, 0): the second input is a step of its own."""
    given = {"parameters": {"lower": [None], "upper": ["1/2"]}, "point": [1, 0], "values": [[1]]}
    return certificate(FIRST_OF_TWO, None, box(2), claim="range", **given)


def test_the_value_of_an_input_is_that_input() -> None:
    assert judged(refuted_input(), FIRST_OF_TWO).statement.startswith("at x = (1, 0), left(x) = (1) ")
    assert not accepted({**refuted_input(), "point": [0, 1], "values": [[1]]}, FIRST_OF_TWO)


def refuted_mean() -> Any:
    """2/3, the mean of 1 and 0 to the base 2, is not at least 1."""
    ends = {"lower": "0.6", "upper": "0.7"}
    value = refuted(relu((1, 0, 1)), None, "range", [1], [[ends]], lower=[1], upper=[None])
    return {**value, "left": {**value["left"], "temperature": [1], "base": "2"}}


def test_a_mean_is_refuted_without_a_tie_rule() -> None:
    statement = judged(refuted_mean(), relu((1, 0, 1))).statement
    assert statement == (
        "at x = (1), left(x) = (3/5 to 7/10) (softmax of base 2 at inverse temperature 1); "
        "this refutes: for every x in the domain, 1 <= left(x)"
    )


def path(goal: Goal, *steps: tuple[Any, int]) -> Goal:
    """The cell to which steps lead, each with the number of the child."""
    for step, number in steps:
        goal = made(follow(goal, step, "step"))[number]
    return goal


# --- narrow: what a smaller box must not keep, and what it must not say -------------------------------------------


@pytest.mark.parametrize("stale", ["L0.u0", "R0.u0", "n1", "n-1", "N0", "n00", "n0 "])
@pytest.mark.parametrize("step", ["gate", "fact", "cut", "bound"])
def test_no_place_of_before_is_known(step: str, stale: str) -> None:
    """Atom 2 of the old table is |x|, of the new one relu(x - 1/2): an old name must not find the new atom."""
    left, right = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0])), relu((1, "-1/2", 1))
    goal = path(goal_of(left, right, box(1), claim="at-most"), (CUT, 0), (["narrow"], 0))
    assert sorted(goal.cell.places) == ["n0"]
    steps = {
        "gate": ["gate", stale],
        "fact": ["holds", ["1", [[stale, 0, "1"]]]],
        "cut": ["cut", [[stale, 1]]],
        "bound": ["bound", stale, [[0, 9]], [], []],
    }
    with pytest.raises(Rejected, match="place"):
        follow(goal, steps[step], "step")


def test_rows_about_maxima_do_not_survive() -> None:
    """Gates and bounds leave rows about atoms, whose numbers mean other atoms afterwards: they are gone."""
    left, right = relu((1, 0, 1), (1, "-1/2", 1)), relu((1, "1/2", 1))
    deep = maxout([([[[1], [0]]], [[0, 0]]), ([[[1], ["-1"]]], [[0, "1/4"]])], ([[1]], [0]))
    goal = goal_of(deep, right, box(1), claim="at-most")
    gated = path(goal, (["gate", "L1.u0"], 0))  # the row is about L0.u0
    assert any(max(form.terms) > 1 for form, _ in gated.cell.rows)
    child = path(gated, (["narrow"], 0))
    assert child.cell.rows == goal.cell.rows
    bounded = path(goal_of(left, right, box(1), claim="at-most"), (["bound", "L0.u0", [[0, 1]], [], []], 0))
    child = path(bounded, (["narrow"], 0))
    assert len(child.cell.rows) == 2 and len(bounded.cell.rows) == 3
    with pytest.raises(Rejected):
        follow(child, ["holds", ["1", [[2, "1"]]]], "step")


def test_what_is_decided_holds_on_its_cell_alone() -> None:
    """relu(x) = x on a cell; the same maximum, met again beside it or in another form there, is none of x and 0."""
    left, right = relu((1, 0, 1)), affine(1)
    for tree in (
        [["gate", "L0.u0"], ["narrow"], ["holds"], ["narrow"], ["holds"]],
        [["gate", "L0.u0"], ["narrow"], ["holds"], ["holds"]],
        [["narrow"], ["gate", "n0"], ["narrow"], ["holds"], ["narrow"], ["holds"]],
        [["narrow"], ["gate", "n0"], ["holds"], ["narrow"], ["holds"]],
    ):
        assert not accepted(proof(left, right, box(1), tree, "equal"), left, right)
        assert accepted(proof(left, right, box(1, 0, 1), [["narrow"], ["holds"]], "equal"), left, right)
    child = path(goal_of(left, affine(0), box(1), claim="at-most"), (["gate", "L0.u0"], 0), (["narrow"], 0))
    cell = child.cell
    assert not (cell.known or cell.classes or cell.signs or cell.touched or cell.final or cell.memo or cell.pairs)


def test_signs_do_not_survive() -> None:
    """On x > 0 the step is 1; what is narrowed there says so for x >= 0, where the cell is, and nothing beside it."""
    step, one = step_head(), affine(0, 1)
    tree: list[Any] = [["compare", 0, 1], ["narrow"], ["holds"], ["narrow"], ["holds"], ["narrow"], ["holds"]]
    assert not accepted(proof(step, one, box(1), tree, "equal"), step, one)
    domain = box(1, "1/8", 1)
    assert accepted(proof(step, one, domain, [["narrow"], ["holds"]], "equal", [1]), step, one)
    above = path(goal_of(step, one, box(1)), (["compare", 0, 1], 0), (["narrow"], 0))
    assert above.cell.signs == {} and above.obligations() == []
    level = path(goal_of(step, one, box(1)), (["compare", 0, 1], 1), (["narrow"], 0))
    assert len(level.obligations()) == 2  # 1/2 is not 1
    assert level.runs[0].ties == 1  # the theorem has to name the rule all the same


@pytest.mark.parametrize("tie", ["average", "leftmost", "rightmost"])
def test_a_tie_before_narrow_names_the_rule(tie: str) -> None:
    """The step head is within 1 of 1 under any rule, but the output at x = 0 came from this one."""
    step, one = step_head(), affine(0, 1)
    tree: list[Any] = [["compare", 0, 1]]
    first = goal_of(step, one, box(1), tie, claim="within", epsilon=1)
    for child in range(3):
        goal = path(first, (["compare", 0, 1], child), (["narrow"], 0))
        tree += [["narrow"], ["holds", *[[] for _ in goal.obligations()]]]
    value = certificate(step, one, box(1), tie, claim="within", parameters={"epsilon": 1}, inhabitant=[0], tree=tree)
    assert f"tie rule {tie}" in judged(value, step, one).statement


def test_an_alias_is_that_of_the_new_table() -> None:
    """relu(-x) = relu(x) - x by an alias; on x >= 0 both are affine, and nothing is left of the alias."""
    left = relu((1, 0, 1), (-1, 0, 1))
    for right, true in ((ABS, True), (relu((1, 0, 1)), False), (relu((1, 0, 2)), False), (affine(1), False)):
        for tree in ([["narrow"], ["holds"]], [CUT, ["narrow"], ["holds"], ["narrow"], ["holds"]]):
            assert accepted(proof(left, right, box(1), tree, "equal"), left, right) == true


def test_a_strict_row_sharpens_to_its_closure() -> None:
    """On x > 0 the box is [0, 1], with the end: x^2 > 0 is none of what it shows, and -x < 0 leaves x = 0."""
    step, square = step_head(), function(SQUARE)
    above = path(goal_of(step, affine(0), box(1)), (["compare", 0, 1], 0), (["narrow"], 0))
    assert (above.cell.atoms.low[1], above.cell.atoms.high[1]) == (0, 1)
    below = path(goal_of(step, affine(0), box(1)), (["compare", 0, 1], 2), (["narrow"], 0))
    assert (below.cell.atoms.low[1], below.cell.atoms.high[1]) == (-1, 0)
    value = proof(
        square, None, box(1, 0, 1), [["holds", []]], "range", lower=[Fraction(1, 10**9).__str__()], upper=[None]
    )
    assert not accepted(value, square)


@pytest.mark.parametrize("form", [[[1, 1], [2, -1]], [[1, 1], [2, 1], [0, -1]], [[1, 0], [2, 0]], [[0, 1]], []])
def test_only_rows_about_one_variable_sharpen(form: list[Any]) -> None:
    product = function([["input", 0], ["input", 1], ["multiply", 0, 1]], 2)
    goal = goal_of(product, maxout([], ([[0, 0]], [0])), box(2), claim="at-most")
    for number in (0, 1):
        child = path(goal, (["cut", form], number), (["narrow"], 0))
        assert (child.cell.atoms.low[1:3], child.cell.atoms.high[1:3]) == ([-1, -1], [1, 1])


def test_rows_add_up_over_several_narrowings() -> None:
    """A row of the parent sharpens again, and a row the other way leaves no box."""
    goal = goal_of(function(SQUARE), affine(0), box(1), claim="at-most")
    child = path(
        goal, (["cut", [[1, 4], [0, -1]]], 0), (["narrow"], 0), (["cut", [[1, 2], [0, -1]]], 1), (["narrow"], 0)
    )
    assert (child.cell.atoms.low[1], child.cell.atoms.high[1]) == (Fraction(1, 4), Fraction(1, 2))
    at = path(child, (["cut", [[1, 4], [0, -1]]], 1), (["narrow"], 0))  # a single point is a box
    assert at.cell.atoms.low[1] == at.cell.atoms.high[1] == Fraction(1, 4)
    with pytest.raises(Rejected, match="a cell whose box is not empty"):
        path(child, (["cut", [[1, 8], [0, -1]]], 1), (["narrow"], 0))
    with pytest.raises(Rejected, match="proofs of all obligations"):
        follow(at, ["holds", []], "step")


@pytest.mark.parametrize("steps", [[["anew", []], ["narrow"]], [["narrow"], ["anew", []]], [["narrow"], ["narrow"]]])
def test_narrow_and_anew_in_turns(steps: list[Any]) -> None:
    """x - relu(x) = min(x, 0): <= 0 everywhere, >= 0 on the right half alone, however the cell was come by."""
    left, right = affine(1), relu((1, 0, 1))
    for claim, (one, other), true in (("at-most", (left, right), True), ("at-most", (right, left), False)):
        proved = [["holds", ["1", [["n0", 0, "1"]]]], ["holds", ["1", [["R0.u0", 0, "1"]]]]]
        trees = [[*steps, closing] for closing in (*proved, ["holds", []], ["holds", ["1", []]])]
        assert any(accepted(proof(one, other, box(1), tree, claim), one, other) for tree in trees) == true


def late_network(units: int = 7) -> Any:
    """max(0, max(0, x + 1/9) - 1/2) among many maxima that do not matter: few atoms of a long table are needed."""
    first = [[1]] * units, [f"{1 + i}/9" for i in range(units)]
    return maxout([first, ([[1] + [0] * (units - 1)], ["-1/2"])], ([[1]], [0]), "relu")


@pytest.mark.parametrize("units", [5, 6, 7, 8, 13, 14, 15, 16, 30])
def test_atoms_are_met_from_the_first_on(units: int) -> None:
    """An atom whose candidates have not been met would keep the numbers of another table."""
    net = late_network(units)
    goal = goal_of(net, affine(0), box(1), claim="at-most")
    child = path(goal, (["narrow"], 0))
    assert child.cell.places == {"n0": 2, "n1": 3}
    assert {v for forms in child.cell.atoms.candidates.values() for form in forms for v in form.terms} == {0, 1, 2}
    (form,) = child.obligations()
    assert child.cell.atoms.bounds(form) == (Fraction(-11, 18), 0)


# --- points: y, midpoints, permutations ---------------------------------------------------------------------------

CUBE = function([*X, ["power", 0, 3]])
SINE = function([*X, ["sin", 0]])
TWO = function([["input", 0], ["input", 1], ["power", 1, 3], ["add", 0, 2]], 2)  # x1 + x2^3


@pytest.mark.parametrize(
    ("net", "claim", "given", "low", "true"),
    [
        (CUBE, "convex", {}, -1, False),
        (CUBE, "concave", {}, 0, False),
        (function(SQUARE), "independent", {"inputs": [0]}, -1, False),
        (function([["number", 3]], 1), "independent", {"inputs": [0]}, -1, True),
        (function([*X, ["power", 0, 0]]), "independent", {"inputs": [0]}, -1, True),
        (TWO, "independent", {"inputs": [0]}, 0, False),
        (TWO, "independent", {"inputs": [1]}, 0, False),
        (function([["input", 1]], 2), "independent", {"inputs": [0]}, 0, True),
        (function([["input", 1], ["number", 5], ["input", 0]], 2), "independent", {"inputs": [0]}, 0, False),
        (function([["input", 1], ["number", 5], ["input", 0]], 2), "independent", {"inputs": [1]}, 0, True),
        (INPUTS, "independent", {"inputs": [0]}, 0, False),
        (INPUTS, "independent", {"inputs": [1]}, 0, True),
        (function([["number", 5], ["input", 0]]), "convex", {}, 0, True),
        (function([["input", 1]], 2), "independent", {"inputs": [1]}, 0, False),
        (TWO, "invariant", {"permutation": [1, 0]}, 0, False),
        (TWO, "invariant", {"permutation": [0, 1]}, 0, True),
        (SINE, "ties-agree", {"rules": ["leftmost", "rightmost"]}, 0, True),
    ],
)
@pytest.mark.parametrize("cuts", [0, 1, 2])
def test_points_are_not_mixed_up(net: Any, claim: str, given: Any, low: Any, true: bool, cuts: int) -> None:
    """Functions at x, y, Px and (x + y)/2; with cuts by x alone, y keeps its whole range."""
    domain = box(net["inputs"], low, 1)
    goal = goal_of(net, None, domain, claim=claim, **given)
    tree: list[Any] = []
    waiting = [(goal, cuts)]
    while waiting:
        here, left = waiting.pop()
        if left:
            steps = [["cut", [[1, 2], [0, -1]]]] if left == cuts else [["cut", [[1, 4], [0, -1]]]]
            tree += steps
            waiting += [(child, left - 1) for child in reversed(made(follow(here, steps[0], "step")))]
            continue
        try:
            (child,) = made(follow(here, ["narrow"], "step"))
        except Rejected:
            tree.append(["empty", []])
            continue
        tree += [["narrow"], ["holds", *[[] for _ in child.obligations()]]]
    if cuts < 2 or not true:
        assert accepted(proof(net, None, domain, tree, claim, [1] * net["inputs"], **given), net) == true


def test_the_second_point_has_its_own_box() -> None:
    """exp does not decrease: not even where x is cut to [1/2, 1], y staying in [0, 1]."""
    exp = function([*X, ["exp", 0]])
    goal = goal_of(exp, None, box(1, 0, 1), claim="independent", inputs=[0])
    child = path(goal, (["cut", [[1, 2], [0, -1]]], 0), (["narrow"], 0))
    assert (child.cell.atoms.low[1:3], child.cell.atoms.high[1:3]) == ([Fraction(1, 2), 0], [1, 1])
    low, high = child.cell.atoms.bounds(child.obligations()[0])
    assert low is not None and high is not None and low < Fraction("-1.069") and high > Fraction("1.71")


# --- functions without inputs, or that ignore them; definedness ---------------------------------------------------


def test_functions_of_nothing() -> None:
    empty: Any = {"lower": [], "upper": []}
    pi, log = function([["pi"]], 0), function([["number", 0], ["log", 0]], 0)
    number = maxout([], ({"shape": [1, 0], "entries": []}, ["22/7"]))
    for epsilon, true in (("0.00127", True), ("0.00126", False), ("0", False)):
        for steps in ([], [["narrow"]], [["anew", []]]):
            tree = [*steps, ["holds", [], []]]
            assert accepted(within(epsilon, pi, number, tree, empty), pi, number) == true
    assert accepted(proof(pi, pi, empty, [["holds"]], "equal"), pi, pi)
    for steps in ([], [["narrow"]], [["anew", []]]):
        assert not accepted(proof(log, log, empty, [*steps, ["holds"]], "equal"), log, log)
    refuted = certificate(log, log, empty, claim="equal", point=[], values=[[0], [1]])
    assert not accepted(refuted, log, log)


@pytest.mark.parametrize("domain", [box(1, 0, 1), box(1, None, 1), box(1, 0, None), box(1, None, None)])
def test_what_ignores_its_inputs_needs_them_bounded(domain: Any) -> None:
    """A constant by a formula is no theorem on an unbounded domain, where nothing is enclosed; on a box it is."""
    net = function([["pi"]], 1)
    true = None not in domain["lower"] + domain["upper"]
    for steps in ([], [["narrow"]], [["anew", []]]):
        value = proof(net, net, domain, [*steps, ["holds"]], "equal", [0])
        assert accepted(value, net, net) == true


UNDEFINED = [["log", 0], ["power", 0, -1], ["power", 0, "1/2"], ["power", 0, "-1/2"], ["divide", 1, 0]]


@pytest.mark.parametrize("step", UNDEFINED)
@pytest.mark.parametrize("used", [True, False])
def test_an_undefined_step_is_no_theorem(step: list[Any], used: bool) -> None:
    """Where a step is undefined somewhere on the domain, no tree proves anything, whether the last step uses it."""
    steps = [*X, ["number", 1], step] + ([] if used else [["number", 0]])
    net, other = function(steps), affine(0)
    trees: list[list[Any]] = [
        [["holds"]],
        [["narrow"], ["holds"]],
        [["anew", []], ["holds"]],
        [CUT, ["holds"], ["holds"]],
        [CUT, ["narrow"], ["holds"], ["narrow"], ["holds"]],
        [CUT, ["anew", []], ["holds"], ["narrow"], ["holds"]],
        [CUT, ["narrow"], ["holds"], ["empty", []]],
        [["cut", [[0, 0]]], ["narrow"], ["holds"], ["narrow"], ["holds"]],
    ]
    for tree in trees:
        assert not accepted(proof(net, net, box(1), tree, "equal"), net, net)
    for tree in trees:
        bounds = [["holds", [], []] if step == ["holds"] else step for step in tree]
        assert not accepted(within("1e4000", net, other, bounds), net, other)
    domain = box(1, "1/2", 1)
    assert accepted(proof(net, net, domain, [["holds"]], "equal", [1]), net, net)
    for point in ([0], [-1]):
        if step[-1] != "1/2" or point == [-1]:
            refuted = certificate(net, other, box(1), claim="equal", point=point, values=[[1], [0]])
            assert not accepted(refuted, net, other)


def test_a_function_that_cancels_has_to_be_defined() -> None:
    """log x - log x is 0 where log is defined; so is what a later table has forgotten."""
    log = function([*X, ["log", 0]])
    for claim, given in (("at-most", {}), ("within", {"epsilon": 0}), ("equal", {})):
        for steps in ([], [["narrow"]], [["narrow"], ["narrow"]], [["anew", []], ["narrow"]]):
            value = proof(log, log, box(1, 0, 1), [*steps, ["holds"]], claim, [1], **given)
            assert not accepted(value, log, log)
            assert accepted(proof(log, log, box(1, "1/9", 1), [*steps, ["holds"]], claim, [1], **given), log, log)


def test_a_matrix_does_not_define() -> None:
    """Only boxes do: on x >= 1/2 by a row of the matrix alone log counts as undefined, and after narrow as defined."""
    log = function([*X, ["log", 0]])
    domain = {**box(1), "matrix": [[-1]], "bounds": ["-1/2"]}
    for tree, true in (([["holds"]], False), ([["narrow"], ["holds"]], True), ([["anew", []], ["holds"]], True)):
        assert accepted(proof(log, log, domain, tree, "equal", [1]), log, log) == true


def test_a_rest_with_functions_needs_its_bound() -> None:
    """What rows leave of a goal is >= 0 or not; no multiple, no row and no fact makes x^2 <= 0 of it."""
    square, zero = function(SQUARE), affine(0)
    for rows in ([], [[0, "1"]], [[1, "1"]], [[0, "1"], [1, "1"]], [[0, "ffff"], [1, "1"]]):
        for weight in ("1", "2", "ffffffff"):
            assert not accepted(proof(square, zero, box(1), [["holds", [weight, rows]]], "at-most"), square, zero)
    line = affine(1)  # x^2 <= x on [0, 1]: true by bounds, and what rows leave of it is not
    assert accepted(proof(square, line, box(1, 0, 1), [["holds", []]], "at-most"), square, line)
    assert accepted(proof(square, line, box(1, 0, 1), [["holds", ["1", []]]], "at-most"), square, line)
    assert not accepted(proof(square, line, box(1, 0, 1), [["holds", ["1", [[0, "1"]]]]], "at-most"), square, line)


def test_functions_and_networks_are_not_taken_for_one_another() -> None:
    """The names, the steps and the order of two functions decide which is which."""
    one, other = function([*X, ["sin", 0]]), function([*X, ["cos", 0]])
    for left, right in ((one, other), (other, one)):
        for tree in ([["holds"]], [["narrow"], ["holds"]], [["anew", []], ["holds"]], [["holds", [], []]]):
            assert not accepted(proof(left, right, box(1), tree, "equal"), left, right)
    wide = function([["input", 0], ["sin", 0]], 2)
    with pytest.raises(Rejected, match="equal numbers of inputs"):
        judged(proof(one, wide, box(1), [["holds"]], "equal"), one, wide)
    spelt = function([*X, ["number", "1.50"], ["multiply", 0, 1]])
    same = function([*X, ["number", "3/2"], ["multiply", 0, 1]])
    assert accepted(proof(spelt, same, box(1), [["holds"]], "equal"), spelt, same)
    swapped = function([*X, ["number", "3/2"], ["divide", 0, 1]])
    assert not accepted(proof(swapped, same, box(1), [["holds"]], "equal"), swapped, same)


@pytest.mark.parametrize("seed", range(60))
def test_random_bounds_of_functions_are_true(seed: int) -> None:
    """On random cells, narrowed or anew, obligations lie within their bounds at points, values being those of balls."""
    import flint

    r = Random(f"attack {seed}")
    inputs = r.choice([1, 2])
    steps: list[Any] = [["input", i] for i in range(inputs)] + [["number", str(Fraction(r.randint(-9, 9), 4))]]
    for _ in range(r.randint(1, 5)):
        a, b = r.randrange(len(steps)), r.randrange(len(steps))
        steps.append(
            r.choice(
                [
                    *(["add", a, b], ["multiply", a, b], ["sin", a], ["tanh", a], ["absolute", a]),
                    *(["power", a, 2], ["maximum", a, b], ["minimum", a, b], ["cos", a]),
                ]
            )
        )
    net = function(steps, inputs)
    claim = r.choice(["convex", "increasing", "independent", "invariant"])
    given: Any = {"inputs": [r.randrange(inputs)]} if claim in ("increasing", "independent") else {}
    given |= {"permutation": r.sample(range(inputs), inputs)} if claim == "invariant" else {}
    goal = goal_of(net, None, box(inputs, -1, 2), claim=claim, **given)
    count = goal.cell.atoms.inputs

    def ball(point: list[Fraction]) -> Any:
        found: list[Any] = []
        for name, *of in steps:
            if name == "input":
                found.append(flint.arb(flint.fmpq(point[of[0]].numerator, point[of[0]].denominator)))
            elif name == "number":
                found.append(flint.arb(flint.fmpq(*Fraction(of[0]).as_integer_ratio())))
            elif name == "add":
                found.append(found[of[0]] + found[of[1]])
            elif name == "multiply":
                found.append(found[of[0]] * found[of[1]])
            elif name == "power":
                found.append(found[of[0]] ** 2)
            elif name in ("maximum", "minimum"):
                found.append((found[of[0]].max if name == "maximum" else found[of[0]].min)(found[of[1]]))
            else:
                x = found[of[0]]
                found.append(abs(x) if name == "absolute" else getattr(x, name)())
        return found[-1]

    for _ in range(4):
        variable = r.randint(1, count)
        low, high = goal.cell.atoms.low[variable], goal.cell.atoms.high[variable]
        assert low is not None and high is not None
        goal = path(goal, (["cut", [[variable, 1], [0, str(-(low + high) / 2)]]], r.randrange(2)))
        goal = path(goal, (r.choice([["narrow"], ["narrow"], ["anew", []]]), 0))
        ends = list(zip(goal.cell.atoms.low[1 : count + 1], goal.cell.atoms.high[1 : count + 1], strict=True))
        for _ in range(6):
            at = [low + (high - low) * Fraction(r.randint(0, 8), 8) for low, high in ends]  # type: ignore[operator]
            values = [ball([form.at([1, *at]) for form in job.inputs]) for job in goal.statement.jobs]
            true = goal.statement.jobs
            assert len(true) == len(values)
            x = values[0] - values[-1] if claim != "convex" else values[1] + values[2] - 2 * values[0]
            x = -x if claim == "increasing" else x
            for form in goal.conclusions:
                least, most = goal.cell.atoms.bounds(form)
                assert least is not None and most is not None
                assert not x < flint.arb(flint.fmpq(*least.as_integer_ratio()))
                assert not x > flint.arb(flint.fmpq(*most.as_integer_ratio()))


# --- chains -------------------------------------------------------------------------------------------------------


def two(change: Any = None, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A chain of two links with a change to the certificate of the second."""
    files = links()
    files[SECOND] = {**files[SECOND], **(change or {})}
    return chain(files, [FIRST, linked(files, SECOND, **more)]), files


FIRST, SECOND, THIRD = "first.json", "second.json", "third.json"


@pytest.mark.parametrize(
    ("domain", "same"),
    [
        ({"lower": ["-1"], "upper": ["1"]}, True),
        ({"lower": ["-2/2"], "upper": ["1.0"]}, True),
        ({"lower": [-1], "upper": [1], "matrix": [], "bounds": []}, True),
        ({"lower": [-1], "upper": ["1.0000000001"]}, False),
        ({"lower": [-1], "upper": [1], "matrix": [[1]], "bounds": [1]}, False),  # the same set, in other words
        ({"lower": [-1], "upper": [1], "matrix": [[0]], "bounds": [0]}, False),
        ({"lower": ["-1/2"], "upper": [1]}, False),
    ],
)
def test_domains_are_compared_as_sets_of_rows(domain: Any, same: bool) -> None:
    value, files = two({"domain": domain})
    if same:
        assert "<= 1/4" in judged_chain(value, files).statement
    else:
        assert "the domain and the tie rule of the first link" in reason(value, files)


def test_a_file_under_two_names_is_one_side() -> None:
    """By its bytes; and two files under one name are two sides, one after the other."""
    files = links()
    files["copy.json"] = NETWORKS["line.json"]
    files[SECOND] = {**files[SECOND], "left": {**files[SECOND]["left"], "file": "copy.json"}}
    found = judged_chain(chain(files, [FIRST, SECOND]), files)
    assert found.files["copy.json"] == found.files["line.json"]
    spaced = encoded(NETWORKS["line.json"]) + b" "
    other = {**files[SECOND]["left"], "sha256": hashlib.sha256(spaced).hexdigest()}
    files[SECOND] = {**files[SECOND], "left": other}
    assert reason(chain(files, [FIRST, SECOND]), files)  # the bytes are not those


@pytest.mark.parametrize(
    "epsilon", [-1, "-1/4", "-0.25", None, True, [1], {"a": 1}, "", "x", "1/0", "nan", "inf", "1e4001"]
)
def test_a_distance_is_a_number_that_is_not_negative(epsilon: Any) -> None:
    """A negative one would pay for another link."""
    files = links()
    files[SECOND] = nearness(epsilon, "line.json", "same.json", [["holds"]])
    assert reason(chain(files, [FIRST, SECOND]), files)


@pytest.mark.parametrize("text", ["1/4", "0.25", "25e-2", "+1/4", "2/8", "00.25"])
def test_a_distance_in_other_words_is_the_same(text: str) -> None:
    files = {FIRST: nearness(text, "line.json", "zero.json", [["holds", [], []]])}
    assert reason(chain(files, [FIRST]), files)  # false: |x| reaches 1
    files = {FIRST: nearness(text, "line.json", "line.json", [["holds", [], []]])}
    assert "<= 1/4 (" in judged_chain(chain(files, [FIRST]), files).statement


def test_a_link_that_is_refuted_or_has_no_proof_is_none() -> None:
    value = {key: x for key, x in equality("line.json", "zero.json").items() if key not in ("tree", "inhabitant")}
    refuted = {**value, "point": [1], "values": [[1], [0]]}
    for bad in (refuted, value, {**value, "tree": [["holds"]]}, {**refuted, "tree": [], "inhabitant": [0]}):
        files = {FIRST: links()[FIRST], SECOND: bad}
        assert reason(chain(files, [FIRST, SECOND]), files)


def test_links_of_other_claims_are_none() -> None:
    """at-most, range and the like, whatever their parameters; and a list or an object in place of the name."""
    for claim in ("at-most", "range", "convex", "ties-agree", "invariant", ["equal"], {"equal": 1}, None, "Equal"):
        value, files = two({"claim": claim})
        assert "the claim equal or within" in reason(value, files)


def test_temperatures_are_those_of_the_layers() -> None:
    """[2] and [2, 2] are one reading of a network with two layers; [2, 3] is another, and so is [2] to base 2."""
    deep = maxout([([[[1], [-1]]], [[0, 0]]), ([[[1], [0]]], [[0, 0]])], ([[1]], [0]))
    zero = affine(0)

    def link(left: Any, right: Any, side: str, **how: Any) -> Any:
        value = within(3, left, right, [["holds", [], []]])
        return {**value, side: {**value[side], **how}}

    def renamed(value: Any, one: str, other: str) -> Any:
        return {**value, "left": {**value["left"], "file": one}, "right": {**value["right"], "file": other}}

    first = renamed(link(zero, deep, "right", temperature=[2]), "zero.json", "deep.json")
    for how, meet in (
        ({"temperature": [2]}, True),
        ({"temperature": [2, 2]}, True),
        ({"temperature": ["2.0", "4/2"], "base": "e"}, True),
        ({"temperature": [2, 3]}, False),
        ({"temperature": [2], "base": "2"}, False),
        ({}, False),
    ):
        second = renamed(link(deep, zero, "left", **how), "deep.json", "zero.json")
        files = {FIRST: first, SECOND: second, "deep.json": deep}
        value = chain(files, [FIRST, SECOND])
        if meet:
            assert "<= 6" in judged_chain(value, files).statement
        else:
            assert "another side" in reason(value, files)


def test_a_chain_names_a_tie_rule_that_any_link_used() -> None:
    """A step head equals itself cell by cell, where a tie was broken by the rule; a plain link has broken none."""
    step = step_head()
    value = certificate(step, step, box(1), claim="equal", inhabitant=[0], tree=[])
    side = {**value["left"], "file": "step.json"}
    tied = {**value, "left": side, "right": side, "tree": [["compare", 0, 1], ["holds"], ["holds"], ["holds"]]}
    plain = nearness("3", "line.json", "zero.json", [["holds", [], []]])
    into = within(1, step, affine(0), [["compare", 0, 1], ["holds", []], ["holds", [], []], ["holds", [], []]])
    into = {**into, "left": side, "right": {**into["right"], "file": "zero.json"}}
    files = {FIRST: tied, SECOND: into, THIRD: plain, "step.json": step}
    for names, words in (
        ([FIRST], "tie rule average"),
        ([FIRST, SECOND], "tie rule average"),
        ([SECOND, linked(files, THIRD, **{"from": "right"})], "tie rule average"),  # neither end breaks one
        ([THIRD], "any tie rule"),
    ):
        found = judged_chain(chain(files, names), files)
        assert found.statement.endswith(f"(real arithmetic, hard attention, {words})")


def test_a_chain_does_not_hold_itself_or_another() -> None:
    files = links()
    inner = chain(files, [FIRST, SECOND])
    files["chain.json"] = inner
    assert "a certificate of the format" in reason(chain(files, ["chain.json"]), files)
