"""Claims beyond equality: each proved where it is true and refuted where it is not, by routes that share nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations, product
from typing import Any

import naive
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import PLAIN, SMALL, maxout_networks, relu_networks

import exactformer as ef
from exactformer import Box, Domain, InvalidInput, MaxoutNetwork, Polyhedron, ReluNetwork, Transformer, Unsupported
from exactformer.checking import check
from exactformer.claims import (
    FORMS,
    AtMost,
    Claim,
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
from exactformer.compiler import compile_network
from exactformer.enclosure import Enclosure
from exactformer.errors import Faults
from exactformer.folder import write_folder
from exactformer.formats.network_json import to_object
from exactformer.networks import Affine, Block, Head, Network
from exactformer.prover import Outcome, verify
from exactformer.prover.question import ask

F = Fraction
SQUARE = Domain.box(2, -1, 1)
MAX = MaxoutNetwork.of([([[[1, 0], [0, 1]]], [[0, 0]])], ([[1]], [0]), domain=SQUARE, name="max")
MIN = MaxoutNetwork.of([([[[-1, 0], [0, -1]]], [[0, 0]])], ([[-1]], [0]), domain=SQUARE, name="min")
FIRST = MaxoutNetwork.of([], ([[1, 0]], [0]), domain=SQUARE, name="x1")
NORM = ReluNetwork.of([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4)], ([[1] * 4], [0]), domain=SQUARE, name="1-norm")


def zigzag() -> ReluNetwork:
    """Neither monotone nor convex nor concave: 0, 1, 0, 1 at 0, 1, 2, 3."""
    return ReluNetwork.of([([[1], [1], [1]], [0, -1, -2])], ([[1, -2, 2]], [0]), domain=Box([0], [3]))


def step() -> Transformer:
    """Hard attention between the scores x and -x with the values 1 and 0: 1/2 at 0 under the rule average."""
    embedding = (Affine.of([[1], [0], [0]], [0, 1, 1]), Affine.of([[-1], [0], [0]], [0, 1, 0]))
    head = Head.of([[0, 1, 0]], [[1, 0, 0]], [[0, 0, 1]], [[0], [0], [1]])
    return Transformer(embedding, (Block((head,), None),), 0, Affine.of([[0, 0, 1]], [0]), False, None, Box([-1], [1]))


TRUE: list[tuple[str, Network, Network | None]] = [
    ("equal", MAX, compile_network(MAX).transformer),
    ("at-most", MIN, MAX),
    ("at-most", FIRST, MAX),
    ("at-most", MAX, NORM),
    ("within:2", MIN, MAX),
    ("within:0", MAX, compile_network(MAX).transformer),
    ("range:-1,1", MAX, None),
    ("range:0,2", NORM, None),
    ("range:0,", NORM, None),
    ("range:0,1", zigzag(), None),
    ("range:0,1", step(), None),
    ("range:-1,1", compile_network(MAX).transformer, None),
    ("invariant:x2,x1", MAX, None),
    ("invariant:x1,x2", FIRST, None),
    ("invariant:x2,x1", compile_network(NORM).transformer, None),
    ("ties-agree", compile_network(NORM).transformer, None),
    ("ties-agree:average,rightmost", MAX, None),
    ("independent:x2", FIRST, None),
    ("increasing", MAX, None),
    ("increasing:x2", MAX, None),
    ("increasing", step(), None),
    ("increasing", compile_network(MIN).transformer, None),
    ("decreasing:x2", FIRST, None),
    ("convex", MAX, None),
    ("convex", NORM, None),
    ("convex", compile_network(NORM).transformer, None),
    ("concave", MIN, None),
    ("concave", FIRST, None),
]

FALSE: list[tuple[str, Network, Network | None]] = [
    ("equal", MAX, MIN),
    ("at-most", MAX, MIN),
    ("at-most", NORM, MAX),
    ("within:1999/1000", MIN, MAX),
    ("range:-1,999/1000", MAX, None),
    ("range:1/1000,", NORM, None),
    ("range:0,1/2", step(), None),
    ("invariant:x2,x1", FIRST, None),
    ("ties-agree", step(), None),
    ("ties-agree:average,leftmost", step(), None),
    ("independent:x1", FIRST, None),
    ("independent", MAX, None),
    ("increasing", zigzag(), None),
    ("decreasing", zigzag(), None),
    ("decreasing", step(), None),
    ("increasing:x1", NORM, None),
    ("convex", MIN, None),
    ("convex", zigzag(), None),
    ("convex", step(), None),
    ("concave", MAX, None),
    ("concave", zigzag(), None),
    ("concave", step(), None),
]


def identify(case: tuple[str, Network, Network | None]) -> str:
    return f"{case[0]} {case[1].name or case[1].kind}"


def certified(outcome: Outcome) -> Outcome:
    """The outcome, whose counterexample is one by the definitions, word for word."""
    assert outcome.verdict != "unknown", outcome.reason
    assert outcome.certificate is not None
    if outcome.witness is not None:
        assert contradicts(outcome, outcome.witness.point)
    return outcome


def contradicts(outcome: Outcome, variables: Sequence[Fraction]) -> bool:
    """Whether the claim fails at these values of its variables, written out claim by claim."""
    claim, domain, n = outcome.claim, outcome.domain, outcome.left.inputs

    def left(at: Sequence[Fraction], tie: str = outcome.tie) -> list[Fraction]:
        return naive.evaluate(to_object(outcome.left), at, tie)

    def right(at: Sequence[Fraction]) -> list[Fraction]:
        assert outcome.right is not None
        return naive.evaluate(to_object(outcome.right), at, outcome.tie)

    x = list(variables[:n])
    y = dict(zip(claim.free(n), variables[n:], strict=True))
    other = [y.get(i, xi) for i, xi in enumerate(x)]
    assert domain.contains(x) and domain.contains(other)
    match claim:
        case AtMost():
            return any(a > b for a, b in zip(left(x), right(x), strict=True))
        case Within():
            return any(abs(a - b) > claim.epsilon for a, b in zip(left(x), right(x), strict=True))
        case Equal():
            return left(x) != right(x)
        case Range():
            ends = zip(claim.lower, left(x), claim.upper, strict=True)
            return any((lo is not None and v < lo) or (hi is not None and v > hi) for lo, v, hi in ends)
        case Invariant():
            return left(x) != left([x[i] for i in claim.permutation])
        case TiesAgree():
            return left(x, claim.rules[0]) != left(x, claim.rules[1])
        case Decreasing():
            assert all(a <= b for a, b in zip(x, other, strict=True))
            return any(a < b for a, b in zip(left(x), left(other), strict=True))
        case Increasing():
            assert all(a <= b for a, b in zip(x, other, strict=True))
            return any(a > b for a, b in zip(left(x), left(other), strict=True))
        case Independent():
            return left(x) != left(other)
    middle = left([(a + b) / 2 for a, b in zip(x, other, strict=True)])
    sums = [a + b for a, b in zip(left(x), left(other), strict=True)]
    assert isinstance(claim, (Convex, Concave))
    if isinstance(claim, Concave):
        return any(2 * m < s for m, s in zip(middle, sums, strict=True))
    return any(2 * m > s for m, s in zip(middle, sums, strict=True))


@pytest.mark.parametrize("case", TRUE, ids=identify)
@pytest.mark.parametrize("method", ["auto", "lazy"])
def test_true_claims_are_proved(case: tuple[str, Network, Network | None], method: Any, tmp_path: Any) -> None:
    claim, left, right = case
    outcome = certified(verify(left, right, claim=claim, method=method))
    assert outcome.verdict == "proved"
    write_folder(outcome, tmp_path)
    checked = check(tmp_path)
    assert (checked.claim, checked.holds, checked.theorem) == (claim.partition(":")[0], True, outcome.theorem)
    assert checked.parameters == outcome.claim.parameters
    assert (tmp_path / "right.json").exists() == (right is not None)


@pytest.mark.parametrize("case", FALSE, ids=identify)
@pytest.mark.parametrize("method", ["auto", "lazy"])
def test_false_claims_are_refuted(case: tuple[str, Network, Network | None], method: Any, tmp_path: Any) -> None:
    claim, left, right = case
    outcome = certified(verify(left, right, claim=claim, method=method))
    assert outcome.verdict == "refuted"
    write_folder(outcome, tmp_path)
    checked = check(tmp_path)
    assert (checked.holds, checked.theorem) == (False, outcome.theorem)


@pytest.mark.parametrize(
    ("case", "verdict"), [(c, "proved") for c in TRUE] + [(c, "refuted") for c in FALSE], ids=lambda c: str(c)[:20]
)
def test_z3_agrees(case: tuple[str, Network, Network | None], verdict: str) -> None:
    claim, left, right = case
    outcome = verify(left, right, claim=claim, method="smt")
    assert outcome.verdict == verdict
    if outcome.witness is not None:
        assert contradicts(outcome, outcome.witness.point)


CLAIMS_OF_ONE = ["range", "invariant", "ties-agree", "independent", "increasing", "decreasing", "convex", "concave"]


def claim_for(name: str, r: random.Random, network: Network) -> str:
    """A claim that is sometimes true and sometimes not."""
    n = network.inputs
    if name == "range":
        return ";".join(f"{r.choice(['', -r.randint(0, 30)])},{r.randint(0, 60)}" for _ in range(network.outputs)).join(
            ["range:", ""]
        )
    if name == "invariant":
        return "invariant:" + ",".join(f"x{i + 1}" for i in r.sample(range(n), n))
    if name in ("independent", "increasing", "decreasing"):
        return f"{name}:" + ",".join(f"x{i + 1}" for i in sorted(r.sample(range(n), r.randint(1, n))))
    return name


@pytest.mark.parametrize("name", CLAIMS_OF_ONE)
@given(
    network=st.one_of(maxout_networks(SMALL), relu_networks(SMALL), maxout_networks(PLAIN)),
    seed=st.integers(0, 10**9),
    compiled=st.booleans(),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_random_networks(name: str, network: Any, seed: int, compiled: bool) -> None:
    r = random.Random(seed)
    side = compile_network(network, construction="global").transformer if compiled else network
    box = Domain.box(network.inputs, r.randint(-3, 0), r.randint(1, 3))
    outcome = certified(verify(side, claim=claim_for(name, r, network), domain=box))
    if outcome.verdict == "proved":
        size = len(outcome.claim.space(box).lower)
        for _ in range(20):
            point = [F(r.randint(4 * int(box.lower[0] or 0), 4 * int(box.upper[0] or 0)), 4) for _ in range(size)]
            if outcome.claim.space(box).contains(point):
                assert not contradicts(outcome, point)


@pytest.mark.parametrize("name", ["at-most", "within"])
@given(
    pair=st.tuples(maxout_networks(SMALL, max_rank=2), maxout_networks(SMALL, max_rank=2)).filter(
        lambda pair: (pair[0].inputs, pair[0].outputs) == (pair[1].inputs, pair[1].outputs)
    ),
    seed=st.integers(0, 10**9),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_random_pairs(name: str, pair: Any, seed: int) -> None:
    r = random.Random(seed)
    box = Domain.box(pair[0].inputs, -1, 1)
    claim = f"within:{r.randint(0, 40)}" if name == "within" else name
    outcome = certified(verify(*pair, claim=claim, domain=box))
    for _ in range(20 if outcome.verdict == "proved" else 0):
        assert not contradicts(outcome, [F(r.randint(-4, 4), 4) for _ in range(pair[0].inputs)])


# --- hard cases -----------------------------------------------------------------------------------


def test_a_bound_is_met_exactly_and_not_by_less() -> None:
    """The maximum of x + y over a triangle is 1, at a whole edge; one part in 2^60 less is refuted there."""
    triangle = Polyhedron([0, 0], [1, 1], [[1, 1]], [1])
    total = ReluNetwork.of([([[1, 1]], [0])], ([[1]], [0]))
    assert verify(total, claim=Range(None, 1), domain=triangle).verdict == "proved"
    below = certified(verify(total, claim=Range(None, 1 - F(1, 2**60)), domain=triangle))
    assert below.verdict == "refuted" and below.witness is not None
    assert sum(below.witness.point) > 1 - F(1, 2**60)


def test_monotone_but_for_a_sliver() -> None:
    """x - 2 max(0, x - c) falls beyond c = 1 - 2^-40 only."""
    c = 1 - F(1, 2**40)
    bent = ReluNetwork.of([([[1], [1]], [0, -c])], ([[1, -2]], [0]), domain=Box([0], [1]))
    outcome = certified(verify(bent, claim="increasing"))
    assert outcome.verdict == "refuted" and outcome.witness is not None
    assert max(outcome.witness.point) > c
    assert verify(bent, claim="increasing", domain=Box([0], [c])).verdict == "proved"


def test_claims_need_not_be_continuous() -> None:
    """A step is increasing under every tie rule, and convex on neither closed side of it."""
    for tie in ("average", "leftmost", "rightmost"):
        assert certified(verify(step(), claim="increasing", tie=tie)).verdict == "proved"
    assert certified(verify(step(), claim="convex", domain=Box([-1], [0]), tie="average")).verdict == "proved"
    assert certified(verify(step(), claim="concave", domain=Box([0], [1]), tie="average")).verdict == "proved"
    assert certified(verify(step(), claim="convex", domain=Box([0], [1]), tie="average")).verdict == "refuted"
    assert certified(verify(step(), claim="convex", domain=Box([0], [1]), tie="leftmost")).verdict == "proved"


def test_ties_that_agree_although_used() -> None:
    """All tokens tie everywhere, with different values that the read-out does not see, or with equal ones."""
    tokens = tuple(Affine.of([[0], [1], [0]], [1, 0, value]) for value in (3, 5))
    head = Head.of([[1, 0, 0]], [[1, 0, 0]], [[0, 0, 1]], [[0], [0], [1]])
    blind = Transformer(tokens, (Block((head,), None),), 0, Affine.of([[0, 1, 0]], [0]), True)
    assert certified(verify(blind, claim="ties-agree")).verdict == "proved"
    seeing = Transformer(tokens, (Block((head,), None),), 0, Affine.of([[0, 1, 1]], [0]), True)
    outcome = certified(verify(seeing, claim="ties-agree"))
    assert outcome.verdict == "refuted"
    first = next(line.place for line in outcome.trace if not line.agrees)
    assert first.startswith("block 0, attention, head 0, token 0")
    assert outcome.trace[-1].place == "output 0" and not outcome.trace[-1].agrees


@pytest.mark.parametrize("claim", [Equal(), AtMost(), Within(1), Range((F(0),), (None,)), Convex(), Concave()], ids=str)
def test_an_enclosure_contradicts_a_claim_only_if_all_its_numbers_do(claim: Claim) -> None:
    """Against the answers at the ends and in the middle of the enclosures, each exact."""
    runs = len(claim.runs([F(0)], [F(1)]))
    for ends in product([(F(a), F(b)) for a in range(3) for b in range(a, 3)], repeat=runs):
        found = claim.contradicted([[Enclosure(*pair)] for pair in ends])
        exact = {claim.contradicted([[y] for y in ys]) for ys in product(*({a, (a + b) / 2, b} for a, b in ends))}
        assert exact <= {"yes", "no"}
        assert found == (exact.pop() if len(exact) == 1 else "undecided")


@pytest.mark.parametrize(("width", "answer"), [(F(1, 4), "yes"), (F(1), "undecided")])
def test_what_is_undecided_refutes_nothing(width: F, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two sides are 1 and 0 at the point, give or take the width."""
    question = ask("equal", MAX, FIRST, None, "average", Faults())
    values = question.values
    wide = lambda point: [[Enclosure(y - width, y + width) for y in ys] for ys in values(point)]  # noqa: E731
    monkeypatch.setitem(question.__dict__, "values", wide)
    assert question.counterexample((F(0), F(1))) == answer
    assert question.violated((F(0), F(1))) == (answer == "yes")
    assert question.counterexample((F(0), F(2))) == "no"  # no point of the domain


def test_sorting_is_invariant_under_every_permutation() -> None:
    network = ef.load("proofs/hand-sorting-three/left.json")
    for order in permutations(range(3)):
        assert verify(network, claim=Invariant(order)).verdict == "proved"
    assert verify(network, claim="convex").verdict == "refuted"


@pytest.mark.parametrize("claim", ["increasing", "convex", "independent:x1", "range:,5"])
def test_open_domains(claim: str) -> None:
    """On all of R^2 the maximum is increasing and convex, depends on x1 and has no upper bound."""
    outcome = certified(verify(MAX, claim=claim, domain=Domain.everything(2)))
    assert outcome.verdict == ("proved" if claim in ("increasing", "convex") else "refuted")


def test_the_domain_couples_the_inputs() -> None:
    """On x1 = x2 nothing can change alone, so everything is independent of either input alone, but not of both."""
    line = Polyhedron([-1, -1], [1, 1], [[1, -1], [-1, 1]], [0, 0])
    assert certified(verify(MAX, claim="independent:x1", domain=line)).verdict == "proved"
    assert certified(verify(MAX, claim="independent", domain=line)).verdict == "refuted"
    assert certified(verify(FIRST, claim="decreasing:x2", domain=line)).verdict == "proved"


@pytest.mark.parametrize("jobs", [1, 2])
def test_several_processes(jobs: int) -> None:
    """relu(a + b) <= relu(a) + relu(b), for three units."""
    left = ReluNetwork.of([([[1, 2], [-1, 1], [2, -1]], [0, 0, "1/2"])], ([[1, 2, 1]], [0]), domain=SQUARE)
    right = ReluNetwork.of([([[1, 0], [0, 1], [-1, 0], [0, -1]], [0] * 4)], ([[3, 4, 2, 1]], ["1/2"]), domain=SQUARE)
    outcome = certified(verify(left, right, claim="at-most", method="lazy", jobs=jobs))
    assert outcome.verdict == "proved" and outcome.counts["gate"] > 0


# --- reading and refusing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        Equal(),
        AtMost(),
        Within(F(1, 3)),
        Range((F(1, 2), None), (None, F(2))),
        Invariant((1, 0)),
        TiesAgree(("average", "rightmost")),
        Independent((1,)),
        Increasing((0, 1)),
        Decreasing((0,)),
        Convex(),
        Concave(),
    ],
    ids=str,
)
def test_a_claim_reads_back_as_written(claim: Claim) -> None:
    network = MaxoutNetwork.of([], ([[1, 0], [0, 1]], [0, 0]))
    faults = Faults()
    assert read_claim(claim.written).fitted(network, network, faults) == claim
    assert not faults.reasons
    assert claim.name in "".join(FORMS)


BAD = [
    ("unequal", "expected one of equal, at-most"),
    ("equal:1", "claim: expected equal, found"),
    ("within", "expected within:EPSILON"),
    ("within:", "expected within:EPSILON"),
    ("within:-1", "epsilon: expected a number >= 0"),
    ("within:a", "epsilon: expected"),
    ("range:1", "expected LO,HI"),
    ("range:,", "expected at least one bound"),
    ("range:0,1;0,1", "expected 1 numbers, one an output"),
    ("range:a,1", "claim range: lower: expected"),
    ("invariant:x1", "expected all of x1, ..., x2 in another order"),
    ("invariant:x1,x1", "expected all of x1, ..., x2"),
    ("invariant:1,0", "expected names of inputs such as x1,x2"),
    ("ties-agree:first,last", "expected two of average, leftmost, rightmost"),
    ("ties-agree:average", "expected two of"),
    ("independent:", "expected independent[:x1"),
    ("independent:x3", "expected different inputs out of x1, ..., x2"),
    ("increasing:x1,x1", "expected different inputs"),
    ("increasing:x0", "expected names of inputs"),
]


@pytest.mark.parametrize(("claim", "message"), BAD)
def test_claims_that_do_not_fit(claim: str, message: str) -> None:
    right = MAX if claim.startswith(("equal", "within", "unequal")) else None
    with pytest.raises(InvalidInput, match=re.escape(message)):
        verify(MAX, right, claim=claim)


def test_the_number_of_networks_must_fit() -> None:
    with pytest.raises(InvalidInput, match="claim equal: expected 2 networks, found 1"):
        verify(MAX)
    with pytest.raises(InvalidInput, match="claim convex: expected 1 network, found 2"):
        verify(MAX, MAX, claim="convex")
    with pytest.raises(Unsupported, match="method regions: expected a claim about single points, found convex"):
        verify(MAX, claim="convex", method="regions")
