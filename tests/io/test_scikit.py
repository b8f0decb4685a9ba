"""Perceptrons of scikit-learn are read as they are: exact weights, the values that `predict` rounds to."""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

import exactformer as ef
from exactformer.errors import InvalidInput
from exactformer.formats import scikit

random = np.random.default_rng(3)
X = random.normal(size=(60, 3))


def fitted(kind: Any, y: Any, x: Any = X, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(max_iter=20, random_state=0, **options).fit(x, y)


def by_hand(estimator: Any, x: Any) -> list[Fraction]:
    """The exact output before the last function, with fractions."""
    value = np.array([Fraction(float(v)) for v in x], object)
    layers = list(zip(estimator.coefs_, estimator.intercepts_, strict=True))
    for number, (weights, biases) in enumerate(layers):
        exact = [np.vectorize(lambda v: Fraction(float(v)), otypes=[object])(part) for part in (weights, biases)]
        value = value @ exact[0] + exact[1]
        if number + 1 < len(layers) and estimator.activation == "relu":
            value = np.maximum(value, 0)
    return list(value)


@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_regressors(activation: str, precision: str) -> None:
    data = X.astype(precision)
    mlp = fitted(MLPRegressor, data @ np.ones((3, 2)), data, hidden_layer_sizes=(5, 4), activation=activation)
    assert mlp.coefs_[0].dtype == precision
    network = ef.load(mlp)
    assert (network.size, network.name) == ("3-5-4-2" if activation == "relu" else "3-2", "MLPRegressor")
    for x in data[:5]:
        assert list(network.evaluate(x)) == by_hand(mlp, x)
        assert np.allclose([float(y) for y in network.evaluate(x)], mlp.predict(x[None])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("classes", "last"), [(2, "logistic"), (3, "softmax")])
def test_classifiers_up_to_the_last_function(classes: int, last: str) -> None:
    mlp = fitted(MLPClassifier, np.arange(60) % classes, hidden_layer_sizes=(4,))
    found = scikit.read(mlp)
    assert found.notes == (f"the outputs are those before the {last} function",)
    for x in X[:5]:
        value = list(found.network.evaluate(x))
        assert value == by_hand(mlp, x)
        winner = int(np.argmax(value)) if classes > 2 else int(value[0] > 0)
        assert winner == mlp.predict(x[None])[0]


def test_it_is_proved() -> None:
    mlp = fitted(MLPRegressor, X.sum(axis=1), hidden_layer_sizes=(4,))
    assert ef.prove(ef.load(mlp), domain=ef.Box([-1] * 3, [1] * 3)).verdict == "proved"


def test_what_is_not_read() -> None:
    broken = fitted(MLPRegressor, X.sum(axis=1), hidden_layer_sizes=(4,))
    broken.coefs_[0][1, 2] = np.nan
    cases = [
        (MLPRegressor(), "load: expected a fitted MLPRegressor, found one that is not fitted"),
        (fitted(MLPRegressor, X[:, 0], activation="tanh"), "load: expected activation relu or identity, found tanh"),
        (
            LinearRegression().fit(X, X[:, 0]),
            "load: expected an MLPRegressor or MLPClassifier, found the LinearRegression",
        ),
        (broken, "load: tensor 'coefs_[0]': expected finite numbers, found nan at [1][2]"),
    ]
    for value, message in cases:
        with pytest.raises(InvalidInput) as caught:
            ef.load(value)
        assert str(caught.value).startswith(message)
    for value in (fitted(MLPRegressor, X[:, 0]), "net.json"):
        with pytest.raises(InvalidInput, match="shape: expected together with a module of PyTorch"):
            ef.load(value, shape=(3,))
