"""Programs of `torch.export` as graphs: steps of PyTorch's own operators on weights that the program holds.

A program changes nothing in place, and says the shape of every value. Importing torch costs nothing, as who has a
program has imported it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from exactformer.errors import Faults
from exactformer.formats.graphs import Array, network_of
from exactformer.formats.graphs.graph import Refusal, noted
from exactformer.formats.graphs.joining import Input, joined
from exactformer.formats.reading import Reading
from exactformer.formats.torch import TYPES, Made
from exactformer.formats.torch_traced import Trace, Value, called, scaled_attention

Rule = Callable[..., Value]


def is_program(value: Any) -> bool:
    """Whether the value is what `torch.export.export` returns."""
    names = ((each.__module__, each.__name__) for each in type(value).__mro__)
    return ("torch.export.exported_program", "ExportedProgram") in names


def read(program: Any) -> Reading:
    """The network of a program, for inputs of the shapes that it was exported with.

    A first axis of any length is a batch of 1. Raises `InvalidInput` with every operator and option that is not read.
    """
    faults = Faults("load", 1000)
    steps = _Program(program, faults)
    outputs = steps.run_all()
    faults.settle()
    graph = None
    with noted("inputs", faults):
        graph = joined(steps.inputs, steps.made.constants, steps.made.nodes, outputs, steps.notes)
    faults.settle()
    assert graph is not None
    return network_of(graph, "load", "program")


class _Program(Trace):
    """The steps on their way to a graph."""

    def __init__(self, program: Any, faults: Faults) -> None:
        super().__init__(None, program.graph, Made(), "float", faults)
        self.program, self.inputs, self.notes = program, list[Input](), list[str]()
        self.weights = _weights(program)
        self.users = tuple(program.graph_signature.user_inputs)
        if program.graph_signature.buffers_to_mutate:
            faults.add("program", "buffers that are not changed (evaluation mode)", "some that are")

    def run_all(self) -> list[str]:
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
        rule = RULES.get(name)
        if step.op != "call_function" or rule is None:
            raise Refusal(f"an operator among {', '.join(sorted(RULES))}", name)
        return called(rule, self, step, *self.given(step.args), **self.given(dict(step.kwargs)))

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
    training: bool,
    momentum: float,
    eps: float,
    cudnn: bool = False,
) -> Value:
    if training or mean is None or variance is None:
        raise Refusal("evaluation mode, with running statistics", "other", "; call .eval() before exporting")
    like = variance.detach()
    scale, shift = like * 0 + 1 if weight is None else weight, like * 0 if bias is None else bias
    return _add(trace, step, "BatchNormalization", value, scale, shift, mean, variance, epsilon=float(eps))


def _dropout(trace: _Program, step: Any, value: Any, p: float, train: bool) -> Value:
    if train:
        raise Refusal("evaluation mode", "training mode", "; call .eval() before exporting")
    return _same(trace, step, value)


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


def _first(trace: _Program, step: Any, value: Any, index: int) -> Value:
    if not isinstance(value, Value) or not value.several or index != 0:
        raise Refusal("the first of several values", f"number {index}")
    return replace(value, several=False)


def _softmax(trace: _Program, step: Any, value: Any, dim: int, dtype: None = None) -> Value:
    if dtype is not None:
        raise Refusal("softmax without a type", f"{dtype}")
    return _add(trace, step, "Softmax", value, axis=dim)


def _attention(trace: _Program, step: Any, *values: Any, enable_gqa: bool = False, **options: Any) -> Value:
    if enable_gqa:
        raise Refusal("as many heads of keys as of queries", "enable_gqa = True")
    result: Value = called(scaled_attention, trace, step.name, *values, **options)
    return result


RULES: Mapping[str, Rule] = {
    **{name: _unary(kind) for name, kind in (("relu", "Relu"), ("neg", "Neg"), ("abs", "Abs"))},
    **{
        f"{name}.{end}": _binary(kind)
        for name, kind in (("add", "Add"), ("sub", "Sub"), ("mul", "Mul"), ("div", "Div"))
        for end in ("Tensor", "Scalar")
    },
    **{name: _binary(kind) for name, kind in (("maximum", "Max"), ("minimum", "Min"))},
    **{name: _binary("MatMul") for name in ("matmul", "mm", "bmm")},
    **dict.fromkeys(("view", "reshape", "flatten.using_ints", "unflatten.int", "unsqueeze"), _shaped),
    **dict.fromkeys(("squeeze", "squeeze.dim", "squeeze.dims"), _shaped),
    **dict.fromkeys(("alias", "clone", "contiguous", "detach"), _same),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "conv1d.padding", "conv2d.padding", "conv3d.padding"), _conv),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d"), _max_pool),
    **dict.fromkeys(("avg_pool2d", "avg_pool3d"), _average_pool),
    "adaptive_avg_pool2d": _global_average,
    "addmm": _addmm,
    "amax": _over("ReduceMax"),
    "amin": _over("ReduceMin"),
    "batch_norm": _normalised,
    "cat": _joined,
    "clamp": _clip,
    "dropout": _dropout,
    "getitem": _first,
    "hardtanh": _clip,
    "leaky_relu": _leaky,
    "linear": _linear,
    "max.dim": _largest,
    "mean.dim": _over("ReduceMean"),
    "permute": _permuted,
    "scaled_dot_product_attention": _attention,
    "select.int": _selected,
    "slice.Tensor": _sliced,
    "softmax.int": _softmax,
    "sum.dim_IntList": _over("ReduceSum"),
    "t": _swapped,
    "transpose.int": _swapped,
}
