"""Multilayer perceptrons of scikit-learn as graphs, without importing it."""

from __future__ import annotations

from typing import Any

import numpy as np

from exactformer.errors import InvalidInput, shown
from exactformer.formats.graphs import Array, Graph, Node, network_of
from exactformer.formats.reading import Reading

TYPES = {"float64": "double", "float32": "float"}


def is_estimator(value: Any) -> bool:
    """Whether the value is an object of scikit-learn."""
    return type(value).__module__.split(".")[0] == "sklearn"


def read(estimator: Any) -> Reading:
    """The network of a fitted MLPRegressor or MLPClassifier, with activation relu or identity.

    `coefs_[i]` is [input][unit], the transpose of what networks hold; the numbers are the floats that they are. The
    outputs are those before softmax or the logistic function, which a note says. Raises `InvalidInput` for all else.
    """
    kind = type(estimator).__name__
    if kind not in ("MLPRegressor", "MLPClassifier"):
        raise InvalidInput(f"load: expected an MLPRegressor or MLPClassifier, found {shown(estimator)}")
    if not hasattr(estimator, "coefs_"):
        raise InvalidInput(f"load: expected a fitted {kind}, found one that is not fitted")
    if estimator.activation not in ("relu", "identity"):
        raise InvalidInput(f"load: expected activation relu or identity, found {estimator.activation}")
    last = estimator.out_activation_
    if last not in ("identity", "softmax", "logistic"):
        raise InvalidInput(f"load: expected out_activation_ identity, softmax or logistic, found {last}")
    constants, nodes, value = {}, [], "x"
    for i, (weights, biases) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        for name, array in ((f"coefs_[{i}]", weights), (f"intercepts_[{i}]", biases)):
            constants[name] = _array(np.asarray(array), name)
        nodes.append(Node("Gemm", (value, f"coefs_[{i}]", f"intercepts_[{i}]"), (f"sum{i}",), {}, f"layer {i}"))
        value = f"sum{i}"
        if i + 1 < len(estimator.coefs_) and estimator.activation == "relu":
            nodes.append(Node("Relu", (value,), (f"unit{i}",), {}, f"layer {i}"))
            value = f"unit{i}"
    notes = () if last == "identity" else (f"the outputs are those before the {last} function",)
    shape = (1, int(estimator.coefs_[0].shape[0]))
    return network_of(
        Graph("x", shape, constants["coefs_[0]"].type, constants, tuple(nodes), value, notes), "load", kind
    )


def _array(values: np.ndarray[Any, Any], name: str) -> Array:
    if values.dtype.name not in TYPES:
        raise InvalidInput(f"load: {name}: expected floats of 32 or 64 bits, found {values.dtype.name}")
    return Array(values, TYPES[values.dtype.name])
