"""Maxout networks of rank 2 as ReLU networks (theory D2, the way back)."""

from __future__ import annotations

from fractions import Fraction

from exactformer.errors import Unsupported
from exactformer.networks import Affine, MaxoutNetwork, ReluNetwork
from exactformer.rational import Matrix, Vector

Row = tuple[dict[int, Fraction], Fraction]  # the weights and the bias of one affine function


def maxout_to_relu(network: MaxoutNetwork) -> ReluNetwork:
    """The ReLU network that equals a maxout network of rank at most 2 on all of R^n, of the same depth.

    max(a, b) = relu(a - b) + relu(b) - relu(-b); of two pieces the one with fewer weights is b, and a constant b needs
    no unit. So a layer of m units has at most 3 m neurons, equal ones counted once. Raises `Unsupported` for a larger
    rank: `maxout_to_lower_rank` comes first.
    """
    if network.rank > 2:
        raise Unsupported(f"maxout_to_relu: expected units of at most 2 pieces, found rank {network.rank}")
    layers = []
    width = network.inputs
    values: list[Row] = [({i: Fraction(1)}, Fraction(0)) for i in range(width)]  # of a layer, in what stands before it
    for layer in network.layers:
        pieces = [_composed(row, values) for row in _rows(layer.pieces)]
        neurons: dict[tuple[tuple[tuple[int, Fraction], ...], Fraction], int] = {}
        values = [_unit(pieces[i : i + layer.rank], neurons) for i in range(0, len(pieces), layer.rank)]
        rows = [(dict(weights), bias) for weights, bias in neurons] or [({}, Fraction(0))]  # no layer is empty
        layers.append(_affine(rows, width))
        width = len(rows)
    output = _affine([_composed(row, values) for row in _rows(network.output)], width)
    return ReluNetwork(tuple(layers), output, network.domain, network.name)


def _unit(pieces: list[Row], neurons: dict[tuple[tuple[tuple[int, Fraction], ...], Fraction], int]) -> Row:
    """The value of a unit over the neurons of its layer, which are added where they are missing."""
    a, b = max(pieces, key=lambda row: len(row[0])), min(pieces, key=lambda row: len(row[0]))
    if a is b and len(pieces) == 2:
        a, b = pieces
    terms = [(1, _sum([(Fraction(1), a), (Fraction(-1), b)]))] + [
        (s, _sum([(Fraction(s), b)])) for s in (1, -1) if b[0]
    ]
    found: dict[int, Fraction] = {}
    constant = Fraction(0) if b[0] else b[1]
    for sign, (weights, bias) in terms:
        if not weights:  # relu of a number
            constant += sign * max(bias, Fraction(0))
            continue
        at = neurons.setdefault((tuple(sorted(weights.items())), bias), len(neurons))
        found[at] = found.get(at, Fraction(0)) + sign
    return {at: c for at, c in found.items() if c}, constant


def _composed(row: Row, values: list[Row]) -> Row:
    """The row over `values`, as a row over what these are written in."""
    weights, bias = _sum([(w, values[i]) for i, w in row[0].items()])
    return weights, bias + row[1]


def _sum(terms: list[tuple[Fraction, Row]]) -> Row:
    weights: dict[int, Fraction] = {}
    for factor, (row, _) in terms:
        for i, w in row.items():
            weights[i] = weights.get(i, Fraction(0)) + factor * w
    bias = sum((factor * b for factor, (_, b) in terms), Fraction(0))
    return {i: w for i, w in weights.items() if w}, bias


def _rows(affine: Affine) -> list[Row]:
    return [(affine.weights.row(i), affine.biases[i]) for i in range(affine.outputs)]


def _affine(rows: list[Row], inputs: int) -> Affine:
    entries = {(i, j): w for i, (weights, _) in enumerate(rows) for j, w in weights.items()}
    return Affine(Matrix.sparse(len(rows), inputs, entries), Vector.of(bias for _, bias in rows))
