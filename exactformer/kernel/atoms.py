"""Atoms: the maxima that are not known to be affine, with their bounds: what forms need of the order of numbers.

An *atom* stands for the maximum of a finite set of forms, its candidates; a *soft* atom for their mean under softmax.
On a box an atom has bounds. On a domain that a proof evaluates anew, bounds of a form come from affine bounds of its
atoms, put in one after another; and an atom can be written as an earlier, similar one plus their small difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from fractions import Fraction
from itertools import product
from math import gcd, lcm
from operator import ge
from typing import Any, NamedTuple

from .bounds import Bounds, Interval, both, largest, mixture, outward, plus, reflected, short, smallest
from .elementary import Undefined
from .forms import (
    ONE,
    ZERO,
    Form,
    Terms,
    combine,
    constant_form,
    difference,
    negated,
    normal_form,
    reduced,
    scaled,
    substituted,
)
from .functions import Function, least, value
from .softmax import Rate, gamma, gap, odds, offset, share, weights

LEADERS = 32  # of a long list only so many forms are asked whether they dominate others
CORNERED = 3  # so many sides a box has at most if forms are compared at its corners
SLOPE_BITS = 20  # of the slopes in affine bounds, which are rounded to the safe side
NOTHING = (Fraction(0), Fraction(0))


class Met(NamedTuple):
    """A maximum as it was met at a place: its list, its value, and bounds of how far that lies below the maximum."""

    forms: tuple[Form, ...]
    value: Form
    rate: Rate | None
    gap: Interval


class Atoms:
    """The atoms met on one path of a proof tree, from the root to a cell.

    `bounds` hold on the whole domain. Two atoms whose sets are equal up to a common affine shift and a
    positive factor are the same function up to that shift and factor: the later one gets an `alias`,
    its expression in the earlier one. The alias proves equalities; the atom itself keeps its own, tight bounds.
    """

    def __init__(
        self, lower: Sequence[Fraction | None], upper: Sequence[Fraction | None], relaxed: bool = False
    ) -> None:
        one = Fraction(1)
        self.low: list[Fraction | None] = [one, *lower]  # by variable
        self.high: list[Fraction | None] = [one, *upper]
        self.inputs = len(lower)
        ends = [end for pair in zip(lower, upper, strict=True) for end in pair]
        finite = [end for end in ends if end is not None]
        self.scale = lcm(*[end.denominator for end in finite]) if len(finite) == len(ends) else 0  # 0: there is no box
        whole = [int(end * self.scale) for end in finite] if self.scale else []
        self._sides = [(self.scale, self.scale), *zip(whole[::2], whole[1::2], strict=True)]  # by variable, times it
        self.relaxed = relaxed  # whether bounds use affine bounds of the atoms
        self.candidates: dict[int, tuple[Form, ...]] = {}
        self.alias: dict[int, Form] = {}
        self.first: dict[int, int] = {}  # the atom an alias is expressed in
        self.support: dict[int, int] = {}  # bit v is set when the atom's value depends on the atom v
        self.rates: dict[int, Rate] = {}  # of the soft atoms
        self.gaps: dict[int, Interval] = {}  # of the soft atoms: how far below the maximum of the candidates they are
        self.apart: set[int] = set()  # the atoms that are a difference to an earlier value
        self.floor: dict[int, Form] = {}  # affine bounds of atoms, by earlier variables: from below
        self.ceiling: dict[int, Form] = {}  # and from above
        self.level: dict[int, int] = {}  # 1 + the largest level in the affine bounds of the atom; that of an input is 0
        self.functions: dict[int, Function] = {}  # the variables that stand for the values of functions of the inputs
        self._exact: dict[object, int] = {}  # the atom of a set of forms
        self._classes: dict[object, tuple[int, Form, Fraction]] = {}  # the first atom of each class, base and scale
        self._shared = False  # whether another path has these very tables
        self._intervals: dict[object, Bounds] = {}  # cache of `bounds`
        self._maxima: dict[object, Form] = {}  # cache of `maximum`
        self._margins: dict[object, dict[int, Fraction]] = {}  # cache of `leaking`

    def below(self) -> Atoms:
        """The same atoms, for a path that goes on: what either adds from now on, the other does not see."""
        self._shared = True
        return copy(self)

    def _own(self) -> None:
        """Before a new atom: copy the tables that another path has, too, and begin caches of its own."""
        if self._shared:
            self._shared, self._intervals, self._maxima, self._margins = False, {}, {}, {}
            for name, table in vars(self).items():
                if isinstance(table, (dict, list, set)):
                    setattr(self, name, table.copy())

    # --- bounds ---------------------------------------------------------------------------------

    def bounds(self, form: Form) -> Bounds:
        """Exact interval bounds of the form on the domain, from the bounds of its variables (None: infinite).

        Sound: interval arithmetic; when the form mentions an alias, both expressions bound the same function.
        """
        if self.scale and max(form.terms, default=ONE) <= self.inputs:
            return self._affine(form)
        line, factor, shift = direction(form)
        if factor == 0:
            return shift, shift
        key = line.key()
        if key not in self._intervals:
            self._intervals[key] = self._interval(line)
        low, high = self._intervals[key] if factor > 0 else self._intervals[key][::-1]
        return None if low is None else factor * low + shift, None if high is None else factor * high + shift

    def _affine(self, form: Form) -> Interval:
        """The least and the largest value on the box of a form over inputs alone."""
        sides, low, high = self._sides, 0, 0
        for v, c in form.terms.items():
            a, b = sides[v]
            low += c * (a if c > 0 else b)
            high += c * (b if c > 0 else a)
        return Fraction(low, form.den * self.scale), Fraction(high, form.den * self.scale)

    def _interval(self, form: Form) -> Bounds:
        found = self._ends(form)
        if not self.alias.keys().isdisjoint(form.terms):
            found = both(found, self._ends(self.expanded(form)))
        if self.relaxed and not self.level.keys().isdisjoint(form.terms):
            below, above = (self._least(form), None), (self._least(negated(form)), None)
            found = both(both(found, below), reflected(above))
        return found

    def _least(self, form: Form) -> Fraction | None:
        """A lower bound: atoms are replaced by affine bounds, those of the highest level first.

        Sound: a form decreases when an atom with a positive coefficient does, or one with a negative coefficient grows.
        """
        best = None
        while top := max([self.level.get(v, 0) for v in form.terms]):
            values: dict[int, Form] = {}
            for v, c in form.terms.items():
                if self.level.get(v) == top:
                    end = (self.floor if c > 0 else self.ceiling).get(v)
                    if end is None:
                        return best
                    values[v] = end
            form = substituted(form, values)
            if not form.terms:
                return Fraction(0) if best is None else max(best, Fraction(0))
            low = self._ends(form)[0]
            best = low if best is None else best if low is None else max(best, low)
        return best

    def _all(self, forms: Sequence[Form]) -> list[Bounds]:
        return list(map(self.bounds, forms))

    def between(self, forms: Sequence[Form]) -> tuple[Form, Form | None]:
        """Affine bounds of the maximum of the forms: one of them, and it plus what each other can exceed it by."""
        lead = self.lead(forms)
        parts: list[tuple[int, Form]] = [(1, lead)]
        for form in forms:
            if form is not lead:
                rise = difference(form, lead)
                above = positive_part(rise, *self.bounds(rise))
                if above is None:
                    return lead, None
                parts.append((1, above))
        return lead, combine(parts)

    def lead(self, forms: Sequence[Form]) -> Form:
        """The form whose bounds have the largest sum, the first such; of unbounded forms the first."""
        middles = [None if low is None or high is None else low + high for low, high in self._all(forms)]
        known = [m for m in middles if m is not None]
        return forms[middles.index(max(known))] if known else forms[0]

    def _ends(self, form: Form) -> Bounds:
        if not self.functions.keys().isdisjoint(form.terms):
            above = self._curved(negated(form)), None
            return both(both(self._plain(form), (self._curved(form), None)), reflected(above))
        return self._plain(form)

    def _plain(self, form: Form) -> Bounds:
        """Bounds of the form from the bounds of its variables alone."""
        low, high = self.low, self.high
        least = [low[v] if c > 0 else high[v] for v, c in form.terms.items()]
        most = [high[v] if c > 0 else low[v] for v, c in form.terms.items()]
        return _weighted(form, least), _weighted(form, most)

    def _curved(self, form: Form) -> Fraction | None:
        """A lower bound of a form with functions of the inputs, which are enclosed together with its affine part."""
        box, parts, line = self._box(), list[tuple[int, Function]](), dict[int, int]()
        rest: Terms = {}
        for v, c in form.terms.items():
            if v in self.functions:
                parts.append((c, self.functions[v]))
            elif ONE < v <= self.inputs:
                line[v] = c
            else:
                rest[v] = c
        low = None if box is None else least(parts, line, 0, box)
        end = self._plain(Form(rest, form.den))[0]
        return None if low is None or end is None else low / form.den + end

    def _box(self) -> list[Interval] | None:
        """The bounds of the inputs, if all have two."""
        ends = zip(self.low[1 : self.inputs + 1], self.high[1 : self.inputs + 1], strict=True)
        box = [(low, high) for low, high in ends if low is not None and high is not None]
        return box if len(box) == self.inputs else None

    def function(self, function: Function) -> Form:
        """The value of a function of the inputs: a variable, with the bounds that it has on the box if it has any."""
        if function not in self._exact:
            box = self._box()
            bounds: Bounds = None, None
            with suppress(Undefined):
                bounds = bounds if box is None else value(function, box)
            atom = self._exact[function] = self._enter((), None, bounds, None)
            self.functions[atom] = function
        return Form({self._exact[function]: 1})

    @property
    def defined(self) -> bool:
        """Whether all functions of the inputs are known to have a value everywhere on the box."""
        return all(self.low[v] is not None for v in self.functions)

    # --- aliases --------------------------------------------------------------------------------

    def expanded(self, form: Form) -> Form:
        """The same function with every alias replaced (one pass: an alias is free of aliases)."""
        alias = self.alias
        if alias.keys().isdisjoint(form.terms):
            return form
        return substituted(form, {v: alias[v] for v in form.terms if v in alias})

    def listed(self, form: Form) -> Form:
        """The form without aliases, and without the variables that are only bounded: blends and leaks."""
        form = self.expanded(form)
        return reduced({v: c for v, c in form.terms.items() if v <= self.inputs or v in self.candidates}, form.den)

    def pinned(self, form: Form) -> Form:
        """The form with numbers in place of the inputs of which the box has one value only.

        Then -relu(x) + relu(-x), say, is -x at x = 0, too, where both are the form 0.
        """
        ends = {v: (self.low[v], self.high[v]) for v in form.terms}
        return substituted(form, {v: constant_form(a) for v, (a, b) in ends.items() if a is not None and a == b})

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

    def needed(self, forms: Iterable[Form]) -> set[int]:
        """The atoms that occur in the forms, in their candidates, and so on."""
        found: set[int] = set()
        waiting = [v for form in forms for v in form.terms]
        while waiting:
            v = waiting.pop()
            if v > self.inputs and v not in found:
                found.add(v)
                waiting += [u for form in self.candidates.get(v, ()) for u in form.terms]
        return found

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
        if keys not in self._exact:
            sides = self.between(forms) if self.relaxed else None
            self._exact[keys] = self._enter(forms, None, self._ends_of_maximum(forms), sides)
        return Form({self._exact[keys]: 1})

    def _ends_of_maximum(self, forms: Sequence[Form]) -> Bounds:
        """The largest of the lower bounds of the forms, and of their upper ones."""
        heights, unit = self._heights(dict(enumerate(forms)))
        if len(heights) < len(forms):
            return largest(self._all(forms))
        return Fraction(max(map(min, heights.values())), unit), Fraction(max(map(max, heights.values())), unit)

    def mean(self, forms: Sequence[Form], rate: Rate) -> Form:
        """The mean of the forms under softmax of themselves: a form if they are one, otherwise a soft atom."""
        if len({self.expanded(form).key() for form in forms}) == 1:
            return forms[0]
        keys = rate, tuple(sorted([form.key() for form in forms]))  # type: ignore[type-var]
        if keys not in self._exact:
            lead, own = self._soft(forms, rate)
            risen = plus(self.bounds(lead), offset(rate, self._all([difference(form, lead) for form in forms])))
            ends, equal = self._all(forms), [(Fraction(1, len(forms)),) * 2] * len(forms)
            bounds = both(risen, plus(largest(ends), reflected(own)))
            bounds = both(bounds, (mixture(equal, ends)[0], None))  # it is at least the mean of equal weights
            sides = None
            if self.relaxed:
                below, above = self.between(forms)
                sides = _shifted(below, -own[1]), None if above is None else _shifted(above, -own[0])
            self._exact[keys] = self._enter(tuple(forms), rate, bounds, sides, own)
        return Form({self._exact[keys]: 1})

    def _soft(self, forms: Sequence[Form], rate: Rate) -> tuple[Form, Interval]:
        """The leading form, and how far the mean under softmax lies below the maximum."""
        lead = self.lead(forms)
        return lead, gap(rate, self._all([difference(form, lead) for form in forms]))

    def met(self, forms: Sequence[Form], value: Form, rate: Rate | None) -> Met:
        """What there is to know of a maximum, or of a mean at a rate, for a later one that is near it."""
        return Met(tuple(forms), value, rate, NOTHING if rate is None else self._soft(forms, rate)[1])

    def near(self, forms: Sequence[Form], rate: Rate | None, met: Met) -> tuple[Form, int | None]:
        """The maximum of the forms, or their mean, as a value met earlier plus a difference; the atom of that, if any.

        Sound, for lists S (met) and S' (the forms), and gaps g, g' of the means below the maxima, 0 for a maximum:
        op(S') - op(S) <= max S' - g' - (max S - g), and with max S' = s'_j it is at most s'_j - s_t - g' + g for any
        t; with max S = s_i it is at least s'_t - s_i - g' + g for any t. So only forms that may be the largest count.
        Of two means at one rate the difference is sum w_i (s'_i - s_i) with sum w_i = 1, sum |w_i| <= 1 + 2 gamma.
        """
        earlier = met.forms
        keys = rate, tuple([form.key() for form in forms]), met.value.key()
        if keys in self._exact:
            return combine(((1, met.value), (1, Form({self._exact[keys]: 1})))), self._exact[keys]
        own = NOTHING if rate is None else self._soft(forms, rate)[1]
        ups, downs = self._rises(forms, earlier), self._rises(earlier, forms)
        least, most = met.gap[0] - own[1], met.gap[1] - own[0]
        moved = reflected(largest(self._all(downs)))[0], largest(self._all(ups))[1]
        bounds = plus(moved, (least, most))
        if rate is not None and rate == met.rate and len(forms) == len(earlier):
            bounds = both(bounds, self._means_apart(forms, earlier))
        if bounds[0] is not None and bounds[0] == bounds[1]:
            return _shifted(met.value, bounds[0]), None
        rest = [difference(form, met.value) for form in forms]
        bounds = both(bounds, plus(largest(self._all(rest)), reflected(own)))
        above, below = self.between(ups)[1], self.between(downs)[1]
        sides = (
            None if below is None else _shifted(negated(below), least),
            None if above is None else _shifted(above, most),
        )
        if rate is None:
            rest = [rest[j] for j in self.alive(rest)]
        if len(rest) == 1:
            return combine(((1, met.value), (1, rest[0]))), None
        atom = self._enter(tuple(rest), rate, bounds, sides, own)
        self.apart.add(atom)
        self._exact[keys] = atom
        return combine(((1, met.value), (1, Form({atom: 1})))), atom

    def _rises(self, forms: Sequence[Form], others: Sequence[Form]) -> list[Form]:
        """How far each form that may be the largest lies above one of the others.

        In a list of the same length that is the one at its position, otherwise the leader above which it rises least.
        """
        if len(forms) == len(others):
            return [difference(forms[j], others[j]) for j in self.alive(forms)]
        leaders = self.leaders(dict(enumerate(others)))
        return [self._lowest([difference(forms[j], others[i]) for i in leaders]) for j in self.alive(forms)]

    def _lowest(self, forms: Sequence[Form]) -> Form:
        """The first form whose upper bound is least."""
        highs = [high for _, high in self._all(forms)]
        known = [high for high in highs if high is not None]
        return forms[highs.index(min(known))] if known else forms[0]

    def _means_apart(self, forms: Sequence[Form], earlier: Sequence[Form]) -> Bounds:
        """Bounds of the difference of two means at one rate."""
        low, high = self._hull([difference(form, other) for form, other in zip(forms, earlier, strict=True)])
        if low is None or high is None:
            return None, None
        middle, reach = (high + low) / 2, (1 + 2 * gamma(len(forms))) * (high - low) / 2
        return middle - reach, middle + reach

    def _hull(self, forms: Sequence[Form]) -> Bounds:
        """Bounds of whatever lies between the smallest and the largest of the forms."""
        return smallest(self._all(forms))[0], largest(self._all(forms))[1]

    def blend(self, forms: Sequence[Form], scores: Sequence[Form], rate: Rate) -> Form:
        """The mean of the forms with the softmax weights of the scores, one a form."""
        chances = self._chances(scores, rate)
        first = max(range(len(forms)), key=lambda i: chances[i][0])
        rest = [difference(form, forms[first]) for form in forms]
        if not any(self.expanded(form).terms for form in rest):
            return forms[first]
        keys = self._mixed(scores, rate, first, rest)
        if keys not in self._exact:
            bounds = both(self._hull(rest), mixture(chances, self._all(rest)))
            sides = None
            if self.relaxed:
                above, below = self.between(rest)[1], self.between([negated(form) for form in rest])[1]
                sides = None if below is None else negated(below), above
            self._exact[keys] = self._enter((), None, bounds, sides)
        return combine(((1, forms[first]), (1, Form({self._exact[keys]: 1}))))

    def leaking(self, scores: Sequence[Form], rate: Rate) -> dict[int, Fraction]:
        """The scores far below a leader on the whole domain, by their numbers, and how far below at least.

        Far is at least b / rate for b the bits of their number k: the odds of all of them together are then at most
        k 2^-b < 1; at less a blend of all may say more. A largest score is never among them.
        """
        given = rate, tuple([form.key() for form in scores])  # the same for each query token, mostly
        if given not in self._margins:
            leaders, found = self.leaders(dict(enumerate(scores))), dict[int, Fraction]()
            for t, score in enumerate(scores):
                lows = [self.bounds(difference(scores[r], score))[0] for r in leaders if r != t]
                margin = max([low for low in lows if low is not None], default=Fraction(0))
                if rate.value * margin >= len(scores).bit_length():
                    found[t] = margin
            if len(found) == len(scores):
                del found[0]  # all are less only where bounds contradict one another: there is no point
            self._margins[given] = found
        return self._margins[given]

    def leak(
        self, kept: Form, forms: Sequence[Form], scores: Sequence[Form], margins: Mapping[int, Fraction], rate: Rate
    ) -> Form:
        """The mean of the forms with the softmax weights of the scores, from the mean `kept` without some of them.

        `margins` says which are left out, and how far at least their scores lie below others. With p_t their weights
        the mean is kept + sum p_t (v_t - kept), whatever is left out. A score that lies delta below another has the
        odds w = b^-(rate delta) against it, so p_t <= w / (1 + w). A largest score is never left out, so the odds of
        all that is left out against the rest are at most W, the sum of the w; together it weighs at most W / (1 + W).
        """
        rest = [difference(forms[t], kept) for t in margins]
        if not any(self.expanded(form).terms for form in rest):
            return kept
        keys = self._mixed(scores, rate, tuple(margins), rest)
        if keys not in self._exact:
            chances, against = self._chances(scores, rate), {t: odds(rate, m) for t, m in margins.items()}
            shares = [(chances[t][0], min(chances[t][1], share(w))) for t, w in against.items()]
            whole = Fraction(0), share(sum(against.values(), Fraction(0)))
            bounds = both(mixture(shares, self._all(rest)), mixture([whole], [self._hull([ZERO, *rest])]))
            self._exact[keys] = self._enter((), None, bounds, None)
        return combine(((1, kept), (1, Form({self._exact[keys]: 1}))))

    def _chances(self, scores: Sequence[Form], rate: Rate) -> list[Interval]:
        """Bounds of the softmax weights of the scores."""
        return weights(rate, self._all([difference(score, scores[0]) for score in scores]))

    def _mixed(self, scores: Sequence[Form], rate: Rate, which: object, rest: Sequence[Form]) -> object:
        """What a sum of softmax weights of scores times forms depends on, and nothing else."""
        gaps = [scaled(difference(score, scores[0]), rate.value) for score in scores]
        return rate.base, which, *[self.expanded(form).key() for form in (*gaps, *rest)]

    def undominated(self, forms: Sequence[Form]) -> list[Form]:
        """The forms without repetitions and without those that a leader is known to be >= on the domain."""
        return [forms[i] for i in self.alive(forms)]

    def alive(self, forms: Sequence[Form]) -> list[int]:
        """The numbers of the forms that are left by `undominated`."""
        distinct: dict[object, int] = {}
        for i, form in enumerate(forms):
            distinct.setdefault(self.expanded(form).key(), i)
        alive = {i: forms[i] for i in distinct.values()}
        heights, _ = self._heights(alive)
        reverse: dict[tuple[int, int], bool] = {}  # one interval tells who of two is at least the other

        def at_least(i: int, j: int) -> bool:
            if i in heights and j in heights:
                return all(map(ge, heights[i], heights[j]))
            if (i, j) in reverse:
                return reverse[i, j]
            low, high = self.bounds(difference(alive[i], alive[j]))
            reverse[j, i] = high is not None and high <= 0
            return low is not None and low >= 0

        leaders = self.leaders(alive)
        for j in tuple(alive):
            if any(i != j and i in alive and at_least(i, j) for i in leaders):
                del alive[j]
        return list(alive)

    def leaders(self, forms: Mapping[int, Form]) -> list[int]:
        """The forms that are asked whether they dominate others: all, or of many some, so that the work is linear.

        Those are, for each corner of a box of one or two sides, the first of the forms over inputs alone that is
        largest there, and as many with the largest lower bounds. On an interval, of forms each of which is somewhere
        the largest, the first two dominate all that are not so there.
        """
        if len(forms) <= LEADERS:
            return list(forms)
        heights, _ = self._heights(forms)
        lows: dict[int, Any] = {i: min(ends) for i, ends in heights.items()}
        if len(heights) < len(forms):
            lows = {i: self.bounds(form)[0] for i, form in forms.items()}
        corners = range(1 << self.inputs if heights and self.inputs <= 2 else 0)
        first = [max(heights, key=lambda i: heights[i][corner]) for corner in corners]
        known = [i for i, low in lows.items() if low is not None]
        highest, number = sorted(known, key=lows.__getitem__, reverse=True), len(first) or LEADERS
        found = [*highest, *(i for i, low in lows.items() if low is None)]
        return list(dict.fromkeys([*first, *found[:number]]))

    def _heights(self, forms: Mapping[int, Form]) -> tuple[dict[int, list[int]], int]:
        """The values at the corners of a box of few sides of the forms over inputs alone; in units of 1 / a number > 0.

        On the box one of these forms is at least another one exactly if it is so at each corner.
        """
        if not self.scale or not 1 <= self.inputs <= CORNERED:
            return {}, 1
        plain = {i: form for i, form in forms.items() if max(form.terms, default=ONE) <= self.inputs}
        common = lcm(*[form.den for form in plain.values()])
        corners = [(self.scale, *corner) for corner in product(*self._sides[1:])]
        heights: dict[int, list[int]] = {}
        for i, form in plain.items():
            factor, terms = common // form.den, form.terms.items()
            heights[i] = [factor * sum([c * corner[v] for v, c in terms]) for corner in corners]
        return heights, common * self.scale

    def _enter(
        self,
        forms: tuple[Form, ...],
        rate: Rate | None,
        bounds: Bounds,
        sides: tuple[Form | None, Form | None] | None,
        own: Interval = NOTHING,
    ) -> int:
        """A new atom with these candidates, bounds and affine bounds; without candidates it is only bounded."""
        self._own()
        atom = len(self.low)
        low, high = bounds if forms and rate is None and not self.relaxed else short(*bounds)
        self.low.append(low)
        self.high.append(high)
        if sides is not None:
            for table, side in zip((self.floor, self.ceiling), sides, strict=True):
                if side is not None:
                    table[atom] = side
            used = {v for side in sides if side is not None for v in side.terms}
            self.level[atom] = 1 + max([self.level.get(v, 0) for v in used], default=0)
        support = 1 << atom
        for form in forms:
            for v in form.terms:
                support |= self.support.get(v, 0)
        self.support[atom] = support
        if not forms:
            return atom
        self.candidates[atom] = forms
        if rate is not None:
            self.rates[atom], self.gaps[atom] = rate, own
        self._classified(atom, forms, rate)
        return atom

    def _classified(self, atom: int, forms: tuple[Form, ...], rate: Rate | None) -> None:
        """Enter the atom as the first of its class, or with its expression in the first.

        The mean of g + c F at a rate r is g + c times the mean of F at the rate c r, and repetitions count.
        """
        base, scale, parts, shape = normal_form([self.expanded(form) for form in forms])
        if rate is not None:
            shape = rate.scaled(scale), tuple(sorted([part.key() for part in parts]))  # type: ignore[type-var]
        if shape not in self._classes:
            self._classes[shape] = (atom, base, scale)
            return
        first, first_base, first_scale = self._classes[shape]
        growth = difference(Form({first: 1}), first_base)
        self.alias[atom] = combine(((1, base), (1, scaled(growth, scale / first_scale))))
        self.first[atom] = first
        self.support[atom] |= self.support[first]

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


def positive_part(form: Form, low: Fraction | None, high: Fraction | None) -> Form | None:
    """An affine upper bound of max(0, form), from bounds of the form; None where there is none.

    Sound: a convex function lies below its chord.
    """
    if low is not None and low >= 0:
        return form
    if high is not None and high <= 0:
        return ZERO
    if low is None or high is None:
        return None
    share = high / (high - low)
    slope = Fraction((share.numerator << SLOPE_BITS) // share.denominator, 1 << SLOPE_BITS)
    rise = outward(max(-slope * low, (1 - slope) * high), True)
    return combine(((1, scaled(form, slope)), (1, constant_form(rise))))


def _weighted(form: Form, ends: Sequence[Fraction | None]) -> Fraction | None:
    """The form with these values of its variables, in their order; None when one is infinite."""
    finite = [end for end in ends if end is not None]
    if len(finite) < len(ends):
        return None
    common = lcm(*[end.denominator for end in finite])
    pairs = zip(form.terms.values(), finite, strict=True)
    return Fraction(sum([c * end.numerator * (common // end.denominator) for c, end in pairs]), common * form.den)


def _shifted(form: Form, by: Fraction) -> Form:
    return combine(((1, form), (1, constant_form(by)))) if by else form
