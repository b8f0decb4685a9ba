"""The case tree of a small proof, in words: what is distinguished on each cell, and why the final ones are closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import gcd
from typing import Any

from exactformer.documents.document import Branch
from exactformer.documents.numbers import linear_text, variable
from exactformer.kernel.claims import Child, Goal, follow
from exactformer.kernel.forms import Form, difference
from exactformer.prover.choice import outputs_of

MOST_STEPS = 150  # of a proof whose tree is shown
MOST_OUTPUTS = 4  # of sides whose values are shown
GOES_ON = ("bound", "anew", "narrow")  # steps with one child, which is the same cell


def case_tree(goal: Goal, steps: Sequence[Any]) -> Branch | None:
    """The tree of a proof of the goal that the kernel accepts; None for one of a single step, or of too many."""
    if not 1 < len(steps) <= MOST_STEPS:
        return None
    remaining = iter(steps)

    def case(when: str, child: Child) -> Branch:
        goal, said = child(), list[str]()
        for step in remaining:
            children = follow(goal, step, "cases")
            text, labels = _said(goal.opened(), step, children)
            said.append(text)
            if not children:
                break
            if step[0] not in GOES_ON:
                return Branch(when, "; ".join(said), tuple(map(case, labels, children)))
            goal = children[0]()
        return Branch(when, "; ".join(said))

    return case("", lambda: goal)


def _said(goal: Goal, step: Sequence[Any], children: Sequence[Child]) -> tuple[str, list[str]]:
    """What a step does on a cell, and what tells its children apart."""
    shown = _writer(goal)
    match step[0]:
        case "gate":
            forms = goal.cell.candidates(step[1])
            texts = [shown(form) for form in forms]
            if len(forms) == 2:
                gap = shown(primitive(difference(*forms)))
                return f"{step[1]} = max({', '.join(texts)})", [f"{gap} {sign} 0" for sign in "≥≤"]
            return f"{step[1]} = max({', '.join(texts)})", [f"{text} is the largest" for text in texts]
        case "compare":
            scores = goal.stuck or {}
            gap = shown(primitive(difference(scores[step[1]], scores[step[2]])))
            head = next(run.stuck.place for run in goal.runs if run.stuck is not None)
            return f"scores of tokens {step[1]} and {step[2]} at {head}", [f"{gap} {sign} 0" for sign in ">=<"]
        case "cut" | "bound":
            row = children[0]().cell.rows[-1][0]
            if step[0] == "cut":
                return "cut", [f"{shown(primitive(row))} {sign} 0" for sign in "≥≤"]
            return f"{step[1]} ≤ {shown(difference(row, Form({goal.cell.places[step[1]]: -1})))}", []
        case "anew" | "narrow":
            return "evaluated again on its own box", []
        case "empty":
            return "no point: its inequalities contradict one another", []
        case _:
            return _closed(goal, shown), []


def _writer(goal: Goal) -> Callable[[Form], str]:
    """Forms in words: the open maxima by the first place whose value they are, values of functions by number."""
    cell, atoms = goal.cell, goal.cell.atoms

    def plain(form: Form) -> Form:
        return atoms.expanded(cell.resolve(atoms.expanded(form)))

    owners: dict[int, str] = {}
    for place, own in cell.places.items():
        value = plain(Form({own: 1}))
        if len(value.terms) == 1 and value.den == 1 and set(value.terms.values()) == {1}:
            owners.setdefault(next(iter(value.terms)), place)

    def name(v: int, inputs: int) -> str:
        return variable(v - 1, inputs) if v <= inputs else owners.get(v, f"a{v}")

    def text(form: Form) -> str:
        form = plain(form)
        terms = ((v, Fraction(c, form.den)) for v, c in sorted(form.terms.items()) if v)
        return linear_text(terms, Fraction(form.terms.get(0, 0), form.den), atoms.inputs, name)

    return text


def primitive(form: Form) -> Form:
    """The form over the greatest common divisor of its coefficients, as integers: of the same sign everywhere."""
    divisor = gcd(*form.terms.values()) or 1
    return Form({v: c // divisor for v, c in form.terms.items()})


def _closed(goal: Goal, shown: Callable[[Form], str]) -> str:
    """Why the claim holds on a cell; for an equality what both sides are, where that is short."""
    if goal.obligations():
        return "holds: shown from its inequalities"
    sides = {tuple(shown(form) for form in outputs_of(run)) for run in goal.runs}
    if not goal.statement.equations or len(sides) != 1:
        return "holds: the same form"
    (values,) = sides
    if len(values) > MOST_OUTPUTS:
        return "equal: both sides are one form"
    return f"equal: both are {', '.join(values)}"
