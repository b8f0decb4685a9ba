"""`exactformer-vnnlib`: the command line of the VNN-LIB standard, for tools that drive any verifier by it.

One line `sat`, `unsat`, `unknown` or `timed-out` on standard output, a satisfying assignment after it; all else goes to
standard error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from exactformer.cli.exits import BAD_INPUT
from exactformer.cli.parser import Parser, natural, positive, seconds
from exactformer.cli.process import run_as_program
from exactformer.errors import Faults, InvalidInput, Unsupported, printable
from exactformer.version import __version__

VERSIONS = ("1.0", "2.0")
THEORIES = {
    "hidden-node-theories": ["NH", "H"],
    "multiple-input-output-theories": ["SIO", "MIO"],
    "multiple-network-theories": ["SNET", "MNET", "MENET", "MINET"],
    "multiple-node-comparison-theories": ["SNC", "MNC"],
    "arithmetic-complexity-theories": ["BND", "OUTC", "LIN"],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the standard; returns 0 for every answer, 3 for bad input."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        options = _parsed(words)
        if options.version or options.name:
            print(__version__ if options.version else "exactformer")
            return 0
        code: int = options.run(options)
        return code
    except (InvalidInput, Unsupported) as error:
        print("exactformer-vnnlib:", "\n".join(map(printable, str(error).splitlines())), file=sys.stderr)
        return BAD_INPUT


def program() -> NoReturn:
    """As a process of its own."""
    run_as_program(main)


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="exactformer-vnnlib", description="VNN-LIB queries, answered in exact arithmetic.")
    parser.add_argument("--name", action="store_true", help="print the name of this verifier")
    parser.add_argument("--version", action="store_true", help="print its version")
    parser.add_argument("--as-real", action="store_true", help="read floating-point element types as real numbers")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)
    verify = commands.add_parser("verify", help="can the formula of a query be satisfied?")
    verify.add_argument("query", metavar="QUERY")
    verify.add_argument("--network", action="append", default=[], metavar="NAME=FILE", help="the file of a network")
    verify.add_argument("--timeout", type=seconds, metavar="SECONDS")
    verify.add_argument("--as-real", action="store_true", default=argparse.SUPPRESS, help="as before the command")
    verify.add_argument("--seed", type=natural, default=0, metavar="N", help="of the search for assignments")
    verify.add_argument("--jobs", type=positive, default=1, metavar="N", help="processes")
    verify.set_defaults(run=_verify)
    supports = commands.add_parser("supports", help="what of the standard is supported")
    which = supports.add_mutually_exclusive_group(required=True)
    for name in CAPABILITIES:
        which.add_argument(f"--{name}", dest="capability", action="store_const", const=name)
    supports.set_defaults(run=_supports)
    options = parser.parse_args(words)
    if not (options.name or options.version or hasattr(options, "run")):
        parser.error("expected a command: verify or supports")
    return options


def _verify(options: argparse.Namespace) -> int:
    from exactformer.formats.files import read
    from exactformer.formats.queries import only_real
    from exactformer.formats.vnnlib import read_query
    from exactformer.prover.queries import answer

    query = read_query(Path(options.query))
    only_real(query, as_real=options.as_real)  # before networks are read, which may take a while
    hidden = {slot.name: slot.hidden for slot in query.slots if slot.hidden}
    readings: dict[str, Any] = {}
    for text in options.network:
        name, equals, file = text.partition("=")
        if not name or not equals or name in readings:
            raise InvalidInput(f"--network: expected NAME=FILE, each name once, found {text!r}")
        readings[name] = read(Path(file), hidden.get(name, ()))
    if not query.named and len(readings) == 1:  # version 1.0 gives the network no name
        readings = dict(zip((query.slots[0].name,), readings.values(), strict=True))
    else:
        _check_tensors(query, readings)
    networks = {name: reading.network for name, reading in readings.items()}
    how = {"timeout": options.timeout, "seed": options.seed, "jobs": options.jobs}
    found = answer(query, networks, as_real=options.as_real, **how)
    print(found.result)
    if found.values is not None:
        for number, slot in enumerate(query.slots):
            for kind, tensors in (("input", slot.inputs), ("output", slot.outputs)):
                values = [value for (n, k, _), value in sorted(found.values.items()) if (n, k) == (number, kind)]
                _print_tensors(tensors, values)
    if found.reason is not None:
        print(f"exactformer-vnnlib: {printable(found.reason)}", file=sys.stderr)
    for outcome in found.outcomes:
        if outcome.theorem is not None:
            print(f"exactformer-vnnlib: {outcome.verdict}: {printable(outcome.theorem)}", file=sys.stderr)
    return 0


def _check_tensors(query: Any, readings: Mapping[str, Any]) -> None:
    """Raise `InvalidInput` where a network has several tensors, and the query declares others in their place."""
    faults = Faults(query.source)
    for slot in query.slots:
        reading = readings.get(slot.name)
        for kind in ("inputs", "outputs"):
            found = getattr(reading, kind, ())
            declared = tuple(tensor.size for tensor in getattr(slot, kind))
            if found and found != declared:
                faults.add(f"network {slot.name}", f"{kind} of the sizes {list(found)}, in order", list(declared))
    faults.settle()


def _print_tensors(tensors: Sequence[Any], values: Sequence[Fraction]) -> None:
    """Each tensor as the standard writes it: name, type, shape, then its values in row-major order, a line each."""
    first = 0
    for tensor in tensors:
        print(f"{tensor.name} {tensor.type} [{','.join(map(str, tensor.shape))}]")
        for value in values[first : first + tensor.size]:
            print(decimal(value))
        first += tensor.size


def decimal(value: Fraction) -> str:
    """The number exactly: as a decimal if it is one, otherwise as p/q.

    >>> decimal(Fraction(-3, 80)), decimal(Fraction(1, 3)), decimal(Fraction(7))
    ('-0.0375', '1/3', '7')
    """
    rest, places = value.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        places = max(places, count)
    if rest != 1:
        return str(value)
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if value < 0 else text


def _supports(options: argparse.Namespace) -> int:
    for line in CAPABILITIES[options.capability]():
        print(line)
    return 0


def _operators() -> list[str]:
    from exactformer.formats.graphs.operators import OPERATORS

    return sorted(OPERATORS)


def _opsets() -> list[str]:
    from exactformer.formats.graphs.operators import OPSETS

    return [str(OPSETS[0]), str(OPSETS[-1])]


CAPABILITIES: dict[str, Any] = {
    "onnx-opset-versions": _opsets,
    "onnx-element-types": lambda: ["real"],
    "onnx-operators": _operators,
    "vnnlib-versions": lambda: list(VERSIONS),
    **{name: (lambda words=words: words) for name, words in THEORIES.items()},
    "optimised-disjunctive-reasoning": lambda: ["false"],
    "serialise-assignments": lambda: ["false"],
}
