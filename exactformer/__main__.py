"""`exactformer` and `python -m exactformer`: the command line as a process of its own."""

from __future__ import annotations

from typing import NoReturn

from exactformer.cli import main
from exactformer.cli.process import run_as_program


def program() -> NoReturn:
    """Run the command line and leave."""
    run_as_program(main)


if __name__ == "__main__":
    program()
