"""Two checkers of certificates, the second written from docs/certificate-1.md alone, say the same of every case."""

from __future__ import annotations

import ast
import random
import re
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "second_checker"
sys.path[:0] = [str(HERE), str(HERE.parent / "fuzz")]

import agreement  # noqa: E402
import checker  # noqa: E402
import generate  # noqa: E402
from generate import Case, digest, text_of  # noqa: E402
from target import NAMES, SEPARATOR, with_digests  # noqa: E402

import exactformer as ef  # noqa: E402
from exactformer.formats import network_json  # noqa: E402
from exactformer.kernel.certificates import check_file  # noqa: E402
from exactformer.kernel.reading import Rejected as KernelRejected  # noqa: E402
from exactformer.prover.certificate import dump  # noqa: E402

PROOFS = sorted(agreement.PROOFS.glob("*/certificate.json"))
CORPUS = sorted((HERE.parent / "fuzz" / "corpus").iterdir())
GOOD = {
    "heads": 15,
    "random trees": 100,
    "needless splits": 50,
    "long lists": 12,
    "near": 80,
    "softmax": 60,
    "leaks": 80,
}
GOOD |= {"prover": 60}
GOOD |= {"narrow": 60, "functions": 60, "pieces": 30, "chains": 40}
LEAST_ACCEPTED = {
    "prover": 1.0,
    "functions": 0.3,
    "narrow": 0.4,
}  # the least share that is accepted, 0.5 for the others


def judged(case: Case) -> str | None:
    """What both checkers say of a case; the second one may accept more where its enclosures of functions are finer."""
    a, b = agreement.first(case), agreement.second(case)
    assert a == b or (a is None and agreement.coarse(case))
    return a


# --- proofs and random cases ----------------------------------------------------------------------


def test_second_checker_needs_the_standard_library_and_balls_only() -> None:
    for name in ("checker", "enclosures", "functions"):
        tree = ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"enclosures", "functions", "flint"}


@pytest.mark.parametrize("path", PROOFS, ids=lambda path: path.parent.name)
def test_program_prints_what_the_kernel_says(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checker.main([str(path)]) == 0
    assert capsys.readouterr().out == f"{agreement.first(agreement.of_folder(path))}\n"


def test_program_says_which_certificate_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "certificate.json"
    path.write_text("{}")
    assert checker.main([str(PROOFS[0]), str(path)]) == 1
    assert capsys.readouterr().out.splitlines()[1].startswith(f"REJECTED {path}: ")


@pytest.mark.parametrize("linked", ["certificate.json", "left.json"])
def test_programs_follow_no_link(linked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in PROOFS[0].parent.glob("*.json"):
        target = tmp_path / "elsewhere" if path.name == linked else tmp_path / path.name
        target.write_bytes(path.read_bytes())
    certificate = tmp_path / "certificate.json"
    (tmp_path / linked).symlink_to(tmp_path / "elsewhere")
    assert checker.main([str(certificate)]) == 1
    assert capsys.readouterr().out.startswith(f"REJECTED {certificate}: ")
    with pytest.raises(KernelRejected):
        check_file(certificate)
    (tmp_path / linked).unlink()
    (tmp_path / "elsewhere").rename(tmp_path / linked)
    assert checker.main([str(certificate)]) == 0
    assert capsys.readouterr().out == f"{check_file(certificate).statement}\n"


@pytest.mark.parametrize("kind", GOOD)
def test_checkers_agree_on_good_certificates(kind: str) -> None:
    found = [agreement.good(kind, f"good {number}") for number in range(GOOD[kind])]
    theorems = [judged(case) for case in found if case is not None]
    accepted = [theorem for theorem in theorems if theorem is not None]
    assert len(accepted) >= LEAST_ACCEPTED.get(kind, 0.5) * len(theorems)
    assert len(theorems) >= 0.8 * GOOD[kind]


def test_checkers_know_the_same_on_every_cell() -> None:
    found: Counter[str] = Counter()
    for number in range(320):
        maker = (generate.soft, generate.near, generate.narrowed, generate.with_function)[number % 4]
        case = maker(random.Random(f"cells {number}"))
        if b'"tree"' in case.certificate and judged(case) is not None:
            assert agreement.differences(case) == []
            found.update(
                name for name, text in agreement.FEATURES.items() if re.search(text, case.certificate.decode())
            )
    assert (
        min(found[name] for name in ("anew", "pairs", "cut", "softmax", "affine bounds", "empty proofs", "narrow")) > 0
    )


def test_questions_are_about_all_claims_networks_and_tie_rules() -> None:
    questions = [generate.random_question(random.Random(number)) for number in range(150)]
    assert {question.head["claim"] for question in questions} == set(checker.PARAMETERS)
    assert {question.head["tie"] for question in questions} == set(checker.RULES)
    assert {net["kind"] for question in questions for net in question.networks} == {"maxout", "relu", "transformer"}


def test_checkers_agree_on_damaged_certificates() -> None:
    table, disagreements = agreement.compared(2500, seed=7)
    assert disagreements == []
    for kind in agreement.KINDS:
        assert table[kind, "accept"] > 0
        assert table[kind, "reject"] > 0 or kind in GOOD


# --- the corpus of the fuzzer ---------------------------------------------------------------------


def torn(data: bytes, r: random.Random) -> bytes:
    """A few bytes changed, dropped, doubled or exchanged."""
    result = bytearray(data)
    for _ in range(r.randint(1, 3)):
        if len(result) < 2:
            return bytes(result)
        at, other = r.randrange(len(result)), r.randrange(len(result))
        kind = r.randrange(4)
        if kind == 0:
            result[at] = r.choice(b'0123456789abcdef-,[]{}":. xLRM')
        elif kind == 1:
            del result[at : at + r.randint(1, 4)]
        elif kind == 2:
            result[at:at] = result[at : at + r.randint(1, 8)]
        else:
            result[at], result[other] = result[other], result[at]
    return bytes(result)


def test_checkers_agree_on_what_the_fuzzer_kept_and_on_damage_to_it() -> None:
    """Thousands of inputs: those the fuzzer kept, and random damage to their certificates and networks."""
    r = random.Random(0)
    count: Counter[str] = Counter()
    for path in CORPUS:
        for number in range(16):
            data = path.read_bytes() if number == 0 else torn(path.read_bytes(), r)
            certificate, *networks = data.split(SEPARATOR)
            files = dict(zip(NAMES, networks, strict=False))
            certificate = with_digests(certificate, files)
            theorem = judged(Case(certificate, files))
            count["rejected" if theorem is None else "accepted"] += 1
    assert count["accepted"] > 200 and count["rejected"] > 1000, count


# --- cases by hand --------------------------------------------------------------------------------


def case_of(networks: list[Any], **keys: Any) -> Case:
    """A certificate about networks given as JSON data, by default that they are equal on [-1, 1] without a split."""
    files = dict(zip(("left.json", "right.json"), map(text_of, networks), strict=False))
    value = {"format": "exactformer/certificate-1", "tie": "average", "domain": {"lower": [-1], "upper": [1]}}
    value |= {"claim": "convex" if len(networks) == 1 else "equal", "inhabitant": [0], "tree": [["holds"]]}
    value |= {name.split(".")[0]: {"file": name, "sha256": digest(data)} for name, data in files.items()}
    return Case(text_of(value | keys), files)


def test_sums_that_are_0_everywhere_are_seen_to_be_from_where_a_domain_is_cut() -> None:
    """Both sides of the claim are x there, which neither checker knows as a form; and no binary number is 1/6."""
    steps = [["input", 0], ["power", 0, 2], ["power", 1, "1/2"], ["number", 3], ["maximum", 2, 3], ["minimum", 0, 4]]
    net = {"format": "exactformer/network-1", "kind": "function", "inputs": 1, "steps": steps, "variables": ["t"]}
    cut = ["cut", [[1, 1], [0, "-1/6"]]]
    tree = [cut, ["narrow"], ["holds", []], ["narrow"], ["holds", []]]
    case = case_of([net], claim="concave", domain={"lower": [0], "upper": [1]}, tree=tree)
    assert judged(case) == (
        "for all x, y in the domain, left((x + y)/2) >= (left(x) + left(y))/2, "
        "where left(t) = min(t, max((t^2)^(1/2), 3)) (real arithmetic)"
    )


def layered(kind: str, *layers: tuple[Any, Any], weights: Any = None, biases: Any = None) -> dict[str, Any]:
    """A maxout or ReLU network as JSON data, by default with the output of its first unit."""
    output = {"weights": [[1]] if weights is None else weights, "biases": [0] if biases is None else biases}
    parts = [{"weights": rows, "biases": offsets} for rows, offsets in layers]
    return {"format": "exactformer/network-1", "kind": kind, "layers": parts, "output": output}


def step(value: list[int], offsets: list[Any]) -> dict[str, Any]:
    """A Transformer with the tokens (1, x, x) and (1, -x, 0) plus offsets, and one head with the scores x and -x."""
    head = {"query": [[1, 0, 0]], "key": [[0, 1, 0]], "value": [value], "output": [[0], [0], [1]]}
    return {
        "format": "exactformer/network-1",
        "kind": "transformer",
        "embedding": {"weights": [[[0], [1], [1]], [[0], [-1], [0]]], "offsets": offsets},
        "blocks": [{"heads": [head], "feedforward": None}],
        "residual": True,
        "readout": {"token": 0, "weights": [[0, 0, 1]], "biases": [0]},
    }


def kinked() -> dict[str, Any]:
    """The Transformer JUMP with one neuron before its head, read out as 0."""
    neuron = {"w1": [[0, 0, 1]], "b1": ["-3/2"], "w2": [[0]] * 3, "b2": [0] * 3}
    blocks = [{"heads": None, "feedforward": neuron}, *JUMP["blocks"]]
    return JUMP | {"blocks": blocks, "readout": {"token": 0, "weights": [[0, 0, 0]], "biases": [0]}}


def cancelling(second: int) -> dict[str, Any]:
    """A Transformer: relu(-x) as relu(f - x + 1), where f = relu(-x) + relu(x - 1) - relu(1 - x) = relu(-x) + x - 1.

    The state is (x, 1, f, 0); between f and the last neuron two heads add 1 and `second` to f.
    """
    first = {"w1": [[1, 0, 0, 0], [-1, 0, 0, 0], [-1, 1, 0, 0], [1, -1, 0, 0]], "b1": [0] * 4}
    first |= {"w2": [[0] * 4, [0] * 4, [0, 1, -1, 1], [0] * 4], "b2": [0] * 4}
    last = {"w1": [[-1, -second, 1, 0]], "b1": [0], "w2": [[0], [0], [0], [1]], "b2": [0] * 4}
    head = {"query": [[0, 1, 0, 0]], "key": [[0, 1, 0, 0]], "value": [[0, 1, 0, 0]]}
    heads = [head | {"output": [[0], [0], [c], [0]]} for c in (1, second)]
    return {
        "format": "exactformer/network-1",
        "kind": "transformer",
        "embedding": {"weights": [[[1], [0], [0], [0]]], "offsets": [[0, 1, 0, 0]]},
        "blocks": [{"heads": None, "feedforward": first}, {"heads": heads, "feedforward": last}],
        "residual": True,
        "readout": {"token": 0, "weights": [[0, 0, 0, 1]], "biases": [0]},
    }


def beside(*last: list[Any]) -> Case:
    """B >= 0 and D - C - x2 >= 0, where A = relu(x1), B = relu(A - x1 + x2), C = relu(A - x2), D = relu(C + x2).

    Where A = x1, B is relu(x2), where A = 0, C is relu(-x2). If the cell where A = 0 knew the atoms of the other one,
    C + x2 would be relu(x2) there, so >= 0 and equal to D; nothing would be left to prove of the second conclusion.
    """
    first = ([[[1, 0], [0, 0]], [[1, 0]] * 2, [[0, 1]] * 2], [[0, 0]] * 3)
    second = ([[[1, -1, 1], [0, 0, 0]], [[1, 0, -1], [0, 0, 0]], [[0, 0, 1]] * 2], [[0, 0]] * 3)
    third = ([[[0, 1, 1], [0, 0, 0]], [[1, 0, 0]] * 2, [[0, 1, 0]] * 2, [[0, 0, 1]] * 2], [[0, 0]] * 4)
    network = layered("maxout", first, second, third, weights=[[0, 1, 0, 0], [1, 0, -1, -1]], biases=[0, 0])
    parameters = {"lower": [0, 0], "upper": [None, None]}
    tree = [["gate", "L0.u0"], ["holds", *LOWER], ["holds", *last]]
    return case_of([network], claim="range", parameters=parameters, tree=tree, inhabitant=[0, 0], **square())


def square(**more: Any) -> dict[str, Any]:
    """The square [-1, 1]^2 as a domain, with further keys of it."""
    return {"domain": {"lower": [-1, -1], "upper": [1, 1], **more}}


def bowl(tangents: int, children: int, inputs: int = 2) -> Case:
    """The maximum of tangents to a bowl over x1, of 9 x2 and of 9 x2 - 1, and a gate with so many children."""
    rest = [0] * (inputs - 2)
    slopes = [Fraction(k, 32) - Fraction(1, 2) for k in range(tangents)]
    pieces = [[str(a), 0, *rest] for a in slopes] + [[0, 9, *rest], [0, 9, *rest]]
    network = layered("maxout", ([pieces], [[*(str(-a * a / 2) for a in slopes), 0, -1]]))
    box = {"domain": {"lower": [-1] * inputs, "upper": [1] * inputs}}
    return case_of([network, network], tree=[["gate", "L0.u0"], *[HOLDS] * children], inhabitant=[0] * inputs, **box)


def crowd(*steps: list[Any]) -> Case:
    """A head with the score x1 for 32 tokens, which are the leaders, then 3 x2 and 4 x2; values 1, then 2 and 5.

    The domain has x2 <= -1/2, and the first comparison shows that 3 x2 > 4 x2; only a rival that is no leader shows it.
    """
    tokens = [[1, 0]] * 32 + [[0, 3], [0, 4]]
    head = {"query": [[1, 0, 0]], "key": [[0, 1, 0]], "value": [[0, 0, 1]], "output": [[0], [0], [1]]}
    network = {
        "format": "exactformer/network-1",
        "kind": "transformer",
        "embedding": {
            "weights": [[[0, 0], token, [0, 0]] for token in tokens],
            "offsets": [[1, 0, 1]] * 32 + [[1, 0, 2], [1, 0, 5]],
        },
        "blocks": [{"heads": [head], "feedforward": None}],
        "residual": False,
        "readout": {"token": 0, "weights": [[0, 0, 1]], "biases": [0]},
    }
    domain = square(matrix=[[0, 1]], bounds=["-1/2"])
    empty_steps = [["empty", [[4, "1"], [6, "2"]]], ["empty", [[4, "1"], [5, "2"]]]]
    tree = [["compare", 32, 33], *steps, *empty_steps]
    return case_of([network, network], tree=tree, inhabitant=[0, -1], **domain)


def empty(height: int, width: int) -> dict[str, Any]:
    """A sparse matrix without entries."""
    return {"shape": [height, width], "entries": []}


def without_scores(matrix: Any) -> dict[str, Any]:
    """The Transformer PLAIN with d_k = 0."""
    head = PLAIN["blocks"][0]["heads"][0] | {"query": matrix, "key": matrix}
    return PLAIN | {"blocks": [{"heads": [head], "feedforward": None}]}


def splitting(networks: list[Any], *steps: list[Any]) -> Case:
    """A certificate that two networks are equal, with these steps."""
    return case_of(networks, tree=list(steps))


def on(matrix: Any, bounds: list[int]) -> Case:
    """A certificate about a domain with further rows."""
    return case_of([LINE], domain={"lower": [0], "upper": [1], "matrix": matrix, "bounds": bounds})


def named(name: str) -> Case:
    """A certificate whose network has a name of its own; a file of that name is there."""
    data = text_of(LINE)
    return Case(case_of([LINE], left={"file": name, "sha256": digest(data)}).certificate, {name: data})


def chord(form: list[Any], *pairs: list[Any], rest: Any = (["holds", ["1", [[2, "1"]]]],)) -> Case:
    """A certificate that relu(x) <= (x + 1)/2 on [-1, 1], by a bound with this form and these pairs."""
    right = layered("relu", weights=[["1/2"]], biases=["1/2"])
    return case_of([POSITIVE, right], claim="at-most", tree=[["bound", "L0.u0", form, *pairs], *rest])


def within(epsilon: str) -> Case:
    """A certificate that a network differs from itself by no more than a number."""
    pairs = [["holds", ["1", []], ["1", []]]]
    return case_of([LINE, LINE], claim="within", parameters={"epsilon": epsilon}, tree=pairs)


LINE = layered("relu")
FOLD = ([[[1], [0]], [[-1], [0]], [[1], [1]]], [[0, 0]] * 3)  # relu(x), relu(-x) = relu(x) - x, x
PLAIN = step([1, 0, 0], [[1, 0, 0], [1, 0, 0]])  # both values are 1
JUMP = step([0, 0, 1], [[1, 0, 1], [1, 0, 0]])  # the values x + 1 and 0
MIRROR_FIRST = layered("maxout", FOLD, ([[[0, 1, 0], [1, 0, -1]]], [[0, 0]]))  # relu(-x), and relu(x) - x
MIRROR_LAST = layered("maxout", FOLD, ([[[1, 0, -1], [0, 1, 0]]], [[0, 0]]))
TWICE = layered("maxout", FOLD, ([[[0, 1, 0]] * 2], [[0, 0]]), weights=[[0]])  # relu(-x), and relu(-x)
KINKED = kinked()
LOWER = [["1", [["L1.u0", 1, "1"]]], ["1", [["L2.u0", 0, "1"]]]]  # B >= 0, D >= C + x2
NEGATIVE = layered("relu", ([[-1]], [0]))
WIDE = {"domain": {"lower": [-2], "upper": [2]}}
DEEP = layered("maxout", *[([[[2], [-2]]], [[-1, -1]])] * 300)
POSITIVE = layered("relu", ([[1]], [0]))
CHORD = [["1", [[1, "1"]]], ["1", [[0, "1"]]]]  # that (x + 1)/2 is at least x and 0
SIGNS = ["compare", 0, 1]
HOLDS = ["holds"]

ACCEPTED = {
    "no inputs": case_of([layered("relu", weights=[[]])] * 2, domain={"lower": [], "upper": []}, inhabitant=[]),
    "no outputs": case_of([layered("relu", weights=empty(0, 1), biases=[])]),
    "a name that is no text": case_of([LINE | {"name": 1}]),
    "a sparse matrix without rows": case_of([without_scores(empty(0, 3))]),
    "an empty matrix in the domain": on([], []),
    "a theorem with 4300 digits": within("9" * 3000 + "e1300"),
    "a domain with 4300 digits": case_of([LINE], domain={"lower": [-1], "upper": ["9" * 3000 + "e1300"]}),
    "equal values": splitting([PLAIN, PLAIN], HOLDS),
    "the first of two equal forms is an atom": splitting([MIRROR_FIRST] * 2, ["gate", "L1.u0"], HOLDS, HOLDS),
    "an atom on both sides": splitting([KINKED, TWICE], SIGNS, ["gate", "R1.u0"], *[HOLDS] * 4),
    "an update that cancels out is none": case_of([cancelling(-1), NEGATIVE], **WIDE),
    "the last leader dominates another form": bowl(31, 32),
    "a form that is the largest at a corner of the box dominates others": bowl(32, 33),
    "a form that is no leader dominates none": bowl(32, 34, inputs=3),
    "atoms of a cell beside it are unknown": beside(*LOWER),
    "rivals that are no leaders where signs are known": crowd(["compare", 0, 32], *[["holds"]] * 3),
    "a chord": chord([[0, "1/2"], [1, "1/2"]], *CHORD),
    "a chord in many terms": chord([[1, 1], ["L0.u0", 0], [0, "0.5"], [1, "-1/2"]], *CHORD),
    "an atom bounds itself, then 1 bounds it, then it is split": chord(
        [["L0.u0", 1]],
        *(["1", [["L0.u0", i, "1"]]] for i in (0, 1)),
        rest=[
            ["bound", "L0.u0", [[0, 1]], CHORD[0], ["1", []]],
            ["gate", "L0.u0"],
            ["holds", CHORD[0]],
            ["holds", CHORD[1]],
        ],
    ),
    "many layers": splitting([DEEP, DEEP], ["gate", "L0.u0"], *[["gate", "L299.u0"], HOLDS, HOLDS] * 2),
    "the longest name": named("n" * 95 + ".json"),
    "three signs in two cells": splitting([KINKED, TWICE], ["gate", "L0.f0.t0"], *[SIGNS, HOLDS, HOLDS, HOLDS] * 2),
}
REJECTED = {
    "an update before a neuron": case_of([cancelling(1), NEGATIVE], **WIDE),
    "a form that the last leader dominates": bowl(31, 33),
    "a form that the largest at a corner dominates": bowl(32, 34),
    "a form that is dominated by no leader": bowl(32, 33, inputs=3),
    "atoms of a cell beside it as if known": beside(LOWER[0]),
    "a token that is dominated where signs are known": crowd(["compare", 0, 33], *[["holds"]] * 3),
    "a chord that is too low": chord([[0, "1/2"], [1, "1/3"]], *CHORD),
    "a chord with the proofs exchanged": chord([[0, "1/2"], [1, "1/2"]], *CHORD[::-1]),
    "a chord with a proof too few": chord([[0, "1/2"], [1, "1/2"]], CHORD[0]),
    "a chord with a proof too many": chord([[0, "1/2"], [1, "1/2"]], *CHORD, ["1", []]),
    "a chord in a variable that is none": chord([[0, "1/2"], [1, "1/2"], [2, 0]], *CHORD),
    "a chord in a place that is none": chord([[0, "1/2"], [1, "1/2"], ["R0.u0", 0]], *CHORD),
    "a chord in a variable that is true": chord([[0, "1/2"], [True, "1/2"]], *CHORD),
    "a chord as an object": chord({"0": "1/2", "1": "1/2"}, *CHORD),
    "a bound of nothing": chord([], rest=[HOLDS]),
    "a bound that splits": chord([[0, "1/2"], [1, "1/2"]], *CHORD, rest=[["holds", ["1", [[2, "1"]]]]] * 2),
    "a dense matrix without rows": case_of([without_scores([])]),
    "a domain with 4301 digits": case_of([LINE], domain={"lower": [-1], "upper": ["9" * 3000 + "e1301"]}),
    "a name too long": named("n" * 96 + ".json"),
    "a name with a blank": named("left .json"),
    "a name with a line feed": named("left.json\n"),
    "a hidden name": named(".left.json"),
    "a name like an option": named("-left.json"),
    "a name outside": named("../left.json"),
    "a name in another script": named("\u043beft.json"),
    "a layer without units": case_of([layered("relu", (empty(0, 1), []), weights=[[]])]),
    "a unit without pieces": case_of([layered("maxout", ([[]], [[]]))]),
    "sparse pieces": case_of([layered("maxout", ([empty(1, 1)], [[0]]))]),
    "no tokens": case_of([PLAIN | {"embedding": {"weights": [], "offsets": []}}]),
    "a token that is false": case_of([PLAIN | {"readout": PLAIN["readout"] | {"token": False}}]),
    "a sparse matrix in the domain": on(empty(1, 1), [0]),
    "a theorem with 4301 digits": within("9" * 3000 + "e1301"),
    "no place where values are equal": splitting([PLAIN, PLAIN], ["gate", "L0.h0.q0"], HOLDS, HOLDS),
    "the first of two equal forms is no atom": splitting([MIRROR_LAST] * 2, ["gate", "L1.u0"], HOLDS, HOLDS),
    "an atom expanded once a class is decided": splitting(
        [KINKED, TWICE], ["gate", "L0.f0.t0"], SIGNS, ["gate", "R1.u0"], *[HOLDS] * 4, SIGNS, *[HOLDS] * 3
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_both_accept(name: str) -> None:
    assert judged(ACCEPTED[name]) is not None


@pytest.mark.parametrize("name", REJECTED)
def test_both_reject(name: str) -> None:
    assert judged(REJECTED[name]) is None


def test_aliases_are_tidied_in_increasing_order() -> None:
    """2x - relu(2x), not -2 relu(-x), is what 2 relu(x) - 2 relu(-x) - relu(2x) becomes in whatever order it is given.

    The checkers once disagreed here: the kernel took the terms in the order in which the sparse matrix lists them, and
    -2 relu(-x) - 1 is negative by its bounds, so that the neuron after it was 0 and the proof accepted.
    """
    for columns in ([0, 2, 1], [0, 1, 2], [2, 1, 0]):
        outer = {"shape": [3, 3], "entries": [[1, c, [2, -2, -1][c]] for c in columns]}
        rows = [[1, 0, 0], [-1, 0, 0], [2, 0, 0]]
        parts = [{"w1": rows, "b1": [0, 0, 0], "w2": outer, "b2": [0, 0, 0]}]
        parts += [{"w1": [[0, 1, 0]], "b1": [-1], "w2": [[0], [0], [1]], "b2": [0, 0, 0]}]
        network = {
            "format": "exactformer/network-1",
            "kind": "transformer",
            "embedding": {"weights": [[[1], [0], [0]]], "offsets": [[0, 0, 0]]},
            "blocks": [{"heads": None, "feedforward": part} for part in parts],
            "residual": False,
            "readout": {"token": 0, "weights": [[0, 0, 1]], "biases": [0]},
        }
        zero = layered("relu", weights=[[0]])
        assert judged(case_of([network, zero])) is None
        assert judged(case_of([network, network])) is not None


@pytest.mark.parametrize("order", ["ABC", "BAC"])
def test_atoms_of_a_form_are_resolved_in_increasing_order(order: str) -> None:
    """A = relu(relu(x) - 1/2), B = relu(1 - relu(x + 1/2)), C = relu(B + relu(x) - 1/4): A - 2 B + C >= -2.

    Where x >= 0, A becomes relu(x - 1/2), and B relu(1/2 - x), its alias, if A is made first: then C is B + x - 1/4 by
    its bounds. If B is made first, C stays an atom of which nothing is known. The output lists the three in some order.
    """
    rows = {"A": ([1, 0, 0], 0, 1), "B": ([0, 1, 0], 0, -2), "C": ([0, 1, 1], "-1/4", 1)}
    weights, biases, output = (list(column) for column in zip(*(rows[unit] for unit in order), strict=True))
    first = ([[1], [1]], [0, "1/2"]), ([[1, 0], [0, -1], [1, 0]], ["-1/2", 1, 0])
    steps = [
        *(["gate", "L0.u0"], ["gate", "L0.u1"], ["holds", ["1", [[2, "8"]]]], ["empty", [[2, "2"], [3, "1"]]]),
        ["holds", ["1", [["L2.u2", 1, "1"], ["L1.u1", "high", "2"]]]],
    ]
    bounds = {"parameters": {"lower": [-2], "upper": [None]}, "domain": {"lower": [-2], "upper": [2]}}
    network = layered("relu", *first, (weights, biases), weights=[output])
    assert judged(case_of([network], claim="range", tree=steps, **bounds)) is not None


@pytest.mark.parametrize("construction", ["gated", "global", "tournament", "no-residual"])
def test_compiled_networks_are_proved_where_an_input_is_zero(construction: str) -> None:
    source = ef.ReluNetwork.of(
        [([[2, -1, 1], [1, 3, 0], [-1, 1, 2]], [1, 0, 0]), ([[1, -1, 2], [-2, 1, 1]], [0, "1/2"])], ([[1, -1]], [0])
    )
    domain = ef.Box([0, -1, 0], [0, 1, 0])
    made = ef.compile(source, construction=construction, domain=domain).transformer
    found = ef.verify(source, made, domain=domain, method="structural", cross_check=())
    assert found.certificate is not None
    files = {name: network_json.dump(net).encode() for name, net in (("left.json", source), ("right.json", made))}
    assert judged(Case(dump(found.certificate).encode(), files)) is not None
