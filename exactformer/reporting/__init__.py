"""Frozen report data, and renderers that each take that same data."""

from exactformer.reporting.build import asked_by_file, build_report
from exactformer.reporting.data import Report
from exactformer.reporting.html import render_html
from exactformer.reporting.markdown import render_markdown
from exactformer.reporting.text import render_text
from exactformer.reporting.trusted import KernelFacts, kernel_facts

__all__ = [
    "KernelFacts",
    "Report",
    "asked_by_file",
    "build_report",
    "kernel_facts",
    "render_html",
    "render_markdown",
    "render_text",
]
