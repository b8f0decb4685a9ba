"""The .nnet text format of ReLU networks, with its normalisation of inputs and outputs.

The function read is the one on raw inputs x inside the file's box [minimum, maximum]:
y = (output of the layers at (x - mean) / range) * output_range + output_mean. Every number is taken as the
decimal that stands in the file. The clipping of inputs outside the box, which some readers add, is not part of it.
"""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO, TextIOWrapper
from itertools import pairwise
from typing import NoReturn

from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput
from exactformer.networks import Affine, ReluNetwork
from exactformer.rational import Matrix, Vector, read_rational


def parse(data: bytes, source: str, *, default_name: str = "") -> ReluNetwork:
    """The network in `data`, with the file's box as its domain. Raises `InvalidInput`; `source` names the file."""
    return _Reader(data, source).network(default_name)


class _Reader:
    """The lines of the file that are not comments, read one after the other."""

    def __init__(self, data: bytes, source: str) -> None:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{source}: byte {error.start}: expected text, found other bytes") from None
        lines = enumerate(TextIOWrapper(BytesIO(data), "utf-8"), start=1)  # lazily: a huge file ends at its first fault
        self.lines = ((n, line) for n, line in lines if line.strip() and not line.lstrip().startswith("//"))
        self.faults = Faults(source)
        self.line = 0

    def fail(self, place: str, expected: str, found: object) -> NoReturn:
        self.faults.add(place, expected, found)
        self.faults.settle()
        raise AssertionError

    def fields(self, what: str, count: int) -> list[str]:
        """The next line as exactly `count` fields."""
        self.line, line = next(self.lines, (0, ""))
        if not self.line:
            self.fail("end of file", what, "no further line")
        fields = line.strip().rstrip(",").split(",", count)
        if len(fields) != count:
            found = f"{len(fields)}" if len(fields) < count else "more"
            self.fail(f"line {self.line}", f"{count} numbers ({what})", found)
        return fields

    def numbers(self, what: str, count: int) -> list[Fraction]:
        """The next line as exactly `count` numbers."""
        fields = enumerate(self.fields(what, count), start=1)
        return [read_rational(text, f"line {self.line}, field {i}", self.faults) for i, text in fields]

    def counts(self, what: str, count: int) -> list[int]:
        """The next line as exactly `count` integers >= 0."""
        fields = [field.strip() for field in self.fields(what, count)]
        for i, field in enumerate(fields, start=1):
            if not (field.isascii() and field.isdigit() and len(field) < 8):
                self.fail(f"line {self.line}, field {i}", f"an integer from 0 to 9999999 ({what})", field)
        return [int(field) for field in fields]

    def network(self, name: str) -> ReluNetwork:
        layers, inputs, outputs, _ = self.counts("numbers of layers, inputs, outputs, largest layer", 4)
        sizes = self.counts("layer sizes", layers + 1)
        if layers < 1 or min(sizes) < 1 or sizes[0] != inputs or sizes[-1] != outputs:
            self.fail(f"line {self.line}", f"layer sizes: {inputs} first, {outputs} last, all positive", str(sizes))
        self.counts("the unused flag", 1)
        lower, upper = self.numbers("minima", inputs), self.numbers("maxima", inputs)
        means, ranges = self.numbers("means", inputs + 1), self.numbers("ranges", inputs + 1)
        for i, scale in enumerate(ranges, start=1):
            if scale == 0 and not self.faults.reasons:
                self.fail(f"line {self.line}, field {i}", "a range that is not zero", "0")
        affine = []
        for number, (width, height) in enumerate(pairwise(sizes), start=1):
            rows = [self.numbers(f"layer {number}, weights", width) for _ in range(height)]
            biases = [self.numbers(f"layer {number}, bias", 1)[0] for _ in range(height)]
            affine.append((rows, biases))
        if (rest := next(self.lines, None)) is not None:
            self.fail(f"line {rest[0]}", "the end of the file", rest[1].strip())
        for i, (lo, hi) in enumerate(zip(lower, upper, strict=True)):
            if lo > hi:
                self.faults.add(f"input {i}", "minimum <= maximum", f"{lo} > {hi}")
        self.faults.settle()
        affine[0] = _normalised_inputs(*affine[0], means, ranges)
        affine[-1] = _scaled_outputs(*affine[-1], means[-1], ranges[-1])
        maps = [_affine(rows, biases) for rows, biases in affine]
        domain = Domain(tuple(lower), tuple(upper), Matrix((0, inputs), ()), Vector(()))
        return ReluNetwork(tuple(maps[:-1]), maps[-1], domain, name)


Rows = list[list[Fraction]]


def _normalised_inputs(
    rows: Rows, biases: list[Fraction], means: list[Fraction], ranges: list[Fraction]
) -> tuple[Rows, list[Fraction]]:
    """W ((x - mean) / range) + b as an affine map of x."""
    scaled = [[w / r for w, r in zip(row, ranges, strict=False)] for row in rows]
    shifts = [sum((w * m for w, m in zip(row, means, strict=False)), Fraction(0)) for row in scaled]
    return scaled, [b - s for b, s in zip(biases, shifts, strict=True)]


def _scaled_outputs(rows: Rows, biases: list[Fraction], mean: Fraction, scale: Fraction) -> tuple[Rows, list[Fraction]]:
    """(W h + b) * range + mean as an affine map of h."""
    return [[w * scale for w in row] for row in rows], [b * scale + mean for b in biases]


def _affine(rows: Rows, biases: list[Fraction]) -> Affine:
    entries = {(i, j): x for i, row in enumerate(rows) for j, x in enumerate(row)}
    return Affine(Matrix.sparse(len(rows), len(rows[0]), entries), Vector.of(biases))
