"""How attention is read: the hard limit with a tie rule, or softmax at a temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeVar

Tie = Literal["average", "leftmost", "rightmost"]
TIES: tuple[Tie, ...] = ("average", "leftmost", "rightmost")
Token = TypeVar("Token")


@dataclass(frozen=True)
class Semantics:
    """Hard attention with a rule for tied tokens, or softmax where there is a temperature: the lambda > 0.

    >>> print(Semantics("leftmost"))
    hard attention, tie rule leftmost
    """

    tie: Tie = "average"
    temperature: Fraction | None = None

    def sharing(self, best: Sequence[Token]) -> Sequence[Token]:
        """Those of the tokens with the largest score, in order, that share the weight equally in the hard limit."""
        return {"average": best, "leftmost": best[:1], "rightmost": best[-1:]}[self.tie]

    def __str__(self) -> str:
        if self.temperature is not None:
            return f"softmax attention, temperature {self.temperature}"
        return f"hard attention, tie rule {self.tie}"
