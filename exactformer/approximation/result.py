"""What `approximate` returns: the function, the network, the Transformer, and the theorem that binds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from exactformer.approximation.document import document_of
from exactformer.approximation.interpolants import FORMS, Interpolant
from exactformer.approximation.prediction import Prediction, predicted
from exactformer.arguments import no_truth
from exactformer.documents import Document
from exactformer.domain import Domain
from exactformer.measuring.numbers import decimal, shown
from exactformer.measuring.result import Bounded, Extreme, Measure
from exactformer.networks import MaxoutNetwork, ReluNetwork, Transformer
from exactformer.networks.function import Function
from exactformer.prover.answer import rows_html, rows_text, vector
from exactformer.prover.chain import Chain
from exactformer.prover.question import Question


@dataclass(frozen=True)
class Approximation(Bounded):
    """A Transformer that is within `upper` of a function everywhere on a box, with the theorem that says so.

    `verdict` is "proved" when the chain of proofs was accepted by the kernel, else "unknown" with a `reason`. `parts`
    are the two halves of the bound: from the function to the network, and from the network to the Transformer.
    """

    verdict: Measure
    function: Function
    domain: Domain
    epsilon: Fraction
    interpolant: Interpolant
    transformer: Transformer  # with softmax at the temperature, if there is one, or else hard attention
    temperature: tuple[Fraction, ...]  # inverse; none with hard attention
    parts: tuple[Fraction, ...]
    extreme: Extreme
    chain: Chain | None
    question: Question  # how far the function is from the Transformer
    seconds: float
    reason: str | None = None

    @property
    def network(self) -> MaxoutNetwork | ReluNetwork:
        """The piecewise linear network between the two."""
        return self.interpolant.network

    @property
    def pieces(self) -> int:
        """How many pieces the network has: intervals for one variable, simplices for more."""
        return self.interpolant.pieces

    @property
    def direct(self) -> bool:
        """Whether there is no network between the two: the Transformer is a head made from the pieces themselves."""
        return self.interpolant.head is not None

    @property
    def theorem(self) -> str | None:
        """The theorem, in the words of the kernel."""
        return None if self.chain is None else self.chain.theorem

    def rows(self) -> Iterator[tuple[str, str]]:
        """The answer, line by line with a name each; the first is the verdict."""
        bound = "no bound" if self.upper is None else f"|f(x) − T(x)| ≤ {decimal(self.upper, 9)}"
        bound = bound if self.upper != 0 else "f(x) = T(x)"
        yield self.verdict.upper(), f"{bound} for every x in {self.domain}"
        yield "f", self.function.formula
        if self.reason:
            yield "reason", self.reason
        found = self.extreme
        if found.value is not None and found.point is not None:
            yield "at least", f"{shown(found.value)} at x = {vector(found.point)}"
        if found.ratio is not None:
            yield "ratio", decimal(found.ratio, 4)
        kind = "pieces" if self.interpolant.form == "S2" else "intervals" if self.function.inputs == 1 else "simplices"
        yield "network", f"{self.network}: {self.pieces} {kind}, {FORMS[self.interpolant.form]}"
        if self.parts:
            first, second = self.parts
            near = f"within {decimal(first, 4)} of the network" if first else "equal to the network"
            how = f"within {decimal(second, 4)} of" if second else "equal to"
            both = f"f is within {decimal(first, 4)} of the Transformer, which is the network as one head"
            yield "error", both if self.direct else f"f is {near}, the network {how} the Transformer"
        yield "T", str(self.transformer)
        rates = " / ".join(map(str, dict.fromkeys(self.temperature)))
        yield "attention", f"softmax at inverse temperature {rates}" if rates else "hard"
        if self.theorem:
            yield "theorem", self.theorem
        yield "time", f"{self.seconds:.2f} s"

    def predictions(self) -> list[Prediction]:
        """Sizes that general theorems ask for, with the function's slope and curvature estimated from samples."""
        near, soft = self.parts or (self.epsilon, Fraction(0))
        return predicted(self.function, self.domain, near or self.epsilon, soft, self.interpolant, self.temperature)

    def document(self) -> Document:
        """The report, as every renderer takes it."""
        return document_of(self)

    def __str__(self) -> str:
        return rows_text(self.rows())

    def _repr_html_(self) -> str:
        return rows_html(self.rows())

    def __bool__(self) -> bool:
        raise no_truth(self, "approximation.verdict, approximation.upper")

    def __repr__(self) -> str:
        return f"<Approximation: {self.verdict}, {self.pieces} pieces, at most {self.upper}>"
