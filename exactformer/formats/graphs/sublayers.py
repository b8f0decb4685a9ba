"""One sublayer of a Transformer: heads, or maxima at each token alone, as forms over the coordinates of a state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from exactformer.formats.graphs.graph import Refusal, Shape
from exactformer.formats.graphs.scores import How, Weights, by_head
from exactformer.formats.graphs.tensor import Indices, Tensor, added, alike, dimensions, variables
from exactformer.formats.graphs.units import Units

Entries = dict[tuple[int, int], Fraction]


@dataclass(frozen=True)
class Rows:
    """The map that is the same at each token: entry (row, coordinate), a constant for each row.

    `token` is the only one on which a single value depends; None for all tokens alike, and where it depends on none.
    """

    entries: Entries
    biases: tuple[Fraction, ...]
    token: int | None = None


@dataclass(frozen=True)
class HeadRows:
    """What a head takes from the state; what it hands on are the coordinates from `first` on."""

    query: Rows
    key: Rows
    value: Rows
    first: int


@dataclass(frozen=True)
class Sublayer:
    """From a state with `inputs` coordinates to the next: `result` has entries for it and for what was made of it."""

    inputs: int
    outputs: int
    heads: tuple[HeadRows, ...]
    neurons: tuple[Rows, ...]  # each with the coordinates after those of the one before
    result: Rows
    causal: bool | None  # None where the last token alone asks: it sees all tokens in either case


class Inside(Units):
    """What is made inside a sublayer: new variables, each of a token and a coordinate beyond those of the state."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__(rows * width)
        self.rows, self.width, self.next = rows, width, width
        self.token: Indices = np.repeat(np.arange(rows), width)
        self.coordinate: Indices = np.tile(np.arange(width), rows)
        self.heads: list[HeadRows] = []
        self.neurons: list[Rows] = []
        self.causal: set[bool] = set()
        self.how: set[How] = set()
        self.pools = False

    def rectified(self, tensor: Tensor) -> Tensor:
        """max(tensor, 0) as neurons at each token."""
        if tensor.fixed:
            return replace(tensor, offset=np.maximum(tensor.offset, 0))
        self._outermost(tensor)
        rows = _rows(tensor.shape)
        if rows != self.rows:
            raise Refusal(f"a maximum at each of {self.rows} tokens alone", f"shape {dimensions(tensor.shape)}")
        if self.heads:
            raise Refusal("attention or maxima between two states", "both side by side")
        self.neurons.append(self.tokenwise(tensor, rows))
        return self._new(tensor.shape, np.arange(rows), tensor.type)

    def maximum(self, tensors: Sequence[Tensor]) -> Tensor:
        """The larger of two tensors, entry by entry: b + max(a - b, 0)."""
        if len(tensors) == 1:
            return tensors[0]
        if len(tensors) > 2:
            raise Refusal("a maximum of two", f"one of {len(tensors)}", "; between states with attention")
        left, right = alike(*tensors)
        return replace(added(self.rectified(added(left, right, -1)), right), type=left.type)

    def attended(self, weights: Weights, value: Tensor) -> Tensor:
        """The values, mixed by the weights, head by head."""
        scores = weights.scores
        queries, tokens = scores.shape[-2:]
        if len(value.shape) < 2 or value.shape[-2] != tokens:
            raise Refusal(f"values of {tokens} tokens", f"shape {dimensions(value.shape)}")
        try:
            batch = np.broadcast_shapes(scores.shape[:-2], value.shape[:-2])
        except ValueError:
            found = f"{dimensions(scores.shape)} and {dimensions(value.shape)}"
            raise Refusal("shapes that fit together", found) from None
        if batch != scores.shape[:-2]:
            raise Refusal("values with the heads of the scores", f"shape {dimensions(value.shape)}")
        if tokens != self.rows or queries not in (1, self.rows):
            found = f"{queries} queries and {tokens} tokens"
            raise Refusal(f"attention of all {self.rows} tokens, or of one, to all of them", found)
        if self.neurons:
            raise Refusal("attention or maxima between two states", "both side by side")
        values = by_head(value, batch)
        for tensor in (scores.query, scores.key, values):
            self._outermost(tensor)
        self.how.add(weights.how)
        first, depth = self.next, value.shape[-1]
        asking = np.arange(self.rows)[-queries:]
        for number in range(values.shape[0]):
            query, key, own = (
                self.tokenwise(each.take(each.indices[number]), len(each.indices[number]))
                for each in (scores.query, scores.key, values)
            )
            if queries < self.rows and query.token is not None:
                asking = np.array([query.token])
            self.heads.append(HeadRows(query, key, own, first + number * depth))
        if queries == self.rows or asking[0] != self.rows - 1:
            self.causal.add(scores.causal)
        return self._new((*batch, queries, depth), asking, value.type, heads=values.shape[0])

    def mixes(self, tensor: Tensor) -> bool:
        """Whether a tensor depends on several tokens and stands at one of them alone."""
        taken = tensor.take(tensor.indices.reshape(-1))
        return _rows(tensor.shape) == 1 < len(np.unique(self.token[taken.variable]))

    def pooled(self, tensor: Tensor) -> Tensor:
        """What depends on all tokens alike: the values of a head whose scores are equal, at the last token.

        Raises `Refusal` where the tokens are weighed in other ways.
        """
        if self.heads or self.neurons:
            raise Refusal("one layer of maxima or of attention between two states", "several")
        taken = tensor.take(tensor.indices.reshape(-1))
        maps: list[Entries] = [{} for _ in range(self.rows)]
        places = zip(taken.variable, taken.rows, taken.factor, strict=True)
        for variable, row, n in places:
            place = int(row), int(self.coordinate[variable])
            maps[self.token[variable]][place] = Fraction(n * self.rows, taken.denominator)
        if any(each != maps[0] for each in maps):
            raise Refusal("values that depend on one token, or on all alike", "tokens that are weighed in other ways")
        biases = tuple(Fraction(n, taken.denominator) for n in taken.offset)
        nothing = Rows({}, (Fraction(0),))
        self.heads.append(HeadRows(nothing, nothing, Rows(maps[0], biases), self.next))
        self.pools = True
        return self._new((1, taken.size), np.arange(self.rows)[-1:], tensor.type)

    def _outermost(self, tensor: Tensor) -> None:
        if (self.coordinate[tensor.variable] >= self.width).any():
            raise Refusal("one layer of maxima or of attention between two states", "one inside another")

    def _new(self, shape: Shape, tokens: Indices, type: str, heads: int = 1) -> Tensor:
        """New variables (heads x tokens x columns), in a shape of as many."""
        first, columns = len(self.token), shape[-1]
        self.token = np.concatenate([self.token, np.tile(np.repeat(tokens, columns), heads)])
        numbers = self.next + np.arange(heads * columns).reshape(heads, 1, columns)
        every = np.broadcast_to(numbers, (heads, len(tokens), columns)).reshape(-1)
        self.coordinate = np.concatenate([self.coordinate, every])
        self.next += heads * columns
        return variables(first, shape, type)

    def tokenwise(self, tensor: Tensor, rows: int) -> Rows:
        """The map that a tensor is at each token alone, or at one. Raises `Refusal` where it is none."""
        if rows not in (1, self.rows):
            raise Refusal(f"values at {self.rows} tokens or at one", f"at {rows}")
        taken = tensor.take(tensor.indices.reshape(rows, -1))
        height = taken.shape[1]
        tokens = self.token[taken.variable]
        one = rows < self.rows
        if one and len(np.unique(tokens)) > 1:
            raise Refusal("a value that depends on one token", f"one that depends on {len(np.unique(tokens))} of them")
        if not one and (tokens != taken.rows // max(height, 1)).any():
            raise Refusal("the same map at each token alone", "values that mix tokens")
        lengths, offset = taken.lengths.reshape(rows, height), taken.offset.reshape(rows, height)
        alike = (lengths == lengths[0]).all()
        if alike:
            coordinate = self.coordinate[taken.variable].reshape(rows, -1)
            factor = taken.factor.reshape(rows, -1)
            alike = (coordinate == coordinate[0]).all() and (factor == factor[0]).all()
        if not alike:
            raise Refusal("the same map at each token alone", "other weights at other tokens")
        if (offset != offset[0]).any():
            hint = "; constants of a position belong to the embedding, before the first sublayer"
            raise Refusal("the same constants at each token", "others at other tokens", hint)
        owner = np.repeat(np.arange(height), lengths[0])
        entries = {
            (int(i), int(j)): Fraction(n, taken.denominator)
            for i, j, n in zip(owner, coordinate[0], factor[0], strict=True)
        }
        biases = tuple(Fraction(n, taken.denominator) for n in offset[0])
        return Rows(entries, biases, int(tokens[0]) if one and len(tokens) else None)

    def sublayer(self, tensor: Tensor) -> Sublayer:
        """The step from the state to a tensor, the next one."""
        if self.mixes(tensor):
            tensor = self.pooled(tensor)
        rows = _rows(tensor.shape)
        result = self.tokenwise(tensor, rows)
        if len(self.causal) > 1:
            raise Refusal("one mask for all heads", "heads with and without one")
        causal = next(iter(self.causal), None)
        return Sublayer(self.width, tensor.shape[-1], tuple(self.heads), tuple(self.neurons), result, causal)


def _rows(shape: Shape) -> int:
    """The number of tokens of a state: its last axis has the coordinates."""
    return math.prod(shape[:-1])


def rows_of(value: Any) -> int:
    """As `_rows`, and 0 for what is no state."""
    return _rows(value.shape) if isinstance(value, Tensor) and value.shape else 0
