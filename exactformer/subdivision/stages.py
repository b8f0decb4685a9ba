"""Any network as a chain of stages, each a set of choices of largest forms: for cells that are found one by one.

A state has for each live token a matrix of forms in the inputs, a row (coefficients, constant) for each coordinate. A
stage turns a state into groups of forms; on a cell one form of each group is the largest, and which ones these are
gives the next state. Both walk the same step of the network: one asks for the largest forms, the other is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flint import fmpq, fmpq_mat

from exactformer.errors import Unsupported
from exactformer.networks import Affine, Network, walk
from exactformer.networks.semantics import Semantics, Tie
from exactformer.rational import Matrix

Form = tuple[fmpq, ...]
State = Mapping[int, fmpq_mat]
Choice = tuple[int, ...]  # the forms of a group that are equal and the largest


@dataclass(frozen=True)
class Weights:
    """The matrices of a network, each made once; it holds the network, so that no part gives its place to another."""

    network: Network
    made: dict[int, fmpq_mat] = field(default_factory=dict)

    def of(self, part: Affine | Matrix) -> fmpq_mat:
        """The matrix; that of an affine map has the constants as its last column."""
        if id(part) not in self.made:
            self.made[id(part)] = _augmented(part) if isinstance(part, Affine) else _dense(part)
        return self.made[id(part)]


@dataclass(frozen=True)
class _Forms:
    """What does not depend on the cell, of an algebra of matrices of forms."""

    weights: Weights

    def affine(self, part: Affine, x: fmpq_mat) -> fmpq_mat:
        """The map at x."""
        return self.weights.of(part) * _with_one(x)

    def linear(self, part: Matrix, x: fmpq_mat) -> fmpq_mat:
        """The matrix times x."""
        return self.weights.of(part) * x

    def add(self, x: fmpq_mat, y: fmpq_mat) -> fmpq_mat:
        """The sum."""
        return x + y


@dataclass(frozen=True)
class _Asking(_Forms):
    """Notes the forms among which the largest are asked for; what it goes on with means nothing."""

    groups: list[list[Form]] = field(default_factory=list)

    def relu(self, place: str, x: fmpq_mat) -> fmpq_mat:
        """Zero and each form."""
        self.groups.extend(_pairs(x))
        return x

    def maximum(self, place: str, pieces: fmpq_mat, rank: int) -> fmpq_mat:
        """The pieces of each unit."""
        self.groups.extend(_units(pieces, rank))
        return _part(pieces, 0, pieces.nrows() // rank)

    def attend(
        self, head: str, q: int, query: fmpq_mat, keys: Mapping[int, fmpq_mat], values: Mapping[int, fmpq_mat]
    ) -> fmpq_mat:
        """The scores. Raises `Unsupported` for a score that is not affine on the cell."""
        self.groups.append([_score(query.tolist(), key.tolist()) for key in keys.values()])
        return values[q]


@dataclass(frozen=True)
class _Told(_Forms):
    """Takes the forms that are the largest from the choices, group after group."""

    choices: Iterator[Choice]
    semantics: Semantics

    def relu(self, place: str, x: fmpq_mat) -> fmpq_mat:
        """Zero or the form."""
        return self._picked(_pairs(x), x.ncols())

    def maximum(self, place: str, pieces: fmpq_mat, rank: int) -> fmpq_mat:
        """The largest piece of each unit."""
        return self._picked(_units(pieces, rank), pieces.ncols())

    def attend(
        self, head: str, q: int, query: fmpq_mat, keys: Mapping[int, fmpq_mat], values: Mapping[int, fmpq_mat]
    ) -> fmpq_mat:
        """The value of the winner, or the mean of those of all winners."""
        best, seen = self.semantics.sharing(next(self.choices)), list(values.values())
        total = seen[best[0]]
        for i in best[1:]:
            total = total + seen[i]
        return total * fmpq(1, len(best))

    def _picked(self, groups: Sequence[Sequence[Form]], columns: int) -> fmpq_mat:
        rows = [group[next(self.choices)[0]] for group in groups]
        return fmpq_mat(len(rows), columns, [x for row in rows for x in row])


@dataclass(frozen=True)
class Stage:
    """One step of a network."""

    step: walk.Step
    semantics: Semantics
    weights: Weights

    def groups(self, state: State) -> list[list[Form]]:
        """The forms among which the largest are asked for. Raises `Unsupported` for a score that is not affine."""
        asking = _Asking(self.weights)
        self.step.after(state, asking)
        return asking.groups

    def following(self, state: State, choices: Sequence[Choice]) -> State:
        """The next state where these forms are the largest of their groups."""
        return self.step.after(state, _Told(self.weights, iter(choices), self.semantics))


@dataclass(frozen=True)
class Chain:
    """The stages of a network, the state before them, and the affine map after them."""

    first: State
    stages: tuple[Stage, ...]
    token: int
    last: fmpq_mat

    def output(self, state: State) -> list[Form]:
        """The forms of the outputs."""
        return [tuple(row) for row in (self.last * _with_one(state[self.token])).tolist()]


def chain_of(network: Network, tie: Tie = "average") -> Chain:
    """The stages of a network; the attention of a Transformer is hard, under a tie rule."""
    chain, weights, n = walk.chain_of(network), Weights(network), network.inputs
    identity = fmpq_mat(n, n + 1, [fmpq(int(i == j)) for i in range(n) for j in range(n + 1)])
    first = {t: identity if part is None else weights.of(part) for t, part in chain.embedding.items()}
    stages = tuple(Stage(step, Semantics(tie), weights) for step in chain.steps)
    return Chain(first, stages, chain.token, weights.of(chain.output))


def _pairs(x: fmpq_mat) -> list[list[Form]]:
    zero = (fmpq(0),) * x.ncols()
    return [[zero, tuple(row)] for row in x.tolist()]


def _units(pieces: fmpq_mat, rank: int) -> list[list[Form]]:
    rows = [tuple(row) for row in pieces.tolist()]
    return [rows[i : i + rank] for i in range(0, len(rows), rank)]


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


def _part(state: fmpq_mat, first: int, count: int) -> fmpq_mat:
    return fmpq_mat(count, state.ncols(), [state[first + i, j] for i in range(count) for j in range(state.ncols())])


def _with_one(state: fmpq_mat) -> fmpq_mat:
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
