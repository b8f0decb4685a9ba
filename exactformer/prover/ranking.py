"""Which candidate of a maximum wins on a cell, by its rows alone, and what a form then is without its maxima.

Where no candidate wins, two of them change places inside the cell, and a cut there has two sides that are cells, too:
so a cube is cut into the simplices on which it is affine, and into nothing else. A split of the maximum would have a
child for each candidate, most of which are flat or empty, and no easier to bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import lcm
from typing import Any

from exactformer.kernel.atoms import direction
from exactformer.kernel.claims import Goal
from exactformer.kernel.forms import ONE, Form, difference, negated, substituted
from exactformer.polyhedra.lp import Infeasible, Minimum, Program
from exactformer.rational import number_text

Step = list[Any]
Parts = dict[tuple[Any, ...], Fraction]  # references of rows and facts of a cell, and how often each is taken away


class Unranked(Exception):
    """There is no ranking, but this step, if any, brings it nearer: a cut, or that the cell is empty."""

    def __init__(self, step: Step | None = None) -> None:
        super().__init__()
        self.step = step


class Ranking:
    """The winners among the candidates of undecided maxima on a cell. Raises `Unranked` where one has none."""

    def __init__(self, goal: Goal, undecided: Sequence[int]) -> None:
        self.goal, self.atoms = goal, goal.cell.atoms
        self.places = {v: place for place, v in goal.cell.places.items()}
        self.values: dict[int, Form] = {}  # of the maxima, as forms over the inputs
        self.numbers: dict[int, int] = {}  # of the candidates that win
        self.ceilings: dict[int, int] = {}  # the rows that bound them from above
        n = self.atoms.inputs
        rows = [tuple(form.terms.get(v, 0) for v in range(1, n + 1)) for form, _ in goal.cell.rows]
        shifts = [form.terms.get(ONE, 0) for form, _ in goal.cell.rows]
        self._program = Program(list(zip(rows, shifts, strict=True)), n)
        self._least: dict[object, Minimum] = {}
        for v in undecided:
            self._rank(v)

    def _rank(self, atom: int) -> None:
        if atom not in self.places:
            raise Unranked
        forms = [substituted(form, self.values) for form in self.atoms.candidates[atom]]
        for i, form in enumerate(forms):
            if all(self.lowest(difference(form, other)).value >= 0 for other in forms):
                self.numbers[atom], self.values[atom] = i, form
                return
        gaps = [difference(one, other) for one, other in combinations(forms, 2)]
        crossing = (gap for gap in gaps if self.lowest(gap).value < 0 and self.lowest(negated(gap)).value < 0)
        raise Unranked(["cut", written(next(crossing))])

    def lowest(self, form: Form) -> Minimum:
        """The least value of a form over the inputs on the cell; forms that are parallel need one program."""
        line, factor, shift = direction(form)
        if not factor:
            return Minimum(shift, (), {})
        side = line if factor > 0 else negated(line)
        key, n = side.key(), self.atoms.inputs
        if key not in self._least:
            found = self._program.minimise((tuple(side.terms.get(v, 0) for v in range(1, n + 1)), 0))
            if isinstance(found, Infeasible):
                whole = lcm(*[m.denominator for m in found.multipliers.values()])
                raise Unranked(["empty", [[i, f"{int(m * whole):x}"] for i, m in found.multipliers.items()]])
            if not isinstance(found, Minimum):
                raise Unranked
            self._least[key] = found
        found, size = self._least[key], abs(factor)
        return Minimum(size * found.value + shift, found.point, {i: size * m for i, m in found.multipliers.items()})

    def plain(self, form: Form) -> Form:
        """The form with the values of its maxima: it is the same on the cell."""
        return substituted(form, {v: self.values[v] for v in form.terms if v in self.values})

    def bounds(self, forms: Sequence[Form]) -> Iterator[Step]:
        """Steps that bound from above, by their values, all maxima from which the forms need that; lower ones first."""
        wanted, waiting = set[int](), list(forms)
        while waiting:
            for v in self._above(waiting.pop()):
                if v not in wanted:
                    wanted.add(v)
                    waiting += [difference(self.values[v], form) for form in self.atoms.candidates[v]]
        self.ceilings = {v: len(self.goal.cell.rows) + i for i, v in enumerate(sorted(wanted))}
        for v in sorted(wanted):
            proofs = [self._at_least_0(difference(self.values[v], form)) for form in self.atoms.candidates[v]]
            yield ["bound", self.places[v], written(self.values[v]), *proofs]

    def _above(self, form: Form) -> list[int]:
        """The maxima that count negatively in the form, once those that count positively are their winners."""
        found = []
        while tops := [v for v in form.terms if v in self.values]:
            top = max(tops)
            if form.terms[top] < 0:
                found.append(top)
            form = substituted(form, {top: self._put(form, top)})
        return found

    def _put(self, form: Form, atom: int) -> Form:
        """What stands in place of a maximum: below it the candidate that wins, above it that as a form of inputs."""
        return self.atoms.candidates[atom][self.numbers[atom]] if form.terms[atom] > 0 else self.values[atom]

    def removed(self, form: Form) -> Parts:
        """The rows and facts, each >= 0, that the form is its plain form plus multiples of."""
        parts, at = Parts(), tuple[Any, ...]()
        while tops := [v for v in form.terms if v in self.values]:
            top = max(tops)
            if form.terms[top] > 0:
                at, own = (self.places[top], self.numbers[top]), difference(Form({top: 1}), self._put(form, top))
            else:
                at, own = (self.ceilings[top],), difference(self._put(form, top), Form({top: 1}))
            parts[at] = parts.get(at, Fraction(0)) + Fraction(abs(form.terms[top]), form.den * own.den)
            form = substituted(form, {top: self._put(form, top)})
        return parts

    def _at_least_0(self, form: Form) -> Step:
        """The proof that a form of maxima and inputs is >= 0: by the program, for what is left without the maxima."""
        return written_proof(form, self.removed(form), self.lowest(self.plain(form)).multipliers)

    def closing(self, forms: Sequence[Form], proofs: Sequence[Step] | None) -> list[Step]:
        """The steps that close the cell, given proofs of the plain forms of what is left of the claim; else none."""
        if proofs is None:
            return []
        bounds = list(self.bounds(forms))
        return [*bounds, ["holds", *map(self._whole, forms, proofs)]]

    def _whole(self, form: Form, proof: Step) -> Step:
        """The proof of a form, from that of its plain form; of one without functions all has to cancel."""
        plain = self.plain(form)
        if self.atoms.functions.keys().isdisjoint(plain.terms):
            return self._at_least_0(form)
        weight, rows = (int(proof[0], 16), proof[1]) if proof else (1, [])
        shares = {i: Fraction(int(m, 16), weight * plain.den) for i, m in rows}
        return written_proof(form, self.removed(form), shares)


def written_proof(form: Form, parts: Parts, rows: Mapping[int, Fraction]) -> Step:
    """The proof of a form by these multiples of cleared facts and rows; without any, by bounds."""
    total = dict(parts)
    for i, share in rows.items():
        total[(i,)] = total.get((i,), Fraction(0)) + share
    if not total:
        return []
    weight = lcm(*[(form.den * share).denominator for share in total.values()])
    return [f"{weight:x}", [[*at, f"{int(weight * form.den * share):x}"] for at, share in total.items()]]


def written(form: Form) -> list[list[Any]]:
    """A form over inputs as steps have it."""
    return [[v, number_text(Fraction(c, form.den))] for v, c in sorted(form.terms.items())]
