"""What the parts of a network do to exact vectors, and these as an algebra of `walk`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from exactformer.networks.affine import Affine
from exactformer.networks.semantics import Semantics
from exactformer.rational import Matrix, Vector


def rectified(x: Vector) -> Vector:
    """max(x_i, 0) for each i."""
    return Vector.over([max(n, 0) for n in x.numerators], x.denominator)


def maxima(pieces: Vector, rank: int) -> Vector:
    """The largest of each `rank` pieces that follow each other."""
    n = pieces.numerators
    return Vector.over([max(n[i : i + rank]) for i in range(0, len(n), rank)], pieces.denominator)


def attended(query: Vector, keys: Sequence[Vector], values: Sequence[Vector], semantics: Semantics) -> Vector:
    """The mean value of the tokens that share the weight, in the hard limit of attention."""
    scores = [dot(key, query) for key in keys]
    top = max(scores)
    chosen = semantics.sharing([value for value, score in zip(values, scores, strict=True) if score == top])
    total = chosen[0]
    for value in chosen[1:]:
        total = total + value
    return Vector.over(total.numerators, total.denominator * len(chosen))


def dot(left: Vector, right: Vector) -> Fraction:
    """The scalar product."""
    products = (a * b for a, b in zip(left.numerators, right.numerators, strict=True))
    return Fraction(sum(products), left.denominator * right.denominator)


@dataclass(frozen=True)
class Exact:
    """The algebra of exact vectors; it notes what each head, by its place, is asked by each token and hands to it."""

    semantics: Semantics
    handed: dict[tuple[str, int], Vector] = field(default_factory=dict)
    asked: dict[tuple[str, int], tuple[Vector, Mapping[int, Vector]]] = field(default_factory=dict)  # query and keys

    def affine(self, part: Affine, x: Vector) -> Vector:
        """The map at x."""
        return part(x)

    def linear(self, part: Matrix, x: Vector) -> Vector:
        """The matrix times x."""
        return part @ x

    def add(self, x: Vector, y: Vector) -> Vector:
        """The sum."""
        return x + y

    def relu(self, place: str, x: Vector) -> Vector:
        """max(x_i, 0) for each i."""
        return rectified(x)

    def maximum(self, place: str, pieces: Vector, rank: int) -> Vector:
        """The largest of each `rank` pieces that follow each other."""
        return maxima(pieces, rank)

    def attend(
        self, head: str, q: int, query: Vector, keys: Mapping[int, Vector], values: Mapping[int, Vector]
    ) -> Vector:
        """The mean value of the tokens that share the weight."""
        self.asked[head, q] = query, keys
        self.handed[head, q] = attended(query, list(keys.values()), list(values.values()), self.semantics)
        return self.handed[head, q]
