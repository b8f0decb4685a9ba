"""All theorems of the laboratory, read off the modules of their themes."""

from __future__ import annotations

from collections.abc import Iterable

from exactformer.errors import Faults, did_you_mean
from exactformer.theorems import (
    all_weights,
    approximation,
    cited,
    constructions,
    differences,
    heads,
    pieces,
    piecewise,
    regions,
    temperature,
)
from exactformer.theorems.theorem import Theorem, theorems_in

THEOREMS = theorems_in(
    pieces, constructions, temperature, piecewise, approximation, regions, heads, differences, cited, all_weights
)
ALL = "all"


def theorems_of(names: Iterable[str]) -> tuple[Theorem, ...]:
    """The theorems with these numbers, T1, T2, ..., or with these negative facts, N1, N2, ...; "all" for all of them.

    Each once, in the order of their numbers. Raises `InvalidInput` with every name that is not known.
    """
    faults, chosen = Faults(), set()
    known = [*(t.number for t in THEOREMS), *sorted({n for t in THEOREMS for n in t.negatives}), ALL]
    for name in names:
        word = name.strip() if isinstance(name, str) else name
        word = ALL if isinstance(word, str) and word.lower() == ALL else word
        asked = word.upper() if isinstance(word, str) and word != ALL else word
        if asked not in known:
            expected = f"a theorem from {THEOREMS[0].number} to {THEOREMS[-1].number}, a fact N1, N2, ..., or all"
            faults.add("theorems", expected, name, did_you_mean(asked, known))
        chosen |= {t.number for t in THEOREMS if asked in (ALL, t.number, *t.negatives)}
    faults.settle()
    return tuple(t for t in THEOREMS if t.number in chosen)
