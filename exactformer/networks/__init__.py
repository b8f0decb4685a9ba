"""Frozen exact networks and their exact evaluation."""

from pathlib import Path
from typing import Any

from exactformer.arguments import instance
from exactformer.errors import Faults
from exactformer.networks.affine import Affine
from exactformer.networks.feedforward import MaxoutLayer, MaxoutNetwork, ReluNetwork, check_domain
from exactformer.networks.transformer import Block, FeedForward, Head, Transformer

Network = MaxoutNetwork | ReluNetwork | Transformer


def check_network(value: Any, place: str, faults: Faults) -> bool:
    """Whether the value is a network; a fault is noted if not, with a hint at what was probably meant."""
    expected, hint = "a network (MaxoutNetwork, ReluNetwork or Transformer)", ""
    if isinstance(value, (str, Path)):
        hint = f"; did you mean ef.load({str(value)[:60]!r})?"
    elif isinstance(getattr(value, "transformer", None), Transformer):
        hint = "; did you mean its attribute transformer?"
    return instance(value, (MaxoutNetwork, ReluNetwork, Transformer), expected, place, faults, hint)


__all__ = [
    "Affine",
    "Block",
    "FeedForward",
    "Head",
    "MaxoutLayer",
    "MaxoutNetwork",
    "Network",
    "ReluNetwork",
    "Transformer",
    "check_domain",
    "check_network",
]
