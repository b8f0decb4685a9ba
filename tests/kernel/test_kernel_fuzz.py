"""The kernel against the truth, at random: cells split in any order, every verdict of the prover, and random trees.

Each case is fixed by its seed; larger runs only take more seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from kernel_material import (
    CLAIMS,
    TIES,
    Asked,
    box,
    encoded,
    grid,
    judged,
    made,
    perturbed,
    random_claim,
    random_domain,
    random_feedforward,
    random_matrix,
    random_network,
    random_walk,
    rewritten,
    step_head,
)

from exactformer.claims import read_claim
from exactformer.domain import Polyhedron
from exactformer.errors import Faults
from exactformer.formats.network_json import parse
from exactformer.kernel import statements
from exactformer.kernel.cell import Cell
from exactformer.kernel.claims import Goal, follow
from exactformer.kernel.forms import Form, combine, constant_form, difference, negated
from exactformer.kernel.reading import NotAffine, Rejected
from exactformer.kernel.semantics import Semantics
from exactformer.kernel.statements import Job
from exactformer.polyhedra.inhabitant import inhabitant
from exactformer.prover.certificate import proof_certificate, refutation_certificate
from exactformer.prover.question import Question, ask
from exactformer.prover.search import Search

Network = dict[str, Any]


def random_question(r: Random, depth: int = 2, tries: int = 1) -> Asked:
    """A random claim about random networks; a second network is often the first one, or close to it.

    With more tries most of them have an open maximum on the domain, or a head whose winner is not known.
    """
    n, outputs = r.randint(1, 2), r.choice((1, 1, 2))
    claim, parameters = random_claim(r, n, outputs)
    for _ in range(tries):
        left, right = random_network(r, n, outputs, depth), None
        if CLAIMS[claim] == 2:
            kind = r.random()
            right = left if kind < 0.2 else perturbed(r, left) if kind < 0.5 else random_network(r, n, outputs, depth)
        asked = Asked(left, right, random_domain(r, n), r.choice(TIES), claim, **parameters)
        with suppress(NotAffine):
            goal = asked.goal()
            if goal.stuck or any(v > goal.cell.atoms.inputs for form in goal.conclusions for v in form.terms):
                break
    return asked


@pytest.mark.parametrize("seed", range(100))
def test_cells_split_in_any_order_say_nothing_false(seed: int) -> None:
    """At every cell of a random walk: no point is lost, and all that is known of atoms, signs, outputs is true."""
    r = Random(seed)
    asked = random_question(r)
    assert random_walk(r, asked, asked.points(r, 10), r.randint(1, 8)) == []


def equality(r: Random) -> tuple[Asked, bool]:
    """A claim of equality, and whether it is true by construction."""
    kind, tie = r.choice(("rewritten", "rewritten", "perturbed", "random", "steps", "nested")), r.choice(TIES)
    n = 1 if kind == "steps" else r.randint(1, 2)
    if kind == "steps":  # discontinuous heads that differ in the order of their tokens, or not at all
        size = r.randint(2, 4)
        keys, values, shifts = ([r.choice((-1, 0, 1, 2)) for _ in range(size)] for _ in range(3))
        order = r.sample(range(size), size) if r.random() < 0.7 else list(range(size))
        left = step_head(keys, values, shifts)
        right = step_head(*([part[i] for i in order] for part in (keys, values, shifts)))
        same = tie == "average" or order == sorted(order)
        return Asked(left, right, random_domain(r, n), tie), same
    if kind == "nested":  # max(a, b) = b + relu(a - b), the b as a difference of two units
        (a, b), (s, t) = random_matrix(r, 2, n), random_matrix(r, 1, 2)[0]
        difference = [x - y for x, y in zip(a, b, strict=True)]
        left = feedforward("relu", [difference, b, [-x for x in b]], [s - t, t, -t], [1, 1, -1])
        right = feedforward("maxout", [[a, b]], [[s, t]], [1])
        return Asked(left, right, random_domain(r, n), tie), True
    left = random_network(r, n, 1) if r.random() < 0.7 else random_feedforward(r, n, 1)
    right = random_network(r, n, 1) if kind == "random" else rewritten(r, left, tie)
    if kind == "perturbed":
        right = perturbed(r, right)
    return Asked(left, right, random_domain(r, n), tie), kind == "rewritten"


def feedforward(kind: str, weights: Any, biases: Any, output: list[int]) -> Network:
    layer = {"weights": weights, "biases": biases}
    return {
        "format": "exactformer/network-1",
        "kind": kind,
        "layers": [layer],
        "output": {"weights": [output], "biases": [0]},
    }


# --- what the search proposes ---------------------------------------------------------------------


@pytest.mark.parametrize("every_gate", [False, True])
@pytest.mark.parametrize("seed", range(80))
def test_what_the_kernel_accepts_is_true(seed: int, every_gate: bool) -> None:
    """The search proposes, the kernel judges, naive evaluation has the last word: equal everywhere, or not there."""
    r = Random(seed)
    asked, same = equality(r)
    assert not (searched(r, asked, every_gate) is False and same)


@pytest.mark.parametrize("seed", range(8))
def test_what_the_kernel_accepts_of_other_claims_is_true(seed: int) -> None:
    """The same for all claims; both verdicts are among the results."""
    r = Random(f"claims {seed}")
    found = [searched(r, random_question(r, depth=1, tries=40)) for _ in range(15)]
    assert found.count(True) > 1 and found.count(False) > 1


def searched(r: Random, asked: Asked, every_gate: bool = False) -> bool | None:
    """Whether a claim holds, in the words of the kernel about what the search found; None if it found nothing."""
    question = question_of(asked)
    texts = {name: text.encode() for name, text in question.texts.items()}
    sides = texts["left.json"], texts.get("right.json")
    try:
        found = Search(question.violated, float("inf"), every_gate, stop_after_100_steps).run(question.goal())
    except (NotAffine, TimeoutError):
        return None
    if found.witness is not None:
        assert asked.contains(found.witness) and not asked.true_at(found.witness)
        values = [tuple(exact) for exact in asked.values(found.witness)]
        theorem = judged(refutation_certificate(question, found.witness, values), *sides)
        assert not theorem.holds
        return False
    if found.reason is not None:
        return None
    theorem = judged(proof_certificate(question, inhabitant(question.domain), found.steps), *sides)
    assert theorem.holds
    for point in asked.points(r, 25):
        assert all(asked.true_at(point, rule) for rule in rules_of(theorem.counts, asked))
    return True


def rules_of(counts: dict[str, int], asked: Asked) -> tuple[str | None, ...]:
    """The tie rules for which a claim must hold after a proof: its own, and all if none was used."""
    return (None,) if counts["ties"] or asked.claim == "ties-agree" else (None, *TIES)


def question_of(asked: Asked) -> Question:
    """The claim as the rest of the package asks it."""
    left, right = (None if side is None else parse(encoded(side), "side") for side in (asked.left, asked.right))
    lower, upper, matrix, bounds = (asked.domain.get(key) for key in ("lower", "upper", "matrix", "bounds"))
    faults = Faults()
    region = Polyhedron(lower, upper, matrix or None, bounds or ())
    assert left is not None
    question = ask(read_claim(written(asked)), left, right, region, asked.tie, faults)
    faults.settle()
    return question


def written(asked: Asked) -> str:
    """The claim as on the command line."""
    if asked.claim == "avoids":
        sets = [zip(each["matrix"], each["bounds"], strict=True) for each in asked.parameters["sets"]]
        return f"avoids:{'; '.join(', '.join(inequality(*row) for row in rows) for rows in sets)}"
    match list(asked.parameters.values()):
        case [lower, upper]:
            ends = [["" if end is None else str(end) for end in pair] for pair in zip(lower, upper, strict=True)]
            return f"{asked.claim}:{';'.join(map(','.join, ends))}"
        case [[*items]]:
            return f"{asked.claim}:{','.join(i if isinstance(i, str) else f'x{i + 1}' for i in items)}"
        case [number]:
            return f"{asked.claim}:{number}"
    return asked.claim


def inequality(row: list[Any], bound: Any) -> str:
    """An inequality as on the command line."""
    terms = [f"{'-' if c < 0 else '+'} {abs(c)} y{k}" for k, c in enumerate(map(Fraction, row), start=1)]
    return f"{' '.join(terms)} <= {bound}"


def stop_after_100_steps(closed: int, still_open: int) -> None:
    if closed > 100:
        raise TimeoutError


# --- what nobody proposes -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_false_claims_have_no_proof(seed: int) -> None:
    """Two networks that differ somewhere: no random tree with all the multipliers one could hope for is accepted."""
    r = Random(seed)
    left = random_network(r, 1, 1, depth=1)
    asked = Asked(left, perturbed(r, left), box(1), r.choice(TIES))
    if all(map(asked.true_at, grid(1, 1, 12))):
        return
    try:
        steps, left_open = random_tree(r, asked.goal())
        with pytest.raises(Rejected):
            judged(asked.certificate(inhabitant=[0], tree=steps + left_open * [["holds"]]), asked.left, asked.right)
    except NotAffine:
        return


@pytest.mark.parametrize("seed", range(8))
def test_random_trees_prove_only_what_is_true(seed: int) -> None:
    """Random claims and random trees, closed by whatever the kernel takes: accepted claims hold at random points."""
    r = Random(f"trees {seed}")
    holding = set()
    for _ in range(18):
        asked = random_question(r, depth=1, tries=r.choice((1, 10)))
        try:
            steps, left_open = random_tree(r, asked.goal(), 30)
        except NotAffine:
            continue
        value = asked.certificate(inhabitant=[0] * asked.n, tree=steps + left_open * [["holds"]])
        try:
            theorem = judged(value, asked.left, asked.right)
        except Rejected:
            assert left_open
            continue
        holding.add(asked.claim)
        for point in asked.points(r, 30):
            assert all(asked.true_at(point, rule) for rule in rules_of(theorem.counts, asked)), (value, point)
    assert len(holding) > 1


def random_tree(r: Random, goal: Goal, limit: int = 60) -> tuple[list[Any], int]:
    """The steps of a random tree of limited size, and how many of its cells could not be closed."""
    goals, steps = [goal], []
    while goals and len(steps) < limit:
        step, children = any_step(r, goals.pop())
        steps.append(step)
        goals += reversed(children)
    return steps, len(goals) + sum(step == ["give up"] for step in steps)


def any_step(r: Random, goal: Goal) -> tuple[Any, list[Goal]]:
    """A closing step if one is found among short combinations, else a random split."""
    seen = goal.opened()
    cell = seen.cell
    references: list[Any] = [[i] for i in range(len(cell.rows))]
    references += [[place, which] for place in cell.places for which in cell.facts(place)]
    for _ in range(30 if references else 0):
        chosen = [[*r.choice(references), r.choice("112")] for _ in range(r.randint(1, 3))]
        if cell.empty([as_reference(item) for item in chosen]):
            return ["empty", chosen], []
    if goal.finished:
        strict = bool(goal.statement.groups)
        proofs = short_proofs(cell, seen.obligations(), references, strict=strict)
        if None not in proofs:
            return ["holds", *proofs], []
    if cell.places and r.random() < 0.3 and (step := some_bound(r, cell, references)):
        return step, made(follow(goal, step, "tree"))
    choices: list[Any] = [["gate", place] for place, atom in cell.places.items() if atom not in cell.known]
    choices += [["gate", place] for place in cell.places if r.random() < 0.1]
    choices += [["compare", a, b] for a in goal.stuck or () for b in goal.stuck or ()]
    step = r.choice(choices) if choices else ["give up"]
    try:
        return step, made(follow(goal, step, "tree"))
    except NotAffine:
        raise
    except Rejected:
        return ["give up"], []


def some_bound(r: Random, cell: Cell, references: list[Any]) -> Any:
    """A bound of a random atom by one of its candidates, its upper bound or something near, if it has short proofs."""
    place = r.choice(list(cell.places))
    atom = cell.places[place]
    candidates, high = cell.atoms.candidates[atom], cell.atoms.high[atom]
    form = combine(((1, r.choice(candidates)), (1, constant_form(r.choice((0, 0, 1, 2))))))
    if high is not None and r.random() < 0.3:
        form = constant_form(high)
    names = {v: name for name, v in cell.places.items()}
    if any(v > cell.atoms.inputs and v not in names for v in form.terms):
        return None
    proofs = short_proofs(cell, [difference(form, candidate) for candidate in candidates], references)
    written = [[names.get(v, v), f"{c}/{form.den}"] for v, c in form.terms.items()]
    return None if None in proofs else ["bound", place, written, *proofs]


def short_proofs(cell: Cell, forms: list[Form], references: list[Any], *, strict: bool = False) -> list[Any]:
    """For each form a weight and at most two rows or facts that show that it is >= 0 (> 0); None if there are none."""
    items = [as_reference([*reference, "1"])[0] for reference in references]
    rows = [cell.rows[item][0] if isinstance(item, int) else cell.fact(*item) for item in items]
    plain = [cell.atoms.expanded(cell.resolve(Form(row.terms))).terms for row in [*rows, *forms]]
    variables = sorted(set().union(*plain))
    vectors = [[terms.get(v, 0) for v in variables if v] for terms in plain]
    return [
        next((proof for proof in few(references, vectors, goal) if proved(cell, form, proof, strict=strict)), None)
        for form, goal in zip(forms, vectors[len(rows) :], strict=True)
    ]


def few(references: list[Any], vectors: list[list[int]], goal: list[int]) -> Iterator[Any]:
    """No reference, one or two, with small multipliers that leave no variable."""
    size = range(len(goal))
    if not any(goal):
        yield ["1", []]
    for weight in (1, 2):
        wanted = [weight * g for g in goal]
        for one, row in zip(references, vectors, strict=False):
            for m in (1, 2, 3, 4):
                left = [wanted[i] - m * row[i] for i in size]
                if not any(left):
                    yield [f"{weight}", [[*one, f"{m}"]]]
                elif m < 3:
                    for other, second in zip(references, vectors, strict=False):
                        for k in (1, 2):
                            if all(left[i] == k * second[i] for i in size):
                                yield [f"{weight}", [[*one, f"{m}"], [*other, f"{k}"]]]


def proved(cell: Cell, form: Form, proof: Any, *, strict: bool) -> bool:
    return cell.implied(form, int(proof[0]), [as_reference(item) for item in proof[1]], strict=strict)


def as_reference(item: list[Any]) -> Any:
    *reference, multiplier = item
    return (reference[0] if len(reference) == 1 else tuple(reference)), int(multiplier, 16)


def test_the_walk_would_see_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle has teeth: with a wrong sign, a wrong winner or a lost child, the walks above report it."""

    def walks() -> Iterator[list[str]]:
        for seed in range(40):
            r = Random(seed)
            asked = Asked(random_network(r, 1, 1), random_network(r, 1, 1), box(1, -2, 2))
            yield random_walk(r, asked, grid(1, 2, 2), 4)

    assert not any(walks())
    sign, gate, distinct = Cell.sign, Cell.gate, Cell.distinct
    for name, fault in (
        ("sign", lambda self, form: 0 if sign(self, form) is None else sign(self, form)),
        ("gate", lambda self, place: gate(self, place)[1:]),
        ("gate", lambda self, place: [lambda child=child: mistaken(child()) for child in gate(self, place)]),
        ("distinct", lambda self, forms: distinct(self, forms)[:1]),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(Cell, name, fault)
            assert any(walks())


def test_the_walk_would_see_a_wrong_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle reads the claims by itself: mistaken for another one, or cut to fewer points, none passes."""

    def walks(claim: str) -> Iterator[list[str]]:
        for seed in range(16):
            r = Random(seed)
            left, right = random_network(r, 2, 1), random_network(r, 2, 1) if CLAIMS[claim] == 2 else None
            parameters = random_claim(r, 2, 1, claim)[1]
            asked = Asked(left, right, box(2, -2, 2), r.choice(TIES), claim, **parameters)
            yield random_walk(r, asked, asked.points(r, 6), 1)

    others = {
        "equal": "at-most",
        "at-most": "equal",
        "increasing": "decreasing",
        "decreasing": "independent",
        "independent": "increasing",
        "convex": "concave",
        "concave": "convex",
    }
    for claim, other in others.items():
        assert not any(walks(claim))
        with monkeypatch.context() as patch:
            patch.setitem(statements.CLAIMS, claim, statements.CLAIMS[other])
            assert any(walks(claim))
    for name, fault in (
        ("second", lambda self, free: self.x[::-1]),
        ("job", lambda self, side, label, x, rule=None: Job(side, label, self.left, Semantics("average"), x)),
        ("job", lambda self, side, label, x, rule=None: Job(side, label, self.left, rule or self.semantics[0], self.x)),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(statements.Setting, name, fault)
            assert any(any(walks(claim)) for claim in ("invariant", "ties-agree", "decreasing"))
    with monkeypatch.context() as patch:
        patch.setattr(Goal, "obligations", lambda self: [negated(form) for form in self.conclusions])
        assert all(any(walks(claim)) for claim in ("within", "range", "at-most"))


def mistaken(cell: Cell) -> Cell:
    """A cell that takes every known atom for zero."""
    known = dict.fromkeys(cell.known, Form({}))
    return Cell(cell.atoms, cell.rows, cell.places, known, cell.signs, cell.touched)
