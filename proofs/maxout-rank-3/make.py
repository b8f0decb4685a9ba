"""Makes left.json: a maxout network of rank 3 and widths 4, 4 with seeded dyadic weights, on [-1, 1]^2."""

import random
from fractions import Fraction
from pathlib import Path

import exactformer as ef

SEED = 533
INPUTS, WIDTHS, RANK = 2, (4, 4), 3


def network() -> ef.MaxoutNetwork:
    """Weights are eighths in [-1, 1], biases of the units sixteenths in [-1/2, 1/2].

    With this seed every piece of every unit is the largest somewhere inside the box.
    """
    uniform = random.Random(SEED).random

    def eighth() -> Fraction:
        return Fraction(int(17 * uniform()) - 8, 8)

    layers = []
    for inputs, width in zip((INPUTS, *WIDTHS), WIDTHS, strict=False):
        weights = [[[eighth() for _ in range(inputs)] for _ in range(RANK)] for _ in range(width)]
        biases = [[eighth() / 2 for _ in range(RANK)] for _ in range(width)]
        layers.append((weights, biases))
    output = [[eighth() for _ in range(WIDTHS[-1])]], [eighth()]
    domain = ef.Box([-1] * INPUTS, [1] * INPUTS)
    return ef.MaxoutNetwork.of(layers, output, domain=domain, name="maxout of rank 3")


if __name__ == "__main__":
    ef.save(network(), Path(__file__).with_name("left.json"))
