"""A document for the terminal."""

from __future__ import annotations

import textwrap
from functools import partial, singledispatch
from itertools import chain, zip_longest

from exactformer.documents.document import (
    Commands,
    Document,
    Facts,
    Figure,
    Paragraph,
    Statement,
    Steps,
    Table,
    Tree,
    clean,
    plain,
)

WIDTH = 100
GAP = 2
NARROWEST = 8
DEEPEST = 20  # cases within cases that are moved further to the right
_WRAPPER = partial(textwrap.wrap, break_on_hyphens=False)


def render_text(document: Document, note: str = "") -> str:
    """The document as plain text, at most WIDTH characters wide (a file name or a digest may be longer).

    A `note` says above everything else what was re-checked.
    """
    lines = [*_wrapped(clean(note)), ""] if note else []
    lines += [*_wrapped(clean(document.title)), "=" * min(len(clean(document.title)), WIDTH), ""]
    for number, section in enumerate(document.sections, start=1):
        title = clean(f"{number}. {section.title}")
        lines += [title, "-" * len(title), ""]
        for block in section.blocks:
            shown = _block(block)
            lines += [*shown, ""] if shown else []
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


@singledispatch
def _block(block: object) -> list[str]:
    raise TypeError(f"no text for {type(block).__name__}")


@_block.register
def _(block: Statement) -> list[str]:
    lines = [block.verdict.upper(), "", *_wrapped(clean(f"{block.label}. {block.text}"))]
    return [*lines, "", *_wrapped(clean(block.note))] if block.note else lines


@_block.register
def _(block: Paragraph) -> list[str]:
    return _wrapped(clean(block.text))


@_block.register
def _(block: Steps) -> list[str]:
    pairs = enumerate(block.items, start=1)
    return [line for i, item in pairs for line in _wrapped(clean(item), f"  {i}. ")]


@_block.register
def _(block: Facts) -> list[str]:
    wide = max((len(name) for name, _ in block.rows), default=0) + GAP
    lines = [clean(block.heading)] if block.heading else []
    for name, item in block.rows:
        lines += _wrapped(plain(item), f"  {clean(name):<{wide}}")
    return lines


@_block.register
def _(block: Table) -> list[str]:
    cells = [[plain(cell) for cell in row] for row in (block.head, *block.rows)]
    widths = _widths([max(map(len, column)) for column in zip(*cells, strict=True)], WIDTH - 2)
    head, *rows = (_row(row, widths, block.align) for row in cells)
    rule = "  " + (" " * GAP).join("-" * width for width in widths)
    below = _wrapped(plain(block.note), "  ") if block.note else []
    return [*_wrapped(clean(block.heading)), *head, rule, *chain.from_iterable(rows), *below]


@_block.register
def _(block: Tree) -> list[str]:
    lines = [*_wrapped(clean(block.heading))]
    for depth, label, text in block.lines():
        lines += _wrapped(clean(label) + plain(text), "  " * min(depth + 1, DEEPEST))
    return [*lines, *(_wrapped(clean(block.note), "  ") if block.note else [])]


@_block.register
def _(block: Commands) -> list[str]:
    return [f"    {clean(line)}" for line in block.lines]


@_block.register
def _(_block: Figure) -> list[str]:
    return []


def _wrapped(text: str, first: str = "") -> list[str]:
    """The text in lines, the first after `first`, the others indented as far."""
    return _WRAPPER(text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first)) or [first]


def _widths(natural: list[int], total: int) -> list[int]:
    """Column widths that fit: the widest column gives way first, no column below NARROWEST."""
    widths = list(natural)
    while sum(widths) + GAP * (len(widths) - 1) > total and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _row(cells: list[str], widths: list[int], align: str) -> list[str]:
    """One table row as lines, every cell wrapped in its column."""
    columns = [_WRAPPER(cell, width) or [""] for cell, width in zip(cells, widths, strict=True)]
    return [
        "  "
        + (" " * GAP).join(
            part.rjust(width) if side == "r" else part.ljust(width)
            for part, width, side in zip(parts, widths, align, strict=True)
        )
        for parts in zip_longest(*columns, fillvalue="")
    ]
