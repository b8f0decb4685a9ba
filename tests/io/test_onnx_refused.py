"""What is no network that can be read: one clear message with the node or tensor, no traceback, no memory."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from graph_material import f32, i64, model, node, read
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from exactformer.cli import main
from exactformer.errors import InvalidInput
from exactformer.formats import disk, load
from exactformer.formats import onnx as reader
from exactformer.formats.graphs.tensor import MAX_TERMS

W = f32([[1, 2], [3, 4], [5, 6]])


def reasons(made: onnx.ModelProto | bytes, source: str = "net.onnx") -> tuple[str, ...]:
    data = made if isinstance(made, bytes) else made.SerializeToString()
    with pytest.raises(InvalidInput) as caught:
        reader.parse(data, source)
    assert all(reason.startswith(f"{source}: ") for reason in caught.value.reasons)
    return tuple(reason.removeprefix(f"{source}: ") for reason in caught.value.reasons)


# --- operators and attributes ----------------------------------------------------------------------


def test_all_reasons_are_said_at_once() -> None:
    nodes = [
        node("Sigmoid", "x", "a"),
        node("Gemm", "a w", "b", fancy=1, transA=1.5),
        node("Softmax", "b", "c"),
        node("MaxPool", "c", "d"),
        node("Relu", "d e", "y"),
    ]
    custom = helper.make_node("Relu", ["x"], ["e"], domain="own.domain", name="mine")
    found = reasons(model([custom, *nodes], (1, 3), {"w": W}))
    assert found == (
        "node 'mine' (Relu): expected an operator that is piecewise linear and read, found own.domain.Relu",
        "node 'Sigmoid-a' (Sigmoid): expected an operator that is piecewise linear and read, found Sigmoid",
        "node 'Gemm-b' (Gemm): expected only attributes that are read (alpha, beta, transA, transB), "
        "found attribute fancy",
        "node 'Gemm-b' (Gemm): expected an attribute transA of the kind int, found 1.5",
        "node 'Softmax-c' (Softmax): expected an attribute axis, found none",
        "node 'Relu-y' (Relu): expected 1 to 1 inputs, found 2",
    )


def test_more_than_twenty_reasons() -> None:
    nodes = [node("Tanh", "x" if i == 0 else f"v{i}", "y" if i == 39 else f"v{i + 1}") for i in range(40)]
    assert len(reasons(model(nodes, (3,)))) == 40


def test_nodes_that_nothing_needs_are_no_reason() -> None:
    assert read(model([node("Relu", "x"), node("Sigmoid", "x", "z")], (3,))).network.size == "3-3-3"


POOL = {"kernel_shape": [2, 2]}
IMAGE = (1, 1, 4, 4)
NODES: dict[str, tuple[onnx.NodeProto, tuple[int, ...], dict[str, Any], str]] = {
    "product of values": (node("Mul", "x x"), (3,), {}, "a product of two values that depend on the input"),
    "matrix product of values": (node("MatMul", "x x"), (2, 2), {}, "a product of two values that depend on the input"),
    "gemm of values": (node("Gemm", "x x"), (2, 2), {}, "a product of two values that depend on the input"),
    "division by a value": (node("Div", "w x"), (2,), {"w": W}, "expected a constant as the divisor"),
    "division by zero": (node("Div", "x b"), (2,), {"b": f32([1, 0])}, "expected a divisor that is not zero, found 0"),
    "root of a value": (node("Sqrt", "x"), (2,), {}, "expected a constant as a number under a square root"),
    "root below zero": (node("Sqrt", "b"), (2,), {"b": f32([1, -1])}, "expected floats that are not negative"),
    "remainder by zero": (node("Mod", "b b"), (2,), {"b": i64(0)}, "the remainder of an integer by one that is not"),
    "a condition of values": (node("Where", "x x x"), (2,), {}, "expected a constant as a condition"),
    "a choice of types": (
        node("Where", "b x c"),
        (2,),
        {"b": np.array([True, False]), "c": i64(1)},
        "expected a condition, and two values of one type, found bool, float, int64",
    ),
    "shapes": (node("Add", "x b"), (2,), {"b": f32([1, 2, 3])}, "expected shapes that fit together, found 2 and 3"),
    "inner lengths": (node("MatMul", "x w"), (1, 2), {"w": W}, "expected matrices that can be multiplied"),
    "types": (node("Add", "x b"), (2,), {"b": i64(1, 2)}, "expected numbers of one type, found float and int64"),
    "gemm of vectors": (node("Gemm", "x w"), (3,), {"w": W}, "expected a matrix, found shape 3"),
    "gemm with a large C": (
        node("Gemm", "x w c"),
        (1, 3),
        {"w": W, "c": f32(np.ones((2, 2)))},
        "a C that repeats to a result",
    ),
    "gemm, transposed thrice": (node("Gemm", "x w", transB=3), (1, 3), {"w": W}, "transB of 0 or 1"),
    "conv with weights of the input": (
        node("Conv", "w x"),
        IMAGE,
        {"w": f32(np.ones(IMAGE))},
        "a constant as the weights",
    ),
    "conv with another kernel": (
        node("Conv", "x w", kernel_shape=[3, 3]),
        IMAGE,
        {"w": f32(np.ones((1, 1, 2, 2)))},
        "kernel_shape = [2, 2]",
    ),
    "conv in groups": (
        node("Conv", "x w", group=2),
        IMAGE,
        {"w": f32(np.ones((1, 1, 2, 2)))},
        "that the groups divide",
    ),
    "conv in no group": (
        node("Conv", "x w", group=0),
        IMAGE,
        {"w": f32(np.ones((1, 1, 2, 2)))},
        "that the groups divide",
    ),
    "conv with auto_pad": (
        node("Conv", "x w", auto_pad="BEST"),
        IMAGE,
        {"w": f32(np.ones((1, 1, 2, 2)))},
        "found BEST, 0",
    ),
    "conv with auto_pad and pads": (
        node("Conv", "x w", auto_pad="VALID", pads=[1, 0, 0, 0]),
        IMAGE,
        {"w": f32(np.ones((1, 1, 2, 2)))},
        "without pads",
    ),
    "conv with a large kernel": (
        node("Conv", "x w"),
        IMAGE,
        {"w": f32(np.ones((1, 1, 5, 5)))},
        "a window of at most 4",
    ),
    "conv with a bias": (
        node("Conv", "x w b"),
        IMAGE,
        {"w": f32(np.ones((1, 1, 2, 2))), "b": f32([1, 2])},
        "a bias of shape 1, found 2",
    ),
    "strides of 0": (node("MaxPool", "x", strides=[0, 1], **POOL), IMAGE, {}, "2 strides, from 1"),
    "strides of one axis": (node("MaxPool", "x", strides=[1], **POOL), IMAGE, {}, "2 strides, from 1"),
    "huge strides": (node("MaxPool", "x", strides=[1 << 40, 1], **POOL), IMAGE, {}, "2 strides, from 1"),
    "huge pads": (node("MaxPool", "x", pads=[1 << 30, 0, 0, 0], **POOL), IMAGE, {}, "entries and terms"),
    "negative pads": (node("MaxPool", "x", pads=[-1, 0, 0, 0], **POOL), IMAGE, {}, "4 pads, from 0"),
    "negative kernel": (node("MaxPool", "x", kernel_shape=[-2, 2]), IMAGE, {}, "at least one entry"),
    "huge kernel": (node("MaxPool", "x", kernel_shape=[1 << 62, 1 << 62]), IMAGE, {}, "at least one entry"),
    "no kernel": (node("MaxPool", "x"), IMAGE, {}, "a kernel_shape"),
    "window in the padding": (
        node("MaxPool", "x", pads=[2, 0, 0, 0], **POOL),
        IMAGE,
        {},
        "expected windows that meet the input",
    ),
    "storage_order": (node("MaxPool", "x", storage_order=2, **POOL), IMAGE, {}, "storage_order of 0 or 1"),
    "window behind the input": (
        node("MaxPool", "x", kernel_shape=[1, 1], strides=[3, 3], pads=[0, 0, 2, 2], ceil_mode=1),
        IMAGE,
        {},
        "expected windows that begin before the end of the input",
    ),
    "ceil_mode": (node("MaxPool", "x", ceil_mode=2, **POOL), IMAGE, {}, "ceil_mode = 0 or 1"),
    "a dilated pool of the same size": (
        node("MaxPool", "x", auto_pad="SAME_UPPER", dilations=[2, 1], **POOL),
        IMAGE,
        {},
        "runtimes differ, found SAME_UPPER",
    ),
    "a pool of the same size that skips entries": (
        node("AveragePool", "x", auto_pad="SAME_LOWER", kernel_shape=[1, 1], strides=[3, 1]),
        (1, 1, 5, 4),
        {},
        "runtimes differ, found SAME_LOWER",
    ),
    "means of padding": (node("AveragePool", "x", ceil_mode=1, count_include_pad=1, **POOL), IMAGE, {}, "found both 1"),
    "training": (
        node("BatchNormalization", "x s s s s", training_mode=1),
        (1, 1),
        {"s": f32([1])},
        "found training_mode = 1",
    ),
    "negative variance": (node("BatchNormalization", "x s s s v"), (1, 1), {"s": f32([1]), "v": f32([-1])}, "> 0"),
    "dropping": (node("Dropout", "x _ t"), (3,), {"t": np.array(True)}, "found training_mode = 1"),
    "reshape to another size": (
        node("Reshape", "x s"),
        (2, 3),
        {"s": i64(4, 2)},
        "a shape of 6 entries, found shape [4, 2]",
    ),
    "reshape to two unknown lengths": (node("Reshape", "x s"), (2, 3), {"s": i64(-1, -1)}, "a shape of 6 entries"),
    "reshape by a value": (node("Reshape", "x x"), (2, 3), {}, "a constant as shape"),
    "transpose": (node("Transpose", "x", perm=[0, 0]), (2, 3), {}, "an order of 2 axes, found perm = [0, 0]"),
    "squeeze": (node("Squeeze", "x a"), (2, 3), {"a": i64(0)}, "axes of length one"),
    "many axes": (node("Unsqueeze", "x a"), (2, 3), {"a": i64(*range(40))}, "at most 32 axes"),
    "flatten": (node("Flatten", "x", axis=3), (2, 3), {}, "an axis from -2 to 2, found 3"),
    "axis": (node("Concat", "x x", axis=2), (2, 3), {}, "an axis from -2 to 1, found 2"),
    "concat": (node("Concat", "x w", axis=0), (1, 3), {"w": W}, "shapes that differ on axis 0 only"),
    "no axis": (node("Concat", "x x"), (1, 3), {}, "expected an attribute axis, found none"),
    "gather": (node("Gather", "x i"), (3,), {"i": i64(3)}, "indices from -3 to 2, found 3"),
    "gather by floats": (node("Gather", "x i"), (3,), {"i": f32([1])}, "indices from -3 to 2, found float"),
    "slice": (node("Slice", "x s s s t"), (3,), {"s": i64(0), "t": i64(0)}, "none 0"),
    "a sum of truth values": (node("Add", "b b"), (3,), {"b": np.array([True])}, "numbers of one type, found bool"),
    "split in many parts": (node("Split", "x", num_outputs=1 << 60), (3,), {}, "parts of equal length"),
    "normalisation by integers": (
        node("BatchNormalization", "x s s s v"),
        (1, 1),
        {"s": i64(1), "v": i64(2)},
        "expected floating-point numbers, found int64",
    ),
    "split": (node("Split", "x s"), (3,), {"s": i64(1, 1)}, "parts of length 3 together"),
    "expand": (node("Expand", "x s"), (3,), {"s": i64(2)}, "a shape that 3 fits"),
    "huge expand": (node("Expand", "x s"), (1,), {"s": i64(1 << 60)}, "entries and terms"),
    "pad": (node("Pad", "x p"), (3,), {"p": i64(1)}, "2 pads, found [1]"),
    "pad away": (node("Pad", "x p"), (3,), {"p": i64(-2, -2)}, "at most all entries of an axis taken away"),
    "pad around": (node("Pad", "x p", mode="wrap"), (3,), {"p": i64(1, 1)}, "mode = wrap"),
    "pad by a long reflection": (
        node("Pad", "x p", mode="reflect"),
        (3,),
        {"p": i64(3, 0)},
        "pads shorter than the axis",
    ),
    "huge pad": (node("Pad", "x p"), (3,), {"p": i64(1 << 62, 1 << 62)}, "entries and terms"),
    "huge constant": (node("ConstantOfShape", "s"), (3,), {"s": i64(1 << 31, 1 << 31)}, "entries and terms"),
    "constant of two values": (node("Constant", "", value_int=1, value_float=2.0), (3,), {}, "one value, found"),
    "constant of none": (node("Constant", ""), (3,), {}, "expected one value, found none"),
    "constant text": (node("Constant", "", value_string="a"), (3,), {}, "attribute value_string"),
    "cast to integers": (node("Cast", "x", to=TensorProto.INT64), (3,), {}, "found int64"),
    "cast to text": (node("Cast", "x", to=TensorProto.STRING), (3,), {}, "found string"),
    "cast to nothing": (node("Cast", "x", to=99), (3,), {}, "found number 99"),
    "cast that rounds": (
        node("Cast", "b", to=TensorProto.FLOAT),
        (3,),
        {"b": np.array([0.1])},
        "constants that the type float holds exactly",
    ),
    "quantize a value": (node("QuantizeLinear", "x s"), (3,), {"s": f32(1)}, "a constant as the numbers to quantize"),
    "quantize by zero": (node("QuantizeLinear", "b s"), (3,), {"b": W, "s": f32(0)}, "a scale > 0"),
    "dequantize in blocks": (
        node("DequantizeLinear", "q s", block_size=2),
        (3,),
        {"q": i64(1).astype(np.int8), "s": f32(1)},
        "block_size = 0",
    ),
    "dequantize floats": (
        node("DequantizeLinear", "b s"),
        (3,),
        {"b": W, "s": f32(1)},
        "expected integers, found float",
    ),
    "slopes of a value": (node("PRelu", "x x"), (3,), {}, "a constant as the slope"),
    "many slopes": (node("PRelu", "x s"), (3,), {"s": W}, "shapes that fit together"),
    "bounds that are no number": (node("Clip", "x b"), (3,), {"b": f32([1, 2, 3])}, "one number as min"),
    "bound twice": (
        node("Clip", "x b", min=0.0),
        (3,),
        {"b": f32(1)},
        "min as an attribute or as an input, found both",
    ),
    "an infinite slope": (
        node("LeakyRelu", "x", alpha=float("inf")),
        (3,),
        {},
        "attribute alpha: expected finite numbers",
    ),
    "an output of nothing": (node("Slice", "x s s"), (3,), {"s": i64(0)}, "at least one number, found none"),
    "not made": (node("Relu", "z"), (3,), {}, "values that are made before they are used, found 'z'"),
    "no input": (node("Relu", "_"), (3,), {}, "an input number 0, found none"),
    "the places of maxima": (node("MaxPool", "x", "m y", **POOL), IMAGE, {}, "a second one that is used"),
}


@pytest.mark.parametrize("name", NODES)
def test_nodes(name: str) -> None:
    made, shape, constants, message = NODES[name]
    found = reasons(model([made], shape, constants))
    assert len(found) == 1 and message in found[0]
    assert found[0].startswith((f"node '{made.name}' ({made.op_type})", "output 'y'"))


# --- files -----------------------------------------------------------------------------------------


def relu(**options: Any) -> onnx.ModelProto:
    return model([node("MatMul", "x w", "a"), node("Relu", "a")], (1, 3), {"w": W}, **options)


def changed(change: Callable[[Any], object], **options: Any) -> onnx.ModelProto:
    made = relu(**options)
    change(made)
    return made


def input_type(**fields: Any) -> Callable[[Any], object]:
    return lambda made: made.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", **fields))


def tensor(**fields: Any) -> Callable[[Any], object]:
    """Changes fields of the weights."""

    def change(made: Any) -> None:
        for name, value in fields.items():
            if isinstance(value, list):
                made.graph.initializer[0].ClearField(name)
                getattr(made.graph.initializer[0], name).extend(value)
            else:
                setattr(made.graph.initializer[0], name, value)

    return change


def twice(part: str) -> Callable[[Any], object]:
    return lambda made: getattr(made.graph, part).append(getattr(made.graph, part)[0])


def cycle(made: Any) -> None:
    made.graph.node[0].input[0] = "y"


def sparse(made: Any) -> None:
    values, indices = numpy_helper.from_array(f32([1]), "s"), numpy_helper.from_array(i64(0), "i")
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [3]))


def opset(*versions: tuple[str, int]) -> Callable[[Any], object]:
    def change(made: Any) -> None:
        made.ClearField("opset_import")
        made.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in versions)

    return change


def own_function(made: Any) -> None:
    made.functions.append(helper.make_function("", "Relu", ["a"], ["b"], [node("Neg", "a", "b")], made.opset_import))


def subgraph(made: Any) -> None:
    made.graph.node[1].attribute.append(helper.make_attribute("body", made.graph))


def repeated_attribute(made: Any) -> None:
    made.graph.node[1].attribute.extend([helper.make_attribute("alpha", 1.0)] * 2)


def reference(made: Any) -> None:
    made.graph.node[1].attribute.append(helper.make_attribute("alpha", 1.0))
    made.graph.node[1].attribute[0].ref_attr_name = "outer"


def outside(**entries: str) -> Callable[[Any], object]:
    def change(made: Any) -> None:
        weights = made.graph.initializer[0]
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            weights.external_data.add(key=key, value=value)

    return change


def second_input(made: Any) -> None:
    made.graph.input.append(helper.make_tensor_value_info("z", TensorProto.DOUBLE, (2,)))


NAN, INF = f32([[1, 2], [3, np.nan], [5, 6]]).tobytes(), f32([[1, 2], [3, 4], [-np.inf, 6]]).tobytes()
FILES: dict[str, tuple[Callable[[Any], object], str]] = {
    "NaN": (tensor(raw_data=NAN), "tensor 'w': expected finite numbers, found nan at [1][1]"),
    "infinity": (tensor(raw_data=INF), "tensor 'w': expected finite numbers, found -inf at [2][0]"),
    "few bytes": (tensor(raw_data=b"1234"), "tensor 'w': expected 24 bytes, as its shape 3 x 2 says, found 4 bytes"),
    "huge tensor": (tensor(dims=[1 << 15, 1 << 14]), "tensor 'w': expected at most 8388608 entries and terms, found "),
    "large tensor": (tensor(dims=[1 << 12, 1 << 11]), "33554432 bytes, as its shape 4096 x 2048 says, found 24 bytes"),
    "overflowing tensor": (tensor(dims=[1 << 62, 1 << 62]), "tensor 'w': expected at most 8388608 entries"),
    "negative tensor": (tensor(dims=[-3, -2]), "tensor 'w': expected at most 32 axes of lengths >= 0"),
    "tensor of many axes": (tensor(dims=[1] * 70), "tensor 'w': expected at most 32 axes"),
    "tensor of texts": (tensor(data_type=TensorProto.STRING), "tensor 'w': expected a type among float"),
    "tensor of complex numbers": (tensor(data_type=TensorProto.COMPLEX64), "found complex64"),
    "tensor of eighths": (tensor(data_type=TensorProto.FLOAT8E4M3FN), "found float8e4m3fn"),
    "tensor of no type": (tensor(data_type=0), "found undefined"),
    "tensor of an unknown type": (tensor(data_type=77), "found number 77"),
    "tensor without a name": (tensor(name=""), "tensor '': expected a name of its own"),
    "no data": (lambda made: made.graph.initializer[0].ClearField("raw_data"), "6 numbers, as its shape 3 x 2"),
    "segment": (lambda made: made.graph.initializer[0].segment.SetInParent(), "a whole tensor, found a segment of one"),
    "tensor twice": (twice("initializer"), "tensor 'w': expected a name of its own, found one that is there already"),
    "sparse tensor": (sparse, "tensor 's': expected a dense tensor, found a sparse one"),
    "input twice": (twice("input"), "input 'x': expected a new name for each output, found 'x' again"),
    "inputs of two types": (second_input, "inputs: expected inputs of one type, found float, double"),
    "no input": (lambda made: made.graph.ClearField("input"), "graph: expected at least one input, found none"),
    "no output": (lambda made: made.graph.ClearField("output"), "graph: expected at least one output, found none"),
    "node twice": (twice("node"), "node 'MatMul-a' (MatMul): expected a new name for each output, found 'a' again"),
    "cycle": (cycle, "node 'MatMul-a' (MatMul): expected values that are made before they are used, found 'y'"),
    "output that is not there": (lambda made: setattr(made.graph.output[0], "name", "z"), "output 'z': expected"),
    "open length": (input_type(elem_type=1, shape=(1, "n")), "'x', axis 1: expected a length of at least 1, found n"),
    "open length of a vector": (input_type(elem_type=1, shape=("n",)), "'x', axis 0: expected a length of at least 1"),
    "length 0": (input_type(elem_type=1, shape=(0, 3)), "input 'x', axis 0: expected a length of at least 1, found 0"),
    "negative length": (input_type(elem_type=1, shape=(1, -3)), "axis 1: expected a length of at least 1, found -3"),
    "huge input": (input_type(elem_type=1, shape=(1 << 20, 1 << 20)), "input 'x': expected at most 8388608 entries"),
    "no shape": (input_type(elem_type=1, shape=None), "input 'x': expected a shape, found none"),
    "input of integers": (input_type(elem_type=7, shape=(1, 3)), "input 'x': expected a tensor of a type among"),
    "input of no type": (lambda made: made.graph.input[0].ClearField("type"), "input 'x': expected a tensor of a type"),
    "old opset": (opset(("", 6)), "one version of ONNX's operators (opset), from 7 to 28, found 6"),
    "new opset": (opset(("", 1000)), "one version of ONNX's operators (opset), from 7 to 28, found 1000"),
    "no opset": (opset(("other", 3)), "opset_import: expected one version"),
    "two opsets": (opset(("", 18), ("ai.onnx", 9)), "opset_import: expected one version"),
    "own functions": (own_function, "functions: expected none: every node an operator of ONNX, found 1"),
    "subgraph": (subgraph, "attribute body: expected numbers, a text or a tensor, found GRAPH"),
    "attribute twice": (repeated_attribute, "node 'Relu-y' (Relu): expected every attribute once, found alpha 2 times"),
    "attribute by reference": (reference, "attribute alpha: expected a value, found a reference to outer"),
    "nowhere": (outside(), "tensor 'w': expected a file in the folder of the network, or below, found the location ''"),
    "absolute": (outside(location="/etc/passwd"), "or below, found the location '/etc/passwd'"),
    "above": (outside(location="a/../../w.bin"), "or below, found the location 'a/../../w.bin'"),
    "a drive": (outside(location="c:\\w.bin"), "or below, found the location 'c:"),
    "missing": (
        outside(location="w.bin"),
        "expected a file beside the network that can be read, found No such file or directory, 'w.bin'",
    ),
    "negative offset": (outside(location="w.bin", offset="-4"), "an offset and a length that are integers >= 0"),
    "no length": (outside(location="w.bin", length="1e9"), "an offset and a length that are integers >= 0"),
    "control characters": (lambda made: setattr(made.graph.node[1], "op_type", "\x1b[31m"), "found \\x1b[31m"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files(name: str, tmp_path: Path) -> None:
    change, message = FILES[name]
    found = reasons(changed(change), str(tmp_path / "net.onnx"))
    assert any(message in reason for reason in found), found
    assert all(reason.isprintable() for reason in found)


def test_data_beside_the_network(tmp_path: Path) -> None:
    made = changed(outside(location="sub/w.bin", offset="8", length="24"))
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.bin").write_bytes(b"\xff" * 8 + W.tobytes() + b"\xff" * 8)
    assert load(tmp_path / "net.onnx").evaluate([1, 0, 0]) == (1, 2)
    (tmp_path / "sub" / "w.bin").write_bytes(b"\xff" * 8 + W.tobytes()[:-1])
    with pytest.raises(InvalidInput, match="tensor 'w': expected 24 bytes, as its shape 3 x 2 says, found 23 bytes"):
        load(tmp_path / "net.onnx")


def test_of_a_large_file_beside_the_network_only_a_part_is_read(tmp_path: Path) -> None:
    with open(tmp_path / "w.bin", "wb") as stream:  # mostly a hole
        stream.seek(1 << 33)
        stream.write(W.tobytes())
    place = tmp_path / "net.onnx"
    place.write_bytes(changed(outside(location="w.bin", offset=str(1 << 33), length="24")).SerializeToString())
    assert load(place).evaluate([1, 0, 0]) == (1, 2)
    found = reasons(changed(outside(location="w.bin", offset=str(1 << 34), length="24")), str(place))
    assert found == ("tensor 'w': expected 24 bytes, as its shape 3 x 2 says, found 0 bytes",)


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "w.bin").write_bytes(W.tobytes())
    here = tmp_path / "here"
    here.mkdir()
    (here / "w.bin").symlink_to(tmp_path / "far" / "w.bin")
    (here / "folder").symlink_to(tmp_path / "far")
    for location in ("w.bin", "folder/w.bin"):
        made = changed(outside(location=location))
        found = reasons(made, str(here / "net.onnx"))
        assert found == (
            f"tensor 'w': expected a file that is no link, in no linked folder, found a link, '{location}'",
        )


@pytest.mark.parametrize("data", [b"", b"\x08\x07\x12", b"{}", b"\x80\x02}q\x00.", bytes(range(256)), b"\n" * 5000])
def test_what_is_no_onnx_file(data: bytes) -> None:
    (found,) = reasons(data)
    assert found.startswith("expected an ONNX file, found other")


def test_zipped(tmp_path: Path) -> None:
    data = relu().SerializeToString()
    place = tmp_path / "Net.ONNX.gz"
    place.write_bytes(gzip.compress(data))
    assert load(place).name == "Net.ONNX" and load(place).evaluate([1, 0, 0]) == (1, 2)
    for damaged in (data, gzip.compress(data)[:-9], gzip.compress(data)[:40] + b"0" * 40):
        place.write_bytes(damaged)
        with pytest.raises(InvalidInput, match="expected data made by gzip"):
            load(place)
    place.write_bytes(gzip.compress(b"\0" * (disk.MAX_BYTES + 1)))
    with pytest.raises(InvalidInput, match="expected at most 268435456 bytes when unpacked, found more"):
        load(place)


def test_numbers_that_grow_with_every_node_are_refused() -> None:
    nodes = [node("Mul", f"v{i} v{i}", f"v{i + 1}") for i in range(60)]
    found = reasons(model([*nodes, node("Mul", "x v60")], (3,), {"v0": f32([3])}))
    assert len(found) == 1 and "expected numbers of at most 13000 bits" in found[0]


def test_tensors_that_grow_with_every_node_are_refused() -> None:
    for operator in ({"operator": "Concat", "axis": 0}, {"operator": "Add"}):
        nodes = [node(inputs=f"v{i} v{i}", outputs=f"v{i + 1}", **operator) for i in range(60)]
        made = model([node("Identity", "x", "v0"), *nodes, node("Neg", "v60")], (3,))
        if operator["operator"] == "Concat":
            assert f"expected at most {MAX_TERMS} entries and terms" in reasons(made)[0]
        else:
            assert read(made).network.evaluate([1, 0, 0]) == (-(2**60), 0, 0)


def test_little_memory_for_what_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "net.onnx"
    place.write_bytes(changed(tensor(dims=[1 << 13, 1 << 10])).SerializeToString())
    code = (
        "import resource, sys; from exactformer.cli import main; import onnx, numpy\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(main(['supports', sys.argv[1]]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    found = subprocess.run([sys.executable, "-c", code, str(place)], capture_output=True, text=True, check=True)
    answer, kilobytes = map(int, found.stdout.split())
    assert answer == 3 and kilobytes < 40_000
    message = "tensor 'w': expected 33554432 bytes, as its shape 8192 x 1024 says, found 24 bytes"
    assert found.stderr == f"exactformer: {place}: {message}\n"


def test_without_the_library(tmp_path: Path) -> None:
    place = tmp_path / "net.onnx"
    place.write_bytes(relu().SerializeToString())
    code = "import sys; sys.modules['onnx'] = None; from exactformer.cli import main; print(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "prove", str(place)]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    assert found.stdout == "3\n"
    assert (
        found.stderr == f"exactformer: {place}: expected the package onnx, found none; pip install 'exactformer[io]'\n"
    )


@pytest.mark.parametrize("part", ["graph", "MatMul-a", "MatMul", "w"])
def test_names_that_are_no_text(part: str) -> None:
    data = relu().SerializeToString()
    assert part.encode() in data
    damaged = data.replace(part.encode(), b"\xff" * len(part))
    assert reasons(damaged) == ("expected names in UTF-8, found other bytes",)


@settings(max_examples=300)
@given(st.data())
def test_damaged_files_are_refused_or_read(data: st.DataObject) -> None:
    whole = bytearray(relu().SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        reader.parse(bytes(whole), "net.onnx")
    except InvalidInput as error:
        assert all(reason.startswith("net.onnx: ") for reason in error.reasons)


def test_the_command_says_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "net.onnx"
    place.write_bytes(model([node("Erf", "x", "a"), node("Tanh", "a")], (3,)).SerializeToString())
    assert main(["supports", str(place)]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "node 'Erf-a' (Erf)" in lines[0] and "node 'Tanh-y' (Tanh)" in lines[1]
    place.write_bytes(model([node("MatMul", "x w")], ("N", 3), {"w": W}).SerializeToString())
    assert main(["supports", str(place)]) == 0
    note = "input 'x': the length of the first axis (N) is not said: taken as a batch of 1"
    assert capsys.readouterr().out == f"supported: relu net: 3-2\n  note      {note}\n"
    assert main(["evaluate", str(place), "--at", "1,2,3"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("22, 28\n", f"exactformer: {place}: {note}\n")
    assert main(["evaluate", str(place), "--at", "1,2,3", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["supports", str(place), "--json"]) == 0
    assert '"verdict": "supported", "kind": "relu", "name": "net", "size": "3-2"' in capsys.readouterr().out
