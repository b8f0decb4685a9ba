"""The claims, a row each: name, parameters, evaluations, conclusions; and how they are read from text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from numbers import Integral
from typing import Any

from exactformer.claims.avoids import Avoids
from exactformer.claims.claim import Claim, Run, Values
from exactformer.errors import Faults, InvalidInput, did_you_mean, shown
from exactformer.networks import Network
from exactformer.networks.semantics import TIES, Semantics, Tie
from exactformer.rational import listed, number_text, read_rational

Number = int | float | str | Fraction | Decimal  # what an exact number is read from


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
    says = "{left}(x) = {right}(x) for every x in {domain}"
    equations = True

    def conclusions(self, *outputs: Values) -> list[Any]:
        """Left - right."""
        return _minus(*outputs)


@dataclass(frozen=True)
class AtMost(_TwoNetworks):
    """left(x) <= right(x), output by output."""

    name = "at-most"
    says = "{left}(x) ≤ {right}(x) for every x in {domain}"

    def conclusions(self, *outputs: Values) -> list[Any]:
        """Right - left."""
        return _minus(outputs[1], outputs[0])

    def asks(self, other: str, *, of_left: bool) -> str:
        """At most the right output, at least the left one."""
        return f"at most {other}" if of_left else f"at least {other}"


@dataclass(frozen=True, init=False)
class Within(_TwoNetworks):
    """|left(x) - right(x)| <= epsilon, output by output; epsilon is an exact number >= 0.

    >>> Within("1/100").epsilon
    Fraction(1, 100)
    """

    epsilon: Fraction

    name = "within"
    form = ":EPSILON"
    says = "|{left}(x) − {right}(x)| ≤ {claim.epsilon} for every x in {domain}"

    def __init__(self, epsilon: Number) -> None:
        faults = Faults()
        exact = read_rational(epsilon, "claim within: epsilon", faults)
        if exact < 0:
            faults.add("claim within: epsilon", "a number >= 0", str(exact))
        faults.settle()
        object.__setattr__(self, "epsilon", exact)

    @classmethod
    def read(cls, text: str) -> Claim:
        """EPSILON."""
        return cls(text)

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

    def asks(self, other: str, *, of_left: bool) -> str:
        """To be near the other output."""
        return f"within {self.epsilon} of {other}"


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
    form = ":LO,HI"

    def __post_init__(self) -> None:
        _frozen(self, "lower", "upper")

    @classmethod
    def read(cls, text: str) -> Claim:
        """LO,HI for all outputs, or for each of them, separated by semicolons; an empty end is no bound."""
        pairs = [part.split(",") for part in text.split(";")]
        if any(len(pair) != 2 for pair in pairs):
            expected = "claim range: expected LO,HI (for several outputs LO,HI;LO,HI;...)"
            raise InvalidInput(f"{expected}, found {text!r}"[:200])
        lower, upper = ([part.strip() or None for part in side] for side in zip(*pairs, strict=True))
        return cls(lower, upper) if len(pairs) > 1 else cls(lower[0], upper[0])

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
    form = ":x2,x1,..."
    says = "{left}(x) = {left}({claim.image}) for every x in {domain}"
    equations = True

    def __post_init__(self) -> None:
        _frozen(self, "permutation")

    @classmethod
    def read(cls, text: str) -> Claim:
        """The inputs in their new order."""
        return cls(_inputs(text))

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

    @property
    def image(self) -> str:
        """The coordinates of Px."""
        return _names(self.permutation)

    def runs(self, x: Values, y: Values) -> list[Run]:
        """The network at x and at Px."""
        return [Run("{left}(x)", 0, x), Run(f"{{left}}({self.image})", 0, [x[i] for i in self.permutation])]

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(x) - left(Px)."""
        return _minus(*outputs)


@dataclass(frozen=True)
class TiesAgree(Claim):
    """left(x) is the same under two tie rules."""

    rules: tuple[Tie, ...] = ("leftmost", "rightmost")

    name = "ties-agree"
    form = "[:RULE,RULE]"
    says = "{left}(x) is the same under the tie rules {claim.rules[0]} and {claim.rules[1]} for every x in {domain}"
    equations = True

    def __post_init__(self) -> None:
        _frozen(self, "rules")

    @classmethod
    def read(cls, text: str) -> Claim:
        """RULE,RULE."""
        return cls(tuple(rule.strip() for rule in text.split(",")))  # type: ignore[misc]

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


# --- one network at two points ------------------------------------------------------------------------


@dataclass(frozen=True)
class _TwoPoints(Claim):
    """The network is evaluated at x and at y, which differ at most in the given inputs."""

    inputs: Sequence[int] | None = None  # None: all of them
    dimension: int | None = field(default=None, compare=False)  # of the network, once fitted

    form = "[:x1,...]"

    def __post_init__(self) -> None:
        _frozen(self, "inputs")

    @classmethod
    def read(cls, text: str) -> Claim:
        """The names of the inputs."""
        return cls(_inputs(text))

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

    @property
    def differing(self) -> str:
        """In which inputs x and y may differ, where not in all."""
        some = self.inputs is not None and len(self.inputs) != self.dimension
        return f" that differ at most in {_names(self.inputs or ())}" if some else ""


@dataclass(frozen=True)
class Independent(_TwoPoints):
    """left(x) = left(y) for all x, y in the domain that differ at most in the given inputs."""

    name = "independent"
    says = "{left}(x) = {left}(y) for all x, y in {domain}{claim.differing}"
    equations = True

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(x) - left(y)."""
        return _minus(*outputs)


@dataclass(frozen=True)
class Increasing(_TwoPoints):
    """left(x) <= left(y) for all x <= y in the domain that differ at most in the given inputs."""

    name = "increasing"
    says = "{left}(x) ≤ {left}(y) for all x ≤ y in {domain}{claim.differing}"
    ordered = True

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(y) - left(x)."""
        return _minus(outputs[1], outputs[0])


@dataclass(frozen=True)
class Decreasing(_TwoPoints):
    """left(x) >= left(y) for all x <= y in the domain that differ at most in the given inputs."""

    name = "decreasing"
    says = "{left}(x) ≥ {left}(y) for all x ≤ y in {domain}{claim.differing}"
    ordered = True

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(x) - left(y)."""
        return _minus(*outputs)


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
    says = "{left} is convex on {domain}: {left}((x + y)/2) ≤ ({left}(x) + {left}(y))/2"

    def conclusions(self, *outputs: Values) -> list[Any]:
        """left(x) + left(y) - 2 left((x + y)/2)."""
        return [(b - a) + (c - a) for a, b, c in zip(*outputs, strict=True)]


@dataclass(frozen=True)
class Concave(_Midpoint):
    """left((x + y)/2) >= (left(x) + left(y))/2 for all x, y in the domain, as for `Convex`."""

    name = "concave"
    says = "{left} is concave on {domain}: {left}((x + y)/2) ≥ ({left}(x) + {left}(y))/2"

    def conclusions(self, *outputs: Values) -> list[Any]:
        """2 left((x + y)/2) - left(x) - left(y)."""
        return [(a - b) + (a - c) for a, b, c in zip(*outputs, strict=True)]


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


_ROWS: tuple[type[Claim], ...] = (
    Equal,
    AtMost,
    Within,
    Range,
    Avoids,
    Invariant,
    TiesAgree,
    Independent,
    Increasing,
    Decreasing,
    Convex,
    Concave,
)
CLAIMS = {row.name: row for row in _ROWS}
FORMS = tuple(name + row.form for name, row in CLAIMS.items())


def read_claim(text: str) -> Claim:
    """The claim written as on the command line: NAME or NAME:PARAMETERS.

    >>> print(read_claim("within:1/2"))
    |left(x) − right(x)| ≤ 1/2 for every x in the domain

    Raises `InvalidInput` when there is no such claim, or it is written in another way.
    """
    name, colon, rest = text.strip().partition(":")
    if name not in CLAIMS:
        hint = did_you_mean(name, CLAIMS)
        raise InvalidInput(f"claim: expected one of {', '.join(FORMS)}, found {text[:60]!r}{hint}")
    row = CLAIMS[name]
    if (colon and not row.form) or (not rest.strip() and (colon or row.form.startswith(":"))):
        raise InvalidInput(f"claim: expected {name}{row.form}, found {text!r}"[:200])
    return row.read(rest) if rest else row()
