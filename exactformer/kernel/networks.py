"""The kernel's own reader of network files: maxout, ReLU and Transformer networks as exact integer data."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from .forms import UNIT, Vector, combine
from .functions import Function, read_function
from .reading import array, common_denominator, entries, natural, numbers, parse_json, reject, table

UNBIASED = object()  # in place of the biases of a map that has none


@dataclass(frozen=True)
class Affine:
    """The map x -> (W x + b) / den; only rows that are not zero are kept, as (index, [(column, weight)], bias)."""

    height: int
    width: int
    rows: list[tuple[int, list[tuple[int, int]], int]]
    den: int

    def __call__(self, state: Vector) -> Vector:
        """The map applied to a vector of forms."""
        result: Vector = {}
        for index, weights, bias in self.rows:
            parts = [(w, state[c]) for c, w in weights if c in state]
            if bias:
                parts.append((bias, UNIT))
            form = combine(parts, self.den)
            if form.terms:
                result[index] = form
        return result


@dataclass(frozen=True)
class Maxout:
    """Layers of (rank, pieces): unit i is the maximum of the pieces i*rank ... i*rank + rank - 1."""

    inputs: int
    outputs: int
    layers: list[tuple[int, Affine]]
    output: Affine


@dataclass(frozen=True)
class Head:
    """One attention head: query, key, value and output projections."""

    query: Affine
    key: Affine
    value: Affine
    output: Affine


@dataclass(frozen=True)
class Transformer:
    """Embedding per token, then sublayers: a list of heads, or a pair of affine maps with a ReLU between."""

    inputs: int
    outputs: int
    embedding: list[Affine]
    sublayers: list[tuple[int, list[Head] | tuple[Affine, Affine]]]  # (block, heads or feed-forward)
    residual: bool
    causal: bool
    token: int
    readout: Affine


Network = Maxout | Transformer | Function


def read_network(data: bytes, place: str) -> Network:
    """The network in a file of format exactformer/network-1."""
    value = parse_json(data, place)
    kind = value.get("kind") if isinstance(value, dict) else None
    common = ("format", "kind")
    if kind in ("maxout", "relu"):
        value = table(value, place, (*common, "layers", "output"), ("name", "domain"))
        network: Network = _feedforward(value, place, kind == "relu")
    elif kind == "transformer":
        optional = ("name", "domain", "mask", "coordinates")  # names say nothing
        value = table(value, place, (*common, "embedding", "blocks", "residual", "readout"), optional)
        network = _transformer(value, place)
    elif kind == "function":
        return read_function(value, place)
    else:
        reject(f"{place}: kind", "maxout, relu, transformer or function", kind)
    if value["format"] != "exactformer/network-1":
        reject(f"{place}: format", "exactformer/network-1", value["format"])
    return network


def _affine(matrix: object, biases: object, place: str, width: int | None, height: int | None = None) -> Affine:
    """An affine map from its matrix and its biases (`UNBIASED`: all zero)."""
    rows, columns, found = entries(matrix, f"{place}.weights", height, width)
    offsets = {} if biases is UNBIASED else dict(enumerate(numbers(biases, f"{place}.biases", rows)))
    den = common_denominator([*found.values(), *offsets.values()])
    weights: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (i, j), x in found.items():
        weights[i].append((j, x.numerator * (den // x.denominator)))
    whole = {i: b.numerator * (den // b.denominator) for i, b in offsets.items() if b}
    kept = [(i, weights.get(i, []), whole.get(i, 0)) for i in sorted(weights.keys() | whole.keys())]
    return Affine(rows, columns, kept, den)


def _feedforward(value: dict[str, object], place: str, relu: bool) -> Maxout:
    layers: list[tuple[int, Affine]] = []
    width: int | None = None
    for number, item in enumerate(array(value["layers"], f"{place}: layers")):
        where = f"{place}: layers[{number}]"
        layer = table(item, where, ("weights", "biases"))
        weights, biases = layer["weights"], layer["biases"]
        rank = 1
        if not relu:  # [unit][piece][input] becomes one matrix with unit * rank + piece as its row
            units = [array(unit, f"{where}.weights[{i}]") for i, unit in enumerate(array(weights, f"{where}.weights"))]
            rank = len(units[0]) if units else 1
            if rank == 0:
                reject(f"{where}.weights[0]", "at least one piece", "none")
            offsets = array(biases, f"{where}.biases", len(units))
            weights = [piece for i, unit in enumerate(units) for piece in array(unit, f"{where}.weights[{i}]", rank)]
            biases = [b for i, unit in enumerate(offsets) for b in array(unit, f"{where}.biases[{i}]", rank)]
        pieces = _affine(weights, biases, where, width)
        if pieces.height == 0:
            reject(f"{where}.weights", "at least one unit", "none")
        layers.append((0 if relu else rank, pieces))
        width = pieces.height // rank
    out = table(value["output"], f"{place}: output", ("weights", "biases"))
    output = _affine(out["weights"], out["biases"], f"{place}: output", width)
    first = layers[0][1] if layers else output
    return Maxout(first.width, output.height, layers, output)


def _transformer(value: dict[str, object], place: str) -> Transformer:
    part = table(value["embedding"], f"{place}: embedding", ("weights", "offsets"))
    maps = array(part["weights"], f"{place}: embedding.weights")
    offsets = array(part["offsets"], f"{place}: embedding.offsets", len(maps))
    embedding: list[Affine] = []
    for t, (matrix, offset) in enumerate(zip(maps, offsets, strict=True)):
        height, width = (embedding[0].height, embedding[0].width) if embedding else (None, None)
        embedding.append(_affine(matrix, offset, f"{place}: embedding[{t}]", width, height))
    if not embedding:
        reject(f"{place}: embedding", "at least one token", "none")
    d = embedding[0].height
    sublayers: list[tuple[int, list[Head] | tuple[Affine, Affine]]] = []
    for b, item in enumerate(array(value["blocks"], f"{place}: blocks")):
        where = f"{place}: blocks[{b}]"
        block = table(item, where, ("heads", "feedforward"))
        if block["heads"] is not None:
            heads = array(block["heads"], f"{where}.heads")
            sublayers.append((b, [_head(head, f"{where}.heads[{h}]", d) for h, head in enumerate(heads)]))
        if block["feedforward"] is not None:
            ffn = table(block["feedforward"], f"{where}.feedforward", ("w1", "b1", "w2", "b2"))
            inner = _affine(ffn["w1"], ffn["b1"], f"{where}.feedforward.w1", d)
            sublayers.append((b, (inner, _affine(ffn["w2"], ffn["b2"], f"{where}.feedforward.w2", inner.height, d))))
    if type(value["residual"]) is not bool:
        reject(f"{place}: residual", "true or false", value["residual"])
    if value.get("mask") not in (None, "causal"):
        reject(f"{place}: mask", 'null or "causal"', value["mask"])
    out = table(value["readout"], f"{place}: readout", ("token", "weights", "biases"))
    readout = _affine(out["weights"], out["biases"], f"{place}: readout", d)
    return Transformer(
        inputs=embedding[0].width,
        outputs=readout.height,
        embedding=embedding,
        sublayers=sublayers,
        residual=value["residual"],
        causal=value.get("mask") == "causal",
        token=natural(out["token"], f"{place}: readout.token", len(embedding)),
        readout=readout,
    )


def _head(item: object, place: str, d: int) -> Head:
    head = table(item, place, ("query", "key", "value", "output"))
    key = _affine(head["key"], UNBIASED, f"{place}.key", d)
    value = _affine(head["value"], UNBIASED, f"{place}.value", d)
    return Head(
        query=_affine(head["query"], UNBIASED, f"{place}.query", d, key.height),
        key=key,
        value=value,
        output=_affine(head["output"], UNBIASED, f"{place}.output", value.height, d),
    )
