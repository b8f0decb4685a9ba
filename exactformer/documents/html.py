"""A document as one self-contained HTML page."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from exactformer.documents.chart import Chart
from exactformer.documents.chart_svg import chart_svg
from exactformer.documents.document import (
    SYMBOL,
    Code,
    Document,
    Exact,
    Figure,
    File,
    Formula,
    Inline,
    clean,
    plain,
    printed,
)
from exactformer.documents.picture import Picture
from exactformer.documents.svg import svg

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_EXACT = 2000
_TOKENS = re.compile(r"\d+|[A-Za-z]+|\S")
UNBROKEN = 24  # characters of numbers that stay on one line


def render_html(document: Document, note: str = "", *, script: bool = True) -> str:
    """The document as a page that loads nothing.

    Its one script, our own, is there where a picture has details to ask for; the page's policy admits that one alone,
    or none. Without it the page is fit for `_repr_html_`. A `note` says above everything else what was re-checked.
    """
    asked = script and any(isinstance(b, Figure) and b.details for s in document.sections for b in s.blocks)
    source = Markup(_script()) if asked else ""
    policy = f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'" if asked else "'none'"
    template = _environment().get_template("page.html.j2")
    return template.render(document=document, note=note, script=source, policy=Markup(policy))


@lru_cache(maxsize=1)
def _script() -> str:
    return (Path(__file__).parent / "page.js").read_text(encoding="utf-8")


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
    environment.filters.update(inline=_inline, drawn=_drawn, details=_details, exact=lambda text: _inline(Exact(text)))
    environment.globals.update(newline=Markup("\n"))
    return environment


def _inline(item: Inline) -> Markup:
    """A cell: exact numbers that are long unfold on demand, when they are not longer than MAX_EXACT."""
    if isinstance(item, bool):
        return Markup('<span class="{}">{}</span>').format("yes" if item else "no", plain(item))
    if isinstance(item, File) and item.plain:
        return Markup('<a href="{0}"><code>{0}</code></a>').format(item.text)
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
    """Single letters with their indices as MathML; words and signs as they are."""
    return Markup("").join(map(_typeset, SYMBOL.split(text)))


def _typeset(part: str) -> Markup:
    letter, _, index = ("n", "", "0") if part == "n0" else part.partition("_")
    if not SYMBOL.fullmatch(part):
        return escape(part)
    name = Markup("<mi>{}</mi>").format(letter)
    if index:
        tokens = _TOKENS.findall(index.strip("()").replace("-", "−"))
        parts = Markup("").join(Markup("<{0}>{1}</{0}>").format(_element(token), token) for token in tokens)
        name = Markup("<msub>{}<mrow>{}</mrow></msub>").format(name, parts)
    return Markup("<math>{}</math>").format(name)


def _element(token: str) -> str:
    """The element of MathML for a number, a name or a sign."""
    return "mn" if token.isdigit() else "mi" if token[0].isalpha() else "mo"


def _details(figure: Figure) -> Markup:
    """What the page's script asks for, as JSON that no text in it can end."""
    from jinja2.utils import htmlsafe_json_dumps  # as slow to load as the rest of it

    picture = figure.picture
    assert isinstance(picture, Picture)
    axes = (picture.horizontal, picture.vertical) if picture.kind == "plane" else (picture.horizontal,)
    return htmlsafe_json_dumps(
        {
            "width": picture.width,
            "height": picture.height,
            "axes": [{"name": axis.name, "low": axis.low, "high": axis.high} for axis in axes],
            "pieces": picture.pieces,
            "sides": figure.sides,
            "details": [
                {"region": detail.region, "facts": _cleaned(detail.facts), "values": _cleaned(detail.values)}
                for detail in figure.details
            ],
        }
    )


def _cleaned(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else [_cleaned(item) for item in value]


def _drawn(picture: Picture | Chart) -> Markup:
    return Markup(chart_svg(picture) if isinstance(picture, Chart) else svg(picture))  # both escape every text
