"""Documents, the form in which every answer is told, and renderers that each take the same document."""

from collections.abc import Callable

from exactformer.documents.data import render_json
from exactformer.documents.document import Document
from exactformer.documents.html import render_html
from exactformer.documents.latex import render_latex
from exactformer.documents.markdown import render_markdown
from exactformer.documents.pages import Page, rendered
from exactformer.documents.pdf import render_pdf
from exactformer.documents.text import render_text

# By the name of the form: from a document, and a note that says first what was re-checked.
RENDERERS: dict[str, Callable[[Document, str], str | bytes]] = {
    "text": render_text,
    "markdown": render_markdown,
    "html": render_html,
    "latex": render_latex,
    "pdf": render_pdf,
}

__all__ = [
    "RENDERERS",
    "Document",
    "Page",
    "render_html",
    "render_json",
    "render_latex",
    "render_markdown",
    "render_pdf",
    "render_text",
    "rendered",
]
