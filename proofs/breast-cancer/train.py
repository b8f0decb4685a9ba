"""Trains left.json: a ReLU network 30-16-8-1 that separates benign from malignant tumours by 30 measurements.

Data: the breast cancer data bundled with scikit-learn. The committed left.json is the authority: another version of
scikit-learn, or another processor, may train to slightly different weights.

Exactness: the trained weights and biases are rounded to float32 and from there on taken as the dyadic rationals
that they are. The inputs were shifted and scaled for training; shift and scale are dyadic and are folded exactly
into the first layer. Hence the network in the file reads raw measurements, and all of its weights are dyadic.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import exactformer as ef


def train(x: Any, y: Any) -> ef.ReluNetwork:
    """The trained network on the smallest box that holds the data; its output is the logit of "benign"."""
    scale = 2.0 ** np.round(np.log2(x.std(axis=0)))
    shift = np.round(x.mean(axis=0) / scale * 4) / 4 * scale
    model = MLPClassifier((16, 8), alpha=0.1, max_iter=5000, random_state=5)
    with threadpool_limits(1):
        model.fit((x - shift) / scale, y)
    layers = [(exact(w.T), exact(b)) for w, b in zip(model.coefs_, model.intercepts_, strict=True)]
    layers[0] = folded(*layers[0], exact(shift, np.float64), exact(scale, np.float64))
    domain = ef.Box(decimals(x.min(axis=0)), decimals(x.max(axis=0)))
    return ef.ReluNetwork.of(layers[:-1], layers[-1], domain=domain, name="breast cancer 30-16-8-1")


def exact(values: Any, precision: Any = np.float32) -> Any:
    """The array rounded to the given precision, as nested lists of fractions."""
    values = values.astype(precision)
    return [exact(row, precision) for row in values] if values.ndim > 1 else [Fraction(float(v)) for v in values]


def folded(weights: Any, biases: Any, shift: Any, scale: Any) -> tuple[Any, Any]:
    """The layer that gives at x what the given layer gives at (x - shift) / scale."""
    weights = [[w / s for w, s in zip(row, scale, strict=True)] for row in weights]
    moved = [sum(w * m for w, m in zip(row, shift, strict=True)) for row in weights]
    return weights, [b - m for b, m in zip(biases, moved, strict=True)]


def decimals(values: Any) -> list[str]:
    """The measurements as the decimal numbers that were written down."""
    return [str(v) for v in values.tolist()]


def accuracy(network: ef.ReluNetwork, x: Any, y: Any) -> Fraction:
    """The share of the rows of x for which the logit has the right sign (positive: benign), exactly."""
    logits = [network.evaluate(decimals(row))[0] for row in x]
    return Fraction(sum((z > 0) == bool(benign) for z, benign in zip(logits, y, strict=True)), len(y))


if __name__ == "__main__":
    x, y = load_breast_cancer(return_X_y=True)
    network = train(x, y)
    share = accuracy(network, x, y)
    print(f"training accuracy, by exact evaluation: {share} = {float(share):.4f}")
    ef.save(network, Path(__file__).with_name("left.json"))
