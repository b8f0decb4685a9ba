"""Networks that come near a function, as far as floats can tell, by the form that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Literal

import numpy as np

from exactformer.approximation.forms import hats_to_one_layer, hats_to_two_layers, polyline_to_relu
from exactformer.approximation.hats import adaptive
from exactformer.approximation.knots import Floats, Polyline, polyline
from exactformer.approximation.one_head import polyline_to_one_head
from exactformer.approximation.own import KINKS, own_pieces
from exactformer.domain import Domain
from exactformer.errors import InvalidInput
from exactformer.networks import MaxoutNetwork, ReluNetwork, Transformer
from exactformer.networks.function import Function
from exactformer.numeric import compile_numeric, evaluate_batch
from exactformer.piecewise.cpwl_to_two_maxima import cpwl_to_two_maxima

Form = Literal["M1", "M2", "M4", "M5", "S2"]
FORMS: dict[Form, str] = {
    "M1": "sum of hats, two layers of maxout units",
    "M2": "sum of hats, one layer of maxout units",
    "M4": "one unit of rank 2 a piece",
    "M5": "one head with a token a piece",
    "S2": "its own pieces, as a difference of two maxima",
}
ONE_VARIABLE = ("M4", "M5")
SPOTS = 8  # on a piece, where the error is looked at
UNNAMED = "f"


@dataclass(frozen=True)
class Interpolant:
    """A network, how many pieces it has, and its values and points between its kinks in floats."""

    form: Form
    network: MaxoutNetwork | ReluNetwork
    pieces: int
    at: Callable[[Floats], Floats]
    spots: Floats
    line: Polyline | None = None  # of one variable
    head: Transformer | None = None  # the network as one, of the form "M5"

    def error(self, function: Function) -> Fraction:
        """How far it is from the function at the spots, as far as floats can tell."""
        return Fraction(float(np.abs(evaluate_batch(function, self.spots)[:, 0] - self.at(self.spots)).max()))

    def widest(self, function: Function, number: int) -> list[tuple[Fraction, ...]]:
        """The points of the spots where it is furthest from the function."""
        error = evaluate_batch(function, self.spots)[:, 0] - self.at(self.spots)
        order = np.argsort(-np.abs(error))[:number]
        return [tuple(map(Fraction, map(float, self.spots[i]))) for i in order]


def interpolant(function: Function, domain: Domain, epsilon: Fraction, form: Form, fineness: int = 1) -> Interpolant:
    """A network of the form within about epsilon of the function on a bounded box; finer samples see more.

    Raises `ArithmeticError` where the function is not finite, or too steep; `InvalidInput` for the form "S2" of a
    function that is not piecewise linear.
    """
    if form == "S2":
        return _own(function, domain)
    ends = [(low, high) for low, high in zip(domain.lower, domain.upper, strict=True)]
    lows = np.array([float(low) for low, _ in ends])  # type: ignore[arg-type]
    widths = np.array([float(high - low) for low, high in ends])  # type: ignore[operator]
    name, curve = f"{function.name or UNNAMED}, within about {float(epsilon):.3g}", compile_numeric(function)
    if form in ONE_VARIABLE:
        (low, high), *_ = ends
        assert low is not None and high is not None
        line = polyline(lambda t: evaluate_batch(curve, t[:, None])[:, 0], low, high, epsilon, fineness)
        knots = np.array([float(x) for x in (*line.knots, line.end)])
        values = np.array([float(y) for y in line.values])
        spots = np.unique((knots[:-1, None] + np.diff(knots)[:, None] * np.linspace(0, 1, SPOTS + 1)).ravel())
        relu = polyline_to_relu(line, domain, name)
        head = polyline_to_one_head(line, domain, f"{name} (one head)") if form == "M5" else None
        return Interpolant(
            form, relu, len(line.slopes), lambda x: np.interp(x[:, 0], knots, values), spots[:, None], line, head
        )

    def field(points: Floats) -> Floats:
        return evaluate_batch(curve, lows + points * widths)[:, 0]

    found = adaptive(field, domain.dimension, float(epsilon), fineness)
    safe = np.where(widths > 0, widths, 1)
    build = hats_to_two_layers if form == "M1" else hats_to_one_layer
    network = build(found.hats, domain, name)
    spots = np.unique(lows + found.spots(SPOTS // 2) * widths, axis=0)
    return Interpolant(form, network, found.simplices, lambda x: found.at((x - lows) / safe), spots)


def _own(function: Function, domain: Domain) -> Interpolant:
    """The function itself, where its formula is piecewise linear."""
    own = own_pieces(function, domain)
    if own is None:
        raise InvalidInput(
            f"form: expected S2 for sums, multiples, abs, max and min alone, with at most {KINKS} kinks, "
            f"found {function.size}"
        )
    network = replace(cpwl_to_two_maxima(own), name=f"{function.name or UNNAMED}, its own pieces")
    ends = zip(domain.lower, domain.upper, strict=True)
    sides = [np.linspace(float(low or 0), float(high or 0), SPOTS + 1) for low, high in ends]
    spots = np.array(list(product(*sides)))
    return Interpolant("S2", network, len(own.cells), lambda x: evaluate_batch(network, x)[:, 0], spots)
