"""What a theorem of the laboratory is: a statement, how it is checked, and how far the check carries."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal

Expected = Literal["holds", "fails", "sharp"]
Evidence = Literal["instances", "all weights", "general", "cited"]
Check = Callable[..., None]

EXPECTED: dict[Expected, str] = {
    "holds": "holds",
    "fails": "fails, with a witness",
    "sharp": "holds, and would not with smaller constants",
}
EVIDENCE: dict[Evidence, str] = {
    "instances": "instances: those that were tried, each with a proof or an exact computation",
    "all weights": "all weights of a shape: each instance is one shape, and its proof has the weights as unknowns",
    "general": "a proof of the whole statement",
    "cited": "cited: the statement of others, no check",
}


@dataclass(frozen=True)
class Span:
    """The values of a free parameter: the integers from `low` to `high` by default, up to `most` if there is a limit.

    >>> print(Span(1, 3), Span(2, 4, 4))
    1 to 3 2 to 4, at most 4
    """

    low: int
    high: int
    most: int | None = None

    @property
    def values(self) -> range:
        """The default values, smallest first."""
        return range(self.low, self.high + 1)

    def admits(self, value: object) -> bool:
        """Whether the parameter may have the value."""
        return type(value) is int and value >= self.low and (self.most is None or value <= self.most)

    @property
    def expected(self) -> str:
        """The values that are allowed, in words."""
        if self.most is None:
            return f"an integer >= {self.low}"
        return f"an integer from {self.low} to {self.most}"

    def __str__(self) -> str:
        ends = f"{self.low}" if self.low == self.high else f"{self.low} to {self.high}"
        return ends if self.most is None else f"{ends}, at most {self.most}"


@dataclass(frozen=True)
class Theorem:
    """A statement with its check.

    `check(case, **parameters)` returns where all is as the statement says, for the random numbers of the case; it
    raises `Failed` with a witness otherwise, and `Undecided` where a prover did not decide. Its broken twin is the
    same check of a broken case, in which a fault is planted: that must raise `Failed`. `negatives` are the facts
    N1, N2, ... of the theory (section 7) that the check has the witnesses of. A cited theorem has no check.
    """

    number: str
    title: str
    statement: str
    source: str
    expected: Expected
    evidence: Evidence
    parameters: Mapping[str, Span] = field(hash=False)
    instances: int  # by default
    negatives: tuple[str, ...]
    check: Check | None = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON data."""
        return {
            "theorem": self.number,
            "title": self.title,
            "statement": self.statement,
            "source": self.source,
            "expected": self.expected,
            "evidence": self.evidence,
            "parameters": {name: [span.low, span.high] for name, span in self.parameters.items()},
            "instances": self.instances,
            "negatives": list(self.negatives),
        }


def theorem(
    number: str,
    title: str,
    source: str,
    *,
    expected: Expected = "holds",
    evidence: Evidence = "instances",
    instances: int = 0,
    negatives: str = "",
    **parameters: tuple[int, ...],
) -> Callable[[Check], Theorem]:
    """The decorator that makes a theorem of a check; the check's docstring is the statement.

    `parameters` are the free parameters that the check takes, each with the ends of its default range, and maybe its
    largest value.
    """

    def made(check: Check) -> Theorem:
        spans = {name: Span(*ends) for name, ends in parameters.items()}
        statement = inspect.cleandoc(check.__doc__ or "")
        doing = None if evidence == "cited" else check
        return Theorem(
            number, title, statement, source, expected, evidence, spans, instances, tuple(negatives.split()), doing
        )

    return made


def theorems_in(*modules: ModuleType) -> tuple[Theorem, ...]:
    """The theorems that the modules define, in the order of their numbers."""
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Theorem)]
    return tuple(sorted(found, key=lambda each: int(re.sub(r"\D", "", each.number))))
