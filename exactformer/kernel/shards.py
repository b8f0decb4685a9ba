"""A proof in pieces: each walks a part of the tree, from one open cell to another, and no piece needs the others.

Steps are taken in preorder, so which cells are open is known from the next one alone: those beside its way, after it.
A piece says where it begins; where it ends, the next one must begin, and after the last no cell is open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from .reading import array, reject, table

FORMAT = "exactformer/steps-1"
RULES = ("gate", "compare", "cut", "anew", "narrow", "bound", "holds", "empty")
Path = list[object]  # from the whole domain: a step and the number of the child that comes next, and so on
Way = tuple["Way", object, int] | None  # the same from the other end, shared by cells that lie beside each other


@dataclass(frozen=True)
class Walk:
    """A part of the tree: the cell it begins with, the cell that comes next (None: no cell is left), and its rules."""

    first: Path
    last: Path | None
    left: int  # cells that are open at its end
    counts: dict[str, int]


def path_of(way: Way) -> Path:
    """The steps from the whole domain on."""
    path: Path = []
    while way is not None:
        way, step, child = way
        path.append([step, child])
    return path[::-1]


def joined(walks: Sequence[Walk], place: str) -> dict[str, int]:
    """How often each rule was used in a whole tree. Raises `Rejected` where a piece does not begin where one ended."""
    cell: Path | None = []
    left = 1
    for number, walk in enumerate(walks):
        if walk.first != cell:
            reject(f"{place}[{number}]", "the cell with which the piece before it ends", "another cell")
        cell, left = walk.last, walk.left
    if left:
        reject(place, "a step for every cell", f"{left} cells left open")
    counts = {name: sum(walk.counts[name] for walk in walks) for name in RULES}
    return counts | {"ties": max(walk.counts["ties"] for walk in walks)}


def listed(value: dict[str, object], place: str) -> list[dict[str, object]]:
    """The pieces that a certificate names, each with file and sha256, once their root is right."""
    items = [table(item, f"{place}: shards[{i}]", ("file", "sha256")) for i, item in enumerate(_pieces(value, place))]
    found = root([str(item["sha256"]) for item in items])
    if value.get("root") != found:
        reject(f"{place}: root", found, value.get("root"))
    return items


def _pieces(value: dict[str, object], place: str) -> list[object]:
    pieces = array(value["shards"], f"{place}: shards")
    if not pieces:
        reject(f"{place}: shards", "at least one piece", "none")
    return pieces


def root(digests: Sequence[str]) -> str:
    """One digest of many, as a Merkle tree: each piece can be shown to belong to it with log N others."""
    level = [hashlib.sha256(b"\0" + digest.encode()).digest() for digest in digests]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex()
