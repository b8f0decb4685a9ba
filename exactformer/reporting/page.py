"""The report of an answer as an object that a notebook shows and `print` prints."""

from __future__ import annotations

from exactformer.arguments import instance
from exactformer.documents import Page
from exactformer.errors import Faults
from exactformer.prover.family import FamilyResult
from exactformer.prover.outcome import Outcome
from exactformer.reporting.build import build_report
from exactformer.reporting.sections import document_of
from exactformer.subdivision.result import Regions

ANSWERS = (Outcome, FamilyResult, Regions)


def report(answer: Outcome | FamilyResult | Regions) -> Page:
    """The report of what `prove`, `verify`, `verify_family` or `regions` returned.

    `print` shows it as text, a notebook as a page. Raises `InvalidInput` for anything else.

    >>> import exactformer as ef
    >>> absolute = ef.MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), domain=ef.Box([-1], [1]))
    >>> "PROVED" in str(ef.report(ef.prove(absolute)))
    True
    """
    faults = Faults()
    instance(answer, ANSWERS, "what prove, verify, verify_family and regions return", "answer", faults)
    faults.settle()
    if isinstance(answer, FamilyResult | Regions):
        return Page(answer.document())
    return Page(document_of(build_report(answer, files={})))
