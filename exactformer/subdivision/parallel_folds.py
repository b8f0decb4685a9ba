"""One layer with as many linear regions as a layer can have: families of parallel hyperplanes in general position."""

from __future__ import annotations

from fractions import Fraction

from exactformer.domain import Domain
from exactformer.errors import InvalidInput
from exactformer.networks import MaxoutNetwork


def parallel_folds(inputs: int, width: int, rank: int) -> MaxoutNetwork:
    """A maxout network with one layer and r(n; m, k) linear regions on [-1, 1]^n, the most there can be (theory R1).

    Unit i is a convex function of u_i . x with k - 1 kinks, u_i = (1, i, i^2, ...): any n of these directions are
    independent. The kinks are so close to 0 that all crossings lie in the box, and in no special position. The output
    adds the units up with the weights 1, 2, 3, ...

    >>> from exactformer.subdivision import one_layer, regions
    >>> regions(parallel_folds(2, 3, 3)).linear_regions, one_layer(2, [3, 3, 3])
    (19, 19)

    Raises `InvalidInput` for fewer than one input, unit or piece.
    """
    if inputs < 1 or width < 1 or rank < 1:
        found = f"{inputs} inputs, width {width}, rank {rank}"
        raise InvalidInput(f"parallel_folds: expected at least one input, unit and piece, found {found}")
    small = Fraction(1, (4 * width) ** (2 * inputs) * (width * rank + 1) ** (inputs + 1))
    weights, biases = [], []
    for i in range(width):
        direction = [Fraction(i + 1) ** j for j in range(inputs)]
        slope, offset, pieces = Fraction(0), Fraction(0), [(Fraction(0), Fraction(0))]
        for kink in sorted(small * (i + width * j + 1) ** (inputs + 1) for j in range(rank - 1)):
            slope, offset = slope + 1, offset - kink
            pieces.append((slope, offset))
        weights.append([[a * d for d in direction] for a, _ in pieces])
        biases.append([b for _, b in pieces])
    output = [Fraction(i + 1) for i in range(width)]
    name = f"{width} parallel folds of rank {rank}"
    return MaxoutNetwork.of([(weights, biases)], ([output], [0]), domain=Domain.box(inputs, -1, 1), name=name)
