"""An answer in a few lines: what a terminal prints, `print` in Python, and a notebook. The report has all of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING

from exactformer.enclosure import Enclosure, Number
from exactformer.errors import printable
from exactformer.rational import exact_text

if TYPE_CHECKING:
    from exactformer.prover.outcome import Outcome

LONGEST = 240  # characters of a domain or of a network's shape


Rows = Iterable[tuple[str, str]]  # what is said, with a name each; the first is the verdict and the statement


def rows_text(rows: Rows) -> str:
    """An answer as plain text: the verdict, then one indented line for each thing that is known."""
    (verdict, statement), *others = _printable(rows)
    return "\n".join([f"{verdict}  {statement}", *(f"  {name:9} {text}" for name, text in others)])


def rows_html(rows: Rows) -> str:
    """The same as a table of HTML, everything in it escaped."""
    (verdict, statement), *others = _printable(rows)
    head = f"<p><b>{escape(verdict)}</b> {escape(statement)}</p>"
    body = "".join(f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in others)
    return f"{head}<table>{body}</table>"


def _printable(rows: Rows) -> Rows:
    return ((name, printable(text)) for name, text in rows)


def answer_rows(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """What the answer says, each with its name; the first is the verdict."""
    witness = outcome.witness
    if witness is None:
        yield outcome.headline, str(outcome.theorem or outcome.reason)
    else:
        yield "REFUTED", f"it is not true that {_short(str(outcome.claim))}"
        for name, point in witness.points:
            yield name, vector(point)
        for e in witness.evaluations:
            yield "value", f"{e.label.format(left='left', right='right')} = {vector(e.outputs)}"
    yield "domain", _middle_cut(_short(str(outcome.domain)))
    yield "left", _middle_cut(str(outcome.left))
    if outcome.right is not None:
        yield "right", _middle_cut(str(outcome.right))
    if outcome.compiled is not None:
        agree = all(line.agrees for line in outcome.compiled.sizes)
        entries = next(line for line in outcome.compiled.sizes if line.name == "non-zero entries")
        bound = f"{entries.counted} non-zero entries, at most {float(entries.expected):.0f}"
        yield "sizes", f"{'as' if agree else 'NOT as'} the construction's formulas say ({bound})"
    used = ", ".join(f"{n} {name}" for name, n in outcome.counts.items() if n and name != "ties")
    yield "method", f"{outcome.method}, {outcome.seconds:.2f} s" + (f" ({used})" if used else "")
    for said in outcome.confirmations:
        out_of = f"{said.tried}" if said.tried == said.total else f"{said.tried} (of {said.total})"
        note = f"; {said.note}" if said.note else ""
        yield "confirmed", f"{said.route}: {said.confirmed} of {out_of} {said.subject}{note}"
    for line in outcome.trusted:
        yield "trusted", line
    first = next((line for line in outcome.trace if not line.agrees), None)
    if first is not None:
        yield "differs", f"first at {first.place}: {_short(first.found)}, wanted {_short(first.wanted)}"
    for entry in outcome.blame[:4]:
        mend = ": this change alone repairs it" if entry.repairs else ""
        yield "blame", f"{entry.place} is {_short(entry.found)}, wanted {_short(entry.wanted)}{mend}"


def vector(values: Sequence[Number]) -> str:
    """A point in a few words."""
    words = [_worded(x) for x in values[:6]] + (["..."] if len(values) > 6 else [])
    return "(" + ", ".join(words) + ")"


def _worded(value: Number) -> str:
    return str(value) if isinstance(value, Enclosure) else _short(exact_text(value))


def _short(text: str) -> str:
    """Text with its numbers as they are, or rounded where they are long; the certificate has them in full."""
    return re.sub(r"-?\d+(?:/\d+)?", lambda match: _rounded(match[0]), text)


def _middle_cut(text: str) -> str:
    """Text of many inputs or layers, its beginning and end."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


def _rounded(number: str) -> str:
    if len(number) <= 24:
        return number
    exact = Fraction(number)
    return f"~{Decimal(exact.numerator) / Decimal(exact.denominator):.9g}"
