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

from exactformer.domain import Domain, read_end
from exactformer.errors import Faults
from exactformer.formats.encoding import check_encoding
from exactformer.networks import Affine, ReluNetwork
from exactformer.rational import Matrix, Pair, Vector, matrix_of, read_pairs, vector_of


def parse(data: bytes, source: str, default_name: str = "") -> ReluNetwork:
    """The network in `data`, with the file's box as its domain. Raises `InvalidInput`; `source` names the file."""
    check_encoding(data, source)
    return _Reader(data, source).network(default_name)


class _Reader:
    """The lines of the file that are not comments, read one after the other."""

    def __init__(self, data: bytes, source: str) -> None:
        # Comments may be in any encoding; a strange byte in a number is a fault of that number.
        text = TextIOWrapper(BytesIO(data), "utf-8-sig", errors="surrogateescape")
        lines = enumerate(text, start=1)  # lazily: a huge file ends at its first fault
        self.lines = ((n, line) for n, line in lines if line.strip() and not line.lstrip().startswith("//"))
        self.faults = Faults(source)
        self.line = 0

    def fail(self, place: str, expected: str, found: object) -> NoReturn:
        self.faults.add(place, expected, found)
        self.faults.settle()
        raise AssertionError

    def text(self, what: str) -> str:
        """The next line."""
        self.line, line = next(self.lines, (0, ""))
        if not line:
            self.fail("end of file", what, "no further line")
        return line

    def fields(self, what: str, count: int) -> list[str]:
        """The next line as exactly `count` fields."""
        line = self.text(what).strip().rstrip(",")
        found = line.count(",") + 1
        if found != count:
            self.fail(f"line {self.line}", f"{count} numbers ({what})", f"{found}")
        return line.split(",")

    def numbers(self, what: str, count: int) -> list[Pair]:
        """The next line as exactly `count` numbers."""
        return read_pairs(self.fields(what, count), f"line {self.line}, field {{}}".format, self.faults, first=1)

    def vector(self, what: str, count: int) -> Vector:
        """The next line as a vector of exactly `count` numbers."""
        return vector_of(self.numbers(what, count), f"line {self.line}", self.faults)

    def ends(self, what: str, side: str, count: int) -> tuple[Fraction | None, ...]:
        """The next line as exactly `count` ends of intervals, those of open sides infinite."""
        fields = enumerate(self.fields(what, count), start=1)
        return tuple(read_end(text, side, f"line {self.line}, field {i}", self.faults) for i, text in fields)

    def counts(self, what: str, count: int) -> list[int]:
        """The next line as exactly `count` integers >= 0."""
        fields = [field.strip() for field in self.fields(what, count)]
        for i, field in enumerate(fields, start=1):
            if not (field.isascii() and field.isdigit() and len(field) < 8):
                self.fail(f"line {self.line}, field {i}", f"an integer from 0 to 9999999 ({what})", field)
        return [int(field) for field in fields]

    def layer(self, number: int, inputs: int, outputs: int) -> Affine:
        rows = [self.numbers(f"layer {number}, weights", inputs) for _ in range(outputs)]
        biases = [self.numbers(f"layer {number}, bias", 1)[0] for _ in range(outputs)]
        place = f"layer {number}"
        return Affine(matrix_of(rows, inputs, place, self.faults), vector_of(biases, place, self.faults))

    def network(self, name: str) -> ReluNetwork:
        layers, inputs, outputs, _ = self.counts("numbers of layers, inputs, outputs, largest layer", 4)
        sizes = self.counts("layer sizes", layers + 1)
        if layers < 1 or min(sizes) < 1 or sizes[0] != inputs or sizes[-1] != outputs:
            self.fail(f"line {self.line}", f"layer sizes: {inputs} first, {outputs} last, all positive", str(sizes))
        self.text("the unused flag")  # often no number at all
        lower = self.ends("minima, one an input: the dialects with more or fewer are not read", "lower", inputs)
        upper = self.ends("maxima, one an input", "upper", inputs)
        means = self.vector("means, one an input and one for all outputs", inputs + 1)
        ranges = self.vector("ranges, one an input and one for all outputs", inputs + 1)
        if 0 in ranges.numerators and not self.faults.reasons:
            field = ranges.numerators.index(0) + 1
            self.fail(f"line {self.line}, field {field}", "a range that is not zero", "0")
        maps = [self.layer(number, *ends) for number, ends in enumerate(pairwise(sizes), start=1)]
        if (rest := next(self.lines, None)) is not None:
            self.fail(f"line {rest[0]}", "the end of the file", rest[1].strip())
        for i, (lo, hi) in enumerate(zip(lower, upper, strict=True)):
            if lo is not None and hi is not None and lo > hi:
                self.faults.add(f"input {i}", "minimum <= maximum", f"{lo} > {hi}")
        self.faults.settle()
        maps[0] = _normalised_inputs(maps[0], means.fractions()[:-1], ranges.fractions()[:-1])
        maps[-1] = _scaled_outputs(maps[-1], means[inputs], ranges[inputs])
        return ReluNetwork(tuple(maps[:-1]), maps[-1], Domain(lower, upper, Matrix((0, inputs)), Vector(())), name)


def _normalised_inputs(layer: Affine, means: tuple[Fraction, ...], ranges: tuple[Fraction, ...]) -> Affine:
    """W ((x - mean) / range) + b as an affine map of x."""
    factors = Vector.of(1 / r for r in ranges)
    rows = tuple((i, tuple((j, n * factors.numerators[j]) for j, n in row)) for i, row in layer.weights.filled)
    weights = Matrix(layer.weights.shape, rows, layer.weights.denominator * factors.denominator).reduced()
    return Affine(weights, weights @ Vector.of(-m for m in means) + layer.biases)


def _scaled_outputs(layer: Affine, mean: Fraction, scale: Fraction) -> Affine:
    """(W h + b) * range + mean as an affine map of h."""
    rows = tuple((i, tuple((j, n * scale.numerator) for j, n in row)) for i, row in layer.weights.filled)
    weights = Matrix(layer.weights.shape, rows, layer.weights.denominator * scale.denominator).reduced()
    return Affine(weights, Vector.of(b * scale + mean for b in layer.biases.fractions()))
