"""How a Transformer is laid out for floats, from its exact weights alone; points and tie rule come later.

Exact rewriting first: two neurons with relu(u) - relu(-u) = u become the linear term u, which is how a coordinate is
erased; then what nothing reads is left out. Then every coordinate is found to be constant, the same at all tokens, or a
token's own, so that products of constants vanish into biases and what all tokens share is computed once. The values are
those of the network given: every step is an identity between real numbers, and weights are rounded at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np

from exactformer.networks import FeedForward, Head, Transformer
from exactformer.networks.walk import Attention, TokenWise, sublayers
from exactformer.numeric.matrices import Linear, NumericAffine, column, gathered
from exactformer.numeric.transformer import (
    Heads,
    Narrowing,
    NumericAttention,
    NumericTokenwise,
    NumericTransformer,
    Sum,
)
from exactformer.rational import Matrix

Constant = tuple[Fraction, ...]  # one number a token
Part = tuple[Matrix, "Known"]
Kind = Literal["constant", "shared", "own"]


@dataclass(frozen=True)
class Known:
    """Of each coordinate where it is: a row of what is shared or of the tokens' own, or a constant; others are zero."""

    constants: dict[int, Constant] = field(default_factory=dict)
    shared: dict[int, int] = field(default_factory=dict)
    own: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Neurons:
    """A feed-forward sublayer x -> carried x + outer relu(inner x) + offsets, the state that stays in `carried`."""

    carried: Matrix
    inner: FeedForward
    outer: Matrix
    offsets: Mapping[int, Fraction]

    def used(self, wanted: Collection[int]) -> list[int]:
        """The neurons that the wanted coordinates read."""
        return sorted(_columns(self.outer, wanted))

    def reads(self, wanted: Collection[int]) -> set[int]:
        """The coordinates of the old state that the wanted ones of the new state read."""
        return _columns(self.carried, wanted) | _columns(self.inner.inner.weights, set(self.used(wanted)))


@dataclass(frozen=True)
class Attending:
    """An attention sublayer x -> carried x + what the heads hand on."""

    carried: Matrix
    step: Attention

    def used(self, wanted: Collection[int]) -> list[Head]:
        """The heads that write into the wanted coordinates."""
        return [head for head in self.step.heads if _columns(head.output, wanted)]

    def reads(self, wanted: Collection[int]) -> set[int]:
        """The coordinates of the old state that the wanted ones of the new state read."""
        matrices = [m for head in self.used(wanted) for m in (head.query, head.key, head.value)]
        return _columns(self.carried, wanted).union(*(_columns(m, None) for m in matrices))


def numeric_transformer(network: Transformer) -> NumericTransformer:
    """The Transformer in floats. Numbers out of the range of float64 become infinite; nothing is raised."""
    live, steps = sublayers(network)
    kept = _identity(network.width) if network.residual else Matrix((network.width, network.width))
    rewritten = [Attending(kept, s) if isinstance(s, Attention) else _without_pairs(s, kept) for s in steps]
    wanted = [_columns(network.readout.weights, None)]
    for step in reversed(rewritten):
        wanted.append(step.reads(wanted[-1]))
    known, shared, own = _embedding(network, live, sorted(wanted.pop()))
    made: list[NumericAttention | NumericTokenwise] = []
    tokens = live
    for step in rewritten:
        kept_later = sorted(wanted.pop())
        if isinstance(step, Neurons):
            part, known = _neurons(step, known, kept_later, len(tokens))
            made.append(part)
        else:
            heads, known = _attention(step, known, kept_later, tokens)
            made.append(heads)
            tokens = step.step.live
    offsets = dict(enumerate(network.readout.biases.fractions()))
    readout, _ = _sum([(network.readout.weights, known)], offsets, range(network.outputs), 1, "shared")
    return NumericTransformer(network.inputs, network.outputs, len(live), shared, own, tuple(made), readout)


# --- rewriting --------------------------------------------------------------------------------------


def _without_pairs(step: TokenWise, kept: Matrix) -> Neurons:
    """The sublayer where c relu(u) - c relu(-u) is the linear term c u, if u or c has a single entry."""
    inner, outer = step.network.inner, step.network.outer
    columns: dict[int, list[tuple[int, int]]] = {}
    for i, row in outer.weights.filled:
        for a, n in row:
            columns.setdefault(a, []).append((i, n))
    biases, scale = inner.biases.numerators, Fraction(1, inner.weights.denominator * outer.weights.denominator)
    offsets = dict(enumerate(outer.biases.fractions()))
    waiting: dict[tuple[object, ...], int] = {}
    gone: set[int] = set()
    linear: dict[tuple[int, int], Fraction] = {}
    for a, row in inner.weights.filled:
        written = columns.get(a, [])
        if min(len(row), len(written)) != 1:
            continue
        found = waiting.pop((_negated(row), -biases[a], _negated(written)), None)
        if found is None:
            waiting[tuple(row), biases[a], tuple(written)] = a
            continue
        gone |= {a, found}
        for i, c in written:
            for j, n in row:
                linear[i, j] = linear.get((i, j), Fraction(0)) + c * n * scale
            offsets[i] += Fraction(c * biases[a], outer.weights.denominator * inner.biases.denominator)
    if not gone:
        return Neurons(kept, step.network, outer.weights, offsets)
    left = [(i, tuple((a, n) for a, n in row if a not in gone)) for i, row in outer.weights.filled]
    outer_left = Matrix(outer.weights.shape, tuple((i, row) for i, row in left if row), outer.weights.denominator)
    for i, row in kept.filled:
        for j, n in row:
            linear[i, j] = linear.get((i, j), Fraction(0)) + n
    return Neurons(Matrix.sparse(*kept.shape, linear), step.network, outer_left, offsets)


def _negated(row: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple((j, -n) for j, n in row)


def _identity(d: int) -> Matrix:
    return Matrix((d, d), tuple((i, ((i, 1),)) for i in range(d)))


def _columns(matrix: Matrix, rows: Collection[int] | None) -> set[int]:
    """The columns on which the given rows (None for all) have an entry."""
    return {j for i, row in matrix.filled if rows is None or i in rows for j, _ in row}


# --- layout -----------------------------------------------------------------------------------------


def _embedding(
    network: Transformer, live: Sequence[int], wanted: Sequence[int]
) -> tuple[Known, NumericAffine, NumericAffine]:
    """Where the wanted coordinates are after the embedding; the maps that give what is shared, and the tokens' own."""
    maps = [network.embedding[t] for t in live]
    rows = [dict(m.weights.filled) for m in maps]
    offsets = [m.biases.fractions() for m in maps]
    known = Known()
    for i in wanted:
        constant = tuple(b[i] for b in offsets)
        weights = [m.weights.row(i) for m in maps]
        kind = _kind(any(weights), any(row != weights[0] for row in weights), constant)
        if kind == "constant":
            known.constants[i] = constant
        else:
            place = known.shared if kind == "shared" else known.own
            place[i] = len(place)
    first, n = rows[0], len(live)
    shared = [([(k, j, x) for i, k in known.shared.items() for j, x in first.get(i, ())], maps[0].weights.denominator)]
    own = [
        ([(k * n + t, j, x) for i, k in known.own.items() for j, x in r.get(i, ())], m.weights.denominator)
        for t, (m, r) in enumerate(zip(maps, rows, strict=True))
    ]
    return (
        known,
        NumericAffine(
            gathered((len(known.shared), network.inputs), shared), column([offsets[0][i] for i in known.shared])
        ),
        NumericAffine(
            gathered((n * len(known.own), network.inputs), own), column([b[i] for i in known.own for b in offsets])
        ),
    )


def _neurons(step: Neurons, known: Known, wanted: Sequence[int], tokens: int) -> tuple[NumericTokenwise, Known]:
    inner = step.inner.inner
    used = step.used(wanted)
    neurons, hidden = _sum([(inner.weights, known)], dict(enumerate(inner.biases.fractions())), used, tokens)
    rectified = {i: tuple(max(x, Fraction(0)) for x in constant) for i, constant in hidden.constants.items()}
    parts = [(step.carried, known), (step.outer, Known(rectified, hidden.shared, hidden.own))]
    following, known = _sum(parts, step.offsets, wanted, tokens)
    return NumericTokenwise(neurons, following), known


def _attention(
    step: Attending, known: Known, wanted: Sequence[int], before: Sequence[int]
) -> tuple[NumericAttention, Known]:
    live = step.step.live
    causal = any(len(seen) != len(before) for seen in step.step.seen.values())
    mask = np.array([[t in seen for t in before] for seen in step.step.seen.values()]) if causal else None
    narrowing, asking = _narrowed(known, before, live)
    sorts: dict[tuple[bool, bool, bool, int, int], list[tuple[Matrix, Head]]] = {}
    for head in step.used(wanted):
        constants, alike = _query(head.query, asking, len(live))
        alike = alike and mask is None
        keys = head.key if constants is None else _weighted(head.key, constants)
        same = constants is not None and keys == head.value.reduced()
        sort = constants is not None, alike, same, keys.shape[0], head.value.shape[0]
        sorts.setdefault(sort, []).append((keys, head))
    d, groups, parts = step.carried.shape[0], [], [(step.carried, asking)]
    for (fixed, alike, same, *_), members in sorts.items():
        queries = None if fixed else Matrix.stacked([head.query for _, head in members], d)
        values = None if same else Matrix.stacked([head.value for _, head in members], d)
        groups.append(
            Heads(
                count=len(members),
                queries=None if queries is None else _all(queries, asking, len(live), "shared" if alike else "own"),
                keys=_all(Matrix.stacked([keys for keys, _ in members], d), known, len(before), "own"),
                values=None if values is None else _all(values, known, len(before), "own"),
                alike=alike,
                seen=mask,
            )
        )
        output = _beside([head.output for _, head in members])
        rows = {i: i for i in range(output.shape[1])}
        parts.append((output, Known(shared=rows) if alike else Known(own=rows)))
    following, known = _sum(parts, {}, wanted, len(live))
    return NumericAttention(narrowing, tuple(groups), following), known


def _narrowed(known: Known, before: Sequence[int], live: Sequence[int]) -> tuple[Narrowing | None, Known]:
    """The live tokens alone."""
    if len(live) == len(before):
        return None, known
    positions = tuple(before.index(t) for t in live)
    constants = {i: tuple(c[p] for p in positions) for i, c in known.constants.items()}
    if len(live) > 1:
        return Narrowing(positions), Known(constants, known.shared, known.own)
    own = {i: len(known.shared) + k for i, k in known.own.items()}
    return Narrowing(positions), Known(constants, known.shared | own)


def _query(matrix: Matrix, known: Known, tokens: int) -> tuple[list[Fraction] | None, bool]:
    """The query if it is one constant for all tokens, and whether it is the same at all tokens."""
    plan = [_row([(matrix.denominator, row, known)], tokens) for row in matrix.rows]
    kinds = [_kind(bool(shared or own), bool(own), constant) for constant, shared, own in plan]
    equal = all(kind != "own" and len(set(constant)) == 1 for kind, (constant, _, _) in zip(kinds, plan, strict=True))
    if equal and all(kind == "constant" for kind in kinds):
        return [constant[0] for constant, _, _ in plan], True
    return None, equal


def _weighted(matrix: Matrix, factors: Sequence[Fraction]) -> Matrix:
    """The sum of the rows, each times its factor, as a matrix of one row."""
    total: dict[tuple[int, int], Fraction] = {}
    for i, row in matrix.filled:
        for j, n in row:
            total[0, j] = total.get((0, j), Fraction(0)) + factors[i] * Fraction(n, matrix.denominator)
    return Matrix.sparse(1, matrix.shape[1], total)


def _beside(matrices: Sequence[Matrix]) -> Matrix:
    """The matrices of one height, side by side."""
    entries: dict[tuple[int, int], Fraction] = {}
    start = 0
    for m in matrices:
        entries |= {(i, start + j): x for (i, j), x in m.entries().items()}
        start += m.shape[1]
    return Matrix.sparse(matrices[0].shape[0], start, entries)


# --- sums -------------------------------------------------------------------------------------------


def _all(matrix: Matrix, known: Known, tokens: int, kind: Kind) -> Sum:
    """All rows of a matrix times a vector."""
    return _sum([(matrix, known)], {}, range(matrix.shape[0]), tokens, kind)[0]


def _sum(
    parts: Sequence[Part], offsets: Mapping[int, Fraction], wanted: Iterable[int], tokens: int, kind: Kind | None = None
) -> tuple[Sum, Known]:
    """The wanted rows of the sum of matrices times vectors, and where they are: by kind, or all of the given one."""
    rows = [dict(matrix.filled) for matrix, _ in parts]
    result, shared_biases, own_biases = Known(), list[Fraction](), list[Fraction]()
    entries = {name: [list[tuple[int, int, int]]() for _ in parts] for name in ("shared", "common", "own")}
    for i in wanted:
        reads = [(m.denominator, r.get(i, ()), known) for (m, known), r in zip(parts, rows, strict=True)]
        constant, shared, own = _row(reads, tokens, offsets.get(i, Fraction(0)))
        chosen = kind or _kind(bool(shared or own), bool(own), constant)
        if chosen == "constant":
            if any(constant):
                result.constants[i] = constant
        elif chosen == "shared":
            k = result.shared[i] = len(result.shared)
            shared_biases.append(constant[0])
            for p, j, n in shared:
                entries["shared"][p].append((k, j, n))
        else:
            k = result.own[i] = len(result.own)
            own_biases += constant
            for name, found in (("common", shared), ("own", own)):
                for p, j, n in found:
                    entries[name][p].append((k, j, n))

    def products(name: str, height: int, widths: Sequence[int]) -> tuple[tuple[int, Linear], ...]:
        return tuple(
            (p, gathered((height, widths[p]), [(found, parts[p][0].denominator)]))
            for p, found in enumerate(entries[name])
            if found
        )

    common_width, own_width = [len(k.shared) for _, k in parts], [len(k.own) for _, k in parts]
    made = Sum(
        tokens,
        products("shared", len(result.shared), common_width),
        products("common", len(result.own), common_width),
        products("own", len(result.own), own_width),
        column(shared_biases),
        column(own_biases).reshape(len(result.own), tokens, 1),
    )
    return made, result


Reading = tuple[int, Iterable[tuple[int, int]], Known]  # a denominator, (column, numerator) of a row, and the vector
Found = list[tuple[int, int, int]]  # number of the part, row of its array, numerator


def _row(reads: Sequence[Reading], tokens: int, offset: Fraction = Fraction(0)) -> tuple[Constant, Found, Found]:
    """What a row reads: the constant at each token, and entries of what is shared and of the tokens' own."""
    constant = [offset] * tokens
    shared: Found = []
    own: Found = []
    for p, (denominator, row, known) in enumerate(reads):
        for j, n in row:
            if (k := known.shared.get(j)) is not None:
                shared.append((p, k, n))
            elif (k := known.own.get(j)) is not None:
                own.append((p, k, n))
            elif (found := known.constants.get(j)) is not None:
                factor = Fraction(n, denominator)
                constant = [c + factor * x for c, x in zip(constant, found, strict=True)]
    return tuple(constant), shared, own


def _kind(varies: bool, own: bool, constant: Constant) -> Kind:
    """Whether a coordinate depends on the input, on the token's own numbers, and which constant is added."""
    if not varies:
        return "constant"
    return "own" if own or len(set(constant)) > 1 else "shared"
