"""Makes left.json, a table interpolated by a ReLU network, and right.json, the same by ONE hard head (theory H)."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import exactformer as ef
from exactformer.building import Design, Space, block, constant_query_head, token

TABLE = [(0, 1), (1, 3), (2, 2), (3, 2), (5, -1), (6, 4), (7, 3), (9, 5), (10, 0)]  # (x, f(x))
SLOPES = [Fraction(y1 - y0, x1 - x0) for (x0, y0), (x1, y1) in pairwise(TABLE)]
DOMAIN = ef.Box([None], [None])  # outside the table the outer pieces go on


def source() -> ef.ReluNetwork:
    """f(x) = f(x_0) + s_0 (x - x_0) + sum over the kinks x_j of (s_j - s_(j-1)) relu(x - x_j) (theory M4)."""
    kinks = [x for x, _ in TABLE[1:-1]]
    (x0, y0), turns = TABLE[0], [after - before for before, after in pairwise(SLOPES)]
    layer = ([[1], [-1], *([1] for _ in kinks)], [-x0, x0, *(-x for x in kinks)])
    output = ([[SLOPES[0], -SLOPES[0], *turns]], [y0])
    return ef.ReluNetwork.of([layer], output, domain=DOMAIN, name="table of 8 pieces")


def transformer() -> ef.Transformer:
    """Token j holds piece j as its value and, as its key, piece j of a convex function with the same kinks.

    The keys have the slopes 0, 1, 2, ... and agree at the kinks, so key j is the largest exactly where piece j lives.
    """
    inputs, state = Space("x"), Space("one", "key", "piece", "out")
    (x,), (one, key, piece, out) = inputs.parts, state.parts
    tokens = []
    lift = 0 * x
    for j, ((xj, yj), slope) in enumerate(zip(TABLE, SLOPES, strict=False)):
        lift = lift + (x - xj if j else 0)
        tokens.append(token(one=1, key=lift, piece=yj + slope * (x - xj)))
    design = Design(
        inputs=inputs,
        space=state,
        tokens=tokens,
        blocks=[block(constant_query_head(one=one, key=key, value=piece, to=out))],
        readout=out,
    )
    return design.build(name="table of 8 pieces, one head", domain=DOMAIN)


if __name__ == "__main__":
    ef.save(source(), Path(__file__).with_name("left.json"))
    ef.save(transformer(), Path(__file__).with_name("right.json"))
