"""Continuous piecewise linear functions as objects: exact, frozen, with an algebra."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exactformer.arguments import NATURAL, POSITIVE, instance
from exactformer.domain import Domain, exact_point
from exactformer.errors import Faults, InvalidInput, shown
from exactformer.networks import Affine, Network, check_domain, check_network
from exactformer.piecewise import construction
from exactformer.piecewise.cells import Cell, cell, inside, joined, lowest, opposite, ordered, tidied
from exactformer.piecewise.overlay import combined, differing, domain_of, intersection, larger, within
from exactformer.piecewise.pieces import Piece, read_piece
from exactformer.piecewise.reading import check_ascending, check_ground, read_nested, read_simplices
from exactformer.piecewise.shown import function_latex, function_text, place_text
from exactformer.piecewise.walls import Wall, walls_of
from exactformer.polyhedra.lp import Inside, Minimum, Point, Row
from exactformer.polyhedra.lp import inside as common_point
from exactformer.rational import Matrix, Vector, exact_text, listed, rational, read_rational, read_vector
from exactformer.subdivision.search import domain_rows

if TYPE_CHECKING:
    from exactformer.documents.picture import Picture


@dataclass(frozen=True)
class Extremum:
    """The least or the largest value of a function, and a point where it is attained.

    Where there is none, `value` is None, and from `point` on along `direction` the function falls, or grows, for ever.
    """

    value: Fraction | None
    point: Point
    direction: Point | None = None


@dataclass(frozen=True, eq=False, repr=False)
class CPWL:
    """A continuous piecewise linear function of one to several inputs on a domain with inside, exact.

    Its cells are polyhedra with disjoint insides that make up the domain, each with one affine piece. Functions are
    made by `of` (cells and pieces), `affine`, `variables` (inputs, to be combined by +, -, *, abs, `max` and `min`),
    `knots`, `on_grid`, `on_triangulation`, `of_sympy` and `of_network`; all of these prove continuity, or know it.

    >>> x, = CPWL.variables(1)
    >>> f = abs(x).min(1)
    >>> print(f.text())
    1   where x ≤ −1
    −x  where −1 ≤ x ≤ 0
    x   where 0 ≤ x ≤ 1
    1   where x ≥ 1
    >>> f("1/3"), f == 1 - (1 - abs(x)).max(0)
    (Fraction(1, 3), True)
    """

    domain: Domain
    cells: tuple[Cell, ...]

    # --- making -----------------------------------------------------------------------------------------

    @staticmethod
    def of(cells: Iterable[tuple[Domain, Any]], domain: Domain | None = None) -> CPWL:
        """The function with the given pieces: pairs of a polyhedron and the (weights, constant) of its piece.

        The polyhedra cover the domain, which is all of R^n if it is not given; they may overlap or be flat. That the
        pieces agree wherever two polyhedra meet is proved, so that the function is one, and continuous.

        Raises `InvalidInput` for data of a wrong form; `Discontinuous` (an `InvalidInput`) with a point where two
        pieces differ, `Undefined` with one in no polyhedron.

        >>> CPWL.of([(Domain((None,), (Fraction(0),), Matrix((0, 1)), Vector(())), ([-1], 0)),
        ...          (Domain((Fraction(0),), (None,), Matrix((0, 1)), Vector(())), ([1], 0))])(-2)
        Fraction(2, 1)
        """
        faults = Faults()
        check_domain(domain, faults)
        items = list(cells) if isinstance(cells, Iterable) else []
        if not items:
            faults.add("cells", "at least one pair of a polyhedron and a piece", shown(cells))
        parts = []
        dimension = None if not isinstance(domain, Domain) else domain.dimension
        for i, item in enumerate(items):
            place = f"cells[{i}]"
            if not isinstance(item, (tuple, list)) or len(item) != 2 or not isinstance(item[0], Domain):
                faults.add(place, "a pair of a polyhedron (ef.Box, ef.Polyhedron) and a piece", shown(item))
                continue
            dimension = item[0].dimension if dimension is None else dimension
            if item[0].dimension != dimension:
                faults.add(place, f"{dimension} inputs", f"{item[0].dimension}")
                continue
            parts.append((domain_rows(item[0]), read_piece(item[1], dimension, place, faults)))
        faults.settle()
        ground = Domain.everything(dimension or 0) if domain is None else domain
        return CPWL(ground, construction.cells_of_parts(parts, ground))

    @staticmethod
    def affine(weights: Any, constant: Any = 0, domain: Domain | None = None) -> CPWL:
        """The affine function weights . x + constant. Raises `InvalidInput` for anything but numbers."""
        faults = Faults()
        found = read_vector(weights, "weights", None, faults).fractions()
        number = read_rational(constant, "constant", faults)
        check_ground(domain, len(found), faults)
        faults.settle()
        ground = Domain.everything(len(found)) if domain is None else domain
        whole = cell(construction.rows_of(ground), Piece(found, number))
        assert whole is not None  # the domain has inside
        return CPWL(ground, (whole,))

    @staticmethod
    def variables(count: int, domain: Domain | None = None) -> tuple[CPWL, ...]:
        """The inputs x1, ..., xn as functions, to be combined into others."""
        faults = Faults()
        POSITIVE.check(count, "variables", faults)
        faults.settle()
        return tuple(CPWL.affine([int(i == j) for j in range(count)], 0, domain) for i in range(count))

    @staticmethod
    def knots(places: Any, values: Any, *, left: Any = None, right: Any = None) -> CPWL:
        """The function of one variable that is linear between its values at ascending places.

        Its domain ends at the first and the last place; with a slope `left` or `right` it goes on with that slope.
        Raises `InvalidInput` for fewer than two places (one, if both slopes are given), or places that do not ascend.
        """
        faults = Faults()
        xs = read_vector(places, "places", None, faults).fractions()
        ys = read_vector(values, "values", len(xs), faults).fractions()
        slopes = [
            None if s is None else read_rational(s, name, faults) for s, name in ((left, "left"), (right, "right"))
        ]
        least = 1 if left is not None and right is not None else 2
        if len(xs) < least and not faults.reasons:
            faults.add("places", f"at least {least}, in ascending order", f"{len(xs)}")
        check_ascending(xs, "places", faults)
        faults.settle()
        ends = [None if slope is not None else x for slope, x in zip(slopes, (xs[0], xs[-1]), strict=True)]
        domain = Domain((ends[0],), (ends[1],), Matrix((0, 1)), Vector(()))
        return CPWL(domain, joined(construction.cells_of_knots(xs, ys, slopes[0], slopes[1])))

    @staticmethod
    def on_grid(axes: Any, values: Any) -> CPWL:
        """The interpolant of values on a grid, linear on each simplex of Kuhn's triangulation (theory, section 4).

        `axes` lists the ascending places of each input, `values[i1]...[in]` the value at (axes[0][i1], ...). The cells
        are the N1 ... Nn n! simplices. Raises `InvalidInput` for shapes that do not fit and places that do not ascend.
        """
        faults = Faults()
        found = [read_vector(a, f"axes[{i}]", None, faults).fractions() for i, a in enumerate(listed(axes) or [])]
        if not found:
            faults.add("axes", "a list of ascending places for each input", shown(axes))
        for i, axis in enumerate(found):
            if len(axis) < 2:
                faults.add(f"axes[{i}]", "at least 2 places", f"{len(axis)}")
            check_ascending(axis, f"axes[{i}]", faults)
        numbers: list[Fraction] = []
        read_nested(values, "values", tuple(map(len, found)), numbers, faults)
        faults.settle()
        cells = construction.cells_of_grid(found, numbers)
        domain = Domain(tuple(a[0] for a in found), tuple(a[-1] for a in found), Matrix((0, len(found))), Vector(()))
        return CPWL(domain, ordered(cells))

    @staticmethod
    def on_triangulation(points: Any, simplices: Any, values: Any, domain: Domain | None = None) -> CPWL:
        """The interpolant of values at points, linear on each simplex, given by the numbers of its n + 1 points.

        The domain is the box around the points if it is not given; that the simplices cover it, and that the function
        is continuous, is proved. Raises `InvalidInput` for flat simplices and for data that do not fit, and as `of`.
        """
        faults = Faults()
        rows = listed(points) or []
        n = len(listed(rows[0]) or []) if rows else 0
        if not n:
            faults.add("points", "a list of points", shown(points))
            faults.settle()
        corners = [read_vector(p, f"points[{i}]", n, faults).fractions() for i, p in enumerate(rows)]
        heights = read_vector(values, "values", len(corners), faults).fractions()
        chosen = read_simplices(simplices, n, len(corners), faults)
        check_ground(domain, n, faults)
        faults.settle()
        parts = []
        for i, numbers in enumerate(chosen):
            each = construction.simplex([corners[k] for k in numbers], [heights[k] for k in numbers])
            if each is None:
                faults.add(f"simplices[{i}]", "corners that span a simplex with inside", f"{list(numbers)}")
            else:
                parts.append((each.rows, each.piece))
        faults.settle()
        if domain is None:
            ends = [[end(p[j] for p in corners) for j in range(n)] for end in (min, max)]
            domain = Domain(tuple(ends[0]), tuple(ends[1]), Matrix((0, n)), Vector(()))
        return CPWL(domain, construction.cells_of_parts(parts, domain, "simplices"))

    @staticmethod
    def of_network(network: Network, domain: Domain | None = None, *, output: int = 0) -> CPWL:
        """One output of a network on a domain, by default its own, else all of R^n; by its linear regions.

        Raises `InvalidInput` for arguments that do not fit and a domain without inside, `Discontinuous` for a
        Transformer whose output jumps, `Unsupported` as `regions` does.
        """
        faults = Faults()
        check_network(network, "network", faults)
        NATURAL.check(output, "output", faults)
        faults.settle()
        check_ground(domain, network.inputs, faults)
        if output >= network.outputs:
            faults.add("output", f"an output from 0 to {network.outputs - 1}", f"{output}")
        faults.settle()
        ground = domain or network.domain or Domain.everything(network.inputs)
        return CPWL(ground, joined(construction.cells_of_network(network, ground, output)))

    @staticmethod
    def of_sympy(expression: Any, variables: Sequence[Any] | None = None, domain: Domain | None = None) -> CPWL:
        """The function that a SymPy expression of Max, Min, Abs, Piecewise and affine parts is; see `sympy_bridge`.

        `variables` are the inputs in order, by default the free symbols sorted by name. Raises `Unsupported` with its
        reason for what is not piecewise linear with rational coefficients, `Discontinuous` and `Undefined` as `of`.
        """
        from exactformer.piecewise.sympy_bridge import parts_of

        faults = Faults()
        check_domain(domain, faults)
        faults.settle()
        parts, ground = parts_of(expression, variables, domain)
        return CPWL(ground, joined(construction.cells_of_parts(parts, ground, "expression")))

    # --- what it is -------------------------------------------------------------------------------------

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.domain.dimension

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The different affine functions that it is made of, in the order of the cells."""
        return tuple(dict.fromkeys(each.piece for each in self.cells))

    @cached_property
    def walls(self) -> tuple[Wall, ...]:
        """The common facets of the cells, with the jumps of the slope across them."""
        return walls_of(self.cells)

    @property
    def is_convex(self) -> bool:
        """Whether it is convex: locally so across every wall, which suffices on a convex domain."""
        return all(wall.jump >= 0 for wall in self.walls)

    @property
    def is_concave(self) -> bool:
        """Whether it is concave."""
        return all(wall.jump <= 0 for wall in self.walls)

    def __call__(self, point: Any) -> Fraction:
        """The exact value at a point; with one input, at a number, too.

        Raises `InvalidInput` when the point does not fit, and outside the domain.
        """
        items = [point] if self.inputs == 1 and listed(point) is None else point
        x = exact_point(items, self.inputs).fractions()
        home = self._home(x)
        if home is None:
            raise InvalidInput(f"point: expected one in {self.domain}, found {place_text(x)}")
        return home.piece(x)

    def values(self, points: Iterable[Any]) -> tuple[Fraction, ...]:
        """The exact values at many points."""
        if not isinstance(points, Iterable):
            raise InvalidInput(f"points: expected a list of points, found {shown(points)}")
        return tuple(self(point) for point in points)

    def _home(self, x: Point) -> Cell | None:
        """A cell that contains the point."""
        if self.inputs > 1:
            return next((each for each in self.cells if each.contains(x)), None)
        at = bisect_right(self._starts, x[0]) - 1
        return self.cells[at] if at >= 0 and self.cells[at].contains(x) else None

    @cached_property
    def _starts(self) -> list[Fraction | float]:
        return [each.box[0][0] for each in self.cells]

    @cached_property
    def ground(self) -> tuple[Row, ...]:
        """The rows of the domain."""
        return construction.rows_of(self.domain)

    # --- algebra ----------------------------------------------------------------------------------------

    def __add__(self, other: CPWL | Any) -> CPWL:
        g = self._other(other)
        if g is None:
            return NotImplemented
        if isinstance(g, Piece):
            return self._mapped(lambda piece: piece + g)
        return self._with(g, lambda a, b: combined(a, b, lambda p, q: p + q))

    def __mul__(self, factor: Any) -> CPWL:
        if isinstance(factor, CPWL):
            raise InvalidInput("product: expected a number as one factor, found two functions")
        number = self._other(factor)
        if not isinstance(number, Piece):
            return NotImplemented
        if number.constant == 0:
            return CPWL.affine([0] * self.inputs, 0, self.domain)
        return self._mapped(lambda piece: piece.times(number.constant))

    __radd__ = __add__
    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> CPWL:
        number = rational(divisor, "quotient")
        if number == 0:
            raise InvalidInput("quotient: expected a number that is not zero, found 0")
        return self * (1 / number)

    def __neg__(self) -> CPWL:
        return self._mapped(lambda piece: -piece)

    def __pos__(self) -> CPWL:
        return self

    def __sub__(self, other: CPWL | Any) -> CPWL:
        g = self._other(other)
        return NotImplemented if g is None else self + (-g.constant if isinstance(g, Piece) else -g)

    def __rsub__(self, other: Any) -> CPWL:
        return (-self).__add__(other)

    def __abs__(self) -> CPWL:
        return self.max(-self)

    def max(self, *others: CPWL | Any) -> CPWL:
        """The pointwise maximum of this and other functions or numbers."""
        found = self
        for other in others:
            g = found._function(other, "max")
            found = found._with(g, larger)
        return found

    def min(self, *others: CPWL | Any) -> CPWL:
        """The pointwise minimum of this and other functions or numbers."""
        return -(-self).max(*(-self._function(other, "min") for other in others))

    def after(self, affine: Affine, domain: Domain | None = None) -> CPWL:
        """The function x -> self(affine(x)) on the given domain, by default all x that the affine map takes to its own.

        Raises `InvalidInput` when the map has other outputs, or when no x with points around it is left.
        """
        faults = Faults()
        if instance(affine, Affine, "an Affine map", "affine", faults) and affine.outputs != self.inputs:
            faults.add("affine", f"{self.inputs} outputs", f"{affine.outputs}")
        faults.settle()
        check_ground(domain, affine.inputs, faults)
        faults.settle()
        back = preimage(self.ground, affine)
        ground = back if domain is None else intersection(domain, back)
        rows = construction.rows_of(ground)
        found = []
        for each in self.cells:
            moved = [Piece.of_row(row).after(affine).row for row in each.rows]
            part = cell((*moved, *rows), each.piece.after(affine))
            found += [] if part is None else [part]
        return CPWL(ground, joined(found))

    def then(self, g: CPWL) -> CPWL:
        """The function x -> g(self(x)), g of one variable. Raises `InvalidInput` where g is not defined at a value."""
        if not isinstance(g, CPWL) or g.inputs != 1:
            found = f"one of {g.inputs}" if isinstance(g, CPWL) else shown(g)
            raise InvalidInput(f"then: expected a function of one variable, found {found}")
        for extremum in (self.minimum(), self.maximum()):
            if extremum.value is None:
                covered = (g.domain.lower if extremum == self.minimum() else g.domain.upper)[0] is None
            else:
                covered = g.domain.contains([extremum.value])
            if not covered:
                found = "values without bound" if extremum.value is None else f"the value {exact_text(extremum.value)}"
                raise InvalidInput(f"then: expected values in {g.domain}, found {found}")
        parts = []
        for each in self.cells:
            for outer in g._reached(each):
                (slope,), constant = outer.piece.weights, outer.piece.constant
                piece = each.piece.times(slope) + Piece.number(constant, self.inputs)
                rows = [_composed(row, each.piece) for row in outer.rows]
                part = cell((*each.rows, *rows), piece)
                parts += [] if part is None else [part]
        return CPWL(self.domain, joined(parts))

    def _reached(self, inner: Cell) -> Iterator[Cell]:
        """The cells of a function of one variable that values of a piece on its cell may lie in."""
        low = lowest(inner)
        high = lowest(inner.having(-inner.piece))
        least = low.value if isinstance(low, Minimum) else -inf
        most = -high.value if isinstance(high, Minimum) else inf
        for outer in self.cells[max(0, bisect_right(self._starts, least) - 1) :]:
            if outer.box[0][0] > most:
                break
            yield outer
            if inner.piece.is_constant:
                break

    def restricted(self, domain: Domain) -> CPWL:
        """The same function on the common part of both domains. Raises `InvalidInput` if that has no inside."""
        faults = Faults()
        instance(domain, Domain, "a domain", "domain", faults)
        check_ground(domain, self.inputs, faults)
        faults.settle()
        ground = intersection(self.domain, domain)
        return CPWL(ground, within(self.cells, construction.rows_of(ground)))

    def simplified(self) -> CPWL:
        """The same function, cells with one piece put together as long as two of them make up a polyhedron."""
        return CPWL(self.domain, joined(self.cells))

    def _other(self, other: Any) -> CPWL | Piece | None:
        """The other operand: a function, a number as a constant piece, or None for all else."""
        if isinstance(other, CPWL):
            return other
        try:
            return Piece.number(rational(other), self.inputs)
        except InvalidInput:
            return None

    def _function(self, other: Any, place: str) -> CPWL:
        if isinstance(other, CPWL):
            return other
        return CPWL.affine([0] * self.inputs, rational(other, place), self.domain)

    def _mapped(self, change: Callable[[Piece], Piece]) -> CPWL:
        return CPWL(self.domain, tuple(each.having(change(each.piece)) for each in self.cells))

    def _with(self, other: CPWL, join: Callable[[Sequence[Cell], Sequence[Cell]], tuple[Cell, ...]]) -> CPWL:
        """The combination with another function on the common part of both domains."""
        if other.inputs != self.inputs:
            raise InvalidInput(f"functions: expected equally many inputs, found {self.inputs} and {other.inputs}")
        if self.domain == other.domain:
            return CPWL(self.domain, join(self.cells, other.cells))
        ground = intersection(self.domain, other.domain)
        construction.rows_of(ground)
        return CPWL(ground, join(self.cells, other.cells))

    # --- comparison -------------------------------------------------------------------------------------

    def differs(self, other: CPWL) -> Point | None:
        """A point of both domains at which the functions differ; None is a proof that they are equal there."""
        g = self._function(other, "differs")
        if g.inputs != self.inputs:
            raise InvalidInput(f"functions: expected equally many inputs, found {self.inputs} and {g.inputs}")
        return differing(self.cells, g.cells)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same function: one domain as a set, and one value at each of its points."""
        if not isinstance(other, CPWL):
            return NotImplemented
        if self.inputs != other.inputs or set(self.pieces) != set(other.pieces):
            return False
        same = self.domain == other.domain or (
            _implies(self.ground, other.ground) and _implies(other.ground, self.ground)
        )
        return same and differing(self.cells, other.cells) is None

    def __hash__(self) -> int:
        return hash(frozenset(self.pieces))

    def minimum(self) -> Extremum:
        """The least value, with a point where it is attained; if there is none, a direction along which it falls."""
        best: Extremum | None = None
        for each in self.cells:
            low = lowest(each)
            if not isinstance(low, Minimum):
                return Extremum(None, each.point, _falling(each))
            if best is None or best.value is None or low.value < best.value:
                best = Extremum(low.value, low.point)
        assert best is not None  # there is a cell
        return best

    def maximum(self) -> Extremum:
        """The largest value, with a point where it is attained; if there is none, a direction along which it grows."""
        low = (-self).minimum()
        return Extremum(None if low.value is None else -low.value, low.point, low.direction)

    # --- showing ----------------------------------------------------------------------------------------

    def text(self) -> str:
        """A line for each cell, at most 50: its piece, and where it holds."""
        return function_text(self.cells, self.ground)

    def latex(self) -> str:
        """The function in LaTeX, by cases."""
        return function_latex(self.cells, self.ground)

    def sympy(self, variables: Sequence[Any] | None = None) -> Any:
        """The function as a SymPy expression, `Piecewise` over its cells; the inputs are x, or x1, x2, ..."""
        from exactformer.piecewise.sympy_bridge import expression_of

        return expression_of(self.cells, self.ground, variables)

    def picture(self, window: Domain | None = None) -> Picture:
        """The graph of one variable, or the cells in the plane, in a window that bounds every input.

        The window is the domain if it is not given. Raises `Unsupported` for more inputs and an unbounded window.
        """
        from exactformer.piecewise.drawing import picture_of

        return picture_of(self, window)

    def draw(self, path: str | Path, window: Domain | None = None) -> None:
        """Draw the function into an SVG file. Raises as `picture`, and `InvalidInput` for a place of another kind."""
        from exactformer.piecewise.drawing import draw

        draw(self, path, window)

    def _repr_html_(self) -> str:
        from exactformer.piecewise.drawing import html

        return html(self)

    def __str__(self) -> str:
        count = len(self.cells)
        return f"CPWL: R^{self.inputs} -> R, {count} cell{'s'[: count != 1]} on {self.domain}"

    def __repr__(self) -> str:
        return f"<{self}>"


def check_function(value: Any) -> None:
    """Raises `InvalidInput` for anything but a function."""
    faults = Faults()
    instance(value, CPWL, "a CPWL", "function", faults)
    faults.settle()


def preimage(rows: Sequence[Row], affine: Affine) -> Domain:
    """The points that an affine map takes to where all rows hold."""
    moved = [Piece.of_row(row).after(affine) for row in rows]
    kept = [piece.row for piece in moved if not piece.is_constant or piece.constant < 0]
    return domain_of(kept, affine.inputs)


def _composed(row: Row, piece: Piece) -> Row:
    ((a,), b) = row
    return (piece.times(Fraction(a)) + Piece.number(Fraction(b), len(piece.weights))).row


def _implies(rows: Sequence[Row], others: Sequence[Row]) -> bool:
    """Whether all points inside of the rows satisfy the others."""
    for row in others:
        left = None if row in rows else tidied((*rows, opposite(row)))
        if left is not None and inside(left, len(row[0])) is not None:
            return False
    return True


def _falling(each: Cell) -> Point:
    """A direction in which a cell goes on for ever, and its piece falls by at least 1 a step."""
    steps = [(a, 0) for a, _ in each.rows]
    slope = Piece(each.piece.weights, Fraction(0))
    fall = (-slope + Piece.number(Fraction(-1), each.dimension)).row
    answer = common_point([*steps, fall], [False] * (len(steps) + 1), each.dimension)
    assert isinstance(answer, Inside)  # the piece has no least value on the cell
    return answer.point
