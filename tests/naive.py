"""The definitions, word for word: networks evaluated from the JSON of their files, with plain fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

Numbers = list[Fraction]


def evaluate(network: dict[str, Any], point: Sequence[Fraction], tie: str = "average") -> Numbers:
    """The value of a network, given as the JSON data of its file."""
    x = list(point)
    if network["kind"] == "transformer":
        return _transformer(network, x, tie)
    for layer in network["layers"]:
        if network["kind"] == "relu":
            x = [max(y, Fraction(0)) for y in affine(layer["weights"], layer["biases"], x)]
        else:
            units = zip(layer["weights"], layer["biases"], strict=True)
            x = [max(affine(weights, biases, x)) for weights, biases in units]
    return affine(network["output"]["weights"], network["output"]["biases"], x)


def matrix(data: Any) -> list[Numbers]:
    """A dense or sparse matrix as rows of fractions."""
    if isinstance(data, list):
        return [[Fraction(x) for x in row] for row in data]
    height, width = data["shape"]
    rows = [[Fraction(0)] * width for _ in range(height)]
    for i, j, x in data["entries"]:
        rows[i][j] = Fraction(x)
    return rows


def times(data: Any, x: Numbers) -> Numbers:
    return [sum((a * b for a, b in zip(row, x, strict=True)), Fraction(0)) for row in matrix(data)]


def affine(weights: Any, biases: Any, x: Numbers) -> Numbers:
    return [y + Fraction(b) for y, b in zip(times(weights, x), biases, strict=True)]


def _transformer(network: dict[str, Any], x: Numbers, tie: str) -> Numbers:
    embedding = network["embedding"]
    states = [affine(w, b, x) for w, b in zip(embedding["weights"], embedding["offsets"], strict=True)]
    for block in network["blocks"]:
        if block["heads"] is not None:
            updates = [
                _attended(block["heads"], states[: q + 1] if network["mask"] == "causal" else states, state, tie)
                for q, state in enumerate(states)
            ]
            states = _next(network, states, updates)
        if (ffn := block["feedforward"]) is not None:
            hidden = [[max(y, Fraction(0)) for y in affine(ffn["w1"], ffn["b1"], state)] for state in states]
            states = _next(network, states, [affine(ffn["w2"], ffn["b2"], h) for h in hidden])
    readout = network["readout"]
    return affine(readout["weights"], readout["biases"], states[readout["token"]])


def _next(network: dict[str, Any], states: list[Numbers], updates: list[Numbers]) -> list[Numbers]:
    if not network["residual"]:
        return updates
    return [[a + b for a, b in zip(state, update, strict=True)] for state, update in zip(states, updates, strict=True)]


def _attended(heads: Any, visible: list[Numbers], state: Numbers, tie: str) -> Numbers:
    total = [Fraction(0)] * len(state)
    for head in heads:
        query = times(head["query"], state)
        keys = [times(head["key"], other) for other in visible]
        scores = [sum((k * q for k, q in zip(key, query, strict=True)), Fraction(0)) for key in keys]
        best = [t for t, score in enumerate(scores) if score == max(scores)]
        chosen = {"average": best, "leftmost": best[:1], "rightmost": best[-1:]}[tie]
        values = [times(head["value"], visible[t]) for t in chosen]
        mean = [sum(column) / len(chosen) for column in zip(*values, strict=True)]
        total = [a + b for a, b in zip(total, times(head["output"], mean), strict=True)]
    return total
