"""Transformers with exact entries, evaluated in the hard limit of attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from exactformer.arguments import instance, one_of
from exactformer.domain import Domain, exact_point
from exactformer.errors import Faults
from exactformer.networks.affine import Affine, read_affine
from exactformer.networks.exact import attended, rectified
from exactformer.networks.feedforward import check_label, frozen
from exactformer.networks.semantics import TIES, Semantics, Tie
from exactformer.networks.shown import Shown
from exactformer.rational import Matrix, Vector, read_matrix


@dataclass(frozen=True)
class Head:
    """One attention head; with d the model width, query and key are d_k x d, value d_v x d, output d x d_v."""

    query: Matrix
    key: Matrix
    value: Matrix
    output: Matrix

    def __post_init__(self) -> None:
        faults = Faults()
        for name in ("query", "key", "value", "output"):
            instance(getattr(self, name), Matrix, "a Matrix (Head.of takes plain lists)", f"head.{name}", faults)
        faults.settle()

    @staticmethod
    def of(query: Any, key: Any, value: Any, output: Any) -> Head:
        """The head with the given matrices. Raises `InvalidInput` when an entry or a shape is wrong."""
        faults = Faults()
        result = read_head(query, key, value, output, "head", None, faults)
        faults.settle()
        return result

    @property
    def nonzeros(self) -> int:
        """Non-zero entries of the four matrices."""
        return sum(m.nonzeros for m in (self.query, self.key, self.value, self.output))


@dataclass(frozen=True)
class FeedForward:
    """The token-wise map x -> w2 relu(w1 x + b1) + b2."""

    inner: Affine
    outer: Affine

    def __post_init__(self) -> None:
        faults = Faults()
        for name in ("inner", "outer"):
            instance(getattr(self, name), Affine, "an Affine map", f"feedforward.{name}", faults)
        faults.settle()

    @property
    def hidden(self) -> int:
        """The number of hidden neurons."""
        return self.inner.outputs

    def __call__(self, x: Vector) -> Vector:
        """The exact value at x."""
        return self.outer(rectified(self.inner(x)))


@dataclass(frozen=True)
class Block:
    """An attention sublayer, then a feed-forward sublayer; None for a part that is absent (the state passes)."""

    heads: tuple[Head, ...] | None
    feedforward: FeedForward | None

    def __post_init__(self) -> None:
        faults = Faults()
        if self.heads is not None:
            frozen(self, "heads", Head, "a Head", faults)
        instance(self.feedforward, (FeedForward, type(None)), "a FeedForward or None", "feedforward", faults)
        faults.settle()


@dataclass(frozen=True, repr=False)
class Transformer(Shown):
    """A Transformer on a fixed number of tokens, each embedded by its own affine map of the input (theory D4).

    A sublayer adds its result to the state when `residual` is set, and replaces the state otherwise.
    With mask "causal", token q attends to the tokens 0, ..., q only.
    """

    embedding: tuple[Affine, ...]
    blocks: tuple[Block, ...]
    token: int
    readout: Affine
    residual: bool = True
    mask: Literal["causal"] | None = None
    domain: Domain | None = None
    name: str = ""
    coordinates: tuple[str, ...] = field(default=(), compare=False)  # names for people, of each one, or none
    notes: tuple[str, ...] = field(default=(), compare=False)  # what its reader assumed, in a sentence each

    kind = "transformer"

    def __post_init__(self) -> None:
        faults = Faults()
        frozen(self, "embedding", Affine, "an Affine map", faults)
        frozen(self, "blocks", Block, "a Block", faults)
        instance(self.readout, Affine, "an Affine map", "readout", faults)
        check_label(self.domain, self.name, faults)
        faults.settle()
        self._check(faults)
        faults.settle()

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.embedding[0].inputs

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.readout.outputs

    @property
    def tokens(self) -> int:
        """The number of tokens."""
        return len(self.embedding)

    @property
    def width(self) -> int:
        """The model width d: the number of coordinates of a token's state."""
        return self.embedding[0].outputs

    @property
    def tempered(self) -> tuple[int, ...]:
        """The blocks that softmax may be read into: those with an attention sublayer."""
        return tuple(number for number, block in enumerate(self.blocks) if block.heads is not None)

    @property
    def size(self) -> str:
        """Tokens, width and blocks."""
        return f"{self.tokens} tokens, width {self.width}, {len(self.blocks)} blocks"

    def evaluate(self, point: Any, *, tie: Tie = "average") -> tuple[Fraction, ...]:
        """The exact value at a point, attention in the hard limit, under a tie rule.

        "average" spreads the weight over all tokens of the largest score (the limit of softmax); "leftmost" and
        "rightmost" give it to the first or last of them. Raises `InvalidInput` when the point does not fit.
        """
        check_tie(tie)
        x, semantics = exact_point(point, self.inputs), Semantics(tie)
        last = max((b for b, block in enumerate(self.blocks) if block.heads), default=-1)
        states = {t: embed(x) for t, embed in enumerate(self.embedding) if last >= 0 or t == self.token}
        for number, block in enumerate(self.blocks):
            for after in self._through(block, states, list(states) if number < last else [self.token], semantics):
                states = after
        return self.readout(states[self.token]).fractions()

    def states(self, point: Any, *, tie: Tie = "average") -> list[list[Vector]]:
        """The exact token states: after the embedding, then after every sublayer that is present."""
        check_tie(tie)
        x, semantics = exact_point(point, self.inputs), Semantics(tie)
        found = [{t: embed(x) for t, embed in enumerate(self.embedding)}]
        for block in self.blocks:
            found += self._through(block, found[-1], range(self.tokens), semantics)
        return [list(states.values()) for states in found]

    def _through(
        self, block: Block, states: Mapping[int, Vector], kept: Sequence[int], semantics: Semantics
    ) -> list[dict[int, Vector]]:
        """The states of the tokens that are kept after each sublayer of the block, from those of all tokens before."""
        found = list[dict[int, Vector]]()
        own = {t: states[t] for t in kept}
        if block.heads is not None:
            own = self._next(own, self._attention(block.heads, states, kept, semantics))
            found.append(own)
        if block.feedforward is not None:
            own = self._next(own, [block.feedforward(state) for state in own.values()])
            found.append(own)
        return found

    def _next(self, states: Mapping[int, Vector], updates: Sequence[Vector]) -> dict[int, Vector]:
        pairs = zip(states.items(), updates, strict=True)
        return {t: x + u if self.residual else u for (t, x), u in pairs}

    def _attention(
        self, heads: Sequence[Head], states: Mapping[int, Vector], asking: Sequence[int], semantics: Semantics
    ) -> list[Vector]:
        updates: list[dict[int, Fraction]] = [{} for _ in asking]  # sparse: a head adds to few coordinates
        for head in heads:
            keys, values = [head.key @ x for x in states.values()], [head.value @ x for x in states.values()]
            for q, update in zip(asking, updates, strict=True):
                seen = slice(q + 1 if self.mask == "causal" else self.tokens)
                mixed = attended(head.query @ states[q], keys[seen], values[seen], semantics)
                den = head.output.denominator * mixed.denominator
                for i, row in head.output.filled:
                    part = Fraction(sum([n * mixed.numerators[j] for j, n in row]), den)
                    update[i] = update[i] + part if i in update else part
        return [Vector.of([update.get(i, Fraction(0)) for i in range(self.width)]) for update in updates]

    def _check(self, faults: Faults) -> None:
        if not self.embedding:
            faults.add("embedding", "at least one token", "none")
            return
        n, d = self.inputs, self.width

        def shape(matrix: Matrix, place: str, expected: tuple[int, int]) -> None:
            if matrix.shape != expected:
                faults.add(place, f"a {expected[0]} x {expected[1]} matrix", f"{matrix.shape[0]} x {matrix.shape[1]}")

        def affine(part: Affine, place: str, expected: tuple[int, int]) -> None:
            shape(part.weights, place, expected)
            if len(part.biases) != expected[0]:
                faults.add(place, f"{expected[0]} biases", f"{len(part.biases)}")

        for t, embed in enumerate(self.embedding):
            affine(embed, f"embedding[{t}]", (d, n))
        for b, block in enumerate(self.blocks):
            for h, head in enumerate(block.heads or ()):
                place = f"blocks[{b}].heads[{h}]"
                d_k, d_v = head.key.shape[0], head.value.shape[0]
                shape(head.query, f"{place}.query", (d_k, d))
                shape(head.key, f"{place}.key", (d_k, d))
                shape(head.value, f"{place}.value", (d_v, d))
                shape(head.output, f"{place}.output", (d, d_v))
            if block.feedforward is not None:
                f = block.feedforward.hidden
                affine(block.feedforward.inner, f"blocks[{b}].feedforward.w1", (f, d))
                affine(block.feedforward.outer, f"blocks[{b}].feedforward.w2", (d, f))
        affine(self.readout, "readout", (self.outputs, d))
        check_options(self.residual, self.mask, self.token, self.tokens, faults)
        if self.domain is not None and self.domain.dimension != n:
            faults.add("domain", f"{n} inputs", f"{self.domain.dimension}")


def check_tie(tie: Any) -> None:
    """Raises `InvalidInput` for anything but a tie rule."""
    faults = Faults()
    one_of(tie, TIES, "tie", faults)
    faults.settle()


def check_options(residual: Any, mask: Any, token: Any, tokens: int, faults: Faults) -> None:
    """Notes the faults of the parts of a Transformer that are no numbers."""
    if type(residual) is not bool:
        faults.add("residual", "true or false", residual)
    if mask not in (None, "causal"):
        faults.add("mask", 'null or "causal"', mask)
    if type(token) is not int or not 0 <= token < tokens:
        faults.add("readout.token", f"a token from 0 to {tokens - 1}", token)


def read_head(query: Any, key: Any, value: Any, output: Any, place: str, d: int | None, faults: Faults) -> Head:
    """The head with the given matrices; faults are noted."""
    keys = read_matrix(key, f"{place}.key", (None, d), faults)
    values = read_matrix(value, f"{place}.value", (None, d), faults)
    return Head(
        query=read_matrix(query, f"{place}.query", (keys.shape[0], d), faults),
        key=keys,
        value=values,
        output=read_matrix(output, f"{place}.output", (d, values.shape[0]), faults),
    )


def read_feedforward(value: Any, place: str, d: int, faults: Faults) -> FeedForward:
    """The feed-forward sublayer in an object with w1, b1, w2 and b2; faults are noted."""
    inner = read_affine(value["w1"], value["b1"], (f"{place}.w1", f"{place}.b1"), (None, d), faults)
    places = f"{place}.w2", f"{place}.b2"
    return FeedForward(inner, read_affine(value["w2"], value["b2"], places, (d, inner.outputs), faults))
