"""Maxout networks of lower rank: every unit as a tournament of units of a given arity (theory 2.3, b4)."""

from __future__ import annotations

from fractions import Fraction

from exactformer.errors import InvalidInput
from exactformer.networks import Affine, MaxoutLayer, MaxoutNetwork
from exactformer.rational import Matrix, Vector


def maxout_to_lower_rank(network: MaxoutNetwork, arity: int = 2) -> MaxoutNetwork:
    """The maxout network whose units have at most q = `arity` pieces, equal to the given one on all of R^n.

    A layer of rank k > q becomes ceil(log_q k) layers. The first has a unit for each q consecutive pieces of each
    old unit, and each later one a unit for each q consecutive units of the one before; a last group of fewer
    members repeats its first. By induction unit (i, g) of the r-th of them is the maximum of the pieces
    g q^r, ..., (g+1) q^r - 1 of unit i, as far as they exist; in the last layer there is one group, so it is unit i.
    Level r has m ceil(k / q^r) units. A layer of rank k <= q stays as it is.

    Raises `InvalidInput` for an arity that is no integer >= 2.
    """
    if type(arity) is not int or arity < 2:
        raise InvalidInput(f"arity: expected an integer >= 2, found {arity!r}")
    layers = tuple(level for layer in network.layers for level in _levels(layer, arity))
    return MaxoutNetwork(layers, network.output, network.domain, network.name)


def levels(rank: int, arity: int) -> tuple[int, ...]:
    """The number of units that each level has for one old unit: ceil(k / q^r), down to 1; one level if k <= q.

    >>> levels(7, 2), levels(7, 3), levels(2, 2), levels(1, 2)
    ((4, 2, 1), (3, 1), (1,), (1,))
    """
    sizes = [-(-rank // arity)]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // arity))
    return tuple(sizes)


def _levels(layer: MaxoutLayer, arity: int) -> list[MaxoutLayer]:
    if layer.rank <= arity:
        return [layer]
    first, *later = levels(layer.rank, arity)
    pieces = layer.pieces
    chosen = _groups(layer.width, layer.rank, arity)
    rows = pieces.weights.rows
    weights = Matrix.of_rows([rows[r] for r in chosen], pieces.inputs, pieces.weights.denominator)
    biases = Vector(tuple(pieces.biases.numerators[r] for r in chosen), pieces.biases.denominator)
    result = [MaxoutLayer(Affine(weights, biases), arity)]
    members = first
    for size in later:
        rank = min(arity, members)
        chosen = _groups(layer.width, members, rank)
        picks = Matrix.sparse(len(chosen), layer.width * members, {(r, c): Fraction(1) for r, c in enumerate(chosen)})
        result.append(MaxoutLayer(Affine(picks, Vector((0,) * len(chosen))), rank))
        members = size
    return result


def _groups(units: int, members: int, arity: int) -> list[int]:
    """The members of each unit, `arity` at a time, numbered through; a last group repeats its first member."""
    return [
        unit * members + (g + p if g + p < members else g)
        for unit in range(units)
        for g in range(0, members, arity)
        for p in range(arity)
    ]
