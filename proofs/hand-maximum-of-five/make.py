"""Makes left.json, the maximum of five numbers as one maxout unit, and right.json, one head on five tokens."""

from pathlib import Path

import exactformer as ef
from exactformer.building import Design, Space, block, max_head, one_hot, token

K = 5
DOMAIN = ef.Box([None] * K, [None] * K)


def source() -> ef.MaxoutNetwork:
    """max(x_0, ..., x_4), one unit of rank 5."""
    unit = ([[one_hot(i, K) for i in range(K)]], [[0] * K])
    return ef.MaxoutNetwork.of([unit], ([[1]], [0]), domain=DOMAIN, name="max of 5")


def transformer() -> ef.Transformer:
    """Token i holds x_i, and one head reads the largest."""
    inputs, state = Space(x=K), Space("one", "z", "out")
    (x,), (one, z, out) = inputs.parts, state.parts
    design = Design(
        inputs=inputs,
        space=state,
        tokens=[token(one=1, z=number) for number in x],
        blocks=[block(max_head(z, one=one, to=out))],
        readout=out,
    )
    return design.build(name="max of 5 by hand", domain=DOMAIN)


if __name__ == "__main__":
    ef.save(source(), Path(__file__).with_name("left.json"))
    ef.save(transformer(), Path(__file__).with_name("right.json"))
