"""Modules of PyTorch are read as they are. It is large: `.ci/long torch` runs this in an environment of its own."""

from __future__ import annotations

import copy
import re
from fractions import Fraction
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import exactformer as ef
from exactformer.errors import InvalidInput

torch.manual_seed(0)


def whole(module: Any) -> Any:
    """The module in evaluation mode, with small integers as its weights, so that its floats are exact."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape))
    return module.eval()


def shared() -> Any:
    same = nn.ReLU()
    return nn.Sequential(nn.Linear(3, 4), same, nn.Linear(4, 3), same, nn.Linear(3, 2))


def normalised(kind: Any, channels: int) -> Any:
    module = kind(channels, eps=0.5)
    module.running_var = torch.tensor([3.5, 0.5, 15.5][:channels])
    module.running_mean = torch.tensor([1.0, -2.0, 3.0][:channels])
    return module


IMAGE = (2, 6, 5)
MODULES: dict[str, tuple[Any, tuple[int, ...] | None]] = {
    "perceptron": (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), None),
    "without biases": (nn.Sequential(nn.Linear(3, 4, bias=False), nn.LeakyReLU(0.25), nn.Linear(4, 2)), None),
    "one module twice": (shared(), None),
    "one module": (nn.Linear(3, 2), None),
    "nested": (
        nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(3, 4)), nn.Identity(), nn.Dropout(0.5), nn.ReLU()),
        None,
    ),
    "normalised": (nn.Sequential(nn.Linear(4, 3), normalised(nn.BatchNorm1d, 3), nn.ReLU()), None),
    "convolutions": (
        nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1),
            normalised(nn.BatchNorm2d, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(18, 2),
        ),
        IMAGE,
    ),
    "strides": (nn.Conv2d(2, 4, (2, 3), stride=(2, 1), dilation=(1, 2), groups=2, bias=False), IMAGE),
    "same": (nn.Conv2d(2, 1, (2, 3), padding="same"), IMAGE),
    "valid": (nn.Conv2d(2, 1, 2, padding="valid"), IMAGE),
    "pools": (nn.Sequential(nn.MaxPool2d((3, 2), stride=2, padding=1), nn.AvgPool2d(2, stride=1, padding=1)), IMAGE),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_modules(name: str, precision: Any) -> None:
    module, shape = MODULES[name]
    module = whole(module).to(precision)
    network = ef.load(module, shape=shape)
    size = shape or (network.inputs,)
    for _ in range(4):
        x = torch.randint(-4, 5, (1, *size)).to(precision)
        wanted = [Fraction(y) for y in module(x).reshape(-1).tolist()]
        assert list(network.evaluate(x.reshape(-1).tolist())) == wanted


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_are_the_floats_that_they_are(precision: Any) -> None:
    module = nn.Linear(3, 2).to(precision).eval()
    network = ef.load(module)
    for i in range(3):
        unit = [int(i == j) for j in range(3)]
        column, biases = module.weight.detach()[:, i].tolist(), module.bias.detach().tolist()
        assert list(network.evaluate(unit)) == [Fraction(w) + Fraction(b) for w, b in zip(column, biases, strict=True)]


class Own(nn.Module):
    def forward(self, x: Any) -> Any:
        return x


def hooked() -> Any:
    module = nn.Linear(3, 2)
    module.register_forward_hook(lambda *_: None)
    return module.eval()


def replaced() -> Any:
    module = nn.Linear(3, 2).eval()
    module.forward = lambda x: x
    return module


REFUSED: dict[str, tuple[Any, str]] = {
    "own": (nn.Sequential(nn.Linear(3, 2), Own()).eval(), "load: Sequential[1]: expected a module of torch.nn itself"),
    "sigmoid": (
        nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()).eval(),
        "load: Sequential[1]: expected one of Sequential, Linear",
    ),
    "hook": (hooked(), "load: Linear: expected a module without hooks"),
    "forward": (replaced(), "load: Linear: expected a module without hooks and a forward of its own"),
    "dropping": (
        nn.Sequential(nn.Linear(3, 2), nn.Dropout()),
        "load: Sequential[1]: expected evaluation mode, found training mode",
    ),
    "training": (nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), "; call .eval() first"),
    "no shape": (nn.Conv2d(1, 1, 2).eval(), "load: shape: expected the shape of one input"),
    "padding": (
        nn.Sequential(nn.Linear(3, 2), nn.Conv2d(1, 1, 2, padding=1, padding_mode="reflect")).eval(),
        "padding_mode = zeros",
    ),
    "no statistics": (
        nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)).eval(),
        "running statistics",
    ),
    "axes": (nn.Sequential(nn.Linear(3, 2), nn.Flatten(0)).eval(), "start_dim = 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read(name: str) -> None:
    module, message = REFUSED[name]
    with pytest.raises(InvalidInput) as caught:
        ef.load(module)
    assert any(message in reason for reason in caught.value.reasons), caught.value.reasons


def test_not_finite() -> None:
    module = nn.Linear(2, 1).eval()
    with torch.no_grad():
        module.weight[0, 1] = np.nan
    with pytest.raises(InvalidInput, match=r"tensor 'Linear.weight': expected finite numbers, found nan at \[1\]\[0\]"):
        ef.load(module)


def test_what_torch_exports_is_the_same_network(tmp_path: Any) -> None:
    module, shape = MODULES["convolutions"]
    module = whole(module).to(torch.float32)
    place = tmp_path / "net.onnx"
    older = {"dynamo": False} if "dynamo" in signature(torch.onnx.export).parameters else {}
    torch.onnx.export(module, torch.zeros(1, *IMAGE), str(place), **older)
    direct, exported = ef.load(module, shape=shape), ef.load(place)
    x = torch.randint(-4, 5, (60,)).tolist()
    assert direct.evaluate(x) == exported.evaluate(x) and direct.size == exported.size


def test_the_example_of_the_readme() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (code,) = [
        block for block in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S) if "torch.manual_seed" in block
    ]
    names: dict[str, Any] = {"torch": torch, "nn": nn, "copy": copy, "ef": ef}
    exec(code, names)
    found = names["found"]
    assert 0 < found.lower <= found.upper <= 2 * found.lower and found.outcome.proved
