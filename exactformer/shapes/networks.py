"""Networks whose entries are polynomials: reading them, and what they compute at every input and for all unknowns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactformer.kernel.reading import MAX_SIDE, array, natural, parse_json, reject, table
from exactformer.shapes.polynomials import (
    ZERO,
    Atoms,
    Number,
    Polynomial,
    combined,
    constant,
    difference,
    parsed,
    product,
)

FORMAT = "exactformer/network-1"
State = dict[int, Polynomial]  # the coordinates that are not zero
Names = Mapping[str, Polynomial]


@dataclass(frozen=True)
class Affine:
    """An affine map: the entries of the rows that are not zero, and the biases."""

    height: int
    width: int
    entries: dict[tuple[int, int], Polynomial]
    biases: dict[int, Polynomial]

    def __call__(self, state: State) -> State:
        """The values that are not zero."""
        parts = {i: [(1, bias)] for i, bias in self.biases.items()}
        for (i, j), entry in self.entries.items():
            if j in state:
                parts.setdefault(i, []).append((1, product(entry, state[j])))
        return _nonzero({i: combined(part) for i, part in parts.items()})


@dataclass(frozen=True)
class Maxout:
    """Layers of maxout units, each with the rank, and the affine output."""

    layers: list[tuple[int, Affine]]
    output: Affine

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return (self.layers[0][1] if self.layers else self.output).width

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.output.height

    def __call__(self, inputs: State, atoms: Atoms) -> State:
        """The outputs."""
        state = inputs
        for rank, pieces in self.layers:
            values = pieces(state)
            units = range(pieces.height // rank)
            lists = {i: [values.get(j, ZERO) for j in range(i * rank, (i + 1) * rank)] for i in units}
            state = _nonzero({i: atoms.maximum(candidates) for i, candidates in lists.items()})
        return self.output(state)


@dataclass(frozen=True)
class Head:
    """One attention head."""

    query: Affine
    key: Affine
    value: Affine
    output: Affine


@dataclass(frozen=True)
class Transformer:
    """A Transformer; a sublayer is a list of heads, or the two affine maps of a feed-forward part."""

    embedding: list[Affine]
    sublayers: list[tuple[str, list[Head] | tuple[Affine, Affine]]]
    token: int
    readout: Affine
    residual: bool
    causal: bool

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.embedding[0].width

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.readout.height

    def __call__(self, inputs: State, atoms: Atoms) -> State:
        """The outputs, for hard attention under every tie rule. Raises `Rejected` where these may differ."""
        states = [embed(inputs) for embed in self.embedding]
        for place, part in self.sublayers:
            if isinstance(part, list):
                updates = [self._attended(part, q, states, atoms, place) for q in range(len(states))]
            else:
                hidden = [part[0](state) for state in states]
                updates = [part[1]({i: atoms.maximum([u, ZERO]) for i, u in inner.items()}) for inner in hidden]
            states = [_sum([x, u]) for x, u in zip(states, updates, strict=True)] if self.residual else updates
        return self.readout(states[self.token])

    def _attended(self, heads: list[Head], q: int, states: list[State], atoms: Atoms, place: str) -> State:
        """The update of token q by one attention sublayer."""
        visible = states[: q + 1] if self.causal else states
        found = []
        for number, head in enumerate(heads):
            query = head.query(states[q])
            scores = [_dot(head.key(state), query) for state in visible]
            values = [head.value(state) for state in visible]
            found.append(head.output(chosen(scores, values, atoms, f"{place}, head {number}, token {q}")))
        return _sum(found)


def chosen(scores: Sequence[Polynomial], values: Sequence[State], atoms: Atoms, place: str) -> State:
    """The value that hard attention picks under every tie rule. Raises `Rejected` where no rule tells it."""
    # Rule *dominated token*: a token whose score is below another's by a positive constant carries no weight.
    alive = [t for t, score in enumerate(scores) if not any(_positive(difference(rival, score)) for rival in scores)]
    first = alive[0]
    # Rule *equal values*: weights add up to 1.
    if all(values[t] == values[first] for t in alive):
        return values[first]
    # Rule *tie-proof*: values v = v_r + c (s - s_r), c rational, make the head v_r + c (max s - s_r) under every tie
    # rule, since tied tokens carry the same value.
    runs = [difference(scores[t], scores[first]) for t in alive]
    rise = difference(atoms.maximum([scores[t] for t in alive]), scores[first])
    result = {}
    for i in {i for t in alive for i in values[t]}:
        column = [values[t].get(i, ZERO) for t in alive]
        slope = _slope([difference(value, column[0]) for value in column], runs)
        if slope is None:
            reject(place, "values that are one affine function of the scores, with a rational slope", "others")
        result[i] = combined(((1, column[0]), (slope, rise)))
    return _nonzero(result)


def _slope(rises: Sequence[Polynomial], runs: Sequence[Polynomial]) -> Number | None:
    """The rational c with rise = c run for every token; 0 where no run tells it."""
    c: Number = 0
    for rise, run in zip(rises, runs, strict=True):
        if run:
            c = Fraction(rise.get(max(run), 0)) / run[max(run)]
            break
    fits = all(rise == combined(((c, run),)) for rise, run in zip(rises, runs, strict=True))
    return c if fits else None


def _positive(polynomial: Polynomial) -> bool:
    number = constant(polynomial)
    return number is not None and number > 0


def _dot(left: State, right: State) -> Polynomial:
    return combined((1, product(left[i], right[i])) for i in left.keys() & right.keys())


def _sum(states: Sequence[State]) -> State:
    places = {i for state in states for i in state}
    return _nonzero({i: combined((1, state.get(i, ZERO)) for state in states) for i in places})


def _nonzero(state: State) -> State:
    return {i: polynomial for i, polynomial in state.items() if polynomial}


# --- reading ---------------------------------------------------------------------------------------


def read_network(data: bytes, names: Names, place: str) -> Maxout | Transformer:
    """The network in a file of the format `FORMAT`, with polynomials in the place of numbers."""
    value = parse_json(data, place)
    kind = value.get("kind") if isinstance(value, dict) else None
    common = ("format", "kind")
    if kind == "maxout":
        value = table(value, place, (*common, "layers", "output"), ("name",))
        network: Maxout | Transformer = _maxout(value, names, place)
    elif kind == "transformer":
        value = table(value, place, (*common, "embedding", "blocks", "residual", "mask", "readout"), ("name",))
        network = _transformer(value, names, place)
    else:
        reject(f"{place}: kind", "maxout or transformer", kind)
    if value["format"] != FORMAT:
        reject(f"{place}: format", FORMAT, value["format"])
    return network


def _maxout(value: dict[str, object], names: Names, place: str) -> Maxout:
    layers = []
    width: int | None = None
    for number, item in enumerate(array(value["layers"], f"{place}: layers")):
        where = f"{place}: layers[{number}]"
        layer = table(item, where, ("weights", "biases"))
        units = [array(unit, f"{where}.weights") for unit in array(layer["weights"], f"{where}.weights")]
        offsets = array(layer["biases"], f"{where}.biases", len(units))
        rank = len(units[0]) if units else 0
        if rank == 0:
            reject(f"{where}.weights", "at least one unit and one piece", "none")
        rows = [piece for unit in units for piece in array(unit, f"{where}.weights", rank)]
        biases = [bias for unit in offsets for bias in array(unit, f"{where}.biases", rank)]
        layers.append((rank, _affine(rows, biases, names, where, None, width)))
        width = len(units)
    out = table(value["output"], f"{place}: output", ("weights", "biases"))
    return Maxout(layers, _affine(out["weights"], out["biases"], names, f"{place}: output", None, width))


def _transformer(value: dict[str, object], names: Names, place: str) -> Transformer:
    embedding = table(value["embedding"], f"{place}: embedding", ("weights", "offsets"))
    weights = array(embedding["weights"], f"{place}: embedding.weights")
    offsets = array(embedding["offsets"], f"{place}: embedding.offsets", len(weights))
    tokens: list[Affine] = []
    for matrix, biases in zip(weights, offsets, strict=True):
        height, width = (tokens[0].height, tokens[0].width) if tokens else (None, None)
        tokens.append(_affine(matrix, biases, names, f"{place}: embedding", height, width))
    readout = table(value["readout"], f"{place}: readout", ("token", "weights", "biases"))
    token = natural(readout["token"], f"{place}: readout.token", len(tokens))
    d = tokens[0].height
    sublayers: list[tuple[str, list[Head] | tuple[Affine, Affine]]] = []
    for number, item in enumerate(array(value["blocks"], f"{place}: blocks")):
        where = f"{place}: blocks[{number}]"
        block = table(item, where, ("heads", "feedforward"))
        if block["heads"] is not None:
            heads = [_head(head, names, f"{where}.heads", d) for head in array(block["heads"], f"{where}.heads")]
            sublayers.append((where, heads))
        if block["feedforward"] is not None:
            sublayers.append((where, _feedforward(block["feedforward"], names, f"{where}.feedforward", d)))
    if type(value["residual"]) is not bool or value["mask"] not in (None, "causal"):
        reject(f"{place}: residual, mask", 'true or false, null or "causal"', (value["residual"], value["mask"]))
    output = _affine(readout["weights"], readout["biases"], names, f"{place}: readout", None, d)
    return Transformer(tokens, sublayers, token, output, value["residual"], value["mask"] == "causal")


def _head(value: object, names: Names, place: str, d: int) -> Head:
    part = table(value, place, ("query", "key", "value", "output"))
    key = _affine(part["key"], None, names, f"{place}.key", None, d)
    values = _affine(part["value"], None, names, f"{place}.value", None, d)
    query = _affine(part["query"], None, names, f"{place}.query", key.height, d)
    return Head(query, key, values, _affine(part["output"], None, names, f"{place}.output", d, values.height))


def _feedforward(value: object, names: Names, place: str, d: int) -> tuple[Affine, Affine]:
    part = table(value, place, ("w1", "b1", "w2", "b2"))
    inner = _affine(part["w1"], part["b1"], names, f"{place}.w1", None, d)
    return inner, _affine(part["w2"], part["b2"], names, f"{place}.w2", d, inner.height)


def _affine(matrix: object, biases: object, names: Names, place: str, height: int | None, width: int | None) -> Affine:
    """The affine map of a dense or sparse matrix and its biases (None: all zero), of the size that is demanded."""
    if isinstance(matrix, dict):
        sparse = table(matrix, place, ("shape", "entries"))
        rows, columns = (natural(n, f"{place}: shape", MAX_SIDE) for n in array(sparse["shape"], f"{place}: shape", 2))
        items = [array(item, f"{place}: entries", 3) for item in array(sparse["entries"], f"{place}: entries")]
        cells = [(natural(i, f"{place}: row", rows), natural(j, f"{place}: column", columns), x) for i, j, x in items]
        if len({(i, j) for i, j, _ in cells}) < len(cells):
            reject(place, "every position once", "one twice")
    else:
        dense = [array(row, place) for row in array(matrix, place)]
        if not dense:
            reject(place, "at least one row, or a sparse matrix", "none")
        rows, columns = len(dense), len(dense[0])
        cells = [(i, j, x) for i, row in enumerate(dense) for j, x in enumerate(array(row, place, columns))]
    wanted = rows if height is None else height, columns if width is None else width
    if (rows, columns) != wanted:
        reject(place, f"{wanted[0]} rows and {wanted[1]} columns", f"{rows} and {columns}")
    entries = {(i, j): parsed(x, names, f"{place}[{i}][{j}]") for i, j, x in cells}
    offsets: State = {}
    if biases is not None:
        listed = enumerate(array(biases, f"{place}: biases", rows))
        offsets = _nonzero({i: parsed(x, names, f"{place}: biases[{i}]") for i, x in listed})
    return Affine(rows, columns, {at: entry for at, entry in entries.items() if entry}, offsets)
