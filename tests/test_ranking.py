"""Maxima of three inputs that are ranked by cuts: which steps prove what, and that nothing false is proved."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from itertools import permutations
from random import Random

import pytest

import exactformer as ef
from exactformer.claims import Within

CUBE = ef.Box([0] * 3, [1] * 3)


def names(certificate: str) -> Counter[str]:
    """How often each step occurs."""
    return Counter(step[0] for step in json.loads(certificate)["tree"])


def test_a_cube_is_cut_into_its_simplices() -> None:
    found = ef.approximate(ef.function("x*y*z"), epsilon="1/4", domain=CUBE, hard=True)
    assert found.verdict == "proved" and found.pieces == 48 and found.chain is not None
    steps = names(found.chain.files["link-1.json"])
    assert steps["gate"] == 0 and steps["bound"] > steps["holds"] > 8
    assert steps["holds"] < 2 * found.pieces  # splits had a child for each candidate


@pytest.mark.parametrize(
    "formula", ["max(x, y, z)", "abs(x - y) - max(x, 2*y - z)", "min(x, max(y, z - x)) - abs(y - z)"]
)
def test_what_does_not_cancel_is_bounded_on_its_simplices(formula: str) -> None:
    left, right = ef.function(f"exp(x*y) + {formula}"), ef.function(f"{formula} + exp(x*y) + z/8")
    assert ef.verify(left, right, claim=Within(Fraction(1, 8)), domain=CUBE).verdict == "proved"
    refuted = ef.verify(left, right, claim=Within(Fraction(1, 9)), domain=CUBE)
    assert refuted.verdict == "refuted"


def test_bounds_of_random_maxima_are_those_at_corners() -> None:
    """The sum a x + b y + c z + d max(x, y, z) + e min(x, y, z) is affine where x >= y >= z, and so on."""
    r = Random(4)
    for _ in range(6):
        a, b, c, d, e = (r.randint(-3, 3) for _ in range(5))
        corners = [[int(i in p[:k]) for i in range(3)] for p in permutations(range(3)) for k in range(4)]
        values = [a * x + b * y + c * z + d * max(x, y, z) + e * min(x, y, z) for x, y, z in corners]
        f = ef.function(f"{a}*x + {b}*y + {c}*z + {d}*max(x, y, z) + {e}*min(x, y, z) + (x - x^2)*y*(1 - y)*z/16")
        low = min(values)
        at_least = ef.claims.Range([low], [None])
        assert ef.verify(f, claim=at_least, domain=CUBE).verdict == "proved"
        assert ef.verify(f, claim=ef.claims.Range([low + Fraction(1, 50)], [None]), domain=CUBE).verdict == "refuted"
