"""A piecewise linear function, convex or not, as one hard attention head (theory 2.4, Theorem H)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from exactformer.compiler.sizes import SizeLine, size_lines
from exactformer.errors import Unsupported
from exactformer.networks import Affine, Block, Head, Transformer
from exactformer.piecewise.cells import Cell
from exactformer.piecewise.cpwl import CPWL, check_function
from exactformer.piecewise.cpwl_to_two_maxima import sum_of_hinges
from exactformer.piecewise.overlay import overlay
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.regularity import NotRegular, Regular, regularity
from exactformer.piecewise.units import affine_of
from exactformer.rational import Matrix, Vector

SCORE, VALUE, ONE, WIDTH = 0, 1, 2, 3  # the coordinates of a token


class NotOneHead(Unsupported):
    """The cells are no regular subdivision; `witness` has numbers for `function.walls` that show it."""

    def __init__(self, function: CPWL, witness: NotRegular) -> None:
        self.function, self.witness = function, witness
        cells = len(function.cells)
        super().__init__(
            f"one head: expected cells that are a regular subdivision, found {cells} cells and a sum of the jumps at "
            f"{len(witness.combination)} walls, times numbers > 0, that is 0 for every continuous function on them; "
            "refine=True cuts them further"
        )


@dataclass(frozen=True)
class OneHead:
    """A Transformer of a single head, without feed-forward: token i has the score heights[i], and a piece as its value.

    Token i has the largest score exactly on cell i of `function`, so the head hands on the piece of that cell. Where
    cells meet the pieces agree, as the function is continuous: the head is tie-proof, and equals the function under
    every tie rule.
    """

    transformer: Transformer
    function: CPWL
    heights: tuple[Piece, ...]
    sizes: tuple[SizeLine, ...]


def cpwl_to_one_head(f: CPWL, *, refine: bool = False) -> OneHead:
    """The function as a single hard attention head, a token for each of its cells.

    The cells must be a regular subdivision, which is decided exactly; in one variable they always are, and k pieces
    take k tokens. With `refine` the cells are cut by the hyperplanes of all walls, which makes any function one head:
    the sum of max(0, row) over these hyperplanes is a height function, and has another piece on each part.

    Raises `NotOneHead` with a certificate for other cells.
    """
    check_function(f)
    if refine:
        cells, heights = _refined(f)
        return one_head_of(CPWL(f.domain, cells), heights)
    found = regularity(f.cells, f.walls)
    if not isinstance(found, Regular):
        raise NotOneHead(f, found)
    return one_head_of(f, found.heights)


def _refined(f: CPWL) -> tuple[tuple[Cell, ...], tuple[Piece, ...]]:
    """The cells that the hyperplanes of all walls cut the domain into, with a height on each."""
    rows = sorted({wall.row for wall in f.walls if wall.jump})
    total = sum_of_hinges(tuple((Fraction(1), row) for row in rows), f)
    values = {height: piece for _, _, piece, height in overlay(f.cells, total.cells)}
    return tuple(each.having(values[each.piece]) for each in total.cells), tuple(each.piece for each in total.cells)


def one_head_of(f: CPWL, heights: tuple[Piece, ...], name: str = "one head") -> OneHead:
    """The head with these heights, whose maximum has to be heights[i] on cell i of the function, and there alone."""
    one = Piece.number(Fraction(1), f.inputs)
    tokens = tuple(
        affine_of([height, cell.piece, one], f.inputs) for height, cell in zip(heights, f.cells, strict=True)
    )

    def pick(*coordinates: int) -> Matrix:
        return Matrix.sparse(len(coordinates), WIDTH, dict.fromkeys(enumerate(coordinates), 1))

    head = Head(pick(ONE), pick(SCORE), pick(VALUE), Matrix.sparse(WIDTH, 1, {(VALUE, 0): 1}))
    readout = Affine(pick(VALUE), Vector((0,)))
    transformer = Transformer(tokens, (Block((head,), None),), 0, readout, residual=False, domain=f.domain, name=name)
    sizes = size_lines(
        transformer,
        tokens=("k", len(f.cells)),
        width=("3", 3),
        heads=("1", 1),
        keys=("1", 1),
        values=("1", 1),
        attention=("1", 1),
        feedforward=("0", 0),
    )
    return OneHead(transformer, f, heights, sizes)
