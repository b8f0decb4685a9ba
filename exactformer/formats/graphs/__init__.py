"""Graphs of tensor operators, as deep-learning frameworks write them, and the exact networks that they are."""

from exactformer.formats.graphs.graph import Array, Graph, Node
from exactformer.formats.graphs.reader import network_of

__all__ = ["Array", "Graph", "Node", "network_of"]
