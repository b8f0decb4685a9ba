"""What can be claimed of one or two networks: equal, at most, within, a range, and what one network is."""

from exactformer.claims.avoids import Avoids
from exactformer.claims.claim import Answer, Claim, Run, Values
from exactformer.claims.table import (
    CLAIMS,
    FORMS,
    AtMost,
    Concave,
    Convex,
    Decreasing,
    Equal,
    Increasing,
    Independent,
    Invariant,
    Range,
    TiesAgree,
    Within,
    read_claim,
)

__all__ = [
    "CLAIMS",
    "FORMS",
    "Answer",
    "AtMost",
    "Avoids",
    "Claim",
    "Concave",
    "Convex",
    "Decreasing",
    "Equal",
    "Increasing",
    "Independent",
    "Invariant",
    "Range",
    "Run",
    "TiesAgree",
    "Values",
    "Within",
    "read_claim",
]
