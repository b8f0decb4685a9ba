"""What reports say of a region: the inequalities that matter, and its number in the picture."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.documents.picture import plane
from exactformer.documents.svg import svg
from exactformer.networks import Affine
from exactformer.prover.outcome import Inequality
from exactformer.reporting.facets import facets_of, inequality_text
from exactformer.reporting.picture import picture_of


def holds(inequality: Inequality, point: tuple[Fraction, ...]) -> bool:
    return sum(c * x for c, x in zip(inequality.coefficients, point, strict=True)) + inequality.constant >= 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(1, 6)), max_size=9), st.integers(0, 99))
def test_facets_say_what_all_inequalities_say_and_none_is_too_many(rows: list[tuple[int, int, int]], seed: int) -> None:
    """The origin is inside, as all constants are positive."""
    every = [Inequality((a, b), c) for a, b, c in rows]
    facets = facets_of(every)
    assert set(facets) <= set(every)
    r = Random(seed)
    points = [(Fraction(r.randint(-40, 40), 8), Fraction(r.randint(-40, 40), 8)) for _ in range(200)]
    for point in points:
        assert all(holds(each, point) for each in every) == all(holds(each, point) for each in facets)
    for each in facets:
        assert len(facets_of([other for other in facets if other is not each])) == len(facets) - 1
        assert facets_of([*facets, each]) == facets


def test_inequalities_as_text() -> None:
    texts = [inequality_text(Inequality(*row)) for row in (((2,), -1), ((-3,), 0), ((0, 1, 0), 5), ((1, 0, -2), 3))]
    assert texts == ["x ≥ 1/2", "x ≤ 0", "x₂ ≥ −5", "x₁ − 2 x₃ ≥ −3"]


def test_numbers_in_the_picture_are_those_of_the_table() -> None:
    net = ef.ReluNetwork.of([([[1, 0], [0, 1]], [0, 0])], ([[1, 1]], [0]), domain=ef.Domain.box(2, -1, 1))
    outcome = ef.prove(net, method="regions", cross_check=())
    for count in (4, 2, 0):
        picture = picture_of(outcome.domain, outcome.regions, count)
        assert picture is not None and [number for *_, number in picture.numbers] == list(range(1, count + 1))
        for (x, y, number), region in zip(picture.numbers, outcome.regions, strict=False):
            at = (Fraction(x, 32000) - 1, 1 - Fraction(y, 32000))
            assert all(holds(each, at) for each in region.inequalities)
            assert f">{number}</text>" in svg(picture)
    assert str(ef.report(replace(outcome, cases=None))).count("x₁ ≥ 0") == 2, "of two quadrants that is a facet"
    line = ef.prove(ef.ReluNetwork.of([([[1]], [0])], ([[1]], [0]), domain=ef.Box([-1], [1])), method="regions")
    graph = picture_of(line.domain, line.regions, 2)
    assert graph is not None
    assert [(x, number) for x, _, number in graph.numbers] == [
        (48000 if region.interior[0] > 0 else 16000, i) for i, region in enumerate(line.regions, start=1)
    ]


def test_small_cells_have_no_number() -> None:
    unit, affine = (Fraction(0), Fraction(1)), Affine.of([[1, 0]], [0])

    def square(size: Fraction) -> list[tuple[Fraction, Fraction]]:
        return [(Fraction(0), Fraction(0)), (size, Fraction(0)), (size, size), (Fraction(0), size)]

    cells = [(affine, square(Fraction(1, 100))), (affine, square(Fraction(1)))]
    picture = plane((unit, unit), cells, 2, (1, 2), 2)
    assert picture is not None and [number for *_, number in picture.numbers] == [2]
