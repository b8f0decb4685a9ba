"""What every text format has in common: UTF-8, with or without a byte order mark."""

from __future__ import annotations

from exactformer.errors import InvalidInput

WIDE = (b"\xff\xfe", b"\xfe\xff")  # the byte order marks of UTF-16 and UTF-32


def check_encoding(data: bytes, source: str) -> None:
    """Raise `InvalidInput` for text of another width, which would be refused for reasons that help nobody."""
    if data.startswith(WIDE) or b"\0" in data[:64]:
        raise InvalidInput(f"{source}: expected UTF-8 text, found UTF-16 text or binary data")
