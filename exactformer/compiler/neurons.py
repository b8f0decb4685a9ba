"""Feed-forward sublayers, neuron by neuron: gates (Lemma L2) and erasers (Lemma L3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from exactformer.compiler.gates import Step
from exactformer.networks import Affine, FeedForward
from exactformer.rational import Matrix, Vector

Entries = dict[tuple[int, int], Fraction | int]


class Neurons:
    """Hidden neurons collected in order: the map x -> sum_n outputs_n relu(inputs_n . x + bias_n) + constants."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._w1: Entries = {}
        self._w2: Entries = {}
        self._b1: list[Fraction | int] = []
        self._b2 = [Fraction(0)] * width

    def add(self, inputs: Mapping[int, Fraction | int], bias: Fraction | int, output: int, weight: int = 1) -> None:
        """One neuron, relu(inputs . x + bias), that adds `weight` times its value to the coordinate `output`."""
        neuron = len(self._b1)
        self._w1.update({(neuron, c): x for c, x in inputs.items()})
        self._w2[output, neuron] = weight
        self._b1.append(bias)

    def constant(self, output: int, value: Fraction | int) -> None:
        """A constant, added to the coordinate `output`."""
        self._b2[output] += value

    def gate(self, step: Step, k: int, hidden: int, pieces: int, code: Callable[[int, int], int]) -> None:
        """For each unit i and p < k one neuron relu(a_ip(h) + s_i + G_i (e - 1)), added to the slot pieces + i.

        h starts at the coordinate `hidden`; e is the coordinate code(i, p), 1 at the tokens that hold piece p of unit
        i and 0 at the others. So there the slot rises by a_ip(h) + s_i, and s_i is still to be taken away.
        """
        weights, biases, rank = step.layer.pieces.weights, step.layer.pieces.biases, step.layer.rank
        for i, gate in enumerate(step.gates):
            for p in range(k):
                piece = i * rank + (p if p < rank else 0)
                inputs: dict[int, Fraction | int] = {hidden + j: x for j, x in weights.row(piece).items()}
                inputs[code(i, p)] = gate.height
                self.add(inputs, biases[piece] + gate.shift - gate.height, pieces + i)

    def unshift(self, step: Step, slot: int) -> None:
        """Add -s_i to the coordinate slot + i, for each unit i."""
        for i, gate in enumerate(step.gates):
            self.constant(slot + i, -gate.shift)

    def erase(self, coordinates: Iterable[int]) -> None:
        """Add -v where the coordinate holds v, any real number: -v = relu(-v) - relu(v), two neurons each."""
        for c in coordinates:
            self.add({c: 1}, 0, c, -1)
            self.add({c: -1}, 0, c, 1)

    def erase_above(self, start: int, lows: Sequence[Fraction | int]) -> None:
        """Add -v where start + i holds some v >= lows[i]: -v = -low - relu(v - low), one neuron each."""
        for c, low in enumerate(lows, start):
            self.add({c: 1}, -low, c, -1)
            self.constant(c, -low)

    def feedforward(self) -> FeedForward:
        """The sublayer."""
        hidden = len(self._b1)
        inner = Affine(Matrix.sparse(hidden, self.width, self._w1), Vector.of(self._b1))
        return FeedForward(inner, Affine(Matrix.sparse(self.width, hidden, self._w2), Vector.of(self._b2)))
