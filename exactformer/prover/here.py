"""What a worker keeps between two pieces of work of one question."""

from __future__ import annotations

import threading

from exactformer.kernel.claims import Goal
from exactformer.prover.question import Question


class _Last(threading.local):
    """The goal that this thread built last: all pieces of a question hang below it."""

    question: Question | None = None
    goal: Goal


_last = _Last()


def goal_of(question: Question) -> Goal:
    """The whole domain; a thread evaluates it once for all its pieces of work."""
    if _last.question != question:
        _last.goal, _last.question = question.goal(), question
    return _last.goal
