"""Frozen exact networks and their exact evaluation."""

from exactformer.networks.affine import Affine
from exactformer.networks.feedforward import MaxoutLayer, MaxoutNetwork, ReluNetwork
from exactformer.networks.transformer import Block, FeedForward, Head, Transformer

Network = MaxoutNetwork | ReluNetwork | Transformer

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
]
