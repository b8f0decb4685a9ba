"""How many linear regions maxout networks and Transformers can have: exact values and bounds, with their sources.

Ranks are the numbers of pieces of the units; a ReLU counts as rank 2. Everything is an exact integer.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

from exactformer.errors import InvalidInput


def one_layer(inputs: int, ranks: Sequence[int]) -> int:
    """The largest number of linear regions of one layer of maxout units with biases, on R^n.

    sum over j <= n of e_j(k_1 - 1, ..., k_m - 1), with e_j the elementary symmetric polynomials; for equal ranks k
    that is the sum of C(m, j) (k - 1)^j. It is attained (G. Montufar, Y. Ren, L. Zhang, Sharp bounds for the number
    of regions of maxout networks and vertices of Minkowski sums, SIAM J. Appl. Algebra Geom. 6, 2022).

    >>> one_layer(2, [3, 3, 3])
    19

    Raises `InvalidInput` for a rank below 1 or a negative number of inputs.
    """
    _checked(inputs, ranks)
    symmetric = [1] + [0] * inputs
    for rank in ranks:
        for j in range(inputs, 0, -1):
            symmetric[j] += (rank - 1) * symmetric[j - 1]
    return sum(symmetric)


def one_layer_without_biases(inputs: int, units: int, rank: int) -> int:
    """The largest number of linear regions of one layer of m >= n maxout units of rank k >= 2 without biases, on R^n.

    a + sum over 1 <= j < n of (-1)^(n-1-j) C(m-1-j, n-1-j) C(m, j) (k^j - a), with a = 2 for odd n and 0 for even n:
    the number of vertices of a Minkowski sum of m polytopes with k vertices (C. Weibel, Maximal f-vectors of
    Minkowski sums of large numbers of polytopes, Discrete Comput. Geom. 47, 2012). For ReLUs it is
    2 sum over j < n of C(m - 1, j).

    >>> one_layer_without_biases(2, 3, 3), one_layer_without_biases(3, 3, 3), one_layer_without_biases(3, 4, 2)
    (9, 20, 14)

    Raises `InvalidInput` for m < n, n < 1 or a rank below 2.
    """
    _checked(inputs, [rank] * units)
    if inputs < 1 or units < inputs or rank < 2:
        found = f"{inputs} inputs, {units} units, rank {rank}"
        raise InvalidInput(f"one_layer_without_biases: expected 1 <= inputs <= units and rank >= 2, found {found}")
    if rank == 2:
        return 2 * sum(comb(units - 1, j) for j in range(inputs))
    if inputs == 1:
        return 2
    a = 2 * (inputs % 2)
    terms = (
        (-1 if (inputs - 1 - j) % 2 else 1) * comb(units - 1 - j, inputs - 1 - j) * comb(units, j) * (rank**j - a)
        for j in range(1, inputs)
    )
    total: int = a + sum(terms)
    return total


def deep_upper(inputs: int, layers: Sequence[Sequence[int]]) -> int:
    """An upper bound for a network with several layers, each given by the ranks of its units.

    The product over the layers of `one_layer`, with as many inputs as the narrowest layer before it leaves: every
    activation region is convex, and the state before layer l is an affine map of that rank on it (theory R3).

    >>> deep_upper(1, [[3, 3], [3, 3]])
    25
    """
    total, rank = 1, inputs
    for ranks in layers:
        total *= one_layer(rank, ranks)
        rank = min(rank, len(ranks))
    return total


def deep_lower(inputs: int, rank: int, depth: int) -> int:
    """What `sawtooth` attains with 2 n units of rank k in each of L layers: (2k - 1)^(n L) regions (theory R5).

    Exponential in the depth at fixed width. A compiled Transformer has them too, with k tokens and 2 n heads a layer:
    in the hard limit it is the same function (theory R6).

    >>> deep_lower(2, 2, 3)
    729
    """
    _checked(inputs, [rank])
    pieces: int = (2 * rank - 1) ** (inputs * depth)
    return pieces


def one_input(width: int, rank: int, depth: int) -> tuple[int, bool]:
    """The largest number of pieces of a network R -> R with L layers of m units of rank k, and whether that is exact.

    (1 + m (k - 1))^L for even m, and for k = 2; 1 + (k - 1)(2^L - 1) for m = 1, where a convex function at most
    doubles the monotone branches; for odd m >= 3 and k >= 3 the value of m - 1, which is a lower bound (theory R4).

    >>> one_input(2, 3, 3), one_input(1, 3, 2), one_input(3, 3, 2)
    ((125, True), (7, True), (25, False))
    """
    _checked(1, [rank] * width)
    if width == 1:
        return 1 + (rank - 1) * (2**depth - 1), True
    if width % 2 == 0 or rank == 2:
        return (1 + width * (rank - 1)) ** depth, True
    return (1 + (width - 1) * (rank - 1)) ** depth, False


def heads_upper(inputs: int, heads: int, tokens: int) -> int:
    """An upper bound for one attention sublayer with constant queries or constant keys: r(n; H, k) cells (theory R7).

    The winning tokens of one head form a power diagram with at most k cells; H heads refine to at most
    sum over j <= n of C(H, j) (k - 1)^j, which is k^H only for H <= n. With queries and keys that both depend on the
    input the cells need not be convex, and the bound does not hold.

    >>> heads_upper(2, 3, 4)
    37
    """
    return one_layer(inputs, [tokens] * heads)


def _checked(inputs: int, ranks: Sequence[int]) -> None:
    if inputs < 0 or any(rank < 1 for rank in ranks):
        raise InvalidInput(f"regions: expected inputs >= 0 and ranks >= 1, found {inputs} and {list(ranks)}")
