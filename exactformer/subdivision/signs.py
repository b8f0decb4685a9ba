"""Signs of cuts at vertices that floats leave open: computed exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from exactformer.subdivision.complex import Complex
from exactformer.subdivision.exact import differences, floats, rests
from exactformer.subdivision.faces import as_bits
from exactformer.subdivision.program import TINY, UNIT, ratio

BATCH = 64  # vertices computed exactly between two looks at the clock


class Table(NamedTuple):
    """What is known of vertices, a row each: values and coordinates with what they may be off by, and signs as bits."""

    values: Any
    rest: Any
    errors: Any
    points: Any
    blur: Any
    plus: Any
    minus: Any


def settle(whole: Complex, rows: Any, walls: Any, homes: Any, table: Table, alive: Callable[[], None]) -> None:
    """Renew these rows of the table, and the signs of all cuts in them, exactly.

    `walls` and `homes` are those of the vertices; `alive` is called now and then, and may raise.
    """
    whole.exact_signs += len(rows)
    for first in range(0, len(rows), BATCH):
        if first:
            alive()
        some = slice(first, first + BATCH)
        _settle(whole, rows[some], walls[some], homes[some], table)


def _settle(whole: Complex, rows: Any, walls: Any, homes: Any, table: Table) -> None:
    values, rest, errors, points, blur, plus, minus = table
    vertices = [whole.exact.vertex(row) for row in walls]
    points[rows], blur[rows] = [[ratio(x, v[-1], 0) for x in v[:-1]] for v in vertices], UNIT
    columns = whole.exact.values(whole.number, vertices, homes.tolist())
    values[rows] = [floats(whole.layer, column) for column in columns]
    if rest.shape[1]:
        found = zip(columns, values[rows].tolist(), strict=True)
        rest[rows] = [rests(whole.layer, column, rounded) for column, rounded in found]
    errors[rows] = np.abs(values[rows]) * (2 * whole.program.unit) + TINY
    signs = np.array([differences(whole.layer, column) for column in columns], np.int8).reshape(len(rows), -1)
    plus[rows], minus[rows] = as_bits(signs > 0, plus.shape[1]), as_bits(signs < 0, plus.shape[1])
