"""How many activation regions a ReLU or maxout network has: what a certificate of the format `FORMAT` shows.

A unit is the maximum of its pieces (ReLU: of piece 0, the constant zero, and piece 1). Near almost every point x of a
domain all pieces of the whole network are affine functions of the input, and each unit has a smallest-numbered piece
among those that are, as affine functions, the largest: together the *pattern* P of x. The points inside the domain
with pattern P form an *activation region*. It is open and convex, {chosen piece > other piece} for all other pieces of
all units that are not the same function, with all pieces composed along P. Regions of different patterns are
disjoint, and what lies in none of them lies on finitely many hyperplanes, so has volume 0.

At least N regions: N points, each strictly inside the domain, at which only equal functions reach the maximum of a
unit; their patterns are all different.

Exactly N regions: in addition points, the *hull*, in the closure of each region, so many that the convex hulls fill the
domain: the sum of their volumes is its volume. Another region would be open and disjoint from all these, so empty.
- A point v of the domain is in the closed region {chosen >= other} of P exactly if the network's own values at v are
  such that each unit's piece in P reaches the maximum: layer by layer, the pieces composed along P then have these very
  values at v. Likewise the row chosen - other >= 0 is zero at v exactly if the other piece reaches the maximum, too.
- Volumes are bounded from below by `simplices`. For a set S of points, starting with a hull, take its first point as
  apex and, for each row, the set T of the points in S where it is zero, if the apex is not among them; put the apex on
  the simplices of T. No row is negative on S, so conv(T) is a face of conv(S), and of lower dimension. As n steps lead
  from a hull to single points, all faces on the way are facets, different for different T; and cones over different
  facets from a common apex do not overlap. So the sum is at most the volume of the hull, whatever its points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from hashlib import sha256
from math import factorial, gcd, lcm, prod
from operator import and_, mul, or_

from . import networks
from .reading import MAX_BYTES, array, named_file, natural, numbers, parse_json, reject, table
from .shards import listed
from .statements import Domain, read_domain

FORMAT = "exactformer/regions-1"
PIECES = "exactformer/regions-part-1"
KEYS = ("format", "network", "domain", "regions")
DIGEST = 16  # bytes of the SHA-256 of a pattern
MAX_INPUTS = 1000
MAX_FACES = 100_000  # that the decomposition of one region may visit
MAX_VOLUME = 1_000_000  # steps of the volume of a domain, inequalities to the power of inputs
BATCH = 100  # points that are evaluated at once
BINARY = bytes.maketrans(b"\0\1", b"01")

Piece = tuple[Sequence[int], Sequence[int]]  # columns and their weights
Layer = tuple[int, list[Piece], int]  # rank, the pieces of all units, their common denominator


@dataclass(frozen=True)
class Counted:
    """A number of activation regions that has been checked: the exact one, or a lower bound."""

    regions: int
    exact: bool
    statement: str
    digest: str
    domain: dict[str, object]

    def to_json(self) -> dict[str, object]:
        """What the checker says of it, as JSON data."""
        keys = ("regions", "exact", "digest", "domain")
        return {"theorem": self.statement} | {key: getattr(self, key) for key in keys}


@dataclass(frozen=True)
class Bounded:
    """The set of x with lower <= x <= upper and matrix x <= bounds."""

    lower: list[Fraction]
    upper: list[Fraction]
    matrix: list[list[Fraction]]
    bounds: list[Fraction]

    def rows(self) -> list[list[int]]:
        """Integers (a, b) for the inequalities a . x + b >= 0, without those that are true everywhere."""
        units = [[Fraction(i == j) for j in range(len(self.lower))] for i in range(len(self.lower))]
        rows = [[*unit, -low] for unit, low in zip(units, self.lower, strict=True)]
        rows += [[*(-a for a in unit), high] for unit, high in zip(units, self.upper, strict=True)]
        rows += [[*(-a for a in row), bound] for row, bound in zip(self.matrix, self.bounds, strict=True)]
        return [_scaled(row) for row in rows if any(row[:-1]) or row[-1] < 0]

    def volume(self, place: str) -> Fraction:
        """The exact volume, 0 for a flat or empty domain."""
        if not self.matrix:
            sides = [max(high - low, Fraction(0)) for low, high in zip(self.lower, self.upper, strict=True)]
            return prod(sides, start=Fraction(1))
        rows, n = self.rows(), len(self.lower)
        if len(rows) ** n > MAX_VOLUME:
            reject(place, f"at most {MAX_VOLUME} steps for the volume", f"{len(rows)} inequalities in {n} inputs")
        return _volume([(tuple(a), Fraction(b)) for *a, b in rows], n)

    def __str__(self) -> str:
        sides = [f"[{low}, {high}]" for low, high in zip(self.lower, self.upper, strict=True)]
        same = len(sides) > 1 and len(set(sides)) == 1
        box = f"{sides[0]}^{len(sides)}" if same else " x ".join(sides)
        sums = [" + ".join(f"{a} x{j}" for j, a in enumerate(row, start=1) if a) or "0" for row in self.matrix]
        further = ", ".join(f"{left} <= {bound}" for left, bound in zip(sums, self.bounds, strict=True))
        return f"{{x in {box} : {further}}}" if further else box


@dataclass(frozen=True)
class Part:
    """Some regions that have been checked: digests of their patterns, and a volume that their hulls fill, if any."""

    patterns: list[bytes]
    volume: Fraction | None


@dataclass(frozen=True)
class Counting:
    """What a certificate is about; each piece of it is checked by itself."""

    place: str
    name: str
    digest: str
    network: networks.Maxout
    layers: list[Layer]
    written: Domain
    domain: Bounded  # the same
    regions: int

    def piece(self, item: Mapping[str, object], read: Callable[[str], bytes]) -> Part:
        """One piece that the certificate names. Raises `Rejected`."""
        name, _, data = named_file(item, f"{self.place}: shards", read)
        value = table(parse_json(data, name), name, ("format", "points"), ("vertices", "hulls"))
        if value["format"] != PIECES:
            reject(f"{name}: format", PIECES, value["format"])
        return self.part(value, name, len(array(value["points"], f"{name}: points")))

    def part(self, value: dict[str, object], place: str, count: int) -> Part:
        """Some regions, so many, with a point inside each, and the hulls of all of them or of none."""
        if ("vertices" in value) != ("hulls" in value):
            reject(place, "vertices together with hulls", "one without the other")
        layers, domain = self.layers, self.domain
        points = array(value["points"], f"{place}: points", count)
        patterns = _patterns(layers, domain, points, f"{place}: points")
        volume = None
        if "hulls" in value:
            where, n = f"{place}: hulls", self.network.inputs
            hulls = array(value["hulls"], where, count)
            vertices = array(value["vertices"], f"{place}: vertices")
            corners, tight = _vertices(layers, domain, vertices, f"{place}: vertices")
            volume = _filled(patterns, hulls, corners, tight, n, where)
        size = sum(len(pieces) for _, pieces, _ in layers) // 8 + 1
        return Part([sha256(x.to_bytes(size, "little")).digest()[:DIGEST] for x in patterns], volume)

    def joined(self, parts: Sequence[Part]) -> Counted:
        """What all pieces show together. Raises `Rejected`."""
        patterns = {pattern for part in parts for pattern in part.patterns}
        found = sum(len(part.patterns) for part in parts)
        if found != self.regions:
            reject(f"{self.place}: regions", str(found), self.regions)
        if len(patterns) < found:
            reject(f"{self.place}: shards", "a region of its own for every point", "one with two points")
        volumes = [part.volume for part in parts if part.volume is not None]
        if volumes and len(volumes) < len(parts):
            reject(f"{self.place}: shards", "hulls in all pieces or in none", "some without")
        if volumes and sum(volumes) != self.domain.volume(f"{self.place}: domain"):
            reject(f"{self.place}: hulls", "hulls that fill the domain", "a smaller volume")
        n, exact = self.network.inputs, bool(volumes)
        target = "R" if self.network.outputs == 1 else f"R^{self.network.outputs}"
        number = f"{'exactly' if exact else 'at least'} {found} activation region{'s'[: found != 1]}"
        source = "R" if n == 1 else f"R^{n}"
        theorem = f"A: {source} -> {target} ({self.name}, sha256 {self.digest}) has {number} on {self.domain}"
        return Counted(found, exact, theorem, self.digest, self.written.written())


Counter = Callable[[list[dict[str, object]]], Sequence[Part]]


def ask(value: dict[str, object], read: Callable[[str], bytes], place: str) -> Counting:
    """What a certificate is about; `read` gives the contents of the network file. Raises `Rejected`."""
    name, digest, data = named_file(value["network"], f"{place}: network", read)
    network = _network(data, name)
    written = read_domain(value["domain"], f"{place}: domain", network.inputs)
    domain = _bounded(written, f"{place}: domain")
    count = natural(value["regions"], f"{place}: regions", MAX_BYTES)
    return Counting(place, name, digest, network, _layers(network), written, domain, count)


def check(
    value: dict[str, object], read: Callable[[str], bytes], place: str, counter: Counter | None = None
) -> Counted:
    """What a certificate shows; `read` gives the contents of a file by its plain name.

    Its pieces are checked one after the other, or as `counter` does it. Raises `Rejected` when anything is missing,
    malformed, unknown or not shown.
    """
    if "shards" in value:
        value = table(value, place, (*KEYS, "shards", "root"))
        asked, items = ask(value, read, place), listed(value, place)
        return asked.joined(counter(items) if counter else [asked.piece(item, read) for item in items])
    value = table(value, place, (*KEYS, "points"), ("vertices", "hulls"))
    asked = ask(value, read, place)
    return asked.joined([asked.part(value, place, asked.regions)])


# --- reading --------------------------------------------------------------------------------------


def _network(data: bytes, name: str) -> networks.Maxout:
    network = networks.read_network(data, name)
    if not isinstance(network, networks.Maxout) or not 1 <= network.inputs <= MAX_INPUTS:
        reject(name, f"a maxout or relu network with 1 to {MAX_INPUTS} inputs", "another one")
    return network


def _layers(network: networks.Maxout) -> list[Layer]:
    """The layers, a ReLU layer as one of rank 2; the bias is the weight of the last entry of a homogeneous vector."""
    layers: list[Layer] = []
    for rank, pieces in network.layers:
        rows: list[Piece] = [((), ())] * pieces.height
        for index, weights, bias in pieces.rows:
            entries = [*weights, (pieces.width, bias)]
            rows[index] = [column for column, _ in entries], [weight for _, weight in entries]
        if rank == 0:
            rows = [piece for row in rows for piece in (((), ()), row)]
        layers.append((rank or 2, rows, pieces.den))
    return layers


def _bounded(domain: Domain, place: str) -> Bounded:
    lower = [x for x in domain.lower if x is not None]
    upper = [x for x in domain.upper if x is not None]
    if len(lower) + len(upper) < 2 * len(domain.lower):
        reject(place, "a lower and an upper bound for every input", "null")
    return Bounded(lower, upper, domain.matrix, domain.bounds)


def _scaled(numbers: list[Fraction]) -> list[int]:
    """The numbers times their least common denominator."""
    den = lcm(*(x.denominator for x in numbers))
    return [x.numerator * (den // x.denominator) for x in numbers]


def _point(value: object, place: str, n: int) -> list[int]:
    """A point x as the integers (h x, h), h > 0."""
    return _scaled([*numbers(value, place, n), Fraction(1)])


# --- patterns -------------------------------------------------------------------------------------


def _run(layers: list[Layer], columns: list[list[int]], place: str) -> int:
    """A bit set over all pieces of all units: the first of each unit that reaches the maximum.

    Each column is a homogeneous vector (h x, h); the first is the point, the others are directions, with h = 0. Pieces
    that reach the maximum must have the same slope in these.
    """
    first, offset = 0, 0
    for number, (rank, rows, den) in enumerate(layers):
        images = [[sum(map(mul, weights, map(column.__getitem__, at))) for at, weights in rows] for column in columns]
        values, slopes = images[0], images[1:]
        chosen = []
        for start in range(0, len(rows), rank):
            unit = values[start : start + rank]
            top = max(unit)
            best = start + unit.index(top)
            chosen.append(best)
            first |= 1 << (offset + best)
            for piece in [k for k in range(best + 1, start + rank) if values[k] == top]:
                if any(slope[piece] != slope[best] for slope in slopes):
                    reject(place, "a point inside a region", f"a wall of unit {start // rank} of layer {number}")
        columns = [
            [*(image[piece] for piece in chosen), column[-1] * den]
            for image, column in zip(images, columns, strict=True)
        ]
        offset += len(rows)
    return first


class Digits:
    """Many integers as the digits of one, in a base of `size` bytes, where all are less than half the base from 0.

    So sums and multiples of such integers are those of their digits, all at once. With half a base added to each digit
    none is negative: then they are the bytes of the integer, and the highest bit of a digit tells its sign.
    """

    def __init__(self, size: int, count: int) -> None:
        self.size, self.count, self.bits = size, count, 8 * size
        self.ones = int.from_bytes((1).to_bytes(size, "little") * count, "little")
        self.halves = self.ones << (self.bits - 1)

    def joined(self, numbers: Iterable[int]) -> int:
        """The integer with these digits."""
        half = 1 << (self.bits - 1)
        digits = b"".join([(x + half).to_bytes(self.size, "little") for x in numbers])
        return int.from_bytes(digits, "little") - self.halves

    def signs(self, x: int) -> int:
        """1 for each digit that is not negative, 0 for the others."""
        return (x + self.halves) >> (self.bits - 1) & self.ones

    def larger(self, x: int, y: int) -> int:
        """The larger of each two digits: x, and y - x more where that is not negative."""
        signs = self.signs(y - x)
        kept = (y - x + self.halves) & ((signs << self.bits) - signs)  # y - x and half a base
        return x + kept - (signs << (self.bits - 1))

    def told(self, signs: int) -> bytes:
        """Zeros and ones as a byte each."""
        return signs.to_bytes(self.size * self.count, "little")[:: self.size]


def _reached(layers: list[Layer], points: list[list[int]]) -> list[int]:
    """For each point (h x, h), h > 0, a bit set over all pieces of all units: those that reach the maximum."""
    growth = sum(_growth(rows, den) for _, rows, den in layers)
    reached = [0] * len(points)
    for batch in _batches(points):
        longest = max(x.bit_length() for i in batch for x in points[i])
        digits = Digits((longest + growth + 9) // 8, len(batch))  # also differences are less than half a base from 0
        columns = [digits.joined(column) for column in zip(*(points[i] for i in batch), strict=True)]
        bits: list[bytes] = []  # for each piece whether it reaches the maximum at each point of the batch
        for rank, rows, den in layers:
            images = [sum(map(mul, weights, map(columns.__getitem__, at))) for at, weights in rows]
            units = [images[start : start + rank] for start in range(0, len(rows), rank)]
            tops = [reduce(digits.larger, unit) for unit in units]
            bits += [digits.told(digits.signs(y - top)) for unit, top in zip(units, tops, strict=True) for y in unit]
            columns = [*tops, columns[-1] * den]
        for k, i in enumerate(batch):
            reached[i] = int(b"0" + bytes([piece[k] for piece in reversed(bits)]).translate(BINARY), 2)
    return reached


def _growth(rows: list[Piece], den: int) -> int:
    """By how many bits a state may be longer after a layer, at most."""
    return max([den, *(sum(map(abs, weights)) for _, weights in rows)]).bit_length()


def _batches(points: list[list[int]]) -> Iterator[list[int]]:
    """The numbers of the points in batches of few points, of which none is more than twice as long as another."""
    lengths = [max(x.bit_length() for x in point) for point in points]
    batch: list[int] = []
    for i in sorted(range(len(points)), key=lengths.__getitem__):
        if batch and (len(batch) == BATCH or lengths[i] > 2 * lengths[batch[0]]):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _patterns(layers: list[Layer], domain: Bounded, points: list[object], place: str) -> list[int]:
    """The patterns of points strictly inside the domain and inside regions; all are different."""
    rows, n = domain.rows(), len(domain.lower)
    directions = [[int(i == j) for j in range(n)] + [0] for i in range(n)]
    inside = []
    for number, value in enumerate(points):
        inside.append(_point(value, f"{place}[{number}]", n))
        if any(sum(map(mul, row, inside[-1])) <= 0 for row in rows):
            reject(f"{place}[{number}]", "a point strictly inside the domain", value)
    units = sum(len(pieces) // rank for rank, pieces, _ in layers)
    seen: dict[int, int] = {}
    for number, pattern in enumerate(_reached(layers, inside)):
        where = f"{place}[{number}]"
        if pattern.bit_count() > units:
            pattern = _run(layers, [inside[number], *directions], where)
        if pattern in seen:
            reject(where, "a region of its own", f"the region of {place}[{seen[pattern]}]")
        seen[pattern] = number
    return list(seen)


def _vertices(
    layers: list[Layer], domain: Bounded, vertices: list[object], place: str
) -> tuple[list[list[int]], list[int]]:
    """Homogeneous points of the domain, and for each the pieces that reach the maxima and the tight inequalities."""
    rows, n, pieces = domain.rows(), len(domain.lower), sum(len(rows) for _, rows, _ in layers)
    points, tight = [], []
    for number, value in enumerate(vertices):
        where = f"{place}[{number}]"
        point = _point(value, where, n)
        gaps = [sum(map(mul, row, point)) for row in rows]
        if min(gaps) < 0:
            reject(where, "a point of the domain", value)
        points.append(point)
        tight.append(sum(1 << (pieces + i) for i, gap in enumerate(gaps) if gap == 0))
    return points, [zero | reached for zero, reached in zip(tight, _reached(layers, points), strict=True)]


# --- volumes --------------------------------------------------------------------------------------


def _filled(
    patterns: list[int], hulls: list[object], points: list[list[int]], tight: list[int], n: int, place: str
) -> Fraction:
    """A lower bound for the volume of all hulls together.

    The determinant whose rows are the corners (x, 1) of a simplex is a sum of terms +-det(all x but one), one for each
    facet. How often each occurs is added up before any is evaluated: most facets bound two simplices and cancel.
    """
    facets: dict[tuple[int, ...], int] = {}
    for number, (pattern, value) in enumerate(zip(patterns, hulls, strict=True)):
        where = f"{place}[{number}]"
        hull = sorted({natural(v, where, len(points)) for v in array(value, where)})
        for v in hull:
            if pattern & ~tight[v]:
                reject(where, f"vertices in the closure of region {number}", f"vertex {v}")
        for simplex in simplices([tight[v] for v in hull], n, where):
            corners = tuple(hull[i] for i in simplex)
            sign = 1 if determinant([points[v] for v in corners]) > 0 else -1
            for k in range(n + 1):
                facet = corners[:k] + corners[k + 1 :]
                facets[facet] = facets.get(facet, 0) + sign * (-1) ** (n - k)
    total = Fraction(0)
    for facet, times in facets.items():
        if times:
            corner = [points[v] for v in facet]
            total += Fraction(times * determinant([x[:-1] for x in corner]), prod(x[-1] for x in corner))
    return total / factorial(n)


def simplices(tight: Sequence[int], n: int, place: str) -> Iterator[list[int]]:
    """Simplices in the convex hull of points that do not overlap: lists of the increasing numbers of n + 1 points.

    All inequalities hold at all points; `tight[i]` has a bit for each that is an equation at point i.
    """
    rows = reduce(or_, tight, 0) & ~reduce(and_, tight, -1)
    walls = set()
    while rows:
        row = rows & -rows
        rows ^= row
        walls.add(sum(1 << i for i, bits in enumerate(tight) if bits & row))
    faces: list[tuple[int, list[int]]] = [((1 << len(tight)) - 1, [])] if tight else []
    visited = 0
    while faces:
        visited += 1
        if visited > MAX_FACES:
            reject(place, f"at most {MAX_FACES} faces", "more")
        face, apexes = faces.pop()
        apex = face & -face
        apexes = [*apexes, apex.bit_length() - 1]
        wanting = n + 1 - len(apexes)
        if wanting:
            smaller = {face & wall for wall in walls}
            faces += [(f, apexes) for f in smaller if not f & apex and f.bit_count() >= wanting]
        else:
            yield apexes


def determinant(matrix: Iterable[Sequence[int]]) -> int:
    """By fraction-free elimination (Bareiss): every division is exact."""
    rows = [list(row) for row in matrix]
    sign, previous = 1, 1
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return 0
        if pivot > k:
            rows[k], rows[pivot], sign = rows[pivot], rows[k], -sign
        top = rows[k]
        for row in rows[k + 1 :]:
            for j in range(k + 1, len(rows)):
                row[j] = (top[k] * row[j] - row[k] * top[j]) // previous
        previous = top[k]
    return sign * previous


def _volume(halfspaces: Iterable[tuple[tuple[int, ...], Fraction]], n: int) -> Fraction:
    """The volume of a bounded polytope, by Lasserre's formula: n times it is the sum over facets of height times size.

    The sizes are those of projections along a coordinate. Of parallel inequalities only the tightest has a facet; the
    two of a flat polytope cancel.
    """
    tightest: dict[tuple[int, ...], Fraction] = {}
    for a, b in halfspaces:
        common = gcd(*a)
        if common:
            direction = tuple(x // common for x in a)
            tightest[direction] = min(b / common, tightest.get(direction, b / common))
        elif b < 0:
            return Fraction(0)
    if n == 1:
        return max(tightest[1,] + tightest[-1,], Fraction(0))
    total = Fraction(0)
    for a, b in tightest.items():
        j = next(j for j, x in enumerate(a) if x)
        size, sign = abs(a[j]), 1 if a[j] > 0 else -1
        facet = []
        for c, d in tightest.items():
            rest = [size * x - sign * c[j] * y for x, y in zip(c, a, strict=True)]
            facet.append((tuple(rest[:j] + rest[j + 1 :]), size * d - sign * c[j] * b))
        total += b / size * _volume(facet, n - 1)
    return total / n
