"""Values written as an earlier one plus a small difference, affine bounds, cuts, and cells evaluated anew."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from random import Random
from typing import Any

import pytest
from kernel_material import (
    CLAIMS,
    HARD,
    TIES,
    Asked,
    Soft,
    accepted,
    attention,
    box,
    certificate,
    goal_of,
    made,
    maxout,
    perturbed,
    random_claim,
    random_domain,
    random_near_step,
    random_network,
    random_walk,
    record_blends,
    step_head,
)

from exactformer.kernel.atoms import Atoms
from exactformer.kernel.claims import Goal, follow
from exactformer.kernel.forms import ZERO, Form, difference
from exactformer.kernel.reading import Rejected

F = Fraction
PAIRED = [[f"R0.u{i}", f"L0.u{i}"] for i in range(2)]

RATES = ("1", "1", "2", "1/2", "8", "64", "1/64", "1000000", "1/1000000", "3/7", "21/2")


# --- at random ------------------------------------------------------------------------------------


def layers(network: dict[str, Any]) -> int:
    return len(network.get("layers", [])) + sum(block["heads"] is not None for block in network.get("blocks", []))


def random_soft(r: Random, network: dict[str, Any]) -> Soft:
    """One rate for all layers, or one a layer; tiny, huge, or of the size of the values."""
    count = r.choice((1, max(layers(network), 1)))
    return Soft(tuple(Fraction(r.choice(RATES)) for _ in range(count)), r.choice("e2e"))


def random_near_question(r: Random) -> Asked:
    """A random claim about networks that are often near one another, one or both of them read with softmax."""
    n, outputs = r.randint(1, 2), r.choice((1, 1, 2))
    claim, parameters = random_claim(r, n, outputs, r.choice([claim for claim in CLAIMS if claim != "ties-agree"]))
    left, right = random_network(r, n, outputs), None
    if CLAIMS[claim] == 2:
        kind = r.random()
        right = left if kind < 0.3 else perturbed(r, left) if kind < 0.6 else random_network(r, n, outputs)
    one, other = random_soft(r, left), None if right is None else random_soft(r, right)
    if right is not None and r.random() < 0.4:
        other = one
    sides = r.choice(((None, other), (None, other), (one, other), (one, other), (one, None), (None, None)))
    return Asked(left, right, random_domain(r, n), r.choice(TIES), claim, sides, **parameters)


@pytest.mark.parametrize("seed", range(150))
def test_softmax_pairs_and_cuts_say_nothing_false(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every cell of a random walk all bounds, gaps and values are true, up to some hundred digits."""
    record_blends(monkeypatch)
    r = Random(f"near {seed}")
    asked = random_near_question(r)
    assert random_walk(r, asked, asked.points(r, 8), r.randint(1, 6), near=0.5) == []


MUCH = F(10**9)  # an epsilon that every bound shows


def random_near_proof(r: Random) -> tuple[Asked, list[Any], Fraction]:
    """Two networks on a box, random cuts, pairs and splits, and the least epsilon that the bounds then show."""
    n = r.randint(1, 2)
    left = random_network(r, n, 1)
    right = left if r.random() < 0.4 else perturbed(r, left)
    one, other = random_soft(r, left), random_soft(r, right)
    sides = r.choice(((None, other), (one, None), (one, one), (None, None)))
    asked = Asked(left, right, box(n, -2, 2), r.choice(TIES), "within", sides, epsilon=str(MUCH))
    tree: list[Any] = []

    def grow(goal: Goal, depth: int) -> Fraction:
        """Steps that close the goal; the epsilon that they need."""
        if goal.stuck:
            scores, sign = goal.stuck, goal.opened().cell.sign
            pairs = combinations(sorted(scores), 2)
            step: list[Any] = next(
                ["compare", a, b] for a, b in pairs if sign(difference(scores[a], scores[b])) is None
            )
        elif depth:
            step = random_near_step(r, goal)
        else:
            tree.append(["holds", [], []])
            lows = [goal.cell.atoms.bounds(form)[0] for form in goal.opened().obligations()]
            return MUCH - min(-MUCH if low is None else low for low in lows)
        tree.append(step)
        return max(grow(child(), depth and depth - 1) for child in follow(goal, step, "step"))

    return asked, tree, grow(asked.goal(), r.randint(0, 2))


def near_certificate(asked: Asked, tree: Any, epsilon: Fraction) -> dict[str, Any]:
    return within(asked.left, asked.right, epsilon, asked.domain, tree, asked.soft) | {
        "tie": asked.tie,
        "inhabitant": [0] * asked.n,
    }


@pytest.mark.parametrize("seed", range(60))
def test_what_bounds_show_of_near_networks_is_true(seed: int) -> None:
    """The kernel accepts the least epsilon and none below; no point is further apart."""
    r = Random(f"near proof {seed}")
    try:
        asked, tree, most = random_near_proof(r)
    except Rejected:  # no affine score, an empty box
        return
    if most > MUCH / 2:
        return
    for move, true in ((F(1, 1 << 90), True), (-F(1, 1 << 90), False)):
        if most + move >= 0:
            value = near_certificate(asked, tree, most + move)
            assert accepted(value, asked.left, asked.right) == true
    asked.parameters["epsilon"] = str(most)
    assert all(asked.true_at(point) for point in asked.points(r, 8))


# --- pairs ----------------------------------------------------------------------------------------


def within(left: Any, right: Any, epsilon: Any, domain: Any, tree: Any, soft: Any = HARD) -> dict[str, Any]:
    """A certificate that two networks differ by at most epsilon."""
    rest = {"claim": "within", "parameters": {"epsilon": str(epsilon)}, "inhabitant": [x or 0 for x in domain["lower"]]}
    return certificate(left, right, domain, soft=soft, tree=tree, **rest)


def by_pairs(left: Any, right: Any, epsilon: Any, domain: Any, soft: Any = HARD, *pairs: str) -> bool:
    """Whether the pairs of like names, and the bounds, show that the networks differ by at most epsilon."""
    tree = [["anew", [[f"R{name}", f"L{name}"] for name in pairs or ("0.u0", "1.u0")]], ["holds", [], []]]
    return accepted(within(left, right, epsilon, domain, tree, soft), left, right)


def relu(slope: Any, shift: Any, out: Any = 1) -> Any:
    return maxout([([[slope]], [shift])], ([[out]], [0]), "relu")


def test_near_weights_make_near_values() -> None:
    """relu(x) and relu(9 x / 8 + 1/16) on [-1, 1] differ by at most 3/16, which is attained at 1."""
    one, other = relu(1, 0), relu("9/8", "1/16")
    assert by_pairs(one, other, "3/16", box(1)) and by_pairs(other, one, "3/16", box(1))
    assert not by_pairs(one, other, "2999/16000", box(1))
    assert not accepted(within(one, other, "3/16", box(1), [["holds", [], []]]), one, other)


def test_pairs_of_places_that_are_not_there_do_not_matter() -> None:
    one, other = relu(1, 0), relu("9/8", "1/16")
    for names in (("0.u7",), ("0.u1", "9.h0.q0"), ("",)):
        assert not by_pairs(one, other, "3/16", box(1), HARD, *names)
    for pairs in ([["R0.u0", "L0.u0"], ["R0.u0", "L0.u0"]], [["R0.u0"]], [[0, "L0.u0"]], [["R0.u0", None]], "R0.u0"):
        assert not accepted(within(one, other, 9, box(1), [["anew", pairs], ["holds", [], []]]), one, other)
    for arguments in ([], [[], []]):
        assert not accepted(within(one, other, 9, box(1), [["anew", *arguments], ["holds", [], []]]), one, other)


def test_a_place_is_paired_with_earlier_ones_only() -> None:
    """Neither a later place nor the place itself has been met: the pair then says nothing."""
    one, other = relu(1, 0), relu("9/8", "1/16")
    for pair in (["L0.u0", "R0.u0"], ["R0.u0", "R0.u0"]):
        assert not accepted(within(one, other, "3/16", box(1), [["anew", [pair]], ["holds", [], []]]), one, other)


def test_a_shift_of_a_paired_list_is_a_number() -> None:
    """max(x + 1, 1) is max(x, 0) + 1: no unknown remains, and equality holds."""
    raised = maxout([([[[1], [0]]], [[1, 1]])], ([[1]], [-1]))
    goal = follow(goal_of(relu(1, 0), raised, box(1)), ["anew", [["R0.u0", "L0.u0"]]], "step")[0]()
    assert goal.holds([]) and "R0.u0" not in goal.cell.places and not goal.cell.atoms.apart


def test_a_difference_whose_list_has_one_form_is_that_form() -> None:
    """max(x, -5) is x on [-1, 1]; with unequal lengths the last entry stands for those that are missing."""
    one, wide = maxout([([[[1]]], [[0]])], ([[1]], [0])), maxout([([[["9/8"], [0]]], [[0, -5]])], ([[1]], [0]))
    for left, right in ((one, wide), (wide, one)):
        goal = follow(goal_of(left, right, box(1), claim="within", epsilon="1/8"), ["anew", PAIRED], "step")[0]()
        assert not goal.cell.places and goal.holds([None, None])


def test_lists_of_different_lengths() -> None:
    """max(x, 0) against max(x, 0, -x/8), by the maps of theory: at most 1/8 apart on [-1, 1]."""
    three = maxout([([[[1], [0], ["-1/8"]]], [[0, 0, 0]])], ([[1]], [0]))
    for left, right in ((relu(1, 0), three), (three, relu(1, 0))):
        assert by_pairs(left, right, "1/8", box(1)) and not by_pairs(left, right, "124/1000", box(1))


def test_without_bounds_differences_have_those_that_there_are() -> None:
    """On all of R relu(x) and relu(x + 1/8) are within 1/8; relu(9 x / 8) is not near."""
    assert by_pairs(relu(1, 0), relu(1, "1/8"), "1/8", box(1, None, None))
    assert not by_pairs(relu(1, 0), relu(1, "1/8"), "124/1000", box(1, None, None))
    assert not by_pairs(relu(1, 0), relu("9/8", 0), 10**9, box(1, None, None))


def test_softmax_against_its_limit() -> None:
    """gamma_2 / rate apart where the kink lies inside, less where the domain is small, and not less than that."""
    unit = relu(1, 0)
    for rule, most in ((Soft((F(1),)), F(27847, 100000)), (Soft((F(10),), "2"), F(40174, 1000000))):
        for soft in ((None, rule), (rule, None)):
            assert by_pairs(unit, unit, most, box(1, -9, 9), soft)
            assert not by_pairs(unit, unit, most - F(1, 50000), box(1, -9, 9), soft)
    assert by_pairs(unit, unit, F(1, 2000), box(1, 10, 11), (None, Soft((F(1),))))
    assert not by_pairs(unit, unit, F(1, 10**6), box(1, 10, 11), (None, Soft((F(1),))))


def test_two_means_at_one_rate_are_nearer_than_their_limits() -> None:
    """Means move by at most 1 + 2 gamma times what their numbers do; at another rate, or base, nothing is said."""
    one, other, rule = relu(1, 0), relu(1, "1/1000"), Soft((F(1),))
    assert by_pairs(one, other, F(16, 10000), box(1), (rule, rule))
    assert not by_pairs(one, other, F(1, 1000), box(1), (rule, rule))
    for apart in (Soft((F(2),)), Soft((F(1),), "2")):
        assert not by_pairs(one, other, F(16, 10000), box(1), (rule, apart))


def test_the_difference_of_two_means_has_its_sign() -> None:
    """B(x + 1/1000, 0) - B(x, 0) comes near 1/1000 and is never far below 0."""
    rule = Soft((F(1),))
    goal = goal_of(relu(1, 0), relu(1, "1/1000"), box(1, -9, 9), claim="within", soft=(rule, rule), epsilon=1)
    goal = follow(goal, ["anew", PAIRED], "step")[0]()
    atoms, atom = goal.cell.atoms, goal.cell.places["R0.u0"]
    low, high = atoms.low[atom], atoms.high[atom]
    assert low is not None and -F(3, 10000) < low < 0
    assert high is not None and F(10, 10000) < high < F(13, 10000)


def test_two_means_without_bounds() -> None:
    """Where numbers differ by what has no bound, only the gaps are left; where they differ by a number, all is."""
    one, rule = relu(1, 0), Soft((F(1),))
    assert by_pairs(one, relu(1, "1/1000"), F(16, 10000), box(1, None, None), (rule, rule))
    assert not by_pairs(one, relu("9/8", 0), 10**9, box(1, None, None), (rule, rule))


def test_deep_differences_stay_small() -> None:
    """Of 8 layers each weight is moved by 2^-20: pairs show what intervals do not."""

    def deep(move: Fraction) -> Any:
        layers = [([["1/2", str(F(-1, 3) + move)], [str(F(1, 4) - move), "2/3"]], [str(move), "1/8"]) for _ in range(8)]
        return maxout([([[[1], [-1]][0], [-1]], [0, 0]), *layers], ([[1, 1]], [0]), "relu")

    names = [f"{layer}.u{unit}" for layer in range(9) for unit in range(2)]
    one, other = deep(F(0)), deep(F(1, 1 << 20))
    assert by_pairs(one, other, F(1, 1 << 16), box(1), HARD, *names)
    assert not by_pairs(one, other, F(1, 1 << 16), box(1), HARD, "0.u5")


def test_a_repeated_list_shares_its_difference() -> None:
    """Two units of the right side with one list, paired with places of one value, are one unknown."""
    left = maxout([([[1], [1]], [0, 0])], ([[1, -1]], [0]), "relu")
    right = maxout([([["9/8"], ["9/8"]], [0, 0])], ([[1, -1]], [0]), "relu")
    goal = follow(goal_of(left, right, box(1)), ["anew", PAIRED], "step")[0]()
    assert len(goal.cell.atoms.apart) == 1 and goal.holds([])
    assert goal.cell.places["R0.u0"] == goal.cell.places["R0.u1"]


def test_a_difference_can_be_split() -> None:
    """The gate of a paired place is about the difference: its candidates are the list less the earlier value."""
    one, other = relu(1, 0), relu("9/8", 0)
    goal = follow(goal_of(one, other, box(1), claim="within", epsilon="1/8"), ["anew", PAIRED], "step")[0]()
    assert len(goal.cell.atoms.apart) == 1
    children = made(follow(goal, ["gate", "R0.u0"], "step"))
    assert [len(child.cell.rows) for child in children] == [3, 3]
    both = [grand for child in children for grand in made(follow(child, ["gate", "L0.u0"], "step"))]
    assert all(not form.terms.keys() - {0, 1} for goal in both for form in goal.obligations())


def test_an_undecided_head_on_the_left_makes_pairs_wait() -> None:
    """A head that is stuck on the left is compared first; then comes the right side, with its pairs."""
    left = transformer_with_step()
    goal = goal_of(left, left, box(1), claim="within", epsilon=0)
    assert goal.stuck
    goal = follow(goal, ["anew", [["R0.f0.t0", "L0.f0.t0"]]], "step")[0]()
    assert goal.stuck and not any(name[0] == "R" for name in goal.cell.places)
    for child in made(follow(goal, ["compare", 0, 1], "step")):
        while not child.finished:
            child = made(follow(child, ["compare", 0, 1], "step"))[1]
        assert child.holds([None] * len(child.obligations()))


def transformer_with_step() -> Any:
    """A head that is 1 for x > 0 and 0 for x < 0, then a hidden neuron of it and x."""
    network = step_head()
    d = len(network["embedding"]["offsets"][0])
    network["blocks"][0]["feedforward"] = {
        "w1": [[1] + [0] * (d - 1)],
        "b1": ["-1/2"],
        "w2": [[0]] * (d - 1) + [[1]],
        "b2": [0] * d,
    }
    return network


# --- affine bounds --------------------------------------------------------------------------------


def test_affine_bounds_know_what_intervals_forget() -> None:
    """relu(x) - x / 2 on [-1, 1] lies between -1/2 and 1/2 by chord and lead; intervals say -1/2 to 3/2."""
    network = maxout([([[1], [1], [-1]], [0, 0, 0])], ([[1, "-1/2", "1/2"]], [0]), "relu")
    value = {"claim": "range", "inhabitant": [0], "parameters": {"lower": ["-1/2"], "upper": ["1/2"]}}
    for tree, true in (([["anew", []], ["holds", [], []]], True), ([["holds", [], []]], False)):
        assert accepted(certificate(network, None, box(1), tree=tree, **value), network) == true


@pytest.mark.parametrize("bounds", [(-1, 1), (-1, 3), (-3, 1), (0, 1), (-1, 0), (None, 1), (-1, None)])
def test_the_affine_bounds_of_a_maximum(bounds: Any) -> None:
    low, high = (None if end is None else F(end) for end in bounds)
    atoms = Atoms([low, F(-1)], [high, F(1)], relaxed=True)
    x, y = Form({1: 1}), Form({2: 1})
    for forms in ([x, ZERO], [x, y], [x, y, ZERO]):
        value = atoms.maximum(forms)
        if value in forms:
            continue
        (atom,) = value.terms
        for at in ((a, b) for a in (low, high, F(0)) if a is not None for b in (F(-1), F(1, 3), F(1))):
            top = max(form.at([1, *at]) for form in forms)
            assert atoms.floor[atom].at([1, *at]) <= top
            assert atom not in atoms.ceiling or top <= atoms.ceiling[atom].at([1, *at])
        assert (atom in atoms.ceiling) == (None not in bounds)


def test_facts_of_affine_bounds() -> None:
    network = relu(1, 0)
    goal = goal_of(network, None, box(1), claim="range", lower=[None], upper=[1])
    assert set(goal.cell.facts("L0.u0")) == {0, 1, "low", "high"}
    for which in ("below", "above"):
        with pytest.raises(Rejected, match="expected a number below 2, or one of low, high"):
            goal.cell.fact("L0.u0", which)
    goal = follow(goal, ["anew", []], "step")[0]()
    facts = goal.cell.facts("L0.u0")
    assert set(facts) == {0, 1, "low", "high", "below", "above"}
    above = facts["above"]  # 1/2 + x/2 - a
    assert above.at([1, -1, 0]) == above.at([1, 1, 1]) == 0 and above.at([1, 0, 0]) == F(1, 2)
    assert facts["below"].at([1, 0, 0]) == 0
    unbounded = goal_of(network, None, box(1, None, None), claim="range", lower=[0], upper=[None])
    assert "above" not in follow(unbounded, ["anew", []], "step")[0]().cell.facts("L0.u0")


def test_a_chord_closes_what_rows_alone_do_not() -> None:
    """relu(x) + relu(-2 x) / 2 <= 1 by a chord, as a fact: the second maximum is an alias."""
    absolute = maxout([([[1], [-2]], [0, 0])], ([[1, "1/2"]], [0]), "relu")
    parameters = {"lower": [None], "upper": [1]}
    rows = [["L0.u0", "above", "1"]]
    for tree, true in (([["anew", []], ["holds", ["1", rows]]], True), ([["holds", ["1", rows]]], False)):
        value = certificate(absolute, None, box(1), claim="range", parameters=parameters, inhabitant=[0], tree=tree)
        assert accepted(value, absolute) == true


# --- cuts, and cells evaluated anew ---------------------------------------------------------------


def test_a_cut_has_two_children() -> None:
    goal = goal_of(relu(1, 0), None, box(1), claim="range", lower=[0], upper=[1])
    children = made(follow(goal, ["cut", [[1, 2], [0, -1]]], "step"))
    added = [child.cell.rows[2:] for child in children]
    assert [[(form.terms, form.den, strict) for form, strict in rows] for rows in added] == [
        [({1: 2, 0: -1}, 1, False)],
        [({1: -2, 0: 1}, 1, False)],
    ]
    assert all(child.cell.places == goal.cell.places for child in children)
    for form in ([["L9.u0", 1]], [[2, 1]], [[-1, 1]], [[1]], [[1, 1, 1]], [[1, "x"]], 1, None, [[True, 1]]):
        with pytest.raises(Rejected):
            follow(goal, ["cut", form], "step")
    for step in (["cut"], ["cut", [], []]):
        with pytest.raises(Rejected):
            follow(goal, step, "step")


def test_a_child_of_a_cut_or_of_anew_is_made_whenever_it_is_asked_for() -> None:
    """What one asker finds out, another asker of the same child does not see."""
    goal = goal_of(relu(1, 0), relu("9/8", 0), box(1))
    for step in (["cut", [[1, 1]]], ["anew", PAIRED]):
        child = follow(goal, step, "step")[0]
        one, size = child(), len(child().cell.atoms.low)
        one.cell.atoms.maximum([Form({1: 5}), Form({0: 1})])
        one.cell.value(next(iter(one.cell.places.values())))
        two = child()
        assert len(two.cell.atoms.low) == size < len(one.cell.atoms.low)
        assert two.cell.memo is not one.cell.memo and two.cell.met is not one.cell.met


def test_anew_has_the_box_of_the_rows() -> None:
    """Rows about one input sharpen its bounds, rows about atoms are forgotten, and others stay rows."""
    network = maxout([([[1, 1]], [0])], ([[1]], [0]), "relu")
    goal = goal_of(network, None, box(2), claim="range", lower=[0], upper=[2])
    steps = [
        *(["cut", [[1, 2], [0, -1]]], ["cut", [[2, -3], [0, -1]]], ["cut", [[1, 1], [2, 1]]]),
        *(["cut", [["L0.u0", 1]]], ["cut", [[1, 1]]], ["cut", [[2, -1]]]),
    ]
    for step in steps:
        goal = made(follow(goal, step, "step"))[0]
    rows = [row for row in goal.cell.rows if max(row[0].terms) <= 2]
    assert len(rows) == len(goal.cell.rows) - 1
    child = made(follow(goal, ["anew", []], "step"))[0]
    assert child.cell.rows == tuple(rows) and child.cell.known == {} and child.cell.signs == {}
    assert child.cell.atoms.low[:3] == [1, F(1, 2), -1] and child.cell.atoms.high[:3] == [1, 1, F(-1, 3)]
    child = made(follow(child, ["anew", []], "step"))[0]
    assert child.cell.atoms.low[:3] == [1, F(1, 2), -1] and child.cell.atoms.high[:3] == [1, 1, F(-1, 3)]


def test_anew_has_bounds_where_there_were_none() -> None:
    network = relu(1, 0)
    goal = goal_of(network, None, box(1, None, None), claim="range", lower=[0], upper=[None])
    for step, ends in ((["cut", [[1, 1], [0, 3]]], [-3, None]), (["cut", [[1, -1]]], [-3, 0])):
        goal = made(follow(goal, step, "step"))[0]
        child = made(follow(goal, ["anew", []], "step"))[0]
        assert [child.cell.atoms.low[1], child.cell.atoms.high[1]] == ends
    assert not child.cell.places  # max(x, 0) is 0


def test_anew_on_an_empty_box_is_refused() -> None:
    goal = goal_of(relu(1, 0), None, box(1), claim="range", lower=[0], upper=[1])
    goal = made(follow(goal, ["cut", [[1, 1], [0, -1]]], "step"))[0]
    point = made(follow(goal, ["anew", []], "step"))[0]
    assert point.cell.atoms.low[1] == point.cell.atoms.high[1] == 1
    goal = made(follow(goal, ["cut", [[1, -1], [0, "1/2"]]], "step"))[0]
    with pytest.raises(Rejected, match=r"^anew: expected a cell whose box is not empty"):
        follow(goal, ["anew", []], "step")


def test_what_is_forgotten_does_not_help() -> None:
    """After `anew` the winner of a gate is not known any more; its row about inputs is."""
    network = relu(1, 0)
    parameters = {"lower": [None], "upper": [0]}
    on_left = [["gate", "L0.u0"], ["anew", []], ["holds", []], ["anew", []], ["holds"]]
    value = certificate(
        *(network, None, box(1, -1, 0)), claim="range", parameters=parameters, inhabitant=[0], tree=[["holds"]]
    )
    assert accepted(value, network)
    wrong = certificate(network, None, box(1), claim="range", parameters=parameters, inhabitant=[0], tree=on_left)
    assert not accepted(wrong, network)


def test_bounds_beyond_the_cell_do_not_reach_it() -> None:
    """What was evaluated anew on one child of a cut is not known on the other, nor above."""
    one, other = relu(1, 0), relu("9/8", "1/16")
    cut, half = ["cut", [[1, 1]]], [["anew", PAIRED], ["holds", [], []]]
    for epsilon, true in (("3/16", True), ("2/16", False)):
        assert accepted(within(one, other, epsilon, box(1), [cut, *half, *half]), one, other) == true
    for tree in (
        [cut, *half, ["holds", [], []]],
        [cut, ["holds", [], []], *half],
        [cut, *half],
        [cut, *half, *half, *half],
    ):
        assert not accepted(within(one, other, "3/16", box(1), tree), one, other)


def test_an_empty_list_proves_what_bounds_show_and_no_more() -> None:
    network = relu(1, 0)
    for upper, true in ((1, True), ("999/1000", False)):
        parameters = {"lower": [0], "upper": [upper]}
        value = certificate(network, None, box(1), claim="range", parameters=parameters, inhabitant=[0])
        assert accepted(value | {"tree": [["holds", [], []]]}, network) == true
        assert not accepted(value | {"tree": [["holds", []]]}, network)
        assert not accepted(value | {"tree": [["holds", [], [], []]]}, network)
    value = certificate(network, None, box(1), claim="range", parameters={"lower": [None], "upper": [1]})
    child = [["bound", "L0.u0", [[0, 1]], [], []], ["holds", ["1", [[2, "1"]]]]]
    assert accepted(value | {"inhabitant": [0], "tree": child}, network)
    child[0][2] = [[0, "1/2"]]
    assert not accepted(value | {"inhabitant": [0], "tree": child}, network)


def test_claims_about_two_points_have_pairs() -> None:
    """|f(x) - f(y)| for a claim about two points: here f increases, by the rows and a pair."""
    network = relu(1, 0)
    value = certificate(network, None, box(1), claim="increasing", parameters={"inputs": [0]}, inhabitant=[0])
    for rule in (None, Soft((F(1),))):
        goal = goal_of(network, None, box(1), claim="increasing", soft=(rule, None), inputs=[0])
        child = made(follow(goal, ["anew", PAIRED], "step"))[0]
        assert len(child.cell.rows) == 5 and len(child.cell.atoms.apart) == 1
        assert not child.holds([None])
    assert not accepted(value | {"tree": [["anew", PAIRED], ["holds", []]]}, network)


# --- by hand, for the corpus of faults, too -------------------------------------------------------


def _by_hand() -> Iterator[tuple[str, tuple[dict[str, Any], Any, Any]]]:
    """Certificates with the new steps and sides; those whose names begin with "not" are to be rejected."""
    one, other, rule = relu(1, 0), relu("9/8", "1/16"), Soft((F(1),))
    paired, closed = ["anew", PAIRED], ["holds", [], []]
    for name, epsilon, tree in (
        ("pairs", "3/16", [paired, closed]),
        ("not nearer than pairs", "2999/16000", [paired, closed]),
        ("not without pairs", "3/16", [["anew", []], closed]),
        ("a cut first", "3/16", [["cut", [[1, 1], [0, "1/2"]]], paired, closed, paired, closed]),
        ("not one side of a cut", "3/16", [["cut", [[1, 1]]], paired, closed]),
        ("a cut by a place", "3/16", [["cut", [["L0.u0", 1], [0, "-1/2"]]], paired, closed, paired, closed]),
        ("not a pair twice", "3/16", [["anew", [*PAIRED, PAIRED[0]]], closed]),
        ("not an empty box", "3/16", [["cut", [[1, 1], [0, -2]]], paired, closed, paired, closed]),
        ("not a fact that is missing", "3/16", [paired, ["holds", ["1", [["R0.u0", "beside", "1"]]], []]]),
        ("anew twice", "3/16", [paired, ["cut", [[1, 1]]], paired, closed, paired, closed]),
        ("not gates without rows", "3/16", [paired, ["gate", "R0.u0"], *[["gate", "L0.u0"], closed, closed] * 2]),
        ("not an unfinished step", "3/16", [["anew"], closed]),
        ("not a cut by nothing", "3/16", [["cut", [["R9.u0", 1]]], paired, closed, paired, closed]),
    ):
        yield name, (within(one, other, epsilon, box(1), tree), one, other)
    for name, epsilon, soft in (
        ("softmax", "28/100", (None, rule)),
        ("not nearer than softmax", "27/100", (None, rule)),
        ("softmax of base 2", "41/100", (Soft((F(1),), "2"), None)),
        ("not nearer than softmax of base 2", "40/100", (Soft((F(1),), "2"), None)),
        ("a huge rate", "1/1000000", (None, Soft((F(10**7),)))),
        ("equal rates", "1/1000000000", (rule, rule)),
        ("not unequal rates", "1/1000000000", (rule, Soft((F(2),)))),
    ):
        yield name, (within(one, one, epsilon, box(1, -9, 9), [["anew", PAIRED], closed], soft), one, one)
    near = relu(1, "1/1000")
    for name, epsilon in (("two means", "16/10000"), ("not two limits", "11/10000")):
        yield name, (within(one, near, epsilon, box(1), [["anew", PAIRED], closed], (rule, rule)), one, near)
    for name, low, high in (("blend", "1/4", "3/4"), ("not more than a blend", "1/4", "7/10")):
        logistic = attention([[[1, 0], [0, 1]], [[0, 0], [0, 0]]])
        value: dict[str, Any] = {"parameters": {"lower": [low], "upper": [high]}, "inhabitant": [0]}
        value |= {"tree": [closed]}
        yield name, (certificate(logistic, None, box(1), claim="range", soft=(rule, None), **value), logistic, None)


BY_HAND = dict(_by_hand())


@pytest.mark.parametrize("name", BY_HAND)
def test_certificates_by_hand(name: str) -> None:
    assert accepted(*BY_HAND[name]) == (not name.startswith("not"))
