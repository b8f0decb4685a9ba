"""What is printed and written once a claim was decided."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactformer.cli.exits import EXIT
from exactformer.errors import printable


def proof_folder(options: argparse.Namespace, name: str) -> Path:
    """The proof folder asked for. Raises `InvalidInput` where none can be written."""
    from exactformer.folder import check_place

    folder = Path(options.out) if options.out else Path(re.sub(r"[^\w.+-]", "_", name) + "-proof")
    check_place(folder)
    return folder


def finish(options: argparse.Namespace, outcome: Any, folder: Path) -> int:
    """Write the proof folder, print the answer."""
    from exactformer.folder import summary

    write(options, outcome, folder)
    if options.json:
        print(json.dumps(summary(outcome, folder)))
    elif not options.quiet:
        print("\n".join(answer_lines(outcome, folder)))
    return EXIT[outcome.verdict]


def write(options: argparse.Namespace, outcome: Any, folder: Path) -> None:
    """Write the proof folder of an outcome."""
    from exactformer.folder import write_folder

    write_folder(outcome, folder, obligations=options.obligations, kernel=options.kernel)


def answer_lines(outcome: Any, folder: Path) -> Iterator[str]:
    """The answer in a few lines; the whole of it is in the report."""
    witness = outcome.witness
    if witness is None:
        yield f"{outcome.verdict.upper()}  {outcome.theorem or outcome.reason}"
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
    shown = [_short(str(x)) for x in values[:6]] + (["..."] if len(values) > 6 else [])
    return "(" + ", ".join(shown) + ")"


def described(network: Any) -> str:
    """The kind, name and size of a network."""
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
