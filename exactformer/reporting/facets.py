"""The facets of a region: which of its inequalities matter, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from exactformer.documents.numbers import linear_text, variable
from exactformer.polyhedra.lp import Minimum, Program, Row
from exactformer.prover.outcome import Inequality
from exactformer.rational import exact_text


def facets_of(inequalities: Sequence[Inequality]) -> list[Inequality]:
    """Those inequalities of a full-dimensional region that the others do not imply, by exact linear programs."""
    kept = [each for each in dict.fromkeys(inequalities) if any(each.coefficients)]
    for each in tuple(kept):
        others = [_row(other) for other in kept if other is not each]
        least = Program(others, len(each.coefficients)).minimise(_row(each)) if others else None
        if isinstance(least, Minimum) and least.value >= 0:
            kept.remove(each)
    return kept


def inequality_text(inequality: Inequality) -> str:
    """The inequality, solved for its variable if it has only one.

    >>> inequality_text(Inequality((-2, 0), 1)), inequality_text(Inequality((3, -1), 1))
    ('x₁ ≤ 1/2', '3 x₁ − x₂ ≥ −1')
    """
    n = len(inequality.coefficients)
    terms = [(i, Fraction(c)) for i, c in enumerate(inequality.coefficients) if c]
    if len(terms) > 1:
        bound = exact_text(Fraction(-inequality.constant)).replace("-", "−")
        return f"{linear_text(terms, Fraction(0), n)} ≥ {bound}"
    ((i, c),) = terms
    bound = exact_text(Fraction(-inequality.constant) / c).replace("-", "−")
    return f"{variable(i, n)} {'≥' if c > 0 else '≤'} {bound}"


def _row(inequality: Inequality) -> Row:
    return inequality.coefficients, inequality.constant
