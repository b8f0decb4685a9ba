"""Faults in compiled Transformers: refuted by an exact point, or proved and confirmed by other means."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import mutants as m
import naive
from fault_rows import EQUIVALENT, REQUIRED, Case
from test_mutants import random_network

from exactformer import Domain, MaxoutNetwork
from exactformer.compiler import CONSTRUCTIONS, Compiled, compile_network
from exactformer.formats.network_json import to_object
from exactformer.networks import Affine, Network, Transformer
from exactformer.networks.semantics import TIES
from exactformer.prover import Outcome, verify

F = Fraction
ULP = F(1, 2**52)
Mutate = Callable[[random.Random, Compiled], Transformer]


# --- further faults -------------------------------------------------------------------------------


def changed_entry(change: Callable[[Fraction], Fraction]) -> Mutate:
    """One number of the Transformer, not zero, with a function applied to it."""

    def mutate(r: random.Random, compiled: Compiled) -> Transformer:
        net = compiled.transformer
        places = list(numbers(net))
        bump, value = r.choice(places)
        return bump(net, change(value) - value)

    return mutate


Bump = Callable[[Transformer, Fraction], Transformer]


def numbers(net: Transformer) -> Iterator[tuple[Bump, Fraction]]:
    """Every number of a Transformer that is not zero, with a way to add to it."""
    for token, affine in enumerate(net.embedding):
        for place, value in _entries(affine):
            yield lambda n, by, token=token, place=place: m.bump_embedding(n, token, place, by), value
    for place, value in _entries(net.readout):
        yield lambda n, by, place=place: m.bump_readout(n, place, by), value
    for b, block in enumerate(net.blocks):
        for h, head in enumerate(block.heads or ()):
            for name in m.MATRICES:
                for place, value in getattr(head, name).entries().items():
                    yield lambda n, by, at=(b, h, name, place): m.bump_head(n, *at, by), value
        if block.feedforward is not None:
            for part, digit in ((block.feedforward.inner, "1"), (block.feedforward.outer, "2")):
                for place, value in _entries(part):
                    name = ("w" if len(place) == 2 else "b") + digit
                    yield lambda n, by, at=(b, name, place): m.bump_feedforward(n, *at, by), value


def _entries(affine: Affine) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    yield from affine.weights.entries().items()
    yield from (((i,), b) for i, b in enumerate(affine.biases.fractions()) if b)


def collision(r: random.Random, compiled: Compiled) -> Transformer:
    """Two tokens start in one and the same state."""
    net = compiled.transformer
    first, second = r.sample(range(net.tokens), 2)
    maps = list(net.embedding)
    maps[second] = maps[first]
    return replace(net, embedding=tuple(maps))


def dropped_piece(r: random.Random, compiled: Compiled) -> Transformer:
    """A unit without one of its pieces: a hidden neuron of its gate is gone."""
    layer, unit = m.any_unit(r, compiled)
    return m.drop_neurons(compiled.transformer, layer, [r.choice(m.gate_neurons(compiled, layer, unit))])


def pieces_of_two_units(r: random.Random, compiled: Compiled) -> Transformer:
    """Two hidden neurons of one sublayer exchange what they compute, not where it goes."""
    net = compiled.transformer
    block = r.choice(m.feedforward_blocks(net))
    old = m.feedforward_of(net, block)
    first, second = r.sample(range(old.hidden), 2)
    other = {first: second, second: first}
    weights = {(other.get(n, n), c): x for (n, c), x in old.inner.weights.entries().items()}
    biases = [old.inner.biases[other.get(n, n)] for n in range(old.hidden)]
    inner = Affine(m.Matrix.sparse(*old.inner.weights.shape, weights), m.Vector.of(biases))
    return m.with_feedforward(net, block, replace(old, inner=inner))


def dropped_block(r: random.Random, compiled: Compiled) -> Transformer:
    """A whole block is missing."""
    blocks = list(compiled.transformer.blocks)
    del blocks[r.randrange(len(blocks))]
    return replace(compiled.transformer, blocks=tuple(blocks))


def other_token(r: random.Random, compiled: Compiled) -> Transformer:
    """The read-out is from another token."""
    net = compiled.transformer
    return replace(net, token=r.choice([t for t in range(net.tokens) if t != net.token]))


MORE: dict[str, Mutate] = {
    "weight + 1 ulp": changed_entry(lambda x: x + abs(x) * ULP),
    "weight - 1 ulp": changed_entry(lambda x: x - abs(x) * ULP),
    "sign": changed_entry(lambda x: -x),
    "zeroed": changed_entry(lambda x: F(0)),
    "position collision": collision,
    "piece dropped": dropped_piece,
    "pieces exchanged": pieces_of_two_units,
    "block dropped": dropped_block,
    "another token": other_token,
}
HARMLESS = m.HARMLESS | m.HARMLESS_GATED
GATES = {name for name in m.GATED if not name.startswith("bump")}
FAULTS = m.GENERAL | m.GATED | MORE


# --- verdicts -------------------------------------------------------------------------------------


def cases(quick: bool) -> Iterator[Case]:
    """Every fault on random small networks of every construction; what is about gates on gated ones only."""
    found: list[Case] = []
    for construction in CONSTRUCTIONS:
        gated = construction == "gated"
        for name in (*FAULTS, *HARMLESS):
            if gated or name not in GATES | m.HARMLESS_GATED.keys() | {"piece dropped"}:
                found += [
                    (f"{construction}, {name}, {seed}", lambda at=(construction, name, seed): judged(*at, quick))
                    for seed in range(1 if quick else 4)
                ]
    yield from random.Random("compiler").sample(found, 16) if quick else found


def compiled_network(r: random.Random, construction: str) -> Compiled:
    """A random small network compiled on its box; `global` on all of R^n half of the time."""
    while True:
        network = random_network(r)
        everywhere = construction == "global" and r.random() < 0.5
        rank = max(2, network.rank) if isinstance(network, MaxoutNetwork) else 2
        if construction != "single-head" or rank ** max(network.widths) <= 9:
            domain = Domain.everything(network.inputs) if everywhere else network.domain
            return compile_network(network, construction=construction, domain=domain)


def judged(construction: str, name: str, seed: int, quick: bool) -> str:
    """The outcome for one fault: refuted at a point, or proved and confirmed."""
    r = random.Random(f"{construction} {name} {seed}")
    for _ in range(40):  # not every network has every part
        compiled = compiled_network(r, construction)
        try:
            mutant = (FAULTS | HARMLESS)[name](r, compiled)
            break
        except (IndexError, ValueError, StopIteration, AssertionError):
            continue
    else:
        return f"{REQUIRED}; no such part in this construction"
    domain = mutant.domain or Domain.everything(mutant.inputs)
    tie = "average" if construction == "two-step" else TIES[seed % 3]
    outcome = verify(compiled.source, mutant, domain=domain, tie=tie)
    if outcome.verdict == "unknown":
        return f"unknown: {outcome.reason}"
    if outcome.verdict == "refuted":
        if name in HARMLESS:
            return "a harmless change was refuted"
        return REQUIRED if is_witness(compiled.source, mutant, outcome, tie) else "the witness is none"
    confirmed = confirmation(compiled.source, mutant, domain, tie, r, quick)
    if confirmed.startswith("contradicted"):
        return confirmed
    return f"{REQUIRED if name in HARMLESS else EQUIVALENT}; proved, {confirmed}"


def is_witness(left: Network, right: Network, outcome: Outcome, tie: str) -> bool:
    """Whether naive evaluation finds the two sides different at the point of an outcome, as it says."""
    witness = outcome.witness
    if witness is None or not outcome.domain.contains(witness.point) or outcome.certificate is None:
        return False
    values = [tuple(naive.evaluate(to_object(net), witness.point, tie)) for net in (left, right)]
    return values[0] != values[1] and values == [witness.left, witness.right]


def confirmation(left: Network, right: Network, domain: Domain, tie: str, r: random.Random, quick: bool) -> str:
    """What naive evaluation at many points and z3 say of an equality."""
    for point in points(domain, r, 12 if quick else 60):
        if naive.evaluate(to_object(left), point, tie) != naive.evaluate(to_object(right), point, tie):
            return f"contradicted by evaluation at {point}"
    verdict = verify(left, right, domain=domain, tie=tie, method="smt", timeout=3 if quick else 10).verdict
    if verdict == "refuted":
        return "contradicted by z3"
    return f"confirmed by evaluation{' and z3' if verdict == 'proved' else ' (z3: out of time)'}"


def points(domain: Domain, r: random.Random, count: int) -> Iterator[tuple[Fraction, ...]]:
    """The corners, the middle and random points of a box (of [-9, 9]^n where it is open)."""
    pairs = zip(domain.lower, domain.upper, strict=True)
    ends = [(F(-9) if a is None else a, F(9) if b is None else b) for a, b in pairs]
    for corner in range(2 ** len(ends)):
        yield tuple(end[corner >> i & 1] for i, end in enumerate(ends))
    yield tuple((a + b) / 2 for a, b in ends)
    for number in range(count):
        den = 4 if number % 2 else 10**4
        yield tuple(a + (b - a) * F(r.randint(0, den), den) for a, b in ends)
