"""`approximate` on the command line: bad input is one message at once, and leaves nothing behind; the form M5."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.approximation import driver
from exactformer.approximation.forms import polyline_to_relu
from exactformer.approximation.knots import Polyline
from exactformer.approximation.one_head import polyline_to_one_head, turns
from exactformer.claims import Equal
from exactformer.cli import main
from exactformer.errors import Faults
from exactformer.kernel.claims import check_tree
from exactformer.networks.semantics import TIES
from exactformer.prover.question import ask

Run = Callable[..., tuple[int, str, str]]
NOT_EVERYWHERE = "function: expected one that is defined and continuous on"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("one.json").write_text('{"lower": [0], "upper": [1]}')
    Path("cut.json").write_text('{"lower": [0, 0], "upper": [1, 1], "matrix": [[1, 1]], "bounds": [1]}')
    Path("empty.json").write_text('{"lower": [1], "upper": [0]}')

    def result(*words: str) -> tuple[int, str, str]:
        code = main(["approximate", *words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "internal error" not in err
        assert "Warning" not in err
        return code, out, err

    return result


def files() -> set[str]:
    return {str(path) for path in Path().rglob("*")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["1/x"], f"{NOT_EVERYWHERE} [-1, 1], found none near ("),
        (["1/x^2"], f"{NOT_EVERYWHERE} [-1, 1], found none near ("),
        (["1/(x - 1/3)"], f"{NOT_EVERYWHERE} [-1, 1], found none near (0.333333333)"),
        (["log(x)"], f"{NOT_EVERYWHERE} [-1, 1], found none near (-1)"),
        (["sqrt(x)"], f"{NOT_EVERYWHERE} [-1, 1], found none near (-1)"),
        (["tan(2*x)"], f"{NOT_EVERYWHERE} [-1, 1], found none near ("),
        (["1/(x - y)"], f"{NOT_EVERYWHERE} [-1, 1]^2, found none near ("),
        (["sqrt(x)*1e250"], f"{NOT_EVERYWHERE} [-1, 1], found none near ("),
        (["x*y", "--domain", "one.json"], "one.json: domain.lower: expected 2 numbers, found 1"),
        (["x*y", "--domain", "cut.json"], "domain: expected a bounded box, found"),
        (["x", "--domain", "empty.json"], "empty.json: "),
        (["x", "--domain", "missing.json"], "missing.json: "),
        (["x +* 2"], "formula, column 4: expected a number, a name or (, found *"),
        (["9**9**9**9"], "formula, column 5: expected numbers of at most 13000 bits"),
        (["x^2", "--variables", "y"], "formula, column 1: expected one of the names y, pi, e, E, found x"),
        (["x^2", "--epsilon", "0"], "epsilon: expected a number > 0, found 0"),
        (["x^2", "--epsilon", "-1/2"], "epsilon: expected a number > 0, found -1/2"),
        (["x^2", "--epsilon", "nan"], "epsilon: expected a number (an integer"),
        (["x^2", "--epsilon", "small"], "epsilon: expected a number (an integer"),
        (["x^2", "--epsilon", "1e-400"], "epsilon: expected a number between 2^-200 and 2^200, found 1e-400"),
        (["x^2", "--epsilon", "1e400"], "epsilon: expected a number between 2^-200 and 2^200, found 1e400"),
        (["x^2", "--box", "-inf", "1"], "domain: expected a bounded box, found (-oo, 1]"),
        (["x^2", "--box", "1", "0"], "--box: expected LO <= HI, found 1 > 0"),
        (["a + b + c + d"], "function: expected one to 3 variables, found 4"),
        (["5"], "function: expected one to 3 variables, found 0"),
        (["x*y", "--form", "M4"], "form: expected M1, M2, S2 or auto for more than one variable, found M4"),
        (["x*y", "--form", "M5", "--hard"], "form: expected M1, M2, S2 or auto for more than one variable, found M5"),
        (
            ["x*y", "--form", "S2"],
            "form: expected S2 for sums, multiples, abs, max and min alone, with at most 12 kinks",
        ),
        (["x", "--form", "M5"], "form: expected M5 together with hard attention (hard=True, --hard), found softmax"),
        (["x", "--form", "M5", "--hard", "--construction", "gated"], "construction: expected none for the form M5"),
        (["x", "--arity", "3"], "--arity: expected together with --construction tournament"),
        (["x", "--out", "one.json/there"], "one.json/there: expected a folder that can be written"),
        (["x.json"], "x.json: expected a file that can be read"),
    ],
)
def test_bad_input_is_one_message_at_once(run: Run, words: list[str], message: str) -> None:
    formula, *options = words
    where = [] if {"--box", "--domain"} & set(options) else ["--box", "-1", "1"]
    epsilon = [] if "--epsilon" in options else ["--epsilon", "1/10"]
    before = files()
    code, out, err = run(formula, *options, *where, *epsilon)
    assert (code, out) == (3, "")
    assert err.startswith(f"exactformer: {message}")
    assert files() == before
    code, out, _ = run(formula, *options, *where, *epsilon, "--json")
    assert (code, json.loads(out)["verdict"], json.loads(out)["exit_code"]) == (3, "error", 3)


def test_functions_that_are_defined_at_their_ends_and_bends_are_not_refused(run: Run) -> None:
    for number, formula in enumerate(("sqrt(1 - x^2)", "sqrt(x^2)", "abs(x)^(1/3)", "1/(x + 1.001)")):
        words = (formula, "--epsilon", "1/5", "--box", "-1", "1", "--hard", "--out", f"out{number}", "--quiet")
        assert run(*words) == (0, "", "")


def test_out_of_time_is_unknown_and_writes_nothing(run: Run) -> None:
    before = files()
    code, out, err = run("sin(20*x)", "--epsilon", "1/100", "--box", "0", "1", "--timeout", "0.05")
    assert (code, out) == (2, "")
    assert err == "exactformer: out of time after 0.05 s: there is no Transformer yet\n"
    assert files() == before


@pytest.mark.parametrize(
    ("formula", "epsilon", "count"), [("exp(x)", "1e-20", "5e+09 intervals"), ("x*y", "1e-12", "2e+11 simplices")]
)
def test_an_accuracy_beyond_reach_is_said_at_once(run: Run, formula: str, epsilon: str, count: str) -> None:
    before = files()
    code, out, err = run(formula, "--epsilon", epsilon, "--box", "-1", "1", "--timeout", "3600")
    assert (code, out) == (2, "")
    assert f"asks for about {count}, more than can be made and proved in 3600 s: there is no Transformer" in err
    assert files() == before


@pytest.mark.parametrize("formula", ["x", "2*x + 1", "max(x, x^2 - 3)"])
def test_straight_functions_are_met_however_small_epsilon_is(run: Run, formula: str) -> None:
    assert run(formula, "--epsilon", "1e-12", "--box", "-1", "1", "--hard", "--quiet") == (0, "", "")


def test_files_of_the_user_stay_as_they_are(run: Run) -> None:
    Path("mine").mkdir()
    Path("mine/certificate.json").write_text("mine")
    code, _, err = run("x^2", "--epsilon", "1/2", "--box", "0", "1", "--out", "mine")
    assert code == 3
    assert err.startswith("exactformer: mine/certificate.json: expected nothing there, or what exactformer wrote")
    assert [path.name for path in Path("mine").iterdir()] == ["certificate.json"]
    assert Path("mine/certificate.json").read_text() == "mine"


def test_an_interrupt_ends_it_and_leaves_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = files()
    for stage in ("gap", "interpolant", "compile_network", "equal", "chained"):
        with monkeypatch.context() as patch:
            patch.setattr(driver, stage, interrupted)
            words = ("x^2", "--epsilon", "1/2", "--box", "0", "1", "--hard", "--out", "out")
            assert run(*words) == (130, "", "interrupted\n")
        assert files() == before


# --- the form M5 ------------------------------------------------------------------------------------------------------


def compared(line: Polyline) -> tuple[ef.Transformer, dict[str, int]]:
    """The head of a polyline, and how often the proof that it is the polyline uses which rule."""
    domain = ef.Box([line.knots[0]], [line.end])
    head = polyline_to_one_head(line, domain, "head")
    faults = Faults()
    question = ask(Equal(), polyline_to_relu(line, domain, "units"), head, None, "average", faults)
    faults.settle()
    return head, check_tree(question.asked().goal(), by_cuts(line, turns(line)), "steps")


def by_cuts(line: Polyline, first: list[Fraction]) -> list[Any]:
    """Cuts at these points, then at the knots."""
    steps: list[Any] = []

    def part(low: Fraction, high: Fraction) -> None:
        for ends in (first, line.knots):
            if inside := [x for x in ends if low < x < high]:
                middle = inside[len(inside) // 2]
                steps.append(["cut", [[1, 1], [0, str(-middle)]]])
                for side in ((middle, high), (low, middle)):
                    steps.append(["narrow"])
                    part(*side)
                return
        steps.append(["holds"])

    part(line.knots[0], line.end)
    return steps


SMALL = st.fractions(-3, 3, max_denominator=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(SMALL, min_size=1, max_size=9, unique=True), st.data())
def test_every_polyline_is_one_head(places: list[Fraction], data: st.DataObject) -> None:
    """Also with pieces of one slope, and on a domain that is a point."""
    slopes = data.draw(st.lists(SMALL, min_size=len(places), max_size=len(places)))
    knots = sorted(places)
    line = Polyline(tuple(knots), tuple(slopes), data.draw(SMALL), knots[-1] + int(any(slopes) or len(knots) > 1))
    head, _ = compared(line)
    assert head.tokens == 1 + sum(a != b for a, b in pairwise(slopes))
    points = zip((*knots, line.end), line.values, strict=True)
    assert all(head.evaluate([x], tie=tie) == (y,) for x, y in points for tie in TIES)


def test_a_convex_polyline_needs_no_cut_before_it_is_evaluated() -> None:
    line = Polyline(tuple(map(Fraction, range(40))), tuple(map(Fraction, range(40))), Fraction(1), Fraction(40))
    assert turns(line) == []
    assert compared(line)[1]["cut"] == 39


def test_long_polylines_are_cut_where_they_turn_and_nowhere_else() -> None:
    """In each part the two tokens at its ends dominate all whose pieces are elsewhere, however many there are."""
    slopes = [*range(60), *range(59, 0, -1)]
    line = Polyline(tuple(map(Fraction, range(119))), tuple(map(Fraction, slopes)), Fraction(0), Fraction(119))
    assert turns(line) == [Fraction(60)]
    counts = compared(line)[1]
    assert (counts["cut"], counts["holds"], counts["ties"]) == (118, 119, 0)


def test_a_function_with_kinks_is_met_by_one_head_too() -> None:
    """The search cuts where the head is undecided, and at the kinks."""
    found = ef.approximate(
        ef.function("abs(x - 1/3) + x^2/4"), epsilon="1/100", domain=ef.Box([-1], [1]), hard=True, form="M5"
    )
    assert found.verdict == "proved" and found.chain is not None and found.chain.counts["links"] == 1
    assert found.transformer.tokens == found.pieces


def test_one_head_near_a_function_has_a_chain_of_proofs(run: Run) -> None:
    code, out, _ = run("sin(3*x)", "--epsilon", "1/20", "--box", "-2", "2", "--form", "M5", "--hard", "--json")
    answer = json.loads(out)
    assert (code, answer["verdict"], answer["form"], answer["parts"]) == (0, "proved", "M5", ["1/20", "0"])
    checked = ef.check("function-approximation")
    assert checked.parameters == {"epsilon": "1/20"}
    head = ef.load("function-approximation/right.json")
    assert isinstance(head, ef.Transformer)
    assert len(head.blocks) == len(head.blocks[0].heads) == 1
    assert head.tokens == answer["pieces"]
