"""Any network as a chain of stages, each a set of choices of largest forms: for cells that are found one by one.

A state is a matrix of forms in the inputs, a row (coefficients, constant) for each number. A stage turns a state into
groups of forms; on a cell one form of each group is the largest, and which ones these are gives the next state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from flint import fmpq, fmpq_mat

from exactformer.errors import Unsupported
from exactformer.networks import Affine, Network
from exactformer.networks.transformer import FeedForward, Head, Tie, Transformer
from exactformer.rational import Matrix

Form = tuple[fmpq, ...]
State = fmpq_mat
Choice = tuple[int, ...]  # the forms of a group that are equal and the largest


class Stage(Protocol):
    """One step of a network."""

    def groups(self, state: State) -> list[list[Form]]:
        """The forms among which the largest are asked for."""

    def following(self, state: State, groups: Sequence[Sequence[Form]], choices: Sequence[Choice]) -> State:
        """The next state where these forms are the largest of their groups."""


@dataclass(frozen=True)
class Units:
    """A layer of maxout units, or of ReLU units, whose pieces are 0 and a form."""

    pieces: fmpq_mat
    rank: int
    relu: bool

    def groups(self, state: State) -> list[list[Form]]:
        """The pieces of each unit."""
        rows = [tuple(row) for row in (self.pieces * _with_one(state)).tolist()]
        if self.relu:
            return [[_zero(len(row)), row] for row in rows]
        return [rows[i : i + self.rank] for i in range(0, len(rows), self.rank)]

    def following(self, state: State, groups: Sequence[Sequence[Form]], choices: Sequence[Choice]) -> State:
        """The largest piece of each unit."""
        return fmpq_mat([list(group[choice[0]]) for group, choice in zip(groups, choices, strict=True)])


@dataclass(frozen=True)
class Attention:
    """The heads of a block, for the tokens on which the read-out depends."""

    heads: tuple[Head, ...]
    width: int
    residual: bool
    queries: tuple[tuple[int, tuple[int, ...]], ...]  # a token and those that it sees
    tie: Tie

    def groups(self, state: State) -> list[list[Form]]:
        """The scores of each head and token. Raises `Unsupported` for a score that is not affine on the cell."""
        found = []
        for head in self.heads:
            key, query = _dense(head.key), _dense(head.query)
            tokens = sorted({t for _, seen in self.queries for t in seen})
            keys = {t: (key * self._token(state, t)).tolist() for t in tokens}
            for q, seen in self.queries:
                asked = (query * self._token(state, q)).tolist()
                found.append([_score(asked, keys[t]) for t in seen])
        return found

    def following(self, state: State, groups: Sequence[Sequence[Form]], choices: Sequence[Choice]) -> State:
        """The states with what the heads fetch."""
        result = state if self.residual else state * fmpq(0)
        rows = result.tolist()
        numbered = iter(choices)
        for head in self.heads:
            carried = _dense(head.output) * _dense(head.value)
            for q, seen in self.queries:
                choice = next(numbered)
                best = {"average": choice, "leftmost": choice[:1], "rightmost": choice[-1:]}[self.tie]
                for i in best:
                    update = (carried * self._token(state, seen[i]) * fmpq(1, len(best))).tolist()
                    for j, row in enumerate(update):
                        place = q * self.width + j
                        rows[place] = [a + b for a, b in zip(rows[place], row, strict=True)]
        return fmpq_mat(rows)

    def _token(self, state: State, token: int) -> fmpq_mat:
        return _part(state, token * self.width, self.width)


@dataclass(frozen=True)
class TokenWise:
    """The feed-forward network of a block, for the tokens on which the read-out depends."""

    network: FeedForward
    width: int
    residual: bool
    tokens: tuple[int, ...]

    def groups(self, state: State) -> list[list[Form]]:
        """Zero and the form of each neuron."""
        inner = _augmented(self.network.inner)
        rows = [
            tuple(row)
            for t in self.tokens
            for row in (inner * _with_one(_part(state, t * self.width, self.width))).tolist()
        ]
        return [[_zero(len(row)), row] for row in rows]

    def following(self, state: State, groups: Sequence[Sequence[Form]], choices: Sequence[Choice]) -> State:
        """The states with what the neurons add."""
        outer, hidden = _augmented(self.network.outer), self.network.hidden
        rows = (state if self.residual else state * fmpq(0)).tolist()
        columns = state.ncols()
        for number, t in enumerate(self.tokens):
            chosen = range(number * hidden, (number + 1) * hidden)
            values = fmpq_mat(hidden, columns, [x for i in chosen for x in groups[i][choices[i][0]]])
            for j, row in enumerate((outer * _with_one(values)).tolist()):
                place = t * self.width + j
                rows[place] = [a + b for a, b in zip(rows[place], row, strict=True)]
        return fmpq_mat(rows)


@dataclass(frozen=True)
class Chain:
    """The stages of a network, with the affine maps before and after them."""

    first: fmpq_mat
    stages: tuple[Stage, ...]
    last: fmpq_mat
    token: tuple[int, int] | None = None  # of a Transformer: the first row of the state that is read, and how many

    def output(self, state: State) -> list[Form]:
        """The forms of the outputs."""
        read = state if self.token is None else _part(state, *self.token)
        return [tuple(row) for row in (self.last * _with_one(read)).tolist()]


def chain_of(network: Network, tie: Tie = "average") -> Chain:
    """The stages of a network; the attention of a Transformer is hard, under a tie rule."""
    if isinstance(network, Transformer):
        return _transformer(network, tie)
    n = network.inputs
    stages = [
        Units(_augmented(layer), 2, True)
        if isinstance(layer, Affine)
        else Units(_augmented(layer.pieces), layer.rank, False)
        for layer in network.layers
    ]
    identity = fmpq_mat(n, n + 1, [fmpq(int(i == j)) for i in range(n) for j in range(n + 1)])
    return Chain(identity, tuple(stages), _augmented(network.output))


def _transformer(network: Transformer, tie: Tie) -> Chain:
    d = network.width
    stages: list[Stage] = []
    live = {network.token}
    for block in reversed(network.blocks):
        if block.feedforward is not None:
            stages.append(TokenWise(block.feedforward, d, network.residual, tuple(sorted(live))))
        if block.heads is not None:
            seen = {q: range(q + 1 if network.mask == "causal" else network.tokens) for q in live}
            queries = tuple((q, tuple(seen[q])) for q in sorted(live))
            stages.append(Attention(block.heads, d, network.residual, queries, tie))
            live |= {t for tokens in seen.values() for t in tokens} if block.heads else set()
    first = fmpq_mat([row for affine in network.embedding for row in _augmented(affine).tolist()])
    return Chain(first, tuple(reversed(stages)), _augmented(network.readout), (network.token * d, d))


def _score(query: list[list[fmpq]], key: list[list[fmpq]]) -> Form:
    """The sum of the products of the rows of two matrices of forms."""
    n = (len(query[0]) if query else 1) - 1
    form = [fmpq(0)] * (n + 1)
    squares: dict[tuple[int, int], fmpq] = {}
    for a, b in zip(query, key, strict=True):
        for i in range(n):
            form[i] += a[i] * b[n] + a[n] * b[i]
            for j in range(n):
                if a[i] and b[j]:
                    place = (min(i, j), max(i, j))
                    squares[place] = squares.get(place, fmpq(0)) + a[i] * b[j]
        form[n] += a[n] * b[n]
    if any(squares.values()):
        raise Unsupported(
            "regions: expected attention scores that are affine on every cell, found one that is quadratic "
            "(query and key both depend on the input): its cells are not polyhedra"
        )
    return tuple(form)


def _zero(columns: int) -> Form:
    return (fmpq(0),) * columns


def _part(state: State, first: int, count: int) -> fmpq_mat:
    return fmpq_mat(count, state.ncols(), [state[first + i, j] for i in range(count) for j in range(state.ncols())])


def _with_one(state: State) -> fmpq_mat:
    """The state and the form 1 below it."""
    columns = state.ncols()
    return fmpq_mat(state.nrows() + 1, columns, [*state.entries(), *[fmpq(0)] * (columns - 1), fmpq(1)])


def _augmented(affine: Affine) -> fmpq_mat:
    """The matrix with the constants as its last column."""
    matrix = fmpq_mat(affine.outputs, affine.inputs + 1)
    for (i, j), x in affine.weights.entries().items():
        matrix[i, j] = fmpq(x.numerator, x.denominator)
    for i, b in enumerate(affine.biases.fractions()):
        matrix[i, affine.inputs] = fmpq(b.numerator, b.denominator)
    return matrix


def _dense(matrix: Matrix) -> fmpq_mat:
    result = fmpq_mat(*matrix.shape)
    for (i, j), x in matrix.entries().items():
        result[i, j] = fmpq(x.numerator, x.denominator)
    return result
