"""The report of a distance or of a range, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from exactformer.documents import Document
from exactformer.documents.document import Block, Exact, Facts, Inline, Paragraph, Section, Statement, Table

if TYPE_CHECKING:
    from exactformer.measuring.result import Distance, OutputRange

MEANS = (
    "All weights are exact rational numbers, and all arithmetic is that of the real numbers, without rounding. The "
    "upper bound is a theorem that the kernel has checked: its certificate lies beside this page. The lower bound is "
    "what the networks compute at the point."
)
SOFTMAX = (
    "Values of softmax are irrational: at the point they are enclosed by rational numbers, and the lower bound is the "
    "lower end."
)


def document_of(result: Distance | OutputRange, title: str, rows: Iterator[tuple[str, str]]) -> Document:
    """The document: the answer, what it means, and the bounds layer by layer where there are such."""
    (verdict, statement), *others = rows
    soft = result.outcome is not None and any(semantics.soft for semantics in result.outcome.semantics)
    facts: tuple[tuple[str, Inline], ...] = tuple((name, Exact(text)) for name, text in others)
    meaning: list[Block] = [Paragraph(MEANS), *([Paragraph(SOFTMAX)] if soft else [])]
    label = "Bounds." if result.outcome is None else "Theorem."
    sections = [
        Section("Statement", (Statement(verdict, label, statement), Facts(facts))),
        Section("What it means", tuple(meaning)),
    ]
    if table := _layers(result):
        sections.append(Section("Where the bound comes from", (table,)))
    return Document(title, result.verdict, tuple(sections))


def _layers(result: Distance | OutputRange) -> Table | None:
    shares = getattr(result, "shares", ())
    if not shares:
        return None
    rows = tuple((f"{s.layer}", f"{s.unit}", f"{s.width:.6g}", f"{s.share:.6g}") for s in shares)
    note = (
        "On the whole domain, before anything is split: how far a unit of the right side may be from its partner on "
        "the left, and how much of the bound of the worst output comes from there."
    )
    head = ("layer", "unit", "difference at most", "share of the bound")
    return Table("Layer by layer", head, "llrr", rows, note)
