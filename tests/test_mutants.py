"""Every Transformer with one thing changed is refuted by an exact point or proved equal, and never left unknown."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations, product
from pathlib import Path

import mutants as m
import naive
import pytest

from exactformer import Box, Domain, MaxoutNetwork, ReluNetwork, load
from exactformer.compiler import Compiled, compile_network
from exactformer.domain import interval_box
from exactformer.formats.network_json import to_object
from exactformer.networks import Transformer
from exactformer.networks.semantics import TIES, Tie
from exactformer.polyhedra.lp import Minimum, Program, Row, whole
from exactformer.prover import Outcome, verify

F = Fraction
REAL = Path(__file__).parent / "trained" / "diabetes.nnet"
SMALL = F(1, 2**20)
MUTATIONS = [("gated", name) for name in (*m.GENERAL, *m.GATED)] + [("global", name) for name in m.GENERAL]
HARMLESS = [("gated", name) for name in (*m.HARMLESS, *m.HARMLESS_GATED)] + [("global", name) for name in m.HARMLESS]
MOSTLY_EQUIVALENT = {
    ("gated", "bump query"),
    ("gated", "bump key"),
    ("gated", "smaller shift"),
    ("global", "bump query"),
    ("global", "bump key"),
    ("global", "bump value"),
}


# --- networks -------------------------------------------------------------------------------------


def random_network(r: random.Random, depth: int | None = None) -> MaxoutNetwork | ReluNetwork:
    """At most two inputs, two layers, three units a layer and three pieces a unit; integer and dyadic weights."""
    below = inputs = r.randint(1, 2)
    rank = r.choice([0, 1, 2, 2, 3])  # 0 is ReLU
    layers: list[tuple[list[object], list[object]]] = []
    for _ in range(depth or r.randint(1, 2)):
        width = r.randint(1, 3)
        rows = [[[_number(r) for _ in range(below)] for _ in range(rank or 1)] for _ in range(width)]
        biases = [[_number(r) for _ in range(rank or 1)] for _ in range(width)]
        layers.append((rows, biases) if rank else ([row[0] for row in rows], [bias[0] for bias in biases]))
        below = width
    output = ([[r.choice([-2, -1, 1, 1, F(1, 2)]) for _ in range(below)]], [_number(r)])
    domain = Box([r.choice([-2, -1, 0])] * inputs, [r.choice([1, F(3, 2)])] * inputs)
    return (MaxoutNetwork if rank else ReluNetwork).of(layers, output, domain=domain)


def _number(r: random.Random) -> Fraction:
    return F(r.randint(-3, 3), r.choice([1, 1, 2, 4]))


def compiled_network(r: random.Random, construction: str, depth: int | None = None) -> Compiled:
    """A small network compiled; the global construction on all of R^n half of the time."""
    network = random_network(r, depth)
    if construction == "gated":
        return compile_network(network)
    domain = network.domain if r.random() < 0.5 else Domain.everything(network.inputs)
    return compile_network(network, construction="global", domain=domain)


# --- verdicts -------------------------------------------------------------------------------------


def decided(source: MaxoutNetwork | ReluNetwork, mutant: Transformer, domain: Domain, tie: Tie = "average") -> Outcome:
    """The verdict, which is not "unknown", checked against exact evaluation."""
    outcome = verify(source, mutant, domain=domain, tie=tie)
    assert outcome.verdict in ("proved", "refuted"), outcome.reason
    if outcome.verdict == "refuted":
        assert outcome.witness is not None
        point = outcome.witness.point
        assert len(point) == domain.dimension
        for x, low, high in zip(point, domain.lower, domain.upper, strict=True):
            assert (low is None or low <= x) and (high is None or x <= high)
        values = tuple(tuple(naive.evaluate(to_object(net), point, tie)) for net in (source, mutant))
        assert values[0] != values[1]
        assert values == (outcome.witness.left, outcome.witness.right)
    else:
        for point in some_points(domain):
            assert source.evaluate(point) == mutant.evaluate(point, tie=tie), point
    return outcome


def some_points(domain: Domain) -> list[tuple[Fraction, ...]]:
    """A rational grid over the domain (over [-9, 9]^n where it is open), and random rational points."""
    r = random.Random(str(domain))
    ends = [
        (F(-9) if a is None else a, F(9) if b is None else b) for a, b in zip(domain.lower, domain.upper, strict=True)
    ]
    steps = 60 if domain.dimension == 1 else 8
    grid = [[a + (b - a) * F(i, steps) for i in range(steps + 1)] for a, b in ends]
    chosen = [tuple(a + (b - a) * F(r.randint(0, 10**4), 10**4) for a, b in ends) for _ in range(20)]
    return [*product(*grid), *chosen]


def mutant_of(construction: str, name: str, seed: int, depth: int | None = None) -> tuple[Compiled, Transformer]:
    r = random.Random(f"{construction} {name} {seed}")
    compiled = compiled_network(r, construction, depth)
    tables = m.GENERAL | m.GATED | m.HARMLESS | m.HARMLESS_GATED
    return compiled, tables[name](r, compiled)


def outcome_of(construction: str, name: str, seed: int, depth: int | None = None) -> Outcome:
    compiled, mutant = mutant_of(construction, name, seed, depth)
    domain = mutant.domain or Domain.everything(mutant.inputs)
    return decided(compiled.source, mutant, domain, TIES[seed % 3])


# --- random mutants -------------------------------------------------------------------------------


@pytest.mark.parametrize(("construction", "name"), MUTATIONS)
def test_mutant_is_refuted_or_proved(construction: str, name: str) -> None:
    verdicts = [outcome_of(construction, name, seed).verdict for seed in range(8)]
    if (construction, name) not in MOSTLY_EQUIVALENT:
        assert "refuted" in verdicts


@pytest.mark.parametrize(("construction", "name"), HARMLESS)
def test_harmless_change_is_proved(construction: str, name: str) -> None:
    assert [outcome_of(construction, name, seed).verdict for seed in range(8)] == ["proved"] * 8


@pytest.mark.slow
@pytest.mark.parametrize(("construction", "name"), MUTATIONS)
def test_many_mutants_are_refuted_or_proved(construction: str, name: str) -> None:
    for seed in range(8, 80):
        outcome_of(construction, name, seed)


@pytest.mark.slow
@pytest.mark.parametrize(("construction", "name"), HARMLESS)
def test_many_harmless_changes_are_proved(construction: str, name: str) -> None:
    for seed in range(8, 80):
        assert outcome_of(construction, name, seed).verdict == "proved"


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("by", [F(1, 2), SMALL, F(1, 2**70)], ids=["1/2", "2^-20", "2^-70"])
def test_key_that_prefers_a_token(by: Fraction, tie: Tie) -> None:
    """|x| = max(x, -x), and the score of token 0 is x + by: it wins from x = -by/2 on, wrongly up to 0."""
    compiled = unit_network([(1, 0), (-1, 0)], -1, 1)
    mutant = m.bump_head(compiled.transformer, 1, 0, "key", (0, 0), by)
    outcome = decided(compiled.source, mutant, Box([-1], [1]), tie)
    assert outcome.verdict == "refuted" and outcome.witness is not None
    (x,) = outcome.witness.point
    assert -by / 2 <= x < 0


@pytest.mark.parametrize(("by", "verdict"), [(F(1, 4), "proved"), (F(1), "refuted")])
def test_query_that_depends_on_the_input(by: Fraction, verdict: str) -> None:
    """The query 1 + by x times the keys is no affine score; harmless where 1 + by x > 0, a minimum where it is < 0."""
    compiled = unit_network([(1, 0), (-1, 0)], -2, 2)
    kept = m.drop_eraser(compiled, 0, "hidden")  # h = x is still there when the head reads it
    ((slot, _),) = kept.embedding[0].weights.entries()
    outcome = verify(kept, m.bump_head(kept, 1, 0, "query", (0, slot), by))
    assert outcome.verdict == verdict
    if outcome.witness is not None:
        assert -2 <= outcome.witness.point[0] < -1


# --- gates: L2 (ii) is sharp ----------------------------------------------------------------------

Piece = tuple[dict[int, Fraction], Fraction]


def pieces_of(compiled: Compiled, unit: int) -> list[Piece]:
    """The pieces that the k tokens carry of a unit of the first layer."""
    layer, k = compiled.source.layers[0], compiled.transformer.tokens
    rows = [unit * layer.rank + (p if p < layer.rank else 0) for p in range(k)]
    return [(layer.pieces.weights.row(row), layer.pieces.biases[row]) for row in rows]


def thresholds(pieces: Sequence[Piece], domain: Domain) -> tuple[Fraction, Fraction]:
    """(th*, c*): the largest second largest piece, and the smallest largest one, over a box."""
    ends = interval_box(domain)
    if len(ends) == 1:
        return _thresholds_on_a_line(pieces, *ends[0])
    n = len(ends)
    box = [
        _row({i: sign}, -sign * end[side], n) for i, end in enumerate(ends) for side, sign in ((0, F(1)), (1, F(-1)))
    ]
    second = [
        -_minimum([*box, *(_row({**w, n: F(-1)}, b, n) for w, b in pair)], -1, n)  # t <= both, and -t least
        for pair in combinations(pieces, 2)
    ]
    top = [_row({**{i: -x for i, x in w.items()}, n: F(1)}, -b, n) for w, b in pieces]  # t >= all, and t least
    return max(second), _minimum([*box, *top], 1, n)


def _row(terms: dict[int, Fraction], constant: Fraction, n: int) -> Row:
    numbers = whole([terms.get(i, F(0)) for i in range(n + 1)] + [constant])[0]
    return tuple(numbers[:-1]), numbers[-1]


def _minimum(rows: list[Row], sign: int, n: int) -> Fraction:
    answer = Program(rows, n + 1).minimise(((0,) * n + (sign,), 0))
    assert isinstance(answer, Minimum)
    return answer.value


def _thresholds_on_a_line(pieces: Sequence[Piece], low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    lines = [(w.get(0, F(0)), b) for w, b in pieces]
    crossings = [(d - b) / (a - c) for (a, b), (c, d) in combinations(lines, 2) if a != c]
    values = [sorted(a * x + b for a, b in lines) for x in (low, high, *crossings) if low <= x <= high]
    return max(v[-2] for v in values), min(v[-1] for v in values)


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_to_the_thresholds_agree(seed: int) -> None:
    r = random.Random(seed)
    lines = [({0: _number(r)}, _number(r)) for _ in range(r.randint(2, 4))]
    flat = [({0: w[0], 1: F(0)}, b) for w, b in lines]
    assert thresholds(lines, Box([-1], [2])) == thresholds(flat, Box([-1, 0], [2, 1]))


def gates(seed: int, depth: int | None) -> tuple[Compiled, int, Fraction, Fraction, Fraction, Fraction]:
    """A network, a unit of its first layer, the compiler's s and G, and the thresholds th* and c*."""
    r = random.Random(f"gate {seed}")
    compiled = compiled_network(r, "gated", depth)
    unit = r.randrange(compiled.source.widths[0])
    assert compiled.source.domain is not None
    return compiled, unit, *m.gate(compiled, 0, unit), *thresholds(pieces_of(compiled, unit), compiled.source.domain)


def verdict_of_gate(compiled: Compiled, unit: int, s: Fraction, constant: Fraction) -> str:
    assert compiled.source.domain is not None
    return decided(compiled.source, m.with_gate(compiled, 0, unit, s, constant), compiled.source.domain).verdict


@pytest.mark.parametrize("seed", range(16))
def test_gate_between_the_two_thresholds_is_proved(seed: int) -> None:
    compiled, unit, s, constant, th, c = gates(seed, None)
    assert s >= -c and constant - s >= th  # L2 (i) implies L2 (ii)
    sharp = -c, max(F(0), th - c)
    middle = (s - c) / 2, max(F(0), (s - c) / 2 + (th + constant - s) / 2)
    for choice in (sharp, (s, s + max(th, -s)), middle):
        assert verdict_of_gate(compiled, unit, *choice) == "proved"


@pytest.mark.parametrize("notch", [F(1), F(1, 1000), SMALL], ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_gate_one_notch_below_is_refuted(seed: int, notch: Fraction) -> None:
    compiled, unit, s, constant, th, c = gates(seed, 1)
    assert verdict_of_gate(compiled, unit, s, s + th - notch) == "refuted"
    assert verdict_of_gate(compiled, unit, -c - notch, constant) == "refuted"


def unit_network(pieces: Sequence[tuple[int, int]], low: int, high: int) -> Compiled:
    layer = ([[[a] for a, _ in pieces]], [[b for _, b in pieces]])
    return compile_network(MaxoutNetwork.of([layer], ([[1]], [0]), domain=Box([low], [high])))


def test_first_example_of_theory_n2() -> None:
    """Pieces x and 0 on [-1, 1]: s = G = 0 gives the right maximum, though both tokens then carry relu(x)."""
    compiled = unit_network([(1, 0), (0, 0)], -1, 1)
    assert m.gate(compiled, 0, 0) == (1, 2)
    assert thresholds(pieces_of(compiled, 0), Box([-1], [1])) == (0, 0)
    assert verdict_of_gate(compiled, 0, F(0), F(0)) == "proved"


def test_second_example_of_theory_n2() -> None:
    """Pieces x and 1 - x on [0, 1]: G = 1/2 is enough, and G = 1/2 - d is wrong by d at x = 1/2."""
    compiled = unit_network([(1, 0), (-1, 1)], 0, 1)
    assert verdict_of_gate(compiled, 0, F(0), F(1, 2)) == "proved"
    mutant = m.with_gate(compiled, 0, 0, F(0), F(1, 2) - SMALL)
    assert mutant.evaluate(["1/2"])[0] - compiled.source.evaluate(["1/2"])[0] == SMALL
    assert decided(compiled.source, mutant, Box([0], [1])).verdict == "refuted"


# --- erasers: theory N3 ---------------------------------------------------------------------------


def test_without_the_eraser_of_h() -> None:
    compiled = unit_network([(1, 0), (0, 0)], -2, 2)
    mutant = m.drop_eraser(compiled, 0, "hidden")
    assert (mutant.evaluate([1]), mutant.evaluate([0])) == ((2,), (0,))
    outcome = decided(compiled.source, mutant, Box([-2], [2]))
    assert outcome.verdict == "refuted" and outcome.witness is not None
    assert outcome.witness.point != (0,)
    assert decided(compiled.source, mutant, Box([0], [0])).verdict == "proved"


def test_without_the_eraser_of_z() -> None:
    layers = [([[[1], [0]]], [[0, 0]]), ([[[1], [0]]], [[1, 0]])]
    compiled = compile_network(MaxoutNetwork.of(layers, ([[1]], [0]), domain=Box([-2], [2])))
    mutant = m.drop_eraser(compiled, 1, "pieces")
    assert (compiled.source.evaluate([1]), mutant.evaluate([1])) == ((2,), (3,))
    assert decided(compiled.source, mutant, Box([-2], [2])).verdict == "refuted"


@pytest.mark.parametrize("seed", range(10))
def test_the_last_eraser_of_h_is_needed(seed: int) -> None:
    """The output is then C (h + old h), and C has no zeros here: wrong wherever the old h is not."""
    r = random.Random(f"eraser {seed}")
    compiled = compiled_network(r, "gated", 1)
    mutant = m.drop_eraser(compiled, 0, "hidden")
    assert compiled.source.domain is not None
    outcome = decided(compiled.source, mutant, compiled.source.domain)
    assert outcome.verdict == "refuted" and outcome.witness is not None
    assert any(outcome.witness.point)


# --- a trained network ----------------------------------------------------------------------------

LAYER, UNIT = 3, 7


def gate_neuron(compiled: Compiled) -> int:
    return m.gate_neurons(compiled, LAYER, UNIT)[0]


def bumped_head(name: str, row: int, shift: int = 0, by: Fraction = SMALL) -> Callable[[Compiled], Transformer]:
    def mutant(compiled: Compiled) -> Transformer:
        entries = sorted(getattr(m.heads_of(compiled.transformer, LAYER + 1)[UNIT], name).entries())
        place = (entries[row][0], entries[row][1] + shift)
        return m.bump_head(compiled.transformer, LAYER + 1, UNIT, name, place, by)

    return mutant


def bumped_feedforward(name: str, *rest: int, by: Fraction = SMALL) -> Callable[[Compiled], Transformer]:
    return lambda compiled: m.bump_feedforward(compiled.transformer, LAYER, name, (gate_neuron(compiled), *rest), by)


def bumped_eraser(slot: str) -> Callable[[Compiled], Transformer]:
    def mutant(compiled: Compiled) -> Transformer:
        neuron = m.eraser(compiled, LAYER, slot)[10]
        w2 = m.feedforward_of(compiled.transformer, LAYER).outer.weights.entries()
        return m.bump_feedforward(compiled.transformer, LAYER, "w2", next(p for p in w2 if p[1] == neuron), SMALL)

    return mutant


def first_gate(s: Fraction | None, th: Fraction) -> Callable[[Compiled], Transformer]:
    """A gate of the first layer, where th* = c* = 0 for units that change sign; s = None leaves the compiler's."""

    def mutant(compiled: Compiled) -> Transformer:
        shift = m.gate(compiled, 0, UNIT)[0] if s is None else s
        return m.with_gate(compiled, 0, UNIT, shift, shift + th)

    return mutant


def embedded(place: tuple[int, ...]) -> Callable[[Compiled], Transformer]:
    return lambda compiled: m.bump_embedding(compiled.transformer, 0, place, SMALL)


def read_out(place: tuple[int, ...]) -> Callable[[Compiled], Transformer]:
    return lambda compiled: m.bump_readout(compiled.transformer, place, SMALL)


TRAINED: dict[str, tuple[str, Callable[[Compiled], Transformer]]] = {
    "query": ("proved", bumped_head("query", 0)),  # positive still
    "key": ("proved", bumped_head("key", 0)),
    "key of another unit": ("refuted", bumped_head("key", 0, 1, F(10))),
    "value": ("refuted", bumped_head("value", 0)),
    "output": ("refuted", bumped_head("output", 0)),
    "gate weight": ("refuted", bumped_feedforward("w1", 0)),
    "gate weight of the other token": ("proved", bumped_feedforward("w1", 1)),  # closed still
    "piece weight": ("refuted", bumped_feedforward("w1", 5)),
    "gate bias": ("refuted", bumped_feedforward("b1")),
    "gate bias, less": ("refuted", bumped_feedforward("b1", by=-SMALL)),
    "eraser of h": ("refuted", bumped_eraser("hidden")),
    "eraser of z": ("refuted", bumped_eraser("pieces")),
    "embedding": ("refuted", embedded((2, 0))),
    "position": ("refuted", embedded((0,))),
    "read-out": ("refuted", read_out((0, 5))),
    "read-out bias": ("refuted", read_out((0,))),
    "head dropped": ("refuted", lambda compiled: m.drop_head(compiled.transformer, LAYER + 1, UNIT)),
    "pieces swapped": ("proved", lambda compiled: m.swap_pieces(compiled, LAYER, UNIT, 0, 1)),
    "gate at the threshold": ("proved", first_gate(F(0), F(0))),
    "gate below the threshold": ("refuted", first_gate(None, -SMALL)),
    "shift below the threshold": ("refuted", first_gate(-SMALL, F(10**5))),
}


@pytest.fixture(scope="module")
def trained() -> Compiled:
    return compile_network(load(REAL))


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_mutant_of_a_trained_network(trained: Compiled, name: str) -> None:
    verdict, mutate = TRAINED[name]
    assert trained.source.domain is not None
    source, mutant = load(REAL), mutate(trained)
    outcome = verify(source, mutant)
    assert outcome.verdict == verdict, outcome.reason
    if outcome.witness is not None:
        point = outcome.witness.point
        assert trained.source.domain.contains(point)
        assert source.evaluate(point) == outcome.witness.left != outcome.witness.right == mutant.evaluate(point)
