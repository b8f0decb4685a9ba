"""Where the bound of a difference comes from, on the whole domain: layer by layer, as a guess in floats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from exactformer.kernel.claims import Goal
from exactformer.networks import Network, Transformer
from exactformer.prover.cells import losses
from exactformer.prover.question import Question
from exactformer.rational import nearly

PARTS = (
    (r"u(\d+)", "unit {}"),
    (r"h(\d+)\.q(\d+)", "head {}, token {}"),
    (r"f(\d+)\.t(\d+)", "neuron {}, token {}"),
)


@dataclass(frozen=True)
class Share:
    """A layer: how far its values may be from their partners on the other side, and what that adds to the bound."""

    layer: str
    units: int  # those that add something
    difference: float | None  # at most; None for a layer that is not paired
    share: float  # of all that bounds lose, where they take the place of values
    most: str  # the unit that adds most


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
    layers: dict[str, list[tuple[float, str, int]]] = {}
    for place, v in cell.places.items():
        if v in lost:
            layer, _, unit = place.partition(".")
            layers.setdefault(layer, []).append((lost.pop(v), unit, v))
    result = []
    for layer, own in layers.items():
        apart = [nearly(Fraction(max(-(atoms.low[v] or 0), atoms.high[v] or 0))) for _, _, v in own if v in atoms.apart]
        share = sum(size for size, _, _ in own) / total
        name = _layer(question.networks["LR".index(layer[0])], layer)
        result.append(Share(name, len(own), max(apart, default=None), share, _unit(max(own)[1])))
    return tuple(result)


def _layer(network: Network, place: str) -> str:
    side, number = {"L": "left", "R": "right"}[place[0]], place[1:]
    return f"{side}, {'block' if isinstance(network, Transformer) else 'layer'} {number}"


def _unit(text: str) -> str:
    for pattern, words in PARTS:
        if found := re.fullmatch(pattern, text):
            return words.format(*found.groups())
    return text
