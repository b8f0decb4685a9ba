"""z3 and cvc5 as independent solvers of SMT-LIB 2 texts, in a child process under a hard limit of wall-clock time.

Parent and child exchange lines of JSON. Only the child imports a solver, and no number passes as a float.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, Any, Literal

from exactformer.errors import Unsupported

Result = Literal["sat", "unsat", "unknown"]
Solver = Literal["z3", "cvc5"]
SOLVERS: dict[Solver, str] = {"z3": "z3-solver", "cvc5": "cvc5"}  # and the packages they come in
Message = dict[str, Any]
_SERVER = "from exactformer.prover.smt import serve; serve()"
_LONGEST = 4_000_000.0  # seconds that any timer can count
_DIGITS = 30  # decimals of an irrational coordinate
_SIMPLEX = 2  # z3's engine that is best at conjunctions; its default is better at case splits


@dataclass(frozen=True)
class Answer:
    """What the solver said of one text; `reason` explains an unknown.

    For "sat", `point` is the solver's own, or close to it in the coordinates that are `irrational`: their numbers, and
    the polynomials of which they are roots.
    """

    result: Result
    point: tuple[Fraction, ...] | None
    reason: str
    seconds: float
    irrational: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Tally:
    """What the solver said of many obligations: how many of the `tried` it confirmed, and which it contradicted.

    `reason` is the first reason why one stayed undecided, or why the rest was not tried.
    """

    confirmed: int
    contradicted: tuple[int, ...]
    tried: int
    seconds: float
    reason: str = ""


def version(solver: Solver) -> str:
    """The version of a solver. Raises `Unsupported` when it is not installed."""
    try:
        return importlib.metadata.version(SOLVERS[solver])
    except importlib.metadata.PackageNotFoundError:
        raise Unsupported(f"{solver}: expected the package {SOLVERS[solver]}, found that it is not installed") from None


def solve(text: str, inputs: int, *, timeout: float) -> Answer:
    """The solver's answer to a text about the reals x0, ..., x(inputs - 1), after at most `timeout` seconds.

    Nothing is raised: for a faulty text, a solver that fails and one that is too slow, the answer is unknown.
    """
    start = time.monotonic()
    with _solver(timeout) as ask:
        reply = ask({"text": text, "inputs": inputs})
    result, reason, point = reply["result"], reply["reason"], None
    if result == "sat":
        point = _point(reply.get("point"), inputs)
        if point is None:
            result, reason = "unknown", "sat, but without a point that can be read"
    irrational = tuple((int(i), str(text)) for i, text in reply.get("irrational", ()))
    return Answer(result, point, reason, time.monotonic() - start, irrational)


def _point(value: Any, inputs: int) -> tuple[Fraction, ...] | None:
    """The point in a reply: a pair of integers in hexadecimal a coordinate; None for anything else."""
    try:
        point = tuple(Fraction(int(p, 16), int(q, 16)) for p, q in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return point if len(point) == inputs else None


def solve_many(texts: Iterable[str], *, budget: float, solver: Solver = "z3") -> Tally:
    """The answers of one child to many obligations in turn, until `budget` seconds are spent.

    "unsat" confirms, "sat" contradicts. Nothing is raised; when the solver itself ends, the rest is not tried.
    """
    start = time.monotonic()
    results: list[Result] = []
    reason = ""
    with _solver(budget) as ask:
        for text in texts:
            reply = ask({"text": text, "engine": _SIMPLEX, "solver": solver})
            reason = reason or reply["reason"]
            if "ended" in reply:
                break
            results.append(reply["result"])
    contradicted = tuple(index for index, result in enumerate(results) if result == "sat")
    return Tally(results.count("unsat"), contradicted, len(results), time.monotonic() - start, reason)


# --- the parent -----------------------------------------------------------------------------------


@contextmanager
def _solver(limit: float) -> Iterator[Callable[[Message], Message]]:
    """A child process as a function from request to reply; it is killed after `limit` seconds and on the way out."""
    limit = min(limit, _LONGEST)
    end = time.monotonic() + limit
    with tempfile.TemporaryFile() as errors, _started(errors) as process:
        timer = threading.Timer(limit, process.kill)
        timer.daemon = True

        def ask(request: Message) -> Message:
            line = _exchanged(process, json.dumps(request))
            if line.endswith("\n"):
                return _read(line)
            code = process.wait()  # not for long: the timer is running
            reason = f"no answer within {limit:g} s"
            if time.monotonic() < end:
                errors.seek(0)
                last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
                reason = f"the solver process ended with code {code} {last}".rstrip()
            return {"result": "unknown", "reason": reason, "ended": True}

        try:
            timer.start()
            yield ask
        finally:
            timer.cancel()
            process.kill()
            with suppress(OSError):
                _pipe(process.stdin).close()


def _read(line: str) -> Message:
    """The reply in a line; whatever is none is an unknown, after which the child is asked no more."""
    with suppress(ValueError, RecursionError):
        reply = json.loads(line)
        if isinstance(reply, dict) and reply.get("result") in ("sat", "unsat", "unknown"):
            return {**reply, "reason": str(reply.get("reason", ""))}
    return {"result": "unknown", "reason": "the solver process gave an answer that cannot be read", "ended": True}


def _started(errors: IO[bytes]) -> subprocess.Popen[str]:
    """The child, which finds the modules that the parent finds: installed, or in a source checkout."""
    places = os.pathsep.join(os.path.abspath(place) for place in sys.path)
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=os.environ | {"PYTHONPATH": places},
        encoding="utf-8",
        errors="replace",
    )


def _exchanged(process: subprocess.Popen[str], line: str) -> str:
    """The line with which the child replies; empty or cut short when it has ended."""
    with suppress(OSError):
        _pipe(process.stdin).write(line + "\n")
        _pipe(process.stdin).flush()
        return _pipe(process.stdout).readline()
    return ""


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


# --- the child ------------------------------------------------------------------------------------


def serve() -> None:
    """Answer requests, one line of JSON each, until standard input ends; nothing is raised for a faulty text."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the solver prints by itself is no reply
    sys.set_int_max_str_digits(0)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while True:
        try:
            reply = _reply(json.loads(requests.get()))
        except Exception as error:
            reply = {"result": "unknown", "reason": _explained(error)}
        print(json.dumps(reply), file=replies, flush=True)


def _listen(requests: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # also in the middle of a request: the parent has ended, whatever ended it


def _reply(request: Message) -> Message:
    return _reply_of_cvc5(request) if request.get("solver") == "cvc5" else _reply_of_z3(request)


def _reply_of_cvc5(request: Message) -> Message:
    import cvc5

    solver = cvc5.Solver()
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, request["text"], "text")
    results = []
    while not (command := parser.nextCommand()).isNull():
        results += command.invoke(solver, parser.getSymbolManager()).split()
    if len(results) == 1 and results[0] in ("sat", "unsat"):
        return {"result": results[0], "reason": "", "point": []}
    return {"result": "unknown", "reason": " ".join(results) or "no answer"}


def _reply_of_z3(request: Message) -> Message:
    import z3

    logic = re.search(r"^\(set-logic (\w+)\)$", request["text"], re.MULTILINE)
    solver = z3.SolverFor(logic[1]) if logic else z3.Solver()
    if logic and logic[1] == "QF_LRA" and "engine" in request:
        solver.set("arith.solver", request["engine"])
    solver.from_string(request["text"])
    result = str(solver.check())
    if result == "unknown":
        return {"result": result, "reason": solver.reason_unknown()}
    reply: Message = {"result": result, "reason": ""}
    if result == "sat":
        model = solver.model()
        values = [model.eval(z3.Real(f"x{i}"), model_completion=True) for i in range(request.get("inputs", 0))]
        exact = [value.approx(_DIGITS) if z3.is_algebraic_value(value) else value for value in values]
        reply["point"] = [[f"{v.numerator_as_long():x}", f"{v.denominator_as_long():x}"] for v in exact]
        reply["irrational"] = [[i, _polynomial(v.poly())] for i, v in enumerate(values) if z3.is_algebraic_value(v)]
    return reply


def _polynomial(coefficients: Sequence[Any]) -> str:
    """A polynomial from z3's integers, the constant first, as text: x^2 - 2."""
    powers = ["", "x", *(f"x^{k}" for k in range(2, len(coefficients)))]
    text = ""
    for c, power in reversed(list(zip([c.as_long() for c in coefficients], powers, strict=True))):
        if c:
            size = " ".join(filter(None, ("" if abs(c) == 1 and power else str(abs(c)), power)))
            text += (" - " if c < 0 else " + ") + size if text else ("-" if c < 0 else "") + size
    return text


def _explained(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    text = detail.decode(errors="replace") if isinstance(detail, bytes) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}"
