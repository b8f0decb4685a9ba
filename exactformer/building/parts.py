"""The parts of a design: tokens, heads, writes and blocks, as plain frozen data that `Design.build` checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exactformer.building.expressions import Expression, Number, linear, relu, total
from exactformer.errors import InvalidInput, shown

Vectorial = Expression | Number | Sequence[Expression | Number]  # a sequence is stacked: its components follow in order


@dataclass(frozen=True)
class Token:
    """What one token holds at first: affine expressions in the inputs, by the name of the subspace."""

    coordinates: tuple[tuple[str, Vectorial], ...]


@dataclass(frozen=True)
class HeadPart:
    """One attention head; the components of `value` go to the directions in `to`."""

    query: Vectorial
    key: Vectorial
    value: Vectorial
    to: Vectorial


@dataclass(frozen=True)
class Write:
    """Gates of the feed-forward sublayer: the components of `amount` go to the directions in `to`."""

    amount: Vectorial
    to: Vectorial


@dataclass(frozen=True)
class BlockPart:
    """The parts of one block in the order given."""

    parts: tuple[HeadPart | Write, ...]


def token(**coordinates: Vectorial) -> Token:
    """A token that holds the given affine expressions in the inputs, and 0 in every other coordinate.

    `token(position=one_hot(0, 3), z=2 * x - 1)`: a number is a constant, a sequence gives component by component.
    """
    return Token(tuple((name, _frozen(value)) for name, value in coordinates.items()))


def block(*parts: HeadPart | Write) -> BlockPart:
    """One block: its heads form the attention sublayer, then its writes the feed-forward sublayer.

    All heads read the state before the block; all writes read the state after the heads have acted.
    """
    return BlockPart(parts)


def head(*, query: Vectorial, key: Vectorial, value: Vectorial, to: Vectorial) -> HeadPart:
    """The head that reads, at token q, the value of the token t with the largest score key(t) . query(q).

    With v its value and u_1, u_2, ... the directions `to`, it adds v_1 u_1 + v_2 u_2 + ... to token q. All four are
    linear: a head has no biases, so a constant must be held by a coordinate. A direction is a combination of
    coordinates taken as unit vectors: `to=out - z` adds the value to out and subtracts it from z.
    """
    return HeadPart(_frozen(query), _frozen(key), _frozen(value), _frozen(to))


def constant_query_head(*, one: Expression, key: Vectorial, value: Vectorial, to: Vectorial) -> HeadPart:
    """Every token reads the value where the key is largest; `one` is the same positive number in every token.

    With one-hot positions, `one=total(position)` is 1 in every token (theory L1).
    """
    return head(query=one, key=key, value=value, to=to)


def max_head(value: Vectorial, *, one: Expression, to: Vectorial) -> HeadPart:
    """Every token receives max over the tokens of `value`: key = value, tie-proof under every rule (theory L1)."""
    return constant_query_head(one=one, key=value, value=value, to=to)


def self_head(*, position: Expression, value: Vectorial, to: Vectorial) -> HeadPart:
    """Every token reads its own value: with one-hot positions the score of t at q is 1 for t = q and 0 otherwise."""
    return head(query=position, key=position, value=value, to=to)


def token_head(index: int, *, position: Expression, value: Vectorial, to: Vectorial) -> HeadPart:
    """Every token reads the value of token `index`; `position` is one-hot in every token.

    Under a causal mask the tokens before it see no token with a positive score, and read the mean of what they see.
    Raises `InvalidInput` when there is no such position.
    """
    if not isinstance(position, Expression):
        raise InvalidInput(f"token_head: expected the one-hot position, found {shown(position)}")
    if type(index) is not int or not 0 <= index < len(position):
        raise InvalidInput(f"token_head: expected a token from 0 to {len(position) - 1}, found {index!r}")
    return head(query=total(position), key=position[index], value=value, to=to)


def uniform_head(*, value: Vectorial, to: Vectorial) -> HeadPart:
    """Every token reads the mean of all values that it sees, exactly at every temperature.

    All scores are 0, so this is the mean under the tie rule "average"; the other rules read the first or last token.
    """
    return head(query=0, key=0, value=value, to=to)


def write(amount: Vectorial, *, to: Vectorial) -> Write:
    """Gates: at each token, sums of `relu(...)` and constants, added in the directions `to`.

    `write(2 * relu(x) - 4 * relu(x - "1/2") + 1, to=y)`. Equal ReLUs within a block are one hidden unit. What is
    linear passes through `linear(x)`, which is relu(x) - relu(-x).
    """
    return Write(_frozen(amount), _frozen(to))


def erase(coordinates: Expression, *, lower: Number | None = None) -> Write:
    """Subtracts coordinates from themselves, which leaves 0 in a residual design (theory L3).

    On all of R by two hidden units a coordinate, -v = relu(-v) - relu(v). Where v >= `lower` is known, by one:
    -v = -relu(v - lower) - lower. Raises `InvalidInput` for anything else than plain coordinates.
    """
    if not isinstance(coordinates, Expression):
        raise InvalidInput(f"erase: expected plain coordinates, found {shown(coordinates)}")
    for row in coordinates.rows:
        if row.gates or row.constant or [c for _, c in row.linear] != [1]:
            raise InvalidInput(f"erase: expected plain coordinates, found {coordinates}")
    held = linear(coordinates) if lower is None else relu(coordinates - lower) + lower
    return write(-held, to=coordinates)


def _frozen(value: Vectorial) -> Vectorial:
    return tuple(value) if isinstance(value, list) else value
