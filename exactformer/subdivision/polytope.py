"""One polytope: its vertices and its volume, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cmp_to_key
from math import gcd, lcm

from exactformer.domain import Domain
from exactformer.errors import Unsupported
from exactformer.networks import Affine
from exactformer.polyhedra.lp import Minimum, Program, Row
from exactformer.polyhedra.volume import volume as exact_volume
from exactformer.rational import Matrix, Vector
from exactformer.subdivision.cube import cube
from exactformer.subdivision.layers import constrain
from exactformer.subdivision.program import Composition, Frame, program_of

Point = tuple[Fraction, ...]
MOST_INPUTS = 6  # above, vertices are too many


def vertices(rows: Sequence[Row], domain: Domain) -> tuple[Point, ...]:
    """The vertices of the set where all rows hold, within a bounded domain that has it inside.

    In the order of the boundary, anticlockwise, for two inputs. Raises `Unsupported` for an unbounded domain or more
    than six inputs.
    """
    _check(domain)
    n = domain.dimension
    matrix = Matrix.sparse(len(rows), n, {(i, j): -c for i, (a, _) in enumerate(rows) for j, c in enumerate(a) if c})
    whole = Domain(domain.lower, domain.upper, matrix, Vector(tuple(b for _, b in rows)))
    nothing = Composition((), Affine(Matrix((0, n)), Vector(())))
    body = cube(program_of(nothing, whole))
    constrain(body, lambda: None)
    frame = Frame.of(domain)
    found = [
        frame.outward([Fraction(x, v[-1]) for x in v[:-1]])
        for v in (body.exact.vertex(walls) for walls in body.ranks[0].walls[: body.ranks[0].count])
    ]
    return around(found) if n == 2 else tuple(sorted(found))


def volume(rows: Sequence[Row], domain: Domain) -> Fraction:
    """The volume of the set where all rows hold. Raises as `vertices` does."""
    _check(domain)
    return exact_volume(rows, domain.dimension)


def facets(rows: Sequence[Row], dimension: int) -> tuple[Row, ...]:
    """The rows that are left when those that follow from the others are dropped, one after the other."""
    kept = list(dict.fromkeys(rows))
    for row in tuple(kept):
        others = [other for other in kept if other != row]
        answer = Program(others, dimension).minimise(row)
        if isinstance(answer, Minimum) and answer.value >= 0:
            kept = others
    return tuple(kept)


def _check(domain: Domain) -> None:
    if not domain.is_bounded_box or domain.dimension > MOST_INPUTS:
        raise Unsupported(f"region: expected a bounded domain of at most {MOST_INPUTS} inputs, found {domain}")


def around(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points of a convex polygon in their order around it, anticlockwise."""
    if not points:
        return ()
    start = min(points)

    def turn(p: Point, q: Point) -> int:
        cross = (p[0] - start[0]) * (q[1] - start[1]) - (p[1] - start[1]) * (q[0] - start[0])
        return -1 if cross > 0 else 1 if cross < 0 else 0

    return (start, *sorted((p for p in points if p != start), key=cmp_to_key(turn)))


def primitive(coefficients: Sequence[Fraction], constant: Fraction) -> Row:
    """The row as integers without a common divisor."""
    common = lcm(*(x.denominator for x in coefficients), constant.denominator)
    whole = [x.numerator * (common // x.denominator) for x in (*coefficients, constant)]
    divisor = gcd(*whole) or 1
    return tuple(x // divisor for x in whole[:-1]), whole[-1] // divisor
