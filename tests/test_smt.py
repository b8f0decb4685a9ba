"""The SMT-LIB texts mean what exact evaluation computes, and the solver stays inside its process and its time."""

import json
import os
import random
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from exactformer import Box, Domain, InvalidInput, MaxoutNetwork, Polyhedron, ReluNetwork, Transformer
from exactformer.compiler import compile_network
from exactformer.errors import Faults
from exactformer.networks import Affine, Block, FeedForward, Head
from exactformer.networks.semantics import TIES
from exactformer.prover import smt
from exactformer.prover.outcome import Inequality
from exactformer.prover.question import ask as question_of
from exactformer.prover.smt import solve, solve_many, version
from exactformer.prover.smtlib import claim_text, empty_text, obligation_text
from exactformer.rational import Matrix

ABSOLUTE = MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), name="|x|")
MAX3 = MaxoutNetwork.of([([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]], [[0, 0, 0]])], ([[1]], [0]), name="max")
UNIT = Domain.box(1, -1, 1)
NET = 600  # seconds, which no question of these tests takes that has an answer


def random_maxout(seed, inputs=2, widths=(3, 2), rank=2, outputs=1):
    r = random.Random(seed)
    layers, below = [], inputs
    for width in widths:
        weights = [
            [[Fraction(r.randint(-6, 6), r.randint(1, 3)) for _ in range(below)] for _ in range(rank)]
            for _ in range(width)
        ]
        layers.append((weights, [[Fraction(r.randint(-6, 6), 2) for _ in range(rank)] for _ in range(width)]))
        below = width
    output = [[r.randint(-3, 3) for _ in range(below)] for _ in range(outputs)]
    return MaxoutNetwork.of(layers, (output, [Fraction(1, 3)] * outputs))


def random_transformer(seed):
    """Small integers, so that ties, equal scores, dominated tokens and products of inputs all happen often."""
    r = random.Random(seed)
    n, d, tokens = r.randint(1, 2), r.randint(1, 3), r.randint(1, 4)

    def matrix(height, width):
        return [[r.choice([-2, -1, 0, 0, 0, 1, 1, Fraction(1, 2)]) for _ in range(width)] for _ in range(height)]

    def affine(height, width):
        return Affine.of(
            Matrix.of(matrix(height, width), shape=(height, width)), [r.randint(-1, 1) for _ in range(height)]
        )

    def block():
        d_k, d_v = r.randint(1, 2), r.randint(1, 2)
        heads = tuple(
            Head.of(matrix(d_k, d), matrix(d_k, d), matrix(d_v, d), matrix(d, d_v)) for _ in range(r.randint(0, 2))
        )
        feedforward = FeedForward(affine(2, d), affine(d, 2))
        return Block(r.choice([heads, heads, None]), r.choice([feedforward, None]))

    return Transformer(
        embedding=tuple(affine(d, n) for _ in range(tokens)),
        blocks=tuple(block() for _ in range(r.randint(0, 2))),
        token=r.randrange(tokens),
        readout=affine(r.randint(1, 2), d),
        residual=r.random() < 0.7,
        mask=r.choice([None, "causal"]),
    )


def tie_head(values=(1, 0), keys=(1, -1), **changes):
    """One head, constant query, keys (x, -x), values (1, 0): 1 for x > 0, 0 for x < 0, the tie rule decides at 0."""
    embedding = tuple(Affine.of([[key], [0], [0]], [0, value, 1]) for key, value in zip(keys, values, strict=True))
    head = Head.of([[0, 0, 1]], [[1, 0, 0]], [[0, 1, 0]], [[0], [1], [0]])
    return Transformer(
        embedding,
        (Block((head,), None),),
        **{"token": 0, "readout": Affine.of([[0, 1, 0]], [0]), "residual": False} | changes,
    )


def constant(values, inputs=1):
    return ReluNetwork.of([], (Matrix((len(values), inputs)), values))


def text_of(left, right, domain, tie):
    """The script of the claim that both networks are equal."""
    faults = Faults()
    question = question_of("equal", left, right, domain, tie, faults)
    faults.settle()
    return claim_text(question)


def ask(left, right, domain, tie="average", timeout=NET):
    return solve(text_of(left, right, domain, tie), left.inputs, timeout=timeout)


def assert_different(left, right, domain, tie="average"):
    answer = ask(left, right, domain, tie)
    assert answer.result == "sat" and not answer.irrational
    assert domain.contains(answer.point)
    values = [
        net.evaluate(answer.point, **({"tie": tie} if net.kind == "transformer" else {})) for net in (left, right)
    ]
    assert values[0] != values[1]
    return answer.point


def pigeonholes(n):
    """n + 1 pigeons in n holes: unsatisfiable, and out of reach of a SAT solver from about n = 12 on."""
    names = [[f"p{i}_{j}" for j in range(n)] for i in range(n + 1)]
    lines = [f"(declare-const {name} Bool)" for row in names for name in row]
    lines += [f"(assert (or {' '.join(row)}))" for row in names]
    lines += [f"(assert (not (and {a[j]} {b[j]})))" for j in range(n) for i, a in enumerate(names) for b in names[:i]]
    return "\n".join(["(set-logic QF_LRA)", *lines, "(check-sat)"])


# --- claims ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("construction", ["gated", "global"])
@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("source", [ABSOLUTE, MAX3, random_maxout(1), random_maxout(2, 1, (2,), 3, 2)])
def test_compiled_transformers_equal_their_source(source, construction, tie):
    domain = Domain.box(source.inputs, -1, "3/2")
    compiled = compile_network(source, construction=construction, domain=domain).transformer
    everywhere = domain if construction == "gated" else Domain.everything(source.inputs)
    answer = ask(source, compiled, everywhere, tie)
    assert (answer.result, answer.point, answer.reason) == ("unsat", None, "")


def test_a_relu_network_equals_its_compiled_transformers_and_these_each_other():
    source = ReluNetwork.of([([[1, -2], ["1/3", 1]], [0, -1])], ([[1, -1], [2, 1]], [0, "1/7"]))
    domain = Box([-1, 0], [1, 2])
    gated, universal = (compile_network(source, construction=c, domain=domain).transformer for c in ("gated", "global"))
    for left, right in ((source, gated), (universal, source), (gated, universal)):
        assert ask(left, right, domain).result == "unsat"


def test_outside_its_box_a_gated_transformer_differs():
    source = MaxoutNetwork.of([([[[1], [2]]], [[0, 0]])], ([[1]], [0]))  # max(x, 2x)
    compiled = compile_network(source, domain=UNIT).transformer
    assert abs(assert_different(source, compiled, Domain.everything(1))[0]) > 1
    # Not so for |x|, whose second largest piece is bounded above: the gates are right everywhere (theory L2).
    assert ask(ABSOLUTE, compile_network(ABSOLUTE, domain=UNIT).transformer, Domain.everything(1)).result == "unsat"


@pytest.mark.parametrize("seed", range(6))
def test_one_changed_entry_is_found_with_a_point_that_distinguishes(seed):
    source = random_maxout(seed, widths=(2,))
    domain = Domain.box(2, -1, 1)
    compiled = compile_network(source, construction="gated", domain=domain).transformer
    first = compiled.blocks[0].feedforward
    entries = first.inner.weights.entries()
    place = random.Random(seed).choice([p for p in entries if p[1] >= 2])
    changed = Matrix.sparse(*first.inner.weights.shape, entries | {place: entries[place] + Fraction(1, 1000)})
    block = Block(None, FeedForward(Affine(changed, first.inner.biases), first.outer))
    mutant = replace(compiled, blocks=(block, *compiled.blocks[1:]))
    answer = ask(source, mutant, domain)
    if answer.result == "sat":
        assert_different(source, mutant, domain)
    else:  # an equivalent mutant: a piece that never wins
        assert answer.result == "unsat"
        grid = [(Fraction(i, 5), Fraction(j, 5)) for i in range(-5, 6) for j in range(-5, 6)]
        assert all(source.evaluate(x) == mutant.evaluate(x) for x in grid)
    offset = replace(
        compiled, readout=Affine.of(compiled.readout.weights, [compiled.readout.biases[0] + Fraction(1, 10**9)])
    )
    assert_different(source, offset, domain)


def test_a_polyhedron_and_open_sides_restrict_the_inputs():
    positive = Polyhedron([None], [5], [[-1]], [0])  # 0 <= x <= 5
    identity = ReluNetwork.of([], ([[1]], [0]))
    assert ask(ABSOLUTE, identity, positive).result == "unsat"
    assert assert_different(ABSOLUTE, identity, Box([None], [5]))[0] < 0


def test_networks_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match=r"expected networks with equal numbers of inputs"):
        text_of(ABSOLUTE, MAX3, UNIT, "average")
    with pytest.raises(InvalidInput, match=r"domain: expected 1 inputs, found 2"):
        text_of(ABSOLUTE, ABSOLUTE, Domain.box(2, 0, 1), "average")
    with pytest.raises(InvalidInput, match=r"tie: expected one of average"):
        text_of(ABSOLUTE, ABSOLUTE, UNIT, "first")


# --- ties, masks, products ------------------------------------------------------------------------


@pytest.mark.parametrize(("tie", "at_zero"), [("average", "1/2"), ("leftmost", 1), ("rightmost", 0)])
def test_the_tie_rule_decides_at_zero(tie, at_zero):
    head, zero = tie_head(), Box([0], [0])
    assert ask(head, head, UNIT, tie).result == "unsat"
    assert ask(head, constant([at_zero]), zero, tie).result == "unsat"
    assert assert_different(head, constant([2]), zero, tie) == (0,)
    assert ask(head, constant([1]), Box(["1/1000"], [1]), tie).result == "unsat"


@pytest.mark.parametrize("tie", TIES)
def test_heads_that_differ_only_at_a_tie(tie):
    # Token 2 repeats token 1: the same winners, but in a tie of three the mean is 1/3 and the last one is 1.
    third = tie_head((1, 0, 0), (1, -1, -1))
    other = tie_head((1, 0, 1), (1, -1, 0))
    if tie == "average":
        assert assert_different(tie_head(), third, UNIT, tie) == (0,)
    else:
        assert ask(tie_head(), third, UNIT, tie).result == "unsat"
    if tie == "leftmost":
        assert ask(tie_head(), other, UNIT, tie).result == "unsat"
    else:
        assert assert_different(tie_head(), other, UNIT, tie) == (0,)


def test_the_causal_mask_hides_later_tokens():
    one, zero = constant([1]), constant([0])
    assert ask(tie_head(mask="causal"), one, UNIT).result == "unsat"  # token 0 sees itself alone
    assert_different(tie_head(mask=None), one, UNIT)
    assert ask(tie_head(mask="causal", token=1), tie_head(token=1), UNIT).result == "unsat"
    assert ask(tie_head((0, 1), mask="causal"), zero, UNIT).result == "unsat"


def product_head(value_of_winner=1):
    """Query x, keys (x, -x, 1): the scores are x^2, -x^2, x; token 0 wins for x < 0 and x > 1, token 2 between."""
    embedding = tuple(
        Affine.of([[1], [k], [0]], [0, c, v]) for k, c, v in ((1, 0, value_of_winner), (-1, 0, 5), (0, 1, 3))
    )
    head = Head.of([[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]], [[0], [0], [1]])
    return Transformer(embedding, (Block((head,), None),), 0, Affine.of([[0, 0, 1]], [0]), residual=False)


def test_a_query_that_depends_on_the_input_gives_products():
    head = product_head()
    assert "QF_NRA" in text_of(head, head, UNIT, "average")
    assert "QF_LRA" in text_of(tie_head(), tie_head(), UNIT, "average")
    assert ask(head, head, UNIT).result == "unsat"
    assert ask(head, constant([1]), Box(["1001/1000"], [9])).result == "unsat"
    assert ask(head, constant([3]), Box(["1/1000"], ["999/1000"])).result == "unsat"
    assert ask(head, constant([2]), Box([1], [1])).result == "unsat"  # the mean of 1 and 3
    assert ask(head, constant([3]), Box([0], [0])).result == "unsat"  # the mean of 1, 5 and 3
    (x,) = assert_different(head, product_head(2), Domain.box(1, -2, 2))
    assert x <= 0 or x >= 1
    assert ask(head, product_head(2), Box(["1/1000"], ["999/1000"])).result == "unsat"


def test_the_text_means_what_exact_evaluation_computes():
    """At a single point, that T equals its value is unsat, and that it equals its value + 10^-12 is sat."""
    right, wrong, logics = [], [], set()
    for seed in range(120):
        network, r = random_transformer(seed), random.Random(seed)
        point = [Fraction(r.randint(-2, 2), r.randint(1, 2)) for _ in range(network.inputs)]
        here, tie = Box(point, point), TIES[seed % 3]
        value = network.evaluate(point, tie=tie)
        off = [value[0] + Fraction(1, 10**12), *value[1:]]
        right.append(text_of(network, constant(value, network.inputs), here, tie))
        wrong.append(text_of(constant(off, network.inputs), network, here, tie))
        logics |= {"QF_NRA" in right[-1], "wins" in right[-1]}
    assert logics == {True, False}
    tally = solve_many(right, budget=NET)
    assert (tally.confirmed, tally.tried, tally.contradicted, tally.reason) == (len(right), len(right), (), "")
    assert solve_many(wrong, budget=NET).contradicted == tuple(range(len(wrong)))


# --- numbers --------------------------------------------------------------------------------------


def test_huge_numbers_survive_exactly():
    huge = Fraction(10**5000 + 1, 3**9000)  # longer than Python's own int <-> str conversion allows
    text = obligation_text([], Affine.of([[1]], [-huge]), Affine.of([[1]], [huge]))
    assert solve(text, 1, timeout=NET).result == "sat"
    pinned = text_of(ABSOLUTE, constant([0]), Box([huge], [huge]), "average")
    assert solve(pinned, 1, timeout=NET).point == (huge,)


def test_a_float_arrives_as_the_dyadic_that_it_is():
    dyadic = Fraction(3602879701896397, 36028797018963968)
    text = text_of(ABSOLUTE, constant([0]), Box([0.1], [0.1]), "average")
    assert "0.1" not in text and "(/ 3602879701896397 36028797018963968)" in text
    assert solve(text, 1, timeout=NET).point == (dyadic,)
    assert ask(constant([0.1]), constant(["0.1"]), UNIT).result == "sat"
    assert ask(constant([0.1]), constant([dyadic]), UNIT).result == "unsat"
    assert not any("." in line for line in text.splitlines() if not line.startswith(";"))


def test_an_irrational_point_is_marked_as_approximate():
    answer = solve("(declare-const x0 Real)\n(assert (= (* x0 x0) 2))\n(assert (> x0 0))\n(check-sat)", 1, timeout=NET)
    assert answer.result == "sat" and answer.irrational == ((0, "x^2 - 2"),)
    assert abs(answer.point[0] ** 2 - 2) < Fraction(1, 10**20)


# --- obligations ----------------------------------------------------------------------------------


def test_obligations_of_cells():
    triangle = [Inequality((1, 0), 0), Inequality((0, 1), 0), Inequality((-1, -1), 1, strict=True)]
    line = [Inequality((1, -1), 0), Inequality((-1, 1), 0)]
    same, swapped = Affine.of([[2, "1/3"]], [1]), Affine.of([["1/3", 2]], [1])
    texts = [
        obligation_text(triangle, same, same),
        obligation_text(triangle, same, swapped),
        obligation_text(line, same, swapped),  # equal on the line x0 = x1 only
        empty_text(triangle),
        empty_text([*triangle, Inequality((1, 1), -1)]),
        empty_text([]),
    ]
    tally = solve_many(texts, budget=NET)
    assert (tally.confirmed, tally.contradicted, tally.tried) == (3, (1, 3, 5), 6)


def test_many_obligations_stop_at_the_budget(monkeypatch):
    """The clock and the timer are the test's own: the budget is spent after three texts."""
    now, timers = [0.0], []

    def texts():
        yield from [empty_text([Inequality((1,), 0)]), "(hello", pigeonholes(4)]
        now[0] = 2.0
        timers[0].function()
        yield from [pigeonholes(4)] * 3

    def timer(limit, function):
        timers.append(threading.Timer(NET, function))
        assert limit == 2
        return timers[0]

    monkeypatch.setattr(smt, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(smt, "threading", SimpleNamespace(Timer=timer))
    tally = solve_many(texts(), budget=2)
    assert (tally.confirmed, tally.contradicted, tally.tried, tally.seconds) == (1, (0,), 3, 2)
    assert "Z3Exception" in tally.reason
    timers.clear()
    assert solve_many([], budget=2).tried == 0


# --- the process ----------------------------------------------------------------------------------


def test_a_time_limit_is_obeyed():
    answer = solve(pigeonholes(14), 0, timeout=1)
    assert (answer.result, answer.point, answer.reason) == ("unknown", None, "no answer within 1 s")
    assert solve(pigeonholes(4), 0, timeout=float("inf")).result == "unsat"
    assert solve(pigeonholes(4), 0, timeout=-1).result == "unknown"


@pytest.mark.parametrize(
    "text", ["garbage", "(assert", "(assert (> y 0))", "(set-logic QF_NONSENSE)", "\N{SNOWMAN}", "(" * 50]
)
def test_a_faulty_text_is_unknown_with_a_reason(text):
    answer = solve(text, 1, timeout=NET)
    assert (answer.result, answer.point) == ("unknown", None)
    assert answer.reason.startswith("Z3Exception: ")


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("import os; os._exit(3)", "ended with code 3"),
        ("raise ImportError('no solver here')", "ended with code 1 ImportError: no solver here"),
        ("print('{\"result\": ', end='')", "ended with code 0"),
    ],
)
def test_a_solver_that_crashes_is_unknown_with_a_reason(monkeypatch, server, reason):
    monkeypatch.setattr(smt, "_SERVER", server)
    answer = solve(pigeonholes(4), 0, timeout=NET)
    assert answer.result == "unknown" and reason in answer.reason
    tally = solve_many([pigeonholes(4)] * 3, budget=NET)
    assert tally.tried == tally.confirmed == 0 and reason in tally.reason


def test_an_interrupt_leaves_no_process_behind(monkeypatch):
    children = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            children.append(self)

    def texts():
        yield pigeonholes(3)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    with pytest.raises(KeyboardInterrupt):
        solve_many(texts(), budget=NET)
    solve(pigeonholes(14), 0, timeout=0.3)
    assert len(children) == 2 and all(child.returncode is not None for child in children)


def test_a_child_ends_with_its_input_even_in_the_middle_of_a_request():
    """As happens when the parent is killed."""
    request = json.dumps({"text": pigeonholes(14)}) + "\n"
    command = [sys.executable, "-c", smt._SERVER]
    run = subprocess.run(command, input=request, capture_output=True, text=True, timeout=NET, check=True)
    assert run.stdout == ""


def test_the_parent_never_imports_the_solver_and_works_from_any_folder(tmp_path):
    program = (
        "import sys; from exactformer.prover.smt import solve, version\n"
        "answer = solve('(declare-const x0 Real)(assert (= x0 (/ 1 3)))', 1, timeout=600)\n"
        "print(answer.point[0], version('z3'), 'z3' in sys.modules)"
    )
    root = str(Path(smt.__file__).resolve().parents[2])
    (tmp_path / "json.py").write_text("raise RuntimeError('a file of the user, not the library')")
    command = [sys.executable, "-P", "-c", program]
    run = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": root}, capture_output=True, text=True)
    assert run.stdout.split() == ["1/3", version("z3"), "False"], run.stderr
