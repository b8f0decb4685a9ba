"""The affine map, the one building block that every network kind shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exactformer.errors import Faults, InvalidInput, shown
from exactformer.rational import Matrix, Vector, read_matrix, read_vector


@dataclass(frozen=True)
class Affine:
    """The map x -> weights x + biases, exact; weights has one row an output."""

    weights: Matrix
    biases: Vector

    def __post_init__(self) -> None:
        if not isinstance(self.weights, Matrix) or not isinstance(self.biases, Vector):
            wrong = shown(self.biases if isinstance(self.weights, Matrix) else self.weights)
            raise InvalidInput(f"affine map: expected a Matrix and a Vector (Affine.of makes them), found {wrong}")

    @staticmethod
    def of(weights: Any, biases: Any, place: str = "affine map") -> Affine:
        """The map with the given exact data: rows of weights, one bias a row.

        Numbers are integers, fractions, "p/q" or decimal text, and floats as the binary fractions that they are; arrays
        are taken as lists are. Raises `InvalidInput`, listing every fault.

        >>> Affine.of([[1, "1/2"]], [0]).outputs
        1
        """
        faults = Faults()
        result = read_affine(weights, biases, (f"{place}.weights", f"{place}.biases"), (None, None), faults)
        faults.settle()
        return result

    @property
    def outputs(self) -> int:
        """The number of rows."""
        return self.weights.shape[0]

    @property
    def inputs(self) -> int:
        """The number of columns."""
        return self.weights.shape[1]

    def __call__(self, x: Vector) -> Vector:
        """The exact value at x."""
        return self.weights @ x + self.biases

    def __repr__(self) -> str:
        return f"<Affine: {self.inputs} inputs, {self.outputs} outputs>"

    @property
    def nonzeros(self) -> int:
        """Non-zero weights plus non-zero biases."""
        return self.weights.nonzeros + sum(b != 0 for b in self.biases.numerators)


def read_affine(
    weights: Any, biases: Any, places: tuple[str, str], shape: tuple[int | None, int | None], faults: Faults
) -> Affine:
    """The affine map with the given data, of the shape (outputs, inputs) where that is known; faults are noted."""
    matrix = read_matrix(weights, places[0], shape, faults)
    outputs = matrix.shape[0] if shape[0] is None else shape[0]
    return Affine(matrix, read_vector(biases, places[1], outputs, faults))
