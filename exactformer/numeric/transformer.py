"""A Transformer in float64, as `planning` lays it out: what the output depends on, and nothing twice.

The vectors of all live tokens are a pair of arrays: the coordinates that are the same at every token (`shared`, one row
each), and those that each token has of its own (`own`, indexed by coordinate, token and point). Coordinates that do not
depend on the input are in neither; they are in the biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt

from exactformer.networks.semantics import Semantics, Tie
from exactformer.numeric.matrices import Floats, Linear, NumericAffine

Vectors = tuple[Floats, Floats]
Bools = npt.NDArray[np.bool_]
Reading = Tie | float  # a tie rule, or what multiplies scores before softmax


@dataclass(frozen=True, eq=False)
class Sum:
    """An affine map of several vectors at each token; each matrix comes with the number of the vector it is for.

    What is shared is the sum of the `shared` products and its biases. What is a token's own is the sum of the `own`
    products, of the `common` products of what is shared, and of biases (coordinates, tokens, 1).
    """

    tokens: int
    shared: tuple[tuple[int, Linear], ...]
    common: tuple[tuple[int, Linear], ...]
    own: tuple[tuple[int, Linear], ...]
    shared_biases: Floats
    own_biases: Floats

    @cached_property
    def biased(self) -> tuple[bool, bool]:
        """Whether there is something to add to the products of what is shared, and to those of the tokens' own."""
        return bool(self.shared_biases.any()), bool(self.own_biases.any())

    @property
    def floats(self) -> int:
        """An upper bound of the floats that a call makes for one point."""
        products = [m.floats for _, m in (*self.shared, *self.common)] + [m.floats * self.tokens for _, m in self.own]
        return sum(products) + 2 * (len(self.shared_biases) + self.own_biases.size)

    def __call__(self, parts: Sequence[Vectors]) -> Vectors:
        """The value at every token, for every point; an array of the result may be a view of one of the parts."""
        shared, own = parts[0]
        batch = shared.shape[1]
        if len(self.shared_biases):
            terms = [m @ parts[p][0] for p, m in self.shared]
            shared = _total(terms, self.shared_biases, self.biased[0], (batch,))
        else:
            shared = shared[:0]
        if len(self.own_biases):
            terms = [(m @ parts[p][0])[:, None] for p, m in self.common]
            for p, m in self.own:
                terms.append(m.at_tokens(parts[p][1]))
            own = _total(terms, self.own_biases, self.biased[1], (self.tokens, batch))
        else:
            own = own[:0]
        return shared, own


@dataclass(frozen=True, eq=False)
class Narrowing:
    """Some of the tokens alone; of a single one everything is shared."""

    positions: tuple[int, ...]

    def __call__(self, vectors: Vectors) -> Vectors:
        """The vectors of these tokens."""
        shared, own = vectors
        if len(self.positions) > 1:
            return shared, own[:, self.positions]
        first = own[:, self.positions[0]]
        return np.concatenate((shared, first)) if len(own) else shared, own[:0, :1]


@dataclass(frozen=True, eq=False)
class Heads:
    """Heads of one kind. Scores do not depend on the query where `queries` is None: the keys are the scores then.

    The result is shared where all queries are alike and see the same tokens. Without `values` the scores are.
    """

    count: int
    queries: Sum | None
    keys: Sum
    values: Sum | None
    alike: bool
    seen: Bools | None  # (queries, tokens); None where every query sees every token

    @property
    def floats(self) -> int:
        """An upper bound of the floats that a call makes for one point."""
        sums = sum(part.floats for part in (self.queries, self.keys, self.values) if part is not None)
        tokens = self.keys.tokens
        asked = 1 if self.seen is None else len(self.seen)
        asked = max(asked, 1 if self.queries is None else self.queries.tokens)
        width = 1 if self.values is None else len(self.values.own_biases) // self.count
        return sums + self.count * asked * (6 * tokens + 2 * width)

    def __call__(self, state: Vectors, asking: Vectors, reading: Reading) -> Vectors:
        """What the heads hand to the queries, head after head; the state of all tokens, and of those that ask."""
        n, tokens, batch = self.count, self.keys.tokens, state[0].shape[1]
        keys = self.keys((state,))[1]
        if self.values is None and self.alike and not isinstance(reading, float):
            # The scores are the values: winners have the largest one, and so has their mean.
            return reduce(np.maximum, keys.swapaxes(0, 1)), keys[:0, :1]
        scores = keys = keys.reshape(n, -1, tokens, batch)
        if self.queries is not None:
            shared, own = self.queries((asking,))
            queries = shared.reshape(n, -1, 1, batch) if self.alike else own.reshape(n, -1, self.queries.tokens, batch)
            scores = np.einsum("hktb,hkqb->hqtb", keys, queries)
        values = keys if self.values is None else self.values((state,))[1].reshape(n, -1, tokens, batch)
        weights = attention_weights(scores, self.seen, reading)
        mixed = np.einsum("hqtb,hvtb->hvqb", weights, values)
        # Dividing last keeps a weight of 1 exact, and makes nan of a query where no score is the largest.
        mixed /= weights.sum(axis=2)[:, None]
        mixed = mixed.reshape(-1, mixed.shape[2], batch)
        return (mixed[:, 0], mixed[:0]) if self.alike else (mixed[:0, 0], mixed)


@dataclass(frozen=True, eq=False)
class NumericAttention:
    """The heads of a block in groups of one kind, and the next state from the old one and what the groups hand on."""

    narrowing: Narrowing | None
    groups: tuple[Heads, ...]
    following: Sum

    @property
    def floats(self) -> int:
        """An upper bound of the floats that a call makes for one point."""
        return sum(group.floats for group in self.groups) + self.following.floats

    def __call__(self, state: Vectors, reading: Reading) -> Vectors:
        """The state of the live tokens after the heads."""
        old = state if self.narrowing is None else self.narrowing(state)
        return self.following((old, *(group(state, old, reading) for group in self.groups)))


@dataclass(frozen=True, eq=False)
class NumericTokenwise:
    """The neurons of a block at every token, and the next state from the old one and the neurons."""

    neurons: Sum
    following: Sum

    @property
    def floats(self) -> int:
        """An upper bound of the floats that a call makes for one point."""
        return 2 * self.neurons.floats + self.following.floats

    def __call__(self, state: Vectors, reading: Reading) -> Vectors:
        """The state of the live tokens after the neurons."""
        shared, own = self.neurons((state,))
        return self.following((state, (_rectified(shared), _rectified(own))))


@dataclass(frozen=True, eq=False)
class NumericTransformer:
    """A Transformer in float64: the embedding of its live tokens, its sublayers, the read-out of what is shared."""

    inputs: int
    outputs: int
    tokens: int
    shared: NumericAffine
    own: NumericAffine
    sublayers: tuple[NumericAttention | NumericTokenwise, ...]
    readout: Sum

    @property
    def floats(self) -> int:
        """An upper bound of the floats that one point takes at once."""
        # A sublayer makes its own while the state is still there, which the embedding or the sublayer before has made.
        embedded = self.shared.floats + self.own.floats
        state = max((embedded, *(part.following.floats for part in self.sublayers)))
        return 1 + 2 * self.inputs + state + max((self.readout.floats, *(part.floats for part in self.sublayers)))

    @property
    def tempered(self) -> tuple[int, ...]:
        """The sublayers that softmax may be read into: those with heads."""
        return tuple(i for i, part in enumerate(self.sublayers) if isinstance(part, NumericAttention))

    def __call__(self, x: Floats, semantics: Semantics) -> Floats:
        """The value at every column of x."""
        scales = semantics.scales(self)
        state = self.shared(x), self.own(x).reshape(-1, self.tokens, x.shape[1])
        for number, sublayer in enumerate(self.sublayers):
            state = sublayer(state, scales.get(number, semantics.tie))
        return self.readout((state,))[0]


def attention_weights(scores: Floats, seen: Bools | None, reading: Reading) -> Floats:
    """The weights that scores (heads, queries, tokens, points) give to the tokens, not yet divided by their sum."""
    if seen is not None:
        scores = np.where(seen[:, :, None], scores, -np.inf)
    # An overflowed score makes the gap nan, and so the result: two scores of inf are no tie.
    gaps = scores - scores.max(axis=2, keepdims=True)
    if isinstance(reading, float):
        weights: Floats = np.exp(reading * gaps)
        return weights
    best: Bools = gaps == 0
    ranked = best[:, :, ::-1] if reading == "rightmost" else best
    if reading != "average":
        ranked &= np.cumsum(ranked, axis=2) == 1
    return best.astype(np.float64)


def _rectified(values: Floats) -> Floats:
    """max(x, 0), in place where the array is nobody else's."""
    if not len(values):
        return values
    return np.maximum(values, 0.0, out=values if values.flags.owndata else None)


def _total(products: Sequence[Floats], biases: Floats, biased: bool, shape: tuple[int, ...]) -> Floats:
    """The sum of products and biases, with the shape after the coordinates."""
    if biased or not products:
        products = [*products, biases]
    total = products[0]
    for product in products[1:]:
        total = total + product
    return total if total.shape[1:] == shape else np.broadcast_to(total, (len(biases), *shape))
