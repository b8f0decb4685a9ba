"""Makes left.json: max(x0, x1, x2) on [-1, 1]^3, one maxout unit of rank 3."""

from pathlib import Path

import exactformer as ef


def network() -> ef.MaxoutNetwork:
    """One unit whose pieces are the three coordinates."""
    coordinates = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    unit = ([coordinates], [[0, 0, 0]])
    return ef.MaxoutNetwork.of([unit], ([[1]], [0]), domain=ef.Box([-1] * 3, [1] * 3), name="max(x0, x1, x2)")


if __name__ == "__main__":
    ef.save(network(), Path(__file__).with_name("left.json"))
