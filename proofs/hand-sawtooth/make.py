"""Makes left.json, a sawtooth of 16 pieces as a ReLU network of depth 4, and right.json, a Transformer of 4 blocks."""

from pathlib import Path

import exactformer as ef
from exactformer.building import Design, Space, block, constant_query_head, erase, relu, token, write

DEPTH = 4
DOMAIN = ef.Box([0], [1])


def source() -> ef.ReluNetwork:
    """The tent map t(h) = 2 relu(h) - 4 relu(h - 1/2), iterated."""
    first = ([[1], [1]], [0, "-1/2"])
    later = ([[2, -4], [2, -4]], [0, "-1/2"])
    return ef.ReluNetwork.of([first] + [later] * (DEPTH - 1), ([[2, -4]], [0]), domain=DOMAIN, name="sawtooth")


def transformer() -> ef.Transformer:
    """The tent map as t(h) = 2 min(h, 1 - h): token 0 holds z = h, token 1 holds z = 1 - h, a head takes the minimum.

    The feed-forward sublayer then makes the two tokens different again: |h - e| is h where e = 0, and 1 - h where
    e = 1, for h in [0, 1]; there h and z are at least 0, so that one hidden unit erases each.
    """
    inputs, state = Space("x"), Space("one", "e", "z", "h")
    (x,), (one, e, z, h) = inputs.parts, state.parts
    tent = constant_query_head(one=one, key=-z, value=2 * z, to=h)
    again = [erase(z, lower=0), erase(h, lower=0), write(relu(h - e) + relu(e - h), to=z)]
    design = Design(
        inputs=inputs,
        space=state,
        tokens=[token(one=1, z=x), token(one=1, e=1, z=1 - x)],
        blocks=[block(tent, *again)] * (DEPTH - 1) + [block(tent)],
        readout=h,
    )
    return design.build(name="sawtooth by hand", domain=DOMAIN)


if __name__ == "__main__":
    ef.save(source(), Path(__file__).with_name("left.json"))
    ef.save(transformer(), Path(__file__).with_name("right.json"))
