"""Whether a function has a pole, a jump or a gap in a box, before the search begins: where its enclosures never end."""

from __future__ import annotations

from fractions import Fraction

from exactformer.domain import Domain
from exactformer.formats.network_json import dump
from exactformer.kernel.functions import Function as Curve
from exactformer.kernel.functions import least
from exactformer.kernel.networks import read_network
from exactformer.networks.function import Function
from exactformer.numeric import evaluate_batch

Box = list[tuple[Fraction, Fraction]]
FINEST = 40  # halvings of each input, until a box is as good as a point
MOST = 1 << 11  # boxes; what is undecided then is left to the proof


def gap(function: Function, domain: Domain, epsilon: Fraction) -> tuple[float, ...] | None:
    """A point near which the function is undefined, jumps, or is as good as steep; None if none was found.

    Boxes on which the kernel cannot show that the function is defined are halved, down to 2^-40 of the domain. One that
    is left there counts if values of floats in it are not finite, or further apart than 2 epsilon: no piece of a
    function within epsilon ends in so small a box.
    """
    curve = read_network(dump(function).encode(), "function")
    assert isinstance(curve, Curve)
    ends = zip(domain.lower, domain.upper, strict=True)
    start: Box = [(low, high) for low, high in ends if low is not None and high is not None]
    waiting = [(start, FINEST * sum(low < high for low, high in start))]
    for _ in range(MOST):
        if not waiting:
            return None
        box, left = waiting.pop()
        if least([(1, curve)], {}, 0, box) is not None:
            continue
        if not left:
            if _wild(function, box, epsilon):
                return tuple(float(low + high) / 2 for low, high in box)
            continue
        widths = [(high - low) / ((b - a) or 1) for (low, high), (a, b) in zip(box, start, strict=True)]
        i = max(range(len(box)), key=widths.__getitem__)
        middle = sum(box[i], Fraction(0)) / 2
        for half in ((middle, box[i][1]), (box[i][0], middle)):
            waiting.append(([*box[:i], half, *box[i + 1 :]], left - 1))
    return None


def _wild(function: Function, box: Box, epsilon: Fraction) -> bool:
    points = [[float(low + (high - low) * t / 4) for low, high in box] for t in map(Fraction, range(5))]
    values = evaluate_batch(function, points)[:, 0]
    return not bool(abs(values).max() < float("inf")) or bool(values.max() - values.min() > 2 * float(epsilon))
