"""A document as LaTeX source that the standard packages compile; pictures are left out."""

from __future__ import annotations

import re
from functools import singledispatch

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

PREAMBLE = r"""% written by exactformer
\documentclass[11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[a4paper,margin=25mm]{geometry}
\usepackage{array,longtable}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\setlength{\emergencystretch}{3em}
\newcolumntype{L}[1]{>{\raggedright\arraybackslash}p{#1}}
"""
WORD = 12  # characters of a long word between places where a line may end
DEEPEST = 20  # cases within cases that are moved further to the right
WIDEST = 40  # characters of a cell that count when the width of a line is shared out
TEXT = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "…": r"\dots{}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    **{c: f"\\{c}" for c in "{}$&#_%"},
    **{sub: rf"\textsubscript{{{i}}}" for i, sub in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{sup: rf"\textsuperscript{{{i}}}" for i, sup in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}
MATHEMATICS = {
    "−": "-",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "×": r"\times",
    "·": r"\cdot",
    "±": r"\pm",
    "∈": r"\in",
    "∞": r"\infty",
    "→": r"\to",
    "√": r"\surd",
    "∎": r"\rule{1ex}{1ex}",
    "ℝ": r"\mathbf{R}",
    "Σ": r"\Sigma",
    "α": r"\alpha",
    "γ": r"\gamma",
    "δ": r"\delta",
    "ε": r"\varepsilon",
    "λ": r"\lambda",
    "π": r"\pi",
    "σ": r"\sigma",
    "τ": r"\tau",
}
_LIGATURES = re.compile(r"([-<>,`'!?])(?=[-<>,`'])")  # two of these would be printed as one other sign
_WORDS = re.compile(rf"[A-Za-z0-9]{{{2 * WORD},}}")


def render_latex(document: Document, note: str = "") -> str:
    """The document as LaTeX; whatever comes from files is escaped. A `note` says first what was re-checked."""
    title = escaped(document.title)
    parts = [PREAMBLE + f"\\title{{{title}}}\n\\date{{}}\n\\begin{{document}}\n\\maketitle"]
    parts += [rf"\textbf{{{escaped(note)}}}"] if note else []
    for section in document.sections:
        parts.append(rf"\section{{{escaped(section.title)}}}")
        parts += filter(None, map(_block, section.blocks))
    return "\n\n".join([*parts, "\\end{document}"]) + "\n"


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is; a character that its fonts lack by its number.

    >>> print(escaped("50% of x_1 ≤ 2"))
    50\\% of x\\_1 \\ensuremath{\\le} 2
    """
    text = _LIGATURES.sub("\\1\0", clean(text))
    text = _WORDS.sub(lambda word: "\1".join(re.findall(f".{{1,{WORD}}}", word[0])), text)
    return "".join(map(_character, text))


def _character(c: str) -> str:
    if c in MATHEMATICS:
        return rf"\ensuremath{{{MATHEMATICS[c]}}}"
    if c in "\0\1":
        return "{}" if c == "\0" else r"\allowbreak{}"
    if c in TEXT or c.isascii() or (c.isalpha() and 0xC0 <= ord(c) < 0x100):
        return TEXT.get(c, c)
    return rf"\texttt{{U+{ord(c):04X}}}"


def _inline(item: Inline) -> str:
    if isinstance(item, Code):
        return rf"\texttt{{{escaped(plain(item))}}}"
    if isinstance(item, Formula):
        return "".join(map(_typeset, SYMBOL.split(plain(item))))
    return escaped(printed(item))


def _typeset(part: str) -> str:
    letter, _, index = ("n", "", "0") if part == "n0" else part.partition("_")
    if not SYMBOL.fullmatch(part):
        return escaped(part)
    lowered = rf"\textsubscript{{{escaped(index.strip('()'))}}}" if index else ""
    return rf"\textit{{{letter}}}{lowered}"


@singledispatch
def _block(block: object) -> str:
    raise TypeError(f"no LaTeX for {type(block).__name__}")


@_block.register
def _(block: Statement) -> str:
    note = f"\n\n{escaped(block.note)}" if block.note else ""
    text = rf"\textbf{{{escaped(block.label)}.}} \emph{{{escaped(block.text)}}}{note}"
    return rf"\textbf{{{escaped(block.verdict)}.}}" + f"\n\\begin{{quote}}\n{text}\n\\end{{quote}}"


@_block.register
def _(block: Paragraph) -> str:
    return escaped(block.text)


@_block.register
def _(block: Steps) -> str:
    items = "\n".join(rf"\item {escaped(item)}" for item in block.items)
    return f"\\begin{{enumerate}}\n{items}\n\\end{{enumerate}}"


@_block.register
def _(block: Facts) -> str:
    rows = [rf"{escaped(name)} & {_inline(item)} \\" for name, item in block.rows]
    heading = [rf"\textbf{{{escaped(block.heading)}}}"] if block.heading else []
    return "\n".join(
        [*heading, r"\begin{longtable}{@{}L{0.25\linewidth}L{0.7\linewidth}@{}}", *rows, r"\end{longtable}"]
    )


@_block.register
def _(block: Table) -> str:
    if not block.head:
        return ""
    cells = [[_inline(cell) for cell in row] for row in (block.head, *block.rows)]
    natural = [
        max(min(len(plain(row[i])), WIDEST) for row in (block.head, *block.rows)) + 1 for i in range(len(block.head))
    ]
    columns = "".join(rf"L{{{0.9 * size / sum(natural):.3f}\linewidth}}" for size in natural)
    head, *rows = (" & ".join(row) + r" \\" for row in cells)
    below = [_inline(block.note)] if block.note else []
    table = [rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}", head, r"\hline\endhead", *rows, r"\end{longtable}"]
    return "\n".join([rf"\textbf{{{escaped(block.heading)}}}", *table, *below])


@_block.register
def _(block: Tree) -> str:
    lines = [
        rf"{{\leftskip={min(depth, DEEPEST)}em {escaped(label)}{_inline(text)}\par}}"
        for depth, label, text in block.lines()
    ]
    note = [escaped(block.note)] if block.note else []
    return "\n\n".join([rf"\textbf{{{escaped(block.heading)}}}", *lines, *note])


@_block.register
def _(block: Commands) -> str:
    return "\n\n".join(rf"\texttt{{{escaped(line)}}}" for line in block.lines)


@_block.register
def _(_block: Figure) -> str:
    return ""
