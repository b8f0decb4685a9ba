"""What a certificate of the format `FORMAT` shows: a relation of two networks for all values of their unknowns.

It declares the inputs and the other unknowns, names maxima of polynomials in them, and states hypotheses, polynomials
that are >= 0. Its steps derive more such polynomials. Then both networks are evaluated at unknown inputs: they are
*equal* if their outputs are the same polynomials, and the left one is *at most* the right one if the differences of the
outputs are known to be >= 0. All numbers are real, attention is hard, under any tie rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from exactformer.kernel.reading import (
    array,
    named_file,
    natural,
    parse_json,
    rational,
    read_bytes,
    reject,
    table,
)
from exactformer.shapes.networks import Maxout, Names, Transformer, read_network
from exactformer.shapes.polynomials import ONE, Atoms, Number, Polynomial, combined, difference, parsed, product

FORMAT = "exactformer/shape-1"
KEYS = ("format", "inputs", "unknowns", "maxima", "hypotheses", "example", "left", "right", "relation", "steps")
RELATIONS = {"equal": "left(x) = right(x)", "at most": "left(x) <= right(x)"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,99}")


def check_file(path: Path) -> dict[str, object]:
    """What a certificate file shows, as JSON data; the networks lie in the same folder. Raises `Rejected`."""
    return check(read_bytes(path), lambda name: read_bytes(path.parent / name), path.name)


def check(certificate: bytes, read: Callable[[str], bytes], place: str = "certificate") -> dict[str, object]:
    """What a certificate shows; `read` gives the contents of a network file by its plain name. Raises `Rejected`."""
    value = table(parse_json(certificate, place), place, KEYS)
    if value["format"] != FORMAT:
        reject(f"{place}: format", FORMAT, value["format"])
    relation = value["relation"]
    if not isinstance(relation, str) or relation not in RELATIONS:
        reject(f"{place}: relation", " or ".join(RELATIONS), relation)
    inputs, others = (array(value[part], f"{place}: {part}") for part in ("inputs", "unknowns"))
    names: dict[str, Polynomial] = {}
    for name in [*inputs, *others]:
        _declare(name, {(len(names),): 1}, names, place)
    unknowns = list(names)
    atoms = Atoms(len(names))
    sets = _maxima(value["maxima"], names, atoms, f"{place}: maxima")
    listed = array(value["hypotheses"], f"{place}: hypotheses")
    facts = [parsed(text, names, f"{place}: hypotheses[{i}]") for i, text in enumerate(listed)]
    _satisfied(value["example"], facts, unknowns, atoms, f"{place}: example")
    stated = len(facts)
    for number, step in enumerate(array(value["steps"], f"{place}: steps")):
        facts.append(_derived(step, facts, names, sets, f"{place}: steps[{number}]"))
    for fact in facts:
        atoms.learn(fact)
    files, sides = {}, []
    for side in ("left", "right"):
        name, digest, content = named_file(value[side], f"{place}: {side}", read)
        files[side] = name, digest
        sides.append(read_network(content, names, name))
    left, right = sides
    if (left.inputs, left.outputs) != (right.inputs, right.outputs) or left.inputs != len(inputs):
        reject(place, "two networks of the inputs that are declared and of equally many outputs", "others")
    _related(left, right, relation, atoms, place)
    shape, weights = _shape(left, len(inputs), len(unknowns))
    free = [name for number, name in enumerate(unknowns) if number >= len(inputs) and number not in weights]
    return {
        "claim": "all weights" if shape else "all unknowns",
        "parameters": {"shape": shape, "relation": relation}
        | {part: value[part] for part in ("inputs", "unknowns", "maxima", "hypotheses")},
        "holds": True,
        "theorem": _statement(shape, free, len(listed), len(inputs), relation),
        "tie": "average",
        "domain": {"lower": [None] * len(inputs), "upper": [None] * len(inputs)},
        "digests": {side: digest for side, (_, digest) in files.items()},
        "files": dict(files.values()),
        "counts": {"hypotheses": stated, "steps": len(facts) - stated, "maxima": len(atoms.members)},
    }


def _statement(shape: str | None, free: list[str], hypotheses: int, inputs: int, relation: str) -> str:
    """The theorem in words."""
    over = [f"all weights of shape {shape}"] if shape else []
    over += [f"all real numbers {', '.join(free)}"] if free else []
    over += [f"every x in R^{inputs}"] if inputs else []
    under = f" with the {hypotheses} hypotheses" if hypotheses else ""
    return f"for {', '.join(over)}{under}: {RELATIONS[relation]} (real arithmetic, hard attention, any tie rule)"


def _declare(name: object, meaning: Polynomial, names: dict[str, Polynomial], place: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in names:
        reject(place, "names that are letters, digits, points and underscores, each declared once", name)
    names[name] = meaning
    return name


def _maxima(value: object, names: dict[str, Polynomial], atoms: Atoms, place: str) -> dict[str, list[Polynomial]]:
    """The candidates of each maximum that has a name; the later ones may use the earlier."""
    sets = {}
    for item in array(value, place):
        name, texts = array(item, place, 2)
        candidates = [parsed(text, names, f"{place}, {name}") for text in array(texts, place)]
        if not candidates:
            reject(place, "at least one candidate", "none")
        sets[_declare(name, atoms.maximum(candidates), names, place)] = candidates
    return sets


def _satisfied(value: object, hypotheses: list[Polynomial], unknowns: list[str], atoms: Atoms, place: str) -> None:
    """The hypotheses do not contradict one another: they hold for the values of the example."""
    numbers = [rational(x, place) for x in array(value, place, len(unknowns) if hypotheses else 0)]
    values: dict[int, Number] = dict(enumerate(numbers))

    def at(polynomial: Polynomial) -> Number:
        total: Number = 0
        for monomial, c in polynomial.items():
            for variable in monomial:
                c = c * values[variable]
            total += c
        return total

    for atom, members in atoms.members.items() if hypotheses else ():
        values[atom] = max(map(at, members))
    for number, hypothesis in enumerate(hypotheses):
        if at(hypothesis) < 0:
            reject(place, "values for which all hypotheses hold", f"hypothesis {number} does not")


def _derived(
    value: object, facts: list[Polynomial], names: Names, sets: dict[str, list[Polynomial]], place: str
) -> Polynomial:
    """A polynomial that is >= 0 because the earlier ones are."""
    step = array(value, place)
    if len(step) == 2 and step[0] == "sum":
        return _total(array(step[1], place), facts, place)
    if len(step) != 3 or step[0] not in ("above", "below") or not isinstance(step[1], str) or step[1] not in sets:
        reject(place, "a sum, or a maximum with a name above a candidate or below a bound", value)
    top, candidates = names[step[1]], sets[step[1]]
    if step[0] == "above":
        # Rule *above*: a maximum is at least each of its candidates.
        return difference(top, candidates[natural(step[2], place, len(candidates))])
    # Rule *below*: what is at least each candidate is at least their maximum.
    margins = [_fact(number, facts, place) for number in array(step[2], place, len(candidates))]
    bounds = [combined(((1, m), (1, c))) for m, c in zip(margins, candidates, strict=True)]
    if any(bound != bounds[0] for bound in bounds):
        reject(place, "facts B - c with one and the same B for all candidates c", "others")
    return difference(bounds[0], top)


def _total(items: list[object], facts: list[Polynomial], place: str) -> Polynomial:
    """Rule *sum*: c1 f1 g1 + c2 f2 + ... >= 0 for numbers c >= 0 and facts f1, g1, f2, ..."""
    parts = []
    for item in items:
        number, factors = array(item, place, 2)
        c = rational(number, place)
        if c < 0:
            reject(place, "coefficients >= 0", number)
        term = ONE
        for factor in array(factors, place):
            term = product(term, _fact(factor, facts, place))
        parts.append((c, term))
    return combined(parts)


def _fact(value: object, facts: list[Polynomial], place: str) -> Polynomial:
    return facts[natural(value, place, len(facts))]


def _related(left: Maxout | Transformer, right: Maxout | Transformer, relation: str, atoms: Atoms, place: str) -> None:
    """Reject unless the outputs of both networks at unknown inputs stand in the relation."""
    x: dict[int, Polynomial] = {i: {(i,): 1} for i in range(left.inputs)}
    first, second = left(x, atoms), right(x, atoms)
    for i in range(left.outputs):
        gap = difference(second.get(i, {}), first.get(i, {}))
        if gap if relation == "equal" else not atoms.at_least_zero(gap):
            reject(f"{place}: output {i}", RELATIONS[relation], "outputs for which no rule shows it")


def _shape(left: Maxout | Transformer, inputs: int, unknowns: int) -> tuple[str | None, set[int]]:
    """The shape and the weights of a maxout network all of whose entries are different unknowns, none of them an input.

    None, and no weights, for any other network.
    """
    if not isinstance(left, Maxout) or not left.layers:
        return None, set()
    maps = [*(pieces for _, pieces in left.layers), left.output]
    entries = [entry for part in maps for entry in (*part.entries.values(), *part.biases.values())]
    found = [next(iter(entry)) for entry in entries if len(entry) == 1 and set(entry.values()) == {1}]
    variables = {v for monomial in found if len(monomial) == 1 for v in monomial if inputs <= v < unknowns}
    if not len(variables) == len(entries) == sum(part.height * (part.width + 1) for part in maps):
        return None, set()
    widths = [pieces.height // rank for rank, pieces in left.layers]
    ranks = sorted({rank for rank, _ in left.layers})
    return (
        f"{'-'.join(map(str, [left.inputs, *widths, left.outputs]))} and rank {', '.join(map(str, ranks))}",
        variables,
    )
