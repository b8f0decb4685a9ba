"""Charts: curves, marks and tiles in a frame with two scales, laid out in floats, since they only show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

WIDTH, HEIGHT = 460, 300  # of the frame, in pixels
SHADES = 8  # of a heat map, on each side of zero
OUTSIDE = SHADES + 1  # what is no part of the map
MOST_TICKS = 7
UNITS = (1, 2, 5)  # times powers of ten: where ticks stand
FEW = 2.0  # decades in which all of them are ticks, in more only the powers

Outline = tuple[int, ...]  # x, y, x, y, ... in hundredths of a pixel
Style = Literal["bound", "point", "sample", "value"]


@dataclass(frozen=True)
class Tick:
    """A number at its place along an axis, in hundredths of a pixel from the left or from the top."""

    at: int
    text: str


@dataclass(frozen=True)
class Scale:
    """An axis: what it shows, with ticks."""

    name: str
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Curve:
    """What one line of the legend names; `style` says what kind of thing it is. A point alone is a dot."""

    label: str
    style: Style
    outlines: tuple[Outline, ...]


@dataclass(frozen=True)
class Mark:
    """A place that is pointed at."""

    label: str
    x: int
    y: int


@dataclass(frozen=True)
class Tiles:
    """The parts of a heat map of one shade, from -SHADES to SHADES, or those OUTSIDE: x, y, width, height of each."""

    shade: int
    rectangles: Outline


@dataclass(frozen=True)
class Chart:
    """A chart in a frame of `width` x `height` pixels, y downwards; `text` says what it shows to who does not see it.

    `key` is the scale of the shades, from the top of the frame to its bottom, those from `lightest` to SHADES.
    """

    text: str
    width: int
    height: int
    across: Scale
    up: Scale
    curves: tuple[Curve, ...] = ()
    marks: tuple[Mark, ...] = ()
    band: tuple[int, int] | None = None  # from the top: what lies between two bounds
    tiles: tuple[Tiles, ...] = ()
    key: Scale | None = None
    lightest: int = -SHADES


@dataclass(frozen=True)
class Span:
    """The part of a line that is shown, from low to high.

    With `log` the ends, as all values, are decimal logarithms, which floats hold of numbers that no float holds.
    """

    low: float
    high: float
    log: bool = False

    @staticmethod
    def of(values: Iterable[float], *, log: bool = False) -> Span | None:
        """The span of some values, a logarithmic one up to the next ticks; None where floats have no room for it."""
        known = list(values)
        if not known or not all(map(math.isfinite, known)):
            return None
        low, high = min(known), max(known)
        if log:
            low = max(tick for tick in _logarithms(low) if tick <= low)
            high = min(tick for tick in _logarithms(high) if tick >= high)
        if low == high:
            margin = 1 if log else abs(low) or 1
            low, high = low - margin, high + margin
        return Span(low, high, log) if low < high and math.isfinite(high - low) else None

    def wider(self, share: float) -> Span:
        """The same with a margin on both sides, a share of its length; itself where floats have no room for that."""
        margin = share * (self.high - self.low)
        wide = replace(self, low=self.low - margin, high=self.high + margin)
        return wide if math.isfinite(wide.high - wide.low) else self

    def along(self, value: float, length: int) -> int:
        """Where a value lies on an axis of so many pixels, in hundredths of one; what lies outside is at an end."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * length * min(max(share, 0.0), 1.0))

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers inside, a few of them, with their texts; the ends where there are none."""
        found = self._powers() if self.log else self._multiples()
        return found or [(end, f"{end:.9g}") for end in (self.low, self.high)]

    def _powers(self) -> list[tuple[float, str]]:
        first, last = math.floor(self.low), math.ceil(self.high)
        units = UNITS if self.high - self.low <= FEW else UNITS[:1]
        step = max(1, -(-(last - first) // MOST_TICKS))
        pairs = ((k + math.log10(u), _power(u, k)) for k in range(first, last + 1, step) for u in units)
        return [(value, text) for value, text in pairs if self.low <= value <= self.high]

    def _multiples(self) -> list[tuple[float, str]]:
        power = math.floor(math.log10(self.high - self.low)) - 1
        for step in (u * 10.0 ** (power + more) for more in (0, 1) for u in UNITS):
            if step and self.low + step != self.low and (self.high - self.low) / step < MOST_TICKS:
                first, last = math.ceil(self.low / step), math.floor(self.high / step)
                digits = max(1, math.ceil(math.log10(max(abs(first), abs(last), 1) + 1)) + 1)
                return [(k * step, f"{k * step:.{digits}g}") for k in range(first, last + 1)]
        return []


def rightwards(name: str, span: Span, length: int, ticks: Sequence[tuple[float, str]] | None = None) -> Scale:
    """The scale of an axis from left to right."""
    chosen = span.ticks() if ticks is None else ticks
    return Scale(name, tuple(Tick(span.along(value, length), text) for value, text in chosen))


def upwards(name: str, span: Span, length: int) -> Scale:
    """The scale of an axis from the bottom to the top."""
    return Scale(name, tuple(Tick(100 * length - span.along(value, length), text) for value, text in span.ticks()))


def outline(points: Iterable[tuple[float, float]], x: Span, y: Span, width: int, height: int) -> Outline:
    """Points in the frame."""
    return tuple(n for p, q in points for n in (x.along(p, width), 100 * height - y.along(q, height)))


def logarithm(number: Fraction) -> float:
    """The decimal logarithm of a number > 0 of any size.

    >>> logarithm(Fraction(1, 10**400))
    -400.0
    """
    return math.log10(number.numerator) - math.log10(number.denominator)


def _logarithms(near: float) -> list[float]:
    """Of ticks on both sides of a logarithm."""
    return [k + math.log10(u) for k in range(math.floor(near) - 1, math.floor(near) + 3) for u in UNITS]


def _power(unit: int, exponent: int) -> str:
    """The unit times a power of ten.

    >>> _power(5, -2), _power(2, -7)
    ('0.05', '2e-7')
    """
    return f"{unit * 10.0**exponent:g}" if -3 <= exponent <= 4 else f"{unit}e{exponent}"
