"""A statement for all values of unknowns, with its certificate, its text, and counterexamples where it is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any, Literal

from exactformer.formats.network_json import to_object
from exactformer.generic.ring import specialised
from exactformer.kernel.reading import Rejected
from exactformer.manifest import CERTIFICATE
from exactformer.networks import MaxoutNetwork, Transformer
from exactformer.rational import number_text
from exactformer.shapes.certificates import FORMAT, check

Relation = Literal["equal", "at most"]
Values = Mapping[str, Fraction]
TEXT = "statement.md"


@dataclass(frozen=True)
class Counterexample:
    """Values of the unknowns and an input, with what both sides have there."""

    values: Values
    point: tuple[Fraction, ...]
    left: tuple[Fraction, ...]
    right: tuple[Fraction, ...]

    def to_json(self) -> dict[str, Any]:
        """The counterexample as JSON data; numbers are exact text."""
        rows = {name: [str(x) for x in getattr(self, name)] for name in ("point", "left", "right")}
        return {**rows, "unknowns": {name: str(x) for name, x in self.values.items()}}

    def __str__(self) -> str:
        point, left, right = (f"({', '.join(map(str, row))})" for row in (self.point, self.left, self.right))
        given = ", ".join(f"{name} = {x}" for name, x in self.values.items())
        return f"x = {point}, left(x) = {left}, right(x) = {right}, where {given}"


@dataclass(frozen=True)
class Statement:
    """That two networks stand in a relation for all values of their unknowns, and why.

    `maxima` names maxima of polynomials, `hypotheses` are polynomials >= 0, `steps` derive more of them. `draw` gives
    random values of all unknowns but the inputs, and an input, for which the hypotheses hold.
    """

    title: str
    inputs: tuple[str, ...]
    unknowns: tuple[str, ...]
    left: MaxoutNetwork
    right: MaxoutNetwork | Transformer
    draw: Callable[[Random], tuple[Values, tuple[Fraction, ...]]]
    relation: Relation = "equal"
    maxima: tuple[tuple[str, tuple[str, ...]], ...] = ()
    hypotheses: tuple[str, ...] = ()
    steps: tuple[list[Any], ...] = ()

    def files(self) -> dict[str, str]:
        """The files of its folder: both networks, the text, and last the certificate."""
        sides = {f"{side}.json": _dumped(getattr(self, side)) for side in ("left", "right")}
        certificate: dict[str, Any] = {
            "format": FORMAT,
            "inputs": self.inputs,
            "unknowns": self.unknowns,
            "maxima": self.maxima,
            "hypotheses": self.hypotheses,
            "example": self._example() if self.hypotheses else [],
            "relation": self.relation,
            "steps": self.steps,
        }
        for name, text in sides.items():
            digest = hashlib.sha256(text.encode()).hexdigest()
            certificate[name.removesuffix(".json")] = {"file": name, "sha256": digest}
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in certificate.items())
        return sides | {CERTIFICATE: f"{{{lines}}}\n"}

    def proved(self) -> dict[str, Any]:
        """What the checker says of its certificate. Raises `Rejected` where it is not shown."""
        files = self.files()
        return check(files[CERTIFICATE].encode(), lambda name: files[name].encode())

    def counterexample(self, random: Random, tries: int = 100) -> Counterexample | None:
        """Values of the unknowns and an input at which the relation does not hold; None if none was met."""
        for _ in range(tries):
            values, x = self.draw(random)
            left, right = self.specialised(values)
            first, last = left.evaluate(x), right.evaluate(x)
            wrong = first != last if self.relation == "equal" else any(a > b for a, b in zip(first, last, strict=True))
            if wrong:
                return Counterexample(values, x, first, last)
        return None

    def specialised(self, values: Values) -> tuple[MaxoutNetwork, MaxoutNetwork | Transformer]:
        """Both sides for one choice of the unknowns."""
        return specialised(self.left, values), specialised(self.right, values)

    def _example(self) -> list[int | str]:
        values, x = self.draw(Random(0))
        return [number_text(number) for number in (*x, *(values[name] for name in self.unknowns))]

    def text(self, theorem: str, numbers: Mapping[str, int]) -> str:
        """The statement in Markdown, with the theorem in the checker's words and the numbers of its steps."""
        lines = [f"# {self.title}", "", f"PROVED {theorem}", ""]
        if self.maxima:
            lines += ["Maxima:", "", *(f"- {name} = max({', '.join(of)})" for name, of in self.maxima), ""]
        if self.hypotheses:
            lines += ["Hypotheses:", "", *(f"- {each} >= 0" for each in self.hypotheses), ""]
        counts = ", ".join(f"{count} {name}" for name, count in numbers.items() if count)
        lines += ["The left network is in left.json, the right one in right.json, the proof in certificate.json.", ""]
        lines += [f"To check it again with the small checker in exactformer/shapes ({counts or 'no steps'}):", ""]
        return "\n".join([*lines, "    exactformer check FOLDER", ""])


def _dumped(network: MaxoutNetwork | Transformer) -> str:
    return json.dumps(to_object(network)) + "\n"


__all__ = ["Counterexample", "Rejected", "Statement", "Values"]
