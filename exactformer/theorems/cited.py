"""Statements of others, which are cited and not checked here."""

from __future__ import annotations

from exactformer.theorems.case import Case
from exactformer.theorems.theorem import theorem


@theorem("T42", "Regions of attention in tokens and depth", "Su, Liu 2026, arXiv 2604.14727", evidence="cited")
def regions_in_tokens(case: Case) -> None:
    """Of N tokens, one head at temperature zero has O(N) cells, H heads O(N^H), L layers of width d Theta(N^(d L)).

    Cited from the abstract. Beside it stand the exact counts of T30 and T31; where query and key both depend on x,
    cells are no polyhedra (T31).
    """


@theorem("T44", "Deciding whether two networks are near is hard", "Teuber and others", evidence="cited")
def equivalence_is_hard(case: Case) -> None:
    """Whether |f - g| <= eps on a polytope, for ReLU networks with rational weights, is a coNP-complete question.

    Cited. Proofs by splitting are exponential in the worst case; what can be decided in which time is measured in
    docs/benchmarks.md.
    """
