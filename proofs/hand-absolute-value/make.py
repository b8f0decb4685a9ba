"""Makes left.json, |x| as one maxout unit, and right.json, a Transformer designed by hand, both on all of R."""

from pathlib import Path

import exactformer as ef
from exactformer.building import Design, Space, block, max_head, token


def source() -> ef.MaxoutNetwork:
    """max(x, -x)."""
    unit = ([[[1], [-1]]], [[0, 0]])
    return ef.MaxoutNetwork.of([unit], ([[1]], [0]), domain=ef.Box([None], [None]), name="|x|")


def transformer() -> ef.Transformer:
    """Token 0 holds x, token 1 holds -x, and one head reads the larger of the two."""
    inputs, state = Space("x"), Space("one", "z", "out")
    (x,), (one, z, out) = inputs.parts, state.parts
    design = Design(
        inputs=inputs,
        space=state,
        tokens=[token(one=1, z=x), token(one=1, z=-x)],
        blocks=[block(max_head(z, one=one, to=out))],
        readout=out,
    )
    return design.build(name="|x| by hand", domain=ef.Box([None], [None]))


if __name__ == "__main__":
    ef.save(source(), Path(__file__).with_name("left.json"))
    ef.save(transformer(), Path(__file__).with_name("right.json"))
