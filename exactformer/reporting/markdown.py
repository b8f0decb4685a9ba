"""A report as Markdown (CommonMark with pipe tables)."""

from __future__ import annotations

import re
from functools import singledispatch

from exactformer.reporting.data import Report
from exactformer.reporting.document import (
    Code,
    Commands,
    Facts,
    Figure,
    Inline,
    Paragraph,
    Statement,
    Steps,
    Table,
    clean,
    plain,
)
from exactformer.reporting.sections import sections

_SPECIAL = re.compile(r"[\\`*_{}\[\]#|~$!@]")
_PLAIN = re.compile(r"[\w./:+=,() -]+", re.ASCII)


def render_markdown(report: Report, note: str = "") -> str:
    """The report as Markdown; whatever comes from files is escaped. A `note` says first what was re-checked."""
    parts = [f"**{escaped(note)}**"] if note else []
    parts.append(f"# {escaped(report.title)}")
    for number, section in enumerate(sections(report), start=1):
        parts.append(f"## {number}. {section.title}")
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
def _(block: Commands) -> str:
    return "\n".join(["```sh", *(clean(line) for line in block.lines), "```"])


@_block.register
def _(_block: Figure) -> str:
    return ""
