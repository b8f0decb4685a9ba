"""Networks of one layer and one input as functions, by a sweep over their units: for very many pieces."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactformer.networks import MaxoutLayer, MaxoutNetwork, ReluNetwork
from exactformer.piecewise.cpwl import CPWL
from exactformer.piecewise.pieces import Piece

Bends = tuple[Piece, dict[Fraction, Fraction]]  # the piece far to the left, and the jump of the slope at each place


def bends_of(network: MaxoutNetwork | ReluNetwork) -> Bends:
    """A network of one input and at most one layer by where its slope jumps; n log n for n pieces of units."""
    output = network.output.weights.row(0)
    total, jumps = Piece.number(network.output.biases[0], 1), dict[Fraction, Fraction]()
    if not network.layers:
        return total + Piece((output.get(0, Fraction(0)),), Fraction(0)), jumps
    for unit, pieces in enumerate(_units(network)):
        factor = output.get(unit, Fraction(0))
        first, bends = upper_envelope(pieces)
        total = total + first.times(factor)
        for place, jump in bends:
            jumps[place] = jumps.get(place, Fraction(0)) + factor * jump
    return total, {place: jump for place, jump in jumps.items() if jump}


def _units(network: MaxoutNetwork | ReluNetwork) -> list[list[Piece]]:
    """The pieces of each unit of the first layer."""
    layer = network.layers[0]
    affine, rank = (layer.pieces, layer.rank) if isinstance(layer, MaxoutLayer) else (layer, 1)
    slopes = {i: row[0][1] for i, row in affine.weights.filled}
    lines = [
        Piece((Fraction(slopes.get(i, 0), affine.weights.denominator),), Fraction(b, affine.biases.denominator))
        for i, b in enumerate(affine.biases.numerators)
    ]
    zero = [Piece.number(Fraction(0), 1)] if isinstance(network, ReluNetwork) else []
    return [[*lines[i : i + rank], *zero] for i in range(0, len(lines), rank)]


def upper_envelope(pieces: Sequence[Piece]) -> tuple[Piece, list[tuple[Fraction, Fraction]]]:
    """The maximum of pieces of one variable: its piece far to the left, and where its slope jumps, by how much."""
    hull: list[Piece] = []
    starts: list[Fraction] = []  # starts[i]: where hull[i + 1] takes over
    for piece in sorted(set(pieces), key=lambda p: (p.weights, p.constant)):
        if hull and hull[-1].weights == piece.weights:  # parallel and higher
            hull.pop()
            if starts:
                starts.pop()
        while hull:
            place = (hull[-1].constant - piece.constant) / (piece.weights[0] - hull[-1].weights[0])
            if not starts or place > starts[-1]:
                starts.append(place)
                break
            hull.pop()
            starts.pop()
        hull.append(piece)
    return hull[0], [(x, b.weights[0] - a.weights[0]) for x, a, b in zip(starts, hull, hull[1:], strict=False)]


def equals(f: CPWL, network: MaxoutNetwork | ReluNetwork) -> bool:
    """Whether a function of one variable equals a network of one layer on its domain: by their jumps there."""
    first, jumps = bends_of(network)
    low, high = f.cells[0].box[0][0], f.cells[-1].box[0][1]
    for place, jump in jumps.items():
        if place <= low:
            first = first + Piece((jump,), -jump * place)
    inner = {place: jump for place, jump in jumps.items() if low < place < high}
    return first == f.cells[0].piece and inner == {w.point[0]: w.jump * w.row[0][0] for w in f.walls if w.jump}
