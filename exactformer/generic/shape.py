"""The maxout network of a shape whose weights and biases all are unknowns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from random import Random
from typing import Any

from exactformer.arguments import POSITIVE
from exactformer.errors import Faults
from exactformer.generic.ring import unknowns
from exactformer.networks import Affine, MaxoutLayer, MaxoutNetwork
from exactformer.rational import Matrix, Vector

SIZE = 3  # of random weights


@dataclass(frozen=True)
class Shape:
    """Inputs, units of each layer, pieces of a unit, outputs.

    Weight j of piece p of unit i of layer l is w{l}.{i}.{p}.{j}, its bias b{l}.{i}.{p}, weight i of output o is
    c{o}.{i} and its bias d{o}; numbers count from 1. Raises `InvalidInput` for sizes that are no positive integers.
    """

    inputs: int
    widths: tuple[int, ...]
    rank: int
    outputs: int = 1

    def __post_init__(self) -> None:
        faults = Faults()
        for name in ("inputs", "rank", "outputs"):
            POSITIVE.check(getattr(self, name), name, faults)
        for number, width in enumerate(self.widths or (0,)):
            POSITIVE.check(width, f"widths[{number}]", faults)
        faults.settle()

    def __str__(self) -> str:
        return f"{'-'.join(map(str, (self.inputs, *self.widths, self.outputs)))}, rank {self.rank}"

    @property
    def before(self) -> tuple[int, ...]:
        """How many values each layer reads."""
        return (self.inputs, *self.widths[:-1])

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """The names of all weights and biases."""
        names: list[str] = []
        for l, (width, below) in enumerate(zip(self.widths, self.before, strict=True), 1):
            for i in _upto(width):
                for p in _upto(self.rank):
                    names += [*(f"w{l}.{i}.{p}.{j}" for j in _upto(below)), f"b{l}.{i}.{p}"]
        for o in _upto(self.outputs):
            names += [*(f"c{o}.{i}" for i in _upto(self.widths[-1])), f"d{o}"]
        return tuple(names)

    def network(self, symbols: dict[str, Any] | None = None) -> MaxoutNetwork:
        """The network of all these unknowns; `symbols` may give what stands in their place."""
        at = symbols or unknowns(self.weights)
        layers = []
        for l, (width, below) in enumerate(zip(self.widths, self.before, strict=True), 1):
            pieces = [f"{l}.{i}.{p}" for i in _upto(width) for p in _upto(self.rank)]
            rows = [([at[f"w{piece}.{j}"] for j in _upto(below)], at[f"b{piece}"]) for piece in pieces]
            layers.append(MaxoutLayer(_affine(rows, below), self.rank))
        rows = [([at[f"c{o}.{i}"] for i in _upto(self.widths[-1])], at[f"d{o}"]) for o in _upto(self.outputs)]
        return MaxoutNetwork(tuple(layers), _affine(rows, self.widths[-1]), name="all weights")

    def drawn(self, random: Random) -> dict[str, Fraction]:
        """Random weights, small and exact, often with ties."""
        return {name: drawn(random) for name in self.weights}


def drawn(random: Random) -> Fraction:
    """A small fraction, often an integer."""
    den = random.choice((1, 1, 2, 3))
    return Fraction(random.randint(-SIZE * den, SIZE * den), den)


def _upto(count: int) -> range:
    return range(1, count + 1)


def _affine(rows: Sequence[tuple[Sequence[Any], Any]], width: int) -> Affine:
    entries = {(i, j): x for i, (row, _) in enumerate(rows) for j, x in enumerate(row)}
    return Affine(Matrix.sparse(len(rows), width, entries), Vector.of([bias for _, bias in rows]))
