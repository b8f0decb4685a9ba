"""Transformers by hand: named coordinates, heads and gates written as expressions, an ordinary `Transformer` as result.

The residual stream R^d is a direct sum of named subspaces, a `Space`. A named coordinate is a linear functional when
it is read (query, key, value, argument of a ReLU, read-out) and a unit vector when it is written to (`to`).

The absolute value on all of R: token 0 holds x, token 1 holds -x, and every token reads the largest (theory L1).

>>> inputs, state = Space("x"), Space("one", "z", "out")
>>> x, one, z, out = *inputs.parts, *state.parts
>>> design = Design(
...     inputs=inputs,
...     space=state,
...     tokens=[token(one=1, z=x), token(one=1, z=-x)],
...     blocks=[block(head(query=one, key=z, value=z, to=out))],
...     readout=out,
... )
>>> design.build(name="|x|").evaluate(["-1/3"])
(Fraction(1, 3),)

An expression that cannot be formed is refused where it is written; `Design.build` lists every other fault at once.
"""

from exactformer.building.design import Design
from exactformer.building.expressions import Expression, Space, linear, one_hot, relu, total
from exactformer.building.parts import (
    block,
    constant_query_head,
    erase,
    head,
    max_head,
    self_head,
    token,
    token_head,
    uniform_head,
    write,
)

__all__ = [
    "Design",
    "Expression",
    "Space",
    "block",
    "constant_query_head",
    "erase",
    "head",
    "linear",
    "max_head",
    "one_hot",
    "relu",
    "self_head",
    "token",
    "token_head",
    "total",
    "uniform_head",
    "write",
]
