"""A chart as inline SVG, in the colours of the text around it, so that it is readable on light and on dark pages."""

from __future__ import annotations

import html

from exactformer.documents.chart import OUTSIDE, SHADES, Chart, Curve, Mark, Outline, Scale, Style
from exactformer.documents.document import clean

TOP, BELOW, ROW, SMALL = 14, 46, 19, 22
LETTER = 7.4  # pixels of a letter, about
BAR = 14  # the width of the bar of shades
MOST = 0.85  # the opacity of the last shade
INK = "#3f83c8"  # of these shades on light and on dark pages
OTHER = "#d9772b"
COLOURS: dict[Style, str] = {"bound": "currentColor", "value": INK, "point": INK, "sample": OTHER}
DASHES: dict[Style, str] = {"point": ' stroke-dasharray="6 3"', "sample": ' stroke-dasharray="1.5 3.5"'}


def chart_svg(chart: Chart) -> str:
    """The chart as an `svg` element."""
    left = SMALL + 14 + LETTER * max([len(tick.text) for tick in chart.up.ticks], default=0)
    right = float(SMALL)
    if chart.key is not None:
        right += BAR + 20 + LETTER * max([len(tick.text) for tick in chart.key.ticks], default=0)
    width, height = (
        left + chart.width + right,
        TOP + chart.height + BELOW + ROW * (len(chart.curves) + len(chart.marks)),
    )
    w, h = chart.width, chart.height
    return "".join(
        [
            f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" ',
            f'aria-label="{_escaped(chart.text)}">',
            f'<g transform="translate({left:g} {TOP})">',
            _tiles(chart),
            _band(chart),
            *map(_curve, chart.curves),
            *(_mark(mark, i, mark.x / 100, mark.y / 100) for i, mark in enumerate(chart.marks)),
            f'<path d="M0 0H{w}V{h}H0Z" fill="none" stroke="currentColor" stroke-width="1"/>',
            '<g fill="currentColor" font-size="14">',
            _across(chart.across, w, h),
            _up(chart.up, h, 6 - left),
            _key(chart),
            _named(chart),
            "</g></g></svg>",
        ]
    )


def _tiles(chart: Chart) -> str:
    if not chart.tiles:
        return ""
    parts = ['<g shape-rendering="crispEdges">']
    for tiles in chart.tiles:
        fours = zip(*(tiles.rectangles[i::4] for i in range(4)), strict=True)
        path = "".join(
            f"M{x / 100:g} {y / 100:g}h{wide / 100:g}v{high / 100:g}h{-wide / 100:g}z" for x, y, wide, high in fours
        )
        parts.append(f'<path {_shade(tiles.shade)} d="{path}"/>')
    return "".join([*parts, "</g>"])


def _shade(shade: int) -> str:
    if shade == OUTSIDE:
        return 'fill="currentColor" fill-opacity=".25"'
    return f'fill="{INK if shade > 0 else OTHER}" fill-opacity="{MOST * abs(shade) / SHADES:.3g}"'


def _band(chart: Chart) -> str:
    if chart.band is None:
        return ""
    top, bottom = (y / 100 for y in chart.band)
    ends = f"M0 {top:g}H{chart.width}M0 {bottom:g}H{chart.width}"
    return (
        f'<path d="M0 {top:g}H{chart.width}V{bottom:g}H0Z" fill="currentColor" fill-opacity=".07"/>'
        f'<path d="{ends}" stroke="currentColor" stroke-width="1.4" stroke-dasharray="5 4"/>'
    )


def _curve(curve: Curve) -> str:
    """The lines, with a dot at each of few points."""
    lines = "".join(f"M{_points(outline)}" for outline in curve.outlines if len(outline) > 2)
    places = () if curve.style == "value" else curve.outlines
    dots = (_dot(curve.style, x, y) for each in places for x, y in zip(each[::2], each[1::2], strict=True))
    return _line(curve.style, lines) + "".join(dots)


def _line(style: Style, path: str) -> str:
    look = f'fill="none" stroke="{COLOURS[style]}" stroke-width="2" stroke-linejoin="round"{DASHES.get(style, "")}'
    return f'<path {look} d="{path}"/>' if path else ""


def _dot(style: Style, x: int, y: int) -> str:
    return f'<circle fill="{COLOURS[style]}" cx="{x / 100:g}" cy="{y / 100:g}" r="3"/>'


def _mark(mark: Mark, number: int, x: float, y: float) -> str:
    """A ring, round for the first mark, then square."""
    ring = '<circle r="7"/>' if number == 0 else '<path d="M-6 -6H6V6H-6Z"/>'
    return (
        f'<g transform="translate({x:g} {y:g})" fill="none" stroke="currentColor" stroke-width="2">'
        f'<title>{_escaped(mark.label)}</title>{ring}<circle r="1"/></g>'
    )


def _across(scale: Scale, width: int, height: int) -> str:
    parts = []
    for tick in scale.ticks:
        x = tick.at / 100
        parts.append(f'<path d="M{x:g} {height}v5" stroke="currentColor"/>')
        parts.append(f'<text x="{x:g}" y="{height + 19}" text-anchor="middle">{_escaped(tick.text)}</text>')
    name = f'<text x="{width / 2:g}" y="{height + 37}" text-anchor="middle" font-style="italic">'
    return "".join([*parts, name, _escaped(scale.name), "</text>"])


def _up(scale: Scale, height: int, beside: float) -> str:
    parts = []
    for tick in scale.ticks:
        y = tick.at / 100
        parts.append(f'<path d="M0 {y:g}h-5" stroke="currentColor"/>')
        parts.append(f'<text x="-8" y="{y + 5:g}" text-anchor="end">{_escaped(tick.text)}</text>')
    turned = f'transform="translate({beside + 8:g} {height / 2:g}) rotate(-90)"'
    return "".join([*parts, f'<text {turned} text-anchor="middle" font-style="italic">{_escaped(scale.name)}</text>'])


def _key(chart: Chart) -> str:
    """The bar of shades beside the frame, with its numbers."""
    if chart.key is None:
        return ""
    x, shades = chart.width + 16, range(SHADES, chart.lightest - 1, -1)
    step = chart.height / len(shades)
    parts = [f'<path d="M{x} {i * step:g}h{BAR}v{step:g}h-{BAR}z" {_shade(shade)}/>' for i, shade in enumerate(shades)]
    parts.append(f'<path d="M{x} 0h{BAR}V{chart.height}h-{BAR}z" fill="none" stroke="currentColor"/>')
    for tick in chart.key.ticks:
        y = tick.at / 100
        parts.append(f'<path d="M{x + BAR} {y:g}h4" stroke="currentColor"/>')
        parts.append(f'<text x="{x + BAR + 7}" y="{y + 5:g}">{_escaped(tick.text)}</text>')
    return "".join(parts)


def _named(chart: Chart) -> str:
    """The legend: what each curve and each mark is, in rows below the frame."""
    parts = []
    items: list[Curve | Mark] = [*chart.curves, *chart.marks]
    for row, item in enumerate(items):
        y = chart.height + BELOW + ROW * row + 12
        if isinstance(item, Mark):
            parts.append(_mark(item, row - len(chart.curves), 16, y - 5))
        else:
            parts.append(_line(item.style, f"M2 {y - 5}H30"))
            parts += [] if item.style == "value" else [_dot(item.style, 1600, 100 * y - 500)]
        parts.append(f'<text x="40" y="{y}">{_escaped(item.label)}</text>')
    return "".join(parts)


def _points(outline: Outline) -> str:
    pairs = zip(outline[::2], outline[1::2], strict=True)
    return "L".join(f"{x / 100:g} {y / 100:g}" for x, y in pairs)


def _escaped(text: str) -> str:
    return html.escape(clean(text))
