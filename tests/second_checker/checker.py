"""A second checker for proof certificates, written from docs/certificate-1.md and docs/networks.md.

It imports nothing but the standard library and what lies beside it, and prefers plain formulas to speed. Numbers
are fractions, and a form is a dictionary from variables to coefficients other than 0, the constant under variable 0.
Sections named in comments are those of docs/certificate-1.md. As a program it takes the paths of certificates, and
reads networks beside them.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import math
import re
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import functions
from enclosures import End, Interval, Rate, down, gamma, gap, grain, outwards, product, total, up, weights
from functions import Function

T = TypeVar("T")
Form = dict[int, Fraction]
Key = frozenset[Any]
Row = tuple[Form, bool]
Read = Callable[[str], bytes]

MAX_BYTES = 1 << 28
MAX_CHARACTERS = 4000
MAX_EXPONENT = 4000
MAX_DIGITS = 4300
MAX_HEX = 1 << 16
MAX_SIDE = 1 << 20
LEADERS = 32
RULES = ("average", "leftmost", "rightmost")


class Rejected(Exception):
    """The certificate is not accepted."""


def reject(reason: str) -> NoReturn:
    """Stop the check."""
    raise Rejected(reason)


def require(condition: bool, reason: str) -> None:
    """Stop the check unless a condition holds."""
    if not condition:
        reject(reason)


# --- Section 1: JSON and numbers ------------------------------------------------------------------


@dataclass(frozen=True)
class Decimal:
    """A JSON number with a point or an exponent, as its text."""

    text: str


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object without repeated keys."""
    result = dict(pairs)
    require(len(result) == len(pairs), "a key occurs twice")
    return result


def whole(text: str) -> int:
    """An integer among the JSON numbers."""
    require(len(text.lstrip("-")) <= MAX_DIGITS, "an integer with too many digits")
    return int(text)


def constant(text: str) -> NoReturn:
    """Refuse NaN and the infinities."""
    reject(f"{text} is no number")


def parse(data: bytes) -> Any:
    """The JSON value in a file."""
    require(len(data) <= MAX_BYTES, "file too large")
    try:
        text = data.decode("utf-8")
        return json.loads(text, object_pairs_hook=unique, parse_int=whole, parse_float=Decimal, parse_constant=constant)
    except ValueError as error:
        raise Rejected(f"no JSON in UTF-8: {error}") from None


def fields(value: Any, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Any]:
    """An object that has all required keys, and besides them only optional ones."""
    require(isinstance(value, dict), "an object is expected")
    required = set(required)
    require(required <= set(value) <= required | set(optional), f"wrong keys: {sorted(value)}")
    return value


def items(value: Any, length: int | None = None) -> list[Any]:
    """A list, of the given length if there is one."""
    require(isinstance(value, list), "a list is expected")
    require(length is None or len(value) == length, f"a list of {length} entries is expected")
    return value


def index(value: Any, end: int) -> int:
    """An integer from 0 on, less than an end."""
    require(type(value) is int and 0 <= value < end, "a number is out of range")
    return value


NUMBER = re.compile(r"([+-]?[0-9]+)(?:/([0-9]+)|(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?)")


def number(value: Any) -> Fraction:
    """An exact number."""
    if type(value) is int:
        return Fraction(value)
    text = value.text if isinstance(value, Decimal) else value
    require(isinstance(text, str) and len(text) <= MAX_CHARACTERS, "a number is expected")
    match = NUMBER.fullmatch(text)
    if match is None:
        reject(f"no number: {text[:40]}")
    before, below, after, power = match.groups()
    if below is not None:
        require(int(below) != 0, "the denominator is zero")
        return Fraction(int(before), int(below))
    exponent = int(power or 0)
    require(abs(exponent) <= MAX_EXPONENT, "the exponent is out of range")
    digits = after or ""
    return Fraction(int(before + digits), 10 ** len(digits)) * Fraction(10) ** exponent


def numbers(value: Any, length: int | None = None) -> list[Fraction]:
    """A list of exact numbers."""
    return [number(entry) for entry in items(value, length)]


def multiplier(value: Any) -> int:
    """A positive integer as hexadecimal text."""
    require(isinstance(value, str) and len(value) <= MAX_HEX, "a multiplier is expected")
    require(re.fullmatch("[0-9a-f]+", value) is not None, "a multiplier is not hexadecimal")
    require(int(value, 16) > 0, "a multiplier is zero")
    return int(value, 16)


# --- Sections 1 and 3: networks -------------------------------------------------------------------

Matrix = list[dict[int, Fraction]]  # rows: column -> entry other than 0
Vector = list[Fraction]


@dataclass(frozen=True)
class Affine:
    """An affine map."""

    weights: Matrix
    biases: Vector


@dataclass(frozen=True)
class Head:
    """One attention head."""

    query: Matrix
    key: Matrix
    value: Matrix
    output: Matrix


@dataclass(frozen=True)
class Feedforward:
    """A feed-forward sublayer."""

    first: Affine
    second: Affine


Sublayer = tuple[int, list[Head] | Feedforward]  # with the number of its block


@dataclass(frozen=True)
class Layered:
    """A maxout or ReLU network: its layers are lists of units, a unit a list of pieces; relu adds the piece 0."""

    inputs: int
    outputs: int
    layers: list[list[Affine]]
    relu: bool
    output: Affine


@dataclass(frozen=True)
class Transformer:
    """A Transformer with hard attention."""

    inputs: int
    outputs: int
    embedding: list[Affine]
    sublayers: list[Sublayer]
    residual: bool
    causal: bool
    token: int
    readout: Affine


Network = Layered | Transformer | Function


def matrix(value: Any, height: int | None = None, width: int | None = None) -> tuple[Matrix, int, int]:
    """A matrix, dense or sparse, with its height and width; given ones have to fit."""
    if isinstance(value, dict):
        rows, wide = sparse(value)
    else:
        dense = [numbers(row) for row in items(value)]
        require(len(dense) > 0, "only a sparse matrix can be without rows")
        wide = len(dense[0])
        require(all(len(row) == wide for row in dense), "ragged rows")
        rows = [{j: entry for j, entry in enumerate(row) if entry} for row in dense]
    require(height is None or len(rows) == height, "a matrix of another height is expected")
    require(width is None or wide == width, "a matrix of another width is expected")
    return rows, len(rows), wide


def sparse(value: Any) -> tuple[Matrix, int]:
    """A sparse matrix and its width."""
    fields(value, ["shape", "entries"])
    height, width = (index(side, MAX_SIDE) for side in items(value["shape"], 2))
    rows: Matrix = [{} for _ in range(height)]
    for entry in items(value["entries"]):
        i, j, coefficient = items(entry, 3)
        index(i, height)
        require(index(j, width) not in rows[i], "a position occurs twice")
        rows[i][j] = number(coefficient)
    return [{j: entry for j, entry in row.items() if entry} for row in rows], width


def affine(weights: Any, biases: Any, height: int | None = None, width: int | None = None) -> tuple[Affine, int, int]:
    """An affine map with the height and width of its matrix."""
    rows, high, wide = matrix(weights, height, width)
    return Affine(rows, numbers(biases, high)), high, wide


def network(data: bytes) -> Network:
    """The network in a file."""
    value = parse(data)
    require(isinstance(value, dict), "a network is an object")
    kind = value.get("kind")
    if kind in ("maxout", "relu"):
        fields(value, ["format", "kind", "layers", "output"], ["name", "domain"])
        result: Network = layered(value, kind == "relu")
    elif kind == "function":
        fields(value, ["format", "kind", "inputs", "steps"], ["name", "domain", "variables"])
        result = functions.read(value, number, index, require)
    else:
        require(kind == "transformer", "a network of unknown kind")
        keys = ["format", "kind", "embedding", "blocks", "residual", "readout"]
        fields(value, keys, ["mask", "name", "domain", "coordinates"])
        result = transformer(value)
    require(value["format"] == "exactformer/network-1", "a network of another format")
    return result


def layered(value: dict[str, Any], relu: bool) -> Layered:
    """A maxout or ReLU network."""
    layers, below, inputs = [], None, None
    for layer in items(value["layers"]):
        fields(layer, ["weights", "biases"])
        units, width = relu_layer(layer, below) if relu else maxout_layer(layer, below)
        inputs = width if inputs is None else inputs
        below = len(units)
        layers.append(units)
    fields(value["output"], ["weights", "biases"])
    output, outputs, width = affine(value["output"]["weights"], value["output"]["biases"], None, below)
    return Layered(width if inputs is None else inputs, outputs, layers, relu, output)


def relu_layer(layer: dict[str, Any], below: int | None) -> tuple[list[Affine], int]:
    """The units of a ReLU layer, each with one piece, and the number of units below."""
    whole_layer, height, width = affine(layer["weights"], layer["biases"], None, below)
    require(height > 0, "a layer without units")
    return [Affine([row], [bias]) for row, bias in zip(whole_layer.weights, whole_layer.biases, strict=True)], width


def maxout_layer(layer: dict[str, Any], below: int | None) -> tuple[list[Affine], int]:
    """The units of a maxout layer, and the number of units below."""
    weights = items(layer["weights"])
    biases = items(layer["biases"], len(weights))
    require(len(weights) > 0, "a layer without units")
    rank: int | None = None
    units = []
    for rows, offsets in zip(weights, biases, strict=True):
        unit, rank, below = affine(items(rows), offsets, rank, below)
        units.append(unit)
    assert below is not None
    return units, below


def transformer(value: dict[str, Any]) -> Transformer:
    """A Transformer."""
    fields(value["embedding"], ["weights", "offsets"])
    weights = items(value["embedding"]["weights"])
    offsets = items(value["embedding"]["offsets"], len(weights))
    require(len(weights) > 0, "a Transformer without tokens")
    width = inputs = None
    embedding = []
    for rows, offset in zip(weights, offsets, strict=True):
        token, width, inputs = affine(rows, offset, width, inputs)
        embedding.append(token)
    assert width is not None and inputs is not None
    sublayers = [s for b, block in enumerate(items(value["blocks"])) for s in read_block(b, block, width)]
    require(isinstance(value["residual"], bool), "residual is true or false")
    require(value.get("mask") in (None, "causal"), "an unknown mask")
    fields(value["readout"], ["token", "weights", "biases"])
    readout, outputs, _ = affine(value["readout"]["weights"], value["readout"]["biases"], None, width)
    token_read = index(value["readout"]["token"], len(embedding))
    causal = value.get("mask") is not None
    return Transformer(inputs, outputs, embedding, sublayers, value["residual"], causal, token_read, readout)


def read_block(number_of_block: int, value: Any, width: int) -> list[Sublayer]:
    """The sublayers of a block."""
    fields(value, ["heads", "feedforward"])
    sublayers: list[Sublayer] = []
    if value["heads"] is not None:
        sublayers.append((number_of_block, [read_head(head, width) for head in items(value["heads"])]))
    if value["feedforward"] is not None:
        part = fields(value["feedforward"], ["w1", "b1", "w2", "b2"])
        first, hidden, _ = affine(part["w1"], part["b1"], None, width)
        second, _, _ = affine(part["w2"], part["b2"], width, hidden)
        sublayers.append((number_of_block, Feedforward(first, second)))
    return sublayers


def read_head(value: Any, width: int) -> Head:
    """One head."""
    fields(value, ["query", "key", "value", "output"])
    query, depth, _ = matrix(value["query"], None, width)
    key, _, _ = matrix(value["key"], depth, width)
    values, height, _ = matrix(value["value"], None, width)
    output, _, _ = matrix(value["output"], width, height)
    return Head(query, key, values, output)


# --- Section 3: what the networks compute ---------------------------------------------------------


def apply(rows: Matrix, x: Sequence[Fraction]) -> Vector:
    """A matrix times a vector of numbers."""
    return [sum((c * x[j] for j, c in row.items()), Fraction(0)) for row in rows]


def apply_affine(part: Affine, x: Sequence[Fraction]) -> Vector:
    """An affine map at a vector of numbers."""
    return [y + b for y, b in zip(apply(part.weights, x), part.biases, strict=True)]


def evaluate(net: Layered | Transformer, x: Vector, tie: str) -> Vector:
    """The outputs of a network at a point."""
    if isinstance(net, Transformer):
        return evaluate_transformer(net, x, tie)
    for layer in net.layers:
        x = [max(apply_affine(unit, x) + [Fraction(0)] * net.relu) for unit in layer]
    return apply_affine(net.output, x)


def evaluate_transformer(net: Transformer, x: Vector, tie: str) -> Vector:
    """The outputs of a Transformer at a point."""
    states = [apply_affine(token, x) for token in net.embedding]
    for _, part in net.sublayers:
        if isinstance(part, Feedforward):
            updates = [feed(part, state) for state in states]
        else:
            updates = [attend(part, states, q, net.causal, tie) for q in range(len(states))]
        if net.residual:
            updates = [[a + b for a, b in zip(*pair, strict=True)] for pair in zip(states, updates, strict=True)]
        states = updates
    return apply_affine(net.readout, states[net.token])


def feed(part: Feedforward, state: Vector) -> Vector:
    """The update of a feed-forward sublayer."""
    return apply_affine(part.second, [max(u, Fraction(0)) for u in apply_affine(part.first, state)])


def attend(heads: list[Head], states: list[Vector], q: int, causal: bool, tie: str) -> Vector:
    """The update of an attention sublayer at query token q."""
    update = [Fraction(0)] * len(states[q])
    visible = states[: q + 1] if causal else states
    for head in heads:
        query = apply(head.query, states[q])
        scores = [sum((a * b for a, b in zip(apply(head.key, s), query, strict=True)), Fraction(0)) for s in visible]
        values = [apply(head.value, s) for s, score in zip(visible, scores, strict=True) if score == max(scores)]
        chosen = by_rule(values, tie)
        value = [sum(column, Fraction(0)) / len(chosen) for column in zip(*chosen, strict=True)]
        update = [a + b for a, b in zip(update, apply(head.output, value), strict=True)]
    return update


def by_rule(values: list[Any], tie: str) -> list[Any]:
    """Those of the tied tokens' values whose average is the result."""
    return {"average": values, "leftmost": values[:1], "rightmost": values[-1:]}[tie]


# --- Section 5: forms -----------------------------------------------------------------------------


def add(f: Form, g: Form, c: Fraction | int = 1) -> Form:
    """The form f + c g."""
    result = dict(f)
    for v, coefficient in g.items():
        total = result.get(v, 0) + c * coefficient
        if total:
            result[v] = total
        else:
            result.pop(v, None)
    return result


def times(c: Fraction | int, f: Form) -> Form:
    """The form c f."""
    return {v: c * coefficient for v, coefficient in f.items()} if c else {}


def single(c: Fraction | int) -> Form:
    """A constant form."""
    return {0: Fraction(c)} if c else {}


def is_constant(f: Form) -> bool:
    """Whether a form mentions no variable but the constant."""
    return all(v == 0 for v in f)


def key_of(f: Form) -> Key:
    """A form as something to look up."""
    return frozenset(f.items())


def matrix_on_forms(rows: Matrix, forms: Sequence[Form]) -> list[Form]:
    """A matrix times a vector of forms."""
    result = []
    for row in rows:
        total: Form = {}
        for j, c in row.items():
            total = add(total, forms[j], c)
        result.append(total)
    return result


def affine_on_forms(part: Affine, forms: Sequence[Form]) -> list[Form]:
    """An affine map at a vector of forms."""
    return [add(f, single(b)) for f, b in zip(matrix_on_forms(part.weights, forms), part.biases, strict=True)]


def cleared(f: Form) -> Form:
    """A form times the least positive integer that makes its coefficients integers."""
    return times(math.lcm(*(c.denominator for c in f.values())), f)


def distinct(forms: Iterable[Form]) -> list[Form]:
    """Forms without repetition, in order of first occurrence."""
    result: list[Form] = []
    for f in forms:
        if f not in result:
            result.append(f)
    return result


def less(f: Form, g: Form) -> bool:
    """The order of forms: the highest variable of f - g has a negative coefficient."""
    difference = add(f, g, -1)
    return bool(difference) and difference[max(difference)] < 0


@dataclass(frozen=True)
class Class:
    """The class of a set of expanded forms, with the set's base and factor in it."""

    key: Key
    base: Form
    factor: Fraction

    @classmethod
    def of(cls, forms: list[Form], rate: Rate | None = None) -> Class:
        """The class of some forms: as a set for a maximum, with repetitions at a rate."""
        base = forms[0]
        for f in forms:
            base = f if less(f, base) else base
        differences = [add(f, base, -1) for f in forms]
        coefficients = [c for f in differences for c in f.values()]
        if not coefficients:
            return cls(frozenset([frozenset()]), base, Fraction(1))
        below = math.lcm(*(c.denominator for c in coefficients))
        factor = Fraction(math.gcd(*(int(c * below) for c in coefficients)), below)
        keys = [key_of(times(1 / factor, f)) for f in differences]
        if rate is None:
            return cls(frozenset(keys), base, factor)
        scaled = Rate(rate.rate * factor, rate.base)
        return cls(frozenset([(scaled, frozenset(Counter(keys).items()))]), base, factor)


Arguments = tuple[tuple[tuple[int, Fraction], ...], ...]  # the forms at which a function is taken


class Atoms:
    """The table of atoms, with the bounds of all variables."""

    def __init__(self, bounds: list[Interval], relaxed: bool = False) -> None:
        """A table without atoms, from the bounds of the claim's variables."""
        self.bounds: list[Interval] = [(Fraction(1), Fraction(1)), *bounds]
        self.last_variable = len(bounds)
        self.candidates: dict[int, list[Form]] = {}
        self.rate: dict[int, Rate] = {}  # of soft atoms
        self.gap: dict[int, tuple[Fraction, Fraction]] = {}  # of soft atoms
        self.differences: frozenset[int] = frozenset()
        self.blends: dict[Key, int] = {}
        self.functions: dict[int, tuple[Function, Arguments]] = {}  # variables that are values of functions
        self.relaxed = relaxed
        self.below: dict[int, Form] = {}
        self.above: dict[int, Form] = {}
        self.level: dict[int, int] = {}
        self.alias: dict[int, Form] = {}
        self.first: dict[int, int] = {}  # the first atom of the class of an atom that has an alias
        self.support: dict[int, frozenset[int]] = {}
        self.by_set: dict[Key, int] = {}
        self.by_class: dict[Key, tuple[int, Class]] = {}

    def copy(self) -> Atoms:
        """The table for a path that goes on from here."""
        result = copy.copy(self)
        for name, part in vars(self).items():
            setattr(result, name, copy.copy(part))
        return result

    def expand(self, f: Form) -> Form:
        """E(f)."""
        for v in [v for v in f if v in self.alias]:
            f = self.unalias(f, v)
        return f

    def unalias(self, f: Form, a: int) -> Form:
        """A form with one atom replaced by its alias."""
        return add({v: c for v, c in f.items() if v != a}, self.alias[a], f[a])

    def interval(self, f: Form) -> tuple[End, End]:
        """The ends lo1(f) and hi1(f)."""
        low: End = Fraction(0)
        high: End = Fraction(0)
        for v, c in f.items():
            below, above = self.bounds[v] if c > 0 else self.bounds[v][::-1]
            low = None if low is None or below is None else low + c * below
            high = None if high is None or above is None else high + c * above
        return low, high

    def lo(self, f: Form) -> End:
        """The lower bound lo(f)."""
        return largest([self.interval(f)[0], self.interval(self.expand(f))[0], self.substituted(f)])

    def substituted(self, f: Form) -> End:
        """The lower bound by substitution of affine bounds (section 5.2)."""
        return largest([self.interval(g)[0] for g in self.substitutes(f)])

    def substitutes(self, f: Form) -> Iterator[Form]:
        """What a form becomes by substitution of affine bounds, level by level; none of it is larger."""
        while self.relaxed and (found := [a for a in self.mentioned(f) if a not in self.functions and self.level[a]]):
            top = max(self.level[a] for a in found)
            for a in [a for a in found if self.level[a] == top]:
                ends = self.below if f[a] > 0 else self.above
                if a not in ends:
                    return
                f = add({v: c for v, c in f.items() if v != a}, ends[a], f[a])
            yield f

    def is_at_least_0(self, f: Form) -> bool:
        """Whether lo(f) >= 0, values of functions being enclosed together with the claim's variables."""
        if self.functions.keys().isdisjoint(f):
            return at_least(self.lo(f), 0)
        return any(map(self.shown_with_functions, [f, self.expand(f), *self.substitutes(f)]))

    def shown_with_functions(self, f: Form) -> bool:
        """Whether a form is >= 0 by bounds of its atoms, and of the rest on the box."""
        box = self.box()
        line = {v: c for v, c in f.items() if 0 < v <= self.last_variable}
        parts = [(c, *self.functions[v]) for v, c in f.items() if v in self.functions]
        rest = self.interval({v: c for v, c in f.items() if v not in line and v not in self.functions})[0]
        return box is not None and rest is not None and functions.reaches(parts, line, -rest, box)

    def box(self) -> tuple[tuple[Fraction, Fraction], ...] | None:
        """The bounds of the claim's variables, if all are finite."""
        ends = self.bounds[1 : self.last_variable + 1]
        box = tuple((low, high) for low, high in ends if low is not None and high is not None)
        return box if len(box) == len(ends) else None

    def are_defined(self) -> bool:
        """Whether all functions are defined on the box."""
        box = self.box()
        return not self.functions or (
            box is not None and all(functions.defined(f, forms, box) for f, forms in self.functions.values())
        )

    def function(self, function: Function, arguments: Arguments) -> Form:
        """The value of a function, a variable; it has bounds of its own where no variables are left."""
        for a, known in self.functions.items():
            if known == (function, arguments):
                return {a: Fraction(1)}
        a = len(self.bounds)
        self.functions[a] = function, arguments
        self.support[a] = frozenset([a])
        try:
            value = None if self.last_variable else functions.known(function, arguments, ()).value
        except functions.Undefined:
            value = None
        self.bounds.append(value or (None, None))
        return {a: Fraction(1)}

    def needed(self, forms: list[Form]) -> list[int]:
        """The atoms in some forms, in their candidates, and so on, and all functions, in increasing order."""
        found = set(self.functions)
        waiting = [a for f in forms for a in self.mentioned(f)]
        while waiting:
            a = waiting.pop()
            if a not in found:
                found.add(a)
                waiting += [b for f in self.candidates.get(a, []) for b in self.mentioned(f)]
        return sorted(found)

    def range(self, f: Form) -> Interval:
        """Both bounds of a form."""
        return self.lo(f), self.hi(f)

    def hi(self, f: Form) -> End:
        """The upper bound hi(f)."""
        bound = self.lo(times(-1, f))
        return None if bound is None else -bound

    def undominated(self, forms: list[Form]) -> list[Form]:
        """U(F)."""
        return list(self.kept(forms).values())

    def kept(self, forms: list[Form]) -> dict[int, Form]:
        """U(F) with the positions of the forms in F."""
        seen: set[Key] = set()
        alive = {}
        for i, f in enumerate(forms):
            key = key_of(self.expand(f))
            alive |= {} if key in seen else {i: f}
            seen.add(key)
        positions = list(alive)
        leaders = [positions[i] for i in self.leaders(list(alive.values()))]
        for i in positions:
            others = [alive[j] for j in leaders if j != i and j in alive]
            if any(at_least(self.lo(add(g, alive[i], -1)), 0) for g in others):
                del alive[i]
        return alive

    def leaders(self, forms: list[Form]) -> list[int]:
        """The positions of the leaders of a list of forms, those that may dominate others."""
        places = range(len(forms))
        if len(forms) <= LEADERS:
            return list(places)
        lows = [self.lo(f) for f in forms]
        found = sorted(places, key=lambda i: (lows[i] is None, -(lows[i] or 0), i))
        tops = self.tops(forms)
        return list(dict.fromkeys([*tops, *found[: len(tops) or LEADERS]]))

    def tops(self, forms: list[Form]) -> list[int]:
        """The positions of the first form that is largest at each corner of a box with one side or two."""
        box, plain = self.box(), [i for i, f in enumerate(forms) if not self.mentioned(f)]
        if not plain or not box or len(box) > 2:
            return []
        corners = [dict(enumerate(corner, start=1)) | {0: Fraction(1)} for corner in itertools.product(*box)]
        return [max(plain, key=lambda i: sum(c * at[v] for v, c in forms[i].items())) for at in corners]

    def partner(self, s: Form, i: int, forms: list[Form], others: list[Form]) -> Form:
        """The partner of the form s at position i of a list in another list."""
        if len(forms) == len(others):
            return others[i]
        highs = {j: self.hi(add(s, others[j], -1)) for j in self.leaders(others)}
        return others[min(highs, key=lambda j: (highs[j] is None, highs[j] or 0))]

    def atom(self, forms: list[Form], rate: Rate | None = None) -> int:
        """The atom of a list of undominated forms, or the soft atom of a list of any forms."""
        keys = [key_of(f) for f in forms]
        key = frozenset(keys) if rate is None else frozenset([(rate, frozenset(Counter(keys).items()))])
        if key not in self.by_set:
            self.by_set[key] = self.new(forms, rate)
        return self.by_set[key]

    def new(self, forms: list[Form], rate: Rate | None) -> int:
        """Make an atom."""
        bounds = self.of_maximum(forms) if rate is None else self.of_softmax(forms, rate)
        return self.enter(forms, rate, bounds, *self.affine(forms, rate), self.gap_of(forms, rate))

    def enter(
        self,
        forms: list[Form],
        rate: Rate | None,
        bounds: Interval,
        below: Form | None,
        above: Form | None,
        own_gap: tuple[Fraction, Fraction],
    ) -> int:
        """A new atom with its class."""
        a = self.variable(bounds, below, above, rate is not None)
        self.candidates[a] = forms
        if rate is not None:
            self.rate[a], self.gap[a] = rate, own_gap
        own = Class.of([self.expand(f) for f in forms], rate)
        first, other = self.by_class.setdefault(own.key, (a, own))
        parts = [self.support[v] for f in forms for v in f if v > self.last_variable]
        if first != a:
            c = own.factor / other.factor
            self.alias[a] = add(add(own.base, other.base, -c), {first: c})
            self.first[a] = first
            parts.append(self.support[first])
        self.support[a] = frozenset([a]).union(*parts)
        return a

    def variable(self, bounds: Interval, below: Form | None, above: Form | None, inexact: bool = True) -> int:
        """A new variable with its bounds; affine ones count in a relaxed table."""
        a = len(self.bounds)
        if self.relaxed:
            parts = [f for f in (below, above) if f is not None]
            self.level[a] = 1 + max((self.level.get(v, 0) for f in parts for v in f), default=0)
            self.below |= {} if below is None else {a: below}
            self.above |= {} if above is None else {a: above}
        self.bounds.append(outwards(*bounds) if self.relaxed or inexact else bounds)
        self.support[a] = frozenset([a])
        return a

    def leak(self, bounds: Interval) -> int:
        """A new variable that is only bounded: it has no affine bounds to put in its place, so its level is 0."""
        a = self.variable(bounds, None, None)
        self.level[a] = 0
        return a

    def listed(self, f: Form) -> Form:
        """L(f): E(f) without blends and leaks."""
        return {v: c for v, c in self.expand(f).items() if v <= self.last_variable or v in self.candidates}

    def of_maximum(self, forms: list[Form]) -> Interval:
        """The bounds of a maximum."""
        highs = [self.hi(f) for f in forms]
        return largest([self.lo(f) for f in forms]), None if None in highs else largest(highs)

    def lead(self, forms: list[Form]) -> int:
        """The position of the form with the largest sum of bounds."""
        sums = [None if None in self.range(f) else sum(self.range(f)) for f in forms]  # type: ignore[arg-type]
        finite = [i for i, end in enumerate(sums) if end is not None]
        return max(finite, key=lambda i: (sums[i], -i), default=0)

    def about(self, forms: list[Form], r: int) -> list[Interval]:
        """The bounds of the differences of all forms from one of them."""
        return [self.range(add(f, forms[r], -1)) for f in forms]

    def gap_of(self, forms: list[Form], rate: Rate | None) -> tuple[Fraction, Fraction]:
        """How far the softmax of a list stays below its maximum, 0 for the maximum itself."""
        return (Fraction(0), Fraction(0)) if rate is None else gap(rate, self.about(forms, self.lead(forms)))

    def of_softmax(self, forms: list[Form], rate: Rate) -> Interval:
        """The bounds of a soft atom."""
        r = self.lead(forms)
        differences = self.about(forms, r)
        mixed = total([product(p, z) for p, z in zip(weights(rate, differences), differences, strict=True)])
        least, most = self.gap_of(forms, rate)
        lows, highs = zip(*(self.range(f) for f in forms), strict=True)
        top = largest(list(lows))
        mean = None if None in lows else sum(lows) / len(lows)
        bounds = both(
            (plus(lows[r], mixed[0]), plus(highs[r], mixed[1])),
            (plus(top, -most), None if None in highs else max(highs) - least),
        )
        return both(bounds, (mean, None))

    def affine(self, forms: list[Form], rate: Rate | None = None) -> tuple[Form | None, Form | None]:
        """The affine bounds of the maximum or the softmax of a list, in a relaxed table."""
        if not self.relaxed:
            return None, None
        least, most = self.gap_of(forms, rate)
        r = self.lead(forms)
        below, above = add(forms[r], single(most), -1), add(forms[r], single(least), -1)
        for i, f in enumerate(forms):
            if i != r:
                part = self.positive_part(add(f, forms[r], -1))
                if part is None:
                    return below, None
                above = add(above, part)
        return below, above

    def positive_part(self, g: Form) -> Form | None:
        """An affine upper bound of max(g, 0): its chord, the slope a multiple of 2^-20."""
        low, high = self.range(g)
        if low is not None and low >= 0:
            return g
        if high is not None and high <= 0:
            return {}
        if low is None or high is None:
            return None
        slope = down(high / (high - low), 20)
        rise = max(-slope * low, (1 - slope) * high)
        return add(times(slope, g), single(up(rise, grain(rise))))

    def mentioned(self, f: Form) -> list[int]:
        """The atoms in a form, in increasing order."""
        return sorted(v for v in f if v > self.last_variable)

    def with_fixed_inputs(self, f: Form) -> Form:
        """The form, with its number for every variable whose two bounds are one number."""
        result = single(0)
        for v, factor in f.items():
            low, high = self.bounds[v]
            number = v and low is not None and low == high
            result = add(result, single(low) if number else {v: Fraction(1)}, factor)
        return result

    def tidy(self, f: Form) -> Form:
        """A coordinate of a state after a sublayer (section 7.2)."""
        for a in self.mentioned(f):
            if a in self.alias:
                replaced = self.unalias(f, a)
                if self.first[a] not in replaced or len(replaced) < len(f):
                    f = replaced
        return f


def largest(ends: list[End]) -> End:
    """The largest of some lower bounds, None being minus infinity."""
    return max((end for end in ends if end is not None), default=None)


def both(one: Interval, other: Interval) -> Interval:
    """The intersection of two intervals."""
    highs = [end for end in (one[1], other[1]) if end is not None]
    return largest([one[0], other[0]]), min(highs, default=None)


def plus(a: End, b: End) -> End:
    """The sum of two ends of intervals."""
    return None if a is None or b is None else a + b


def at_least(end: End, limit: int) -> bool:
    """Whether a lower bound reaches a limit."""
    return end is not None and end >= limit


# --- Section 4: claims ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Soft:
    """How a side is read with softmax: the rates of its layers or attention sublayers, and the words for it."""

    rates: list[Rate]
    words: str


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of a claim: a network at forms in the claim's variables."""

    letter: str
    network: Network
    inputs: list[Form]
    tie: str
    label: str
    soft: Soft | None = None  # None: maxima and hard attention


@dataclass(frozen=True)
class Conclusion:
    """A combination of outputs, plus a constant, that has to be 0 or at least 0; a term is (evaluation, k, factor)."""

    terms: list[tuple[int, int, int | Fraction]]
    constant: Fraction
    equation: bool

    def form(self, outputs: list[list[Form]]) -> Form:
        """The conclusion as a form."""
        total = single(self.constant)
        for evaluation, k, factor in self.terms:
            total = add(total, outputs[evaluation][k], factor)
        return total


@dataclass(frozen=True)
class Claim:
    """A claim as section 4.1 says."""

    inputs: int
    free: list[int] | None  # None: the claim is about one point
    evaluations: list[Evaluation]
    conclusions: list[Conclusion]
    text: str
    rule: str | None  # the tie rule of all evaluations, if it is one
    sides: tuple[Soft | None, ...] = ()
    networks: tuple[Network, ...] = ()
    sets: tuple[int, ...] = ()  # if there are some: how many conclusions belong to each; one of them has to be > 0

    @property
    def equations(self) -> list[bool]:
        """For what is to be shown, in order, whether it is that a form is 0."""
        return [False] * len(self.sets) or [c.equation for c in self.conclusions]

    def by_set(self, found: Sequence[T]) -> list[list[T]]:
        """What belongs to the conclusions of each set."""
        ends = list(accumulate(self.sets, initial=0))
        return [list(found[first:last]) for first, last in pairwise(ends)]

    def is_refuted(self, outputs: list[list[Form]], bounds: Callable[[Form], Interval]) -> bool:
        """Whether outputs contradict it, whatever they are within their bounds."""
        found = [bounds(c.form(outputs)) for c in self.conclusions]
        if self.sets:
            return any(all(high is not None and high <= 0 for _, high in own) for own in self.by_set(found))
        return any(is_false(ends, c.equation) for ends, c in zip(found, self.conclusions, strict=True))

    def semantics(self, hard: str) -> list[str]:
        """How the sides are read, functions apart, given the words for a hard one; nothing if there are only those."""
        return semantics(list(zip(self.networks, self.sides, strict=True)), hard)

    def said(self) -> str:
        """The text of the claim and of its functions."""
        return self.text + formulas(self.networks)

    def points(self) -> list[list[Form]]:
        """The point x, and the point y if there is one, as forms in the variables."""
        x = coordinates(self.inputs)
        return [x] if self.free is None else [x, second_point(self.inputs, self.free)]


def semantics(sides: list[tuple[Network, Soft | None]], hard: str) -> list[str]:
    """The words for how sides are read that are no functions."""
    words = [hard if soft is None else soft.words for net, soft in sides if not isinstance(net, Function)]
    return words[:1] if len(set(words)) < 2 else [f"left: {words[0]}, right: {words[1]}"]


def formulas(networks: Sequence[Network]) -> str:
    """What the functions among the sides are."""
    pairs = [(name, net) for name, net in zip(("left", "right"), networks, strict=False) if isinstance(net, Function)]
    found = [f"{name}({', '.join(net.names) or 'x'}) = {functions.formula(net)}" for name, net in pairs]
    return f", where {' and '.join(found)}" if found else ""


def coordinates(inputs: int) -> list[Form]:
    """The point x as forms."""
    return [{i + 1: Fraction(1)} for i in range(inputs)]


def second_point(inputs: int, free: list[int]) -> list[Form]:
    """The point y as forms."""
    y = coordinates(inputs)
    for position, i in enumerate(free):
        y[i] = {inputs + 1 + position: Fraction(1)}
    return y


def soft_side(reference: dict[str, Any], net: Network) -> Soft | None:
    """The inverse temperatures at which a side is read, if it is read with softmax."""
    if "temperature" not in reference:
        require("base" not in reference, "a base without temperatures")
        return None
    if isinstance(net, Function):
        reject("a function has no temperature")
    base = reference.get("base", "e")
    require(isinstance(base, str) and base in ("e", "2"), "an unknown base")
    count = len(net.layers) if isinstance(net, Layered) else sum(isinstance(part, list) for _, part in net.sublayers)
    found = numbers(reference["temperature"])
    require(len(found) in (1, count), "the temperatures are not those of the layers")
    require(all(rate > 0 for rate in found), "a temperature is not positive")
    if count == 0:
        return None
    shown = found[:1] if len(set(found)) == 1 else found
    words = f"softmax{' of base 2' if base == '2' else ''} at inverse temperature {' / '.join(map(show, shown))}"
    return Soft(
        [Rate(rate, 2 if base == "2" else None) for rate in (found * count if len(found) == 1 else found)], words
    )


def tie_rule(value: Any) -> str:
    """The name of a tie rule."""
    require(isinstance(value, str) and value in RULES, "an unknown tie rule")
    return value


PARAMETERS = {
    "equal": (),
    "at-most": (),
    "within": ("epsilon",),
    "range": ("lower", "upper"),
    "avoids": ("sets",),
    "invariant": ("permutation",),
    "ties-agree": ("rules",),
    "independent": ("inputs",),
    "increasing": ("inputs",),
    "decreasing": ("inputs",),
    "convex": (),
    "concave": (),
}
PAIRS = ("equal", "at-most", "within")


def read_claim(value: dict[str, Any], networks: list[Network]) -> Claim:
    """The claim of a certificate about networks that have been read."""
    claim = hard_claim(value, networks)
    sides = tuple(soft_side(value.get(key, {}), net) for key, net in zip(("left", "right"), networks, strict=False))
    require(not any(sides) or value["claim"] != "ties-agree", "softmax has no ties")
    of_right = value["claim"] in PAIRS
    evaluations = [replace(e, soft=sides[of_right and e.letter == "R"]) for e in claim.evaluations]
    return replace(claim, evaluations=evaluations, sides=sides, networks=tuple(networks))


def hard_claim(value: dict[str, Any], networks: list[Network]) -> Claim:
    """The claim of a certificate as if no side were read with softmax."""
    name, tie = value["claim"], tie_rule(value["tie"])
    given = fields(value.get("parameters", {}), PARAMETERS[name])
    if name in PAIRS:
        return claim_on_pair(name, given, networks, tie)
    if name == "avoids":
        return claim_on_sets(items(given["sets"]), networks[0], tie)
    if name in ("range", "invariant", "ties-agree"):
        return claim_on_point(name, given, networks[0], tie)
    if name in ("convex", "concave"):
        return claim_on_midpoint(name, networks[0], tie)
    return claim_on_change(name, given, networks[0], tie)


def side(first: int, second: int, k: int, bound: Fraction | int = 0, equation: bool = False) -> Conclusion:
    """The conclusion that an output of the first evaluation minus one of the second plus a bound is >= 0, or 0."""
    return Conclusion([(first, k, 1), (second, k, -1)], Fraction(bound), equation)


def claim_on_pair(name: str, given: dict[str, Any], networks: list[Network], tie: str) -> Claim:
    """The claims equal, at-most and within."""
    left, right = networks
    require(left.inputs == right.inputs and left.outputs == right.outputs, "the networks do not fit")
    x = coordinates(left.inputs)
    evaluations = [Evaluation("L", left, x, tie, "left(x)"), Evaluation("R", right, x, tie, "right(x)")]
    outputs = range(left.outputs)
    if name == "equal":
        conclusions, text = [side(0, 1, k, equation=True) for k in outputs], "left(x) = right(x)"
    elif name == "at-most":
        conclusions, text = [side(1, 0, k) for k in outputs], "left(x) <= right(x)"
    else:
        epsilon = number(given["epsilon"])
        require(epsilon >= 0, "epsilon is negative")
        conclusions = [side(1, 0, k, epsilon) for k in outputs] + [side(0, 1, k, epsilon) for k in outputs]
        text = f"|left(x) - right(x)| <= {show(epsilon)}"
    return Claim(left.inputs, None, evaluations, conclusions, f"for every x in the domain, {text}", tie)


def claim_on_point(name: str, given: dict[str, Any], net: Network, tie: str) -> Claim:
    """The claims range, invariant and ties-agree."""
    x = coordinates(net.inputs)
    equations = [side(0, 1, k, equation=True) for k in range(net.outputs)]
    left = Evaluation("L", net, x, tie, "left(x)")
    rule: str | None = tie
    if name == "range":
        lower, upper = (bounds_of_range(given[key], net.outputs) for key in ("lower", "upper"))
        evaluations, conclusions, text = [left], range_conclusions(lower, upper), range_text(lower, upper)
    elif name == "invariant":
        order = [index(i, net.inputs) for i in items(given["permutation"], net.inputs)]
        require(len(set(order)) == len(order), "no permutation")
        label = f"left({names(order)})"
        evaluations = [left, Evaluation("R", net, [x[i] for i in order], tie, label)]
        conclusions, text = equations, f"left(x) = {label}"
    else:
        first, second = (tie_rule(entry) for entry in items(given["rules"], 2))
        pairs = (("L", first), ("R", second))
        evaluations = [Evaluation(letter, net, x, each, f"left(x) {each}") for letter, each in pairs]
        conclusions, text = equations, f"left(x) is the same under the tie rules {first} and {second}"
        rule = first if first == second else None
    return Claim(net.inputs, None, evaluations, conclusions, f"for every x in the domain, {text}", rule)


def claim_on_sets(sets: list[Any], net: Network, tie: str) -> Claim:
    """The claim avoids."""
    require(not isinstance(net, Function), "a function has no sets of outputs")
    require(bool(sets), "no sets")
    conclusions, sizes, texts = [], [], []
    for entry in sets:
        own = fields(entry, ("matrix", "bounds"))
        ends = numbers(own["bounds"])
        matrix = [numbers(row, net.outputs) for row in items(own["matrix"], len(ends))]
        require(bool(ends), "a set without rows")
        for row, end in zip(matrix, ends, strict=True):
            conclusions.append(Conclusion([(0, k, c) for k, c in enumerate(row)], -end, False))
        sizes.append(len(ends))
        texts.append(" and ".join(f"{sum_text(row)} <= {show(end)}" for row, end in zip(matrix, ends, strict=True)))
    evaluation = Evaluation("L", net, coordinates(net.inputs), tie, "left(x)")
    text = f"for every x in the domain, y = left(x) satisfies none of {', '.join(f'({text})' for text in texts)}"
    return Claim(net.inputs, None, [evaluation], conclusions, text, tie, sets=tuple(sizes))


def sum_text(row: list[Fraction]) -> str:
    """A combination of outputs."""
    text = ""
    for k, c in enumerate(row):
        if c:
            sign = ("-" if c < 0 else "") if not text else " - " if c < 0 else " + "
            text += sign + ("" if abs(c) == 1 else f"{show(abs(c))} ") + f"y{k + 1}"
    return text or "0"


def bounds_of_range(value: Any, outputs: int) -> list[End]:
    """One side of the parameters of the claim range."""
    return [None if entry is None else number(entry) for entry in items(value, outputs)]


def range_conclusions(lower: list[End], upper: list[End]) -> list[Conclusion]:
    """The conclusions of the claim range."""
    require(any(end is not None for end in lower + upper), "a range without ends")
    below = [Conclusion([(0, k, 1)], -end, False) for k, end in enumerate(lower) if end is not None]
    return below + [Conclusion([(0, k, -1)], end, False) for k, end in enumerate(upper) if end is not None]


def range_text(lower: list[End], upper: list[End]) -> str:
    """The chains of the claim range."""
    chains = []
    for k, (low, high) in enumerate(zip(lower, upper, strict=True)):
        if low is not None or high is not None:
            chain = "left(x)" if len(lower) == 1 else f"left(x)_{k + 1}"
            chain = chain if low is None else f"{show(low)} <= {chain}"
            chains.append(chain if high is None else f"{chain} <= {show(high)}")
    return " and ".join(chains)


def claim_on_change(name: str, given: dict[str, Any], net: Network, tie: str) -> Claim:
    """The claims independent, increasing and decreasing."""
    free = [index(i, net.inputs) for i in items(given["inputs"])]
    require(len(free) > 0 and free == sorted(set(free)), "the free inputs are not in increasing order")
    x, y = coordinates(net.inputs), second_point(net.inputs, free)
    evaluations = [Evaluation("L", net, x, tie, "left(x)"), Evaluation("R", net, y, tie, "left(y)")]
    first, second = (1, 0) if name == "increasing" else (0, 1)
    conclusions = [side(first, second, k, equation=name == "independent") for k in range(net.outputs)]
    points, relation = {
        "independent": ("x, y", "="),
        "increasing": ("x <= y", "<="),
        "decreasing": ("x <= y", ">="),
    }[name]
    differ = "" if len(free) == net.inputs else f" that differ at most in {names(free)}"
    text = f"for all {points} in the domain{differ}, left(x) {relation} left(y)"
    return Claim(net.inputs, free, evaluations, conclusions, text, tie)


def claim_on_midpoint(name: str, net: Network, tie: str) -> Claim:
    """The claims convex and concave."""
    free = list(range(net.inputs))
    x, y = coordinates(net.inputs), second_point(net.inputs, free)
    middle = [times(Fraction(1, 2), add(a, b)) for a, b in zip(x, y, strict=True)]
    points = (("M", middle, "left((x + y)/2)"), ("L", x, "left(x)"), ("R", y, "left(y)"))
    evaluations = [Evaluation(letter, net, point, tie, label) for letter, point, label in points]
    sign, relation = (1, "<=") if name == "convex" else (-1, ">=")
    terms = [[(0, k, -2 * sign), (1, k, sign), (2, k, sign)] for k in range(net.outputs)]
    text = f"for all x, y in the domain, left((x + y)/2) {relation} (left(x) + left(y))/2"
    conclusions = [Conclusion(term, Fraction(0), False) for term in terms]
    return Claim(net.inputs, free, evaluations, conclusions, text, tie)


def names(inputs: Iterable[int]) -> str:
    """The names of inputs."""
    return ", ".join(f"x{i + 1}" for i in inputs)


def show(value: Fraction) -> str:
    """A number as text."""
    require(max(abs(value.numerator), value.denominator) < 10**MAX_DIGITS, "a number too long to be written")
    return str(value)


def written(values: Iterable[Fraction]) -> None:
    """Demand that numbers can be written."""
    for value in values:
        show(value)


def show_vector(values: Iterable[Fraction]) -> str:
    """A vector as text."""
    return f"({', '.join(show(value) for value in values)})"


# --- Section 6: the domain and the rows of the root -----------------------------------------------


@dataclass(frozen=True)
class Domain:
    """The domain of a claim."""

    lower: list[End]
    upper: list[End]
    matrix: Matrix
    bounds: Vector

    def rows(self, point: list[Form]) -> list[Form]:
        """The rows of the domain at a point given by forms, all of them >= 0."""
        rows = []
        for f, low, high in zip(point, self.lower, self.upper, strict=True):
            rows += [] if low is None else [add(f, single(low), -1)]
            rows += [] if high is None else [add(single(high), f, -1)]
        products = matrix_on_forms(self.matrix, point)
        return rows + [add(single(b), f, -1) for f, b in zip(products, self.bounds, strict=True)]


def read_domain(value: Any, inputs: int) -> Domain:
    """The domain of a certificate."""
    pair = {"matrix", "bounds"} & set(value) if isinstance(value, dict) else set()
    require(len(pair) != 1, "matrix and bounds stand together")
    fields(value, {"lower", "upper"} | pair)
    lower, upper = (bounds_of_range(value[key], inputs) for key in ("lower", "upper"))
    written(end for end in lower + upper if end is not None)
    if not pair:
        return Domain(lower, upper, [], [])
    bounds = numbers(value["bounds"])
    rows = [numbers(row, inputs) for row in items(value["matrix"], len(bounds))]
    written(bounds + [c for row in rows for c in row])
    return Domain(lower, upper, [{j: c for j, c in enumerate(row) if c} for row in rows], bounds)


def root_rows(claim: Claim, domain: Domain) -> list[Form]:
    """The rows of the cell at the root."""
    points = claim.points()
    rows = [row for point in points for row in domain.rows(point)]
    if claim.text.startswith("for all x <= y"):
        rows += [add(points[1][i], points[0][i], -1) for i in claim.free or ()]
    return rows


# --- Section 7: evaluations on a cell -------------------------------------------------------------


@dataclass(frozen=True)
class Stuck:
    """The remaining tokens of a head that is stuck, with their scores; who asks, if no other head does or token."""

    place: str
    scores: dict[int, Form]
    alone: int | None = None


States = dict[int, list[Form]]  # of the live tokens


@dataclass(frozen=True)
class Run:
    """An evaluation on a cell: how many sublayers it has done, its states, and whether it used the tie rule."""

    done: int = 0
    states: States | None = None
    tied: bool = False
    stuck: Stuck | None = None
    output: list[Form] | None = None


@dataclass(frozen=True)
class Met:
    """A place that was evaluated: its list, its rate if it is soft, and its value."""

    forms: list[Form]
    rate: Rate | None
    value: Form


@dataclass
class Cell:
    """A cell, with all that is known on it."""

    atoms: Atoms
    rows: list[Row]
    runs: list[Run]
    places: dict[str, int] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)
    met: dict[str, Met] = field(default_factory=dict)
    known: dict[int, Form] = field(default_factory=dict)
    decided: dict[Key, tuple[Class, Form]] = field(default_factory=dict)
    signs: dict[Key, int] = field(default_factory=dict)
    touched: frozenset[int] = frozenset()
    handed_on: dict[int, Form] = field(default_factory=dict)
    values: dict[int, Form] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    conclusions: list[Form] | None = None

    def child(self, rows: list[Row], **changes: Any) -> Cell:
        """A cell with more rows, and with what is given changed; what it finds does not come back here."""
        common = {"rows": self.rows + rows, "runs": list(self.runs), "places": dict(self.places), "met": dict(self.met)}
        common |= {"atoms": self.atoms.copy(), "handed_on": dict(self.handed_on), "values": {}, "begun": set()}
        return replace(self, **(common | changes))

    def resolve(self, f: Form) -> Form:
        """R(f)."""
        result = f
        for a in self.atoms.mentioned(f):
            if not self.atoms.support[a].isdisjoint(self.touched):
                result = add(add(result, {a: f[a]}, -1), self.value(a), f[a])
        return result

    def value(self, a: int) -> Form:
        """V(a)."""
        if a in self.handed_on:
            return self.handed_on[a]
        if a not in self.values:
            require(a not in self.begun, "a value that depends on itself")
            self.begun.add(a)
            if a in self.known:
                found = self.resolve(self.known[a])
            elif a in self.atoms.alias:
                found = self.resolve(self.atoms.alias[a])
            elif a in self.atoms.differences:
                forms = [self.resolve(f) for f in self.atoms.candidates[a]]
                winner = self.winner(forms) if a not in self.atoms.rate else None
                found = {a: Fraction(1)} if winner is None else winner
            elif a in self.atoms.rate:
                found = self.softmax(self.atoms.candidates[a], self.atoms.rate[a])
            else:
                found = self.maximum(self.atoms.candidates[a])
            self.values[a] = found
            if not self.atoms.mentioned(found):
                self.handed_on[a] = found
        return self.values[a]

    def normal(self, f: Form) -> Form:
        """E(R(f))."""
        return self.atoms.expand(self.resolve(f))

    def maximum(self, forms: list[Form]) -> Form:
        """M(F)."""
        forms = [self.resolve(f) for f in forms]
        found = self.winner(forms)
        if found is not None:
            return found
        forms = self.atoms.undominated(forms)
        return forms[0] if len(forms) == 1 else {self.atoms.atom(forms): Fraction(1)}

    def winner(self, forms: list[Form]) -> Form | None:
        """The maximum of resolved forms, if they are one, or if their class is decided."""
        if self.decided:
            expanded = distinct(self.atoms.expand(f) for f in forms)
            if len(expanded) == 1:
                return expanded[0]
            own = Class.of(expanded)
            if own.key in self.decided:
                other, winner = self.decided[own.key]
                c = own.factor / other.factor
                return add(own.base, times(c, add(winner, other.base, -1)))
        return None

    def softmax(self, forms: list[Form], rate: Rate) -> Form:
        """B of a list at a rate."""
        forms = [self.resolve(f) for f in forms]
        if len(distinct(self.atoms.expand(f) for f in forms)) == 1:
            return forms[0]
        return {self.atoms.atom(forms, rate): Fraction(1)}

    def operation(self, forms: list[Form], rate: Rate | None) -> Form:
        """The maximum of a list, or B of it."""
        return self.maximum(forms) if rate is None else self.softmax(forms, rate)

    def operation_at(self, place: str, forms: list[Form], rate: Rate | None) -> Form:
        """M or B of a list at a place, which exists if the result is an atom; it may be paired with an earlier one."""
        if not any(forms):
            return {}
        forms = [self.resolve(f) for f in forms]
        earlier = self.met.get(self.pairs.get(place, ""))
        if earlier is None or (rate is None and self.winner(forms) is not None):
            result, a = self.operation(forms, rate), None
        else:
            result, a = self.difference(forms, rate, earlier)
        self.met[place] = Met(forms, rate, result)
        atoms = self.atoms.mentioned(result)
        if a is None and atoms and result == {atoms[0]: 1} and atoms[0] in self.atoms.candidates:
            a = atoms[0]
        if a is not None:
            self.places[place] = a
        return result

    def difference(self, forms: list[Form], rate: Rate | None, earlier: Met) -> tuple[Form, int | None]:
        """The value of a list by that of an earlier one (section 5.2), and the atom of their difference, if any."""
        atoms = self.atoms
        key = frozenset([(rate, tuple(map(key_of, forms)), key_of(earlier.value))])
        if key not in atoms.by_set:
            own = [add(f, earlier.value, -1) for f in forms]
            bounds = self.bounds_of_difference(forms, rate, earlier)
            if bounds[0] is not None and bounds[0] == bounds[1]:
                return add(earlier.value, single(bounds[0])), None
            low, high = atoms.of_maximum(own)
            least, most = atoms.gap_of(forms, rate)
            bounds = both(bounds, (plus(low, -most), plus(high, -least)))
            own = atoms.undominated(own) if rate is None else own
            if len(own) == 1:
                return add(earlier.value, own[0]), None
            below, above = self.affine_of_difference(forms, rate, earlier)
            d = atoms.enter(own, rate, bounds, below, above, (least, most))
            atoms.differences |= {d}
            atoms.by_set[key] = d
        d = atoms.by_set[key]
        return add(earlier.value, {d: Fraction(1)}), d

    def apart(self, forms: list[Form], rate: Rate | None, earlier: Met) -> tuple[list[Form], list[Form], Interval]:
        """By how much entries of a list may rise and fall against an earlier one, and how much gaps add."""
        atoms = self.atoms
        rises = [add(s, atoms.partner(s, j, forms, earlier.forms), -1) for j, s in atoms.kept(forms).items()]
        falls = [add(s, atoms.partner(s, i, earlier.forms, forms), -1) for i, s in atoms.kept(earlier.forms).items()]
        least, most = atoms.gap_of(earlier.forms, earlier.rate)
        least_own, most_own = atoms.gap_of(forms, rate)
        return rises, falls, (least - most_own, most - least_own)

    def bounds_of_difference(self, forms: list[Form], rate: Rate | None, earlier: Met) -> Interval:
        """The bounds of the difference to an earlier value."""
        atoms = self.atoms
        rises, falls, (least, most) = self.apart(forms, rate, earlier)
        fall = atoms.of_maximum(falls)[1]
        bounds = None if fall is None else least - fall, plus(atoms.of_maximum(rises)[1], most)
        if rate is not None and rate == earlier.rate and len(forms) == len(earlier.forms):
            ends = [atoms.range(add(s, t, -1)) for s, t in zip(forms, earlier.forms, strict=True)]
            lows, highs = zip(*ends, strict=True)
            if None not in lows and None not in highs:
                middle, width = (max(highs) + min(lows)) / 2, (max(highs) - min(lows)) / 2
                width *= 1 + 2 * gamma(len(forms))
                bounds = both(bounds, (middle - width, middle + width))
        return bounds

    def affine_of_difference(self, forms: list[Form], rate: Rate | None, earlier: Met) -> tuple[Form | None, ...]:
        """The affine bounds of the difference to an earlier value, from below and from above."""
        rises, falls, (least, most) = self.apart(forms, rate, earlier)
        rise, fall = self.atoms.affine(rises)[1], self.atoms.affine(falls)[1]
        below = None if fall is None else add(single(least), fall, -1)
        return below, None if rise is None else add(rise, single(most))

    def sign(self, f: Form) -> int | None:
        """The sign of a form on the cell, None if it is unknown."""
        f = self.normal(f)
        if not f:
            return 0
        low, high = self.atoms.lo(f), self.atoms.hi(f)
        if low is not None and low > 0:
            return 1
        if high is not None and high < 0:
            return -1
        key, factor = up_to_multiples(f)
        known = self.signs.get(key)
        return None if known is None else known * factor

    def advance(self, claim: Claim) -> None:
        """Run the evaluations that are not finished, as far as they go."""
        for i, evaluation in enumerate(claim.evaluations):
            if self.runs[i].output is None:
                self.runs[i] = go_on(self, evaluation, self.runs[i])
            if self.runs[i].output is None:
                return
        if self.conclusions is None:
            outputs = [run.output or [] for run in self.runs]
            forms = [conclusion.form(outputs) for conclusion in claim.conclusions]
            if claim.sets:
                forms = [self.operation_at(f"U{j}", own, None) for j, own in enumerate(claim.by_set(forms))]
            self.conclusions = list(map(self.atoms.expand, forms))

    def stuck(self) -> Stuck | None:
        """The head where the first evaluation that is not finished is stuck."""
        return next((run.stuck for run in self.runs if run.output is None), None)


def up_to_multiples(f: Form) -> tuple[Key, int]:
    """What a form has in common with its multiples, and the sign of the factor between them."""
    leading = f[max(f)]
    return key_of(times(1 / leading, f)), 1 if leading > 0 else -1


def go_on(cell: Cell, evaluation: Evaluation, run: Run) -> Run:
    """Start or resume an evaluation."""
    evaluation = replace(evaluation, inputs=[cell.atoms.with_fixed_inputs(f) for f in evaluation.inputs])
    if isinstance(evaluation.network, Function):
        return Run(output=[Program(cell, evaluation).value()])
    if isinstance(evaluation.network, Transformer):
        return run_transformer(cell, evaluation, evaluation.network, run)
    return Run(output=run_layers(cell, evaluation, evaluation.network))


@dataclass
class Program:
    """An evaluation of a function on a cell (section 7.4)."""

    cell: Cell
    evaluation: Evaluation
    plain: dict[int, Form] = field(default_factory=dict)  # the steps that are forms
    sums: dict[int, dict[int, Fraction]] = field(default_factory=dict)  # other sums and multiples: terms, with factors

    def value(self) -> Form:
        """The form of the last step."""
        steps = self.evaluation.network.steps
        for k, (name, earlier, constant) in enumerate(steps):
            self.read(k, name, earlier, constant)
        last = len(steps) - 1
        used = {i for name, earlier, _ in steps if name != "input" for i in earlier}
        open_steps, waiting = set[int](), [k for k in range(last + 1) if k == last or k not in used]
        while waiting:
            k = waiting.pop()
            if k not in open_steps:
                open_steps.add(k)
                waiting.extend(self.sums.get(k, ()))
        made = {k: self.variable(k) for k in sorted(open_steps, reverse=True) if k not in self.plain | self.sums}
        values: dict[int, Form] = {}
        for k in sorted(open_steps):
            values[k] = self.plain.get(k) or made.get(k) or {}
            for i, factor in self.sums.get(k, {}).items():
                values[k] = add(values[k], values[i], factor)
        return values[last]

    def read(self, k: int, name: str, earlier: tuple[int, ...], constant: Fraction) -> None:
        """Enter a step as a form, or as a sum; any other one is neither."""
        steps, letter = self.evaluation.network.steps, self.evaluation.letter
        if name in ("input", "number"):
            self.plain[k] = self.evaluation.inputs[earlier[0]] if name == "input" else single(constant)
            return
        terms: dict[int, Fraction] | None = None
        if name == "add":
            terms = dict.fromkeys(earlier, Fraction(2 if earlier[0] == earlier[1] else 1))
        elif name == "multiply" and "number" in (steps[earlier[0]][0], steps[earlier[1]][0]):
            i, j = earlier if steps[earlier[0]][0] == "number" else earlier[::-1]
            terms = {j: steps[i][2]}
        elif name == "divide" and steps[earlier[1]][0] == "number" and steps[earlier[1]][2]:
            terms = {earlier[0]: 1 / steps[earlier[1]][2]}
        if not all(i in self.plain for i in earlier):
            if terms is not None:
                self.sums[k] = terms
            return
        forms = [self.plain[i] for i in earlier]
        sign = -1 if name == "minimum" else 1
        if terms is not None:
            form: Form = {}
            for i, factor in terms.items():
                form = add(form, self.plain[i], factor)
            self.plain[k] = form
        elif name in ("maximum", "minimum", "absolute"):
            forms = [times(sign, f) for f in forms] + ([times(-1, forms[0])] if name == "absolute" else [])
            self.plain[k] = times(sign, self.cell.operation_at(f"{letter}.s{k}", forms, None))

    def variable(self, last: int) -> Form:
        """The variable of a step that is neither: its own function of those forms below it that mention no atoms."""
        forms: dict[Key, int] = {}
        terms: dict[Any, int] = {}
        became: dict[int, int] = {}

        def enter(k: int) -> None:
            name, earlier, constant = self.evaluation.network.steps[k]
            if k in self.plain and not self.cell.atoms.mentioned(self.plain[k]):
                form = tuple(sorted(self.plain[k].items()))
                term: Any = ("input", (forms.setdefault(form, len(forms)),), Fraction(0))
            else:
                term = (name, tuple(became[i] for i in earlier), constant)
            became[k] = terms.setdefault(term, len(terms))

        todo = [(last, False)]
        while todo:  # below first, from left to right
            k, below = todo.pop()
            whole = k in self.plain and not self.cell.atoms.mentioned(self.plain[k])
            if below or whole:
                enter(k)
            elif k not in became:
                earlier = self.evaluation.network.steps[k][1]
                todo += [(k, True), *((i, False) for i in reversed(earlier))]
        return self.cell.atoms.function(Function(len(forms), tuple(terms)), tuple(forms))


def run_layers(cell: Cell, evaluation: Evaluation, net: Layered) -> list[Form]:
    """The outputs of a maxout or ReLU network."""
    forms = evaluation.inputs
    for number_of_layer, layer in enumerate(net.layers):
        rate = evaluation.soft.rates[number_of_layer] if evaluation.soft else None
        prefix = f"{evaluation.letter}{number_of_layer}"
        lists = [affine_on_forms(unit, forms) + [single(0)] * net.relu for unit in layer]
        forms = [cell.operation_at(f"{prefix}.u{i}", pieces, rate) for i, pieces in enumerate(lists)]
    return affine_on_forms(net.output, forms)


def live_tokens(net: Transformer) -> list[list[int]]:
    """The tokens that are live before the first sublayer, after it, after the second, and so on."""
    live = [[net.token]]
    for _, part in reversed(net.sublayers):
        if isinstance(part, list) and part:
            live.append(list(range(live[-1][-1] + 1 if net.causal else len(net.embedding))))
        else:
            live.append(live[-1])
    return live[::-1]


def run_transformer(cell: Cell, evaluation: Evaluation, net: Transformer, run: Run) -> Run:
    """Start or resume the evaluation of a Transformer."""
    letter, live = evaluation.letter, live_tokens(net)
    states, tied = run.states, run.tied
    if states is None:
        states = {t: affine_on_forms(net.embedding[t], evaluation.inputs) for t in live[0]}
    for done in range(run.done, len(net.sublayers)):
        block, part = net.sublayers[done]
        after = live[done + 1]
        if isinstance(part, Feedforward):
            updates = {t: feed_forms(cell, f"{letter}{block}", part, t, states[t]) for t in after}
        else:
            number_of_attention = sum(isinstance(part, list) for _, part in net.sublayers[:done])
            rate = evaluation.soft.rates[number_of_attention] if evaluation.soft else None
            before = run.stuck if done == run.done else None
            attention = Attention(cell, f"{letter}{block}", states, net.causal, evaluation.tie, rate, before)
            found = attention.updates(part, after)
            if isinstance(found, Stuck):
                return Run(done, states, tied, found)
            updates, tied = found, tied or attention.tied
        states = {t: updated(cell, net.residual, states[t], updates[t]) for t in after}
    return Run(len(net.sublayers), states, tied, None, affine_on_forms(net.readout, states[net.token]))


def updated(cell: Cell, residual: bool, state: list[Form], update: list[Form]) -> list[Form]:
    """The state of a token after a sublayer: coordinates that the update changes are tidied."""
    tidy = cell.atoms.tidy
    if not residual:
        return [tidy(g) for g in update]
    return [tidy(add(f, g)) if g else f for f, g in zip(state, update, strict=True)]


def feed_forms(cell: Cell, prefix: str, part: Feedforward, t: int, state: list[Form]) -> list[Form]:
    """The update of a feed-forward sublayer at one token."""
    hidden = affine_on_forms(part.first, state)
    hidden = [cell.operation_at(f"{prefix}.f{i}.t{t}", [u, {}], None) for i, u in enumerate(hidden)]
    return affine_on_forms(part.second, hidden)


@dataclass
class Attention:
    """An attention sublayer on a cell."""

    cell: Cell
    prefix: str
    states: States
    causal: bool
    tie: str
    rate: Rate | None
    before: Stuck | None  # the head that was stuck on a larger cell
    tied: bool = False

    def updates(self, heads: list[Head], live: list[int]) -> States | Stuck:
        """The updates of all live tokens, unless a head is stuck."""
        updates: States = {q: [{} for _ in self.states[q]] for q in live}
        for number_of_head, head in enumerate(heads):
            for q in live:
                result = self.head(f"{self.prefix}.h{number_of_head}.q{q}", head, q)
                if isinstance(result, Stuck):
                    return result if len(heads) * len(live) > 1 else replace(result, alone=q)
                parts = matrix_on_forms(head.output, result)
                updates[q] = [add(f, g) for f, g in zip(updates[q], parts, strict=True)]
        return updates

    def head(self, place: str, head: Head, q: int) -> list[Form] | Stuck:
        """One head at one query token (section 7.3)."""
        cell = self.cell
        scores = self.scores(place, head, q)
        scores = self.remaining(scores) if self.rate is None else scores
        values = {t: [cell.resolve(f) for f in matrix_on_forms(head.value, self.states[t])] for t in scores}
        r = min(scores)
        if len(scores) == 1 and self.rate is None:
            return values[r]
        if self.rate is not None:
            return self.soft_head(place, list(scores.values()), list(values.values()), self.rate)
        result = self.along_scores(place, list(scores.values()), list(values.values()))
        if result is not None:
            return result
        if all(cell.sign(add(scores[t], scores[r], -1)) == 0 for t in scores):
            self.tied = True
            chosen = by_rule(list(values.values()), self.tie)
            return [average(column) for column in zip(*chosen, strict=True)]
        return Stuck(place, scores)

    def along_scores(self, place: str, scores: list[Form], values: list[list[Form]]) -> list[Form] | None:
        """The rules *tie-proof* and *soft*: values that are a function of the score."""
        factors = self.factors(scores, values, self.cell.atoms.expand)
        if None in factors:
            return None
        excess = add(self.cell.operation_at(place, scores, self.rate), scores[0], -1) if any(factors) else {}
        return [add(f, excess, c or 0) for f, c in zip(values[0], factors, strict=True)]

    def factors(
        self, scores: list[Form], values: list[list[Form]], plain: Callable[[Form], Form]
    ) -> list[Fraction | None]:
        """For each coordinate the c with v_t - v_r = c (s_t - s_r), all forms taken in a plain version."""
        rises = [add(plain(s), plain(scores[0]), -1) for s in scores]
        columns = [[plain(f) for f in column] for column in zip(*values, strict=True)]
        return [slope(rises, [add(f, column[0], -1) for f in column]) for column in columns]

    def soft_head(self, place: str, scores: list[Form], values: list[list[Form]], rate: Rate) -> list[Form]:
        """A head under softmax, with all visible tokens."""
        result = self.simple(place, scores, values)
        if result is not None:
            return result
        atoms = self.cell.atoms
        rivals = atoms.leaders(scores)
        margins = {}
        for t, s in enumerate(scores):
            lows = [atoms.lo(add(scores[r], s, -1)) for r in rivals if r != t]
            delta = largest(lows)
            margins |= {} if delta is None or rate.rate * delta < len(f"{len(scores):b}") else {t: delta}
        if len(margins) == len(scores):
            margins.pop(0)
        kept = [t for t in range(len(scores)) if t not in margins]
        some, theirs = [scores[t] for t in kept], [values[t] for t in kept]
        result = self.simple(place, some, theirs) if margins else None
        result = self.blends(place, some, theirs, rate) if result is None else result
        if margins:
            columns = zip(*values, strict=True)
            result = [self.leak(u, list(v), scores, margins, rate) for u, v in zip(result, columns, strict=True)]
        return result

    def simple(self, place: str, scores: list[Form], values: list[list[Form]]) -> list[Form] | None:
        """The rules *mean* and *soft*."""
        if not any(self.cell.atoms.expand(add(s, scores[0], -1)) for s in scores):
            return [average(column) for column in zip(*values, strict=True)]
        return self.along_scores(place, scores, values)

    def blends(self, place: str, scores: list[Form], values: list[list[Form]], rate: Rate) -> list[Form]:
        """The rule *blend*: what is left of the values is blended when a multiple of the scores is taken off."""
        factors = [c or Fraction(0) for c in self.factors(scores, values, self.cell.atoms.listed)]
        excess = add(self.cell.operation_at(place, scores, rate), scores[0], -1) if any(factors) else {}
        rises = [add(s, scores[0], -1) for s in scores]
        result = []
        for c, column in zip(factors, zip(*values, strict=True), strict=True):
            rest = [add(v, rise, -c) for v, rise in zip(column, rises, strict=True)]
            result.append(add(self.blend(scores, rest, rate), excess, c))
        return result

    def leak(
        self, kept: Form, values: list[Form], scores: list[Form], margins: dict[int, Fraction], rate: Rate
    ) -> Form:
        """The value of a coordinate with the tokens that leak, from that without them (section 5.2)."""
        atoms = self.cell.atoms
        rest = {t: add(values[t], kept, -1) for t in margins}
        if not any(atoms.expand(f) for f in rest.values()):
            return kept
        rises = [add(s, scores[0], -1) for s in scores]
        parts = [key_of(atoms.expand(times(rate.rate, f))) for f in rises]
        parts += [key_of(atoms.expand(f)) for f in rest.values()]
        key = frozenset([("leak", rate.base, tuple(rest), tuple(parts))])
        if key not in atoms.blends:
            shares = weights(rate, [atoms.range(f) for f in rises])
            odds = {t: rate.power(delta)[1] for t, delta in margins.items()}
            most = sum(odds.values()) / (1 + sum(odds.values()))
            ends = {t: atoms.range(f) for t, f in rest.items()}
            chances = {t: (shares[t][0], min(shares[t][1], w / (1 + w))) for t, w in odds.items()}
            summed = total([product(chances[t], ends[t]) for t in ends])
            lows, highs = zip(*ends.values(), strict=True)
            low = None if None in lows else most * min(0, *lows)
            high = None if None in highs else most * max(0, *highs)
            atoms.blends[key] = atoms.leak(both(summed, (low, high)))
        return add(kept, {atoms.blends[key]: Fraction(1)})

    def blend(self, scores: list[Form], values: list[Form], rate: Rate) -> Form:
        """A mean of values whose weights are those of softmax (section 5.2)."""
        atoms = self.cell.atoms
        shares = weights(rate, [atoms.range(add(s, scores[0], -1)) for s in scores])
        r = max(range(len(shares)), key=lambda t: (shares[t][0], -t))
        differences = [add(v, values[r], -1) for v in values]
        if not any(atoms.expand(v) for v in differences):
            return values[r]
        rated = [atoms.expand(times(rate.rate, add(s, scores[0], -1))) for s in scores]
        pairs = [(key_of(s), key_of(atoms.expand(v))) for s, v in zip(rated, differences, strict=True)]
        key = frozenset([(rate.base, r, tuple(pairs))])
        if key not in atoms.blends:
            ends = [atoms.range(v) for v in differences]
            lows, highs = zip(*ends, strict=True)
            low, high = total([product(p, end) for p, end in zip(shares, ends, strict=True)])
            bounds = both((low, high), (None if None in lows else min(lows), None if None in highs else max(highs)))
            fall, above = atoms.affine([times(-1, v) for v in differences])[1], atoms.affine(differences)[1]
            below = None if fall is None else times(-1, fall)
            atoms.blends[key] = atoms.variable(bounds, below, above)
        return add(values[r], {atoms.blends[key]: Fraction(1)})

    def scores(self, place: str, head: Head, q: int) -> dict[int, Form]:
        """The resolved scores of all visible tokens; of a head that was stuck, of those that were left."""
        query = matrix_on_forms(head.query, self.states[q])
        visible = sorted(t for t in self.states if t <= q or not self.causal)
        if self.before is not None and self.before.place == place:
            visible = sorted(self.before.scores)
        keys = {t: matrix_on_forms(head.key, self.states[t]) for t in visible}
        return {t: self.cell.resolve(scalar_product(keys[t], query)) for t in visible}

    def remaining(self, scores: dict[int, Form]) -> dict[int, Form]:
        """The scores of the tokens that are not dominated."""
        sign = self.cell.sign
        rivals = list(scores.values())
        if not self.cell.signs:
            rivals = [rivals[i] for i in self.cell.atoms.leaders(rivals)]
        kept = {t: s for t, s in scores.items() if not any(sign(add(g, s, -1)) == 1 for g in rivals)}
        return kept or {min(scores): scores[min(scores)]}


def scalar_product(keys: list[Form], query: list[Form]) -> Form:
    """A score, which has to be affine."""
    total: Form = {}
    for f, g in zip(keys, query, strict=True):
        if not f or not g:
            continue
        if is_constant(f):
            total = add(total, g, f[0])
        elif is_constant(g):
            total = add(total, f, g[0])
        else:
            reject("a score is not affine")
    return total


def slope(scores: list[Form], values: list[Form]) -> Fraction | None:
    """The rational c with values = c scores, if there is one; 0 if all values are 0."""
    c = Fraction(0)
    for s, v in zip(scores, values, strict=True):
        if v:
            v_top = max(v)
            if v_top not in s:
                return None
            c = v[v_top] / s[v_top]
            break
    return c if all(v == times(c, s) for s, v in zip(scores, values, strict=True)) else None


def average(forms: Sequence[Form]) -> Form:
    """The mean of some forms."""
    total: Form = {}
    for f in forms:
        total = add(total, f)
    return times(Fraction(1, len(forms)), total)


# --- Section 8: steps -----------------------------------------------------------------------------


def atom_at(cell: Cell, place: Any) -> int:
    """The atom at a place that exists on the cell."""
    require(isinstance(place, str) and place in cell.places, "an unknown place")
    return cell.places[place]


def gate(cell: Cell, place: Any) -> list[Cell]:
    """The children of a gate."""
    a = atom_at(cell, place)
    require(a not in cell.atoms.rate, "a soft atom has no gate")
    forms = distinct(cell.normal(f) for f in cell.atoms.candidates[a])
    own = Class.of(forms)
    first = cell.atoms.by_class.get(own.key)
    touched = cell.touched | {a} | (set() if first is None else {first[0]})
    children = []
    for j, winner in enumerate(forms):
        rows = [(add(winner, f, -1), False) for i, f in enumerate(forms) if i != j]
        known = cell.known | {a: winner}
        decided = cell.decided | {own.key: (own, winner)}
        children.append(cell.child(rows, known=known, decided=decided, touched=touched))
    return children


def compare(cell: Cell, t: Any, r: Any) -> list[Cell]:
    """The children of a comparison."""
    stuck = cell.stuck()
    if stuck is None:
        reject("no head is stuck")
    for token in (t, r):
        require(type(token) is int and token in stuck.scores, "an unknown token")
    f = cell.normal(add(stuck.scores[t], stuck.scores[r], -1))
    require(not is_constant(f), "scores that are compared differ by a constant")
    minus = times(-1, f)
    key, factor = up_to_multiples(f)
    cases: list[tuple[int, list[Row]]] = [(1, [(f, True)]), (0, [(f, False), (minus, False)]), (-1, [(minus, True)])]
    return [cell.child(rows, signs=cell.signs | {key: sign * factor}) for sign, rows in cases]


def form_of(cell: Cell, terms: Any) -> Form:
    """A form in a step."""
    f: Form = {}
    for term in items(terms):
        variable, c = items(term, 2)
        v = atom_at(cell, variable) if isinstance(variable, str) else index(variable, cell.atoms.last_variable + 1)
        f = add(f, {v: Fraction(1)}, number(c))
    return f


def cut(cell: Cell, terms: Any) -> list[Cell]:
    """The children of a cut."""
    f = form_of(cell, terms)
    return [cell.child([(f, False)]), cell.child([(times(-1, f), False)])]


def anew(cell: Cell, pairs: Any) -> list[Cell]:
    """The only child of a step that evaluates anew."""
    found: dict[str, str] = {}
    for pair in items(pairs):
        # A number with a point counts as its text, which is no place that exists.
        place, earlier = (name.text if isinstance(name, Decimal) else name for name in items(pair, 2))
        require(isinstance(place, str) and isinstance(earlier, str), "a place is a text")
        require(place not in found, "a place is paired twice")
        found[place] = earlier
    rows, bounds = on_the_box(cell)
    return [Cell(Atoms(bounds, relaxed=True), rows, [Run() for _ in cell.runs], pairs=found)]


def on_the_box(cell: Cell) -> tuple[list[Row], list[Interval]]:
    """The rows over the inputs, and the bounds of the claim's variables that those about one of them sharpen."""
    rows = [(f, strict) for f, strict in cell.rows if not cell.atoms.mentioned(f)]
    bounds = list(cell.atoms.bounds[1 : cell.atoms.last_variable + 1])
    for f, _ in rows:
        variables = [v for v in f if v]
        if len(variables) == 1:
            v = variables[0]
            end = -f.get(0, Fraction(0)) / f[v]
            low, high = bounds[v - 1]
            if f[v] > 0:
                bounds[v - 1] = largest([low, end]), high
            else:
                bounds[v - 1] = low, end if high is None else min(high, end)
    require(all(low is None or high is None or low <= high for low, high in bounds), "an input without values")
    return rows, bounds


def narrow(cell: Cell) -> list[Cell]:
    """The only child of a step that meets the atoms of the outputs again."""
    rows, bounds = on_the_box(cell)
    old, new = cell.atoms, Cell(Atoms(bounds), rows, [])
    conclusions = None if cell.conclusions is None else [cell.normal(c) for c in cell.conclusions]
    outputs = [None if run.output is None else [cell.normal(f) for f in run.output] for run in cell.runs]
    states = [{t: list(map(cell.normal, state)) for t, state in left_over(run).items()} for run in cell.runs]
    forms = [*(conclusions or []), *(f for output in outputs for f in output or [])]
    forms += [f for own in states for state in own.values() for f in state]
    became: dict[int, Form] = {}

    def moved(f: Form) -> Form:
        g = {v: c for v, c in f.items() if v not in became}
        for v, c in f.items():
            g = add(g, became[v], c) if v in became else g
        return g

    for a in old.needed(forms):
        if a in old.functions:
            became[a] = new.atoms.function(*old.functions[a])
        else:
            exact = a in old.candidates and a not in old.rate and a not in old.differences
            require(exact, "a soft atom, a difference or a blend")
            became[a] = new.maximum([moved(f) for f in old.candidates[a]])
    new.places = {f"n{i}": a for i, a in enumerate(new.atoms.candidates)}
    new.conclusions = None if conclusions is None else list(map(moved, conclusions))
    for run, output, own in zip(cell.runs, outputs, states, strict=True):
        if output is not None:
            new.runs.append(replace(run, states=None, output=list(map(moved, output))))
        elif run.stuck is not None:
            new.runs.append(replace(run, states={t: list(map(moved, state)) for t, state in own.items()}))
        else:
            new.runs.append(Run())
    return [new]


def left_over(run: Run) -> States:
    """The states that an evaluation still needs where it is stuck; none elsewhere."""
    if run.stuck is None or run.states is None:
        return {}
    if run.stuck.alone is None:
        return run.states
    return {t: state for t, state in run.states.items() if t == run.stuck.alone or t in run.stuck.scores}


def bound(cell: Cell, place: Any, terms: Any, pairs: list[Any]) -> list[Cell]:
    """The only child of a bound."""
    a, f = atom_at(cell, place), form_of(cell, terms)
    candidates = cell.atoms.candidates[a]
    require(len(pairs) == len(candidates), "the number of pairs is not that of the candidates")
    for candidate, pair in zip(candidates, pairs, strict=True):
        prove(cell, add(f, candidate, -1), pair)
    return [cell.child([(add(f, {a: Fraction(1)}, -1), False)])]


def row(cell: Cell, value: Any) -> tuple[int, Form, bool]:
    """A row in a closing step: its multiplier, its form, and whether it is strict."""
    entry = items(value)
    require(len(entry) in (2, 3), "a row has two or three parts")
    if len(entry) == 2:
        f, strict = cell.rows[index(entry[0], len(cell.rows))]
        return multiplier(entry[1]), f, strict
    place, name, factor = entry
    return multiplier(factor), fact(cell.atoms, atom_at(cell, place), name), False


def fact(atoms: Atoms, a: int, name: Any) -> Form:
    """A fact about an atom, as a form that is >= 0."""
    atom: Form = {a: Fraction(1)}
    low, high = atoms.bounds[a]
    if name == "low":
        if low is None:
            reject("an atom without a lower bound")
        return add(atom, single(low), -1)
    if name == "high":
        if high is None:
            reject("an atom without an upper bound")
        return add(single(high), atom, -1)
    if name in ("below", "above"):
        ends = atoms.below if name == "below" else atoms.above
        if a not in ends:
            reject("an atom without an affine bound")
        return times(1 if name == "below" else -1, add(atom, ends[a], -1))
    candidates = atoms.candidates[a]
    f = add(atom, candidates[index(name, len(candidates))], -1)
    return add(f, single(atoms.gap[a][1])) if a in atoms.gap else f


def combination(cell: Cell, value: Any, start: Form) -> tuple[Form, bool]:
    """A form minus a combination of rows, and whether a strict row takes part."""
    any_strict = False
    total = start
    for entry in items(value):
        factor, f, strict = row(cell, entry)
        total = add(total, cleared(f), -factor)
        any_strict = any_strict or strict
    return total, any_strict


def resolved(cell: Cell, f: Form) -> Form:
    """A combination resolved, if it mentions an atom."""
    return cell.normal(f) if cell.atoms.mentioned(f) else f


def prove(cell: Cell, f: Form, pair: Any, strict: bool = False) -> None:
    """Check that a pair proves f >= 0, or > 0 (then about no function); without one bounds have to be enough."""
    if pair == [] and isinstance(pair, list):
        low = cell.atoms.lo(f) if strict else None
        require(not strict or (low is not None and low > 0), "bounds do not show that a form is > 0")
        require(cell.atoms.is_at_least_0(f), "bounds do not show that a form is >= 0")
        return
    weight, rows = items(pair, 2)
    total, _ = combination(cell, rows, times(multiplier(weight), cleared(f)))
    if not cell.atoms.functions.keys().isdisjoint(total):
        require(cell.atoms.is_at_least_0(total), "bounds do not show that what is left is >= 0")
        return
    total = resolved(cell, total)
    require(is_constant(total) and total.get(0, Fraction(0)) >= 0, "a form is not proved to be >= 0")
    require(bool(total) or not strict, "a form is not proved to be > 0")


def close_empty(cell: Cell, rows: Any) -> None:
    """Check that rows contradict one another."""
    total, strict = combination(cell, rows, {})
    total = resolved(cell, total)
    require(is_constant(total), "the combination is not constant")
    k = -total.get(0, Fraction(0))
    require(k < 0 or (k == 0 and strict), "no contradiction")


def close_holds(cell: Cell, claim: Claim, pairs: list[Any]) -> bool:
    """Check that the conclusions hold, and say whether the tie rule was used."""
    if cell.conclusions is None:
        reject("an evaluation is not finished")
    require(cell.atoms.are_defined(), "a function may be undefined")
    obligations = []
    for c, equation in zip(cell.conclusions, claim.equations, strict=True):
        g = cell.normal(c)
        if g or claim.sets:
            obligations += [g, times(-1, g)] if equation else [g]
    require(len(pairs) == len(obligations), "the number of pairs is not that of the obligations")
    for f, pair in zip(obligations, pairs, strict=True):
        prove(cell, f, pair, strict=bool(claim.sets))
    return any(run.tied for run in cell.runs)


SIZES = {"gate": (1,), "compare": (2,), "cut": (1,), "anew": (1,), "narrow": (0,), "bound": range(2, sys.maxsize)}


def open_step(cell: Cell, name: str, arguments: list[Any]) -> list[Cell]:
    """The children of a step that does not close a cell."""
    if name == "gate":
        return gate(cell, *arguments)
    if name == "compare":
        return compare(cell, *arguments)
    if name == "cut":
        return cut(cell, *arguments)
    if name == "anew":
        return anew(cell, *arguments)
    if name == "narrow":
        return narrow(cell)
    return bound(cell, arguments[0], arguments[1], arguments[2:])


def root_cell(claim: Claim, domain: Domain) -> Cell:
    """The cell at the root, before any evaluation."""
    bounds = list(zip(domain.lower, domain.upper, strict=True))
    bounds += [bounds[i] for i in claim.free or ()]
    rows = [(f, False) for f in root_rows(claim, domain)]
    return Cell(Atoms(bounds), rows, [Run() for _ in claim.evaluations])


def walk(claim: Claim, domain: Domain, tree: Any, said: Mapping[int, list[Any]] | None = None) -> bool:
    """Check the tree of a proof, and say whether a tie rule was used.

    Before some steps, by their numbers, it is said how the cell that comes next hangs below the root.
    """
    stack, tied = [root_cell(claim, domain)], False
    ways: list[list[Any]] = [[]]  # of the cells on the stack
    for number, step in enumerate([*items(tree), None]):
        require(all(stack and [way] == ways[-1:] for way in (said or {}).get(number, [])), "a shard begins elsewhere")
        if step is None:
            break
        require(len(stack) > 0, "a step too many")
        name, *arguments = items(step) or [""]
        require(isinstance(name, str), "the name of a step is a text")
        children: list[Cell] = []
        cell, way = stack.pop(), ways.pop()
        cell.advance(claim)
        if name in SIZES and len(arguments) in SIZES[name]:
            children = open_step(cell, name, arguments)
        elif name == "empty" and len(arguments) == 1:
            close_empty(cell, *arguments)
        elif name == "holds":
            tied = close_holds(cell, claim, arguments) or tied
        else:
            reject("an unknown step")
        stack += reversed(children)
        ways += [[*way, [step, child]] for child in reversed(range(len(children)))]
    require(not stack, "a cell is left open")
    return tied


@contextmanager
def deep() -> Iterator[None]:
    """Let functions call one another as deeply as networks have layers, and many times that."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


# --- Sections 2 and 4.2: certificates and theorems ------------------------------------------------


def read_networks(value: dict[str, Any], read: Read) -> list[Network]:
    """The networks of a certificate."""
    return [load(value[key], read) for key in ("left", "right") if key in value]


def load(reference: Any, read: Read) -> Network:
    """A network file with the digest that the certificate names."""
    fields(reference, ["file", "sha256"], ["temperature", "base"])
    return network(contents(reference, read))


def contents(reference: dict[str, Any], read: Read) -> bytes:
    """The bytes of a file with the digest that is named."""
    name, digest = reference["file"], reference["sha256"]
    require(isinstance(name, str) and isinstance(digest, str), "a file name and a digest are texts")
    require(re.fullmatch("[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}", name) is not None, "no plain file name")
    try:
        data = read(name)
    except OSError as error:
        raise Rejected(f"file not found: {error}") from None
    require(hashlib.sha256(data).hexdigest() == digest, "the digest does not match")
    return data


def satisfies(rows: Iterable[Form], variables: Sequence[Fraction]) -> bool:
    """Whether numbers for the variables satisfy all rows."""
    return all(at(f, variables) >= 0 for f in rows)


def at(f: Form, variables: Sequence[Fraction]) -> Fraction:
    """A form over the inputs with numbers for the variables."""
    return sum((c * (variables[v - 1] if v else 1) for v, c in f.items()), Fraction(0))


def check_proof(value: dict[str, Any], claim: Claim, domain: Domain, read: Read) -> str:
    """The theorem of a proof."""
    tied = proved(value, claim, domain, read)
    rule = "" if claim.rule is None else f", tie rule {claim.rule}" if tied else ", any tie rule"
    return f"{claim.said()} ({', '.join(['real arithmetic', *claim.semantics(f'hard attention{rule}')])})"


def proved(value: dict[str, Any], claim: Claim, domain: Domain, read: Read) -> bool:
    """Check the proof of a claim, and say whether a tie rule was used."""
    inhabitant = numbers(value["inhabitant"], claim.inputs)
    require(satisfies(domain.rows(coordinates(claim.inputs)), inhabitant), "the inhabitant is outside the domain")
    with deep():
        if "tree" in value:
            return walk(claim, domain, value["tree"])
        return walk(claim, domain, *shards(value, read))


def shards(value: dict[str, Any], read: Read) -> tuple[list[Any], dict[int, list[Any]]]:
    """All steps of the shards of a proof, and which cells are said to come next where they begin."""
    references = items(value["shards"])
    for reference in references:
        fields(reference, ["file", "sha256"], [])
    tree: list[Any] = []
    said: dict[int, list[Any]] = {}
    for reference in references:
        shard = parse(contents(reference, read))
        fields(shard, ["format", "path", "steps"], [])
        require(shard["format"] == "exactformer/steps-1", "another format of a shard")
        said.setdefault(len(tree), []).append(items(shard["path"]))
        tree += items(shard["steps"])
    require(len(references) > 0 and value["root"] == merkle([r["sha256"] for r in references]).hex(), "another root")
    return tree, said


def merkle(digests: list[str]) -> bytes:
    """The root of a Merkle tree: the left half has as many leaves as the largest power of two that is not all."""
    if len(digests) == 1:
        return hashlib.sha256(b"\x00" + digests[0].encode()).digest()
    half = 1 << (len(digests) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle(digests[:half]) + merkle(digests[half:])).digest()


def check_refutation(value: dict[str, Any], claim: Claim, domain: Domain, read: Read) -> str:
    """The theorem of a refutation."""
    variables = numbers(value["point"], claim.inputs + len(claim.free or ()))
    require(satisfies(root_rows(claim, domain), variables), "the point is outside the domain")
    given = items(value["values"], len(claim.evaluations))
    said = [
        f"{letter} = {show_vector(at(f, variables) for f in p)}"
        for letter, p in zip("xy", claim.points(), strict=False)
    ]
    outputs, bounds = outputs_at(claim, variables)
    for evaluation, output, entry in zip(claim.evaluations, outputs, given, strict=True):
        ends = [between(bounds(f), value) for f, value in zip(output, items(entry, len(output)), strict=True)]
        said.append(f"{evaluation.label} = ({', '.join(ends)})")
    require(claim.is_refuted(outputs, bounds), "no conclusion is false")
    if any(claim.sides):
        rule = f" ({claim.semantics(f'hard attention, tie rule {claim.rule}')[0]})"
    else:
        rule = "" if claim.rule is None else f" (tie rule {claim.rule})"
    return f"at {', '.join(said)}{rule}; this refutes: {claim.said()}"


def outputs_at(claim: Claim, variables: Sequence[Fraction]) -> tuple[list[list[Form]], Callable[[Form], Interval]]:
    """The outputs of all evaluations at numbers for the variables, and bounds of forms in them."""
    points = [[at(f, variables) for f in e.inputs] for e in claim.evaluations]
    nets = [e.network for e in claim.evaluations if not isinstance(e.network, Function)]
    if not any(claim.sides) and len(nets) == len(claim.evaluations):
        values = [evaluate(net, x, e.tie) for net, e, x in zip(nets, claim.evaluations, points, strict=True)]
        return [[single(y) for y in output] for output in values], exactly
    cell = Cell(Atoms([]), [], [Run() for _ in claim.evaluations])
    forms = [replace(e, inputs=list(map(single, x))) for e, x in zip(claim.evaluations, points, strict=True)]
    cell.advance(replace(claim, evaluations=forms))
    require(cell.atoms.are_defined(), "a function may be undefined at the point")
    return [run.output or [] for run in cell.runs], cell.atoms.range


def exactly(f: Form) -> Interval:
    """The bounds of a constant."""
    return f.get(0, Fraction(0)), f.get(0, Fraction(0))


def between(ends: Interval, value: Any) -> str:
    """A value of a refutation as text; bounds have to lie in it."""
    low, high = ends
    if isinstance(value, dict):
        fields(value, ["lower", "upper"])
        least, most = number(value["lower"]), number(value["upper"])
        require(low is not None and high is not None and least <= low and high <= most, "a value is wrong")
        return show(least) if least == most else f"{show(least)} to {show(most)}"
    require(low == number(value) == high, "a value is wrong")
    return show(number(value))


def is_false(ends: Interval, equation: bool) -> bool:
    """Whether bounds tell that a form that should be >= 0, or 0, is not."""
    low, high = ends
    return (high is not None and high < 0) or (equation and low is not None and low > 0)


@dataclass(frozen=True)
class Asked:
    """A certificate of the format certificate-1 whose proof or refutation has not been looked at."""

    value: dict[str, Any]
    claim: Claim
    domain: Domain


def check_value(value: Any, read: Read) -> str:
    """The theorem of a certificate that has been parsed."""
    if isinstance(value, dict) and value.get("format") == "exactformer/chain-1":
        return check_chain(value, read)
    asked = ask(value, read)
    judge = check_proof if "inhabitant" in value else check_refutation
    return judge(value, asked.claim, asked.domain, read)


def ask(value: Any, read: Read) -> Asked:
    """The claim of a certificate."""
    require(isinstance(value, dict), "a certificate is an object")
    pair = isinstance(value.get("claim"), str) and value["claim"] in PAIRS
    parts = ["shards", "root"] if "shards" in value else ["tree"]
    kind = ["point", "values"] if "point" in value else ["inhabitant", *parts]
    keys = ["format", "claim", "left", "domain", "tie", *(["right"] if pair else []), *kind]
    fields(value, keys, ["parameters", "untrusted"])
    require(value["format"] == "exactformer/certificate-1", "another format")
    require(isinstance(value["claim"], str) and value["claim"] in PARAMETERS, "an unknown claim")
    networks = read_networks(value, read)
    claim = read_claim(value, networks)
    domain = read_domain(value["domain"], claim.inputs)
    return Asked(value, claim, domain)


# --- Section 13: chains ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Terminal:
    """One end of a link: the bytes of its file by their digest, and how it is read."""

    digest: str
    soft: tuple[Rate, ...]
    network: Network = field(compare=False)
    side: Soft | None = field(compare=False)


@dataclass(frozen=True)
class Link:
    """A theorem that two ends are equal (no distance), or within a distance."""

    ends: tuple[Terminal, Terminal]
    distance: Fraction | None
    tied: bool
    tie: str
    domain: Domain


def check_chain(value: dict[str, Any], read: Read) -> str:
    """The theorem of a chain."""
    fields(value, ["format", "links"], ["untrusted"])
    links = [read_link(item, read) for item in items(value["links"])]
    require(len(links) > 0, "a chain without links")
    for one, other in pairwise(links):
        require((one.domain, one.tie) == (other.domain, other.tie), "another domain or tie rule")
        require(one.ends[1] == other.ends[0], "ends that do not meet")
    distances = [link.distance for link in links if link.distance is not None]
    relation = f"|left(x) - right(x)| <= {show(sum(distances, Fraction(0)))}" if distances else "left(x) = right(x)"
    first, last = links[0].ends[0], links[-1].ends[1]
    rule = f"tie rule {links[0].tie}" if any(link.tied for link in links) else "any tie rule"
    pairs = [(end.network, end.side) for end in (first, last)]
    words = ", ".join(["real arithmetic", *semantics(pairs, f"hard attention, {rule}")])
    return f"for every x in the domain, {relation}{formulas([net for net, _ in pairs])} ({words})"


def read_link(value: Any, read: Read) -> Link:
    """A link, its certificate having been checked."""
    fields(value, ["file", "sha256"], ["from"])
    origin = value.get("from", "left")
    require(origin in ("left", "right"), "a link begins left or right")
    certificate = parse(contents(value, read))
    asked = ask(certificate, read)
    require(certificate["claim"] in ("equal", "within") and "inhabitant" in certificate, "a link of another kind")
    tied = proved(certificate, asked.claim, asked.domain, read)
    left, right = (
        Terminal(certificate[key]["sha256"], tuple(soft.rates) if soft else (), net, soft)
        for key, net, soft in zip(("left", "right"), asked.claim.networks, asked.claim.sides, strict=True)
    )
    distance = number(certificate["parameters"]["epsilon"]) if certificate["claim"] == "within" else None
    ends = (left, right) if origin == "left" else (right, left)
    return Link(ends, distance, tied, certificate["tie"], asked.domain)


def check(certificate: bytes, read: Read) -> str:
    """The theorem that a certificate proves, its network files given by a function from names to bytes."""
    try:
        return check_value(parse(certificate), read)
    except RecursionError:
        raise Rejected("nested too deeply") from None


def ordinary(path: Path) -> bytes:
    """The bytes of a file that is no link, folder, pipe or device."""
    require(stat.S_ISREG(path.lstat().st_mode), "no ordinary file")
    return path.read_bytes()


def main(paths: Sequence[str]) -> int:
    """Check certificates and print what they prove."""
    failed = 0
    for path in map(Path, paths):
        try:
            print(check(ordinary(path), lambda name, folder=path.parent: ordinary(folder / name)))
        except (Rejected, OSError) as error:
            print(f"REJECTED {path}: {error}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
