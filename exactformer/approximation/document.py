"""The report of an approximation, in blocks: the theorem, the links of its proof, sizes, and a picture of the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactformer.documents import Document
from exactformer.documents.document import Facts, Paragraph, Section, Statement, Table
from exactformer.enclosure import bounds
from exactformer.measuring.charts import Known, View
from exactformer.measuring.document import over_domain
from exactformer.measuring.numbers import decimal, shown

if TYPE_CHECKING:
    from exactformer.approximation.result import Approximation

MEANS = (
    "All weights are exact rational numbers. That the function is as near as it is said was shown cell "
    "by cell: on boxes on which the other side is affine the kernel encloses the difference by a Taylor polynomial of "
    "the second degree, in interval arithmetic of integers that is rounded outwards. "
)
JOINED = (
    "That the network is near the "
    "Transformer, or equal to it, is a theorem of the kernel, too. Both have the network in common, by the digest of "
    "its file, so the triangle inequality gives the theorem above. README.txt says how to check all of it again."
)
DIRECT = (
    "The other side is the Transformer itself, whose head has a token a piece. README.txt says how to check it again."
)
SEARCHED = "Pieces and temperatures were found in floating point; nothing that is claimed rests on that."


def document_of(found: Approximation) -> Document:
    """The report, as every renderer takes it."""
    (verdict, statement), *facts = found.rows()
    sections = [
        Section("Statement", (Statement(verdict, "Approximation", statement), Facts(tuple(facts)))),
        Section(
            "The proof", (*_links(found), Paragraph(MEANS + (DIRECT if found.direct else JOINED)), Paragraph(SEARCHED))
        ),
        Section("Beside the theory", (_predictions(found),)),
    ]
    if seen := tuple(over_domain(found.question, lambda: [_error(found)])):
        sections.append(Section("The error", seen))
    return Document("From a function to a Transformer", found.verdict, tuple(sections))


def _links(found: Approximation) -> tuple[Table, ...]:
    if found.chain is None:
        return ()
    near, soft = found.parts
    first = ("link-1.json", "f", "the network", decimal(near, 6) if near else "0, equal")
    second = ("link-2.json", "the network", "the Transformer", decimal(soft, 6) if soft else "0, equal")
    links = [("link-1.json", "f", "the Transformer", decimal(near, 6))] if found.direct else [first, second]
    rows = (*links, ("certificate.json", "f", "the Transformer", decimal(near + soft, 6)))
    return (Table("Links", ("file", "from", "to", "at most"), "lllr", rows, ""),)


def _predictions(found: Approximation) -> Table:
    """What general theorems ask for, from samples of the function, beside what was needed."""
    rows = [(line.what, line.formula, decimal(line.value, 4), line.source) for line in found.predictions()]
    return Table("Sizes", ("what", "formula", "value", "source"), "llrl", tuple(rows), "")


def _error(found: Approximation) -> View:
    """F - T over the domain."""
    extreme = found.extreme
    known: tuple[Known, ...] = ()
    if extreme.point is not None and extreme.value is not None:
        (left,), (right,) = found.question.values(extreme.point)
        low, high = bounds(left - right)
        known = (Known(f"the best point found: {shown(extreme.value)}", extreme.point, (low + high) / 2),)
    ends = () if found.upper is None else (-found.upper, found.upper)
    return View(0, "f(x) − T(x)", ends, known, signed=True)
