"""ReLU networks of depth at most ceil(log2(n + 1)) (Arora et al., ICLR 2018; theory S4)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from exactformer.compiler.maxout_to_lower_rank import maxout_to_lower_rank
from exactformer.compiler.maxout_to_relu import maxout_to_relu
from exactformer.domain import Domain
from exactformer.networks import Affine, ReluNetwork
from exactformer.piecewise.cells import opposite
from exactformer.piecewise.cpwl import CPWL
from exactformer.piecewise.cpwl_to_one_layer import Hinges, hinges_of
from exactformer.piecewise.cpwl_to_sum_of_maxima import cpwl_to_sum_of_maxima
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.units import affine_of
from exactformer.polyhedra.lp import Row
from exactformer.rational import Matrix, Vector


def cpwl_to_relu(f: CPWL) -> ReluNetwork:
    """The ReLU network with at most ceil(log2(n + 1)) hidden layers.

    It has one hidden layer where one suffices, which `hinges_of` decides: a neuron for each hyperplane with a jump of
    the slope, and one or two for the affine rest; so N neurons for N >= 2 pieces of one variable. Else it is the sum of
    maxima of n + 1 pieces, each maximum as a tournament of pairs, each pair by at most 3 neurons.
    """
    found = hinges_of(f)
    if isinstance(found, Hinges):
        return _one_layer(found, f.domain)
    return replace(maxout_to_relu(maxout_to_lower_rank(cpwl_to_sum_of_maxima(f), 2)), name="ReLU form")


def _one_layer(found: Hinges, domain: Domain) -> ReluNetwork:
    """The hidden layer with a neuron for each hinge; an affine rest is s (relu(row) - relu(-row)) + constant."""
    rest, inputs = found.rest, len(found.rest.weights)
    factors: dict[Row, Fraction] = {row: c for c, row in found.hinges}
    if not factors:
        return ReluNetwork((), affine_of([rest], inputs), domain, "ReLU form")
    if not rest.is_constant:
        row, factor = next(((r, s) for r in factors if (s := _multiple(rest, r))), (None, Fraction(1)))
        if row is None:
            row = Piece(rest.weights, Fraction(0)).row
            factor = _multiple(rest, row)
        rest = rest - Piece.of_row(row).times(factor)
        factors[row] = factors.get(row, Fraction(0)) + factor
        factors[opposite(row)] = factors.get(opposite(row), Fraction(0)) - factor
    kept = [(row, c) for row, c in factors.items() if c]
    layer = affine_of([Piece.of_row(row) for row, _ in kept], inputs)
    weights = Matrix.sparse(1, len(kept), {(0, i): c for i, (_, c) in enumerate(kept)})
    return ReluNetwork((layer,), Affine(weights, Vector.of([rest.constant])), domain, "ReLU form")


def _multiple(piece: Piece, row: Row) -> Fraction:
    """The number by which the gradient of a piece is a multiple of that of a row; 0 if it is none."""
    j = next(j for j, a in enumerate(row[0]) if a)
    factor = piece.weights[j] / row[0][j]
    return factor if piece.weights == tuple(factor * a for a in row[0]) else Fraction(0)
