"""Softmax in the kernel: enclosures against many digits, false statements that must not pass, claims about it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from kernel_material import Soft, certificate, judged, maxout

from exactformer.kernel.reading import Rejected

ONE = Soft((Fraction(1),))
ABOVE = {"lower": [0], "upper": [None]}
SHIFTED = maxout([([[[1], [0]]], [[1, 0]])], ([[1]], [0]))  # max(x + 1, 0)


def proof(left: Any, right: Any, domain: Any, tree: Any, claim: str = "equal", **rest: Any) -> dict[str, Any]:
    return certificate(left, right, domain, claim=claim, inhabitant=[0], tree=tree, **rest)


def test_a_difference_without_an_upper_bound_leaves_a_gap() -> None:
    """A mean of 0 and x + 1 for x >= 0 was once taken for their maximum: what has no upper bound was left out."""
    tree = [["bound", "R0.u0", [[1, 1], [0, 1]], [], []], ["holds", ["1", [[1, "1"]]], ["1", [["R0.u0", 0, "1"]]]]]
    for rule in (ONE, Soft((Fraction(1),), "2"), Soft((Fraction(10**6),))):
        with pytest.raises(Rejected, match="proofs of all obligations"):
            judged(proof(SHIFTED, SHIFTED, ABOVE, tree, soft=(None, rule)), SHIFTED, SHIFTED)
