"""From a function that is known by its values and Lipschitz constants to a Transformer (Theorem E1)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from math import ceil

from exactformer.approximation.forms import hats_to_two_layers, polyline_to_relu
from exactformer.approximation.hats import Hat
from exactformer.approximation.knots import Polyline
from exactformer.approximation.reached import equal, softened
from exactformer.arguments import no_truth
from exactformer.compiler import compile_network
from exactformer.domain import interval_box
from exactformer.errors import InvalidInput
from exactformer.functions.sampled import MAX_POINTS, Sampled, Samples
from exactformer.measuring.numbers import decimal
from exactformer.networks import MaxoutNetwork, ReluNetwork, Transformer
from exactformer.prover.answer import rows_html, rows_text
from exactformer.prover.chain import Chain, chained
from exactformer.work import Deadline, OutOfTime, time_limit

SOFT = Fraction(1, 10)  # of the error for softmax
ON_PAPER = (
    "|f - network| is at most sum L_j w_j / 2N, w_j the lengths of the sides: Theorem E1, cited, proved on paper and "
    "not checked by the kernel"
)


@dataclass(frozen=True)
class SampledApproximation:
    """A Transformer that is within `upper` of a function on its box, if the hypotheses on the function hold.

    `verdict` is "proved under the hypotheses", or "unknown" with a `reason`. Of that the kernel checked `chain`, a
    single link: that the network is near the Transformer, or equal to it. That the function is near the network is
    Theorem E1.
    """

    verdict: str
    samples: Samples
    epsilon: Fraction
    cells: int  # N, along each input
    network: MaxoutNetwork | ReluNetwork
    transformer: Transformer
    temperature: tuple[Fraction, ...]  # inverse; none with hard attention
    upper: Fraction | None
    chain: Chain | None
    seconds: float
    reason: str | None = None

    @property
    def hypotheses(self) -> str:
        """What is assumed of the function, and not shown."""
        return self.samples.hypotheses

    def rows(self) -> Iterator[tuple[str, str]]:
        """The answer, line by line with a name each; the first is the verdict."""
        bound = "no bound" if self.upper is None else f"|f(x) − T(x)| ≤ {decimal(self.upper, 9)}"
        yield self.verdict.upper(), f"{bound} for every x in {self.samples.of.box}"
        yield "hypotheses", self.hypotheses
        if self.reason:
            yield "reason", self.reason
        yield "network", f"{self.network}: interpolant on {self.cells} cells along each input"
        yield "on paper", ON_PAPER
        if self.chain is not None:
            yield "kernel", f"left the network, right the Transformer: {self.chain.theorem}"
        yield "T", str(self.transformer)
        yield "time", f"{self.seconds:.2f} s"

    def __str__(self) -> str:
        return rows_text(self.rows())

    def _repr_html_(self) -> str:
        return rows_html(self.rows())

    def __bool__(self) -> bool:
        raise no_truth(self, "approximation.verdict, approximation.upper")


def approximate_sampled(
    function: Sampled, epsilon: Fraction, hard: bool, construction: str, arity: int, timeout: float | None
) -> SampledApproximation:
    """Interpolation on Kuhn's triangulation with N = ceil(sum L_j w_j / 2e) cells along each side, of length w_j.

    The values are taken exactly at the vertices. Raises `InvalidInput` for a side without length and for a grid of more
    than 2^20 vertices, and where `Sampled.sample` does; `TimeoutError`.
    """
    started, deadline = time.monotonic(), Deadline.after(timeout)
    near = epsilon if hard else epsilon * (1 - SOFT)
    box = interval_box(function.box)
    if any(low == high for low, high in box):
        raise InvalidInput(f"box: expected sides of some length, found {function.box}")
    steep = sum((c * (high - low) for c, (low, high) in zip(function.lipschitz, box, strict=True)), Fraction(0))
    n = max(1, ceil(steep / (2 * near)))
    if (n + 1) ** function.inputs > MAX_POINTS:
        raise InvalidInput(f"epsilon: expected one for which {MAX_POINTS} vertices are enough, found {n} cells a side")
    try:
        with time_limit(deadline.left):
            samples = function.sample(
                [[low + (high - low) * Fraction(i, n) for i in range(n + 1)] for low, high in box]
            )
            deadline.check()  # the function is not interrupted
            network = _interpolant(samples, n)
            compiled = compile_network(network, construction=construction, domain=function.box, arity=arity)
            reached = equal(network, compiled) if hard else softened(network, compiled, epsilon - near, deadline)
            chain = None if reached.part is None else chained([reached.part])
    except OutOfTime:
        raise TimeoutError(f"out of time after {timeout:g} s: there is no Transformer yet") from None
    upper = None if chain is None else steep / (2 * n) + chain.epsilon
    verdict = "unknown" if chain is None else "proved under the hypotheses"
    t, rates, seconds = reached.transformer, reached.temperature, time.monotonic() - started
    return SampledApproximation(verdict, samples, epsilon, n, network, t, rates, upper, chain, seconds, reached.reason)


def _interpolant(samples: Samples, n: int) -> MaxoutNetwork | ReluNetwork:
    """The values on the grid, interpolated: of one input by a unit a piece (M4), of more by hats in two layers (M1)."""
    name, domain = f"{samples.of.name}, interpolated", samples.of.box
    if domain.dimension == 1:
        (axis,) = samples.axes
        ends = zip(pairwise(axis), pairwise(samples.values), strict=True)
        slopes = tuple((b - a) / (right - left) for (left, right), (a, b) in ends)
        return polyline_to_relu(Polyline(axis[:-1], slopes, samples.values[0], axis[-1]), domain, name)
    nodes = product(range(n + 1), repeat=domain.dimension)
    hats = [Hat(n, node, value) for node, value in zip(nodes, samples.values, strict=True)]
    return hats_to_two_layers([hat for hat in hats if hat.coefficient] or hats[:1], domain, name)
