"""VNN-LIB 2.0, as the package vnnlib parses it: the only module that imports it. Numbers are read from their text."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.formats.queries import Declared, Formula, Query, Row, Slot, Variable
from exactformer.formats.vnnlib import DEEPEST, Linear, combined, related
from exactformer.rational import read_rational

RELATIONS = {
    "LessEqual": "<=",
    "GreaterEqual": ">=",
    "LessThan": "<",
    "GreaterThan": ">",
    "Equal": "==",
    "NotEqual": "!=",
}


def parse(text: str, source: str) -> Query:
    """The query in a text of version 2.0.

    Raises `InvalidInput` with all faults, products of variables among them, `Unsupported` where the package vnnlib is
    not installed.
    """
    _check_depth(text, source)
    faults = Faults(source)
    tree = _tree(text, source)
    tensors: dict[tuple[str, str], tuple[int, str, int, Declared]] = {}
    slots = [_slot(number, network, tensors, faults) for number, network in enumerate(tree.networks)]
    names = {slot.name for slot in slots}
    for slot in slots:
        if slot.relation and slot.other not in names - {slot.name}:
            faults.add(f"network {slot.name}", f"{slot.relation} another network that is declared", slot.other)
    reader = _Reader(tensors, faults)
    formulas = [reader.formula(assertion.expr) for assertion in tree.assertions]
    if not formulas:
        faults.add("file", "at least one assertion", "none")
    faults.settle()
    return Query.of(source, slots, formulas)


def _tree(text: str, source: str) -> Any:
    try:
        import vnnlib
    except ImportError:
        raise Unsupported(f"{source}: VNN-LIB 2.0 needs the package vnnlib: pip install 'exactformer[io]'") from None
    try:
        return vnnlib.parse_query_string(text)
    except vnnlib.VNNLibException as error:
        raise InvalidInput(_reasons(str(error), source)) from None


def _reasons(text: str, source: str) -> list[str]:
    """What the package says, a line a fault."""
    try:
        found = json.loads(text)["errors"]
        return [f"{source}: line {e['line']}: {e['message']}, found {e['offendingSymbol']}: {e['hint']}" for e in found]
    except (ValueError, KeyError, TypeError):
        return [f"{source}: expected VNN-LIB 2.0, found: {text}"]


def _check_depth(text: str, source: str) -> None:
    """Refuses parentheses so deep that a parser which calls itself would end the process."""
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        for letter in line.partition(";")[0]:
            depth += (letter == "(") - (letter == ")")
            if depth > DEEPEST:
                raise InvalidInput(f"{source}: line {number}: expected at most {DEEPEST} levels of parentheses")


def _slot(number: int, network: Any, tensors: dict[tuple[str, str], Any], faults: Faults) -> Slot:
    """A network that is declared; its tensors are entered."""
    sides: dict[str, list[Declared]] = {"input": [], "output": []}
    for kind, nodes in (("input", network.inputs), ("output", [*network.outputs, *network.hidden])):
        first = 0
        for node in nodes:
            value = (getattr(node, "onnx_name", None) or "").strip('"')  # the package keeps the quotes
            declared = Declared(node.name, str(node).split()[2], tuple(map(int, node.shape)), value)
            if any(side < 1 for side in declared.shape):
                faults.add(f"{kind} {node.name}", "sizes of at least 1", list(declared.shape))
            tensors[network.name, node.name] = (number, kind, first, declared)
            first += declared.size
            sides[kind].append(declared)
    if network.hidden and network.equal_to:
        faults.add(f"network {network.name}", "hidden nodes in the network that it is equal to alone", "some in both")
    relation = "equal-to" if network.equal_to else "isomorphic-to" if network.isometric_to else ""
    other = network.equal_to or network.isometric_to
    return Slot(network.name, tuple(sides["input"]), tuple(sides["output"]), relation, other)


class _Reader:
    """Turns nodes of the package into formulas; faults are collected."""

    def __init__(self, tensors: dict[tuple[str, str], Any], faults: Faults) -> None:
        self.tensors, self.faults = tensors, faults

    def formula(self, node: Any) -> Formula:
        """A formula."""
        kind = type(node).__name__
        if kind in ("And", "Or"):
            return kind.lower(), [self.formula(part) for part in node.args]
        if kind in RELATIONS:
            return related(RELATIONS[kind], self.linear(node.lhs), self.linear(node.rhs), _line(node))
        self.faults.add("assertion", "and, or, or a comparison", f"{node}")
        return Row((), Fraction(0))

    def linear(self, node: Any) -> Linear:
        """A linear expression."""
        kind = type(node).__name__
        if kind == "Var":
            return self._variable(node)
        if hasattr(node, "lexeme"):
            return {None: read_rational(str(node.lexeme), f"line {_line(node)}", self.faults)}
        operator = {"Plus": "+", "Minus": "-", "Negate": "-", "Multiply": "*"}.get(kind, kind)
        found = combined(operator, [self.linear(part) for part in node.children()])
        if found is None:
            self.faults.add(f"line {_line(node)}", "a linear expression", f"{node}".strip())
        return found or {}

    def _variable(self, node: Any) -> Linear:
        place = self.tensors.get((node.network_name, node.name))
        if place is None:
            self.faults.add(f"line {node.line}", "a variable that is an input or an output", node.name)
            return {}
        number, kind, first, declared = place
        indices = tuple(node.indices)
        inside = (0 <= i < n for i, n in zip(indices, declared.shape, strict=False))
        if len(indices) != len(declared.shape) or not all(inside):
            self.faults.add(
                f"line {node.line}", f"indices within {list(declared.shape)}", f"{node.name}{list(indices)}"
            )
            return {}
        strides = [math.prod(declared.shape[k + 1 :]) for k in range(len(indices))]
        flat = sum(i * stride for i, stride in zip(indices, strides, strict=True))
        variable: Variable = (number, kind, first + flat)
        return {variable: Fraction(1)}


def _line(node: Any) -> int:
    """The first line that a part of a node tells."""
    todo = [node]
    while todo:
        part = todo.pop()
        if hasattr(part, "line"):
            return int(part.line)
        todo += reversed(part.children())
    return 0
