"""Named coordinate subspaces, and exact affine and gated expressions over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any, NoReturn

from exactformer.errors import Faults, InvalidInput, did_you_mean, shown
from exactformer.rational import rational

Number = int | str | Fraction


@dataclass(frozen=True, init=False)
class Space:
    """The direct sum of named coordinate subspaces, in the order given: `Space("x", "out", position=3)`.

    A plain name is one coordinate, a keyword gives the dimension of its subspace.

    >>> state = Space("x", position=2)
    >>> state.dimension, state.coordinates
    (3, ('x', 'position[0]', 'position[1]'))

    Raises `InvalidInput`, listing every fault: a name twice, a dimension that is no positive integer.
    """

    sizes: tuple[tuple[str, int], ...]

    def __init__(self, /, *names: str, **sizes: int) -> None:
        faults = Faults()
        pairs = [*((name, 1) for name in names), *sizes.items()]
        for i, (name, size) in enumerate(pairs):
            if not isinstance(name, str) or not name:
                faults.add("space", "names of subspaces", name)
            elif name in [other for other, _ in pairs[:i]]:
                faults.add("space", "every name once", f"the name {name!r} again")
            if type(size) is not int or size < 1:
                faults.add(f"space, subspace {name!r}", "a dimension >= 1", size)
        faults.settle()
        object.__setattr__(self, "sizes", tuple(pairs))

    @property
    def dimension(self) -> int:
        """The number of coordinates."""
        return sum(size for _, size in self.sizes)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The name of each coordinate: `x`, or `position[0]`, ... in a subspace of several dimensions."""
        return tuple(name if size == 1 else f"{name}[{i}]" for name, size in self.sizes for i in range(size))

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The coordinates of each subspace in order, for unpacking: `x, out, position = state.parts`."""
        return tuple(self[name] for name, _ in self.sizes)

    def __getitem__(self, name: str) -> Expression:
        """The coordinates of a subspace, one component each. Raises `InvalidInput` for an unknown name."""
        first = 0
        for other, size in self.sizes:
            if other == name:
                return Expression(self, tuple(Row(((first + i, Fraction(1)),)) for i in range(size)))
            first += size
        hint = did_you_mean(name, [other for other, _ in self.sizes])
        raise InvalidInput(f"space: expected one of the names {self}, found {name!r}{hint}")

    def __str__(self) -> str:
        return ", ".join(name for name, _ in self.sizes)


@dataclass(frozen=True)
class Row:
    """constant + sum of c * coordinate over `linear` + sum of c * relu(row) over `gates`.

    Coordinates ascend, gates stand in the order in which they were written, and no coefficient is zero.
    """

    linear: tuple[tuple[int, Fraction], ...] = ()
    gates: tuple[tuple[Row, Fraction], ...] = ()
    constant: Fraction = Fraction(0)

    def plus(self, other: Row) -> Row:
        """The sum of both."""
        linear, gates = dict(self.linear), dict(self.gates)
        for i, c in other.linear:
            linear[i] = linear.get(i, Fraction(0)) + c
        for gate, c in other.gates:
            gates[gate] = gates.get(gate, Fraction(0)) + c
        kept = tuple((gate, c) for gate, c in gates.items() if c)
        return Row(tuple((i, c) for i, c in sorted(linear.items()) if c), kept, self.constant + other.constant)

    def times(self, factor: Fraction) -> Row:
        """The multiple by a number."""
        if factor == 0:
            return Row()
        linear = tuple((i, c * factor) for i, c in self.linear)
        return Row(linear, tuple((gate, c * factor) for gate, c in self.gates), self.constant * factor)

    def text(self, coordinates: tuple[str, ...]) -> str:
        """The row as it would be written by hand."""
        terms = [(c, coordinates[i]) for i, c in self.linear]
        terms += [(c, f"relu({gate.text(coordinates)})") for gate, c in self.gates]
        parts = [(c, name if abs(c) == 1 else f"{abs(c)} {name}") for c, name in terms]
        if self.constant or not parts:
            parts.append((self.constant, str(abs(self.constant))))
        (first, text), *others = parts
        return ("-" if first < 0 else "") + text + "".join(f" {'-' if c < 0 else '+'} {t}" for c, t in others)


@dataclass(frozen=True)
class Expression:
    """A vector of exact expressions over the coordinates of one space, one row a component.

    Formed from `Space` and `relu` by +, -, and * and / with exact numbers: integers, fractions, "p/q" and decimal text.
    A number that is added counts for every component; e[i] and e[i:j] pick components.

    >>> x, position = Space("x", position=2).parts
    >>> print(2 * x - "1/2", position - 1, relu(x) - 3 * relu(x - 1))
    2 x - 1/2 (position[0] - 1, position[1] - 1) relu(x) - 3 relu(x - 1)

    Operations raise `InvalidInput` when they cannot be formed: a product or quotient of two expressions, a comparison,
    a float (NumPy's as well), a division by zero, sizes or spaces that do not fit.
    """

    space: Space
    rows: tuple[Row, ...]

    __array_ufunc__ = None  # a NumPy integer on the left leaves the operation to this class

    def __add__(self, other: Expression | Number) -> Expression:
        if not isinstance(other, Expression):
            shift = Row(constant=exact(other, f"sum of {self} and {other!r}"))
            return Expression(self.space, tuple(row.plus(shift) for row in self.rows))
        if self.space != other.space:
            raise InvalidInput(
                f"sum of {self} and {other}: expected expressions over one space, "
                f"found one over {self.space} and one over {other.space}"
            )
        if len(self) != len(other):
            raise InvalidInput(f"sum of {self} and {other}: expected equal sizes, found {len(self)} and {len(other)}")
        return Expression(self.space, tuple(a.plus(b) for a, b in zip(self.rows, other.rows, strict=True)))

    def __mul__(self, factor: Number) -> Expression:
        if isinstance(factor, Expression):
            raise InvalidInput(f"product of {self} and {factor}: expected an exact number as one factor, found none")
        number = exact(factor, f"product of {self} and {factor!r}")
        return Expression(self.space, tuple(row.times(number) for row in self.rows))

    __radd__ = __add__
    __rmul__ = __mul__

    def __truediv__(self, divisor: Number) -> Expression:
        if isinstance(divisor, Expression):
            raise InvalidInput(f"quotient of {self} and {divisor}: expected an exact number to divide by, found none")
        number = exact(divisor, f"quotient of {self} and {divisor!r}")
        if number == 0:
            raise InvalidInput(f"quotient of {self} and {divisor!r}: expected a number that is not zero, found 0")
        return self * (1 / number)

    def __rtruediv__(self, dividend: object) -> Expression:
        raise InvalidInput(f"quotient of {dividend!r} and {self}: expected an exact number to divide by, found none")

    def __pos__(self) -> Expression:
        return self

    def __neg__(self) -> Expression:
        return self * -1

    def __sub__(self, other: Expression | Number) -> Expression:
        return self + (
            other * -1 if isinstance(other, Expression) else -exact(other, f"difference of {self} and {other!r}")
        )

    def __rsub__(self, other: Number) -> Expression:
        return -self + other

    def _compared(self, other: object) -> NoReturn:
        raise InvalidInput(
            f"comparison with {self}: expected numbers, found an expression, which has no order; "
            "relu(x) is the larger of x and 0, max_head reads the largest of several"
        )

    __lt__ = __le__ = __gt__ = __ge__ = _compared

    def __getitem__(self, index: int | slice) -> Expression:
        try:
            picked = self.rows[index]
        except (IndexError, TypeError):
            raise InvalidInput(f"{self}: expected a component from 0 to {len(self) - 1}, found {index!r}") from None
        if picked == ():
            raise InvalidInput(f"{self}: expected at least one component, found none in {index}")
        return Expression(self.space, picked if isinstance(picked, tuple) else (picked,))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Expression]:
        return (Expression(self.space, (row,)) for row in self.rows)

    def __str__(self) -> str:
        texts = [row.text(self.space.coordinates) for row in self.rows]
        return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"

    def __repr__(self) -> str:
        return f"<Expression: {self}>"


def exact(value: Any, place: str) -> Fraction:
    """The exact number; a float is refused, because 0.1 is not 1/10. Raises `InvalidInput`."""
    if isinstance(value, (str, Integral, Rational)):
        return rational(value, place)
    raise InvalidInput(f'{place}: expected an exact number (an integer, a fraction, "p/q"), found {value!r}')


def relu(argument: Expression) -> Expression:
    """max(argument, 0), component by component: one hidden unit of a feed-forward sublayer each.

    Raises `InvalidInput` for a ReLU inside a ReLU: a sublayer has one hidden layer, so that takes two blocks.
    """
    if not isinstance(argument, Expression):
        raise InvalidInput(f"relu: expected an expression, found {argument!r}")
    for row in argument.rows:
        if row.gates:
            raise InvalidInput(f"relu({argument}): expected no ReLU inside (use two blocks), found one")
    return Expression(argument.space, tuple(Row(gates=((row, Fraction(1)),)) for row in argument.rows))


def linear(argument: Expression) -> Expression:
    """The argument itself as relu(argument) - relu(-argument): two hidden units a component, exact on all of R."""
    return relu(argument) - relu(-argument)


def total(argument: Iterable[Expression]) -> Expression:
    """The sum of the components; of one-hot positions it is the constant 1 in every token.

    Raises `InvalidInput` for anything but expressions.

    >>> print(total(Space(position=3)["position"]))
    position[0] + position[1] + position[2]
    """
    items = list(argument) if isinstance(argument, Iterable) else []
    if not items or not all(isinstance(item, Expression) for item in items):
        raise InvalidInput(f"total: expected an expression, or several, found {shown(argument)}")
    first, *others = items
    for other in others:
        first = first + other
    return first


def one_hot(index: int, size: int) -> tuple[int, ...]:
    """The unit vector with a 1 at `index`. Raises `InvalidInput` when the index is out of range.

    >>> one_hot(1, 3)
    (0, 1, 0)
    """
    if type(size) is not int or size < 1:
        raise InvalidInput(f"one_hot: expected a size >= 1, found {shown(size)}")
    if type(index) is not int or not 0 <= index < size:
        raise InvalidInput(f"one_hot: expected an index from 0 to {size - 1}, found {index!r}")
    return tuple(int(i == index) for i in range(size))
