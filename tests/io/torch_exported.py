"""Programs of `torch.export` are the same networks as their modules. `.ci/long torch` runs this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch_modules import MODULES, whole
from torch_own import POINTS, ByHand, Small

import exactformer as ef
from exactformer.errors import InvalidInput
from exactformer.networks import MaxoutNetwork, Transformer


def exported(module: Any, *shapes: tuple[int, ...], **options: Any) -> Any:
    return torch.export.export(module.eval(), tuple(torch.zeros(shape) for shape in shapes), **options)


def same_as_module(module: Any, *shapes: tuple[int, ...]) -> Any:
    """Modules with small integers as weights compute exactly."""
    found = ef.load(exported(whole(module), *shapes))
    random = torch.Generator().manual_seed(1)
    for _ in range(3):
        points = [torch.randint(-3, 4, shape, generator=random).float() for shape in shapes]
        with torch.no_grad():
            wanted = module(*points)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        flat = [x for point in points for x in point.flatten().tolist()]
        assert list(found.evaluate(flat)) == [y for part in wanted for y in part.flatten().tolist()]
    return found


@pytest.mark.parametrize("name", MODULES)
def test_programs_are_the_networks_of_their_modules(name: str) -> None:
    module, shape = MODULES[name]
    network = ef.load(whole(module), shape=shape)
    found = ef.load(exported(module, (1, *(shape or (network.inputs,)))))
    assert (type(found), found.layers, found.output) == (type(network), network.layers, network.output)


@pytest.mark.parametrize("make", [Small, lambda: Small(False), ByHand])
def test_attention(make: Callable[[], Any]) -> None:
    module = make().eval()
    found = ef.load(exported(module, (1, 2)))
    assert isinstance(found, Transformer) and found.tokens == 3
    with torch.no_grad():
        wanted = module(torch.tensor(POINTS)).tolist()
    assert np.allclose(ef.evaluate_batch(found, POINTS, temperature=1), wanted, rtol=1e-4, atol=1e-5)


class Maxout(nn.Module):
    """Groups of three, and what else moves numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(3, 12), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        h = self.inner(x).view(-1, 4, 3).amax(dim=2)
        return self.outer(h), torch.cat([h[:, 1:3], h.mean(dim=1, keepdim=True) * 4 - h[:, 0].unsqueeze(1)], dim=-1)


class Groups(Maxout):
    """Maxima with their places."""

    def forward(self, x: Any) -> Any:
        return self.outer(self.inner(x).view(-1, 4, 3).max(dim=2)[0])


@pytest.mark.parametrize("kind", [Maxout, Groups])
def test_maxout_as_a_maximum_over_groups(kind: Any) -> None:
    found = same_as_module(kind(), (1, 3))
    assert isinstance(found, MaxoutNetwork) and found.rank == 3


class Two(nn.Module):
    """Two inputs."""

    def forward(self, x: Any, z: Any) -> Any:
        return torch.maximum(x, z.t()).clamp(-1, 2) - torch.minimum(x, -z.t()).abs()


def test_two_inputs() -> None:
    same_as_module(Two(), (2, 3), (3, 2))


def test_an_open_first_axis_is_a_batch_of_one() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Unflatten(1, (2, 2)), nn.Flatten())
    batch = torch.export.Dim("n")
    program = torch.export.export(module.eval(), (torch.zeros(5, 3),), dynamic_shapes=({0: batch},))
    assert ef.load(program).evaluate([1, 2, 3]) == ef.load(module[:2]).evaluate([1, 2, 3])


class Normal(nn.Module):
    """What is not read."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear = nn.LayerNorm(3), nn.Linear(3, 3)

    def forward(self, x: Any) -> Any:
        return self.linear(self.norm(nn.functional.gelu(x)))


def test_what_is_not_read_is_refused_with_all_reasons() -> None:
    with pytest.raises(InvalidInput) as caught:
        ef.load(exported(Normal(), (1, 3)))
    for name in ("gelu", "layer_norm"):
        assert any(f"found {name}" in reason for reason in caught.value.reasons), caught.value.reasons
    trained = torch.export.export(nn.Sequential(nn.BatchNorm1d(3), nn.Dropout()).train(), (torch.zeros(2, 3),))
    with pytest.raises(InvalidInput, match="evaluation mode"):
        ef.load(trained)
    with pytest.raises(InvalidInput, match="shape: expected together with a module"):
        ef.load(exported(nn.Linear(3, 2), (1, 3)), shape=(3,))
