"""What can be claimed of one or two networks: equal, at most, within, a range, and what one network is.

A claim says at which points networks are evaluated and what must hold for the values. It is written over numbers of
any kind (Fractions, arrays of floats, symbols), so that the exact evaluators, the numeric path and the SMT-LIB text
all read one definition. The kernel has its own: the two are the two routes by which a counterexample is confirmed.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from numbers import Integral
from typing import Any, ClassVar, Literal

from exactformer.domain import Domain
from exactformer.enclosure import bounds
from exactformer.errors import Faults, InvalidInput, did_you_mean, shown
from exactformer.networks import Network
from exactformer.networks.semantics import TIES, Semantics, Tie
from exactformer.rational import Matrix, Vector, listed, number_text, read_rational

Number = int | float | str | Fraction | Decimal  # what an exact number is read from
Answer = Literal["yes", "no", "undecided"]  # undecided: bounds of an irrational value do not tell
Values = Sequence[Any]  # numbers of any kind that can be added, subtracted and divided by an integer


@dataclass(frozen=True)
class Run:
    """One evaluation that a claim asks for: the left (0) or right (1) network at a point, and how attention is read."""

    label: str  # with {left} and {right} where the network's symbol goes
    network: int
    inputs: Values
    semantics: Semantics | None = None  # None: as the question reads the network


@dataclass(frozen=True)
class Claim(ABC):
    """A statement about one or two networks on a domain.

    Its *variables* are the coordinates of x, and of a second point y those in which y may differ from x.
    """

    name: ClassVar[str]
    networks: ClassVar[int] = 1
    equations: ClassVar[bool] = False  # whether the conclusions must be 0, rather than >= 0
    ordered: ClassVar[bool] = False  # whether x <= y is part of the hypothesis

    @abstractmethod
    def runs(self, x: Values, y: Values) -> list[Run]:
        """The evaluations, at points made from x and y."""

    @abstractmethod
    def conclusions(self, *outputs: Values) -> list[Any]:
        """What must be >= 0 (or 0, for `equations`), from the outputs of the runs."""

    @abstractmethod
    def sentence(self, left: str, right: str, domain: str) -> str:
        """The claim in words and symbols."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as JSON data."""
        return {}

    @property
    def argument(self) -> str:
        """The parameters as written on the command line."""
        return ""

    @property
    def written(self) -> str:
        """The claim as `read_claim` reads it."""
        return f"{self.name}:{self.argument}" if self.argument else self.name

    def free(self, inputs: int) -> tuple[int, ...]:
        """The inputs in which y may differ from x; none for a claim about single points."""
        return ()

    def fitted(self, left: Network, right: Network | None, faults: Faults) -> Claim:
        """The claim for these networks, with defaults filled in; faults are noted."""
        return self

    # --- what follows from these --------------------------------------------------------------------

    def points(self, variables: Values, inputs: int) -> tuple[Values, Values]:
        """The points x and y."""
        x, y = list(variables[:inputs]), list(variables[:inputs])
        for i, value in zip(self.free(inputs), variables[inputs:], strict=True):
            y[i] = value
        return x, y

    def runs_at(self, variables: Values, inputs: int) -> list[Run]:
        """The evaluations at given values of the variables."""
        return self.runs(*self.points(variables, inputs))

    def contradicted(self, outputs: Sequence[Values]) -> Answer:
        """Whether outputs of the runs, exact numbers or enclosures, contradict the claim."""
        answers = {_fails(*bounds(value), equation=self.equations) for value in self.conclusions(*outputs)}
        return next((answer for answer in ("yes", "undecided") if answer in answers), "no")

    def space(self, domain: Domain) -> Domain:
        """The values of the variables for which x and y lie in the domain, ordered where the claim says so."""
        n, free = domain.dimension, self.free(domain.dimension)
        if not free:
            return domain
        size, column = n + len(free), {i: n + k for k, i in enumerate(free)}
        entries, bounds = dict(domain.matrix.entries()), list(domain.bounds.fractions())
        for (row, i), value in domain.matrix.entries().items():
            entries[len(domain.bounds) + row, column.get(i, i)] = value
        bounds += bounds
        for i in free if self.ordered else ():
            entries |= {(len(bounds), i): Fraction(1), (len(bounds), column[i]): Fraction(-1)}
            bounds.append(Fraction(0))
        lower, upper = ((*ends, *(ends[i] for i in free)) for ends in (domain.lower, domain.upper))
        return Domain(lower, upper, Matrix.sparse(len(bounds), size, entries), Vector.of(bounds))

    def __str__(self) -> str:
        return self.sentence("left", "right", "the domain")


def _fails(lower: Fraction, upper: Fraction, *, equation: bool) -> Answer:
    """Whether a number within these bounds is not 0 (for an equation), or below it."""
    if upper < 0 or (equation and lower > 0):
        return "yes"
    return "undecided" if lower < 0 or (equation and upper > 0) else "no"


def _names(inputs: Sequence[int], separator: str = ", ") -> str:
    return separator.join(f"x{i + 1}" for i in inputs)


def _frozen(claim: Claim, *names: str) -> None:
    """Makes tuples of the parameters that are lists, ranges or arrays, with plain integers in place of NumPy's."""
    for name in names:
        value = getattr(claim, name)
        items = list(value) if isinstance(value, range) else listed(value)
        if items is not None:
            plain = (int(x) if isinstance(x, Integral) and not isinstance(x, bool) else x for x in items)
            object.__setattr__(claim, name, tuple(plain))


def _named(inputs: Any) -> str:
    """What was given in place of inputs."""
    if not isinstance(inputs, (tuple, range)):
        return shown(inputs)
    return ", ".join(f"x{i + 1}" if type(i) is int else str(i) for i in inputs) or "none"


def _minus(left: Values, right: Values) -> list[Any]:
    return [a - b for a, b in zip(left, right, strict=True)]


# --- two networks at one point ----------------------------------------------------------------------


class _TwoNetworks(Claim):
    """Both networks are evaluated at x."""

    networks = 2

    def runs(self, x: Values, y: Values) -> list[Run]:
        """Both networks at x."""
        return [Run("{left}(x)", 0, x), Run("{right}(x)", 1, x)]


@dataclass(frozen=True)
class Equal(_TwoNetworks):
    """left(x) = right(x).

    >>> print(Equal())
    left(x) = right(x) for every x in the domain
    """

    name = "equal"
    equations = True

    def conclusions(self, *outputs: Values) -> list[Any]:
        """Left - right."""
        return _minus(*outputs)

    def sentence(self, left: str, right: str, domain: str) -> str:
        """left(x) = right(x)."""
        return f"{left}(x) = {right}(x) for every x in {domain}"


@dataclass(frozen=True)
class AtMost(_TwoNetworks):
    """left(x) <= right(x), output by output."""

    name = "at-most"

    def conclusions(self, *outputs: Values) -> list[Any]:
        """Right - left."""
        return _minus(outputs[1], outputs[0])

    def sentence(self, left: str, right: str, domain: str) -> str:
        """left(x) <= right(x)."""
        return f"{left}(x) ≤ {right}(x) for every x in {domain}"


@dataclass(frozen=True, init=False)
class Within(_TwoNetworks):
    """|left(x) - right(x)| <= epsilon, output by output; epsilon is an exact number >= 0.

    >>> Within("1/100").epsilon
    Fraction(1, 100)
    """

    epsilon: Fraction

    name = "within"

    def __init__(self, epsilon: Number) -> None:
        faults = Faults()
        exact = read_rational(epsilon, "claim within: epsilon", faults)
        if exact < 0:
            faults.add("claim within: epsilon", "a number >= 0", str(exact))
        faults.settle()
        object.__setattr__(self, "epsilon", exact)

    @property
    def parameters(self) -> dict[str, Any]:
        """The bound."""
        return {"epsilon": number_text(self.epsilon)}

    @property
    def argument(self) -> str:
        """EPSILON."""
        return str(self.epsilon)

    def conclusions(self, *outputs: Values) -> list[Any]:
        """Epsilon - (left - right) and epsilon + (left - right)."""
        gaps = _minus(*outputs)
        return [self.epsilon - gap for gap in gaps] + [self.epsilon + gap for gap in gaps]

    def sentence(self, left: str, right: str, domain: str) -> str:
        """|left(x) - right(x)| <= epsilon."""
        return f"|{left}(x) − {right}(x)| ≤ {self.epsilon} for every x in {domain}"


# --- one network --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Range(Claim):
    """lower <= left(x) <= upper, output by output; None for no bound, a single number for all outputs.

    >>> print(Range([0, None], [1, "5/2"]))
    0 ≤ left(x)_1 ≤ 1 and left(x)_2 ≤ 5/2 for every x in the domain
    """

    lower: Any = None
    upper: Any = None

    name = "range"

    def __post_init__(self) -> None:
        _frozen(self, "lower", "upper")

    @property
    def parameters(self) -> dict[str, Any]:
        """Both bounds of every output."""
        ends = {"lower": self.lower, "upper": self.upper}
        return {key: [None if x is None else number_text(x) for x in values] for key, values in ends.items()}

    @property
    def argument(self) -> str:
        """LO,HI for each output."""
        pairs = zip(self.lower, self.upper, strict=True)
        return ";".join(",".join("" if end is None else str(end) for end in pair) for pair in pairs)

    def fitted(self, left: Network, right: Network | None, faults: Faults) -> Claim:
        """Bounds for every output, at least one of them finite."""
        ends = []
        for key, value in (("lower", self.lower), ("upper", self.upper)):
            place = f"claim range: {key}"
            items = list(value) if isinstance(value, tuple) else [value] * left.outputs
            if len(items) != left.outputs:
                faults.add(place, f"{left.outputs} numbers, one an output", f"{len(items)}")
                items = [None] * left.outputs
            ends.append(tuple(None if x is None else read_rational(x, place, faults) for x in items))
        if not any(x is not None for values in ends for x in values):
            faults.add("claim range", "at least one bound", "none")
        return replace(self, lower=ends[0], upper=ends[1])

    def runs(self, x: Values, y: Values) -> list[Run]:
        """The network at x."""
        return [Run("{left}(x)", 0, x)]

    def conclusions(self, *outputs: Values) -> list[Any]:
        """Left - lower and upper - left."""
        low = [y - end for y, end in zip(outputs[0], self.lower, strict=True) if end is not None]
        return low + [end - y for y, end in zip(outputs[0], self.upper, strict=True) if end is not None]

    def sentence(self, left: str, right: str, domain: str) -> str:
        """Lower <= left(x) <= upper."""
        parts = []
        for k, (low, high) in enumerate(zip(self.lower, self.upper, strict=True), start=1):
            name = f"{left}(x)" if len(self.lower) == 1 else f"{left}(x)_{k}"
            chain = [*([] if low is None else [str(low)]), name, *([] if high is None else [str(high)])]
            parts += [" ≤ ".join(chain)] if len(chain) > 1 else []
        return f"{' and '.join(parts)} for every x in {domain}"


@dataclass(frozen=True)
class Invariant(Claim):
    """left(Px) = left(x) for the permutation with (Px)_i = x_permutation[i]; Px need not lie in the domain."""

    permutation: Sequence[int]

    name = "invariant"
    equations = True

    def __post_init__(self) -> None:
        _frozen(self, "permutation")

    @property
    def parameters(self) -> dict[str, Any]:
        """The permutation, counted from 0."""
        return {"permutation": list(self.permutation)}

    @property
    def argument(self) -> str:
        """The inputs in their new order."""
        return _names(self.permutation, ",")

    def fitted(self, left: Network, right: Network | None, faults: Faults) -> Claim:
        """A permutation of all inputs."""
        order = self.permutation
        if not isinstance(order, tuple) or sorted(map(repr, order)) != sorted(map(repr, range(left.inputs))):
            faults.add("claim invariant", f"all of x1, ..., x{left.inputs} in another order", _named(order))
            return Invariant(range(left.inputs))
        return self

    def _label(self) -> str:
        return "{left}(" + _names(self.permutation) + ")"

    def runs(self, x: Values, y: Values) -> list[Run]:
        """The network at x and at Px."""
        return [Run("{left}(x)", 0, x), Run(self._label(), 0, [x[i] for i in self.permutation])]

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(x) - left(Px)."""
        return _minus(*outputs)

    def sentence(self, left: str, right: str, domain: str) -> str:
        """left(x) = left(Px)."""
        return f"{left}(x) = {self._label().format(left=left)} for every x in {domain}"


@dataclass(frozen=True)
class TiesAgree(Claim):
    """left(x) is the same under two tie rules."""

    rules: tuple[Tie, Tie] = ("leftmost", "rightmost")

    name = "ties-agree"
    equations = True

    def __post_init__(self) -> None:
        _frozen(self, "rules")

    @property
    def parameters(self) -> dict[str, Any]:
        """The two rules."""
        return {"rules": list(self.rules)}

    @property
    def argument(self) -> str:
        """RULE,RULE."""
        return ",".join(self.rules)

    def fitted(self, left: Network, right: Network | None, faults: Faults) -> Claim:
        """Two known rules."""
        rules = self.rules if isinstance(self.rules, tuple) else (self.rules,)
        if len(rules) != 2 or any(rule not in TIES for rule in rules):
            hints = (did_you_mean(rule, TIES) for rule in rules if rule not in TIES)
            faults.add("claim ties-agree", f"two of {', '.join(TIES)}", ", ".join(map(str, rules)), next(hints, ""))
            return TiesAgree()
        return self

    def runs(self, x: Values, y: Values) -> list[Run]:
        """The network at x, under each rule."""
        return [Run(f"{{left}}(x) {rule}", 0, x, Semantics(rule)) for rule in self.rules]

    def conclusions(self, *outputs: Values) -> list[Any]:
        """The difference."""
        return _minus(*outputs)

    def sentence(self, left: str, right: str, domain: str) -> str:
        """left(x) is the same under both rules."""
        return f"{left}(x) is the same under the tie rules {' and '.join(self.rules)} for every x in {domain}"


# --- one network at two points ------------------------------------------------------------------------


@dataclass(frozen=True)
class _TwoPoints(Claim):
    """The network is evaluated at x and at y, which differ at most in the given inputs."""

    inputs: Sequence[int] | None = None  # None: all of them
    dimension: int | None = field(default=None, compare=False)  # of the network, once fitted

    def __post_init__(self) -> None:
        _frozen(self, "inputs")

    @property
    def parameters(self) -> dict[str, Any]:
        """The inputs, counted from 0."""
        return {"inputs": list(self.inputs or ())}

    @property
    def argument(self) -> str:
        """The names of the inputs."""
        return _names(self.inputs or (), ",")

    def fitted(self, left: Network, right: Network | None, faults: Faults) -> Claim:
        """Different inputs of the network, in increasing order."""
        chosen = range(left.inputs) if self.inputs is None else self.inputs
        known = [repr(i) for i in range(left.inputs)]
        wrong = not isinstance(chosen, (tuple, range)) or any(repr(i) not in known for i in chosen)
        if wrong or not chosen or len(set(chosen)) < len(chosen):
            faults.add(f"claim {self.name}", f"different inputs out of x1, ..., x{left.inputs}", _named(chosen))
            chosen = (0,)
        return replace(self, inputs=tuple(sorted(chosen)), dimension=left.inputs)

    def free(self, inputs: int) -> tuple[int, ...]:
        """The given inputs."""
        return tuple(range(inputs)) if self.inputs is None else tuple(self.inputs)

    def runs(self, x: Values, y: Values) -> list[Run]:
        """The network at x and at y."""
        return [Run("{left}(x)", 0, x), Run("{left}(y)", 0, y)]

    def _differing(self) -> str:
        some = self.inputs is not None and len(self.inputs) != self.dimension
        return f" that differ at most in {_names(self.inputs or ())}" if some else ""


@dataclass(frozen=True)
class Independent(_TwoPoints):
    """left(x) = left(y) for all x, y in the domain that differ at most in the given inputs."""

    name = "independent"
    equations = True

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(x) - left(y)."""
        return _minus(*outputs)

    def sentence(self, left: str, right: str, domain: str) -> str:
        """left(x) = left(y)."""
        return f"{left}(x) = {left}(y) for all x, y in {domain}{self._differing()}"


@dataclass(frozen=True)
class Increasing(_TwoPoints):
    """left(x) <= left(y) for all x <= y in the domain that differ at most in the given inputs."""

    name = "increasing"
    ordered = True

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(y) - left(x)."""
        return _minus(outputs[1], outputs[0])

    def sentence(self, left: str, right: str, domain: str) -> str:
        """left(x) <= left(y)."""
        return f"{left}(x) ≤ {left}(y) for all x ≤ y in {domain}{self._differing()}"


@dataclass(frozen=True)
class Decreasing(_TwoPoints):
    """left(x) >= left(y) for all x <= y in the domain that differ at most in the given inputs."""

    name = "decreasing"
    ordered = True

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(x) - left(y)."""
        return _minus(*outputs)

    def sentence(self, left: str, right: str, domain: str) -> str:
        """left(x) >= left(y)."""
        return f"{left}(x) ≥ {left}(y) for all x ≤ y in {domain}{self._differing()}"


class _Midpoint(Claim):
    """The network is evaluated at x, at y and half-way between."""

    def free(self, inputs: int) -> tuple[int, ...]:
        """All inputs."""
        return tuple(range(inputs))

    def runs(self, x: Values, y: Values) -> list[Run]:
        """The network at the midpoint, at x and at y."""
        middle = [(a + b) / 2 for a, b in zip(x, y, strict=True)]
        return [Run("{left}((x + y)/2)", 0, middle), Run("{left}(x)", 0, x), Run("{left}(y)", 0, y)]


@dataclass(frozen=True)
class Convex(_Midpoint):
    """left((x + y)/2) <= (left(x) + left(y))/2 for all x, y in the domain.

    A function that is midpoint convex and has finitely many affine pieces is convex: on every segment the dyadic
    convex combinations satisfy the inequality, and inside the segment the function is continuous.
    """

    name = "convex"

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(x) + left(y) - 2 left((x + y)/2)."""
        return [(b - a) + (c - a) for a, b, c in zip(*outputs, strict=True)]

    def sentence(self, left: str, right: str, domain: str) -> str:
        """Left is convex."""
        return f"{left} is convex on {domain}: {left}((x + y)/2) ≤ ({left}(x) + {left}(y))/2"


@dataclass(frozen=True)
class Concave(_Midpoint):
    """left((x + y)/2) >= (left(x) + left(y))/2 for all x, y in the domain, as for `Convex`."""

    name = "concave"

    def conclusions(self, *outputs: Values) -> list[Any]:
        """2 left((x + y)/2) - left(x) - left(y)."""
        return [(a - b) + (a - c) for a, b, c in zip(*outputs, strict=True)]

    def sentence(self, left: str, right: str, domain: str) -> str:
        """Left is concave."""
        return f"{left} is concave on {domain}: {left}((x + y)/2) ≥ ({left}(x) + {left}(y))/2"


# --- reading ------------------------------------------------------------------------------------------


def _inputs(text: str) -> tuple[int, ...]:
    """The numbers, from 0, of inputs given by their names x1, x2, ...

    >>> _inputs("x2, x1")
    (1, 0)
    """
    found = [re.fullmatch(r"x([1-9]\d{0,8})", name.strip()) for name in text.split(",")]
    if None in found:
        raise InvalidInput(f"claim: expected names of inputs such as x1,x2, found {text!r}"[:200])
    return tuple(int(match[1]) - 1 for match in found if match)


def _range(text: str) -> Range:
    """LO,HI for all outputs, or for each of them, separated by semicolons; an empty end is no bound."""
    pairs = [part.split(",") for part in text.split(";")]
    if any(len(pair) != 2 for pair in pairs):
        raise InvalidInput(f"claim range: expected LO,HI (for several outputs LO,HI;LO,HI;...), found {text!r}"[:200])
    ends = [[part.strip() or None for part in side] for side in zip(*pairs, strict=True)]
    return Range(*ends) if len(pairs) > 1 else Range(ends[0][0], ends[1][0])


def _rules(text: str) -> TiesAgree:
    return TiesAgree(tuple(rule.strip() for rule in text.split(",")))  # type: ignore[arg-type]


_READERS: dict[str, tuple[str, Callable[[str], Claim], Claim | None]] = {
    "equal": ("", lambda text: Equal(), Equal()),
    "at-most": ("", lambda text: AtMost(), AtMost()),
    "within": (":EPSILON", Within, None),
    "range": (":LO,HI", _range, None),
    "invariant": (":x2,x1,...", lambda text: Invariant(_inputs(text)), None),
    "ties-agree": ("[:RULE,RULE]", _rules, TiesAgree()),
    "independent": ("[:x1,...]", lambda text: Independent(_inputs(text)), Independent()),
    "increasing": ("[:x1,...]", lambda text: Increasing(_inputs(text)), Increasing()),
    "decreasing": ("[:x1,...]", lambda text: Decreasing(_inputs(text)), Decreasing()),
    "convex": ("", lambda text: Convex(), Convex()),
    "concave": ("", lambda text: Concave(), Concave()),
}  # name -> (how its parameters are written, their reader, the claim without any)

FORMS = tuple(name + written for name, (written, _, _) in _READERS.items())


def read_claim(text: str) -> Claim:
    """The claim written as on the command line: NAME or NAME:PARAMETERS.

    >>> print(read_claim("within:1/2"))
    |left(x) − right(x)| ≤ 1/2 for every x in the domain

    Raises `InvalidInput` when there is no such claim, or it is written in another way.
    """
    name, colon, rest = text.strip().partition(":")
    if name not in _READERS:
        hint = did_you_mean(name, _READERS)
        raise InvalidInput(f"claim: expected one of {', '.join(FORMS)}, found {text[:60]!r}{hint}")
    written, read, plain = _READERS[name]
    if (colon and not written) or (not rest.strip() and (colon or plain is None)):
        raise InvalidInput(f"claim: expected {name}{written}, found {text!r}"[:200])
    return read(rest) if rest or plain is None else plain
