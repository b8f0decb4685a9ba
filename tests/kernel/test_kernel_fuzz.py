"""The kernel against the truth, at random: cells split in any order, and every verdict of the prover.

Each case is fixed by its seed; larger runs only take more seeds.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from kernel_material import (
    TIES,
    Pair,
    Point,
    box,
    certificate,
    encoded,
    goal_of,
    grid,
    inside,
    judged,
    perturbed,
    random_domain,
    random_feedforward,
    random_matrix,
    random_network,
    random_walk,
    rewritten,
    step_head,
)

from exactformer.domain import Domain, Polyhedron
from exactformer.formats.network_json import dump, parse
from exactformer.kernel.cell import Cell
from exactformer.kernel.claims import Goal
from exactformer.kernel.forms import Form
from exactformer.kernel.reading import NotAffine, Rejected
from exactformer.networks.transformer import Transformer
from exactformer.prover.certificate import differ_certificate, equal_certificate
from exactformer.prover.driver import inhabitant
from exactformer.prover.outcome import Witness
from exactformer.prover.search import Search

Network = dict[str, Any]


def points_of(r: Random, domain: dict[str, Any], n: int, count: int) -> list[Point]:
    """Points of the domain with small denominators, so that ties and kinks are among them."""
    found = inside(domain, grid(n, 2, (12, 4, 2)[n - 1]))
    return r.sample(found, min(len(found), count))


@pytest.mark.parametrize("seed", range(60))
def test_cells_split_in_any_order_say_nothing_false(seed: int) -> None:
    """At every cell of a random walk: no point is lost, and all that is known of atoms, signs, outputs is true."""
    r = Random(seed)
    n, outputs = r.randint(1, 2), r.randint(1, 2)
    left = random_network(r, n, outputs)
    right = left if r.random() < 0.3 else random_network(r, n, outputs)
    domain, tie = random_domain(r, n), r.choice(TIES)
    assert random_walk(r, left, right, domain, tie, points_of(r, domain, n, 10), r.randint(1, 8)) == []


def pair_of(r: Random) -> tuple[Network, Network, dict[str, Any], str, bool]:
    """Two networks, a domain, a tie rule, and whether they are equal by construction."""
    kind, tie = r.choice(("rewritten", "rewritten", "perturbed", "random", "steps", "nested")), r.choice(TIES)
    n = 1 if kind == "steps" else r.randint(1, 2)
    if kind == "steps":  # discontinuous heads that differ in the order of their tokens, or not at all
        size = r.randint(2, 4)
        keys, values, shifts = ([r.choice((-1, 0, 1, 2)) for _ in range(size)] for _ in range(3))
        order = r.sample(range(size), size) if r.random() < 0.7 else list(range(size))
        left = step_head(keys, values, shifts)
        right = step_head(*([part[i] for i in order] for part in (keys, values, shifts)))
        same = tie == "average" or order == sorted(order)
        return left, right, random_domain(r, n), tie, same
    if kind == "nested":  # max(a, b) = b + relu(a - b), the b as a difference of two units
        (a, b), (s, t) = random_matrix(r, 2, n), random_matrix(r, 1, 2)[0]
        difference = [x - y for x, y in zip(a, b, strict=True)]
        left = feedforward("relu", [difference, b, [-x for x in b]], [s - t, t, -t], [1, 1, -1])
        return left, feedforward("maxout", [[a, b]], [[s, t]], [1]), random_domain(r, n), tie, True
    left = random_network(r, n, 1) if r.random() < 0.7 else random_feedforward(r, n, 1)
    right = random_network(r, n, 1) if kind == "random" else rewritten(r, left, tie)
    if kind == "perturbed":
        right = perturbed(r, right)
    return left, right, random_domain(r, n), tie, kind == "rewritten"


def feedforward(kind: str, weights: Any, biases: Any, output: list[int]) -> Network:
    layer = {"weights": weights, "biases": biases}
    return {
        "format": "exactformer/network-1",
        "kind": kind,
        "layers": [layer],
        "output": {"weights": [output], "biases": [0]},
    }


@pytest.mark.parametrize("every_gate", [False, True])
@pytest.mark.parametrize("seed", range(100))
def test_what_the_kernel_accepts_is_true(seed: int, every_gate: bool) -> None:
    """The search proposes, the kernel judges, naive evaluation has the last word: equal everywhere, or not there."""
    r = Random(seed)
    left, right, domain, tie, same = pair_of(r)
    region = Polyhedron(domain["lower"], domain["upper"], domain.get("matrix") or None, domain.get("bounds", ()))
    texts = {name: dump(parse(encoded(side), name)) for name, side in (("left.json", left), ("right.json", right))}
    sides = [text.encode() for text in texts.values()]
    try:
        found = Search(differs(left, right, region, tie), float("inf"), every_gate).run(
            goal_of(left, right, domain, tie)
        )
    except NotAffine:
        return
    pair = Pair(left, right)
    if found.witness is not None:
        values = [tuple(pair.value(side, found.witness, tie)) for side in "LR"]
        certified = differ_certificate(texts, region, tie, Witness(found.witness, *values))  # type: ignore[arg-type]
        assert judged(certified, *sides).kind == "differ" and values[0] != values[1] and not same
        assert inside(domain, [found.witness]) == [found.witness]
        return
    certified = equal_certificate(texts, region, tie, inhabitant(region), found.steps)  # type: ignore[arg-type]
    theorem = judged(certified, *sides)
    for rule in (tie,) if theorem.counts["ties"] else TIES:
        for point in points_of(r, domain, len(domain["lower"]), 25):
            assert pair.value("L", point, rule) == pair.value("R", point, rule)


def differs(left: Network, right: Network, domain: Domain, tie: str) -> Any:
    """What the search asks: whether the exact values differ at a point of the domain."""
    networks = [parse(encoded(network), "network") for network in (left, right)]

    def values(point: Point) -> list[Any]:
        return [net.evaluate(point, **({"tie": tie} if isinstance(net, Transformer) else {})) for net in networks]

    return lambda point: domain.contains(point) and values(point)[0] != values(point)[1]


@pytest.mark.parametrize("seed", range(60))
def test_false_claims_have_no_proof(seed: int) -> None:
    """Two networks that differ somewhere: no random tree with all the multipliers one could hope for is accepted."""
    r = Random(seed)
    left = random_network(r, 1, 1, depth=1)
    right, domain, tie = perturbed(r, left), box(1), r.choice(TIES)
    pair = Pair(left, right)
    bad = [point for point in grid(1, 1, 12) if pair.value("L", point, tie) != pair.value("R", point, tie)]
    if not bad:
        return
    try:
        goals = [goal_of(left, right, domain, tie)]
        steps: list[Any] = []
        while goals and len(steps) < 60:
            goal = goals.pop()
            step, children = any_step(r, goal)
            steps.append(step)
            goals += reversed(children)
        steps += [["holds"]] * len(goals)
        with pytest.raises(Rejected):
            judged(certificate(left, right, domain, tie, claim="equal", inhabitant=[0], tree=steps), left, right)
    except NotAffine:
        return


def any_step(r: Random, goal: Goal) -> tuple[Any, list[Goal]]:
    """A closing step if one is found among short combinations, else a random split."""
    references: list[Any] = [[i] for i in range(len(goal.cell.rows))]
    references += [[place, which] for place in goal.cell.places for which in goal.cell.facts(place)]
    for _ in range(30):
        chosen = [[*r.choice(references), r.choice("112")] for _ in range(r.randint(1, 3))]
        if goal.cell.empty([as_reference(item) for item in chosen]):
            return ["empty", chosen], []
    if goal.holds([]):
        return ["holds"], []
    choices = [["gate", place] for place in goal.cell.places] + [
        ["compare", a, b] for a in goal.stuck or () for b in goal.stuck or ()
    ]
    step = r.choice(choices) if choices else ["holds"]
    try:
        if step[0] == "gate":
            return step, goal.gate(step[1])
        if step[0] == "compare":
            return step, goal.compare(step[1], step[2])
    except NotAffine:
        raise
    except Rejected:
        pass
    return ["holds"], []


def as_reference(item: list[Any]) -> Any:
    *reference, multiplier = item
    return (reference[0] if len(reference) == 1 else tuple(reference)), int(multiplier, 16)


def test_the_walk_would_see_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle has teeth: with a wrong sign, a wrong winner or a lost child, the walks above report it."""

    def walks() -> int:
        return sum(bool(one_walk(seed)) for seed in range(40))

    def one_walk(seed: int) -> list[str]:
        r = Random(seed)
        left, right = random_network(r, 1, 1), random_network(r, 1, 1)
        return random_walk(r, left, right, box(1, -2, 2), "average", grid(1, 2, 2), 4)

    assert walks() == 0
    sign, gate, distinct = Cell.sign, Cell.gate, Cell.distinct
    with monkeypatch.context() as patch:
        patch.setattr(Cell, "sign", lambda self, form: 0 if sign(self, form) is None else sign(self, form))
        assert walks() > 0
    with monkeypatch.context() as patch:
        patch.setattr(Cell, "gate", lambda self, place: gate(self, place)[1:])
        assert walks() > 0
    with monkeypatch.context() as patch:
        patch.setattr(Cell, "gate", lambda self, place: [mistaken(child) for child in gate(self, place)])
        assert walks() > 0
    with monkeypatch.context() as patch:
        patch.setattr(Cell, "distinct", lambda self, forms: distinct(self, forms)[:1])
        assert walks() > 0


def mistaken(cell: Cell) -> Cell:
    """A cell that takes every known atom for zero."""
    known = dict.fromkeys(cell.known, Form({}))
    return Cell(cell.atoms, cell.rows, cell.places, known, cell.signs, cell.touched)
