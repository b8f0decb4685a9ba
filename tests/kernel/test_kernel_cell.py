"""The rules that split a cell and those that close it, on cells made by hand."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import pytest
from kernel_material import Truth, grid, made

from exactformer.kernel.atoms import Atoms
from exactformer.kernel.cell import Cell, sign_key
from exactformer.kernel.forms import ZERO, Form, combine, constant_form, difference, negated, reduced
from exactformer.kernel.reading import Rejected

X, Y, ONE = Form({1: 1}), Form({2: 1}), Form({0: 1})


def form(x: int = 0, y: int = 0, one: int = 0, den: int = 1) -> Form:
    return reduced({1: x, 2: y, 0: one}, den)


def cell_of(*rows: tuple[Form, bool], lower: int | None = -1, upper: int | None = 1, **places: list[Form]) -> Cell:
    """A cell of the plane with the given rows; each place holds the maximum of its forms."""
    ends = [[None if end is None else Fraction(end)] * 2 for end in (lower, upper)]
    atoms = Atoms(*ends)
    found = {}
    for place, forms in places.items():
        (found[place],) = atoms.maximum(forms).terms
    return Cell(atoms, rows, found)


def same(left: Form | None, right: Form) -> bool:
    return left is not None and left.key() == right.key()


def keys(rows: Any) -> list[Any]:
    return [(row.key(), strict) for row, strict in rows]


# --- gate -----------------------------------------------------------------------------------------


def test_gate() -> None:
    cell = cell_of((ONE, False), a=[X, Y, ZERO])
    children = made(cell.gate("a"))
    assert [keys(child.rows[1:]) for child in children] == [
        keys([(form(1, -1), False), (X, False)]),
        keys([(form(-1, 1), False), (Y, False)]),
        keys([(form(-1), False), (form(0, -1), False)]),
    ]
    assert all(child.rows[0] is cell.rows[0] for child in children)
    atom = Form({cell.places["a"]: 1})
    for child, winner in zip(children, (X, Y, ZERO), strict=True):
        assert same(child.resolve(combine(((2, atom), (1, ONE)))), combine(((2, winner), (1, ONE))))
    assert same(cell.resolve(atom), atom)  # the parent knows nothing of it


def test_gate_needs_a_place() -> None:
    for place in ("", "b", "a "):
        with pytest.raises(Rejected, match=r"^gate: expected a place"):
            made(cell_of(a=[X, Y]).gate(place))


def test_a_split_decides_the_whole_class() -> None:
    cell = cell_of(a=[X, ZERO], b=[form(-2, 0, 1), ONE])  # relu(x) and 1 + 2 relu(-x)
    positive, negative = made(cell.gate("a"))
    b = Form({cell.places["b"]: 1})
    assert same(positive.resolve(b), ONE) and same(negative.resolve(b), form(-2, 0, 1))
    first, second = made(cell.gate("b"))  # the other way round
    a = Form({cell.places["a"]: 1})
    assert same(first.resolve(a), ZERO) and same(second.resolve(a), X)


def test_a_split_below_changes_the_candidates_above() -> None:
    cell = cell_of(a=[X, ZERO])
    (top,) = cell.atoms.maximum([Form({3: 1}), Y]).terms
    cell.places["b"] = top
    positive, negative = made(cell.gate("a"))
    assert [f.key() for f in positive.candidates("b")] == [X.key(), Y.key()]
    assert [f.key() for f in negative.candidates("b")] == [ZERO.key(), Y.key()]
    assert [f.key() for f in cell.candidates("b")] == [Form({3: 1}).key(), Y.key()]
    assert not same(positive.value(top), cell.value(top))


def test_gates_out_of_order() -> None:
    cell = cell_of(a=[X, ZERO])
    (top,) = cell.atoms.maximum([Form({3: 1}), Y]).terms
    cell.places["b"] = top
    upper = made(cell.gate("b"))[0]  # here relu(x) >= y, so b is the atom a
    assert same(upper.resolve(Form({top: 1})), Form({3: 1}))
    assert [made(upper.gate("a"))[j].resolve(Form({top: 1})).key() for j in (0, 1)] == [X.key(), ZERO.key()]


def test_gate_with_one_candidate_left() -> None:
    cell = cell_of(a=[X, ZERO])
    (top,) = cell.atoms.maximum([Form({3: 1}), form(2, 0, 0, 2), Y]).terms  # x itself and relu(x)
    cell.places["b"] = top
    positive = made(cell.gate("a"))[0]
    assert len(positive.candidates("b")) == 2
    on_x = made(positive.gate("b"))[0]
    assert [len(on_x.candidates(place)) for place in "ab"] == [2, 2]
    (only,) = made(made(made(cell.gate("a"))[0].gate("b"))[0].gate("a"))[:1]
    assert same(only.resolve(Form({top: 1})), X)


def test_a_gate_whose_candidates_are_one_form_has_one_child() -> None:
    cell = cell_of(a=[X, ZERO])
    relu = Form({3: 1})
    (top,) = cell.atoms.maximum([combine(((2, relu), (-1, X))), X]).terms  # |x| and x: one form where x >= 0
    cell.places["b"] = top
    positive, negative = made(cell.gate("a"))
    assert same(positive.value(top), X) and not same(negative.value(top), X)
    (child,) = made(positive.gate("b"))
    assert child.rows == positive.rows and same(child.resolve(Form({top: 1})), X)
    assert len(made(negative.gate("b"))) == 2


def test_children_do_not_share_what_they_found_out() -> None:
    cell = cell_of(a=[X, ZERO], b=[form(0, 2), ZERO])
    first, second = made(cell.gate("a"))
    assert same(first.value(3), X) and same(second.value(3), ZERO) and same(cell.value(3), Form({3: 1}))
    assert 3 in first.final and 3 not in cell.final


# --- compare --------------------------------------------------------------------------------------


def test_compare() -> None:
    cell = cell_of((Y, False))
    above, level, below = made(cell.compare(form(2, 0, -1)))
    gap = form(2, 0, -1)
    assert keys(above.rows) == keys([(Y, False), (gap, True)])
    assert keys(level.rows) == keys([(Y, False), (gap, False), (negated(gap), False)])
    assert keys(below.rows) == keys([(Y, False), (negated(gap), True)])
    for multiple, flip in ((1, 1), (6, 1), (-1, -1), (-4, -1)):
        other = combine(((multiple, gap),), 3)
        assert [child.sign(other) for child in (above, level, below)] == [flip, 0, -flip]
        assert cell.sign(other) is None
    assert above.sign(form(4, 0, -1)) is None and above.sign(Y) is None


def test_compare_needs_a_form_that_is_not_constant() -> None:
    cell = cell_of(a=[X, ZERO])
    for constant in (ZERO, ONE, constant_form(Fraction(-1, 2))):
        with pytest.raises(Rejected, match="not constant on the cell"):
            made(cell.compare(constant))
    with pytest.raises(Rejected, match="not constant on the cell"):
        made(made(cell.gate("a"))[0].compare(difference(Form({3: 1}), X)))


def test_sign_by_bounds() -> None:
    cell = cell_of()
    assert [cell.sign(f) for f in (form(1, 0, 2), form(1, 0, -2), ZERO, ONE, negated(ONE))] == [1, -1, 0, 1, -1]
    assert [cell.sign(f) for f in (form(1, 0, 1), form(1, 0, -1), X)] == [None] * 3  # >= 0 and <= 0 are no signs
    assert cell_of(lower=None, upper=None).sign(form(1, 0, 2)) is None


def test_sign_sees_through_atoms() -> None:
    cell = cell_of(a=[X, ZERO], b=[negated(X), ZERO])
    a, b = Form({cell.places["a"]: 1}), Form({cell.places["b"]: 1})
    gap = difference(a, b)  # it is x
    assert cell.sign(difference(gap, X)) == 0
    assert [child.sign(gap) for child in made(cell.compare(X))] == [1, 0, -1]
    assert [child.sign(combine(((1, X), (1, ONE)))) for child in made(cell.compare(combine(((1, gap), (1, ONE)))))] == [
        1,
        0,
        -1,
    ]


def test_sign_key() -> None:
    assert sign_key(form(2, -4, 6)) == (form(-1, 2, -3).key(), -1)
    assert sign_key(form(-2, 4, -6, 7)) == (form(-1, 2, -3).key(), 1)


# --- empty ----------------------------------------------------------------------------------------

CONTRADICTION = ((form(1, 0, -1, 3), False), (form(-1), False), (X, True), (negated(X), False), (Y, False))


@pytest.mark.parametrize(
    ("multipliers", "expected"),
    [
        ([(0, 1), (1, 1)], True),  # (x - 1)/3 >= 0 and -x >= 0
        ([(0, 2), (1, 2)], True),
        ([(0, 5), (1, 5)], True),
        ([(0, 1), (0, 1), (1, 1), (1, 1)], True),  # a row may be used twice
        ([(0, 1), (1, 2)], False),
        ([(0, 2), (1, 1)], False),
        ([(0, 1)], False),
        ([], False),
        ([(2, 1), (3, 1)], True),  # x > 0 and -x >= 0: zero, and a strict row takes part
        ([(2, 1), (1, 1)], True),
        ([(3, 1), (2, 2)], False),
        ([(0, 1), (1, 1), (4, 1)], False),  # y is left over
        ([(2, 1)], False),
    ],
)
def test_empty(multipliers: Any, expected: bool) -> None:
    assert cell_of(*CONTRADICTION).empty(multipliers) is expected


def test_zero_is_no_contradiction_without_a_strict_row() -> None:
    cell = cell_of(
        (X, False), (negated(X), False), (X, True), (constant_form(-1), False), (ONE, True), (ZERO, False), (ZERO, True)
    )
    assert not cell.empty([(0, 1), (1, 1)]) and cell.empty([(2, 1), (1, 1)])
    assert cell.empty([(3, 1)]) and not cell.empty([(4, 1)]) and not cell.empty([(5, 1)]) and cell.empty([(6, 1)])
    assert cell.empty([(4, 1), (3, 1)]) and cell.empty([(3, 2), (5, 1)]) and not cell.empty([(4, 2), (3, 1)])
    assert cell.empty([(0, 1), (1, 1), (3, 1)])


def test_empty_by_facts() -> None:
    cell = cell_of((form(0, 0, 0), False), a=[X, ZERO])
    a = Form({3: 1})
    below = Cell(cell.atoms, ((negated(combine(((1, a), (1, ONE)))), False), (difference(X, a), True)), cell.places)
    assert below.empty([(0, 1), (("a", 1), 1)])  # -a - 1 >= 0 and a >= 0
    assert below.empty([(1, 1), (("a", 0), 1)])  # x - a > 0 and a >= x
    assert below.empty([(0, 1), (("a", "low"), 1)])
    assert not below.empty([(0, 1), (("a", "high"), 1)]) and not below.empty([(("a", 0), 1), (("a", 1), 1)])


def test_empty_on_a_cell_where_the_atom_is_known() -> None:
    cell = cell_of(a=[X, ZERO])
    positive = made(cell.gate("a"))[0]  # there a is x
    gap = Cell(
        positive.atoms, (*positive.rows, (difference(Form({3: 1}), form(1, 0, 1)), False)), cell.places, positive.known
    )
    gap = Cell(gap.atoms, gap.rows, gap.places, gap.known, touched=positive.touched)
    assert gap.empty([(1, 1)])  # a - x - 1 >= 0


# --- implied --------------------------------------------------------------------------------------


def test_implied() -> None:
    cell = cell_of((form(1, 0, -1), False), (form(0, 1, -1, 2), False), (X, True))
    goal = form(2, 3, -5)  # 2 (x - 1) + 6 (y - 1)/2, plus 0
    assert cell.implied(goal, 1, [(0, 2), (1, 3)])
    assert cell.implied(goal, 2, [(0, 4), (1, 6)]) and cell.implied(form(2, 3, -4), 1, [(0, 2), (1, 3)])
    for weight, multipliers in (
        (1, [(0, 2), (1, 6)]),
        (2, [(0, 2), (1, 3)]),
        (1, [(0, 3), (1, 3)]),
        (1, [(0, 2)]),
        (1, []),
    ):
        assert not cell.implied(goal, weight, multipliers)  # type: ignore[arg-type]
    assert not cell.implied(form(2, 3, -6), 1, [(0, 2), (1, 3)])
    assert not cell.implied(form(1, 0, -1), 1, [(2, 1)])  # x - 1 = x - 1
    assert cell.implied(ZERO, 1, []) and cell.implied(ONE, 1, []) and not cell.implied(negated(ONE), 1, [])
    assert cell.implied(form(1, 0, 1, 7), 3, [(2, 3)])


def test_implied_by_facts() -> None:
    cell = cell_of(a=[X, ZERO])
    a = Form({3: 1})
    assert cell.implied(difference(a, X), 1, [(("a", 0), 1)]) and cell.implied(a, 1, [(("a", 1), 1)])
    assert cell.implied(difference(ONE, a), 1, [(("a", "high"), 1)])
    assert not cell.implied(difference(X, a), 1, [(("a", 0), 1)])


# --- facts ----------------------------------------------------------------------------------------


def test_facts() -> None:
    cell = cell_of(a=[form(2, 0, 1), Y])
    a = Form({3: 1})
    facts = cell.facts("a")
    assert list(facts) == [0, 1, "low", "high"]
    assert same(facts[0], difference(a, form(2, 0, 1))) and same(facts[1], difference(a, Y))
    assert same(facts["low"], combine(((1, a), (1, ONE)))) and same(facts["high"], difference(constant_form(3), a))
    assert list(cell_of(lower=None, a=[X, Y]).facts("a")) == [0, 1, "high"]
    assert list(cell_of(upper=None, a=[X, Y]).facts("a")) == [0, 1, "low"]
    assert list(cell_of(lower=None, upper=None, a=[X, Y]).facts("a")) == [0, 1]


def test_facts_that_are_none() -> None:
    cell = cell_of(upper=None, a=[X, Y])
    for which in (2, -1, True, False, 0.0, "0", "high", "", None):
        with pytest.raises(Rejected, match=r"^fact: expected a number below 2, or one of"):
            cell.fact("a", which)  # type: ignore[arg-type]
    with pytest.raises(Rejected, match=r"^fact: expected a place"):
        cell.fact("b", 0)


# --- at random ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_no_rule_closes_a_cell_wrongly(seed: int) -> None:
    """Random rows and multipliers, small enough to hit: whatever is accepted is true at every point of a grid."""
    r = Random(seed)
    hits = 0
    for _ in range(60):
        cell = cell_of(lower=-2, upper=2, a=[X, ZERO], b=[X, Y])
        atoms = [X, Y, ONE, Form({3: 1}), Form({4: 1})]

        def random_form(parts: int, atoms: list[Form] = atoms) -> Form:
            return combine([(r.choice((-1, -1, 1, 1, 2)), r.choice(atoms)) for _ in range(parts)], r.choice((1, 1, 2)))

        rows = tuple((random_form(r.randint(1, 2)), r.random() < 0.4) for _ in range(4))
        cell = Cell(cell.atoms, rows, cell.places)
        if r.random() < 0.5:
            cell = r.choice(made(cell.gate(r.choice("ab"))))
        references: list[Any] = [*range(len(cell.rows)), *((p, w) for p in cell.places for w in cell.facts(p))]
        empty, implied = False, []
        for _ in range(40):
            multipliers = [(r.choice(references), r.choice((1, 1, 2))) for _ in range(r.randint(1, 3))]
            goal = random_form(r.randint(1, 3))
            empty = empty or cell.empty(multipliers)
            implied += [goal] if cell.implied(goal, r.choice((1, 2)), multipliers) else []
        hits += empty + len(implied)
        for truth in (Truth(cell.atoms, point) for point in grid(2, 2, 1) if empty or implied):
            if all(truth.of(f) > 0 or (truth.of(f) == 0 and not strict) for f, strict in cell.rows):
                assert not empty and all(truth.of(goal) >= 0 for goal in implied)
    assert hits > 20
