"""Claims and obligations as SMT-LIB 2 text, for any solver; the answer `unsat` confirms them.

Every value inside a network is an affine form over symbols, with exact coefficients, so constants fold by themselves:
one-hot positions, empty slots and constant queries leave no trace. A symbol is defined for each maximum, ReLU and
choice between tokens, and for each product of two values that depend on the input; only the last is not linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from exactformer.domain import Domain
from exactformer.errors import Unsupported
from exactformer.networks import Affine, Network
from exactformer.networks.semantics import Semantics
from exactformer.networks.walk import walk
from exactformer.prover.outcome import Inequality
from exactformer.prover.question import Question
from exactformer.rational import Matrix

ONE = "~"  # the symbol that stands for the number 1; it sorts after all others
_SYMBOL = re.compile(r"[a-z]\w*")
_CHUNK = 4000  # decimal digits written at once: Python refuses more than 4300


def claim_text(question: Question) -> str:
    """The script that is unsatisfiable exactly when the claim of the question holds.

    It asserts that the variables are admissible, defines the values of all evaluations step by step, and asserts
    that some conclusion fails. Raises `Unsupported` for softmax.
    """
    if question.soft:
        raise Unsupported("SMT-LIB: expected no temperature, found softmax, whose exponentials it has not")
    n, space = question.left.inputs, question.space
    variables = _inputs(space.dimension)
    outputs, definitions, linear = [], [], True
    for name, run in zip(_evaluations(question), question.claim.runs_at(variables, n), strict=True):
        side = _Side(name, question.read(run))
        symbols = side.outputs(question.networks[run.network], run.inputs)
        kept = side.needed(symbols)
        definitions += [f"(define-fun {name} () {sort} {body})" for name, (sort, body) in kept.items()]
        linear = linear and side.products.isdisjoint(kept)
        outputs.append([_symbol(symbol) for symbol in symbols])
    if question.claim.equations:
        first, second = ([_term(form) for form in forms] for forms in outputs)
        fails = _differ(list(zip(first, second, strict=True)))
    else:
        sets = [[_as_form(value) for value in values] for values in question.claim.alternatives(*outputs)]
        fails = _failing(sets, strict=question.claim.strict)
    header = [str(question.claim), f"semantics: real arithmetic, {question.semantics[0]}"]
    logic = "QF_LRA" if linear else "QF_NRA"
    return _script(header, logic, space.dimension, [*_domain(space, variables), *definitions, fails])


def _evaluations(question: Question) -> list[str]:
    """A name for each evaluation, which its symbols start with."""
    count = len(question.runs(tuple(Fraction(0) for _ in range(question.space.dimension))))
    return ["left", "right"] if question.right is not None else ["value", "second", "third"][:count]


def obligation_text(inequalities: Sequence[Inequality], left_map: Affine, right_map: Affine) -> str:
    """The script that is unsatisfiable exactly when the two affine maps agree wherever all inequalities hold.

    Nothing is raised for parts of one proof, which agree in their dimensions.
    """
    x = _inputs(left_map.inputs)
    pairs = zip(_applied(left_map, x), _applied(right_map, x), strict=True)
    differ = _differ([(_term(a), _term(b)) for a, b in pairs])
    header = ["the affine maps of the two networks on this cell agree on it"]
    return _script(header, "QF_LRA", left_map.inputs, [*map(_row, inequalities), differ])


def leaf_text(
    rule: str,
    symbols: Sequence[str],
    hypotheses: Sequence[tuple[Form, bool]],
    pairs: Sequence[tuple[Form, Form]],
    conclusions: Sequence[Form] | None,
    *,
    strict: bool = False,
) -> str:
    """The script that is unsatisfiable exactly when a leaf of a proof tree is right.

    All hypotheses (a form >= 0, or > 0 if the flag is set) hold, and some pair differs, or some conclusion is < 0
    (`strict`: <= 0); with neither (None) the cell is claimed to be empty. Nothing is raised.
    """
    body = [f"(assert ({'>' if strict else '>='} {_term(form)} 0))" for form, strict in hypotheses]
    if pairs:
        body.append(_differ([(_term(a), _term(b)) for a, b in pairs]))
    elif conclusions is not None:
        body.append(_failing([[form] for form in conclusions], strict=strict))
    text = "this cell is empty" if rule == "empty" else "the claim holds on this cell"
    return _script_about([text], "QF_LRA", symbols, body)


def empty_text(inequalities: Sequence[Inequality]) -> str:
    """The script that is unsatisfiable exactly when no point satisfies all inequalities; nothing is raised."""
    inputs = len(inequalities[0].coefficients) if inequalities else 0
    return _script(["this cell is empty"], "QF_LRA", inputs, map(_row, inequalities))


# --- text -----------------------------------------------------------------------------------------


def _script(header: Sequence[str], logic: str, inputs: int, body: Iterable[str]) -> str:
    return _script_about(header, logic, [f"x{i}" for i in range(inputs)], body)


def _script_about(header: Sequence[str], logic: str, symbols: Sequence[str], body: Iterable[str]) -> str:
    comments = [f"; unsat means: {header[0]}", *(f"; {line}" for line in header[1:])]
    declared = [f"(declare-const {symbol} Real)" for symbol in symbols]
    return "\n".join([*comments, f"(set-logic {logic})", *declared, *body, "(check-sat)", ""])


def _differ(pairs: Sequence[tuple[str, str]]) -> str:
    return f"(assert {_joined('or', [f'(not (= {a} {b}))' for a, b in pairs]) or 'false'})"


def _failing(sets: Sequence[Sequence[Form]], *, strict: bool) -> str:
    """That of some set all forms are < 0 (`strict`: <= 0)."""
    relation = "<=" if strict else "<"
    each = [_joined("and", [f"({relation} {_term(form)} 0)" for form in forms]) for forms in sets]
    return f"(assert {_joined('or', each) or 'false'})"


def _row(inequality: Inequality) -> str:
    x = _inputs(len(inequality.coefficients))
    form = _sum([*zip(map(Fraction, inequality.coefficients), x, strict=True), (1, _constant(inequality.constant))])
    return f"(assert ({'>' if inequality.strict else '>='} {_term(form)} 0))"


def _domain(domain: Domain, x: Sequence[Form]) -> list[str]:
    lines = []
    for form, low, high in zip(x, domain.lower, domain.upper, strict=True):
        chain = [_term(end) for end in (_bound(low), form, _bound(high)) if end is not None]
        lines += [f"(assert {_joined('<=', chain)})"] * (len(chain) > 1)
    rows = zip(_times(domain.matrix, x), domain.bounds.fractions(), strict=True)
    return lines + [f"(assert (<= {_term(form)} {_number(bound)}))" for form, bound in rows]


def _bound(value: Fraction | None) -> Form | None:
    return None if value is None else _constant(value)


def _term(form: Form) -> str:
    return _joined("+", [_monomial(form[name], name) for name in sorted(form)]) or "0"


def _monomial(factor: Fraction, name: str) -> str:
    if name == ONE:
        return _number(factor)
    return name if factor == 1 else f"(- {name})" if factor == -1 else f"(* {_number(factor)} {name})"


def _joined(operator: str, parts: Sequence[str]) -> str:
    return f"({operator} {' '.join(parts)})" if len(parts) > 1 else "".join(parts)


def _number(value: Fraction) -> str:
    size = _digits(abs(value.numerator))
    text = size if value.denominator == 1 else f"(/ {size} {_digits(value.denominator)})"
    return text if value >= 0 else f"(- {text})"


def _digits(value: int) -> str:
    high, low = divmod(value, 10**_CHUNK)
    return _digits(high) + str(low).zfill(_CHUNK) if high else str(low)


# --- forms ----------------------------------------------------------------------------------------


class Form(dict[str, Fraction]):
    """The sum of coefficient * symbol, without zero coefficients, with the arithmetic that claims are written in."""

    def __add__(self, other: Any) -> Form:
        return _plus(self, _as_form(other))

    def __sub__(self, other: Any) -> Form:
        return _minus(self, _as_form(other))

    def __radd__(self, other: Any) -> Form:
        return _plus(_as_form(other), self)

    def __rsub__(self, other: Any) -> Form:
        return _minus(_as_form(other), self)

    def __rmul__(self, factor: Fraction) -> Form:
        return _sum([(factor, self)])

    def __truediv__(self, divisor: int) -> Form:
        return _sum([(Fraction(1, divisor), self)])


def _as_form(value: Any) -> Form:
    return value if isinstance(value, Form) else _constant(value)


def _inputs(count: int) -> list[Form]:
    return [_symbol(f"x{i}") for i in range(count)]


def _symbol(name: str) -> Form:
    return Form({name: Fraction(1)})


def _constant(value: Fraction | int) -> Form:
    return Form({ONE: Fraction(value)} if value else {})


def _value(form: Form) -> Fraction | None:
    """The value of a form without symbols; None for any other form."""
    return form.get(ONE, Fraction(0)) if form.keys() <= {ONE} else None


def _sum(parts: Iterable[tuple[Fraction | int, Form]]) -> Form:
    total: dict[str, Fraction] = {}
    for factor, form in parts:
        for name, c in form.items():
            total[name] = total.get(name, Fraction(0)) + factor * c
    return Form({name: c for name, c in total.items() if c})


def _plus(left: Form, right: Form) -> Form:
    return _sum([(1, left), (1, right)])


def _minus(left: Form, right: Form) -> Form:
    return _sum([(1, left), (-1, right)])


def _times(matrix: Matrix, forms: Sequence[Form]) -> list[Form]:
    return [_sum((Fraction(n, matrix.denominator), forms[j]) for j, n in row) for row in matrix.rows]


def _applied(affine: Affine, forms: Sequence[Form]) -> list[Form]:
    offsets = map(_constant, affine.biases.fractions())
    return [_plus(form, offset) for form, offset in zip(_times(affine.weights, forms), offsets, strict=True)]


def _undominated(forms: dict[int, Form]) -> dict[int, Form]:
    """The forms that no other form exceeds by a positive constant."""

    def exceeded(form: Form) -> bool:
        return any((_value(_minus(other, form)) or 0) > 0 for other in forms.values())

    return {t: form for t, form in forms.items() if not exceeded(form)}


def _slope(values: Sequence[Form], scores: Sequence[Form]) -> Fraction | None:
    """The c with values[t] - values[0] = c (scores[t] - scores[0]) for all t; None when there is none."""
    rises, runs = [_minus(v, values[0]) for v in values], [_minus(s, scores[0]) for s in scores]
    run = next((run for run in runs if run), _constant(1))
    rise = rises[runs.index(run)] if run in runs else Form()
    name = next(iter(run))
    c = rise.get(name, Fraction(0)) / run[name]
    return c if all(rise == _sum([(c, run)]) for rise, run in zip(rises, runs, strict=True)) else None


# --- networks -------------------------------------------------------------------------------------


Forms = Sequence[Form]


class _Side:
    """The evaluation of one network, an algebra of forms: its definitions, in order; two sides of a claim share none.

    A body that was defined before keeps its first name.
    """

    def __init__(self, side: str, semantics: Semantics) -> None:
        self.side = side
        self.semantics = semantics
        self.definitions: dict[str, tuple[str, str]] = {}  # name -> (sort, body)
        self.names: dict[str, str] = {}  # body -> name
        self.relus: dict[str, str] = {}  # argument -> name
        self.products: set[str] = set()

    def outputs(self, network: Network, x: Sequence[Form]) -> list[str]:
        """The symbols of the outputs, defined after everything they rest on."""
        forms = walk(network, x, self)
        found = {f"{self.side}_y{i}": ("Real", _term(form)) for i, form in enumerate(forms)}
        self.definitions |= found
        return list(found)

    def needed(self, roots: Iterable[str]) -> dict[str, tuple[str, str]]:
        """The definitions on which the given symbols rest, in order."""
        wanted = set(roots)
        for name in reversed(self.definitions):
            if name in wanted:
                wanted.update(_SYMBOL.findall(self.definitions[name][1]))
        return {name: definition for name, definition in self.definitions.items() if name in wanted}

    # The algebra

    def affine(self, part: Affine, x: Forms) -> Forms:
        """The map at x."""
        return _applied(part, x)

    def linear(self, part: Matrix, x: Forms) -> Forms:
        """The matrix times x."""
        return _times(part, x)

    def add(self, x: Forms, y: Forms) -> Forms:
        """The sum."""
        return list(map(_plus, x, y))

    def relu(self, place: str, x: Forms) -> Forms:
        """max(x_i, 0) for each i."""
        return [self._relu(f"{self.side}_{place}{i}", form) for i, form in enumerate(x)]

    def maximum(self, place: str, pieces: Forms, rank: int) -> Forms:
        """The largest of each `rank` pieces that follow each other."""
        units = [dict(enumerate(pieces[i : i + rank])) for i in range(0, len(pieces), rank)]
        return [self._maximum(f"{self.side}_{place}{i}", unit) for i, unit in enumerate(units)]

    def attend(self, head: str, q: int, query: Forms, keys: Mapping[int, Forms], values: Mapping[int, Forms]) -> Forms:
        """The value of the tokens that may win."""
        place = f"{self.side}_{head}"
        scores = _undominated({t: self._score(place, (q, query), (t, key)) for t, key in keys.items()})
        return self._chosen(f"{place}_q{q}", scores, {t: values[t] for t in scores})

    def _score(self, place: str, query: tuple[int, Forms], key: tuple[int, Forms]) -> Form:
        """Query times key, each with its token; a product of two forms that depend on the input becomes a symbol."""
        parts: list[tuple[Fraction, Form]] = []
        for i, (a, b) in enumerate(zip(query[1], key[1], strict=True)):
            left, right = _value(a), _value(b)
            if left is not None:
                parts.append((left, b))
            elif right is not None:
                parts.append((right, a))
            else:
                factors = self._short(f"{place}_query{i}_t{query[0]}", a), self._short(f"{place}_key{i}_t{key[0]}", b)
                name = self._define(f"{place}_q{query[0]}_k{key[0]}_{i}", f"(* {' '.join(sorted(factors))})")
                self.products.add(name)
                parts.append((Fraction(1), _symbol(name)))
        return _sum(parts)

    def _chosen(self, place: str, scores: dict[int, Form], values: Mapping[int, Forms]) -> Forms:
        """The value vector that a head hands to one query token, from the scores of the tokens that may win."""
        runs = list(scores.values())
        columns = [dict(zip(values, column, strict=True)) for column in zip(*values.values(), strict=True)]
        if all(run == runs[0] for run in runs):
            winners = [self.semantics.sharing(list(column.values())) for column in columns]
            return [_sum((Fraction(1, len(column)), v) for v in column) for column in winners]
        top = self._maximum(f"{place}_max", scores)
        result = []
        for j, column in enumerate(columns):
            first, slope = next(iter(column.values())), _slope(list(column.values()), runs)
            if slope is None:
                result.append(self._picked(f"{place}_v{j}", self._wins(place, scores, top), column))
            else:  # v = v_0 + c (s - s_0) for all tokens, so for the winners too, under every tie rule
                result.append(_sum([(1, first), (slope, _minus(top, runs[0]))]))
        return result

    # Defined symbols

    def _define(self, name: str, body: str, sort: str = "Real") -> str:
        if body not in self.names:
            self.names[body] = name
            self.definitions[name] = (sort, body)
        return self.names[body]

    def _short(self, name: str, form: Form) -> str:
        """The form as a number or as a symbol, which is defined when the form is not one already."""
        plain = _value(form) is not None or list(form.values()) == [1]
        return _term(form) if plain else self._define(name, _term(form))

    def _relu(self, name: str, form: Form) -> Form:
        """relu(u); where relu(-u) is there already, u + relu(-u), so that a pair of erasers folds to -u."""
        value, opposite = _value(form), _term(_minus(Form(), form))
        if value is not None:
            return _constant(max(value, Fraction(0)))
        if opposite in self.relus:
            return _plus(form, _symbol(self.relus[opposite]))
        u = self._short(f"{name}_in", form)
        self.relus[_term(form)] = self._define(name, f"(ite (>= {u} 0) {u} 0)")
        return _symbol(self.relus[_term(form)])

    def _maximum(self, name: str, forms: dict[int, Form]) -> Form:
        """The largest of the forms, compared one after the other; max(u, 0) is relu(u)."""
        distinct = list({_term(form): (j, form) for j, form in _undominated(forms).items()}.values())
        if len(distinct) == 1:
            return distinct[0][1]
        if len(distinct) == 2 and any(form == {} for _, form in distinct):
            return self._relu(name, _plus(distinct[0][1], distinct[1][1]))
        pieces = [self._short(f"{name}_p{j}", form) for j, form in distinct]
        best = pieces[0]
        for n, piece in enumerate(pieces[1:], 2):
            body = f"(ite (>= {best} {piece}) {best} {piece})"
            best = self._define(name if n == len(pieces) else f"{name}_m{n}", body)
        return _symbol(best)

    def _wins(self, place: str, scores: dict[int, Form], top: Form) -> dict[int, str]:
        """For every token the proposition that its score is the largest."""
        terms = {t: self._short(f"{place}_max_p{t}", score) for t, score in scores.items()}
        return {t: self._define(f"{place}_wins{t}", f"(= {term} {_term(top)})", "Bool") for t, term in terms.items()}

    def _picked(self, name: str, wins: dict[int, str], values: dict[int, Form]) -> Form:
        """The value of the first or last winner, or the mean of all winners' values: their sum / n when there are n."""
        terms = {t: self._short(f"{name}_t{t}", form) for t, form in values.items()}
        if self.semantics.tie == "average":
            count = self._define(f"{name}_count", _joined("+", [f"(ite {wins[t]} 1 0)" for t in wins]))
            total = self._define(f"{name}_sum", _joined("+", [f"(ite {wins[t]} {terms[t]} 0)" for t in wins]))
            cases = [(f"(= {count} {n})", _monomial(Fraction(1, n), total)) for n in range(1, len(wins) + 1)]
        else:
            cases = [(wins[t], terms[t]) for t in sorted(wins, reverse=self.semantics.tie == "rightmost")]
        body = cases[-1][1]  # one of the cases holds
        for condition, term in reversed(cases[:-1]):
            body = f"(ite {condition} {term} {body})"
        return _symbol(self._define(name, body))
