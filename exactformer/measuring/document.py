"""The report of a distance or of a range, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from exactformer.documents import Document
from exactformer.documents.document import Facts, Paragraph, Section, Statement, Table

if TYPE_CHECKING:
    from exactformer.measuring.result import Distance, OutputRange

EXACT = "All weights are exact rational numbers, and all arithmetic is that of the real numbers, without rounding. "
MEANS = EXACT + (
    "What bounds from outside is a theorem that the kernel has checked; its certificate lies beside this page, and "
    "README.txt says how to check it again. What bounds from inside is computed at a point, exactly."
)
UNBOUNDED = EXACT + "No bound was proved; what is said of a point is computed there, exactly."
SOFTMAX = (
    "Values of softmax are irrational: at a point they are enclosed by rational numbers, and the end that claims less "
    "is taken."
)
LAYERS = (
    "On the whole domain, before anything was cut or split: how far values of a layer may be apart from their partners "
    "on the other side, and which share each layer has in what the bound loses, since bounds take the place of values."
)


def document_of(result: Distance | OutputRange, title: str, rows: Iterator[tuple[str, str]]) -> Document:
    """The document: the answer, what it means, and the bounds layer by layer where there are such."""
    (verdict, statement), *facts = rows
    soft = result.outcome is not None and any(semantics.soft for semantics in result.outcome.semantics)
    meaning = (UNBOUNDED if result.outcome is None else MEANS, *([SOFTMAX] if soft else []))
    sections = [
        Section("Statement", (Statement(verdict, "Bounds", statement), Facts(tuple(facts)))),
        Section("What it means", tuple(map(Paragraph, meaning))),
    ]
    if table := _layers(result):
        sections.append(Section("Where the bound comes from", (table,)))
    return Document(title, result.verdict, tuple(sections))


def _layers(result: Distance | OutputRange) -> Table | None:
    shares = getattr(result, "shares", ())
    if not shares:
        return None
    rows = tuple(
        (s.layer, f"{s.units}", "" if s.difference is None else f"{s.difference:.3g}", f"{s.share:.1%}", s.most)
        for s in shares
    )
    head = ("layer", "values", "apart", "share", "most of it")
    return Table("Layer by layer", head, "lrrrl", rows, LAYERS)
