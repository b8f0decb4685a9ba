"""Every operator with every attribute that is read: the exact values are those of onnxruntime where it is exact."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_material import Array, f32, i64, model, node, read, runtime, same_as_runtime, whole_points
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import exactformer as ef
from exactformer.errors import InvalidInput
from exactformer.formats.graphs.operators import OPERATORS
from exactformer.formats.graphs.rounding import over_root
from exactformer.networks import MaxoutNetwork, ReluNetwork

random = np.random.default_rng(1)


def whole(*shape: int) -> Array:
    """Small integers, none of them 0."""
    return (random.integers(1, 4, shape) * random.choice([-1, 1], shape)).astype(np.float32)


W34, W43, IMAGE = whole(3, 4), whole(4, 3), (2, 4, 5, 6)
Case = tuple[list[Any], tuple[int, ...], dict[str, Array], int]


def case(nodes: Any, shape: tuple[int, ...], constants: dict[str, Array] | None = None, opset: int = 18) -> Case:
    return (nodes if isinstance(nodes, list) else [nodes]), shape, constants or {}, opset


CASES: dict[str, Case] = {
    # matrices
    "matmul": case(node("MatMul", "x w"), (2, 3), {"w": W34}),
    "matmul from the left": case(node("MatMul", "w x"), (4, 2), {"w": W34}),
    "matmul with a vector": case(node("MatMul", "x w"), (3,), {"w": W34}),
    "matmul of a vector": case(node("MatMul", "x w"), (2, 3), {"w": whole(3)}),
    "matmul of two vectors": case(node("MatMul", "x w"), (3,), {"w": whole(3)}),
    "matmul in batches": case(node("MatMul", "x w"), (2, 1, 2, 3), {"w": whole(3, 3, 4)}),
    "matmul of constants": case([node("MatMul", "w v", "u"), node("Add", "x u")], (3, 3), {"w": W34, "v": W43}),
    "gemm": case(node("Gemm", "x w b"), (2, 3), {"w": W34, "b": whole(4)}),
    "gemm without C": case(node("Gemm", "x w", alpha=2.0), (2, 3), {"w": W34}),
    "gemm turned": case(
        node("Gemm", "x w b", transA=1, transB=1, alpha=0.5, beta=-2.0), (3, 2), {"w": W43, "b": whole(2, 1)}
    ),
    "gemm with a number": case(node("Gemm", "x w b"), (2, 3), {"w": W34, "b": f32(2)}),
    "gemm of a constant": case(node("Gemm", "w x"), (4, 2), {"w": W34}),
    "gemm with C of the input": case(node("Gemm", "v w x", beta=3.0), (2, 4), {"v": whole(2, 3), "w": W34}),
    # arithmetic
    "add": case(node("Add", "x b"), (2, 3), {"b": whole(3)}),
    "add that repeats the input": case(node("Add", "x b"), (3,), {"b": whole(2, 3)}),
    "add the input to itself": case(node("Add", "x x"), (2, 3)),
    "sub": case(node("Sub", "b x"), (2, 3), {"b": whole(2, 1)}),
    "sub of itself": case([node("Sub", "x x", "z"), node("Add", "z b")], (2,), {"b": whole(2)}),
    "mul": case(node("Mul", "x b"), (2, 3), {"b": whole(1, 3)}),
    "mul by zero": case(node("Mul", "b x"), (2, 3), {"b": f32([0, 1, 0])}),
    "div": case(node("Div", "x b"), (2, 3), {"b": f32([1, -2, 4])}),
    "neg": case(node("Neg", "x"), (3,)),
    "sum": case(node("Sum", "x b x"), (2, 3), {"b": whole(3)}),
    "sum of one": case(node("Sum", "x"), (3,)),
    # maxima
    "maxout": case(
        [node("Reshape", "x s", "g"), node("ReduceMax", "g a", keepdims=0)], (1, 6), {"s": i64(1, 2, 3), "a": i64(2)}
    ),
    "maximum over axes": case(node("ReduceMax", "x a"), (2, 3, 4), {"a": i64(-1, 0)}),
    "maximum over all": case(node("ReduceMax", "x"), (2, 3)),
    "maximum over none": case(node("ReduceMax", "x a", noop_with_empty_axes=1), (2, 3), {"a": i64()}),
    "maximum over an attribute": case(node("ReduceMax", "x", axes=[1]), (2, 3), opset=13),
    "minimum over axes": case(node("ReduceMin", "x a", keepdims=0, noop_with_empty_axes=0), (2, 3), {"a": i64(1)}),
    "minimum over an attribute": case(node("ReduceMin", "x", axes=[0]), (2, 3), opset=13),
    "relu": case(node("Relu", "x"), (2, 3)),
    "relu twice": case([node("Relu", "x", "u"), node("Relu", "u")], (3,)),
    "relu of a constant": case([node("Relu", "b", "u"), node("Add", "u x")], (3,), {"b": f32([-1, 0, 2])}),
    "relu, in part of constants": case(
        [node("Concat", "x b", "u", axis=0), node("Relu", "u")], (2,), {"b": f32([-1, 2])}
    ),
    "leaky": case(node("LeakyRelu", "x", alpha=0.25), (4,)),
    "leaky by default": case([node("Mul", "x b", "u"), node("LeakyRelu", "u", alpha=0.5)], (4,), {"b": whole(4)}),
    "leaky, steep": case(node("LeakyRelu", "x", alpha=3.0), (4,)),
    "leaky, falling": case(node("LeakyRelu", "x", alpha=-2.0), (4,)),
    "leaky, flat": case(node("LeakyRelu", "x", alpha=0.0), (4,)),
    "leaky, straight": case(node("LeakyRelu", "x", alpha=1.0), (4,)),
    "prelu": case(node("PRelu", "x s"), (2, 4), {"s": f32([0.5, 3, 0, -1])}),
    "prelu with one slope": case(node("PRelu", "x s"), (2, 4), {"s": f32([2])}),
    "prelu of channels": case(node("PRelu", "x s"), (1, 2, 2, 2), {"s": f32([0.5, 4]).reshape(2, 1, 1)}),
    "abs": case(node("Abs", "x"), (3,)),
    "max": case(node("Max", "x b"), (2, 3), {"b": whole(3)}),
    "max of three": case([node("Neg", "x", "n"), node("Max", "x n b")], (2, 3), {"b": whole(2, 1)}),
    "max of one": case(node("Max", "x"), (3,)),
    "max of numbers of the input": case([node("Split", "x", "p q", axis=0, num_outputs=2), node("Max", "p q")], (4,)),
    "min": case([node("Neg", "x", "n"), node("Min", "x n b")], (3,), {"b": whole(3)}),
    "min with a constant": case(node("Min", "b x"), (3,), {"b": whole(3)}),
    "clip": case(node("Clip", "x a b"), (6,), {"a": f32(-1), "b": f32(3)}),
    "clip below": case(node("Clip", "x a"), (6,), {"a": f32(-1)}),
    "clip above": case(node("Clip", "x _ b"), (6,), {"b": f32(3)}),
    "clip nowhere": case(node("Clip", "x"), (6,)),
    "clip to a number": case([node("Clip", "x a a", "u"), node("Add", "u x")], (2,), {"a": f32(2)}),
    "clip, older": case(node("Clip", "x", min=0.0, max=2.0), (6,), opset=9),
    "clip, older, below": case(node("Clip", "x", min=1.0), (6,), opset=7),
    # windows
    "conv": case(node("Conv", "x w b"), IMAGE, {"w": whole(3, 4, 2, 3), "b": whole(3)}),
    "conv without bias": case(node("Conv", "x w", kernel_shape=[2, 3]), IMAGE, {"w": whole(3, 4, 2, 3)}),
    "conv in steps": case(node("Conv", "x w", strides=[2, 3], pads=[1, 0, 2, 1]), IMAGE, {"w": whole(3, 4, 3, 2)}),
    "conv, dilated": case(node("Conv", "x w", dilations=[2, 1], pads=[1, 1, 1, 1]), IMAGE, {"w": whole(1, 4, 2, 2)}),
    "conv in groups": case(node("Conv", "x w", group=2), IMAGE, {"w": whole(6, 2, 2, 2)}),
    "conv of each channel": case(node("Conv", "x w b", group=4), IMAGE, {"w": whole(4, 1, 2, 2), "b": whole(4)}),
    "conv, same, upper": case(
        node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2]), IMAGE, {"w": whole(2, 4, 3, 2)}
    ),
    "conv, same, lower": case(
        node("Conv", "x w", auto_pad="SAME_LOWER", strides=[3, 1]), IMAGE, {"w": whole(2, 4, 2, 2)}
    ),
    "conv, valid": case(node("Conv", "x w", auto_pad="VALID", strides=[2, 2]), IMAGE, {"w": whole(2, 4, 3, 2)}),
    "conv on a line": case(node("Conv", "x w"), (1, 2, 7), {"w": whole(3, 2, 3)}),
    "conv in space": case(node("Conv", "x w"), (1, 1, 3, 3, 4), {"w": whole(2, 1, 2, 2, 2)}),
    "conv with a kernel of zeros": case(
        node("Conv", "x w b"), (1, 1, 3, 3), {"w": f32(np.zeros((2, 1, 2, 2))), "b": whole(2)}
    ),
    "maxpool": case(node("MaxPool", "x", kernel_shape=[2, 2]), IMAGE),
    "maxpool in steps": case(node("MaxPool", "x", kernel_shape=[2, 3], strides=[2, 3]), IMAGE),
    "maxpool, padded": case(node("MaxPool", "x", kernel_shape=[3, 3], pads=[1, 0, 1, 2], strides=[2, 1]), IMAGE),
    "maxpool, dilated": case(node("MaxPool", "x", kernel_shape=[2, 2], dilations=[2, 3]), IMAGE),
    "maxpool, rounded up": case(node("MaxPool", "x", kernel_shape=[2, 2], strides=[3, 2], ceil_mode=1), IMAGE),
    "maxpool, same": case(node("MaxPool", "x", kernel_shape=[3, 2], auto_pad="SAME_UPPER", strides=[2, 2]), IMAGE),
    "maxpool, same, lower": case(node("MaxPool", "x", kernel_shape=[2, 2], auto_pad="SAME_LOWER"), IMAGE),
    "maxpool, valid": case(node("MaxPool", "x", kernel_shape=[3, 2], auto_pad="VALID", storage_order=0), IMAGE),
    "maxpool of single numbers": case(node("MaxPool", "x", kernel_shape=[1, 1], strides=[2, 2]), IMAGE),
    "maxpool on a line": case(node("MaxPool", "x", kernel_shape=[3], strides=[2]), (1, 2, 7)),
    "maxpool of units": case(
        [node("Relu", "x", "u"), node("MaxPool", "u", kernel_shape=[2, 2], strides=[2, 2])], IMAGE
    ),
    "maxpool of units, overlapping": case([node("Relu", "x", "u"), node("MaxPool", "u", kernel_shape=[2, 2])], IMAGE),
    "averagepool": case(node("AveragePool", "x", kernel_shape=[2, 2]), IMAGE),
    "averagepool in steps": case(
        node("AveragePool", "x", kernel_shape=[2, 4], strides=[1, 2], auto_pad="VALID"), IMAGE
    ),
    "averagepool, padded": case(node("AveragePool", "x", kernel_shape=[2, 2], pads=[1, 1, 1, 1]), IMAGE),
    "averagepool, padding counts": case(
        node("AveragePool", "x", kernel_shape=[2, 2], pads=[1, 1, 0, 1], count_include_pad=1), IMAGE
    ),
    "averagepool, rounded up": case(node("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), IMAGE),
    "averagepool, same": case(
        node("AveragePool", "x", kernel_shape=[2, 2], auto_pad="SAME_UPPER", strides=[2, 2]), IMAGE
    ),
    "averagepool, dilated": case(node("AveragePool", "x", kernel_shape=[2, 2], dilations=[2, 1]), IMAGE, opset=19),
    "globalaveragepool": case(node("GlobalAveragePool", "x"), (2, 3, 2, 4)),
    # moving
    "flatten": case([node("Flatten", "x", "u"), node("MatMul", "u w")], (1, 2, 3), {"w": whole(6, 2)}),
    "flatten from the end": case(
        [node("Flatten", "x", "u", axis=-1), node("MatMul", "u w")], (2, 2, 3), {"w": whole(3, 2)}
    ),
    "flatten all": case([node("Flatten", "x", "u", axis=0), node("MatMul", "u w")], (2, 3), {"w": whole(6, 2)}),
    "reshape": case([node("Reshape", "x s", "u"), node("MatMul", "u w")], (2, 6), {"s": i64(0, -1, 3), "w": W34}),
    "reshape with the input's own": case(
        [node("Shape", "x", "s"), node("Neg", "x", "u"), node("Reshape", "u s")], (2, 3)
    ),
    "reshape to what is said": case(
        [node("Reshape", "x s", "u", allowzero=1), node("MatMul", "u w")], (2, 6), {"s": i64(4, 3), "w": W34}, 14
    ),
    "transpose": case([node("Transpose", "x", "u"), node("MatMul", "u w")], (3, 2), {"w": whole(3, 2)}),
    "transpose by order": case(
        [node("Transpose", "x", "u", perm=[2, 0, 1]), node("MatMul", "u w")], (2, 3, 4), {"w": W34}
    ),
    "squeeze": case([node("Squeeze", "x", "u"), node("MatMul", "u w")], (1, 3, 1), {"w": W34}),
    "squeeze axes": case([node("Squeeze", "x a", "u"), node("MatMul", "u w")], (1, 1, 3), {"w": W34, "a": i64(-3)}),
    "squeeze, older": case([node("Squeeze", "x", "u", axes=[1]), node("MatMul", "u w")], (1, 1, 3), {"w": W34}, 9),
    "unsqueeze": case([node("Unsqueeze", "x a", "u"), node("Add", "u b")], (2, 3), {"a": i64(2, 0), "b": whole(3)}),
    "unsqueeze, older": case([node("Unsqueeze", "x", "u", axes=[1]), node("Add", "u b")], (2,), {"b": whole(2)}, 11),
    "concat": case([node("Neg", "x", "n"), node("Concat", "x n b x", axis=-1)], (2, 2), {"b": whole(2, 1)}),
    "slice": case(
        node("Slice", "x s e a t"), (4, 5), {"s": i64(1, -1), "e": i64(9, -9), "a": i64(0, 1), "t": i64(2, -2)}
    ),
    "slice without axes": case(node("Slice", "x s e"), (4, 5), {"s": i64(-3), "e": i64(3)}),
    "slice, older": case(node("Slice", "x", starts=[1], ends=[-1], axes=[1]), (2, 4), opset=9),
    "slice backwards from before the start": case(
        [node("Slice", "x s e a t", "u"), node("Concat", "u x", axis=0)],
        (4,),
        {"s": i64(-100), "e": i64(-100), "a": i64(0), "t": i64(-1)},
    ),
    "split": case([node("Split", "x s", "p q", axis=1), node("Concat", "q p", axis=1)], (2, 5), {"s": i64(2, 3)}),
    "split in equal parts": case([node("Split", "x", "p q", num_outputs=2), node("Concat", "q p", axis=0)], (5,)),
    "split, older": case([node("Split", "x", "p q", split=[1, 3]), node("Concat", "q p", axis=0)], (4,), opset=11),
    "split in as many parts as there are names": case([node("Split", "x", "p q r"), node("Neg", "q")], (6,), opset=11),
    "split, one part used": case([node("Split", "x", "p q", num_outputs=2), node("Neg", "q")], (4,)),
    "gather": case(node("Gather", "x i", axis=1), (2, 4), {"i": np.array([[0, -1], [2, 2]], np.int64)}),
    "gather one": case(node("Gather", "x i"), (3, 2), {"i": np.array(1, np.int32)}),
    "identity": case([node("Identity", "x", "u"), node("Identity", "u")], (3,)),
    "dropout": case(node("Dropout", "x r"), (3,), {"r": f32(0.5)}),
    "dropout, said twice": case(node("Dropout", "x _ t"), (3,), {"t": np.array(False)}),
    "dropout with a seed": case(node("Dropout", "x", seed=3), (3,), opset=13),
    "dropout, older": case(node("Dropout", "x", "y m", ratio=0.3), (3,), opset=10),
    "expand": case([node("Expand", "x s", "u"), node("Neg", "u")], (2, 1), {"s": i64(2, 2, 3)}),
    "pad": case(node("Pad", "x p v"), (2, 3), {"p": i64(1, 0, 0, 2), "v": f32(4)}),
    "pad and cut": case(node("Pad", "x p"), (3, 4), {"p": i64(-1, 1, 0, -2)}),
    "pad some axes": case(node("Pad", "x p _ a"), (2, 3), {"p": i64(1, 2), "a": i64(-1)}),
    "pad by reflection": case(node("Pad", "x p", mode="reflect"), (3, 4), {"p": i64(1, 2, 2, 3)}),
    "pad by the edge": case(node("Pad", "x p", mode="edge"), (2, 3), {"p": i64(1, 2, 3, 4)}),
    "pad, older": case(node("Pad", "x", pads=[0, 1, 2, 0], value=-1.0), (2, 3), opset=10),
    # sums and means
    "reducesum": case(node("ReduceSum", "x a", keepdims=0), (2, 3, 4), {"a": i64(0, -1)}),
    "reducesum of all": case(node("ReduceSum", "x"), (2, 3)),
    "reducesum of none": case(node("ReduceSum", "x", noop_with_empty_axes=1), (2, 3)),
    "reducesum, older": case(node("ReduceSum", "x", axes=[1]), (2, 3), opset=11),
    "reducemean": case(node("ReduceMean", "x a"), (2, 4, 2), {"a": i64(1)}),
    "reducemean of none": case(node("ReduceMean", "x", noop_with_empty_axes=1), (2, 3)),
    "reducemean, older": case(node("ReduceMean", "x", axes=[-1], keepdims=0), (3, 4), opset=13),
    "batchnormalization": case(
        node("BatchNormalization", "x s b m v", epsilon=0.5),
        (2, 2, 2),
        {"s": f32([3, -2]), "b": f32([1, 2]), "m": f32([-1, 4]), "v": f32([3.5, 0.5])},
    ),
    "batchnormalization, all said": case(
        node("BatchNormalization", "x s b m v", epsilon=0.75, momentum=0.5, training_mode=0),
        (1, 1, 2, 2),
        {"s": f32([3]), "b": f32([1]), "m": f32([-1]), "v": f32([0.25])},
    ),
    # constants and shapes
    "constant": case([node("Constant", "", "c", value=numpy_helper.from_array(whole(3))), node("Add", "x c")], (3,)),
    "constant number": case([node("Constant", "", "c", value_float=2.5), node("Mul", "x c")], (3,)),
    "constant numbers": case([node("Constant", "", "c", value_floats=[1.0, 2.0, 4.0]), node("Mul", "x c")], (3,)),
    "constant integers": case(
        [node("Constant", "", "c", value_ints=[3, 2]), node("Reshape", "x c", "u"), node("Neg", "u")], (2, 3)
    ),
    "constant integer": case([node("Constant", "", "c", value_int=1), node("Gather", "x c")], (2, 3)),
    "constantofshape": case(
        [
            node("Shape", "x", "s", start=1),
            node("ConstantOfShape", "s", "c", value=numpy_helper.from_array(f32([3]))),
            node("Mul", "x c"),
        ],
        (2, 3),
    ),
    "constantofshape of zeros": case([node("ConstantOfShape", "s", "c"), node("Add", "x c")], (2,), {"s": i64(2)}),
    "shape arithmetic": case(
        [
            node("Shape", "x", "s", end=-1),
            node("Gather", "s i", "n"),
            node("Div", "n two", "h"),
            node("Concat", "h rest", "t", axis=0),
            node("Reshape", "x t"),
        ],
        (4, 3),
        {"i": i64(0), "two": i64(2), "rest": i64(-1)},
    ),
    "cast": case([node("Cast", "x", "u", to=TensorProto.DOUBLE), node("Cast", "u", "y", to=TensorProto.FLOAT)], (3,)),
    "cast, all said": case(node("Cast", "x", to=TensorProto.FLOAT, saturate=1, round_mode="up"), (3,), opset=24),
    "mod": case([node("Mod", "c d", "e"), node("Gather", "x e")], (3,), {"c": i64(7, -1, 5), "d": i64(3, 3, 5)}),
    "mod of signs": case([node("Mod", "c d", "e", fmod=0), node("Gather", "x e")], (3,), {"c": i64(1), "d": i64(-3)}),
    "sqrt": case([node("Sqrt", "c", "d"), node("Mul", "x d")], (4,), {"c": f32([2.25, 0, 4, 0.0625])}),
    "equal and where": case(
        [node("Equal", "c d", "e"), node("Where", "e x v")], (2, 3), {"c": i64(1, 2, 3), "d": i64(2), "v": f32(0.5)}
    ),
    "where": case(
        [node("Neg", "x", "u"), node("Where", "e x u")], (3,), {"e": np.array([[True, False, True], [False] * 3])}
    ),
    "cast of constants": case([node("Cast", "c", "d", to=TensorProto.FLOAT), node("Mul", "x d")], (3,), {"c": i64(2)}),
    "cast to integers": case(
        [node("Cast", "c", "d", to=TensorProto.INT64), node("Gather", "x d")], (3,), {"c": f32([1.75, -0.5])}
    ),
    "dequantizelinear": case(
        [node("DequantizeLinear", "q s z", "w"), node("MatMul", "x w")],
        (2, 3),
        {"q": random.integers(-9, 9, (3, 4)).astype(np.int8), "s": f32(0.25), "z": np.array(3, np.int8)},
    ),
    "dequantizelinear by channels": case(
        [node("DequantizeLinear", "q s", "w", axis=0), node("MatMul", "x w")],
        (2, 3),
        {"q": random.integers(0, 9, (3, 4)).astype(np.uint8), "s": f32([0.5, 2, 1])},
    ),
    "dequantizelinear, all said": case(
        [node("DequantizeLinear", "q s", "w", block_size=0, output_dtype=TensorProto.FLOAT), node("MatMul", "x w")],
        (2, 3),
        {"q": random.integers(0, 9, (3, 4)).astype(np.uint8), "s": f32(0.5)},
        23,
    ),
    "quantizelinear by channels": case(
        [
            node(
                "QuantizeLinear",
                "c s",
                "q",
                axis=1,
                saturate=1,
                block_size=0,
                output_dtype=TensorProto.INT16,
                precision=0,
            ),
            node("DequantizeLinear", "q s", "d", axis=1),
            node("Add", "x d"),
        ],
        (2, 3),
        {"c": f32([[0.25, 0.75, 1.25], [-0.25, 900, -900]]), "s": f32([0.5, 1, 0.25])},
        23,
    ),
    "quantizelinear": case(
        [
            node("QuantizeLinear", "c s z", "q"),
            node("DequantizeLinear", "q s z", "d"),
            node("Add", "x d"),
        ],
        (6,),
        {"c": f32([0.25, 0.75, 1.25, -0.25, 900, -900]), "s": f32(0.5), "z": np.array(-2, np.int8)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_operators(name: str) -> None:
    nodes, shape, constants, opset = CASES[name]
    same_as_runtime(model(nodes, shape, constants, opset=opset), shape)


def test_every_operator_and_attribute_occurs() -> None:
    used: dict[str, set[str]] = {}
    for nodes, _, _, _ in CASES.values():
        for each in nodes:
            used.setdefault(each.op_type, set()).update(attribute.name for attribute in each.attribute)
    assert used.keys() == OPERATORS.keys()
    missing = {name: operator.attributes.keys() - used[name] for name, operator in OPERATORS.items()}
    # Of a version that the runtime does not have: below.
    assert {name: rest for name, rest in missing.items() if rest} == {"BatchNormalization": {"spatial"}}


def test_roots_that_are_irrational_are_the_nearest_numbers() -> None:
    squares = f32([2, 2.25, 1e-30])
    found = read(model([node("Sqrt", "c", "d"), node("Mul", "x d")], (3,), {"c": squares}))
    assert list(found.network.evaluate([1, 1, 1])) == [Fraction(float(x)) for x in np.sqrt(squares)]
    (note,) = found.notes
    assert "(Sqrt): " in note and "sqrt(2) is irrational: taken as the nearest float number" in note


def test_normalisation_of_the_oldest_version() -> None:
    constants = {"s": f32([3]), "b": f32([1]), "m": f32([-1]), "v": f32([0.25])}
    one = node("BatchNormalization", "x s b m v", epsilon=0.75, spatial=1)
    network = read(model([one], (1, 1, 2), constants, opset=7)).network
    assert network.evaluate([1, -1]) == (Fraction(7), Fraction(1))


# --- which network it becomes ----------------------------------------------------------------------


def made_of(*nodes: Any, shape: tuple[int, ...] = (3,), constants: dict[str, Array] | None = None) -> Any:
    return same_as_runtime(model(nodes, shape, constants), shape).network


def test_rectified_units_alone_are_a_relu_network() -> None:
    found = made_of(
        node("MatMul", "x w", "a"), node("Relu", "a", "b"), node("MatMul", "b v"), constants={"w": W34, "v": W43}
    )
    assert isinstance(found, ReluNetwork) and found.size == "3-4-3"
    assert found.layers[0].weights.entries() == {(j, i): Fraction(int(W34[i, j])) for i in range(3) for j in range(4)}


def test_other_maxima_are_a_maxout_network() -> None:
    found = made_of(node("Abs", "x"))
    assert isinstance(found, MaxoutNetwork) and (found.size, found.rank) == ("3-3-3", 2)


def test_a_clip_is_one_layer_of_rectified_units() -> None:
    found = made_of(node("Clip", "x a b"), constants={"a": f32(0), "b": f32(6)})
    assert isinstance(found, ReluNetwork) and found.size == "3-6-3"


def test_a_graph_without_maxima_has_no_layer() -> None:
    found = made_of(node("Neg", "x"))
    assert isinstance(found, ReluNetwork) and found.size == "3-3"


def test_units_that_nothing_needs_are_left_out() -> None:
    part = made_of(node("Relu", "x", "u"), node("Slice", "u s e"), constants={"s": i64(1), "e": i64(2)})
    assert part.size == "3-1-1"


def test_an_input_is_carried_by_two_rectified_units_and_a_unit_by_one() -> None:
    skip = [node("Relu", "x", "a"), node("Sub", "a b", "c"), node("Relu", "c", "d"), node("Add", "d x")]
    assert made_of(*skip, constants={"b": f32([1, 2, 3])}).size == "3-9-9-3"
    skip = [node("Relu", "x", "a"), node("Sub", "a b", "c"), node("Relu", "c", "d"), node("Add", "d a")]
    assert made_of(*skip, constants={"b": f32([1, 2, 3])}).size == "3-3-6-3"


def test_in_a_maxout_network_one_unit_carries_a_value() -> None:
    skip = [node("Abs", "x", "a"), node("Sub", "a b", "c"), node("Abs", "c", "d"), node("Add", "d x")]
    assert made_of(*skip, constants={"b": f32([1, 2, 3])}).size == "3-6-6-3"


def test_a_pool_of_units_is_one_layer() -> None:
    pool = node("MaxPool", "u", kernel_shape=[2], strides=[2])
    found = made_of(node("Relu", "x", "u"), pool, shape=(1, 1, 4))
    assert (found.size, found.rank) == ("4-2-2", 3)
    assert made_of(node("Relu", "x", "u"), pool, node("Relu", "y", "z"), shape=(1, 1, 4)).size == "4-2-2"


def test_a_rectified_unit_is_not_rectified_again() -> None:
    assert made_of(node("Relu", "x", "u"), node("Relu", "u", "v"), node("Relu", "v")).size == "3-3-3"


# --- weights are the binary numbers that they are --------------------------------------------------


def fractions(values: Array) -> Array:
    return np.array([Fraction(float(x)) for x in values.reshape(-1)], object).reshape(values.shape)


@pytest.mark.parametrize("kind", ["float32", "float64", "float16"])
def test_weights_are_exact(kind: str) -> None:
    code = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16}[kind]
    w, b, v = (random.normal(size=shape).astype(kind) for shape in ((3, 5), (5,), (5, 2)))
    tiny, huge = np.finfo(kind).smallest_subnormal, np.finfo(kind).max
    w[0, :2] = tiny, -huge
    nodes = [node("Gemm", "x w b", "a"), node("Relu", "a", "h"), node("MatMul", "h v")]
    network = read(model(nodes, (1, 3), {"w": w, "b": b, "v": v}, type=code)).network
    for x in random.normal(size=(5, 3)):
        point = fractions(x)
        hidden = np.maximum(point @ fractions(w) + fractions(b), 0)
        assert list(network.evaluate(x)) == list(hidden @ fractions(v))


def test_short_floats_by_their_bits() -> None:
    bits = [0x3F80, 0xC000, 0x0001, 0x7F7F, 0x8000]  # 1, -2, the smallest, the largest, -0
    values = [Fraction(1), Fraction(-2), Fraction(1, 2**133), Fraction(255 * 2**120), Fraction(0)]
    raw = helper.make_tensor("w", TensorProto.BFLOAT16, [5], np.array(bits, np.uint16).tobytes(), raw=True)
    listed = TensorProto(name="w", data_type=TensorProto.BFLOAT16, dims=[5])
    listed.int32_data.extend(bits)
    for tensor in (raw, listed):
        made = model([node("Mul", "x w")], (5,), type=TensorProto.BFLOAT16)
        made.graph.initializer.append(tensor)
        assert list(read(made).network.evaluate([1] * 5)) == values


def test_a_mean_of_nine_is_exact() -> None:
    made = model([node("AveragePool", "x", kernel_shape=[3, 3])], (1, 1, 3, 3))
    x = random.normal(size=(1, 1, 3, 3)).astype(np.float32)
    (found,) = read(made).network.evaluate(x.reshape(-1))
    assert found == sum(fractions(x).reshape(-1)) / 9
    assert abs(float(found) - float(runtime(made, x)[0])) <= 9 * 2**-24 * float(np.abs(x).mean())


def test_an_irrational_factor_is_the_nearest_number_of_its_type_and_that_is_said() -> None:
    constants = {"s": f32([1, -3, 0]), "b": f32([0, 0, 5]), "m": f32([0, 0, 7]), "v": f32([2, 1e-20, 3])}
    found = read(model([node("BatchNormalization", "x s b m v", epsilon=0.0)], (1, 3), constants))
    assert found.notes == (
        "node 'BatchNormalization-y' (BatchNormalization): scale / sqrt(variance + epsilon) is irrational: "
        "taken as the nearest float number",
    )
    root = [
        Fraction(float(np.float32(1 / np.sqrt(2.0)))),
        Fraction(float(np.float32(-3 / np.sqrt(np.float64(f32(1e-20)))))),
    ]
    assert list(found.network.evaluate([1, 1, 1])) == [*root, 5]


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_roots_are_rounded_to_the_nearest(precision: str) -> None:
    name = {"float16": "float16", "float32": "float", "float64": "double"}[precision]
    number = np.dtype(precision).type
    for s, v in random.uniform(0.01, 4, (200, 2)).tolist():
        numerator, square = Fraction(-s), Fraction(v)
        found = over_root(numerator, square, name)
        assert found == Fraction(float(number(float(found))))
        for near in (np.nextafter(number(float(found)), number(9)), np.nextafter(number(float(found)), number(-9))):
            middle = (Fraction(float(near)) + found) / 2  # the wanted number is between the middles
            assert (middle**2 < numerator**2 / square) == (abs(middle) < abs(found))


# --- real arithmetic, not the runtime's ------------------------------------------------------------


def test_points_and_outputs_are_in_row_major_order() -> None:
    network = read(model([node("Transpose", "x")], (2, 3))).network
    assert list(network.evaluate([0, 1, 2, 3, 4, 5])) == [0, 3, 1, 4, 2, 5]


def test_the_first_axis_may_be_open() -> None:
    for first, word in (("N", " (N)"), (None, "")):
        found = read(model([node("MatMul", "x w")], (first, 3), {"w": W34}))
        assert found.network.size == "3-4"
        assert found.notes == (f"input 'x': the length of the first axis{word} is not said: taken as a batch of 1",)


def test_a_batch_of_several_is_one_function_of_all() -> None:
    assert same_as_runtime(model([node("MatMul", "x w")], (2, 3), {"w": W34}), (2, 3)).network.size == "6-8"


def test_several_inputs_and_outputs_stand_one_after_the_other() -> None:
    made = model([node("MatMul", "x w", "a"), node("Sub", "a z", "y"), node("Shape", "z", "s")], (2, 3), {"w": W34})
    made.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, (4,)))
    made.graph.output.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, None))
    found = read(made)
    assert found.network.size == "10-16"
    assert found.notes == ("inputs, one after the other: x, z", "outputs, one after the other: y, a")
    x, z = whole(2, 3), whole(4)
    product = fractions(x) @ fractions(W34)
    assert list(found.network.evaluate([*x.reshape(-1), *z])) == [*(product - fractions(z)).flat, *product.flat]


def test_an_output_may_be_a_shape() -> None:
    found = read(model([node("Shape", "x")], (2, 3))).network
    assert list(found.evaluate([0] * 6)) == [2, 3]


# --- random graphs ---------------------------------------------------------------------------------

SMALL = st.integers(-1, 1)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Any], dict[str, Array]]:
    """A graph on vectors, every node on values made before."""
    lengths, nodes, constants = {"x": 3}, [], {}
    for i in range(draw(st.integers(1, 6))):
        name, made = draw(st.sampled_from(sorted(lengths))), f"v{i}"
        n = lengths[name]
        alike = [other for other in sorted(lengths) if lengths[other] == n]
        operator = draw(st.sampled_from(OPERATIONS))
        lengths[made] = n
        if operator == "MatMul":
            lengths[made] = draw(st.integers(1, 4))
            constants[f"w{i}"] = f32(
                draw(st.lists(st.lists(SMALL, min_size=lengths[made], max_size=lengths[made]), min_size=n, max_size=n))
            )
            nodes.append(node(operator, f"{name} w{i}", made))
        elif operator in ("Relu", "Abs", "Neg"):
            nodes.append(node(operator, name, made))
        elif operator == "LeakyRelu":
            nodes.append(node(operator, name, made, alpha=draw(st.sampled_from([0.5, -1.0, 2.0]))))
        elif operator == "Clip":
            constants[f"a{i}"], constants[f"b{i}"] = f32(draw(SMALL)), f32(draw(SMALL))
            nodes.append(node(operator, f"{name} a{i} b{i}", made))
        elif operator == "Concat":
            other = draw(st.sampled_from(sorted(lengths.keys() - {made})))
            lengths[made] = n + lengths[other]
            nodes.append(node(operator, f"{name} {other}", made, axis=0))
        elif operator == "constant":
            constants[f"c{i}"] = f32(draw(st.lists(SMALL, min_size=n, max_size=n)))
            nodes.append(node(draw(st.sampled_from(["Add", "Max", "Min", "Mul"])), f"{name} c{i}", made))
        else:
            nodes.append(node(operator, f"{name} {draw(st.sampled_from(alike))}", made))
    nodes.append(node("Identity", made))
    return nodes, constants


OPERATIONS = ("MatMul", "Relu", "Abs", "Neg", "LeakyRelu", "Clip", "Concat", "constant", "Add", "Sub", "Max", "Min")


@settings(max_examples=150)
@given(graphs(), st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1, max_size=4))
def test_random_graphs(graph: tuple[list[Any], dict[str, Array]], points: list[list[int]]) -> None:
    nodes, constants = graph
    same_as_runtime(model(nodes, (3,), constants), (3,), [f32(point) for point in points])


# --- whole networks --------------------------------------------------------------------------------


def test_a_network_as_older_exporters_write_it(tmp_path: Path) -> None:
    """Version 3 of the file format: constants are inputs, too; the input is a picture, its mean is taken off."""
    weights = [random.normal(size=shape).astype(np.float32) for shape in ((5, 6), (6, 6), (6, 2))]
    biases = [random.normal(size=shape).astype(np.float32) for shape in (6, 6, 2)]
    constants = {"mean": random.normal(size=(1, 1, 1, 5)).astype(np.float32)}
    nodes, value = [node("Sub", "x mean", "s"), node("Flatten", "s", "h0")], "h0"
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        constants |= {f"w{i}": w, f"b{i}": b}
        nodes += [node("MatMul", f"{value} w{i}", f"m{i}"), node("Add", f"m{i} b{i}", "y" if i == 2 else f"a{i}")]
        nodes += [node("Relu", f"a{i}", f"h{i + 1}")] if i < 2 else []
        value = f"h{i + 1}"
    made = model(nodes, (1, 1, 1, 5), constants, opset=8)
    made.ir_version = 3
    for name, array in constants.items():
        made.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    network = ef.load(tmp_path / "net.onnx")
    assert network.size == "5-6-6-2"
    for x in random.normal(size=(3, 5)).astype(np.float32):
        exact = fractions(x) - fractions(constants["mean"]).reshape(-1)
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            exact = exact @ fractions(w) + fractions(b)
            exact = np.maximum(exact, 0) if i < 2 else exact
        assert list(network.evaluate(x)) == list(exact)
    assert ef.prove(network, domain=ef.Box([-1] * 5, [1] * 5)).verdict == "proved"


def test_a_network_for_pictures_is_read_compiled_and_proved(tmp_path: Path) -> None:
    constants = {
        "w1": random.normal(size=(3, 1, 3, 3)).astype(np.float32),
        "b1": random.normal(size=3).astype(np.float32),
        "w2": random.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "w3": random.normal(size=(16, 8)).astype(np.float32),
        "w4": random.normal(size=(8, 3)).astype(np.float32),
    }
    nodes = [
        node("Conv", "x w1 b1", "a", strides=[2, 2]),
        node("Relu", "a", "b"),
        node("Conv", "b w2", "c"),
        node("Relu", "c", "d"),
        node("MaxPool", "d", "e", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "e", "f"),
        node("Gemm", "f w3", "g"),
        node("Relu", "g", "h"),
        node("Gemm", "h w4"),
    ]
    made = model(nodes, ("batch", 1, 14, 14), constants)
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    network = ef.load(tmp_path / "net.onnx")
    assert (network.kind, network.size) == ("maxout", "196-108-16-8-3")
    assert network.layers[0].pieces.weights.nonzeros == 9 * 108  # a convolution stays sparse
    x = random.uniform(0, 1, (1, 1, 14, 14)).astype(np.float32)
    found = [float(y) for y in network.evaluate(x.reshape(-1))]
    # Sums of at most 27, 16 and 8 products after each other, each rounded to 24 bits.
    scale = float(np.abs(runtime(model(nodes, (1, 1, 14, 14), {k: abs(w) for k, w in constants.items()}), x)).max())
    assert np.abs(runtime(made, x) - found).max() <= 64 * 2**-24 * scale
    assert ef.prove(network, domain=ef.Box([0] * 196, [1] * 196)).verdict == "proved"


def test_a_residual_network_of_two_blocks() -> None:
    constants = {f"w{i}": -abs(whole(3, 3)) for i in range(4)}
    nodes = [
        node("MatMul", "x w0", "a"),
        node("Relu", "a", "b"),
        node("MatMul", "b w1", "c"),
        node("Add", "c x", "d"),
        node("Relu", "d", "e"),
        node("MatMul", "e w2", "f"),
        node("Relu", "f", "g"),
        node("MatMul", "g w3", "h"),
        node("Add", "h e"),
    ]
    found = same_as_runtime(model(nodes, (1, 3), constants), (1, 3)).network
    assert found.size == "3-9-3-6-3"
    assert ef.prove(found, domain=ef.Box([-1] * 3, [1] * 3)).verdict == "proved"


# --- random windows --------------------------------------------------------------------------------


@st.composite
def windows(draw: st.DrawFn) -> tuple[Any, tuple[int, ...], dict[str, Array]]:
    """A convolution or a pool of any geometry."""
    axes = draw(st.integers(1, 3))

    def lengths(least: int, most: int, count: int = axes) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=count, max_size=count))

    kernel, channels, chosen = lengths(1, 3), draw(st.sampled_from([1, 2, 4])), {}
    shape = (draw(st.integers(1, 2)), channels, *lengths(3, 6))
    for name, most in (("strides", 3), ("dilations", 2)):
        if draw(st.booleans()):
            chosen[name] = lengths(1, most)
    mode = draw(st.sampled_from(["pads", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    chosen |= {"pads": lengths(0, 2, 2 * axes)} if mode == "pads" else {"auto_pad": mode}
    operator = draw(st.sampled_from(["Conv", "MaxPool", "AveragePool"]))
    if operator == "Conv":
        group = draw(st.sampled_from([n for n in (1, 2, 4) if channels % n == 0]))
        size = (group * draw(st.integers(1, 2)), channels // group, *kernel)
        weights = np.random.default_rng(0).integers(-2, 3, size)
        return node(operator, "x w", group=group, **chosen), shape, {"w": f32(weights)}
    chosen["ceil_mode"] = draw(st.integers(0, 1))
    if operator == "AveragePool":
        chosen["count_include_pad"] = draw(st.integers(0, 1))
    return node(operator, "x", kernel_shape=kernel, **chosen), shape, {}


@settings(max_examples=120)
@given(windows())
def test_random_windows(window: tuple[Any, tuple[int, ...], dict[str, Array]]) -> None:
    one, shape, constants = window
    made = model([one], shape, constants, opset=19)
    try:
        network = read(made).network
    except InvalidInput:  # no window fits, or runtimes differ
        return
    for x in whole_points(shape, 1):
        found, wanted = network.evaluate(x.reshape(-1)), runtime(made, x)
        assert len(found) == len(wanted)  # means of three and more are not exact in floats
        assert all(abs(float(a) - float(b)) <= 2**-18 for a, b in zip(found, wanted, strict=True))
