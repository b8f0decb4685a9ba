"""Networks whose units are maxima of pieces."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactformer.domain import Domain
from exactformer.networks import Affine, MaxoutLayer, MaxoutNetwork
from exactformer.piecewise.pieces import Piece
from exactformer.rational import Matrix, Vector

Unit = tuple[Fraction, Sequence[Piece]]  # a factor, and the pieces whose maximum it multiplies


def affine_of(pieces: Sequence[Piece], inputs: int) -> Affine:
    """The affine map whose outputs are the pieces."""
    entries = {(i, j): w for i, piece in enumerate(pieces) for j, w in enumerate(piece.weights) if w}
    return Affine(Matrix.sparse(len(pieces), inputs, entries), Vector.of(piece.constant for piece in pieces))


def layer_of(units: Sequence[Sequence[Piece]], inputs: int) -> MaxoutLayer:
    """The layer of the maxima of the given pieces, the first repeated where a unit has fewer than another."""
    rank = max(map(len, units))
    padded = [piece for unit in units for piece in (*unit, *[unit[0]] * (rank - len(unit)))]
    return MaxoutLayer(affine_of(padded, inputs), rank)


def sum_of_units(units: Sequence[Unit], rest: Piece, domain: Domain, name: str) -> MaxoutNetwork:
    """The network of one layer with the value sum of factor * max(pieces) + rest; without units an affine one.

    The affine rest is hidden in the first unit, c max(a, ...) + rest = c max(a + rest/c, ...), and costs no unit.
    """
    inputs = len(rest.weights)
    if not units:
        return MaxoutNetwork((), affine_of([rest], inputs), domain, name)
    (factor, first), *others = units
    moved = [piece + rest.times(1 / factor) for piece in first]
    layer = layer_of([moved, *(pieces for _, pieces in others)], inputs)
    factors = Matrix.sparse(1, len(units), {(0, i): c for i, (c, _) in enumerate(units)})
    return MaxoutNetwork((layer,), Affine(factors, Vector((0,))), domain, name)
