"""The Python face: what is typed, what is refused and how, what is printed, what can be imported."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import exactformer as ef
from exactformer.building import Design, Expression, Space, erase, one_hot, relu, token, token_head, total
from exactformer.claims import Increasing, Independent, Invariant, Range, TiesAgree, Within
from exactformer.cli import main
from exactformer.errors import did_you_mean
from exactformer.numeric import compile_numeric
from exactformer.prover.driver import prove, verify
from exactformer.prover.family import PairOptions

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "tests" / "typed" / "user_script.py"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NET = ef.ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]), domain=ef.Box([-1], [1]), name="<b>\x1b[31m|x|")
BENT = ef.MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), domain=ef.Box([-1], [1]))
TWO = ef.ReluNetwork.of([([[1, 0], [0, 1]], [0, 0])], ([[1, 1]], [0]), domain=ef.Box([0, 0], [1, 1]))
COMPILED = ef.compile(NET)
ANY: Any = ef  # wrong calls on purpose, which the types would refuse
x, out = Space("x", "out").parts
X: Any = x


# --- types and names ----------------------------------------------------------------------------------


def typed(file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What mypy, strictly, says of a user's file."""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_script_with_every_documented_name_is_typed(tmp_path: Path) -> None:
    run = typed(SCRIPT, tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_same_script_runs() -> None:
    run = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert run.returncode == 0 and run.stdout.splitlines()[-1] == "done", run.stderr


def test_wrong_options_are_type_errors(tmp_path: Path) -> None:
    wrong = [
        "prove(n, metod='lazy')",
        "prove(n, method='lasy')",
        "verify_family([n], jobs='2')",
        "regions(n, tie='avg')",
    ]
    wrong += ["compile(n, arity='2')", "verify(n, claim=3)", "draw(regions(n), 'a.png', colour='red')"]
    lines = ["import exactformer as ef", "", "n = ef.load('a.json')", *(f"ef.{call}" for call in wrong)]
    lines = [line.replace("(regions", "(ef.regions") for line in lines]
    (tmp_path / "wrong.py").write_text("\n".join(lines), encoding="utf-8")
    run = typed(tmp_path / "wrong.py", tmp_path)
    faulty = {int(line) for line in re.findall(r"^\S*wrong\.py:(\d+): error", run.stdout, re.MULTILINE)}
    assert faulty == set(range(4, 4 + len(wrong))), run.stdout


def test_every_name_in_the_documents_exists_and_is_in_the_script() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    names: set[str] = set()
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        names |= set(re.findall(r"\bef\.([A-Za-z_]+)", text))
        for module, imported in re.findall(r"^(?:>>> )?from (exactformer[\w.]*) import ([\w, ]+)$", text, re.MULTILINE):
            for name in imported.split(","):
                assert hasattr(importlib.import_module(module), name.strip()), (document, name)
                names.add(name.strip())
    assert len(names) >= 20
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", script)] == []


def test_every_public_name_is_listed_documented_and_in_the_script() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    for name in dir(ef):
        assert re.search(rf"\bef\.{name}\b|import.*\b{name}\b", script), name
        assert name in ("__version__", "Network") or inspect.getdoc(getattr(ef, name)), name


@pytest.mark.parametrize(
    "module", ["building", "claims", "errors", "functions", "piecewise", "subdivision", "theorems"]
)
def test_modules_are_attributes_at_once(module: str) -> None:
    code = f"import exactformer as ef; assert ef.{module}.__doc__ and '{module}' in dir(ef)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_misspelt_name_is_corrected_once() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import exactformer; exactformer.prov"], capture_output=True, text=True, check=False
    )
    last = run.stderr.splitlines()[-1]
    assert last == "AttributeError: module 'exactformer' has no attribute 'prov'; did you mean prove?"
    assert not hasattr(ef, "nothing_of_the_kind") and not hasattr(ef, "_private")


def test_options_are_the_same_everywhere() -> None:
    of_verify = set(inspect.signature(verify).parameters) - {"left", "right"}
    of_prove = set(inspect.signature(prove).parameters) - {"network"}
    assert of_verify - of_prove == {"claim", "correspondence"} and of_prove - of_verify == {"construction", "arity"}
    assert set(get_type_hints(PairOptions)) == of_verify - {"correspondence", "domain", "timeout", "progress"}
    for public in (ef.prove, ef.verify, ef.regions, ef.compile, ef.report, ef.draw, ef.check, ef.evaluate_batch):
        kinds = {p.kind for p in inspect.signature(public).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds


def test_suggestions() -> None:
    assert did_you_mean("avg", ["average", "leftmost"]) == "; did you mean average?"
    assert did_you_mean("av", ["average", "leftmost"]) == "; did you mean average?"
    assert did_you_mean("leftmots", ["average", "leftmost"]) == "; did you mean leftmost?"
    assert did_you_mean("zebra", ["average"]) == did_you_mean(3, ["average"]) == did_you_mean("", ["average"]) == ""


# --- wrong arguments ----------------------------------------------------------------------------------

WRONG: list[tuple[str, Callable[[], Any]]] = [
    (
        "left: expected a network .*, found the str 'a.json'; did you mean ef.load('a.json')?",
        lambda: ANY.verify("a.json", NET),
    ),
    (
        "right: expected a network .*found the str 'b.json'; did you mean ef.load('b.json')?",
        lambda: ANY.verify(NET, "b.json"),
    ),
    ("right: expected a network .*; did you mean its attribute transformer?", lambda: ANY.verify(NET, COMPILED)),
    ("network: expected a network .*, found the int 3", lambda: ANY.prove(3)),
    ("network: expected a network .*, found None", lambda: ANY.prove(None)),
    ("network: expected a network .*, found the int 3", lambda: ANY.regions(3)),
    ("network: expected a network .*; did you mean ef.load", lambda: ANY.compile(Path("a.json"))),
    ("network: expected a network .*, found the list", lambda: ANY.evaluate_batch([1], [[1]])),
    ("network: expected a network .*, found None", lambda: compile_numeric(None)),  # type: ignore[arg-type]
    ("save: expected a network .*, found the Outcome", lambda: ANY.save(OUTCOME, "a.json")),
    (
        "domain: expected a Domain or None, found the tuple (0, 1); did you mean ef.Box",
        lambda: ANY.prove(NET, domain=(0, 1)),
    ),
    ("domain: expected a Domain or None, found the str 'box'", lambda: ANY.verify(NET, NET, domain="box")),
    ("domain: expected a Domain or None, found the list", lambda: ANY.regions(NET, [0, 1])),
    ("domain: expected a Domain or None, found the int 3", lambda: ANY.compile(NET, domain=3)),
    ("domain: expected 1 inputs, found 2", lambda: ef.regions(NET, ef.Box([0, 0], [1, 1]))),
    (
        "timeout: expected a positive number of seconds or None, found the str '5'",
        lambda: ANY.verify(NET, NET, timeout="5"),
    ),
    ("timeout: expected a positive number of seconds or None, found the int -1", lambda: ef.prove(NET, timeout=-1)),
    ("timeout: expected a positive number .*, found the int 0", lambda: ef.regions(NET, timeout=0)),
    ("timeout: expected a positive number .*, found the float nan", lambda: ef.prove(NET, timeout=float("nan"))),
    ("timeout: expected a positive number .*, found the bool True", lambda: ef.prove(NET, timeout=True)),
    ("timeout: expected a positive number .*, found the int -1", lambda: ef.check("nothing", timeout=-1)),
    ("timeout: expected a positive number .*, found the str 'a'", lambda: ANY.verify_family([NET], timeout="a")),
    ("jobs: expected a positive integer, found the int 0", lambda: ef.prove(NET, jobs=0)),
    ("jobs: expected a positive integer, found the str '2'", lambda: ANY.verify(NET, NET, jobs="2")),
    ("jobs: expected a positive integer, found the float 2.0", lambda: ANY.regions(NET, jobs=2.0)),
    ("seed: expected an integer >= 0, found None", lambda: ANY.prove(NET, seed=None)),
    ("seed: expected an integer >= 0, found the int -1", lambda: ef.verify(NET, BENT, seed=-1)),
    ("sample: expected a positive integer or None, found the int 0", lambda: ef.prove(NET, sample=0)),
    ("part: expected a positive integer or None, found the int 0", lambda: ef.regions(NET, part=0)),
    ("limit: expected a positive integer or None, found the int 0", lambda: ef.verify_family([NET], limit=0)),
    (
        "tie: expected one of average, .*, found 'averge'; did you mean average?",
        lambda: ANY.verify(NET, NET, tie="averge"),
    ),
    ("tie: expected one of average, .*, found 'av'; did you mean average?", lambda: ANY.regions(NET, tie="av")),
    (
        "tie: expected one of .*, found 'right'; did you mean rightmost?",
        lambda: COMPILED.transformer.evaluate([0], tie=ANY and "right"),
    ),  # type: ignore[arg-type]
    ("tie: expected one of .*, found None", lambda: ANY.evaluate_batch(NET, [[1]], tie=None)),
    ("method: expected one of .*, found 'lasy'; did you mean lazy?", lambda: ANY.prove(NET, method="lasy")),
    ("method: expected one of .*, found None", lambda: ANY.verify(NET, NET, method=None)),
    ("construction: expected one of .*, found 'gate'; did you mean gated?", lambda: ef.prove(NET, construction="gate")),
    ("construction: expected one of .*, found the list", lambda: ANY.compile(NET, construction=[])),
    ("arity: expected an integer >= 2, found the int 1", lambda: ef.compile(NET, construction="tournament", arity=1)),
    ("arity: expected an integer >= 2, found the str '2'", lambda: ANY.compile(NET, arity="2")),
    ('cross_check: .*did you mean ("z3",)?', lambda: ANY.verify(NET, NET, cross_check="z3")),
    (
        "cross_check: .*, found 'cvc4'; did you mean cvc5?",
        lambda: ANY.prove(NET, cross_check=["cvc4"]),
    ),
    ("executor: expected a concurrent.futures.Executor or None, found the int 2", lambda: ANY.prove(NET, executor=2)),
    ("progress: expected a function or None, found the bool True", lambda: ANY.regions(NET, progress=True)),
    ("claim: expected one of .*, found 'convx'; did you mean convex?", lambda: ef.verify(NET, claim="convx")),
    (
        "claim: expected one of .*, found 'incresing:x1'; did you mean increasing?",
        lambda: ef.verify(NET, claim="incresing:x1"),
    ),
    ("claim: expected a claim .*, found the int 3", lambda: ANY.verify(NET, claim=3)),
    (
        "correspondence: .*did you mean its attribute",
        lambda: ANY.verify(NET, COMPILED.transformer, correspondence=COMPILED),
    ),
    ("claim within: epsilon: expected a number", lambda: Within("a lot")),
    ("claim within: epsilon: expected a number >= 0, found -1", lambda: Within(-1)),
    (
        "claim invariant: expected all of x1, x2|claim invariant: .*found the int 3",
        lambda: ANY.verify(TWO, claim=Invariant(3)),
    ),  # type: ignore[arg-type]
    (
        "claim increasing: expected different inputs .*, found the str 'x1'",
        lambda: ef.verify(NET, claim=Increasing("x1")),
    ),  # type: ignore[arg-type]
    ("claim independent: expected different inputs .*, found 0.5", lambda: ef.verify(NET, claim=Independent([0.5]))),  # type: ignore[list-item]
    (
        "claim ties-agree: expected two of .*; did you mean leftmost?",
        lambda: ef.verify(NET, claim=TiesAgree(("left", "average"))),
    ),  # type: ignore[arg-type]
    (
        "temperature: expected a finite number > 0 or None, found the str '64'",
        lambda: ANY.evaluate_batch(COMPILED.transformer, [[1]], temperature="64"),
    ),
    ("points: expected an array (batch, 1)", lambda: ef.evaluate_batch(NET, [1])),
    ("points: expected an array (batch, 1)", lambda: ef.evaluate_batch(NET, [[1, 2]])),
    ("points: expected an array (batch, 1)", lambda: ef.evaluate_batch(NET, None)),
    ("points: expected an array (batch, 1)", lambda: ef.evaluate_batch(NET, [["1"]])),
    ("point: expected 1 coordinates, found 2", lambda: NET.evaluate([1, 2])),
    ("point: expected 1 coordinates, found the str '1'", lambda: NET.evaluate("1")),
    ("point: expected 1 coordinates, found None", lambda: COMPILED.transformer.evaluate(None)),
    (
        "answer: expected what prove, verify, verify_family and regions return, found the ReluNetwork",
        lambda: ANY.report(NET),
    ),
    ("outcome: expected what prove and verify return, found None", lambda: ANY.write_folder(None, "folder")),
    ("folder: expected a path, as a str or a Path, found the int 3", lambda: ANY.write_folder(OUTCOME, 3)),
    ("load: expected a path, as a str or a Path, found None", lambda: ANY.load(None)),
    ("load: expected a path, as a str or a Path, found the bytes", lambda: ANY.load(b"a.json")),
    ("load: expected a path", lambda: ef.load("a\0.json")),
    ("save: expected a path, as a str or a Path, found the int 1", lambda: ANY.save(NET, 1)),
    ("proof: expected a path, as a str or a Path, found None", lambda: ANY.check(None)),
    ("draw: expected a path", lambda: ANY.draw(ef.regions(NET), None)),
    ("save_npz: expected a path", lambda: ANY.regions(NET).save_npz(None)),
    (
        "colour: expected one of map, layer, found 'maps'; did you mean map?",
        lambda: ANY.draw(ef.regions(NET), "a.svg", colour="maps"),
    ),
    ("family: expected networks or pairs", lambda: ANY.verify_family(NET)),
    (
        "affine map: expected a Matrix and a Vector (Affine.of makes them), found the list",
        lambda: ANY.Affine([[1]], [0]),
    ),
    (
        "head.query: expected a Matrix (Head.of takes plain lists), found the list",
        lambda: ANY.Head([[1]], [[1]], [[1]], [[1]]),
    ),
    ("feedforward.inner: expected an Affine map", lambda: ANY.FeedForward(1, 2)),
    ("heads[0]: expected a Head, found the int 1", lambda: ANY.Block([1], None)),
    ("feedforward: expected a FeedForward or None", lambda: ANY.Block(None, 1)),
    ("layers[0]: expected a MaxoutLayer", lambda: ANY.MaxoutNetwork([NET.output], BENT.output)),
    ("layers: expected a tuple, found None", lambda: ANY.ReluNetwork(None, NET.output)),
    (
        "output: expected 2 inputs, as many as the layer before has units, found 1",
        lambda: ef.ReluNetwork(NET.layers, BENT.output),
    ),
    ("layer.rank: expected a positive integer, found the int 0", lambda: ef.MaxoutLayer(NET.output, 0)),
    ("layer.pieces: expected a multiple of 2 rows", lambda: ef.MaxoutLayer(NET.output, 2)),
    ("domain: expected a Domain or None, found the list", lambda: ANY.ReluNetwork.of([], ([[1]], [0]), domain=[0, 1])),
    ("name: expected a text, found the int 3", lambda: ANY.MaxoutNetwork.of([], ([[1]], [0]), name=3)),
    ("embedding: expected a tuple, found None", lambda: ANY.Transformer(None, (), 0, NET.output)),
    ("readout: expected an Affine map, found None", lambda: ANY.Transformer((NET.output,), (), 0, None)),
    ("quotient of x and 0: expected a number that is not zero, found 0", lambda: x / 0),
    ("quotient of x and out: expected an exact number to divide by", lambda: X / out),
    ("quotient of 1 and x: expected an exact number to divide by", lambda: 1 / X),
    ("quotient of x and 0.5: expected an exact number", lambda: X / 0.5),
    ("product of x and np.float64(2.0): expected an exact number", lambda: np.float64(2) * X),
    ("product of x and array", lambda: np.array([1, 2]) * X),
    ("comparison with x: .*max_head", lambda: max(X, 0)),
    ("comparison with x: expected numbers", lambda: X <= 1),
    (
        "space: expected one of the names position, out, found 'positon'; did you mean position?",
        lambda: Space("position", "out")["positon"],
    ),
    ("erase: expected plain coordinates, found the int 3", lambda: erase(3)),  # type: ignore[arg-type]
    ("token_head: expected the one-hot position, found the int 1", lambda: token_head(0, position=1, value=x, to=x)),  # type: ignore[arg-type]
    ("total: expected an expression, or several, found the int 3", lambda: total(3)),  # type: ignore[arg-type]
    ("one_hot: expected a size >= 1, found the float 2.0", lambda: one_hot(1, 2.0)),  # type: ignore[arg-type]
    (
        "tokens: expected a list, found None",
        lambda: Design(inputs=x.space, space=x.space, tokens=None, blocks=[], readout=x).build(),
    ),  # type: ignore[arg-type]
]
WRONG += [
    ("dimension: expected an integer >= 0, found the int -1", lambda: ef.Domain.everything(-1)),
    ("dimension: expected an integer >= 0, found the str '2'", lambda: ANY.Domain.box("2", 0, 1)),
    ("point: expected 1 coordinates, found 2", lambda: ef.Box([0], [1]).contains([1, 2])),
    ("point: expected 1 coordinates, found the int 3", lambda: ef.Box([0], [1]).contains(3)),
    ("digest: expected a network", lambda: ANY.digest(3)),
    ("network: expected a network", lambda: ANY.subdivision.sliced("a.json", [0], [[1]])),
    ("regions: expected what regions returns, found the ReluNetwork", lambda: ANY.draw(NET, "a.svg")),
    ("regions: expected what regions returns, found the int 3", lambda: ANY.subdivision.write_certificate(3, "a")),
    ("depth: expected an integer, found the str '3'", lambda: ANY.subdivision.sawtooth(depth="3")),
]
OUTCOME = ef.prove(NET)


@pytest.mark.parametrize(
    ("message", "call"), WRONG, ids=[f"{i}-{message[:40]}" for i, (message, _) in enumerate(WRONG)]
)
def test_wrong_arguments_are_bad_input(message: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ef.InvalidInput) as caught:
        call()
    pattern = "|".join(".*".join(map(re.escape, part.split(".*"))) for part in message.split("|"))
    assert re.search(pattern, str(caught.value)), str(caught.value)
    assert all(reason.isprintable() and len(reason) < 400 for reason in caught.value.reasons)


def test_several_wrong_arguments_are_all_said() -> None:
    with pytest.raises(ef.InvalidInput) as caught:
        ANY.prove(3, timeout="5", jobs=0, method="lasy")
    assert [reason.split(":")[0] for reason in caught.value.reasons] == ["network", "timeout", "method", "jobs"]


@pytest.mark.parametrize(("option", "text"), [("--timeout", "0"), ("--jobs", "0"), ("--seed", "-1"), ("--sample", "0")])
def test_the_command_line_has_the_same_limits(option: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ef.InvalidInput) as caught:
        ANY.prove(NET, **{option.strip("-"): int(text)})
    wanted = re.search(r"expected ([\w >=]*?)( or None)?,", str(caught.value))
    assert main(["prove", "no.json", option, text]) == 3 and wanted is not None
    assert f"expected {wanted[1]}" in capsys.readouterr().err


def test_numbers_of_numpy_are_options() -> None:
    options = {"timeout": np.float64(60), "jobs": np.int64(1), "seed": np.int8(3), "sample": np.int16(5)}
    assert ANY.prove(NET, **options).proved


# --- answers ------------------------------------------------------------------------------------------


def test_no_answer_is_true_or_false(tmp_path: Path) -> None:
    ef.write_folder(OUTCOME, str(tmp_path))
    for answer in (OUTCOME, ef.check(tmp_path), ef.verify_family([NET], claim="convex", limit=1)):
        with pytest.raises(TypeError, match="neither true nor false; ask"):
            bool(answer)
    unknown = ef.verify(TWO, claim="decreasing", method="structural")
    assert (OUTCOME.proved, OUTCOME.refuted, unknown.proved) == (True, False, False)


def test_answers_print_in_a_few_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = str(OUTCOME)
    assert text.startswith("PROVED  for every x in the domain, left(x) = right(x)") and len(text.splitlines()) == 6
    ef.save(NET, tmp_path / "net.json")
    assert main(["prove", str(tmp_path / "net.json"), "--out", str(tmp_path / "proof")]) == 0
    printed = capsys.readouterr().out.splitlines()

    def same(lines: list[str]) -> list[str]:
        return [line for line in lines if not line.startswith("  method")]

    assert same(printed[: len(text.splitlines())]) == same(text.splitlines())
    refuted = ef.verify(NET, claim="increasing")
    assert str(refuted).startswith("REFUTED  it is not true that") and "\n  value     left(x) = " in str(refuted)
    family = ef.verify_family([NET], claim="increasing")
    assert str(family).splitlines()[0] == "REFUTED  0 instances proved, 0 left open"


def test_nothing_that_is_shown_is_long_or_dangerous() -> None:
    page = ef.report(OUTCOME)
    for shown in (NET, BENT, COMPILED.transformer, OUTCOME, NET.domain, page, ef.regions(NET), NET.output, x):
        assert len(repr(shown)) < 120 and repr(shown).isprintable() and repr(shown).startswith("<")
    assert repr(BENT) == "<MaxoutNetwork network: 1-1-1>" and str(BENT) == "maxout network: 1-1-1"
    for html in (NET._repr_html_(), COMPILED.transformer._repr_html_(), OUTCOME._repr_html_()):
        assert len(html) < 2000 and html.isprintable()
        assert "<b>\\x1b" not in html and "&lt;b&gt;\\x1b[31m|x|" in html
        assert not re.sub(r"</?(table|caption|tr|td|p|b)>", "", html).count("<")
    wide = ef.ReluNetwork.of([], ([[1] * 500], [0]), domain=ef.Box(list(range(500)), [1000] * 500))
    assert len(wide._repr_html_()) < 500 and len(repr(wide)) < 60


# --- frozen data --------------------------------------------------------------------------------------


def test_data_are_copied_pickled_and_hashed() -> None:
    refuted = ef.verify(NET, claim="increasing")
    for value in (NET, BENT, COMPILED, OUTCOME, refuted, NET.domain, Range([0], [None]), x, token(x=[x, 1])):
        for again in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value), copy.copy(value)):
            assert again == value and hash(again) == hash(value)
    assert len({NET, copy.deepcopy(NET), BENT}) == 2 and NET != BENT


def test_lists_become_tuples() -> None:
    relu_net = ef.ReluNetwork(list(NET.layers), NET.output, NET.domain, NET.name)  # type: ignore[arg-type]
    assert relu_net == NET and type(relu_net.layers) is tuple
    t = COMPILED.transformer
    blocks = [ef.Block(b.heads and list(b.heads), b.feedforward) for b in t.blocks]  # type: ignore[arg-type]
    again = ef.Transformer(list(t.embedding), blocks, t.token, t.readout, domain=t.domain, name=t.name)  # type: ignore[arg-type]
    assert again == t and hash(again) == hash(t)
    assert Invariant([1, 0]) == Invariant((1, 0)) == Invariant(np.array([1, 0])) == Invariant(range(1, -1, -1))
    assert Independent([0]).inputs == (0,) and Range([0], [1]) == Range((0,), (1,))
    assert ef.verify(TWO, claim=Invariant(np.array([1, 0]))).proved  # type: ignore[arg-type]
    assert json.dumps(ef.verify(TWO, claim=Independent(np.array([0]))).claim.parameters) == '{"inputs": [0]}'  # type: ignore[arg-type]
    tokens = [token(x=x)]
    design = Design(inputs=x.space, space=x.space, tokens=tokens, blocks=[], readout=x)
    tokens.clear()
    assert design.build().tokens == 1


def test_within_is_exact_when_it_is_made() -> None:
    assert Within("1/100").epsilon == Within(Fraction(1, 100)).epsilon == Fraction(1, 100)
    assert Within(0.1).epsilon == Fraction(0.1) != Fraction(1, 10)


# --- building -----------------------------------------------------------------------------------------


def test_operators_of_expressions() -> None:
    assert x / 3 == x * Fraction(1, 3) and str((x + 1) / "2/3") == "3/2 x + 3/2" and x / -1 == -x
    assert +x is x and 1 - x == -(x - 1) and sum([x, out]) == x + out == out + x and str(relu(x) / 2) == "1/2 relu(x)"
    for two in (np.int64(2), np.int8(2), Fraction(2), "2"):
        for made in (two * X, X * two):
            assert type(made) is Expression and made == 2 * x
    assert type(np.int64(1) + X) is Expression and np.int64(1) - X == 1 - x and X / np.int64(2) == x / 2


# --- arrays -------------------------------------------------------------------------------------------


class Tensor:
    """Like a tensor that keeps gradients: its numbers come out by `tolist` alone."""

    def __init__(self, data: Any) -> None:
        self.data = np.array(data, np.float32)

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise RuntimeError("a tensor that requires grad; use tensor.detach()")

    def tolist(self) -> Any:
        return self.data.tolist()


def test_tensors_are_points_and_weights() -> None:
    made = ef.ReluNetwork.of([(Tensor([[1], [-1]]), Tensor([0, 0]))], (Tensor([[1, 1]]), Tensor([0])))
    assert made.layers == NET.layers and made.evaluate(Tensor([0.5])) == (Fraction(1, 2),)
    for points in (Tensor([[0.5], [-2]]), [Tensor([0.5]), Tensor([-2])], np.array([[0.5], [-2]])):
        assert ef.evaluate_batch(made, points).tolist() == [[0.5], [2.0]]
    assert ef.Box(Tensor([-1]), Tensor([1])) == NET.domain and ef.Box([-1], [1]).contains(Tensor([0.5]))


def test_arrays_are_points_and_weights() -> None:
    as_arrays = ef.ReluNetwork.of(
        [(np.array([[1], [-1]], dtype=np.int8), np.zeros(2))], (np.array([[1.0, 1.0]], np.float32), np.array([0]))
    )
    assert as_arrays.layers == NET.layers and as_arrays.output == NET.output
    for point in (np.array([0.5]), np.array([0.5], np.float32), [np.float64(0.5)], ("1/2",)):
        assert NET.evaluate(point) == COMPILED.transformer.evaluate(point) == (Fraction(1, 2),)
    assert ef.Affine.of(np.eye(2), np.zeros(2)).weights.dense() == [[1, 0], [0, 1]]
