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
    return (transformer_of if _attends(graph) else fold)(graph, source, name)


def _attends(graph: Graph) -> bool:
    """Whether there are operators of attention; values are compared for the tokens of the largest score only."""
    moving = {graph.input}
    for node in needed(graph):
        moved = bool(moving.intersection(node.inputs))
        if (node.operator in ALWAYS and node.operator not in OPERATORS) or (moved and node.operator == "Equal"):
            return True
        if moved and node.operator != "Shape":
            moving.update(node.outputs)
    return False
