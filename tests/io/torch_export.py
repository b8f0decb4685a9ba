"""Transformers as modules of PyTorch. It is large: `.ci/long torch` runs this in an environment of its own."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import exactformer as ef
from exactformer.exporting import export, replay, write_export
from exactformer.exporting.torch_module import tensor_of

WHOLE = ef.MaxoutNetwork.of(
    [([[[1, 0], [0, 1], [1, 1]], [[2, -1], [0, 0], [0, -1]]], [[0, 0, -1], [0, 1, 0]])],
    ([[1, -1], [0, 2]], [0, 1]),
    domain=ef.Box([-3, -3], [3, 3]),
)
WIDE = ef.Head.of([[1, 0], [0, 1], [1, 1]], [[1, 2], [0, 1], [1, 0]], [[1, 1], [2, 0]], [[1, 0], [0, 1]])
NARROW = ef.Head.of([[1, -1]], [[0, 1]], [[1, 0]], [[1], [0]])
TOKENS = (ef.Affine.of([[1], [0]], [0, 1]), ef.Affine.of([[0], [1]], [1, 0]), ef.Affine.of([[1], [1]], [0, 0]))
POINTS = [[0, 0], [1, -1], [2, 3], [-3, 1], [1, 1], [3, 0]]
TIES = ("average", "leftmost", "rightmost")
CONSTRUCTIONS = ("gated", "global", "no-residual", "single-head", "tournament", "causal")


def several(mask: Any = None) -> ef.Transformer:
    """Heads of different depths, so that some are filled up, and a scale that is not 1."""
    blocks = (ef.Block((WIDE, NARROW), None), ef.Block((NARROW,), None))
    return ef.Transformer(TOKENS, blocks, 2, ef.Affine.of([[1, 2]], [1]), mask=mask)


def computed(module: Any, points: Any, type: str) -> Any:
    with torch.no_grad():
        return np.array(module(tensor_of(np.array(points, type))).tolist())


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_hard_attention_computes_what_is_exact_in_floats(construction: str, tie: Any) -> None:
    made = export(WHOLE, construction=construction, tie=tie, type="float32")
    exact = [[float(y) for y in made.transformer.evaluate(p, tie=tie)] for p in POINTS]
    assert computed(made.module(), POINTS, "float32").tolist() == exact


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_softmax_is_multihead_attention(construction: str) -> None:
    made = export(WHOLE, construction=construction, temperature="1/2")
    module = made.module()
    assert any(isinstance(part, nn.MultiheadAttention) for part in module.modules())
    wanted = ef.evaluate_batch(made.exact, POINTS, temperature=Fraction(1, 2))
    assert np.allclose(computed(module, POINTS, "float64"), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mask", [None, "causal"])
def test_heads_of_several_depths_are_filled_up(mask: Any) -> None:
    points = [[0], [1], [-2], [3]]
    made = export(several(mask), temperature=1)
    wanted = ef.evaluate_batch(made.exact, points, temperature=1)
    assert np.allclose(computed(made.module(), points, "float64"), wanted, rtol=1e-12, atol=1e-12)
    hard = export(several(mask))
    exact = [[float(y) for y in hard.transformer.evaluate(p)] for p in points]
    assert np.allclose(computed(hard.module(), points, "float64"), exact, rtol=1e-12, atol=1e-12)


def test_the_state_is_that_of_the_module() -> None:
    for made in (export(several(), temperature=3), export(WHOLE)):
        state, own = made.state_dict(), made.module().state_dict()
        assert state.keys() == own.keys()
        for name, tensor in own.items():
            assert np.array_equal(state[name], np.array(tensor.tolist()).reshape(state[name].shape))


def test_a_multihead_attention_takes_its_part_of_the_state() -> None:
    made = export(several(), temperature=1)
    state = made.state_dict()
    projection = state["blocks.0.attention.in_proj_weight"]
    width = projection.shape[1]
    attention = nn.MultiheadAttention(width, 2, batch_first=True, dtype=torch.float64)
    names = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    attention.load_state_dict({name: tensor_of(state[f"blocks.0.attention.{name}"]) for name in names})
    x = torch.randn(1, 3, width, dtype=torch.float64)
    own = made.module().blocks[0].attention
    assert torch.equal(attention(x, x, x)[0], own(x, x, x)[0])


def test_replay_runs_pytorch(tmp_path: Any) -> None:
    write_export(export(WHOLE, temperature=2), tmp_path / "made")
    seen = replay(tmp_path / "made", points=3).seen
    assert {each.engine.split()[0] for each in seen} == {"onnxruntime", "torch"}
    assert all(each.infinite == 0 and each.difference < Fraction(1, 10**9) for each in seen)
