"""What the gated constructions share: the coordinates of a token, heads, and sublayers packed into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from exactformer.compiler.correspondence import Compiled, Correspondence, UnitPlace
from exactformer.compiler.neurons import Neurons
from exactformer.compiler.sizes import SizeLine
from exactformer.domain import Domain
from exactformer.networks import Affine, Block, Head, MaxoutNetwork, Transformer
from exactformer.rational import Matrix, Vector

Names = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Slots:
    """The coordinates of a token: a code of its position, the hidden vector, one slot a unit for its piece."""

    position: int  # the length of the code, which begins at 0
    hidden: int  # where the hidden vector begins
    pieces: int  # where the slots for pieces begin
    width: int

    @staticmethod
    def of(network: MaxoutNetwork, position: int) -> Slots:
        """Room for a code, max(n0, m_l) hidden values and max m_l pieces."""
        pieces = position + max([network.inputs, *network.widths])
        return Slots(position, position, pieces, pieces + max(network.widths, default=0))

    @property
    def names(self) -> Names:
        """The coordinates as named half-open ranges."""
        return ("position", 0, self.position), ("hidden", self.hidden, self.pieces), ("pieces", self.pieces, self.width)


class Assembly:
    """A Transformer under construction: sublayers are added in order, then everything is frozen.

    Token t starts with ones at the coordinates codes[t], the input x from the coordinate `hidden` on, and zeros.
    """

    def __init__(
        self,
        construction: str,
        source: tuple[MaxoutNetwork, Domain],
        codes: Sequence[Iterable[int]],
        width: int,
        hidden: int,
    ) -> None:
        self.construction = construction
        self.network, self.domain = source
        self.codes = tuple(frozenset(code) for code in codes)
        self.width, self.hidden = width, hidden
        self._blocks: list[Block] = []
        self._units: list[UnitPlace] = []

    def feed(self, neurons: Neurons) -> None:
        """Add a feed-forward sublayer; it joins the block of the attention sublayer just before it."""
        heads = None
        if self._blocks and self._blocks[-1].feedforward is None:
            heads = self._blocks.pop().heads
        self._blocks.append(Block(heads, neurons.feedforward()))

    def attend(self, heads: Iterable[Head]) -> int:
        """Add an attention sublayer; returns the number of its block."""
        self._blocks.append(Block(tuple(heads), None))
        return len(self._blocks) - 1

    def place(self, *units: UnitPlace) -> None:
        """Note where source units live."""
        self._units += units

    def transformer(
        self, *, hidden: int, token: int = 0, residual: bool = True, mask: Literal["causal"] | None = None
    ) -> Transformer:
        """The Transformer that reads the output layer off the hidden vector at `token`, from `hidden` on."""
        n, out = self.network.inputs, self.network.output
        shared = Matrix.sparse(self.width, n, {(self.hidden + i, i): 1 for i in range(n)})
        codes = (Vector(tuple(int(c in code) for c in range(self.width))) for code in self.codes)
        rows = tuple((i, tuple((hidden + j, w) for j, w in row)) for i, row in out.weights.filled)
        return Transformer(
            tuple(Affine(shared, code) for code in codes),
            tuple(self._blocks),
            token,
            Affine(Matrix((out.outputs, self.width), rows, out.weights.denominator), out.biases),
            residual=residual,
            mask=mask,
            domain=self.domain,
            name=f"{self.network.name} ({self.construction})".strip(),
        )

    def compiled(self, transformer: Transformer, names: Names, sizes: tuple[SizeLine, ...]) -> Compiled:
        """The Transformer with the way back to its source and its sizes."""
        return Compiled(transformer, self.network, Correspondence(self.construction, tuple(self._units), names), sizes)


def one_hot(tokens: int) -> list[tuple[int]]:
    """The code of position t is the unit vector e_t."""
    return [(t,) for t in range(tokens)]


def sums(width: int, rows: Sequence[Iterable[int]]) -> Matrix:
    """The matrix whose row r adds up the coordinates rows[r] of a state."""
    return Matrix.sparse(len(rows), width, {(r, c): 1 for r, row in enumerate(rows) for c in row})


def into(width: int, coordinates: Iterable[int], weight: int = 1) -> Matrix:
    """The output matrix that writes `weight` times the j-th value into the j-th coordinate."""
    targets = list(coordinates)
    return Matrix.sparse(width, len(targets), {(c, j): weight for j, c in enumerate(targets)})


def max_head(width: int, always: Iterable[int], slot: int, target: int) -> Head:
    """Key and value are the coordinate `slot`, the query is the constant sum of the coordinates `always`.

    With that sum positive, the maximum of the slot over the visible tokens is written into `target` (Lemma L1); the
    head is tie-proof, as tied tokens carry equal values.
    """
    value = sums(width, [(slot,)])
    return Head(sums(width, [always]), value, value, into(width, (target,)))


def places(number: int, width: int, block: int, hidden: int, pieces: int) -> list[UnitPlace]:
    """The places of a layer whose unit i is taken by head i of one block, written into the coordinate hidden + i."""
    return [UnitPlace(number, i, block, (i,), (hidden + i,), pieces + i) for i in range(width)]
