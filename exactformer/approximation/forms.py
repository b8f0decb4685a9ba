"""Interpolants as networks: one unit a piece for one variable, hats of two layers or of one for any number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactformer.approximation.hats import Hat
from exactformer.approximation.knots import Polyline
from exactformer.domain import Domain
from exactformer.networks import MaxoutNetwork, ReluNetwork
from exactformer.networks.affine import Affine
from exactformer.networks.feedforward import MaxoutLayer
from exactformer.rational import Matrix, Vector

Piece = tuple[dict[int, Fraction], Fraction]  # weights of the inputs, bias


def polyline_to_relu(line: Polyline, domain: Domain, name: str) -> ReluNetwork:
    """The polyline as a sum of N units of rank 2: f(x) = f(x_0) + sum (s_j - s_(j-1)) max(0, x - x_j) (theory, M4)."""
    turns = [line.slopes[0], *(b - a for a, b in zip(line.slopes, line.slopes[1:], strict=False))]
    kept = [(knot, turn) for knot, turn in zip(line.knots, turns, strict=True) if turn] or [
        (line.knots[0], Fraction(0))
    ]
    ones = Matrix.sparse(len(kept), 1, {(i, 0): 1 for i in range(len(kept))})
    hidden = Affine(ones, Vector.of(-knot for knot, _ in kept))
    output = Affine(
        Matrix.sparse(1, len(kept), {(0, i): turn for i, (_, turn) in enumerate(kept)}), Vector.of([line.start])
    )
    return ReluNetwork((hidden,), output, domain, name)


def hats_to_two_layers(hats: Sequence[Hat], domain: Domain, name: str) -> MaxoutNetwork:
    """A sum of hats with two units of rank n + 1 a hat, and then one of rank 2 (theory, M1)."""
    hats = hats or (Hat(1, (0,) * domain.dimension, Fraction(0)),)  # a layer has a unit
    n, first = domain.dimension, list[list[Piece]]()
    for hat in hats:
        rising = [_coordinate(hat, i, domain) for i in range(n)]
        first += [[({}, Fraction(0)), *rising], [({}, Fraction(0)), *map(_negated, rising)]]
    second = [
        [({}, Fraction(0)), ({2 * i: Fraction(-1), 2 * i + 1: Fraction(-1)}, Fraction(1))] for i in range(len(hats))
    ]
    layers = (_layer(first, n), _layer(second, len(first)))
    weights = {(0, i): hat.coefficient for i, hat in enumerate(hats)}
    return MaxoutNetwork(layers, Affine(Matrix.sparse(1, len(hats), weights), Vector.of([Fraction(0)])), domain, name)


def hats_to_one_layer(hats: Sequence[Hat], domain: Domain, name: str) -> MaxoutNetwork:
    """A sum of hats with three units of rank n^2 + n + 1 a hat: phi = max(1, A) - A+ - A-, A = A+ + A- (theory, M2)."""
    hats = hats or (Hat(1, (0,) * domain.dimension, Fraction(0)),)  # a layer has a unit
    n, units, weights = domain.dimension, list[list[Piece]](), dict[tuple[int, int], Fraction]()
    zero: Piece = ({}, Fraction(0))
    for hat in hats:
        y = [_coordinate(hat, i, domain) for i in range(n)]
        falling = list(map(_negated, y))
        both = [_plus(y[i], falling[j]) for i in range(n) for j in range(n) if i != j]
        for sign, unit in ((1, [({}, Fraction(1)), *y, *falling, *both]), (-1, [zero, *y]), (-1, [zero, *falling])):
            weights[0, len(units)] = sign * hat.coefficient
            units.append(unit + [unit[0]] * (n * n + n + 1 - len(unit)))
    return MaxoutNetwork(
        (_layer(units, n),), Affine(Matrix.sparse(1, len(units), weights), Vector.of([Fraction(0)])), domain, name
    )


def _coordinate(hat: Hat, i: int, domain: Domain) -> Piece:
    """Coordinate i of y = scale * x - node, x the point as one of the unit cube: 0 along a side that is a point."""
    low, high = domain.lower[i], domain.upper[i]
    assert low is not None and high is not None
    if low == high:
        return {}, Fraction(-hat.node[i])
    factor = hat.scale / (high - low)
    return {i: factor}, -factor * low - hat.node[i]


def _negated(piece: Piece) -> Piece:
    return {i: -w for i, w in piece[0].items()}, -piece[1]


def _plus(one: Piece, other: Piece) -> Piece:
    return {**one[0], **other[0]}, one[1] + other[1]


def _layer(units: Sequence[Sequence[Piece]], inputs: int) -> MaxoutLayer:
    pieces = [piece for unit in units for piece in unit]
    entries = {(row, i): w for row, (weights, _) in enumerate(pieces) for i, w in weights.items()}
    return MaxoutLayer(
        Affine(Matrix.sparse(len(pieces), inputs, entries), Vector.of(b for _, b in pieces)), len(units[0])
    )
