"""Pictures of piecewise linear functions: cells in the plane for two inputs, graphs of the outputs for one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from typing import Literal
from zlib import crc32

from exactformer.documents.numbers import linear_text, map_text, variable
from exactformer.networks import Affine
from exactformer.rational import exact_text

COLOURS = 24
MAX_REGIONS = 5000
MAX_CURVES = 8
MAX_MARKS = 400
WIDTH = 640
ROOM = 300  # square pixels that a cell with a number has at least

Interval = tuple[Fraction, Fraction]
Point = tuple[Fraction, Fraction]
Outline = tuple[int, ...]  # x, y, x, y, ... in hundredths of a pixel


@dataclass(frozen=True)
class Shape:
    """What is drawn in one colour: the cells of one affine map, or the graph of one output.

    `regions` has the number of the region of each cell, where they have numbers.
    """

    label: str
    colour: int
    outlines: tuple[Outline, ...]
    regions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Axis:
    """An axis with the exact text of both its ends."""

    name: str
    low: str
    high: str


@dataclass(frozen=True)
class Picture:
    """A picture in a frame of `width` x `height` pixels, y downwards; of `total` regions `drawn` are in it.

    In a graph `pieces` has both ends of each region, in hundredths of a pixel, and its number.
    """

    kind: Literal["plane", "graph"]
    width: int
    height: int
    horizontal: Axis
    vertical: Axis
    shapes: tuple[Shape, ...]
    marks: Outline
    drawn: int
    total: int
    numbers: tuple[tuple[int, int, int], ...] = ()  # x and y, in hundredths of a pixel, and what stands there
    pieces: tuple[tuple[int, int, int], ...] = ()


def plane(
    box: Sequence[Interval],
    cells: Sequence[tuple[Affine, Sequence[Point]]],
    total: int,
    numbers: Sequence[int] = (),
    numbered: int = 0,
) -> Picture | None:
    """The cells in a window of the plane, each with its map and its corners in order; None where there is none.

    `numbers` are those of the cells; the first `numbered` ones are shown where there is room.
    """
    (a, b), (c, d) = box
    height = int(WIDTH * min(Fraction(1), max(Fraction(1, 2), (d - c) / (b - a))))
    cells_of: dict[Affine, list[Sequence[Point]]] = {}
    numbers_of: dict[Affine, list[int]] = {}
    for (affine, polygon), number in zip_longest(cells, numbers):
        cells_of.setdefault(affine, []).append(polygon)
        numbers_of.setdefault(affine, []).extend([] if number is None else [number])
    colours = _colouring(cells_of)
    shapes = tuple(
        Shape(
            map_text(affine),
            colours[affine],
            tuple(_outline(each, (a, b), (c, d), height) for each in polygons),
            tuple(numbers_of[affine]),
        )
        for affine, polygons in cells_of.items()
    )
    across, up = (Axis(variable(i, 2), exact_text(low), exact_text(high)) for i, (low, high) in enumerate(box))
    few = [(polygon, n) for (_, polygon), n in zip(cells, numbers, strict=False) if n <= numbered]
    middles = [(_middle(_outline(polygon, (a, b), (c, d), height)), n) for polygon, n in few]
    shown = tuple((*middle, n) for middle, n in middles if middle)
    return Picture("plane", WIDTH, height, across, up, shapes, (), len(cells), total, shown) if shapes else None


def _middle(outline: Outline) -> tuple[int, int] | None:
    """The mean of the corners of a convex cell; None where it has no room for a number."""
    xs, ys = outline[::2], outline[1::2]
    corners = list(zip(xs, ys, strict=True))
    twice = sum(a * d - b * c for (a, b), (c, d) in zip(corners, [*corners[1:], corners[0]], strict=True))
    room = abs(twice) >= 2 * ROOM * 100**2 and min(max(xs) - min(xs), max(ys) - min(ys)) >= 1600
    return (sum(xs) // len(xs), sum(ys) // len(ys)) if room else None


def graph(
    box: Interval,
    pieces: Iterable[tuple[Interval, Affine]],
    total: int,
    numbers: Sequence[int] = (),
    numbered: int = 0,
) -> Picture | None:
    """The graphs of the outputs over an interval, from the pieces of the function; None where there is none.

    `numbers` are those of the pieces; the first `numbered` ones are shown where there is room.
    """
    pieces = list(pieces)
    ordered = sorted(pieces, key=lambda piece: piece[0])
    if not ordered:
        return None
    height = WIDTH // 2
    outputs = range(min(ordered[0][1].outputs, MAX_CURVES))
    curves = [[[(x, _value(affine, i, x)) for x in ends] for ends, affine in ordered] for i in outputs]
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
    wide = [(number, ends) for number, (ends, _) in zip(numbers, pieces, strict=False)]
    spans = [(number, _outline([(x, high) for x in ends], box, span, height)) for number, ends in wide]
    places = [(outline[0], outline[2], number) for number, outline in spans]
    few = [place for place in places if place[2] <= numbered and place[1] - place[0] >= 1600]
    shown = tuple(((left + right) // 2, 900, number) for left, right, number in few)
    return Picture("graph", WIDTH, height, across, up, shapes, marks, len(ordered), total, shown, tuple(places))


def _value(affine: Affine, output: int, x: Fraction) -> Fraction:
    return affine.weights.row(output).get(0, Fraction(0)) * x + affine.biases[output]


def _joined(segments: Iterable[list[Point]]) -> list[list[Point]]:
    """Segments that meet as one polyline; a jump begins a new one."""
    lines: list[list[Point]] = []
    for segment in segments:
        if lines and lines[-1][-1] == segment[0]:
            lines[-1].append(segment[1])
        else:
            lines.append(list(segment))
    return lines


def _outline(points: Iterable[Point], across: Interval, up: Interval, height: int) -> Outline:
    """Exact points as hundredths of a pixel in the frame."""
    result = []
    for x, y in points:
        result.append(round((x - across[0]) / (across[1] - across[0]) * WIDTH * 100))
        result.append(round((up[1] - y) / (up[1] - up[0]) * height * 100))
    return tuple(result)


def _colouring(cells_of: dict[Affine, list[Sequence[Point]]]) -> dict[Affine, int]:
    """A colour for every affine map: its hash, moved on until no neighbour coloured before has the same."""
    at: dict[Point, list[Affine]] = {}
    for affine, polygons in cells_of.items():
        for vertex in {v for polygon in polygons for v in polygon}:
            at.setdefault(vertex, []).append(affine)
    result: dict[Affine, int] = {}
    for affine, polygons in cells_of.items():
        neighbours = {other for polygon in polygons for v in polygon for other in at[v]}
        taken = {result[other] for other in neighbours if other in result}
        text = ", ".join(linear_text(affine.weights.row(i).items(), affine.biases[i], 2) for i in range(affine.outputs))
        start = crc32(text.encode()) % COLOURS
        result[affine] = next((c % COLOURS for c in range(start, start + COLOURS) if c % COLOURS not in taken), start)
    return result
