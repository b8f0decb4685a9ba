"""A document and the blocks it is written in; every renderer knows how to show each of them, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from exactformer.documents.chart import Chart
from exactformer.documents.numbers import LONG, SHORT, abbreviated
from exactformer.documents.picture import Picture

_NAME = re.compile(r"\w[\w.+-]{0,99}", re.ASCII)
_MINUS = re.compile(r"(?<![^\s(\[{,])-(?=[\d.∞])|(?<= )-(?= )")


@dataclass(frozen=True)
class Exact:
    """Text with exact numbers in it: those longer than `long` are shortened, and `where` names the file with all.

    Shortened ones have so many `digits`.
    """

    text: str
    where: str = ""
    long: int = LONG
    digits: int = SHORT

    @property
    def short(self) -> str:
        """The text as it is shown."""
        return abbreviated(self.text, self.long, self.digits)

    @property
    def shortened(self) -> bool:
        """Whether the text as shown is not everything: long numbers are rounded, or something was left out."""
        return self.short != self.text or "…" in self.text or "≈" in self.text


@dataclass(frozen=True)
class Code:
    """Text to be shown as it is: a file name, a digest."""

    text: str


@dataclass(frozen=True)
class File(Code):
    """The name of a file beside the document, to which a page has a link if it is a plain name."""

    @property
    def plain(self) -> bool:
        """Whether it is a name without a path, a scheme or anything else that could act."""
        return bool(_NAME.fullmatch(self.text))


@dataclass(frozen=True)
class Formula:
    """Words and formulas in plain letters, with a_b for an index."""

    text: str


Inline = str | bool | Exact | Code | Formula
SYMBOL = re.compile(r"(\b(?:n0|[A-Za-z](?:_(?:\([^()]*\)|\w+))?)(?!\w))")  # in a formula: a letter, with its index


@dataclass(frozen=True)
class Statement:
    """The headline: the verdict, what sort of statement follows, the statement, and what qualifies it."""

    verdict: str
    label: str
    text: str
    note: str = ""

    kind = "statement"


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str

    kind = "paragraph"


@dataclass(frozen=True)
class Steps:
    """A numbered list."""

    items: tuple[str, ...]

    kind = "steps"


@dataclass(frozen=True)
class Facts:
    """Names with what is said of them, under an optional heading."""

    rows: tuple[tuple[str, Inline], ...]
    heading: str = ""

    kind = "facts"


@dataclass(frozen=True)
class Table:
    """A table; `align` has one letter a column, l or r; `note` stands below it."""

    heading: str
    head: tuple[str, ...]
    align: str
    rows: tuple[tuple[Inline, ...], ...]
    note: Inline = ""

    kind = "table"


@dataclass(frozen=True)
class Branch:
    """A case: what tells it from those beside it, what is said of it, and the cases it is divided into."""

    label: str
    text: str
    parts: tuple[Branch, ...] = ()


@dataclass(frozen=True)
class Tree:
    """Cases within cases; `note` stands below them."""

    heading: str
    root: Branch
    note: str = ""

    kind = "tree"

    def lines(self) -> Iterator[tuple[int, str, Exact]]:
        """All cases in order: how deep each is, its label, and what is said of it."""
        open_cases = [(0, self.root)]
        while open_cases:
            depth, branch = open_cases.pop()
            yield depth, branch.label and f"{branch.label}: ", Exact(branch.text)
            open_cases += [(depth + 1, part) for part in reversed(branch.parts)]


@dataclass(frozen=True)
class Commands:
    """Lines for a shell."""

    lines: tuple[str, ...]

    kind = "commands"


@dataclass(frozen=True)
class Detail:
    """What is said of a region of a picture that is pointed at.

    `values` has affine maps of the inputs by name, one a side, empty where a side has none: the coefficients, then the
    constant, as exact text.
    """

    region: int
    facts: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Figure:
    """A picture with its caption, in HTML and PDF; a page can be asked for the details of its regions.

    `sides` are the symbols of what has values there.
    """

    picture: Picture | Chart
    caption: str
    details: tuple[Detail, ...] = ()
    sides: tuple[str, ...] = ()

    kind = "figure"


Block = Statement | Paragraph | Steps | Facts | Table | Tree | Commands | Figure


@dataclass(frozen=True)
class Section:
    """A titled part of a document."""

    title: str
    blocks: tuple[Block, ...]

    @staticmethod
    def of(title: str, blocks: Iterable[Block | None]) -> Section:
        """The section with the blocks that are there."""
        return Section(title, tuple(block for block in blocks if block is not None))


@dataclass(frozen=True)
class Document:
    """What an answer says, for every renderer; `tone` is that of its verdict."""

    title: str
    tone: Literal["proved", "refuted", "unknown"]
    sections: tuple[Section, ...]


def clean(text: str) -> str:
    """The text on one line, with every control or invisible character written as an escape.

    >>> print(clean("a\\x1b[31m\\u202eb"))
    a\\x1b[31m\\u202eb
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\n\t" else ascii(c)[1:-1] for c in text)


def printed(item: Inline) -> str:
    """The item as `plain` has it, as it is printed on paper: exact numbers and formulas have true minus signs.

    >>> print(printed(Exact("[-1, 1]: 2-3-1, x - 1/2")))
    [−1, 1]: 2-3-1, x − 1/2
    """
    return _MINUS.sub("−", plain(item)) if isinstance(item, Exact) else plain(item)


def plain(item: Inline) -> str:
    """The item as one line of text, long numbers shortened, with the file that has them in full."""
    if isinstance(item, bool):
        return "yes" if item else "NO"
    if isinstance(item, Exact):
        place = f" (exact in {item.where})" if item.where and item.shortened else ""
        return clean(item.short + place)
    return clean(item if isinstance(item, str) else item.text)
