"""What a worker keeps between two pieces of work of one question."""

from __future__ import annotations

import pickle
import threading

from exactformer.kernel.claims import Goal
from exactformer.prover.question import Question


class _Last(threading.local):
    """The question that this thread had last, and its goal: all pieces of the question hang below it."""

    data: bytes = b""
    question: Question
    goal: Goal


_last = _Last()


def packed(question: Question) -> bytes:
    """The question for workers: packed once, however many pieces of work it has."""
    return pickle.dumps(question)


def question_of(data: bytes) -> Question:
    """The question; a thread unpacks it once for all its pieces of work."""
    if _last.data != data:
        _last.question = pickle.loads(data)
        _last.goal = _last.question.goal()
        _last.data = data
    return _last.question


def goal_of(data: bytes) -> Goal:
    """The whole domain; a thread evaluates it once for all its pieces of work."""
    question_of(data)
    return _last.goal
