"""Graphs with several inputs or outputs as one with one of each: their entries, one tensor after the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exactformer.formats.graphs.graph import Array, Graph, Node, Refusal, Shape


@dataclass(frozen=True)
class Input:
    """An input of a graph."""

    name: str
    shape: Shape
    type: str


def joined(
    inputs: Sequence[Input],
    constants: Mapping[str, Array],
    nodes: Sequence[Node],
    outputs: Sequence[str],
    notes: Sequence[str] = (),
) -> Graph:
    """The graph whose input has the entries of all inputs, in order, and its output those of all outputs.

    Raises `Refusal` for inputs of several types.
    """
    used = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    names = Names(used | constants.keys() | {each.name for each in inputs} | set(outputs))
    known, all_nodes, said = dict(constants), list(nodes), list(notes)
    first, output, sizes = inputs[0], outputs[0], [math.prod(each.shape) for each in inputs]
    if len(inputs) > 1:
        types = dict.fromkeys(each.type for each in inputs)
        if len(types) > 1:
            raise Refusal("inputs of one type", ", ".join(types))
        first = Input(names.fresh("inputs"), (sum(sizes),), inputs[0].type)
        parts = tuple(names.fresh(f"input {i}") for i in range(len(inputs)))
        all_nodes = [Node("Split", (first.name,), parts, {"split": sizes}, "inputs")]
        for part, each in zip(parts, inputs, strict=True):
            shape = names.fresh(f"{part}, shape")
            known[shape] = Array(np.array(each.shape, np.int64), "int64")
            all_nodes.append(Node("Reshape", (part, shape), (each.name,), {}, f"input '{each.name:.40}'"))
        all_nodes += nodes
        said.append(f"inputs, one after the other: {', '.join(f'{each.name:.40}' for each in inputs)}")
    flat: list[str] = []
    if len(outputs) > 1:
        shape = names.fresh("outputs, shape")
        known[shape] = Array(np.array([-1], np.int64), "int64")
        for number, name in enumerate(outputs):
            flat.append(names.fresh(f"output {number}"))
            all_nodes.append(Node("Reshape", (name, shape), (flat[-1],), {}, f"output '{name:.40}'"))
        output = names.fresh("outputs")
        all_nodes.append(Node("Concat", tuple(flat), (output,), {"axis": 0}, "outputs"))
        said.append(f"outputs, one after the other: {', '.join(f'{name:.40}' for name in outputs)}")
    own = tuple(sizes) if len(inputs) > 1 else ()
    return Graph(first.name, first.shape, first.type, known, tuple(all_nodes), output, tuple(said), own, tuple(flat))


class Names:
    """Names that are taken, and new ones."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken

    def fresh(self, name: str) -> str:
        """The name, or one like it that is not taken yet."""
        while name in self.taken:
            name += "'"
        self.taken.add(name)
        return name
