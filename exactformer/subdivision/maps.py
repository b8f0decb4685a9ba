"""The affine maps of many cells, compared at once.

Along its activation pattern a network is a product of integer matrices. The product is taken modulo a prime, for all
cells together, in float64 matrix products that stay below 2^53 and so are exact. Maps that differ modulo the prime
differ; those that agree are compared exactly.
"""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
from flint import fmpz_mat

from exactformer.subdivision.exact import Exact
from exactformer.subdivision.limit import Check, unlimited
from exactformer.subdivision.program import Program
from exactformer.work import OutOfTime

BATCH = 1 << 22  # numbers in a matrix of cells


def map_classes(program: Program, patterns: Any, check: Check = unlimited) -> tuple[Any, bool]:
    """For each pattern the number of its affine map: equal numbers for equal maps, 0, 1, 2, ... by first appearance.

    Past the limit, and then with False, these are the numbers of the first patterns only, or of maps modulo a prime:
    there are at least so many different maps.
    """
    keys, in_time = residues(program, patterns, check)
    _, first, classes = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    classes = classes.ravel()
    if in_time:
        try:
            _settle(program, patterns, classes, check)
        except OutOfTime:
            in_time = False
    _, first, classes = np.unique(classes, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[classes.ravel()], in_time


def _settle(program: Program, patterns: Any, classes: Any, check: Check) -> None:
    """Divide the classes where maps agree modulo the prime but not exactly."""
    exact = Exact(program, patterns)
    order = np.argsort(classes, kind="stable")
    starts = np.nonzero(np.diff(classes[order]))[0] + 1
    fresh = int(classes.max(initial=0)) + 1
    for group in np.split(order, starts):
        if len(group) < 2:
            continue
        found: dict[str, int] = {}
        for cell in group:
            check()
            text = repr(exact.output(patterns[cell]))
            if text not in found:
                found[text], fresh = (int(classes[cell]), fresh) if not found else (fresh, fresh + 1)
            classes[cell] = found[text]


def residues(program: Program, patterns: Any, check: Check = unlimited) -> tuple[Any, bool]:
    """The entries of the affine maps modulo a prime, a row for each pattern, or for the first ones in time."""
    widths = [matrix.nrows() for matrix in _matrices(program)] + [program.dimension + 1]
    outputs = program.output.nrows() - 1
    prime = largest_prime(isqrt((1 << 53) // max(widths)) - 1)
    batch = max(1, BATCH // (max(widths) * max(1, outputs)))
    parts = []
    try:
        for first in range(0, len(patterns), batch):
            check()
            parts.append(_product(program, patterns[first : first + batch], prime))
    except OutOfTime:
        pass
    keys = np.concatenate(parts) if parts else np.zeros((0, 0))
    return keys, len(keys) == len(patterns)


def _product(program: Program, patterns: Any, prime: int) -> Any:
    """The rows of the outputs modulo a prime, as a row of numbers for each pattern."""
    rows = np.repeat(_reduced(program.output, prime)[:-1][None], len(patterns), axis=0)
    for number in range(len(program.layers) - 1, -1, -1):
        layer, start = program.layers[number], program.starts[number]
        chosen = patterns[:, start : start + layer.width]
        units, passed = rows[:, :, : layer.width], rows[:, :, layer.width :]
        if layer.relu:
            spread = units * (chosen[:, None, :] != 0)
        else:
            picked = chosen[:, :, None] == np.arange(layer.rank)
            spread = (units[:, :, :, None] * picked[:, None]).reshape(*rows.shape[:2], -1)
        rows = np.concatenate([spread, passed], axis=2) @ _reduced(layer.exact, prime)
        rows -= np.floor(rows / prime) * prime  # right but for a multiple of the prime, made good below
        rows = np.where(rows < 0, rows + prime, np.where(rows >= prime, rows - prime, rows))
    return rows.reshape(len(patterns), -1)


def _reduced(matrix: fmpz_mat, prime: int) -> Any:
    return np.array([[int(x) % prime for x in row] for row in matrix.tolist()], float)


def _matrices(program: Program) -> list[fmpz_mat]:
    return [layer.exact for layer in program.layers] + [program.output]


def largest_prime(limit: int) -> int:
    """The largest prime up to a limit >= 2."""
    return next(n for n in range(limit, 1, -1) if all(n % d for d in range(2, isqrt(n) + 1)))
