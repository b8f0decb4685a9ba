"""Networks with as many linear regions as their depth allows: a sawtooth in each input, folded once a layer."""

from __future__ import annotations

from fractions import Fraction

from exactformer.arguments import instance
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput
from exactformer.networks import MaxoutNetwork


def sawtooth(inputs: int = 1, *, width: int = 2, rank: int = 2, depth: int = 1) -> MaxoutNetwork:
    """A maxout network on [0, 1]^n with p^(n L) linear regions, p = 1 + m (k - 1), m units of rank k an input.

    sigma(x) runs from 0 up to 1, down to 0 and so on, in p pieces of equal length. It is u - v with convex u and v:
    u has its kinks at the even multiples of 1/p and first slope p, v has them at the odd ones and first slope 0, all
    slopes jump by 2 p; each is a sum of m/2 units with k - 1 kinks. The next layer reads sigma. The output adds the
    coordinates up with the weights 1, 2, 4, ... (theory R4, R5; for k = 2 it is Telgarsky's sawtooth).

    >>> f = sawtooth(rank=3, depth=2)
    >>> [str(f.evaluate([Fraction(i, 50)])[0]) for i in (0, 1, 2, 3, 25)]
    ['0', '1/2', '1', '1/2', '1/2']

    Raises `InvalidInput` for an odd or non-positive width, a rank below 2, or no inputs.
    """
    faults = Faults()
    for place, value in (("inputs", inputs), ("width", width), ("rank", rank), ("depth", depth)):
        instance(value, int, "an integer", place, faults)
    faults.settle()
    if inputs < 1 or width < 2 or width % 2 or rank < 2 or depth < 0:
        found = f"{inputs} inputs, width {width}, rank {rank}, depth {depth}"
        raise InvalidInput(
            f"sawtooth: expected at least one input, an even width, rank >= 2 and depth >= 0, found {found}"
        )
    p = 1 + width * (rank - 1)
    units = [(+1, _unit(p, even, p if not i else 0)) for i, even in enumerate(_kinks(p, 0, width, rank))]
    units += [(-1, _unit(p, odd, 0)) for odd in _kinks(p, 1, width, rank)]
    layers = []
    for number in range(depth):
        weights, biases = [], []
        for i in range(inputs):
            reads = [sign if number else 1 for sign, _ in units] if number else [1]
            before = inputs * len(reads)
            row = [Fraction(0)] * before
            row[i * len(reads) : (i + 1) * len(reads)] = map(Fraction, reads)
            for _, pieces in units:
                weights.append([[slope * r for r in row] for slope, _ in pieces])
                biases.append([offset for _, offset in pieces])
        layers.append((weights, biases))
    signs = [sign for sign, _ in units] if depth else [1]
    output = [Fraction(sign * 2**i) for i in range(inputs) for sign in signs]
    name = f"sawtooth, {p}^{inputs * depth} regions"
    return MaxoutNetwork.of(layers, ([output], [0]), domain=Domain.box(inputs, 0, 1), name=name)


def _kinks(p: int, parity: int, width: int, rank: int) -> list[list[Fraction]]:
    """The inner multiples of 1/p of one parity (0: even), dealt out to m/2 units with k - 1 kinks each."""
    places = [Fraction(i, p) for i in range(1, p) if i % 2 == parity]
    return [places[j * (rank - 1) : (j + 1) * (rank - 1)] for j in range(width // 2)]


def _unit(p: int, kinks: list[Fraction], slope: int) -> list[tuple[Fraction, Fraction]]:
    """The pieces (slope, offset) of the convex function through 0 with the given first slope and kinks."""
    pieces, offset = [(Fraction(slope), Fraction(0))], Fraction(0)
    for number, kink in enumerate(kinks, start=1):
        offset -= 2 * p * kink
        pieces.append((Fraction(slope + 2 * p * number), offset))
    return pieces
