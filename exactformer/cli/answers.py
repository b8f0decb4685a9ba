"""What is printed and written once a claim was decided."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

from exactformer.cli.exits import EXIT
from exactformer.cli.options import input_files
from exactformer.errors import printable
from exactformer.rational import exact_text


def say(lines: Iterable[str], stream: TextIO | None = None) -> None:
    """Print lines, with whatever could act on a terminal escaped."""
    for line in lines:
        print(printable(line), file=stream)


def proof_folder(options: argparse.Namespace, name: str, networks: Mapping[str, Any]) -> Path:
    """The proof folder asked for; `networks` are those known before the work, by their files' names in it.

    Raises `InvalidInput` where it cannot be written, or would replace what exactformer did not write.
    """
    from exactformer.folder import check_folder

    folder = Path(options.out) if options.out else Path(re.sub(r"[^\w.+-]", "_", name) + "-proof")
    what = {"obligations": options.obligations, "kernel": options.kernel}
    check_folder(folder, networks, inputs=input_files(options), **what)
    return folder


def finish(options: argparse.Namespace, outcome: Any, folder: Path) -> int:
    """Write the proof folder, print the answer."""
    from exactformer.folder import summary

    write(options, outcome, folder)
    if options.json:
        print(json.dumps(summary(outcome, folder)))
    elif not options.quiet:
        say(answer_lines(outcome, folder))
    return EXIT[outcome.verdict]


def write(options: argparse.Namespace, outcome: Any, folder: Path) -> None:
    """Write the proof folder of an outcome."""
    from exactformer.folder import write_folder

    what = {"obligations": options.obligations, "kernel": options.kernel}
    write_folder(outcome, folder, inputs=input_files(options), **what)


def answer_lines(outcome: Any, folder: Path) -> Iterator[str]:
    """The answer in a few lines; the whole of it is in the report."""
    witness = outcome.witness
    if witness is None:
        yield f"{outcome.headline}  {outcome.theorem or outcome.reason}"
    else:
        yield f"REFUTED  it is not true that {outcome.claim}"
        for name, point in witness.points:
            yield f"  {name:9} {vector(point)}"
        for e in witness.evaluations:
            yield f"  value     {e.label.format(left='left', right='right')} = {vector(e.outputs)}"
    yield f"  domain    {outcome.domain}"
    yield f"  left      {described(outcome.left)}"
    if outcome.right is not None:
        yield f"  right     {described(outcome.right)}"
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


def vector(values: Sequence[Fraction]) -> str:
    """A point in a few words."""
    words = [_short(exact_text(x)) for x in values[:6]] + (["..."] if len(values) > 6 else [])
    return "(" + ", ".join(words) + ")"


def described(network: Any) -> str:
    """The kind, name and size of a network."""
    if network.kind == "transformer":
        size = f"{network.tokens} tokens, width {network.width}, {len(network.blocks)} blocks"
    else:
        size = "-".join(map(str, (network.inputs, *network.widths, network.outputs)))
    return f"{network.kind} {printable(network.name.strip()) or 'network'}: {size}"


def _short(text: str) -> str:
    """Text with its numbers as they are, or rounded where they are long; the certificate has them in full."""
    return re.sub(r"-?\d+(?:/\d+)?", lambda match: _rounded(match[0]), text)


def _rounded(number: str) -> str:
    if len(number) <= 24:
        return number
    exact = Fraction(number)
    return f"~{Decimal(exact.numerator) / Decimal(exact.denominator):.9g}"


def linear(coefficients: Sequence[Fraction | int], constant: Fraction | int) -> str:
    """A sum like 2 x1 - x2 + 1/3."""
    terms = [(c, f"x{i + 1}") for i, c in enumerate(coefficients) if c]
    text = ""
    for c, name in [*terms, *([(constant, "")] if constant or not terms else [])]:
        size = "" if abs(c) == 1 and name else f"{abs(c)}"
        sign = " - " if c < 0 else " + "
        text += (sign if text else sign.strip() if c < 0 else "") + " ".join(filter(None, (size, name)))
    return text
