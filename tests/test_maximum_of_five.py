"""The maximum of five numbers with two hidden layers (theory S5, T19, N11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, permutations

import exactformer as ef
from exactformer.claims import Invariant
from exactformer.networks import Affine
from exactformer.piecewise.maximum_of_five import maximum_of_five
from exactformer.rational import Matrix

F = Fraction
BOX = ef.Box([-1] * 5, [1] * 5)


def value_on_chamber(network: ef.MaxoutNetwork) -> tuple[list[Fraction], dict[tuple[Fraction, ...], Fraction]]:
    """The network where x1 >= ... >= x5: the weights of its linear part, and a factor for each |form| left over.

    A form sum k_i x_i with sum k_i = 0 is sum K_i (x_i - x_(i+1)) with partial sums K_i, so it has one sign on the
    chamber if all K_i have one; max(a, b) is (a + b + |a - b|) / 2.
    """

    def sign(form: Sequence[Fraction]) -> int | None:
        sums = list(accumulate(form))
        assert sums[-1] == 0
        return 1 if all(s >= 0 for s in sums) else -1 if all(s <= 0 for s in sums) else None

    hidden = []
    rows = network.layers[0].pieces.weights.dense()
    for a, b in zip(rows[::2], rows[1::2], strict=True):
        larger = sign([x - y for x, y in zip(a, b, strict=True)])
        assert larger is not None  # two inputs are compared
        hidden.append(a if larger > 0 else b)
    linear, kinks = [F(0)] * 5, dict[tuple[Fraction, ...], Fraction]()
    second = network.layers[1].pieces.weights.dense()
    factors = network.output.weights.row(0)
    for unit, pair in enumerate(zip(second[::2], second[1::2], strict=True)):
        a, b = ([sum((w * h[i] for w, h in zip(row, hidden, strict=True)), F(0)) for i in range(5)] for row in pair)
        form = tuple(x - y for x, y in zip(a, b, strict=True))
        which = sign(form)
        for i in range(5):
            linear[i] += factors[unit] * ((a[i] + b[i]) / 2 if which is None else a[i] if which > 0 else b[i])
        if which is None:
            key = max(form, tuple(-x for x in form))
            kinks[key] = kinks.get(key, F(0)) + factors[unit] / 2
    return linear, kinks


def shuffled(network: ef.MaxoutNetwork, order: Sequence[int]) -> dict[frozenset[tuple[Fraction, ...]], Fraction]:
    """The terms of the network after a permutation of its inputs: the numbers that each unit compares, with factors.

    A unit compares means of maxima of pairs, and is told by which pairs with which weights. The five terms max(m_jk,
    m_lm) are the maximum of four numbers, whichever pairing is written.
    """
    pairs = [frozenset(order.index(i) for i in row) for row in _pairs(network)]
    found: dict[frozenset[tuple[Fraction, ...]], Fraction] = {}
    second, factors = network.layers[1].pieces.weights.dense(), network.output.weights.row(0)
    for unit, (a, b) in enumerate(zip(second[::2], second[1::2], strict=True)):
        sides = []
        for row in (a, b):
            sides.append(tuple(sorted((tuple(sorted(pairs[i])), w) for i, w in enumerate(row) if w)))
        if factors[unit] == F(2, 5):
            sides = [tuple(sorted({i for side in sides for pair, _ in side for i in pair}))]
        key = frozenset(sides)
        found[key] = found.get(key, F(0)) + factors[unit]
    return found


def _pairs(network: ef.MaxoutNetwork) -> list[set[int]]:
    rows = network.layers[0].pieces.weights.dense()
    return [{i for row in rows[k : k + 2] for i, w in enumerate(row) if w} for k in range(0, len(rows), 2)]


def maximum() -> ef.MaxoutNetwork:
    unit = [[int(i == j) for j in range(5)] for i in range(5)]
    return ef.MaxoutNetwork.of([([unit], [[0] * 5])], ([[1]], [0]), domain=BOX)


def test_the_formula_is_symmetric_and_on_one_chamber_it_is_the_first_number() -> None:
    """An exact proof: the network is symmetric, and the maximum where x1 >= ... >= x5."""
    network = maximum_of_five()
    terms = shuffled(network, range(5))
    assert len(terms) == 50 and all(shuffled(network, order) == terms for order in permutations(range(5)))
    linear, kinks = value_on_chamber(network)
    assert linear == [1, 0, 0, 0, 0]
    three = [(1, -2, 0, 1, 0), (1, -2, 1, 0, 0), (1, 0, -2, 1, 0)]  # each met by units whose factors add up to 0
    assert kinks == {tuple(F(k, 2) for k in form): 0 for form in three}


def test_a_changed_factor_is_refuted_with_a_point() -> None:
    network = maximum_of_five(BOX)
    for unit in (0, 3, 49):
        entries = network.output.weights.entries()
        entries[0, unit] += F(1, 30)
        changed = replace(network, output=Affine(Matrix.sparse(1, 50, entries), network.output.biases))
        linear, kinks = value_on_chamber(changed)
        assert linear != [1, 0, 0, 0, 0] or any(kinks.values())
        outcome = ef.verify(changed, maximum())
        assert outcome.verdict == "refuted"


def test_widths_rank_and_even_denominators() -> None:
    network = maximum_of_five()
    assert network.widths == (15, 50) and network.rank == 2
    assert network.layers[1].pieces.weights.denominator == 2 and network.output.weights.denominator == 15


def test_the_compiled_transformer_equals_it_with_a_certificate() -> None:
    network = maximum_of_five(BOX)
    compiled = ef.compile(network)
    assert compiled.transformer.tokens == 2 and sum(b.heads is not None for b in compiled.transformer.blocks) == 2
    outcome = ef.verify(network, compiled.transformer)
    assert outcome.verdict == "proved" and outcome.method == "structural"
    assert ef.verify(network, claim=Invariant((1, 0, 2, 3, 4))).verdict == "proved"


def test_values() -> None:
    network = maximum_of_five()
    for order in list(permutations([F(-3), F(0), F(1, 3), F(1, 2), F(7)]))[::7]:
        assert network.evaluate(order) == (7,)
    assert network.evaluate([2, 2, 2, 2, 2]) == (2,) and network.evaluate([0, -1, -1, -1, 0]) == (0,)
