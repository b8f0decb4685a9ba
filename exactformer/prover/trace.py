"""A two-sided trace at a witness: what each side computes, and where a Transformer first leaves its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import zip_longest

from exactformer.claims import Claim
from exactformer.compiler import CONSTRUCTIONS, Correspondence, compile_network
from exactformer.domain import Domain
from exactformer.enclosure import Number, value_text
from exactformer.errors import ExactformerError
from exactformer.networks import Network, Transformer
from exactformer.networks.exact import Exact, dot
from exactformer.networks.semantics import Semantics
from exactformer.networks.walk import Attention, Chain, Step, TokenWise, Units, chain_of
from exactformer.prover.outcome import HeadLine, Point, TraceLine
from exactformer.prover.question import Question, evaluate_exactly
from exactformer.rational import Vector, exact_text

MAX_LINES = 24
Behind = dict[tuple[str, int], str]  # the source unit behind a coordinate after a sublayer


@dataclass(frozen=True)
class Side:
    """A network, and how its attention is read."""

    network: Network
    semantics: Semantics


def trace(question: Question, point: Point) -> tuple[TraceLine, ...]:
    """How the two evaluations of a claim at one input part; nothing for other claims.

    The values on both sides, state by state where the states can be compared, then the outputs.
    Two Transformers of one shape are compared directly. A maxout or ReLU network against a Transformer is compared
    through the construction whose shape the Transformer has, if any: that says which block, sublayer, token and
    coordinate first differ from what the source asks for, and, through the correspondence, which source unit.
    Wanted is what the left side computes, unless it alone is a Transformer. A claim that lets the sides differ asks
    nothing of their states: of such only the outputs are shown, and how they may lie.
    """
    runs = question.runs(point)
    if len(runs) != 2 or runs[0].inputs != runs[1].inputs:
        return ()
    left, right = (Side(question.networks[run.network], question.read(run)) for run in runs)
    alone = isinstance(left.network, Transformer) and not isinstance(right.network, Transformer)
    wanted, found = (right, left) if alone else (left, right)
    hard = not wanted.semantics.soft and not found.semantics.soft  # states under softmax are not compared
    lines = _states_of(question, wanted, found, point) if question.claim.equations and hard else []
    values = (evaluate_exactly(side.network, point, side.semantics) for side in (wanted, found))
    for i, (a, b) in enumerate(zip(*values, strict=True)):
        lines.append(_output(question.claim, i, a, b, left_is_found=alone))
    return tuple(lines)


def _states_of(question: Question, wanted: Side, found: Side, point: Point) -> list[TraceLine]:
    """The states that can be compared: of Transformers of one shape, or of a source and its Transformer."""
    if not isinstance(found.network, Transformer):
        return []
    if isinstance(wanted.network, Transformer):
        return _state_by_state(wanted, found, point, {}) if _shape(wanted.network) == _shape(found.network) else []
    if question.correspondence is not None:
        return _unit_by_unit(wanted, found, question.correspondence, point)
    return _against_source(wanted.network, found, question.domain, point)


def _output(claim: Claim, number: int, wanted: Number, found: Number, *, left_is_found: bool) -> TraceLine:
    """An output of the one side, and what the claim asks of it, given the other side's."""
    sides = (found, wanted) if left_is_found else (wanted, found)
    agrees = claim.contradicted([[value] for value in sides]) == "no"
    asked = claim.asks(value_text(wanted), of_left=left_is_found)
    return TraceLine(f"output {number}", value_text(found), asked, agrees)


def _against_source(source: Network, found: Side, domain: Domain, point: Point) -> list[TraceLine]:
    for construction in CONSTRUCTIONS:
        try:
            compiled = compile_network(source, construction=construction, domain=domain)
        except ExactformerError:
            continue
        wanted = replace(found, network=compiled.transformer)
        if _shape(wanted.network) == _shape(found.network):
            return _state_by_state(wanted, found, point, _units(compiled.correspondence))
    return []


def _named(network: Network, coordinate: int) -> str:
    """The name of a coordinate, for one that has a name."""
    names = network.coordinates if isinstance(network, Transformer) else ()
    return f" “{names[coordinate]}”" if names else ""


def heads_at(question: Question, point: Point) -> tuple[HeadLine, ...]:
    """What each head does in each evaluation of the claim at a point, under hard attention."""
    lines = []
    for number, run in enumerate(question.runs(point)):
        network, semantics = question.networks[run.network], question.read(run)
        if not isinstance(network, Transformer) or semantics.soft:
            continue
        for (place, token), (query, keys) in walked(Side(network, semantics), tuple(run.inputs)).asked.items():
            block, head = map(int, place.split("_h"))
            scores = {t: dot(key, query) for t, key in keys.items()}
            top = max(scores.values())  # of the tokens that tie, the rule takes all, the first or the last
            winners = tuple(semantics.sharing([t for t, score in scores.items() if score == top]))
            tied = sum(score == top for score in scores.values())
            texts = tuple((t, exact_text(score)) for t, score in scores.items())
            lines.append(HeadLine(number, block, head, token, texts, winners, tied))
    return tuple(lines)


def _unit_by_unit(wanted: Side, found: Side, correspondence: Correspondence, point: Point) -> list[TraceLine]:
    """For each unit of the source what it computes, and what stands at its place in the Transformer."""
    source, compiled = walked(wanted, point), walked(found, point)
    token, order = compiled.chain.token, list(compiled.states)
    places = [(f"block {unit.block}, attention", unit) for unit in correspondence.units]
    lines = []
    for name, unit in sorted(places, key=lambda place: order.index(place[0])):
        state = compiled.states[name][token]
        has = sum((state[c] for c in unit.coordinates), Fraction(0))
        should = source.states[f"layer {unit.layer}"][0][unit.unit]
        where = f"{name}, token {token}, coordinates {list(unit.coordinates)}"
        place = f"{where} (unit {unit.unit} of layer {unit.layer})"
        lines.append(TraceLine(place, exact_text(has), exact_text(should), has == should))
    return lines


def _units(correspondence: Correspondence) -> Behind:
    """The source unit behind a coordinate after a sublayer."""
    units = {}
    for place in correspondence.units:
        text = f"unit {place.unit} of layer {place.layer}"
        for coordinate in place.coordinates:
            units[f"block {place.block}, attention", coordinate] = text
        if place.pieces is not None:
            units[f"block {place.block - 1}, feed-forward", place.pieces] = f"piece of {text}"
    return units


def _state_by_state(wanted: Side, found: Side, point: Point, units: Behind) -> list[TraceLine]:
    """One line a state, and in the first state that differs one a coordinate, with the heads that part there."""
    lines: list[TraceLine] = []
    agreed = True
    one, other = walked(wanted, point), walked(found, point)
    for name, actual in other.states.items():
        expected = one.states[name]
        differing = [
            (t, c) for t in expected if t in actual for c in range(len(actual[t])) if actual[t][c] != expected[t][c]
        ]
        if not differing:
            lines.append(TraceLine(name, "as wanted", "as wanted", True))
        elif not agreed:
            lines.append(TraceLine(name, f"{len(differing)} coordinates differ", "as wanted", False))
        else:
            agreed = False
            for token, c in differing[:MAX_LINES]:
                heads = _heads(one.added(name, token, c), other.added(name, token, c))
                place = f"{name}{heads}, token {token}, coordinate {c}{_named(found.network, c)}"
                place += f" ({units[name, c]})" if (name, c) in units else ""
                lines.append(TraceLine(place, exact_text(actual[token][c]), exact_text(expected[token][c]), False))
    return lines


@dataclass(frozen=True)
class Walked:
    """The exact values of a side at a point: the states of its live tokens, each after the step that is named."""

    chain: Chain
    states: dict[str, Mapping[int, Vector]]
    handed: Mapping[tuple[str, int], Vector]  # by the place of a head, and the token
    asked: Mapping[tuple[str, int], tuple[Vector, Mapping[int, Vector]]]
    outputs: Vector

    def added(self, name: str, token: int, coordinate: int) -> list[Fraction]:
        """What each head of an attention sublayer adds there; nothing for another step."""
        step = next((step for step in self.chain.steps if _name(step) == name), None)
        if not isinstance(step, Attention):
            return []
        handed = [self.handed[f"{step.block}_h{h}", token] for h, _ in enumerate(step.heads)]
        return [(head.output @ mixed)[coordinate] for head, mixed in zip(step.heads, handed, strict=True)]


def walked(side: Side, point: Point) -> Walked:
    """The exact states and outputs of a network under hard attention at a point."""
    chain, algebra = chain_of(side.network), Exact(side.semantics)
    names = ["embedding", *map(_name, chain.steps)]
    states = dict(zip(names, chain.states(Vector.of(point), algebra), strict=True))
    last = list(states.values())[-1][chain.token]
    return Walked(chain, states, algebra.handed, algebra.asked, algebra.affine(chain.output, last))


def _name(step: Step) -> str:
    match step:
        case Units():
            return f"layer {step.number}"
        case Attention():
            return f"block {step.block}, attention"
        case TokenWise():
            return f"block {step.block}, feed-forward"


def _heads(wanted: Sequence[Fraction], found: Sequence[Fraction]) -> str:
    """The heads that add different amounts."""
    pairs = enumerate(zip_longest(wanted, found, fillvalue=Fraction(0)))
    numbers = [str(number) for number, (a, b) in pairs if a != b]
    return f", head{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}" if numbers else ""


def _shape(network: Network) -> object:
    """What two Transformers must share for their states to be compared; None for other networks."""
    if not isinstance(network, Transformer):
        return None
    parts = [(block.heads is not None, block.feedforward is not None) for block in network.blocks]
    return network.inputs, network.tokens, network.width, tuple(parts)
