"""What the test of a conjecture on a family says, as a document for every renderer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactformer.documents.document import Block, Code, Document, Exact, Facts, Inline, Paragraph, Section, Statement
from exactformer.prover.answer import answer_rows

if TYPE_CHECKING:
    from exactformer.prover.family import FamilyResult

MEANING = {
    "proved": "Each instance that was tried was proved by itself. Nothing is said of the others of the family.",
    "refuted": "One instance for which the claim does not hold refutes it for the family.",
    "unknown": "Nothing is asserted of the family.",
}


def document_of(result: FamilyResult) -> Document:
    """The document of how a family fared."""
    rows = ("claim", Code(result.claim)), ("proved", f"{result.proved}"), ("left open", f"{result.unknown}")
    parts = [Section("Statement", (_statement(result), Facts(rows), Paragraph(MEANING[result.verdict])))]
    if result.counterexample is not None:
        parts.append(Section("The counterexample", _counterexample(result)))
    return Document("A conjecture on a family of networks", result.verdict, tuple(parts))


def _statement(result: FamilyResult) -> Statement:
    tried = result.proved + result.unknown
    if result.counterexample is not None:
        text = f"For instance {result.instance} of the family it is not true that {result.counterexample.claim}."
        return Statement("Refuted", "Counterexample", text)
    if result.verdict == "proved":
        each = "the one instance that was" if tried == 1 else f"each of the {tried} instances that were"
        return Statement("Proved", "Instances", f"The claim holds for {each} tried.")
    undecided = f"For {result.unknown} of {tried} instances it is not decided whether the claim holds."
    return Statement("Unknown", "Open", undecided if tried else "No instance was tried.")


def _counterexample(result: FamilyResult) -> tuple[Block, ...]:
    assert result.counterexample is not None
    steps = "one step" if result.shrunk == 1 else f"{result.shrunk} steps"
    shrunk = f"It is instance {result.instance}, counted from 0, after {steps} of making it smaller."
    _, *said = answer_rows(result.counterexample)
    rows: list[tuple[str, Inline]] = [(name, Exact(text)) for name, text in said if name != "method"]  # has a time
    return Paragraph(shrunk), Facts(tuple(rows))
