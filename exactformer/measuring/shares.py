"""Where the bound of a difference comes from, on the whole domain: layer by layer, as a guess in floats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from exactformer.kernel.claims import Goal
from exactformer.networks import Transformer
from exactformer.prover.cells import losses
from exactformer.prover.question import Question
from exactformer.rational import nearly

PARTS = (
    (r"u(\d+)", "unit {}"),
    (r"h(\d+)\.q(\d+)", "head {}, token {}"),
    (r"f(\d+)\.t(\d+)", "neuron {}, token {}"),
)


@dataclass(frozen=True)
class UnitShare:
    """A unit or head: how far its value may be from its partner's, and what that adds to the bound."""

    unit: str
    partner: str  # on the other side; empty for one that is not paired
    difference: float | None  # at most; None without a partner
    share: float  # of all that bounds lose, where they take the place of values


@dataclass(frozen=True)
class Share:
    """A layer, with those of its units that add something to the bound, the most first."""

    layer: str
    units: tuple[UnitShare, ...]

    @property
    def difference(self) -> float | None:
        """How far a value of the layer may be from its partner's, at most; None where none has a partner."""
        return max((unit.difference for unit in self.units if unit.difference is not None), default=None)

    @property
    def share(self) -> float:
        """What the layer adds to the bound."""
        return sum(unit.share for unit in self.units)


def shares_of(question: Question, whole: Goal | None) -> tuple[Share, ...]:
    """The shares of the layers in the worst bound on the whole domain, evaluated with affine bounds."""
    if whole is None or not whole.finished:
        return ()
    goal = whole.opened()
    cell, atoms = goal.cell, goal.cell.atoms
    forms = [atoms.expanded(cell.resolve(form)) for form in goal.conclusions]
    lows = [atoms.bounds(form)[0] for form in forms]
    known = [low for low in lows if low is not None]
    lost = losses(cell, forms[lows.index(min(known))])[0] if len(known) == len(lows) else {}
    total = sum(lost.values())
    layers: dict[str, list[UnitShare]] = {}
    for place, v in cell.places.items():
        if v in lost:
            apart = nearly(Fraction(max(-(atoms.low[v] or 0), atoms.high[v] or 0))) if v in atoms.apart else None
            partner = cell.pairs.get(place, "") if v in atoms.apart else ""
            layer, _, unit = place.partition(".")
            words = ", ".join((_layer(question, partner), _unit(partner.partition(".")[2]))) if partner else ""
            own = UnitShare(_unit(unit), words, apart, lost.pop(v) / total)
            layers.setdefault(_layer(question, layer), []).append(own)
    return tuple(Share(layer, tuple(sorted(units, key=lambda unit: -unit.share))) for layer, units in layers.items())


def _layer(question: Question, place: str) -> str:
    """The layer or block of a place as a reader would name it."""
    network, number = question.networks["LR".index(place[0])], place.partition(".")[0][1:]
    side = {"L": "left", "R": "right"}[place[0]]
    return f"{side}, {'block' if isinstance(network, Transformer) else 'layer'} {number}"


def _unit(text: str) -> str:
    for pattern, words in PARTS:
        if found := re.fullmatch(pattern, text):
            return words.format(*found.groups())
    return text
