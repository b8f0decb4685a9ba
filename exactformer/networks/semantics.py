"""How a network is read: maxima and attention in the hard limit, with a tie rule, or softmax at a temperature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeVar

from exactformer.errors import Faults
from exactformer.rational import listed, read_rational

Tie = Literal["average", "leftmost", "rightmost"]
TIES: tuple[Tie, ...] = ("average", "leftmost", "rightmost")
Base = Literal["e", "2"]
BASES: tuple[Base, ...] = ("e", "2")
Token = TypeVar("Token")


class Layered(Protocol):
    """A network, as far as its temperatures go."""

    @property
    def tempered(self) -> tuple[int, ...]:
        """The numbers of the layers, or of the blocks, that softmax may be read into, in order."""


@dataclass(frozen=True)
class Semantics:
    """Hard, with a rule for tied tokens, or softmax where there is a temperature.

    A temperature is the lambda > 0 of softmax, also called its inverse temperature: one for all layers of the network,
    or one a layer. At it the units of a maxout or ReLU network are the means of their pieces, with weights in
    proportion to base^(lambda piece), and so are a Transformer's heads; feed-forward sublayers stay hard.

    >>> print(Semantics("leftmost"), Semantics(temperature=(Fraction(1, 2),)), sep="; ")
    hard attention, tie rule leftmost; softmax at inverse temperature 1/2
    """

    tie: Tie = "average"
    temperature: tuple[Fraction, ...] = ()
    base: Base = "e"

    @property
    def soft(self) -> bool:
        """Whether there is a temperature."""
        return bool(self.temperature)

    def sharing(self, best: Sequence[Token]) -> Sequence[Token]:
        """Those of the tokens with the largest score, in order, that share the weight equally in the hard limit."""
        return {"average": best, "leftmost": best[:1], "rightmost": best[-1:]}[self.tie]

    def rates(self, network: Layered) -> tuple[Fraction, ...]:
        """The temperature of each layer of a network that it fits; nothing where it is hard."""
        return self.temperature * len(network.tempered) if len(self.temperature) == 1 else self.temperature

    def rates_by_number(self, network: Layered) -> dict[int, Fraction]:
        """The same by the number of the layer or block."""
        return dict(zip(network.tempered, self.rates(network), strict=True)) if self.soft else {}

    def scales(self, network: Layered) -> dict[int, float]:
        """In floats, and for the base e."""
        unit = 1.0 if self.base == "e" else math.log(2)
        return {number: float(rate) * unit for number, rate in self.rates_by_number(network).items()}

    def fit(self, network: Layered, place: str, faults: Faults) -> None:
        """Note a fault unless there is one temperature, or one for each layer of the network."""
        layers = len(network.tempered)
        if len(self.temperature) not in (0, 1, layers):
            faults.add(place, f"one number > 0, or {layers}, one a layer", f"{len(self.temperature)}")

    def __str__(self) -> str:
        if not self.soft:
            return f"hard attention, tie rule {self.tie}"
        different = len(set(self.temperature)) > 1
        rates = " / ".join(map(str, self.temperature if different else self.temperature[:1]))
        return f"softmax{'' if self.base == 'e' else f' of base {self.base}'} at inverse temperature {rates}"


def read_temperature(value: Any, place: str, faults: Faults) -> tuple[Fraction, ...]:
    """The temperature in a number > 0, or in a sequence of them, one a layer; none for None. Faults are noted."""
    if value is None:
        return ()
    items = listed(value)
    if items == []:
        faults.add(place, "a number > 0, or one a layer", "none")
    found = []
    for i, item in enumerate([value] if items is None else items):
        where, noted = place if items is None else f"{place}[{i}]", len(faults.reasons)
        found.append(read_rational(item, where, faults))
        if len(faults.reasons) == noted and found[-1] <= 0:
            faults.add(where, "a number > 0", item)
    return tuple(found)
