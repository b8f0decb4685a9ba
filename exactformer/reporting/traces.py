"""What both sides compute on a region, place by place: every state of a network is an affine map there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from exactformer.compiler.correspondence import UnitPlace
from exactformer.compiler.sizes import nonzeros
from exactformer.networks import Function, Network, Transformer
from exactformer.prover.outcome import Inequality, Outcome, Region
from exactformer.prover.trace import Side, Walked, walked
from exactformer.rational import exact_text
from exactformer.reporting.data import PlaceRow
from exactformer.reporting.geometry import domain_inequalities

MOST_WEIGHTS = 2000  # of networks whose states are shown
MOST_PLACES = 40  # that are shown of a region

Row = tuple[Fraction, ...]  # of an affine map: its coefficients, then its constant
Values = dict[tuple[str, str], Fraction]  # by what stands in one line of both sides, and the side


def traceable(outcome: Outcome) -> bool:
    """Whether the states of all sides are shown: small networks of one or two inputs, under hard attention."""
    sides = [side for side in (outcome.left, outcome.right) if side is not None]
    return outcome.domain.dimension <= 2 and all(
        not isinstance(side, Function) and not semantics.soft and _weights(side) <= MOST_WEIGHTS
        for side, semantics in zip(sides, outcome.semantics, strict=False)
    )


def places_of(outcome: Outcome, region: Region) -> tuple[PlaceRow, ...]:
    """The affine maps of the states on a region, from exact values at a simplex in it; none where it has no room."""
    origin = region.interior
    steps = _simplex(region, domain_inequalities(outcome.domain))
    if not all(steps):
        return ()
    corners = [origin] + [_moved(origin, i, step) for i, step in enumerate(steps)]
    middle = tuple(sum(xs, Fraction(0)) / len(corners) for xs in zip(*corners, strict=True))
    first, *others = (_values(outcome, corner) for corner in corners)
    checked = _values(outcome, middle)
    maps: dict[tuple[str, str], Row] = {}
    for key, value in first.items():
        slopes = [(other[key] - value) / step for other, step in zip(others, steps, strict=True)]
        maps[key] = (*slopes, value - sum((a * x for a, x in zip(slopes, origin, strict=True)), Fraction(0)))
        at_middle = sum((a * x for a, x in zip(slopes, middle, strict=True)), maps[key][-1])
        if at_middle != checked[key]:  # the region is not one: nothing is said rather than something wrong
            return ()
    every = list(dict.fromkeys(place for place, _ in maps))
    outputs = [place for place in every if place.startswith("output")]
    places = every[: min(len(every) - len(outputs), MOST_PLACES)] + outputs
    sides = [[_written(maps.get((place, side))) for side in ("left", "right")] for place in places]
    return tuple(PlaceRow(place, left, right) for place, (left, right) in zip(places, sides, strict=True))


def _weights(network: Network) -> int:
    return nonzeros(network) if isinstance(network, Transformer) else getattr(network, "parameters", 0)


def _moved(point: Sequence[Fraction], axis: int, step: Fraction) -> tuple[Fraction, ...]:
    return tuple(x + step if i == axis else x for i, x in enumerate(point))


def _simplex(region: Region, domain: Sequence[Inequality]) -> list[Fraction]:
    """How far to go along each axis from the interior point, so that all corners are in the region."""
    steps = []
    for axis in range(len(region.interior)):
        room = [Fraction(1)]
        for inequality in (*region.inequalities, *domain):
            slope = inequality.coefficients[axis]
            if slope < 0:
                slack = sum(
                    (a * x for a, x in zip(inequality.coefficients, region.interior, strict=True)),
                    Fraction(inequality.constant),
                )
                room.append(slack / -slope / 2)
        steps.append(min(room))
    return steps


def _values(outcome: Outcome, point: Sequence[Fraction]) -> Values:
    """The exact values at a point, by the line they stand in and the side."""
    units = outcome.compiled.correspondence.units if outcome.compiled else ()
    result: Values = {}
    networks = (("left", outcome.left), ("right", outcome.right))
    for (side, network), semantics in zip(networks, outcome.semantics, strict=False):
        if network is None:
            continue
        found = walked(Side(network, semantics), tuple(point))
        values = _of_units(found, units) if units and isinstance(network, Transformer) else _of_states(found, network)
        result |= {(place, side): value for place, value in values}
        result |= {(f"output {number}", side): value for number, value in enumerate(found.outputs.fractions())}
    return result


def _of_units(found: Walked, units: Sequence[UnitPlace]) -> Iterator[tuple[str, Fraction]]:
    """What stands where the correspondence has the units of the source."""
    for unit in units:
        state = found.states[f"block {unit.block}, attention"][found.chain.token]
        yield f"layer {unit.layer}, unit {unit.unit}", sum((state[c] for c in unit.coordinates), Fraction(0))


def _of_states(found: Walked, network: Network) -> Iterator[tuple[str, Fraction]]:
    """The units of a network layer by layer, or the state of the token that is read after each sublayer."""
    word = "coordinate" if isinstance(network, Transformer) else "unit"
    for name, states in found.states.items():
        if name != "embedding":
            for number, value in enumerate(states[found.chain.token].fractions()):
                yield f"{name}, {word} {number}", value


def _written(row: Row | None) -> tuple[str, ...]:
    return () if row is None else tuple(map(exact_text, row))
