"""The conformance suite of VNN-LIB (`vnnlib-satisfactory`), every case of it: answered as it says, or refused as here.

Its numbers are floats; they are read as real ones, which changes none of its answers.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from vnntest.core.generator import build_test_artifacts
from vnntest.core.registry import get_cases

from exactformer.cli.standard import main

NOT_PIECEWISE_LINEAR = "expected an operator that is piecewise linear and read, found "
REFUSED = {  # of each kind that is not answered: how many cases, and what is said of them
    "arithmetic_poly": (4, "expected a linear expression"),
    "cast": (8, "expected a floating-point type, or of constants an integer type"),
    "div": (4, "expected a constant as the divisor, found a value that depends on the input"),
    "equal": (6, "node 'n1' (Equal): expected "),
    "mul": (1, "a product of two values that depend on the input"),
    "network_isomorphic": (1, "Type mismatch for variable number 0 between networks 'N2' and 'N1'"),
    "pow": (6, NOT_PIECEWISE_LINEAR + "Pow"),
    "sigmoid": (3, NOT_PIECEWISE_LINEAR + "Sigmoid"),
    "softmax": (5, " (Softmax): expected scores "),
    "where": (6, NOT_PIECEWISE_LINEAR + "Greater"),
}


def test_every_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)  # where the suite writes its files
    cases, refused, wrong = get_cases(), Counter[str](), []
    for case in cases:
        network, query = build_test_artifacts(case)
        names = re.findall(r"\(declare-network +(\w+)\b(?!\s*\(equal-to)", query.read_text())
        networks = [f"--network={name}={network}" for name in names]
        code = main(["--as-real", "verify", str(query), *networks])
        answer, reason = capsys.readouterr()
        if code == 0 and answer.split("\n")[0] == case.expected_output().lower():
            continue
        refused[case.node_type] += 1
        if code != 3 or answer or REFUSED.get(case.node_type, (0, "\n"))[1] not in reason:
            wrong.append((case.id, case.expected_output(), answer, reason))
    assert wrong == []
    assert refused == {kind: count for kind, (count, _) in REFUSED.items()}
    assert len(cases) == 178
