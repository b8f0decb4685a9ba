"""The door of the kernel: a certificate file is read once and handed to the checker of its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import chains, claims, counts
from .reading import parse_json, read_bytes, reject

Shown = claims.Theorem | counts.Counted | chains.Chained
FORMATS = claims.FORMAT, counts.FORMAT, chains.FORMAT


def check_file(path: Path) -> Shown:
    """What a certificate file shows; the files it names lie in the same folder.

    Raises `Rejected` when anything is missing, malformed, unknown or not shown.
    """
    return check(read_bytes(path), lambda name: read_bytes(path.parent / name), path.name)


def check(
    certificate: bytes,
    read: Callable[[str], bytes],
    place: str = "certificate",
    pieces: Callable[[list[dict[str, object]]], Any] | None = None,
) -> Shown:
    """What a certificate shows; `read` gives the contents of a file by its plain name. Raises `Rejected`.

    The shards of a proof or a count are checked one after the other, or as `pieces` does it.
    """
    try:
        value = parsed(certificate, place)
        if value["format"] == chains.FORMAT:
            return chains.check(value, read, place)
        return (claims.check if value["format"] == claims.FORMAT else counts.check)(value, read, place, pieces)
    except (RecursionError, ValueError) as error:  # Python prints no integer of more than 4300 digits
        reject(place, "networks and proofs of moderate depth and size", f"{type(error).__name__}: {error}")


def parsed(certificate: bytes, place: str) -> dict[str, object]:
    """The object in a certificate, once its format is one that there is a checker for. Raises `Rejected`."""
    value = parse_json(certificate, place)
    if not isinstance(value, dict):
        reject(place, "an object", value)
    form = value.get("format")
    if not isinstance(form, str) or form not in FORMATS:
        reject(f"{place}: format", f"one of {', '.join(FORMATS)}", form)
    return value
