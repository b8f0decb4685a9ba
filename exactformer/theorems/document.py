"""The pages of the laboratory: the list of all theorems, and the table of what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from exactformer.documents import render_text
from exactformer.documents.document import Block, Commands, Document, Facts, Paragraph, Section, Statement, Table
from exactformer.theorems.theorem import EVIDENCE, EXPECTED, Theorem

if TYPE_CHECKING:
    from exactformer.theorems.result import Finding, Findings

TONES: dict[str, Literal["proved", "refuted", "unknown"]] = {
    "confirmed": "proved",
    "failed": "refuted",
    "unknown": "unknown",
    "cited": "unknown",
}
MEANS = (
    "Each instance is decided by exact arithmetic: by a proof that the kernel accepts, by a counterexample, or by "
    "rational computation. Nothing is said beyond what the column of evidence says."
)
TWINS = (
    "Each check has a broken twin, the same check with a planted fault. A theorem is confirmed only if its twin was "
    "caught, too."
)


def list_table(theorems: Sequence[Theorem], heading: str = "") -> Table:
    """The theorems, a row each."""
    rows = ((t.number, t.title, t.expected, t.evidence, parameters_text(t)) for t in theorems)
    return Table(heading, ("", "theorem", "expected", "evidence", "parameters"), "lllll", tuple(rows))


def parameters_text(theorem: Theorem) -> str:
    """The free parameters with their default ranges.

    >>> from exactformer.theorems.registry import theorems_of
    >>> parameters_text(*theorems_of(["T14"]))
    'inputs 1 to 2, layers 1 to 3, rank 2 to 3'
    """
    return ", ".join(f"{name} {span}" for name, span in theorem.parameters.items()) or "–"


def document_of(found: Findings) -> Document:
    """The document: what was found, the table, what is not as expected, and all statements."""
    sections = [
        Section(
            "What was found",
            (Statement(found.outcome, "Theorems", summary(found)), _table(found, "Theorem by theorem")),
        )
    ]
    if wrong := tuple(_wrong(found)):
        sections.append(Section("What is not as expected", wrong))
    sections.append(Section("Statements", tuple(_statement(each) for each in found.findings)))
    seed = Paragraph(f"The seed of all random instances is {found.seed}.")
    reading = (Paragraph(MEANS), Paragraph(TWINS), Facts(tuple(EVIDENCE.items())), seed)
    return Document("The theorem laboratory", TONES[found.outcome], (*sections, Section("How to read this", reading)))


def answer_lines(found: Findings) -> list[str]:
    """The answer for a terminal: the table, what is not as expected, and the statement where there is only one."""
    statements = (_statement(found.findings[0]),) if len(found.findings) == 1 else ()
    return [f"{found.outcome.upper()}  {summary(found)}", *_lines(_table(found), *_wrong(found), *statements)]


def list_lines(theorems: Sequence[Theorem]) -> list[str]:
    """The list for a terminal."""
    return _lines(list_table(theorems))


def summary(found: Findings) -> str:
    """How many theorems have which outcome."""
    counts = Counter(each.outcome for each in found.findings)
    words = ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))
    return f"{len(found.findings)} theorem{'s'[: len(found.findings) != 1]}: {words or 'none'}."


def _table(found: Findings, heading: str = "") -> Table:
    rows = tuple(
        (
            each.theorem.number,
            each.theorem.title,
            each.theorem.evidence,
            each.count,
            each.outcome,
            f"{each.seconds:.1f} s",
        )
        for each in found.findings
    )
    columns = ("", "statement", "evidence", "instances", "outcome", "time")
    return Table(heading, columns, "lllrlr", rows, "Times are those of all processes together.")


def _lines(*blocks: Block) -> list[str]:
    """The blocks as text, without the headings of a document."""
    return render_text(Document("-", "unknown", (Section("-", blocks),))).splitlines()[6:]


def _wrong(found: Findings) -> Iterator[Block]:
    for each in found.findings:
        if each.why is not None:
            yield Paragraph(f"{each.theorem.number}, {each.outcome}. {each.why}")
        if each.failure is not None:
            yield Commands((each.failure.command(each.theorem.number, found.seed),))


def _statement(each: Finding) -> Facts:
    t = each.theorem
    rows = [("statement", " ".join(t.statement.split())), ("expected", EXPECTED[t.expected]), ("evidence", t.evidence)]
    rows += [("source", t.source), ("parameters", parameters_text(t))]
    if t.negatives:
        rows.append(("witnesses of", ", ".join(t.negatives)))
    return Facts(tuple(rows), f"{t.number}. {t.title}")
