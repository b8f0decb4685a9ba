"""The checker of statements for all weights: polynomials, rules, what it refuses, and how it runs as a program."""

from __future__ import annotations

import ast
import hashlib
import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flint import fmpq, fmpq_mpoly_ctx
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer
import exactformer.shapes
from exactformer.kernel.reading import Rejected
from exactformer.shapes import polynomials
from exactformer.shapes.certificates import check, check_file
from exactformer.shapes.networks import State, chosen
from exactformer.shapes.polynomials import (
    Atoms,
    Number,
    Polynomial,
    combined,
    constant,
    difference,
    key,
    parsed,
    product,
)

CHECKER = Path(exactformer.shapes.__file__ or "").parent
PROOFS = Path(__file__).parent.parent.parent / "proofs" / "shapes"
NAMES = ("x", "y.1", "z_2")
VARIABLES: dict[str, Polynomial] = {name: {(v,): 1} for v, name in enumerate(NAMES)}

monomials = st.lists(st.integers(0, 2), max_size=3).map(lambda v: tuple(sorted(v)))
numbers = st.fractions(-3, 3, max_denominator=3).filter(bool)
polys = st.dictionaries(monomials, numbers, max_size=4)
points = st.lists(st.fractions(-2, 2, max_denominator=4), min_size=3, max_size=3)


def value(polynomial: Polynomial, point: list[Fraction], atoms: Atoms | None = None) -> Fraction:
    values: dict[int, Number] = dict(enumerate(point))
    for atom, members in (atoms.members if atoms else {}).items():
        values[atom] = max(at(member, values) for member in members)
    return Fraction(at(polynomial, values))


def at(polynomial: Polynomial, values: dict[int, Number]) -> Number:
    total: Number = 0
    for monomial, c in polynomial.items():
        term = c
        for v in monomial:
            term = term * values[v]
        total += term
    return total


# --- polynomials ------------------------------------------------------------------------------------


@given(polys, polys, numbers, points)
def test_arithmetic_is_that_of_values(p: Polynomial, q: Polynomial, c: Fraction, point: list[Fraction]) -> None:
    a, b = value(p, point), value(q, point)
    assert value(product(p, q), point) == a * b
    assert value(combined(((c, p), (1, q))), point) == c * a + b
    assert difference(p, p) == {} and all(difference(p, q).values())
    assert constant(p) is None or constant(p) == a


@given(polys)
def test_what_another_library_writes_is_read(p: Polynomial) -> None:
    ring = fmpq_mpoly_ctx.get(list(NAMES))
    terms = {tuple(m.count(v) for v in range(3)): fmpq(c.numerator, c.denominator) for m, c in p.items()}
    assert parsed(str(ring.from_dict(terms)), VARIABLES, "here") == p


@pytest.mark.parametrize(
    ("text", "found"),
    ((3, {(): 3}), (0, {}), ("-1/2", {(): Fraction(-1, 2)}), ("0*x", {}), ("-x + 2*x*x - x^2 + x", {(0, 0): 1})),
)
def test_numbers_and_texts(text: object, found: Polynomial) -> None:
    assert parsed(text, VARIABLES, "here") == found


@pytest.mark.parametrize(
    "text",
    (
        *("", " ", "x +", "+ + x", "x ** 2", "w", "x y.1", "2x", "x^0", "x^65", "x^100", "x^y.1", "x^-1", "x^", "1/0"),
        *("x*", "1.5.2", "2^2", True, 0.5, None, []),
    ),
)
def test_other_texts_are_rejected(text: object) -> None:
    with pytest.raises(Rejected, match=r"^here: expected .*, found "):
        parsed(text, VARIABLES, "here")


def test_messages_say_what_is_wrong() -> None:
    for text, message in (
        ("", "expected a sum of products of numbers and names, found "),
        ("x^65", "expected a power from 1 to 64, found 65"),
        ("x*w", "expected names that the certificate declares, found w"),
    ):
        with pytest.raises(Rejected, match=f"^here: {message}"):
            parsed(text, VARIABLES, "here")


# --- maxima -----------------------------------------------------------------------------------------


@given(st.lists(st.lists(polys, min_size=1, max_size=4), min_size=1, max_size=4), polys, numbers, points)
def test_maxima_have_the_largest_value(
    lists: list[list[Polynomial]], shift: Polynomial, factor: Fraction, point: list[Fraction]
) -> None:
    atoms = Atoms(3)
    for candidates in lists:
        found = atoms.maximum(candidates)
        assert value(found, point, atoms) == max(value(p, point) for p in candidates)
        before = len(atoms.members)
        moved = [combined(((abs(factor), p), (1, shift))) for p in reversed(candidates)]
        assert atoms.maximum(moved) == combined(((abs(factor), found), (1, shift)))
        assert len(atoms.members) == before  # a common shift and a positive factor make no new atom


def test_relu_of_the_opposite_is_no_new_atom() -> None:
    atoms, x = Atoms(1), {(0,): 1}
    top = atoms.maximum([x, {}])
    assert atoms.maximum([{(0,): -1}, {}]) == difference(top, x)
    assert atoms.maximum([x, x]) == x and atoms.maximum([{}, {(): 2}, {(): 2}]) == {(): 2}


def test_a_known_sign_decides_a_maximum_and_so_do_its_positive_multiples() -> None:
    atoms, x, y = Atoms(2), {(0,): 1}, {(1,): 1}
    assert not atoms.at_least_zero(difference(x, y))
    atoms.learn({(0,): 2, (1,): -2})
    assert atoms.at_least_zero({(0,): Fraction(1, 3), (1,): Fraction(-1, 3)})
    assert not atoms.at_least_zero(difference(y, x))
    assert atoms.maximum([y, x]) == x and not atoms.members
    assert atoms.at_least_zero({}) and atoms.at_least_zero({(): 1}) and not atoms.at_least_zero({(): -1})


# --- heads ------------------------------------------------------------------------------------------


def head(scores: list[Polynomial], values: list[State]) -> State:
    return chosen(scores, values, Atoms(3), "head")


X, Y = VARIABLES["x"], VARIABLES["y.1"]


def test_tokens_below_another_by_a_constant_carry_no_weight() -> None:
    below = combined(((1, X), (1, {(): -1})))
    assert head([below, X], [{0: Y}, {1: Y}]) == {1: Y}
    assert head([X, X], [{0: Y}, {0: Y}]) == {0: Y}


def test_values_along_the_scores_make_their_maximum() -> None:
    atoms = Atoms(3)
    found = chosen([X, Y], [{0: combined(((2, X),)), 1: {(): 5}}, {0: combined(((2, Y),)), 1: {(): 5}}], atoms, "head")
    assert found == {0: combined(((2, atoms.maximum([X, Y])),)), 1: {(): 5}}
    half = chosen([X, Y], [{0: combined(((Fraction(1, 2), X),))}, {0: combined(((Fraction(1, 2), Y),))}], atoms, "head")
    assert half == {0: combined(((Fraction(1, 2), atoms.maximum([X, Y])),))}
    negative = chosen([X, Y], [{0: combined(((-1, X),))}, {0: combined(((-1, Y),))}], atoms, "head")
    assert negative == {0: combined(((-1, atoms.maximum([X, Y])),))}


@pytest.mark.parametrize(
    ("scores", "values"),
    (
        ([X, X], [{0: X}, {0: Y}]),  # a tie
        ([X, Y], [{0: Y}, {0: X}]),  # the value of the loser, shifted
        ([X, Y], [{0: product(X, X)}, {0: product(X, Y)}]),  # a slope of unknown sign
        ([X, Y, X], [{0: X}, {0: Y}, {0: {(): 1}}]),
        ([combined(((1, X), (1, {(): -1}))), Y], [{0: X}, {}]),
    ),
)
def test_heads_that_no_rule_tells_are_rejected(scores: list[Polynomial], values: list[State]) -> None:
    swapped = scores == [X, Y] and values[0] == {0: Y}
    if swapped:  # v = x + y - s after all: its slope is -1
        assert head(scores, values) == {0: difference(combined(((1, X), (1, Y))), Atoms(3).maximum([X, Y]))}
        return
    with pytest.raises(Rejected, match="rational slope"):
        head(scores, values)


# --- certificates -----------------------------------------------------------------------------------

MAXOUT: dict[str, Any] = {
    "format": "exactformer/network-1",
    "kind": "maxout",
    "name": "",
    "layers": [{"weights": [[["w"], ["-w"]]], "biases": [["b", 0]]}],
    "output": {"weights": [[1]], "biases": [0]},
}
TRANSFORMER: dict[str, Any] = {  # two tokens, scores and values w x + b and -w x
    "format": "exactformer/network-1",
    "kind": "transformer",
    "embedding": {"weights": [[[0], ["w"], [0]], [[0], ["-w"], [0]]], "offsets": [[1, "b", 0], [1, 0, 0]]},
    "blocks": [
        {
            "heads": [
                {
                    "query": {"shape": [1, 3], "entries": [[0, 0, 1]]},
                    "key": {"shape": [1, 3], "entries": [[0, 1, 1]]},
                    "value": [[0, 1, 0]],
                    "output": {"shape": [3, 1], "entries": [[2, 0, 1]]},
                }
            ],
            "feedforward": {
                "w1": [[0, 0, 1], [0, 0, -1]],
                "b1": [0, 0],
                "w2": [[0, 0], [0, 0], [1, -1]],  # relu(z) - relu(-z) = z: doubles it
                "b2": [0, 0, 0],
            },
        }
    ],
    "residual": True,
    "mask": None,
    "readout": {"token": 0, "weights": [[0, 0, "1/2"]], "biases": [0]},
}
EQUAL: dict[str, Any] = {
    "format": "exactformer/shape-1",
    "inputs": ["x"],
    "unknowns": ["w", "b"],
    "maxima": [],
    "hypotheses": [],
    "example": [],
    "relation": "equal",
    "steps": [],
}
AT_MOST: dict[str, Any] = EQUAL | {  # max(w x + b, -w x) <= 2 b, where 0 <= b and -b <= w x <= b
    "maxima": [["top", ["w*x + b", "-w*x"]]],
    "hypotheses": ["b - w*x", "b + w*x", "b"],
    "example": [1, 2, "5/2"],
    "relation": "at most",
    "steps": [["sum", [[1, [1]], [1, [2]]]], ["below", "top", [0, 3]], ["above", "top", 1], ["sum", [["1/2", [0, 1]]]]],
}
BOUND: dict[str, Any] = MAXOUT | {"layers": [], "output": {"weights": [[0]], "biases": ["2*b"]}}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "equal": (EQUAL, MAXOUT, TRANSFORMER),
    "at most": (AT_MOST, MAXOUT, BOUND),
}


def judged(certificate: dict[str, Any], left: Any, right: Any) -> dict[str, Any]:
    files = {"left.json": json.dumps(left).encode(), "right.json": json.dumps(right).encode()}
    sides = {
        name.removesuffix(".json"): {"file": name, "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    }
    found: dict[str, Any] = check(json.dumps({**certificate, **sides}).encode(), files.__getitem__)
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_holds_is_accepted(name: str) -> None:
    found = judged(*CASES[name])
    assert found["claim"] == "all unknowns" and found["parameters"]["shape"] is None
    relation, under = ("=", "") if name == "equal" else ("<=", " with the 3 hypotheses")
    assert found["theorem"].startswith(
        f"for all real numbers w, b, every x in R^1{under}: left(x) {relation} right(x) (real"
    )


def test_a_coefficient_may_be_zero() -> None:
    steps = [["sum", [[0, [0]], [1, [1]], [1, [2]]]], *AT_MOST["steps"][1:]]
    assert judged(AT_MOST | {"steps": steps}, MAXOUT, BOUND)["holds"]


def test_an_example_may_need_the_value_of_a_maximum() -> None:
    names = {"maxima": [["top", ["w", "b"]], ["more", ["top", "3"]]], "hypotheses": ["more - 3", "b - top"]}
    assert judged(EQUAL | names | {"example": [0, 1, "5/2"]}, MAXOUT, MAXOUT)["counts"]["hypotheses"] == 2
    with pytest.raises(Rejected, match="hypothesis 1 does not"):
        judged(EQUAL | names | {"example": [0, 3, "5/2"]}, MAXOUT, MAXOUT)


def test_numbers_alone_need_no_input() -> None:
    number = MAXOUT | {"layers": [], "output": {"weights": {"shape": [1, 0], "entries": []}, "biases": ["w*w"]}}
    found = judged(EQUAL | {"inputs": []}, number, number)
    assert found["theorem"].startswith("for all real numbers w, b: left(x) = right(x) (real")


def test_a_causal_transformer_without_residuals() -> None:
    right = deepcopy(TRANSFORMER)
    right |= {"mask": "causal", "residual": False, "readout": TRANSFORMER["readout"] | {"token": 1}}
    right["blocks"][0]["feedforward"]["w2"][2] = [2, -2]
    assert judged(EQUAL, MAXOUT, right)["holds"]
    right["readout"]["token"] = 0  # sees the first token alone
    with pytest.raises(Rejected, match="output 0"):
        judged(EQUAL, MAXOUT, right)


def test_the_shape_is_named_where_all_entries_are_different_unknowns() -> None:
    left = deepcopy(MAXOUT)
    left["layers"][0] = {"weights": [[["w1"], ["w2"]]], "biases": [["b1", "b2"]]}
    left["output"] = {"weights": [["c"], ["e"]], "biases": ["d", "f"]}
    names = ["w1", "w2", "b1", "b2", "c", "d", "e", "f", "g"]
    found = judged(EQUAL | {"unknowns": names}, left, left)
    assert found["claim"] == "all weights" and found["parameters"]["shape"] == "1-1-2 and rank 2"
    assert found["theorem"].startswith(
        "for all weights of shape 1-1-2 and rank 2, all real numbers g, every x in R^1: "
    )
    for other in (0, 1, "x", "w1", "2*c", "c^2", "c + g", "top", "more"):
        changed = deepcopy(left)
        changed["output"]["weights"][0] = [other]
        named = EQUAL | {"unknowns": names, "maxima": [["top", ["g", "0"]], ["more", ["g^2", "0"]]]}
        assert judged(named, changed, changed)["claim"] == "all unknowns"
    both = judged(EQUAL, TRANSFORMER, TRANSFORMER)
    assert both["claim"] == "all unknowns"
    affine = MAXOUT | {"layers": [], "output": {"weights": [["w"]], "biases": ["b"]}}
    assert judged(EQUAL, affine, affine)["claim"] == "all unknowns"


Change = Callable[[dict[str, Any]], object]


def put(value: object, *path: Any) -> Change:
    def change(case: dict[str, Any]) -> None:
        for at in path[:-1]:
            case = case[at]
        case[path[-1]] = value

    return change


def drop(*path: Any) -> Change:
    def change(case: dict[str, Any]) -> None:
        for at in path[:-1]:
            case = case[at]
        del case[path[-1]]

    return change


C, L, R = 0, 1, 2  # certificate, left, right
BLOCK = (R, "blocks", 0)
DAMAGED: dict[str, tuple[str, Change, str]] = {
    "another format": ("equal", put("exactformer/shape-2", C, "format"), "format"),
    "an older format": ("equal", put("exactformer/shape-0", C, "format"), "format"),
    "two outputs on the left": ("at most", put({"weights": [[1], [1]], "biases": [0, 0]}, L, "output"), "two networks"),
    "no inputs declared": ("equal", lambda case: case[C].update(inputs=[], unknowns=["x", "w", "b"]), "two networks"),
    "an example below a maximum": (
        "at most",
        put(["b - w*x", "b + w*x", "b", "w*x - top"], C, "hypotheses"),
        "3 does not",
    ),
    "a sum with more": ("at most", put(["sum", [[1, [1]], [1, [2]]], 0], C, "steps", 0), "a sum, or a maximum"),
    "a maximum with more": ("at most", put(["above", "top", 1, 0], C, "steps", 2), "a sum, or a maximum"),
    "a maximum with less": ("at most", put(["above", "top"], C, "steps", 2), "a sum, or a maximum"),
    "a maximum beside a candidate": ("at most", put(["aside", "top", 1], C, "steps", 2), "a sum, or a maximum"),
    "a bound beyond": ("at most", put(["zero", "top", [0, 3]], C, "steps", 1), "a sum, or a maximum"),
    "at most is not equal": ("at most", put("equal", C, "relation"), "output 0"),
    "a name that is a list": ("at most", put(["above", ["top"], 1], C, "steps", 2), "a sum, or a maximum"),
    "another step of two parts": ("at most", put("zero", C, "steps", 0, 0), "a sum, or a maximum"),
    "a key too many": ("equal", put(1, C, "more"), "more"),
    "a key too few": ("equal", drop(C, "steps"), "steps"),
    "another relation": ("equal", put("below", C, "relation"), "relation"),
    "a relation that is no text": ("equal", put(["equal"], C, "relation"), "relation"),
    "a name twice": ("equal", put(["w", "b", "w"], C, "unknowns"), "declared once"),
    "an input as an unknown": ("equal", put(["w", "b", "x"], C, "unknowns"), "declared once"),
    "a name that is none": ("equal", put(["w", "b", "1w"], C, "unknowns"), "declared once"),
    "a name that is no text": ("equal", put(["w", "b", 1], C, "unknowns"), "declared once"),
    "a maximum of nothing": ("at most", put([], C, "maxima", 0, 1), "at least one candidate"),
    "a maximum that uses itself": ("at most", put(["top", "0"], C, "maxima", 0, 1), "names that the certificate"),
    "an unknown name": ("equal", put(["w"], C, "unknowns"), "names that the certificate declares"),
    "two inputs declared": ("equal", put(["x", "y"], C, "inputs"), "two networks"),
    "two outputs": ("at most", put({"weights": [[0], [0]], "biases": [0, 0]}, R, "output"), "two networks"),
    "an example that contradicts": ("at most", put([1, 2, 1], C, "example"), "hypothesis 0 does not"),
    "an example of another length": ("at most", put([1, 2], C, "example"), "3 entries"),
    "an example without hypotheses": ("equal", put([1, 2, 1], C, "example"), "0 entries"),
    "contradiction": ("at most", put(["b - w*x", "b + w*x", "b", "-1"], C, "hypotheses"), "hypothesis 3"),
    "a step that is missing": ("at most", put([], C, "steps"), "output 0"),
    "a weaker hypothesis": ("at most", put("b - 2*w*x + 7", C, "hypotheses", 0), "one and the same B"),
    "a step about a later fact": ("at most", put([[1, [4]]], C, "steps", 0, 1), "steps"),
    "a step about itself": ("at most", put([[1, [3]]], C, "steps", 0, 1), "steps"),
    "a negative coefficient": ("at most", put([[-1, [0]]], C, "steps", 0, 1), "coefficients >= 0"),
    "a step of an unknown kind": ("at most", put("product", C, "steps", 0, 0), "a sum, or a maximum"),
    "a step without arguments": ("at most", put(["sum"], C, "steps", 0), "a sum, or a maximum"),
    "a maximum without a name": ("at most", put(["above", "b", 0], C, "steps", 0), "a sum, or a maximum"),
    "a maximum whose name is no text": ("at most", put(["above", 1, 0], C, "steps", 0), "a sum, or a maximum"),
    "a candidate that is not there": ("at most", put(2, C, "steps", 2, 2), "integer >= 0 and < 2"),
    "bounds that differ": ("at most", put([0, 1], C, "steps", 1, 2), "one and the same B"),
    "a bound too few": ("at most", put([0], C, "steps", 1, 2), "2 entries"),
    "no object": ("equal", put([], L), "kind"),
    "another kind": ("equal", put("relu", L, "kind"), "maxout or transformer"),
    "another network format": ("equal", put("exactformer/network-2", L, "format"), "network-1"),
    "an older network format": ("equal", put("exactformer/network-0", L, "format"), "network-1"),
    "a domain": ("equal", put({}, L, "domain"), "domain"),
    "no units": ("equal", put([], L, "layers", 0, "weights"), "entries"),
    "a unit without pieces": ("equal", put([[]], L, "layers", 0, "weights"), "at least one unit"),
    "no units and no biases": ("equal", put({"weights": [], "biases": []}, L, "layers", 0), "at least one unit"),
    "another width": ("equal", put([["w", 1]], L, "output", "weights"), "1 columns"),
    "no rows": ("equal", put([], L, "output", "weights"), "at least one row"),
    "a bias too many": ("equal", put([0, 0], L, "output", "biases"), "1 entries"),
    "a product of weights": ("equal", put([["w*b"]], L, "output", "weights"), "output 0"),
    "no tokens": ("equal", put({"weights": [], "offsets": []}, R, "embedding"), "token"),
    "a token that is not there": ("equal", put(2, R, "readout", "token"), "integer >= 0 and < 2"),
    "tokens of different widths": ("equal", put([[0], [0]], R, "embedding", "weights", 1), "3 rows"),
    "another mask": ("equal", put("full", R, "mask"), "mask"),
    "residual 1": ("equal", put(1, R, "residual"), "residual"),
    "no residual": ("equal", put(False, R, "residual"), "output 0"),
    "keys of another width": ("equal", put([[0, 1]], *BLOCK, "heads", 0, "key"), "3 columns"),
    "a query of another height": ("equal", put([[1, 0, 0]] * 2, *BLOCK, "heads", 0, "query"), "1 rows"),
    "an entry twice": ("equal", put([[2, 0, 1], [2, 0, 1]], *BLOCK, "heads", 0, "output", "entries"), "once"),
    "an entry outside": ("equal", put([[3, 0, 1]], *BLOCK, "heads", 0, "output", "entries"), "row"),
    "no hidden neurons": ("equal", put({"shape": [0, 3], "entries": []}, *BLOCK, "feedforward", "w1"), "0 entries"),
    "w2 of another width": ("equal", put([[1], [1], [1]], *BLOCK, "feedforward", "w2"), "2 columns"),
    "a key with a flipped sign": ("equal", put([[0, -1, 0]], *BLOCK, "heads", 0, "key"), "output 0"),
    "a value with a flipped sign": ("equal", put([[0, -1, 0]], *BLOCK, "heads", 0, "value"), "output 0"),
    "a value from elsewhere": ("equal", put([[0, "b*1/1", 0]], *BLOCK, "heads", 0, "value"), "rational slope"),
    "a read-out weight": ("equal", put([[0, 0, "w"]], R, "readout", "weights"), "output 0"),
    "no attention": ("equal", put(None, *BLOCK, "heads"), "output 0"),
    "no feed-forward part": ("equal", put(None, *BLOCK, "feedforward"), "output 0"),
    "a larger left side": ("at most", put([["1"], ["1"]], L, "output", "weights"), "entries"),
    "a bound that is too small": ("at most", put(["b"], R, "output", "biases"), "output 0"),
    "too long a number": ("equal", put("1" * 4001, L, "output", "biases", 0), "number"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged_is_rejected(name: str) -> None:
    base, change, message = DAMAGED[name]
    case = deepcopy(list(CASES[base]))
    change(case)  # type: ignore[arg-type]
    with pytest.raises(Rejected, match=message):
        judged(case[C], case[L], case[R])


def test_a_network_of_another_digest_is_rejected() -> None:
    side = {"file": "left.json", "sha256": "0" * 64}
    with pytest.raises(Rejected, match="digest"):
        check(json.dumps(EQUAL | {"left": side, "right": side}).encode(), lambda name: json.dumps(MAXOUT).encode())


def test_what_is_no_certificate_is_rejected() -> None:
    for data in (b"[]", b"{", b"\xff", b"1" * 5000):
        with pytest.raises(Rejected):
            check(data, lambda name: b"")


@settings(deadline=None, max_examples=200)
@given(st.randoms(use_true_random=False), st.sampled_from(sorted(CASES)))
def test_randomly_damaged_texts_are_rejected_or_true(random: Random, name: str) -> None:
    """What is accepted holds at random points, by evaluating both sides as exact networks."""
    case = deepcopy(list(CASES[name]))
    places: list[tuple[Any, Any]] = []
    stack: list[Any] = [case]
    while stack:
        part = stack.pop()
        for at in part if isinstance(part, dict) else range(len(part)):
            (stack if isinstance(part[at], (dict, list)) else places).append(
                part[at] if isinstance(part[at], (dict, list)) else (part, at)
            )
    part, at = random.choice(places)
    part[at] = random.choice([0, 1, -1, 2, "w", "b", "x", "-w", "w*x", "top", "b + 1", "1/2", True, None, [], {}])
    try:
        judged(case[C], case[L], case[R])
    except Rejected:
        return
    assert case == list(CASES[name]) or true_at_points(case, random)


def true_at_points(case: list[Any], random: Random) -> bool:
    """Whether the relation holds at every point tried at which the hypotheses do."""
    for _ in range(30):
        numbers = {name: Fraction(random.randint(-6, 6), 2) for name in ("x", "w", "b")}
        sides = [evaluated(network, numbers) for network in case[1:]]
        under = all(number(text, numbers) >= 0 for text in case[C]["hypotheses"])
        holds = sides[0] == sides[1] if case[C]["relation"] == "equal" else sides[0] <= sides[1]
        if under and not holds:
            return False
    return True


def number(text: object, numbers: dict[str, Fraction]) -> Fraction:
    return value(parsed(text, {name: {(): x} if x else {} for name, x in numbers.items()}, ""), [])


def evaluated(network: dict[str, Any], numbers: dict[str, Fraction]) -> Fraction:
    """The output of one of the networks above at these numbers, by the package's own networks."""
    from exactformer.formats.network_json import from_object

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            kept = {key: x for key, x in part.items() if key != "name"}
            return {key: x if key in ("format", "kind", "mask") else plain(x) for key, x in kept.items()}
        if isinstance(part, list):
            return list(map(plain, part))
        return str(number(part, numbers)) if isinstance(part, str) else part

    return from_object(plain(network), "network").evaluate([numbers["x"]])[0]  # type: ignore[union-attr]


# --- the program ------------------------------------------------------------------------------------


def run(path: Path) -> tuple[int, dict[str, Any]]:
    words = [sys.executable, "-I", "-S", str(CHECKER), str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("folder", sorted(PROOFS.iterdir()), ids=lambda path: path.name)
def test_the_program_accepts_what_is_committed_without_any_package(folder: Path) -> None:
    code, answer = run(folder / "certificate.json")
    assert code == 0 and answer == {"accepted": True, **check_file(folder / "certificate.json")}


def test_the_program_says_why_it_rejects(tmp_path: Path) -> None:
    (tmp_path / "certificate.json").write_text("{}")
    code, answer = run(tmp_path / "certificate.json")
    assert code == 4 and not answer["accepted"] and "format" in answer["reason"]


@pytest.mark.parametrize("good", (True, False))
def test_the_program_in_this_process(
    good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = PROOFS / "gate-pieces" / "certificate.json" if good else tmp_path / "no.json"
    from exactformer.shapes.__main__ import main

    monkeypatch.setitem(sys.modules, "exactformer", exactformer)  # put back afterwards
    assert main([str(path)]) == (0 if good else 4)
    assert json.loads(capsys.readouterr().out)["accepted"] == good
    monkeypatch.setattr(sys, "argv", ["shapes", str(path)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(CHECKER / "__main__.py"), run_name="__main__")
    assert ended.value.code == (0 if good else 4)


def test_the_program_under_another_name_runs_nothing() -> None:
    assert runpy.run_path(str(CHECKER / "__main__.py"), run_name="shapes")["__name__"] == "shapes"


def test_the_program_uses_the_standard_library_and_the_strict_reader_alone() -> None:
    found = set()
    for path in CHECKER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add("." * node.level + (node.module or ""))
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
            assert not (isinstance(node, ast.Name) and node.id in ("float", "eval", "exec", "open", "__import__"))
    own = {name for name in found if name.startswith("exactformer")}
    assert own == {
        *("exactformer.kernel.reading", "exactformer.shapes.certificates", "exactformer.shapes.networks"),
        "exactformer.shapes.polynomials",
    }
    assert {name.split(".")[0] for name in found - own} <= sys.stdlib_module_names


def test_products_do_not_depend_on_the_order() -> None:
    assert product(X, Y) == product(Y, X) == parsed("y.1*x", VARIABLES, "here")
    assert key(product(X, Y), Fraction(2)) == key(product(Y, X), Fraction(2)) != key(product(Y, X), Fraction(1))


def test_powers_are_limited() -> None:
    assert len(parsed(f"x^{polynomials.MAX_POWER}", VARIABLES, "here")) == 1
