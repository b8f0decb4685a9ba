"""One proof searched by several processes: the top of the tree here, its subtrees as plain data anywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from typing import Any, Protocol

from exactformer.domain import Domain
from exactformer.formats.network_json import parse
from exactformer.kernel.claims import Goal, read_domain
from exactformer.kernel.networks import read_network
from exactformer.networks.transformer import Tie
from exactformer.prover.outcome import Point
from exactformer.prover.search import Found, Path, Search
from exactformer.prover.witness import evaluate_exactly

SHARES = 8  # subtrees a process, so that uneven ones balance


class Claim(Protocol):
    """What a process needs to know of the claim."""

    @property
    def domain(self) -> Domain:
        """Where the two sides are compared."""

    @property
    def tie(self) -> Tie:
        """The tie rule."""

    @property
    def texts(self) -> dict[str, str]:
        """Both network files by name."""

    def differs(self, point: Point) -> bool:
        """Whether both exact evaluators see a difference at a point of the domain."""
        ...


def search_in_parallel(
    claim: Claim,
    goal: Goal,
    every_gate: bool,
    deadline: float,
    jobs: int,
    executor: Executor | None,
    progress: Callable[[int, int], None],
) -> Found:
    """As `Search.run`, with the subtrees below the first splits spread over an executor (a process pool by default).

    The proof is the same tree that one process finds; only its parts are found at the same time.
    """
    top = Search(claim.differs, deadline, every_gate, defer_at=1).run(goal)
    for defer_at in range(2, 64):
        if top.witness or top.reason or not top.deferred or len(top.deferred) >= SHARES * jobs:
            break
        top = Search(claim.differs, deadline, every_gate, defer_at=defer_at).run(goal)
    if top.witness or top.reason or not top.deferred:
        return top
    pool = ProcessPoolExecutor(jobs) if executor is None else nullcontext(executor)
    texts = tuple(sorted(claim.texts.items()))
    with pool as workers:
        seconds = deadline - time.monotonic()
        tasks: list[Future[Found]] = [
            workers.submit(_subtree, texts, claim.domain, claim.tie, path, every_gate, seconds) for path in top.deferred
        ]
        for number, task in enumerate(as_completed(tasks), start=1):
            progress(number, len(tasks) - number)
            found = task.result()
            if found.witness or found.reason:
                for other in tasks:
                    other.cancel()
                return found
    return _joined(top, iter([task.result() for task in tasks]))


def _joined(top: Found, parts: Iterator[Found]) -> Found:
    """The whole proof: every placeholder replaced by the steps of its subtree."""
    steps: list[Any] = []
    leaves = list(top.leaves)
    counts = dict(top.counts)
    for step in top.steps:
        if step != ["deferred"]:
            steps.append(step)
            continue
        part = next(parts)
        steps += part.steps
        leaves += part.leaves
        counts = {key: value + part.counts[key] for key, value in counts.items() if key in part.counts}
    return Found(steps, leaves if "regions" in counts else [], counts)


def _subtree(
    texts: tuple[tuple[str, str], ...], domain: Domain, tie: Tie, path: Path, every_gate: bool, seconds: float
) -> Found:
    """The search below one path; runs in any process, from plain data alone."""
    goal, differs = _claim(texts, domain, tie)
    return Search(differs, time.monotonic() + seconds, every_gate).run(goal, path)


class _Last(threading.local):
    """The claim that this thread rebuilt last; of its own, because a goal grows while it is searched."""

    key: object = None
    claim: tuple[Goal, Callable[[Point], bool]]


_last = _Last()


def _claim(texts: tuple[tuple[str, str], ...], domain: Domain, tie: Tie) -> tuple[Goal, Callable[[Point], bool]]:
    """The claim in a worker: rebuilt once for all the subtrees it is given."""
    if _last.key != (texts, domain, tie):
        _last.claim, _last.key = _rebuilt(texts, domain, tie), (texts, domain, tie)
    return _last.claim


def _rebuilt(texts: tuple[tuple[str, str], ...], domain: Domain, tie: Tie) -> tuple[Goal, Callable[[Point], bool]]:
    names: Mapping[str, str] = dict(texts)
    left, right = (parse(names[name].encode(), name) for name in sorted(names))
    kernel_left, kernel_right = (read_network(names[name].encode(), name) for name in sorted(names))

    def differs(point: Point) -> bool:
        values = (evaluate_exactly(side, point, tie) for side in (left, right))
        return domain.contains(point) and next(values) != next(values)

    return Goal.of(kernel_left, kernel_right, read_domain(domain.to_json(), "domain", left.inputs), tie), differs
