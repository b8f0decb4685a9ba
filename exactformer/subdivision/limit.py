"""The time that a stage of counting may take: a function that every long loop calls, and that raises at the limit."""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[], None]  # raises `OutOfTime` when it is enough, as `Deadline.check` does


def unlimited() -> None:
    """No limit."""
