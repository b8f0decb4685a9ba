"""A sum of maxima of at most n + 1 pieces each (Wang and Sun, IEEE Trans. Inform. Theory 51, 2005; theory S3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import comb

import flint
from flint import fmpq

from exactformer.errors import Unsupported
from exactformer.networks import MaxoutNetwork
from exactformer.piecewise.cpwl import CPWL
from exactformer.piecewise.cpwl_to_one_layer import Hinges, cpwl_to_one_layer, hinges_of
from exactformer.piecewise.cpwl_to_two_maxima import convex_difference
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.units import sum_of_units

LIMIT = 100_000  # sets of pieces that may occur


def cpwl_to_sum_of_maxima(f: CPWL) -> MaxoutNetwork:
    """The network of one layer whose units are maxima of at most n + 1 pieces, of any signs and factors.

    f = g - h as in `convex_difference`; h is a sum of maxima of two, and the maximum g is written by `reduced`. Of the
    decompositions of f and of -f that of lower rank is taken, then that with fewer units. Where a sum of maxima of two
    is enough (`hinges_of`), as always in one variable, it is that. Raises `Unsupported` for g with very many pieces.
    """
    if isinstance(hinges_of(f), Hinges):
        return replace(cpwl_to_one_layer(f), name="sum of maxima")
    return min((_of(f, 1), _of(-f, -1)), key=lambda network: (network.rank, sum(network.widths)))


def _of(f: CPWL, sign: int) -> MaxoutNetwork:
    """The network with sign times the value of f, a sum of maxima."""
    parts = convex_difference(f)
    if comb(len(parts.g.pieces), f.inputs + 1) > LIMIT:
        raise Unsupported(
            f"sum of maxima: expected at most {LIMIT} sets of n + 1 pieces, found more, of {len(parts.g.pieces)} pieces"
        )
    nothing = Piece.number(Fraction(0), f.inputs)
    terms = {s: Fraction(c) for s, c in reduced(parts.g.pieces).items()}
    for c, row in parts.hinges:
        hinge = frozenset((Piece.of_row(row), nothing))
        terms[hinge] = terms.get(hinge, Fraction(0)) - c
    rest = nothing
    units = []
    for s, c in terms.items():
        if len(s) == 1:
            rest = rest + next(iter(s)).times(c * sign)
        elif c:
            units.append((c * sign, sorted(s, key=lambda piece: (piece.weights, piece.constant))))
    units.sort(key=lambda unit: [(piece.weights, piece.constant) for piece in unit[1]])
    return sum_of_units(units, rest, f.domain, "sum of maxima")


def reduced(pieces: Sequence[Piece]) -> dict[frozenset[Piece], int]:
    """Sets S with integers c, max of all pieces = sum of c max over S, the gradients in each S affinely independent.

    So a set has at most n + 1 pieces. Let the gradients of a set be affinely dependent. By Radon's theorem disjoint
    parts I and J have weighted means of pieces that differ by a number, and with the right names the mean over I is at
    least that over J. So max over I >= min over J everywhere, and as max-min inclusion and exclusion says for any
    numbers with that property, sum over S within J of (-1)^|S| max(K and S) = 0 for every K that contains I. This
    writes the maximum over K and J by sets that lack some piece of J. Pieces join one after the other: all sets
    that occur are an independent set of the first ones together with all later ones, polynomially many for fixed n.
    """
    heads: dict[frozenset[int], int] = {frozenset(): 1}
    for new in range(len(pieces)):
        joined: dict[frozenset[int], int] = {}
        for head, factor in heads.items():
            for s, sign in _rewritten([*sorted(head), new], pieces):
                joined[s] = joined.get(s, 0) + factor * sign
        heads = {s: c for s, c in joined.items() if c}
    return {frozenset(pieces[i] for i in s): c for s, c in heads.items()}


def _rewritten(members: list[int], pieces: Sequence[Piece]) -> Iterator[tuple[frozenset[int], int]]:
    """The maximum over the members, all but the last of them independent, by independent sets and signs."""
    dependence = _dependence([pieces[i].weights for i in members])
    if dependence is None:
        yield frozenset(members), 1
        return
    gap = sum((c * pieces[i].constant for c, i in zip(dependence, members, strict=True)), Fraction(0))
    sides = [frozenset(i for c, i in zip(dependence, members, strict=True) if s * c > 0) for s in (1, -1)]
    # The mean over sides[0] is larger by gap than that over sides[1].
    low = sides[1] if gap > 0 else sides[0] if gap < 0 else min(sides, key=lambda side: (len(side), sorted(side)))
    rest = frozenset(members) - low
    for size in range(len(low)):
        for chosen in combinations(sorted(low), size):
            yield rest | frozenset(chosen), (-1) ** (len(low) - size + 1)


def _dependence(gradients: Sequence[Sequence[Fraction]]) -> list[Fraction] | None:
    """Numbers with sum c = 0 and sum c gradient = 0; all gradients but the last are affinely independent."""
    columns = [[fmpq(1), *(fmpq(w.numerator, w.denominator) for w in gradient)] for gradient in gradients]
    reduced_rows, rank = flint.fmpq_mat([list(row) for row in zip(*columns, strict=True)]).rref()
    if rank == len(gradients):
        return None
    last = len(gradients) - 1
    found = [Fraction(int(reduced_rows[k, last].p), int(reduced_rows[k, last].q)) for k in range(last)]
    return [*found, Fraction(-1)]
