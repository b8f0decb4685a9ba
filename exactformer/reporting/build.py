"""From an outcome to the frozen data of its report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from math import floor

from exactformer.claims import Claim
from exactformer.compiler.correspondence import Compiled, UnitPlace
from exactformer.compiler.sizes import SizeLine, nonzeros
from exactformer.documents.numbers import (
    TERMS,
    linear_text,
    map_text,
    point_text,
    power,
    ranges_text,
    unit_name,
    variable,
)
from exactformer.domain import Domain
from exactformer.networks import Affine, Function, MaxoutLayer, MaxoutNetwork, Network, ReluNetwork, Transformer
from exactformer.networks.semantics import Semantics
from exactformer.prover.outcome import Confirmation, HeadLine, Outcome, Region, Witness
from exactformer.rational import exact_text
from exactformer.reporting.data import (
    DIGEST,
    READ,
    ConfirmationCard,
    CorrespondenceCard,
    DomainCard,
    EvaluationRow,
    HeadRow,
    NetworkCard,
    ProofCard,
    RefutationCard,
    RegionRow,
    Report,
    SizeRow,
    TrustCard,
    UnitRow,
)
from exactformer.reporting.facets import facets_of, inequality_text
from exactformer.reporting.picture import picture_of
from exactformer.reporting.traces import places_of, traceable
from exactformer.reporting.trusted import installed_versions, kernel_facts

MAX_UNITS = 60
MAX_REGIONS = 50
MAX_TRACE = 60
MAX_ROWS = 800  # inequalities of the regions that are listed, up to which the facets are looked for
MAX_INEQUALITIES = 8
MAX_FACTORS = 6
MAX_NAMES = 40  # of coordinates
MAX_PATTERN = 30  # maxima of a region whose winner is told
WRITTEN_OUT = 128  # parameters of a network that is written out
MAX_ENDS = 60  # characters of the ends of a cube on a command line


def build_report(
    outcome: Outcome,
    *,
    files: Mapping[str, str],
    versions: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Report:
    """The report of an outcome.

    `files` gives the names of the files beside the report by role (left, right, certificate, report, and further
    ones); `versions` defaults to those installed. Raises `OSError` when the kernel's source cannot be read.
    """
    first, second = symbols(outcome.left, outcome.right)
    return Report(
        title=title or title_of(outcome.left, outcome.right, outcome.claim, compiled=outcome.compiled is not None),
        claim=outcome.claim.written,
        sentence=outcome.claim.sentence(first, second, "D"),
        verdict=outcome.verdict,
        checked=outcome.certificate is not None,
        theorem=outcome.theorem or "",
        reason=outcome.reason or "",
        tie="any" if "any tie rule" in (outcome.theorem or "") else outcome.tie,
        domain=domain_card(outcome.domain, _option(outcome, files.get("domain", "domain.json"))),
        left=network_card(outcome.left, first, files.get("left", ""), outcome.semantics[0], _digest(outcome, "left")),
        right=None
        if outcome.right is None
        else network_card(
            outcome.right, second, files.get("right", ""), outcome.semantics[1], _digest(outcome, "right")
        ),
        sizes=tuple(map(_size, outcome.compiled.sizes if outcome.compiled else ())),
        correspondence=_correspondence(outcome.compiled) if outcome.compiled else None,
        proof=_proof(outcome),
        refutation=_refutation(outcome, outcome.witness, (first, second), files) if outcome.witness else None,
        picture=picture_of(outcome.domain, outcome.regions, MAX_REGIONS),
        trust=TrustCard(kernel_facts(), tuple((versions or installed_versions()).items()), outcome.trusted),
        files=tuple(files.items()),
    )


def _digest(outcome: Outcome, side: str) -> str:
    """The digest of a network's file that the certificate names; empty where there is none."""
    named = (outcome.certificate or {}).get(side)
    return str(named.get("sha256", "")) if isinstance(named, dict) else ""


def symbols(left: Network, right: Network | None) -> tuple[str, str]:
    """N for a feedforward network, T for a Transformer, with a number when both sides are of one sort."""
    if right is None:
        return "T" if isinstance(left, Transformer) else "N", ""
    first, second = ("T" if isinstance(side, Transformer) else "N" for side in (left, right))
    return (first, second) if first != second else (f"{first}₁", f"{second}₂")


def _small(network: MaxoutNetwork | ReluNetwork) -> bool:
    """Whether it is written out: it has few parameters, and no form is longer than is shown."""
    return network.parameters <= WRITTEN_OUT and max(network.inputs, *network.widths, 0) <= TERMS


def _written_out(network: MaxoutNetwork | ReluNetwork) -> list[tuple[str, str]]:
    """Every unit and every output of a small network, as a formula of those before it."""
    result = list[tuple[str, str]]()
    name: Callable[[int, int], str] = variable
    layers: Sequence[MaxoutLayer | Affine] = network.layers
    for number, layer in enumerate(layers, start=1):
        pieces, rank = (layer, 1) if isinstance(layer, Affine) else (layer.pieces, layer.rank)
        zero = ["0"] if isinstance(layer, Affine) else []
        for unit in range(pieces.outputs // rank):
            forms = zero + [_form(pieces, rank * unit + k, name) for k in range(rank)]
            value = f"max({', '.join(forms)})" if len(forms) > 1 else forms[0]
            result.append((unit_name(number)(unit, pieces.outputs), value))
        name = unit_name(number)
    outputs = network.outputs
    return result + [("y" + variable(i, outputs)[1:], _form(network.output, i, name)) for i in range(outputs)]


def _form(affine: Affine, row: int, name: Callable[[int, int], str]) -> str:
    return linear_text(affine.weights.row(row).items(), affine.biases[row], affine.inputs, name)


def title_of(left: Network, right: Network | None, claim: Claim, *, compiled: bool) -> str:
    """What stands above the report."""
    first, second = (side.name.strip() or f"an unnamed {side.kind} network" for side in (left, right or left))
    if right is None:
        return f"{first}: {claim.name}"
    return f"{first} as a Transformer" if compiled else f"{first} and {second}"


# --- domain and networks ------------------------------------------------------------------------------


def asked_by_file(outcome: Outcome) -> bool:
    """Whether the domain can only be asked for by a file: it is not the network's own, no cube and not everything."""
    domain = outcome.domain
    everything = domain == Domain.everything(domain.dimension)
    return domain != outcome.left.domain and not everything and _cube(domain) is None


def _cube(domain: Domain) -> tuple[Fraction, Fraction] | None:
    """The ends that all inputs share, if that is all there is to say."""
    low, high = (ends[0] if len(set(ends)) == 1 else None for ends in (domain.lower, domain.upper))
    if low is None or high is None or len(domain.bounds) or len(f"{low}{high}") > MAX_ENDS:
        return None
    return low, high


def _option(outcome: Outcome, file: str) -> str:
    domain = outcome.domain
    if domain == outcome.left.domain:
        return ""
    if domain == Domain.everything(domain.dimension):
        return "--everywhere" if outcome.left.domain is not None else ""
    cube = _cube(domain)
    return f"--domain {file}" if cube is None else f"--box {cube[0]} {cube[1]}"


def domain_card(domain: Domain, option: str = "") -> DomainCard:
    """What a report says of a domain."""
    rows = enumerate(domain.bounds.fractions()[:MAX_INEQUALITIES])
    n = domain.dimension
    inequalities = tuple(
        f"{linear_text(domain.matrix.row(i).items(), Fraction(0), n)} ≤ {exact_text(b)}" for i, b in rows
    )
    ends = zip(domain.lower, domain.upper, strict=True)
    factors = [power(text, len(list(run))) for text, run in groupby(map(_interval, ends))]
    if len(factors) > MAX_FACTORS:
        factors[MAX_FACTORS - 2 : -1] = ["…"]
    text = " × ".join(factors) + (f" ({n} inputs)" if "…" in factors else "")
    return DomainCard(text, option, inequalities, len(domain.bounds) - len(inequalities))


def _interval(ends: tuple[Fraction | None, Fraction | None]) -> str:
    low, high = ends
    if low is None and high is None:
        return "ℝ"
    left = "(−∞" if low is None else f"[{exact_text(low)}"
    return f"{left}, {'∞)' if high is None else f'{exact_text(high)}]'}"


def network_card(network: Network, symbol: str, file: str, semantics: Semantics, digest: str = "") -> NetworkCard:
    """What a report says of a network; with the digest of its file a small one is written out, too."""
    if isinstance(network, Transformer):
        facts = _transformer_facts(network)
    elif isinstance(network, Function):
        facts = [("formula", network.size), ("steps", str(len(network.steps)))]
    else:
        facts = _layer_facts(network)
    shared = [("inputs", str(network.inputs)), ("outputs", str(network.outputs))]
    read = [(READ, str(semantics))] if semantics.soft else []
    read += [("assumed", note) for note in getattr(network, "notes", ())]
    if digest:
        read.append((DIGEST, digest))
        if isinstance(network, (MaxoutNetwork, ReluNetwork)) and _small(network):
            read += _written_out(network)
    return NetworkCard(symbol, network.name.strip(), network.kind, file, (*shared, *facts, *read))  # type: ignore[arg-type]


def _layer_facts(network: MaxoutNetwork | ReluNetwork) -> list[tuple[str, str]]:
    rank = network.rank if isinstance(network, MaxoutNetwork) else 2
    return [
        ("layers", str(len(network.widths))),
        ("widths", _widths(network.widths) or "none"),
        ("rank", str(rank)),
        ("parameters", f"{network.parameters}"),
    ]


def _transformer_facts(network: Transformer) -> list[tuple[str, str]]:
    hidden = [block.feedforward.hidden for block in network.blocks if block.feedforward is not None]
    return [
        ("tokens", str(network.tokens)),
        ("width", str(network.width)),
        ("blocks", str(len(network.blocks))),
        ("heads", _widths([len(block.heads) for block in network.blocks if block.heads is not None]) or "none"),
        ("hidden neurons", _widths(hidden) or "none"),
        ("residual", "yes" if network.residual else "no"),
        ("mask", network.mask or "none"),
        ("non-zero entries", f"{nonzeros(network)}"),
        *([("coordinates", _named(network.coordinates))] if network.coordinates else []),
    ]


def _named(names: Sequence[str]) -> str:
    hidden = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f", … {hidden} more" if hidden > 0 else "")


def _widths(widths: Iterable[int]) -> str:
    """Numbers layer by layer, runs of more than two together.

    >>> _widths([2, 8, 8, 8])
    '2, 3 × 8'
    """
    runs = ((w, len(list(run))) for w, run in groupby(widths))
    return ", ".join(f"{n} × {w}" if n > 2 else ", ".join([str(w)] * n) for w, n in runs)


# --- the compiled Transformer -------------------------------------------------------------------------


def _size(line: SizeLine) -> SizeRow:
    formula = line.formula.removeprefix("<= ").replace(">=", "≥")
    expected = line.expected if line.exact else Fraction(floor(line.expected))  # counts are integers
    return SizeRow(line.name, formula, line.counted, exact_text(expected), line.exact, line.agrees)


def _correspondence(compiled: Compiled) -> CorrespondenceCard:
    """All units, or beyond MAX_UNITS the first ones of every layer."""
    found = compiled.correspondence
    layers = [list(run) for _, run in groupby(found.units, key=lambda place: place.layer)]
    each = len(found.units) if len(found.units) <= MAX_UNITS else max(1, MAX_UNITS // len(layers))
    return CorrespondenceCard(
        construction=found.construction,
        spaces=tuple((name, low, high - 1) for name, low, high in found.coordinates),
        units=tuple(
            _unit(u, len(run) - each if i == each - 1 else 0) for run in layers for i, u in enumerate(run[:each])
        ),
        total=len(found.units),
    )


def _unit(place: UnitPlace, more: int) -> UnitRow:
    heads, coordinates = ranges_text(place.heads), ranges_text(place.coordinates)
    if place.pieces is not None:
        coordinates = f"{place.pieces} → {coordinates}"
    return UnitRow(place.layer, place.unit, place.block, heads, coordinates, max(more, 0))


# --- proof and refutation -----------------------------------------------------------------------------


def _proof(outcome: Outcome) -> ProofCard:
    tree = (outcome.certificate or {}).get("tree", ())
    listed = outcome.regions[:MAX_REGIONS]
    few = sum(len(region.inequalities) for region in listed) <= MAX_ROWS
    return ProofCard(
        method=outcome.method,
        identical=len(tree) == 1 and list(tree[0]) == ["holds"],
        counts=tuple(outcome.counts.items()),
        regions=tuple(_region(outcome, region, facets=few) for region in listed),
        regions_total=max(len(outcome.regions), outcome.counts.get("regions", 0)),
        confirmations=tuple(map(_confirmation, outcome.confirmations)),
        cases=outcome.cases,
    )


def _confirmation(said: Confirmation) -> ConfirmationCard:
    return ConfirmationCard(said.route, said.subject, said.confirmed, said.tried, said.total, said.note)


def _region(outcome: Outcome, region: Region, *, facets: bool) -> RegionRow:
    return RegionRow(
        inequalities=len(region.inequalities),
        facets=tuple(map(inequality_text, facets_of(region.inequalities))) if facets else (),
        interior=point_text(region.interior),
        left=map_text(region.left),
        right=map_text(region.right),
        same=region.left == region.right,
        pattern=tuple(f"{place}: {winner}" for place, winner in region.pattern[:MAX_PATTERN]),
        places=places_of(outcome, region) if traceable(outcome) else (),
    )


def _refutation(outcome: Outcome, witness: Witness, names: tuple[str, str], files: Mapping[str, str]) -> RefutationCard:
    """A long trace is cut to the lines around the first place where the sides part."""
    trace = outcome.trace
    parting = next((i for i, line in enumerate(trace) if not line.agrees), 0)
    start = max(0, min(parting - MAX_TRACE // 4, len(trace) - MAX_TRACE))
    points, evaluations, difference = witness_rows(outcome.claim, witness, names, files)
    return RefutationCard(
        points=points,
        evaluations=evaluations,
        difference=difference,
        trace=trace[start : start + MAX_TRACE],
        trace_total=len(trace),
        blame=outcome.blame,
        heads=tuple(_head(line, evaluations) for line in outcome.heads[:MAX_TRACE]),
        heads_total=len(outcome.heads),
    )


def _head(line: HeadLine, evaluations: Sequence[EvaluationRow]) -> HeadRow:
    return HeadRow(
        evaluation=evaluations[line.evaluation].label,
        place=f"block {line.block}, head {line.head}, token {line.token}",
        scores=", ".join(f"{token}: {score}" for token, score in line.scores),
        winners=ranges_text(line.winners) + (f" ({line.tied} tie)" if line.tied > 1 else ""),
    )


def witness_rows(
    claim: Claim, witness: Witness, names: tuple[str, str], files: Mapping[str, str]
) -> tuple[tuple[tuple[str, str], ...], tuple[EvaluationRow, ...], str | None]:
    """The points, the evaluations and the difference of a counterexample, with the sides' symbols and files by role."""
    gap = [a - b for a, b in zip(witness.left, witness.right, strict=True)]
    points = tuple((name, point_text(point)) for name, point in witness.points)
    evaluations = tuple(
        EvaluationRow(
            e.label.format(left=names[0], right=names[1]),
            files.get("right" if "{right}" in e.label else "left", ""),
            point_text(e.inputs),
            point_text(e.outputs),
        )
        for e in witness.evaluations
    )
    return points, evaluations, point_text(gap) if claim.equality else None
