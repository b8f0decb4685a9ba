"""ReLU networks as maxout networks of rank 2 (theory D2)."""

from __future__ import annotations

from exactformer.networks import Affine, MaxoutLayer, MaxoutNetwork, ReluNetwork
from exactformer.rational import Matrix, Vector


def relu_to_maxout(network: ReluNetwork) -> MaxoutNetwork:
    """The maxout network with the units max(u, 0) for the units relu(u): piece 0 is u, piece 1 is zero.

    Same depth, widths, domain and name; nothing is raised.
    """
    return MaxoutNetwork(tuple(map(_layer, network.layers)), network.output, network.domain, network.name)


def _layer(layer: Affine) -> MaxoutLayer:
    rows = tuple(part for row in layer.weights.rows for part in (row, ()))
    numerators = tuple(part for b in layer.biases.numerators for part in (b, 0))
    weights = Matrix.of_rows(rows, layer.inputs, layer.weights.denominator)
    return MaxoutLayer(Affine(weights, Vector(numerators, layer.biases.denominator)), 2)
