"""A document as Markdown (CommonMark with pipe tables)."""

from __future__ import annotations

import re
from functools import singledispatch

from exactformer.documents.document import (
    Code,
    Commands,
    Document,
    Facts,
    Figure,
    File,
    Inline,
    Paragraph,
    Statement,
    Steps,
    Table,
    Tree,
    clean,
    plain,
)

_SPECIAL = re.compile(r"[\\`*_{}\[\]#|~$!@]")
_PLAIN = re.compile(r"[\w./:+=,() -]+", re.ASCII)


def render_markdown(document: Document, note: str = "") -> str:
    """The document as Markdown; whatever comes from files is escaped. A `note` says first what was re-checked."""
    parts = [f"**{escaped(note)}**"] if note else []
    parts.append(f"# {escaped(document.title)}")
    for number, section in enumerate(document.sections, start=1):
        parts.append(f"## {number}. {escaped(section.title)}")
        parts += filter(None, map(_block, section.blocks))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, also inside a table.

    >>> print(escaped("a|b <c>"))
    a\\|b &lt;c&gt;
    """
    text = _SPECIAL.sub(r"\\\g<0>", clean(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _inline(item: Inline) -> str:
    if isinstance(item, File) and item.plain:
        return f"[`{item.text}`]({item.text})"
    if isinstance(item, Code) and _PLAIN.fullmatch(item.text):
        return f"`{item.text}`"
    return escaped(plain(item))


@singledispatch
def _block(block: object) -> str:
    raise TypeError(f"no Markdown for {type(block).__name__}")


@_block.register
def _(block: Statement) -> str:
    note = f"\n>\n> {escaped(block.note)}" if block.note else ""
    return f"**{block.verdict}.**\n\n> **{block.label}.** *{escaped(block.text)}*{note}"


@_block.register
def _(block: Paragraph) -> str:
    return escaped(block.text)


@_block.register
def _(block: Steps) -> str:
    return "\n".join(f"{i}. {escaped(item)}" for i, item in enumerate(block.items, start=1))


@_block.register
def _(block: Facts) -> str:
    rows = "\n".join(f"| {escaped(name)} | {_inline(item)} |" for name, item in block.rows)
    return f"| {escaped(block.heading)} | |\n| :-- | :-- |\n{rows}"


@_block.register
def _(block: Table) -> str:
    rule = " | ".join("--:" if side == "r" else ":--" for side in block.align)
    lines = [" | ".join(map(_inline, row)) for row in (block.head, *block.rows)]
    body = "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:]))
    note = f"\n\n{_inline(block.note)}" if block.note else ""
    return f"**{escaped(block.heading)}**\n\n{body}{note}"


@_block.register
def _(block: Tree) -> str:
    lines = [f"{'  ' * depth}- {escaped(label)}{_inline(text)}" for depth, label, text in block.lines()]
    note = f"\n\n{escaped(block.note)}" if block.note else ""
    return f"**{escaped(block.heading)}**\n\n" + "\n".join(lines) + note


@_block.register
def _(block: Commands) -> str:
    return "\n".join(["```sh", *(clean(line) for line in block.lines), "```"])


@_block.register
def _(_block: Figure) -> str:
    return ""
