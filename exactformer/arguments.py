"""What arguments of public functions must be: one set of checks, for callers from Python and for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Generic, TypeVar

from exactformer.errors import Faults, InvalidInput, did_you_mean, shown

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Limit(Generic[Number]):
    """The numbers that an option may be: what they are called, how they are read from text, and which they are."""

    expected: str
    read: Callable[[str], Number]
    valid: Callable[[Any], bool]

    def check(self, value: Any, place: str, faults: Faults, *, optional: bool = False) -> None:
        """Note a fault unless the value is such a number, or None where it is optional. True is no number."""
        if value is None and optional:
            return
        kind = Integral if self.read is int else Real
        if not isinstance(value, kind) or isinstance(value, bool) or not self.valid(value):
            faults.add(place, f"{self.expected}{' or None' * optional}", shown(value))


SECONDS = Limit("a positive number of seconds", float, lambda x: 0 < x < 1e9)
POSITIVE = Limit("a positive integer", int, lambda n: n >= 1)
NATURAL = Limit("an integer >= 0", int, lambda n: n >= 0)
ARITY = Limit("an integer >= 2", int, lambda n: n >= 2)


def one_of(value: Any, names: Sequence[str], place: str, faults: Faults) -> None:
    """Note a fault unless the value is one of the names; a near one is suggested."""
    if not isinstance(value, str) or value not in names:
        found = repr(value) if isinstance(value, str) else shown(value)
        faults.add(place, f"one of {', '.join(names)}", found, did_you_mean(value, names))


def instance(
    value: Any, kinds: type | tuple[type, ...], expected: str, place: str, faults: Faults, hint: str = ""
) -> bool:
    """Whether the value is of one of the kinds; a fault is noted if not."""
    if isinstance(value, kinds):
        return True
    faults.add(place, expected, shown(value), hint)
    return False


def function(value: Any, place: str, faults: Faults) -> None:
    """Note a fault unless the value can be called, or is None."""
    if value is not None and not callable(value):
        faults.add(place, "a function or None", shown(value))


def pool(value: Any, place: str, faults: Faults) -> None:
    """Note a fault unless work can be submitted to the value, or it is None."""
    if value is not None and not callable(getattr(value, "submit", None)):
        faults.add(place, "a concurrent.futures.Executor or None", shown(value))


def as_path(value: Any, place: str) -> Path:
    """The path that the value names. Raises `InvalidInput` for anything but a `str` or an `os.PathLike` of text."""
    text = value if isinstance(value, str) else os.fspath(value) if isinstance(value, os.PathLike) else None
    if not isinstance(text, str) or "\0" in text:
        raise InvalidInput(f"{place}: expected a path, as a str or a Path, found {shown(value)}")
    return Path(text)


def no_truth(value: object, ask: str) -> TypeError:
    """The error for an answer that is used as true or false, though "unknown" is neither."""
    return TypeError(f"{type(value).__name__}: an answer is neither true nor false; ask {ask}")
