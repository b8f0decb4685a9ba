"""Atoms belong to a path of the proof tree: a child is a function of the goal, the step and the number of the child."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from kernel_claims import LINE, PROVED, RELU, STEP
from kernel_material import (
    Asked,
    Truth,
    accepted,
    box,
    certificate,
    encoded,
    grid,
    judged,
    made,
    maxout,
)
from test_kernel_fuzz import random_question, random_tree

from exactformer.kernel import claims
from exactformer.kernel.atoms import Atoms
from exactformer.kernel.cell import Cell
from exactformer.kernel.claims import Goal, check_tree, follow
from exactformer.kernel.forms import ZERO, Form, combine, difference, negated
from exactformer.kernel.reading import Rejected

X, Y, ONE = Form({1: 1}), Form({2: 1}), Form({0: 1})


# --- everything that a goal says ------------------------------------------------------------------


def keys(forms: Any) -> Any:
    return {k: form.key() for k, form in forms.items()} if isinstance(forms, dict) else [form.key() for form in forms]


def tables(atoms: Atoms) -> dict[str, Any]:
    """All that a table of atoms says, caches apart."""
    return {
        "low": list(atoms.low),
        "high": list(atoms.high),
        "inputs": atoms.inputs,
        "candidates": {v: keys(forms) for v, forms in atoms.candidates.items()},
        "alias": keys(atoms.alias),
        "first": dict(atoms.first),
        "support": dict(atoms.support),
    }


def all_of(goal: Goal) -> dict[str, Any]:
    """All that a goal says, caches apart; nothing is evaluated for it."""
    cell = goal.cell
    runs = [
        (
            *(run.side, run.semantics, run.sublayer, run.ties, dict(run.places)),
            [(t, keys(state)) for t, state in run.states.items()],
            None if run.outputs is None else keys(run.outputs),
            None if run.stuck is None else (run.stuck.place, keys(run.stuck.scores)),
        )
        for run in goal.runs
    ]
    return {
        **tables(cell.atoms),
        "rows": [(form.key(), strict) for form, strict in cell.rows],
        "places": dict(cell.places),
        "known": keys(cell.known),
        "signs": dict(cell.signs),
        "touched": cell.touched,
        "classes": keys(cell.classes),
        "runs": runs,
        "conclusions": keys(goal.conclusions),
    }


def caches(goal: Goal) -> Any:
    """What a cell has kept of what it found out."""
    return keys(goal.cell.final), keys(goal.cell.memo)


def found(goal: Goal) -> dict[str, Any]:
    """All that a goal says and all that can be asked of it, on a goal of its own."""
    seen = goal.opened()
    places = sorted(seen.cell.places)
    return all_of(goal) | {
        "candidates here": [keys(seen.cell.candidates(place)) for place in places],
        "facts": [keys(seen.cell.facts(place)) for place in places],
        "values": [seen.cell.value(seen.cell.places[place]).key() for place in places],
        "obligations": keys(seen.obligations()) if seen.finished else None,
    }


def steps_of(goal: Goal) -> list[list[Any]]:
    """All splits that a goal allows, and some steps that close it or are refused."""
    steps: list[list[Any]] = [["gate", place] for place in sorted(goal.cell.places)]
    steps += [["compare", a, b] for a in goal.stuck or () for b in goal.stuck or () if a != b]
    steps += [["bound", place, [[place, 1]], *trivial(goal, place)] for place in sorted(goal.cell.places)]
    return steps


def trivial(goal: Goal, place: str) -> list[Any]:
    """Proofs that an atom is at most itself: by the facts."""
    return [["1", [[place, i, "1"]]] for i in range(len(goal.cell.atoms.candidates[goal.cell.places[place]]))]


def disturb(r: Random, goal: Goal, depth: int = 2) -> None:
    """Look at a goal and take steps from it, in any order; what comes of that is thrown away."""
    for _ in range(r.randint(1, 4)):
        what = r.random()
        with suppress(Rejected):
            if what < 0.3:
                found(goal)
            elif what < 0.5:
                seen = goal.opened()
                forms = [Form({v: r.choice((-1, 1, 2))}) for v in range(len(seen.cell.atoms.low))]
                seen.cell.maximum(r.sample(forms, min(3, len(forms))), None)
                seen.cell.atoms.maximum([negated(form) for form in r.sample(forms, min(2, len(forms)))])
            elif what < 0.7:
                step = r.choice((["holds"], ["empty", []], ["empty", [[0, "1"]]], ["holds", ["1", []]], ["nonsense"]))
                follow(goal, step, "test")
            elif steps := steps_of(goal):
                children = follow(goal, r.choice(steps), "test")
                for child in r.sample(children, r.randint(1, len(children))):
                    below = child()
                    if depth:
                        disturb(r, below, depth - 1)


def some_path(r: Random, goal: Goal, length: int) -> Iterator[tuple[Goal, list[Any], int]]:
    """The goals on a random path, each with the step taken there and the number of the child."""
    for _ in range(length):
        steps = steps_of(goal)
        if not steps:
            return
        step = r.choice(steps)
        try:
            children = follow(goal, step, "test")
            number = r.randrange(len(children))
            below = children[number]()
        except Rejected:
            return
        yield goal, step, number
        goal = below


def question(r: Random) -> Asked:
    return random_question(r, depth=r.choice((1, 2)), tries=10)


# --- purity ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(25))
def test_a_child_is_the_same_whatever_was_looked_at_before(seed: int) -> None:
    """The path walked twice: once straight, once with everything else tried on the way, at every goal and child."""
    r = Random(f"child {seed}")
    asked = question(r)
    with suppress(Rejected):
        straight = list(some_path(r, asked.goal(), 5))
        goal = asked.goal()
        for plain, step, number in straight:
            disturb(r, goal)
            before = all_of(goal), caches(goal)
            assert before[0] == all_of(plain)
            children = follow(goal, step, "test")
            disturb(r, goal)
            for other in r.sample(children, len(children)):  # brothers and sisters first, some of them twice
                disturb(r, other())
            below = children[number]()
            disturb(r, goal)
            assert (all_of(goal), caches(goal)) == before  # neither steps nor looks have left a trace
            alone = follow(plain, step, "test")[number]()
            assert all_of(below) == all_of(alone)
            assert found(below) == found(alone) == found(children[number]())
            goal = below


@pytest.mark.parametrize("seed", range(25))
def test_brothers_do_not_see_each_other(seed: int) -> None:
    """The children of a step grow, in turns; each stays what it is when it grows alone."""
    r = Random(f"brothers {seed}")
    asked = question(r)
    with suppress(Rejected):
        path = list(some_path(r, asked.goal(), r.randint(1, 3)))
        if not path:
            return
        goal, step, _ = path[-1]
        together = made(follow(goal, step, "test"))
        order = [(j, k) for j in range(len(together)) for k in range(3)]
        r.shuffle(order)
        moves = {(j, k): Random(f"{seed} {j} {k}").random() for j, k in order}
        for j, k in order:
            move(together[j], moves[j, k])
        for j, child in enumerate(follow(goal, step, "test")):
            alone = child()
            for i, k in order:
                if i == j:
                    move(alone, moves[i, k])
            assert all_of(alone) == all_of(together[j]), (step, j)


def move(goal: Goal, choice: float) -> None:
    """Let the atoms of this very goal grow, as evaluation does."""
    atoms = goal.cell.atoms
    variables = range(1, len(atoms.low))
    forms = [Form({v: 1}) for v in variables] + [Form({v: -1, 0: 1}) for v in variables] + [ZERO]
    r = Random(choice)
    top = atoms.maximum(r.sample(forms, min(3, len(forms))))
    atoms.bounds(top)
    goal.cell.resolve(top)


def test_one_number_may_be_two_atoms() -> None:
    """Where x > 0 and where x < 0 the next atom has the same number, another set, other bounds, and no alias."""
    network = maxout(  # relu(x), then max(relu(x) + y, -y, -2)
        [([[1, 0], [0, 1], [0, -1]], [0, 0, 0]), ([[3, 1, -2], [1, -2, 1]], [0, "-1/2"])], ([[1, 1]], [0]), "relu"
    )
    goal = Asked(network, None, box(2), claim="range", lower=[None], upper=[9]).goal()
    children = [child() for child in follow(goal, ["gate", "L0.u0"], "test")]
    tops = [child.cell.value(child.cell.places["L1.u0"]) for child in children]
    new = [max(top.terms) for top in tops]
    assert new[0] == new[1] == len(goal.cell.atoms.low)
    assert keys(children[0].cell.atoms.candidates[new[0]]) != keys(children[1].cell.atoms.candidates[new[1]])
    assert children[0].cell.atoms.high[new[0]] != children[1].cell.atoms.high[new[1]]
    assert new[0] not in goal.cell.atoms.candidates and len(goal.cell.atoms.high) == new[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_subtree_checked_alone_is_the_subtree_in_the_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every goal that the walk of a whole proof meets is the one that its path leads to; so are the counts below it."""
    r = Random(f"subtree {seed}")
    asked = question(r)
    with suppress(Rejected):
        steps, left_open = random_tree(r, asked.goal(), 25)
        steps = [step for step in steps if step != ["give up"]]  # of an open tree as far as it goes
        if not steps:
            return
        paths = paths_of(asked, steps)
        met: list[Any] = []

        def recorded(goal: Goal, step: object, where: str) -> Any:
            met.append(all_of(goal))
            return follow(goal, step, where)

        with monkeypatch.context() as patch:
            patch.setattr(claims, "follow", recorded)
            with suppress(Rejected):
                check_tree(asked.goal(), steps, "tree")
        assert len(met) >= len(paths) > 0
        for path, whole in zip(paths, met, strict=False):
            goal = asked.goal()
            for step, number in path:
                goal = follow(goal, step, "path")[number]()
            assert all_of(goal) == whole
        if left_open:
            return
        total = check_tree(asked.goal(), steps, "tree")
        start = r.randrange(len(steps))
        goal = asked.goal()
        for step, number in paths[start]:
            goal = follow(goal, step, "path")[number]()
        end = next((i for i in range(start + 1, len(steps)) if len(paths[i]) <= len(paths[start])), len(steps))
        part = check_tree(goal, steps[start:end], "tree")
        rest = [name for name, *_ in steps[start:end]]
        assert {rule: part[rule] for rule in part if rule != "ties"} == {
            rule: rest.count(rule) for rule in part if rule != "ties"
        }
        assert part["ties"] <= total["ties"]


def paths_of(asked: Asked, steps: Sequence[Any]) -> list[list[tuple[Any, int]]]:
    """The path to the cell of each step; as far as the steps are accepted."""
    open_ones: list[tuple[Goal, list[tuple[Any, int]]]] = [(asked.goal(), [])]
    found = []
    for step in steps:
        if not open_ones:
            break
        goal, path = open_ones.pop()
        found.append(path)
        try:
            children = follow(goal, step, "path")
        except Rejected:
            break
        open_ones += [(child(), [*path, (step, j)]) for j, child in enumerate(children)][::-1]
    return found


def test_a_closing_step_leaves_no_trace() -> None:
    """Accepted or refused: the goal is afterwards what it was, its caches included."""
    for name, (value, left, right) in PROVED.items():
        asked = Asked.of(value, left, right)
        open_ones = [asked.goal()]
        for step in value["tree"]:
            goal = open_ones.pop()
            before = all_of(goal), caches(goal)
            for other in (["empty", []], ["empty", [[0, "1"]]], ["holds"], ["holds", ["1", []]], step):
                with suppress(Rejected):
                    follow(goal, other, "test")
                assert (all_of(goal), caches(goal)) == before, name
            open_ones += made(follow(goal, step, "test"))[::-1]
        assert not open_ones


# --- the question is asked once -------------------------------------------------------------------


def asked_of(value: dict[str, Any], left: Any, right: Any) -> claims.Asked:
    texts = {"left.json": encoded(left), "right.json": encoded(right)}
    return claims.ask(value, lambda name: texts[name], "c")


def test_one_question_many_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The goal is evaluated once; rejected answers before an accepted one change nothing."""
    value, left, right = PROVED["equal"]
    evaluations = []
    of = Goal.of
    monkeypatch.setattr(Goal, "of", staticmethod(lambda statement: evaluations.append(statement) or of(statement)))
    asked = asked_of(value, left, right)
    assert evaluations == []
    first = asked.judged(value)
    for tree in ([], [["gate", "L0.u0"]], [["gate", "L0.u0"], ["holds"], ["holds"]], value["tree"][::-1], [["holds"]]):
        with pytest.raises(Rejected):
            asked.judged({**value, "tree": tree})
    with pytest.raises(Rejected):
        asked.judged({key: item for key, item in value.items() if key != "tree"})
    again = asked.judged(value)
    assert again.to_json() == first.to_json() == judged(value, left, right).to_json()
    assert len(evaluations) == 2  # one for both, one for `judged` in the tests
    point = {key: item for key, item in value.items() if key not in ("tree", "inhabitant")}
    with pytest.raises(Rejected, match="a point of the domain"):
        asked.judged({**point, "point": [0], "values": [[0], [0]]})


@pytest.mark.parametrize(
    "changes",
    [
        *({"tie": "leftmost"}, {"claim": "at-most"}, {"domain": box(1)}, {"parameters": {}}, {"format": "x"}),
        *({"left": {"file": "left.json", "sha256": ""}}, {"right": {"file": "left.json", "sha256": ""}}),
        *({"domain": {**PROVED["equal"][0]["domain"], "bounds": ["-1/5"]}},),
    ],
    ids=repr,
)
def test_an_answer_to_another_question(changes: dict[str, Any]) -> None:
    value, left, right = PROVED["equal"]
    asked = asked_of(value, left, right)
    with pytest.raises(Rejected, match="a certificate of the claim that was asked, found another one"):
        asked.judged({**value, **changes})
    with pytest.raises(Rejected, match="a certificate of the claim that was asked"):
        asked.judged({key: item for key, item in value.items() if key != "tie"})


def test_the_theorem_is_about_what_was_asked() -> None:
    """A dictionary that is changed later, or holds True where the question has 1, does not change what is said."""
    value, left, _ = deepcopy(PROVED["independent"])
    asked = asked_of(value, left, left)
    said = asked.judged(value).to_json()
    twin = {**value, "parameters": {"inputs": [True]}}
    assert twin == value and not accepted(twin, left)
    assert asked.judged(twin).to_json() == said and said["parameters"] == {"inputs": [1]}
    assert asked.judged(twin).parameters["inputs"][0] is not True  # type: ignore[index]
    value["left"]["sha256"] = "0" * 64
    value["parameters"]["inputs"][0] = 0
    value["domain"]["upper"][0] = 5
    with pytest.raises(Rejected, match="a certificate of the claim that was asked"):
        asked.judged(value)
    with pytest.raises(Rejected):
        asked_of(value, left, left)
    good, _, _ = deepcopy(PROVED["independent"])
    assert asked.judged(good).to_json() == said


# --- tables of atoms, copied when they grow -------------------------------------------------------

Grown = list[list[Form]]  # the sets of which the maximum was taken, in order


def grown(lower: Any, upper: Any, history: Grown) -> Atoms:
    atoms = Atoms(lower, upper)
    for forms in history:
        atoms.maximum(forms)
    return atoms


@pytest.mark.parametrize("seed", range(40))
def test_paths_that_share_tables(seed: int) -> None:
    """Many paths from one root, all of them growing in turns: each is what it would be if it were the only one."""
    r = Random(f"tables {seed}")
    one, half = Fraction(1), Fraction(1, 2)
    ends = [r.choice(((None, None), (-one, one), (None, half), (-half, None), (0 * one, 3 * half))) for _ in "xy"]
    lower, upper = [low for low, _ in ends], [high for _, high in ends]
    paths: list[tuple[Atoms, Grown]] = [(Atoms(lower, upper), [])]
    for _ in range(40):
        atoms, history = r.choice(paths)
        what = r.random()
        if what < 0.25 and len(paths) < 8:
            paths.append((atoms.below(), list(history)))
        elif what < 0.35:
            atoms.bounds(some_form(r, atoms))
        elif what < 0.45:
            atoms.tidy(some_form(r, atoms))
        else:
            forms = [some_form(r, atoms) for _ in range(r.randint(1, 3))]
            if history and r.random() < 0.5:  # the same class again: an alias on this path, perhaps none on another
                shift, factor = some_form(r, atoms), r.choice((1, 2, 3))
                forms = [combine(((factor, form), (1, shift))) for form in r.choice(history)]
            history.append(forms)
            top = atoms.maximum(forms)
            assert top.key() == atoms.maximum(forms).key() == grown(lower, upper, history).maximum(forms).key()
    points = [p for p in grid(2, 2, 2) if all(within(x, a, b) for x, a, b in zip(p, lower, upper, strict=True))]
    for atoms, history in paths:
        alone = grown(lower, upper, history)
        assert tables(atoms) == tables(alone)
        for _ in range(20):
            form = some_form(r, atoms)
            assert atoms.bounds(form) == alone.bounds(form)
            assert atoms.tidy(form).key() == alone.tidy(form).key()
            assert atoms.expanded(form).key() == alone.expanded(form).key()
        for forms in history:
            assert atoms.maximum(forms).key() == alone.maximum(forms).key()
        for point in r.sample(points, min(len(points), 5)):
            truth = Truth(atoms, point)
            for v in atoms.candidates:
                assert within(truth.of(Form({v: 1})), atoms.low[v], atoms.high[v])
                assert v not in atoms.alias or truth.of(atoms.alias[v]) == truth.of(Form({v: 1}))


def within(x: Fraction, low: Fraction | None, high: Fraction | None) -> bool:
    return (low is None or low <= x) and (high is None or x <= high)


def some_form(r: Random, atoms: Atoms) -> Form:
    """A small form over the variables of a path."""
    variables = [Form({v: 1}) for v in range(len(atoms.low))]
    parts = [(r.choice((-2, -1, 1, 1, 2)), r.choice(variables)) for _ in range(r.randint(0, 3))]
    return combine(parts, r.choice((1, 1, 2)))


def test_a_parent_that_grows_after_its_child_was_made() -> None:
    """Both name their next atom 3; bounds, aliases, maxima and the first of a class stay apart."""
    root = Atoms([Fraction(-1)] * 2, [Fraction(1)] * 2)
    child, other = root.below(), root.below()
    relu = root.maximum([X, ZERO])
    far = child.maximum([combine(((5, X),)), Y])
    mirrored = other.maximum([negated(X), ZERO])
    assert [top.key() for top in (relu, far, mirrored)] == [Form({3: 1}).key()] * 3
    assert [atoms.bounds(Form({3: 1})) for atoms in (root, child, other)] == [(0, 1), (-1, 5), (0, 1)]
    assert [keys(atoms.candidates[3]) for atoms in (root, child, other)] == [
        keys([X, ZERO]),
        keys([combine(((5, X),)), Y]),
        keys([negated(X), ZERO]),
    ]
    assert not root.alias and not child.alias and not other.alias
    root.maximum([negated(X), ZERO])
    other.maximum([X, ZERO])
    assert keys(root.alias) == {4: difference(Form({3: 1}), X).key()}
    assert keys(other.alias) == {4: combine(((1, Form({3: 1})), (1, X))).key()}
    assert not child.alias and len(child.low) == 4
    assert child.maximum([X, ZERO]).key() == Form({4: 1}).key() and child.bounds(Form({4: 1})) == (0, 1)
    grandchild = child.below()
    assert grandchild.maximum([combine(((5, X),)), Y]).key() == far.key() and len(grandchild.low) == 5
    grandchild.maximum([X, Y, ZERO])
    assert len(grandchild.low) == 6 and len(child.low) == 5


def test_tables_are_copied_only_when_they_grow() -> None:
    """A path that meets no new atom shares all tables with the one it comes from."""
    root = Atoms([Fraction(-1)], [Fraction(1)])
    relu = root.maximum([X, ZERO])
    child = root.below()
    assert child.maximum([ZERO, X]).key() == relu.key() and child.bounds(relu) == (0, 1)
    assert child.low is root.low and child.candidates is root.candidates and child.alias is root.alias
    child.maximum([negated(X), ZERO])
    assert child.low is not root.low and child.candidates is not root.candidates and 3 not in root.candidates
    low = child.low
    child.maximum([X, Form({0: 1}, 2)])
    assert child.low is low  # its own by now


# --- rule bound -----------------------------------------------------------------------------------

BEYOND = {**box(1), "matrix": [[-1]], "bounds": ["-1/4"]}  # x >= 1/4, which interval bounds do not see
BY_X = ["bound", "L0.u0", [[1, 1]], ["1", []], ["4", [[2, "1"]]]]  # relu(x) <= x, as x <= x and 0 <= x
LEVEL = ["holds", ["1", [["L0.u0", 0, "1"]]], ["1", [[3, "1"]]]]
BOUNDED = certificate(RELU, LINE, BEYOND, claim="equal", inhabitant=[1], tree=[BY_X, LEVEL])


def with_tree(*tree: Any) -> dict[str, Any]:
    return {**BOUNDED, "tree": list(tree)}


def test_a_bound_proves_an_equation_without_a_split() -> None:
    theorem = judged(BOUNDED, RELU, LINE)
    assert {rule: number for rule, number in theorem.counts.items() if number} == {"bound": 1, "holds": 1}
    assert not accepted(with_tree(LEVEL), RELU, LINE) and not accepted(with_tree(BY_X), RELU, LINE)
    again = ["holds", ["1", [["L0.u0", 0, "1"]]], ["1", [[4, "1"]]]]
    assert judged(with_tree(BY_X, BY_X, again), RELU, LINE).counts["bound"] == 2
    split = with_tree(BY_X, ["gate", "L0.u0"], ["holds"], ["holds", ["1", [[4, "1"]]], ["1", [[3, "1"]]]])
    assert judged(split, RELU, LINE).counts["gate"] == 1  # its row goes on to the children: x >= 0 from relu(x) <= x


@pytest.mark.parametrize(
    "form",
    [
        *([[1, "1"]], [[1, "2/2"]], [[1, "1/2"], [1, "1/2"]], [[1, 1], [0, 0]], [[0, 0], [1, 1]], [[1, "1.0"]]),
        *([["L0.u0", 0], [1, 1]], [["L0.u0", 1], [1, 1], ["L0.u0", -1]], [[1, 2], [1, -1]]),
    ],
    ids=repr,
)
def test_one_form_in_many_words(form: Any) -> None:
    assert accepted(with_tree([*BY_X[:2], form, *BY_X[3:]], LEVEL), RELU, LINE)


@pytest.mark.parametrize(
    "form",
    [
        *(None, {}, "x", 1, True, [1], [[1]], [[]], [[1, 1, 1]], [[1, 1], []], [None], [{}], ["11"], [[[1], 1]]),
        *([["L0.u1", 1]], [["R0.u0", 1]], [["", 1]], [["l0.u0", 1]], [["low", 1]], [["x1", 1]], [["1", 1]]),
        *([[2, 1]], [[3, 1]], [[-1, 1]], [[10**30, 1]], [[True, 1]], [[None, 1]], [[1.0, 1]], [[0.5, 1]], [[{}, 1]]),
        *([[1, "1/0"]], [[1, True]], [[1, None]], [[1, "x"]], [[1, []]], [[1, "1e9999"]], [[1, "1_0"]], [[1, ""]]),
        *([[1, 1], [0, "-1e-4000"]], [[1, "0.999"]], [[1, "1.001"], [0, "-1/100"]], [[0, 0]], [], [[1, -1]]),
    ],
    ids=repr,
)
def test_forms_that_are_none_or_too_small(form: Any) -> None:
    """No form, or one that is less than a candidate somewhere on the cell, with whatever proofs."""
    for proofs in (BY_X[3:], [["1", []]] * 2, [["1", [[0, "1"]]], ["1", [[1, "1"]]]]):
        for last in (LEVEL, ["holds"], ["empty", [[3, "1"]]]):
            assert not accepted(with_tree([*BY_X[:2], form, *proofs], last), RELU, LINE)


PROOFS = BY_X[3:]


@pytest.mark.parametrize(
    "proofs",
    [
        *([], PROOFS[:1], PROOFS[1:], PROOFS[::-1], [*PROOFS, ["1", []]], PROOFS * 2, [PROOFS], [PROOFS[0], None]),
        *([PROOFS[0], []], [PROOFS[0], ["4"]], [PROOFS[0], [[[2, "1"]]]], [["1", [], []], PROOFS[1]], ["1", "4"]),
        *([PROOFS[0], [weight, [[2, "1"]]]] for weight in ("0", "-4", 4, "", "4.0", None, "1", "3", [], "04 ")),
        *([PROOFS[0], ["4", [[2, m]]]] for m in ("0", "-1", 1, "", None, "2", "5")),
        *([PROOFS[0], ["4", rows]] for rows in ([], [[3, "1"]], [[0, "1"]], [[2, "1"], [1, "1"]], [[-1, "1"]], None)),
        *([PROOFS[0], ["1", [["L0.u0", which, "1"]]]] for which in (0, 1, "low", "high", 2)),
    ],
    ids=repr,
)
def test_proofs_of_a_bound_that_are_none(proofs: Any) -> None:
    """Also: the row that the step itself adds is no row yet."""
    assert not accepted(with_tree([*BY_X[:3], *proofs], LEVEL), RELU, LINE)


@pytest.mark.parametrize("place", ["L0.u1", "R0.u0", "", "l0.u0", "L0.u0 ", 0, None, ["L0.u0"], {}, True, 2])
def test_places_of_bounds_that_are_none(place: Any) -> None:
    assert not accepted(with_tree(["bound", place, *BY_X[2:]], LEVEL), RELU, LINE)


@pytest.mark.parametrize("step", [["bound"], ["bound", "L0.u0"], ["bound", []], ["bound", None, None], ["BOUND"]])
def test_a_bound_needs_a_place_and_a_form(step: Any) -> None:
    with pytest.raises(Rejected, match=r"^certificate: tree\[0\]: expected |^bound: expected "):
        judged(with_tree(step, LEVEL), RELU, LINE)


def test_a_bound_is_not_strict() -> None:
    """relu(x) <= x and relu(x) >= x are no contradiction, and neither is relu(x) <= relu(x)."""
    for rows in ([[3, "1"]], [[3, "1"], ["L0.u0", 0, "1"]], [[3, "4"], ["L0.u0", 0, "4"]]):
        assert not accepted(with_tree(BY_X, ["empty", rows]), RELU, LINE)
    itself = ["bound", "L0.u0", [["L0.u0", 1]], ["1", [["L0.u0", 0, "1"]]], ["1", [["L0.u0", 1, "1"]]]]
    for last in (["empty", [[3, "1"]]], LEVEL, ["holds"]):
        assert not accepted(with_tree(itself, last), RELU, LINE)
    (child,) = made(follow(Asked.of(BOUNDED, RELU, LINE).goal(), itself, "test"))
    assert child.cell.rows[-1][0].equals(ZERO) and child.cell.rows[-1][1] is False
    strict = ["compare", 0, 1]  # on a strict cell the bound is not strict either
    step = certificate(STEP, RELU, box(1), claim="at-most", inhabitant=[0], tree=[])
    goal = made(follow(Asked.of(step, STEP, RELU).goal(), strict, "test"))[0]
    assert goal.cell.rows[-1][1] is True
    (child,) = made(follow(goal, ["bound", "R0.u0", [[1, 1]], ["1", []], ["2", [[2, "1"]]]], "test"))
    assert child.cell.rows[-1][1] is False and not child.cell.empty([(3, 1), (("R0.u0", 0), 1)])


def test_a_place_of_another_path() -> None:
    """Only a place that this very path has met can be bounded or named, and it names the atom of this path."""
    value = certificate(STEP, RELU, box(1), claim="at-most", inhabitant=[0], tree=[])
    root = Asked.of(value, STEP, RELU).goal()
    step = ["bound", "R0.u0", [[0, 1]], ["1", [[1, "1"]]], ["1", []]]
    with pytest.raises(Rejected, match="a place where this evaluation met an atom"):
        follow(root, step, "test")  # it waits for the step network
    above, level, below = made(follow(root, ["compare", 0, 1], "test"))
    assert all("R0.u0" in child.cell.places for child in (above, level, below)) and not root.cell.places
    (after,) = made(follow(above, step, "test"))
    assert after.cell.rows[-1][0].equals(difference(ONE, Form({after.cell.places["R0.u0"]: 1})))
    assert len(below.cell.rows) == len(above.cell.rows) == len(after.cell.rows) - 1
    with pytest.raises(Rejected, match="a place where this evaluation met an atom"):
        follow(above, ["bound", "R0.u0", [["L0.h0.q0", 1]], ["1", []], ["1", []]], "test")


def test_a_bound_that_holds_on_one_side_only() -> None:
    """relu(x) <= 0 follows where 0 wins, and not where x wins; the row stays on its side."""
    goal = Asked(RELU, LINE, box(1)).goal()
    zero = ["bound", "L0.u0", [], ["1", [[2, "1"]]], ["1", []]]
    wins, loses = made(follow(goal, ["gate", "L0.u0"], "test"))
    for wrong in (goal, wins):
        with pytest.raises(Rejected):
            follow(wrong, zero, "test")
    (after,) = made(follow(loses, zero, "test"))
    assert len(after.cell.rows) == len(loses.cell.rows) + 1 == len(wins.cell.rows) + 1
    assert not accepted(with_tree(zero, LEVEL), RELU, LINE)


def test_no_bound_proves_what_is_false() -> None:
    """relu(x) <= x is false on [-1, 1]: no two steps with all small forms, rows and multipliers are a proof."""
    asked = Asked(RELU, LINE, box(1), claim="at-most")
    goal = asked.goal()
    forms = [[[1, a], [0, b], ["L0.u0", c]] for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (0, 1)]
    facts: list[Any] = [[0], [1], *(["L0.u0", which] for which in (0, 1, "low", "high"))]
    combinations = [[], *([[*one, "1"]] for one in facts), *([[*a, "1"], [*b, "1"]] for a in facts for b in facts)]
    bounds = []
    for form in forms:
        ways = [[[w, rows] for w in "12" for rows in combinations if proves(goal, form, i, w, rows)] for i in (0, 1)]
        bounds += [["bound", "L0.u0", form, first[0], second[0]] for first, second in [ways] if first and second]
    assert 3 < len(bounds) < len(forms)
    for step in bounds:
        (below,) = made(follow(goal, step, "test"))
        for last in ([[2, m]] for m in "12"):
            for rows in ([*last, *more] for more in combinations):
                for closing in (["empty", rows], *(["holds", [w, rows]] for w in "12")):
                    with pytest.raises(Rejected):
                        follow(below, closing, "test")


def proves(goal: Goal, form: Any, candidate: int, weight: str, rows: Any) -> bool:
    """Whether the kernel takes this proof for one of the two gaps."""
    bound = claims._form(form, "test", goal.cell)
    gap = difference(bound, goal.cell.atoms.candidates[goal.cell.places["L0.u0"]][candidate])
    return goal.opened().cell.implied(gap, int(weight), claims._multipliers(rows, "test", goal))


@pytest.mark.parametrize("seed", range(12))
def test_no_bound_is_accepted_wrongly(seed: int) -> None:
    """Random rows, forms and multipliers, small enough to hit: the new row is true at every point of the cell."""
    r = Random(f"bound {seed}")
    hits = 0
    for _ in range(60):
        atoms = Atoms([Fraction(-2)] * 2, [Fraction(2)] * 2)
        places = {"a": max(atoms.maximum([X, ZERO]).terms), "b": max(atoms.maximum([X, Y]).terms)}
        places["c"] = max(atoms.maximum([Form({3: 1}), combine(((1, Form({4: 1})), (-1, ONE)))]).terms)
        parts = [X, Y, ONE, *(Form({v: 1}) for v in places.values())]

        def some(parts: list[Form] = parts) -> Form:
            return combine([(r.choice((-1, 1, 1, 2)), r.choice(parts)) for _ in range(r.randint(1, 3))])

        rows = tuple((some(), r.random() < 0.3) for _ in range(3))
        cell = Cell(atoms, rows, places)
        if r.random() < 0.5:
            cell = r.choice(made(cell.gate(r.choice("abc"))))
        for _ in range(25):
            place = r.choice("abc")
            references: list[Any] = [*range(len(cell.rows)), *((p, w) for p in places for w in cell.facts(p))]
            candidates = cell.atoms.candidates[places[place]]
            form = r.choice((some(), r.choice(candidates), combine(((1, r.choice(candidates)), (1, ONE)))))

            def proof(references: list[Any] = references) -> Any:
                chosen = [(r.choice(references), r.choice((1, 1, 2))) for _ in range(r.randint(0, 2))]
                return r.choice((1, 1, 2)), chosen

            options = [[proof() for _ in range(25)] for _ in candidates]
            proofs = [
                next((p for p in some_proofs if cell.implied(difference(form, candidate), *p)), some_proofs[0])
                for candidate, some_proofs in zip(candidates, options, strict=True)
            ]
            after = cell.bound(place, form, proofs)
            if after is None:
                continue
            hits += 1
            assert after.rows[:-1] == cell.rows and after.rows[-1][1] is False
            for point in grid(2, 2, 1):
                truth = Truth(after.atoms, point)
                if all(truth.of(f) > 0 or (truth.of(f) == 0 and not strict) for f, strict in cell.rows):
                    assert truth.of(after.rows[-1][0]) >= 0
                    assert truth.of(form) >= truth.of(Form({places[place]: 1}))
            cell = after
    assert hits > 20


# --- work is counted, not clocked -----------------------------------------------------------------


def test_keys_are_compared_with_few_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a key comes once is seen in linear time."""
    from exactformer.kernel import reading

    class Key:
        compared = 0

        def __init__(self, number: int) -> None:
            self.number = number

        def __hash__(self) -> int:
            return hash(self.number)

        def __eq__(self, other: object) -> bool:
            Key.compared += 1
            return isinstance(other, Key) and self.number == other.number

    def loads(text: str, object_pairs_hook: Callable[..., Any], **_: Any) -> Any:
        return object_pairs_hook([(Key(number), 0) for number in range(int(text))])

    monkeypatch.setattr(reading.json, "loads", loads)
    assert len(reading.parse_json(b"20000", "p")) == 20000 and Key.compared < 20000  # type: ignore[arg-type]


def test_a_key_that_comes_again_at_the_end() -> None:
    from exactformer.kernel.reading import parse_json

    pairs = b",".join(b'"%d":0' % number for number in range(20000))
    assert len(parse_json(b"{" + pairs + b"}", "p")) == 20000  # type: ignore[arg-type]
    with pytest.raises(Rejected, match=r"^p: expected every key once, found key '7' twice$"):
        parse_json(b"{" + pairs + b',"7":1}', "p")
