"""Makes left.json: a triangle wave with 32 linear pieces on [0, 1], ReLU layers of widths 2, 2, 2, 2, 2."""

from pathlib import Path

import exactformer as ef

DEPTH = 5


def network() -> ef.ReluNetwork:
    """The tent map t(x) = 2 relu(x) - 4 relu(x - 1/2) iterated DEPTH times.

    On [0, 1] the tent rises from 0 to 1 and falls back to 0, so each iterate doubles the number of pieces.
    """
    kinks = [0, "-1/2"]
    tent = [2, -4]
    layers = [([[1], [1]], kinks)] + [([tent, tent], kinks)] * (DEPTH - 1)
    return ef.ReluNetwork.of(layers, ([tent], [0]), domain=ef.Box([0], [1]), name=f"triangle wave, {2**DEPTH} pieces")


if __name__ == "__main__":
    ef.save(network(), Path(__file__).with_name("left.json"))
