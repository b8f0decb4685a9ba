"""The case tree of a proof: it covers the domain, its reasons are those of the certificate, every renderer shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import exactformer as ef
from exactformer.documents.document import Branch
from exactformer.kernel.claims import ask
from exactformer.kernel.forms import Form
from exactformer.prover.cases import MOST_STEPS, case_tree, primitive

ABSOLUTE = ef.MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), domain=ef.Box([-1], [1]))
PROOFS = Path(__file__).parents[1] / "proofs"


def leaves(branch: Branch) -> Iterator[Branch]:
    if not branch.parts:
        yield branch
    for part in branch.parts:
        yield from leaves(part)


def test_the_cases_of_the_absolute_value() -> None:
    outcome = ef.prove(ABSOLUTE, method="regions")
    first = Branch("x ≥ 0", "equal: both are x")
    second = Branch("x ≤ 0", "equal: both are −x")
    assert outcome.cases == Branch("", "L0.u0 = max(x, −x)", (first, second))


def test_a_proof_without_cases_has_no_tree() -> None:
    assert ef.prove(ABSOLUTE).cases is None


def test_a_large_proof_has_no_tree() -> None:
    network = ef.load(PROOFS / "maxout-rank-3" / "left.json")
    outcome = ef.prove(network, method="regions")
    assert outcome.certificate is not None and len(outcome.certificate["tree"]) > MOST_STEPS and outcome.cases is None


@pytest.mark.parametrize("name", ["claim-median-increasing", "claim-triangle-range", "hand-nearest-neighbour"])
def test_leaves_are_the_closing_steps_of_the_certificate(name: str) -> None:
    """As many, in the same order, closed for the same reason."""
    folder = PROOFS / name
    certificate = json.loads((folder / "certificate.json").read_text())
    goal = ask(certificate, lambda file: (folder / file).read_bytes(), name).goal()
    tree = case_tree(goal, certificate["tree"])
    assert tree is not None
    closing = [step[0] for step in certificate["tree"] if step[0] in ("holds", "empty")]
    said = ["empty" if "no point" in leaf.text else "holds" for leaf in leaves(tree)]
    assert said == closing
    assert all(leaf.text.endswith("contradict one another") for leaf in leaves(tree) if "no point" in leaf.text)


def test_scores_that_tie_are_a_case_of_their_own() -> None:
    a = ef.load(PROOFS / "hand-nearest-neighbour" / "left.json")
    b = ef.load(PROOFS / "hand-nearest-neighbour" / "right.json")
    outcome = ef.verify(a, b, domain=ef.Box([-5, -5], [5, 5]), method="lazy")
    assert outcome.cases is not None
    assert [part.label[-3:] for part in outcome.cases.parts] == ["> 0", "= 0", "< 0"]


def test_every_renderer_shows_the_cases() -> None:
    page = ef.report(ef.prove(ABSOLUTE, method="regions"))
    for text in (str(page), page.markdown(), page.html(), page.latex()):
        assert "The cases" in text and "L0.u0 = max(x," in text and "equal: both are" in text
    assert '<span class="when">x ≥ 0</span>' in page.html()
    assert "- x ≥ 0: equal: both are x" in page.markdown()
    assert page.pdf().startswith(b"%PDF")


def test_the_tree_in_the_documents_is_what_is_written() -> None:
    network = ef.load(PROOFS / "max-of-three" / "left.json")
    shown = ef.report(ef.prove(network, method="regions")).markdown()
    tree = [line for line in shown.splitlines() if line.lstrip().startswith("- ")]
    document = (PROOFS.parent / "docs" / "reports.md").read_text(encoding="utf-8")
    assert len(tree) == 4 and "\n".join(tree) in document


def test_forms_are_made_primitive() -> None:
    assert primitive(Form({1: 4, 0: -6}, 5)).terms == {1: 2, 0: -3}
    assert primitive(Form({})).terms == {}
