"""The documents say what is true: their files, proofs, commands and figures are extracted and checked."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import exactformer as ef
from exactformer import rational
from exactformer.cli import main
from exactformer.domain import read_domain
from exactformer.errors import Faults
from exactformer.formats import network_json
from exactformer.kernel import reading
from exactformer.kernel.claims import Domain, Goal, check_file
from exactformer.kernel.networks import read_network
from exactformer.kernel.reading import Rejected
from exactformer.prover.certificate import dump

ROOT = Path(__file__).parent.parent
CERTIFICATES = ROOT / "docs" / "certificate-1.md"
NETWORKS = ROOT / "docs" / "networks.md"


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
    "tie/certificate.json": "at x = (0), left(x) = (1/2) and right(x) = (1/3) (tie rule average)",
}


# --- docs/certificate-1.md ------------------------------------------------------------------------


def test_every_proof_is_listed() -> None:
    assert sorted(PROOFS) == sorted(THEOREMS)


@pytest.mark.parametrize("name", PROOFS)
def test_kernel_accepts_the_proof(name: str, tmp_path: Path) -> None:
    theorem = check_file(written(CERTIFICATES, tmp_path) / name)
    assert theorem.statement.endswith(THEOREMS[name])
    assert theorem.statement in " ".join(CERTIFICATES.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("name", PROOFS)
def test_digests_are_those_of_the_files(name: str) -> None:
    for side in ("left", "right"):
        item = json.loads(FILES[name])[side]
        data = FILES[f"{name.split('/')[0]}/{item['file']}"].encode()
        assert hashlib.sha256(data).hexdigest() == item["sha256"]


@pytest.mark.parametrize("name", PROOFS)
@pytest.mark.parametrize("side", ["left.json", "right.json"])
def test_changed_byte_of_a_network_is_rejected(name: str, side: str, tmp_path: Path) -> None:
    path = written(CERTIFICATES, tmp_path) / name
    network = path.with_name(side)
    network.write_bytes(network.read_bytes().replace(b'"name":"', b'"name":"_', 1))
    with pytest.raises(Rejected, match="sha256"):
        check_file(path)


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
    ("folder", "method", "verdict"),
    [
        ("absolute-value", "regions", "proved"),
        ("absolute-value", "structural", "proved"),
        ("positive-part", "lazy", "proved"),
        ("step", "auto", "proved"),
        ("tie", "auto", "refuted"),
    ],
)
def test_the_tool_finds_the_proof(folder: str, method: str, verdict: str) -> None:
    left, right = (network_json.parse(FILES[f"{folder}/{side}.json"].encode(), side) for side in ("left", "right"))
    outcome = ef.verify(left, right, method=method, confirm_seconds=0, timeout=60)
    assert outcome.verdict == verdict
    assert outcome.certificate is not None
    if method == "structural":
        assert outcome.certificate["tree"] == [["holds"]]
    else:
        assert json.loads(dump(outcome.certificate)) == json.loads(FILES[f"{folder}/certificate.json"])


def test_third_token_ties_unless_leftmost() -> None:
    left, right = (network_json.parse(FILES[f"tie/{side}.json"].encode(), side) for side in ("left", "right"))
    assert ef.verify(left, right, tie="leftmost", timeout=60).verdict == "proved"


def root(folder: str) -> Goal:
    left, right = (read_network(FILES[f"{folder}/{side}.json"].encode(), side) for side in ("left", "right"))
    ends = [None] if folder == "positive-part" else [rational.rational(1)]
    lower = [None if x is None else -x for x in ends]
    return Goal.of(left, right, Domain(lower, list(ends), [], []), "average")


def test_places_and_atoms_of_the_walkthroughs() -> None:
    goal = root("absolute-value")
    assert goal.cell.places == {"L0.u0": 2, "L0.u1": 3, "R0.h0.q0": 4, "R0.h0.q1": 4}
    assert {v: form.terms for v, form in goal.cell.atoms.alias.items()} == {3: {2: 1, 1: -1}, 4: {2: 2, 1: -1}}
    assert not any(form.terms for form in goal.differences)
    goal = root("positive-part")
    assert goal.cell.places == {"L0.u0": 2, "L1.u0": 3, "R0.u0": 2}
    assert not goal.cell.atoms.alias
    assert not goal.cell.rows
    goal = root("step")
    assert goal.left.stuck is not None
    assert goal.left.stuck.place == "L0.h0.q0"
    assert list(goal.left.stuck.scores) == [0, 1]
    assert goal.right.stuck is None
    stuck = [list(child.stuck or {}) for child in goal.compare(0, 1)]
    assert stuck == [[0, 2], [0, 1, 2], [1, 2]]


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


@pytest.mark.parametrize("lines", list(consoles(NETWORKS)), ids=lambda lines: lines[0])
def test_command_answers_as_written(
    lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(written(NETWORKS, tmp_path))
    program, *words = shlex.split(lines[0].removeprefix("$ "))
    assert program == "exactformer"
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[: len(lines) - 1] == lines[1:]


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
