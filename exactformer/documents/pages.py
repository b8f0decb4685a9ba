"""A document in all its renderings: an object that a notebook shows, and the files of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exactformer.documents.data import render_json
from exactformer.documents.document import Document
from exactformer.documents.html import render_html
from exactformer.documents.latex import render_latex
from exactformer.documents.markdown import render_markdown
from exactformer.documents.pdf import render_pdf
from exactformer.documents.text import render_text

RENDERERS = {".txt": render_text, ".md": render_markdown, ".html": render_html, ".json": render_json}


def names(stem: str) -> tuple[str, ...]:
    """The names of the files of `rendered`."""
    return tuple(stem + ending for ending in RENDERERS)


def rendered(document: Document, stem: str) -> Iterator[tuple[str, str]]:
    """The files with the document in every form, each with its text."""
    return ((stem + ending, render(document)) for ending, render in RENDERERS.items())


@dataclass(frozen=True)
class Page:
    """A document with its renderings."""

    document: Document

    def __str__(self) -> str:
        return render_text(self.document)

    def markdown(self) -> str:
        """The document in Markdown."""
        return render_markdown(self.document)

    def html(self) -> str:
        """The document as a self-contained HTML page."""
        return render_html(self.document)

    def latex(self) -> str:
        """The document as LaTeX source, without its pictures."""
        return render_latex(self.document)

    def pdf(self) -> bytes:
        """The document as PDF. Raises `Unsupported` where the package typst is not installed."""
        return render_pdf(self.document)

    def __repr__(self) -> str:
        return f"<Page: {self.document.title!r}>"

    def _repr_html_(self) -> str:
        return render_html(self.document, script=False)
