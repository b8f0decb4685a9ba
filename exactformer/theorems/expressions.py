"""Small networks for statements about numbers: affine rows in named unknowns, and networks of maxima of them.

A statement "for all a_1, ..., a_k, s and G" becomes a claim about networks whose inputs are these numbers: then one
proof of the claim, on the polyhedron of the hypotheses, is a proof for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactformer.domain import Domain, Polyhedron
from exactformer.networks import MaxoutNetwork

Number = Fraction | int


@dataclass(frozen=True)
class Row:
    """An affine expression: coefficients by the number of the unknown, and a constant."""

    terms: Mapping[int, Number]
    constant: Number = 0

    def __add__(self, other: Row | Number) -> Row:
        right = other if isinstance(other, Row) else Row({}, other)
        names = {*self.terms, *right.terms}
        return Row({n: self.terms.get(n, 0) + right.terms.get(n, 0) for n in names}, self.constant + right.constant)

    def __neg__(self) -> Row:
        return -1 * self

    def __sub__(self, other: Row | Number) -> Row:
        return self + -other

    def __rmul__(self, factor: Number) -> Row:
        return Row({n: factor * x for n, x in self.terms.items()}, factor * self.constant)

    def dense(self, inputs: int) -> list[Number]:
        """The coefficients of so many unknowns."""
        return [self.terms.get(n, 0) for n in range(inputs)]


ZERO = Row({})


def unknowns(count: int, first: int = 0) -> list[Row]:
    """So many unknowns; those of a layer are its units."""
    return [Row({first + n: 1}) for n in range(count)]


def total(rows: Sequence[Row]) -> Row:
    """Their sum."""
    result = ZERO
    for row in rows:
        result = result + row
    return result


def network(
    inputs: int, layers: Sequence[Sequence[Sequence[Row]]], output: Sequence[Row], domain: Domain | None = None
) -> MaxoutNetwork:
    """The network whose units are the maxima of these rows, layer by layer; shorter ones repeat a row."""
    below, built = inputs, []
    for units in layers:
        rank = max(map(len, units))
        padded = [[*unit, *[unit[0]] * (rank - len(unit))] for unit in units]
        weights = [[row.dense(below) for row in unit] for unit in padded]
        built.append((weights, [[row.constant for row in unit] for unit in padded]))
        below = len(units)
    last = ([row.dense(below) for row in output], [row.constant for row in output])
    return MaxoutNetwork.of(built, last, domain=domain)


def where(inputs: int, *at_least_zero: Row) -> Domain:
    """The points at which all these rows are >= 0."""
    matrix = [[-x for x in row.dense(inputs)] for row in at_least_zero]
    nowhere: list[None] = [None] * inputs
    return Polyhedron(nowhere, nowhere, matrix, [row.constant for row in at_least_zero])
