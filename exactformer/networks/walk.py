"""One walk over a network: layers, blocks, heads, residual, mask and live tokens once, over any kind of number.

A network is a `Chain`: the embedding of each token, steps, and the output read at one token; a maxout or ReLU network
has one token. Only live tokens are walked: those on which the output depends. An `Algebra` says what the numbers are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from exactformer.networks import Affine, FeedForward, Head, MaxoutLayer, Network, Transformer, layered
from exactformer.rational import Matrix

V = TypeVar("V")


class Algebra(Protocol[V]):
    """Vectors V of some kind of number, and what a network does with them.

    A place names units or neurons, such as "0_u" or "1_t0_f" (by layer, or by block and token), or a head: "1_h0".
    """

    def affine(self, part: Affine, x: V) -> V:
        """The map at x."""

    def linear(self, part: Matrix, x: V) -> V:
        """The matrix times x."""

    def add(self, x: V, y: V) -> V:
        """The sum."""

    def relu(self, place: str, x: V) -> V:
        """max(x_i, 0) for each i; number i is at place + str(i)."""

    def maximum(self, place: str, pieces: V, rank: int) -> V:
        """The largest of each `rank` pieces that follow each other; unit i is at place + str(i)."""

    def attend(self, head: str, q: int, query: V, keys: Mapping[int, V], values: Mapping[int, V]) -> V:
        """The value that a head hands to token q, from the keys and values of the tokens that it sees, ascending."""


@dataclass(frozen=True)
class Units:
    """A layer of maxout units, or (a bare map) of ReLU units."""

    number: int
    layer: MaxoutLayer | Affine

    def after(self, states: Mapping[int, V], algebra: Algebra[V]) -> dict[int, V]:
        """The values of the units."""
        place, (state,) = f"{self.number}_u", states.values()
        if isinstance(self.layer, MaxoutLayer):
            return {0: algebra.maximum(place, algebra.affine(self.layer.pieces, state), self.layer.rank)}
        return {0: algebra.relu(place, algebra.affine(self.layer, state))}


@dataclass(frozen=True)
class Attention:
    """The heads of a block: which tokens are live after it, and which tokens each of them sees."""

    block: int
    heads: tuple[Head, ...]
    width: int
    residual: bool
    seen: Mapping[int, range]

    @property
    def live(self) -> tuple[int, ...]:
        """The tokens on whose state after the step the output depends."""
        return tuple(self.seen)

    def after(self, states: Mapping[int, V], algebra: Algebra[V]) -> dict[int, V]:
        """The states of the live tokens: the old one if residual, and what each head adds."""
        result = {q: states[q] if self.residual else _zero(states[q], self.width, algebra) for q in self.seen}
        for h, head in enumerate(self.heads):
            keys = {t: algebra.linear(head.key, state) for t, state in states.items()}
            values = {t: algebra.linear(head.value, state) for t, state in states.items()}
            for q, seen in self.seen.items():
                query = algebra.linear(head.query, states[q])
                visible = {t: keys[t] for t in seen}, {t: values[t] for t in seen}
                mixed = algebra.attend(f"{self.block}_h{h}", q, query, *visible)
                result[q] = algebra.add(result[q], algebra.linear(head.output, mixed))
        return result


@dataclass(frozen=True)
class TokenWise:
    """The feed-forward network of a block, for the tokens that are live after it."""

    block: int
    network: FeedForward
    residual: bool
    live: tuple[int, ...]

    def after(self, states: Mapping[int, V], algebra: Algebra[V]) -> dict[int, V]:
        """The states of the live tokens: the old one if residual, and what the network adds."""
        result = {}
        for t in self.live:
            hidden = algebra.relu(f"{self.block}_t{t}_f", algebra.affine(self.network.inner, states[t]))
            update = algebra.affine(self.network.outer, hidden)
            result[t] = algebra.add(states[t], update) if self.residual else update
        return result


Sublayer = Attention | TokenWise
Step = Units | Sublayer


@dataclass(frozen=True)
class Chain:
    """A network as its steps; the embedding has the map of each live token, None for the identity."""

    embedding: Mapping[int, Affine | None]
    steps: tuple[Step, ...]
    token: int
    output: Affine

    def states(self, x: V, algebra: Algebra[V]) -> Iterator[Mapping[int, V]]:
        """The states of the live tokens: after the embedding, then after each step."""
        states = {t: x if embed is None else algebra.affine(embed, x) for t, embed in self.embedding.items()}
        yield states
        for step in self.steps:
            states = step.after(states, algebra)
            yield states


def chain_of(network: Network) -> Chain:
    """The steps of a network."""
    network = layered(network)
    if isinstance(network, Transformer):
        live, steps = sublayers(network)
        return Chain({t: network.embedding[t] for t in live}, steps, network.token, network.readout)
    layers: Sequence[MaxoutLayer | Affine] = network.layers
    return Chain({0: None}, tuple(Units(number, layer) for number, layer in enumerate(layers)), 0, network.output)


def sublayers(network: Transformer) -> tuple[tuple[int, ...], tuple[Sublayer, ...]]:
    """The tokens that are live after the embedding, and the sublayers that are present."""
    live: tuple[int, ...] = (network.token,)
    steps: list[Sublayer] = []
    for number, block in reversed([*enumerate(network.blocks)]):
        if block.feedforward is not None:
            steps.append(TokenWise(number, block.feedforward, network.residual, live))
        if block.heads is not None:
            seen = {q: range(q + 1 if network.mask == "causal" else network.tokens) for q in live}
            steps.append(Attention(number, block.heads, network.width, network.residual, seen))
            live = tuple(seen[live[-1]]) if block.heads else live
    return live, tuple(reversed(steps))


def walk(network: Network, x: V, algebra: Algebra[V]) -> V:
    """The outputs of a network at x."""
    chain = chain_of(network)
    for states in chain.states(x, algebra):
        last = states
    return algebra.affine(chain.output, last[chain.token])


def _zero(state: V, width: int, algebra: Algebra[V]) -> V:
    return algebra.linear(Matrix((width, width)), state)
