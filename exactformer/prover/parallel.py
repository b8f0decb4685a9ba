"""One proof searched by several processes: the top of the tree here, its subtrees as plain data anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor
from contextlib import closing
from typing import Any

from exactformer.kernel.claims import Goal
from exactformer.prover.question import Question
from exactformer.prover.search import Found, Path, Search
from exactformer.work import Deadline, OutOfTime, spread, time_limit

SHARES = 8  # subtrees a process, so that uneven ones balance
GRACE = 0.5


def search_in_parallel(
    question: Question,
    goal: Goal,
    every_gate: bool,
    deadline: Deadline,
    jobs: int,
    executor: Executor | None,
    progress: Callable[[int, int], None],
) -> Found:
    """As `Search.run`, with the subtrees below the first splits spread over an executor (a process pool by default).

    The proof is the same tree that one process finds; only its parts are found at the same time.
    """
    top = Search(question.violated, deadline.end, every_gate, defer_at=1).run(goal)
    for defer_at in range(2, 64):
        if top.witness or top.reason or not top.deferred or len(top.deferred) >= SHARES * jobs:
            break
        top = Search(question.violated, deadline.end, every_gate, defer_at=defer_at).run(goal)
    if top.witness or top.reason or not top.deferred:
        return top
    subtrees = [(question, path, every_gate, deadline) for path in top.deferred]
    parts: dict[int, Found] = {}
    late = Deadline(deadline.end + 2 * GRACE)  # a worker knows by itself when it is out of time
    try:
        with closing(spread(_subtree, subtrees, jobs=jobs, executor=executor, deadline=late)) as results:
            for number, found in results:
                parts[number] = found
                progress(len(parts), len(subtrees) - len(parts))
                if found.witness or found.reason:
                    return found
    except BrokenExecutor:
        return Found([], [], {}, reason="a process of the search was ended from outside (for want of memory, say)")
    except OutOfTime:
        return Found([], [], {}, reason="out of time")
    return _joined(top, iter([parts[number] for number in range(len(subtrees))]))


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


class _Last(threading.local):
    """The goal that this thread built last: all subtrees of a question hang below it."""

    question: Question | None = None
    goal: Goal


_last = _Last()


def _subtree(question: Question, path: Path, every_gate: bool, deadline: Deadline) -> Found:
    """The search below one path; runs in any process.

    A thread builds the goal once for all its subtrees.
    """
    try:
        with time_limit(deadline.left + GRACE):
            return Search(question.violated, deadline.end, every_gate).run(_goal(question), path)
    except OutOfTime:
        return Found([], [], {}, reason="out of time")


def _goal(question: Question) -> Goal:
    if _last.question != question:
        _last.goal, _last.question = question.goal(), question
    return _last.goal
