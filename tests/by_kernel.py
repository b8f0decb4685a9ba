"""What the kernel alone computes at a point: bounds of each output, which agree where it is exact."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from exactformer.kernel.atoms import Atoms
from exactformer.kernel.cell import Cell
from exactformer.kernel.forms import ZERO, constant_form
from exactformer.kernel.networks import read_network
from exactformer.kernel.semantics import Semantics, advance, start

AVERAGE = Semantics("average")


def enclosed(text: bytes, point: Sequence[Fraction], semantics: Semantics = AVERAGE) -> list[Any]:
    """The lower and upper bound of each output of the network in a file."""
    network, cell = read_network(text, "file"), Cell(Atoms((), ()), (), {})
    outputs = advance(start(network, "L", semantics, list(map(constant_form, point))), cell).outputs or {}
    return [cell.atoms.bounds(outputs.get(k, ZERO)) for k in range(network.outputs)]
