"""Every claim: what it means to the kernel, its theorems word for word, and what is neither proof nor refutation."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import pytest
from kernel_claims import (
    ABS,
    BELOW_DIAGONAL,
    DENIES,
    FALLING,
    GAP,
    LINE,
    MAXIMUM,
    MINUS_ABS,
    PARTS,
    PROVED,
    REFUTED,
    RELU,
    SAYS,
    STEP,
    THREE,
    WEIGHTED,
)
from kernel_material import (
    CLAIMS,
    EQUATIONS,
    TIES,
    Asked,
    Soft,
    accepted,
    box,
    certificate,
    goal_of,
    judged,
    made,
    maxout,
    random_claim,
    statement_of,
    step_head,
    written,
)

from exactformer.kernel import statements
from exactformer.kernel.claims import follow
from exactformer.kernel.forms import Form, vector
from exactformer.kernel.reading import Rejected
from exactformer.kernel.semantics import TIES as KERNEL_TIES

SHAPE: dict[str, dict[str, Any]] = {
    "equal": {},
    "at-most": {},
    "within": {"epsilon": 1},
    "range": {"lower": [0], "upper": [1]},
    "avoids": {"sets": [{"matrix": [[1], [-2]], "bounds": [0, "-1/2"]}, {"matrix": [[0]], "bounds": [-1]}]},
    "invariant": {"permutation": [1, 0]},
    "ties-agree": {"rules": ["leftmost", "average"]},
    "independent": {"inputs": [1]},
    "increasing": {"inputs": [1]},
    "decreasing": {"inputs": [0, 1]},
    "convex": {},
    "concave": {},
}  # parameters for networks with two inputs and one output


def with_changes(value: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A certificate with keys set, or removed for the value `...`."""
    return {key: item for key, item in {**value, **changes}.items() if item is not ...}


# --- proved and refuted ---------------------------------------------------------------------------


def test_every_claim_has_both() -> None:
    assert {*CLAIMS} == {*statements.CLAIMS} == {*PROVED} == {*REFUTED} == {*SAYS} == {*DENIES} == {*SHAPE}
    assert {name: number for name, (number, _, _) in statements.CLAIMS.items()} == CLAIMS
    assert TIES == KERNEL_TIES


@pytest.mark.parametrize("name", CLAIMS)
def test_proved(name: str) -> None:
    value, left, right = PROVED[name]
    theorem = judged(value, left, right)
    assert theorem.statement == SAYS[name]
    assert (theorem.claim, theorem.holds, theorem.tie) == (name, True, value["tie"])
    assert (theorem.parameters, theorem.domain) == (value.get("parameters", {}), written(value["domain"]))
    assert theorem.digests == {side: value[side]["sha256"] for side in ("left", "right") if side in value}
    assert len(theorem.digests) == CLAIMS[name]
    steps = [step[0] for step in value["tree"]]
    assert theorem.counts == {
        **{rule: steps.count(rule) for rule in ("gate", "compare", "cut", "anew", "narrow", "bound", "holds", "empty")},
        "ties": {"ties-agree": 2, "decreasing": 2}.get(name, 0),
    }
    assert all(map(Asked.of(value, left, right).true_at, Asked.of(value, left, right).points(Random(0), 100)))


@pytest.mark.parametrize("name", CLAIMS)
def test_refuted(name: str) -> None:
    value, left, right = REFUTED[name]
    theorem = judged(value, left, right)
    assert theorem.statement == DENIES[name]
    assert (theorem.claim, theorem.holds, theorem.tie, theorem.counts) == (name, False, value["tie"], {})
    assert theorem.domain == written(value["domain"])
    assert theorem.digests == {side: value[side]["sha256"] for side in ("left", "right") if side in value}
    asked, point = Asked.of(value, left, right), [Fraction(x) for x in value["point"]]
    assert asked.contains(point) and not asked.true_at(point)
    assert asked.values(point) == [[Fraction(y) for y in values] for values in value["values"]]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_proof_is_none_of_another_claim(name: str) -> None:
    """The networks, the domain and the tree kept, another claim made of them: rejected, or true."""
    value, left, right = PROVED[name]
    r = Random(name)
    outputs, n = len(left["output"]["biases"]) if "output" in left else 1, len(value["domain"]["lower"])
    found = set()
    for other in CLAIMS:
        for _ in range(6):
            claim, parameters = random_claim(r, n, outputs, other)
            second = None if CLAIMS[claim] == 1 else right or left
            asked = Asked(left, second, value["domain"], value["tie"], claim, **parameters)
            changed = asked.certificate(inhabitant=value["inhabitant"], tree=value["tree"])
            if accepted(changed, left, second):
                found.add(claim)
                assert all(map(asked.true_at, asked.points(r, 60)))
    assert len(found) < len(CLAIMS) - 2


@pytest.mark.parametrize("name", CLAIMS)
def test_a_refutation_is_none_of_another_claim(name: str) -> None:
    value, left, right = REFUTED[name]
    r = Random(name)
    outputs, n = len(left["output"]["biases"]) if "output" in left else 1, len(value["domain"]["lower"])
    for other in CLAIMS:
        for _ in range(6):
            claim, parameters = random_claim(r, n, outputs, other)
            second = None if CLAIMS[claim] == 1 else right or left
            asked = Asked(left, second, value["domain"], value["tie"], claim, **parameters)
            point = [Fraction(x) for x in value["point"]]
            believed = accepted(asked.certificate(point=value["point"], values=value["values"]), left, second)
            sized = len(point) == asked.n + len(asked.free)
            assert believed == (
                sized
                and asked.contains(point)
                and not asked.true_at(point)
                and asked.values(point) == [[Fraction(y) for y in values] for values in value["values"]]
            )


# --- what a claim means ---------------------------------------------------------------------------

CORNER = {"lower": [None, "-1/2"], "upper": [1, None], "matrix": [[1, "1/3"], [0, -2]], "bounds": ["1/2", 0]}
X, Y = Form({1: 1}), Form({2: 1})


def plain(forms: Any) -> list[Any]:
    return [(dict(sorted(form.terms.items())), form.den) for form in forms]


def rows(first: int, second: int) -> list[Any]:
    """The rows of `CORNER` at the variables with these numbers."""
    return [
        ({0: 1, first: -1}, 1),
        ({0: 1, second: 2}, 2),
        (dict(sorted({0: 3, first: -6, second: -2}.items())), 6),
        ({second: 2}, 1),
    ]


@pytest.mark.parametrize("name", [name for name in CLAIMS if name not in ("equal", "at-most", "within")])
@pytest.mark.parametrize("tie", TIES)
def test_statements_about_one_network(name: str, tie: str) -> None:
    found = statement_of(GAP, None, CORNER, tie, name, **SHAPE[name])
    lower, upper = [None, Fraction(-1, 2)], [Fraction(1), None]
    x, n = [X, Y], 2
    match name:
        case "range" | "avoids" | "invariant" | "ties-agree":
            free, y = [], None
        case "independent" | "increasing":
            free, y = [1], [X, Form({3: 1})]
        case _:
            free, y = [0, 1], [Form({3: 1}), Form({4: 1})]
    assert found.lower == lower + [lower[i] for i in free] and found.upper == upper + [upper[i] for i in free]
    order = [({i + 1: -1, n + k: 1}, 1) for k, i in enumerate(free, start=1)] if name.endswith("creasing") else []
    expected = rows(1, 2) + (rows(*(next(iter(form.terms)) for form in y)) if y else []) + order
    assert plain(form for form, _ in found.rows) == expected and not any(strict for _, strict in found.rows)
    assert [(letter, plain(point)) for letter, point in found.points] == [
        ("x", plain(x)),
        *([("y", plain(y))] if y else []),
    ]
    assert found.equations == (name in EQUATIONS)
    left = [("L", "left(x)", tie, plain(x))]
    wanted = {
        "range": left,
        "avoids": left,
        "invariant": [*left, ("R", "left(x2, x1)", tie, plain([Y, X]))],
        "ties-agree": [
            (side, f"left(x) {rule}", rule, plain(x)) for side, rule in (("L", "leftmost"), ("R", "average"))
        ],
    }
    if y:
        wanted |= {key: [*left, ("R", "left(y)", tie, plain(y))] for key in CLAIMS.keys() - wanted}
        middle = [({1: 1, 3: 1}, 2), ({2: 1, next(iter(y[1].terms)): 1}, 2)]
        for bent in ("convex", "concave"):
            wanted[bent] = [("M", "left((x + y)/2)", tie, middle), *wanted["increasing"]]
    assert [(job.side, job.label, job.semantics.tie, plain(job.inputs)) for job in found.jobs] == wanted[name]
    assert len({id(job.network) for job in found.jobs}) == 1


@pytest.mark.parametrize("name", ["equal", "at-most", "within"])
def test_statements_about_two_networks(name: str) -> None:
    found = statement_of(GAP, MAXIMUM, CORNER, "rightmost", name, **SHAPE[name])
    assert (found.lower, found.upper) == ([None, Fraction(-1, 2)], [1, None])
    assert plain(form for form, _ in found.rows) == rows(1, 2)
    assert [(job.side, job.label, job.semantics.tie, plain(job.inputs)) for job in found.jobs] == [
        ("L", "left(x)", "rightmost", plain([X, Y])),
        ("R", "right(x)", "rightmost", plain([X, Y])),
    ]
    assert [type(job.network).__name__ for job in found.jobs] == ["Maxout", "Maxout"]
    assert [len(job.network.layers) for job in found.jobs] == [0, 1]  # type: ignore[union-attr]
    assert found.equations == (name == "equal")


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("equal", {}, [{1: 1, 4: -1}, {2: 1, 5: -1}, {3: 1, 6: -1}]),
        ("at-most", {}, [{1: -1, 4: 1}, {2: -1, 5: 1}, {3: -1, 6: 1}]),
        (
            "within",
            {"epsilon": 2},
            [
                *({0: 2, 1: -1, 4: 1}, {0: 2, 2: -1, 5: 1}, {0: 2, 3: -1, 6: 1}),
                *({0: 2, 1: 1, 4: -1}, {0: 2, 2: 1, 5: -1}, {0: 2, 3: 1, 6: -1}),
            ],
        ),
        (
            "range",
            {"lower": [-7, None, 5], "upper": [None, 2, "-3"]},
            [{0: 7, 1: 1}, {0: -5, 3: 1}, {0: 2, 2: -1}, {0: -3, 3: -1}],
        ),
        (
            "avoids",
            {"sets": [{"matrix": [[2, 0, -1], [0, 0, 0]], "bounds": [5, 7]}, {"matrix": [[0, 3, 0]], "bounds": [0]}]},
            [{0: -5, 1: 2, 3: -1}, {0: -7}, {2: 3}],
        ),
        ("invariant", {"permutation": [0]}, [{1: 1, 4: -1}, {2: 1, 5: -1}, {3: 1, 6: -1}]),
        ("ties-agree", {"rules": list(TIES[:2])}, [{1: 1, 4: -1}, {2: 1, 5: -1}, {3: 1, 6: -1}]),
        ("independent", {"inputs": [0]}, [{1: 1, 4: -1}, {2: 1, 5: -1}, {3: 1, 6: -1}]),
        ("increasing", {"inputs": [0]}, [{1: -1, 4: 1}, {2: -1, 5: 1}, {3: -1, 6: 1}]),
        ("decreasing", {"inputs": [0]}, [{1: 1, 4: -1}, {2: 1, 5: -1}, {3: 1, 6: -1}]),
        ("convex", {}, [{1: -2, 4: 1, 7: 1}, {2: -2, 5: 1, 8: 1}, {3: -2, 6: 1, 9: 1}]),
        ("concave", {}, [{1: 2, 4: -1, 7: -1}, {2: 2, 5: -1, 8: -1}, {3: 2, 6: -1, 9: -1}]),
    ],
)
def test_conclusions_in_order(name: str, parameters: Any, expected: Any) -> None:
    """For outputs 1, 2, 3 of the first evaluation, 4, 5, 6 of the second, 7, 8, 9 of the third."""
    found = statement_of(PARTS, PARTS if CLAIMS[name] == 2 else None, box(1), claim=name, **parameters)
    outputs = [vector(Form({3 * job + k: 1}) for k in (1, 2, 3)) for job in range(len(found.jobs))]
    assert plain(found.conclusions(outputs)) == [(dict(sorted(terms.items())), 1) for terms in expected]


def test_evaluations_are_in_the_order_of_the_jobs() -> None:
    """The numbers of the atoms show it: the midpoint first, then x, then y."""
    goal = goal_of(RELU, None, box(1), claim="convex")
    assert goal.cell.places == {"M0.u0": 3, "L0.u0": 4, "R0.u0": 5}
    assert [plain(goal.cell.atoms.candidates[v]) for v in (3, 4, 5)] == [
        [({1: 1, 2: 1}, 2), ({}, 1)],
        [({1: 1}, 1), ({}, 1)],
        [({2: 1}, 1), ({}, 1)],
    ]
    assert plain(goal.conclusions) == [({3: -2, 4: 1, 5: 1}, 1)]
    waiting = goal_of(STEP, None, box(1), claim="convex")
    assert [run.stuck is not None for run in waiting.runs] == [True, False, False]
    assert waiting.runs[0].stuck is not None and waiting.runs[0].stuck.place == "M0.h0.q0"
    above = made(waiting.compare(0, 1))[0]
    assert [run.outputs is not None for run in above.runs] == [True, False, False]
    assert above.runs[1].stuck is not None and above.runs[1].stuck.place == "L0.h0.q0"
    assert made(above.compare(0, 1))[2].runs[2].stuck is not None and not above.finished


def test_bounds_of_y() -> None:
    """The second point has the bounds of the first: on [1, 2] nothing is open; without bounds all is."""
    assert goal_of(RELU, None, box(1, 1, 2), claim="increasing", inputs=[0]).cell.places == {}
    assert goal_of(RELU, None, box(1, None, 2), claim="increasing", inputs=[0]).cell.places.keys() == {
        "L0.u0",
        "R0.u0",
    }
    one = {"lower": [1, None], "upper": [2, 0]}
    assert goal_of(MAXIMUM, None, one, claim="decreasing", inputs=[1]).cell.places == {}
    assert goal_of(MAXIMUM, None, one, claim="independent", inputs=[0]).cell.places == {}
    assert goal_of(MAXIMUM, None, one, claim="convex").cell.places == {}


def test_a_permuted_point_may_lie_outside() -> None:
    """The domain bounds x, not Px: the maximum is open at neither, and its value there is another one."""
    domain = {"lower": [1, -3], "upper": [2, 0]}
    value = certificate(MAXIMUM, None, domain, claim="invariant", parameters={"permutation": [1, 0]})
    assert accepted({**value, "inhabitant": [1, 0], "tree": [["holds"]]}, MAXIMUM)
    value = certificate(GAP, None, domain, claim="invariant", parameters={"permutation": [1, 0]})
    theorem = judged({**value, "point": [1, -3], "values": [[4], [-4]]}, GAP)
    assert theorem.statement.startswith("at x = (1, -3), left(x) = (4), left(x2, x1) = (-4) (tie rule average)")
    assert not accepted({**value, "point": [-3, 1], "values": [[-4], [4]]}, GAP)


def test_a_permutation_is_no_involution() -> None:
    """(Px)_i = x_permutation[i]."""
    value = certificate(WEIGHTED, None, box(3, 0, 1), claim="invariant", parameters={"permutation": [2, 0, 1]})
    assert accepted({**value, "point": [1, 0, 0], "values": [[1], [2]]}, WEIGHTED)  # (x3, x1, x2) = (0, 1, 0)
    assert not accepted({**value, "point": [1, 0, 0], "values": [[1], [3]]}, WEIGHTED)
    for same in ([0, 1, 2],):
        trivial = {**value, "parameters": {"permutation": same}, "inhabitant": [0, 0, 0], "tree": [["holds"]]}
        assert accepted(trivial, WEIGHTED)
        assert not accepted({**trivial, "parameters": {"permutation": [1, 0, 2]}}, WEIGHTED)


# --- parameters -----------------------------------------------------------------------------------

JUNK: list[Any] = [
    None,
    True,
    0,
    1,
    -1,
    "",
    "x",
    "x1",
    0.5,
    [],
    [[]],
    {},
    {"a": 1},
    [0, 0],
    [None],
    [True],
    ["0"],
    [0.0],
]


def about_two_inputs(name: str, parameters: Any) -> tuple[dict[str, Any], Any, Any]:
    """A certificate with a tree that would do for a true claim about networks that are 0."""
    zero = maxout([], ([[0, 0]], [0]))
    right = zero if CLAIMS[name] == 2 else None
    rest = {} if parameters is ... else {"parameters": parameters}
    tree: list[Any] = [["holds"]]
    if name in ("within", "range", "avoids"):
        tree = [["holds", ["1", []], ["1", []]]]
    return certificate(zero, right, box(2), claim=name, inhabitant=[0, 0], tree=tree, **rest), zero, right


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        *((name, ...) for name, parameters in SHAPE.items() if not parameters),
        *SHAPE.items(),
        *(("within", {"epsilon": e}) for e in ("1/3", 2.5, "1e-9", "7")),
        *(("range", {"lower": ends, "upper": [3]}) for ends in (["-1/2"], [-1], [-0.5])),
        ("invariant", {"permutation": [0, 1]}),
        *(("ties-agree", {"rules": [a, b]}) for a in TIES for b in TIES),
        *(
            (name, {"inputs": free})
            for name in ("independent", "increasing", "decreasing")
            for free in ([0], [1], [0, 1])
        ),
    ],
)
def test_parameters(name: str, parameters: Any) -> None:
    value, left, right = about_two_inputs(name, parameters)
    if name == "range" and parameters["lower"] == [0]:
        value["tree"] = [["holds", ["1", []]]]  # the lower bound is attained: one conclusion is 0
    assert judged(value, left, right).holds


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        *((name, {"epsilon": 0}, "only the keys") for name, parameters in SHAPE.items() if not parameters),
        *((name, ..., "the key ") for name, parameters in SHAPE.items() if parameters),
        *((name, {}, "the key ") for name, parameters in SHAPE.items() if parameters),
        *((name, {**parameters, "note": 1}, "only the keys") for name, parameters in SHAPE.items()),
        *((name, junk, "an object") for name in CLAIMS for junk in (None, [], "", 0, [["epsilon", 1]])),
        *(("within", {"epsilon": e}, "a number >= 0") for e in (-1, "-1e-9", "-1/7", -0.5)),
        ("within", {"epsilon": "1/0"}, "a denominator that is not zero"),
        ("within", {"epsilon": "1e9999"}, "an exponent of at most 4000"),
        *(("within", {"epsilon": e}, "a number") for e in (None, True, [], [1], {}, "", "inf", "one")),
        *(("range", {"lower": low, "upper": [1]}, r"1 entries") for low in ([], [0, 0], [None, None])),
        *(("range", {"lower": [0], "upper": high}, r"1 entries") for high in ([], [1, 1])),
        ("range", {"lower": [None], "upper": [None]}, "at least one bound"),
        *(("range", {"lower": low, "upper": [1]}, "a list") for low in (None, 0, "0", {}, True)),
        *(("range", {"lower": [low], "upper": [1]}, "a number") for low in (True, "", "x", [], "-inf")),
        ("range", {"lower": [0]}, "the key 'upper'"),
        ("range", {"upper": [0]}, "the key 'lower'"),
        *(("invariant", {"permutation": p}, "a permutation of 0, ..., 1") for p in ([0, 0], [1, 1])),
        *(("invariant", {"permutation": p}, "2 entries") for p in ([], [0], [0, 1, 1], [0, 1, 2])),
        *(("invariant", {"permutation": p}, "an integer >= 0 and < 2") for p in ([0, 2], [-1, 0], [True, 0], ["1", 0])),
        *(("invariant", {"permutation": p}, "an integer >= 0 and < 2") for p in ([1.0, 0], [None, 0], [[1], [0]])),
        *(("invariant", {"permutation": p}, "a list") for p in (None, 10, "10", {"0": 1})),
        *(("ties-agree", {"rules": p}, "2 entries") for p in ([], ["average"], list(TIES))),
        *(
            ("ties-agree", {"rules": ["average", rule]}, "two of average, leftmost, rightmost")
            for rule in ("any", "", None)
        ),
        *(
            ("ties-agree", {"rules": [rule, "average"]}, "two of")
            for rule in (0, True, ["average"], {"average": 1}, "Average")
        ),
        *(("ties-agree", {"rules": p}, "a list") for p in (None, "average", {})),
        *(
            (name, {"inputs": free}, message)
            for name in ("independent", "increasing", "decreasing")
            for free, message in (
                ([], "in increasing order, at least one"),
                ([1, 0], "in increasing order, at least one"),
                ([0, 0], "in increasing order, at least one"),
                ([1, 1], "in increasing order, at least one"),
                ([2], "an integer >= 0 and < 2"),
                ([0, 2], "an integer >= 0 and < 2"),
                ([-1], "an integer >= 0 and < 2"),
                ([True], "an integer >= 0 and < 2"),
                (["x1"], "an integer >= 0 and < 2"),
                (["0"], "an integer >= 0 and < 2"),
                ([0.0], "an integer >= 0 and < 2"),
                ([None], "an integer >= 0 and < 2"),
                (0, "a list"),
                ("x1", "a list"),
                (None, "a list"),
            )
        ),
    ],
)
def test_wrong_parameters(name: str, parameters: Any, message: str) -> None:
    value, left, right = about_two_inputs(name, parameters)
    with pytest.raises(Rejected, match=rf"^certificate: parameters.*expected .*{message}"):
        judged(value, left, right)
    point = {"point": [0, 0], "values": [[0]] * 2}
    with pytest.raises(Rejected, match=r"^certificate: parameters"):
        judged(with_changes(value, tree=..., inhabitant=..., **point), left, right)


@pytest.mark.parametrize("name", [name for name, parameters in SHAPE.items() if parameters])
def test_junk_parameters(name: str) -> None:
    for key, good in SHAPE[name].items():
        for junk in JUNK:
            value, left, right = about_two_inputs(name, {**SHAPE[name], key: junk})
            harmless = junk == good or (name, junk) in [("within", 0), ("within", 0.5), ("range", [0.0])]
            harmless = harmless or (name == "range" and key == "lower" and junk == [None])
            assert not accepted(value, left, right) or harmless


def test_a_certificate_of_one_claim_with_the_parameters_of_another() -> None:
    for name, parameters in SHAPE.items():
        for other in SHAPE.values():
            if other.keys() != parameters.keys():
                assert not accepted(*about_two_inputs(name, other))


def test_names_of_claims() -> None:
    value, left, right = PROVED["at-most"]
    names = ["at_most", "At-most", "at-most ", "", "differ", "eq", None, 0, True, ["at-most"], {"at-most": []}]
    for name in names:
        with pytest.raises(Rejected, match=r"^certificate: claim: expected one of equal, at-most, within, range, avo"):
            judged({**value, "claim": name}, left, right)


# --- how many networks ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLAIMS)
def test_number_of_networks(name: str) -> None:
    for value, left, right in (PROVED[name], REFUTED[name]):
        if CLAIMS[name] == 2:
            with pytest.raises(Rejected, match=rf"expected 2 networks for the claim {name}, found 1$"):
                judged(with_changes(value, right=...), left, right)
            with pytest.raises(Rejected, match=r"expected the key 'left'"):
                judged(with_changes(value, left=...), left, right)
        else:
            for other in (left, right or left):
                extra = certificate(left, other, None)["right"]
                with pytest.raises(Rejected, match=rf"expected 1 network for the claim {name}, found 2$"):
                    judged({**value, "right": extra}, left, other)
            for junk in (None, {}, "left.json", value["left"]["sha256"]):
                assert not accepted({**value, "right": junk}, left, left)
            moved = with_changes(value, left=..., right=value["left"])
            with pytest.raises(Rejected, match=r"expected the key 'left'"):
                judged(moved, left, left)


def test_both_networks_may_be_one_file() -> None:
    value = certificate(ABS, ABS, box(1), claim="at-most", inhabitant=[0], tree=[["holds"]])
    assert accepted({**value, "right": value["left"]}, ABS)


# --- counterexamples ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLAIMS)
def test_points_and_values(name: str) -> None:
    value, left, right = REFUTED[name]
    point, values = value["point"], value["values"]
    for wrong in ([], point[:-1], [*point, 0], [*point, *point], [None, *point[1:]], [True, *point[1:]], [point]):
        with pytest.raises(Rejected, match=r"^certificate: point"):
            judged({**value, "point": wrong}, left, right)
    for wrong in (None, {}, 0, "0", {"x": point}):
        with pytest.raises(Rejected, match=r"^certificate: point: expected a list"):
            judged({**value, "point": wrong}, left, right)
    for i in range(len(point)):  # outside the domain, wherever it is bounded
        for far in (100, -100):
            with pytest.raises(Rejected, match=r"^certificate: point: expected a point of the domain"):
                judged({**value, "point": [*point[:i], far, *point[i + 1 :]]}, left, right)
    for wrong in ([], values[:-1], [*values, values[0]], [*values, []], {"left": values[0]}, None, 0):
        with pytest.raises(Rejected, match=r"^certificate: values: expected"):
            judged({**value, "values": wrong}, left, right)
    for i, y in enumerate(values):
        for wrong in ([], [*y, 0], y[:-1], y[0], None, [y], {}, [None, *y[1:]], ["10/11", *y[1:]]):
            with pytest.raises(Rejected, match=rf"^certificate: values\[{i}\]"):
                judged({**value, "values": [*values[:i], wrong, *values[i + 1 :]]}, left, right)
        for far in ("1e-4000", "-1e-4000", 1):
            shifted = [f"{Fraction(y[0]) + Fraction(far)}", *y[1:]]
            assert not accepted({**value, "values": [*values[:i], shifted, *values[i + 1 :]]}, left, right)
    assert not accepted({**value, "values": values[::-1]}, left, right) or values == values[::-1]
    for key in ("point", "values"):
        assert not accepted(with_changes(value, **{key: ...}), left, right)


@pytest.mark.parametrize("name", CLAIMS)
def test_points_where_the_claim_is_true(name: str) -> None:
    """The true values at other points: rejected unless they contradict the claim."""
    value, left, right = REFUTED[name]
    asked = Asked.of(value, left, right)
    seen = {True: 0, False: 0}
    for point in asked.points(Random(name), 60):
        values = [[f"{y}" for y in exact] for exact in asked.values(point)]
        changed = {**value, "point": [f"{x}" for x in point], "values": values}
        if asked.true_at(point):
            with pytest.raises(Rejected, match=r"^certificate: values: expected values that contradict the claim for"):
                judged(changed, left, right)
        else:
            assert not judged(changed, left, right).holds
        seen[asked.true_at(point)] += 1
    assert min(seen.values()) > 0 or name in ("equal", "within", "ties-agree", "invariant")


def test_points_that_are_not_ordered() -> None:
    """For increasing and decreasing y >= x is asked for; for the others it is not."""
    for name, network in (("increasing", LINE), ("decreasing", {**LINE, "output": {"weights": [[-1]], "biases": [0]}})):
        value = certificate(network, None, box(1), claim=name, parameters={"inputs": [0]})
        at = [[1], [0]] if name == "increasing" else [[-1], [0]]
        with pytest.raises(Rejected, match=r"^certificate: point: expected a point of the domain, found \(1, 0\)"):
            judged({**value, "point": [1, 0], "values": at}, network)
        with pytest.raises(Rejected, match=r"values that contradict"):
            judged({**value, "point": [0, 1], "values": at[::-1]}, network)
    value = certificate(GAP, None, box(2), claim="increasing", parameters={"inputs": [0, 1]})
    assert accepted({**value, "point": [0, 0, 0, 1], "values": [[0], [-1]]}, GAP)
    assert not accepted({**value, "point": [0, 0, "-1/9", 1], "values": [[0], ["-10/9"]]}, GAP)  # x1 <= y1 fails
    value = certificate(LINE, None, box(1), claim="independent", parameters={"inputs": [0]})
    assert accepted({**value, "point": [1, 0], "values": [[1], [0]]}, LINE)


def test_both_points_lie_in_the_domain() -> None:
    below = certificate(MAXIMUM, None, BELOW_DIAGONAL, claim="independent", parameters={"inputs": [1]})
    for y2, value in (("1/2", "1/2"), (1, 1), (2, 2)):  # beyond x1 = 0
        with pytest.raises(Rejected, match="a point of the domain"):
            judged({**below, "point": [0, -1, y2], "values": [[0], [value]]}, MAXIMUM)
        with pytest.raises(Rejected, match="a point of the domain"):
            judged({**below, "point": [0, y2, -1], "values": [[value], [0]]}, MAXIMUM)
    free = {**below, "domain": {**BELOW_DIAGONAL, "matrix": [], "bounds": []}}
    assert accepted({**free, "point": [0, -1, "1/2"], "values": [[0], ["1/2"]]}, MAXIMUM)
    assert not accepted({**free, "point": [0, -1, 2], "values": [[0], [2]]}, MAXIMUM)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_tree_and_a_point_together(name: str) -> None:
    proof, left, right = PROVED[name]
    point = {key: REFUTED[name][0][key] for key in ("point", "values")}
    for extra in (point, {"point": point["point"]}, {"values": point["values"]}):
        with pytest.raises(Rejected, match=r"^certificate: expected (only the keys|the key)"):
            judged({**proof, **extra}, left, right)
    tree = {key: proof[key] for key in ("tree", "inhabitant")}
    value, left, right = REFUTED[name]
    for extra in (tree, {"tree": tree["tree"]}, {"inhabitant": tree["inhabitant"]}, {"tree": []}):
        with pytest.raises(Rejected, match=r"^certificate: expected only the keys"):
            judged({**value, **extra}, left, right)
    with pytest.raises(Rejected, match=r"^certificate: expected the key"):
        judged(with_changes(value, point=..., values=...), left, right)


@pytest.mark.parametrize("name", CLAIMS)
def test_an_inhabitant_is_a_point_of_the_domain(name: str) -> None:
    """Of the domain, not of the variables: x alone."""
    value, left, right = PROVED[name]
    n = len(value["domain"]["lower"])
    for wrong in ([*value["inhabitant"], 0], value["inhabitant"][1:], [None] * n, None, {}):
        with pytest.raises(Rejected, match=r"^certificate: inhabitant"):
            judged({**value, "inhabitant": wrong}, left, right)
    if value["domain"] != box(1, None, None):
        with pytest.raises(Rejected, match=r"^certificate: inhabitant: expected a point of the domain"):
            judged({**value, "inhabitant": [100] * n}, left, right)


# --- obligations ----------------------------------------------------------------------------------

ONE, ZERO, MINUS = (maxout([], ([[0]], [b])) for b in (1, 0, -1))
TINY = maxout([], ([[0]], ["1e-4000"]))
CLOSERS: list[Any] = [
    *(["holds"], ["holds", ["1", []]], ["holds", ["1", []], ["1", []]], ["holds", ["1", [[0, "1"], [1, "1"]]]]),
    *(["holds", ["1", [[0, "1"]]]], ["holds", ["f", [[1, "2"]]]], ["empty", []], ["empty", [[0, "1"], [1, "1"]]]),
]


@pytest.mark.parametrize(
    ("left", "right"), [(ONE, ZERO), (ZERO, MINUS), (TINY, ZERO), (ONE, TINY)], ids=["1", "0", "tiny", "less"]
)
def test_a_negative_constant_never_closes(left: Any, right: Any) -> None:
    """left > right everywhere: what is left of right - left >= 0 is a negative constant."""
    goal = goal_of(left, right, box(1), claim="at-most")
    (obligation,) = goal.obligations()
    assert obligation.constant() is not None and obligation.constant() < 0  # type: ignore[operator]
    value = certificate(left, right, box(1), claim="at-most", inhabitant=[0])
    for step in CLOSERS:
        assert not accepted({**value, "tree": [step]}, left, right)
    for claim in ("equal", "within"):
        rest = {"parameters": {"epsilon": 0}} if claim == "within" else {}
        for step in CLOSERS:
            assert not accepted({**value, "claim": claim, **rest, "tree": [step]}, left, right)
    turned = certificate(right, left, box(1), claim="at-most", inhabitant=[0], tree=[["holds", ["1", []]]])
    assert judged(turned, right, left).holds


def test_a_positive_constant_needs_its_proof() -> None:
    value = certificate(ZERO, ONE, box(1), claim="at-most", inhabitant=[0])
    found = [accepted({**value, "tree": [step]}, ZERO, ONE) for step in CLOSERS]
    assert found == [False, True, *[False] * 6]
    slack = [["holds", ["3", [[0, "1"], [1, "1"]]]]]  # 3 - (x + 1) - (1 - x) = 1
    assert accepted({**value, "tree": slack}, ZERO, ONE)
    same = certificate(ONE, ONE, box(1), claim="at-most", inhabitant=[0])
    found = [accepted({**same, "tree": [step]}, ONE, ONE) for step in CLOSERS]
    assert found == [True, *[False] * 7]  # nothing is left to prove, and no proof may be left over


def test_strictness() -> None:
    """>= holds with equality, and fails by any margin; a proof is about whole numbers, so times the denominator q."""
    for end in ("1", "2", "3/2", "1.000000001", "0.999999999", "1/2", "-1", "1e-4000"):
        q, expected = format(Fraction(end).denominator, "x"), Fraction(end) >= 1
        tree: list[Any] = [["holds", ["1", [["L0.u0", "high", q]]]]]
        parameters: dict[str, Any] = {"lower": [None], "upper": [end]}
        value = certificate(RELU, None, box(1), claim="range", parameters=parameters, inhabitant=[0], tree=tree)
        assert accepted(value, RELU) == expected
        tree = [["gate", "L0.u0"], *(["holds", *([w, rows] for rows in both)] for w, both in leaves(q))]
        value = {**PROVED["within"][0], "parameters": {"epsilon": end}, "tree": tree}
        assert accepted(value, RELU, LINE) == expected
    for end in ("0", "-1", "1e-4000"):
        tree = [["holds", ["1", [["L0.u0", "low", format(Fraction(end).denominator, "x")]]]]]
        value = certificate(
            RELU, None, box(1), claim="range", parameters={"lower": [end], "upper": [None]}, inhabitant=[0]
        )
        assert accepted({**value, "tree": tree}, RELU) == (end != "1e-4000")
        assert accepted({**value, "tree": [["holds", ["1", [["L0.u0", 1, "1"]]]]]}, RELU) == (end != "1e-4000")


def leaves(q: str) -> list[Any]:
    """For |relu(x) - x| <= p/q: p >= 0 where x wins, p + q x = q (x + 1) + (p - q) and p - q x where 0 wins."""
    return [("1", ([], [])), ("1", ([[0, q]], [[1, q]]))]


def test_a_proof_of_one_sign_is_none_of_the_other() -> None:
    """relu(x) - x >= 0: every way to turn it round, with each multiplier, with both signs, is rejected."""
    proof = ["1", [["R0.u0", 0, "1"]]]
    good = certificate(LINE, RELU, box(1), claim="at-most", inhabitant=[0], tree=[["holds", proof]])
    assert accepted(good, LINE, RELU)
    turned = certificate(RELU, LINE, box(1), claim="at-most", inhabitant=[0])
    facts = [["L0.u0", which] for which in (0, 1, "low", "high")]
    references = [*facts, [0], [1]]
    for one in references:
        for m in "123":
            assert not accepted({**turned, "tree": [["holds", ["1", [[*one, m]]]]]}, RELU, LINE)
            for other in references:
                for k in "12":
                    tree = [["holds", ["1", [[*one, m], [*other, k]]]]]
                    assert not accepted({**turned, "tree": tree}, RELU, LINE)
    wrong = [["1", []], ["1", [["R0.u0", 1, "1"]]], ["1", [["R0.u0", "high", "1"]]], ["1", [["L0.u0", 0, "1"]]]]
    for proofs in ([], [proof, proof], *([other] for other in wrong), *([proof, other] for other in wrong)):
        assert not accepted({**good, "tree": [["holds", *proofs]]}, LINE, RELU)


@pytest.mark.parametrize("one,other", [("increasing", "decreasing"), ("convex", "concave")])
def test_the_opposite_claim(one: str, other: str) -> None:
    for name, opposite in ((one, other), (other, one)):
        value, left, right = PROVED[name]
        assert not accepted({**value, "claim": opposite}, left, right)
        assert accepted(value, left, right)


def test_the_order_of_x_and_y_counts() -> None:
    """Increasing means left(x) <= left(y) for x <= y; with the tree for y <= x nothing is proved."""
    value, left, _ = PROVED["increasing"]
    swapped = [
        ["gate", "R0.u0"],
        ["holds", ["1", [[8, "1"], ["L0.u0", 0, "1"]]]],
        ["holds", ["1", [["L0.u0", 1, "1"]]]],
    ]
    assert not accepted({**value, "tree": swapped}, left)
    assert not accepted({**value, "claim": "decreasing", "tree": swapped}, left)
    both = {**value, "parameters": {"inputs": [0, 1]}}
    assert not accepted(both, left)
    for rows, expected in (([[8, "1"]], False), ([[9, "1"]], False), ([[8, "1"], [9, "1"]], True)):
        tree = [value["tree"][0], ["holds", ["1", [*rows, ["R0.u0", 0, "1"]]]], value["tree"][2]]
        assert accepted({**both, "tree": tree}, left) == expected


def test_a_second_input_that_is_not_mentioned() -> None:
    """max(x1, x2) on x2 <= x1 does not depend on x2, but on x1; x1 - x2 increases in x1 and decreases in x2."""
    value, left, _ = PROVED["independent"]
    for inputs in ([0], [0, 1]):
        assert not accepted({**value, "parameters": {"inputs": inputs}}, left)
    for inputs, claim, step in (
        ([0], "increasing", [["holds", ["1", [[8, "1"]]]]]),
        ([1], "decreasing", [["holds", ["1", [[8, "1"]]]]]),
    ):
        good = certificate(GAP, None, box(2), claim=claim, parameters={"inputs": inputs}, inhabitant=[0, 0], tree=step)
        assert accepted(good, GAP)
        for wrong in ([1 - inputs[0]], [0, 1]):
            assert not accepted({**good, "parameters": {"inputs": wrong}}, GAP)


@pytest.mark.parametrize("name", [name for name in CLAIMS if name not in EQUATIONS])
def test_obligations_are_the_conclusions_that_are_not_zero(name: str) -> None:
    value, left, right = PROVED[name]
    goal = Asked.of(value, left, right).goal()
    if goal.finished:
        assert plain(goal.obligations()) == plain(goal.conclusions)
        assert len(goal.obligations()) == {"within": 2, "range": 4}.get(name, 1)
    leaf = made(goal.gate("L0.u0"))[1] if name == "range" else goal
    assert len(leaf.obligations()) == 3 if name == "range" else leaf is goal


# --- outputs that avoid sets ----------------------------------------------------------------------


def avoiding(left: Any, sets: Any, tree: Any = (["holds", []],), domain: Any = None) -> bool:
    """Whether the tree proves that the outputs on [-1, 1] avoid the sets."""
    domain = domain or box(1)
    value = certificate(left, None, domain, claim="avoids", parameters={"sets": sets}, inhabitant=[0], tree=list(tree))
    return accepted(value, left)


@pytest.mark.parametrize(("bound", "expected"), [(-1, True), (0, False), (1, False)])
def test_a_set_is_closed(bound: Any, expected: bool) -> None:
    """relu(x) <= bound: by bounds, by multipliers and, on a cell where the value is 0, by nothing left to show."""
    sets = [{"matrix": [[1]], "bounds": [bound]}]
    assert avoiding(RELU, sets) is expected
    assert avoiding(RELU, sets, [["holds", ["1", [["L0.u0", 1, "1"]]]]]) is expected
    by_cells = [["gate", "L0.u0"], ["holds", ["1", [[2, "1"]]]], ["holds", ["1", []]]]  # x wins, or 0
    assert avoiding(RELU, sets, by_cells) is expected
    by_bounds = [["gate", "L0.u0"], ["holds", ["1", [[2, "1"]]]], ["holds", []]]
    assert avoiding(RELU, sets, by_bounds) is expected
    assert not avoiding(RELU, sets, [["holds"]]) and not avoiding(RELU, sets, [["holds", [], []]])
    point = certificate(RELU, None, box(1), claim="avoids", parameters={"sets": sets}, point=[0], values=[[0]])
    assert accepted(point, RELU) is not expected


def test_each_inequality_of_a_set_may_be_the_one_that_fails() -> None:
    """x <= 0 and x >= 1/2 together: on no cell both; the maximum that says so can be split."""
    sets = [{"matrix": [[1], [-1]], "bounds": [0, "-1/2"]}]
    goal = goal_of(LINE, None, box(1), claim="avoids", sets=sets)
    assert goal.cell.places == {"U0": 2} and plain(goal.conclusions) == [({2: 1}, 1)]
    assert not goal.holds([None])
    assert [plain([child.conclusions[0]]) for child in made(goal.gate("U0"))] == [[({2: 1}, 1)]] * 2
    assert avoiding(LINE, sets, [["holds", ["4", [["U0", 0, "2"], ["U0", 1, "1"]]]]])
    row = [[2, "1"]]  # 4 x - 1 >= 0 on one side, 1 - 4 x >= 0 on the other
    assert avoiding(LINE, sets, [["gate", "U0"], ["holds", ["4", row]], ["holds", ["2", row]]])
    touching = [{"matrix": [[1], [-1]], "bounds": ["1/2", "-1/2"]}]
    assert not avoiding(LINE, touching, [["holds", ["4", [["U0", 0, "2"], ["U0", 1, "2"]]]]])


def test_every_set_is_an_obligation_of_its_own() -> None:
    sets = [{"matrix": [[1]], "bounds": [-2]}, {"matrix": [[-1]], "bounds": ["-3/2"]}, {"matrix": [[0]], "bounds": [0]}]
    assert avoiding(RELU, sets[:2], [["holds", [], []]]) and avoiding(RELU, sets[1::-1], [["holds", [], []]])
    assert not avoiding(RELU, sets[:2], [["holds", []]])
    assert not avoiding(RELU, sets, [["holds", [], [], []]]), "the last one is everything"
    assert not avoiding(RELU, sets, [["holds", [], []]])


def test_a_head_that_is_stuck_leaves_sets_open() -> None:
    goal = goal_of(STEP, None, box(1), claim="avoids", sets=[{"matrix": [[1], [-1]], "bounds": ["1/2", 5]}])
    assert not goal.finished and goal.conclusions == () and not goal.holds([])
    above, at, below = made(goal.compare(0, 1))
    assert [plain(child.conclusions) for child in (above, at, below)] == [[({0: 1}, 2)], [({}, 1)], [({0: -1}, 2)]]
    assert [child.holds([None]) for child in (above, at, below)] == [True, False, False]


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([], r"parameters\.sets: expected at least one set, found none"),
        ([{"matrix": [], "bounds": []}], r"parameters\.sets\[0\]: expected at least one row, found none"),
        ([{"matrix": [[1]], "bounds": [0]}, {"matrix": [], "bounds": []}], r"sets\[1\]: expected at least one row"),
        ([{"matrix": [[1, 2]], "bounds": [0]}], r"sets\[0\]\.matrix\[0\]: expected 1"),
        ([{"matrix": [[1], [2]], "bounds": [0]}], r"sets\[0\]\.matrix: expected"),
        ([{"matrix": [["x"]], "bounds": [0]}], r"sets\[0\]\.matrix\[0\]"),
        ([{"matrix": [[1]], "bounds": ["x"]}], r"sets\[0\]\.bounds"),
        ([{"matrix": [[1]]}], r"sets\[0\]"),
        ([{"matrix": [[1]], "bounds": [0], "more": 1}], r"sets\[0\]"),
        ({"matrix": [[1]], "bounds": [0]}, r"parameters\.sets"),
        ([[1]], r"sets\[0\]"),
    ],
)
def test_sets_that_are_none(sets: Any, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        statement_of(LINE, None, box(1), claim="avoids", sets=sets)


@pytest.mark.parametrize("gate", [0, None, ["L0.u0"]])
def test_a_gate_is_named(gate: Any) -> None:
    with pytest.raises(Rejected, match="tree: expected the name of a place, found"):
        follow(goal_of(RELU, None, box(1), claim="range", lower=[0], upper=[None]), ["gate", gate], "tree")


def test_sums_as_text() -> None:
    rows = [[0, 0, 0], [-1, 2, "-1/2"], [0, 1, 0], ["1/3", 0, 7], ["-1/3", 0, -1]]
    found = statement_of(PARTS, None, box(1), claim="avoids", sets=[{"matrix": rows, "bounds": [0, -1, "1/2", 3, 4]}])
    texts = ["0 <= 0", "-y1 + 2 y2 - 1/2 y3 <= -1", "y2 <= 1/2", "1/3 y1 + 7 y3 <= 3", "-1/3 y1 - y3 <= 4"]
    assert found.text == f"for every x in the domain, y = left(x) satisfies none of ({' and '.join(texts)})"
    assert found.groups == (5,) and found.grouped("abcde") == [list("abcde")]


def test_softmax_that_may_touch_a_set_refutes_nothing() -> None:
    """B(x, 0) at the rate 1 is 0 at no x > 0, but bounds do not tell it from numbers just below."""
    sets = [{"matrix": [[1]], "bounds": ["1/10"]}]
    soft = (Soft((Fraction(1),), "e"), None)
    for point, values, expected in (([1], ["7/10", "8/10"], False), (["-1/10"], ["-1/10", "1/10"], True)):
        ends = {"lower": values[0], "upper": values[1]}
        asked = Asked(RELU, None, box(1), claim="avoids", soft=soft, sets=sets)
        assert accepted(asked.certificate(point=point, values=[[ends]]), RELU) is expected


def test_obligations_of_an_equation_come_in_pairs() -> None:
    goal = goal_of(RELU, LINE, box(1))
    assert plain(goal.conclusions) == [({1: -1, 2: 1}, 1)]
    assert plain(goal.obligations()) == [({1: -1, 2: 1}, 1), ({1: 1, 2: -1}, 1)]
    first, second = made(goal.gate("L0.u0"))
    assert plain(first.obligations()) == [] and plain(second.obligations()) == [({1: -1}, 1), ({1: 1}, 1)]


# --- tie rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tie", TIES)
def test_the_rule_of_the_certificate_is_used_at_both_points(tie: str) -> None:
    step = certificate(STEP, None, box(1), tie, claim="independent", parameters={"inputs": [0]})
    at_zero = {"average": "1/2", "leftmost": 1, "rightmost": 0}[tie]
    theorem = judged({**step, "point": [-1, 0], "values": [[0], [at_zero]]}, STEP) if at_zero != 0 else None
    assert theorem is None or f"left(y) = ({at_zero}) (tie rule {tie});" in theorem.statement
    assert accepted({**step, "point": [0, 1], "values": [[at_zero], [1]]}, STEP) == (tie != "leftmost")
    for other in {"1/2", 1, 0} - {at_zero}:
        assert not accepted({**step, "point": [-1, 0], "values": [[0], [other]]}, STEP)


@pytest.mark.parametrize("tie", TIES)
def test_ties_agree_says_nothing_of_the_rule_of_the_certificate(tie: str) -> None:
    for verdict, texts in ((PROVED, SAYS), (REFUTED, DENIES)):
        value, left, _ = verdict["ties-agree"]
        theorem = judged({**value, "tie": tie}, left)
        assert theorem.statement == texts["ties-agree"] and theorem.tie == tie
        assert "tie rule " not in theorem.statement and "any tie" not in theorem.statement


def test_ties_agree_on_which_rules() -> None:
    value, _, _ = PROVED["ties-agree"]
    for first in TIES:
        for second in TIES:
            rules = {"parameters": {"rules": [first, second]}}
            alike = first == second or "average" not in (first, second)
            assert accepted({**value, **rules}, THREE) == alike
            at_zero = [["2/3" if rule == "average" else 1] for rule in (first, second)]
            against = with_changes(value, tree=..., inhabitant=..., point=[0], values=at_zero, **rules)
            assert accepted(against, THREE) != alike
    plain_step = certificate(STEP, None, box(1), claim="ties-agree", parameters=value["parameters"])
    assert not accepted({**plain_step, "inhabitant": [0], "tree": value["tree"]}, STEP)
    assert accepted({**plain_step, "point": [0], "values": [[1], [0]]}, STEP)


def test_ties_agree_without_a_tie() -> None:
    """Where no rule is used, still none is named; for two equal rules the claim names one rule only."""
    value = certificate(
        *(STEP, None, box(1, "1/4", 1)),
        claim="ties-agree",
        parameters={"rules": ["average", "leftmost"]},
        inhabitant=[1],
        tree=[["holds"]],
    )
    theorem = judged(value, STEP)
    assert theorem.counts["ties"] == 0
    assert theorem.statement.endswith("tie rules average and leftmost (real arithmetic, hard attention)")


@pytest.mark.parametrize(
    ("claim", "parameters", "inhabitant"),
    [
        ("range", {"lower": [0], "upper": [1]}, [0]),
        ("increasing", {"inputs": [0]}, [0]),
        ("independent", {"inputs": [0]}, ["1/2"]),
    ],
)
def test_any_tie_rule_or_one(claim: str, parameters: Any, inhabitant: Any) -> None:
    """On [1/4, 1] the step is 1 under any rule; on [-1, 1] its value at 0 depends on the rule."""
    domain = box(1, "1/4", 1)
    tree = [["holds", ["1", []]]] if claim == "range" else [["holds"]]
    value = certificate(STEP, None, domain, claim=claim, parameters=parameters, inhabitant=[1], tree=tree)
    assert judged(value, STEP).statement.endswith("(real arithmetic, hard attention, any tie rule)")
    one = ["holds", ["1", []]]
    if claim == "range":
        both, wide = ["holds", ["1", []], ["1", []]], [["compare", 0, 1], one, ["holds", ["1", []], ["1", []]], one]
        assert both == wide[2]
        for tie in TIES:
            middle = both if tie == "average" else one
            found = judged({**value, "domain": box(1), "tie": tie, "tree": [wide[0], one, middle, one]}, STEP)
            assert found.statement.endswith(f"(real arithmetic, hard attention, tie rule {tie})")
            assert found.counts["ties"] == 1
    assert not accepted({**value, "domain": box(1), "inhabitant": inhabitant}, STEP)


def test_ties_on_empty_cells_do_not_count() -> None:
    """For x <= y and y < 0 < x nothing is left: the tie rule at x = 0 < y = 0 of the others counts."""
    theorem = judged(*PROVED["decreasing"])
    assert theorem.counts["ties"] == 2 and "tie rule average" in theorem.statement
    apart = {**box(1, "1/4", 1)}
    value = certificate(
        FALLING, None, apart, claim="decreasing", parameters={"inputs": [0]}, inhabitant=[1], tree=[["holds"]]
    )
    assert judged(value, FALLING).counts["ties"] == 0


# --- theorems -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        ([0], [None], "0 <= left(x)"),
        ([None], ["5/2"], "left(x) <= 5/2"),
        (["-0.5"], [3], "-1/2 <= left(x) <= 3"),
        ([-1, None], [None, 7], "-1 <= left(x)_1 and left(x)_2 <= 7"),
        ([None, -1], [None, 7], "-1 <= left(x)_2 <= 7"),
        ([-1, None, 0], [1, None, None], "-1 <= left(x)_1 <= 1 and 0 <= left(x)_3"),
    ],
)
def test_texts_of_ranges(lower: Any, upper: Any, text: str) -> None:
    network = maxout([], ([[0]] * len(lower), [0] * len(lower)))
    found = statement_of(network, None, box(1), claim="range", lower=lower, upper=upper)
    assert found.text == f"for every x in the domain, {text}"


def test_texts_with_several_inputs() -> None:
    for inputs, text in (([0], "x1"), ([1], "x2"), ([0, 2], "x1, x3"), ([0, 1, 2], None)):
        for claim, relation in (("independent", "="), ("increasing", "<="), ("decreasing", ">=")):
            found = statement_of(WEIGHTED, None, box(3), claim=claim, inputs=inputs)
            order = "x, y" if claim == "independent" else "x <= y"
            differing = "" if text is None else f" that differ at most in {text}"
            assert found.text == f"for all {order} in the domain{differing}, left(x) {relation} left(y)"
    found = statement_of(WEIGHTED, None, box(3), claim="invariant", permutation=[2, 0, 1])
    assert found.text == "for every x in the domain, left(x) = left(x3, x1, x2)"
    assert statement_of(ONE, ZERO, box(1), claim="within", epsilon="0.25").text.endswith("|left(x) - right(x)| <= 1/4")


def test_several_outputs() -> None:
    """Every output counts, and the theorem shows all of them."""
    pair = [maxout([], ([[1], [w]], [0, 0])) for w in (1, 2)]
    value = certificate(*pair, box(1, 0, 1), claim="at-most", inhabitant=[0], tree=[["holds", ["1", [[0, "1"]]]]])
    assert accepted(value, *pair)  # the first difference is 0, the second x
    assert not accepted({**value, "domain": box(1)}, *pair)
    theorem = judged(
        with_changes(value, tree=..., inhabitant=..., domain=box(1), point=[-1], values=[[-1, -1], [-1, -2]]), *pair
    )
    assert theorem.statement.startswith("at x = (-1), left(x) = (-1, -1), right(x) = (-1, -2) (tie rule average)")
    both = certificate(PARTS, None, box(1), claim="convex", inhabitant=[0])
    tree = [["gate", "M0.u0"]]
    for fact in (0, 1):  # relu(x), x, |x| are convex; x is its own midpoint
        proof = ["1", [["L0.u0", fact, "1"], ["R0.u0", fact, "1"]]]
        tree += [["holds", proof, ["1", [[place, fact, "2"] for place in ("L0.u0", "R0.u0")]]]]
    assert accepted({**both, "tree": tree}, PARTS)
    assert not accepted({**both, "claim": "concave", "tree": tree}, PARTS)


def test_numbers_too_long_for_a_theorem() -> None:
    """A bound of 8000 digits is a value like any other; a theorem that cannot be printed is rejected, not an error."""
    value = certificate(ZERO, ONE, box(1), claim="within", inhabitant=[0], tree=[["holds", *[["1", []]] * 2]])
    assert accepted({**value, "parameters": {"epsilon": "1e4000"}}, ZERO, ONE)
    assert not accepted({**value, "parameters": {"epsilon": "1" + "0" * 3990 + "e4000"}}, ZERO, ONE)


def test_claims_the_tests_know_by_other_means() -> None:
    """The material is what it says: discontinuous at 0, or convex, or neither."""
    for network, claims in (
        (ABS, {"convex"}),
        (MINUS_ABS, {"concave"}),
        (LINE, {"convex", "concave", "increasing"}),
        (STEP, {"increasing"}),
        (FALLING, {"decreasing"}),
        (RELU, {"convex", "increasing"}),
        (step_head((1, -1), (0, 0)), {"convex", "concave", "increasing", "decreasing", "independent"}),
    ):
        found = set()
        for claim in ("convex", "concave", "increasing", "decreasing", "independent"):
            asked = Asked(network, None, box(1), claim=claim, **({} if claim.startswith("con") else {"inputs": [0]}))
            found |= {claim} if all(map(asked.true_at, asked.points(Random(0), 1000))) else set()
        assert found == claims
