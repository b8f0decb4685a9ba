"""Makes left.json, a sorting network of three comparators in a row, and right.json, a Transformer that selects."""

from pathlib import Path

import exactformer as ef
from exactformer.building import Design, Space, block, constant_query_head, max_head, token, uniform_head

DOMAIN = ef.Box([None] * 3, [None] * 3)


def source() -> ef.MaxoutNetwork:
    """Comparators on the wires (0, 1), (1, 2), (0, 1); the state of a layer is (-lower, upper, rest) of a comparison.

    A comparator is max(a, b) and -min(a, b) = max(-a, -b); a wire that passes is a unit with two equal pieces.
    """
    x0, x1, x2 = (1, 0, 0), (0, 1, 0), (0, 0, 1)

    def minus(row: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(-w for w in row)

    first = [[minus(x0), minus(x1)], [x0, x1], [x2, x2]]  # wires 0, 1, 2 are now -h0, h1, h2
    second = [[x0, x0], [minus(x1), minus(x2)], [x1, x2]]  # -h0, -h1, h2
    third = [[x0, x1], [minus(x0), minus(x1)], [x2, x2]]  # -h0, h1, h2
    zeros = [[0, 0]] * 3
    output = ([[-1, 0, 0], x1, x2], [0, 0, 0])
    layers = [(layer, zeros) for layer in (first, second, third)]
    return ef.MaxoutNetwork.of(layers, output, domain=DOMAIN, name="sort 3 by comparators")


def transformer() -> ef.Transformer:
    """Token i holds x_i. One sublayer reads the smallest, the largest and the sum; what is left is the middle one."""
    inputs, state = Space(x=3), Space("one", "z", "low", "middle", "high")
    (x,), (one, z, low, middle, high) = inputs.parts, state.parts
    heads = [
        constant_query_head(one=one, key=-z, value=z, to=low - middle),
        max_head(z, one=one, to=high - middle),
        uniform_head(value=3 * z, to=middle),
    ]
    design = Design(
        inputs=inputs,
        space=state,
        tokens=[token(one=1, z=number) for number in x],
        blocks=[block(*heads)],
        readout=[low, middle, high],
    )
    return design.build(name="sort 3 by hand", domain=DOMAIN)


if __name__ == "__main__":
    ef.save(source(), Path(__file__).with_name("left.json"))
    ef.save(transformer(), Path(__file__).with_name("right.json"))
