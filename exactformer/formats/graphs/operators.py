"""The operators that are read, each with all its attributes in every version from `OPSETS` and what it does.

Attributes that are not listed are refused, as are their values where the functions say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from exactformer.formats.graphs import linear, moving, pointwise, windows
from exactformer.formats.graphs.call import Call
from exactformer.formats.graphs.graph import Array
from exactformer.formats.graphs.tensor import Tensor

OPSETS = range(7, 29)  # before, operators repeated their inputs by other rules

_KINDS: Mapping[str, Any] = {"int": int, "float": float, "str": str}


@dataclass(frozen=True)
class Attribute:
    """What kind of value an attribute has (`ints` and `floats`: a list), and what it is where it is left out."""

    kind: str
    default: Any = None
    required: bool = False

    def fits(self, value: Any) -> bool:
        """Whether a value is of this kind."""
        if self.kind.endswith("s"):
            return isinstance(value, list) and all(type(x) is _KINDS[self.kind[:-1]] for x in value)
        return type(value) is _KINDS[self.kind] if self.kind in _KINDS else isinstance(value, Array)


@dataclass(frozen=True)
class Operator:
    """How many inputs an operator has at least and at most, its attributes, and the tensors that it makes."""

    run: Callable[[Call], list[Tensor]]
    inputs: tuple[int, int] = (1, 1)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


ANY = 1 << 20
INT, FLOAT, TEXT = partial(Attribute, "int"), partial(Attribute, "float"), partial(Attribute, "str")
INTS = Attribute("ints")
WINDOW = {"auto_pad": TEXT("NOTSET"), "kernel_shape": INTS, "pads": INTS, "strides": INTS, "dilations": INTS}
REDUCTION = {"axes": INTS, "keepdims": INT(1), "noop_with_empty_axes": INT(0)}
SCALING = {"axis": INT(1), "block_size": INT(0)}
VALUES = {
    "value": Attribute("array"),
    "value_float": FLOAT(),
    "value_floats": Attribute("floats"),
    "value_int": INT(),
    "value_ints": INTS,
}

OPERATORS: dict[str, Operator] = {
    "Abs": Operator(pointwise.absolute),
    "Add": Operator(pointwise.plus, (2, 2)),
    "AveragePool": Operator(windows.average_pool, (1, 1), {**WINDOW, "ceil_mode": INT(0), "count_include_pad": INT(0)}),
    "BatchNormalization": Operator(
        linear.normalised,
        (5, 5),
        {"epsilon": FLOAT(1e-5), "momentum": FLOAT(0.9), "training_mode": INT(0), "spatial": INT(1)},
    ),
    "Cast": Operator(pointwise.cast, (1, 1), {"to": TEXT(required=True), "saturate": INT(1), "round_mode": TEXT("up")}),
    "Clip": Operator(pointwise.clip, (1, 3), {"min": FLOAT(), "max": FLOAT()}),
    "Concat": Operator(moving.concatenated, (1, ANY), {"axis": INT(required=True)}),
    "Constant": Operator(moving.constants, (0, 0), VALUES),
    "ConstantOfShape": Operator(moving.constant_of_shape, (1, 1), {"value": Attribute("array")}),
    "Conv": Operator(windows.conv, (2, 3), {**WINDOW, "group": INT(1)}),
    "DequantizeLinear": Operator(pointwise.dequantized, (2, 3), {**SCALING, "output_dtype": TEXT()}),
    "Div": Operator(pointwise.divided, (2, 2)),
    "Dropout": Operator(moving.dropout, (1, 3), {"ratio": FLOAT(0.5), "seed": INT()}),
    "Equal": Operator(pointwise.equal, (2, 2)),
    "Expand": Operator(moving.expand, (2, 2)),
    "Flatten": Operator(moving.flatten, (1, 1), {"axis": INT(1)}),
    "Gather": Operator(moving.gather, (2, 2), {"axis": INT(0)}),
    "Gemm": Operator(
        linear.gemm, (2, 3), {"alpha": FLOAT(1.0), "beta": FLOAT(1.0), "transA": INT(0), "transB": INT(0)}
    ),
    "GlobalAveragePool": Operator(linear.global_average),
    "Identity": Operator(moving.identity),
    "LeakyRelu": Operator(pointwise.leaky_relu, (1, 1), {"alpha": FLOAT(0.01)}),
    "MatMul": Operator(linear.matmul, (2, 2)),
    "Max": Operator(pointwise.largest, (1, ANY)),
    "MaxPool": Operator(windows.max_pool, (1, 1), {**WINDOW, "ceil_mode": INT(0), "storage_order": INT(0)}),
    "Min": Operator(pointwise.smallest, (1, ANY)),
    "Mod": Operator(pointwise.remainder, (2, 2), {"fmod": INT(0)}),
    "Mul": Operator(pointwise.times, (2, 2)),
    "Neg": Operator(pointwise.negated),
    "PRelu": Operator(pointwise.prelu, (2, 2)),
    "Pad": Operator(moving.padded, (1, 4), {"mode": TEXT("constant"), "pads": INTS, "value": FLOAT(0.0)}),
    "QuantizeLinear": Operator(
        pointwise.quantized, (2, 3), {**SCALING, "saturate": INT(1), "output_dtype": TEXT(), "precision": INT(0)}
    ),
    "ReduceMax": Operator(windows.largest_over, (1, 2), REDUCTION),
    "ReduceMean": Operator(partial(linear.reduced, mean=True), (1, 2), REDUCTION),
    "ReduceMin": Operator(partial(windows.largest_over, sign=-1), (1, 2), REDUCTION),
    "ReduceSum": Operator(partial(linear.reduced, mean=False), (1, 2), REDUCTION),
    "Relu": Operator(pointwise.relu),
    "Reshape": Operator(moving.reshape, (2, 2), {"allowzero": INT(0)}),
    "Shape": Operator(moving.shape_of, (1, 1), {"start": INT(0), "end": INT()}),
    "Slice": Operator(moving.slices, (1, 5), {"starts": INTS, "ends": INTS, "axes": INTS}),
    "Split": Operator(moving.split, (1, 2), {"axis": INT(0), "split": INTS, "num_outputs": INT()}),
    "Sqrt": Operator(pointwise.root),
    "Squeeze": Operator(moving.squeeze, (1, 2), {"axes": INTS}),
    "Sub": Operator(pointwise.minus, (2, 2)),
    "Sum": Operator(pointwise.total, (1, ANY)),
    "Transpose": Operator(moving.transpose, (1, 1), {"perm": INTS}),
    "Unsqueeze": Operator(moving.unsqueeze, (1, 2), {"axes": INTS}),
    "Where": Operator(pointwise.chosen, (3, 3)),
}
