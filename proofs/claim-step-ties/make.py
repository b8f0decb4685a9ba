"""Makes left.json: one head between x and -x whose values are not its keys, so that it jumps at 0."""

from pathlib import Path

import exactformer as ef
from exactformer.building import Design, Space, block, constant_query_head, token


def transformer() -> ef.Transformer:
    """Token 0 has the key x and the value 1, token 1 the key -x and the value 0: a step, 1/2 at 0 by average."""
    inputs, state = Space(x=1), Space("one", "key", "value", "out")
    (x,), (one, key, value, out) = inputs.parts, state.parts
    design = Design(
        inputs=inputs,
        space=state,
        tokens=[token(one=1, key=x, value=1), token(one=1, key=-x)],
        blocks=[block(constant_query_head(one=one, key=key, value=value, to=out))],
        readout=out,
    )
    return design.build(name="step", domain=ef.Box([-1], [1]))


if __name__ == "__main__":
    ef.save(transformer(), Path(__file__).with_name("left.json"))
