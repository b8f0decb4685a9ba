"""The maximum of five numbers with two hidden layers (theory S5; Bakaev, Brunck, Hertrich, Stade, Yehudayoff 2025)."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

from exactformer.domain import Domain
from exactformer.networks import MaxoutNetwork
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.units import layer_of, sum_of_units

INPUTS = 5


def maximum_of_five(domain: Domain | None = None) -> MaxoutNetwork:
    """The maxout network 5-15-50-1 of rank 2 with the value max(x_1, ..., x_5) on all of R^5.

    With m_ij = max(x_i, x_j), and sums over all ways to name the five indices that give different terms,

        max = 1/15 sum max(x_i, (m_jk + m_lm) / 2) + 2/5 sum max(m_jk, m_lm)
              - 1/15 sum max((m_ab + m_ac) / 2, (m_bc + m_de) / 2):

    15 terms, an index and a pairing of the others; 5 terms, an index that is left out and one pairing of the others; 30
    terms, a pair {d, e} and a among the others. Three hidden layers were believed to be necessary, as they are for
    weights whose denominators are odd. The formula is symmetric, so x_1 >= ... >= x_5 may be assumed: then each m is a
    variable, and the terms add up to x_1 (`tests/test_maximum_of_five.py` does that, exactly).

    >>> maximum_of_five().evaluate([3, -1, "1/2", 7, 2])
    (Fraction(7, 1),)
    """
    pairs = list(combinations(range(INPUTS), 2))
    x = [Piece(tuple(Fraction(int(i == j)) for j in range(INPUTS)), Fraction(0)) for i in range(INPUTS)]
    first = layer_of([[x[i], x[j]] for i, j in pairs] + [[each] for each in x], INPUTS)

    def read(*units: int) -> Piece:
        """The mean of units of the first layer."""
        size = len(pairs) + INPUTS
        return Piece(tuple(Fraction(units.count(u), len(units)) for u in range(size)), Fraction(0))

    def m(i: int, j: int) -> int:
        return pairs.index((min(i, j), max(i, j)))

    units = []
    for i in range(INPUTS):
        j, k, l, n = (other for other in range(INPUTS) if other != i)
        for pairing in (((j, k), (l, n)), ((j, l), (k, n)), ((j, n), (k, l))):
            units.append((Fraction(1, 15), (read(len(pairs) + i), read(*(m(*pair) for pair in pairing)))))
        units.append((Fraction(2, 5), (read(m(j, k)), read(m(l, n)))))
    for d, e in pairs:
        rest = [other for other in range(INPUTS) if other not in (d, e)]
        for a in rest:
            b, c = (other for other in rest if other != a)
            units.append((Fraction(-1, 15), (read(m(a, b), m(a, c)), read(m(b, c), m(d, e)))))
    ground = Domain.everything(INPUTS) if domain is None else domain
    nothing = Piece.number(Fraction(0), len(pairs) + INPUTS)
    second = sum_of_units(units, nothing, Domain.everything(len(pairs) + INPUTS), "")
    return MaxoutNetwork((first, *second.layers), second.output, ground, "maximum of five, two layers")
