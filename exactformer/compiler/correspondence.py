"""The way back from a compiled Transformer to its source: unit <-> heads <-> coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exactformer.compiler.sizes import SizeLine
from exactformer.networks import MaxoutNetwork, Transformer


@dataclass(frozen=True)
class UnitPlace:
    """Where unit `unit` of source layer `layer` lives: the heads of `block` that take its maximum, its coordinates.

    The heads write the maximum into `coordinates`. Where the last feed-forward sublayer before that block computes
    the pieces, it writes them, one a token, into the coordinate `pieces` (in the constructions causal and two-step
    shifted to be positive, and 0 at the tokens of other layers or units).
    """

    layer: int
    unit: int
    block: int
    heads: tuple[int, ...]
    coordinates: tuple[int, ...]
    pieces: int | None = None


@dataclass(frozen=True)
class Correspondence:
    """The units' places, and the named coordinate subspaces of the model width as half-open ranges."""

    construction: str
    units: tuple[UnitPlace, ...]
    coordinates: tuple[tuple[str, int, int], ...]

    def to_json(self) -> dict[str, Any]:
        """The correspondence as JSON data."""
        return {
            "construction": self.construction,
            "coordinates": [{"name": name, "from": lo, "to": hi} for name, lo, hi in self.coordinates],
            "units": [
                {
                    "layer": u.layer,
                    "unit": u.unit,
                    "block": u.block,
                    "heads": list(u.heads),
                    "coordinates": list(u.coordinates),
                    "pieces": u.pieces,
                }
                for u in self.units
            ],
        }


@dataclass(frozen=True)
class Compiled:
    """A compiled Transformer, its maxout source, the way back, and its sizes beside the theorem's formulas."""

    transformer: Transformer
    source: MaxoutNetwork
    correspondence: Correspondence
    sizes: tuple[SizeLine, ...]
