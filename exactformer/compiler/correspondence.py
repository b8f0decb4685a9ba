"""The way back from a compiled Transformer to its source: unit <-> heads <-> coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exactformer.compiler.sizes import SizeLine
from exactformer.errors import Faults
from exactformer.networks import MaxoutNetwork, ReluNetwork, Transformer


@dataclass(frozen=True)
class UnitPlace:
    """Where unit `unit` of source layer `layer` lives: the heads of `block` that take its maximum, its coordinates.

    The heads write the maximum into `coordinates`. After the attention of that block it is their sum at the token that
    is read out (in the construction global, which has one coordinate for each token, all but one are 0 there). Where
    the last feed-forward sublayer before that block computes the pieces, it writes them, one a token, into the
    coordinate `pieces` (in the constructions causal and two-step shifted to be positive, and 0 at the tokens of other
    layers or units).
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

    def fit(self, source: MaxoutNetwork | ReluNetwork, transformer: Transformer, faults: Faults) -> None:
        """Note as faults what does not exist in the source or in the Transformer, and units that occur twice."""
        seen: set[tuple[int, int]] = set()
        for number, u in enumerate(self.units):
            place = f"correspondence, units[{number}]"
            if u.layer >= len(source.widths) or u.unit >= source.widths[u.layer]:
                faults.add(place, f"a unit of the source, with layers of {source.widths} units", f"{u.layer}, {u.unit}")
            if (u.layer, u.unit) in seen:
                faults.add(place, "every unit once", f"unit {u.unit} of layer {u.layer} again")
            seen.add((u.layer, u.unit))
            heads = transformer.blocks[u.block].heads if u.block < len(transformer.blocks) else None
            if heads is None:
                faults.add(f"{place}.block", "a block of the Transformer with attention", f"{u.block}")
            elif any(h >= len(heads) for h in u.heads):
                faults.add(f"{place}.heads", f"heads of block {u.block}, which has {len(heads)}", f"{list(u.heads)}")
            named = [*u.coordinates, *([] if u.pieces is None else [u.pieces])]
            if any(c >= transformer.width for c in named):
                faults.add(f"{place}.coordinates", f"coordinates below the width {transformer.width}", f"{named}")


def read_correspondence(value: Any, faults: Faults) -> Correspondence:
    """The correspondence in JSON data, as `Correspondence.to_json` gives it; faults are noted."""
    keys = ("construction", "coordinates", "units")
    if not isinstance(value, dict) or set(value) != set(keys):
        faults.add("correspondence", f"an object with the keys {', '.join(keys)}", value)
        return Correspondence("", (), ())
    if not isinstance(value["construction"], str):
        faults.add("construction", "text", value["construction"])
    spaces = []
    for place, item in _objects(value, "coordinates", ("name", "from", "to"), faults):
        low, high = _natural(item["from"], f"{place}.from", faults), _natural(item["to"], f"{place}.to", faults)
        if not isinstance(item["name"], str):
            faults.add(f"{place}.name", "text", item["name"])
        spaces.append((str(item["name"]), low, high))
    units = []
    for place, item in _objects(value, "units", ("layer", "unit", "block", "heads", "coordinates", "pieces"), faults):
        layer, unit, block = (_natural(item[key], f"{place}.{key}", faults) for key in ("layer", "unit", "block"))
        heads, coordinates = (_naturals(item[key], f"{place}.{key}", faults) for key in ("heads", "coordinates"))
        pieces = None if item["pieces"] is None else _natural(item["pieces"], f"{place}.pieces", faults)
        units.append(UnitPlace(layer, unit, block, heads, coordinates, pieces))
    return Correspondence(str(value["construction"]), tuple(units), tuple(spaces))


def _objects(
    value: dict[str, Any], key: str, keys: tuple[str, ...], faults: Faults
) -> Iterator[tuple[str, dict[str, Any]]]:
    items = value[key]
    if not isinstance(items, list):
        faults.add(key, "a list", items)
        return
    for number, item in enumerate(items):
        place = f"{key}[{number}]"
        if isinstance(item, dict) and set(item) == set(keys):
            yield place, item
        else:
            faults.add(place, f"an object with the keys {', '.join(keys)}", item)


def _natural(value: Any, place: str, faults: Faults) -> int:
    if type(value) is int and value >= 0:
        return value
    faults.add(place, "an integer >= 0", value)
    return 0


def _naturals(value: Any, place: str, faults: Faults) -> tuple[int, ...]:
    if not isinstance(value, list):
        faults.add(place, "a list of integers", value)
        return ()
    return tuple(_natural(item, f"{place}[{i}]", faults) for i, item in enumerate(value))


@dataclass(frozen=True)
class Compiled:
    """A compiled Transformer, its maxout source, the way back, and its sizes beside the theorem's formulas."""

    transformer: Transformer
    source: MaxoutNetwork
    correspondence: Correspondence
    sizes: tuple[SizeLine, ...]
