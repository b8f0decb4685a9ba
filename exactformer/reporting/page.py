"""The report of an outcome as an object that a notebook shows and `print` prints."""

from __future__ import annotations

from dataclasses import dataclass

from exactformer.prover.outcome import Outcome, check_outcome
from exactformer.reporting.build import build_report
from exactformer.reporting.data import Report
from exactformer.reporting.html import render_html
from exactformer.reporting.markdown import render_markdown
from exactformer.reporting.text import render_text


@dataclass(frozen=True)
class Page:
    """A report with its renderings."""

    report: Report

    def __str__(self) -> str:
        return render_text(self.report)

    def markdown(self) -> str:
        """The report in Markdown."""
        return render_markdown(self.report)

    def html(self) -> str:
        """The report as a self-contained HTML page."""
        return render_html(self.report)

    def __repr__(self) -> str:
        return f"<Page: the report of {self.report.verdict}>"

    _repr_html_ = html


def report(outcome: Outcome) -> Page:
    """The report of what `prove` or `verify` returned; `print` shows it as text, a notebook as a page.

    Raises `InvalidInput` for anything else.

    >>> import exactformer as ef
    >>> absolute = ef.MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), domain=ef.Box([-1], [1]))
    >>> "PROVED" in str(ef.report(ef.prove(absolute)))
    True
    """
    check_outcome(outcome)
    return Page(build_report(outcome, files={}))
