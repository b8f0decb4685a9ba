"""Solvers that lie: floating-point guesses and answers of z3 that are wrong, malformed, late or missing."""

from __future__ import annotations

import os
import random
import select
import signal
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import naive
from fault_compiler import is_witness, points
from fault_rows import REQUIRED, Case
from test_mutants import random_network

from exactformer import Domain, MaxoutNetwork, ReluNetwork
from exactformer.compiler import compile_network
from exactformer.formats.network_json import dump, to_object
from exactformer.kernel.certificates import check
from exactformer.kernel.reading import Rejected
from exactformer.networks import Affine, Block, Head, Network, Transformer
from exactformer.polyhedra import lp
from exactformer.prover import Outcome, smt, verify
from exactformer.prover.certificate import dump as certificate_text
from exactformer.prover.question import LEFT, RIGHT

F = Fraction
Lie = Callable[[random.Random], Any]  # a context manager in which a solver lies
Asked = tuple[Network, Network, Domain, bool]  # two networks, and whether they are equal on the domain


# --- questions with known answers -----------------------------------------------------------------


def questions() -> dict[str, Asked]:
    """True and false equalities that need splits, so that linear programs and z3 are really asked."""
    found: dict[str, Asked] = {}
    for seed in range(4):
        r = random.Random(f"solver {seed}")
        network = random_network(r, 2)
        compiled = compile_network(network).transformer
        assert network.domain is not None
        found[f"compiled {seed}"] = network, compiled, network.domain, True
    box = Domain.box(2, -1, 1)
    nested = MaxoutNetwork.of(
        [([[[1, 0], [0, 1]]], [[0, 0]]), ([[[1], [0]]], [[0, 0]])], ([[1]], [0])
    )  # max(max(x, y), 0)
    flat = MaxoutNetwork.of([([[[1, 0], [0, 1], [0, 0]]], [[0, 0, 0]])], ([[1]], [0]))
    low = MaxoutNetwork.of([([[[1, 0], [0, 1], [0, 0]]], [[0, 0, F(1, 2**30)]])], ([[1]], [0]))
    found["nested"] = nested, flat, box, True
    found["nested, unbounded"] = nested, flat, Domain.everything(2), True
    found["nested, lifted"] = nested, low, box, False
    median = ReluNetwork.of(  # max(x, y) + min(x, y) - x, that is y
        [
            ([[1, -1], [-1, 1], [1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 6),
            ([[1, 0, 0, 0, 1, -1], [1, 0, 0, 0, 0, 0]], [9, 0]),
        ],
        ([[1, -1]], [-9]),
    )
    second = ReluNetwork.of([([[0, 1], [0, -1]], [0, 0])], ([[1, -1]], [0]))
    tilted = ReluNetwork.of([([[0, 1], [0, -1]], [0, 0])], ([[1, F(-1) + F(1, 2**25)]], [0]))
    found["median"] = median, second, box, True
    found["median, tilted"] = median, tilted, box, False
    found["step"] = step((0, 1)), step((1, 0)), Domain.box(1, -1, 1), True
    found["step, other value"] = step((0, 1)), step((1, 0), F(1, 2**20)), Domain.box(1, -1, 1), False
    found["third token"] = step((0, 1)), step((0, 1), third=True), Domain.box(1, -1, 1), True
    return found


def step(order: tuple[int, ...], shift: Fraction | int = 0, third: bool = False) -> Transformer:
    """1 for x > 0, 0 for x < 0, 1/2 at 0 (plus a shift), with its tokens in some order; a third one never wins."""
    tokens = [Affine.of([[1], [0], [0]], [0, 1, 1]), Affine.of([[-1], [0], [0]], [0, 1, 0])]
    tokens[0] = Affine.of([[1], [0], [0]], [0, 1, 1 + shift])
    embedding = [tokens[i] for i in order]
    if third:
        embedding.append(Affine.of([[0], [0], [0]], [F(-1, 3), 1, 7]))
    head = Head.of([[0, 1, 0]], [[1, 0, 0]], [[0, 0, 1]], [[0], [0], [1]])
    return Transformer(tuple(embedding), (Block((head,), None),), 0, Affine.of([[0, 0, 1]], [0]), False, None, None)


# --- lies about linear programs -------------------------------------------------------------------

GUESS, SOLVED, FLOATS = lp.Program._guess, lp.Program._solved, lp._floats


def guesses(lie: Callable[[random.Random, Any, Any], Any]) -> Lie:
    """The floating-point guess of the active rows replaced."""

    def context(r: random.Random) -> Any:
        return patch.object(lp.Program, "_guess", lambda self, objective: lie(r, self, objective))

    return context


def _random_basis(r: random.Random, program: Any, objective: Any) -> list[int]:
    return [r.randrange(-program.dimension, len(program.rows)) for _ in range(program.dimension)]


def _permuted_rows(r: random.Random, program: Any, objective: Any) -> list[int] | None:
    active = GUESS(program, objective)
    order = r.sample(range(len(program.rows)), len(program.rows))
    return active and [order[i] if i >= 0 else i for i in active]


def _floats_with(value: float) -> Lie:
    def context(r: random.Random) -> Any:
        def floats(rows: Any) -> Any:
            result = FLOATS(rows)
            flat = result.reshape(-1)
            for i in r.sample(range(flat.size), flat.size // 2):
                flat[i] = value
            return result

        return patch.object(lp, "_floats", floats)

    return context


class _Silent:
    """Stands for HiGHS: any status, and an empty basis."""

    def __init__(self, status: Any) -> None:
        self.status = status

    def __getattr__(self, name: str) -> Any:
        if name == "getModelStatus":
            return lambda: self.status
        if name == "getBasis":
            return lambda: type("Basis", (), {"row_status": [], "col_status": []})()
        return lambda *arguments: None


def _status(name: str) -> Lie:
    status = getattr(lp.highspy.HighsModelStatus, name)
    return lambda r: patch.object(lp, "_model", lambda rows, dimension: _Silent(status))


def _raises(error: Exception) -> Lie:
    def model(rows: Any, dimension: int) -> Any:
        raise error

    return lambda r: patch.object(lp, "_model", model)


def _wrong_answers(r: random.Random) -> Any:
    """The exact layer itself lies: a minimum with other multipliers, another point and another value."""

    def solved(self: Any, objective: Any, active: Any) -> Any:
        answer = SOLVED(self, objective, active)
        if answer is None or r.random() < 0.5:
            return answer
        multipliers = {i: v + r.randint(0, 2) for i, v in answer.multipliers.items()}
        point = tuple(x + r.choice((-1, 0, 1)) for x in answer.point)
        return lp.Minimum(answer.value + r.choice((-1, 0, 1)), point, multipliers)

    return patch.object(lp.Program, "_solved", solved)


LINEAR: dict[str, Lie] = {
    "random basis": guesses(_random_basis),
    "no basis": guesses(lambda r, program, objective: None),
    "empty basis": guesses(lambda r, program, objective: []),
    "one row again and again": guesses(lambda r, program, objective: [0] * program.dimension),
    "rows permuted": guesses(_permuted_rows),
    "NaN": _floats_with(float("nan")),
    "infinity": _floats_with(float("inf")),
    "noise": _floats_with(1e-3),
    "zeros": _floats_with(0.0),
    "status infeasible": _status("kInfeasible"),
    "status unbounded": _status("kUnbounded"),
    "status optimal, no basis": _status("kOptimal"),
    "raises": _raises(RuntimeError("the solver failed")),
    "raises MemoryError": _raises(MemoryError()),
    "exact answers altered": _wrong_answers,
}

NOT_FINITE = {"NaN", "infinity"}

# --- lies of the child process --------------------------------------------------------------------

ANSWER = "import sys, json, time, os\nfor line in sys.stdin:\n    {}\n    sys.stdout.flush()\n"


def child(action: str) -> Lie:
    """Another program in place of the solver's process; `action` is done for every request."""
    return lambda r: patch.object(smt, "_SERVER", ANSWER.format(action))


def says(**reply: Any) -> Lie:
    return child(f"print(json.dumps({reply!r}))")


CHILD: dict[str, Lie] = {
    "unsat": says(result="unsat", reason=""),
    "sat at 0": says(result="sat", reason="", point=[["0", "1"], ["0", "1"]]),
    "sat far outside": says(result="sat", reason="", point=[["ffffffff", "1"], ["ffffffff", "1"]]),
    "sat, too many coordinates": says(result="sat", reason="", point=[["0", "1"]] * 9),
    "sat, no coordinates": says(result="sat", reason="", point=[]),
    "sat, no point": says(result="sat", reason=""),
    "sat, denominator 0": says(result="sat", reason="", point=[["1", "0"], ["1", "0"]]),
    "sat, no numbers": says(result="sat", reason="", point=[["x", "y"]]),
    "unknown": says(result="unknown", reason="gave up"),
    "another word": says(result="maybe", reason=""),
    "no result": says(reason=""),
    "no reason": says(result="unsat"),
    "garbage": child("print('}{ garbage')"),
    "a list": child("print('[1, 2]')"),
    "a number": child("print('7')"),
    "bytes": child("sys.stdout.buffer.write(b'\\xff\\xfe\\n')"),
    "an empty line": child("print()"),
    "hangs": child("time.sleep(1000)"),
    "dies": child("os._exit(3)"),
    "dies at once": lambda r: patch.object(smt, "_SERVER", "raise SystemExit(9)"),
    "half a line": child("sys.stdout.write('{\"result\":'); sys.stdout.flush(); os._exit(0)"),
}


# --- verdicts -------------------------------------------------------------------------------------


def cases(quick: bool) -> Iterator[Case]:
    """Every lie in every question, by every method that asks the solver."""
    asked = questions()
    self_test(asked)
    r = random.Random("solver")
    all_cases: list[Case] = []
    for lie, context in LINEAR.items():
        for name, question in asked.items():
            for method in ("auto", "lazy", "regions"):
                at = context, question, {"method": method, "cross_check": ()}
                case = f"linear program: {lie}, {name}, {method}"
                if lie not in NOT_FINITE:
                    all_cases.append((case, lambda at=at: told(*at)))
                elif name in ("nested", "nested, lifted") and not quick:  # HiGHS need not end on such numbers
                    all_cases.append((case, lambda at=at: in_child(lambda: told(*at))))
    for lie, context in CHILD.items():
        for name, question in asked.items():
            for options in ({"method": "smt"}, {"method": "lazy", "cross_check": ("z3",)}, {"method": "regions"}):
                if lie == "hangs" and name not in ("nested", "nested, lifted"):
                    continue
                at = context, question, options
                all_cases.append((f"z3: {lie}, {name}, {options['method']}", lambda at=at: told(*at)))
    yield from r.sample(all_cases, 40) if quick else all_cases


def in_child(judge: Callable[[], str]) -> str:
    """The outcome of a case in a process of its own, which is ended when it takes too long."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, judge().encode())
        finally:
            os._exit(0)
    os.close(writer)
    try:
        ready, _, _ = select.select([reader], [], [], 600)
        return os.read(reader, 1000).decode() or "the process dies" if ready else "no end, in spite of the time limit"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)


def told(context: Lie, question: Asked, options: dict[str, Any]) -> str:
    """No wrong verdict, whatever the solver says; what rests on its word alone says so and is counted apart."""
    left, right, domain, equal = question
    r = random.Random(str(options))
    with context(r):
        outcome = verify(left, right, domain=domain, timeout=3, **options)
    return judgement(outcome, left, right, domain, equal)


def judgement(outcome: Outcome, left: Network, right: Network, domain: Domain, equal: bool) -> str:
    """Whether a verdict is right and carries what it must."""
    if outcome.verdict == "unknown":
        return f"{REQUIRED}; unknown" if outcome.reason else "unknown without a reason"
    if outcome.verdict == "refuted":
        if equal:
            return "a true claim was refuted"
        return f"{REQUIRED}; refuted" if is_witness(left, right, outcome, "average") else "the witness is none"
    if outcome.certificate is None:
        stated = outcome.trusted and "on the word of z3" in (outcome.theorem or "")
        return f"{REQUIRED}; proved on the word of z3 alone, as it says" if stated else "proved without a certificate"
    if not equal:
        return "a false claim was proved"
    try:
        files = {LEFT: dump(left).encode(), RIGHT: dump(right).encode()}
        theorem = check(certificate_text(outcome.certificate).encode(), files.__getitem__)
    except Rejected as rejection:
        return f"the certificate is none: {rejection}"
    return f"{REQUIRED}; proved" if theorem.holds else "the certificate refutes"


def self_test(asked: dict[str, Asked]) -> None:
    """The answers to the questions are what they are said to be, as far as points can tell."""
    for left, right, domain, equal in asked.values():
        sides = to_object(left), to_object(right)
        some = list(points(domain, random.Random(0), 60))
        assert not equal or all(naive.evaluate(sides[0], x) == naive.evaluate(sides[1], x) for x in some)
