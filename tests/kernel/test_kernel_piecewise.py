"""Functions as far as they are piecewise linear: forms, maxima at places, and variables for what is neither."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest
from kernel_material import Truth, accepted, box, certificate, encoded, goal_of, judged, made, maxout

from exactformer.kernel import functions
from exactformer.kernel.claims import Goal, follow
from exactformer.kernel.elementary import Undefined
from exactformer.kernel.functions import Function, Step
from exactformer.kernel.networks import read_network
from exactformer.kernel.reading import Rejected

F = Fraction
X, Y = ["input", 0], ["input", 1]
KINKS = ("maximum", "minimum", "absolute")


def function(steps: Sequence[Any], inputs: int = 2) -> dict[str, Any]:
    return {"format": "exactformer/network-1", "kind": "function", "inputs": inputs, "steps": list(steps)}


def root(steps: Sequence[Any], inputs: int = 2, lower: Any = -1, upper: Any = 1) -> Goal:
    """The goal of a claim about one function, opened."""
    goal = goal_of(function(steps, inputs), None, box(inputs, lower, upper), claim="range", lower=[-1], upper=[1])
    return goal.opened()


def variables(goal: Goal) -> list[Function]:
    return list(goal.cell.atoms.functions.values())


def written(steps: Sequence[Any], inputs: int = 2) -> Function:
    found = read_network(encoded(function(steps, inputs)), "f.json")
    assert isinstance(found, Function)
    return found


def random_steps(r: Random, inputs: int, length: int, others: Sequence[str] = ()) -> list[list[Any]]:
    """A program of sums, multiples and kinks, and of other operations."""
    steps: list[list[Any]] = [["input", i] for i in range(inputs)]
    steps += [["number", f"{r.randrange(-6, 7)}/{r.choice((1, 2, 3))}"] for _ in range(2)]
    numbers = [inputs, inputs + 1]
    for _ in range(length):
        a, b = (r.randrange(max(0, len(steps) - 6), len(steps)) for _ in "ab")
        name = r.choice(["add", "add", "multiply", "divide", *KINKS, *others])
        c = r.choice(numbers)
        if name == "divide":
            steps.append(["divide", a, c] if F(steps[c][1]) else ["multiply", c, a])
        elif name == "multiply":
            steps.append([name, *r.choice(((a, c), (c, a)))])
        elif name == "product":
            steps.append(["multiply", a, b])
        else:
            steps.append([name, a] if name in ("absolute", "sin", "log", "exp") else [name, a, b])
    return steps


def exactly(steps: Sequence[Any], point: Sequence[Fraction]) -> Fraction:
    """The value of a piecewise linear program at a point, step by step."""
    values: list[Fraction] = []
    for name, *of in steps:
        if name == "input":
            values.append(F(point[of[0]]))
        elif name == "number":
            values.append(F(of[0]))
        else:
            a, b = values[of[0]], values[of[-1]]
            found = {"add": a + b, "multiply": a * b, "maximum": max(a, b), "minimum": min(a, b), "absolute": abs(a)}
            values.append(a / b if name == "divide" else found[name])
    return values[-1]


# --- values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_random_piecewise_linear_programs_have_their_values(seed: int) -> None:
    """On cells of gates and of narrow, the form of the output has the exact value at rational points."""
    r = Random(f"piecewise {seed}")
    inputs = r.choice((1, 2, 2, 3))
    steps = random_steps(r, inputs, 12)
    goal = root(steps, inputs)
    assert not goal.cell.atoms.functions
    points = [tuple(F(r.randrange(-4, 5), 4) for _ in range(inputs)) for _ in range(6)]
    for _ in range(4):
        for point in points:
            truth = Truth(goal.cell.atoms, point)
            value, form = exactly(steps, point), goal.runs[0].outputs or {}
            assert truth.of(goal.cell.resolve(form[0])) == value if form else value == 0
            assert all(truth.of(row) >= 0 for row, _ in goal.cell.rows)
            low, high = goal.cell.atoms.bounds(form[0]) if form else (F(0), F(0))
            assert low is not None and high is not None and low <= value <= high
        places = sorted(goal.cell.places)
        if not places:
            break
        step = ["gate", r.choice(places)] if r.random() < 0.8 else ["narrow"]
        children = [child.opened() for child in made(follow(goal, step, "step"))]

        assert {p for child in children for p in held(child, points)} == set(points)  # no point is lost
        goal = max(children, key=lambda child: len(held(child, points)))
        points = held(goal, points)


def held(goal: Goal, points: Sequence[tuple[Fraction, ...]]) -> list[tuple[Fraction, ...]]:
    """The points that lie in the cell."""
    return [p for p in points if all(Truth(goal.cell.atoms, p).of(row) >= 0 for row, _ in goal.cell.rows)]


@pytest.mark.parametrize("seed", range(80))
def test_random_programs_are_taken_apart_without_a_change(seed: int) -> None:
    """The sum of forms, atoms and variables has the value of the whole program, and no step is defined less often."""
    r = Random(f"apart {seed}")
    steps = random_steps(r, 2, 10, ("exp", "sin", "log", "product", "product"))
    goal, whole = root(steps), written(steps)
    for point in product((F(-1), F(-1, 3), F(0), F(1)), repeat=2):
        atoms, values = goal.cell.atoms, [F(1), *point]
        ends: list[tuple[Fraction, Fraction]] = [(v, v) for v in values]
        try:
            for v in range(3, len(atoms.low)):
                if v in atoms.functions:
                    ends.append(functions.value(atoms.functions[v], point))
                else:
                    parts = [sum_of(form.terms, form.den, ends) for form in atoms.candidates[v]]
                    ends.append((max(low for low, _ in parts), max(high for _, high in parts)))
        except Undefined:
            with pytest.raises(Undefined):
                functions.value(whole, point)
            continue
        low, high = functions.value(whole, point)
        form = (goal.runs[0].outputs or {}).get(0)
        least, most = (F(0), F(0)) if form is None else sum_of(form.terms, form.den, ends)
        assert least <= high and low <= most
        assert max(high, most) - min(low, least) < F(1, 2**100) * max(1, abs(high))


def sum_of(terms: dict[int, int], den: int, ends: Sequence[tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction]:
    low = sum((c * ends[v][c < 0] for v, c in terms.items()), F(0))
    high = sum((c * ends[v][c > 0] for v, c in terms.items()), F(0))
    return low / den, high / den


# --- what is a form, and what a variable ----------------------------------------------------------------------------


def form_of(goal: Goal) -> dict[int, Fraction]:
    form = (goal.runs[0].outputs or {}).get(0)
    return {} if form is None else {v: F(c, form.den) for v, c in form.terms.items()}


@pytest.mark.parametrize(
    ("steps", "form"),
    [
        ([X, Y, ["add", 0, 1]], {1: 1, 2: 1}),
        ([X, ["add", 0, 0]], {1: 2}),
        ([X, ["number", "2/3"], ["multiply", 1, 0]], {1: F(2, 3)}),
        ([X, ["number", "2/3"], ["multiply", 0, 1]], {1: F(2, 3)}),
        ([X, ["number", "2/3"], ["divide", 0, 1]], {1: F(3, 2)}),
        ([["number", "2/3"], ["number", 5], ["multiply", 0, 1]], {0: F(10, 3)}),
        ([["number", 3], ["multiply", 0, 0]], {0: 9}),
        ([["number", "2/3"]], {0: F(2, 3)}),
        ([["number", 0]], {}),
        ([X, ["number", 2], ["maximum", 0, 1]], {0: 2}),
        ([X, ["number", 2], ["minimum", 0, 1]], {1: 1}),
        ([X, ["number", 2], ["add", 0, 1], ["absolute", 2]], {0: 2, 1: 1}),
        ([X, ["number", -2], ["add", 0, 1], ["absolute", 2]], {0: 2, 1: -1}),
    ],
)
def test_forms(steps: list[Any], form: dict[int, Any]) -> None:
    goal = root(steps)
    assert form_of(goal) == form and not variables(goal) and not goal.cell.places


@pytest.mark.parametrize(
    "steps",
    [
        [X, Y, ["multiply", 0, 1]],
        [X, ["number", 2], ["divide", 1, 0]],
        [X, ["number", 0], ["divide", 0, 1]],
        [X, ["power", 0, 2], ["divide", 0, 1]],
        [X, ["power", 0, 1]],
        [["pi"]],
        [["number", 1], ["number", 2], ["add", 0, 1], X, ["multiply", 2, 3]],  # no factor is a step `number`
        [["number", 2], ["number", 0], ["divide", 0, 1]],
    ],
)
def test_what_is_no_form_is_one_variable(steps: list[Any]) -> None:
    goal = root(steps)
    (v,) = goal.cell.atoms.functions
    assert form_of(goal) == {v: 1} and not goal.cell.places


@pytest.mark.parametrize(
    ("steps", "candidates"),
    [
        ([X, Y, ["maximum", 0, 1]], [{1: 1}, {2: 1}]),
        ([X, Y, ["minimum", 0, 1]], [{1: -1}, {2: -1}]),
        ([X, Y, ["absolute", 0]], [{1: 1}, {1: -1}]),
    ],
)
def test_kinks_have_the_places_of_their_steps(steps: list[Any], candidates: list[dict[int, int]]) -> None:
    goal = root(steps)
    ((place, atom),) = goal.cell.places.items()
    assert place == f"L.s{len(steps) - 1}"
    assert [form.terms for form in goal.cell.atoms.candidates[atom]] == candidates
    assert form_of(goal) == {atom: -1 if steps[-1][0] == "minimum" else 1}


def test_the_sides_have_places_of_their_own() -> None:
    steps = function([X, ["absolute", 0]], 1)
    shifted = function([X, ["number", "1/3"], ["add", 0, 1], ["absolute", 2]], 1)
    goal = goal_of(steps, shifted, box(1), claim="within", epsilon=1)
    assert set(goal.cell.places) == {"L.s1", "R.s3"}


def test_sums_are_taken_apart() -> None:
    """2 (exp(x) + |y|) - x/3 + x y."""
    steps = [X, Y, ["exp", 0], ["absolute", 1], ["add", 2, 3], ["number", 2], ["multiply", 5, 4]]
    steps += [["number", -3], ["divide", 0, 7], ["add", 6, 8], ["multiply", 0, 1], ["add", 9, 10]]
    goal = root(steps)
    atom = goal.cell.places["L.s3"]
    product_of, exponential = goal.cell.atoms.functions
    assert form_of(goal) == {atom: 2, exponential: 2, product_of: 1, 1: F(-1, 3)}
    assert variables(goal) == [
        Function(2, (Step("input", (0,)), Step("input", (1,)), Step("multiply", (0, 1)))),
        Function(2, (Step("input", (0,)), Step("exp", (0,)))),
    ]


def test_equal_terms_are_one_variable() -> None:
    """However they are written, in one function or in two."""
    doubled = [Y, ["number", 7], X, ["number", 2], ["multiply", 3, 2], X, ["add", 4, 5], ["exp", 6]]  # exp(2 x + x)
    tripled = [X, ["number", 3], ["multiply", 0, 1], ["exp", 2]]
    goal = goal_of(function(doubled), function(tripled), box(2))
    assert not goal.opened().obligations() and len(goal.cell.atoms.functions) == 1
    one = [X, Y, ["sin", 1], ["exp", 0], ["multiply", 3, 2], ["add", 2, 4]]  # sin(y) + exp(x) sin(y)
    other = [X, ["exp", 0], Y, ["sin", 2], ["multiply", 1, 3], ["add", 4, 3]]
    goal = goal_of(function(one), function(other), box(2))
    assert not goal.opened().obligations() and len(goal.cell.atoms.functions) == 2
    squares = [X, X, ["exp", 0], ["exp", 1], ["multiply", 2, 3]]
    assert variables(root(squares)) == variables(root([X, ["exp", 0], ["multiply", 1, 1]]))


def test_a_term_is_written_over_the_variables() -> None:
    """sin(2 x - y/3 + 1), and the exponential of 0, of 1 and of x - x."""
    steps = [X, Y, ["number", 2], ["multiply", 0, 2], ["number", -3], ["divide", 1, 4], ["add", 3, 5]]
    steps += [["number", 1], ["add", 6, 7], ["sin", 8]]
    (term,) = variables(root(steps))
    assert term.text == "sin(1 + 2*x1 + (-1/3)*x2)"
    for number, text in ((0, "exp(0)"), (1, "exp(1)")):
        (term,) = variables(root([["number", number], ["exp", 0]]))
        assert term.text == text
    (term,) = variables(root([X, ["number", -1], ["multiply", 0, 1], ["add", 0, 2], ["exp", 3]]))
    assert term.text == "exp(0)"


def test_kinks_within_a_term() -> None:
    """exp(|x|) is one variable with the kink; where |x| is a form, it is the exponential of that."""
    steps = [X, ["absolute", 0], ["exp", 1]]
    (term,) = variables(root(steps, 1))
    assert term.text == "exp(abs(x1))"
    (term,) = variables(root(steps, 1, 0))
    assert term.text == "exp(x1)"
    goal = root(steps, 1)
    upper, lower = (child.opened() for child in made(follow(goal, ["cut", [[1, 1]]], "step")))
    for side, text in ((upper, "exp(x1)"), (lower, "exp(-x1)")):
        (anew,) = made(follow(side, ["anew", []], "step"))
        assert [term.text for term in variables(anew)] == [text]


def test_kinks_of_terms_are_within_one() -> None:
    """max(exp(x), y), and all that it is in, but for a sum: no place, as before."""
    goal = root([X, Y, ["exp", 0], ["maximum", 2, 1], ["absolute", 3], ["add", 4, 1], ["minimum", 5, 5]])
    assert [term.text for term in variables(goal)] == ["min(abs(max(exp(x1), x2)) + x2, abs(max(exp(x1), x2)) + x2)"]
    goal = root([X, Y, ["exp", 0], ["maximum", 2, 1], ["absolute", 3], ["add", 4, 1]])
    (v,) = goal.cell.atoms.functions
    assert form_of(goal) == {v: 1, 2: 1} and not goal.cell.places


def test_deep_programs_and_long_sums() -> None:
    deep = [X, *(["sin", k] for k in range(6000))]
    sums = [X, ["exp", 0], *(["add", k, 1] for k in range(1, 6000))]
    started = time.process_time()
    (term,) = variables(root(deep, 1))
    assert len(term.steps) == 6001
    goal = root(sums, 1)
    assert [F(6000)] == list(form_of(goal).values())
    doubled = [X, ["absolute", 0], *(["maximum", k, k] for k in range(1, 3000))]
    assert len(root(doubled, 1).cell.atoms.candidates) == 1
    shared = [X, *(["multiply", k, k] for k in range(3000))]
    (term,) = variables(root(shared, 1, 0, "1/2"))
    assert len(term.steps) == 3001
    assert time.process_time() - started < 60


# --- definedness ----------------------------------------------------------------------------------------------------


LOG = [X, ["log", 0]]
NEGATED = [["number", -1], ["multiply", 1, 2], ["add", 1, 3]]  # log(x) - log(x)


@pytest.mark.parametrize(
    "steps",
    [
        [*LOG, *NEGATED],
        [*LOG, ["number", 0], ["multiply", 2, 1]],
        [*LOG, X],  # a step that no other uses
        [["number", -1], ["log", 0], X],
        [*LOG, ["number", 1], ["add", 1, 2], X],  # a sum that no other uses
        [*LOG, ["number", 0], ["multiply", 1, 2], ["exp", 3]],
        [*LOG, X, ["maximum", 1, 2], ["number", 0], ["multiply", 4, 3]],
        [X, ["number", 0], ["divide", 0, 1], ["multiply", 1, 2]],
        [X, ["log", 0], ["exp", 1], ["add", 1, 2], ["number", 0], ["multiply", 3, 4]],
        [X, ["number", "1/2"], ["power", 0, "1/2"], ["power", 2, 2]],
        [X, ["number", -2], ["log", 1], ["number", 0], ["multiply", 2, 3], ["add", 0, 4]],
    ],
)
def test_all_steps_have_to_be_defined(steps: list[Any]) -> None:
    """Even if nothing of a step is left in the value: neither a proof nor a refutation speaks of such points."""
    f, other = function(steps, 1), maxout([], ([[0]], [5]))
    value = {"claim": "at-most", "inhabitant": ["1/2"], "tree": [["holds", []]]}
    for tree in ([["holds"]], [["holds", []]], [["narrow"], ["holds", []]], [["anew", []], ["holds"]]):
        assert not accepted({**certificate(f, other, box(1), **value), "tree": tree}, f, other)
    nowhere = (["divide", 0, 1], ["number", -2])
    defined = steps[0] == X and not any(step in nowhere for step in steps)
    assert accepted(certificate(f, other, box(1, "1/4", 1), **value), f, other) == defined
    wrong = {"claim": "at-most", "point": ["-1/2"], "values": [[{"lower": -100, "upper": 100}], [-200]]}
    less = maxout([], ([[0]], [-200]))
    assert not accepted(certificate(f, less, box(1), **wrong), f, less)
    right = {**wrong, "point": ["1/2"]}
    assert accepted(certificate(f, less, box(1), **right), f, less) == defined


def test_the_number_of_an_input_is_no_step() -> None:
    """The input 1 at step 2 does not use step 1, a logarithm, which has to be defined all the same."""
    f, line = function([X, ["log", 0], Y]), maxout([], ([[0, 1]], [0]))
    for low, defined in ((-1, False), ("1/4", True)):
        value = certificate(f, line, box(2, low, 1), claim="equal", inhabitant=[1, 1], tree=[["holds"]])
        assert accepted(value, f, line) == defined


def test_values_of_refutations_are_exact_where_functions_are_piecewise_linear() -> None:
    f, zero = function([X, ["number", 3], ["divide", 0, 1], ["absolute", 2]], 1), maxout([], ([[0]], [0]))
    value = certificate(f, zero, box(1), claim="equal", point=["-1/7"], values=[["1/21"], [0]])
    assert judged(value, f, zero).statement.startswith("at x = (-1/7), left(x) = (1/21), right(x) = (0)")
    for wrong in ("1/20", {"lower": "2/21", "upper": 1}):
        assert not accepted({**value, "values": [[wrong], [0]]}, f, zero)


# --- theorems -------------------------------------------------------------------------------------------------------


def test_an_absolute_value_at_once() -> None:
    f = function(
        [X, Y, ["number", 3], ["divide", 1, 2], ["number", -1], ["multiply", 4, 3], ["add", 0, 5], ["absolute", 6]]
    )
    net = maxout([([[[1, "-1/3"], [-1, "1/3"]]], [[0, 0]])], ([[1]], [0]))
    assert accepted(certificate(f, net, box(2), claim="equal", inhabitant=[0, 0], tree=[["holds"]]), f, net)
    other = maxout([([[[1, "-1/3"], [-1, "1/3"]]], [[0, "1/1000000"]])], ([[1]], [0]))
    assert not accepted(certificate(f, other, box(2), claim="equal", inhabitant=[0, 0], tree=[["holds"]]), f, other)


@pytest.mark.parametrize("off", ["0", "1/1000000000000"])
def test_a_maximum_by_gates(off: str) -> None:
    """max(x, y) is |x - y|/2 + (x + y)/2, everywhere on the plane: at most, by the two sides of a gate."""
    largest, minus = function([X, Y, ["maximum", 0, 1]]), ["number", -1]
    steps = [X, Y, minus, ["multiply", 2, 1], ["add", 0, 3], ["absolute", 4], ["add", 0, 1], ["add", 5, 6]]
    half = function([*steps, ["number", "1/2"], ["multiply", 7, 8], ["number", off], ["add", 9, 10]])
    value = certificate(largest, half, box(2, None, None), claim="equal", inhabitant=[0, 0])
    for tree in ([["holds"]], [["gate", "L.s2"], ["holds"], ["holds"]], [["gate", "R.s5"], ["holds"], ["holds"]]):
        assert accepted({**value, "tree": tree}, largest, half) == (off == "0")


def test_places_of_steps_within_terms_and_elsewhere() -> None:
    f = function([X, ["absolute", 0], ["exp", 1], ["add", 2, 1]], 1)
    goal = goal_of(f, None, box(1), claim="range", lower=[0], upper=[9])
    assert set(goal.cell.places) == {"L.s1"}
    for place in ("L.s0", "L.s2", "L.s3", "L.s", "L1.s1", "R.s1"):
        with pytest.raises(Rejected, match="a place where this evaluation met an atom"):
            follow(goal, ["gate", place], "step")
    assert len(made(follow(goal, ["gate", "L.s1"], "step"))) == 2
