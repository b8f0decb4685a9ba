"""The network that a graph is: a Transformer where it attends, else layers of units."""

from __future__ import annotations

from exactformer.formats.graphs.attending import ALWAYS
from exactformer.formats.graphs.fold import fold, needed
from exactformer.formats.graphs.graph import Graph
from exactformer.formats.graphs.operators import OPERATORS
from exactformer.formats.graphs.stages import transformer_of
from exactformer.formats.reading import Reading


def network_of(graph: Graph, source: str, name: str) -> Reading:
    """The network that a graph computes, as `fold` and `transformer_of` say, which raise what is wrong."""
    attends = any(node.operator in ALWAYS and node.operator not in OPERATORS for node in needed(graph))
    return (transformer_of if attends else fold)(graph, source, name)
