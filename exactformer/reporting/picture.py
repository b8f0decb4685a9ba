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


def picture_of(domain: Domain, regions: Sequence[Region]) -> Picture | None:
    """The picture of the regions of a function of one or two inputs; None for more, or when there is no region."""
    if not regions or domain.dimension not in (1, 2):
        return None
    box = window(domain, regions)
    if any(low == high for low, high in box):
        return None
    shown = regions[:MAX_REGIONS]
    if domain.dimension == 2:
        pairs = zip(shown, cells(domain, box, shown), strict=True)
        corners = [
            (region.left, [(Fraction(x, w), Fraction(y, w)) for x, y, w in polygon])
            for region, polygon in pairs
            if area(polygon)
        ]
        return plane(box, corners, len(regions))
    rows = domain_inequalities(domain)
    ends = [(interval(box[0], (*rows, *region.inequalities)), region.left) for region in shown]
    pieces = [(piece, affine) for piece, affine in ends if piece is not None and piece[0] < piece[1]]
    return graph(box[0], pieces, len(regions))


def cells(domain: Domain, box: Sequence[Interval], regions: Sequence[Region]) -> list[Polygon]:
    """The exact polygon of every region in the window, in order; a flat region has area 0."""
    whole = clipped(rectangle(box), domain_inequalities(domain))
    return [clipped(whole, region.inequalities) for region in regions]
