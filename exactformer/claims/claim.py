"""What a claim is: at which points networks are evaluated, and what must hold for the values.

A claim is written over numbers of any kind (Fractions, enclosures, arrays of floats, symbols), so that the exact
evaluators, the numeric path and the SMT-LIB text all read one definition. The kernel has its own: the two are the two
routes by which a counterexample is confirmed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Literal

from exactformer.domain import Domain
from exactformer.enclosure import bounds
from exactformer.errors import Faults
from exactformer.networks import Network
from exactformer.networks.semantics import Semantics, Tie
from exactformer.rational import Matrix, Vector

Answer = Literal["yes", "no", "undecided"]  # undecided: bounds of an irrational value do not tell
Values = Sequence[Any]  # numbers of any kind that can be added, subtracted and divided by an integer


@dataclass(frozen=True)
class Run:
    """One evaluation that a claim asks for: the left (0) or right (1) network at a point, and how attention is read."""

    label: str  # with {left} and {right} where the network's symbol goes
    network: int
    inputs: Values
    semantics: Semantics | None = None  # None: as the question reads the network


@dataclass(frozen=True)
class Claim(ABC):
    """A statement about one or two networks on a domain.

    Its *variables* are the coordinates of x, and of a second point y those in which y may differ from x.
    """

    name: ClassVar[str]
    form: ClassVar[str] = ""  # how the parameters are written after the name, [in brackets] if they may be left out
    says: ClassVar[str]  # the claim in words and symbols: of {left}, {right}, {domain}, and the {claim} itself
    networks: ClassVar[int] = 1
    equations: ClassVar[bool] = False  # whether the conclusions must be 0, rather than >= 0
    ordered: ClassVar[bool] = False  # whether x <= y is part of the hypothesis
    strict: ClassVar[bool] = False  # whether the conclusions must be > 0, rather than >= 0

    @abstractmethod
    def runs(self, x: Values, y: Values) -> list[Run]:
        """The evaluations, at points made from x and y."""

    @abstractmethod
    def conclusions(self, *outputs: Values) -> list[Any]:
        """What must be >= 0 (0 for `equations`, > 0 for `strict`), from the outputs of the runs."""

    def alternatives(self, *outputs: Values) -> list[list[Any]]:
        """For each conclusion the numbers of which it is the largest."""
        return [[conclusion] for conclusion in self.conclusions(*outputs)]

    @classmethod
    def read(cls, text: str) -> Claim:
        """The claim with the parameters that are written so."""
        return cls()

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as JSON data."""
        return {}

    @property
    def argument(self) -> str:
        """The parameters as written on the command line."""
        return ""

    @property
    def written(self) -> str:
        """The claim as `read_claim` reads it."""
        return f"{self.name}:{self.argument}" if self.argument else self.name

    @property
    def domain(self) -> Domain | None:
        """Where it is asked unless another domain is named, if it says so itself."""
        return None

    def free(self, inputs: int) -> tuple[int, ...]:
        """The inputs in which y may differ from x; none for a claim about single points."""
        return ()

    def fitted(self, left: Network, right: Network | None, faults: Faults) -> Claim:
        """The claim for these networks, with defaults filled in; faults are noted."""
        return self

    def asks(self, other: str, *, of_left: bool) -> str:
        """What is asked of an output of one of two evaluations at a point, given that of the other."""
        return other

    # --- what follows from these --------------------------------------------------------------------

    @property
    def equality(self) -> bool:
        """Whether it says that two networks are equal: regions, a difference and entries to blame belong to that."""
        return self.networks == 2 and self.equations

    def reaches(self, inputs: int) -> bool:
        """Whether it says how far outputs reach at single points: an inequality, about no second point."""
        return not self.equations and not self.free(inputs)

    @property
    def rules(self) -> tuple[Tie, ...]:
        """The tie rules of the evaluations, one by one; none where the question's rule is that of all."""
        return ()

    def sentence(self, left: str, right: str, domain: str) -> str:
        """The claim in words and symbols."""
        return self.says.format(left=left, right=right, domain=domain, claim=self)

    def points(self, variables: Values, inputs: int) -> tuple[Values, Values]:
        """The points x and y."""
        x, y = list(variables[:inputs]), list(variables[:inputs])
        for i, value in zip(self.free(inputs), variables[inputs:], strict=True):
            y[i] = value
        return x, y

    def runs_at(self, variables: Values, inputs: int) -> list[Run]:
        """The evaluations at given values of the variables."""
        return self.runs(*self.points(variables, inputs))

    def contradicted(self, outputs: Sequence[Values]) -> Answer:
        """Whether outputs of the runs, exact numbers or enclosures, contradict the claim."""
        values = map(bounds, self.conclusions(*outputs))
        answers = {_fails(*ends, equation=self.equations, strict=self.strict) for ends in values}
        return next((answer for answer in ("yes", "undecided") if answer in answers), "no")

    def space(self, domain: Domain) -> Domain:
        """The values of the variables for which x and y lie in the domain, ordered where the claim says so."""
        n, free = domain.dimension, self.free(domain.dimension)
        if not free:
            return domain
        size, column = n + len(free), {i: n + k for k, i in enumerate(free)}
        entries, bounds = dict(domain.matrix.entries()), list(domain.bounds.fractions())
        for (row, i), value in domain.matrix.entries().items():
            entries[len(domain.bounds) + row, column.get(i, i)] = value
        bounds += bounds
        for i in free if self.ordered else ():
            entries |= {(len(bounds), i): Fraction(1), (len(bounds), column[i]): Fraction(-1)}
            bounds.append(Fraction(0))
        lower, upper = ((*ends, *(ends[i] for i in free)) for ends in (domain.lower, domain.upper))
        return Domain(lower, upper, Matrix.sparse(len(bounds), size, entries), Vector.of(bounds))

    def __str__(self) -> str:
        return self.sentence("left", "right", "the domain")


def _fails(lower: Fraction, upper: Fraction, *, equation: bool, strict: bool) -> Answer:
    """Whether a number within these bounds is not 0 (for an equation), or below it, or (`strict`) not above it."""
    if upper < 0 or (equation and lower > 0) or (strict and upper == 0):
        return "yes"
    return "undecided" if lower < 0 or (equation and upper > 0) or (strict and lower == 0) else "no"
