"""Options that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactformer.cli.parser import arity, natural, sample, seconds
from exactformer.errors import Faults, InvalidInput, Unsupported, printable

CONSTRUCTION = "gated"
DEFAULT = -1  # of --sample: told from a number that was asked for
CROSS_CHECKS: dict[str | None, tuple[str, ...]] = {"none": (), "z3": ("z3",), "cvc5": ("cvc5",), "both": ("z3", "cvc5")}


def construction_options(parser: argparse.ArgumentParser) -> None:
    """Which Transformer a network is compiled to."""
    from exactformer.compiler.driver import CONSTRUCTIONS

    names = f"{CONSTRUCTION}; {', '.join(name for name in CONSTRUCTIONS if name != CONSTRUCTION)}"
    parser.add_argument("--construction", choices=CONSTRUCTIONS, metavar="NAME", help=f"default: {names}")
    parser.add_argument("--arity", type=arity, metavar="Q", help="of --construction tournament; default: 2")


def domain_options(parser: argparse.ArgumentParser) -> None:
    """Where a claim is asked, or regions are counted."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--box", nargs=2, metavar=("LO", "HI"), help="every input in [LO, HI]")
    which.add_argument(
        "--domain", metavar="FILE", help="a JSON object with lower, upper and maybe matrix, bounds; or VNN-LIB"
    )
    which.add_argument("--everywhere", action="store_true", help="all of R^n")


def proving_options(parser: argparse.ArgumentParser) -> None:
    """How a claim is decided, and where its proof is written."""
    domain_options(parser)
    parser.add_argument("--method", default="auto", choices=("auto", "structural", "lazy", "regions", "smt"))
    parser.add_argument("--tie", default="average", choices=("average", "leftmost", "rightmost"))
    parser.add_argument("--out", metavar="DIR", help="the proof folder (default: NAME-proof)")
    parser.add_argument("--timeout", type=seconds, default=300.0, metavar="SECONDS", help="default: 300")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the search for counterexamples")
    parser.add_argument(
        "--cross-check",
        choices=CROSS_CHECKS,
        help="solvers to ask about the leaves of a proof; default: z3 for regions, none otherwise",
    )
    parser.add_argument(
        "--sample", type=sample, default=DEFAULT, metavar="N", help="of the leaves, or all; default: 200, by the seed"
    )
    parser.add_argument("--certified", action="store_true", help="a proof on the word of z3 alone counts as unknown")
    parser.add_argument("--obligations", action="store_true", help="write the claim and each leaf as SMT-LIB 2")
    parser.add_argument("--kernel", action="store_true", help="put the kernel's source into the proof folder")


def formula_options(parser: argparse.ArgumentParser) -> None:
    """A function in place of a network's file."""
    parser.add_argument("--formula", metavar="TEXT", help="a function in place of a file: --formula 'sin(3*x) + x^2/2'")
    parser.add_argument("--variables", metavar="X,Y,...", help="its inputs in order; default: sorted by name")


def asked_function(options: argparse.Namespace) -> tuple[Any, str]:
    """The network in a file, or the function of a formula, and what messages call it."""
    from exactformer.functions import function

    if (options.network is None) == (options.formula is None):
        raise InvalidInput(
            f"NETWORK: expected a file or --formula, found {'none' if options.network is None else 'both'}"
        )
    if options.formula is None and options.variables is not None:
        raise no_effect("--variables", "--formula")
    if options.formula is None:
        return network_in(options.network, options), str(options.network)
    names = None if options.variables is None else [name.strip() for name in options.variables.split(",")]
    return function(options.formula, names), "formula"


def base_option(parser: argparse.ArgumentParser) -> None:
    """Of softmax."""
    parser.add_argument("--base", choices=("e", "2"), help="of softmax; default: e")


def asked_temperature(options: argparse.Namespace, name: str) -> tuple[Fraction, ...]:
    """The inverse temperatures that an option names, one or one a layer; none where it is not given."""
    from exactformer.networks.semantics import read_temperature

    text, faults = getattr(options, name), Faults()
    each = None if text is None else [rate.strip() for rate in text.split(",")]
    rates = each[0] if each is not None and len(each) == 1 else each
    found = read_temperature(rates, f"--{name.replace('_', '-')}", faults)
    faults.settle()
    return found


def chosen(options: argparse.Namespace) -> dict[str, Any]:
    """The construction asked for, as arguments of `compile_network` and `prove`."""
    construction = options.construction or CONSTRUCTION
    if options.arity is not None and construction != "tournament":
        raise no_effect("--arity", "--construction tournament")
    return {"construction": construction, "arity": options.arity or 2}


def network_in(name: str, options: argparse.Namespace) -> Any:
    """The network in a file; what its reader assumed is said on standard error."""
    from exactformer.formats.files import read

    reading = read(Path(name))
    if not options.quiet:
        for note in reading.notes:
            print(f"exactformer: {printable(f'{name}: {note}')}", file=sys.stderr)
    return reading.network


def input_files(options: argparse.Namespace) -> list[Path]:
    """The files that a command reads."""
    names = ("network", "left", "right", "domain", "correspondence", "family")
    return [Path(value) for name in names if (value := getattr(options, name, None)) is not None]


def no_effect(option: str, needed: str) -> InvalidInput:
    """The refusal of an option that would be ignored."""
    return InvalidInput(f"{option}: expected together with {needed}, without which it has no effect")


def search(options: argparse.Namespace) -> dict[str, Any]:
    """How to decide the claim, as arguments of `prove` and `verify`."""
    _check_search(options)
    shared = {name: getattr(options, name) for name in ("method", "tie", "timeout", "seed", "certified")}
    return {
        **shared,
        "cross_check": CROSS_CHECKS.get(options.cross_check),
        "sample": 200 if options.sample == DEFAULT else options.sample,
    }


def _check_search(options: argparse.Namespace) -> None:
    """Raises `InvalidInput` for an option that the method asked for makes no use of."""
    split = options.method in ("auto", "lazy", "regions")
    if options.jobs > 1 and not split:
        raise no_effect("--jobs", "--method auto, lazy or regions")
    if options.method == "smt" and options.cross_check is not None:
        raise no_effect("--cross-check", "a method whose proofs have leaves (not smt)")
    by_default = options.cross_check is None and options.method in ("auto", "regions")
    if options.sample != DEFAULT and not by_default and not CROSS_CHECKS[options.cross_check or "none"]:
        raise no_effect("--sample", "--cross-check z3, cvc5 or both")


def asked_domain(options: argparse.Namespace, inputs: int) -> Any:
    """The domain asked for, or None for the network's own."""
    from exactformer.domain import Domain, read_domain, read_end
    from exactformer.formats.files import read_bytes
    from exactformer.formats.network_json import parse_json

    if options.everywhere:
        return Domain.everything(inputs)
    if options.box:
        faults = Faults()
        low = read_end(options.box[0], "lower", "--box LO", faults)
        high = read_end(options.box[1], "upper", "--box HI", faults)
        if low is not None and high is not None and low > high and not faults.reasons:
            faults.add("--box", "LO <= HI", f"{low} > {high}")
        faults.settle()
        return Domain.box(inputs, low, high)
    if options.domain:
        if options.domain.lower().endswith((".vnnlib", ".vnnlib.gz")):
            from exactformer.formats.vnnlib import read_query

            domain = read_query(Path(options.domain)).single.domain
            check_inhabited(domain, options.domain)
            return domain
        faults = Faults(options.domain)
        value = parse_json(read_bytes(Path(options.domain)), options.domain)
        domain = read_domain(value, "domain", inputs, faults)
        faults.settle()
        check_inhabited(domain, options.domain)
        return domain
    return None


def read_correspondence_file(name: str | None) -> Any:
    """The correspondence in a file, or None where there is no file."""
    from exactformer.compiler.correspondence import read_correspondence
    from exactformer.formats.files import read_bytes
    from exactformer.formats.network_json import parse_json

    if name is None:
        return None
    faults = Faults(name)
    result = read_correspondence(parse_json(read_bytes(Path(name)), name), faults)
    faults.settle()
    return result


def read_points(points: list[list[str]], inputs: int) -> list[tuple[Fraction, ...]]:
    """The points of --at, exactly. Raises `InvalidInput` with all their faults."""
    from exactformer.rational import read_rational

    faults = Faults()
    result = []
    for number, point in enumerate(points):
        place = "--at" if len(points) == 1 else f"--at, point {number}"
        if len(point) != inputs:
            faults.add(place, f"{inputs} coordinates", f"{len(point)}")
        result.append(tuple(read_rational(x, f"{place}, coordinate {i}", faults) for i, x in enumerate(point)))
    faults.settle()
    return result


def check_inhabited(domain: Any, source: str) -> None:
    """Raises `InvalidInput` for inequalities without a common point."""
    from exactformer.polyhedra.inhabitant import inhabitant

    if len(domain.bounds):
        with about(source):
            inhabitant(domain)


@contextmanager
def about(source: str) -> Iterator[None]:
    """Puts the name of the file in front of messages that name only the place."""
    try:
        yield
    except InvalidInput as error:
        named = (reason if reason.startswith(source) else f"{source}: {reason}" for reason in error.reasons)
        raise InvalidInput(named) from None
    except Unsupported as error:
        raise type(error)(f"{source}: {error}") from None
