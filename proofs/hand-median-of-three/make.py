"""Makes left.json, the median of three numbers as a maxout network, and right.json, two heads on three tokens."""

from pathlib import Path

import exactformer as ef
from exactformer.building import Design, Space, block, max_head, token, total

DOMAIN = ef.Box([None] * 3, [None] * 3)


def source() -> ef.MaxoutNetwork:
    """med(x, y, z) = (x + y + z) - max(x, y, z) + max(-x, -y, -z), three units of rank 3."""
    unit = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    weights = [[[1, 1, 1]] * 3, unit, [[-w for w in row] for row in unit]]
    layer = (weights, [[0] * 3] * 3)
    return ef.MaxoutNetwork.of([layer], ([[1, -1, 1]], [0]), domain=DOMAIN, name="median of 3")


def transformer() -> ef.Transformer:
    """Token i holds x_i, and the sum in out; heads add minus the maximum and the maximum of the negatives to it."""
    inputs, state = Space(x=3), Space("one", "z", "out")
    (x,), (one, z, out) = inputs.parts, state.parts
    design = Design(
        inputs=inputs,
        space=state,
        tokens=[token(one=1, z=number, out=total(x)) for number in x],
        blocks=[block(max_head(z, one=one, to=-out), max_head(-z, one=one, to=out))],
        readout=out,
    )
    return design.build(name="median of 3 by hand", domain=DOMAIN)


if __name__ == "__main__":
    ef.save(source(), Path(__file__).with_name("left.json"))
    ef.save(transformer(), Path(__file__).with_name("right.json"))
