"""How attention is read."""

from __future__ import annotations

from dataclasses import dataclass

from exactformer.networks.transformer import Tie


@dataclass(frozen=True)
class Semantics:
    """Hard attention with a rule for tied tokens, or softmax where there is a temperature: the lambda > 0."""

    tie: Tie = "average"
    temperature: float | None = None
