"""Softmax in the kernel: enclosures against many digits, false statements that must not pass, claims about it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from kernel_material import (
    DIGITS,
    SLACK,
    Soft,
    accepted,
    attention,
    box,
    certificate,
    goal_of,
    judged,
    maxout,
    naive_value,
    soft_maximum,
    softmax,
)

from exactformer.kernel.atoms import Atoms
from exactformer.kernel.bounds import Bounds, both, largest, mixture, plus, reflected, rounded, smallest
from exactformer.kernel.forms import ZERO, Form, combine, constant_form, difference, negated
from exactformer.kernel.reading import Rejected
from exactformer.kernel.softmax import Rate, decay, exponential, gamma, gap, largest_gap, logarithm, offset, weights

F = Fraction
E1, TWO = Soft((F(1),)), Soft((F(1),), "2")
ABOVE = {"lower": [0], "upper": [None]}
RELU = maxout([([[1]], [0])], ([[1]], [0]), "relu")
TWICE = maxout([([[2]], [0])], ([["1/2"]], [0]), "relu")  # relu(2 x) / 2
PADDED = maxout([([[[1], [0], [0]]], [[0, 0, 0]])], ([[1]], [0]))  # max(x, 0, 0)
TURNED = maxout([([[[0], [1]]], [[0, 0]])], ([[1]], [0]))  # max(0, x)
LINE = maxout([], ([[1]], [0]))
SHIFTED = maxout([([[[1], [0]]], [[1, 0]])], ([[1]], [0]))  # max(x + 1, 0)
SMALL = F(1, 1 << 150)
RATES = (F(1), F(1, 64), F(64), F(3, 7), F(10**6), F(1, 10**6))


def exact(value: Decimal) -> Fraction:
    return Fraction(value)


def proof(left: Any, right: Any, domain: Any, tree: Any, claim: str = "equal", **rest: Any) -> dict[str, Any]:
    return certificate(left, right, domain, claim=claim, inhabitant=[0], tree=tree, **rest)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", [False, True])
def test_rounding_is_to_the_side_that_is_asked_for(up: bool) -> None:
    for number in (F(1, 3), F(-1, 3), F(5, 8), F(-5, 8), F(0), F(7)):
        found = rounded(number, up, 3)
        assert (found * 8).denominator == 1 and abs(found - number) < F(1, 8)
        assert found >= number if up else found <= number


def test_intervals() -> None:
    one, other, half = (F(0), F(2)), (F(1), F(5)), (None, F(1))
    assert both(one, other) == (1, 2) and both(one, half) == (0, 1) and both(half, half) == half
    assert reflected(one) == (-2, 0) and reflected(half) == (-1, None)
    assert plus(one, other) == (1, 7) and plus(one, half) == (None, 3) and plus(reflected(half), half) == (None, None)
    assert largest([one, other]) == (1, 5) and largest([one, half]) == (0, 2) and largest([half, half]) == half
    assert largest([one, reflected(half)]) == (0, None)
    assert smallest([one, other]) == (0, 2) and smallest([one, half]) == (None, 1)


@pytest.mark.parametrize("t", [F(0), F(1), F(1, 3), F(1, 10**40), F(999, 1000)])
def test_exponentials(t: Fraction) -> None:
    low, high = exponential(t)
    value = exact(DIGITS.exp(DIGITS.divide(Decimal(t.numerator), Decimal(t.denominator))))
    assert low - SLACK <= value <= high + SLACK and high - low < SMALL
    assert (low, high) == (1, 1) if t == 0 else low < high


def test_logarithms() -> None:
    assert logarithm("e") == (1, 1)
    low, high = logarithm("2")
    assert low < exact(DIGITS.ln(Decimal(2))) < high and high - low < SMALL


@pytest.mark.parametrize("base", ["e", "2"])
@pytest.mark.parametrize("t", [F(1, 3), F(1), F(5, 2), F(7), F(99), F(100), F(201, 2), F(1, 10**30), F(10**9)])
def test_decays(t: Fraction, base: str) -> None:
    low, high = decay(t, base)
    first, second = softmax([F(0), -t], F(1), base)
    assert low - SLACK <= second / first <= high + SLACK
    if t > 100:
        assert low == 0 and high == decay(F(100), base)[1]
    elif base == "2" and t.denominator == 1:
        assert low == high == F(1, 1 << t.numerator)
    else:
        assert 0 < low < high and high - low < SMALL and high - low < high / (1 << 140)


def test_decays_of_nothing() -> None:
    assert decay(F(0), "e") == decay(F(0), "2") == decay(F(-3), "e") == decay(F(-3), "2") == (1, 1)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 8, 100])
def test_the_largest_gap_is_that_of_theory(k: int) -> None:
    """It is attained: one number is the largest, and the others lie (1 + gamma) / rate below it."""
    w = gamma(k)
    assert (w == 0) == (k == 1)
    for rate in (Rate(F(1), "e"), Rate(F(3), "2"), Rate(F(1, 5), "e")):
        most = largest_gap(rate, k)
        log = logarithm(rate.base)[0]
        numbers = [F(0), *[-(1 + w) / (rate.value * log)] * (k - 1)]
        found = -soft_maximum(numbers, *rate)
        assert found <= most and most - found <= F(1, 1 << 39) / (rate.value * log)


def test_the_constant_of_two_numbers_is_the_next_multiple_above() -> None:
    """Where a loss still grows is asked of gamma less one unit, which must lie below the true value."""
    below = gamma(2) - F(1, 1 << 40)
    power = exact(DIGITS.exp(DIGITS.divide(Decimal((1 + below).numerator), Decimal((1 + below).denominator))))
    assert below * power < 1


# --- weights, gaps, means of bounded numbers ------------------------------------------------------


def around(r: Random, number: Fraction, loose: bool) -> Bounds:
    """Bounds of a number; now and then there is none."""
    low, high = (number - r.choice((0, 0, F(1, 5), 3)), number + r.choice((0, 0, F(1, 5), 3)))
    return None if loose and r.random() < 0.15 else low, None if loose and r.random() < 0.15 else high


def inside(low: Fraction | None, value: Fraction, high: Fraction | None) -> bool:
    return (low is None or low <= value + SLACK) and (high is None or value <= high + SLACK)


@pytest.mark.parametrize("seed", range(40))
def test_all_bounds_hold_of_numbers_between_the_ends(seed: int) -> None:
    r = Random(seed)
    for _ in range(10):
        k, rate = r.randint(1, 4), Rate(r.choice(RATES), r.choice("e2"))
        size = r.choice((F(1), 1 / rate.value))
        numbers = [size * r.choice((0, 0, -1, 1, F(-1, 3), F(5, 4), -7)) for _ in range(k)]
        lead = r.randrange(k)
        rises = [z - numbers[lead] for z in numbers]
        ends = [(F(0), F(0)) if i == lead else around(r, z, seed % 2 == 0) for i, z in enumerate(rises)]
        chances, value = softmax(numbers, *rate), soft_maximum(numbers, *rate)
        assert all(inside(*bounds[:1], p, *bounds[1:]) for bounds, p in zip(weights(rate, ends), chances, strict=True))
        assert inside(gap(rate, ends)[0], max(numbers) - value, gap(rate, ends)[1])
        low, high = offset(rate, ends)
        assert inside(low, value - numbers[lead], high)


def test_weights_of_what_has_no_bound() -> None:
    rate = Rate(F(1), "2")
    assert weights(rate, [(F(0), F(0)), (F(0), None)]) == [(0, 1), (0, 1)]
    assert weights(rate, [(F(0), F(0)), (None, F(-1))]) == [(F(2, 3), 1), (0, F(1, 3))]
    assert weights(rate, [(F(0), F(0)), (F(-2), F(-1))]) == [(F(2, 3), F(4, 5)), (F(1, 5), F(1, 3))]
    assert weights(rate, [(F(-1), F(-1)), (F(-1), F(-1))]) == [(F(1, 2), F(1, 2))] * 2


def test_mixtures() -> None:
    chances = [(F(1, 3), F(1, 2)), (F(1, 2), F(2, 3))]
    assert mixture(chances, [(F(-6), F(-6)), (F(6), F(12))]) == (F(0), F(6))
    assert mixture(chances, [(F(-6), None), (None, F(12))]) == (None, None)
    assert mixture([(F(1), F(1))], [(F(3), None)]) == (F(3), None)


@pytest.mark.parametrize("base", ["e", "2"])
@pytest.mark.parametrize(
    ("low", "high"),
    [  # of the margin by which the second number lies below the first, times the rate and ln base
        *((F(0), F(1, 2)), (F(1), F(5, 4)), (F(0), F(9)), (F(1), F(2)), (F(13, 10), F(2)), (F(3), F(4))),
        *((F(7, 5), F(2)), (F(2), None), (F(1, 2), None), (F(0), None)),
    ],
)
def test_what_a_margin_can_cost(low: Fraction, high: Fraction | None, base: str) -> None:
    """The gap of two numbers is at most the largest value of m / (base^(r m) + 1), and that is nearly attained."""
    rate = Rate(F(5), base)
    unit = rate.value * logarithm(base)[0]
    least, most = gap(rate, [(F(0), F(0)), (None if high is None else -high / unit, -low / unit)])
    stop = F(12) if high is None else high
    margins = [low + (stop - low) * i / 400 for i in range(401)]
    costs = [-soft_maximum([F(0), -m / unit], *rate) for m in margins]
    assert least <= min(costs) and max(costs) <= most <= max(costs) * F(1001, 1000)


def test_the_largest_gap_is_taken_from_where_a_loss_may_fall() -> None:
    """Up to 1 + gamma less one unit a loss still grows; what comes after that may be past its largest value."""
    rate, unit = Rate(F(1), "e"), F(1, 1 << 40)
    grows, flat = (gap(rate, [(F(0), F(0)), (-(1 + gamma(2) - move), F(0))])[1] for move in (unit, unit / 2))
    assert gamma(2) - unit < grows < gamma(2) - unit / 2 < flat and flat - gamma(2) < F(1, 1 << 60)


def test_a_gap_uses_the_mean_where_numbers_are_near() -> None:
    """With tiny rates the mean of equal weights is nearer than what is true of all numbers."""
    ends = [(F(0), F(0)), (F(-1), F(2)), (F(-1), F(1))]
    assert gap(Rate(F(1, 10**6), "e"), ends)[1] == 2
    assert gap(Rate(F(10**6), "e"), ends)[1] < F(1, 10**6)


def test_a_gap_has_both_ends() -> None:
    least, most = gap(Rate(F(1), "2"), [(F(0), F(0)), (F(-2), F(-1)), (F(-1), F(-1))])
    values = [-soft_maximum([F(0), -m, F(-1)], F(1), "2") for m in (F(1), F(3, 2), F(2))]
    assert 0 < least <= min(values) and max(values) <= most < 1


def test_rates_of_multiples() -> None:
    assert Rate(F(3), "2").scaled(F(2)) == (6, "2")


# --- false statements -----------------------------------------------------------------------------


def test_a_difference_without_an_upper_bound_leaves_a_gap() -> None:
    """A mean of 0 and x + 1 for x >= 0 was once taken for their maximum: what has no upper bound was left out."""
    tree = [["bound", "R0.u0", [[1, 1], [0, 1]], [], []], ["holds", ["1", [[1, "1"]]], ["1", [["R0.u0", 0, "1"]]]]]
    for rule in (E1, TWO, Soft((F(10**6),))):
        with pytest.raises(Rejected, match="proofs of all obligations"):
            judged(proof(SHIFTED, SHIFTED, ABOVE, tree, soft=(None, rule)), SHIFTED, SHIFTED)


@pytest.mark.parametrize(
    ("left", "one", "right", "other", "true"),
    [
        (RELU, E1, RELU, E1, True),
        (RELU, E1, TURNED, E1, True),
        (RELU, E1, RELU, TWO, False),
        (RELU, E1, RELU, Soft((F(1), F(1))[:1], "2"), False),
        (RELU, E1, RELU, Soft((F(1000001, 1000000),)), False),
        (RELU, E1, RELU, None, False),
        (RELU, E1, TWICE, E1, False),  # B(2 x, 0) / 2 at the rate 1 is B(x, 0) at the rate 2
        (RELU, E1, TWICE, Soft((F(1, 2),)), True),
        (RELU, Soft((F(2),)), TWICE, E1, True),
        (RELU, E1, PADDED, E1, False),  # equal numbers count as often as they occur
        (PADDED, E1, PADDED, E1, True),
        (RELU, None, PADDED, None, True),
    ],
)
def test_which_means_are_one(left: Any, one: Soft | None, right: Any, other: Soft | None, true: bool) -> None:
    assert accepted(proof(left, right, box(1), [["holds"]], soft=(one, other)), left, right) == true
    values = [naive_value(net, [F(1, 2)], rule or "average") for net, rule in ((left, one), (right, other))]
    assert (abs(values[0][0] - values[1][0]) <= SLACK) == true


def test_a_mean_of_opposite_pieces_is_a_shift() -> None:
    """B(-x, 0) = B(x, 0) - x, and relu(x) - relu(-x) = x whatever the rate is."""
    both = maxout([([[1], [-1]], [0, 0])], ([[1, -1]], [0]), "relu")
    for rule in (E1, TWO):
        assert accepted(proof(both, LINE, box(1), [["holds"]], soft=(rule, None)), both, LINE)


def test_a_mean_of_equal_pieces_is_no_unknown() -> None:
    same = maxout([([[[1], [1]]], [[0, 0]])], ([[1]], [0]))
    assert accepted(proof(same, LINE, box(1), [["holds"]], soft=(E1, None)), same, LINE)


def test_a_mean_of_forms_that_are_one_is_the_first() -> None:
    atoms = Atoms([F(-1)], [F(1)])
    x = Form({1: 1})
    atom, other = atoms.maximum([x, ZERO]), atoms.maximum([negated(x), ZERO])  # relu(-x) = relu(x) - x
    for forms in ([other, difference(atom, x)], [difference(atom, x), other]):
        assert atoms.mean(forms, Rate(F(1), "e")).equals(forms[0])


def test_a_mean_has_no_gate_and_less_than_its_pieces() -> None:
    with pytest.raises(Rejected, match=r"expected a maximum, found the softmax at L0.u0"):
        judged(proof(RELU, LINE, box(1), [["gate", "L0.u0"]], soft=(E1, None)), RELU, LINE)
    goal = goal_of(RELU, None, box(1), claim="range", soft=(E1, None), lower=[0], upper=[1])
    facts = goal.cell.facts("L0.u0")
    assert set(facts) == {0, 1, "low", "high"}
    low, high = (facts[which].at([1, 0, 0]) for which in ("low", "high"))
    assert F(26, 100) < low < F(28, 100) and high == 1
    loss = facts[1].at([1, 0, 0])  # B - (0 - gap)
    assert F(26, 100) < loss < F(27, 100) and facts[0].at([1, 1, 0]) == loss - 1


def test_softmax_needs_temperatures_that_are_positive_one_a_layer() -> None:
    def verdict(temperature: Any, **rest: Any) -> bool:
        value = proof(RELU, RELU, box(1), [["holds"]])
        for side in ("left", "right"):
            value[side] |= {"temperature": temperature, **rest}
        return accepted(value, RELU, RELU)

    assert verdict([1]) and verdict(["1/3"], base="e") and verdict(["0.5"], base="2")
    for wrong in ([], [0], [-1], [1, 1], 1, "1", None, ["1/0"], [[1]], {}):
        assert not verdict(wrong)
    for base in ("E", 2, "10", None, ["e"]):
        assert not verdict([1], base=base)


def test_a_network_without_layers_needs_none() -> None:
    value = proof(LINE, LINE, box(1), [["holds"]])
    value["left"]["temperature"] = []
    value["right"]["temperature"] = [3]
    assert "hard attention" in judged(value, LINE, LINE).statement


def test_ties_are_not_those_of_softmax() -> None:
    value = certificate(RELU, None, box(1), claim="ties-agree", soft=(E1, None), inhabitant=[0], tree=[["holds"]])
    with pytest.raises(Rejected, match="expected hard attention, which has ties, found softmax"):
        judged(value | {"parameters": {"rules": ["average", "leftmost"]}}, RELU)


# --- what theorems and refutations say ------------------------------------------------------------


def test_the_words_of_theorems() -> None:
    deep = maxout([([[1]], [0]), ([[1]], [0])], ([[1]], [0]), "relu")

    def words(network: Any, *soft: Any) -> str:
        tree = [["holds", [], []]]
        value = proof(network, network, box(1), tree, "within", parameters={"epsilon": 9}, soft=soft)
        return judged(value, network, network).statement.partition("(real arithmetic, ")[2][:-1]

    assert words(RELU, E1, TWO) == (
        "left: softmax at inverse temperature 1, right: softmax of base 2 at inverse temperature 1"
    )
    hard = "hard attention, any tie rule"
    assert words(RELU, E1, None) == f"left: softmax at inverse temperature 1, right: {hard}"
    assert words(RELU, None, E1) == f"left: {hard}, right: softmax at inverse temperature 1"
    two = Soft((F(1), F(1, 2)), "2")
    same = words(deep, two, Soft((F(1), F(1))))
    assert same == "left: softmax of base 2 at inverse temperature 1 / 1/2, right: softmax at inverse temperature 1"
    one = proof(RELU, RELU, box(1), [["holds"]], soft=(E1, E1))
    assert judged(one, RELU, RELU).statement.endswith("(real arithmetic, softmax at inverse temperature 1)")


def refutation(values: Any, soft: Any) -> dict[str, Any]:
    return certificate(RELU, RELU, box(1), claim="equal", point=[1], values=values, soft=soft)


def test_refutations_by_enclosures() -> None:
    """At 1 softmax of base 2 gives 2/3; of base e, 0.7310..., an irrational number."""
    exact = refutation([["2/3"], [1]], (TWO, None))
    assert "left(x) = (2/3), right(x) = (1) (left: softmax of base 2" in judged(exact, RELU, RELU).statement
    between = {"lower": "7/10", "upper": "3/4"}
    assert accepted(refutation([[between], [1]], (E1, None)), RELU, RELU)
    assert accepted(refutation([[1], [between]], (None, E1)), RELU, RELU)
    for wrong in ("7/10", {"lower": "74/100", "upper": "3/4"}, {"lower": "7/10", "upper": "73/100"}):
        assert not accepted(refutation([[wrong], [1]], (E1, None)), RELU, RELU)
    for malformed in ({"lower": "7/10"}, {**between, "more": 1}, [between], None, {"lower": None, "upper": 1}):
        assert not accepted(refutation([[malformed], [1]], (E1, None)), RELU, RELU)
    assert not accepted(refutation([[between], [between]], (E1, E1)), RELU, RELU)  # nothing is contradicted


def test_values_that_could_be_equal_refute_nothing() -> None:
    """The enclosures of one number at two places overlap, even where the kernel does not see that they are one."""
    one = maxout([([[[1], [0]]], [[0, 0]])], ([[1]], [0]))
    other = maxout([([[[1], [0]], [[1], [0]]], [[0, 0], [0, 0]])], ([["1/3", "2/3"]], [0]))
    between = {"lower": 0, "upper": 1}
    value = certificate(one, other, box(1), claim="equal", point=[1], values=[[between], [between]], soft=(E1, E1))
    assert not accepted(value, one, other)


# --- heads ----------------------------------------------------------------------------------------


def ranged(network: Any, rule: Soft | None, low: Any, high: Any, domain: Any = None) -> bool:
    """Whether the bounds of the kernel show the range."""
    parameters = {"lower": [str(low)], "upper": [str(high)]}
    value = certificate(network, None, domain or box(1), claim="range", soft=(rule, None), parameters=parameters)
    return accepted(value | {"inhabitant": [0], "tree": [["holds", [], []]]}, network)


def test_a_head_of_equal_scores_is_a_mean() -> None:
    equal = attention([[[1, 0], [0, 4]], [[1, 0], [1, 0]]])  # scores x and x, values 4 and x
    half = maxout([], ([["1/2"]], [2]))
    assert accepted(proof(equal, half, box(1), [["holds"]], soft=(E1, None)), equal, half)


def test_a_head_whose_values_are_its_scores_is_a_unit() -> None:
    head = attention([[[1, 0], [1, 0]], [[0, 0], [0, 0]]])
    turned = attention([[[1, 0], [-2, 7]], [[0, 0], [0, 7]]])  # 7 - 2 B(x, 0)
    wanted = maxout([([[1]], [0])], ([[-2]], [7]), "relu")
    for rule in (E1, TWO):
        assert accepted(proof(head, RELU, box(1), [["holds"]], soft=(rule, rule)), head, RELU)
        assert accepted(proof(turned, wanted, box(1), [["holds"]], soft=(rule, rule)), turned, wanted)
        assert not accepted(proof(head, wanted, box(1), [["holds"]], soft=(rule, rule)), head, wanted)


def test_a_head_whose_values_are_no_scores_is_blended() -> None:
    """Scores x and 0, values 1 and 0: the logistic function, between 1/3 and 2/3 on [-1, 1] for the base 2."""
    logistic = attention([[[1, 0], [0, 1]], [[0, 0], [0, 0]]])
    assert ranged(logistic, TWO, F(1, 3) - SMALL * 2**100, F(2, 3) + SMALL * 2**100)
    assert not ranged(logistic, TWO, F(334, 1000), 1) and not ranged(logistic, TWO, 0, F(666, 1000))
    assert accepted(proof(logistic, logistic, box(1), [["holds"]], soft=(E1, E1)), logistic, logistic)
    for other in (TWO, Soft((F(2),))):
        assert not accepted(proof(logistic, logistic, box(1), [["holds"]], soft=(E1, other)), logistic, logistic)
    twice = attention([[[2, 0], [0, 1]], [[0, 0], [0, 0]]])
    assert accepted(proof(logistic, twice, box(1), [["holds"]], soft=(Soft((F(2),)), E1)), logistic, twice)
    assert not accepted(proof(logistic, twice, box(1), [["holds"]], soft=(E1, E1)), logistic, twice)


def test_a_blend_of_equal_values_is_that_value() -> None:
    """The first of two values is 5 at both tokens, the second is blended."""
    head = attention([[[1, 0], [0, 5], [0, 1]], [[0, 0], [0, 5], [0, 0]]])
    value = certificate(
        *(head, None, box(1)), claim="range", soft=(E1, None), parameters={"lower": [5, 0], "upper": [5, 1]}
    )
    proofs = ["holds", [], [], []]
    goal = goal_of(head, None, box(1), claim="range", soft=(E1, None), lower=[5, 0], upper=[5, 1])
    assert len(goal.obligations()) == 2
    assert accepted(value | {"inhabitant": [0], "tree": [proofs[:3]]}, head)


def test_a_blend_is_written_from_the_token_that_surely_has_the_most_weight() -> None:
    """Not from the one that may have the most: here the second of three, by its upper bound."""
    atoms, half = Atoms([F(-1)], [F(1)]), constant_form(F(1, 2))
    scores = [ZERO, combine(((5, Form({1: 1})), (1, constant_form(1))), 2), half]
    forms = [ZERO, Form({1: 1}), constant_form(7)]
    found = atoms.blend(forms, scores, Rate(F(1), "e"))
    assert difference(found, Form({2: 1})).equals(forms[2])


def test_a_blend_without_bounds() -> None:
    """On all of R the logistic function still lies between its values, and a value without bounds has none."""
    logistic = attention([[[1, 0], [0, 1]], [[0, 0], [0, 0]]])
    assert ranged(logistic, E1, 0, 1, box(1, None, None))
    wild = attention([[[0, 1], [1, 0]], [[0, 0], [0, 0]]])  # a multiple of x
    assert not ranged(wild, E1, -(10**9), 10**9, box(1, None, None))


def test_every_visible_token_has_weight() -> None:
    """A token far below the others is dropped by hard attention only."""
    far = attention([[[0, 0], [0, 0]], [[0, -50], [0, 1]]])
    zero = maxout([], ([[0]], [0]))
    assert accepted(proof(far, zero, box(1), [["holds"]]), far, zero)
    assert not accepted(proof(far, zero, box(1), [["holds"]], soft=(TWO, None)), far, zero)
    assert ranged(far, TWO, F(1, (1 << 50) + 1), F(1, (1 << 50) + 1))


def test_one_visible_token_has_all_the_weight() -> None:
    causal = attention([[[1, 0], [1, 0]], [[0, 9], [0, 9]]], mask="causal")
    assert accepted(proof(causal, LINE, box(1), [["holds"]], soft=(E1, None)), causal, LINE)
