"""The picture of the regions: cells in the plane for two inputs, graphs of the outputs for one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal
from zlib import crc32

from exactformer.domain import Domain
from exactformer.networks import Affine
from exactformer.prover.outcome import Region
from exactformer.rational import exact_text
from exactformer.reporting.geometry import (
    Interval,
    Polygon,
    area,
    clipped,
    domain_inequalities,
    interval,
    rectangle,
    window,
)
from exactformer.reporting.numbers import linear_text, map_text, variable

COLOURS = 24
MAX_REGIONS = 5000
MAX_CURVES = 8
MAX_MARKS = 400
WIDTH = 640

Outline = tuple[int, ...]  # x, y, x, y, ... in hundredths of a pixel


@dataclass(frozen=True)
class Shape:
    """What is drawn in one colour: the cells of one affine map, or the graph of one output."""

    label: str
    colour: int
    outlines: tuple[Outline, ...]


@dataclass(frozen=True)
class Axis:
    """An axis with the exact text of both its ends."""

    name: str
    low: str
    high: str


@dataclass(frozen=True)
class Picture:
    """A picture in a frame of `width` x `height` pixels, y downwards; of `total` regions `drawn` are in it."""

    kind: Literal["plane", "graph"]
    width: int
    height: int
    horizontal: Axis
    vertical: Axis
    shapes: tuple[Shape, ...]
    marks: Outline
    drawn: int
    total: int


def picture_of(domain: Domain, regions: Sequence[Region]) -> Picture | None:
    """The picture of the regions of a function of one or two inputs; None for more, or when there is no region."""
    if not regions or domain.dimension not in (1, 2):
        return None
    box = window(domain, regions)
    if any(low == high for low, high in box):
        return None
    return _plane(domain, box, regions) if domain.dimension == 2 else _graph(domain, box[0], regions)


def cells(domain: Domain, box: Sequence[Interval], regions: Sequence[Region]) -> list[Polygon]:
    """The exact polygon of every region in the window, in order; a flat region has area 0."""
    whole = clipped(rectangle(box), domain_inequalities(domain))
    return [clipped(whole, region.inequalities) for region in regions]


def _plane(domain: Domain, box: Sequence[Interval], regions: Sequence[Region]) -> Picture | None:
    (a, b), (c, d) = box
    height = int(WIDTH * min(Fraction(1), max(Fraction(1, 2), (d - c) / (b - a))))
    cell_of: dict[Affine, list[Polygon]] = {}
    shown = regions[:MAX_REGIONS]
    for region, polygon in zip(shown, cells(domain, box, shown), strict=True):
        if area(polygon):
            cell_of.setdefault(region.left, []).append(polygon)
    colours = _colouring(cell_of)
    shapes = []
    for affine, polygons in cell_of.items():
        outlines = tuple(
            _outline(((Fraction(x, w), Fraction(y, w)) for x, y, w in polygon), (a, b), (c, d), height)
            for polygon in polygons
        )
        shapes.append(Shape(map_text(affine), colours[affine], outlines))
    across, up = (Axis(variable(i, 2), exact_text(low), exact_text(high)) for i, (low, high) in enumerate(box))
    drawn = sum(len(shape.outlines) for shape in shapes)
    return Picture("plane", WIDTH, height, across, up, tuple(shapes), (), drawn, len(regions)) if shapes else None


def _graph(domain: Domain, box: Interval, regions: Sequence[Region]) -> Picture | None:
    height = WIDTH // 2
    rows = domain_inequalities(domain)
    pieces = []
    for region in regions[:MAX_REGIONS]:
        ends = interval(box, (*rows, *region.inequalities))
        if ends is not None and ends[0] < ends[1]:
            pieces.append((ends, region.left))
    if not pieces:
        return None
    pieces.sort(key=lambda piece: piece[0])
    outputs = range(min(pieces[0][1].outputs, MAX_CURVES))
    curves = [[[(x, _value(affine, i, x)) for x in ends] for ends, affine in pieces] for i in outputs]
    values = [y for curve in curves for segment in curve for _, y in segment]
    low, high = min(values), max(values)
    span = (low, high) if low < high else (low - 1, high + 1)
    breaks = [segment[0] for curve in curves for segment in curve[1:]]
    shapes = tuple(
        Shape(f"output {i + 1}", i, tuple(_outline(line, box, span, height) for line in _joined(curve)))
        for i, curve in enumerate(curves)
    )
    across, up = Axis("x", *map(exact_text, box)), Axis("y", *map(exact_text, span))
    marks = _outline(breaks, box, span, height) if len(breaks) <= MAX_MARKS else ()
    return Picture("graph", WIDTH, height, across, up, shapes, marks, len(pieces), len(regions))


def _value(affine: Affine, output: int, x: Fraction) -> Fraction:
    return affine.weights.row(output).get(0, Fraction(0)) * x + affine.biases[output]


def _joined(segments: Iterable[list[tuple[Fraction, Fraction]]]) -> list[list[tuple[Fraction, Fraction]]]:
    """Segments that meet as one polyline; a jump begins a new one."""
    lines: list[list[tuple[Fraction, Fraction]]] = []
    for segment in segments:
        if lines and lines[-1][-1] == segment[0]:
            lines[-1].append(segment[1])
        else:
            lines.append(list(segment))
    return lines


def _outline(points: Iterable[tuple[Fraction, Fraction]], across: Interval, up: Interval, height: int) -> Outline:
    """Exact points as hundredths of a pixel in the frame."""
    result = []
    for x, y in points:
        result.append(round((x - across[0]) / (across[1] - across[0]) * WIDTH * 100))
        result.append(round((up[1] - y) / (up[1] - up[0]) * height * 100))
    return tuple(result)


def _colouring(cell_of: dict[Affine, list[Polygon]]) -> dict[Affine, int]:
    """A colour for every affine map: its hash, moved on until no neighbour coloured before has the same."""
    at: dict[tuple[int, int, int], list[Affine]] = {}
    for affine, polygons in cell_of.items():
        for vertex in {v for polygon in polygons for v in polygon}:
            at.setdefault(vertex, []).append(affine)
    result: dict[Affine, int] = {}
    for affine, polygons in cell_of.items():
        neighbours = {other for polygon in polygons for v in polygon for other in at[v]}
        taken = {result[other] for other in neighbours if other in result}
        text = ", ".join(linear_text(affine.weights.row(i).items(), affine.biases[i], 2) for i in range(affine.outputs))
        start = crc32(text.encode()) % COLOURS
        result[affine] = next((c % COLOURS for c in range(start, start + COLOURS) if c % COLOURS not in taken), start)
    return result
