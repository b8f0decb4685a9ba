"""The reports of proofs and counterexamples: frozen data, and the document that it is told in."""

from exactformer.reporting.build import asked_by_file, build_report
from exactformer.reporting.data import Report
from exactformer.reporting.sections import document_of
from exactformer.reporting.trusted import KernelFacts, kernel_facts

__all__ = ["KernelFacts", "Report", "asked_by_file", "build_report", "document_of", "kernel_facts"]
