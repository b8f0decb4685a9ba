"""A report as one self-contained HTML page."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from exactformer.report.data import Report
from exactformer.report.document import Code, Inline, clean, plain
from exactformer.report.numbers import abbreviated
from exactformer.report.picture import Picture
from exactformer.report.sections import sections
from exactformer.report.svg import svg

MAX_EXACT = 2000


def render_html(report: Report) -> str:
    """The report as a page without scripts or external resources; fit for `_repr_html_` as well."""
    template = _environment().get_template("report.html.j2")
    return template.render(report=report, sections=sections(report))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(inline=_inline, clean=clean, drawn=_drawn)
    return environment


def _inline(item: Inline) -> Markup:
    """A cell: exact numbers that are long unfold on demand, when they are not longer than MAX_EXACT."""
    if isinstance(item, bool):
        return Markup('<span class="{}">{}</span>').format("yes" if item else "no", plain(item))
    if isinstance(item, Code):
        return Markup("<code>{}</code>").format(plain(item))
    if isinstance(item, str):
        return escape(plain(item))
    short, exact = clean(abbreviated(item.text)), clean(item.text)
    if short == exact or len(exact) > MAX_EXACT:
        return Markup('<span class="number">{}</span>').format(plain(item))
    return Markup(
        '<details><summary title="Show the exact numbers"><span class="number">{}</span></summary>'
        "<code>{}</code></details>"
    ).format(short, exact)


def _drawn(picture: Picture) -> Markup:
    return Markup(svg(picture))  # svg escapes every text in it
