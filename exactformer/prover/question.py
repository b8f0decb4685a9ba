"""The question a proof answers: a claim about networks on a domain, as the exact evaluators and the kernel read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from exactformer.arguments import instance, one_of
from exactformer.claims import Answer, Claim, Run, read_claim
from exactformer.compiler.correspondence import Compiled, Correspondence
from exactformer.domain import Domain
from exactformer.errors import Faults
from exactformer.formats.network_json import dump
from exactformer.kernel import claims as kernel
from exactformer.kernel.claims import FORMAT, Asked, Goal
from exactformer.networks import Function, Network, Transformer, check_domain, check_network
from exactformer.networks.balls import values_at
from exactformer.networks.semantics import BASES, TIES, Semantics, read_temperature
from exactformer.prover.outcome import Outputs, Point
from exactformer.rational import number_text

LEFT, RIGHT = "left.json", "right.json"


@dataclass(frozen=True)
class Question:
    """Does the claim hold for these networks on the domain? Plain data that any process can be given.

    A point of the question is one value for each variable of the claim.
    """

    claim: Claim
    left: Network
    right: Network | None
    domain: Domain
    semantics: tuple[Semantics, ...]  # of each network
    correspondence: Correspondence | None = None  # from the units of the left side to the right one, for traces

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks it is about."""
        return (self.left,) if self.right is None else (self.left, self.right)

    @property
    def soft(self) -> bool:
        """Whether softmax is part of it."""
        return any(semantics.soft for semantics in self.semantics)

    @property
    def curved(self) -> bool:
        """Whether a function is part of it."""
        return any(isinstance(network, Function) for network in self.networks)

    @cached_property
    def texts(self) -> dict[str, str]:
        """The network files by name: what a certificate is bound to."""
        return {LEFT: dump(self.left)} | ({} if self.right is None else {RIGHT: dump(self.right)})

    @cached_property
    def space(self) -> Domain:
        """The domain of the claim's variables."""
        return self.claim.space(self.domain)

    def runs(self, point: Point) -> list[Run]:
        """The evaluations that the claim asks for at a point."""
        return self.claim.runs_at(point, self.left.inputs)

    def read(self, run: Run) -> Semantics:
        """How attention is read in an evaluation."""
        return run.semantics or self.semantics[run.network]

    def values(self, point: Point) -> list[Outputs]:
        """The outputs of these evaluations: exact, or enclosed where softmax makes them irrational."""
        runs = self.runs(point)
        return [evaluate_exactly(self.networks[run.network], tuple(run.inputs), self.read(run)) for run in runs]

    def counterexample(self, point: Point) -> Answer:
        """Whether the point lies in the space and the values there contradict the claim."""
        return self.claim.contradicted(self.values(point)) if self.space.contains(point) else "no"

    def violated(self, point: Point) -> bool:
        """Whether the point is a counterexample beyond doubt: what is undecided refutes nothing."""
        return self.counterexample(point) == "yes"

    @property
    def head(self) -> dict[str, Any]:
        """What a certificate says of the question, as JSON data."""
        value: dict[str, Any] = {"format": FORMAT, "claim": self.claim.name, "tie": self.semantics[0].tie}
        value["domain"] = self.domain.to_json()
        if self.claim.parameters:
            value["parameters"] = self.claim.parameters
        for (name, text), semantics in zip(self.texts.items(), self.semantics, strict=True):
            side = {"file": name, "sha256": hashlib.sha256(text.encode()).hexdigest()} | _softmax(semantics)
            value[name.removesuffix(".json")] = side
        return value

    def asked(self) -> Asked:
        """The question as the kernel reads it from its files."""
        head = json.loads(json.dumps(self.head))
        return kernel.ask(head, lambda name: self.texts[name].encode(), "certificate")

    def goal(self) -> Goal:
        """The kernel's view of the question. Raises `NotAffine` for scores that are not affine."""
        return self.asked().goal()


def ask(
    claim: Claim | str,
    left: Network,
    right: Network | None,
    domain: Domain | None,
    tie: str,
    faults: Faults,
    correspondence: Correspondence | None = None,
    *,
    temperatures: Sequence[Any] = (None, None),
    places: Sequence[str] = ("left_temperature", "right_temperature"),
    base: str = "e",
    functions: bool = False,
) -> Question:
    """The question, its parts fitted to one another; what does not fit is noted among the faults.

    The temperatures are those of the left and of the right side, as `read_temperature` takes them; `places` are their
    names for the caller. Functions are sides only where `functions` says so.
    """
    if isinstance(claim, str):
        claim = read_claim(claim)
    _check_kinds(claim, left, right, domain, correspondence, functions=functions)
    one_of(tie, TIES, "tie", faults)
    given = 1 if right is None else 2
    if given != claim.networks:
        faults.add(f"claim {claim.name}", f"{claim.networks} network{'s'[: claim.networks - 1]}", f"{given}")
    if right is not None and (left.inputs, left.outputs) != (right.inputs, right.outputs):
        sizes = f"{left.inputs} -> {left.outputs} and {right.inputs} -> {right.outputs}"
        faults.add("verify", "networks with equal numbers of inputs and outputs", sizes)
    domain = (
        domain or claim.domain or left.domain or (right.domain if right else None) or Domain.everything(left.inputs)
    )
    if domain.dimension != left.inputs:
        faults.add("domain", f"{left.inputs} inputs", f"{domain.dimension}")
    claim = claim.fitted(left, right, faults)
    if correspondence is not None:
        if isinstance(left, (Transformer, Function)) or not isinstance(right, Transformer):
            kinds = f"{left.kind} and {right.kind if right else 'nothing'}"
            faults.add("correspondence", "a maxout or ReLU network on the left and a Transformer on the right", kinds)
        else:
            correspondence.fit(left, right, faults)
    networks = (left,) if right is None else (left, right)
    semantics = _semantics(claim, networks, tie, temperatures, places, base, faults)
    return Question(claim, left, right, domain, semantics, correspondence)


def _semantics(
    claim: Claim,
    networks: Sequence[Network],
    tie: str,
    temperatures: Sequence[Any],
    places: Sequence[str],
    base: str,
    faults: Faults,
) -> tuple[Semantics, ...]:
    """How each network is read."""
    read = [read_temperature(value, place, faults) for value, place in zip(temperatures, places, strict=True)]
    one_of(base, BASES, "base", faults)
    if base == "2" and not any(read):
        faults.add("base", "a temperature together with the base 2", "none")
    if len(networks) == 1 and read[1]:
        faults.add(places[1], f"None for the claim {claim.name}, which is about one network", _listed(read[1]))
    if claim.rules and read[0]:
        faults.add(places[0], f"None for the claim {claim.name}: softmax has no ties", _listed(read[0]))
    semantics = tuple(
        Semantics(tie, rates, base if rates else "e")  # type: ignore[arg-type]
        for rates in read[: len(networks)]
    )
    for network, side, place in zip(networks, semantics, places, strict=False):
        if side.soft and isinstance(network, Function):
            faults.add(place, "None for a function, which has no attention", _listed(side.temperature))
        else:
            side.fit(network, place, faults)
    return semantics


def _listed(rates: Sequence[Fraction]) -> str:
    return ", ".join(map(str, rates))


def _softmax(semantics: Semantics) -> dict[str, Any]:
    """What a side of a certificate says of softmax."""
    if not semantics.soft:
        return {}
    same = len(set(semantics.temperature)) == 1
    rates = [number_text(rate) for rate in (semantics.temperature[:1] if same else semantics.temperature)]
    return {"temperature": rates} | ({} if semantics.base == "e" else {"base": semantics.base})


def _check_kinds(claim: Any, left: Any, right: Any, domain: Any, correspondence: Any, *, functions: bool) -> None:
    """Raises `InvalidInput` for parts of a question that are no such things at all."""
    faults = Faults()
    instance(claim, Claim, "a claim (its text, or an object of exactformer.claims)", "claim", faults)
    check_network(left, "left", faults, functions=functions)
    if right is not None:
        check_network(right, "right", faults, functions=functions)
    check_domain(domain, faults)
    if correspondence is not None:
        hint = "; did you mean its attribute correspondence?" if isinstance(correspondence, Compiled) else ""
        instance(correspondence, Correspondence, "a Correspondence or None", "correspondence", faults, hint)
    faults.settle()


def evaluate_exactly(network: Network, point: Point, semantics: Semantics) -> Outputs:
    """The exact value of any network at a point; an enclosure of it where softmax makes it irrational.

    Raises `Unsupported` where it cannot be enclosed.
    """
    if semantics.soft:
        return values_at(network, point, semantics)
    return network.evaluate(point, tie=semantics.tie) if isinstance(network, Transformer) else network.evaluate(point)
