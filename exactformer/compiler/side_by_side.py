"""Several networks as one: their inputs and their outputs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactformer.compiler.relu_to_maxout import relu_to_maxout
from exactformer.networks import Affine, MaxoutLayer, MaxoutNetwork, ReluNetwork
from exactformer.rational import Matrix, Vector

Row = tuple[dict[int, Fraction], Fraction]  # the coefficients of a piece, and its bias


def side_by_side(
    networks: Sequence[MaxoutNetwork | ReluNetwork], columns: Sequence[Sequence[int]], inputs: int, *, through: bool
) -> MaxoutNetwork:
    """The network with the outputs of all networks, one after the other; with `through`, first with its own inputs.

    Input i of network k is input columns[k][i] of the whole. Where a network has fewer layers than another, or hands
    its inputs through, values are carried by units max(h, h) = h. Nothing is raised for networks that fit.
    """
    parts = [relu_to_maxout(network) if isinstance(network, ReluNetwork) else network for network in networks]
    carried = list(range(inputs)) if through else []
    at = [carried, *(list(own) for own in columns)]  # where the values of each part are in the layer below
    width, layers = inputs, []
    for number in range(max([len(part.layers) for part in parts], default=0)):
        own = [None, *(part.layers[number] if number < len(part.layers) else None for part in parts)]
        units = [
            unit
            for layer, places in zip(own, at, strict=True)
            for unit in (_identity(places) if layer is None else _units(layer, places))
        ]
        layers.append(_layer(units, width))
        sizes = [len(places) if layer is None else layer.width for layer, places in zip(own, at, strict=True)]
        at, width = _following(sizes), len(units)
    outputs = [row for (row,) in _identity(at[0])]
    for part, places in zip(parts, at[1:], strict=True):
        outputs += _rows(part.output, places)
    return MaxoutNetwork(tuple(layers), _affine(outputs, width))


def _following(sizes: Sequence[int]) -> list[list[int]]:
    """So many places for each part, one after the other."""
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    return [list(range(start, start + size)) for start, size in zip(starts, sizes, strict=True)]


def _identity(places: Sequence[int]) -> list[list[Row]]:
    """Units that are the values at these places."""
    return [[({place: Fraction(1)}, Fraction(0))] for place in places]


def _units(layer: MaxoutLayer, places: Sequence[int]) -> list[list[Row]]:
    """The units of a layer whose values below are at these places, each as its pieces."""
    rows, k = _rows(layer.pieces, places), layer.rank
    return [rows[i * k : (i + 1) * k] for i in range(layer.width)]


def _rows(part: Affine, places: Sequence[int]) -> list[Row]:
    """The rows of an affine map of the values at these places; places that are the same add up."""
    found = []
    for number, bias in enumerate(part.biases.fractions()):
        row: dict[int, Fraction] = {}
        for i, c in part.weights.row(number).items():
            row[places[i]] = row.get(places[i], Fraction(0)) + c
        found.append((row, bias))
    return found


def _layer(units: Sequence[Sequence[Row]], width: int) -> MaxoutLayer:
    """The layer with these units; those with fewer pieces repeat their first."""
    rank = max(map(len, units))
    pieces = [row for unit in units for row in (*unit, *[unit[0]] * (rank - len(unit)))]
    return MaxoutLayer(_affine(pieces, width), rank)


def _affine(rows: Sequence[Row], width: int) -> Affine:
    entries = {(number, i): c for number, (row, _) in enumerate(rows) for i, c in row.items()}
    return Affine(Matrix.sparse(len(rows), width, entries), Vector.of(bias for _, bias in rows))
