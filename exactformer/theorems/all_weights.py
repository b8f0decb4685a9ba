"""What is proved for all weights of a shape at once: the weights are unknowns of one proof."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from exactformer.arguments import POSITIVE, SECONDS, Limit, one_of
from exactformer.claims import AtMost, Equal
from exactformer.compiler.driver import WITH_GATES
from exactformer.domain import Box
from exactformer.errors import Faults, InvalidInput, did_you_mean
from exactformer.generic.constructions import gated_for_all_weights, global_for_all_weights
from exactformer.generic.damage import broken
from exactformer.generic.lemmas import gates_keep_the_maximum, gates_pick_the_piece, paired_maxima
from exactformer.generic.shape import Shape
from exactformer.generic.statement import TEXT, Counterexample, Rejected, Statement
from exactformer.manifest import CERTIFICATE, check_place, write_files
from exactformer.prover import verify
from exactformer.theorems.case import Case, Failed, Undecided
from exactformer.theorems.theorem import theorem
from exactformer.work import OutOfTime, time_limit

SHAPE = {"inputs": 2, "widths": (2, 2), "rank": 2, "outputs": 1}
FILES = ("left.json", "right.json", TEXT, CERTIFICATE)
MAPS = 10**3  # outputs of Lemma L6, one a map
PIECES = Limit("an integer from 2 to 64", int, lambda n: 2 <= n <= 64)
TIMEOUT = 900.0


@dataclass(frozen=True)
class Kind:
    """A statement of the theory: how it is made, and its sizes with their defaults."""

    made: Callable[..., Statement]
    sizes: Mapping[str, Any]


def _gated(construction: str, **sizes: Any) -> Statement:
    return gated_for_all_weights(Shape(**sizes), construction)


def _global(**sizes: Any) -> Statement:
    return global_for_all_weights(Shape(**sizes))


GATED = {**SHAPE, "construction": "gated"}
KINDS: dict[str, Kind] = {
    "T2": Kind(gates_pick_the_piece, {"rank": 2}),
    "T3": Kind(gates_keep_the_maximum, {"rank": 2}),
    "T5": Kind(_gated, GATED),
    "T8": Kind(_global, SHAPE),
    "T40": Kind(paired_maxima, {"inputs": 2, "rank": 2, "partners": 2}),
    "T45": Kind(_gated, GATED),
    "T46": Kind(_global, SHAPE),
}


@dataclass(frozen=True)
class ForAllWeights:
    """A statement for all weights, with what the checker says of its certificate.

    `theorem` is None where it is not proved; then `witness` has values at which it is wrong, or `reason` says what the
    checker misses.
    """

    number: str
    statement: Statement = field(repr=False)
    verdict: Literal["proved", "refuted", "unknown"]
    theorem: str | None
    counts: Mapping[str, int] = field(hash=False)
    seconds: float
    witness: Counterexample | None = None
    reason: str | None = None

    def write(self, folder: str | Path) -> None:
        """Write both networks, the statement as text, and the certificate. Raises `InvalidInput` if it cannot be.

        A statement that is not proved has no certificate, and nothing is written.
        """
        if self.theorem is None:
            raise InvalidInput(f"{folder}: expected a statement that is proved, found one that is {self.verdict}")
        files = self.statement.files()
        certificate = files.pop(CERTIFICATE)
        text = self.statement.text(self.theorem, self.counts)
        write_files(Path(folder), "statement", {**files, TEXT: text, CERTIFICATE: certificate})

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON data."""
        inputs = len(self.statement.inputs)
        return {
            "verdict": self.verdict,
            "method": "all weights",
            "claim": self.statement.title,
            "theorem": self.theorem,
            "domain": {"lower": [None] * inputs, "upper": [None] * inputs},
            "hypotheses": list(self.statement.hypotheses),
            "witness": None if self.witness is None else self.witness.to_json(),
            "reason": self.reason,
            "counts": dict(self.counts),
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        left, right = self.statement.left, self.statement.right
        lines = [f"{self.verdict.upper()}  {self.theorem or self.witness or self.reason}"]
        lines += [f"  statement {self.number}. {self.statement.title}"]
        lines += [
            f"  left      {left.kind} {left.name}: {left.size}",
            f"  right     {right.kind} {right.name}: {right.size}",
        ]
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items() if count)
        lines += [f"  method    all weights, {self.seconds:.2f} s" + (f" ({counts})" if counts else "")]
        return "\n".join(lines)


def for_all_weights(name: str, *, timeout: float | None = TIMEOUT, **sizes: Any) -> ForAllWeights:
    """Prove a statement of the theory for all weights of a shape, or for all numbers, and have it checked.

    `T5` (or `T45`) is the gated construction, or another with gates (`construction`), `T8` (`T46`) the global one:
    their sizes are inputs, widths, rank and outputs. `T2` and `T3` are the lemma about gates (rank), `T40` is that of
    paired maxima (inputs, rank, partners). Raises `InvalidInput` for other names and for sizes that do not fit.

    >>> for_all_weights("T8", inputs=1, widths=(1,), rank=2).theorem.partition(":")[0]
    'for all weights of shape 1-1-1 and rank 2, every x in R^1'
    """
    kind, given = _asked(name, sizes)
    faults = Faults()
    SECONDS.check(timeout, "timeout", faults, optional=True)
    faults.settle()
    started = time.monotonic()
    statement = kind.made(**{**kind.sizes, **given})
    title = str(name).strip().upper()
    try:
        with time_limit(timeout or float("inf")):
            decided = _decided(statement)
    except OutOfTime:
        decided = Decision("unknown", reason="out of time")
    seconds = time.monotonic() - started
    return ForAllWeights(title, statement, **decided._asdict(), seconds=seconds)


def check_folder(folder: str | Path) -> None:
    """Raises `InvalidInput` where the files of a statement cannot be written."""
    check_place(Path(folder), "statement", FILES)


class Decision(NamedTuple):
    """What a statement came to: the theorem with the numbers of its steps, a counterexample, or what is missing."""

    verdict: Literal["proved", "refuted", "unknown"]
    theorem: str | None = None
    counts: Mapping[str, int] = MappingProxyType({})
    witness: Counterexample | None = None
    reason: str | None = None


def _decided(statement: Statement) -> Decision:
    """The decision of the checker; of the kernel where it is a counterexample."""
    try:
        answer = statement.proved()
    except Rejected as reason:
        witness = statement.counterexample(Random(0))
        if witness is not None and _confirmed(statement, witness):
            return Decision("refuted", witness=witness)
        return Decision("unknown", reason=str(reason))
    return Decision("proved", answer["theorem"], answer["counts"])


def _confirmed(statement: Statement, witness: Counterexample) -> bool:
    """Whether the kernel, too, finds the relation wrong at the point, for the values of the unknowns."""
    left, right = statement.specialised(witness.values)
    claim = Equal() if statement.relation == "equal" else AtMost()
    return verify(left, right, claim=claim, domain=Box(witness.point, witness.point)).verdict == "refuted"


def _asked(name: Any, sizes: Mapping[str, Any]) -> tuple[Kind, dict[str, Any]]:
    faults = Faults()
    number = name.strip().upper() if isinstance(name, str) else name
    kind = KINDS.get(number) if isinstance(number, str) else None
    if kind is None:
        hint = did_you_mean(number, KINDS) if isinstance(number, str) else ""
        faults.add("theorems", f"one with a proof for all weights ({', '.join(KINDS)})", name, hint)
        faults.settle()
    assert kind is not None
    given = {}
    for size, value in sizes.items():
        if size not in kind.sizes:
            faults.add(f"{number}", f"sizes among those that it has ({', '.join(kind.sizes)})", size)
        elif size == "construction":
            one_of(value, tuple(WITH_GATES), f"{number}, {size}", faults)
            given[size] = value
        elif size == "widths":
            given[size] = tuple(value) if isinstance(value, (list, tuple)) else (value,)  # Shape looks at each
        else:
            (PIECES if size == "rank" and number in ("T2", "T3") else POSITIVE).check(
                value, f"{number}, {size}", faults
            )
            given[size] = value
    faults.settle()
    every = {**kind.sizes, **given}
    if number == "T40" and every["rank"] ** every["partners"] > MAPS:
        faults.add("T40", f"at most {MAPS} maps from the partners to the forms", f"{every['rank']}^{every['partners']}")
    faults.settle()
    return kind, given


# --- in the laboratory ------------------------------------------------------------------------------


def settled(case: Case, statement: Statement) -> None:
    """Raises `Failed` with a witness where the statement is wrong, `Undecided` where its certificate is not accepted.

    In a broken case it is that of a twin: the sign of one entry of its right side is flipped.
    """
    decided = _decided(broken(statement, case.random)[0] if case.broken else statement)
    if decided.verdict == "refuted":
        raise Failed(str(decided.witness))
    if decided.verdict == "unknown":
        raise Undecided(decided.reason)


@theorem(
    "T45",
    "Theorem A for all weights of a shape",
    "Theorem A",
    evidence="all weights",
    instances=16,
    inputs=(1, 2),
    layers=(1, 2),
    width=(1, 2),
    rank=(2, 3),
)
def gated_for_all_weights_of_a_shape(case: Case, inputs: int, layers: int, width: int, rank: int) -> None:
    """The gated Transformer equals its network for all weights, all boxes, and all gates as wide as Lemma L2(i) asks.

    For all weights and biases, all boxes [lo, hi], and all s and g such that, by interval arithmetic on the box, the
    pieces of each unit lie in [-s, g - s]: T(x) = N(x) for all x in the box. T is what the compiler makes of unknowns.
    """
    settled(case, gated_for_all_weights(Shape(inputs, (width,) * layers, rank)))


@theorem(
    "T46",
    "Theorem B for all weights of a shape",
    "Theorem B",
    evidence="all weights",
    instances=16,
    inputs=(1, 2),
    layers=(1, 2),
    width=(1, 2),
    rank=(2, 3),
)
def global_for_all_weights_of_a_shape(case: Case, inputs: int, layers: int, width: int, rank: int) -> None:
    """The global Transformer equals its network for all weights, on all of R^n, without any hypothesis.

    For all weights and biases and all x in R^n: T(x) = N(x). T is what the compiler makes of unknowns.
    """
    settled(case, global_for_all_weights(Shape(inputs, (width,) * layers, rank)))
