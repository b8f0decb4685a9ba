"""Pictures of distances, ranges and temperatures: what they show, where floats cannot show it, and how they are drawn.

PICTURES_UPDATE=1 writes the snapshots anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import exactformer as ef
from exactformer.claims import Range, Within
from exactformer.documents import Document, render_html, render_json, render_markdown, render_text
from exactformer.documents.chart import SHADES, Chart, Curve, Mark, Scale, Span, Tick, Tiles, logarithm
from exactformer.documents.chart_svg import chart_svg
from exactformer.documents.document import Figure, Paragraph, Table
from exactformer.errors import Faults
from exactformer.measuring import document, guess, landscape
from exactformer.measuring import sweep as sweeping
from exactformer.measuring.numbers import rounded
from exactformer.measuring.sweep import FACTORS, Level, sweep
from exactformer.prover.question import Question, ask
from exactformer.work import OutOfTime

F = Fraction
HERE = Path(__file__).parent
SNAPSHOTS = HERE / "snapshots"
HOSTILE = "<script>alert(1)</script>&\"'\x1b[31m‮"
Answer = ef.Distance | ef.OutputRange
LINE, SQUARE = ef.Box([-1], [1]), ef.Box([-1, -1], [1, 1])
EVERYWHERE, TRIANGLE = ef.Domain.everything(1), ef.Polyhedron([0, 0], [1, 1], [[1, 1]], [1])


def unit(inner: Any, outer: Any, bias: Any = 0, domain: ef.Domain = LINE, name: str = "") -> ef.ReluNetwork:
    """x -> outer max(0, inner x + bias)."""
    return ef.ReluNetwork.of([([[inner]], [bias])], ([[outer]], [0]), domain=domain, name=name)


RELU, HALF = unit(1, 1), unit("1/2", 1, "1/8")
HIDDEN = ([[1, 1], [1, -1]], [0, 0])
PAIR = ef.ReluNetwork.of([HIDDEN], ([[1, 1], [1, -1]], [0, "1/3"]), domain=SQUARE)
OTHER = ef.ReluNetwork.of([HIDDEN], ([[1, 1], [1, -3]], [0, "1/3"]), domain=SQUARE)
CORNER = ef.ReluNetwork.of([HIDDEN], ([[1, 1]], [0]), domain=SQUARE)
CONSTANT = ef.ReluNetwork.of([], ([[0]], ["1/3"]), domain=LINE)
LINEAR = ef.ReluNetwork.of([], ([[2]], ["1/3"]), domain=LINE)
EQUAL, BEYOND = "the two sides are equal on the whole domain", "are beyond the range of floats"
NARROW = "the domain is too narrow or too wide for floats"

# What is asked, how many pictures there are, and what is said instead of others.
CASES: dict[str, tuple[Callable[[], Answer], int, list[str]]] = {
    "one input": (lambda: ef.distance(RELU, HALF), 1, []),
    "softmax": (lambda: ef.temperature(RELU, value=8, base="2"), 2, []),
    "an error that is allowed": (lambda: ef.temperature(RELU, epsilon="1/20"), 2, []),
    "zero": (lambda: ef.distance(RELU, RELU), 0, [EQUAL]),
    "zero with rounding": (lambda: ef.distance(RELU, ef.compile(RELU).transformer), 0, [EQUAL]),
    "zero at all temperatures": (lambda: ef.temperature(LINEAR, value=4), 0, [EQUAL, "equal at all temperatures"]),
    "a constant": (lambda: ef.range(CONSTANT), 1, []),
    "a constant difference": (lambda: ef.distance(CONSTANT, replace(CONSTANT, output=LINEAR.output)), 1, []),
    "a point": (lambda: ef.distance(RELU, HALF, domain=ef.Box(["1/3"], ["1/3"])), 0, []),
    "a flat box": (lambda: ef.distance(PAIR, OTHER, domain=ef.Box([-1, "1/3"], [1, "1/3"])), 1, []),
    "two inputs, two outputs": (lambda: ef.distance(PAIR, OTHER), 1, []),
    "a range of two outputs": (lambda: ef.range(PAIR), 2, []),
    "a triangle": (lambda: ef.distance(PAIR, OTHER, domain=TRIANGLE), 1, []),
    "nothing bounded": (lambda: ef.range(RELU, domain=EVERYWHERE, timeout=60), 1, []),
    "an open domain": (lambda: ef.distance(RELU, unit(1, 1, 1), domain=EVERYWHERE), 1, []),
    "tiny values": (lambda: ef.distance(unit(1, F(1, 10**300)), unit(1, F(3, 10**300))), 1, []),
    "values below floats": (lambda: ef.distance(unit(1, F(1, 10**400)), unit(1, F(3, 10**400))), 0, ["rounding"]),
    "huge values": (lambda: ef.range(unit(10**150, 10**150)), 1, []),
    "values beyond floats": (lambda: ef.range(unit(10**300, 10**200)), 0, [BEYOND]),
    "a weight beyond floats": (lambda: ef.range(unit(10**400, F(1, 10**400))), 0, [BEYOND]),
    "bounds beyond floats": (lambda: ef.range(RELU, domain=ef.Box([-(10**320)], [10**320])), 0, [BEYOND]),
    "too wide": (lambda: ef.range(RELU, domain=ef.Box([-(10**308)], [10**308])), 0, [NARROW]),
    "too narrow": (lambda: ef.range(RELU, domain=ef.Box([1], [1 + F(1, 10**30)])), 0, [NARROW]),
    "a tiny temperature": (lambda: ef.temperature(RELU, value=F(1, 10**300)), 2, []),
    "a temperature beyond floats": (lambda: ef.temperature(RELU, value=10**320), 1, [BEYOND]),
    "no input": (lambda: ef.range(ef.ReluNetwork.of([], ([[]], ["1/3"]), domain=ef.Box([], []))), 0, []),
}


@pytest.fixture(autouse=True)
def _enough_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "SECONDS", 1e6)
    monkeypatch.setattr(guess, "RESTARTS", 2)  # bounds are not what is tested here


def blocks(found: Document, kind: type) -> list[Any]:
    return [block for section in found.sections[2:] for block in section.blocks if isinstance(block, kind)]


def charts(found: Document) -> list[Chart]:
    return [figure.picture for figure in blocks(found, Figure)]


def parsed(chart: Chart) -> ElementTree.Element:
    """The SVG, which is well-formed, has numbers for coordinates, and is not large."""
    text = chart_svg(chart)
    assert len(text) < 300_000 and not re.search(r"[\"\s](nan|-?inf)[\"\s]|[MLHV]-?(nan|inf)", text), text[:500]
    return ElementTree.fromstring(text)


def inside(chart: Chart) -> bool:
    """Whether everything lies in the frame."""
    points = [p for curve in chart.curves for line in curve.outlines for p in zip(line[::2], line[1::2], strict=True)]
    points += [(mark.x, mark.y) for mark in chart.marks]
    for tiles in chart.tiles:
        for x, y, w, h in zip(*(tiles.rectangles[i::4] for i in range(4)), strict=True):
            points += [(x, y), (x + w, y + h)]
    across = [tick.at for tick in chart.across.ticks]
    up = [tick.at for tick in (*chart.up.ticks, *(chart.key.ticks if chart.key else ()))]
    points += [(x, 0) for x in across] + [(0, y) for y in up]
    return all(0 <= x <= 100 * chart.width and 0 <= y <= 100 * chart.height for x, y in points)


@pytest.mark.parametrize("name", CASES)
def test_pictures_of_all_kinds_of_answers(name: str) -> None:
    ask_it, count, words = CASES[name]
    found = ask_it().document()
    drawn = charts(found)
    assert len(drawn) == count
    for chart in drawn:
        root = parsed(chart)
        assert root.get("role") == "img" and root.get("aria-label") == chart.text
        assert inside(chart) and len(chart.across.ticks) >= 2 and len(chart.up.ticks) >= 2
    said = [text for block in blocks(found, Paragraph) if "proved" not in (text := block.text)]
    assert len(said) == len(words) and all(word in text for word, text in zip(words, said, strict=True)), said
    page = render_html(found)
    assert page.count("<svg") == count and "<script" not in page
    assert all(len(line) <= 100 for line in render_text(found).splitlines() if " " in line.strip())
    assert render_markdown(found) and render_json(found)


@pytest.mark.parametrize("suffix", ["txt", "md"])
def test_the_whole_report(suffix: str) -> None:
    found = ef.temperature(ef.load(HERE.parent / "proofs" / "absolute-value" / "left.json"), value=8).document()
    text = {"txt": render_text, "md": render_markdown}[suffix](found)
    text = re.sub(r"1 cell, [0-9.]+ s", "1 cell, 1.00 s", text)
    text = re.sub(r"x = \(.+\)", "x = (...)", text)  # floats look for it
    text = re.sub(r"(\b0\.0*[1-9]\d\d)\d+", r"\1", text)  # what is found there differs in the last digits
    text = re.sub(r"(?<=\S) {2,}(?=\S)|-{5,}", lambda run: 2 * run[0][0], text)  # and so do the widths of columns
    path = SNAPSHOTS / f"temperature.{suffix}"
    if os.environ.get("PICTURES_UPDATE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_names_are_harmless() -> None:
    left = unit(1, 1, name=HOSTILE)
    page = render_html(ef.temperature(left, value=8).document())
    assert "<script" not in page and "\x1b" not in page and "‮" not in page


@given(st.text(max_size=30))
def test_texts_of_a_chart_are_escaped(text: str) -> None:
    scale = Scale(text, (Tick(0, text), Tick(100, text)))
    curve, mark, tiles = Curve(text, "point", ((0, 0, 100, 100),)), Mark(text, 5, 5), Tiles(3, (0, 0, 10, 10))
    root = parsed(Chart(text, 100, 100, scale, scale, (curve,), (mark,), (10, 90), (tiles,), scale))
    assert {element.tag for element in root.iter()} <= {"svg", "g", "path", "circle", "text", "title"}


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(NUMBERS, min_size=1, max_size=5), st.booleans())
def test_a_span_holds_its_values_and_has_ticks(values: list[float], log: bool) -> None:
    values = [value % 1000 for value in values] if log else values
    span = Span.of(values, log=log)
    if span is None:
        assert not np.isfinite(2 * (max(map(abs, values)))) or max(values) - min(values) == 0
        return
    places = [span.along(value, 100) for value in sorted(values)]
    assert span.low <= min(values) <= max(values) <= span.high and places == sorted(places)
    assert places[0] >= 0 and places[-1] <= 10_000 and span.along(span.low, 100) == 0
    ticks = span.ticks()
    assert 2 <= len(ticks) <= 20 and ticks == sorted(ticks) and len({text for _, text in ticks}) == len(ticks)
    for value, text in ticks:
        assert log or float(text) == pytest.approx(value, rel=1e-6, abs=(span.high - span.low) / 100)


@pytest.mark.parametrize(("low", "high"), [(4.3, 7.9), (-0.3, 0.4), (10**6 + 0.1, 10**6 + 0.2), (1e-320, 3e-320)])
def test_ticks_are_what_they_say(low: float, high: float) -> None:
    span = Span.of((low, high))
    assert span is not None
    for value, text in span.ticks():
        assert low <= value <= high * (1 + 1e-15) and abs(float(text) - value) <= (high - low) / 50


@pytest.mark.parametrize("power", [-20000, -400, -3, 0, 5, 400, 20000])
def test_logarithms_of_numbers_of_all_sizes(power: int) -> None:
    for factor in (F(1), F(4, 3), F(2, 3)):
        expected = power + float(np.log10(float(factor)))
        assert logarithm(F(10) ** power * factor) == pytest.approx(expected, rel=1e-14, abs=1e-14)


@given(st.fractions())
def test_a_number_is_rounded_to_the_side_that_is_asked_for(number: Fraction) -> None:
    assert F(rounded(number, up=False)) <= number <= F(rounded(number, up=True))


# --- over temperatures ----------------------------------------------------------------------------------


def question(left: Any, rates: Any, claim: Any = None) -> Question:
    compiled = ef.compile(left)
    right, where = compiled.transformer, compiled.correspondence
    return ask(claim or Within(0), left, right, None, "average", Faults(), where, temperatures=(None, rates))


@pytest.mark.parametrize("rates", [8, [4, 16]])
def test_the_error_over_temperatures(rates: Any) -> None:
    network = ef.load(HERE / "cases" / "relu-2-8-8-a.json")
    levels = sweep(question(network, rates), [], 1e6)
    assert [level.factor for level in levels] == sorted(FACTORS) and len(set(FACTORS)) == 9
    points = np.random.default_rng(1).uniform(-1, 1, (2000, 2))
    hard, transformer = ef.evaluate_batch(network, points), ef.compile(network).transformer
    for level in levels:
        assert level.upper is not None and level.lower is not None and level.sampled is not None
        assert 0 < level.sampled <= level.lower <= level.upper
        rate: Any = [r * level.factor for r in rates] if isinstance(rates, list) else rates * level.factor
        soft = ef.evaluate_batch(transformer, points, temperature=rate)
        assert abs(soft - hard).max() <= float(level.upper)
    middle = ef.temperature(network, value=rates)  # type: ignore[arg-type]
    at = next(level for level in levels if level.factor == 1)
    assert middle.upper is not None and at.upper is not None and at.upper <= middle.upper <= at.upper * F(1001, 1000)


def test_the_error_of_one_unit_falls_as_the_temperature_rises() -> None:
    levels = sweep(question(RELU, 64), [], 1e6)
    for before, after in pairwise(levels):
        assert before.upper is not None and after.upper is not None
        assert 2 * after.upper == pytest.approx(before.upper) and after.upper < before.upper * F(51, 100)


def test_what_takes_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is over in the third level, then before anything was drawn."""
    real, calls = sweeping._level, []

    def slow(*arguments: Any) -> Level:
        calls.append(arguments)
        if len(calls) == 3:
            raise OutOfTime
        return real(*arguments)

    def slower(*_: Any) -> Any:
        raise OutOfTime

    monkeypatch.setattr(sweeping, "_level", slow)
    assert [level.factor for level in sweep(question(RELU, 8), [], 1e6)] == [1, 4]
    monkeypatch.setattr(sweeping, "pairs_of", slower)
    monkeypatch.setattr(document, "landscape", slower)
    found = ef.temperature(RELU, value=8).document()
    said = [block.text for block in blocks(found, Paragraph)]
    assert said[0].startswith("There is no picture: it takes more than ")
    assert said[1].startswith("Not all temperatures around it were looked at: that takes more than ")
    assert len(said) == 2 and not charts(found) and "<svg" not in render_html(found)


def test_a_few_temperatures_make_a_picture_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ef.temperature(RELU, value=8)
    some = (Level(F(1, 2), F(1), F(1, 2), None), Level(F(1), F(1, 2), F(0), F(0)), Level(F(2), None, F(1, 4), F(1, 8)))
    monkeypatch.setattr(document, "sweep", lambda *_: some)
    made = found.document()
    (table,) = [table for table in blocks(made, Table) if table.heading == "Error against temperature"]
    assert table.rows == (("4", "1", "0.5", ""), ("8", "0.5", "0", "0"), ("16", "", "0.25", "0.125"))
    chart = charts(made)[1]
    assert [len(curve.outlines[0]) for curve in chart.curves] == [4, 4, 2] and inside(chart)
    assert "Not all temperatures" in blocks(made, Paragraph)[1].text
    monkeypatch.setattr(document, "sweep", lambda *_: some[:2])
    assert len(charts(found.document())) == 1


# --- over the domain ------------------------------------------------------------------------------------


def test_a_curve_is_the_difference_and_its_band_the_bound() -> None:
    found = ef.distance(RELU, HALF)
    chart = charts(found.document())[0]
    (curve,), (mark,), band = chart.curves, chart.marks, chart.band
    assert band is not None and mark.label == "the best point found: 3/8" and mark.x == 100 * chart.width
    top, bottom = band
    assert top == mark.y and abs(top + bottom - 100 * chart.height) <= 1  # 3/8 at 1, and the band from -3/8 to 3/8
    (line,) = curve.outlines
    for x, y in zip(line[::2], line[1::2], strict=True):
        at = F(x, 50 * chart.width) - 1
        exact = RELU.evaluate([at])[0] - HALF.evaluate([at])[0]
        drawn = (F(top + bottom, 2) - y) / (F(bottom - top, 2)) * F(3, 8)
        assert abs(exact - drawn) < F(1, 1000)


def test_a_map_has_the_sign_and_the_size_of_the_difference() -> None:
    found = ef.distance(PAIR, OTHER)  # output 2: 2 max(0, x - y)
    chart = charts(found.document())[0]
    assert "output 2" in chart.text and {tiles.shade for tiles in chart.tiles} <= set(range(1, SHADES + 1))
    for tiles in chart.tiles:
        for x, y, w, h in zip(*(tiles.rectangles[i::4] for i in range(4)), strict=True):
            for corner in (x, x + w):
                right, up = corner / chart.width / 50 - 1, 1 - (y + h / 2) / chart.height / 50
                assert abs(2 * (right - up) - 4 * tiles.shade / SHADES) < 0.5
    (mark,) = chart.marks
    assert (mark.x, mark.y) == (100 * chart.width, 100 * chart.height)  # x = 1, y = -1


@pytest.mark.parametrize("rates", [None, 8])
def test_values_of_a_landscape_are_those_of_the_networks(rates: Any) -> None:
    asked = ask(Range(0, 0), PAIR, None, None, "average", Faults(), temperatures=(rates, None))
    seen = landscape.landscape(asked, 1, [])
    expected = ef.evaluate_batch(PAIR, seen.points, temperature=rates)[:, 1]
    assert np.array_equal(seen.values, expected) and len(seen.values) == landscape.TILES**2
    assert (seen.points > -1).all() and (seen.points < 1).all() and seen.free == (0, 1)


def test_what_is_outside_the_domain_is_grey() -> None:
    chart = charts(ef.range(CORNER, domain=TRIANGLE).document())[0]
    size = {
        tiles.shade: sum(w * h for w, h in zip(tiles.rectangles[2::4], tiles.rectangles[3::4], strict=True))
        for tiles in chart.tiles
    }
    assert size[SHADES + 1] / sum(size.values()) == pytest.approx(0.5, abs=0.02)


def test_rounding_that_is_as_large_as_the_picture_is_noticed() -> None:
    """Two ways to compute one thing, which floats do not tell from noise; the true difference is tiny."""
    big = ef.ReluNetwork.of([([[F(10**9, 3)], [F(10**9, 3)]], ["1/3", 0])], ([[1, -1]], [0]), domain=ef.Box([1], [2]))
    one = ef.ReluNetwork.of([([[1]], [0])], ([[0]], [F(1, 3) + F(1, 10**12)]), domain=ef.Box([1], [2]))
    found = ef.distance(big, one).document()
    assert "rounding in floats" in blocks(found, Paragraph)[0].text and not charts(found)


# --- where a bound comes from ---------------------------------------------------------------------------


def test_every_unit_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    network = ef.load(HERE / "cases" / "relu-2-8-8-a.json")
    found = ef.temperature(network, value=64)  # type: ignore[arg-type]
    units = [unit for share in found.shares for unit in share.units]
    assert sum(unit.share for unit in units) == pytest.approx(1) and len(units) > 8
    assert all(unit.difference is not None and unit.difference > 0 and "left, layer" in unit.partner for unit in units)
    monkeypatch.setattr(document, "UNITS", 5)
    monkeypatch.setattr(document, "sweep", lambda *_: ())
    tables = {table.heading: table for table in blocks(found.document(), Table)}
    assert [row[1] for row in tables["Layer by layer"].rows] == [str(len(share.units)) for share in found.shares]
    rows = tables["Unit by unit"].rows
    assert len(rows) == 6 and rows[-1][1] == f"{len(units) - 5} others"
    shares = [float(row[4].rstrip("%")) for row in rows]
    assert sum(shares) == pytest.approx(100, abs=1) and shares[:-1] == sorted(shares[:-1], reverse=True)
