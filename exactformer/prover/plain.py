"""What a search finds as plain JSON data, and back, for the record of a run."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from exactformer.kernel.forms import Form
from exactformer.polyhedra.lp import Row
from exactformer.prover.cells import Bound, Looked, Point, Seen
from exactformer.prover.planning import Plan
from exactformer.prover.search import LEFT, Found, Leaf, Left, Path
from exactformer.prover.steps import FAST, Packed, Step


def left_plain(cell: Left) -> list[Any]:
    """A cell that is left, as a list of its fields."""
    rest = [cell.level, cell.pending, cell.since, cell.flat, cell.share, cell.refutation]
    return [cell.path, cell.numbers, [*map(_pairs, cell.points)], *rest]


def left_from(value: Sequence[Any]) -> Left:
    """The cell that a list of fields describes."""
    path, numbers, points, level, pending, since, flat, share, refutation = value
    places = None if pending is None else tuple(pending)
    return Left(_path(path), tuple(numbers), tuple(map(_point, points)), level, places, since, flat, share, refutation)


def path_of(value: Sequence[Any]) -> Path:
    """The path to the cell that a list of fields describes."""
    return _path(value[0])


def share_of(value: Sequence[Any]) -> float:
    """The share of the tree of the cell that a list of fields describes."""
    share: float = value[7]
    return share


def found_plain(found: Found) -> list[Any]:
    """What was found, as a list of its fields; steps and leaves are packed, for whoever wants to read them."""
    witness = None if found.witness is None else _pairs(found.witness)
    left = [*map(left_plain, found.left)]
    return [runs_plain(found.steps), leaves_plain(found.leaves), found.counts, witness, found.reason, left]


def runs_plain(steps: Sequence[Step]) -> list[Any]:
    """The steps between those that stand for a cell that is left: for each run their number, and what is packed."""
    runs: list[list[Step]] = [[]]
    for step in steps:
        if step == LEFT:
            runs.append([])
        else:
            runs[-1].append(step)
    packed = map(Packed.of, runs)
    return [[run.size, b64encode(run.data).decode()] if run.size else None for run in packed]


def runs_from(value: Sequence[Any]) -> list[Packed]:
    """The runs of steps that a list describes."""
    return [Packed.of([]) if run is None else Packed(run[0], b64decode(run[1])) for run in value]


def answer_from(value: Sequence[Any]) -> Found:
    """What a list of fields says, of a search that has ended with a point or a reason."""
    _, _, _, witness, reason, _ = value
    return Found([], [], {}, None if witness is None else _point(witness), reason)


def leaves_plain(leaves: Sequence[Leaf]) -> str | None:
    """The leaves of a proof by regions, packed; each has many rows in common with others."""
    numbers: dict[Row, int] = {}
    values = [
        [
            [numbers.setdefault(row, len(numbers)) for row in leaf.rows],
            _pairs(leaf.point),
            leaf.pattern,
            [*map(_pairs, leaf.left)],
            [*map(_pairs, leaf.right)],
        ]
        for leaf in leaves
    ]
    text = json.dumps([[[[*map(hex, a)], hex(b)] for a, b in numbers], values])
    return b64encode(zlib.compress(text.encode(), FAST)).decode() if values else None


def leaves_from(value: str | None) -> list[Leaf]:
    """The leaves that were packed."""
    if value is None:
        return []
    rows, values = json.loads(zlib.decompress(b64decode(value)))
    known: list[Row] = [(tuple([int(x, 16) for x in a]), int(b, 16)) for a, b in rows]
    return [
        Leaf(
            tuple([known[number] for number in numbers]),
            _point(point),
            tuple((place, child) for place, child in pattern),
            tuple(map(_point, one)),
            tuple(map(_point, other)),
        )
        for numbers, point, pattern, one, other in values
    ]


def looked_plain(found: Looked) -> list[Any]:
    """What was found out about a cell, without its evaluation."""
    seen = found.seen
    bounds = [
        [
            None if bound.form is None else [[*bound.form.terms.items()], bound.form.den],
            _text(bound.ceiling),
            None if bound.multipliers is None else [[i, str(v)] for i, v in bound.multipliers.items()],
            bound.references,
        ]
        for bound in seen.bounds
    ]
    rest = [seen.split, [*map(_pairs, seen.points)], seen.empty, seen.guess, seen.endless]
    return [bounds, *rest, found.cost, found.seconds]


def looked_from(value: Sequence[Any]) -> Looked:
    """What a list of fields says was found out about a cell."""
    bounds, split, points, empty, guess, endless, cost, seconds = value
    read = tuple(
        Bound(
            None if form is None else Form(dict(map(tuple, form[0])), form[1]),
            None if ceiling is None else Fraction(ceiling),
            None if multipliers is None else {i: Fraction(v) for i, v in multipliers},
            tuple(tuple(item) if isinstance(item, list) else item for item in references),
        )
        for form, ceiling, multipliers, references in bounds
    )
    return Looked(Seen(read, split, tuple(map(_point, points)), empty, guess, endless), None, cost, seconds)


def plan_plain(whole: Plan, pace: float) -> list[Any]:
    """A plan, cell by cell from the whole domain on, with what an open unit takes."""
    cells, todo = [], [whole]
    while todo:
        plan = todo.pop()
        cut = None if plan.cut is None else [plan.cut[0], str(plan.cut[1])]
        cells.append([cut, list(map(float, plan.tops)), plan.opened])
        todo += reversed(plan.parts)
    return [cells, pace]


def plan_from(value: Sequence[Any]) -> tuple[Plan, float]:
    """The plan that was written down, without its boxes, and what an open unit takes."""
    cells, pace = value
    whole = Plan((), (), 0)
    todo = [whole]
    for cut, tops, opened in cells:
        plan = todo.pop()
        plan.tops, plan.opened = tops, opened
        if cut is not None:
            plan.cut, plan.parts = (cut[0], Fraction(cut[1])), [Plan((), (), 0), Plan((), (), 0)]
            todo += reversed(plan.parts)
    return whole, pace


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _pairs(values: Sequence[Fraction]) -> list[list[str]]:
    return [[hex(value.numerator), hex(value.denominator)] for value in values]  # however long they are


def _point(values: Sequence[Sequence[str]]) -> Point:
    return tuple(Fraction(int(numerator, 16), int(denominator, 16)) for numerator, denominator in values)


def _path(value: Sequence[Any]) -> Path:
    return tuple((step, child) for step, child in value)
