"""Maxout and ReLU networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from exactformer.arguments import POSITIVE, instance
from exactformer.domain import Domain, exact_point
from exactformer.errors import Faults
from exactformer.networks.affine import Affine, read_affine
from exactformer.networks.exact import maxima, rectified
from exactformer.networks.shown import Shown
from exactformer.rational import (
    Matrix,
    Vector,
    array_shape,
    listed,
    read_matrix,
    read_vector,
    shape_text,
)


@dataclass(frozen=True)
class MaxoutLayer:
    """Units of one rank k: unit i is the maximum of the rows i*k, ..., i*k + k - 1 of `pieces` (theory D1)."""

    pieces: Affine
    rank: int

    def __post_init__(self) -> None:
        faults = Faults()
        if instance(self.pieces, Affine, "an Affine map", "layer.pieces", faults):
            POSITIVE.check(self.rank, "layer.rank", faults)
            faults.settle()
            if self.pieces.outputs % self.rank:
                faults.add("layer.pieces", f"a multiple of {self.rank} rows, as the rank is", f"{self.pieces.outputs}")
        faults.settle()

    @property
    def width(self) -> int:
        """The number of units."""
        return self.pieces.outputs // self.rank

    def __call__(self, x: Vector) -> Vector:
        """The exact values of the units."""
        return maxima(self.pieces(x), self.rank)


@dataclass(frozen=True, repr=False)
class MaxoutNetwork(Shown):
    """Layers of maxout units and an affine output: y = C h + c, h the units of the last layer (theory D1).

    >>> f = MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), name="|x|")
    >>> f.evaluate(["-1/3"])
    (Fraction(1, 3),)
    """

    layers: tuple[MaxoutLayer, ...]
    output: Affine
    domain: Domain | None = None
    name: str = ""
    notes: tuple[str, ...] = field(default=(), compare=False)  # what its reader assumed, in a sentence each

    kind = "maxout"

    def __post_init__(self) -> None:
        _settle(self, MaxoutLayer, "a MaxoutLayer (MaxoutNetwork.of takes plain lists)")

    @staticmethod
    def of(layers: Sequence[Any], output: Any, *, domain: Domain | None = None, name: str = "") -> MaxoutNetwork:
        """The network with layers (weights[unit][piece][input], biases[unit][piece]) and output (weights, biases).

        Units of one layer have equally many pieces (repeat one where a unit needs fewer). Raises `InvalidInput`
        with every fault found: ragged arrays, wrong widths, entries that are no numbers.
        """
        faults = Faults()
        check_label(domain, name, faults)
        result = read_maxout(layers, output, domain, name, faults)
        faults.settle()
        return result

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.layers[0].pieces.inputs if self.layers else self.output.inputs

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.output.outputs

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of units of each layer."""
        return tuple(layer.width for layer in self.layers)

    @property
    def tempered(self) -> tuple[int, ...]:
        """The layers that softmax may be read into: all of them."""
        return tuple(range(len(self.layers)))

    @property
    def size(self) -> str:
        """Inputs, widths of the layers, and outputs."""
        return "-".join(map(str, (self.inputs, *self.widths, self.outputs)))

    @property
    def rank(self) -> int:
        """The largest rank of a layer (1 without layers)."""
        return max((layer.rank for layer in self.layers), default=1)

    @property
    def parameters(self) -> int:
        """The number of weights and biases, P = sum k_l m_l (m_(l-1) + 1) + n_out (m_L + 1)."""
        return sum(a.outputs * (a.inputs + 1) for a in (*(layer.pieces for layer in self.layers), self.output))

    def evaluate(self, point: Any) -> tuple[Fraction, ...]:
        """The exact value at a point. Raises `InvalidInput` when the point does not fit."""
        return self.output(self.states(point)[-1]).fractions()

    def states(self, point: Any) -> list[Vector]:
        """The exact input, then the values of the units of each layer."""
        states = [exact_point(point, self.inputs)]
        for layer in self.layers:
            states.append(layer(states[-1]))
        return states


@dataclass(frozen=True, repr=False)
class ReluNetwork(Shown):
    """Layers of ReLU units, h -> max(W h + b, 0), and an affine output.

    >>> f = ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]), name="|x|")
    >>> f.evaluate([0.5])
    (Fraction(1, 2),)
    """

    layers: tuple[Affine, ...]
    output: Affine
    domain: Domain | None = None
    name: str = ""
    notes: tuple[str, ...] = field(default=(), compare=False)  # what its reader assumed, in a sentence each

    kind = "relu"

    def __post_init__(self) -> None:
        _settle(self, Affine, "an Affine map (ReluNetwork.of takes plain lists)")

    @staticmethod
    def of(layers: Sequence[Any], output: Any, *, domain: Domain | None = None, name: str = "") -> ReluNetwork:
        """The network with layers (weights[unit][input], biases[unit]) and output (weights, biases).

        Raises `InvalidInput` with every fault found.
        """
        faults = Faults()
        check_label(domain, name, faults)
        result = read_relu(layers, output, domain, name, faults)
        faults.settle()
        return result

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return (self.layers[0] if self.layers else self.output).inputs

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.output.outputs

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of units of each layer."""
        return tuple(layer.outputs for layer in self.layers)

    @property
    def tempered(self) -> tuple[int, ...]:
        """The layers that softmax may be read into: all of them."""
        return tuple(range(len(self.layers)))

    @property
    def size(self) -> str:
        """Inputs, widths of the layers, and outputs."""
        return "-".join(map(str, (self.inputs, *self.widths, self.outputs)))

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum(a.outputs * (a.inputs + 1) for a in (*self.layers, self.output))

    def evaluate(self, point: Any) -> tuple[Fraction, ...]:
        """The exact value at a point. Raises `InvalidInput` when the point does not fit."""
        return self.output(self.states(point)[-1]).fractions()

    def states(self, point: Any) -> list[Vector]:
        """The exact input, then the values of the units of each layer."""
        states = [exact_point(point, self.inputs)]
        for layer in self.layers:
            states.append(rectified(layer(states[-1])))
        return states


NOTHING = Affine(Matrix((0, 0), ()), Vector(()))  # stands for what could not be read


def _settle(network: MaxoutNetwork | ReluNetwork, kind: type, expected: str) -> None:
    """Makes the layers a tuple. Raises `InvalidInput` for parts of a wrong type, and for widths that do not fit."""
    faults = Faults()
    layers = frozen(network, "layers", kind, expected, faults)
    instance(network.output, Affine, "an Affine map", "output", faults)
    check_label(network.domain, network.name, faults)
    faults.settle()
    width = None
    for i, part in enumerate((*layers, network.output)):
        place, affine = f"layers[{i}]" if i < len(layers) else "output", getattr(part, "pieces", part)
        if width is not None and affine.inputs != width:
            faults.add(place, f"{width} inputs, as many as the layer before has units", f"{affine.inputs}")
        if affine.outputs != len(affine.biases):
            faults.add(place, f"{affine.outputs} biases", f"{len(affine.biases)}")
        width = getattr(part, "width", affine.outputs)
    _check_domain(network.domain, network.inputs, faults)
    faults.settle()


def frozen(owner: Any, name: str, kind: type, expected: str, faults: Faults) -> tuple[Any, ...]:
    """A field of a frozen object as a tuple of parts of one kind, in place of any sequence; faults are noted."""
    items = getattr(owner, name)
    if not instance(items, (tuple, list), "a tuple", name, faults):
        return ()
    for i, item in enumerate(items):
        instance(item, kind, expected, f"{name}[{i}]", faults)
    object.__setattr__(owner, name, tuple(items))
    return tuple(items)


def check_domain(domain: Any, faults: Faults) -> None:
    """Notes a fault unless the value is a domain or None; what was probably meant is suggested."""
    hint = "; did you mean ef.Box(lower, upper)?" if listed(domain) is not None else ""
    instance(domain, (Domain, type(None)), "a Domain or None", "domain", faults, hint)


def check_label(domain: Any, name: Any, faults: Faults) -> None:
    """Notes the faults of the two parts that every network may have beside its numbers."""
    check_domain(domain, faults)
    instance(name, str, "a text", "name", faults)


def read_relu(layers: Any, output: Any, domain: Domain | None, name: str, faults: Faults) -> ReluNetwork:
    """The ReLU network with the given data; faults are noted."""
    found = []
    width: int | None = None
    for number, layer in enumerate(_layers(layers, faults)):
        place = f"layers[{number}]"
        affine = _read_pair(layer, place, width, faults)
        if affine.outputs == 0:
            faults.add(f"{place}.weights", "at least one unit", "none")
        found.append(affine)
        width = affine.outputs or None
    last = _read_pair(output, "output", width, faults)
    _check_domain(domain, (found[0] if found else last).inputs, faults)
    return ReluNetwork((), NOTHING) if faults.reasons else ReluNetwork(tuple(found), last, domain, name)


def read_maxout(layers: Any, output: Any, domain: Domain | None, name: str, faults: Faults) -> MaxoutNetwork:
    """The maxout network with the given data; faults are noted."""
    found = []
    width: int | None = None
    for number, layer in enumerate(_layers(layers, faults)):
        found.append(_read_units(*_pair(layer, f"layers[{number}]", faults), f"layers[{number}]", width, faults))
        width = found[-1].width or None
    last = _read_pair(output, "output", width, faults)
    _check_domain(domain, (found[0].pieces if found else last).inputs, faults)
    return MaxoutNetwork((), NOTHING) if faults.reasons else MaxoutNetwork(tuple(found), last, domain, name)


def _read_units(weights: Any, biases: Any, place: str, inputs: int | None, faults: Faults) -> MaxoutLayer:
    """The layer with weights[unit][piece][input] and biases[unit][piece], of equally many pieces in each unit."""
    units = listed(weights)
    size = array_shape(units)
    if not units or (size is not None and (len(size) != 3 or size[1] == 0)):
        wanted = "weights[unit][piece][input], at least one unit and one piece"
        faults.add(f"{place}.weights", wanted, shape_text(weights))
        return MaxoutLayer(Affine(Matrix((0, inputs or 0)), Vector(())), 1)
    if size is not None and inputs is not None and size[2] != inputs:  # one fault for all units
        faults.add(f"{place}.weights", f"{inputs} numbers a piece", f"{size[2]}")
        inputs = size[2]
    matrices = []
    rank: int | None = None
    for i, unit in enumerate(units):
        matrix = read_matrix(unit, f"{place}.weights[{i}]", (None, inputs), faults)
        inputs, rank = inputs or matrix.shape[1] or None, rank or matrix.shape[0] or None
        if rank is None or matrix.shape[0] != rank:
            pieces = "at least one piece" if rank is None else f"{rank} pieces, as in the units before"
            faults.add(f"{place}.weights[{i}]", pieces, f"{matrix.shape[0]}")
            matrix = Matrix((rank or 1, matrix.shape[1]))
        matrices.append(matrix)
    numbers = _read_offsets(biases, f"{place}.biases", (len(units), rank or 1), faults)
    return MaxoutLayer(Affine(Matrix.stacked(matrices, inputs or 0), numbers), rank or 1)


def _read_offsets(biases: Any, place: str, shape: tuple[int, int], faults: Faults) -> Vector:
    """The numbers biases[unit][piece], unit after unit."""
    units, rank = shape
    offsets = listed(biases)
    size = array_shape(offsets)
    if offsets is None or len(offsets) != units or (size is not None and size != shape):
        found = shape_text(biases) if size is None or len(size) != 2 else f"{size[0]} x {size[1]}"
        faults.add(place, f"{units} x {rank} numbers, biases[unit][piece]", found)
        return Vector((0,) * (units * rank))
    vectors = [read_vector(item, f"{place}[{i}]", rank, faults) for i, item in enumerate(offsets)]
    return Vector.of(x for vector in vectors for x in vector.fractions())


def _layers(layers: Any, faults: Faults) -> list[Any]:
    items = listed(layers)
    if items is None:
        faults.add("layers", "a list", layers)
    return items or []


def _pair(value: Any, place: str, faults: Faults) -> tuple[Any, Any]:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return value[0], value[1]
    faults.add(place, "a pair of weights and biases", value)
    return [], []


def _read_pair(value: Any, place: str, inputs: int | None, faults: Faults) -> Affine:
    weights, biases = _pair(value, place, faults)
    return read_affine(weights, biases, (f"{place}.weights", f"{place}.biases"), (None, inputs), faults)


def _check_domain(domain: Domain | None, inputs: int, faults: Faults) -> None:
    if isinstance(domain, Domain) and domain.dimension != inputs and (inputs or not faults.reasons):
        faults.add("domain", f"{inputs} inputs", f"{domain.dimension}")
