"""The report of a distance or of a range, in blocks: its numbers, where they come from, and pictures of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

from exactformer.documents import Document
from exactformer.documents.chart import OUTSIDE
from exactformer.documents.document import Block, Facts, Figure, Paragraph, Section, Statement, Table
from exactformer.measuring.charts import View, error_chart, view_chart
from exactformer.measuring.landscape import NotSeen, free_inputs, landscape
from exactformer.measuring.numbers import decimal, rounded
from exactformer.measuring.shares import Share
from exactformer.measuring.sweep import FACTORS, sweep
from exactformer.prover.question import Question
from exactformer.work import OutOfTime, time_limit

if TYPE_CHECKING:
    from exactformer.measuring.result import Distance, OutputRange

EXACT = "All weights are exact rational numbers, and all arithmetic is that of the real numbers, without rounding. "
MEANS = EXACT + (
    "What bounds from outside is a theorem that the kernel has checked; its certificate lies beside this page, and "
    "README.txt says how to check it again. What bounds from inside is computed at a point, exactly."
)
UNBOUNDED = EXACT + "No bound was proved; what is said of a point is computed there, exactly."
SOFTMAX = (
    "Values of softmax are irrational: at a point they are enclosed by rational numbers, and the end that claims less "
    "is taken."
)
LAYERS = (
    "On the whole domain, before anything was cut or split: how far values of a layer may be apart from their partners "
    "on the other side, and which share each layer has in what the bound loses, since bounds take the place of values."
)
SWEEP = (
    "The bounds are those on the whole domain, before anything is cut or split, evaluated exactly and rounded up; "
    "only that of the asked temperature has a certificate. Errors at points are exact and rounded down; floats only "
    "chose the points."
)
DRAWN = "Drawn in floating point; the bounds and the values at marked points are exact."
UNITS = 16  # of all that add to the bound, those that are listed
OUTPUTS = 4  # of a range, those that are drawn
SECONDS = 4.0  # for the pictures over the domain, and for those over temperatures


def document_of(result: Distance | OutputRange, title: str, rows: Iterator[tuple[str, str]]) -> Document:
    """The document: the answer, what it means, the bounds layer by layer where there are such, and pictures.

    These take some seconds at most; what could not be drawn in them is left out, with a word.
    """
    (verdict, statement), *facts = rows
    soft = result.outcome is not None and any(semantics.soft for semantics in result.outcome.semantics)
    meaning = (UNBOUNDED if result.outcome is None else MEANS, *([SOFTMAX] if soft else []))
    sections = [
        Section("Statement", (Statement(verdict, "Bounds", statement), Facts(tuple(facts)))),
        Section("What it means", tuple(map(Paragraph, meaning))),
    ]
    shares: tuple[Share, ...] = getattr(result, "shares", ())
    if shares:
        sections.append(Section("Where the bound comes from", (_layers(shares), _units(shares))))
    question = result.question
    if question is not None and (seen := tuple(over_domain(question, lambda: result.views(question)))):
        sections.append(Section("Over the domain", seen))
    if levels := tuple(_over_temperatures(result)):
        sections.append(Section("Over temperatures", levels))
    return Document(title, result.verdict, tuple(sections))


def _layers(shares: tuple[Share, ...]) -> Table:
    rows = tuple((s.layer, f"{len(s.units)}", _apart(s.difference), f"{s.share:.1%}", s.units[0].unit) for s in shares)
    return Table("Layer by layer", ("layer", "values", "apart", "share", "most of it"), "lrrrl", rows, LAYERS)


def _units(shares: tuple[Share, ...]) -> Table:
    units = sorted(((s.layer, unit) for s in shares for unit in s.units), key=lambda pair: -pair[1].share)
    rows = [
        (layer, unit.unit, unit.partner, _apart(unit.difference), f"{unit.share:.1%}") for layer, unit in units[:UNITS]
    ]
    if rest := units[UNITS:]:
        rows.append(("", f"{len(rest)} others", "", "", f"{sum(unit.share for _, unit in rest):.1%}"))
    return Table("Unit by unit", ("layer", "unit", "partner", "apart", "share"), "lllrr", tuple(rows))


def _apart(difference: float | None) -> str:
    return "" if difference is None else f"{difference:.3g}"


def over_domain(question: Question, views: Callable[[], Sequence[View]]) -> Iterator[Block]:
    """The values over the one or two inputs that vary, with what is proved and the points that are known."""
    if len(free_inputs(question.space)) not in (1, 2):
        return
    try:
        with time_limit(SECONDS):
            figures = [_seen(question, view) for view in views()[:OUTPUTS]]
        yield from chain.from_iterable(figures)
    except NotSeen as reason:
        yield Paragraph(f"There is no picture: {reason}.")
    except OutOfTime:
        yield Paragraph(f"There is no picture: it takes more than {SECONDS:g} s.")


def _seen(question: Question, view: View) -> tuple[Block, ...]:
    """What is known of a view in words, which every form of the report has, and its picture."""
    if view.signed and view.ends and not any(view.ends):
        raise NotSeen("the two sides are equal on the whole domain")
    chart = view_chart(
        landscape(question, view.output, [spot.point for spot in view.known]), view, question.space.dimension
    )
    known = f"Of {view.what} no bounds were proved"
    if view.ends:
        low, high = (rounded(end, up=up) for end, up in zip(view.ends, (False, True), strict=True))
        known = f"It is proved that {view.what} lies between {low} and {high}"
    points = "; ".join([known, *(spot.label for spot in view.known)])
    words = [f"{view.what} over the domain."]
    if any(None in ends for ends in zip(question.space.lower, question.space.upper, strict=True)):
        words[0] = f"{view.what} in a window: not every input of the domain has two bounds."
    if chart.band is not None:
        words.append("The band lies between the proved bounds.")
    if chart.key is not None:
        words.append("Shades are values, in the units of the output.")
    if any(tiles.shade == OUTSIDE for tiles in chart.tiles):
        words.append("Grey: outside the domain.")
    return Paragraph(f"{points}."), Figure(chart, " ".join([*words, DRAWN]))


def _over_temperatures(result: Distance | OutputRange) -> Iterator[Block]:
    """The error at temperatures around the asked one, as a picture and in numbers."""
    question, extreme = result.question, getattr(result, "extreme", None)
    if question is None or extreme is None or not question.soft:
        return
    levels = sweep(question, [] if extreme.point is None else [extreme.point], SECONDS)
    rates = {rate for semantics in question.semantics for rate in semantics.temperature}
    axis = "inverse temperature" if len(rates) == 1 else "factor of the inverse temperatures"
    unit = min(rates) if len(rates) == 1 else Fraction(1)
    names = [decimal(level.factor * unit, 6) for level in levels]
    if all(level.upper == 0 for level in levels) and levels:
        yield Paragraph("The two sides are equal at all temperatures that were looked at.")
        return
    if chart := error_chart(levels, names, axis, extreme.upper):
        yield Figure(chart, f"The error against the {axis}, both on logarithmic axes. {DRAWN}")
    if len(levels) < len(FACTORS):
        yield Paragraph(f"Not all temperatures around it were looked at: that takes more than {SECONDS:g} s.")
    rows = tuple(
        (name, rounded(at.upper, up=True), rounded(at.lower, up=False), rounded(at.sampled, up=False))
        for name, at in zip(names, levels, strict=True)
    )
    if rows:
        yield Table(
            "Error against temperature", (axis, "at most", "at a point", "at random points"), "rrrr", rows, SWEEP
        )
