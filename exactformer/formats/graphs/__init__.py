"""Graphs of tensor operators, as deep-learning frameworks write them, and the exact networks that they are."""

from exactformer.formats.graphs.fold import fold
from exactformer.formats.graphs.graph import Array, Graph, Node

__all__ = ["Array", "Graph", "Node", "fold"]
