"""Values of attention that are no tensors: scores, which are quadratic in the state, and the weights made from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from exactformer.formats.graphs.graph import Refusal, Shape
from exactformer.formats.graphs.tensor import Tensor, constant, dimensions, scaled

How = Literal["softmax", "average", "leftmost", "rightmost"]


@dataclass(frozen=True, eq=False)
class Scores:
    """The products of queries (heads x queries x depth) and keys (heads x tokens x depth), in their own shape."""

    query: Tensor
    key: Tensor
    shape: Shape  # ends in queries, tokens
    causal: bool = False


@dataclass(frozen=True, eq=False)
class Best:
    """The largest score of each query, or the place of the first or last token that has it."""

    scores: Scores
    how: How


@dataclass(frozen=True, eq=False)
class Chosen:
    """1 for the tokens that have the largest score, 0 for all others."""

    scores: Scores
    how: How


@dataclass(frozen=True, eq=False)
class Count:
    """How many tokens were chosen."""

    chosen: Chosen


@dataclass(frozen=True, eq=False)
class Weights:
    """What each token has of the weight of each query."""

    scores: Scores
    how: How


Attention = Scores | Best | Chosen | Count | Weights
Value = Tensor | Attention


def product(left: Tensor, right: Tensor) -> Scores:
    """The scores left @ right, both of which depend on the state; right holds the keys, turned."""
    if len(left.shape) < 2 or len(right.shape) < 2:
        raise Refusal("queries and keys as matrices", f"{dimensions(left.shape)} and {dimensions(right.shape)}")
    try:
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    except ValueError:
        raise Refusal("shapes that fit together", f"{dimensions(left.shape)} and {dimensions(right.shape)}") from None
    if left.shape[-1] != right.shape[-2]:
        raise Refusal("matrices that can be multiplied", f"{dimensions(left.shape)} and {dimensions(right.shape)}")
    key = right.take(np.swapaxes(right.indices, -1, -2))
    return Scores(by_head(left, batch), by_head(key, batch), (*batch, left.shape[-2], right.shape[-1]))


def by_head(tensor: Tensor, batch: Shape) -> Tensor:
    """A tensor (... x rows x columns), repeated for all of a batch, as heads x rows x columns."""
    shape = tensor.shape[-2:]
    whole = np.broadcast_to(tensor.indices, (*batch, *shape))
    return tensor.take(whole.reshape(-1, *shape))


def of_affine(tensor: Tensor) -> Scores:
    """Scores that are affine, as those of constant queries are: each query is 1, its keys are the scores."""
    if len(tensor.shape) < 2:
        raise Refusal("scores of queries and tokens", f"shape {dimensions(tensor.shape)}")
    batch, queries = tensor.shape[:-2], tensor.shape[-2]
    each = by_head(tensor, batch)
    first = each.take(each.indices[:, 0, :, None])
    for number in range(1, queries):
        other = each.take(each.indices[:, number, :, None])
        if not _same(first, other):
            raise Refusal("scores q k of queries and keys, or the same for all queries", f"others for query {number}")
    offset = np.full(first.shape[0] * queries, 1, object)
    return Scores(constant(offset, 1, (first.shape[0], queries, 1), tensor.type), first, tensor.shape)


def _same(left: Tensor, right: Tensor) -> bool:
    names = ("start", "variable", "factor", "offset")
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in names)


def times(scores: Scores, number: Fraction) -> Scores:
    """The scores times a number, which the queries take."""
    return replace(scores, query=scaled(scores.query, number))


def masked(scores: Scores, mask: np.ndarray[Any, Any], seen: Any, hidden: Any) -> Scores:
    """The scores where a mask says `seen`, nothing where it says `hidden`: everywhere, or above the diagonal."""
    queries, tokens = scores.shape[-2:]
    try:
        found = np.broadcast_to(mask, np.broadcast_shapes(mask.shape, (queries, tokens))).reshape(-1, queries, tokens)
    except ValueError:
        raise Refusal("a mask of queries and tokens", f"shape {dimensions(mask.shape)}") from None
    if (found == seen).all():
        return scores
    below = np.tri(queries, tokens, dtype=bool)
    if queries == tokens and (found == np.where(below, seen, hidden)).all():
        return replace(scores, causal=True)
    raise Refusal("no mask, or that of causal attention (-inf above the diagonal, 0 elsewhere)", "another mask")
