"""The wording of a report: a document, the same for every renderer."""

from __future__ import annotations

import shlex

from exactformer.documents.document import (
    Block,
    Code,
    Commands,
    Document,
    Exact,
    Facts,
    File,
    Formula,
    Inline,
    Paragraph,
    Section,
    Statement,
    Table,
)
from exactformer.reporting.argument import proof_blocks, refutation_blocks
from exactformer.reporting.data import DIGEST, CorrespondenceCard, NetworkCard, Report

SEARCHES = ("structural", "lazy", "regions", "smt")
MAX_ARGUMENT = 300  # characters of a point on a command line

KINDS = {"maxout": "maxout network", "relu": "ReLU network", "transformer": "Transformer", "function": "function"}
SIZES = {"transformer": "{tokens} tokens of width {width}", "function": "{steps} steps"}
TIES = {
    "average": "a head spreads its weight evenly over all tokens of the largest score, as the limit of softmax does",
    "leftmost": "a head gives all its weight to the first of the tokens of the largest score",
    "rightmost": "a head gives all its weight to the last of the tokens of the largest score",
}


def document_of(report: Report) -> Document:
    """The report as a document; sections with nothing to say are left out."""
    argument = {"proved": "The proof", "refuted": "The refutation", "unknown": "What was tried"}[report.verdict]
    card = report.correspondence
    parts = [
        Section("Statement", (_statement(report), _statement_facts(report))),
        Section("What it means", _semantics(report)),
        Section.of("The networks", (*map(_network, report.networks), _sizes(report))),
        Section("From units to heads", _correspondence(card, report)) if card else None,
        Section.of(argument, [*refutation_blocks(report), *proof_blocks(report)]),
        Section.of("What was trusted", _trust(report)),
        Section("How to check it again", _commands(report)),
    ]
    return Document(report.title, report.verdict, tuple(part for part in parts if part is not None))


# --- statement and semantics --------------------------------------------------------------------------


def _statement(report: Report) -> Statement:
    if report.verdict == "proved":
        note = "" if report.checked else "There is no certificate: this rests on what is listed as trusted below alone."
        verdict = "Proved" if report.checked else "Proved by z3 alone, no certificate"
        return Statement(verdict, "Theorem", f"{report.sentence}.", note)
    if report.verdict == "refuted":
        return Statement("Refuted", "Counterexample", f"It is not true that {report.sentence}.")
    return Statement("Unknown", "Open", f"It is not decided whether {report.sentence}.")


def _statement_facts(report: Report) -> Facts:
    domain, certificate = report.domain, report.file("certificate")
    rows: list[tuple[str, Inline]] = [("D", Exact(domain.text, certificate))]
    rows += [("with", Exact(text, certificate)) for text in domain.inequalities]
    if domain.left_out:
        rows.append(("with", Exact(f"… {domain.left_out} more inequalities", certificate)))
    for side in report.networks:
        rows.append((side.symbol, _described(side)))
        if side.digest:
            rows.append(("sha256", Code(side.digest)))
    if report.refutation is not None:
        rows += [(name, Exact(point, report.claim_file)) for name, point in report.refutation.points]
    if report.reason:
        rows.append(("reason", report.reason))
    if report.theorem and report.verdict == "proved":
        rows.append(("kernel" if report.checked else "claim", Exact(report.theorem, report.claim_file)))
        if report.checked:
            sides = zip(("left", "right"), report.networks, strict=False)
            rows.append(("where", ", ".join(f"{word}(x) is {side.symbol}(x)" for word, side in sides)))
    return Facts(tuple(rows))


def _described(side: NetworkCard) -> str:
    facts = dict(side.facts)
    size = SIZES.get(side.kind, "{parameters} parameters")
    numbers = {key: facts.get(key, "?") for key in ("tokens", "width", "parameters", "steps")}
    return f"{f'{side.name}, ' if side.name else ''}a {KINDS[side.kind]} with {size.format(**numbers)}"


def _semantics(report: Report) -> tuple[Block, ...]:
    exact = "All weights are exact rational numbers, and all arithmetic is that of the real numbers, without rounding."
    blocks: list[Block] = [Paragraph(exact)]
    blocks += [Paragraph(_softmax(side)) for side in report.networks if side.softmax]
    if "transformer" in [side.kind for side in report.networks if not side.softmax]:
        limit = "Attention is taken in its hard limit: softmax attention with all scores multiplied by λ, as λ → ∞."
        if report.rules:
            rule = "When scores tie, the weight goes as the two tie rules of the statement say."
        elif report.tie == "any":
            rule = "When scores tie, nothing depends on the rule: the statement holds under every tie rule."
        else:
            rule = f"When scores tie, the rule is “{report.tie}”: {TIES[report.tie]}."
        blocks.append(Paragraph(f"{limit} {rule}"))
    caution = "The statement is about these exact networks. It says nothing about running them in floating point."
    return (*blocks, Paragraph(caution))


def _softmax(side: NetworkCard) -> str:
    power = f"with weights in proportion to {'2' if 'base 2' in side.softmax else 'e'} to the power λ times"
    if side.kind == "transformer":
        means = f"each head is the mean of the values that it sees, {power} the score"
    else:
        means = f"each maximum is replaced by the mean of its pieces, {power} the piece"
    return f"{side.symbol} is read with {side.softmax}: {means}. Here λ is the inverse temperature."


# --- the networks -------------------------------------------------------------------------------------


def _network(side: NetworkCard) -> Facts:
    rows: list[tuple[str, Inline]] = [("name", side.name or "(none)"), ("kind", KINDS[side.kind])]
    if side.file:
        rows.append(("file", File(side.file)))
    facts = ((name, text) for name, text in side.facts if name != DIGEST)  # which stands in the statement
    return Facts((*rows, *facts), side.symbol)


def _sizes(report: Report) -> Table | None:
    if not report.sizes:
        return None
    rows = tuple(
        (
            Formula(size.name),
            Formula(size.formula),
            Exact(f"{'' if size.exact else '≤ '}{size.expected}"),
            str(size.counted),
            size.agrees,
        )
        for size in report.sizes
    )
    note = Formula(
        "n0 inputs, L layers, m_l units in layer l, rank k, n_out outputs; "
        "P counts the parameters of the source with every unit padded to rank k."
    )
    head = ("Size", "Formula", "Expected", "Counted", "Agrees")
    return Table("Sizes of the Transformer beside the formulas of the construction", head, "llrrl", rows, note)


def _correspondence(card: CorrespondenceCard, report: Report) -> tuple[Block, ...]:
    intro = (
        f"Construction “{card.construction}”. The heads beside a unit of the source network take its maximum, and its "
        "values stand in the coordinates beside it; a → b says that its pieces, one a token, stand in a before the "
        "maximum stands in b. Layers, units, blocks, heads and coordinates count from 0."
    )
    spaces = tuple((name, f"{first}–{last}" if first < last else f"{first}") for name, first, last in card.spaces)
    columns = 6 if any(u.more for u in card.units) else 5
    rows = tuple(
        (str(u.layer), str(u.unit), str(u.block), u.heads, u.coordinates, f"{u.more} more" if u.more else "")[:columns]
        for u in card.units
    )
    place = report.file("correspondence")
    note = f"All {card.total} units are in {place}." if len(rows) < card.total and place else ""
    head = ("Layer", "Unit", "Block", "Heads", "Coordinates", "Units not shown")[:columns]
    return (
        Paragraph(intro),
        Facts(spaces, "Coordinates of a token"),
        Table("Units of the source and their place in the Transformer", head, "rrrlll"[:columns], rows, note),
    )


# --- trust --------------------------------------------------------------------------------------------


def _trust(report: Report) -> list[Block | None]:
    kernel, trust = report.trust.kernel, report.trust
    rows: list[tuple[str, Inline]] = []
    if report.checked:
        work = (
            "It derived every cell and every obligation from the network files, not from the certificate."
            if report.verdict == "proved"
            else "It evaluated the network files at the counterexample, with rational numbers."
        )
        text = (
            "The verdict was given by the kernel, a small program that needs the Python standard library only and does "
            f"not search. {work} What has to be trusted is its source and the Python that runs it."
        )
        size = f"{len(kernel.files)} files, {kernel.lines} lines, of which {kernel.code_lines} are code"
        rows += [("kernel", size), ("sha256", Code(kernel.sha256))]
    elif report.verdict == "unknown":
        text = "Nothing was asserted, so nothing has to be trusted."
    else:
        text = "The kernel was not involved. The verdict rests on what is listed here."
    rows += [("trusted", line) for line in trust.lines]
    versions = Facts(trust.versions, "Versions") if trust.versions else None
    return [Paragraph(text), Facts(tuple(rows)) if rows else None, versions]


def _commands(report: Report) -> tuple[Block, ...]:
    if not report.checked:
        text = "There is no certificate to check. The search can be run again:"
        return Paragraph(text), Commands((_search(report),))
    certificate = shlex.quote(report.file("certificate") or "certificate.json")
    named = tuple((role, File(name)) for role, name in report.files)
    blocks: list[Block] = [Paragraph("The files beside this report:"), Facts(named)] if named else []
    blocks += [
        Paragraph("With the package installed, in a fresh interpreter; FOLDER is the folder of this report:"),
        Commands(("exactformer check FOLDER",)),
        Paragraph("With nothing but Python and the kernel's source; no third-party package can be imported:"),
        Commands((f"python -I -S path/to/exactformer/kernel {certificate}",)),
        Paragraph("The digest of the kernel's source, to be compared with the one above:"),
        Commands(("cd path/to/exactformer/kernel && LC_ALL=C sh -c 'sha256sum *.py | sha256sum'",)),
    ]
    found = report.refutation
    if found is not None and all(
        len(row.inputs) <= MAX_ARGUMENT and not Exact(row.inputs).shortened for row in found.evaluations
    ):
        rules = report.rules or (report.tie,) * len(found.evaluations)
        lines = []
        for row, rule in zip(found.evaluations, rules, strict=False):
            point = shlex.quote(row.inputs.strip("()").replace(" ", ""))
            tie = "" if rule in ("any", "average") else f" --tie {shlex.quote(rule)}"
            lines.append(f"exactformer evaluate {shlex.quote(row.file)} --at {point}{tie}")
        blocks += [Paragraph("The values:"), Commands(tuple(lines))]
    return tuple(blocks)


def _search(report: Report) -> str:
    files = [
        shlex.quote(report.file(role) or f"{role}.json")
        for role, _ in zip(("left", "right"), report.networks, strict=False)
    ]
    words = ["exactformer verify", *files]
    words += ["--claim", shlex.quote(report.claim)] if not report.equality else []
    words += map(shlex.quote, report.domain.option.split())
    words += ["--method", report.proof.method] if report.proof.method in SEARCHES else []
    words += ["--tie", report.tie] if report.tie in ("leftmost", "rightmost") else []
    return " ".join(words)
