"""The documents say what is true: their files, proofs, commands and figures are extracted and checked."""

from __future__ import annotations

import doctest
import hashlib
import importlib
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import exactformer as ef
from exactformer import rational
from exactformer.cli import main
from exactformer.domain import read_domain
from exactformer.errors import Faults
from exactformer.formats import network_json
from exactformer.kernel import atoms, reading, statements
from exactformer.kernel.certificates import check_file
from exactformer.kernel.claims import Goal, follow
from exactformer.kernel.forms import constant_form, vector
from exactformer.kernel.networks import read_network
from exactformer.kernel.reading import Rejected
from exactformer.kernel.semantics import Semantics
from exactformer.prover.certificate import dump

ROOT = Path(__file__).parent.parent
CERTIFICATES = ROOT / "docs" / "certificate-1.md"
NETWORKS = ROOT / "docs" / "networks.md"
FUNCTIONS = ROOT / "docs" / "functions.md"


def blocks(document: Path) -> dict[str, str]:
    """The files in a document: the fenced blocks with a file name after the language."""
    text = document.read_text(encoding="utf-8")
    found = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == len(dict(found)), "every file once"
    return dict(found)


def consoles(document: Path) -> Iterator[list[str]]:
    """The console blocks of a document, as lines."""
    text = document.read_text(encoding="utf-8")
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield block.splitlines()


def written(document: Path, folder: Path) -> Path:
    """The files of a document, written to a folder."""
    for name, text in blocks(document).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


FILES = blocks(CERTIFICATES)
PROOFS = [name for name in FILES if "claim" in json.loads(FILES[name])]
THEOREMS = {
    "absolute-value/certificate.json": "any tie rule)",
    "positive-part/certificate.json": "any tie rule)",
    "positive-part/by-hand.json": "any tie rule)",
    "step/certificate.json": "tie rule average)",
    "tie/certificate.json": "at x = (0), left(x) = (1/2), right(x) = (1/3) (tie rule average); this refutes: "
    "for every x in the domain, left(x) = right(x)",
    "maximum/certificate.json": "for all x <= y in the domain that differ at most in x2, left(x) <= left(y) "
    "(real arithmetic, hard attention, any tie rule)",
    "maximum/refutation.json": "at x = (0, 0), y = (0, 1/2), left(x) = (0), left(y) = (1/2) (tie rule average); "
    "this refutes: for all x <= y in the domain that differ at most in x2, left(x) >= left(y)",
    "softmax/by-hand.json": "|left(x) - right(x)| <= 1/8 (real arithmetic, left: hard attention, any tie rule, "
    "right: softmax of base 2 at inverse temperature 4)",
    "softmax/refutation.json": "right(x) = (3/20) (left: hard attention, tie rule average, right: softmax of base 2 "
    "at inverse temperature 4); this refutes: for every x in the domain, |left(x) - right(x)| <= 1/16",
    "softmax/enclosed.json": "right(x) = (19/100 to 1/5) (left: hard attention, tie rule average, right: softmax "
    "at inverse temperature 4); this refutes: for every x in the domain, |left(x) - right(x)| <= 1/20",
    "chord/by-hand.json": "left(x) <= right(x) (real arithmetic, hard attention, any tie rule)",
    "chord/affine.json": "left(x) <= right(x) (real arithmetic, hard attention, any tie rule)",
    "sum-of-two/by-hand.json": "left(x) <= 1 (real arithmetic, hard attention, any tie rule)",
}
ONE_NETWORK = {"maximum", "sum-of-two"}
SIDES = [(name, side) for name in PROOFS for side in ("left", "right") if side in json.loads(FILES[name])]


# --- docs/certificate-1.md ------------------------------------------------------------------------


def test_every_proof_is_listed() -> None:
    assert sorted(PROOFS) == sorted(THEOREMS)


@pytest.mark.parametrize("name", PROOFS)
def test_kernel_accepts_the_proof(name: str, tmp_path: Path) -> None:
    theorem = check_file(written(CERTIFICATES, tmp_path) / name)
    assert theorem.statement.endswith(THEOREMS[name])
    assert theorem.statement in " ".join(CERTIFICATES.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("name", PROOFS)
def test_one_network_or_two(name: str) -> None:
    folder = {file for file in FILES if file.split("/")[0] == name.split("/")[0]} - {*PROOFS}
    size = 1 if name.split("/")[0] in ONE_NETWORK else 2
    assert len([side for proof, side in SIDES if proof == name]) == len(folder) == size


@pytest.mark.parametrize(("name", "side"), SIDES)
def test_digests_are_those_of_the_files(name: str, side: str) -> None:
    item = json.loads(FILES[name])[side]
    data = FILES[f"{name.split('/')[0]}/{item['file']}"].encode()
    assert hashlib.sha256(data).hexdigest() == item["sha256"]


@pytest.mark.parametrize(("name", "side"), SIDES)
def test_changed_byte_of_a_network_is_rejected(name: str, side: str, tmp_path: Path) -> None:
    path = written(CERTIFICATES, tmp_path) / name
    network = path.with_name(f"{side}.json")
    network.write_bytes(network.read_bytes().replace(b'"name":"', b'"name":"_', 1))
    with pytest.raises(Rejected, match="sha256"):
        check_file(path)


@pytest.mark.parametrize("name", [name for name in PROOFS if "point" in json.loads(FILES[name])])
def test_every_number_of_a_refutation_counts(name: str, tmp_path: Path) -> None:
    path = written(CERTIFICATES, tmp_path) / name
    value = json.loads(FILES[name])
    for key in ("point", "values"):
        for i, item in enumerate(value[key]):
            other = ["7"] if key == "values" else "7"
            path.write_text(json.dumps(value | {key: [*value[key][:i], other, *value[key][i + 1 :]]}))
            with pytest.raises(Rejected):
                check_file(path)
            assert item != other


@pytest.mark.parametrize("name", [name for name in PROOFS if "tree" in json.loads(FILES[name])])
def test_every_step_is_needed(name: str, tmp_path: Path) -> None:
    path = written(CERTIFICATES, tmp_path) / name
    value = json.loads(FILES[name])
    tree = value["tree"]
    for i in range(len(tree)):
        path.write_text(json.dumps(value | {"tree": tree[:i] + tree[i + 1 :]}))
        with pytest.raises(Rejected):
            check_file(path)
    path.write_text(json.dumps(value | {"tree": [*tree, ["holds"]]}))
    with pytest.raises(Rejected, match="no further step"):
        check_file(path)


@pytest.mark.parametrize("name", [name for name in PROOFS if '"1"]' in FILES[name]])
def test_every_multiplier_counts(name: str, tmp_path: Path) -> None:
    path = written(CERTIFICATES, tmp_path) / name
    for match in re.finditer(r'"1"\]', FILES[name]):
        path.write_text(FILES[name][: match.start()] + '"3"]' + FILES[name][match.end() :])
        with pytest.raises(Rejected):
            check_file(path)


@pytest.mark.parametrize("name", [name for name in FILES if name not in PROOFS])
def test_networks_are_as_the_tool_writes_them(name: str) -> None:
    network = network_json.parse(FILES[name].encode(), name)
    assert network_json.dump(network) == FILES[name]


@pytest.mark.parametrize(
    ("folder", "claim", "method", "verdict"),
    [
        ("absolute-value", "equal", "regions", "proved"),
        ("absolute-value", "equal", "structural", "proved"),
        ("positive-part", "equal", "lazy", "proved"),
        ("step", "equal", "auto", "proved"),
        ("tie", "equal", "auto", "refuted"),
        ("maximum", "increasing:x2", "lazy", "proved"),
    ],
)
def test_the_tool_finds_the_proof(folder: str, claim: str, method: str, verdict: str) -> None:
    names = [name for name in (f"{folder}/left.json", f"{folder}/right.json") if name in FILES]
    networks = [network_json.parse(FILES[name].encode(), name) for name in names]
    outcome = ef.verify(*networks, claim=claim, method=method, cross_check=())
    assert outcome.verdict == verdict
    assert outcome.certificate is not None
    if method == "structural":
        assert outcome.certificate["tree"] == [["holds"]]
    else:
        assert json.loads(dump(outcome.certificate)) == json.loads(FILES[f"{folder}/certificate.json"])


def test_third_token_ties_unless_leftmost() -> None:
    left, right = (network_json.parse(FILES[f"tie/{side}.json"].encode(), side) for side in ("left", "right"))
    assert ef.verify(left, right, tie="leftmost").verdict == "proved"


def root(name: str) -> Goal:
    """The whole domain of a certificate, as the kernel sees it."""
    value = json.loads(FILES[name])
    files = [f"{name.split('/')[0]}/{value[side]['file']}" for side in ("left", "right") if side in value]
    networks = [read_network(FILES[file].encode(), file) for file in files]
    domain = statements.read_domain(value["domain"], "domain", networks[0].inputs)
    parameters = value.get("parameters", {})
    semantics = [Semantics(value["tie"])]
    return Goal.of(statements.read_statement(value["claim"], parameters, networks, domain, semantics, name))


def test_places_and_atoms_of_the_walkthroughs() -> None:
    goal = root("absolute-value/certificate.json")
    assert goal.cell.places == {"L0.u0": 2, "L0.u1": 3, "R0.h0.q0": 4}
    assert {v: form.terms for v, form in goal.cell.atoms.alias.items()} == {3: {2: 1, 1: -1}, 4: {2: 2, 1: -1}}
    assert not any(form.terms for form in goal.conclusions)
    goal = root("positive-part/certificate.json")
    assert goal.cell.places == {"L0.u0": 2, "L1.u0": 3, "R0.u0": 2}
    assert not goal.cell.atoms.alias
    assert not goal.cell.rows
    assert [form.terms for form in goal.conclusions] == [{3: 1, 2: -1}]
    goal = root("step/certificate.json")
    assert goal.runs[0].stuck is not None
    assert goal.runs[0].stuck.place == "L0.h0.q0"
    assert list(goal.runs[0].stuck.scores) == [0, 1]
    assert goal.runs[1].stuck is None
    stuck = [list(child().stuck or {}) for child in goal.compare(0, 1)]
    assert stuck == [[0, 2], [0, 1, 2], [1, 2]]
    goal = root("maximum/certificate.json")
    assert goal.cell.places == {"L0.h0.q0": 4, "R0.h0.q0": 5}
    assert not goal.cell.atoms.alias
    assert [(form.terms, strict) for form, strict in goal.cell.rows] == [({3: 1, 2: -1}, False)]
    assert [form.terms for form in goal.conclusions] == [{5: 1, 4: -1}]
    assert [[form.terms for form in child().obligations()] for child in goal.gate("L0.h0.q0")] == [
        [{5: 1, 1: -1}],
        [{5: 1, 2: -1}],
    ]
    goal = root("sum-of-two/by-hand.json")
    assert goal.cell.places == {"L0.u0": 3, "L0.u1": 4}
    assert [form.terms for form in goal.conclusions] == [{0: 1, 3: -1, 4: -1}]
    for number, step in enumerate(json.loads(FILES["sum-of-two/by-hand.json"])["tree"][:2]):
        (child,) = follow(goal, step, "tree")
        goal = child()
        assert len(goal.cell.rows) == 6 + number
        assert goal.cell.rows[-1][0].terms == {0: 1, 1 + number: 1, 3 + number: -2}


def test_claims_of_the_tables_are_those_of_the_kernel() -> None:
    section = CERTIFICATES.read_text(encoding="utf-8").split("### 4.1 Claims")[1].split("## 5 ")[0]
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section.splitlines() if line.startswith("| `")]
    rows = [[cell.strip(" `").replace("\\|", "|") for cell in line] for line in lines]
    meanings, texts = rows[: len(statements.CLAIMS)], rows[len(statements.CLAIMS) :]
    assert [name for name, *_ in meanings] == [name for name, *_ in texts] == list(statements.CLAIMS)
    network = read_network(FILES["maximum/left.json"].encode(), "left")
    domain = statements.read_domain({"lower": [0, 0], "upper": [1, 1]}, "domain", 2)
    some: dict[str, Any] = {"epsilon": 5, "lower": [7], "upper": [11], "permutation": [1, 0], "inputs": [0, 1]}
    some["rules"] = ["leftmost", "rightmost"]
    some["sets"] = [{"matrix": [[17], [19]], "bounds": [23, 29]}]
    points = {"x": [{1: 1}, {2: 1}], "y": [{3: 1}, {4: 1}], "Px": [{2: 1}, {1: 1}]}
    points["(x + y)/2"] = [{1: 1, 3: 1}, {2: 1, 4: 1}]
    for (name, parameters, evaluations, conclusions), (_, text) in zip(meanings, texts, strict=True):
        number, keys, _ = statements.CLAIMS[name]
        assert (tuple(re.findall(r"[a-z]+", parameters)), "right" in evaluations) == (keys, number == 2)
        given = {key: some[key] for key in keys}
        statement = statements.read_statement(name, given, [network] * number, domain, [Semantics("average")], "claim")
        found = re.findall(r"([LRM]): (?:left|right) at (\(x \+ y\)/2|Px|x|y)", evaluations)
        assert [job.side for job in statement.jobs] == [side for side, _ in found]
        assert [[form.terms for form in job.inputs] for job in statement.jobs] == [points[at] for _, at in found]
        assert [job.semantics.tie for job in statement.jobs] == given.get("rules", ["average"] * len(found))
        outputs = {side: [13 * 10**i] for i, (side, _) in enumerate(found)}
        said = re.findall(r"all (.+?) (>=|=|>) 0", conclusions)
        assert {relation for _, relation in said} == {"=" if statement.equations else ">" if statement.groups else ">="}
        if name == "avoids":
            assert said == [("U_j", ">")] and statement.groups == (2,)
            said = [("17 * L_k - 23", ">"), ("19 * L_k - 29", ">")]
        formulas = [re.sub("([LRM])_k", r"\1[k]", formula.replace("2 ", "2 * ")) for formula, _ in said]
        values = [eval(formula, {"k": 0, **given, **outputs}) for formula in formulas]
        forms = statement.conclusions([vector(map(constant_form, output)) for output in outputs.values()])
        assert [form.constant() for form in forms] == values
        names = "x2, x1" if name == "invariant" else "x1, x2"
        given_sets = ("SETS", "(17 y1 <= 23 and 19 y1 <= 29)")
        for word, meaning in (("EPSILON", "5"), ("LOWER", "7"), ("UPPER", "11"), ("NAMES", names), given_sets):
            text = text.replace(word, meaning)
        text = re.sub(r"\[.*?\]", "", text)  # not said here: all inputs are free
        assert statement.text == text.replace("RULE and RULE", "leftmost and rightmost")


def test_limits_are_those_of_the_kernel() -> None:
    limits = re.findall(
        r"^\| (?!limit|-)([^|]+) \| ([^|]+) \|$", CERTIFICATES.read_text().split("\n## 10 ")[1], re.MULTILINE
    )
    said = dict(limits[:5])
    assert (said["a file"], reading.MAX_BYTES) == ("2^28 bytes", 1 << 28)
    assert said["a number as text"].startswith(f"{reading.MAX_DIGITS} characters")
    assert said["a number as text"].endswith(f"from -{reading.MAX_EXPONENT} to {reading.MAX_EXPONENT}")
    assert (said["a multiplier"], reading.MAX_HEX) == ("2^16 hexadecimal digits", 1 << 16)
    assert (said["a side of a sparse matrix"], reading.MAX_SIDE) == ("less than 2^20", 1 << 20)
    assert f"In a list of at most {atoms.LEADERS} forms all are leaders." in CERTIFICATES.read_text()


# --- docs/networks.md -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(blocks(NETWORKS)))
def test_example_file_is_read(name: str, tmp_path: Path) -> None:
    path = written(NETWORKS, tmp_path) / name
    if path.suffix == ".json" and "format" not in json.loads(path.read_text()):
        faults = Faults()
        read_domain(json.loads(path.read_text()), "domain", None, faults)
        faults.settle()
        return
    network = ef.load(path)
    if path.suffix == ".json":
        own = read_network(path.read_bytes(), name)
        assert (own.inputs, own.outputs) == (network.inputs, network.outputs)
    else:
        assert network.domain == ef.Box([-1, 0], [1, 10])


def test_nnet_is_the_function_written_there(tmp_path: Path) -> None:
    network = ef.load(written(NETWORKS, tmp_path) / "tiny.nnet")
    for x in ("-3", "-1", "-1/3", "1", "7/2"):
        for y in ("-2", "0", "4.99", "5", "5.01", "12"):
            a, b = rational.rational(x), rational.rational(y)
            first, second = max(a / 2 + rational.rational("1/2"), 0), max(-10 * (b - 5), 0)
            assert network.evaluate([x, y]) == ((first - second + rational.rational("1/4")) * 3 + 100,)


ANSWERED = [(document, lines) for document in (NETWORKS, FUNCTIONS) for lines in consoles(document)]


@pytest.mark.parametrize(("document", "lines"), ANSWERED, ids=[lines[0] for _, lines in ANSWERED])
def test_command_answers_as_written(
    document: Path,
    lines: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(written(document, tmp_path))
    program, *words = shlex.split(lines[0].removeprefix("$ "))
    assert program == "exactformer"
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[: len(lines) - 1] == lines[1:]


def test_approximations_answer_as_written() -> None:
    failed, tried = doctest.testfile(str(ROOT / "docs" / "approximation.md"), module_relative=False)
    assert tried == 8 and not failed


def test_functions_answer_as_written() -> None:
    failed, tried = doctest.testfile(str(FUNCTIONS), module_relative=False)
    assert tried > 10 and not failed


# --- commands in all documents --------------------------------------------------------------------


def commands() -> list[str]:
    """Every command `exactformer ...` in a console block of the README and the documents."""
    found = []
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for block in consoles(document) if document.exists() else ():
            lines = [line.removeprefix("$ ") for line in block if line.startswith("$ ")]
            parts = [part for line in lines for part in re.split(r"&&|\|\||[|;]", line)]
            found += [part.strip() for part in parts if re.match(r"\s*(\S*/)?exactformer\s", part)]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("command", commands())
def test_command_has_only_options_that_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *words = shlex.split(command, comments=True)[1:]
    with pytest.raises(SystemExit) as stopped:
        main(["--help"] if name.startswith("-") else [name, "--help"])
    assert stopped.value.code == 0
    known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", capsys.readouterr().out))
    options = {word.split("=")[0] for word in [name, *words] if re.match(r"--?[a-z]", word)}
    assert options <= known


# --- what the documents show ----------------------------------------------------------------------

DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


def names() -> list[str]:
    """Every name below `ef` or `exactformer` in the documents, also those that a sentence lists for a module."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        found += [f"exactformer.{name}" for name in re.findall(r"\bef\.([A-Za-z_.]+\w)", text)]
        found += re.findall(r"\bexactformer\.[A-Za-z_.]*\w", re.sub(r"exactformer\.(readthedocs|git)\S*", "", text))
        for module, listed in re.findall(r"^(?:>>> )?from (exactformer[\w.]*) import ([\w, ]+)$", text, re.MULTILINE):
            found += [f"{module}.{name.strip()}" for name in listed.split(",")]
        for module, listed in re.findall(r"`(exactformer[\w.]*)` also\s+has\s([^.]*)\.", text):
            found += [f"{module}.{name}" for name in re.findall(r"`(\w+)`", listed)]
        for name, module in re.findall(r"`(\w+)` in `(exactformer[\w.]*)`", text):
            found.append(f"{module}.{name}")
    return sorted(set(found) - {"exactformer.py"})


@pytest.mark.parametrize("name", names())
def test_name_can_be_imported(name: str) -> None:
    parts = name.split(".")
    value: Any = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], start=2):
        try:
            value = getattr(value, part)
        except AttributeError:
            value = importlib.import_module(".".join(parts[:i]))


# The others show inputs that the repository does not have.
SHOWN = {"README.md", "claims.md", "building.md", "softmax.md", "distance.md", "approximation.md"}


def shown() -> Iterator[tuple[str, list[str]]]:
    """A command of a console block with the lines printed below it."""
    for document in DOCUMENTS:
        for block in consoles(document) if document.name in SHOWN else ():
            starts = [i for i, line in enumerate(block) if line.startswith("$ ")]
            for i, end in zip(starts, [*starts[1:], len(block)], strict=True):
                if end > i + 1:
                    yield document.name, [block[i].rpartition("&& ")[2].removeprefix("$ "), *block[i + 1 : end]]


def untimed(lines: list[str]) -> list[str]:
    """The lines without times, and with two digits of a point found by a search in floats, which differs by machine."""
    timeless = [re.sub(r"\d+\.\d\d s", "T s", line) for line in lines]
    return [
        re.sub(r"~-?\d+\.\d+", lambda m: f"~{float(m[0][1:]):.2g}", line) if line.startswith("  at least ") else line
        for line in timeless
    ]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the proofs, and with the files that the documents describe."""
    shutil.copytree(ROOT / "proofs", tmp_path / "proofs")
    wrong = json.loads((tmp_path / "proofs/iris/right.json").read_text())
    key = wrong["blocks"][1]["heads"][3]["key"]
    change = [0, 0, "1/1048576"]
    key["entries"] = [change, *key["entries"]] if isinstance(key, dict) else None
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    claims = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    (family,) = re.findall(r"^```python\n(\"\"\"ReLU.*?)^```$", claims, re.MULTILINE | re.DOTALL)
    (tmp_path / "family.py").write_text(family)
    monkeypatch.chdir(tmp_path)
    (rounding,) = re.findall(r"^```python\n(.*?)^apart = ", (ROOT / "docs" / "distance.md").read_text(), re.M | re.S)
    exec(rounding)  # writes rounded.json
    return tmp_path


@pytest.mark.parametrize(
    ("document", "lines"), list(shown()), ids=lambda value: value if isinstance(value, str) else value[0]
)
def test_output_is_as_shown(document: str, lines: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if document == "building.md":
        doctest.testfile(str(ROOT / "docs" / document), module_relative=False)  # writes its two networks
    if "--draw" in lines[0]:
        pytest.importorskip("matplotlib")
    if "check count" in lines[0]:
        main(["regions", "proofs/maxout-rank-3/left.json", "--certificate", "count"])
    if "check exp-proof" in lines[0]:
        main(["approximate", "exp(x)", "--epsilon", "1/10000", "--box", "0", "3", "--hard", "--out", "exp-proof"])
    if "exactformer chain" in lines[0]:
        sides = (f"proofs/absolute-value/{side}.json" for side in ("left", "right"))
        main(["distance", *sides, "--right-temperature", "8"])
    capsys.readouterr()
    main(shlex.split(lines[0])[1:])
    assert untimed(capsys.readouterr().out.splitlines()) == untimed(lines[1:])
