"""Units become the layers of a network: each on the layer of its level, values that are needed later carried along."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from exactformer.formats.graphs.tensor import Indices, Tensor, stacked, variables
from exactformer.formats.graphs.units import Batch, Units
from exactformer.networks import Affine, MaxoutLayer, MaxoutNetwork, ReluNetwork
from exactformer.rational import Matrix, Vector


def layered(units: Units, output: Tensor, name: str) -> ReluNetwork | MaxoutNetwork:
    """The network of those units that the output needs: a ReLU network if all are rectified, else a maxout network.

    A value that a later layer needs is carried, in a maxout layer by a unit whose pieces are all that value, in a ReLU
    layer as relu(v), which is v for a value of a unit, and as relu(v) - relu(-v) for an input.
    """
    plan = _planned(units, output)
    relu = all(batch.rectified and len(batch.pieces) == 1 for batch in plan.batches)
    state = _State(variables(0, (units.inputs,), output.type), np.arange(units.inputs))
    layers: list[Affine] = []
    ranks: list[int] = []
    width = units.inputs
    for level in range(1, plan.depth + 1):
        made = plan.made(units, level)
        carried = np.flatnonzero((units.level < level) & (plan.last > level))
        rank = 1 if relu else max(batch.rank for batch, _ in made)
        pieces = [state(stacked([batch.piece(p).take(rows) for batch, rows in made])) for p in range(rank)]
        carriers, terms = state.carriers(carried, both_signs=relu and level == 1, split=relu)
        new = np.concatenate([batch.first + rows for batch, rows in made])
        parts = [stacked([piece, carriers]) for piece in pieces]
        order = np.arange(rank * parts[0].size).reshape(rank, -1).T.reshape(-1)  # unit after unit
        layers.append(_affine(stacked(parts).take(order), width))
        ranks.append(rank)
        width = parts[0].size
        state = _State.after(new, carried, terms, len(units.level), output.type)
    last = _affine(state(output), width)
    if relu:
        return ReluNetwork(tuple(layers), last, None, name)
    return MaxoutNetwork(tuple(map(MaxoutLayer, layers, ranks)), last, None, name)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Which units are needed, and the last level at which each variable is; the output stands above all levels."""

    batches: list[Batch]
    depth: int
    needed: np.ndarray[tuple[int], np.dtype[np.bool_]]
    last: Indices

    def made(self, units: Units, level: int) -> list[tuple[Batch, Indices]]:
        """The units of one level, as rows of their batches."""
        found = []
        for batch in self.batches:
            span = slice(batch.first, batch.first + batch.size)
            rows = np.flatnonzero(self.needed[span] & (units.level[span] == level))
            if len(rows):
                found.append((batch, rows))
        return found


def _planned(units: Units, output: Tensor) -> _Plan:
    needed = np.zeros(len(units.level), bool)
    needed[output.variable] = True
    last = np.zeros(len(units.level), np.int64)
    batches = []
    for batch in reversed(units.batches):  # a unit comes after all that it needs
        span = slice(batch.first, batch.first + batch.size)
        if not needed[span].any():
            continue
        batches.append(batch)
        for piece in batch.pieces:
            rows = piece.rows
            wanted = needed[span][rows]
            used = piece.variable[wanted]
            needed[used] = True
            np.maximum.at(last, used, units.level[span][rows[wanted]])
    depth = int(units.level[needed].max(initial=0))
    last[output.variable] = depth + 1
    return _Plan(batches[::-1], depth, needed, last)


@dataclass(frozen=True, eq=False)
class _State:
    """The values of the variables that are at hand, as forms over the units of the last layer."""

    forms: Tensor
    slot: Indices  # of a variable: its entry in `forms`

    def __call__(self, tensor: Tensor) -> Tensor:
        """A tensor over the variables as one over the units of the last layer."""
        shape = (tensor.size,)
        rows, slots = tensor.rows, self.slot[tensor.variable]
        value = self.forms.combined(rows, slots, tensor.factor, tensor.denominator, shape)
        common = math.lcm(value.denominator, tensor.denominator)
        times = common // tensor.denominator
        return replace(value.over(common), offset=tensor.offset * times).reduced()

    def carriers(self, carried: Indices, *, both_signs: bool, split: bool) -> tuple[Tensor, Tensor]:
        """The rows that carry the given variables to the next layer, and the variables as forms over these rows."""
        forms = self.forms.take(self.slot[carried])
        if not split:
            return forms, variables(0, (len(carried),), forms.type)
        columns, back = np.unique(forms.variable, return_inverse=True)
        count = len(columns)
        single = variables(0, (len(self.forms.variable) and int(columns.max(initial=-1)) + 1,), forms.type).take(
            columns
        )
        if not both_signs:
            return single, replace(forms, variable=back)
        negated = replace(single, factor=-single.factor)
        pairs = np.stack([back, back + count], axis=1).reshape(-1)  # v = relu(v) - relu(-v)
        factors = np.stack([forms.factor, -forms.factor], axis=1).reshape(-1)
        return stacked([single, negated]), replace(forms, start=forms.start * 2, variable=pairs, factor=factors)

    @staticmethod
    def after(new: Indices, carried: Indices, terms: Tensor, count: int, type: str) -> _State:
        """After a layer of the units `new`, then the rows that carry others, which `terms` counts from 0."""
        slot = np.full(count, -1, np.int64)
        slot[new] = np.arange(len(new))
        slot[carried] = len(new) + np.arange(len(carried))
        moved = replace(terms, variable=terms.variable + len(new))
        return _State(stacked([variables(0, (len(new),), type), moved]), slot)


def _affine(tensor: Tensor, inputs: int) -> Affine:
    """The tensor's entries as an affine map of its variables."""
    common = math.gcd(tensor.denominator, *tensor.factor)
    factor = (tensor.factor // common if common > 1 else tensor.factor).tolist()
    pairs = list(zip(tensor.variable.tolist(), factor, strict=True))
    bounds = tensor.start.tolist()
    rows: Sequence[tuple[tuple[int, int], ...]] = [tuple(pairs[a:b]) for a, b in pairwise(bounds)]
    weights = Matrix.of_rows(rows, inputs, tensor.denominator // common)
    return Affine(weights, Vector.over(tensor.offset.tolist(), tensor.denominator))
