"""Cells: what is known on a part of the domain, and the rules that split a cell or close it.

A cell is the set of points of the domain that satisfy its rows (form >= 0, or > 0 for a strict row).
On it, some atoms are known to equal a form, and some forms have a known sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import gcd

from .forms import (
    ONE,
    Atoms,
    Form,
    Terms,
    combine,
    constant_form,
    difference,
    leading_sign,
    negated,
    normal_form,
    scaled,
)
from .reading import reject

Row = tuple[Form, bool]  # the form is >= 0, and > 0 when the flag is set
Reference = int | tuple[str, int | str]  # a row of the cell, or a fact about an atom
Multipliers = list[tuple[Reference, int]]


@dataclass(frozen=True)
class Cell:
    """A cell; rows start with the domain's own, later ones come from the splits on the path."""

    atoms: Atoms
    rows: tuple[Row, ...]
    places: Mapping[str, int]  # the atom met at a place of the left or right network
    known: Mapping[int, Form] = field(default_factory=dict)  # atom -> the form it equals here
    signs: Mapping[object, int] = field(default_factory=dict)  # key of a form -> its sign here
    touched: int = 0  # bit v is set when the atom v is known
    classes: Mapping[object, Form] = field(default_factory=dict)  # normal form of a split set -> its maximum here
    final: dict[int, Form] = field(default_factory=dict, compare=False)  # cache: values over the inputs alone
    memo: dict[int, Form] = field(default_factory=dict, compare=False)  # cache: other values on this very cell

    # --- evaluation on the cell -------------------------------------------------------------------

    def resolve(self, form: Form) -> Form:
        """The same function on this cell, with every atom replaced by its value here."""
        support, touched, final = self.atoms.support, self.touched, self.final
        changed = sorted(v for v in form.terms if support.get(v, 0) & touched)
        values = {v: final.get(v) or self.value(v) for v in changed}
        return self.atoms.substituted(form, values) if values else form

    def value(self, atom: int) -> Form:
        """What the atom equals on this cell: its known form, or the maximum of its candidates here."""
        found = self.final.get(atom) or self.memo.get(atom)
        if found is None:
            if atom in self.known:
                found = self.resolve(self.known[atom])
            elif atom in self.atoms.alias:
                found = self.resolve(self.atoms.alias[atom])
            else:
                found = self.maximum(self.atoms.candidates[atom])
            cache = self.final if max(found.terms, default=ONE) <= self.atoms.inputs else self.memo
            cache[atom] = found
        return found

    def maximum(self, forms: Iterable[Form]) -> Form:
        """The pointwise maximum of the forms, on this cell."""
        forms = [self.resolve(form) for form in forms]
        return self.settled(forms) or self.atoms.maximum(forms)

    def settled(self, forms: Iterable[Form]) -> Form | None:
        """The maximum of resolved forms if they are all one form, or if a split decided a set of the same class."""
        if not self.classes:
            return None
        forms = self.distinct(forms)
        if len(forms) == 1:
            return forms[0]
        base, scale, _, shape = normal_form(forms)
        top = self.classes.get(shape)
        return None if top is None else combine(((1, base), (1, scaled(self.resolve(top), scale))))

    def distinct(self, forms: Iterable[Form]) -> list[Form]:
        """The forms free of aliases and without repetitions."""
        return list({form.key(): form for form in map(self.atoms.expanded, forms)}.values())

    def sign(self, form: Form) -> int | None:
        """The sign of the form, when it is the same everywhere on this cell and known to be."""
        form = self.atoms.expanded(self.resolve(form))
        if not form.terms:
            return 0
        low, high = self.atoms.bounds(form)
        if low is not None and low > 0:
            return 1
        if high is not None and high < 0:
            return -1
        key, flip = sign_key(form)
        found = self.signs.get(key)
        return None if found is None else flip * found

    # --- rules that split -------------------------------------------------------------------------

    def gate(self, place: str) -> list[Cell]:
        """Rule *gate*: one child per distinct candidate of the atom at `place`; in child j, candidate j wins.

        Sound: some candidate attains the maximum, so the children cover the cell; where candidate j is
        at least every other one, the atom equals it, ties included.
        """
        forms = self.candidates(place)
        atom = self.places[place]
        normal = normal_form(forms)
        touched = self.touched | 1 << atom | self.atoms.class_bit(normal.shape)
        gaps = {(j, i): difference(forms[j], forms[i]) for j in range(len(forms)) for i in range(j)}
        gaps |= {(i, j): negated(gap) for (j, i), gap in gaps.items()}
        children = []
        for j, winner in enumerate(forms):
            rows = tuple([(gaps[j, i], False) for i in range(len(forms)) if i != j])
            known, classes = {**self.known, atom: winner}, {**self.classes, normal.shape: normal.parts[j]}
            final = dict(self.final)
            children.append(Cell(self.atoms, self.rows + rows, self.places, known, self.signs, touched, classes, final))
        return children

    def candidates(self, place: str) -> list[Form]:
        """The distinct candidates of the atom at a place, as forms here; child j of its gate is about form j."""
        if place not in self.places:
            reject("gate", "a place where this evaluation met an atom", place)
        return self.distinct(map(self.resolve, self.atoms.candidates[self.places[place]]))

    def compare(self, form: Form) -> list[Cell]:
        """Rule *compare*: three children, on which the form is > 0, = 0 and < 0.

        Sound: a real number is positive, zero or negative.
        """
        form = self.atoms.expanded(self.resolve(form))
        if form.constant() is not None:
            reject("compare", "a form that is not constant on the cell", str(form.constant()))
        minus = negated(form)
        key, flip = sign_key(form)
        split: tuple[tuple[int, tuple[Row, ...]], ...] = (
            (1, ((form, True),)),
            (0, ((form, False), (minus, False))),
            (-1, ((minus, True),)),
        )
        return [
            replace(self, rows=self.rows + rows, signs={**self.signs, key: flip * sign}, memo={})
            for sign, rows in split
        ]

    # --- rules that close -------------------------------------------------------------------------

    def empty(self, multipliers: Multipliers) -> bool:
        """Rule *empty* (Farkas, Motzkin): a non-negative combination of the rows is a constant that refutes them.

        Sound: at a point of the cell the combination is >= 0, and > 0 if a strict row takes part.
        """
        total, strict = self._combination(multipliers)
        value = self._constant(Form(total))
        return value is not None and (value < 0 or (value == 0 and strict))

    def implied(self, goal: Form, weight: int, multipliers: Multipliers) -> bool:
        """Rule *implied* (Farkas): goal >= 0 here, as weight * goal is a combination of rows plus a constant >= 0.

        Sound: weight > 0, and every row in the combination is >= 0 on the cell.
        """
        total, _ = self._combination(multipliers)
        value = self._constant(difference(Form({v: weight * c for v, c in goal.terms.items()}), Form(total)))
        return value is not None and value >= 0

    def _combination(self, multipliers: Multipliers) -> tuple[Terms, bool]:
        total: Terms = {}
        strict = False
        for reference, multiplier in multipliers:
            form, is_strict = self.rows[reference] if isinstance(reference, int) else (self.fact(*reference), False)
            strict = strict or is_strict
            for v, c in form.terms.items():  # form.den > 0 only scales the row
                total[v] = total.get(v, 0) + multiplier * c
        return {v: c for v, c in total.items() if c}, strict

    def _constant(self, form: Form) -> Fraction | None:
        if form.terms and max(form.terms) > self.atoms.inputs:
            form = self.atoms.expanded(self.resolve(form))
        return form.constant()

    def fact(self, place: str, which: int | str) -> Form:
        """Rule *fact*: an atom is at least each candidate, and lies within its bounds; as a form that is >= 0."""
        facts = self.facts(place)
        if type(which) not in (int, str) or which not in facts:
            reject("fact", f"one of {list(facts)}", which)
        return facts[which]

    def facts(self, place: str) -> dict[int | str, Form]:
        """The facts about the atom at a place: one a candidate by its number, and "low" and "high" where finite."""
        if place not in self.places:
            reject("fact", "a place where this evaluation met an atom", place)
        atom = self.places[place]
        own, low, high = Form({atom: 1}), self.atoms.low[atom], self.atoms.high[atom]
        facts: dict[int | str, Form] = {i: difference(own, f) for i, f in enumerate(self.atoms.candidates[atom])}
        if low is not None:
            facts["low"] = difference(own, constant_form(low))
        if high is not None:
            facts["high"] = difference(constant_form(high), own)
        return facts


def sign_key(form: Form) -> tuple[object, int]:
    """(k, s): forms that are multiples of one another share k, and s = -1 tells that the factor is negative."""
    common = leading_sign(form) * gcd(*form.terms.values())
    return frozenset((v, c // common) for v, c in form.terms.items()), leading_sign(form)
