"""A sketch in floats says what the kernel's bounds will be; where it is wrong, the answer is worse, never false."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import relu_networks

import exactformer as ef
from exactformer.claims import Range, Within
from exactformer.errors import Faults
from exactformer.kernel.claims import check_tree
from exactformer.measuring import guess
from exactformer.networks import Affine
from exactformer.prover import branching
from exactformer.prover.branching import Branching, ceilings, evaluated
from exactformer.prover.here import packed
from exactformer.prover.pairs import pairs_of
from exactformer.prover.planning import Box, Plan, planned
from exactformer.prover.question import Question, ask
from exactformer.prover.sketch import Sketch
from exactformer.rational import nearly
from exactformer.work import Deadline


def moved(network: ef.ReluNetwork, numbers: Any) -> ef.ReluNetwork:
    """The network with small numbers added to all weights and biases."""

    def near(part: Affine) -> tuple[list[list[Fraction]], list[Fraction]]:
        rows = [[x + next(numbers) for x in row] for row in part.weights.dense()]
        return rows, [x + next(numbers) for x in part.biases.fractions()]

    return ef.ReluNetwork.of([near(layer) for layer in network.layers], near(network.output))


def question_of(left: ef.ReluNetwork, right: ef.ReluNetwork | None, domain: ef.Domain) -> Question:
    bounds = [0] * left.outputs
    claim = Range(bounds, bounds) if right is None else Within(0)
    return ask(claim, left, right, domain, "average", Faults())


def sketched(question: Question, pairs: dict[str, str]) -> Any:
    sketch, domain = Sketch.of(question, pairs), question.domain
    assert sketch is not None
    low, high = (np.array([[nearly(x) for x in side if x is not None]]) for side in (domain.lower, domain.upper))
    return sketch.tops(low, high)


@settings(max_examples=30, deadline=None)
@given(relu_networks(), st.integers(0, 2**32), st.sampled_from((0, 8, 64)), st.booleans())
def test_no_point_reaches_further_than_a_sketch(network: ef.ReluNetwork, seed: int, scale: int, alone: bool) -> None:
    noise = np.random.default_rng(seed)
    numbers = (Fraction(int(noise.integers(-scale, scale + 1)), 1 << 12) for _ in iter(int, 1))
    question = question_of(network, None if alone else moved(network, numbers), ef.Domain.box(network.inputs, -1, 1))
    tops, opened = sketched(question, pairs_of(question, question.goal()))
    assert 0 <= opened[0] <= sum(network.widths)
    for x in noise.integers(-8, 9, (8, network.inputs)):
        point = tuple(Fraction(int(xi), 8) for xi in x)
        reached = [-nearly(value) for value in question.claim.conclusions(*question.values(point))]
        assert tops.shape == (1, len(reached))
        assert (np.array(reached) <= tops[0] + 1e-9 * (1 + abs(tops[0]))).all()


def pair(seed: int) -> tuple[ef.ReluNetwork, ef.ReluNetwork]:
    noise = np.random.default_rng(seed)

    def part(rows: int, columns: int) -> tuple[list[list[Fraction]], list[Fraction]]:
        weights = [[Fraction(int(x), 64) for x in row] for row in noise.integers(-64, 65, (rows, columns))]
        return weights, [Fraction(int(x), 64) for x in noise.integers(-16, 17, rows)]

    layers = [part(16, 2), part(16, 16)]
    left = ef.ReluNetwork.of(layers, part(1, 16), domain=ef.Domain.box(2, -1, 1))
    return left, moved(left, (Fraction(int(noise.integers(-16, 17)), 1 << 16) for _ in iter(int, 1)))


@pytest.mark.parametrize("alone", [False, True])
def test_a_sketch_says_what_the_kernel_says(alone: bool) -> None:
    for seed in range(4):
        left, right = pair(seed)
        assert left.domain is not None
        question = question_of(left, None if alone else right, left.domain)
        pairs = pairs_of(question, question.goal())
        goal = evaluated(question.goal(), pairs)
        found = [goal.cell.atoms.bounds(form) for form in goal.conclusions]
        tops, opened = sketched(question, pairs)
        for top, (low, high) in zip(tops[0], found, strict=True):
            assert low is not None and high is not None
            above = (top + nearly(low)) / nearly(high - low)
            assert 0 < above < (2**-13 if alone else 0.5)
        assert 0 < opened[0] <= 32


def test_a_wrong_sketch_costs_the_tree_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guess, "RESTARTS", 2)
    left, right = pair(4)
    found = ef.distance(left, right, ratio=2, timeout=60)
    assert found.verdict == "proved" and found.outcome is not None and found.outcome.counts["cut"] > 0
    real = Sketch.tops

    def wrong_of_parts(sketch: Sketch, low: Any, high: Any) -> Any:
        tops, opened = real(sketch, low, high)
        return np.where((high - low).min(axis=1)[:, None] < 2, tops / 64, tops), opened

    monkeypatch.setattr(Sketch, "tops", wrong_of_parts)
    evaluated = ef.distance(left, right, ratio=2, timeout=600)
    assert evaluated.verdict == "proved" and evaluated.outcome is not None and evaluated.outcome.counts["cut"] > 0
    monkeypatch.setattr(branching.Branching, "_over", lambda *_: True)
    wrong = ef.distance(left, right, ratio=2, timeout=60)
    assert wrong.verdict == "unknown" and wrong.outcome is not None and wrong.outcome.proved
    assert wrong.outcome.counts["cut"] == 0 and "kernel rejected" in str(wrong.reason)
    assert wrong.upper is not None and found.upper is not None and wrong.upper >= found.upper


@pytest.mark.parametrize("alone", [False, True])
def test_each_coarser_tree_is_a_proof_of_a_larger_bound(alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = pair(4)
    assert left.domain is not None
    question = question_of(left, None if alone else right, left.domain)
    pairs = pairs_of(question, question.goal())
    count = len(question.claim.conclusions(*question.values((Fraction(0),) * 2)))
    search = Branching(question, pairs, lambda reached: [Fraction(0)] * count, Deadline.after(60))
    monkeypatch.setattr(Branching, "_over", lambda search, cells=1: search.cells > 60)
    search.run(question.goal())
    found: dict[int, list[Fraction]] = {}
    for coarse in (1, 2, 5, 10**9):
        monkeypatch.setattr(branching, "COARSE", coarse)
        for tree, seconds in search.trees():
            size, tops = len(list(tree.leaves())), [top for top in ceilings(tree) if top is not None]
            assert len(tops) == count and seconds > 0
            if size not in found:
                found[size] = tops
                top = max(tops)
                claim = Range([-top], [top]) if alone else Within(top)
                steps = tree.steps([top] * count)
                assert check_tree(replace(question, claim=claim).goal(), steps, "tree")["holds"] <= size
    sizes = sorted(found)
    assert sizes[0] == 1 and len(sizes) > 3
    assert all(max(found[fewer]) >= max(found[more]) for fewer, more in pairwise(sizes))


def leaves(plan: Plan) -> list[Plan]:
    return [leaf for part in plan.parts for leaf in leaves(part)] or [plan]


def cells(plan: Plan) -> list[Plan]:
    return [plan, *(cell for part in plan.parts for cell in cells(part))]


def test_a_plan_covers_the_box_and_ends_where_there_is_no_room() -> None:
    left, right = pair(2)
    assert left.domain is not None
    question = question_of(left, right, left.domain)
    sketch = Sketch.of(question, pairs_of(question, question.goal()))
    assert sketch is not None
    box = ((Fraction(-1), Fraction(1)),) * 2
    told: list[tuple[int, int]] = []
    timed: list[Box] = []

    def took(own: Box) -> float:
        timed.append(own)
        return float(len(timed))

    plan, pace = planned(sketch, box, [0.0, 0.0], 0, took, lambda seconds: seconds < 60, lambda *of: told.append(of))
    found = leaves(plan)
    sizes = [(b - a) * (d - c) for (a, b), (c, d) in (leaf.box for leaf in found)]
    assert len(found) > 2 and sum(sizes) == 4
    assert told[-1][0] == 2 * len(found) - 1
    assert max(leaf.excess([0.0, 0.0]) for leaf in found) < plan.excess([0.0, 0.0])
    stages = int(math.log(len(found), 8))
    assert timed[0] == box and len(timed) == 1 + 3 * stages and stages > 0
    opened = {part.box: part.opened for part in cells(plan)}
    assert pace == sum(range(len(timed) - 2, len(timed) + 1)) / sum(opened[own] for own in timed[-3:])
    assert planned(sketch, box, [9.0, 9.0], 0, took, lambda seconds: True, lambda *of: None)[0].parts == []
    assert planned(sketch, box, [0.0, 0.0], 99, took, lambda seconds: True, lambda *of: None)[0].parts == []
    point = ((Fraction(1, 3), Fraction(1, 3)),) * 2
    assert planned(sketch, point, [-9.0, -9.0], 0, took, lambda seconds: True, lambda *of: None)[0].parts == []


def test_what_has_no_sketch() -> None:
    left, right = pair(3)
    assert left.domain is not None
    assert Sketch.of(question_of(left, right, left.domain), {}) is None, "units without partners"
    soft = ask(Within(0), left, right, left.domain, "average", Faults(), temperatures=(None, 8))
    assert Sketch.of(soft, {}) is None
    monotone = ask("increasing:x1", left, None, left.domain, "average", Faults())
    assert Sketch.of(monotone, {}) is None


def test_huge_numbers_make_no_plan() -> None:
    left, right = pair(4)
    layers = [(layer.weights, layer.biases) for layer in left.layers]
    large = ef.ReluNetwork.of(layers, ([[10**400] * 16], [0]), domain=left.domain)
    assert left.domain is not None
    question = question_of(large, right, left.domain)
    tops, _ = sketched(question, pairs_of(question, question.goal()))
    assert not np.isfinite(tops).any()
    found = ef.distance(large, right, ratio=2, timeout=3)
    assert found.lower is not None and found.lower > 10**400


def test_a_sketched_cell_goes_to_other_processes_by_its_path() -> None:
    left, right = pair(5)
    assert left.domain is not None
    question = question_of(left, right, left.domain)
    goal = question.goal()
    pairs = pairs_of(question, goal)
    away = branching._look_away(packed(question), pairs, (), [Fraction(0)] * 2)
    here = branching.looked(goal, pairs, [Fraction(0)] * 2)
    assert away.goal is None and away.seen.split == here.seen.split
    assert [bound.ceiling for bound in away.seen.bounds] == [bound.ceiling for bound in here.seen.bounds]
