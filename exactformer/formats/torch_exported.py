"""Programs of `torch.export` as graphs: their steps are operators that PyTorch itself names, with tensors for weights.

A module of any class becomes such a program. What works in place is replaced by PyTorch by what does not. Importing
torch costs nothing, as who has a module or a program has imported it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np

from exactformer.errors import Faults, InvalidInput
from exactformer.formats.graphs import Array, Node, network_of
from exactformer.formats.graphs.graph import Refusal, noted
from exactformer.formats.graphs.joining import Input, joined
from exactformer.formats.reading import Reading
from exactformer.formats.torch import HOOKS, TYPES, Made, check_shape

Rule = Callable[..., Any]


@dataclass(frozen=True)
class Value:
    """What a step has made: a value of the graph, or several, of which the first is read."""

    name: str
    several: bool = False


def is_program(value: Any) -> bool:
    """Whether the value is what `torch.export.export` returns."""
    names = ((each.__module__, each.__name__) for each in type(value).__mro__)
    return ("torch.export.exported_program", "ExportedProgram") in names


def read_module(module: Any, shape: Sequence[int] | None) -> Reading:
    """The network of a module of any class, in evaluation mode, for inputs of a shape, without the batch.

    Raises `InvalidInput` where `torch.export` makes no program of it (it decides by values, say), and with every
    operator and option that is not read.
    """
    kind, faults = type(module).__name__, Faults("load", 1000)
    if shape is None:
        faults.add("shape", "the shape of one input, as in load(module, shape=(4,))", "none")
    size = (1,) if shape is None else check_shape(shape, faults)
    for name, part in module.named_modules():
        place = f"{kind}.{name}".strip(".")
        if any(getattr(part, hook, None) for hook in HOOKS) or "forward" in vars(part):
            faults.add(place, "a module without hooks", "one with such")
        if part.training:
            faults.add(place, "evaluation mode", "training mode; call .eval() first")
    faults.settle()
    return read(_exported(module, size), kind)


def _exported(module: Any, shape: Sequence[int]) -> Any:
    """The program of a module for a batch of one input."""
    import torch

    like = next(module.parameters(), torch.zeros(()))
    example = torch.zeros((1, *shape), dtype=like.dtype, device=like.device)
    try:
        return torch.export.export(module, (example,))
    except Exception as error:  # of the module's own code, which is run
        found = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:100] if str(error).strip() else ''}"
        raise InvalidInput(f"load: expected a module that torch.export can export, found {found}") from None


def read(program: Any, name: str = "program") -> Reading:
    """The network of a program, for inputs of the shapes that it was exported with.

    A first axis of any length is a batch of 1. Raises `InvalidInput` with every operator and option that is not read.
    """
    faults = Faults("load", 1000)
    steps = _Program(program.run_decompositions({}), faults)
    outputs = steps.run()
    faults.settle()
    graph = None
    with noted("inputs", faults):
        graph = joined(steps.inputs, steps.made.constants, steps.made.nodes, outputs, steps.notes)
    faults.settle()
    assert graph is not None
    return network_of(graph, "load", name)


class _Program:
    """The steps on their way to a graph."""

    def __init__(self, program: Any, faults: Faults) -> None:
        self.graph, self.made, self.type, self.faults = program.graph, Made(), "float", faults
        self.inputs, self.notes = list[Input](), list[str]()
        self.values: dict[str, Any] = {}
        self.weights = _weights(program)
        self.users = tuple(program.graph_signature.user_inputs)
        if program.graph_signature.buffers_to_mutate:
            faults.add("program", "buffers that are not changed (evaluation mode)", "some that are")

    def run(self) -> list[str]:
        """The names of all outputs."""
        outputs: list[str] = []
        for step in self.graph.nodes:
            if step.op == "call_function" and not step.users:  # as of nodes that nothing needs
                continue
            with noted(f"{step.op} {step.name:.40}", self.faults):
                if step.op == "output":
                    outputs = [self.name_of(value) for value in self.given(step.args[0])]
                else:
                    self.values[step.name] = self._made(step)
                continue
            self.values[step.name] = Value("")  # others may be wrong, too
        return outputs

    def _made(self, step: Any) -> Any:
        if step.op == "placeholder":
            return self._input(step) if step.name in self.users else self.weights[step.name]
        written = str(step.target).removeprefix("aten.").removesuffix(".default")
        name = "getitem" if step.target is operator.getitem else written
        args, options = self.given(step.args), self.given(dict(step.kwargs))
        if name in OF_CONSTANTS and not _depends((args, options)):
            return step.target(*args, **options)
        rule = RULES.get(name)
        if step.op != "call_function" or rule is None:
            raise Refusal("an operator that is piecewise linear and read", name)
        return called(rule, self, step, *args, **options)

    def _input(self, step: Any) -> Value:
        like = step.meta["val"]
        type = TYPES.get(str(like.dtype).removeprefix("torch."))
        if type is None:
            raise Refusal(f"a type among {', '.join(TYPES)}", str(like.dtype))
        lengths = list(like.shape)
        if len(lengths) > 1 and not isinstance(lengths[0], int):
            self.notes.append(f"input '{step.name:.40}': the length of the first axis is open: taken as a batch of 1")
            lengths[0] = 1
        if not lengths or not all(isinstance(n, int) and n > 0 for n in lengths):
            raise Refusal("lengths that are known, of all axes but the first of several", f"{lengths}")
        self.inputs.append(Input(step.name, tuple(lengths), type))
        self.type = type
        return Value(step.name)

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
        name = f"{place}.constant.{len(self.made.constants)}"
        if str(value.dtype) == "torch.bool":
            self.made.constants[name] = Array(np.array(value.tolist(), bool).reshape(tuple(value.shape)), "bool")
            return name
        return self.made.constant(value, name)

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


def _depends(value: Any) -> bool:
    """Whether there are values of the graph among arguments."""
    if isinstance(value, dict):
        return any(map(_depends, value.values()))
    return any(map(_depends, value)) if isinstance(value, (tuple, list)) else isinstance(value, Value)


def called(rule: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What a rule makes of arguments. Raises `Refusal` for those that it does not know."""
    try:
        signature(rule).bind(*args, **options)
    except TypeError as error:
        raise Refusal("arguments that are read", str(error)) from None
    return rule(*args, **options)


def _weights(program: Any) -> dict[str, Any]:
    """The tensors that the program holds, by the names of its placeholders."""
    found = {}
    for spec in program.graph_signature.input_specs:
        if spec.target is not None:
            held = program.state_dict.get(spec.target)
            found[spec.arg.name] = program.constants.get(spec.target) if held is None else held
    return found


def _lengths(step: Any) -> list[int]:
    """The shape of what a step makes; one length that is open is what is left."""
    lengths = [n if isinstance(n, int) else -1 for n in step.meta["val"].shape]
    if lengths.count(-1) > 1:
        raise Refusal("lengths that are known, of all axes but one", f"{list(step.meta['val'].shape)}")
    return lengths


# --- rules: what a step of the program is as operators of ONNX --------------------------------------


def _add(trace: _Program, step: Any, kind: str, *inputs: Any, **attributes: Any) -> Value:
    """One operator on values, tensors and numbers."""
    names = [each if isinstance(each, str) else trace.operand(each, step.name) for each in inputs]
    return Value(trace.add(kind, step.name, *names, **attributes))


def _unary(kind: str) -> Rule:
    return lambda trace, step, value: _add(trace, step, kind, value)


def _binary(kind: str) -> Rule:
    def rule(trace: _Program, step: Any, left: Any, right: Any, *, alpha: Any = 1) -> Value:
        if alpha != 1:
            raise Refusal("alpha = 1", f"{alpha}")
        return _add(trace, step, kind, left, right)

    return rule


def _same(trace: _Program, step: Any, value: Any, *, memory_format: Any = None) -> Value:
    return Value(trace.operand(value, step.name))


def _shaped(trace: _Program, step: Any, value: Any, *how: Any, **more: Any) -> Value:
    """Whatever keeps the entries in their order."""
    return _add(trace, step, "Reshape", value, trace.integers(step.name, _lengths(step)))


def _linear(trace: _Program, step: Any, value: Any, weight: Any, bias: Any = None) -> Value:
    result = _add(trace, step, "MatMul", value, _tensor(weight).detach().T)
    return result if bias is None else _add(trace, step, "Add", result, bias)


def _addmm(trace: _Program, step: Any, bias: Any, left: Any, right: Any) -> Value:
    return _add(trace, step, "Add", _add(trace, step, "MatMul", left, right), bias)


def _tensor(value: Any) -> Any:
    if isinstance(value, Value) or not hasattr(value, "detach"):
        raise Refusal("constant weights", "others")
    return value


def _conv(
    trace: _Program,
    step: Any,
    value: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Value:
    kernel = list(_tensor(weight).shape[2:])
    count = len(kernel)
    dilations = _each(dilation, count)
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        pads = [*(n // 2 for n in totals), *(n - n // 2 for n in totals)]
    else:
        pads = _each(0 if padding == "valid" else padding, count) * 2
    options = {"strides": _each(stride, count), "dilations": dilations, "pads": pads, "group": int(groups)}
    return _add(trace, step, "Conv", value, weight, *([] if bias is None else [bias]), **options)


def _each(value: Any, count: int) -> list[int]:
    """A length for each axis, of which one stands for all."""
    found = [int(n) for n in value] if isinstance(value, (tuple, list)) else [int(value)]
    return found * count if len(found) == 1 else found


def _max_pool(
    trace: _Program,
    step: Any,
    value: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Value:
    window = _window(step, kernel, stride, padding, ceil_mode)
    dilations = _each(dilation, len(window["kernel_shape"]))
    return _add(trace, step, "MaxPool", value, **window, dilations=dilations)


def _average_pool(
    trace: _Program,
    step: Any,
    value: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: None = None,
) -> Value:
    if divisor_override is not None:
        raise Refusal("no divisor_override", f"{divisor_override}")
    window = _window(step, kernel, stride, padding, ceil_mode)
    return _add(trace, step, "AveragePool", value, **window, count_include_pad=int(count_include_pad))


def _window(step: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool) -> dict[str, Any]:
    count = len(step.meta["val"].shape) - 2
    shape = _each(kernel, count)
    strides = shape if isinstance(stride, (tuple, list)) and not stride else _each(stride, count)
    return {"kernel_shape": shape, "strides": strides, "pads": _each(padding, count) * 2, "ceil_mode": int(ceil_mode)}


def _global_average(trace: _Program, step: Any, value: Any, size: Sequence[Any]) -> Value:
    if any(n != 1 for n in size):
        raise Refusal("an adaptive pool to one entry", f"{list(size)}")
    return _add(trace, step, "GlobalAveragePool", value)


def _normalised(
    trace: _Program,
    step: Any,
    value: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    momentum: float,
    eps: float,
) -> tuple[Value]:
    """Normalisation by what was measured in training; its other results are for training."""
    like = _tensor(variance).detach()
    scale, shift = like * 0 + 1 if weight is None else weight, like * 0 if bias is None else bias
    return (_add(trace, step, "BatchNormalization", value, scale, shift, mean, variance, epsilon=float(eps)),)


def _training(trace: _Program, step: Any, *values: Any) -> Value:
    raise Refusal("evaluation mode", "training mode", "; call .eval() before exporting")


def _dropout(trace: _Program, step: Any, value: Any, p: float, train: bool) -> Value:
    return _training(trace, step) if train else _same(trace, step, value)


def _leaky(trace: _Program, step: Any, value: Any, slope: float = 0.01) -> Value:
    return _add(trace, step, "LeakyRelu", value, alpha=float(slope))


def _clip(trace: _Program, step: Any, value: Any, low: Any = None, high: Any = None) -> Value:
    ends = ["" if end is None else trace.operand(end, step.name) for end in (low, high)]
    return _add(trace, step, "Clip", value, *ends)


def _swapped(trace: _Program, step: Any, value: Any, first: int = 0, second: int = 1) -> Value:
    rank = len(step.meta["val"].shape)
    if rank < 2:
        return _same(trace, step, value)
    perm = list(range(rank))
    perm[first % rank], perm[second % rank] = second % rank, first % rank
    return _add(trace, step, "Transpose", value, perm=perm)


def _permuted(trace: _Program, step: Any, value: Any, dims: Sequence[int]) -> Value:
    return _add(trace, step, "Transpose", value, perm=[n % len(dims) for n in dims])


def _selected(trace: _Program, step: Any, value: Any, dim: int, index: int) -> Value:
    name = f"{step.name}.index.{len(trace.made.constants)}"
    trace.made.constants[name] = Array(np.array(index, np.int64), "int64")
    return _add(trace, step, "Gather", value, name, axis=dim)


def _sliced(
    trace: _Program, step: Any, value: Any, dim: int = 0, start: Any = None, end: Any = None, steps: int = 1
) -> Value:
    ends = (0 if start is None else start, (1 << 62) if end is None else end, dim, steps)
    return _add(trace, step, "Slice", value, *(trace.integers(step.name, [n]) for n in ends))


def _joined(trace: _Program, step: Any, values: Sequence[Any], dim: int = 0) -> Value:
    return _add(trace, step, "Concat", *values, axis=dim)


def _over(kind: str) -> Rule:
    def rule(
        trace: _Program, step: Any, value: Any, dims: Any = (), keepdim: bool = False, *, dtype: None = None
    ) -> Value:
        axes = [dims] if isinstance(dims, int) else list(dims or ())
        given = [trace.integers(step.name, axes)] if axes else []
        return _add(trace, step, kind, value, *given, keepdims=int(keepdim))

    return rule


def _largest(trace: _Program, step: Any, value: Any, dim: int, keepdim: bool = False) -> Value:
    """Maxima, and where they are, which is not read."""
    axes = trace.integers(step.name, [dim])
    return replace(_add(trace, step, "ReduceMax", value, axes, keepdims=int(keepdim)), several=True)


def _item(trace: _Program, step: Any, values: Any, index: int) -> Any:
    """One of several values."""
    if isinstance(values, Value):
        if not values.several or index != 0:
            raise Refusal("the first of several values", f"number {index}")
        return replace(values, several=False)
    if not 0 <= index < len(values):
        raise Refusal(f"one of the first {len(values)} values", f"number {index}")
    return values[index]


def _softmax(trace: _Program, step: Any, value: Any, dim: int, dtype: None = None) -> Value:
    if dtype is not None:
        raise Refusal("softmax without a type", f"{dtype}")
    return _add(trace, step, "Softmax", value, axis=dim)


def _attention(
    trace: _Program,
    step: Any,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Value:
    """Attention, where True in a mask shows a token."""
    if dropout_p != 0 or enable_gqa:
        raise Refusal("no dropout, and as many heads of keys as of queries", "one of them")
    mask = [] if attn_mask is None else [_tensor(attn_mask)]
    options = {"is_causal": int(is_causal)} | ({} if scale is None else {"scale": float(scale)})
    return _add(trace, step, "Attention", query, key, value, *mask, **options)


def _hidden(trace: _Program, step: Any, value: Any, mask: Any, filling: Any) -> Value:
    """Another number where a mask is True."""
    return _add(trace, step, "Where", _tensor(mask), filling, value)


def _chosen(trace: _Program, step: Any, condition: Any, value: Any, other: Any) -> Value:
    return _add(trace, step, "Where", _tensor(condition), value, other)


def _length(trace: _Program, step: Any, value: Any, dim: int) -> int:
    """The length of an axis: of one of any length, that of the batch, 1."""
    return 1


def _expanded(trace: _Program, step: Any, value: Any, size: Sequence[Any], *, implicit: bool = False) -> Value:
    return _add(trace, step, "Expand", value, trace.integers(step.name, [abs(n) for n in _lengths(step)]))


def _split(trace: _Program, step: Any, value: Any, sizes: Any, dim: int = 0) -> list[Value]:
    """Parts of an axis, one after the other."""
    ends = np.cumsum([int(each.shape[dim]) for each in step.meta["val"]]).tolist()
    starts = [0, *ends[:-1]]
    return [_sliced(trace, step, value, dim, *each) for each in zip(starts, ends, strict=True)]


def _apart(trace: _Program, step: Any, value: Any, dim: int = 0) -> list[Value]:
    """The entries of an axis."""
    return [_selected(trace, step, value, dim, index) for index in range(len(step.meta["val"]))]


def _stacked(trace: _Program, step: Any, values: Sequence[Any], dim: int = 0) -> Value:
    axis = dim % len(step.meta["val"].shape)
    parts = [_add(trace, step, "Unsqueeze", value, trace.integers(step.name, [axis])) for value in values]
    return _add(trace, step, "Concat", *parts, axis=axis)


# What PyTorch computes itself, where nothing depends on the input: it moves numbers about and makes masks, and does
# not round.
OF_CONSTANTS = frozenset(
    (
        *("alias", "clone", "contiguous", "detach", "detach_", "lift_fresh_copy", "getitem"),
        *("cat", "expand", "flatten.using_ints", "permute", "reshape", "select.int", "slice.Tensor", "split.Tensor"),
        *("split_with_sizes", "squeeze.dim", "squeeze.dims", "stack", "t", "transpose.int", "tril", "triu"),
        *("unbind.int", "unflatten.int", "unsqueeze", "view"),
        *("arange", "arange.start", "arange.start_step", "full", "full_like", "ones", "ones_like", "zeros"),
        *("zeros_like", "eq.Scalar", "eq.Tensor", "ge.Scalar", "ge.Tensor", "gt.Scalar", "gt.Tensor", "le.Scalar"),
        *("le.Tensor", "lt.Scalar", "lt.Tensor", "bitwise_not", "logical_not", "masked_fill.Scalar", "where.self"),
        *("masked_fill.Tensor", "where.ScalarSelf", "where.ScalarOther", "where.Scalar"),
    )
)
RULES: Mapping[str, Rule] = {
    **{name: _unary(kind) for name, kind in (("relu", "Relu"), ("neg", "Neg"), ("abs", "Abs"))},
    **{
        f"{name}.{end}": _binary(kind)
        for name, kind in (("add", "Add"), ("sub", "Sub"), ("mul", "Mul"), ("div", "Div"))
        for end in ("Tensor", "Scalar")
    },
    **{name: _binary(kind) for name, kind in (("maximum", "Max"), ("minimum", "Min"))},
    **{name: _binary("MatMul") for name in ("matmul", "mm", "bmm")},
    **dict.fromkeys(("view", "reshape", "flatten.using_ints", "unflatten.int", "unsqueeze", "_unsafe_view"), _shaped),
    **dict.fromkeys(("squeeze", "squeeze.dim", "squeeze.dims"), _shaped),
    **dict.fromkeys(("alias", "clone", "contiguous", "detach"), _same),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "conv1d.padding", "conv2d.padding", "conv3d.padding"), _conv),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d"), _max_pool),
    **dict.fromkeys(("avg_pool2d", "avg_pool3d"), _average_pool),
    "adaptive_avg_pool2d": _global_average,
    "addmm": _addmm,
    "amax": _over("ReduceMax"),
    "amin": _over("ReduceMin"),
    "_native_batch_norm_legit_no_training": _normalised,
    "_native_batch_norm_legit": _training,
    "_native_batch_norm_legit_functional": _training,
    "cat": _joined,
    "clamp": _clip,
    "dropout": _dropout,
    "expand": _expanded,
    "getitem": _item,
    "hardtanh": _clip,
    "leaky_relu": _leaky,
    "linear": _linear,
    "masked_fill.Scalar": _hidden,
    "masked_fill.Tensor": _hidden,
    "max.dim": _largest,
    "mean.dim": _over("ReduceMean"),
    "permute": _permuted,
    "scaled_dot_product_attention": _attention,
    "select.int": _selected,
    "slice.Tensor": _sliced,
    "softmax.int": _softmax,
    "split.Tensor": _split,
    "split_with_sizes": _split,
    "stack": _stacked,
    "sum.dim_IntList": _over("ReduceSum"),
    "t": _swapped,
    "transpose.int": _swapped,
    "unbind.int": _apart,
    "sym_size.int": _length,
    "where.self": _chosen,
}
