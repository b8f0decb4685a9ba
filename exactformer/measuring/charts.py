"""The charts of an answer: the error against the temperature, and values over one or two inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from exactformer.documents.chart import (
    HEIGHT,
    OUTSIDE,
    SHADES,
    WIDTH,
    Chart,
    Curve,
    Mark,
    Span,
    Style,
    Tiles,
    logarithm,
    outline,
    rightwards,
    upwards,
)
from exactformer.documents.numbers import variable
from exactformer.measuring.landscape import BEYOND, TILES, Landscape, NotSeen, as_float
from exactformer.measuring.sweep import Level
from exactformer.prover.cells import Point
from exactformer.prover.witness import Points

MAP = 400  # the width of a heat map, in pixels
MARGIN = 0.06  # above and below a curve
FEWEST = 3  # levels that make a curve


@dataclass(frozen=True)
class Known:
    """A point with the value there, and what it shows."""

    label: str
    point: Point
    value: Fraction


@dataclass(frozen=True)
class View:
    """What is to be seen over the domain: an output, of a network or (`signed`) of a difference of two.

    `ends` are its proved bounds, the lower and the upper one, if there are both.
    """

    output: int
    what: str
    ends: tuple[Fraction, ...]
    known: tuple[Known, ...]
    signed: bool


def error_chart(levels: Sequence[Level], names: Sequence[str], axis: str, proved: Fraction | None) -> Chart | None:
    """Bounds and errors against temperatures, both axes logarithmic; `names` are the temperatures as text,
    `proved` the bound at the asked one.

    What is zero has no place on such an axis, and is left out. None where fewer than `FEWEST` levels have one.
    """
    drawn = [level for level in levels if level.upper or level.lower]
    if len(drawn) < FEWEST:
        return None
    across = Span.of(logarithm(level.factor) for level in levels)
    rows: list[tuple[str, Style, list[tuple[Fraction, Fraction | None]]]] = [
        ("bound on the whole domain", "bound", [(level.factor, level.upper) for level in levels]),
        ("error at the best point found, exactly", "point", [(level.factor, level.lower) for level in levels]),
        ("error at the best of random points", "sample", [(level.factor, level.sampled) for level in levels]),
    ]
    pairs = {
        label: [(logarithm(f), logarithm(value)) for f, value in row if value is not None and value > 0]
        for label, _, row in rows
    }
    extra = [(0.0, logarithm(proved))] if proved else []
    up = Span.of([y for row in (*pairs.values(), extra) for _, y in row], log=True)
    if across is None or up is None:
        return None
    curves = [
        Curve(label, style, (outline(pairs[label], across, up, WIDTH, HEIGHT),))
        for label, style, _ in rows
        if pairs[label]
    ]
    marks = (
        [Mark("what was asked for, with the proved bound", *outline(extra, across, up, WIDTH, HEIGHT))] if extra else []
    )
    ticks = [(logarithm(level.factor), name) for level, name in zip(levels, names, strict=True)]
    every = ticks if sum(len(name) + 2 for name in names) * 8 < WIDTH else ticks[::2]
    return Chart(
        f"The error against the {axis}, from {names[0]} to {names[-1]}, on logarithmic axes: "
        "a bound above, the error at points below it. The table has the numbers.",
        WIDTH,
        HEIGHT,
        rightwards(axis, across, WIDTH, every),
        upwards("error", up, HEIGHT),
        tuple(curves),
        tuple(marks),
    )


def view_chart(seen: Landscape, view: View, inputs: int) -> Chart:
    """The chart of a view: a curve over one input, shades over two. Raises `NotSeen` where floats have no room."""
    return _line(seen, view, inputs) if len(seen.free) == 1 else _map(seen, view, inputs)


def _line(seen: Landscape, view: View, inputs: int) -> Chart:
    """Values over one input, in the band of the proved bounds, if there are such, and the known points."""
    (i,), ((low, high),) = seen.free, seen.ends
    name, ends = variable(i, inputs), [as_float(end) for end in view.ends]
    x, y = Span.of((low, high)), Span.of((*seen.range(), *ends, *(as_float(spot.value) for spot in view.known)))
    if x is None or y is None:
        raise NotSeen(BEYOND)
    y = y.wider(MARGIN)
    lines = [outline(run, x, y, WIDTH, HEIGHT) for run in _runs(seen.points[:, i], seen.values, low, high)]
    band = [outline([(low, end)], x, y, WIDTH, HEIGHT)[1] for end in ends]
    places = [(as_float(spot.point[i]), as_float(spot.value)) for spot in view.known]
    return Chart(
        f"{view.what} as a curve over the input {name}{', in the band that is proved' if band else ''}.",
        WIDTH,
        HEIGHT,
        rightwards(name, x, WIDTH),
        upwards(view.what, y, HEIGHT),
        (Curve(view.what, "value", tuple(lines)),),
        _marks(view, places, x, y, WIDTH, HEIGHT),
        band=(min(band), max(band)) if band else None,
    )


def _map(seen: Landscape, view: View, inputs: int) -> Chart:
    """Values over two inputs as shades, for a difference of two colours from zero on, and the known points."""
    (i, j), ((a, b), (c, d)) = seen.free, seen.ends
    x, y, values = Span.of((a, b)), Span.of((c, d)), (*seen.range(), *(as_float(spot.value) for spot in view.known))
    most = max(map(abs, values))
    shades = Span.of((-most, most) if view.signed else values)
    if x is None or y is None or shades is None:
        raise NotSeen(BEYOND)
    names = variable(i, inputs), variable(j, inputs)
    height = round(MAP * min(1.0, max(0.5, (d - c) / (b - a))))
    places = [(as_float(spot.point[i]), as_float(spot.point[j])) for spot in view.known]
    lightest = -SHADES if view.signed else 1
    return Chart(
        f"{view.what} as shades over the inputs {' and '.join(names)}, from {min(values):.3g} to {max(values):.3g}.",
        MAP,
        height,
        rightwards(names[0], x, MAP),
        upwards(names[1], y, height),
        marks=_marks(view, places, x, y, MAP, height),
        tiles=_tiles(seen.values.reshape(TILES, TILES), shades, height, lightest),
        key=upwards(view.what, shades, height),
        lightest=lightest,
    )


def _marks(
    view: View, places: Sequence[tuple[float, float]], x: Span, y: Span, width: int, height: int
) -> tuple[Mark, ...]:
    ends = (outline([place], x, y, width, height) for place in places)
    return tuple(Mark(spot.label, *end) for spot, end in zip(view.known, ends, strict=True))


def _runs(xs: Points, ys: Points, low: float, high: float) -> list[list[tuple[float, float]]]:
    """Polylines through the points, broken where there is no value; of each column of pixels only the extremes."""
    runs: list[list[tuple[float, float]]] = []
    columns = np.minimum(((xs - low) / (high - low) * WIDTH).astype(int), WIDTH - 1)
    known = np.flatnonzero(~np.isnan(ys))
    for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        line: list[tuple[float, float]] = []
        for column in np.split(run, np.flatnonzero(np.diff(columns[run])) + 1):
            extremes = {column[0], column[ys[column].argmin()], column[ys[column].argmax()], column[-1]}
            line += [(float(xs[k]), float(ys[k])) for k in sorted(extremes)]
        runs.append(line)
    return runs


def _tiles(values: Points, shades: Span, height: int, lightest: int) -> tuple[Tiles, ...]:
    """The tiles of each shade, neighbours in a row as one."""
    edges_x = [round(100 * MAP * k / TILES) for k in range(TILES + 1)]
    edges_y = [round(100 * height * k / TILES) for k in range(TILES + 1)]
    share = (np.nan_to_num(values) - shades.low) / (shades.high - shades.low)
    shade = np.clip(np.rint(lightest + share * (SHADES - lightest)), lightest, SHADES)
    shade[np.isnan(values)] = OUTSIDE
    found: dict[int, list[int]] = {}
    for row in range(TILES):
        top, bottom = edges_y[TILES - row - 1], edges_y[TILES - row]
        for run in np.split(np.arange(TILES), np.flatnonzero(np.diff(shade[row])) + 1):
            if of := int(shade[row, run[0]]):
                left, right = edges_x[run[0]], edges_x[run[-1] + 1]
                found.setdefault(of, []).extend((left, top, right - left, bottom - top))
    return tuple(Tiles(of, tuple(rectangles)) for of, rectangles in sorted(found.items()))
