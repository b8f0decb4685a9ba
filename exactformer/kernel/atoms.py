"""Atoms: the maxima that are not known to be affine, with their bounds: what forms need of the order of numbers.

An *atom* stands for the maximum of a finite set of forms, its candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from fractions import Fraction
from math import gcd, lcm

from .forms import ONE, ZERO, Form, combine, difference, normal_form, scaled, substituted

Bounds = tuple[Fraction | None, Fraction | None]
LEADERS = 32  # of a long list only so many forms are asked whether they dominate others


class Atoms:
    """The atoms met on one path of a proof tree, from the root to a cell.

    `bounds` hold on the whole domain. Two atoms whose sets are equal up to a common affine shift and a
    positive factor are the same function up to that shift and factor: the later one gets an `alias`,
    its expression in the earlier one. The alias proves equalities; the atom itself keeps its own, tight bounds.
    """

    def __init__(self, lower: Sequence[Fraction | None], upper: Sequence[Fraction | None]) -> None:
        one = Fraction(1)
        self.low: list[Fraction | None] = [one, *lower]  # by variable
        self.high: list[Fraction | None] = [one, *upper]
        self.inputs = len(lower)
        self.candidates: dict[int, tuple[Form, ...]] = {}
        self.alias: dict[int, Form] = {}
        self.first: dict[int, int] = {}  # the atom an alias is expressed in
        self.support: dict[int, int] = {}  # bit v is set when the atom's value depends on the atom v
        self._exact: dict[object, int] = {}  # the atom of a set of forms
        self._classes: dict[object, tuple[int, Form, Fraction]] = {}  # the first atom of each class, base and scale
        self._shared = False  # whether another path has these very tables
        self._intervals: dict[object, Bounds] = {}  # cache of `bounds`
        self._maxima: dict[object, Form] = {}  # cache of `maximum`

    def below(self) -> Atoms:
        """The same atoms, for a path that goes on: what either adds from now on, the other does not see."""
        self._shared = True
        return copy(self)

    def _own(self) -> None:
        """Before a new atom: copy the tables that another path has, too, and begin caches of its own."""
        if self._shared:
            self._shared, self._intervals, self._maxima = False, {}, {}
            for name, table in vars(self).items():
                if isinstance(table, (dict, list)):
                    setattr(self, name, table.copy())

    # --- bounds ---------------------------------------------------------------------------------

    def bounds(self, form: Form) -> Bounds:
        """Exact interval bounds of the form on the domain, from the bounds of its variables (None: infinite).

        Sound: interval arithmetic; when the form mentions an alias, both expressions bound the same function.
        """
        line, factor, shift = direction(form)
        if factor == 0:
            return shift, shift
        key = line.key()
        if key not in self._intervals:
            self._intervals[key] = self._interval(line)
        low, high = self._intervals[key] if factor > 0 else self._intervals[key][::-1]
        return None if low is None else factor * low + shift, None if high is None else factor * high + shift

    def _interval(self, form: Form) -> Bounds:
        low, high = self._ends(form)
        if not self.alias.keys().isdisjoint(form.terms):
            other = self._ends(self.expanded(form))
            low = other[0] if low is None else low if other[0] is None else max(low, other[0])
            high = other[1] if high is None else high if other[1] is None else min(high, other[1])
        return low, high

    def _ends(self, form: Form) -> Bounds:
        low, high = self.low, self.high
        least = [low[v] if c > 0 else high[v] for v, c in form.terms.items()]
        most = [high[v] if c > 0 else low[v] for v, c in form.terms.items()]
        return _weighted(form, least), _weighted(form, most)

    # --- aliases --------------------------------------------------------------------------------

    def expanded(self, form: Form) -> Form:
        """The same function with every alias replaced (one pass: an alias is free of aliases)."""
        alias = self.alias
        if alias.keys().isdisjoint(form.terms):
            return form
        return substituted(form, {v: alias[v] for v in form.terms if v in alias})

    def tidy(self, form: Form) -> Form:
        """The same function, with an alias replaced wherever something then cancels.

        That is the atom it is expressed in, or so much that the form becomes shorter. Keeps bounds tight elsewhere:
        relu(u) - relu(-u) becomes u, while a lone relu(-u) stays an atom.
        """
        for v in sorted(v for v in form.terms if v in self.alias):
            other = substituted(form, {v: self.alias[v]})
            if self.first[v] not in other.terms or len(other.terms) < len(form.terms):
                form = other
        return form

    # --- maxima ---------------------------------------------------------------------------------

    def maximum(self, forms: Sequence[Form]) -> Form:
        """The pointwise maximum: one of the forms where it dominates, otherwise an atom."""
        given = tuple([form.key() for form in forms])
        found = self._maxima.get(given)
        if found is None:
            alive = self.undominated(forms)
            found = alive[0] if len(alive) == 1 else self._atom(tuple(alive))
            self._maxima[given] = found
        return found

    def _atom(self, forms: tuple[Form, ...]) -> Form:
        keys = frozenset([form.key() for form in forms])
        atom = self._exact.get(keys)
        if atom is None:
            atom = self._new_atom(forms)
            self._exact[keys] = atom
        return Form({atom: 1})

    def undominated(self, forms: Iterable[Form]) -> list[Form]:
        """The forms without repetitions and without those that a leader is known to be >= on the domain."""
        distinct: dict[object, Form] = {}
        for form in forms:
            distinct.setdefault(self.expanded(form).key(), form)
        alive = dict(enumerate(distinct.values()))
        reverse: dict[tuple[int, int], bool] = {}  # one interval tells who of two is at least the other

        def at_least(i: int, j: int) -> bool:
            if (i, j) in reverse:
                return reverse[i, j]
            low, high = self.bounds(difference(alive[i], alive[j]))
            reverse[j, i] = high is not None and high <= 0
            return low is not None and low >= 0

        leaders = self.leaders(alive)
        for j in tuple(alive):
            if any(i != j and i in alive and at_least(i, j) for i in leaders):
                del alive[j]
        return list(alive.values())

    def leaders(self, forms: Mapping[int, Form]) -> list[int]:
        """The forms that are asked whether they dominate others: all, or of many those with the largest lower bounds.

        So the work is linear in their number.
        """
        if len(forms) <= LEADERS:
            return list(forms)
        lows = {i: self.bounds(form)[0] for i, form in forms.items()}
        bounded = sorted((i for i, low in lows.items() if low is not None), key=lambda i: -lows[i])  # type: ignore[operator]
        return [*bounded, *(i for i, low in lows.items() if low is None)][:LEADERS]

    def _new_atom(self, forms: tuple[Form, ...]) -> int:
        self._own()
        atom = len(self.low)
        ends = [self.bounds(form) for form in forms]
        lows = [low for low, _ in ends if low is not None]
        highs = [high for _, high in ends]
        self.low.append(max(lows) if lows else None)
        self.high.append(None if None in highs else max(h for h in highs if h is not None))
        self.candidates[atom] = forms
        support = 1 << atom
        for form in forms:
            for v in form.terms:
                support |= self.support.get(v, 0)
        self.support[atom] = support
        base, scale, _, shape = normal_form([self.expanded(form) for form in forms])
        if shape not in self._classes:
            self._classes[shape] = (atom, base, scale)
        else:
            first, first_base, first_scale = self._classes[shape]
            growth = difference(Form({first: 1}), first_base)
            self.alias[atom] = combine(((1, base), (1, scaled(growth, scale / first_scale))))
            self.first[atom] = first
            self.support[atom] |= self.support[first]
        return atom

    def class_bit(self, shape: object) -> int:
        """The support bit of the first atom of a class; 0 for a class without atoms."""
        return 1 << self._classes[shape][0] if shape in self._classes else 0


def direction(form: Form) -> tuple[Form, Fraction, Fraction]:
    """(line, factor, shift) with form = factor * line + shift: parallel forms share their line, a primitive form."""
    shift = Fraction(form.terms.get(ONE, 0), form.den)
    terms = {v: c for v, c in form.terms.items() if v != ONE}
    if not terms:
        return ZERO, Fraction(0), shift
    content = gcd(*terms.values()) * (1 if terms[max(terms)] > 0 else -1)
    return Form({v: c // content for v, c in terms.items()}), Fraction(content, form.den), shift


def _weighted(form: Form, ends: Sequence[Fraction | None]) -> Fraction | None:
    """The form with these values of its variables, in their order; None when one is infinite."""
    finite = [end for end in ends if end is not None]
    if len(finite) < len(ends):
        return None
    common = lcm(*[end.denominator for end in finite])
    pairs = zip(form.terms.values(), finite, strict=True)
    return Fraction(sum([c * end.numerator * (common // end.denominator) for c, end in pairs]), common * form.den)
