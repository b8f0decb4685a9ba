"""One instance of a theorem: its random numbers, small and exact, and what a check says when it is not as expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from exactformer.documents.numbers import point_text
from exactformer.domain import Domain
from exactformer.measuring import Distance
from exactformer.networks import MaxoutNetwork
from exactformer.prover.outcome import Outcome

SIZE = 3  # of random weights


class Failed(Exception):
    """The statement is not as expected; the message is the witness."""


class Undecided(Exception):
    """A prover did not decide; the message says why."""


@dataclass(frozen=True)
class Case:
    """The random numbers of one instance; a `broken` one has a fault planted, which the check must notice.

    `kept` are the answers with a certificate that the check has asked for, each with what it is about.
    """

    random: Random
    broken: bool = False
    kept: list[tuple[str, Outcome]] = field(default_factory=list, compare=False)

    def integer(self, low: int = -SIZE, high: int = SIZE) -> int:
        """An integer from low to high."""
        return self.random.randint(low, high)

    def number(self, size: int = SIZE) -> Fraction:
        """A fraction of at most this size, of a small denominator; often an integer, so that there are ties."""
        den = self.random.choice((1, 1, 2, 3))
        return Fraction(self.random.randint(-size * den, size * den), den)

    def positive(self, size: int = SIZE) -> Fraction:
        """A fraction > 0."""
        return Fraction(self.random.randint(1, 4 * size), 4)

    def numbers(self, count: int) -> list[Fraction]:
        """So many fractions."""
        return [self.number() for _ in range(count)]

    def integers(self, count: int, size: int = SIZE) -> list[int]:
        """So many integers of at most this size."""
        return [self.integer(-size, size) for _ in range(count)]

    def network(
        self, inputs: int, widths: Sequence[int], rank: int, *, domain: Domain | None = None, bias: bool = True
    ) -> MaxoutNetwork:
        """A maxout network of integer weights, one output, on [-1, 1]^n if no domain is given."""
        layers, below = [], inputs
        for width in widths:
            weights = [[self.integers(below, 2) for _ in range(rank)] for _ in range(width)]
            biases = [self.integers(rank, 2) if bias else [0] * rank for _ in range(width)]
            layers.append((weights, biases))
            below = width
        output = ([self.integers(below, 2)], [self.integer() if bias else 0])
        ground = Domain.box(inputs, -1, 1) if domain is None else domain
        return MaxoutNetwork.of(layers, output, domain=ground)

    def proved(self, outcome: Outcome, what: str = "") -> None:
        """Raises `Failed` where the claim was refuted, with the point, and `Undecided` where it is open."""
        self._keep(what, outcome)
        if outcome.verdict == "unknown":
            raise Undecided(_named(what, outcome.reason or "no reason given"))
        if outcome.witness is not None:
            values = ", ".join(f"{e.label} = {point_text(e.outputs)}" for e in outcome.witness.evaluations)
            raise Failed(
                _named(what, f"it is not true that {outcome.claim}: x = {point_text(outcome.witness.point)}, {values}")
            )

    def refuted(self, outcome: Outcome, what: str = "") -> None:
        """Raises `Failed` where the claim was proved, and no counterexample found, `Undecided` where it is open."""
        self._keep(what, outcome)
        if outcome.verdict == "unknown":
            raise Undecided(_named(what, outcome.reason or "no reason given"))
        expect(outcome.verdict == "refuted", _named(what, f"expected a counterexample, but {outcome.claim}"))

    def exactly(self, found: Distance, value: Fraction, what: str) -> None:
        """Raises `Failed` unless a distance is this number, and `Undecided` where its bounds do not meet."""
        self._keep(what, found.outcome)
        if found.verdict != "proved":
            raise Undecided(_named(what, found.reason or "no reason given"))
        expect(found.upper == value == found.lower, f"{what}: the distance is {found.upper}, not {value}")

    def _keep(self, what: str, outcome: Outcome | None) -> None:
        if outcome is not None and outcome.certified:
            self.kept.append((what, outcome))


def expect(holds: bool, witness: str) -> None:
    """Raises `Failed` unless it holds."""
    if not holds:
        raise Failed(witness)


def _named(what: str, text: str) -> str:
    return f"{what}: {text}" if what else text
