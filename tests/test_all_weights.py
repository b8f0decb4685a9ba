"""Statements for all weights: what the compiler makes of unknowns, the laboratory, the command, broken twins."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactformer.checking import check
from exactformer.cli import main
from exactformer.compiler import compile_network
from exactformer.compiler.driver import WITH_GATES
from exactformer.domain import Box, Domain
from exactformer.errors import CertificateRejected, InvalidInput
from exactformer.generic.constructions import gated_for_all_weights, global_for_all_weights
from exactformer.generic.damage import broken, flipped, nonzeros
from exactformer.generic.lemmas import gates_keep_the_maximum, gates_pick_the_piece, paired_maxima
from exactformer.generic.ring import specialised, unknowns
from exactformer.generic.shape import Shape
from exactformer.generic.statement import Rejected, Statement
from exactformer.networks import MaxoutNetwork
from exactformer.theorems import all_weights as laboratory
from exactformer.theorems import for_all_weights, theorems_of
from exactformer.theorems.case import Case, Failed, Undecided
from exactformer.work import OutOfTime

PROOFS = Path(__file__).parent.parent / "proofs" / "shapes"
COMMITTED = {
    "global": lambda: global_for_all_weights(Shape(3, (3, 3), 3)),
    "gated": lambda: gated_for_all_weights(Shape(3, (3, 3), 3)),
    "gate-pieces": lambda: gates_pick_the_piece(4),
    "gate-maximum": lambda: gates_keep_the_maximum(4),
    "paired-maxima": lambda: paired_maxima(2, 2, 3),
}
MADE: tuple[Callable[[Shape], Statement], ...] = (global_for_all_weights, gated_for_all_weights)

shapes = st.builds(
    Shape,
    inputs=st.integers(1, 3),
    widths=st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
    rank=st.integers(1, 3),
    outputs=st.integers(1, 2),
)


# --- unknowns -------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(shapes, st.randoms(use_true_random=False))
def test_what_is_made_of_unknowns_specialises_to_what_is_compiled(shape: Shape, random: Random) -> None:
    for construction in ("global", *WITH_GATES):
        given = construction in WITH_GATES
        statement = gated_for_all_weights(shape, construction) if given else global_for_all_weights(shape)
        values, _ = statement.draw(random)
        source = specialised(statement.left, values)
        assert isinstance(source, MaxoutNetwork)
        domain = None
        if given:
            ends = range(1, shape.inputs + 1)
            domain = Box([values[f"lo{j}"] for j in ends], [values[f"hi{j}"] for j in ends])
        compiled = compile_network(source, construction=construction, domain=domain).transformer
        assert specialised(statement.right, values) == replace(compiled, domain=None)


def test_unknowns_have_no_order_and_no_truth_but_zero() -> None:
    at = unknowns(("a", "b"))
    a, b = at["a"], at["b"]
    with pytest.raises(TypeError):
        a > 0  # noqa: B015
    with pytest.raises(TypeError):
        hash(a)
    assert a and not a - a and a - b != 0 and a != "a" and a - a == 0 and a == a + 0
    assert str(Fraction(1, 2) - a * b * b) == "-a*b^2 + 1/2"
    assert (1 - a * b + Fraction(1, 3)).at({"a": Fraction(2), "b": Fraction(1, 2)}) == Fraction(1, 3)
    with pytest.raises(KeyError):
        (a + b).at({"a": Fraction(1)})


def test_a_network_compiled_from_unknowns_where_gates_compare_them_is_refused() -> None:
    with pytest.raises(TypeError):
        compile_network(Shape(1, (1,), 2).network(), domain=Domain.box(1, 0, 1))


def test_shapes_are_checked() -> None:
    assert str(Shape(2, (3, 1), 2, 4)) == "2-3-1-4, rank 2"
    for wrong in ((0, (1,), 1, 1), (1, (), 1, 1), (1, (2, 0), 1, 1), (1, (1,), 0, 1), (1, (1,), 1, 0)):
        with pytest.raises(InvalidInput, match="expected a positive integer"):
            Shape(*wrong)


# --- statements and their twins ---------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(shapes)
def test_every_shape_is_proved_and_the_theorem_names_it(shape: Shape) -> None:
    sizes = "-".join(map(str, (shape.inputs, *shape.widths, shape.outputs)))
    for made in MADE:
        answer = made(shape).proved()
        assert answer["theorem"].startswith(f"for all weights of shape {sizes} and rank {shape.rank}, ")
        assert ("hypotheses" in answer["theorem"]) == (made is gated_for_all_weights)


@pytest.mark.parametrize("construction", WITH_GATES)
def test_every_construction_with_gates_is_proved(construction: str) -> None:
    statement = gated_for_all_weights(Shape(2, (2, 2), 3), construction)
    assert statement.title.startswith(f"The {construction} construction")
    assert statement.proved()["theorem"].startswith("for all weights of shape 2-2-2-1 and rank 3, all real numbers lo1")
    with pytest.raises(Rejected):
        broken(statement, Random(1))[0].proved()


@pytest.mark.parametrize("made", MADE)
def test_a_flipped_sign_is_rejected_or_changes_nothing(made: Callable[[Shape], Statement]) -> None:
    statement = made(Shape(2, (2, 1), 2))
    refuted = 0
    for number in range(nonzeros(statement.right)):
        twin = replace(statement, right=flipped(statement.right, number))
        assert twin.right != statement.right
        witness = twin.counterexample(Random(number), 30)
        refuted += witness is not None
        try:
            twin.proved()
        except Rejected:
            continue
        assert witness is None
    assert refuted >= 70


@pytest.mark.parametrize("name", COMMITTED)
def test_twins_of_all_statements_have_exact_counterexamples(name: str) -> None:
    statement = COMMITTED[name]()
    twin, witness = broken(statement, Random(3))
    assert str(witness).startswith("x = (") and all(f"{name} = " in str(witness) for name in statement.unknowns)
    left, right = twin.specialised(witness.values)
    assert left.evaluate(witness.point) == witness.left and right.evaluate(witness.point) == witness.right
    assert laboratory._decided(twin).verdict == "refuted"  # by the kernel
    assert not laboratory._confirmed(statement, witness)
    with pytest.raises(Rejected):
        twin.proved()
    assert statement.counterexample(Random(3), 20) is None


def test_a_statement_without_a_fault_to_plant_says_so() -> None:
    zero = dict.fromkeys(Shape(1, (1,), 1).weights, Fraction(0))
    statement = replace(global_for_all_weights(Shape(1, (1,), 1)), draw=lambda random: (zero, (Fraction(0),)))
    with pytest.raises(ValueError, match="expected a flipped sign that changes something"):
        broken(statement, Random(0))


@pytest.mark.parametrize("rank", (2, 3, 5))
def test_lemmas_about_gates(rank: int) -> None:
    for statement in (gates_pick_the_piece(rank), gates_keep_the_maximum(rank)):
        assert statement.proved()["claim"] == "all unknowns"
        assert statement.counterexample(Random(rank), 40) is None


@pytest.mark.parametrize("number", range(6))
def test_no_hypothesis_of_the_lemma_about_the_maximum_is_superfluous(number: int) -> None:
    statement = gates_keep_the_maximum(3)
    assert len(statement.hypotheses) == 5
    if number < 5:
        weaker = tuple("0" if i == number else text for i, text in enumerate(statement.hypotheses))
        with pytest.raises(Rejected):
            replace(statement, hypotheses=weaker).proved()
    else:
        assert statement.proved()["counts"]["hypotheses"] == 5


# --- the face -------------------------------------------------------------------------------------


def test_python_answers() -> None:
    found = for_all_weights("t46", inputs=1, widths=2, rank=2, outputs=2)
    assert found.verdict == "proved" and found.number == "T46" and found.witness is found.reason is None
    assert (found.theorem or "").startswith("for all weights of shape 1-2-2 and rank 2, every x in R^1: left(x) = ")
    assert str(found).startswith("PROVED  for all weights of shape 1-2-2")
    assert for_all_weights("T3", rank=4).counts["steps"] == 15
    assert for_all_weights("T40", inputs=1, rank=2, partners=2).verdict == "proved"
    assert for_all_weights("T5").to_json()["hypotheses"][0] == "x1 - lo1"


@pytest.mark.parametrize(
    ("name", "sizes", "message"),
    (
        ("T12", {}, "expected one with a proof for all weights"),
        (7, {}, "expected one with a proof for all weights"),
        ("T46", {"partners": 2}, "sizes among those that it has"),
        ("T46", {"widths": [2, 0]}, "expected a positive integer"),
        ("T46", {"widths": "2,2"}, "expected a positive integer"),
        ("T46", {"rank": True}, "expected a positive integer"),
        ("T46", {"construction": "gated"}, "sizes among those that it has"),
        ("T45", {"construction": "global"}, "construction"),
        ("T3", {"rank": 1}, "expected an integer from 2 to 64"),
        ("T40", {"rank": 5, "partners": 5}, "at most 1000 maps"),
        ("T46", {"timeout": -1}, "timeout"),
    ),
)
def test_bad_arguments_have_one_message(name: object, sizes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        for_all_weights(name, **sizes)  # type: ignore[arg-type]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "all"
    words = [
        "theorems",
        "T45",
        "--all-weights",
        "--inputs",
        "2",
        "--widths",
        "2,1",
        "--rank",
        "2",
        "--out",
        str(folder),
    ]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(
        "PROVED  for all weights of shape 2-2-1-1 and rank 2, all real numbers lo1"
    )
    text = (folder / "statement.md").read_text()
    assert "- x1 - lo1 >= 0" in text and "- p1.1.1.1 = max(w1.1.1.1, 0)" in text and "PROVED for all weights" in text
    found = check(folder)
    assert found.claim == "all weights" and set(found.files.values()) == {"checked", "manifest", "unchanged"}
    assert main(["check", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "with  x1 - lo1 >= 0" in out and "where p1.1.1.1 = max(w1.1.1.1, 0)" in out and "kernel" not in out
    assert main([*words, "--json"]) == 0  # written over, as nothing was changed
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["method"]) == ("proved", "all weights")
    assert answer["certificate"] == f"{folder}/certificate.json" and len(answer["hypotheses"]) == 16
    assert main(["theorems", "T45", "--all-weights", "--construction", "sequential"]) == 0
    assert "statement T45. The sequential construction" in capsys.readouterr().out
    assert main(["theorems", "T46", "--all-weights", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["theorems", "T46", "--all-weights"]) == 0
    assert "written" not in capsys.readouterr().out
    right = folder / "right.json"
    right.write_text(right.read_text().replace('"c1.1"', '"-c1.1"'))
    with pytest.raises(CertificateRejected, match="digest"):
        check(folder)
    assert main(["check", str(folder)]) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    (
        (["T45", "T46", "--all-weights"], "expected the number of one theorem, found 2"),
        (["--all-weights"], "expected the number of one theorem, found 0"),
        (["T46", "--all-weights", "--instances", "3"], "--instances"),
        (["T46", "--widths", "2"], "--widths"),
        (["T45", "--construction", "gated"], "--construction"),
        (["T46", "--all-weights", "--widths", "2,x"], "expected a positive integer, found x"),
        (["T46", "--all-weights", "--cells", "2"], "cells"),
    ),
)
def test_options_that_do_not_fit(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theorems", *words]) == 3
    assert message in capsys.readouterr().err


def test_what_is_not_proved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = gates_pick_the_piece(2)
    wrong = replace(statement, right=flipped(statement.right, 0))
    open_ = replace(wrong, draw=lambda random: ({"s": Fraction(0), "g": Fraction(0)}, (Fraction(0), Fraction(0))))
    for made, code, verdict in ((wrong, 1, "refuted"), (open_, 2, "unknown")):
        monkeypatch.setitem(laboratory.KINDS, "T2", laboratory.Kind(lambda rank, made=made: made, {"rank": 2}))
        found = for_all_weights("T2")
        assert found.verdict == verdict and found.theorem is None and (found.witness or found.reason)
        assert (found.to_json()["witness"] is None) == (verdict == "unknown")
        with pytest.raises(InvalidInput, match="expected a statement that is proved"):
            found.write(tmp_path / "no")
        assert main(["theorems", "T2", "--all-weights", "--out", str(tmp_path / "no")]) == code
        assert capsys.readouterr().out.startswith(verdict.upper()) and not (tmp_path / "no").exists()

    def slow(statement: Statement) -> None:
        raise OutOfTime

    monkeypatch.setattr(laboratory, "_decided", slow)
    assert for_all_weights("T46").reason == "out of time"


def test_checks_of_the_laboratory_tell_wrong_from_open() -> None:
    statement = gates_pick_the_piece(2)
    case = Case(Random(1))
    laboratory.settled(case, statement)
    wrong = replace(statement, right=flipped(statement.right, 0))
    with pytest.raises(Failed, match="left"):
        laboratory.settled(case, wrong)
    open_ = replace(wrong, draw=lambda random: ({"s": Fraction(0), "g": Fraction(0)}, (Fraction(0), Fraction(0))))
    with pytest.raises(Undecided):
        laboratory.settled(case, open_)
    assert {t.evidence for t in theorems_of(["T45", "T46"])} == {"all weights"}


# --- the committed proofs ----------------------------------------------------------------------------


def test_the_committed_proofs_are_what_is_made_now() -> None:
    assert {path.name for path in PROOFS.iterdir()} == COMMITTED.keys()


@pytest.mark.parametrize("name", COMMITTED)
def test_a_committed_proof_is_made_again_byte_for_byte(name: str) -> None:
    files = COMMITTED[name]().files()
    assert files == {file: (PROOFS / name / file).read_text() for file in files}
