"""What a count of regions says, as a document for every renderer."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

from exactformer.documents.document import (
    Block,
    Commands,
    Detail,
    Document,
    Exact,
    Facts,
    Figure,
    Inline,
    Paragraph,
    Section,
    Statement,
    Table,
)
from exactformer.documents.numbers import map_text, point_text
from exactformer.documents.picture import MAX_REGIONS, Picture, graph, plane
from exactformer.networks import Transformer
from exactformer.subdivision.limit import Check, unlimited
from exactformer.subdivision.polytope import around

if TYPE_CHECKING:
    from exactformer.subdivision.result import Regions
    from exactformer.subdivision.tally import Tally

LISTED = 50
TIGHT = 12  # digits of an exact number in a cell of the table
COUNTS = {
    "activation_regions": "activation regions",
    "linear_regions": "linear regions",
    "distinct_affine_maps": "different affine maps",
}
FACES = ("vertices", "edges")

MEANING = (
    "An activation region is a set of points with interior on which every maximum is attained by the same candidate, "
    "so that the network is one affine map. A linear region is a largest set of activation regions with one affine "
    "map that hang together through faces of one dimension less. Different linear regions may have one map."
)
EXACT = (
    "All weights are exact rational numbers. A region is told from a point, and two maps from one another, in exact "
    "arithmetic; floating point only decides what a bound on its error decides."
)


def document_of(
    found: Regions | Tally,
    kept: Regions | None,
    *,
    note: str = "",
    drawn: int = MAX_REGIONS,
    check: Check = unlimited,
) -> Document:
    """The document of a count, and of the regions that were kept: the first ones, and a picture of at most `drawn`.

    There are pictures of one and two inputs. A `note` qualifies the count. Raises what `check` raises.
    """
    parts = [
        Section("Statement", (_statement(found, note), _facts(found))),
        Section("What it means", tuple(_meaning(found))),
        Section("The regions", tuple(_regions(kept, drawn, check))) if kept else None,
        Section("How to check it", tuple(_commands(found))),
    ]
    name = found.network.name.strip() or f"an unnamed {found.network.kind} network"
    present = tuple(part for part in parts if part is not None)
    return Document(f"The linear regions of {name}", "unknown" if found.at_least else "proved", present)


def _statement(found: Regions | Tally, note: str) -> Statement:
    number = found.activation_regions
    least = "at least" if "activation_regions" in found.at_least else "exactly"
    text = f"N has {least} {number} activation region{'s'[: number != 1]} on D."
    verdict = "Counted in part" if found.at_least else "Counted"
    return Statement(verdict, "Number", text, note or found.reason or "")


def _facts(found: Regions | Tally) -> Facts:
    rows: list[tuple[str, Inline]] = [("D", Exact(str(found.domain))), ("N", str(found.network))]
    for name, words in COUNTS.items():
        rows.append((words, f"{'at least ' * (name in found.at_least)}{getattr(found, name)}"))
    for dimension, number in enumerate((found.faces or ())[:-1]):
        words = FACES[dimension] if dimension < len(FACES) else f"faces of dimension {dimension}"
        rows.append((words, str(number)))
    return Facts(tuple(rows))


def _meaning(found: Regions | Tally) -> Iterator[Block]:
    yield Paragraph(MEANING)
    if isinstance(found.network, Transformer):
        yield Paragraph(f"Attention is taken in its hard limit. When scores tie, the rule is “{found.tie}”.")
    yield Paragraph(EXACT)


def _regions(found: Regions, drawn: int, check: Check) -> Iterator[Block]:
    picture = picture_of(found, check) if len(found) <= drawn else None
    if picture is not None:
        counted = f"{picture.drawn} region{'s'[: picture.drawn != 1]}"
        dots = "; a dot where one ends and the next begins" if picture.marks else ""
        colours = " Cells with the same affine map have the same colour." if picture.kind == "plane" else ""
        numbers = " Numbers are those of the table of regions, where there is room." if picture.numbers else ""
        listed = (Detail(r.number, (("N(x)", map_text(r.affine)),)) for r in islice(found, LISTED))
        yield Figure(picture, f"{counted}{dots}.{colours}{numbers}", tuple(listed))
    rows: list[tuple[Inline, ...]] = []
    for region in islice(found, LISTED):
        check()
        exact = (Exact(text, long=TIGHT) for text in (point_text(region.point), map_text(region.affine)))
        linear = "?" if region.linear_region is None else str(region.linear_region)
        rows.append((str(region.number), linear, str(len(region.rows)), *exact))
    head = ("Region", "Linear region", "Inequalities", "Interior point", "N(x)")
    hidden = len(found) - len(rows)
    notes = [f"{hidden} more regions are left out here."] if hidden else []
    if any(isinstance(item, Exact) and item.shortened for row in rows for item in row):
        notes.append("≈ marks numbers that are rounded here.")
    yield Table("The regions" if not hidden else "The first regions", head, "rrrll", tuple(rows), " ".join(notes))


def _commands(found: Regions | Tally) -> Iterator[Block]:
    if isinstance(found.network, Transformer) or not found.domain.is_bounded_box:
        yield Paragraph(
            "The kernel was not involved: there are certificates of counts for maxout and ReLU networks on bounded "
            "domains. The count rests on the program that made it."
        )
        return
    yield Paragraph(
        "The count rests on the program that made it, until the kernel has checked a certificate of it; NETWORK is the "
        "network's file, and the domain is asked for as it was here:"
    )
    yield Commands(("exactformer regions NETWORK --certificate FOLDER", "exactformer check FOLDER"))


def picture_of(found: Regions, check: Check = unlimited) -> Picture | None:
    """The picture of the regions on a bounded domain of one or two inputs; None otherwise."""
    domain = found.domain
    if domain.dimension not in (1, 2) or not domain.is_bounded_box:
        return None
    box = [(low or Fraction(0), high or Fraction(0)) for low, high in zip(domain.lower, domain.upper, strict=True)]
    pieces, numbers = [], []
    for region, corners in zip(found, found.corners(), strict=True):
        check()
        pieces.append((region.affine, corners))
        numbers.append(region.number)
    if domain.dimension == 1:
        ends = (((min(points)[0], max(points)[0]), affine) for affine, points in pieces)
        return graph(box[0], ends, len(found), numbers, LISTED)
    polygons = [(affine, [(x, y) for x, y in around(points)]) for affine, points in pieces]
    return plane(box, polygons, len(found), numbers, LISTED)
