"""The words of a command line: one parser a command, and the numbers that stand in options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from exactformer.errors import InvalidInput

Number = TypeVar("Number", int, float)


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are `InvalidInput`."""

    def error(self, message: str) -> NoReturn:
        """Raise `InvalidInput` instead of leaving the program."""
        raise InvalidInput(f"{message} (see {self.prog} --help)")


def command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    """The parser of one command, with the options that all have."""
    sentence = text[0].upper() + text[1:] + ("" if text.endswith("?") else ".")
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=sentence)
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    parser.set_defaults(run=run)
    return parser


def seconds(text: str) -> float:
    """A time limit."""
    return _option(text, float, lambda value: 0 < value < 1e9, "a positive number of seconds")


def sample(text: str) -> int | None:
    """How many of the leaves; None for all."""
    return None if text == "all" else _option(text, int, lambda value: value >= 1, "a positive integer or all")


def positive(text: str) -> int:
    """A positive integer."""
    return _option(text, int, lambda value: value >= 1, "a positive integer")


def arity(text: str) -> int:
    """An integer of at least two."""
    return _option(text, int, lambda value: value >= 2, "an integer >= 2")


def integer(text: str) -> int:
    """Any integer."""
    return _option(text, int, lambda value: True, "an integer")


def _option(text: str, read: Callable[[str], Number], valid: Callable[[Number], bool], expected: str) -> Number:
    with suppress(ValueError):
        if valid(value := read(text)):
            return value
    raise argparse.ArgumentTypeError(f"expected {expected}, found {text.strip() or 'nothing'}")
