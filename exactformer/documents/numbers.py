"""Exact numbers, points and affine maps as text, and how long ones are abbreviated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal
from fractions import Fraction

from exactformer.enclosure import Number, value_text
from exactformer.networks import Affine
from exactformer.rational import WIDE, exact_text

LONG = 24
SHORT = 5  # digits of a number that is rounded, and characters of one that never is
MOST_DIGITS = 40  # of numbers that are nearly equal
COORDINATES = 12
TERMS = 8
OUTPUTS = 4
CUT = 600

_RATIONAL = re.compile(r"-?[0-9]+(?:/[0-9]+)?")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def abbreviated(text: str, long: int = LONG, digits: int = SHORT) -> str:
    """The text, cut at CUT characters; when a rational in it is longer than `long`, with decimals and ≈ in front.

    The decimals have so many `digits`.

    >>> abbreviated("(1/3, 1000000000000/3000000000001)")
    '≈ (1/3, 0.33333)'
    """

    def shorter(match: re.Match[str]) -> str:
        if len(match[0]) <= SHORT:
            return match[0]
        return _decimal(match[0], digits)

    result = text
    if any(len(number) > long for number in _RATIONAL.findall(text)):
        result = f"≈ {_RATIONAL.sub(shorter, text).removeprefix('≈ ')}"
    return result if len(result) <= CUT else f"{result[:CUT]} …"


def point_text(values: Sequence[Number]) -> str:
    """A point of R^n: a number for n = 1, else its coordinates in brackets, at most COORDINATES of them.

    A coordinate that is only enclosed is a decimal with its error.

    >>> point_text([Fraction(1, 2)]), point_text([Fraction(1, 2), Fraction(-1)])
    ('1/2', '(1/2, -1)')
    """
    shown = [value_text(x) for x in values[:COORDINATES]]
    if len(values) > COORDINATES:
        shown.append(f"… {len(values) - COORDINATES} more")
    return shown[0] if len(values) == 1 else f"({', '.join(shown)})"


def variable(index: int, inputs: int) -> str:
    """The name of an input: x when it is the only one, else x₁, x₂, ..."""
    return "x" if inputs == 1 else "x" + str(index + 1).translate(_SUBSCRIPTS)


def unit_name(layer: int) -> Callable[[int, int], str]:
    """Names for the units of a layer, counted from 1: u₁₂ is the second one of the first.

    >>> unit_name(1)(1, 3)
    'u₁₂'
    """
    return lambda index, _: f"u{layer}{index + 1}".translate(_SUBSCRIPTS)


def power(base: str, exponent: int) -> str:
    """The base with a raised exponent, left out when it is 1."""
    return base if exponent == 1 else base + str(exponent).translate(_SUPERSCRIPTS)


def linear_text(
    terms: Iterable[tuple[int, Fraction]], constant: Fraction, inputs: int, name: Callable[[int, int], str] = variable
) -> str:
    """An affine form, at most TERMS terms of it; `name` gives the variables theirs.

    >>> linear_text([(0, Fraction(-1)), (1, Fraction(1, 3))], Fraction(2), 2)
    '−x₁ + 1/3 x₂ + 2'
    """
    parts = [(c, name(i, inputs)) for i, c in terms if c]
    more = len(parts) - TERMS
    if more > 0:
        parts = parts[:TERMS]
    if constant or not parts:
        parts.append((constant, ""))
    text = ""
    for c, symbol in parts:
        size = exact_text(abs(c))
        factor = symbol if size == "1" and symbol else f"{size} {symbol}".strip()
        sign = (" − " if c < 0 else " + ") if text else ("−" if c < 0 else "")
        text += sign + factor
    return text if more <= 0 else f"{text} + … {more} more terms"


def map_text(affine: Affine) -> str:
    """An affine map: one form, or its outputs in brackets, at most OUTPUTS of them."""
    rows = [
        linear_text(affine.weights.row(i).items(), affine.biases[i], affine.inputs)
        for i in range(min(affine.outputs, OUTPUTS))
    ]
    if affine.outputs > OUTPUTS:
        rows.append(f"… {affine.outputs - OUTPUTS} more")
    return rows[0] if affine.outputs == 1 else f"({', '.join(rows)})"


def ranges_text(numbers: Sequence[int]) -> str:
    """Integers with runs joined.

    >>> ranges_text([4, 5, 6, 9])
    '4–6, 9'
    """
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs)


def digits_apart(*texts: str) -> int:
    """How many digits it takes for numbers at the same place of the texts to be seen to differ where they do.

    At most MOST_DIGITS; SHORT where the texts have different numbers of numbers.

    >>> digits_apart("(1/3, 1)", "(100000001/300000000, 1)")
    8
    """
    found = [_RATIONAL.findall(text) for text in texts]
    if len(set(map(len, found))) > 1:
        return SHORT
    columns = [set(column) for column in zip(*found, strict=True)]
    return next(
        (
            digits
            for digits in range(SHORT, MOST_DIGITS)
            if all(len({_decimal(number, digits) for number in column}) == len(column) for column in columns)
        ),
        MOST_DIGITS,
    )


def _decimal(number: str, digits: int) -> str:
    numerator, _, denominator = number.partition("/")
    context = Context(prec=max(WIDE.prec, digits + 2), Emax=WIDE.Emax, Emin=WIDE.Emin)
    return f"{context.divide(Decimal(numerator), Decimal(denominator or 1)):.{digits}g}"
