"""What changes to the kernel's source have shown to need a test of its own: each pins one line down."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from kernel_claims import ABS, LINE, REFUTED, RELU, STEP
from kernel_material import (
    Asked,
    attention,
    box,
    certificate,
    encoded,
    judged,
    made,
    maxout,
    outputs_of,
    step_head,
    transformer,
)
from test_kernel_proofs import COMPARE, OTHER_STEP

from exactformer.kernel import claims, reading
from exactformer.kernel.atoms import Atoms
from exactformer.kernel.cell import Cell
from exactformer.kernel.certificates import check_file
from exactformer.kernel.claims import Goal
from exactformer.kernel.forms import ZERO, Form, combine, negated, normal_form, precedes, ratio
from exactformer.kernel.reading import Rejected, parse_json
from exactformer.kernel.softmax import Rate

X, Y, ONE = Form({1: 1}), Form({2: 1}), Form({0: 1})
Certificate = tuple[Any, Any, Any]


def shown(form: Form | None) -> Any:
    return None if form is None else (dict(sorted(form.terms.items())), form.den)


def proof(left: Any, right: Any, domain: Any, tree: Any, claim: str = "equal", **rest: Any) -> Certificate:
    rest = {"inhabitant": [0] * len(domain["lower"]), **rest}
    value = certificate(left, right, domain, claim=claim, tree=tree, **rest)
    return value, left, right


# --- networks that reach what random ones rarely reach --------------------------------------------

MIRRORED = maxout(  # max(relu(-x), relu(-x)): a place, bound to an atom that has an alias
    [([[[1], [0]], [[-1], [0]]], [[0, 0], [0, 0]]), ([[[0, 1], [0, 1]]], [[0, 0]])], ([[1]], [0])
)
HALVED = maxout([([[[1], [0]]], [[0, 0]]), ([[["1/2"], ["1/2"]]], [[0, 0]])], ([[2]], [0]))  # a place no more: a / 2
SHARED = maxout(  # max(relu(x) + y, relu(x) - y): both candidates depend on one atom
    [([[[1, 0], [0, 0]], [[0, 1], [0, 1]]], [[0, 0], [0, 0]]), ([[[1, 1], [1, -1]]], [[0, 0]])], ([[1]], [0])
)


def circle() -> Any:
    """Three tokens and four heads; the scores (x, y), (y, 0), (0, x), with a third that never wins, then (x, y, 0)."""
    never = (0, 0, -9)
    x, y, zero = (1, 0, 0), (0, 1, 0), (0, 0, 0)
    keys = [(x, y, zero, x), (y, zero, x, y), (never, never, never, zero)]  # a token's four scores, from head to head
    unit = [[int(i == j) for j in range(7)] for i in range(7)]  # four scores, one, value, result
    embedding = [
        ([list(key[:2]) for key in token] + [[0, 0]] * 3, [key[2] for key in token] + [1, 5 + t, 0])
        for t, token in enumerate(keys)
    ]
    heads = [([unit[4]], [unit[h]], [unit[5]], [[0]] * 6 + [[1]]) for h in range(4)]
    return transformer(embedding, [(heads, None)], (0, [unit[6]], [0]))


SLOPES = attention([[[1, 0], [1, 0], [2, 3]], [[-1, 0], [-1, 0], [-2, 3]]])  # the score, and twice it plus 3
_UNIT = [[int(i == j) for j in range(4)] for i in range(4)]
LATE = transformer(  # states (x, 1, 1, 0) and (0, 1, 0, 0): add relu(first + 2) and 1, compare 2x + 2 and 2
    [([[1], [0], [0], [0]], [0, 1, 1, 0]), ([[0], [0], [0], [0]], [0, 1, 0, 0])],
    [
        (None, ([_UNIT[0]], [2], [[1], [0], [0], [0]], [0, 0, 1, 0])),
        ([([_UNIT[1]], [_UNIT[0]], [_UNIT[2]], [[0], [0], [0], [1]])], None),
    ],
    (0, [_UNIT[3]], [0]),
)
ALIASED = transformer(  # tokens with the states relu(-x), relu(x) and scores 0, x, then relu(result - 1)
    [([[0], [-1], [0], [0]], [0, 0, 1, 0]), ([[1], [1], [0], [0]], [0, 0, 1, 0])],
    [
        (None, ([_UNIT[1]], [0], [[0], [1], [0], [0]], [0, 0, 0, 0])),
        ([([_UNIT[2]], [_UNIT[0]], [_UNIT[1]], [[0], [0], [0], [1]])], None),
        (None, ([_UNIT[3]], [-1], [[0], [0], [0], [1]], [0, 0, 0, 0])),
    ],
    (0, [_UNIT[3]], [0]),
    residual=True,
)
BOTH_SLOPES = maxout([([[1], [-1]], [0, 0])], ([[1, 1], [2, 2]], [0, 3]), "relu")  # |x| and 2 |x| + 3
KNOWN_LATER = maxout(  # b = relu(x), p = relu(y), then relu(b - 1), relu(1 - b), p, then max(relu(1 - b), p - 1/2)
    [
        ([[1, 0], [0, 1]], [0, 0]),
        ([[1, 0], [-1, 0], [0, 1]], [-1, 1, 0]),
        ([[0, 1, -1], [0, 0, 1]], ["1/2", "1/2"]),
    ],
    ([[1, 1]], [-1]),
    "relu",
)
TWICE = maxout(  # relu(x), relu(-x), relu(y), then max(relu(-x) + relu(y), relu(-x) + y)
    [
        ([[[1, 0], [0, 0]], [[-1, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 1], [0, 1]]], [[0, 0]] * 4),
        ([[[0, 1, 1, 0], [0, 1, 0, 1]]], [[0, 0]]),
    ],
    ([[1]], [0]),
)
THREE_TOKENS = step_head((1, -1, 2), (1, 0, 4))
NINE = maxout([], ([[1] * 9], [0]))

UNTOUCHED = maxout([([[1, 0], [0, 1], [-1, 0]], [0, 0, 0])], ([[1, 1, 1]], [0]), "relu")  # relu(x), relu(y), relu(-x)
_PAIR = ([[1, 0, 0], [-1, 0, 0]], [0, 0], [[0, 0], [0, -2], [0, 0]], [0, 0, 0])
_SECOND = ([[1, 0, 0], [2, 0, 0]], [0, 0], [[0, 0], [2, -1], [0, 0]], [0, 0, 0])
TIDIED = (
    transformer(  # (x, 0, 0): add -2 relu(-x), then 2 relu(x) - relu(2x), to the second; relu(second - 1) to the third
        [([[1], [0], [0]], [0, 0, 0])],
        [(None, _PAIR), (None, _SECOND), (None, ([[0, 1, 0]], [-1], [[0], [0], [1]], [0, 0, 0]))],
        (0, [[0, 0, 1]], [0]),
    )
)
_SUM = {"shape": [3, 3], "entries": [[1, 0, 2], [1, 2, -1], [1, 1, -2]]}
LISTED = transformer(  # the same sum at once, with relu(2x) listed before relu(-x)
    [([[1], [0], [0]], [0, 0, 0])],
    [
        (None, ([[1, 0, 0], [-1, 0, 0], [2, 0, 0]], [0, 0, 0], _SUM, [0, 0, 0])),
        (None, ([[0, 1, 0]], [-1], [[0], [0], [1]], [0, 0, 0])),
    ],
    (0, [[0, 0, 1]], [0]),
    residual=False,
)
_ROWS = [[int(i == j) for j in range(5)] for i in range(5)]  # x, relu(x), relu(x + 1/2), the sum, B
ADDED = transformer(  # A = relu(relu(x) - 1/2), B = relu(1 - relu(x + 1/2)), C = relu(B + relu(x) - 1/4): A - 2 B + C
    [([[1], [0], [0], [0], [0]], [0] * 5)],
    [
        (None, ([_ROWS[0]] * 2, [0, "1/2"], [[0, 0], [1, 0], [0, 1], [0, 0], [0, 0]], [0] * 5)),
        (None, ([_ROWS[1]], ["-1/2"], [[0], [0], [0], [1], [0]], [0] * 5)),
        (None, ([[0, 0, -1, 0, 0]], [1], [[0], [0], [0], [-2], [1]], [0] * 5)),
        (None, ([[0, 1, 0, 0, 1]], ["-1/4"], [[0], [0], [0], [1], [0]], [0] * 5)),
    ],
    (0, [_ROWS[3]], [0]),
    residual=True,
)

ZERO_1, ZERO_2 = maxout([], ([[0]], [0])), maxout([], ([[0, 0]], [0]))
GATE = ["gate", "L0.u0"]
CROOKED = attention([[[0, 0], [0, 0]], [[1, 0], [1, 0]], [[-1, 0], [5, 0]]])  # values 0, x, 5x for the scores 0, x, -x
UNREAD = transformer(  # a block without heads lets no token see another one
    [([[1]], [0]), ([[-1]], [0])], [(None, ([[1]], [0], [[1]], [0])), ([], None)], (0, [[1]], [0])
)

_SAME: dict[str, Any] = proof(ZERO_1, ZERO_1, box(1), [["holds"]])[0]
AWAY = {**box(1), "matrix": [[-1]], "bounds": ["-1/4"]}  # x >= 1/4, which interval bounds do not see

ACCEPTED: dict[str, Certificate] = {
    "a tie where no point is": proof(
        STEP,
        maxout([], ([[0]], [1])),
        AWAY,
        [["compare", 0, 1], ["holds"], ["empty", [[2, "1"], [4, "2"]]], ["empty", [[2, "1"], [3, "2"]]]],
        inhabitant=[1],
    ),
    "a place bound to an alias": proof(MIRRORED, MIRRORED, box(1), [["gate", "L1.u0"], ["holds"], ["holds"]]),
    "what was found stays": proof(RELU, RELU, box(1), [GATE, GATE, ["holds"], ["holds"], GATE, ["holds"], ["holds"]]),
    "shared support": proof(
        SHARED, SHARED, box(2), [["gate", "L0.u0"], ["gate", "L1.u0"], ["holds"], ["holds"], ["holds"]]
    ),
    "slopes": proof(SLOPES, SLOPES, box(1), [["holds"]]),
    "two slopes": proof(SLOPES, BOTH_SLOPES, box(1), [["holds"]]),
    "both are one form": proof(
        maxout([([[[1], [0]], [[1], [1]]], [[0, 0], [0, 0]]), ([[[1, 0], [0, 1]]], [[0, 0]])], ([[1]], [0])),
        RELU,
        box(1, None, None),
        [GATE, ["holds"], ["holds"]],
    ),
    "a late head": proof(LATE, LATE, box(1), [["compare", 0, 1], ["holds"], ["holds"], ["holds"]]),
}
REJECTED: dict[str, tuple[Certificate, str]] = {
    "a half is no place": (proof(HALVED, HALVED, box(1), [["gate", "L1.u0"], ["holds"], ["holds"]]), "a place"),
    "a stuck cell does not hold": (proof(STEP, OTHER_STEP, box(1), [["holds"]]), "proofs of all obligations"),
    "the first token is none": (({**COMPARE, "tree": [["compare", 7, 0]]}, STEP, OTHER_STEP), "two of the tokens"),
    "the second token is none": (({**COMPARE, "tree": [["compare", 0, 7]]}, STEP, OTHER_STEP), "two of the tokens"),
    "equal is no violation of at most": (
        (certificate(ABS, RELU, box(1), claim="at-most", point=[1], values=[[1], [1]]), ABS, RELU),
        "values that contradict",
    ),
    "nearly a violation of at most": (
        (certificate(RELU, ABS, box(1), claim="at-most", point=["-1/2"], values=[[0], ["1/2"]]), RELU, ABS),
        "values that contradict",
    ),
    "facts are not strict": (
        proof(RELU, LINE, box(1), [GATE, ["holds"], ["empty", [["L0.u0", 1, "1"]]]]),
        "multipliers that refute",
    ),
    "inputs thrice": (
        proof(ZERO_2, None, box(2), [["holds"]], "independent", parameters={"inputs": [0, 0, 1]}),
        "in increasing order",
    ),
    "inputs in the order of a set": (
        proof(NINE, None, box(9), [["holds"]], "increasing", parameters={"inputs": [8, 0]}),
        "in increasing order",
    ),
    "a proof with values": (({**_SAME, "values": [[0], [0]]}, ZERO_1, ZERO_1), "only the keys"),
    "a proof without a tree": (
        ({key: item for key, item in _SAME.items() if key != "tree"}, ZERO_1, ZERO_1),
        "the key 'tree'",
    ),
    "a row of nothing": (({**_SAME, "tree": [["empty", [[]]]]}, ZERO_1, ZERO_1), "2 entries"),
    "a fact of a list": (({**_SAME, "tree": [["empty", [[["L0.u0"], 0, "1"]]]]}, ZERO_1, ZERO_1), "a row number, or"),
    "a step of nothing": (
        ({**_SAME, "tree": [[]]}, ZERO_1, ZERO_1),
        "gate, compare, cut, anew, narrow, bound, empty or holds",
    ),
    "another claim": (({**_SAME, "claim": "differ"}, ZERO_1, ZERO_1), "one of equal"),
    "the folder above": (
        ({**_SAME, "left": {**_SAME["left"], "file": ".."}}, ZERO_1, ZERO_1),
        "the plain name of a file in the same folder",
    ),
    "one network too many": (proof(ZERO_1, ZERO_1, box(1), [["holds"]], "convex"), "1 network for the claim"),
    "one network too few": (proof(ZERO_1, None, box(1), [["holds"]]), "2 networks for the claim"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    theorem = judged(*ACCEPTED[name])
    value, left, right = ACCEPTED[name]
    asked = Asked.of(value, left, right)
    points = [(Fraction(i, 4),) * asked.n for i in range(-4, 5)]
    assert theorem.holds and all(map(asked.true_at, filter(asked.contains, points)))
    assert ("any tie rule" in theorem.statement) == (theorem.counts["ties"] == 0)


def test_a_tie_on_an_empty_cell_does_not_count() -> None:
    theorem = judged(*ACCEPTED["a tie where no point is"])
    assert theorem.counts["ties"] == 0 and "any tie rule" in theorem.statement


def test_one_output_of_several_differs() -> None:
    left, right = (maxout([], ([[1], [1]], [0, b])) for b in (0, 1))
    value = certificate(left, right, box(1), claim="equal", point=[0], values=[[0, 0], [0, 1]])
    assert not judged(value, left, right).holds


def test_an_evaluation_waits_for_the_one_before() -> None:
    goal = Asked(STEP, RELU, box(1)).goal()
    assert goal.runs[1].outputs is None and goal.cell.places == {} and goal.cell.atoms.candidates == {}
    assert made(goal.compare(0, 1))[1].cell.places == {"R0.u0": 2}


def test_values_that_follow_one_score_only() -> None:
    goal = Asked(CROOKED, ZERO_1, box(1)).goal()
    assert goal.stuck is not None and list(goal.stuck) == [0, 1, 2]


def test_a_block_without_heads_makes_no_token_live() -> None:
    assert list(Asked(UNREAD, ZERO_1, box(1)).goal().cell.places) == ["L0.f0.t0"]


@pytest.mark.parametrize("name", REJECTED)
def test_rejected(name: str) -> None:
    (value, left, right), message = REJECTED[name]
    with pytest.raises(Rejected, match=message):
        judged(value, left, right)


def path(asked: Asked, *steps: tuple[list[Any], int]) -> Goal:
    """The cell that is reached by these steps, each with the number of a child."""
    goal = asked.goal()
    for step, child in steps:
        goal = made(claims.follow(goal, step, "path"))[child]
    return goal


def test_an_alias_is_resolved_by_its_expression() -> None:
    """Not as a maximum of its own, which would know more: relu(1 - b) is c - x + 1 here, c = relu(x - 1)."""
    asked = Asked(KNOWN_LATER, ZERO_2, box(2, -1, 2))
    steps: list[tuple[list[Any], int]] = [(["gate", "L0.u0"], 0), (["gate", "L0.u1"], 1)]
    goal = path(asked, *steps)
    mirrored = goal.cell.places["L1.u1"]
    assert goal.cell.atoms.alias.keys() >= {mirrored}
    found = goal.cell.value(mirrored)
    (fresh,) = [v for v in found.terms if v > 2]
    assert shown(found) == ({0: 1, 1: -1, fresh: 1}, 1) and fresh not in goal.cell.atoms.alias


def test_one_form_is_free_of_aliases() -> None:
    """Where relu(y) is y, both candidates are relu(-x) + y: the maximum is that form, with relu(-x) as relu(x) - x."""
    asked = Asked(TWICE, ZERO_2, box(2))
    goal = path(asked, (["gate", "L0.u2"], 0))
    places = goal.cell.places
    assert shown(goal.cell.value(places["L1.u0"])) == ({1: -1, 2: 1, places["L0.u0"]: 1}, 1)


# --- points outside the domain --------------------------------------------------------------------


def outside() -> dict[str, Certificate]:
    """Points that contradict a claim just outside the domain: a half beyond each bound that matters."""
    found = {}
    for bound, point in ((-1, "-3/2"), (-1, -2), ("-1/4", "-1/3")):
        value = certificate(
            RELU, LINE, {"lower": [bound], "upper": [1]}, claim="equal", point=[point], values=[[0], [point]]
        )
        found[f"below {bound}"] = value, RELU, LINE
        value = certificate(
            ABS,
            LINE,
            {"lower": [-5], "upper": [5], "matrix": [[1]], "bounds": [point]},
            claim="at-most",
            point=[bound],
            values=[[str(abs(Fraction(bound)))], [bound]],
        )
        found[f"beyond the row {point}"] = value, ABS, LINE
    return found


@pytest.mark.parametrize("name", outside())
def test_a_point_outside_is_no_counterexample(name: str) -> None:
    with pytest.raises(Rejected, match="a point of the domain"):
        judged(*outside()[name])


def test_every_refutation_at_twice_its_point() -> None:
    """The points moved out of the domain, with the values there."""
    for value, left, right in REFUTED.values():
        asked = Asked.of(value, left, right)
        point = [3 * Fraction(x) for x in value["point"]]
        if asked.contains(point):
            continue
        values = [[str(y) for y in row] for row in asked.values(point)]
        with pytest.raises(Rejected, match="a point of the domain"):
            judged({**value, "point": [str(x) for x in point], "values": values}, left, right)


# --- cells ----------------------------------------------------------------------------------------


def test_a_fact_is_not_strict() -> None:
    """a - x >= 0 and x - a >= 0 are no contradiction."""
    atoms = Atoms([Fraction(-1)] * 2, [Fraction(1)] * 2)
    (atom,) = atoms.maximum([X, ZERO]).terms
    cell = Cell(atoms, ((combine(((1, X), (-1, Form({atom: 1})))), False),), {"a": atom})
    assert not cell.empty([(("a", 0), 1), (0, 1)])
    assert cell.empty([(("a", 0), 1), (0, 1)]) is False


def test_facts_are_named_by_integers_and_text() -> None:
    atoms = Atoms([Fraction(-1)], [Fraction(1)])
    (atom,) = atoms.maximum([X, ZERO]).terms
    for which in (True, False, 1.0):
        with pytest.raises(Rejected):
            Cell(atoms, (), {"a": atom}).fact("a", which)  # type: ignore[arg-type]


def test_all_scores_are_compared_with_the_first() -> None:
    """Where tokens 0, 1 and 0, 2 tie, all tie, though nothing is known about 1 and 2."""
    goal = Asked(THREE_TOKENS, THREE_TOKENS, box(1)).goal()
    level = made(goal.compare(0, 1))[1]
    found = level if level.stuck is None else made(level.compare(0, 2))[1]
    assert found.runs[0].outputs is not None and found.runs[0].ties == 1


def test_signs_in_a_circle_leave_the_first_token() -> None:
    """x > y, y > 0 and 0 > x: no point is left, all tokens of the last head are dominated, and token 0 remains."""
    goal = Asked(circle(), ZERO_2, box(2)).goal()
    for _ in range(3):
        assert goal.stuck is not None and list(goal.stuck) == [0, 1]
        goal = made(goal.compare(0, 1))[0]
    assert goal.runs[0].outputs is not None and [shown(form) for form in outputs_of(goal.runs[0])] == [({0: 20}, 1)]


def test_evaluation_goes_on_where_it_stopped() -> None:
    """The sublayers before the stuck head are not applied twice."""
    goal = Asked(LATE, ZERO_1, box(1)).goal()
    assert goal.stuck is not None and goal.runs[0].sublayer == 1
    assert {t: shown(form) for t, form in goal.stuck.items()} == {0: ({0: 2, 1: 2}, 1), 1: ({0: 2}, 1)}
    outputs = [outputs_of(child.runs[0]) for child in made(goal.compare(0, 1))]
    assert [shown(found) for (found,) in outputs] == [({0: 2}, 1), ({0: 3}, 2), ({0: 1}, 1)]


def test_the_first_token_gives_the_form() -> None:
    """relu(-x) - x + 3 relu(x), tidied to 4 relu(-x) + 2x, in which the first atom stands for both."""
    goal = Asked(ALIASED, ZERO_1, box(1)).goal()
    atom = goal.cell.places["L2.f0.t0"]
    mirrored = goal.cell.places["L0.f0.t0"]
    assert [shown(form) for form in goal.cell.atoms.candidates[atom]] == [
        ({0: -1, 1: 2, mirrored: 4}, 1),
        ({}, 1),
    ]


def test_a_split_touches_only_what_depends_on_it() -> None:
    """relu(-x) stays itself where relu(y), the atom before it, was split: it does not become relu(x) - x."""
    goal = path(Asked(UNTOUCHED, ZERO_2, box(2)), (["gate", "L0.u1"], 0))
    mirrored = goal.cell.places["L0.u2"]
    assert mirrored == goal.cell.places["L0.u1"] + 1 and mirrored in goal.cell.atoms.alias
    assert shown(goal.cell.resolve(Form({mirrored: 1}))) == ({mirrored: 1}, 1)


def test_aliases_are_tidied_in_the_order_of_the_atoms() -> None:
    """-2 relu(-x) + 2 relu(x) - relu(2x) is 2x - relu(2x), not -2 relu(-x): relu(-x) was met before relu(2x)."""
    goal = Asked(TIDIED, ZERO_1, box(1)).goal()
    doubled = goal.cell.places["L1.f1.t0"]
    facts = goal.cell.facts("L2.f0.t0")
    assert shown(facts[0]) == ({0: 1, 1: -2, doubled: 1, goal.cell.places["L2.f0.t0"]: 1}, 1)


def test_aliases_are_tidied_in_no_order_that_a_network_gives() -> None:
    goal = Asked(LISTED, ZERO_1, box(1)).goal()
    doubled = goal.cell.places["L0.f2.t0"]
    assert shown(goal.cell.atoms.candidates[goal.cell.places["L1.f0.t0"]][0]) == ({0: -1, 1: 2, doubled: -1}, 1)


def test_the_value_before_a_sublayer_comes_first() -> None:
    """Where x > 0, A is found before B, so that C is known to be B + x - 1/4, and the sum is 2x - 3/4."""
    asked = Asked(ADDED, None, box(1, -2, 2), claim="range", lower=[-2], upper=[None])
    goal = path(asked, (["gate", "L0.f0.t0"], 0), (["gate", "L0.f1.t0"], 0))
    assert [shown(form) for form in goal.obligations()] == [({0: 5, 1: 8}, 4)]


def test_atoms_are_resolved_in_no_order_that_a_network_gives() -> None:
    """The same A and B, and C in a sum that lists B first: A is found first all the same."""
    network = maxout(
        [
            ([[1], [1]], [0, "1/2"]),
            ([[1, 0], [0, -1], [1, 0]], ["-1/2", 1, 0]),
            ([[0, 1, 0], [1, 0, 0], [0, 1, 1]], [0, 0, "-1/4"]),
        ],
        ([[-2, 1, 1]], [0]),
        "relu",
    )
    asked = Asked(network, None, box(1, -2, 2), claim="range", lower=[-2], upper=[None])
    goal = path(asked, (["gate", "L0.u0"], 0), (["gate", "L0.u1"], 0))
    assert [shown(form) for form in goal.obligations()] == [({0: 5, 1: 8}, 4)]


def test_equal_values_with_different_scores() -> None:
    """The slope is 0, whatever the scores are."""
    for network in (step_head((0, 1), (5, 5)), step_head((0, 1, -1), (5, 5, 5))):
        goal = Asked(network, ZERO_1, box(1)).goal()
        assert [shown(form) for form in outputs_of(goal.runs[0])] == [({0: 5}, 1)]


def test_what_a_cell_has_found_is_no_part_of_it() -> None:
    """Two cells that know the same are equal, though one has kept values that the other has not asked for."""
    atoms = Atoms([Fraction(-1)], [Fraction(1)])
    (atom,) = atoms.maximum([X, ZERO]).terms
    free = Cell(atoms, (), {"a": atom})
    split = Cell(atoms, (), {"a": atom}, {atom: X}, touched=1 << atom)
    for cell in (free, split):
        other = Cell(cell.atoms, cell.rows, cell.places, cell.known, cell.signs, cell.touched)
        cell.value(atom)
        assert (cell.memo or cell.final) and not other.memo and not other.final and cell == other


def test_a_stuck_goal_does_not_hold() -> None:
    assert Asked(STEP, OTHER_STEP, box(1)).goal().holds([]) is False


def test_facts_of_an_atom_without_bounds() -> None:
    goal = Asked(maxout([([[[1, 0], [0, 1]]], [[0, 0]])], ([[1]], [0])), ZERO_2, box(2, None, None)).goal()
    assert list(goal.cell.facts("L0.u0")) == [0, 1]


def test_a_tree_without_a_tie() -> None:
    """An empty domain is refuted by its rows alone; no rule for ties was used."""
    goal = Asked(ZERO_1, ZERO_1, box(1, 1, 0)).goal()
    counts = claims.check_tree(goal, [["empty", [[0, "1"], [1, "1"]]]], "tree")
    assert counts == {
        "gate": 0,
        "compare": 0,
        "cut": 0,
        "anew": 0,
        "narrow": 0,
        "bound": 0,
        "holds": 0,
        "empty": 1,
        "ties": 0,
    }


def test_a_value_that_needs_itself_is_refused() -> None:
    """No certificate is known to lead there; a kernel that met it would go round for ever."""
    atoms = Atoms([Fraction(-1)], [Fraction(1)])
    (atom,) = atoms.maximum([X, ZERO]).terms
    (other,) = atoms.maximum([Form({atom: 1}), combine(((1, X), (1, ONE)), 3)]).terms
    for known in ({atom: Form({atom: 2})}, {atom: Form({other: 1})}):
        with pytest.raises(Rejected, match=r"^value: expected an atom that does not depend on itself, found a circle$"):
            Cell(atoms, (), {}, known, touched=1 << atom).value(atom)


def test_only_values_over_the_inputs_go_on_to_children() -> None:
    """What still has an atom in it is found anew below: -max(-y, -c) is known there, b - y - x was not yet."""
    atoms = Atoms([Fraction(-1)] * 2, [Fraction(1)] * 2)
    c = atoms.maximum([X, ZERO])
    atoms.maximum([Y, c])
    (mirrored,) = atoms.maximum([negated(Y), negated(c)]).terms
    assert mirrored in atoms.alias
    positive = made(Cell(atoms, (), {"c": 3, "b": 4}).gate("c"))[0]
    assert min(positive.value(mirrored).terms) == 1 and len(positive.value(mirrored).terms) == 3
    found = [shown(child.value(mirrored)) for child in made(positive.gate("b"))]
    assert found == [({1: -1}, 1), ({2: -1}, 1)]


def test_the_mean_of_a_maximum_is_below_a_gate_that_of_what_wins() -> None:
    atoms, rate = Atoms([Fraction(-1)], [Fraction(1)]), Rate(Fraction(1), "e")
    (mean,) = atoms.mean([atoms.maximum([X, ZERO]), ONE], rate).terms
    for child, winner in zip(made(Cell(atoms, (), {"a": 2}).gate("a")), (X, ZERO), strict=True):
        assert shown(child.value(mean)) == shown(child.atoms.mean([winner, ONE], rate))
        assert shown(child.value(mean)) != shown(Form({mean: 1}))


def test_a_claim_of_another_format_is_not_asked() -> None:
    value, _, _ = ACCEPTED["slopes"]
    with pytest.raises(Rejected, match=r"^c: format: expected exactformer/certificate-1, found x$"):
        claims.ask({**value, "format": "x"}, lambda name: encoded(SLOPES), "c")


def test_a_value_that_is_needed_twice_is_found_once() -> None:
    """max(b, c) needs b and c, and b needs c, too."""
    atoms = Atoms([Fraction(-1)] * 2, [Fraction(1)] * 2)
    c = atoms.maximum([X, ZERO])
    b = atoms.maximum([c, Y])
    (a,) = atoms.maximum([b, combine(((2, c), (-1, ONE)))]).terms
    cell = Cell(atoms, (), {"c": 3})
    positive, negative = made(cell.gate("c"))
    found = positive.value(a)
    (fresh,) = found.terms
    assert [shown(form) for form in positive.atoms.candidates[fresh]] == [({fresh - 1: 1}, 1), ({0: -1, 1: 2}, 1)]
    assert shown(positive.value(4)) == ({fresh - 1: 1}, 1) and fresh == 7
    assert shown(negative.value(a)) == shown(negative.value(4))  # max(max(0, y), -1)


# --- forms ----------------------------------------------------------------------------------------


def test_ratio_of_a_part() -> None:
    assert ratio(X, Form({1: 1, 2: 1})) is None and ratio(Form({1: 1, 2: 1}), X) is None


def test_combine_with_the_weight_zero() -> None:
    assert shown(combine(((0, X),))) == shown(ZERO)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        *((X, ZERO, False), (ZERO, X, True), (negated(X), ZERO, True), (ZERO, negated(X), False), (X, X, False)),
        *((Form({1: 5, 2: -1}), ZERO, True), (Form({1: -5, 2: 1}), ZERO, False), (Form({1: -1}), ONE, True)),
        *((Form({1: 1}, 2), Form({1: 1}, 3), False), (Form({1: 1}, 3), Form({1: 1}, 2), True)),
        *((Form({1: 3}, 4), Form({1: 2}, 3), False), (Form({1: 2}, 3), Form({1: 3}, 4), True)),
        *((Form({1: -1}), Form({0: 1, 2: 3}), True), (Form({0: 1, 2: 3}), Form({1: -1}), False)),
    ],
    ids=lambda item: str(shown(item)) if isinstance(item, Form) else "",
)
def test_order_of_forms(left: Form, right: Form, expected: bool) -> None:
    assert precedes(left, right) is expected


def test_normal_forms_of_fractions() -> None:
    forms = [Form({1: 1}, 2), Form({1: 1}, 3), Form({0: 1, 2: 1}, 6)]
    found = normal_form(forms)
    assert shown(found.base) == shown(Form({1: 1}, 3)) and found.scale == Fraction(1, 6)
    moved = normal_form([combine(((5, form), (2, Y), (1, ONE)), 7) for form in reversed(forms)])
    assert moved.shape == found.shape and moved.scale == Fraction(5, 42)
    assert normal_form([Form({1: 1}, 3)]).scale == 1


def test_bounds_of_an_alias_without_bounds_of_its_expression() -> None:
    atoms = Atoms([None], [None])
    atoms.maximum([X, ZERO])
    mirrored = atoms.maximum([negated(X), ZERO])
    assert atoms.bounds(mirrored) == (0, None) and atoms.bounds(negated(mirrored)) == (None, 0)


def test_bounds_by_the_expression_of_an_alias_alone() -> None:
    """relu(-x) + x has no bounds of its own where x has no lower one; it is relu(x), between 0 and 2."""
    atoms = Atoms([None], [Fraction(2)])
    relu, mirrored = atoms.maximum([X, ZERO]), atoms.maximum([negated(X), ZERO])
    total = combine(((1, mirrored), (1, X)))
    assert atoms.bounds(total) == atoms.bounds(relu) == (0, 2) and atoms.bounds(negated(total)) == (-2, 0)


def test_tidy_replaces_only_what_cancels() -> None:
    atoms = Atoms([Fraction(-1)], [Fraction(1)])
    relu, mirrored = atoms.maximum([X, ZERO]), atoms.maximum([negated(X), ZERO])
    for weights in ((-1, -1), (1, 1), (1, -2), (2, -1), (-1, 2)):
        total = combine([(w, form) for w, form in zip(weights, (relu, mirrored), strict=True)])
        assert atoms.tidy(total) is total


def test_support_of_candidates_that_share_an_atom() -> None:
    atoms = Atoms([Fraction(-1)] * 2, [Fraction(1)] * 2)
    relu = atoms.maximum([X, ZERO])
    atoms.maximum([combine(((1, relu), (1, Y))), combine(((1, relu), (-1, Y)))])
    atoms.maximum([combine(((-1, relu), (1, Y))), combine(((-1, relu), (-1, Y)))])  # an alias of the last one
    assert atoms.support == {3: 0b1000, 4: 0b11000, 5: 0b111000} and atoms.first == {5: 4}
    assert atoms.class_bit("none") == 0


# --- limits ---------------------------------------------------------------------------------------


def test_a_file_of_just_the_largest_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    value, left, right = ACCEPTED["slopes"]
    for name, data in (("certificate", value), ("left", left), ("right", right)):
        (tmp_path / f"{name}.json").write_bytes(encoded(data))
    size = max(path.stat().st_size for path in tmp_path.iterdir())
    monkeypatch.setattr(reading, "MAX_BYTES", size)
    assert check_file(tmp_path / "certificate.json").holds
    monkeypatch.setattr(reading, "MAX_BYTES", size - 1)
    with pytest.raises(Rejected, match=f"of at most {size - 1} bytes"):
        check_file(tmp_path / "certificate.json")
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    assert parse_json(b"1234567890", "p") == 1234567890 and parse_json(b"123456789", "p") == 123456789
    with pytest.raises(Rejected, match=r"^p: expected at most 10 bytes, found 11 bytes$"):
        parse_json(b"12345678901", "p")


def test_a_file_error_without_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def fails(path: Any, flags: int) -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr(reading.os, "open", fails)
    with pytest.raises(Rejected, match="a file that can be read, found the disk is gone"):
        check_file(tmp_path)


def test_a_goal_that_is_finished_stays_so() -> None:
    goal = Asked(RELU, LINE, box(1)).goal()
    assert goal.finished and goal.evaluated().conclusions == goal.conclusions
    assert all(isinstance(child, Goal) and child.finished for child in made(goal.gate("L0.u0")))


def test_inputs_of_one_value_are_numbers() -> None:
    atoms = Atoms([Fraction(1, 2), None, Fraction(0)], [Fraction(1, 2), None, Fraction(1)])
    form = combine(((2, X), (1, Y), (3, ONE), (-1, Form({3: 1}))))
    assert shown(atoms.pinned(form)) == ({0: 4, 2: 1, 3: -1}, 1)
    assert shown(atoms.pinned(negated(X))) == ({0: -1}, 2)
    assert shown(Atoms([Fraction(0)], [Fraction(0)]).pinned(X)) == ({}, 1)


def test_an_input_of_one_value_does_not_tell_units_apart() -> None:
    """max(5x + y, 0) and max(2 relu(x) - 2 relu(-x) + y, 0), where x = 0; on a wider box this needs cells."""
    left = maxout([([[5, 1]], [0])], ([[1]], [0]), "relu")
    parts = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    right = maxout([(parts, [0] * 4), ([[2, -2, 1, -1]], [0])], ([[1]], [0]), "relu")
    rest = {"claim": "equal", "inhabitant": [0, 0], "tree": [["holds"]]}
    judged(certificate(left, right, {"lower": [0, -1], "upper": [0, 1]}, **rest), left, right)
    with pytest.raises(Rejected):
        judged(certificate(left, right, {"lower": [0, -1], "upper": [1, 1]}, **rest), left, right)
