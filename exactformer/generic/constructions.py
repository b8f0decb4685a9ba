"""The constructions of Theorems A and B for all weights of a shape: the compiler itself, run on unknowns."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

from exactformer.compiler.driver import WITH_GATES, compile_network
from exactformer.compiler.gates import Gate, Step, gated_steps
from exactformer.domain import Domain
from exactformer.generic.ring import specialised, unknowns
from exactformer.generic.shape import Shape, drawn
from exactformer.generic.statement import Statement, Values

Sum = list[list[Any]]  # coefficients, each with the numbers of the facts that are multiplied


def global_for_all_weights(shape: Shape) -> Statement:
    """Theorem B for a shape: N = T on all of R^n, for every choice of the weights."""
    network = shape.network()
    return Statement(
        title=f"The global construction, for all weights of shape {shape}",
        inputs=_inputs(shape),
        unknowns=shape.weights,
        left=network,
        right=compile_network(network, construction="global").transformer,
        draw=lambda random: (shape.drawn(random), tuple(drawn(random) for _ in range(shape.inputs))),
    )


def gated_for_all_weights(shape: Shape, construction: str = "gated") -> Statement:
    """Theorem A for a shape: N = T for all weights, all boxes, and all gates that are wide enough for these.

    T is the Transformer of one of the constructions `WITH_GATES`.

    lo{j} <= x{j} <= hi{j} is the box, s{l}.{i} and g{l}.{i} are shift and height of a gate. The hypotheses of Lemma
    L2(i) in interval arithmetic: with p = max(w, 0), n = max(-w, 0), the pieces lie in [-s, g - s],
        s + b + sum p L - n U >= 0  and  g - s - b - sum p U - n L >= 0,
    [L, U] the box below the first layer, and [-s, g - s] of the layer before below each other.
    """
    return _Gated(shape).statement(construction)


class _Gated:
    """The statement under construction: hypotheses, and facts derived from them, by their numbers."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.ends = tuple(f"{end}{j}" for j in range(1, shape.inputs + 1) for end in ("lo", "hi"))
        units = [(l, i) for l, width in enumerate(shape.widths, 1) for i in range(1, width + 1)]
        self.gates = tuple(f"{part}{l}.{i}" for l, i in units for part in ("s", "g"))
        self.maxima: list[tuple[str, tuple[str, ...]]] = []
        self.hypotheses: list[str] = []
        self.steps: list[list[Any]] = []

    def statement(self, construction: str) -> Statement:
        """The statement with its steps."""
        shape = self.shape
        names = (*shape.weights, *self.ends, *self.gates)
        at = unknowns(names)
        network, before, steps = shape.network(at), [(at[f"lo{j}"], at[f"hi{j}"]) for j in self._upto(0)], []
        for l, layer in enumerate(network.layers, 1):
            gates = tuple(Gate(at[f"s{l}.{i}"], at[f"g{l}.{i}"]) for i in self._upto(l))
            steps.append(Step(l - 1, layer, gates, tuple(before)))
            before = [(-gate.shift, gate.height - gate.shift) for gate in gates]
        self._prepare()
        compiled = WITH_GATES[construction](network, Domain.everything(shape.inputs), steps)
        return Statement(
            title=f"The {construction} construction, for all weights of shape {shape}",
            inputs=_inputs(shape),
            unknowns=names,
            left=network,
            right=replace(compiled.transformer, domain=None),
            draw=self._draw,
            maxima=tuple(self.maxima),
            hypotheses=tuple(self.hypotheses),
            steps=tuple(self.steps),
        )

    def _upto(self, layer: int) -> range:
        """The numbers of the units of a layer, or with 0 of the inputs."""
        return range(1, (self.shape.widths[layer - 1] if layer else self.shape.inputs) + 1)

    def _prepare(self) -> None:
        """The hypotheses, then what follows from them, layer by layer."""
        pieces = [(l, i, p) for l in range(1, len(self.shape.widths) + 1) for i in self._upto(l) for p in self._pieces]
        for l, i, p in pieces:
            for j in self._upto(l - 1):
                w = f"w{l}.{i}.{p}.{j}"
                self.maxima += [(f"p{w[1:]}", (w, "0")), (f"n{w[1:]}", (f"-{w}", "0"))]
        for l in range(1, len(self.shape.widths) + 1):
            for i in self._upto(l):
                self.maxima.append((f"h{l}.{i}", tuple(self._piece(l, i, p) for p in self._pieces)))
        box = {j: (self._hypothesis(f"x{j} - lo{j}"), self._hypothesis(f"hi{j} - x{j}")) for j in self._upto(0)}
        wide = {piece: (self._hypothesis(self._low(*piece)), self._hypothesis(self._high(*piece))) for piece in pieces}
        self._stated = len(self.hypotheses)
        below = box  # for each value that a layer reads: the facts that it is above L, and below U
        for l in range(1, len(self.shape.widths) + 1):
            within = {}
            for i in self._upto(l):
                found = {p: self._within(l, i, p, wide[l, i, p], below) for p in self._pieces}
                name = f"h{l}.{i}"
                above = self._step(["above", name, 0])
                low = self._sum([[1, [above]], [1, [found[1][0]]]])
                within[i] = low, self._step(["below", name, [high for _, high in found.values()]])
            below = within

    @property
    def _pieces(self) -> range:
        return range(1, self.shape.rank + 1)

    def _piece(self, l: int, i: int, p: int) -> str:
        values = [f"x{j}" if l == 1 else f"h{l - 1}.{j}" for j in self._upto(l - 1)]
        return " + ".join([*(f"w{l}.{i}.{p}.{j}*{v}" for j, v in enumerate(values, 1)), f"b{l}.{i}.{p}"])

    def _ends(self, l: int, j: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """L and U of value j below layer l, as signs with names."""
        if l == 1:
            return [("+", f"lo{j}")], [("+", f"hi{j}")]
        return [("-", f"s{l - 1}.{j}")], [("+", f"g{l - 1}.{j}"), ("-", f"s{l - 1}.{j}")]

    def _low(self, l: int, i: int, p: int) -> str:
        return f"s{l}.{i} + b{l}.{i}.{p}" + self._interval(l, i, p, ("+", "-"), 0)

    def _high(self, l: int, i: int, p: int) -> str:
        return f"g{l}.{i} - s{l}.{i} - b{l}.{i}.{p}" + self._interval(l, i, p, ("-", "+"), 1)

    def _interval(self, l: int, i: int, p: int, signs: tuple[str, str], end: int) -> str:
        """+- p_j E_j -+ n_j E'_j for all j, E the lower ends and E' the upper ones, or with `end` the other way."""
        terms = []
        for j in self._upto(l - 1):
            low, high = self._ends(l, j)
            for sign, letter, ends in zip(signs, "pn", (high, low) if end else (low, high), strict=True):
                for own, name in ends:
                    terms.append(f" {'+' if own == sign else '-'} {letter}{l}.{i}.{p}.{j}*{name}")
        return "".join(terms)

    def _within(
        self, l: int, i: int, p: int, wide: tuple[int, int], below: dict[int, tuple[int, int]]
    ) -> tuple[int, int]:
        """The facts a + s >= 0 and g - s - a >= 0, a = b + sum w v, w = p - n, v - L >= 0 and U - v >= 0."""
        low: Sum = [[1, [wide[0]]]]
        high: Sum = [[1, [wide[1]]]]
        for j in self._upto(l - 1):
            positive, negative = (self._step(["above", f"{letter}{l}.{i}.{p}.{j}", 1]) for letter in "pn")
            above, under = below[j]
            low += [[1, [positive, above]], [1, [negative, under]]]
            high += [[1, [positive, under]], [1, [negative, above]]]
        return self._sum(low), self._sum(high)

    def _hypothesis(self, text: str) -> int:
        self.hypotheses.append(text)
        return len(self.hypotheses) - 1

    def _step(self, step: list[Any]) -> int:
        self.steps.append(step)
        return self._stated + len(self.steps) - 1

    def _sum(self, parts: Sum) -> int:
        return self._step(["sum", parts])

    def _draw(self, random: Random) -> tuple[Values, tuple[Fraction, ...]]:
        """Random weights, a random box with a point of it, and the gates that the compiler takes there."""
        values = self.shape.drawn(random)
        box = [sorted((drawn(random), drawn(random))) for _ in range(self.shape.inputs)]
        network = specialised(self.shape.network(), values)
        values |= {f"{end}{j}": x for j, ends in enumerate(box, 1) for end, x in zip(("lo", "hi"), ends, strict=True)}
        for step in gated_steps(network, [(low, high) for low, high in box]):
            for i, gate in enumerate(step.gates, 1):
                values |= {f"s{step.number + 1}.{i}": gate.shift, f"g{step.number + 1}.{i}": gate.height}
        point = tuple(low + (high - low) * Fraction(random.randint(0, 4), 4) for low, high in box)
        return values, point


def _inputs(shape: Shape) -> tuple[str, ...]:
    return tuple(f"x{j}" for j in range(1, shape.inputs + 1))
