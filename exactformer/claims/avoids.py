"""The claim that no output lies in an unsafe set, a union of polyhedra."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from pathlib import Path
from typing import Any

from exactformer.claims.claim import Claim, Run, Values
from exactformer.domain import Domain
from exactformer.enclosure import Enclosure
from exactformer.errors import Faults, InvalidInput, shown
from exactformer.formats.vnnlib import read_query
from exactformer.networks import Function, Network
from exactformer.rational import listed, nearly, number_text, read_rational

SHOWN = 12  # sets in a sentence; the certificate has them all
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:/\d+)?"
_TERM = re.compile(rf"\s*([+-]?)\s*(?:({_NUMBER})\s*\*?\s*)?(?:y([1-9]\d{{0,8}}))?\s*")


@dataclass(frozen=True)
class Inequality:
    """The sum of c * y_k over the terms (k, c) is at most the bound; k counts from 0, and no c is 0."""

    terms: tuple[tuple[int, Fraction], ...]
    bound: Fraction

    def missed(self, y: Values) -> Any:
        """By how much it fails to hold: numbers of any kind in, a number of that kind out."""
        parts = (_times(c, y[k]) for k, c in self.terms)
        return sum(parts, -self.bound)

    def __str__(self) -> str:
        """The inequality as it is read.

        >>> print(Inequality(((0, Fraction(-1)), (2, Fraction(1, 2))), Fraction(3)))
        -y1 + 1/2 y3 <= 3
        """
        factors = ((c, "" if abs(c) == 1 else f"{abs(c)} ", k) for k, c in self.terms)
        text = "".join(f"{' - ' if c < 0 else ' + '}{factor}y{k + 1}" for c, factor, k in factors)
        return f"{'-' + text[3:] if text.startswith(' -') else text[3:] or '0'} <= {self.bound}"


Unsafe = tuple[Inequality, ...]  # outputs that satisfy all of them


@dataclass(frozen=True, init=False)
class Avoids(Claim):
    """left(x) lies in none of the sets: closed polyhedra of outputs, with at least one inequality each.

    >>> from exactformer.domain import Polyhedron
    >>> print(Avoids([Polyhedron([None, None], [None, 3], [[1, -1]], [0])]))
    y = left(x) satisfies none of (y2 ≤ 3 and y1 - y2 ≤ 0) for every x in the domain

    A single set may be given by itself. Raises `InvalidInput` for anything else.
    """

    sets: tuple[Unsafe, ...]
    outputs: int  # of the network, once fitted; until then as many as the sets speak of
    wanted: Domain | None  # where the property in a file asks it

    name = "avoids"
    form = ":FILE"
    strict = True

    def __init__(self, sets: Any, wanted: Domain | None = None) -> None:
        items = [sets] if isinstance(sets, Domain) else listed(sets)
        if not items or not all(isinstance(item, Domain) for item in items):
            raise InvalidInput(f"claim avoids: expected sets of outputs (Box, Polyhedron), found {shown(sets)}")
        sizes = sorted({item.dimension for item in items})
        if len(sizes) > 1:
            raise InvalidInput(f"claim avoids: expected sets of equally many outputs, found {sizes}")
        self._enter(map(_inequalities, items), sizes[0], wanted)

    @classmethod
    def of(cls, sets: Iterable[Unsafe], outputs: int, wanted: Domain | None = None) -> Avoids:
        """The claim about sets that are given by their inequalities."""
        claim = cls.__new__(cls)
        claim._enter(sets, outputs, wanted)
        return claim

    def _enter(self, sets: Iterable[Unsafe], outputs: int, wanted: Domain | None) -> None:
        object.__setattr__(self, "sets", tuple(sets))
        object.__setattr__(self, "outputs", outputs)
        object.__setattr__(self, "wanted", wanted)

    @classmethod
    def read(cls, text: str) -> Claim:
        """The name of a VNN-LIB file, or inequalities: `,` joins those of a set, `;` separates sets."""
        if "<" not in text and ">" not in text:
            case = read_query(Path(text)).single
            return cls(case.unsafe, case.domain)
        faults, seen = Faults(), {-1}
        sets = [tuple([_inequality(part, seen, faults) for part in unsafe.split(",")]) for unsafe in text.split(";")]
        faults.settle()
        return cls.of(sets, 1 + max(seen))

    @property
    def parameters(self) -> dict[str, Any]:
        """The sets as matrices and bounds."""
        sets = []
        for unsafe in self.sets:
            rows = [dict(row.terms) for row in unsafe]
            matrix = [[number_text(row.get(k, Fraction(0))) for k in range(self.outputs)] for row in rows]
            sets.append({"matrix": matrix, "bounds": [number_text(row.bound) for row in unsafe]})
        return {"sets": sets}

    @property
    def argument(self) -> str:
        """All inequalities; the last output is named, if only with the coefficient 0, as it says how many there are."""
        text = "; ".join(", ".join(map(str, unsafe)) for unsafe in self.sets)
        used = 1 + max((k for unsafe in self.sets for row in unsafe for k, _ in row.terms), default=-1)
        return text if used == self.outputs else text.replace(" <=", f" + 0 y{self.outputs} <=", 1)

    @property
    def domain(self) -> Domain | None:
        """The input set of the file."""
        return self.wanted

    def fitted(self, left: Network, right: Network | None, faults: Faults) -> Claim:
        """Sets of outputs of the network, each with an inequality."""
        if isinstance(left, Function):
            faults.add("claim avoids", "a network", "a function; the claim range is about its values")
        if self.outputs > left.outputs or (self.wanted is not None and self.outputs != left.outputs):
            faults.add("claim avoids", f"sets of the {left.outputs} outputs of the network", f"{self.outputs} outputs")
        for number, unsafe in enumerate(self.sets, start=1):
            if not unsafe:
                faults.add(f"claim avoids: set {number}", "at least one inequality", "none")
        return Avoids.of(self.sets, left.outputs, self.wanted)

    def runs(self, x: Values, y: Values) -> list[Run]:
        """The network at x."""
        return [Run("{left}(x)", 0, x)]

    def alternatives(self, *outputs: Values) -> list[list[Any]]:
        """By how much each inequality of each set fails."""
        return [[row.missed(outputs[0]) for row in unsafe] for unsafe in self.sets]

    def conclusions(self, *outputs: Values) -> list[Any]:
        """By how much each set is missed: the most of its inequalities."""
        return [_largest(gaps) for gaps in self.alternatives(*outputs)]

    def sentence(self, left: str, right: str, domain: str) -> str:
        """No set contains left(x)."""
        texts = [f"({' and '.join(map(str, unsafe))})".replace("<=", "≤") for unsafe in self.sets[:SHOWN]]
        more = len(self.sets) - len(texts)
        texts += [f"{more} more"] if more else []
        return f"y = {left}(x) satisfies none of {', '.join(texts)} for every x in {domain}"


def _inequalities(unsafe: Domain) -> Unsafe:
    """The inequalities of a set: its lower bounds, its upper bounds, its matrix."""
    ends = [(unsafe.lower, -1), (unsafe.upper, 1)]
    rows = [
        Inequality(((k, Fraction(sign)),), sign * end)
        for side, sign in ends
        for k, end in enumerate(side)
        if end is not None
    ]
    pairs = zip(unsafe.matrix.dense(), unsafe.bounds.fractions(), strict=True)
    return (*rows, *(Inequality(tuple((k, c) for k, c in enumerate(row) if c), bound) for row, bound in pairs))


def _inequality(text: str, seen: set[int], faults: Faults) -> Inequality:
    """The inequality that is written so: sums of multiples of y1, y2, ... and numbers, on both sides of <= or >=.

    The outputs that it names are added to those seen.
    """
    parts = re.split("(<=|>=)", text)
    if len(parts) != 3:
        faults.add("claim avoids", "inequalities such as y1 - 2 y2 <= 3", text.strip() or "nothing")
        return Inequality((), Fraction(0))
    sign = 1 if parts[1] == "<=" else -1
    total: dict[int, Fraction] = {}
    for side, factor in ((parts[0], sign), (parts[2], -sign)):
        for k, c in _linear(side, faults):
            total[k] = total.get(k, Fraction(0)) + factor * c
    seen.update(total)
    return Inequality(tuple((k, c) for k, c in sorted(total.items()) if c and k >= 0), -total.get(-1, Fraction(0)))


def _linear(text: str, faults: Faults) -> list[tuple[int, Fraction]]:
    """The terms (k, c) of a sum, -1 for the constant."""
    place, terms = 0, list[tuple[int, Fraction]]()
    while match := _TERM.match(text, place):
        sign, number, k = match.groups()
        if (number is None and k is None) or (terms and not sign):
            break
        size = read_rational(number, "claim avoids", faults) if number else Fraction(1)
        terms.append((int(k) - 1 if k else -1, -size if sign == "-" else size))
        place = match.end()
    if place < len(text) or not terms:
        faults.add("claim avoids", "a sum of multiples of y1, y2, ... and numbers", text.strip() or "nothing")
    return terms


def _times(c: Fraction, value: Any) -> Any:
    """A multiple of a number of any kind."""
    import numpy as np  # a check of certificates needs none

    return (nearly(c) if isinstance(value, np.ndarray) else c) * value


def _largest(values: Sequence[Any]) -> Any:
    """The largest of some numbers of one kind: exact, enclosed, or arrays of floats."""
    import numpy as np

    if any(isinstance(value, np.ndarray) for value in values):
        return reduce(np.maximum, values)
    if any(isinstance(value, Enclosure) for value in values):
        return reduce(_larger, values)
    return max(values)


def _larger(one: Any, other: Any) -> Any:
    return one.maximum(other) if isinstance(one, Enclosure) else Enclosure(one, one).maximum(other)
