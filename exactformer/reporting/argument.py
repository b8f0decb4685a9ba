"""The wording of the proof, of the refutation, and of a search that did not end."""

from __future__ import annotations

from exactformer.documents.document import Block, Detail, Exact, Facts, Figure, Inline, Paragraph, Steps, Table, Tree
from exactformer.documents.numbers import LONG, SHORT, digits_apart
from exactformer.documents.picture import COLOURS, Picture
from exactformer.reporting.data import ProofCard, RegionRow, Report

SILENT = ("cut", "anew", "narrow", "bound", "ties", "regions", "flat", "pruned")  # left out when they are 0
TIGHT = 12  # digits of an exact number in a cell of the table of regions

RULES = {
    "gate": "splits: which candidate of a maximum wins",
    "compare": "splits: a difference of two scores is positive, zero or negative",
    "cut": "splits: an affine form is at least or at most zero",
    "anew": "cells evaluated again on their own box, with affine bounds of every maximum",
    "narrow": "cells whose outputs are bounded again on their own box, maxima and functions anew",
    "bound": "maxima shown to be at most a form",
    "holds": "cells closed because the claim holds there",
    "empty": "cells closed because they contain no point (exact multipliers)",
    "ties": "heads decided by the tie rule",
    "regions": "regions with interior points",
    "flat": "cells without interior, equal on their affine hull",
    "pruned": "cells dropped as empty",
}


PLACES = (
    "A name such as L0.u3 is a maximum. L and R are the two sides, or the points of the claim in order (M is the "
    "third), U is a set to avoid, and n one that was met again. Then come the layer or block and the unit u, the head "
    "h with its query token q, or the hidden neuron f with its token t. All count from 0."
)
CASES = {
    "gate": "which candidate of a maximum wins",
    "compare": "which of two scores is larger",
    "cut": "on which side of a hyperplane a point lies",
}


def refutation_blocks(report: Report) -> list[Block]:
    """The point, both values, their difference, and the trace; nothing when there is no refutation."""
    found, where = report.refutation, report.claim_file
    if found is None:
        return []
    values: list[tuple[str, Inline]] = [(name, Exact(point, where)) for name, point in found.points]
    outputs = _apart(*(row.outputs for row in found.evaluations), where=where)
    values += zip((row.label for row in found.evaluations), outputs, strict=True)
    if found.difference is not None:
        values.append((report.equation("−"), Exact(found.difference)))
    points = "this point" if len(found.points) == 1 else "these points"
    soft = any(side.softmax for side in report.networks)
    exactly = "enclosed between exact bounds, which the certificate has," if soft else "evaluated exactly"
    blocks: list[Block] = [Paragraph(f"Everything was {exactly} at {points} of D."), Facts(tuple(values))]
    if found.trace:
        rows: list[tuple[Inline, ...]] = [(t.place, *_apart(t.found, t.wanted), t.agrees) for t in found.trace]
        hidden = found.trace_total - len(rows)
        note = f"{hidden} more places are left out here." if hidden else ""
        head = ("Place", "Found", "Wanted", "Agrees")
        blocks.append(Table("Trace: where the two sides part", head, "lrrl", tuple(rows), note))
    if found.heads:
        scores = tuple((h.evaluation, h.place, Exact(h.scores), h.winners) for h in found.heads)
        more = found.heads_total - len(scores)
        below = "Scores by token; tokens, heads and blocks count from 0."
        below += f" {more} more heads and tokens are left out here." if more else ""
        head = ("Evaluation", "Head", "Scores", "Winners")
        blocks.append(Table("The heads at the counterexample", head, "llll", scores, below))
    if found.blame:
        mending: list[tuple[Inline, ...]] = [(b.place, *_apart(b.found, b.wanted), b.repairs) for b in found.blame]
        title = "Entries that differ from a right Transformer of the same shape"
        blocks.append(Table(title, ("Entry", "Found", "Wanted", "Mending it alone repairs"), "lrrl", tuple(mending)))
    return blocks


def _apart(*texts: str, where: str = "") -> tuple[Exact, ...]:
    """Numbers to the digit where they differ, all rounded where one is."""
    long = SHORT if any(Exact(text).shortened for text in texts) else LONG
    digits = digits_apart(*texts)
    return tuple(Exact(text, where, long, digits) for text in texts)


def proof_blocks(report: Report) -> list[Block | None]:
    """The steps of the proof, how the verdict was reached, the rules used, the picture and the regions."""
    proof = report.proof
    facts: list[tuple[str, Inline]] = [("method", proof.method)]
    for said in proof.confirmations:
        sampled = "" if said.tried == said.total else f" chosen from {said.total}"
        line = f"{said.route} confirmed {said.confirmed} of {said.tried} {said.subject}{sampled}"
        facts.append(("cross-check", f"{line}; {said.note}" if said.note else line))
    numbers = _rules(proof, f"The {'proof' if report.verdict == 'proved' else 'search'} in numbers")
    steps = _steps(report) if report.verdict == "proved" else ()
    picture = _figure(report, report.picture) if report.picture else None
    cases = Tree("The cases", proof.cases, PLACES) if proof.cases else None
    return [Steps(steps) if steps else None, cases, Facts(tuple(facts)), numbers, picture, _regions(report)]


def _steps(report: Report) -> tuple[str, ...]:
    proof = report.proof
    if proof.method == "smt":
        formula = "One formula over the real numbers says that the claim fails somewhere."
        return formula, "The solver found that it has no solution."
    if proof.method == "regions":
        split = (
            "D is split at every maximum and every head, one case for each possible winner, until both sides are "
            "affine on every cell. Some candidate always wins, so the cells cover D."
        )
        return split, *_leaves(report)
    names = " and ".join(side.symbol for side in report.networks)
    verb = "is" if len(report.networks) == 1 else "are"
    first = (
        f"{names} {verb} evaluated symbolically on D: every value is an affine form in the inputs and the maxima met "
        "on the way, and it is the same maximum where the same forms meet."
    )
    if proof.identical:
        return first, "The outputs to be compared are the same form. No case had to be distinguished."
    counts = dict(proof.counts)
    lines = [first]
    if counts.get("bound"):
        lines.append("Some maxima are at most a form, as each of their candidates is, by exact multipliers.")
    if counts.get("anew"):
        lines.append(
            "Cells are evaluated again on boxes of their own: every maximum lies between two affine forms there (a "
            "convex function lies below its chord), and a value near an earlier one is that plus a bounded difference."
        )
    if _curved(report):
        lines.append(
            "The value of a function given by a formula is one more such variable; on the box of a cell it is bounded "
            "by exact enclosures of its values and of its first and second derivatives."
        )
    cases = [words for rule, words in CASES.items() if counts.get(rule)]
    if not cases:
        settled = _settled(report)
        return *lines, f"{settled[0].upper()}{settled[1:]} on all of D, {_reasons(report)}."
    distinguished = ", or ".join(cases)
    lines.append(
        f"Where that does not settle the claim, cases are distinguished: {distinguished}. The cases of a split cover "
        "its cell."
    )
    return *lines, *_leaves(report)


def _reasons(report: Report) -> str:
    """What an inequality on a cell may be shown by."""
    bounded = _curved(report) or (dict(report.proof.counts).get("anew"))
    return "by exact bounds, or by exact multipliers" if bounded else "by exact multipliers"


def _curved(report: Report) -> bool:
    """Whether a side is a function given by a formula."""
    return any(side.kind == "function" for side in report.networks)


def _settled(report: Report) -> str:
    if not report.equality:
        return "what the claim asks for holds"
    left, right = (side.symbol for side in report.networks)
    return f"{left} and {right} are equal"


def _leaves(report: Report) -> tuple[str, ...]:
    """What closes the cells that were not split further."""
    counts = dict(report.proof.counts)
    closed, empty = counts.get("holds", 0), counts.get("empty", 0)
    lines = [f"On {_cells(closed)}, {_settled(report)}: as forms, or {_reasons(report)}."]
    if empty:
        lines.append(
            f"{_cells(empty).capitalize()} contain{'s' if empty == 1 else ''} no point: a non-negative combination of "
            "the inequalities is a contradiction, with exact multipliers."
        )
    return tuple(lines)


def _cells(number: int) -> str:
    return "one final cell" if number == 1 else f"{number} final cells"


def _rules(proof: ProofCard, heading: str) -> Table | None:
    counts = ((name, n) for name, n in proof.counts if n or name not in SILENT)
    rows = tuple((name, RULES.get(name, ""), str(n)) for name, n in counts)
    return Table(heading, ("Rule", "Meaning", "Number"), "llr", rows) if rows else None


def _regions(report: Report) -> Table | None:
    proof = report.proof
    if not proof.regions:
        return None
    rows: list[tuple[Inline, ...]] = []
    one_map = all(row.same for row in proof.regions)
    for number, row in enumerate(proof.regions, start=1):
        maps = (row.left,) if one_map else (row.left, row.right)
        facets = Exact(", ".join(row.facets), long=TIGHT) if row.facets else str(row.inequalities)
        rows.append((str(number), facets, *(Exact(text, long=TIGHT) for text in (row.interior, *maps))))
    values = (report.equation("="),) if one_map else tuple(f"{side.symbol}(x)" for side in report.networks)
    head = ("Region", "Inequalities", "Interior point", *values)
    rounded = any(isinstance(x, Exact) and x.shortened for row in rows for x in row)
    align = "rllll" if any(row.facets for row in proof.regions) else "rrlll"
    return Table("The regions", head, align[: len(head)], tuple(rows), _regions_note(report, rounded))


def _regions_note(report: Report, rounded: bool) -> str:
    proof, listed, certificate = report.proof, report.file("regions"), report.file("certificate")
    notes = []
    hidden = proof.regions_total - len(proof.regions)
    if hidden:
        where = (
            f"; all of them are in {listed}" if listed else f"; all cells are in {certificate}" if certificate else ""
        )
        notes.append(f"{hidden} more regions are left out here{where}.")
    if rounded:
        exact = f"; they are exact in {report.file('report')}" if report.file("report") else ""
        notes.append(f"≈ marks numbers that are rounded here{exact}.")
    return " ".join(notes)


def _figure(report: Report, picture: Picture) -> Figure:
    sides = tuple(side.symbol for side in report.networks)
    details = tuple(_detail(report, number, row) for number, row in enumerate(report.proof.regions, start=1))
    return Figure(picture, _caption(report, picture), details, sides)


def _detail(report: Report, number: int, row: RegionRow) -> Detail:
    maps = (
        [(report.equation("="), row.left)]
        if row.same
        else [(f"{side.symbol}(x)", text) for side, text in zip(report.networks, (row.left, row.right), strict=False)]
    )
    facts = [*maps, ("inequalities", ", ".join(row.facets)), ("winners", ", ".join(row.pattern))]
    values = tuple((place.place, place.left, place.right) for place in row.places)
    return Detail(number, tuple((name, text) for name, text in facts if text), values)


def _caption(report: Report, picture: Picture) -> str:
    cells = f"{picture.drawn} region{'' if picture.drawn == 1 else 's'}"
    if picture.kind == "plane":
        maps = len(picture.shapes)
        count = f"{maps} different affine maps" if maps > 1 else "one affine map"
        text = f"{cells} with {count}. Cells with the same map have the same colour."
        if maps > COLOURS:
            text += f" There are {COLOURS} colours, so that other cells may have it, too."
    else:
        text = f"{report.left.symbol} on the line: {cells}; a dot where one ends and the next begins."
    if picture.total > picture.drawn:
        hidden = picture.total - picture.drawn
        text += f" Without interior or beyond the limit of the picture, and so not shown: {hidden}."
    if picture.numbers:
        text += " Numbers are those of the table of regions, where there is room."
    return text
