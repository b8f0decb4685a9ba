"""A network on a plane through its inputs, or any other affine image of fewer of them, as a network of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from exactformer.domain import Domain, exact_point
from exactformer.errors import Faults, InvalidInput
from exactformer.networks import Affine, Network, ReluNetwork, check_domain, check_network, layered
from exactformer.networks.feedforward import MaxoutLayer
from exactformer.networks.transformer import Transformer
from exactformer.rational import Matrix, Vector, read_matrix


def sliced(network: Network, origin: Any, directions: Any, domain: Domain | None = None) -> Network:
    """The network t -> network(origin + t1 directions[0] + t2 directions[1] + ...), exactly.

    `origin` has one number an input, and so has each direction. `domain` is that of t.

    >>> from exactformer import Box, ReluNetwork
    >>> f = ReluNetwork.of([([[1, 1], [1, -1]], [0, 0])], ([[1, 1]], [0]))
    >>> sliced(f, [0, 1], [[1, 0]], Box([-2], [2])).evaluate([3])
    (Fraction(6, 1),)

    Raises `InvalidInput` for arguments of a wrong type and when the shapes do not fit.
    """
    faults = Faults()
    check_network(network, "network", faults)
    check_domain(domain, faults)
    faults.settle()
    network = layered(network)
    start = exact_point(origin, network.inputs)
    matrix = read_matrix(directions, "directions", (None, network.inputs), faults)
    faults.settle()
    count = matrix.shape[0]
    if domain is not None and domain.dimension != count:
        raise InvalidInput(f"domain: expected {count} inputs, one a direction, found {domain.dimension}")

    def pulled(affine: Affine) -> Affine:
        entries: dict[tuple[int, int], Fraction] = {}
        for i in range(affine.outputs):
            row = affine.weights.row(i)
            for j in range(count):
                total = sum((w * row[k] for k, w in matrix.row(j).items() if k in row), Fraction(0))
                if total:
                    entries[i, j] = total
        return Affine(Matrix.sparse(affine.outputs, count, entries), affine(start))

    if isinstance(network, Transformer):
        return replace(network, embedding=tuple(map(pulled, network.embedding)), domain=domain)
    if not network.layers:
        return replace(network, output=pulled(network.output), domain=domain)
    if isinstance(network, ReluNetwork):
        return replace(network, layers=(pulled(network.layers[0]), *network.layers[1:]), domain=domain)
    first = network.layers[0]
    first = MaxoutLayer(pulled(first.pieces), first.rank)
    return replace(network, layers=(first, *network.layers[1:]), domain=domain)


def coordinate_plane(network: Network, domain: Domain, axes: Sequence[int], at: Sequence[Fraction] | None) -> Network:
    """The network as a function of some of its inputs, the others held at a point (by default the domain's middle).

    The domain of the result is that of these inputs; further inequalities of the domain are cut along the plane.
    Raises `InvalidInput` for an input that does not exist, or is named twice, or has no bound to take a middle of.
    """
    n = network.inputs
    if any(not 0 <= i < n for i in axes) or len(set(axes)) < len(axes):
        raise InvalidInput(f"slice: expected different inputs among x1 to x{n}, found {[f'x{i + 1}' for i in axes]}")
    ends = list(zip(domain.lower, domain.upper, strict=True))
    if at is None:
        free = [i for i, (lo, hi) in enumerate(ends) if i not in axes and (lo is None or hi is None)]
        if free:
            raise InvalidInput(
                f"slice: expected a point, as x{free[0] + 1} has no bounds to take a middle of, found none"
            )
        at = [(lo + hi) / 2 if lo is not None and hi is not None else Fraction(0) for lo, hi in ends]
    if len(at) != n:
        raise InvalidInput(f"slice: expected a point with {n} coordinates, found {len(at)}")
    origin = [Fraction(0) if i in axes else x for i, x in enumerate(at)]
    directions = [[int(i == axis) for i in range(n)] for axis in axes]
    rows = {(i, j): x for i, j, x in _columns(domain.matrix, axes)}
    held = (domain.matrix @ Vector.of(origin)).fractions()
    bounds = [b - h for b, h in zip(domain.bounds.fractions(), held, strict=True)]
    if any(i not in axes and not _within(x, *ends[i]) for i, x in enumerate(at)):
        bounds.append(Fraction(-1))  # 0 <= -1: the plane misses the domain
    plane = Domain(
        tuple(domain.lower[i] for i in axes),
        tuple(domain.upper[i] for i in axes),
        Matrix.sparse(len(bounds), len(axes), rows),
        Vector.of(bounds),
    )
    return sliced(network, origin, directions, plane)


def fixed_inputs(domain: Domain) -> dict[int, Fraction]:
    """The inputs that have one possible value on the domain, by its bounds, and the value."""
    ends = enumerate(zip(domain.lower, domain.upper, strict=True))
    return {i: lo for i, (lo, hi) in ends if lo is not None and lo == hi}


def _within(x: Fraction, lower: Fraction | None, upper: Fraction | None) -> bool:
    return (lower is None or lower <= x) and (upper is None or x <= upper)


def _columns(matrix: Matrix, axes: Sequence[int]) -> list[tuple[int, int, Fraction]]:
    return [(i, axes.index(j), x) for (i, j), x in matrix.entries().items() if j in axes]
