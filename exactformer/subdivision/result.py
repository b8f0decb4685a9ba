"""What is known of the regions of a network: counts, and each region as an object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np

from exactformer.arguments import as_path, instance
from exactformer.documents import Document, render_html
from exactformer.documents.picture import MAX_REGIONS
from exactformer.domain import Domain, exact_point
from exactformer.errors import Faults, InvalidInput, Unsupported
from exactformer.formats.files import write_atomically
from exactformer.networks import Affine, Network
from exactformer.networks.semantics import Tie
from exactformer.networks.transformer import Transformer
from exactformer.polyhedra.lp import Row
from exactformer.rational import number_text
from exactformer.subdivision.document import document_of
from exactformer.subdivision.limit import Check, unlimited
from exactformer.subdivision.points import floats
from exactformer.subdivision.polytope import vertices, volume
from exactformer.subdivision.slices import fixed_inputs
from exactformer.work import OutOfTime

Point = tuple[Fraction, ...]
SHOWN = 500  # regions in the picture that a notebook shows


class Cells(Protocol):
    """Where regions come from: cells of a complex, or cells that were found one by one."""

    @property
    def count(self) -> int:
        """The number of cells."""

    def pattern(self, index: int) -> tuple[tuple[int, ...], ...]:
        """Layer by layer the piece that each unit chooses; of a Transformer, at each maximum the winners."""

    def point(self, index: int, check: Check = unlimited) -> Point:
        """A point inside a cell."""

    def rows(self, index: int) -> tuple[Row, ...]:
        """The inequalities of a cell, one a facet or more."""

    def affine(self, index: int) -> Affine:
        """The map on a cell."""

    def classes(self, check: Check = unlimited) -> tuple[Any, bool]:
        """For each cell the number of its affine map; past the limit so many different ones at least, and False."""

    def neighbours(self, classes: Any | None, check: Check = unlimited) -> Any:
        """The pairs of cells that share a facet; with classes at least those in one class."""

    def containing(self, point: Any) -> list[int]:
        """The cells that contain a point."""

    def corners(self, index: int) -> Sequence[Point] | None:
        """Points whose convex hull is the cell, if they are at hand."""

    def choices(self) -> Any:
        """The patterns as an array of integers, a row for each cell."""

    def faces(self) -> tuple[int, ...] | None:
        """The number of faces of each dimension, if it is known."""

    def faces_of(self, dimension: int) -> list[Sequence[Point]] | None:
        """The faces of a dimension, each with its vertices, if they are at hand."""

    def outline(self, index: int) -> Any | None:
        """The same as floats."""

    def walls(self) -> tuple[Any, Any] | None:
        """For two inputs the walls as float segments, and the layer of each, if they are at hand."""


@dataclass(frozen=True)
class Region:
    """An activation region: a cell of full dimension, the network's one affine map on it, a point strictly inside.

    `affine_class` and `linear_region` are None where the time did not suffice to tell.
    """

    number: int
    pattern: tuple[tuple[int, ...], ...]
    point: Point
    rows: tuple[Row, ...]
    affine: Affine
    affine_class: int | None
    linear_region: int | None
    domain: Domain

    @cached_property
    def vertices(self) -> tuple[Point, ...]:
        """The vertices, exact, in order around the region for two inputs. Raises `Unsupported` if it is unbounded."""
        return vertices(self.rows, self.domain)

    @cached_property
    def volume(self) -> Fraction:
        """The volume, exact. Raises `Unsupported` when the region is unbounded."""
        return volume(self.rows, self.domain)

    def contains(self, point: Any) -> bool:
        """Whether the point lies in the region or on its boundary."""
        x = exact_point(point, len(self.point)).fractions()
        return all(sum((a * v for a, v in zip(row, x, strict=True)), Fraction(b)) >= 0 for row, b in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The region as JSON data, numbers as integers or "p/q"."""
        return {
            "region": self.number,
            "pattern": [list(part) for part in self.pattern],
            "point": [number_text(x) for x in self.point],
            "inequalities": [{"coefficients": list(a), "constant": b} for a, b in self.rows],
            "map": {
                "weights": [[number_text(x) for x in row] for row in self.affine.weights.dense()],
                "biases": [number_text(x) for x in self.affine.biases.fractions()],
            },
            "affine_map": self.affine_class,
            "linear_region": self.linear_region,
        }


class Regions(Sequence[Region]):
    """The regions of a network on a domain; with `complete` False only some of them were found in time.

    `at_least` names the counts that are only lower bounds, and `reason` says why, or why there are no regions.

    An *activation region* is a cell of full dimension with its own choice of pieces; a *linear region* is a maximal
    set of activation regions with one affine map that hang together through facets.
    """

    def __init__(
        self, network: Network, domain: Domain, cells: Cells, tie: Tie, known: int | None, check: Check | None = None
    ) -> None:
        """`known`: so many there are at least, None if these are all; with `check` all is counted now, in its limit."""
        self.network = network
        self.domain = domain
        self.tie = tie
        self.complete = known is None
        self._cells = cells
        self._known = known or 0
        if check is not None:
            self._maps = cells.classes(check)
            self._joined = self._join(check)

    def __len__(self) -> int:
        return self._cells.count

    @overload
    def __getitem__(self, index: int) -> Region: ...

    @overload
    def __getitem__(self, index: slice) -> list[Region]: ...

    def __getitem__(self, index: int | slice) -> Region | list[Region]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        cells = self._cells
        return Region(
            number,
            cells.pattern(number),
            cells.point(number),
            cells.rows(number),
            cells.affine(number),
            int(self._maps[0][number]) if self._maps[1] else None,
            None if self._joined is None else int(self._joined[number]),
            self.domain,
        )

    def __iter__(self) -> Iterator[Region]:
        return (self[i] for i in range(len(self)))

    @property
    def activation_regions(self) -> int:
        """The number of activation regions; only a lower bound when the search was not complete."""
        return max(len(self), self._known)

    @property
    def distinct_affine_maps(self) -> int:
        """The number of different affine maps; a lower bound if it is named in `at_least`."""
        return max(int(self._maps[0].max(initial=-1)) + 1, min(1, self.activation_regions))

    @property
    def linear_regions(self) -> int:
        """The number of linear regions; if it is named in `at_least`, that of maps, as each has a region or more."""
        return self.distinct_affine_maps if self._joined is None else int(self._joined.max(initial=-1)) + 1

    @property
    def at_least(self) -> tuple[str, ...]:
        """The names of those of the three counts that are lower bounds, as the time did not suffice for more."""
        exact = {
            "activation_regions": self.complete,
            "linear_regions": self._joined is not None,
            "distinct_affine_maps": self.complete and self._maps[1],
        }
        return tuple(name for name, known in exact.items() if not known)

    @property
    def reason(self) -> str | None:
        """Why a count is only a lower bound, or why there are no regions, in a few words."""
        if self.at_least:
            return "out of time"
        if len(self):
            return None
        fixed = fixed_inputs(self.domain)
        if fixed and len(fixed) < self.domain.dimension:
            names = ", ".join(f"x{i + 1} = {x}" for i, x in fixed.items())
            return f"the domain has no interior, as it fixes {names}: ask for a slice of the other inputs"
        return "the domain has no interior: it is empty or flat"

    @cached_property
    def _maps(self) -> tuple[Any, bool]:
        return self._cells.classes()

    @cached_property
    def _joined(self) -> Any | None:
        return self._join(unlimited)

    def _join(self, check: Check) -> Any | None:
        """The numbers of the linear regions, None if regions are missing or the time does not suffice."""
        maps, exact = self._maps
        if not (exact and self.complete):
            return None
        try:
            return linear_regions_of(self._cells, maps, check)
        except OutOfTime:
            return None

    @cached_property
    def points(self) -> Sequence[Point]:
        """A point strictly inside each region."""
        return [self._cells.point(i) for i in range(len(self))]

    @cached_property
    def affine_classes(self) -> Any:
        """For each region that was found the number of its affine map, whatever time this takes."""
        maps, exact = self._maps
        return maps if exact else self._cells.classes()[0]

    @cached_property
    def linear_classes(self) -> Any:
        """For each region the number of the linear region that it belongs to, among those that were found."""
        if self._joined is not None:
            return self._joined
        return linear_regions_of(self._cells, self.affine_classes, unlimited)

    @cached_property
    def adjacency(self) -> Any:
        """The pairs (i, j), i < j, of regions that share a facet, as an array with two columns."""
        return self._adjacency(unlimited)

    def _adjacency(self, check: Check) -> Any:
        pairs = np.sort(np.asarray(self._cells.neighbours(None, check), np.int64).reshape(-1, 2), axis=1)
        return np.unique(pairs, axis=0)

    @property
    def faces(self) -> tuple[int, ...] | None:
        """The number of faces of each dimension 0, ..., n of the subdivision: vertices, edges, ..., activation regions.

        None where the cells were found one by one, or in several parts. The alternating sum is 1 (Euler).
        """
        return self._cells.faces()

    def faces_of(self, dimension: int) -> list[Sequence[Point]]:
        """The faces of one dimension 0, ..., n of the subdivision, each as its exact vertices.

        A face has in its list every vertex of the subdivision that lies in it, also in the middle of its sides. Raises
        `InvalidInput` for another dimension, and `Unsupported` where `faces` is None or the shapes were not kept.
        """
        if not 0 <= dimension <= self.domain.dimension:
            raise InvalidInput(f"faces: expected a dimension from 0 to {self.domain.dimension}, found {dimension}")
        found = self._cells.faces_of(dimension)
        if found is None:
            raise Unsupported("faces: expected regions that were cut as one complex, with shapes, found other ones")
        return found

    def in_time(self, check: Check) -> Iterator[Region]:
        """The regions one after the other, until `check` raises `OutOfTime`."""
        return (self[index] for index, _ in enumerate(self.points_in_time(check)))

    def points_in_time(self, check: Check) -> Iterator[Point]:
        """A point in each region, until `check` raises `OutOfTime`."""
        for index in range(len(self)):
            try:
                check()
                point = self._cells.point(index, check)
            except OutOfTime:
                return
            yield point

    def corners(self) -> Iterator[Sequence[Point]]:
        """For each region points whose convex hull it is: its vertices, perhaps with more points of its boundary.

        Raises `Unsupported` for an unbounded domain or more than six inputs.
        """
        for index in range(len(self)):
            points = self._cells.corners(index)
            yield vertices(self._cells.rows(index), self.domain) if points is None else points

    def polygons(self, check: Check = unlimited) -> list[Any]:
        """For two inputs the corners of each region in their order around it, as floats, for pictures.

        Raises `Unsupported` for other numbers of inputs or an unbounded domain.
        """
        if self.domain.dimension != 2:
            raise Unsupported(f"polygons: expected two inputs, found {self.domain.dimension}")
        found = []
        for index in range(len(self)):
            check()
            corners = self._cells.outline(index)
            if corners is None:
                rows = vertices(self._cells.rows(index), self.domain)
                corners = np.array([floats(v) for v in rows])
            offset = corners - corners.mean(axis=0)
            found.append(corners[np.argsort(np.arctan2(offset[:, 1], offset[:, 0]))])
        return found

    def walls(self) -> tuple[Any, Any]:
        """For two inputs the walls between regions as float segments, and the number of the layer of each, from 0.

        Raises `Unsupported` where the regions were not cut as one complex with its shapes kept.
        """
        walls = self._cells.walls() if self.domain.dimension == 2 else None
        if walls is None:
            raise Unsupported(
                "walls: expected a maxout or ReLU network with two inputs on a bounded domain, "
                f"found a {self.network.kind} network on {self.domain}"
            )
        return walls

    def find(self, point: Any) -> tuple[Region, ...]:
        """The regions that contain a point: one, or several where it lies on their common boundary."""
        return tuple(self[i] for i in self._cells.containing(point))

    def __call__(self, point: Any) -> Point:
        """The value at a point, read off the region that contains it. Raises `LookupError` outside the domain.

        Where regions of a Transformer meet, whose output may jump there, the tie rule decides, not one of them.
        """
        x = exact_point(point, self.domain.dimension)
        containing = self._cells.containing(point)
        if len(containing) > 1 and isinstance(self.network, Transformer):
            return self.network.evaluate(point, tie=self.tie)
        for index in containing[:1]:
            return self._cells.affine(index)(x).fractions()
        raise LookupError(f"point: expected one in {self.domain}, found {point!r}")

    def to_json(self, *, regions: bool = True) -> dict[str, Any]:
        """Counts, which of them are lower bounds, and the regions if they are wanted, as JSON data."""
        value: dict[str, Any] = {
            "activation_regions": self.activation_regions,
            "linear_regions": self.linear_regions,
            "distinct_affine_maps": self.distinct_affine_maps,
            "at_least": list(self.at_least),
            "faces": None if self.faces is None else list(self.faces),
            "complete": self.complete,
            "domain": self.domain.to_json(),
        }
        if regions:
            value["regions"] = [region.to_json() for region in self]
        return value

    def save_npz(self, path: str | Path, *, check: Check = unlimited) -> None:
        """Write the regions as NumPy arrays: float64 `points`, `weights`, `biases`, integer `patterns`, classes.

        The floats are the exact numbers rounded once. The file appears whole or not at all, and not when `check` raises
        `OutOfTime`. Raises `Unsupported` for
        numbers that no float holds, `InvalidInput` for a place that cannot be written.
        """
        path = as_path(path, "save_npz")
        maps, points = [], []
        for i in range(len(self)):
            check()
            maps.append(self._cells.affine(i))
            points.append(self._cells.point(i, check))
        classes = self.maps_in_time(check)
        n, out = self.domain.dimension, self.network.outputs
        arrays = {
            "patterns": self._cells.choices(),
            "points": np.array([floats(p) for p in points]).reshape(len(self), n),
            "weights": np.array([[floats(row) for row in m.weights.dense()] for m in maps]).reshape(-1, out, n),
            "biases": np.array([floats(m.biases.fractions()) for m in maps]).reshape(-1, out),
            "affine_map": classes,
            "linear_region": linear_regions_of(self._cells, classes, check) if self._joined is None else self._joined,
            "adjacency": self._adjacency(check),
        }
        check()
        data = BytesIO()
        np.savez_compressed(data, **arrays)
        write_atomically(path, data.getvalue())

    def maps_in_time(self, check: Check) -> Any:
        """For each region that was found the number of its affine map; raises `OutOfTime` with `check`."""
        maps, exact = self._maps if self._maps[1] else self._cells.classes(check)
        if not exact:
            raise OutOfTime
        return maps

    def document(self, *, note: str = "", drawn: int = MAX_REGIONS, check: Check = unlimited) -> Document:
        """The report, for every renderer: the counts, the first regions, a picture of at most so many.

        A `note` qualifies the count. Raises what `check` raises.
        """
        return document_of(self, self, note=note, drawn=drawn, check=check)

    def _repr_html_(self) -> str:
        return render_html(self.document(drawn=SHOWN))

    def __repr__(self) -> str:
        least = "" if self.complete else "at least "
        return f"<Regions: {least}{self.activation_regions} activation regions on {self.domain}>"


def check_regions(value: Any) -> None:
    """Raises `InvalidInput` for anything but what `regions` returns."""
    faults = Faults()
    instance(value, Regions, "what regions returns", "regions", faults)
    faults.settle()


def linear_regions_of(cells: Cells, classes: Any, check: Check) -> Any:
    """For each cell the number of its linear region, from the numbers of the maps."""
    if int(classes.max(initial=-1)) + 1 == cells.count:
        return np.arange(cells.count)
    return _components(cells.neighbours(classes, check), classes, check)


def _components(pairs: Any, classes: Any, check: Check) -> Any:
    """For each cell the number of its component, cells being joined by the pairs within one class."""
    parent = list(range(len(classes)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs[classes[pairs[:, 0]] == classes[pairs[:, 1]]].tolist():
        check()
        a, b = sorted((root(i), root(j)))
        parent[b] = a
    _, numbers = np.unique([root(i) for i in range(len(classes))], return_inverse=True)
    return numbers
