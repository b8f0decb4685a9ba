"""Heads that select under softmax: what tokens far below another one add, against exact weights and many digits."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import pytest
from kernel_material import (
    HARD,
    SLACK,
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
    random_walk,
    record_blends,
    soft_maximum,
    softmax,
    transformer,
)

from exactformer.kernel.atoms import LEADERS, Atoms
from exactformer.kernel.bounds import Bounds
from exactformer.kernel.claims import Goal, follow
from exactformer.kernel.forms import ZERO, Form, combine, constant_form, difference, scaled
from exactformer.kernel.softmax import Rate, gap, largest_gap, odds, share

F = Fraction
X, Y = Form({1: 1}), Form({2: 1})
E1, TWO = Soft((F(1),)), Soft((F(1),), "2")
SMALL = F(1, 1 << 62)


def affine(constant: Any, *coefficients: Any) -> Form:
    parts = [(1, constant_form(F(constant)))]
    parts += [(1, scaled(Form({i: 1}), F(c))) for i, c in enumerate(coefficients, 1)]
    return combine(parts)


def exact_weights(scores: list[Fraction], rate: Fraction) -> list[Fraction]:
    """The weights to the base 2 of scores whose multiples by the rate are integers."""
    powers = [F(2) ** int(rate * (s - max(scores))) for s in scores]
    return [p / sum(powers) for p in powers]


def selected(atoms: Atoms, forms: list[Form], scores: list[Form], rate: Rate) -> tuple[Form, Form, dict[int, Fraction]]:
    """What is kept, in a blend; the whole by it; and what leaks, by how much."""
    margins = atoms.leaking(scores, rate)
    kept = [t for t in range(len(scores)) if t not in margins]
    inner = atoms.blend([forms[t] for t in kept], [scores[t] for t in kept], rate)
    return inner, atoms.leak(inner, forms, scores, margins, rate), margins


# --- the variable that a leak is --------------------------------------------------------------------


@pytest.mark.parametrize("relaxed", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_a_leak_is_what_the_bounds_say_at_exact_points(seed: int, relaxed: bool) -> None:
    """With integer scores all weights to the base 2 are rational, so nothing is rounded but what the kernel rounds."""
    r = Random(f"leak {seed} {relaxed}")
    count, rate = r.randint(2, 5), F(r.choice((1, 1, 2, 3, 7)))
    atoms = Atoms([F(-2)] * 2, [F(2)] * 2, relaxed)
    scores = [affine(r.choice((0, 0, -1, -4, -9, 5)), r.choice((0, 0, 1, -1)), r.choice((0, 1))) for _ in range(count)]
    forms = [affine(r.randint(-3, 3), r.randint(-2, 2), F(r.randint(-2, 2), 2)) for _ in range(count)]
    if r.random() < 0.3:
        scores[-1], forms[-1] = scores[0], forms[0]
    inner, whole, margins = selected(atoms, forms, scores, Rate(rate, "2"))
    ends = atoms.bounds(difference(whole, inner))
    for a in range(-2, 3):
        for b in range(-2, 3):
            at = [F(1), F(a), F(b)]
            s, v = [form.at(at) for form in scores], [form.at(at) for form in forms]
            kept = [t for t in range(count) if t not in margins]
            assert max(s[t] for t in kept) == max(s)
            for t, margin in margins.items():
                assert margin * rate >= 1 and max(s) - s[t] >= margin
            of_all, of_kept = exact_weights(s, rate), exact_weights([s[t] for t in kept], rate)
            mean = sum(p * y for p, y in zip(of_all, v, strict=True))
            part = sum(p * v[t] for p, t in zip(of_kept, kept, strict=True))
            assert ends[0] is not None and ends[1] is not None and ends[0] <= mean - part <= ends[1]
            whole_ends = atoms.bounds(whole)
            assert whole_ends[0] is not None and whole_ends[1] is not None and whole_ends[0] <= mean <= whole_ends[1]


@pytest.mark.parametrize("base", ["e", "2"])
def test_a_leak_is_what_the_bounds_say_of_many_digits(base: str) -> None:
    r = Random(f"leak digits {base}")
    for _ in range(60):
        count, rate = r.randint(2, 5), F(r.choice((1, 3, "7/3", 64, "1/5")))
        atoms = Atoms([F(-1)], [F(1)])
        scores = [affine(r.choice((0, -2, -7, F(1, 3))), r.choice((0, 1, F(-1, 2)))) for _ in range(count)]
        forms = [affine(r.randint(-3, 3), r.randint(-2, 2)) for _ in range(count)]
        _, whole, _ = selected(atoms, forms, scores, Rate(rate, base))
        low, high = atoms.bounds(whole)
        for x in (F(-1), F(1), F(0), F(r.randint(-99, 99), 100)):
            weights = softmax([form.at([F(1), x]) for form in scores], rate, base)
            mean = sum(p * form.at([F(1), x]) for p, form in zip(weights, forms, strict=True))
            assert low is not None and high is not None and low - SLACK <= mean <= high + SLACK


def test_who_leaks() -> None:
    """Whose score is far enough below another's everywhere: not a tie, not almost, not one above, not at a point only.

    Far enough is 2 / rate for two or three scores, 3 / rate for four.
    """
    atoms, rate = Atoms([F(-1)], [F(1)]), Rate(F(2), "e")
    for scores, leaking in (
        ([ZERO, affine(-1)], {1: F(1)}),
        ([ZERO, affine("-999/1000")], {}),
        ([ZERO, ZERO], {}),
        ([ZERO, affine(1)], {0: F(1)}),
        ([X, affine(-1, 1)], {1: F(1)}),
        ([X, affine(-3, "1/2")], {1: F(5, 2)}),
        ([X, affine(-1)], {}),  # at x = -1 they tie
        ([X, affine("-3/2")], {}),
        ([X, affine(-2)], {1: F(1)}),
        ([ZERO, affine(-1), affine(-2)], {1: F(1), 2: F(2)}),
        ([affine(-2), affine(-1), ZERO], {0: F(2), 1: F(1)}),
        ([ZERO, affine(-1), affine("-3/2"), affine(-2)], {2: F(3, 2), 3: F(2)}),
        ([ZERO], {}),
    ):
        assert atoms.leaking(scores, rate) == leaking
        assert atoms.leaking([combine(((1, form), (7, X))) for form in scores], rate) == leaking


def test_scores_without_bounds_do_not_leak() -> None:
    """Where no difference is bounded nobody is known to be below; one that is bounded is enough."""
    atoms, rate = Atoms([None] * 2, [None] * 2), Rate(F(1000), "e")
    assert atoms.leaking([X, Y], rate) == {}
    assert atoms.leaking([X, Y, affine(-1, 1)], rate) == {2: F(1)}


def test_where_bounds_contradict_one_another_the_first_is_kept() -> None:
    """There is no point then; what is said does not matter, but something must be."""
    atoms = Atoms([F(1)], [F(-1)])
    scores = [scaled(X, F(3)), ZERO]  # the bounds of 3 x are 3 and -3
    assert atoms.leaking(scores, Rate(F(1), "e")) == {1: F(3)}
    assert atoms.leaking([X, scaled(X, F(-4))], Rate(F(1), "e")) == {1: F(5)}


def test_only_leaders_are_asked_of_many() -> None:
    """What comes after 32 of largest lower bounds is no rival, but for the largest at corners of small boxes."""
    atoms, rate = Atoms([F(-1)] * 3, [F(1)] * 3), Rate(F(1), "e")
    steep = [affine(0, 1000), affine(-9, 1000)]
    for many, leaking in ((LEADERS - 1, {LEADERS: F(9)}), (LEADERS, {})):
        assert atoms.leaking([*[ZERO] * many, *steep], rate) == leaking
    atoms = Atoms([F(-1)], [F(1)])
    assert atoms.leaking([*[ZERO] * LEADERS, *steep], rate) == {LEADERS + 1: F(9)}


def test_leaders_of_a_small_box_are_largest_at_its_corners() -> None:
    """Of the tangents of a parabola at 0, 1, ..., 100 those whose tangent points lie in an interval are left."""
    tangents = [affine(-i * i, 2 * i) for i in range(101)]
    many = dict(enumerate(tangents))
    assert Atoms([F(0)], [F(100)]).leaders(many) == [0, 100, 1]
    atoms = Atoms([F(30)], [F(32)])
    assert atoms.leaders(many) == [30, 32, 29] and atoms.alive(tangents) == [30, 31, 32]
    assert Atoms([F(30)], [None]).leaders(many)[:5] == [30, 29, 31, 28, 32]
    assert len(Atoms([F(30)], [None]).leaders(many)) == LEADERS
    atom = atoms.maximum([affine(30, -1), affine(-32, 1)])
    assert atoms.leaders({**many, 50: atom}) == [30, 32, 29]
    assert atoms.leaders({i: combine(((1, form), (1, atom))) for i, form in many.items()})[:4] == [30, 29, 31, 28]
    square = Atoms([F(30)] * 2, [F(32), F(40)])
    assert square.leaders(many) == [30, 32, 29, 31, 28]
    assert square.leaders({**many, 101: affine(-35000, 0, 1000)}) == [30, 101, 32, 29, 31, 28]
    assert Atoms([F(30)] * 3, [F(32)] * 3).leaders(many)[:4] == [30, 29, 31, 28]
    assert len(Atoms([F(30)] * 3, [F(32)] * 3).leaders(many)) == LEADERS


def test_equal_tokens_share_what_leaks() -> None:
    """k tokens 3 below one, to the base 2 at the rate 2: together they weigh (k/64) / (1 + k/64), not k times 1/65."""
    rate = Rate(F(2), "2")
    for k in (1, 2, 5, 40):
        atoms = Atoms([F(-1)], [F(1)])
        scores = [X, *[affine(-3, 1)] * k]
        forms = [ZERO, *[constant_form(1)] * k]
        _, whole, margins = selected(atoms, forms, scores, rate)
        assert len(margins) == k
        weight = F(k, 64) / (1 + F(k, 64))
        assert atoms.bounds(whole) == (weight, weight)


def test_the_odds_of_all_that_leaks_bound_their_weight() -> None:
    """Where bounds of the scores by one of them say nothing, the sum of the odds against the rest does."""
    atoms, rate = Atoms([F(-9)] * 2, [F(9)] * 2), Rate(F(1), "2")
    scores = [Y, X, *[affine(-4, 1)] * 6]
    forms = [ZERO, ZERO, *[constant_form(1)] * 6]
    _, whole, margins = selected(atoms, forms, scores, rate)
    assert set(margins) == set(range(2, 8))
    low, high = atoms.bounds(whole)
    assert low is not None and 0 <= low < F(1, 10**4)
    assert high is not None and 0 <= high - F(6, 16) / (1 + F(6, 16)) < SMALL


def test_what_leaks_to_equal_values_is_nothing() -> None:
    atoms = Atoms([F(-1)], [F(1)])
    found = atoms.leak(X, [X, X], [ZERO, affine(-5)], {1: F(5)}, Rate(F(1), "e"))
    assert found is X and len(atoms.low) == 2
    other = atoms.maximum([X, ZERO])
    minus = atoms.maximum([scaled(X, F(-1)), ZERO])  # an alias: the first less x
    found = atoms.leak(difference(other, X), [ZERO, minus], [ZERO, affine(-5)], {1: F(5)}, Rate(F(1), "e"))
    assert found.equals(difference(other, X))


def test_a_leak_is_made_once() -> None:
    """One variable for the same weights and values; others for another rate, base, set or value."""
    atoms, scores = Atoms([F(-1)], [F(1)]), [X, affine(-3, 1), affine(-5, 1)]
    values = [ZERO, constant_form(1), X]
    margins = atoms.leaking(scores, Rate(F(1), "e"))
    first = atoms.leak(ZERO, values, scores, margins, Rate(F(1), "e"))
    raised = [affine(7, 1), affine(4, 1), affine(2, 1)]
    assert atoms.leak(ZERO, values, raised, margins, Rate(F(1), "e")).equals(first)
    assert not atoms.leak(X, values, scores, margins, Rate(F(1), "e")).equals(first)
    for rate in (Rate(F(2), "e"), Rate(F(1), "2")):
        assert not atoms.leak(ZERO, values, scores, margins, rate).equals(first)
    assert not atoms.leak(ZERO, values, scores, {1: margins[1]}, Rate(F(1), "e")).equals(first)
    assert not atoms.leak(ZERO, [ZERO, X, X], scores, margins, Rate(F(1), "e")).equals(first)
    halves = [scaled(score, F(1, 2)) for score in scores]
    assert atoms.leak(ZERO, values, halves, atoms.leaking(halves, Rate(F(2), "e")), Rate(F(2), "e")).equals(first)


def test_a_huge_margin_costs_nothing() -> None:
    """Beyond 100 no more is said than 2^-100; the bounds have few digits whatever the margin is."""
    for base, at in (("e", F(10**9)), ("2", F(10**9)), ("e", F(7, 10**9)), ("2", F(7, 10**9))):
        atoms = Atoms([F(-1)], [F(1)])
        rate, far = Rate(at, base), affine(F(-(10**300)), 1)
        found = atoms.leak(ZERO, [ZERO, X], [X, far], atoms.leaking([X, far], rate), rate)
        low, high = atoms.bounds(found)
        assert low is not None and high is not None and -F(2, 1 << 100) <= low < 0 < high <= F(2, 1 << 100)
        assert max(low.denominator, high.denominator) <= 1 << 100


def test_values_without_bounds_leak_without_bounds() -> None:
    atoms, rate = Atoms([None, F(-1)], [F(1), F(1)]), Rate(F(64), "e")
    scores = [Y, affine(-9, 0, 1)]
    found = atoms.leak(ZERO, [ZERO, X], scores, atoms.leaking(scores, rate), rate)
    low, high = atoms.bounds(found)
    assert low is None and high is not None and high <= F(1, 1 << 99)


def test_odds_and_shares() -> None:
    assert odds(Rate(F(1), "2"), F(3)) == F(1, 8) and share(F(1, 8)) == F(1, 9) and share(F(0)) == 0
    power = softmax([F(0), F(-2)], F(3, 2))[1]
    assert -SLACK <= share(odds(Rate(F(3, 2), "e"), F(2))) - power < SMALL**2


# --- the gap, where some numbers are known to be behind -----------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_gaps_with_numbers_behind(seed: int) -> None:
    r = Random(f"behind {seed}")
    rate = Rate(F(r.choice((1, 2, "1/3", 20))), r.choice("e2"))
    count = r.randint(1, 5)
    ends: list[Bounds] = [(F(0), F(0))]
    for _ in range(count):
        high = F(r.choice((-20, -5, -1, 0, 1, 4)))
        ends.append((r.choice((None, high, high - 1, high - 30)), high))
    least, most = gap(rate, ends)
    for _ in range(40):
        numbers = []
        for low, high in ends:
            assert high is not None
            numbers.append(high - (F(r.randint(0, 60)) if low is None else (high - low) * F(r.randint(0, 8), 8)))
        loss = max(numbers) - soft_maximum(numbers, *rate)
        assert least - SLACK <= loss <= most + SLACK


def test_what_is_behind_counts_by_its_own_loss() -> None:
    """max(x, 0) beside many numbers far below: the gap of two, and little more."""
    rate, free = Rate(F(1), "e"), (F(-3), F(3))
    for many in (1, 5, 30):
        found = gap(rate, [(F(0), F(0)), free, *[(F(-80), F(-70))] * many])[1]
        assert largest_gap(rate, 2) <= found < largest_gap(rate, 2) + SMALL  # 30 times 70 e^-70 is less
    near = gap(rate, [(F(0), F(0)), free, (F(-2), F(-1))])[1]
    assert 0 <= near - largest_gap(rate, 3) < SMALL  # less than the gap of two and that of one more


# --- lists of different lengths -----------------------------------------------------------------------


def test_lists_of_different_lengths_are_paired_by_what_is_near() -> None:
    """A list that begins with others is near all the same; of equal lengths positions count."""
    atoms = Atoms([F(-1)] * 2, [F(1)] * 2, relaxed=True)
    met = atoms.met([X, Y], atoms.maximum([X, Y]), None)
    later = [affine(-8), affine(-9), affine("1/8", 0, 1), affine("-1/4", 1)]
    _, atom = atoms.near(later, None, met)
    assert atom is not None and atoms.bounds(Form({atom: 1})) == (F(-1, 4), F(1, 8))
    atoms = Atoms([F(-1)] * 2, [F(1)] * 2, relaxed=True)
    met = atoms.met([X, Y], atoms.maximum([X, Y]), None)
    _, atom = atoms.near([affine("1/8", 0, 1), affine("-1/4", 1)], None, met)
    assert atom is not None and atoms.bounds(Form({atom: 1})) != (F(-1, 4), F(1, 8))


def test_partners_are_of_the_forms_that_may_be_largest() -> None:
    """Not of others: what is largest comes last here, in both lists."""
    atoms = Atoms([F(-1)] * 2, [F(1)] * 2, relaxed=True)
    met = atoms.met([affine(-7), Y, X], atoms.maximum([X, Y]), None)
    _, atom = atoms.near([affine(-8), affine(-9), affine("1/8", 0, 1), affine("1/4", 1)], None, met)
    assert atom is not None and atoms.bounds(Form({atom: 1})) == (F(1, 8), F(1, 4))


def test_partners_are_leaders() -> None:
    """Of more than 32 forms in three variables those with the largest lower bounds, here all but the first."""
    atoms = Atoms([F(-1)] * 3, [F(1)] * 3, relaxed=True)
    many = [affine(-90), *[affine(-9 - i) for i in range(LEADERS - 1)], Y]
    met = atoms.met(many, Y, None)
    value, atom = atoms.near([affine("1/8", 0, 1)], None, met)
    assert atom is None and value.equals(affine("1/8", 0, 1))
    assert [form.equals(affine("1/8")) for form in atoms._rises([affine("1/8", 0, 1)], many)] == [True]


def test_partners_of_what_has_no_bounds() -> None:
    """The first one; the difference then has an affine bound all the same."""
    atoms, z = Atoms([None] * 3, [None] * 3, relaxed=True), Form({3: 1})
    met = atoms.met([X, Y], atoms.maximum([X, Y]), None)
    _, atom = atoms.near([z, affine(-1, 0, 0, 1), affine(-2, 0, 0, 1)], Rate(F(1), "e"), met)
    assert atom is not None and difference(atoms.ceiling[atom], affine(0, -1, 0, 1)).constant() is not None


def test_partners_without_bounds() -> None:
    """Where nothing is bounded the first leader is the partner, and no bound comes of it."""
    atoms = Atoms([None] * 2, [None] * 2, relaxed=True)
    met = atoms.met([X, Y], atoms.maximum([X, Y]), None)
    _, atom = atoms.near([scaled(X, F(2)), scaled(Y, F(3)), affine(0, 1, 1)], None, met)
    assert atom is not None and atoms.bounds(Form({atom: 1})) == (None, None)


# --- heads ------------------------------------------------------------------------------------------


def least_epsilon(left: Any, right: Any, domain: Any, soft: Any, tree: Any = ()) -> Fraction:
    """What the bounds of the kernel show of the distance of two networks."""
    goal: Goal = goal_of(left, right, domain, claim="within", soft=soft, epsilon=str(10**9))
    for step in tree:
        goal = made(follow(goal, step, "step"))[0]
    lows = [goal.cell.atoms.bounds(form)[0] for form in goal.opened().obligations()]
    return 10**9 - min(low for low in lows if low is not None)


def within(left: Any, right: Any, epsilon: Any, domain: Any, soft: Any) -> bool:
    value = certificate(left, right, domain, claim="within", soft=soft, parameters={"epsilon": str(epsilon)})
    pairs = len(goal_of(left, right, domain, claim="within", soft=soft, epsilon=str(epsilon)).opened().obligations())
    return accepted(value | {"inhabitant": [0] * len(domain["lower"]), "tree": [["holds", *[[]] * pairs]]}, left, right)


def selecting(delta: Any, token: int = 0, mask: str | None = None) -> Any:
    """A head that reads x where the score is 0, and y at the token whose score is delta below."""
    return attention([[[0, 0, 0], [1, 0, 0]], [[0, 0, f"{-F(delta)}"], [0, 1, 0]]], token=token, mask=mask)


PASSED = maxout([], ([[1, 0]], [0]))  # x


@pytest.mark.parametrize("delta", ["0", "1/2", "-1", "1", "2", "8", "64", "1000"])
@pytest.mark.parametrize("rule", [E1, TWO, Soft((F(1, 1000),)), Soft((F(1000),)), Soft((F(10) ** 30,), "2")])
def test_a_head_that_selects_is_its_token_but_for_the_leak(delta: str, rule: Soft) -> None:
    """|out - x| is the other weight times |y - x|, at most twice that weight: no less is shown, and little more."""
    head, soft = selecting(delta), (rule, None)
    true = 2 * softmax([F(0), -F(delta)], *rule.rates, rule.base)[1]
    found = least_epsilon(head, PASSED, box(2), soft)
    assert true - SLACK <= found
    if F(delta) * rule.rates[0] >= 2:  # it leaks
        assert found <= true + SMALL * true + F(1, 1 << 98)
    else:
        assert found <= 4
    assert within(head, PASSED, found, box(2), soft)
    assert not within(head, PASSED, found - SMALL * found, box(2), soft)
    value = certificate(head, PASSED, box(2), soft=soft) | {"inhabitant": [0, 0]}
    assert not accepted(value | {"tree": [["holds"]]}, head, PASSED)  # it is never equal


def test_hidden_tokens_are_no_rivals() -> None:
    """The second token has the largest score by far, but the first does not see it, and is one token alone."""
    hidden = attention([[[0, 0, 0], [1, 0, 0]], [[0, 0, 90], [0, 1, 0]]], mask="causal")
    assert within(hidden, PASSED, 0, box(2), (E1, None))
    seen = attention([[[0, 0, 0], [1, 0, 0]], [[0, 0, 90], [0, 1, 0]]])
    assert not within(seen, PASSED, F(19, 10), box(2), (E1, None))
    tokens = [[[0, 0, 0], [1, 0, 0]], [[0, 0, "-1/2"], [0, 1, 0]], [[0, 0, 90], [0, 0, 5]]]
    two = attention(tokens, token=1, mask="causal")  # to the base 2 weights of 1 and 2^-1/2 in proportion
    weight = softmax([F(0), F(-1, 2)], F(1), "2")[1]
    assert least_epsilon(two, PASSED, box(2), (TWO, None)) >= 2 * weight - SLACK


def test_layers_have_rates_of_their_own() -> None:
    """The same head twice: at 64 nothing is left of the other token, at 1/64 almost half."""
    head = ([[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]], [[0], [0], [1]])
    tokens = [([[0], [0], [1]], [1, 0, 0]), ([[0], [0], [0]], [1, -1, 1])]
    net = transformer(tokens, [([head], None), ([head], None)], (0, [[0, 0, 1]], [0]), residual=True)
    four = maxout([], ([[4]], [0]))
    for rates in ((F(64), F(64)), (F(64), F(1, 64)), (F(1, 64), F(64)), (F(1, 64), F(1, 64))):
        soft = (Soft(rates), None)
        found = least_epsilon(net, four, box(1), soft)
        asked = Asked(net, four, box(1), claim="within", soft=soft, epsilon=str(found))
        assert all(asked.true_at((F(x, 8),)) for x in range(-8, 9))
        assert (found < F(1, 1 << 80)) == (min(rates) == 64)


def test_a_head_on_all_of_the_plane() -> None:
    """Weights by position alone do not help where values have no bounds; where they have, all is as on a box."""
    head = selecting(8)
    free = box(2, None, None)
    assert not within(head, PASSED, 10**6, free, (E1, None))
    tokens = [[[1, 0], [0, 3]], [[1, -8], [0, 4]], [[1, -9], [0, 4]]]  # scores x, x - 8 and x - 9, values 3, 4 and 4
    bounded = attention(tokens)
    three = maxout([], ([[0]], [3]))
    weight = round(sum(softmax([F(0), F(-8), F(-9)], F(1))[1:]), 40)
    assert within(bounded, three, weight + SMALL, box(1, None, None), (E1, None))
    assert not within(bounded, three, weight - SMALL, box(1, None, None), (E1, None))


def test_what_is_kept_may_be_a_unit() -> None:
    """Scores x, 0 and -9, values x, 0 and 5: B(x, 0) and a leak, so that the same maxout unit is near."""
    head = attention([[[1, 0], [1, 0]], [[0, 0], [0, 0]], [[0, -9], [0, 5]]])
    relu = maxout([([[1]], [0])], ([[1]], [0]), "relu")
    found = least_epsilon(head, relu, box(1), (E1, E1))
    asked = Asked(head, relu, box(1), claim="within", soft=(E1, E1), epsilon=str(found))
    assert found < 6 * softmax([F(0), F(-8)], F(1))[1] and all(asked.true_at((F(x, 8),)) for x in range(-8, 9))
    goal = goal_of(head, relu, box(1), claim="within", soft=(E1, E1), epsilon=1)
    assert goal.cell.places == {"L0.h0.q0": 2, "R0.u0": 2}
    assert not accepted(
        certificate(head, relu, box(1), soft=(E1, E1)) | {"inhabitant": [0], "tree": [["holds"]]}, head, relu
    )


def test_what_is_kept_may_be_a_mean() -> None:
    """Scores 0, 0 and -9, values x, y and 5: the mean of x and y, and a leak."""
    head = attention([[[0, 0, 0], [1, 0, 0]], [[0, 0, 0], [0, 1, 0]], [[0, 0, -9], [0, 0, 5]]])
    half = maxout([], ([["1/2", "1/2"]], [0]))
    assert least_epsilon(head, half, box(2), (E1, None)) < 6 * softmax([F(0), F(0), F(-9)], F(1))[2] + SMALL


def test_values_that_are_almost_scores_are_a_unit_and_a_small_blend() -> None:
    """The second head reads what the first leaves, a leak of the size e^-30, as scores but not as values."""
    rows: list[Any] = [([[0], [0], [0], [1], [0]], [1, 0, 0, 0, 0]), ([[0], [0], [0], [-1], [0]], [1, -1, 0, 0, 1])]
    first = ([[30, 0, 0, 0, 0]], [[0, 1, 0, 0, 0]], [[0, 0, 0, 0, 1]], [[0], [0], [1], [0], [0]])
    second = ([[1, 0, 0, 0, 0]], [[0, 0, 1, 1, 0]], [[0, 0, 0, 1, 0]], [[0], [0], [0], [0], [1]])
    net = transformer(rows, [([first], None), ([second], None)], (0, [[0, 0, 0, 0, 1]], [0]))
    absolute = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
    found = least_epsilon(net, absolute, box(1), (E1, None), [["anew", [["L1.h0.q0", "R0.u0"]]]])
    plain = least_epsilon(absolute, absolute, box(1), (E1, None))
    assert found < plain + F(1, 10**6)


def selecting_network(r: Random, n: int) -> Any:
    """Heads that prefer some tokens by their one-hot positions, others by what the inputs say."""
    tokens, extra = r.randint(2, 4), 2

    def row(places: tuple[int, ...], others: tuple[int, ...]) -> list[int]:
        return [r.choice(places) for _ in range(tokens)] + [r.choice(others) for _ in range(extra)]

    def head() -> Any:
        key = row((0, 0, 1, 3, 6, 40), (0, 0, 1, -1))
        value = key if r.random() < 0.2 else row((0, 0, 1, -2), (0, 1, -1))
        output = [[0]] * tokens + [[r.choice((-1, 0, 1, 2))] for _ in range(extra)]
        return [row((1, 1, 1, 0, 2), (0,))], [key], [value], output

    rows = []
    for t in range(tokens):
        weights = [[0] * n] * tokens + [[r.choice((-1, 0, 1)) for _ in range(n)] for _ in range(extra)]
        rows.append((weights, [int(i == t) for i in range(tokens)] + [r.choice((0, 0, 1, -1)) for _ in range(extra)]))
    if r.random() < 0.3:
        rows[-1] = rows[0]
    blocks = [([head() for _ in range(r.randint(1, 2))], None) for _ in range(r.randint(1, 2))]
    return transformer(
        rows, blocks, (r.randrange(tokens), [row((0, 1), (0, 1, -1))], [0]), mask=r.choice((None, "causal"))
    )


@pytest.mark.parametrize("seed", range(70))
def test_heads_that_select_say_nothing_false(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every cell of a random walk all bounds and values are true, up to some hundred digits."""
    record_blends(monkeypatch)
    r = Random(f"selecting {seed}")
    n = r.randint(1, 2)
    left = selecting_network(r, n)
    right = left if r.random() < 0.4 else perturbed(r, left)
    rates = [Soft((F(r.choice((1, 2, "1/3", 64, 1000))),), r.choice("e2")) for _ in range(2)]
    soft = r.choice(((None, rates[0]), (rates[0], rates[0]), (rates[0], rates[1]), (rates[0], None)))
    domain = r.choice((box(n), box(n, -2, 2), box(n, None, None), box(n, 0, None)))
    asked = Asked(left, right, domain, r.choice(("average", "leftmost")), "within", soft, epsilon=r.choice((0, 1, "7")))
    assert random_walk(r, asked, asked.points(r, 5), r.randint(1, 4), near=0.7) == []


def selecting_proof(r: Random) -> tuple[Asked, list[dict[str, Any]]]:
    """What a network with such heads is at most, by its bounds: a certificate of it, and one of a little less."""
    n = r.randint(1, 2)
    left = selecting_network(r, n)
    soft = Soft((F(r.choice((1, 2, 8, 64))),), r.choice("e2")), None
    anew: list[Any] = r.choice(([], [["anew", []]]))
    asked = Asked(left, None, box(n), claim="range", soft=soft, lower=[None], upper=[str(10**9)])
    goal = asked.goal()
    for step in anew:
        goal = follow(goal, step, "step")[0]()
    low = goal.cell.atoms.bounds(goal.opened().obligations()[0])[0]
    assert low is not None
    found = []
    for top in (10**9 - low, 10**9 - low - F(1, 1 << 95)):
        asked.parameters = {"lower": [None], "upper": [str(top)]}
        left_over = [[] for _ in asked.goal().opened().obligations()]
        found.append(asked.certificate(inhabitant=[0] * n, tree=[*anew, ["holds", *left_over]]))
    asked.parameters = {"lower": [None], "upper": [str(10**9 - low)]}
    return asked, found


@pytest.mark.parametrize("seed", range(25))
def test_what_bounds_show_of_heads_that_select_is_true(seed: int) -> None:
    """The least epsilon that the bounds show is true at all points, and the kernel accepts no smaller one by them."""
    r = Random(f"selecting proof {seed}")
    asked, (good, bad) = selecting_proof(r)
    assert accepted(good, asked.left) and not accepted(bad, asked.left)
    assert all(asked.true_at(point) for point in asked.points(r, 12))


def test_hard_heads_do_not_leak() -> None:
    head = selecting(1)
    assert within(head, PASSED, 0, box(2), HARD)
