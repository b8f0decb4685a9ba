"""Whole certificates: good ones of every claim, everything that can be done to them, and what stays a proof."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from fractions import Fraction
from itertools import chain
from random import Random
from typing import Any

import pytest
from kernel_claims import LINE, PROVED, REFUTED, RELU, STEP
from kernel_material import (
    CLAIMS,
    TIES,
    Asked,
    accepted,
    box,
    certificate,
    damaged,
    encoded,
    goal_of,
    judged,
    made,
    maxout,
    step_head,
    written,
)

from exactformer.kernel.cell import Cell
from exactformer.kernel.claims import FORMAT, Goal, check_tree
from exactformer.kernel.reading import Rejected

# --- good certificates ----------------------------------------------------------------------------

NESTED = maxout([([[[1, 0], [0, 1]]], [[0, 0]]), ([[[1], [0]]], [[0, 0]])], ([[1]], [0]))  # max(max(x, y), 0)
FLAT = maxout([([[[1, 0], [0, 1], [0, 0], [1, 1]]], [[0, 0, 0, -1]])], ([[1]], [0]))  # the last never wins on [-1, 1]^2
REGIONS = certificate(
    NESTED,
    FLAT,
    box(2),
    claim="equal",
    inhabitant=[0, "1/2"],
    tree=[
        ["gate", "L0.u0"],  # x or y
        ["gate", "L1.u0"],  # that or 0
        ["gate", "R0.u0"],  # x, y or 0
        ["holds"],
        ["holds", ["1", [[4, "1"]]], ["1", [[6, "1"]]]],
        ["holds", ["1", [[5, "1"]]], ["1", [[6, "1"]]]],
        ["gate", "R0.u0"],
        ["holds", ["1", [[5, "1"]]], ["1", [[7, "1"]]]],
        ["holds", ["1", [[4, "1"], [5, "1"]]], ["1", [[7, "1"]]]],
        ["holds"],
        ["gate", "L1.u0"],
        ["gate", "R0.u0"],
        ["holds", ["1", [[4, "1"]]], ["1", [[6, "1"]]]],
        ["holds"],
        ["holds", ["1", [[5, "1"]]], ["1", [[7, "1"]]]],
        ["gate", "R0.u0"],
        ["holds", ["1", [[4, "1"], [5, "1"]]], ["1", [[7, "1"]]]],
        ["holds", ["1", [[5, "1"]]], ["1", [[7, "1"]]]],
        ["holds"],
    ],
)

OTHER_STEP = step_head((-1, 1, 3), (0, 1, 1), (0, 0, -2))  # another order, and a third token that wins at x = 1 only
COMPARE = certificate(
    STEP,
    OTHER_STEP,
    box(1),
    claim="equal",
    inhabitant=["-0.5"],
    tree=[
        ["compare", 0, 1],
        ["holds"],  # x > 0
        ["compare", 0, 2],  # x = 0
        ["holds"],
        ["empty", [[3, "2"], [5, "1"]]],
        ["empty", [[3, "2"], [4, "1"]]],
        ["compare", 0, 2],  # x < 0
        ["holds"],
        ["empty", [[2, "2"], [4, "1"]]],
        ["empty", [[2, "2"], [3, "1"]]],
    ],
)

DIFFER = certificate(STEP, OTHER_STEP, box(1), "leftmost", claim="equal", point=[0], values=[[1], ["0/3"]])

BEYOND_ONE = {**box(1), "matrix": [[-1]], "bounds": [-1]}  # the one point 1, which the interval bounds do not see
FACTS = certificate(
    RELU,
    LINE,
    BEYOND_ONE,
    claim="equal",
    inhabitant=[1],
    tree=[["holds", ["1", [["L0.u0", 0, "1"]]], ["1", [[2, "1"], ["L0.u0", "high", "1"]]]]],
)
SPLIT = {**FACTS, "tree": [["gate", "L0.u0"], ["holds"], ["empty", [[2, "1"], [3, "1"]]]]}

GOOD: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "regions": (REGIONS, NESTED, FLAT),
    "compare": (COMPARE, STEP, OTHER_STEP),
    "differ": (DIFFER, STEP, OTHER_STEP),
    "facts": (FACTS, RELU, LINE),
    "split": (SPLIT, RELU, LINE),
    **{name: PROVED[name] for name in CLAIMS if name != "equal"},
    **{f"not {name}": REFUTED[name] for name in CLAIMS if name != "equal"},
}
TREES = [name for name, (value, _, _) in GOOD.items() if "tree" in value]
POINTS = [name for name in GOOD if name not in TREES]


def sides(value: dict[str, Any]) -> list[str]:
    return [side for side in ("left", "right") if side in value]


def is_true(value: dict[str, Any], left: Any, right: Any) -> bool:
    """Whether what a certificate says is so, by naive evaluation: at its own point, or at many."""
    asked = Asked.of(value, left, right if "right" in value else None)
    if "point" in value:
        point = tuple(Fraction(x) for x in value["point"])
        return asked.contains(point) and not asked.true_at(point)
    return all(map(asked.true_at, asked.points(Random(0), 60)))


def with_tree(name: str, tree: object) -> dict[str, Any]:
    return {**GOOD[name][0], "tree": tree}


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (
            "regions",
            {"gate": 7, "compare": 0, "cut": 0, "anew": 0, "narrow": 0, "bound": 0, "holds": 12, "empty": 0, "ties": 0},
        ),
        (
            "compare",
            {"gate": 0, "compare": 3, "cut": 0, "anew": 0, "narrow": 0, "bound": 0, "holds": 3, "empty": 4, "ties": 2},
        ),
        (
            "facts",
            {"gate": 0, "compare": 0, "cut": 0, "anew": 0, "narrow": 0, "bound": 0, "holds": 1, "empty": 0, "ties": 0},
        ),
        (
            "split",
            {"gate": 1, "compare": 0, "cut": 0, "anew": 0, "narrow": 0, "bound": 0, "holds": 1, "empty": 1, "ties": 0},
        ),
    ],
)
def test_good_proofs(name: str, counts: dict[str, int]) -> None:
    theorem = judged(*GOOD[name])
    assert (theorem.claim, theorem.holds, theorem.counts) == ("equal", True, counts)
    assert ("any tie rule" in theorem.statement) == (name != "compare")
    assert ("tie rule average" in theorem.statement) == (name == "compare")


def test_a_good_counterexample() -> None:
    theorem = judged(*GOOD["differ"])
    assert (theorem.claim, theorem.holds, theorem.counts, theorem.tie) == ("equal", False, {}, "leftmost")
    assert theorem.statement == (
        "at x = (0), left(x) = (1), right(x) = (0) (tie rule leftmost);"
        " this refutes: for every x in the domain, left(x) = right(x)"
    )


# --- what stays a proof ---------------------------------------------------------------------------


def test_rescaled_multipliers() -> None:
    def rescaled(item: Any) -> Any:
        if isinstance(item, list):
            return [rescaled(part) for part in item]
        return f"00{3 * int(item, 16):x}" if isinstance(item, str) and item in ("1", "2") else item

    for name in TREES:
        value, left, right = GOOD[name]
        tree = rescaled(value["tree"])
        assert tree != value["tree"] or name == "ties-agree"
        assert judged({**value, "tree": tree}, left, right).counts == judged(value, left, right).counts


def test_a_sparse_matrix_with_a_new_digest() -> None:
    sparse = deepcopy(STEP)
    sparse["blocks"][0]["heads"][0]["key"] = {"shape": [1, 4], "entries": [[0, 0, "2/2"], [0, 3, 0]]}
    fresh = certificate(sparse, OTHER_STEP, None)["left"]
    assert judged({**COMPARE, "left": fresh}, sparse, OTHER_STEP).counts == judged(*GOOD["compare"]).counts
    assert not accepted(COMPARE, sparse, OTHER_STEP)


def test_keys_that_are_not_read_and_the_order_of_the_others() -> None:
    for name, (value, left, right) in GOOD.items():
        statement = judged(value, left, right).statement
        for untrusted in (None, [], {"solver": "x", "seconds": 1.5, "nested": [{}]}, "left = right", 0):
            assert judged({"untrusted": untrusted, **value}, left, right).statement == statement, name
        backwards = {key: value[key] for key in reversed(list(value))}
        assert judged(json.dumps(backwards, indent=3).encode(), left, right).statement == statement


def test_a_smaller_domain() -> None:
    """The proof of a claim proves the claim on every smaller domain; the theorem says which one it is."""
    smaller = {"lower": ["-1/2", -1], "upper": ["0.75", "1/3"]}
    assert judged({**REGIONS, "domain": smaller, "inhabitant": [0, 0]}, NESTED, FLAT).domain == written(smaller)


def test_a_larger_domain_on_which_the_same_steps_are_a_proof() -> None:
    wider = {"lower": [-1, -1], "upper": [2, 1]}  # 1 - y >= 0 still shows that x + y - 1 never wins
    assert judged({**REGIONS, "domain": wider}, NESTED, FLAT).domain == written(wider)
    assert is_true({**REGIONS, "domain": wider}, NESTED, FLAT)
    wider = box(1, -5, "7/2")  # beyond 1 the third token wins, with the same value
    assert judged({**COMPARE, "domain": wider}, STEP, OTHER_STEP).domain == written(wider)
    assert is_true({**COMPARE, "domain": wider}, STEP, OTHER_STEP)


def test_other_proofs_of_the_same_claim() -> None:
    empty = SPLIT["tree"][2]
    again = [
        ["gate", "L0.u0"],
        ["gate", "L0.u0"],
        ["holds"],
        ["empty", [[2, "1"], [4, "1"]]],
        ["gate", "L0.u0"],
        empty,
        empty,
    ]
    assert judged(with_tree("split", again), RELU, LINE).counts == {
        "gate": 3,
        "compare": 0,
        "cut": 0,
        "anew": 0,
        "narrow": 0,
        "bound": 0,
        "holds": 1,
        "empty": 3,
        "ties": 0,
    }
    shorter = ["holds", ["1", [[3, "1"]]], ["1", [[1, "1"], [2, "1"], [2, "1"], [3, "1"]]]]  # wrong: x - 1 is left over
    assert not accepted(with_tree("split", [["gate", "L0.u0"], ["holds"], shorter]), RELU, LINE)
    vacuous = ["holds", ["1", [[2, "1"], [3, "2"]]], ["1", [[2, "1"]]]]  # -x = (x - 1) - 2x + 1, and x = (x - 1) + 1
    assert accepted(with_tree("split", [["gate", "L0.u0"], ["holds"], vacuous]), RELU, LINE)


def test_the_tie_rule_where_it_matters() -> None:
    for tie in TIES:
        assert accepted({**REGIONS, "tie": tie}, NESTED, FLAT)  # it does not
        assert accepted({**COMPARE, "tie": tie}, STEP, OTHER_STEP) == (tie == "average")
        same = certificate(
            STEP, STEP, box(1), tie, claim="equal", inhabitant=[0], tree=[["compare", 0, 1]] + [["holds"]] * 3
        )
        assert f"tie rule {tie}" in judged(same, STEP, STEP).statement
    assert not accepted({**DIFFER, "tie": "average"}, STEP, OTHER_STEP)
    assert not accepted({**DIFFER, "tie": "rightmost"}, STEP, OTHER_STEP)
    turned = {**DIFFER, "tie": "rightmost", "values": [[0], [1]]}
    assert judged(turned, STEP, OTHER_STEP).tie == "rightmost"


# --- what does not: the tree ----------------------------------------------------------------------

BAD_MULTIPLIERS = [
    *("0", "-1", "-0", "00", "", "A", "0x1", "1_0", " 1", "1\n", "1.0", "1/2", "+1", "\u0661", "one", "f" * 65537),
    *(0, 1, -1, 1.0, 0.5, 1e300, True, False, None, [], ["1"], {}, 10**400),
]
STEPS: list[Any] = [
    *(["holds"], ["holds", ["1", []]], ["holds", ["1", []], ["1", []]], ["empty", []], ["empty", [[0, "1"]]]),
    *(["gate", "L0.u0"], ["gate", "R0.u0"], ["compare", 0, 1]),
]
NO_STEPS: list[Any] = [
    *(
        None,
        1,
        "holds",
        {},
        [],
        [[]],
        [None],
        ["hold"],
        ["HOLDS"],
        ["deferred"],
        ["todo"],
        ["flat"],
        ["trust"],
        ["cut", 1, 2],
    ),
    *([True], [0], [["holds"]], [{"a": 1}], {"holds": []}, ["gate"], ["gate", 0], ["gate", None], ["gate", ["L0.u0"]]),
    *(
        ["gate", "L0.u0", "R0.u0"],
        ["gate", "L0.u1"],
        ["gate", "l0.u0"],
        ["gate", ""],
        ["gate", "L0.h0.q0"],
        ["compare"],
    ),
    *(
        ["compare", 0],
        ["compare", 0, 0],
        ["compare", 0, 7],
        ["compare", -1, 0],
        ["compare", "0", "1"],
        ["compare", True, False],
    ),
    *(["compare", 0.0, 1.0], ["compare", 0, 1, 2], ["compare", [0], [1]], ["empty"], ["empty", None], ["empty", {}]),
    *(
        ["empty", [], []],
        ["empty", "0"],
        ["empty", [[]]],
        ["empty", [["1"]]],
        ["empty", [[0]]],
        ["empty", [[0, 1, 2, "1"]]],
    ),
    *(
        ["holds", None],
        ["holds", [[], []]],
        ["holds", ["1"]],
        ["holds", [[]]],
        ["holds", ["1", None]],
        ["holds", ["1", [], []]],
    ),
    *(["holds", [1, []], [1, []]], ["holds", ["0", []], ["0", []]], ["holds", ["-1", []], ["-1", []]]),
]


def references(item: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The paths of all [row, multiplier] and [place, fact, multiplier] in a tree."""
    for i, part in enumerate(item):
        if isinstance(part, list):
            if len(part) in (2, 3) and len(path) >= 2 and isinstance(part[-1], str) and not isinstance(part[-2], list):
                yield (*path, i)
            else:
                yield from references(part, (*path, i))


def put(tree: Any, path: tuple[int, ...], value: Any) -> Any:
    """A copy of the tree with the item at a path set; `...` removes it."""
    new = deepcopy(tree)
    holder = new
    for i in path[:-1]:
        holder = holder[i]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return new


def at(tree: Any, path: tuple[int, ...]) -> Any:
    for i in path:
        tree = tree[i]
    return tree


def damaged_steps(tree: list[Any]) -> Iterator[tuple[str, Any]]:
    """Steps dropped, doubled, exchanged, moved, replaced; the tree cut short or continued."""
    yield "no tree", []
    for i, step in enumerate(tree):
        yield f"drop {i}", tree[:i] + tree[i + 1 :]
        yield f"double {i}", [*tree[:i], step, *tree[i:]]
        yield f"cut at {i}", tree[:i]
        for j in range(i + 1, len(tree)):
            if step != tree[j]:
                yield f"exchange {i} {j}", [*tree[:i], tree[j], *tree[i + 1 : j], step, *tree[j + 1 :]]
                yield f"move {i} to {j}", [*tree[:i], *tree[i + 1 : j + 1], step, *tree[j + 1 :]]
        for other in NO_STEPS if i < 4 else NO_STEPS[::9]:
            if other != step:
                yield f"{i} replaced by {json.dumps(other)}", [*tree[:i], other, *tree[i + 1 :]]
        for other in STEPS:
            if other != step:
                yield f"{i} replaced by {json.dumps(other)}", [*tree[:i], other, *tree[i + 1 :]]
    for other in (*STEPS, *NO_STEPS, ["deferred"]):
        yield f"and {json.dumps(other)}", [*tree, other]
    for other in (None, {}, "", 0, {"0": tree}, [tree], [[*tree]]):
        yield f"tree {json.dumps(other)[:20]}", other


def damaged_references(tree: list[Any], rows: int) -> Iterator[tuple[str, Any]]:
    """Multipliers changed or malformed, row numbers changed or malformed, facts about something else."""
    for path in references(tree):
        *what, multiplier = at(tree, path)
        siblings = at(tree, path[:-1])
        yield f"{path} dropped", put(tree, path, ...)
        yield f"{path} with no multiplier", put(tree, path, what)
        for bad in BAD_MULTIPLIERS if path[0] < 5 else ("0", "-1", 1):
            yield f"{path} times {str(bad)[:20]!r}", put(tree, path, [*what, bad])
        if len(siblings) > 1 or tree[path[0]][0] == "holds":  # alone in `empty`, any multiplier would do
            for bad in ("3", "7f", "1" * 300):
                yield f"{path} times {bad[:20]}", put(tree, path, [*what, bad])
        for bad_row in (*range(rows), -1, -rows, rows, 10**6, 10**30, True, False, None, "0", 0.0, [0], "L0.u0"):
            if bad_row is True or bad_row is False or [bad_row] != what:
                yield f"{path} of row {bad_row!r}", put(tree, path, [bad_row, multiplier])
        for bad_fact in (
            *(["L0.u0", which] for which in (0, 1, 2, -1, True, "0", "low", "high", "LOW", None, 0.0, [], {})),
            *(["R0.u0", 0], ["L0.u1", 0], ["", 0], [0, 0], [None, "low"], ["L0.u0", "low", "low"]),
        ):
            if bad_fact != what or isinstance(bad_fact[1], bool):
                yield f"{path} of fact {bad_fact!r}", put(tree, path, [*bad_fact, multiplier])


def damaged_proofs(tree: list[Any]) -> Iterator[tuple[str, Any]]:
    """The two proofs of an equality exchanged, dropped, doubled, with other weights."""
    for i, step in enumerate(tree):
        if step[0] == "holds" and len(step) == 3:
            yield f"{i} exchanged", put(tree, (i,), [step[0], step[2], step[1]])
            yield f"{i} one only", put(tree, (i,), step[:2])
            yield f"{i} none", put(tree, (i,), step[:1])
            yield f"{i} three", put(tree, (i,), [*step, step[1]])
            yield f"{i} four", put(tree, (i,), [*step, *step[1:]])
            yield f"{i} twice the first", put(tree, (i,), [step[0], step[1], step[1]])
            for k in (1, 2):
                for bad in ("3", *BAD_MULTIPLIERS):
                    yield f"{i} proof {k} weight {str(bad)[:20]!r}", put(tree, (i, k, 0), bad)


# Mutants that the kernel accepts, and must: on its cell the fact is the very row or fact that it replaces.
STILL_PROOFS: dict[str, set[str]] = {name: set() for name in TREES}
STILL_PROOFS["split"] = {"(2, 1, 1) of fact ['L0.u0', 0]"}
STILL_PROOFS["regions"] = {
    *("(4, 1, 1, 0) of fact ['L0.u0', 1]", "(4, 2, 1, 0) of fact ['R0.u0', 0]", "(5, 2, 1, 0) of fact ['R0.u0', 0]"),
    *("(8, 1, 1, 0) of fact ['L0.u0', 1]", "(12, 1, 1, 0) of fact ['L0.u0', 0]", "(16, 1, 1, 0) of fact ['L0.u0', 0]"),
}
STILL_PROOFS["invariant"] = {"(10, 1, 1, 0) of fact ['L0.u1', 0]"}
STILL_PROOFS["independent"] = {
    *("(3, 2, 1, 0) of fact ['R0.u0', 0]", "(5, 1, 1, 0) of fact ['L0.u0', 0]"),
    *("(6, 1, 1, 1) of fact ['L0.u0', 0]", "(6, 2, 1, 1) of fact ['R0.u0', 0]"),
}
STILL_PROOFS["range"] = {
    *("(1, 1, 1, 0) of fact ['L0.u0', 'low']", "(1, 1, 1, 0) of fact ['L0.u0', 1]"),
    *("(1, 1, 1, 0) of fact ['L0.u1', 0]", "(1, 3, 1, 0) of fact ['L0.u0', 'high']"),
    "(1, 4, 1, 0) of fact ['L0.u0', 'high']",
}
STILL_PROOFS["avoids"] = {"(0, 1, 1, 2) of fact ['L0.u0', 'low']", "(0, 1, 1, 2) of fact ['L0.u1', 0]"}
STILL_PROOFS["convex"] = {"(2, 1, 1, 0) of fact ['L0.u0', 'low']"}

# And these: an obligation with some slack has other proofs as well.
WITH_SLACK = {name: set[str]() for name in TREES}
WITH_SLACK["within"] = {
    *("(2, 2, 1, 0) of fact ['L0.u0', 0]", "(2, 2, 1, 0) of row 2"),  # 1 - x = 1 + (-x)
    *("1 exchanged", "1 twice the first", "1 proof 1 weight '3'", "1 proof 2 weight '3'"),  # 1 >= 0, twice
}
WITH_SLACK["range"] = {
    *("(1, 2, 1, 0) of fact ['L0.u0', 'low']", "(1, 2, 1, 0) of fact ['L0.u0', 1]"),  # x + 1 = 1 + x
    *("(1, 2, 1, 0) of fact ['L0.u1', 0]", "(1, 2, 1, 0) of row 2"),
    *("(2, 2, 1, 0) of fact ['L0.u0', 0]", "(2, 2, 1, 0) of row 2"),  # 1 - x = 1 + (-x)
}


def rows_of(name: str) -> int:
    """More rows than any cell of the proof has."""
    return 14 if name == "regions" else 8


def mutants_of(name: str) -> dict[str, Any]:
    tree = GOOD[name][0]["tree"]
    return dict(chain(damaged_steps(tree), damaged_references(tree, rows_of(name)), damaged_proofs(tree)))


@pytest.mark.parametrize("name", TREES)
def test_damaged_trees(name: str) -> None:
    value, left, right = GOOD[name]
    mutants = mutants_of(name)
    found = {kind for kind, mutant in mutants.items() if accepted({**value, "tree": mutant}, left, right)}
    assert found == STILL_PROOFS[name] | WITH_SLACK[name]
    assert len(mutants) > (900 if name in ("regions", "compare", "invariant", "independent", "decreasing") else 200)


def test_the_mutants_that_stay_proofs_use_the_same_row() -> None:
    for name, kinds in STILL_PROOFS.items():
        value, left, right = GOOD[name]
        mutants = mutants_of(name) if kinds else {}
        for kind in kinds:
            path = tuple(map(int, kind[1 : kind.index(")")].split(", ")))
            cell = cell_at(Asked.of(value, left, right).goal(), value["tree"], path[0])
            before, after = (row_of(cell, at(tree, path)) for tree in (value["tree"], mutants[kind]))
            assert before == after, (name, kind)


def row_of(cell: Cell, item: list[Any]) -> Any:
    """The row or fact that an item of a combination names, on the cell."""
    *reference, _ = item
    form = cell.fact(*reference) if len(reference) == 2 else cell.rows[reference[0]][0]
    return cell.atoms.expanded(cell.resolve(form)).key()


def cell_at(goal: Goal, tree: list[Any], step: int) -> Cell:
    """The cell that a step of a proof is about."""
    open_goals = [goal]
    for name, *arguments in tree[:step]:
        goal = open_goals.pop()
        open_goals += reversed(made(goal.opened().gate(*arguments)) if name == "gate" else [])
    return open_goals.pop().cell


# --- what does not: the rest of the certificate ---------------------------------------------------


def changed(name: str, **changes: Any) -> dict[str, Any]:
    """A good certificate with keys set, or removed for the value `...`."""
    value = {**GOOD[name][0], **changes}
    return {key: item for key, item in value.items() if item is not ...}


@pytest.mark.parametrize("name", GOOD)
def test_every_key_is_needed_and_no_other_is_known(name: str) -> None:
    value, left, right = GOOD[name]
    for key in value:
        assert accepted(changed(name, **{key: ...}), left, right) == (value[key] == {})  # no parameters
        for junk in (None, [], {}, "", "x", 0, 1, True, 1.5, [value[key]]):
            if junk != value[key]:
                assert not accepted(changed(name, **{key: junk}), left, right)
    others = ("point", "values") if "tree" in value else ("tree", "inhabitant")
    for key in (
        *others,
        *({"right", "parameters"} - value.keys()),
        "any_tie",
        "Tree",
        "trusted",
        "",
        "format ",
        "counts",
    ):
        assert not accepted({**value, key: value["tie"]}, left, right)
    for side in sides(value):
        for junk in ({}, {"file": f"{side}.json"}, {"sha256": value[side]["sha256"]}, {**value[side], "size": 1}):
            assert not accepted(changed(name, **{side: junk}), left, right)


@pytest.mark.parametrize("name", GOOD)
def test_another_format_claim_or_tie_rule(name: str) -> None:
    value, left, right = GOOD[name]
    for text in ("exactformer/certificate-2", "exactformer/network-1", FORMAT.upper(), FORMAT + " ", [FORMAT]):
        assert not accepted(changed(name, format=text), left, right)
    for text in ("Equal", "differ", "equal ", "equal_on_box", "always", [value["claim"]], {value["claim"]: 1}, None):
        assert not accepted(changed(name, claim=text), left, right)
    for text in ("first", "any", "Average", "", ["average"], {"average": 1}, "average "):
        assert not accepted(changed(name, tie=text), left, right)


def test_claims_exchanged() -> None:
    """A proof with the data of a counterexample, and the other way round."""
    extra = {"point": [0], "values": [[1], [0]]}
    assert not accepted({**COMPARE, **extra}, STEP, OTHER_STEP)
    assert not accepted({**DIFFER, "tree": COMPARE["tree"], "inhabitant": [0]}, STEP, OTHER_STEP)
    assert not accepted({**COMPARE, "tie": "leftmost"}, STEP, OTHER_STEP)


@pytest.mark.parametrize("name", GOOD)
def test_digests_bind_the_networks(name: str) -> None:
    value, left, right = GOOD[name]
    for side in sides(value):
        digest = value[side]["sha256"]
        flipped = ("0" if digest[0] != "0" else "1") + digest[1:]
        for wrong in (
            flipped,
            digest.upper(),
            digest[:-1],
            digest + "0",
            " " + digest,
            "",
            None,
            [digest],
            int(digest, 16),
        ):
            assert not accepted({**value, side: {**value[side], "sha256": wrong}}, left, right)
    for other in (b" ", b"\n"):
        assert not accepted(value, encoded(left) + other, right)
        assert "right" not in value or not accepted(value, left, encoded(right) + other)
    if "right" in value:
        assert not accepted(value, right, left)
        swapped = {**value, "left": value["right"], "right": value["left"]}
        assert not accepted(swapped, left, right)


@pytest.mark.parametrize("name", GOOD)
def test_other_networks(name: str) -> None:
    """One weight changed, and the digest renewed: the old proof is no proof of the new claim, unless it is true."""
    value, left, right = GOOD[name]
    for side in sides(value):
        for kind, network in neighbours(left if side == "left" else right):
            pair = (network, right) if side == "left" else (left, network)
            fresh = {**value, side: certificate(*pair, None)[side]}
            assert not accepted(value, *pair), kind
            if accepted(fresh, *pair):
                assert is_true(fresh, *pair), kind


def neighbours(network: Any) -> Iterator[tuple[str, Any]]:
    """The network with one of its numbers changed by one."""

    def walk(item: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        for key, part in item.items() if isinstance(item, dict) else enumerate(item):
            if isinstance(part, (dict, list)):
                yield from walk(part, (*path, key))
            elif type(part) is int and key != "token":
                yield (*path, key)

    for path in walk(network, ()):
        for step in (-1, 1):
            yield f"{path} {step}", put(network, path, at(network, path) + step)


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        *(
            ("regions", domain)
            for domain in (box(2, -1, 2), box(2, None, None), {"lower": [-1, -1], "upper": [None, 1]})
        ),
        *(("compare", domain) for domain in (box(1, None, 1), box(1, None, None), box(1, -1, 0))),  # true, but not so
        *(
            ("compare", domain)
            for domain in (box(1, 1, -1), box(2), box(0), {**box(1), "matrix": [[1]], "bounds": [-2]})
        ),
        *(
            ("facts", domain)
            for domain in (box(1), {**BEYOND_ONE, "bounds": [0]}, box(1, "1/2", 1), {**BEYOND_ONE, "upper": [2]})
        ),
        *(
            ("split", domain)
            for domain in (box(1), {**BEYOND_ONE, "bounds": [0]}, box(1, -1, 0), {**BEYOND_ONE, "matrix": [[1]]})
        ),
        *(
            ("differ", domain)
            for domain in (box(1, 1, 2), box(1, None, "-1/9"), {**box(1), "matrix": [[1]], "bounds": ["-1/9"]})
        ),
    ],
    ids=repr,
)
def test_other_domains(name: str, domain: Any) -> None:
    value, left, right = GOOD[name]
    assert not accepted({**value, "domain": domain}, left, right)


def test_inhabitants() -> None:
    for point in (
        [2, 0],
        [0, "-1.0001"],
        [0],
        [0, 0, 0],
        [],
        None,
        {},
        "00",
        [0, True],
        [0, None],
        [0, "1/0"],
        [[0, 0]],
        0,
    ):
        assert not accepted(changed("regions", inhabitant=point), NESTED, FLAT)
    for point in (["1", -1], ["1e-4000", "0.5"], ["1/3", "-0"]):
        assert accepted(changed("regions", inhabitant=point), NESTED, FLAT)
    empty = {"lower": [1], "upper": [0]}
    for point in ([0], [1], ["1/2"]):
        nothing = certificate(
            RELU, LINE, empty, claim="equal", inhabitant=point, tree=[["empty", [[0, "1"], [1, "1"]]]]
        )
        assert not accepted(nothing, RELU, LINE)


def test_counterexamples() -> None:
    for point in (["1/2"], [1], [2], [], [0, 0], ["0 "], [None], [True], None, {}, [["0"]], 0, ["1e-4000"]):
        assert not accepted(changed("differ", point=point), STEP, OTHER_STEP)
    for left in ([0], ["1/2"], [1, 0], [], [True], ["one"], None, 1, [[1]], ["10/11"]):
        assert not accepted(changed("differ", values=[left, [0]]), STEP, OTHER_STEP)
        assert not accepted(changed("differ", values=[[1], left]) if left != [0] else None, STEP, OTHER_STEP)
    for values in ({}, {"left": [1], "right": [0]}, [[1]], [[0], [1]], [[1], [0], [0]], [[1, 0]], [1, 0], [], None):
        assert not accepted(changed("differ", values=values), STEP, OTHER_STEP)
    for value in ("2/2", "1.0", "10e-1"):
        assert accepted(changed("differ", point=["-0"], values=[[value], [0]]), STEP, OTHER_STEP)
    equal = certificate(STEP, STEP, box(1), claim="equal", point=[0], values=[["1/2"], ["1/2"]])
    with pytest.raises(
        Rejected, match=r"values that contradict the claim for every x in the domain, left\(x\) = right"
    ):
        judged(equal, STEP, STEP)


def test_networks_of_different_sizes() -> None:
    two_outputs = maxout([], ([[1], [1]], [0, 0]))
    two_inputs = maxout([], ([[1, 0]], [0]))
    for other in (two_outputs, two_inputs):
        for value in (certificate(LINE, other, box(1), claim="equal", inhabitant=[0], tree=[["holds"]]),):
            with pytest.raises(Rejected, match="equal numbers of inputs and outputs"):
                judged(value, LINE, other)
    assert judged(
        certificate(two_outputs, two_outputs, box(1), claim="equal", inhabitant=[0], tree=[["holds"]]),
        two_outputs,
        two_outputs,
    )
    half = maxout([], ([[1], [2]], [0, 0]))
    assert not accepted(
        certificate(two_outputs, half, box(1), claim="equal", inhabitant=[0], tree=[["holds"]]), two_outputs, half
    )


# --- what does not: the bytes ---------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
def test_bytes(name: str) -> None:
    value, left, right = GOOD[name]
    data = encoded(value)
    long = b"1" * 1_000_000
    text = {key: json.dumps(item).encode() for key, item in value.items()}
    bad = [
        *(
            b"",
            b" ",
            b"null",
            b"[]",
            b"0",
            b'"equal"',
            b"{}",
            data[:-1],
            data[1:],
            data + b"}",
            data + data,
            data + b"\0",
        ),
        *(
            data.decode().encode("utf-16"),
            b"\xef\xbb\xbf" + data,
            data.replace(b'"claim": "', b'"claim": "\xff'),
        ),
        *(
            b"[" * 100_000,
            b"[" * 100_000 + b"]" * 100_000,
            b'{"tree":' * 100_000,
            data.replace(b'"tie": "', b'"tie": NaN, "x": "'),
        ),
        data[:-1] + b', "tie": "average"}',
        data[:-1] + b', "claim": ' + text["claim"] + b"}",
        data[:-1] + b', "untrusted": {"a": 1, "a": 1}}',
        data[:-1] + b', "untrusted": ' + long + b"}",
        data[:-1] + b', "untrusted": -Infinity}',
        data[:-1] + b', "untrusted": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        *(
            data.replace(text["domain"], text["domain"].replace(b"1", other, 1))
            for other in (long, b'"%s"' % long, b"NaN", b"true")
            if b"1" in text["domain"]
        ),
        *(data.replace(b'"1"', b'"%s"' % long), data.replace(b'"1"', long)) * (b'"1"' in data and name in TREES),
        data.replace(text["tree"], b"[" * 100_000 + b"]" * 100_000) if "tree" in text else b"",
        data.replace(text["tree"], b"[" + b"[" * 400 + b"]" * 400 + b"]") if "tree" in text else b"",
    ]
    for mutant in bad:
        assert mutant != data and not accepted(mutant, left, right), mutant[:60]


def test_bytes_of_networks() -> None:
    data = encoded(STEP)
    for mutant in (
        *(
            b"",
            b"{}",
            b"[" * 100_000,
            data[:-1],
            data + b" x",
            b"\xff" + data,
            data[:-1] + b', "mask": null}',
            encoded([STEP]),
        ),
        data.replace(b"[1]", b"[" + b"7" * 1_000_000 + b"]", 1),
        data.replace(b"[1]", b"[1e5]", 1).replace(b"[1e5]", b"[NaN]"),
    ):
        fresh = {**COMPARE, "left": certificate(mutant, OTHER_STEP, None)["left"]}
        assert not accepted(fresh, mutant, OTHER_STEP)


def test_numbers_too_long_to_print() -> None:
    """10^8000 is a value like any other, but Python prints no integer of that length: rejected, not an error."""
    huge = maxout([], ([["1e4000"]], [0]))
    for value in (["1e4000"], ["1" + "0" * 3999 + "e4000"], [1]):
        claim = {"claim": "equal", "point": ["1e4000"], "values": [value, [0]]}
        assert not accepted(certificate(huge, ZERO, box(1, None, None), **claim), huge, ZERO)
    small = {"claim": "equal", "point": ["1e-3990"], "values": [["1e10"], [0]]}
    assert accepted(certificate(huge, ZERO, box(1), **small), huge, ZERO)


ZERO = maxout([], ([[0]], [0]))


def test_networks_too_deep() -> None:
    deep = maxout([([[[1], [-1]]], [[0, 0]])] + [([[[1], [0]]], [[-1, 0]])] * 1200, ([[1]], [0]))
    other = maxout([([[[1], [-1]]], [[0, 0]])] + [([[[1], [0]]], [[-1, 0]])] * 1199, ([[1]], [0]))
    tree = [["gate", "L0.u0"], ["holds"], ["holds"]]
    value = certificate(deep, other, box(1, -2000, 2000), claim="equal", inhabitant=[0], tree=tree)
    with pytest.raises(Rejected, match=r"moderate depth|proofs of all obligations"):
        judged(value, deep, other)


# --- at random ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
def test_random_damage(name: str) -> None:
    """Junk anywhere in the certificate or in a network, the digests renewed: rejected, or a true claim."""
    value, *networks = GOOD[name]
    r = Random(name)
    count = 0
    for _ in range(250 if name in ("regions", "compare", "differ") else 150):
        pair = list(networks)
        mutant = value
        if r.random() < 0.6:
            mutant = damaged(r, value)
        else:
            side = r.randrange(len(sides(value)))
            pair[side] = damaged(r, pair[side])
            mutant = {**value, **{s: certificate(*pair, None)[s] for s in sides(value)}}
        if accepted(mutant, *pair):
            count += 1
            assert is_true(mutant, *pair)
    assert count < 100


def test_check_tree_stops_at_the_first_fault() -> None:
    goal = goal_of(RELU, LINE, BEYOND_ONE)
    with pytest.raises(Rejected, match=r"^t\[1\]: expected gate, .*, empty or holds, found hold$"):
        check_tree(goal, [["gate", "L0.u0"], ["hold"], ["nonsense"]], "t")
    with pytest.raises(Rejected, match=r"^t: expected a step for every cell, found 2 cells left open$"):
        check_tree(goal, [["gate", "L0.u0"]], "t")
    with pytest.raises(Rejected, match=r"^t\[3\]: expected no further step"):
        check_tree(goal, [*SPLIT["tree"], ["holds"]], "t")
