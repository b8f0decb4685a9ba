"""Graphs as ONNX files: the other module that imports the package onnx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from exactformer.errors import Unsupported
from exactformer.formats.graphs.graph import Array, Graph, Node
from exactformer.formats.onnx import TYPED
from exactformer.version import __version__

OPSET = 18
IR_VERSION = 10  # what runtimes of several years read


def dump(graph: Graph, outputs: int, metadata: Mapping[str, str] | None = None) -> bytes:
    """The ONNX file of a graph whose first axis is a batch of any length; the same graph gives the same bytes.

    Raises `Unsupported` where the package onnx is not installed.
    """
    try:
        import onnx
        from onnx import helper
    except ImportError:
        raise Unsupported("export: expected the package onnx, found none; pip install 'exactformer[io]'") from None
    number = onnx.TensorProto.DataType.Value(graph.type.upper())
    made = helper.make_graph(
        [_node(node) for node in graph.nodes],
        "exactformer",
        [helper.make_tensor_value_info(graph.input, number, ["batch", *graph.shape[1:]])],
        [helper.make_tensor_value_info(graph.output, number, ["batch", outputs])],
        [_tensor(name, array) for name, array in graph.constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version, model.producer_name, model.producer_version = IR_VERSION, "exactformer", __version__
    helper.set_model_props(model, dict(metadata or {}))
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _node(node: Node) -> Any:
    from onnx import TensorProto, helper

    attributes = {
        name: TensorProto.DataType.Value(value.upper()) if name in TYPED else value
        for name, value in node.attributes.items()
    }
    return helper.make_node(node.operator, node.inputs, node.outputs, name=node.place, **attributes)


def _tensor(name: str, array: Array) -> Any:
    from onnx import TensorProto, helper

    values = np.asarray(array.values, order="C")
    little = values.astype(values.dtype.newbyteorder("<"))
    number = TensorProto.DataType.Value(array.type.upper())
    return helper.make_tensor(name, number, values.shape, little.tobytes(), raw=True)
