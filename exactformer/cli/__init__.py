"""The command line: thin, on top of the same functions that Python users call; one module a verb."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from exactformer.cli import (
    approximate,
    chain,
    check,
    compile,
    distance,
    evaluate,
    export,
    prove,
    range,
    regions,
    replay,
    report,
    resume,
    supports,
    temperature,
    theorems,
    verify,
)
from exactformer.cli.exits import BAD_INPUT, REJECTED, UNKNOWN
from exactformer.cli.parser import Parser
from exactformer.errors import CertificateRejected, InvalidInput, NumberTooLong, Unsupported, printable
from exactformer.version import __version__

VERBS = (
    *(prove, verify, check, compile, evaluate, regions, distance, range, temperature, approximate, chain, report),
    *(theorems, supports, export, replay, resume),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code 0 proved, 1 refuted, 2 unknown, 3 bad input, 4 certificate rejected."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    # A blank in front keeps argparse from taking -1/2 for an option; every number is read with blanks stripped.
    words = [f" {word}" if re.match(r"-(?:[\d.]|inf(?:inity)?$)", word, re.IGNORECASE) else word for word in words]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no failure
    try:
        code = _run(words)
        print(end="", flush=True)  # where standard output is closed from the start, this does nothing
        return code
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print(f"exactformer: {printable(str(error))}", file=sys.stderr)
        try:
            print(end="", flush=True)
        except OSError:  # standard output is closed or full: what is left of it goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _run(words: Sequence[str]) -> int:
    """Run one command; every failure becomes one message and its exit code."""
    try:
        options = _parsed(words)
        code: int = options.run(options)
        return code
    except InvalidInput as error:
        return _failed(words, "error", BAD_INPUT, *error.reasons)
    except NumberTooLong as error:  # the input is right, the answer is not known
        return _failed(words, "unknown", UNKNOWN, str(error))
    except Unsupported as error:
        return _failed(words, "error", BAD_INPUT, str(error))
    except CertificateRejected as error:
        return _failed(words, "rejected", REJECTED, str(error))
    except TimeoutError as error:
        return _failed(words, "unknown", UNKNOWN, str(error))
    except MemoryError:
        return _failed(words, "unknown", UNKNOWN, "out of memory: this needs more than there is or --memory allows")
    except OSError:
        raise
    except Exception as error:  # a defect of this program: nothing is decided, least of all by Python's exit code 1
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        text = f"internal error, please report it: {type(error).__name__}: {error} ({where})"
        return _failed(words, "unknown", UNKNOWN, text)


def _failed(words: Sequence[str], verdict: str, code: int, *reasons: str) -> int:
    text = "\n".join(map(printable, reasons))  # a file may have put anything into them
    if "--json" in words:
        print(json.dumps({"verdict": verdict, "reason": text, "exit_code": code}))
    print(f"exactformer: {text}", file=sys.stderr)
    return code


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="exactformer", description="Networks as Transformers, with proofs that they are equal.")
    parser.add_argument("--version", action="version", version=f"exactformer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for verb in VERBS:
        verb.add(commands)
    parser.set_defaults(words=list(words), parse=_parsed)
    if words and words[0] in commands.choices:  # options may stand between files, which argparse does not nest
        chosen = commands.choices[words[0]]
        chosen.set_defaults(words=list(words), parse=_parsed)
        return (chosen.parse_args if "--" in words else chosen.parse_intermixed_args)(words[1:])
    return parser.parse_args(words)
