"""The words of a command line: one parser a command, and the numbers that stand in options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

from exactformer.arguments import ARITY, NATURAL, POSITIVE, SECONDS, Limit, Number
from exactformer.errors import InvalidInput


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
    parser.set_defaults(run=run, command=name)
    return parser


def number(limit: Limit[Number]) -> Callable[[str], Number]:
    """The reader of an option that is such a number."""

    def read(text: str) -> Number:
        with suppress(ValueError):
            if limit.valid(value := limit.read(text)):
                return value
        raise argparse.ArgumentTypeError(f"expected {limit.expected}, found {text.strip() or 'nothing'}")

    return read


def sample(text: str) -> int | None:
    """How many of the leaves; None for all."""
    return None if text == "all" else number(replace(POSITIVE, expected="a positive integer or all"))(text)


seconds, positive, arity, natural = number(SECONDS), number(POSITIVE), number(ARITY), number(NATURAL)
