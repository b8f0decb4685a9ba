"""From a graph with attention to a Transformer: where its states are, and what happens between them.

A value that everything between input and output goes through is a possible state. Between two of them lies a segment;
one with maxima or attention is a sublayer, together with affine segments around it. A residual sublayer begins where
two ways part, and ends where they meet again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from exactformer.errors import Faults
from exactformer.formats.graphs import attending
from exactformer.formats.graphs.assembly import assembled
from exactformer.formats.graphs.call import Call
from exactformer.formats.graphs.fold import ALL, attributes_of, is_read, makers, needed
from exactformer.formats.graphs.graph import Array, Graph, Node, Refusal, Shape, noted
from exactformer.formats.graphs.operators import OPERATORS
from exactformer.formats.graphs.scores import How, Value
from exactformer.formats.graphs.sublayers import Inside, Sublayer, rows_of
from exactformer.formats.graphs.tensor import Tensor, of_array, variables
from exactformer.formats.reading import Reading

BENT = ("Abs", "Clip", "LeakyRelu", "Max", "MaxPool", "Min", "PRelu", "Relu")
EVERY = OPERATORS | attending.OPERATORS
SOFT = "attention is softmax: the values of the file are those at temperature 1, without one it is in its hard limit"
POOLED = "a mean over tokens is a head of equal scores: without a temperature it is the mean by the tie rule average"
HARD = "attention is hard in the file, its tie rule {}: whoever asks chooses the rule"


@dataclass(frozen=True)
class Segment:
    """The nodes between two values that everything goes through; `parts` where the first is used more than once."""

    nodes: tuple[Node, ...]
    end: str
    parts: bool

    @property
    def bent(self) -> bool:
        """Whether there may be maxima or attention in it."""
        return any(node.operator in BENT or node.operator in attending.ALWAYS for node in self.nodes)


def transformer_of(graph: Graph, source: str, name: str) -> Reading:
    """The Transformer that a graph with attention computes, at temperature 1 where its attention is softmax.

    States are tensors whose last axis has the coordinates of a token. Raises `InvalidInput` with every operator that
    is not read, and otherwise with the first place where the graph is no Transformer: maps that differ from token to
    token, maxima inside maxima without a state between them, masks that are not causal, layer normalisation.
    """
    faults = Faults(source, ALL)
    for made, places in makers(graph).items():
        if len(places) > 1:
            faults.add(places[-1], "a new name for each output", f"'{made:.40}' again")
    nodes = needed(graph)
    for node in nodes:
        is_read(node, EVERY, faults)
    faults.settle()
    reading: Reading | None = None
    with suppress(_Noted):
        reading = _Stages(graph, _with_constants(graph, nodes), nodes, faults).read(name)
    faults.settle()
    assert reading is not None
    return reading


class _Noted(Exception):
    """A fault was noted, and there is nothing to go on with."""


def _with_constants(graph: Graph, nodes: Sequence[Node]) -> dict[str, Array]:
    """All constants, those of nodes, too: a mask has infinities, which no tensor holds."""
    found = dict(graph.constants)
    for node in nodes:
        value = node.attributes.get("value")
        if node.operator == "Constant" and isinstance(value, Array) and node.outputs:
            found[node.outputs[0]] = value
    return found


class _Stages:
    """The graph on its way to a Transformer."""

    def __init__(self, graph: Graph, constants: Mapping[str, Array], nodes: Sequence[Node], faults: Faults) -> None:
        self.graph, self.constants, self.faults = graph, constants, faults
        self.notes = list(graph.notes)
        self.how: set[How] = set()
        self.pools = False
        self.fixed: dict[str, Value] = {}
        self.moving = {graph.input}
        self.late: set[str] = set()  # values that depend on lengths alone, of values that depend on the input
        self.nodes: list[Node] = []
        self.others: list[Node] = []  # whose values do not depend on the input
        lengths: dict[str, list[Node]] = {}
        for node in nodes:
            moved = self.moving.intersection(node.inputs)
            if moved and node.operator == "Shape":
                lengths.setdefault(node.inputs[0], []).append(node)
                self.late.update(node.outputs)
            elif moved or self.late.intersection(node.inputs):
                (self.moving if moved else self.late).update(filter(None, node.outputs))
                self.nodes.append(node)
            elif not constants.keys() & node.outputs:
                self.others.append(node)
        for place in range(len(self.nodes), 0, -1):  # lengths are taken where the value is made
            self.nodes[place:place] = [each for name in self.nodes[place - 1].outputs for each in lengths.get(name, [])]
        self.nodes[:0] = lengths.get(graph.input, [])
        self.segments = self._segments()
        self.ends = {segment.end: number for number, segment in enumerate(self.segments)}

    def read(self, name: str) -> Reading:
        """The Transformer."""
        for node in self.others:
            self._step(node, self.fixed, Inside(1, 0))
        chains = self._chains()
        start, shape = self.graph.input, self.graph.shape
        embedding: Tensor | None = None
        sublayers: list[Sublayer] = []
        for number, chain in enumerate(chains):
            last = number == len(chains) - 1
            made, inside = self._run(start, shape, chain, bool(number))
            for cut in self._cuts(chain, last, made, inside if number else None, start):
                if cut not in made:
                    made, inside = self._run(start, shape, chain, True)
                if embedding is None:
                    embedding = made[cut]
                else:
                    sublayers.append(self._closed(inside, made[cut], f"value '{cut:.40}'"))
                start, shape = cut, made[cut].shape
                made = {}
        made, inside = self._run(start, shape, chains[-1], True)
        with noted(f"output '{self.graph.output:.40}'", self.faults):
            result = made[self.graph.output]
            result = result.shaped((result.size,))
            if inside.mixes(result):
                sublayers.append(self._closed(inside, result, f"output '{self.graph.output:.40}'"))
                result, inside = variables(0, result.shape, result.type), Inside(1, result.size)
            readout = inside.tokenwise(result, 1)
            assert embedding is not None
            transformer = assembled(embedding, sublayers, readout, math.prod(self.graph.shape), name)
            how = self._one_kind()
            said = [SOFT if how == "softmax" else HARD.format(how)] if how else []
            if self.pools:
                if how not in ("softmax", "average"):
                    raise Refusal("no mean over tokens, which needs ties that share the weight", "one")
                said.append(POOLED)
            return Reading(transformer, tuple(dict.fromkeys([*said, *self.notes])), how)
        raise _Noted

    def _one_kind(self) -> str:
        """How all heads are read; empty where there are none."""
        if len(self.how) > 1:
            raise Refusal("one kind of attention", f"several: {', '.join(sorted(self.how))}")
        return next(iter(self.how), "")

    def _closed(self, inside: Inside, made: Tensor, place: str) -> Sublayer:
        self.how |= inside.how
        with noted(place, self.faults):
            sublayer = inside.sublayer(made)
            self.pools |= inside.pools
            return sublayer
        raise _Noted

    def _segments(self) -> list[Segment]:
        """The graph in segments, in order."""
        known = [bool(self.late.intersection(node.outputs)) for node in self.nodes]
        uses = [() if late else node.inputs for late, node in zip(known, self.nodes, strict=True)]
        last = {name: i for i, names in enumerate(uses) for name in names if name in self.moving}
        last[self.graph.output] = len(self.nodes)
        found, begin, start = [], 0, self.graph.input
        live = {start}
        for i, node in enumerate(self.nodes):
            if known[i]:
                continue
            live |= {name for name in node.outputs if name and last.get(name, -1) > i}
            live -= {name for name in live if last.get(name, -1) <= i}
            if len(live) == 1:
                (end,) = live
                nodes = tuple(self.nodes[begin : i + 1])
                parts = sum(names.count(start) for names in uses[begin : i + 1])
                found.append(Segment(nodes, end, parts > 1))
                begin, start = i + 1, end
        return found

    def _chains(self) -> list[list[Segment]]:
        """Segments in groups: each begins with one that is bent, but for the first group."""
        chains: list[list[Segment]] = [[]]
        for segment in self.segments:
            if segment.bent:
                chains.append([])
            chains[-1].append(segment)
        return chains

    def _cuts(
        self, chain: Sequence[Segment], last: bool, made: Mapping[str, Tensor], inside: Inside | None, start: str
    ) -> list[str]:
        """Which values of a chain become states, in order."""
        own = [segment.end for segment in chain if segment.end != start] + [start] * (inside is None)
        new = {name: each for name, each in made.items() if each.shape and name in own}
        if not new:
            raise_at = chain[-1].nodes[-1].place if chain else "graph"
            self.faults.add(raise_at, "states with axes of tokens and coordinates", "a single number")
            raise _Noted
        ends = list(new)
        rows = {name: rows_of(each) for name, each in new.items()}
        width = {name: each.shape[-1] for name, each in new.items()}
        following = self._following(chain)
        cuts = []
        if inside is not None and chain[0].parts and rows.get(chain[0].end) in (1, inside.rows):
            cuts.append(chain[0].end)
        parted = following if following is not None and following.parts else None
        if parted is not None:
            cuts.append(self._parting(new, inside, parted))
        wanted = rows[ends[-1]]
        if last:
            if not cuts:
                most = [name for name in ends if inside is not None and rows[name] == inside.rows] or ends
                cuts.append(min(most, key=lambda name: width[name]))
        elif not cuts or (parted is None and rows[cuts[-1]] != wanted):
            cuts.append(min((name for name in ends if rows[name] == wanted), key=lambda name: width[name]))
        if inside is not None and inside.mixes(new[cuts[0]]):
            whole = [name for name in ends if rows[name] == inside.rows]
            cuts = [*whole[-1:], *cuts]
        return list(dict.fromkeys(cuts))

    def _parting(self, new: Mapping[str, Tensor], inside: Inside | None, following: Segment) -> str:
        """The last value from which a segment with parts can be computed; the last of all where there is none.

        Queries, keys and values may stand in one tensor, whose first axes are not those of tokens.
        """
        ends = list(new)
        for name in reversed(ends):
            rows = rows_of(new[name])
            if (inside is None or rows in (1, inside.rows)) and self._goes_on(name, new[name].shape, following):
                return name
        return ends[-1]

    def _goes_on(self, start: str, shape: Shape, segment: Segment) -> bool:
        """Whether a segment can be computed from a state."""
        said = self.faults, self.notes
        self.faults, self.notes = Faults("", ALL), []
        try:
            self._run(start, shape, [segment], True)
            return True
        except _Noted:
            return False
        finally:
            self.faults, self.notes = said

    def _following(self, chain: Sequence[Segment]) -> Segment | None:
        number = self.ends[chain[-1].end] + 1 if chain else 0
        return self.segments[number] if number < len(self.segments) else None

    def _run(
        self, start: str, shape: Shape, chain: Sequence[Segment], within: bool
    ) -> tuple[dict[str, Tensor], Inside]:
        """The values at the ends of the segments from `start` to the end of a chain, and what they are made of.

        `within` a Transformer, `start` is a state; else it is the input.
        """
        first = self.ends[start] + 1 if start in self.ends else 0
        value = variables(0, shape, self.graph.type)
        inside = Inside(rows_of(value), shape[-1]) if within else Inside(1, value.size)
        found: dict[str, Tensor] = {start: value}
        values: dict[str, Value] = {start: value}
        for segment in self.segments[first : self.ends[chain[-1].end] + 1 if chain else first]:
            for node in segment.nodes:
                self._step(node, values, inside)
            end = values[segment.end]
            if not isinstance(end, Tensor):
                self.faults.add(segment.nodes[-1].place, "weights of attention that mix values", "others")
                raise _Noted
            found[segment.end] = end
        return found, inside

    def _step(self, node: Node, values: dict[str, Value], units: Inside) -> None:
        with noted(node.place, self.faults):
            made = self._computed(node, values, units)
            values.update(made)
            self.fixed.update({name: each for name, each in made.items() if name in self.late})
            return
        raise _Noted

    def _computed(self, node: Node, values: dict[str, Value], units: Inside) -> dict[str, Value]:
        given = [self._given(name, values) for name in node.inputs]
        attributes = attributes_of(node, EVERY)
        special = any(each is not None and not isinstance(each, (Tensor, Array)) for each in given)
        both = node.operator == "MatMul" and all(isinstance(each, Tensor) and not each.fixed for each in given)
        if node.operator == "Attention":
            result, notes = attending.attention(given, attributes, units)
            self.notes += [f"{node.place}: {note}" for note in notes]
            return {node.outputs[0]: result}
        hiding = any(isinstance(each, Array) and _hides(each) for each in given)
        if special or both or hiding or node.operator in attending.ALWAYS:
            rule = attending.RULES.get(node.operator)
            if rule is None:
                raise Refusal("an operator of attention", node.operator)
            return {node.outputs[0]: rule(given, attributes, units)}
        tensors = tuple(of_array(each) if isinstance(each, Array) else each for each in given)
        call = Call(tensors, attributes, len(node.outputs), len(node.outputs), units, [])  # type: ignore[arg-type]
        outputs = OPERATORS[node.operator].run(call)
        self.notes += [f"{node.place}: {note}" for note in call.notes]
        return {name: each for name, each in zip(node.outputs, outputs, strict=False) if name}

    def _given(self, name: str, values: Mapping[str, Value]) -> Value | Array | None:
        """What is known by a name: of this sublayer, or the same for all inputs."""
        if not name:
            return None
        if name in values:
            return values[name]
        if name in self.constants:
            return self.constants[name]
        if name not in self.fixed:
            raise Refusal("values that are made before they are used", f"'{name:.40}'")
        return self.fixed[name]


def _hides(array: Array) -> bool:
    """Whether there is a -inf in a constant, as masks have it."""
    return array.values.dtype.kind == "f" and bool((array.values == -math.inf).any())
