"""Pictures of functions of one and two variables, as SVG."""

from __future__ import annotations

from fractions import Fraction
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from exactformer.arguments import as_path
from exactformer.documents.picture import Picture, graph, plane
from exactformer.documents.svg import svg
from exactformer.domain import Domain, interval_box
from exactformer.errors import InvalidInput, Unsupported
from exactformer.formats.files import write_atomically
from exactformer.networks import Affine
from exactformer.piecewise.cells import Cell
from exactformer.piecewise.pieces import Piece
from exactformer.rational import Matrix, Vector
from exactformer.subdivision.polytope import vertices

if TYPE_CHECKING:
    from exactformer.piecewise.cpwl import CPWL

HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" '
SHOWN = 500  # cells in the picture that a notebook shows


def picture_of(f: CPWL, window: Domain | None) -> Picture:
    """The picture of a function in a window that bounds every input, by default its domain."""
    if f.inputs > 2:
        raise Unsupported(f"picture: expected one or two inputs, found {f.inputs}")
    frame = f.domain if window is None else window
    if not isinstance(frame, Domain) or frame.dimension != f.inputs or not frame.is_bounded_box:
        raise Unsupported(f"picture: expected a window that bounds {f.inputs} inputs, found {frame}")
    seen = f if window is None else f.restricted(window)
    box = list(interval_box(frame))
    if f.inputs == 1:
        ends = [((end, other), _affine(each.piece)) for each in seen.cells for end, other in each.box]
        found = graph(box[0], [((Fraction(a), Fraction(b)), affine) for (a, b), affine in ends], len(ends))
    else:
        found = plane(box, [(_affine(each.piece), _corners(each, frame)) for each in seen.cells], len(seen.cells))
    assert found is not None  # there is a cell
    return found


def _affine(piece: Piece) -> Affine:
    weights = Matrix.sparse(1, len(piece.weights), {(0, j): w for j, w in enumerate(piece.weights)})
    return Affine(weights, Vector.of([piece.constant]))


def _corners(each: Cell, frame: Domain) -> list[tuple[Fraction, Fraction]]:
    return [(x, y) for x, y in vertices(each.rows, frame)]


def draw(f: CPWL, path: str | Path, window: Domain | None) -> None:
    """Write the picture of a function into an SVG file."""
    place = as_path(path, "draw")
    if place.suffix.lower() != ".svg":
        raise InvalidInput(f"{place}: expected a name that ends in .svg, found {place.suffix!r}")
    write_atomically(place, HEADER + svg(picture_of(f, window)).removeprefix("<svg ") + "\n")


def html(f: CPWL) -> str:
    """What a notebook shows: the picture where there is one, and the text."""
    drawn = f.inputs <= 2 and f.domain.is_bounded_box and len(f.cells) <= SHOWN
    picture = svg(picture_of(f, None)) if drawn else ""
    return f"<figure>{picture}<figcaption>{escape(str(f))}</figcaption></figure><pre>{escape(f.text())}</pre>"
