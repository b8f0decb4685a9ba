"""A document as PDF, set by Typst (the extra `pdf`)."""

from __future__ import annotations

from functools import singledispatch

from exactformer.documents.chart import Chart
from exactformer.documents.chart_svg import chart_svg
from exactformer.documents.document import (
    SYMBOL,
    Code,
    Commands,
    Document,
    Facts,
    Figure,
    Formula,
    Inline,
    Paragraph,
    Statement,
    Steps,
    Table,
    Tree,
    clean,
    plain,
    printed,
)
from exactformer.documents.svg import svg
from exactformer.errors import Unsupported

STYLE = """#set page(paper: "a4", margin: 25mm, numbering: "1")
#set text(size: 10pt)
#set heading(numbering: "1.")
#set table(stroke: none, inset: (x: 4pt, y: 3pt))
#show raw: set text(size: 8.5pt)
"""
DEEPEST = 20  # cases within cases that are moved further to the right
WIDEST = 40  # characters of a cell that count when the width of a line is shared out
SHORTEST = 14  # characters of a column that is as wide as what is in it
INK = 'xmlns="http://www.w3.org/2000/svg" color="#1a1a1a" font-family="DejaVu Sans Mono" font-size="11" '


def render_pdf(document: Document, note: str = "") -> bytes:
    """The document as PDF, pictures included. Raises `Unsupported` where Typst is not installed.

    A `note` says first what was re-checked.
    """
    try:
        import typst
    except ImportError:
        raise Unsupported("PDF: expected the package typst, found none; pip install 'exactformer[pdf]'") from None
    result = typst.compile(render_typst(document, note).encode())
    assert isinstance(result, bytes)
    return result


def render_typst(document: Document, note: str = "") -> str:
    """The source of the page: every text is a string literal, so nothing from a file is read as markup."""
    parts = [f'#set document(title: {_literal(document.title)}, keywords: "exactformer", date: none)', STYLE]
    parts.append(f"#align(center, text(size: 16pt, strong({_literal(document.title)})))")
    parts += [f"#strong({_literal(note)})"] if note else []
    for section in document.sections:
        parts.append(f"#heading({_literal(section.title)})")
        parts += filter(None, map(_block, section.blocks))
    return "\n\n".join(parts) + "\n"


def _literal(text: str) -> str:
    """A string of Typst.

    >>> print(_literal('say "a"'))
    "say \\"a\\""
    """
    return '"' + clean(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _inline(item: Inline) -> str:
    if isinstance(item, Formula):
        return f"[{''.join(map(_typeset, SYMBOL.split(plain(item))))}]"
    name = "raw" if isinstance(item, Code) else "text"
    return f"{name}({_literal(printed(item))})"


def _typeset(part: str) -> str:
    letter, _, index = ("n", "", "0") if part == "n0" else part.partition("_")
    if not SYMBOL.fullmatch(part):
        return f"#{_literal(part)}"
    return f"#emph({_literal(letter)})" + (f"#sub({_literal(index.strip('()'))})" if index else "")


@singledispatch
def _block(block: object) -> str:
    raise TypeError(f"no Typst for {type(block).__name__}")


@_block.register
def _(block: Statement) -> str:
    note = f"\n#parbreak()\n#text({_literal(block.note)})" if block.note else ""
    text = f"#strong({_literal(block.label + '.')}) #emph({_literal(block.text)}){note}"
    return f"#strong({_literal(block.verdict + '.')})\n#block(inset: (left: 12pt), stroke: (left: 1pt))[{text}]"


@_block.register
def _(block: Paragraph) -> str:
    return f"#par(text({_literal(block.text)}))"


@_block.register
def _(block: Steps) -> str:
    return f"#enum({', '.join(f'text({_literal(item)})' for item in block.items)})" if block.items else ""


@_block.register
def _(block: Facts) -> str:
    heading = f"#strong({_literal(block.heading)})\n" if block.heading else ""
    cells = ", ".join(f"text({_literal(name)}), {_inline(item)}" for name, item in block.rows)
    return f"{heading}#table(columns: (25%, 75%), {cells})" if cells else ""


@_block.register
def _(block: Table) -> str:
    if not block.head:
        return ""
    sizes = [max(min(len(plain(row[i])), WIDEST) for row in (block.head, *block.rows)) for i in range(len(block.head))]
    columns = "".join("auto, " if size <= SHORTEST else f"{size}fr, " for size in sizes)
    sides = "".join("right, " if side == "r" else "left, " for side in block.align)
    head = ", ".join(f"strong({_literal(name)})" for name in block.head)
    cells = "".join(f", {_inline(cell)}" for row in block.rows for cell in row)
    note = f"\n{'#' + _inline(block.note)}" if block.note else ""
    return (
        f"#strong({_literal(block.heading)})\n"
        f"#table(columns: ({columns}), align: ({sides}), table.header({head}), table.hline(){cells}){note}"
    )


@_block.register
def _(block: Tree) -> str:
    lines = [
        f"#pad(left: {min(depth, DEEPEST)}em, text({_literal(label + printed(text))}))"
        for depth, label, text in block.lines()
    ]
    note = [f"#text({_literal(block.note)})"] if block.note else []
    return "\n".join([f"#strong({_literal(block.heading)})", "#[#set block(spacing: 0.6em)", *lines, "]", *note])


@_block.register
def _(block: Commands) -> str:
    return "\n".join(f"#raw({_literal(line)}, block: true)" for line in block.lines)


@_block.register
def _(block: Figure) -> str:
    drawn = chart_svg(block.picture) if isinstance(block.picture, Chart) else svg(block.picture)
    source = drawn.replace("<svg ", f"<svg {INK}", 1)
    image = f'image(bytes({_literal(source)}), format: "svg", width: 75%)'
    return f"#figure({image}, caption: text({_literal(block.caption)}))"
