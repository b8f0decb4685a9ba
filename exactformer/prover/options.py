"""How a claim is decided: the options that `prove`, `verify` and `verify_family` share, and what they may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Literal, TypedDict

from exactformer.arguments import NATURAL, POSITIVE, SECONDS, function, instance, one_of
from exactformer.errors import Faults, shown
from exactformer.networks.semantics import BASES, TIES, Base, Tie, read_temperature
from exactformer.prover.smt import SOLVERS, Solver
from exactformer.work import Work, check_work

Method = Literal["auto", "structural", "lazy", "regions", "smt"]
METHODS: tuple[Method, ...] = ("auto", "structural", "lazy", "regions", "smt")
Progress = Callable[[int, int], None]
Temperature = Any  # a number > 0, or a sequence of them, one a layer; None: hard


class Options(TypedDict, total=False):
    """The shared options; `verify` says what each of them does."""

    method: Method
    tie: Tie
    left_temperature: Temperature
    right_temperature: Temperature
    base: Base
    seed: int
    jobs: int
    executor: Executor | None
    work: Work | None
    cross_check: Sequence[Solver] | None
    sample: int | None
    certified: bool


def check_options(options: Options, timeout: Any, progress: Any, faults: Faults) -> None:
    """Notes every fault of the options that are given, of the time limit, and of who is told of progress."""
    SECONDS.check(timeout, "timeout", faults, optional=True)
    one_of(options.get("method", "auto"), METHODS, "method", faults)
    one_of(options.get("tie", "average"), TIES, "tie", faults)
    one_of(options.get("base", "e"), BASES, "base", faults)
    read_temperature(options.get("left_temperature"), "left_temperature", faults)
    read_temperature(options.get("right_temperature"), "right_temperature", faults)
    NATURAL.check(options.get("seed", 0), "seed", faults)
    POSITIVE.check(options.get("sample"), "sample", faults, optional=True)
    instance(options.get("certified", False), bool, "True or False", "certified", faults)
    check_work(options.get("work"), options.get("jobs", 1), options.get("executor"), faults)
    solvers = options.get("cross_check")
    if solvers is not None and not isinstance(solvers, (tuple, list)):
        hint = f'; did you mean ("{solvers}",)?' if solvers in SOLVERS else ""
        faults.add("cross_check", f"a tuple of names out of {', '.join(SOLVERS)}, or None", shown(solvers), hint)
    else:
        for solver in solvers or ():
            one_of(solver, tuple(SOLVERS), "cross_check", faults)
    function(progress, "progress", faults)
