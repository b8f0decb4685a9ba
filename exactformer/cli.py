"""The command line: thin, on top of the same functions that Python users call."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from exactformer import __version__
from exactformer.errors import CertificateRejected, InvalidInput, Unsupported

PROVED, REFUTED, UNKNOWN, BAD_INPUT, REJECTED = 0, 1, 2, 3, 4
EXIT = {"proved": PROVED, "refuted": REFUTED, "unknown": UNKNOWN}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code 0 proved, 1 refuted, 2 unknown, 3 bad input, 4 certificate rejected."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    # A blank in front keeps argparse from taking -1/2 for an option; every number is read with blanks stripped.
    words = [f" {word}" if re.match(r"-[\d.]", word) else word for word in words]
    options = _parser().parse_args(words)
    try:
        code: int = options.run(options)
        return code
    except (InvalidInput, Unsupported) as error:
        _say(options, "error", BAD_INPUT, str(error))
        return BAD_INPUT
    except CertificateRejected as error:
        _say(options, "rejected", REJECTED, str(error))
        return REJECTED
    except TimeoutError as error:
        _say(options, "unknown", UNKNOWN, str(error))
        return UNKNOWN
    except BrokenPipeError:
        sys.stderr.close()
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _say(options: argparse.Namespace, verdict: str, code: int, text: str) -> None:
    if options.json:
        print(json.dumps({"verdict": verdict, "reason": text, "exit_code": code}))
    print(f"exactformer: {text}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(BAD_INPUT, f"exactformer: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="exactformer", description="Networks as Transformers, with proofs that they are equal.")
    parser.add_argument("--version", action="version", version=f"exactformer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    prove = _command(commands, "prove", _prove, "compile a network, prove it, write certificate and report")
    prove.add_argument("network", metavar="NETWORK", help="a maxout or ReLU network (.json, .nnet)")
    _construction(prove)
    _proving(prove)

    verify = _command(commands, "verify", _verify, "are two networks of any kinds equal?")
    verify.add_argument("left", metavar="A")
    verify.add_argument("right", metavar="B")
    _proving(verify)

    check = _command(commands, "check", _check, "re-check a certificate with the kernel alone")
    check.add_argument("proof", metavar="PROOF", help="a certificate file, or a folder written by prove or verify")
    check.add_argument("--timeout", type=_seconds, metavar="SECONDS")

    compile_ = _command(commands, "compile", _compile, "write only the Transformer")
    compile_.add_argument("network", metavar="NETWORK")
    compile_.add_argument("-o", "--output", required=True, metavar="FILE")
    _construction(compile_)
    _domain_options(compile_)

    evaluate = _command(commands, "evaluate", _evaluate, "the exact value of a network at a point")
    evaluate.add_argument("network", metavar="NETWORK")
    evaluate.add_argument("--at", required=True, action="append", metavar="X,Y,...", help="the point (repeatable)")
    evaluate.add_argument("--tie", default="average", choices=("average", "leftmost", "rightmost"))
    evaluate.add_argument("--temperature", metavar="L", help="softmax attention at inverse temperature L, in floats")

    report = _command(commands, "report", _report, "render the report of a proof folder again")
    report.add_argument("proof", metavar="PROOF", help="a folder written by prove or verify")
    report.add_argument("--format", default="text", choices=("text", "markdown", "html"))
    report.add_argument("-o", "--output", metavar="FILE", help="default: standard output")
    return parser


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    parser.set_defaults(run=run)
    return parser


def _construction(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--construction", default="gated", choices=("gated", "global"))


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
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the search for counterexamples")
    parser.add_argument(
        "--confirm",
        type=_budget,
        default=2.0,
        metavar="SECONDS",
        help="for z3 on the obligations of regions; default: 2",
    )
    parser.add_argument("--obligations", action="store_true", help="write each region's obligation as SMT-LIB 2")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"expected a positive number of seconds, found {text}")
    return value


def _budget(text: str) -> float:
    return 0.0 if float(text) == 0 else _seconds(text)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, found {text}")
    return value


# --- the commands ---------------------------------------------------------------------------------


def _prove(options: argparse.Namespace) -> int:
    from exactformer.formats import load
    from exactformer.prover.driver import prove

    network = load(options.network)
    domain = _domain(options, network.inputs)
    with _progress(options) as progress:
        outcome = prove(
            network, construction=options.construction, domain=domain, **_search(options), progress=progress
        )
    return _finish(options, outcome, Path(options.network).stem)


def _verify(options: argparse.Namespace) -> int:
    from exactformer.formats import load
    from exactformer.prover.driver import verify

    left, right = load(options.left), load(options.right)
    domain = _domain(options, left.inputs)
    with _progress(options) as progress:
        outcome = verify(left, right, domain=domain, **_search(options), progress=progress)
    return _finish(options, outcome, f"{Path(options.left).stem}-{Path(options.right).stem}")


def _search(options: argparse.Namespace) -> dict[str, Any]:
    shared = {name: getattr(options, name) for name in ("method", "tie", "timeout", "jobs", "seed")}
    return {**shared, "confirm_seconds": options.confirm}


def _finish(options: argparse.Namespace, outcome: Any, name: str) -> int:
    """Write the proof folder, print the answer."""
    from exactformer.folder import summary, write_folder

    folder = Path(options.out) if options.out else Path(re.sub(r"[^\w.+-]", "_", name) + "-proof")
    write_folder(outcome, folder, obligations=options.obligations)
    if options.json:
        print(json.dumps(summary(outcome, folder)))
    elif not options.quiet:
        print("\n".join(_answer(outcome, folder)))
    return EXIT[outcome.verdict]


def _answer(outcome: Any, folder: Path) -> Iterator[str]:
    """The answer in a few lines; the whole of it is in the report."""
    witness = outcome.witness
    if witness is None:
        yield f"{outcome.verdict.upper()}  {outcome.theorem or outcome.reason}"
    else:
        yield f"REFUTED  left(x) and right(x) differ at x = {_vector(witness.point)}"
        yield f"  values    left(x) = {_vector(witness.left)}, right(x) = {_vector(witness.right)}"
    yield f"  domain    {outcome.domain}"
    yield f"  left      {_described(outcome.left)}"
    yield f"  right     {_described(outcome.right)}"
    if outcome.compiled is not None:
        agree = all(line.agrees for line in outcome.compiled.sizes)
        entries = next(line for line in outcome.compiled.sizes if line.name == "non-zero entries")
        bound = f"{entries.counted} non-zero entries, at most {float(entries.expected):.0f}"
        yield f"  sizes     {'as' if agree else 'NOT as'} the construction's formulas say ({bound})"
    used = ", ".join(f"{n} {name}" for name, n in outcome.counts.items() if n and name != "ties")
    yield f"  method    {outcome.method}, {outcome.seconds:.2f} s" + (f" ({used})" if used else "")
    if outcome.confirmation is not None:
        found = outcome.confirmation
        yield f"  confirmed {found.solver}: {found.confirmed} of {found.total} obligations; {found.note}"
    for line in outcome.trusted:
        yield f"  trusted   {line}"
    first = next((line for line in outcome.trace if not line.agrees), None)
    if first is not None:
        yield f"  differs   first at {first.place}: {_short(first.found)}, wanted {_short(first.wanted)}"
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
    return f"{network.kind} {network.name.strip()}: {size}"


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
        answer = {"verdict": "accepted", "claim": found.claim, "theorem": found.theorem, "counts": found.counts}
        print(json.dumps({**answer, "seconds": found.seconds, "certificate": str(options.proof)}))
    elif not options.quiet:
        steps = ", ".join(f"{count} {name}" for name, count in found.counts.items() if count and name != "ties")
        print(f"accepted: {found.theorem}")
        print(f"  left   sha256 {found.left}\n  right  sha256 {found.right}")
        print(f"  checked by the kernel alone in {found.seconds:.2f} s" + (f" ({steps})" if steps else ""))
    return PROVED


def _compile(options: argparse.Namespace) -> int:
    from exactformer.compiler import compile_network
    from exactformer.formats import load, save

    network = load(options.network)
    compiled = compile_network(network, construction=options.construction, domain=_domain(options, network.inputs))
    save(compiled.transformer, options.output)
    sizes = {line.name: line.counted for line in compiled.sizes}
    if options.json:
        print(json.dumps({"construction": options.construction, "file": options.output, "counts": sizes}))
    elif not options.quiet:
        width = max(len(line.name) for line in compiled.sizes)
        for line in compiled.sizes:
            relation = "=" if line.exact else "<="
            print(f"{line.name:{width}}  {line.counted:>9} {relation} {line.expected}   ({line.formula})")
    return PROVED


def _evaluate(options: argparse.Namespace) -> int:
    from exactformer.formats import load
    from exactformer.prover.witness import evaluate_exactly
    from exactformer.rational import number_text, rational

    network = load(options.network)
    points = [[x.strip() for x in text.split(",")] for text in options.at]
    if options.temperature is None:
        exact = [[rational(x, f"--at, coordinate {i}") for i, x in enumerate(point)] for point in points]
        values = [[number_text(y) for y in evaluate_exactly(network, tuple(x), options.tie)] for x in exact]
    else:
        values = _softmax_values(network, points, options)
    if options.json:
        print(json.dumps({"points": points, "values": values, "exact": options.temperature is None}))
    else:
        for value in values:
            print(", ".join(map(str, value)))
    return PROVED


def _softmax_values(network: Any, points: list[list[str]], options: argparse.Namespace) -> list[list[Any]]:
    from exactformer.networks import Transformer
    from exactformer.numeric import evaluate_batch
    from exactformer.rational import rational

    if not isinstance(network, Transformer):
        raise Unsupported(
            f"{options.network}: expected a Transformer for --temperature, found a {network.kind} network"
        )
    for point in points:
        if len(point) != network.inputs:
            raise InvalidInput(f"--at: expected {network.inputs} coordinates, found {len(point)}")
    floats = [[float(rational(x, "--at")) for x in point] for point in points]
    temperature = rational(options.temperature, "--temperature")
    return [list(map(float, row)) for row in evaluate_batch(network, floats, temperature=float(temperature))]


def _report(options: argparse.Namespace) -> int:
    from exactformer.folder import read_report
    from exactformer.formats.files import write_atomically
    from exactformer.reporting import render_html, render_markdown, render_text

    render = {"text": render_text, "markdown": render_markdown, "html": render_html}[options.format]
    text = render(read_report(Path(options.proof)))
    if options.output:
        write_atomically(Path(options.output), text)
    else:
        print(text)
    return PROVED


# --- options shared by commands -------------------------------------------------------------------


def _domain(options: argparse.Namespace, inputs: int) -> Any:
    """The domain asked for, or None for the network's own."""
    from exactformer.domain import Domain, read_domain
    from exactformer.errors import Faults
    from exactformer.formats.files import read_bytes
    from exactformer.formats.network_json import parse_json

    if options.everywhere:
        return Domain.everything(inputs)
    if options.box:
        return Domain.box(inputs, *options.box)
    if options.domain:
        faults = Faults(options.domain)
        path = Path(options.domain)
        domain = read_domain(parse_json(read_bytes(path), path.name), "domain", inputs, faults)
        faults.settle()
        return domain
    return None


@contextmanager
def _progress(options: argparse.Namespace) -> Iterator[Callable[[int, int], None] | None]:
    """A line of progress on standard error, on a terminal and for work that takes a while."""
    if options.quiet or options.json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    console = Console(stderr=True)
    last = time.monotonic()
    with console.status("evaluating both networks symbolically") as status:

        def show(done: int, still_open: int) -> None:
            nonlocal last
            if time.monotonic() - last > 0.2:
                last = time.monotonic()
                status.update(f"{done} steps of the proof, {still_open} cells open")

        yield show
