"""The theorem laboratory: each theorem on its smallest instance, with its twin; families, failures, the command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

import pytest

import exactformer as ef
from exactformer.cli import main
from exactformer.cli.theorems import PARAMETERS
from exactformer.kernel.certificates import check_file
from exactformer.theorems import THEOREMS, Theorem, certified, check, check_all, theorems_of
from exactformer.theorems import driver as laboratory
from exactformer.theorems.case import Case, Failed, Undecided, expect
from exactformer.theorems.document import list_lines, parameters_text
from exactformer.theorems.expressions import network, unknowns
from exactformer.theorems.theorem import theorem
from exactformer.work import time_limit

SNAPSHOT = Path(__file__).parent / "snapshots" / "cli" / "theorems.txt"
DOCUMENT = Path(__file__).parent.parent / "docs" / "theorems.md"
BEGIN, END = "<!-- the list -->", "<!-- end of the list -->"
LONG: set[str] = set()  # whose smallest instance takes seconds: `.ci/long theorems` checks them all


def smallest(each: Theorem) -> dict[str, int]:
    return {name: span.low for name, span in each.parameters.items()}


@pytest.mark.parametrize("number", [t.number for t in THEOREMS if t.check is not None and t.number not in LONG])
def test_the_smallest_instance_is_confirmed_and_its_twin_is_caught(number: str) -> None:
    (each,) = theorems_of([number])
    found = check(number, instances=1, **smallest(each))
    assert (found.outcome, found.confirmed, found.twin) == ("confirmed", 1, True), found.why


# --- the registry ---------------------------------------------------------------------------------


def test_the_list_is_as_it_was() -> None:
    assert "\n".join(list_lines(THEOREMS)) + "\n" == SNAPSHOT.read_text(encoding="utf-8")


def test_all_theorems_are_there_in_order_and_all_negative_facts() -> None:
    assert [t.number for t in THEOREMS] == [f"T{n}" for n in range(1, 47)]
    assert {n for t in THEOREMS for n in t.negatives} == {f"N{n}" for n in range(1, 16)}


def test_statements_stand_in_the_docstrings() -> None:
    for each in THEOREMS:
        title, _, rest = each.statement.partition("\n\n")
        assert title.endswith(".") and rest.endswith((".", ".)")), each.number
        assert each.evidence == "cited" or each.instances > 0, each.number


def test_the_parameters_are_those_of_the_command_line() -> None:
    assert {name for t in THEOREMS for name in t.parameters} == set(PARAMETERS)


def test_negative_facts_are_names_too() -> None:
    assert [t.number for t in theorems_of(["n9"])] == ["T12"]
    assert [t.number for t in theorems_of(["N2", "t7"])] == ["T3", "T7"]


def test_what_is_cited_has_no_check() -> None:
    found = check_all(["T42", "T44"])
    assert found.outcome == "cited" and [f.count for f in found.findings] == ["–", "–"]
    assert {t.number for t in THEOREMS if t.check is None} == {"T42", "T44"}


# --- families -------------------------------------------------------------------------------------


def made(monkeypatch: pytest.MonkeyPatch, each: Theorem) -> Theorem:
    """A theorem in the place of all others."""
    monkeypatch.setattr(laboratory, "theorems_of", lambda names: (each,))
    return each


@theorem("T1", "wrong from 3 on", "here", instances=9, rank=(1, 4), inputs=(1, 2))
def wrong_from_three_on(case: Case, rank: int, inputs: int) -> None:
    """Ranks are below 3."""
    expect(rank < 3 and not case.broken, f"{rank} and {case.integer(0, 10**6)}")


def test_the_first_failure_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    made(monkeypatch, wrong_from_three_on)
    found = check("T1", rank=4, inputs=2)
    assert found.failure is not None and found.failure.values == (("rank", 4), ("inputs", 2))
    found = check("T1")
    assert found.outcome == "failed" and found.failure is not None
    assert found.failure.values == (("rank", 3), ("inputs", 1)) and found.failure.draw == 0
    assert found.failure.command("T1", 0) == "exactformer theorems T1 --rank 3 --inputs 1 --instances 1 --seed 0"
    again = check("T1", rank=3, inputs=1, instances=1)
    assert again.failure is not None and again.failure.witness == found.failure.witness  # the command comes to it again


@theorem("T1", "no fault is noticed", "here", instances=2)
def blind(case: Case) -> None:
    """Nothing."""


def test_a_check_that_notices_nothing_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    made(monkeypatch, blind)
    found = check("T1")
    assert (found.outcome, found.failure, found.why) == ("failed", None, "the planted fault was not noticed")


@theorem("T1", "open", "here", instances=3)
def left_open(case: Case) -> None:
    """Nothing."""
    raise Failed("caught") if case.broken else Undecided("too hard")


def test_what_is_not_decided_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    made(monkeypatch, left_open)
    found = check_all()
    assert found.outcome == "unknown" and found.findings[0].why == "too hard"
    assert found.findings[0].count == "0 of 3"


def test_out_of_time_is_unknown() -> None:
    found = check("T12", instances=10**4, timeout=0.001)
    assert found.outcome == "unknown" and found.why is not None and "out of time" in found.why
    assert found.tried < 10**4


def test_a_limit_around_a_proof_that_has_none_of_its_own() -> None:
    five = ef.piecewise.maximum_of_five()
    largest = network(5, [[unknowns(5)]], unknowns(1))
    with time_limit(0.3):
        found = ef.verify(five, largest, domain=ef.Domain.everything(5))
    assert (found.verdict, found.reason) == ("unknown", "out of time")


def test_processes_find_the_same() -> None:
    one, two = (check_all(["T1", "T12"], instances=3, jobs=jobs, seed=5) for jobs in (1, 2))
    assert [(f.outcome, f.confirmed, f.twin) for f in one.findings] == [
        (f.outcome, f.confirmed, f.twin) for f in two.findings
    ]


def test_cases_are_given_by_the_seed() -> None:
    first, second = (Case(Random("3")).network(2, (2, 1), 3) for _ in range(2))
    assert first == second != Case(Random("4")).network(2, (2, 1), 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check("T1", layers=2), r"T1: expected parameters among those that it has \(rank\), found layers"),
        (lambda: check("T1", rank=0), "T1, rank: expected an integer >= 1, found 0"),
        (lambda: check("T1", rank=True), "T1, rank: expected an integer >= 1, found True"),
        (lambda: check("T1", instances=0), "instances: expected an integer from 1 to 10,000"),
        (lambda: check("all"), "expected the number of one theorem, found"),
        (lambda: check_all("T1"), "expected a list of names, found the str 'T1'"),
        (lambda: check_all(["T100"]), "a theorem from T1 to .*, found T100"),
        (lambda: check_all([3]), "a theorem from T1 to .*, found 3"),
        (lambda: check_all(["T1"], jobs=0), "jobs: expected a positive integer"),
    ],
)
def test_bad_arguments_are_said(call: object, message: str) -> None:
    with pytest.raises(ef.InvalidInput, match=message):
        call()  # type: ignore[operator]


# --- the command ----------------------------------------------------------------------------------


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theorems", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["theorems"]
    assert [entry["theorem"] for entry in listed] == [t.number for t in THEOREMS]
    assert listed[0]["parameters"] == {"rank": [1, 4]} and "max_t z_t" in listed[0]["statement"]


def test_checks_end_in_a_table_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["theorems", "T12", "--rank", "2", "--instances", "3", "--out", str(tmp_path / "page")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said.startswith("CONFIRMED  1 theorem: 1 confirmed.\n") and re.search(
        r"T12 .* instances +3 +confirmed", said
    )
    page = (tmp_path / "page" / "theorems.html").read_text(encoding="utf-8")
    assert "The softmax mean" in page and "<script" not in page
    assert main([*words, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["verdict"] == "confirmed" and value["theorems"][0]["confirmed"] == 3
    assert value["theorems"][0]["twin"] is True


def test_a_failure_has_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("exactformer.theorems.theorems_of", lambda names: (wrong_from_three_on,))
    made(monkeypatch, wrong_from_three_on)
    assert main(["theorems", "T1"]) == 1
    said = capsys.readouterr().out
    assert "T1, failed. rank 3, inputs 1, instance 0: 3 and" in said
    assert "exactformer theorems T1 --rank 3 --inputs 1 --instances 1 --seed 0" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["T1", "--layers", "2"], "those that it has (rank)"),
        (["--rank", "2"], "--rank: expected together with the number of a theorem, or all"),
        (["T1", "T2", "--rank", "2"], "--rank: expected one theorem, found 2"),
        (["T0"], "expected a theorem from T1 to"),
        (["T1", "--out", "/dev/null"], "/dev/null"),
    ],
)
def test_bad_words_are_refused(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theorems", *words]) == 3
    assert message in capsys.readouterr().err


# --- the document ---------------------------------------------------------------------------------


def documented() -> str:
    """The list in docs/theorems.md: `python tests/test_theorems.py` writes it."""
    rows = [f"| {t.number} | {t.title} | {t.expected} | {t.evidence} | {parameters_text(t)} |" for t in THEOREMS]
    return "\n".join(["| | theorem | expected | evidence | parameters |", "|---|---|---|---|---|", *rows])


def test_the_document_lists_them() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"{BEGIN}\n{documented()}\n{END}" in text


def test_certificates_behind_a_theorem_are_those_of_its_check() -> None:
    values, answers = certified("T8")
    assert dict(values) == {"inputs": 1, "layers": 1, "width": 1, "rank": 2}
    assert {outcome.verdict for _, outcome in answers} == {"proved", "refuted"}
    assert all(outcome.certificate is not None for _, outcome in answers)
    assert certified("T6")[1] == () and certified("T42") == ((), ())


def test_committed_certificates_of_theorems_are_accepted() -> None:
    """The kernel's words are those of the page beside them."""
    folders = sorted((Path(__file__).parents[1] / "proofs" / "theorems").glob("*/*/certificate.json"))
    assert len({path.parts[-3] for path in folders}) > 20
    for path in folders:
        theorem = check_file(path).statement
        page = (path.parents[1] / "README.md").read_text(encoding="utf-8")
        assert theorem in page.replace("&lt;", "<").replace("\\", "")


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    DOCUMENT.write_text(f"{head}{BEGIN}\n{documented()}\n{END}{tail}", encoding="utf-8")
    SNAPSHOT.write_text("\n".join(list_lines(THEOREMS)) + "\n", encoding="utf-8")
