"""Doctests in docstrings become code blocks of the site."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension

EXAMPLE = re.compile(r"^( *)(>>> .*\n(?:\1\S.*\n?)*)", re.MULTILINE)


class Fenced(Extension):
    """An extension of griffe, which reads the docstrings."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Put the doctests of an object between fences."""
        if obj.docstring is not None:
            text = obj.docstring.value + "\n"
            obj.docstring.value = EXAMPLE.sub(lambda found: f"{found[1]}```pycon\n{found[0]}{found[1]}```\n", text)
