"""Modules of PyTorch as graphs, without importing it: who has a module has imported it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exactformer.errors import Faults
from exactformer.formats.graphs import Array, Graph, Node, network_of
from exactformer.formats.graphs.graph import Refusal, Shape, noted
from exactformer.formats.graphs.tensor import check_size
from exactformer.formats.reading import Reading

TYPES = {"float16": "float16", "bfloat16": "bfloat16", "float32": "float", "float64": "double"}
HOOKS = ("_forward_hooks", "_forward_pre_hooks")  # programs that change what a module computes


def is_module(value: Any) -> bool:
    """Whether the value is a module of PyTorch."""
    names = ((each.__module__, each.__name__) for each in type(value).__mro__)
    return ("torch.nn.modules.module", "Module") in names


def is_own(module: Any) -> bool:
    """Whether the class of a module is none of PyTorch's, so that only its forward says what it does."""
    return not type(module).__module__.startswith("torch.nn.modules.")


def read(module: Any, shape: Sequence[int] | None) -> Reading:
    """The network of a Sequential, of sequentials too, of the modules in `MODULES`, in evaluation mode.

    `shape` is that of one input, without the batch; where the first module that needs one is a Linear, it may be left
    out. Weights are the floats that they are. Raises `InvalidInput` with every module, option and hook that is not
    read.
    """
    faults = Faults("load", 1000)
    steps = list(_steps(module, type(module).__name__, faults))
    size = _shape(steps, shape, faults)
    made = Made()
    for place, step in steps:
        with noted(place, faults):
            MODULES[type(step).__name__](step, made, place)
    faults.settle()
    kind = next((array.type for array in made.constants.values()), "float")
    graph = Graph("x", (1, *size), kind, made.constants, tuple(made.nodes), made.value)
    return network_of(graph, "load", type(module).__name__)


@dataclass
class Made:
    """The graph so far: its nodes, its constants, and the name of the value at its end."""

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    value: str = "x"

    def node(self, operator: str, place: str, *constants: str, **attributes: Any) -> None:
        """Add an operator on the last value."""
        name = f"value {len(self.nodes)}"
        self.nodes.append(Node(operator, (self.value, *constants), (name,), attributes, place))
        self.value = name

    def constant(self, tensor: Any, place: str) -> str:
        """Add a constant; returns its name, which is empty for None."""
        if tensor is None:
            return ""
        type = TYPES.get(str(tensor.dtype).removeprefix("torch."))
        if type is None:
            raise Refusal(f"{place} of floats", str(tensor.dtype))
        plain = tensor.detach().cpu()
        self.constants[place] = Array(_numbers(plain.float() if type == "bfloat16" else plain), type)
        return place


def _numbers(tensor: Any) -> np.ndarray[Any, Any]:
    """The numbers of a tensor, one by one where its PyTorch does not know this NumPy."""
    try:
        return np.array(tensor.numpy())
    except RuntimeError:
        return np.array(tensor.tolist(), str(tensor.dtype).removeprefix("torch.")).reshape(tuple(tensor.shape))


def _steps(module: Any, place: str, faults: Faults) -> Iterator[tuple[str, Any]]:
    """The modules in the order in which they are applied, with their places."""
    kind = type(module)
    if any(getattr(module, name, None) for name in HOOKS) or "forward" in vars(module):
        faults.add(place, "a module without hooks and a forward of its own", f"{kind.__name__} with such")
    if not kind.__module__.startswith("torch.nn.modules."):
        faults.add(place, "a module of torch.nn itself", f"{kind.__module__}.{kind.__name__}")
    elif kind.__name__ == "Sequential":
        for name, part in module._modules.items():  # one that occurs twice, too
            yield from _steps(part, f"{place}[{name:.20}]", faults)
    elif kind.__name__ not in MODULES:
        faults.add(place, f"one of Sequential, {', '.join(MODULES)}", kind.__name__)
    else:
        yield place, module


def _shape(steps: list[tuple[str, Any]], shape: Sequence[int] | None, faults: Faults) -> Shape:
    """The shape of one input: as said, or as the first module needs it."""
    if shape is not None:
        return check_shape(shape, faults)
    for _, step in steps:
        if type(step).__name__ == "Linear":
            return (int(step.in_features),)
        if type(step).__name__ not in ("Flatten", "Identity", "ReLU", "LeakyReLU", "Dropout"):
            break
    faults.add("shape", "the shape of one input, as in load(module, shape=(1, 28, 28))", "none")
    return (1,)


def check_shape(shape: Sequence[int], faults: Faults) -> Shape:
    """The shape of one input; faults are noted."""
    if not all(type(n) is int and n > 0 for n in shape):
        faults.add("shape", "positive integers", f"{shape}")
        return (1,)
    with noted("shape", faults):
        check_size(math.prod(shape))
    return tuple(shape)


def _only(module: Any, place: str, **wanted: Any) -> None:
    """Raise `Refusal` unless the options have the only values that are read."""
    for name, value in wanted.items():
        found = getattr(module, name)
        if found != value:
            raise Refusal(f"{name} = {value}", f"{name} = {found}")


def _pair(value: Any) -> list[int]:
    """Two lengths, of which one stands for both."""
    return [int(n) for n in value] if isinstance(value, (tuple, list)) else [int(value)] * 2


def _evaluating(module: Any, place: str) -> None:
    if module.training:
        raise Refusal("evaluation mode", "training mode", "; call .eval() first")


def _linear(module: Any, made: Made, place: str) -> None:
    weights = made.constant(module.weight.detach().T, f"{place}.weight")
    made.node("MatMul", place, weights)
    if module.bias is not None:
        made.node("Add", place, made.constant(module.bias, f"{place}.bias"))


def _conv(module: Any, made: Made, place: str) -> None:
    _only(module, place, padding_mode="zeros")
    kernel, strides, dilations = map(_pair, (module.kernel_size, module.stride, module.dilation))
    if module.padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        pads = [*(n // 2 for n in totals), *(n - n // 2 for n in totals)]
    else:
        pads = [0] * 4 if module.padding == "valid" else _pair(module.padding) * 2
    parts = (made.constant(module.weight, f"{place}.weight"), made.constant(module.bias, f"{place}.bias"))
    options = {"strides": strides, "dilations": dilations, "pads": pads, "group": int(module.groups)}
    made.node("Conv", place, *filter(None, parts), **options)


def _max_pool(module: Any, made: Made, place: str) -> None:
    _only(module, place, return_indices=False)
    made.node("MaxPool", place, **_window(module), dilations=_pair(module.dilation))


def _average_pool(module: Any, made: Made, place: str) -> None:
    _only(module, place, divisor_override=None)
    made.node("AveragePool", place, **_window(module), count_include_pad=int(module.count_include_pad))


def _window(module: Any) -> dict[str, Any]:
    pads = _pair(module.padding) * 2
    shape = {"kernel_shape": _pair(module.kernel_size), "strides": _pair(module.stride), "pads": pads}
    return shape | {"ceil_mode": int(module.ceil_mode)}


def _normalise(module: Any, made: Made, place: str) -> None:
    _evaluating(module, place)
    if module.running_mean is None or module.running_var is None:
        raise Refusal("running statistics", "none")
    like = module.running_var.detach()
    scale, bias = (like * 0 + 1 if module.weight is None else module.weight), module.bias
    parts = {"weight": scale, "bias": like * 0 if bias is None else bias}
    parts |= {"running_mean": module.running_mean, "running_var": like}
    names = [made.constant(tensor, f"{place}.{name}") for name, tensor in parts.items()]
    made.node("BatchNormalization", place, *names, epsilon=float(module.eps))


def _flatten(module: Any, made: Made, place: str) -> None:
    _only(module, place, start_dim=1, end_dim=-1)
    made.node("Flatten", place)


def _leaky(module: Any, made: Made, place: str) -> None:
    made.node("LeakyRelu", place, alpha=float(module.negative_slope))


def _relu(module: Any, made: Made, place: str) -> None:
    made.node("Relu", place)


def _dropout(module: Any, made: Made, place: str) -> None:
    _evaluating(module, place)


def _identity(module: Any, made: Made, place: str) -> None:
    pass


MODULES: dict[str, Callable[[Any, Made, str], None]] = {
    "Linear": _linear,
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "Flatten": _flatten,
    "Conv2d": _conv,
    "MaxPool2d": _max_pool,
    "AvgPool2d": _average_pool,
    "BatchNorm1d": _normalise,
    "BatchNorm2d": _normalise,
    "Dropout": _dropout,
    "Identity": _identity,
}
