"""Modules of PyTorch with a forward of their own as graphs: `torch.fx` writes down what they call.

Only what is called is believed: modules of `torch.nn` that `formats/torch` reads, `MultiheadAttention`, and the
functions and methods in a table here. What works in place is refused: it changes values that have other names, too.
Importing torch costs nothing, as who has a module has imported it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np

from exactformer.errors import Faults, InvalidInput
from exactformer.formats.graphs import Array, Graph, Node, network_of
from exactformer.formats.graphs.graph import Refusal, noted
from exactformer.formats.reading import Reading
from exactformer.formats.torch import HOOKS, MODULES, TYPES, Made, check_shape

CHECKS = 3  # points at which steps are compared with the module


@dataclass(frozen=True)
class Value:
    """What a step has made: a value of the graph, or several, of which a module hands out the first."""

    name: str
    several: bool = False


def read(module: Any, shape: Sequence[int] | None) -> Reading:
    """The network of a module of any class, in evaluation mode, for inputs of a shape, without the batch.

    Raises `InvalidInput` where `torch.fx` cannot trace it (it decides by values, say), and with every module, function
    and option that is not read.
    """
    kind, faults = type(module), Faults("load", 1000)
    if shape is None:
        faults.add("shape", "the shape of one input, as in load(module, shape=(4,))", "none")
    size = (1,) if shape is None else check_shape(shape, faults)
    for name, part in module.named_modules():
        if any(getattr(part, hook, None) for hook in HOOKS) or "forward" in vars(part):
            faults.add(f"{kind.__name__}.{name}".strip("."), "a module without hooks", "one with such")
        if getattr(part, "inplace", False):
            faults.add(f"{kind.__name__}.{name}", "inplace = False", "inplace = True")
        if part.training:
            faults.add(f"{kind.__name__}.{name}".strip("."), "evaluation mode", "training mode; call .eval() first")
    faults.settle()
    dtype = next((tensor.dtype for tensor in module.parameters()), None)
    word = "float32" if dtype is None else str(dtype).removeprefix("torch.")
    if word not in TYPES:
        raise InvalidInput(f"load: expected parameters of floats, found {word}")
    trace = Trace(module, _traced(module, size, dtype), Made(), TYPES[word], faults)
    output = trace.run()
    faults.settle()
    graph = Graph("x", (1, *size), TYPES[word], trace.made.constants, tuple(trace.made.nodes), output)
    return network_of(graph, "load", kind.__name__)


def _traced(module: Any, shape: Sequence[int], dtype: Any) -> Any:
    """The steps of a module, as `torch.fx` sees them; they must do at points what the module does.

    A step that works in place is one that does not, where it changes a value that is used again.
    """
    import torch
    from torch import fx

    try:
        traced = fx.symbolic_trace(module)
        random = torch.Generator().manual_seed(0)
        with torch.no_grad():
            points = [torch.randn((1, *shape), generator=random).to(dtype or torch.float32) for _ in range(CHECKS)]
            same = all(torch.equal(module(x.clone()), traced(x.clone())) for x in points)
    except Exception as error:  # of the module's own code, which is run
        found = f"{type(error).__name__}: {str(error)[:100]}"
        raise InvalidInput(f"load: expected a module that torch.fx can trace, found {found}") from None
    if not same:
        found = "one whose traced steps compute something else (does an operation work in place?)"
        raise InvalidInput(f"load: expected a module that torch.fx can trace, found {found}")
    return traced.graph


class Trace:
    """Steps of `torch.fx` on their way to a graph."""

    def __init__(self, module: Any, graph: Any, made: Made, type: str, faults: Faults) -> None:
        self.module, self.graph, self.made, self.type, self.faults = module, graph, made, type, faults
        self.values: dict[str, Any] = {}

    def run(self) -> str:
        """The name of the output."""
        inputs = [step.name for step in self.graph.nodes if step.op == "placeholder"]
        if len(inputs) != 1:
            self.faults.add("forward", "one input", f"{len(inputs)}: {', '.join(inputs[:5])}")
            self.faults.settle()
        output = ""
        for step in self.graph.nodes:
            with noted(f"{step.op} {step.name:.40}", self.faults):
                if step.op == "output":
                    output = self.name_of(self.given(step.args[0]))
                else:
                    self.values[step.name] = self._step(step)
                continue
            self.values[step.name] = Value("", step.op == "call_module")  # others may be wrong, too
        return output

    def _step(self, step: Any) -> Any:
        if step.op == "placeholder":
            return Value("x")
        args, options = self.given(step.args), self.given(dict(step.kwargs))
        if step.op == "get_attr":
            found: Any = self.module
            for part in step.target.split("."):
                found = getattr(found, part)
            return found
        if step.op == "call_module":
            return self._module(self.module.get_submodule(step.target), step, args, options)
        name = step.target if step.op == "call_method" else getattr(step.target, "__name__", str(step.target))
        rule = CALLS.get(name)
        if rule is None:
            raise Refusal(f"a function among {', '.join(sorted(CALLS))}", name)
        return called(rule, self, step.name, *args, **options)

    def _module(self, module: Any, step: Any, args: Sequence[Any], options: Mapping[str, Any]) -> Value:
        kind = type(module)
        if not kind.__module__.startswith("torch.nn.modules.") or kind.__name__ not in (*MODULES, "MultiheadAttention"):
            raise Refusal(f"a module among {', '.join(MODULES)}, MultiheadAttention", kind.__name__)
        if kind.__name__ == "MultiheadAttention":
            found: Value = called(self._attention, module, step.name, *args, **options)
            return found
        if len(args) != 1 or options:
            raise Refusal("a module called with one value alone", f"{len(args) + len(options)} arguments")
        self.made.value = self.name_of(args[0])
        MODULES[kind.__name__](module, self.made, step.name)
        return Value(self.made.value)

    def _attention(
        self,
        module: Any,
        place: str,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> Value:
        """`torch.nn.MultiheadAttention`: the operator Attention between the projections."""
        if key_padding_mask is not None or module.bias_k is not None or module.add_zero_attn:
            raise Refusal("no padding mask, bias_k, add_zero_attn", "one of them")
        width, turned = module.embed_dim, not module.batch_first
        weights = [module.q_proj_weight, module.k_proj_weight, module.v_proj_weight]
        if module.in_proj_weight is not None:
            weights = [module.in_proj_weight[i * width : (i + 1) * width] for i in range(3)]
        parts = []
        for i, (given, matrix) in enumerate(zip((query, key, value), weights, strict=True)):
            part = self.name_of(given)
            if turned:
                part = self.add("Transpose", place, part, perm=[1, 0, 2])
            part = self.add("MatMul", place, part, self.made.constant(matrix.detach().T, f"{place}.in.{i}"))
            if module.in_proj_bias is not None:
                bias = module.in_proj_bias[i * width : (i + 1) * width]
                part = self.add("Add", place, part, self.made.constant(bias, f"{place}.bias.{i}"))
            parts.append(part)
        if attn_mask is not None:
            parts.append(self._mask(attn_mask, f"{place}.mask"))
        heads = {"q_num_heads": int(module.num_heads), "kv_num_heads": int(module.num_heads)}
        mixed = self.add("Attention", place, *parts, **heads)
        out = module.out_proj
        mixed = self.add("MatMul", place, mixed, self.made.constant(out.weight.detach().T, f"{place}.out"))
        if out.bias is not None:
            mixed = self.add("Add", place, mixed, self.made.constant(out.bias, f"{place}.out.bias"))
        if turned:
            mixed = self.add("Transpose", place, mixed, perm=[1, 0, 2])
        return Value(mixed, several=True)

    def _mask(self, mask: Any, place: str) -> str:
        """A mask as 0 and -inf: in PyTorch, True hides a token."""
        if isinstance(mask, Value):
            raise Refusal("a constant mask", "one that depends on the input")
        values = np.array(mask.tolist())
        hidden = np.where(values, -math.inf, 0.0) if values.dtype == bool else values
        self.made.constants[place] = Array(hidden, "double")
        return place

    def add(self, kind: str, place: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator; returns the name of its value."""
        name = f"{place}.{len(self.made.nodes)}"
        self.made.nodes.append(Node(kind, inputs, (name,), attributes, f"{place} ({kind})"))
        return name

    def integers(self, place: str, values: Sequence[int]) -> str:
        """Add a list of integers."""
        name = f"{place}.integers.{len(self.made.constants)}"
        if not all(type(n) is int for n in values):
            raise Refusal("constant integers", f"{values}")
        self.made.constants[name] = Array(np.array(values, np.int64), "int64")
        return name

    def operand(self, value: Any, place: str) -> str:
        """A value, a tensor or a number as an input of an operator."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            name = f"{place}.number.{len(self.made.constants)}"
            kind = {"double": np.float64, "float16": np.float16}.get(self.type, np.float32)
            self.made.constants[name] = Array(np.array(value, kind), self.type)
            return name
        if isinstance(value, Value):
            return self.name_of(value)
        if not hasattr(value, "dtype"):
            raise Refusal("a number or a tensor", f"{type(value).__name__}")
        return self.made.constant(value, f"{place}.constant.{len(self.made.constants)}")

    def name_of(self, value: Any) -> str:
        """The name of a value of the graph."""
        if not isinstance(value, Value) or value.several:
            raise Refusal("a value that depends on the input", f"{type(value).__name__}")
        return value.name

    def given(self, value: Any) -> Any:
        """Arguments, with the values of earlier steps in place of these."""
        if isinstance(value, (tuple, list)):
            return type(value)(map(self.given, value)) if type(value) in (tuple, list) else [*map(self.given, value)]
        if isinstance(value, dict):
            return {name: self.given(each) for name, each in value.items()}
        return self.values[value.name] if hasattr(value, "op") and hasattr(value, "name") else value


def called(rule: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What a rule makes of arguments. Raises `Refusal` for those that it does not know."""
    try:
        signature(rule).bind(*args, **options)
    except TypeError as error:
        raise Refusal("arguments that are read", str(error)) from None
    return rule(*args, **options)


def _binary(kind: str) -> Callable[..., Value]:
    def rule(trace: Trace, place: str, left: Any, right: Any) -> Value:
        return Value(trace.add(kind, place, trace.operand(left, place), trace.operand(right, place)))

    return rule


def _unary(kind: str) -> Callable[..., Value]:
    def rule(trace: Trace, place: str, value: Any, inplace: bool = False) -> Value:
        if inplace:
            raise Refusal("inplace = False", "inplace = True")
        return Value(trace.add(kind, place, trace.operand(value, place)))

    return rule


def scaled_attention(
    trace: Trace,
    place: str,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Value:
    """`torch.nn.functional.scaled_dot_product_attention`, where True in a mask shows a token."""
    if dropout_p != 0 or attn_mask is not None:
        raise Refusal("no dropout and no mask but is_causal", "one of them")
    options = {"is_causal": int(is_causal)} | ({} if scale is None else {"scale": float(scale)})
    return Value(trace.add("Attention", place, *(trace.operand(x, place) for x in (query, key, value)), **options))


def _softmax(trace: Trace, place: str, value: Any, dim: Any = None, dtype: None = None, _stacklevel: int = 3) -> Value:
    if type(dim) is not int or dtype is not None:
        raise Refusal("an axis of softmax, and no type", f"{dim}, {dtype}")
    return Value(trace.add("Softmax", place, trace.operand(value, place), axis=dim))


def _reshape(trace: Trace, place: str, value: Any, *shape: Any) -> Value:
    lengths = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    return Value(trace.add("Reshape", place, trace.operand(value, place), trace.integers(place, [*lengths])))


def _permute(trace: Trace, place: str, value: Any, *order: Any) -> Value:
    axes = order[0] if len(order) == 1 and isinstance(order[0], (tuple, list)) else order
    perm = [axis % len(axes) for axis in axes]
    return Value(trace.add("Transpose", place, trace.operand(value, place), perm=perm))


def _item(trace: Trace, place: str, value: Any, index: Any) -> Value:
    """The first of several values, or entries of axes: integers and whole axes."""
    if isinstance(value, Value) and value.several:
        if index != 0:
            raise Refusal("the first of what a step makes, number 0", f"number {index}")
        return Value(value.name)
    name, axis = trace.operand(value, place), 0
    for each in index if isinstance(index, tuple) else (index,):
        if type(each) is int:
            constant = f"{place}.index.{len(trace.made.constants)}"
            trace.made.constants[constant] = Array(np.array(each, np.int64), "int64")
            name = trace.add("Gather", place, name, constant, axis=axis)
        elif each == slice(None):
            axis += 1
        else:
            raise Refusal("integers and whole axes", f"{each}")
    return Value(name)


def _flatten(trace: Trace, place: str, value: Any, start_dim: int = 0, end_dim: int = -1) -> Value:
    if start_dim != 1 or end_dim != -1:
        raise Refusal("start_dim = 1, end_dim = -1", f"{start_dim}, {end_dim}")
    return Value(trace.add("Flatten", place, trace.operand(value, place)))


def _over(kind: str) -> Callable[..., Value]:
    def rule(trace: Trace, place: str, value: Any, dim: Any = (), keepdim: bool = False) -> Value:
        axes = list(dim) if isinstance(dim, (tuple, list)) else [dim]
        given = [trace.integers(place, axes)] if axes else []
        return Value(trace.add(kind, place, trace.operand(value, place), *given, keepdims=int(keepdim)))

    return rule


def _largest(trace: Trace, place: str, value: Any, dim: int, keepdim: bool = False) -> Value:
    """Maxima, and where they are, which is not read."""
    return replace(_over("ReduceMax")(trace, place, value, dim, keepdim), several=True)


def _same(trace: Trace, place: str, value: Any) -> Value:
    return Value(trace.operand(value, place))


CALLS: dict[str, Callable[..., Value]] = {
    "add": _binary("Add"),
    "sub": _binary("Sub"),
    "mul": _binary("Mul"),
    "truediv": _binary("Div"),
    "div": _binary("Div"),
    "matmul": _binary("MatMul"),
    "bmm": _binary("MatMul"),
    "maximum": _binary("Max"),
    "minimum": _binary("Min"),
    "amax": _over("ReduceMax"),
    "amin": _over("ReduceMin"),
    "max": _largest,
    "relu": _unary("Relu"),
    "neg": _unary("Neg"),
    "abs": _unary("Abs"),
    "scaled_dot_product_attention": scaled_attention,
    "softmax": _softmax,
    "reshape": _reshape,
    "view": _reshape,
    "permute": _permute,
    "flatten": _flatten,
    "getitem": _item,
    "contiguous": _same,
}
