"""Makes left.json: |x| = max(x, -x) on [-1, 1], one maxout unit of rank 2."""

from pathlib import Path

import exactformer as ef


def network() -> ef.MaxoutNetwork:
    """One unit with the pieces x and -x."""
    unit = ([[[1], [-1]]], [[0, 0]])
    return ef.MaxoutNetwork.of([unit], ([[1]], [0]), domain=ef.Box([-1], [1]), name="|x|")


if __name__ == "__main__":
    ef.save(network(), Path(__file__).with_name("left.json"))
