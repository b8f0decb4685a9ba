"""Random cases for checkers of certificates: networks as JSON data, claims about them, and certificates.

Everything comes from one random generator, so that a seed names a case.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

import checker
import player

import exactformer as ef
from exactformer.approximation.forms import polyline_to_relu
from exactformer.approximation.knots import Polyline
from exactformer.approximation.one_head import polyline_to_one_head
from exactformer.approximation.own import own_pieces
from exactformer.formats import network_json
from exactformer.piecewise.cpwl_to_two_maxima import cpwl_to_two_maxima
from exactformer.prover.certificate import dump

CONSTRUCTIONS = (
    "gated",
    "global",
    "no-residual",
    "single-head",
    "two-step",
    "sequential",
    "tournament",
    "causal",
    "gated-box-erasers",
    "gated-head-eraser",
    "gated-fresh-slots",
)
FORMAT = "exactformer/network-1"
Data = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A certificate and the files it may name."""

    certificate: bytes
    files: dict[str, bytes]


def text_of(value: Any) -> bytes:
    """JSON data as bytes."""
    return json.dumps(value).encode()


def digest(data: bytes) -> str:
    """The name of bytes in a certificate."""
    return hashlib.sha256(data).hexdigest()


# --- numbers and matrices -------------------------------------------------------------------------


def value_of(r: random.Random) -> Fraction:
    """A small number, often 0 or 1 so that there are ties and equal pieces."""
    return Fraction(r.choice([-2, -1, -1, 0, 0, 1, 1, 1, 2, 3]), r.choice([1, 1, 1, 1, 2, 3]))


def spelt(r: random.Random, x: Fraction | int) -> Any:
    """A number in one of its spellings."""
    x = Fraction(x)
    if x.denominator != 1:
        return r.choice([str(x), float(x)]) if x.denominator == 2 else str(x)
    return r.choice([int(x)] * 6 + [str(x), f"{x}/1", f"{x}.0", f"{x}e0", float(x)])


def matrix(r: random.Random, height: int, width: int, number: Callable[[random.Random], Fraction]) -> list[Any]:
    """A random dense matrix."""
    return [[number(r) for _ in range(width)] for _ in range(height)]


def written_matrix(r: random.Random, rows: list[list[Fraction]], width: int) -> Any:
    """A matrix as a file has it, dense or sparse."""
    if rows and r.random() < 0.8:
        return [[spelt(r, x) for x in row] for row in rows]
    entries = [[i, j, spelt(r, x)] for i, row in enumerate(rows) for j, x in enumerate(row) if x]
    return {"shape": [len(rows), width], "entries": entries}


def written(r: random.Random, values: list[Fraction]) -> list[Any]:
    """A list of numbers as a file has it."""
    return [spelt(r, x) for x in values]


# --- networks -------------------------------------------------------------------------------------


@dataclass
class Layers:
    """A maxout or ReLU network in the making: for each unit its pieces, each a row of weights and then a bias."""

    inputs: int
    layers: list[list[list[list[Fraction]]]]
    output: list[list[Fraction]]
    relu: bool

    def data(self, r: random.Random) -> Data:
        """The network file as JSON data."""
        layers, below = [], self.inputs
        for layer in self.layers:
            if self.relu:
                weights: Any = written_matrix(r, [unit[0][:-1] for unit in layer], below)
                biases: Any = written(r, [unit[0][-1] for unit in layer])
            else:
                weights = [[written(r, piece[:-1]) for piece in unit] for unit in layer]
                biases = [[spelt(r, piece[-1]) for piece in unit] for unit in layer]
            layers.append({"weights": weights, "biases": biases})
            below = len(layer)
        weights = written_matrix(r, [row[:-1] for row in self.output], below)
        output = {"weights": weights, "biases": written(r, [row[-1] for row in self.output])}
        kind = "relu" if self.relu else "maxout"
        return {"format": FORMAT, "kind": kind, "layers": layers, "output": output}


def random_layers(r: random.Random, inputs: int, outputs: int) -> Layers:
    """A random maxout or ReLU network; some have no negative weights, so that they increase and are convex."""
    relu = r.random() < 0.5
    number = number_source(r)
    layers, below = [], inputs
    for _ in range(r.choice([0, 1, 1, 1, 2, 2])):
        width, rank = r.randint(1, 3), 1 if relu else r.choice([1, 2, 2, 2, 3])
        layer: list[list[list[Fraction]]] = []
        for _ in range(width):
            if layer and r.random() < 0.4:
                layer.append(related(r, r.choice(layer), relu))
            else:
                layer.append([random_piece(r, below, number) for _ in range(rank)])
        layers.append(layer)
        below = width
    output = [[number(r) for _ in range(below)] + [value_of(r)] for _ in range(outputs)]
    return Layers(inputs, layers, output, relu)


def number_source(r: random.Random) -> Callable[[random.Random], Fraction]:
    """Where the weights of a network come from: small numbers, or such that are not negative."""
    return (lambda r: abs(value_of(r))) if r.random() < 0.4 else value_of


def random_piece(r: random.Random, below: int, number: Callable[[random.Random], Fraction]) -> list[Fraction]:
    """A row of weights and a bias, sometimes one that passes a coordinate on."""
    if r.random() < 0.35:
        i = r.randrange(below) if below else 0
        return [Fraction(i == j) for j in range(below)] + [Fraction(0)]
    return [number(r) for _ in range(below)] + [r.choice([Fraction(0), value_of(r)])]


def related(r: random.Random, unit: list[list[Fraction]], relu: bool) -> list[list[Fraction]]:
    """A unit of the same class as another: scaled, mirrored, and moved by an affine form."""
    scale = Fraction(r.choice([1, 1, 2, Fraction(1, 2), -1, -1] if relu or len(unit) == 2 else [1, 2]))
    shift = [r.choice([Fraction(0), value_of(r)]) for _ in unit[0]] if not relu and r.random() < 0.5 else None
    rows = [[scale * x for x in piece] for piece in unit]
    return [[x + y for x, y in zip(row, shift, strict=True)] if shift else row for row in rows]


def variant(r: random.Random, source: Layers) -> Layers:
    """The same function in another way: units scaled, pieces in another order, with further ones."""
    net = deepcopy(source)
    if net.relu and r.random() < 0.5:
        net.layers = [[[*unit, [Fraction(0)] * len(unit[0])] for unit in layer] for layer in net.layers]
        net.relu = False
    for number, layer in enumerate(net.layers):
        above = [piece for unit in net.layers[number + 1] for piece in unit] if number + 1 < len(net.layers) else []
        above = above or net.output
        for i, unit in enumerate(layer):
            scale = r.choice([Fraction(1), Fraction(1), Fraction(2), Fraction(1, 3)])
            unit[:] = [[scale * x for x in piece] for piece in unit]
            for row in above:
                row[i] /= scale
            if not net.relu:
                r.shuffle(unit)
        if not net.relu and r.random() < 0.3:
            for unit in layer:
                extra = list(r.choice(unit))
                extra[-1] -= r.choice([0, 1])
                unit.insert(r.randint(0, len(unit)), extra)
    return net


def random_transformer(r: random.Random, inputs: int, outputs: int) -> Data:
    """A random Transformer; coordinate 0 of every state is 1 (mostly), and queries read nothing else (mostly)."""
    tokens, width = r.randint(1, 4), r.randint(2, 4)
    residual = r.random() < 0.6
    tame = r.random() < 0.93
    number = number_source(r)
    earlier: list[Any] = []

    def head() -> Data:
        depth, height = r.choice([1, 1, 1, 2, 0]), r.choice([1, 1, 2, 2, 0])
        query = matrix(r, depth, width, number)
        if tame:
            query = [[row[0] or Fraction(1), *[Fraction(0)] * (width - 1)] for row in query]
        key, value = matrix(r, depth, width, number), matrix(r, height, width, number)
        if key and r.random() < 0.7:
            key = [random_piece(r, width, number)[:-1] for _ in key]
        if key and earlier and r.random() < 0.4:
            key[0] = [r.choice([1, 2, -1]) * x for x in r.choice(earlier)]
        earlier.extend(key)
        if key and value and r.random() < 0.6:
            scale = r.choice([1, 1, 2, -1])
            value[0] = [scale * x for x in key[0]]
            key[1:] = [[Fraction(0)] * width for _ in key[1:]]
        output = matrix(r, width, height, number)
        if tame:
            output[0] = [Fraction(0)] * height
            if value and not residual:
                value[-1], output[0][-1] = [Fraction(j == 0) for j in range(width)], Fraction(1)
        return {
            "query": written_matrix(r, query, width),
            "key": written_matrix(r, key, width),
            "value": written_matrix(r, value, width),
            "output": written_matrix(r, output, height),
        }

    def feedforward() -> Data:
        hidden = r.choice([1, 1, 2, 2, 3, 0])
        first = []
        for _ in range(hidden):
            fresh = [random_piece(r, width, number)]
            first.append(related(r, [r.choice(first)], True)[0] if first and r.random() < 0.4 else fresh[0])
        w2, b2 = matrix(r, width, hidden, number), [value_of(r) for _ in range(width)]
        if tame:
            w2[0], b2[0] = [Fraction(0)] * hidden, Fraction(not residual)
        return {
            "w1": written_matrix(r, [row[:-1] for row in first], width),
            "b1": written(r, [row[-1] for row in first]),
            "w2": written_matrix(r, w2, hidden),
            "b2": written(r, b2),
        }

    def block() -> Data:
        heads = None if r.random() < 0.25 else [head() for _ in range(r.choice([1, 1, 1, 2, 0]))]
        return {"heads": heads, "feedforward": feedforward() if r.random() < 0.5 else None}

    embedding = [[[Fraction(0)] * inputs, *matrix(r, width - 1, inputs, number)] for _ in range(tokens)]
    offsets = [[Fraction(1), *(value_of(r) for _ in range(width - 1))] for _ in range(tokens)]
    if tokens > 1 and r.random() < 0.2:
        embedding[-1], offsets[-1] = embedding[0], offsets[0]
    mask = {"mask": r.choice([None, "causal"])} if r.random() < 0.9 else {}
    return {
        "format": FORMAT,
        "kind": "transformer",
        "embedding": {
            "weights": [written_matrix(r, rows, inputs) for rows in embedding],
            "offsets": [written(r, row) for row in offsets],
        },
        "blocks": [block() for _ in range(r.choice([0, 1, 1, 2, 2, 3]))],
        "residual": residual,
        **mask,
        "readout": {
            "token": r.randrange(tokens),
            "weights": written_matrix(r, matrix(r, outputs, width, number), width),
            "biases": written(r, [value_of(r) for _ in range(outputs)]),
        },
    }


def sparse_row(r: random.Random, width: int, first: int = 0) -> list[Fraction]:
    """A row with one or two small entries."""
    row = [Fraction(0)] * width
    for _ in range(r.choice([1, 1, 2])):
        row[r.randrange(first, width)] = Fraction(r.choice([1, 1, 1, -1, 2]))
    return row


def mirrored_layers(r: random.Random, inputs: int, outputs: int) -> Layers:
    """A maxout network whose first layer has u, relu(u) and relu(-u), so that many later forms are equal."""
    u = [*sparse_row(r, inputs), r.choice([Fraction(0), Fraction(1, 2)])]
    minus, zero = [-x for x in u], [Fraction(0)] * len(u)
    layers = [[[u, u], [u, zero], r.choice([[minus, zero], [zero, minus], [u, minus]])]]
    for _ in range(r.choice([1, 1, 2])):
        below, layer = len(layers[-1]), []
        for _ in range(r.choice([1, 2, 3])):
            piece = [*sparse_row(r, below), Fraction(0)]
            other = [*sparse_row(r, below), r.choice([Fraction(0), Fraction(0), Fraction(-1)])]
            layer.append([piece, r.choice([piece, other, other, zero[:0] + [Fraction(0)] * (below + 1)])])
        layers.append(layer)
    below = len(layers[-1])
    return Layers(inputs, layers, [[*sparse_row(r, below), Fraction(0)] for _ in range(outputs)], False)


def mirrored_transformer(r: random.Random, inputs: int, outputs: int) -> Data:
    """A Transformer whose tokens hold 1, u, relu(u), relu(-u) and free coordinates that heads and neurons fill."""
    tokens, width = r.choice([2, 2, 3, 4]), 6
    u = sparse_row(r, inputs)
    embedding, offsets = [], []
    for _ in range(tokens):
        own = [r.choice([1, 1, -1, 2]) * x for x in u] if r.random() < 0.7 else sparse_row(r, inputs)
        extra = sparse_row(r, inputs)
        zero = [Fraction(0)] * inputs
        embedding.append([zero, own, zero, zero, extra, zero])
        offsets.append([Fraction(1), *[Fraction(0)] * 4, value_of(r)])

    def unit(i: int, size: int, c: int = 1) -> list[Fraction]:
        return [Fraction(c * (i == j)) for j in range(size)]

    def neurons(rows: list[list[Fraction]], to: list[int]) -> Data:
        w2 = [[Fraction(i == target) for target in to] for i in range(width)]
        return {
            "w1": written_matrix(r, rows, width),
            "b1": [0] * len(rows),
            "w2": written_matrix(r, w2, len(rows)),
            "b2": [0] * width,
        }

    def head() -> Data:
        key = sparse_row(r, width, 1)
        value = r.choice([key, [-x for x in key], sparse_row(r, width, 1), sparse_row(r, width)])
        output = [[Fraction(i == r_target)] for r_target in [r.choice([2, 4, 5, 5])] for i in range(width)]
        return {
            "query": written_matrix(r, [unit(0, width)], width),
            "key": written_matrix(r, [key], width),
            "value": written_matrix(r, [value], width),
            "output": written_matrix(r, output, 1),
        }

    def later() -> Data:
        rows = [sparse_row(r, width, 1) for _ in range(r.choice([1, 2]))]
        part = neurons(rows, [r.choice([2, 3, 4, 5]) for _ in rows]) if r.random() < 0.5 else None
        return {"heads": [head() for _ in range(r.choice([1, 1, 2]))], "feedforward": part}

    first = neurons([unit(1, width), unit(1, width, -1)], [2, 3])
    readout = [sparse_row(r, width, 1) for _ in range(outputs)]
    return {
        "format": FORMAT,
        "kind": "transformer",
        "embedding": {
            "weights": [written_matrix(r, rows, inputs) for rows in embedding],
            "offsets": [written(r, row) for row in offsets],
        },
        "blocks": [{"heads": None, "feedforward": first}, *(later() for _ in range(r.choice([1, 1, 2])))],
        "residual": True,
        "mask": r.choice([None, None, "causal"]),
        "readout": {"token": tokens - 1, "weights": written_matrix(r, readout, width), "biases": [0] * outputs},
    }


def long_rows(r: random.Random, width: int) -> list[list[Fraction]]:
    """More rows of weights and a bias than there are leaders, tangents to a bowl; some are a little below another one.

    Of these, the ones below a leader are dominated, the others are not found to be.
    """
    rows = []
    for slope in range(checker.LEADERS - r.choice([0, 1, 2, 8, 24])):
        row = [Fraction(slope, 32) - Fraction(1, 2), *(Fraction(r.randint(-2, 2), 8) for _ in range(width - 1))]
        rows.append([*row, -sum((x * x for x in row), Fraction(0)) / 2])
    for _ in range(r.choice([1, 2, 8])):
        rows.append([*(other := r.choice(rows))[:-1], other[-1] - r.choice([0, 1, Fraction(1, 64)])])
    while len(rows) <= checker.LEADERS - r.choice([0, 0, 0, 1]):
        rows.append([*[Fraction(0)] * width, Fraction(r.randint(-9, 0))])
    r.shuffle(rows)
    return rows


def long_layers(r: random.Random, inputs: int, outputs: int) -> Layers:
    """A maxout network with u, relu(u) and relu(-u), or with the inputs, below a unit of many pieces."""
    layers = mirrored_layers(r, inputs, outputs).layers[: r.choice([0, 1])]
    layers.append([long_rows(r, len(layers[0]) if layers else inputs)])
    return Layers(inputs, layers, [[Fraction(1), value_of(r)] for _ in range(outputs)], False)


def long_transformer(r: random.Random, inputs: int, outputs: int) -> Data:
    """A Transformer of many tokens that hold 1, a score and a value, with one head."""
    rows = long_rows(r, inputs)
    values = rows if r.random() < 0.6 else [[*sparse_row(r, inputs), value_of(r)] for _ in rows]
    zero = [Fraction(0)] * inputs
    embedding = [[zero, row[:-1], value[:-1], zero] for row, value in zip(rows, values, strict=True)]
    offsets = [[1, spelt(r, row[-1]), spelt(r, value[-1]), 0] for row, value in zip(rows, values, strict=True)]
    head = {"query": [[1, 0, 0, 0]], "key": [[0, 1, 0, 0]], "value": [[0, 0, 1, 0]], "output": [[0], [0], [0], [1]]}
    return {
        "format": FORMAT,
        "kind": "transformer",
        "embedding": {"weights": [written_matrix(r, rows, inputs) for rows in embedding], "offsets": offsets},
        "blocks": [{"heads": [head], "feedforward": None}],
        "residual": True,
        "mask": r.choice([None, "causal"]),
        "readout": {"token": len(rows) - 1, "weights": [[0, 0, 0, 1]] * outputs, "biases": [0] * outputs},
    }


def selecting_transformer(r: random.Random, inputs: int, outputs: int) -> Data:
    """A Transformer whose heads prefer some tokens by their positions, so that under softmax the others leak.

    Coordinates are one-hot positions and two more, which the heads and the feed-forward parts write.
    """
    tokens, extra = r.randint(2, 4), 2
    width = tokens + extra
    small = [Fraction(0), Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2)]

    def row(places: list[Fraction], others: list[Fraction]) -> list[Fraction]:
        return [r.choice(places) for _ in range(tokens)] + [r.choice(others) for _ in range(extra)]

    def head() -> Data:
        depth, height = r.choice([1, 1, 2]), r.choice([1, 2])
        query = [row([Fraction(0), Fraction(1), Fraction(1), Fraction(2)], [Fraction(0)]) for _ in range(depth)]
        key = [row([Fraction(x) for x in (0, 1, 2, 4, 30)], small) for _ in range(depth)]
        value = [row(small, small) for _ in range(height)]
        if r.random() < 0.5:  # the values follow the scores, but for what is only said of positions
            value[0] = [x if j >= tokens else r.choice([x, x, Fraction(0)]) for j, x in enumerate(key[0])]
        output = [[Fraction(0)] * height for _ in range(tokens)] + matrix(r, extra, height, value_of)
        rows = {"query": query, "key": key, "value": value}
        return {k: written_matrix(r, m, width) for k, m in rows.items()} | {"output": written_matrix(r, output, height)}

    def feedforward() -> Data:
        w1 = [row(small, small)]
        w2 = [[Fraction(0)]] * tokens + matrix(r, extra, 1, value_of)
        b2 = written(r, [Fraction(0)] * width)
        return {"w1": written_matrix(r, w1, width), "b1": [0], "w2": written_matrix(r, w2, 1), "b2": b2}

    def block() -> Data:
        heads = [head() for _ in range(r.choice([1, 1, 2]))]
        return {"heads": heads, "feedforward": feedforward() if r.random() < 0.3 else None}

    embedding = [[[Fraction(0)] * inputs] * tokens + matrix(r, extra, inputs, value_of) for _ in range(tokens)]
    offsets = [[Fraction(i == t) for i in range(tokens)] + [value_of(r) for _ in range(extra)] for t in range(tokens)]
    if r.random() < 0.2:
        embedding[-1] = embedding[0]
    return {
        "format": FORMAT,
        "kind": "transformer",
        "embedding": {
            "weights": [written_matrix(r, rows, inputs) for rows in embedding],
            "offsets": [written(r, offset) for offset in offsets],
        },
        "blocks": [block() for _ in range(r.choice([1, 1, 2]))],
        "residual": True,
        "mask": r.choice([None, None, "causal"]),
        "readout": {
            "token": r.randrange(tokens),
            "weights": written_matrix(r, matrix(r, outputs, width, value_of), width),
            "biases": written(r, [value_of(r) for _ in range(outputs)]),
        },
    }


def compiled(r: random.Random, source: Data, domain: Data, construction: str | None = None) -> Data | None:
    """A maxout or ReLU network compiled to a Transformer, if the construction allows it."""
    network = network_json.parse(text_of(source), "left.json")
    box = ef.Polyhedron(**domain)
    try:
        result = ef.compile(network, construction=construction or r.choice(CONSTRUCTIONS), domain=box).transformer
    except (ef.InvalidInput, ef.Unsupported):
        return None
    found: Data = json.loads(network_json.dump(result))
    return found if len(found["embedding"]["weights"]) <= 9 else None


def retouched(r: random.Random, net: Data) -> Data:
    """A network with other readout biases or another token to read."""
    net = deepcopy(net)
    part = net["readout"] if net["kind"] == "transformer" else net["output"]
    k = r.randrange(len(part["biases"]))
    part["biases"][k] = str(checker.number(checker.parse(text_of(part["biases"][k]))) + r.choice([0, 1, 1, 3]))
    return net


# --- claims ---------------------------------------------------------------------------------------


def random_domain(r: random.Random, inputs: int) -> Data:
    """A domain with the origin inside, mostly a box."""
    shape = r.random()
    lower: list[Any] = [spelt(r, r.choice([-1, -1, Fraction(-1, 2), -2, 0])) for _ in range(inputs)]
    upper: list[Any] = [spelt(r, r.choice([1, 1, Fraction(1, 2), 2, 0])) for _ in range(inputs)]
    if shape > 0.75:
        lower, upper = ([x if r.random() < 0.4 else None for x in side] for side in (lower, upper))
    domain = {"lower": lower, "upper": upper}
    if r.random() < 0.2:
        count = r.choice([1, 1, 2])
        rows = [[spelt(r, value_of(r)) for _ in range(inputs)] for _ in range(count)]
        domain |= {"matrix": rows, "bounds": [spelt(r, abs(value_of(r))) for _ in range(count)]}
    return domain


def random_pair(r: random.Random, inputs: int, outputs: int, domain: Data) -> tuple[Data, Data]:
    """Two networks, often of the same function."""
    way = r.random()
    if way < 0.1:
        makers = (mirrored_transformer, lambda *size: mirrored_layers(*size).data(r))
        left, right = (r.choice(makers)(r, inputs, outputs) for _ in range(2))
        return left, r.choice([left, right])
    if way < 0.3:
        left = random_transformer(r, inputs, outputs)
        right = r.choice([left, retouched(r, left), random_transformer(r, inputs, outputs)])
        return left, right
    source = random_layers(r, inputs, outputs)
    left = source.data(r)
    if way < 0.55:
        found = compiled(r, left, domain)
        if found is not None:
            return r.choice([(left, found), (found, left), (left, retouched(r, found)), (found, found)])
    right = variant(r, source).data(r)
    return left, r.choice([right, right, left, retouched(r, right), random_layers(r, inputs, outputs).data(r)])


def random_network(r: random.Random, inputs: int, outputs: int, domain: Data) -> Data:
    """One network of any kind."""
    way = r.random()
    if way < 0.4:
        return random_transformer(r, inputs, outputs)
    if way < 0.5:
        return r.choice([mirrored_transformer(r, inputs, outputs), mirrored_layers(r, inputs, outputs).data(r)])
    source = random_layers(r, inputs, outputs).data(r)
    return (compiled(r, source, domain) if way < 0.65 else None) or source


def random_parameters(r: random.Random, claim: str, inputs: int, outputs: int) -> Data:
    """Parameters that fit a claim."""
    if claim == "within":
        return {"epsilon": spelt(r, abs(value_of(r)) + r.choice([0, 0, 1]))}
    if claim == "range":
        ends = [[r.choice([None, spelt(r, s * r.choice([0, 1, 2, 5, 50]))]) for _ in range(outputs)] for s in (-1, 1)]
        if all(end is None for side in ends for end in side):
            ends[0][0] = -20
        return dict(zip(("lower", "upper"), ends, strict=True))
    if claim == "avoids":
        sizes = [r.choice([1, 1, 2, 3]) for _ in range(r.choice([1, 1, 2]))]
        return {
            "sets": [
                {
                    "matrix": [[spelt(r, r.choice([0, 1, -1, 2])) for _ in range(outputs)] for _ in range(size)],
                    "bounds": [spelt(r, r.choice([-200, -200, -200, -50, -5, -1, 0])) for _ in range(size)],
                }
                for size in sizes
            ]
        }
    if claim == "invariant":
        order = list(range(inputs))
        r.shuffle(order)
        return {"permutation": order}
    if claim == "ties-agree":
        return {"rules": [r.choice(checker.RULES) for _ in range(2)]}
    if claim in ("independent", "increasing", "decreasing"):
        return {"inputs": sorted(r.sample(range(inputs), r.randint(1, inputs)))}
    return {}


@dataclass
class Question:
    """A claim about networks: a certificate without its proof or refutation."""

    head: Data
    networks: list[Data]
    soft: Data = field(default_factory=dict)  # temperatures and bases of sides

    def case(self, answer: Data) -> Case:
        """The case with this proof or refutation."""
        files = {f"{side}.json": text_of(net) for side, net in zip(("left", "right"), self.networks, strict=False)}
        names = {name.split(".")[0]: name for name in files}
        sides = {side: {"file": name, "sha256": digest(files[name])} for side, name in names.items()}
        sides = {side: given | self.soft.get(side, {}) for side, given in sides.items()}
        return Case(dump(self.head | sides | answer).encode(), files)


def random_question(r: random.Random) -> Question:
    """A random claim about random networks."""
    claim = r.choice(list(checker.PARAMETERS))
    inputs = 2 if claim == "invariant" and r.random() < 0.8 else r.choice([1, 1, 2, 2, 3])
    outputs = r.choice([1, 1, 1, 2])
    domain = random_domain(r, inputs)
    if claim in checker.PAIRS:
        networks = list(random_pair(r, inputs, outputs, domain))
    else:
        networks = [random_network(r, inputs, outputs, domain)]
    head = {"format": "exactformer/certificate-1", "claim": claim, "tie": r.choice(checker.RULES), "domain": domain}
    parameters = random_parameters(r, claim, inputs, outputs)
    if parameters or r.random() < 0.1:
        head["parameters"] = parameters
    if r.random() < 0.1:
        head["untrusted"] = r.choice([None, 1, {"a": [True, 0.5, "x"]}, []])
    soft = {side: softened(r, net) for side, net in zip(("left", "right"), networks, strict=False)}
    return Question(head, networks, soft if claim != "ties-agree" and r.random() < 0.3 else {})


def softened(r: random.Random, net: Data, hard: float = 0.3) -> Data:
    """A temperature for all layers of a network, or one for each; sometimes none."""
    layers = net["layers"] if "layers" in net else [b for b in net["blocks"] if b["heads"] is not None]
    rates = [r.choice([1, 1, 2, 4, 8, "1/2", "7/3", 64]) for _ in (layers if r.random() < 0.3 else [1])]
    base = {"base": r.choice(["e", "2", "2", "2"])} if r.random() < 0.6 else {}
    return {} if r.random() < hard else {"temperature": rates or [1]} | base


# --- certificates ---------------------------------------------------------------------------------


def played(r: random.Random) -> Case:
    """A certificate by random splits, closed by linear programming, or by a random point."""
    question = random_question(r)
    if r.random() < 0.3:
        answer = refutation(r, *understood(question))
        if answer is not None:
            return question.case(answer)
    return answered_by_tree(r, question, r.choice([0, 1, 3, 6]))


def understood(question: Question) -> tuple[checker.Claim, checker.Domain]:
    """The claim and the domain of a question, as the second checker reads them."""
    networks = [checker.network(text_of(net)) for net in question.networks]
    value = checker.parse(text_of(question.head | question.soft))
    claim = checker.read_claim(value, networks)
    return claim, checker.read_domain(value["domain"], claim.inputs)


def answered_by_tree(r: random.Random, question: Question, needless: int) -> Case:
    """A question with a random tree."""
    claim, domain = understood(question)
    try:
        tree = player.random_tree(r, claim, domain, needless)
    except checker.Rejected:  # a score that is not affine
        tree = [["holds"]]
    return question.case({"inhabitant": [0] * claim.inputs, "tree": tree})


def refutation(r: random.Random, claim: checker.Claim, domain: checker.Domain) -> Data | None:
    """A refutation at a random point, if one is found."""
    rows = checker.root_rows(claim, domain)
    for _ in range(12):
        count = claim.inputs + len(claim.free or ())
        point = [Fraction(r.randint(-4, 4), r.choice([1, 2, 2, 4])) for _ in range(count)]
        if not checker.satisfies(rows, point):
            continue
        try:
            outputs, bounds = checker.outputs_at(claim, point)
        except checker.Rejected:  # a score that is not affine, a function that is not defined there
            continue
        if claim.is_refuted(outputs, bounds) or r.random() < 0.1:
            values = [[enclosed(r, *bounds(f)) for f in output] for output in outputs]
            return {"point": written(r, point), "values": values}
    return None


def enclosed(r: random.Random, low: checker.End, high: checker.End) -> Any:
    """A value of a refutation, from its bounds; sometimes they are wider than they need be, or too narrow."""
    assert low is not None and high is not None
    if low == high and r.random() < 0.9:
        return spelt(r, low)
    slack = r.choice([0, 0, 0, Fraction(1, 1000), 1, 1, Fraction(-1, 1 << 70)])
    return {"lower": str(low - slack), "upper": str(high + slack)}


def soft(r: random.Random) -> Case:
    """A random claim about networks that are read with softmax, refuted at a point or with a random tree."""
    question = random_question(r)
    while question.head["claim"] == "ties-agree":
        question = random_question(r)
    given = question.head.get("parameters", {})  # means are enclosed: bounds that are wide enough can be proved
    if "epsilon" in given and r.random() < 0.7:
        given["epsilon"] = spelt(r, 20000)
    for polyhedron in given.get("sets", []):
        polyhedron["bounds"] = [spelt(r, -20000) for _ in polyhedron["bounds"]]
    question.soft = {s: softened(r, net) for s, net in zip(("left", "right"), question.networks, strict=False)}
    if r.random() < 0.4:
        answer = refutation(r, *understood(question))
        if answer is not None:
            return question.case(answer)
    return answered_by_tree(r, question, r.choice([1, 3, 6]))


def near(r: random.Random) -> Case:
    """A claim about networks that are near one another, or read at temperatures, proved anew with pairs and by cuts."""
    inputs, outputs = r.choice([1, 1, 2, 2, 3]), r.choice([1, 1, 1, 2])
    domain = random_box(r, inputs)
    way = r.random()
    if way < 0.5:
        left = random_layers(r, inputs, outputs).data(r)
    elif way < 0.8:
        left = random_transformer(r, inputs, outputs)
    else:
        left = r.choice([mirrored_transformer(r, inputs, outputs), mirrored_layers(r, inputs, outputs).data(r)])
    right = r.choice([left, moved(r, left), moved(r, left)])
    if "layers" in left and r.random() < 0.2:
        right = compiled(r, left, domain) or right
    soft = r.choice([{}, {"right": softened(r, right)}, {"left": softened(r, left), "right": softened(r, right)}])
    return proved_near(r, left, right, domain, soft)


def leaking(r: random.Random) -> Case:
    """The same about Transformers whose heads select tokens, read with softmax; or what one computes, refuted."""
    inputs, outputs = r.choice([1, 1, 2]), r.choice([1, 1, 2])
    domain = random_box(r, inputs)
    left = selecting_transformer(r, inputs, outputs)
    if r.random() < 0.2:
        source = random_layers(r, inputs, outputs).data(r)
        way = r.choice(["global", "causal", "two-step"])
        made = compiled(r, source, domain, way)
        if made is not None:
            return proved_near(r, source, made, domain, {"right": softened(r, made)})
    if r.random() < 0.2:
        head: Data = {"format": "exactformer/certificate-1", "claim": "range", "tie": r.choice(checker.RULES)}
        question = Question(head | {"domain": domain}, [left], {"left": softened(r, left)})
        question.head["parameters"] = random_parameters(r, "range", inputs, outputs)
        answer = refutation(r, *understood(question))
        if answer is not None:
            return question.case(answer)
    right = r.choice([left, moved(r, left)])
    soft = {side: softened(r, net, 0.1) for side, net in (("left", left), ("right", right))}
    return proved_near(r, left, right, domain, soft)


def random_box(r: random.Random, inputs: int) -> Data:
    """A box around 0."""
    sides = [[spelt(r, s * r.choice([1, 1, 2, Fraction(1, 2)])) for _ in range(inputs)] for s in (-1, 1)]
    return dict(zip(("lower", "upper"), sides, strict=True))


def proved_near(r: random.Random, left: Data, right: Data, domain: Data, soft: Data) -> Case:
    """That two networks are near one another, with an epsilon that the bounds show, or one that is too small."""
    head: Data = {"format": "exactformer/certificate-1", "claim": "within", "tie": r.choice(checker.RULES)}
    question = Question(head | {"domain": domain, "parameters": {"epsilon": 0}}, [left, right], soft)
    try:
        epsilon = player.reach(r, *understood(question)) * r.choice([1, 1, 2, 1, Fraction(1, 2), Fraction(9, 10)])
        question.head["parameters"] = {"epsilon": str(epsilon)}
        tree = player.near_tree(r, *understood(question), r.choice([0, 0, 1, 2]))
    except checker.Rejected:  # a score that is not affine
        tree = [["holds"]]
    return question.case({"inhabitant": [0] * len(domain["lower"]), "tree": tree})


def moved(r: random.Random, net: Data) -> Data:
    """A network some of whose biases are changed by a little."""
    net = deepcopy(net)
    lists = [part["biases"] for part in net.get("layers", [])] + [
        b["feedforward"]["b1"] for b in net.get("blocks", []) if b["feedforward"]
    ]
    lists += net["embedding"]["offsets"] if "embedding" in net else []
    lists = [row for rows in lists for row in (rows if rows and isinstance(rows[0], list) else [rows])]
    for row in lists:
        for i, entry in enumerate(row):
            if r.random() < 0.4:
                row[i] = str(checker.number(checker.parse(text_of(entry))) + Fraction(r.randint(-4, 4), 64))
    return net


# --- functions, narrow, chains --------------------------------------------------------------------


def random_function(r: random.Random, inputs: int) -> Data:
    """A straight-line program of a few steps, mostly defined and of moderate size where its inputs are."""
    steps: list[Any] = [["input", r.randrange(inputs)]] if inputs else [["pi"]]
    smooth = ["sin", "cos", "tanh", "exp", "absolute", "tan", "log"]
    bent = r.random() if inputs else 0.0  # how much of it is piecewise linear
    for _ in range(r.randint(1, 7) + 5 * (bent > 0.5)):
        k = len(steps)
        a, b = k - 1, r.randrange(k)
        way = r.random()
        if r.random() < bent - 0.3:
            steps += bent_steps(r, inputs, a, b)
            continue
        if way < 0.15:
            steps.append(["input", r.randrange(inputs)] if inputs else ["number", 3])
        elif way < 0.3:
            steps.append(["number", spelt(r, value_of(r))])
        elif way < 0.55:
            steps.append(
                [r.choice(["add", "multiply", "multiply", "maximum", "minimum", "divide"]), *r.sample([a, b], 2)]
            )
        elif way < 0.75:
            steps.append(["power", a, r.choice([2, 2, 3, 0, 1, "1/2", -1, "3/2"])])
        elif way < 0.78:
            steps.append(["pi"])
        else:
            steps.append([r.choice(smooth[: r.choice([5, 5, 7])]), a])
    net: Data = {"format": "exactformer/network-1", "kind": "function", "inputs": inputs, "steps": steps}
    named = random.Random(text_of(steps))  # of its own: with names or without, the rest of a case is the same
    if named.random() < 0.3:
        choices = [(f"x{i}", f"t_{i}", "abc"[i % 3], "maxim"[: 2 + 2 * i]) for i in range(inputs)]
        net["variables"] = list(map(named.choice, choices))
    return net | ({"name": "f"} if r.random() < 0.1 else {})


def bent_steps(r: random.Random, inputs: int, a: int, b: int) -> list[Any]:
    """A step or two that are piecewise linear where the last one, a, and an earlier one, b, are."""
    if r.random() < 0.7:
        return [r.choice([["absolute", a], ["add", a, b], ["maximum", a, b], ["minimum", b, a]])]
    other = r.choice([["number", spelt(r, value_of(r))], ["input", r.randrange(inputs)]])
    return [other, [r.choice(["multiply", "multiply", "add", "maximum", "minimum", "divide"]), a, a + 1]]


def piecewise_function(r: random.Random, inputs: int) -> Data:
    """A program that is piecewise linear."""
    steps: list[Any] = [["input", i] for i in range(inputs)]
    while len(steps) < inputs + 8:
        a = len(steps) - 1
        steps += [s for s in bent_steps(r, inputs, a, r.randrange(len(steps))) if s[0] != "divide"]
    return {"format": "exactformer/network-1", "kind": "function", "inputs": inputs, "steps": steps}


def pieces(r: random.Random, seconds: float = 5.0) -> Case | None:
    """What the prover says of a program that is piecewise linear and the network of its pieces, equal or nearly so."""
    inputs, own = r.choice([1, 2, 2]), None
    box = ef.Box([-1] * inputs, [1] * inputs)
    while own is None:  # it has too many pieces
        function = network_json.parse(text_of(piecewise_function(r, inputs)), "f")
        own = own_pieces(function, box)
    net = cpwl_to_two_maxima(own if r.random() < 0.7 else own.max(ef.CPWL.variables(inputs, box)[0] - "9/10"))
    sides = [function, net] if r.random() < 0.5 else [net, function]
    outcome = ef.verify(*sides, domain=box, timeout=seconds, cross_check=())
    if outcome.certificate is None:
        return None
    files = zip(("left.json", "right.json"), sides, strict=True)
    return Case(dump(outcome.certificate).encode(), {name: network_json.dump(net).encode() for name, net in files})


def with_function(r: random.Random) -> Case:
    """A claim about a function, or a function and a network, proved by cuts, narrow and bounds, or refuted."""
    claim = r.choice([*["within"] * 6, "range", "range", *(name for name in checker.PARAMETERS if name != "avoids")])
    inputs = r.choice([1, 1, 1, 2, 2, 0]) if claim in ("within", "range", "equal", "at-most") else r.choice([1, 1, 2])
    low = r.choice([-1, -1, 0, "1/4", 1])
    domain: Data = {"lower": [low] * inputs, "upper": [r.choice([1, 2, "3/2"])] * inputs}
    if inputs and r.random() < 0.1:
        domain |= {"matrix": [[1] * inputs], "bounds": [3]}
    networks = [random_function(r, inputs)]
    if claim in checker.PAIRS:
        others = [
            random_function(r, inputs),
            networks[0],
            random_layers(r, inputs, 1).data(r) if inputs else networks[0],
        ]
        networks.append(r.choice([others[0], others[1], others[2], others[2]]))
        r.shuffle(networks)
    given = random_parameters(r, claim, inputs, 1)
    given |= {"within": {"epsilon": 100}, "range": {"lower": [-100], "upper": [100]}}.get(claim, {})
    head: Data = {"format": "exactformer/certificate-1", "claim": claim, "tie": r.choice(checker.RULES)}
    question = Question(head | {"domain": domain, "parameters": given}, networks)
    if claim in checker.PAIRS and r.random() < 0.1:
        question.soft = {s: softened(r, n) for s, n in zip(("left", "right"), networks, strict=True) if "layers" in n}
    if claim in ("within", "range"):
        question.head["parameters"] = fitting(r, question)
    if r.random() < 0.2:
        answer = refutation(r, *understood(question))
        if answer is not None:
            return question.case(answer)
    tree = player.narrow_tree(r, *understood(question), r.choice([0, 1, 1, 2]) if inputs else 0)
    return question.case({"inhabitant": [r.choice([low, 1])] * inputs, "tree": tree})


def fitting(r: random.Random, question: Question) -> Data:
    """Parameters of *within* or *range* that are about what points of the domain allow."""
    claim, domain = understood(question)
    seen: list[tuple[Fraction, Fraction]] = []
    for _ in range(12):
        point = [
            (1 - t) * low + t * high
            for low, high in zip(domain.lower, domain.upper, strict=True)
            if (t := r.choice([Fraction(0), Fraction(1), Fraction(r.random())])) is not None
        ]  # type: ignore[operator]
        try:
            outputs, bounds = checker.outputs_at(claim, point)
        except checker.Rejected:  # a function that is not defined there
            continue
        low, high = bounds(outputs[0][0] if len(outputs) == 1 else checker.add(outputs[0][0], outputs[1][0], -1))
        seen += [] if low is None or high is None else [(low, high)]
    lowest, highest = (
        min([low for low, _ in seen], default=Fraction(-9)),
        max([h for _, h in seen], default=Fraction(9)),
    )
    slack = r.choice([0, 1, Fraction(1, 2), Fraction(1, 10), -Fraction(1, 100)]) * max(1, abs(highest), abs(lowest))
    short = [Fraction(round(x * 1024), 1024) for x in (lowest - slack, highest + slack)]
    if question.head["claim"] == "within":
        return {"epsilon": str(max(-short[0], short[1], Fraction(0)))}
    return {"lower": [str(short[0])], "upper": [r.choice([None, str(short[1])])]}


def narrowed(r: random.Random) -> Case:
    """A claim about networks with hard attention or maxima, proved by cuts, narrow and gates."""
    question = random_question(r)
    question.soft = {}
    question.head["domain"] = {
        key: [x if x is not None else s * 2 for x in question.head["domain"][key]]
        for key, s in (("lower", -1), ("upper", 1))
    }
    claim, domain = understood(question)
    try:
        tree = player.narrow_tree(r, claim, domain, r.choice([1, 1, 2]))
    except checker.Rejected:  # a score that is not affine
        tree = [["narrow"], ["holds"]]
    return question.case({"inhabitant": question.head["domain"]["lower"], "tree": tree})


def headed(r: random.Random) -> Case:
    """A polyline as one head against units, or two heads like it, by cuts at knots or between them and narrow."""
    count = r.choice([2, 3, 5, 9, checker.LEADERS + r.randint(1, 9)])
    slopes = [Fraction(r.randint(-9, 9), r.choice([1, 2])) for _ in range(count)]
    line = Polyline(tuple(map(Fraction, range(count))), tuple(slopes), value_of(r), Fraction(count))
    box = ef.Box([0], [count])
    made = polyline_to_relu(line, box, "units"), polyline_to_one_head(line, box, "head")
    units, head = (json.loads(network_json.dump(net)) for net in made)
    left = [units, head]
    if r.random() < 0.4:  # two heads and half of their sum
        twice = deepcopy(head)
        twice["blocks"][0]["heads"] *= 2
        twice["readout"]["weights"] = [[0, "1/2", 0]]
        left.append(twice)
    networks = [r.choice(left), head]
    r.shuffle(networks)
    domain: Data = {"lower": [0], "upper": [count]}
    question = Question(
        {"format": "exactformer/certificate-1", "claim": "equal", "tie": r.choice(checker.RULES), "domain": domain},
        networks,
    )
    steps: list[Any] = []

    def part(first: Fraction, last: Fraction) -> None:
        if last - first > Fraction(1, 2) and r.random() < 0.99:
            middle = first + Fraction(int(4 * (last - first)), 8)
            steps.append(["cut", [[1, 1], [0, spelt(r, -middle)]]])
            for ends in ((middle, last), (first, middle)):
                steps.extend([["narrow"]] if r.random() < 0.97 else [])
                part(*ends)
        else:
            steps.append(["holds"])

    part(Fraction(0), Fraction(count))
    return question.case({"inhabitant": [r.randint(0, count)], "tree": steps})


def chained(r: random.Random) -> Case:
    """A chain of a few theorems about networks and functions in one variable, most of whose ends meet."""
    domain: Data = {"lower": [-1], "upper": [1]}
    base = random_layers(r, 1, 1)
    nets = [base.data(r), variant(r, base).data(r), random_function(r, 1), random_layers(r, 1, 1).data(r)]
    soft = [softened(r, net) if "layers" in net and r.random() < 0.3 else {} for net in nets]
    tie = r.choice(checker.RULES)
    way = [r.randrange(len(nets)) for _ in range(r.choice([2, 2, 3, 4]))]
    files: dict[str, bytes] = {}
    links = []
    for k, (i, j) in enumerate(pairwise(way)):
        turned = r.random() < 0.3
        i, j = (j, i) if turned else (i, j)
        names = [f"{side}{r.choice(['', k])}{n}.json" for side, n in (("net", i), ("net", j))]
        files |= {name: text_of(nets[n]) for name, n in zip(names, (i, j), strict=True)}
        claim = "equal" if {i, j} <= {0, 1} and not soft[i] and not soft[j] and r.random() < 0.8 else "within"
        head: Data = {"format": "exactformer/certificate-1", "claim": claim, "tie": tie}
        head |= {"domain": domain if r.random() < 0.5 else {"lower": ["-1/1"], "upper": ["1.0"]}}
        if claim == "within":
            head["parameters"] = {"epsilon": r.choice([0, 10, "100", "1e3", "5/2"]) if i != j else 0}
        sides = {
            s: {"file": name, "sha256": digest(files[name])} | soft[n]
            for s, name, n in zip(("left", "right"), names, (i, j), strict=True)
        }
        question = Question(head, [nets[i], nets[j]], {"left": soft[i], "right": soft[j]})
        try:
            tree = player.narrow_tree(r, *understood(question), 0)
        except checker.Rejected:
            tree = [["holds"]]
        text = dump(head | sides | {"inhabitant": [0], "tree": tree}).encode()
        files[f"link{k}.json"] = text
        entry: Data = {"file": f"link{k}.json", "sha256": digest(text)}
        links.append(entry | ({"from": "right"} if turned else r.choice([{}, {"from": "left"}])))
    value: Data = {"format": "exactformer/chain-1", "links": links}
    return Case(dump(value | r.choice([{}, {}, {"untrusted": [1]}])).encode(), files)


def inequality(row: list[Any], bound: Any) -> str:
    """An inequality as the prover reads it."""
    found = [checker.number(c) for c in row]
    terms = "".join(f"{'-' if c < 0 else '+'}{abs(c)}*y{k}" for k, c in enumerate(found, start=1))
    return f"{terms or '0'}<={checker.number(bound)}"


def argument(question: Question) -> str:
    """The claim as the prover reads it."""
    claim, given = question.head["claim"], question.head.get("parameters", {})
    if claim == "within":
        return f"within:{checker.number(checker.parse(text_of(given['epsilon'])))}"
    if claim == "range":
        ends = [[None if x is None else checker.number(checker.parse(text_of(x))) for x in given[k]] for k in given]
        parts = [",".join("" if x is None else str(x) for x in pair) for pair in zip(*ends, strict=True)]
        return "range:" + ";".join(parts)
    if claim == "avoids":
        exact = checker.parse(text_of(given["sets"]))
        rows = [zip(each["matrix"], each["bounds"], strict=True) for each in exact]
        return "avoids:" + ";".join(",".join(inequality(row, bound) for row, bound in own) for own in rows)
    if claim == "ties-agree":
        return "ties-agree:" + ",".join(given["rules"])
    if claim == "invariant":
        return "invariant:" + ",".join(f"x{i + 1}" for i in given["permutation"])
    if claim in ("independent", "increasing", "decreasing"):
        return f"{claim}:" + ",".join(f"x{i + 1}" for i in given["inputs"])
    return str(claim)


def deep(r: random.Random) -> Case:
    """A claim that is true for a plain reason about networks with many equal maxima, proved by needless splits."""
    inputs, outputs = r.choice([1, 2, 2, 3]), r.choice([1, 1, 2])
    claim = r.choice(["equal", "at-most", "within", "ties-agree", "invariant", "increasing", "convex", "range"])
    net = mirrored_transformer(r, inputs, outputs)
    if r.random() < 0.3:
        net = random_transformer(r, inputs, outputs)
    elif r.random() < 0.2:
        net = mirrored_layers(r, inputs, outputs).data(r)
    networks = [net]
    if claim in checker.PAIRS:
        other = mirrored_layers(r, inputs, outputs).data(r)
        networks.append(net if claim == "equal" else r.choice([retouched(r, net), other, other]))
        r.shuffle(networks)
    given = random_parameters(r, claim, inputs, outputs)
    given |= {"invariant": {"permutation": list(range(inputs))}, "within": {"epsilon": 100}}.get(claim, {})
    given |= {"lower": [-100] * outputs, "upper": [100] * outputs} if claim == "range" else {}
    head: Data = {"format": "exactformer/certificate-1", "claim": claim, "tie": r.choice(checker.RULES)}
    head |= {"domain": random_domain(r, inputs), "parameters": given}
    return answered_by_tree(r, Question(head, networks), r.choice([3, 10, 20]))


def long(r: random.Random) -> Case:
    """A claim that is true for a plain reason about networks with long lists, which are split."""
    inputs = r.choice([1, 2])
    claim = r.choice(["equal", "ties-agree"])
    net = long_transformer(r, inputs, 1) if r.random() < 0.5 else long_layers(r, inputs, 1).data(r)
    head: Data = {"format": "exactformer/certificate-1", "claim": claim, "tie": r.choice(checker.RULES)}
    head |= {"domain": random_domain(r, inputs), "parameters": {"rules": [head["tie"]] * 2} if claim != "equal" else {}}
    question = Question(head, [net, net] if claim == "equal" else [net])
    tree = player.plain_tree(r, *understood(question), r.choice([0, 1, 2, 4]))
    return question.case({"inhabitant": [0] * inputs, "tree": tree})


def found_by_prover(r: random.Random, seconds: float = 5.0) -> Case | None:
    """A certificate that the prover finds for a random claim, if it finds one in time."""
    question = random_question(r)
    networks = [network_json.parse(text_of(net), "network") for net in question.networks]
    method = r.choice(["lazy", "lazy", "structural", "auto"])
    if question.head["claim"] == "equal" and r.random() < 0.5:
        method = "regions"
    options = {"domain": ef.Polyhedron(**question.head["domain"]), "tie": question.head["tie"], "method": method}
    try:
        outcome = ef.verify(*networks, claim=argument(question), timeout=seconds, cross_check=(), **options)
    except ef.Unsupported:
        return None
    if outcome.certificate is None:
        return None
    pairs = zip(("left.json", "right.json"), networks, strict=False)
    return Case(dump(outcome.certificate).encode(), {name: network_json.dump(net).encode() for name, net in pairs})
