"""Cells: what is known on a part of the domain, and the rules that split a cell or close it.

A cell is the set of points of the domain that satisfy its rows (form >= 0, or > 0 for a strict row).
On it, some atoms are known to equal a form, and some forms have a known sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from math import gcd

from .atoms import Atoms, Met
from .forms import (
    ONE,
    Form,
    Terms,
    combine,
    constant_form,
    difference,
    leading_sign,
    negated,
    normal_form,
    scaled,
    substituted,
)
from .reading import reject
from .softmax import Rate

Row = tuple[Form, bool]  # the form is >= 0, and > 0 when the flag is set
Reference = int | tuple[str, int | str]  # a row of the cell, or a fact about an atom
Multipliers = list[tuple[Reference, int]]
Proof = tuple[int, Multipliers]  # that a form times the weight is this combination, plus a constant >= 0


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
    pairs: Mapping[str, str] = field(default_factory=dict)  # place -> the earlier place whose value its value is near
    partners: frozenset[str] = frozenset()  # these earlier places
    met: dict[str, Met] = field(default_factory=dict, compare=False)  # what was met there

    def opened(self) -> Cell:
        """The same cell for one step or evaluation: what that adds to atoms and caches, this cell does not see."""
        tables = {"final": dict(self.final), "memo": dict(self.memo), "met": dict(self.met)}
        return replace(self, atoms=self.atoms.below(), **tables)  # type: ignore[arg-type]

    # --- evaluation on the cell -------------------------------------------------------------------

    def resolve(self, form: Form) -> Form:
        """The same function on this cell, with every atom replaced by its value here."""
        values = {v: self.value(v) for v in self._touched(form)}
        return substituted(form, values) if values else form

    def value(self, atom: int) -> Form:
        """What the atom equals on this cell: its known form, or the maximum of its candidates here.

        Values that it needs come first, by a stack of our own in place of recursion: networks may be deep.
        """
        stack, waiting = [atom], set()
        while (found := self._found(atom)) is None:
            needed = self._evaluate(stack[-1])
            if not needed:
                waiting.discard(stack.pop())
                continue
            waiting.add(stack[-1])
            if not waiting.isdisjoint(needed):
                reject("value", "an atom that does not depend on itself", "a circle")
            stack += reversed(needed)
        return found

    def _touched(self, form: Form) -> list[int]:
        """The atoms of the form whose value on this cell may be another form, in increasing order."""
        support, touched = self.atoms.support, self.touched
        return sorted([v for v in form.terms if support.get(v, 0) & touched]) if touched else []

    def _found(self, atom: int) -> Form | None:
        return self.final.get(atom) or self.memo.get(atom)

    def _needed(self, forms: Iterable[Form]) -> list[int]:
        """The atoms of the forms whose values are to be found first."""
        return [v for form in forms for v in self._touched(form) if self._found(v) is None]

    def _evaluate(self, atom: int) -> list[int]:
        """Enter the value of an atom; or, when it needs those of others, only tell which."""
        if self._found(atom) is not None:
            return []
        atoms, known = self.atoms, self.known.get(atom) or self.atoms.alias.get(atom)
        candidates = (known,) if known is not None else atoms.candidates[atom]
        if needed := self._needed(candidates):
            return needed
        forms = [self.resolve(form) for form in candidates]
        found = forms[0] if known is not None else self._value(atom, forms)
        cache = self.final if max(found.terms, default=ONE) <= atoms.inputs else self.memo
        cache[atom] = found
        return []

    def _value(self, atom: int, forms: Sequence[Form]) -> Form:
        """The value of an atom whose resolved candidates these are; a difference, with bounds of its own, stays one."""
        atoms = self.atoms
        if atom in atoms.rates:
            return Form({atom: 1}) if atom in atoms.apart else atoms.mean(forms, atoms.rates[atom])
        found = self._decided(forms)
        return found or (Form({atom: 1}) if atom in atoms.apart else atoms.maximum(forms))

    def maximum(self, forms: Iterable[Form], rate: Rate | None) -> Form:
        """The pointwise maximum of the forms on this cell, or their mean under softmax of themselves at a rate."""
        forms = [self.resolve(form) for form in forms]
        if rate is not None:
            return self.atoms.mean(forms, rate)
        return self._decided(forms) or self.atoms.maximum(forms)

    def maximum_at(self, place: str, forms: Sequence[Form], rate: Rate | None) -> tuple[Form, int | None]:
        """The same at a place: by its difference to the value at the place that it is paired with, if there is one.

        The atom of the difference is returned, too.
        """
        near, atom = self.met.get(self.pairs.get(place, "")), None
        forms = [self.resolve(form) for form in forms]
        if near is None or (rate is None and self._decided(forms) is not None):
            value = self.maximum(forms, rate)
        else:
            value, atom = self.atoms.near(forms, rate, near)
        if place in self.partners:
            self.met[place] = self.atoms.met(forms, value, rate)
        return value, atom

    def _decided(self, forms: Sequence[Form]) -> Form | None:
        """The maximum of a set of resolved forms, if they agree or a split on the path decided their class."""
        if not self.classes:
            return None
        normal = normal_form(self.distinct(forms))
        top = normal.parts[0] if len(normal.parts) == 1 else self.classes.get(normal.shape)
        return None if top is None else combine(((1, normal.base), (1, scaled(top, normal.scale))))

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
        if not self.signs:
            return None
        key, flip = sign_key(form)
        found = self.signs.get(key)
        return None if found is None else flip * found

    # --- rules that split -------------------------------------------------------------------------

    def gate(self, place: str) -> list[Callable[[], Cell]]:
        """Rule *gate*: one child per distinct candidate of the atom at `place`; in child j, candidate j wins.

        Sound: some candidate attains the maximum, so the children cover the cell; where candidate j is
        at least every other one, the atom equals it, ties included.
        """
        forms = self.candidates(place)
        atom = self.places[place]
        normal = normal_form(forms)
        touched = self.touched | 1 << atom | self.atoms.class_bit(normal.shape)

        def child(j: int) -> Cell:
            rows = tuple([(difference(forms[j], form), False) for i, form in enumerate(forms) if i != j])
            known, classes = {**self.known, atom: forms[j]}, {**self.classes, normal.shape: normal.parts[j]}
            cell = replace(self.opened(), rows=self.rows + rows, known=known, touched=touched, classes=classes)
            return replace(cell, memo={})

        return [partial(child, j) for j in range(len(forms))]

    def candidates(self, place: str) -> list[Form]:
        """The distinct candidates of the atom at a place, as forms here; child j of its gate is about form j."""
        atom = self._atom_at("gate", place)
        if atom in self.atoms.rates:
            reject("gate", "a maximum", f"the softmax at {place}")
        return self.distinct(map(self.resolve, self.atoms.candidates[atom]))

    def compare(self, form: Form) -> list[Callable[[], Cell]]:
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

        def child(sign: int, rows: tuple[Row, ...]) -> Cell:
            signs = {**self.signs, key: flip * sign}
            return replace(self.opened(), rows=self.rows + rows, signs=signs, memo={})

        return [partial(child, sign, rows) for sign, rows in split]

    def cut(self, form: Form) -> list[Callable[[], Cell]]:
        """Rule *cut*: two children, on which the form is >= 0 and <= 0.

        Sound: a real number is at least or at most zero.
        """

        def child(side: Form) -> Cell:
            return replace(self.opened(), rows=(*self.rows, (side, False)))

        return [partial(child, side) for side in (form, negated(form))]

    # --- a rule that begins again -----------------------------------------------------------------

    def narrowed(self, atoms: Atoms, rows: tuple[Row, ...], forms: Sequence[Form]) -> tuple[Cell, tuple[Form, ...]]:
        """Rule *narrow*: the forms on a smaller box; what they need is met again there, at the places n0, n1, ...

        Sound: every value is the same function as before, at every point of the box. Of soft atoms and of differences,
        whose bounds come from elsewhere, nothing could be said here.
        """
        old, values = self.atoms, dict[int, Form]()
        forms = [old.expanded(self.resolve(form)) for form in forms]
        for v in sorted(old.needed(forms) | old.functions.keys()):
            if v in old.functions:
                values[v] = atoms.function(old.functions[v])
            elif v in old.rates or v in old.apart or v not in old.candidates:
                reject("narrow", "maxima and functions alone", "a mean or a difference")
            else:
                values[v] = atoms.maximum([_put(form, values) for form in old.candidates[v]])
        cell = Cell(atoms, rows, {f"n{i}": v for i, v in enumerate(atoms.candidates)})
        return cell, tuple([_put(form, values) for form in forms])

    # --- a rule that adds a row -------------------------------------------------------------------

    def bound(self, place: str, form: Form, proofs: Sequence[Proof | None]) -> Cell | None:
        """Rule *bound*: the atom at `place` is at most `form`, as each candidate is; None when a proof fails.

        Sound: a maximum is at most whatever is at least each of its members.
        """
        atom = self._atom_at("bound", place)
        gaps = [difference(form, candidate) for candidate in self.atoms.candidates[atom]]
        if len(gaps) != len(proofs):
            reject("bound", f"{len(gaps)} proofs, one a candidate", len(proofs))
        if not all(self.shown(gap, proof) for gap, proof in zip(gaps, proofs, strict=True)):
            return None
        return replace(self, rows=(*self.rows, (difference(form, Form({atom: 1})), False)))

    # --- rules that close -------------------------------------------------------------------------

    def empty(self, multipliers: Multipliers) -> bool:
        """Rule *empty* (Farkas, Motzkin): a non-negative combination of the rows is a constant that refutes them.

        Sound: at a point of the cell the combination is >= 0, and > 0 if a strict row takes part.
        """
        total, strict = self._combination(multipliers)
        value = self._constant(Form(total))
        return value is not None and (value < 0 or (value == 0 and strict))

    def shown(self, goal: Form, proof: Proof | None, *, strict: bool = False) -> bool:
        """Whether goal >= 0 (`strict`: > 0) on this cell by its proof; without one, by the bounds of the form."""
        if proof is not None:
            return self.implied(goal, *proof, strict=strict)
        return _positive(self.atoms.bounds(goal)[0], strict)

    def implied(self, goal: Form, weight: int, multipliers: Multipliers, *, strict: bool = False) -> bool:
        """Rule *implied* (Farkas): goal >= 0 here, as weight * goal is a combination of rows plus a rest >= 0.

        The rest is a constant, or has functions of the inputs, which are enclosed on the box of the cell.
        Sound: weight > 0, and every row in the combination is >= 0 on the cell. With `strict` the rest is > 0, and so
        is the goal.
        """
        total, _ = self._combination(multipliers)
        rest = difference(Form({v: weight * c for v, c in goal.terms.items()}), Form(total))
        plain = self.atoms.functions.keys().isdisjoint(rest.terms)
        return _positive(self._constant(rest) if plain else self.atoms.bounds(rest)[0], strict)

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
        """Rule *fact*: an atom is at least each candidate, and lies within its bounds; as a form that is >= 0.

        A soft atom is at least each candidate less the gap; bounds are constants (low, high) and affine (below, above).
        """
        atom = self._atom_at("fact", place)
        own, candidates = Form({atom: 1}), self.atoms.candidates[atom]
        if type(which) is int and 0 <= which < len(candidates):
            loss = self.atoms.gaps[atom][1] if atom in self.atoms.gaps else 0
            return difference(own, difference(candidates[which], constant_form(loss)))
        ends = self._ends(atom)
        if which not in ends:
            reject("fact", f"a number below {len(candidates)}, or one of {', '.join(map(str, ends))}", which)
        return difference(own, ends[which]) if which in ("low", "below") else difference(ends[which], own)

    def facts(self, place: str) -> dict[int | str, Form]:
        """The facts about the atom at a place: one a candidate by its number, and one for each bound there is."""
        atom = self._atom_at("fact", place)
        return {
            which: self.fact(place, which) for which in (*range(len(self.atoms.candidates[atom])), *self._ends(atom))
        }

    def _ends(self, atom: int) -> dict[int | str, Form]:
        """The bounds of an atom that there are, as forms, by their names."""
        atoms, ends = self.atoms, dict[int | str, Form]()
        for name, end in (("low", atoms.low[atom]), ("high", atoms.high[atom])):
            if end is not None:
                ends[name] = constant_form(end)
        for name, forms in (("below", atoms.floor), ("above", atoms.ceiling)):
            if atom in forms:
                ends[name] = forms[atom]
        return ends

    def _atom_at(self, rule: str, place: str) -> int:
        if place not in self.places:
            reject(rule, "a place where this evaluation met an atom", place)
        return self.places[place]


def _positive(low: Fraction | None, strict: bool) -> bool:
    """Whether a number is known to be >= 0 (`strict`: > 0) by its lower bound."""
    return low is not None and (low > 0 if strict else low >= 0)


def _put(form: Form, values: Mapping[int, Form]) -> Form:
    """The form with the values of its variables that have one."""
    used = {v: values[v] for v in form.terms if v in values}
    return substituted(form, used) if used else form


def sign_key(form: Form) -> tuple[object, int]:
    """(k, s): forms that are multiples of one another share k, and s = -1 tells that the factor is negative."""
    common = leading_sign(form) * gcd(*form.terms.values())
    return Form({v: c // common for v, c in form.terms.items()}).key(), leading_sign(form)
