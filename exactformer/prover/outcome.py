"""What `prove` and `verify` return: frozen data, from which reports are rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from exactformer.arguments import instance, no_truth
from exactformer.claims import Claim
from exactformer.compiler.correspondence import Compiled
from exactformer.documents.document import Branch
from exactformer.domain import Domain
from exactformer.enclosure import Number
from exactformer.errors import Faults
from exactformer.networks import Affine, Network
from exactformer.networks.semantics import Semantics, Tie
from exactformer.prover.answer import answer_rows, rows_html, rows_text

Verdict = Literal["proved", "refuted", "unknown"]
Point = tuple[Fraction, ...]
Outputs = tuple[Number, ...]


@dataclass(frozen=True)
class Inequality:
    """coefficients . x + constant >= 0 (> 0 when strict), with integers without a common factor."""

    coefficients: tuple[int, ...]
    constant: int
    strict: bool = False


@dataclass(frozen=True)
class Region:
    """One leaf of a region-by-region proof: its inequalities, an interior point, the affine map of each side.

    `pattern` names the winner at every gate that was split on the way, as (place, candidate).
    """

    inequalities: tuple[Inequality, ...]
    interior: Point
    left: Affine
    right: Affine
    pattern: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Evaluation:
    """One evaluation at a counterexample: of a network (its label) at a point, with the exact outputs.

    Where softmax makes an output irrational, it is an enclosure.
    """

    label: str
    inputs: Point
    outputs: Outputs


@dataclass(frozen=True)
class Witness:
    """A counterexample: values of the claim's variables, and what the claim's evaluations give there.

    Both evaluators agree on the outputs. `left` and `right` are those of the first and the last evaluation.
    """

    point: Point
    evaluations: tuple[Evaluation, ...]
    points: tuple[tuple[str, Point], ...]  # x, and in claims about two points y

    @staticmethod
    def of(claim: Claim, point: Point, values: Sequence[Outputs], inputs: int) -> Witness:
        """The counterexample at these values of the claim's variables, with the outputs of each evaluation."""
        runs = zip(claim.runs_at(point, inputs), values, strict=True)
        x, y = (tuple(p) for p in claim.points(point, inputs))
        points = (("x", x), ("y", y)) if claim.free(inputs) else (("x", x),)
        return Witness(point, tuple(Evaluation(run.label, tuple(run.inputs), value) for run, value in runs), points)

    @property
    def left(self) -> Outputs:
        """The outputs of the first evaluation."""
        return self.evaluations[0].outputs

    @property
    def right(self) -> Outputs:
        """The outputs of the last evaluation."""
        return self.evaluations[-1].outputs


@dataclass(frozen=True)
class TraceLine:
    """One place of a two-sided trace: where, the exact value there, and the value the source asks for."""

    place: str
    found: str
    wanted: str
    agrees: bool


@dataclass(frozen=True)
class HeadLine:
    """A head at a counterexample: in which evaluation of the claim, its place, the score of each token that it sees.

    The winners are the tokens that share the weight by the tie rule, of those that have the largest score: `tied`.
    """

    evaluation: int
    block: int
    head: int
    token: int
    scores: tuple[tuple[int, str], ...]
    winners: tuple[int, ...]
    tied: int


@dataclass(frozen=True)
class Blame:
    """An entry of a refuted Transformer that differs from the right one, and whether mending it alone is enough."""

    place: str
    found: str
    wanted: str
    repairs: bool


@dataclass(frozen=True)
class Confirmation:
    """What an independent route said of a proof: of the leaves (or points, or regions) it tried, out of all.

    `note` says why some stayed undecided.
    """

    route: str
    subject: str
    confirmed: int
    tried: int
    total: int
    contradicted: int
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """The answer to "does the claim hold on the domain?", with everything a report needs.

    `right` is None in a claim about one network. `certificate` is the JSON data the kernel accepted (a tree for
    proved, a point for refuted); it is None for unknown and for a proof that rests on an SMT solver alone. `counts`
    has the numbers of rules in the proof (gate, compare, holds, empty) and, for `regions`, also regions, flat and
    pruned leaves. `cases` is the tree of a small proof in words. An outcome is neither true nor false, because unknown
    is neither: ask its `verdict`.
    """

    verdict: Verdict
    method: str
    claim: Claim
    left: Network
    right: Network | None
    domain: Domain
    semantics: tuple[Semantics, ...]  # of each network
    seconds: float
    theorem: str | None = None
    reason: str | None = None
    certificate: dict[str, Any] | None = field(default=None, hash=False)
    witness: Witness | None = None
    trace: tuple[TraceLine, ...] = ()
    heads: tuple[HeadLine, ...] = ()
    blame: tuple[Blame, ...] = ()
    regions: tuple[Region, ...] = ()
    counts: dict[str, int] = field(default_factory=dict, hash=False)
    cases: Branch | None = None
    confirmations: tuple[Confirmation, ...] = ()
    compiled: Compiled | None = None
    trusted: tuple[str, ...] = ()

    @property
    def tie(self) -> Tie:
        """The tie rule."""
        return self.semantics[0].tie

    @property
    def certified(self) -> bool:
        """Whether the verdict has a certificate, which the kernel accepted; never where it is unknown."""
        return self.certificate is not None

    @property
    def headline(self) -> str:
        """The verdict in capitals, and on whose word alone it rests where there is no certificate."""
        alone = self.verdict == "proved" and not self.certified
        return self.verdict.upper() + (" by z3 alone, no certificate" if alone else "")

    @property
    def proved(self) -> bool:
        """Whether the claim was proved. False does not mean that it is wrong: see `refuted`."""
        return self.verdict == "proved"

    @property
    def refuted(self) -> bool:
        """Whether a counterexample was found, and confirmed."""
        return self.verdict == "refuted"

    def __bool__(self) -> bool:
        raise no_truth(self, 'outcome.verdict == "proved", or outcome.proved')

    def __str__(self) -> str:
        return rows_text(answer_rows(self))

    def __repr__(self) -> str:
        return f"<Outcome: {self.verdict}, {self.method}: {self.claim}>"

    def _repr_html_(self) -> str:
        return rows_html(answer_rows(self))


def check_outcome(value: Any) -> None:
    """Raises `InvalidInput` for anything but what `prove` and `verify` return."""
    faults = Faults()
    instance(value, Outcome, "what prove and verify return", "outcome", faults)
    faults.settle()
