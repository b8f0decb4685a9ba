"""Broken twins: a network with the sign of one entry flipped, and the values at which it errs."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from random import Random
from typing import Any, TypeVar

from exactformer.generic.ring import mapped
from exactformer.generic.statement import Counterexample, Statement

TRIES = 60
T = TypeVar("T")


def nonzeros(network: Any) -> int:
    """How many entries are not zero."""
    found: list[bool] = []

    def seen(entry: Any) -> Any:
        found.append(bool(entry))
        return entry

    mapped(network, seen)
    return sum(found)


def flipped(network: T, number: int) -> T:
    """The network with the opposite sign of one of its entries that are not zero; they count from 0."""
    numbers = count()
    return mapped(network, lambda entry: -entry if entry and next(numbers) == number else entry)


def broken(statement: Statement, random: Random) -> tuple[Statement, Counterexample]:
    """The statement about a right side with one sign flipped, at random, and a counterexample to it.

    Flips that change nothing are passed over. Raises `ValueError` where none of `TRIES` flips is refuted.
    """
    size = nonzeros(statement.right)
    for _ in range(TRIES):
        twin = replace(statement, right=flipped(statement.right, random.randrange(size)))
        witness = twin.counterexample(random, 20)
        if witness is not None:
            return twin, witness
    raise ValueError(f"{statement.title}: expected a flipped sign that changes something, found none")
