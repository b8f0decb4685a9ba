"""Graphs with attention become Transformers: their values are those of onnxruntime, and exports come back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from graph_material import Array, f32, i64, model, node, read, runtime
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.errors import InvalidInput
from exactformer.exporting import export, replay, write_export
from exactformer.formats import onnx as reader
from exactformer.networks import Transformer

sys.path.insert(0, str(Path(__file__).parent.parent))
from strategies import SMALL, points, transformers

TOKENS, WIDTH, INPUTS, NEURONS = 3, 4, 2, 5
random = np.random.default_rng(0)
Made = tuple[list[onnx.NodeProto], dict[str, Array]]
POINTS = [[0.5, -0.25], [1, 2], [-1, 0.5], [0, 0]]


def whole(*shape: int) -> Array:
    return random.integers(-2, 3, shape).astype(np.float32)


def linear(x: str, place: str, out: str, inputs: int, outputs: int) -> Made:
    constants = {f"{place}.w": whole(inputs, outputs), f"{place}.b": whole(outputs)}
    product = node("MatMul", f"{x} {place}.w", f"{place}.product")
    return [product, node("Add", f"{place}.product {place}.b", out)], constants


def joined(*parts: Made) -> Made:
    nodes, constants = [], {}
    for some, others in parts:
        nodes += some
        constants |= others
    return nodes, constants


def kept(x: str, place: str, out: str, residual: bool) -> Made:
    return ([node("Add", f"{x} {place}.out", out)] if residual else [node("Identity", f"{place}.out", out)]), {}


def attention(x: str, place: str, out: str, how: str = "steps", residual: bool = True, **options: Any) -> Made:
    """Two heads, from products and softmax, or with the operator of opset 23."""
    parts = [linear(x, f"{place}.{p}", f"{place}.{p}", WIDTH, WIDTH) for p in ("q", "k", "v")]
    names = [f"{place}.{p}" for p in ("q", "k", "v")]
    if how == "operator":
        word = {"q_num_heads": 2, "kv_num_heads": 2, **options}
        parts.append(([node("Attention", " ".join(names), f"{place}.mixed", **word)], {}))
    else:
        constants = {f"{place}.split": i64(1, TOKENS, 2, WIDTH // 2), f"{place}.join": i64(1, TOKENS, WIDTH)}
        nodes = []
        for name, order in zip(names, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True):
            nodes.append(node("Reshape", f"{name} {place}.split", f"{name}.split"))
            nodes.append(node("Transpose", f"{name}.split", f"{name}.turned", perm=order))
        nodes.append(node("MatMul", f"{names[0]}.turned {names[1]}.turned", f"{place}.scores"))
        nodes.append(node(options.get("scaling", "Mul"), f"{place}.scores {place}.scale", f"{place}.scaled"))
        constants[f"{place}.scale"] = f32(options.get("scale", 0.5))
        scaled = f"{place}.scaled"
        if "mask" in options:
            constants[f"{place}.mask"] = options["mask"]
            nodes.append(node("Add", f"{scaled} {place}.mask", f"{place}.masked"))
            scaled = f"{place}.masked"
        if "seen" in options:
            constants |= {f"{place}.seen": options["seen"], f"{place}.hidden": f32(-np.inf)}
            nodes.append(node("Where", f"{place}.seen {scaled} {place}.hidden", f"{place}.chosen"))
            scaled = f"{place}.chosen"
        nodes.append(node("Softmax", scaled, f"{place}.weights", axis=-1))
        nodes.append(node("MatMul", f"{place}.weights {names[2]}.turned", f"{place}.heads"))
        nodes.append(node("Transpose", f"{place}.heads", f"{place}.turned", perm=[0, 2, 1, 3]))
        nodes.append(node("Reshape", f"{place}.turned {place}.join", f"{place}.mixed"))
        parts.append((nodes, constants))
    parts.append(linear(f"{place}.mixed", f"{place}.o", f"{place}.out", WIDTH, WIDTH))
    return joined(*parts, kept(x, place, out, residual))


def feedforward(x: str, place: str, out: str, bend: str = "Relu", residual: bool = True, **options: Any) -> Made:
    first = linear(x, f"{place}.1", f"{place}.hidden", WIDTH, NEURONS)
    second = linear(f"{place}.bent", f"{place}.2", f"{place}.out", NEURONS, WIDTH)
    bent = ([node(bend, f"{place}.hidden", f"{place}.bent", **options)], {})
    return joined(first, bent, second, kept(x, place, out, residual))


def first_of(x: str, place: str, out: str) -> Made:
    """A query that is constant, for the keys and values of all tokens: one token is left."""
    nodes = [
        node("Transpose", x, f"{place}.turned", perm=[0, 2, 1]),
        node("MatMul", f"{place}.query {place}.turned", f"{place}.scores"),
        node("Softmax", f"{place}.scores", f"{place}.weights", axis=-1),
        node("MatMul", f"{place}.weights {x}", out),
    ]
    return nodes, {f"{place}.query": whole(1, 1, WIDTH)}


def packed(x: str, place: str, out: str) -> Made:
    """Queries, keys and values in one tensor, whose first axis says which, and a scale from the length of an axis."""
    constants = {
        f"{place}.shape": i64(1, TOKENS, 3, WIDTH),
        f"{place}.one": f32(1),
        **{f"{place}.{number}": np.array(number, np.int64) for number in range(4)},
    }
    nodes = [
        node("Reshape", f"{place}.qkv {place}.shape", f"{place}.split"),
        node("Transpose", f"{place}.split", f"{place}.parts", perm=[2, 0, 1, 3]),
        node("Shape", f"{place}.parts", f"{place}.lengths"),
        node("Gather", f"{place}.lengths {place}.3", f"{place}.depth"),
        node("Cast", f"{place}.depth", f"{place}.d", to=onnx.TensorProto.FLOAT),
        node("Sqrt", f"{place}.d", f"{place}.root"),
        node("Div", f"{place}.one {place}.root", f"{place}.scale"),
        *(node("Gather", f"{place}.parts {place}.{n}", f"{place}.{p}", axis=0) for n, p in enumerate("qkv")),
        node("Transpose", f"{place}.k", f"{place}.turned", perm=[0, 2, 1]),
        node("Mul", f"{place}.q {place}.scale", f"{place}.scaled"),
        node("MatMul", f"{place}.scaled {place}.turned", f"{place}.scores"),
        node("Softmax", f"{place}.scores", f"{place}.weights", axis=-1),
        node("MatMul", f"{place}.weights {place}.v", out),
    ]
    return joined(linear(x, f"{place}.in", f"{place}.qkv", WIDTH, 3 * WIDTH), (nodes, constants))


def over_tokens(operator: str, end: Callable[..., Made] | None = None) -> Made:
    """One value of all tokens, after two sublayers."""
    pooled = ([node(operator, "s2 axes", "pooled" if end else "y", keepdims=0)], {"axes": i64(1)})
    return joined(pooled, *([end("pooled")] if end else []))


def neurons(x: str) -> Made:
    """Maxima of one value alone."""
    bent = ([node("Relu", "end.hidden", "end.bent")], {})
    return joined(linear(x, "end.1", "end.hidden", WIDTH, 3), bent, linear("end.bent", "end.2", "y", 3, 2))


def network(*parts: Any, tail: str = "neurons", opset: int = 18, last: Made | None = None) -> onnx.ModelProto:
    """An embedding with positions, sublayers (a function with its options, each), and what reads one token."""
    constants = {"e": whole(INPUTS, TOKENS * WIDTH), "shape": i64(1, TOKENS, WIDTH), "position": whole(TOKENS, WIDTH)}
    nodes = [node("MatMul", "x e", "e.0"), node("Reshape", "e.0 shape", "e.1"), node("Add", "e.1 position", "s0")]
    for number, (make, options) in enumerate(parts):
        some, others = make(f"s{number}", f"layer{number}", f"s{number + 1}", **options)
        nodes, constants = nodes + some, constants | others
    state = f"s{len(parts)}"
    if last is not None:
        return model(nodes + last[0], (1, INPUTS), constants | last[1], opset=opset)
    constants |= {"one": np.array(0 if tail == "alone" else 1, np.int64)}
    nodes.append(node("Gather", f"{state} one", "token", axis=1))
    some, others = joined(
        linear("token", "tail.1", "tail.hidden", WIDTH, 3),
        ([node("Relu", "tail.hidden", "tail.bent")], {}),
        linear("tail.bent", "tail.2", "y", 3, 2),
    )
    if tail == "alone":
        some, others = linear("token", "tail", "y", WIDTH, 2)
    return model(nodes + some, (1, INPUTS), constants | others, opset=opset)


ABOVE = np.triu(np.full((TOKENS, TOKENS), -np.inf, np.float32), 1)
TRIANGLE = np.tri(TOKENS, dtype=bool)
READ: dict[str, Callable[[], onnx.ModelProto]] = {
    "as usual": lambda: network((attention, {}), (feedforward, {}), (attention, {}), (feedforward, {})),
    "causal": lambda: network((attention, {"mask": ABOVE}), (feedforward, {}), (attention, {"mask": ABOVE})),
    "causal by a condition": lambda: network((attention, {"seen": TRIANGLE})),
    "a mask that hides nothing": lambda: network((attention, {"mask": f32([0, 0, 0])})),
    "divided": lambda: network((attention, {"scaling": "Div", "scale": 4}), (feedforward, {})),
    "the operator": lambda: network((attention, {"how": "operator"}), (feedforward, {}), opset=23),
    "the operator, causal": lambda: network((attention, {"how": "operator", "is_causal": 1, "scale": 0.25}), opset=23),
    "not residual": lambda: network(
        (attention, {"residual": False}), (feedforward, {"residual": False}), (attention, {"residual": False})
    ),
    "maxima not residual": lambda: network((attention, {}), (feedforward, {"residual": False}), (attention, {})),
    "bent otherwise": lambda: network((attention, {}), (feedforward, {"bend": "LeakyRelu", "alpha": 0.25})),
    "absolute values": lambda: network((feedforward, {"bend": "Abs"}), (attention, {})),
    "a constant query": lambda: network(
        (feedforward, {}), last=joined(first_of("s1", "last", "mixed"), linear("mixed", "end", "y", WIDTH, 2))
    ),
    "a constant query after others": lambda: network(
        (attention, {}), (feedforward, {}), last=joined(first_of("s2", "last", "mixed"), neurons("mixed"))
    ),
    "causal, then a constant query": lambda: network(
        (attention, {"mask": ABOVE}), (feedforward, {}), last=joined(first_of("s2", "last", "mixed"), neurons("mixed"))
    ),
    "residual in part": lambda: network((attention, {}), (attention, {"residual": False}), (feedforward, {})),
    "in one tensor": lambda: network((feedforward, {}), (packed, {}), (feedforward, {})),
    "a mean over tokens": lambda: network((attention, {}), (feedforward, {}), last=over_tokens("ReduceMean")),
    "a mean over tokens that attention leaves": lambda: network(
        (feedforward, {}), (attention, {"residual": False}), last=over_tokens("ReduceMean", neurons)
    ),
    "causal, then a sum over tokens": lambda: network(
        (attention, {"mask": ABOVE}), (feedforward, {}), last=over_tokens("ReduceSum", neurons)
    ),
}


@pytest.mark.parametrize("name", READ)
def test_values_are_those_of_onnxruntime(name: str) -> None:
    made = READ[name]()
    found = read(made)
    assert isinstance(found.network, Transformer)
    assert any(note.startswith("attention is softmax") for note in found.notes)
    assert (found.network.mask == "causal") == ("causal" in name)
    assert any("is a head of equal scores" in note for note in found.notes) == ("over tokens" in name)
    for point in POINTS:
        (computed,) = ef.evaluate_batch(found.network, [point], temperature=1)
        assert np.allclose(computed, runtime(made, f32([point])), rtol=1e-3, atol=1e-3)


def test_a_scale_that_is_irrational_is_said() -> None:
    found = read(network((attention, {"how": "operator"}), opset=23))
    assert any("1 / sqrt(2) is irrational: taken as the nearest float number" in note for note in found.notes)
    answer = ef.verify(found.network, found.network, domain=ef.Box([-1, -1], [1, 1]), cross_check=())
    assert "1 / sqrt(2) is irrational" in str(ef.report(answer))


@settings(max_examples=40)
@given(transformers(SMALL), st.sampled_from(["average", "leftmost", "rightmost"]), st.data())
def test_what_is_exported_is_read_as_an_equal_network(made: Transformer, tie: Any, data: Any) -> None:
    found = reader.parse(export(made, tie=tie).onnx(), "net.onnx", made.name).network
    for _ in range(3):
        point = data.draw(points(made.inputs, SMALL))
        how = {"tie": tie} if isinstance(found, Transformer) else {}
        assert found.evaluate(point, **how) == made.evaluate(point, tie=tie)


@pytest.mark.parametrize("construction", ["gated", "global", "no-residual", "two-step", "tournament", "causal"])
@pytest.mark.parametrize("soft", [False, True])
def test_round_trips_are_proved(construction: str, soft: bool) -> None:
    source = ef.MaxoutNetwork.of(
        [([[[1, 0], [0, 1], [1, 1]], [[2, -1], [0, 0], [0, -1]]], [[0, 0, -1], [0, 1, 0]])],
        ([[1, -1], [0, 2]], [0, 1]),
        domain=ef.Box([-3, -3], [3, 3]),
    )
    made = export(source, construction=construction, temperature=2 if soft else None)
    found = reader.parse(made.onnx(), "net.onnx", made.transformer.name).network
    assert ef.verify(found, made.transformer, domain=source.domain, cross_check=()).verdict == "proved"
    if construction in ("gated", "tournament", "causal"):  # constants that all tokens share stay where they were
        assert found == replace(made.transformer, domain=None)


def test_an_original_with_softmax_is_replayed_as_softmax(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(READ["causal"]().SerializeToString())
    made = export(ef.load(file), temperature=1, domain=ef.Box([-1, -1], [1, 1]))
    write_export(made, tmp_path / "made", original=file)
    seen = {each.network: each for each in replay(tmp_path / "made", points=4).seen}
    assert (
        seen["original"].difference < 1 and seen["exported"].difference < 1e-6
    )  # float32 and float64, values near 500


# --- what is refused ------------------------------------------------------------------------------


def alone(operator: str, **attributes: Any) -> onnx.ModelProto:
    return network((attention, {}), last=([node("Gather", "s1 i", "t", axis=1), node(operator, "t", "y", **attributes)],
                                          {"i": np.array(0, np.int64)}))  # fmt: skip


def beside(x: str, place: str, out: str) -> Made:
    """Attention and neurons side by side, both added to the state."""
    return joined(
        attention(x, f"{place}.a", f"{place}.a.sum"),
        feedforward(x, f"{place}.f", f"{place}.f.sum"),
        ([node("Add", f"{place}.a.sum {place}.f.sum", out)], {}),
    )


def nested(x: str, place: str, out: str) -> Made:
    """Neurons of what attention added, before that comes back to the state."""
    return joined(
        attention(x, f"{place}.a", f"{place}.inner"),
        feedforward(f"{place}.inner", f"{place}.f", f"{place}.deep"),
        ([node("Add", f"{x} {place}.deep", out)], {}),
    )


def shifted(x: str, place: str, out: str) -> Made:
    return [node("Add", f"{x} {place}.position", out)], {f"{place}.position": whole(TOKENS, WIDTH)}


def across(x: str, place: str, out: str) -> Made:
    return [node("MatMul", f"{place}.mixing {x}", out)], {f"{place}.mixing": whole(TOKENS, TOKENS)}


FIRST = ([node("Transpose", "s0", "t", perm=[0, 2, 1]), node("MatMul", "s0 t", "m"), node("Hardmax", "m", "w", axis=-1),
          node("MatMul", "w s0", "u"), node("ReduceMean", "u axes", "y", keepdims=0)], {"axes": i64(1)})  # fmt: skip
REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "layer normalisation": (
        lambda: network((attention, {}), last=([node("LayerNormalization", "s1 g", "n"), node("Gelu", "n", "y")],
                                               {"g": whole(WIDTH)})),
        "node 'Gelu-y' (Gelu): expected an operator that is piecewise linear and read, found Gelu",
    ),
    "softmax at the end": (lambda: alone("Softmax", axis=-1), "expected weights of attention that mix values"),
    "all tokens": (
        lambda: network((attention, {}), last=([node("Flatten", "s1", "y")], {})),
        "found tokens that are weighed in other ways",
    ),
    "a maximum over tokens": (
        lambda: network((attention, {}), (feedforward, {}), last=over_tokens("ReduceMax")),
        "softmax has no maximum over tokens",
    ),
    "a mean over tokens, ties to the first": (lambda: network(last=FIRST), "ties that share the weight"),
    "another mask": (lambda: network((attention, {"mask": ABOVE.T.copy()})), "no mask, or that of causal attention"),
    "a mask that is finite": (
        lambda: network((attention, {"mask": np.triu(np.full((TOKENS, TOKENS), -1e9, np.float32), 1)})),
        "no mask, or that of causal attention",
    ),
    "masked in part": (lambda: network((attention, {}), (attention, {"mask": ABOVE})), "one mask for all blocks"),
    "side by side": (lambda: network((beside, {})), "found both side by side"),
    "one inside another": (lambda: network((nested, {})), "found one inside another"),
    "positions later": (lambda: network((attention, {}), (shifted, {}), (attention, {})), "constants of a position"),
    "tokens mixed": (lambda: network((attention, {}), (across, {}), (feedforward, {})), "values that mix tokens"),
    "softmax over queries": (
        lambda: network(last=([node("Transpose", "s0", "t", perm=[0, 2, 1]), node("MatMul", "s0 t", "m"),
                               node("Softmax", "m", "w", axis=1), node("MatMul", "w s0", "y")], {})),
        "the last axis",
    ),
    "scores that are squared": (
        lambda: network(last=([node("Transpose", "s0", "t", perm=[0, 2, 1]), node("MatMul", "s0 t", "y")], {})),
        "a product of two values that depend on the input",
    ),
    "heads that do not divide": (
        lambda: network((attention, {"how": "operator", "q_num_heads": 3}), opset=23),
        "a number of heads that divides the last axis",
    ),
    "a soft cap": (lambda: network((attention, {"how": "operator", "softcap": 2.0}), opset=23), "softcap = 0.0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_transformer_is_refused_with_its_place(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(InvalidInput) as caught:
        read(make())
    assert any(message in reason for reason in caught.value.reasons), caught.value.reasons
    assert all(reason.startswith("net.onnx: ") for reason in caught.value.reasons)


def test_all_operators_that_are_not_read_are_said_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        read(REFUSED["layer normalisation"][0]())
    assert len(caught.value.reasons) == 2


@pytest.mark.parametrize("numbers", [[0, 1, 2, 3], [1, 0], [[0, 1]], 0])
def test_the_best_token_is_found_by_the_numbers_of_all(numbers: Any) -> None:
    source = ef.ReluNetwork.of([([[1, 2]], [0])], ([[1]], [0]), domain=ef.Box([-1, -1], [1, 1]))
    made = onnx.load_from_string(export(source, tie="leftmost").onnx())
    for tensor in made.graph.initializer:
        if tensor.name.endswith(".numbers"):
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array(numbers, np.int64), tensor.name))
    with pytest.raises(InvalidInput, match="expected the numbers of the tokens, from 0 on"):
        read(made)
