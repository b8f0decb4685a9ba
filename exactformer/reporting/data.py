"""The frozen data of a report, in the form in which every renderer takes it and `report.json` keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from exactformer.claims import Claim, read_claim
from exactformer.documents.document import Branch
from exactformer.documents.picture import Picture
from exactformer.errors import Faults, InvalidInput
from exactformer.prover.outcome import Blame, TraceLine
from exactformer.reporting import codec
from exactformer.reporting.trusted import KernelFacts

FORMAT = "exactformer/report-1"
READ = "read as"  # the name of the fact that a network is read with softmax, and at which temperature

DIGEST = "sha256"  # the name of the fact that tells the digest of a network's file


@dataclass(frozen=True)
class DomainCard:
    """The domain as text: the product of its intervals, and the inequalities beside them.

    `option` asks for it on the command line; it is empty where the left network's own domain is meant.
    """

    text: str
    option: str
    inequalities: tuple[str, ...]
    left_out: int


@dataclass(frozen=True)
class NetworkCard:
    """One network: its symbol in the statement, name, kind, file, and further properties."""

    symbol: str
    name: str
    kind: Literal["maxout", "relu", "transformer", "function"]
    file: str
    facts: tuple[tuple[str, str], ...]

    @property
    def softmax(self) -> str:
        """How it is read, where that is with softmax; empty where it is hard."""
        return dict(self.facts).get(READ, "")

    @property
    def digest(self) -> str:
        """The digest of its file; empty where there is no certificate that names it."""
        return dict(self.facts).get(DIGEST, "")


@dataclass(frozen=True)
class SizeRow:
    """One size of the compiled Transformer beside its formula."""

    name: str
    formula: str
    counted: int
    expected: str
    exact: bool
    agrees: bool


@dataclass(frozen=True)
class UnitRow:
    """Where one unit of the source lives, and how many units of its layer after it are not shown."""

    layer: int
    unit: int
    block: int
    heads: str
    coordinates: str
    more: int


@dataclass(frozen=True)
class CorrespondenceCard:
    """The way back: named coordinate ranges (first, last), the units shown, and the number of all units."""

    construction: str
    spaces: tuple[tuple[str, int, int], ...]
    units: tuple[UnitRow, ...]
    total: int


@dataclass(frozen=True)
class PlaceRow:
    """A place in the networks and its affine map on each side: coefficients, then the constant; empty where it is not.

    The numbers are exact.
    """

    place: str
    left: tuple[str, ...]
    right: tuple[str, ...]


@dataclass(frozen=True)
class RegionRow:
    """One region: its inequalities, an interior point, both affine maps.

    `facets` are those inequalities that the others do not imply, where they have been looked for; `pattern` says which
    candidate wins at the maxima that were split, `places` what both sides compute on the way, in small networks.
    """

    inequalities: int
    interior: str
    left: str
    right: str
    same: bool
    facets: tuple[str, ...] = ()
    pattern: tuple[str, ...] = ()
    places: tuple[PlaceRow, ...] = ()


@dataclass(frozen=True)
class ConfirmationCard:
    """What an independent route said of the proof."""

    route: str
    subject: str
    confirmed: int
    tried: int
    total: int
    note: str


@dataclass(frozen=True)
class ProofCard:
    """How the verdict was reached: method, whether both outputs were one form, rule counts, and the regions shown.

    `cases` is the tree of a small proof in words.
    """

    method: str
    identical: bool
    counts: tuple[tuple[str, int], ...]
    regions: tuple[RegionRow, ...]
    regions_total: int
    confirmations: tuple[ConfirmationCard, ...]
    cases: Branch | None = None


@dataclass(frozen=True)
class EvaluationRow:
    """One evaluation at the counterexample: its label, the file of its network, the input and the output."""

    label: str
    file: str
    inputs: str
    outputs: str


@dataclass(frozen=True)
class HeadRow:
    """A head at the counterexample: the evaluation, its place, the scores of the tokens it sees, who wins."""

    evaluation: str
    place: str
    scores: str
    winners: str


@dataclass(frozen=True)
class RefutationCard:
    """The points of the counterexample by name, what the networks compute there, and the trace.

    `difference` is that of the two sides, for the claim that they are equal.
    """

    points: tuple[tuple[str, str], ...]
    evaluations: tuple[EvaluationRow, ...]
    difference: str | None
    trace: tuple[TraceLine, ...]
    trace_total: int
    blame: tuple[Blame, ...]
    heads: tuple[HeadRow, ...] = ()
    heads_total: int = 0


@dataclass(frozen=True)
class TrustCard:
    """What the verdict rests on."""

    kernel: KernelFacts
    versions: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything a renderer needs.

    `claim` is the claim as written on the command line, `sentence` says it with the symbols of the networks.
    `checked` tells that the kernel accepted a certificate, `tie` is "any" when its theorem holds under every tie rule.
    """

    title: str
    claim: str
    sentence: str
    verdict: Literal["proved", "refuted", "unknown"]
    checked: bool
    theorem: str
    reason: str
    tie: Literal["any", "average", "leftmost", "rightmost"]
    domain: DomainCard
    left: NetworkCard
    right: NetworkCard | None
    sizes: tuple[SizeRow, ...]
    correspondence: CorrespondenceCard | None
    proof: ProofCard
    refutation: RefutationCard | None
    picture: Picture | None
    trust: TrustCard
    files: tuple[tuple[str, str], ...]

    @property
    def equality(self) -> bool:
        """Whether the claim says that the two sides are equal."""
        return self._asked is not None and self._asked.equality

    @property
    def rules(self) -> tuple[str, ...]:
        """The tie rules that the claim itself names, one for each evaluation."""
        return () if self._asked is None else self._asked.rules

    @property
    def _asked(self) -> Claim | None:
        """The claim; None where what is written is none, as a report is what its file says."""
        try:
            return read_claim(self.claim)
        except InvalidInput:
            return None

    def file(self, role: str) -> str:
        """The name of the file with the given role, or empty text."""
        return dict(self.files).get(role, "")

    @property
    def claim_file(self) -> str:
        """The name of the file that has the exact numbers of the claim."""
        return self.file("certificate" if self.checked else "report")

    @property
    def networks(self) -> tuple[NetworkCard, ...]:
        """The networks it is about."""
        return (self.left,) if self.right is None else (self.left, self.right)

    def equation(self, sign: str) -> str:
        """N(x) = T(x), with the symbols of the two sides and the given sign."""
        return f"{self.left.symbol}(x) {sign} {self.networks[-1].symbol}(x)"

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {"format": FORMAT, **codec.to_json(self)}

    @staticmethod
    def from_json(value: Any, source: str = "report.json") -> Report:
        """The report in JSON data. Raises `InvalidInput` with every fault found; `source` names the file in them."""
        faults = Faults(source)
        found = value.get("format") if isinstance(value, dict) else value
        if found != FORMAT:
            faults.add("format", FORMAT, found)
        faults.settle()
        result = codec.from_json(Report, {k: v for k, v in value.items() if k != "format"}, "report", faults)
        faults.settle()
        assert isinstance(result, Report)
        return result
