"""From a graph to a network: every value becomes a tensor of affine forms over the input and the units so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from exactformer.errors import Faults, did_you_mean
from exactformer.formats.graphs.call import Call, is_float
from exactformer.formats.graphs.graph import Graph, Node, noted
from exactformer.formats.graphs.layers import layered
from exactformer.formats.graphs.operators import OPERATORS, Operator
from exactformer.formats.graphs.tensor import Tensor, of_array, variables
from exactformer.formats.graphs.units import Units
from exactformer.formats.reading import Reading

ALL = 1000  # reasons of one file: as good as all


def fold(graph: Graph, source: str, name: str) -> Reading:
    """The network that a graph computes, its tensors flattened in row-major order.

    All arithmetic is that of real numbers: weights are the binary numbers that stand in the file, nothing is rounded.
    Raises `InvalidInput` with every reason why it is none: operators and attributes that are not read, a product
    of values that depend on the input, shapes that do not fit, numbers that are not finite, too much of everything.
    """
    faults = Faults(source, ALL)
    for made, places in makers(graph).items():
        if len(places) > 1:
            faults.add(places[-1], "a new name for each output", f"'{made:.40}' again")
    nodes = needed(graph)
    broken = {i for i, node in enumerate(nodes) if not is_read(node, OPERATORS, faults)}
    notes = list(graph.notes)
    units = Units(math.prod(graph.shape))
    values: dict[str, Tensor | None] = {graph.input: variables(0, graph.shape, graph.type)}
    sizes: dict[str, int] = {}  # of the parts of an output
    last = {name: i for i, node in enumerate(nodes) for name in node.inputs} | {graph.output: len(nodes)}
    for i, node in enumerate(nodes):
        inputs = [_value(name, node.place, graph, values, faults) if name else None for name in node.inputs]
        unknown = any(name and value is None for name, value in zip(node.inputs, inputs, strict=True))
        outputs: list[Tensor] = []
        if i not in broken and not unknown:
            wanted = [k for k, name in enumerate(node.outputs, start=1) if name in last]
            call = Call(
                tuple(inputs), attributes_of(node, OPERATORS), max(wanted, default=0), len(node.outputs), units, []
            )
            with noted(node.place, faults):
                outputs = OPERATORS[node.operator].run(call)
            notes += [f"{node.place}: {note}" for note in call.notes]
        values.update(zip_longest(node.outputs, outputs[: len(node.outputs)]))
        sizes |= {name: made.size for name, made in zip(node.outputs, outputs, strict=False) if name in graph.outputs}
        for used in node.inputs:
            if last[used] == i:
                values[used] = None  # the name stays taken
    place = f"output '{graph.output:.40}'"
    result = None if faults.reasons else _value(graph.output, place, graph, values, faults)
    if result is not None and not result.size:
        faults.add(place, "at least one number", "none")
    faults.settle()
    assert result is not None
    network = None
    with noted(place, faults):
        if not result.fixed or result.type == "bool":  # a shape, say, may be an output
            is_float(result)
        network = layered(units, result, name)
    faults.settle()
    assert network is not None
    parts = tuple(sizes[name] for name in graph.outputs)
    return Reading(network, tuple(dict.fromkeys(notes)), inputs=graph.inputs, outputs=parts)


def makers(graph: Graph) -> dict[str, list[str]]:
    """Where each value comes from: one place, if all is well."""
    found = {name: ["graph"] for name in (graph.input, *graph.constants)}
    for node in graph.nodes:
        for name in filter(None, node.outputs):
            found.setdefault(name, []).append(node.place)
    return found


def needed(graph: Graph) -> list[Node]:
    """The nodes that the output depends on, in their order."""
    wanted, kept = {graph.output}, []
    for node in reversed(graph.nodes):
        if wanted.intersection(filter(None, node.outputs)):
            kept.append(node)
            wanted.update(node.inputs)
    return kept[::-1]


def is_read(node: Node, operators: Mapping[str, Operator], faults: Faults) -> bool:
    """Whether a node is read, whatever its inputs are; if not, every reason is noted."""
    before = faults.count
    operator = operators.get(node.operator)
    if operator is None:
        hint = did_you_mean(node.operator, operators) if "." not in node.operator else ""
        faults.add(node.place, "an operator that is piecewise linear and read", node.operator, hint)
        return False
    least, most = operator.inputs
    if not least <= len(node.inputs) <= most:
        faults.add(node.place, f"{least} to {most} inputs", f"{len(node.inputs)}")
    for name, attribute in operator.attributes.items():
        if attribute.required and name not in node.attributes:
            faults.add(node.place, f"an attribute {name}", "none")
    for name, value in node.attributes.items():
        wanted = operator.attributes.get(name)
        if wanted is None:
            known = ", ".join(operator.attributes) or "none"
            faults.add(node.place, f"only attributes that are read ({known})", f"attribute {name}")
        elif not wanted.fits(value):
            faults.add(node.place, f"an attribute {name} of the kind {wanted.kind}", value)
    return faults.count == before


def attributes_of(node: Node, operators: Mapping[str, Operator]) -> dict[str, Any]:
    """The attributes of a node that is read, with the defaults of those that are left out."""
    return {name: node.attributes.get(name, each.default) for name, each in operators[node.operator].attributes.items()}


def _value(name: str, place: str, graph: Graph, values: Mapping[str, Tensor | None], faults: Faults) -> Tensor | None:
    """What is known by a name; None where a fault was noted, here or before."""
    if name in graph.constants:
        with noted(f"tensor '{name:.40}'", faults):
            return of_array(graph.constants[name])
    elif name not in values:
        faults.add(place, "values that are made before they are used", f"'{name:.40}'")
    return values.get(name)
