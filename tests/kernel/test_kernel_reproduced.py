"""What another checker has to reproduce of softmax: bounds of 64 bits, and theorems in the words of the certificate."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from kernel_material import accepted, box, certificate, judged, maxout

from exactformer.kernel.bounds import outward, short
from exactformer.kernel.softmax import Rate, gap

LINE = maxout([], ([[1]], [0]))
RELU = maxout([([[1]], [0])], ([[1]], [0]), "relu")
ABS = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
HALF = Fraction(1, 2)


def refutation(temperature: Any, lower: Any, upper: Any, **side: Any) -> dict[str, Any]:
    """That |x| under softmax is not everywhere <= 0, at x = 1/2."""
    parameters = {"lower": [None], "upper": [0]}
    value = certificate(ABS, None, box(1), claim="range", parameters=parameters, point=["1/2"])
    value["left"] |= {"temperature": temperature} | side
    return value | {"values": [[{"lower": lower, "upper": upper}]]}


@pytest.mark.parametrize(
    "number", [Fraction(1, 3), Fraction(2, 3), Fraction(3, 7), Fraction(7, 3), Fraction(10**30, 7), Fraction(5, 10**9)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_bounds_have_as_many_bits_whatever_fraction_they_are(number: Fraction, sign: int) -> None:
    for up in (False, True):
        found = outward(sign * number, up)
        assert abs(found - sign * number) * (1 << 63) <= number or found.denominator == 1
        assert abs(found.numerator).bit_length() <= 64 or found.denominator == 1
        assert (found >= sign * number) == up
        assert (1 << 100) % found.denominator == 0
        nearby = outward(sign * number + Fraction(1 if up else -1, 10**200) * -1, up)  # of other digits, of one size
        assert nearby == found


def test_what_is_left_of_a_cancellation_is_no_smaller_for_finer_enclosures() -> None:
    for size in (35, 60, 92):
        assert outward(Fraction(1, 10**size), True) == -outward(Fraction(-1, 10**size), False) == Fraction(1, 1 << 100)
        assert outward(Fraction(1, 10**size), False) == outward(Fraction(-1, 10**size), True) == 0


def test_bounds_that_agree_stay_exact() -> None:
    assert short(Fraction(1, 3), Fraction(1, 3)) == (Fraction(1, 3), Fraction(1, 3))
    assert short(None, None) == (None, None)
    low, high = short(Fraction(1, 3), Fraction(2, 3))
    assert low is not None and high is not None and low < Fraction(1, 3) and high > Fraction(2, 3)
    assert gap(Rate(Fraction(1), "2"), [(Fraction(0), Fraction(0)), (Fraction(-1), Fraction(-1))]) == (
        Fraction(1, 3),
        Fraction(1, 3),
    )


def test_a_refutation_says_what_its_certificate_says() -> None:
    statement = judged(refutation([1], "1/5", "2/5"), ABS).statement
    assert "left(x) = (1/5 to 2/5) (softmax at inverse temperature 1)" in statement
    exact = judged(refutation([1], "1/6", "1/6", base="2"), ABS).statement
    assert "left(x) = (1/6) (softmax of base 2 at inverse temperature 1)" in exact
    wider = judged(refutation([1], "1/7", "1/6", base="2"), ABS).statement
    assert "left(x) = (1/7 to 1/6)" in wider
    assert not accepted(refutation([1], "1/5", "1/5"), ABS)
    assert not accepted(refutation([1], "2/5", "1/5"), ABS)


def test_a_base_without_a_temperature_is_rejected() -> None:
    value = refutation([1], "1/6", "1/6", base="2")
    assert accepted(value, ABS)
    del value["left"]["temperature"]
    assert not accepted(value | {"values": [["1/2"]]}, ABS)
    del value["left"]["base"]
    assert accepted(value | {"values": [["1/2"]]}, ABS)


def test_a_gap_without_an_upper_bound_is_not_small() -> None:
    # found: of two numbers whose difference has a lower bound only, that bound alone limited the loss, here to 0
    half_line = {"lower": [0], "upper": [None]}
    value = certificate(LINE, RELU, half_line, claim="at-most", inhabitant=[0])
    value["right"] |= {"temperature": [1]}
    value |= {"tree": [["holds", ["1", [["R0.u0", 0, "1"]]]]]}
    assert not accepted(value, LINE, RELU)  # at 1 the mean of 1 and 0 is e / (e + 1)
    zero, above = (Fraction(0), Fraction(0)), (Fraction(0), None)
    rate = Rate(Fraction(1), "e")
    assert gap(rate, [above, zero])[1] == gap(rate, [(None, None), zero])[1] >= Fraction(27, 100)
