"""The picture of the regions of a proof: their cells in the domain, or in a window of it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactformer.documents.picture import MAX_REGIONS, Interval, Picture, graph, plane
from exactformer.domain import Domain
from exactformer.prover.outcome import Region
from exactformer.reporting.geometry import (
    Polygon,
    area,
    clipped,
    domain_inequalities,
    interval,
    rectangle,
    window,
)


def picture_of(domain: Domain, regions: Sequence[Region], numbered: int = 0) -> Picture | None:
    """The picture of the regions of a function of one or two inputs; None for more, or when there is no region.

    The first `numbered` of them have their numbers in it, from 1 on.
    """
    if not regions or domain.dimension not in (1, 2):
        return None
    box = window(domain, regions)
    if any(low == high for low, high in box):
        return None
    shown = regions[:MAX_REGIONS]
    if domain.dimension == 2:
        pairs = zip(shown, cells(domain, box, shown), strict=True)
        corners = [
            (number, region.left, [(Fraction(x, w), Fraction(y, w)) for x, y, w in polygon])
            for number, (region, polygon) in enumerate(pairs, start=1)
            if area(polygon)
        ]
        numbers = [number for number, *_ in corners]
        return plane(box, [(affine, polygon) for _, affine, polygon in corners], len(regions), numbers, numbered)
    rows = domain_inequalities(domain)
    ends = [(interval(box[0], (*rows, *region.inequalities)), region.left) for region in shown]
    pieces = [(i, piece, f) for i, (piece, f) in enumerate(ends, start=1) if piece is not None and piece[0] < piece[1]]
    numbers = [i for i, *_ in pieces]
    return graph(box[0], [(piece, affine) for _, piece, affine in pieces], len(regions), numbers, numbered)


def cells(domain: Domain, box: Sequence[Interval], regions: Sequence[Region]) -> list[Polygon]:
    """The exact polygon of every region in the window, in order; a flat region has area 0."""
    whole = clipped(rectangle(box), domain_inequalities(domain))
    return [clipped(whole, region.inequalities) for region in regions]
