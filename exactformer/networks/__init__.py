"""Frozen exact networks and their exact evaluation."""

from pathlib import Path
from typing import Any

from exactformer.arguments import instance
from exactformer.errors import Faults, Unsupported
from exactformer.networks.affine import Affine
from exactformer.networks.feedforward import MaxoutLayer, MaxoutNetwork, ReluNetwork, check_domain
from exactformer.networks.function import Function
from exactformer.networks.transformer import Block, FeedForward, Head, Transformer

LayeredNetwork = MaxoutNetwork | ReluNetwork | Transformer
Network = LayeredNetwork | Function


def check_network(value: Any, place: str, faults: Faults, *, functions: bool = False) -> bool:
    """Whether the value is a network; a fault is noted if not, with a hint at what was probably meant.

    Functions that are given by a formula are refused unless `functions` says that they will do.
    """
    if functions and isinstance(value, Function):
        return True
    expected, hint = "a network (MaxoutNetwork, ReluNetwork or Transformer)", ""
    if isinstance(value, Function):
        faults.add(place, expected, "a function given by a formula", "; it can be evaluated, and be a side of a claim")
        return False
    if isinstance(value, (str, Path)):
        hint = f"; did you mean ef.load({str(value)[:60]!r})?"
    elif isinstance(getattr(value, "transformer", None), Transformer):
        hint = "; did you mean its attribute transformer?"
    return instance(value, (MaxoutNetwork, ReluNetwork, Transformer), expected, place, faults, hint)


def layered(network: Network) -> LayeredNetwork:
    """The network, which has layers. Raises `Unsupported` for a function."""
    if isinstance(network, Function):
        raise Unsupported("expected a network of layers (maxout, ReLU or Transformer), found a function")
    return network


__all__ = [
    "Affine",
    "Block",
    "FeedForward",
    "Function",
    "Head",
    "LayeredNetwork",
    "MaxoutLayer",
    "MaxoutNetwork",
    "Network",
    "ReluNetwork",
    "Transformer",
    "check_domain",
    "check_network",
    "layered",
]
