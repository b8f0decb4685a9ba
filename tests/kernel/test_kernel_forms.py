"""Forms and atoms: arithmetic, bounds, which maxima are one atom, and which are not."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import pytest
from kernel_material import Truth, unkeyed

from exactformer.kernel.atoms import Atoms
from exactformer.kernel.forms import (
    ZERO,
    Form,
    combine,
    constant_form,
    difference,
    leading_sign,
    negated,
    normal_form,
    ratio,
    reduced,
    scaled,
    substituted,
)

X, Y, ONE = Form({1: 1}), Form({2: 1}), Form({0: 1})
HALF = Fraction(1, 2)


def form(x: int = 0, y: int = 0, one: int = 0, den: int = 1) -> Form:
    return reduced({1: x, 2: y, 0: one}, den)


def same(left: Form, right: Form) -> bool:
    return left.key() == right.key()


def plane(lower: int | None = -1, upper: int | None = 1) -> Atoms:
    ends = [[None if end is None else Fraction(end)] * 2 for end in (lower, upper)]
    return Atoms(*ends)


# --- arithmetic -----------------------------------------------------------------------------------


def test_lowest_terms() -> None:
    assert (reduced({1: 2, 2: 0, 0: -4}, 6).terms, reduced({1: 2, 2: 0, 0: -4}, 6).den) == ({1: 1, 0: -2}, 3)
    assert same(reduced({1: 0}, 7), ZERO) and not same(form(1), form(1, den=2))
    assert same(combine(((1, form(1, den=2)), (1, form(1, den=2)))), X)
    assert same(combine(((3, X), (-2, Y)), 6), form(3, -2, 0, 6))
    assert same(combine(()), ZERO) and same(combine((), 5), ZERO) and same(combine(((2, X),)), form(2))
    assert same(combine(((1, X),), 2), form(1, den=2)) and combine(((1, X),)) is X
    assert same(difference(X, form(1, 0, 1)), constant_form(-1)) and same(difference(X, X), ZERO)
    assert same(negated(form(1, -2, 3, 5)), form(-1, 2, -3, 5))
    assert same(scaled(form(2, 0, 4), Fraction(-3, 2)), form(-3, 0, -6)) and same(scaled(X, Fraction(0)), ZERO)


def test_constants() -> None:
    assert ZERO.constant() == 0 and constant_form(0) is ZERO
    assert constant_form(Fraction(-3, 4)).constant() == Fraction(-3, 4)
    assert X.constant() is None and form(1, 0, 1).constant() is None


def test_ratio() -> None:
    assert ratio(form(2, 4, den=3), form(1, 2, den=5)) == Fraction(10, 3)
    assert ratio(form(-1, 1), form(1, -1)) == -1 and ratio(ZERO, X) == 0
    assert ratio(X, Y) is None and ratio(form(1, 1), X) is None and ratio(form(1, 2), form(2, 1)) is None


def test_leading_sign() -> None:
    assert [leading_sign(f) for f in (ZERO, ONE, negated(ONE), form(1, -1, 9), form(-5, 1), form(-5, 0, 2))] == [
        0,
        1,
        -1,
        -1,
        1,
        -1,
    ]


# --- normal forms ---------------------------------------------------------------------------------


def test_a_normal_form_rebuilds_its_set() -> None:
    r = Random(0)
    for _ in range(300):
        forms = [
            form(r.randint(-2, 2), r.randint(-2, 2), r.randint(-2, 2), r.randint(1, 3)) for _ in range(r.randint(1, 4))
        ]
        base, scale, parts, shape = normal_form(forms)
        rebuilt = {combine(((1, base), (1, scaled(unkeyed(part), scale)))).key() for part in shape}  # type: ignore[attr-defined]
        assert scale > 0 and rebuilt == {f.key() for f in forms} and base.key() in rebuilt
        again = [combine(((1, base), (1, scaled(part, scale)))).key() for part in parts]
        assert again == [f.key() for f in forms]


def test_normal_forms_meet_exactly_when_sets_agree_up_to_shift_and_positive_factor() -> None:
    forms = [X, Y, ZERO]
    shift, factor = form(3, -1, 2, 7), Fraction(5, 3)
    moved = [combine(((1, shift), (1, scaled(f, factor)))) for f in forms]
    assert normal_form(forms).shape == normal_form(moved[::-1]).shape
    assert normal_form(forms).shape != normal_form([negated(f) for f in forms]).shape  # a minimum is no maximum
    assert normal_form([X, ZERO]).shape == normal_form([negated(X), ZERO]).shape  # relu(-u) = relu(u) - u
    assert normal_form([X, Y, ZERO]).shape != normal_form([X, Y]).shape
    assert normal_form([form(1), form(2), ZERO]).shape != normal_form([form(1), form(3), ZERO]).shape
    assert normal_form([X]).shape == normal_form([Y]).shape == normal_form([ZERO]).shape == frozenset({ZERO.key()})


# --- bounds and domination ------------------------------------------------------------------------


def test_bounds() -> None:
    atoms = Atoms([Fraction(-1), None], [Fraction(2), Fraction(3)])
    assert atoms.bounds(form(2, 0, 1, 3)) == (Fraction(-1, 3), Fraction(5, 3))
    assert atoms.bounds(form(-2, 0, 1)) == (-3, 3)
    assert atoms.bounds(Y) == (None, 3) and atoms.bounds(negated(Y)) == (-3, None)
    assert atoms.bounds(ZERO) == (0, 0) and atoms.bounds(constant_form(HALF)) == (HALF, HALF)


def test_dominated_and_repeated_candidates_leave() -> None:
    atoms = plane()
    assert same(atoms.maximum([X]), X)
    assert same(atoms.maximum([X, X, form(1)]), X)
    assert same(atoms.maximum([X, constant_form(-1)]), X)  # equal at a corner only
    assert same(atoms.maximum([constant_form(1), X, Y]), ONE)
    assert same(atoms.maximum([constant_form(-2), constant_form(-3)]), constant_form(-2))
    assert atoms.candidates == {}
    top = atoms.maximum([X, form(1, 0, -1), Y, form(0, 1, -5)])
    assert [f.key() for f in atoms.candidates[3]] == [X.key(), Y.key()] and same(top, Form({3: 1}))


def test_an_atom_lies_between_the_bounds_of_its_candidates() -> None:
    atoms = Atoms([Fraction(-1), None], [Fraction(2), Fraction(3)])
    atoms.maximum([X, Y])
    assert (atoms.low[3], atoms.high[3]) == (-1, 3)
    atoms.maximum([Y, form(0, -1)])
    assert (atoms.low[4], atoms.high[4]) == (-3, None)
    atoms.maximum([Y, form(0, 2)])
    assert (atoms.low[5], atoms.high[5]) == (None, 6)


def test_mutual_domination_keeps_one() -> None:
    atoms = Atoms([Fraction(0)], [Fraction(0)])  # x is zero on the whole domain
    assert same(atoms.maximum([X, ZERO]), ZERO) and same(atoms.maximum([ZERO, X]), X)


# --- one function, one atom -----------------------------------------------------------------------


def test_the_same_set_is_the_same_atom() -> None:
    atoms = plane()
    assert same(atoms.maximum([X, Y]), atoms.maximum([Y, X, X]))
    assert len(atoms.candidates) == 1


def test_aliases() -> None:
    atoms = plane()
    relu = atoms.maximum([X, ZERO])
    other = atoms.maximum([negated(X), ZERO])
    assert not same(relu, other) and same(atoms.expanded(other), difference(relu, X))
    moved = atoms.maximum([form(2, 1, den=3), form(0, 1, den=3)])
    assert same(atoms.expanded(moved), combine(((2, relu), (1, Y)), 3))
    assert same(atoms.expanded(combine(((1, other), (1, moved), (5, X)))), combine(((5, relu), (12, X), (1, Y)), 3))
    assert atoms.expanded(X) is X
    low, high = atoms.bounds(atoms.maximum([form(-2, 0, 1), ONE]))  # its own bounds, not those of 2 relu(x) - 2x + 1
    assert (low, high) == (1, 3)


def test_maxima_that_are_not_aliases() -> None:
    atoms = plane()
    for forms in (
        [X, Y, ZERO],
        [negated(X), negated(Y), ZERO],
        [X, Y],
        [X, ZERO],
        [form(1, 1), ZERO],
        [form(1), form(0, 0, 1, 2)],
    ):
        atoms.maximum(forms)
    assert len(atoms.candidates) == 6 and atoms.alias == {}


def test_tidy_replaces_an_alias_that_cancels() -> None:
    atoms = plane()
    relu, other = atoms.maximum([X, ZERO]), atoms.maximum([negated(X), ZERO])
    assert same(atoms.tidy(difference(relu, other)), X)
    total = combine(((1, relu), (1, other)))
    assert atoms.tidy(total) is total and atoms.tidy(other) is other and atoms.tidy(Y) is Y
    assert same(atoms.tidy(combine(((2, relu), (-2, other), (3, Y)), 5)), form(2, 3, 0, 5))


def test_tidy_with_an_alias_that_is_free_of_atoms() -> None:
    atoms = plane()
    relu = atoms.maximum([X, ZERO])
    nothing = atoms.maximum([negated(relu), difference(X, relu)])  # max(x, 0) - relu(x)
    assert same(atoms.expanded(nothing), ZERO) and same(atoms.tidy(nothing), ZERO)


def test_substitution_is_simultaneous() -> None:
    assert same(substituted(form(1, 2, 3), {1: Y, 2: X}), form(2, 1, 3))
    assert same(substituted(form(1, 2, 3, 7), {1: form(0, 1, den=2)}), form(0, 5, 6, 14))
    assert same(substituted(X, {}), X)


def test_support() -> None:
    atoms = plane()
    first = atoms.maximum([X, ZERO])
    atoms.maximum([first, Y])
    atoms.maximum([negated(X), ZERO])
    assert atoms.support == {3: 1 << 3, 4: 1 << 3 | 1 << 4, 5: 1 << 3 | 1 << 5}
    assert atoms.class_bit(normal_form([form(7), ZERO]).shape) == 1 << 3
    assert atoms.class_bit(normal_form([form(7), Y]).shape) == 0


@pytest.mark.parametrize("seed", range(60))
def test_random_atoms_are_the_maxima_they_stand_for(seed: int) -> None:
    """Maxima of random forms over inputs and earlier atoms, on random boxes: values, bounds, aliases, tidied forms."""
    r = Random(seed)
    ends = [
        (
            None if r.random() < 0.2 else Fraction(-r.randint(0, 2)),
            None if r.random() < 0.2 else Fraction(r.randint(0, 2)),
        )
        for _ in "xy"
    ]
    atoms = Atoms([low for low, _ in ends], [high for _, high in ends])
    values, made = [X, Y, ONE], []
    for _ in range(12):
        forms = [
            combine([(r.randint(-2, 2), r.choice(values)) for _ in range(r.randint(1, 3))], r.randint(1, 2))
            for _ in range(r.randint(1, 3))
        ]
        if made and r.random() < 0.5:  # the same set shifted by a form and scaled
            factor, shift = Fraction(r.choice((-1, 1, 2, 3)), r.choice((1, 2))), r.choice(values)
            forms = [combine(((1, scaled(f, factor)), (1, shift))) for f in r.choice(made)[0]]
        made.append((forms, atoms.maximum(forms)))
        values.append(made[-1][1])
    axis = [Fraction(i, 2) for i in range(-4, 5)]
    grids = [[x for x in axis if (low is None or low <= x) and (high is None or x <= high)] for low, high in ends]
    for point in product(*grids):
        truth = Truth(atoms, point)
        for forms, top in made:
            assert (
                truth.of(top) == max(map(truth.of, forms)) == truth.of(atoms.expanded(top)) == truth.of(atoms.tidy(top))
            )
            low, high = atoms.bounds(top)
            assert (low is None or low <= truth.of(top)) and (high is None or truth.of(top) <= high)
        total = combine([(r.randint(-2, 2), top) for _, top in made])
        assert truth.of(total) == truth.of(atoms.tidy(total)) == truth.of(atoms.expanded(total))
