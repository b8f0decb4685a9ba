"""Modules of PyTorch with attention and a forward of their own. `.ci/long torch` runs this."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_modules import whole

import exactformer as ef
from exactformer.errors import InvalidInput
from exactformer.exporting import export
from exactformer.networks import Transformer

WHOLE = ef.MaxoutNetwork.of(
    [([[[1, 0], [0, 1], [1, 1]], [[2, -1], [0, 0], [0, -1]]], [[0, 0, -1], [0, 1, 0]])],
    ([[1, -1], [0, 2]], [0, 1]),
    domain=ef.Box([-3, -3], [3, 3]),
)
POINTS = [[0.5, -1.0], [1.0, 2.0], [-3.0, 0.25], [0.0, 0.0]]


class Small(nn.Module):
    """Tokens with positions, attention, neurons, one token read out."""

    def __init__(self, batch_first: bool = True, masked: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.batch_first = batch_first
        self.embedding, self.position = nn.Linear(2, 12), nn.Parameter(torch.randn(3, 4))
        self.attention = nn.MultiheadAttention(4, 2, batch_first=batch_first)
        self.attention.in_proj_bias.data = torch.randn(12)
        self.inner, self.outer, self.end = nn.Linear(4, 6), nn.Linear(6, 4), nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        self.mask = torch.ones(3, 3, dtype=torch.bool).triu(1) if masked else None

    def forward(self, x: Any) -> Any:
        state = self.embedding(x).reshape(-1, 3, 4) + self.position
        if not self.batch_first:
            state = state.permute(1, 0, 2)
        state = state + self.attention(state, state, state, attn_mask=self.mask, need_weights=False)[0]
        if not self.batch_first:
            state = state.permute(1, 0, 2)
        return self.end((state + self.outer(torch.relu(self.inner(state))))[:, 1])


class ByHand(nn.Module):
    """Attention in steps, with a scale that is a number of Python."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embedding, self.query, self.key, self.value = (nn.Linear(2, 12), *(nn.Linear(4, 4) for _ in range(3)))
        self.end = nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        state = self.embedding(x).view(-1, 3, 4)
        scores = torch.matmul(self.query(state), self.key(state).permute(0, 2, 1)) * 0.7
        return self.end((state + torch.softmax(scores, dim=-1) @ self.value(state))[:, 0])


class Pooling(nn.Module):
    """Queries, keys and values from one map, a residual block, and one value of all tokens."""

    def __init__(self, apart: str = "chunk", pool: str = "mean", mask: Any = None) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.apart, self.pool, self.mask = apart, pool, mask
        self.embedding, self.three, self.inner, self.outer = (
            nn.Linear(a, b) for a, b in ((2, 12), (4, 12), (4, 5), (5, 4))
        )
        self.query, self.attention = nn.Parameter(torch.randn(1, 1, 4)), nn.MultiheadAttention(4, 2, batch_first=True)
        self.end = nn.Sequential(nn.Linear(4, 3), nn.ReLU(inplace=True), nn.Linear(3, 2))

    def forward(self, x: Any) -> Any:
        batch = x.shape[0]
        state = self.embedding(x).view(batch, 3, 4)
        three = self.three(state)
        query, key, value = (
            three.chunk(3, dim=-1) if self.apart == "chunk" else three.reshape(batch, 3, 3, 4).unbind(dim=2)
        )
        scores = query @ key.transpose(1, 2) / 2
        if self.mask == "filled":
            scores = scores.masked_fill(torch.ones(3, 3, dtype=torch.bool).triu(1), float("-inf"))
        elif self.mask == "added":
            scores = scores + torch.full((3, 3), float("-inf")).triu(1)
        state = state + functional.softmax(scores, dim=-1) @ value
        state = state + self.outer(torch.relu(self.inner(state)))
        if self.pool == "query":
            state = self.attention(self.query.expand(batch, 1, 4), state, state)[0]
        return self.end(state.sum(dim=1) if self.pool == "sum" else state.mean(dim=1))


@pytest.mark.parametrize(
    "make",
    [
        Small,
        lambda: Small(False),
        lambda: Small(masked=True),
        ByHand,
        Pooling,
        lambda: Pooling("unbind", "sum", "filled"),
        lambda: Pooling("chunk", "query", "added"),
    ],
)
def test_values_are_those_of_pytorch(make: Any) -> None:
    module = make().eval()
    found = ef.load(module, shape=(2,))
    assert isinstance(found, Transformer) and found.tokens == 3
    assert (found.mask == "causal") == (getattr(module, "mask", None) is not None)
    with torch.no_grad():
        wanted = module(torch.tensor(POINTS)).tolist()
    assert np.allclose(ef.evaluate_batch(found, POINTS, temperature=1), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("construction", ["gated", "no-residual", "tournament", "causal"])
def test_what_is_exported_is_read_as_an_equal_network(construction: str) -> None:
    made = export(WHOLE, construction=construction, temperature=1)
    found = ef.load(made.module(), shape=(2,))
    assert ef.verify(found, made.transformer, domain=WHOLE.domain, cross_check=()).verdict == "proved"


class Groups(nn.Module):
    """Maxout in two ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.inner, self.outer, self.way = nn.Linear(2, 12), nn.Linear(4, 2), way

    def forward(self, x: Any) -> Any:
        groups = self.inner(x).view(-1, 4, 3)
        return self.outer(groups.amax(dim=2) if self.way == "amax" else torch.max(groups, dim=2)[0])


@pytest.mark.parametrize("way", ["amax", "max"])
def test_maxout_as_a_maximum_over_groups(way: str) -> None:
    module = whole(Groups(way))
    found = ef.load(module, shape=(2,))
    assert isinstance(found, ef.MaxoutNetwork) and found.rank == 3
    for x in POINTS:
        assert list(found.evaluate(x)) == module(torch.tensor([x]))[0].tolist()


class Unread(nn.Module):
    """Normalisation and GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(2, 2), nn.LayerNorm(2)

    def forward(self, x: Any) -> Any:
        return self.norm(functional.gelu(self.linear(x)))


class Deciding(Unread):
    """Its steps depend on the values."""

    def forward(self, x: Any) -> Any:
        return self.linear(x) if x.sum() > 0 else x


class InPlace(nn.Module):
    """A value that has two names is changed."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x: Any) -> Any:
        first = self.linear(x)
        second = first
        second += 1
        return (first - x).relu_() + second


def test_what_works_in_place_is_read_as_what_it_does() -> None:
    module = whole(InPlace())
    found = ef.load(module, shape=(2,))
    for x in POINTS:
        assert list(found.evaluate(x)) == module(torch.tensor([x]))[0].tolist()


def hooked() -> Any:
    module = Small()
    module.inner.register_forward_hook(lambda *_: None)
    return module


REFUSED: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "all that is not read": (Unread, (2,), ("found gelu", "found layer_norm")),
    "a decision": (Deciding, (2,), ("a module that torch.export can export, found GuardOnDataDependentSymNode",)),
    "a hook": (hooked, (2,), ("Small.inner: expected a module without hooks",)),
    "no shape": (Small, None, ("the shape of one input",)),
    "another shape": (Small, (3,), ("a module that torch.export can export, found RuntimeError",)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_refused(name: str) -> None:
    make, shape, messages = REFUSED[name]
    with pytest.raises(InvalidInput) as caught:
        ef.load(make().eval(), shape=shape)
    for message in messages:
        assert any(message in reason for reason in caught.value.reasons), caught.value.reasons


def test_training_mode_is_refused() -> None:
    with pytest.raises(InvalidInput, match="expected evaluation mode"):
        ef.load(Small().train(), shape=(2,))
