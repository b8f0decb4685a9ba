"""From a design to the matrices of a Transformer; every fault is found before any is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from exactformer.arguments import instance
from exactformer.building.expressions import Expression, Row, Space, exact
from exactformer.building.parts import BlockPart, HeadPart, Token, Vectorial, Write
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput, did_you_mean
from exactformer.networks import Affine, Block, FeedForward, Head, Transformer
from exactformer.networks.feedforward import check_label
from exactformer.rational import Matrix, Vector


@dataclass(frozen=True, kw_only=True)
class Design:
    """A Transformer designed by hand: what each token holds, what each block does, what is read at the end.

    `readout` is affine in the coordinates of token `token`. With `residual` a sublayer adds what its heads or writes
    give, without it that replaces the state. With mask "causal" token q sees the tokens 0, ..., q only.
    """

    inputs: Space
    space: Space
    tokens: Sequence[Token]
    blocks: Sequence[BlockPart]
    readout: Vectorial
    token: int = 0
    residual: bool = True
    mask: Literal["causal"] | None = None

    def __post_init__(self) -> None:
        for name in ("tokens", "blocks"):
            if isinstance(items := getattr(self, name), list):
                object.__setattr__(self, name, tuple(items))

    def build(self, *, name: str = "", domain: Domain | None = None) -> Transformer:
        """The Transformer with exactly the matrices that the design says.

        Raises `InvalidInput`, listing every fault with its place: an unknown name, an expression over the wrong
        space, a constant where there is no bias, sizes that do not fit, a token out of range, an unknown mask.
        """
        faults = Faults()
        for place, space in (("inputs", self.inputs), ("space", self.space)):
            if not isinstance(space, Space):
                faults.add(place, "Space(...)", space)
        for place, parts in (("tokens", self.tokens), ("blocks", self.blocks)):
            instance(parts, (tuple, list), "a list", place, faults)
        check_label(domain, name, faults)
        faults.settle()
        embedding = tuple(_token(t, self, f"tokens[{i}]", faults) for i, t in enumerate(self.tokens))
        blocks = tuple(_block(b, self.space, f"blocks[{i}]", faults) for i, b in enumerate(self.blocks))
        readout = _affine(_rows(self.readout, self.space, AFFINE, "readout", faults), self.space)
        self._check(domain, faults)
        faults.settle()
        names = self.space.coordinates
        return Transformer(embedding, blocks, self.token, readout, self.residual, self.mask, domain, name, names)

    def _check(self, domain: Domain | None, faults: Faults) -> None:
        if not self.tokens:
            faults.add("tokens", "at least one token", "none")
        elif type(self.token) is not int or not 0 <= self.token < len(self.tokens):
            faults.add("token", f"a token from 0 to {len(self.tokens) - 1}", self.token)
        if self.mask not in (None, "causal"):
            faults.add("mask", 'None or "causal"', self.mask)
        if domain is not None and domain.dimension != self.inputs.dimension:
            faults.add("domain", f"{self.inputs.dimension} inputs ({self.inputs})", f"{domain.dimension}")


@dataclass(frozen=True)
class _Kind:
    """What an expression may consist of at a place."""

    expected: str
    linear: bool = True
    gates: bool = False
    constant: bool = False

    def admits(self, row: Row) -> bool:
        """Whether the row has nothing else."""
        return (self.linear or not row.linear) and (self.gates or not row.gates) and (self.constant or not row.constant)


LINEAR = _Kind("a linear expression (there is no bias here; let a coordinate hold the constant)")
AFFINE = _Kind("an affine expression (ReLUs belong in a write)", constant=True)
GATES = _Kind("a sum of ReLUs and constants (write linear(x) for x)", linear=False, gates=True, constant=True)


def _rows(value: Vectorial, space: Space, kind: _Kind, place: str, faults: Faults) -> tuple[Row, ...]:
    """The components of an expression, a number or a sequence of them; faults are noted."""
    rows: list[Row] = []
    for item in value if isinstance(value, (tuple, list)) else (value,):
        if not isinstance(item, Expression):
            try:
                found: tuple[Row, ...] = (Row(constant=exact(item, place)),)
            except InvalidInput:
                faults.add(place, "an expression or an exact number", item)
                found = (Row(),)
        elif item.space != space:
            faults.add(place, f"an expression over {space}", f"{item} over {item.space}")
            found = tuple(Row() for _ in item.rows)
        else:
            found = item.rows
        for row in found:
            if not kind.admits(row):
                faults.add(place, kind.expected, row.text(space.coordinates))
        rows += found
    if not rows:
        faults.add(place, "at least one component", "none")
    return tuple(rows)


def _sized(rows: Sequence[Row], size: int, of: str, place: str, faults: Faults) -> None:
    if len(rows) != size:
        faults.add(place, f"{size} component{'s' * (size != 1)}, as in {of}", f"{len(rows)}")


def _token(part: Any, design: Design, place: str, faults: Faults) -> Affine:
    """The embedding of one token: row i is the coordinate i as an affine map of the inputs."""
    if not isinstance(part, Token):
        faults.add(place, "token(...)", part)
        part = Token(())
    held = {name: _rows(value, design.inputs, AFFINE, f"{place}.{name}", faults) for name, value in part.coordinates}
    sizes = dict(design.space.sizes)
    for name, rows in held.items():
        if name not in sizes:
            faults.add(place, f"the names {design.space}", name, did_you_mean(name, sizes))
        else:
            _sized(rows, sizes[name], f"the subspace {name}", f"{place}.{name}", faults)
    full = [row for name, size in design.space.sizes for row in held.get(name, (Row(),) * size)]
    return _affine(full, design.inputs)


def _block(part: Any, space: Space, place: str, faults: Faults) -> Block:
    """Heads, then writes; a part that is not there is None."""
    parts = part.parts if isinstance(part, BlockPart) else ()
    if not parts:
        faults.add(place, "block(...) with at least one head or write", "none" if isinstance(part, BlockPart) else part)
    heads: list[Head] = []
    writes: list[Write] = []
    for i, item in enumerate(parts):
        if isinstance(item, Write):
            writes.append(item)
        elif isinstance(item, HeadPart):
            if writes:
                faults.add(f"{place}, part {i}", "all heads before the first write, as they act first", "a head")
            heads.append(_head(item, space, f"{place}.heads[{len(heads)}]", faults))
        else:
            faults.add(f"{place}, part {i}", "a head or a write", item)
    return Block(tuple(heads) or None, _feedforward(writes, space, place, faults) if writes else None)


def _head(part: HeadPart, space: Space, place: str, faults: Faults) -> Head:
    query = _rows(part.query, space, LINEAR, f"{place}.query", faults)
    key = _rows(part.key, space, LINEAR, f"{place}.key", faults)
    value = _rows(part.value, space, LINEAR, f"{place}.value", faults)
    to = _rows(part.to, space, LINEAR, f"{place}.to", faults)
    _sized(key, len(query), "query", f"{place}.key", faults)
    _sized(to, len(value), "value", f"{place}.to", faults)
    output = {(i, j): c for j, direction in enumerate(to) for i, c in direction.linear}
    matrices = [_affine(rows, space).weights for rows in (query, key, value)]
    return Head(matrices[0], matrices[1], matrices[2], Matrix.sparse(space.dimension, len(to), output))


def _feedforward(writes: Sequence[Write], space: Space, place: str, faults: Faults) -> FeedForward:
    """The sublayer of all writes of a block, one hidden unit for each distinct ReLU in order of appearance."""
    units: dict[Row, int] = {}
    weights: dict[tuple[int, int], Fraction] = {}
    biases = [Fraction(0)] * space.dimension
    for w, part in enumerate(writes):
        amount = _rows(part.amount, space, GATES, f"{place}.writes[{w}].amount", faults)
        to = _rows(part.to, space, LINEAR, f"{place}.writes[{w}].to", faults)
        _sized(to, len(amount), "amount", f"{place}.writes[{w}].to", faults)
        for row, direction in zip(amount, to, strict=False):
            for i, share in direction.linear:
                biases[i] += share * row.constant
                for unit, c in row.gates:
                    j = units.setdefault(unit, len(units))
                    weights[i, j] = weights.get((i, j), Fraction(0)) + share * c
    outer = Matrix.sparse(space.dimension, len(units), weights)
    return FeedForward(_affine(list(units), space), Affine(outer, Vector.of(biases)))


def _affine(rows: Sequence[Row], space: Space) -> Affine:
    """The affine map over the coordinates of the space with the given rows."""
    entries = {(i, j): c for i, row in enumerate(rows) for j, c in row.linear}
    return Affine(Matrix.sparse(len(rows), space.dimension, entries), Vector.of(row.constant for row in rows))
