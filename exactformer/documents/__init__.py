"""Documents, the form in which every answer is told, and renderers that each take the same document."""

from exactformer.documents.data import render_json
from exactformer.documents.document import Document
from exactformer.documents.html import render_html
from exactformer.documents.markdown import render_markdown
from exactformer.documents.pages import Page, rendered
from exactformer.documents.text import render_text

__all__ = ["Document", "Page", "render_html", "render_json", "render_markdown", "render_text", "rendered"]
