"""Pieces, cells and functions as text and as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactformer.documents.numbers import linear_text, point_text
from exactformer.piecewise.cells import Cell, interval
from exactformer.piecewise.pieces import Piece
from exactformer.polyhedra.lp import Row
from exactformer.rational import number_text

LISTED = 50  # cells in a text
_SIGNS = {"≥": "\\ge", "≤": "\\le"}


def piece_text(piece: Piece) -> str:
    """The piece as it would be written by hand.

    >>> piece_text(Piece((Fraction(-1), Fraction(1, 2)), Fraction(3)))
    '−x₁ + 1/2 x₂ + 3'
    """
    return linear_text(enumerate(piece.weights), piece.constant, len(piece.weights))


def place_text(point: Sequence[Fraction]) -> str:
    """A point with the names of its coordinates, as x = 1/2."""
    return f"x = {point_text(point)}"


def row_text(row: Row) -> str:
    """The inequality row >= 0, with positive terms on both sides; of one variable solved for it.

    >>> row_text(((2, -1), 3)), row_text(((-2,), 1))
    ('2 x₁ + 3 ≥ x₂', 'x ≤ 1/2')
    """
    left, right, sign = _sides(row)
    return f"{piece_text(left)} {sign} {piece_text(right)}"


def _sides(row: Row) -> tuple[Piece, Piece, str]:
    """The two sides of the inequality row >= 0, and its sign."""
    n = len(row[0])
    if n == 1:
        ((a,), b) = row
        return Piece((Fraction(1),), Fraction(0)), Piece((Fraction(0),), Fraction(-b, a)), "≥" if a > 0 else "≤"
    parts = []
    for side in (1, -1):
        weights = tuple(Fraction(max(0, side * a)) for a in row[0])
        parts.append(Piece(weights, Fraction(max(0, side * row[1]))))
    left, right = parts
    if left.is_constant:  # a number stands on the right
        return right, left, "≤"
    return left, right, "≥"


def function_text(cells: Sequence[Cell], ground: Sequence[Row]) -> str:
    """A line for each cell: its piece, and where it holds, as far as the rows of the domain do not say it already."""
    lines = [(piece_text(cell.piece), _where(cell, ground)) for cell in cells[:LISTED]]
    width = max((len(piece) for piece, _ in lines), default=0)
    text = [f"{piece.ljust(width)}  {where}".rstrip() for piece, where in lines]
    if len(cells) > LISTED:
        text.append(f"… {len(cells) - LISTED} more cells")
    return "\n".join(text)


def _where(cell: Cell, ground: Sequence[Row]) -> str:
    rows = [row for row in cell.rows if row not in ground]
    if len(rows) == 2 and cell.dimension == 1:
        low, high = (piece_text(Piece.number(Fraction(end), 1)) for end in interval(rows))
        return f"where {low} ≤ x ≤ {high}"
    return f"where {', '.join(map(row_text, rows))}" if rows else ""


def function_latex(cells: Sequence[Cell], ground: Sequence[Row]) -> str:
    """The function as a LaTeX `cases` environment, all of it; for one cell its piece alone.

    Raises `NumberTooLong` for numbers that no file may hold.
    """
    if len(cells) == 1:
        return piece_latex(cells[0].piece)
    lines = []
    for cell in cells:
        lines.append(f"{piece_latex(cell.piece)} & \\text{{if }} {_where_latex(cell, ground)}")
    body = " \\\\\n".join(lines)
    return f"\\begin{{cases}}\n{body}\n\\end{{cases}}"


def _where_latex(cell: Cell, ground: Sequence[Row]) -> str:
    rows = [row for row in cell.rows if row not in ground]
    if len(rows) == 2 and cell.dimension == 1:
        low, high = (_number_latex(Fraction(end)) for end in interval(rows))
        return f"{low} \\le x \\le {high}"
    return ",\\ ".join(map(_row_latex, rows))


def piece_latex(piece: Piece) -> str:
    """The piece in LaTeX.

    >>> print(piece_latex(Piece((Fraction(-1), Fraction(1, 2)), Fraction(3))))
    -x_{1} + \\frac{1}{2} x_{2} + 3
    """
    n = len(piece.weights)
    names = ["x" if n == 1 else f"x_{{{i + 1}}}" for i in range(n)]
    parts = [(w, name) for w, name in zip(piece.weights, names, strict=True) if w]
    if piece.constant or not parts:
        parts.append((piece.constant, ""))
    text = ""
    for number, name in parts:
        factor = name if name and abs(number) == 1 else f"{_number_latex(abs(number))} {name}".strip()
        text += (" - " if number < 0 else " + ") * bool(text) + "-" * (number < 0 and not text) + factor
    return text


def _number_latex(number: Fraction) -> str:
    number_text(number)  # raises `NumberTooLong`
    sign, size = "-" * (number < 0), abs(number.numerator)
    return f"{sign}{size}" if number.denominator == 1 else f"{sign}\\frac{{{size}}}{{{number.denominator}}}"


def _row_latex(row: Row) -> str:
    left, right, sign = _sides(row)
    return f"{piece_latex(left)} {_SIGNS[sign]} {piece_latex(right)}"


def input_names(count: int) -> tuple[str, ...]:
    """The names of the inputs in plain letters: x, or x1, x2, ..."""
    return ("x",) if count == 1 else tuple(f"x{i + 1}" for i in range(count))
