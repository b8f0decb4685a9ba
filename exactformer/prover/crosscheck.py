"""Independent confirmation of a proof that the kernel has accepted: other solvers, other evaluators, volumes.

The verdict never rests on it. What contradicts the proof is reported as a defect, and the verdict becomes unknown.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from itertools import compress, islice
from typing import Any

from exactformer.domain import Domain
from exactformer.polyhedra.lp import whole
from exactformer.polyhedra.volume import volume
from exactformer.prover import smt
from exactformer.prover.judging import Sharded
from exactformer.prover.leaves import leaf_scripts
from exactformer.prover.outcome import Confirmation, Region
from exactformer.prover.question import Question
from exactformer.prover.smtlib import claim_text
from exactformer.rational import Vector, exact_text
from exactformer.work import NEVER, Deadline

SAMPLE = 200
STRETCHES = 8  # of a long proof
VOLUME_WORK = 10**6  # what adding up volumes may cost, as the sum over cells of (number of rows)^(number of inputs)
WHOLE_SECONDS = 60.0
LONGEST = 1e6  # seconds that a solver is given


def by_solver(
    solver: smt.Solver, question: Question, steps: Sequence[Any], sample: int | None, seed: int, deadline: Deadline
) -> Confirmation:
    """What a solver says of the leaves of a proof tree: of all (sample None), or of so many chosen by the seed.

    A proof whose only step is that both sides are the same form has no leaf to speak of: the solver is asked about
    the whole claim, from formulas that a different symbolic evaluation has written.
    """
    name = f"{solver} {smt.version(solver)}"
    if len(steps) == 1:
        answer = smt.solve_many([claim_text(question)], budget=min(deadline.left, WHOLE_SECONDS), solver=solver)
        return Confirmation(name, "whole claim", answer.confirmed, 1, 1, len(answer.contradicted), answer.reason)
    if isinstance(steps, Sharded) and sample is not None:
        return _of_a_long_proof(name, solver, question, steps, sample, seed, deadline)
    closing = [number for number, step in enumerate(steps) if step[0] in ("holds", "empty")]
    chosen = set(range(len(closing)))
    if sample is not None and sample < len(closing):
        chosen = set(random.Random(seed).sample(range(len(closing)), sample))
    scripts = leaf_scripts(question.goal(), steps)
    texts = (text for _, text in compress(scripts, [i in chosen for i in range(len(closing))]))
    answer = smt.solve_many(texts, budget=min(deadline.left, LONGEST), solver=solver)
    wrong = len(answer.contradicted)
    return Confirmation(name, "leaves", answer.confirmed, len(chosen), len(closing), wrong, answer.reason)


def _of_a_long_proof(
    name: str, solver: smt.Solver, question: Question, steps: Sharded, sample: int, seed: int, deadline: Deadline
) -> Confirmation:
    """The same of leaves in some stretches of the proof, one at the beginning of each of some shards."""
    shards = sorted(random.Random(seed).sample(range(len(steps.paths)), min(STRETCHES, len(steps.paths))))
    each = -(-sample // len(shards))
    goal = question.goal()
    texts = [
        text
        for number in shards
        for _, text in islice(leaf_scripts(goal, steps.shard(number), steps.paths[number]), each)
    ][:sample]
    answer = smt.solve_many(iter(texts), budget=min(deadline.left, LONGEST), solver=solver)
    total = sum(step[0] in ("holds", "empty") for step in steps)
    wrong = len(answer.contradicted)
    return Confirmation(name, "leaves", answer.confirmed, len(texts), total, wrong, answer.reason)


def unasked(solver: smt.Solver, steps: Sequence[Any], why: str) -> Confirmation:
    """What is said of a solver that was not asked."""
    total = sum(step[0] in ("holds", "empty") for step in steps)
    return Confirmation(f"{solver} {smt.version(solver)}", "leaves", 0, 0, total, 0, why)


def by_evaluation(question: Question, regions: Sequence[Region], deadline: Deadline = NEVER) -> Confirmation:
    """Whether both networks, evaluated exactly at the interior point of every region, give the region's affine maps."""
    confirmed = tried = 0
    for region in regions:
        if deadline.passed:
            break
        tried += 1
        x = Vector.of(region.interior)
        wanted = [side(x).fractions() for side in (region.left, region.right)][: len(question.networks)]
        confirmed += question.values(region.interior) == wanted
    size, note = len(regions), "" if tried == len(regions) else "out of time"
    return Confirmation("exact evaluation", "interior points", confirmed, tried, size, tried - confirmed, note)


def by_volume(domain: Domain, regions: Sequence[Region]) -> Confirmation | None:
    """Whether the exact volumes of the regions add up to that of the domain; None where that would take long."""
    n = domain.dimension
    box = _rows(domain)
    cells = [[(i.coefficients, i.constant) for i in region.inequalities] for region in regions]
    if not 1 <= n <= 4 or not domain.is_bounded_box or sum(len(rows) ** n for rows in cells) > VOLUME_WORK:
        return None
    whole_volume, total = volume(box, n), sum((volume(rows, n) for rows in cells), Fraction(0))
    agree = total == whole_volume
    note = f"the volumes add up to {exact_text(total)}" + ("" if agree else f" in place of {exact_text(whole_volume)}")
    return Confirmation("exact volumes", "regions", len(cells) * agree, len(cells), len(cells), int(not agree), note)


def _rows(domain: Domain) -> list[tuple[tuple[int, ...], int]]:
    n = domain.dimension
    rows = []
    for i, (low, high) in enumerate(zip(domain.lower, domain.upper, strict=True)):
        for sign, end in ((1, low), (-1, high)):
            if end is not None:
                rows.append([*(Fraction(sign * (j == i)) for j in range(n)), -sign * end])
    for row, bound in zip(domain.matrix.dense(), domain.bounds.fractions(), strict=True):
        rows.append([*(-a for a in row), bound])
    exact = [whole(row)[0] for row in rows]
    return [(tuple(row[:-1]), row[-1]) for row in exact]
