"""Differences of two maxima: one rule for softmax, for rounding and for near networks."""

from __future__ import annotations

from fractions import Fraction

from exactformer.claims import AtMost
from exactformer.domain import Domain
from exactformer.generic.lemmas import paired_maxima as paired_forms
from exactformer.kernel.softmax import Rate, largest_gap
from exactformer.prover import verify
from exactformer.theorems.all_weights import settled
from exactformer.theorems.case import Case, expect
from exactformer.theorems.expressions import Row, network, unknowns
from exactformer.theorems.means import softmax_mean
from exactformer.theorems.theorem import theorem


@theorem("T40", "Paired maxima", "L6", evidence="all weights", instances=8, rank=(2, 3), partners=(2, 3))
def paired_maxima(case: Case, rank: int, partners: int) -> None:
    """The difference of two maxima is bounded by differences of paired forms, however these are paired.

    For all s in R^k and s' in R^m, and the maps sigma: [k] -> [m] and tau: [m] -> [k] that are drawn: min_i
    (s'_sigma(i) - s_i) <= max s' - max s <= max_j (s'_j - s_tau(j)), by the kernel; and for affine forms of two inputs
    with any weights, for all maps. On a cell, the bounds are their infimum and supremum. With the softmax mean at the
    temperature tried in the place of max s', the lower bound less gamma_m / lambda; in the place of max s, the upper
    bound and gamma_k / lambda more; for all s, s' in [-4, 4].
    """
    size = rank + partners
    s, other = unknowns(rank), unknowns(partners, rank)
    sigma = [case.integer(0, partners - 1) for _ in s]
    tau = [case.integer(0, rank - 1) for _ in other]
    below = [s[i] - other[sigma[i]] for i in range(rank)]  # the largest is - min (s'_sigma(i) - s_i)
    above = [other[j] - s[tau[j]] for j in range(partners)]
    if case.broken:
        below = [row - Row({}, 1) for row in below]
    first, second = unknowns(2)
    everywhere = Domain.everything(size)
    least = network(size, [[below, s]], [second - first])
    right = network(size, [[other]], unknowns(1))
    most = network(size, [[above, s]], [first + second])
    case.proved(verify(least, right, claim=AtMost(), domain=everywhere), f"sigma = {sigma}")
    case.proved(verify(right, most, claim=AtMost(), domain=everywhere), f"tau = {tau}")
    z, y, speed = case.integers(rank, 4), case.integers(partners, 4), case.integer(1, 3)
    low = min(y[sigma[i]] - z[i] for i in range(rank)) - largest_gap(Rate(Fraction(speed), "2"), partners)
    high = max(y[j] - z[tau[j]] for j in range(partners)) + largest_gap(Rate(Fraction(speed), "2"), rank)
    expect(low <= softmax_mean(y, speed) - max(z), f"s = {z}, s' = {y}, sigma = {sigma}, temperature {speed}")
    expect(max(y) - softmax_mean(z, speed) <= high, f"s = {z}, s' = {y}, tau = {tau}, temperature {speed}")
    settled(case, paired_forms(2, rank, partners))
