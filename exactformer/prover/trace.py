"""A two-sided trace at a witness: what each side computes, and where a Transformer first leaves its source."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import zip_longest

from exactformer.claims import AtMost, Claim, TiesAgree, Within
from exactformer.compiler import CONSTRUCTIONS, Correspondence, compile_network
from exactformer.domain import Domain
from exactformer.errors import ExactformerError
from exactformer.networks import Network, Transformer
from exactformer.networks.transformer import Tie
from exactformer.prover.outcome import Point, TraceLine
from exactformer.prover.question import Question, evaluate_exactly
from exactformer.rational import Vector, exact_text

MAX_LINES = 24
Ruled = tuple[Transformer, Tie]


def trace(question: Question, point: Point) -> tuple[TraceLine, ...]:
    """How two evaluations of a claim at one input part; nothing for other claims."""
    if isinstance(question.claim, TiesAgree):
        return _under_two_rules(question, point)
    return _two_sided(question, point) if question.claim.networks == 2 else ()


def _under_two_rules(question: Question, point: Point) -> tuple[TraceLine, ...]:
    """The states of one Transformer under two tie rules: found under the second, wanted under the first."""
    if not isinstance(question.left, Transformer):
        return ()
    first, second = question.claim.parameters["rules"]
    return tuple(_states((question.left, first), (question.left, second), point, {}))


def _two_sided(question: Question, point: Point) -> tuple[TraceLine, ...]:
    """The values on both sides at a point, state by state where the states can be compared, then the outputs.

    Two Transformers of one shape are compared directly. A maxout or ReLU network against a Transformer is compared
    through the construction whose shape the Transformer has, if any: that says which block, sublayer, token and
    coordinate first differ from what the source asks for, and, through the correspondence, which source unit.
    Wanted is what the left side computes, unless it alone is a Transformer. A claim that lets the sides differ asks
    nothing of their states: of such only the outputs are shown, and how they may lie.
    """
    left, right, tie = question.left, question.right or question.left, question.tie
    alone = isinstance(left, Transformer) and not isinstance(right, Transformer)
    wanted, found = (right, left) if alone else (left, right)
    lines: list[TraceLine] = []
    if not question.claim.equations:
        pass
    elif isinstance(wanted, Transformer) and isinstance(found, Transformer):
        if _shape(wanted) == _shape(found):
            lines = _side_by_side(wanted, found, point, tie, {})
    elif isinstance(found, Transformer) and question.correspondence is not None and not alone:
        lines = _unit_by_unit(wanted, found, question.correspondence, point, tie)
    elif isinstance(found, Transformer):
        lines = _against_source(wanted, found, question.domain, point, tie)
    values = (evaluate_exactly(side, point, tie) for side in (wanted, found))
    for i, (a, b) in enumerate(zip(*values, strict=True)):
        lines.append(_output(question.claim, i, a, b, left_is_found=alone))
    return tuple(lines)


def _output(claim: Claim, number: int, wanted: Fraction, found: Fraction, *, left_is_found: bool) -> TraceLine:
    """An output of the one side, and what the claim asks of it, given the other side's."""
    text, agrees = exact_text(wanted), found == wanted
    if isinstance(claim, AtMost):
        text, agrees = (f"at most {text}", found <= wanted) if left_is_found else (f"at least {text}", found >= wanted)
    if isinstance(claim, Within):
        text, agrees = f"within {claim.epsilon} of {text}", abs(found - wanted) <= claim.epsilon
    return TraceLine(f"output {number}", exact_text(found), text, agrees)


def _against_source(source: Network, found: Transformer, domain: Domain, point: Point, tie: Tie) -> list[TraceLine]:
    for construction in CONSTRUCTIONS:
        try:
            compiled = compile_network(source, construction=construction, domain=domain)
        except ExactformerError:
            continue
        if _shape(compiled.transformer) == _shape(found):
            return _side_by_side(compiled.transformer, found, point, tie, _units(compiled.correspondence))
    return []


def _unit_by_unit(
    source: Network, found: Transformer, correspondence: Correspondence, point: Point, tie: Tie
) -> list[TraceLine]:
    """For each unit of the source what it computes, and what stands at its place in the Transformer."""
    assert not isinstance(source, Transformer)
    wanted, states = source.states(point), found.states(point, tie=tie)
    after = [_names(found).index(f"block {place.block}, attention") for place in correspondence.units]
    lines = []
    for sublayer, place in sorted(zip(after, correspondence.units, strict=True), key=lambda pair: pair[0]):
        state = states[sublayer][found.token]
        has = sum((state[c] for c in place.coordinates), Fraction(0))
        should = wanted[place.layer + 1][place.unit]
        where = f"block {place.block}, attention, token {found.token}, coordinates {list(place.coordinates)}"
        name = f"{where} (unit {place.unit} of layer {place.layer})"
        lines.append(TraceLine(name, exact_text(has), exact_text(should), has == should))
    return lines


def _units(correspondence: Correspondence) -> dict[tuple[str, int], str]:
    """The source unit behind a coordinate after a sublayer."""
    units = {}
    for place in correspondence.units:
        text = f"unit {place.unit} of layer {place.layer}"
        for coordinate in place.coordinates:
            units[f"block {place.block}, attention", coordinate] = text
        if place.pieces is not None:
            units[f"block {place.block - 1}, feed-forward", place.pieces] = f"piece of {text}"
    return units


def _side_by_side(
    wanted: Transformer, found: Transformer, point: Point, tie: Tie, units: dict[tuple[str, int], str]
) -> list[TraceLine]:
    return _states((wanted, tie), (found, tie), point, units)


def _states(wanted: Ruled, found: Ruled, point: Point, units: dict[tuple[str, int], str]) -> list[TraceLine]:
    """One line a state, and in the first state that differs one a coordinate, with the heads that part there."""
    lines: list[TraceLine] = []
    agreed = True
    pairs = zip(*(side.states(point, tie=tie) for side, tie in (wanted, found)), strict=True)
    before: Sequence[Vector] = ()
    for name, (expected, actual) in zip(_names(found[0]), pairs, strict=True):
        differing = _differing(expected, actual)
        if not differing:
            lines.append(TraceLine(name, "as wanted", "as wanted", True))
        elif not agreed:
            lines.append(TraceLine(name, f"{len(differing)} coordinates differ", "as wanted", False))
        else:
            agreed = False
            asked, made = (_added(name, side, before) for side in (wanted, found))
            for token, coordinate in differing[:MAX_LINES]:
                unit, heads = units.get((name, coordinate)), _heads(asked, made, token, coordinate)
                place = f"{name}{heads}, token {token}, coordinate {coordinate}" + (f" ({unit})" if unit else "")
                lines.append(
                    TraceLine(
                        place, exact_text(actual[token][coordinate]), exact_text(expected[token][coordinate]), False
                    )
                )
        before = expected
    return lines


def _added(name: str, side: Ruled, before: Sequence[Vector]) -> list[list[Vector]]:
    """What each head of an attention sublayer adds to each token; nothing for another sublayer."""
    if not name.endswith(", attention"):
        return []
    transformer, tie = side
    block = int(name.split(",")[0].removeprefix("block "))
    return [transformer.attended(head, before, tie=tie) for head in transformer.blocks[block].heads or ()]


def _heads(wanted: list[list[Vector]], found: list[list[Vector]], token: int, coordinate: int) -> str:
    """The heads that add different amounts there."""
    amounts = [[head[token][coordinate] for head in heads] for heads in (wanted, found)]
    pairs = enumerate(zip_longest(*amounts, fillvalue=Fraction(0)))
    numbers = [str(number) for number, (a, b) in pairs if a != b]
    return f", head{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}" if numbers else ""


def _differing(expected: Sequence[Vector], actual: Sequence[Vector]) -> list[tuple[int, int]]:
    return [
        (t, c) for t, (a, b) in enumerate(zip(expected, actual, strict=True)) for c in range(len(a)) if a[c] != b[c]
    ]


def _names(transformer: Transformer) -> list[str]:
    names = ["embedding"]
    for b, block in enumerate(transformer.blocks):
        names += [f"block {b}, attention"] if block.heads is not None else []
        names += [f"block {b}, feed-forward"] if block.feedforward is not None else []
    return names


def _shape(transformer: Transformer) -> object:
    parts = [(block.heads is not None, block.feedforward is not None) for block in transformer.blocks]
    return transformer.inputs, transformer.tokens, transformer.width, tuple(parts)
