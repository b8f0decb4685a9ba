"""Material for the kernel's tests: random networks full of ties, a naive evaluator of files, and what a cell must obey.

Nothing here is used by the kernel, and the naive evaluator shares no code with it or with `exactformer.networks`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import MIN_EMIN, Context, Decimal
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any, NamedTuple, TypeVar

from exactformer.kernel import networks
from exactformer.kernel.atoms import Atoms
from exactformer.kernel.cell import Cell
from exactformer.kernel.certificates import check
from exactformer.kernel.claims import FORMAT, Goal, Theorem, follow
from exactformer.kernel.forms import ONE, ZERO, Form, constant_form, difference
from exactformer.kernel.networks import read_network
from exactformer.kernel.reading import Rejected
from exactformer.kernel.semantics import Run, Semantics, advance, layers_of, start
from exactformer.kernel.softmax import Rate
from exactformer.kernel.statements import Statement, read_domain, read_statement

Network = dict[str, Any]
Point = tuple[Fraction, ...]
Made = TypeVar("Made")
TIES = ("average", "leftmost", "rightmost")


class Soft(NamedTuple):
    """Softmax at inverse temperatures, one a layer, or one for all."""

    rates: tuple[Fraction, ...]
    base: str = "e"

    def rate(self, layer: int) -> Fraction:
        return self.rates[layer % len(self.rates)]


Rule = str | Soft  # a tie rule of hard attention, or softmax
Sides = tuple[Soft | None, Soft | None]  # how the left and the right network are read
HARD: Sides = (None, None)
# --- certificates ---------------------------------------------------------------------------------


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def box(dimension: int, lower: Any = -1, upper: Any = 1) -> dict[str, Any]:
    return {"lower": [lower] * dimension, "upper": [upper] * dimension}


def written(domain: Any) -> dict[str, Any]:
    """The domain as a theorem states it: whole numbers, and fractions in lowest terms as text."""

    def plain(x: Any) -> Any:
        number = None if x is None else Fraction(x)
        return number if number is None else int(number) if number.denominator == 1 else str(number)

    ends = {key: list(map(plain, domain[key])) for key in ("lower", "upper")}
    if not domain.get("bounds"):
        return ends
    matrix = [list(map(plain, row)) for row in domain["matrix"]]
    return {**ends, "matrix": matrix, "bounds": list(map(plain, domain["bounds"]))}


def certificate(
    left: object, right: object, domain: object, tie: str = "average", soft: Sides = HARD, **rest: Any
) -> dict[str, Any]:
    """A certificate bound to the networks, given as JSON data or as the bytes of their files; None for no right one."""
    value: dict[str, Any] = {"format": FORMAT, "domain": domain, "tie": tie, **rest}
    for side, network, at in zip(("left", "right"), (left, right), soft, strict=True):
        if network is not None:
            data = network if isinstance(network, bytes) else encoded(network)
            value[side] = {"file": f"{side}.json", "sha256": hashlib.sha256(data).hexdigest()}
            value[side] |= {} if at is None else {"temperature": list(map(str, at.rates)), "base": at.base}
    return value


def judged(value: object, left: object, right: object = None) -> Theorem:
    """What the kernel makes of a certificate, given as JSON data or as bytes."""
    sides = {"left.json": left, "right.json": right}
    texts = {name: side if isinstance(side, bytes) else encoded(side) for name, side in sides.items()}

    def read(name: str) -> bytes:
        if name not in texts:
            raise Rejected(f"{name}: no such file")
        return texts[name]

    return check(value if isinstance(value, bytes) else encoded(value), read)


def accepted(value: object, left: object, right: object = None) -> bool:
    """Whether the kernel accepts; anything but `Rejected` on the way is an error of the test."""
    try:
        judged(value, left, right)
    except Rejected as rejection:
        assert len(str(rejection)) < 500
        return False
    return True


def statement_of(
    left: Network,
    right: Network | None,
    domain: object,
    tie: str = "average",
    claim: object = "equal",
    soft: Sides = HARD,
    **rest: Any,
) -> Statement:
    """What the kernel understands by a claim; further arguments are its parameters."""
    sides = [(network, name) for network, name in ((left, "left"), (right, "right")) if network is not None]
    networks = [read_network(encoded(network), name) for network, name in sides]
    found = read_domain(domain, "domain", networks[0].inputs)
    rules = [semantics_of(network, at or tie) for network, at in zip(networks, soft, strict=False)]
    return read_statement(claim, rest, networks, found, rules, "claim")


def semantics_of(network: networks.Network, rule: Rule) -> Semantics:
    """How the kernel reads a network under the rule."""
    if isinstance(rule, str):
        return Semantics(rule)
    return Semantics("average", tuple(Rate(rule.rate(layer), rule.base) for layer in range(layers_of(network))))


def goal_of(
    left: Network,
    right: Network | None,
    domain: object,
    tie: str = "average",
    claim: object = "equal",
    soft: Sides = HARD,
    **rest: Any,
) -> Goal:
    """The kernel's view of a claim on the whole domain."""
    return Goal.of(statement_of(left, right, domain, tie, claim, soft, **rest))


def made(children: Iterable[Callable[[], Made]]) -> list[Made]:
    """The children of a step, which the kernel makes when they are asked for."""
    return [child() for child in children]


def unkeyed(key: Any) -> Form:
    """The form with this key."""
    den, variables, coefficients = key
    return Form(dict(zip(variables, coefficients, strict=True)), den)


def outputs_of(run: Run) -> list[Form]:
    """All outputs of a finished run, in order, those that are zero, too."""
    assert run.outputs is not None
    return [run.outputs.get(k, ZERO) for k in range(run.network.outputs)]


# --- networks by hand -----------------------------------------------------------------------------


def maxout(layers: Sequence[tuple[Any, Any]], output: tuple[Any, Any], kind: str = "maxout") -> Network:
    """A maxout or ReLU network as JSON data."""
    return {
        "format": "exactformer/network-1",
        "kind": kind,
        "layers": [{"weights": weights, "biases": biases} for weights, biases in layers],
        "output": {"weights": output[0], "biases": output[1]},
    }


def transformer(
    embedding: Sequence[tuple[Any, Any]],
    blocks: Sequence[tuple[Any, Any]],
    readout: tuple[int, Any, Any],
    residual: bool = True,
    mask: str | None = None,
) -> Network:
    """A Transformer as JSON data; a block is (heads, feed-forward), a head (query, key, value, output)."""
    names, parts = ("query", "key", "value", "output"), ("w1", "b1", "w2", "b2")
    return {
        "format": "exactformer/network-1",
        "kind": "transformer",
        "embedding": {"weights": [w for w, _ in embedding], "offsets": [b for _, b in embedding]},
        "blocks": [
            {
                "heads": None if heads is None else [dict(zip(names, head, strict=True)) for head in heads],
                "feedforward": None if feedforward is None else dict(zip(parts, feedforward, strict=True)),
            }
            for heads, feedforward in blocks
        ],
        "residual": residual,
        "mask": mask,
        "readout": {"token": readout[0], "weights": readout[1], "biases": readout[2]},
    }


def attention(
    tokens: Sequence[Sequence[Sequence[Any]]], *, token: int = 0, mask: str | None = None, query: Any = 1
) -> Network:
    """One head with a constant query; a token is a list of rows [weights..., offset]: its key, then its values.

    The outputs are the values that the head hands to the token `token`.
    """
    size = len(tokens[0]) - 1  # of the value
    n, one, result = len(tokens[0][0]) - 1, size + 1, size + 2

    def unit(c: int, width: int = 2 * size + 2) -> list[int]:
        return [int(i == c) for i in range(width)]

    embedding = [
        ([list(row[:-1]) for row in rows] + [[0] * n] * (1 + size), [row[-1] for row in rows] + [1] + [0] * size)
        for rows in tokens
    ]
    output = [unit(c - result, size) for c in range(2 * size + 2)]
    head = ([[query * x for x in unit(one)]], [unit(0)], [unit(1 + i) for i in range(size)], output)
    readout = (token, [unit(result + i) for i in range(size)], [0] * size)
    return transformer(embedding, [([head], None)], readout, mask=mask)


def step_head(
    keys: Sequence[Any] = (1, -1), values: Sequence[Any] = (1, 0), shifts: Sequence[Any] = (0,) * 9
) -> Network:
    """A head with keys k x + s and constant values: discontinuous where the winner changes.

    With the standard keys and values it is 1 for x > 0 and 0 for x < 0.
    """
    return attention([[[k, s], [0, v]] for k, v, s in zip(keys, values, shifts, strict=False)])


# --- a naive evaluator ----------------------------------------------------------------------------


DIGITS = Context(prec=150, Emin=MIN_EMIN)
SLACK = Fraction(1, 1 << 300)  # naive values under softmax are as exact as this; what the kernel rounds is 2^-160


def softmax(scores: Sequence[Fraction], rate: Fraction, base: str = "e") -> list[Fraction]:
    """The weights of the scores, to almost 150 digits."""
    log = Decimal(1) if base == "e" else DIGITS.ln(Decimal(2))

    def power(t: Fraction) -> Fraction:
        exponent = DIGITS.multiply(DIGITS.divide(Decimal(t.numerator), Decimal(t.denominator)), log)
        return Fraction(DIGITS.exp(exponent)).limit_denominator(1 << 800) if exponent > -1000 else Fraction(0)

    powers = [power(rate * (score - max(scores))) for score in scores]
    return [p / sum(powers) for p in powers]


def mean(values: Sequence[Fraction], weights: Sequence[Fraction]) -> Fraction:
    """The mean of the values, rounded so that its digits stay few."""
    total = sum((w * v for w, v in zip(weights, values, strict=True)), Fraction(0))
    return Fraction(round(total * (1 << 400)), 1 << 400)


def soft_maximum(values: Sequence[Fraction], rate: Fraction, base: str = "e") -> Fraction:
    """The mean of the values under softmax of themselves."""
    return values[0] if len(set(values)) == 1 else mean(values, softmax(values, rate, base))


def naive_value(network: Network, point: Sequence[Fraction], rule: Rule) -> list[Fraction]:
    """The value of a network, read straight off the definition from its JSON data; under softmax up to `SLACK`."""
    soft = None if isinstance(rule, str) else rule
    if network["kind"] != "transformer":
        h = list(point)
        for number, layer in enumerate(network["layers"]):
            if network["kind"] == "relu":
                units = [[y, Fraction(0)] for y in _affine(layer["weights"], layer["biases"], h)]
            else:
                maps = zip(layer["weights"], layer["biases"], strict=True)
                units = [_affine(weights, biases, h) for weights, biases in maps]
            h = [soft_maximum(unit, soft.rate(number), soft.base) if soft else max(unit) for unit in units]
        return _affine(network["output"]["weights"], network["output"]["biases"], h)
    part = network["embedding"]
    x = [_affine(w, b, point) for w, b in zip(part["weights"], part["offsets"], strict=True)]
    layer = 0
    for block in network["blocks"]:
        if block["heads"] is not None:
            spread = _softly(soft.rate(layer), soft.base) if soft else _hardly(str(rule))
            layer += 1
            sums = [[Fraction(0)] * len(x[0]) for _ in x]
            for head in block["heads"]:
                for q, state in enumerate(x):
                    sums[q] = [
                        a + b for a, b in zip(sums[q], _head(head, x, q, state, spread, network["mask"]), strict=True)
                    ]
            x = _next(network, x, sums)
        if block["feedforward"] is not None:
            f = block["feedforward"]
            inner = [[max(y, Fraction(0)) for y in _affine(f["w1"], f["b1"], state)] for state in x]
            x = _next(network, x, [_affine(f["w2"], f["b2"], hidden) for hidden in inner])
    return _affine(network["readout"]["weights"], network["readout"]["biases"], x[network["readout"]["token"]])


def _affine(weights: Any, biases: Any, x: Sequence[Fraction]) -> list[Fraction]:
    if isinstance(weights, dict):
        height, width = weights["shape"]
        entries = {(i, j): number for i, j, number in weights["entries"]}
        weights = [[entries.get((i, j), 0) for j in range(width)] for i in range(height)]
    return [
        sum((Fraction(w) * y for w, y in zip(row, x, strict=True)), Fraction(b))
        for row, b in zip(weights, biases, strict=True)
    ]


def _linear(matrix: Any, x: Sequence[Fraction]) -> list[Fraction]:
    return _affine(matrix, [0] * (matrix["shape"][0] if isinstance(matrix, dict) else len(matrix)), x)


Spread = Callable[[list[Fraction]], list[Fraction]]  # weights from scores


def _hardly(tie: str) -> Spread:
    def spread(scores: list[Fraction]) -> list[Fraction]:
        winners = [t for t, score in enumerate(scores) if score == max(scores)]
        chosen = {"average": winners, "leftmost": winners[:1], "rightmost": winners[-1:]}[tie]
        return [Fraction(t in chosen, len(chosen)) for t in range(len(scores))]

    return spread


def _softly(rate: Fraction, base: str) -> Spread:
    return lambda scores: softmax(scores, rate, base)


def _head(
    head: Any, x: list[list[Fraction]], q: int, state: list[Fraction], spread: Spread, mask: str | None
) -> list[Fraction]:
    query = _linear(head["query"], state)
    visible = x[: q + 1] if mask == "causal" else x
    scores = [sum((a * b for a, b in zip(_linear(head["key"], y), query, strict=True)), Fraction(0)) for y in visible]
    weights, values = spread(scores), [_linear(head["value"], y) for y in visible]
    columns = zip(*values, strict=True)
    return _linear(
        head["output"], [sum((w * v for w, v in zip(weights, column, strict=True)), Fraction(0)) for column in columns]
    )


def _next(network: Network, x: list[list[Fraction]], updates: list[list[Fraction]]) -> list[list[Fraction]]:
    if not network["residual"]:
        return updates
    return [[a + b for a, b in zip(s, u, strict=True)] for s, u in zip(x, updates, strict=True)]


# --- claims, by their definitions -----------------------------------------------------------------

CLAIMS = {
    "equal": 2,
    "at-most": 2,
    "within": 2,
    "range": 1,
    "avoids": 1,
    "invariant": 1,
    "ties-agree": 1,
    "independent": 1,
    "increasing": 1,
    "decreasing": 1,
    "convex": 1,
    "concave": 1,
}  # name -> number of networks
EQUATIONS = {"equal", "invariant", "ties-agree", "independent"}
ORDERED = {"increasing", "decreasing"}


class Asked:
    """A claim about networks on a domain, read off its definition, with naive values, each computed once.

    A point is one value for each variable: the coordinates of x, then those of y where y may differ from x.
    """

    def __init__(
        self,
        left: Network,
        right: Network | None,
        domain: dict[str, Any],
        tie: str = "average",
        claim: str = "equal",
        soft: Sides = HARD,
        **parameters: Any,
    ) -> None:
        self.left, self.right, self.domain, self.tie, self.soft = left, right, domain, tie, soft
        self.claim, self.parameters = claim, parameters
        self.n = len(domain["lower"])
        self.free: list[int] = parameters.get("inputs", [])
        if claim in ("convex", "concave"):
            self.free = list(range(self.n))
        self._values: dict[object, list[Fraction]] = {}

    @classmethod
    def of(cls, value: Mapping[str, Any], left: Network, right: Network | None = None) -> Asked:
        """The claim of a certificate."""
        soft: list[Soft | None] = [None, None]
        for i, side in enumerate(("left", "right")):
            if "temperature" in value.get(side, {}):
                rates = tuple(map(Fraction, value[side]["temperature"]))
                soft[i] = Soft(rates, value[side].get("base", "e")) if rates else None
        parameters = value.get("parameters", {})
        return cls(left, right, value["domain"], value["tie"], value["claim"], (soft[0], soft[1]), **parameters)

    def goal(self) -> Goal:
        """The kernel's view of it."""
        return goal_of(self.left, self.right, self.domain, self.tie, self.claim, self.soft, **self.parameters)

    def certificate(self, **rest: Any) -> dict[str, Any]:
        """A certificate of it, to be completed by a tree or a point."""
        rest = {"claim": self.claim, **rest} | ({"parameters": self.parameters} if self.parameters else {})
        return certificate(self.left, self.right, self.domain, self.tie, self.soft, **rest)

    def x_and_y(self, point: Sequence[Fraction]) -> tuple[Point, Point]:
        """The points x and y."""
        y = list(point[: self.n])
        for i, value in zip(self.free, point[self.n :], strict=True):
            y[i] = value
        return tuple(point[: self.n]), tuple(y)

    def contains(self, point: Sequence[Fraction]) -> bool:
        """Whether x and y lie in the domain, in the order that the claim asks for."""
        x, y = self.x_and_y(point)
        ordered = self.claim not in ORDERED or all(a <= b for a, b in zip(x, y, strict=True))
        return ordered and inside(self.domain, [x]) == [x] and inside(self.domain, [y]) == [y]

    def evaluations(self, point: Sequence[Fraction]) -> list[tuple[str, str, Point, Rule]]:
        """What is evaluated, in order: the side letter, the network (L or R), where, and under which rule."""
        x, y = self.x_and_y(point)
        left, right = self.soft[0] or self.tie, self.soft[1] or self.tie
        match self.claim:
            case "equal" | "at-most" | "within":
                return [("L", "L", x, left), ("R", "R", x, right)]
            case "range" | "avoids":
                return [("L", "L", x, left)]
            case "invariant":
                return [("L", "L", x, left), ("R", "L", tuple(x[i] for i in self.parameters["permutation"]), left)]
            case "ties-agree":
                return [(side, "L", x, rule) for side, rule in zip("LR", self.parameters["rules"], strict=True)]
            case "independent" | "increasing" | "decreasing":
                return [("L", "L", x, left), ("R", "L", y, left)]
            case "convex" | "concave":
                middle = tuple((a + b) / 2 for a, b in zip(x, y, strict=True))
                return [("M", "L", middle, left), ("L", "L", x, left), ("R", "L", y, left)]
        raise AssertionError(self.claim)

    @property
    def slack(self) -> Fraction:
        """How exact the naive values are."""
        return Fraction(0) if self.soft == HARD else SLACK

    def value(self, side: str, x: Point, rule: Rule) -> list[Fraction]:
        """The naive value of a network."""
        at = side, x, rule
        if at not in self._values:
            network = self.left if side == "L" or self.right is None else self.right
            self._values[at] = naive_value(network, x, rule)
        return self._values[at]

    def values(self, point: Sequence[Fraction], rule: str | None = None) -> list[list[Fraction]]:
        """All naive values at a point; under another tie rule than the claim's, if one is given."""
        return [
            self.value(side, x, rule or usual if isinstance(usual, str) else usual)
            for _, side, x, usual in self.evaluations(point)
        ]

    def conclusions(self, point: Sequence[Fraction], rule: str | None = None) -> list[Fraction]:
        """What must be 0, or >= 0, in the order of the format."""
        values = self.values(point, rule)
        pairs = list(zip(values[0], values[-1], strict=True))
        match self.claim:
            case "at-most" | "increasing":
                return [b - a for a, b in pairs]
            case "within":
                e = Fraction(self.parameters["epsilon"])
                return [e - (a - b) for a, b in pairs] + [e - (b - a) for a, b in pairs]
            case "range":
                lower, upper = self.parameters["lower"], self.parameters["upper"]
                low = [y - Fraction(end) for y, end in zip(values[0], lower, strict=True) if end is not None]
                return low + [Fraction(end) - y for y, end in zip(values[0], upper, strict=True) if end is not None]
            case "avoids":
                rows = [zip(unsafe["matrix"], unsafe["bounds"], strict=True) for unsafe in self.parameters["sets"]]
                return [max(missed(row, bound, values[0]) for row, bound in unsafe) for unsafe in rows]
            case "convex":
                return [u + v - 2 * m for m, u, v in zip(*values, strict=True)]
            case "concave":
                return [2 * m - u - v for m, u, v in zip(*values, strict=True)]
        return [a - b for a, b in pairs]

    def true_at(self, point: Sequence[Fraction], rule: str | None = None) -> bool:
        """Whether the claim is true of this point."""
        found = self.conclusions(point, rule)
        least = -self.slack
        if self.claim == "avoids":
            return all(value > least for value in found)
        return all(value >= least and (self.claim not in EQUATIONS or value <= -least) for value in found)

    def points(self, r: Random, count: int, reach: int = 2, den: int = 4) -> list[Point]:
        """Some points of the claim, with small denominators, so that ties and kinks are among them."""
        size = self.n + len(self.free)
        some = grid(size, reach, den) if size < 3 else []
        while size >= 3 and len(some) < 40 * count:
            some.append(tuple(Fraction(r.randint(-2 * reach, 2 * reach), 2) for _ in range(size)))
        some = [point for point in some if self.contains(point)]
        return r.sample(some, min(len(some), count))


# --- random networks and points -------------------------------------------------------------------

WEIGHTS = (-2, -1, -1, 0, 0, 0, 1, 1, 2)


def random_matrix(r: Random, height: int, width: int) -> list[list[int]]:
    return [[r.choice(WEIGHTS) for _ in range(width)] for _ in range(height)]


def no_rows(width: int) -> dict[str, Any]:
    """A matrix without rows, which only a sparse one can be."""
    return {"shape": [0, width], "entries": []}


def random_feedforward(r: Random, n: int, outputs: int, depth: int = 2) -> Network:
    """A maxout or ReLU network with small integer weights."""
    kind = r.choice(("maxout", "relu"))
    layers: list[tuple[Any, Any]] = []
    width = n
    for _ in range(r.randint(0, depth)):
        units, rank = r.randint(1, 3), r.randint(1, 3)
        if kind == "relu":
            layers.append((random_matrix(r, units, width), random_matrix(r, 1, units)[0]))
        else:
            layers.append(([random_matrix(r, rank, width) for _ in range(units)], random_matrix(r, units, rank)))
        width = units
    return maxout(layers, (random_matrix(r, outputs, width), random_matrix(r, 1, outputs)[0]), kind)


def random_transformer(r: Random, n: int, outputs: int, depth: int = 2, tame: float = 0.9) -> Network:
    """A Transformer with small integer weights; its last coordinate is the constant one in most cases.

    With probability `tame` a query reads that coordinate only, so that scores stay affine.
    """
    tokens, d = r.randint(1, 4), r.randint(2, 4)
    residual = r.random() < 0.7

    def last_is(matrix: list[list[int]], row: list[int]) -> list[list[int]]:
        return [*matrix[:-1], row]

    def head() -> tuple[Any, ...]:
        d_k, d_v = r.choice((0, 1, 1, 1, 1, 2)), r.choice((0, 1, 1, 1, 2))
        key, value = random_matrix(r, d_k, d), random_matrix(r, d_v, d)
        if key and value and r.random() < 0.4:  # key and value alike: the head is a maximum
            factor = r.choice((-1, 1, 2))
            key, value = key[:1], [[factor * c for c in key[0]] for _ in value]
        query = random_matrix(r, len(key), d)
        if r.random() < tame:
            query = [[0] * (d - 1) + [r.choice((1, 1, 2, -1))] for _ in key]
        output = last_is(random_matrix(r, d, d_v), [0] * d_v)
        return query or no_rows(d), key or no_rows(d), value or no_rows(d), output

    def feedforward() -> tuple[Any, ...]:
        f = r.randint(0, 3)
        b2 = [*random_matrix(r, 1, d)[0][:-1], 0 if residual else 1]
        w1, b1 = random_matrix(r, f, d), random_matrix(r, 1, f)[0]
        return w1 or no_rows(d), b1, last_is(random_matrix(r, d, f), [0] * f), b2

    embedding = [
        (last_is(random_matrix(r, d, n), [0] * n), [*random_matrix(r, 1, d)[0][:-1], 1]) for _ in range(tokens)
    ]
    blocks = [
        (
            r.choice((None, [head() for _ in range(r.randint(0, 2))], [head()])),
            r.choice((None, None, feedforward())),
        )
        for _ in range(r.randint(0, depth))
    ]
    readout = (r.randrange(tokens), random_matrix(r, outputs, d), random_matrix(r, 1, outputs)[0])
    return transformer(embedding, blocks, readout, residual, r.choice((None, None, "causal")))


def random_network(r: Random, n: int, outputs: int, depth: int = 2) -> Network:
    return (random_transformer if r.random() < 0.7 else random_feedforward)(r, n, outputs, depth)


def rewritten(r: Random, network: Network, tie: str) -> Network:
    """Another network that computes the same function under the tie rule, by construction."""
    new = network
    for _ in range(r.randint(1, 3)):
        new = json.loads(json.dumps(new))  # no two parts of it are one object
        (_rewrite_transformer if new["kind"] == "transformer" else _rewrite_feedforward)(r, new, tie)
    return new


def _rewrite_feedforward(r: Random, new: Network, tie: str) -> None:
    layers = new["layers"]
    if not layers:
        return
    at = r.randrange(len(layers))
    layer, above = layers[at], (layers[at + 1] if at + 1 < len(layers) else new["output"])
    if new["kind"] == "relu" and r.random() < 0.4:  # the same as a maxout network of rank 2
        new["kind"] = "maxout"
        for part in layers:
            part["weights"] = [[row, [0] * len(row)] for row in part["weights"]]
            part["biases"] = [[b, 0] for b in part["biases"]]
        return
    below = above["weights"]
    rows = below if above is new["output"] or new["kind"] == "relu" else [row for unit in below for row in unit]
    what = r.choice(("units", "pieces", "scale"))
    if what == "units":
        order = r.sample(range(len(layer["weights"])), len(layer["weights"]))
        layer["weights"], layer["biases"] = ([part[i] for i in order] for part in (layer["weights"], layer["biases"]))
        for row in rows:
            row[:] = [row[i] for i in order]
    elif what == "pieces" and new["kind"] == "maxout":
        rank = len(layer["weights"][0])
        order = [r.randrange(rank), *r.sample(range(rank), rank)]
        layer["weights"], layer["biases"] = (
            [[unit[i] for i in order] for unit in part] for part in (layer["weights"], layer["biases"])
        )
    elif what == "scale":
        unit = r.randrange(len(layer["weights"]))
        if new["kind"] == "relu":
            layer["weights"][unit] = [f"{2 * Fraction(w)}" for w in layer["weights"][unit]]
            layer["biases"][unit] = f"{2 * Fraction(layer['biases'][unit])}"
        else:
            layer["weights"][unit] = [[f"{2 * Fraction(w)}" for w in piece] for piece in layer["weights"][unit]]
            layer["biases"][unit] = [f"{2 * Fraction(b)}" for b in layer["biases"][unit]]
        for row in rows:
            row[unit] = f"{Fraction(row[unit]) / 2}"


def _rewrite_transformer(r: Random, new: Network, tie: str) -> None:
    heads = [block["heads"] for block in new["blocks"] if block["heads"]]
    what = r.choice(("tokens", "heads", "query", "halves", "block", "neurons"))
    tokens = len(new["embedding"]["weights"])
    if what == "tokens" and tie == "average" and new["mask"] is None:
        order = r.sample(range(tokens), tokens)
        for name in ("weights", "offsets"):
            new["embedding"][name] = [new["embedding"][name][i] for i in order]
        new["readout"]["token"] = order.index(new["readout"]["token"])
    elif what == "heads" and heads:
        r.shuffle(r.choice(heads))
    elif what == "query" and heads:
        head = r.choice([head for head in r.choice(heads) if isinstance(head["query"], list)] or [{"query": []}])
        head["query"] = [[3 * Fraction(w) for w in row] for row in head["query"]]
        head["query"] = [[f"{w}" for w in row] for row in head["query"]]
    elif what == "halves" and heads:
        chosen = r.choice(heads)
        at = r.randrange(len(chosen))
        chosen[at] = {**chosen[at], "output": [[f"{Fraction(w) / 2}" for w in row] for row in chosen[at]["output"]]}
        chosen.insert(r.randrange(len(chosen) + 1), dict(chosen[at]))
    elif what == "block":
        new["blocks"].insert(
            r.randrange(len(new["blocks"]) + 1), {"heads": [] if new["residual"] else None, "feedforward": None}
        )
    elif what == "neurons":
        for f in (block["feedforward"] for block in new["blocks"] if block["feedforward"]):
            if not isinstance(f["w1"], list):
                continue
            order = r.sample(range(len(f["w1"])), len(f["w1"]))
            f["w1"], f["b1"] = [f["w1"][i] for i in order], [f["b1"][i] for i in order]
            f["w2"] = [[row[i] for i in order] for row in f["w2"]]


def perturbed(r: Random, network: Network) -> Network:
    """The network with one of its numbers changed by one: often, but not always, another function."""
    new: Network = json.loads(json.dumps(network))
    numbers: list[tuple[list[Any], int]] = []

    def collect(value: Any) -> None:
        for key, item in enumerate(value) if isinstance(value, list) else value.items():
            if isinstance(item, (list, dict)):
                if key != "shape":
                    collect(item)
            elif isinstance(value, list) and not isinstance(item, bool):
                numbers.append((value, key))

    collect(new)
    row, at = r.choice(numbers) if numbers else ([0], 0)
    row[at] = f"{Fraction(row[at]) + r.choice((-1, 1))}"
    return new


JUNK = (
    *(None, True, False, 0, 1, 2, -1, 7, 10**30, 0.5, 1.0, -0.0, 1e300, [], [[]], [0], {}, {"a": 1}),
    *(
        "",
        "1",
        "0",
        "-1",
        "1/2",
        "1/0",
        "2.5",
        "1e3",
        "1e9999",
        "f",
        "F",
        "nan",
        "inf",
        " 1",
        "1_0",
        "\u0661",
        "\ud800",
        "\0",
    ),
    *("left.json", "L0.u0", "R0.h0.q0", "low", "average", ["holds"], ["gate", "L0.u0"], ["compare", 0, 1]),
    *CLAIMS,
    *([[0, "1"]], ["empty", [[0, "1"]]], {"shape": [2, 2], "entries": []}, {"shape": [10**12, 1], "entries": []}),
    *({"shape": [1, 1], "entries": [[0, 0, 1]]}, {"lower": [0], "upper": [0]}),
)


def damaged(r: Random, value: Any) -> Any:
    """A copy of JSON data with one thing wrong somewhere: replaced, dropped, doubled, exchanged or added."""
    value = json.loads(json.dumps(value))
    holders: list[Any] = []

    def collect(item: Any) -> None:
        if isinstance(item, (list, dict)) and item:
            holders.append(item)
            for part in item.values() if isinstance(item, dict) else item:
                collect(part)

    collect(value)
    if not holders:
        return r.choice(JUNK)
    holder = r.choice(holders)
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    key, other = r.choice(keys), r.choice(keys)
    what = r.choice(("replace", "replace", "drop", "add", "exchange", "copy"))
    if what == "replace":
        holder[key] = r.choice(JUNK)
    elif what == "drop":
        del holder[key]
    elif what == "exchange":
        holder[key], holder[other] = holder[other], holder[key]
    elif isinstance(holder, dict):
        holder[
            r.choice(("a", "tree", "point", "values", "inhabitant", "parameters", "right", "domain", "name", "mask"))
        ] = r.choice(JUNK)
    else:
        holder.insert(key, holder[other] if what == "copy" else r.choice(JUNK))
    return value


def missed(row: Sequence[Any], bound: Any, y: Sequence[Fraction]) -> Fraction:
    """By how much an inequality fails to hold."""
    return sum((Fraction(c) * value for c, value in zip(row, y, strict=True)), -Fraction(bound))


def random_claim(r: Random, n: int, outputs: int, claim: str | None = None) -> tuple[str, dict[str, Any]]:
    """A claim about networks of that size, with parameters that make it neither always true nor always false."""
    claim = claim or r.choice(list(CLAIMS))
    match claim:
        case "within":
            return claim, {"epsilon": r.choice((0, "1/2", 1, 2, 4, "7.5"))}
        case "range":
            lower = [r.choice((None, None, -6, -3, -1, 0)) for _ in range(outputs)]
            upper = [r.choice((None, "5/2", 1, 4, 8)) for _ in range(outputs)]
            return claim, {
                "lower": lower if any(x is not None for x in (*lower, *upper)) else [-4] * outputs,
                "upper": upper,
            }
        case "avoids":
            sizes = [r.choice((1, 1, 2, 3)) for _ in range(r.choice((1, 1, 2)))]
            matrices = [[[r.choice((0, 1, -1, "1/2")) for _ in range(outputs)] for _ in range(k)] for k in sizes]
            ends = [[r.choice((-4, -2, "-1/2", 0, 1)) for _ in range(k)] for k in sizes]
            return claim, {"sets": [{"matrix": m, "bounds": b} for m, b in zip(matrices, ends, strict=True)]}
        case "invariant":
            return claim, {"permutation": r.sample(range(n), n)}
        case "ties-agree":
            return claim, {"rules": [r.choice(TIES), r.choice(TIES)]}
        case "independent" | "increasing" | "decreasing":
            return claim, {"inputs": sorted(r.sample(range(n), r.randint(1, n)))}
    return claim, {}


def random_domain(r: Random, n: int) -> dict[str, Any]:
    """A box, all of R^n, something between, or a polyhedron; the origin always lies inside."""
    domain: dict[str, Any] = r.choice(
        (
            box(n),
            box(n, -2, 2),
            box(n, None, None),
            box(n, 0, None),
            {
                "lower": [r.choice((None, -1, 0, "-1/2")) for _ in range(n)],
                "upper": [r.choice((None, 1, 0, 2)) for _ in range(n)],
            },
        )
    )
    if r.random() < 0.3:
        count = r.randint(0, 2)
        domain = {**domain, "matrix": random_matrix(r, count, n), "bounds": [r.randint(0, 2) for _ in range(count)]}
    return domain


def grid(n: int, reach: int = 2, den: int = 2) -> list[Point]:
    """All points of [-reach, reach]^n with the given denominator."""
    return list(product([Fraction(i, den) for i in range(-reach * den, reach * den + 1)], repeat=n))


def inside(domain: Mapping[str, Any], points: Sequence[Point]) -> list[Point]:
    """Those of the points that lie in the domain, decided here and not by the kernel."""
    ends = list(zip(domain["lower"], domain["upper"], strict=True))
    rows = list(zip(domain.get("matrix", []), domain.get("bounds", []), strict=True))

    def contains(point: Point) -> bool:
        return all(
            (lo is None or Fraction(lo) <= x) and (hi is None or x <= Fraction(hi))
            for x, (lo, hi) in zip(point, ends, strict=True)
        ) and all(
            sum(Fraction(a) * x for a, x in zip(row, point, strict=True)) <= Fraction(bound) for row, bound in rows
        )

    return [point for point in points if contains(point)]


# --- what must hold at every point of a cell ------------------------------------------------------


class Truth:
    """The true values of all variables of some atoms at one point, each computed from the definition of the atom."""

    def __init__(self, atoms: Atoms, point: Point) -> None:
        self.atoms = atoms
        self.point = point
        self.values: list[Fraction] = [Fraction(1), *point]

    def of(self, form: Form) -> Fraction:
        while len(self.values) < len(self.atoms.low):  # candidates mention earlier variables only
            self.values.append(self._atom(len(self.values)))
        return self._sum(form)

    def _atom(self, atom: int) -> Fraction:
        atoms = self.atoms
        if atom not in atoms.candidates:
            forms, scores, rate = blends(atoms)[atom]
            return mean(list(map(self._sum, forms)), softmax(list(map(self._sum, scores)), *rate))
        values = list(map(self._sum, atoms.candidates[atom]))
        return soft_maximum(values, *atoms.rates[atom]) if atom in atoms.rates else max(values)

    def _sum(self, form: Form) -> Fraction:
        return Fraction(sum(c * self.values[v] for v, c in form.terms.items()), form.den)


Blend = tuple[list[Form], list[Form], Rate]  # the forms whose mean an atom is, and the scores that give the weights


def blends(atoms: Atoms) -> dict[int, Blend]:
    """The means of other values than the scores: the kernel keeps only their bounds, tests what they are."""
    return getattr(atoms, "blends", {})


def record_blends(monkeypatch: Any) -> None:
    """Have each table of atoms keep what its blends and leaks are, all of them means with softmax weights."""
    blend, leak = Atoms.blend, Atoms.leak

    def keep(atoms: Atoms, atom: int, forms: list[Form], scores: Sequence[Form], rate: Rate) -> None:
        if len(atoms.low) > atom:
            atoms.blends = {**blends(atoms), atom: (forms, list(scores), rate)}  # type: ignore[attr-defined]

    def recorded(atoms: Atoms, forms: Sequence[Form], scores: Sequence[Form], rate: Rate) -> Form:
        size = len(atoms.low)
        found = blend(atoms, forms, scores, rate)
        rest = difference(found, Form({size: 1}))  # one of the forms
        keep(atoms, size, [difference(form, rest) for form in forms], scores, rate)
        return found

    def recorded_leak(
        atoms: Atoms, kept: Form, forms: Sequence[Form], scores: Sequence[Form], margins: Any, rate: Rate
    ) -> Form:
        size = len(atoms.low)
        found = leak(atoms, kept, forms, scores, margins, rate)
        rest = [difference(form, kept) if t in margins else ZERO for t, form in enumerate(forms)]
        keep(atoms, size, rest, scores, rate)
        return found

    monkeypatch.setattr(Atoms, "blend", recorded)
    monkeypatch.setattr(Atoms, "leak", recorded_leak)


def in_cell(goal: Goal, point: Point) -> bool:
    """Whether the point satisfies the rows of the goal's cell."""
    truth, slack = Truth(goal.cell.atoms, point), SLACK if has_means(goal.cell.atoms) else 0
    return all(truth.of(form) > 0 or (not strict and truth.of(form) >= -slack) for form, strict in goal.cell.rows)


def has_means(atoms: Atoms) -> bool:
    """Whether some atoms have values that are not rational."""
    return bool(atoms.rates or blends(atoms))


def faults_of(goal: Goal, point: Point, asked: Asked) -> list[str]:
    """Everything that a goal claims about one point of its cell and that is not so."""
    goal = goal.opened()
    cell, atoms, of = goal.cell, goal.cell.atoms, Truth(goal.cell.atoms, point).of
    slack = SLACK if asked.slack or has_means(atoms) else Fraction(0)
    faults = []

    def expect(name: str, condition: bool) -> None:
        if not condition:
            faults.append(name)

    def atom(v: int) -> Fraction:
        return of(Form({v: 1}))

    def same(one: Fraction, other: Fraction) -> bool:
        return abs(one - other) <= slack

    def between(low: Fraction | None, value: Fraction, high: Fraction | None) -> bool:
        return (low is None or low <= value + slack) and (high is None or value <= high + slack)

    for v in range(atoms.inputs + 1, len(atoms.low)):
        expect(f"bounds {v}", between(atoms.low[v], atom(v), atoms.high[v]))
        sides = (None if v not in table else of(table[v]) for table in (atoms.floor, atoms.ceiling))
        below, above = sides
        expect(f"affine bounds {v}", between(below, atom(v), above))
        expect(f"alias {v}", v not in atoms.alias or same(of(atoms.alias[v]), atom(v)))
        expect(f"value {v}", v not in atoms.candidates or same(of(cell.value(v)), atom(v)))
    for v, (least, most) in atoms.gaps.items():
        expect(f"gap {v}", between(least, max(map(of, atoms.candidates[v])) - atom(v), most))
    for place, met in cell.met.items():
        values = list(map(of, met.forms))
        exact = max(values) if met.rate is None else soft_maximum(values, *met.rate)
        expect(f"met {place}", same(of(met.value), exact) and between(met.gap[0], max(values) - exact, met.gap[1]))
    for name, table in (("known", cell.known), ("final", cell.final), ("memo", cell.memo)):
        for v, form in list(table.items()):
            expect(f"{name} {v}", same(of(form), atom(v)))
    for key, sign in cell.signs.items():
        value = of(unkeyed(key))
        expect("sign", (value > 0) - (value < 0) == sign)
    for shape, top in cell.classes.items():
        best = max(of(unkeyed(part)) for part in shape)  # type: ignore[attr-defined]
        expect("class", same(of(top), best))
    for place, v in cell.places.items():
        expect("facts", all(of(form) >= -slack for form in cell.facts(place).values()))
        expect("candidates", v in atoms.rates or same(max(map(of, cell.candidates(place))), atom(v)))
    wanted = asked.evaluations(point)
    rules = [(run.side, run.semantics) for run in goal.runs]
    expect(
        "runs",
        rules == [(job[0], semantics_of(run.network, job[3])) for run, job in zip(goal.runs, wanted, strict=True)],
    )
    for run, (_, side, x, rule) in zip(goal.runs, wanted, strict=True):
        if run.outputs is not None:
            every = (rule,) if run.ties or not isinstance(rule, str) else TIES
            values = [of(form) for form in outputs_of(run)]
            expect("outputs", all(all(map(same, asked.value(side, x, one), values)) for one in every))
    if goal.finished:
        found, exact_ones = [of(form) for form in goal.conclusions], asked.conclusions(point)
        pairs = [[value for value in values if abs(value) > slack] for values in (found, exact_ones)]
        expect("conclusions", len(pairs[0]) == len(pairs[1]) and all(map(same, *pairs)))  # zero forms may be left out
        least = 0 if asked.claim == "avoids" and not slack else -slack
        above = [of(form) > least if asked.claim == "avoids" else of(form) >= least for form in goal.obligations()]
        expect("obligations", all(above) == asked.true_at(point))
        expect("holds", not goal.holds([]) or asked.true_at(point))
        expect(
            "bounds of obligations",
            all(between(low, of(form), high) for form in goal.obligations() for low, high in [atoms.bounds(form)]),
        )
    return faults


def random_near_step(r: Random, goal: Goal) -> list[Any]:
    """A cut by a form in inputs, and sometimes places; `narrow`; or `anew`, with pairs of like names, or of any."""
    places, n = sorted(goal.cell.places), goal.cell.atoms.inputs
    if goal.finished and not has_means(goal.cell.atoms) and not goal.cell.atoms.apart and r.random() < 0.3:
        return ["narrow"]
    if r.random() < 0.4:
        variables: list[Any] = [0, r.randint(1, n), *(r.sample(places, 1) if places and r.random() < 0.3 else [])]
        return ["cut", [[v, r.choice(("-1", "1", "-1/2", "2"))] for v in variables]]
    letters = sorted({name[0] for name in places}) or ["L"]
    left, right = r.choice((("L", "R"), ("L", "R"), ("R", "L"), ("M", "R"), (letters[0], letters[-1])))
    names = {name for run in goal.runs for name in _all_places(run)}
    pairs = {right + name[1:]: left + name[1:] for name in names if name[0] in (left, right)}
    if r.random() < 0.3:
        pairs |= {r.choice(sorted(names) or ["L0.u0"]): r.choice(sorted(names) or ["L0.u0"]) for _ in range(3)}
    return ["anew", [list(pair) for pair in sorted(pairs.items())]]


def _all_places(run: Run) -> list[str]:
    """Names of places, those that do not exist on a cell among them."""
    names = [f"u{i}" for i in range(3)] + [f"h{h}.q{q}" for h in range(2) for q in range(3)]
    names += [f"f{i}.t{t}" for i in range(3) for t in range(3)]
    return [f"{run.side}{layer}.{name}" for layer in range(2) for name in names]


def random_walk(r: Random, asked: Asked, points: Sequence[Point], steps: int, near: float = 0) -> list[str]:
    """Split at random, in any order, and list every false claim that a cell on the way makes about the points.

    With probability `near` a step is a cut, or evaluates the cell anew with random pairs.
    """
    try:
        goal = asked.goal()
        if not all(in_cell(goal, point) for point in points):
            return ["the root loses a point"]
        for _ in range(steps + 1):
            points = [point for point in points if in_cell(goal, point)]
            faults = [fault for point in points for fault in faults_of(goal, point, asked)]
            if faults:
                return faults
            if r.random() < near:
                step = random_near_step(r, goal)
                children = made(follow(goal, step, "step"))
                lost = [point for point in points if not any(in_cell(child, point) for child in children)]
                if lost:
                    return [f"{step} loses {lost}"]
                goal = r.choice([child for child in children if any(in_cell(child, p) for p in points)] or children)
                continue
            gates = [place for place, atom in goal.cell.places.items() if atom not in goal.cell.atoms.rates]
            choices: list[tuple[str, Any]] = [("gate", place) for place in gates]
            pairs = [(a, b) for a in goal.stuck or () for b in goal.stuck or () if a != b]
            choices += [("compare", pair) for pair in pairs] * (1 + len(goal.cell.places))
            if not choices:
                return []
            name, what = r.choice(choices)
            goal = goal.opened()
            children = made(goal.gate(what) if name == "gate" else goal.compare(*what))
            for point in points:
                if not any(in_cell(child, point) for child in children):
                    return [f"{name} {what} loses a point"]
                faults += [
                    fault for child in children if in_cell(child, point) for fault in faults_of(child, point, asked)
                ]
            if faults:
                return faults
            alive = [child for child in children if any(in_cell(child, point) for point in points)]
            goal = r.choice(alive or children) if r.random() < 0.9 else r.choice(children)
    except Rejected:
        pass
    return []


__all__ = [name for name in dir() if not name.startswith("_")]
assert ONE == 0


def evaluate(network: networks.Network, point: Sequence[Fraction], semantics: Semantics) -> list[Fraction]:
    """The value of a network at a point: the kernel's evaluator on constant forms, which decide everything."""
    cell = Cell(Atoms((), ()), (), {})
    outputs = advance(start(network, "L", semantics, [constant_form(x) for x in point]), cell).outputs or {}
    return [outputs.get(k, ZERO).at([1]) for k in range(network.outputs)]
