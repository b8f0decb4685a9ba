"""A document as one self-contained HTML page."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from exactformer.documents.chart import Chart
from exactformer.documents.chart_svg import chart_svg
from exactformer.documents.document import SYMBOL, Code, Document, Formula, Inline, clean, plain, printed
from exactformer.documents.picture import Picture
from exactformer.documents.svg import svg

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_EXACT = 2000
UNBROKEN = 24  # characters of numbers that stay on one line


def render_html(document: Document, note: str = "") -> str:
    """The document as a page without scripts or external resources; fit for `_repr_html_` as well.

    A `note` says above everything else what was re-checked.
    """
    return _environment().get_template("page.html.j2").render(document=document, note=note)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow to load, and most answers need no page

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if type(value) is str else value,  # Markup is clean already
    )
    environment.filters.update(inline=_inline, drawn=_drawn)
    environment.globals.update(newline=Markup("\n"))
    return environment


def _inline(item: Inline) -> Markup:
    """A cell: exact numbers that are long unfold on demand, when they are not longer than MAX_EXACT."""
    if isinstance(item, bool):
        return Markup('<span class="{}">{}</span>').format("yes" if item else "no", plain(item))
    if isinstance(item, Code):
        return Markup("<code>{}</code>").format(plain(item))
    if isinstance(item, Formula):
        return _formula(plain(item))
    if isinstance(item, str):
        return escape(plain(item))
    short, exact = clean(item.short), clean(item.text)
    if short == exact or len(exact) > MAX_EXACT:
        kind = "number" if len(short) <= UNBROKEN else "numbers"
        return Markup('<span class="{}">{}</span>').format(kind, printed(item))
    return Markup(
        '<details><summary title="Show the exact numbers"><span class="number">{}</span></summary>'
        "<code>{}</code></details>"
    ).format(printed(replace(item, text=short, where="")), exact)


def _formula(text: str) -> Markup:
    """Single letters in italics, each with its index lowered; words and signs as they are."""
    return Markup("").join(map(_typeset, SYMBOL.split(text)))


def _typeset(part: str) -> Markup:
    letter, _, index = ("n", "", "0") if part == "n0" else part.partition("_")
    if not SYMBOL.fullmatch(part):
        return escape(part)
    lowered = Markup("<sub>{}</sub>").format(_formula(index.strip("()").replace("-", "−"))) if index else ""
    return Markup("<var>{}</var>{}").format(letter, lowered)


def _drawn(picture: Picture | Chart) -> Markup:
    return Markup(chart_svg(picture) if isinstance(picture, Chart) else svg(picture))  # both escape every text
