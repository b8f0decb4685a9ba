"""The lemmas about gates (L2) and about paired maxima (L6), for all numbers and for all weights of their forms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

from exactformer.generic.ring import unknowns
from exactformer.generic.shape import drawn
from exactformer.generic.statement import Statement, Values
from exactformer.networks import Affine, MaxoutLayer, MaxoutNetwork
from exactformer.rational import Matrix, Vector

Row = tuple[dict[int, Any], Any]  # coefficients by column, and a constant


def network(inputs: int, layers: Sequence[Sequence[Sequence[Row]]], outputs: Sequence[Row], name: str) -> MaxoutNetwork:
    """The maxout network with layers[l][unit][piece]; units of fewer pieces repeat their first one."""
    made, width = [], inputs
    for units in layers:
        rank = max(map(len, units))
        rows = [piece for unit in units for piece in [*unit, *[unit[0]] * (rank - len(unit))]]
        made.append(MaxoutLayer(_affine(rows, width), rank))
        width = len(units)
    return MaxoutNetwork(tuple(made), _affine(outputs, width), name=name)


def _affine(rows: Sequence[Row], width: int) -> Affine:
    entries = {(i, j): x for i, (row, _) in enumerate(rows) for j, x in row.items()}
    return Affine(Matrix.sparse(len(rows), width, entries), Vector.of([constant for _, constant in rows]))


def _gate(rank: int) -> tuple[list[list[Row]], list[Row]]:
    """The ReLUs of a gate as units, relu(a_p + s) and then relu(a_p + s - g), and z_1, ..., z_k, affine in these."""
    at = unknowns(("s", "g"))
    shift, height = at["s"], at["g"]
    zero: Row = ({}, 0)
    units: list[list[Row]] = [[({p: 1}, shift), zero] for p in range(rank)]
    units += [[({p: 1}, shift - height), zero] for p in range(rank)]
    values: list[Row] = [({j: 1} | {rank + p: 1 for p in range(rank) if p != j}, -shift) for j in range(rank)]
    return units, values


def gates_pick_the_piece(rank: int) -> Statement:
    """Lemma L2(i): if -s <= a_p <= g - s for all p, then z_j = a_j at every token j."""

    def draw(random: Random) -> tuple[Values, tuple[Fraction, ...]]:
        pieces = [drawn(random) for _ in range(rank)]
        shift = random.randint(0, 2) - min(pieces)
        return {"s": shift, "g": shift + max(pieces) + random.randint(0, 2)}, tuple(pieces)

    units, values = _gate(rank)
    pieces = tuple(f"a{p}" for p in range(1, rank + 1))
    return Statement(
        title=f"Lemma L2(i), gates of {rank} pieces",
        inputs=pieces,
        unknowns=("s", "g"),
        left=network(rank, [units], values, "z"),
        right=network(rank, [], [({p: 1}, 0) for p in range(rank)], "a"),
        draw=draw,
        hypotheses=(*(f"{a} + s" for a in pieces), *(f"g - s - {a}" for a in pieces)),
    )


def gates_keep_the_maximum(rank: int) -> Statement:
    """Lemma L2(ii): if a_1 >= ... >= a_k, g >= 0, a_1 + s >= 0 and g - s >= a_2, then max_j z_j = a_1.

    The difference a_1 + s - relu(a_j + s) - relu(a_1 + s - g) of z_1 and z_j is >= 0 in each of the four cases.
    """

    def draw(random: Random) -> tuple[Values, tuple[Fraction, ...]]:
        pieces = sorted((drawn(random) for _ in range(rank)), reverse=True)
        shift = random.randint(0, 2) - pieces[0]
        least = shift + pieces[1] if rank > 1 else Fraction(0)
        return {"s": shift, "g": max(least, Fraction(0)) + random.randint(0, 2)}, tuple(pieces)

    units, values = _gate(rank)
    pieces = tuple(f"a{p}" for p in range(1, rank + 1))
    hypotheses = [f"a{p} - a{p + 1}" for p in range(1, rank)]  # facts 0, ..., k - 2
    positive, top = len(hypotheses), len(hypotheses) + 1  # g >= 0, a_1 + s >= 0
    hypotheses += ["g", "a1 + s", *["g - s - a2"][: rank - 1]]
    steps: list[list[Any]] = []

    def fact(step: list[Any]) -> int:
        steps.append(step)
        return len(hypotheses) + len(steps) - 1

    for j in range(2, rank + 1):
        lower = fact(["sum", [[1, [n]] for n in range(j - 1)]])  # a_1 - a_j
        closed = fact(["sum", [[1, [top + 1]], *[[1, [n]] for n in range(1, j - 1)]]])  # g - s - a_j
        active = fact(["below", "leak", [closed, lower]])  # a_1 - a_j - leak, if relu(a_j + s) = a_j + s
        passive = fact(["below", "leak", [positive, top]])  # a_1 + s - leak, if relu(a_j + s) = 0
        fact(["below", f"r{j}", [active, passive]])
    maxima = [("leak", ("a1 + s - g", "0")), *((f"r{j}", (f"a{j} + s", "0")) for j in range(2, rank + 1))]
    return Statement(
        title=f"Lemma L2(ii), gates of {rank} pieces",
        inputs=pieces,
        unknowns=("s", "g"),
        left=network(rank, [units, [values]], [({0: 1}, 0)], "max z"),
        right=network(rank, [], [({0: 1}, 0)], "a1"),
        draw=draw,
        maxima=tuple(maxima),
        hypotheses=tuple(hypotheses),
        steps=tuple(steps),
    )


def paired_maxima(inputs: int, rank: int, partners: int) -> Statement:
    """Lemma L6: max_j s'_j <= max_j (s'_j - s_tau(j)) + max_i s_i for affine forms with any weights, and each map tau.

    s_i = sum v{i}.{c} x{c} + a{i}, s'_j = sum w{j}.{c} x{c} + b{j}; output n is about the n-th map from the partners to
    the forms. With the sides exchanged it bounds the difference from below.
    """
    columns = range(1, inputs + 1)
    own = [(tuple(f"v{i}.{c}" for c in columns), f"a{i}") for i in range(1, rank + 1)]
    other = [(tuple(f"w{j}.{c}" for c in columns), f"b{j}") for j in range(1, partners + 1)]
    names = tuple(name for weights, bias in (*own, *other) for name in (*weights, bias))
    at = unknowns(names)
    forms, pairs = (
        [(dict(enumerate(at[w] for w in weights)), at[bias]) for weights, bias in side] for side in (own, other)
    )
    texts, others = ([_text(weights, bias) for weights, bias in side] for side in (own, other))
    maps = list(product(range(rank), repeat=partners))
    maxima = [("top", tuple(texts)), ("partner", tuple(others))]
    steps: list[list[Any]] = [["above", "top", i] for i in range(rank)]  # facts 0, ..., k - 1
    gaps: list[list[Row]] = []
    for number, tau in enumerate(maps, 1):
        lines = [" - ".join([others[j], *texts[i].split(" + ")]) for j, i in enumerate(tau)]
        maxima.append((f"gap{number}", tuple(lines)))
        gaps.append([_minus(pairs[j], forms[i]) for j, i in enumerate(tau)])
        above = []
        for j, i in enumerate(tau):
            steps += [["above", f"gap{number}", j], ["sum", [[1, [i]], [1, [len(steps)]]]]]
            above.append(len(steps) - 1)
        steps.append(["below", "partner", above])
    size = len(maps)
    return Statement(
        title=f"Lemma L6, {rank} forms and {partners} partners of {inputs} inputs",
        inputs=tuple(f"x{c}" for c in columns),
        unknowns=names,
        left=network(inputs, [[pairs]], [({0: 1}, 0)] * size, "max s'"),
        right=network(inputs, [[*gaps, forms]], [({n: 1, size: 1}, 0) for n in range(size)], "max (s' - s) + max s"),
        draw=lambda random: ({name: drawn(random) for name in names}, tuple(drawn(random) for _ in columns)),
        relation="at most",
        maxima=tuple(maxima),
        steps=tuple(steps),
    )


def _text(weights: Sequence[str], bias: str) -> str:
    return " + ".join([*(f"{w}*x{c}" for c, w in enumerate(weights, 1)), bias])


def _minus(left: Row, right: Row) -> Row:
    return {c: x - right[0][c] for c, x in left[0].items()}, left[1] - right[1]
