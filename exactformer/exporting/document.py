"""The report of an export, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from exactformer.documents import Document
from exactformer.documents.document import Code, Exact, Facts, Inline, Paragraph, Section, Statement
from exactformer.measuring.numbers import rounded

if TYPE_CHECKING:
    from exactformer.exporting.driver import Export

MEANS = (
    "The files hold one exact network: each of its numbers is the binary number that stands there. What is said of it "
    "is said in real arithmetic. An engine rounds what it computes, too: `exactformer replay` shows by how much, at "
    "points, and proves nothing about it."
)
FOLDED = (
    "The temperature is folded into the query weights: attention in the files is softmax of the scores as they are."
)
BOUNDED = "The bound is a theorem that the kernel has checked; the folder rounding/ has it with its certificate."


def rows(made: Export) -> Iterator[tuple[str, str]]:
    """What there is to say, line by line with a name each; the first is the verdict and the statement."""
    yield ("proved" if made.certain else "unknown"), statement(made)
    found = made.distance
    if found is not None and found.lower is not None and found.point is not None:
        yield "at least", f"{rounded(found.lower, up=False)} at a point"
    if made.reason is not None:
        yield "reason", made.reason
    yield "rounded", f"{made.changed} numbers that are no {made.type}" if made.changed else "none"
    yield "attention", made.reading + (f" at inverse temperature {_rates(made)}, folded" if made.temperature else "")
    yield "exported", f"{made.transformer.name or 'transformer'}: {made.transformer.size}, {made.type}"


def statement(made: Export) -> str:
    """What is known of the exported network, as a sentence."""
    if not made.changed:
        return "exported = exact: no number was rounded"
    upper = None if made.distance is None else made.distance.upper
    if upper is None:
        return "no bound of |exact(x) − exported(x)| was found"
    return f"sup |exact(x) − exported(x)| ≤ {rounded(upper, up=True)}"


def _rates(made: Export) -> str:
    return " / ".join(map(str, made.temperature))


def document_of(made: Export, files: tuple[str, ...]) -> Document:
    """The document of an export that was written to these files."""
    (verdict, headline), *facts = rows(made)
    meaning = [MEANS, *([FOLDED] if made.temperature else [])]
    meaning += [BOUNDED] if made.distance is not None and made.distance.upper is not None else []
    known: tuple[tuple[str, Inline], ...] = tuple((name, Exact(text)) for name, text in facts)
    written: tuple[tuple[str, Inline], ...] = tuple((name, Code(FILES[name])) for name in files if name in FILES)
    return Document(
        "A Transformer for other engines",
        "proved" if made.certain else "unknown",
        (
            Section("Statement", (Statement(verdict, "Export", headline), Facts(known))),
            Section("What it means", tuple(map(Paragraph, meaning))),
            Section("Files", (Facts(written),)),
        ),
    )


FILES = {
    "transformer.onnx": "ONNX: input x (batch, inputs), output y (batch, outputs)",
    "transformer.npz": "the weights by name, for NumPy",
    "transformer.safetensors": "the weights by name",
    "torch.safetensors": "the state of the module of PyTorch",
    "source.json": "the network that was compiled, exactly",
    "exact.json": "the Transformer that equals it",
    "exported.json": "the exact network that the files hold",
    "correspondence.json": "where the units of the source live",
}
