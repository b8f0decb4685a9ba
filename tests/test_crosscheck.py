"""Independent confirmation: volumes, leaf scripts that have teeth, other solvers, and what happens if they disagree."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import exactformer as ef
from exactformer import Domain, MaxoutNetwork, Unsupported
from exactformer.claims import Claim, Convex, Equal, Increasing, Invariant, Range, TiesAgree
from exactformer.errors import Faults
from exactformer.polyhedra.volume import volume
from exactformer.prover import crosscheck, smt, verify
from exactformer.prover.crosscheck import by_evaluation, by_volume
from exactformer.prover.leaves import leaf_scripts
from exactformer.prover.outcome import Confirmation
from exactformer.prover.question import Question, ask
from exactformer.prover.smtlib import claim_text

F = Fraction
KINDS: dict[str, Any] = {kind.name: kind for kind in (Convex, Equal, Increasing, Invariant, Range, TiesAgree)}
PROOFS = Path(__file__).parent.parent / "proofs"
Z3 = shutil.which("z3", path=str(Path(sys.executable).parent)) or shutil.which("z3")
CVC5 = pytest.mark.skipif("not _has_cvc5()", reason="cvc5 is an optional extra")


def _has_cvc5() -> bool:
    try:
        return bool(smt.version("cvc5"))
    except Unsupported:
        return False


def box(n: int, low: int = -1, high: int = 1) -> list[tuple[tuple[int, ...], int]]:
    units = [tuple(int(i == j) for j in range(n)) for i in range(n)]
    return [(u, -low) for u in units] + [(tuple(-a for a in u), high) for u in units]


# --- volumes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_volumes_that_are_known(n: int) -> None:
    factorial = [1, 1, 2, 6, 24][n]
    assert volume(box(n), n) == 2**n
    assert volume([*box(n), *box(n)], n) == 2**n
    assert volume([*box(n, 0), ((-1,) * n, 1)], n) == F(1, factorial)
    assert volume([*box(n), ((1,) * n, 0)], n) == F(2**n, 2)
    assert volume([*box(n), ((1,) * n, -n)], n) == 0
    assert volume([*box(n), ((1,) * n, -n - 1)], n) == 0
    assert volume([*box(n), ((0,) * n, -1)], n) == 0
    assert volume([*box(n), ((0,) * n, 5), ((3,) + (0,) * (n - 1), 7)], n) == 2**n
    cross = [(signs, 1) for signs in product([1, -1], repeat=n)]
    assert volume(cross, n) == F(2**n, factorial)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_the_cells_of_an_arrangement_add_up(n: int, seed: int) -> None:
    r = random.Random(f"{n} {seed}")
    cuts = [(tuple(r.randint(-3, 3) for _ in range(n)), r.randint(-2, 2)) for _ in range(4)]
    cells = [[(tuple(s * a for a in row), s * b) for s, (row, b) in zip(signs, cuts, strict=True)]
             for signs in product([1, -1], repeat=4)]  # fmt: skip
    plane = sum(not any(row) and b == 0 for row, b in cuts)  # a cut that is no cut gives every cell twice
    assert sum(volume([*box(n), *cell], n) for cell in cells) == 2**n * 2**plane


# --- regions ----------------------------------------------------------------------------------------


def triangle() -> MaxoutNetwork:
    return MaxoutNetwork.of([([[[1, 0], [0, 1], [-1, -1]]], [[0, 0, 0]])], ([[1]], [0]), domain=Domain.box(2, -1, 1))


def test_a_region_that_is_missing_or_wrong_is_noticed() -> None:
    outcome = ef.prove(triangle(), method="regions", cross_check=())
    question = question_of(outcome)
    assert (by_evaluation(question, outcome.regions).contradicted, len(outcome.regions)) == (0, 3)
    found = by_volume(question.domain, outcome.regions)
    assert found is not None and found.contradicted == 0
    missing = by_volume(question.domain, outcome.regions[1:])
    assert missing is not None and missing.contradicted == 1 and "in place of 4" in missing.note
    shifted = [*outcome.regions[:2], replace(outcome.regions[2], left=outcome.regions[0].left)]
    assert by_evaluation(question, shifted).contradicted == 1


def question_of(outcome: Any) -> Question:
    return ask(outcome.claim, outcome.left, outcome.right, outcome.domain, outcome.tie, Faults())


def test_volumes_are_left_out_where_they_do_not_exist() -> None:
    outcome = ef.prove(triangle(), method="regions", cross_check=())
    assert by_volume(Domain.everything(2), outcome.regions) is None
    assert by_volume(Domain.box(5, 0, 1), outcome.regions) is None


def test_a_contradiction_makes_the_verdict_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def liar(*_: Any) -> Confirmation:
        return Confirmation("z3", "leaves", 2, 3, 3, 1)

    monkeypatch.setattr("exactformer.prover.confirmed.by_solver", liar)
    outcome = ef.prove(triangle(), method="regions")
    assert (outcome.verdict, outcome.certificate) == ("unknown", None)
    assert outcome.reason == "z3 contradicts the proof on 1 leaves: please report it"


# --- leaf scripts -----------------------------------------------------------------------------------


def committed() -> list[str]:
    """The proofs that are no chains: these are about functions, of which the solvers know nothing."""
    found = {path.parent.name: json.loads(path.read_text()) for path in PROOFS.glob("*/certificate.json")}
    return sorted(name for name, certificate in found.items() if "links" not in certificate)


def from_folder(name: str) -> tuple[Question, list[Any]]:
    certificate = json.loads((PROOFS / name / "certificate.json").read_text())
    networks = [ef.load(PROOFS / name / f"{side}.json") for side in ("left", "right") if side in certificate]
    domain = certificate["domain"]
    box = ef.Polyhedron(domain["lower"], domain["upper"], domain.get("matrix"), domain.get("bounds", ()))
    values = {key: tuple(x) if isinstance(x, list) else x for key, x in certificate.get("parameters", {}).items()}
    claim: Claim = KINDS[certificate["claim"]](**values)
    right = networks[1] if len(networks) > 1 else None
    faults = Faults()
    question = ask(claim, networks[0], right, box, certificate["tie"], faults)
    assert not faults.reasons
    return question, certificate.get("tree", [])


@pytest.mark.parametrize("solver", ["z3", pytest.param("cvc5", marks=CVC5)])
@pytest.mark.parametrize("name", [name for name in committed() if not name.endswith("-ties")])
def test_every_leaf_of_the_committed_proofs(name: str, solver: smt.Solver) -> None:
    question, steps = from_folder(name)
    texts = [text for _, text in leaf_scripts(question.goal(), steps)]
    tally = smt.solve_many(texts, budget=120, solver=solver)
    assert (tally.confirmed, tally.contradicted) == (len(texts), ()), tally.reason


def test_a_leaf_that_is_wrong_is_contradicted() -> None:
    """The cell of a leaf that holds is not empty, and a range that is too narrow does not hold on some cell."""
    question, steps = from_folder("maxout-rank-3")
    forged = [["empty", []] if step == ["holds"] else step for step in steps]
    rules = [step[0] for step in steps if step[0] in ("holds", "empty")]
    texts = [text for _, text in leaf_scripts(question.goal(), forged)]
    tally = smt.solve_many(texts, budget=120)
    assert tally.contradicted == tuple(i for i, rule in enumerate(rules) if rule == "holds")
    question, steps = from_folder("claim-triangle-range")
    narrow = replace(question, claim=Range((F(0),), (F(999, 1000),)))
    tally = smt.solve_many([text for _, text in leaf_scripts(narrow.goal(), steps)], budget=120)
    leaves = [step[0] for step in steps if step[0] in ("holds", "empty")]
    holding = {i for i, rule in enumerate(leaves) if rule == "holds"}
    assert tally.contradicted and set(tally.contradicted) <= holding


def test_a_sample_is_chosen_by_the_seed() -> None:
    outcome = verify(triangle(), ef.compile(triangle()).transformer, method="regions", sample=2, seed=5)
    again = verify(triangle(), ef.compile(triangle()).transformer, method="regions", sample=2, seed=5)
    assert outcome.confirmations == again.confirmations
    leaves = outcome.confirmations[-1]
    assert (leaves.subject, leaves.confirmed, leaves.tried, leaves.total) == ("leaves", 2, 2, 3)


@pytest.mark.parametrize("solver", ["z3", pytest.param("cvc5", marks=CVC5)])
def test_a_structural_proof_is_confirmed_as_a_whole(solver: smt.Solver) -> None:
    outcome = ef.prove(triangle(), cross_check=(solver,))
    (said,) = outcome.confirmations
    assert (said.subject, said.confirmed, said.contradicted) == ("whole claim", 1, 0)


def test_a_solver_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(smt.SOLVERS, "cvc5", "no-such-package")
    with pytest.raises(Unsupported, match="cvc5: expected the package no-such-package"):
        ef.prove(triangle(), cross_check=("cvc5",))


# --- stock binaries ---------------------------------------------------------------------------------


@pytest.mark.skipif(Z3 is None, reason="no z3 binary")
def test_the_stock_binary_reads_the_exports(tmp_path: Path) -> None:
    question, steps = from_folder("hand-sawtooth")
    texts = [claim_text(question), *(text for _, text in list(leaf_scripts(question.goal(), steps))[:10])]
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.smt2"
        path.write_text(text)
        found = subprocess.run([str(Z3), str(path)], capture_output=True, text=True, timeout=600, check=True)
        assert found.stdout.split() == ["unsat"]


@pytest.mark.parametrize("solver", ["z3", pytest.param("cvc5", marks=CVC5)])
def test_a_false_claim_is_sat(solver: smt.Solver) -> None:
    question, _ = from_folder("claim-step-ties")
    assert smt.solve_many([claim_text(question)], budget=30, solver=solver).contradicted == (0,)


def test_the_solvers_are_named_once() -> None:
    assert set(smt.SOLVERS) == {"z3", "cvc5"} and crosscheck.SAMPLE == 200
