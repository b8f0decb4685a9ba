"""What `distance`, `output_range` and `temperature` return: frozen data, from which answers and reports are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal

from exactformer.arguments import no_truth
from exactformer.documents import Document
from exactformer.documents.numbers import abbreviated
from exactformer.enclosure import bounds
from exactformer.measuring.below import Below, below, beyond
from exactformer.measuring.charts import Known, View
from exactformer.measuring.document import document_of
from exactformer.measuring.landscape import value_at
from exactformer.measuring.numbers import Value, decimal, shown
from exactformer.measuring.shares import Share
from exactformer.prover.answer import rows_html, rows_text, vector
from exactformer.prover.outcome import Outcome, Point
from exactformer.prover.question import Question

Measure = Literal["proved", "unknown"]


@dataclass(frozen=True)
class Extreme:
    """How far something reaches: at most `upper` everywhere (None: no bound was found), and `value` at `point`."""

    upper: Fraction | None
    value: Value | None
    point: Point | None

    @property
    def lower(self) -> Fraction | None:
        """What it surely reaches."""
        return None if self.value is None else bounds(self.value)[0]

    @property
    def exact(self) -> bool:
        """Whether the bound is attained at the point."""
        return self.upper is not None and self.lower == self.upper

    @property
    def ratio(self) -> Fraction | None:
        """Upper over lower bound: 1 if both agree, None where there is none or something is over zero."""
        if self.exact:
            return Fraction(1)
        return None if not self.lower or self.upper is None else self.upper / self.lower


class Bounded:
    """What is said of a distance: how far it reaches at most, and at a point."""

    extreme: Extreme

    @property
    def upper(self) -> Fraction | None:
        """The proved bound of the distance; None without one."""
        return self.extreme.upper

    @property
    def lower(self) -> Fraction | None:
        """What the distance surely is at the point."""
        return self.extreme.lower

    @property
    def ratio(self) -> Fraction | None:
        """Upper over lower bound."""
        return self.extreme.ratio

    @property
    def point(self) -> Point | None:
        """Where the distance is that large."""
        return self.extreme.point


class Answer(ABC):
    """An answer with bounds from both sides: what it says row by row, and the forms that this is shown in."""

    title: ClassVar[str]

    @abstractmethod
    def rows(self) -> Iterator[tuple[str, str]]:
        """The answer, line by line with a name each; the first is the verdict."""

    @abstractmethod
    def witnessed(self) -> dict[str, Below]:
        """The certificates of what is said of points, each by the name of its file in a proof folder."""

    @abstractmethod
    def views(self, question: Question) -> list[View]:
        """What can be drawn over a domain of one or two inputs."""

    def document(self) -> Document:
        """The report, as every renderer takes it."""
        return document_of(self, self.title, self.rows())  # type: ignore[arg-type]

    def __str__(self) -> str:
        return rows_text(self.rows())

    def _repr_html_(self) -> str:
        return rows_html(self.rows())


@dataclass(frozen=True)
class Distance(Bounded, Answer):
    """The supremum of |left(x) - right(x)| over the domain and the outputs, from both sides.

    `verdict` is "proved" when the wanted ratio of the bounds was reached, else "unknown" with a `reason`; the bounds
    hold either way. `outcome` is the theorem |left(x) - right(x)| <= upper, with its certificate; None without a bound.
    """

    title = "How far apart"

    verdict: Measure
    extreme: Extreme
    wanted: Fraction  # the ratio of the bounds that was asked for
    outcome: Outcome | None
    seconds: float
    cells: int
    reason: str | None = None
    temperature: tuple[Fraction, ...] = ()  # of `temperature`: the inverse temperatures of the compiled Transformer
    shares: tuple[Share, ...] = ()  # where the bound on the whole domain comes from
    question: Question | None = None  # what was asked, for the pictures of the report

    def below(self) -> Below | None:
        """The certificate that the distance is more than a number just below `lower`; None where there is none.

        It refutes |left(x) - right(x)| <= bound at `point`, where the kernel evaluates both sides by itself.
        """
        if self.point is None or self.lower is None or self.question is None:
            return None
        return below(self.question, self.point, self.lower)

    def witnessed(self) -> dict[str, Below]:
        """What `below` says, by the name "lower"; nothing where it says nothing."""
        found = self.below()
        return {} if found is None else {"lower": found}

    def rows(self) -> Iterator[tuple[str, str]]:
        """The answer, line by line with a name each; the first is the verdict."""
        found = self.extreme
        relation = "=" if found.exact else "≤"
        top = "infinity, for all that is known" if found.upper is None else _end(found, found.upper)
        yield self.verdict.upper(), f"sup |left(x) − right(x)| {relation} {top}"
        if found.value is not None and found.point is not None:
            yield "at least", f"{shown(found.value)} at x = {vector(found.point)}"
        if found.ratio is not None:
            yield "ratio", "1, the bound is attained" if found.exact else _above_one(found.ratio)
        if self.temperature:
            yield "softmax", f"inverse temperature {' / '.join(map(str, dict.fromkeys(self.temperature)))}"
        if self.reason:
            yield "reason", self.reason
        yield from _about(self.outcome, self.cells, self.seconds)

    def views(self, question: Question) -> list[View]:
        """The difference of that output which is furthest apart at the point."""
        outputs, upper, k = question.left.outputs, self.upper, 0
        known: tuple[Known, ...] = ()
        if self.point is not None:
            values = [value_at(question, self.point, k) for k in range(outputs)]
            middles = [*map(_middle, values)]
            k = max(range(outputs), key=lambda i: abs(middles[i]))
            known = (Known(f"the best point found: {shown(values[k])}", self.point, middles[k]),)
        ends = () if upper is None else (-upper, upper)
        return [View(k, f"left(x) − right(x){_number(k, outputs)}", ends, known, signed=True)]

    def __bool__(self) -> bool:
        raise no_truth(self, "distance.upper, distance.lower")

    def __repr__(self) -> str:
        return f"<Distance: {self.verdict}, from {abbreviated(str(self.lower))} to {abbreviated(str(self.upper))}>"


@dataclass(frozen=True)
class OutputRange(Answer):
    """The minimum and the maximum of each output over the domain, each from both sides.

    `minima` are told of minus the output: output k is at least -minima[k].upper, and -minima[k].value at the point.
    """

    title = "How far it reaches"

    verdict: Measure
    minima: tuple[Extreme, ...]
    maxima: tuple[Extreme, ...]
    wanted: Fraction
    outcome: Outcome | None
    seconds: float
    cells: int
    reason: str | None = None
    question: Question | None = None  # what was asked, for the pictures of the report

    @property
    def lower(self) -> tuple[Fraction | None, ...]:
        """The proved lower bound of each output."""
        return tuple(None if low.upper is None else -low.upper for low in self.minima)

    @property
    def upper(self) -> tuple[Fraction | None, ...]:
        """The proved upper bound of each output."""
        return tuple(high.upper for high in self.maxima)

    def rows(self) -> Iterator[tuple[str, str]]:
        """The answer, line by line with a name each; the first is the verdict."""
        yield self.verdict.upper(), "the smallest and the largest value of every output"
        for k, (low, high) in enumerate(zip(self.minima, self.maxima, strict=True), start=1):
            name = "output" if len(self.maxima) == 1 else f"output {k}"
            yield name, f"{_side(low, -1)} to {_side(high, 1)}"
            for word, end, sign in (("minimum", low, -1), ("maximum", high, 1)):
                if end.value is not None and end.point is not None:
                    yield word, f"{shown(_signed(end.value, sign))} at x = {vector(end.point)}"
        if self.reason:
            yield "reason", self.reason
        yield from _about(self.outcome, self.cells, self.seconds)

    def witnessed(self) -> dict[str, Below]:
        """The certificates that outputs go beyond a number just inside their values at the points, by `end_name`.

        Each refutes left(x)_k >= bound, or <= bound, at a point, where the kernel evaluates the network by itself.
        """
        result: dict[str, Below] = {}
        for word, ends, sign in (("minimum", self.minima, -1), ("maximum", self.maxima, 1)):
            for k, end in enumerate(ends):
                if self.question is not None and end.point is not None and end.lower is not None:
                    found = beyond(self.question, end.point, k, sign, end.lower)
                    result |= {} if found is None else {end_name(word, k, len(ends)): found}
        return result

    def views(self, question: Question) -> list[View]:
        """Every output."""
        outputs, result = len(self.maxima), []
        for k, (low, high) in enumerate(zip(self.minima, self.maxima, strict=True)):
            known = tuple(
                Known(f"{word}: {shown(_signed(end.value, sign))}", end.point, sign * _middle(end.value))
                for word, end, sign in (("smallest at a point", low, -1), ("largest at a point", high, 1))
                if end.value is not None and end.point is not None
            )
            ends = () if low.upper is None or high.upper is None else (-low.upper, high.upper)
            result.append(View(k, f"left(x){_number(k, outputs)}", ends, known, signed=False))
        return result

    def __bool__(self) -> bool:
        raise no_truth(self, "range.lower, range.upper")

    def __repr__(self) -> str:
        return f"<OutputRange: {self.verdict}, {len(self.maxima)} outputs>"


def end_name(word: str, output: int, outputs: int) -> str:
    """The name of a minimum or a maximum; the outputs are counted from 1 where there are several.

    >>> end_name("minimum", 0, 1), end_name("maximum", 0, 2)
    ('minimum', 'maximum-1')
    """
    return word if outputs == 1 else f"{word}-{output + 1}"


def _about(outcome: Outcome | None, cells: int, seconds: float) -> Iterator[tuple[str, str]]:
    if outcome is not None:
        yield "domain", str(outcome.domain)
        yield "left", str(outcome.left)
        if outcome.right is not None:
            yield "right", str(outcome.right)
        yield "theorem", str(outcome.theorem)
    yield "method", f"{cells} cell{'s' * (cells != 1)}, {seconds:.2f} s"


def _number(k: int, outputs: int) -> str:
    return "" if outputs == 1 else f", output {k + 1}"


def _middle(value: Value) -> Fraction:
    low, high = bounds(value)
    return (low + high) / 2


def _above_one(ratio: Fraction) -> str:
    return "less than 1.001" if 1 < ratio < Fraction(1001, 1000) else decimal(ratio, 4)


def _side(end: Extreme, sign: int) -> str:
    return "no bound" if end.upper is None else _end(end, sign * end.upper)


def _end(found: Extreme, bound: Fraction) -> str:
    return shown(bound) if found.exact else decimal(bound, 9)  # a decimal of few digits


def _signed(value: Value, sign: int) -> Value:
    return value if sign > 0 else -value
