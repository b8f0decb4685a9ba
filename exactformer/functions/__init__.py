"""Functions that are given by formulas: text, SymPy expressions, and Python functions that are sampled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exactformer.domain import Domain
from exactformer.errors import Faults, shown
from exactformer.functions.parser import parse
from exactformer.functions.sampled import Sampled, Samples
from exactformer.networks import Function, check_domain
from exactformer.networks.function import check_names
from exactformer.rational import listed


def function(
    formula: Any, variables: Sequence[Any] | None = None, *, domain: Domain | None = None, name: str = ""
) -> Function:
    """The function that a formula gives, a text or a SymPy expression.

    >>> f = function("max(x, 1/3)^2 - y/2")
    >>> f.formula, f.variables, f.evaluate([0, 1])
    ('max(x, 1/3)^2 - y/2', ('x', 'y'), (Fraction(-7, 18),))

    `variables` are the inputs in order, names or the symbols of SymPy; without them those that occur are sorted, x2
    before x10. The function keeps their names.
    Every number is exact: 0.1 in a text is 1/10. What may be written, and what becomes of it: docs/functions.md.

    Raises `InvalidInput`, with the place, for what is no formula, for numbers of more than 13000 bits, for what is
    undefined wherever it is evaluated, and for exponents that are neither rational nor over a constant base > 0.
    """
    faults = Faults()
    is_text = isinstance(formula, str)
    if not is_text and not hasattr(type(formula), "free_symbols"):
        faults.add("formula", "a text or a SymPy expression", shown(formula))
    names = None if variables is None else listed(variables)
    if variables is not None and names is None:
        faults.add("variables", "a list of names", shown(variables))
    elif names is not None and is_text:
        check_names(names, "variables", faults)
    check_domain(domain, faults)
    faults.settle()
    if is_text:
        return parse(formula, names, domain, name)
    from exactformer.functions.sympy_bridge import from_sympy

    return from_sympy(formula, names, domain, name)


def to_sympy(function: Function, variables: Sequence[Any] | None = None) -> Any:
    """The SymPy expression of a function, step by step as it is written; its method `doit` has SymPy simplify it.

    `variables` are SymPy symbols or names, one an input; without them they are real and named as in `formula`.
    Raises `InvalidInput` for another number of them.
    """
    from exactformer.functions import sympy_bridge

    return sympy_bridge.to_sympy(function, variables)


__all__ = ["Sampled", "Samples", "function", "to_sympy"]
