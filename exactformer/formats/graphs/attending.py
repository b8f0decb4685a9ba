"""Operators where attention is among their inputs: scores, their masks, what makes weights of them, what is mixed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from exactformer.formats.graphs.call import Call
from exactformer.formats.graphs.graph import Array, Refusal
from exactformer.formats.graphs.linear import product
from exactformer.formats.graphs.operators import INT, REDUCTION, TEXT, Attribute, Operator
from exactformer.formats.graphs.rounding import over_root, rational_root
from exactformer.formats.graphs.scores import (
    Best,
    Chosen,
    Count,
    Scores,
    Value,
    Weights,
    masked,
    of_affine,
    times,
)
from exactformer.formats.graphs.scores import (
    product as scores_of,
)
from exactformer.formats.graphs.sublayers import Inside
from exactformer.formats.graphs.tensor import Tensor, dimensions
from exactformer.rational import rational

Given = Sequence["Value | Array | None"]  # constants stay arrays: a mask has infinities


def _scores(value: Any) -> Scores:
    """Scores, also where they are an affine tensor."""
    if isinstance(value, Scores):
        return value
    if isinstance(value, Tensor):
        return of_affine(value)
    raise Refusal("scores of attention", "other values")


def _last(axis: int, scores: Scores) -> None:
    if axis not in (-1, len(scores.shape) - 1):
        raise Refusal("the last axis, that of the tokens", f"axis {axis}")


def softmax(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """The weights of softmax."""
    scores = _scores(given[0])
    _last(attributes["axis"], scores)
    return Weights(scores, "softmax")


def hardmax(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """All weight to the first token of the largest score."""
    scores = _scores(given[0])
    _last(attributes["axis"], scores)
    return Weights(scores, "leftmost")


def largest(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """The largest score of each query."""
    try:
        scores = _scores(given[0])
    except Refusal:
        hint = "; softmax has no maximum over tokens, and one over coordinates is the maximum of two at a time"
        raise Refusal("the largest score of each query", "another maximum over an axis", hint) from None
    axes = attributes["axes"]
    if axes is None and len(given) > 1 and isinstance(given[1], Array):
        axes = given[1].values.reshape(-1).tolist()
    if axes is None or len(axes) != 1 or attributes["keepdims"] != 1:
        raise Refusal("the largest score over the last axis, which is kept", f"axes {axes}")
    _last(axes[0], scores)
    return Best(scores, "average")


def place_of_largest(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """The first or last token of the largest score."""
    scores = _scores(given[0])
    _last(attributes["axis"], scores)
    if attributes["keepdims"] != 1 or attributes["select_last_index"] not in (0, 1):
        raise Refusal("an axis that is kept", f"keepdims = {attributes['keepdims']}")
    return Best(scores, "rightmost" if attributes["select_last_index"] else "leftmost")


def equal(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """The tokens of the largest score: by the scores, or by their numbers."""
    best = next((each for each in given if isinstance(each, Best)), None)
    other = next((each for each in given if not isinstance(each, Best)), None)
    if best is None:
        raise Refusal("scores and the largest of them", "other values")
    if best.how == "average":
        if isinstance(other, Tensor):
            other = of_affine(other)
        if not isinstance(other, Scores) or not _alike(other, best.scores):
            raise Refusal("the scores whose largest it is", "others")
    elif not isinstance(other, Array) or other.values.tolist() != [*range(best.scores.shape[-1])]:
        raise Refusal("the numbers of the tokens, from 0 on", "others")
    return Chosen(best.scores, best.how)


def _alike(left: Scores, right: Scores) -> bool:
    names = ("start", "variable", "factor", "offset")
    pairs = ((left.query, right.query), (left.key, right.key))
    if left is right:
        return True
    same = all(np.array_equal(getattr(a, name), getattr(b, name)) for a, b in pairs for name in names)
    return same and left.shape == right.shape and left.causal == right.causal


def cast(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """The same in other numbers."""
    value = given[0]
    if isinstance(value, (Chosen, Weights, Scores)):
        return value
    raise Refusal("weights or scores", "other values of attention")


def passed(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """The value."""
    value = given[0]
    assert value is not None and not isinstance(value, Array)
    return value


def summed(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """How many tokens were chosen."""
    chosen = given[0]
    axes = attributes["axes"]
    if axes is None and len(given) > 1 and isinstance(given[1], Array):
        axes = given[1].values.reshape(-1).tolist()
    if not isinstance(chosen, Chosen) or axes is None or len(axes) != 1 or attributes["keepdims"] != 1:
        raise Refusal("the number of tokens that were chosen", "another sum of values of attention")
    _last(axes[0], chosen.scores)
    return Count(chosen)


def divided(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """Scores by a constant, or those that were chosen by their number."""
    value, divisor = given[0], given[1]
    if isinstance(value, Scores) and isinstance(divisor, Array):
        number = _number(divisor)
        if not number:
            raise Refusal("a divisor that is not zero", "0")
        return times(value, 1 / number)
    if isinstance(value, Chosen) and isinstance(divisor, Count) and divisor.chosen.scores is value.scores:
        return Weights(value.scores, value.how)
    raise Refusal("scores by a constant, or chosen tokens by their number", "another quotient")


def multiplied(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """Scores times a constant."""
    scores = next((each for each in given if isinstance(each, Scores)), None)
    other = next((each for each in given if isinstance(each, Array)), None)
    if scores is None or other is None:
        raise Refusal("scores times a constant", "another product")
    return times(scores, _number(other))


def _number(array: Array) -> Fraction:
    values = array.values.reshape(-1)
    if len(values) != 1 or not np.isfinite(values[0]):
        raise Refusal("one finite number", f"shape {dimensions(array.values.shape)}")
    return rational(values[0].item())


def added(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """Scores and a mask of 0 and -inf."""
    scores = next((each for each in given if isinstance(each, (Scores, Tensor))), None)
    mask = next((each for each in given if isinstance(each, Array)), None)
    if scores is None or mask is None:
        raise Refusal("scores and a constant mask", "another sum")
    return masked(_scores(scores), mask.values, 0, -math.inf)


def selected(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """Scores where a condition says so, -inf elsewhere."""
    condition, first, second = given
    if not isinstance(condition, Array):
        raise Refusal("a constant condition", "one that depends on the input")
    seen = isinstance(first, (Scores, Tensor))
    scores, filling = (first, second) if seen else (second, first)
    if not isinstance(filling, Array) or not (filling.values == -math.inf).all():
        raise Refusal("scores, or -inf", "another choice")
    return masked(_scores(scores), condition.values.astype(bool), seen, not seen)


def mixed(given: Given, attributes: Mapping[str, Any], inside: Inside) -> Value:
    """Queries times keys that are turned, or weights times values."""
    left, right = given[0], given[1]
    weights = Weights(left.scores, left.how) if isinstance(left, Chosen) and left.how != "average" else left
    if isinstance(weights, Weights) and isinstance(right, Tensor):
        return inside.attended(weights, right)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return product(left, right) if left.fixed or right.fixed else scores_of(left, right)
    raise Refusal("weights times values", "another product of values of attention")


def attention(given: Given, attributes: Mapping[str, Any], inside: Inside) -> tuple[Value, list[str]]:
    """The operator Attention of opset 23: softmax(scale Q K' + mask) V, head by head."""
    query, key, value = given[:3]
    mask = given[3] if len(given) > 3 else None
    if any(each is not None for each in given[4:]):
        raise Refusal("no keys and values of the past", "some")
    for name, wanted in (("softcap", 0.0), ("qk_matmul_output_mode", 0), ("softmax_precision", None)):
        if attributes[name] != wanted:
            raise Refusal(f"{name} = {wanted}", f"{name} = {attributes[name]}")
    counts = attributes["q_num_heads"], attributes["kv_num_heads"], attributes["kv_num_heads"]
    parts = []
    for each, count in zip((query, key, value), counts, strict=True):
        if not isinstance(each, Tensor) or len(each.shape) not in (3, 4):
            raise Refusal("queries, keys and values with three or four axes", "other values")
        parts.append(_heads(each, count))
    many, few = parts[0].shape[1], parts[1].shape[1]
    if parts[2].shape[1] != few or many % few:
        raise Refusal("as many heads of values as of keys, a divisor of those of queries", f"{many} and {few}")
    repeated = [parts[0], *(p.take(np.repeat(p.indices, many // few, axis=1)) for p in parts[1:])]
    key_turned = repeated[1].take(np.swapaxes(repeated[1].indices, -1, -2))
    scores = scores_of(repeated[0], key_turned)
    depth, notes = Fraction(repeated[0].shape[-1]), []
    if attributes["scale"] is None:
        if not rational_root(depth):
            notes.append(f"the scale 1 / sqrt({depth}) is irrational: taken as the nearest {parts[0].type} number")
        scores = times(scores, over_root(Fraction(1), depth, parts[0].type))
    else:
        scores = times(scores, rational(attributes["scale"]))
    if attributes["is_causal"]:
        queries, tokens = scores.shape[-2:]
        scores = masked(scores, np.tri(queries, tokens, dtype=bool), True, False)
    if isinstance(mask, Array):
        both = (True, False) if mask.type == "bool" else (0, -math.inf)
        scores = masked(scores, mask.values.astype(bool) if mask.type == "bool" else mask.values, *both)
    elif mask is not None:
        raise Refusal("a constant mask", "one that depends on the input")
    result = inside.attended(Weights(scores, "softmax"), repeated[2])
    if isinstance(query, Tensor) and len(query.shape) == 3:
        result = result.take(np.swapaxes(result.indices, 1, 2))
        result = result.shaped((*result.shape[:2], result.shape[2] * result.shape[3]))
    return result, notes


def _heads(tensor: Tensor, count: int | None) -> Tensor:
    """Batch x heads x tokens x depth."""
    if len(tensor.shape) == 4:
        return tensor
    if not count or count < 1 or tensor.shape[2] % count:
        raise Refusal("a number of heads that divides the last axis", f"{count} and {tensor.shape[2]}")
    split = tensor.shaped((*tensor.shape[:2], count, tensor.shape[2] // count))
    return split.take(np.swapaxes(split.indices, 1, 2))


def _unused(call: Call) -> list[Tensor]:
    raise Refusal("attention among the inputs", "other values")


# What the graph may have more than one without attention; run by `RULES`.
OPERATORS: dict[str, Operator] = {
    "Softmax": Operator(_unused, (1, 1), {"axis": INT(required=True)}),
    "Hardmax": Operator(_unused, (1, 1), {"axis": INT(required=True)}),
    "ReduceMax": Operator(_unused, (1, 2), REDUCTION),
    "ArgMax": Operator(_unused, (1, 1), {"axis": INT(0), "keepdims": INT(1), "select_last_index": INT(0)}),
    "Attention": Operator(
        _unused,
        (3, 6),
        {
            "is_causal": INT(0),
            "q_num_heads": INT(),
            "kv_num_heads": INT(),
            "qk_matmul_output_mode": INT(0),
            "scale": Attribute("float"),
            "softcap": Attribute("float", 0.0),
            "softmax_precision": TEXT(),
        },
    ),
}
ALWAYS = ("Softmax", "Hardmax", "ReduceMax", "ArgMax", "Attention")
RULES: dict[str, Callable[[Given, Mapping[str, Any], Inside], Value]] = {
    "Softmax": softmax,
    "Hardmax": hardmax,
    "ReduceMax": largest,
    "ArgMax": place_of_largest,
    "Equal": equal,
    "Where": selected,
    "Cast": cast,
    "Identity": passed,
    "Dropout": passed,
    "ReduceSum": summed,
    "Div": divided,
    "Mul": multiplied,
    "Add": added,
    "MatMul": mixed,
}
