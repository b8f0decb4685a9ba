"""What checking theorems comes to: frozen data, from which answers and pages are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from exactformer.arguments import no_truth
from exactformer.documents import Document, render_html, render_text
from exactformer.theorems.document import document_of
from exactformer.theorems.theorem import Theorem

Outcome = Literal["confirmed", "failed", "unknown", "cited"]
WORST: tuple[Outcome, ...] = ("failed", "unknown", "confirmed", "cited")
UNNOTICED = "the planted fault was not noticed"


Decided = Literal["confirmed", "failed", "unknown"]


class Found(NamedTuple):
    """What one instance came to, with a witness or a reason, in so many seconds."""

    outcome: Decided
    text: str
    seconds: float


@dataclass(frozen=True)
class Failure:
    """An instance that is not as the statement says: its parameters, its number among those with these, its witness."""

    values: tuple[tuple[str, int], ...]
    draw: int
    witness: str

    @property
    def place(self) -> str:
        """The instance in words."""
        return ", ".join([*(f"{name} {value}" for name, value in self.values), f"instance {self.draw}"])

    def command(self, number: str, seed: int) -> str:
        """The command that comes to it again."""
        words = [f"--{name} {value}" for name, value in self.values]
        return " ".join(["exactformer theorems", number, *words, f"--instances {self.draw + 1} --seed {seed}"])


@dataclass(frozen=True)
class Finding:
    """How a theorem fared: instances tried and confirmed of those asked for, and whether its broken twin was caught.

    `twin` is None where that was not decided. `failure` is the smallest failure that was found, `reason` the first
    reason why an instance stayed open.
    """

    theorem: Theorem
    asked: int
    tried: int
    confirmed: int
    failure: Failure | None
    reason: str | None
    twin: bool | None
    seconds: float  # of all processes together

    @property
    def outcome(self) -> Outcome:
        """confirmed: all instances are as the statement says, and the planted fault was noticed; cited: no check."""
        if self.theorem.check is None:
            return "cited"
        if self.failure is not None or self.twin is False:
            return "failed"
        return "confirmed" if self.confirmed == self.asked and self.twin else "unknown"

    @property
    def why(self) -> str | None:
        """Why the outcome is failed or unknown."""
        if self.outcome == "failed":
            return UNNOTICED if self.failure is None else f"{self.failure.place}: {self.failure.witness}"
        if self.outcome == "unknown":
            return self.reason or f"out of time: {self.tried} of {self.asked} instances were tried"
        return None

    @property
    def count(self) -> str:
        """How many instances are confirmed, of how many."""
        if self.theorem.check is None:
            return "–"
        return f"{self.confirmed}" if self.confirmed == self.asked else f"{self.confirmed} of {self.asked}"

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON data: the entry of the theorem, and what was found."""
        failure = self.failure
        return {
            **self.theorem.to_json(),
            "verdict": self.outcome,
            "confirmed": self.confirmed,
            "tried": self.tried,
            "instances": self.asked,
            "twin": self.twin,
            "reason": self.why,
            "failure": failure
            and {"parameters": dict(failure.values), "instance": failure.draw, "witness": failure.witness},
            "seconds": round(self.seconds, 6),
        }

    def __bool__(self) -> bool:
        raise no_truth(self, 'finding.outcome == "confirmed"')

    def __str__(self) -> str:
        head = f"{self.outcome.upper()}  {self.theorem.number}, {self.theorem.title}: {self.count} instances"
        return head if self.why is None else f"{head}\n  {self.why}"

    def __repr__(self) -> str:
        return f"<Finding: {self.theorem.number} {self.outcome}>"


@dataclass(frozen=True)
class Findings:
    """How several theorems fared, with the seed of their instances, and how many instances an earlier run decided."""

    findings: tuple[Finding, ...]
    seed: int
    seconds: float
    resumed: int = 0

    @property
    def outcome(self) -> Outcome:
        """The worst of all: failed, else unknown, else confirmed; cited where nothing has a check."""
        return min((each.outcome for each in self.findings), key=WORST.index, default="cited")

    def document(self) -> Document:
        """The table of all, and their statements, for every renderer."""
        return document_of(self)

    def to_json(self) -> dict[str, Any]:
        """The findings as JSON data."""
        return {
            "verdict": self.outcome,
            "seed": self.seed,
            "resumed": self.resumed,
            "seconds": round(self.seconds, 6),
            "theorems": [each.to_json() for each in self.findings],
        }

    def _repr_html_(self) -> str:
        return render_html(self.document())

    def __bool__(self) -> bool:
        raise no_truth(self, 'findings.outcome == "confirmed"')

    def __str__(self) -> str:
        return render_text(self.document())

    def __repr__(self) -> str:
        return f"<Findings: {len(self.findings)} theorems, {self.outcome}>"
