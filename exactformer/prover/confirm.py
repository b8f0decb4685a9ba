"""Independent confirmation of a region-by-region proof: z3, and exact evaluation by the other evaluator."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from exactformer.lp import Row
from exactformer.networks import Affine
from exactformer.prover import smt
from exactformer.prover.outcome import Confirmation, Inequality, Region
from exactformer.prover.question import Question
from exactformer.prover.search import Leaf
from exactformer.prover.smtlib import obligation_text
from exactformer.rational import Matrix, Vector


def regions_of(leaves: Sequence[Leaf]) -> tuple[Region, ...]:
    """The leaves of a proof as regions: inequalities, interior point, and the affine map of each side."""
    return tuple(
        Region(
            tuple(dict.fromkeys(_inequality(row) for row in leaf.rows)),
            leaf.point,
            _affine(leaf.left),
            _affine(leaf.right),
            leaf.pattern,
        )
        for leaf in leaves
    )


def confirmed(regions: Sequence[Region], question: Question, seconds: float) -> Confirmation:
    """How many obligations z3 confirms within the budget, after both networks were evaluated at interior points.

    An obligation says: where the inequalities of a region hold, the two affine maps agree. Exact evaluation of the
    two networks at the interior point is the second route to the same maps; it takes at most half the budget.
    """
    started = time.monotonic()
    evaluated = wrong = 0
    for region in regions:
        if time.monotonic() > started + seconds / 2:
            break
        evaluated += 1
        x = Vector.of(region.interior)
        for value, affine in zip(question.values(region.interior), (region.left, region.right), strict=True):
            wrong += value != affine(x).fractions()
    texts = (obligation_text(region.inequalities, region.left, region.right) for region in regions)
    answer = smt.solve_many(texts, budget=max(0.1, started + seconds - time.monotonic()))
    note = f"both networks evaluated exactly at the interior points of {evaluated} of {len(regions)} regions"
    if answer.confirmed < len(regions) and answer.reason:
        note += f"; z3 stopped: {answer.reason}"
    if wrong or answer.contradicted:
        note += f"; CONTRADICTED: {wrong} values, z3 disagrees on obligations {list(answer.contradicted)}"
    return Confirmation(f"z3 {smt.z3_version()}", answer.confirmed, len(regions), time.monotonic() - started, note)


def _inequality(row: Row) -> Inequality:
    common = gcd(row[1], *row[0]) or 1
    return Inequality(tuple(a // common for a in row[0]), row[1] // common)


def _affine(rows: Sequence[Sequence[Fraction]]) -> Affine:
    entries = {(i, j): x for i, row in enumerate(rows) for j, x in enumerate(row[:-1])}
    return Affine(Matrix.sparse(len(rows), len(rows[0]) - 1, entries), Vector.of(row[-1] for row in rows))
