"""A two-sided trace at a witness: what each side computes, and where a Transformer first leaves its source."""

from __future__ import annotations

from collections.abc import Sequence

from exactformer.compiler import CONSTRUCTIONS, compile_network
from exactformer.domain import Domain
from exactformer.errors import ExactformerError
from exactformer.networks import Network, Transformer
from exactformer.networks.transformer import Tie
from exactformer.prover.outcome import Point, TraceLine
from exactformer.prover.witness import evaluate_exactly
from exactformer.rational import Vector

MAX_LINES = 24


def trace(left: Network, right: Network, domain: Domain, point: Point, tie: Tie) -> tuple[TraceLine, ...]:
    """The values on both sides at a point, state by state where the states can be compared, then the outputs.

    Two Transformers of one shape are compared directly. A maxout or ReLU network against a Transformer is compared
    through the construction whose shape the Transformer has, if any: that says which block, sublayer, token and
    coordinate first differ from what the source asks for, and, through the correspondence, which source unit.
    """
    lines: list[TraceLine] = []
    if isinstance(left, Transformer) and isinstance(right, Transformer):
        if _shape(left) == _shape(right):
            lines = _states(left, right, point, tie, {})
    elif isinstance(right, Transformer):
        lines = _against_source(left, right, domain, point, tie)
    elif isinstance(left, Transformer):
        lines = _against_source(right, left, domain, point, tie)
    wanted, found = evaluate_exactly(left, point, tie), evaluate_exactly(right, point, tie)
    for i, (a, b) in enumerate(zip(wanted, found, strict=True)):
        lines.append(TraceLine(f"output {i}", str(b), str(a), a == b))
    return tuple(lines)


def _against_source(source: Network, found: Transformer, domain: Domain, point: Point, tie: Tie) -> list[TraceLine]:
    for construction in CONSTRUCTIONS:
        try:
            compiled = compile_network(source, construction=construction, domain=domain)
        except ExactformerError:
            continue
        if _shape(compiled.transformer) == _shape(found):
            units = {
                (u.block, coordinate): f"unit {u.unit} of layer {u.layer}"
                for u in compiled.correspondence.units
                for coordinate in u.coordinates
            }
            return _states(compiled.transformer, found, point, tie, units)
    return []


def _states(
    wanted: Transformer, found: Transformer, point: Point, tie: Tie, units: dict[tuple[int, int], str]
) -> list[TraceLine]:
    """One line a state that agrees, and one a differing coordinate in the first states that do not."""
    lines: list[TraceLine] = []
    pairs = zip(_names(found), wanted.states(point, tie=tie), found.states(point, tie=tie), strict=True)
    for (block, name), expected, actual in pairs:
        differing = _differing(expected, actual)
        if not differing:
            lines.append(TraceLine(name, "as wanted", "as wanted", True))
        for token, coordinate in differing:
            if len(lines) >= MAX_LINES:
                return lines
            unit = units.get((block, coordinate))
            place = f"{name}, token {token}, coordinate {coordinate}" + (f" ({unit})" if unit else "")
            lines.append(TraceLine(place, str(actual[token][coordinate]), str(expected[token][coordinate]), False))
    return lines


def _differing(expected: Sequence[Vector], actual: Sequence[Vector]) -> list[tuple[int, int]]:
    return [
        (t, c) for t, (a, b) in enumerate(zip(expected, actual, strict=True)) for c in range(len(a)) if a[c] != b[c]
    ]


def _names(transformer: Transformer) -> list[tuple[int, str]]:
    names = [(-1, "embedding")]
    for b, block in enumerate(transformer.blocks):
        if block.heads is not None:
            names.append((b, f"block {b}, attention"))
        if block.feedforward is not None:
            names.append((b, f"block {b}, feed-forward"))
    return names


def _shape(transformer: Transformer) -> object:
    parts = [(block.heads is not None, block.feedforward is not None) for block in transformer.blocks]
    return transformer.inputs, transformer.tokens, transformer.width, tuple(parts)
