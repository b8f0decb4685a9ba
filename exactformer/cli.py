"""The command line: thin, on top of the same functions that Python users call."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from fractions import Fraction
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from exactformer import __version__
from exactformer.errors import CertificateRejected, Faults, InvalidInput, Unsupported, printable

Number = TypeVar("Number", int, float)
PROVED, REFUTED, UNKNOWN, BAD_INPUT, REJECTED = 0, 1, 2, 3, 4
CROSS_CHECKS: dict[str | None, tuple[str, ...]] = {"none": (), "z3": ("z3",), "cvc5": ("cvc5",), "both": ("z3", "cvc5")}
EXIT = {"proved": PROVED, "refuted": REFUTED, "unknown": UNKNOWN}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code 0 proved, 1 refuted, 2 unknown, 3 bad input, 4 certificate rejected."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    # A blank in front keeps argparse from taking -1/2 for an option; every number is read with blanks stripped.
    words = [f" {word}" if re.match(r"-[\d.]", word) else word for word in words]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no failure
    try:
        code = _run(words)
        print(end="", flush=True)  # where standard output is closed from the start, this does nothing
        return code
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print(f"exactformer: {error}", file=sys.stderr)
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
        options = _parser().parse_args(words)
        code: int = options.run(options)
        return code
    except (InvalidInput, Unsupported) as error:
        return _failed(words, "error", BAD_INPUT, str(error))
    except CertificateRejected as error:
        return _failed(words, "rejected", REJECTED, str(error))
    except TimeoutError as error:
        return _failed(words, "unknown", UNKNOWN, str(error))
    except OSError:
        raise
    except Exception as error:  # a defect of this program: nothing is decided, least of all by Python's exit code 1
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        text = f"internal error, please report it: {type(error).__name__}: {error} ({where})"
        return _failed(words, "unknown", UNKNOWN, text)


def _failed(words: Sequence[str], verdict: str, code: int, text: str) -> int:
    if "--json" in words:
        print(json.dumps({"verdict": verdict, "reason": text, "exit_code": code}))
    print(f"exactformer: {text}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidInput(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    from exactformer.claims import FORMS

    parser = _Parser(prog="exactformer", description="Networks as Transformers, with proofs that they are equal.")
    parser.add_argument("--version", action="version", version=f"exactformer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    prove = _command(commands, "prove", _prove, "compile a network, prove it, write certificate and report")
    prove.add_argument("network", metavar="NETWORK", help="a maxout or ReLU network (.json, .nnet)")
    _construction(prove)
    _proving(prove)

    verify = _command(commands, "verify", _verify, "are two networks of any kinds equal, or does another claim hold?")
    verify.add_argument("left", metavar="A", nargs="?")
    verify.add_argument("right", metavar="B", nargs="?", help="not for claims about one network")
    verify.add_argument("--claim", default="equal", metavar="CLAIM", help="default: equal; " + ", ".join(FORMS[1:]))
    verify.add_argument("--correspondence", metavar="FILE", help="where the units of A live in B, for the trace")
    verify.add_argument("--family", metavar="FILE", help="a Python file whose pairs() yields networks; it is executed")
    verify.add_argument("--instances", type=_positive, metavar="N", help="of the family; default: all")
    _proving(verify)

    check = _command(commands, "check", _check, "re-check a certificate with the kernel alone")
    check.add_argument("proof", metavar="PROOF", help="a certificate file, or a folder written by prove or verify")
    check.add_argument("--timeout", type=_seconds, default=3600.0, metavar="SECONDS", help="default: 3600")

    compile_ = _command(commands, "compile", _compile, "write only the Transformer")
    compile_.add_argument("network", metavar="NETWORK")
    result = compile_.add_mutually_exclusive_group(required=True)
    result.add_argument("-o", "--output", metavar="FILE")
    result.add_argument("--compare", action="store_true", help="only print the sizes of all constructions")
    _construction(compile_)
    _domain_options(compile_)

    evaluate = _command(commands, "evaluate", _evaluate, "the exact value of a network at a point")
    evaluate.add_argument("network", metavar="NETWORK")
    evaluate.add_argument("--at", required=True, action="append", metavar="X,Y,...", help="the point (repeatable)")
    evaluate.add_argument("--tie", default="average", choices=("average", "leftmost", "rightmost"))
    evaluate.add_argument("--temperature", metavar="L", help="softmax attention at inverse temperature L, in floats")

    counted = _command(commands, "regions", _regions, "count, list and draw the linear regions of a network, exactly")
    counted.add_argument("network", metavar="NETWORK")
    _domain_options(counted)
    wanted = counted.add_argument_group("what is wanted (default: the counts)")
    wanted.add_argument("--count", action="store_true", help="the counts; faces of finished parts are forgotten")
    wanted.add_argument("--list", action="store_true", help="every region: a point, its inequalities, its affine map")
    wanted.add_argument("--draw", metavar="FILE", help="a picture (.svg, .png, .pdf) for one or two inputs, or a slice")
    wanted.add_argument("--colour", default="map", choices=("map", "layer"), help="of the picture; default: map")
    wanted.add_argument("--certificate", metavar="DIR", help="a folder that `check` accepts: the network, the count")
    wanted.add_argument("--npz", metavar="FILE", help="the regions as NumPy arrays")
    which = counted.add_argument_group("of which network")
    which.add_argument("--of", default="source", choices=("source", "transformer"), help="NETWORK, or it compiled")
    which.add_argument("--tie", default="average", choices=("average", "leftmost", "rightmost"))
    which.add_argument("--slice", metavar="x1,x2", help="only these inputs vary")
    which.add_argument("--at", metavar="X,Y,...", help="of --slice: the point of the others; default: the middle")
    counted.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="past it: what was found, exit code 2")
    counted.add_argument("--jobs", type=_positive, default=1, metavar="N", help="processes")
    _construction(counted)
    report = _command(commands, "report", _report, "render the report of a proof folder again")
    report.add_argument("proof", metavar="PROOF", help="a folder written by prove or verify")
    report.add_argument("--format", default="text", choices=("text", "markdown", "html"))
    report.add_argument("-o", "--output", metavar="FILE", help="default: standard output")
    return parser


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    sentence = text[0].upper() + text[1:] + ("" if text.endswith("?") else ".")
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=sentence)
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    parser.set_defaults(run=run)
    return parser


def _construction(parser: argparse.ArgumentParser) -> None:
    from exactformer.compiler.driver import CONSTRUCTIONS

    names = ", ".join(CONSTRUCTIONS)
    parser.add_argument("--construction", default="gated", choices=CONSTRUCTIONS, metavar="NAME", help=names)
    parser.add_argument("--arity", type=_arity, default=2, metavar="Q", help="of --construction tournament; default: 2")


def _domain_options(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--box", nargs=2, metavar=("LO", "HI"), help="every input in [LO, HI]")
    which.add_argument("--domain", metavar="FILE", help="a JSON object with lower, upper and maybe matrix, bounds")
    which.add_argument("--everywhere", action="store_true", help="all of R^n")


def _proving(parser: argparse.ArgumentParser) -> None:
    _domain_options(parser)
    parser.add_argument("--method", default="auto", choices=("auto", "structural", "lazy", "regions", "smt"))
    parser.add_argument("--tie", default="average", choices=("average", "leftmost", "rightmost"))
    parser.add_argument("--out", metavar="DIR", help="the proof folder (default: NAME-proof)")
    parser.add_argument("--timeout", type=_seconds, default=300.0, metavar="SECONDS", help="default: 300")
    parser.add_argument("--jobs", type=_positive, default=1, metavar="N", help="processes for lazy and regions")
    parser.add_argument("--seed", type=_integer, default=0, metavar="N", help="of the search for counterexamples")
    parser.add_argument(
        "--cross-check",
        choices=CROSS_CHECKS,
        help="solvers to ask about the leaves of a proof; default: z3 for regions, none otherwise",
    )
    parser.add_argument(
        "--sample", type=_sample, default=200, metavar="N", help="of the leaves, or all; default: 200, by the seed"
    )
    parser.add_argument("--obligations", action="store_true", help="write the claim and each leaf as SMT-LIB 2")
    parser.add_argument("--kernel", action="store_true", help="put the kernel's source into the proof folder")


def _seconds(text: str) -> float:
    return _option(text, float, lambda value: 0 < value < 1e9, "a positive number of seconds")


def _sample(text: str) -> int | None:
    return None if text == "all" else _option(text, int, lambda value: value >= 1, "a positive integer or all")


def _positive(text: str) -> int:
    return _option(text, int, lambda value: value >= 1, "a positive integer")


def _arity(text: str) -> int:
    return _option(text, int, lambda value: value >= 2, "an integer >= 2")


def _integer(text: str) -> int:
    return _option(text, int, lambda value: True, "an integer")


def _option(text: str, read: Callable[[str], Number], valid: Callable[[Number], bool], expected: str) -> Number:
    with suppress(ValueError):
        if valid(value := read(text)):
            return value
    raise argparse.ArgumentTypeError(f"expected {expected}, found {text.strip() or 'nothing'}")


# --- the commands ---------------------------------------------------------------------------------


def _prove(options: argparse.Namespace) -> int:
    from exactformer.formats import load
    from exactformer.prover.driver import prove

    network = load(options.network)
    domain = _domain(options, network.inputs)
    folder = _folder(options, Path(options.network).stem)
    with _about(options.network), _progress(options) as progress:
        outcome = prove(network, domain=domain, **_chosen(options), **_search(options), progress=progress)
    return _finish(options, outcome, folder)


def _chosen(options: argparse.Namespace) -> dict[str, Any]:
    return {"construction": options.construction, "arity": options.arity}


def _verify(options: argparse.Namespace) -> int:
    from exactformer.claims import read_claim
    from exactformer.formats import load
    from exactformer.prover.driver import verify

    claim = read_claim(options.claim)
    if options.family is not None:
        return _verify_family(options, claim)
    files = [name for name in (options.left, options.right) if name is not None]
    if len(files) != claim.networks:
        wanted = ("one network file, A", "two network files, A and B")[claim.networks - 1]
        raise InvalidInput(f"claim {claim.name}: expected {wanted}, found {len(files)}")
    left, *others = map(load, files)
    right = others[0] if others else None
    domain = _domain(options, left.inputs)
    name = "-".join(Path(file).stem for file in files)
    folder = _folder(options, name if right is not None else f"{name}-{claim.name}")
    search = {**_search(options), "correspondence": _correspondence(options)}
    with _about(", ".join(files)), _progress(options) as progress:
        outcome = verify(left, right, claim=claim, domain=domain, **search, progress=progress)
    return _finish(options, outcome, folder)


def _correspondence(options: argparse.Namespace) -> Any:
    """The correspondence asked for, or None."""
    from exactformer.compiler.correspondence import read_correspondence
    from exactformer.formats.files import read_bytes
    from exactformer.formats.network_json import parse_json

    name = options.correspondence
    if name is None:
        return None
    faults = Faults(name)
    result = read_correspondence(parse_json(read_bytes(Path(name)), name), faults)
    faults.settle()
    return result


def _verify_family(options: argparse.Namespace, claim: Any) -> int:
    """Test a conjecture; a counterexample is written as a proof folder."""
    from exactformer.folder import summary
    from exactformer.prover.family import load_family, verify_family

    for name in (options.left, options.correspondence):
        if name is not None:
            raise InvalidInput(f"--family: expected no other files beside it, found {name}")
    folder = _folder(options, Path(options.family).stem)
    pairs, rebuild = load_family(Path(options.family), seed=options.seed)
    with _about(options.family), _progress(options, "{} instances proved, {} left open") as progress:
        search = {**_search(options), "claim": claim, "domain": lambda inputs: _domain(options, inputs)}
        result = verify_family(pairs, rebuild=rebuild, limit=options.instances, progress=progress, **search)
    found = result.counterexample
    numbers = {"proved": result.proved, "unknown": result.unknown, "instance": result.instance, "shrunk": result.shrunk}
    if found is not None:
        _write(options, found, folder)
    if options.json:
        answer = {"verdict": result.verdict, "claim": claim.name, **numbers, "seconds": round(result.seconds, 6)}
        print(json.dumps({**answer, "counterexample": None if found is None else summary(found, folder)}))
    elif not options.quiet:
        print(f"{result.verdict.upper()}  {result.proved} instances proved, {result.unknown} left open")
        if found is not None:
            print(f"instance {result.instance} is a counterexample, after {result.shrunk} steps of making it smaller:")
            print("\n".join(_answer(found, folder)))
    return EXIT[result.verdict]


def _search(options: argparse.Namespace) -> dict[str, Any]:
    shared = {name: getattr(options, name) for name in ("method", "tie", "timeout", "jobs", "seed")}
    return {**shared, "cross_check": CROSS_CHECKS.get(options.cross_check), "sample": options.sample}


def _folder(options: argparse.Namespace, name: str) -> Path:
    """The proof folder asked for. Raises `InvalidInput` where none can be written."""
    from exactformer.folder import check_place

    folder = Path(options.out) if options.out else Path(re.sub(r"[^\w.+-]", "_", name) + "-proof")
    check_place(folder)
    return folder


def _finish(options: argparse.Namespace, outcome: Any, folder: Path) -> int:
    """Write the proof folder, print the answer."""
    from exactformer.folder import summary

    _write(options, outcome, folder)
    if options.json:
        print(json.dumps(summary(outcome, folder)))
    elif not options.quiet:
        print("\n".join(_answer(outcome, folder)))
    return EXIT[outcome.verdict]


def _write(options: argparse.Namespace, outcome: Any, folder: Path) -> None:
    from exactformer.folder import write_folder

    write_folder(outcome, folder, obligations=options.obligations, kernel=options.kernel)


def _answer(outcome: Any, folder: Path) -> Iterator[str]:
    """The answer in a few lines; the whole of it is in the report."""
    witness = outcome.witness
    if witness is None:
        yield f"{outcome.verdict.upper()}  {outcome.theorem or outcome.reason}"
    else:
        yield f"REFUTED  it is not true that {outcome.claim}"
        for name, point in witness.points:
            yield f"  {name:9} {_vector(point)}"
        for e in witness.evaluations:
            yield f"  value     {e.label.format(left='left', right='right')} = {_vector(e.outputs)}"
    yield f"  domain    {outcome.domain}"
    yield f"  left      {_described(outcome.left)}"
    if outcome.right is not None:
        yield f"  right     {_described(outcome.right)}"
    if outcome.compiled is not None:
        agree = all(line.agrees for line in outcome.compiled.sizes)
        entries = next(line for line in outcome.compiled.sizes if line.name == "non-zero entries")
        bound = f"{entries.counted} non-zero entries, at most {float(entries.expected):.0f}"
        yield f"  sizes     {'as' if agree else 'NOT as'} the construction's formulas say ({bound})"
    used = ", ".join(f"{n} {name}" for name, n in outcome.counts.items() if n and name != "ties")
    yield f"  method    {outcome.method}, {outcome.seconds:.2f} s" + (f" ({used})" if used else "")
    for said in outcome.confirmations:
        out_of = f"{said.tried}" if said.tried == said.total else f"{said.tried} (of {said.total})"
        note = f"; {said.note}" if said.note else ""
        yield f"  confirmed {said.route}: {said.confirmed} of {out_of} {said.subject}{note}"
    for line in outcome.trusted:
        yield f"  trusted   {line}"
    first = next((line for line in outcome.trace if not line.agrees), None)
    if first is not None:
        yield f"  differs   first at {first.place}: {_short(first.found)}, wanted {_short(first.wanted)}"
    for entry in outcome.blame[:4]:
        mend = ": this change alone repairs it" if entry.repairs else ""
        yield f"  blame     {entry.place} is {_short(entry.found)}, wanted {_short(entry.wanted)}{mend}"
    yield f"  written   {folder}/report.html" + (f", {folder}/certificate.json" if outcome.certificate else "")
    if outcome.certificate is not None:
        yield f"  re-check  exactformer check {folder}"


def _vector(values: Sequence[Fraction]) -> str:
    shown = [_short(str(x)) for x in values[:6]] + (["..."] if len(values) > 6 else [])
    return "(" + ", ".join(shown) + ")"


def _described(network: Any) -> str:
    if network.kind == "transformer":
        size = f"{network.tokens} tokens, width {network.width}, {len(network.blocks)} blocks"
    else:
        size = "-".join(map(str, (network.inputs, *network.widths, network.outputs)))
    return f"{network.kind} {printable(network.name.strip()) or 'network'}: {size}"


def _short(number: str) -> str:
    """A number as it is, or rounded when it is long; the certificate has it in full."""
    if len(number) <= 24:
        return number
    exact = Fraction(number)
    return f"~{Decimal(exact.numerator) / Decimal(exact.denominator):.9g}"


def _check(options: argparse.Namespace) -> int:
    from exactformer.checking import check

    found = check(options.proof, timeout=options.timeout)
    if options.json:
        said = {key: getattr(found, key) for key in ("claim", "parameters", "holds", "theorem", "counts")}
        answer = {"verdict": "accepted", **said}
        print(json.dumps({**answer, "seconds": found.seconds, "certificate": str(options.proof)}))
    elif not options.quiet:
        steps = ", ".join(f"{count} {name}" for name, count in found.counts.items() if count and name != "ties")
        print(f"accepted: {found.theorem}")
        for side, digest in found.digests.items():
            print(f"  {side:6} sha256 {digest}")
        checker = "exactformer.recount" if found.claim == "regions" else "the kernel alone"
        print(f"  checked by {checker} in {found.seconds:.2f} s" + (f" ({steps})" if steps else ""))
    return PROVED


def _compile(options: argparse.Namespace) -> int:
    from exactformer.compiler import compile_network
    from exactformer.formats import load
    from exactformer.formats.files import write_atomically
    from exactformer.formats.network_json import dump

    network = load(options.network)
    domain = _domain(options, network.inputs)
    if domain is None and network.domain is not None:
        _check_inhabited(network.domain, options.network)
    if options.compare:
        return _compare(options, network, domain)
    with _about(options.network):
        compiled = compile_network(network, domain=domain, **_chosen(options))
        text = dump(compiled.transformer)
    write_atomically(Path(options.output), text)
    sizes = {line.name: line.counted for line in compiled.sizes}
    if options.json:
        print(json.dumps({"construction": options.construction, "file": options.output, "counts": sizes}))
    elif not options.quiet:
        width = max(len(line.name) for line in compiled.sizes)
        for line in compiled.sizes:
            relation = "=" if line.exact else "<="
            print(f"{line.name:{width}}  {line.counted:>9} {relation} {line.expected}   ({line.formula})")
    return PROVED


def _compare(options: argparse.Namespace, network: Any, domain: Any) -> int:
    """The sizes of all constructions, side by side."""
    from exactformer.compiler import compare_sizes, comparison_text

    with _about(options.network):
        rows = compare_sizes(network, domain, arity=options.arity)
    if options.json:
        print(json.dumps({"constructions": [row.to_json() for row in rows]}))
    else:
        print(comparison_text(rows))
    return PROVED


def _evaluate(options: argparse.Namespace) -> int:
    from exactformer.formats import load
    from exactformer.prover.question import evaluate_exactly
    from exactformer.rational import number_text

    network = load(options.network)
    points = [[x.strip() for x in text.split(",")] if text.strip() else [] for text in options.at]
    exact = _points(points, network.inputs)
    values: list[list[Any]]
    if options.temperature is None:
        with _about(options.network):
            values = [[number_text(y) for y in evaluate_exactly(network, x, options.tie)] for x in exact]
    else:
        values = _softmax_values(network, exact, options)
    if options.json:
        finite = [[y if isinstance(y, (int, str)) or math.isfinite(y) else None for y in value] for value in values]
        print(json.dumps({"points": points, "values": finite, "exact": options.temperature is None}))
    else:
        for value in values:
            print(", ".join(map(str, value)))
    return PROVED


def _points(points: list[list[str]], inputs: int) -> list[tuple[Fraction, ...]]:
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


def _softmax_values(network: Any, points: list[tuple[Fraction, ...]], options: argparse.Namespace) -> list[list[Any]]:
    from exactformer.networks import Transformer
    from exactformer.numeric import evaluate_batch
    from exactformer.rational import rational

    if not isinstance(network, Transformer):
        raise Unsupported(
            f"{options.network}: expected a Transformer for --temperature, found a {network.kind} network"
        )
    temperature = rational(options.temperature, "--temperature")
    try:
        floats = [[float(x) for x in point] for point in points]
        values = evaluate_batch(network, floats, temperature=float(temperature))
    except OverflowError:
        raise InvalidInput("--at, --temperature: expected numbers in the range of floats, found a larger one") from None
    return [list(map(float, row)) for row in values]


def _regions(options: argparse.Namespace) -> int:
    from exactformer.formats import load
    from exactformer.subdivision import regions
    from exactformer.subdivision.certificate import write_certificate
    from exactformer.subdivision.drawing import check_drawing, draw

    network, domain, names = _of_which(options, load(options.network))
    if options.draw:
        with _about(options.network):
            check_drawing(options.draw, network, domain, options.colour)
    shapes = bool(options.list or options.draw or options.certificate or options.npz)
    started = time.monotonic()
    with _about(options.network):
        with _progress(options, "{} regions") as show:
            found = regions(
                network,
                domain,
                tie=options.tie,
                timeout=options.timeout,
                jobs=options.jobs,
                shapes=shapes,
                progress=None if show is None else lambda cells: show(cells, 0),
            )
        written = []
        if options.certificate:
            written.append(write_certificate(found, options.certificate))
        if options.draw:
            draw(found, options.draw, colour=options.colour, names=names)
            written.append(Path(options.draw))
        if options.npz:
            found.save_npz(options.npz)
            written.append(Path(options.npz))
    value = found.to_json(regions=options.list)
    seconds = time.monotonic() - started
    reason = None if found.complete else f"out of time after {options.timeout} s: there are at least so many"
    if options.json:
        proof = str(written[0]) if options.certificate else None
        head = {"verdict": "counted" if found.complete else "unknown", "reason": reason, "certificate": proof}
        print(json.dumps({**head, **value, "seconds": seconds}))
    elif not options.quiet:
        print("\n".join(_counted(found, network, options.list, seconds)))
        for path in written:
            print(f"  written   {path}")
        if reason is not None:
            print(f"  {reason}")
    return PROVED if found.complete else UNKNOWN


def _of_which(options: argparse.Namespace, network: Any) -> tuple[Any, Any, tuple[str, ...]]:
    """The network and domain whose regions are asked for, and the names of its inputs."""
    from exactformer.compiler import compile_network
    from exactformer.domain import Domain
    from exactformer.networks import Transformer
    from exactformer.subdivision.slices import coordinate_plane

    domain = _domain(options, network.inputs) or network.domain or Domain.everything(network.inputs)
    names = tuple(f"x{i + 1}" for i in range(network.inputs))
    with _about(options.network):
        if options.slice is not None:
            axes = [_input(word, network.inputs) for word in options.slice.split(",")]
            at = _points([options.at.split(",")], network.inputs)[0] if options.at is not None else None
            network = coordinate_plane(network, domain, axes, at)
            domain, names = network.domain, tuple(names[i] for i in axes)
        elif options.at is not None:
            raise InvalidInput("--at: expected together with --slice, found alone")
        if options.of == "transformer" and not isinstance(network, Transformer):
            compiled = compile_network(network, construction=options.construction, domain=domain, arity=options.arity)
            network = compiled.transformer
    return network, domain, names


def _input(word: str, inputs: int) -> int:
    """The number of an input from its name, x1, x2, ..."""
    match = re.fullmatch(r"\s*x?(\d{1,9})\s*", word)
    if match is None or not 1 <= int(match[1]) <= inputs:
        raise InvalidInput(f"--slice: expected inputs among x1 to x{inputs}, found {word!r}")
    return int(match[1]) - 1


def _counted(found: Any, network: Any, listed: bool, seconds: float) -> Iterator[str]:
    least = "" if found.complete else "at least "
    count = found.activation_regions
    yield f"{least}{count} activation region{'s'[: count != 1]} on {found.domain}"
    yield f"  network   {_described(network)}"
    if found.complete:
        yield f"  linear    {found.linear_regions} linear regions, {found.distinct_affine_maps} affine maps"
    if found.faces is not None:
        kinds = ("vertices", "edges", "faces of dimension 2")
        inner = [kinds[i] if i < len(kinds) else f"of dimension {i}" for i in range(len(found.faces) - 1)]
        if inner:
            yield "  faces     " + ", ".join(f"{n} {kind}" for n, kind in zip(found.faces, inner, strict=False))
    yield f"  time      {seconds:.2f} s"
    for region in found if listed else ():
        yield f"region {region.number}: at {_vector(region.point)}"
        for coefficients, constant in region.rows:
            yield f"    {_linear(coefficients, constant)} >= 0"
        weights, biases = region.affine.weights.dense(), region.affine.biases.fractions()
        for i, (row, bias) in enumerate(zip(weights, biases, strict=True)):
            yield f"    y{i + 1} = {_linear(row, bias)}"


def _linear(coefficients: Sequence[Fraction | int], constant: Fraction | int) -> str:
    """A sum like 2 x1 - x2 + 1/3."""
    terms = [(c, f"x{i + 1}") for i, c in enumerate(coefficients) if c]
    text = ""
    for c, name in [*terms, *([(constant, "")] if constant or not terms else [])]:
        size = "" if abs(c) == 1 and name else f"{abs(c)}"
        sign = " - " if c < 0 else " + "
        text += (sign if text else sign.strip() if c < 0 else "") + " ".join(filter(None, (size, name)))
    return text


def _report(options: argparse.Namespace) -> int:
    from exactformer.folder import read_report
    from exactformer.formats.files import write_atomically
    from exactformer.reporting import render_html, render_markdown, render_text

    render = {"text": render_text, "markdown": render_markdown, "html": render_html}[options.format]
    report = read_report(Path(options.proof))
    text = render(report)
    if options.output:
        write_atomically(Path(options.output), text)
    if options.json:
        print(json.dumps(report.to_json()))
    elif not options.output:
        print(text)
    return PROVED


# --- options shared by commands -------------------------------------------------------------------


def _domain(options: argparse.Namespace, inputs: int) -> Any:
    """The domain asked for, or None for the network's own."""
    from exactformer.domain import Domain, read_domain
    from exactformer.formats.files import read_bytes
    from exactformer.formats.network_json import parse_json
    from exactformer.rational import read_rational

    if options.everywhere:
        return Domain.everything(inputs)
    if options.box:
        faults = Faults()
        low, high = (read_rational(options.box[i], f"--box {side}", faults) for i, side in enumerate(("LO", "HI")))
        if low > high and not faults.reasons:
            faults.add("--box", "LO <= HI", f"{low} > {high}")
        faults.settle()
        return Domain.box(inputs, low, high)
    if options.domain:
        faults = Faults(options.domain)
        value = parse_json(read_bytes(Path(options.domain)), options.domain)
        domain = read_domain(value, "domain", inputs, faults)
        faults.settle()
        _check_inhabited(domain, options.domain)
        return domain
    return None


def _check_inhabited(domain: Any, source: str) -> None:
    """Raises `InvalidInput` for inequalities without a common point."""
    from exactformer.prover.question import inhabitant

    if len(domain.bounds):
        with _about(source):
            inhabitant(domain)


@contextmanager
def _about(source: str) -> Iterator[None]:
    """Puts the name of the file in front of messages that name only the place."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"{source}: {reason}" for reason in error.reasons) from None
    except Unsupported as error:
        raise Unsupported(f"{source}: {error}") from None


@contextmanager
def _progress(
    options: argparse.Namespace, text: str = "{} steps of the proof, {} cells open"
) -> Iterator[Callable[[int, int], None] | None]:
    """A line of progress on standard error, on a terminal and for work that takes a while."""
    if options.quiet or options.json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    console = Console(stderr=True)
    last = time.monotonic()
    with console.status("evaluating symbolically") as status:

        def show(done: int, still_open: int) -> None:
            nonlocal last
            if time.monotonic() - last > 0.2:
                last = time.monotonic()
                status.update(text.format(done, still_open))

        yield show
