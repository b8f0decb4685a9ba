"""A picture as inline SVG."""

from __future__ import annotations

import html
from math import cos, pi, sin

from exactformer.documents.document import clean
from exactformer.documents.numbers import abbreviated
from exactformer.documents.picture import COLOURS, Axis, Outline, Picture

LEFT, TOP, RIGHT, BOTTOM = 46, 14, 46, 44


def svg(picture: Picture) -> str:
    """The picture as an `svg` element that uses the colours of the text around it."""
    width, height = LEFT + picture.width + RIGHT, TOP + picture.height + BOTTOM
    name = "Regions" if picture.kind == "plane" else "Outputs"
    return "".join(
        [
            f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{name}">',
            f'<g transform="translate({LEFT} {TOP})">',
            _cells(picture) if picture.kind == "plane" else _curves(picture),
            f'<path d="M0 0H{picture.width}V{picture.height}H0Z" fill="none" stroke="currentColor" stroke-width="1"/>',
            _numbers(picture),
            _axes(picture),
            "</g></svg>",
        ]
    )


def colour(index: int) -> str:
    """One of COLOURS colours of even lightness (OKLCH), neighbours in number far apart in hue; as #rrggbb."""
    index %= COLOURS
    hue, lightness = 2 * pi * (index * 7 % COLOURS) / COLOURS, (0.91, 0.85, 0.79)[index % 3]
    return _srgb(lightness, 0.07 * cos(hue), 0.07 * sin(hue))


def _cells(picture: Picture) -> str:
    """One path a colour class, the affine map as its tooltip."""
    stroke = 0.9 if picture.drawn <= 200 else 0.5 if picture.drawn <= 1000 else 0.25
    parts = [f'<g class="cells" stroke="#fff" stroke-width="{stroke}" stroke-linejoin="round">']
    for shape in picture.shapes:
        path = "".join(f"M{_points(outline)}Z" for outline in shape.outlines)
        label = _escaped(abbreviated(shape.label))
        numbers = f' data-regions="{" ".join(map(str, shape.regions))}"' if shape.regions else ""
        parts.append(f'<path fill="{colour(shape.colour)}"{numbers} d="{path}"><title>{label}</title></path>')
    return "".join([*parts, "</g>"])


def _numbers(picture: Picture) -> str:
    ink = "#1a1a1a" if picture.kind == "plane" else "currentColor"
    return "".join(
        f'<text x="{x / 100:g}" y="{y / 100 + 4:g}" text-anchor="middle" font-size="11" fill="{ink}">{number}</text>'
        for x, y, number in picture.numbers
    )


def _curves(picture: Picture) -> str:
    parts = ['<g fill="none" stroke-width="1.8" stroke-linejoin="round">']
    for shape in picture.shapes:
        path = "".join(f"M{_points(outline)}" for outline in shape.outlines)
        parts.append(f'<path stroke="{_ink(shape.colour)}" d="{path}"><title>{_escaped(shape.label)}</title></path>')
    radius = 2.4 if len(picture.marks) <= 120 else 1.4
    parts.append('</g><g fill="currentColor">')
    for x, y in zip(picture.marks[::2], picture.marks[1::2], strict=False):
        parts.append(f'<circle cx="{x / 100:g}" cy="{y / 100:g}" r="{radius}"/>')
    return "".join([*parts, "</g>", _legend(picture)])


def _legend(picture: Picture) -> str:
    """The names of the curves below the frame, when there are several."""
    if len(picture.shapes) < 2:
        return ""
    step = picture.width / (len(picture.shapes) + 1)
    return "".join(
        f'<text x="{step * (i + 1):g}" y="{picture.height + 38}" text-anchor="middle" font-size="15" '
        f'fill="{_ink(shape.colour)}">{_escaped(shape.label)}</text>'
        for i, shape in enumerate(picture.shapes)
    )


def _axes(picture: Picture) -> str:
    w, h = picture.width, picture.height
    below, beside = h + 20, -9
    parts = ['<g fill="currentColor" font-size="15">']
    for x, text, anchor in zip((0, w / 2, w), _three(picture.horizontal), ("start", "middle", "end"), strict=True):
        parts.append(f'<text x="{x:g}" y="{below}" text-anchor="{anchor}">{text}</text>')
    for y, text, anchor in zip((h, h / 2, 0), _three(picture.vertical), ("start", "middle", "end"), strict=True):
        turned = f'transform="translate({beside} {y:g}) rotate(-90)"'
        parts.append(f'<text {turned} text-anchor="{anchor}">{text}</text>')
    return "".join([*parts, "</g>"])


def _three(axis: Axis) -> tuple[str, str, str]:
    low, high = (f"<title>{_escaped(text)}</title>{_escaped(abbreviated(text))}" for text in (axis.low, axis.high))
    return low, f'<tspan font-style="italic">{_escaped(axis.name)}</tspan>', high


def _escaped(text: str) -> str:
    return html.escape(clean(text))


def _points(outline: Outline) -> str:
    pairs = zip(outline[::2], outline[1::2], strict=False)
    return "L".join(f"{x / 100:g} {y / 100:g}" for x, y in pairs)


def _ink(index: int) -> str:
    """A darker colour, for lines and text on the page."""
    hue = 2 * pi * (index * 7 % COLOURS) / COLOURS + 4.4
    return _srgb(0.62, 0.13 * cos(hue), 0.13 * sin(hue))


def _srgb(lightness: float, a: float, b: float) -> str:
    """An OKLab colour as #rrggbb, cut to the gamut."""
    l, m, s = (
        (lightness + u * a + v * b) ** 3
        for u, v in ((0.3963377774, 0.2158037573), (-0.1055613458, -0.0638541728), (-0.0894841775, -1.2914855480))
    )
    linear = (
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(1.0, max(0.0, c)))):02x}" for c in linear)


def _gamma(c: float) -> float:
    return 12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055
