"""ONNX graphs for tests, and what onnxruntime says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from exactformer.formats import onnx as reader
from exactformer.formats.reading import Reading

Array = np.ndarray[Any, Any]
OPSET = 18


def f32(data: Any) -> Array:
    return np.array(data, np.float32)


def i64(*data: int) -> Array:
    return np.array(data, np.int64)


def node(operator: str, inputs: str, outputs: str = "y", **attributes: Any) -> onnx.NodeProto:
    """A node whose inputs and outputs are named in a text; `_` stands for one that is left out."""
    names = [["" if name == "_" else name for name in text.split()] for text in (inputs, outputs)]
    return helper.make_node(operator, *names, name=f"{operator}-{outputs.split()[0]}", **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[Any],
    constants: Mapping[str, Array] | None = None,
    *,
    opset: int = OPSET,
    type: int = TensorProto.FLOAT,
    output: str = "y",
) -> onnx.ModelProto:
    """A model with the input x and one output."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", type, shape)],
        [helper.make_tensor_value_info(output, type, None)],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 10
    return made


def read(made: onnx.ModelProto, source: str = "net.onnx") -> Reading:
    return reader.parse(made.SerializeToString(), source, "net")


def runtime(made: onnx.ModelProto, x: Array) -> Array:
    """What onnxruntime computes, flattened."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, ["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    return np.asarray(found).reshape(-1)


def whole_points(shape: Sequence[int], count: int = 3, seed: int = 0) -> list[Array]:
    """Points with small integer coordinates, 0 among them."""
    random = np.random.default_rng(seed)
    points = [random.integers(-5, 6, shape).astype(np.float32) for _ in range(count)]
    return [np.zeros(shape, np.float32), *points]


def same_as_runtime(made: onnx.ModelProto, shape: Sequence[int], points: Sequence[Array] | None = None) -> Reading:
    """Compare the exact value with the runtime's, on graphs whose arithmetic is exact in its floats."""
    found = read(made)
    for x in whole_points(shape) if points is None else points:
        exact = found.network.evaluate(x.reshape(-1).tolist())
        assert list(exact) == [Fraction(float(y)) for y in runtime(made, x)]
    return found
