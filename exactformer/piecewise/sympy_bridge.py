"""SymPy expressions as parts of piecewise linear functions, and back; SymPy itself decides nothing.

An expression is walked over a set of points, given by rows that are >= 0 or > 0, and comes back as parts: smaller sets
with one affine piece each. `Max`, `Min`, `Abs` and the conditions of `Piecewise` cut a set where two pieces are equal;
which of several conditions holds first is kept exactly, on boundaries, too. Continuity is then for `cells_of_parts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from exactformer.domain import Domain
from exactformer.errors import InvalidInput, Unsupported, printable
from exactformer.piecewise.cells import Cell, interval, opposite
from exactformer.piecewise.construction import Part, Undefined, rows_of
from exactformer.piecewise.pieces import Piece
from exactformer.piecewise.shown import input_names
from exactformer.polyhedra.lp import Inside, Row
from exactformer.polyhedra.lp import inside as common_point
from exactformer.rational import listed

Points = tuple[tuple[Row, bool], ...]  # rows, each with whether it is > 0 and not only >= 0
LONG = 60


def parts_of(expression: Any, variables: Sequence[Any] | None, domain: Domain | None) -> tuple[list[Part], Domain]:
    """The parts of an expression, with the domain. Raises `Unsupported`, `InvalidInput` and `Undefined`."""
    import sympy  # type: ignore[import-untyped]

    try:
        tree = sympy.sympify(expression, strict=True)
    except (sympy.SympifyError, TypeError, ValueError):
        tree = None
    if not isinstance(tree, sympy.Expr):
        raise InvalidInput(f"expression: expected a SymPy expression, found {type(expression).__name__}")
    try:
        names = _names(tree, variables)
        ground = Domain.everything(len(names)) if domain is None else domain
        if ground.dimension != len(names):
            raise InvalidInput(f"domain: expected {len(names)} inputs, found {ground.dimension}")
        everywhere = tuple((row, False) for row in rows_of(ground))
        found = list(_Walk(names).parts(tree, everywhere))
    except RecursionError:
        raise Unsupported(
            "expression: expected one that is nested less deeply, found one past Python's limit"
        ) from None
    return [(tuple(row for row, _ in points), piece) for points, piece in found], ground


def _names(tree: Any, variables: Sequence[Any] | None) -> list[Any]:
    """The inputs in order. Raises `InvalidInput` unless they are different symbols, with all of the expression."""
    import sympy

    names = listed(variables) or [] if variables is not None else sorted(tree.free_symbols, key=str)
    if not names or not all(isinstance(name, sympy.Symbol) for name in names) or len(set(names)) < len(names):
        raise InvalidInput(
            f"variables: expected different SymPy symbols, at least one, found {_short(variables or names)}"
        )
    unknown = sorted(map(str, tree.free_symbols - set(names)))
    if unknown:
        raise InvalidInput(f"variables: expected all symbols of the expression, found {', '.join(unknown)} in it, too")
    return names


def _short(value: Any) -> str:
    text = printable(str(value))
    return text if len(text) <= LONG else text[:LONG] + "..."


class _Walk:
    """The walk over an expression in the given variables."""

    def __init__(self, names: Sequence[Any]) -> None:
        n = len(names)
        self.dimension = n
        units = [tuple(Fraction(int(i == j)) for j in range(n)) for i in range(n)]
        self.inputs = {name: Piece(unit, Fraction(0)) for name, unit in zip(names, units, strict=True)}

    def parts(self, e: Any, points: Points) -> Iterator[tuple[Points, Piece]]:
        """The parts of an expression on a set of points."""
        import sympy

        if e in self.inputs:
            yield points, self.inputs[e]
        elif e.is_Rational:
            yield points, Piece.number(Fraction(int(e.p), int(e.q)), self.dimension)
        elif e.is_Add:
            yield from self._sums(e.args, points)
        elif e.is_Mul:
            yield from self._product(e, points)
        elif isinstance(e, (sympy.Max, sympy.Min)):
            yield from self._largest(e.args, points, 1 if isinstance(e, sympy.Max) else -1)
        elif isinstance(e, sympy.Abs):
            for part, piece in self.parts(e.args[0], points):  # walked once, whatever the depth
                yield from self._larger(piece, -piece, part)
        elif isinstance(e, sympy.Piecewise):
            yield from self._first(e.args, points)
        else:
            raise Unsupported(f"expression: expected Max, Min, Abs, Piecewise and rational affine parts, {_reason(e)}")

    def _sums(self, terms: Sequence[Any], points: Points) -> Iterator[tuple[Points, Piece]]:
        if not terms:
            yield points, Piece.number(Fraction(0), self.dimension)
            return
        for inner, rest in self._sums(terms[1:], points):
            for part, piece in self.parts(terms[0], inner):
                yield part, piece + rest

    def _product(self, e: Any, points: Points) -> Iterator[tuple[Points, Piece]]:
        number, rest = e.as_coeff_Mul()
        if not number.is_Rational or number == 1:
            raise Unsupported(f"expression: expected products of a rational number and one factor, {_reason(e)}")
        for part, piece in self.parts(rest, points):
            yield part, piece.times(Fraction(int(number.p), int(number.q)))

    def _largest(self, candidates: Sequence[Any], points: Points, sign: int) -> Iterator[tuple[Points, Piece]]:
        """The parts of the maximum (sign 1) or minimum (sign -1) of the candidates."""
        *before, last = candidates
        if not before:
            yield from self.parts(last, points)
            return
        for inner, best in self._largest(before, points, sign):
            for part, piece in self.parts(last, inner):
                yield from self._larger(best, piece, part, sign)

    def _larger(self, first: Piece, second: Piece, points: Points, sign: int = 1) -> Iterator[tuple[Points, Piece]]:
        """The parts where the first of two pieces is the larger (sign 1) or smaller one (sign -1), and the others."""
        row = (first - second).times(Fraction(sign)).row
        for rows, chosen in (((row, False), first), ((opposite(row), True), second)):
            if _inhabited((*points, rows), self.dimension):
                yield (*points, rows), chosen

    def _first(self, branches: Sequence[Any], points: Points) -> Iterator[tuple[Points, Piece]]:
        """The parts of the first branch whose condition holds. Raises `Undefined` where none does."""
        left = [points]
        for value, condition in branches:
            rest = []
            for part in left:
                for where, holds in self.split(condition, part):
                    if holds:
                        yield from self.parts(value, where)
                    else:
                        rest.append(where)
            left = rest
        if left:
            answer = common_point([r for r, _ in left[0]], [s for _, s in left[0]], self.dimension)
            assert isinstance(answer, Inside)  # only inhabited sets are kept
            raise Undefined(answer.point, "expression")

    def split(self, condition: Any, points: Points) -> Iterator[tuple[Points, bool]]:
        """Sets that make up the given one, each with whether the condition holds on all of it."""
        import sympy

        if condition in (sympy.true, sympy.false):
            yield points, condition == sympy.true
        elif isinstance(condition, (sympy.And, sympy.Or)):
            stop = isinstance(condition, sympy.Or)  # one that holds decides, or one that fails
            left = [points]
            for each in condition.args:
                rest = []
                for part in left:
                    for where, holds in self.split(each, part):
                        if holds == stop:
                            yield where, stop
                        else:
                            rest.append(where)
                left = rest
            yield from ((where, not stop) for where in left)
        elif isinstance(condition, sympy.Not):
            yield from ((where, not holds) for where, holds in self.split(condition.args[0], points))
        elif isinstance(condition, sympy.core.relational.Relational):
            yield from self._compared(condition, points)
        else:
            raise Unsupported(f"expression: expected conditions that compare affine parts, {_reason(condition)}")

    def _compared(self, condition: Any, points: Points) -> Iterator[tuple[Points, bool]]:
        import sympy

        signs = {
            sympy.GreaterThan: (True, True, False),
            sympy.StrictGreaterThan: (True, False, False),
            sympy.LessThan: (False, True, True),
            sympy.StrictLessThan: (False, False, True),
            sympy.Equality: (False, True, False),
            sympy.Unequality: (True, False, True),
        }[type(condition)]  # whether it holds where left - right is positive, zero, negative
        for part, difference in self._sums((condition.lhs, -condition.rhs), points):
            row = difference.row
            sides = [((row, True),), ((row, False), (opposite(row), False)), ((opposite(row), True),)]
            for rows, holds in zip(sides, signs, strict=True):
                if _inhabited((*part, *rows), self.dimension):
                    yield (*part, *rows), holds


def _inhabited(points: Points, dimension: int) -> bool:
    """Whether the set has a point."""
    if dimension == 1:
        low, high = interval([row for row, _ in points])
        middle = [x for x in (low, high) if isinstance(x, Fraction)]
        if low < high:
            return all(any(a) or (b > 0 if strict else b >= 0) for (a, b), strict in points)
        return low == high and all(
            (a * middle[0] + b > 0) if strict else (a * middle[0] + b >= 0) for ((a,), b), strict in points
        )
    return isinstance(common_point([row for row, _ in points], [strict for _, strict in points], dimension), Inside)


def _reason(e: Any) -> str:
    """Why an expression is none of the above, in a few words."""
    if e.is_Mul:  # the factor that is to blame, if it is a number
        e = next((arg for arg in e.args if arg.is_number and not arg.is_Rational), e)
    if e.is_Float:
        return f"found the float {_short(e)}, which is rounded: write it as Rational"
    if e.is_number:
        return f"found {_short(e)}, which is no rational number"
    if e.is_Pow or e.is_Mul:
        return f"found {_short(e)}, which is not linear"
    return f"found {_short(e)}"


def expression_of(cells: Sequence[Cell], ground: Sequence[Row], variables: Sequence[Any] | None) -> Any:
    """The SymPy expression of a function: its piece, or `Piecewise` with the conditions of its cells."""
    import sympy

    n = cells[0].dimension
    names = [sympy.Symbol(name) for name in input_names(n)] if variables is None else listed(variables) or []
    if len(names) != n or not all(isinstance(name, sympy.Symbol) for name in names):
        raise InvalidInput(f"variables: expected {n} SymPy symbols, found {_short(names)}")

    def affine(piece: Piece) -> Any:
        terms = [sympy.Rational(w.numerator, w.denominator) * x for w, x in zip(piece.weights, names, strict=True)]
        return sympy.Add(*terms, sympy.Rational(piece.constant.numerator, piece.constant.denominator))

    if len(cells) == 1 and not ground:
        return affine(cells[0].piece)
    branches = [
        (affine(each.piece), sympy.And(*(sympy.Ge(affine(Piece.of_row(row)), 0) for row in each.rows)))
        for each in cells
    ]
    if not ground:
        branches[-1] = (branches[-1][0], True)
    return sympy.Piecewise(*branches, evaluate=False)
