"""What every reader of graphs makes: nodes in the order of evaluation, with the operators and attributes of ONNX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exactformer.errors import Faults

Shape = tuple[int, ...]

# The types of numbers, by the names of ONNX in small letters.
FLOATS = ("float16", "bfloat16", "float", "double")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True, eq=False)
class Array:
    """A constant: its numbers in an array of NumPy that holds each exactly, and the name of their type."""

    values: np.ndarray[Any, Any]
    type: str


@dataclass(frozen=True)
class Node:
    """One operator: what it takes and what it gives, by name (an empty name: left out)."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)  # int, float, str, Array, or a list of one kind
    place: str = "node"  # what messages call it


@dataclass(frozen=True)
class Graph:
    """One input of floating-point numbers, constants, nodes, and one output."""

    input: str
    shape: Shape
    type: str
    constants: Mapping[str, Array]
    nodes: tuple[Node, ...]
    output: str
    notes: tuple[str, ...] = ()  # what was assumed, for those who use the network
    inputs: tuple[int, ...] = ()  # the sizes of what the input is made of, if of several
    outputs: tuple[str, ...] = ()  # the values that the output is made of, if of several


@dataclass(frozen=True)
class Refusal(Exception):
    """What an operator expected, and what it found; the place is known to the caller."""

    expected: str
    found: str
    hint: str = ""


@contextmanager
def noted(place: str, faults: Faults) -> Iterator[None]:
    """Notes a refusal as a fault at a place."""
    try:
        yield
    except Refusal as refusal:
        faults.add(place, refusal.expected, refusal.found, refusal.hint)
