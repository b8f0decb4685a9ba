"""A document as JSON data, with every exact number in full."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from exactformer.documents.document import Document

FORMAT = "exactformer/document-1"


def render_json(document: Document, note: str = "") -> str:
    """The document as JSON; a `note` says above everything else what was re-checked."""
    value = {"format": FORMAT, **({"note": note} if note else {}), **_data(document)}
    return json.dumps(value, indent=1) + "\n"


def _data(value: Any) -> Any:
    """Objects for dataclasses, with what kind of block each is; lists for tuples."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: _data(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__.lower(), **fields}
    return [_data(item) for item in value] if isinstance(value, tuple) else value
