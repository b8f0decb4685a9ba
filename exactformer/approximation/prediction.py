"""What general theorems say of sizes, beside what was needed: pieces for an accuracy, a temperature for an error."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import factorial

import numpy as np

from exactformer.approximation.interpolants import Interpolant
from exactformer.approximation.knots import Floats
from exactformer.domain import Domain
from exactformer.kernel.softmax import gamma
from exactformer.networks import MaxoutNetwork, ReluNetwork
from exactformer.networks.function import Function
from exactformer.numeric import evaluate_batch

NOISE = 2.0**-48  # of the largest value: smaller second differences are due to rounding
SAMPLES = {1: 4001, 2: 101, 3: 25}  # along each input


@dataclass(frozen=True)
class Prediction:
    """A size: what it is of, the formula that gives it, and where that is from."""

    what: str
    formula: str
    value: Fraction
    source: str


def predicted(
    function: Function,
    domain: Domain,
    near: Fraction,
    soft: Fraction,
    found: Interpolant,
    temperature: tuple[Fraction, ...],
) -> list[Prediction]:
    """The sizes that theorems ask for, and those that were needed. Slopes and curvatures are those of samples."""
    n = function.inputs
    slope, curvature, roots, _ = _shape(function, domain)
    cubes = [Fraction(slope / (2 * float(near))), Fraction((n * curvature / (8 * float(near))) ** 0.5)]
    kinds = "intervals" if n == 1 else "simplices"
    formulas = ("(L / 2e)^n n!", "(n K / 8e)^(n/2) n!")
    sources = ("interpolation of a Lipschitz function (E1)", "interpolation, second derivatives bounded by K (E3)")
    rows = [
        Prediction(f"{kinds} on a uniform grid", formula, max(count, Fraction(1)) ** n * factorial(n), source)
        for count, formula, source in zip(cubes, formulas, sources, strict=True)
    ]
    if n == 1:
        best = Fraction(max(1.0, roots / (4 * float(near) ** 0.5)))
        rows.append(
            Prediction(
                "intervals, the fewest in the limit",
                "integral of |f''|^(1/2) / 4e^(1/2)",
                best,
                "free knots, free values",
            )
        )
    rows.append(Prediction(f"{kinds} here", "", Fraction(found.pieces), found.form))
    if soft:
        rows.append(Prediction("inverse temperature", *_temperature(found.network, soft)))
        rows.append(Prediction("inverse temperature here", "", max(temperature), "Theorem P"))
    return rows


def _temperature(network: MaxoutNetwork | ReluNetwork, soft: Fraction) -> tuple[str, Fraction, str]:
    """The temperature of Theorem E for an error: for one layer, or for hats in two."""
    variation = sum((abs(c) for c in network.output.weights.entries().values()), Fraction(0))
    if len(network.layers) == 2:
        return "3 gamma(n+1) sum |c| / e", 3 * gamma(network.inputs + 1) * variation / soft, "Theorem E, for hats"
    rank = network.rank if isinstance(network, MaxoutNetwork) else 2
    return "gamma(k) V / e", gamma(rank) * variation / soft, "Theorem E"


def fewest(function: Function, domain: Domain, epsilon: Fraction) -> float:
    """About how many pieces an accuracy asks for: the limit for one variable, for more an eighth of what E3 says.

    The second derivatives are those of samples, each for its place; of one variable without the largest hundredth, so
    that kinks, which cost a piece each, do not count. 0 where they are not finite.
    """
    n = function.inputs
    with np.errstate(all="ignore"):
        *_, bends = _shape(function, domain)
        if n == 1:
            bends = np.sort(bends.ravel())[: -bends.size // 100]
        powers = (bends ** (n / 2)).mean()
    count = powers / 4 if n == 1 else (n / 8) ** (n / 2) * factorial(n) * powers / 8
    return float(count * float(epsilon) ** (-n / 2)) if np.isfinite(count) else 0.0


def _shape(function: Function, domain: Domain) -> tuple[float, float, float, Floats]:
    """Of the function on the unit cube, by differences of samples: the sum of the largest slopes, the largest second
    derivative in any direction, (for one variable) the integral of the root of the second derivative, and the largest
    one at each inner point.
    """
    n, count = function.inputs, SAMPLES[function.inputs]
    lows = np.array([float(x) for x in domain.lower if x is not None])
    widths = np.array([float(x) for x in domain.upper if x is not None]) - lows
    axes = np.meshgrid(*[np.linspace(0, 1, count)] * n, indexing="ij")
    points = lows + np.stack([axis.ravel() for axis in axes], axis=1) * widths
    values = evaluate_batch(function, points)[:, 0].reshape((count,) * n)
    step = 1 / (count - 1)
    slopes = [np.abs(np.diff(values, axis=i)).max() / step for i in range(n)]
    bends = _hessians(values)
    bends = np.where(np.abs(bends) > NOISE * np.abs(values).max(), bends, 0) / step**2
    roots = float(np.sqrt(np.abs(bends)).sum() * step) if n == 1 else 0.0
    most = np.abs(np.linalg.eigvalsh(np.nan_to_num(bends, posinf=np.inf))).max(axis=-1)
    return float(sum(slopes)), float(most.max()), roots, most


def _hessians(values: Floats) -> Floats:
    """The second differences at the inner points of a grid, a symmetric matrix each."""
    n, inner = values.ndim, slice(1, -1)
    found = np.empty((*(side - 2 for side in values.shape), n, n))
    for i, j in product(range(n), repeat=2):
        # over two steps along both axes, hence a quarter
        bend = np.diff(values, 2, axis=i) if i == j else _over_two(_over_two(values, i), j) / 4
        found[..., i, j] = bend[tuple(slice(None) if axis in (i, j) else inner for axis in range(n))]
    return found


def _over_two(values: Floats, axis: int) -> Floats:
    """Differences of the values two steps apart along an axis."""
    count = values.shape[axis]
    return np.take(values, range(2, count), axis) - np.take(values, range(count - 2), axis)
