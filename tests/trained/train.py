"""Trains the `.nnet` files beside it: small networks that normalise inputs and outputs, as real ones do.

    python tests/trained/train.py [FOLDER]

Data: the sets bundled with scikit-learn. The committed files are the authority: another version of scikit-learn, or
another processor, may train to slightly different weights.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes, load_linnerud
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

SEED = 33  # with it the units that the tests of mutants change take part in the values


def nnet(x: Any, y: Any, widths: tuple[int, ...]) -> str:
    """A ReLU network from the columns of x to those of y, on the smallest box that holds the data, as text."""
    means, ranges = x.mean(axis=0).round(4), np.ptp(x, axis=0).round(4)
    centre, spread = y.mean().round(3), np.ptp(y).round(3)
    model = MLPRegressor(hidden_layer_sizes=widths, alpha=0.01, max_iter=2000, random_state=SEED)
    with threadpool_limits(1):
        target = (y - centre) / spread
        model.fit((x - means) / ranges, target.ravel() if target.shape[1] == 1 else target)
    sizes = [x.shape[1], *widths, y.shape[1]]
    rows: list[Any] = [[len(sizes) - 1, sizes[0], sizes[-1], max(sizes)], sizes, [0]]
    rows += [x.min(axis=0), x.max(axis=0), [*means, centre], [*ranges, spread]]
    for weights, biases in zip(model.coefs_, model.intercepts_, strict=True):
        rows += [*([f"{w:.5e}" for w in row] for row in weights.T), *([f"{b:.5e}"] for b in biases)]
    return "// made by train.py\n" + "".join(",".join(map(str, row)) + ",\n" for row in rows)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    diabetes, linnerud = load_diabetes(scaled=False), load_linnerud()
    files = {
        "diabetes.nnet": nnet(diabetes.data[:, [0, 2, 3, 4, 8]], diabetes.target[:, None], (12,) * 6),
        "linnerud.nnet": nnet(linnerud.data, linnerud.target, (8, 4)),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="ascii")
