"""Queries in VNN-LIB, versions 1.0 and 2.0, and the command line of the standard."""

from __future__ import annotations

import gzip
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from graph_material import model, node
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from exactformer import MaxoutNetwork, ReluNetwork, save, verify
from exactformer.claims import read_claim
from exactformer.cli import main as own_main
from exactformer.cli.standard import CAPABILITIES, decimal, main
from exactformer.compiler import compile_network
from exactformer.compiler.side_by_side import side_by_side
from exactformer.errors import InvalidInput, Unsupported
from exactformer.formats import vnnlib
from exactformer.formats.queries import MOST, Query, Row
from exactformer.prover.queries import answer

RELU = ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1], [1, -1]], [0, 0]), name="|x|, x")
DEEP = MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]]), ([[[1], [0], [1]]], [[-1, 0, -1]])], ([[1], [2]], [0, 0]))
HEAD = "(declare-const X_0 Real)\n(declare-fun Y_0 () Real) ; |x|\n(declare-const Y_1 Real)\n"
BOX = "(assert (<= X_0 1.0))(assert (>= X_0 (- 1)))\n"
TWO = """; two networks
(vnnlib-version <2.0>)
(declare-network f (declare-input X real [1]) (declare-output Y real [1,2]))
(declare-network g (isomorphic-to f) (declare-input U real [1]) (declare-output V real [1,2]))
(assert (and (<= X[0] 2.0) (>= X[0] -2.0)))
"""


def query(text: str, source: str = "q.vnnlib") -> Query:
    return vnnlib.parse(text.encode(), source)


# --- version 1.0 ----------------------------------------------------------------------------------


def test_a_box_and_a_set() -> None:
    found = query(HEAD + BOX + "(assert (<= Y_0 (+ (* 2 Y_1) 1e-1 (/ Y_0 4))))")
    assert str(found.single.domain) == "[-1, 1]" and not found.named
    (unsafe,) = found.single.unsafe
    assert unsafe.matrix.dense() == [[Fraction(3, 4), -2]] and unsafe.bounds.fractions() == (Fraction(1, 10),)


def test_disjunctions_are_grouped_by_their_input_sets() -> None:
    low, high = "(<= X_0 -0.5) (>= X_0 -1)", "(<= X_0 1) (>= X_0 0.5)"
    third = f"(and {low} (>= Y_1 0) (or (<= Y_0 2) (>= Y_0 3)))"
    text = f"(assert (or (and {low} (<= Y_0 0)) (and {high} (<= Y_0 0)) {third}))"
    cases = query(HEAD + text).cases
    assert [(str(case.domain), len(case.unsafe)) for case in cases] == [("[-1, -1/2]", 3), ("[1/2, 1]", 1)]
    assert [len(unsafe.bounds) for unsafe in cases[0].unsafe] == [1, 2, 2]
    with pytest.raises(Unsupported, match="expected one input set, found 2"):
        query(HEAD + text).single  # noqa: B018


def test_an_equation_is_two_inequalities_and_an_empty_box_is_no_case() -> None:
    assert len(query(HEAD + BOX + "(assert (= Y_0 Y_1))").single.unsafe[0].bounds) == 2
    assert query(HEAD + BOX + "(assert (>= X_0 2))(assert (<= Y_0 0))").cases == ()
    assert str(query(HEAD + "(assert (= X_0 0.25))(assert (<= Y_0 0))").single.domain) == "[1/4, 1/4]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no X_0"),
        (HEAD, "expected at least one assertion, found none"),
        (")", "line 1: expected no more than was opened"),
        (HEAD + "(assert\n(<= X_0 1)", r"line 4: expected \) for this"),
        ("hello", "line 1: expected a command in parentheses, found hello"),
        ("(" * 200, "expected at most 100 levels"),
        (HEAD + HEAD, "expected a name that is not declared yet, found X_0"),
        ("(declare-const Z_0 Real)", "with a name X_0, X_1, ... or Y_0"),
        ("(declare-const X_0 Int)", "declare-const NAME Real"),
        ("(declare-const X_00 Real)", "declare-const NAME Real"),
        ("(declare-const X_0 Real)(declare-const X_2 Real)", "without a gap, found no X_1"),
        (HEAD + "(assert (<= X_0 1/2))", "expected a number, or a variable that is declared, found 1/2"),
        (HEAD + "(assert (<= X_0 inf))", "found inf"),
        (HEAD + "(assert (<= X_0 1e999999999))", "line 4"),
        (HEAD + "(assert (<= X_1 1))", "found X_1"),
        (HEAD + "(assert (<= (* X_0 X_0) 1))", "a sum, a difference or a multiple"),
        (HEAD + "(assert (<= (/ 1 X_0) 1))", "a sum, a difference or a multiple"),
        (HEAD + "(assert (<= (/ X_0 0) 1))", "a sum, a difference or a multiple"),
        (HEAD + "(assert (<= () 1))", "a sum, a difference or a multiple"),
        (HEAD + "(assert (not (<= X_0 1)))", "expected and, or, or one of"),
        (HEAD + "(assert (<= X_0 1 2))", "expected and, or, or one of"),
        (HEAD + "(assert X_0)", "expected and, or, or one of"),
        (HEAD + "(assert (and))", "expected and, or, or one of"),
        (HEAD + "(push 1)", "expected declare-const, declare-fun or assert with a formula, found push"),
        (HEAD + '(assert (<= X_0 "1"))', "line 4"),
    ],
)
def test_bad_files(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        query(text)


def test_formulas_with_too_many_alternatives() -> None:
    pair = "(or (<= Y_0 0) (>= Y_0 1))"
    for text in (f"(assert {pair})" * 17, f"(assert (or (<= X_0 0) (and {pair * 17})))"):
        with pytest.raises(Unsupported, match=f"expected at most {MOST} alternatives"):
            query(HEAD + text)


def test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (HEAD + BOX + "(assert (>= Y_0 1.01))").encode()
    for name, data in (("p.vnnlib", text), ("P.VNNLIB.GZ", gzip.compress(text))):
        (tmp_path / name).write_bytes(data)
        outcome = verify(RELU, claim=f"avoids:{tmp_path / name}")
        assert outcome.proved and str(outcome.domain) == "[-1, 1]"
        assert read_claim(outcome.claim.written).parameters == outcome.claim.parameters
    save(RELU, tmp_path / "net.json")
    for argument in (f"avoids:{tmp_path / 'p.vnnlib'}", "avoids:y1 >= 1.01"):
        more = [] if "vnnlib" in argument else ["--domain", str(tmp_path / "p.vnnlib")]
        words = ["verify", str(tmp_path / "net.json"), "--claim", argument, *more, "--out", str(tmp_path / "proof")]
        assert own_main(words) == 0 and own_main(["check", str(tmp_path / "proof")]) == 0
        assert own_main(["report", str(tmp_path / "proof"), "--format", "text"]) == 0
        assert "satisfies none of (-y1 <= -101/100)" in capsys.readouterr().out
    (tmp_path / "q.vnnlib.gz").write_bytes(text)
    (tmp_path / "r.vnnlib").write_bytes(b"\xff\xfe")
    for name, message in (("q.vnnlib.gz", "made by gzip"), ("r.vnnlib", "expected text"), ("s.vnnlib", "No such file")):
        with pytest.raises(InvalidInput, match=message):
            vnnlib.read_query(tmp_path / name)


def test_a_domain_of_another_size(tmp_path: Path) -> None:
    (tmp_path / "p.vnnlib").write_text(HEAD.replace("X_0", "X_1") + HEAD.split("\n")[0] + BOX + "(assert (<= Y_0 1))")
    save(RELU, tmp_path / "net.json")
    assert own_main(["range", str(tmp_path / "net.json"), "--domain", str(tmp_path / "p.vnnlib")]) == 3


# --- version 2.0 ----------------------------------------------------------------------------------


def test_two_networks_that_share_their_inputs() -> None:
    found = query(TWO + "(assert (== X[0] U[0]))(assert (or (< (- Y[0,1] V[0,0]) 0.1) (!= Y[0,0] (* 2.0 V[0,1]))))")
    assert found.columns == ((0,), (0,)) and found.dimension == 1 and not found.mixed
    assert [slot.relation for slot in found.slots] == ["", "isomorphic-to"]
    assert len(found.alternatives) == 3 and all(row.strict for (row,) in found.alternatives)
    assert query(TWO + "(assert (<= X[0] U[0]))").columns == ((0,), (1,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(vnnlib-version <2.0>)", "2.0"),
        (TWO.replace("2.0>", "3.0>") + "(assert (<= X[0] 1.0))", "<3.0>"),
        (TWO + "(assert (<= X[1] 1.0))", "out of bounds"),
        (TWO + "(assert (<= Z[0] 1.0))", "Undeclared variable"),
        (TWO + "(assert (<= (* X[0] U[0]) 1.0))", "expected a linear expression"),
        (TWO + "(assert (<= X[0] 1.0)", "syntax error"),
        (TWO + "(assert " + "(" * 200, "expected at most 100 levels"),
        (TWO.replace("(isomorphic-to f)", "(equal-to h)") + "(assert (<= X[0] 1.0))", "h|network"),
    ],
)
def test_bad_files_of_version_two(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        query(text)


# --- answers --------------------------------------------------------------------------------------

ONE = [
    ("(assert (>= Y_0 1))", "sat"),
    ("(assert (> Y_0 1))", "unknown"),
    ("(assert (> Y_0 0.999))", "sat"),
    ("(assert (>= X_0 (+ 0.5 Y_1)))", "unsat"),
    ("(assert (>= Y_0 (+ X_0 1.5)))", "sat"),
    ("(assert (or (and (>= X_0 0.25) (<= Y_0 0.2)) (and (<= X_0 -0.25) (<= Y_0 0.1))))", "unsat"),
    ("(assert (or (and (>= X_0 0.25) (<= Y_0 0.2)) (and (<= X_0 -0.25) (<= Y_0 0.3))))", "sat"),
    ("(assert (>= X_0 2))", "unsat"),
    ("(assert (or (>= X_0 0.5) (>= Y_0 7)))", "sat"),
    ("(assert (<= Y_0 0))(assert (>= Y_0 0))", "sat"),
]


@pytest.mark.parametrize(("text", "result"), ONE)
def test_answers(text: str, result: str) -> None:
    found = query(HEAD + BOX + text)
    given = answer(found, {"N": RELU}, timeout=60)
    assert given.result == result and (given.values is not None) == (result == "sat")
    assert given.values is None or found.holds(given.values)
    assert all(outcome.certified for outcome in given.outcomes)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("(assert (== X[0] U[0])) (assert (>= V[0,0] Y[0,0]))", "sat"),
        ("(assert (== X[0] U[0])) (assert (>= V[0,0] (+ Y[0,0] 0.1)))", "unsat"),
        ("(assert (== X[0] (+ U[0] 1.0))) (assert (>= V[0,0] (+ Y[0,0] 1.0)))", "unsat"),
        ("(assert (== X[0] (+ U[0] 1.0))) (assert (>= V[0,0] Y[0,0]))", "sat"),
        ("(assert (<= X[0] -1.5)) (assert (== U[0] 0.5)) (assert (<= Y[0,0] U[0]))", "unsat"),
    ],
)
def test_answers_about_two_networks(text: str, result: str) -> None:
    found = query(TWO + text)
    given = answer(found, {"f": RELU, "g": DEEP}, timeout=60)
    assert given.result == result and (given.values is None or found.holds(given.values))
    with pytest.raises(InvalidInput, match="network g: expected a file for it"):
        answer(found, {"f": RELU})


def test_nearly_equal_networks_are_compared_by_their_difference() -> None:
    weights = np.random.default_rng(0).integers(-8, 9, (2, 3, 3)) / 8
    left = ReluNetwork.of([(weights[0], [0] * 3), (weights[1], [1] * 3)], ([[1] * 3], [0]))
    right = ReluNetwork.of([(weights[0], [0] * 3), (weights[1], [1] * 3)], ([[1.0625] + [1] * 2], [0]))
    text = "(vnnlib-version <2.0>) (declare-network f (declare-input X real [3]) (declare-output Y real [1]))"
    text += "(declare-network g (isomorphic-to f) (declare-input U real [3]) (declare-output V real [1]))"
    text += "".join(f"(assert (and (== X[{i}] U[{i}]) (<= X[{i}] 1.0) (>= X[{i}] -1.0)))" for i in range(3))
    for gap, result, claim in (("2.0", "unsat", "within"), ("0.0625", "sat", "")):
        found = query(text + f"(assert (or (>= (- Y[0] V[0]) {gap}) (>= V[0] (+ {gap} Y[0]))))")
        given = answer(found, {"f": left, "g": right})
        assert given.result == result
        assert [outcome.claim.name for outcome in given.outcomes if outcome.proved] == [claim] * bool(claim)
    loose = answer(query(text + "(assert (>= (- Y[0] V[0]) 0.001)) (assert (<= Y[0] -1.0))"), {"f": left, "g": right})
    assert loose.result == "unsat" and [outcome.claim.name for outcome in loose.outcomes] == ["avoids"]


def test_networks_that_do_not_fit() -> None:
    found = query(HEAD + BOX + "(assert (<= Y_0 X_0))")
    with pytest.raises(InvalidInput, match="expected a name out of N, found M"):
        answer(found, {"N": RELU, "M": RELU})
    with pytest.raises(InvalidInput, match="expected 1 inputs and 2 outputs, found 2 inputs and 1 outputs"):
        answer(found, {"N": ReluNetwork.of([([[1, 1]], [0])], ([[1]], [0]))})
    with pytest.raises(Unsupported, match="expected maxout or ReLU networks, to put them side by side"):
        answer(found, {"N": compile_network(RELU, construction="global").transformer})
    circle = TWO.replace("isomorphic", "equal").replace("f (declare", "f (equal-to g) (declare")
    with pytest.raises(InvalidInput, match=r"circle|network"):
        answer(query(circle + "(assert (<= X[0] 1.0))"), {})


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_side_by_side_has_all_values(seed: int) -> None:
    r = Random(seed)

    def some(*shape: int) -> Any:
        return [some(*shape[1:]) for _ in range(shape[0])] if shape else Fraction(r.randint(-3, 3), r.choice((1, 2, 3)))

    networks, columns = [], []
    for _ in range(r.randint(1, 3)):
        inputs, widths = r.randint(1, 2), [r.randint(1, 3) for _ in range(r.randint(0, 2))]
        sizes, rank = [inputs, *widths], r.randint(1, 3)
        if r.random() < 0.5:
            layers = [(some(m, rank, n), some(m, rank)) for n, m in zip(sizes, widths, strict=False)]
            networks.append(MaxoutNetwork.of(layers, (some(2, sizes[-1]), some(2))))
        else:
            layers = [(some(m, n), some(m)) for n, m in zip(sizes, widths, strict=False)]
            networks.append(ReluNetwork.of(layers, (some(2, sizes[-1]), some(2))))
        columns.append([r.randrange(3) for _ in range(inputs)])
    for through in (False, True):
        whole = side_by_side(networks, columns, 3, through=through)
        x = [Fraction(r.randint(-5, 5), 4) for _ in range(3)]
        expected = [y for net, own in zip(networks, columns, strict=True) for y in net.evaluate([x[i] for i in own])]
        assert whole.evaluate(x) == (*(x if through else ()), *expected)


# --- the command line of the standard -------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    return code, *capsys.readouterr()


def test_the_command_line_of_the_standard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(RELU, tmp_path / "net.json")
    network = f"N={tmp_path / 'net.json'}"
    for number, (text, result) in enumerate(ONE[:4]):
        file = tmp_path / f"{number}.vnnlib"
        file.write_text(HEAD + BOX + text)
        code, out, _ = run(capsys, "verify", str(file), "--network", network, "--timeout", "60")
        assert (code, out.splitlines()[0]) == (0, result)
        assert len(out.splitlines()) == (6 if result == "sat" else 1)
    words = ["verify", str(tmp_path / "0.vnnlib"), "--network", network.replace("N=", "any=")]
    code, out, err = run(capsys, *words)
    assert (code, out) == (0, "sat\nX real [1]\n-1\nY real [2]\n1\n-1\n") and "refuted: at x = (-1)" in err
    typed = TWO.replace("real", "float32") + "(assert (== X[0] U[0])) (assert (>= V[0,0] 1.0))"
    (tmp_path / "two.vnnlib").write_text(typed)
    words = ["verify", str(tmp_path / "two.vnnlib"), "--network", network.replace("N=", "f=")]
    code, out, err = run(capsys, *words)
    assert (code, out) == (3, "") and "expected elements of the type real" in err and "found float32" in err
    code, out, err = run(capsys, "--as-real", *words, "--network", network.replace("N=", "g="))
    assert code == 0 and out.startswith("sat\nX float32 [1]\n") and "V float32 [1,2]\n" in out


def test_tensors_in_another_order_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = model([node("Relu", "x", "y"), node("Relu", "z", "u")], (2,))
    made.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, (1, 3)))
    made.graph.output.append(helper.make_tensor_value_info("u", TensorProto.FLOAT, None))
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    words = ["verify", str(tmp_path / "q.vnnlib"), "--network", f"N={tmp_path / 'net.onnx'}"]
    inputs, outputs = [("X", "[2]"), ("Z", "[1,3]")], [("Y", "[2]"), ("U", "[1,3]")]
    for sides, answers in (((1, 1), "sat\n"), ((-1, 1), "inputs"), ((1, -1), "outputs")):
        text = "(vnnlib-version <2.0>) (declare-network N"
        for kind, tensors, step in zip(("input", "output"), (inputs, outputs), sides, strict=True):
            text += "".join(f" (declare-{kind} {name} real {shape})" for name, shape in tensors[::step])
        text += ") (assert (and (<= Z[0,2] 2.0) (>= U[0,2] 2.0)))"
        (tmp_path / "q.vnnlib").write_text(text)
        code, out, err = run(capsys, *words)
        if answers == "sat\n":
            assert code == 0 and out.startswith(answers) and out.endswith("U real [1,3]\n0\n0\n2\n")
        else:
            assert (code, out) == (3, "") and f"expected {answers} of the sizes [2, 3], in order, found [3, 2]" in err


def test_hidden_nodes_are_values_of_the_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = model([node("Neg", "x", "a"), node("Relu", "a", "h"), node("Add", "h x", "y")], (1,))
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    save(RELU, tmp_path / "net.json")
    asked = '(vnnlib-version <2.0>) (declare-network N (declare-input X real [1]) (declare-hidden H real [1] "{}")'
    asked += " (declare-output Y real [1])) (assert (and (<= X[0] 2.0) (>= X[0] -2.0) (>= H[0] {})))"
    answers = {
        ("h", "2.0", "onnx"): (0, "sat\nX real [1]\n-2\nY real [1]\n0\nH real [1]\n2\n", ""),
        ("a", "2.5", "onnx"): (0, "unsat\n", ""),
        ("none", "1.0", "onnx"): (3, "", "output 'none': expected values that are made before they are used"),
        ("h", "1.0", "json"): (3, "", "expected an ONNX file, as hidden nodes are values of its graph, found .json"),
    }
    for (name, bound, end), (wanted, said, why) in answers.items():
        (tmp_path / "q.vnnlib").write_text(asked.format(name, bound))
        code, out, err = run(capsys, "verify", str(tmp_path / "q.vnnlib"), f"--network=N={tmp_path / f'net.{end}'}")
        assert (code, out) == (wanted, said) and why in err
    with pytest.raises(Unsupported, match="expected a query about inputs and outputs of a network"):
        query(asked.format("h", "1.0")).single  # noqa: B018
    both = (
        "(vnnlib-version <2.0>) (declare-network N (declare-input X real [1]) (declare-output Y real [1]))"
        '(declare-network M (equal-to N) (declare-input U real [1]) (declare-hidden G real [1] "h")'
        " (declare-output V real [1])) (assert (<= X[0] 2.0))"
    )
    with pytest.raises(InvalidInput, match="hidden nodes in the network that it is equal to alone"):
        query(both)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["verify"],
        ["verify", "no-such.vnnlib"],
        ["verify", "x.txt"],
        ["verify", "{query}", "--network", "N"],
        ["verify", "{query}", "--network", "N={query}"],
        ["verify", "{query}"],
        ["verify", "{query}", "--network", "N={net}", "--network", "N={net}"],
        ["verify", "{query}", "--network", "N={net}", "--timeout", "-1"],
        ["supports"],
        ["supports", "--everything"],
    ],
)
def test_bad_words(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(RELU, tmp_path / "net.json")
    (tmp_path / "q.vnnlib").write_text(HEAD + BOX + ONE[0][0])
    filled = [word.format(query=tmp_path / "q.vnnlib", net=tmp_path / "net.json") for word in words]
    code, out, err = run(capsys, *filled)
    assert (code, out) == (3, "") and err.startswith("exactformer-vnnlib: ") and "Traceback" not in err


def test_capabilities(capsys: pytest.CaptureFixture[str]) -> None:
    for name in CAPABILITIES:
        code, out, _ = run(capsys, "supports", f"--{name}")
        assert code == 0 and out.endswith("\n") and out.strip()
    assert run(capsys, "--name")[:2] == (0, "exactformer\n") and run(capsys, "--version")[0] == 0


@given(st.fractions())
def test_decimals_are_exact(value: Fraction) -> None:
    assert Fraction(decimal(value)) == value and Fraction(decimal(value / 1024)) == value / 1024


def test_rows() -> None:
    row = Row((((0, "input", 0), Fraction(2)),), Fraction(1), strict=True)
    assert [row.holds({(0, "input", 0): Fraction(k, 4)}) for k in (1, 2, 3)] == [True, False, False]
