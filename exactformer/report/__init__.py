"""Frozen report data, and renderers that each take that same data."""

from exactformer.report.build import build_report
from exactformer.report.data import Report
from exactformer.report.html import render_html
from exactformer.report.markdown import render_markdown
from exactformer.report.text import render_text
from exactformer.report.trusted import KernelFacts, kernel_facts

__all__ = [
    "KernelFacts",
    "Report",
    "build_report",
    "kernel_facts",
    "render_html",
    "render_markdown",
    "render_text",
]
